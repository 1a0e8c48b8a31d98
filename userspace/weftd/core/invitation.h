/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joining: an admin's invitation, its secret, and what a joiner makes of the two. */
#ifndef WEFT_INVITATION_H
#define WEFT_INVITATION_H

#include "roster.h"

/**
 * struct weft_invitation_keys - what an invitation's secret stands for
 * @sign:	signs the admission of who joins
 * @tunnel:	the joiner's key in its first session
 */
struct weft_invitation_keys {
	struct weft_identity sign;
	struct weft_tunnel tunnel;
};

void weft_invitation_keys(struct weft_invitation_keys *keys, const uint8_t secret[WEFT_SEED_LEN]);
void weft_invitation_keys_wipe(struct weft_invitation_keys *keys);
bool weft_invitation_matches(const struct weft_record *invitation,
			     const uint8_t secret[WEFT_SEED_LEN]);
int weft_invitation_make(struct weft_record **invitation, const struct weft_fields *grant,
			 const uint8_t secret[WEFT_SEED_LEN], const struct weft_identity *admin);
int weft_invitation_redeem(struct weft_record **admission, const struct weft_record *invitation,
			   const uint8_t secret[WEFT_SEED_LEN], const struct weft_identity *joiner,
			   const char *name, const uint8_t *ipv4, uint64_t now);
int weft_invitation_check(const struct weft_roster *roster, const struct weft_record *invitation,
			  const struct weft_id *joiner, uint64_t now);

#endif /* WEFT_INVITATION_H */
