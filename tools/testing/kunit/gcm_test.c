// SPDX-License-Identifier: GPL-2.0
/* AES-256-GCM: known answers, and what must not be opened. */
#include "weft_kunit.h"

#include <linux/slab.h>

#include "../../../kmod/gcm.c"

#include "gcm_vectors.h"

#define MAX_TEXT 1504

struct weft_gcm_fixture {
	struct weft_key key;
	u8 *plain;
	u8 *text;
	u8 *other;
};

static u64 weft_gcm_nonce(unsigned int len)
{
	return len + (1ULL << 32);
}

static bool weft_gcm_seals(struct weft_gcm_fixture *f, u8 *text,
			   unsigned int len, u64 nonce)
{
	bool ok;

	local_bh_disable();
	ok = weft_gcm_seal(&f->key, text, len, nonce);
	local_bh_enable();
	return ok;
}

static bool weft_gcm_opens(struct weft_gcm_fixture *f, u8 *dst, const u8 *src,
			   unsigned int len, u64 nonce)
{
	bool ok;

	local_bh_disable();
	ok = weft_gcm_open(&f->key, dst, src, len, nonce);
	local_bh_enable();
	return ok;
}

/* Every vector, sealed in place, opened in place and elsewhere. */
static void gcm_known_answers(struct kunit *test)
{
	struct weft_gcm_fixture *f = test->priv;
	unsigned int i, len;
	u64 nonce;

	for (i = 0; i < ARRAY_SIZE(vector_gcm); i++) {
		len = vector_gcm[i].len;
		nonce = weft_gcm_nonce(len);
		memcpy(f->text, f->plain, len);
		KUNIT_EXPECT_TRUE(test, weft_gcm_seals(f, f->text, len, nonce));
		KUNIT_EXPECT_EQ_MSG(test, memcmp(f->text + len,
						 vector_gcm[i].tag, TAG_LEN),
				    0, "%u bytes", len);

		memset(f->other, 0xee, MAX_TEXT + TAG_LEN);
		KUNIT_EXPECT_TRUE(test, weft_gcm_opens(f, f->other, f->text,
						       len, nonce));
		KUNIT_EXPECT_EQ(test, memcmp(f->other, f->plain, len), 0);
		/* No more than that is written, and the source not at all. */
		KUNIT_EXPECT_NULL(test, memchr_inv(f->other + len, 0xee,
						   MAX_TEXT + TAG_LEN - len));
		KUNIT_EXPECT_TRUE(test, weft_gcm_opens(f, f->text, f->text,
						       len, nonce));
		KUNIT_EXPECT_EQ(test, memcmp(f->text, f->plain, len), 0);
	}
}

static void gcm_changed_message(struct kunit *test)
{
	struct weft_gcm_fixture *f = test->priv;
	const unsigned int len = 37;
	unsigned int i;

	memcpy(f->text, f->plain, len);
	KUNIT_ASSERT_TRUE(test, weft_gcm_seals(f, f->text, len, 5));
	for (i = 0; i < len + TAG_LEN; i++) {
		f->text[i] ^= 1 << i % 8;
		KUNIT_EXPECT_FALSE_MSG(test, weft_gcm_opens(f, f->other, f->text,
							    len, 5), "byte %u", i);
		f->text[i] ^= 1 << i % 8;
	}
	KUNIT_EXPECT_FALSE(test, weft_gcm_opens(f, f->other, f->text, len, 6));
	KUNIT_EXPECT_FALSE(test, weft_gcm_opens(f, f->other, f->text, len,
						5ULL << 56));
	KUNIT_EXPECT_FALSE(test, weft_gcm_opens(f, f->other, f->text, len - 1, 5));
	KUNIT_EXPECT_TRUE(test, weft_gcm_opens(f, f->other, f->text, len, 5));
}

static void gcm_handshake_payload(struct kunit *test)
{
	struct weft_gcm_fixture *f = test->priv;
	const u8 *ad = f->plain + 32;
	u8 sealed[32 + TAG_LEN], got[32];

	KUNIT_ASSERT_TRUE(test, weft_gcm_seal_handshake(sealed, f->plain, 32, ad,
							24, 0, vector_gcm_key));
	KUNIT_EXPECT_EQ(test, memcmp(sealed, vector_gcm_with_ad,
				     sizeof(sealed)), 0);
	KUNIT_EXPECT_TRUE(test, weft_gcm_open_handshake(got, sealed,
							sizeof(sealed), ad, 24,
							0, vector_gcm_key));
	KUNIT_EXPECT_EQ(test, memcmp(got, f->plain, 32), 0);
	KUNIT_EXPECT_FALSE(test, weft_gcm_open_handshake(got, sealed,
							 sizeof(sealed), ad, 23,
							 0, vector_gcm_key));
	KUNIT_EXPECT_FALSE(test, weft_gcm_open_handshake(got, sealed,
							 sizeof(sealed), ad + 1,
							 24, 0, vector_gcm_key));
	KUNIT_EXPECT_FALSE(test, weft_gcm_open_handshake(got, sealed, TAG_LEN - 1,
							 ad, 24, 0,
							 vector_gcm_key));
}

/* An asynchronous driver would go on with a request that is no longer there. */
static void gcm_driver_is_synchronous(struct kunit *test)
{
	struct weft_gcm_fixture *f = test->priv;

	KUNIT_EXPECT_FALSE(test, driver_flags(f->key.aead) & CRYPTO_ALG_ASYNC);
	KUNIT_EXPECT_FALSE(test, is_slow(f->key.aead));
	KUNIT_EXPECT_EQ(test, crypto_aead_authsize(f->key.aead), TAG_LEN);
}

static int weft_gcm_test_init(struct kunit *test)
{
	struct weft_gcm_fixture *f;
	unsigned int i;

	weft_gcm_probe();
	if (!weft_gcm_present())
		kunit_skip(test, "no accelerated AES-GCM");
	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->plain = kunit_kzalloc(test, MAX_TEXT + TAG_LEN, GFP_KERNEL);
	f->text = kunit_kzalloc(test, MAX_TEXT + TAG_LEN, GFP_KERNEL);
	f->other = kunit_kzalloc(test, MAX_TEXT + TAG_LEN, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, f->plain && f->text && f->other);
	for (i = 0; i < MAX_TEXT; i++)
		f->plain[i] = 7 * i + 3;
	KUNIT_ASSERT_EQ(test, weft_gcm_key_set(&f->key, vector_gcm_key), 0);
	test->priv = f;
	return 0;
}

static void weft_gcm_test_exit(struct kunit *test)
{
	struct weft_gcm_fixture *f = test->priv;

	if (f)
		weft_gcm_key_clear(&f->key);
	weft_gcm_exit();
}

static struct kunit_case weft_gcm_cases[] = {
	KUNIT_CASE(gcm_known_answers),
	KUNIT_CASE(gcm_changed_message),
	KUNIT_CASE(gcm_handshake_payload),
	KUNIT_CASE(gcm_driver_is_synchronous),
	{}
};

static struct kunit_suite weft_gcm_suite = {
	.name = "weft_gcm",
	.init = weft_gcm_test_init,
	.exit = weft_gcm_test_exit,
	.test_cases = weft_gcm_cases,
};

kunit_test_suite(weft_gcm_suite);
