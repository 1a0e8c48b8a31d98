// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thousand members. They have met before: each begins with the same roster, and knows nobody's
 * address but by that. Records are parsed once for all of them, and shared.
 */
#include <time.h>

#include "sim.h"

#define MEMBERS 1000
#define SHARED (1U << 14)

static struct weft_record *shared[SHARED];

int __real_weft_record_parse(struct weft_record **record, const struct weft_id *network,
			     const void *bytes, size_t len);
int __wrap_weft_record_parse(struct weft_record **record, const struct weft_id *network,
			     const void *bytes, size_t len);

int __wrap_weft_record_parse(struct weft_record **record, const struct weft_id *network,
			     const void *bytes, size_t len)
{
	struct weft_id hash;
	unsigned int n;
	int error;

	weft_record_hash(&hash, bytes, len);
	n = (hash.bytes[0] << 8 | hash.bytes[1]) % SHARED;
	for (; shared[n]; n = (n + 1) % SHARED) {
		if (weft_id_equal(&shared[n]->hash, &hash)) {
			*record = weft_record_hold(shared[n]);
			return 0;
		}
	}
	error = __real_weft_record_parse(record, network, bytes, len);
	if (!error)
		shared[n] = weft_record_hold(*record);
	return error;
}

static void forget_shared(void)
{
	unsigned int n;

	for (n = 0; n < SHARED; n++)
		weft_record_put(shared[n]);
	memset(shared, 0, sizeof(shared));
}

/* Each is admitted by the root, and says where it is. */
static void admit(struct weft_roster *roster, struct sim *sim, unsigned int n)
{
	struct weft_fields fields = { .type = WEFT_ANNOUNCEMENT, .network = root_of().id };
	struct weft_identity identity = identity_of(n);
	struct weft_record *record;
	char name[16];

	(void)sim;
	snprintf(name, sizeof(name), "n%u", n);
	must_add(roster, admission_record(n, ROOT, name, NOW));
	fields.issued = NOW;
	fields.tunnel = tunnel_of(n).public_key;
	fields.endpoints.count = 1;
	fields.endpoints.at[0] = (struct weft_ip_endpoint){
		.size = 4, .address = { 198, 18, n >> 8, n & 0xff }, .port = 5000 };
	fields.has = WEFT_HAS(WEFT_KEY_TUNNEL) | WEFT_HAS(WEFT_KEY_ENDPOINTS);
	assert_int_equal(weft_record_sign(&record, &fields, &identity), 0);
	must_add(roster, record);
}

static struct weft_secrets secrets_of(unsigned int n)
{
	struct weft_secrets secrets = { .network = root_of().id, .sequence = NOW };

	seed_of(secrets.identity, n);
	seed_of(secrets.tunnel, n);
	secrets.tunnel[29] = n & 0xff;
	secrets.tunnel[30] = 1;
	if (!n) {
		secrets.has_root = true;
		seed_of(secrets.root, ROOT);
	}
	return secrets;
}

/* The endpoint as it was announced. */
static void settle_address(struct sim *sim, unsigned int n)
{
	sim->nodes[n].at.port = 5000;
	sim_tell_endpoints(sim, n);
}

static struct sim *thousand(uint64_t seed)
{
	struct sim *sim = sim_new(seed, MEMBERS + 2);
	struct weft_roster *roster = new_roster(), *copy;
	struct weft_secrets secrets;
	unsigned int n;

	must_add(roster, network_record(NOW));
	for (n = 0; n < MEMBERS; n++)
		admit(roster, sim, n);
	assert_int_equal(weft_roster_evaluate(roster, NOW), 0);
	for (n = 0; n < MEMBERS; n++) {
		secrets = secrets_of(n);
		assert_int_equal(weft_roster_clone(&copy, roster), 0);
		assert_int_equal(sim_restore(sim, &secrets, copy), n);
		settle_address(sim, n);
	}
	weft_roster_free(roster);
	return sim;
}

static struct weft_id subject;

static bool all_know(struct sim *sim)
{
	const struct weft_member *member;
	unsigned int n;

	for (n = 0; n < MEMBERS; n++) {
		if (!sim->nodes[n].up)
			continue;
		member = weft_roster_member(weft_node_roster(sim->nodes[n].node), &subject);
		if (!member || member->state != WEFT_MEMBER)
			return false;
	}
	return true;
}

static bool none_knows(struct sim *sim)
{
	const struct weft_member *member;
	unsigned int n;

	for (n = 0; n < MEMBERS; n++) {
		if (!sim->nodes[n].up || weft_id_equal(weft_node_id(sim->nodes[n].node), &subject))
			continue;
		member = weft_roster_member(weft_node_roster(sim->nodes[n].node), &subject);
		if (member->state == WEFT_MEMBER)
			return false;
	}
	return true;
}

static void count_bytes(const struct sim *sim, uint64_t *bytes)
{
	unsigned int n;

	for (n = 0; n < MEMBERS; n++)
		bytes[n] = sim->nodes[n].wire_bytes;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* What each sends a second, all headers included: the mean, and the most. */
static void measure(struct sim *sim, uint64_t ms, double *mean, double *most)
{
	static uint64_t before[MEMBERS], after[MEMBERS];
	uint64_t sum = 0;
	unsigned int n;

	count_bytes(sim, before);
	sim_run(sim, ms);
	count_bytes(sim, after);
	for (n = 0; n < MEMBERS; n++) {
		after[n] -= before[n];
		sum += after[n];
	}
	qsort(after, MEMBERS, sizeof(*after), compare_numbers);
	*mean = sum * 1000.0 / ms / MEMBERS;
	*most = after[MEMBERS - 1] * 1000.0 / ms;
}

static void test_thousand(void **state)
{
	struct sim *sim = thousand(1);
	double mean, most;
	unsigned int n;
	size_t peers = 0;
	char *token;
	int64_t ms;

	(void)state;
	sim->loss = 10;
	sim_run(sim, 5 * SIM_MINUTE);
	assert_true(sim_converged(sim));
	measure(sim, 5 * SIM_MINUTE, &mean, &most);
	print_message("# steady: %.0f bytes/s a node, most %.0f\n", mean, most);
	assert_true(mean < 500 && most < 1000);
	for (n = 0; n < MEMBERS; n++)
		peers += sim->nodes[n].peer_count;
	print_message("# peers in a kernel: %.1f\n", 1.0 * peers / MEMBERS);
	assert_true(peers < 40 * MEMBERS);
	/* somebody joins */
	token = sim_invite(sim, 0, 1);
	sim_run(sim, 10 * SIM_SECOND);
	n = sim_join(sim, token, "new");
	subject = *weft_node_id(sim->nodes[n].node);
	ms = sim_until(sim, all_know, SIM_MINUTE);
	print_message("# a new member is known to all after %.1f s\n", ms / 1000.0);
	assert_in_range(ms, 0, 10 * SIM_SECOND);
	sim_run(sim, SIM_MINUTE);
	assert_int_equal(weft_node_state(sim->nodes[n].node), WEFT_NODE_MEMBER);
	assert_true(sim_until(sim, sim_converged, SIM_MINUTE) >= 0);
	free(token);
	sim_free(sim);
	forget_shared();
}

/* Halves that do not reach each other for ten minutes. */
static void test_halves(void **state)
{
	struct sim *sim = thousand(2);
	struct weft_time now;
	unsigned int n;
	int64_t ms;

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
	ms = sim_until(sim, none_knows, SIM_MINUTE);
	print_message("# healed in %.1f s\n", ms / 1000.0);
	assert_in_range(ms, 0, 30 * SIM_SECOND);
	sim_free(sim);
	forget_shared();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_halves),
	};

	/* for who looks for an error in one of them */
	if (getenv("SIM_TEST"))
		cmocka_set_test_filter(getenv("SIM_TEST"));
	return RUN_TESTS(tests);
}
