// SPDX-License-Identifier: GPL-2.0-or-later
/* In place of a kernel: peers with allowed IPs, sessions by handshake, packets that wait for one. */
#include "sim_internal.h"

#define REINITIATE 5000
#define UNANSWERED 15000
#define IP_UDP_TUNNEL (28 + 32)
#define IP6_UDP 48

struct sim_peer *sim_find_peer(struct sim_node *node, const struct weft_tunnel_key *key)
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

void sim_remove_peer(struct sim_node *node, const struct weft_tunnel_key *key)
{
	struct sim_peer *peer = sim_find_peer(node, key);

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

void sim_set_peer(struct sim_node *node, const struct weft_out_peer *out)
{
	struct sim_peer *peer = sim_find_peer(node, &out->key);
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

void sim_transmit(struct sim_node *node, struct sim_event event)
{
	struct sim *sim = node->sim;
	size_t len = event.type == SIM_DATA ? event.packet->len + IP6_UDP + IP_UDP_TUNNEL : 176;

	node->wire_bytes += len;
	if (sim_random(sim, 1000) < sim->loss) {
		sim_drop_event(&event);
		return;
	}
	event.ms = sim->ms + sim->latency_ms + sim_random(sim, sim->jitter_ms + 1);
	event.group = node->group;
	event.source = node->at;
	event.from_key = node->key;
	sim_push(sim, event);
}

static void initiate(struct sim_node *node, struct sim_peer *peer)
{
	struct sim *sim = node->sim;

	if (!peer->has_at ||
	    (peer->initiated_ms && sim->ms < peer->initiated_ms + REINITIATE))
		return;
	peer->initiated_ms = sim->ms;
	sim_transmit(node, (struct sim_event){ .type = SIM_INITIATION, .destination = peer->at.at,
					   .to_key = peer->key });
	sim_push(sim, (struct sim_event){ .type = SIM_RETRY, .ms = sim->ms + REINITIATE,
				      .node = node->number, .to_key = peer->key });
}

static void send_data(struct sim_node *node, struct sim_peer *peer, struct sim_packet *packet)
{
	peer->tx_bytes += packet->len;
	if (!peer->unanswered_ms)
		peer->unanswered_ms = node->sim->ms;
	sim_transmit(node, (struct sim_event){ .type = SIM_DATA, .destination = peer->at.at,
					   .to_key = peer->key, .session = peer->session,
					   .packet = packet });
}

void sim_send_packet(struct sim_node *node, struct sim_packet *packet)
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

struct sim_packet *sim_new_packet(const void *bytes, size_t len)
{
	struct sim_packet *packet = calloc(1, sizeof(*packet) + len);

	assert_non_null(packet);
	packet->len = len;
	packet->to_size = 16;
	if (len)
		memcpy(packet->bytes, bytes, len);
	return packet;
}

void sim_set_device(struct sim_node *node, const struct weft_out_device *device)
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

static void flush(struct sim_node *node, struct sim_peer *peer)
{
	unsigned int i;

	for (i = 0; i < peer->held_count; i++)
		send_data(node, peer, peer->held[i]);
	peer->held_count = 0;
}

struct weft_candidate sim_candidate(const struct weft_ip_endpoint *endpoint)
{
	return (struct weft_candidate){ .at = *endpoint };
}

void sim_got_initiation(struct sim_node *node, const struct sim_event *event)
{
	struct weft_candidate from = sim_candidate(&event->source);
	struct sim_peer *peer = sim_find_peer(node, &event->from_key);
	struct weft_time now = sim_time(node);

	if (memcmp(&event->to_key, &node->key, sizeof(node->key)))
		return;
	if (!peer && node->node) {
		weft_node_unknown_peer(node->node, &now, &event->from_key, &from);
		sim_pump(node);
		peer = sim_find_peer(node, &event->from_key);
	}
	if (!peer)
		return;
	peer->previous = peer->session;
	peer->session = ++node->sim->sessions;
	peer->at = from;
	peer->has_at = true;
	peer->unanswered_ms = 0;
	sim_transmit(node, (struct sim_event){ .type = SIM_RESPONSE, .destination = event->source,
					   .to_key = event->from_key, .session = peer->session });
	flush(node, peer);
	if (!node->node)
		return;
	weft_node_session_new(node->node, &now, &event->from_key, &from);
	sim_pump(node);
}

void sim_got_response(struct sim_node *node, const struct sim_event *event)
{
	struct weft_candidate from = sim_candidate(&event->source);
	struct sim_peer *peer = sim_find_peer(node, &event->from_key);
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

void sim_got_data(struct sim_node *node, struct sim_event *event)
{
	struct sim_peer *peer = sim_find_peer(node, &event->from_key);
	struct weft_candidate from = sim_candidate(&event->source);
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

void sim_retry(struct sim_node *node, const struct sim_event *event)
{
	struct sim_peer *peer = sim_find_peer(node, &event->to_key);

	if (peer && peer->initiated_ms && (!peer->session || peer->unanswered_ms))
		initiate(node, peer);
}

void sim_clear_kernel(struct sim_node *node)
{
	while (node->peer_count)
		sim_remove_peer(node, &node->peers[0].key);
	free(node->peers);
	node->peers = NULL;
	node->peer_size = 0;
	free(node->routes);
	node->routes = NULL;
	node->route_count = 0;
	memset(&node->key, 0, sizeof(node->key));
}
