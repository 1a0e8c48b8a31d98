/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_DEVICE_H
#define _WEFT_DEVICE_H

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/ptr_ring.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>

#include "cookie.h"
#include "crypt.h"
#include "lane.h"
#include "noise.h"
#include "peer.h"
#include "stats.h"
#include "upcall.h"

/**
 * struct weft_handshake_worker - one of the workers that share incoming
 *	handshake messages
 * @work: on weft_device.handshake_wq
 * @wdev: back
 */
struct weft_handshake_worker {
	struct work_struct work;
	struct weft_device *wdev;
};

/**
 * struct weft_device - what belongs to one interface
 * @dev: the interface
 * @list: in the module's list of devices; under RTNL
 * @birth_net: namespace of the sockets: the one the device was made in.
 *	Not counted, cleared by its pre_exit and by the destructor; RCU, changed
 *	under @lock
 * @sock4: IPv4 socket; RCU, changed under @lock
 * @sock6: IPv6 socket; likewise
 * @train_hook: keeps trains of datagrams whole on their way to the sockets
 * @train_net: namespace that it is in, NULL if it is not; under @lock
 * @port: UDP port of both; what was asked for while the device is down
 * @fwmark: of encapsulated packets; read without a lock
 * @identity: static keys
 * @cookie_checker: to tell floods from handshakes
 * @table: peers; RCU, changed under @lock
 * @indexes: our receiver indexes, struct weft_index
 * @generation: of the peers and their allowed IPs: what is noted of them is
 *	good as long as this is the same. No two devices ever have the same one,
 *	but for 0 before the first change; under @lock
 * @crypt: shares the cipher's work
 * @crypt_wq: its workers
 * @send_wq: sends what they have sealed; bound to CPUs
 * @lanes: delivery to the stack
 * @lane_count: how many
 * @handshake_ring: handshake messages received, bounded
 * @handshakes_queued: messages in @handshake_ring
 * @handshake_workers: one for each possible CPU
 * @handshake_wq: their work queue
 * @peer_wq: initiations to send, keys to forget, secrets to compute
 * @secrets_work: computes the secrets of new peers
 * @next_handshake_worker: worker to wake next; a hint
 * @last_under_load: when the handshake ring was last nearly full,
 *	ktime_get_coarse_boottime_ns()
 * @staged_packets: skbs that wait for sessions, all peers together
 * @upcalls: what userspace has been asked about
 * @stats: per CPU
 */
struct weft_device {
	struct net_device *dev;
	struct list_head list;
	struct net __rcu *birth_net;
	/** @lock: serialises configuration. Inside RTNL. Never taken on the data path. */
	struct mutex lock;
	struct sock __rcu *sock4;
	struct sock __rcu *sock6;
#ifdef CONFIG_NETFILTER
	struct nf_hook_ops train_hook;
	struct net *train_net;
#endif
	u16 port;
	u32 fwmark;
	struct weft_identity identity;
	struct weft_cookie_checker cookie_checker;
	struct weft_peer_table __rcu *table;
	struct rhashtable indexes;
	u64 generation;
	struct weft_crypt crypt;
	struct workqueue_struct *crypt_wq;
	struct workqueue_struct *send_wq;
	struct weft_lane *lanes;
	unsigned int lane_count;
	struct ptr_ring handshake_ring;
	atomic_t handshakes_queued;
	struct weft_handshake_worker *handshake_workers;
	struct workqueue_struct *handshake_wq;
	struct workqueue_struct *peer_wq;
	struct delayed_work secrets_work;
	unsigned int next_handshake_worker;
	u64 last_under_load;
	atomic_t staged_packets;
	struct weft_upcalls upcalls;
	struct weft_stats __percpu *stats;
};

/**
 * weft_device_table - peers of a device, for writers
 * @wdev: the device; its lock is held
 */
static inline struct weft_peer_table *weft_device_table(struct weft_device *wdev)
{
	return rcu_dereference_protected(wdev->table,
					 lockdep_is_held(&wdev->lock));
}

bool weft_device_is(const struct net_device *dev);
void weft_device_changed(struct weft_device *wdev);
int weft_device_set_port(struct weft_device *wdev, u16 port);
int weft_device_set_fwmark(struct weft_device *wdev, u32 fwmark);
void weft_device_set_private_key(struct weft_device *wdev,
				 const u8 private_key[WEFT_KEY_LEN]);

void weft_device_replace_peers(struct weft_device *wdev,
			       struct weft_peer_table *table,
			       const u8 *private_key);

int weft_device_module_init(void);
void weft_device_module_exit(void);

#endif /* _WEFT_DEVICE_H */
