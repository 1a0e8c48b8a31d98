/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_SUITE_H
#define _WEFT_SUITE_H

#include <linux/types.h>

struct crypto_aead;

/*
 * Bytes before a text that is sealed, or opened to elsewhere, that the cipher
 * may use while it is at it; they are put back.
 */
#define WEFT_SEAL_HEAD 64

/**
 * struct weft_key - one direction's transport key, in its suite's form
 * @raw: key of ChaCha20-Poly1305
 * @aead: AES-256-GCM with the key set; NULL without
 */
struct weft_key {
	union {
		u8 raw[32];
		struct crypto_aead *aead;
	};
};

/**
 * struct weft_suite - the AEAD of a handshake and of the session it makes
 * @name: as users write it
 * @construction: Noise protocol name, hashed into the first chaining key
 * @identifier: second string of the transcript
 * @id: enum weft_suite_id; bits 8 to 15 of the message type word
 * @rekey_after_messages: packets after which a new session is asked for
 * @key_set: take a raw key of 32 bytes into use; may sleep; 0 or -errno
 * @key_clear: erase a key
 * @seal: encrypt @len bytes in place and write the tag behind them; false if
 *	that failed, and the packet is lost. There are WEFT_SEAL_HEAD bytes
 *	before them that nobody else looks at.
 * @open: decrypt @len bytes, with the tag behind them, to @dst: elsewhere, with
 *	WEFT_SEAL_HEAD such bytes before it, or in place, where there need be
 *	none; true if the tag is right. Nothing else is written.
 * @seal_handshake: encrypt a handshake payload with associated data; false if
 *	memory is short. May sleep, as its inverse may.
 * @open_handshake: its inverse; true if the tag is right
 *
 * The seam of the protocol's cryptography: all that depends on the cipher is
 * here. @seal and @open are called with bottom halves disabled and SIMD usable.
 */
struct weft_suite {
	const char *name;
	const char *construction;
	const char *identifier;
	u8 id;
	u64 rekey_after_messages;
	int (*key_set)(struct weft_key *key, const u8 raw[32]);
	void (*key_clear)(struct weft_key *key);
	bool (*seal)(const struct weft_key *key, u8 *text, unsigned int len,
		     u64 nonce);
	bool (*open)(const struct weft_key *key, u8 *dst, const u8 *src,
		     unsigned int len, u64 nonce);
	bool (*seal_handshake)(u8 *dst, const u8 *src, size_t len,
			       const u8 *ad, size_t ad_len, u64 nonce,
			       const u8 key[32]);
	bool (*open_handshake)(u8 *dst, const u8 *src, size_t len,
			       const u8 *ad, size_t ad_len, u64 nonce,
			       const u8 key[32]);
};

const struct weft_suite *weft_suite_by_id(u8 id);
bool weft_suite_usable(u8 id);

#endif /* _WEFT_SUITE_H */
