// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows from records: admins, members, names, addresses, routes. */
#include "core.h"

static void test_root_admits(void **state)
{
	struct weft_roster *roster = new_roster();
	const struct weft_member *member;
	struct weft_identity alice = identity_of(1);
	size_t count;

	(void)state;
	assert_int_equal(state_of(roster, 1, NOW), -1);
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	member = weft_roster_by_name(roster, "alice");
	assert_non_null(member);
	assert_true(weft_id_equal(&member->identity, &alice.id));
	assert_null(weft_roster_by_name(roster, "bob"));
	assert_ptr_equal(weft_roster_by_address(roster, member->address, 16), member);
	weft_roster_members(roster, &count);
	assert_int_equal(count, 1);
	assert_false(member->has_tunnel || member->has_ipv4 || member->conflicts);
	assert_true(weft_roster_changes_at(roster) == UINT64_MAX);
	weft_roster_free(roster);
}

static void test_stranger_admits_nobody(void **state)
{
	struct weft_roster *roster = new_roster();
	bool anchored;

	(void)state;
	must_add(roster, admission_record(1, 9, "alice", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	weft_roster_at(roster, 0, &anchored);
	assert_false(anchored);
	/* nor does one who is admitted become an admin by that */
	must_add(roster, admission_record(9, ROOT, "mallory", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	assert_int_equal(state_of(roster, 9, NOW), WEFT_MEMBER);
	assert_int_equal(weft_roster_forget_unanchored(roster), 0);
	assert_int_equal(state_of(roster, 1, NOW), -1);
	assert_int_equal(state_of(roster, 9, NOW), WEFT_MEMBER);
	weft_roster_free(roster);
}

static void test_chain_of_admins(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity admin = identity_of(21);
	size_t count;

	(void)state;
	/* backwards, so that each waits for the one before */
	must_add(roster, admission_record(1, 22, "alice", NOW));
	must_add(roster, admin_record(22, 21, WEFT_ADD));
	must_add(roster, admin_record(21, 20, WEFT_ADD));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	weft_roster_admins(roster, &count);
	assert_int_equal(count, 4);
	assert_int_equal(weft_roster_admin(roster, &admin.id)->level, 2);
	/* one out of the middle takes all below along */
	must_add(roster, admin_record(21, ROOT, WEFT_REMOVE));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	assert_null(weft_roster_admin(roster, &admin.id));
	/* for good: who was removed is not added again */
	must_add(roster, admin_record(21, ROOT, WEFT_ADD));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	weft_roster_free(roster);
}

static void test_chain_has_an_end(void **state)
{
	struct weft_roster *roster = new_roster();
	unsigned int i;
	size_t count;

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	for (i = 0; i < WEFT_MAX_LEVEL + 3; i++)
		must_add(roster, admin_record(21 + i, 20 + i, WEFT_ADD));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	weft_roster_admins(roster, &count);
	assert_int_equal(count, WEFT_MAX_LEVEL + 1);
	weft_roster_free(roster);
}

static void test_admins_of_one_level_cannot_fight(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity a = identity_of(20), b = identity_of(21);

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admin_record(21, ROOT, WEFT_ADD));
	must_add(roster, admission_record(20, ROOT, "a", NOW));
	must_add(roster, admission_record(21, ROOT, "b", NOW));
	must_add(roster, admin_record(20, 21, WEFT_REMOVE));
	must_add(roster, revocation_record(20, 21));
	must_add(roster, admin_record(21, 20, WEFT_REMOVE));
	must_add(roster, revocation_record(21, 20));
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER);
	assert_int_equal(state_of(roster, 21, NOW), WEFT_MEMBER);
	assert_non_null(weft_roster_admin(roster, &a.id));
	assert_non_null(weft_roster_admin(roster, &b.id));
	/* the root settles it; then the other's revocation counts as well, of one who is no admin */
	must_add(roster, admin_record(20, ROOT, WEFT_REMOVE));
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER_REVOKED);
	assert_int_equal(state_of(roster, 21, NOW), WEFT_MEMBER);
	weft_roster_free(roster);
}

static void test_admin_resigns(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity a = identity_of(20);

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(20, ROOT, "a", NOW));
	must_add(roster, admin_record(20, 20, WEFT_REMOVE));
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER);
	assert_null(weft_roster_admin(roster, &a.id));
	weft_roster_free(roster);
}

static void test_revoked_admin_is_no_admin(void **state)
{
	struct weft_roster *roster = new_roster();

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(20, ROOT, "a", NOW));
	must_add(roster, admission_record(1, 20, "alice", NOW));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	must_add(roster, revocation_record(20, ROOT));
	assert_int_equal(state_of(roster, 20, NOW), WEFT_MEMBER_REVOKED);
	/* the whole chain: what it signed, whenever that was, is worth nothing */
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_UNCHAINED);
	weft_roster_free(roster);
}

static void test_revocation(void **state)
{
	struct weft_roster *roster = new_roster();

	(void)state;
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	must_add(roster, admission_record(2, ROOT, "bob", NOW));
	/* another member's word is nothing */
	must_add(roster, revocation_record(1, 2));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	must_add(roster, revocation_record(1, ROOT));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	assert_null(weft_roster_by_name(roster, "alice"));
	/* for good */
	must_add(roster, admission_record(1, ROOT, "alice", NOW + 5));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER_REVOKED);
	/* one's own is something */
	must_add(roster, revocation_record(2, 2));
	assert_int_equal(state_of(roster, 2, NOW), WEFT_MEMBER_REVOKED);
	weft_roster_free(roster);
}

static struct weft_record *expiring(unsigned int subject, uint64_t issued, uint64_t expires)
{
	struct weft_fields fields = about(WEFT_ADMISSION, subject, issued);

	set_name(&fields, "alice");
	set_expires(&fields, expires);
	return sign(&fields, ROOT);
}

static void test_expiry(void **state)
{
	struct weft_roster *roster = new_roster();

	(void)state;
	must_add(roster, expiring(1, NOW, NOW + 10));
	assert_int_equal(state_of(roster, 1, NOW), WEFT_MEMBER);
	assert_true(weft_roster_changes_at(roster) == NOW + 11);
	assert_int_equal(state_of(roster, 1, NOW + 10), WEFT_MEMBER);
	assert_int_equal(state_of(roster, 1, NOW + 11), WEFT_MEMBER_EXPIRED);
	/* a clock set back */
	assert_int_equal(state_of(roster, 1, NOW + 10), WEFT_MEMBER);
	/* renewed, and then cut short */
	must_add(roster, expiring(1, NOW + 1, NOW + 20));
	assert_int_equal(state_of(roster, 1, NOW + 11), WEFT_MEMBER);
	must_add(roster, expiring(1, NOW + 2, NOW + 5));
	assert_int_equal(state_of(roster, 1, NOW + 11), WEFT_MEMBER_EXPIRED);
	assert_int_equal(add(roster, expiring(1, NOW, NOW + 100)), -ESTALE);
	/* by whichever admin */
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, admission_record(1, 20, "alice", NOW + 3));
	assert_int_equal(state_of(roster, 1, NOW + 11), WEFT_MEMBER);
	weft_roster_free(roster);
}

static void test_duplicates(void **state)
{
	struct weft_roster *roster = new_roster(), *other;
	struct weft_identity stranger = identity_of(5);
	struct weft_record *record = network_record(NOW);

	(void)state;
	assert_int_equal(weft_roster_add_bytes(roster, record->bytes, record->len), 0);
	assert_int_equal(weft_roster_add(roster, record), -EEXIST);
	assert_int_equal(add(roster, network_record(NOW - 1)), -ESTALE);
	assert_int_equal(add(roster, network_record(NOW + 1)), 0);
	assert_int_equal(weft_roster_count(roster), 1);
	assert_int_equal(weft_roster_add_bytes(roster, record->bytes, record->len - 1), -ENODATA);
	assert_int_equal(weft_roster_new(&other, &stranger.id), 0);
	assert_int_equal(weft_roster_add(other, record), -EXDEV);
	assert_int_equal(weft_roster_merge(other, roster), -EXDEV);
	weft_record_put(record);
	weft_roster_free(other);
	weft_roster_free(roster);
	weft_roster_free(NULL);
}

static struct weft_record *with_ipv4(unsigned int subject, const char *name, uint8_t last)
{
	struct weft_fields fields = about(WEFT_ADMISSION, subject, NOW);

	set_name(&fields, name);
	set_ipv4(&fields, 10, 77, 0, last);
	return sign(&fields, ROOT);
}

static void test_ipv4(void **state)
{
	struct weft_roster *roster = new_roster();
	const struct weft_member *member;

	(void)state;
	must_add(roster, with_ipv4(1, "alice", 5));
	/* there is no IPv4 until it is known from which range */
	assert_false(member_of(roster, 1, NOW)->has_ipv4);
	must_add(roster, network_record(NOW));
	member = member_of(roster, 1, NOW);
	assert_true(member->has_ipv4);
	assert_ptr_equal(weft_roster_by_address(roster, member->ipv4, 4), member);
	must_add(roster, with_ipv4(2, "broadcast", 255));
	assert_false(member_of(roster, 2, NOW)->has_ipv4);
	weft_roster_free(roster);
}

static void test_ipv4_conflict(void **state)
{
	struct weft_roster *roster = new_roster();
	const struct weft_member *member;
	unsigned int i, have = 0, winner = 0;

	(void)state;
	must_add(roster, network_record(NOW));
	for (i = 1; i <= 5; i++)
		must_add(roster, with_ipv4(i, "same", 5));
	for (i = 1; i <= 5; i++) {
		member = member_of(roster, i, NOW);
		assert_int_equal(member->state, WEFT_MEMBER);
		assert_int_equal(member->conflicts, WEFT_CONFLICT_IPV4 | WEFT_CONFLICT_NAME);
		if (member->has_ipv4) {
			have++;
			winner = i;
		}
		/* all are found, by names of their own */
		assert_ptr_equal(weft_roster_by_name(roster, member->name), member);
	}
	assert_int_equal(have, 1);
	assert_non_null(weft_roster_by_name(roster, "same"));
	/* it is free again when its owner is gone */
	must_add(roster, revocation_record(winner, ROOT));
	for (i = 1, have = 0; i <= 5; i++)
		have += i != winner && member_of(roster, i, NOW)->has_ipv4;
	assert_int_equal(have, 1);
	weft_roster_free(roster);
}

static void test_renewal_keeps_address(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_fields fields;
	bool first_has;
	unsigned int i;

	(void)state;
	must_add(roster, network_record(NOW));
	must_add(roster, with_ipv4(1, "alice", 5));
	must_add(roster, with_ipv4(2, "bob", 5));
	first_has = member_of(roster, 1, NOW)->has_ipv4;
	for (i = 1; i < 20; i++) {
		fields = about(WEFT_ADMISSION, 1 + i % 2, NOW + i);
		set_name(&fields, "new");
		set_ipv4(&fields, 10, 77, 0, 5);
		must_add(roster, sign(&fields, ROOT));
		assert_int_equal(member_of(roster, 1, NOW)->has_ipv4, first_has);
		assert_int_equal(member_of(roster, 2, NOW)->has_ipv4, !first_has);
	}
	weft_roster_free(roster);
}

static void test_free_ipv4(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity identity = identity_of(1);
	struct weft_fields fields = about(WEFT_NETWORK, ROOT, NOW);
	uint8_t address[4], again[4];
	unsigned int i;

	(void)state;
	assert_false(weft_roster_free_ipv4(roster, &identity.id, address));
	fields.has = WEFT_HAS(WEFT_KEY_IPV4_PREFIX);
	fields.ipv4_prefix = ipv4_prefix(10, 77, 0, 0, 28);
	set_name(&fields, "small");
	must_add(roster, sign(&fields, ROOT));
	assert_true(weft_roster_free_ipv4(roster, &identity.id, address));
	assert_true(weft_roster_free_ipv4(roster, &identity.id, again));
	assert_memory_equal(address, again, 4);
	for (i = 1; i <= 14; i++) {
		identity = identity_of(i);
		assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
		assert_true(weft_roster_free_ipv4(roster, &identity.id, address));
		must_add(roster, with_ipv4(i, "x", address[3]));
		assert_true(member_of(roster, i, NOW)->has_ipv4);
		assert_int_equal(member_of(roster, i, NOW)->conflicts & WEFT_CONFLICT_IPV4, 0);
	}
	assert_false(weft_roster_free_ipv4(roster, &identity.id, address));
	weft_roster_free(roster);
}

static void test_announcements(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_tunnel one = tunnel_of(1), two = tunnel_of(2);
	const struct weft_record *record;
	const struct weft_member *member;

	(void)state;
	must_add(roster, announcement_record(1, 1, 5));
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	member = member_of(roster, 1, NOW);
	assert_ptr_equal(weft_roster_by_tunnel(roster, &one.public_key), member);
	/* the same key again: at once, without an evaluation */
	must_add(roster, announcement_record(1, 1, 6));
	record = weft_roster_member(roster, &member->identity)->announcement;
	assert_true(record->issued == 6);
	assert_int_equal(add(roster, announcement_record(1, 2, 5)), -ESTALE);
	must_add(roster, announcement_record(1, 2, 7));
	member = member_of(roster, 1, NOW);
	assert_null(weft_roster_by_tunnel(roster, &one.public_key));
	assert_ptr_equal(weft_roster_by_tunnel(roster, &two.public_key), member);
	/* of one who is not admitted */
	must_add(roster, announcement_record(2, 3, 5));
	assert_int_equal(state_of(roster, 2, NOW), -1);
	must_add(roster, announcement_record(2, 3, 6));
	weft_roster_free(roster);
}

static void test_stolen_tunnel_key(void **state)
{
	struct weft_roster *roster = new_roster();
	const struct weft_member *alice, *mallory;

	(void)state;
	must_add(roster, admission_record(1, ROOT, "alice", NOW));
	must_add(roster, admission_record(2, ROOT, "mallory", NOW));
	must_add(roster, announcement_record(1, 1, 5));
	must_add(roster, announcement_record(2, 1, 5));
	alice = member_of(roster, 1, NOW);
	mallory = member_of(roster, 2, NOW);
	/* one of them has it, and both are told */
	assert_int_not_equal(alice->has_tunnel, mallory->has_tunnel);
	assert_int_equal(alice->conflicts, WEFT_CONFLICT_TUNNEL);
	assert_int_equal(mallory->conflicts, WEFT_CONFLICT_TUNNEL);
	must_add(roster, announcement_record(1, 2, 6));
	assert_true(member_of(roster, 1, NOW)->has_tunnel);
	assert_true(member_of(roster, 2, NOW)->has_tunnel);
	assert_int_equal(member_of(roster, 1, NOW)->conflicts, 0);
	weft_roster_free(roster);
}

static void test_routes(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_routes routes;

	(void)state;
	must_add(roster, network_record(NOW));
	set_name(&fields, "router");
	add_route(&fields, ipv4_prefix(10, 0, 0, 0, 8));
	add_route(&fields, ipv4_prefix(192, 168, 0, 0, 16));
	must_add(roster, sign(&fields, ROOT));
	weft_roster_routes(roster, member_of(roster, 1, NOW), &routes);
	assert_int_equal(routes.count, 0);

	fields = about(WEFT_ANNOUNCEMENT, 1, 1);
	fields.tunnel = tunnel_of(1).public_key;
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL);
	add_route(&fields, ipv4_prefix(10, 77, 0, 128, 25)); /* other members' addresses */
	add_route(&fields, ipv4_prefix(172, 16, 0, 0, 12)); /* not granted */
	add_route(&fields, ipv4_prefix(192, 168, 1, 0, 24));
	must_add(roster, sign(&fields, 1));
	weft_roster_routes(roster, member_of(roster, 1, NOW), &routes);
	assert_int_equal(routes.count, 1);
	assert_int_equal(routes.at[0].address[0], 192);
	weft_roster_free(roster);
}

static void test_static_member(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_tunnel tunnel = tunnel_of(9);
	const struct weft_member *member;
	struct weft_routes routes;

	(void)state;
	set_name(&fields, "phone");
	fields.tunnel = tunnel.public_key;
	fields.via = identity_of(2).id;
	fields.has |= WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_VIA);
	weft_static_id(&fields.subject, &fields.tunnel);
	add_route(&fields, ipv4_prefix(192, 168, 7, 0, 24));
	must_add(roster, sign(&fields, ROOT));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	member = weft_roster_by_tunnel(roster, &tunnel.public_key);
	assert_non_null(member);
	assert_true(member->is_static);
	weft_roster_routes(roster, member, &routes);
	assert_int_equal(routes.count, 1);
	weft_roster_free(roster);
}

/* A stock member cannot take another key: whoever announces the same one loses it, by any rank. */
static void test_static_member_keeps_its_key(void **state)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_roster *roster = new_roster();
	const struct weft_member *member;
	struct weft_tunnel tunnel;
	unsigned int i;

	(void)state;
	set_name(&fields, "phone");
	fields.has |= WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_VIA);
	for (i = 1; i <= 8; i++) {
		tunnel = tunnel_of(i);
		fields.tunnel = tunnel.public_key;
		weft_static_id(&fields.subject, &fields.tunnel);
		must_add(roster, sign(&fields, ROOT));
		must_add(roster, admission_record(i, ROOT, "mallory", NOW));
		must_add(roster, announcement_record(i, i, 5));
		assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
		member = weft_roster_by_tunnel(roster, &tunnel.public_key);
		assert_true(member->is_static);
		assert_int_equal(member->conflicts & WEFT_CONFLICT_TUNNEL, WEFT_CONFLICT_TUNNEL);
		assert_false(member_of(roster, i, NOW)->has_tunnel);
	}
	weft_roster_free(roster);
}

static struct weft_record *epoch_record(unsigned int signer, uint64_t issued)
{
	struct weft_fields fields = about(WEFT_EPOCH, 0, issued);

	fields.has = WEFT_HAS(WEFT_KEY_COMMITMENT);
	return sign(&fields, signer);
}

static void test_epoch(void **state)
{
	struct weft_roster *roster = new_roster();

	(void)state;
	assert_null(weft_roster_epoch(roster));
	must_add(roster, epoch_record(ROOT, 5));
	must_add(roster, epoch_record(20, 9));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_true(weft_roster_epoch(roster)->issued == 5);
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_true(weft_roster_epoch(roster)->issued == 9);
	weft_roster_free(roster);
}

/* One admin's clock that is ahead keeps no other from having the last word. */
static void test_clock_ahead(void **state)
{
	struct weft_fields fields = about(WEFT_ADMISSION, 1, NOW);
	struct weft_roster *roster = new_roster();
	struct weft_slot slot = { .type = WEFT_ADMISSION };
	struct weft_identity alice = identity_of(1), root = root_of();

	(void)state;
	memcpy(slot.about, alice.id.bytes, sizeof(slot.about));
	memcpy(slot.by, root.id.bytes, sizeof(slot.by));
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_true(weft_roster_next_issued(roster, &slot, NOW) == NOW);
	must_add(roster, admission_record(1, 20, "alice", NOW + DAY));
	/* what a stranger says is nothing to go by */
	must_add(roster, admission_record(1, 9, "alice", WEFT_MAX_TIME));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	fields.issued = weft_roster_next_issued(roster, &slot, NOW);
	assert_true(fields.issued == NOW + DAY + 1);
	set_name(&fields, "bob");
	must_add(roster, sign(&fields, ROOT));
	assert_string_equal(member_of(roster, 1, NOW)->name, "bob");
	/* nor is there anything beyond the end */
	must_add(roster, admission_record(1, 20, "alice", WEFT_MAX_TIME));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_true(weft_roster_next_issued(roster, &slot, NOW) == WEFT_MAX_TIME);
	weft_roster_free(roster);
}

static void test_new_epoch(void **state)
{
	struct weft_roster *roster = new_roster();
	struct weft_identity root = root_of();
	struct weft_fields fields;
	struct weft_record *record;
	uint8_t secret[32] = { 7 };
	struct weft_id commitment;

	(void)state;
	must_add(roster, admin_record(20, ROOT, WEFT_ADD));
	must_add(roster, epoch_record(20, NOW + DAY));
	must_add(roster, epoch_record(9, NOW + 5 * DAY));
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_int_equal(weft_epoch_make(&record, roster, secret, &root, NOW), 0);
	assert_int_equal(weft_roster_add(roster, record), 0);
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	assert_ptr_equal(weft_roster_epoch(roster), record);
	weft_record_fields(record, &fields);
	weft_commitment(&commitment, secret);
	assert_true(weft_id_equal(&fields.commitment, &commitment));
	assert_true(fields.issued == NOW + DAY + 1);
	weft_record_put(record);
	weft_roster_free(roster);
}

static void test_memory_of_a_member(void **state)
{
	size_t bytes;
	struct weft_record *admission = with_ipv4(1, "a-name-of-some-length", 5);
	struct weft_fields fields = about(WEFT_ANNOUNCEMENT, 1, 7);
	struct weft_record *announcement;
	unsigned int i;

	(void)state;
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_ENDPOINTS);
	fields.tunnel = tunnel_of(1).public_key;
	fields.endpoints.count = 8;
	for (i = 0; i < 8; i++)
		fields.endpoints.at[i] = (struct weft_ip_endpoint){ 16, { 0x20, i }, 51820 };
	announcement = sign(&fields, 1);
	bytes = sizeof(struct weft_member) + 2 * (sizeof(struct weft_record) + 2 * sizeof(void *)) +
		admission->len + announcement->len;
	printf("# %zu bytes a member: admission %u, announcement %u\n", bytes, admission->len,
	       announcement->len);
	assert_true(bytes < 2000);
	weft_record_put(admission);
	weft_record_put(announcement);
}

/* Which of too many uses count is written down, and every version has to choose the same. */
static void test_rank_of_uses(void **state)
{
	enum { USES = 12, GRANTED = 3 };
	struct weft_record *invitation = invitation_record(500, ROOT, GRANTED, NOW + DAY);
	uint8_t ranks[USES][WEFT_ID_LEN];
	struct weft_roster *roster = new_roster();
	unsigned int i, k, before;
	struct weft_id id;

	(void)state;
	must_add(roster, weft_record_hold(invitation));
	for (i = 0; i < USES; i++) {
		id = identity_of(i).id;
		weft_hash(ranks[i], WEFT_ID_LEN, "weft/1/use-rank",
			  (struct weft_part){ invitation->hash.bytes, WEFT_ID_LEN },
			  (struct weft_part){ id.bytes, WEFT_ID_LEN });
		add(roster, use_record(invitation, 500, i, "x", NOW));
	}
	for (i = 0; i < USES; i++) {
		before = 0;
		for (k = 0; k < USES; k++)
			before += memcmp(ranks[k], ranks[i], WEFT_ID_LEN) < 0;
		assert_int_equal(state_of(roster, i, NOW) == WEFT_MEMBER, before < GRANTED);
	}
	weft_record_put(invitation);
	weft_roster_free(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_admits),
		cmocka_unit_test(test_stranger_admits_nobody),
		cmocka_unit_test(test_chain_of_admins),
		cmocka_unit_test(test_chain_has_an_end),
		cmocka_unit_test(test_admins_of_one_level_cannot_fight),
		cmocka_unit_test(test_admin_resigns),
		cmocka_unit_test(test_revoked_admin_is_no_admin),
		cmocka_unit_test(test_revocation),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv4_conflict),
		cmocka_unit_test(test_renewal_keeps_address),
		cmocka_unit_test(test_free_ipv4),
		cmocka_unit_test(test_announcements),
		cmocka_unit_test(test_stolen_tunnel_key),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_static_member),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_static_member_keeps_its_key),
		cmocka_unit_test(test_clock_ahead),
		cmocka_unit_test(test_new_epoch),
		cmocka_unit_test(test_memory_of_a_member),
		cmocka_unit_test(test_rank_of_uses),
	};

	return RUN_TESTS(tests);
}
