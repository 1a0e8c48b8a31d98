// SPDX-License-Identifier: GPL-2.0-or-later
/* Revoking: what it takes, and what it leaves to those who have nothing to do with it. */
#include "core.h"

static bool is_admin(struct weft_roster *roster, unsigned int n)
{
	struct weft_identity identity = identity_of(n);

	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	return weft_roster_admin(roster, &identity.id);
}

static struct weft_record *key_revocation(const struct weft_id *key,
					  const struct weft_identity *by)
{
	struct weft_fields fields = about(WEFT_REVOCATION, 0, NOW);
	struct weft_record *record;

	fields.subject = *key;
	assert_int_equal(weft_record_sign(&record, &fields, by), 0);
	return record;
}

/* Somebody says to have come by an invitation, with a signature that is not its key's. */
static struct weft_record *false_use(const struct weft_record *invitation, unsigned int subject,
				     unsigned int signer)
{
	struct weft_fields fields = about(WEFT_ADMISSION, subject, NOW);
	struct weft_identity identity = identity_of(signer);

	return sign_use(&fields, invitation, &identity, subject);
}

/* Whom a revoked admin had revoked stays out. */
static void test_revocations_outlive_their_admin(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 3, NOW + DAY);
	struct weft_identity key = invitation_key_of(500), admin = identity_of(20);

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	must_add(roster, use_record(invitation, 500, 2, "bob", NOW));
	must_add(roster, revocation_record(1, 20));
	must_add(roster, key_revocation(&key.id, &admin));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	assert_int_equal(state_of(roster, 2, NOW), WEFT_MEMBER_UNCHAINED);
	/* the token's holder revoking it as well is no reason to forget that an admin did */
	must_add(roster, key_revocation(&key.id, &key));
	assert_int_equal(revoke(roster, 20, ROOT, NOW + 1), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	assert_int_equal(state_of(roster, 2, NOW), WEFT_MEMBER_UNCHAINED);
	assert_int_equal(weft_invitation_check(roster, invitation, NULL, NOW), -EKEYREVOKED);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

/* Nor do admins come back, whose own revocations and removals would count again. */
static void test_removals_outlive_their_admin(void **state)
{
	struct weft_roster *roster = new_roster();

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admin_record(21, ROOT, WEFT_ADD));
	must_add(roster, admin_record(22, 21, WEFT_ADD));
	must_add(roster, admin_record(23, 21, WEFT_ADD));
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	must_add(roster, admission_record(23, ROOT, "carol", NOW));
	must_add(roster, revocation_record(1, 20));
	must_add(roster, revocation_record(1, 22));
	must_add(roster, revocation_record(22, 20));
	must_add(roster, admin_record(23, 20, WEFT_REMOVE));
	assert_false(is_admin(roster, 22) || is_admin(roster, 23));
	assert_int_equal(revoke(roster, 20, ROOT, NOW + 1), 0);
	assert_false(is_admin(roster, 22) || is_admin(roster, 23));
	assert_true(is_admin(roster, 21));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	assert_int_equal(state_of(roster, 23, NOW), WEFT_MEMBER);
	weft_roster_free(roster);
}

/* Whoever has more than one admission keeps what the one that counted granted. */
static void test_grants_stay(void **state)
{
	struct weft_roster *roster = new_roster();

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(1, ROOT, "old", NOW));
	must_add(roster, admission_record(1, 20, "new", NOW + 1));
	assert_string_equal(member_of(roster, 1, NOW)->name, "new");
	assert_int_equal(revoke(roster, 20, ROOT, NOW + 1), 0);
	assert_string_equal(member_of(roster, 1, NOW)->name, "new");
	weft_roster_free(roster);
}

/* A subject cannot take others' invitations along by pretending to have come by them. */
static void test_invitations_it_did_not_use(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 3, NOW + DAY);

	(void)state;
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	must_add(roster, admission_record(1, ROOT, "mallory", NOW));
	must_add(roster, false_use(invitation, 1, 7));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_int_equal(revoke(roster, 1, ROOT, NOW), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	assert_int_equal(weft_invitation_check(roster, invitation, NULL, NOW), 0);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

/* Whom a stolen admin key admitted, by whatever way, is not admitted again, but told of. */
static void test_compromised(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *theirs = invitation_record(500, 20, 3, NOW + DAY);
	struct weft_record *ours = invitation_record(501, ROOT, 3, NOW + DAY);
	struct weft_identity root = root_of(), admin = identity_of(20);
	struct weft_losses losses;
	size_t i;

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admin_record(21, 20, WEFT_ADD));
	must_add(roster, theirs);
	assert_int_equal(weft_roster_add(roster, ours), 0);
	must_add(roster, use_record(ours, 501, 20, "admin", NOW));
	must_add(roster, admission_record(1, 20, "a", NOW));
	must_add(roster, admission_record(2, 21, "b", NOW));
	must_add(roster, use_record(theirs, 500, 3, "c", NOW));
	/* nothing of its doing: one who came by the same invitation, one whom the root admitted too */
	must_add(roster, use_record(ours, 501, 4, "d", NOW));
	must_add(roster, admission_record(5, ROOT, "e", NOW));
	must_add(roster, admission_record(5, 20, "boss", NOW + 1));
	must_add(roster, admission_record(6, ROOT, "f", NOW));
	must_add(roster, revocation_record(6, 20));
	assert_int_equal(weft_revoke(roster, &admin.id, &root, NOW + 1, WEFT_COMPROMISED, &losses),
			 0);
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER_REVOKED);
	for (i = 1; i <= 3; i++)
		assert_int_equal(state_of(roster, i, NOW), WEFT_MEMBER_UNCHAINED);
	assert_int_equal(losses.count, 3);
	for (i = 0; i < losses.count; i++) {
		assert_int_equal(losses.at[i].error, 0);
		assert_int_equal(weft_roster_member(roster, &losses.at[i].id)->state,
				 WEFT_MEMBER_UNCHAINED);
	}
	weft_losses_free(&losses);
	assert_int_equal(state_of(roster, 4, NOW), WEFT_MEMBER);
	assert_string_equal(member_of(roster, 5, NOW)->name, "e");
	assert_int_equal(state_of(roster, 6, NOW), WEFT_MEMBER_REVOKED);
	assert_int_equal(weft_invitation_check(roster, ours, NULL, NOW), -EKEYREVOKED);
	weft_record_put(ours);
	weft_roster_free(roster);
}

/* An admin on whom others depend does not leave without a successor. */
static void test_admin_leaves(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity admin = identity_of(20), other = identity_of(21);

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admin_record(21, ROOT, WEFT_ADD));
	must_add(roster, admission_record(20, ROOT, "admin", NOW));
	must_add(roster, admission_record(21, ROOT, "other", NOW));
	must_add(roster, admission_record(1, 20, "alice", NOW));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_int_equal(weft_leave(roster, &admin, NOW), -EBUSY);
	/* nor by another way */
	assert_int_equal(revoke(roster, 20, 20, NOW), -EBUSY);
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	assert_true(is_admin(roster, 20));
	must_add(roster, admission_record(1, 21, "alice", NOW + 1));
	assert_int_equal(weft_leave(roster, &admin, NOW), 0);
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER_REVOKED);
	assert_false(is_admin(roster, 20));
	/* nor if somebody would come back: a member, or the holders of a token */
	must_add(roster, admission_record(2, ROOT, "bob", NOW));
	must_add(roster, revocation_record(2, 21));
	must_add(roster, admission_record(1, ROOT, "alice", NOW + 2));
	assert_int_equal(weft_leave(roster, &other, NOW), -EBUSY);
	must_add(roster, revocation_record(2, ROOT));
	assert_int_equal(weft_leave(roster, &other, NOW), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	weft_roster_free(roster);
}

static struct weft_record *lapsing_admission(unsigned int subject, unsigned int signer,
					     uint64_t issued)
{
	struct weft_fields fields = about(WEFT_ADMISSION, subject, issued);

	set_name(&fields, "x");
	set_expires(&fields, issued);
	return sign(&fields, signer);
}

/* What an admin leaves behind is nobody's grants of before, or secret of before. */
static void test_admin_leaves_no_change(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity admin = identity_of(20), root = root_of();
	struct weft_identity key = invitation_key_of(500);
	struct weft_record *record;
	uint8_t secret[32] = { 7 };

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(1, ROOT, "old", NOW));
	must_add(roster, admission_record(1, 20, "new", NOW + 1));
	assert_int_equal(weft_leave(roster, &admin, NOW + 5), -EBUSY);
	must_add(roster, admission_record(1, ROOT, "new", NOW + 2));
	/* an older admission would count again */
	must_add(roster, admission_record(2, ROOT, "x", NOW));
	must_add(roster, lapsing_admission(2, 20, NOW + 1));
	assert_int_equal(weft_leave(roster, &admin, NOW + 5), -EBUSY);
	must_add(roster, lapsing_admission(2, ROOT, NOW + 2));
	assert_int_equal(weft_epoch_make(&record, roster, secret, &admin, NOW + 1), 0);
	must_add(roster, record);
	assert_int_equal(weft_leave(roster, &admin, NOW + 5), -EBUSY);
	assert_int_equal(weft_epoch_make(&record, roster, secret, &root, NOW + 2), 0);
	must_add(roster, record);
	/* nobody is a member by it (yet), but what it revoked could be used again */
	must_add(roster, invitation_record(500, ROOT, 1, NOW + DAY));
	must_add(roster, key_revocation(&key.id, &admin));
	assert_int_equal(weft_leave(roster, &admin, NOW + 5), -EBUSY);
	must_add(roster, key_revocation(&key.id, &root));
	/* nor is the admin a member whom it made */
	must_add(roster, admin_record(22, 20, WEFT_ADD));
	assert_int_equal(weft_leave(roster, &admin, NOW + 5), -EBUSY);
	must_add(roster, admin_record(22, ROOT, WEFT_ADD));
	assert_int_equal(weft_leave(roster, &admin, NOW + 5), 0);
	assert_string_equal(member_of(roster, 1, NOW + 5)->name, "new");
	weft_roster_free(roster);
}

/* Who was a member until then stays none: unless it is a thief who said until when. */
static void test_lapsed_stay_so(void **state)
{
	static const int states[] = { WEFT_MEMBER_EXPIRED, WEFT_MEMBER };
	struct weft_identity admin = identity_of(20), root = root_of();
	struct weft_roster *roster;
	unsigned int flags;

	(void)state;
	for (flags = 0; flags <= WEFT_COMPROMISED; flags++) {
		roster = new_roster();
		must_add(roster, admin_record(20, ROOT, WEFT_ADD));
		must_add(roster, admission_record(1, ROOT, "x", NOW));
		must_add(roster, lapsing_admission(1, 20, NOW + 1));
		assert_int_equal(state_of(roster, 1, NOW + 5), WEFT_MEMBER_EXPIRED);
		assert_int_equal(weft_revoke(roster, &admin.id, &root, NOW + 5, flags, NULL), 0);
		assert_int_equal(state_of(roster, 1, NOW + 5), states[flags]);
		weft_roster_free(roster);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_revocations_outlive_their_admin),
		cmocka_unit_test(test_removals_outlive_their_admin),
		cmocka_unit_test(test_grants_stay),
		cmocka_unit_test(test_invitations_it_did_not_use),
		cmocka_unit_test(test_compromised),
		cmocka_unit_test(test_admin_leaves),
		cmocka_unit_test(test_admin_leaves_no_change),
		cmocka_unit_test(test_lapsed_stay_so),
	};

	return RUN_TESTS(tests);
}
