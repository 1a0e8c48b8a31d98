// SPDX-License-Identifier: GPL-2.0-or-later
/* What takes so many records that valgrind would take a minute. */
#include "core.h"

#include "roster_internal.h"
#include "state.h"

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

/* The last places are for those nearer to the root than whoever filled the others. */
static void test_reserve(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_losses losses;
	struct weft_identity root = root_of(), admin = identity_of(20);
	unsigned int i = 0;

	(void)state;
	roster->max = 320; /* of which 20 in reserve, 2 a level */
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admin_record(21, 20, WEFT_ADD));
	must_add(roster, admission_record(1, 20, "alice", NOW));
	for (i = 3; i < 300; i++)
		must_add(roster, admission_record(1000 + i, 21, "x", NOW));
	assert_int_equal(add(roster, admission_record(2000, ROOT, "x", NOW)), -ENOSPC);
	/* whoever is no admin, an admin on level 2, on level 1, and the root */
	assert_int_equal(add(roster, revocation_record(1003, 1003)), -ENOSPC);
	for (i = 0; i < 16; i++)
		must_add(roster, revocation_record(3000 + i, 21));
	assert_int_equal(add(roster, revocation_record(3000 + i, 21)), -ENOSPC);
	for (; i < 18; i++)
		must_add(roster, revocation_record(3000 + i, 20));
	assert_int_equal(add(roster, revocation_record(3000 + i, 20)), -ENOSPC);
	/* there is no room to admit anybody again: that is told, and keeps the admin from nothing */
	assert_int_equal(weft_revoke(roster, &admin.id, &root, NOW, WEFT_COMPROMISED, &losses), 0);
	assert_null(weft_roster_admin(roster, &admin.id));
	assert_int_equal(losses.count, 298);
	/* one more place: of the 18 revocations one was said again */
	assert_int_equal(losses.unsaid, 17);
	weft_losses_free(&losses);
	weft_roster_free(roster);
}

static void test_no_room_for_bystanders(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_losses losses;
	struct weft_identity root = root_of(), admin = identity_of(20);
	unsigned int i;

	(void)state;
	roster->max = 32;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	for (i = 1; i < 30; i++)
		must_add(roster, admission_record(100 + i, 20, "x", NOW));
	assert_int_equal(weft_revoke(roster, &admin.id, &root, NOW, 0, &losses), 0);
	assert_null(weft_roster_admin(roster, &admin.id));
	assert_int_equal(losses.count, 29);
	assert_int_equal(losses.at[0].error, -ENOSPC);
	weft_losses_free(&losses);
	weft_roster_free(roster);
}

/* What there is no room to say again is told; and who was revoked is not admitted instead. */
static void test_no_room_to_say_again(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity root = root_of(), admin = identity_of(20);
	struct weft_losses losses;
	unsigned int i;

	(void)state;
	roster->max = 32; /* of which two in reserve */
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admin_record(21, ROOT, WEFT_ADD));
	must_add(roster, admission_record(1, 21, "old", NOW));
	must_add(roster, admission_record(1, 20, "new", NOW + 1));
	must_add(roster, admission_record(2, ROOT, "bob", NOW));
	must_add(roster, revocation_record(2, 20));
	for (i = 6; i < 30; i++)
		must_add(roster, admission_record(100 + i, ROOT, "x", NOW));
	must_add(roster, revocation_record(3000, ROOT));
	assert_int_equal(weft_revoke(roster, &admin.id, &root, NOW + 1, 0, &losses), 0);
	assert_null(weft_roster_admin(roster, &admin.id));
	assert_int_equal(losses.count, 0);
	assert_int_equal(losses.unsaid, 2);
	assert_string_equal(member_of(roster, 1, NOW)->name, "old");
	assert_true(member_of(roster, 2, NOW)->admission->issued == NOW);
	weft_losses_free(&losses);
	weft_roster_free(roster);
}

/* Who leaves says so before it is known who it was: however many they are, it is kept. */
static void test_many_left(void **state)
{
	const unsigned int count = WEFT_MAX_UNANCHORED + 50;
	struct weft_roster *roster = new_roster(), *other = new_roster();
	struct weft_id before, after;
	unsigned int i;
	size_t len, taken;
	uint8_t *bytes;

	(void)state;
	for (i = 0; i < count; i++) {
		must_add(roster, admission_record(2000 + i, ROOT, "x", NOW));
		must_add(roster, revocation_record(2000 + i, 2000 + i));
	}
	assert_int_equal(weft_roster_merge(other, roster), 0);
	assert_int_equal(weft_roster_count(other), 2 * count);
	weft_roster_free(other);
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_int_equal(weft_roster_encode(roster, &bytes, &len), 0);
	other = new_roster();
	assert_int_equal(weft_roster_decode(other, bytes, len, &taken), 0);
	assert_int_equal(taken, 2 * count);
	/* as they are, without an evaluation before */
	assert_int_equal(weft_roster_digest(roster, &before), 0);
	assert_int_equal(weft_roster_digest(other, &after), 0);
	assert_true(weft_id_equal(&before, &after));
	free(bytes);
	weft_roster_free(roster);
	weft_roster_free(other);
}

/* One record that finds no room is no reason to refuse others. */
static void test_merge_goes_on(void **state)
{
	struct weft_roster *roster = new_roster(), *other = new_roster();
	struct weft_identity alice = identity_of(1);
	unsigned int i;

	(void)state;
	roster->max = 32;
	for (i = 1; i <= 40; i++)
		must_add(other, admission_record(i, ROOT, "x", NOW));
	for (i = 1; i <= 30; i++)
		must_add(roster, admission_record(100 + i, ROOT, "x", NOW));
	must_add(other, revocation_record(101, ROOT));
	must_add(other, admission_record(130, ROOT, "newer", NOW + 1));
	assert_int_equal(weft_roster_merge(roster, other), -ENOSPC);
	assert_int_equal(state_of(roster, 101, NOW), WEFT_MEMBER_REVOKED);
	assert_string_equal(member_of(roster, 130, NOW)->name, "newer");
	assert_null(weft_roster_member(roster, &alice.id));
	weft_roster_free(roster);
	weft_roster_free(other);
}

/* Rubbish is refused without another look at the chains; and what is none is not forgotten. */
static void test_rubbish_costs_no_evaluation(void **state)
{
	struct weft_roster *roster = new_roster();
	unsigned int i;

	(void)state;
	for (i = 0; i < WEFT_MAX_UNANCHORED; i++)
		must_add(roster, admission_record(10000 + i, 5000, "x", NOW));
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	assert_true(roster->chain_stale);
	assert_int_equal(add(roster, admission_record(1, 5000, "x", NOW)), -ENOSPC);
	assert_false(roster->chain_stale);
	must_add(roster, admission_record(10000, 5000, "y", NOW + 1));
	assert_false(roster->chain_stale);
	must_add(roster, admin_record(5000, 20, WEFT_ADD));
	assert_int_equal(weft_roster_forget_unanchored(roster), 0);
	assert_int_equal(weft_roster_count(roster), WEFT_MAX_UNANCHORED + 2);
	weft_roster_free(roster);
}

/*
 * Many admins who add one that the root removed, and whom others revoked: each record is looked at some
 * times a level, not once for each other one.
 */
static void test_work_is_bounded(void **state)
{
	const unsigned int count = 200;
	struct weft_roster *roster = new_roster();
	struct weft_identity mallory = identity_of(1);
	unsigned int i;

	(void)state;
	must_add(roster, admin_record(1, ROOT, WEFT_REMOVE));
	for (i = 0; i < count; i++) {
		must_add(roster, admin_record(2000 + i, ROOT, WEFT_ADD));
		must_add(roster, admin_record(1, 2000 + i, WEFT_ADD));
		must_add(roster, revocation_record(1, 2000 + i));
	}
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_null(weft_roster_admin(roster, &mallory.id));
	assert_int_equal(roster->admins.count, count + 1);
	assert_true(roster->admins.steps >= 2 * count);
	assert_true(roster->admins.steps < 2 * WEFT_MAX_LEVEL * weft_roster_count(roster));
	weft_roster_free(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unanchored_are_bounded),
		cmocka_unit_test(test_revoke_with_a_full_pool),
		cmocka_unit_test(test_anchored_by_what_came_since),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_no_room_for_bystanders),
		cmocka_unit_test(test_no_room_to_say_again),
		cmocka_unit_test(test_many_left),
		cmocka_unit_test(test_merge_goes_on),
		cmocka_unit_test(test_rubbish_costs_no_evaluation),
		cmocka_unit_test(test_work_is_bounded),
	};

	return RUN_TESTS(tests);
}
