// SPDX-License-Identifier: GPL-2.0-or-later
/* When a node has something to do next. */
#include "node_internal.h"

static void earliest(uint64_t *due, uint64_t at)
{
	if (at < *due)
		*due = at;
}

/* 0 says that it is not going to happen. */
static void earliest_if(uint64_t *due, uint64_t at)
{
	if (at)
		earliest(due, at);
}

uint64_t weft_node_due(const struct weft_node *node, const struct weft_time *now)
{
	uint64_t due = WEFT_NEVER;

	earliest(&due, weft_review_due(node, now));
	earliest(&due, weft_join_due(node));
	earliest(&due, weft_guest_due(node));
	earliest(&due, weft_link_due(node, now));
	earliest(&due, weft_sync_due(node));
	earliest_if(&due, node->roster_at);
	earliest_if(&due, node->endpoints_at);
	earliest_if(&due, node->device_at);
	earliest(&due, weft_rendezvous_due(node));
	if (node->state != WEFT_NODE_MEMBER)
		return due;
	earliest_if(&due, node->announce_at);
	earliest(&due, weft_secret_due(node));
	earliest(&due, weft_beacon_due(node));
	earliest_if(&due, node->leave_at);
	return due;
}
