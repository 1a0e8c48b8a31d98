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
/* Of a record's hash, where it need only be told from others. */
#define WEFT_SHORT_HASH 16
#define WEFT_MAX_RANGES 24
#define WEFT_MAX_HASHES 64
#define WEFT_MAX_PUSHED 8
#define WEFT_SEALED_SECRET (24 + 16 + 32)

enum weft_message_type {
	WEFT_PING = 1,
	WEFT_PONG,
	WEFT_RANGES,
	WEFT_WANT,
	WEFT_RECORDS,
	WEFT_PIECE,
	WEFT_ASK_SECRET,
	WEFT_SECRET,
	WEFT_KNOCK,
	WEFT_DOOR,
	WEFT_JOIN,
	WEFT_WELCOME,
	WEFT_MESSAGE_TYPES,
};

struct weft_short_hash {
	uint8_t bytes[WEFT_SHORT_HASH];
};

/**
 * struct weft_ping - are you there, and do we know the same
 * @number:	comes back in the answer
 * @neighbour:	the sender wants to stay in touch
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

/**
 * struct weft_range - records whose hashes begin with certain bits
 * @bits:	how many
 * @prefix:	which; the rest is zero
 * @digest:	of the hashes of all that there are
 */
struct weft_range {
	uint8_t bits;
	uint8_t prefix[8];
	struct weft_short_hash digest;
};

struct weft_piece {
	struct weft_id hash;
	uint16_t total;
	uint16_t offset;
	const uint8_t *bytes;
	size_t len;
};

struct weft_bytes {
	const uint8_t *at;
	size_t len;
};

/* Why somebody is not let in; as errno in here, as a number of its own outside. */
int weft_verdict_error(uint64_t verdict);
uint64_t weft_verdict(int error);
#endif /* WEFT_GOSSIP_H */
