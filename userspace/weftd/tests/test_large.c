// SPDX-License-Identifier: GPL-2.0-or-later
/* A thousand members: the figures that networks are to have, and halves that meet again. */
#include "crowd.h"

#define MEMBERS 1000

static void test_thousand(void **state)
{
	struct sim *sim = crowd_new(1, MEMBERS, MEMBERS + 2);
	struct traffic traffic;
	struct spread spread;
	struct memory memory;
	unsigned int n;
	size_t peers = 0;
	uint64_t begin;
	char *token;

	(void)state;
	sim->loss = 10;
	sim_run(sim, 5 * SIM_MINUTE);
	assert_true(sim_converged(sim));
	crowd_traffic(sim, 5 * SIM_MINUTE, &traffic);
	print_message("# steady: %.0f bytes/s a node, most %llu\n", traffic.mean,
		      (unsigned long long)traffic.most);
	assert_true(traffic.mean < 500 && traffic.most < 1000);
	for (n = 0; n < MEMBERS; n++)
		peers += sim->nodes[n].peer_count;
	print_message("# peers in a kernel: %.1f\n", 1.0 * peers / MEMBERS);
	assert_true(peers < 40 * MEMBERS);
	/* somebody joins */
	token = sim_invite(sim, 0, 1);
	sim_run(sim, 10 * SIM_SECOND);
	begin = sim->ms;
	n = sim_join(sim, token, "new");
	crowd_spread(sim, weft_node_id(sim->nodes[n].node), true, begin, SIM_MINUTE, &spread);
	print_message("# a new member is known to all after %.2f s\n", spread.all_ms / 1000.0);
	assert_int_equal(spread.asked, MEMBERS);
	assert_int_equal(spread.knew, MEMBERS);
	assert_in_range(spread.all_ms, 0, 5 * SIM_SECOND);
	/* whoever let it in tells it what it needs first, among two thousand records */
	while (sim->ms < begin + 5 * SIM_SECOND)
		sim_run(sim, SIM_SECOND / 10);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_MEMBER);
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_MEMBER);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	crowd_memory(sim, 7, &memory);
	print_message("# memory, a member a node: %llu bytes, at most %llu\n",
		      (unsigned long long)memory.rests, (unsigned long long)memory.most);
	assert_in_range(memory.most, 100, 1999);
	free(token);
	crowd_free(sim);
}

/* Halves that do not reach each other for ten minutes. */
static void test_halves(void **state)
{
	struct sim *sim = crowd_new(2, MEMBERS, MEMBERS);
	struct weft_id subject;
	struct spread spread;
	struct weft_time now;
	unsigned int n;

	(void)state;
	sim_run(sim, 2 * SIM_MINUTE);
	for (n = MEMBERS / 2; n < MEMBERS; n++)
		sim->nodes[n].group = 1;
	sim_run(sim, 5 * SIM_MINUTE);
	subject = *weft_node_id(sim->nodes[7].node);
	now = sim_time(&sim->nodes[0]);
	assert_int_equal(weft_node_revoke(sim->nodes[0].node, &now, &subject, 0, NULL), 0);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, 5 * SIM_MINUTE);
	for (n = MEMBERS / 2; n < MEMBERS; n++)
		sim->nodes[n].group = 0;
	crowd_spread(sim, &subject, false, sim->ms, SIM_MINUTE, &spread);
	print_message("# healed in %.2f s\n", spread.all_ms / 1000.0);
	assert_int_equal(spread.asked, MEMBERS - 1);
	assert_int_equal(spread.knew, MEMBERS - 1);
	assert_in_range(spread.all_ms, 0, 30 * SIM_SECOND);
	crowd_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_halves),
	};

	return RUN_TESTS(tests);
}
