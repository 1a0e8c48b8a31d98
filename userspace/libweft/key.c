// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys: making, comparing, and their text forms, all in constant time, mostly by libsodium. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <weft/weft.h>

_Static_assert(WEFT_KEY_LEN == crypto_scalarmult_SCALARBYTES, "keys are Curve25519 scalars");
_Static_assert(WEFT_KEY_BASE64_LEN + 1 ==
	       sodium_base64_ENCODED_LEN(WEFT_KEY_LEN, sodium_base64_VARIANT_ORIGINAL),
	       "keys are padded base64");

/* Fails only without a source of randomness; no key may be made then. */
static void sodium_ready(void)
{
	if (sodium_init() < 0)
		abort();
}

void weft_key_clamp(struct weft_key *key)
{
	key->bytes[0] &= 248;
	key->bytes[31] &= 127;
	key->bytes[31] |= 64;
}

void weft_key_generate(struct weft_key *key)
{
	weft_key_generate_preshared(key);
	weft_key_clamp(key);
}

void weft_key_generate_preshared(struct weft_key *key)
{
	sodium_ready();
	randombytes_buf(key->bytes, sizeof(key->bytes));
}

void weft_key_public(struct weft_key *public_key, const struct weft_key *private_key)
{
	sodium_ready();
	/* Cannot fail: a clamped scalar times the base point is never zero. */
	if (crypto_scalarmult_base(public_key->bytes, private_key->bytes))
		abort();
}

bool weft_key_is_zero(const struct weft_key *key)
{
	return sodium_is_zero(key->bytes, sizeof(key->bytes));
}

bool weft_key_equal(const struct weft_key *a, const struct weft_key *b)
{
	return !sodium_memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

void weft_key_wipe(struct weft_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

/* All ones if @six is larger than @limit, else zero. */
static unsigned int mask_above(unsigned int six, unsigned int limit)
{
	return 0U - ((limit - six) >> 31);
}

/* Neither branch nor look-up, whose time would tell of the key. */
static char base64_digit(unsigned int six)
{
	six &= 63;
	return (char)(six + 'A' +
		      (mask_above(six, 25) & ('a' - 'Z' - 1U)) +
		      (mask_above(six, 51) & ('0' - 'z' - 1U)) +
		      (mask_above(six, 61) & ('+' - '9' - 1U)) +
		      (mask_above(six, 62) & ('/' - '+' - 1U)));
}

/* Four digits, of 24 bits. */
static void put_base64(char *to, unsigned int bits)
{
	to[0] = base64_digit(bits >> 18);
	to[1] = base64_digit(bits >> 12);
	to[2] = base64_digit(bits >> 6);
	to[3] = base64_digit(bits);
}

/* libsodium's, for any length and variant, took much of the time of a dump of many peers. */
void weft_key_to_base64(char text[WEFT_KEY_BASE64_LEN + 1], const struct weft_key *key)
{
	const uint8_t *from = key->bytes;
	char *to = text;

	for (; from < key->bytes + 30; from += 3, to += 4)
		put_base64(to, (unsigned int)from[0] << 16 | (unsigned int)from[1] << 8 | from[2]);
	put_base64(to, (unsigned int)from[0] << 16 | (unsigned int)from[1] << 8);
	to[3] = '=';
	to[4] = '\0';
}

int weft_key_from_base64(struct weft_key *key, const char *text)
{
	size_t len = 0;

	if (strnlen(text, WEFT_KEY_BASE64_LEN + 1) != WEFT_KEY_BASE64_LEN ||
	    sodium_base642bin(key->bytes, sizeof(key->bytes), text, WEFT_KEY_BASE64_LEN, NULL,
			      &len, NULL, sodium_base64_VARIANT_ORIGINAL) ||
	    len != sizeof(key->bytes)) {
		weft_key_wipe(key);
		return -EINVAL;
	}
	return 0;
}

void weft_key_to_hex(char text[WEFT_KEY_HEX_LEN + 1], const struct weft_key *key)
{
	sodium_bin2hex(text, WEFT_KEY_HEX_LEN + 1, key->bytes, sizeof(key->bytes));
}

int weft_key_from_hex(struct weft_key *key, const char *text)
{
	size_t len = 0;

	if (strnlen(text, WEFT_KEY_HEX_LEN + 1) != WEFT_KEY_HEX_LEN ||
	    sodium_hex2bin(key->bytes, sizeof(key->bytes), text, WEFT_KEY_HEX_LEN, NULL, &len,
			   NULL) ||
	    len != sizeof(key->bytes)) {
		weft_key_wipe(key);
		return -EINVAL;
	}
	return 0;
}
