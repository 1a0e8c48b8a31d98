// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Documentation/gossip-vectors.txt says what messages look like. A change to it is a change of the
 * format.
 *
 * "test_message_vectors --print" prints the file.
 */
#include "core.h"
#include "gossip.h"

#define FILE_NAME "../Documentation/gossip-vectors.txt"

static char output[16384];
static size_t output_len;

static void say(const char *name, const struct weft_message *message)
{
	uint8_t bytes[WEFT_MAX_DATAGRAM];
	size_t len = weft_message_encode(bytes, message);

	assert_int_not_equal(len, 0);
	assert_true(output_len + strlen(name) + 2 * len + 4 < sizeof(output));
	output_len += sprintf(output + output_len, "%s: ", name);
	sodium_bin2hex(output + output_len, sizeof(output) - output_len, bytes, len);
	output_len += 2 * len;
	output_len += sprintf(output + output_len, "\n");
}

static void say_pings(void)
{
	struct weft_message message = { .type = WEFT_PING };

	message.ping.number = 0x123456789abcdef0;
	message.ping.neighbour = true;
	memset(message.ping.digest.bytes, 0xd1, WEFT_SHORT_HASH);
	say("ping", &message);
	message.type = WEFT_PONG;
	message.ping.has_seen = true;
	message.ping.seen = (struct weft_ip_endpoint){ .size = 4, .address = { 192, 0, 2, 7 },
						       .port = 51820 };
	say("pong", &message);
}

static void say_comparison(void)
{
	struct weft_message message = { .type = WEFT_RANGES };
	uint8_t hashes[2 * WEFT_SHORT_HASH];

	memset(hashes, 0xa5, sizeof(hashes));
	message.ranges.count = 2;
	message.ranges.at[0].range = (struct weft_range){ .bits = 4, .prefix = { 0xa0 } };
	message.ranges.at[1].range = (struct weft_range){ .bits = 4, .prefix = { 0xb0 } };
	memset(message.ranges.at[0].digest.bytes, 0xd2, WEFT_SHORT_HASH);
	say("ranges", &message);
	message = (struct weft_message){ .type = WEFT_LIST };
	message.list.count = 1;
	message.list.at[0].range = (struct weft_range){ .bits = 8, .prefix = { 0xa5 } };
	message.list.at[0].count = 2;
	message.list.at[0].hashes = hashes;
	say("list", &message);
	message = (struct weft_message){ .type = WEFT_WANT };
	message.want = (struct weft_want){ .count = 2, .hashes = hashes };
	say("want", &message);
}

static void say_records(void)
{
	struct weft_record *record = admission_record(1, ROOT, "alice", NOW);
	struct weft_message message = { .type = WEFT_RECORDS };

	message.records = (struct weft_records){ .count = 1,
						 .at[0] = { record->bytes, record->len } };
	say("records", &message);
	message = (struct weft_message){ .type = WEFT_PIECE_OF_RECORD };
	message.piece.hash = record->hash;
	message.piece.total = record->len;
	message.piece.bytes = (struct weft_bytes){ record->bytes, record->len };
	say("piece", &message);
	weft_record_put(record);
}

static void say_secrets(void)
{
	struct weft_message message = { .type = WEFT_ASK_SECRET };

	memset(message.commitment.bytes, 0xc0, WEFT_ID_LEN);
	say("ask secret", &message);
	message = (struct weft_message){ .type = WEFT_SECRET };
	memset(message.sealed, 0x5e, sizeof(message.sealed));
	say("secret", &message);
}

static void say_joining(void)
{
	struct weft_record *invitation = invitation_record(500, ROOT, 1, NOW + DAY);
	struct weft_record *admission = use_record(invitation, 500, 1, "bob", NOW);
	struct weft_record *announcement = announcement_record(1, 1, NOW);
	struct weft_message message = { .type = WEFT_KNOCK };

	message.knock.joiner = identity_of(1).id;
	message.knock.invitation = invitation->hash;
	say("knock", &message);
	message = (struct weft_message){ .type = WEFT_DOOR };
	message.door.joiner = identity_of(1).id;
	message.door.unix_s = NOW;
	message.door.has_ipv4 = true;
	memcpy(message.door.ipv4, "\x0a\x4d\x00\x09", 4);
	say("door", &message);
	message = (struct weft_message){ .type = WEFT_JOIN };
	message.join.admission = (struct weft_bytes){ admission->bytes, admission->len };
	message.join.announcement = (struct weft_bytes){ announcement->bytes, announcement->len };
	say("join", &message);
	message = (struct weft_message){ .type = WEFT_WELCOME, .welcome = -EUSERS };
	say("welcome", &message);
	weft_record_put(invitation);
	weft_record_put(admission);
	weft_record_put(announcement);
}

static void make_output(void)
{
	output_len = sprintf(output, "# Messages between members; see gossip.md.\n");
	say_pings();
	say_comparison();
	say_records();
	say_secrets();
	say_joining();
}

static void test_documented(void **state)
{
	static char documented[sizeof(output)];
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documented),
	};

	if (argc == 2 && !strcmp(argv[1], "--print")) {
		make_output();
		fputs(output, stdout);
		return 0;
	}
	return RUN_TESTS(tests);
}
