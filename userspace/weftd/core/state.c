// SPDX-License-Identifier: GPL-2.0-or-later
/* State files: a line that says what it is, one CBOR item, and a hash of all that. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "state.h"

#define SECRETS_MAGIC "weft secrets 1\n"
#define ROSTER_MAGIC "weft roster 1\n"
#define HASH_LEN WEFT_ID_LEN

enum secrets_key {
	SECRETS_NETWORK,
	SECRETS_IDENTITY,
	SECRETS_TUNNEL,
	SECRETS_ROOT,
	SECRETS_EPOCH,
	SECRETS_SEQUENCE,
};

#define SECRETS_MUST (1U << SECRETS_NETWORK | 1U << SECRETS_IDENTITY | 1U << SECRETS_TUNNEL | \
		      1U << SECRETS_SEQUENCE)

static void state_hash(uint8_t hash[HASH_LEN], const void *bytes, size_t len)
{
	weft_hash(hash, HASH_LEN, "weft/1/state", (struct weft_part){ bytes, len },
		  (struct weft_part){ 0 });
}

/* Begins with a line, so that a person who looks at the file sees what it is. */
static void put_magic(struct weft_cbor_writer *writer, const char *magic)
{
	weft_cbor_put_raw(writer, magic, strlen(magic));
}

static void put_hash(struct weft_cbor_writer *writer)
{
	uint8_t hash[HASH_LEN];

	if (!weft_cbor_fits(writer))
		return;
	state_hash(hash, writer->out, writer->len);
	weft_cbor_put_raw(writer, hash, sizeof(hash));
}

/*
 * What is between the line and the hash. Return: 0; -EPROTONOSUPPORT (another kind of file, or of a
 * later version), -EBADMSG (the hash is wrong; @reader may still read), -ENODATA (too short for any)
 */
static int open_state(struct weft_cbor_reader *reader, const char *magic, const uint8_t *bytes,
		      size_t len)
{
	uint8_t hash[HASH_LEN];
	size_t magic_len = strlen(magic);

	weft_cbor_read_from(reader, bytes, 0);
	if (len < magic_len + HASH_LEN)
		return -ENODATA;
	if (memcmp(bytes, magic, magic_len))
		return -EPROTONOSUPPORT;
	state_hash(hash, bytes, len - HASH_LEN);
	weft_cbor_read_from(reader, bytes + magic_len, len - magic_len - HASH_LEN);
	return memcmp(hash, bytes + len - HASH_LEN, HASH_LEN) ? -EBADMSG : 0;
}

static void put_secret(struct weft_cbor_writer *writer, enum secrets_key key, const uint8_t *secret)
{
	weft_cbor_put_uint(writer, key);
	weft_cbor_put_bytes(writer, secret, WEFT_SEED_LEN);
}

/* Return: 0 or -EMSGSIZE; WEFT_SECRETS_BYTES are enough. */
int weft_secrets_encode(void *bytes, size_t size, size_t *len, const struct weft_secrets *secrets)
{
	struct weft_cbor_writer writer;

	weft_cbor_write_to(&writer, bytes, size);
	put_magic(&writer, SECRETS_MAGIC);
	weft_cbor_put_map(&writer, 4 + secrets->has_root + secrets->has_epoch);
	put_secret(&writer, SECRETS_NETWORK, secrets->network.bytes);
	put_secret(&writer, SECRETS_IDENTITY, secrets->identity);
	put_secret(&writer, SECRETS_TUNNEL, secrets->tunnel);
	if (secrets->has_root)
		put_secret(&writer, SECRETS_ROOT, secrets->root);
	if (secrets->has_epoch)
		put_secret(&writer, SECRETS_EPOCH, secrets->epoch);
	weft_cbor_put_uint(&writer, SECRETS_SEQUENCE);
	weft_cbor_put_uint(&writer, secrets->sequence);
	put_hash(&writer);
	*len = writer.len;
	return weft_cbor_fits(&writer) ? 0 : -EMSGSIZE;
}

static void get_secret(struct weft_cbor_reader *reader, uint64_t key, struct weft_secrets *secrets)
{
	switch (key) {
	case SECRETS_NETWORK:
		weft_cbor_get_fixed(reader, secrets->network.bytes, WEFT_SEED_LEN);
		break;
	case SECRETS_IDENTITY:
		weft_cbor_get_fixed(reader, secrets->identity, WEFT_SEED_LEN);
		break;
	case SECRETS_TUNNEL:
		weft_cbor_get_fixed(reader, secrets->tunnel, WEFT_SEED_LEN);
		break;
	case SECRETS_ROOT:
		weft_cbor_get_fixed(reader, secrets->root, WEFT_SEED_LEN);
		secrets->has_root = true;
		break;
	case SECRETS_EPOCH:
		weft_cbor_get_fixed(reader, secrets->epoch, WEFT_SEED_LEN);
		secrets->has_epoch = true;
		break;
	case SECRETS_SEQUENCE:
		secrets->sequence = weft_cbor_get_uint(reader, WEFT_MAX_TIME);
		break;
	default:
		weft_cbor_fail(reader, -EPROTONOSUPPORT);
	}
}

/**
 * weft_secrets_decode() - read what weft_secrets_encode() wrote
 * @secrets:	gets it; all zero if this fails
 * @bytes:	the file
 * @len:	its length
 *
 * Return: 0; -ENODATA, -EBADMSG (damaged), -EPROTONOSUPPORT (no such file, or of a later version).
 */
int weft_secrets_decode(struct weft_secrets *secrets, const void *bytes, size_t len)
{
	struct weft_cbor_reader reader;
	struct weft_cbor_map map;
	uint32_t has = 0;
	uint64_t key;
	int error;

	memset(secrets, 0, sizeof(*secrets));
	error = open_state(&reader, SECRETS_MAGIC, bytes, len);
	if (error)
		return error;
	weft_cbor_get_map(&reader, SECRETS_SEQUENCE + 1, &map);
	while (weft_cbor_next_key(&reader, &map, &key)) {
		get_secret(&reader, key, secrets);
		has |= 1U << (key & 31);
	}
	error = weft_cbor_end(&reader);
	if (!error && (has & SECRETS_MUST) != SECRETS_MUST)
		error = -EBADMSG;
	if (error)
		weft_secrets_wipe(secrets);
	return error;
}

void weft_secrets_wipe(struct weft_secrets *secrets)
{
	sodium_memzero(secrets, sizeof(*secrets));
}

/* How many bytes the file may have: no head in it is longer than nine. */
static size_t roster_size(const struct weft_roster *roster)
{
	size_t i, size = strlen(ROSTER_MAGIC) + 9 + HASH_LEN;

	for (i = 0; i < weft_roster_count(roster); i++)
		size += 9 + weft_roster_at(roster, i, NULL)->len;
	return size;
}

/**
 * weft_roster_encode() - all records that can be traced to the root
 * @roster:	evaluated
 * @bytes:	gets them, to be freed
 * @len:	of @bytes
 *
 * Return: 0 or -ENOMEM.
 */
int weft_roster_encode(const struct weft_roster *roster, uint8_t **bytes, size_t *len)
{
	const struct weft_record *record;
	struct weft_cbor_writer writer;
	size_t i, count = 0, size = roster_size(roster);
	bool anchored;

	*bytes = malloc(size);
	if (!*bytes)
		return -ENOMEM;
	for (i = 0; i < weft_roster_count(roster); i++) {
		weft_roster_at(roster, i, &anchored);
		count += anchored;
	}
	weft_cbor_write_to(&writer, *bytes, size);
	put_magic(&writer, ROSTER_MAGIC);
	weft_cbor_put_array(&writer, count);
	for (i = 0; i < weft_roster_count(roster); i++) {
		record = weft_roster_at(roster, i, &anchored);
		if (anchored)
			weft_cbor_put_bytes(&writer, record->bytes, record->len);
	}
	put_hash(&writer);
	*len = writer.len;
	return 0;
}

/* The first error, but for what is known already. */
static int take_records(struct weft_roster *roster, struct weft_cbor_reader *reader, size_t *taken,
			bool *refused)
{
	const uint8_t *record;
	size_t count, record_len;
	int error = 0, add;

	*refused = false;
	count = weft_cbor_get_array(reader, WEFT_MAX_RECORDS);
	while (count-- && !reader->error) {
		record = weft_cbor_get_bytes(reader, WEFT_MAX_RECORD, &record_len);
		if (reader->error)
			break;
		add = weft_roster_add_bytes(roster, record, record_len);
		*taken += !add;
		*refused |= add == -ENOSPC;
		if (add && add != -EEXIST && add != -ESTALE && !error)
			error = add;
	}
	return error;
}

/**
 * weft_roster_decode() - read what weft_roster_encode() wrote
 * @roster:	gets the records, in addition to what it has
 * @bytes:	the file
 * @len:	its length
 * @taken:	how many records were taken
 *
 * A damaged file gives what can be read of it: each record is signed, so none of them is the worse
 * for it. The caller sets the file aside and tells.
 *
 * Return: 0; -ENODATA, -EBADMSG (damaged), -EPROTONOSUPPORT (no such file, or of a later version), or
 * the first error of weft_roster_add_bytes().
 */
int weft_roster_decode(struct weft_roster *roster, const void *bytes, size_t len, size_t *taken)
{
	struct weft_cbor_reader reader, again;
	bool refused;
	int error, add;

	*taken = 0;
	error = open_state(&reader, ROSTER_MAGIC, bytes, len);
	/* of a file that was cut short, the last 32 bytes are none of a hash, but of a record */
	again = reader;
	add = take_records(roster, &reader, taken, &refused);
	/* what they depend on may have come after them: who leaves, after who is admitted */
	if (refused) {
		reader = again;
		add = take_records(roster, &reader, taken, &refused);
	}
	if (!error)
		error = add;
	return error ? error : weft_cbor_end(&reader);
}
