// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be seen of a node. */
#include <string.h>

#include "node_internal.h"

enum weft_node_state weft_node_state(const struct weft_node *node)
{
	return node->state;
}

const struct weft_id *weft_node_id(const struct weft_node *node)
{
	return &node->identity.id;
}

const struct weft_secrets *weft_node_secrets(const struct weft_node *node)
{
	return &node->secrets;
}

struct weft_roster *weft_node_roster(const struct weft_node *node)
{
	return node->roster;
}

const struct weft_member *weft_node_self(const struct weft_node *node)
{
	if (node->joining)
		return NULL;
	return weft_roster_member(node->roster, &node->identity.id);
}

static const struct weft_member *via_of(const struct weft_node *node,
					const struct weft_member *member)
{
	struct weft_fields grant;

	if (!member->is_static)
		return NULL;
	weft_member_grant(member, &grant);
	return weft_roster_member(node->roster, &grant.via);
}

void weft_node_peer(const struct weft_node *node, const struct weft_member *member,
		    struct weft_node_peer *peer)
{
	const struct weft_contact *contact = weft_contact_find(node, &member->identity);

	*peer = (struct weft_node_peer){ .member = member, .via = via_of(node, member) };
	if (!contact)
		return;
	peer->wanted = contact->wanted;
	peer->session = contact->session;
	peer->alive = contact->alive;
	peer->has_at = contact->has_at;
	peer->at = contact->at;
	peer->heard_ms = contact->heard_ms;
	peer->rtt_ms = contact->rtt_ms;
	peer->rx_bytes = contact->rx_bytes;
	peer->tx_bytes = contact->tx_bytes;
}

const struct weft_member *weft_node_peer_by_key(const struct weft_node *node,
						const struct weft_tunnel_key *key)
{
	return weft_roster_by_tunnel(node->roster, key);
}

const struct weft_node_stats *weft_node_stats(const struct weft_node *node)
{
	return &node->stats;
}
