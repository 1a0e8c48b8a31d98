// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The simulator's sharing of rosters must not be seen: whatever is done with rosters that share, each
 * is at any time what it would be alone.
 */
#include "sim.h"
#include "roster_internal.h"
#include "share.h"

#define ROSTERS 6
#define RECORDS 120
#define STEPS 3000

/* The same things are done with @shared and, without sharing, with @alone. */
struct pair {
	struct weft_roster *shared, *alone;
	uint64_t now;
};

static void assert_same_members(const struct weft_roster *a, const struct weft_roster *b)
{
	const struct weft_member *of_a, *of_b;
	size_t count, count_b, i;

	of_a = weft_roster_members(a, &count);
	of_b = weft_roster_members(b, &count_b);
	assert_int_equal(count, count_b);
	for (i = 0; i < count; i++) {
		assert_memory_equal(&of_a[i].identity, &of_b[i].identity, WEFT_ID_LEN);
		assert_int_equal(of_a[i].state, of_b[i].state);
		assert_string_equal(of_a[i].name, of_b[i].name);
		assert_ptr_equal(of_a[i].admission, of_b[i].admission);
		assert_ptr_equal(of_a[i].announcement, of_b[i].announcement);
	}
}

static void assert_same(struct pair *pair)
{
	struct weft_index *a, *b;
	struct weft_id digest, other;
	bool was, anchored, anchored_too;
	size_t i;

	assert_int_equal(weft_roster_count(pair->shared), weft_roster_count(pair->alone));
	assert_int_equal(weft_roster_stale(pair->shared), weft_roster_stale(pair->alone));
	for (i = 0; i < weft_roster_count(pair->shared); i++) {
		assert_ptr_equal(weft_roster_at(pair->shared, i, &anchored),
				 weft_roster_at(pair->alone, i, &anchored_too));
		assert_true(weft_roster_stale(pair->alone) || anchored == anchored_too);
	}
	assert_same_members(pair->shared, pair->alone);
	/* until then, what can be traced to the root is found out by whoever asks first */
	if (weft_roster_stale(pair->alone))
		return;
	assert_int_equal(weft_roster_digest(pair->shared, &digest), 0);
	a = weft_roster_index(pair->shared);
	was = share_pause();
	assert_int_equal(weft_roster_digest(pair->alone, &other), 0);
	b = weft_roster_index(pair->alone);
	share_resume(was);
	assert_memory_equal(&digest, &other, sizeof(digest));
	assert_int_equal(a->count, b->count);
	assert_memory_equal(&a->digest, &b->digest, sizeof(a->digest));
	weft_index_put(a);
	weft_index_put(b);
}

static int add_to(struct pair *pair, struct weft_record *record)
{
	int error = weft_roster_add(pair->shared, record), other;
	bool was = share_pause();

	other = weft_roster_add(pair->alone, record);
	share_resume(was);
	assert_int_equal(error, other);
	return error;
}

static void evaluate(struct pair *pair)
{
	bool was;

	assert_int_equal(weft_roster_evaluate(pair->shared, pair->now), 0);
	was = share_pause();
	assert_int_equal(weft_roster_evaluate(pair->alone, pair->now), 0);
	share_resume(was);
}

static void free_pair(struct pair *pair)
{
	bool was;

	weft_roster_free(pair->shared);
	was = share_pause();
	weft_roster_free(pair->alone);
	share_resume(was);
}

static struct pair clone_of(const struct pair *from)
{
	struct pair pair = { .now = from->now };
	bool was;

	assert_int_equal(weft_roster_clone(&pair.shared, from->shared), 0);
	was = share_pause();
	assert_int_equal(weft_roster_clone(&pair.alone, from->alone), 0);
	share_resume(was);
	/* a clone of one alone has only its records; a shared one may have the rest already */
	evaluate(&pair);
	return pair;
}

static void swap(struct pair *a, struct pair *b)
{
	uint64_t now = a->now;
	bool was;

	weft_roster_swap(a->shared, b->shared);
	was = share_pause();
	weft_roster_swap(a->alone, b->alone);
	share_resume(was);
	a->now = b->now;
	b->now = now;
}

/* Of all kinds, also such as displace others, are a stranger's, take away, and expire. */
static void make_records(struct weft_record *records[RECORDS])
{
	struct weft_record *invitation = invitation_record(500, 20, 2, NOW + DAY);
	struct weft_fields fields;
	unsigned int i, n = 0;
	char name[16];

	records[n++] = network_record(NOW);
	records[n++] = invitation;
	for (i = 0; i < 4; i++) {
		records[n++] = admin_record(20 + i, i ? 19 + i : ROOT, WEFT_ADD);
		records[n++] = admin_record(20 + i, ROOT, WEFT_REMOVE);
		records[n++] = use_record(invitation, 500, 30 + i, "used", NOW);
		records[n++] = revocation_record(i, 20 + i);
		records[n++] = admission_record(40 + i, 900, "stranger", NOW);
	}
	for (i = 0; n < RECORDS; i++) {
		snprintf(name, sizeof(name), "n%u", i % 25);
		switch (i % 3) {
		case 0:
			records[n++] = admission_record(i % 25, i % 2 ? ROOT : 20, name, NOW + i);
			break;
		case 1:
			records[n++] = announcement_record(i % 25, 100 + i % 25, 1 + i);
			break;
		default:
			fields = about(WEFT_ADMISSION, 50 + i, NOW);
			set_name(&fields, name);
			set_expires(&fields, NOW + 10 * i);
			records[n++] = sign(&fields, ROOT);
		}
	}
}

static struct pair new_pair(void)
{
	struct pair pair = { .now = NOW };
	bool was = share_pause();

	pair.shared = new_roster();
	pair.alone = new_roster();
	assert_int_equal(weft_roster_evaluate(pair.shared, NOW), 0);
	assert_int_equal(weft_roster_evaluate(pair.alone, NOW), 0);
	share_resume(was);
	share_roster(pair.shared);
	return pair;
}

static void random_step(struct sim *sim, struct pair pairs[ROSTERS],
			struct weft_record *records[RECORDS])
{
	struct pair *pair = &pairs[sim_random(sim, ROSTERS)];
	struct pair *other = &pairs[sim_random(sim, ROSTERS)];

	switch (sim_random(sim, 24)) {
	case 0:
		if (pair == other)
			break;
		free_pair(pair);
		*pair = clone_of(other);
		break;
	case 1:
		if (pair != other)
			swap(pair, other);
		break;
	case 2:
		pair->now += sim_random(sim, 60);
		/* fall through */
	case 3:
	case 4:
	case 5:
	case 6:
		evaluate(pair);
		break;
	default:
		add_to(pair, records[sim_random(sim, RECORDS)]);
	}
}

static void test_as_alone(void **state)
{
	struct weft_record *records[RECORDS];
	struct pair pairs[ROSTERS];
	struct sim *sim = sim_new(70, 1);
	unsigned int round, step, i;

	(void)state;
	make_records(records);
	for (round = 0; round < 4; round++) {
		pairs[0] = new_pair();
		for (i = 1; i < ROSTERS; i++)
			pairs[i] = clone_of(&pairs[0]);
		for (step = 0; step < STEPS / 4; step++) {
			random_step(sim, pairs, records);
			/* nobody's change is seen by another */
			for (i = 0; i < ROSTERS; i++)
				assert_same(&pairs[i]);
		}
		for (i = 0; i < ROSTERS; i++)
			free_pair(&pairs[i]);
	}
	for (i = 0; i < RECORDS; i++)
		weft_record_put(records[i]);
	share_forget();
	sim_free(sim);
}

/* It would be of no use if nothing were shared. */
static void test_is_shared(void **state)
{
	struct pair a = new_pair(), b = clone_of(&a);
	struct weft_record *record = admission_record(1, ROOT, "one", NOW);
	unsigned int before = share_count();

	(void)state;
	assert_int_equal(add_to(&a, record), 0);
	assert_int_equal(weft_roster_count(b.shared), 0);
	evaluate(&a);
	assert_int_equal(share_count(), before + 2);
	assert_int_equal(add_to(&b, record), 0);
	assert_same(&b);
	evaluate(&b);
	/* the second went the way of the first */
	assert_int_equal(share_count(), before + 2);
	assert_ptr_equal(weft_roster_members(a.shared, &(size_t){ 0 }),
			 weft_roster_members(b.shared, &(size_t){ 0 }));
	/* what is not new is told to be so by both */
	assert_int_equal(add_to(&a, record), -EEXIST);
	assert_int_equal(add_to(&b, record), -EEXIST);
	weft_record_put(record);
	free_pair(&a);
	assert_same(&b);
	free_pair(&b);
	share_forget();
	assert_int_equal(share_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_alone),
		cmocka_unit_test(test_is_shared),
	};

	return RUN_TESTS(tests);
}
