// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys and signatures. */
#include "core.h"

static void unhex(void *out, size_t len, const char *hex)
{
	size_t have;

	assert_int_equal(sodium_hex2bin(out, len, hex, strlen(hex), NULL, &have, NULL), 0);
	assert_int_equal(have, len);
}

/* RFC 8032, section 7.1, test 1. */
static void test_seed_gives_ed25519_key(void **state)
{
	struct weft_identity identity;
	uint8_t seed[WEFT_SEED_LEN];
	struct weft_id id;

	(void)state;
	unhex(seed, sizeof(seed),
	      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
	unhex(id.bytes, sizeof(id.bytes),
	      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	weft_identity_from_seed(&identity, seed);
	assert_true(weft_id_equal(&identity.id, &id));
	weft_identity_wipe(&identity);
	assert_true(sodium_is_zero((uint8_t *)&identity, sizeof(identity)));
}

static void unbase64(uint8_t out[32], const char *text)
{
	size_t len;

	assert_int_equal(sodium_base642bin(out, 32, text, strlen(text), NULL, &len, NULL,
					   sodium_base64_VARIANT_ORIGINAL), 0);
	assert_int_equal(len, 32);
}

/* The bits that a Curve25519 key does not have may be anything in the seed. */
static void test_seed_gives_curve25519_key(void **state)
{
	struct weft_tunnel tunnel;
	uint8_t seed[WEFT_SEED_LEN], public_key[32];

	(void)state;
	unbase64(seed, KEY_PRIVATE);
	unbase64(public_key, KEY_PUBLIC);
	seed[0] |= 7;
	seed[31] |= 0x80;
	weft_tunnel_from_seed(&tunnel, seed);
	assert_int_equal(tunnel.private_key.bytes[0] & 7, 0);
	assert_int_equal(tunnel.private_key.bytes[31] & 0xc0, 0x40);
	assert_memory_equal(tunnel.public_key.bytes, public_key, sizeof(public_key));
	weft_tunnel_wipe(&tunnel);
	assert_true(sodium_is_zero((uint8_t *)&tunnel, sizeof(tunnel)));
}

static void test_signature(void **state)
{
	struct weft_identity a = identity_of(1), b = identity_of(2);
	uint8_t signature[WEFT_SIGNATURE_LEN], long_one[2 * WEFT_MAX_RECORD] = { 0 };
	unsigned int bit;

	(void)state;
	assert_int_equal(weft_sign(signature, "here", "text", 4, &a), 0);
	assert_int_equal(weft_verify(signature, "here", "text", 4, &a.id), 0);
	assert_int_equal(weft_verify(signature, "here", "texd", 4, &a.id), -EKEYREJECTED);
	assert_int_equal(weft_verify(signature, "here", "tex", 3, &a.id), -EKEYREJECTED);
	assert_int_equal(weft_verify(signature, "here", "text", 4, &b.id), -EKEYREJECTED);
	/* the same bytes mean nothing elsewhere, also where the two run together */
	assert_int_equal(weft_verify(signature, "her", "text", 4, &a.id), -EKEYREJECTED);
	assert_int_equal(weft_verify(signature, "heret", "ext", 3, &a.id), -EKEYREJECTED);
	for (bit = 0; bit < 8 * WEFT_SIGNATURE_LEN; bit++) {
		signature[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(weft_verify(signature, "here", "text", 4, &a.id), -EKEYREJECTED);
		signature[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(weft_sign(signature, "here", long_one, sizeof(long_one), &a), -EMSGSIZE);
	assert_int_equal(weft_verify(signature, "here", long_one, sizeof(long_one), &a.id),
			 -EMSGSIZE);
}

/* With a key of small order, one signature would fit any message. */
static void test_small_order_key(void **state)
{
	static const struct weft_id neutral = { { 1 } };
	uint8_t signature[WEFT_SIGNATURE_LEN] = { 1 };

	(void)state;
	assert_int_equal(weft_verify(signature, "here", "text", 4, &neutral), -EKEYREJECTED);
}

/* S + L instead of S: the other signature that a careless check would take. */
static void test_malleated_signature(void **state)
{
	static const uint8_t order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
		0xde, 0x14, [31] = 0x10,
	};
	struct weft_identity a = identity_of(1);
	uint8_t signature[WEFT_SIGNATURE_LEN];

	(void)state;
	assert_int_equal(weft_sign(signature, "here", "text", 4, &a), 0);
	sodium_add(signature + 32, order, sizeof(order));
	assert_int_equal(weft_verify(signature, "here", "text", 4, &a.id), -EKEYREJECTED);
}

static void test_hash_has_a_label(void **state)
{
	struct weft_part part = { "x", 1 }, none = { 0 };
	uint8_t a[32], b[32];

	(void)state;
	weft_hash(a, sizeof(a), "one", part, none);
	weft_hash(b, sizeof(b), "two", part, none);
	assert_memory_not_equal(a, b, sizeof(a));
	weft_hash(b, sizeof(b), "onex", none, none);
	assert_memory_not_equal(a, b, sizeof(a));
	weft_hash(b, sizeof(b), "one", none, part);
	assert_memory_equal(a, b, sizeof(a));
}

static void test_static_ids(void **state)
{
	struct weft_tunnel a = tunnel_of(1), b = tunnel_of(2);
	struct weft_id x, y;

	(void)state;
	weft_static_id(&x, &a.public_key);
	weft_static_id(&y, &b.public_key);
	assert_false(weft_id_equal(&x, &y));
	assert_memory_not_equal(x.bytes, a.public_key.bytes, sizeof(x.bytes));
}

static void test_commitment(void **state)
{
	uint8_t secret[32] = { 1 };
	struct weft_id a, b;

	(void)state;
	weft_commitment(&a, secret);
	secret[31] = 1;
	weft_commitment(&b, secret);
	assert_false(weft_id_equal(&a, &b));
	assert_memory_not_equal(b.bytes, secret, sizeof(secret));
}

static void test_reasons(void **state)
{
	(void)state;
	assert_string_equal(weft_reason(-EKEYEXPIRED), "has expired");
	assert_string_equal(weft_reason(-ENOMEM), strerror(ENOMEM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed_gives_ed25519_key),
		cmocka_unit_test(test_seed_gives_curve25519_key),
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_small_order_key),
		cmocka_unit_test(test_malleated_signature),
		cmocka_unit_test(test_hash_has_a_label),
		cmocka_unit_test(test_static_ids),
		cmocka_unit_test(test_commitment),
		cmocka_unit_test(test_reasons),
	};

	return RUN_TESTS(tests);
}
