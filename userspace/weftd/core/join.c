// SPDX-License-Identifier: GPL-2.0-or-later
/* Becoming a member: with the invitation's key until somebody lets us in, then with our own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

/* How often to knock, hand over, before it is told that nobody answers, or another door is tried. */
#define KNOCKS 12
#define HAND_OVERS 6
/* How often a door may say that it has no such invitation, which it was given. */
#define GIVEN 8
#define RETRY WEFT_SECOND
#define LEARN (30 * WEFT_SECOND)
/* In all, at one door; what was learned by then is not lost. */
#define LEARN_LONGEST (10 * WEFT_MINUTE)
/* A door that has records of which we take none never has the same as we. */
#define ALONE (5 * WEFT_SECOND)
/* Of our first announcement: with the admission, it has to fit into one datagram. */
#define FEW_ENDPOINTS 8

bool weft_join_as_guest(const struct weft_node *node)
{
	return node->joining && node->joining->phase != WEFT_JOIN_LEARN;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct weft_hint *find_door(struct weft_joining *joining, const struct weft_id *id)
{
	unsigned int i;

	for (i = 0; i < joining->door_count; i++) {
		if (weft_id_equal(&joining->doors[i].identity, id))
			return &joining->doors[i];
	}
	return NULL;
}

const struct weft_hint *weft_join_hint(const struct weft_node *node, const struct weft_id *id)
{
	return node->joining ? find_door(node->joining, id) : NULL;
}

void weft_join_free(struct weft_node *node)
{
	struct weft_joining *joining = node->joining;

	if (!joining)
		return;
	weft_token_wipe(&joining->token);
	weft_invitation_keys_wipe(&joining->keys);
	weft_record_put(joining->admission);
	weft_record_put(joining->announcement);
	free(joining);
	node->joining = NULL;
}

static void want_door(struct weft_node *node, const struct weft_time *now,
		      const struct weft_hint *hint)
{
	struct weft_contact *contact = weft_contact_hinted(node, hint);

	if (contact)
		weft_contact_want(node, now, contact, WEFT_WANTED_DEMAND);
}

/* Another key, another address: what waits to be sent is from one that the device has no more. */
static void change_key(struct weft_node *node)
{
	struct weft_contact *contact;
	size_t i;

	weft_queue_clear(node);
	node->wants.count = 0;
	node->device_dirty = true;
	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		weft_contact_unwant(node, contact, WEFT_WANTED_NEIGHBOUR | WEFT_WANTED_LINK |
						   WEFT_WANTED_PROBE);
		contact->session = false;
		contact->alive = false;
		contact->tries = 0;
	}
}

static void begin_knocking(struct weft_node *node, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;
	unsigned int i;

	joining->phase = WEFT_JOIN_KNOCK;
	joining->look_at = 0;
	joining->tries = 0;
	joining->next_ms = now->ms;
	change_key(node);
	for (i = 0; i < joining->door_count; i++)
		want_door(node, now, &joining->doors[i]);
}

/* The token is decoded already. */
int weft_join_begin(struct weft_node *node, const char *name, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;
	const struct weft_token *token = &joining->token;
	int error;

	if (!weft_invitation_matches(token->invitation, token->secret))
		return -EKEYREJECTED;
	weft_invitation_keys(&joining->keys, token->secret);
	weft_guest_address(joining->address, &node->secrets.network,
			   &joining->keys.tunnel.public_key);
	memcpy(joining->doors, token->hints, sizeof(token->hints));
	joining->door_count = token->hint_count;
	joining->has_name = name;
	if (name)
		strcpy(joining->name, name);
	if (token->has_epoch) {
		node->secrets.has_epoch = true;
		memcpy(node->secrets.epoch, token->epoch, sizeof(token->epoch));
	}
	error = weft_roster_add(node->roster, token->invitation);
	if (error)
		return error;
	weft_roster_changed(node, now, true);
	begin_knocking(node, now);
	return 0;
}

static bool has_session(const struct weft_node *node, const struct weft_id *id)
{
	const struct weft_contact *contact = weft_contact_find(node, id);

	return contact && contact->session;
}

/* A door that may make room for another: found, not the token's, and it does not answer. */
static bool is_spare(const struct weft_node *node, unsigned int i)
{
	const struct weft_joining *joining = node->joining;
	const struct weft_id *id = &joining->doors[i].identity;

	return i >= joining->token.hint_count && !weft_id_equal(id, &joining->door) &&
	       !has_session(node, id);
}

static void forget_door(struct weft_node *node, unsigned int i)
{
	struct weft_joining *joining = node->joining;
	size_t n;

	joining->refused &= ~(1U << i);
	joining->slow &= ~(1U << i);
	joining->unsure[i] = 0;
	for (n = 0; n < node->contacts.count; n++) {
		if (weft_id_equal(&node->contacts.at[n]->id, &joining->doors[i].identity))
			break;
	}
	if (n < node->contacts.count)
		weft_contact_drop(node, n);
}

/* Room for one more; NULL: there is none. One is chosen by chance: each of many is to have its turn. */
static struct weft_hint *add_door(struct weft_node *node)
{
	struct weft_joining *joining = node->joining;
	unsigned int i, count = 0, chosen = 0;

	if (joining->door_count < WEFT_MAX_DOORS)
		return &joining->doors[joining->door_count++];
	for (i = 0; i < joining->door_count; i++) {
		if (is_spare(node, i) && !weft_random_below(&node->random, ++count))
			chosen = i;
	}
	if (!count)
		return NULL;
	forget_door(node, chosen);
	return &joining->doors[chosen];
}

static bool same_key(const struct weft_hint *a, const struct weft_hint *b)
{
	return !memcmp(&a->tunnel, &b->tunnel, sizeof(a->tunnel));
}

/* Another member that may let us in, found by a beacon or a rendezvous. */
void weft_join_found(struct weft_node *node, const struct weft_time *now,
		     const struct weft_hint *hint, const struct weft_candidate *at)
{
	struct weft_contact *contact;
	struct weft_hint *door;

	if (!weft_join_as_guest(node))
		return;
	door = find_door(node->joining, &hint->identity);
	/* who answers has the key that we know it by, whatever somebody says */
	if (door && !same_key(door, hint) && has_session(node, &hint->identity))
		return;
	if (!door)
		door = add_door(node);
	if (!door)
		return;
	*door = *hint;
	want_door(node, now, hint);
	contact = weft_contact_find(node, &hint->identity);
	if (!contact)
		return;
	if (at) {
		contact->has_near = true;
		contact->near = *at;
	}
	weft_contact_touch(node, contact);
}

/*
 * It may open again and again, and be quicker than all others, and yet we never become a member by it:
 * not as long as there is another that may answer. @i: which door
 */
static bool is_last_resort(const struct weft_joining *joining, unsigned int i)
{
	unsigned int all = (1U << joining->door_count) - 1;

	return joining->slow & 1U << i && joining->tries < KNOCKS &&
	       all & ~joining->refused & ~joining->slow;
}

/* It has no such invitation, and is given it; but it may say so for ever. @i: which door */
static void give_invitation(struct weft_node *node, const struct weft_time *now,
			    const struct weft_contact *contact, unsigned int i)
{
	struct weft_joining *joining = node->joining;

	if (++joining->unsure[i] >= GIVEN) {
		joining->unsure[i] = 0;
		joining->slow |= 1U << i;
		return;
	}
	weft_send_record(node, joining->address, contact->address, joining->token.invitation);
	/* sooner, but never later: whoever says so again and again would keep us from knocking */
	joining->next_ms = earlier(joining->next_ms, now->ms + RETRY / 4);
}

/* By the door that opened nothing came of it: to others first. */
static void begin_elsewhere(struct weft_node *node, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;
	struct weft_hint *door = find_door(joining, &joining->door);

	if (door)
		joining->slow |= 1U << (door - joining->doors);
	begin_knocking(node, now);
}

static void knock(struct weft_node *node)
{
	struct weft_joining *joining = node->joining;
	struct weft_message message = { .type = WEFT_KNOCK };
	struct weft_contact *contact;
	unsigned int i;

	message.knock.joiner = node->identity.id;
	message.knock.invitation = joining->token.invitation->hash;
	for (i = 0; i < joining->door_count; i++) {
		contact = weft_contact_find(node, &joining->doors[i].identity);
		if (!contact || joining->refused & 1U << i || is_last_resort(joining, i))
			continue;
		/* another of its endpoints, while none answers */
		if (!contact->session && joining->tries && joining->tries % 3 == 0) {
			contact->turn++;
			weft_contact_touch(node, contact);
		}
		weft_send_from(node, joining->address, contact->address, &message);
	}
}

static void hand_over(struct weft_node *node)
{
	struct weft_joining *joining = node->joining;
	struct weft_message message = { .type = WEFT_JOIN };
	struct weft_contact *contact = weft_contact_find(node, &joining->door);

	if (!contact)
		return;
	message.join.admission.at = joining->admission->bytes;
	message.join.admission.len = joining->admission->len;
	message.join.announcement.at = joining->announcement->bytes;
	message.join.announcement.len = joining->announcement->len;
	weft_send_from(node, joining->address, contact->address, &message);
}

static void notify_no_answer(struct weft_node *node, const struct weft_time *now)
{
	struct weft_fields fields;

	weft_record_fields(node->joining->token.invitation, &fields);
	/* the likeliest reason, if our clock is right */
	weft_notify(node, WEFT_NOTICE_NO_ANSWER, &node->identity.id,
		    now->unix_s > fields.expires ? -EKEYEXPIRED : 0);
}

/* Nobody answers under a key that somebody said a door of the token's has: so it may not. */
static void believe_token(struct weft_node *node, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;
	unsigned int i;

	for (i = 0; i < joining->token.hint_count; i++) {
		if (same_key(&joining->doors[i], &joining->token.hints[i]) ||
		    has_session(node, &joining->doors[i].identity))
			continue;
		joining->doors[i] = joining->token.hints[i];
		want_door(node, now, &joining->doors[i]);
	}
}

/* Its first message waited for the session; the next need not wait long. */
void weft_join_session(struct weft_node *node, const struct weft_time *now)
{
	if (weft_join_as_guest(node) && node->joining->next_ms > now->ms + RETRY / 4)
		node->joining->next_ms = now->ms + RETRY / 4;
}

/* Ask no more at this door; when it was the last, that was it. */
static void refused(struct weft_node *node, const struct weft_time *now,
		    const struct weft_contact *contact, int error)
{
	struct weft_joining *joining = node->joining;
	struct weft_notice *notice;
	unsigned int i;

	/* it may be otherwise soon */
	if (error == -EAGAIN || error == -ENOSPC || error == -ENOMEM)
		return;
	for (i = 0; i < joining->door_count; i++) {
		if (weft_id_equal(&joining->doors[i].identity, &contact->id))
			joining->refused |= 1U << i;
	}
	notice = weft_notify(node, WEFT_NOTICE_REFUSED, &contact->id, error);
	if (joining->refused != (1U << joining->door_count) - 1) {
		if (joining->phase == WEFT_JOIN_HAND_OVER)
			begin_knocking(node, now);
		return;
	}
	if (notice)
		notice->final = true;
	joining->next_ms = WEFT_NEVER;
}

/* In the time of whoever has the earlier clock: ours may be ahead, and the invitation not expired. */
static uint64_t time_of_joining(const struct weft_node *node, const struct weft_time *now,
				const struct weft_door *door)
{
	struct weft_fields fields;

	weft_record_fields(node->joining->token.invitation, &fields);
	return now->unix_s <= fields.expires ? now->unix_s : door->unix_s;
}

static int sign(struct weft_node *node, const struct weft_time *now, const struct weft_door *door)
{
	struct weft_joining *joining = node->joining;
	int error = 0;

	/* what was signed once is not signed otherwise: a first use may have arrived */
	if (!joining->admission)
		error = weft_invitation_redeem(&joining->admission, joining->token.invitation,
					       joining->token.secret, &node->identity,
					       joining->has_name ? joining->name : NULL,
					       door->has_ipv4 ? door->ipv4 : NULL,
					       time_of_joining(node, now, door));
	if (!error && !joining->announcement)
		error = weft_announce_make(node, now, FEW_ENDPOINTS, &joining->announcement);
	return error;
}

static void door_answered(struct weft_node *node, const struct weft_time *now,
			  struct weft_contact *contact, const struct weft_door *door)
{
	struct weft_joining *joining = node->joining;
	const struct weft_hint *which = find_door(joining, &contact->id);
	int error = door->error;

	if (joining->phase != WEFT_JOIN_KNOCK || !which ||
	    !weft_id_equal(&door->joiner, &node->identity.id) ||
	    is_last_resort(joining, which - joining->doors))
		return;
	if (error == -ENOENT) {
		give_invitation(node, now, contact, which - joining->doors);
		return;
	}
	if (!error)
		error = sign(node, now, door);
	if (error) {
		refused(node, now, contact, error);
		return;
	}
	joining->door = contact->id;
	joining->phase = WEFT_JOIN_HAND_OVER;
	joining->tries = 0;
	joining->next_ms = now->ms;
}

static void welcomed(struct weft_node *node, const struct weft_time *now,
		     struct weft_contact *contact)
{
	struct weft_joining *joining = node->joining;

	joining->phase = WEFT_JOIN_LEARN;
	joining->next_ms = now->ms + LEARN;
	joining->learn_until = now->ms + LEARN_LONGEST;
	joining->needed_ms = 0;
	joining->same = false;
	change_key(node);
	weft_take_record(node, now, joining->admission, NULL);
	weft_take_record(node, now, joining->announcement, NULL);
	/* also when it had them already, from a time before: then they are no news, but the door may be */
	weft_roster_changed(node, now, true);
	/* not a neighbour for good: all who came in by this door would be */
	weft_link_probe(node, now, contact);
}

/* It opened, and now has no such invitation; and perhaps the next time again. */
static void forgotten(struct weft_node *node, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;
	const struct weft_hint *door = find_door(joining, &joining->door);

	if (door && ++joining->unsure[door - joining->doors] >= GIVEN)
		begin_elsewhere(node, now);
	else
		begin_knocking(node, now);
}

void weft_join_message(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_message *message)
{
	struct weft_joining *joining = node->joining;

	if (joining->next_ms == WEFT_NEVER)
		return;
	if (message->type == WEFT_DOOR) {
		door_answered(node, now, contact, &message->door);
		return;
	}
	if (message->type != WEFT_WELCOME || joining->phase != WEFT_JOIN_HAND_OVER ||
	    !weft_id_equal(&joining->door, &contact->id)) {
		node->stats.drops[WEFT_DROP_UNASKED]++;
		return;
	}
	if (!message->welcome)
		welcomed(node, now, contact);
	else if (message->welcome == -ENOENT)
		forgotten(node, now);
	else
		refused(node, now, contact, message->welcome);
}

/* Whether we are a member by what came since, and know one, and what the network is called. */
static bool has_needed(const struct weft_node *node)
{
	const struct weft_member *self, *door;

	self = weft_roster_member(node->roster, &node->identity.id);
	door = weft_roster_member(node->roster, &node->joining->door);
	return self && self->state == WEFT_MEMBER && weft_reachable(node, door) &&
	       weft_roster_settings(node->roster);
}

static bool knows_another(const struct weft_node *node)
{
	const struct weft_member *members;
	size_t count, i;

	members = weft_roster_members(node->roster, &count);
	for (i = 0; i < count; i++) {
		if (weft_reachable(node, &members[i]) && !members[i].is_static &&
		    !weft_id_equal(&members[i].identity, &node->joining->door))
			return true;
	}
	return false;
}

/*
 * Whether we could go on without the door. Who knows nobody else has nobody to turn to when the door is
 * gone, and is unknown to the others, if the door did not come to tell them: unless there are none.
 */
static bool is_independent(const struct weft_node *node, const struct weft_time *now)
{
	const struct weft_joining *joining = node->joining;
	const struct weft_contact *door = weft_contact_find(node, &joining->door);

	if (joining->same || knows_another(node))
		return true;
	return now->ms >= joining->needed_ms + ALONE && door && door->alive && !door->tries;
}

static void joined(struct weft_node *node, const struct weft_time *now)
{
	struct weft_id let_in_by = node->joining->door;
	struct weft_contact *contact;

	contact = weft_contact_get(node, weft_roster_member(node->roster, &let_in_by));
	if (!node->joining->same)
		weft_link_settle(node, now);
	weft_join_free(node);
	node->state = WEFT_NODE_MEMBER;
	node->persist |= WEFT_PERSIST_SECRETS | WEFT_PERSIST_ROSTER;
	node->routes_dirty = true;
	if (contact)
		weft_contact_touch(node, contact);
	weft_notify(node, WEFT_NOTICE_JOINED, &let_in_by, 0);
	weft_announce_soon(node, now);
	weft_beacon_soon(node, now);
}

/* Return: whether we have joined. */
static bool look(struct weft_node *node, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;

	joining->look_at = 0;
	if (!has_needed(node))
		return false;
	if (!joining->needed_ms)
		joining->needed_ms = now->ms;
	if (is_independent(node, now)) {
		joined(node, now);
		return true;
	}
	joining->look_at = now->ms + RETRY;
	return false;
}

void weft_join_reviewed(struct weft_node *node, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;

	if (joining->phase != WEFT_JOIN_LEARN || look(node, now))
		return;
	/* records come, but there are many: whoever begins anew would never get to the end */
	joining->next_ms = earlier(now->ms + LEARN, joining->learn_until);
}

/* This contact has what we have. */
void weft_join_compared(struct weft_node *node, const struct weft_time *now,
			const struct weft_contact *contact)
{
	struct weft_joining *joining = node->joining;

	if (!joining || joining->phase != WEFT_JOIN_LEARN ||
	    !weft_id_equal(&contact->id, &joining->door))
		return;
	joining->same = true;
	joining->look_at = now->ms;
}

static bool looked(struct weft_node *node, const struct weft_time *now)
{
	if (!node->joining->look_at || now->ms < node->joining->look_at || !look(node, now))
		return false;
	/* peers follow from the roster */
	weft_roster_changed(node, now, true);
	return true;
}

void weft_join_run(struct weft_node *node, const struct weft_time *now)
{
	struct weft_joining *joining = node->joining;

	if (!joining || looked(node, now) || now->ms < joining->next_ms)
		return;
	joining->next_ms = now->ms + RETRY;
	switch (joining->phase) {
	case WEFT_JOIN_KNOCK:
		knock(node);
		if (++joining->tries % KNOCKS)
			break;
		believe_token(node, now);
		notify_no_answer(node, now);
		break;
	case WEFT_JOIN_HAND_OVER:
		if (joining->tries++ == HAND_OVERS)
			begin_elsewhere(node, now);
		else
			hand_over(node);
		break;
	case WEFT_JOIN_LEARN:
		/* who let us in is gone before it told us of others, or does not mean to */
		begin_elsewhere(node, now);
	}
}

uint64_t weft_join_due(const struct weft_node *node)
{
	const struct weft_joining *joining = node->joining;

	if (!joining)
		return WEFT_NEVER;
	return joining->look_at ? earlier(joining->look_at, joining->next_ms) : joining->next_ms;
}
