/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_PEER_H
#define _WEFT_PEER_H

#include <linux/kref.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>

#include "allowedips.h"
#include "burst.h"
#include "control.h"
#include "cookie.h"
#include "noise.h"
#include "path.h"
#include "queue.h"
#include "session.h"
#include "timers.h"

struct weft_device;

/**
 * struct weft_peer - a machine that the device talks to
 * @wdev: the device
 * @id: number for messages, unique in the module
 * @node: in weft_peer_table.by_key, by @handshake.remote_static
 * @list: in weft_peer_table.peers; under weft_device.lock
 * @allowedips: the peer's prefixes, through weft_allowedips_node.peer_list;
 *	under weft_device.lock
 * @dead: it is being removed; set once under @sessions.lock
 * @suite: enum weft_suite_id to use with it; under weft_device.lock, read
 *	without
 * @control: what it has said about itself
 * @handshake: Noise state
 * @cookie: last cookie received, and what its messages are protected with
 * @sessions: transport keys
 * @paths: ways to it
 * @timers: what is to happen when nothing happens
 * @staged: packets that wait for a session
 * @tx: batches on their way out
 * @rx: batches on their way in
 * @burst: which of those on their way out wait for others
 * @lane_list: in weft_lane.ready; under weft_lane.lock
 * @on_lane: @lane_list is linked; under weft_lane.lock
 * @handshake_work: sends an initiation
 * @expire_work: forgets keys that are too old
 * @drain_work: goes on draining @tx
 * @last_sent_handshake: ktime_get_coarse_boottime_ns() of the last initiation
 * @rx_bytes: authenticated bytes received, above UDP
 * @tx_bytes: bytes sent, above UDP
 * @refs: one of the table it is in, one of each work, lane or batch with a
 *	worker that will look at it. Everybody else relies on RCU.
 * @rcu: memory is freed after a grace period
 *
 * Life: weft_peer_create() makes it, weft_peer_insert() lets the data path
 * find it. Death goes in three steps, the same for one peer and for all of a
 * device (see weft_peer_bury()).
 */
struct weft_peer {
	struct weft_device *wdev;
	u64 id;
	struct rhash_head node;
	struct list_head list;
	struct list_head allowedips;
	bool dead;
	u8 suite;
	struct weft_control control;
	struct weft_handshake handshake;
	struct weft_cookie cookie;
	struct weft_sessions sessions;
	struct weft_paths paths;
	struct weft_timers timers;
	struct sk_buff_head staged;
	struct weft_order_queue tx;
	struct weft_order_queue rx;
	struct weft_burst burst;
	struct list_head lane_list;
	bool on_lane;
	struct work_struct handshake_work;
	struct work_struct expire_work;
	struct work_struct drain_work;
	atomic64_t last_sent_handshake;
	atomic64_t rx_bytes;
	atomic64_t tx_bytes;
	struct kref refs;
	struct rcu_head rcu;
};

/**
 * struct weft_peer_table - all peers of a device
 * @by_key: by public key
 * @allowed: who may use which inner address
 * @peers: in order of their ids; under weft_device.lock
 * @count: how many; under weft_device.lock
 *
 * The data path finds it under RCU. A request that replaces all peers builds
 * a new table and exchanges the pointer.
 */
struct weft_peer_table {
	struct rhashtable by_key;
	struct weft_allowedips allowed;
	struct list_head peers;
	unsigned int count;
};

struct weft_peer_table *weft_peer_table_create(void);
void weft_peer_table_destroy(struct weft_peer_table *table, struct mutex *lock);
void weft_peer_table_abandon(struct weft_peer_table *table, struct mutex *lock);

struct weft_peer *weft_peer_create(struct weft_device *wdev,
				   const u8 public_key[WEFT_KEY_LEN]);
void weft_peer_abandon(struct weft_peer *peer);
int weft_peer_insert(struct weft_peer_table *table, struct weft_peer *peer);
void weft_peer_secrets_wanted(struct weft_device *wdev);
void weft_peer_secrets_work(struct work_struct *work);
struct weft_peer *weft_peer_lookup(struct weft_peer_table *table,
				   const u8 public_key[WEFT_KEY_LEN]);
void weft_peer_remove(struct weft_peer *peer);
void weft_peer_make_dead(struct weft_peer *peer, struct list_head *dead);
void weft_peer_bury(struct list_head *dead);
void weft_peer_exchange(struct weft_peer *old, struct weft_peer *new,
			struct list_head *dead);
void weft_peer_remove_all(struct weft_device *wdev);
struct weft_peer_table *weft_peer_table_publish(struct weft_device *wdev,
						struct weft_peer_table *table,
						struct list_head *dead);

struct weft_peer *weft_peer_get_maybe_zero(struct weft_peer *peer);
void weft_peer_put(struct weft_peer *peer);

static inline struct weft_peer *weft_peer_get(struct weft_peer *peer)
{
	kref_get(&peer->refs);
	return peer;
}

int weft_peer_module_init(void);
void weft_peer_module_exit(void);

#endif /* _WEFT_PEER_H */
