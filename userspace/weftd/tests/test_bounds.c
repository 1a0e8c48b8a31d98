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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unanchored_are_bounded),
	};

	return RUN_TESTS(tests);
}
