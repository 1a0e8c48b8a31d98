// SPDX-License-Identifier: GPL-2.0-or-later
/* Tokens: what "weft join" takes, and why it refuses others. */
#include "core.h"

#include "cbor.h"
#include "token.h"

static struct weft_token make_token(void)
{
	struct weft_token token = { .network = root_of().id };
	unsigned int i;

	seed_of(token.secret, 500);
	token.invitation = invitation_record(500, ROOT, 1, NOW + DAY);
	token.hint_count = 2;
	for (i = 0; i < 2; i++) {
		token.hints[i].identity = identity_of(i).id;
		token.hints[i].tunnel = tunnel_of(i).public_key;
		token.hints[i].endpoints.count = 1;
		token.hints[i].endpoints.at[0] =
			(struct weft_ip_endpoint){ 4, { 192, 0, 2, 1 + i }, 51820 };
	}
	token.has_epoch = true;
	memset(token.epoch, 7, sizeof(token.epoch));
	return token;
}

static void test_round_trip(void **state)
{
	struct weft_token token = make_token(), read;
	char text[WEFT_TOKEN_TEXT];

	(void)state;
	assert_int_equal(weft_token_encode(text, &token), 0);
	printf("# %zu letters\n", strlen(text));
	assert_memory_equal(text, "weft1", 5);
	assert_int_equal(weft_token_decode(&read, text), 0);
	assert_true(weft_id_equal(&read.network, &token.network));
	assert_memory_equal(read.secret, token.secret, sizeof(read.secret));
	assert_true(weft_id_equal(&read.invitation->hash, &token.invitation->hash));
	assert_int_equal(read.hint_count, 2);
	assert_memory_equal(&read.hints[1], &token.hints[1], sizeof(read.hints[1]));
	assert_true(read.has_epoch);
	assert_memory_equal(read.epoch, token.epoch, sizeof(read.epoch));
	weft_token_wipe(&read);
	assert_null(read.invitation);

	/* only what must be there */
	token.hint_count = 0;
	token.has_epoch = false;
	assert_int_equal(weft_token_encode(text, &token), 0);
	assert_int_equal(weft_token_decode(&read, text), 0);
	assert_false(read.has_epoch || read.hint_count);
	weft_token_wipe(&read);
	weft_token_wipe(&token);
}

static void test_white_space(void **state)
{
	struct weft_token token = make_token(), read;
	char text[WEFT_TOKEN_TEXT], folded[WEFT_TOKEN_TEXT + 16];

	(void)state;
	assert_int_equal(weft_token_encode(text, &token), 0);
	snprintf(folded, sizeof(folded), " \n%.20s\r\n  %s\n", text, text + 20);
	assert_int_equal(weft_token_decode(&read, folded), 0);
	weft_token_wipe(&read);
	weft_token_wipe(&token);
}

static int decode(const char *text)
{
	struct weft_token token;
	int error = weft_token_decode(&token, text);

	if (error)
		assert_true(sodium_is_zero((uint8_t *)&token, sizeof(token)));
	else
		weft_token_wipe(&token);
	return error;
}

static void test_cut_short(void **state)
{
	struct weft_token token = make_token();
	char text[WEFT_TOKEN_TEXT];
	size_t len;

	(void)state;
	assert_int_equal(weft_token_encode(text, &token), 0);
	for (len = strlen(text) - 1; len >= strlen(WEFT_TOKEN_PREFIX); len--) {
		text[len] = 0;
		assert_int_equal(decode(text), -ENODATA);
	}
	text[len] = 0;
	assert_int_equal(decode(text), -EINVAL);
	assert_int_equal(decode(""), -EINVAL);
	assert_int_equal(decode("hello"), -EINVAL);
	weft_token_wipe(&token);
}

static void test_wrong_letter(void **state)
{
	struct weft_token token = make_token();
	char text[WEFT_TOKEN_TEXT], letter;
	size_t i;
	int error;

	(void)state;
	assert_int_equal(weft_token_encode(text, &token), 0);
	for (i = strlen(WEFT_TOKEN_PREFIX); text[i]; i++) {
		letter = text[i];
		text[i] = letter == 'A' ? 'B' : 'A';
		error = decode(text);
		/* a length that became longer looks like a token that is too short */
		assert_true(error == -EBADMSG || error == -ENODATA);
		text[i] = letter;
	}
	text[50] = '+';
	assert_int_equal(decode(text), -EBADMSG);
	weft_token_wipe(&token);
}

static void test_too_long(void **state)
{
	char text[WEFT_TOKEN_TEXT + 1];

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, WEFT_TOKEN_PREFIX, strlen(WEFT_TOKEN_PREFIX));
	text[sizeof(text) - 1] = 0;
	assert_int_equal(decode(text), -EMSGSIZE);
}

/* A map with any content, and the checksum that fits it. */
static int decode_forged(const struct weft_cbor_writer *writer)
{
	char text[WEFT_TOKEN_TEXT] = WEFT_TOKEN_PREFIX;
	uint8_t hash[WEFT_ID_LEN];

	assert_true(writer->len + 4 <= writer->size);
	weft_hash(hash, sizeof(hash), "weft/1/token", (struct weft_part){ writer->out, writer->len },
		  (struct weft_part){ 0 });
	memcpy(writer->out + writer->len, hash, 4);
	sodium_bin2base64(text + strlen(WEFT_TOKEN_PREFIX),
			  sizeof(text) - strlen(WEFT_TOKEN_PREFIX), writer->out, writer->len + 4,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return decode(text);
}

static void put_start(struct weft_cbor_writer *writer, uint8_t *bytes, size_t entries,
		      unsigned int secret, const void *record, size_t len)
{
	struct weft_identity root = root_of();
	uint8_t seed[WEFT_SEED_LEN];

	seed_of(seed, secret);
	weft_cbor_write_to(writer, bytes, WEFT_TOKEN_BYTES);
	weft_cbor_put_map(writer, entries);
	weft_cbor_put_uint(writer, 0);
	weft_cbor_put_bytes(writer, root.id.bytes, sizeof(root.id.bytes));
	weft_cbor_put_uint(writer, 1);
	weft_cbor_put_bytes(writer, seed, sizeof(seed));
	weft_cbor_put_uint(writer, 2);
	weft_cbor_put_bytes(writer, record, len);
}

static void test_forged(void **state)
{
	struct weft_record *good = invitation_record(500, ROOT, 1, NOW + DAY);
	struct weft_record *other = admission_record(1, ROOT, "a", NOW);
	uint8_t bytes[WEFT_TOKEN_BYTES], record[WEFT_MAX_RECORD];
	struct weft_cbor_writer writer;

	(void)state;
	put_start(&writer, bytes, 3, 500, good->bytes, good->len);
	assert_int_equal(decode_forged(&writer), 0);
	/* another's secret */
	put_start(&writer, bytes, 3, 501, good->bytes, good->len);
	assert_int_equal(decode_forged(&writer), -EKEYREJECTED);
	/* a signature that is none */
	memcpy(record, good->bytes, good->len);
	record[good->len - 1] ^= 1;
	put_start(&writer, bytes, 3, 500, record, good->len);
	assert_int_equal(decode_forged(&writer), -EKEYREJECTED);
	/* no invitation */
	put_start(&writer, bytes, 3, 500, other->bytes, other->len);
	assert_int_equal(decode_forged(&writer), -EPROTO);
	weft_cbor_write_to(&writer, bytes, sizeof(bytes));
	weft_cbor_put_map(&writer, 0);
	assert_int_equal(decode_forged(&writer), -EPROTO);
	weft_record_put(good);
	weft_record_put(other);
}

static void test_later_version(void **state)
{
	struct weft_record *good = invitation_record(500, ROOT, 1, NOW + DAY);
	uint8_t bytes[WEFT_TOKEN_BYTES];
	struct weft_cbor_writer writer;

	(void)state;
	put_start(&writer, bytes, 4, 500, good->bytes, good->len);
	weft_cbor_put_uint(&writer, 64);
	weft_cbor_put_text(&writer, "whatever");
	assert_int_equal(decode_forged(&writer), 0);
	put_start(&writer, bytes, 4, 500, good->bytes, good->len);
	weft_cbor_put_uint(&writer, 63);
	weft_cbor_put_text(&writer, "whatever");
	assert_int_equal(decode_forged(&writer), -EPROTONOSUPPORT);
	/* and hints have three parts */
	put_start(&writer, bytes, 4, 500, good->bytes, good->len);
	weft_cbor_put_uint(&writer, 3);
	weft_cbor_put_array(&writer, 1);
	weft_cbor_put_array(&writer, 0);
	assert_int_equal(decode_forged(&writer), -EBADMSG);
	weft_record_put(good);
}

static void test_largest(void **state)
{
	struct weft_token token = make_token();
	char text[WEFT_TOKEN_TEXT];
	unsigned int i, k;

	(void)state;
	token.hint_count = WEFT_TOKEN_HINTS;
	for (i = 0; i < WEFT_TOKEN_HINTS; i++) {
		token.hints[i].endpoints.count = WEFT_MAX_ENDPOINTS;
		for (k = 0; k < WEFT_MAX_ENDPOINTS; k++)
			token.hints[i].endpoints.at[k] =
				(struct weft_ip_endpoint){ 16, { 0x20, k }, 65535 };
	}
	assert_int_equal(weft_token_encode(text, &token), 0);
	assert_int_equal(decode(text), 0);
	weft_token_wipe(&token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_white_space),
		cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_wrong_letter),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_later_version),
		cmocka_unit_test(test_largest),
	};

	return RUN_TESTS(tests);
}
