// SPDX-License-Identifier: GPL-2.0-or-later
/* The body of a record: a map from enum weft_record_key to values. */
#include <errno.h>
#include <string.h>

#include "fields.h"

enum kind {
	KIND_UINT,
	KIND_FIXED,
	KIND_NAME,
	KIND_PREFIX,
	KIND_ROUTES,
	KIND_GROUPS,
	KIND_ENDPOINTS,
};

#define FIELD(member, what, most) \
	{ .kind = (what), .offset = offsetof(struct weft_fields, member), \
	  .size = sizeof(((struct weft_fields *)0)->member), .max = (most) }

/* What each key's value is, and where it goes. */
static const struct field {
	enum kind kind;
	size_t offset;
	size_t size;
	uint64_t max;
} fields_of[WEFT_KEY_COUNT] = {
	[WEFT_KEY_TYPE] = FIELD(type, KIND_UINT, UINT32_MAX),
	[WEFT_KEY_NETWORK] = FIELD(network, KIND_FIXED, 0),
	[WEFT_KEY_SIGNER] = FIELD(signer, KIND_FIXED, 0),
	[WEFT_KEY_ISSUED] = FIELD(issued, KIND_UINT, WEFT_MAX_TIME),
	[WEFT_KEY_SUBJECT] = FIELD(subject, KIND_FIXED, 0),
	[WEFT_KEY_EXPIRES] = FIELD(expires, KIND_UINT, WEFT_MAX_TIME),
	[WEFT_KEY_NAME] = FIELD(name, KIND_NAME, 0),
	[WEFT_KEY_IPV4] = FIELD(ipv4, KIND_FIXED, 0),
	[WEFT_KEY_MAY] = FIELD(may, KIND_UINT, UINT32_MAX),
	[WEFT_KEY_ROUTES] = FIELD(routes, KIND_ROUTES, 0),
	[WEFT_KEY_GROUPS] = FIELD(groups, KIND_GROUPS, 0),
	[WEFT_KEY_INVITATION] = FIELD(invitation, KIND_FIXED, 0),
	[WEFT_KEY_TUNNEL] = FIELD(tunnel, KIND_FIXED, 0),
	[WEFT_KEY_ENDPOINTS] = FIELD(endpoints, KIND_ENDPOINTS, 0),
	[WEFT_KEY_FEATURES] = FIELD(features, KIND_UINT, UINT32_MAX),
	[WEFT_KEY_RELAY] = FIELD(relay, KIND_UINT, UINT32_MAX),
	[WEFT_KEY_USES] = FIELD(uses, KIND_UINT, WEFT_MAX_USES),
	[WEFT_KEY_MEMBER_EXPIRES] = FIELD(member_expires, KIND_UINT, WEFT_MAX_TIME),
	[WEFT_KEY_OPERATION] = FIELD(operation, KIND_UINT, WEFT_REMOVE),
	[WEFT_KEY_IPV4_PREFIX] = FIELD(ipv4_prefix, KIND_PREFIX, 0),
	[WEFT_KEY_VIA] = FIELD(via, KIND_FIXED, 0),
	[WEFT_KEY_COMMITMENT] = FIELD(commitment, KIND_FIXED, 0),
};

static bool name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/*
 * One label of a host name, in lower case. Without two hyphens in a row: what the conflict rule
 * makes of a name has them, so that nobody can take it beforehand.
 */
bool weft_name_valid(const char *name, size_t max)
{
	size_t len = strnlen(name, max + 1), i;

	if (!len || len > max || name[0] == '-' || name[len - 1] == '-')
		return false;
	for (i = 0; i < len; i++) {
		if (!name_character(name[i]) || (name[i] == '-' && name[i + 1] == '-'))
			return false;
	}
	return true;
}

static void get_name(struct weft_cbor_reader *reader, char *name, size_t max)
{
	size_t len;
	const char *text = weft_cbor_get_text(reader, max, &len);

	memcpy(name, text, len);
	name[len] = 0;
	/* a zero byte within would hide what follows it */
	if (strlen(name) != len || !weft_name_valid(name, max))
		weft_cbor_fail(reader, -EPROTO);
}

/* The address, then a byte with the length. */
static void get_prefix(struct weft_cbor_reader *reader, struct weft_prefix *prefix)
{
	size_t len;
	const uint8_t *bytes = weft_cbor_get_bytes(reader, 17, &len);

	*prefix = (struct weft_prefix){ 0 };
	if (len != 5 && len != 17) {
		weft_cbor_fail(reader, -EPROTO);
		return;
	}
	prefix->size = len - 1;
	memcpy(prefix->address, bytes, len - 1);
	prefix->length = bytes[len - 1];
	if (!weft_prefix_valid(prefix))
		weft_cbor_fail(reader, -EPROTO);
}

static void put_prefix(struct weft_cbor_writer *writer, const struct weft_prefix *prefix)
{
	uint8_t bytes[17];

	memcpy(bytes, prefix->address, prefix->size);
	bytes[prefix->size] = prefix->length;
	weft_cbor_put_bytes(writer, bytes, prefix->size + 1);
}

static void get_routes(struct weft_cbor_reader *reader, struct weft_routes *routes)
{
	unsigned int i;

	routes->count = weft_cbor_get_array(reader, WEFT_MAX_ROUTES);
	for (i = 0; i < routes->count; i++) {
		get_prefix(reader, &routes->at[i]);
		if (i && weft_prefix_compare(&routes->at[i - 1], &routes->at[i]) >= 0)
			weft_cbor_fail(reader, -EPROTO);
	}
}

static void put_routes(struct weft_cbor_writer *writer, const struct weft_routes *routes)
{
	unsigned int i;

	weft_cbor_put_array(writer, routes->count);
	for (i = 0; i < routes->count; i++)
		put_prefix(writer, &routes->at[i]);
}

static void get_groups(struct weft_cbor_reader *reader, struct weft_groups *groups)
{
	unsigned int i;

	groups->count = weft_cbor_get_array(reader, WEFT_MAX_GROUPS);
	for (i = 0; i < groups->count; i++) {
		get_name(reader, groups->at[i], WEFT_MAX_GROUP);
		if (i && strcmp(groups->at[i - 1], groups->at[i]) >= 0)
			weft_cbor_fail(reader, -EPROTO);
	}
}

static void put_groups(struct weft_cbor_writer *writer, const struct weft_groups *groups)
{
	unsigned int i;

	weft_cbor_put_array(writer, groups->count);
	for (i = 0; i < groups->count; i++)
		weft_cbor_put_text(writer, groups->at[i]);
}

/* The address, then the port, most significant byte first. */
static void get_endpoint(struct weft_cbor_reader *reader, struct weft_ip_endpoint *endpoint)
{
	size_t len;
	const uint8_t *bytes = weft_cbor_get_bytes(reader, 18, &len);

	*endpoint = (struct weft_ip_endpoint){ 0 };
	if (len != 6 && len != 18) {
		weft_cbor_fail(reader, -EPROTO);
		return;
	}
	endpoint->size = len - 2;
	memcpy(endpoint->address, bytes, len - 2);
	endpoint->port = bytes[len - 2] << 8 | bytes[len - 1];
	if (!weft_ip_endpoint_valid(endpoint))
		weft_cbor_fail(reader, -EPROTO);
}

void weft_get_endpoints(struct weft_cbor_reader *reader, struct weft_endpoints *endpoints)
{
	unsigned int i;

	endpoints->count = weft_cbor_get_array(reader, WEFT_MAX_ENDPOINTS);
	for (i = 0; i < endpoints->count; i++)
		get_endpoint(reader, &endpoints->at[i]);
}

void weft_put_endpoints(struct weft_cbor_writer *writer, const struct weft_endpoints *endpoints)
{
	const struct weft_ip_endpoint *endpoint;
	uint8_t bytes[18];
	unsigned int i;

	weft_cbor_put_array(writer, endpoints->count);
	for (i = 0; i < endpoints->count; i++) {
		endpoint = &endpoints->at[i];
		memcpy(bytes, endpoint->address, endpoint->size);
		bytes[endpoint->size] = endpoint->port >> 8;
		bytes[endpoint->size + 1] = endpoint->port & 0xff;
		weft_cbor_put_bytes(writer, bytes, endpoint->size + 2);
	}
}

static void get_field(struct weft_cbor_reader *reader, const struct field *field, void *value)
{
	switch (field->kind) {
	case KIND_UINT:
		*(uint64_t *)value = weft_cbor_get_uint(reader, field->max);
		break;
	case KIND_FIXED:
		weft_cbor_get_fixed(reader, value, field->size);
		break;
	case KIND_NAME:
		get_name(reader, value, field->size - 1);
		break;
	case KIND_PREFIX:
		get_prefix(reader, value);
		break;
	case KIND_ROUTES:
		get_routes(reader, value);
		break;
	case KIND_GROUPS:
		get_groups(reader, value);
		break;
	case KIND_ENDPOINTS:
		weft_get_endpoints(reader, value);
		break;
	}
}

static void put_field(struct weft_cbor_writer *writer, const struct field *field,
		      const void *value)
{
	switch (field->kind) {
	case KIND_UINT:
		weft_cbor_put_uint(writer, *(const uint64_t *)value);
		break;
	case KIND_FIXED:
		weft_cbor_put_bytes(writer, value, field->size);
		break;
	case KIND_NAME:
		weft_cbor_put_text(writer, value);
		break;
	case KIND_PREFIX:
		put_prefix(writer, value);
		break;
	case KIND_ROUTES:
		put_routes(writer, value);
		break;
	case KIND_GROUPS:
		put_groups(writer, value);
		break;
	case KIND_ENDPOINTS:
		weft_put_endpoints(writer, value);
		break;
	}
}

/*
 * What the bytes say, with every value within its bounds; not whether it makes sense together.
 * A key that is not known and must be understood gives -EPROTONOSUPPORT.
 */
int weft_body_decode(struct weft_fields *fields, const void *bytes, size_t len)
{
	struct weft_cbor_reader reader;
	struct weft_cbor_map map;
	uint64_t key;

	memset(fields, 0, sizeof(*fields));
	weft_cbor_read_from(&reader, bytes, len);
	weft_cbor_get_map(&reader, WEFT_MAX_RECORD, &map);
	while (weft_cbor_next_key(&reader, &map, &key)) {
		if (key >= WEFT_KEY_OPTIONAL) {
			weft_cbor_skip(&reader);
		} else if (key >= WEFT_KEY_COUNT) {
			weft_cbor_fail(&reader, -EPROTONOSUPPORT);
		} else {
			get_field(&reader, &fields_of[key],
				  (char *)fields + fields_of[key].offset);
			fields->has |= WEFT_HAS(key);
		}
	}
	return weft_cbor_end(&reader);
}

/* How long it is; 0 if it does not fit. */
size_t weft_body_encode(void *bytes, size_t size, const struct weft_fields *fields)
{
	struct weft_cbor_writer writer;
	unsigned int key;

	weft_cbor_write_to(&writer, bytes, size);
	weft_cbor_put_map(&writer, __builtin_popcount(fields->has));
	for (key = 0; key < WEFT_KEY_COUNT; key++) {
		if (!(fields->has & WEFT_HAS(key)))
			continue;
		weft_cbor_put_uint(&writer, key);
		put_field(&writer, &fields_of[key],
			  (const char *)fields + fields_of[key].offset);
	}
	return weft_cbor_fits(&writer) ? writer.len : 0;
}
