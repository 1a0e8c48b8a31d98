// SPDX-License-Identifier: GPL-2.0
/* Replay window, against its definition and a table of what was seen. */
#include "weft_kunit.h"

#include <linux/random.h>
#include <linux/vmalloc.h>

#include "../../../kmod/replay.c"

#define W	WEFT_REPLAY_WINDOW

static struct weft_replay *weft_replay_new(struct kunit *test)
{
	struct weft_replay *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	weft_replay_init(r);
	return r;
}

/* As softirqs do: they share the lock. */
static bool check(struct weft_replay *r, u64 counter)
{
	bool fresh;

	local_bh_disable();
	fresh = weft_replay_check(r, counter);
	local_bh_enable();
	return fresh;
}

static void replay_in_order(struct kunit *test)
{
	struct weft_replay *r = weft_replay_new(test);
	u64 i;

	for (i = 0; i < 3 * WEFT_REPLAY_BITS; i++) {
		KUNIT_ASSERT_TRUE(test, check(r, i));
		KUNIT_ASSERT_FALSE(test, check(r, i));
		KUNIT_ASSERT_EQ(test, r->counter, i + 1);
	}
}

static void replay_out_of_order(struct kunit *test)
{
	struct weft_replay *r = weft_replay_new(test);
	u64 i;

	/* From the top of the window down to its lowest counter, then again. */
	for (i = W + 1; i-- > 0;)
		KUNIT_ASSERT_TRUE(test, check(r, i));
	for (i = 0; i <= W; i++)
		KUNIT_ASSERT_FALSE(test, check(r, i));
	/* Every second one, then those between. */
	for (i = W + 2; i < 2 * W; i += 2)
		KUNIT_ASSERT_TRUE(test, check(r, i));
	for (i = W + 1; i < 2 * W; i += 2)
		KUNIT_ASSERT_TRUE(test, check(r, i));
	for (i = W; i < 2 * W; i++)
		KUNIT_ASSERT_FALSE(test, check(r, i));
}

static void replay_window_edge(struct kunit *test)
{
	struct weft_replay *r;
	u64 top;

	/* The highest counter at each place in its word. */
	for (top = 5 * WEFT_REPLAY_BITS;
	     top <= 5 * WEFT_REPLAY_BITS + 2 * BITS_PER_LONG; top++) {
		r = weft_replay_new(test);
		KUNIT_EXPECT_TRUE(test, check(r, top));
		KUNIT_EXPECT_FALSE(test, check(r, top - W - 1));
		KUNIT_EXPECT_TRUE(test, check(r, top - W));
		KUNIT_EXPECT_FALSE(test, check(r, top - W));
		KUNIT_EXPECT_FALSE(test, check(r, 0));
		/* One more, and the lowest has left the window. */
		KUNIT_EXPECT_TRUE(test, check(r, top + 1));
		KUNIT_EXPECT_FALSE(test, check(r, top - W));
		KUNIT_EXPECT_TRUE(test, check(r, top - W + 1));
		kunit_kfree(test, r);
	}
}

static void replay_far_jumps(struct kunit *test)
{
	static const u64 jumps[] = {
		1, BITS_PER_LONG - 1, BITS_PER_LONG, BITS_PER_LONG + 1,
		W - 1, W, W + 1, WEFT_REPLAY_BITS - 1, WEFT_REPLAY_BITS,
		WEFT_REPLAY_BITS + 1, 2 * WEFT_REPLAY_BITS,
		BIT_ULL(32), BIT_ULL(32) + 1, BIT_ULL(48),
	};
	struct weft_replay *r;
	unsigned int i;
	u64 c, top;

	for (i = 0; i < ARRAY_SIZE(jumps); i++) {
		r = weft_replay_new(test);
		/* A full window, so that bits left over would be seen. */
		for (c = 0; c < WEFT_REPLAY_BITS; c++)
			KUNIT_ASSERT_TRUE(test, check(r, c));
		top = WEFT_REPLAY_BITS - 1 + jumps[i];
		KUNIT_EXPECT_TRUE_MSG(test, check(r, top),
				      "jump %llu", jumps[i]);
		for (c = top - W; c < top; c++)
			KUNIT_ASSERT_EQ_MSG(test, check(r, c),
					    c >= WEFT_REPLAY_BITS,
					    "jump %llu, counter %llu",
					    jumps[i], c);
		kunit_kfree(test, r);
	}
}

static void replay_limit(struct kunit *test)
{
	struct weft_replay *r = weft_replay_new(test);
	u64 limit = WEFT_REPLAY_LIMIT;

	KUNIT_EXPECT_FALSE(test, check(r, U64_MAX));
	KUNIT_EXPECT_FALSE(test, check(r, limit));
	KUNIT_EXPECT_EQ(test, r->counter, 0);
	KUNIT_EXPECT_TRUE(test, check(r, 0));
	KUNIT_EXPECT_TRUE(test, check(r, limit - 1));
	KUNIT_EXPECT_FALSE(test, check(r, limit - 1));
	KUNIT_EXPECT_FALSE(test, check(r, limit));
	KUNIT_EXPECT_FALSE(test, check(r, U64_MAX));
	KUNIT_EXPECT_FALSE(test, check(r, 0));
	KUNIT_EXPECT_FALSE(test, check(r, limit - 1 - W - 1));
	KUNIT_EXPECT_TRUE(test, check(r, limit - 1 - W));
	KUNIT_EXPECT_TRUE(test, check(r, limit - 2));
	/* The paper's: 2^64 - 2^13 - 1, or more by the unused word. */
	KUNIT_EXPECT_GE(test, limit, U64_MAX - 8192);
}

/* A random walk, with a byte for each counter that there is. */
static void replay_random(struct kunit *test)
{
	const u64 range = 1 << 20;
	struct weft_replay *r;
	u64 base, c, top;
	unsigned int i;
	bool expect;
	u8 *seen;

	seen = vmalloc(range);
	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (base = 0; base < 2; base++) {
		memset(seen, 0, range);
		r = weft_replay_new(test);
		top = 0;
		for (i = 0; i < 100000 && top < range - 3 * W; i++) {
			u32 dice = get_random_u32();

			if (dice % 1000 == 0)
				c = top + (dice >> 16) % (3 * W);
			else if (dice % 3 == 0)
				c = top + (dice >> 16) % 40;
			else
				c = top + 20 - min_t(u64, top + 20, (dice >> 16) % (W + 40));
			expect = !seen[c] && (c >= top || top - c <= W);
			if (check(r, base * BIT_ULL(40) + c) !=
			    expect) {
				KUNIT_FAIL(test, "counter %llu, highest %llu: not %d",
					   c, top, expect);
				break;
			}
			if (expect)
				seen[c] = 1;
			if (expect && c > top)
				top = c;
		}
	}
	vfree(seen);
}

static struct kunit_case weft_replay_cases[] = {
	KUNIT_CASE(replay_in_order),
	KUNIT_CASE(replay_out_of_order),
	KUNIT_CASE(replay_window_edge),
	KUNIT_CASE(replay_far_jumps),
	KUNIT_CASE(replay_limit),
	KUNIT_CASE(replay_random),
	{}
};

static struct kunit_suite weft_replay_suite = {
	.name = "weft_replay",
	.test_cases = weft_replay_cases,
};

kunit_test_suite(weft_replay_suite);
