// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that change a device or its peers: DEVICE_SET, PEER_NEW, PEER_SET,
 * PEER_DEL. Each is applied whole or not at all, in three steps:
 *
 * 1. read_*: all attributes are read into plain structures and checked, without
 *    a lock;
 * 2. plan_*: under the device's lock, it is decided what each peer of the
 *    request means, and all that may fail for want of memory is allocated;
 * 3. commit_*: the few steps that may still fail come first and can be undone,
 *    then come those that cannot fail.
 *
 * The same public key may occur several times: what comes later adds to what
 * came before, so that a peer may have more allowed IPs than fit into one
 * attribute. What a request first says about a peer and then takes back by
 * REMOVE_ME is as if it had not been said.
 */

#include "netlink.h"

#include <linux/inetdevice.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/siphash.h>
#include <crypto/curve25519.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#include "compat/compat.h"
#include "allowedips.h"
#include "device.h"
#include "gcm.h"
#include "messages.h"
#include "netlink_policy.h"
#include "packet.h"
#include "path.h"
#include "peer.h"
#include "upcall.h"

/**
 * struct change_ip - an allowed IP of a request
 * @family: AF_INET or AF_INET6
 * @prefix_len: fits @family
 * @remove: to be taken from the peer
 * @addr: 4 or 16 bytes, in the message
 */
struct change_ip {
	u16 family;
	u8 prefix_len;
	bool remove;
	const void *addr;
};

/**
 * struct change_peer - a peer of a request, once for each attribute
 * @attr: the attribute; its allowed IPs are read again when they are applied
 * @public_key: in the message
 * @preshared_key: in the message; NULL to leave it
 * @endpoint: family AF_UNSPEC to leave it
 * @spare: path to take @endpoint if the peer has none
 * @flags: enum weft_peer_flag
 * @keepalive: seconds, negative to leave it
 * @suite: enum weft_suite_id, negative to leave it
 * @insertions: allowed IPs to add
 * @first: place of the first change_peer with the same key
 * @next: next change_peer with the same hash, its place + 1
 * @old: only in the first one: the peer that the device has
 * @now: only in the first one: the peer that it will have, which may be @old
 * @made: peer that was made for this one and has not been inserted yet
 * @inserted: peer that was made and has been inserted
 * @target: peer that this one changes, NULL for none
 * @wake: persistent keepalive has been switched on
 */
struct change_peer {
	const struct nlattr *attr;
	const u8 *public_key;
	const u8 *preshared_key;
	struct weft_endpoint endpoint;
	struct weft_path *spare;
	u32 flags;
	int keepalive;
	int suite;
	unsigned int insertions;
	unsigned int first;
	unsigned int next;
	struct weft_peer *old;
	struct weft_peer *now;
	struct weft_peer *made;
	struct weft_peer *inserted;
	struct weft_peer *target;
	bool wake;
};

/**
 * struct change - a request
 * @wdev: device to change
 * @info: the request
 * @extack: what is wrong with it
 * @private_key: in the message; NULL to leave it
 * @public_key: of the device, after the request
 * @has_public_key: it has one
 * @had_public_key: it has had one before
 * @replace: the peers take the place of all present ones
 * @table: the new peers, if @replace
 * @peers: peers of the request, in order
 * @count: how many
 * @buckets: hash table of public keys: place in @peers + 1, 0 for none
 * @bucket_count: a power of two
 * @hash_key: of the hash table
 * @pool: nodes for the allowed IPs
 */
struct change {
	struct weft_device *wdev;
	struct genl_info *info;
	struct netlink_ext_ack *extack;
	const u8 *private_key;
	u8 public_key[WEFT_KEY_LEN];
	bool has_public_key;
	bool had_public_key;
	bool replace;
	struct weft_peer_table *table;
	struct change_peer *peers;
	unsigned int count;
	unsigned int *buckets;
	unsigned int bucket_count;
	siphash_key_t hash_key;
	struct weft_allowedips_pool pool;
};

static struct change_peer *end_of(const struct change *change)
{
	return change->peers + change->count;
}

/* --- 1: read and check --- */

static int read_ip(struct change_ip *ip, const struct nlattr *attr,
		   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[WEFT_A_ALLOWED_IP_MAX + 1];
	const struct nlattr *addr;
	int err, addr_len, bits;

	err = nla_parse_nested(tb, WEFT_A_ALLOWED_IP_MAX, attr, NULL, extack);
	if (err)
		return err;
	if (!tb[WEFT_A_ALLOWED_IP_FAMILY] || !tb[WEFT_A_ALLOWED_IP_ADDRESS] ||
	    !tb[WEFT_A_ALLOWED_IP_PREFIX_LEN]) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "allowed IP needs family, address and prefix length");
		return -EINVAL;
	}

	addr = tb[WEFT_A_ALLOWED_IP_ADDRESS];
	ip->family = nla_get_u16(tb[WEFT_A_ALLOWED_IP_FAMILY]);
	ip->prefix_len = nla_get_u8(tb[WEFT_A_ALLOWED_IP_PREFIX_LEN]);
	ip->addr = nla_data(addr);
	ip->remove = tb[WEFT_A_ALLOWED_IP_FLAGS] &&
		     nla_get_u32(tb[WEFT_A_ALLOWED_IP_FLAGS]) &
		     WEFT_ALLOWED_IP_F_REMOVE_ME;

	if (ip->family != AF_INET && ip->family != AF_INET6) {
		NL_SET_ERR_MSG_ATTR(extack, tb[WEFT_A_ALLOWED_IP_FAMILY],
				    "family is neither AF_INET nor AF_INET6");
		return -EAFNOSUPPORT;
	}
	addr_len = ip->family == AF_INET ? sizeof(struct in_addr) :
					   sizeof(struct in6_addr);
	bits = addr_len * BITS_PER_BYTE;
	if (nla_len(addr) != addr_len) {
		NL_SET_ERR_MSG_ATTR(extack, addr,
				    "length of the address does not fit its family");
		return -EINVAL;
	}
	if (ip->prefix_len > bits) {
		NL_SET_ERR_MSG_ATTR(extack, tb[WEFT_A_ALLOWED_IP_PREFIX_LEN],
				    "prefix is longer than the address");
		return -EINVAL;
	}
	return 0;
}

static int read_ips(struct change_peer *peer, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	struct change_ip ip;
	int rem, err;

	nla_for_each_nested(attr, peer->attr, rem) {
		if (nla_type(attr) != WEFT_A_PEER_ALLOWED_IP)
			continue;
		err = read_ip(&ip, attr, extack);
		if (err)
			return err;
		if (!ip.remove)
			peer->insertions++;
	}
	return 0;
}

static int read_endpoint(struct weft_endpoint *endpoint,
			 const struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	bool given;

	if (!attr)
		return 0;
	nla_memcpy(&endpoint->addr6, attr, sizeof(endpoint->addr6));

	if (endpoint->addr.sa_family == AF_INET &&
	    nla_len(attr) == sizeof(endpoint->addr4)) {
		given = endpoint->addr4.sin_port &&
			endpoint->addr4.sin_addr.s_addr;
	} else if (endpoint->addr.sa_family == AF_INET6 &&
		   nla_len(attr) == sizeof(endpoint->addr6)) {
		given = endpoint->addr6.sin6_port &&
			!ipv6_addr_any(&endpoint->addr6.sin6_addr);
	} else {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "endpoint is neither a sockaddr_in nor a sockaddr_in6");
		return -EINVAL;
	}
	if (!given) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "endpoint without address or port");
		return -EINVAL;
	}
	return 0;
}

static int read_suite(struct change_peer *peer, const struct nlattr *attr,
		      struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	peer->suite = nla_get_u32(attr);
	switch (peer->suite) {
	case WEFT_SUITE_CHACHA20POLY1305:
	case WEFT_SUITE_AUTO:
		return 0;
	case WEFT_SUITE_AES256GCM:
		/* A driver may have come since the module was loaded. */
		weft_gcm_probe();
		if (weft_gcm_present())
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "suite aes256gcm is not available: this kernel has no AES-GCM that uses AES instructions of this CPU");
		return -EOPNOTSUPP;
	default:
		NL_SET_ERR_MSG_ATTR(extack, attr, "unknown suite");
		return -EINVAL;
	}
}

static int read_flags(struct change_peer *peer, const struct nlattr *attr,
		      struct genl_info *info)
{
	const u32 conditional = WEFT_PEER_F_REMOVE_ME | WEFT_PEER_F_UPDATE_ONLY;

	if (!attr)
		return 0;
	peer->flags = nla_get_u32(attr);
	if (info->genlhdr->cmd != WEFT_CMD_DEVICE_SET &&
	    peer->flags & conditional) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "remove-me and update-only belong to device-set");
		return -EINVAL;
	}
	return 0;
}

static int read_peer(struct change_peer *peer, const struct nlattr *attr,
		     struct genl_info *info)
{
	struct netlink_ext_ack *extack = info->extack;
	struct nlattr *tb[WEFT_A_PEER_MAX + 1];
	int err;

	peer->attr = attr;
	peer->keepalive = -1;
	peer->suite = -1;

	err = nla_parse_nested(tb, WEFT_A_PEER_MAX, attr, NULL, extack);
	if (err)
		return err;
	if (!tb[WEFT_A_PEER_PUBLIC_KEY]) {
		NL_SET_ERR_ATTR_MISS(extack, attr, WEFT_A_PEER_PUBLIC_KEY);
		NL_SET_ERR_MSG_ATTR(extack, attr, "peer without public key");
		return -EINVAL;
	}
	peer->public_key = nla_data(tb[WEFT_A_PEER_PUBLIC_KEY]);
	if (tb[WEFT_A_PEER_PRESHARED_KEY])
		peer->preshared_key = nla_data(tb[WEFT_A_PEER_PRESHARED_KEY]);
	if (tb[WEFT_A_PEER_PERSISTENT_KEEPALIVE])
		peer->keepalive =
			nla_get_u16(tb[WEFT_A_PEER_PERSISTENT_KEEPALIVE]);

	err = read_flags(peer, tb[WEFT_A_PEER_FLAGS], info);
	if (err)
		return err;
	err = read_suite(peer, tb[WEFT_A_PEER_SUITE], extack);
	if (err)
		return err;
	err = read_endpoint(&peer->endpoint, tb[WEFT_A_PEER_ENDPOINT], extack);
	if (err)
		return err;
	return read_ips(peer, extack);
}

/* Finds the first peer of the request with the same key, which may be @peer. */
static void link_peer(struct change *change, struct change_peer *peer)
{
	unsigned int place = peer - change->peers;
	unsigned int *bucket;
	unsigned int i;
	u64 hash;

	hash = siphash(peer->public_key, WEFT_KEY_LEN, &change->hash_key);
	bucket = &change->buckets[hash & (change->bucket_count - 1)];
	for (i = *bucket; i; i = change->peers[i - 1].next) {
		if (memcmp(change->peers[i - 1].public_key, peer->public_key,
			   WEFT_KEY_LEN))
			continue;
		peer->first = i - 1;
		return;
	}
	peer->first = place;
	peer->next = *bucket;
	*bucket = place + 1;
}

static int alloc_peers(struct change *change, unsigned int count)
{
	/* More would be the same peers over and over again. */
	if (count > WEFT_MAX_PEERS_PER_DEVICE) {
		NL_SET_ERR_MSG(change->extack, "too many peers in one request");
		return -E2BIG;
	}
	change->bucket_count = roundup_pow_of_two(count);
	change->peers = kvcalloc(count, sizeof(*change->peers), GFP_KERNEL);
	change->buckets = kvcalloc(change->bucket_count,
				   sizeof(*change->buckets), GFP_KERNEL);
	if (!change->peers || !change->buckets)
		return -ENOMEM;
	get_random_bytes(&change->hash_key, sizeof(change->hash_key));
	return 0;
}

static int read_peers(struct change *change)
{
	struct genl_info *info = change->info;
	const struct nlattr *attr;
	struct change_peer *peer;
	unsigned int count = 0;
	int rem, err;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		count += nla_type(attr) == WEFT_A_DEVICE_PEER;
	if (!count)
		return 0;
	err = alloc_peers(change, count);
	if (err)
		return err;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != WEFT_A_DEVICE_PEER)
			continue;
		peer = &change->peers[change->count++];
		err = read_peer(peer, attr, info);
		if (err)
			return err;
		link_peer(change, peer);
		cond_resched();
	}
	return 0;
}

static int read_request(struct change *change)
{
	struct genl_info *info = change->info;
	const struct nlattr *flags = info->attrs[WEFT_A_DEVICE_FLAGS];
	const struct nlattr *key = info->attrs[WEFT_A_DEVICE_PRIVATE_KEY];

	if (flags)
		change->replace = nla_get_u32(flags) &
				  WEFT_DEVICE_F_REPLACE_PEERS;
	if (key)
		change->private_key = nla_data(key);
	if (info->genlhdr->cmd != WEFT_CMD_DEVICE_SET &&
	    !info->attrs[WEFT_A_DEVICE_PEER]) {
		NL_SET_ERR_ATTR_MISS(change->extack, NULL, WEFT_A_DEVICE_PEER);
		NL_SET_ERR_MSG(change->extack, "request without a peer");
		return -EINVAL;
	}
	return read_peers(change);
}

/* --- 2: plan and allocate --- */

/*
 * Port and mark act in the namespace that the device was made in, which may
 * belong to somebody else.
 */
static int check_birth_net(struct change *change)
{
	struct nlattr **attrs = change->info->attrs;
	const struct nlattr *attr = attrs[WEFT_A_DEVICE_LISTEN_PORT] ?:
				    attrs[WEFT_A_DEVICE_FWMARK];
	struct net *net;

	if (!attr)
		return 0;
	/* It is cleared under this lock before the namespace goes. */
	net = rcu_dereference_protected(change->wdev->birth_net,
					lockdep_is_held(&change->wdev->lock));
	if (net && ns_capable(net->user_ns, CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG_ATTR(change->extack, attr,
			    "not permitted in the namespace of the device's sockets");
	return -EPERM;
}

/* The public key that the device will have when the request is applied. */
static void plan_identity(struct change *change)
{
	struct weft_identity *identity = &change->wdev->identity;
	u8 secret[WEFT_KEY_LEN];

	down_read(&identity->lock);
	change->had_public_key = identity->present;
	change->has_public_key = identity->present;
	memcpy(change->public_key, identity->public_key, WEFT_KEY_LEN);
	up_read(&identity->lock);

	if (!change->private_key)
		return;
	change->has_public_key = memchr_inv(change->private_key, 0,
					    WEFT_KEY_LEN);
	if (!change->has_public_key)
		return;
	memcpy(secret, change->private_key, WEFT_KEY_LEN);
	curve25519_clamp_secret(secret);
	change->has_public_key =
		curve25519_generate_public(change->public_key, secret);
	memzero_explicit(secret, sizeof(secret));
}

static bool is_own_key(const struct change *change, const u8 *public_key)
{
	return change->has_public_key &&
	       !memcmp(public_key, change->public_key, WEFT_KEY_LEN);
}

/* Peers stay while the device is locked. */
static struct weft_peer *find_peer(struct weft_device *wdev,
				   const u8 *public_key)
{
	struct weft_peer *peer;

	lockdep_assert_held(&wdev->lock);
	rcu_read_lock();
	peer = weft_peer_lookup(weft_device_table(wdev), public_key);
	rcu_read_unlock();
	return peer;
}

/* What the operation asks of the first attribute of a peer. */
static int check_presence(const struct change *change,
			  const struct change_peer *peer)
{
	bool present = peer->now;

	switch (change->info->genlhdr->cmd) {
	case WEFT_CMD_PEER_NEW:
		if (present) {
			NL_SET_ERR_MSG_ATTR(change->extack, peer->attr,
					    "there is a peer with this public key");
			return -EEXIST;
		}
		if (is_own_key(change, peer->public_key)) {
			NL_SET_ERR_MSG_ATTR(change->extack, peer->attr,
					    "this is the device's own public key");
			return -EINVAL;
		}
		return 0;
	case WEFT_CMD_PEER_SET:
	case WEFT_CMD_PEER_DEL:
		if (!present) {
			NL_SET_ERR_MSG_ATTR(change->extack, peer->attr,
					    "no peer with this public key");
			return -ENOENT;
		}
		return 0;
	default:
		return 0;
	}
}

/* All but the allowed IPs; cannot fail. */
static void apply_settings(struct change_peer *peer)
{
	struct weft_peer *target = peer->target;

	if (peer->preshared_key) {
		down_write(&target->handshake.lock);
		memcpy(target->handshake.preshared_key, peer->preshared_key,
		       WEFT_NOISE_SYMMETRIC_KEY_LEN);
		up_write(&target->handshake.lock);
	}
	if (peer->spare) {
		weft_path_set_endpoint(target, &peer->endpoint, peer->spare);
		peer->spare = NULL;
	}
	if (peer->suite >= 0 && peer->suite != target->suite) {
		WRITE_ONCE(target->suite, peer->suite);
		weft_control_suite_changed(target);
	}
	if (peer->keepalive >= 0) {
		peer->wake = !target->timers.keepalive_interval &&
			     peer->keepalive;
		WRITE_ONCE(target->timers.keepalive_interval, peer->keepalive);
	}
}

static int plan_peer(struct change *change, struct change_peer *peer)
{
	struct change_peer *first = &change->peers[peer->first];
	bool own = is_own_key(change, peer->public_key);
	int err;

	if (peer == first) {
		/* A peer with our own key goes when the key is set. */
		if (!change->replace && !own)
			first->old = find_peer(change->wdev, peer->public_key);
		first->now = first->old;
		err = check_presence(change, first);
		if (err)
			return err;
	}

	if (peer->flags & WEFT_PEER_F_REMOVE_ME ||
	    change->info->genlhdr->cmd == WEFT_CMD_PEER_DEL) {
		first->now = NULL;
		return 0;
	}
	if (!first->now) {
		if (peer->flags & WEFT_PEER_F_UPDATE_ONLY || own)
			return 0;
		peer->made = weft_peer_create(change->wdev, peer->public_key);
		if (!peer->made)
			return -ENOMEM;
		first->now = peer->made;
	}
	peer->target = first->now;

	if (peer->endpoint.addr.sa_family != AF_UNSPEC) {
		peer->spare = weft_path_prepare();
		if (!peer->spare)
			return -ENOMEM;
	}
	/* Nobody sees a peer that is not inserted yet. */
	if (peer->target != first->old)
		apply_settings(peer);
	return 0;
}

/* Some of what was planned may have been taken back later in the request. */
static void plan_drop_obsolete(struct change *change)
{
	struct change_peer *peer;

	for (peer = change->peers; peer < end_of(change); peer++) {
		if (peer->target != change->peers[peer->first].now)
			peer->target = NULL;
		if (!peer->target) {
			weft_peer_abandon(peer->made);
			peer->made = NULL;
		}
	}
}

static int plan_room(struct change *change)
{
	unsigned int before = 0, added = 0, removed = 0;
	struct change_peer *peer;
	int err;

	if (!change->replace)
		before = weft_device_table(change->wdev)->count;

	for (peer = change->peers; peer < end_of(change); peer++) {
		added += !!peer->made;
		removed += peer->old && peer->now != peer->old;
		if (!peer->target)
			continue;
		err = weft_allowedips_reserve(&change->pool, peer->insertions);
		if (err)
			return err;
		cond_resched();
	}
	if (added && before + added - removed > WEFT_MAX_PEERS_PER_DEVICE) {
		NL_SET_ERR_MSG(change->extack, "too many peers on the device");
		return -ENOSPC;
	}
	return 0;
}

static int plan_request(struct change *change)
{
	struct change_peer *peer;
	int err;

	lockdep_assert_held(&change->wdev->lock);

	plan_identity(change);
	if (change->replace) {
		change->table = weft_peer_table_create();
		if (!change->table)
			return -ENOMEM;
	}
	for (peer = change->peers; peer < end_of(change); peer++) {
		err = plan_peer(change, peer);
		if (err)
			return err;
		cond_resched();
	}
	plan_drop_obsolete(change);
	return plan_room(change);
}

/* --- 3: commit --- */

static bool is_insertion(const struct change *change,
			 const struct change_peer *peer)
{
	/* A peer that takes the place of another one is exchanged instead. */
	return peer->made && !change->peers[peer->first].old;
}

static int commit_insertions(struct change *change)
{
	struct weft_peer_table *table = change->table ?:
					weft_device_table(change->wdev);
	struct change_peer *peer;
	int err;

	for (peer = change->peers; peer < end_of(change); peer++) {
		if (!is_insertion(change, peer))
			continue;
		err = weft_peer_insert(table, peer->made);
		if (err)
			return err;
		peer->inserted = peer->made;
		peer->made = NULL;
		cond_resched();
	}
	return 0;
}

/* A new table goes as a whole. */
static void undo_insertions(struct change *change)
{
	struct change_peer *peer;
	LIST_HEAD(dead);

	if (change->replace)
		return;
	for (peer = change->peers; peer < end_of(change); peer++)
		if (peer->inserted)
			weft_peer_make_dead(peer->inserted, &dead);
	weft_peer_bury(&dead);
}

static int commit_port(struct change *change)
{
	const struct nlattr *port =
		change->info->attrs[WEFT_A_DEVICE_LISTEN_PORT];
	int err;

	if (!port)
		return 0;
	err = weft_device_set_port(change->wdev, nla_get_u16(port));
	if (err)
		NL_SET_ERR_MSG_ATTR(change->extack, port,
				    "cannot listen on this port");
	return err;
}

static void apply_ips(struct weft_peer_table *table, struct change *change,
		      struct change_peer *peer)
{
	struct weft_allowedips *allowed = &table->allowed;
	struct mutex *lock = &change->wdev->lock;
	const struct nlattr *attr;
	struct change_ip ip;
	LIST_HEAD(stale);
	int rem;

	/* Prefixes that stay leave this list when they are inserted again. */
	if (peer->flags & WEFT_PEER_F_REPLACE_ALLOWED_IPS)
		list_splice_init(&peer->target->allowedips, &stale);

	nla_for_each_nested(attr, peer->attr, rem) {
		if (nla_type(attr) != WEFT_A_PEER_ALLOWED_IP)
			continue;
		/* It was checked when the request was read. */
		if (WARN_ON_ONCE(read_ip(&ip, attr, NULL)))
			break;
		if (ip.remove)
			weft_allowedips_remove(allowed, ip.family, ip.addr,
					       ip.prefix_len, peer->target,
					       lock);
		else
			weft_allowedips_insert(allowed, &change->pool,
					       ip.family, ip.addr,
					       ip.prefix_len, peer->target,
					       lock);
		cond_resched();
	}
	weft_allowedips_remove_list(allowed, &stale, lock);
}

static void commit_removals(struct change *change)
{
	struct change_peer *peer;
	LIST_HEAD(dead);

	for (peer = change->peers; peer < end_of(change); peer++) {
		if (peer->made) {
			weft_peer_exchange(change->peers[peer->first].old,
					   peer->made, &dead);
			peer->made = NULL;
		} else if (peer->old && !peer->now) {
			weft_peer_make_dead(peer->old, &dead);
		}
		cond_resched();
	}
	weft_peer_bury(&dead);
}

static void commit_fwmark(struct change *change)
{
	const struct nlattr *fwmark =
		change->info->attrs[WEFT_A_DEVICE_FWMARK];

	if (fwmark)
		weft_device_set_fwmark(change->wdev, nla_get_u32(fwmark));
}

static void commit_upcalls(struct change *change)
{
	const struct nlattr *upcalls;

	/* The attributes of the other commands do not reach that far. */
	if (change->info->genlhdr->cmd != WEFT_CMD_DEVICE_SET)
		return;
	upcalls = change->info->attrs[WEFT_A_DEVICE_UPCALLS];
	if (upcalls)
		weft_upcalls_set(change->wdev, nla_get_u32(upcalls));
}

static void commit_peers(struct change *change)
{
	struct weft_peer_table *table = change->table ?:
					weft_device_table(change->wdev);
	struct change_peer *peer;

	for (peer = change->peers; peer < end_of(change); peer++) {
		if (!peer->target)
			continue;
		if (peer->target == change->peers[peer->first].old)
			apply_settings(peer);
		apply_ips(table, change, peer);
		cond_resched();
	}
}

/* What waits for a peer may be able to go now. */
static void commit_wake(struct change *change)
{
	struct change_peer *peer;
	struct weft_peer *other;

	/* A device that is just coming up does that itself when it can send. */
	if (!rcu_access_pointer(change->wdev->sock4))
		return;
	for (peer = change->peers; peer < end_of(change); peer++) {
		if (!peer->target)
			continue;
		if (peer->wake)
			weft_send_keepalive(peer->target);
		weft_send_staged(peer->target);
		cond_resched();
	}
	if (change->had_public_key || !change->has_public_key)
		return;
	list_for_each_entry(other, &weft_device_table(change->wdev)->peers,
			    list)
		weft_send_staged(other);
}

static int commit_request(struct change *change)
{
	struct weft_device *wdev = change->wdev;
	int err;

	lockdep_assert_held(&wdev->lock);

	/* Cursors of dumps hold no references. */
	weft_device_changed(wdev);

	err = commit_insertions(change);
	if (!err)
		err = commit_port(change);
	if (err) {
		undo_insertions(change);
		return err;
	}

	/* From here on nothing fails. */
	if (change->replace) {
		commit_peers(change);
		weft_device_replace_peers(wdev, change->table,
					  change->private_key);
		change->table = NULL;
		commit_fwmark(change);
	} else {
		commit_removals(change);
		commit_fwmark(change);
		if (change->private_key)
			weft_device_set_private_key(wdev, change->private_key);
		commit_peers(change);
	}
	commit_upcalls(change);
	commit_wake(change);
	/* Last, when what is held can go where it belongs. */
	weft_upcalls_recheck(wdev);
	return 0;
}

/* --- the request --- */

/* Of what was planned, what has not been committed. */
static void release_plan(struct change *change)
{
	struct change_peer *peer;

	for (peer = change->peers; peer < end_of(change); peer++) {
		weft_peer_abandon(peer->made);
		weft_path_discard(peer->spare);
	}
	if (change->table)
		weft_peer_table_abandon(change->table, &change->wdev->lock);
	weft_allowedips_release(&change->pool);
}

static int change_device(struct change *change)
{
	struct weft_device *wdev = change->wdev;
	bool rtnl = change->info->attrs[WEFT_A_DEVICE_LISTEN_PORT];
	int err;

	/* Sockets are opened and closed with the link's state at rest. */
	if (rtnl)
		rtnl_lock();
	mutex_lock(&wdev->lock);
	err = check_birth_net(change);
	if (!err)
		err = plan_request(change);
	if (!err)
		err = commit_request(change);
	release_plan(change);
	mutex_unlock(&wdev->lock);
	if (rtnl)
		rtnl_unlock();
	return err;
}

static void release(struct change *change)
{
	kvfree(change->buckets);
	kvfree(change->peers);
}

static void erase_attr(const struct nlattr *attr)
{
	memzero_explicit(nla_data(attr), nla_len(attr));
}

/* The message is the kernel's own copy, and the only one by now. */
static void erase_keys(struct genl_info *info)
{
	const struct nlattr *attr, *nested;
	int rem, nested_rem;

	if (info->attrs[WEFT_A_DEVICE_PRIVATE_KEY])
		erase_attr(info->attrs[WEFT_A_DEVICE_PRIVATE_KEY]);
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != WEFT_A_DEVICE_PEER)
			continue;
		nla_for_each_nested(nested, attr, nested_rem)
			if (nla_type(nested) == WEFT_A_PEER_PRESHARED_KEY)
				erase_attr(nested);
	}
}

/**
 * weft_netlink_change() - DEVICE_SET, PEER_NEW, PEER_SET, PEER_DEL
 * @skb: the request
 * @info: the same, its attributes validated
 *
 * Return: 0 and all has been applied; or -errno and nothing has.
 */
int weft_netlink_change(struct sk_buff *skb, struct genl_info *info)
{
	struct change change = { .info = info, .extack = info->extack };
	struct net_device *dev;
	int err;

	dev = weft_netlink_find_device(genl_info_net(info), info->attrs,
				       info->extack);
	if (IS_ERR(dev)) {
		err = PTR_ERR(dev);
		goto erase;
	}
	change.wdev = netdev_priv(dev);

	err = read_request(&change);
	if (!err)
		err = change_device(&change);
	release(&change);
	dev_put(dev);
erase:
	erase_keys(info);
	return err;
}
