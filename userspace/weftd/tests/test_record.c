// SPDX-License-Identifier: GPL-2.0-or-later
/* Records: what may be in each, and that nothing else gets through. */
#include "core.h"

#include "cbor.h"

/* Sign whatever body, also one that weft_record_sign() would not make. */
static size_t forge(uint8_t *out, const struct weft_fields *fields, unsigned int signer,
		    const char *context, const void *extra, size_t extra_len)
{
	struct weft_identity identity = identity_of(signer);
	uint8_t body[WEFT_MAX_RECORD], signature[WEFT_SIGNATURE_LEN];
	struct weft_cbor_writer writer;
	size_t len = weft_body_encode(body, sizeof(body), fields);

	assert_true(len && len + extra_len <= sizeof(body));
	memcpy(body + len, extra, extra_len);
	if (extra_len)
		body[0]++;
	len += extra_len;
	assert_int_equal(weft_sign(signature, context, body, len, &identity), 0);
	weft_cbor_write_to(&writer, out, WEFT_MAX_RECORD);
	weft_cbor_put_array(&writer, 2);
	weft_cbor_put_bytes(&writer, body, len);
	weft_cbor_put_bytes(&writer, signature, sizeof(signature));
	assert_true(weft_cbor_fits(&writer));
	return writer.len;
}

static int try_fields(struct weft_fields *fields, unsigned int signer)
{
	struct weft_identity identity = identity_of(signer);
	struct weft_record *record;
	int error = weft_record_sign(&record, fields, &identity);

	if (!error)
		weft_record_put(record);
	return error;
}

static int try_agreed(struct weft_fields *fields, unsigned int signer, unsigned int subject)
{
	struct weft_identity by = identity_of(signer), agreed = identity_of(subject);
	struct weft_record *record;
	int error = weft_record_sign_agreed(&record, fields, &by, &agreed);

	if (!error)
		weft_record_put(record);
	return error;
}

static struct weft_fields full_admission(void)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_prefix route6 = { .size = 16, .length = 32, .address = { 0x20, 1, 0xd, 0xb8 } };

	set_name(&fields, "alice");
	set_ipv4(&fields, 10, 77, 0, 5);
	set_expires(&fields, NOW + DAY);
	fields.may = WEFT_MAY_RELAY;
	add_route(&fields, ipv4_prefix(192, 168, 1, 0, 24));
	add_route(&fields, route6);
	fields.groups.count = 2;
	strcpy(fields.groups.at[0], "servers");
	strcpy(fields.groups.at[1], "web");
	fields.has |= WEFT_HAS(WEFT_KEY_MAY) | WEFT_HAS(WEFT_KEY_GROUPS);
	return fields;
}

static void test_round_trip(void **state)
{
	struct weft_fields fields = full_admission(), read;
	struct weft_identity root = root_of();
	struct weft_record *record, *again;

	(void)state;
	record = sign(&fields, ROOT);
	weft_record_fields(record, &read);
	assert_true(weft_id_equal(&read.signer, &root.id));
	assert_string_equal(read.name, "alice");
	assert_memory_equal(read.ipv4, fields.ipv4, 4);
	assert_true(read.expires == NOW + DAY && read.issued == NOW);
	assert_int_equal(read.routes.count, 2);
	assert_int_equal(weft_prefix_compare(&read.routes.at[1], &fields.routes.at[1]), 0);
	assert_string_equal(read.groups.at[1], "web");
	assert_int_equal(weft_record_parse(&again, &root.id, record->bytes, record->len), 0);
	assert_true(weft_id_equal(&again->hash, &record->hash));
	assert_memory_equal(&again->slot, &record->slot, sizeof(record->slot));
	assert_ptr_equal(weft_record_hold(again), again);
	weft_record_put(again);
	weft_record_put(again);
	weft_record_put(record);
}

static void test_announcement_round_trip(void **state)
{
	struct weft_fields fields = about(WEFT_ANNOUNCEMENT, 1, 7), read;
	struct weft_record *record;

	(void)state;
	fields.tunnel = tunnel_of(1).public_key;
	fields.endpoints.count = 2;
	fields.endpoints.at[0] = (struct weft_ip_endpoint){ 4, { 192, 0, 2, 1 }, 51820 };
	fields.endpoints.at[1] = (struct weft_ip_endpoint){ 16, { 0x20, 1 }, 258 };
	fields.features = 5;
	fields.relay = 100000;
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_ENDPOINTS) |
		     WEFT_HAS(WEFT_KEY_FEATURES) | WEFT_HAS(WEFT_KEY_RELAY);
	record = sign(&fields, 1);
	weft_record_fields(record, &read);
	assert_memory_equal(&read.endpoints.at[0], &fields.endpoints.at[0],
			    sizeof(fields.endpoints.at[0]));
	assert_int_equal(read.endpoints.at[1].port, 258);
	assert_true(read.features == 5 && read.relay == 100000);
	weft_record_put(record);
}

/* Every bit of a record is under the signatures, or is one. */
static void check_every_bit(struct weft_record *record)
{
	uint8_t bytes[WEFT_MAX_RECORD];
	unsigned int bit;

	memcpy(bytes, record->bytes, record->len);
	for (bit = 0; bit < 8U * record->len; bit++) {
		bytes[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(parse(bytes, record->len), 0);
		bytes[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(parse(bytes, record->len), 0);
	weft_record_put(record);
}

static void test_every_bit_counts(void **state)
{
	struct weft_record *invitation = invitation_record(500, ROOT, 2, NOW + DAY);
	struct weft_fields fields = full_admission();

	(void)state;
	check_every_bit(sign(&fields, ROOT));
	check_every_bit(use_record(invitation, 500, 1, "alice", NOW));
	weft_record_put(invitation);
}

/* Whoever has the token cannot say in whose name another joined, or when: that one has to agree. */
static void test_consent(void **state)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_identity key = identity_of(1), alice = identity_of(1);
	struct weft_record *record, *other;
	uint8_t bytes[WEFT_MAX_RECORD];

	(void)state;
	fields.has |= WEFT_HAS(WEFT_KEY_INVITATION);
	set_name(&fields, "alice");
	assert_int_equal(try_agreed(&fields, 500, 1), 0);
	assert_int_equal(try_fields(&fields, 500), -EPROTO);
	assert_int_equal(try_agreed(&fields, 500, 2), -EKEYREJECTED);
	/* nor is what it agreed to elsewhere */
	assert_int_equal(weft_record_sign_agreed(&record, &fields, &key, &alice), 0);
	fields.issued--;
	assert_int_equal(weft_record_sign_agreed(&other, &fields, &key, &alice), 0);
	assert_int_equal(record->len, other->len);
	memcpy(bytes, record->bytes, record->len);
	memcpy(bytes + record->len - 64, other->bytes + record->len - 64, 64);
	assert_int_equal(parse(bytes, record->len), -EKEYREJECTED);
	/* nor its signature under a record of its own; nor does anything else have one */
	memcpy(bytes + record->len - 64, record->bytes + record->len - 64 - 66, 64);
	assert_int_equal(parse(bytes, record->len), -EKEYREJECTED);
	weft_record_put(record);
	weft_record_put(other);
	fields.has &= ~WEFT_HAS(WEFT_KEY_INVITATION);
	assert_int_equal(try_fields(&fields, ROOT), 0);
	assert_int_equal(try_agreed(&fields, ROOT, 1), -EPROTO);
}

static void test_every_length_counts(void **state)
{
	struct weft_fields fields = full_admission();
	struct weft_record *record = sign(&fields, ROOT);
	uint8_t bytes[WEFT_MAX_RECORD + 1] = { 0 };
	size_t len;

	(void)state;
	memcpy(bytes, record->bytes, record->len);
	for (len = 0; len < record->len; len++)
		assert_int_equal(parse(bytes, len), -ENODATA);
	assert_int_equal(parse(bytes, record->len + 1), -EBADMSG);
	assert_int_equal(parse(bytes, sizeof(bytes)), -EMSGSIZE);
	weft_record_put(record);
}

static struct weft_fields complete(enum weft_record_type type)
{
	struct weft_fields fields = about(type, 1, NOW);

	fields.signer = root_of().id;
	fields.has |= WEFT_HAS(WEFT_KEY_TYPE) | WEFT_HAS(WEFT_KEY_NETWORK) |
		      WEFT_HAS(WEFT_KEY_SIGNER) | WEFT_HAS(WEFT_KEY_ISSUED);
	return fields;
}

static void test_context(void **state)
{
	struct weft_fields fields = complete(WEFT_REVOCATION);
	uint8_t bytes[WEFT_MAX_RECORD];
	size_t len;

	(void)state;
	len = forge(bytes, &fields, ROOT, "weft/1/record/revocation", "", 0);
	assert_int_equal(parse(bytes, len), 0);
	len = forge(bytes, &fields, ROOT, "weft/1/record/admission", "", 0);
	assert_int_equal(parse(bytes, len), -EKEYREJECTED);
	/* in another's name */
	len = forge(bytes, &fields, 5, "weft/1/record/revocation", "", 0);
	assert_int_equal(parse(bytes, len), -EKEYREJECTED);
}

static void test_later_versions(void **state)
{
	struct weft_fields fields = complete(WEFT_REVOCATION);
	uint8_t bytes[WEFT_MAX_RECORD];
	const char *context = "weft/1/record/revocation";
	size_t len;

	(void)state;
	/* key 64 and up may be ignored, but not be anything */
	len = forge(bytes, &fields, ROOT, context, "\x18\x40\x01", 3);
	assert_int_equal(parse(bytes, len), 0);
	len = forge(bytes, &fields, ROOT, context, "\x18\x40\x18\x01", 4);
	assert_int_equal(parse(bytes, len), -EBADMSG);
	/* others have to be understood */
	len = forge(bytes, &fields, ROOT, context, "\x18\x3f\x01", 3);
	assert_int_equal(parse(bytes, len), -EPROTONOSUPPORT);
	len = forge(bytes, &fields, ROOT, context, "\x16\x01", 2);
	assert_int_equal(parse(bytes, len), -EPROTONOSUPPORT);
	/* the same key twice, trailing bytes */
	len = forge(bytes, &fields, ROOT, context, "\x04\x01", 2);
	assert_int_equal(parse(bytes, len), -EBADMSG);
	fields.type = WEFT_EPOCH + 1;
	len = forge(bytes, &fields, ROOT, context, "", 0);
	assert_int_equal(parse(bytes, len), -EPROTONOSUPPORT);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTONOSUPPORT);
	fields.type = 0;
	assert_int_equal(try_fields(&fields, ROOT), -EPROTONOSUPPORT);
}

static void test_other_network(void **state)
{
	struct weft_identity other = identity_of(77);
	struct weft_record *record = network_record(NOW), *parsed;

	(void)state;
	assert_int_equal(weft_record_parse(&parsed, &other.id, record->bytes, record->len), -EXDEV);
	weft_record_put(record);
}

static void test_what_must_be_there(void **state)
{
	struct weft_fields fields = complete(WEFT_REVOCATION);
	uint8_t bytes[WEFT_MAX_RECORD];
	unsigned int key;
	size_t len;

	(void)state;
	for (key = WEFT_KEY_TYPE; key <= WEFT_KEY_SUBJECT; key++) {
		fields.has &= ~WEFT_HAS(key);
		len = forge(bytes, &fields, ROOT, "weft/1/record/revocation", "", 0);
		assert_int_equal(parse(bytes, len), -EPROTO);
		fields.has |= WEFT_HAS(key);
	}
	fields.uses = 1;
	fields.has |= WEFT_HAS(WEFT_KEY_USES);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
}

static void test_root_is_out_of_reach(void **state)
{
	struct weft_fields fields = about(WEFT_REVOCATION, ROOT, NOW);

	(void)state;
	assert_int_equal(try_fields(&fields, 1), -EPROTO);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
	fields.type = WEFT_ADMIN;
	fields.operation = WEFT_REMOVE;
	fields.has |= WEFT_HAS(WEFT_KEY_OPERATION);
	assert_int_equal(try_fields(&fields, 1), -EPROTO);
	/* nor is there a third operation, or none */
	fields = about(WEFT_ADMIN, 1, NOW);
	fields.has |= WEFT_HAS(WEFT_KEY_OPERATION);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
	fields.operation = 3;
	assert_int_equal(try_fields(&fields, ROOT), -EBADMSG);
	/* the network's settings are the root's */
	fields = about(WEFT_NETWORK, ROOT, NOW);
	fields.has = 0;
	set_name(&fields, "home");
	assert_int_equal(try_fields(&fields, 1), -EPROTO);
	assert_int_equal(try_fields(&fields, ROOT), 0);
	fields.ipv4_prefix = ipv4_prefix(10, 0, 0, 0, 31);
	fields.has |= WEFT_HAS(WEFT_KEY_IPV4_PREFIX);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
}

static int try_name(const char *name)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);

	set_name(&fields, name);
	return try_fields(&fields, ROOT);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(try_name("a"), 0);
	assert_int_equal(try_name("web-1"), 0);
	assert_int_equal(try_name("123456789-123456789-123456789-123456789-12345"), 0);
	assert_false(weft_name_valid("123456789-123456789-123456789-123456789-123456",
				     WEFT_MAX_NAME));
	assert_int_equal(try_name(""), -EPROTO);
	assert_int_equal(try_name("-a"), -EPROTO);
	assert_int_equal(try_name("a-"), -EPROTO);
	assert_int_equal(try_name("a--b"), -EPROTO);
	assert_int_equal(try_name("A"), -EPROTO);
	assert_int_equal(try_name("a.b"), -EPROTO);
	assert_int_equal(try_name("a b"), -EPROTO);
	assert_int_equal(try_name("\xc3\xbc"), -EPROTO);
}

static void test_name_with_zero(void **state)
{
	static const uint8_t body[] = { 0xa1, 6, 0x63, 'a', 0, 'b' };
	struct weft_fields fields;

	(void)state;
	assert_int_equal(weft_body_decode(&fields, body, sizeof(body)), -EPROTO);
}

static void test_admission_rules(void **state)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);

	(void)state;
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO); /* no name */
	fields.has |= WEFT_HAS(WEFT_KEY_INVITATION);
	assert_int_equal(try_agreed(&fields, 2, 1), 0);
	/* by invitation nobody says what it may */
	fields.has |= WEFT_HAS(WEFT_KEY_MAY);
	assert_int_equal(try_agreed(&fields, 2, 1), -EPROTO);
	fields.has &= ~WEFT_HAS(WEFT_KEY_MAY);
	add_route(&fields, ipv4_prefix(10, 0, 0, 0, 8));
	assert_int_equal(try_fields(&fields, 2), -EPROTO);
}

static void test_static_admission(void **state)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);

	(void)state;
	set_name(&fields, "phone");
	fields.tunnel = tunnel_of(9).public_key;
	fields.via = identity_of(2).id;
	fields.has |= WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_VIA);
	/* the subject must follow from the key, or somebody's identity would get another's tunnel */
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
	weft_static_id(&fields.subject, &fields.tunnel);
	assert_int_equal(try_fields(&fields, ROOT), 0);
	fields.has &= ~WEFT_HAS(WEFT_KEY_VIA);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
}

static void test_invitation_rules(void **state)
{
	struct weft_fields fields = about(WEFT_INVITATION, 1, NOW);

	(void)state;
	set_expires(&fields, NOW + DAY);
	fields.has |= WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_USES);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO); /* for nobody */
	fields.uses = WEFT_MAX_USES + 1;
	assert_int_equal(try_fields(&fields, ROOT), -EBADMSG);
	fields.uses = 2;
	assert_int_equal(try_fields(&fields, ROOT), 0);
	set_name(&fields, "bob"); /* for two */
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
	fields.uses = 1;
	assert_int_equal(try_fields(&fields, ROOT), 0);
}

static void test_routes(void **state)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_prefix overlay;

	(void)state;
	set_name(&fields, "alice");
	add_route(&fields, ipv4_prefix(10, 0, 0, 0, 8));
	add_route(&fields, ipv4_prefix(10, 0, 0, 0, 8));
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO); /* twice */
	fields.routes.at[1] = ipv4_prefix(9, 0, 0, 0, 8);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO); /* descending */
	fields.routes.at[1] = ipv4_prefix(11, 0, 0, 1, 8);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO); /* bits beyond the length */
	fields.routes.at[1] = (struct weft_prefix){ .size = 16 };
	assert_int_equal(try_fields(&fields, ROOT), 0); /* all of IPv6 */
	weft_network_prefix(&overlay, &fields.network);
	fields.routes.at[1] = overlay;
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO); /* the members */
	fields.routes.at[1].length = 128;
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO); /* one of them */
}

static int decode(const char *hex)
{
	struct weft_fields fields;
	uint8_t body[128];
	size_t len;

	assert_int_equal(sodium_hex2bin(body, sizeof(body), hex, strlen(hex), " ", &len, NULL), 0);
	return weft_body_decode(&fields, body, len);
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(decode("a1 09 81 450a00000008"), 0);
	assert_int_equal(decode("a1 09 81 440a000000"), -EPROTO);
	assert_int_equal(decode("a1 13 450a00000008"), 0);
	assert_int_equal(decode("a1 13 450a00000021"), -EPROTO);
	assert_int_equal(decode("a1 0d 81 46c00002010001"), 0);
	assert_int_equal(decode("a1 0d 81 46c00002010000"), -EPROTO);
	assert_int_equal(decode("a1 0d 81 45c000020100"), -EPROTO);
	assert_int_equal(decode("a1 0d 91 00"), -EBADMSG); /* more endpoints than may be */
	assert_int_equal(decode("a1 0a 82 6161 6162"), 0);
	assert_int_equal(decode("a1 0a 82 6162 6161"), -EPROTO);
	assert_int_equal(decode("a1 0a 82 6161 6161"), -EPROTO);
	assert_int_equal(decode("a1 03 1b0000010000000000"), -EBADMSG); /* beyond all times */
	assert_int_equal(decode("a1 07 430a0000"), -EBADMSG);
	assert_int_equal(decode("80"), -EBADMSG);
	assert_int_equal(decode(""), -ENODATA);
}

static void test_too_long(void **state)
{
	struct weft_fields fields = full_admission();
	uint8_t bytes[64];

	(void)state;
	assert_int_equal(weft_body_encode(bytes, sizeof(bytes), &fields), 0);
}

/* The fullest record of each kind is one, so that no setting makes a machine mute. */
/* "Never" is said by not saying when; zero would mean that to whoever only reads the value. */
static void test_expires_at_some_time(void **state)
{
	struct weft_fields fields = full_admission();

	(void)state;
	set_expires(&fields, 1);
	assert_int_equal(try_fields(&fields, ROOT), 0);
	set_expires(&fields, 0);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
	fields = about(WEFT_INVITATION, 1, NOW);
	fields.uses = 1;
	fields.has |= WEFT_HAS(WEFT_KEY_USES) | WEFT_HAS(WEFT_KEY_TUNNEL) |
		      WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	set_expires(&fields, NOW);
	fields.member_expires = 1;
	assert_int_equal(try_fields(&fields, ROOT), 0);
	fields.member_expires = 0;
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
	fields.member_expires = 1;
	set_expires(&fields, 0);
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
}

static void test_ipv4_prefix_is_ipv4(void **state)
{
	struct weft_fields fields = about(WEFT_NETWORK, ROOT, NOW);

	(void)state;
	fields.has = WEFT_HAS(WEFT_KEY_IPV4_PREFIX);
	set_name(&fields, "home");
	fields.ipv4_prefix = ipv4_prefix(10, 0, 0, 0, 8);
	assert_int_equal(try_fields(&fields, ROOT), 0);
	fields.ipv4_prefix = (struct weft_prefix){ .size = 16, .length = 8, .address = { 10 } };
	assert_int_equal(try_fields(&fields, ROOT), -EPROTO);
}

static void test_fullest(void **state)
{
	struct weft_fields fields = about(WEFT_INVITATION, 1, NOW);
	unsigned int i;

	(void)state;
	fields.uses = 1;
	fields.member_expires = NOW;
	set_expires(&fields, NOW);
	set_ipv4(&fields, 10, 77, 0, 1);
	set_name(&fields, "123456789-123456789-123456789-123456789-12345");
	fields.has |= WEFT_HAS(WEFT_KEY_USES) | WEFT_HAS(WEFT_KEY_TUNNEL) |
		      WEFT_HAS(WEFT_KEY_MAY) | WEFT_HAS(WEFT_KEY_GROUPS) |
		      WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	for (i = 0; i < WEFT_MAX_ROUTES; i++) {
		struct weft_prefix route = { .size = 16, .length = 128, .address = { 0x20, i } };

		add_route(&fields, route);
		snprintf(fields.groups.at[i], sizeof(fields.groups.at[i]),
			 "12345678901234567890123456789-%02u", i);
	}
	fields.groups.count = WEFT_MAX_GROUPS;
	assert_int_equal(try_fields(&fields, ROOT), 0);
	fields = about(WEFT_ANNOUNCEMENT, 1, NOW);
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_ENDPOINTS) |
		     WEFT_HAS(WEFT_KEY_FEATURES) | WEFT_HAS(WEFT_KEY_RELAY);
	for (i = 0; i < WEFT_MAX_ROUTES; i++) {
		struct weft_prefix route = { .size = 16, .length = 128, .address = { 0x20, i } };

		add_route(&fields, route);
		fields.endpoints.at[i] = (struct weft_ip_endpoint){ 16, { 0x20, i }, 65535 };
	}
	fields.endpoints.count = WEFT_MAX_ENDPOINTS;
	assert_int_equal(try_fields(&fields, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_announcement_round_trip),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_consent),
		cmocka_unit_test(test_every_length_counts),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_later_versions),
		cmocka_unit_test(test_other_network),
		cmocka_unit_test(test_what_must_be_there),
		cmocka_unit_test(test_root_is_out_of_reach),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_with_zero),
		cmocka_unit_test(test_admission_rules),
		cmocka_unit_test(test_static_admission),
		cmocka_unit_test(test_invitation_rules),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_expires_at_some_time),
		cmocka_unit_test(test_ipv4_prefix_is_ipv4),
		cmocka_unit_test(test_fullest),
	};

	return RUN_TESTS(tests);
}
