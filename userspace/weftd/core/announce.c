// SPDX-License-Identifier: GPL-2.0-or-later
/* What we say of ourselves: key, endpoints, routes. Only when it changed, and not too often. */
#include <string.h>

#include "node_internal.h"

#define SETTLE WEFT_SECOND
/* What somebody saw is believed so long. */
#define SEEN_LASTS (10 * WEFT_MINUTE)
/* The budget has a few for a start; then one after so long. */
#define ANNOUNCE_EVERY (2 * WEFT_MINUTE)

bool weft_endpoint_equal(const struct weft_ip_endpoint *a, const struct weft_ip_endpoint *b)
{
	return a->size == b->size && a->port == b->port && !memcmp(a->address, b->address, a->size);
}

void weft_announce_soon(struct weft_node *node, const struct weft_time *now)
{
	if (!node->announce_at)
		node->announce_at = now->ms + SETTLE;
}

void weft_observed_forget(struct weft_node *node)
{
	node->observed_count = 0;
}

static bool is_local(const struct weft_node *node, const struct weft_ip_endpoint *at)
{
	size_t i;

	for (i = 0; i < node->local.count; i++) {
		if (weft_endpoint_equal(&node->local.at[i].at, at))
			return true;
	}
	return false;
}

/* This observer's place, a free one, or that of the oldest. */
static struct weft_observation *observation(struct weft_node *node, const struct weft_id *by)
{
	struct weft_observation *oldest = &node->observed[0];
	unsigned int i;

	for (i = 0; i < node->observed_count; i++) {
		if (weft_id_equal(&node->observed[i].by, by))
			return &node->observed[i];
		if (node->observed[i].ms < oldest->ms)
			oldest = &node->observed[i];
	}
	return node->observed_count < WEFT_MAX_OBSERVED ? &node->observed[node->observed_count++] :
							  oldest;
}

/* A member says where it sees us. */
void weft_observed(struct weft_node *node, const struct weft_time *now,
		   const struct weft_contact *by, const struct weft_ip_endpoint *at)
{
	struct weft_observation *seen = observation(node, &by->id);
	bool news = !weft_id_equal(&seen->by, &by->id) || !weft_endpoint_equal(&seen->at, at);

	seen->by = by->id;
	seen->at = *at;
	seen->ms = now->ms;
	if (news)
		weft_announce_soon(node, now);
}

/* How many saw us there. */
static unsigned int witnesses(const struct weft_node *node, const struct weft_time *now,
			      const struct weft_ip_endpoint *at)
{
	unsigned int i, count = 0;

	for (i = 0; i < node->observed_count; i++)
		count += now->ms < node->observed[i].ms + SEEN_LASTS &&
			 weft_endpoint_equal(&node->observed[i].at, at);
	return count;
}

static void add(struct weft_endpoints *endpoints, unsigned int max,
		const struct weft_ip_endpoint *at)
{
	unsigned int i;

	for (i = 0; i < endpoints->count; i++) {
		if (weft_endpoint_equal(&endpoints->at[i], at))
			return;
	}
	if (endpoints->count < max)
		endpoints->at[endpoints->count++] = *at;
}

static void add_local(const struct weft_node *node, struct weft_endpoints *endpoints,
		      unsigned int max, enum weft_local_kind kind)
{
	struct weft_prefix overlay, host;
	size_t i;

	weft_network_prefix(&overlay, &node->secrets.network);
	for (i = 0; i < node->local.count; i++) {
		host = (struct weft_prefix){ .size = node->local.at[i].at.size };
		host.length = 8 * host.size;
		memcpy(host.address, node->local.at[i].at.address, host.size);
		/* a way to us that leads through us is none */
		if (node->local.at[i].kind == kind && !weft_prefix_covers(&overlay, &host))
			add(endpoints, max, &node->local.at[i].at);
	}
}

/*
 * Behind a NAT that shows everybody another port, what one member saw is of no use to others; so two
 * have to agree, unless there is only one.
 */
static void add_observed(const struct weft_node *node, const struct weft_time *now,
			 struct weft_endpoints *endpoints, unsigned int max)
{
	const struct weft_observation *seen;
	unsigned int i, fresh = 0;

	for (i = 0; i < node->observed_count; i++)
		fresh += now->ms < node->observed[i].ms + SEEN_LASTS;
	for (i = 0; i < node->observed_count; i++) {
		seen = &node->observed[i];
		if (now->ms >= seen->ms + SEEN_LASTS || is_local(node, &seen->at))
			continue;
		if (fresh == 1 || witnesses(node, now, &seen->at) > 1)
			add(endpoints, max, &seen->at);
	}
}

static void find_endpoints(const struct weft_node *node, const struct weft_time *now,
			   struct weft_endpoints *endpoints, unsigned int max)
{
	memset(endpoints, 0, sizeof(*endpoints));
	add_local(node, endpoints, max, WEFT_LOCAL_STATIC);
	add_local(node, endpoints, max, WEFT_LOCAL_MAPPED);
	add_observed(node, now, endpoints, max);
	add_local(node, endpoints, max, WEFT_LOCAL_INTERFACE);
}

/* What of our routes we may announce: others would not take the rest. */
static void find_routes(const struct weft_node *node, struct weft_routes *routes)
{
	const struct weft_member *self = weft_roster_member(node->roster, &node->identity.id);
	struct weft_fields grant = { .has = 0 };
	unsigned int i, n;

	memset(routes, 0, sizeof(*routes));
	if (self)
		weft_member_grant(self, &grant);
	for (i = 0; i < node->own_routes.count; i++) {
		for (n = 0; n < grant.routes.count; n++) {
			if (weft_prefix_covers(&grant.routes.at[n], &node->own_routes.at[i]))
				break;
		}
		if (n < grant.routes.count)
			routes->at[routes->count++] = node->own_routes.at[i];
	}
}

static void describe(const struct weft_node *node, const struct weft_time *now,
		     unsigned int max, struct weft_fields *fields)
{
	memset(fields, 0, sizeof(*fields));
	fields->type = WEFT_ANNOUNCEMENT;
	fields->network = node->secrets.network;
	fields->tunnel = node->tunnel.public_key;
	fields->has = WEFT_HAS(WEFT_KEY_TUNNEL);
	find_endpoints(node, now, &fields->endpoints, max);
	find_routes(node, &fields->routes);
	fields->features = node->config.features;
	fields->relay = node->config.relay;
	if (fields->endpoints.count)
		fields->has |= WEFT_HAS(WEFT_KEY_ENDPOINTS);
	if (fields->routes.count)
		fields->has |= WEFT_HAS(WEFT_KEY_ROUTES);
	if (fields->features)
		fields->has |= WEFT_HAS(WEFT_KEY_FEATURES);
	if (fields->relay)
		fields->has |= WEFT_HAS(WEFT_KEY_RELAY);
}

static void own_slot(const struct weft_node *node, struct weft_slot *slot)
{
	*slot = (struct weft_slot){ .type = WEFT_ANNOUNCEMENT };
	memcpy(slot->about, node->identity.id.bytes, sizeof(slot->about));
	memcpy(slot->by, node->identity.id.bytes, sizeof(slot->by));
}

/* An announcement with up to @max endpoints; its number is to be saved before it is sent. */
int weft_announce_make(struct weft_node *node, const struct weft_time *now, unsigned int max,
		       struct weft_record **record)
{
	struct weft_fields fields;
	struct weft_slot slot;

	describe(node, now, max, &fields);
	own_slot(node, &slot);
	/* after all that we said, also if the file with its number was lost */
	fields.issued = weft_roster_next_issued(node->roster, &slot, now->unix_s);
	if (fields.issued <= node->secrets.sequence)
		fields.issued = node->secrets.sequence + 1;
	node->secrets.sequence = fields.issued;
	node->persist |= WEFT_PERSIST_SECRETS;
	return weft_record_sign(record, &fields, &node->identity);
}

static bool same_endpoints(const struct weft_endpoints *a, const struct weft_endpoints *b)
{
	unsigned int i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++) {
		if (!weft_endpoint_equal(&a->at[i], &b->at[i]))
			return false;
	}
	return true;
}

static bool same_routes(const struct weft_routes *a, const struct weft_routes *b)
{
	unsigned int i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++) {
		if (weft_prefix_compare(&a->at[i], &b->at[i]))
			return false;
	}
	return true;
}

/* Whether what we last said is true no more. */
static bool outdated(const struct weft_node *node, const struct weft_time *now)
{
	const struct weft_record *last;
	struct weft_fields fields, said;
	struct weft_slot slot;

	own_slot(node, &slot);
	last = weft_roster_find(node->roster, &slot);
	if (!last)
		return true;
	describe(node, now, WEFT_MAX_ENDPOINTS, &fields);
	weft_record_fields(last, &said);
	return memcmp(&fields.tunnel, &said.tunnel, sizeof(said.tunnel)) ||
	       !same_endpoints(&fields.endpoints, &said.endpoints) ||
	       !same_routes(&fields.routes, &said.routes) || fields.features != said.features ||
	       fields.relay != said.relay;
}

static void announce(struct weft_node *node, const struct weft_time *now)
{
	struct weft_record *record;

	if (weft_announce_make(node, now, WEFT_MAX_ENDPOINTS, &record))
		return;
	weft_take_record(node, now, record, NULL);
	weft_record_put(record);
	/* what was published before is true no more */
	node->publish_at = 0;
}

void weft_announce_run(struct weft_node *node, const struct weft_time *now)
{
	if (!node->announce_at || now->ms < node->announce_at)
		return;
	node->announce_at = 0;
	if (!node->announce_anyway && !outdated(node, now))
		return;
	if (!weft_bucket_take(&node->budgets[WEFT_BUDGET_ANNOUNCE], now->ms,
			      ANNOUNCE_EVERY / WEFT_SECOND, 1, 4 * ANNOUNCE_EVERY / WEFT_SECOND)) {
		node->announce_at = now->ms + 10 * WEFT_SECOND;
		return;
	}
	node->announce_anyway = false;
	announce(node, now);
}

/* weft_node_own_endpoints() tells what was announced last. */
unsigned int weft_node_own_endpoints(const struct weft_node *node, struct weft_ip_endpoint *at,
				     unsigned int max)
{
	const struct weft_member *self = weft_roster_member(node->roster, &node->identity.id);
	struct weft_fields fields;
	unsigned int i;

	if (!self || !self->announcement)
		return 0;
	weft_record_fields(self->announcement, &fields);
	for (i = 0; i < max && i < fields.endpoints.count; i++)
		at[i] = fields.endpoints.at[i];
	return i;
}
