/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking rights away, without taking those of others with them. */
#ifndef WEFT_REVOKE_H
#define WEFT_REVOKE_H

#include "roster.h"

/* The key is in wrong hands: whom it admitted, it may have admitted for those. */
#define WEFT_COMPROMISED 1

/**
 * struct weft_loss - somebody who is no member any more because another was revoked
 * @id:		who
 * @error:	why it was not admitted again; 0: because of WEFT_COMPROMISED
 */
struct weft_loss {
	struct weft_id id;
	int error;
};

/**
 * struct weft_losses - what weft_revoke() could not keep
 * @at:		who is a member no more
 * @count:	how many those are
 * @unsaid:	how many revocations, removals and other grants there was no room to say again
 */
struct weft_losses {
	struct weft_loss *at;
	size_t count;
	size_t unsaid;
};

int weft_revoke(struct weft_roster *roster, const struct weft_id *subject,
		const struct weft_identity *admin, uint64_t now, unsigned int flags,
		struct weft_losses *losses);
void weft_losses_free(struct weft_losses *losses);
int weft_leave(struct weft_roster *roster, const struct weft_identity *member, uint64_t now);
int weft_epoch_make(struct weft_record **record, const struct weft_roster *roster,
		    const uint8_t secret[32], const struct weft_identity *admin, uint64_t now);

#endif /* WEFT_REVOKE_H */
