// SPDX-License-Identifier: GPL-2.0
/* Macs and cookies: known answers, and both ends against each other. */
#include "weft_kunit.h"

#include <linux/random.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>

#include "cookie_vectors.h"

static bool weft_kunit_ratelimiter_allow(struct sk_buff *skb, struct net *net);
#define weft_ratelimiter_allow weft_kunit_ratelimiter_allow
#include "../../../kmod/cookie.c"

#define SEC	((u64)NSEC_PER_SEC)
#define INDEX	cpu_to_le32(0x01020304)

/* The rate limiter has tests of its own; here it does as it is told. */
static bool weft_test_allow;
static unsigned int weft_test_charged;

static bool weft_kunit_ratelimiter_allow(struct sk_buff *skb, struct net *net)
{
	weft_test_charged++;
	return weft_test_allow;
}

/* An initiator, a responder, and a message between them. */
struct weft_cookie_fixture {
	struct weft_cookie cookie;
	struct weft_cookie_checker checker;
	struct weft_message_handshake_initiation msg;
	struct sk_buff *skb;
};

/* The initiator finishes a message, which arrives from @source. */
static void weft_send(struct kunit *test, const char *source, u16 port)
{
	struct weft_cookie_fixture *f = test->priv;

	get_random_bytes(&f->msg, sizeof(f->msg));
	weft_cookie_add_macs(&f->cookie, &f->msg, sizeof(f->msg));
	memcpy(f->skb->data, &f->msg, sizeof(f->msg));
	weft_kunit_source(f->skb, source, port);
}

static enum weft_cookie_mac_state weft_validate(struct kunit *test, bool load)
{
	struct weft_cookie_fixture *f = test->priv;

	return weft_cookie_validate(&f->checker, f->skb, load, &init_net);
}

/* The responder's reply to the last message. */
static struct weft_message_cookie_reply weft_reply(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	struct weft_message_cookie_reply reply;

	memset(&reply, 0xa5, sizeof(reply));
	weft_cookie_make_reply(&f->checker, f->skb, &reply, INDEX);
	return reply;
}

/* The initiator gets a cookie for @source. */
static void weft_get_cookie(struct kunit *test, const char *source, u16 port)
{
	struct weft_cookie_fixture *f = test->priv;
	struct weft_message_cookie_reply reply;

	weft_send(test, source, port);
	reply = weft_reply(test);
	KUNIT_ASSERT_TRUE(test, weft_cookie_consume_reply(&f->cookie, &reply));
}

static bool weft_has_mac2(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;

	return memchr_inv(f->msg.macs.mac2, 0, WEFT_COOKIE_LEN);
}

static void cookie_known_answers(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	struct weft_message_cookie_reply reply;
	u8 cookie[WEFT_COOKIE_LEN];

	BUILD_BUG_ON(sizeof(vector_cookie_body) + sizeof(f->msg.macs) !=
		     sizeof(f->msg));
	BUILD_BUG_ON(sizeof(vector_cookie_reply) != sizeof(reply));

	/* Sent. */
	weft_cookie_init(&f->cookie, vector_cookie_public);
	memcpy(&f->msg, vector_cookie_body, sizeof(vector_cookie_body));
	weft_cookie_add_macs(&f->cookie, &f->msg, sizeof(f->msg));
	KUNIT_EXPECT_EQ(test, memcmp(f->msg.macs.mac1, vector_cookie_mac1, 16), 0);
	KUNIT_EXPECT_FALSE(test, weft_has_mac2(test));

	/* The reply to it, made elsewhere, opens to the cookie. */
	memcpy(&reply, vector_cookie_reply, sizeof(reply));
	KUNIT_EXPECT_TRUE(test, weft_cookie_consume_reply(&f->cookie, &reply));
	KUNIT_EXPECT_EQ(test, memcmp(f->cookie.cookie, vector_cookie_v4, 16), 0);
	weft_cookie_add_macs(&f->cookie, &f->msg, sizeof(f->msg));
	KUNIT_EXPECT_EQ(test, memcmp(f->msg.macs.mac1, vector_cookie_mac1, 16), 0);
	KUNIT_EXPECT_EQ(test, memcmp(f->msg.macs.mac2, vector_cookie_mac2, 16), 0);

	/* Received. */
	weft_cookie_checker_set_key(&f->checker, vector_cookie_public);
	memcpy(f->checker.secret, vector_cookie_secret, 32);
	memcpy(f->skb->data, &f->msg, sizeof(f->msg));
	weft_kunit_source(f->skb, "192.0.2.33", 51820);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE);
	down_read(&f->checker.secret_lock);
	weft_cookie_make(&f->checker, cookie, f->skb);
	KUNIT_EXPECT_EQ(test, memcmp(cookie, vector_cookie_v4, 16), 0);
	weft_kunit_source(f->skb, "2001:db8::33", 51821);
	weft_cookie_make(&f->checker, cookie, f->skb);
	KUNIT_EXPECT_EQ(test, memcmp(cookie, vector_cookie_v6, 16), 0);
	up_read(&f->checker.secret_lock);
}

static void cookie_round_trip(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	struct weft_message_cookie_reply reply;

	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_VALID);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	KUNIT_EXPECT_FALSE(test, weft_has_mac2(test));

	reply = weft_reply(test);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(reply.header.type), 3);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(reply.receiver_index), 0x01020304);
	KUNIT_EXPECT_TRUE(test, weft_cookie_consume_reply(&f->cookie, &reply));

	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_TRUE(test, weft_has_mac2(test));
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE);
	/* Not under load nobody looks at mac2. */
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_VALID);
}

static void cookie_response_message(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	struct weft_message_handshake_response msg;

	get_random_bytes(&msg, sizeof(msg));
	weft_cookie_add_macs(&f->cookie, &msg, sizeof(msg));
	f->skb = weft_kunit_skb(test, "192.0.2.1", 1, &msg, sizeof(msg));
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_VALID);
	f->skb->data[11] ^= 1;
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_INVALID);
}

static void cookie_wrong_mac1(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	const size_t mac2 = offsetof(typeof(f->msg), macs.mac2);
	size_t i;

	weft_get_cookie(test, "192.0.2.1", 1000);
	weft_send(test, "192.0.2.1", 1000);
	/* Each byte before mac2 counts, mac1 included. */
	for (i = 0; i < mac2; i++) {
		f->skb->data[i] ^= 1 << i % 8;
		KUNIT_EXPECT_EQ(test, weft_validate(test, true),
				WEFT_MAC_INVALID);
		f->skb->data[i] ^= 1 << i % 8;
	}
	/* In mac2 it is another matter. */
	for (; i < sizeof(f->msg); i++) {
		f->skb->data[i] ^= 1 << i % 8;
		KUNIT_EXPECT_EQ(test, weft_validate(test, true),
				WEFT_MAC_VALID);
		f->skb->data[i] ^= 1 << i % 8;
	}
	KUNIT_EXPECT_EQ(test, weft_test_charged, 0);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE);
	KUNIT_EXPECT_EQ(test, weft_test_charged, 1);
}

static void cookie_other_key(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	struct weft_message_cookie_reply reply;
	u8 key[WEFT_NOISE_PUBLIC_KEY_LEN];

	weft_send(test, "192.0.2.1", 1000);
	weft_cookie_checker_set_key(&f->checker, NULL);
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_INVALID);
	/* Nor is a message taken that was made for no key. */
	memset(f->cookie.message_mac1_key, 0, sizeof(f->cookie.message_mac1_key));
	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_INVALID);

	weft_cookie_init(&f->cookie, vector_cookie_public);
	weft_send(test, "192.0.2.1", 1000);
	get_random_bytes(key, sizeof(key));
	weft_cookie_checker_set_key(&f->checker, key);
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_INVALID);
	/* A reply by somebody else. */
	reply = weft_reply(test);
	KUNIT_EXPECT_FALSE(test, weft_cookie_consume_reply(&f->cookie, &reply));

	weft_cookie_checker_set_key(&f->checker, vector_cookie_public);
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_VALID);
}

static void cookie_bound_to_source(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;

	weft_get_cookie(test, "192.0.2.1", 1000);
	weft_send(test, "192.0.2.1", 1000);
	weft_kunit_source(f->skb, "192.0.2.2", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	weft_kunit_source(f->skb, "192.0.2.1", 1001);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	weft_kunit_source(f->skb, "2001:db8::1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	weft_kunit_source(f->skb, "192.0.2.1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE);

	weft_get_cookie(test, "2001:db8::1", 1000);
	weft_send(test, "2001:db8::1", 1000);
	weft_kunit_source(f->skb, "2001:db8::2", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	/* In the upper half too. */
	weft_kunit_source(f->skb, "2001:db9::1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	weft_kunit_source(f->skb, "2001:db8::1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE);
}

static void cookie_sender_forgets(struct kunit *test)
{
	weft_get_cookie(test, "192.0.2.1", 1000);
	weft_kunit_now += 115 * SEC - 1;
	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_TRUE(test, weft_has_mac2(test));
	weft_kunit_now += 1;
	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_FALSE(test, weft_has_mac2(test));
}

static void cookie_secret_changes(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	u8 secret[sizeof(f->checker.secret)];

	weft_get_cookie(test, "192.0.2.1", 1000);
	weft_send(test, "192.0.2.1", 1000);
	memcpy(secret, f->checker.secret, sizeof(secret));
	weft_kunit_now += 120 * SEC - 1;
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE);
	KUNIT_EXPECT_EQ(test, memcmp(secret, f->checker.secret, 32), 0);
	weft_kunit_now += 1;
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	KUNIT_EXPECT_NE(test, memcmp(secret, f->checker.secret, 32), 0);
	/* The new one is good for as long, to issue and to check. */
	weft_get_cookie(test, "192.0.2.1", 1000);
	weft_kunit_now += 110 * SEC;
	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE);
}

static void cookie_reply_only_as_answer(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;
	struct weft_message_cookie_reply reply, old;
	unsigned int i;

	/* None was asked for. */
	weft_send(test, "192.0.2.1", 1000);
	old = weft_reply(test);
	f->cookie.have_sent_mac1 = false;
	KUNIT_EXPECT_FALSE(test, weft_cookie_consume_reply(&f->cookie, &old));
	KUNIT_EXPECT_FALSE(test, f->cookie.is_valid);

	/* It answers an earlier message. */
	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_FALSE(test, weft_cookie_consume_reply(&f->cookie, &old));

	/* It was changed on its way: nonce, cookie or tag. */
	reply = weft_reply(test);
	for (i = offsetof(typeof(reply), nonce); i < sizeof(reply); i++) {
		((u8 *)&reply)[i] ^= 0x10;
		KUNIT_EXPECT_FALSE(test, weft_cookie_consume_reply(&f->cookie, &reply));
		((u8 *)&reply)[i] ^= 0x10;
	}
	KUNIT_EXPECT_FALSE(test, f->cookie.is_valid);

	/* All that did not spoil the genuine one; but it counts once. */
	KUNIT_EXPECT_TRUE(test, weft_cookie_consume_reply(&f->cookie, &reply));
	KUNIT_EXPECT_TRUE(test, f->cookie.is_valid);
	KUNIT_EXPECT_FALSE(test, weft_cookie_consume_reply(&f->cookie, &reply));
}

static void cookie_ratelimited(struct kunit *test)
{
	weft_test_allow = false;
	weft_get_cookie(test, "192.0.2.1", 1000);
	/* Nothing is charged for a message that proves nothing. */
	KUNIT_EXPECT_EQ(test, weft_validate(test, true), WEFT_MAC_VALID);
	KUNIT_EXPECT_EQ(test, weft_test_charged, 0);
	weft_send(test, "192.0.2.1", 1000);
	KUNIT_EXPECT_EQ(test, weft_validate(test, false), WEFT_MAC_VALID);
	KUNIT_EXPECT_EQ(test, weft_test_charged, 0);
	KUNIT_EXPECT_EQ(test, weft_validate(test, true),
			WEFT_MAC_VALID_WITH_COOKIE_RATELIMITED);
	KUNIT_EXPECT_EQ(test, weft_test_charged, 1);
}

static void cookie_checker_wipe(struct kunit *test)
{
	struct weft_cookie_fixture *f = test->priv;

	weft_cookie_checker_set_key(&f->checker, NULL);
	KUNIT_EXPECT_NULL(test, memchr_inv(f->checker.message_mac1_key, 0, 32));
	KUNIT_EXPECT_NULL(test, memchr_inv(f->checker.cookie_encryption_key, 0, 32));
}

static int weft_cookie_test_init(struct kunit *test)
{
	struct weft_cookie_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->skb = weft_kunit_skb(test, "192.0.2.1", 1000, &f->msg,
				sizeof(f->msg));
	weft_cookie_checker_init(&f->checker);
	weft_cookie_checker_set_key(&f->checker, vector_cookie_public);
	weft_cookie_init(&f->cookie, vector_cookie_public);
	weft_test_allow = true;
	weft_test_charged = 0;
	test->priv = f;
	return 0;
}

static struct kunit_case weft_cookie_cases[] = {
	KUNIT_CASE(cookie_known_answers),
	KUNIT_CASE(cookie_round_trip),
	KUNIT_CASE(cookie_response_message),
	KUNIT_CASE(cookie_wrong_mac1),
	KUNIT_CASE(cookie_other_key),
	KUNIT_CASE(cookie_bound_to_source),
	KUNIT_CASE(cookie_sender_forgets),
	KUNIT_CASE(cookie_secret_changes),
	KUNIT_CASE(cookie_reply_only_as_answer),
	KUNIT_CASE(cookie_ratelimited),
	KUNIT_CASE(cookie_checker_wipe),
	{}
};

static struct kunit_suite weft_cookie_suite = {
	.name = "weft_cookie",
	.init = weft_cookie_test_init,
	.test_cases = weft_cookie_cases,
};

kunit_test_suite(weft_cookie_suite);
