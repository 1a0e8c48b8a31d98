// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages between members: an array of version, type, and what the type asks for. */
#include <errno.h>
#include <string.h>

#include "fields.h"
#include "gossip.h"

#define MAX_BITS 64
#define RANGE_HEAD 9
#define PING_NEIGHBOUR 1

/* What outside is a number of its own, since errno's numbers are not the same everywhere. */
static const int verdicts[] = {
	0, -ENOENT, -EKEYEXPIRED, -EUSERS, -EKEYREVOKED, -EACCES, -EXDEV, -EPROTO, -EAGAIN, -ENOSPC,
};

#define VERDICTS (sizeof(verdicts) / sizeof(verdicts[0]))

static uint64_t verdict_of(int error)
{
	size_t i;

	for (i = 0; i < VERDICTS; i++) {
		if (verdicts[i] == error)
			return i;
	}
	/* whatever else is wrong with what was handed over */
	return verdict_of(-EPROTO);
}

static int get_verdict(struct weft_cbor_reader *reader)
{
	return verdicts[weft_cbor_get_uint(reader, VERDICTS - 1)];
}

static bool range_valid(const struct weft_range *range)
{
	unsigned int i;

	if (range->bits > MAX_BITS)
		return false;
	for (i = range->bits; i < MAX_BITS; i++) {
		if (range->prefix[i / 8] & 0x80 >> i % 8)
			return false;
	}
	return true;
}

static void get_range(struct weft_cbor_reader *reader, struct weft_range *range)
{
	uint8_t bytes[RANGE_HEAD];

	weft_cbor_get_fixed(reader, bytes, sizeof(bytes));
	range->bits = bytes[0];
	memcpy(range->prefix, bytes + 1, sizeof(range->prefix));
	if (!range_valid(range))
		weft_cbor_fail(reader, -EPROTO);
}

static void put_range(struct weft_cbor_writer *writer, const struct weft_range *range)
{
	uint8_t bytes[RANGE_HEAD];

	bytes[0] = range->bits;
	memcpy(bytes + 1, range->prefix, sizeof(range->prefix));
	weft_cbor_put_bytes(writer, bytes, sizeof(bytes));
}

/* Hashes one after the other, in one string; how many. */
static size_t get_hashes(struct weft_cbor_reader *reader, const uint8_t **hashes)
{
	size_t len;

	*hashes = weft_cbor_get_bytes(reader, WEFT_MAX_HASHES * WEFT_SHORT_HASH, &len);
	if (len % WEFT_SHORT_HASH)
		weft_cbor_fail(reader, -EPROTO);
	return len / WEFT_SHORT_HASH;
}

static void get_ping(struct weft_cbor_reader *reader, struct weft_ping *ping, bool answer)
{
	struct weft_endpoints seen;

	ping->number = weft_cbor_get_uint(reader, UINT64_MAX);
	ping->neighbour = !answer && weft_cbor_get_uint(reader, PING_NEIGHBOUR);
	weft_cbor_get_fixed(reader, ping->digest.bytes, sizeof(ping->digest.bytes));
	weft_get_endpoints(reader, &seen);
	if (seen.count > 1)
		weft_cbor_fail(reader, -EPROTO);
	ping->has_seen = !reader->error && seen.count;
	if (ping->has_seen)
		ping->seen = seen.at[0];
}

static void put_ping(struct weft_cbor_writer *writer, const struct weft_ping *ping, bool answer)
{
	struct weft_endpoints seen = { .count = ping->has_seen, .at[0] = ping->seen };

	weft_cbor_put_uint(writer, ping->number);
	if (!answer)
		weft_cbor_put_uint(writer, ping->neighbour ? PING_NEIGHBOUR : 0);
	weft_cbor_put_bytes(writer, ping->digest.bytes, sizeof(ping->digest.bytes));
	weft_put_endpoints(writer, &seen);
}

static void get_ranges(struct weft_cbor_reader *reader, struct weft_ranges *ranges)
{
	size_t i;

	ranges->count = weft_cbor_get_array(reader, 2 * WEFT_MAX_RANGES);
	if (ranges->count % 2)
		weft_cbor_fail(reader, -EPROTO);
	ranges->count /= 2;
	for (i = 0; i < ranges->count && !reader->error; i++) {
		get_range(reader, &ranges->at[i].range);
		weft_cbor_get_fixed(reader, ranges->at[i].digest.bytes, WEFT_SHORT_HASH);
	}
}

static void put_ranges(struct weft_cbor_writer *writer, const struct weft_ranges *ranges)
{
	size_t i;

	weft_cbor_put_array(writer, 2 * ranges->count);
	for (i = 0; i < ranges->count; i++) {
		put_range(writer, &ranges->at[i].range);
		weft_cbor_put_bytes(writer, ranges->at[i].digest.bytes, WEFT_SHORT_HASH);
	}
}

static void get_list(struct weft_cbor_reader *reader, struct weft_list *list)
{
	size_t i;

	list->answer = weft_cbor_get_uint(reader, 1);
	list->count = weft_cbor_get_array(reader, 2 * WEFT_MAX_RANGES);
	if (list->count % 2)
		weft_cbor_fail(reader, -EPROTO);
	list->count /= 2;
	for (i = 0; i < list->count && !reader->error; i++) {
		get_range(reader, &list->at[i].range);
		list->at[i].count = get_hashes(reader, &list->at[i].hashes);
	}
}

static void put_list(struct weft_cbor_writer *writer, const struct weft_list *list)
{
	size_t i;

	weft_cbor_put_uint(writer, list->answer);
	weft_cbor_put_array(writer, 2 * list->count);
	for (i = 0; i < list->count; i++) {
		put_range(writer, &list->at[i].range);
		weft_cbor_put_bytes(writer, list->at[i].hashes,
				    list->at[i].count * WEFT_SHORT_HASH);
	}
}

static void get_part(struct weft_cbor_reader *reader, struct weft_bytes *bytes, size_t max)
{
	bytes->at = weft_cbor_get_bytes(reader, max, &bytes->len);
	if (!bytes->len)
		weft_cbor_fail(reader, -EPROTO);
}

static void get_records(struct weft_cbor_reader *reader, struct weft_records *records)
{
	size_t i;

	records->count = weft_cbor_get_array(reader, WEFT_MAX_RECORDS_SENT);
	for (i = 0; i < records->count; i++)
		get_part(reader, &records->at[i], WEFT_MAX_RECORD);
}

static void put_records(struct weft_cbor_writer *writer, const struct weft_records *records)
{
	size_t i;

	weft_cbor_put_array(writer, records->count);
	for (i = 0; i < records->count; i++)
		weft_cbor_put_bytes(writer, records->at[i].at, records->at[i].len);
}

/* Pieces lie side by side, so that which have come can be kept in two bits. */
static bool piece_valid(const struct weft_piece *piece)
{
	size_t left = piece->total - piece->offset;

	return piece->offset < piece->total && piece->offset % WEFT_PIECE == 0 &&
	       piece->bytes.len == (left < WEFT_PIECE ? left : WEFT_PIECE);
}

static void get_piece(struct weft_cbor_reader *reader, struct weft_piece *piece)
{
	weft_cbor_get_fixed(reader, piece->hash.bytes, sizeof(piece->hash.bytes));
	piece->total = weft_cbor_get_uint(reader, WEFT_MAX_RECORD);
	piece->offset = weft_cbor_get_uint(reader, WEFT_MAX_RECORD);
	get_part(reader, &piece->bytes, WEFT_PIECE);
	if (!reader->error && !piece_valid(piece))
		weft_cbor_fail(reader, -EPROTO);
}

static void put_piece(struct weft_cbor_writer *writer, const struct weft_piece *piece)
{
	weft_cbor_put_bytes(writer, piece->hash.bytes, sizeof(piece->hash.bytes));
	weft_cbor_put_uint(writer, piece->total);
	weft_cbor_put_uint(writer, piece->offset);
	weft_cbor_put_bytes(writer, piece->bytes.at, piece->bytes.len);
}

static void get_door(struct weft_cbor_reader *reader, struct weft_door *door)
{
	const uint8_t *ipv4;
	size_t len;

	weft_cbor_get_fixed(reader, door->joiner.bytes, sizeof(door->joiner.bytes));
	door->error = get_verdict(reader);
	door->unix_s = weft_cbor_get_uint(reader, WEFT_MAX_TIME);
	ipv4 = weft_cbor_get_bytes(reader, sizeof(door->ipv4), &len);
	door->has_ipv4 = len;
	if (len && len != sizeof(door->ipv4))
		weft_cbor_fail(reader, -EPROTO);
	else if (len)
		memcpy(door->ipv4, ipv4, sizeof(door->ipv4));
}

static void put_door(struct weft_cbor_writer *writer, const struct weft_door *door)
{
	weft_cbor_put_bytes(writer, door->joiner.bytes, sizeof(door->joiner.bytes));
	weft_cbor_put_uint(writer, verdict_of(door->error));
	weft_cbor_put_uint(writer, door->unix_s);
	weft_cbor_put_bytes(writer, door->ipv4, door->has_ipv4 ? sizeof(door->ipv4) : 0);
}

static void get_content(struct weft_cbor_reader *reader, struct weft_message *message)
{
	switch (message->type) {
	case WEFT_PING:
	case WEFT_PONG:
		get_ping(reader, &message->ping, message->type == WEFT_PONG);
		break;
	case WEFT_RANGES:
		get_ranges(reader, &message->ranges);
		break;
	case WEFT_LIST:
		get_list(reader, &message->list);
		break;
	case WEFT_WANT:
		message->want.count = get_hashes(reader, &message->want.hashes);
		break;
	case WEFT_RECORDS:
		get_records(reader, &message->records);
		break;
	case WEFT_PIECE_OF_RECORD:
		get_piece(reader, &message->piece);
		break;
	case WEFT_ASK_SECRET:
		weft_cbor_get_fixed(reader, message->commitment.bytes, WEFT_ID_LEN);
		break;
	case WEFT_SECRET:
		weft_cbor_get_fixed(reader, message->sealed, sizeof(message->sealed));
		break;
	case WEFT_KNOCK:
		weft_cbor_get_fixed(reader, message->knock.joiner.bytes, WEFT_ID_LEN);
		weft_cbor_get_fixed(reader, message->knock.invitation.bytes, WEFT_ID_LEN);
		break;
	case WEFT_DOOR:
		get_door(reader, &message->door);
		break;
	case WEFT_JOIN:
		get_part(reader, &message->join.admission, WEFT_MAX_RECORD);
		get_part(reader, &message->join.announcement, WEFT_MAX_RECORD);
		break;
	case WEFT_WELCOME:
		message->welcome = get_verdict(reader);
		break;
	default:
		weft_cbor_fail(reader, -EPROTONOSUPPORT);
	}
}

/* How many items follow version and type. */
static size_t content_items(enum weft_message_type type)
{
	static const uint8_t items[WEFT_MESSAGE_TYPES] = {
		[WEFT_PING] = 4, [WEFT_PONG] = 3, [WEFT_RANGES] = 1, [WEFT_LIST] = 2,
		[WEFT_WANT] = 1, [WEFT_RECORDS] = 1, [WEFT_PIECE_OF_RECORD] = 4,
		[WEFT_ASK_SECRET] = 1, [WEFT_SECRET] = 1, [WEFT_KNOCK] = 2, [WEFT_DOOR] = 4,
		[WEFT_JOIN] = 2, [WEFT_WELCOME] = 1,
	};

	return items[type];
}

/**
 * weft_message_decode() - read a message
 * @message:	gets it; points into @bytes
 * @bytes:	the datagram
 * @len:	its length
 *
 * Return: 0; -EPROTONOSUPPORT (of a later version, or an unknown type), -ENODATA, -EBADMSG, -EPROTO
 * (not as it must be), -EMSGSIZE.
 */
int weft_message_decode(struct weft_message *message, const void *bytes, size_t len)
{
	struct weft_cbor_reader reader;
	size_t items;

	if (len > WEFT_MAX_DATAGRAM)
		return -EMSGSIZE;
	weft_cbor_read_from(&reader, bytes, len);
	items = weft_cbor_get_array(&reader, 64);
	if (weft_cbor_get_uint(&reader, UINT32_MAX) != WEFT_GOSSIP_VERSION)
		weft_cbor_fail(&reader, -EPROTONOSUPPORT);
	message->type = weft_cbor_get_uint(&reader, UINT16_MAX);
	if (reader.error)
		return reader.error;
	if (!message->type || message->type >= WEFT_MESSAGE_TYPES)
		return -EPROTONOSUPPORT;
	if (items != 2 + content_items(message->type))
		return -EPROTO;
	get_content(&reader, message);
	return weft_cbor_end(&reader);
}

static void put_content(struct weft_cbor_writer *writer, const struct weft_message *message)
{
	switch (message->type) {
	case WEFT_PING:
	case WEFT_PONG:
		put_ping(writer, &message->ping, message->type == WEFT_PONG);
		break;
	case WEFT_RANGES:
		put_ranges(writer, &message->ranges);
		break;
	case WEFT_LIST:
		put_list(writer, &message->list);
		break;
	case WEFT_WANT:
		weft_cbor_put_bytes(writer, message->want.hashes,
				    message->want.count * WEFT_SHORT_HASH);
		break;
	case WEFT_RECORDS:
		put_records(writer, &message->records);
		break;
	case WEFT_PIECE_OF_RECORD:
		put_piece(writer, &message->piece);
		break;
	case WEFT_ASK_SECRET:
		weft_cbor_put_bytes(writer, message->commitment.bytes, WEFT_ID_LEN);
		break;
	case WEFT_SECRET:
		weft_cbor_put_bytes(writer, message->sealed, sizeof(message->sealed));
		break;
	case WEFT_KNOCK:
		weft_cbor_put_bytes(writer, message->knock.joiner.bytes, WEFT_ID_LEN);
		weft_cbor_put_bytes(writer, message->knock.invitation.bytes, WEFT_ID_LEN);
		break;
	case WEFT_DOOR:
		put_door(writer, &message->door);
		break;
	case WEFT_JOIN:
		weft_cbor_put_bytes(writer, message->join.admission.at,
				    message->join.admission.len);
		weft_cbor_put_bytes(writer, message->join.announcement.at,
				    message->join.announcement.len);
		break;
	default:
		weft_cbor_put_uint(writer, verdict_of(message->welcome));
	}
}

/* Return: how long it is; 0: it does not fit, which the callers' bounds rule out. */
size_t weft_message_encode(uint8_t bytes[WEFT_MAX_DATAGRAM], const struct weft_message *message)
{
	struct weft_cbor_writer writer;

	weft_cbor_write_to(&writer, bytes, WEFT_MAX_DATAGRAM);
	weft_cbor_put_array(&writer, 2 + content_items(message->type));
	weft_cbor_put_uint(&writer, WEFT_GOSSIP_VERSION);
	weft_cbor_put_uint(&writer, message->type);
	put_content(&writer, message);
	return weft_cbor_fits(&writer) ? writer.len : 0;
}

/* How much of a datagram a record takes, in a message of several. */
size_t weft_record_room(const struct weft_record *record)
{
	return record->len + 3;
}
