// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole networks of nodes, in simulated time. */
#include "sim.h"

static const struct weft_member *see(struct sim *sim, unsigned int of, unsigned int other)
{
	struct weft_identity identity;

	/* also who is down */
	weft_identity_from_seed(&identity, sim->nodes[other].secrets.identity);
	return weft_roster_member(weft_node_roster(sim->nodes[of].node), &identity.id);
}

static struct weft_node_peer peer_of(struct sim *sim, unsigned int of, unsigned int other)
{
	struct weft_node_peer peer;

	weft_node_peer(sim->nodes[of].node, see(sim, of, other), &peer);
	return peer;
}

static bool is_member(struct sim *sim, unsigned int of, unsigned int other)
{
	const struct weft_member *member = see(sim, of, other);

	return member && member->state == WEFT_MEMBER;
}

static void split(struct sim *sim, unsigned int first, unsigned int end, unsigned int group)
{
	for (; first < end; first++)
		sim->nodes[first].group = group;
}

static int revoke_node(struct sim *sim, unsigned int by, unsigned int subject)
{
	struct weft_time now = sim_time(&sim->nodes[by]);
	struct weft_id id = see(sim, by, subject)->identity;
	int error = weft_node_revoke(sim->nodes[by].node, &now, &id, 0, NULL);

	sim_pump(&sim->nodes[by]);
	return error;
}

static void make_admin(struct sim *sim, unsigned int by, unsigned int subject)
{
	struct weft_time now = sim_time(&sim->nodes[by]);
	struct weft_id id = see(sim, by, subject)->identity;

	assert_int_equal(weft_node_set_admin(sim->nodes[by].node, &now, &id, WEFT_ADD), 0);
	sim_pump(&sim->nodes[by]);
}

static bool newest_joined(struct sim *sim)
{
	return weft_node_state(sim->nodes[sim->count - 1].node) == WEFT_NODE_MEMBER;
}

/* A new node joins through this token, and by @ms is in. */
static unsigned int join_within(struct sim *sim, const char *token, unsigned int group,
				uint64_t ms)
{
	char name[16];
	unsigned int n;

	snprintf(name, sizeof(name), "n%u", sim->count);
	n = sim_join(sim, token, name);
	sim->nodes[n].group = group;
	assert_true(sim_until(sim, newest_joined, ms) >= 0);
	return n;
}

/* Records come in no particular order: of few that are needed, any may be the last. */
static void test_joined_knows_the_network(void **state)
{
	struct weft_roster *roster;
	struct sim *sim;
	unsigned int seed, n;
	char *token;

	(void)state;
	for (seed = 100; seed < 112; seed++) {
		sim = sim_network(seed, 30, 31);
		token = sim_invite(sim, 0, 1);
		n = join_within(sim, token, 0, 30 * SIM_SECOND);
		roster = weft_node_roster(sim->nodes[n].node);
		assert_non_null(weft_roster_settings(roster));
		free(token);
		sim_free(sim);
	}
}

static bool same_secret(struct sim *sim, unsigned int a, unsigned int b)
{
	return !memcmp(weft_node_secrets(sim->nodes[a].node)->epoch,
		       weft_node_secrets(sim->nodes[b].node)->epoch, 32);
}

static bool same_secrets(struct sim *sim)
{
	unsigned int i;

	for (i = 1; i < sim->count; i++) {
		if (sim->nodes[i].up && is_member(sim, 0, i) &&
		    weft_node_state(sim->nodes[i].node) == WEFT_NODE_MEMBER &&
		    !same_secret(sim, 0, i))
			return false;
	}
	return true;
}

static bool has_allowed(struct sim *sim, unsigned int of, unsigned int other,
			const struct weft_prefix *prefix)
{
	const struct sim_peer *peer = sim_peer_of(sim, of, other);
	size_t i;

	for (i = 0; peer && i < peer->allowed_count; i++) {
		if (!weft_prefix_compare(&peer->allowed[i], prefix))
			return true;
	}
	return false;
}

static void test_three(void **state)
{
	struct sim *sim = sim_network(1, 3, 3);
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(sim_members(sim, i), 3);
		for (n = 0; n < 3; n++)
			assert_true(n == i || sim_peer_of(sim, i, n));
	}
	assert_true(see(sim, 2, 0)->has_ipv4 && see(sim, 0, 2)->has_ipv4);
	assert_memory_not_equal(see(sim, 2, 0)->ipv4, see(sim, 2, 1)->ipv4, 4);
	assert_string_equal(see(sim, 1, 2)->name, "n2");
	/* and a packet by either kind of address gets there; not while both call each other at once */
	sim_run(sim, SIM_SECOND);
	sim_user_packet(sim, 1, see(sim, 1, 2)->address, 16);
	sim_user_packet(sim, 1, see(sim, 1, 2)->ipv4, 4);
	sim_run(sim, 10 * SIM_SECOND);
	assert_int_equal(sim->nodes[2].user_packets, 2);
	sim_free(sim);
}

/* One packet of ten is lost; not all members are in every kernel. */
static void test_thirty(void **state)
{
	struct sim *sim = sim_new(2, 30);
	unsigned int i, neighbours, n;
	char name[16], *token;

	(void)state;
	sim->loss = 100;
	sim->config.all_peers = 8;
	sim->config.idle_ms = SIM_MINUTE;
	sim_found(sim);
	sim_run(sim, 2 * SIM_SECOND);
	token = sim_invite(sim, 0, 30);
	for (i = 1; i < 30; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		sim_join(sim, token, name);
		sim_run(sim, SIM_SECOND);
	}
	assert_true(sim_until(sim, sim_converged, 2 * SIM_MINUTE) >= 0);
	sim_run(sim, 2 * SIM_MINUTE);
	assert_true(sim_converged(sim));
	for (i = 0; i < 30; i++) {
		assert_int_equal(sim_members(sim, i), 30);
		assert_true(sim->nodes[i].peer_count < 29);
		neighbours = 0;
		for (n = 0; n < 30; n++)
			neighbours += n != i && peer_of(sim, i, n).wanted & WEFT_WANTED_NEIGHBOUR;
		assert_in_range(neighbours, 2, 3);
	}
	free(token);
	sim_free(sim);
}

static void test_inviter_dead(void **state)
{
	struct sim *sim = sim_network(3, 5, 7);
	unsigned int n;
	char *token;

	(void)state;
	token = sim_invite(sim, 0, 2);
	sim_run(sim, 5 * SIM_SECOND);
	sim_kill(sim, 0);
	n = join_within(sim, token, 0, 20 * SIM_SECOND);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	assert_int_equal(sim_members(sim, 1), 5);
	/* for good: not even the others that were there need to be */
	sim_kill(sim, 1);
	join_within(sim, token, 0, 20 * SIM_SECOND);
	assert_true(is_member(sim, n, n + 1) || sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	free(token);
	sim_free(sim);
}

/* The inviter is gone before anybody heard of the invitation: the token has it. */
static void test_invitation_unknown(void **state)
{
	struct sim *sim = sim_network(4, 4, 5);
	struct weft_fields grant;
	struct weft_invite wish;
	char *token;
	unsigned int i;

	(void)state;
	sim->nodes[0].group = 1;
	wish = sim_wish(sim, 1);
	/* too long for one datagram */
	for (i = 0; i < WEFT_MAX_GROUPS; i++)
		snprintf(wish.grant.groups.at[i], WEFT_MAX_GROUP + 1, "group-%02u-with-a-long-name-of-it",
			 i);
	for (i = 0; i < WEFT_MAX_ROUTES; i++)
		wish.grant.routes.at[i] = (struct weft_prefix){
			.size = 16, .length = 64, .address = { 0x20, 1, 0xd, 0xb8, 0, i, 0, i } };
	wish.grant.groups.count = WEFT_MAX_GROUPS;
	wish.grant.routes.count = WEFT_MAX_ROUTES;
	wish.grant.has |= WEFT_HAS(WEFT_KEY_GROUPS) | WEFT_HAS(WEFT_KEY_ROUTES);
	token = sim_invite_with(sim, 0, &wish);
	sim_kill(sim, 0);
	join_within(sim, token, 0, 30 * SIM_SECOND);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	assert_true(is_member(sim, 1, 4) && is_member(sim, 3, 4));
	weft_member_grant(see(sim, 2, 4), &grant);
	assert_int_equal(grant.groups.count, WEFT_MAX_GROUPS);
	free(token);
	sim_free(sim);
}

/* Ten split into halves for an hour; both admit, both revoke; they mend in half a minute. */
static void test_partition(void **state)
{
	struct sim *sim = sim_network(5, 10, 12);
	char *left, *right;
	unsigned int i;
	int64_t healed;

	(void)state;
	make_admin(sim, 0, 5);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	split(sim, 0, 5, 1);
	split(sim, 5, 10, 2);
	sim_run(sim, 30 * SIM_MINUTE);
	left = sim_invite(sim, 0, 1);
	right = sim_invite(sim, 5, 1);
	join_within(sim, left, 1, 30 * SIM_SECOND);
	join_within(sim, right, 2, 30 * SIM_SECOND);
	/* each revokes one of its own, and one of the other half */
	assert_int_equal(revoke_node(sim, 0, 1), 0);
	assert_int_equal(revoke_node(sim, 0, 6), 0);
	assert_int_equal(revoke_node(sim, 5, 2), 0);
	assert_int_equal(revoke_node(sim, 5, 7), 0);
	sim_run(sim, 30 * SIM_MINUTE);
	assert_true(is_member(sim, 3, 10) && !see(sim, 8, 10));
	assert_true(is_member(sim, 8, 11) && !see(sim, 3, 11));
	assert_true(is_member(sim, 8, 6) && is_member(sim, 3, 2));
	split(sim, 0, 12, 0);
	healed = sim_until(sim, sim_converged, 30 * SIM_SECOND);
	assert_true(healed >= 0);
	print_message("# healed in %.1f s\n", healed / 1000.0);
	for (i = 0; i < 12; i++) {
		if (!is_member(sim, 0, i))
			continue;
		assert_true(is_member(sim, i, 10) && is_member(sim, i, 11));
		assert_false(is_member(sim, i, 1) || is_member(sim, i, 2));
		assert_false(is_member(sim, i, 6) || is_member(sim, i, 7));
		assert_null(sim_peer_of(sim, i, 1));
	}
	assert_true(sim_until(sim, same_secrets, 30 * SIM_SECOND) >= 0);
	free(left);
	free(right);
	sim_free(sim);
}

/* Split for hours, and over and over: somebody has to look for who is lost. */
static void test_long_partition(void **state)
{
	struct sim *sim;
	unsigned int seed;
	int64_t healed;

	(void)state;
	for (seed = 50; seed < 56; seed++) {
		sim = sim_network(seed, 10, 10);
		split(sim, 0, 5, 1);
		split(sim, 5, 10, 2);
		sim_run(sim, 3 * 60 * SIM_MINUTE);
		sim_move(sim, 1);
		sim_run(sim, SIM_MINUTE);
		assert_true(sim_converged_group(sim, 1) && !sim_converged(sim));
		split(sim, 0, 10, 0);
		healed = sim_until(sim, sim_converged, 30 * SIM_SECOND);
		assert_true(healed >= 0);
		sim_free(sim);
	}
}

/* An invitation for one, used in both halves: one stays, the same one for all. */
static void test_redeemed_twice(void **state)
{
	struct sim *sim = sim_network(6, 6, 8);
	struct weft_prefix address = { .size = 16, .length = 128 };
	unsigned int i, loser, winner;
	char *token;

	(void)state;
	token = sim_invite(sim, 0, 1);
	sim_run(sim, 5 * SIM_SECOND);
	split(sim, 0, 3, 1);
	split(sim, 3, 6, 2);
	sim_run(sim, SIM_MINUTE);
	join_within(sim, token, 1, SIM_MINUTE);
	join_within(sim, token, 2, SIM_MINUTE);
	sim_run(sim, SIM_MINUTE);
	assert_true(is_member(sim, 1, 6) && is_member(sim, 4, 7));
	split(sim, 0, 8, 0);
	assert_true(sim_until(sim, sim_converged, 30 * SIM_SECOND) >= 0);
	sim_run(sim, SIM_MINUTE);
	winner = is_member(sim, 0, 6) ? 6 : 7;
	loser = 13 - winner;
	for (i = 0; i < 6; i++) {
		assert_true(is_member(sim, i, winner));
		assert_false(is_member(sim, i, loser));
		/* it may come as a guest, as anybody may, but not under its address */
		memcpy(address.address, sim->nodes[loser].addresses[0].address, 16);
		assert_false(has_allowed(sim, i, loser, &address));
	}
	assert_int_equal(weft_node_state(sim->nodes[winner].node), WEFT_NODE_MEMBER);
	/* and it knows */
	assert_int_equal(weft_node_state(sim->nodes[loser].node), WEFT_NODE_EXCLUDED);
	assert_int_equal(sim->nodes[loser].last[WEFT_NOTICE_EXCLUDED].error, -EUSERS);
	free(token);
	sim_free(sim);
}

static void refused(struct sim *sim, const char *token, int error)
{
	unsigned int n = sim_join(sim, token, "late");

	sim_run(sim, 30 * SIM_SECOND);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_JOINING);
	assert_int_equal(sim->nodes[n].notices[WEFT_NOTICE_REFUSED] > 0, 1);
	assert_int_equal(sim->nodes[n].last[WEFT_NOTICE_REFUSED].error, error);
	assert_true(sim->nodes[n].last[WEFT_NOTICE_REFUSED].final);
	sim_kill(sim, n);
}

static void test_refused(void **state)
{
	struct sim *sim = sim_network(7, 3, 8);
	struct weft_id invitation;
	struct weft_token token;
	struct weft_fields fields;
	struct weft_time now;
	char *used, *expired, *revoked;
	size_t i;

	(void)state;
	used = sim_invite(sim, 0, 1);
	expired = sim_invite(sim, 0, 1);
	revoked = sim_invite(sim, 0, 1);
	join_within(sim, used, 0, 20 * SIM_SECOND);
	sim_run(sim, 20 * SIM_SECOND);
	refused(sim, used, -EUSERS);
	assert_int_equal(weft_token_decode(&token, revoked), 0);
	weft_record_fields(token.invitation, &fields);
	invitation = fields.subject;
	weft_token_wipe(&token);
	now = sim_time(&sim->nodes[0]);
	assert_int_equal(weft_node_revoke(sim->nodes[0].node, &now, &invitation, 0, NULL), 0);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 10 * SIM_SECOND);
	refused(sim, revoked, -EKEYREVOKED);
	sim->unix_s += 2 * DAY;
	refused(sim, expired, -EKEYEXPIRED);
	/* what is not a token at all is told at once */
	for (i = 1; i < strlen(used); i += 97) {
		struct weft_node_config config = { .beacons = false };
		struct weft_node *node;
		char *cut = strndup(used, i);

		assert_true(weft_node_join(&node, &config, cut, NULL, NULL, &now) < 0);
		free(cut);
	}
	free(used);
	free(expired);
	free(revoked);
	sim_free(sim);
}

/* Whoever joins, or is there, with a clock that is wrong. */
static void test_wrong_clock(void **state)
{
	struct sim *sim = sim_network(8, 4, 8);
	struct weft_ip_endpoint at;
	struct weft_fields fields;
	unsigned int n;
	char *token;

	(void)state;
	token = sim_invite(sim, 0, 4);
	sim_run(sim, 5 * SIM_SECOND);
	n = sim_join(sim, token, "ahead");
	/* by its own clock, the token has expired */
	sim->nodes[n].clock_ahead_s = 3 * DAY;
	assert_true(sim_until(sim, newest_joined, 20 * SIM_SECOND) >= 0);
	n = sim_join(sim, token, "behind");
	sim->nodes[n].clock_ahead_s = -3 * (int64_t)DAY;
	assert_true(sim_until(sim, newest_joined, 20 * SIM_SECOND) >= 0);
	sim->nodes[2].clock_ahead_s = -(int64_t)DAY;
	sim_run(sim, SIM_MINUTE);
	sim_move(sim, 2);
	sim_run(sim, SIM_MINUTE);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	for (n = 0; n < 6; n++)
		assert_int_equal(sim_members(sim, n), 6);
	/* and what it said last is known although its clock went back */
	assert_int_equal(weft_node_own_endpoints(sim->nodes[2].node, &at, 1), 1);
	weft_record_fields(see(sim, 3, 2)->announcement, &fields);
	assert_int_equal(fields.endpoints.at[0].port, sim->nodes[2].at.port);
	free(token);
	sim_free(sim);
}

static bool last_is_in_touch(struct sim *sim)
{
	unsigned int last = sim->count - 1, i;

	for (i = 0; i < last; i++) {
		if (sim->nodes[i].up && peer_of(sim, last, i).alive)
			return true;
	}
	return false;
}

/* An invitation of node 0's to be a member for ten days. */
static char *invite_for_days(struct sim *sim, unsigned int uses)
{
	struct weft_invite wish = sim_wish(sim, uses);

	wish.grant.member_expires = sim->unix_s + sim->ms / 1000 + 10 * DAY;
	wish.grant.has |= WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	return sim_invite_with(sim, 0, &wish);
}

/* By a clock that is ahead, a membership has ended; once that is set right, it has not. */
static void test_clock_set_right(void **state)
{
	struct sim *sim = sim_network(70, 4, 5);
	struct sim_node *node;
	unsigned int n;
	char *token;

	(void)state;
	token = invite_for_days(sim, 1);
	n = join_within(sim, token, 0, 20 * SIM_SECOND);
	node = &sim->nodes[n];
	sim_run(sim, SIM_MINUTE);
	node->clock_ahead_s = 30 * DAY;
	sim_run(sim, 3 * SIM_MINUTE);
	assert_int_equal(weft_node_state(node->node), WEFT_NODE_EXCLUDED);
	assert_int_equal(node->last[WEFT_NOTICE_EXCLUDED].error, -EKEYEXPIRED);
	/* also if nobody calls it, or did lately */
	node->group = 1;
	sim_run(sim, 30 * SIM_MINUTE);
	node->clock_ahead_s = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(node->node), WEFT_NODE_MEMBER);
	node->group = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(node->notices[WEFT_NOTICE_EXCLUDED], 1);
	assert_int_equal(node->notices[WEFT_NOTICE_INCLUDED], 1);
	assert_true(last_is_in_touch(sim));
	/* the same of another member */
	sim->nodes[1].clock_ahead_s = 30 * DAY;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(see(sim, 1, n)->state, WEFT_MEMBER_EXPIRED);
	sim->nodes[1].clock_ahead_s = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(see(sim, 1, n)->state, WEFT_MEMBER);
	free(token);
	sim_free(sim);
}

/* Likewise, who joins with such a clock. */
static void test_clock_set_right_joining(void **state)
{
	struct sim *sim = sim_network(71, 3, 4);
	unsigned int n;
	char *token;

	(void)state;
	token = invite_for_days(sim, 1);
	sim_run(sim, 5 * SIM_SECOND);
	n = sim_join(sim, token, "ahead");
	sim->nodes[n].clock_ahead_s = 30 * DAY;
	sim_run(sim, 2 * SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_JOINING);
	/* looked at while nobody lets it in: all that is told at the door then is no news */
	sim->nodes[n].group = 1;
	sim_run(sim, SIM_MINUTE);
	sim->nodes[n].clock_ahead_s = 0;
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_JOINING);
	sim->nodes[n].group = 0;
	assert_true(sim_until(sim, newest_joined, SIM_MINUTE) >= 0);
	assert_true(sim_until(sim, last_is_in_touch, SIM_MINUTE) >= 0);
	free(token);
	sim_free(sim);
}

/* All are gone and come back elsewhere, but for one. */
static void test_restart(void **state)
{
	struct sim *sim = sim_network(9, 10, 10);
	unsigned int i;
	int64_t found;

	(void)state;
	sim->config.beacons = false;
	sim_run(sim, 3 * SIM_MINUTE);
	for (i = 0; i < 10; i++)
		sim_kill(sim, i);
	sim_run(sim, 10 * SIM_MINUTE);
	for (i = 0; i < 9; i++) {
		if (i != 4)
			sim_move(sim, i);
		sim_restart(sim, i);
	}
	assert_true(sim_until(sim, sim_converged, 2 * SIM_MINUTE) >= 0);
	/* node 9 has still the old addresses of all; only that of node 4 is right */
	sim_move(sim, 9);
	sim_restart(sim, 9);
	found = sim_until(sim, last_is_in_touch, 2 * SIM_MINUTE);
	assert_true(found >= 0);
	print_message("# in touch again in %.1f s\n", found / 1000.0);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	assert_int_equal(sim_members(sim, 9), 10);
	sim_free(sim);
}

static void test_revocation(void **state)
{
	struct sim *sim = sim_network(10, 12, 12);
	uint8_t old[32];
	unsigned int i;

	(void)state;
	memcpy(old, weft_node_secrets(sim->nodes[0].node)->epoch, sizeof(old));
	assert_int_equal(revoke_node(sim, 3, 7), -EPERM);
	assert_int_equal(revoke_node(sim, 0, 7), 0);
	/* at the one who revokes at once, at the others within two seconds */
	assert_null(sim_peer_of(sim, 0, 7));
	sim_run(sim, 2 * SIM_SECOND);
	for (i = 0; i < 12; i++) {
		if (i == 7)
			continue;
		assert_false(is_member(sim, i, 7));
		assert_null(sim_peer_of(sim, i, 7));
		assert_int_equal(sim->nodes[i].told_revoked, 1);
	}
	assert_true(sim_until(sim, same_secrets, 5 * SIM_SECOND) >= 0);
	assert_memory_not_equal(weft_node_secrets(sim->nodes[3].node)->epoch, old, 32);
	/* who is out learns nothing more, and does not come in again */
	sim_run(sim, 10 * SIM_MINUTE);
	assert_memory_equal(weft_node_secrets(sim->nodes[7].node)->epoch, old, 32);
	for (i = 0; i < 12; i++)
		assert_true(i == 7 || !sim_peer_of(sim, i, 7));
	sim_free(sim);
}

static bool seventh_is_out(struct sim *sim)
{
	return weft_node_state(sim->nodes[7].node) == WEFT_NODE_EXCLUDED;
}

static void assert_told(struct sim *sim, unsigned int n, const struct weft_id *by)
{
	struct sim_node *told = &sim->nodes[n];
	const struct weft_record *revocation;
	uint64_t sent;

	assert_int_equal(told->notices[WEFT_NOTICE_EXCLUDED], 1);
	assert_int_equal(told->last[WEFT_NOTICE_EXCLUDED].error, -EKEYREVOKED);
	revocation = weft_roster_revocation(weft_node_roster(told->node), weft_node_id(told->node));
	assert_non_null(revocation);
	assert_memory_equal(revocation->slot.by, by->bytes, sizeof(by->bytes));
	assert_int_equal(told->peer_count, 0);
	/* and it gives up */
	sent = weft_node_stats(told->node)->sent;
	sim_run(sim, 5 * SIM_MINUTE);
	assert_int_equal(weft_node_stats(told->node)->sent, sent);
}

/* The last that it hears of the others; no keys, and no way in. */
static void test_revoked_is_told(void **state)
{
	struct sim *sim = sim_network(24, 12, 12);
	struct weft_id root = weft_node_secrets(sim->nodes[0].node)->network;

	(void)state;
	assert_int_equal(revoke_node(sim, 0, 7), 0);
	assert_true(sim_until(sim, seventh_is_out, 2 * SIM_SECOND) >= 0);
	assert_told(sim, 7, &root);
	sim_free(sim);
}

/* By somebody of whom it does not know yet that it is an admin. */
static void test_revoked_is_told_by_what_right(void **state)
{
	struct sim *sim = sim_network(25, 12, 12);
	struct weft_id admin;

	(void)state;
	split(sim, 7, 8, 1);
	make_admin(sim, 0, 3);
	sim_run(sim, 2 * SIM_SECOND);
	make_admin(sim, 3, 4);
	admin = see(sim, 0, 4)->identity;
	sim_run(sim, 2 * SIM_SECOND);
	split(sim, 7, 8, 0);
	assert_null(weft_roster_admin(weft_node_roster(sim->nodes[7].node), &admin));
	assert_int_equal(revoke_node(sim, 4, 7), 0);
	assert_true(sim_until(sim, seventh_is_out, 2 * SIM_SECOND) >= 0);
	assert_told(sim, 7, &admin);
	sim_free(sim);
}

/* Others who have not heard of it yet still call; it takes nobody in. */
static void test_revoked_is_called(void **state)
{
	struct sim *sim = sim_network(26, 12, 12);
	struct weft_id root = weft_node_secrets(sim->nodes[0].node)->network;
	const struct weft_member *seventh = see(sim, 8, 7);
	uint64_t sent;
	unsigned int i;

	(void)state;
	split(sim, 8, 12, 1);
	assert_int_equal(revoke_node(sim, 0, 7), 0);
	assert_true(sim_until(sim, seventh_is_out, 2 * SIM_SECOND) >= 0);
	assert_told(sim, 7, &root);
	sent = weft_node_stats(sim->nodes[7].node)->sent;
	split(sim, 7, 8, 1);
	for (i = 0; i < 10; i++) {
		assert_true(is_member(sim, 8, 7));
		sim_user_packet(sim, 8, seventh->address, 16);
		sim_run(sim, 10 * SIM_SECOND);
		assert_int_equal(sim->nodes[7].peer_count, 0);
	}
	assert_int_equal(sim->nodes[7].user_packets, 0);
	assert_int_equal(weft_node_stats(sim->nodes[7].node)->sent, sent);
	sim_free(sim);
}

/* What others had sent before is read after that, and what the kernel has is told after a restart. */
static void test_revoked_is_spoken_to(void **state)
{
	struct weft_message message = { .type = WEFT_PING, .ping.neighbour = true };
	struct sim *sim = sim_network(27, 3, 3);
	uint8_t bytes[WEFT_MAX_DATAGRAM];
	struct weft_time now;
	size_t len;

	(void)state;
	assert_int_equal(revoke_node(sim, 0, 2), 0);
	sim_run(sim, 2 * SIM_SECOND);
	assert_int_equal(weft_node_state(sim->nodes[2].node), WEFT_NODE_EXCLUDED);
	len = weft_message_encode(bytes, &message);
	now = sim_time(&sim->nodes[2]);
	weft_node_datagram(sim->nodes[2].node, &now, sim->nodes[1].addresses[0].address, bytes,
			   len);
	sim_pump(&sim->nodes[2]);
	assert_int_equal(sim->nodes[2].peer_count, 0);
	weft_node_kernel_peer(sim->nodes[2].node, &now, &see(sim, 2, 1)->tunnel);
	sim_pump(&sim->nodes[2]);
	sim_run(sim, 2 * SIM_SECOND);
	assert_int_equal(sim->nodes[2].peer_count, 0);
	sim_free(sim);
}

static void test_leave(void **state)
{
	struct sim *sim = sim_network(11, 5, 5);
	struct weft_time now = sim_time(&sim->nodes[2]);
	unsigned int i;

	(void)state;
	assert_int_equal(weft_node_leave(sim->nodes[2].node, &now), 0);
	sim_pump(&sim->nodes[2]);
	sim_run(sim, 10 * SIM_SECOND);
	assert_int_equal(sim->nodes[2].notices[WEFT_NOTICE_LEFT], 1);
	assert_int_equal(weft_node_state(sim->nodes[2].node), WEFT_NODE_EXCLUDED);
	assert_int_equal(sim->nodes[2].peer_count, 0);
	for (i = 0; i < 5; i++)
		assert_true(i == 2 || (!is_member(sim, i, 2) && !sim_peer_of(sim, i, 2)));
	sim_free(sim);
}

/* Peers come when there is traffic, and go when there is none. */
static void test_on_demand(void **state)
{
	struct sim *sim = sim_new(12, 24);
	unsigned int i, other = 0;
	char name[16], *token;

	(void)state;
	sim->config.all_peers = 4;
	sim->config.idle_ms = SIM_MINUTE;
	sim_found(sim);
	sim_run(sim, 2 * SIM_SECOND);
	token = sim_invite(sim, 0, 24);
	for (i = 1; i < 24; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		sim_join(sim, token, name);
		sim_run(sim, SIM_SECOND);
	}
	assert_true(sim_until(sim, sim_converged, 2 * SIM_MINUTE) >= 0);
	sim_run(sim, 5 * SIM_MINUTE);
	for (i = 1; i < 24; i++) {
		if (!sim_peer_of(sim, 0, i) && !sim_peer_of(sim, i, 0))
			other = i;
	}
	assert_int_not_equal(other, 0);
	sim_user_packet(sim, 0, see(sim, 0, other)->address, 16);
	sim_run(sim, SIM_SECOND);
	/* the very first packet arrives; both have each other now */
	assert_int_equal(sim->nodes[other].user_packets, 1);
	assert_non_null(sim_peer_of(sim, 0, other));
	assert_true(peer_of(sim, 0, other).wanted == WEFT_WANTED_DEMAND);
	for (i = 0; i < 8; i++) {
		sim_user_packet(sim, 0, see(sim, 0, other)->ipv4, 4);
		sim_run(sim, 30 * SIM_SECOND);
		assert_non_null(sim_peer_of(sim, 0, other));
	}
	assert_int_equal(sim->nodes[other].user_packets, 9);
	/* and once nothing is said, no longer; by chance the other may look at us just then */
	for (i = 0; i < 15 && sim_peer_of(sim, 0, other); i++)
		sim_run(sim, SIM_MINUTE);
	assert_null(sim_peer_of(sim, 0, other));
	/* an address that nobody has */
	sim_user_packet(sim, 0, (uint8_t[]){ 10, 77, 255, 253 }, 4);
	free(token);
	sim_free(sim);
}

static void announce_route(struct sim *sim, unsigned int n, const struct weft_prefix *prefix)
{
	struct weft_routes routes = { .count = 1, .at[0] = *prefix };
	struct weft_time now = sim_time(&sim->nodes[n]);

	assert_int_equal(weft_node_set_routes(sim->nodes[n].node, &now, &routes), 0);
	sim_pump(&sim->nodes[n]);
}

/* Two members announce one route; when the one that has it dies, it is the other's. */
static void test_routes(void **state)
{
	struct weft_prefix lan = ipv4_prefix(192, 168, 7, 0, 24), other =
		ipv4_prefix(192, 168, 8, 0, 24);
	struct sim *sim = sim_network(13, 4, 6);
	struct weft_routes bad = { .count = 1, .at[0] = other };
	struct weft_invite wish = sim_wish(sim, 2);
	unsigned int i, has, spare;
	struct weft_time now;
	char *token;

	(void)state;
	wish.grant.routes = (struct weft_routes){ .count = 1, .at[0] = lan };
	wish.grant.has |= WEFT_HAS(WEFT_KEY_ROUTES);
	token = sim_invite_with(sim, 0, &wish);
	join_within(sim, token, 0, 20 * SIM_SECOND);
	join_within(sim, token, 0, 20 * SIM_SECOND);
	announce_route(sim, 4, &lan);
	announce_route(sim, 5, &lan);
	now = sim_time(&sim->nodes[4]);
	assert_int_equal(weft_node_set_routes(sim->nodes[4].node, &now, &bad), -EACCES);
	sim_run(sim, SIM_MINUTE);
	for (i = 0; i < 4; i++) {
		assert_int_equal(sim->nodes[i].route_count, 1);
		assert_int_equal(weft_prefix_compare(&sim->nodes[i].routes[0], &lan), 0);
		assert_int_equal(has_allowed(sim, i, 4, &lan) + has_allowed(sim, i, 5, &lan), 1);
	}
	/* who has it itself does not send it elsewhere */
	assert_int_equal(sim->nodes[4].route_count, 0);
	has = has_allowed(sim, 1, 4, &lan) ? 4 : 5;
	spare = 9 - has;
	sim_user_packet(sim, 1, (uint8_t[]){ 192, 168, 7, 9 }, 4);
	sim_run(sim, SIM_SECOND);
	assert_int_equal(sim->nodes[has].user_packets, 1);
	sim_kill(sim, has);
	sim_run(sim, 45 * SIM_SECOND);
	for (i = 0; i < 4; i++)
		assert_true(has_allowed(sim, i, spare, &lan));
	sim_user_packet(sim, 1, (uint8_t[]){ 192, 168, 7, 9 }, 4);
	sim_run(sim, SIM_SECOND);
	assert_int_equal(sim->nodes[spare].user_packets, 1);
	free(token);
	sim_free(sim);
}

/* A telephone with WireGuard, attached to member 2. */
/* The founder was invited by nobody, and an admin grants itself; others do not. */
static void test_admin_routes(void **state)
{
	struct sim *sim = sim_network(26, 3, 3);
	struct weft_routes routes = { .count = 1, .at = {
		{ .size = 4, .length = 24, .address = { 192, 0, 2 } } } };
	struct weft_time now;

	(void)state;
	now = sim_time(&sim->nodes[1]);
	assert_int_equal(weft_node_set_routes(sim->nodes[1].node, &now, &routes), -EACCES);
	announce_route(sim, 0, &routes.at[0]);
	sim_run(sim, 5 * SIM_SECOND);
	assert_true(has_allowed(sim, 1, 0, &routes.at[0]));
	assert_memory_equal(weft_node_router(sim->nodes[1].node, &routes.at[0]),
			    see(sim, 0, 0), sizeof(struct weft_id));
	/* what it was before, it still is */
	assert_string_equal(see(sim, 1, 0)->name, see(sim, 0, 0)->name);
	assert_true(see(sim, 1, 0)->has_ipv4);
	assert_non_null(weft_roster_admin(weft_node_roster(sim->nodes[1].node),
					  weft_node_id(sim->nodes[0].node)));
	/* not of the network itself */
	weft_network_prefix(&routes.at[0], weft_roster_network(weft_node_roster(sim->nodes[0].node)));
	now = sim_time(&sim->nodes[0]);
	assert_int_not_equal(weft_node_set_routes(sim->nodes[0].node, &now, &routes), 0);
	make_admin(sim, 0, 1);
	sim_run(sim, 2 * SIM_SECOND);
	routes.at[0] = (struct weft_prefix){ .size = 4, .length = 24, .address = { 192, 0, 2 } };
	announce_route(sim, 1, &routes.at[0]);
	sim_run(sim, 5 * SIM_SECOND);
	assert_int_equal(sim->nodes[2].route_count, 1);
	sim_free(sim);
}

static void test_static(void **state)
{
	struct sim *sim = sim_network(14, 4, 4);
	struct weft_static_member phone = { .name = "phone", .tunnel = tunnel_of(99).public_key };
	struct weft_prefix address = { .size = 16, .length = 128 };
	struct weft_time now = sim_time(&sim->nodes[0]);
	const struct weft_member *member;
	struct weft_node_peer peer;
	struct weft_id id;
	unsigned int i;

	(void)state;
	phone.via = see(sim, 0, 2)->identity;
	assert_int_equal(weft_node_admit_static(sim->nodes[0].node, &now, &phone, &id), 0);
	sim_pump(&sim->nodes[0]);
	assert_int_equal(weft_node_admit_static(sim->nodes[0].node, &now, &phone, &id), -EEXIST);
	sim_run(sim, 10 * SIM_SECOND);
	for (i = 0; i < 4; i++) {
		member = weft_roster_by_name(weft_node_roster(sim->nodes[i].node), "phone");
		assert_non_null(member);
		memcpy(address.address, member->address, 16);
		weft_node_peer(sim->nodes[i].node, member, &peer);
		assert_true(weft_id_equal(&peer.via->identity, &phone.via));
		/* the one that routes for it has it as a peer, the others have its address there */
		assert_int_equal(peer.wanted, i == 2 ? WEFT_WANTED_STATIC : 0);
		assert_true(i == 2 || has_allowed(sim, i, 2, &address));
	}
	sim_user_packet(sim, 1, address.address, 16);
	sim_run(sim, SIM_SECOND);
	assert_int_equal(sim->nodes[2].user_packets, 1);
	assert_int_equal(weft_node_revoke(sim->nodes[0].node, &now, &id, 0, NULL), 0);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 10 * SIM_SECOND);
	assert_false(has_allowed(sim, 1, 2, &address));
	sim_free(sim);
}

/* No address is right any more, but all are on one local network. */
static void test_beacon(void **state)
{
	struct sim *sim = sim_network(15, 4, 5);
	unsigned int i;
	char *token;

	(void)state;
	token = sim_invite(sim, 0, 1);
	sim_run(sim, 3 * SIM_MINUTE);
	for (i = 0; i < 4; i++)
		sim_kill(sim, i);
	for (i = 0; i < 4; i++) {
		sim_move(sim, i);
		sim_restart(sim, i);
	}
	sim_run(sim, 2 * SIM_MINUTE);
	assert_false(peer_of(sim, 3, 0).alive || peer_of(sim, 3, 1).alive ||
		     peer_of(sim, 3, 2).alive);
	sim->lan = true;
	sim_run(sim, SIM_MINUTE);
	assert_true(peer_of(sim, 3, 0).alive || peer_of(sim, 3, 1).alive ||
		    peer_of(sim, 3, 2).alive);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	/* also whoever has nothing but the token */
	for (i = 0; i < 4; i++)
		sim_move(sim, i);
	join_within(sim, token, 0, SIM_MINUTE);
	free(token);
	sim_free(sim);
}

/* The daemon goes and comes; the kernel has not noticed. */
static void test_daemon_restart(void **state)
{
	struct sim *sim = sim_network(16, 4, 4);
	uint64_t sessions[4];
	unsigned int i;

	(void)state;
	sim_run(sim, 2 * SIM_MINUTE);
	for (i = 1; i < 4; i++)
		sessions[i] = sim_peer_of(sim, 0, i)->session;
	sim_restart_daemon(sim, 0);
	sim_run(sim, SIM_SECOND);
	for (i = 1; i < 4; i++) {
		assert_non_null(sim_peer_of(sim, 0, i));
		assert_true(sim_peer_of(sim, 0, i)->session == sessions[i]);
	}
	sim_run(sim, 2 * SIM_MINUTE);
	assert_int_equal(sim->nodes[1].notices[WEFT_NOTICE_DOWN], 0);
	sim_free(sim);
}

/* A member claims another's tunnel key: whoever loses it takes a new one. */
static void test_key_conflict(void **state)
{
	struct sim *sim = sim_network(23, 4, 4);
	struct weft_fields fields = { .type = WEFT_ANNOUNCEMENT };
	struct weft_message message = { .type = WEFT_RECORDS };
	struct weft_time now = sim_time(&sim->nodes[0]);
	uint8_t bytes[WEFT_MAX_DATAGRAM];
	struct weft_identity thief;
	struct weft_record *record;
	unsigned int i;
	size_t len;

	(void)state;
	weft_identity_from_seed(&thief, weft_node_secrets(sim->nodes[1].node)->identity);
	fields.network = weft_node_secrets(sim->nodes[1].node)->network;
	fields.tunnel = see(sim, 0, 2)->tunnel;
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL);
	fields.issued = NOW + DAY;
	assert_int_equal(weft_record_sign(&record, &fields, &thief), 0);
	message.records = (struct weft_records){ .count = 1,
						 .at[0] = { record->bytes, record->len } };
	len = weft_message_encode(bytes, &message);
	weft_node_datagram(sim->nodes[0].node, &now, sim->nodes[1].addresses[0].address, bytes,
			   len);
	weft_record_put(record);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 2 * SIM_MINUTE);
	/* the victim, which is there and has the key, goes on with another */
	assert_int_equal(sim->nodes[2].notices[WEFT_NOTICE_NEW_KEY], 1);
	for (i = 0; i < 4; i += 3) {
		assert_int_equal(see(sim, i, 2)->conflicts, 0);
		sim_user_packet(sim, i, see(sim, i, 2)->address, 16);
	}
	sim_run(sim, 20 * SIM_SECOND);
	assert_int_equal(sim->nodes[2].user_packets, 2);
	sim_free(sim);
}

static void test_move(void **state)
{
	struct sim *sim = sim_network(18, 6, 6);
	unsigned int i;

	(void)state;
	sim->loss = 50;
	for (i = 1; i < 5; i++) {
		sim_move(sim, i);
		sim_run(sim, 30 * SIM_SECOND);
	}
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	for (i = 1; i < 6; i++)
		sim_user_packet(sim, 0, see(sim, 0, i)->address, 16);
	sim->loss = 0;
	sim_run(sim, 30 * SIM_SECOND);
	for (i = 1; i < 6; i++) {
		struct weft_ip_endpoint at[4];

		assert_int_equal(weft_node_own_endpoints(sim->nodes[i].node, at, 4), 1);
		assert_memory_equal(at[0].address, sim->nodes[i].at.address, 4);
		assert_int_equal(at[0].port, sim->nodes[i].at.port);
	}
	sim_free(sim);
}

/* An admission that ends, and one that is renewed. */
static void test_expiry(void **state)
{
	struct sim *sim = sim_network(19, 3, 4);
	struct weft_invite wish = sim_wish(sim, 1);
	unsigned int i;
	char *token;

	(void)state;
	wish.grant.member_expires = sim->unix_s + sim->ms / 1000 + 600;
	wish.grant.has |= WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	token = sim_invite_with(sim, 0, &wish);
	join_within(sim, token, 0, 20 * SIM_SECOND);
	sim_run(sim, 9 * SIM_MINUTE);
	for (i = 0; i < 4; i++)
		assert_true(is_member(sim, i, 3));
	sim_run(sim, 2 * SIM_MINUTE);
	for (i = 0; i < 3; i++) {
		assert_false(is_member(sim, i, 3));
		assert_null(sim_peer_of(sim, i, 3));
		assert_int_equal(sim->nodes[i].last[WEFT_NOTICE_MEMBER_GONE].error, -EKEYEXPIRED);
	}
	assert_int_equal(weft_node_state(sim->nodes[3].node), WEFT_NODE_EXCLUDED);
	assert_int_equal(sim->nodes[3].peer_count, 0);
	free(token);
	sim_free(sim);
}

/* The root admits member @subject once more, and node 0 hears of it by node 1. */
static void admit_anew(struct sim *sim, unsigned int subject)
{
	struct weft_fields fields = { .type = WEFT_ADMISSION, .has = WEFT_HAS(WEFT_KEY_SUBJECT),
				      .subject = see(sim, 0, subject)->identity };
	struct weft_time now = sim_time(&sim->nodes[0]);
	struct weft_message message = { .type = WEFT_RECORDS };
	uint8_t bytes[WEFT_MAX_DATAGRAM];
	struct weft_record *record;
	struct weft_identity root;

	weft_identity_from_seed(&root, weft_node_secrets(sim->nodes[0].node)->root);
	fields.network = root.id;
	fields.issued = now.unix_s;
	set_name(&fields, "renewed");
	assert_int_equal(weft_record_sign(&record, &fields, &root), 0);
	message.records = (struct weft_records){ .count = 1,
						 .at[0] = { record->bytes, record->len } };
	weft_node_datagram(sim->nodes[0].node, &now, sim->nodes[1].addresses[0].address, bytes,
			   weft_message_encode(bytes, &message));
	weft_record_put(record);
	sim_pump(&sim->nodes[0]);
}

/* Out, and where nobody can call it: when it is admitted anew, it hears of that by calling others. */
static void test_admitted_anew(void **state)
{
	struct sim *sim = sim_network(72, 3, 4);
	struct weft_invite wish = sim_wish(sim, 1);
	struct sim_node *node;
	unsigned int n;
	uint64_t sent;
	char *token;

	(void)state;
	wish.grant.member_expires = sim->unix_s + sim->ms / 1000 + 600;
	wish.grant.has |= WEFT_HAS(WEFT_KEY_MEMBER_EXPIRES);
	token = sim_invite_with(sim, 0, &wish);
	n = join_within(sim, token, 0, 20 * SIM_SECOND);
	node = &sim->nodes[n];
	sim_run(sim, 11 * SIM_MINUTE);
	assert_int_equal(weft_node_state(node->node), WEFT_NODE_EXCLUDED);
	sim_move(sim, n);
	sent = weft_node_stats(node->node)->sent;
	sim_run(sim, 30 * SIM_MINUTE);
	assert_int_equal(weft_node_state(node->node), WEFT_NODE_EXCLUDED);
	/* now and then, and not for long */
	assert_in_range(weft_node_stats(node->node)->sent - sent, 5, 150);
	admit_anew(sim, n);
	sim_run(sim, 10 * SIM_MINUTE);
	assert_int_equal(weft_node_state(node->node), WEFT_NODE_MEMBER);
	assert_int_equal(node->notices[WEFT_NOTICE_INCLUDED], 1);
	assert_true(last_is_in_touch(sim) && sim_converged(sim));
	free(token);
	sim_free(sim);
}

static unsigned int alive_in(struct sim *sim)
{
	unsigned int i, count = 0;

	for (i = 0; i < sim->count; i++)
		count += sim->nodes[i].up;
	return count;
}

/* Whatever happens in whatever order, once it is over all know the same. */
static void test_chaos(void **state)
{
	unsigned int seed, step, n;
	char *token;

	(void)state;
	for (seed = 100; seed < 108; seed++) {
		struct sim *sim = sim_network(seed, 6, 40);

		sim->loss = 100;
		sim->jitter_ms = 500;
		token = sim_invite(sim, 0, 100);
		for (step = 0; step < 30; step++) {
			n = 1 + sim_random(sim, sim->count - 1);
			switch (sim_random(sim, 6)) {
			case 0:
				if (sim->nodes[n].up && sim->nodes[n].roster)
					sim_kill(sim, n);
				break;
			case 1:
				if (!sim->nodes[n].up)
					sim_restart(sim, n);
				break;
			case 2:
				sim_move(sim, n);
				break;
			case 3:
				split(sim, 1, sim->count, 0);
				sim->nodes[n].group = sim_random(sim, 2);
				break;
			case 4:
				if (alive_in(sim) > 4 && sim_random(sim, 3) == 0 && see(sim, 0, n))
					revoke_node(sim, 0, n);
				break;
			default:
				sim_join(sim, token, NULL);
			}
			sim_run(sim, sim_random(sim, 20 * SIM_SECOND));
		}
		split(sim, 0, sim->count, 0);
		for (n = 0; n < sim->count; n++) {
			if (!sim->nodes[n].up && sim->nodes[n].roster)
				sim_restart(sim, n);
		}
		assert_true(sim_until(sim, sim_converged, 3 * SIM_MINUTE) >= 0);
		sim_run(sim, SIM_MINUTE);
		assert_true(sim_until(sim, same_secrets, SIM_MINUTE) >= 0);
		for (n = 0; n < sim->count; n++) {
			if (sim->nodes[n].up && is_member(sim, 0, n) &&
			    weft_node_state(sim->nodes[n].node) == WEFT_NODE_MEMBER)
				assert_int_equal(sim_members(sim, n), sim_members(sim, 0));
		}
		free(token);
		sim_free(sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined_knows_the_network),
		cmocka_unit_test(test_three),
		cmocka_unit_test(test_thirty),
		cmocka_unit_test(test_inviter_dead),
		cmocka_unit_test(test_invitation_unknown),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_long_partition),
		cmocka_unit_test(test_redeemed_twice),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_wrong_clock),
		cmocka_unit_test(test_clock_set_right),
		cmocka_unit_test(test_clock_set_right_joining),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_revocation),
		cmocka_unit_test(test_revoked_is_told),
		cmocka_unit_test(test_revoked_is_told_by_what_right),
		cmocka_unit_test(test_revoked_is_called),
		cmocka_unit_test(test_revoked_is_spoken_to),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_on_demand),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_admin_routes),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_beacon),
		cmocka_unit_test(test_daemon_restart),
		cmocka_unit_test(test_key_conflict),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_admitted_anew),
		cmocka_unit_test(test_chaos),
	};

	return RUN_TESTS(tests);
}
