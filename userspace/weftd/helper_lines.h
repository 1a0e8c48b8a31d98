/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What weftd and a rendezvous helper say to each other: lines, see Documentation/rendezvous.md. Text
 * in, values out, and back; who says it and when is for helper.c.
 */
#ifndef WEFTD_HELPER_LINES_H
#define WEFTD_HELPER_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/node.h"

/* With its line feed; what is longer is none. At most PIPE_BUF, so that a line is written whole. */
#define LINE_MAX_BYTES 2048
#define LINE_MAX_TEXT 160
#define LINE_HELLO "weft-rendezvous 1"

enum line_type {
	LINE_INVALID,
	LINE_READY,
	LINE_PUBLISHED,
	LINE_FOUND,
	LINE_DONE,
	LINE_TROUBLE,
};

/**
 * struct line - what a helper said
 * @type:	see there; what is not named here for it is not set
 * @key:	LINE_PUBLISHED: under which key
 * @number:	LINE_FOUND, LINE_DONE: of the look-up
 * @bytes:	LINE_FOUND: the value
 * @text:	LINE_TROUBLE: nothing but printable ASCII; "": it is over
 */
struct line {
	enum line_type type;
	uint8_t key[32];
	uint32_t number;
	uint8_t bytes[WEFT_RENDEZVOUS_BYTES];
	char text[LINE_MAX_TEXT + 1];
};

/* @text: without its line feed */
enum line_type line_parse(struct line *line, const char *text, size_t len);

/* With a line feed; the length is returned. */
size_t line_publish(char text[LINE_MAX_BYTES], const uint8_t key[32], unsigned int seconds,
		    const uint8_t bytes[WEFT_RENDEZVOUS_BYTES]);
size_t line_look_up(char text[LINE_MAX_BYTES], uint32_t number, const uint8_t key[32]);

/* Printable ASCII of it, cut to what fits. */
void line_clean(char *to, size_t size, const char *text, size_t len);

/**
 * struct line_buffer - bytes as they come
 * @text:	of the line that is not whole yet
 * @len:	of @text
 * @skips:	the line became too long: all of it up to the next line feed is nothing
 */
struct line_buffer {
	char text[LINE_MAX_BYTES];
	size_t len;
	bool skips;
};

/* Calls @take with each whole line; NULL for one that was too long. @take says false: no more of it. */
void line_feed(struct line_buffer *buffer, const char *bytes, size_t len,
	       bool (*take)(void *arg, const char *text, size_t len), void *arg);

#endif /* WEFTD_HELPER_LINES_H */
