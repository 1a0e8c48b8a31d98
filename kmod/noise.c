// SPDX-License-Identifier: GPL-2.0
/*
 * Noise_IKpsk2 as in section 5.4 of the WireGuard paper, with the AEAD of the
 * handshake's suite. Variables have the names of the Noise specification
 * (revision 34): h is the transcript's hash, ck the chaining key, e and s
 * ephemeral and static keys, r the remote end's.
 */

#include "noise.h"

#include <crypto/curve25519.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "control.h"
#include "device.h"
#include "peer.h"
#include "timers.h"

#define HASH_LEN WEFT_NOISE_HASH_LEN
#define KEY_LEN WEFT_NOISE_PUBLIC_KEY_LEN
#define TAG_LEN WEFT_NOISE_AUTHTAG_LEN

static_assert(HASH_LEN == BLAKE2S_HASH_SIZE);
static_assert(KEY_LEN == CURVE25519_KEY_SIZE);

/**
 * struct transcript - what both ends of a handshake agree on so far
 * @suite: its AEAD
 * @h: hash of all that was said
 * @ck: chaining key
 * @key: of the next payload
 */
struct transcript {
	const struct weft_suite *suite;
	u8 h[HASH_LEN];
	u8 ck[HASH_LEN];
	u8 key[WEFT_NOISE_SYMMETRIC_KEY_LEN];
};

/* ck and h after the two constant strings, for each suite */
static u8 initial_ck[WEFT_SUITE_AES256GCM + 1][HASH_LEN] __ro_after_init;
static u8 initial_h[WEFT_SUITE_AES256GCM + 1][HASH_LEN] __ro_after_init;

static void hash_two(u8 out[HASH_LEN], const void *a, size_t a_len,
		     const void *b, size_t b_len)
{
	struct blake2s_ctx ctx;

	blake2s_init(&ctx, HASH_LEN);
	blake2s_update(&ctx, a, a_len);
	blake2s_update(&ctx, b, b_len);
	blake2s_final(&ctx, out);
}

/* HMAC-BLAKE2s of RFC 2104; the message comes in two parts. */
static void hmac(u8 out[HASH_LEN], const u8 key[HASH_LEN],
		 const void *a, size_t a_len, const void *b, size_t b_len)
{
	u8 pad[BLAKE2S_BLOCK_SIZE] __aligned(4) = {};
	u8 inner[HASH_LEN];
	struct blake2s_ctx ctx;
	int i;

	memcpy(pad, key, HASH_LEN);
	for (i = 0; i < BLAKE2S_BLOCK_SIZE; i++)
		pad[i] ^= 0x36;
	blake2s_init(&ctx, HASH_LEN);
	blake2s_update(&ctx, pad, sizeof(pad));
	blake2s_update(&ctx, a, a_len);
	blake2s_update(&ctx, b, b_len);
	blake2s_final(&ctx, inner);

	for (i = 0; i < BLAKE2S_BLOCK_SIZE; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	blake2s_init(&ctx, HASH_LEN);
	blake2s_update(&ctx, pad, sizeof(pad));
	blake2s_update(&ctx, inner, sizeof(inner));
	blake2s_final(&ctx, out);

	memzero_explicit(pad, sizeof(pad));
	memzero_explicit(inner, sizeof(inner));
}

/* KDF of section 5.4: up to three outputs; @ck may be the same as @first. */
static void kdf(u8 *first, u8 *second, u8 *third, const u8 ck[HASH_LEN],
		const void *input, size_t input_len)
{
	u8 secret[HASH_LEN], block[HASH_LEN], counter = 1;

	hmac(secret, ck, input, input_len, NULL, 0);
	hmac(block, secret, &counter, 1, NULL, 0);
	memcpy(first, block, HASH_LEN);
	if (second) {
		counter = 2;
		hmac(block, secret, block, HASH_LEN, &counter, 1);
		memcpy(second, block, HASH_LEN);
	}
	if (third) {
		counter = 3;
		hmac(block, secret, block, HASH_LEN, &counter, 1);
		memcpy(third, block, HASH_LEN);
	}
	memzero_explicit(secret, sizeof(secret));
	memzero_explicit(block, sizeof(block));
}

static void mix_hash(struct transcript *t, const void *data, size_t len)
{
	hash_two(t->h, t->h, HASH_LEN, data, len);
}

static void transcript_init(struct transcript *t,
			    const struct weft_suite *suite,
			    const u8 responder_public[KEY_LEN])
{
	t->suite = suite;
	memcpy(t->ck, initial_ck[suite->id], HASH_LEN);
	memcpy(t->h, initial_h[suite->id], HASH_LEN);
	mix_hash(t, responder_public, KEY_LEN);
}

static void transcript_load(struct transcript *t,
			    const struct weft_handshake *handshake)
{
	lockdep_assert_held(&handshake->lock);
	t->suite = handshake->suite;
	memcpy(t->h, handshake->hash, HASH_LEN);
	memcpy(t->ck, handshake->chaining_key, HASH_LEN);
}

static void transcript_store(const struct transcript *t,
			     struct weft_handshake *handshake)
{
	lockdep_assert_held_write(&handshake->lock);
	handshake->suite = t->suite;
	memcpy(handshake->hash, t->h, HASH_LEN);
	memcpy(handshake->chaining_key, t->ck, HASH_LEN);
}

/* An ephemeral public key goes into the hash and, because of psk, into ck. */
static void mix_ephemeral(struct transcript *t, const u8 public[KEY_LEN])
{
	mix_hash(t, public, KEY_LEN);
	kdf(t->ck, NULL, NULL, t->ck, public, KEY_LEN);
}

/* Where no payload follows, @key is NULL: the next token would replace it. */
static bool mix_dh(struct transcript *t, u8 *key, const u8 private[KEY_LEN],
		   const u8 public[KEY_LEN])
{
	u8 shared[KEY_LEN];
	bool ok;

	/* false if the result is zero, for a point of low order */
	ok = curve25519(shared, private, public);
	if (ok)
		kdf(t->ck, key, NULL, t->ck, shared, KEY_LEN);
	memzero_explicit(shared, sizeof(shared));
	return ok;
}

static bool mix_static_static(struct transcript *t, const u8 shared[KEY_LEN])
{
	static const u8 zero[KEY_LEN];

	if (!crypto_memneq(shared, zero, KEY_LEN))
		return false;
	kdf(t->ck, t->key, NULL, t->ck, shared, KEY_LEN);
	return true;
}

static void mix_psk(struct transcript *t,
		    const u8 psk[WEFT_NOISE_SYMMETRIC_KEY_LEN])
{
	u8 tau[HASH_LEN];

	kdf(t->ck, tau, t->key, t->ck, psk, WEFT_NOISE_SYMMETRIC_KEY_LEN);
	mix_hash(t, tau, HASH_LEN);
	memzero_explicit(tau, sizeof(tau));
}

static bool seal(struct transcript *t, u8 *dst, const u8 *src, size_t len)
{
	if (!t->suite->seal_handshake(dst, src, len, t->h, HASH_LEN, 0, t->key))
		return false;
	mix_hash(t, dst, len + TAG_LEN);
	return true;
}

/* @len is that of the sealed text. */
static bool open(struct transcript *t, u8 *dst, const u8 *src, size_t len)
{
	if (!t->suite->open_handshake(dst, src, len, t->h, HASH_LEN, 0, t->key))
		return false;
	mix_hash(t, src, len);
	return true;
}

/* TAI64N, coarse enough not to tell how the machine is doing. */
static void timestamp_now(u8 out[WEFT_NOISE_TIMESTAMP_LEN])
{
	struct timespec64 now;
	u32 nanoseconds;

	ktime_get_real_ts64(&now);
	/* A power of two that lets WEFT_INITIATIONS_PER_SECOND through. */
	nanoseconds = ALIGN_DOWN(now.tv_nsec,
				 rounddown_pow_of_two(NSEC_PER_SEC /
						      WEFT_INITIATIONS_PER_SECOND));
	put_unaligned_be64(0x400000000000000aULL + now.tv_sec, out);
	put_unaligned_be32(nanoseconds, out + sizeof(__be64));
}

/**
 * weft_noise_init() - compute what is the same in all handshakes
 */
void __init weft_noise_init(void)
{
	const struct weft_suite *suite;
	struct blake2s_ctx ctx;
	u8 id;

	for (id = 0; id < ARRAY_SIZE(initial_ck); id++) {
		suite = weft_suite_by_id(id);
		if (!suite)
			continue;
		blake2s_init(&ctx, HASH_LEN);
		blake2s_update(&ctx, suite->construction,
			       strlen(suite->construction));
		blake2s_final(&ctx, initial_ck[id]);
		hash_two(initial_h[id], initial_ck[id], HASH_LEN,
			 suite->identifier, strlen(suite->identifier));
	}
}

/**
 * weft_identity_init() - no key yet
 * @identity: of a new device
 */
void weft_identity_init(struct weft_identity *identity)
{
	init_rwsem(&identity->lock);
}

/**
 * weft_identity_set() - give a device a static key
 * @identity: its lock is held for writing
 * @private_key: clamped here; all zero for none
 *
 * Return: true if there is an identity now.
 */
bool weft_identity_set(struct weft_identity *identity,
		       const u8 private_key[KEY_LEN])
{
	static const u8 zero[KEY_LEN];

	lockdep_assert_held_write(&identity->lock);

	identity->present = false;
	memset(identity->public_key, 0, KEY_LEN);
	memcpy(identity->private_key, private_key, KEY_LEN);
	if (!crypto_memneq(private_key, zero, KEY_LEN))
		return false;
	curve25519_clamp_secret(identity->private_key);
	identity->present = curve25519_generate_public(identity->public_key,
						       identity->private_key);
	return identity->present;
}

/**
 * weft_handshake_init() - no handshake yet
 * @peer: a new peer
 * @public_key: its static key
 */
void weft_handshake_init(struct weft_peer *peer, const u8 public_key[KEY_LEN])
{
	struct weft_handshake *handshake = &peer->handshake;

	init_rwsem(&handshake->lock);
	handshake->index.kind = WEFT_INDEX_HANDSHAKE;
	handshake->index.peer = peer;
	memcpy(handshake->remote_static, public_key, KEY_LEN);
}

static void handshake_zero(struct weft_peer *peer)
{
	struct weft_handshake *handshake = &peer->handshake;

	lockdep_assert_held_write(&handshake->lock);

	memzero_explicit(handshake->ephemeral_private, KEY_LEN);
	memzero_explicit(handshake->remote_ephemeral, KEY_LEN);
	memzero_explicit(handshake->hash, HASH_LEN);
	memzero_explicit(handshake->chaining_key, HASH_LEN);
	handshake->remote_index = 0;
	handshake->state = WEFT_HANDSHAKE_ZEROED;
}

/**
 * weft_handshake_clear() - give up the handshake under way, if any
 * @peer: the peer
 *
 * Context: process.
 */
void weft_handshake_clear(struct weft_peer *peer)
{
	down_write(&peer->handshake.lock);
	weft_index_remove(&peer->wdev->indexes, &peer->handshake.index);
	handshake_zero(peer);
	up_write(&peer->handshake.lock);
}

static void compute_static_static(struct weft_peer *peer)
{
	struct weft_identity *identity = &peer->wdev->identity;
	struct weft_handshake *handshake = &peer->handshake;

	lockdep_assert_held(&identity->lock);
	lockdep_assert_held_write(&handshake->lock);

	if (handshake->has_static_static)
		return;
	if (!identity->present ||
	    !curve25519(handshake->static_static, identity->private_key,
			handshake->remote_static))
		memset(handshake->static_static, 0, KEY_LEN);
	WRITE_ONCE(handshake->has_static_static, true);
}

/**
 * weft_handshake_precompute() - compute the secret of both static keys
 * @peer: the device's identity lock is held
 *
 * Handshakes do it if nobody has; it is most of the work of adding a peer. The
 * secret is zero, and no handshake possible, if there is no identity or the
 * peer's key is of low order.
 *
 * Context: process.
 */
void weft_handshake_precompute(struct weft_peer *peer)
{
	struct weft_handshake *handshake = &peer->handshake;

	if (READ_ONCE(handshake->has_static_static))
		return;
	down_write(&handshake->lock);
	compute_static_static(peer);
	up_write(&handshake->lock);
}

/**
 * weft_handshake_forget_secret() - the secret was that of another identity
 * @peer: the device's identity lock is held for writing
 */
void weft_handshake_forget_secret(struct weft_peer *peer)
{
	struct weft_handshake *handshake = &peer->handshake;

	lockdep_assert_held_write(&peer->wdev->identity.lock);

	down_write(&handshake->lock);
	memzero_explicit(handshake->static_static, KEY_LEN);
	WRITE_ONCE(handshake->has_static_static, false);
	up_write(&handshake->lock);
}

/* The suite that a handshake of ours begins with. */
static const struct weft_suite *initiation_suite(const struct weft_peer *peer)
{
	u8 id = READ_ONCE(peer->suite);

	return weft_suite_by_id(id == WEFT_SUITE_AUTO ?
				weft_control_best_suite(peer) : id);
}

static bool write_initiation(struct weft_message_handshake_initiation *msg,
			     struct transcript *t, struct weft_peer *peer)
{
	struct weft_identity *identity = &peer->wdev->identity;
	struct weft_handshake *handshake = &peer->handshake;
	u8 timestamp[WEFT_NOISE_TIMESTAMP_LEN];

	compute_static_static(peer);
	transcript_init(t, initiation_suite(peer), handshake->remote_static);

	/* e */
	curve25519_generate_secret(handshake->ephemeral_private);
	if (!curve25519_generate_public(msg->unencrypted_ephemeral,
					handshake->ephemeral_private))
		return false;
	mix_ephemeral(t, msg->unencrypted_ephemeral);

	/* es */
	if (!mix_dh(t, t->key, handshake->ephemeral_private,
		    handshake->remote_static))
		return false;

	/* s */
	if (!seal(t, msg->encrypted_static, identity->public_key, KEY_LEN))
		return false;

	/* ss */
	if (!mix_static_static(t, handshake->static_static))
		return false;

	/* payload */
	timestamp_now(timestamp);
	return seal(t, msg->encrypted_timestamp, timestamp, sizeof(timestamp));
}

/**
 * weft_handshake_create_initiation() - begin a handshake
 * @msg: what to send, but for its macs
 * @peer: to whom; a handshake under way is given up
 *
 * Context: process.
 * Return: false if there is no identity, the peer's key is bad, or memory is
 * short.
 */
bool weft_handshake_create_initiation(struct weft_message_handshake_initiation *msg,
				      struct weft_peer *peer)
{
	struct weft_identity *identity = &peer->wdev->identity;
	struct weft_handshake *handshake = &peer->handshake;
	struct rhashtable *indexes = &peer->wdev->indexes;
	struct transcript t;
	bool ok = false;

	/* Keys must not be made before the generator is seeded. */
	wait_for_random_bytes();

	down_read(&identity->lock);
	down_write(&handshake->lock);
	if (!identity->present)
		goto out;

	weft_index_remove(indexes, &handshake->index);
	handshake_zero(peer);
	if (!write_initiation(msg, &t, peer))
		goto out;
	if (READ_ONCE(peer->dead) ||
	    weft_index_insert(indexes, &handshake->index))
		goto out;
	msg->header.type = weft_message_word(WEFT_MESSAGE_HANDSHAKE_INITIATION,
					     t.suite->id);
	msg->sender_index = handshake->index.id;
	transcript_store(&t, handshake);
	handshake->state = WEFT_HANDSHAKE_CREATED_INITIATION;
	ok = true;
out:
	if (!ok)
		memzero_explicit(handshake->ephemeral_private, KEY_LEN);
	up_write(&handshake->lock);
	up_read(&identity->lock);
	memzero_explicit(&t, sizeof(t));
	return ok;
}

static bool suite_allowed(const struct weft_peer *peer,
			  const struct weft_suite *suite)
{
	u8 wanted = READ_ONCE(peer->suite);

	return wanted == WEFT_SUITE_AUTO || wanted == suite->id;
}

/* Newer than all before, and not more often than WEFT_INITIATIONS_PER_SECOND? */
static bool initiation_is_new(const struct weft_handshake *handshake,
			      const u8 timestamp[WEFT_NOISE_TIMESTAMP_LEN])
{
	lockdep_assert_held(&handshake->lock);
	return memcmp(timestamp, handshake->latest_timestamp,
		      WEFT_NOISE_TIMESTAMP_LEN) > 0 &&
	       (!handshake->last_consumed ||
		weft_timers_expired(handshake->last_consumed,
				    MSEC_PER_SEC /
				    WEFT_INITIATIONS_PER_SECOND));
}

/* Accepts an initiation that has proved to be the peer's. */
static bool accept_initiation(struct weft_peer *peer,
			      const struct transcript *t,
			      const struct weft_message_handshake_initiation *msg,
			      const u8 timestamp[WEFT_NOISE_TIMESTAMP_LEN])
{
	struct weft_handshake *handshake = &peer->handshake;
	bool ok;

	down_write(&handshake->lock);
	/* Another CPU may have accepted one in between. */
	ok = initiation_is_new(handshake, timestamp);
	if (ok) {
		memcpy(handshake->remote_ephemeral, msg->unencrypted_ephemeral,
		       KEY_LEN);
		memcpy(handshake->latest_timestamp, timestamp,
		       WEFT_NOISE_TIMESTAMP_LEN);
		transcript_store(t, handshake);
		handshake->remote_index = msg->sender_index;
		handshake->last_consumed = ktime_get_coarse_boottime_ns();
		handshake->state = WEFT_HANDSHAKE_CONSUMED_INITIATION;
	}
	up_write(&handshake->lock);
	return ok;
}

static struct weft_peer *find_peer(struct weft_device *wdev,
				   const u8 public_key[KEY_LEN])
{
	struct weft_peer *peer;

	rcu_read_lock();
	peer = weft_peer_lookup(rcu_dereference(wdev->table), public_key);
	peer = weft_peer_get_maybe_zero(peer);
	rcu_read_unlock();
	return peer;
}

/* The peer's part of an initiation: is it who it says, and is this new? */
static bool read_initiation_of(struct weft_peer *peer, struct transcript *t,
			       const struct weft_message_handshake_initiation *msg)
{
	struct weft_handshake *handshake = &peer->handshake;
	u8 timestamp[WEFT_NOISE_TIMESTAMP_LEN];
	bool ok;

	if (!suite_allowed(peer, t->suite))
		return false;
	weft_handshake_precompute(peer);
	down_read(&handshake->lock);
	/* ss, payload */
	ok = mix_static_static(t, handshake->static_static) &&
	     open(t, timestamp, msg->encrypted_timestamp,
		  sizeof(msg->encrypted_timestamp)) &&
	     initiation_is_new(handshake, timestamp);
	up_read(&handshake->lock);
	return ok && accept_initiation(peer, t, msg, timestamp);
}

/* The part of an initiation that tells who the initiator says to be. */
static bool read_static(const struct weft_message_handshake_initiation *msg,
			struct transcript *t,
			const struct weft_identity *identity, u8 s[KEY_LEN])
{
	/* e, es */
	mix_ephemeral(t, msg->unencrypted_ephemeral);
	if (!mix_dh(t, t->key, identity->private_key,
		    msg->unencrypted_ephemeral))
		return false;

	/* s */
	return open(t, s, msg->encrypted_static, sizeof(msg->encrypted_static));
}

/**
 * weft_handshake_consume_initiation() - read an initiation
 * @msg: with good macs
 * @wdev: device that got it
 *
 * Context: process.
 * Return: the peer that it is from, with a reference, ready for
 * weft_handshake_create_response(); NULL if it is not good.
 */
struct weft_peer *
weft_handshake_consume_initiation(const struct weft_message_handshake_initiation *msg,
				  struct weft_device *wdev)
{
	struct weft_identity *identity = &wdev->identity;
	u8 suite = weft_message_suite(&msg->header);
	struct weft_peer *peer = NULL;
	struct transcript t;
	u8 s[KEY_LEN];

	if (!weft_suite_usable(suite))
		return NULL;

	down_read(&identity->lock);
	if (!identity->present)
		goto out;
	transcript_init(&t, weft_suite_by_id(suite), identity->public_key);
	if (!read_static(msg, &t, identity, s))
		goto out;
	peer = find_peer(wdev, s);
	if (peer && !read_initiation_of(peer, &t, msg)) {
		weft_peer_put(peer);
		peer = NULL;
	}
out:
	up_read(&identity->lock);
	memzero_explicit(&t, sizeof(t));
	return peer;
}

/* Only who has the private key can have sealed the timestamp. */
static bool prove_stranger(const struct weft_message_handshake_initiation *msg,
			   struct transcript *t,
			   const struct weft_identity *identity,
			   struct weft_stranger *stranger)
{
	/* ss, payload */
	return mix_dh(t, t->key, identity->private_key,
		      stranger->public_key) &&
	       open(t, stranger->timestamp, msg->encrypted_timestamp,
		    sizeof(msg->encrypted_timestamp));
}

static bool is_known(struct weft_device *wdev, const u8 public_key[KEY_LEN])
{
	struct weft_peer *peer = find_peer(wdev, public_key);

	weft_peer_put(peer);
	return peer || !memcmp(public_key, wdev->identity.public_key, KEY_LEN);
}

/**
 * weft_handshake_identify() - whom an initiation is from, if that is no peer
 * @msg: with good macs
 * @wdev: device that got it
 * @stranger: result
 *
 * Computes on the curve twice: not for everything that comes in.
 *
 * Context: process.
 * Return: true if it was made by the owner of a key that is neither a peer's
 * nor our own.
 */
bool
weft_handshake_identify(const struct weft_message_handshake_initiation *msg,
			struct weft_device *wdev,
			struct weft_stranger *stranger)
{
	const struct weft_suite *suite =
		weft_suite_by_id(weft_message_suite(&msg->header));
	struct weft_identity *identity = &wdev->identity;
	struct transcript t;
	bool ok;

	if (!suite)
		return false;

	down_read(&identity->lock);
	ok = identity->present;
	if (ok) {
		transcript_init(&t, suite, identity->public_key);
		ok = read_static(msg, &t, identity, stranger->public_key) &&
		     !is_known(wdev, stranger->public_key) &&
		     prove_stranger(msg, &t, identity, stranger);
		memzero_explicit(&t, sizeof(t));
	}
	up_read(&identity->lock);
	return ok;
}

static bool write_response(struct weft_message_handshake_response *msg,
			   struct transcript *t,
			   struct weft_handshake *handshake)
{
	/* e */
	curve25519_generate_secret(handshake->ephemeral_private);
	if (!curve25519_generate_public(msg->unencrypted_ephemeral,
					handshake->ephemeral_private))
		return false;
	mix_ephemeral(t, msg->unencrypted_ephemeral);

	/* ee, se */
	if (!mix_dh(t, NULL, handshake->ephemeral_private,
		    handshake->remote_ephemeral) ||
	    !mix_dh(t, NULL, handshake->ephemeral_private,
		    handshake->remote_static))
		return false;

	/* psk, and an empty payload */
	mix_psk(t, handshake->preshared_key);
	return seal(t, msg->encrypted_nothing, NULL, 0);
}

/**
 * weft_handshake_create_response() - answer an initiation
 * @msg: what to send, but for its macs
 * @peer: whose initiation was consumed
 *
 * Context: process.
 * Return: false if the handshake has moved on or memory is short.
 */
bool weft_handshake_create_response(struct weft_message_handshake_response *msg,
				    struct weft_peer *peer)
{
	struct weft_handshake *handshake = &peer->handshake;
	struct rhashtable *indexes = &peer->wdev->indexes;
	struct transcript t;
	bool ok = false;

	wait_for_random_bytes();

	down_read(&peer->wdev->identity.lock);
	down_write(&handshake->lock);
	if (handshake->state != WEFT_HANDSHAKE_CONSUMED_INITIATION)
		goto out;
	transcript_load(&t, handshake);
	if (!write_response(msg, &t, handshake))
		goto give_up;

	weft_index_remove(indexes, &handshake->index);
	if (READ_ONCE(peer->dead) ||
	    weft_index_insert(indexes, &handshake->index))
		goto give_up;
	msg->header.type = weft_message_word(WEFT_MESSAGE_HANDSHAKE_RESPONSE,
					     t.suite->id);
	msg->sender_index = handshake->index.id;
	msg->receiver_index = handshake->remote_index;
	transcript_store(&t, handshake);
	handshake->state = WEFT_HANDSHAKE_CREATED_RESPONSE;
	ok = true;
	goto out;

give_up:
	handshake_zero(peer);
out:
	up_write(&handshake->lock);
	up_read(&peer->wdev->identity.lock);
	memzero_explicit(&t, sizeof(t));
	return ok;
}

/**
 * struct pending - our side of an initiation that was answered
 * @id: index that we sent it with
 * @ephemeral_private: its ephemeral key
 * @preshared_key: the peer's
 *
 * A copy, so that the curve need not be computed with the handshake locked
 * for writing.
 */
struct pending {
	__le32 id;
	u8 ephemeral_private[KEY_LEN];
	u8 preshared_key[WEFT_NOISE_SYMMETRIC_KEY_LEN];
};

static bool load_pending(struct weft_handshake *handshake, struct pending *p,
			 struct transcript *t)
{
	bool ok;

	down_read(&handshake->lock);
	ok = handshake->state == WEFT_HANDSHAKE_CREATED_INITIATION;
	if (ok) {
		transcript_load(t, handshake);
		p->id = handshake->index.id;
		memcpy(p->ephemeral_private, handshake->ephemeral_private,
		       KEY_LEN);
		memcpy(p->preshared_key, handshake->preshared_key,
		       WEFT_NOISE_SYMMETRIC_KEY_LEN);
	}
	up_read(&handshake->lock);
	return ok;
}

static bool read_response(const struct weft_message_handshake_response *msg,
			  struct transcript *t, const struct pending *p,
			  const struct weft_identity *identity)
{
	/* e */
	mix_ephemeral(t, msg->unencrypted_ephemeral);

	/* ee, se */
	if (!mix_dh(t, NULL, p->ephemeral_private,
		    msg->unencrypted_ephemeral) ||
	    !mix_dh(t, NULL, identity->private_key,
		    msg->unencrypted_ephemeral))
		return false;

	/* psk, and an empty payload */
	mix_psk(t, p->preshared_key);
	return open(t, NULL, msg->encrypted_nothing,
		    sizeof(msg->encrypted_nothing));
}

/* Accepts a response if the handshake is still the one that it answers. */
static bool accept_response(struct weft_handshake *handshake,
			    const struct transcript *t, const struct pending *p,
			    const struct weft_message_handshake_response *msg)
{
	bool ok;

	down_write(&handshake->lock);
	ok = handshake->state == WEFT_HANDSHAKE_CREATED_INITIATION &&
	     handshake->index.id == p->id &&
	     !crypto_memneq(handshake->ephemeral_private, p->ephemeral_private,
			    KEY_LEN);
	if (ok) {
		memcpy(handshake->remote_ephemeral, msg->unencrypted_ephemeral,
		       KEY_LEN);
		transcript_store(t, handshake);
		handshake->remote_index = msg->sender_index;
		handshake->state = WEFT_HANDSHAKE_CONSUMED_RESPONSE;
	}
	up_write(&handshake->lock);
	return ok;
}

static struct weft_peer *find_handshake(struct weft_device *wdev, __le32 id)
{
	struct weft_peer *peer = NULL;
	struct weft_index *index;

	rcu_read_lock();
	index = weft_index_lookup(&wdev->indexes, id);
	if (index && index->kind == WEFT_INDEX_HANDSHAKE)
		peer = weft_peer_get_maybe_zero(index->peer);
	rcu_read_unlock();
	return peer;
}

/**
 * weft_handshake_consume_response() - read a response
 * @msg: with good macs
 * @wdev: device that got it
 *
 * Context: process.
 * Return: the peer that it is from, with a reference, ready for
 * weft_handshake_begin_session(); NULL if it is not good.
 */
struct weft_peer *
weft_handshake_consume_response(const struct weft_message_handshake_response *msg,
				struct weft_device *wdev)
{
	struct weft_identity *identity = &wdev->identity;
	struct weft_peer *peer;
	struct transcript t;
	struct pending p;
	bool ok;

	peer = find_handshake(wdev, msg->receiver_index);
	if (!peer)
		return NULL;

	down_read(&identity->lock);
	ok = identity->present && load_pending(&peer->handshake, &p, &t) &&
	     weft_message_suite(&msg->header) == t.suite->id &&
	     read_response(msg, &t, &p, identity) &&
	     accept_response(&peer->handshake, &t, &p, msg);
	up_read(&identity->lock);

	memzero_explicit(&t, sizeof(t));
	memzero_explicit(&p, sizeof(p));
	if (ok)
		return peer;
	weft_peer_put(peer);
	return NULL;
}

/* Section 5.4.5: both transport keys from the last chaining key. */
static int derive_keys(struct weft_session *session, const u8 ck[HASH_LEN])
{
	u8 first[WEFT_NOISE_SYMMETRIC_KEY_LEN];
	u8 second[WEFT_NOISE_SYMMETRIC_KEY_LEN];
	const struct weft_suite *suite = session->suite;
	int err;

	kdf(first, second, NULL, ck, NULL, 0);
	err = suite->key_set(&session->send_key,
			     session->initiator ? first : second);
	if (!err)
		err = suite->key_set(&session->recv_key,
				     session->initiator ? second : first);
	memzero_explicit(first, sizeof(first));
	memzero_explicit(second, sizeof(second));
	return err;
}

/**
 * weft_handshake_begin_session() - derive transport keys and use them
 * @peer: whose handshake is complete
 *
 * Context: process.
 * Return: false if the handshake has moved on or memory is short.
 */
bool weft_handshake_begin_session(struct weft_peer *peer)
{
	struct weft_handshake *handshake = &peer->handshake;
	struct weft_session *session;
	bool ok = false;

	down_write(&handshake->lock);
	if (handshake->state != WEFT_HANDSHAKE_CREATED_RESPONSE &&
	    handshake->state != WEFT_HANDSHAKE_CONSUMED_RESPONSE)
		goto out;

	session = weft_session_create(peer, handshake->suite);
	if (!session) {
		handshake_zero(peer);
		goto out;
	}
	session->initiator =
		handshake->state == WEFT_HANDSHAKE_CONSUMED_RESPONSE;
	session->remote_index = handshake->remote_index;
	session->send_valid = true;
	if (derive_keys(session, handshake->chaining_key)) {
		handshake_zero(peer);
		weft_session_put(session);
		goto out;
	}
	handshake_zero(peer);
	ok = weft_sessions_install(peer, session, &handshake->index);
out:
	up_write(&handshake->lock);
	return ok;
}
