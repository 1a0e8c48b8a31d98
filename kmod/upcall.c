// SPDX-License-Identifier: GPL-2.0
/*
 * Upcalls: of an inner address that no peer has, and of an initiation from
 * somebody who is no peer, userspace is told. It may know who that is and add
 * the peer; until then the packets and the initiation are held, so that the
 * first packet and the first handshake are not lost. A machine so needs only
 * those peers that it talks to.
 *
 * Only a device that was told to does that, and only while somebody listens:
 * otherwise senders learn at once that there is nobody.
 */

#include "upcall.h"

#include <linux/in.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "compat/compat.h"
#include "device.h"
#include "netlink.h"
#include "packet.h"
#include "path.h"
#include "peer.h"
#include "stats.h"

/* A longer time lets tests on slow machines look at what is held. */
static unsigned int hold_ms __read_mostly = WEFT_UPCALL_HOLD * MSEC_PER_SEC;
module_param_named(debug_upcall_hold_ms, hold_ms, uint, 0600);
MODULE_PARM_DESC(debug_upcall_hold_ms,
		 "For tests: how long packets and initiations are held");

/**
 * struct address - an inner address
 * @family: AF_INET or AF_INET6
 * @ip: network order; only the first word of an IPv4 address, the rest is zero
 */
struct address {
	u32 family;
	__be32 ip[4];
};

/**
 * struct held_address - an address that no peer has
 * @node: in weft_upcalls.by_address
 * @list: in weft_upcalls.addresses
 * @address: the address
 * @deadline: jiffies64 when its packets have waited for long enough
 * @packets: in order; its own lock is not used
 */
struct held_address {
	struct hlist_node node;
	struct list_head list;
	struct address address;
	u64 deadline;
	struct sk_buff_head packets;
};

/**
 * struct held_initiation - an initiation of somebody who is no peer
 * @list: in weft_upcalls.initiations
 * @deadline: jiffies64 when it has waited for long enough
 * @from: whose it is, which is proven, and when it was made
 * @skb: the message with its outer headers
 */
struct held_initiation {
	struct list_head list;
	u64 deadline;
	struct weft_stranger from;
	struct sk_buff *skb;
};

/* --- what may be asked --- */

static bool wanted(struct weft_device *wdev, enum weft_upcall_flag flag)
{
	return READ_ONCE(wdev->upcalls.wanted) & flag &&
	       weft_netlink_listened_to(wdev);
}

static u64 new_deadline(void)
{
	return get_jiffies_64() + msecs_to_jiffies(READ_ONCE(hold_ms));
}

static bool take_token(struct weft_upcall_bucket *bucket, unsigned int rate,
		       unsigned int burst)
{
	u64 now = get_jiffies_64();

	bucket->credit = min_t(u64, bucket->credit + (now - bucket->last) * rate,
			       (u64)burst * HZ);
	bucket->last = now;
	if (bucket->credit < HZ)
		return false;
	bucket->credit -= HZ;
	return true;
}

static void fill_bucket(struct weft_upcall_bucket *bucket, unsigned int burst)
{
	bucket->last = get_jiffies_64();
	bucket->credit = (u64)burst * HZ;
}

/* --- when the work runs; with the lock held --- */

static void run_work_at(struct weft_device *wdev, u64 when)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	u64 now = get_jiffies_64();

	lockdep_assert_held(&upcalls->lock);
	if (upcalls->due <= when)
		return;
	upcalls->due = when;
	mod_delayed_work(wdev->peer_wq, &upcalls->work,
			 when > now ? when - now : 0);
}

static void recheck_now(struct weft_device *wdev)
{
	wdev->upcalls.recheck = true;
	run_work_at(wdev, 0);
}

/*
 * Something new is held. Whoever adds a peer makes it known first and then
 * looks for what is held, under the lock; so either that has seen this, or
 * this sees the peer.
 */
static void run_work_for_new(struct weft_device *wdev, u64 deadline,
			     bool resolved)
{
	if (unlikely(resolved))
		recheck_now(wdev);
	else
		run_work_at(wdev, deadline);
}

/* When the oldest of what is held has waited for long enough. */
static void run_work_in_time(struct weft_device *wdev)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	struct held_initiation *initiation;
	struct held_address *held;

	held = list_first_entry_or_null(&upcalls->addresses,
					struct held_address, list);
	if (held)
		run_work_at(wdev, held->deadline);
	initiation = list_first_entry_or_null(&upcalls->initiations,
					      struct held_initiation, list);
	if (initiation)
		run_work_at(wdev, initiation->deadline);
}

/* --- packets --- */

/* An address that a peer could have, not one for all or for this link. */
static bool read_address(struct address *address, const struct sk_buff *skb)
{
	memset(address, 0, sizeof(*address));
	if (skb->protocol == htons(ETH_P_IP)) {
		address->family = AF_INET;
		address->ip[0] = ip_hdr(skb)->daddr;
		return !ipv4_is_multicast(address->ip[0]) &&
		       !ipv4_is_lbcast(address->ip[0]) &&
		       !(skb_valid_dst(skb) &&
			 skb_rtable(skb)->rt_flags & RTCF_BROADCAST);
	}
	address->family = AF_INET6;
	memcpy(address->ip, &ipv6_hdr(skb)->daddr, sizeof(address->ip));
	return !(ipv6_addr_type(&ipv6_hdr(skb)->daddr) &
		 (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL));
}

static struct hlist_head *chain_of(struct weft_upcalls *upcalls,
				   const struct address *address)
{
	u32 hash = jhash2((const u32 *)address,
			  sizeof(*address) / sizeof(u32), upcalls->seed);

	return &upcalls->by_address[hash >> (32 - WEFT_UPCALL_HASH_BITS)];
}

static struct held_address *find_address(struct weft_upcalls *upcalls,
					 const struct address *address)
{
	struct held_address *held;

	lockdep_assert_held(&upcalls->lock);
	hlist_for_each_entry(held, chain_of(upcalls, address), node)
		if (!memcmp(&held->address, address, sizeof(*address)))
			return held;
	return NULL;
}

static bool has_peer(struct weft_device *wdev, const struct address *address)
{
	struct weft_peer *peer;

	rcu_read_lock_bh();
	peer = weft_allowedips_lookup(&rcu_dereference_bh(wdev->table)->allowed,
				      address->family, address->ip);
	rcu_read_unlock_bh();
	return peer;
}

static struct held_address *add_address(struct weft_device *wdev,
					const struct address *address)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	struct held_address *held;

	lockdep_assert_held(&upcalls->lock);
	if (upcalls->address_count >= WEFT_UPCALL_MAX_ADDRESSES ||
	    !take_token(&upcalls->address_bucket, WEFT_UPCALL_DESTINATION_RATE,
			WEFT_UPCALL_DESTINATION_BURST))
		return NULL;
	held = kmalloc(sizeof(*held), GFP_ATOMIC);
	if (!held)
		return NULL;
	held->address = *address;
	held->deadline = new_deadline();
	__skb_queue_head_init(&held->packets);
	hlist_add_head(&held->node, chain_of(upcalls, address));
	list_add_tail(&held->list, &upcalls->addresses);
	upcalls->address_count++;
	run_work_for_new(wdev, held->deadline, has_peer(wdev, address));
	return held;
}

/* It counts until release_address(): memory is free when it is freed. */
static void unlink_address(struct weft_upcalls *upcalls,
			   struct held_address *held, struct list_head *to)
{
	lockdep_assert_held(&upcalls->lock);
	hlist_del(&held->node);
	list_move_tail(&held->list, to);
}

/* Returns what had to make room, or NULL. */
static struct sk_buff *hold_packet(struct weft_upcalls *upcalls,
				   struct held_address *held,
				   struct sk_buff *skb)
{
	struct sk_buff *oldest = NULL;

	lockdep_assert_held(&upcalls->lock);
	/* What is new is worth more than what has waited long. */
	if (skb_queue_len(&held->packets) >= WEFT_UPCALL_PACKETS_PER_ADDRESS) {
		oldest = __skb_dequeue(&held->packets);
		upcalls->packets--;
		upcalls->bytes -= oldest->truesize;
	}
	__skb_queue_tail(&held->packets, skb);
	upcalls->packets++;
	upcalls->bytes += skb->truesize;
	return oldest;
}

static bool has_room(const struct weft_upcalls *upcalls,
		     const struct sk_buff *skb)
{
	return upcalls->packets < WEFT_UPCALL_MAX_PACKETS &&
	       upcalls->bytes + skb->truesize <= WEFT_UPCALL_MAX_BYTES;
}

/**
 * weft_upcall_packet() - ask userspace who has a packet's destination
 * @wdev: device
 * @skb: packet to an address that no peer has; consumed on success
 *
 * Context: as weft_xmit().
 * Return: true if the packet is held; false if its sender is to be told that
 * there is nobody.
 */
bool weft_upcall_packet(struct weft_device *wdev, struct sk_buff *skb)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	struct held_address *held = NULL;
	struct sk_buff *oldest = NULL;
	struct address address;
	bool is_new = false;

	if (likely(!wanted(wdev, WEFT_UPCALL_F_UNKNOWN_DESTINATION)) ||
	    !read_address(&address, skb))
		return false;
	/* An error message needs the route, and later than it would last. */
	skb_dst_force(skb);
	/* The socket must not wait for userspace. */
	skb_orphan(skb);
	skb_mark_not_on_list(skb);

	spin_lock_bh(&upcalls->lock);
	if (upcalls->running && has_room(upcalls, skb)) {
		held = find_address(upcalls, &address);
		is_new = !held;
		if (is_new)
			held = add_address(wdev, &address);
		if (held)
			oldest = hold_packet(upcalls, held, skb);
	}
	spin_unlock_bh(&upcalls->lock);

	if (!held) {
		weft_stats_count(wdev, WEFT_COUNT_UPCALL_SUPPRESSED);
		return false;
	}
	weft_stats_count(wdev, WEFT_COUNT_UPCALL_PACKETS_HELD);
	if (oldest)
		weft_drop(wdev, oldest, WEFT_DROP_TX_HELD_FULL);
	if (is_new) {
		weft_stats_count(wdev, WEFT_COUNT_UPCALL_DESTINATIONS);
		weft_netlink_destination_event(wdev, address.family,
					       address.ip);
	}
	return true;
}

static void send_held(struct weft_device *wdev, struct sk_buff *skb)
{
	weft_stats_count(wdev, WEFT_COUNT_UPCALL_PACKETS_FLUSHED);
	weft_xmit(skb, wdev->dev);
}

static void refuse_held(struct weft_device *wdev, struct sk_buff *skb)
{
	weft_stats_count(wdev, WEFT_COUNT_UPCALL_PACKETS_TIMED_OUT);
	weft_send_unreachable(wdev, skb);
}

static void drop_held(struct weft_device *wdev, struct sk_buff *skb)
{
	weft_stats_count(wdev, WEFT_COUNT_UPCALL_PACKETS_TIMED_OUT);
	weft_drop(wdev, skb, WEFT_DROP_TX_NO_PEER);
}

static void release_address(struct weft_device *wdev, struct held_address *held,
			    void (*release)(struct weft_device *wdev,
					    struct sk_buff *skb))
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	unsigned int packets = 0, bytes = 0;
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&held->packets))) {
		packets++;
		bytes += skb->truesize;
		rcu_read_lock_bh();
		release(wdev, skb);
		rcu_read_unlock_bh();
	}
	kfree(held);

	spin_lock_bh(&upcalls->lock);
	upcalls->address_count--;
	upcalls->packets -= packets;
	upcalls->bytes -= bytes;
	spin_unlock_bh(&upcalls->lock);
}

static void release_list(struct weft_device *wdev, struct list_head *list,
			 void (*release)(struct weft_device *wdev,
					 struct sk_buff *skb))
{
	struct held_address *held, *next;

	list_for_each_entry_safe(held, next, list, list)
		release_address(wdev, held, release);
}

static void release_addresses(struct weft_device *wdev, bool recheck)
{
	bool on = wanted(wdev, WEFT_UPCALL_F_UNKNOWN_DESTINATION);
	struct weft_upcalls *upcalls = &wdev->upcalls;
	struct held_address *held, *next;
	u64 now = get_jiffies_64();
	LIST_HEAD(resolved);
	LIST_HEAD(expired);

	spin_lock_bh(&upcalls->lock);
	list_for_each_entry_safe(held, next, &upcalls->addresses, list) {
		if (recheck && has_peer(wdev, &held->address))
			unlink_address(upcalls, held, &resolved);
		else if (!on || now >= held->deadline)
			unlink_address(upcalls, held, &expired);
		else if (!recheck)
			break;
	}
	spin_unlock_bh(&upcalls->lock);

	release_list(wdev, &resolved, send_held);
	release_list(wdev, &expired, refuse_held);
}

/* --- initiations --- */

static bool is_peer(struct weft_device *wdev, const u8 public_key[WEFT_KEY_LEN])
{
	struct weft_peer *peer;

	rcu_read_lock();
	peer = weft_peer_lookup(rcu_dereference(wdev->table), public_key);
	rcu_read_unlock();
	return peer;
}

static struct held_initiation *
find_initiation(struct weft_upcalls *upcalls,
		const u8 public_key[WEFT_KEY_LEN])
{
	struct held_initiation *held;

	lockdep_assert_held(&upcalls->lock);
	list_for_each_entry(held, &upcalls->initiations, list)
		if (!memcmp(held->from.public_key, public_key, WEFT_KEY_LEN))
			return held;
	return NULL;
}

static bool add_initiation(struct weft_device *wdev, struct sk_buff *skb,
			   const struct weft_stranger *from)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	struct held_initiation *held;

	lockdep_assert_held(&upcalls->lock);
	if (upcalls->initiation_count >= WEFT_UPCALL_MAX_INITIATIONS)
		return false;
	held = kmalloc(sizeof(*held), GFP_ATOMIC);
	if (!held)
		return false;
	held->from = *from;
	held->deadline = new_deadline();
	held->skb = skb_get(skb);
	list_add_tail(&held->list, &upcalls->initiations);
	upcalls->initiation_count++;
	run_work_for_new(wdev, held->deadline, is_peer(wdev, from->public_key));
	return true;
}

static void unlink_initiation(struct weft_upcalls *upcalls,
			      struct held_initiation *held,
			      struct list_head *to)
{
	lockdep_assert_held(&upcalls->lock);
	list_move_tail(&held->list, to);
	upcalls->initiation_count--;
}

/* The latest of a key is the one that its owner waits for. */
static struct sk_buff *exchange_initiation(struct held_initiation *held,
					   struct sk_buff *skb,
					   const struct weft_stranger *from)
{
	struct sk_buff *old = held->skb;

	if (memcmp(from->timestamp, held->from.timestamp,
		   sizeof(from->timestamp)) <= 0)
		return NULL;
	held->from = *from;
	held->skb = skb_get(skb);
	return old;
}

/*
 * Initiations are cheap to make for anybody who knows our public key, so they
 * are not even looked into more often than userspace may be told of them.
 */
static bool may_look(struct weft_device *wdev)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	bool running, ok;

	if (likely(!wanted(wdev, WEFT_UPCALL_F_UNKNOWN_PEER)))
		return false;
	spin_lock_bh(&upcalls->lock);
	running = upcalls->running;
	ok = running && take_token(&upcalls->initiation_bucket,
				   WEFT_UPCALL_PEER_RATE,
				   WEFT_UPCALL_PEER_BURST);
	spin_unlock_bh(&upcalls->lock);
	if (running && !ok)
		weft_stats_count(wdev, WEFT_COUNT_UPCALL_SUPPRESSED);
	return ok;
}

/**
 * weft_upcall_initiation() - ask userspace who an initiation is from
 * @wdev: device
 * @skb: initiation with good macs that no peer has made, with its outer
 *	headers; a reference is taken on success
 *
 * Context: process.
 * Return: true if it is held; false if it is no good.
 */
bool weft_upcall_initiation(struct weft_device *wdev, struct sk_buff *skb)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	bool is_new = false, is_held = false;
	struct held_initiation *held;
	struct weft_endpoint endpoint;
	struct weft_stranger from;
	struct sk_buff *old = NULL;

	if (!may_look(wdev) ||
	    !weft_handshake_identify((void *)skb->data, wdev, &from) ||
	    !weft_endpoint_from_skb(&endpoint, skb))
		return false;
	/* The interface that it came by, and its namespace, may end meanwhile. */
	nf_reset_ct(skb);
	skb_ext_reset(skb);
	skb->dev = NULL;

	spin_lock_bh(&upcalls->lock);
	held = find_initiation(upcalls, from.public_key);
	if (held) {
		old = exchange_initiation(held, skb, &from);
		is_held = old;
	} else if (upcalls->running) {
		is_new = add_initiation(wdev, skb, &from);
		is_held = is_new;
	}
	spin_unlock_bh(&upcalls->lock);

	if (old)
		weft_drop(wdev, old, WEFT_DROP_RX_HANDSHAKE_INVALID);
	if (is_new) {
		weft_stats_count(wdev, WEFT_COUNT_UPCALL_INITIATIONS_HELD);
		weft_stats_count(wdev, WEFT_COUNT_UPCALL_PEERS);
		weft_netlink_stranger_event(wdev, from.public_key, &endpoint);
	}
	return is_held;
}

static void take_up(struct weft_device *wdev, struct list_head *list)
{
	struct held_initiation *held, *next;

	list_for_each_entry_safe(held, next, list, list) {
		weft_stats_count(wdev, WEFT_COUNT_UPCALL_INITIATIONS_FLUSHED);
		weft_receive_held_initiation(wdev, held->skb);
		consume_skb(held->skb);
		kfree(held);
	}
}

static void give_up(struct weft_device *wdev, struct list_head *list)
{
	struct held_initiation *held, *next;

	list_for_each_entry_safe(held, next, list, list) {
		weft_stats_count(wdev, WEFT_COUNT_UPCALL_INITIATIONS_TIMED_OUT);
		weft_drop(wdev, held->skb, WEFT_DROP_RX_HANDSHAKE_INVALID);
		kfree(held);
	}
}

static void release_initiations(struct weft_device *wdev, bool recheck)
{
	bool on = wanted(wdev, WEFT_UPCALL_F_UNKNOWN_PEER);
	struct weft_upcalls *upcalls = &wdev->upcalls;
	struct held_initiation *held, *next;
	u64 now = get_jiffies_64();
	LIST_HEAD(resolved);
	LIST_HEAD(expired);

	spin_lock_bh(&upcalls->lock);
	list_for_each_entry_safe(held, next, &upcalls->initiations, list) {
		if (recheck && is_peer(wdev, held->from.public_key))
			unlink_initiation(upcalls, held, &resolved);
		else if (!on || now >= held->deadline)
			unlink_initiation(upcalls, held, &expired);
		else if (!recheck)
			break;
	}
	spin_unlock_bh(&upcalls->lock);

	take_up(wdev, &resolved);
	give_up(wdev, &expired);
}

/* --- the device --- */

static void upcall_work(struct work_struct *work)
{
	struct weft_device *wdev = container_of(to_delayed_work(work),
						struct weft_device,
						upcalls.work);

	struct weft_upcalls *upcalls = &wdev->upcalls;
	bool recheck;

	spin_lock_bh(&upcalls->lock);
	upcalls->due = U64_MAX;
	recheck = upcalls->recheck;
	upcalls->recheck = false;
	spin_unlock_bh(&upcalls->lock);

	/* The answer first: packets may go with the session that it makes. */
	release_initiations(wdev, recheck);
	release_addresses(wdev, recheck);

	spin_lock_bh(&upcalls->lock);
	if (upcalls->running)
		run_work_in_time(wdev);
	spin_unlock_bh(&upcalls->lock);
}

/**
 * weft_upcalls_init() - nothing wanted, nothing held
 * @wdev: new device
 */
void weft_upcalls_init(struct weft_device *wdev)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	unsigned int i;

	spin_lock_init(&upcalls->lock);
	for (i = 0; i < ARRAY_SIZE(upcalls->by_address); i++)
		INIT_HLIST_HEAD(&upcalls->by_address[i]);
	INIT_LIST_HEAD(&upcalls->addresses);
	INIT_LIST_HEAD(&upcalls->initiations);
	fill_bucket(&upcalls->address_bucket, WEFT_UPCALL_DESTINATION_BURST);
	fill_bucket(&upcalls->initiation_bucket, WEFT_UPCALL_PEER_BURST);
	upcalls->seed = get_random_u32();
	upcalls->due = U64_MAX;
	INIT_DELAYED_WORK(&upcalls->work, upcall_work);
}

/**
 * weft_upcalls_start() - something may be held from now on
 * @wdev: device whose link goes up
 */
void weft_upcalls_start(struct weft_device *wdev)
{
	spin_lock_bh(&wdev->upcalls.lock);
	wdev->upcalls.running = true;
	spin_unlock_bh(&wdev->upcalls.lock);
}

/**
 * weft_upcalls_stop() - let go of all that is held
 * @wdev: device whose link goes down
 *
 * Nobody is told: the senders see the link go.
 *
 * Context: process; waits for the worker.
 */
void weft_upcalls_stop(struct weft_device *wdev)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;
	struct held_initiation *initiation, *next_initiation;
	struct held_address *held, *next;
	LIST_HEAD(initiations);
	LIST_HEAD(addresses);

	spin_lock_bh(&upcalls->lock);
	upcalls->running = false;
	spin_unlock_bh(&upcalls->lock);
	cancel_delayed_work_sync(&upcalls->work);

	spin_lock_bh(&upcalls->lock);
	upcalls->due = U64_MAX;
	upcalls->recheck = false;
	list_for_each_entry_safe(held, next, &upcalls->addresses, list)
		unlink_address(upcalls, held, &addresses);
	list_for_each_entry_safe(initiation, next_initiation,
				 &upcalls->initiations, list)
		unlink_initiation(upcalls, initiation, &initiations);
	spin_unlock_bh(&upcalls->lock);

	release_list(wdev, &addresses, drop_held);
	give_up(wdev, &initiations);
}

/**
 * weft_upcalls_recheck() - what is held may have found its peer
 * @wdev: device whose peers or their allowed IPs have changed
 *
 * Context: any but hard interrupts.
 */
void weft_upcalls_recheck(struct weft_device *wdev)
{
	struct weft_upcalls *upcalls = &wdev->upcalls;

	spin_lock_bh(&upcalls->lock);
	if (upcalls->running &&
	    (upcalls->address_count || upcalls->initiation_count))
		recheck_now(wdev);
	spin_unlock_bh(&upcalls->lock);
}

/**
 * weft_upcalls_set() - which upcalls a device makes
 * @wdev: device, whose lock is held
 * @wanted: enum weft_upcall_flag
 *
 * weft_upcalls_recheck() lets go of what is held in vain after that.
 */
void weft_upcalls_set(struct weft_device *wdev, u32 wanted)
{
	lockdep_assert_held(&wdev->lock);
	WRITE_ONCE(wdev->upcalls.wanted, wanted);
}
