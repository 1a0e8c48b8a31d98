// SPDX-License-Identifier: GPL-2.0
/* Handshakes: known answers, and two parties in one kernel. */
#include "weft_kunit.h"

#include <crypto/curve25519.h>
#include <linux/random.h>
#include <linux/skbuff.h>

/*
 * What makes each handshake different is ours to choose: ephemeral keys,
 * indexes and the time of day.
 */
static const u8 *weft_test_secret;
static u32 weft_test_index;
static struct timespec64 weft_test_time;

static void weft_test_generate_secret(u8 secret[CURVE25519_KEY_SIZE])
{
	if (weft_test_secret)
		memcpy(secret, weft_test_secret, CURVE25519_KEY_SIZE);
	else
		curve25519_generate_secret(secret);
}

static u32 weft_test_random(void)
{
	return weft_test_index ?: get_random_u32();
}

static void weft_test_real_time(struct timespec64 *ts)
{
	*ts = weft_test_time;
}

#define curve25519_generate_secret(secret) weft_test_generate_secret(secret)
#define get_random_u32() weft_test_random()
#define ktime_get_real_ts64(ts) weft_test_real_time(ts)
#include "../../../kmod/noise.c"
#include "../../../kmod/session.c"
#include "../../../kmod/suite.c"
#undef get_random_u32

#include "noise_vectors.h"

#define MS	NSEC_PER_MSEC

/*
 * The rest of the module, as far as a handshake needs it: a table is its list,
 * and a peer lives as long as its test.
 */
unsigned int weft_reject_after_ms = 180000;

bool weft_timers_expired(u64 birth_ns, u64 limit_ms)
{
	return weft_kunit_now - birth_ns >= limit_ms * MS;
}

struct weft_peer *weft_peer_lookup(struct weft_peer_table *table,
				   const u8 public_key[WEFT_KEY_LEN])
{
	struct weft_peer *peer;

	list_for_each_entry(peer, &table->peers, list)
		if (!memcmp(peer->handshake.remote_static, public_key, KEY_LEN))
			return peer;
	return NULL;
}

struct weft_peer *weft_peer_get_maybe_zero(struct weft_peer *peer)
{
	return peer && kref_get_unless_zero(&peer->refs) ? peer : NULL;
}

static void weft_test_release(struct kref *refs)
{
	WARN(1, "a reference too much was put\n");
}

void weft_peer_put(struct weft_peer *peer)
{
	if (peer)
		kref_put(&peer->refs, weft_test_release);
}

/* A device with one peer: one end of a handshake. */
struct weft_end {
	struct weft_device wdev;
	struct weft_peer_table table;
	struct weft_peer peer;
};

struct weft_noise_fixture {
	struct weft_end i, r;
	struct weft_message_handshake_initiation initiation;
	struct weft_message_handshake_response response;
};

static void weft_end_init(struct kunit *test, struct weft_end *end)
{
	struct weft_peer *peer = &end->peer;

	weft_identity_init(&end->wdev.identity);
	KUNIT_ASSERT_EQ(test, weft_index_table_init(&end->wdev.indexes), 0);
	INIT_LIST_HEAD(&end->table.peers);
	RCU_INIT_POINTER(end->wdev.table, &end->table);
	peer->wdev = &end->wdev;
	peer->suite = WEFT_SUITE_AUTO;
	kref_init(&peer->refs);
	init_rwsem(&peer->handshake.lock);
	weft_sessions_init(&peer->sessions);
	list_add(&peer->list, &end->table.peers);
}

/* Gives an end its key, the other's, and the preshared one. */
static void weft_end_set(struct weft_end *end, const u8 private[KEY_LEN],
			 const u8 public[KEY_LEN], const u8 psk[KEY_LEN])
{
	struct weft_identity *identity = &end->wdev.identity;
	struct weft_peer *peer = &end->peer;

	weft_handshake_clear(peer);
	memset(&peer->handshake, 0, sizeof(peer->handshake));
	weft_handshake_init(peer, public);
	memcpy(peer->handshake.preshared_key, psk, KEY_LEN);
	down_write(&identity->lock);
	weft_identity_set(identity, private);
	weft_handshake_precompute(peer);
	up_write(&identity->lock);
}

/* Two ends that know each other, with keys of a known answer. */
static void weft_pair(struct kunit *test, unsigned int vector)
{
	struct weft_noise_fixture *f = test->priv;

	weft_end_set(&f->i, vector_noise[vector].si,
		     vector_noise[vector].sr_public, vector_noise[vector].psk);
	weft_end_set(&f->r, vector_noise[vector].sr,
		     vector_noise[vector].si_public, vector_noise[vector].psk);
	f->i.peer.suite = vector_noise[vector].suite;
	f->r.peer.suite = WEFT_SUITE_AUTO;
}

static bool weft_initiate(struct weft_noise_fixture *f)
{
	return weft_handshake_create_initiation(&f->initiation, &f->i.peer);
}

/* The peer that has been found is ours, and the reference goes back. */
static bool weft_is(struct kunit *test, struct weft_peer *found,
		    struct weft_end *end)
{
	if (!found)
		return false;
	KUNIT_EXPECT_PTR_EQ(test, found, &end->peer);
	weft_peer_put(found);
	return true;
}

static bool weft_take_initiation(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;

	return weft_is(test, weft_handshake_consume_initiation(&f->initiation,
							       &f->r.wdev),
		       &f->r);
}

static bool weft_respond(struct weft_noise_fixture *f)
{
	return weft_handshake_create_response(&f->response, &f->r.peer);
}

static bool weft_take_response(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;

	return weft_is(test, weft_handshake_consume_response(&f->response,
							     &f->i.wdev),
		       &f->i);
}

/* Time enough for a further initiation to be taken. */
static void weft_tick(void)
{
	weft_kunit_now += 20 * MS;
	timespec64_add_ns(&weft_test_time, 20 * MS);
}

/* Both messages, up to and without the sessions. */
static void weft_shake(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;

	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_ASSERT_TRUE(test, weft_take_initiation(test));
	KUNIT_ASSERT_TRUE(test, weft_respond(f));
	KUNIT_ASSERT_TRUE(test, weft_take_response(test));
}

static struct weft_session *weft_current(struct weft_end *end)
{
	return rcu_dereference_protected(end->peer.sessions.current_session,
					 true);
}

static struct weft_session *weft_next(struct weft_end *end)
{
	return rcu_dereference_protected(end->peer.sessions.next, true);
}

/* The keys, in a suite that keeps them as they are. */
static void weft_expect_keys(struct kunit *test, unsigned int v,
			     const struct weft_session *i,
			     const struct weft_session *r)
{
	KUNIT_EXPECT_EQ(test, memcmp(i->send_key.raw,
				     vector_noise[v].to_responder, 32), 0);
	KUNIT_EXPECT_EQ(test, memcmp(r->recv_key.raw,
				     vector_noise[v].to_responder, 32), 0);
	KUNIT_EXPECT_EQ(test, memcmp(i->recv_key.raw,
				     vector_noise[v].to_initiator, 32), 0);
	KUNIT_EXPECT_EQ(test, memcmp(r->send_key.raw,
				     vector_noise[v].to_initiator, 32), 0);
}

/* The known answers of a suite. */
static void weft_known_answers(struct kunit *test, u8 suite)
{
	const size_t macs = sizeof(struct weft_message_macs);
	struct weft_noise_fixture *f = test->priv;
	struct weft_session *i, *r;
	struct weft_cookie cookie;
	struct sk_buff *skb;
	unsigned int v;
	u8 *data;

	BUILD_BUG_ON(sizeof(vector_noise[0].initiation) != sizeof(f->initiation));
	BUILD_BUG_ON(sizeof(vector_noise[0].response) != sizeof(f->response));

	for (v = 0; v < ARRAY_SIZE(vector_noise); v++) {
		if (vector_noise[v].suite != suite)
			continue;
		kunit_info(test, "%s\n", vector_noise[v].name);
		weft_pair(test, v);
		KUNIT_EXPECT_EQ(test, memcmp(f->i.wdev.identity.public_key,
					     vector_noise[v].si_public, 32), 0);
		KUNIT_EXPECT_EQ(test, memcmp(f->r.wdev.identity.public_key,
					     vector_noise[v].sr_public, 32), 0);

		/* What is less than the clock's grain stays unsaid. */
		weft_test_time.tv_sec = VECTOR_SECONDS;
		weft_test_time.tv_nsec = VECTOR_NANOSECONDS + 123456;
		weft_test_secret = vector_noise[v].ei;
		weft_test_index = VECTOR_INDEX_I;
		KUNIT_ASSERT_TRUE(test, weft_initiate(f));
		weft_cookie_init(&cookie, vector_noise[v].sr_public);
		weft_cookie_add_macs(&cookie, &f->initiation,
				     sizeof(f->initiation));
		KUNIT_EXPECT_EQ(test, memcmp(&f->initiation,
					     vector_noise[v].initiation,
					     sizeof(f->initiation)), 0);

		memcpy(&f->initiation, vector_noise[v].initiation,
		       sizeof(f->initiation));
		KUNIT_ASSERT_TRUE(test, weft_take_initiation(test));
		weft_test_secret = vector_noise[v].er;
		weft_test_index = VECTOR_INDEX_R;
		KUNIT_ASSERT_TRUE(test, weft_respond(f));
		KUNIT_EXPECT_EQ(test, memcmp(&f->response,
					     vector_noise[v].response,
					     sizeof(f->response) - macs), 0);

		memcpy(&f->response, vector_noise[v].response,
		       sizeof(f->response));
		KUNIT_ASSERT_TRUE(test, weft_take_response(test));

		KUNIT_ASSERT_TRUE(test, weft_handshake_begin_session(&f->i.peer));
		KUNIT_ASSERT_TRUE(test, weft_handshake_begin_session(&f->r.peer));
		i = weft_current(&f->i);
		r = weft_next(&f->r);
		KUNIT_ASSERT_NOT_NULL(test, i);
		KUNIT_ASSERT_NOT_NULL(test, r);
		KUNIT_EXPECT_EQ(test, i->suite->id, suite);
		KUNIT_EXPECT_EQ(test, r->suite->id, suite);
		if (!suite)
			weft_expect_keys(test, v, i, r);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(i->remote_index), VECTOR_INDEX_R);
		KUNIT_EXPECT_EQ(test, le32_to_cpu(r->remote_index), VECTOR_INDEX_I);

		/* And a packet. */
		skb = weft_kunit_skb(test, "192.0.2.1", 1, vector_noise[v].data,
				     sizeof(vector_noise[v].data));
		data = ((struct weft_message_data *)skb->data)->encrypted_data;
		local_bh_disable();
		KUNIT_EXPECT_TRUE(test, r->suite->open(&r->recv_key, data, data,
						       sizeof(vector_plain),
						       VECTOR_COUNTER));
		KUNIT_EXPECT_EQ(test, memcmp(data, vector_plain,
					     sizeof(vector_plain)), 0);
		memset(data + sizeof(vector_plain), 0, WEFT_NOISE_AUTHTAG_LEN);
		KUNIT_EXPECT_TRUE(test, i->suite->seal(&i->send_key, data,
						       sizeof(vector_plain),
						       VECTOR_COUNTER));
		local_bh_enable();
		KUNIT_EXPECT_EQ(test, memcmp(skb->data, vector_noise[v].data,
					     skb->len), 0);

		weft_sessions_clear(&f->i.peer);
		weft_sessions_clear(&f->r.peer);
		weft_test_secret = NULL;
		weft_test_index = 0;
	}
}

static void noise_known_answers(struct kunit *test)
{
	weft_known_answers(test, 0);
}

static void noise_known_answers_gcm(struct kunit *test)
{
	if (!weft_suite_usable(WEFT_SUITE_AES256GCM))
		kunit_skip(test, "no accelerated AES-GCM");
	weft_known_answers(test, WEFT_SUITE_AES256GCM);
}

/* Suites that are set at one end only, or not the same at both. */
static void noise_suites(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;

	if (!weft_suite_usable(WEFT_SUITE_AES256GCM))
		kunit_skip(test, "no accelerated AES-GCM");
	weft_pair(test, 0);
	f->i.peer.suite = WEFT_SUITE_AUTO;
	weft_shake(test);
	KUNIT_EXPECT_EQ(test, weft_message_suite(&f->initiation.header), 0);
	/* Once a HELLO has told. */
	f->i.peer.control.suites = 3;
	weft_shake(test);
	KUNIT_EXPECT_EQ(test, weft_message_suite(&f->initiation.header), 1);
	KUNIT_EXPECT_EQ(test, weft_message_suite(&f->response.header), 1);
	/* A set suite refuses others, either way. */
	f->r.peer.suite = WEFT_SUITE_CHACHA20POLY1305;
	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	f->i.peer.suite = WEFT_SUITE_CHACHA20POLY1305;
	f->r.peer.suite = WEFT_SUITE_AES256GCM;
	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	f->r.peer.suite = WEFT_SUITE_CHACHA20POLY1305;
	weft_shake(test);
}

/* Random keys, and a word each way, again and again between the same two. */
static void noise_round_trip(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	u8 si[KEY_LEN], sr[KEY_LEN], pi[KEY_LEN], pr[KEY_LEN], psk[KEY_LEN];
	struct weft_session *i, *r;
	unsigned int n;

	curve25519_generate_secret(si);
	curve25519_generate_secret(sr);
	KUNIT_ASSERT_TRUE(test, curve25519_generate_public(pi, si));
	KUNIT_ASSERT_TRUE(test, curve25519_generate_public(pr, sr));
	get_random_bytes(psk, sizeof(psk));
	weft_end_set(&f->i, si, pr, psk);
	weft_end_set(&f->r, sr, pi, psk);

	for (n = 0; n < 10; n++) {
		weft_shake(test);
		KUNIT_ASSERT_TRUE(test, weft_handshake_begin_session(&f->i.peer));
		KUNIT_ASSERT_TRUE(test, weft_handshake_begin_session(&f->r.peer));
		i = weft_current(&f->i);
		r = weft_next(&f->r);
		KUNIT_ASSERT_NOT_NULL(test, r);
		KUNIT_EXPECT_TRUE(test, i->initiator);
		KUNIT_EXPECT_FALSE(test, r->initiator);
		KUNIT_EXPECT_EQ(test, memcmp(&i->send_key, &r->recv_key, 32), 0);
		KUNIT_EXPECT_EQ(test, memcmp(&r->send_key, &i->recv_key, 32), 0);
		KUNIT_EXPECT_NE(test, memcmp(&i->send_key, &i->recv_key, 32), 0);
		/* The responder's waits for a word from the initiator. */
		KUNIT_EXPECT_PTR_NE(test, weft_current(&f->r), r);
		KUNIT_EXPECT_TRUE(test, weft_sessions_confirm(&f->r.peer, r));
		KUNIT_EXPECT_FALSE(test, weft_sessions_confirm(&f->r.peer, r));
		KUNIT_EXPECT_PTR_EQ(test, weft_current(&f->r), r);
		KUNIT_EXPECT_NULL(test, weft_next(&f->r));
	}
}

static void noise_secrets_are_erased(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	struct weft_handshake *h = &f->i.peer.handshake;
	unsigned int pass;

	weft_pair(test, 1);
	for (pass = 0; pass < 2; pass++) {
		weft_shake(test);
		KUNIT_EXPECT_NOT_NULL(test, memchr_inv(h->ephemeral_private, 0, KEY_LEN));
		if (pass)
			weft_handshake_clear(&f->i.peer);
		else
			weft_handshake_begin_session(&f->i.peer);
		KUNIT_EXPECT_NULL(test, memchr_inv(h->ephemeral_private, 0, KEY_LEN));
		KUNIT_EXPECT_NULL(test, memchr_inv(h->remote_ephemeral, 0, KEY_LEN));
		KUNIT_EXPECT_NULL(test, memchr_inv(h->hash, 0, HASH_LEN));
		KUNIT_EXPECT_NULL(test, memchr_inv(h->chaining_key, 0, HASH_LEN));
		KUNIT_EXPECT_FALSE(test, weft_handshake_begin_session(&f->i.peer));
	}
}

static void noise_changed_initiation(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	u8 *byte = (u8 *)&f->initiation;
	size_t i;

	weft_pair(test, 1);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	/* Index and macs are not for Noise to check. */
	for (i = offsetof(typeof(f->initiation), unencrypted_ephemeral);
	     i < offsetof(typeof(f->initiation), macs); i++) {
		byte[i] ^= 1 << i % 7;
		KUNIT_EXPECT_FALSE_MSG(test, weft_take_initiation(test),
				       "byte %zu", i);
		byte[i] ^= 1 << i % 7;
	}
	/* Nor does it hold in another suite than that of its transcript. */
	byte[1] = 1;
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	byte[1] = 200;
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	byte[1] = 0;
	/* And none of that has left a trace. */
	KUNIT_EXPECT_TRUE(test, weft_take_initiation(test));
}

static void noise_changed_response(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	u8 *byte = (u8 *)&f->response;
	size_t i;

	weft_pair(test, 1);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_ASSERT_TRUE(test, weft_take_initiation(test));
	KUNIT_ASSERT_TRUE(test, weft_respond(f));
	for (i = offsetof(typeof(f->response), receiver_index);
	     i < offsetof(typeof(f->response), macs); i++) {
		byte[i] ^= 1 << i % 7;
		KUNIT_EXPECT_FALSE_MSG(test, weft_take_response(test),
				       "byte %zu", i);
		byte[i] ^= 1 << i % 7;
	}
	byte[1] = 1;
	KUNIT_EXPECT_FALSE(test, weft_take_response(test));
	byte[1] = 0;
	KUNIT_EXPECT_TRUE(test, weft_take_response(test));
}

static void noise_initiation_only_forward(struct kunit *test)
{
	struct weft_message_handshake_initiation first;
	struct weft_noise_fixture *f = test->priv;

	weft_pair(test, 0);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	first = f->initiation;
	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));

	KUNIT_EXPECT_TRUE(test, weft_take_initiation(test));
	/* The same again, and one from before it. */
	weft_kunit_now += 1000 * MS;
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	f->initiation = first;
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));

	/* Newer ones, but more than fifty a second. */
	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_TRUE(test, weft_take_initiation(test));
	timespec64_add_ns(&weft_test_time, 20 * MS);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	weft_kunit_now += 20 * MS - 1;
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	weft_kunit_now += 1;
	KUNIT_EXPECT_TRUE(test, weft_take_initiation(test));
}

static void noise_response_only_to_the_last(struct kunit *test)
{
	struct weft_message_handshake_response first;
	struct weft_noise_fixture *f = test->priv;

	weft_pair(test, 0);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_ASSERT_TRUE(test, weft_take_initiation(test));
	KUNIT_ASSERT_TRUE(test, weft_respond(f));
	/* One initiation, one response. */
	first = f->response;
	KUNIT_EXPECT_FALSE(test, weft_respond(f));

	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	f->response = first;
	KUNIT_EXPECT_FALSE(test, weft_take_response(test));
	/* Not even if it is redirected. */
	f->response.receiver_index = f->initiation.sender_index;
	KUNIT_EXPECT_FALSE(test, weft_take_response(test));

	KUNIT_ASSERT_TRUE(test, weft_take_initiation(test));
	KUNIT_ASSERT_TRUE(test, weft_respond(f));
	KUNIT_EXPECT_TRUE(test, weft_take_response(test));
	KUNIT_EXPECT_FALSE(test, weft_take_response(test));
}

static void noise_wrong_keys(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	static const u8 zero[KEY_LEN];

	/* Other preshared keys: the responder cannot tell, the initiator can. */
	weft_pair(test, 1);
	f->r.peer.handshake.preshared_key[31] ^= 0x80;
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_TRUE(test, weft_take_initiation(test));
	KUNIT_ASSERT_TRUE(test, weft_respond(f));
	KUNIT_EXPECT_FALSE(test, weft_take_response(test));

	/* To somebody else. */
	weft_tick();
	weft_end_set(&f->r, vector_noise[0].ei, vector_noise[1].si_public, zero);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));

	/* From a stranger. */
	weft_end_set(&f->r, vector_noise[1].sr, vector_noise[0].si_public, zero);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));

	/* No key of our own, on either side. */
	weft_end_set(&f->r, zero, vector_noise[1].si_public, zero);
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	weft_end_set(&f->i, zero, vector_noise[1].sr_public, zero);
	KUNIT_EXPECT_FALSE(test, weft_initiate(f));
}

/* What an ephemeral key of low order makes of the curve: zero. */
static void weft_mix_zero(struct transcript *t)
{
	static const u8 zero[KEY_LEN];

	kdf(t->ck, t->key, NULL, t->ck, zero, KEY_LEN);
}

/*
 * Messages that are right but for their ephemeral key, whose secret everybody
 * knows without a private key.
 */
static void weft_forge_initiation(struct weft_noise_fixture *f,
				  const u8 point[KEY_LEN])
{
	struct weft_message_handshake_initiation *msg = &f->initiation;
	u8 timestamp[WEFT_NOISE_TIMESTAMP_LEN];
	struct transcript t;

	transcript_init(&t, weft_suite_by_id(0), f->r.wdev.identity.public_key);
	memcpy(msg->unencrypted_ephemeral, point, KEY_LEN);
	mix_ephemeral(&t, point);
	weft_mix_zero(&t);
	seal(&t, msg->encrypted_static, f->i.wdev.identity.public_key, KEY_LEN);
	mix_static_static(&t, f->i.peer.handshake.static_static);
	timestamp_now(timestamp);
	seal(&t, msg->encrypted_timestamp, timestamp, sizeof(timestamp));
	msg->header.type = weft_message_word(WEFT_MESSAGE_HANDSHAKE_INITIATION, 0);
}

static void weft_forge_response(struct weft_noise_fixture *f,
				const u8 point[KEY_LEN])
{
	struct weft_message_handshake_response *msg = &f->response;
	struct transcript t;

	down_read(&f->r.peer.handshake.lock);
	transcript_load(&t, &f->r.peer.handshake);
	up_read(&f->r.peer.handshake.lock);
	memcpy(msg->unencrypted_ephemeral, point, KEY_LEN);
	mix_ephemeral(&t, point);
	weft_mix_zero(&t);
	weft_mix_zero(&t);
	mix_psk(&t, f->r.peer.handshake.preshared_key);
	seal(&t, msg->encrypted_nothing, NULL, 0);
	msg->header.type = weft_message_word(WEFT_MESSAGE_HANDSHAKE_RESPONSE, 0);
	msg->receiver_index = f->initiation.sender_index;
}

static void noise_low_order_points(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	static const u8 points[][KEY_LEN] = { { 0 }, { 1 } };
	static const u8 zero[KEY_LEN];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(points); i++) {
		weft_end_set(&f->i, vector_noise[0].si, points[i], zero);
		KUNIT_EXPECT_FALSE(test, weft_initiate(f));

		weft_pair(test, 0);
		weft_tick();
		weft_forge_initiation(f, points[i]);
		KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));

		weft_tick();
		KUNIT_ASSERT_TRUE(test, weft_initiate(f));
		KUNIT_ASSERT_TRUE(test, weft_take_initiation(test));
		weft_forge_response(f, points[i]);
		KUNIT_EXPECT_FALSE(test, weft_take_response(test));
		/* The genuine one still comes through. */
		KUNIT_ASSERT_TRUE(test, weft_respond(f));
		KUNIT_EXPECT_TRUE(test, weft_take_response(test));
	}
}

static bool weft_identify(struct weft_noise_fixture *f,
			  struct weft_stranger *stranger)
{
	return weft_handshake_identify(&f->initiation, &f->r.wdev, stranger);
}

static void noise_stranger(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	u8 *byte = (u8 *)&f->initiation;
	struct weft_stranger first, second;
	static const u8 zero[KEY_LEN];
	size_t i;

	/* Who is a peer is none. */
	weft_pair(test, 1);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_FALSE(test, weft_identify(f, &first));

	list_del(&f->r.peer.list);
	KUNIT_EXPECT_FALSE(test, weft_take_initiation(test));
	KUNIT_EXPECT_TRUE(test, weft_identify(f, &first));
	KUNIT_EXPECT_EQ(test, memcmp(first.public_key,
				     vector_noise[1].si_public, KEY_LEN), 0);
	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_TRUE(test, weft_identify(f, &second));
	KUNIT_EXPECT_EQ(test, memcmp(first.public_key, second.public_key,
				     KEY_LEN), 0);
	KUNIT_EXPECT_LT(test, memcmp(first.timestamp, second.timestamp,
				     sizeof(first.timestamp)), 0);

	for (i = offsetof(typeof(f->initiation), unencrypted_ephemeral);
	     i < offsetof(typeof(f->initiation), macs); i++) {
		byte[i] ^= 1 << i % 7;
		KUNIT_EXPECT_FALSE_MSG(test, weft_identify(f, &second),
				       "byte %zu", i);
		byte[i] ^= 1 << i % 7;
	}
	byte[1] = 200;
	KUNIT_EXPECT_FALSE(test, weft_identify(f, &second));
	byte[1] = 0;

	/* None of that stands in the way when he becomes a peer. */
	list_add(&f->r.peer.list, &f->r.table.peers);
	KUNIT_EXPECT_TRUE(test, weft_take_initiation(test));
	KUNIT_EXPECT_FALSE(test, weft_identify(f, &second));

	/* A device without a key, and one that hears itself. */
	weft_tick();
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	list_del_init(&f->r.peer.list);
	weft_end_set(&f->r, zero, vector_noise[1].si_public, zero);
	KUNIT_EXPECT_FALSE(test, weft_identify(f, &second));
	weft_pair(test, 1);
	weft_end_set(&f->i, vector_noise[1].sr, vector_noise[1].sr_public,
		     zero);
	KUNIT_ASSERT_TRUE(test, weft_initiate(f));
	KUNIT_EXPECT_FALSE(test, weft_identify(f, &second));
}

/*
 * An initiation in the name of @public_key by somebody who does not have the
 * private key, and so does not know the static secret: he has to guess.
 */
static void weft_forge_stranger(struct weft_noise_fixture *f,
				const u8 public_key[KEY_LEN],
				const u8 secret[KEY_LEN])
{
	struct weft_message_handshake_initiation *msg = &f->initiation;
	u8 timestamp[WEFT_NOISE_TIMESTAMP_LEN], private[KEY_LEN];
	struct transcript t;

	transcript_init(&t, weft_suite_by_id(0), f->r.wdev.identity.public_key);
	curve25519_generate_secret(private);
	WARN_ON(!curve25519_generate_public(msg->unencrypted_ephemeral,
					    private));
	mix_ephemeral(&t, msg->unencrypted_ephemeral);
	WARN_ON(!mix_dh(&t, t.key, private, f->r.wdev.identity.public_key));
	seal(&t, msg->encrypted_static, public_key, KEY_LEN);
	kdf(t.ck, t.key, NULL, t.ck, secret, KEY_LEN);
	timestamp_now(timestamp);
	seal(&t, msg->encrypted_timestamp, timestamp, sizeof(timestamp));
	msg->header.type = weft_message_word(WEFT_MESSAGE_HANDSHAKE_INITIATION, 0);
}

/* What names a key is no proof to have it. */
static void noise_stranger_with_anothers_key(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	static const u8 points[][KEY_LEN] = { { 0 }, { 1 } };
	struct weft_stranger stranger;
	static const u8 zero[KEY_LEN];
	u8 secret[KEY_LEN];
	unsigned int i;

	weft_pair(test, 0);
	list_del_init(&f->r.peer.list);
	/* With the right secret this would be an initiation. */
	KUNIT_ASSERT_TRUE(test, curve25519(secret, vector_noise[0].si,
					   vector_noise[0].sr_public));
	weft_forge_stranger(f, vector_noise[0].si_public, secret);
	KUNIT_EXPECT_TRUE(test, weft_identify(f, &stranger));

	weft_forge_stranger(f, vector_noise[0].si_public, zero);
	KUNIT_EXPECT_FALSE(test, weft_identify(f, &stranger));
	get_random_bytes(secret, sizeof(secret));
	weft_forge_stranger(f, vector_noise[0].si_public, secret);
	KUNIT_EXPECT_FALSE(test, weft_identify(f, &stranger));
	/* Keys whose secret everybody knows are nobody's. */
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		weft_forge_stranger(f, points[i], zero);
		KUNIT_EXPECT_FALSE(test, weft_identify(f, &stranger));
	}
}

static void noise_removed_peer(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;

	weft_pair(test, 0);
	weft_shake(test);
	f->i.peer.dead = true;
	f->r.peer.dead = true;
	KUNIT_EXPECT_FALSE(test, weft_handshake_begin_session(&f->i.peer));
	KUNIT_EXPECT_NULL(test, weft_current(&f->i));
	KUNIT_EXPECT_FALSE(test, weft_initiate(f));
}

static int weft_noise_test_init(struct kunit *test)
{
	struct weft_noise_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	weft_noise_init();
	weft_gcm_probe();
	weft_end_init(test, &f->i);
	weft_end_init(test, &f->r);
	weft_test_secret = NULL;
	weft_test_index = 0;
	weft_test_time.tv_sec = VECTOR_SECONDS;
	weft_test_time.tv_nsec = 0;
	test->priv = f;
	return 0;
}

static void weft_noise_test_exit(struct kunit *test)
{
	struct weft_noise_fixture *f = test->priv;
	struct weft_end *end;

	if (!f)
		return;
	for (end = &f->i; end; end = end == &f->i ? &f->r : NULL) {
		weft_handshake_clear(&end->peer);
		weft_sessions_clear(&end->peer);
		KUNIT_EXPECT_EQ(test, kref_read(&end->peer.refs), 1);
		KUNIT_EXPECT_EQ(test, atomic_read(&end->wdev.indexes.nelems), 0);
		rhashtable_destroy(&end->wdev.indexes);
	}
	/* Sessions that are gone are freed by this module's code. */
	rcu_barrier();
	weft_gcm_exit();
}

static struct kunit_case weft_noise_cases[] = {
	KUNIT_CASE(noise_known_answers),
	KUNIT_CASE(noise_known_answers_gcm),
	KUNIT_CASE(noise_suites),
	KUNIT_CASE(noise_round_trip),
	KUNIT_CASE(noise_secrets_are_erased),
	KUNIT_CASE(noise_changed_initiation),
	KUNIT_CASE(noise_changed_response),
	KUNIT_CASE(noise_initiation_only_forward),
	KUNIT_CASE(noise_response_only_to_the_last),
	KUNIT_CASE(noise_wrong_keys),
	KUNIT_CASE(noise_low_order_points),
	KUNIT_CASE(noise_stranger),
	KUNIT_CASE(noise_stranger_with_anothers_key),
	KUNIT_CASE(noise_removed_peer),
	{}
};

static struct kunit_suite weft_noise_suite = {
	.name = "weft_noise",
	.init = weft_noise_test_init,
	.exit = weft_noise_test_exit,
	.test_cases = weft_noise_cases,
};

kunit_test_suite(weft_noise_suite);
