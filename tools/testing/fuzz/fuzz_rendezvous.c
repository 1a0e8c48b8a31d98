// SPDX-License-Identifier: GPL-2.0
/* What a rendezvous helper says, cut into pieces of any size. */
#include <stdlib.h>
#include <string.h>

#include "helper_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two ways to the same lines have to agree; this is what is compared of them. */
struct heard {
	size_t lines;
	size_t too_long;
	uint64_t sum;
};

static void check_text(const struct line *line)
{
	size_t i;

	if (!memchr(line->text, 0, sizeof(line->text)))
		abort();
	for (i = 0; line->text[i]; i++) {
		if (line->text[i] < ' ' || line->text[i] > '~')
			abort();
	}
}

static bool hear(void *arg, const char *text, size_t len)
{
	struct heard *heard = arg;
	struct line line;
	size_t i;

	heard->lines++;
	heard->too_long += !text;
	if (len >= LINE_MAX_BYTES)
		abort();
	if (!text)
		return true;
	if (line_parse(&line, text, len) == LINE_TROUBLE)
		check_text(&line);
	heard->sum = heard->sum * 31 + line.type;
	for (i = 0; i < len; i++)
		heard->sum = heard->sum * 31 + (uint8_t)text[i];
	return true;
}

static void feed(struct heard *heard, const uint8_t *data, size_t size, size_t piece)
{
	static struct line_buffer buffer;
	size_t at, len;

	memset(&buffer, 0, sizeof(buffer));
	for (at = 0; at < size; at += len) {
		len = size - at < piece ? size - at : piece;
		line_feed(&buffer, (const char *)data + at, len, hear, heard);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = { 0 }, pieces = { 0 };

	if (!size)
		return 0;
	feed(&whole, data + 1, size - 1, size);
	feed(&pieces, data + 1, size - 1, data[0] + 1);
	if (memcmp(&whole, &pieces, sizeof(whole)))
		abort();
	return 0;
}
