/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_UPCALL_H
#define _WEFT_UPCALL_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct sk_buff;
struct weft_device;

/* Seconds that something is held for userspace to make up its mind. */
#define WEFT_UPCALL_HOLD		3

/* Upcalls a second, and at once after a silence; of each kind. */
#define WEFT_UPCALL_DESTINATION_RATE	128
#define WEFT_UPCALL_DESTINATION_BURST	128
#define WEFT_UPCALL_PEER_RATE		32
#define WEFT_UPCALL_PEER_BURST		32

/* By these rates no more can be admitted before what was first has expired. */
#define WEFT_UPCALL_MAX_ADDRESSES \
	(WEFT_UPCALL_DESTINATION_BURST + \
	 WEFT_UPCALL_DESTINATION_RATE * WEFT_UPCALL_HOLD)
#define WEFT_UPCALL_MAX_INITIATIONS \
	(WEFT_UPCALL_PEER_BURST + WEFT_UPCALL_PEER_RATE * WEFT_UPCALL_HOLD)

/* Packets of one address; packets and memory of all addresses of a device. */
#define WEFT_UPCALL_PACKETS_PER_ADDRESS	16
#define WEFT_UPCALL_MAX_PACKETS		2048
#define WEFT_UPCALL_MAX_BYTES		(4 << 20)

/* Hash chains for the addresses. */
#define WEFT_UPCALL_HASH_BITS		7

/**
 * struct weft_upcall_bucket - token bucket
 * @last: jiffies64 when it was last looked at
 * @credit: what is in it, 1/HZ of an upcall
 */
struct weft_upcall_bucket {
	u64 last;
	u64 credit;
};

/**
 * struct weft_upcalls - what a device has asked userspace about
 * @wanted: enum weft_upcall_flag; written under weft_device.lock, read without
 *	a lock
 * @running: the link is up: something may be held, and @work be queued
 * @recheck: peers have changed since @work last looked
 * @due: jiffies64 when @work is to run next; U64_MAX if it is not queued
 * @by_address: chains of addresses that nobody has, by hash
 * @addresses: the same, oldest first
 * @address_count: how many, with those that are just let go
 * @packets: held for them, all together, likewise
 * @bytes: memory of these, skb->truesize
 * @address_bucket: limits how often userspace is told of an address
 * @initiations: of those who are no peers, oldest first, one of each key
 * @initiation_count: how many
 * @initiation_bucket: limits how often such an initiation is looked into
 * @seed: of the hash; constant
 * @work: lets go of what has found its peer, and of what has waited too long.
 *	Alone takes things out while the link is up, so that the order in which
 *	packets came is the one in which they go. Takes neither RTNL nor
 *	weft_device.lock: weft_upcalls_stop() waits for it with both.
 *
 * Nothing here holds a reference: neither of a peer, which is looked up when
 * it is needed, nor of the device, which stops this before it goes.
 */
struct weft_upcalls {
	/**
	 * @lock: protects all but @wanted, @seed and @work, and what the lists
	 *	hold; BH-safe; innermost but for RCU and timers
	 */
	spinlock_t lock;
	u32 wanted;
	bool running;
	bool recheck;
	u64 due;
	struct hlist_head by_address[1 << WEFT_UPCALL_HASH_BITS];
	struct list_head addresses;
	unsigned int address_count;
	unsigned int packets;
	unsigned int bytes;
	struct weft_upcall_bucket address_bucket;
	struct list_head initiations;
	unsigned int initiation_count;
	struct weft_upcall_bucket initiation_bucket;
	u32 seed;
	struct delayed_work work;
};

void weft_upcalls_init(struct weft_device *wdev);
void weft_upcalls_start(struct weft_device *wdev);
void weft_upcalls_stop(struct weft_device *wdev);
void weft_upcalls_set(struct weft_device *wdev, u32 wanted);
void weft_upcalls_recheck(struct weft_device *wdev);

bool weft_upcall_packet(struct weft_device *wdev, struct sk_buff *skb);
bool weft_upcall_initiation(struct weft_device *wdev, struct sk_buff *skb);

#endif /* _WEFT_UPCALL_H */
