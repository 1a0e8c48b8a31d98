// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network of the daemon's own core, 10 to 10,000 members in one process, in simulated time: how fast
 * news get around, what a node sends, what it needs of memory. The same options give the same output.
 */
#include <getopt.h>

#include "crowd.h"
#include "share.h"

#define SETTLE (5 * SIM_MINUTE)
#define BETWEEN (10 * SIM_SECOND)
#define LIMIT (5 * SIM_MINUTE)
#define DOWN (30 * SIM_SECOND)
#define MAX_JOINS 100
#define MAX_BURST 100

struct options {
	unsigned int members;
	uint64_t seed;
	uint64_t latency_ms;
	uint64_t jitter_ms;
	/* of a thousand */
	unsigned int loss;
	/* restarts a minute */
	unsigned int churn;
	uint64_t partition_s;
	uint64_t time_s;
	unsigned int joins;
	unsigned int burst;
	bool json;
	bool unshared;
	bool progress;
};

struct report {
	struct traffic steady;
	double peers;
	unsigned int joined;
	struct spread joins[MAX_JOINS];
	uint64_t door_ms[MAX_JOINS];
	/* how many of the burst have joined, and when the last had; all know all */
	unsigned int burst_joined;
	uint64_t burst_ms;
	int64_t burst_known_ms;
	/* of how many somebody is a neighbour, at most: before others join, and who let them in, after it */
	unsigned int chosen, door_chosen;
	unsigned int restarts;
	struct spread healed;
	int64_t same_ms;
	struct memory memory;
};

static struct options options = {
	.members = 1000, .seed = 1, .latency_ms = 20, .jitter_ms = 20, .loss = 10, .time_s = 300,
	.joins = 5,
};
static struct report report;

static void usage(FILE *to)
{
	fprintf(to,
		"usage: weft-sim [OPTION]...\n"
		"\n"
		"A network in simulated time, by the daemon's own core. The same options give the same output.\n"
		"\n"
		"  --members N     10 to 10000 (%u)\n"
		"  --seed N        of all that is by chance (%llu)\n"
		"  --latency MS    one way, at least (%llu)\n"
		"  --jitter MS     up to so much more (%llu)\n"
		"  --loss PERCENT  of datagrams, as 0.5 (%g)\n"
		"  --churn N       members a minute that stop, and begin elsewhere 30 s later (%u)\n"
		"  --partition S   at the end, two halves do not reach each other for so long; meanwhile\n"
		"                  one revokes a member (%llu: no)\n"
		"  --time S        how long traffic is counted (%llu)\n"
		"  --joins N       members that join, one after the other, up to %u (%u)\n"
		"  --burst N       then so many join at once, by the same door, up to %u (%u); with\n"
		"                  10000 members that takes more than 12 GB\n"
		"  --json          for programs\n"
		"  --unshared      every node has all for itself, as in a daemon: the same output, with more\n"
		"                  time and memory\n"
		"  --progress      on standard error: what it is about\n",
		options.members, (unsigned long long)options.seed,
		(unsigned long long)options.latency_ms, (unsigned long long)options.jitter_ms,
		options.loss / 10.0, options.churn, (unsigned long long)options.partition_s,
		(unsigned long long)options.time_s, MAX_JOINS, options.joins,
		MAX_BURST, options.burst);
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || text == end || *text == '-' || value < least || value > most) {
		fprintf(stderr, "weft-sim: --%s: %s is no number from %llu to %llu\n", option, text,
			(unsigned long long)least, (unsigned long long)most);
		exit(2);
	}
	return value;
}

static unsigned int per_mille(const char *option, const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	if (*end || text == end || !(percent >= 0 && percent <= 90)) {
		fprintf(stderr, "weft-sim: --%s: %s is no number from 0 to 90\n", option, text);
		exit(2);
	}
	return percent * 10 + 0.5;
}

static const struct option known_options[] = {
	{ "members", required_argument, NULL, 'm' },
	{ "seed", required_argument, NULL, 's' },
	{ "latency", required_argument, NULL, 'l' },
	{ "jitter", required_argument, NULL, 'j' },
	{ "loss", required_argument, NULL, 'o' },
	{ "churn", required_argument, NULL, 'c' },
	{ "partition", required_argument, NULL, 'p' },
	{ "time", required_argument, NULL, 't' },
	{ "joins", required_argument, NULL, 'n' },
	{ "burst", required_argument, NULL, 'b' },
	{ "json", no_argument, NULL, 'J' },
	{ "unshared", no_argument, NULL, 'U' },
	{ "progress", no_argument, NULL, 'P' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void set_option(int option, const char *name, const char *text)
{
	switch (option) {
	case 'm':
		options.members = number(name, text, 10, 10000);
		break;
	case 's':
		options.seed = number(name, text, 0, UINT64_MAX);
		break;
	case 'l':
		options.latency_ms = number(name, text, 0, 10000);
		break;
	case 'j':
		options.jitter_ms = number(name, text, 0, 10000);
		break;
	case 'o':
		options.loss = per_mille(name, text);
		break;
	case 'c':
		options.churn = number(name, text, 0, 6000);
		break;
	case 'p':
		options.partition_s = number(name, text, 0, 86400);
		break;
	case 't':
		options.time_s = number(name, text, 10, 86400);
		break;
	case 'n':
		options.joins = number(name, text, 1, MAX_JOINS);
		break;
	case 'b':
		options.burst = number(name, text, 0, MAX_BURST);
		break;
	case 'J':
		options.json = true;
		break;
	case 'U':
		options.unshared = true;
		break;
	case 'P':
		options.progress = true;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static void read_options(int argc, char **argv)
{
	int option, which;

	while ((option = getopt_long(argc, argv, "h", known_options, &which)) != -1)
		set_option(option, option == 'h' || option == '?' ? "help" : known_options[which].name,
			   optarg);
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
}

static void progress(const char *what)
{
	if (options.progress)
		fprintf(stderr, "weft-sim: %u members: %s (%u different rosters)\n", options.members, what,
			share_count());
}

/*
 * Churn: members stop, as when they are switched off, and begin again 30 s later, elsewhere, with the
 * roster that they had. Not number 0, which invites.
 */
struct rest {
	unsigned int node;
	uint64_t until_ms;
	struct weft_roster *roster;
};

static struct rest *resting;
static size_t resting_count;
static uint64_t churn_at;

static void stop_one(struct sim *sim)
{
	unsigned int n = 1 + sim_random(sim, options.members - 1);
	struct rest *rest = &resting[resting_count];

	if (!sim->nodes[n].up)
		return;
	resting_count++;
	rest->node = n;
	rest->until_ms = sim->ms + DOWN;
	assert_int_equal(weft_roster_clone(&rest->roster, weft_node_roster(sim->nodes[n].node)), 0);
	sim_kill(sim, n);
}

static void begin_again(struct sim *sim, struct rest *rest)
{
	sim_move(sim, rest->node);
	sim_revive(sim, rest->node, rest->roster);
	report.restarts++;
	*rest = resting[--resting_count];
}

static void churn(struct sim *sim)
{
	size_t i;

	for (i = 0; i < resting_count;) {
		if (resting[i].until_ms <= sim->ms)
			begin_again(sim, &resting[i]);
		else
			i++;
	}
	for (; churn_at <= sim->ms; churn_at += SIM_MINUTE / options.churn)
		stop_one(sim);
}

static void start_churn(struct sim *sim)
{
	if (!options.churn)
		return;
	resting = calloc(options.members, sizeof(*resting));
	assert_non_null(resting);
	churn_at = sim->ms;
	sim->every_ms = 100;
	sim->every = churn;
}

static void stop_churn(struct sim *sim)
{
	sim->every = NULL;
	while (resting_count)
		begin_again(sim, &resting[0]);
	free(resting);
}

static void count_peers(const struct sim *sim)
{
	unsigned int n;
	size_t peers = 0;

	for (n = 0; n < sim->count; n++)
		peers += sim->nodes[n].peer_count;
	report.peers = 1.0 * peers / sim->count;
}

/* A node, and of how many others it is a neighbour. */
struct chosen {
	const struct sim_node *node;
	unsigned int by;
};

static int compare_keys(const void *a, const void *b)
{
	return memcmp(&((const struct chosen *)a)->node->key, &((const struct chosen *)b)->node->key,
		      sizeof(struct weft_tunnel_key));
}

static struct chosen *find_chosen(const struct sim *sim, struct chosen *all,
				  const struct weft_tunnel_key *key)
{
	const struct sim_node node = { .key = *key };
	const struct chosen wanted = { .node = &node };

	return bsearch(&wanted, all, sim->count, sizeof(*all), compare_keys);
}

/* A kernel keeps the way to neighbours open, and to nobody else. Return: an array by key, to be freed. */
static struct chosen *count_chosen(const struct sim *sim)
{
	struct chosen *all = calloc(sim->count, sizeof(*all)), *found;
	const struct sim_node *node;
	unsigned int n;
	size_t i;

	assert_non_null(all);
	for (n = 0; n < sim->count; n++)
		all[n].node = &sim->nodes[n];
	qsort(all, sim->count, sizeof(*all), compare_keys);
	for (n = 0; n < sim->count; n++) {
		node = &sim->nodes[n];
		for (i = 0; i < node->peer_count; i++) {
			found = node->peers[i].keepalive ?
				find_chosen(sim, all, &node->peers[i].key) : NULL;
			if (found)
				found->by++;
		}
	}
	return all;
}

static unsigned int most_chosen(const struct sim *sim)
{
	struct chosen *all = count_chosen(sim);
	unsigned int most = 0, n;

	for (n = 0; n < sim->count; n++)
		most = all[n].by > most ? all[n].by : most;
	free(all);
	return most;
}

/* Of those who let in any that joined. */
static unsigned int most_chosen_door(const struct sim *sim)
{
	struct chosen *all = count_chosen(sim);
	unsigned int most = 0, n, i;
	const struct weft_id *door;

	for (n = options.members; n < sim->count; n++) {
		door = &sim->nodes[n].last[WEFT_NOTICE_JOINED].member;
		for (i = 0; sim->nodes[n].member_ms && i < sim->count; i++) {
			if (all[i].node->node && all[i].by > most &&
			    weft_id_equal(weft_node_id(all[i].node->node), door))
				most = all[i].by;
		}
	}
	free(all);
	return most;
}

/* From the command on the new machine to when the last one knows it. */
static void join(struct sim *sim, const char *token)
{
	unsigned int nth = report.joined++, n;
	uint64_t begin = sim->ms;
	char name[16];

	snprintf(name, sizeof(name), "new-%u", nth);
	n = sim_join(sim, token, name);
	crowd_spread(sim, weft_node_id(sim->nodes[n].node), true, begin, LIMIT, &report.joins[nth]);
	/* it has joined when it is a member by what it has learned */
	do
		sim_run(sim, BETWEEN);
	while (!sim->nodes[n].member_ms && sim->ms < begin + LIMIT);
	if (sim->nodes[n].member_ms)
		report.door_ms[nth] = sim->nodes[n].member_ms - begin;
}

static void all_join(struct sim *sim)
{
	char *token = sim_invite(sim, 0, options.joins);

	sim_run(sim, BETWEEN);
	while (report.joined < options.joins)
		join(sim, token);
	free(token);
}

static bool burst_is_in(struct sim *sim)
{
	unsigned int n;

	for (n = sim->count - options.burst; n < sim->count; n++) {
		if (!sim->nodes[n].member_ms)
			return false;
	}
	return true;
}

/* Each with a token of its own: those that share one have one key, and wait for each other. */
static void burst(struct sim *sim)
{
	unsigned int i, first = sim->count;
	char *tokens[MAX_BURST], name[24];
	uint64_t begin, ms;

	for (i = 0; i < options.burst; i++)
		tokens[i] = sim_invite(sim, 0, 1);
	sim_run(sim, BETWEEN);
	begin = sim->ms;
	for (i = 0; i < options.burst; i++) {
		snprintf(name, sizeof(name), "burst-%u", i);
		sim_join(sim, tokens[i], name);
		free(tokens[i]);
	}
	sim_until(sim, burst_is_in, LIMIT);
	for (i = first; i < sim->count; i++) {
		ms = sim->nodes[i].member_ms;
		report.burst_joined += !!ms;
		if (ms && ms - begin > report.burst_ms)
			report.burst_ms = ms - begin;
	}
	sim_run(sim, BETWEEN);
	report.door_chosen = most_chosen_door(sim);
	report.burst_known_ms = sim_until(sim, sim_converged, LIMIT) < 0 ? -1 :
				(int64_t)(sim->ms - begin);
}

/* Halves; one revokes a member, and tells the other when they meet again. */
static void split(struct sim *sim)
{
	struct weft_id subject = *weft_node_id(sim->nodes[options.members / 3].node);
	struct weft_time now;
	unsigned int n;
	uint64_t begin;

	for (n = sim->count / 2; n < sim->count; n++)
		sim->nodes[n].group = 1;
	sim_run(sim, options.partition_s * SIM_SECOND / 2);
	now = sim_time(&sim->nodes[0]);
	assert_int_equal(weft_node_revoke(sim->nodes[0].node, &now, &subject, 0, NULL), 0);
	sim_pump(&sim->nodes[0]);
	sim_run(sim, options.partition_s * SIM_SECOND / 2);
	for (n = sim->count / 2; n < sim->count; n++)
		sim->nodes[n].group = 0;
	begin = sim->ms;
	crowd_spread(sim, &subject, false, begin, LIMIT, &report.healed);
	report.same_ms = sim_until(sim, sim_converged, LIMIT);
	if (report.same_ms >= 0)
		report.same_ms = sim->ms - begin;
}

static void simulate(void)
{
	struct sim *sim;

	if (options.unshared)
		share_pause();
	progress("records are signed");
	sim = crowd_new(options.seed, options.members,
			options.members + options.joins + options.burst);
	sim->latency_ms = options.latency_ms;
	sim->jitter_ms = options.jitter_ms;
	sim->loss = options.loss;
	progress("they find each other (300 s of simulated time)");
	sim_run(sim, SETTLE);
	start_churn(sim);
	progress("traffic is counted");
	crowd_traffic(sim, options.time_s * SIM_SECOND, &report.steady);
	count_peers(sim);
	report.chosen = most_chosen(sim);
	progress("others join");
	all_join(sim);
	report.door_chosen = most_chosen_door(sim);
	if (options.burst) {
		progress("many join at once");
		burst(sim);
	}
	if (options.churn)
		stop_churn(sim);
	if (options.partition_s) {
		progress("halves");
		split(sim);
	}
	progress("memory of one node that shares nothing");
	crowd_memory(sim, 0, &report.memory);
	crowd_free(sim);
}

static struct spread worst_join(void)
{
	struct spread worst = { .asked = UINT32_MAX };
	unsigned int i;

	for (i = 0; i < report.joined; i++) {
		const struct spread *spread = &report.joins[i];

		if (spread->knew * 1.0 / spread->asked < worst.knew * 1.0 / worst.asked || !i) {
			worst.knew = spread->knew;
			worst.asked = spread->asked;
		}
		worst.median_ms = spread->median_ms > worst.median_ms ? spread->median_ms :
									worst.median_ms;
		worst.most_ms = spread->most_ms > worst.most_ms ? spread->most_ms : worst.most_ms;
		worst.all_ms = spread->all_ms > worst.all_ms ? spread->all_ms : worst.all_ms;
	}
	return worst;
}

static int compare_spreads(const void *a, const void *b)
{
	const struct spread *x = a, *y = b;

	return (x->all_ms > y->all_ms) - (x->all_ms < y->all_ms);
}

/* Of how long it took until all knew, over the joins. */
static uint64_t median_join(void)
{
	qsort(report.joins, report.joined, sizeof(report.joins[0]), compare_spreads);
	return report.joins[(report.joined - 1) / 2].all_ms;
}

static int compare_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Until those that joined had: sorted, who never had first. */
static void sort_doors(void)
{
	qsort(report.door_ms, report.joined, sizeof(report.door_ms[0]), compare_times);
}

static uint64_t median_door(void)
{
	return report.door_ms[(report.joined - 1) / 2];
}

static uint64_t slowest_door(void)
{
	return report.door_ms[report.joined - 1];
}

static unsigned int not_joined(void)
{
	unsigned int n = 0;

	while (n < report.joined && !report.door_ms[n])
		n++;
	return n;
}

static void print_text(const struct spread *worst)
{
	printf("%u members, seed %llu, %llu to %llu ms one way, %g %% lost, %u restarts\n",
	       options.members, (unsigned long long)options.seed,
	       (unsigned long long)options.latency_ms,
	       (unsigned long long)(options.latency_ms + options.jitter_ms), options.loss / 10.0,
	       report.restarts);
	printf("a new member (of %u) is known to all after      %8.2f s (median %.2f s)\n",
	       report.joined, worst->all_ms / 1000.0, median_join() / 1000.0);
	printf("  to 99 of 100 after                            %8.2f s\n", worst->most_ms / 1000.0);
	printf("  to half of them after                         %8.2f s\n", worst->median_ms / 1000.0);
	printf("  is one itself after                           %8.2f s (median %.2f s)\n",
	       slowest_door() / 1000.0, median_door() / 1000.0);
	if (not_joined())
		printf("  %u never are\n", not_joined());
	if (options.burst)
		printf("of %u at once, %u are members after             %8.2f s, all know the same %.2f s\n",
		       options.burst, report.burst_joined, report.burst_ms / 1000.0,
		       report.burst_known_ms / 1000.0);
	printf("somebody is a neighbour of at most              %8u (who let others in: %u)\n",
	       report.chosen, report.door_chosen);
	if (worst->knew < worst->asked)
		printf("  not known to %u\n", worst->asked - worst->knew);
	printf("a node sends                                    %8.0f bytes/s (most %llu)\n",
	       report.steady.mean, (unsigned long long)report.steady.most);
	printf("peers in a kernel                               %8.1f\n", report.peers);
	printf("memory, a member a node                         %8llu bytes (at most %llu)\n",
	       (unsigned long long)report.memory.rests, (unsigned long long)report.memory.most);
	if (!options.partition_s)
		return;
	printf("halves after %llu s: a revocation is known to all %8.2f s after they meet\n",
	       (unsigned long long)options.partition_s, report.healed.all_ms / 1000.0);
	printf("  all know the same                             %8.2f s\n", report.same_ms / 1000.0);
}

static void print_json(const struct spread *worst)
{
	printf("{\"members\": %u, \"seed\": %llu, \"latency_ms\": %llu, \"jitter_ms\": %llu, "
	       "\"loss_percent\": %g, \"churn_per_minute\": %u, \"restarts\": %u,\n",
	       options.members, (unsigned long long)options.seed,
	       (unsigned long long)options.latency_ms, (unsigned long long)options.jitter_ms,
	       options.loss / 10.0, options.churn, report.restarts);
	printf(" \"joins\": %u, \"known_to_all_ms\": %llu, \"known_to_all_median_ms\": %llu, "
	       "\"known_to_99_of_100_ms\": %llu, \"known_to_half_ms\": %llu, \"joined_ms\": %llu, "
	       "\"joined_median_ms\": %llu, \"not_joined\": %u, \"neighbour_of_most\": %u, "
	       "\"door_neighbour_of_most\": %u, \"not_known_to\": %u,\n",
	       report.joined, (unsigned long long)worst->all_ms, (unsigned long long)median_join(),
	       (unsigned long long)worst->most_ms, (unsigned long long)worst->median_ms,
	       (unsigned long long)slowest_door(), (unsigned long long)median_door(),
	       not_joined(), report.chosen, report.door_chosen, worst->asked - worst->knew);
	if (options.burst)
		printf(" \"burst\": %u, \"burst_joined\": %u, \"burst_joined_ms\": %llu, "
		       "\"burst_known_ms\": %lld,\n",
		       options.burst, report.burst_joined, (unsigned long long)report.burst_ms,
		       (long long)report.burst_known_ms);
	printf(" \"counted_s\": %llu, \"bytes_per_second\": %.1f, \"bytes_per_second_median\": %llu, "
	       "\"bytes_per_second_most\": %llu, \"peers\": %.1f,\n",
	       (unsigned long long)options.time_s, report.steady.mean,
	       (unsigned long long)report.steady.median, (unsigned long long)report.steady.most,
	       report.peers);
	printf(" \"memory_per_member\": %llu, \"memory_per_member_most\": %llu",
	       (unsigned long long)report.memory.rests, (unsigned long long)report.memory.most);
	if (options.partition_s)
		printf(",\n \"partition_s\": %llu, \"revocation_known_ms\": %llu, \"healed_ms\": %lld",
		       (unsigned long long)options.partition_s,
		       (unsigned long long)report.healed.all_ms, (long long)report.same_ms);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct spread worst;

	read_options(argc, argv);
	simulate();
	worst = worst_join();
	sort_doors();
	if (options.json)
		print_json(&worst);
	else
		print_text(&worst);
	return 0;
}
