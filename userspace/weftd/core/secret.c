// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network's secret, from member to member. It goes inside tunnels, and sealed once more from
 * tunnel key to tunnel key: a datagram that left by another way than the tunnel tells nobody.
 */
#include <sodium.h>
#include <string.h>

#include "node_internal.h"

#define ASK_EVERY WEFT_SECOND

_Static_assert(WEFT_SEALED_SECRET == crypto_box_NONCEBYTES + crypto_box_MACBYTES + 32,
	       "a sealed secret is nonce, tag, secret");

static bool wanted_commitment(const struct weft_node *node, struct weft_id *commitment)
{
	const struct weft_record *epoch = weft_roster_epoch(node->roster);
	struct weft_fields fields;

	if (!epoch)
		return false;
	weft_record_fields(epoch, &fields);
	*commitment = fields.commitment;
	return true;
}

static bool keeps(const uint8_t secret[32], const struct weft_id *commitment)
{
	struct weft_id ours;

	weft_commitment(&ours, secret);
	return weft_id_equal(&ours, commitment);
}

/* Whether we have the secret that the network's records say is current. */
bool weft_secret_current(const struct weft_node *node)
{
	struct weft_id commitment;

	return node->secrets.has_epoch && wanted_commitment(node, &commitment) &&
	       keeps(node->secrets.epoch, &commitment);
}

static void give(struct weft_node *node, struct weft_contact *contact)
{
	struct weft_message message = { .type = WEFT_SECRET };
	uint8_t *nonce = message.sealed;

	weft_random_bytes(&node->random, nonce, crypto_box_NONCEBYTES);
	if (!crypto_box_easy(nonce + crypto_box_NONCEBYTES, node->secrets.epoch,
			     sizeof(node->secrets.epoch), nonce, contact->key.bytes,
			     node->tunnel.private_key.bytes))
		weft_send(node, contact->address, &message);
}

/* Only to whom the roster says, this moment, is a member. */
static bool may_have(const struct weft_node *node, const struct weft_contact *contact)
{
	const struct weft_member *member = weft_roster_member(node->roster, &contact->id);

	return weft_reachable(node, member) && !member->is_static;
}

void weft_secret_asked(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_id *commitment)
{
	const struct weft_id by = contact->id;
	struct weft_id current;

	/* the revocation that the new secret is for may wait to be looked at: then this is no contact */
	if (node->state != WEFT_NODE_MEMBER || !weft_review_now(node, now))
		return;
	contact = weft_contact_find(node, &by);
	if (!contact || !may_have(node, contact) || !weft_secret_current(node) ||
	    !wanted_commitment(node, &current) || !weft_id_equal(commitment, &current) ||
	    !weft_node_take_budget(node, now, WEFT_BUDGET_SECRET, 1))
		return;
	give(node, contact);
}

static void pass_on(struct weft_node *node, const struct weft_contact *from)
{
	struct weft_contact *contact;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		if (contact != from && weft_in_touch(contact) && may_have(node, contact))
			give(node, contact);
	}
}

void weft_secret_take(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const uint8_t sealed[WEFT_SEALED_SECRET])
{
	struct weft_id commitment;
	uint8_t secret[32];

	(void)now;
	if (weft_secret_current(node) || !wanted_commitment(node, &commitment) ||
	    crypto_box_open_easy(secret, sealed + crypto_box_NONCEBYTES,
				 WEFT_SEALED_SECRET - crypto_box_NONCEBYTES, sealed,
				 contact->key.bytes, node->tunnel.private_key.bytes) ||
	    !keeps(secret, &commitment)) {
		node->stats.drops[WEFT_DROP_UNASKED]++;
		return;
	}
	memcpy(node->secrets.epoch, secret, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
	node->secrets.has_epoch = true;
	node->persist |= WEFT_PERSIST_SECRETS;
	weft_notify(node, WEFT_NOTICE_SECRET, &contact->id, 0);
	pass_on(node, contact);
}

/* It is ours, and new. */
void weft_secret_spread(struct weft_node *node)
{
	if (weft_secret_current(node))
		pass_on(node, NULL);
}

static struct weft_contact *anyone(struct weft_node *node)
{
	struct weft_contact *chosen = NULL;
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		if (node->contacts.at[i]->alive && !weft_random_below(&node->random, ++count))
			chosen = node->contacts.at[i];
	}
	return chosen;
}

void weft_secret_run(struct weft_node *node, const struct weft_time *now)
{
	struct weft_message message = { .type = WEFT_ASK_SECRET };
	struct weft_contact *contact;

	if (now->ms < node->ask_secret_at || weft_secret_current(node) ||
	    !wanted_commitment(node, &message.commitment))
		return;
	node->ask_secret_at = now->ms + weft_random_about(&node->random, ASK_EVERY);
	contact = anyone(node);
	if (contact)
		weft_send(node, contact->address, &message);
}

uint64_t weft_secret_due(const struct weft_node *node)
{
	return !weft_roster_epoch(node->roster) || weft_secret_current(node) ?
		       WEFT_NEVER : node->ask_secret_at;
}

/* A new one, which those who were revoked do not get. */
int weft_secret_new(struct weft_node *node, const struct weft_time *now)
{
	struct weft_identity admin;
	struct weft_record *record;
	uint8_t secret[32];
	int error;

	weft_admin_identity(node, &admin);
	weft_random_bytes(&node->random, secret, sizeof(secret));
	error = weft_epoch_make(&record, node->roster, secret, &admin, now->unix_s);
	weft_identity_wipe(&admin);
	if (!error) {
		error = weft_roster_add(node->roster, record);
		weft_record_put(record);
	}
	if (!error) {
		memcpy(node->secrets.epoch, secret, sizeof(secret));
		node->secrets.has_epoch = true;
		node->persist |= WEFT_PERSIST_SECRETS;
	}
	sodium_memzero(secret, sizeof(secret));
	return error;
}
