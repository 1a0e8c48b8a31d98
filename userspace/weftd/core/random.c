// SPDX-License-Identifier: GPL-2.0-or-later
/* A generator whose key is replaced at each use. */
#include <sodium.h>
#include <string.h>

#include "identity.h"
#include "random.h"

#define CHUNK 64

/* Mixed in: an attacker who knows the one and chooses the other learns nothing. */
void weft_random_seed(struct weft_random *random, const uint8_t seed[32])
{
	weft_hash(random->key, sizeof(random->key), "weft/1/random",
		  (struct weft_part){ random->key, sizeof(random->key) },
		  (struct weft_part){ seed, 32 });
}

static void random_chunk(struct weft_random *random, void *bytes, size_t len)
{
	uint8_t out[sizeof(random->key) + CHUNK];

	randombytes_buf_deterministic(out, sizeof(random->key) + len, random->key);
	memcpy(random->key, out, sizeof(random->key));
	memcpy(bytes, out + sizeof(random->key), len);
	sodium_memzero(out, sizeof(out));
}

void weft_random_bytes(struct weft_random *random, void *bytes, size_t len)
{
	size_t part;

	for (; len; len -= part, bytes = (uint8_t *)bytes + part) {
		part = len < CHUNK ? len : CHUNK;
		random_chunk(random, bytes, part);
	}
}

/* From 0 up to, and without, @bound, which is small compared to 2^64. */
uint64_t weft_random_below(struct weft_random *random, uint64_t bound)
{
	uint64_t number;

	weft_random_bytes(random, &number, sizeof(number));
	return bound ? number % bound : 0;
}

/* From a half to one and a half of @mean: so that machines that began together do not go on so. */
uint64_t weft_random_about(struct weft_random *random, uint64_t mean)
{
	return mean / 2 + weft_random_below(random, mean + 1);
}
