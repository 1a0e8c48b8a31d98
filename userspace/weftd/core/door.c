// SPDX-License-Identifier: GPL-2.0-or-later
/* Letting in who comes with an invitation. */
#include <errno.h>
#include <string.h>

#include "node_internal.h"

#define GUEST_STAYS (15 * WEFT_SECOND)
/* To hear that it was let in, if it did not the first time. */
#define GUEST_LEAVES (5 * WEFT_SECOND)
/* The second time because some of the first may be lost. */
#define INTRODUCTIONS 2
/* Those whose invitation we do not have: they may be nobody. */
#define MAX_UNKNOWN 4
/* Messages of a guest, a second, and at once. */
#define TALK_RATE 5
#define TALK_BURST 20

/* Whoever has the invitation's tunnel key can tell, and nobody needs to assign it. */
void weft_guest_address(uint8_t address[16], const struct weft_id *network,
			const struct weft_tunnel_key *key)
{
	struct weft_prefix prefix;
	uint8_t hash[WEFT_ID_LEN];

	weft_network_prefix(&prefix, network);
	weft_hash(hash, sizeof(hash), "weft/1/guest", (struct weft_part){ key->bytes, 32 },
		  (struct weft_part){ 0 });
	memcpy(address, prefix.address, 6);
	memcpy(address + 6, hash, 10);
}

struct weft_guest *weft_guest_by_address(struct weft_node *node, const uint8_t address[16])
{
	unsigned int i;

	for (i = 0; i < WEFT_MAX_GUESTS; i++) {
		if (node->guests[i].until_ms && !memcmp(node->guests[i].address, address, 16))
			return &node->guests[i];
	}
	return NULL;
}

static struct weft_record *invitation_for(const struct weft_node *node,
					  const struct weft_tunnel_key *key)
{
	struct weft_fields fields;
	struct weft_record *record;
	size_t i;

	for (i = 0; i < weft_roster_count(node->roster); i++) {
		record = weft_roster_at(node->roster, i, NULL);
		if (record->slot.type != WEFT_INVITATION)
			continue;
		weft_record_fields(record, &fields);
		if (!memcmp(&fields.tunnel, key, sizeof(*key)))
			return record;
	}
	return NULL;
}

static void dismiss(struct weft_node *node, struct weft_guest *guest)
{
	if (guest->programmed && weft_list_room(&node->to_remove))
		node->to_remove.at[node->to_remove.count++] = guest->key;
	weft_record_put(guest->invitation);
	memset(guest, 0, sizeof(*guest));
}

/* Its place, or a free one; who has an invitation may take that of one who may have none. */
static struct weft_guest *find_place(struct weft_node *node, const struct weft_tunnel_key *key,
				     bool known)
{
	struct weft_guest *guest, *free_one = NULL, *unknown = NULL;
	unsigned int i, count = 0;

	for (i = 0; i < WEFT_MAX_GUESTS; i++) {
		guest = &node->guests[i];
		if (!guest->until_ms) {
			free_one = guest;
			continue;
		}
		if (!memcmp(&guest->key, key, sizeof(*key)))
			return guest;
		if (!guest->known) {
			unknown = guest;
			count++;
		}
	}
	if (!known && count >= MAX_UNKNOWN)
		return NULL;
	if (free_one || !known || !unknown)
		return free_one;
	dismiss(node, unknown);
	return unknown;
}

/* An initiation came from a key that is no member's. Return: whether it is given a hearing. */
bool weft_guest_arrives(struct weft_node *node, const struct weft_time *now,
			const struct weft_tunnel_key *key, const struct weft_candidate *at)
{
	struct weft_record *invitation = invitation_for(node, key);
	struct weft_guest *guest;

	if (!weft_node_take_budget(node, now, WEFT_BUDGET_GUEST, 1))
		return false;
	guest = find_place(node, key, invitation);
	if (!guest)
		return false;
	if (!guest->until_ms) {
		guest->key = *key;
		weft_guest_address(guest->address, &node->secrets.network, key);
		guest->known = invitation;
		guest->invitation = invitation ? weft_record_hold(invitation) : NULL;
	}
	guest->has_at = at;
	if (at)
		guest->at = *at;
	guest->until_ms = now->ms + GUEST_STAYS;
	/* the kernel says that it does not have it */
	guest->programmed = false;
	return true;
}

bool weft_guest_output(struct weft_node *node, struct weft_output *output)
{
	struct weft_guest *guest;
	unsigned int i;

	for (i = 0; i < WEFT_MAX_GUESTS; i++) {
		guest = &node->guests[i];
		if (!guest->until_ms || guest->programmed)
			continue;
		guest->programmed = true;
		output->type = WEFT_OUT_PEER;
		output->peer = (struct weft_out_peer){ .key = guest->key };
		node->scratch.count = 0;
		if (!weft_list_room(&node->scratch))
			return false;
		node->scratch.at[0] = (struct weft_prefix){ .size = 16, .length = 128 };
		memcpy(node->scratch.at[0].address, guest->address, 16);
		output->peer.allowed = node->scratch.at;
		output->peer.allowed_count = 1;
		output->peer.candidates[0] = guest->at;
		output->peer.candidate_count = guest->has_at;
		return true;
	}
	return false;
}

void weft_guest_run(struct weft_node *node, const struct weft_time *now)
{
	unsigned int i;

	for (i = 0; i < WEFT_MAX_GUESTS; i++) {
		if (node->guests[i].until_ms && now->ms >= node->guests[i].until_ms)
			dismiss(node, &node->guests[i]);
	}
}

uint64_t weft_guest_due(const struct weft_node *node)
{
	uint64_t due = WEFT_NEVER;
	unsigned int i;

	for (i = 0; i < WEFT_MAX_GUESTS; i++) {
		if (node->guests[i].until_ms && node->guests[i].until_ms < due)
			due = node->guests[i].until_ms;
	}
	return due;
}

void weft_guests_clear(struct weft_node *node)
{
	unsigned int i;

	for (i = 0; i < WEFT_MAX_GUESTS; i++) {
		if (node->guests[i].until_ms)
			dismiss(node, &node->guests[i]);
	}
}

static int judge(struct weft_node *node, const struct weft_time *now,
		 const struct weft_guest *guest, const struct weft_id *joiner)
{
	/* what came in may decide; also that we are out, and so is the guest */
	if (!weft_review_now(node, now) || node->state != WEFT_NODE_MEMBER)
		return -EAGAIN;
	/* just let in ourselves: we may not have heard yet of who has which address, and who is out */
	if (node->settle_at)
		return -EAGAIN;
	return weft_invitation_check(node->roster, guest->invitation, joiner, now->unix_s);
}

/* What came before it may say that we are out: then we have no guests, and say nothing any more. */
static void answer(struct weft_node *node, const struct weft_guest *guest,
		   const struct weft_message *message)
{
	if (guest->until_ms)
		weft_send(node, guest->address, message);
}

static void answer_knock(struct weft_node *node, const struct weft_time *now,
			 struct weft_guest *guest, const struct weft_knock *knock)
{
	struct weft_message message = { .type = WEFT_DOOR };
	struct weft_door *door = &message.door;
	struct weft_fields grant;

	guest->until_ms = now->ms + GUEST_STAYS;
	door->joiner = knock->joiner;
	door->unix_s = now->unix_s;
	if (!guest->invitation || !weft_id_equal(&guest->invitation->hash, &knock->invitation))
		door->error = -ENOENT;
	else
		door->error = judge(node, now, guest, &knock->joiner);
	if (!door->error) {
		weft_record_fields(guest->invitation, &grant);
		door->has_ipv4 = !(grant.has & WEFT_HAS(WEFT_KEY_IPV4)) &&
				 weft_roster_free_ipv4(node->roster, &knock->joiner, door->ipv4);
	} else if (door->error != -ENOENT && door->error != -EAGAIN) {
		weft_notify(node, WEFT_NOTICE_NOT_ADMITTED, &knock->joiner, door->error);
	}
	answer(node, guest, &message);
}

/* The invitation, from who brings it: only the one that its key is of. */
static void take_invitation(struct weft_node *node, struct weft_guest *guest, const uint8_t *bytes,
			    size_t len)
{
	struct weft_fields fields;
	struct weft_record *record;

	if (guest->invitation ||
	    weft_record_parse(&record, &node->secrets.network, bytes, len)) {
		node->stats.drops[WEFT_DROP_RECORD]++;
		return;
	}
	weft_record_fields(record, &fields);
	if (fields.type == WEFT_INVITATION &&
	    !memcmp(&fields.tunnel, &guest->key, sizeof(guest->key)))
		guest->invitation = weft_record_hold(record);
	else
		node->stats.drops[WEFT_DROP_RECORD]++;
	weft_record_put(record);
}

static bool is_use(const struct weft_guest *guest, const struct weft_record *admission,
		   const struct weft_record *announcement)
{
	struct weft_fields fields;

	if (admission->slot.type != WEFT_ADMISSION || !admission->slot.sub ||
	    announcement->slot.type != WEFT_ANNOUNCEMENT ||
	    memcmp(admission->slot.about, announcement->slot.about, WEFT_ID_LEN))
		return false;
	weft_record_fields(admission, &fields);
	return weft_id_equal(&fields.invitation, &guest->invitation->hash);
}

/* What it brings is in order: to the roster, and to everybody. */
static int take_in(struct weft_node *node, const struct weft_time *now,
		   const struct weft_guest *guest, struct weft_record *admission,
		   struct weft_record *announcement)
{
	const struct weft_member *member;
	struct weft_id joiner;
	int error;

	memcpy(joiner.bytes, admission->slot.about, WEFT_ID_LEN);
	error = judge(node, now, guest, &joiner);
	if (error)
		return error;
	weft_take_record(node, now, guest->invitation, NULL);
	error = weft_take_record(node, now, admission, NULL);
	if (error && error != -EEXIST && error != -ESTALE)
		return error == -ENOMEM ? -EAGAIN : error;
	weft_take_record(node, now, announcement, NULL);
	if (!weft_review_now(node, now) || node->state != WEFT_NODE_MEMBER)
		return -EAGAIN;
	member = weft_roster_member(node->roster, &joiner);
	if (!member || member->state != WEFT_MEMBER)
		return -EACCES;
	weft_notify(node, WEFT_NOTICE_ADMITTED, &joiner, 0);
	return 0;
}

/* It comes back under its own key in a moment. */
static void expect(struct weft_node *node, const struct weft_time *now,
		   const struct weft_record *admission)
{
	const struct weft_member *member;
	struct weft_contact *contact;
	struct weft_id joiner;

	memcpy(joiner.bytes, admission->slot.about, WEFT_ID_LEN);
	member = weft_roster_member(node->roster, &joiner);
	contact = weft_reachable(node, member) ? weft_contact_get(node, member) : NULL;
	if (!contact)
		return;
	contact->introductions = INTRODUCTIONS;
	contact->introduce_at = 0;
	weft_contact_want(node, now, contact, WEFT_WANTED_DEMAND);
}

static int try_join(struct weft_node *node, const struct weft_time *now,
		    struct weft_guest *guest, const struct weft_join *join)
{
	struct weft_record *admission, *announcement;
	int error;

	if (!guest->invitation)
		return -ENOENT;
	if (weft_record_parse(&admission, &node->secrets.network, join->admission.at,
			      join->admission.len))
		return -EPROTO;
	if (weft_record_parse(&announcement, &node->secrets.network, join->announcement.at,
			      join->announcement.len)) {
		weft_record_put(admission);
		return -EPROTO;
	}
	error = is_use(guest, admission, announcement) ?
		take_in(node, now, guest, admission, announcement) : -EPROTO;
	if (!error)
		expect(node, now, admission);
	weft_record_put(admission);
	weft_record_put(announcement);
	return error;
}

void weft_guest_message(struct weft_node *node, const struct weft_time *now,
			struct weft_guest *guest, const struct weft_message *message)
{
	struct weft_message welcome = { .type = WEFT_WELCOME };
	const uint8_t *bytes;
	size_t len, i;

	if (node->state != WEFT_NODE_MEMBER)
		return;
	if (!weft_bucket_take(&guest->talking, now->ms, 1, TALK_RATE, TALK_BURST)) {
		node->stats.drops[WEFT_DROP_RATE]++;
		return;
	}
	switch (message->type) {
	case WEFT_KNOCK:
		answer_knock(node, now, guest, &message->knock);
		break;
	case WEFT_RECORDS:
		for (i = 0; i < message->records.count && i < 1; i++)
			take_invitation(node, guest, message->records.at[i].at,
					message->records.at[i].len);
		break;
	case WEFT_PIECE_OF_RECORD:
		bytes = weft_take_piece(node, now, guest->address, &message->piece, &len);
		if (bytes)
			take_invitation(node, guest, bytes, len);
		break;
	case WEFT_JOIN:
		welcome.welcome = try_join(node, now, guest, &message->join);
		if (!welcome.welcome)
			guest->until_ms = now->ms + GUEST_LEAVES;
		answer(node, guest, &welcome);
		break;
	default:
		node->stats.drops[WEFT_DROP_UNASKED]++;
	}
}
