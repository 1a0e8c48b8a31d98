/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of something is let through. */
#ifndef WEFT_BUCKET_H
#define WEFT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct weft_bucket - tokens that come back with time
 * @at_ms:	when @spent was right
 * @spent:	thousandths of tokens that are missing; all zero is a full bucket
 */
struct weft_bucket {
	uint64_t at_ms;
	uint64_t spent;
};

/* @rate: tokens a second. Return: whether there were @cost tokens; they are gone then. */
static inline bool weft_bucket_take(struct weft_bucket *bucket, uint64_t now_ms, uint64_t cost,
				    uint64_t rate, uint64_t burst)
{
	uint64_t passed = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;

	/* an hour fills any bucket, and does not overflow */
	if (passed > 3600000)
		passed = 3600000;
	bucket->spent -= bucket->spent < passed * rate ? bucket->spent : passed * rate;
	bucket->at_ms = now_ms;
	if (bucket->spent + 1000 * cost > 1000 * burst)
		return false;
	bucket->spent += 1000 * cost;
	return true;
}

#endif /* WEFT_BUCKET_H */
