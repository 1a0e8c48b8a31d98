/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_NOISE_H
#define _WEFT_NOISE_H

#include <linux/rwsem.h>
#include <linux/types.h>

#include "messages.h"
#include "session.h"

struct weft_device;
struct weft_peer;

/**
 * struct weft_identity - a device's static key pair
 * @lock: protects the rest; taken before any weft_handshake.lock
 * @private_key: clamped; all zero without an identity
 * @public_key: derived from it
 * @present: a private key has been set
 */
struct weft_identity {
	struct rw_semaphore lock;
	u8 private_key[WEFT_NOISE_PUBLIC_KEY_LEN];
	u8 public_key[WEFT_NOISE_PUBLIC_KEY_LEN];
	bool present;
};

/**
 * enum weft_handshake_state - how far a handshake has come
 * @WEFT_HANDSHAKE_ZEROED: none under way
 * @WEFT_HANDSHAKE_CREATED_INITIATION: initiation made, to be answered
 * @WEFT_HANDSHAKE_CONSUMED_INITIATION: initiation accepted, response to make
 * @WEFT_HANDSHAKE_CREATED_RESPONSE: response made, session to derive
 * @WEFT_HANDSHAKE_CONSUMED_RESPONSE: response accepted, session to derive
 */
enum weft_handshake_state {
	WEFT_HANDSHAKE_ZEROED,
	WEFT_HANDSHAKE_CREATED_INITIATION,
	WEFT_HANDSHAKE_CONSUMED_INITIATION,
	WEFT_HANDSHAKE_CREATED_RESPONSE,
	WEFT_HANDSHAKE_CONSUMED_RESPONSE,
};

/**
 * struct weft_handshake - Noise state towards one peer
 * @lock: protects the rest; inside weft_identity.lock
 * @state: how far it has come
 * @last_consumed: when the last initiation was accepted,
 *	ktime_get_coarse_boottime_ns(); 0 for never
 * @suite: AEAD of the handshake under way
 * @ephemeral_private: ours
 * @remote_static: the peer's public key; constant
 * @remote_ephemeral: the peer's, of the handshake under way
 * @static_static: shared secret of both static keys; zero if there is none
 * @has_static_static: it has been computed
 * @preshared_key: all zero for none
 * @hash: Noise h
 * @chaining_key: Noise ck
 * @latest_timestamp: of the last initiation accepted
 * @remote_index: the peer's index for the handshake under way
 * @index: ours; in the device's table while an answer is awaited
 */
struct weft_handshake {
	struct rw_semaphore lock;
	enum weft_handshake_state state;
	u64 last_consumed;
	const struct weft_suite *suite;
	u8 ephemeral_private[WEFT_NOISE_PUBLIC_KEY_LEN];
	u8 remote_static[WEFT_NOISE_PUBLIC_KEY_LEN];
	u8 remote_ephemeral[WEFT_NOISE_PUBLIC_KEY_LEN];
	u8 static_static[WEFT_NOISE_PUBLIC_KEY_LEN];
	bool has_static_static;
	u8 preshared_key[WEFT_NOISE_SYMMETRIC_KEY_LEN];
	u8 hash[WEFT_NOISE_HASH_LEN];
	u8 chaining_key[WEFT_NOISE_HASH_LEN];
	u8 latest_timestamp[WEFT_NOISE_TIMESTAMP_LEN];
	__le32 remote_index;
	struct weft_index index;
};

/**
 * struct weft_stranger - whom an initiation is from that no peer has made
 * @public_key: static key; that its owner made the initiation is proven
 * @timestamp: TAI64N time of it, to tell old ones from new
 */
struct weft_stranger {
	u8 public_key[WEFT_NOISE_PUBLIC_KEY_LEN];
	u8 timestamp[WEFT_NOISE_TIMESTAMP_LEN];
};

void weft_noise_init(void);

void weft_identity_init(struct weft_identity *identity);
bool weft_identity_set(struct weft_identity *identity,
		       const u8 private_key[WEFT_NOISE_PUBLIC_KEY_LEN]);

void weft_handshake_init(struct weft_peer *peer,
			 const u8 public_key[WEFT_NOISE_PUBLIC_KEY_LEN]);
void weft_handshake_clear(struct weft_peer *peer);
void weft_handshake_precompute(struct weft_peer *peer);
void weft_handshake_forget_secret(struct weft_peer *peer);

bool weft_handshake_create_initiation(struct weft_message_handshake_initiation *msg,
				      struct weft_peer *peer);
struct weft_peer *
weft_handshake_consume_initiation(const struct weft_message_handshake_initiation *msg,
				  struct weft_device *wdev);
bool
weft_handshake_identify(const struct weft_message_handshake_initiation *msg,
			struct weft_device *wdev,
			struct weft_stranger *stranger);
bool weft_handshake_create_response(struct weft_message_handshake_response *msg,
				    struct weft_peer *peer);
struct weft_peer *
weft_handshake_consume_response(const struct weft_message_handshake_response *msg,
				struct weft_device *wdev);
bool weft_handshake_begin_session(struct weft_peer *peer);

#endif /* _WEFT_NOISE_H */
