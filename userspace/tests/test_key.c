// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "unit.h"

static void public_key_is_that_of_rfc7748_section_6_1(void **state)
{
	char hex[WEFT_KEY_HEX_LEN + 1];
	struct weft_key key, public_key;

	(void)state;
	assert_int_equal(weft_key_from_hex(&key,
		"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"), 0);
	weft_key_public(&public_key, &key);
	weft_key_to_hex(hex, &public_key);
	assert_string_equal(hex,
		"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
}

static void public_key_does_not_depend_on_clamping(void **state)
{
	struct weft_key raw, clamped, a, b;

	(void)state;
	for (int i = 0; i < 20; ++i) {
		weft_key_generate_preshared(&raw);
		clamped = raw;
		weft_key_clamp(&clamped);
		weft_key_public(&a, &raw);
		weft_key_public(&b, &clamped);
		assert_true(weft_key_equal(&a, &b));
	}
}

static void generated_private_keys_are_clamped_and_differ(void **state)
{
	struct weft_key last = { 0 }, key;

	(void)state;
	for (int i = 0; i < 50; ++i) {
		weft_key_generate(&key);
		assert_int_equal(key.bytes[0] & 7, 0);
		assert_int_equal(key.bytes[31] & 0xc0, 0x40);
		assert_false(weft_key_equal(&key, &last));
		last = key;
	}
}

static void preshared_keys_are_not_clamped(void **state)
{
	uint8_t low = 0, high = 0;
	struct weft_key key;

	(void)state;
	for (int i = 0; i < 100; ++i) {
		weft_key_generate_preshared(&key);
		low |= key.bytes[0] & 7;
		high |= key.bytes[31] & 0x80;
	}
	assert_int_equal(low, 7);
	assert_int_equal(high, 0x80);
}

static void base64_and_hex_return_what_was_put_in(void **state)
{
	char base64[WEFT_KEY_BASE64_LEN + 1], hex[WEFT_KEY_HEX_LEN + 1];
	struct weft_key key, back;

	(void)state;
	for (int i = 0; i < 200; ++i) {
		weft_key_generate_preshared(&key);
		weft_key_to_base64(base64, &key);
		assert_int_equal(strlen(base64), WEFT_KEY_BASE64_LEN);
		assert_int_equal(weft_key_from_base64(&back, base64), 0);
		assert_memory_equal(&key, &back, sizeof(key));
		weft_key_to_hex(hex, &key);
		assert_int_equal(strlen(hex), WEFT_KEY_HEX_LEN);
		assert_int_equal(weft_key_from_hex(&back, hex), 0);
		assert_memory_equal(&key, &back, sizeof(key));
	}
}

static void text_that_is_no_key_is_refused_and_leaves_zero(void **state)
{
	static const char *const texts[] = {
		"", "=", "short",
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWj=",
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM",
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjMM",
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM==",
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWj==",
		/* Bits behind the 256th must be zero, or a key would have four texts. */
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjN=",
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjP=",
		" FmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=",
		"uFmW/sycfx-G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=",
		"uFmW/sycfx_G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=",
		"uFmW/sycfx/G0lcqdu2h\nVm80gvo5UOxXOS9hajnWjM=",
		"uFmW/sycfx/G0lcqdu2hHVm80gvo5UOxXOS9hajnWjM=\n",
	};
	struct weft_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
		memset(&key, 0xff, sizeof(key));
		if (weft_key_from_base64(&key, texts[i]) != -EINVAL)
			fail_msg("\"%s\" was taken for a key", texts[i]);
		assert_true(weft_key_is_zero(&key));
	}
}

static void hexadecimal_that_is_no_key_is_refused(void **state)
{
	static const char full[] =
		"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
	char text[sizeof(full) + 1];
	struct weft_key key;

	(void)state;
	memcpy(text, full, sizeof(full));
	text[10] = 'g';
	assert_int_equal(weft_key_from_hex(&key, text), -EINVAL);
	memcpy(text, full, sizeof(full));
	text[63] = '\0';
	assert_int_equal(weft_key_from_hex(&key, text), -EINVAL);
	memcpy(text, full, sizeof(full));
	text[64] = '0';
	text[65] = '\0';
	assert_int_equal(weft_key_from_hex(&key, text), -EINVAL);
}

static void zero_and_equality_look_at_every_byte(void **state)
{
	struct weft_key zero = { 0 };

	(void)state;
	assert_true(weft_key_is_zero(&zero));
	for (size_t i = 0; i < sizeof(zero.bytes); ++i) {
		struct weft_key key = zero;

		key.bytes[i] = 1;
		assert_false(weft_key_is_zero(&key));
		assert_false(weft_key_equal(&key, &zero));
		weft_key_wipe(&key);
		assert_true(weft_key_equal(&key, &zero));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_key_is_that_of_rfc7748_section_6_1),
		cmocka_unit_test(public_key_does_not_depend_on_clamping),
		cmocka_unit_test(generated_private_keys_are_clamped_and_differ),
		cmocka_unit_test(preshared_keys_are_not_clamped),
		cmocka_unit_test(base64_and_hex_return_what_was_put_in),
		cmocka_unit_test(text_that_is_no_key_is_refused_and_leaves_zero),
		cmocka_unit_test(hexadecimal_that_is_no_key_is_refused),
		cmocka_unit_test(zero_and_equality_look_at_every_byte),
	};

	return RUN_TESTS(tests);
}
