// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Documentation/membership-vectors.txt says what these functions give. A change to it is a change of
 * the format: all members would have to make it at once.
 *
 * "test_vectors --print" prints the file.
 */
#include "core.h"

#include "state.h"
#include "token.h"

#define FILE_NAME "../Documentation/membership-vectors.txt"

static char output[65536];
static size_t output_len;

static void say(const char *name, const void *bytes, size_t len)
{
	size_t name_len = strlen(name);

	assert_true(output_len + name_len + 2 * len + 4 < sizeof(output));
	output_len += sprintf(output + output_len, "%s: ", name);
	sodium_bin2hex(output + output_len, sizeof(output) - output_len, bytes, len);
	output_len += 2 * len;
	output[output_len++] = '\n';
	output[output_len] = 0;
}

static void comment(const char *text)
{
	assert_true(output_len + strlen(text) + 4 < sizeof(output));
	output_len += sprintf(output + output_len, "%s%s\n", text[0] ? "# " : "", text);
}

static void say_record(const char *name, struct weft_record *record)
{
	char text[64];

	say(name, record->bytes, record->len);
	snprintf(text, sizeof(text), "%s hash", name);
	say(text, record->hash.bytes, sizeof(record->hash.bytes));
	weft_record_put(record);
}

static void say_keys(void)
{
	struct weft_identity root = root_of(), member = identity_of(1);
	struct weft_tunnel tunnel = tunnel_of(1);
	struct weft_invitation_keys keys;
	uint8_t seed[WEFT_SEED_LEN], address[16];
	struct weft_id id;

	comment("Keys and addresses");
	seed_of(seed, ROOT);
	say("root seed", seed, sizeof(seed));
	say("root key", root.id.bytes, 32);
	seed_of(seed, 1);
	say("member seed", seed, sizeof(seed));
	say("member key", member.id.bytes, 32);
	say("member tunnel private key", tunnel.private_key.bytes, 32);
	say("member tunnel public key", tunnel.public_key.bytes, 32);
	weft_member_address(address, &root.id, &member.id);
	say("member address", address, sizeof(address));
	weft_static_id(&id, &tunnel.public_key);
	say("static subject of that tunnel key", id.bytes, 32);
	seed_of(seed, 500);
	weft_invitation_keys(&keys, seed);
	say("invitation secret", seed, sizeof(seed));
	say("invitation key", keys.sign.id.bytes, 32);
	say("invitation tunnel public key", keys.tunnel.public_key.bytes, 32);
}

static struct weft_record *announcement(void)
{
	struct weft_fields fields = about(WEFT_ANNOUNCEMENT, 1, NOW);

	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_ENDPOINTS) |
		     WEFT_HAS(WEFT_KEY_FEATURES) | WEFT_HAS(WEFT_KEY_RELAY);
	fields.tunnel = tunnel_of(1).public_key;
	fields.endpoints.count = 2;
	fields.endpoints.at[0] = (struct weft_ip_endpoint){ 4, { 192, 0, 2, 1 }, 51820 };
	fields.endpoints.at[1] = (struct weft_ip_endpoint){ 16, { 0x20, 1, 0xd, 0xb8, [15] = 1 },
							    51820 };
	fields.features = 3;
	fields.relay = 100000;
	add_route(&fields, ipv4_prefix(192, 168, 1, 0, 24));
	return sign(&fields, 1);
}

static struct weft_record *admission(void)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);

	set_name(&fields, "alice");
	set_ipv4(&fields, 10, 77, 0, 5);
	set_expires(&fields, NOW + DAY);
	fields.may = WEFT_MAY_RELAY;
	add_route(&fields, ipv4_prefix(192, 168, 0, 0, 16));
	fields.groups.count = 1;
	strcpy(fields.groups.at[0], "servers");
	fields.has |= WEFT_HAS(WEFT_KEY_MAY) | WEFT_HAS(WEFT_KEY_GROUPS);
	return sign(&fields, ROOT);
}

static struct weft_record *epoch(void)
{
	struct weft_fields fields = about(WEFT_EPOCH, 0, NOW);
	uint8_t secret[32];

	fields.has = WEFT_HAS(WEFT_KEY_COMMITMENT);
	memset(secret, 7, sizeof(secret));
	weft_commitment(&fields.commitment, secret);
	return sign(&fields, ROOT);
}

static void say_records(void)
{
	struct weft_record *invitation = invitation_record(500, ROOT, 1, NOW + DAY);

	comment("");
	comment("Records");
	say_record("network", network_record(NOW));
	say_record("admin", admin_record(20, ROOT, WEFT_ADD));
	say_record("revocation", revocation_record(2, ROOT));
	say_record("invitation", weft_record_hold(invitation));
	say_record("admission", admission());
	say_record("admission by invitation", use_record(invitation, 500, 2, "bob", NOW));
	say_record("announcement", announcement());
	say_record("epoch", epoch());
	weft_record_put(invitation);
}

static void say_token(void)
{
	struct weft_token token = { .network = root_of().id, .hint_count = 1 };
	char text[WEFT_TOKEN_TEXT];

	seed_of(token.secret, 500);
	token.invitation = invitation_record(500, ROOT, 1, NOW + DAY);
	token.hints[0].identity = identity_of(1).id;
	token.hints[0].tunnel = tunnel_of(1).public_key;
	token.hints[0].endpoints.count = 1;
	token.hints[0].endpoints.at[0] = (struct weft_ip_endpoint){ 4, { 192, 0, 2, 1 }, 51820 };
	assert_int_equal(weft_token_encode(text, &token), 0);
	comment("");
	comment("A token, as text");
	output_len += sprintf(output + output_len, "token: %s\n", text);
	weft_token_wipe(&token);
}

static void say_state(void)
{
	struct weft_secrets secrets = { .network = root_of().id, .sequence = NOW };
	struct weft_roster *roster = new_roster();
	uint8_t bytes[WEFT_SECRETS_BYTES], *file;
	size_t len;

	seed_of(secrets.identity, 1);
	seed_of(secrets.tunnel, 2);
	comment("");
	comment("State files");
	assert_int_equal(weft_secrets_encode(bytes, sizeof(bytes), &len, &secrets), 0);
	say("secrets", bytes, len);
	must_add(roster, admission());
	must_add(roster, network_record(NOW));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_int_equal(weft_roster_encode(roster, &file, &len), 0);
	say("roster", file, len);
	free(file);
	weft_roster_free(roster);
}

static void make_output(void)
{
	output_len = 0;
	comment("Test vectors of membership.md. Bytes are in hexadecimal.");
	comment("Made and checked by userspace/weftd/tests/test_vectors.c.");
	comment("");
	say_keys();
	say_records();
	say_token();
	say_state();
}

static void test_documented(void **state)
{
	char documented[sizeof(output)];
	FILE *file = fopen(FILE_NAME, "r");
	size_t len;

	(void)state;
	assert_non_null(file);
	len = fread(documented, 1, sizeof(documented) - 1, file);
	fclose(file);
	documented[len] = 0;
	make_output();
	assert_string_equal(output, documented);
}

/* What the file says is good, not only what it was made from. */
static void test_records_verify(void **state)
{
	static const char *const names[] = {
		"network", "admin", "revocation", "invitation", "admission",
		"admission by invitation", "announcement", "epoch",
	};
	uint8_t bytes[WEFT_MAX_RECORD];
	char label[64];
	const char *hex;
	size_t i, len;

	(void)state;
	make_output();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(label, sizeof(label), "\n%s: ", names[i]);
		hex = strstr(output, label);
		assert_non_null(hex);
		hex += strlen(label);
		assert_int_equal(sodium_hex2bin(bytes, sizeof(bytes), hex, strcspn(hex, "\n"), NULL,
						&len, NULL), 0);
		assert_int_equal(parse(bytes, len), 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documented),
		cmocka_unit_test(test_records_verify),
	};

	if (argc == 2 && !strcmp(argv[1], "--print")) {
		make_output();
		fputs(output, stdout);
		return 0;
	}
	return RUN_TESTS(tests);
}
