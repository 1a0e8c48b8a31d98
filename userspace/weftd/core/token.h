/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text that "weft join" takes. */
#ifndef WEFT_TOKEN_H
#define WEFT_TOKEN_H

#include "record.h"

#define WEFT_TOKEN_HINTS 4
#define WEFT_TOKEN_PREFIX "weft1"
/* What is in a token at most, and its text with the terminating zero. */
#define WEFT_TOKEN_BYTES (WEFT_MAX_RECORD + 2048)
#define WEFT_TOKEN_TEXT (sizeof(WEFT_TOKEN_PREFIX) + (WEFT_TOKEN_BYTES + 2) / 3 * 4)

/**
 * struct weft_hint - a member that may be reached
 * @identity:	who it is
 * @tunnel:	its Curve25519 key
 * @endpoints:	where it was
 */
struct weft_hint {
	struct weft_id identity;
	struct weft_tunnel_key tunnel;
	struct weft_endpoints endpoints;
};

/**
 * struct weft_token - all that a machine needs to join
 * @network:	which network
 * @secret:	of the invitation
 * @invitation:	the record: whoever lets the joiner in may not have it
 * @hints:	members
 * @hint_count:	see @hints
 * @has_epoch:	whether there is @epoch
 * @epoch:	the network's secret, to find members that have moved
 */
struct weft_token {
	struct weft_id network;
	uint8_t secret[WEFT_SEED_LEN];
	struct weft_record *invitation;
	struct weft_hint hints[WEFT_TOKEN_HINTS];
	unsigned int hint_count;
	bool has_epoch;
	uint8_t epoch[32];
};

int weft_token_encode(char text[WEFT_TOKEN_TEXT], const struct weft_token *token);
int weft_token_decode(struct weft_token *token, const char *text);
void weft_token_wipe(struct weft_token *token);

#endif /* WEFT_TOKEN_H */
