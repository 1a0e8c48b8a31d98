/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine keeps over a restart: the bytes, not the files. */
#ifndef WEFT_STATE_H
#define WEFT_STATE_H

#include "roster.h"

/**
 * struct weft_secrets - what a machine never tells
 * @network:	of which network
 * @identity:	seed of the identity key
 * @tunnel:	seed of the tunnel key
 * @has_root:	whether there is @root
 * @root:	seed of the network's key, on the machine that made it
 * @has_epoch:	whether there is @epoch
 * @epoch:	the network's secret
 * @sequence:	of the last announcement; the next one must be greater, also after a crash
 */
struct weft_secrets {
	struct weft_id network;
	uint8_t identity[WEFT_SEED_LEN];
	uint8_t tunnel[WEFT_SEED_LEN];
	bool has_root;
	uint8_t root[WEFT_SEED_LEN];
	bool has_epoch;
	uint8_t epoch[32];
	uint64_t sequence;
};

#define WEFT_SECRETS_BYTES 512

int weft_secrets_encode(void *bytes, size_t size, size_t *len, const struct weft_secrets *secrets);
int weft_secrets_decode(struct weft_secrets *secrets, const void *bytes, size_t len);
void weft_secrets_wipe(struct weft_secrets *secrets);

int weft_roster_encode(const struct weft_roster *roster, uint8_t **bytes, size_t *len);
int weft_roster_decode(struct weft_roster *roster, const void *bytes, size_t len, size_t *taken);

#endif /* WEFT_STATE_H */
