/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_PATH_H
#define _WEFT_PATH_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/weft.h>
#include <net/dst_cache.h>

struct sk_buff;
struct weft_device;
struct weft_peer;

/**
 * struct weft_endpoint - the two ends of a direct path
 * @addr: the peer's address and port; family AF_UNSPEC for none
 * @addr4: the same, IPv4
 * @addr6: the same, IPv6
 * @src4: our IPv4 address, 0 if the routing table chooses
 * @src6: our IPv6 address, any if the routing table chooses
 * @src_ifindex: interface that goes with our IPv4 address; 0 for none. With
 *	IPv6 the scope of @addr6 says it.
 */
struct weft_endpoint {
	union {
		struct sockaddr addr;
		struct sockaddr_in addr4;
		struct sockaddr_in6 addr6;
	};
	union {
		struct in_addr src4;
		struct in6_addr src6;
	};
	int src_ifindex;
};

/**
 * struct weft_path - a way to a peer
 * @list: in weft_paths.list
 * @type: enum weft_path_type; constant
 * @state: enum weft_path_state; under weft_paths.lock
 * @last_rx: jiffies64 of the last authenticated packet, 0 for none; written
 *	without a lock
 * @endpoint: where it leads; compared without the lock
 * @cache: route there, reset whenever @endpoint changes
 * @rcu: readers find paths under RCU
 */
struct weft_path {
	struct list_head list;
	u8 type;
	u8 state;
	u64 last_rx;
	/** @lock: protects @endpoint and goes around each use of @cache; BH-safe */
	spinlock_t lock;
	struct weft_endpoint endpoint;
	struct dst_cache cache;
	struct rcu_head rcu;
};

/**
 * struct weft_paths - the paths of one peer
 * @list: all of them, up to WEFT_MAX_PATHS, read under RCU
 * @active: where data goes; NULL while no path is known
 * @count: length of @list
 * @event_due: the endpoint has moved since @last_event; not locked
 * @last_event: jiffies64 of the last event about the endpoint; not locked
 *
 * A peer that has never had an endpoint has no path and needs no memory for one.
 */
struct weft_paths {
	/** @lock: serialises changes of @list, @active and the states; BH-safe */
	spinlock_t lock;
	struct list_head list;
	struct weft_path __rcu *active;
	u8 count;
	bool event_due;
	u64 last_event;
};

void weft_paths_init(struct weft_paths *paths);
void weft_paths_destroy(struct weft_paths *paths);
void weft_paths_forget_sources(struct weft_peer *peer);

bool weft_endpoint_from_skb(struct weft_endpoint *endpoint,
			    const struct sk_buff *skb);
struct weft_path *weft_path_prepare(void);
void weft_path_discard(struct weft_path *path);
void weft_path_set_endpoint(struct weft_peer *peer,
			    const struct weft_endpoint *endpoint,
			    struct weft_path *spare);
void weft_path_received(struct weft_peer *peer, const struct sk_buff *skb);
bool weft_path_present(struct weft_peer *peer);
bool weft_path_endpoint(struct weft_peer *peer, struct weft_endpoint *endpoint);

int weft_path_send(struct weft_peer *peer, struct sk_buff *batch, u8 tos);
int weft_path_send_buffer(struct weft_peer *peer, const void *buffer,
			  size_t len, u8 tos);

#endif /* _WEFT_PATH_H */
