// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must change for an interface to be as a file says. Peers that are as
 * they should be are left out of the request, so that nothing disturbs them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "weft_tool.h"

/* Peers of a device in the order of their keys. */
struct index {
	const struct weft_peer **peers;
	size_t n;
};

static void free_index(struct index *index)
{
	free(index->peers);
}

static int by_key(const void *first, const void *second)
{
	const struct weft_peer *const *a = first, *const *b = second;

	/* Public keys need no constant time. */
	return memcmp(&(*a)->public_key, &(*b)->public_key, sizeof((*a)->public_key));
}

static int make_index(const struct weft_device *dev, struct index *index)
{
	const struct weft_peer *peer;
	size_t n = 0;

	weft_for_each_peer(dev, peer)
		++n;
	index->peers = calloc(n ? n : 1, sizeof(*index->peers));
	if (!index->peers)
		return -ENOMEM;
	weft_for_each_peer(dev, peer)
		index->peers[index->n++] = peer;
	qsort(index->peers, n, sizeof(*index->peers), by_key);
	return 0;
}

static const struct weft_peer *find(const struct index *index, const struct weft_peer *peer)
{
	const struct weft_peer **found = bsearch(&peer, index->peers, index->n,
						 sizeof(*index->peers), by_key);

	return found ? *found : NULL;
}

static int by_prefix(const void *first, const void *second)
{
	const struct weft_allowed_ip *a = first, *b = second;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len < b->prefix_len ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

static void clear_host_bits(struct weft_allowed_ip *ip)
{
	for (unsigned int bit = ip->prefix_len; bit < 8 * sizeof(ip->addr); ++bit)
		ip->addr[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
}

/* Sorted, each once; the host bits are gone already. */
static size_t normalize(struct weft_allowed_ip *ips, size_t n)
{
	size_t kept = 0;

	qsort(ips, n, sizeof(*ips), by_prefix);
	for (size_t i = 0; i < n; ++i) {
		if (!kept || by_prefix(&ips[kept - 1], &ips[i]))
			ips[kept++] = ips[i];
	}
	return kept;
}

static struct weft_allowed_ip *copy_allowed_ips(const struct weft_peer *peer)
{
	struct weft_allowed_ip *ips = calloc(peer->n_allowed_ips + 1, sizeof(*ips));

	if (ips && peer->n_allowed_ips)
		memcpy(ips, peer->allowed_ips, peer->n_allowed_ips * sizeof(*ips));
	return ips;
}

/* Return 1 if both have the same allowed IPs, 0 if not, or -ENOMEM. */
static int same_allowed_ips(const struct weft_peer *a, const struct weft_peer *b)
{
	struct weft_allowed_ip *x = copy_allowed_ips(a), *y = copy_allowed_ips(b);
	int same = -ENOMEM;

	if (x && y) {
		size_t nx = normalize(x, a->n_allowed_ips);
		size_t ny = normalize(y, b->n_allowed_ips);

		same = nx == ny;
		for (size_t i = 0; same && i < nx; ++i)
			same = !by_prefix(&x[i], &y[i]);
	}
	free(x);
	free(y);
	return same;
}

/* An allowed IP and its place among all of a device. */
struct placed_ip {
	struct weft_allowed_ip *ip;
	size_t place;
};

static int by_prefix_and_place(const void *first, const void *second)
{
	const struct placed_ip *a = first, *b = second;
	int order = by_prefix(a->ip, b->ip);

	if (order)
		return order;
	return a->place < b->place ? -1 : a->place > b->place;
}

static size_t place_all(const struct weft_device *dev, struct placed_ip *placed)
{
	const struct weft_peer *peer;
	struct weft_allowed_ip *ip;
	size_t n = 0;

	weft_for_each_peer(dev, peer) {
		weft_for_each_allowed_ip(peer, ip) {
			clear_host_bits(ip);
			if (placed)
				placed[n] = (struct placed_ip){ ip, n };
			++n;
		}
	}
	return n;
}

/* A family of 0 stands for an entry that goes. */
static void drop_marked(struct weft_peer *peer)
{
	size_t kept = 0;

	for (size_t i = 0; i < peer->n_allowed_ips; ++i) {
		if (peer->allowed_ips[i].family)
			peer->allowed_ips[kept++] = peer->allowed_ips[i];
	}
	peer->n_allowed_ips = kept;
}

/*
 * A prefix belongs to one peer: of several that a file gives it to, the last,
 * as the kernel applies them in order. The others must not ask for it, or the
 * interface would never be found to be as the file says.
 */
static int settle_prefixes(struct weft_device *dev)
{
	size_t n = place_all(dev, NULL);
	struct placed_ip *placed = calloc(n + 1, sizeof(*placed));
	struct weft_peer *peer;

	if (!placed)
		return -ENOMEM;
	place_all(dev, placed);
	qsort(placed, n, sizeof(*placed), by_prefix_and_place);
	for (size_t i = 1; i < n; ++i) {
		if (!by_prefix(placed[i - 1].ip, placed[i].ip))
			placed[i - 1].ip->family = 0;
	}
	free(placed);
	weft_for_each_peer(dev, peer)
		drop_marked(peer);
	return 0;
}

static bool same_endpoint(const union weft_endpoint *a, const union weft_endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr));
}

/*
 * A member that the file leaves out has its initial value. An endpoint has
 * none: where the peer was last seen stays.
 */
static int diff_peer(struct weft_peer *wanted, const struct weft_peer *present)
{
	uint32_t present_suite = present->has & WEFT_PEER_HAS_SUITE ? present->suite :
				 WEFT_SUITE_AUTO;
	int same;

	if (!(wanted->has & WEFT_PEER_HAS_SUITE))
		wanted->suite = WEFT_SUITE_AUTO;
	if (!(wanted->has & WEFT_PEER_HAS_ENDPOINT) ||
	    same_endpoint(&wanted->endpoint, &present->endpoint))
		wanted->has &= ~WEFT_PEER_HAS_ENDPOINT;
	wanted->has &= WEFT_PEER_HAS_ENDPOINT;
	if (!weft_key_equal(&wanted->preshared_key, &present->preshared_key))
		wanted->has |= WEFT_PEER_HAS_PRESHARED_KEY;
	if (wanted->persistent_keepalive != present->persistent_keepalive)
		wanted->has |= WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
	if (wanted->suite != present_suite)
		wanted->has |= WEFT_PEER_HAS_SUITE;
	same = same_allowed_ips(wanted, present);
	if (same == 1) {
		wanted->flags &= ~WEFT_PEER_F_REPLACE_ALLOWED_IPS;
		wanted->n_allowed_ips = 0;
	}
	return same < 0 ? same : 0;
}

static bool changes_nothing(const struct weft_peer *peer)
{
	return !peer->has && !peer->flags && !peer->n_allowed_ips;
}

/* Whether the file names the peer twice, so that the two must be applied in turn. */
static bool is_repeated(const struct index *index, const struct weft_peer *peer)
{
	const struct weft_peer **found = bsearch(&peer, index->peers, index->n,
						 sizeof(*index->peers), by_key);
	const struct weft_peer **end = index->peers + index->n;

	return (found > index->peers && !by_key(found - 1, found)) ||
	       (found + 1 < end && !by_key(found + 1, found));
}

static void drop_unchanged(struct weft_device *dev)
{
	struct weft_peer **link = &dev->first_peer;

	dev->last_peer = NULL;
	while (*link) {
		struct weft_peer *peer = *link;

		if (changes_nothing(peer)) {
			*link = peer->next;
			weft_peer_clear(peer);
			free(peer);
		} else {
			dev->last_peer = peer;
			link = &peer->next;
		}
	}
}

static void diff_device(struct weft_device *wanted, const struct weft_device *present)
{
	wanted->flags &= ~WEFT_DEVICE_F_REPLACE_PEERS;
	if (weft_key_equal(&wanted->private_key, &present->private_key))
		wanted->has &= ~WEFT_DEVICE_HAS_PRIVATE_KEY;
	if (wanted->listen_port == present->listen_port)
		wanted->has &= ~WEFT_DEVICE_HAS_LISTEN_PORT;
	if (wanted->fwmark == present->fwmark)
		wanted->has &= ~WEFT_DEVICE_HAS_FWMARK;
	if (wanted->upcalls == present->upcalls)
		wanted->has &= ~WEFT_DEVICE_HAS_UPCALLS;
}

static int diff_peers(struct weft_device *wanted, const struct index *wanted_index,
		      const struct index *present_index)
{
	struct weft_peer *peer;
	int err;

	weft_for_each_peer(wanted, peer) {
		const struct weft_peer *other = find(present_index, peer);

		if (!other || is_repeated(wanted_index, peer))
			continue;
		err = diff_peer(peer, other);
		if (err)
			return err;
	}
	return 0;
}

static int add_removals(struct weft_device *wanted, const struct index *wanted_index,
			const struct weft_device *present)
{
	const struct weft_peer *peer;

	weft_for_each_peer(present, peer) {
		struct weft_peer *removal;

		if (find(wanted_index, peer))
			continue;
		removal = weft_device_add_peer(wanted, &peer->public_key);
		if (!removal)
			return -ENOMEM;
		removal->flags = WEFT_PEER_F_REMOVE_ME;
	}
	return 0;
}

int sync_changes(struct weft_device *wanted, const struct weft_device *present)
{
	__attribute__((cleanup(free_index))) struct index wanted_index = { 0 };
	__attribute__((cleanup(free_index))) struct index present_index = { 0 };
	int err;

	err = settle_prefixes(wanted);
	if (!err)
		err = make_index(wanted, &wanted_index);
	if (!err)
		err = make_index(present, &present_index);
	if (!err)
		err = diff_peers(wanted, &wanted_index, &present_index);
	/* The index still points to peers, so those that go leave last. */
	if (!err)
		err = add_removals(wanted, &wanted_index, present);
	if (err)
		return err;
	diff_device(wanted, present);
	drop_unchanged(wanted);
	return 0;
}
