// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Beacons on the local network: who is here, sealed with a key that follows from the network's
 * secret. To whoever lacks that, each is 160 random bytes.
 */
#include <sodium.h>
#include <string.h>

#include "node_internal.h"

#define BEACON_EVERY (30 * WEFT_SECOND)
/* To be found at once after a start. */
#define FIRST_EVERY WEFT_SECOND
#define FIRST_COUNT 3
#define PLAIN (WEFT_BEACON_BYTES - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES)

/* What is sealed; the rest is zero. */
struct content {
	uint8_t version;
	uint8_t port[2];
	uint8_t identity[WEFT_ID_LEN];
	uint8_t tunnel[32];
	uint8_t zero[PLAIN - 3 - WEFT_ID_LEN - 32];
};

_Static_assert(sizeof(struct content) == PLAIN, "no padding");

static void beacon_key(uint8_t key[32], const struct weft_node *node)
{
	weft_hash(key, 32, "weft/1/beacon", (struct weft_part){ node->secrets.epoch, 32 },
		  (struct weft_part){ 0 });
}

static uint16_t own_port(const struct weft_node *node)
{
	size_t i;

	for (i = 0; i < node->local.count; i++) {
		if (node->local.at[i].kind == WEFT_LOCAL_INTERFACE)
			return node->local.at[i].at.port;
	}
	return 0;
}

/* Return: whether there was anything to tell. */
bool weft_beacon_make(struct weft_node *node, struct weft_out_beacon *beacon)
{
	struct content content = { .version = 1 };
	uint16_t port = own_port(node);
	uint8_t key[32];

	content.port[0] = port >> 8;
	content.port[1] = port & 0xff;
	memcpy(content.identity, node->identity.id.bytes, sizeof(content.identity));
	memcpy(content.tunnel, node->tunnel.public_key.bytes, sizeof(content.tunnel));
	beacon_key(key, node);
	weft_random_bytes(&node->random, beacon->bytes, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(beacon->bytes + crypto_secretbox_NONCEBYTES, (uint8_t *)&content,
			      sizeof(content), beacon->bytes, key);
	sodium_memzero(key, sizeof(key));
	return port;
}

static bool open_beacon(const struct weft_node *node, const uint8_t *bytes,
			struct content *content)
{
	static const uint8_t zero[sizeof(content->zero)];
	uint8_t key[32];
	int error;

	beacon_key(key, node);
	error = crypto_secretbox_open_easy((uint8_t *)content, bytes + crypto_secretbox_NONCEBYTES,
					   WEFT_BEACON_BYTES - crypto_secretbox_NONCEBYTES, bytes,
					   key);
	sodium_memzero(key, sizeof(key));
	return !error && content->version == 1 && !memcmp(content->zero, zero, sizeof(zero));
}

static void found_member(struct weft_node *node, const struct weft_time *now,
			 const struct weft_hint *hint, const struct weft_candidate *at)
{
	const struct weft_member *member = weft_roster_member(node->roster, &hint->identity);
	struct weft_contact *contact;

	if (!weft_reachable(node, member) || member->is_static ||
	    memcmp(&member->tunnel, &hint->tunnel, sizeof(hint->tunnel)))
		return;
	contact = weft_contact_get(node, member);
	if (!contact)
		return;
	contact->has_near = true;
	contact->near = *at;
	weft_contact_touch(node, contact);
	if (contact->alive || !weft_node_take_budget(node, now, WEFT_BUDGET_PROBE, 1))
		return;
	contact->turn = 0;
	contact->retry_at = 0;
	weft_link_probe(node, now, contact);
}

void weft_node_beacon(struct weft_node *node, const struct weft_time *now,
		      const struct weft_candidate *from, const void *bytes, size_t len)
{
	struct weft_candidate at = *from;
	struct content content;
	struct weft_hint hint = { .endpoints.count = 1 };

	node->ran = false;
	if (!node->config.beacons || !node->secrets.has_epoch || len != WEFT_BEACON_BYTES ||
	    !weft_node_take_budget(node, now, WEFT_BUDGET_BEACON, 1) ||
	    !open_beacon(node, bytes, &content))
		return;
	at.at.port = content.port[0] << 8 | content.port[1];
	memcpy(hint.identity.bytes, content.identity, sizeof(content.identity));
	memcpy(hint.tunnel.bytes, content.tunnel, sizeof(content.tunnel));
	hint.endpoints.at[0] = at.at;
	if (!weft_ip_endpoint_valid(&at.at) || weft_id_equal(&hint.identity, &node->identity.id))
		return;
	if (node->joining)
		weft_join_found(node, now, &hint, &at);
	else if (node->state == WEFT_NODE_MEMBER)
		found_member(node, now, &hint, &at);
}

void weft_beacon_soon(struct weft_node *node, const struct weft_time *now)
{
	node->beacons_sent = 0;
	node->beacon_at = now->ms;
}

static bool may_send(const struct weft_node *node)
{
	return node->config.beacons && node->state == WEFT_NODE_MEMBER &&
	       node->secrets.has_epoch && own_port(node);
}

void weft_beacon_run(struct weft_node *node, const struct weft_time *now)
{
	if (!may_send(node) || now->ms < node->beacon_at)
		return;
	node->send_beacon = true;
	node->beacons_sent++;
	node->beacon_at = now->ms + weft_random_about(&node->random,
						      node->beacons_sent < FIRST_COUNT ?
						      FIRST_EVERY : BEACON_EVERY);
}

uint64_t weft_beacon_due(const struct weft_node *node)
{
	return may_send(node) ? node->beacon_at : WEFT_NEVER;
}
