/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between members, in datagrams inside the tunnels: encoding and strict decoding. What they
 * are for is in Documentation/gossip.md. Who sent one is known by its source address, which the
 * kernel has checked against the session's key; so they bear no signature.
 */
#ifndef WEFT_GOSSIP_H
#define WEFT_GOSSIP_H

#include "record.h"

#define WEFT_GOSSIP_VERSION 1
/* What a datagram holds at most: with IPv6 and UDP headers it fits an overlay MTU of 1280. */
#define WEFT_MAX_DATAGRAM 1200
/* Ranges that one message tells. */
#define WEFT_MAX_RANGES 32
/* Hashes in one message. */
#define WEFT_MAX_HASHES 64
/* Records in one message. */
#define WEFT_MAX_RECORDS_SENT 16
/* Bytes of a record that go in one piece. */
#define WEFT_PIECE 1024
/* Nonce, tag, secret. */
#define WEFT_SEALED_SECRET (24 + 16 + 32)

enum weft_message_type {
	WEFT_PING = 1,
	WEFT_PONG,
	WEFT_RANGES,
	WEFT_LIST,
	WEFT_WANT,
	WEFT_RECORDS,
	WEFT_PIECE_OF_RECORD,
	WEFT_ASK_SECRET,
	WEFT_SECRET,
	WEFT_KNOCK,
	WEFT_DOOR,
	WEFT_JOIN,
	WEFT_WELCOME,
	WEFT_MESSAGE_TYPES,
};

/* Bytes within a datagram. */
struct weft_bytes {
	const uint8_t *at;
	size_t len;
};

/**
 * struct weft_range - records whose hashes begin with certain bits
 * @bits:	how many, up to 64
 * @prefix:	which; the others are zero
 */
struct weft_range {
	uint8_t bits;
	uint8_t prefix[8];
};

/**
 * struct weft_ping - are you there, and do we know the same; and the answer
 * @number:	comes back in the answer
 * @neighbour:	the sender wants to stay in touch (not in an answer)
 * @digest:	of all the sender's records
 * @has_seen:	whether @seen is known
 * @seen:	where the sender sees the receiver
 */
struct weft_ping {
	uint64_t number;
	bool neighbour;
	struct weft_short_hash digest;
	bool has_seen;
	struct weft_ip_endpoint seen;
};

/* What the sender has, by digests of ranges. */
struct weft_ranges {
	size_t count;
	struct {
		struct weft_range range;
		struct weft_short_hash digest;
	} at[WEFT_MAX_RANGES];
};

/**
 * struct weft_list - all that the sender has in some ranges
 * @answer:	no list is expected back
 * @count:	of ranges
 * @at:		the ranges, and the hashes in them
 */
struct weft_list {
	bool answer;
	size_t count;
	struct {
		struct weft_range range;
		size_t count;
		const uint8_t *hashes;
	} at[WEFT_MAX_RANGES];
};

struct weft_want {
	size_t count;
	const uint8_t *hashes;
};

struct weft_records {
	size_t count;
	struct weft_bytes at[WEFT_MAX_RECORDS_SENT];
};

/* Of a record that does not fit: @offset is a multiple of WEFT_PIECE. */
struct weft_piece {
	struct weft_id hash;
	uint16_t total;
	uint16_t offset;
	struct weft_bytes bytes;
};

/* @invitation: hash of the record */
struct weft_knock {
	struct weft_id joiner;
	struct weft_id invitation;
};

/**
 * struct weft_door - the answer to a knock
 * @joiner:	whose: others with the same token have the same address at the door
 * @error:	0, or why not; -ENOENT: send the invitation
 * @unix_s:	what time it is there
 * @has_ipv4:	whether there is @ipv4
 * @ipv4:	an address that is free
 */
struct weft_door {
	struct weft_id joiner;
	int error;
	uint64_t unix_s;
	bool has_ipv4;
	uint8_t ipv4[4];
};

struct weft_join {
	struct weft_bytes admission;
	struct weft_bytes announcement;
};

/* All that points into the datagram is good as long as that is. */
struct weft_message {
	enum weft_message_type type;
	union {
		struct weft_ping ping;
		struct weft_ranges ranges;
		struct weft_list list;
		struct weft_want want;
		struct weft_records records;
		struct weft_piece piece;
		struct weft_id commitment;
		uint8_t sealed[WEFT_SEALED_SECRET];
		struct weft_knock knock;
		struct weft_door door;
		struct weft_join join;
		int welcome;
	};
};

int weft_message_decode(struct weft_message *message, const void *bytes, size_t len);
size_t weft_message_encode(uint8_t bytes[WEFT_MAX_DATAGRAM], const struct weft_message *message);
size_t weft_record_room(const struct weft_record *record);

#endif /* WEFT_GOSSIP_H */
