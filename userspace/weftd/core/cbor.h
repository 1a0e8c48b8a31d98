/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of CBOR (RFC 8949) that weft's formats use, in its deterministic encoding alone
 * (section 4.2.1): shortest lengths, nothing of indefinite length, map keys ascending.
 *
 * Not libcbor, because what is asked for is what a general decoder takes away: it accepts longer
 * lengths than needed and does not tell afterwards, does not look at the order of keys, and
 * allocates by counts that the sender chose. This one allocates nothing and sees every byte once.
 */
#ifndef WEFT_CBOR_H
#define WEFT_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct weft_cbor_writer - writes into a buffer of fixed size
 * @out:	the buffer
 * @size:	its size
 * @len:	written so far; beyond @size if it did not fit, and then nothing is to be used
 */
struct weft_cbor_writer {
	uint8_t *out;
	size_t size;
	size_t len;
};

void weft_cbor_write_to(struct weft_cbor_writer *writer, void *out, size_t size);
void weft_cbor_put_uint(struct weft_cbor_writer *writer, uint64_t value);
void weft_cbor_put_bytes(struct weft_cbor_writer *writer, const void *bytes, size_t len);
void weft_cbor_put_text(struct weft_cbor_writer *writer, const char *text);
void weft_cbor_put_array(struct weft_cbor_writer *writer, size_t count);
void weft_cbor_put_map(struct weft_cbor_writer *writer, size_t count);
void weft_cbor_put_raw(struct weft_cbor_writer *writer, const void *bytes, size_t len);
bool weft_cbor_fits(const struct weft_cbor_writer *writer);

/**
 * struct weft_cbor_reader - reads from a buffer
 * @at:		what comes next
 * @end:	end of the buffer
 * @error:	the first error; every later call gives zero or an empty string and leaves it.
 *		-ENODATA: the input ends too early; -EBADMSG: anything else
 */
struct weft_cbor_reader {
	const uint8_t *at;
	const uint8_t *end;
	int error;
};

/**
 * struct weft_cbor_map - where reading of a map with integer keys is
 * @left:	entries not begun
 * @next:	the least key that may come next
 */
struct weft_cbor_map {
	size_t left;
	uint64_t next;
};

void weft_cbor_read_from(struct weft_cbor_reader *reader, const void *bytes, size_t len);
void weft_cbor_fail(struct weft_cbor_reader *reader, int error);
uint64_t weft_cbor_get_uint(struct weft_cbor_reader *reader, uint64_t max);
const uint8_t *weft_cbor_get_bytes(struct weft_cbor_reader *reader, size_t max, size_t *len);
void weft_cbor_get_fixed(struct weft_cbor_reader *reader, void *out, size_t len);
const char *weft_cbor_get_text(struct weft_cbor_reader *reader, size_t max, size_t *len);
size_t weft_cbor_get_array(struct weft_cbor_reader *reader, size_t max);
void weft_cbor_get_map(struct weft_cbor_reader *reader, size_t max, struct weft_cbor_map *map);
bool weft_cbor_next_key(struct weft_cbor_reader *reader, struct weft_cbor_map *map, uint64_t *key);
void weft_cbor_skip(struct weft_cbor_reader *reader);
int weft_cbor_end(const struct weft_cbor_reader *reader);

#endif /* WEFT_CBOR_H */
