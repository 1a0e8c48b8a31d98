// SPDX-License-Identifier: GPL-2.0
/*
 * Bodies of records, and CBOR as such. The signature is left out: no fuzzer gets past it, and a
 * body's decoder has to stand whatever a member signs.
 */
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written again byte for byte, or the format is not canonical. */
static void check_body(const uint8_t *data, size_t size)
{
	uint8_t again[2 * WEFT_MAX_RECORD];
	struct weft_cbor_reader reader;
	struct weft_fields fields;
	struct weft_cbor_map map;
	size_t len;

	if (weft_body_decode(&fields, data, size))
		return;
	weft_cbor_read_from(&reader, data, size);
	weft_cbor_get_map(&reader, WEFT_MAX_RECORD, &map);
	/* without keys of later versions, which are not kept in the fields */
	if (map.left != (size_t)__builtin_popcount(fields.has))
		return;
	len = weft_body_encode(again, sizeof(again), &fields);
	if (len != size || memcmp(again, data, size))
		abort();
}

static void check_skip(const uint8_t *data, size_t size)
{
	struct weft_cbor_reader reader;

	weft_cbor_read_from(&reader, data, size);
	weft_cbor_skip(&reader);
	if (reader.at > reader.end || (weft_cbor_end(&reader) == 0 && reader.at != reader.end))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* the root key of the test vectors, so that they get as far as their signature */
	static const uint8_t seed[WEFT_SEED_LEN] = { 1000 & 0xff, 1000 >> 8, [31] = 1 };
	struct weft_identity root;
	struct weft_record *record;

	if (size > WEFT_MAX_RECORD)
		return 0;
	weft_identity_from_seed(&root, seed);
	check_body(data, size);
	check_skip(data, size);
	if (!weft_record_parse(&record, &root.id, data, size))
		weft_record_put(record);
	return 0;
}
