// SPDX-License-Identifier: GPL-2.0-or-later
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "helper_lines.h"

/* One word of a line, as far as there is one: words are parted by one blank. */
struct words {
	const char *at;
	const char *end;
};

static bool next_word(struct words *words, const char **word, size_t *len)
{
	const char *blank;

	if (words->at == words->end)
		return false;
	blank = memchr(words->at, ' ', words->end - words->at);
	*word = words->at;
	*len = (blank ? blank : words->end) - words->at;
	/* a blank at the end begins an empty word, which is none */
	if (!*len || (blank && blank + 1 == words->end))
		return false;
	words->at = blank ? blank + 1 : words->end;
	return true;
}

static bool get_hex(struct words *words, uint8_t *bytes, size_t size)
{
	const char *word;
	size_t len, got;

	return next_word(words, &word, &len) && len == 2 * size &&
	       !sodium_hex2bin(bytes, size, word, len, NULL, &got, NULL) && got == size;
}

/* Decimal, without sign or zeros before it. */
static bool get_number(struct words *words, uint32_t *number)
{
	const char *word;
	uint64_t value = 0;
	size_t len, i;

	if (!next_word(words, &word, &len) || len > 10 || (len > 1 && *word == '0'))
		return false;
	for (i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		value = 10 * value + (word[i] - '0');
	}
	*number = value;
	return value <= UINT32_MAX;
}

static bool is_word(const char *word, size_t len, const char *name)
{
	return len == strlen(name) && !memcmp(word, name, len);
}

static bool get_trouble(struct line *line, const char *text, size_t len)
{
	if (len && *text != ' ')
		return false;
	line_clean(line->text, sizeof(line->text), text + !!len, len - !!len);
	return true;
}

enum line_type line_parse(struct line *line, const char *text, size_t len)
{
	struct words words = { text, text + len };
	const char *word;
	size_t word_len;

	line->type = LINE_INVALID;
	if (is_word(text, len, LINE_HELLO))
		return line->type = LINE_READY;
	if (len >= 7 && !memcmp(text, "trouble", 7))
		return line->type = get_trouble(line, text + 7, len - 7) ? LINE_TROUBLE :
									   LINE_INVALID;
	if (!next_word(&words, &word, &word_len))
		return LINE_INVALID;
	if (is_word(word, word_len, "published") && get_hex(&words, line->key, sizeof(line->key)))
		line->type = LINE_PUBLISHED;
	else if (is_word(word, word_len, "found") && get_number(&words, &line->number) &&
		 get_hex(&words, line->bytes, sizeof(line->bytes)))
		line->type = LINE_FOUND;
	else if (is_word(word, word_len, "done") && get_number(&words, &line->number))
		line->type = LINE_DONE;
	if (words.at != words.end)
		line->type = LINE_INVALID;
	return line->type;
}

void line_clean(char *to, size_t size, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len && i + 1 < size; i++)
		to[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	to[i] = 0;
}

size_t line_publish(char text[LINE_MAX_BYTES], const uint8_t key[32], unsigned int seconds,
		    const uint8_t bytes[WEFT_RENDEZVOUS_BYTES])
{
	char key_hex[65], value_hex[2 * WEFT_RENDEZVOUS_BYTES + 1];

	sodium_bin2hex(key_hex, sizeof(key_hex), key, 32);
	sodium_bin2hex(value_hex, sizeof(value_hex), bytes, WEFT_RENDEZVOUS_BYTES);
	return snprintf(text, LINE_MAX_BYTES, "publish %s %u %s\n", key_hex, seconds, value_hex);
}

size_t line_look_up(char text[LINE_MAX_BYTES], uint32_t number, const uint8_t key[32])
{
	char key_hex[65];

	sodium_bin2hex(key_hex, sizeof(key_hex), key, 32);
	return snprintf(text, LINE_MAX_BYTES, "lookup %u %s\n", number, key_hex);
}

static bool end_line(struct line_buffer *buffer,
		     bool (*take)(void *arg, const char *text, size_t len), void *arg)
{
	size_t len = buffer->len;
	bool skips = buffer->skips;

	buffer->len = 0;
	buffer->skips = false;
	return take(arg, skips ? NULL : buffer->text, skips ? 0 : len);
}

void line_feed(struct line_buffer *buffer, const char *bytes, size_t len,
	       bool (*take)(void *arg, const char *text, size_t len), void *arg)
{
	const char *end = bytes + len, *feed;
	size_t part;

	while (bytes < end) {
		feed = memchr(bytes, '\n', end - bytes);
		part = (feed ? feed : end) - bytes;
		if (part >= sizeof(buffer->text) - buffer->len)
			buffer->skips = true;
		if (!buffer->skips) {
			memcpy(buffer->text + buffer->len, bytes, part);
			buffer->len += part;
		}
		if (!feed)
			return;
		bytes = feed + 1;
		if (!end_line(buffer, take, arg))
			return;
	}
}
