// SPDX-License-Identifier: GPL-2.0
/* Rate limiter, with a clock that stands still unless it is moved. */
#include "weft_kunit.h"

#include <linux/random.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>

#include "../../../kmod/ratelimiter.c"

#define MS	NSEC_PER_MSEC

static bool weft_allow(struct kunit *test, const char *source)
{
	struct sk_buff *skb = test->priv;

	weft_kunit_source(skb, source, 1);
	return weft_ratelimiter_allow(skb, &init_net);
}

/* How many of @tries messages get through. */
static unsigned int weft_allowed(struct kunit *test, const char *source,
				 unsigned int tries)
{
	unsigned int n = 0;

	while (tries--)
		n += weft_allow(test, source);
	return n;
}

static void ratelimiter_burst(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.1", 100), 5);
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "2001:db8::1", 100), 5);
}

static void ratelimiter_refill(struct kunit *test)
{
	unsigned int i, n = 0;

	weft_allowed(test, "192.0.2.1", 10);
	weft_kunit_now += 49 * MS;
	KUNIT_EXPECT_FALSE(test, weft_allow(test, "192.0.2.1"));
	/* What it tried in between has cost it nothing. */
	weft_kunit_now += 1 * MS;
	KUNIT_EXPECT_TRUE(test, weft_allow(test, "192.0.2.1"));
	KUNIT_EXPECT_FALSE(test, weft_allow(test, "192.0.2.1"));
	weft_kunit_now += 100 * MS;
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.1", 10), 2);
	/* No more than a burst however long the silence. */
	weft_kunit_now += 900 * MS;
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.1", 10), 5);
	weft_kunit_now += 10000 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.1", 10), 5);
	/* Twenty a second for one who does not let up. */
	for (i = 0; i < 1000; i++) {
		weft_kunit_now += 10 * MS;
		n += weft_allow(test, "192.0.2.1");
	}
	KUNIT_EXPECT_EQ(test, n, 200);
}

static void ratelimiter_sources_are_separate(struct kunit *test)
{
	struct sk_buff *skb = test->priv;

	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.1", 10), 5);
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.2", 10), 5);
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.1", 10), 0);
	/* Another port is the same source. */
	weft_kunit_source(skb, "192.0.2.1", 2);
	KUNIT_EXPECT_FALSE(test, weft_ratelimiter_allow(skb, &init_net));
	/* Another namespace has its own; the pointer is only compared. */
	KUNIT_EXPECT_TRUE(test, weft_ratelimiter_allow(skb, (void *)8));
	/* The same number in the other family is another source. */
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "0.0.0.0", 10), 5);
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "::", 10), 5);
}

static void ratelimiter_ipv6_by_64(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "2001:db8:0:1::1", 3), 3);
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "2001:db8:0:1:ffff::2", 9), 2);
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "2001:db8:0:1::1", 9), 0);
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "2001:db8:0:2::1", 9), 5);
}

static void ratelimiter_other_protocols_refused(struct kunit *test)
{
	struct sk_buff *skb = test->priv;

	weft_kunit_source(skb, "192.0.2.1", 1);
	skb->protocol = htons(ETH_P_ARP);
	KUNIT_EXPECT_FALSE(test, weft_ratelimiter_allow(skb, &init_net));
	KUNIT_EXPECT_EQ(test, atomic_read(&weft_ratelimiter_count), 0);
}

static void ratelimiter_full_table_fails_closed(struct kunit *test)
{
	char source[16];
	unsigned int i;

	weft_ratelimiter_limit = 20;
	for (i = 0; i < 20; i++) {
		snprintf(source, sizeof(source), "192.0.2.%u", i);
		KUNIT_EXPECT_TRUE(test, weft_allow(test, source));
	}
	KUNIT_EXPECT_FALSE(test, weft_allow(test, "192.0.2.100"));
	KUNIT_EXPECT_FALSE(test, weft_allow(test, "2001:db8::1"));
	/* A refusal takes no place, and who is in stays in. */
	KUNIT_EXPECT_EQ(test, atomic_read(&weft_ratelimiter_count), 20);
	KUNIT_EXPECT_TRUE(test, weft_allow(test, "192.0.2.7"));

	/* Silence makes room. */
	weft_kunit_now += 999 * MS;
	KUNIT_EXPECT_TRUE(test, weft_allow(test, "192.0.2.7"));
	weft_ratelimiter_gc(NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&weft_ratelimiter_count), 20);
	weft_kunit_now += 1 * MS;
	weft_ratelimiter_gc(NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&weft_ratelimiter_count), 1);
	KUNIT_EXPECT_TRUE(test, weft_allow(test, "192.0.2.100"));
	/* The one that was not silent kept its account. */
	KUNIT_EXPECT_EQ(test, weft_allowed(test, "192.0.2.7", 10), 4);
}

static void ratelimiter_gc_rests_when_empty(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&weft_ratelimiter_work));
	weft_allow(test, "192.0.2.1");
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&weft_ratelimiter_work));
	weft_kunit_now += NSEC_PER_SEC;
	cancel_delayed_work_sync(&weft_ratelimiter_work);
	weft_ratelimiter_gc(NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&weft_ratelimiter_count), 0);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&weft_ratelimiter_work));
	weft_allow(test, "192.0.2.1");
	cancel_delayed_work_sync(&weft_ratelimiter_work);
	weft_ratelimiter_gc(NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&weft_ratelimiter_count), 1);
	KUNIT_EXPECT_TRUE(test, delayed_work_pending(&weft_ratelimiter_work));
}

/* Many sources at random times, against a bucket of messages for each. */
static void ratelimiter_random(struct kunit *test)
{
	enum { SOURCES = 40 };
	s64 debt[SOURCES] = {};		/* nanoseconds that it is ahead of its rate */
	unsigned int i, s;
	char source[40];
	u64 step;
	bool expect;

	for (i = 0; i < 20000; i++) {
		step = get_random_u32() % (4 * MS);
		weft_kunit_now += step;
		for (s = 0; s < SOURCES; s++)
			debt[s] = max_t(s64, 0, debt[s] - step);
		if (i % 500 == 0)
			weft_ratelimiter_gc(NULL);

		s = get_random_u32() % SOURCES;
		/* Some are more eager than others. */
		if (get_random_u32() % 2)
			s %= 4;
		snprintf(source, sizeof(source),
			 s % 2 ? "198.51.100.%u" : "2001:db8:0:%x::1", s);
		expect = debt[s] + 50 * MS <= 250 * MS;
		if (expect)
			debt[s] += 50 * MS;
		if (weft_allow(test, source) != expect) {
			KUNIT_FAIL(test, "%s: not %d", source, expect);
			return;
		}
	}
	KUNIT_EXPECT_LE(test, atomic_read(&weft_ratelimiter_count), SOURCES);
}

static int weft_ratelimiter_test_init(struct kunit *test)
{
	test->priv = weft_kunit_skb(test, "0.0.0.0", 0, "", 0);
	atomic_set(&weft_ratelimiter_count, 0);
	return weft_ratelimiter_module_init();
}

static void weft_ratelimiter_test_exit(struct kunit *test)
{
	if (!weft_ratelimiter_table)
		return;
	weft_ratelimiter_module_exit();
	/* Every entry was counted in and out. */
	KUNIT_EXPECT_EQ(test, atomic_read(&weft_ratelimiter_count), 0);
	weft_ratelimiter_table = NULL;
}

static struct kunit_case weft_ratelimiter_cases[] = {
	KUNIT_CASE(ratelimiter_burst),
	KUNIT_CASE(ratelimiter_refill),
	KUNIT_CASE(ratelimiter_sources_are_separate),
	KUNIT_CASE(ratelimiter_ipv6_by_64),
	KUNIT_CASE(ratelimiter_other_protocols_refused),
	KUNIT_CASE(ratelimiter_full_table_fails_closed),
	KUNIT_CASE(ratelimiter_gc_rests_when_empty),
	KUNIT_CASE(ratelimiter_random),
	{}
};

static struct kunit_suite weft_ratelimiter_suite = {
	.name = "weft_ratelimiter",
	.init = weft_ratelimiter_test_init,
	.exit = weft_ratelimiter_test_exit,
	.test_cases = weft_ratelimiter_cases,
};

kunit_test_suite(weft_ratelimiter_suite);
