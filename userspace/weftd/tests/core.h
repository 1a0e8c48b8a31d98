/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network to test with: fixed keys, and short ways to make records. */
#ifndef WEFT_TESTS_CORE_H
#define WEFT_TESTS_CORE_H

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include "invitation.h"
#include "reason.h"
#include "record.h"
#include "revoke.h"
#include "roster.h"

#define NOW 1700000000ULL
#define DAY 86400ULL

static inline void seed_of(uint8_t seed[WEFT_SEED_LEN], unsigned int n)
{
	memset(seed, 0, WEFT_SEED_LEN);
	seed[0] = n & 0xff;
	seed[1] = n >> 8;
	seed[31] = 1;
}

static inline struct weft_identity identity_of(unsigned int n)
{
	struct weft_identity identity;
	uint8_t seed[WEFT_SEED_LEN];

	seed_of(seed, n);
	weft_identity_from_seed(&identity, seed);
	return identity;
}

static inline struct weft_tunnel tunnel_of(unsigned int n)
{
	struct weft_tunnel tunnel;
	uint8_t seed[WEFT_SEED_LEN];

	seed_of(seed, n);
	/* the lowest bits are none of a Curve25519 key's */
	seed[29] = n & 0xff;
	seed[30] = 1;
	weft_tunnel_from_seed(&tunnel, seed);
	return tunnel;
}

#define ROOT 1000
static inline struct weft_identity root_of(void)
{
	return identity_of(ROOT);
}

/* Fields of a record about identity number @subject. */
static inline struct weft_fields about(enum weft_record_type type, unsigned int subject,
				       uint64_t issued)
{
	struct weft_fields fields = {
		.has = WEFT_HAS(WEFT_KEY_SUBJECT),
		.type = type,
		.network = root_of().id,
		.issued = issued,
		.subject = identity_of(subject).id,
	};

	return fields;
}

static inline void set_name(struct weft_fields *fields, const char *name)
{
	snprintf(fields->name, sizeof(fields->name), "%s", name);
	fields->has |= WEFT_HAS(WEFT_KEY_NAME);
}

static inline void set_expires(struct weft_fields *fields, uint64_t expires)
{
	fields->expires = expires;
	fields->has |= WEFT_HAS(WEFT_KEY_EXPIRES);
}

static inline void set_ipv4(struct weft_fields *fields, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	fields->ipv4[0] = a;
	fields->ipv4[1] = b;
	fields->ipv4[2] = c;
	fields->ipv4[3] = d;
	fields->has |= WEFT_HAS(WEFT_KEY_IPV4);
}

static inline struct weft_prefix ipv4_prefix(uint8_t a, uint8_t b, uint8_t c, uint8_t d,
					     uint8_t length)
{
	return (struct weft_prefix){ .size = 4, .length = length, .address = { a, b, c, d } };
}

static inline void add_route(struct weft_fields *fields, struct weft_prefix prefix)
{
	fields->routes.at[fields->routes.count++] = prefix;
	fields->has |= WEFT_HAS(WEFT_KEY_ROUTES);
}

static inline struct weft_record *sign(const struct weft_fields *fields, unsigned int signer)
{
	struct weft_identity identity = identity_of(signer);
	struct weft_record *record;

	assert_int_equal(weft_record_sign(&record, fields, &identity), 0);
	return record;
}

/* An admission by invitation, whatever it says: signed by any key, agreed to by number @joiner. */
static inline struct weft_record *sign_use(struct weft_fields *fields,
					   const struct weft_record *invitation,
					   const struct weft_identity *signer,
					   unsigned int joiner)
{
	struct weft_identity subject = identity_of(joiner);
	struct weft_record *record;

	fields->invitation = invitation->hash;
	fields->has |= WEFT_HAS(WEFT_KEY_INVITATION);
	assert_int_equal(weft_record_sign_agreed(&record, fields, signer, &subject), 0);
	return record;
}

static inline struct weft_record *network_record(uint64_t issued)
{
	struct weft_fields fields = about(WEFT_NETWORK, ROOT, issued);

	fields.has = WEFT_HAS(WEFT_KEY_IPV4_PREFIX);
	fields.ipv4_prefix = ipv4_prefix(10, 77, 0, 0, 24);
	set_name(&fields, "home");
	return sign(&fields, ROOT);
}

static inline struct weft_record *admin_record(unsigned int subject, unsigned int signer,
					       enum weft_operation operation)
{
	struct weft_fields fields = about(WEFT_ADMIN, subject, NOW);

	fields.operation = operation;
	fields.has |= WEFT_HAS(WEFT_KEY_OPERATION);
	return sign(&fields, signer);
}

static inline struct weft_record *admission_record(unsigned int subject, unsigned int signer,
						   const char *name, uint64_t issued)
{
	struct weft_fields fields = about(WEFT_ADMISSION, subject, issued);

	set_name(&fields, name);
	return sign(&fields, signer);
}

static inline struct weft_record *revocation_record(unsigned int subject, unsigned int signer)
{
	struct weft_fields fields = about(WEFT_REVOCATION, subject, NOW);

	return sign(&fields, signer);
}

static inline struct weft_record *announcement_record(unsigned int subject, unsigned int tunnel,
						      uint64_t sequence)
{
	struct weft_fields fields = about(WEFT_ANNOUNCEMENT, subject, sequence);

	fields.tunnel = tunnel_of(tunnel).public_key;
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL);
	return sign(&fields, subject);
}

/* An invitation whose secret is seed number @secret. */
static inline struct weft_record *invitation_record(unsigned int secret, unsigned int signer,
						    uint64_t uses, uint64_t expires)
{
	struct weft_fields fields = about(WEFT_INVITATION, 0, NOW);
	struct weft_identity admin = identity_of(signer);
	struct weft_record *record;
	uint8_t seed[WEFT_SEED_LEN];

	fields.uses = uses;
	fields.has |= WEFT_HAS(WEFT_KEY_USES);
	set_expires(&fields, expires);
	seed_of(seed, secret);
	assert_int_equal(weft_invitation_make(&record, &fields, seed, &admin), 0);
	return record;
}

static inline struct weft_record *use_record(const struct weft_record *invitation,
					     unsigned int secret, unsigned int joiner,
					     const char *name, uint64_t now)
{
	struct weft_identity identity = identity_of(joiner);
	struct weft_record *record;
	uint8_t seed[WEFT_SEED_LEN];

	seed_of(seed, secret);
	assert_int_equal(weft_invitation_redeem(&record, invitation, seed, &identity, name, NULL,
						now), 0);
	return record;
}

/* The key of the invitation whose secret is seed number @secret. */
static inline struct weft_identity invitation_key_of(unsigned int secret)
{
	struct weft_invitation_keys keys;
	uint8_t seed[WEFT_SEED_LEN];

	seed_of(seed, secret);
	weft_invitation_keys(&keys, seed);
	return keys.sign;
}

static inline struct weft_roster *new_roster(void)
{
	struct weft_roster *roster;
	struct weft_identity root = root_of();

	assert_int_equal(weft_roster_new(&roster, &root.id), 0);
	return roster;
}

/* Gives up the reference. */
static inline int add(struct weft_roster *roster, struct weft_record *record)
{
	int error = weft_roster_add(roster, record);

	weft_record_put(record);
	return error;
}

static inline void must_add(struct weft_roster *roster, struct weft_record *record)
{
	assert_int_equal(add(roster, record), 0);
}

static inline const struct weft_member *member_of(struct weft_roster *roster, unsigned int n,
						  uint64_t now)
{
	struct weft_identity identity = identity_of(n);

	assert_int_equal(weft_roster_evaluate(roster, now), 0);
	return weft_roster_member(roster, &identity.id);
}

/* -1: not known at all */
static inline int state_of(struct weft_roster *roster, unsigned int n, uint64_t now)
{
	const struct weft_member *member = member_of(roster, n, now);

	return member ? (int)member->state : -1;
}

static inline int revoke(struct weft_roster *roster, unsigned int subject, unsigned int by,
			 uint64_t now)
{
	struct weft_identity identity = identity_of(subject), admin = identity_of(by);

	return weft_revoke(roster, &identity.id, &admin, now, 0, NULL);
}

/* The error that parsing gives; nothing is kept. */
static inline int parse(const void *bytes, size_t len)
{
	struct weft_identity root = root_of();
	struct weft_record *record;
	int error = weft_record_parse(&record, &root.id, bytes, len);

	if (!error)
		weft_record_put(record);
	return error;
}

#endif /* WEFT_TESTS_CORE_H */
