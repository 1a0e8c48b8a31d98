// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper_io.h"

#define HELLO "weft-rendezvous 1"

void to_hex(char *text, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * size] = 0;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool from_hex(uint8_t *bytes, size_t size, const char *text, size_t len)
{
	size_t i;

	if (len != 2 * size)
		return false;
	for (i = 0; i < size; i++) {
		int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = high << 4 | low;
	}
	return true;
}

bool requests_read(struct requests *requests)
{
	size_t room = sizeof(requests->text) - requests->len;
	ssize_t n;

	/* a line that fills all of it is none of weftd's */
	if (!room) {
		requests->len = 0;
		room = sizeof(requests->text);
	}
	n = read(STDIN_FILENO, requests->text + requests->len, room);
	if (n > 0)
		requests->len += n;
	else if (!n || (errno != EINTR && errno != EAGAIN))
		requests->is_over = true;
	return !requests->is_over;
}

bool get_number(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return !*end && !errno && *number <= max;
}

static bool get_hex(uint8_t *bytes, size_t size, const char *text)
{
	return text && from_hex(bytes, size, text, strlen(text));
}

static void parse(struct request *request, char *line)
{
	/* one more than any has, and the NULL after it */
	char *rest, *words[6] = { NULL };
	unsigned long number;
	unsigned int n = 0;

	request->type = REQUEST_UNKNOWN;
	for (words[0] = strtok_r(line, " ", &rest); words[n] && n < 5;
	     words[n] = strtok_r(NULL, " ", &rest))
		n++;
	if (n == 4 && !strcmp(words[0], "publish") &&
	    get_hex(request->key, KEY_BYTES, words[1]) && get_number(words[2], 86400, &number) &&
	    get_hex(request->value, VALUE_BYTES, words[3])) {
		request->type = REQUEST_PUBLISH;
		request->seconds = number;
	}
	if (n == 3 && !strcmp(words[0], "lookup") && get_number(words[1], UINT32_MAX, &number) &&
	    get_hex(request->key, KEY_BYTES, words[2])) {
		request->type = REQUEST_LOOKUP;
		request->number = number;
	}
}

/* In one piece, as far as the pipe takes it; weftd reads slowly what comes fast. */
static void say(const char *text, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(STDOUT_FILENO, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		/* nobody listens any more */
		if (n <= 0)
			exit(0);
		text += n;
		len -= n;
	}
}

static void say_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say_line(const char *format, ...)
{
	char line[MAX_LINE];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	say(line, len);
}

void say_published(const uint8_t key[KEY_BYTES])
{
	char hex[2 * KEY_BYTES + 1];

	to_hex(hex, key, KEY_BYTES);
	say_line("published %s", hex);
}

void say_found(uint32_t number, const uint8_t value[VALUE_BYTES])
{
	char hex[2 * VALUE_BYTES + 1];

	to_hex(hex, value, VALUE_BYTES);
	say_line("found %u %s", number, hex);
}

void say_done(uint32_t number)
{
	say_line("done %u", number);
}

void say_trouble(const char *format, ...)
{
	static char last[128];
	char text[sizeof(last)];
	va_list args;
	char *at;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (at = text; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	if (!strcmp(text, last))
		return;
	strcpy(last, text);
	say_line("trouble%s%s", *text ? " " : "", text);
}

static void greet(struct requests *requests, const char *line)
{
	if (strcmp(line, HELLO)) {
		say_trouble("weftd speaks another version of the helpers' protocol");
		/* a library may have threads that wait for a network that is not there */
		_exit(EXIT_FAILURE);
	}
	requests->is_greeted = true;
	say_line(HELLO);
}

static bool next_line(struct requests *requests, char line[sizeof(requests->text)])
{
	char *feed = memchr(requests->text, '\n', requests->len);
	size_t len;

	if (!feed)
		return false;
	len = feed - requests->text;
	memcpy(line, requests->text, len);
	line[len] = 0;
	requests->len -= len + 1;
	memmove(requests->text, feed + 1, requests->len);
	return true;
}

bool requests_next(struct requests *requests, struct request *request)
{
	char line[sizeof(requests->text)];

	while (next_line(requests, line)) {
		if (requests->is_greeted) {
			parse(request, line);
			return true;
		}
		greet(requests, line);
	}
	return false;
}
