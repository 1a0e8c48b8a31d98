// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rendezvous through somebody else's store: what is published and under which key follows from the
 * network's secret and the day, and is sealed with that secret. A hit is a hint and no more.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

#define PUBLISH_EVERY (10 * WEFT_MINUTE)
#define LOOK_UP_EVERY WEFT_MINUTE
#define DAY 86400
/* Clocks differ: near midnight, the other day is looked at too. */
#define NEAR_MIDNIGHT 7200
#define PLAIN (WEFT_RENDEZVOUS_BYTES - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES)
#define ENDPOINT_BYTES 19

/*
 * What is sealed: each endpoint is its size, 16 bytes of address, 2 of port. @issued is of the announcement
 * that they are from, 0 by a weftd that did not know of it.
 */
struct content {
	uint8_t version;
	uint8_t count;
	uint8_t identity[WEFT_ID_LEN];
	uint8_t tunnel[32];
	uint8_t endpoints[WEFT_MAX_ENDPOINTS][ENDPOINT_BYTES];
	uint8_t issued[8];
	uint8_t zero[PLAIN - 2 - WEFT_ID_LEN - 32 - WEFT_MAX_ENDPOINTS * ENDPOINT_BYTES - 8];
};

_Static_assert(sizeof(struct content) == PLAIN, "no padding");

static void derive(uint8_t key[32], const struct weft_node *node, const char *label, uint32_t day)
{
	uint8_t bytes[4] = { day >> 24, day >> 16, day >> 8, day };

	weft_hash(key, 32, label, (struct weft_part){ node->secrets.epoch, 32 },
		  (struct weft_part){ bytes, sizeof(bytes) });
}

static void put_endpoint(uint8_t out[ENDPOINT_BYTES], const struct weft_ip_endpoint *at)
{
	memset(out, 0, ENDPOINT_BYTES);
	out[0] = at->size;
	memcpy(out + 1, at->address, at->size);
	out[17] = at->port >> 8;
	out[18] = at->port & 0xff;
}

static bool get_endpoint(struct weft_ip_endpoint *at, const uint8_t in[ENDPOINT_BYTES])
{
	memset(at, 0, sizeof(*at));
	at->size = in[0];
	if (at->size != 4 && at->size != 16)
		return false;
	memcpy(at->address, in + 1, at->size);
	at->port = in[17] << 8 | in[18];
	return weft_ip_endpoint_valid(at);
}

static uint64_t announced(const struct weft_member *member)
{
	struct weft_fields fields;

	if (!member || !member->announcement)
		return 0;
	weft_record_fields(member->announcement, &fields);
	return fields.issued;
}

static void put_issued(uint8_t out[8], uint64_t issued)
{
	int i;

	for (i = 7; i >= 0; i--, issued >>= 8)
		out[i] = issued & 0xff;
}

static uint64_t get_issued(const uint8_t in[8])
{
	uint64_t issued = 0;
	int i;

	for (i = 0; i < 8; i++)
		issued = issued << 8 | in[i];
	return issued;
}

static void seal(struct weft_node *node, uint8_t bytes[WEFT_RENDEZVOUS_BYTES])
{
	struct weft_ip_endpoint at[WEFT_MAX_ENDPOINTS];
	struct content content = { .version = 1 };
	uint8_t key[32];
	unsigned int i;

	content.count = weft_node_own_endpoints(node, at, WEFT_MAX_ENDPOINTS);
	memcpy(content.identity, node->identity.id.bytes, sizeof(content.identity));
	memcpy(content.tunnel, node->tunnel.public_key.bytes, sizeof(content.tunnel));
	for (i = 0; i < content.count; i++)
		put_endpoint(content.endpoints[i], &at[i]);
	put_issued(content.issued, announced(weft_node_self(node)));
	derive(key, node, "weft/1/rendezvous/seal", 0);
	weft_random_bytes(&node->random, bytes, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(bytes + crypto_secretbox_NONCEBYTES, (uint8_t *)&content,
			      sizeof(content), bytes, key);
	sodium_memzero(key, sizeof(key));
}

static bool unseal(const struct weft_node *node, const uint8_t *bytes, struct content *content)
{
	uint8_t key[32];
	int error;

	derive(key, node, "weft/1/rendezvous/seal", 0);
	error = crypto_secretbox_open_easy((uint8_t *)content, bytes + crypto_secretbox_NONCEBYTES,
					   WEFT_RENDEZVOUS_BYTES - crypto_secretbox_NONCEBYTES,
					   bytes, key);
	sodium_memzero(key, sizeof(key));
	return !error && content->version == 1 && content->count <= WEFT_MAX_ENDPOINTS;
}

/*
 * A store has a member's values of half an hour, in no order, and may replay those of any time. What does
 * not say how old it is, is older than all that do.
 */
static bool is_stale(const struct weft_contact *contact, const struct weft_member *member,
		     uint64_t issued)
{
	if (contact->published && issued < contact->published_issued)
		return true;
	return issued && issued < announced(member);
}

static void found_member(struct weft_node *node, const struct weft_time *now,
			 const struct weft_hint *hint, uint64_t issued)
{
	const struct weft_member *member = weft_roster_member(node->roster, &hint->identity);
	struct weft_contact *contact;

	if (!weft_reachable(node, member) || member->is_static ||
	    memcmp(&member->tunnel, &hint->tunnel, sizeof(hint->tunnel)))
		return;
	contact = weft_contact_get(node, member);
	if (!contact || contact->alive || is_stale(contact, member, issued))
		return;
	if (!contact->published)
		contact->published = malloc(sizeof(*contact->published));
	if (!contact->published)
		return;
	*contact->published = hint->endpoints;
	contact->published_issued = issued;
	weft_contact_touch(node, contact);
	if (!weft_node_take_budget(node, now, WEFT_BUDGET_PROBE, 1))
		return;
	contact->turn = 0;
	contact->retry_at = 0;
	weft_link_probe(node, now, contact);
}

void weft_node_rendezvous_hit(struct weft_node *node, const struct weft_time *now,
			      const void *bytes, size_t len)
{
	struct weft_endpoints *endpoints;
	struct weft_hint hint = { .endpoints.count = 0 };
	struct content content;
	unsigned int i;

	if (!node->config.rendezvous || !node->secrets.has_epoch ||
	    len != WEFT_RENDEZVOUS_BYTES ||
	    !weft_node_take_budget(node, now, WEFT_BUDGET_HIT, 1) ||
	    !unseal(node, bytes, &content))
		return;
	node->ran = false;
	memcpy(hint.identity.bytes, content.identity, sizeof(content.identity));
	memcpy(hint.tunnel.bytes, content.tunnel, sizeof(content.tunnel));
	endpoints = &hint.endpoints;
	for (i = 0; i < content.count; i++)
		endpoints->count += get_endpoint(&endpoints->at[endpoints->count],
						 content.endpoints[i]);
	if (!endpoints->count || weft_id_equal(&hint.identity, &node->identity.id))
		return;
	if (node->joining)
		weft_join_found(node, now, &hint, NULL);
	else if (node->state == WEFT_NODE_MEMBER)
		found_member(node, now, &hint, get_issued(content.issued));
}

/* What was asked meanwhile is forgotten. */
void weft_node_set_rendezvous(struct weft_node *node, bool wanted)
{
	node->ran = false;
	node->config.rendezvous = wanted;
	node->publish = false;
	node->look_ups = 0;
	node->publish_at = 0;
	node->look_up_at = 0;
}

static bool is_lonely(const struct weft_node *node)
{
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		if (node->contacts.at[i]->alive)
			return false;
	}
	return true;
}

static bool may_use(const struct weft_node *node)
{
	return node->config.rendezvous && node->secrets.has_epoch &&
	       node->state != WEFT_NODE_EXCLUDED;
}

/* Not while a new announcement is due: the one there is may tell where we were. */
static bool may_publish(const struct weft_node *node)
{
	return node->state == WEFT_NODE_MEMBER && !node->announce_at;
}

void weft_rendezvous_run(struct weft_node *node, const struct weft_time *now)
{
	if (!may_use(node))
		return;
	if (may_publish(node) && now->ms >= node->publish_at) {
		node->publish = true;
		node->publish_at = now->ms + weft_random_about(&node->random, PUBLISH_EVERY);
	}
	if (now->ms >= node->look_up_at) {
		/* with somebody to talk to, there is no need for others' help */
		node->look_ups = is_lonely(node) ? 3 : 0;
		node->look_up_at = now->ms + weft_random_about(&node->random, LOOK_UP_EVERY);
	}
}

uint64_t weft_rendezvous_due(const struct weft_node *node)
{
	if (!may_use(node))
		return WEFT_NEVER;
	if (may_publish(node) && node->publish_at < node->look_up_at)
		return node->publish_at;
	return node->look_up_at;
}

/* Today, and what may be today for others. */
static bool put_look_up(struct weft_node *node, const struct weft_time *now,
			struct weft_output *output)
{
	uint64_t day = now->unix_s / DAY, second = now->unix_s % DAY;

	while (node->look_ups) {
		switch (node->look_ups--) {
		case 3:
			break;
		case 2:
			if (second >= NEAR_MIDNIGHT)
				continue;
			day--;
			break;
		default:
			if (second < DAY - NEAR_MIDNIGHT)
				continue;
			day++;
		}
		output->type = WEFT_OUT_LOOKUP;
		derive(output->rendezvous.key, node, "weft/1/rendezvous", day);
		return true;
	}
	return false;
}

bool weft_rendezvous_output(struct weft_node *node, const struct weft_time *now,
			    struct weft_output *output)
{
	if (!node->publish)
		return put_look_up(node, now, output);
	node->publish = false;
	output->type = WEFT_OUT_PUBLISH;
	derive(output->rendezvous.key, node, "weft/1/rendezvous", now->unix_s / DAY);
	seal(node, output->rendezvous.bytes);
	return true;
}
