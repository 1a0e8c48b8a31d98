// SPDX-License-Identifier: GPL-2.0-or-later
/* Joining by invitation, and revoking with regard to it. */
#include "core.h"

/* How many of the identities from @first on are members. */
static unsigned int count_members(struct weft_roster *roster, unsigned int first,
				  unsigned int count)
{
	unsigned int i, members = 0;

	for (i = first; i < first + count; i++)
		members += state_of(roster, i, NOW) == WEFT_MEMBER;
	return members;
}

static int check(struct weft_roster *roster, const struct weft_record *invitation,
		 unsigned int joiner, uint64_t now)
{
	struct weft_identity identity = identity_of(joiner);

	assert_int_equal(weft_roster_evaluate(roster, now), 0);
	return weft_invitation_check(roster, invitation, joiner ? &identity.id : NULL, now);
}

static void test_join(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 1, NOW + DAY);
	const struct weft_member *member;

	(void)state;
	assert_int_equal(check(roster, invitation, 1, NOW), 0);
	/* the admission may be known before the invitation is */
	must_add(roster, use_record(invitation, 500, 1, "bob", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	member = weft_roster_by_name(roster, "bob");
	assert_non_null(member);
	assert_ptr_equal(member->invitation, invitation);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

static void test_grant(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_fields fields = about(WEFT_INVITATION, 0, NOW), grant;
	struct weft_identity root = root_of(), joiner = identity_of(1);
	struct weft_record *invitation, *admission;
	const struct weft_member *member;
	uint8_t secret[WEFT_SEED_LEN], other[4] = { 10, 77, 0, 9 };

	(void)state;
	must_add(roster, network_record(NOW));
	seed_of(secret, 500);
	fields.uses = 1;
	set_expires(&fields, NOW + DAY);
	set_name(&fields, "printer");
	set_ipv4(&fields, 10, 77, 0, 8);
	add_route(&fields, ipv4_prefix(192, 168, 0, 0, 24));
	strcpy(fields.groups.at[0], "things");
	fields.groups.count = 1;
	fields.may = WEFT_MAY_RELAY;
	fields.member_expires = NOW + 30 * DAY;
	fields.has |= WEFT_HAS(WEFT_KEY_USES) | WEFT_HAS(WEFT_KEY_GROUPS) | WEFT_HAS(WEFT_KEY_MAY) |
		      WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	assert_int_equal(weft_invitation_make(&invitation, &fields, secret, &root), 0);
	/* the joiner's wishes do not matter where the invitation says it */
	assert_int_equal(weft_invitation_redeem(&admission, invitation, secret, &joiner, "boss",
						other, NOW), 0);
	must_add(roster, invitation);
	must_add(roster, admission);
	member = member_of(roster, 1, NOW);
	assert_int_equal(member->state, WEFT_MEMBER);
	assert_string_equal(member->name, "printer");
	assert_int_equal(member->ipv4[3], 8);
	assert_true(member->expires == NOW + 30 * DAY);
	weft_member_grant(member, &grant);
	assert_int_equal(grant.may, WEFT_MAY_RELAY);
	assert_string_equal(grant.groups.at[0], "things");
	assert_int_equal(grant.routes.count, 1);
	assert_int_equal(state_of(roster, 1, NOW + 31 * DAY), WEFT_MEMBER_EXPIRED);
	weft_roster_free(roster);
}

static void test_wishes(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 2, NOW + DAY), *admission;
	struct weft_identity joiner = identity_of(1);
	uint8_t secret[WEFT_SEED_LEN], ipv4[4] = { 10, 77, 0, 9 };

	(void)state;
	must_add(roster, network_record(NOW));
	seed_of(secret, 500);
	assert_int_equal(weft_invitation_redeem(&admission, invitation, secret, &joiner,
						"Not A Name", ipv4, NOW), -EPROTO);
	assert_int_equal(weft_invitation_redeem(&admission, invitation, secret, &joiner, "bob",
						ipv4, NOW), 0);
	must_add(roster, admission);
	/* without a name, one follows from the key */
	must_add(roster, use_record(invitation, 500, 2, NULL, NOW));
	must_add(roster, invitation);
	assert_int_equal(member_of(roster, 1, NOW)->ipv4[3], 9);
	assert_memory_equal(member_of(roster, 2, NOW)->name, "m--", 3);
	assert_int_equal(strlen(member_of(roster, 2, NOW)->name), 19);
	weft_roster_free(roster);
}

static void test_wrong_secret(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 1, NOW + DAY), *admission;
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_identity joiner = identity_of(1), other = identity_of(7);
	uint8_t secret[WEFT_SEED_LEN];

	(void)state;
	seed_of(secret, 501);
	assert_int_equal(weft_invitation_redeem(&admission, invitation, secret, &joiner, "bob",
						NULL, NOW), -EKEYREJECTED);
	/* signed by whoever: no use of the invitation, and it keeps nobody else from it */
	set_name(&fields, "bob");
	must_add(roster, sign_use(&fields, invitation, &other, 1));
	must_add(roster, use_record(invitation, 500, 2, "carol", NOW));
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	assert_int_equal(state_of(roster, 2, NOW), WEFT_MEMBER);
	/* nor for the one in whose name it was made */
	assert_int_equal(check(roster, invitation, 2, NOW), 0);
	assert_int_equal(check(roster, invitation, 1, NOW), -EUSERS);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

static void test_invitation_of_a_stranger(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, 9, 1, NOW + DAY);

	(void)state;
	assert_int_equal(check(roster, invitation, 1, NOW), -EACCES);
	must_add(roster, use_record(invitation, 500, 1, "bob", NOW));
	must_add(roster, invitation);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	weft_roster_free(roster);
}

static void test_other_network(void **state)
{
	struct weft_record *invitation = invitation_record(500, ROOT, 1, NOW + DAY);
	struct weft_identity other = identity_of(77);
	struct weft_roster *roster;

	(void)state;
	assert_int_equal(weft_roster_new(&roster, &other.id), 0);
	assert_int_equal(check(roster, invitation, 0, NOW), -EXDEV);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

static void test_too_late(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 5, NOW + DAY), *admission;
	struct weft_identity joiner = identity_of(1);
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW + 2 * DAY);
	struct weft_invitation_keys keys;
	uint8_t secret[WEFT_SEED_LEN];

	(void)state;
	seed_of(secret, 500);
	assert_int_equal(weft_invitation_redeem(&admission, invitation, secret, &joiner, "bob",
						NULL, NOW + DAY + 1), -EKEYEXPIRED);
	assert_int_equal(check(roster, invitation, 0, NOW + DAY), 0);
	assert_int_equal(check(roster, invitation, 0, NOW + DAY + 1), -EKEYEXPIRED);
	/* made too late nevertheless */
	weft_invitation_keys(&keys, secret);
	set_name(&fields, "bob");
	admission = sign_use(&fields, invitation, &keys.sign, 1);
	must_add(roster, weft_record_hold(admission));
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	assert_int_equal(state_of(roster, 1, NOW), -1);
	assert_int_equal(add(roster, admission), -EUSERS);
	/* who was in time stays, and may come back */
	must_add(roster, use_record(invitation, 500, 1, "bob", NOW));
	assert_int_equal(state_of(roster, 1, NOW + 5 * DAY), WEFT_MEMBER);
	assert_int_equal(check(roster, invitation, 1, NOW + 5 * DAY), 0);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

static void test_used_up(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 2, NOW + DAY);

	(void)state;
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	must_add(roster, use_record(invitation, 500, 1, "a", NOW));
	assert_int_equal(check(roster, invitation, 2, NOW), 0);
	must_add(roster, use_record(invitation, 500, 2, "b", NOW));
	assert_int_equal(check(roster, invitation, 3, NOW), -EUSERS);
	assert_int_equal(check(roster, invitation, 0, NOW), -EUSERS);
	assert_int_equal(check(roster, invitation, 2, NOW), 0);
	/* the same once more is not another use */
	must_add(roster, use_record(invitation, 500, 2, "c", NOW - 1));
	assert_int_equal(count_members(roster, 1, 3), 2);
	/* one who left has used it */
	must_add(roster, revocation_record(2, 2));
	assert_int_equal(check(roster, invitation, 3, NOW), -EUSERS);
	assert_int_equal(check(roster, invitation, 2, NOW), -EKEYREVOKED);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

/* Both halves of a split network let somebody in by the same invitation. */
static void test_used_on_both_sides(void **state)
{
	struct weft_record *invitation = invitation_record(500, ROOT, 3, NOW + DAY);
	struct weft_roster *left = new_roster(), *right = new_roster();
	struct weft_id left_digest, right_digest;
	unsigned int i, excess = 0;

	(void)state;
	assert_int_equal(weft_roster_add(left, invitation), 0);
	for (i = 1; i <= 3; i++)
		must_add(left, use_record(invitation, 500, i, "l", NOW));
	for (i = 4; i <= 6; i++)
		must_add(right, use_record(invitation, 500, i, "r", NOW));
	assert_int_equal(weft_roster_add(right, invitation), 0);
	assert_int_equal(count_members(left, 1, 6), 3);
	assert_int_equal(count_members(right, 1, 6), 3);
	assert_int_equal(weft_roster_merge(left, right), 0);
	assert_int_equal(weft_roster_merge(right, left), 0);
	assert_int_equal(count_members(left, 1, 6), 3);
	assert_int_equal(count_members(right, 1, 6), 3);
	weft_roster_digest(left, &left_digest);
	weft_roster_digest(right, &right_digest);
	assert_true(weft_id_equal(&left_digest, &right_digest));
	/* those who are out stay out, and are told so */
	for (i = 1; i <= 6; i++) {
		if (state_of(left, i, NOW) == WEFT_MEMBER)
			continue;
		assert_int_equal(add(left, use_record(invitation, 500, i, "x", NOW)), -EUSERS);
		assert_int_equal(check(left, invitation, i, NOW), -EUSERS);
		excess = i;
	}
	/* until an admin admits them */
	must_add(left, admission_record(excess, ROOT, "x", NOW));
	assert_int_equal(state_of(left, excess, NOW), WEFT_MEMBER);
	weft_record_put(invitation);
	weft_roster_free(left);
	weft_roster_free(right);
}

static void test_admin_comes_before_invitation(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 100, NOW + DAY);
	unsigned int i;

	(void)state;
	/* whatever an invited one claims, by however many keys, is not taken from an admitted one */
	must_add(roster, admission_record(1, ROOT, "server", NOW));
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	for (i = 2; i < 30; i++)
		must_add(roster, use_record(invitation, 500, i, "server", NOW));
	assert_string_equal(member_of(roster, 1, NOW)->name, "server");
	/* and an admin's word on an invited one counts before the invitation's */
	must_add(roster, admission_record(2, ROOT, "two", NOW - 1));
	assert_string_equal(member_of(roster, 2, NOW)->name, "two");
	weft_record_put(invitation);
	weft_roster_free(roster);
}

static void test_cancelled(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 5, NOW + DAY);
	struct weft_invitation_keys keys;
	struct weft_identity root = root_of();
	uint8_t secret[WEFT_SEED_LEN];
	struct weft_fields fields = about(WEFT_REVOCATION, 0, NOW);
	struct weft_record *revocation;

	(void)state;
	seed_of(secret, 500);
	weft_invitation_keys(&keys, secret);
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	must_add(roster, use_record(invitation, 500, 1, "a", NOW));
	must_add(roster, use_record(invitation, 500, 2, NULL, NOW));
	/* who has the token cannot use it against the others */
	fields.subject = keys.sign.id;
	assert_int_equal(weft_record_sign(&revocation, &fields, &keys.sign), 0);
	must_add(roster, revocation);
	assert_int_equal(count_members(roster, 1, 2), 2);
	assert_int_equal(check(roster, invitation, 3, NOW), 0);
	/* an admin can, and those who came by it stay */
	assert_int_equal(weft_revoke(roster, &keys.sign.id, &root, NOW, 0, NULL), 0);
	assert_int_equal(check(roster, invitation, 3, NOW), -EKEYREVOKED);
	assert_int_equal(count_members(roster, 1, 2), 2);
	assert_null(member_of(roster, 1, NOW)->invitation);
	assert_string_equal(member_of(roster, 1, NOW)->name, "a");
	assert_memory_equal(member_of(roster, 2, NOW)->name, "m-", 2);
	must_add(roster, use_record(invitation, 500, 3, "c", NOW));
	assert_int_equal(state_of(roster, 3, NOW), WEFT_MEMBER_UNCHAINED);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

/* A revoked member still has its token: it is worth nothing, and nobody else suffers. */
static void test_revoked_does_not_come_back(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, ROOT, 3, NOW + DAY);
	struct weft_identity root = root_of(), mallory = identity_of(1);
	unsigned int i;

	(void)state;
	assert_int_equal(weft_roster_add(roster, invitation), 0);
	for (i = 1; i <= 3; i++)
		must_add(roster, use_record(invitation, 500, i, "abc", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	assert_int_equal(weft_revoke(roster, &mallory.id, &root, NOW, 0, NULL), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	/* new keys as many as it takes to rank before the others, dated back */
	for (i = 10; i < 60; i++)
		add(roster, use_record(invitation, 500, i, "mallory", NOW));
	assert_int_equal(count_members(roster, 10, 50), 0);
	assert_int_equal(count_members(roster, 1, 3), 2);
	/* once more is no error */
	assert_int_equal(weft_revoke(roster, &mallory.id, &root, NOW, 0, NULL), 0);
	weft_record_put(invitation);
	weft_roster_free(roster);
}

static void test_revoke_an_admin(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_record *invitation = invitation_record(500, 20, 3, NOW + DAY);
	struct weft_identity root = root_of(), admin = identity_of(20), peer = identity_of(21);

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admin_record(21, ROOT, WEFT_ADD));
	must_add(roster, admin_record(22, 20, WEFT_ADD));
	must_add(roster, admission_record(20, ROOT, "admin", NOW));
	must_add(roster, admission_record(1, 20, "alice", NOW));
	must_add(roster, admission_record(2, 22, "bob", NOW));
	must_add(roster, invitation);
	must_add(roster, use_record(invitation, 500, 3, "carol", NOW));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	/* who is none, who is not above, whom one may not */
	assert_int_equal(weft_revoke(roster, &admin.id, &peer, NOW, 0, NULL), -EPERM);
	peer = identity_of(1);
	assert_int_equal(weft_revoke(roster, &admin.id, &peer, NOW, 0, NULL), -EPERM);
	assert_int_equal(weft_revoke(roster, &root.id, &root, NOW, 0, NULL), -EPROTO);
	assert_int_equal(count_members(roster, 1, 3), 3);

	assert_int_equal(weft_revoke(roster, &admin.id, &root, NOW + 1, 0, NULL), 0);
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER_REVOKED);
	assert_null(weft_roster_admin(roster, &admin.id));
	assert_int_equal(count_members(roster, 1, 3), 3);
	assert_string_equal(member_of(roster, 3, NOW)->name, "carol");
	weft_roster_free(roster);
}

/* An admission that the one who revokes gave long ago, and that expired since, is in the way. */
static void test_admits_again_over_expired(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity root = root_of(), admin = identity_of(20);
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW + 5);

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	set_name(&fields, "alice");
	set_expires(&fields, NOW + 1);
	must_add(roster, sign(&fields, ROOT)); /* by a clock that was ahead */
	must_add(roster, admission_record(1, 20, "alice", NOW + 6));
	assert_int_equal(state_of(roster, 1, NOW + 2), WEFT_MEMBER);
	assert_int_equal(weft_revoke(roster, &admin.id, &root, NOW + 2, 0, NULL), 0);
	assert_int_equal(state_of(roster, 1, NOW + 2), WEFT_MEMBER);
	weft_roster_free(roster);
}

static void test_leave(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity alice = identity_of(1);

	(void)state;
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	assert_int_equal(weft_leave(roster, &alice, NOW), 0);
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	assert_int_equal(weft_leave(roster, &alice, NOW), 0);
	weft_roster_free(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_wrong_secret),
		cmocka_unit_test(test_invitation_of_a_stranger),
		cmocka_unit_test(test_other_network),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_used_up),
		cmocka_unit_test(test_used_on_both_sides),
		cmocka_unit_test(test_admin_comes_before_invitation),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_revoked_does_not_come_back),
		cmocka_unit_test(test_revoke_an_admin),
		cmocka_unit_test(test_admits_again_over_expired),
		cmocka_unit_test(test_leave),
	};

	return RUN_TESTS(tests);
}
