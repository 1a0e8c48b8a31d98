/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Anti-replay window over 64-bit counters, as the WireGuard paper (section
 * 5.4.6) asks for and RFC 6479 describes: a bitmap used as a ring of words, so
 * that the window slides by clearing whole words and nothing is ever shifted.
 */
#ifndef _WEFT_REPLAY_H
#define _WEFT_REPLAY_H

#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Bits in the ring; a power of two. */
#define WEFT_REPLAY_BITS	8192
#define WEFT_REPLAY_WORDS	(WEFT_REPLAY_BITS / BITS_PER_LONG)

/*
 * How far below the highest accepted counter a late one may be. The word that
 * holds the highest counter may have one bit in use only, so one word less
 * than the ring is certain to be remembered.
 */
#define WEFT_REPLAY_WINDOW	(WEFT_REPLAY_BITS - BITS_PER_LONG)

/*
 * Counters from here on are refused: Reject-After-Messages of the paper, kept
 * so far below 2^64 that no sum of a counter and the window wraps.
 */
#define WEFT_REPLAY_LIMIT	(U64_MAX - WEFT_REPLAY_WINDOW - 1)

/**
 * struct weft_replay - counters that one receiving session has seen
 * @counter: one above the highest counter accepted, 0 before the first; may be
 *	read without the lock by READ_ONCE() where a stale value does no harm
 * @bitmap: ring of bits, the bit of counter c at c modulo WEFT_REPLAY_BITS;
 *	only the words of the last WEFT_REPLAY_BITS counters mean anything
 */
struct weft_replay {
	/** @lock: protects the other members; taken with bottom halves off */
	spinlock_t lock;
	u64 counter;
	unsigned long bitmap[WEFT_REPLAY_WORDS];
};

void weft_replay_init(struct weft_replay *r);
bool weft_replay_check(struct weft_replay *r, u64 counter);

#endif /* _WEFT_REPLAY_H */
