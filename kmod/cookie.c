// SPDX-License-Identifier: GPL-2.0
/* Handshake authenticators and cookies: WireGuard paper, section 5.4. */
#include "cookie.h"

#include <crypto/blake2s.h>
#include <crypto/chacha20poly1305.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/lockdep.h>
#include <linux/random.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <linux/udp.h>

#include "compat/compat.h"
#include "ratelimiter.h"

#define WEFT_COOKIE_LABEL_LEN	8

/* Labels of the paper: LABEL-MAC1 and LABEL-COOKIE. */
static const u8 weft_cookie_label_mac1[] = "mac1----";
static const u8 weft_cookie_label_cookie[] = "cookie--";

static bool weft_cookie_too_old(u64 birthdate, unsigned int seconds)
{
	return ktime_get_coarse_boottime_ns() - birthdate >=
	       (u64)seconds * NSEC_PER_SEC;
}

/* HASH(label || public key) */
static void weft_cookie_derive(u8 key[WEFT_NOISE_SYMMETRIC_KEY_LEN],
			       const u8 label[WEFT_COOKIE_LABEL_LEN],
			       const u8 public_key[WEFT_NOISE_PUBLIC_KEY_LEN])
{
	struct blake2s_ctx hash;

	blake2s_init(&hash, WEFT_NOISE_SYMMETRIC_KEY_LEN);
	blake2s_update(&hash, label, WEFT_COOKIE_LABEL_LEN);
	blake2s_update(&hash, public_key, WEFT_NOISE_PUBLIC_KEY_LEN);
	blake2s_final(&hash, key);
}

/* MAC(key, input): keyed BLAKE2s with 16 bytes of output */
static void weft_cookie_mac(u8 mac[WEFT_COOKIE_LEN], const u8 *key,
			    size_t key_len, const void *input, size_t len)
{
	struct blake2s_ctx hash;

	blake2s_init_key(&hash, WEFT_COOKIE_LEN, key, key_len);
	blake2s_update(&hash, input, len);
	blake2s_final(&hash, mac);
}

/* mac1 covers what is before both macs. */
static void weft_cookie_mac1(u8 mac1[WEFT_COOKIE_LEN],
			     const u8 key[WEFT_NOISE_SYMMETRIC_KEY_LEN],
			     const void *message, size_t len)
{
	weft_cookie_mac(mac1, key, WEFT_NOISE_SYMMETRIC_KEY_LEN, message,
			len - sizeof(struct weft_message_macs));
}

/* mac2 covers mac1 too. */
static void weft_cookie_mac2(u8 mac2[WEFT_COOKIE_LEN],
			     const u8 cookie[WEFT_COOKIE_LEN],
			     const void *message, size_t len)
{
	weft_cookie_mac(mac2, cookie, WEFT_COOKIE_LEN, message,
			len - sizeof(struct weft_message_macs) +
			offsetof(struct weft_message_macs, mac2));
}

static struct weft_message_macs *weft_cookie_macs(void *message, size_t len)
{
	return message + len - sizeof(struct weft_message_macs);
}

/**
 * weft_cookie_checker_init() - a checker of a device without a key
 * @checker: not in use yet
 *
 * Context: process.
 */
void weft_cookie_checker_init(struct weft_cookie_checker *checker)
{
	memset(checker, 0, sizeof(*checker));
	init_rwsem(&checker->secret_lock);
	get_random_bytes(checker->secret, sizeof(checker->secret));
	checker->secret_birthdate = ktime_get_coarse_boottime_ns();
}

/**
 * weft_cookie_checker_set_key() - the device has another key pair
 * @checker: checker of the device
 * @public_key: its new public key, or NULL if it has none now: then no message
 *	has a valid mac
 *
 * Context: process; takes @checker->secret_lock.
 */
void weft_cookie_checker_set_key(struct weft_cookie_checker *checker,
				 const u8 public_key[WEFT_NOISE_PUBLIC_KEY_LEN])
{
	down_write(&checker->secret_lock);
	checker->has_key = public_key;
	if (public_key) {
		weft_cookie_derive(checker->cookie_encryption_key,
				   weft_cookie_label_cookie, public_key);
		weft_cookie_derive(checker->message_mac1_key,
				   weft_cookie_label_mac1, public_key);
	} else {
		memzero_explicit(checker->cookie_encryption_key,
				 sizeof(checker->cookie_encryption_key));
		memzero_explicit(checker->message_mac1_key,
				 sizeof(checker->message_mac1_key));
	}
	up_write(&checker->secret_lock);
}

/* Takes the lock for reading, with a secret that is young enough. */
static void weft_cookie_checker_lock(struct weft_cookie_checker *checker)
{
	down_read(&checker->secret_lock);
	if (likely(!weft_cookie_too_old(checker->secret_birthdate,
					WEFT_COOKIE_SECRET_MAX_AGE)))
		return;
	up_read(&checker->secret_lock);

	down_write(&checker->secret_lock);
	/* Another one may have been faster, and have issued cookies by it. */
	if (weft_cookie_too_old(checker->secret_birthdate,
				WEFT_COOKIE_SECRET_MAX_AGE)) {
		get_random_bytes(checker->secret, sizeof(checker->secret));
		checker->secret_birthdate = ktime_get_coarse_boottime_ns();
	}
	downgrade_write(&checker->secret_lock);
}

/* The cookie of an address and port: MAC(secret, address || port). */
static void weft_cookie_make(struct weft_cookie_checker *checker,
			     u8 cookie[WEFT_COOKIE_LEN], struct sk_buff *skb)
{
	struct blake2s_ctx hash;

	lockdep_assert_held(&checker->secret_lock);

	blake2s_init_key(&hash, WEFT_COOKIE_LEN, checker->secret,
			 sizeof(checker->secret));
	if (skb->protocol == htons(ETH_P_IP))
		blake2s_update(&hash, (u8 *)&ip_hdr(skb)->saddr,
			       sizeof(struct in_addr));
	else if (skb->protocol == htons(ETH_P_IPV6))
		blake2s_update(&hash, (u8 *)&ipv6_hdr(skb)->saddr,
			       sizeof(struct in6_addr));
	blake2s_update(&hash, (u8 *)&udp_hdr(skb)->source, sizeof(__be16));
	blake2s_final(&hash, cookie);
}

/**
 * weft_cookie_validate() - check the macs of a received handshake message
 * @checker: checker of the device
 * @skb: the message, linear from @data on, at least as long as its macs;
 *	network and transport header are those that it came with
 * @check_cookie: the device is under load: look at mac2 too, and charge the
 *	source's rate limit if it is right
 * @net: network namespace of the device, for the rate limit
 *
 * Context: process; takes @checker->secret_lock.
 * Return: &enum weft_cookie_mac_state. With @check_cookie, WEFT_MAC_VALID is to
 * be answered by a cookie reply and nothing else.
 */
enum weft_cookie_mac_state
weft_cookie_validate(struct weft_cookie_checker *checker, struct sk_buff *skb,
		     bool check_cookie, struct net *net)
{
	enum weft_cookie_mac_state state = WEFT_MAC_INVALID;
	const struct weft_message_macs *macs;
	u8 cookie[WEFT_COOKIE_LEN];
	u8 mac[WEFT_COOKIE_LEN];

	if (WARN_ON_ONCE(skb_headlen(skb) < sizeof(*macs) ||
			 skb_is_nonlinear(skb)))
		return state;
	macs = weft_cookie_macs(skb->data, skb->len);

	weft_cookie_checker_lock(checker);

	if (!checker->has_key)
		goto out;
	weft_cookie_mac1(mac, checker->message_mac1_key, skb->data, skb->len);
	if (crypto_memneq(mac, macs->mac1, sizeof(mac)))
		goto out;

	state = WEFT_MAC_VALID;
	if (!check_cookie)
		goto out;
	weft_cookie_make(checker, cookie, skb);
	weft_cookie_mac2(mac, cookie, skb->data, skb->len);
	memzero_explicit(cookie, sizeof(cookie));
	if (crypto_memneq(mac, macs->mac2, sizeof(mac)))
		goto out;

	state = weft_ratelimiter_allow(skb, net) ?
			WEFT_MAC_VALID_WITH_COOKIE :
			WEFT_MAC_VALID_WITH_COOKIE_RATELIMITED;
out:
	up_read(&checker->secret_lock);
	return state;
}

/**
 * weft_cookie_make_reply() - send the sender of a message its cookie
 * @checker: checker of the device
 * @skb: a message for which weft_cookie_validate() said WEFT_MAC_VALID
 * @reply: gets the message to send
 * @receiver_index: sender_index of the message in @skb
 *
 * Context: process; takes @checker->secret_lock.
 */
void weft_cookie_make_reply(struct weft_cookie_checker *checker,
			    struct sk_buff *skb,
			    struct weft_message_cookie_reply *reply,
			    __le32 receiver_index)
{
	const struct weft_message_macs *macs;
	u8 cookie[WEFT_COOKIE_LEN];

	macs = weft_cookie_macs(skb->data, skb->len);
	reply->header.type = weft_message_word(WEFT_MESSAGE_HANDSHAKE_COOKIE, 0);
	reply->receiver_index = receiver_index;
	get_random_bytes(reply->nonce, sizeof(reply->nonce));

	weft_cookie_checker_lock(checker);
	weft_cookie_make(checker, cookie, skb);
	xchacha20poly1305_encrypt(reply->encrypted_cookie, cookie,
				  sizeof(cookie), macs->mac1,
				  sizeof(macs->mac1), reply->nonce,
				  checker->cookie_encryption_key);
	up_read(&checker->secret_lock);
	memzero_explicit(cookie, sizeof(cookie));
}

/**
 * weft_cookie_init() - no cookie from a peer yet
 * @cookie: not in use yet
 * @peer_public_key: static public key of the peer
 *
 * Context: process.
 */
void weft_cookie_init(struct weft_cookie *cookie,
		      const u8 peer_public_key[WEFT_NOISE_PUBLIC_KEY_LEN])
{
	memset(cookie, 0, sizeof(*cookie));
	init_rwsem(&cookie->lock);
	weft_cookie_derive(cookie->cookie_decryption_key,
			   weft_cookie_label_cookie, peer_public_key);
	weft_cookie_derive(cookie->message_mac1_key, weft_cookie_label_mac1,
			   peer_public_key);
}

/**
 * weft_cookie_add_macs() - fill in the macs of a message to a peer
 * @cookie: the peer's
 * @message: complete handshake message but for its macs
 * @len: bytes in @message, macs included
 *
 * mac2 is zero unless the peer has sent a cookie lately: five seconds less
 * than cookies are good for, for the message is still to travel.
 *
 * Context: process; takes @cookie->lock.
 */
void weft_cookie_add_macs(struct weft_cookie *cookie, void *message,
			  size_t len)
{
	struct weft_message_macs *macs = weft_cookie_macs(message, len);

	down_write(&cookie->lock);
	weft_cookie_mac1(macs->mac1, cookie->message_mac1_key, message, len);
	memcpy(cookie->last_mac1_sent, macs->mac1, sizeof(macs->mac1));
	cookie->have_sent_mac1 = true;

	if (cookie->is_valid &&
	    !weft_cookie_too_old(cookie->birthdate,
				 WEFT_COOKIE_SECRET_MAX_AGE -
				 WEFT_COOKIE_SECRET_LATENCY))
		weft_cookie_mac2(macs->mac2, cookie->cookie, message, len);
	else
		memset(macs->mac2, 0, sizeof(macs->mac2));
	up_write(&cookie->lock);
}

/**
 * weft_cookie_consume_reply() - take a cookie from a peer's reply
 * @cookie: that of the peer whose message @receiver_index of the reply names
 * @reply: received message, of the right length
 *
 * A message is answered once: further replies to it are refused, so that an
 * old one cannot be played back.
 *
 * Context: process; takes @cookie->lock.
 * Return: true if the reply is genuine, and its cookie is used from now on.
 */
bool weft_cookie_consume_reply(struct weft_cookie *cookie,
			       const struct weft_message_cookie_reply *reply)
{
	u8 plain[WEFT_COOKIE_LEN];
	bool genuine = false;

	down_write(&cookie->lock);
	if (!cookie->have_sent_mac1)
		goto out;
	genuine = xchacha20poly1305_decrypt(plain, reply->encrypted_cookie,
					    sizeof(reply->encrypted_cookie),
					    cookie->last_mac1_sent,
					    sizeof(cookie->last_mac1_sent),
					    reply->nonce,
					    cookie->cookie_decryption_key);
	if (genuine) {
		memcpy(cookie->cookie, plain, sizeof(plain));
		cookie->birthdate = ktime_get_coarse_boottime_ns();
		cookie->is_valid = true;
		cookie->have_sent_mac1 = false;
	}
	memzero_explicit(plain, sizeof(plain));
out:
	up_write(&cookie->lock);
	return genuine;
}
