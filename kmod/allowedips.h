/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cryptokey routing table (WireGuard paper, section 2): the longest prefix
 * that covers an inner address names the peer that it may come from and goes
 * to. A binary trie a family, one-way branches compressed away, read under RCU.
 */
#ifndef _WEFT_ALLOWEDIPS_H
#define _WEFT_ALLOWEDIPS_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct sk_buff;
struct weft_peer;

/**
 * struct weft_allowedips_node - a prefix, or a fork between prefixes
 * @bits: the prefix as numbers, most significant word first, the bits behind
 *	it zero; an IPv4 address is the upper half of the first word. Never
 *	changes while readers may see the node
 * @prefix_len: significant bits of @bits; never changes, as @bits
 * @fork_word: word of an address that chooses the child: that of the bit
 *	behind the prefix
 * @fork_shift: place of that bit in its word
 * @family: AF_INET or AF_INET6
 * @child: longer prefixes within this one, by the bit behind the prefix. RCU;
 *	changed under the table's lock
 * @peer: owner, NULL for a fork, which always has both children. RCU; changed
 *	under the table's lock
 * @peer_list: link in the owner's list of prefixes; table's lock
 * @pool_next: link in a &struct weft_allowedips_pool, before insertion
 * @rcu: for freeing, after removal
 *
 * A look-up touches one cache line a node. There is no pointer to the parent:
 * writers come down from the root instead, which is bounded by the length of
 * an address and keeps the node at 64 bytes.
 */
struct weft_allowedips_node {
	u64 bits[2];
	u8 prefix_len;
	u8 fork_word;
	u8 fork_shift;
	u8 family;
	struct weft_allowedips_node __rcu *child[2];
	struct weft_peer __rcu *peer;
	union {
		struct list_head peer_list;
		struct weft_allowedips_node *pool_next;
		struct rcu_head rcu;
	};
};

/**
 * struct weft_allowedips - prefixes of the peers of one device
 * @root: shortest prefix or topmost fork, for IPv4 and IPv6. RCU; changed
 *	under the lock that the callers of the writing functions name
 */
struct weft_allowedips {
	struct weft_allowedips_node __rcu *root[2];
};

/**
 * struct weft_allowedips_pool - nodes allocated in advance of a change
 * @free: first unused node
 * @count: unused nodes
 *
 * All bytes zero is an empty pool. Belongs to one thread at a time.
 */
struct weft_allowedips_pool {
	struct weft_allowedips_node *free;
	unsigned int count;
};

void weft_allowedips_init(struct weft_allowedips *table);
void weft_allowedips_free(struct weft_allowedips *table, struct mutex *lock);

int weft_allowedips_reserve(struct weft_allowedips_pool *pool,
			    unsigned int prefixes);
void weft_allowedips_release(struct weft_allowedips_pool *pool);

void weft_allowedips_insert(struct weft_allowedips *table,
			    struct weft_allowedips_pool *pool, u16 family,
			    const void *addr, u8 prefix_len,
			    struct weft_peer *peer, struct mutex *lock);
void weft_allowedips_remove(struct weft_allowedips *table, u16 family,
			    const void *addr, u8 prefix_len,
			    struct weft_peer *peer, struct mutex *lock);
void weft_allowedips_remove_list(struct weft_allowedips *table,
				 struct list_head *prefixes, struct mutex *lock);
void weft_allowedips_remove_by_peer(struct weft_allowedips *table,
				    struct weft_peer *peer, struct mutex *lock);

struct weft_peer *weft_allowedips_lookup(const struct weft_allowedips *table,
					 u16 family, const void *addr);
struct weft_peer *
weft_allowedips_lookup_dst(const struct weft_allowedips *table,
			   const struct sk_buff *skb);
struct weft_peer *
weft_allowedips_lookup_src(const struct weft_allowedips *table,
			   const struct sk_buff *skb);

u16 weft_allowedips_read_node(const struct weft_allowedips_node *node,
			      u8 addr[16], u8 *prefix_len);

int weft_allowedips_module_init(void);
void weft_allowedips_module_exit(void);

#endif /* _WEFT_ALLOWEDIPS_H */
