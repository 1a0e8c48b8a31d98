/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rendezvous helpers share: weftd's end of the line protocol (Documentation/rendezvous.md), and
 * the hexadecimal of it. A helper is a program that reads requests and says answers; what is between
 * is its own.
 */
#ifndef WEFT_HELPER_IO_H
#define WEFT_HELPER_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32
#define VALUE_BYTES 512
#define MAX_LINE 2048

enum request_type {
	REQUEST_PUBLISH,
	REQUEST_LOOKUP,
	/* to be passed over */
	REQUEST_UNKNOWN,
};

/**
 * struct request - a line of weftd
 * @type:	see there
 * @key:	REQUEST_PUBLISH, REQUEST_LOOKUP
 * @number:	REQUEST_LOOKUP
 * @seconds:	REQUEST_PUBLISH: for so long
 * @value:	REQUEST_PUBLISH
 */
struct request {
	enum request_type type;
	uint8_t key[KEY_BYTES];
	uint32_t number;
	unsigned int seconds;
	uint8_t value[VALUE_BYTES];
};

/**
 * struct requests - standard input
 * @text:	what has come
 * @len:	of @text
 * @is_greeted:	weftd has said that it speaks the version that we do
 * @is_over:	weftd is gone
 */
struct requests {
	char text[4 * MAX_LINE];
	size_t len;
	bool is_greeted;
	bool is_over;
};

/* Once it is readable. False: there is nothing more to come. */
bool requests_read(struct requests *requests);
/*
 * The next whole line of what was read. The first is weftd's greeting: it is answered, or, of a version
 * that we do not speak, ends the program, for what follows may mean something else.
 */
bool requests_next(struct requests *requests, struct request *request);

/* Answers; each is written at once. From one thread, or under a lock of the caller's. */
void say_published(const uint8_t key[KEY_BYTES]);
void say_found(uint32_t number, const uint8_t value[VALUE_BYTES]);
void say_done(uint32_t number);
/* What keeps it from working, for people; "": nothing any more. Said once, as long as it is the same. */
void say_trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));

void to_hex(char *text, const uint8_t *bytes, size_t size);
bool from_hex(uint8_t *bytes, size_t size, const char *text, size_t len);
/* Decimal, all of @text, which may be NULL. */
bool get_number(const char *text, unsigned long max, unsigned long *number);

#endif /* WEFT_HELPER_IO_H */
