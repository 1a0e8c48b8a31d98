// SPDX-License-Identifier: GPL-2.0-or-later
/* Keeps the records of a network: one a slot, sorted. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "roster_internal.h"

_Static_assert(sizeof(struct weft_slot) == 2 + 2 * WEFT_ID_LEN, "slots are compared as bytes");

/* One redemption of an invitation, by where its entry is. */
struct use {
	uint8_t rank[WEFT_ID_LEN];
	size_t entry;
};

int weft_roster_new(struct weft_roster **roster, const struct weft_id *network)
{
	struct weft_roster *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return -ENOMEM;
	new->network = *network;
	new->max = WEFT_MAX_RECORDS;
	new->chain_stale = true;
	new->stale = true;
	error = weft_roster_evaluate(new, 0);
	if (error) {
		weft_roster_free(new);
		return error;
	}
	*roster = new;
	return 0;
}

/* Shares the records. */
int weft_roster_clone(struct weft_roster **roster, const struct weft_roster *from)
{
	struct weft_roster *new;
	size_t i;
	int error;

	error = weft_roster_new(&new, &from->network);
	if (error)
		return error;
	new->entries = malloc(from->count * sizeof(*new->entries) + 1);
	if (!new->entries) {
		weft_roster_free(new);
		return -ENOMEM;
	}
	new->size = from->count;
	for (i = 0; i < from->count; i++) {
		new->entries[i] = from->entries[i];
		weft_record_hold(new->entries[i].record);
	}
	new->count = from->count;
	new->max = from->max;
	new->unanchored = from->unanchored;
	new->chain_stale = true;
	new->stale = true;
	*roster = new;
	return 0;
}

void weft_roster_free(struct weft_roster *roster)
{
	size_t i;

	if (!roster)
		return;
	weft_view_forget(roster);
	weft_index_forget(roster);
	for (i = 0; i < roster->count; i++)
		weft_record_put(roster->entries[i].record);
	free(roster->entries);
	free(roster->admins.at);
	free(roster->known.at);
	free(roster);
}

/* Also what was computed: the one is the other from here on. */
void weft_roster_swap(struct weft_roster *a, struct weft_roster *b)
{
	struct weft_roster c = *a;

	*a = *b;
	*b = c;
}

const struct weft_id *weft_roster_network(const struct weft_roster *roster)
{
	return &roster->network;
}

size_t weft_roster_count(const struct weft_roster *roster)
{
	return roster->count;
}

/* In the order of slots, in which what a record depends on comes before it. */
struct weft_record *weft_roster_at(const struct weft_roster *roster, size_t n, bool *anchored)
{
	if (anchored)
		*anchored = roster->entries[n].anchored;
	return roster->entries[n].record;
}

static int compare_slots(const struct weft_slot *a, const struct weft_slot *b)
{
	return memcmp(a, b, sizeof(*a));
}

/* Where the slot is, or would be. */
size_t weft_roster_place(const struct weft_roster *roster, const struct weft_slot *slot)
{
	size_t low = 0, high = roster->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare_slots(&roster->entries[middle].record->slot, slot) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first entry of this type about this subject, if weft_roster_about() says so. */
size_t weft_roster_first(const struct weft_roster *roster, enum weft_record_type type,
			 const struct weft_id *about)
{
	struct weft_slot slot = { .type = type };

	if (about)
		memcpy(slot.about, about->bytes, sizeof(slot.about));
	return weft_roster_place(roster, &slot);
}

/* Whether entry @n is of this type, and about this subject unless that is NULL. */
bool weft_roster_about(const struct weft_roster *roster, size_t n, enum weft_record_type type,
		       const struct weft_id *about)
{
	const struct weft_slot *slot;

	if (n >= roster->count)
		return false;
	slot = &roster->entries[n].record->slot;
	return slot->type == type &&
	       (!about || !memcmp(slot->about, about->bytes, sizeof(slot->about)));
}

struct weft_record *weft_roster_find(const struct weft_roster *roster,
				     const struct weft_slot *slot)
{
	size_t n = weft_roster_place(roster, slot);

	if (n == roster->count || compare_slots(&roster->entries[n].record->slot, slot))
		return NULL;
	return roster->entries[n].record;
}

/* Whether others' chains may lead over it, or be cut by it; then they are looked at again. */
static void note_change(struct weft_roster *roster, const struct weft_entry *entry)
{
	unsigned int type = entry->record->slot.type;

	roster->stale = true;
	if (entry->anchored && (type == WEFT_ADMIN || type == WEFT_REVOCATION ||
				type == WEFT_INVITATION || type == WEFT_ADMISSION))
		roster->chain_stale = true;
}

/**
 * weft_roster_next_issued() - what to issue a record with, so that it counts
 * @roster:	evaluated
 * @slot:	of the record
 * @now:	Unix time
 *
 * Not before what it is to replace: that is, what is in the slot; for an admission by an admin, or an
 * epoch, also what other admins said. Whoever's clock is ahead does not keep others from speaking.
 */
uint64_t weft_roster_next_issued(const struct weft_roster *roster, const struct weft_slot *slot,
				 uint64_t now)
{
	bool by_all = (slot->type == WEFT_ADMISSION && !slot->sub) || slot->type == WEFT_EPOCH;
	const struct weft_record *record;
	struct weft_id about, by;
	size_t n;

	memcpy(about.bytes, slot->about, sizeof(about.bytes));
	for (n = weft_roster_first(roster, slot->type, &about);
	     weft_roster_about(roster, n, slot->type, &about); n++) {
		record = roster->entries[n].record;
		memcpy(by.bytes, record->slot.by, sizeof(by.bytes));
		if (record->issued >= now && (!compare_slots(&record->slot, slot) ||
					      (by_all && weft_roster_admin(roster, &by))))
			now = record->issued + 1;
	}
	return now < WEFT_MAX_TIME ? now : WEFT_MAX_TIME;
}

struct weft_record *weft_roster_find_invitation(const struct weft_roster *roster,
						const struct weft_id *hash)
{
	size_t n = weft_roster_first(roster, WEFT_INVITATION, hash);

	return weft_roster_about(roster, n, WEFT_INVITATION, hash) ? roster->entries[n].record :
								     NULL;
}

static bool is_urgent(const struct weft_slot *slot)
{
	return slot->type == WEFT_NETWORK || slot->type == WEFT_REVOCATION ||
	       (slot->type == WEFT_ADMIN && slot->sub == WEFT_REMOVE);
}

/*
 * However full it is, there is room for what takes rights away from whoever filled it. The last places
 * are for settings, removals and revocations by admins, and more of them for those nearer to the root:
 * those further away cannot fill them.
 */
static size_t places_for(const struct weft_roster *roster, const struct weft_slot *slot)
{
	size_t reserve = roster->max / 16;
	const struct weft_admin *admin;
	struct weft_id by;

	memcpy(by.bytes, slot->by, sizeof(by.bytes));
	admin = is_urgent(slot) ? weft_roster_admin(roster, &by) : NULL;
	if (!admin)
		return roster->max - reserve;
	return roster->max - admin->level * (reserve / (WEFT_MAX_LEVEL + 1));
}

static int make_room(struct weft_roster *roster, const struct weft_slot *slot)
{
	struct weft_entry *entries;
	size_t size = roster->size + roster->size / 2 + 16;
	int error;

	/* whose places are left depends on who is an admin, but for those who get none of them */
	if (roster->chain_stale && is_urgent(slot) &&
	    roster->count >= roster->max - roster->max / 16) {
		error = weft_chain_evaluate(roster);
		if (error)
			return error;
	}
	if (roster->count >= places_for(roster, slot))
		return -ENOSPC;
	if (roster->count < roster->size)
		return 0;
	entries = realloc(roster->entries, size * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	roster->entries = entries;
	roster->size = size;
	return 0;
}

/*
 * The invitation that an admission is a use of, and what that says: if it is known, and its key did
 * sign the admission.
 */
struct weft_entry *weft_roster_used(const struct weft_roster *roster,
				    const struct weft_record *use,
				    struct weft_fields *invitation)
{
	struct weft_fields fields;
	size_t n;

	if (use->slot.type != WEFT_ADMISSION || !use->slot.sub)
		return NULL;
	weft_record_fields(use, &fields);
	n = weft_roster_first(roster, WEFT_INVITATION, &fields.invitation);
	if (!weft_roster_about(roster, n, WEFT_INVITATION, &fields.invitation))
		return NULL;
	weft_record_fields(roster->entries[n].record, invitation);
	return weft_id_equal(&fields.signer, &invitation->subject) ? &roster->entries[n] : NULL;
}

/* An entry is about to go. */
static void uncount(struct weft_roster *roster, size_t n)
{
	struct weft_fields invitation;
	struct weft_entry *used = weft_roster_used(roster, roster->entries[n].record, &invitation);

	if (used)
		used->uses--;
	roster->unanchored -= !roster->entries[n].anchored;
	weft_index_forget(roster);
	note_change(roster, &roster->entries[n]);
}

static void drop(struct weft_roster *roster, size_t n)
{
	uncount(roster, n);
	weft_record_put(roster->entries[n].record);
	roster->count--;
	memmove(&roster->entries[n], &roster->entries[n + 1],
		(roster->count - n) * sizeof(roster->entries[0]));
}

/* In the order in which uses count: by nothing that anyone could have claimed later or earlier. */
static void use_rank(uint8_t rank[WEFT_ID_LEN], const struct weft_record *invitation,
		     const struct weft_record *use)
{
	weft_hash(rank, WEFT_ID_LEN, "weft/1/use-rank",
		  (struct weft_part){ invitation->hash.bytes, WEFT_ID_LEN },
		  (struct weft_part){ use->slot.about, WEFT_ID_LEN });
}

static uint64_t rank_number(const uint8_t rank[WEFT_ID_LEN])
{
	uint64_t number = 0;
	unsigned int i;

	for (i = 0; i < sizeof(number); i++)
		number = number << 8 | rank[i];
	return number;
}

static int compare_uses(const void *a, const void *b)
{
	return memcmp(((const struct use *)a)->rank, ((const struct use *)b)->rank, WEFT_ID_LEN);
}

/* Later entries first, so that removing one leaves the others' places. */
static int compare_places(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	return (x->entry < y->entry) - (x->entry > y->entry);
}

/* Whether an entry is an admission by this invitation, signed by its key. */
static bool uses_invitation(const struct weft_record *record, const uint8_t by[WEFT_ID_LEN])
{
	return record->slot.type == WEFT_ADMISSION && record->slot.sub == 1 &&
	       !memcmp(record->slot.by, by, WEFT_ID_LEN);
}

/* The admissions that rest on the invitation; their number. @uses may be NULL. */
static size_t collect_uses(const struct weft_roster *roster, const struct weft_record *invitation,
			   const struct weft_fields *fields, struct use *uses)
{
	uint8_t by[WEFT_ID_LEN];
	const struct weft_record *record;
	size_t n, count = 0;

	weft_use_slot(by, &invitation->hash, &fields->subject);
	for (n = weft_roster_first(roster, WEFT_ADMISSION, NULL);
	     weft_roster_about(roster, n, WEFT_ADMISSION, NULL); n++) {
		record = roster->entries[n].record;
		if (!uses_invitation(record, by))
			continue;
		if (uses) {
			use_rank(uses[count].rank, invitation, record);
			uses[count].entry = n;
		}
		count++;
	}
	return count;
}

/* What was made after the invitation had expired. */
static void drop_late_uses(struct weft_roster *roster, const struct weft_record *invitation,
			   const struct weft_fields *fields)
{
	uint8_t by[WEFT_ID_LEN];
	size_t n = roster->count;

	weft_use_slot(by, &invitation->hash, &fields->subject);
	while (n--) {
		if (uses_invitation(roster->entries[n].record, by) &&
		    roster->entries[n].record->issued > fields->expires)
			drop(roster, n);
	}
}

/*
 * Keep as many as were granted, by the fixed rule: those of lowest rank. What is dropped here can
 * never count again, whatever else arrives, so that dropping it early or late is the same. A revoked
 * member's use stays used.
 */
static int drop_excess_uses(struct weft_roster *roster, struct weft_entry *invitation,
			    const struct weft_fields *fields)
{
	size_t count = invitation->uses, i;
	struct use *uses;

	if (count <= fields->uses)
		return 0;
	uses = malloc(count * sizeof(*uses));
	if (!uses)
		return -ENOMEM;
	collect_uses(roster, invitation->record, fields, uses);
	qsort(uses, count, sizeof(*uses), compare_uses);
	invitation->last_rank = rank_number(uses[fields->uses - 1].rank);
	qsort(uses + fields->uses, count - fields->uses, sizeof(*uses), compare_places);
	for (i = fields->uses; i < count; i++)
		drop(roster, uses[i].entry);
	free(uses);
	return 0;
}

/* An invitation came after uses of it. */
static int settle_uses(struct weft_roster *roster, const struct weft_record *record)
{
	struct weft_entry *invitation = &roster->entries[weft_roster_place(roster, &record->slot)];
	struct weft_fields fields;

	weft_record_fields(record, &fields);
	invitation->uses = collect_uses(roster, record, &fields, NULL);
	drop_late_uses(roster, record, &fields);
	return drop_excess_uses(roster, invitation, &fields);
}

/* Whether a use would be dropped at once: too late, or behind as many others as may be. */
static bool is_excess(const struct weft_entry *invitation, const struct weft_fields *fields,
		      const struct weft_record *use)
{
	uint8_t rank[WEFT_ID_LEN];

	if (use->issued > fields->expires)
		return true;
	if (invitation->uses < fields->uses)
		return false;
	use_rank(rank, invitation->record, use);
	return rank_number(rank) > invitation->last_rank;
}

static int count_use(struct weft_roster *roster, const struct weft_record *use)
{
	struct weft_entry *invitation;
	struct weft_fields fields;

	invitation = weft_roster_used(roster, use, &fields);
	if (!invitation)
		return 0;
	invitation->uses++;
	return drop_excess_uses(roster, invitation, &fields);
}

/**
 * weft_roster_uses() - how often an invitation was used
 * @roster:	the roster
 * @invitation:	the invitation
 * @subject:	who may be one of those who used it
 * @used_by_subject: whether it is
 */
size_t weft_roster_uses(const struct weft_roster *roster, const struct weft_record *invitation,
			const struct weft_id *subject, bool *used_by_subject)
{
	struct weft_slot slot = { .type = WEFT_ADMISSION, .sub = 1 };
	size_t n = weft_roster_first(roster, WEFT_INVITATION, &invitation->hash);
	struct weft_fields fields;

	weft_record_fields(invitation, &fields);
	memcpy(slot.about, subject->bytes, sizeof(slot.about));
	weft_use_slot(slot.by, &invitation->hash, &fields.subject);
	*used_by_subject = weft_roster_find(roster, &slot);
	if (weft_roster_about(roster, n, WEFT_INVITATION, &invitation->hash))
		return roster->entries[n].uses;
	return collect_uses(roster, invitation, &fields, NULL);
}

/*
 * Whether the record is anchored, and 0; -ENOSPC if it is not and there are too many of those. Before
 * that, what came in since is looked at: it may anchor this record, or others.
 */
static int find_anchor(struct weft_roster *roster, const struct weft_record *record,
		       bool *anchored)
{
	int error;

	*anchored = weft_chain_anchored(roster, record);
	if (*anchored || roster->unanchored < WEFT_MAX_UNANCHORED)
		return 0;
	if (roster->chain_stale) {
		error = weft_chain_evaluate(roster);
		if (error)
			return error;
		*anchored = weft_chain_anchored(roster, record);
	}
	return *anchored || roster->unanchored < WEFT_MAX_UNANCHORED ? 0 : -ENOSPC;
}

/*
 * A newer announcement of a member with the same key and routes changes nothing but itself: by far
 * the most frequent change, so it does not cost an evaluation.
 */
static bool announce_in_place(struct weft_roster *roster, const struct weft_record *old,
			      struct weft_record *record)
{
	struct weft_fields before, after;
	struct weft_member *member;
	struct weft_id id;

	if (roster->stale || record->slot.type != WEFT_ANNOUNCEMENT)
		return false;
	memcpy(id.bytes, record->slot.about, sizeof(id.bytes));
	member = (struct weft_member *)weft_roster_member(roster, &id);
	if (!member || member->announcement != old)
		return false;
	weft_record_fields(old, &before);
	weft_record_fields(record, &after);
	if (memcmp(&before.tunnel, &after.tunnel, sizeof(before.tunnel)))
		return false;
	weft_record_put(member->announcement);
	member->announcement = weft_record_hold(record);
	return true;
}

static int replace(struct weft_roster *roster, struct weft_entry *entry,
		   struct weft_record *record)
{
	struct weft_record *old = entry->record;
	bool in_place;

	if (weft_id_equal(&old->hash, &record->hash))
		return -EEXIST;
	if (!weft_record_supersedes(record, old))
		return -ESTALE;
	weft_index_forget(roster);
	in_place = announce_in_place(roster, old, record);
	if (!in_place)
		note_change(roster, entry);
	/* the same signer and subject, but it may be in time for its invitation now */
	roster->unanchored -= !entry->anchored;
	entry->record = weft_record_hold(record);
	entry->anchored = weft_chain_anchored(roster, record);
	roster->unanchored += !entry->anchored;
	if (!in_place)
		note_change(roster, entry);
	weft_record_put(old);
	return 0;
}

static int insert(struct weft_roster *roster, struct weft_record *record)
{
	bool anchored;
	size_t n;
	int error;

	error = find_anchor(roster, record, &anchored);
	if (!error)
		error = make_room(roster, &record->slot);
	if (error)
		return error;
	weft_index_forget(roster);
	n = weft_roster_place(roster, &record->slot);
	memmove(&roster->entries[n + 1], &roster->entries[n],
		(roster->count - n) * sizeof(roster->entries[0]));
	roster->entries[n] = (struct weft_entry){
		.record = weft_record_hold(record),
		.last_rank = UINT64_MAX,
		.anchored = anchored,
	};
	roster->count++;
	roster->unanchored += !anchored;
	note_change(roster, &roster->entries[n]);
	return 0;
}

/**
 * weft_roster_add() - take in a record
 * @roster:	the roster
 * @record:	of the same network; the roster takes a reference of its own
 *
 * Return: 0 if the roster changed; -EEXIST (has it already), -ESTALE (has a newer one in its place),
 * -EUSERS (the use of an invitation came too late, or others' uses rank before), -ENOSPC (too many, or
 * too many that nobody answers for; it may be offered again later), -EXDEV, -ENOMEM.
 */
int weft_roster_add(struct weft_roster *roster, struct weft_record *record)
{
	struct weft_entry *invitation;
	struct weft_fields fields;
	size_t n;
	int error;

	weft_record_fields(record, &fields);
	if (!weft_id_equal(&fields.network, &roster->network))
		return -EXDEV;
	n = weft_roster_place(roster, &record->slot);
	if (n < roster->count && !compare_slots(&roster->entries[n].record->slot, &record->slot))
		return replace(roster, &roster->entries[n], record);
	invitation = weft_roster_used(roster, record, &fields);
	if (invitation && is_excess(invitation, &fields, record))
		return -EUSERS;
	error = insert(roster, record);
	if (error)
		return error;
	error = record->slot.type == WEFT_INVITATION ? settle_uses(roster, record) :
						       count_use(roster, record);
	if (error) {
		/* it would be one too many; as if it had not come */
		drop(roster, weft_roster_place(roster, &record->slot));
		return error;
	}
	return weft_roster_find(roster, &record->slot) ? 0 : -EUSERS;
}

/* As weft_record_parse() and weft_roster_add(). */
int weft_roster_add_bytes(struct weft_roster *roster, const void *bytes, size_t len)
{
	struct weft_record *record;
	int error;

	error = weft_record_parse(&record, &roster->network, bytes, len);
	if (error)
		return error;
	error = weft_roster_add(roster, record);
	weft_record_put(record);
	return error;
}

/* Whether the roster has this very record, and passes it on. */
bool weft_roster_anchored(const struct weft_roster *roster, const struct weft_record *record)
{
	size_t n = weft_roster_place(roster, &record->slot);

	return n < roster->count && roster->entries[n].record == record &&
	       roster->entries[n].anchored;
}

/* Whether something came in that the last evaluation did not see. */
bool weft_roster_stale(const struct weft_roster *roster)
{
	return roster->stale;
}

static int merge_once(struct weft_roster *roster, const struct weft_roster *from)
{
	bool refused = false;
	size_t i;
	int error;

	for (i = 0; i < from->count; i++) {
		error = weft_roster_add(roster, from->entries[i].record);
		if (error == -ENOMEM || error == -EXDEV)
			return error;
		refused |= error == -ENOSPC;
	}
	return refused ? -ENOSPC : 0;
}

/*
 * Take in all of another roster's records that there is room for. Once more if some were refused: what
 * they depend on may have come after them.
 *
 * Return: 0; -ENOSPC, if some found no room; -ENOMEM, -EXDEV.
 */
int weft_roster_merge(struct weft_roster *roster, const struct weft_roster *from)
{
	int error = merge_once(roster, from);

	return error == -ENOSPC ? merge_once(roster, from) : error;
}

/* For when they fill their room and nothing shows whose they are. Return: 0 or -ENOMEM. */
int weft_roster_forget_unanchored(struct weft_roster *roster)
{
	size_t n, kept = 0;
	int error;

	if (roster->chain_stale) {
		error = weft_chain_evaluate(roster);
		if (error)
			return error;
	}
	for (n = 0; n < roster->count; n++) {
		if (!roster->entries[n].anchored)
			uncount(roster, n);
	}
	for (n = 0; n < roster->count; n++) {
		if (roster->entries[n].anchored)
			roster->entries[kept++] = roster->entries[n];
		else
			weft_record_put(roster->entries[n].record);
	}
	roster->count = kept;
	return 0;
}

/**
 * weft_roster_digest() - of what would be passed on
 * @roster:	the roster
 * @digest:	gets it; two rosters with the same have nothing to tell each other
 *
 * Return: 0 or -ENOMEM.
 */
int weft_roster_digest(struct weft_roster *roster, struct weft_id *digest)
{
	crypto_generichash_state state;
	size_t i;
	int error;

	if (roster->chain_stale) {
		error = weft_chain_evaluate(roster);
		if (error)
			return error;
	}
	crypto_generichash_init(&state, NULL, 0, sizeof(digest->bytes));
	for (i = 0; i < roster->count; i++) {
		if (roster->entries[i].anchored)
			crypto_generichash_update(&state, roster->entries[i].record->hash.bytes,
						  WEFT_ID_LEN);
	}
	crypto_generichash_final(&state, digest->bytes, sizeof(digest->bytes));
	return 0;
}
