// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows from a roster's records: who is an admin, who is a member, and what each has. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roster_internal.h"

static int compare_admin_id(const void *id, const void *admin)
{
	return memcmp(id, ((const struct weft_admin *)admin)->id.bytes, WEFT_ID_LEN);
}

static int compare_admins(const void *a, const void *b)
{
	return weft_id_compare(&((const struct weft_admin *)a)->id,
			       &((const struct weft_admin *)b)->id);
}

static const struct weft_admin *find_admin(const struct weft_admins *admins, const uint8_t *id)
{
	if (!admins->count)
		return NULL;
	return bsearch(id, admins->at, admins->count, sizeof(*admins->at), compare_admin_id);
}

/* At place @n, behind those that are sorted. */
static int append_admin(struct weft_admins *admins, size_t n, const uint8_t *id,
			unsigned int level)
{
	size_t size = admins->size * 2 + 4;
	struct weft_admin *at;

	if (n == admins->size) {
		at = realloc(admins->at, size * sizeof(*at));
		if (!at)
			return -ENOMEM;
		admins->at = at;
		admins->size = size;
	}
	admins->at[n].level = level;
	memcpy(admins->at[n].id.bytes, id, WEFT_ID_LEN);
	return 0;
}

/* Whether one of the records of this type about @id takes effect: by itself, or from above. */
static bool barred_by(const struct weft_roster *roster, struct weft_admins *admins,
		      enum weft_record_type type, const struct weft_id *id, unsigned int level)
{
	const struct weft_admin *admin;
	const struct weft_slot *slot;
	size_t n;

	for (n = weft_roster_first(roster, type, id); weft_roster_about(roster, n, type, id); n++) {
		slot = &roster->entries[n].record->slot;
		admins->steps++;
		if (type == WEFT_ADMIN && slot->sub != WEFT_REMOVE)
			continue;
		admin = find_admin(admins, slot->by);
		if (!memcmp(slot->by, id->bytes, WEFT_ID_LEN) || (admin && admin->level <= level))
			return true;
	}
	return false;
}

/*
 * One level further from the root. Only a key nearer to the root than another can take rights from
 * that: so that levels can be settled one after the other, and that of two admins who remove each
 * other neither wins by being the attacker. Who is nearer to the root already stays there.
 */
static int next_level(const struct weft_roster *roster, struct weft_admins *admins,
		      unsigned int level, bool bars)
{
	const struct weft_admin *by;
	const struct weft_slot *slot;
	bool decided = false;
	struct weft_id id;
	size_t n, end = admins->count;
	int error;

	for (n = weft_roster_first(roster, WEFT_ADMIN, NULL);
	     weft_roster_about(roster, n, WEFT_ADMIN, NULL); n++) {
		slot = &roster->entries[n].record->slot;
		admins->steps++;
		/* records about one subject are side by side, and whoever adds it, it is barred or not */
		if (decided && !memcmp(id.bytes, slot->about, sizeof(id.bytes)))
			continue;
		by = find_admin(admins, slot->by);
		if (slot->sub != WEFT_ADD || !by || by->level != level ||
		    find_admin(admins, slot->about))
			continue;
		memcpy(id.bytes, slot->about, sizeof(id.bytes));
		decided = true;
		if (bars && (barred_by(roster, admins, WEFT_ADMIN, &id, level) ||
			     barred_by(roster, admins, WEFT_REVOCATION, &id, level)))
			continue;
		error = append_admin(admins, end, id.bytes, level + 1);
		if (error)
			return error;
		end++;
	}
	admins->count = end;
	qsort(admins->at, end, sizeof(*admins->at), compare_admins);
	return 0;
}

static int find_admins(const struct weft_roster *roster, struct weft_admins *admins, bool bars)
{
	unsigned int level;
	int error;

	error = append_admin(admins, 0, roster->network.bytes, 0);
	admins->count = 1;
	for (level = 0; !error && level < WEFT_MAX_LEVEL; level++)
		error = next_level(roster, admins, level, bars);
	return error;
}

/* A revocation by an admin, of anyone but an admin who is not below; of several the first. Or NULL. */
const struct weft_record *weft_roster_revocation(const struct weft_roster *roster,
						 const struct weft_id *id)
{
	const struct weft_record *record, *first = NULL;
	size_t n;

	if (find_admin(&roster->admins, id->bytes))
		return NULL;
	for (n = weft_roster_first(roster, WEFT_REVOCATION, id);
	     weft_roster_about(roster, n, WEFT_REVOCATION, id); n++) {
		record = roster->entries[n].record;
		if (find_admin(&roster->admins, record->slot.by) &&
		    (!first || record->issued < first->issued))
			first = record;
	}
	return first;
}

bool weft_roster_revoked_by_admin(const struct weft_roster *roster, const struct weft_id *id)
{
	return weft_roster_revocation(roster, id);
}

/* What made somebody an admin, by one who is a level nearer to the root; or NULL. */
const struct weft_record *weft_roster_appointment(const struct weft_roster *roster,
						  const struct weft_id *id)
{
	const struct weft_admin *admin = find_admin(&roster->admins, id->bytes), *by;
	const struct weft_slot *slot;
	size_t n;

	if (!admin || !admin->level)
		return NULL;
	for (n = weft_roster_first(roster, WEFT_ADMIN, id);
	     weft_roster_about(roster, n, WEFT_ADMIN, id); n++) {
		slot = &roster->entries[n].record->slot;
		by = find_admin(&roster->admins, slot->by);
		if (slot->sub == WEFT_ADD && by && by->level + 1 == admin->level)
			return roster->entries[n].record;
	}
	return NULL;
}

/*
 * The same, or by itself: that is how a member leaves. An invitation's key has no say in whether the
 * invitation is revoked: whoever has the token could cancel it for others.
 */
bool weft_roster_revoked(const struct weft_roster *roster, const struct weft_id *id)
{
	struct weft_slot slot = { .type = WEFT_REVOCATION };

	memcpy(slot.about, id->bytes, sizeof(slot.about));
	memcpy(slot.by, id->bytes, sizeof(slot.by));
	return weft_roster_find(roster, &slot) || weft_roster_revoked_by_admin(roster, id);
}

/* The invitation by which an admission was made in time, and what that says; or NULL. */
static const struct weft_entry *invitation_of(const struct weft_roster *roster,
					      const struct weft_record *admission,
					      struct weft_fields *invitation)
{
	const struct weft_entry *used = weft_roster_used(roster, admission, invitation);

	return used && admission->issued <= invitation->expires ? used : NULL;
}

static bool admission_anchored(const struct weft_roster *roster, const struct weft_record *record)
{
	const struct weft_entry *invitation;
	struct weft_fields fields;

	if (!record->slot.sub)
		return find_admin(&roster->known, record->slot.by);
	invitation = invitation_of(roster, record, &fields);
	return invitation && invitation->anchored;
}

static bool subject_anchored(const struct weft_roster *roster, const uint8_t *subject)
{
	struct weft_id id;
	size_t n;

	memcpy(id.bytes, subject, sizeof(id.bytes));
	for (n = weft_roster_first(roster, WEFT_ADMISSION, &id);
	     weft_roster_about(roster, n, WEFT_ADMISSION, &id); n++) {
		if (roster->entries[n].anchored)
			return true;
	}
	return false;
}

/* See struct weft_entry. Once for each invitation, not for each of its uses. */
static bool invitation_holds(const struct weft_roster *roster, const struct weft_record *invitation)
{
	struct weft_fields fields;

	if (!find_admin(&roster->admins, invitation->slot.by))
		return false;
	weft_record_fields(invitation, &fields);
	return !weft_roster_revoked_by_admin(roster, &fields.subject);
}

/* See struct weft_entry. What once was an admin's stays anchored, or rosters would differ in it. */
bool weft_chain_anchored(const struct weft_roster *roster, const struct weft_record *record)
{
	const struct weft_slot *slot = &record->slot;

	switch (slot->type) {
	case WEFT_NETWORK:
		return true;
	case WEFT_ADMISSION:
		return admission_anchored(roster, record);
	case WEFT_ANNOUNCEMENT:
		return subject_anchored(roster, slot->about);
	case WEFT_REVOCATION:
		if (!memcmp(slot->by, slot->about, WEFT_ID_LEN) &&
		    subject_anchored(roster, slot->about))
			return true;
		/* fall through */
	default:
		return find_admin(&roster->known, slot->by);
	}
}

static void anchor_all(struct weft_roster *roster, bool revocations)
{
	struct weft_entry *entry;
	size_t n;

	for (n = 0; n < roster->count; n++) {
		entry = &roster->entries[n];
		if (revocations == (entry->record->slot.type == WEFT_REVOCATION))
			entry->anchored = weft_chain_anchored(roster, entry->record);
	}
}

/* Who is an admin, and which records can be traced to the root. All as it was on -ENOMEM. */
int weft_chain_evaluate(struct weft_roster *roster)
{
	struct weft_admins admins = { 0 }, known = { 0 };
	size_t n;
	int error;

	error = find_admins(roster, &admins, true);
	if (!error)
		error = find_admins(roster, &known, false);
	if (error) {
		free(admins.at);
		free(known.at);
		return error;
	}
	free(roster->admins.at);
	free(roster->known.at);
	roster->admins = admins;
	roster->known = known;
	weft_index_forget(roster);
	/* who leaves is looked up among the admissions, which come later */
	anchor_all(roster, false);
	anchor_all(roster, true);
	roster->unanchored = 0;
	for (n = 0; n < roster->count; n++)
		roster->unanchored += !roster->entries[n].anchored;
	for (n = weft_roster_first(roster, WEFT_INVITATION, NULL);
	     weft_roster_about(roster, n, WEFT_INVITATION, NULL); n++)
		roster->entries[n].holds = invitation_holds(roster, roster->entries[n].record);
	roster->chain_stale = false;
	return 0;
}

/* Whether the admission holds, whole chain: its signer, or its invitation and the signer of that. */
static bool chain_holds(const struct weft_roster *roster, const struct weft_record *admission,
			struct weft_record **invitation)
{
	const struct weft_entry *used;
	struct weft_fields fields;

	*invitation = NULL;
	if (!admission->slot.sub)
		return find_admin(&roster->admins, admission->slot.by);
	used = invitation_of(roster, admission, &fields);
	if (!used)
		return false;
	*invitation = used->record;
	return used->holds;
}

/* An admin's own word counts before an invitation; then what was said last. */
static bool preferred(const struct weft_record *admission, const struct weft_record *other)
{
	if (!other)
		return true;
	if (admission->slot.sub != other->slot.sub)
		return !admission->slot.sub;
	if (admission->issued != other->issued)
		return admission->issued > other->issued;
	return weft_id_compare(&admission->hash, &other->hash) < 0;
}

/* The admission that counts, among those from entry *@n on; *@n becomes the next subject's. */
static void choose_admission(const struct weft_roster *roster, size_t *n,
			     struct weft_member *member)
{
	struct weft_record *record, *invitation, *first = roster->entries[*n].record;

	for (; weft_roster_about(roster, *n, WEFT_ADMISSION, &member->identity); ++*n) {
		record = roster->entries[*n].record;
		if (!chain_holds(roster, record, &invitation) ||
		    !preferred(record, member->admission))
			continue;
		member->admission = record;
		member->invitation = invitation;
	}
	if (!member->admission) {
		member->admission = first;
		member->state = WEFT_MEMBER_UNCHAINED;
	}
}

/* The fields of an admission in which @key is set, as another record has it. */
static void take_over(struct weft_fields *to, const struct weft_fields *from, uint32_t keys)
{
	keys &= from->has;
	to->has |= keys;
	if (keys & WEFT_HAS(WEFT_KEY_NAME))
		memcpy(to->name, from->name, sizeof(to->name));
	if (keys & WEFT_HAS(WEFT_KEY_IPV4))
		memcpy(to->ipv4, from->ipv4, sizeof(to->ipv4));
	if (keys & WEFT_HAS(WEFT_KEY_MAY))
		to->may = from->may;
	if (keys & WEFT_HAS(WEFT_KEY_ROUTES))
		to->routes = from->routes;
	if (keys & WEFT_HAS(WEFT_KEY_GROUPS))
		to->groups = from->groups;
}

/**
 * weft_member_grant() - what a member was granted, by whatever chain
 * @member:	a member of a roster
 * @fields:	gets it, as an admission by an admin would say it
 */
void weft_member_grant(const struct weft_member *member, struct weft_fields *fields)
{
	struct weft_fields invitation;

	weft_record_fields(member->admission, fields);
	if (!member->invitation)
		return;
	weft_record_fields(member->invitation, &invitation);
	fields->has &= ~WEFT_HAS(WEFT_KEY_INVITATION);
	take_over(fields, &invitation,
		  WEFT_HAS(WEFT_KEY_NAME) | WEFT_HAS(WEFT_KEY_IPV4) | WEFT_HAS(WEFT_KEY_MAY) |
		  WEFT_HAS(WEFT_KEY_ROUTES) | WEFT_HAS(WEFT_KEY_GROUPS));
	if (invitation.has & WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES)) {
		fields->has |= WEFT_HAS(WEFT_KEY_EXPIRES);
		fields->expires = invitation.member_expires;
	}
}

/* A name that no record can ask for: distinct because keys are. */
static void name_by_key(struct weft_member *member, const char *name)
{
	const uint8_t *id = member->identity.bytes;

	snprintf(member->name, sizeof(member->name),
		 "%.*s--%02x%02x%02x%02x%02x%02x%02x%02x", WEFT_MAX_NAME, name, id[0], id[1],
		 id[2], id[3], id[4], id[5], id[6], id[7]);
}

const struct weft_record *weft_roster_settings(const struct weft_roster *roster)
{
	struct weft_slot slot = { .type = WEFT_NETWORK };

	memcpy(slot.about, roster->network.bytes, sizeof(slot.about));
	memcpy(slot.by, roster->network.bytes, sizeof(slot.by));
	return weft_roster_find(roster, &slot);
}

static bool get_ipv4_prefix(const struct weft_roster *roster, struct weft_prefix *prefix)
{
	const struct weft_record *settings = weft_roster_settings(roster);
	struct weft_fields fields;

	if (!settings)
		return false;
	weft_record_fields(settings, &fields);
	*prefix = fields.ipv4_prefix;
	return fields.has & WEFT_HAS(WEFT_KEY_IPV4_PREFIX);
}

static void set_ipv4(const struct weft_roster *roster, struct weft_member *member,
		     const struct weft_fields *grant)
{
	struct weft_prefix prefix;

	member->has_ipv4 = grant->has & WEFT_HAS(WEFT_KEY_IPV4) &&
			   get_ipv4_prefix(roster, &prefix) &&
			   weft_host_ipv4(&prefix, grant->ipv4);
	if (member->has_ipv4)
		memcpy(member->ipv4, grant->ipv4, sizeof(member->ipv4));
}

static void set_tunnel(struct weft_member *member, const struct weft_fields *grant)
{
	struct weft_fields fields;

	member->is_static = grant->has & WEFT_HAS(WEFT_KEY_TUNNEL);
	member->has_tunnel = member->is_static || member->announcement;
	if (member->is_static) {
		member->tunnel = grant->tunnel;
	} else if (member->announcement) {
		weft_record_fields(member->announcement, &fields);
		member->tunnel = fields.tunnel;
	}
}

static struct weft_record *find_announcement(const struct weft_roster *roster,
					     const struct weft_id *id)
{
	size_t n = weft_roster_first(roster, WEFT_ANNOUNCEMENT, id);

	return weft_roster_about(roster, n, WEFT_ANNOUNCEMENT, id) ? roster->entries[n].record :
								     NULL;
}

static void set_state(const struct weft_roster *roster, struct weft_member *member, uint64_t now)
{
	if (weft_roster_revoked(roster, &member->identity))
		member->state = WEFT_MEMBER_REVOKED;
	else if (member->state == WEFT_MEMBER && member->expires && member->expires < now)
		member->state = WEFT_MEMBER_EXPIRED;
}

/* One subject, whose admissions begin at entry *@n. */
static void describe_member(struct weft_roster *roster, size_t *n, uint64_t now,
			    struct weft_member *member)
{
	struct weft_fields grant;

	memset(member, 0, sizeof(*member));
	memcpy(member->identity.bytes, roster->entries[*n].record->slot.about, WEFT_ID_LEN);
	choose_admission(roster, n, member);
	weft_record_hold(member->admission);
	if (member->invitation)
		weft_record_hold(member->invitation);
	member->announcement = find_announcement(roster, &member->identity);
	if (member->announcement)
		weft_record_hold(member->announcement);
	weft_member_grant(member, &grant);
	if (grant.has & WEFT_HAS(WEFT_KEY_NAME))
		memcpy(member->name, grant.name, sizeof(grant.name));
	else
		name_by_key(member, "m");
	member->expires = grant.expires;
	member->has_routes = grant.routes.count;
	set_state(roster, member, now);
	weft_member_address(member->address, &roster->network, &member->identity);
	set_ipv4(roster, member, &grant);
	set_tunnel(member, &grant);
	if (member->state == WEFT_MEMBER && member->expires &&
	    member->expires + 1 < roster->changes_at)
		roster->changes_at = member->expires + 1;
}

/* What @conflict is about, of @member: that in which others must differ. */
static const void *claim(const struct weft_member *member, enum weft_conflict conflict,
			 size_t *len)
{
	switch (conflict) {
	case WEFT_CONFLICT_NAME:
		*len = strlen(member->name);
		return member->name;
	case WEFT_CONFLICT_IPV4:
		*len = member->has_ipv4 ? sizeof(member->ipv4) : 0;
		return member->ipv4;
	default:
		*len = member->has_tunnel ? sizeof(member->tunnel) : 0;
		return member->tunnel.bytes;
	}
}

static int compare_claims(const struct weft_member *a, const struct weft_member *b,
			  enum weft_conflict conflict)
{
	size_t a_len, b_len;
	const void *a_claim = claim(a, conflict, &a_len), *b_claim = claim(b, conflict, &b_len);

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a_claim, b_claim, a_len);
}

/* A renewed admission does not change it, so that an address does not wander. */
static void claim_rank(uint8_t rank[WEFT_ID_LEN], const struct weft_member *member,
		       enum weft_conflict conflict)
{
	struct weft_part what;

	what.bytes = claim(member, conflict, &what.len);
	weft_hash(rank, WEFT_ID_LEN, "weft/1/claim",
		  (struct weft_part){ member->identity.bytes, WEFT_ID_LEN }, what);
}

/* By claim; of the same claim, whom an admin admitted first, then by rank. */
static int compare_contest(const void *a, const void *b, void *context)
{
	const struct weft_member *x = *(struct weft_member *const *)a;
	const struct weft_member *y = *(struct weft_member *const *)b;
	enum weft_conflict conflict = *(enum weft_conflict *)context;
	uint8_t x_rank[WEFT_ID_LEN], y_rank[WEFT_ID_LEN];
	int order = compare_claims(x, y, conflict);

	if (order)
		return order;
	/* who cannot take another key keeps the one it has */
	if (conflict == WEFT_CONFLICT_TUNNEL && x->is_static != y->is_static)
		return x->is_static ? -1 : 1;
	if (!x->invitation != !y->invitation)
		return x->invitation ? 1 : -1;
	claim_rank(x_rank, x, conflict);
	claim_rank(y_rank, y, conflict);
	return memcmp(x_rank, y_rank, sizeof(x_rank));
}

static void lose(struct weft_member *member, enum weft_conflict conflict)
{
	char name[WEFT_MEMBER_NAME_LEN + 1];

	if (conflict == WEFT_CONFLICT_IPV4)
		member->has_ipv4 = false;
	else if (conflict == WEFT_CONFLICT_TUNNEL)
		member->has_tunnel = false;
	else
		name_by_key(member, memcpy(name, member->name, sizeof(name)));
}

/* Settle who has what more than one member claims. @list has room for all members. */
static void settle(struct weft_roster *roster, enum weft_conflict conflict,
		   struct weft_member **list)
{
	size_t i, len, count = 0, winner = 0;

	for (i = 0; i < roster->member_count; i++) {
		claim(&roster->members[i], conflict, &len);
		if (roster->members[i].state == WEFT_MEMBER && len)
			list[count++] = &roster->members[i];
	}
	qsort_r(list, count, sizeof(*list), compare_contest, &conflict);
	/* what a loser claimed is looked at before it is taken: from the end */
	for (i = count; i-- > 1;) {
		winner = i - 1;
		if (compare_claims(list[winner], list[i], conflict))
			continue;
		list[winner]->conflicts |= conflict;
		list[i]->conflicts |= conflict;
		lose(list[i], conflict);
	}
}

void weft_view_forget(struct weft_roster *roster)
{
	size_t i;

	for (i = 0; i < roster->member_count; i++) {
		weft_record_put(roster->members[i].admission);
		weft_record_put(roster->members[i].invitation);
		weft_record_put(roster->members[i].announcement);
	}
	free(roster->members);
	roster->members = NULL;
	roster->member_count = 0;
	weft_record_put(roster->epoch);
	roster->epoch = NULL;
}

static size_t count_subjects(const struct weft_roster *roster)
{
	const uint8_t *last = NULL, *about;
	size_t n, count = 0;

	for (n = weft_roster_first(roster, WEFT_ADMISSION, NULL);
	     weft_roster_about(roster, n, WEFT_ADMISSION, NULL); n++) {
		about = roster->entries[n].record->slot.about;
		count += !last || memcmp(last, about, WEFT_ID_LEN);
		last = about;
	}
	return count;
}

/* The last one that an admin made. */
static void find_epoch(struct weft_roster *roster)
{
	struct weft_record *record, *best = NULL;
	size_t n;

	for (n = weft_roster_first(roster, WEFT_EPOCH, NULL);
	     weft_roster_about(roster, n, WEFT_EPOCH, NULL); n++) {
		record = roster->entries[n].record;
		if (find_admin(&roster->admins, record->slot.by) &&
		    (!best || weft_record_supersedes(record, best)))
			best = record;
	}
	if (best)
		roster->epoch = weft_record_hold(best);
}

/* @members and @list have room for all subjects; the former becomes the roster's. */
static void find_members(struct weft_roster *roster, uint64_t now, struct weft_member *members,
			 struct weft_member **list)
{
	size_t n;

	weft_view_forget(roster);
	roster->members = members;
	roster->changes_at = UINT64_MAX;
	for (n = weft_roster_first(roster, WEFT_ADMISSION, NULL);
	     weft_roster_about(roster, n, WEFT_ADMISSION, NULL);)
		describe_member(roster, &n, now, &members[roster->member_count++]);
	settle(roster, WEFT_CONFLICT_NAME, list);
	settle(roster, WEFT_CONFLICT_IPV4, list);
	settle(roster, WEFT_CONFLICT_TUNNEL, list);
	find_epoch(roster);
}

/**
 * weft_roster_evaluate() - bring what follows up to date
 * @roster:	the roster
 * @now:	Unix time
 *
 * What the functions below tell is as of the last call, and pointers to members are good until the
 * next. Nothing is done if nothing can have changed.
 *
 * Return: 0 or -ENOMEM, with everything as it was.
 */
int weft_roster_evaluate(struct weft_roster *roster, uint64_t now)
{
	struct weft_member **list, *members;
	size_t count;
	int error;

	if (!roster->stale && now >= roster->evaluated && now < roster->changes_at)
		return 0;
	count = count_subjects(roster) + 1;
	list = calloc(count, sizeof(*list));
	members = calloc(count, sizeof(*members));
	error = list && members ? 0 : -ENOMEM;
	if (!error && roster->chain_stale)
		error = weft_chain_evaluate(roster);
	if (error) {
		free(list);
		free(members);
		return error;
	}
	find_members(roster, now, members, list);
	free(list);
	roster->evaluated = now;
	roster->stale = false;
	return 0;
}

/* When to evaluate again though nothing came in; UINT64_MAX: never. */
uint64_t weft_roster_changes_at(const struct weft_roster *roster)
{
	return roster->changes_at;
}

const struct weft_record *weft_roster_epoch(const struct weft_roster *roster)
{
	return roster->epoch;
}

const struct weft_admin *weft_roster_admins(const struct weft_roster *roster, size_t *count)
{
	*count = roster->admins.count;
	return roster->admins.at;
}

const struct weft_admin *weft_roster_admin(const struct weft_roster *roster,
					   const struct weft_id *id)
{
	return find_admin(&roster->admins, id->bytes);
}

/* All subjects of admissions, in whatever state, by identity. */
const struct weft_member *weft_roster_members(const struct weft_roster *roster, size_t *count)
{
	*count = roster->member_count;
	return roster->members;
}

static int compare_member(const void *id, const void *member)
{
	return weft_id_compare(id, &((const struct weft_member *)member)->identity);
}

const struct weft_member *weft_roster_member(const struct weft_roster *roster,
					     const struct weft_id *id)
{
	return bsearch(id, roster->members, roster->member_count, sizeof(*roster->members),
		       compare_member);
}

typedef bool match_fn(const struct weft_member *member, const void *what);

/* Of members in state WEFT_MEMBER, the one that matches. */
static const struct weft_member *find(const struct weft_roster *roster, match_fn *match,
				      const void *what)
{
	size_t i;

	for (i = 0; i < roster->member_count; i++) {
		if (roster->members[i].state == WEFT_MEMBER && match(&roster->members[i], what))
			return &roster->members[i];
	}
	return NULL;
}

static bool has_name(const struct weft_member *member, const void *name)
{
	return !strcmp(member->name, name);
}

static bool has_address(const struct weft_member *member, const void *address)
{
	return !memcmp(member->address, address, sizeof(member->address));
}

static bool has_ipv4(const struct weft_member *member, const void *address)
{
	return member->has_ipv4 && !memcmp(member->ipv4, address, sizeof(member->ipv4));
}

static bool has_tunnel(const struct weft_member *member, const void *tunnel)
{
	return member->has_tunnel && !memcmp(&member->tunnel, tunnel, sizeof(member->tunnel));
}

const struct weft_member *weft_roster_by_name(const struct weft_roster *roster, const char *name)
{
	return find(roster, has_name, name);
}

/* @size: 4 or 16 */
const struct weft_member *weft_roster_by_address(const struct weft_roster *roster,
						 const uint8_t *address, size_t size)
{
	return find(roster, size == 4 ? has_ipv4 : has_address, address);
}

const struct weft_member *weft_roster_by_tunnel(const struct weft_roster *roster,
						const struct weft_tunnel_key *tunnel)
{
	return find(roster, has_tunnel, tunnel);
}

static bool covered(const struct weft_routes *granted, const struct weft_prefix *route)
{
	unsigned int i;

	for (i = 0; i < granted->count; i++) {
		if (weft_prefix_covers(&granted->at[i], route))
			return true;
	}
	return false;
}

/**
 * weft_roster_routes() - what a member routes for
 * @roster:	the roster
 * @member:	one of its members
 * @routes:	gets what it announces of what it was granted, except what lies within the overlay. A
 *		stock member, which announces nothing, has what it was granted
 */
void weft_roster_routes(const struct weft_roster *roster, const struct weft_member *member,
			struct weft_routes *routes)
{
	struct weft_fields grant, announcement = { 0 };
	const struct weft_routes *offered = &grant.routes;
	struct weft_prefix overlay = { 0 };
	unsigned int i;

	weft_member_grant(member, &grant);
	get_ipv4_prefix(roster, &overlay);
	if (!member->is_static) {
		if (member->announcement)
			weft_record_fields(member->announcement, &announcement);
		offered = &announcement.routes;
	}
	routes->count = 0;
	for (i = 0; i < offered->count; i++) {
		if (covered(&grant.routes, &offered->at[i]) &&
		    !weft_prefix_covers(&overlay, &offered->at[i]))
			routes->at[routes->count++] = offered->at[i];
	}
}

/**
 * weft_roster_free_ipv4() - an address for who is to be admitted
 * @roster:	the roster
 * @id:		who
 * @address:	gets one that no member has
 *
 * The search begins where @id says, not at the lowest: so that the two halves of a split network do
 * not give away the same ones.
 *
 * Return: whether there is one.
 */
bool weft_roster_free_ipv4(const struct weft_roster *roster, const struct weft_id *id,
			   uint8_t address[4])
{
	struct weft_prefix prefix;
	uint8_t hash[WEFT_ID_LEN];
	uint32_t hosts, first, tries, i;

	if (!get_ipv4_prefix(roster, &prefix))
		return false;
	hosts = weft_ipv4_hosts(&prefix);
	weft_hash(hash, sizeof(hash), "weft/1/ipv4",
		  (struct weft_part){ id->bytes, sizeof(id->bytes) }, (struct weft_part){ 0 });
	first = (uint32_t)hash[0] << 24 | hash[1] << 16 | hash[2] << 8 | hash[3];
	/* so many that one is free, if one is */
	tries = hosts <= roster->member_count ? hosts : roster->member_count + 1;
	for (i = 0; i < tries; i++) {
		weft_nth_ipv4(address, &prefix, (uint32_t)(((uint64_t)first + i) % hosts));
		if (!weft_roster_by_address(roster, address, 4))
			return true;
	}
	return false;
}
