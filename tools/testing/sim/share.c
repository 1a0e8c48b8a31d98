// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rosters are values: what a roster is after a record came depends on nothing but what it was, and the
 * record; what follows from it, on nothing but its records and the time. So a node's roster here is a
 * shallow copy of a state that others have too. When something is done with it that was done with this
 * state before, the node goes on to the state to which that led. Otherwise the node gets a copy of its
 * own, with which the core does what it does; and what comes out is the next state. States with the same
 * records are one, whichever way led there.
 *
 * Records are parsed once, and there is one of each: the core compares them by where they are.
 */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "roster_internal.h"
#include "share.h"

#define BUCKETS (1U << 16)
/* Pointers into a roster are good until it is evaluated next: a few states are kept that nobody has. */
#define LINGERING 64
/* Not worth it below. */
#define SMALLEST 64
/* Who gets many records at once goes a way of its own, until all of them have been looked at. */
#define DEEPEST 8

struct state;

/* What was done with a state, and what came of it. @record: that came, or NULL: it was evaluated */
struct step {
	struct step *next;
	struct weft_record *record;
	int error;
	struct state *to;
};

struct state {
	struct weft_roster roster;
	unsigned int refs;
	/* records that came since it was evaluated */
	unsigned int depth;
	/* if it is evaluated, among those with this key */
	uint64_t key;
	bool listed;
	struct state *next;
	struct step *steps;
};

/* A node's roster that is a shallow copy of a state. */
struct handle {
	struct handle *next;
	const struct weft_roster *roster;
	struct state *state;
};

struct known_record {
	struct known_record *next;
	struct weft_record *record;
};

static struct state *states[BUCKETS];
static struct handle *handles[BUCKETS];
static struct known_record *records[BUCKETS];
static struct state *lingering[LINGERING];
static unsigned int lingering_next, state_count;
static uint64_t latest;
static bool paused;

int __real_weft_record_parse(struct weft_record **record, const struct weft_id *network,
			     const void *bytes, size_t len);
int __wrap_weft_record_parse(struct weft_record **record, const struct weft_id *network,
			     const void *bytes, size_t len);
int __real_weft_record_sign(struct weft_record **record, const struct weft_fields *fields,
			    const struct weft_identity *signer);
int __wrap_weft_record_sign(struct weft_record **record, const struct weft_fields *fields,
			    const struct weft_identity *signer);
int __real_weft_record_sign_agreed(struct weft_record **record, const struct weft_fields *fields,
				   const struct weft_identity *signer,
				   const struct weft_identity *subject);
int __wrap_weft_record_sign_agreed(struct weft_record **record, const struct weft_fields *fields,
				   const struct weft_identity *signer,
				   const struct weft_identity *subject);
int __real_weft_roster_clone(struct weft_roster **roster, const struct weft_roster *from);
int __wrap_weft_roster_clone(struct weft_roster **roster, const struct weft_roster *from);
void __real_weft_roster_free(struct weft_roster *roster);
void __wrap_weft_roster_free(struct weft_roster *roster);
void __real_weft_roster_swap(struct weft_roster *a, struct weft_roster *b);
void __wrap_weft_roster_swap(struct weft_roster *a, struct weft_roster *b);
int __real_weft_roster_add(struct weft_roster *roster, struct weft_record *record);
int __wrap_weft_roster_add(struct weft_roster *roster, struct weft_record *record);
int __real_weft_roster_evaluate(struct weft_roster *roster, uint64_t now);
int __wrap_weft_roster_evaluate(struct weft_roster *roster, uint64_t now);
int __real_weft_roster_digest(struct weft_roster *roster, struct weft_id *digest);
int __wrap_weft_roster_digest(struct weft_roster *roster, struct weft_id *digest);
struct weft_index *__real_weft_roster_index(struct weft_roster *roster);
struct weft_index *__wrap_weft_roster_index(struct weft_roster *roster);

static void *must(void *allocated)
{
	assert_non_null(allocated);
	return allocated;
}

/* Records */

static uint64_t number_of(const uint8_t *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

static struct known_record **bucket_of(const struct weft_id *hash)
{
	return &records[number_of(hash->bytes) % BUCKETS];
}

static struct weft_record *find_record(const struct weft_id *hash)
{
	struct known_record *known;

	for (known = *bucket_of(hash); known; known = known->next) {
		if (weft_id_equal(&known->record->hash, hash))
			return weft_record_hold(known->record);
	}
	return NULL;
}

/* The one of its kind. */
static void unify(struct weft_record **record)
{
	struct weft_record *same = find_record(&(*record)->hash);
	struct known_record *known, **bucket;

	if (same) {
		weft_record_put(*record);
		*record = same;
		return;
	}
	bucket = bucket_of(&(*record)->hash);
	known = must(malloc(sizeof(*known)));
	known->record = weft_record_hold(*record);
	known->next = *bucket;
	*bucket = known;
}

int __wrap_weft_record_parse(struct weft_record **record, const struct weft_id *network,
			     const void *bytes, size_t len)
{
	struct weft_id hash;
	int error;

	if (paused)
		return __real_weft_record_parse(record, network, bytes, len);
	weft_record_hash(&hash, bytes, len);
	*record = find_record(&hash);
	if (*record)
		return 0;
	error = __real_weft_record_parse(record, network, bytes, len);
	if (!error)
		unify(record);
	return error;
}

int __wrap_weft_record_sign(struct weft_record **record, const struct weft_fields *fields,
			    const struct weft_identity *signer)
{
	int error = __real_weft_record_sign(record, fields, signer);

	if (!error && !paused)
		unify(record);
	return error;
}

int __wrap_weft_record_sign_agreed(struct weft_record **record, const struct weft_fields *fields,
				   const struct weft_identity *signer,
				   const struct weft_identity *subject)
{
	int error = __real_weft_record_sign_agreed(record, fields, signer, subject);

	if (!error && !paused)
		unify(record);
	return error;
}

/* States */

static struct state *hold(struct state *state)
{
	state->refs++;
	return state;
}

static void unlist(struct state *state)
{
	struct state **at = &states[state->key % BUCKETS];

	while (*at != state)
		at = &(*at)->next;
	*at = state->next;
}

/* The arrays and references of a roster that is not itself allocated. */
static void free_content(struct weft_roster *roster)
{
	struct weft_roster *all = must(malloc(sizeof(*all)));

	*all = *roster;
	__real_weft_roster_free(all);
}

static void put(struct state *state)
{
	struct step *step;

	if (!state || --state->refs)
		return;
	if (state->listed)
		unlist(state);
	while ((step = state->steps)) {
		state->steps = step->next;
		weft_record_put(step->record);
		put(step->to);
		free(step);
	}
	free_content(&state->roster);
	free(state);
	state_count--;
}

/* Give up a reference, but not at once what it was to. */
static void leave(struct state *state)
{
	put(lingering[lingering_next]);
	lingering[lingering_next] = state;
	lingering_next = (lingering_next + 1) % LINGERING;
}

/* Of all that an evaluated roster is made of. */
static uint64_t content_key(const struct weft_roster *roster)
{
	uint64_t key = roster->count;
	size_t i;

	for (i = 0; i < roster->count; i++)
		key = (key ^ number_of(roster->entries[i].record->hash.bytes)) * 0x9e3779b97f4a7c15;
	return key ^ key >> 32;
}

static bool same_entry(const struct weft_entry *a, const struct weft_entry *b)
{
	return a->record == b->record && a->last_rank == b->last_rank && a->uses == b->uses &&
	       a->anchored == b->anchored && a->holds == b->holds;
}

static bool same_rosters(const struct weft_roster *a, const struct weft_roster *b)
{
	size_t i;

	if (a->count != b->count || a->changes_at != b->changes_at)
		return false;
	for (i = 0; i < a->count; i++) {
		if (!same_entry(&a->entries[i], &b->entries[i]))
			return false;
	}
	return true;
}

static bool settled(const struct weft_roster *roster)
{
	return !roster->stale && !roster->chain_stale;
}

static bool good_at(const struct weft_roster *roster, uint64_t now)
{
	return settled(roster) && now >= roster->evaluated && now < roster->changes_at;
}

/* The state that is as this roster, and would not be evaluated again now; or NULL. */
static struct state *find_state(const struct weft_roster *roster, uint64_t key, uint64_t now)
{
	struct state *state;

	for (state = states[key % BUCKETS]; state; state = state->next) {
		if (state->key == key && good_at(&state->roster, now) &&
		    same_rosters(&state->roster, roster))
			return state;
	}
	return NULL;
}

static struct handle **find_handle(const struct weft_roster *roster)
{
	struct handle **at = &handles[(uintptr_t)roster / 16 % BUCKETS];

	while (*at && (*at)->roster != roster)
		at = &(*at)->next;
	return at;
}

static struct state *shared_state(const struct weft_roster *roster)
{
	struct handle *handle = *find_handle(roster);

	return handle ? handle->state : NULL;
}

/* From here on the roster, which has nothing of its own, is this state. */
static void enter(struct weft_roster *roster, struct state *state)
{
	struct handle **at = find_handle(roster), *handle = *at;

	hold(state);
	if (handle) {
		leave(handle->state);
	} else {
		handle = must(calloc(1, sizeof(*handle)));
		handle->roster = roster;
		*at = handle;
	}
	handle->state = state;
	*roster = state->roster;
}

/* It is none any more; its reference to the state is the caller's. */
static struct state *part(const struct weft_roster *roster)
{
	struct handle **at = find_handle(roster), *handle = *at;
	struct state *state = handle->state;

	*at = handle->next;
	free(handle);
	return state;
}

static void *copy_of(const void *from, size_t bytes)
{
	return bytes ? memcpy(must(malloc(bytes)), from, bytes) : NULL;
}

static void hold_member(const struct weft_member *member)
{
	weft_record_hold(member->admission);
	if (member->invitation)
		weft_record_hold(member->invitation);
	if (member->announcement)
		weft_record_hold(member->announcement);
}

/* Everything that the roster shares becomes its own. */
static void copy_content(struct weft_roster *roster)
{
	size_t i;

	roster->entries = copy_of(roster->entries, roster->count * sizeof(*roster->entries));
	roster->size = roster->count;
	for (i = 0; i < roster->count; i++)
		weft_record_hold(roster->entries[i].record);
	roster->admins.at = copy_of(roster->admins.at,
				    roster->admins.count * sizeof(*roster->admins.at));
	roster->admins.size = roster->admins.count;
	roster->known.at = copy_of(roster->known.at,
				   roster->known.count * sizeof(*roster->known.at));
	roster->known.size = roster->known.count;
	roster->members = copy_of(roster->members,
				  roster->member_count * sizeof(*roster->members));
	for (i = 0; i < roster->member_count; i++)
		hold_member(&roster->members[i]);
	if (roster->epoch)
		weft_record_hold(roster->epoch);
	roster->index = NULL;
}

/* The state becomes the roster's alone, to be changed; a reference to it is the caller's. */
static struct state *detach(struct weft_roster *roster)
{
	struct state *state = part(roster);

	copy_content(roster);
	return state;
}

/* What the roster has of its own becomes a state, if there is none like it; @depth: of where it was. */
static void publish(struct weft_roster *roster, unsigned int depth)
{
	bool listed = settled(roster);
	uint64_t key = listed ? content_key(roster) : 0;
	struct state *state = listed ? find_state(roster, key, latest) : NULL;

	if (state) {
		free_content(roster);
		enter(roster, state);
		return;
	}
	state = must(calloc(1, sizeof(*state)));
	state->roster = *roster;
	state->key = key;
	state->listed = listed;
	state->depth = listed ? 0 : depth + 1;
	if (listed) {
		state->next = states[key % BUCKETS];
		states[key % BUCKETS] = state;
	}
	state_count++;
	enter(roster, state);
}

static struct step *find_step(const struct state *state, const struct weft_record *record)
{
	struct step *step;

	for (step = state->steps; step && step->record != record; step = step->next)
		;
	return step;
}

/* @to: NULL: it stays as it is */
static void note_step(struct state *state, struct weft_record *record, int error,
		      struct state *to)
{
	struct step *step = must(calloc(1, sizeof(*step)));

	step->record = record ? weft_record_hold(record) : NULL;
	step->error = error;
	step->to = to ? hold(to) : NULL;
	step->next = state->steps;
	state->steps = step;
}

void share_roster(struct weft_roster *roster)
{
	if (!paused)
		publish(roster, 0);
}

int __wrap_weft_roster_clone(struct weft_roster **roster, const struct weft_roster *from)
{
	struct state *state = paused ? NULL : shared_state(from);

	if (!state)
		return __real_weft_roster_clone(roster, from);
	*roster = must(calloc(1, sizeof(**roster)));
	enter(*roster, state);
	return 0;
}

void __wrap_weft_roster_free(struct weft_roster *roster)
{
	if (roster && shared_state(roster)) {
		leave(part(roster));
		free(roster);
		return;
	}
	__real_weft_roster_free(roster);
}

void __wrap_weft_roster_swap(struct weft_roster *a, struct weft_roster *b)
{
	struct state *of_a = shared_state(a) ? part(a) : NULL;
	struct state *of_b = shared_state(b) ? part(b) : NULL;

	__real_weft_roster_swap(a, b);
	if (of_a) {
		enter(b, of_a);
		leave(of_a);
	}
	if (of_b) {
		enter(a, of_b);
		leave(of_b);
	}
}

/* As in a daemon, but that the same is not done twice. */
static int add_to_state(struct weft_roster *roster, struct weft_record *record)
{
	struct state *from = detach(roster);
	int error = __real_weft_roster_add(roster, record);

	if (!error && from->depth == DEEPEST) {
		leave(from);
		return 0;
	}
	if (error) {
		free_content(roster);
		enter(roster, from);
	} else {
		publish(roster, from->depth);
	}
	note_step(from, record, error, error ? NULL : shared_state(roster));
	leave(from);
	return error;
}

int __wrap_weft_roster_add(struct weft_roster *roster, struct weft_record *record)
{
	struct state *state = shared_state(roster);
	struct step *step;

	if (!state)
		return __real_weft_roster_add(roster, record);
	step = find_step(state, record);
	if (!step)
		return add_to_state(roster, record);
	if (step->to)
		enter(roster, step->to);
	return step->error;
}

static int evaluate_state(struct weft_roster *roster, uint64_t now)
{
	struct state *from = detach(roster);

	assert_int_equal(__real_weft_roster_evaluate(roster, now), 0);
	publish(roster, 0);
	if (!settled(&from->roster))
		note_step(from, NULL, 0, shared_state(roster));
	leave(from);
	return 0;
}

/* One that a node has of its own may by now be as those of others. */
static int evaluate_own(struct weft_roster *roster, uint64_t now)
{
	int error = __real_weft_roster_evaluate(roster, now);
	struct state *state;

	if (error || paused || roster->count < SMALLEST || !settled(roster))
		return error;
	state = find_state(roster, content_key(roster), now);
	if (state) {
		free_content(roster);
		enter(roster, state);
	}
	return 0;
}

int __wrap_weft_roster_evaluate(struct weft_roster *roster, uint64_t now)
{
	struct state *state = shared_state(roster);
	struct step *step;

	if (now > latest)
		latest = now;
	if (!state)
		return evaluate_own(roster, now);
	if (good_at(&state->roster, now))
		return 0;
	step = find_step(state, NULL);
	if (!step || !good_at(&step->to->roster, now))
		return evaluate_state(roster, now);
	enter(roster, step->to);
	return 0;
}

int __wrap_weft_roster_digest(struct weft_roster *roster, struct weft_id *digest)
{
	struct state *state = shared_state(roster), *from;
	int error;

	if (!state || !roster->chain_stale)
		return __real_weft_roster_digest(roster, digest);
	from = detach(roster);
	error = __real_weft_roster_digest(roster, digest);
	free_content(roster);
	enter(roster, from);
	leave(from);
	return error;
}

struct weft_index *__wrap_weft_roster_index(struct weft_roster *roster)
{
	struct state *state = shared_state(roster);
	struct weft_index *index;

	if (!state)
		return __real_weft_roster_index(roster);
	index = __real_weft_roster_index(&state->roster);
	roster->index = state->roster.index;
	return index;
}

bool share_pause(void)
{
	bool was = paused;

	paused = true;
	return was;
}

void share_resume(bool was)
{
	paused = was;
}

unsigned int share_count(void)
{
	return state_count;
}

void share_forget(void)
{
	struct known_record *known;
	unsigned int i;

	for (i = 0; i < LINGERING; i++) {
		put(lingering[i]);
		lingering[i] = NULL;
	}
	for (i = 0; i < BUCKETS; i++) {
		while ((known = records[i])) {
			records[i] = known->next;
			weft_record_put(known->record);
			free(known);
		}
	}
	latest = 0;
}
