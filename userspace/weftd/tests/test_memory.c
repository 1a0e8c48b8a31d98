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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation),
	};

	return RUN_TESTS(tests);
}
