// SPDX-License-Identifier: GPL-2.0-or-later
/* What a node wants done, in the order in which it must be. */
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

/* Datagrams that wait to be taken out; the rest is lost, as it might be in the network. */
#define MAX_QUEUED 1024

void weft_queue_init(struct weft_queue *queue)
{
	*queue = (struct weft_queue){ .end = &queue->first };
}

static void enqueue(struct weft_node *node, struct weft_queue *queue, const uint8_t from[16],
		    const uint8_t to[16], const struct weft_message *message)
{
	uint8_t bytes[WEFT_MAX_DATAGRAM];
	size_t len = weft_message_encode(bytes, message);
	struct weft_queued *queued = NULL;

	if (len && queue->count < MAX_QUEUED)
		queued = malloc(sizeof(*queued) + len);
	if (!queued) {
		node->stats.drops[WEFT_DROP_QUEUE]++;
		return;
	}
	queued->next = NULL;
	memcpy(queued->from, from, sizeof(queued->from));
	memcpy(queued->to, to, sizeof(queued->to));
	queued->len = len;
	memcpy(queued->bytes, bytes, len);
	*queue->end = queued;
	queue->end = &queued->next;
	queue->count++;
	node->stats.sent++;
	node->stats.sent_bytes += len;
}

void weft_send_from(struct weft_node *node, const uint8_t from[16], const uint8_t to[16],
		    const struct weft_message *message)
{
	enqueue(node, &node->queue, from, to, message);
}

/* To be sent before the kernel loses any peer. */
void weft_send_parting(struct weft_node *node, const uint8_t to[16],
		       const struct weft_message *message)
{
	enqueue(node, &node->partings, node->address, to, message);
}

void weft_send(struct weft_node *node, const uint8_t to[16], const struct weft_message *message)
{
	weft_send_from(node, node->address, to, message);
}

static void clear(struct weft_queue *queue)
{
	struct weft_queued *queued;

	while ((queued = queue->first)) {
		queue->first = queued->next;
		free(queued);
	}
	weft_queue_init(queue);
}

void weft_queue_clear(struct weft_node *node)
{
	free(node->sent);
	node->sent = NULL;
	clear(&node->queue);
	clear(&node->partings);
}

/* NULL: there is no room, which is told too. */
struct weft_notice *weft_notify(struct weft_node *node, enum weft_notice_type type,
				const struct weft_id *member, int error)
{
	const struct weft_member *known = weft_roster_member(node->roster, member);
	struct weft_notice *notice;
	unsigned int n = (node->notice_first + node->notice_count) % WEFT_MAX_NOTICES;

	if (node->notice_count == WEFT_MAX_NOTICES) {
		n = (n + WEFT_MAX_NOTICES - 1) % WEFT_MAX_NOTICES;
		node->notices[n] = (struct weft_notice){ .type = WEFT_NOTICE_LOST };
		return NULL;
	}
	node->notice_count++;
	notice = &node->notices[n];
	*notice = (struct weft_notice){ .type = type, .member = *member, .error = error };
	if (known)
		memcpy(notice->name, known->name, sizeof(notice->name));
	return notice;
}

/* Secrets first, and at once: what else is done may rest on them. */
static bool put_persist(struct weft_node *node, const struct weft_time *now,
			struct weft_output *output)
{
	if (node->roster_at && now->ms >= node->roster_at)
		node->persist |= WEFT_PERSIST_ROSTER;
	if (node->endpoints_at && now->ms >= node->endpoints_at)
		node->persist |= WEFT_PERSIST_ENDPOINTS;
	if (!node->persist)
		return false;
	if (node->persist & WEFT_PERSIST_ROSTER)
		node->roster_at = 0;
	if (node->persist & WEFT_PERSIST_ENDPOINTS)
		node->endpoints_at = 0;
	output->type = WEFT_OUT_PERSIST;
	output->persist = node->persist;
	node->persist = 0;
	return true;
}

static void add_address(struct weft_out_device *device, const uint8_t *address,
			unsigned int size, unsigned int length)
{
	struct weft_prefix *prefix = &device->addresses[device->count++];

	*prefix = (struct weft_prefix){ .size = size, .length = length };
	memcpy(prefix->address, address, size);
}

/* The IPv4 address and its prefix, as the device is to have them: five bytes. */
static bool own_ipv4(const struct weft_node *node, uint8_t address[5])
{
	const struct weft_record *settings = weft_roster_settings(node->roster);
	const struct weft_member *self = weft_node_self(node);
	struct weft_fields fields;

	if (!self || !self->has_ipv4 || !settings)
		return false;
	weft_record_fields(settings, &fields);
	memcpy(address, self->ipv4, 4);
	address[4] = fields.ipv4_prefix.length;
	return true;
}

/* Whether the device was told another IPv4 address than it is to have now. */
bool weft_device_changed(struct weft_node *node)
{
	uint8_t address[5] = { 0 };
	bool has = own_ipv4(node, address);

	return has != node->told_ipv4 || memcmp(address, node->told_address, sizeof(address));
}

static bool put_device(struct weft_node *node, const struct weft_time *now,
		       struct weft_output *output)
{
	struct weft_out_device *device = &output->device;

	if (node->device_at && now->ms >= node->device_at) {
		node->device_at = 0;
		node->device_dirty = true;
	}
	/* a key that is announced but not used yet waits, and other changes with it */
	if (!node->device_dirty || node->device_at)
		return false;
	node->device_dirty = false;
	output->type = WEFT_OUT_DEVICE;
	*device = (struct weft_out_device){ .count = 0 };
	if (weft_join_as_guest(node)) {
		device->private_key = node->joining->keys.tunnel.private_key;
		add_address(device, node->joining->address, 16, 48);
		return true;
	}
	device->private_key = node->tunnel.private_key;
	add_address(device, node->address, 16, 48);
	memset(node->told_address, 0, sizeof(node->told_address));
	node->told_ipv4 = own_ipv4(node, node->told_address);
	if (node->told_ipv4)
		add_address(device, node->told_address, 4, node->told_address[4]);
	return true;
}

static bool put_routes(struct weft_node *node, struct weft_output *output)
{
	size_t i;

	if (!node->routes_dirty)
		return false;
	node->routes_dirty = false;
	node->scratch.count = 0;
	for (i = 0; i < node->routes.count; i++) {
		if (!weft_list_room(&node->scratch))
			return false;
		node->scratch.at[node->scratch.count++] = node->routes.at[i].prefix;
	}
	output->type = WEFT_OUT_ROUTES;
	output->routes = (struct weft_out_routes){ node->scratch.at, node->scratch.count };
	return true;
}

static bool put_datagram(struct weft_node *node, struct weft_queue *queue,
			 struct weft_output *output)
{
	struct weft_queued *queued = queue->first;

	if (!queued)
		return false;
	queue->first = queued->next;
	if (!queue->first)
		queue->end = &queue->first;
	queue->count--;
	node->sent = queued;
	output->type = WEFT_OUT_DATAGRAM;
	memcpy(output->datagram.from, queued->from, sizeof(queued->from));
	memcpy(output->datagram.to, queued->to, sizeof(queued->to));
	output->datagram.bytes = queued->bytes;
	output->datagram.len = queued->len;
	return true;
}

static bool put_beacon(struct weft_node *node, struct weft_output *output)
{
	if (!node->send_beacon)
		return false;
	node->send_beacon = false;
	output->type = WEFT_OUT_BEACON;
	return weft_beacon_make(node, &output->beacon);
}

static bool put_notice(struct weft_node *node, struct weft_output *output)
{
	if (!node->notice_count)
		return false;
	output->type = WEFT_OUT_NOTICE;
	output->notice = node->notices[node->notice_first];
	node->notice_first = (node->notice_first + 1) % WEFT_MAX_NOTICES;
	node->notice_count--;
	return true;
}

/*
 * State to disk before it is acted upon; what is said at parting before that peer is taken out; the
 * device before peers, peers before what is sent to them.
 */
const struct weft_output *weft_node_output(struct weft_node *node, const struct weft_time *now)
{
	struct weft_output *output = &node->output;

	free(node->sent);
	node->sent = NULL;
	if (!node->ran)
		weft_node_run(node, now);
	memset(output, 0, sizeof(*output));
	if (put_persist(node, now, output) || put_datagram(node, &node->partings, output) ||
	    put_device(node, now, output) || weft_guest_output(node, output) ||
	    weft_peer_output(node, output) || put_routes(node, output) ||
	    put_datagram(node, &node->queue, output) || put_beacon(node, output) ||
	    weft_rendezvous_output(node, now, output) || put_notice(node, output))
		return output;
	node->wake = weft_node_due(node, now);
	return NULL;
}
