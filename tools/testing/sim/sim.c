// SPDX-License-Identifier: GPL-2.0-or-later
/* See sim.h. */
#include "sim_internal.h"

/* Steps without time passing, before it counts as going round in circles. */
#define MAX_STEPS 200000

uint64_t sim_random(struct sim *sim, uint64_t bound)
{
	/* splitmix64 */
	uint64_t z = sim->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return bound ? z % bound : z;
}

struct weft_time sim_time(const struct sim_node *node)
{
	const struct sim *sim = node->sim;

	return (struct weft_time){ sim->ms, sim->unix_s + sim->ms / 1000 + node->clock_ahead_s };
}

/* Events: a heap by time. */
static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->ms != b->ms ? a->ms < b->ms : a->sequence < b->sequence;
}

void sim_push(struct sim *sim, struct sim_event event)
{
	size_t i = sim->event_count++, parent;

	if (sim->event_count > sim->event_size) {
		sim->event_size = sim->event_size * 2 + 64;
		sim->events = realloc(sim->events, sim->event_size * sizeof(event));
		assert_non_null(sim->events);
	}
	event.sequence = sim->sequence++;
	for (; i; i = parent) {
		parent = (i - 1) / 2;
		if (!before(&event, &sim->events[parent]))
			break;
		sim->events[i] = sim->events[parent];
	}
	sim->events[i] = event;
}

static struct sim_event pop(struct sim *sim)
{
	struct sim_event first = sim->events[0], last = sim->events[--sim->event_count];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < sim->event_count; i = child) {
		if (child + 1 < sim->event_count &&
		    before(&sim->events[child + 1], &sim->events[child]))
			child++;
		if (!before(&sim->events[child], &last))
			break;
		sim->events[i] = sim->events[child];
	}
	sim->events[i] = last;
	return first;
}

void sim_drop_event(struct sim_event *event)
{
	free(event->packet);
	free(event->beacon);
}

static void save(struct sim_node *node, unsigned int what)
{
	if (what & WEFT_PERSIST_SECRETS)
		node->secrets = *weft_node_secrets(node->node);
	if (!node->sim->disks)
		return;
	if (what & WEFT_PERSIST_ROSTER) {
		free(node->roster);
		assert_int_equal(weft_roster_encode(weft_node_roster(node->node), &node->roster,
						    &node->roster_len), 0);
	}
	if (what & WEFT_PERSIST_ENDPOINTS) {
		free(node->endpoints);
		assert_int_equal(weft_node_endpoints(node->node, &node->endpoints,
						     &node->endpoints_len), 0);
	}
}

static void shout(struct sim_node *node, const struct weft_out_beacon *beacon)
{
	struct sim *sim = node->sim;
	struct sim_event event = { .type = SIM_BEACON };
	unsigned int i;

	node->beacons++;
	for (i = 0; sim->lan && i < sim->count; i++) {
		if (i == node->number)
			continue;
		event.node = i;
		event.beacon = malloc(sizeof(beacon->bytes));
		assert_non_null(event.beacon);
		memcpy(event.beacon, beacon->bytes, sizeof(beacon->bytes));
		sim_transmit(node, event);
	}
}

/* For who looks for an error: with SIM_TRACE in the environment, what is done is printed. */
static void trace(const struct sim_node *node, const struct weft_output *output)
{
	static const char *const names[] = { "?", "persist", "device", "peer", "remove", "routes",
					     "datagram", "beacon", "publish", "look up", "notice" };
	static int wanted = -1;

	if (wanted < 0)
		wanted = !!getenv("SIM_TRACE");
	if (!wanted)
		return;
	fprintf(stderr, "%8llu %3u %s", (unsigned long long)node->sim->ms, node->number,
		names[output->type]);
	if (output->type == WEFT_OUT_NOTICE)
		fprintf(stderr, " %u %s %s", output->notice.type, output->notice.name,
			output->notice.error ? weft_reason(output->notice.error) : "");
	if (output->type == WEFT_OUT_DATAGRAM)
		fprintf(stderr, " %u, %zu bytes, to %02x%02x", output->datagram.bytes[2],
			output->datagram.len, output->datagram.to[6], output->datagram.to[7]);
	if (output->type == WEFT_OUT_PEER)
		fprintf(stderr, " %02x%02x, %zu allowed, %u ways, port %u", output->peer.key.bytes[0],
			output->peer.key.bytes[1], output->peer.allowed_count,
			output->peer.candidate_count, output->peer.candidates[0].at.port);
	fprintf(stderr, "\n");
}

static void do_output(struct sim_node *node, const struct weft_output *output)
{
	const struct weft_out_datagram *datagram = &output->datagram;
	struct sim_packet *packet;

	trace(node, output);
	switch (output->type) {
	case WEFT_OUT_PERSIST:
		save(node, output->persist);
		break;
	case WEFT_OUT_DEVICE:
		sim_set_device(node, &output->device);
		break;
	case WEFT_OUT_PEER:
		sim_set_peer(node, &output->peer);
		break;
	case WEFT_OUT_PEER_REMOVE:
		sim_remove_peer(node, &output->peer_remove);
		break;
	case WEFT_OUT_ROUTES:
		free(node->routes);
		node->routes = calloc(output->routes.count + 1, sizeof(*node->routes));
		assert_non_null(node->routes);
		if (output->routes.count)
			memcpy(node->routes, output->routes.at,
			       output->routes.count * sizeof(*node->routes));
		node->route_count = output->routes.count;
		break;
	case WEFT_OUT_DATAGRAM:
		assert_true(datagram->len <= WEFT_MAX_DATAGRAM);
		/* only an address of the device may be sent from */
		assert_memory_equal(datagram->from, node->addresses[0].address, 16);
		packet = sim_new_packet(datagram->bytes, datagram->len);
		memcpy(packet->from, datagram->from, 16);
		memcpy(packet->to, datagram->to, 16);
		sim_send_packet(node, packet);
		break;
	case WEFT_OUT_BEACON:
		shout(node, &output->beacon);
		break;
	case WEFT_OUT_PUBLISH:
		node->published++;
		node->publication = output->rendezvous;
		break;
	case WEFT_OUT_LOOKUP:
		node->looked_up++;
		node->question = output->rendezvous;
		break;
	case WEFT_OUT_NOTICE:
		node->notices[output->notice.type]++;
		if (output->notice.type == WEFT_NOTICE_JOINED)
			node->member_ms = node->sim->ms;
		node->told_revoked += output->notice.type == WEFT_NOTICE_MEMBER_GONE &&
				      output->notice.error == -EKEYREVOKED;
		node->last[output->notice.type] = output->notice;
		break;
	}
}

void sim_pump(struct sim_node *node)
{
	const struct weft_output *output;
	struct weft_time now = sim_time(node);
	uint64_t wake;

	if (!node->node)
		return;
	while ((output = weft_node_output(node->node, &now)))
		do_output(node, output);
	wake = weft_node_wake(node->node);
	if (wake == UINT64_MAX || (node->wake_ms && node->wake_ms <= wake))
		return;
	if (wake < now.ms)
		wake = now.ms;
	node->wake_ms = wake ? wake : 1;
	sim_push(node->sim, (struct sim_event){ .type = SIM_WAKE, .ms = wake, .node = node->number });
}

/* Who has the address now, if it can be reached from there. The address has the node's number. */
static struct sim_node *at(struct sim *sim, const struct sim_event *event)
{
	unsigned int n = event->destination.address[2] << 8 | event->destination.address[3];
	struct sim_node *node = &sim->nodes[n];

	if (n >= sim->count || !node->up || node->group != event->group ||
	    node->at.port != event->destination.port)
		return NULL;
	return node;
}

static void got_beacon(struct sim_node *node, const struct sim_event *event)
{
	struct weft_candidate from = sim_candidate(&event->source);
	struct weft_time now = sim_time(node);

	if (!node->up || !node->node || node->group != event->group)
		return;
	/* the port that a beacon comes from is another than sessions' */
	from.at.port = 9;
	weft_node_beacon(node->node, &now, &from, event->beacon, WEFT_BEACON_BYTES);
	sim_pump(node);
}

static void wake(struct sim_node *node)
{
	struct weft_time now = sim_time(node);

	if (!node->node || !node->wake_ms || node->wake_ms > now.ms)
		return;
	node->wake_ms = 0;
	weft_node_tick(node->node, &now);
	sim_pump(node);
}

static void count_traffic(struct sim_node *node)
{
	struct weft_time now = sim_time(node);
	size_t i;

	for (i = 0; node->node && i < node->peer_count; i++)
		weft_node_traffic(node->node, &now, &node->peers[i].key, node->peers[i].rx_bytes,
				  node->peers[i].tx_bytes);
	sim_push(node->sim, (struct sim_event){ .type = SIM_COUNT_TRAFFIC, .node = node->number,
					    .ms = now.ms + 30 * SIM_SECOND });
}

static void dispatch(struct sim *sim, struct sim_event *event)
{
	struct sim_node *node = &sim->nodes[event->node];

	if (event->type == SIM_INITIATION || event->type == SIM_RESPONSE ||
	    event->type == SIM_DATA) {
		node = at(sim, event);
		if (!node)
			return;
	}
	switch (event->type) {
	case SIM_WAKE:
		wake(node);
		break;
	case SIM_INITIATION:
		sim_got_initiation(node, event);
		break;
	case SIM_RESPONSE:
		sim_got_response(node, event);
		break;
	case SIM_DATA:
		sim_got_data(node, event);
		break;
	case SIM_BEACON:
		got_beacon(node, event);
		break;
	case SIM_RETRY:
		sim_retry(node, event);
		break;
	case SIM_COUNT_TRAFFIC:
		count_traffic(node);
		break;
	}
}

static void step(struct sim *sim)
{
	struct sim_event event = pop(sim);

	sim->steps_now = event.ms == sim->ms ? sim->steps_now + 1 : 0;
	assert_true(sim->steps_now < MAX_STEPS);
	sim->ms = event.ms;
	dispatch(sim, &event);
	sim_drop_event(&event);
}

static void run_until(struct sim *sim, uint64_t end)
{
	while (sim->event_count && sim->events[0].ms <= end)
		step(sim);
	sim->ms = end;
}

void sim_run(struct sim *sim, uint64_t ms)
{
	uint64_t end = sim->ms + ms, next;

	while (sim->every) {
		next = sim->ms / sim->every_ms * sim->every_ms + sim->every_ms;
		if (next > end)
			break;
		run_until(sim, next);
		sim->every(sim);
	}
	run_until(sim, end);
}

int64_t sim_until(struct sim *sim, sim_done *done, uint64_t ms)
{
	uint64_t begin = sim->ms;

	while (!done(sim)) {
		if (sim->ms >= begin + ms)
			return -1;
		sim_run(sim, 100);
	}
	return sim->ms - begin;
}

struct sim *sim_new(uint64_t seed, unsigned int max_nodes)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	assert_non_null(sim);
	assert_true(sodium_init() >= 0);
	sim->random = seed;
	sim->ms = 1000;
	sim->unix_s = NOW;
	sim->latency_ms = 20;
	sim->jitter_ms = 20;
	sim->size = max_nodes;
	sim->nodes = calloc(max_nodes, sizeof(*sim->nodes));
	assert_non_null(sim->nodes);
	return sim;
}

void sim_free(struct sim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->count; i++) {
		weft_node_free(sim->nodes[i].node);
		sim_clear_kernel(&sim->nodes[i]);
		free(sim->nodes[i].roster);
		free(sim->nodes[i].endpoints);
	}
	while (sim->event_count) {
		struct sim_event event = pop(sim);

		sim_drop_event(&event);
	}
	free(sim->events);
	free(sim->nodes);
	free(sim);
}

static void new_address(struct sim_node *node)
{
	uint64_t number = sim_random(node->sim, 1 << 16);

	node->at = (struct weft_ip_endpoint){ .size = 4, .port = 1000 + number };
	node->at.address[0] = 198;
	node->at.address[1] = 18;
	node->at.address[2] = node->number >> 8;
	node->at.address[3] = node->number & 0xff;
}

static struct sim_node *add_node(struct sim *sim, struct weft_node_config *config)
{
	struct sim_node *node = &sim->nodes[sim->count];
	size_t i;

	assert_true(sim->count < sim->size);
	*node = (struct sim_node){ .sim = sim, .number = sim->count++, .up = true };
	new_address(node);
	*config = sim->config;
	for (i = 0; i < sizeof(config->seed); i++)
		config->seed[i] = sim_random(sim, 256);
	sim_push(sim, (struct sim_event){ .type = SIM_COUNT_TRAFFIC, .node = node->number,
				      .ms = sim->ms + 30 * SIM_SECOND });
	return node;
}

void sim_tell_endpoints(struct sim *sim, unsigned int n)
{
	struct weft_local_endpoint local = { .at = sim->nodes[n].at,
					     .kind = WEFT_LOCAL_INTERFACE };
	struct weft_time now = sim_time(&sim->nodes[n]);

	weft_node_local_endpoints(sim->nodes[n].node, &now, &local, 1);
	sim_pump(&sim->nodes[n]);
}

unsigned int sim_found(struct sim *sim)
{
	struct weft_founding founding = { .network = "home", .member = "first", .has_ipv4 = true,
					  .ipv4 = ipv4_prefix(10, 77, 0, 0, 16) };
	struct weft_node_config config;
	struct sim_node *node = add_node(sim, &config);
	struct weft_time now = sim_time(node);

	assert_int_equal(weft_node_found(&node->node, &config, &founding, &now), 0);
	sim_tell_endpoints(sim, node->number);
	return node->number;
}

unsigned int sim_join(struct sim *sim, const char *token, const char *name)
{
	struct weft_node_config config;
	struct sim_node *node = add_node(sim, &config);
	struct weft_time now = sim_time(node);

	assert_int_equal(weft_node_join(&node->node, &config, token, name, NULL, &now), 0);
	sim_tell_endpoints(sim, node->number);
	return node->number;
}

unsigned int sim_restore(struct sim *sim, const struct weft_secrets *secrets,
			 struct weft_roster *roster)
{
	struct weft_node_config config;
	struct sim_node *node = add_node(sim, &config);
	struct weft_time now = sim_time(node);

	node->secrets = *secrets;
	assert_int_equal(weft_node_restore(&node->node, &config, secrets, roster, NULL, 0, &now),
			 0);
	sim_tell_endpoints(sim, node->number);
	return node->number;
}

struct weft_invite sim_wish(const struct sim *sim, unsigned int uses)
{
	struct weft_invite wish = { .with_secret = true };

	wish.grant.uses = uses;
	wish.grant.expires = sim->unix_s + sim->ms / 1000 + DAY;
	wish.grant.has = WEFT_HAS(WEFT_KEY_USES) | WEFT_HAS(WEFT_KEY_EXPIRES);
	return wish;
}

char *sim_invite_with(struct sim *sim, unsigned int n, const struct weft_invite *wish)
{
	char *text = malloc(WEFT_TOKEN_TEXT);
	struct weft_time now = sim_time(&sim->nodes[n]);

	assert_non_null(text);
	assert_int_equal(weft_node_invite(sim->nodes[n].node, &now, wish, text), 0);
	sim_pump(&sim->nodes[n]);
	return text;
}

char *sim_invite(struct sim *sim, unsigned int n, unsigned int uses)
{
	struct weft_invite wish = sim_wish(sim, uses);

	return sim_invite_with(sim, n, &wish);
}

static bool all_joined(struct sim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->count; i++) {
		if (sim->nodes[i].up &&
		    weft_node_state(sim->nodes[i].node) != WEFT_NODE_MEMBER)
			return false;
	}
	return true;
}

struct sim *sim_network(uint64_t seed, unsigned int count, unsigned int max_nodes)
{
	struct sim *sim = sim_new(seed, max_nodes);
	char name[16], *token;
	unsigned int i;

	sim->disks = true;
	sim->config.beacons = true;
	sim_found(sim);
	sim_run(sim, 2 * SIM_SECOND);
	token = sim_invite(sim, 0, count);
	for (i = 1; i < count; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		sim_join(sim, token, name);
		assert_true(sim_until(sim, all_joined, 30 * SIM_SECOND) >= 0);
	}
	free(token);
	assert_true(sim_until(sim, sim_converged, 2 * SIM_MINUTE) >= 0);
	return sim;
}

void sim_kill(struct sim *sim, unsigned int n)
{
	struct sim_node *node = &sim->nodes[n];

	weft_node_free(node->node);
	node->node = NULL;
	node->up = false;
	node->wake_ms = 0;
	sim_clear_kernel(node);
}

static void start_with(struct sim *sim, unsigned int n, struct weft_roster *roster)
{
	struct sim_node *node = &sim->nodes[n];
	struct weft_node_config config = sim->config;
	struct weft_time now = sim_time(node);
	size_t i;

	node->up = true;
	for (i = 0; i < sizeof(config.seed); i++)
		config.seed[i] = sim_random(sim, 256);
	assert_int_equal(weft_node_restore(&node->node, &config, &node->secrets, roster,
					   node->endpoints, node->endpoints_len, &now), 0);
}

static void start_again(struct sim *sim, unsigned int n)
{
	struct sim_node *node = &sim->nodes[n];
	struct weft_roster *roster;
	size_t taken;

	assert_non_null(node->roster);
	assert_int_equal(weft_roster_new(&roster, &node->secrets.network), 0);
	assert_int_equal(weft_roster_decode(roster, node->roster, node->roster_len, &taken), 0);
	start_with(sim, n, roster);
}

void sim_revive(struct sim *sim, unsigned int n, struct weft_roster *roster)
{
	start_with(sim, n, roster);
	sim_tell_endpoints(sim, n);
}

void sim_restart(struct sim *sim, unsigned int n)
{
	start_again(sim, n);
	sim_tell_endpoints(sim, n);
}

void sim_restart_daemon(struct sim *sim, unsigned int n)
{
	struct sim_node *node = &sim->nodes[n];
	struct weft_time now = sim_time(node);
	size_t i;

	weft_node_free(node->node);
	node->node = NULL;
	node->wake_ms = 0;
	start_again(sim, n);
	for (i = 0; i < node->peer_count; i++)
		weft_node_kernel_peer(node->node, &now, &node->peers[i].key);
	sim_tell_endpoints(sim, n);
}

void sim_move(struct sim *sim, unsigned int n)
{
	new_address(&sim->nodes[n]);
	if (sim->nodes[n].node)
		sim_tell_endpoints(sim, n);
}

void sim_user_packet(struct sim *sim, unsigned int from, const uint8_t *address, size_t size)
{
	struct sim_packet *packet = sim_new_packet("user", 4);

	packet->user = true;
	memcpy(packet->from, sim->nodes[from].addresses[0].address, 16);
	memcpy(packet->to, address, size);
	packet->to_size = size;
	sim_send_packet(&sim->nodes[from], packet);
	sim_pump(&sim->nodes[from]);
}

struct sim_peer *sim_peer_of(struct sim *sim, unsigned int n, unsigned int other)
{
	return sim_find_peer(&sim->nodes[n], &sim->nodes[other].key);
}

unsigned int sim_members(struct sim *sim, unsigned int of)
{
	struct weft_roster *roster = weft_node_roster(sim->nodes[of].node);
	const struct weft_member *member;
	unsigned int i, count = 0;

	for (i = 0; i < sim->count; i++) {
		if (!sim->nodes[i].up)
			continue;
		member = weft_roster_member(roster, weft_node_id(sim->nodes[i].node));
		count += member && member->state == WEFT_MEMBER;
	}
	return count;
}

void sim_digest(struct sim *sim, unsigned int n, struct weft_id *digest)
{
	assert_int_equal(weft_roster_digest(weft_node_roster(sim->nodes[n].node), digest), 0);
}

/* Whoever is out is told nothing, so it does not count; as the first one sees it. */
static bool is_out(struct sim *sim, unsigned int reference, unsigned int n)
{
	struct weft_roster *roster = weft_node_roster(sim->nodes[reference].node);
	const struct weft_member *member;

	member = weft_roster_member(roster, weft_node_id(sim->nodes[n].node));
	return !member || member->state != WEFT_MEMBER ||
	       weft_node_state(sim->nodes[n].node) == WEFT_NODE_EXCLUDED;
}

static bool same_digests(struct sim *sim, unsigned int group, bool all)
{
	struct weft_id first, other;
	unsigned int i, reference = UINT32_MAX;

	for (i = 0; i < sim->count; i++) {
		if (!sim->nodes[i].up || (!all && sim->nodes[i].group != group))
			continue;
		if (reference == UINT32_MAX) {
			reference = i;
			sim_digest(sim, i, &first);
			continue;
		}
		if (is_out(sim, reference, i))
			continue;
		sim_digest(sim, i, &other);
		if (!weft_id_equal(&first, &other))
			return false;
	}
	return true;
}

bool sim_converged(struct sim *sim)
{
	return same_digests(sim, 0, true);
}

bool sim_converged_group(struct sim *sim, unsigned int group)
{
	return same_digests(sim, group, false);
}
