// SPDX-License-Identifier: GPL-2.0
/*
 * Longest-prefix table of allowed IPs.
 *
 * A node's children have longer prefixes than the node, so no way from the
 * root is longer than the bits of an address and one more: 33 or 129 nodes.
 * Nothing recurses.
 *
 * Readers take no lock. A new node is complete before one pointer makes it
 * visible, a node that leaves keeps its own pointers until a grace period is
 * over, and a prefix that changes hands keeps its node and changes the one
 * pointer to its owner. So each change is seen as a whole or not at all.
 */
#include "allowedips.h"

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "peer.h"

static struct kmem_cache *weft_allowedips_cache;

/* An address or prefix in the form of &weft_allowedips_node.bits. */
struct weft_allowedips_key {
	u64 bits[2];
};

static bool weft_allowedips_valid(u16 family, u8 prefix_len)
{
	return (family == AF_INET && prefix_len <= 32) ||
	       (family == AF_INET6 && prefix_len <= 128);
}

static struct weft_allowedips_key weft_allowedips_key(u16 family,
						      const void *addr)
{
	struct weft_allowedips_key key = {};
	__be64 words[2] = {};

	/* By copy: an inner header need not be aligned. */
	if (family == AF_INET) {
		memcpy(words, addr, 4);
		key.bits[0] = be64_to_cpu(words[0]);
	} else {
		memcpy(words, addr, 16);
		key.bits[0] = be64_to_cpu(words[0]);
		key.bits[1] = be64_to_cpu(words[1]);
	}
	return key;
}

/* Makes host bits zero. */
static void weft_allowedips_mask(u64 bits[2], u8 prefix_len)
{
	if (prefix_len < 64) {
		bits[0] &= ~(~0ULL >> prefix_len);
		bits[1] = 0;
	} else if (prefix_len < 128) {
		bits[1] &= ~(~0ULL >> (prefix_len - 64));
	}
}

/* Leading bits that both have; 128 if they are the same. */
static unsigned int weft_allowedips_common(const u64 a[2], const u64 b[2])
{
	u64 differ = a[0] ^ b[0];

	if (differ)
		return 64 - fls64(differ);
	return 128 - fls64(a[1] ^ b[1]);
}

static unsigned int weft_allowedips_fork(const struct weft_allowedips_node *node,
					 const u64 bits[2])
{
	return bits[node->fork_word] >> node->fork_shift & 1;
}

static struct weft_allowedips_node *
weft_allowedips_deref(struct weft_allowedips_node __rcu *node,
		      struct mutex *lock)
{
	return rcu_dereference_protected(node, lockdep_is_held(lock));
}

/**
 * weft_allowedips_init() - start with an empty table
 * @table: not in use yet
 */
void weft_allowedips_init(struct weft_allowedips *table)
{
	RCU_INIT_POINTER(table->root[0], NULL);
	RCU_INIT_POINTER(table->root[1], NULL);
}

/**
 * weft_allowedips_reserve() - allocate what insertions need, in advance
 * @pool: where the nodes go
 * @prefixes: how many more insertions are to be certain of success
 *
 * Adds to what earlier calls reserved. After an error the pool holds what it
 * could get; release it as usual.
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int weft_allowedips_reserve(struct weft_allowedips_pool *pool,
			    unsigned int prefixes)
{
	struct weft_allowedips_node *node;
	u64 wanted;

	/* The prefix, and the fork that parts it from another one. */
	for (wanted = 2ULL * prefixes; wanted; wanted--) {
		node = kmem_cache_alloc(weft_allowedips_cache, GFP_KERNEL);
		if (!node)
			return -ENOMEM;
		node->pool_next = pool->free;
		pool->free = node;
		pool->count++;
	}
	return 0;
}

/**
 * weft_allowedips_release() - free what insertions left in a pool
 * @pool: may be empty; is afterwards
 *
 * Context: any.
 */
void weft_allowedips_release(struct weft_allowedips_pool *pool)
{
	struct weft_allowedips_node *node;

	while (pool->free) {
		node = pool->free;
		pool->free = node->pool_next;
		kmem_cache_free(weft_allowedips_cache, node);
	}
	pool->count = 0;
}

/* A node out of the pool, with the first @prefix_len bits of @bits. */
static struct weft_allowedips_node *
weft_allowedips_take(struct weft_allowedips_pool *pool, u16 family,
		     const u64 bits[2], u8 prefix_len)
{
	struct weft_allowedips_node *node = pool->free;

	pool->free = node->pool_next;
	pool->count--;

	memset(node, 0, sizeof(*node));
	node->bits[0] = bits[0];
	node->bits[1] = bits[1];
	weft_allowedips_mask(node->bits, prefix_len);
	node->prefix_len = prefix_len;
	/*
	 * A prefix of full length has no bit behind it, but no children
	 * either: any choice will do that stays within the address.
	 */
	node->fork_word = prefix_len / 64 % 2;
	node->fork_shift = 63 - prefix_len % 64;
	node->family = family;
	return node;
}

/**
 * weft_allowedips_insert() - give a prefix to a peer
 * @table: table
 * @pool: has at least one reserved insertion
 * @family: AF_INET or AF_INET6
 * @addr: address in network order, 4 or 16 bytes of any alignment; host bits
 *	are ignored
 * @prefix_len: at most 32 or 128
 * @peer: new owner; its list @allowedips gets the prefix as its last
 * @lock: the lock that serialises changes of @table
 *
 * Takes the prefix from another peer if it has one; look-ups meanwhile find
 * the old or the new owner.
 *
 * Context: process; @lock held; does not sleep.
 */
void weft_allowedips_insert(struct weft_allowedips *table,
			    struct weft_allowedips_pool *pool, u16 family,
			    const void *addr, u8 prefix_len,
			    struct weft_peer *peer, struct mutex *lock)
{
	struct weft_allowedips_node *node, *new, *fork;
	struct weft_allowedips_node __rcu **link;
	struct weft_allowedips_key key;
	unsigned int common = 0;

	lockdep_assert_held(lock);
	if (WARN_ON_ONCE(!weft_allowedips_valid(family, prefix_len) ||
			 pool->count < 2))
		return;

	key = weft_allowedips_key(family, addr);
	weft_allowedips_mask(key.bits, prefix_len);

	/* Down to the prefix itself or to the first that does not cover it. */
	link = &table->root[family == AF_INET6];
	while ((node = weft_allowedips_deref(*link, lock))) {
		common = min_t(unsigned int, prefix_len,
			       weft_allowedips_common(node->bits, key.bits));
		if (common < node->prefix_len)
			break;
		if (node->prefix_len == prefix_len) {
			if (rcu_access_pointer(node->peer))
				list_del(&node->peer_list);
			list_add_tail(&node->peer_list, &peer->allowedips);
			rcu_assign_pointer(node->peer, peer);
			return;
		}
		link = &node->child[weft_allowedips_fork(node, key.bits)];
	}

	new = weft_allowedips_take(pool, family, key.bits, prefix_len);
	RCU_INIT_POINTER(new->peer, peer);
	list_add_tail(&new->peer_list, &peer->allowedips);

	if (!node) {
		rcu_assign_pointer(*link, new);
	} else if (common == prefix_len) {
		/* The new prefix covers the old one. */
		RCU_INIT_POINTER(new->child[weft_allowedips_fork(new, node->bits)],
				 node);
		rcu_assign_pointer(*link, new);
	} else {
		fork = weft_allowedips_take(pool, family, key.bits, common);
		RCU_INIT_POINTER(fork->child[weft_allowedips_fork(fork, node->bits)],
				 node);
		RCU_INIT_POINTER(fork->child[weft_allowedips_fork(fork, key.bits)],
				 new);
		rcu_assign_pointer(*link, fork);
	}
}

static void weft_allowedips_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(weft_allowedips_cache,
			container_of(rcu, struct weft_allowedips_node, rcu));
}

/*
 * Takes the exact prefix out of the table and its owner's list; only if @peer
 * owns it, or whoever owns it if @peer is NULL. Readers that stand on a node
 * that leaves go on to its children, which it keeps.
 */
static void weft_allowedips_unlink(struct weft_allowedips *table, u16 family,
				   const u64 bits[2], u8 prefix_len,
				   const struct weft_peer *peer,
				   struct mutex *lock)
{
	struct weft_allowedips_node __rcu **link, **parent_link = NULL;
	struct weft_allowedips_node *node, *parent = NULL, *child;
	struct weft_peer *owner;

	lockdep_assert_held(lock);

	link = &table->root[family == AF_INET6];
	while ((node = weft_allowedips_deref(*link, lock))) {
		if (node->prefix_len > prefix_len ||
		    weft_allowedips_common(node->bits, bits) < node->prefix_len)
			return;
		if (node->prefix_len == prefix_len)
			break;
		parent = node;
		parent_link = link;
		link = &node->child[weft_allowedips_fork(node, bits)];
	}
	if (!node)
		return;
	owner = rcu_dereference_protected(node->peer, lockdep_is_held(lock));
	if (!owner || (peer && owner != peer))
		return;

	list_del(&node->peer_list);
	RCU_INIT_POINTER(node->peer, NULL);

	child = weft_allowedips_deref(node->child[0], lock);
	if (!child)
		child = weft_allowedips_deref(node->child[1], lock);
	else if (rcu_access_pointer(node->child[1]))
		return;		/* still needed as a fork */
	rcu_assign_pointer(*link, child);
	call_rcu(&node->rcu, weft_allowedips_free_rcu);

	/* A fork with one branch left is none. */
	if (child || !parent || rcu_access_pointer(parent->peer))
		return;
	child = weft_allowedips_deref(parent->child[0], lock);
	if (!child)
		child = weft_allowedips_deref(parent->child[1], lock);
	rcu_assign_pointer(*parent_link, child);
	call_rcu(&parent->rcu, weft_allowedips_free_rcu);
}

/**
 * weft_allowedips_remove() - take one prefix from a peer
 * @table: table
 * @family: AF_INET or AF_INET6
 * @addr: address in network order; host bits are ignored
 * @prefix_len: at most 32 or 128
 * @peer: does nothing unless it owns exactly this prefix
 * @lock: the lock that serialises changes of @table
 *
 * Context: process; @lock held; does not sleep.
 */
void weft_allowedips_remove(struct weft_allowedips *table, u16 family,
			    const void *addr, u8 prefix_len,
			    struct weft_peer *peer, struct mutex *lock)
{
	struct weft_allowedips_key key;

	if (WARN_ON_ONCE(!weft_allowedips_valid(family, prefix_len) || !peer))
		return;
	key = weft_allowedips_key(family, addr);
	weft_allowedips_mask(key.bits, prefix_len);
	weft_allowedips_unlink(table, family, key.bits, prefix_len, peer, lock);
}

/**
 * weft_allowedips_remove_list() - take some prefixes from their owner
 * @table: table
 * @prefixes: list of nodes of @table, linked by @peer_list; empty afterwards
 * @lock: the lock that serialises changes of @table
 *
 * With it a peer's prefixes are replaced without a moment in which one that
 * stays is missing: splice the peer's list to a list of its own, insert what
 * is to be (which takes prefixes that stay out of that list), and remove what
 * is left on it.
 *
 * Context: process; @lock held; does not sleep. A step down the trie for each
 * bit at most, for each prefix on the list.
 */
void weft_allowedips_remove_list(struct weft_allowedips *table,
				 struct list_head *prefixes, struct mutex *lock)
{
	struct weft_allowedips_node *node, *next;

	list_for_each_entry_safe(node, next, prefixes, peer_list)
		weft_allowedips_unlink(table, node->family, node->bits,
				       node->prefix_len, NULL, lock);
}

/**
 * weft_allowedips_remove_by_peer() - take all prefixes from a peer
 * @table: table
 * @peer: its list @allowedips is empty afterwards; look-ups that began before
 *	may still return it until a grace period is over
 * @lock: the lock that serialises changes of @table
 *
 * Context: process; @lock held; does not sleep. Linear in the peer's prefixes.
 */
void weft_allowedips_remove_by_peer(struct weft_allowedips *table,
				    struct weft_peer *peer, struct mutex *lock)
{
	weft_allowedips_remove_list(table, &peer->allowedips, lock);
}

/* Puts a node at the end of a list of our own, out of its owner's if any. */
static void weft_allowedips_gather(struct weft_allowedips_node *node,
				   struct list_head *list)
{
	if (rcu_access_pointer(node->peer))
		list_del(&node->peer_list);
	list_add_tail(&node->peer_list, list);
}

/**
 * weft_allowedips_free() - empty a table
 * @table: table; may be used again
 * @lock: the lock that serialises changes of @table
 *
 * Takes every node out of its owner's list, so a peer that still owns
 * prefixes must be alive during the call, but not afterwards: the nodes are
 * freed after a grace period without looking at peers.
 *
 * Context: process; @lock held; does not sleep. Linear in the table.
 */
void weft_allowedips_free(struct weft_allowedips *table, struct mutex *lock)
{
	struct weft_allowedips_node *node, *next, *child;
	LIST_HEAD(nodes);
	unsigned int i;

	lockdep_assert_held(lock);

	for (i = 0; i < ARRAY_SIZE(table->root); i++) {
		node = weft_allowedips_deref(table->root[i], lock);
		RCU_INIT_POINTER(table->root[i], NULL);
		if (node)
			weft_allowedips_gather(node, &nodes);
	}

	/*
	 * Breadth first: children join the end of the list that is being
	 * walked. Readers may still be on their way down, so no pointer that
	 * they follow changes.
	 */
	list_for_each_entry(node, &nodes, peer_list) {
		for (i = 0; i < ARRAY_SIZE(node->child); i++) {
			child = weft_allowedips_deref(node->child[i], lock);
			if (child)
				weft_allowedips_gather(child, &nodes);
		}
	}
	list_for_each_entry_safe(node, next, &nodes, peer_list)
		call_rcu(&node->rcu, weft_allowedips_free_rcu);
}

/* Bottom halves off is as good as an RCU section, and NAPI has only that. */
#define weft_allowedips_rcu(p) \
	rcu_dereference_check(p, rcu_read_lock_bh_held())

/**
 * weft_allowedips_lookup() - owner of the longest prefix that covers an address
 * @table: table
 * @family: AF_INET or AF_INET6
 * @addr: address in network order, 4 or 16 bytes of any alignment
 *
 * Context: RCU read section, or bottom halves off.
 * Return: the peer, without a reference: it stays in memory to the end of the
 * section but may have been removed; NULL if no prefix covers the address.
 */
struct weft_peer *weft_allowedips_lookup(const struct weft_allowedips *table,
					 u16 family, const void *addr)
{
	const struct weft_allowedips_node *node;
	struct weft_peer *peer, *found = NULL;
	struct weft_allowedips_key key;

	key = weft_allowedips_key(family, addr);
	node = weft_allowedips_rcu(table->root[family == AF_INET6]);
	while (node && weft_allowedips_common(node->bits, key.bits) >=
		       node->prefix_len) {
		/* Read once: the owner may be taken away at any time. */
		peer = weft_allowedips_rcu(node->peer);
		if (peer)
			found = peer;
		node = weft_allowedips_rcu(node->child[weft_allowedips_fork(node, key.bits)]);
	}
	return found;
}

/**
 * weft_allowedips_lookup_dst() - whom a packet goes to
 * @table: table
 * @skb: IP packet, its fixed header linear at the network header; @protocol
 *	says the family
 *
 * Context: RCU read section, or bottom halves off.
 * Return: as weft_allowedips_lookup(); NULL for other protocols.
 */
struct weft_peer *
weft_allowedips_lookup_dst(const struct weft_allowedips *table,
			   const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return weft_allowedips_lookup(table, AF_INET,
					      &ip_hdr(skb)->daddr);
	if (skb->protocol == htons(ETH_P_IPV6))
		return weft_allowedips_lookup(table, AF_INET6,
					      &ipv6_hdr(skb)->daddr);
	return NULL;
}

/**
 * weft_allowedips_lookup_src() - who alone may have sent a packet
 * @table: table
 * @skb: IP packet, as for weft_allowedips_lookup_dst()
 *
 * Context: RCU read section, or bottom halves off.
 * Return: as weft_allowedips_lookup(); NULL for other protocols.
 */
struct weft_peer *
weft_allowedips_lookup_src(const struct weft_allowedips *table,
			   const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		return weft_allowedips_lookup(table, AF_INET,
					      &ip_hdr(skb)->saddr);
	if (skb->protocol == htons(ETH_P_IPV6))
		return weft_allowedips_lookup(table, AF_INET6,
					      &ipv6_hdr(skb)->saddr);
	return NULL;
}

/**
 * weft_allowedips_read_node() - a prefix as an address, for dumps
 * @node: node on a peer's list @allowedips
 * @addr: gets the address in network order: 4 bytes, or 16
 * @prefix_len: gets the length of the prefix in bits
 *
 * Context: the table's lock held, so that @node stays.
 * Return: AF_INET or AF_INET6.
 */
u16 weft_allowedips_read_node(const struct weft_allowedips_node *node,
			      u8 addr[16], u8 *prefix_len)
{
	const __be64 words[2] = {
		cpu_to_be64(node->bits[0]),
		cpu_to_be64(node->bits[1]),
	};

	memcpy(addr, words, node->family == AF_INET ? 4 : 16);
	*prefix_len = node->prefix_len;
	return node->family;
}

/**
 * weft_allowedips_module_init() - prepare for the first table
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init weft_allowedips_module_init(void)
{
	BUILD_BUG_ON(IS_ENABLED(CONFIG_64BIT) &&
		     sizeof(struct weft_allowedips_node) != 64);

	/* Accounted: a user namespace's administrator can make many. */
	weft_allowedips_cache = kmem_cache_create("weft_allowedips",
						  sizeof(struct weft_allowedips_node),
						  0, SLAB_HWCACHE_ALIGN |
						  SLAB_ACCOUNT, NULL);
	return weft_allowedips_cache ? 0 : -ENOMEM;
}

/**
 * weft_allowedips_module_exit() - undo weft_allowedips_module_init()
 *
 * Context: process; sleeps until the nodes of all tables, which must be empty
 * by now, are free.
 */
void weft_allowedips_module_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(weft_allowedips_cache);
}
