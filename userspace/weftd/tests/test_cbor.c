// SPDX-License-Identifier: GPL-2.0-or-later
/* The strict reader and the writer, against RFC 8949's examples and everything it must refuse. */
#include "core.h"

#include "cbor.h"

struct bytes {
	uint8_t at[64];
	size_t len;
};

static struct bytes unhex(const char *hex)
{
	struct bytes bytes;

	assert_int_equal(sodium_hex2bin(bytes.at, sizeof(bytes.at), hex, strlen(hex), " ",
					&bytes.len, NULL), 0);
	return bytes;
}

static struct weft_cbor_reader reader_of(const struct bytes *bytes)
{
	struct weft_cbor_reader reader;

	weft_cbor_read_from(&reader, bytes->at, bytes->len);
	return reader;
}

/* RFC 8949, appendix A. */
static const struct {
	uint64_t value;
	const char *hex;
} numbers[] = {
	{ 0, "00" }, { 1, "01" }, { 10, "0a" }, { 23, "17" }, { 24, "1818" }, { 25, "1819" },
	{ 100, "1864" }, { 255, "18ff" }, { 256, "190100" }, { 1000, "1903e8" },
	{ 65535, "19ffff" }, { 65536, "1a00010000" }, { 1000000, "1a000f4240" },
	{ 4294967295, "1affffffff" }, { 4294967296, "1b0000000100000000" },
	{ 1000000000000, "1b000000e8d4a51000" }, { UINT64_MAX, "1bffffffffffffffff" },
};

static void test_numbers(void **state)
{
	struct weft_cbor_writer writer;
	struct weft_cbor_reader reader;
	struct bytes bytes;
	uint8_t out[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		bytes = unhex(numbers[i].hex);
		weft_cbor_write_to(&writer, out, sizeof(out));
		weft_cbor_put_uint(&writer, numbers[i].value);
		assert_int_equal(writer.len, bytes.len);
		assert_memory_equal(out, bytes.at, bytes.len);
		reader = reader_of(&bytes);
		assert_true(weft_cbor_get_uint(&reader, UINT64_MAX) == numbers[i].value);
		assert_int_equal(weft_cbor_end(&reader), 0);
		/* cut short at every length */
		while (bytes.len) {
			bytes.len--;
			reader = reader_of(&bytes);
			assert_int_equal(weft_cbor_get_uint(&reader, UINT64_MAX), 0);
			assert_int_equal(weft_cbor_end(&reader), -ENODATA);
		}
	}
}

static int read_number(const char *hex, uint64_t max)
{
	struct bytes bytes = unhex(hex);
	struct weft_cbor_reader reader = reader_of(&bytes);

	weft_cbor_get_uint(&reader, max);
	return weft_cbor_end(&reader);
}

static void test_number_refused(void **state)
{
	(void)state;
	/* longer than needed */
	assert_int_equal(read_number("1817", 100), -EBADMSG);
	assert_int_equal(read_number("1900ff", 1000), -EBADMSG);
	assert_int_equal(read_number("1a0000ffff", UINT64_MAX), -EBADMSG);
	assert_int_equal(read_number("1b00000000ffffffff", UINT64_MAX), -EBADMSG);
	/* reserved, indefinite */
	assert_int_equal(read_number("1c", 100), -EBADMSG);
	assert_int_equal(read_number("1f", 100), -EBADMSG);
	/* out of bounds, of another kind, followed by more */
	assert_int_equal(read_number("0b", 10), -EBADMSG);
	assert_int_equal(read_number("20", 10), -EBADMSG);
	assert_int_equal(read_number("0000", 10), -EBADMSG);
	assert_int_equal(read_number("0a", 10), 0);
}

static void test_strings(void **state)
{
	struct bytes bytes = unhex("4401020304 6161");
	struct weft_cbor_reader reader = reader_of(&bytes);
	uint8_t fixed[4];
	size_t len;

	(void)state;
	weft_cbor_get_fixed(&reader, fixed, 4);
	assert_memory_equal(fixed, "\1\2\3\4", 4);
	assert_memory_equal(weft_cbor_get_text(&reader, 10, &len), "a", 1);
	assert_int_equal(len, 1);
	assert_int_equal(weft_cbor_end(&reader), 0);

	/* shorter than it should be: nothing of it is left in the result */
	bytes = unhex("43010203");
	reader = reader_of(&bytes);
	weft_cbor_get_fixed(&reader, fixed, 4);
	assert_memory_equal(fixed, "\0\0\0\0", 4);
	assert_int_equal(weft_cbor_end(&reader), -EBADMSG);
	/* longer than allowed, longer than there is, of indefinite length */
	bytes = unhex("43010203");
	reader = reader_of(&bytes);
	weft_cbor_get_bytes(&reader, 2, &len);
	assert_int_equal(len, 0);
	assert_int_equal(weft_cbor_end(&reader), -EBADMSG);
	bytes = unhex("430102");
	reader = reader_of(&bytes);
	weft_cbor_get_bytes(&reader, 100, &len);
	assert_int_equal(weft_cbor_end(&reader), -ENODATA);
	bytes = unhex("5bffffffffffffffff00");
	reader = reader_of(&bytes);
	weft_cbor_get_bytes(&reader, SIZE_MAX, &len);
	assert_int_equal(weft_cbor_end(&reader), -ENODATA);
	bytes = unhex("5f42010243030405ff");
	reader = reader_of(&bytes);
	weft_cbor_get_bytes(&reader, 100, &len);
	assert_int_equal(weft_cbor_end(&reader), -EBADMSG);
}

static int read_text(const char *hex)
{
	struct bytes bytes = unhex(hex);
	struct weft_cbor_reader reader = reader_of(&bytes);
	size_t len;

	weft_cbor_get_text(&reader, 100, &len);
	return weft_cbor_end(&reader);
}

static void test_utf8(void **state)
{
	static const char *const good[] = {
		"60", "617f", "62c3bc", "63e0a080", "63e6b0b4", "63ed9fbf", "63efbfbf",
		"64f0908591", "64f3bfbfbf", "64f48fbfbf",
	};
	static const char *const bad[] = {
		"6180", "62c080", "62c1bf", "62c328", "63e09fbf", "63eda080", "62e6b0", "63e6b028",
		"64f08fbfbf", "64f4908080", "61ff", "64f5808080", "63f09085",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(read_text(good[i]), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_text(bad[i]), -EBADMSG);
}

static int read_map(const char *hex)
{
	struct bytes bytes = unhex(hex);
	struct weft_cbor_reader reader = reader_of(&bytes);
	struct weft_cbor_map map;
	uint64_t key;

	weft_cbor_get_map(&reader, 10, &map);
	while (weft_cbor_next_key(&reader, &map, &key))
		weft_cbor_skip(&reader);
	return weft_cbor_end(&reader);
}

static void test_maps(void **state)
{
	(void)state;
	assert_int_equal(read_map("a0"), 0);
	assert_int_equal(read_map("a3 0000 0101 186400"), 0);
	assert_int_equal(read_map("a2 0000 0001"), -EBADMSG); /* the same key again */
	assert_int_equal(read_map("a2 0100 0000"), -EBADMSG); /* descending */
	assert_int_equal(read_map("a1 616100"), -EBADMSG); /* a key of text */
	assert_int_equal(read_map("a2 0000"), -ENODATA);
	assert_int_equal(read_map("ab 00"), -EBADMSG); /* more than allowed */
	assert_int_equal(read_map("bf 0000 ff"), -EBADMSG); /* indefinite */
	assert_int_equal(read_map("a1 1bffffffffffffffff 00"), -EBADMSG);
	assert_int_equal(read_map("a0 00"), -EBADMSG); /* trailing byte */
}

static int skip_one(const char *hex)
{
	struct bytes bytes = unhex(hex);
	struct weft_cbor_reader reader = reader_of(&bytes);

	weft_cbor_skip(&reader);
	return weft_cbor_end(&reader);
}

static void test_skip(void **state)
{
	(void)state;
	assert_int_equal(skip_one("1903e8"), 0);
	assert_int_equal(skip_one("3863"), 0);
	assert_int_equal(skip_one("420102"), 0);
	assert_int_equal(skip_one("62c3bc"), 0);
	assert_int_equal(skip_one("83 01 820203 820405"), 0);
	assert_int_equal(skip_one("a2 6161 01 6162 820203"), 0);
	assert_int_equal(skip_one("a2 0a00 186400"), 0);
	assert_int_equal(skip_one("f4"), 0);
	assert_int_equal(skip_one("f5"), 0);
	assert_int_equal(skip_one("f6"), 0);
	assert_int_equal(skip_one("81818181 818181 01"), 0);

	assert_int_equal(skip_one("81818181 81818181 01"), -EBADMSG); /* too deep */
	assert_int_equal(skip_one("a2 6162 01 6161 01"), -EBADMSG); /* descending keys */
	assert_int_equal(skip_one("a2 6161 01 6161 01"), -EBADMSG);
	assert_int_equal(skip_one("a2 6161 01 616101"), -EBADMSG);
	assert_int_equal(skip_one("f7"), -EBADMSG); /* undefined */
	assert_int_equal(skip_one("f0"), -EBADMSG); /* unassigned simple value */
	assert_int_equal(skip_one("f93c00"), -EBADMSG); /* floating-point number */
	assert_int_equal(skip_one("c100"), -EBADMSG); /* tag */
	assert_int_equal(skip_one("61ff"), -EBADMSG); /* no UTF-8 */
	assert_int_equal(skip_one("9f01ff"), -EBADMSG); /* indefinite */
	assert_int_equal(skip_one("9bffffffffffffffff"), -ENODATA);
	assert_int_equal(skip_one("bbffffffffffffffff"), -ENODATA);
	assert_int_equal(skip_one(""), -ENODATA);
}

static void test_array_count(void **state)
{
	struct bytes bytes = unhex("9affffffff");
	struct weft_cbor_reader reader = reader_of(&bytes);

	(void)state;
	/* no loop over what cannot be there */
	assert_int_equal(weft_cbor_get_array(&reader, SIZE_MAX), 0);
	assert_int_equal(weft_cbor_end(&reader), -ENODATA);
	/* and the first error stays */
	weft_cbor_fail(&reader, -EPROTO);
	assert_int_equal(weft_cbor_end(&reader), -ENODATA);
	weft_cbor_skip(&reader);
	assert_int_equal(weft_cbor_get_uint(&reader, 10), 0);
}

static void test_writer_full(void **state)
{
	struct weft_cbor_writer writer;
	uint8_t out[4] = { 0, 0, 0, 0xee };

	(void)state;
	weft_cbor_write_to(&writer, out, 3);
	weft_cbor_put_bytes(&writer, "ab", 2);
	assert_true(weft_cbor_fits(&writer));
	weft_cbor_put_raw(&writer, NULL, 0);
	assert_true(weft_cbor_fits(&writer));
	weft_cbor_put_array(&writer, 0);
	assert_false(weft_cbor_fits(&writer));
	weft_cbor_put_map(&writer, 0);
	weft_cbor_put_text(&writer, "");
	assert_false(weft_cbor_fits(&writer));
	assert_int_equal(out[3], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_number_refused),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_array_count),
		cmocka_unit_test(test_writer_full),
	};

	return RUN_TESTS(tests);
}
