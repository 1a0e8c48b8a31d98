// SPDX-License-Identifier: GPL-2.0-or-later
/* Those that we have to do with, and why. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node_internal.h"

bool weft_grow(void **at, size_t *size, size_t count, size_t each)
{
	size_t larger = *size + *size / 2 + 8;
	void *grown;

	if (count < *size)
		return true;
	grown = realloc(*at, larger * each);
	if (!grown)
		return false;
	*at = grown;
	*size = larger;
	return true;
}

/* Where it is among the contacts, or would be. */
static size_t place(const struct weft_node *node, const struct weft_id *id)
{
	size_t low = 0, high = node->contacts.count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (weft_id_compare(&node->contacts.at[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct weft_contact *weft_contact_find(const struct weft_node *node, const struct weft_id *id)
{
	size_t n = place(node, id);

	if (n == node->contacts.count || !weft_id_equal(&node->contacts.at[n]->id, id))
		return NULL;
	return node->contacts.at[n];
}

struct weft_contact *weft_contact_by_address(const struct weft_node *node,
					     const uint8_t address[16])
{
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		if (!memcmp(node->contacts.at[i]->address, address, 16))
			return node->contacts.at[i];
	}
	return NULL;
}

/* Of two who claim a key, the one whom the kernel has under it. */
struct weft_contact *weft_contact_by_key(const struct weft_node *node,
					 const struct weft_tunnel_key *key)
{
	struct weft_contact *contact, *found = NULL;
	size_t i;

	for (i = 0; i < node->contacts.count; i++) {
		contact = node->contacts.at[i];
		if (!memcmp(&contact->key, key, sizeof(*key)) && (!found || contact->programmed))
			found = contact;
	}
	return found;
}

static struct weft_contact *insert(struct weft_node *node, const struct weft_id *id)
{
	size_t n = place(node, id);
	struct weft_contact *contact;

	if (!weft_list_room(&node->contacts))
		return NULL;
	contact = calloc(1, sizeof(*contact));
	if (!contact)
		return NULL;
	contact->id = *id;
	weft_member_address(contact->address, weft_roster_network(node->roster), id);
	memmove(&node->contacts.at[n + 1], &node->contacts.at[n],
		(node->contacts.count - n) * sizeof(node->contacts.at[0]));
	node->contacts.at[n] = contact;
	node->contacts.count++;
	return contact;
}

/* Whether there can be a session with it at all. */
bool weft_reachable(const struct weft_node *node, const struct weft_member *member)
{
	return member && member->state == WEFT_MEMBER && member->has_tunnel &&
	       !weft_id_equal(&member->identity, &node->identity.id);
}

/* The contact of a member that is reachable; NULL: without memory. */
struct weft_contact *weft_contact_get(struct weft_node *node, const struct weft_member *member)
{
	struct weft_contact *contact = weft_contact_find(node, &member->identity);

	if (!contact)
		contact = insert(node, &member->identity);
	if (!contact)
		return NULL;
	if (memcmp(&contact->key, &member->tunnel, sizeof(contact->key))) {
		contact->key = member->tunnel;
		contact->session = false;
		contact->dirty = true;
		node->peers_dirty = true;
	}
	contact->hinted = false;
	return contact;
}

/* Who is said to be a member, by a token or a beacon, before the roster says so. */
struct weft_contact *weft_contact_hinted(struct weft_node *node, const struct weft_hint *hint)
{
	struct weft_contact *contact = weft_contact_find(node, &hint->identity);

	if (!contact)
		contact = insert(node, &hint->identity);
	if (!contact)
		return NULL;
	contact->key = hint->tunnel;
	contact->hinted = true;
	return contact;
}

/* The kernel may have to be told of it. */
void weft_contact_touch(struct weft_node *node, struct weft_contact *contact)
{
	contact->dirty = true;
	node->peers_dirty = true;
}

void weft_contact_want(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, unsigned int why)
{
	contact->active_ms = now->ms;
	if ((contact->wanted & why) == why)
		return;
	contact->wanted |= why;
	weft_contact_touch(node, contact);
}

void weft_contact_unwant(struct weft_node *node, struct weft_contact *contact, unsigned int why)
{
	if (!(contact->wanted & why))
		return;
	contact->wanted &= ~why;
	weft_contact_touch(node, contact);
	if (contact->wanted)
		return;
	contact->session = false;
	contact->alive = false;
	contact->ping_at = 0;
	contact->tries = 0;
}

static bool same_candidate(const struct weft_candidate *a, const struct weft_candidate *b)
{
	return weft_endpoint_equal(&a->at, &b->at) && a->ifindex == b->ifindex;
}

/* The kernel has a session with it, and sees it there: what a rendezvous said comes first no more. */
void weft_contact_seen(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_candidate *at)
{
	if (!at || !weft_ip_endpoint_valid(&at->at))
		return;
	if (!contact->has_at || !same_candidate(&contact->at, at) ||
	    now->unix_s - contact->at_unix > 3600) {
		if (!node->endpoints_at)
			node->endpoints_at = now->ms + WEFT_MINUTE;
		contact->at_unix = now->unix_s;
	}
	contact->has_at = true;
	contact->at = *at;
	free(contact->published);
	contact->published = NULL;
	contact->turn = 0;
}

/* Take it out of the kernel, and forget it. */
void weft_contact_drop(struct weft_node *node, size_t n)
{
	struct weft_contact *contact = node->contacts.at[n];

	if (contact->programmed && weft_list_room(&node->to_remove))
		node->to_remove.at[node->to_remove.count++] = contact->programmed_key;
	free(contact->published);
	free(contact);
	node->contacts.count--;
	memmove(&node->contacts.at[n], &node->contacts.at[n + 1],
		(node->contacts.count - n) * sizeof(node->contacts.at[0]));
}

void weft_contacts_clear(struct weft_node *node)
{
	while (node->contacts.count)
		weft_contact_drop(node, node->contacts.count - 1);
}
