// SPDX-License-Identifier: GPL-2.0-or-later
/* What a new member hears first, whom it has to do with then, and what becomes of it without its door. */
#include "sim.h"
#include "node_internal.h"

static const struct weft_node *node_of(struct sim *sim, unsigned int n)
{
	return sim->nodes[n].node;
}

static const struct weft_contact *contact_of(struct sim *sim, unsigned int of, unsigned int other)
{
	return weft_contact_find(node_of(sim, of), weft_node_id(node_of(sim, other)));
}

static bool is_neighbour(struct sim *sim, unsigned int of, unsigned int other)
{
	const struct weft_contact *contact = contact_of(sim, of, other);

	return contact && contact->wanted & WEFT_WANTED_NEIGHBOUR && contact->alive;
}

static unsigned int neighbours(struct sim *sim, unsigned int of)
{
	unsigned int n, count = 0;

	for (n = 0; n < sim->count; n++)
		count += n != of && sim->nodes[n].up && is_neighbour(sim, of, n);
	return count;
}

static bool all_joined(struct sim *sim)
{
	unsigned int n;

	for (n = 0; n < sim->count; n++) {
		if (sim->nodes[n].up && weft_node_state(node_of(sim, n)) != WEFT_NODE_MEMBER)
			return false;
	}
	return true;
}

static bool newest_learns(struct sim *sim)
{
	const struct weft_joining *joining = node_of(sim, sim->count - 1)->joining;

	return !joining || joining->phase == WEFT_JOIN_LEARN;
}

static unsigned int begin_join(struct sim *sim)
{
	char *token = sim_invite(sim, 0, 1), name[16];
	unsigned int n = sim->count;

	snprintf(name, sizeof(name), "n%u", n);
	assert_int_equal(sim_join(sim, token, name), n);
	free(token);
	return n;
}

/* Who has said welcome, or is about to. */
static unsigned int door_of(struct sim *sim, unsigned int joiner)
{
	unsigned int n;

	for (n = 0; n < sim->count; n++) {
		if (n != joiner && weft_id_equal(weft_node_id(node_of(sim, n)),
						 &node_of(sim, joiner)->joining->door))
			return n;
	}
	fail();
	return 0;
}

/* It has joined before it has all the records, and then does not yet seek neighbours. */
static void test_first_things_first(void **state)
{
	struct sim *sim = sim_network(110, 30, 31);
	unsigned int n = begin_join(sim);
	const struct weft_node *node;

	(void)state;
	assert_true(sim_until(sim, all_joined, 20 * SIM_SECOND) >= 0);
	node = node_of(sim, n);
	assert_false(sim_converged(sim));
	assert_non_null(weft_roster_settings(node->roster));
	assert_non_null(weft_roster_epoch(node->roster));
	assert_in_range(sim_members(sim, n), 2 + 1, 29);
	assert_true(node->settle_at > sim->ms);
	assert_int_equal(neighbours(sim, n), 0);
	sim_run(sim, 10 * SIM_SECOND);
	assert_true(sim_converged(sim));
	assert_int_equal(node->settle_at, 0);
	assert_in_range(neighbours(sim, n), 2, 4);
	sim_free(sim);
}

/* Of those who came in by a door, few keep it; it is one of many. */
static void test_door_is_not_everybodys(void **state)
{
	struct sim *sim = sim_network(111, 30, 60);
	unsigned int n, door, count = 0;
	char *tokens[30];

	(void)state;
	for (n = 0; n < 30; n++)
		tokens[n] = sim_invite(sim, 0, 1);
	sim_run(sim, 10 * SIM_SECOND);
	for (n = 0; n < 30; n++) {
		sim_join(sim, tokens[n], NULL);
		free(tokens[n]);
	}
	assert_true(sim_until(sim, all_joined, 5 * SIM_MINUTE) >= 0);
	sim_run(sim, 20 * SIM_SECOND);
	assert_true(sim_converged(sim));
	for (n = 30; n < 60; n++) {
		for (door = 0; door < 60; door++) {
			if (door != n && weft_id_equal(weft_node_id(node_of(sim, door)),
						       &sim->nodes[n].last[WEFT_NOTICE_JOINED].member))
				count += is_neighbour(sim, n, door);
		}
		assert_in_range(neighbours(sim, n), 2, 4);
	}
	/* by chance it would be 2 or 3 */
	assert_in_range(count, 0, 8);
	sim_free(sim);
}

/* Where the door is all there is, or nearly, nobody waits. */
static void test_small(void **state)
{
	struct sim *sim = sim_new(112, 5);
	unsigned int n, other;

	(void)state;
	sim_found(sim);
	sim_run(sim, 2 * SIM_SECOND);
	for (n = 1; n < 5; n++) {
		begin_join(sim);
		assert_true(sim_until(sim, all_joined, 3 * SIM_SECOND) >= 0);
		sim_run(sim, SIM_SECOND);
		assert_int_equal(node_of(sim, n)->settle_at, 0);
		assert_int_equal(neighbours(sim, n), n < 3 ? n : 3);
		assert_true(sim_converged(sim));
		for (other = 0; other < n; other++)
			sim_user_packet(sim, n, sim->nodes[other].addresses[0].address, 16);
		sim_run(sim, SIM_SECOND);
		for (other = 0; other < n; other++)
			assert_int_equal(sim->nodes[other].user_packets, n - other);
	}
	sim_free(sim);
}

/* The door is gone, at any moment after it has let somebody in: others do. */
static void test_door_dies(void **state)
{
	unsigned int i, n, door;
	struct sim *sim;

	(void)state;
	for (i = 0; i < 24; i++) {
		sim = sim_network(113 + i, 6, 7);
		n = begin_join(sim);
		assert_true(sim_until(sim, newest_learns, 10 * SIM_SECOND) >= 0);
		door = door_of(sim, n);
		sim_run(sim, 10 * i);
		sim_kill(sim, door);
		assert_true(sim_until(sim, all_joined, 2 * SIM_MINUTE) >= 0);
		assert_true(sim_until(sim, sim_converged, 2 * SIM_MINUTE) >= 0);
		sim_run(sim, 10 * SIM_SECOND);
		assert_in_range(neighbours(sim, n), 1, 5);
		sim_free(sim);
	}
}

/* A joiner whose door says no more than what the test says in its place. */
static unsigned int cut_off(struct sim *sim, uint8_t door[16])
{
	unsigned int n = begin_join(sim), i;

	for (i = 0; i < 20000 && !newest_learns(sim); i++)
		sim_run(sim, 1);
	assert_true(node_of(sim, n)->joining);
	sim->nodes[n].group = 1;
	memcpy(door, contact_of(sim, n, door_of(sim, n))->address, 16);
	return n;
}

static void say(struct sim *sim, unsigned int to, const uint8_t from[16],
		const struct weft_message *message)
{
	struct weft_time now = sim_time(&sim->nodes[to]);
	uint8_t bytes[WEFT_MAX_DATAGRAM];

	weft_node_datagram(sim->nodes[to].node, &now, from, bytes,
			   weft_message_encode(bytes, message));
	sim_pump(&sim->nodes[to]);
}

/* What would do, if there were nobody else: the settings, and what makes node @door a member. */
static void say_needed(struct sim *sim, unsigned int to, const uint8_t from[16], unsigned int door)
{
	const struct weft_roster *roster = node_of(sim, door)->roster;
	const struct weft_member *member = weft_node_self(node_of(sim, door));
	const struct weft_record *needed[] = {
		weft_roster_settings(roster), member->invitation, member->admission,
		member->announcement,
	};
	struct weft_message message = { .type = WEFT_RECORDS };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (needed[i])
			message.records.at[message.records.count++] =
				(struct weft_bytes){ needed[i]->bytes, needed[i]->len };
	}
	say(sim, to, from, &message);
}

/* A pong, if one is waited for. */
static void answer_ping(struct sim *sim, unsigned int to, const uint8_t from[16],
			const struct weft_short_hash *digest)
{
	struct weft_message message = { .type = WEFT_PONG };
	const struct weft_contact *contact;

	contact = weft_contact_by_address(node_of(sim, to), from);
	if (!contact->tries)
		return;
	message.ping.number = contact->ping_number;
	message.ping.digest = *digest;
	say(sim, to, from, &message);
}

/* It tells of nobody but itself, and then nothing: to others. */
static void test_silent_door(void **state)
{
	struct sim *sim = sim_network(140, 4, 5);
	uint8_t address[16];
	unsigned int n = cut_off(sim, address), door = door_of(sim, n);

	(void)state;
	say_needed(sim, n, address, door);
	sim_run(sim, 25 * SIM_SECOND);
	assert_int_equal(weft_node_state(node_of(sim, n)), WEFT_NODE_JOINING);
	sim_kill(sim, door);
	sim->nodes[n].group = 0;
	assert_true(sim_until(sim, all_joined, SIM_MINUTE) >= 0);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	assert_int_equal(sim_members(sim, n), 4);
	sim_free(sim);
}

/* It says that there is nobody else: that may be so. */
static void test_door_that_is_all(void **state)
{
	struct sim *sim = sim_network(141, 4, 5);
	struct weft_short_hash digest;
	uint8_t address[16];
	unsigned int n = cut_off(sim, address);

	(void)state;
	/* before that, whatever else is the same, it has not joined */
	digest = *weft_sync_digest(sim->nodes[n].node);
	answer_ping(sim, n, address, &digest);
	assert_int_equal(weft_node_state(node_of(sim, n)), WEFT_NODE_JOINING);
	say_needed(sim, n, address, door_of(sim, n));
	sim_run(sim, 3 * SIM_SECOND);
	digest = *weft_sync_digest(sim->nodes[n].node);
	answer_ping(sim, n, address, &digest);
	assert_int_equal(weft_node_state(node_of(sim, n)), WEFT_NODE_MEMBER);
	assert_int_equal(node_of(sim, n)->settle_at, 0);
	sim_free(sim);
}

/* It answers, and has something that we never get: that is no reason not to join. */
static void test_door_with_more(void **state)
{
	static const struct weft_short_hash other = { { 1 } };
	struct sim *sim = sim_network(142, 4, 5);
	uint8_t address[16];
	unsigned int n = cut_off(sim, address), i;

	(void)state;
	say_needed(sim, n, address, door_of(sim, n));
	for (i = 0; i < 40; i++) {
		answer_ping(sim, n, address, &other);
		sim_run(sim, SIM_SECOND / 10);
	}
	assert_int_equal(weft_node_state(node_of(sim, n)), WEFT_NODE_JOINING);
	for (i = 0; i < 40; i++) {
		answer_ping(sim, n, address, &other);
		sim_run(sim, SIM_SECOND / 10);
	}
	assert_int_equal(weft_node_state(node_of(sim, n)), WEFT_NODE_MEMBER);
	/* after a while it takes what there is */
	sim_run(sim, 6 * SIM_SECOND);
	assert_int_equal(node_of(sim, n)->settle_at, 0);
	sim->nodes[n].group = 0;
	assert_true(sim_until(sim, sim_converged, 2 * SIM_MINUTE) >= 0);
	sim_free(sim);
}

/* What it needs is told twice, since of the first some may be lost; and not more often. */
static void test_told_twice(void **state)
{
	struct sim *sim = sim_network(143, 4, 5);
	unsigned int n = begin_join(sim), door;
	struct weft_message message = { .type = WEFT_PONG };
	const struct weft_contact *contact;
	const uint8_t *from;
	uint64_t sent;

	(void)state;
	assert_true(sim_until(sim, newest_learns, 10 * SIM_SECOND) >= 0);
	door = door_of(sim, n);
	sim->nodes[n].group = 1;
	contact = contact_of(sim, door, n);
	assert_int_equal(contact->introductions, 2);
	from = contact->address;
	sent = weft_node_stats(node_of(sim, door))->sent;
	say(sim, door, from, &message);
	assert_int_equal(contact->introductions, 1);
	assert_true(weft_node_stats(node_of(sim, door))->sent > sent);
	say(sim, door, from, &message);
	assert_int_equal(contact->introductions, 1);
	sim_run(sim, SIM_SECOND);
	say(sim, door, from, &message);
	assert_int_equal(contact->introductions, 0);
	sent = weft_node_stats(node_of(sim, door))->sent;
	say(sim, door, from, &message);
	assert_int_equal(weft_node_stats(node_of(sim, door))->sent, sent);
	sim_free(sim);
}

static unsigned int phase_of_newest(struct sim *sim)
{
	return node_of(sim, sim->count - 1)->joining->phase;
}

/* Who was let in a moment ago does not know who is out, or which address is free. */
static void test_new_member_is_no_door(void **state)
{
	struct sim *sim = sim_network(144, 3, 4);
	unsigned int i;

	(void)state;
	sim_run(sim, SIM_MINUTE);
	begin_join(sim);
	for (i = 0; i < 20; i++) {
		sim->nodes[0].node->settle_at = sim->ms + SIM_MINUTE;
		sim->nodes[1].node->settle_at = sim->ms + SIM_MINUTE;
		sim->nodes[2].node->settle_at = sim->ms + SIM_MINUTE;
		sim_run(sim, SIM_SECOND / 10);
		assert_int_equal(phase_of_newest(sim), WEFT_JOIN_KNOCK);
	}
	/* when they ask each other the next time, they see that they know the same */
	assert_true(sim_until(sim, all_joined, 2 * SIM_MINUTE) >= 0);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	sim_free(sim);
}

/*
 * It is there, and tells nothing: then others are knocked at, with the invitation's key and address.
 * Nothing goes on under the own one, which the simulator would not send; and nobody is there any more.
 */
static void test_door_that_only_answers(void **state)
{
	static const struct weft_short_hash other = { { 1 } };
	struct weft_message list = { .type = WEFT_LIST }, nothing = { .type = WEFT_PONG };
	struct sim *sim = sim_network(145, 4, 5);
	uint8_t address[16];
	unsigned int n = cut_off(sim, address), door = door_of(sim, n), i;
	const struct weft_contact *contact = contact_of(sim, n, door);

	(void)state;
	list.list = (struct weft_list){ .count = 1, .at[0] = { .count = 1, .hashes = other.bytes } };
	for (i = 0; i < 310 && phase_of_newest(sim) == WEFT_JOIN_LEARN; i++) {
		answer_ping(sim, n, address, &other);
		say(sim, n, address, &nothing);
		say(sim, n, address, &list);
		sim_run(sim, SIM_SECOND / 10);
	}
	assert_in_range(i, 299, 309);
	assert_int_equal(phase_of_newest(sim), WEFT_JOIN_KNOCK);
	assert_false(contact->alive);
	sim_run(sim, 20 * SIM_SECOND);
	assert_int_equal(phase_of_newest(sim), WEFT_JOIN_KNOCK);
	sim->nodes[n].group = 0;
	assert_true(sim_until(sim, all_joined, SIM_MINUTE) >= 0);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_things_first),
		cmocka_unit_test(test_door_is_not_everybodys),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_door_dies),
		cmocka_unit_test(test_silent_door),
		cmocka_unit_test(test_door_that_is_all),
		cmocka_unit_test(test_door_with_more),
		cmocka_unit_test(test_told_twice),
		cmocka_unit_test(test_new_member_is_no_door),
		cmocka_unit_test(test_door_that_only_answers),
	};

	return RUN_TESTS(tests);
}
