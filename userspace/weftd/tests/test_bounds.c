// SPDX-License-Identifier: GPL-2.0-or-later
/* What takes so many records that valgrind would take a minute. */
#include "core.h"

/* What nobody answers for is bounded, and gives way for nothing else. */
static void test_unanchored_are_bounded(void **state)
{
	struct weft_roster *roster = new_roster();
	unsigned int i;

	(void)state;
	for (i = 0; i < WEFT_MAX_UNANCHORED; i++)
		must_add(roster, admission_record(i, 5000, "x", NOW));
	assert_int_equal(add(roster, admission_record(i, 5000, "x", NOW)), -ENOSPC);
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_int_equal(add(roster, admission_record(i, 5000, "x", NOW)), -ENOSPC);
	must_add(roster, admission_record(6000, ROOT, "y", NOW));
	/* the chain closes: none of them is one of those any more */
	must_add(roster, admin_record(5000, ROOT, WEFT_ADD));
	must_add(roster, admission_record(i, 5000, "x", NOW));
	assert_int_equal(state_of(roster, i, NOW), WEFT_MEMBER);
	weft_roster_free(roster);
}

/* Rubbish keeps no admin from revoking, whoever made it an admin. */
static void test_revoke_with_a_full_pool(void **state)
{
	struct weft_identity admin = identity_of(20), alice = identity_of(1);
	struct weft_roster *roster = new_roster();
	unsigned int i;

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(1, 20, "alice", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	for (i = 0; i < WEFT_MAX_UNANCHORED; i++)
		must_add(roster, admission_record(10000 + i, 5000, "x", NOW));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_int_equal(weft_revoke(roster, &alice.id, &admin, NOW, 0, NULL), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	weft_roster_free(roster);
}

/* What came before its chain did is looked at again, itself too, before it is refused. */
static void test_anchored_by_what_came_since(void **state)
{
	struct weft_roster *roster = new_roster();
	unsigned int i;

	(void)state;
	for (i = 0; i < WEFT_MAX_UNANCHORED; i++)
		must_add(roster, admission_record(10000 + i, 5000, "x", NOW));
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(1, 20, "alice", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	weft_roster_free(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unanchored_are_bounded),
		cmocka_unit_test(test_revoke_with_a_full_pool),
		cmocka_unit_test(test_anchored_by_what_came_since),
	};

	return RUN_TESTS(tests);
}
