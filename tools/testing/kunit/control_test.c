// SPDX-License-Identifier: GPL-2.0
/* Control frames: what is taken for one, and what is answered. */
#include "weft_kunit.h"

#include "../../../kmod/control.c"

#define NONE WEFT_DROP_COUNT

struct weft_control_fixture {
	struct weft_device wdev;
	struct weft_peer peer;
	struct weft_session session;
};

/* The rest of the module: what was sent and counted is kept. */
static unsigned int weft_control_sent;
static u8 weft_control_frame[32];
static enum weft_drop weft_control_dropped;

bool weft_send_control(struct weft_peer *peer, struct sk_buff *skb)
{
	weft_control_sent++;
	memset(weft_control_frame, 0, sizeof(weft_control_frame));
	memcpy(weft_control_frame, skb->data,
	       min_t(size_t, skb->len, sizeof(weft_control_frame)));
	kfree_skb(skb);
	return true;
}

void weft_stats_count(struct weft_device *wdev, enum weft_count counter)
{
}

void weft_drop(struct weft_device *wdev, struct sk_buff *skb,
	       enum weft_drop reason)
{
	weft_control_dropped = reason;
	kfree_skb(skb);
}

/* The reason that a frame is dropped for; NONE if it is good. */
static enum weft_drop weft_hear(struct kunit *test, const void *frame,
				size_t len)
{
	struct weft_control_fixture *f = test->priv;
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put_data(skb, frame, len);
	KUNIT_EXPECT_TRUE(test, weft_control_is_frame(skb));
	weft_control_dropped = NONE;
	weft_control_receive(&f->peer, skb);
	return weft_control_dropped;
}

/* A HELLO as it goes over the wire, padded. */
#define HELLO(flags, suites) \
	{ 0xc0, 1, 0, 8, 1, (flags), 0, (suites), 0, 0, 0, 1, 0, 0, 0, 0 }

static void control_frames(struct kunit *test)
{
	static const struct {
		u8 len;
		u8 frame[16];
		enum weft_drop reason;
	} frames[] = {
		{ 16, HELLO(0, 3), NONE },
		{ 12, HELLO(0, 3), NONE },
		/* cut short, at each place where something ends */
		{ 11, HELLO(0, 3), WEFT_DROP_RX_CONTROL_MALFORMED },
		{ 4, HELLO(0, 3), WEFT_DROP_RX_CONTROL_MALFORMED },
		{ 3, HELLO(0, 3), WEFT_DROP_RX_CONTROL_MALFORMED },
		{ 1, HELLO(0, 3), WEFT_DROP_RX_CONTROL_MALFORMED },
		/* body too short, empty, too long, longer than the frame */
		{ 16, { 0xc0, 1, 0, 7, 1 }, WEFT_DROP_RX_CONTROL_MALFORMED },
		{ 16, { 0xc0, 1, 0, 0, 1 }, WEFT_DROP_RX_CONTROL_MALFORMED },
		{ 16, { 0xc0, 1, 0, 9, 1 }, WEFT_DROP_RX_CONTROL_MALFORMED },
		{ 16, { 0xc0, 1, 0, 13, 1 }, WEFT_DROP_RX_CONTROL_MALFORMED },
		{ 16, { 0xc0, 1, 0xff, 8, 1 }, WEFT_DROP_RX_CONTROL_MALFORMED },
		/* other versions, types, and kinds of frame */
		{ 16, { 0xc0, 1, 0, 8, 2 }, WEFT_DROP_RX_CONTROL_UNKNOWN },
		{ 16, { 0xc0, 1, 0, 8, 0 }, WEFT_DROP_RX_CONTROL_UNKNOWN },
		{ 16, { 0xc0, 0, 0, 8, 1 }, WEFT_DROP_RX_CONTROL_UNKNOWN },
		{ 16, { 0xc0, 4, 0, 8, 1 }, WEFT_DROP_RX_CONTROL_UNKNOWN },
		{ 16, { 0xcf, 1, 0, 8, 1 }, WEFT_DROP_RX_CONTROL_UNKNOWN },
	};
	struct weft_control_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		f->peer.control.suites = 0;
		KUNIT_EXPECT_EQ_MSG(test, weft_hear(test, frames[i].frame,
						    frames[i].len),
				    frames[i].reason, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, f->peer.control.suites,
				    frames[i].reason == NONE ? 3 : 0,
				    "case %u", i);
	}
}

static void control_hello_is_answered(struct kunit *test)
{
	static const u8 asks[] = HELLO(0, 1), answers[] = HELLO(1, 1);
	struct weft_control_fixture *f = test->priv;
	static const u8 ours[] = HELLO(1, 1);

	/* What is not known of the suites must not make a difference here. */
	f->peer.suite = WEFT_SUITE_CHACHA20POLY1305;
	weft_hear(test, asks, sizeof(asks));
	KUNIT_EXPECT_EQ(test, weft_control_sent, 1);
	KUNIT_EXPECT_EQ(test, memcmp(weft_control_frame, ours, 12), 0);
	weft_hear(test, answers, sizeof(answers));
	KUNIT_EXPECT_EQ(test, weft_control_sent, 1);
	/* Of a peer with a set suite, it is the only one. */
	f->peer.suite = WEFT_SUITE_AES256GCM;
	weft_hear(test, asks, sizeof(asks));
	KUNIT_EXPECT_EQ(test, weft_control_frame[7], 2);
}

static void control_three_hellos(struct kunit *test)
{
	static const u8 answers[] = HELLO(1, 3);
	struct weft_control_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 6; i++)
		weft_control_session_begins(&f->peer);
	KUNIT_EXPECT_EQ(test, weft_control_sent, 3);
	/* One word of the peer, and there is more to say. */
	weft_hear(test, answers, sizeof(answers));
	for (i = 0; i < 6; i++)
		weft_control_session_begins(&f->peer);
	KUNIT_EXPECT_EQ(test, weft_control_sent, 6);
}

static void control_no_answer_is_remembered(struct kunit *test)
{
	static const u8 answers[] = HELLO(1, 3);
	struct weft_control_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < MAX_FAILURES; i++) {
		weft_hear(test, answers, sizeof(answers));
		KUNIT_EXPECT_EQ(test, f->peer.control.suites, 3);
		weft_control_no_answer(&f->peer);
		KUNIT_EXPECT_EQ(test, f->peer.control.suites, 0);
	}
	weft_hear(test, answers, sizeof(answers));
	KUNIT_EXPECT_EQ(test, f->peer.control.suites, 1);
	/* But not for ever. */
	f->peer.control.failed_at = jiffies - FAILURE_PAUSE;
	weft_hear(test, answers, sizeof(answers));
	KUNIT_EXPECT_EQ(test, f->peer.control.suites, 3);
}

static void control_initiator_upgrades(struct kunit *test)
{
	static const u8 answers[] = HELLO(1, 3);
	struct weft_control_fixture *f = test->priv;

	if (!weft_suite_usable(WEFT_SUITE_AES256GCM))
		kunit_skip(test, "no accelerated AES-GCM");
	f->session.suite = weft_suite_by_id(0);
	f->session.initiator = true;
	KUNIT_EXPECT_EQ(test, weft_control_best_suite(&f->peer), 0);
	KUNIT_EXPECT_FALSE(test, weft_control_outgrown(&f->peer, &f->session));
	weft_hear(test, answers, sizeof(answers));
	KUNIT_EXPECT_EQ(test, weft_control_best_suite(&f->peer), 1);
	KUNIT_EXPECT_TRUE(test, weft_control_outgrown(&f->peer, &f->session));
	f->session.initiator = false;
	KUNIT_EXPECT_FALSE(test, weft_control_outgrown(&f->peer, &f->session));
	f->session.initiator = true;
	f->session.suite = weft_suite_by_id(1);
	KUNIT_EXPECT_FALSE(test, weft_control_outgrown(&f->peer, &f->session));
	f->session.suite = weft_suite_by_id(0);
	f->peer.suite = WEFT_SUITE_CHACHA20POLY1305;
	KUNIT_EXPECT_FALSE(test, weft_control_outgrown(&f->peer, &f->session));
}

static int weft_control_test_init(struct kunit *test)
{
	struct weft_control_fixture *f;

	weft_gcm_probe();
	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer.wdev = &f->wdev;
	f->peer.suite = WEFT_SUITE_AUTO;
	weft_control_sent = 0;
	test->priv = f;
	return 0;
}

static void weft_control_test_exit(struct kunit *test)
{
	weft_gcm_exit();
}

static struct kunit_case weft_control_cases[] = {
	KUNIT_CASE(control_frames),
	KUNIT_CASE(control_hello_is_answered),
	KUNIT_CASE(control_three_hellos),
	KUNIT_CASE(control_no_answer_is_remembered),
	KUNIT_CASE(control_initiator_upgrades),
	{}
};

static struct kunit_suite weft_control_suite = {
	.name = "weft_control",
	.init = weft_control_test_init,
	.exit = weft_control_test_exit,
	.test_cases = weft_control_cases,
};

kunit_test_suite(weft_control_suite);
