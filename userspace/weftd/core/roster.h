/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All records of a network, and what follows from them. What is kept depends only on the set of
 * records that ever arrived, not on their order or number; what follows depends only on what is
 * kept, and the time.
 */
#ifndef WEFT_ROSTER_H
#define WEFT_ROSTER_H

#include "record.h"

struct weft_roster;

enum weft_member_state {
	WEFT_MEMBER,
	/* its admission lapsed */
	WEFT_MEMBER_EXPIRED,
	/* revoked, by itself or an admin */
	WEFT_MEMBER_REVOKED,
	/* nobody who may admit (any more) admitted it */
	WEFT_MEMBER_UNCHAINED,
};

/* What a conflict took from a member, or left it with. Another member claims the same. */
enum weft_conflict {
	WEFT_CONFLICT_NAME = 1,
	WEFT_CONFLICT_IPV4 = 2,
	WEFT_CONFLICT_TUNNEL = 4,
};

/* A name, "--", and 16 hexadecimal digits. */
#define WEFT_MEMBER_NAME_LEN (WEFT_MAX_NAME + 2 + 16)

/**
 * struct weft_member - what the records say of one subject
 * @identity:	who it is
 * @admission:	the one that counts
 * @invitation:	on which that rests, or NULL
 * @announcement: the last one, or NULL
 * @expires:	when membership lapses; 0: never
 * @tunnel:	its Curve25519 key, if @has_tunnel
 * @address:	in the overlay, IPv6
 * @ipv4:	in the overlay, if @has_ipv4
 * @name:	under which it is found
 * @state:	see there; all that follows is for members in state WEFT_MEMBER
 * @conflicts:	enum weft_conflict
 * @is_static:	a stock WireGuard member, without daemon or announcements
 * @has_ipv4:	see @ipv4
 * @has_tunnel:	see @tunnel
 * @has_routes:	whether it was granted any
 */
struct weft_member {
	struct weft_id identity;
	struct weft_record *admission;
	struct weft_record *invitation;
	struct weft_record *announcement;
	uint64_t expires;
	struct weft_tunnel_key tunnel;
	uint8_t address[16];
	uint8_t ipv4[4];
	char name[WEFT_MEMBER_NAME_LEN + 1];
	uint8_t state;
	uint8_t conflicts;
	bool is_static;
	bool has_ipv4;
	bool has_tunnel;
	bool has_routes;
};

/**
 * struct weft_admin - who may admit, invite, revoke
 * @id:		the key
 * @level:	steps from the root, which is 0
 */
struct weft_admin {
	struct weft_id id;
	unsigned int level;
};

int weft_roster_new(struct weft_roster **roster, const struct weft_id *network);
int weft_roster_clone(struct weft_roster **roster, const struct weft_roster *from);
void weft_roster_free(struct weft_roster *roster);

int weft_roster_add(struct weft_roster *roster, struct weft_record *record);
int weft_roster_add_bytes(struct weft_roster *roster, const void *bytes, size_t len);
int weft_roster_merge(struct weft_roster *roster, const struct weft_roster *from);
int weft_roster_forget_unanchored(struct weft_roster *roster);

const struct weft_id *weft_roster_network(const struct weft_roster *roster);
size_t weft_roster_count(const struct weft_roster *roster);
struct weft_record *weft_roster_at(const struct weft_roster *roster, size_t n, bool *anchored);
struct weft_record *weft_roster_find(const struct weft_roster *roster,
				     const struct weft_slot *slot);
struct weft_record *weft_roster_find_invitation(const struct weft_roster *roster,
						const struct weft_id *hash);
uint64_t weft_roster_next_issued(const struct weft_roster *roster, const struct weft_slot *slot,
				 uint64_t now);
int weft_roster_digest(struct weft_roster *roster, struct weft_id *digest);

int weft_roster_evaluate(struct weft_roster *roster, uint64_t now);
uint64_t weft_roster_changes_at(const struct weft_roster *roster);
const struct weft_record *weft_roster_settings(const struct weft_roster *roster);
const struct weft_record *weft_roster_epoch(const struct weft_roster *roster);
const struct weft_admin *weft_roster_admins(const struct weft_roster *roster, size_t *count);
const struct weft_admin *weft_roster_admin(const struct weft_roster *roster,
					   const struct weft_id *id);
const struct weft_record *weft_roster_revocation(const struct weft_roster *roster,
						 const struct weft_id *id);
const struct weft_record *weft_roster_appointment(const struct weft_roster *roster,
						  const struct weft_id *id);
bool weft_roster_revoked_by_admin(const struct weft_roster *roster, const struct weft_id *id);
bool weft_roster_revoked(const struct weft_roster *roster, const struct weft_id *id);
bool weft_roster_anchored(const struct weft_roster *roster, const struct weft_record *record);
bool weft_roster_stale(const struct weft_roster *roster);

const struct weft_member *weft_roster_members(const struct weft_roster *roster, size_t *count);
const struct weft_member *weft_roster_member(const struct weft_roster *roster,
					     const struct weft_id *id);
const struct weft_member *weft_roster_by_name(const struct weft_roster *roster, const char *name);
const struct weft_member *weft_roster_by_address(const struct weft_roster *roster,
						 const uint8_t *address, size_t size);
const struct weft_member *weft_roster_by_tunnel(const struct weft_roster *roster,
						const struct weft_tunnel_key *tunnel);
void weft_member_grant(const struct weft_member *member, struct weft_fields *fields);
void weft_roster_routes(const struct weft_roster *roster, const struct weft_member *member,
			struct weft_routes *routes);
bool weft_roster_free_ipv4(const struct weft_roster *roster, const struct weft_id *id,
			   uint8_t address[4]);
size_t weft_roster_uses(const struct weft_roster *roster, const struct weft_record *invitation,
			const struct weft_id *subject, bool *used_by_subject);

#endif /* WEFT_ROSTER_H */
