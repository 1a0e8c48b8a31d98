// SPDX-License-Identifier: GPL-2.0-or-later
/* What a person tells this machine to do. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "node_internal.h"

/* So long the others have to be told that we leave. */
#define FAREWELL (3 * WEFT_SECOND)

/*
 * With whose name this machine speaks as an admin: the root's while it has that key, because what the
 * root said does not fall with this machine's own key.
 */
void weft_admin_identity(const struct weft_node *node, struct weft_identity *admin)
{
	if (node->secrets.has_root)
		weft_identity_from_seed(admin, node->secrets.root);
	else
		*admin = node->identity;
}

/* The roster up to date, and the right to speak. */
static int prepare(struct weft_node *node, const struct weft_time *now,
		   struct weft_identity *admin)
{
	node->ran = false;
	if (node->state != WEFT_NODE_MEMBER || node->leave_at)
		return -EAGAIN;
	if (!weft_review_now(node, now))
		return -ENOMEM;
	if (node->state != WEFT_NODE_MEMBER)
		return -EAGAIN;
	if (!admin)
		return 0;
	weft_admin_identity(node, admin);
	return weft_roster_admin(node->roster, &admin->id) ? 0 : -EPERM;
}

/* The roster got records from a command. */
static int commit(struct weft_node *node, const struct weft_time *now)
{
	weft_spread_new(node);
	weft_roster_changed(node, now, true);
	return weft_review_now(node, now) ? 0 : -ENOMEM;
}

static void add_hint(struct weft_token *token, const struct weft_member *member)
{
	struct weft_hint *hint = &token->hints[token->hint_count];
	struct weft_fields fields;

	weft_record_fields(member->announcement, &fields);
	if (!fields.endpoints.count)
		return;
	hint->identity = member->identity;
	hint->tunnel = member->tunnel;
	hint->endpoints = fields.endpoints;
	token->hint_count++;
}

/* Ourselves, then those who answer us, then any. */
static void add_hints(const struct weft_node *node, struct weft_token *token)
{
	const struct weft_member *members, *self = weft_node_self(node);
	const struct weft_contact *contact;
	size_t count, i;
	int pass;

	if (self && self->announcement)
		add_hint(token, self);
	members = weft_roster_members(node->roster, &count);
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < count && token->hint_count < WEFT_TOKEN_HINTS; i++) {
			if (!weft_reachable(node, &members[i]) || members[i].is_static)
				continue;
			contact = weft_contact_find(node, &members[i].identity);
			if ((contact && contact->alive) == !pass)
				add_hint(token, &members[i]);
		}
	}
}

static int encode_token(const struct weft_node *node, struct weft_record *invitation,
			const uint8_t secret[WEFT_SEED_LEN], bool with_secret,
			char text[WEFT_TOKEN_TEXT])
{
	struct weft_token token = { .network = node->secrets.network };
	int error;

	memcpy(token.secret, secret, sizeof(token.secret));
	token.invitation = weft_record_hold(invitation);
	add_hints(node, &token);
	token.has_epoch = with_secret && node->secrets.has_epoch;
	if (token.has_epoch)
		memcpy(token.epoch, node->secrets.epoch, sizeof(token.epoch));
	error = weft_token_encode(text, &token);
	weft_token_wipe(&token);
	return error;
}

static int invite(struct weft_node *node, const struct weft_time *now,
		  const struct weft_invite *wish, const struct weft_identity *admin,
		  char text[WEFT_TOKEN_TEXT])
{
	struct weft_fields grant = wish->grant;
	struct weft_record *invitation;
	uint8_t secret[WEFT_SEED_LEN];
	int error;

	weft_random_bytes(&node->random, secret, sizeof(secret));
	grant.network = node->secrets.network;
	grant.issued = now->unix_s;
	error = weft_invitation_make(&invitation, &grant, secret, admin);
	if (!error) {
		error = encode_token(node, invitation, secret, wish->with_secret, text);
		if (!error)
			error = weft_take_record(node, now, invitation, NULL);
		weft_record_put(invitation);
	}
	sodium_memzero(secret, sizeof(secret));
	return error;
}

int weft_node_invite(struct weft_node *node, const struct weft_time *now,
		     const struct weft_invite *wish, char token[WEFT_TOKEN_TEXT])
{
	struct weft_identity admin;
	int error = prepare(node, now, &admin);

	if (!error)
		error = invite(node, now, wish, &admin, token);
	weft_identity_wipe(&admin);
	return error;
}

int weft_node_revoke(struct weft_node *node, const struct weft_time *now,
		     const struct weft_id *subject, unsigned int flags,
		     struct weft_losses *losses)
{
	/* it may be the roster's, which is evaluated here */
	const struct weft_id id = *subject;
	struct weft_identity admin;
	int error = prepare(node, now, &admin);

	if (!error && weft_id_equal(&id, &node->identity.id))
		error = -EINVAL;
	weft_sync_digest(node);
	weft_review_remember(node);
	if (!error)
		error = weft_revoke(node->roster, &id, &admin, now->unix_s, flags, losses);
	weft_identity_wipe(&admin);
	if (error)
		return error;
	/* without a new secret the revocation holds too: it is told, and can be done again */
	error = weft_secret_new(node, now);
	commit(node, now);
	weft_secret_spread(node);
	return error;
}

int weft_node_leave(struct weft_node *node, const struct weft_time *now)
{
	int error = prepare(node, now, NULL);

	weft_sync_digest(node);
	weft_review_remember(node);
	if (!error)
		error = weft_leave(node->roster, &node->identity, now->unix_s);
	if (error)
		return error;
	node->leave_at = now->ms + FAREWELL;
	return commit(node, now);
}

/* The others know by now. */
void weft_leave_run(struct weft_node *node, const struct weft_time *now)
{
	if (!node->leave_at || node->state == WEFT_NODE_EXCLUDED || now->ms < node->leave_at)
		return;
	node->state = WEFT_NODE_EXCLUDED;
	weft_contacts_clear(node);
	weft_guests_clear(node);
	weft_notify(node, WEFT_NOTICE_LEFT, &node->identity.id, 0);
}

static int sign_and_take(struct weft_node *node, const struct weft_time *now,
			 struct weft_fields *fields, struct weft_slot *slot,
			 const struct weft_identity *admin)
{
	struct weft_record *record;
	int error;

	slot->type = fields->type;
	memcpy(slot->about, fields->subject.bytes, sizeof(slot->about));
	memcpy(slot->by, admin->id.bytes, sizeof(slot->by));
	fields->network = node->secrets.network;
	fields->issued = weft_roster_next_issued(node->roster, slot, now->unix_s);
	error = weft_record_sign(&record, fields, admin);
	if (error)
		return error;
	error = weft_take_record(node, now, record, NULL);
	weft_record_put(record);
	return error;
}

/* Whether it took effect: an admin cannot take it from one who is nearer to the root. */
static int check_admin(const struct weft_node *node, const struct weft_id *subject,
		       enum weft_operation operation)
{
	bool is = weft_roster_admin(node->roster, subject);

	return is == (operation == WEFT_ADD) ? 0 : -EPERM;
}

int weft_node_set_admin(struct weft_node *node, const struct weft_time *now,
			const struct weft_id *subject, enum weft_operation operation)
{
	struct weft_slot slot = { .sub = operation };
	/* @subject may be the roster's, which is evaluated here: not to be looked at again */
	struct weft_fields fields = {
		.has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_OPERATION),
		.type = WEFT_ADMIN,
		.subject = *subject,
		.operation = operation,
	};
	struct weft_identity admin;
	int error = prepare(node, now, &admin);

	if (!error)
		error = check_admin(node, &fields.subject, operation) ?
			sign_and_take(node, now, &fields, &slot, &admin) : 0;
	weft_identity_wipe(&admin);
	if (!error && !weft_review_now(node, now))
		error = -ENOMEM;
	return error ? error : check_admin(node, &fields.subject, operation);
}

static bool is_taken(const struct weft_node *node, const struct weft_static_member *member)
{
	return weft_roster_by_name(node->roster, member->name) ||
	       weft_roster_by_tunnel(node->roster, &member->tunnel);
}

static int describe_static(const struct weft_node *node, const struct weft_static_member *member,
			   struct weft_fields *fields)
{
	const struct weft_member *via = weft_roster_member(node->roster, &member->via);

	if (!via || via->state != WEFT_MEMBER || via->is_static)
		return -ENOENT;
	if (!weft_name_valid(member->name, WEFT_MAX_NAME))
		return -EPROTO;
	if (is_taken(node, member))
		return -EEXIST;
	*fields = (struct weft_fields){ .type = WEFT_ADMISSION };
	weft_static_id(&fields->subject, &member->tunnel);
	strcpy(fields->name, member->name);
	fields->tunnel = member->tunnel;
	fields->via = member->via;
	fields->routes = member->routes;
	fields->expires = member->expires;
	fields->has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_NAME) |
		      WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_VIA);
	if (fields->routes.count)
		fields->has |= WEFT_HAS(WEFT_KEY_ROUTES);
	if (fields->expires)
		fields->has |= WEFT_HAS(WEFT_KEY_EXPIRES);
	if (weft_roster_free_ipv4(node->roster, &fields->subject, fields->ipv4))
		fields->has |= WEFT_HAS(WEFT_KEY_IPV4);
	return 0;
}

int weft_node_admit_static(struct weft_node *node, const struct weft_time *now,
			   const struct weft_static_member *member, struct weft_id *id)
{
	struct weft_slot slot = { .sub = 0 };
	struct weft_identity admin;
	struct weft_fields fields;
	int error = prepare(node, now, &admin);

	if (!error)
		error = describe_static(node, member, &fields);
	if (!error && weft_roster_revoked(node->roster, &fields.subject))
		error = -EKEYREVOKED;
	if (!error)
		error = sign_and_take(node, now, &fields, &slot, &admin);
	weft_identity_wipe(&admin);
	if (error)
		return error;
	*id = fields.subject;
	return weft_review_now(node, now) ? 0 : -ENOMEM;
}

static bool granted(const struct weft_routes *grant, const struct weft_prefix *route)
{
	unsigned int i;

	for (i = 0; i < grant->count; i++) {
		if (weft_prefix_covers(&grant->at[i], route))
			return true;
	}
	return false;
}

static bool all_granted(const struct weft_routes *grant, const struct weft_routes *routes)
{
	unsigned int i;

	for (i = 0; i < routes->count; i++) {
		if (!granted(grant, &routes->at[i]))
			return false;
	}
	return true;
}

/* Sorted, without repetition. */
static int add_grant(struct weft_routes *grant, const struct weft_prefix *route)
{
	unsigned int n = 0;

	if (granted(grant, route))
		return 0;
	if (grant->count == WEFT_MAX_ROUTES)
		return -EPROTO;
	while (n < grant->count && weft_prefix_compare(&grant->at[n], route) < 0)
		n++;
	memmove(&grant->at[n + 1], &grant->at[n], (grant->count - n) * sizeof(grant->at[0]));
	grant->at[n] = *route;
	grant->count++;
	return 0;
}

/*
 * An admin may grant routes to whom it likes, and so to itself; the founder, whom nobody invited, has no
 * other way.
 */
static int grant_self(struct weft_node *node, const struct weft_time *now,
		      const struct weft_routes *routes)
{
	struct weft_slot slot = { .sub = 0 };
	struct weft_identity admin;
	struct weft_fields fields;
	unsigned int i;
	int error = 0;

	weft_member_grant(weft_node_self(node), &fields);
	for (i = 0; !error && i < routes->count; i++)
		error = add_grant(&fields.routes, &routes->at[i]);
	if (error)
		return error;
	fields.has |= WEFT_HAS(WEFT_KEY_ROUTES);
	weft_admin_identity(node, &admin);
	/* who goes by a name that no record may claim cannot be admitted under it */
	error = weft_roster_admin(node->roster, &admin.id) && fields.has & WEFT_HAS(WEFT_KEY_NAME) ?
		sign_and_take(node, now, &fields, &slot, &admin) : -EACCES;
	weft_identity_wipe(&admin);
	if (error)
		return error;
	return weft_review_now(node, now) ? 0 : -ENOMEM;
}

int weft_node_set_routes(struct weft_node *node, const struct weft_time *now,
			 const struct weft_routes *routes)
{
	struct weft_fields grant;
	unsigned int i;
	int error = prepare(node, now, NULL);

	if (error)
		return error;
	for (i = 0; i < routes->count; i++) {
		if (!weft_prefix_valid(&routes->at[i]) ||
		    (i && weft_prefix_compare(&routes->at[i - 1], &routes->at[i]) >= 0))
			return -EPROTO;
	}
	weft_member_grant(weft_node_self(node), &grant);
	if (!all_granted(&grant.routes, routes))
		error = grant_self(node, now, routes);
	if (error)
		return error;
	node->own_routes = *routes;
	weft_announce_soon(node, now);
	return 0;
}

int weft_node_announce(struct weft_node *node, const struct weft_time *now)
{
	int error = prepare(node, now, NULL);

	if (error)
		return error;
	node->announce_anyway = true;
	node->announce_at = now->ms;
	return 0;
}
