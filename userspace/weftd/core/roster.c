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
	new->unanchored = from->unanchored;
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

/* What to issue a record with that takes the place of what is in the slot, by whatever clock. */
uint64_t weft_roster_next_issued(const struct weft_roster *roster, const struct weft_slot *slot,
				 uint64_t now)
{
	const struct weft_record *record = weft_roster_find(roster, slot);

	return record && record->issued >= now ? record->issued + 1 : now;
}

struct weft_record *weft_roster_find_invitation(const struct weft_roster *roster,
						const struct weft_id *hash)
{
	size_t n = weft_roster_first(roster, WEFT_INVITATION, hash);

	return weft_roster_about(roster, n, WEFT_INVITATION, hash) ? roster->entries[n].record :
								     NULL;
}

/* However full it is, there is room for what takes rights away from whoever filled it. */
static int make_room(struct weft_roster *roster, uint8_t type)
{
	size_t max = type <= WEFT_REVOCATION ? WEFT_MAX_RECORDS :
					       WEFT_MAX_RECORDS - WEFT_MAX_RECORDS / 16;
	struct weft_entry *entries;
	size_t size = roster->size + roster->size / 2 + 16;

	if (roster->count >= max)
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

void weft_roster_drop(struct weft_roster *roster, size_t n)
{
	roster->unanchored -= !roster->entries[n].anchored;
	weft_record_put(roster->entries[n].record);
	roster->count--;
	memmove(&roster->entries[n], &roster->entries[n + 1],
		(roster->count - n) * sizeof(roster->entries[0]));
	roster->stale = true;
}

/* In the order in which uses count: by nothing that anyone could have claimed later or earlier. */
static void use_rank(uint8_t rank[WEFT_ID_LEN], const struct weft_record *invitation,
		     const struct weft_record *use)
{
	weft_hash(rank, WEFT_ID_LEN, "weft/1/use-rank",
		  (struct weft_part){ invitation->hash.bytes, WEFT_ID_LEN },
		  (struct weft_part){ use->slot.about, WEFT_ID_LEN });
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
			weft_roster_drop(roster, n);
	}
}

/*
 * Keep as many as were granted, by the fixed rule: those of lowest rank. What is dropped here can
 * never count again, whatever else arrives, so that dropping it early or late is the same. A revoked
 * member's use stays used.
 */
static int drop_excess_uses(struct weft_roster *roster, const struct weft_record *invitation)
{
	struct weft_fields fields;
	struct use *uses;
	size_t count, i;

	weft_record_fields(invitation, &fields);
	drop_late_uses(roster, invitation, &fields);
	count = collect_uses(roster, invitation, &fields, NULL);
	if (count <= fields.uses)
		return 0;
	uses = malloc(count * sizeof(*uses));
	if (!uses)
		return -ENOMEM;
	collect_uses(roster, invitation, &fields, uses);
	qsort(uses, count, sizeof(*uses), compare_uses);
	qsort(uses + fields.uses, count - fields.uses, sizeof(*uses), compare_places);
	for (i = fields.uses; i < count; i++)
		weft_roster_drop(roster, uses[i].entry);
	free(uses);
	return 0;
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
	struct weft_fields fields;

	weft_record_fields(invitation, &fields);
	memcpy(slot.about, subject->bytes, sizeof(slot.about));
	weft_use_slot(slot.by, &invitation->hash, &fields.subject);
	*used_by_subject = weft_roster_find(roster, &slot);
	return collect_uses(roster, invitation, &fields, NULL);
}

/* The invitation whose uses a new record may exceed. */
static const struct weft_record *invitation_of(const struct weft_roster *roster,
					       const struct weft_record *record)
{
	struct weft_fields fields;

	if (record->slot.type == WEFT_INVITATION)
		return record;
	if (record->slot.type != WEFT_ADMISSION || !record->slot.sub)
		return NULL;
	weft_record_fields(record, &fields);
	return weft_roster_find_invitation(roster, &fields.invitation);
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
	if (roster->stale) {
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

	if (weft_id_equal(&old->hash, &record->hash))
		return -EEXIST;
	if (!weft_record_supersedes(record, old))
		return -ESTALE;
	if (!announce_in_place(roster, old, record))
		roster->stale = true;
	/* the same signer and subject, but it may be in time for its invitation now */
	roster->unanchored -= !entry->anchored;
	entry->record = weft_record_hold(record);
	entry->anchored = weft_chain_anchored(roster, record);
	roster->unanchored += !entry->anchored;
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
		error = make_room(roster, record->slot.type);
	if (error)
		return error;
	n = weft_roster_place(roster, &record->slot);
	memmove(&roster->entries[n + 1], &roster->entries[n],
		(roster->count - n) * sizeof(roster->entries[0]));
	roster->entries[n] = (struct weft_entry){ weft_record_hold(record), anchored };
	roster->count++;
	roster->unanchored += !anchored;
	roster->stale = true;
	return 0;
}

/**
 * weft_roster_add() - take in a record
 * @roster:	the roster
 * @record:	of the same network; the roster takes a reference of its own
 *
 * Return: 0 if the roster changed; -EEXIST (has it already), -ESTALE (has a newer one in its place),
 * -EUSERS (the use of an invitation came too late, or others' uses rank before), -ENOSPC (too many, or too many
 * that nobody answers for; it may be offered again later), -EXDEV, -ENOMEM.
 */
int weft_roster_add(struct weft_roster *roster, struct weft_record *record)
{
	const struct weft_record *invitation;
	struct weft_fields fields;
	size_t n;
	int error;

	weft_record_fields(record, &fields);
	if (!weft_id_equal(&fields.network, &roster->network))
		return -EXDEV;
	n = weft_roster_place(roster, &record->slot);
	if (n < roster->count && !compare_slots(&roster->entries[n].record->slot, &record->slot))
		error = replace(roster, &roster->entries[n], record);
	else
		error = insert(roster, record);
	if (error)
		return error;
	invitation = invitation_of(roster, record);
	if (!invitation)
		return 0;
	error = drop_excess_uses(roster, invitation);
	if (error) {
		/* it would be one too many; as if it had not come */
		weft_roster_drop(roster, weft_roster_place(roster, &record->slot));
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

/* Take in all of another roster's records. Return: as weft_roster_add(), for what went wrong. */
int weft_roster_merge(struct weft_roster *roster, const struct weft_roster *from)
{
	size_t i;
	int error;

	for (i = 0; i < from->count; i++) {
		error = weft_roster_add(roster, from->entries[i].record);
		if (error == -ENOMEM || error == -ENOSPC || error == -EXDEV)
			return error;
	}
	return 0;
}

/* For when they fill their room and nothing shows whose they are. */
void weft_roster_forget_unanchored(struct weft_roster *roster)
{
	size_t n = roster->count;

	while (n--) {
		if (!roster->entries[n].anchored)
			weft_roster_drop(roster, n);
	}
}

/* Of what would be passed on: two rosters with the same digest have nothing to tell each other. */
void weft_roster_digest(const struct weft_roster *roster, struct weft_id *digest)
{
	crypto_generichash_state state;
	size_t i;

	crypto_generichash_init(&state, NULL, 0, sizeof(digest->bytes));
	for (i = 0; i < roster->count; i++) {
		if (roster->entries[i].anchored)
			crypto_generichash_update(&state, roster->entries[i].record->hash.bytes,
						  WEFT_ID_LEN);
	}
	crypto_generichash_final(&state, digest->bytes, sizeof(digest->bytes));
}
