// SPDX-License-Identifier: GPL-2.0
/*
 * AES-256-GCM of the kernel's crypto API, on machines with AES instructions.
 *
 * The request lies on the stack and the caller goes on with the packet at
 * once, so only drivers that are done when they return will do. Where x86
 * registers an asynchronous wrapper as gcm(aes) (up to 6.15), the synchronous
 * driver in it is registered too, as __gcm(aes), for callers that see to it
 * that SIMD is usable. weft does that anyway (see weft_crypt_submit()), and
 * takes that driver. Asynchronous accelerators are never taken, nor is what
 * has no AES instructions: it is slower than ChaCha20 and not constant-time.
 */

#include "gcm.h"

#include <crypto/aead.h>
#include <linux/kmod.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "messages.h"
#include "suite.h"

#define KEY_LEN WEFT_NOISE_SYMMETRIC_KEY_LEN
#define TAG_LEN WEFT_NOISE_AUTHTAG_LEN
#define IV_LEN 12

/* What drivers may want behind a request; those with AES instructions: 0. */
#define MAX_STATE 64

/* A request without the flexible array that struct aead_request ends in. */
struct space {
	u8 bytes[sizeof(struct aead_request) + MAX_STATE];
} CRYPTO_MINALIGN_ATTR;

/*
 * Names the driver for all keys, and keeps it from going. Set once and
 * published by a release.
 */
static struct crypto_aead *chosen;
static DEFINE_MUTEX(probe_lock);

static u32 driver_flags(struct crypto_aead *aead)
{
	return crypto_aead_tfm(aead)->__crt_alg->cra_flags;
}

static const char *driver_name(struct crypto_aead *aead)
{
	return crypto_tfm_alg_driver_name(crypto_aead_tfm(aead));
}

/* Of ciphers that know nothing of one another, or an AES block at a time. */
static bool is_slow(struct crypto_aead *aead)
{
	return strstarts(driver_name(aead), "gcm_base(") ||
	       !strcmp(driver_name(aead), "gcm-aes-lib");
}

/* A driver of that name, on its own terms or as the inside of another one. */
static struct crypto_aead *allocate(const char *name, u32 internal)
{
	return crypto_alloc_aead(name, internal,
				 CRYPTO_ALG_INTERNAL | CRYPTO_ALG_ASYNC);
}

static struct crypto_aead *allocate_fast(const char *name, u32 internal)
{
	struct crypto_aead *aead = allocate(name, internal);

	if (IS_ERR(aead))
		return NULL;
	if (!is_slow(aead) && crypto_aead_reqsize(aead) <= MAX_STATE)
		return aead;
	crypto_free_aead(aead);
	return NULL;
}

/**
 * weft_gcm_probe() - look for a driver, if there was none before
 *
 * Context: process.
 */
void weft_gcm_probe(void)
{
	struct crypto_aead *aead;

	mutex_lock(&probe_lock);
	if (chosen)
		goto out;
	/* No more than an alias of the modules with AES instructions. */
	request_module("crypto-aes");
	aead = allocate_fast("__gcm(aes)", CRYPTO_ALG_INTERNAL);
	if (!aead)
		aead = allocate_fast("gcm(aes)", 0);
	/* Pairs with weft_gcm_present(). */
	smp_store_release(&chosen, aead);
out:
	mutex_unlock(&probe_lock);
}

/**
 * weft_gcm_present() - can this machine do it?
 *
 * Context: any.
 * Return: true from the time on that weft_gcm_probe() has found a driver.
 */
bool weft_gcm_present(void)
{
	/* Pairs with weft_gcm_probe(). */
	return smp_load_acquire(&chosen);
}

/**
 * weft_gcm_exit() - let go of the driver
 *
 * Context: process; all keys are cleared.
 */
void weft_gcm_exit(void)
{
	crypto_free_aead(chosen);
	chosen = NULL;
}

/**
 * weft_gcm_key_set() - take a key into use
 * @key: for it
 * @raw: the key
 *
 * Context: process.
 * Return: 0 or -errno.
 */
int weft_gcm_key_set(struct weft_key *key, const u8 raw[KEY_LEN])
{
	struct crypto_aead *aead;
	int err;

	key->aead = NULL;
	if (!weft_gcm_present())
		return -EOPNOTSUPP;
	aead = allocate(driver_name(chosen),
			driver_flags(chosen) & CRYPTO_ALG_INTERNAL);
	if (IS_ERR(aead))
		return PTR_ERR(aead);
	err = crypto_aead_setkey(aead, raw, KEY_LEN) ?:
	      crypto_aead_setauthsize(aead, TAG_LEN);
	if (err) {
		crypto_free_aead(aead);
		return err;
	}
	key->aead = aead;
	return 0;
}

/**
 * weft_gcm_key_clear() - erase a key
 * @key: the key
 *
 * Context: any but hard interrupts.
 */
void weft_gcm_key_clear(struct weft_key *key)
{
	crypto_free_aead(key->aead);
	key->aead = NULL;
}

/* What sg_init_one() makes, which takes three calls for it. */
static __always_inline void sg_one(struct scatterlist *sg, const void *buffer,
				   unsigned int len)
{
	memset(sg, 0, sizeof(*sg));
	sg_init_marker(sg, 1);
	sg_set_buf(sg, buffer, len);
}

/*
 * Seals or opens @len bytes behind @ad_len bytes of associated data. The nonce
 * is that of the Noise specification, section 12.4. SIMD is usable: the driver
 * does not ask.
 */
static __always_inline bool run(const struct weft_key *key, bool seal,
				struct scatterlist *src,
				struct scatterlist *dst, unsigned int ad_len,
				unsigned int len, u64 nonce)
{
	/* All that a synchronous driver looks at is set below. */
	struct space space __uninitialized;
	struct aead_request *req = (void *)&space;
	u8 iv[IV_LEN];

	put_unaligned_be32(0, iv);
	put_unaligned_be64(nonce, iv + sizeof(__be32));
	aead_request_set_tfm(req, key->aead);
	aead_request_set_callback(req, 0, NULL, NULL);
	aead_request_set_ad(req, ad_len);
	aead_request_set_crypt(req, src, dst, len, iv);
	return !(seal ? crypto_aead_encrypt(req) : crypto_aead_decrypt(req));
}

/**
 * weft_gcm_seal() - weft_suite.seal
 * @key: key
 * @text: @len bytes, and room for the tag
 * @len: how many
 * @nonce: counter of the message
 *
 * Context: as weft_suite says.
 */
bool weft_gcm_seal(const struct weft_key *key, u8 *text, unsigned int len,
		   u64 nonce)
{
	struct scatterlist sg;

	sg_one(&sg, text, len + TAG_LEN);
	return run(key, true, &sg, &sg, 0, len, nonce);
}

/**
 * weft_gcm_open() - weft_suite.open
 * @key: key
 * @dst: room for @len bytes
 * @src: @len bytes, and the tag
 * @len: how many
 * @nonce: counter of the message
 *
 * Context: as weft_suite says.
 */
bool weft_gcm_open(const struct weft_key *key, u8 *dst, const u8 *src,
		   unsigned int len, u64 nonce)
{
	struct scatterlist from, to;

	sg_one(&from, src, len + TAG_LEN);
	/* Where there is nothing to write, there is nowhere to write it to. */
	if (dst == src || !len)
		return run(key, false, &from, &from, 0, len + TAG_LEN, nonce);
	sg_one(&to, dst, len);
	return run(key, false, &from, &to, 0, len + TAG_LEN, nonce);
}

/*
 * A handshake's keys serve once. @text is not on the stack, which cannot go
 * into a scatterlist: associated data, then @len bytes to seal or open.
 */
static bool run_once(const u8 raw[KEY_LEN], bool seal, u8 *text,
		     unsigned int ad_len, unsigned int len, u64 nonce)
{
	struct scatterlist sg;
	struct weft_key key;
	bool ok;

	if (weft_gcm_key_set(&key, raw))
		return false;
	sg_one(&sg, text, ad_len + len + (seal ? TAG_LEN : 0));
	local_bh_disable();
	ok = run(&key, seal, &sg, &sg, ad_len, len, nonce);
	local_bh_enable();
	weft_gcm_key_clear(&key);
	return ok;
}

/**
 * weft_gcm_seal_handshake() - weft_suite.seal_handshake
 * @dst: room for @len bytes and the tag
 * @src: @len bytes
 * @len: how many
 * @ad: associated data
 * @ad_len: its length
 * @nonce: counter
 * @raw: key
 *
 * Context: process.
 * Return: false if memory is short.
 */
bool weft_gcm_seal_handshake(u8 *dst, const u8 *src, size_t len,
			     const u8 *ad, size_t ad_len, u64 nonce,
			     const u8 raw[KEY_LEN])
{
	u8 *text = kmalloc(ad_len + len + TAG_LEN, GFP_KERNEL);
	bool ok;

	if (!text)
		return false;
	memcpy(text, ad, ad_len);
	if (len)
		memcpy(text + ad_len, src, len);
	ok = run_once(raw, true, text, ad_len, len, nonce);
	if (ok)
		memcpy(dst, text + ad_len, len + TAG_LEN);
	kfree_sensitive(text);
	return ok;
}

/**
 * weft_gcm_open_handshake() - weft_suite.open_handshake
 * @dst: room for the payload; may be NULL if that is empty
 * @src: payload and tag
 * @len: of both
 * @ad: associated data
 * @ad_len: its length
 * @nonce: counter
 * @raw: key
 *
 * Context: process.
 * Return: true if the tag is right.
 */
bool weft_gcm_open_handshake(u8 *dst, const u8 *src, size_t len,
			     const u8 *ad, size_t ad_len, u64 nonce,
			     const u8 raw[KEY_LEN])
{
	u8 *text;
	bool ok;

	if (len < TAG_LEN)
		return false;
	text = kmalloc(ad_len + len, GFP_KERNEL);
	if (!text)
		return false;
	memcpy(text, ad, ad_len);
	memcpy(text + ad_len, src, len);
	ok = run_once(raw, false, text, ad_len, len, nonce);
	if (ok && len > TAG_LEN)
		memcpy(dst, text + ad_len, len - TAG_LEN);
	kfree_sensitive(text);
	return ok;
}
