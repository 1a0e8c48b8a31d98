/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking rights away, without taking those of others with them. */
#ifndef WEFT_REVOKE_H
#define WEFT_REVOKE_H

#include "roster.h"

int weft_revoke(struct weft_roster *roster, const struct weft_id *subject,
		const struct weft_identity *admin, uint64_t now);
int weft_leave(struct weft_roster *roster, const struct weft_identity *member, uint64_t now);

#endif /* WEFT_REVOKE_H */
