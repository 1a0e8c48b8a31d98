// SPDX-License-Identifier: GPL-2.0
/* Anti-replay window: RFC 6479. */
#include "replay.h"

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/math.h>
#include <linux/string.h>

/**
 * weft_replay_init() - start with a window that has seen nothing
 * @r: window; not in use yet
 */
void weft_replay_init(struct weft_replay *r)
{
	/* Ring positions are found by mask. */
	BUILD_BUG_ON_NOT_POWER_OF_2(WEFT_REPLAY_BITS);

	spin_lock_init(&r->lock);
	r->counter = 0;
	memset(r->bitmap, 0, sizeof(r->bitmap));
}

/**
 * weft_replay_check() - accept a counter once
 * @r: window of the session that the message belongs to
 * @counter: counter of a message that has been authenticated: an unproven one
 *	must not move the window
 *
 * Context: bottom halves disabled; takes @r->lock.
 * Return: true if the counter is new, and now marked as seen; false if it was
 * seen, is too old to know, or is at or above WEFT_REPLAY_LIMIT.
 */
bool weft_replay_check(struct weft_replay *r, u64 counter)
{
	u64 word = counter / BITS_PER_LONG;
	bool fresh = false;
	unsigned int i;
	u64 next;

	if (unlikely(counter >= WEFT_REPLAY_LIMIT))
		return false;

	spin_lock(&r->lock);

	/* Cannot wrap: see WEFT_REPLAY_LIMIT. */
	if (unlikely(counter + WEFT_REPLAY_WINDOW + 1 < r->counter))
		goto out;

	if (likely(counter >= r->counter)) {
		/*
		 * Clear the words between the last one in use and the one of
		 * the new counter, that included; after a jump of a whole ring
		 * or more, each word once.
		 */
		next = DIV_ROUND_UP_ULL(r->counter, BITS_PER_LONG);
		for (i = 0; i < WEFT_REPLAY_WORDS && next + i <= word; i++)
			r->bitmap[(next + i) % WEFT_REPLAY_WORDS] = 0;
		WRITE_ONCE(r->counter, counter + 1);
	}

	fresh = !__test_and_set_bit(counter % WEFT_REPLAY_BITS, r->bitmap);
out:
	spin_unlock(&r->lock);
	return fresh;
}
