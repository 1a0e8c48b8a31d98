// SPDX-License-Identifier: GPL-2.0
/*
 * Life and death of peers, and the table that finds them.
 */

#include "peer.h"

#include <linux/slab.h>

#include "compat/compat.h"
#include "device.h"
#include "packet.h"

/* How long after the last change key agreements are made, and how many. */
#define SECRETS_DELAY_MS 20
#define SECRETS_AT_ONCE 64

static struct kmem_cache *peer_cache;
static atomic64_t next_id = ATOMIC64_INIT(0);

static int compare_key(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct weft_peer *peer = object;

	return memcmp(peer->handshake.remote_static, arg->key, WEFT_KEY_LEN);
}

static u32 hash_key(const void *data, u32 len, u32 seed)
{
	return jhash2(data, WEFT_KEY_LEN / sizeof(u32), seed);
}

static u32 hash_peer(const void *data, u32 len, u32 seed)
{
	const struct weft_peer *peer = data;

	return hash_key(peer->handshake.remote_static, len, seed);
}

static const struct rhashtable_params by_key_params = {
	.key_len = WEFT_KEY_LEN,
	.head_offset = offsetof(struct weft_peer, node),
	.hashfn = hash_key,
	.obj_hashfn = hash_peer,
	.obj_cmpfn = compare_key,
	.automatic_shrinking = true,
};

/**
 * weft_peer_table_create() - make an empty table
 *
 * Context: process.
 * Return: the table, or NULL.
 */
struct weft_peer_table *weft_peer_table_create(void)
{
	struct weft_peer_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return NULL;
	if (rhashtable_init(&table->by_key, &by_key_params)) {
		kfree(table);
		return NULL;
	}
	weft_allowedips_init(&table->allowed);
	INIT_LIST_HEAD(&table->peers);
	return table;
}

/**
 * weft_peer_table_destroy() - free a table
 * @table: without peers, and not found by anybody since a grace period
 * @lock: weft_device.lock, held
 */
void weft_peer_table_destroy(struct weft_peer_table *table, struct mutex *lock)
{
	WARN_ON(!list_empty(&table->peers));
	weft_allowedips_free(&table->allowed, lock);
	rhashtable_destroy(&table->by_key);
	kfree(table);
}

/**
 * weft_peer_create() - make a peer that the data path does not know yet
 * @wdev: device
 * @public_key: the peer's static key
 *
 * Context: process; the device's lock is held.
 * Return: a peer with one reference, or NULL.
 */
struct weft_peer *weft_peer_create(struct weft_device *wdev,
				   const u8 public_key[WEFT_KEY_LEN])
{
	struct weft_peer *peer;

	lockdep_assert_held(&wdev->lock);

	peer = kmem_cache_zalloc(peer_cache, GFP_KERNEL);
	if (!peer)
		return NULL;
	peer->wdev = wdev;
	peer->id = atomic64_inc_return(&next_id);
	peer->suite = WEFT_SUITE_AUTO;
	INIT_LIST_HEAD(&peer->list);
	INIT_LIST_HEAD(&peer->allowedips);
	INIT_LIST_HEAD(&peer->lane_list);
	kref_init(&peer->refs);
	weft_handshake_init(peer, public_key);
	weft_cookie_init(&peer->cookie, public_key);
	weft_sessions_init(&peer->sessions);
	weft_paths_init(&peer->paths);
	weft_timers_init(peer);
	weft_order_init(&peer->tx);
	weft_order_init(&peer->rx);
	weft_burst_init(peer);
	skb_queue_head_init(&peer->staged);
	INIT_WORK(&peer->handshake_work, weft_handshake_send_work);
	INIT_WORK(&peer->expire_work, weft_timers_expire_work);
	INIT_WORK(&peer->drain_work, weft_tx_drain_work);
	/* The first initiation need not wait. */
	atomic64_set(&peer->last_sent_handshake,
		     ktime_get_coarse_boottime_ns() -
		     (u64)(WEFT_REKEY_TIMEOUT + 1) * NSEC_PER_SEC);

	weft_peer_secrets_wanted(wdev);
	netdev_dbg(wdev->dev, "peer %llu created\n", peer->id);
	return peer;
}

/**
 * weft_peer_secrets_wanted() - there are peers without the secret of static keys
 * @wdev: device
 *
 * Who adds peers does not wait for key agreements.
 */
void weft_peer_secrets_wanted(struct weft_device *wdev)
{
	mod_delayed_work(wdev->peer_wq, &wdev->secrets_work,
			 msecs_to_jiffies(SECRETS_DELAY_MS));
}

/* Peers that have none, each with a reference; how many. */
static unsigned int find_without_secret(struct weft_device *wdev,
					struct weft_peer **found)
{
	unsigned int count = 0;
	struct weft_peer *peer;

	mutex_lock(&wdev->lock);
	list_for_each_entry(peer, &weft_device_table(wdev)->peers, list) {
		if (READ_ONCE(peer->handshake.has_static_static))
			continue;
		kref_get(&peer->refs);
		found[count++] = peer;
		if (count == SECRETS_AT_ONCE)
			break;
	}
	mutex_unlock(&wdev->lock);
	return count;
}

/**
 * weft_peer_secrets_work() - compute what first handshakes will need
 * @work: weft_device.secrets_work
 *
 * Where there are few peers. Of many, most are never talked to: theirs are left
 * to the handshakes.
 */
void weft_peer_secrets_work(struct work_struct *work)
{
	struct weft_device *wdev = container_of(to_delayed_work(work),
						struct weft_device,
						secrets_work);
	struct weft_peer *found[SECRETS_AT_ONCE];
	unsigned int count, i;

	count = find_without_secret(wdev, found);
	for (i = 0; i < count; i++) {
		down_read(&wdev->identity.lock);
		weft_handshake_precompute(found[i]);
		up_read(&wdev->identity.lock);
		weft_peer_put(found[i]);
		cond_resched();
	}
}

static void peer_free_rcu(struct rcu_head *rcu)
{
	struct weft_peer *peer = container_of(rcu, struct weft_peer, rcu);

	weft_paths_destroy(&peer->paths);
	WARN_ON(!skb_queue_empty(&peer->staged));
	/* Keys. */
	memzero_explicit(peer, sizeof(*peer));
	kmem_cache_free(peer_cache, peer);
}

static void peer_release(struct kref *refs)
{
	struct weft_peer *peer = container_of(refs, struct weft_peer, refs);

	netdev_dbg(peer->wdev->dev, "peer %llu destroyed\n", peer->id);
	/* A handshake worker with a reference may have staged a keepalive late. */
	weft_purge_staged(peer);
	weft_order_purge(&peer->tx);
	weft_order_purge(&peer->rx);
	call_rcu(&peer->rcu, peer_free_rcu);
}

/**
 * weft_peer_get_maybe_zero() - hold a peer found under RCU
 * @peer: the peer, or NULL
 *
 * Return: the peer; NULL if it is on its way out.
 */
struct weft_peer *weft_peer_get_maybe_zero(struct weft_peer *peer)
{
	if (unlikely(!peer || !kref_get_unless_zero(&peer->refs)))
		return NULL;
	return peer;
}

/**
 * weft_peer_put() - let go of a reference
 * @peer: or NULL
 */
void weft_peer_put(struct weft_peer *peer)
{
	if (peer)
		kref_put(&peer->refs, peer_release);
}

/**
 * weft_peer_abandon() - free a peer that was never inserted
 * @peer: from weft_peer_create(); or NULL
 */
void weft_peer_abandon(struct weft_peer *peer)
{
	weft_peer_put(peer);
}

/* The list is in order of ids, which a dump relies on to go on where it was. */
static void list_by_id(struct weft_peer_table *table, struct weft_peer *peer)
{
	struct weft_peer *other;

	/* Ids rise: nearly always this is the end. */
	list_for_each_entry_reverse(other, &table->peers, list)
		if (other->id < peer->id)
			break;
	list_add(&peer->list, &other->list);
	table->count++;
}

/**
 * weft_peer_insert() - let the data path find a peer
 * @table: the device's table, or one to take its place
 * @peer: from weft_peer_create(); its reference passes over on success
 *
 * Return: 0; -EEXIST if there is a peer with its key; or -errno.
 */
int weft_peer_insert(struct weft_peer_table *table, struct weft_peer *peer)
{
	int err;

	lockdep_assert_held(&peer->wdev->lock);

	err = rhashtable_lookup_insert_key(&table->by_key,
					   peer->handshake.remote_static,
					   &peer->node, by_key_params);
	if (err)
		return err;
	list_by_id(table, peer);
	return 0;
}

/**
 * weft_peer_lookup() - find a peer by its key
 * @table: table
 * @public_key: static key
 *
 * Context: RCU read section or the device's lock.
 * Return: the peer, without a reference, or NULL.
 */
struct weft_peer *weft_peer_lookup(struct weft_peer_table *table,
				   const u8 public_key[WEFT_KEY_LEN])
{
	u32 key[WEFT_KEY_LEN / sizeof(u32)];

	/* Aligned, as the hash wants it. */
	memcpy(key, public_key, WEFT_KEY_LEN);
	return rhashtable_lookup_fast(&table->by_key, key, by_key_params);
}

/* First step: nobody finds the peer anew, by key, address or index. */
static void table_make_dead(struct weft_peer_table *table,
			    struct weft_peer *peer, struct list_head *dead)
{
	lockdep_assert_held(&peer->wdev->lock);

	list_move_tail(&peer->list, dead);
	table->count--;
	rhashtable_remove_fast(&table->by_key, &peer->node, by_key_params);
	weft_allowedips_remove_by_peer(&table->allowed, peer,
				       &peer->wdev->lock);

	/* From here on no session is installed, no timer or work started. */
	spin_lock_bh(&peer->sessions.lock);
	WRITE_ONCE(peer->dead, true);
	spin_unlock_bh(&peer->sessions.lock);

	weft_sessions_clear(peer);
	weft_handshake_clear(peer);
}

static void table_make_all_dead(struct weft_peer_table *table,
				struct list_head *dead)
{
	struct weft_peer *peer, *next;

	list_for_each_entry_safe(peer, next, &table->peers, list)
		table_make_dead(table, peer, dead);
}

/*
 * Third step, a grace period after the first: readers that found the peer in
 * time are done, so what they may have started ends here. Batches with
 * workers and on lanes hold references, and the last one frees the peer.
 */
static void peer_bury(struct weft_peer *peer)
{
	weft_burst_stop(peer);
	weft_timers_stop(peer);
	if (cancel_work_sync(&peer->handshake_work))
		weft_peer_put(peer);
	if (cancel_work_sync(&peer->expire_work))
		weft_peer_put(peer);
	weft_purge_staged(peer);
	list_del(&peer->list);
	weft_peer_put(peer);
}

/**
 * weft_peer_make_dead() - begin to remove a peer
 * @peer: in its device's table, whose lock is held
 * @dead: for weft_peer_bury()
 *
 * To remove many for the price of one grace period.
 */
void weft_peer_make_dead(struct weft_peer *peer, struct list_head *dead)
{
	table_make_dead(weft_device_table(peer->wdev), peer, dead);
	weft_device_changed(peer->wdev);
}

/**
 * weft_peer_bury() - remove peers for good
 * @dead: from weft_peer_make_dead() or weft_peer_exchange()
 *
 * Context: process; waits for a grace period, unless the list is empty.
 */
void weft_peer_bury(struct list_head *dead)
{
	struct weft_peer *peer, *next;

	if (list_empty(dead))
		return;
	/* Second step, one for all: wait for readers. */
	synchronize_net();
	list_for_each_entry_safe(peer, next, dead, list)
		peer_bury(peer);
}

/**
 * weft_peer_exchange() - let a new peer take the place of one with its key
 * @old: in its device's table, whose lock is held
 * @new: from weft_peer_create(); its reference passes over
 * @dead: for weft_peer_bury()
 *
 * Unlike a removal and an insertion this cannot fail.
 */
void weft_peer_exchange(struct weft_peer *old, struct weft_peer *new,
			struct list_head *dead)
{
	struct weft_peer_table *table = weft_device_table(old->wdev);

	WARN_ON(rhashtable_replace_fast(&table->by_key, &old->node, &new->node,
					by_key_params));
	list_by_id(table, new);
	weft_peer_make_dead(old, dead);
}

/**
 * weft_peer_remove() - remove a peer
 * @peer: in its device's table, whose lock is held
 */
void weft_peer_remove(struct weft_peer *peer)
{
	LIST_HEAD(dead);

	weft_peer_make_dead(peer, &dead);
	weft_peer_bury(&dead);
}

/**
 * weft_peer_remove_all() - remove all peers of a device
 * @wdev: device, whose lock is held
 */
void weft_peer_remove_all(struct weft_device *wdev)
{
	LIST_HEAD(dead);

	table_make_all_dead(weft_device_table(wdev), &dead);
	weft_device_changed(wdev);
	weft_peer_bury(&dead);
}

/**
 * weft_peer_table_abandon() - free a table that was to replace another one
 * @table: never seen by the data path, with its peers
 * @lock: weft_device.lock, held
 */
void weft_peer_table_abandon(struct weft_peer_table *table, struct mutex *lock)
{
	struct weft_peer *peer, *next;
	LIST_HEAD(dead);

	table_make_all_dead(table, &dead);
	list_for_each_entry_safe(peer, next, &dead, list)
		peer_bury(peer);
	weft_peer_table_destroy(table, lock);
}

/**
 * weft_peer_table_publish() - let the data path see other peers
 * @wdev: device, whose lock is held
 * @table: new table, with its peers
 * @dead: the old ones, for weft_peer_bury()
 *
 * Return: the old table, for weft_peer_table_destroy() after that.
 */
struct weft_peer_table *weft_peer_table_publish(struct weft_device *wdev,
						struct weft_peer_table *table,
						struct list_head *dead)
{
	struct weft_peer_table *old;

	old = rcu_replace_pointer(wdev->table, table,
				  lockdep_is_held(&wdev->lock));
	/* Nobody may see the old table half empty. */
	synchronize_net();
	table_make_all_dead(old, dead);
	weft_device_changed(wdev);
	return old;
}

/**
 * weft_peer_module_init() - make the cache that peers come from
 *
 * Return: 0 or -ENOMEM.
 */
int __init weft_peer_module_init(void)
{
	peer_cache = KMEM_CACHE(weft_peer, SLAB_ACCOUNT);
	return peer_cache ? 0 : -ENOMEM;
}

/**
 * weft_peer_module_exit() - undo weft_peer_module_init()
 *
 * No peers are left, and RCU callbacks have run.
 */
void weft_peer_module_exit(void)
{
	kmem_cache_destroy(peer_cache);
}
