/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What goes over the wire: messages 1 to 4 of the WireGuard paper (sections
 * 5.4.2 to 5.4.7), laid out as it prints them, and the limits of its section
 * 6.1. The paper's type byte and three reserved zero bytes are one little
 * endian word here; the second byte names the suite, 0 for WireGuard's own, so
 * that suite 0 is the paper's format byte for byte.
 */
#ifndef _WEFT_MESSAGES_H
#define _WEFT_MESSAGES_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/param.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#include "replay.h"

/* Lengths in bytes: the paper, section 5.4, and the Noise specification. */
#define WEFT_NOISE_PUBLIC_KEY_LEN	32
#define WEFT_NOISE_SYMMETRIC_KEY_LEN	32
#define WEFT_NOISE_TIMESTAMP_LEN	12
#define WEFT_NOISE_AUTHTAG_LEN		16
#define WEFT_NOISE_HASH_LEN		32
#define WEFT_COOKIE_LEN			16
#define WEFT_COOKIE_NONCE_LEN		24

/* A plaintext sealed by any suite. */
#define weft_noise_encrypted_len(plain_len) \
	((plain_len) + WEFT_NOISE_AUTHTAG_LEN)

/* Messages under one session key. */
#define WEFT_REKEY_AFTER_MESSAGES	BIT_ULL(60)
/* AES-GCM's confidentiality limit: RFC 9001, appendix B.1.1 */
#define WEFT_REKEY_AFTER_MESSAGES_GCM	BIT_ULL(26)
#define WEFT_REJECT_AFTER_MESSAGES	WEFT_REPLAY_LIMIT

/* Seconds, unless the name says otherwise. */
#define WEFT_REKEY_TIMEOUT		5
#define WEFT_REKEY_TIMEOUT_JITTER_MAX_JIFFIES	(HZ / 3)
#define WEFT_REKEY_AFTER_TIME		120
#define WEFT_REJECT_AFTER_TIME		180
#define WEFT_KEEPALIVE_TIMEOUT		10
/* The cookie secret lives this long; a cookie is trusted a little shorter. */
#define WEFT_COOKIE_SECRET_MAX_AGE	120
#define WEFT_COOKIE_SECRET_LATENCY	5

/* Counts. */
#define WEFT_INITIATIONS_PER_SECOND	50
#define WEFT_MAX_PEERS_PER_DEVICE	(1024 * 1024)
/* Rekey-Attempt-Time of 90 s in tries */
#define WEFT_MAX_TIMER_HANDSHAKES	(90 / WEFT_REKEY_TIMEOUT)
#define WEFT_MAX_QUEUED_INCOMING_HANDSHAKES	4096
#define WEFT_MAX_STAGED_PACKETS		128
#define WEFT_MAX_QUEUED_PACKETS		1024

/* Traffic class of handshake messages: AF41, as stock peers send them. */
#define WEFT_HANDSHAKE_DSCP		0x88

/**
 * enum weft_message_type - low byte of the type word
 * @WEFT_MESSAGE_INVALID: never sent
 * @WEFT_MESSAGE_HANDSHAKE_INITIATION: first handshake message
 * @WEFT_MESSAGE_HANDSHAKE_RESPONSE: second handshake message
 * @WEFT_MESSAGE_HANDSHAKE_COOKIE: answer of a responder under load
 * @WEFT_MESSAGE_DATA: transport data, keepalives included
 * @WEFT_MESSAGE_RELAY: reserved for messages through another member
 */
enum weft_message_type {
	WEFT_MESSAGE_INVALID = 0,
	WEFT_MESSAGE_HANDSHAKE_INITIATION = 1,
	WEFT_MESSAGE_HANDSHAKE_RESPONSE = 2,
	WEFT_MESSAGE_HANDSHAKE_COOKIE = 3,
	WEFT_MESSAGE_DATA = 4,
	WEFT_MESSAGE_RELAY = 5,
};

/**
 * struct weft_message_header - what all messages begin with
 * @type: weft_message_word(); the upper 16 bits are zero
 */
struct weft_message_header {
	__le32 type;
} __packed;

/**
 * struct weft_message_macs - end of both handshake messages
 * @mac1: proves that the sender knows the responder's public key
 * @mac2: proves that the sender receives at its source address; zero if the
 *	sender has no cookie
 */
struct weft_message_macs {
	u8 mac1[WEFT_COOKIE_LEN];
	u8 mac2[WEFT_COOKIE_LEN];
} __packed;

/**
 * struct weft_message_handshake_initiation - paper, section 5.4.2
 * @header: type word
 * @sender_index: index that the response is to name
 * @unencrypted_ephemeral: initiator's ephemeral public key
 * @encrypted_static: initiator's static public key, sealed
 * @encrypted_timestamp: TAI64N time, sealed
 * @macs: both authenticators
 */
struct weft_message_handshake_initiation {
	struct weft_message_header header;
	__le32 sender_index;
	u8 unencrypted_ephemeral[WEFT_NOISE_PUBLIC_KEY_LEN];
	u8 encrypted_static[weft_noise_encrypted_len(WEFT_NOISE_PUBLIC_KEY_LEN)];
	u8 encrypted_timestamp[weft_noise_encrypted_len(WEFT_NOISE_TIMESTAMP_LEN)];
	struct weft_message_macs macs;
} __packed;

/**
 * struct weft_message_handshake_response - paper, section 5.4.3
 * @header: type word
 * @sender_index: index that data to the responder is to name
 * @receiver_index: sender_index of the initiation
 * @unencrypted_ephemeral: responder's ephemeral public key
 * @encrypted_nothing: tag over the transcript
 * @macs: both authenticators
 */
struct weft_message_handshake_response {
	struct weft_message_header header;
	__le32 sender_index;
	__le32 receiver_index;
	u8 unencrypted_ephemeral[WEFT_NOISE_PUBLIC_KEY_LEN];
	u8 encrypted_nothing[weft_noise_encrypted_len(0)];
	struct weft_message_macs macs;
} __packed;

/**
 * struct weft_message_cookie_reply - paper, section 5.4.7
 * @header: type word, always of suite 0: cookies are the same in every suite
 * @receiver_index: sender_index of the message that it answers
 * @nonce: random XChaCha20 nonce
 * @encrypted_cookie: the cookie, sealed under mac1 of that message
 */
struct weft_message_cookie_reply {
	struct weft_message_header header;
	__le32 receiver_index;
	u8 nonce[WEFT_COOKIE_NONCE_LEN];
	u8 encrypted_cookie[weft_noise_encrypted_len(WEFT_COOKIE_LEN)];
} __packed;

/**
 * struct weft_message_data - paper, section 5.4.6
 * @header: type word
 * @key_idx: receiver's index of the session
 * @counter: nonce of this message
 * @encrypted_data: padded inner packet and tag
 */
struct weft_message_data {
	struct weft_message_header header;
	__le32 key_idx;
	__le64 counter;
	u8 encrypted_data[];
} __packed;

/* Inner packets are padded with zeros to a multiple of this. */
#define WEFT_MESSAGE_PADDING_MULTIPLE	16

/* Outer payload for a padded inner packet of plain_len bytes. */
#define weft_message_data_len(plain_len) \
	(sizeof(struct weft_message_data) + weft_noise_encrypted_len(plain_len))

/* The shortest message there is: a keepalive. */
#define WEFT_MESSAGE_MINIMUM_LEN	weft_message_data_len(0)

static_assert(sizeof(struct weft_message_header) == 4);
static_assert(sizeof(struct weft_message_macs) == 32);
static_assert(sizeof(struct weft_message_handshake_initiation) == 148);
static_assert(sizeof(struct weft_message_handshake_response) == 92);
static_assert(sizeof(struct weft_message_cookie_reply) == 64);
static_assert(sizeof(struct weft_message_data) == 16);
static_assert(offsetof(struct weft_message_data, encrypted_data) == 16);
static_assert(WEFT_MESSAGE_MINIMUM_LEN == 32);

/**
 * weft_message_word() - type word of a message
 * @type: enum weft_message_type
 * @suite: number of the suite, 0 for WireGuard's own
 *
 * Return: the word as it goes over the wire.
 */
static inline __le32 weft_message_word(u8 type, u8 suite)
{
	return cpu_to_le32(type | (u32)suite << 8);
}

/**
 * weft_message_type() - type of a received message
 * @header: start of the message
 *
 * Return: enum weft_message_type or a value that it does not name;
 * WEFT_MESSAGE_INVALID if one of the bytes that must be zero is not.
 */
static inline u8 weft_message_type(const struct weft_message_header *header)
{
	u32 word = le32_to_cpu(header->type);

	return word >> 16 ? WEFT_MESSAGE_INVALID : word & 0xff;
}

/**
 * weft_message_suite() - suite of a received message
 * @header: start of the message
 *
 * Return: the number, which need not be one that is known.
 */
static inline u8 weft_message_suite(const struct weft_message_header *header)
{
	return le32_to_cpu(header->type) >> 8 & 0xff;
}

#endif /* _WEFT_MESSAGES_H */
