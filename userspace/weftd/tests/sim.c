// SPDX-License-Identifier: GPL-2.0-or-later
/* See sim.h. */
#include "sim.h"

#define REINITIATE 5000
#define UNANSWERED 15000
/* Steps without time passing, before it counts as going round in circles. */
#define MAX_STEPS 200000
#define IP_UDP_TUNNEL (28 + 32)
#define IP6_UDP 48

struct sim_packet {
	uint8_t from[16];
	uint8_t to[16];
	size_t to_size;
	bool user;
	size_t len;
	uint8_t bytes[];
};

enum sim_event_type {
	SIM_WAKE,
	SIM_INITIATION,
	SIM_RESPONSE,
	SIM_DATA,
	SIM_BEACON,
	SIM_RETRY,
	SIM_COUNT_TRAFFIC,
};

struct sim_event {
	uint64_t ms;
	uint64_t sequence;
	enum sim_event_type type;
	unsigned int node;
	unsigned int group;
	/* on the wire */
	struct weft_ip_endpoint source, destination;
	struct weft_tunnel_key from_key, to_key;
	uint64_t session;
	struct sim_packet *packet;
	uint8_t *beacon;
};

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

static void push(struct sim *sim, struct sim_event event)
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

static void drop_event(struct sim_event *event)
{
	free(event->packet);
	free(event->beacon);
}

/* The kernel. */
static struct sim_peer *find_peer(struct sim_node *node, const struct weft_tunnel_key *key)
{
	size_t i;

	for (i = 0; i < node->peer_count; i++) {
		if (!memcmp(&node->peers[i].key, key, sizeof(*key)))
			return &node->peers[i];
	}
	return NULL;
}

static void forget_held(struct sim_peer *peer)
{
	while (peer->held_count)
		free(peer->held[--peer->held_count]);
}

static void remove_peer(struct sim_node *node, const struct weft_tunnel_key *key)
{
	struct sim_peer *peer = find_peer(node, key);

	if (!peer)
		return;
	forget_held(peer);
	free(peer->allowed);
	*peer = node->peers[--node->peer_count];
}

static bool covers(const struct weft_prefix *prefix, const uint8_t *address, size_t size)
{
	struct weft_prefix host = { .size = size, .length = 8 * size };

	memcpy(host.address, address, size);
	return weft_prefix_covers(prefix, &host);
}

/* The peer that has the longest prefix of an address. */
static struct sim_peer *route(struct sim_node *node, const uint8_t *address, size_t size)
{
	struct sim_peer *best = NULL;
	int length = -1;
	size_t i, n;

	for (i = 0; i < node->peer_count; i++) {
		for (n = 0; n < node->peers[i].allowed_count; n++) {
			if (!covers(&node->peers[i].allowed[n], address, size) ||
			    node->peers[i].allowed[n].length <= length)
				continue;
			length = node->peers[i].allowed[n].length;
			best = &node->peers[i];
		}
	}
	return best;
}

/* What another peer had of these moves to the new one, as in the kernel. */
static void take_away(struct sim_node *node, const struct sim_peer *from,
		      const struct weft_prefix *prefix)
{
	struct sim_peer *peer;
	size_t i, n;

	for (i = 0; i < node->peer_count; i++) {
		peer = &node->peers[i];
		for (n = 0; peer != from && n < peer->allowed_count; n++) {
			if (!weft_prefix_compare(&peer->allowed[n], prefix))
				peer->allowed[n--] = peer->allowed[--peer->allowed_count];
		}
	}
}

static void set_peer(struct sim_node *node, const struct weft_out_peer *out)
{
	struct sim_peer *peer = find_peer(node, &out->key);
	size_t i;

	if (!peer) {
		if (node->peer_count == node->peer_size) {
			node->peer_size = node->peer_size * 2 + 8;
			node->peers = realloc(node->peers, node->peer_size * sizeof(*peer));
			assert_non_null(node->peers);
		}
		peer = &node->peers[node->peer_count++];
		*peer = (struct sim_peer){ .key = out->key };
	}
	free(peer->allowed);
	peer->allowed = calloc(out->allowed_count + 1, sizeof(*peer->allowed));
	assert_non_null(peer->allowed);
	peer->allowed_count = out->allowed_count;
	for (i = 0; i < out->allowed_count; i++) {
		assert_true(weft_prefix_valid(&out->allowed[i]));
		peer->allowed[i] = out->allowed[i];
		take_away(node, peer, &out->allowed[i]);
	}
	peer->keepalive = out->keepalive;
	if (out->candidate_count) {
		peer->has_at = true;
		peer->at = out->candidates[0];
	}
}

static void transmit(struct sim_node *node, struct sim_event event)
{
	struct sim *sim = node->sim;
	size_t len = event.type == SIM_DATA ? event.packet->len + IP6_UDP + IP_UDP_TUNNEL : 176;

	node->wire_bytes += len;
	if (sim_random(sim, 1000) < sim->loss) {
		drop_event(&event);
		return;
	}
	event.ms = sim->ms + sim->latency_ms + sim_random(sim, sim->jitter_ms + 1);
	event.group = node->group;
	event.source = node->at;
	event.from_key = node->key;
	push(sim, event);
}

static void initiate(struct sim_node *node, struct sim_peer *peer)
{
	struct sim *sim = node->sim;

	if (!peer->has_at ||
	    (peer->initiated_ms && sim->ms < peer->initiated_ms + REINITIATE))
		return;
	peer->initiated_ms = sim->ms;
	transmit(node, (struct sim_event){ .type = SIM_INITIATION, .destination = peer->at.at,
					   .to_key = peer->key });
	push(sim, (struct sim_event){ .type = SIM_RETRY, .ms = sim->ms + REINITIATE,
				      .node = node->number, .to_key = peer->key });
}

static void send_data(struct sim_node *node, struct sim_peer *peer, struct sim_packet *packet)
{
	peer->tx_bytes += packet->len;
	if (!peer->unanswered_ms)
		peer->unanswered_ms = node->sim->ms;
	transmit(node, (struct sim_event){ .type = SIM_DATA, .destination = peer->at.at,
					   .to_key = peer->key, .session = peer->session,
					   .packet = packet });
}

static void send_packet(struct sim_node *node, struct sim_packet *packet)
{
	struct sim_peer *peer = route(node, packet->to, packet->to_size);
	struct weft_time now = sim_time(node);

	if (!peer && packet->user) {
		weft_node_unknown_destination(node->node, &now, packet->to, packet->to_size);
		sim_pump(node);
		peer = route(node, packet->to, packet->to_size);
	}
	if (!peer) {
		free(packet);
		return;
	}
	if (peer->unanswered_ms && now.ms >= peer->unanswered_ms + UNANSWERED)
		initiate(node, peer);
	if (peer->session) {
		send_data(node, peer, packet);
		return;
	}
	if (peer->held_count == SIM_MAX_HELD) {
		free(peer->held[0]);
		memmove(peer->held, peer->held + 1, sizeof(peer->held) - sizeof(peer->held[0]));
		peer->held_count--;
	}
	peer->held[peer->held_count++] = packet;
	initiate(node, peer);
}

static struct sim_packet *new_packet(const void *bytes, size_t len)
{
	struct sim_packet *packet = calloc(1, sizeof(*packet) + len);

	assert_non_null(packet);
	packet->len = len;
	packet->to_size = 16;
	if (len)
		memcpy(packet->bytes, bytes, len);
	return packet;
}

static void set_device(struct sim_node *node, const struct weft_out_device *device)
{
	uint8_t public_key[32];
	size_t i;

	assert_int_equal(crypto_scalarmult_base(public_key, device->private_key.bytes), 0);
	memcpy(node->addresses, device->addresses, sizeof(node->addresses));
	node->address_count = device->count;
	if (!memcmp(node->key.bytes, public_key, sizeof(public_key)))
		return;
	memcpy(node->key.bytes, public_key, sizeof(public_key));
	for (i = 0; i < node->peer_count; i++) {
		node->peers[i].session = 0;
		node->peers[i].previous = 0;
		node->peers[i].initiated_ms = 0;
	}
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
		transmit(node, event);
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
		set_device(node, &output->device);
		break;
	case WEFT_OUT_PEER:
		set_peer(node, &output->peer);
		break;
	case WEFT_OUT_PEER_REMOVE:
		remove_peer(node, &output->peer_remove);
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
		packet = new_packet(datagram->bytes, datagram->len);
		memcpy(packet->from, datagram->from, 16);
		memcpy(packet->to, datagram->to, 16);
		send_packet(node, packet);
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
	push(node->sim, (struct sim_event){ .type = SIM_WAKE, .ms = wake, .node = node->number });
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

static void flush(struct sim_node *node, struct sim_peer *peer)
{
	unsigned int i;

	for (i = 0; i < peer->held_count; i++)
		send_data(node, peer, peer->held[i]);
	peer->held_count = 0;
}

static struct weft_candidate candidate(const struct weft_ip_endpoint *endpoint)
{
	return (struct weft_candidate){ .at = *endpoint };
}

static void got_initiation(struct sim_node *node, const struct sim_event *event)
{
	struct weft_candidate from = candidate(&event->source);
	struct sim_peer *peer = find_peer(node, &event->from_key);
	struct weft_time now = sim_time(node);

	if (memcmp(&event->to_key, &node->key, sizeof(node->key)))
		return;
	if (!peer && node->node) {
		weft_node_unknown_peer(node->node, &now, &event->from_key, &from);
		sim_pump(node);
		peer = find_peer(node, &event->from_key);
	}
	if (!peer)
		return;
	peer->previous = peer->session;
	peer->session = ++node->sim->sessions;
	peer->at = from;
	peer->has_at = true;
	peer->unanswered_ms = 0;
	transmit(node, (struct sim_event){ .type = SIM_RESPONSE, .destination = event->source,
					   .to_key = event->from_key, .session = peer->session });
	flush(node, peer);
	if (!node->node)
		return;
	weft_node_session_new(node->node, &now, &event->from_key, &from);
	sim_pump(node);
}

static void got_response(struct sim_node *node, const struct sim_event *event)
{
	struct weft_candidate from = candidate(&event->source);
	struct sim_peer *peer = find_peer(node, &event->from_key);
	struct weft_time now = sim_time(node);

	if (!peer || memcmp(&event->to_key, &node->key, sizeof(node->key)) || !peer->initiated_ms)
		return;
	peer->previous = peer->session;
	peer->session = event->session;
	peer->at = from;
	peer->initiated_ms = 0;
	peer->unanswered_ms = 0;
	flush(node, peer);
	if (!node->node)
		return;
	weft_node_session_new(node->node, &now, &event->from_key, &from);
	sim_pump(node);
}

static bool is_own(const struct sim_node *node, const struct sim_packet *packet)
{
	unsigned int i;

	for (i = 0; i < node->address_count; i++) {
		if (node->addresses[i].size == packet->to_size &&
		    !memcmp(node->addresses[i].address, packet->to, packet->to_size))
			return true;
	}
	return false;
}

static void deliver(struct sim_node *node, const struct sim_packet *packet)
{
	struct weft_time now = sim_time(node);

	if (packet->user) {
		node->user_packets++;
		return;
	}
	if (!node->node || !is_own(node, packet))
		return;
	weft_node_datagram(node->node, &now, packet->from, packet->bytes, packet->len);
	sim_pump(node);
}

static void got_data(struct sim_node *node, struct sim_event *event)
{
	struct sim_peer *peer = find_peer(node, &event->from_key);
	struct weft_candidate from = candidate(&event->source);
	struct weft_time now = sim_time(node);

	if (!peer || !event->session ||
	    (peer->session != event->session && peer->previous != event->session) ||
	    memcmp(&event->to_key, &node->key, sizeof(node->key)) ||
	    route(node, event->packet->from, 16) != peer)
		return;
	peer->rx_bytes += event->packet->len;
	peer->unanswered_ms = 0;
	if (memcmp(&peer->at, &from, sizeof(from)) && node->node) {
		peer->at = from;
		weft_node_path_changed(node->node, &now, &event->from_key, &from);
		sim_pump(node);
	}
	deliver(node, event->packet);
}

static void retry(struct sim_node *node, const struct sim_event *event)
{
	struct sim_peer *peer = find_peer(node, &event->to_key);

	if (peer && peer->initiated_ms && (!peer->session || peer->unanswered_ms))
		initiate(node, peer);
}

static void got_beacon(struct sim_node *node, const struct sim_event *event)
{
	struct weft_candidate from = candidate(&event->source);
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
	push(node->sim, (struct sim_event){ .type = SIM_COUNT_TRAFFIC, .node = node->number,
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
		got_initiation(node, event);
		break;
	case SIM_RESPONSE:
		got_response(node, event);
		break;
	case SIM_DATA:
		got_data(node, event);
		break;
	case SIM_BEACON:
		got_beacon(node, event);
		break;
	case SIM_RETRY:
		retry(node, event);
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
	drop_event(&event);
}

void sim_run(struct sim *sim, uint64_t ms)
{
	uint64_t end = sim->ms + ms;

	while (sim->event_count && sim->events[0].ms <= end)
		step(sim);
	sim->ms = end;
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

static void clear_kernel(struct sim_node *node)
{
	while (node->peer_count)
		remove_peer(node, &node->peers[0].key);
	free(node->peers);
	node->peers = NULL;
	node->peer_size = 0;
	free(node->routes);
	node->routes = NULL;
	node->route_count = 0;
	memset(&node->key, 0, sizeof(node->key));
}

void sim_free(struct sim *sim)
{
	unsigned int i;

	for (i = 0; i < sim->count; i++) {
		weft_node_free(sim->nodes[i].node);
		clear_kernel(&sim->nodes[i]);
		free(sim->nodes[i].roster);
		free(sim->nodes[i].endpoints);
	}
	while (sim->event_count) {
		struct sim_event event = pop(sim);

		drop_event(&event);
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
	push(sim, (struct sim_event){ .type = SIM_COUNT_TRAFFIC, .node = node->number,
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
	clear_kernel(node);
}

static void start_again(struct sim *sim, unsigned int n)
{
	struct sim_node *node = &sim->nodes[n];
	struct weft_node_config config = sim->config;
	struct weft_time now = sim_time(node);
	struct weft_roster *roster;
	size_t taken, i;

	node->up = true;
	for (i = 0; i < sizeof(config.seed); i++)
		config.seed[i] = sim_random(sim, 256);
	assert_non_null(node->roster);
	assert_int_equal(weft_roster_new(&roster, &node->secrets.network), 0);
	assert_int_equal(weft_roster_decode(roster, node->roster, node->roster_len, &taken), 0);
	assert_int_equal(weft_node_restore(&node->node, &config, &node->secrets, roster,
					   node->endpoints, node->endpoints_len, &now), 0);
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
	struct sim_packet *packet = new_packet("user", 4);

	packet->user = true;
	memcpy(packet->from, sim->nodes[from].addresses[0].address, 16);
	memcpy(packet->to, address, size);
	packet->to_size = size;
	send_packet(&sim->nodes[from], packet);
	sim_pump(&sim->nodes[from]);
}

struct sim_peer *sim_peer_of(struct sim *sim, unsigned int n, unsigned int other)
{
	return find_peer(&sim->nodes[n], &sim->nodes[other].key);
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
