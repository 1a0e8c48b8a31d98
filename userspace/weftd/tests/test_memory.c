// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Without memory: whichever allocation fails, the call says so, nothing is lost or counted twice,
 * and the same call works afterwards.
 */
#include "core.h"

#include "state.h"

/* How many allocations succeed before one fails; negative: all. */
static int allocations_left = -1;
static bool failed;

static bool fails(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left-- > 0)
		return false;
	/* this one only: what comes after has to stand on its own */
	failed = true;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

#define RECORDS 16

/* In an order in which the invitation comes last, and finds more uses than it grants. */
static void make_records(struct weft_record *records[RECORDS])
{
	struct weft_record *invitation = invitation_record(500, 20, 2, NOW + DAY);
	unsigned int i, n = 0;

	records[n++] = network_record(NOW);
	records[n++] = admission_record(1, ROOT, "alice", NOW);
	records[n++] = announcement_record(1, 1, 1);
	records[n++] = announcement_record(1, 1, 2);
	for (i = 2; i < 7; i++)
		records[n++] = use_record(invitation, 500, i, "x", NOW);
	records[n++] = invitation;
	records[n++] = admin_record(20, ROOT, WEFT_ADD);
	records[n++] = admin_record(21, 20, WEFT_ADD);
	records[n++] = admin_record(22, 21, WEFT_ADD);
	records[n++] = admin_record(23, 22, WEFT_ADD);
	records[n++] = admin_record(24, 23, WEFT_ADD);
	records[n++] = admission_record(8, 20, "bob", NOW);
	assert_int_equal(n, RECORDS);
}

static unsigned int count_members(const struct weft_roster *roster)
{
	const struct weft_member *members;
	unsigned int found = 0;
	size_t count, i;

	members = weft_roster_members(roster, &count);
	for (i = 0; i < count; i++)
		found += members[i].state == WEFT_MEMBER;
	return found;
}

/* One of the core's calls; to be made until it succeeds. */
static int fill(struct weft_roster **roster)
{
	struct weft_record *records[RECORDS];
	struct weft_identity root = root_of(), admin = identity_of(20);
	uint8_t *bytes;
	size_t i, len, taken;
	int error = 0, left = allocations_left;

	allocations_left = -1;
	make_records(records);
	allocations_left = left;
	*roster = NULL;
	error = weft_roster_new(roster, &root.id);
	for (i = 0; !error && i < RECORDS; i++) {
		error = weft_roster_add_bytes(*roster, records[i]->bytes, records[i]->len);
		if (!error && i % 5 == 0)
			error = weft_roster_evaluate(*roster, NOW);
	}
	if (!error)
		error = weft_roster_evaluate(*roster, NOW);
	if (!error)
		error = weft_revoke(*roster, &admin.id, &root, NOW + 1, 0, NULL);
	if (!error)
		error = weft_roster_encode(*roster, &bytes, &len);
	if (!error) {
		error = weft_roster_decode(*roster, bytes, len, &taken);
		free(bytes);
	}
	left = allocations_left;
	allocations_left = -1;
	for (i = 0; i < RECORDS; i++)
		weft_record_put(records[i]);
	return error;
}

static void test_each_allocation(void **state)
{
	struct weft_record *records[RECORDS];
	struct weft_roster *roster;
	unsigned int n, i;
	int error;

	(void)state;
	make_records(records);
	for (n = 0; n < 1000; n++) {
		failed = false;
		allocations_left = n;
		error = fill(&roster);
		if (!failed)
			break;
		assert_int_equal(error, -ENOMEM);
		/* whatever came in before is as good as ever */
		for (i = 0; roster && i < RECORDS; i++)
			weft_roster_add(roster, records[i]);
		if (roster) {
			assert_int_equal(weft_roster_evaluate(roster, NOW + 1), 0);
			assert_int_equal(count_members(roster), 4);
		}
		weft_roster_free(roster);
	}
	allocations_left = -1;
	assert_int_equal(error, 0);
	assert_int_equal(count_members(roster), 4);
	assert_true(n > 20 && n < 1000);
	printf("# each of %u allocations failed once\n", n);
	weft_roster_free(roster);
	for (i = 0; i < RECORDS; i++)
		weft_record_put(records[i]);
}

/* An evaluation that fails has changed nothing: who was an admin and a member is so still. */
static void test_failed_evaluation(void **state)
{
	struct weft_roster *roster = new_roster();
	unsigned int i, n;
	size_t admins, members;
	int error = -ENOMEM;

	(void)state;
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	for (i = 0; i < 30; i++)
		must_add(roster, admin_record(20 + i, ROOT, WEFT_ADD));
	must_add(roster, admission_record(2, 20, "bob", NOW));
	for (n = 0; error && n < 100; n++) {
		allocations_left = n;
		error = weft_roster_evaluate(roster, NOW);
		allocations_left = -1;
		weft_roster_admins(roster, &admins);
		weft_roster_members(roster, &members);
		assert_int_equal(admins, error ? 1 : 31);
		assert_int_equal(members, error ? 1 : 2);
	}
	assert_int_equal(error, 0);
	assert_true(n > 4);
	weft_roster_free(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation),
		cmocka_unit_test(test_failed_evaluation),
	};

	return RUN_TESTS(tests);
}
