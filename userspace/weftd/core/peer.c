// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel is to know of a peer. */
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

#define KEEPALIVE 25

static struct weft_prefix host(const uint8_t *address, unsigned int size)
{
	struct weft_prefix prefix = { .size = size, .length = 8 * size };

	memcpy(prefix.address, address, size);
	return prefix;
}

static void allow(struct weft_node *node, const struct weft_prefix *prefix)
{
	if (weft_list_room(&node->scratch))
		node->scratch.at[node->scratch.count++] = *prefix;
}

static void allow_addresses(struct weft_node *node, const struct weft_member *member)
{
	struct weft_prefix prefix = host(member->address, 16);

	allow(node, &prefix);
	if (!member->has_ipv4)
		return;
	prefix = host(member->ipv4, 4);
	allow(node, &prefix);
}

/* Those that are reached through this member. */
static void allow_behind(struct weft_node *node, const struct weft_id *via)
{
	const struct weft_member *members;
	struct weft_fields grant;
	size_t count, i;

	members = weft_roster_members(node->roster, &count);
	for (i = 0; i < count; i++) {
		if (!members[i].is_static || members[i].state != WEFT_MEMBER)
			continue;
		weft_member_grant(&members[i], &grant);
		if (weft_id_equal(&grant.via, via))
			allow_addresses(node, &members[i]);
	}
}

static void allow_routes(struct weft_node *node, const struct weft_id *router)
{
	size_t i;

	for (i = 0; i < node->routes.count; i++) {
		if (weft_id_equal(&node->routes.at[i].router, router))
			allow(node, &node->routes.at[i].prefix);
	}
}

static int compare_prefixes(const void *a, const void *b)
{
	return weft_prefix_compare(a, b);
}

static void find_allowed(struct weft_node *node, const struct weft_contact *contact)
{
	const struct weft_member *member = weft_roster_member(node->roster, &contact->id);
	struct weft_prefix prefix = host(contact->address, 16);

	node->scratch.count = 0;
	if (weft_reachable(node, member)) {
		allow_addresses(node, member);
		allow_behind(node, &contact->id);
		allow_routes(node, &contact->id);
	} else {
		/* a token's hint: only to talk to it */
		allow(node, &prefix);
	}
	qsort(node->scratch.at, node->scratch.count, sizeof(*node->scratch.at), compare_prefixes);
}

/* Never a way to a peer: through a tunnel, or what is our own. */
static bool is_own(const struct weft_node *node, const struct weft_ip_endpoint *at)
{
	struct weft_prefix overlay, address = host(at->address, at->size);
	size_t i;

	weft_network_prefix(&overlay, weft_roster_network(node->roster));
	if (weft_prefix_covers(&overlay, &address))
		return true;
	for (i = 0; i < node->local.count; i++) {
		if (weft_endpoint_equal(&node->local.at[i].at, at))
			return true;
	}
	return false;
}

struct ways {
	struct weft_candidate at[WEFT_NODE_CANDIDATES];
	unsigned int count;
};

static void add_way(const struct weft_node *node, struct ways *ways,
		    const struct weft_candidate *way)
{
	unsigned int i;

	if (ways->count == WEFT_NODE_CANDIDATES || is_own(node, &way->at))
		return;
	for (i = 0; i < ways->count; i++) {
		if (weft_endpoint_equal(&ways->at[i].at, &way->at))
			return;
	}
	ways->at[ways->count++] = *way;
}

static void add_ways(const struct weft_node *node, struct ways *ways,
		     const struct weft_endpoints *endpoints)
{
	struct weft_candidate way = { .ifindex = 0 };
	unsigned int i;

	for (i = 0; i < endpoints->count; i++) {
		way.at = endpoints->at[i];
		add_way(node, ways, &way);
	}
}

/*
 * The likeliest first: on this network; where a rendezvous says it is; where it last was; where it said,
 * and others say, it is. There is a hit only where nobody answers, so all that is older has failed, and
 * the kernel is told no more than WEFT_NODE_CANDIDATES.
 */
static void find_ways(const struct weft_node *node, const struct weft_contact *contact,
		      struct ways *ways)
{
	const struct weft_member *member = weft_roster_member(node->roster, &contact->id);
	const struct weft_hint *hint = weft_join_hint(node, &contact->id);
	struct weft_fields fields;

	ways->count = 0;
	if (contact->has_near)
		add_way(node, ways, &contact->near);
	if (contact->published)
		add_ways(node, ways, contact->published);
	if (contact->has_at)
		add_way(node, ways, &contact->at);
	if (member && member->announcement && weft_reachable(node, member)) {
		weft_record_fields(member->announcement, &fields);
		add_ways(node, ways, &fields.endpoints);
	}
	if (hint)
		add_ways(node, ways, &hint->endpoints);
}

/* Beginning with the one whose turn it is. */
static void put_ways(struct weft_out_peer *peer, const struct ways *ways, unsigned int turn)
{
	unsigned int i;

	for (i = 0; i < ways->count; i++)
		peer->candidates[i] = ways->at[(turn + i) % ways->count];
	peer->candidate_count = ways->count;
}

static void digest_state(uint8_t digest[16], const struct weft_out_peer *peer)
{
	weft_hash(digest, 16, "weft/1/told",
		  (struct weft_part){ peer->allowed, peer->allowed_count * sizeof(*peer->allowed) },
		  (struct weft_part){ &peer->keepalive, sizeof(peer->keepalive) });
}

static void digest_ways(uint8_t digest[16], const struct weft_out_peer *peer)
{
	uint8_t flat[WEFT_NODE_CANDIDATES][24] = { { 0 } };
	const struct weft_candidate *way;
	unsigned int i;

	for (i = 0; i < peer->candidate_count; i++) {
		way = &peer->candidates[i];
		flat[i][0] = way->at.size;
		memcpy(flat[i] + 1, way->at.address, 16);
		memcpy(flat[i] + 17, &way->at.port, 2);
		memcpy(flat[i] + 19, &way->ifindex, 4);
	}
	weft_hash(digest, 16, "weft/1/ways", (struct weft_part){ flat, sizeof(flat) },
		  (struct weft_part){ 0 });
}

/* Whether the kernel has to be told something of @contact; that is in @output then. */
static bool tell(struct weft_node *node, struct weft_contact *contact, struct weft_output *output)
{
	struct weft_out_peer *peer = &output->peer;
	uint8_t state[16], told_ways[16];
	struct ways ways;
	bool news;

	output->type = WEFT_OUT_PEER;
	memset(peer, 0, sizeof(*peer));
	peer->key = contact->key;
	peer->keepalive = contact->wanted & WEFT_WANTED_NEIGHBOUR ? KEEPALIVE : 0;
	find_allowed(node, contact);
	peer->allowed = node->scratch.at;
	peer->allowed_count = node->scratch.count;
	find_ways(node, contact, &ways);
	put_ways(peer, &ways, contact->turn);
	digest_state(state, peer);
	digest_ways(told_ways, peer);
	news = !contact->programmed || memcmp(state, contact->told, sizeof(state)) ||
	       (!contact->session && memcmp(told_ways, contact->told_ways, sizeof(told_ways)));
	if (contact->session)
		peer->candidate_count = 0;
	else
		memcpy(contact->told_ways, told_ways, sizeof(told_ways));
	memcpy(contact->told, state, sizeof(state));
	contact->programmed = true;
	contact->programmed_key = contact->key;
	return news;
}

static void remove_peer(struct weft_output *output, struct weft_contact *contact)
{
	output->type = WEFT_OUT_PEER_REMOVE;
	output->peer_remove = contact->programmed_key;
	contact->programmed = false;
}

/* Another, who is about to take a new key, still has the one that this one claims. */
static bool is_key_taken(const struct weft_node *node, const struct weft_contact *contact)
{
	const struct weft_contact *other;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		other = node->contacts.at[i];
		if (other != contact && other->doubt_ms && other->programmed &&
		    !memcmp(&other->programmed_key, &contact->key, sizeof(contact->key)))
			return true;
	}
	return false;
}

static bool tell_contact(struct weft_node *node, struct weft_contact *contact,
			 struct weft_output *output)
{
	if (!contact->dirty)
		return false;
	if (contact->programmed &&
	    (!contact->wanted ||
	     memcmp(&contact->key, &contact->programmed_key, sizeof(contact->key)))) {
		remove_peer(output, contact);
		return true;
	}
	contact->dirty = false;
	return contact->wanted && !is_key_taken(node, contact) && tell(node, contact, output);
}

/* The next change of the kernel's peers: what is to go first, so that keys and addresses are free. */
bool weft_peer_output(struct weft_node *node, struct weft_output *output)
{
	size_t i;

	if (node->to_remove.count) {
		output->type = WEFT_OUT_PEER_REMOVE;
		output->peer_remove = node->to_remove.at[--node->to_remove.count];
		return true;
	}
	/* under an invitation's key, only its address may be used, and only with whom we knock at */
	if (!node->peers_dirty)
		return false;
	for (i = 0; i < node->contacts.count; i++) {
		if (tell_contact(node, node->contacts.at[i], output))
			return true;
	}
	node->peers_dirty = false;
	return false;
}
