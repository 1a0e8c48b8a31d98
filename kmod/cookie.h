/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two authenticators that end both handshake messages, and the cookies
 * that a responder under load hands out (WireGuard paper, sections 5.3, 5.4.4
 * and 5.4.7).
 */
#ifndef _WEFT_COOKIE_H
#define _WEFT_COOKIE_H

#include <linux/rwsem.h>
#include <linux/types.h>

#include "messages.h"

struct net;
struct sk_buff;

/**
 * enum weft_cookie_mac_state - what a handshake message's macs are worth
 * @WEFT_MAC_INVALID: mac1 is wrong: the sender does not know whom it talks to;
 *	no answer
 * @WEFT_MAC_VALID: mac1 is right; mac2 was not asked for, or is wrong
 * @WEFT_MAC_VALID_WITH_COOKIE: both are right: the sender receives at the
 *	address that it sends from
 * @WEFT_MAC_VALID_WITH_COOKIE_RATELIMITED: both are right, but this address
 *	has had its share of handshakes
 */
enum weft_cookie_mac_state {
	WEFT_MAC_INVALID,
	WEFT_MAC_VALID,
	WEFT_MAC_VALID_WITH_COOKIE,
	WEFT_MAC_VALID_WITH_COOKIE_RATELIMITED,
};

/**
 * struct weft_cookie_checker - a device's side: checks macs, issues cookies
 * @secret: random key that cookies are made with
 * @cookie_encryption_key: seals cookie replies
 * @message_mac1_key: key of mac1 in messages to this device
 * @has_key: the device has a key pair, and the two keys above are set
 * @secret_birthdate: when @secret was drawn, boot time in nanoseconds
 * @secret_lock: protects the other members
 */
struct weft_cookie_checker {
	u8 secret[WEFT_NOISE_HASH_LEN];
	u8 cookie_encryption_key[WEFT_NOISE_SYMMETRIC_KEY_LEN];
	u8 message_mac1_key[WEFT_NOISE_SYMMETRIC_KEY_LEN];
	bool has_key;
	u64 secret_birthdate;
	struct rw_semaphore secret_lock;
};

/**
 * struct weft_cookie - a peer's side: macs of messages to it, its last cookie
 * @birthdate: when @cookie came, boot time in nanoseconds
 * @is_valid: @cookie is set, though it may be too old
 * @cookie: key of mac2, from the peer
 * @have_sent_mac1: @last_mac1_sent awaits a cookie reply
 * @last_mac1_sent: mac1 of the last message to the peer, which a reply is
 *	sealed under
 * @cookie_decryption_key: opens the peer's cookie replies
 * @message_mac1_key: key of mac1 in messages to the peer
 * @lock: protects the other members
 */
struct weft_cookie {
	u64 birthdate;
	bool is_valid;
	u8 cookie[WEFT_COOKIE_LEN];
	bool have_sent_mac1;
	u8 last_mac1_sent[WEFT_COOKIE_LEN];
	u8 cookie_decryption_key[WEFT_NOISE_SYMMETRIC_KEY_LEN];
	u8 message_mac1_key[WEFT_NOISE_SYMMETRIC_KEY_LEN];
	struct rw_semaphore lock;
};

void weft_cookie_checker_init(struct weft_cookie_checker *checker);
void weft_cookie_checker_set_key(struct weft_cookie_checker *checker,
				 const u8 public_key[WEFT_NOISE_PUBLIC_KEY_LEN]);
enum weft_cookie_mac_state
weft_cookie_validate(struct weft_cookie_checker *checker, struct sk_buff *skb,
		     bool check_cookie, struct net *net);
void weft_cookie_make_reply(struct weft_cookie_checker *checker,
			    struct sk_buff *skb,
			    struct weft_message_cookie_reply *reply,
			    __le32 receiver_index);

void weft_cookie_init(struct weft_cookie *cookie,
		      const u8 peer_public_key[WEFT_NOISE_PUBLIC_KEY_LEN]);
void weft_cookie_add_macs(struct weft_cookie *cookie, void *message,
			  size_t len);
bool weft_cookie_consume_reply(struct weft_cookie *cookie,
			       const struct weft_message_cookie_reply *reply);

#endif /* _WEFT_COOKIE_H */
