// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes in: datagrams, and what the kernel tells. */
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

/*
 * Whoever calls or speaks has not heard of it yet, or did before. Who is out for another reason may be
 * admitted anew, and hears of that by being called, or by calling.
 */
static bool is_revoked(const struct weft_node *node)
{
	const struct weft_member *self = weft_node_self(node);

	return node->state == WEFT_NODE_EXCLUDED && self && self->state == WEFT_MEMBER_REVOKED;
}

/* Who may speak to us from this address: a contact, or a member that is one from now on. */
static struct weft_contact *sender(struct weft_node *node, const struct weft_time *now,
				   const uint8_t from[16])
{
	struct weft_contact *contact = weft_contact_by_address(node, from);
	const struct weft_member *member;

	member = contact ? weft_roster_member(node->roster, &contact->id) :
			   weft_roster_by_address(node->roster, from, 16);
	/* all that we know of it may be the token's word yet, or half of the records */
	if (contact && ((contact->hinted && node->joining) || contact->doubt_ms))
		return contact;
	if (is_revoked(node) || !weft_reachable(node, member) || member->is_static)
		return NULL;
	contact = weft_contact_get(node, member);
	/* the kernel let it through, so it has it */
	if (contact && !contact->wanted)
		weft_contact_want(node, now, contact, WEFT_WANTED_DEMAND);
	return contact;
}

static void take_pieces(struct weft_node *node, const struct weft_time *now,
			struct weft_contact *contact, const struct weft_piece *piece)
{
	const uint8_t *bytes;
	size_t len;

	bytes = weft_take_piece(node, now, contact->address, piece, &len);
	if (bytes)
		weft_take_record_bytes(node, now, contact, bytes, len);
}

static void dispatch(struct weft_node *node, const struct weft_time *now,
		     struct weft_contact *contact, const struct weft_message *message)
{
	switch (message->type) {
	case WEFT_PING:
		weft_link_pinged(node, now, contact, &message->ping);
		break;
	case WEFT_PONG:
		weft_link_answered(node, now, contact, &message->ping);
		break;
	case WEFT_RANGES:
		weft_sync_ranges(node, now, contact, &message->ranges);
		break;
	case WEFT_LIST:
		weft_sync_list(node, now, contact, &message->list);
		break;
	case WEFT_WANT:
		weft_answer_want(node, now, contact, &message->want);
		break;
	case WEFT_RECORDS:
		weft_take_records(node, now, contact, &message->records);
		break;
	case WEFT_PIECE_OF_RECORD:
		take_pieces(node, now, contact, &message->piece);
		break;
	case WEFT_ASK_SECRET:
		weft_secret_asked(node, now, contact, &message->commitment);
		break;
	case WEFT_SECRET:
		weft_secret_take(node, now, contact, message->sealed);
		break;
	default:
		/* at the door only */
		node->stats.drops[WEFT_DROP_UNASKED]++;
	}
}

static void receive(struct weft_node *node, const struct weft_time *now, const uint8_t from[16],
		    const struct weft_message *message)
{
	struct weft_guest *guest = weft_guest_by_address(node, from);
	struct weft_contact *contact;

	if (guest) {
		weft_guest_message(node, now, guest, message);
		return;
	}
	contact = sender(node, now, from);
	if (!contact) {
		node->stats.drops[WEFT_DROP_STRANGER]++;
		return;
	}
	if (weft_join_as_guest(node)) {
		weft_join_message(node, now, contact, message);
		return;
	}
	weft_link_heard(node, now, contact);
	weft_introduce(node, now, contact);
	dispatch(node, now, contact, message);
}

void weft_node_datagram(struct weft_node *node, const struct weft_time *now,
			const uint8_t from[16], const void *bytes, size_t len)
{
	struct weft_message message;

	node->ran = false;
	node->stats.received++;
	node->stats.received_bytes += len;
	if (weft_message_decode(&message, bytes, len))
		node->stats.drops[WEFT_DROP_MALFORMED]++;
	else
		receive(node, now, from, &message);
}

void weft_node_session_new(struct weft_node *node, const struct weft_time *now,
			   const struct weft_tunnel_key *peer, const struct weft_candidate *at)
{
	struct weft_contact *contact = weft_contact_by_key(node, peer);

	node->ran = false;
	if (!contact)
		return;
	contact->session = true;
	contact->active_ms = now->ms;
	weft_contact_seen(node, now, contact, at);
	/* its first pings may have been lost with the attempts before */
	if (contact->tries) {
		contact->tries = 0;
		contact->ping_at = now->ms;
	}
	weft_join_session(node, now);
}

void weft_node_session_expired(struct weft_node *node, const struct weft_time *now,
			       const struct weft_tunnel_key *peer)
{
	struct weft_contact *contact = weft_contact_by_key(node, peer);

	(void)now;
	node->ran = false;
	if (!contact)
		return;
	contact->session = false;
	weft_contact_touch(node, contact);
}

static const struct weft_member *by_key_in_any_state(const struct weft_node *node,
						     const struct weft_tunnel_key *key)
{
	const struct weft_member *members;
	size_t count, i;

	members = weft_roster_members(node->roster, &count);
	for (i = 0; i < count; i++) {
		if (members[i].has_tunnel && !memcmp(&members[i].tunnel, key, sizeof(*key)))
			return &members[i];
	}
	return NULL;
}

void weft_node_unknown_peer(struct weft_node *node, const struct weft_time *now,
			    const struct weft_tunnel_key *peer, const struct weft_candidate *at)
{
	const struct weft_member *member;
	struct weft_contact *contact;

	node->ran = false;
	/* a revocation may wait to be looked at */
	if (node->changed && node->urgent)
		weft_review(node, now);
	member = weft_roster_by_tunnel(node->roster, peer);
	if (!member) {
		/* who was a member is no guest */
		if (node->state == WEFT_NODE_MEMBER && !by_key_in_any_state(node, peer))
			weft_guest_arrives(node, now, peer, at);
		return;
	}
	if (is_revoked(node) || !weft_reachable(node, member) || member->is_static ||
	    !weft_node_take_budget(node, now, WEFT_BUDGET_DEMAND, 1))
		return;
	contact = weft_contact_get(node, member);
	if (!contact)
		return;
	if (at && weft_ip_endpoint_valid(&at->at)) {
		contact->has_at = true;
		contact->at = *at;
	}
	weft_contact_want(node, now, contact, WEFT_WANTED_DEMAND);
}

static const struct weft_member *router_of(const struct weft_node *node, const uint8_t *address,
					   size_t size)
{
	const struct weft_member *member;
	const struct weft_route *route;
	struct weft_fields grant;

	member = weft_roster_by_address(node->roster, address, size);
	if (!member) {
		route = weft_route_to(node, address, size);
		return route ? weft_roster_member(node->roster, &route->router) : NULL;
	}
	if (!member->is_static)
		return member;
	weft_member_grant(member, &grant);
	return weft_roster_member(node->roster, &grant.via);
}

void weft_node_unknown_destination(struct weft_node *node, const struct weft_time *now,
				   const uint8_t *address, size_t size)
{
	const struct weft_member *member;
	struct weft_contact *contact;

	node->ran = false;
	if (node->state != WEFT_NODE_MEMBER || (size != 4 && size != 16))
		return;
	member = router_of(node, address, size);
	if (!weft_reachable(node, member) ||
	    !weft_node_take_budget(node, now, WEFT_BUDGET_DEMAND, 1))
		return;
	contact = weft_contact_get(node, member);
	if (!contact)
		return;
	weft_contact_want(node, now, contact, WEFT_WANTED_DEMAND);
	/* the kernel asks because it lacks something: tell it again */
	memset(contact->told, 0, sizeof(contact->told));
	weft_contact_touch(node, contact);
}

void weft_node_path_changed(struct weft_node *node, const struct weft_time *now,
			    const struct weft_tunnel_key *peer, const struct weft_candidate *at)
{
	struct weft_contact *contact = weft_contact_by_key(node, peer);

	node->ran = false;
	if (contact)
		weft_contact_seen(node, now, contact, at);
}

void weft_node_traffic(struct weft_node *node, const struct weft_time *now,
		       const struct weft_tunnel_key *peer, uint64_t rx_bytes, uint64_t tx_bytes)
{
	struct weft_contact *contact = weft_contact_by_key(node, peer);

	if (!contact)
		return;
	if (contact->rx_bytes != rx_bytes || contact->tx_bytes != tx_bytes)
		contact->active_ms = now->ms;
	contact->rx_bytes = rx_bytes;
	contact->tx_bytes = tx_bytes;
}

void weft_node_kernel_peer(struct weft_node *node, const struct weft_time *now,
			   const struct weft_tunnel_key *peer)
{
	const struct weft_member *member = weft_roster_by_tunnel(node->roster, peer);
	struct weft_contact *contact = NULL;

	node->ran = false;
	if (!is_revoked(node) && weft_reachable(node, member))
		contact = weft_contact_get(node, member);
	if (!contact) {
		if (weft_list_room(&node->to_remove))
			node->to_remove.at[node->to_remove.count++] = *peer;
		return;
	}
	contact->programmed = true;
	contact->programmed_key = *peer;
	contact->session = true;
	weft_contact_want(node, now, contact, WEFT_WANTED_DEMAND);
}

void weft_node_local_endpoints(struct weft_node *node, const struct weft_time *now,
			       const struct weft_local_endpoint *endpoints, size_t count)
{
	size_t i;

	node->ran = false;
	node->local.count = 0;
	for (i = 0; i < count && weft_list_room(&node->local); i++) {
		if (weft_ip_endpoint_valid(&endpoints[i].at))
			node->local.at[node->local.count++] = endpoints[i];
	}
	weft_announce_soon(node, now);
}

void weft_node_resumed(struct weft_node *node, const struct weft_time *now)
{
	node->ran = false;
	weft_observed_forget(node);
	weft_link_resumed(node, now);
	weft_beacon_soon(node, now);
}
