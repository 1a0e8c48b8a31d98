// SPDX-License-Identifier: GPL-2.0
/*
 * The ciphers of handshakes and sessions.
 */

#include "suite.h"

#include <crypto/chacha20poly1305.h>
#include <linux/string.h>
#include <linux/weft.h>

#include "gcm.h"
#include "messages.h"

static int chacha_key_set(struct weft_key *key, const u8 raw[32])
{
	memcpy(key->raw, raw, sizeof(key->raw));
	return 0;
}

static void chacha_key_clear(struct weft_key *key)
{
	memzero_explicit(key, sizeof(*key));
}

static bool chacha_seal(const struct weft_key *key, u8 *text, unsigned int len,
			u64 nonce)
{
	chacha20poly1305_encrypt(text, text, len, NULL, 0, nonce, key->raw);
	return true;
}

static bool chacha_open(const struct weft_key *key, u8 *dst, const u8 *src,
			unsigned int len, u64 nonce)
{
	return chacha20poly1305_decrypt(dst, src, len + WEFT_NOISE_AUTHTAG_LEN,
					NULL, 0, nonce, key->raw);
}

static bool chacha_seal_handshake(u8 *dst, const u8 *src, size_t len,
				  const u8 *ad, size_t ad_len, u64 nonce,
				  const u8 key[32])
{
	chacha20poly1305_encrypt(dst, src, len, ad, ad_len, nonce, key);
	return true;
}

static bool chacha_open_handshake(u8 *dst, const u8 *src, size_t len,
				  const u8 *ad, size_t ad_len, u64 nonce,
				  const u8 key[32])
{
	return chacha20poly1305_decrypt(dst, src, len, ad, ad_len, nonce, key);
}

static const struct weft_suite suites[] = {
	{
		.name = "chacha20poly1305",
		.construction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
		.identifier = "WireGuard v1 zx2c4 Jason@zx2c4.com",
		.id = WEFT_SUITE_CHACHA20POLY1305,
		.rekey_after_messages = WEFT_REKEY_AFTER_MESSAGES,
		.key_set = chacha_key_set,
		.key_clear = chacha_key_clear,
		.seal = chacha_seal,
		.open = chacha_open,
		.seal_handshake = chacha_seal_handshake,
		.open_handshake = chacha_open_handshake,
	},
	{
		.name = "aes256gcm",
		.construction = "Noise_IKpsk2_25519_AESGCM_BLAKE2s",
		.identifier = "weft v1",
		.id = WEFT_SUITE_AES256GCM,
		.rekey_after_messages = WEFT_REKEY_AFTER_MESSAGES_GCM,
		.key_set = weft_gcm_key_set,
		.key_clear = weft_gcm_key_clear,
		.seal = weft_gcm_seal,
		.open = weft_gcm_open,
		.seal_handshake = weft_gcm_seal_handshake,
		.open_handshake = weft_gcm_open_handshake,
	},
};

/**
 * weft_suite_by_id() - find a suite
 * @id: number, from a message or from netlink
 *
 * Return: the suite, or NULL if it is not known.
 */
const struct weft_suite *weft_suite_by_id(u8 id)
{
	return id < ARRAY_SIZE(suites) ? &suites[id] : NULL;
}

/**
 * weft_suite_usable() - is there a cipher for it on this machine?
 * @id: number, from a message or from netlink
 */
bool weft_suite_usable(u8 id)
{
	return id == WEFT_SUITE_CHACHA20POLY1305 ||
	       (id == WEFT_SUITE_AES256GCM && weft_gcm_present());
}
