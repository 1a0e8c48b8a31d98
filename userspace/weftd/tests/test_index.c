// SPDX-License-Identifier: GPL-2.0-or-later
/* The index of what a roster passes on: sorted, without gaps, and as of when it was asked for. */
#include "core.h"

#include "index.h"

#define MEMBERS 60

static struct weft_roster *crowd(void)
{
	struct weft_roster *roster = new_roster();
	char name[16];
	unsigned int i;

	for (i = 0; i < MEMBERS; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		must_add(roster, admission_record(i, ROOT, name, NOW));
	}
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	return roster;
}

static void test_empty(void **state)
{
	static const struct weft_short_hash none;
	struct weft_roster *roster = new_roster();
	struct weft_index *index;

	(void)state;
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	index = weft_roster_index(roster);
	assert_int_equal(index->count, 0);
	assert_memory_equal(&index->digest, &none, sizeof(none));
	assert_int_equal(weft_index_place(index, none.bytes, sizeof(none.bytes)), 0);
	weft_index_put(index);
	weft_index_put(NULL);
	weft_roster_free(roster);
}

static void test_sorted(void **state)
{
	struct weft_roster *roster = crowd();
	struct weft_index *index = weft_roster_index(roster), *again;
	size_t i;

	(void)state;
	assert_int_equal(index->count, MEMBERS);
	for (i = 1; i < index->count; i++)
		assert_true(weft_id_compare(&index->at[i - 1]->hash, &index->at[i]->hash) < 0);
	/* nothing happened: it is the same */
	again = weft_roster_index(roster);
	assert_ptr_equal(again, index);
	weft_index_put(again);
	weft_index_put(index);
	weft_roster_free(roster);
}

/* Against looking at all of them. */
static void test_place(void **state)
{
	struct weft_roster *roster = crowd();
	struct weft_index *index = weft_roster_index(roster);
	uint8_t hash[WEFT_ID_LEN];
	size_t n, len, expected;
	int change;

	(void)state;
	for (n = 0; n < index->count; n++) {
		for (len = 0; len <= WEFT_ID_LEN; len++) {
			for (change = -1; change <= 1; change++) {
				memcpy(hash, index->at[n]->hash.bytes, sizeof(hash));
				if (len)
					hash[len - 1] += change;
				for (expected = 0; expected < index->count; expected++) {
					if (memcmp(index->at[expected]->hash.bytes, hash, len) >= 0)
						break;
				}
				assert_int_equal(weft_index_place(index, hash, len), expected);
			}
		}
	}
	weft_index_put(index);
	weft_roster_free(roster);
}

static void test_digest(void **state)
{
	static const struct weft_short_hash none;
	struct weft_roster *roster = crowd();
	struct weft_index *index = weft_roster_index(roster);
	struct weft_short_hash all, part, other;
	size_t i;

	(void)state;
	weft_index_digest(index, 0, index->count, &all);
	assert_memory_equal(&all, &index->digest, sizeof(all));
	weft_index_digest(index, 7, 7, &part);
	assert_memory_equal(&part, &none, sizeof(none));
	/* each range has another */
	for (i = 1; i < index->count; i++) {
		weft_index_digest(index, 0, i, &part);
		assert_memory_not_equal(&part, &all, sizeof(all));
		weft_index_digest(index, i, index->count, &other);
		assert_memory_not_equal(&other, &part, sizeof(part));
		assert_memory_not_equal(&other, &all, sizeof(all));
	}
	weft_index_put(index);
	weft_roster_free(roster);
}

/* The order in which records came, and what is not passed on, are not in it. */
static void test_same_records(void **state)
{
	struct weft_roster *roster = crowd(), *other = new_roster();
	struct weft_index *index, *others;
	size_t i;

	(void)state;
	must_add(other, admission_record(900, 901, "stranger", NOW));
	for (i = weft_roster_count(roster); i--;)
		assert_int_equal(weft_roster_add(other, weft_roster_at(roster, i, NULL)), 0);
	assert_int_equal(weft_roster_evaluate(other, NOW), 0);
	index = weft_roster_index(roster);
	others = weft_roster_index(other);
	assert_int_equal(weft_roster_count(other), MEMBERS + 1);
	assert_int_equal(others->count, MEMBERS);
	assert_memory_equal(&index->digest, &others->digest, sizeof(index->digest));
	weft_index_put(index);
	weft_index_put(others);
	weft_roster_free(roster);
	weft_roster_free(other);
}

/* Who holds one may go through it though the roster changes, and is gone. */
static void test_outlives(void **state)
{
	struct weft_roster *roster = crowd();
	struct weft_index *index = weft_roster_index(roster), *next;
	struct weft_short_hash before = index->digest, digest;
	size_t i;

	(void)state;
	/* takes the place of an admission that is in the index */
	must_add(roster, admission_record(3, ROOT, "n3", NOW + 1));
	must_add(roster, admission_record(MEMBERS, ROOT, "newest", NOW));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	next = weft_roster_index(roster);
	assert_ptr_not_equal(next, index);
	assert_int_equal(next->count, MEMBERS + 1);
	assert_memory_not_equal(&next->digest, &before, sizeof(before));
	weft_roster_free(roster);
	assert_int_equal(index->count, MEMBERS);
	for (i = 0; i < index->count; i++)
		assert_true(index->at[i]->len > 0);
	weft_index_digest(index, 0, index->count, &digest);
	assert_memory_equal(&digest, &before, sizeof(before));
	weft_index_put(index);
	weft_index_put(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_same_records),
		cmocka_unit_test(test_outlives),
	};

	return RUN_TESTS(tests);
}
