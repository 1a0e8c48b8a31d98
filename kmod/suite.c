// SPDX-License-Identifier: GPL-2.0
/*
 * The ciphers of handshakes and sessions.
 */

#include "suite.h"

#include <crypto/chacha.h>
#include <crypto/chacha20poly1305.h>
#include <crypto/poly1305.h>
#include <linux/string.h>
#include <linux/weft.h>

#include "compat/compat.h"
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

static void chacha_start(struct chacha_state *state, const struct weft_key *key,
			 u64 nonce)
{
	__le64 iv[2] = { 0, cpu_to_le64(nonce) };
	u32 words[CHACHA_KEY_SIZE / sizeof(u32)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = get_unaligned_le32(key->raw + i * sizeof(u32));
	chacha_init(weft_chacha(state), words, (u8 *)iv);
	memzero_explicit(words, sizeof(words));
}

/*
 * RFC 8439, section 2.8: the key of Poly1305 is the first block of the key
 * stream, the text is combined with the blocks after it. A block of zeros
 * before the text gets both in one pass, in which the first block costs
 * nothing; alone it would be a tenth of the work.
 */
static void chacha_crypt_after_key(const struct weft_key *key, u8 *text,
				   unsigned int len, u64 nonce,
				   struct poly1305_desc_ctx *poly)
{
	u8 *block = text - CHACHA_BLOCK_SIZE;
	u8 saved[CHACHA_BLOCK_SIZE];
	struct chacha_state state;

	BUILD_BUG_ON(CHACHA_BLOCK_SIZE > WEFT_SEAL_HEAD);
	memcpy(saved, block, sizeof(saved));
	memset(block, 0, sizeof(saved));
	chacha_start(&state, key, nonce);
	chacha20_crypt(weft_chacha(&state), block, block,
		       CHACHA_BLOCK_SIZE + len);
	poly1305_init(poly, block);
	memcpy(block, saved, sizeof(saved));
	memzero_explicit(&state, sizeof(state));
}

/* No associated data; the lengths end what is authenticated. */
static void chacha_tag(struct poly1305_desc_ctx *poly, const u8 *text,
		       unsigned int len, u8 tag[POLY1305_DIGEST_SIZE])
{
	static const u8 zeros[POLY1305_BLOCK_SIZE];
	__le64 lengths[2] = { 0, cpu_to_le64(len) };

	poly1305_update(poly, text, len);
	if (len % POLY1305_BLOCK_SIZE)
		poly1305_update(poly, zeros, POLY1305_BLOCK_SIZE -
					     len % POLY1305_BLOCK_SIZE);
	poly1305_update(poly, (u8 *)lengths, sizeof(lengths));
	poly1305_final(poly, tag);
}

static bool chacha_seal(const struct weft_key *key, u8 *text, unsigned int len,
			u64 nonce)
{
	struct poly1305_desc_ctx poly;

	chacha_crypt_after_key(key, text, len, nonce, &poly);
	chacha_tag(&poly, text, len, text + len);
	return true;
}

static bool chacha_open(const struct weft_key *key, u8 *dst, const u8 *src,
			unsigned int len, u64 nonce)
{
	struct poly1305_desc_ctx poly;
	u8 tag[POLY1305_DIGEST_SIZE];

	/* In place, the text would be gone before it is authenticated. */
	if (dst == src)
		return chacha20poly1305_decrypt(dst, src,
						len + WEFT_NOISE_AUTHTAG_LEN,
						NULL, 0, nonce, key->raw);
	memcpy(dst, src, len);
	chacha_crypt_after_key(key, dst, len, nonce, &poly);
	chacha_tag(&poly, src, len, tag);
	if (likely(!crypto_memneq(tag, src + len, sizeof(tag))))
		return true;
	memzero_explicit(dst, len);
	return false;
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
