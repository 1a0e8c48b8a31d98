// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages: what is written is read again, and nothing else is. */
#include "core.h"
#include "bucket.h"
#include "gossip.h"
#include "random.h"

static uint8_t bytes[WEFT_MAX_DATAGRAM];

/* Encode, decode, encode: the same; and cut short or lengthened it is refused. */
static void check(const struct weft_message *message, struct weft_message *decoded)
{
	uint8_t again[WEFT_MAX_DATAGRAM], longer[WEFT_MAX_DATAGRAM + 1];
	struct weft_message other;
	size_t len = weft_message_encode(bytes, message), i;

	assert_int_not_equal(len, 0);
	assert_int_equal(weft_message_decode(decoded, bytes, len), 0);
	assert_int_equal(decoded->type, message->type);
	assert_int_equal(weft_message_encode(again, decoded), len);
	assert_memory_equal(again, bytes, len);
	for (i = 0; i < len; i++)
		assert_int_not_equal(weft_message_decode(&other, bytes, i), 0);
	memcpy(longer, bytes, len);
	longer[len] = 0;
	assert_int_not_equal(weft_message_decode(&other, longer, len + 1), 0);
}

static struct weft_ip_endpoint endpoint(unsigned int size)
{
	return (struct weft_ip_endpoint){ .size = size, .address = { 0x20, 1, 2, 3 },
					  .port = 4242 };
}

static void test_pings(void **state)
{
	struct weft_message message = { .type = WEFT_PING }, decoded;

	(void)state;
	message.ping.number = UINT64_MAX;
	message.ping.neighbour = true;
	memset(message.ping.digest.bytes, 7, WEFT_SHORT_HASH);
	check(&message, &decoded);
	assert_true(decoded.ping.number == UINT64_MAX && decoded.ping.neighbour);
	assert_false(decoded.ping.has_seen);
	message.ping.has_seen = true;
	message.ping.seen = endpoint(4);
	check(&message, &decoded);
	assert_int_equal(decoded.ping.seen.port, 4242);
	message.type = WEFT_PONG;
	message.ping.seen = endpoint(16);
	check(&message, &decoded);
	assert_int_equal(decoded.ping.seen.size, 16);
	assert_false(decoded.ping.neighbour);
	/* a place where nobody can be */
	message.ping.seen.address[0] = 0xff;
	assert_int_not_equal(weft_message_decode(&decoded, bytes,
						 weft_message_encode(bytes, &message)), 0);
}

static void test_ranges(void **state)
{
	struct weft_message message = { .type = WEFT_RANGES }, decoded;
	size_t i;

	(void)state;
	check(&message, &decoded);
	message.ranges.count = WEFT_MAX_RANGES;
	for (i = 0; i < WEFT_MAX_RANGES; i++) {
		message.ranges.at[i].range.bits = 8;
		message.ranges.at[i].range.prefix[0] = i;
		message.ranges.at[i].digest.bytes[3] = i;
	}
	check(&message, &decoded);
	assert_int_equal(decoded.ranges.count, WEFT_MAX_RANGES);
	assert_int_equal(decoded.ranges.at[5].range.prefix[0], 5);
	/* bits beyond the prefix */
	message.ranges.count = 1;
	message.ranges.at[0].range.bits = 7;
	message.ranges.at[0].range.prefix[0] = 1;
	assert_int_equal(weft_message_decode(&decoded, bytes,
					     weft_message_encode(bytes, &message)), -EPROTO);
	message.ranges.at[0].range.prefix[0] = 2;
	check(&message, &decoded);
	message.ranges.at[0].range.bits = 65;
	assert_int_equal(weft_message_decode(&decoded, bytes,
					     weft_message_encode(bytes, &message)), -EPROTO);
	message.ranges.at[0].range.bits = 64;
	check(&message, &decoded);
}

static void test_lists(void **state)
{
	struct weft_message message = { .type = WEFT_LIST }, decoded;
	uint8_t hashes[WEFT_MAX_HASHES * WEFT_SHORT_HASH];

	(void)state;
	memset(hashes, 9, sizeof(hashes));
	message.list.answer = true;
	message.list.count = 2;
	message.list.at[0].count = 3;
	message.list.at[0].hashes = hashes;
	message.list.at[1].range.bits = 64;
	message.list.at[1].hashes = hashes;
	check(&message, &decoded);
	assert_true(decoded.list.answer);
	assert_int_equal(decoded.list.at[0].count, 3);
	assert_int_equal(decoded.list.at[1].count, 0);
	message.type = WEFT_WANT;
	message.want = (struct weft_want){ .count = WEFT_MAX_HASHES, .hashes = hashes };
	check(&message, &decoded);
	assert_int_equal(decoded.want.count, WEFT_MAX_HASHES);
	/* less than a hash */
	assert_int_equal(weft_message_decode(&decoded, "\x83\x01\x05\x43" "abc", 7), -EPROTO);
}

static void test_records(void **state)
{
	struct weft_message message = { .type = WEFT_RECORDS }, decoded;
	uint8_t record[WEFT_PIECE] = { 1 };
	size_t i;

	(void)state;
	check(&message, &decoded);
	message.records.count = WEFT_MAX_RECORDS_SENT;
	for (i = 0; i < WEFT_MAX_RECORDS_SENT; i++)
		message.records.at[i] = (struct weft_bytes){ record, 60 };
	check(&message, &decoded);
	assert_int_equal(decoded.records.at[15].len, 60);
	/* more than fits */
	message.records.at[0].len = 1024;
	assert_int_equal(weft_message_encode(bytes, &message), 0);
	/* an empty one */
	message.records.count = 1;
	message.records.at[0].len = 0;
	assert_int_equal(weft_message_decode(&decoded, bytes,
					     weft_message_encode(bytes, &message)), -EPROTO);
}

static int piece(unsigned int total, unsigned int offset, size_t len)
{
	struct weft_message message = { .type = WEFT_PIECE_OF_RECORD }, decoded;
	uint8_t record[WEFT_PIECE] = { 1 };

	message.piece.total = total;
	message.piece.offset = offset;
	message.piece.bytes = (struct weft_bytes){ record, len };
	return weft_message_decode(&decoded, bytes, weft_message_encode(bytes, &message));
}

static void test_pieces(void **state)
{
	(void)state;
	assert_int_equal(piece(2048, 0, 1024), 0);
	assert_int_equal(piece(2048, 1024, 1024), 0);
	assert_int_equal(piece(1500, 1024, 476), 0);
	assert_int_equal(piece(10, 0, 10), 0);
	assert_int_equal(piece(1500, 1024, 475), -EPROTO);
	assert_int_equal(piece(1500, 1, 1024), -EPROTO);
	assert_int_equal(piece(1024, 1024, 1), -EPROTO);
	assert_int_equal(piece(0, 0, 1), -EPROTO);
	assert_int_not_equal(piece(2049, 0, 1024), 0);
}

static void test_door(void **state)
{
	static const int errors[] = { 0, -ENOENT, -EKEYEXPIRED, -EUSERS, -EKEYREVOKED, -EACCES,
				      -EXDEV, -EPROTO, -EAGAIN, -ENOSPC };
	struct weft_message message = { .type = WEFT_KNOCK }, decoded;
	uint8_t record[500] = { 1 };
	size_t i;

	(void)state;
	message.knock.joiner = identity_of(1).id;
	message.knock.invitation = identity_of(2).id;
	check(&message, &decoded);
	assert_true(weft_id_equal(&decoded.knock.invitation, &message.knock.invitation));
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		message = (struct weft_message){ .type = WEFT_DOOR };
		message.door.joiner = identity_of(3).id;
		message.door.error = errors[i];
		message.door.unix_s = NOW;
		message.door.has_ipv4 = i & 1;
		check(&message, &decoded);
		assert_true(weft_id_equal(&decoded.door.joiner, &message.door.joiner));
		assert_int_equal(decoded.door.error, errors[i]);
		message = (struct weft_message){ .type = WEFT_WELCOME, .welcome = errors[i] };
		check(&message, &decoded);
		assert_int_equal(decoded.welcome, errors[i]);
	}
	/* what has no number of its own is told as being malformed */
	message.welcome = -EBADMSG;
	assert_int_equal(weft_message_decode(&decoded, bytes,
					     weft_message_encode(bytes, &message)), 0);
	assert_int_equal(decoded.welcome, -EPROTO);
	message = (struct weft_message){ .type = WEFT_JOIN };
	message.join.admission = (struct weft_bytes){ record, 480 };
	message.join.announcement = (struct weft_bytes){ record, 500 };
	check(&message, &decoded);
	assert_int_equal(decoded.join.announcement.len, 500);
}

static void test_secrets(void **state)
{
	struct weft_message message = { .type = WEFT_ASK_SECRET }, decoded;

	(void)state;
	message.commitment = identity_of(3).id;
	check(&message, &decoded);
	assert_true(weft_id_equal(&decoded.commitment, &message.commitment));
	message = (struct weft_message){ .type = WEFT_SECRET };
	memset(message.sealed, 5, sizeof(message.sealed));
	check(&message, &decoded);
	assert_memory_equal(decoded.sealed, message.sealed, sizeof(message.sealed));
}

static void test_versions(void **state)
{
	struct weft_message decoded;
	uint8_t large[WEFT_MAX_DATAGRAM + 1] = { 0 };

	(void)state;
	assert_int_equal(weft_message_decode(&decoded, "\x83\x02\x0d\x00", 4), -EPROTONOSUPPORT);
	assert_int_equal(weft_message_decode(&decoded, "\x83\x01\x0d\x00", 4), 0);
	assert_int_equal(weft_message_decode(&decoded, "\x83\x01\x0e\x00", 4), -EPROTONOSUPPORT);
	assert_int_equal(weft_message_decode(&decoded, "\x83\x01\x00\x00", 4), -EPROTONOSUPPORT);
	/* fewer or more than the type has */
	assert_int_equal(weft_message_decode(&decoded, "\x84\x01\x0d\x00\x00", 5), -EPROTO);
	assert_int_equal(weft_message_decode(&decoded, "\x82\x01\x0d", 3), -EPROTO);
	/* a number longer than it need be */
	assert_int_equal(weft_message_decode(&decoded, "\x83\x01\x18\x0d\x00", 5), -EBADMSG);
	assert_int_equal(weft_message_decode(&decoded, large, sizeof(large)), -EMSGSIZE);
	assert_int_not_equal(weft_message_decode(&decoded, "", 0), 0);
	assert_int_not_equal(weft_message_decode(&decoded, "\x83\x01\x0d\x0a", 4), 0);
}

static void test_bucket(void **state)
{
	struct weft_bucket bucket = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_true(weft_bucket_take(&bucket, 1000, 2, 1, 10));
	assert_false(weft_bucket_take(&bucket, 1000, 1, 1, 10));
	assert_false(weft_bucket_take(&bucket, 1999, 1, 1, 10));
	assert_true(weft_bucket_take(&bucket, 2000, 1, 1, 10));
	assert_false(weft_bucket_take(&bucket, 2001, 1, 1, 10));
	/* time that jumps back gives nothing, and a long one no more than the burst */
	assert_false(weft_bucket_take(&bucket, 5, 1, 1, 10));
	assert_true(weft_bucket_take(&bucket, UINT64_MAX, 10, 1, 10));
	assert_false(weft_bucket_take(&bucket, UINT64_MAX, 1, 1, 10));
	/* nor does anything that is more than the bucket holds pass */
	memset(&bucket, 0, sizeof(bucket));
	assert_false(weft_bucket_take(&bucket, 1, 11, 1, 10));
	assert_true(weft_bucket_take(&bucket, 1, 10, 1, 10));
}

static void test_random(void **state)
{
	struct weft_random a = { 0 }, b = { 0 };
	uint8_t seed[32] = { 1 }, x[200], y[200];
	unsigned int i;
	uint64_t about;

	(void)state;
	weft_random_seed(&a, seed);
	weft_random_seed(&b, seed);
	weft_random_bytes(&a, x, sizeof(x));
	weft_random_bytes(&b, y, sizeof(y));
	assert_memory_equal(x, y, sizeof(x));
	weft_random_bytes(&a, y, sizeof(y));
	assert_memory_not_equal(x, y, sizeof(x));
	weft_random_seed(&a, seed);
	weft_random_bytes(&a, x, sizeof(x));
	weft_random_bytes(&b, y, sizeof(y));
	assert_memory_not_equal(x, y, sizeof(x));
	for (i = 0; i < 1000; i++) {
		about = weft_random_about(&a, 100);
		assert_in_range(about, 50, 150);
		assert_true(weft_random_below(&a, 3) < 3);
	}
	assert_int_equal(weft_random_below(&a, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pings),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_door),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_random),
	};

	return RUN_TESTS(tests);
}
