/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Randomness from a seed, so that a node does the same again with the same inputs. */
#ifndef WEFT_RANDOM_H
#define WEFT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* @key: makes the next bytes, and its own successor; who reads it learns nothing of earlier ones. */
struct weft_random {
	uint8_t key[32];
};

void weft_random_seed(struct weft_random *random, const uint8_t seed[32]);
void weft_random_bytes(struct weft_random *random, void *bytes, size_t len);
uint64_t weft_random_below(struct weft_random *random, uint64_t bound);
uint64_t weft_random_about(struct weft_random *random, uint64_t mean);

#endif /* WEFT_RANDOM_H */
