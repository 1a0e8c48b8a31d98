// SPDX-License-Identifier: GPL-2.0-or-later
/* The line protocol of rendezvous helpers, as weftd reads and writes it. */
#include <stdio.h>

#include "unit.h"

#include "helper_lines.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char value_hex[2 * WEFT_RENDEZVOUS_BYTES + 1];

static enum line_type parse(struct line *line, const char *text)
{
	return line_parse(line, text, strlen(text));
}

static void test_good(void **state)
{
	char text[LINE_MAX_BYTES];
	struct line line;

	(void)state;
	assert_int_equal(parse(&line, "weft-rendezvous 1"), LINE_READY);
	assert_int_equal(parse(&line, "published " KEY), LINE_PUBLISHED);
	assert_int_equal(line.key[1], 0x11);
	assert_int_equal(line.key[31], 0xff);
	snprintf(text, sizeof(text), "found 4294967295 %s", value_hex);
	assert_int_equal(parse(&line, text), LINE_FOUND);
	assert_int_equal(line.number, UINT32_MAX);
	assert_int_equal(line.bytes[0], 0xab);
	assert_int_equal(line.bytes[WEFT_RENDEZVOUS_BYTES - 1], 0xab);
	assert_int_equal(parse(&line, "done 0"), LINE_DONE);
	assert_int_equal(line.number, 0);
	assert_int_equal(parse(&line, "trouble no\tnode \xff" "answers"), LINE_TROUBLE);
	assert_string_equal(line.text, "no?node ?answers");
	assert_int_equal(parse(&line, "trouble"), LINE_TROUBLE);
	assert_string_equal(line.text, "");
	memset(text, 'x', sizeof(text));
	memcpy(text, "trouble ", 8);
	assert_int_equal(line_parse(&line, text, sizeof(text)), LINE_TROUBLE);
	assert_int_equal(strlen(line.text), LINE_MAX_TEXT);
}

static void test_bad(void **state)
{
	static const char *const texts[] = {
		"", " ", "weft-rendezvous", "weft-rendezvous 2", "weft-rendezvous 1 ",
		"weft-rendezvous 1\r", "Done 1", "done", "done ", "done 1 ", "done  1", " done 1",
		"done -1", "done +1", "done 01", "done 0x1", "done 4294967296", "done 99999999999",
		"done 1 1", "published", "published 00", "published " KEY "00", "published " KEY " x",
		"published 0x112233445566778899aabbccddeeff00112233445566778899aabbccddee11",
		"published 00:112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
		"found 1", "found 1 ab", "found " KEY, "found 1 " KEY, "troubles", "trouble:",
		"publish " KEY " 1 00", "lookup 1 " KEY,
	};
	char text[LINE_MAX_BYTES];
	struct line line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (parse(&line, texts[i]) != LINE_INVALID)
			fail_msg("taken: %s", texts[i]);
	}
	snprintf(text, sizeof(text), "found 1 %sab", value_hex);
	assert_int_equal(parse(&line, text), LINE_INVALID);
	snprintf(text, sizeof(text), "found 1 %s", value_hex);
	text[100] = 'g';
	assert_int_equal(parse(&line, text), LINE_INVALID);
	assert_int_equal(line_parse(&line, "done 1\0", 7), LINE_INVALID);
}

static void test_said(void **state)
{
	uint8_t key[32] = { 1, [31] = 0xfe }, bytes[WEFT_RENDEZVOUS_BYTES];
	char text[LINE_MAX_BYTES], wanted[LINE_MAX_BYTES];
	size_t len;

	(void)state;
	memset(bytes, 0xab, sizeof(bytes));
	len = line_publish(text, key, 1800, bytes);
	snprintf(wanted, sizeof(wanted), "publish 01%0*dfe 1800 %s\n", 60, 0, value_hex);
	assert_string_equal(text, wanted);
	assert_int_equal(len, strlen(wanted));
	len = line_look_up(text, UINT32_MAX, key);
	snprintf(wanted, sizeof(wanted), "lookup 4294967295 01%0*dfe\n", 60, 0);
	assert_string_equal(text, wanted);
	assert_int_equal(len, strlen(wanted));
}

struct heard {
	unsigned int lines;
	unsigned int too_long;
	size_t bytes;
	unsigned int stop_after;
};

static bool hear(void *arg, const char *text, size_t len)
{
	struct heard *heard = arg;

	heard->lines++;
	heard->too_long += !text;
	heard->bytes += len;
	return heard->lines != heard->stop_after;
}

/* However it is cut into pieces, the lines are the same. */
static void test_pieces(void **state)
{
	char text[3 * LINE_MAX_BYTES];
	size_t step, at, longest = LINE_MAX_BYTES - 1;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[5] = '\n';
	text[6] = '\n';
	/* as long as may be, then one byte more */
	text[7 + longest] = '\n';
	text[8 + longest + longest + 1] = '\n';
	for (step = 1; step < sizeof(text); step += step < 40 ? 1 : 97) {
		static struct line_buffer buffer;
		struct heard heard = { 0 };

		memset(&buffer, 0, sizeof(buffer));
		for (at = 0; at < sizeof(text); at += step)
			line_feed(&buffer, text + at,
				  at + step < sizeof(text) ? step : sizeof(text) - at, hear,
				  &heard);
		assert_int_equal(heard.lines, 4);
		assert_int_equal(heard.too_long, 1);
		assert_int_equal(heard.bytes, 5 + longest);
	}
}

static void test_stop(void **state)
{
	static struct line_buffer buffer;
	struct heard heard = { .stop_after = 2 };

	(void)state;
	line_feed(&buffer, "1\n2\n3\n4\n", 8, hear, &heard);
	assert_int_equal(heard.lines, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_stop),
	};
	size_t i;

	for (i = 0; i < WEFT_RENDEZVOUS_BYTES; i++)
		memcpy(value_hex + 2 * i, "ab", 2);
	return RUN_TESTS(tests);
}
