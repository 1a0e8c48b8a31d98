// SPDX-License-Identifier: GPL-2.0-or-later
/* A node's life: how it begins, what it does with what comes in, and when it wants to be woken. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

#define ALL_PEERS 32
#define IDLE (5 * WEFT_MINUTE)
#define IPV4_PREFIX_MAX 30
/* So long others have to hear of a new key. */
#define KEY_HEARD (3 * WEFT_SECOND)

/* How much of each, a second, and at once. */
static const struct {
	uint64_t rate;
	uint64_t burst;
} budgets[WEFT_BUDGETS] = {
	[WEFT_BUDGET_PUSH] = { 16384, 131072 },
	[WEFT_BUDGET_ANSWER] = { 262144, 131072 },
	[WEFT_BUDGET_SYNC] = { 32768, 131072 },
	[WEFT_BUDGET_PONG] = { 100, 500 },
	[WEFT_BUDGET_PROBE] = { 1, 10 },
	[WEFT_BUDGET_GUEST] = { 2, 10 },
	[WEFT_BUDGET_DEMAND] = { 50, 200 },
	[WEFT_BUDGET_SECRET] = { 20, 200 },
	[WEFT_BUDGET_ANNOUNCE] = { 1, 4 },
	[WEFT_BUDGET_BEACON] = { 10, 50 },
	[WEFT_BUDGET_HIT] = { 10, 300 },
};

bool weft_node_take_budget(struct weft_node *node, const struct weft_time *now,
			   enum weft_budget budget, uint64_t cost)
{
	if (weft_bucket_take(&node->budgets[budget], now->ms, cost, budgets[budget].rate,
			     budgets[budget].burst))
		return true;
	node->stats.drops[WEFT_DROP_RATE]++;
	return false;
}

/* Announced at once; used in a moment, since others hear of it under the old one. */
void weft_node_new_tunnel(struct weft_node *node, const struct weft_time *now)
{
	weft_random_bytes(&node->random, node->secrets.tunnel, WEFT_SEED_LEN);
	weft_tunnel_from_seed(&node->tunnel, node->secrets.tunnel);
	node->device_at = now->ms + KEY_HEARD;
	node->persist |= WEFT_PERSIST_SECRETS;
}

static struct weft_node *new_node(const struct weft_node_config *config)
{
	struct weft_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->config = *config;
	if (!node->config.all_peers)
		node->config.all_peers = ALL_PEERS;
	if (!node->config.idle_ms)
		node->config.idle_ms = IDLE;
	weft_random_seed(&node->random, config->seed);
	sodium_memzero(node->config.seed, sizeof(node->config.seed));
	weft_queue_init(&node->queue);
	weft_queue_init(&node->partings);
	return node;
}

void weft_node_free(struct weft_node *node)
{
	if (!node)
		return;
	weft_queue_clear(node);
	weft_join_free(node);
	weft_guests_clear(node);
	weft_contacts_clear(node);
	weft_spread_clear(node);
	weft_sync_clear(node);
	weft_roster_free(node->roster);
	weft_secrets_wipe(&node->secrets);
	weft_identity_wipe(&node->identity);
	weft_tunnel_wipe(&node->tunnel);
	free(node->before);
	free(node->contacts.at);
	free(node->to_remove.at);
	free(node->wants.at);
	free(node->fresh.at);
	free(node->pieces);
	free(node->local.at);
	free(node->routes.at);
	free(node->scratch.at);
	sodium_memzero(node, sizeof(*node));
	free(node);
}

/* Who we are, from the secrets. */
static void use_secrets(struct weft_node *node)
{
	weft_identity_from_seed(&node->identity, node->secrets.identity);
	weft_tunnel_from_seed(&node->tunnel, node->secrets.tunnel);
	node->device_dirty = true;
	weft_member_address(node->address, &node->secrets.network, &node->identity.id);
}

static void make_secrets(struct weft_node *node)
{
	weft_random_bytes(&node->random, node->secrets.identity, WEFT_SEED_LEN);
	weft_random_bytes(&node->random, node->secrets.tunnel, WEFT_SEED_LEN);
}

/* A record by the root, of a network that is being founded. */
static int say(struct weft_node *node, const struct weft_identity *root,
	       struct weft_fields *fields, const struct weft_time *now)
{
	struct weft_record *record;
	int error;

	fields->network = root->id;
	fields->issued = now->unix_s;
	error = weft_record_sign(&record, fields, root);
	if (error)
		return error;
	error = weft_roster_add(node->roster, record);
	weft_record_put(record);
	return error ? error : weft_roster_evaluate(node->roster, now->unix_s);
}

static int set_name(struct weft_fields *fields, const char *name)
{
	if (!weft_name_valid(name, WEFT_MAX_NAME))
		return -EPROTO;
	strcpy(fields->name, name);
	fields->has |= WEFT_HAS(WEFT_KEY_NAME);
	return 0;
}

static int say_settings(struct weft_node *node, const struct weft_identity *root,
			const struct weft_founding *founding, const struct weft_time *now)
{
	struct weft_fields fields = { .type = WEFT_NETWORK };
	int error = set_name(&fields, founding->network);

	if (error)
		return error;
	if (founding->has_ipv4) {
		if (founding->ipv4.size != 4 || !weft_prefix_valid(&founding->ipv4) ||
		    founding->ipv4.length > IPV4_PREFIX_MAX)
			return -EPROTO;
		fields.ipv4_prefix = founding->ipv4;
		fields.has |= WEFT_HAS(WEFT_KEY_IPV4_PREFIX);
	}
	return say(node, root, &fields, now);
}

static int say_admin(struct weft_node *node, const struct weft_identity *root,
		     const struct weft_time *now)
{
	struct weft_fields fields = {
		.has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_OPERATION),
		.type = WEFT_ADMIN,
		.subject = node->identity.id,
		.operation = WEFT_ADD,
	};

	return say(node, root, &fields, now);
}

static int say_admission(struct weft_node *node, const struct weft_identity *root,
			 const struct weft_founding *founding, const struct weft_time *now)
{
	struct weft_fields fields = {
		.has = WEFT_HAS(WEFT_KEY_SUBJECT) | WEFT_HAS(WEFT_KEY_MAY),
		.type = WEFT_ADMISSION,
		.subject = node->identity.id,
		.may = WEFT_MAY_RELAY,
	};
	int error = set_name(&fields, founding->member);

	if (error)
		return error;
	if (weft_roster_free_ipv4(node->roster, &node->identity.id, fields.ipv4))
		fields.has |= WEFT_HAS(WEFT_KEY_IPV4);
	return say(node, root, &fields, now);
}

static int found(struct weft_node *node, const struct weft_founding *founding,
		 const struct weft_time *now)
{
	struct weft_identity root;
	int error;

	make_secrets(node);
	weft_random_bytes(&node->random, node->secrets.root, WEFT_SEED_LEN);
	node->secrets.has_root = true;
	weft_identity_from_seed(&root, node->secrets.root);
	node->secrets.network = root.id;
	use_secrets(node);
	error = weft_roster_new(&node->roster, &root.id);
	if (!error)
		error = say_settings(node, &root, founding, now);
	if (!error)
		error = say_admin(node, &root, now);
	if (!error)
		error = say_admission(node, &root, founding, now);
	if (!error)
		error = weft_secret_new(node, now);
	weft_identity_wipe(&root);
	return error;
}

static void begin(struct weft_node *node, const struct weft_time *now)
{
	node->state = WEFT_NODE_MEMBER;
	weft_roster_changed(node, now, true);
	node->routes_dirty = true;
	weft_announce_soon(node, now);
	weft_beacon_soon(node, now);
}

int weft_node_found(struct weft_node **node, const struct weft_node_config *config,
		    const struct weft_founding *founding, const struct weft_time *now)
{
	struct weft_node *new = new_node(config);
	int error;

	if (!new)
		return -ENOMEM;
	error = found(new, founding, now);
	if (error) {
		weft_node_free(new);
		return error;
	}
	new->persist |= WEFT_PERSIST_SECRETS;
	begin(new, now);
	*node = new;
	return 0;
}

static int start_joining(struct weft_node *node, const char *token, const char *name,
			 const struct weft_secrets *kept, const struct weft_time *now)
{
	int error;

	if (name && !weft_name_valid(name, WEFT_MAX_NAME))
		return -EPROTO;
	node->joining = calloc(1, sizeof(*node->joining));
	if (!node->joining)
		return -ENOMEM;
	error = weft_token_decode(&node->joining->token, token);
	if (error)
		return error;
	if (kept)
		node->secrets = *kept;
	else
		make_secrets(node);
	if (kept && !weft_id_equal(&kept->network, &node->joining->token.network))
		return -EXDEV;
	node->secrets.network = node->joining->token.network;
	use_secrets(node);
	error = weft_roster_new(&node->roster, &node->secrets.network);
	return error ? error : weft_join_begin(node, name, now);
}

int weft_node_join(struct weft_node **node, const struct weft_node_config *config,
		   const char *token, const char *name, const struct weft_secrets *kept,
		   const struct weft_time *now)
{
	struct weft_node *new = new_node(config);
	int error;

	if (!new)
		return -ENOMEM;
	new->state = WEFT_NODE_JOINING;
	error = start_joining(new, token, name, kept, now);
	if (error) {
		weft_node_free(new);
		return error;
	}
	new->persist |= WEFT_PERSIST_SECRETS;
	weft_beacon_soon(new, now);
	*node = new;
	return 0;
}

/* What we announced as our routes is what we want to announce. */
static void restore_routes(struct weft_node *node)
{
	const struct weft_member *self = weft_roster_member(node->roster, &node->identity.id);
	struct weft_fields fields;

	if (!self || !self->announcement)
		return;
	weft_record_fields(self->announcement, &fields);
	node->own_routes = fields.routes;
}

int weft_node_restore(struct weft_node **node, const struct weft_node_config *config,
		      const struct weft_secrets *secrets, struct weft_roster *roster,
		      const void *endpoints, size_t endpoints_len, const struct weft_time *now)
{
	struct weft_node *new = new_node(config);
	int error;

	if (!new) {
		weft_roster_free(roster);
		return -ENOMEM;
	}
	new->roster = roster;
	new->secrets = *secrets;
	use_secrets(new);
	error = weft_id_equal(weft_roster_network(roster), &secrets->network) ?
		weft_roster_evaluate(roster, now->unix_s) : -EXDEV;
	if (error) {
		weft_node_free(new);
		return error;
	}
	restore_routes(new);
	if (endpoints)
		weft_known_read(new, endpoints, endpoints_len);
	begin(new, now);
	*node = new;
	return 0;
}

/* Everything that is due. What one part does may be news for those after it. */
void weft_node_run(struct weft_node *node, const struct weft_time *now)
{
	node->ran = true;
	weft_review(node, now);
	weft_join_run(node, now);
	weft_guest_run(node, now);
	weft_link_run(node, now);
	weft_sync_run(node, now);
	if (node->state == WEFT_NODE_MEMBER) {
		weft_announce_run(node, now);
		weft_secret_run(node, now);
		/* what was made just now is told to peers that there are now */
		weft_review(node, now);
	}
	weft_spread_run(node, now);
	weft_beacon_run(node, now);
	weft_rendezvous_run(node, now);
	weft_leave_run(node, now);
	node->ran = true;
}

void weft_node_tick(struct weft_node *node, const struct weft_time *now)
{
	(void)now;
	node->ran = false;
}

void weft_node_reseed(struct weft_node *node, const uint8_t seed[32])
{
	weft_random_seed(&node->random, seed);
}

/* As of when there was nothing left to do. */
uint64_t weft_node_wake(const struct weft_node *node)
{
	return node->wake;
}
