// SPDX-License-Identifier: GPL-2.0
/*
 * Token buckets by source address, for the whole module.
 *
 * A hash table of fixed size with a lock a chain. An address that has been
 * quiet for long enough has a full bucket again, which is the same as none, so
 * its entry is dropped by a work item that runs only while there are entries.
 * Their number is bounded; a new address beyond it is refused, since a flood
 * is the only way to get there.
 */
#include "ratelimiter.h"

#include <linux/atomic.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/siphash.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

/* What stock peers allow: messages a second, and at once after a silence. */
#define WEFT_RATELIMITER_PER_SECOND	20
#define WEFT_RATELIMITER_BURST		5

/* A bucket holds time, in nanoseconds. */
#define WEFT_RATELIMITER_COST	(NSEC_PER_SEC / WEFT_RATELIMITER_PER_SECOND)
#define WEFT_RATELIMITER_FULL	(WEFT_RATELIMITER_COST * WEFT_RATELIMITER_BURST)

/* Silence after which an entry goes; no less than a bucket takes to fill. */
#define WEFT_RATELIMITER_IDLE	NSEC_PER_SEC

/* Bounds of the number of entries: 1/1024 of the memory, within these. */
#define WEFT_RATELIMITER_MIN_ENTRIES	1024
#define WEFT_RATELIMITER_MAX_ENTRIES	65536
/* Length of the chains if all entries are in use. */
#define WEFT_RATELIMITER_CHAIN		8

/**
 * struct weft_ratelimiter_entry - bucket of one source
 * @link: in its chain
 * @address: IPv4 address, or upper half of an IPv6 address: whoever has one
 *	address of a /64 can take the others
 * @net: network namespace of the interface; compared, never followed, so it
 *	may be gone
 * @protocol: ETH_P_IP or ETH_P_IPV6
 * @last: when the bucket was last looked at, boot time in nanoseconds
 * @tokens: nanoseconds in the bucket at @last
 *
 * All members are protected by the lock of the chain.
 */
struct weft_ratelimiter_entry {
	struct hlist_node link;
	u64 address;
	const struct net *net;
	u16 protocol;
	u64 last;
	u64 tokens;
};

/**
 * struct weft_ratelimiter_chain - entries of one hash value
 * @entries: the entries
 */
struct weft_ratelimiter_chain {
	/** @lock: protects @entries; taken with bottom halves off */
	spinlock_t lock;
	struct hlist_head entries;
};

static void weft_ratelimiter_gc(struct work_struct *work);

static struct kmem_cache *weft_ratelimiter_cache;
static struct weft_ratelimiter_chain *weft_ratelimiter_table;
static unsigned int weft_ratelimiter_chains;	/* a power of two */
static unsigned int weft_ratelimiter_limit;
static atomic_t weft_ratelimiter_count = ATOMIC_INIT(0);
static siphash_key_t weft_ratelimiter_key;
static DECLARE_DEFERRABLE_WORK(weft_ratelimiter_work, weft_ratelimiter_gc);

/* Frees the entries of a chain that have been idle, or all of them. */
static void weft_ratelimiter_sweep(struct weft_ratelimiter_chain *chain,
				   bool all)
{
	struct weft_ratelimiter_entry *entry;
	struct hlist_node *next;
	u64 now;

	spin_lock_bh(&chain->lock);
	now = ktime_get_coarse_boottime_ns();
	hlist_for_each_entry_safe(entry, next, &chain->entries, link) {
		if (!all && now - entry->last < WEFT_RATELIMITER_IDLE)
			continue;
		hlist_del(&entry->link);
		kmem_cache_free(weft_ratelimiter_cache, entry);
		atomic_dec(&weft_ratelimiter_count);
	}
	spin_unlock_bh(&chain->lock);
}

static void weft_ratelimiter_gc(struct work_struct *work)
{
	unsigned int i;

	for (i = 0; i < weft_ratelimiter_chains; i++) {
		weft_ratelimiter_sweep(&weft_ratelimiter_table[i], false);
		cond_resched();
	}
	/* Whoever adds the next entry starts it again. */
	if (atomic_read(&weft_ratelimiter_count))
		queue_delayed_work(system_power_efficient_wq,
				   &weft_ratelimiter_work, HZ);
}

static struct weft_ratelimiter_entry *
weft_ratelimiter_find(const struct weft_ratelimiter_chain *chain, u64 address,
		      u16 protocol, const struct net *net)
{
	struct weft_ratelimiter_entry *entry;

	lockdep_assert_held(&chain->lock);
	hlist_for_each_entry(entry, &chain->entries, link)
		if (entry->address == address && entry->protocol == protocol &&
		    entry->net == net)
			return entry;
	return NULL;
}

/* A new entry with a full bucket, or NULL: too many, or no memory. */
static struct weft_ratelimiter_entry *
weft_ratelimiter_add(struct weft_ratelimiter_chain *chain, u64 address,
		     u16 protocol, const struct net *net, u64 now)
{
	struct weft_ratelimiter_entry *entry;

	lockdep_assert_held(&chain->lock);
	if (atomic_inc_return(&weft_ratelimiter_count) > weft_ratelimiter_limit)
		goto refuse;
	entry = kmem_cache_alloc(weft_ratelimiter_cache,
				 GFP_ATOMIC | __GFP_NOWARN);
	if (!entry)
		goto refuse;

	entry->address = address;
	entry->net = net;
	entry->protocol = protocol;
	entry->last = now;
	entry->tokens = WEFT_RATELIMITER_FULL;
	hlist_add_head(&entry->link, &chain->entries);
	queue_delayed_work(system_power_efficient_wq, &weft_ratelimiter_work,
			   HZ);
	return entry;
refuse:
	atomic_dec(&weft_ratelimiter_count);
	return NULL;
}

/**
 * weft_ratelimiter_allow() - may the source of a handshake message go on
 * @skb: message; its network header is the outer IP header, @protocol says of
 *	which family
 * @net: network namespace of the interface: one cannot spend another's tokens
 *
 * Context: softirq or process; takes a spinlock.
 * Return: true, and the message is charged to its source; false if the source
 * sends too much, or there are too many sources to keep count of.
 */
bool weft_ratelimiter_allow(struct sk_buff *skb, struct net *net)
{
	struct weft_ratelimiter_chain *chain;
	struct weft_ratelimiter_entry *entry;
	u64 address, hash, now;
	bool allow = false;
	u16 protocol;

	if (skb->protocol == htons(ETH_P_IP)) {
		protocol = ETH_P_IP;
		address = be32_to_cpu(ip_hdr(skb)->saddr);
	} else if (skb->protocol == htons(ETH_P_IPV6)) {
		protocol = ETH_P_IPV6;
		memcpy(&address, &ipv6_hdr(skb)->saddr, sizeof(address));
	} else {
		return false;
	}

	/* Keyed, so that nobody can aim addresses at one chain. */
	hash = siphash_3u64(address, protocol, (unsigned long)net,
			    &weft_ratelimiter_key);
	chain = &weft_ratelimiter_table[hash & (weft_ratelimiter_chains - 1)];

	spin_lock_bh(&chain->lock);
	now = ktime_get_coarse_boottime_ns();
	entry = weft_ratelimiter_find(chain, address, protocol, net);
	if (!entry)
		entry = weft_ratelimiter_add(chain, address, protocol, net, now);
	if (entry) {
		entry->tokens = min_t(u64, WEFT_RATELIMITER_FULL,
				      entry->tokens + now - entry->last);
		entry->last = now;
		allow = entry->tokens >= WEFT_RATELIMITER_COST;
		if (allow)
			entry->tokens -= WEFT_RATELIMITER_COST;
	}
	spin_unlock_bh(&chain->lock);
	return allow;
}

/**
 * weft_ratelimiter_module_init() - allocate the table
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init weft_ratelimiter_module_init(void)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;
	unsigned int i;

	BUILD_BUG_ON(WEFT_RATELIMITER_IDLE < WEFT_RATELIMITER_FULL);

	weft_ratelimiter_limit =
		clamp_t(u64, div_u64(memory, 1024 * sizeof(struct weft_ratelimiter_entry)),
			WEFT_RATELIMITER_MIN_ENTRIES,
			WEFT_RATELIMITER_MAX_ENTRIES);
	weft_ratelimiter_chains =
		roundup_pow_of_two(weft_ratelimiter_limit / WEFT_RATELIMITER_CHAIN);
	get_random_bytes(&weft_ratelimiter_key, sizeof(weft_ratelimiter_key));

	weft_ratelimiter_cache = kmem_cache_create("weft_ratelimiter",
						   sizeof(struct weft_ratelimiter_entry),
						   0, 0, NULL);
	if (!weft_ratelimiter_cache)
		return -ENOMEM;
	weft_ratelimiter_table = kvcalloc(weft_ratelimiter_chains,
					  sizeof(*weft_ratelimiter_table),
					  GFP_KERNEL);
	if (!weft_ratelimiter_table) {
		kmem_cache_destroy(weft_ratelimiter_cache);
		return -ENOMEM;
	}
	for (i = 0; i < weft_ratelimiter_chains; i++) {
		spin_lock_init(&weft_ratelimiter_table[i].lock);
		INIT_HLIST_HEAD(&weft_ratelimiter_table[i].entries);
	}
	return 0;
}

/**
 * weft_ratelimiter_module_exit() - undo weft_ratelimiter_module_init()
 *
 * Context: process; may sleep. No call of weft_ratelimiter_allow() is under
 * way or follows.
 */
void weft_ratelimiter_module_exit(void)
{
	unsigned int i;

	cancel_delayed_work_sync(&weft_ratelimiter_work);
	for (i = 0; i < weft_ratelimiter_chains; i++)
		weft_ratelimiter_sweep(&weft_ratelimiter_table[i], true);
	kvfree(weft_ratelimiter_table);
	kmem_cache_destroy(weft_ratelimiter_cache);
}
