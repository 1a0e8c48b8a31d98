/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys, signatures and hashes. All of it is libsodium's; whoever uses the core has called
 * sodium_init(). Keys are made of random bytes that the caller brings.
 */
#ifndef WEFT_IDENTITY_H
#define WEFT_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT_ID_LEN 32
#define WEFT_SIGNATURE_LEN 64
#define WEFT_SEED_LEN 32

/* An Ed25519 public key, or a hash: the name of a network, a member, a record. */
struct weft_id {
	uint8_t bytes[WEFT_ID_LEN];
};

/* A Curve25519 key. A type of its own, so that the two kinds are never taken for one another. */
struct weft_tunnel_key {
	uint8_t bytes[32];
};

/**
 * struct weft_identity - what signs
 * @id:		the public key
 * @secret:	libsodium's form of the private one
 */
struct weft_identity {
	struct weft_id id;
	uint8_t secret[64];
};

struct weft_tunnel {
	struct weft_tunnel_key public_key;
	struct weft_tunnel_key private_key;
};

/* A part of what is hashed. */
struct weft_part {
	const void *bytes;
	size_t len;
};

void weft_identity_from_seed(struct weft_identity *identity, const uint8_t seed[WEFT_SEED_LEN]);
void weft_identity_wipe(struct weft_identity *identity);
void weft_tunnel_from_seed(struct weft_tunnel *tunnel, const uint8_t seed[WEFT_SEED_LEN]);
void weft_tunnel_wipe(struct weft_tunnel *tunnel);

bool weft_id_equal(const struct weft_id *a, const struct weft_id *b);
int weft_id_compare(const struct weft_id *a, const struct weft_id *b);

void weft_hash(void *out, size_t len, const char *label, struct weft_part a, struct weft_part b);
void weft_static_id(struct weft_id *id, const struct weft_tunnel_key *tunnel_key);
void weft_commitment(struct weft_id *commitment, const uint8_t secret[32]);

int weft_sign(uint8_t signature[WEFT_SIGNATURE_LEN], const char *context, const void *bytes,
	      size_t len, const struct weft_identity *identity);
int weft_verify(const uint8_t signature[WEFT_SIGNATURE_LEN], const char *context,
		const void *bytes, size_t len, const struct weft_id *signer);

#endif /* WEFT_IDENTITY_H */
