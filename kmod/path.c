// SPDX-License-Identifier: GPL-2.0
/*
 * The ways to a peer. Today a peer has one direct path, whose endpoint is
 * configured or learned and roams as the WireGuard paper's section 2.1 says.
 */

#include "path.h"

#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/ipv6.h>

#include "compat/compat.h"
#include "device.h"
#include "netlink.h"
#include "packet.h"
#include "peer.h"
#include "socket.h"

/**
 * weft_paths_init() - no path known
 * @paths: of a new peer
 */
void weft_paths_init(struct weft_paths *paths)
{
	spin_lock_init(&paths->lock);
	INIT_LIST_HEAD(&paths->list);
}

static void path_free(struct weft_path *path)
{
	dst_cache_destroy(&path->cache);
	kfree(path);
}

/**
 * weft_paths_destroy() - free all paths
 * @paths: of a peer that nobody can find any more, since a grace period
 */
void weft_paths_destroy(struct weft_paths *paths)
{
	struct weft_path *path, *next;

	list_for_each_entry_safe(path, next, &paths->list, list) {
		list_del(&path->list);
		path_free(path);
	}
}

static struct weft_path *path_create(gfp_t gfp)
{
	struct weft_path *path = kzalloc(sizeof(*path), gfp);

	if (!path)
		return NULL;
	if (dst_cache_init(&path->cache, gfp)) {
		kfree(path);
		return NULL;
	}
	spin_lock_init(&path->lock);
	path->type = WEFT_PATH_TYPE_DIRECT;
	return path;
}

static bool address_equal(const struct weft_endpoint *a,
			  const struct weft_endpoint *b)
{
	if (a->addr.sa_family != b->addr.sa_family)
		return false;
	if (a->addr.sa_family == AF_INET)
		return a->addr4.sin_port == b->addr4.sin_port &&
		       a->addr4.sin_addr.s_addr == b->addr4.sin_addr.s_addr;
	return a->addr6.sin6_port == b->addr6.sin6_port &&
	       ipv6_addr_equal(&a->addr6.sin6_addr, &b->addr6.sin6_addr) &&
	       a->addr6.sin6_scope_id == b->addr6.sin6_scope_id;
}

static bool source_equal(const struct weft_endpoint *a,
			 const struct weft_endpoint *b)
{
	if (a->addr.sa_family == AF_INET)
		return a->src4.s_addr == b->src4.s_addr &&
		       a->src_ifindex == b->src_ifindex;
	return ipv6_addr_equal(&a->src6, &b->src6);
}

/**
 * weft_endpoint_from_skb() - who sent a packet, and to which of our addresses
 * @endpoint: result
 * @skb: UDP packet with its outer headers
 *
 * Return: false if it is neither IPv4 nor IPv6.
 */
bool weft_endpoint_from_skb(struct weft_endpoint *endpoint,
			    const struct sk_buff *skb)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (ip_hdr(skb)->version == 4) {
		endpoint->addr4.sin_family = AF_INET;
		endpoint->addr4.sin_port = udp_hdr(skb)->source;
		endpoint->addr4.sin_addr.s_addr = ip_hdr(skb)->saddr;
		endpoint->src4.s_addr = ip_hdr(skb)->daddr;
		endpoint->src_ifindex = skb->skb_iif;
		return true;
	}
	if (ip_hdr(skb)->version == 6) {
		endpoint->addr6.sin6_family = AF_INET6;
		endpoint->addr6.sin6_port = udp_hdr(skb)->source;
		endpoint->addr6.sin6_addr = ipv6_hdr(skb)->saddr;
		endpoint->addr6.sin6_scope_id =
			ipv6_iface_scope_id(&ipv6_hdr(skb)->saddr,
					    skb->skb_iif);
		endpoint->src6 = ipv6_hdr(skb)->daddr;
		return true;
	}
	return false;
}

static struct weft_path *active_path(struct weft_paths *paths)
{
	return rcu_dereference_protected(paths->active,
					 lockdep_is_held(&paths->lock));
}

/*
 * Gives the peer its first path, unless another CPU was faster; @path is
 * consumed in any case. Returns false if there was one.
 */
static bool path_add(struct weft_paths *paths, struct weft_path *path,
		     const struct weft_endpoint *endpoint)
{
	bool first;

	spin_lock_bh(&paths->lock);
	first = !active_path(paths);
	if (first) {
		path->endpoint = *endpoint;
		path->state = WEFT_PATH_STATE_ACTIVE;
		list_add_tail_rcu(&path->list, &paths->list);
		paths->count++;
		rcu_assign_pointer(paths->active, path);
	}
	spin_unlock_bh(&paths->lock);
	if (!first)
		path_free(path);
	return first;
}

static void path_move(struct weft_path *path,
		      const struct weft_endpoint *endpoint)
{
	spin_lock_bh(&path->lock);
	path->endpoint = *endpoint;
	dst_cache_reset(&path->cache);
	spin_unlock_bh(&path->lock);
}

/* Returns false if there is no path to move. */
static bool move_active(struct weft_paths *paths,
			const struct weft_endpoint *endpoint)
{
	struct weft_path *path;

	rcu_read_lock_bh();
	path = rcu_dereference_bh(paths->active);
	if (path)
		path_move(path, endpoint);
	rcu_read_unlock_bh();
	return path;
}

/**
 * weft_path_prepare() - make sure that weft_path_set_endpoint() cannot fail
 *
 * Context: process.
 * Return: a path to hand to weft_path_set_endpoint(), NULL if memory is short.
 */
struct weft_path *weft_path_prepare(void)
{
	return path_create(GFP_KERNEL_ACCOUNT);
}

/**
 * weft_path_discard() - free what weft_path_prepare() made
 * @path: not handed on; or NULL
 */
void weft_path_discard(struct weft_path *path)
{
	if (path)
		path_free(path);
}

/**
 * weft_path_set_endpoint() - send to where the administrator says
 * @peer: the peer
 * @endpoint: address and port; the source is ignored
 * @spare: from weft_path_prepare(); consumed
 *
 * Context: process.
 */
void weft_path_set_endpoint(struct weft_peer *peer,
			    const struct weft_endpoint *endpoint,
			    struct weft_path *spare)
{
	struct weft_endpoint wanted = { .src_ifindex = 0 };

	if (endpoint->addr.sa_family == AF_INET)
		wanted.addr4 = endpoint->addr4;
	else
		wanted.addr6 = endpoint->addr6;

	if (move_active(&peer->paths, &wanted)) {
		path_free(spare);
		return;
	}
	/* A packet that came in meanwhile must not win over what was said. */
	if (!path_add(&peer->paths, spare, &wanted))
		move_active(&peer->paths, &wanted);
}

/*
 * Not for each packet of a peer that sends from two addresses in turn; what is
 * held back is told with a later packet, so that the last word is right.
 */
static void tell_move(struct weft_peer *peer)
{
	u64 now = get_jiffies_64();

	if (now - READ_ONCE(peer->paths.last_event) < HZ / 10) {
		WRITE_ONCE(peer->paths.event_due, true);
		return;
	}
	WRITE_ONCE(peer->paths.last_event, now);
	WRITE_ONCE(peer->paths.event_due, false);
	weft_netlink_path_event(peer, WEFT_PATH_EVENT_CHANGED);
}

static void path_learn(struct weft_peer *peer,
		       const struct weft_endpoint *endpoint)
{
	struct weft_path *path = path_create(GFP_ATOMIC);

	/* Without memory the next packet tries again. */
	if (path && path_add(&peer->paths, path, endpoint))
		tell_move(peer);
}

/**
 * weft_path_received() - an authenticated packet came in
 * @peer: from whom
 * @skb: the packet, with its outer headers
 *
 * The peer is where it last sent from.
 *
 * Context: RCU read section, bottom halves disabled or process.
 */
void weft_path_received(struct weft_peer *peer, const struct sk_buff *skb)
{
	struct weft_endpoint endpoint;
	struct weft_path *path;
	bool moved;

	if (!weft_endpoint_from_skb(&endpoint, skb))
		return;

	rcu_read_lock_bh();
	path = rcu_dereference_bh(peer->paths.active);
	if (unlikely(!path)) {
		path_learn(peer, &endpoint);
		path = rcu_dereference_bh(peer->paths.active);
		if (path)
			WRITE_ONCE(path->last_rx, get_jiffies_64());
		goto out;
	}
	WRITE_ONCE(path->last_rx, get_jiffies_64());
	/* A torn read of the endpoint only costs the lock. */
	moved = !address_equal(&path->endpoint, &endpoint);
	if (unlikely(moved || !source_equal(&path->endpoint, &endpoint)))
		path_move(path, &endpoint);
	if (unlikely(moved || READ_ONCE(peer->paths.event_due)))
		tell_move(peer);
out:
	rcu_read_unlock_bh();
}

/**
 * weft_paths_forget_sources() - let the routing table choose where from
 * @peer: the peer
 *
 * What we sent from may be what keeps answers away.
 */
void weft_paths_forget_sources(struct weft_peer *peer)
{
	struct weft_path *path;

	rcu_read_lock_bh();
	list_for_each_entry_rcu(path, &peer->paths.list, list) {
		spin_lock(&path->lock);
		memset(&path->endpoint.src6, 0, sizeof(path->endpoint.src6));
		path->endpoint.src_ifindex = 0;
		/*
		 * At once, on all CPUs: this is also how routes are dropped
		 * before their namespace goes away.
		 */
		dst_cache_reset_now(&path->cache);
		spin_unlock(&path->lock);
	}
	rcu_read_unlock_bh();
}

/**
 * weft_path_present() - is there anywhere to send to?
 * @peer: the peer
 */
bool weft_path_present(struct weft_peer *peer)
{
	return rcu_access_pointer(peer->paths.active);
}

/**
 * weft_path_endpoint() - where a peer is
 * @peer: the peer
 * @endpoint: result
 *
 * Return: false if it is not known.
 */
bool weft_path_endpoint(struct weft_peer *peer, struct weft_endpoint *endpoint)
{
	struct weft_path *path;

	rcu_read_lock_bh();
	path = rcu_dereference_bh(peer->paths.active);
	if (path) {
		spin_lock(&path->lock);
		*endpoint = path->endpoint;
		spin_unlock(&path->lock);
	}
	rcu_read_unlock_bh();
	return path;
}

static enum weft_drop drop_reason(int err)
{
	switch (err) {
	case -EDESTADDRREQ:
		return WEFT_DROP_TX_NO_ENDPOINT;
	case -ENOTCONN:
		return WEFT_DROP_TX_NO_SOCKET;
	default:
		return WEFT_DROP_TX_NO_ROUTE;
	}
}

static int path_route(struct weft_device *wdev, struct weft_path *path,
		      struct weft_route *route)
{
	int err;

	/* The cache must not be filled for an endpoint that has just moved. */
	spin_lock(&path->lock);
	err = weft_socket_route(wdev, &path->endpoint, &path->cache, route);
	spin_unlock(&path->lock);
	return err;
}

/**
 * weft_path_send() - send messages the active way
 * @peer: to whom
 * @batch: list of messages; consumed in any case
 * @tos: outer TOS or traffic class
 *
 * Return: 0; or -errno, and the drop is counted.
 */
int weft_path_send(struct weft_peer *peer, struct sk_buff *batch, u8 tos)
{
	struct weft_device *wdev = peer->wdev;
	unsigned int packets = 0;
	struct weft_route route;
	struct weft_path *path;
	struct sk_buff *skb;
	u64 bytes = 0;
	int err;

	rcu_read_lock_bh();
	path = rcu_dereference_bh(peer->paths.active);
	err = path ? path_route(wdev, path, &route) : -EDESTADDRREQ;
	if (unlikely(err)) {
		weft_drop_list(wdev, batch, drop_reason(err));
		goto out;
	}
	for (skb = batch; skb; skb = skb->next) {
		packets += max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
		bytes += skb->len;
	}
	weft_socket_xmit(wdev, &route, batch, tos);
	atomic64_add(bytes, &peer->tx_bytes);
	weft_stats_tx(wdev, packets, bytes);
out:
	rcu_read_unlock_bh();
	return err;
}

/**
 * weft_path_send_buffer() - send one message the active way
 * @peer: to whom
 * @buffer: the message
 * @len: its length
 * @tos: outer TOS or traffic class
 *
 * Return: 0 or -errno.
 */
int weft_path_send_buffer(struct weft_peer *peer, const void *buffer,
			  size_t len, u8 tos)
{
	struct sk_buff *skb = weft_socket_skb(buffer, len);

	if (unlikely(!skb))
		return -ENOMEM;
	return weft_path_send(peer, skb, tos);
}
