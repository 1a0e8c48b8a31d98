// SPDX-License-Identifier: GPL-2.0-or-later
/* Records that come in, and go out: as news, or because somebody asked. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

/* A message of records holds, besides them, an array's and the message's heads. */
#define RECORDS_BYTES (WEFT_MAX_DATAGRAM - 8)
#define MAX_FRESH 4096
#define PIECES_TAKE (10 * WEFT_SECOND)
/* How many records a member may have us look at, a second, and at once. */
#define TAKE_RATE 1000
#define TAKE_BURST 4000
/* Others that a new member is told of at once. */
#define OTHERS 8
#define TOLD_ONCE 48
#define INTRODUCE_AGAIN WEFT_SECOND

static const struct weft_id nobody;

static void remember(struct weft_node *node, const struct weft_id *hash)
{
	memcpy(node->recent[hash->bytes[0] % WEFT_RECENT].bytes, hash->bytes, WEFT_SHORT_HASH);
}

static bool remembered(const struct weft_node *node, const struct weft_id *hash)
{
	return !memcmp(node->recent[hash->bytes[0] % WEFT_RECENT].bytes, hash->bytes,
		       WEFT_SHORT_HASH);
}

/* To be told to all who are in touch, but for who told it. */
static void note_fresh(struct weft_node *node, struct weft_record *record,
		       const struct weft_id *from)
{
	struct weft_fresh *fresh;

	if (node->fresh.count == MAX_FRESH || !weft_list_room(&node->fresh))
		return;
	fresh = &node->fresh.at[node->fresh.count++];
	fresh->record = weft_record_hold(record);
	fresh->from = from ? *from : nobody;
}

/* What takes rights away, or gives them to somebody who waits for it, is not put off. */
static bool is_urgent(const struct weft_record *record)
{
	return record->slot.type == WEFT_REVOCATION || record->slot.type == WEFT_ADMIN ||
	       record->slot.type == WEFT_EPOCH;
}

/**
 * weft_take_record() - into the roster, and to the others
 * @node:	the node
 * @now:	time
 * @record:	what came
 * @from:	who brought it, or NULL: it is ours
 *
 * Return: as weft_roster_add().
 */
int weft_take_record(struct weft_node *node, const struct weft_time *now,
		     struct weft_record *record, const struct weft_id *from)
{
	int error = weft_roster_add(node->roster, record);

	weft_sync_arrived(node, &record->hash);
	/* of the others it may become true later that there is room */
	if (error != -ENOSPC && error != -ENOMEM)
		remember(node, &record->hash);
	if (error)
		return error;
	note_fresh(node, record, from);
	weft_roster_changed(node, now, !from || is_urgent(record));
	return 0;
}

static void take_bytes(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const uint8_t *bytes, size_t len)
{
	struct weft_record *record;
	struct weft_id hash;
	int error;

	weft_record_hash(&hash, bytes, len);
	if (remembered(node, &hash)) {
		weft_sync_arrived(node, &hash);
		node->stats.records_known++;
		return;
	}
	if (!weft_bucket_take(&contact->taking, now->ms, 1, TAKE_RATE, TAKE_BURST)) {
		node->stats.drops[WEFT_DROP_RATE]++;
		return;
	}
	error = weft_record_parse(&record, weft_roster_network(node->roster), bytes, len);
	if (error) {
		weft_sync_arrived(node, &hash);
		if (error != -ENOMEM)
			remember(node, &hash);
		node->stats.drops[WEFT_DROP_RECORD]++;
		return;
	}
	error = weft_take_record(node, now, record, &contact->id);
	weft_record_put(record);
	if (!error) {
		node->stats.records_new++;
		contact->sync_wait = 0;
	} else if (error == -EEXIST || error == -ESTALE || error == -EUSERS) {
		node->stats.records_known++;
	} else {
		node->stats.drops[WEFT_DROP_RECORD]++;
	}
}

/* Of @wanted records some have come: there may be more to ask for. */
static void ask_on(struct weft_node *node, const struct weft_time *now,
		   struct weft_contact *contact, size_t wanted)
{
	weft_sync_run(node, now);
	/* who was let in just now waits to hear that this is all */
	if (wanted && !node->wants.count && (node->joining || node->settle_at))
		weft_link_ask_again(node, now, contact);
}

void weft_take_record_bytes(struct weft_node *node, const struct weft_time *now,
			    struct weft_contact *contact, const uint8_t *bytes, size_t len)
{
	size_t wanted = node->wants.count;

	take_bytes(node, now, contact, bytes, len);
	ask_on(node, now, contact, wanted);
}

void weft_take_records(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_records *records)
{
	size_t wanted = node->wants.count, i;

	for (i = 0; i < records->count; i++)
		take_bytes(node, now, contact, records->at[i].at, records->at[i].len);
	ask_on(node, now, contact, wanted);
}

/* Where pieces of this record are collected: those of its sender, a free place, or the oldest. */
static struct weft_pieces *find_pieces(struct weft_node *node, const struct weft_time *now,
				       const uint8_t from[16], const struct weft_piece *piece)
{
	struct weft_pieces *at, *best = NULL;
	unsigned int i;

	if (!node->pieces)
		node->pieces = calloc(WEFT_MAX_PIECES, sizeof(*node->pieces));
	if (!node->pieces)
		return NULL;
	for (i = 0; i < WEFT_MAX_PIECES; i++) {
		at = &node->pieces[i];
		if (at->begun_ms && weft_id_equal(&at->hash, &piece->hash) &&
		    at->total == piece->total && !memcmp(at->from, from, sizeof(at->from)))
			return at;
		if (!best || at->begun_ms < best->begun_ms)
			best = at;
	}
	/* whoever sends much must not drive out what others have begun */
	if (best->begun_ms && now->ms < best->begun_ms + PIECES_TAKE)
		return NULL;
	memcpy(best->from, from, sizeof(best->from));
	best->hash = piece->hash;
	best->total = piece->total;
	best->have = 0;
	best->begun_ms = now->ms;
	return best;
}

/**
 * weft_take_piece() - a part of a record that does not fit into one datagram
 * @node:	the node
 * @now:	time
 * @from:	who sends it
 * @piece:	the part
 * @len:	gets the length of the whole
 *
 * Return: the record, when this was the last that was missing, good until the next piece; else NULL.
 */
const uint8_t *weft_take_piece(struct weft_node *node, const struct weft_time *now,
			       const uint8_t from[16], const struct weft_piece *piece, size_t *len)
{
	struct weft_pieces *pieces = find_pieces(node, now, from, piece);
	unsigned int all = (1U << (piece->total + WEFT_PIECE - 1) / WEFT_PIECE) - 1;

	if (!pieces) {
		node->stats.drops[WEFT_DROP_RATE]++;
		return NULL;
	}
	memcpy(pieces->bytes + piece->offset, piece->bytes.at, piece->bytes.len);
	pieces->have |= 1U << piece->offset / WEFT_PIECE;
	if (pieces->have != all)
		return NULL;
	pieces->begun_ms = 0;
	*len = pieces->total;
	return pieces->bytes;
}

static void send_pieces(struct weft_node *node, const uint8_t from[16], const uint8_t to[16],
			const struct weft_record *record)
{
	struct weft_message message = { .type = WEFT_PIECE_OF_RECORD };
	size_t offset, left;

	message.piece.hash = record->hash;
	message.piece.total = record->len;
	for (offset = 0; offset < record->len; offset += WEFT_PIECE) {
		left = record->len - offset;
		message.piece.offset = offset;
		message.piece.bytes.at = record->bytes + offset;
		message.piece.bytes.len = left < WEFT_PIECE ? left : WEFT_PIECE;
		weft_send_from(node, from, to, &message);
	}
}

/* Records on their way to one member; those that fit together go together. */
struct parcel {
	struct weft_node *node;
	const uint8_t *from;
	const uint8_t *to;
	struct weft_message message;
	size_t bytes;
};

static void send_parcel(struct parcel *parcel)
{
	if (parcel->message.records.count)
		weft_send_from(parcel->node, parcel->from, parcel->to, &parcel->message);
	parcel->message.records.count = 0;
	parcel->bytes = 0;
}

static void put_record(struct parcel *parcel, const struct weft_record *record)
{
	struct weft_records *records = &parcel->message.records;
	size_t room = weft_record_room(record);

	if (room > RECORDS_BYTES) {
		send_pieces(parcel->node, parcel->from, parcel->to, record);
		return;
	}
	if (parcel->bytes + room > RECORDS_BYTES || records->count == WEFT_MAX_RECORDS_SENT)
		send_parcel(parcel);
	records->at[records->count].at = record->bytes;
	records->at[records->count].len = record->len;
	records->count++;
	parcel->bytes += room;
}

void weft_send_record(struct weft_node *node, const uint8_t from[16], const uint8_t to[16],
		      struct weft_record *record)
{
	struct parcel parcel = { .node = node, .from = from, .to = to,
				 .message.type = WEFT_RECORDS };

	put_record(&parcel, record);
	send_parcel(&parcel);
}

/* What a new member is told. Several may have come with one invitation: that is told once. */
struct introduction {
	struct parcel parcel;
	const struct weft_time *now;
	const struct weft_record *told[TOLD_ONCE];
	unsigned int count;
	/* what it needs comes whatever else there is to be said */
	bool needed;
};

static void introduce_record(struct introduction *to, const struct weft_record *record)
{
	unsigned int i;

	for (i = 0; i < to->count; i++) {
		if (to->told[i] == record)
			return;
	}
	if (!to->needed && !weft_node_take_budget(to->parcel.node, to->now, WEFT_BUDGET_ANSWER,
						  record->len))
		return;
	if (to->count < TOLD_ONCE)
		to->told[to->count++] = record;
	put_record(&to->parcel, record);
}

/* From the root on. At most WEFT_MAX_LEVEL. */
static void introduce_admin(struct introduction *to, const uint8_t admin[WEFT_ID_LEN])
{
	const struct weft_record *record;
	struct weft_id id;

	memcpy(id.bytes, admin, sizeof(id.bytes));
	record = weft_roster_appointment(to->parcel.node->roster, &id);
	if (!record)
		return;
	introduce_admin(to, record->slot.by);
	introduce_record(to, record);
}

/* By what right somebody is a member, and where. */
static void introduce_member(struct introduction *to, const struct weft_member *member)
{
	if (!member || member->state != WEFT_MEMBER)
		return;
	if (member->invitation) {
		introduce_admin(to, member->invitation->slot.by);
		introduce_record(to, member->invitation);
	} else {
		introduce_admin(to, member->admission->slot.by);
	}
	introduce_record(to, member->admission);
	if (member->announcement)
		introduce_record(to, member->announcement);
}

static bool is_introduced(const struct weft_node *node, const struct weft_contact *contact,
			  const struct weft_member *member, bool in_touch)
{
	const struct weft_contact *of;

	if (!weft_reachable(node, member) || member->is_static ||
	    weft_id_equal(&member->identity, &contact->id))
		return false;
	of = weft_contact_find(node, &member->identity);
	return (of && weft_in_touch(of)) == in_touch;
}

/* Some by chance, behind the @count that there are. Return: how many there are then. */
static unsigned int choose_others(struct weft_node *node, const struct weft_contact *contact,
				  const struct weft_member *chosen[OTHERS], unsigned int count,
				  bool in_touch)
{
	unsigned int room = OTHERS - count, found = 0;
	const struct weft_member *members;
	size_t total, i;
	uint64_t at;

	members = weft_roster_members(node->roster, &total);
	for (i = 0; room && i < total; i++) {
		if (!is_introduced(node, contact, &members[i], in_touch))
			continue;
		at = found < room ? found : weft_random_below(&node->random, found + 1);
		if (at < room)
			chosen[count + at] = &members[i];
		found++;
	}
	return count + (found < room ? found : room);
}

/* With whom to go on if we are gone in a moment: those that are there, if there are any. */
static void introduce_others(struct introduction *to, const struct weft_contact *contact)
{
	const struct weft_member *chosen[OTHERS];
	unsigned int count, i;

	count = choose_others(to->parcel.node, contact, chosen, 0, true);
	count = choose_others(to->parcel.node, contact, chosen, count, false);
	for (i = 0; i < count; i++)
		introduce_member(to, chosen[i]);
}

static void introduce_network(struct introduction *to)
{
	const struct weft_record *settings = weft_roster_settings(to->parcel.node->roster);
	const struct weft_record *epoch = weft_roster_epoch(to->parcel.node->roster);

	if (settings)
		introduce_record(to, settings);
	if (!epoch)
		return;
	introduce_admin(to, epoch->slot.by);
	introduce_record(to, epoch);
}

/**
 * weft_introduce() - the first that is told to whom we let in
 * @node:	the node
 * @now:	time
 * @contact:	who said something just now
 *
 * What makes it a member, and us, and what the network is called: it would find all that among
 * thousands of records that it fetches, but until then it has not joined. And once a few others.
 */
void weft_introduce(struct weft_node *node, const struct weft_time *now,
		    struct weft_contact *contact)
{
	struct introduction to = {
		.parcel = { .node = node, .from = node->address, .to = contact->address,
			    .message.type = WEFT_RECORDS },
		.now = now,
	};
	bool first = !contact->introduce_at;

	if (!contact->introductions || now->ms < contact->introduce_at)
		return;
	contact->introductions--;
	contact->introduce_at = now->ms + INTRODUCE_AGAIN;
	if (first)
		introduce_others(&to, contact);
	to.needed = true;
	introduce_network(&to);
	introduce_member(&to, weft_node_self(node));
	introduce_member(&to, weft_roster_member(node->roster, &contact->id));
	send_parcel(&to.parcel);
}

void weft_answer_want(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const struct weft_want *want)
{
	struct parcel parcel = { .node = node, .from = node->address, .to = contact->address,
				 .message.type = WEFT_RECORDS };
	struct weft_record *record;
	/* without memory for another, it is looked at; when there is some again, it is not the node's any more */
	struct weft_index *held = weft_index_hold(node->index);
	size_t i;

	for (i = 0; i < want->count; i++) {
		record = weft_sync_find(node, want->hashes + i * WEFT_SHORT_HASH);
		if (!record)
			continue;
		if (!weft_node_take_budget(node, now, WEFT_BUDGET_ANSWER, record->len))
			break;
		put_record(&parcel, record);
	}
	send_parcel(&parcel);
	weft_index_put(held);
}

static void push_to(struct weft_node *node, const struct weft_time *now,
		    struct weft_contact *contact)
{
	struct parcel parcel = { .node = node, .from = node->address, .to = contact->address,
				 .message.type = WEFT_RECORDS };
	struct weft_fresh *fresh;
	size_t i;

	for (i = 0; i < node->fresh.count; i++) {
		fresh = &node->fresh.at[i];
		if (weft_id_equal(&fresh->from, &contact->id) ||
		    !weft_roster_anchored(node->roster, fresh->record))
			continue;
		/* what is not told is found by comparison */
		if (!weft_node_take_budget(node, now, WEFT_BUDGET_PUSH, fresh->record->len))
			break;
		put_record(&parcel, fresh->record);
	}
	send_parcel(&parcel);
}

/* What was told goes; what is not anchored stays as long as the next evaluation may anchor it. */
static void drop_told(struct weft_node *node)
{
	bool undecided = weft_roster_stale(node->roster);
	size_t i, kept = 0;

	for (i = 0; i < node->fresh.count; i++) {
		if (undecided && !weft_roster_anchored(node->roster, node->fresh.at[i].record))
			node->fresh.at[kept++] = node->fresh.at[i];
		else
			weft_record_put(node->fresh.at[i].record);
	}
	node->fresh.count = kept;
}

/* Those in touch; and while we have no neighbours yet, since we are new, the door. */
static bool is_told(const struct weft_node *node, const struct weft_contact *contact)
{
	return weft_in_touch(contact) ||
	       (node->settle_at && contact->alive && contact->wanted & WEFT_WANTED_PROBE);
}

void weft_spread_run(struct weft_node *node, const struct weft_time *now)
{
	size_t i;

	if (!node->fresh.count)
		return;
	for (i = 0; i < node->contacts.count; i++) {
		if (is_told(node, node->contacts.at[i]))
			push_to(node, now, node->contacts.at[i]);
	}
	drop_told(node);
}

/*
 * All that the roster has and the index has not yet: what a command made. Admissions first, and what
 * takes the old ones away after them.
 */
void weft_spread_new(struct weft_node *node)
{
	size_t n = weft_roster_count(node->roster);
	struct weft_record *record;

	while (n--) {
		record = weft_roster_at(node->roster, n, NULL);
		if (!weft_sync_has(node, &record->hash))
			note_fresh(node, record, NULL);
	}
}

void weft_spread_clear(struct weft_node *node)
{
	size_t i;

	for (i = 0; i < node->fresh.count; i++)
		weft_record_put(node->fresh.at[i].record);
	node->fresh.count = 0;
}
