// SPDX-License-Identifier: GPL-2.0-or-later
/* A token: "weft1", then base64url of a CBOR map and a checksum. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "fields.h"
#include "invitation.h"
#include "token.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
/* Tells a slip of the pen; what is signed is the invitation. */
#define CHECKSUM_LEN 4

enum token_key {
	TOKEN_NETWORK,
	TOKEN_SECRET,
	TOKEN_INVITATION,
	TOKEN_HINTS,
	TOKEN_EPOCH,
	TOKEN_KEY_OPTIONAL = 64,
};

#define TOKEN_MUST (1U << TOKEN_NETWORK | 1U << TOKEN_SECRET | 1U << TOKEN_INVITATION)

static void checksum(uint8_t sum[CHECKSUM_LEN], const void *bytes, size_t len)
{
	uint8_t hash[WEFT_ID_LEN];

	weft_hash(hash, sizeof(hash), "weft/1/token", (struct weft_part){ bytes, len },
		  (struct weft_part){ 0 });
	memcpy(sum, hash, CHECKSUM_LEN);
}

static void put_hints(struct weft_cbor_writer *writer, const struct weft_token *token)
{
	const struct weft_hint *hint;
	unsigned int i;

	weft_cbor_put_array(writer, token->hint_count);
	for (i = 0; i < token->hint_count; i++) {
		hint = &token->hints[i];
		weft_cbor_put_array(writer, 3);
		weft_cbor_put_bytes(writer, hint->identity.bytes, sizeof(hint->identity.bytes));
		weft_cbor_put_bytes(writer, hint->tunnel.bytes, sizeof(hint->tunnel.bytes));
		weft_put_endpoints(writer, &hint->endpoints);
	}
}

/* Return: 0 or -EMSGSIZE. */
int weft_token_encode(char text[WEFT_TOKEN_TEXT], const struct weft_token *token)
{
	uint8_t bytes[WEFT_TOKEN_BYTES], sum[CHECKSUM_LEN];
	struct weft_cbor_writer writer;

	weft_cbor_write_to(&writer, bytes, sizeof(bytes));
	weft_cbor_put_map(&writer, 3 + !!token->hint_count + token->has_epoch);
	weft_cbor_put_uint(&writer, TOKEN_NETWORK);
	weft_cbor_put_bytes(&writer, token->network.bytes, sizeof(token->network.bytes));
	weft_cbor_put_uint(&writer, TOKEN_SECRET);
	weft_cbor_put_bytes(&writer, token->secret, sizeof(token->secret));
	weft_cbor_put_uint(&writer, TOKEN_INVITATION);
	weft_cbor_put_bytes(&writer, token->invitation->bytes, token->invitation->len);
	if (token->hint_count) {
		weft_cbor_put_uint(&writer, TOKEN_HINTS);
		put_hints(&writer, token);
	}
	if (token->has_epoch) {
		weft_cbor_put_uint(&writer, TOKEN_EPOCH);
		weft_cbor_put_bytes(&writer, token->epoch, sizeof(token->epoch));
	}
	if (weft_cbor_fits(&writer)) {
		checksum(sum, bytes, writer.len);
		weft_cbor_put_raw(&writer, sum, sizeof(sum));
	}
	if (weft_cbor_fits(&writer)) {
		memcpy(text, WEFT_TOKEN_PREFIX, strlen(WEFT_TOKEN_PREFIX));
		sodium_bin2base64(text + strlen(WEFT_TOKEN_PREFIX),
				  WEFT_TOKEN_TEXT - strlen(WEFT_TOKEN_PREFIX), bytes, writer.len,
				  VARIANT);
	}
	sodium_memzero(bytes, sizeof(bytes));
	return weft_cbor_fits(&writer) ? 0 : -EMSGSIZE;
}

static void get_hint(struct weft_cbor_reader *reader, struct weft_hint *hint)
{
	if (weft_cbor_get_array(reader, 3) != 3)
		weft_cbor_fail(reader, -EBADMSG);
	weft_cbor_get_fixed(reader, hint->identity.bytes, sizeof(hint->identity.bytes));
	weft_cbor_get_fixed(reader, hint->tunnel.bytes, sizeof(hint->tunnel.bytes));
	weft_get_endpoints(reader, &hint->endpoints);
}

static void get_hints(struct weft_cbor_reader *reader, struct weft_token *token)
{
	unsigned int i;

	token->hint_count = weft_cbor_get_array(reader, WEFT_TOKEN_HINTS);
	for (i = 0; i < token->hint_count; i++)
		get_hint(reader, &token->hints[i]);
}

static void get_key(struct weft_cbor_reader *reader, uint64_t key, struct weft_token *token,
		    const uint8_t **invitation, size_t *len)
{
	switch (key) {
	case TOKEN_NETWORK:
		weft_cbor_get_fixed(reader, token->network.bytes, sizeof(token->network.bytes));
		break;
	case TOKEN_SECRET:
		weft_cbor_get_fixed(reader, token->secret, sizeof(token->secret));
		break;
	case TOKEN_INVITATION:
		*invitation = weft_cbor_get_bytes(reader, WEFT_MAX_RECORD, len);
		break;
	case TOKEN_HINTS:
		get_hints(reader, token);
		break;
	case TOKEN_EPOCH:
		weft_cbor_get_fixed(reader, token->epoch, sizeof(token->epoch));
		token->has_epoch = true;
		break;
	default:
		if (key < TOKEN_KEY_OPTIONAL)
			weft_cbor_fail(reader, -EPROTONOSUPPORT);
		weft_cbor_skip(reader);
	}
}

/* The map; @invitation points into @bytes. */
static int get_map(struct weft_token *token, const uint8_t *bytes, size_t len,
		   const uint8_t **invitation, size_t *invitation_len)
{
	struct weft_cbor_reader reader;
	struct weft_cbor_map map;
	uint32_t has = 0;
	uint64_t key;
	int error;

	weft_cbor_read_from(&reader, bytes, len);
	weft_cbor_get_map(&reader, WEFT_TOKEN_BYTES, &map);
	while (weft_cbor_next_key(&reader, &map, &key)) {
		get_key(&reader, key, token, invitation, invitation_len);
		if (key < TOKEN_KEY_OPTIONAL)
			has |= 1U << (key & 31);
	}
	error = weft_cbor_end(&reader);
	if (!error && (has & TOKEN_MUST) != TOKEN_MUST)
		error = -EPROTO;
	return error;
}

static int decode_bytes(struct weft_token *token, const uint8_t *bytes, size_t len)
{
	uint8_t sum[CHECKSUM_LEN];
	const uint8_t *invitation = bytes;
	size_t invitation_len = 0;
	int error;

	if (len < CHECKSUM_LEN)
		return -ENODATA;
	len -= CHECKSUM_LEN;
	checksum(sum, bytes, len);
	error = get_map(token, bytes, len, &invitation, &invitation_len);
	/* what is wrong with it does not matter if a part is missing, or a letter is another */
	if (memcmp(sum, bytes + len, sizeof(sum)))
		return error == -ENODATA ? -ENODATA : -EBADMSG;
	if (!error)
		error = weft_record_parse(&token->invitation, &token->network, invitation,
					  invitation_len);
	if (error)
		return error;
	if (token->invitation->slot.type != WEFT_INVITATION)
		return -EPROTO;
	if (!weft_invitation_matches(token->invitation, token->secret))
		return -EKEYREJECTED;
	return 0;
}

/**
 * weft_token_decode() - read a token
 * @token:	gets it; to be wiped, unless this fails
 * @text:	the text; spaces and line ends around it and within it are ignored
 *
 * Return: 0; -EINVAL (no token), -EMSGSIZE (too long for one), -ENODATA (cut short), -EBADMSG (a
 * letter is wrong), -EPROTONOSUPPORT (of a later version), -EKEYREJECTED (forged: wrong signature, or not the invitation's secret),
 * -EPROTO and others as weft_record_parse() (the invitation is no good).
 */
int weft_token_decode(struct weft_token *token, const char *text)
{
	uint8_t bytes[WEFT_TOKEN_BYTES];
	size_t len = 0;
	int error;

	memset(token, 0, sizeof(*token));
	text += strspn(text, " \t\r\n");
	if (strncmp(text, WEFT_TOKEN_PREFIX, strlen(WEFT_TOKEN_PREFIX)))
		return -EINVAL;
	if (strlen(text) >= WEFT_TOKEN_TEXT)
		return -EMSGSIZE;
	text += strlen(WEFT_TOKEN_PREFIX);
	if (sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), " \t\r\n", &len, NULL,
			      VARIANT))
		/* one letter more or less than any token has, or no letter of the alphabet */
		error = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789-_ \t\r\n") == strlen(text) ? -ENODATA : -EBADMSG;
	else
		error = decode_bytes(token, bytes, len);
	sodium_memzero(bytes, sizeof(bytes));
	if (error)
		weft_token_wipe(token);
	return error;
}

void weft_token_wipe(struct weft_token *token)
{
	weft_record_put(token->invitation);
	sodium_memzero(token, sizeof(*token));
}
