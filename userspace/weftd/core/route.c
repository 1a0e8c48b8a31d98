// SPDX-License-Identifier: GPL-2.0-or-later
/* Which member has a route, where several announce it. */
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

/* One member that may have a route. */
struct offer {
	struct weft_prefix prefix;
	struct weft_id router;
};

struct offers {
	struct offer *at;
	size_t count;
	size_t size;
};

/* Who carries the packets of a member: itself, or for a stock one who it is attached to. */
static void carrier(const struct weft_node *node, const struct weft_member *member,
		    struct weft_id *id)
{
	struct weft_fields grant;

	*id = member->identity;
	if (!member->is_static)
		return;
	weft_member_grant(member, &grant);
	if (!weft_id_equal(&grant.via, &node->identity.id))
		*id = grant.via;
}

static void collect(const struct weft_node *node, const struct weft_member *member,
		    struct offers *offers)
{
	struct weft_routes routes;
	struct weft_id id;
	unsigned int i;

	if (!member->has_routes || member->state != WEFT_MEMBER ||
	    weft_id_equal(&member->identity, &node->identity.id))
		return;
	carrier(node, member, &id);
	if (!weft_reachable(node, weft_roster_member(node->roster, &id)))
		return;
	weft_roster_routes(node->roster, member, &routes);
	for (i = 0; i < routes.count && weft_list_room(offers); i++)
		offers->at[offers->count++] = (struct offer){ routes.at[i], id };
}

static int compare_offers(const void *a, const void *b)
{
	const struct offer *x = a, *y = b;
	int order = weft_prefix_compare(&x->prefix, &y->prefix);

	return order ? order : weft_id_compare(&x->router, &y->router);
}

static bool is_ours(const struct weft_node *node, const struct weft_prefix *prefix)
{
	const struct weft_member *self = weft_node_self(node);
	struct weft_routes routes;
	unsigned int i;

	if (!self || !self->has_routes)
		return false;
	weft_roster_routes(node->roster, self, &routes);
	for (i = 0; i < routes.count; i++) {
		if (!weft_prefix_compare(&routes.at[i], prefix))
			return true;
	}
	return false;
}

static const struct weft_route *find_route(const struct weft_node *node,
					  const struct weft_prefix *prefix)
{
	size_t i;

	for (i = 0; i < node->routes.count; i++) {
		if (!weft_prefix_compare(&node->routes.at[i].prefix, prefix))
			return &node->routes.at[i];
	}
	return NULL;
}

static bool failing(const struct weft_node *node, const struct weft_id *id)
{
	const struct weft_contact *contact = weft_contact_find(node, id);

	return contact && contact->failures;
}

/* Whoever has it keeps it while it answers; else the first that does not fail, or simply the first. */
static void choose(const struct weft_node *node, const struct offer *offers, size_t count,
		   struct weft_route *route)
{
	const struct weft_route *old = find_route(node, &offers[0].prefix);
	const struct weft_id *best = NULL;
	size_t i;

	route->prefix = offers[0].prefix;
	route->routers = count;
	for (i = 0; i < count; i++) {
		if (failing(node, &offers[i].router))
			continue;
		if (!best || (old && weft_id_equal(&offers[i].router, &old->router)))
			best = &offers[i].router;
	}
	route->router = best ? *best : old ? old->router : offers[0].router;
	/* all fail, and who had it is none of them any more */
	for (i = 0; !best && i < count && !weft_id_equal(&offers[i].router, &route->router); i++)
		;
	if (!best && i == count)
		route->router = offers[0].router;
}

static void note_router(struct weft_node *node, const struct weft_id *id)
{
	struct weft_contact *contact = weft_contact_find(node, id);

	if (contact)
		weft_contact_touch(node, contact);
}

/* Tell the kernel, and people, what became of a route. */
static void note_change(struct weft_node *node, const struct weft_route *old,
			const struct weft_route *new)
{
	struct weft_notice *notice;

	if (old && new && weft_id_equal(&old->router, &new->router))
		return;
	if (old)
		note_router(node, &old->router);
	if (!old || !new)
		node->routes_dirty = true;
	if (!new)
		return;
	note_router(node, &new->router);
	notice = weft_notify(node, WEFT_NOTICE_ROUTE, &new->router, 0);
	if (notice)
		notice->route = new->prefix;
}

/* Both are sorted. */
static void note_changes(struct weft_node *node, const struct weft_route *new, size_t count)
{
	size_t i = 0, j = 0;
	int order;

	while (i < node->routes.count || j < count) {
		order = i == node->routes.count ? 1 : j == count ? -1 :
			weft_prefix_compare(&node->routes.at[i].prefix, &new[j].prefix);
		note_change(node, order <= 0 ? &node->routes.at[i] : NULL,
			    order >= 0 ? &new[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

static struct weft_route *choose_all(const struct weft_node *node, const struct offers *offers,
				     size_t *count)
{
	struct weft_route *routes = calloc(offers->count + 1, sizeof(*routes));
	size_t i, end;

	*count = 0;
	for (i = 0; routes && i < offers->count; i = end) {
		for (end = i; end < offers->count && !weft_prefix_compare(&offers->at[i].prefix,
						&offers->at[end].prefix); end++)
			;
		if (!is_ours(node, &offers->at[i].prefix))
			choose(node, &offers->at[i], end - i, &routes[(*count)++]);
	}
	return routes;
}

/* Whose routes are whose, after the roster changed or a member began to fail. */
void weft_routes_review(struct weft_node *node)
{
	const struct weft_member *members;
	struct offers offers = { 0 };
	struct weft_route *routes;
	size_t count, i;

	members = weft_roster_members(node->roster, &count);
	/* who is out has no way to any of them */
	for (i = 0; i < count && node->state != WEFT_NODE_EXCLUDED; i++)
		collect(node, &members[i], &offers);
	if (offers.count)
		qsort(offers.at, offers.count, sizeof(*offers.at), compare_offers);
	routes = choose_all(node, &offers, &count);
	free(offers.at);
	if (!routes)
		return;
	note_changes(node, routes, count);
	free(node->routes.at);
	node->routes.at = routes;
	node->routes.count = count;
	node->routes.size = count;
}

/* The most specific route to an address. */
const struct weft_route *weft_route_to(const struct weft_node *node, const uint8_t *address,
				       size_t size)
{
	struct weft_prefix host = { .size = size, .length = 8 * size };
	const struct weft_route *best = NULL;
	size_t i;

	memcpy(host.address, address, size);
	for (i = 0; i < node->routes.count; i++) {
		if (weft_prefix_covers(&node->routes.at[i].prefix, &host) &&
		    (!best || node->routes.at[i].prefix.length > best->prefix.length))
			best = &node->routes.at[i];
	}
	return best;
}

const struct weft_id *weft_node_router(const struct weft_node *node,
				       const struct weft_prefix *route)
{
	const struct weft_route *found = find_route(node, route);

	return found ? &found->router : NULL;
}

/* Whether it has a route that another could take over: then it is worth knowing that it is there. */
bool weft_router_watched(const struct weft_node *node, const struct weft_contact *contact)
{
	size_t i;

	for (i = 0; i < node->routes.count; i++) {
		if (node->routes.at[i].routers > 1 &&
		    weft_id_equal(&node->routes.at[i].router, &contact->id))
			return true;
	}
	return false;
}
