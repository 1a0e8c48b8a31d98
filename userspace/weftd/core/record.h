/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signed records: what they look like, and that they are what their signer wrote. Whether it may say
 * so is the roster's to judge. The format is in Documentation/membership.md.
 */
#ifndef WEFT_RECORD_H
#define WEFT_RECORD_H

#include "address.h"
#include "bounds.h"
#include "identity.h"

/* In the order in which they depend on each other: that is how a roster is sorted and sent. */
enum weft_record_type {
	WEFT_NETWORK = 1,
	WEFT_ADMIN,
	WEFT_REVOCATION,
	WEFT_INVITATION,
	WEFT_ADMISSION,
	WEFT_ANNOUNCEMENT,
	WEFT_EPOCH,
};

/* Keys of a record's map. From WEFT_KEY_OPTIONAL on, those not known are ignored. */
enum weft_record_key {
	WEFT_KEY_TYPE,
	WEFT_KEY_NETWORK,
	WEFT_KEY_SIGNER,
	WEFT_KEY_ISSUED,
	WEFT_KEY_SUBJECT,
	WEFT_KEY_EXPIRES,
	WEFT_KEY_NAME,
	WEFT_KEY_IPV4,
	WEFT_KEY_MAY,
	WEFT_KEY_ROUTES,
	WEFT_KEY_GROUPS,
	WEFT_KEY_INVITATION,
	WEFT_KEY_TUNNEL,
	WEFT_KEY_ENDPOINTS,
	WEFT_KEY_FEATURES,
	WEFT_KEY_RELAY,
	WEFT_KEY_USES,
	WEFT_KEY_MEMBER_EXPIRES,
	WEFT_KEY_OPERATION,
	WEFT_KEY_IPV4_PREFIX,
	WEFT_KEY_VIA,
	WEFT_KEY_COMMITMENT,
	WEFT_KEY_COUNT,
	WEFT_KEY_OPTIONAL = 64,
};

/* Of a record's hash, where it need only be told from others. */
#define WEFT_SHORT_HASH 16

struct weft_short_hash {
	uint8_t bytes[WEFT_SHORT_HASH];
};

#define WEFT_HAS(key) (1U << (key))

enum weft_operation {
	WEFT_ADD = 1,
	WEFT_REMOVE,
};

/* What an admission allows beyond membership. */
enum weft_may {
	WEFT_MAY_RELAY = 1,
};

struct weft_routes {
	unsigned int count;
	struct weft_prefix at[WEFT_MAX_ROUTES];
};

struct weft_groups {
	unsigned int count;
	char at[WEFT_MAX_GROUPS][WEFT_MAX_GROUP + 1];
};

struct weft_endpoints {
	unsigned int count;
	struct weft_ip_endpoint at[WEFT_MAX_ENDPOINTS];
};

/**
 * struct weft_fields - what a record says
 * @has:	which of the others it does say: WEFT_HAS(WEFT_KEY_...)
 * @type:	enum weft_record_type
 * @network:	the network's root key
 * @signer:	whose signature it bears
 * @issued:	orders what one signer says of one subject; Unix time where a person may see it
 * @subject:	whom it is about
 * @expires:	last second of the admission, or of joining by the invitation
 * @name:	of the network or the member
 * @ipv4:	the member's
 * @may:	enum weft_may
 * @routes:	allowed (admission, invitation) or offered (announcement), ascending
 * @groups:	ascending
 * @invitation:	hash of the invitation that an admission rests on
 * @tunnel:	the Curve25519 key
 * @endpoints:	the likeliest first
 * @features:	as in a HELLO
 * @relay:	kbit/s that the member offers to relay
 * @uses:	how many may join
 * @member_expires: @expires of who joins
 * @operation:	enum weft_operation
 * @ipv4_prefix: the network's
 * @via:	who routes for a stock WireGuard member
 * @commitment:	hash of the network's current secret
 */
struct weft_fields {
	uint32_t has;
	uint64_t type;
	struct weft_id network;
	struct weft_id signer;
	uint64_t issued;
	struct weft_id subject;
	uint64_t expires;
	char name[WEFT_MAX_NAME + 1];
	uint8_t ipv4[4];
	uint64_t may;
	struct weft_routes routes;
	struct weft_groups groups;
	struct weft_id invitation;
	struct weft_tunnel_key tunnel;
	struct weft_endpoints endpoints;
	uint64_t features;
	uint64_t relay;
	uint64_t uses;
	uint64_t member_expires;
	uint64_t operation;
	struct weft_prefix ipv4_prefix;
	struct weft_id via;
	struct weft_id commitment;
};

/**
 * struct weft_slot - of all records with the same, a roster keeps one
 * @type:	enum weft_record_type
 * @about:	the subject; an invitation's own hash, the network where it is about that
 * @sub:	the operation; 1 for an admission by invitation
 * @by:		the signer; for an admission by invitation a hash of signer and invitation
 */
struct weft_slot {
	uint8_t type;
	uint8_t about[WEFT_ID_LEN];
	uint8_t sub;
	uint8_t by[WEFT_ID_LEN];
};

/**
 * struct weft_record - a record as it was received; never changed, shared by reference
 * @refs:	references
 * @len:	of @bytes
 * @issued:	as in the fields
 * @hash:	of @bytes
 * @slot:	see there
 * @bytes:	all of it, with the signature
 */
struct weft_record {
	unsigned int refs;
	uint16_t len;
	uint64_t issued;
	struct weft_id hash;
	struct weft_slot slot;
	uint8_t bytes[];
};

int weft_record_parse(struct weft_record **record, const struct weft_id *network,
		      const void *bytes, size_t len);
int weft_record_sign(struct weft_record **record, const struct weft_fields *fields,
		     const struct weft_identity *signer);
int weft_record_sign_agreed(struct weft_record **record, const struct weft_fields *fields,
			    const struct weft_identity *signer,
			    const struct weft_identity *subject);
void weft_record_hash(struct weft_id *hash, const void *bytes, size_t len);
struct weft_record *weft_record_hold(struct weft_record *record);
void weft_record_put(struct weft_record *record);
void weft_record_fields(const struct weft_record *record, struct weft_fields *fields);
bool weft_record_supersedes(const struct weft_record *record, const struct weft_record *other);
void weft_use_slot(uint8_t by[WEFT_ID_LEN], const struct weft_id *invitation,
		   const struct weft_id *signer);
bool weft_name_valid(const char *name, size_t max);

int weft_body_decode(struct weft_fields *fields, const void *bytes, size_t len);
size_t weft_body_encode(void *bytes, size_t size, const struct weft_fields *fields);

#endif /* WEFT_RECORD_H */
