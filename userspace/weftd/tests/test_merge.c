// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Properties of the roster, with random sets of records, true and forged: whatever the order, the
 * duplicates and the way by which records come, all end in the same state; and nobody becomes a
 * member without a chain from the root.
 */
#include "core.h"

#include "state.h"

#define MEMBERS 8
#define POOL 512
#define ROUNDS 150

static const unsigned int signers[] = { ROOT, 20, 21, 22, 9 };
#define SIGNERS (sizeof(signers) / sizeof(signers[0]))

static struct weft_record *pool[POOL];
static size_t pool_size;
static uint64_t random_state;

/* splitmix64: the same on every machine. */
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t below(size_t n)
{
	return next_random() % n;
}

static void put(struct weft_record *record)
{
	assert_true(pool_size < POOL);
	pool[pool_size++] = record;
}

static void make_authorities(void)
{
	size_t i, k;

	put(network_record(NOW));
	put(network_record(NOW + 1));
	for (i = 0; i < SIGNERS; i++) {
		for (k = 1; k < SIGNERS; k++) {
			put(admin_record(signers[k], signers[i], WEFT_ADD));
			if (below(3) == 0)
				put(admin_record(signers[k], signers[i], WEFT_REMOVE));
			if (below(3) == 0)
				put(revocation_record(signers[k], signers[i]));
		}
	}
}

static void make_admissions(unsigned int member)
{
	struct weft_fields fields;
	size_t i;

	for (i = 0; i < SIGNERS; i++) {
		fields = about(WEFT_ADMISSION, member, NOW + below(3));
		set_name(&fields, below(2) ? "red" : "blue");
		set_ipv4(&fields, 10, 77, 0, 1 + below(3));
		if (below(2))
			set_expires(&fields, NOW + below(3));
		put(sign(&fields, signers[i]));
		fields.issued = NOW + below(3);
		put(sign(&fields, signers[i]));
		if (below(4) == 0)
			put(revocation_record(member, signers[i]));
	}
	if (below(3) == 0)
		put(revocation_record(member, member));
	if (below(3) == 0)
		put(revocation_record(member, 1 + below(MEMBERS)));
	put(announcement_record(member, 1 + below(MEMBERS), 1));
	put(announcement_record(member, 1 + below(MEMBERS), 2));
	put(announcement_record(member, 1 + below(MEMBERS), 2));
}

/* A use of an invitation, made by any key at any time. */
static struct weft_record *any_use(const struct weft_record *invitation, unsigned int secret,
				   unsigned int member)
{
	struct weft_fields fields = about(WEFT_ADMISSION, member, NOW - 1 + below(4));
	struct weft_invitation_keys keys;
	uint8_t seed[WEFT_SEED_LEN];

	if (below(2))
		set_name(&fields, "red");
	seed_of(seed, below(5) ? secret : secret + 1);
	weft_invitation_keys(&keys, seed);
	return sign_use(&fields, invitation, &keys.sign, member);
}

static void make_invitations(void)
{
	struct weft_record *invitation;
	struct weft_fields fields;
	unsigned int member;
	size_t i;

	for (i = 0; i < SIGNERS; i++) {
		invitation = invitation_record(500 + i, signers[i], 1 + below(3), NOW + 1);
		put(invitation);
		for (member = 1; member <= MEMBERS; member++) {
			put(any_use(invitation, 500 + i, member));
			put(any_use(invitation, 500 + i, member));
		}
		if (below(3))
			continue;
		weft_record_fields(invitation, &fields);
		fields.type = WEFT_REVOCATION;
		fields.has = WEFT_HAS(WEFT_KEY_SUBJECT);
		put(sign(&fields, signers[below(SIGNERS)]));
	}
}

static void make_pool(uint64_t seed)
{
	unsigned int member;
	size_t i;

	random_state = seed;
	make_authorities();
	for (member = 1; member <= MEMBERS; member++)
		make_admissions(member);
	make_invitations();
	for (i = 0; i < SIGNERS; i++) {
		struct weft_fields fields = about(WEFT_EPOCH, 0, NOW + below(3));

		fields.has = WEFT_HAS(WEFT_KEY_COMMITMENT);
		put(sign(&fields, signers[i]));
	}
}

static void drop_pool(void)
{
	while (pool_size)
		weft_record_put(pool[--pool_size]);
}

/* All that a roster tells, in one hash. */
static struct weft_id view_of(struct weft_roster *roster, uint64_t now)
{
	const struct weft_member *members;
	const struct weft_admin *admins;
	crypto_generichash_state state;
	struct weft_id digest;
	size_t count, i;

	assert_int_equal(weft_roster_evaluate(roster, now), 0);
	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	weft_roster_digest(roster, &digest);
	crypto_generichash_update(&state, digest.bytes, sizeof(digest.bytes));
	count = weft_roster_count(roster);
	for (i = 0; i < count; i++)
		crypto_generichash_update(&state, weft_roster_at(roster, i, NULL)->hash.bytes, 32);
	admins = weft_roster_admins(roster, &count);
	for (i = 0; i < count; i++)
		crypto_generichash_update(&state, (const uint8_t *)&admins[i], sizeof(*admins));
	members = weft_roster_members(roster, &count);
	for (i = 0; i < count; i++) {
		uint8_t flags[] = { members[i].state, members[i].conflicts, members[i].has_ipv4,
				    members[i].has_tunnel };

		crypto_generichash_update(&state, flags, sizeof(flags));
		crypto_generichash_update(&state, members[i].ipv4, sizeof(members[i].ipv4));
		crypto_generichash_update(&state, (const uint8_t *)members[i].name,
					  sizeof(members[i].name));
		crypto_generichash_update(&state, members[i].tunnel.bytes, 32);
		crypto_generichash_update(&state, members[i].admission->hash.bytes, 32);
	}
	if (weft_roster_epoch(roster))
		crypto_generichash_update(&state, weft_roster_epoch(roster)->hash.bytes, 32);
	crypto_generichash_final(&state, digest.bytes, sizeof(digest.bytes));
	return digest;
}

static void assert_same(struct weft_roster *a, struct weft_roster *b)
{
	struct weft_id x = view_of(a, NOW + 1), y = view_of(b, NOW + 1);

	assert_true(weft_id_equal(&x, &y));
}

/* Some of the pool: each record with one chance in @odds. */
static struct weft_roster *random_roster(bool chosen[POOL], size_t odds)
{
	struct weft_roster *roster = new_roster();
	size_t i;

	for (i = 0; i < pool_size; i++) {
		chosen[i] = below(odds) == 0;
		if (chosen[i])
			weft_roster_add(roster, pool[i]);
	}
	return roster;
}

/* The same records in another order, some of them twice, with looks at the result in between. */
static struct weft_roster *reordered(const bool chosen[POOL])
{
	struct weft_roster *roster = new_roster();
	size_t order[2 * POOL], count = 0, i, k, swap;

	for (i = 0; i < pool_size; i++) {
		if (!chosen[i])
			continue;
		order[count++] = i;
		if (below(4) == 0)
			order[count++] = i;
	}
	for (i = count; i > 1; i--) {
		k = below(i);
		swap = order[i - 1];
		order[i - 1] = order[k];
		order[k] = swap;
	}
	for (i = 0; i < count; i++) {
		weft_roster_add(roster, pool[order[i]]);
		if (below(20) == 0)
			assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	}
	return roster;
}

static struct weft_roster *merged(const struct weft_roster *a, const struct weft_roster *b)
{
	struct weft_roster *roster;

	assert_int_equal(weft_roster_clone(&roster, a), 0);
	assert_int_equal(weft_roster_merge(roster, b), 0);
	return roster;
}

static void test_order(void **state)
{
	struct weft_roster *a, *b;
	bool chosen[POOL];
	unsigned int round;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		if (round % 50 == 0)
			make_pool(round);
		random_state = round;
		a = random_roster(chosen, 1 + round % 7);
		b = reordered(chosen);
		assert_same(a, b);
		weft_roster_free(a);
		weft_roster_free(b);
		if (round % 50 == 49)
			drop_pool();
	}
}

static void test_merge_is_a_join(void **state)
{
	struct weft_roster *a, *b, *c, *ab, *ba, *ab_c, *bc, *a_bc, *aa;
	bool chosen[POOL];
	unsigned int round;

	(void)state;
	make_pool(1);
	for (round = 0; round < ROUNDS; round++) {
		random_state = 1000 + round;
		a = random_roster(chosen, 2 + round % 5);
		b = random_roster(chosen, 2 + round % 3);
		c = random_roster(chosen, 2 + round % 4);
		ab = merged(a, b);
		ba = merged(b, a);
		assert_same(ab, ba);
		bc = merged(b, c);
		ab_c = merged(ab, c);
		a_bc = merged(a, bc);
		assert_same(ab_c, a_bc);
		aa = merged(ab, ab);
		assert_same(aa, ab);
		aa = (weft_roster_free(aa), merged(ab, a));
		assert_same(aa, ab);
		weft_roster_free(a);
		weft_roster_free(b);
		weft_roster_free(c);
		weft_roster_free(ab);
		weft_roster_free(ba);
		weft_roster_free(bc);
		weft_roster_free(ab_c);
		weft_roster_free(a_bc);
		weft_roster_free(aa);
	}
	drop_pool();
}

/* Whether the key was ever made an admin, by a chain from the root: the stupid way. */
static bool ever_admin(const bool chosen[POOL], const uint8_t *id, unsigned int depth)
{
	struct weft_identity root = root_of();
	size_t i;

	if (!memcmp(id, root.id.bytes, WEFT_ID_LEN))
		return true;
	for (i = 0; depth && i < pool_size; i++) {
		const struct weft_slot *slot = &pool[i]->slot;

		if (chosen[i] && slot->type == WEFT_ADMIN && slot->sub == WEFT_ADD &&
		    !memcmp(slot->about, id, WEFT_ID_LEN) && ever_admin(chosen, slot->by, depth - 1))
			return true;
	}
	return false;
}

static bool root_revoked(const bool chosen[POOL], const uint8_t *id)
{
	struct weft_identity root = root_of();
	size_t i;

	for (i = 0; i < pool_size; i++) {
		if (chosen[i] && pool[i]->slot.type == WEFT_REVOCATION &&
		    !memcmp(pool[i]->slot.about, id, WEFT_ID_LEN) &&
		    !memcmp(pool[i]->slot.by, root.id.bytes, WEFT_ID_LEN))
			return true;
	}
	return false;
}

/* Whether a record of the chosen ones admits, with a chain of which the root revoked nothing. */
static bool may_be_admitted_by(const bool chosen[POOL], const struct weft_record *admission)
{
	struct weft_fields fields, invitation;
	size_t i;

	weft_record_fields(admission, &fields);
	if (!(fields.has & WEFT_HAS(WEFT_KEY_INVITATION)))
		return ever_admin(chosen, fields.signer.bytes, 4) &&
		       !root_revoked(chosen, fields.signer.bytes);
	for (i = 0; i < pool_size; i++) {
		if (!chosen[i] || pool[i]->slot.type != WEFT_INVITATION ||
		    !weft_id_equal(&pool[i]->hash, &fields.invitation))
			continue;
		weft_record_fields(pool[i], &invitation);
		return weft_id_equal(&fields.signer, &invitation.subject) &&
		       fields.issued <= invitation.expires &&
		       ever_admin(chosen, invitation.signer.bytes, 4) &&
		       !root_revoked(chosen, invitation.signer.bytes) &&
		       !root_revoked(chosen, invitation.subject.bytes);
	}
	return false;
}

static void check_members(const bool chosen[POOL], struct weft_roster *roster)
{
	const struct weft_member *members;
	size_t count, i, k;
	bool may;

	assert_int_equal(weft_roster_evaluate(roster, NOW + 1), 0);
	members = weft_roster_members(roster, &count);
	for (i = 0; i < count; i++) {
		if (members[i].state != WEFT_MEMBER)
			continue;
		assert_false(root_revoked(chosen, members[i].identity.bytes));
		for (k = 0, may = false; k < pool_size && !may; k++)
			may = chosen[k] && pool[k]->slot.type == WEFT_ADMISSION &&
			      !memcmp(pool[k]->slot.about, members[i].identity.bytes, WEFT_ID_LEN) &&
			      may_be_admitted_by(chosen, pool[k]);
		assert_true(may);
	}
}

static void test_nobody_without_a_chain(void **state)
{
	struct weft_roster *roster;
	bool chosen[POOL];
	unsigned int round, members = 0;
	size_t count, i;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		if (round % 50 == 0)
			make_pool(round + 1);
		random_state = 5000 + round;
		roster = random_roster(chosen, 1 + round % 12);
		check_members(chosen, roster);
		weft_roster_members(roster, &count);
		for (i = 0; i < count; i++)
			members += weft_roster_members(roster, &count)[i].state == WEFT_MEMBER;
		weft_roster_free(roster);
		if (round % 50 == 49)
			drop_pool();
	}
	/* and it was not because there never was one */
	printf("# %u members in %u rosters\n", members, ROUNDS);
	assert_true(members > ROUNDS);
}

/* No more get in by an invitation than it was for, and as many as it was for do. */
static void test_as_many_as_granted(void **state)
{
	struct weft_record *invitation, *uses[MEMBERS];
	struct weft_roster *roster;
	unsigned int granted, i, members, round;

	(void)state;
	for (round = 0; round < 40; round++) {
		random_state = round;
		granted = 1 + below(MEMBERS + 2);
		invitation = invitation_record(500, ROOT, granted, NOW + 1);
		roster = new_roster();
		for (i = 0; i < MEMBERS; i++)
			uses[i] = use_record(invitation, 500, 1 + i, NULL, NOW);
		for (i = 0; i < MEMBERS; i++) {
			if (i == below(MEMBERS))
				weft_roster_add(roster, invitation);
			weft_roster_add(roster, uses[(i + round) % MEMBERS]);
		}
		weft_roster_add(roster, invitation);
		for (i = 0, members = 0; i < MEMBERS; i++)
			members += state_of(roster, 1 + i, NOW) == WEFT_MEMBER;
		assert_int_equal(members, granted < MEMBERS ? granted : MEMBERS);
		for (i = 0; i < MEMBERS; i++)
			weft_record_put(uses[i]);
		weft_record_put(invitation);
		weft_roster_free(roster);
	}
}

/* What is kept over a restart is all that is passed on. */
static void test_restart(void **state)
{
	struct weft_roster *roster, *read;
	struct weft_id before, after;
	bool chosen[POOL];
	unsigned int round;
	size_t len, taken;
	uint8_t *bytes;

	(void)state;
	make_pool(2);
	for (round = 0; round < 10; round++) {
		random_state = 9000 + round;
		roster = random_roster(chosen, 2 + round % 3);
		assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
		assert_int_equal(weft_roster_encode(roster, &bytes, &len), 0);
		read = new_roster();
		assert_int_equal(weft_roster_decode(read, bytes, len, &taken), 0);
		assert_int_equal(weft_roster_evaluate(read, NOW), 0);
		weft_roster_digest(roster, &before);
		weft_roster_digest(read, &after);
		assert_true(weft_id_equal(&before, &after));
		free(bytes);
		weft_roster_free(read);
		weft_roster_free(roster);
	}
	drop_pool();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_merge_is_a_join),
		cmocka_unit_test(test_nobody_without_a_chain),
		cmocka_unit_test(test_as_many_as_granted),
		cmocka_unit_test(test_restart),
	};

	return RUN_TESTS(tests);
}
