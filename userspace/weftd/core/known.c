// SPDX-License-Identifier: GPL-2.0-or-later
/* Where members were last, over a restart: hints, so that a damaged file does no harm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "node_internal.h"

#define MAGIC "weft endpoints 1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
/* Heads, identity, endpoint, time. */
#define ENTRY_BYTES (1 + 2 + WEFT_ID_LEN + 1 + 19 + 9)
#define MAX_KNOWN 4096

static bool is_worth_keeping(const struct weft_contact *contact)
{
	/* a link-local address needs an interface, whose number may be another's then */
	return contact->has_at && !contact->at.ifindex && !contact->hinted;
}

int weft_node_endpoints(const struct weft_node *node, uint8_t **bytes, size_t *len)
{
	struct weft_endpoints at = { .count = 1 };
	const struct weft_contact *contact;
	struct weft_cbor_writer writer;
	size_t i, count = 0, size;

	for (i = 0; i < node->contacts.count && count < MAX_KNOWN; i++)
		count += is_worth_keeping(node->contacts.at[i]);
	size = MAGIC_LEN + 9 + count * ENTRY_BYTES;
	*bytes = malloc(size);
	if (!*bytes)
		return -ENOMEM;
	weft_cbor_write_to(&writer, *bytes, size);
	weft_cbor_put_raw(&writer, MAGIC, MAGIC_LEN);
	weft_cbor_put_array(&writer, count);
	for (i = 0; i < node->contacts.count && count; i++) {
		contact = node->contacts.at[i];
		if (!is_worth_keeping(contact))
			continue;
		at.at[0] = contact->at.at;
		weft_cbor_put_array(&writer, 3);
		weft_cbor_put_bytes(&writer, contact->id.bytes, WEFT_ID_LEN);
		weft_put_endpoints(&writer, &at);
		weft_cbor_put_uint(&writer, contact->at_unix);
		count--;
	}
	*len = writer.len;
	return 0;
}

static void take(struct weft_node *node, const struct weft_id *id,
		 const struct weft_endpoints *at, uint64_t at_unix)
{
	const struct weft_member *member = weft_roster_member(node->roster, id);
	struct weft_contact *contact;

	if (at->count != 1 || !weft_reachable(node, member))
		return;
	contact = weft_contact_get(node, member);
	if (!contact)
		return;
	contact->has_at = true;
	contact->at = (struct weft_candidate){ .at = at->at[0] };
	contact->at_unix = at_unix;
}

void weft_known_read(struct weft_node *node, const void *bytes, size_t len)
{
	struct weft_cbor_reader reader;
	struct weft_endpoints at;
	struct weft_id id;
	uint64_t at_unix;
	size_t count;

	if (len < MAGIC_LEN || memcmp(bytes, MAGIC, MAGIC_LEN))
		return;
	weft_cbor_read_from(&reader, (const uint8_t *)bytes + MAGIC_LEN, len - MAGIC_LEN);
	for (count = weft_cbor_get_array(&reader, MAX_KNOWN); count; count--) {
		if (weft_cbor_get_array(&reader, 3) != 3)
			return;
		weft_cbor_get_fixed(&reader, id.bytes, sizeof(id.bytes));
		weft_get_endpoints(&reader, &at);
		at_unix = weft_cbor_get_uint(&reader, WEFT_MAX_TIME);
		if (reader.error)
			return;
		take(node, &id, &at, at_unix);
	}
}
