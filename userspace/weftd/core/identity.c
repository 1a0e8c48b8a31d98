// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys, signatures and hashes. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "bounds.h"
#include "identity.h"

_Static_assert(WEFT_ID_LEN == crypto_sign_PUBLICKEYBYTES, "an identity is an Ed25519 key");
_Static_assert(WEFT_SEED_LEN == crypto_sign_SEEDBYTES, "a seed makes an Ed25519 key");
_Static_assert(WEFT_SIGNATURE_LEN == crypto_sign_BYTES, "signatures are Ed25519's");

void weft_identity_from_seed(struct weft_identity *identity, const uint8_t seed[WEFT_SEED_LEN])
{
	crypto_sign_seed_keypair(identity->id.bytes, identity->secret, seed);
}

void weft_identity_wipe(struct weft_identity *identity)
{
	sodium_memzero(identity, sizeof(*identity));
}

void weft_tunnel_from_seed(struct weft_tunnel *tunnel, const uint8_t seed[WEFT_SEED_LEN])
{
	memcpy(tunnel->private_key.bytes, seed, WEFT_SEED_LEN);
	tunnel->private_key.bytes[0] &= 248;
	tunnel->private_key.bytes[31] &= 127;
	tunnel->private_key.bytes[31] |= 64;
	crypto_scalarmult_base(tunnel->public_key.bytes, tunnel->private_key.bytes);
}

void weft_tunnel_wipe(struct weft_tunnel *tunnel)
{
	sodium_memzero(tunnel, sizeof(*tunnel));
}

/* Public keys and hashes: nothing that timing could tell is a secret. */
int weft_id_compare(const struct weft_id *a, const struct weft_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool weft_id_equal(const struct weft_id *a, const struct weft_id *b)
{
	return !weft_id_compare(a, b);
}

/* BLAKE2b of the label, a zero byte, and the parts, of which all but the last have one length. */
void weft_hash(void *out, size_t len, const char *label, struct weft_part a, struct weft_part b)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, len);
	crypto_generichash_update(&state, (const uint8_t *)label, strlen(label) + 1);
	if (a.len)
		crypto_generichash_update(&state, a.bytes, a.len);
	if (b.len)
		crypto_generichash_update(&state, b.bytes, b.len);
	crypto_generichash_final(&state, out, len);
}

/* The name of a stock WireGuard member, which has no identity key. Nobody can sign for it. */
void weft_static_id(struct weft_id *id, const struct weft_tunnel_key *tunnel_key)
{
	weft_hash(id->bytes, sizeof(id->bytes), "weft/1/static",
		  (struct weft_part){ tunnel_key->bytes, sizeof(tunnel_key->bytes) },
		  (struct weft_part){ 0 });
}

/* By which a member sees that a network secret it was given is the one that an admin made. */
void weft_commitment(struct weft_id *commitment, const uint8_t secret[32])
{
	weft_hash(commitment->bytes, sizeof(commitment->bytes), "weft/1/epoch",
		  (struct weft_part){ secret, 32 }, (struct weft_part){ 0 });
}

/* What is signed: the context, a zero byte, the bytes. */
static size_t signed_message(uint8_t *message, size_t size, const char *context,
			     const void *bytes, size_t len)
{
	size_t context_len = strlen(context) + 1;

	if (context_len > size || len > size - context_len)
		return 0;
	memcpy(message, context, context_len);
	memcpy(message + context_len, bytes, len);
	return context_len + len;
}

int weft_sign(uint8_t signature[WEFT_SIGNATURE_LEN], const char *context, const void *bytes,
	      size_t len, const struct weft_identity *identity)
{
	uint8_t message[WEFT_MAX_RECORD + 64];
	size_t message_len = signed_message(message, sizeof(message), context, bytes, len);

	if (!message_len)
		return -EMSGSIZE;
	crypto_sign_detached(signature, NULL, message, message_len, identity->secret);
	return 0;
}

/* libsodium refuses signatures that are not in their one form, and keys of small order. */
int weft_verify(const uint8_t signature[WEFT_SIGNATURE_LEN], const char *context,
		const void *bytes, size_t len, const struct weft_id *signer)
{
	uint8_t message[WEFT_MAX_RECORD + 64];
	size_t message_len = signed_message(message, sizeof(message), context, bytes, len);

	if (!message_len)
		return -EMSGSIZE;
	if (crypto_sign_verify_detached(signature, message, message_len, signer->bytes))
		return -EKEYREJECTED;
	return 0;
}
