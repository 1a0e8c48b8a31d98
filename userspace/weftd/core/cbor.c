// SPDX-License-Identifier: GPL-2.0-or-later
/* Strict CBOR; see cbor.h. */
#include <errno.h>
#include <string.h>

#include "cbor.h"

enum {
	MAJOR_UINT = 0,
	MAJOR_NEGATIVE = 1,
	MAJOR_BYTES = 2,
	MAJOR_TEXT = 3,
	MAJOR_ARRAY = 4,
	MAJOR_MAP = 5,
	MAJOR_SIMPLE = 7,
};

enum {
	SIMPLE_FALSE = 20,
	SIMPLE_NULL = 22,
};

/* How deep an item that is skipped may nest: more than any format will need, little stack. */
#define MAX_DEPTH 8

void weft_cbor_write_to(struct weft_cbor_writer *writer, void *out, size_t size)
{
	*writer = (struct weft_cbor_writer){ .out = out, .size = size };
}

bool weft_cbor_fits(const struct weft_cbor_writer *writer)
{
	return writer->len <= writer->size;
}

void weft_cbor_put_raw(struct weft_cbor_writer *writer, const void *bytes, size_t len)
{
	if (weft_cbor_fits(writer) && len <= writer->size - writer->len) {
		if (len)
			memcpy(writer->out + writer->len, bytes, len);
		writer->len += len;
	} else {
		writer->len = writer->size + 1;
	}
}

static void put_head(struct weft_cbor_writer *writer, unsigned int major, uint64_t value)
{
	uint8_t head[9];
	unsigned int bytes, i;

	if (value < 24) {
		head[0] = major << 5 | value;
		weft_cbor_put_raw(writer, head, 1);
		return;
	}
	bytes = value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : value <= UINT32_MAX ? 4 : 8;
	head[0] = major << 5 | (24 + __builtin_ctz(bytes));
	for (i = 0; i < bytes; i++)
		head[1 + i] = value >> 8 * (bytes - 1 - i);
	weft_cbor_put_raw(writer, head, 1 + bytes);
}

void weft_cbor_put_uint(struct weft_cbor_writer *writer, uint64_t value)
{
	put_head(writer, MAJOR_UINT, value);
}

void weft_cbor_put_bytes(struct weft_cbor_writer *writer, const void *bytes, size_t len)
{
	put_head(writer, MAJOR_BYTES, len);
	weft_cbor_put_raw(writer, bytes, len);
}

void weft_cbor_put_text(struct weft_cbor_writer *writer, const char *text)
{
	put_head(writer, MAJOR_TEXT, strlen(text));
	weft_cbor_put_raw(writer, text, strlen(text));
}

void weft_cbor_put_array(struct weft_cbor_writer *writer, size_t count)
{
	put_head(writer, MAJOR_ARRAY, count);
}

void weft_cbor_put_map(struct weft_cbor_writer *writer, size_t count)
{
	put_head(writer, MAJOR_MAP, count);
}

void weft_cbor_read_from(struct weft_cbor_reader *reader, const void *bytes, size_t len)
{
	*reader = (struct weft_cbor_reader){ .at = bytes, .end = (const uint8_t *)bytes + len };
}

void weft_cbor_fail(struct weft_cbor_reader *reader, int error)
{
	if (!reader->error)
		reader->error = error;
}

/* The next @len bytes, or NULL. */
static const uint8_t *take(struct weft_cbor_reader *reader, uint64_t len)
{
	const uint8_t *at = reader->at;

	if (reader->error)
		return NULL;
	if (len > (uint64_t)(reader->end - at)) {
		weft_cbor_fail(reader, -ENODATA);
		return NULL;
	}
	reader->at += len;
	return at;
}

/* The first byte's upper three bits, and the number that begins any item. */
static unsigned int get_head(struct weft_cbor_reader *reader, uint64_t *value)
{
	static const uint64_t least[] = { 24, UINT8_MAX + 1, UINT16_MAX + 1, UINT32_MAX + 1ULL };
	const uint8_t *first = take(reader, 1), *rest;
	unsigned int info, bytes, i;

	*value = 0;
	if (!first)
		return 0;
	info = *first & 31;
	if (info < 24) {
		*value = info;
		return *first >> 5;
	}
	if (info > 27) {
		/* reserved, or of indefinite length */
		weft_cbor_fail(reader, -EBADMSG);
		return 0;
	}
	bytes = 1U << (info - 24);
	rest = take(reader, bytes);
	if (!rest)
		return 0;
	for (i = 0; i < bytes; i++)
		*value = *value << 8 | rest[i];
	if (*value < least[info - 24])
		weft_cbor_fail(reader, -EBADMSG);
	return *first >> 5;
}

/* A head that must be of @major, with a number of at most @max. */
static uint64_t expect(struct weft_cbor_reader *reader, unsigned int major, uint64_t max)
{
	uint64_t value;

	if (get_head(reader, &value) != major || value > max)
		weft_cbor_fail(reader, -EBADMSG);
	return reader->error ? 0 : value;
}

uint64_t weft_cbor_get_uint(struct weft_cbor_reader *reader, uint64_t max)
{
	return expect(reader, MAJOR_UINT, max);
}

/* Never NULL, so that an empty string and an error look the same to who copies. */
static const uint8_t *get_string(struct weft_cbor_reader *reader, unsigned int major, size_t max,
				 size_t *len)
{
	const uint8_t *bytes;

	*len = expect(reader, major, max);
	bytes = take(reader, *len);
	if (!bytes) {
		*len = 0;
		return (const uint8_t *)"";
	}
	return bytes;
}

const uint8_t *weft_cbor_get_bytes(struct weft_cbor_reader *reader, size_t max, size_t *len)
{
	return get_string(reader, MAJOR_BYTES, max, len);
}

void weft_cbor_get_fixed(struct weft_cbor_reader *reader, void *out, size_t len)
{
	size_t have;
	const uint8_t *bytes = weft_cbor_get_bytes(reader, len, &have);

	if (have != len) {
		weft_cbor_fail(reader, -EBADMSG);
		memset(out, 0, len);
		return;
	}
	memcpy(out, bytes, len);
}

/* How many bytes the UTF-8 sequence (RFC 3629) at @text has, 0 if it is none. */
static size_t utf8_sequence(const uint8_t *text, size_t len)
{
	static const struct {
		uint8_t first, last, second_min, second_max, bytes;
	} forms[] = {
		{ 0x00, 0x7f, 0x80, 0xbf, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i = 0, k;

	while (i < sizeof(forms) / sizeof(forms[0]) &&
	       (text[0] < forms[i].first || text[0] > forms[i].last))
		i++;
	if (i == sizeof(forms) / sizeof(forms[0]) || forms[i].bytes > len)
		return 0;
	for (k = 1; k < forms[i].bytes; k++) {
		uint8_t min = k == 1 ? forms[i].second_min : 0x80;
		uint8_t max = k == 1 ? forms[i].second_max : 0xbf;

		if (text[k] < min || text[k] > max)
			return 0;
	}
	return forms[i].bytes;
}

const char *weft_cbor_get_text(struct weft_cbor_reader *reader, size_t max, size_t *len)
{
	const uint8_t *text = get_string(reader, MAJOR_TEXT, max, len);
	size_t at = 0, step;

	while (at < *len) {
		step = utf8_sequence(text + at, *len - at);
		if (!step) {
			weft_cbor_fail(reader, -EBADMSG);
			*len = 0;
			return "";
		}
		at += step;
	}
	return (const char *)text;
}

/* Each element is a byte at least, so that no count keeps a loop busy longer than its input is. */
static size_t get_count(struct weft_cbor_reader *reader, unsigned int major, size_t max)
{
	uint64_t count = expect(reader, major, max);

	if (count > (uint64_t)(reader->end - reader->at)) {
		weft_cbor_fail(reader, -ENODATA);
		return 0;
	}
	return count;
}

size_t weft_cbor_get_array(struct weft_cbor_reader *reader, size_t max)
{
	return get_count(reader, MAJOR_ARRAY, max);
}

void weft_cbor_get_map(struct weft_cbor_reader *reader, size_t max, struct weft_cbor_map *map)
{
	*map = (struct weft_cbor_map){ .left = get_count(reader, MAJOR_MAP, max) };
}

/*
 * False at the end of the map and on errors. Ascending keys also are distinct ones. UINT64_MAX is
 * no key of any format, and refusing it keeps @map->next from wrapping.
 */
bool weft_cbor_next_key(struct weft_cbor_reader *reader, struct weft_cbor_map *map, uint64_t *key)
{
	if (!map->left || reader->error)
		return false;
	map->left--;
	*key = weft_cbor_get_uint(reader, UINT64_MAX - 1);
	if (*key < map->next)
		weft_cbor_fail(reader, -EBADMSG);
	map->next = *key + 1;
	return !reader->error;
}

static void skip(struct weft_cbor_reader *reader, unsigned int depth);

static int compare_encoded(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static void skip_map(struct weft_cbor_reader *reader, uint64_t count, unsigned int depth)
{
	const uint8_t *key, *last = NULL;
	size_t last_len = 0;

	while (count-- && !reader->error) {
		key = reader->at;
		skip(reader, depth);
		if (last && compare_encoded(last, last_len, key, reader->at - key) >= 0)
			weft_cbor_fail(reader, -EBADMSG);
		last = key;
		last_len = reader->at - key;
		skip(reader, depth);
	}
}

/* Tags and floating-point numbers are in no format of ours, so they have no canonical form here. */
static void skip(struct weft_cbor_reader *reader, unsigned int depth)
{
	const uint8_t *begin = reader->at;
	size_t len;
	uint64_t value;
	unsigned int major = get_head(reader, &value);

	if (reader->error)
		return;
	if (depth == MAX_DEPTH) {
		weft_cbor_fail(reader, -EBADMSG);
		return;
	}
	switch (major) {
	case MAJOR_UINT:
	case MAJOR_NEGATIVE:
		break;
	case MAJOR_BYTES:
		take(reader, value);
		break;
	case MAJOR_TEXT:
		reader->at = begin;
		weft_cbor_get_text(reader, SIZE_MAX, &len);
		break;
	case MAJOR_ARRAY:
		while (value-- && !reader->error)
			skip(reader, depth + 1);
		break;
	case MAJOR_MAP:
		skip_map(reader, value, depth + 1);
		break;
	default:
		if (major != MAJOR_SIMPLE || value < SIMPLE_FALSE || value > SIMPLE_NULL)
			weft_cbor_fail(reader, -EBADMSG);
	}
}

/* One item of whatever kind, as strictly as any other. */
void weft_cbor_skip(struct weft_cbor_reader *reader)
{
	skip(reader, 0);
}

/* Zero if all went well and nothing is left over. */
int weft_cbor_end(const struct weft_cbor_reader *reader)
{
	if (reader->error)
		return reader->error;
	return reader->at == reader->end ? 0 : -EBADMSG;
}
