// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that read: DEVICE_GET and PEER_GET, of one or in a dump.
 *
 * A dump holds nothing between two of its messages, neither a reference nor a
 * lock: a reader that stops reading must not keep a device from going. What it
 * remembers of a peer is only looked at if the device has not changed since;
 * weft_device.generation tells.
 */

#include "netlink.h"

#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "compat/compat.h"
#include "allowedips.h"
#include "device.h"
#include "netlink_policy.h"
#include "path.h"
#include "peer.h"
#include "session.h"

/*
 * Largest reply about one peer: below what a nest can say of its length, with
 * what the allocator may round up.
 */
#define LARGE_REPLY	60000

/* --- devices --- */

static int put_identity(struct sk_buff *skb, struct weft_identity *identity)
{
	int err = 0;

	down_read(&identity->lock);
	if (identity->present)
		err = nla_put(skb, WEFT_A_DEVICE_PRIVATE_KEY, WEFT_KEY_LEN,
			      identity->private_key) ?:
		      nla_put(skb, WEFT_A_DEVICE_PUBLIC_KEY, WEFT_KEY_LEN,
			      identity->public_key);
	up_read(&identity->lock);
	return err;
}

static int fill_device(struct sk_buff *skb, struct weft_device *wdev)
{
	lockdep_assert_held(&wdev->lock);

	return nla_put_u32(skb, WEFT_A_DEVICE_IFINDEX, wdev->dev->ifindex) ?:
	       nla_put_string(skb, WEFT_A_DEVICE_IFNAME, wdev->dev->name) ?:
	       put_identity(skb, &wdev->identity) ?:
	       nla_put_u16(skb, WEFT_A_DEVICE_LISTEN_PORT, wdev->port) ?:
	       nla_put_u32(skb, WEFT_A_DEVICE_FWMARK, wdev->fwmark) ?:
	       nla_put_u32(skb, WEFT_A_DEVICE_PEER_COUNT,
			   weft_device_table(wdev)->count) ?:
	       nla_put_u32(skb, WEFT_A_DEVICE_UPCALLS, wdev->upcalls.wanted);
}

/**
 * weft_netlink_device_get() - DEVICE_GET of one device
 * @skb: the request
 * @info: the same, its attributes validated
 *
 * Return: 0 or -errno.
 */
int weft_netlink_device_get(struct sk_buff *skb, struct genl_info *info)
{
	struct weft_device *wdev;
	struct net_device *dev;
	struct sk_buff *reply;
	int err = -EMSGSIZE;
	void *hdr;

	dev = weft_netlink_find_device(genl_info_net(info), info->attrs,
				       info->extack);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	wdev = netdev_priv(dev);

	reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply) {
		err = -ENOMEM;
		goto out;
	}
	hdr = genlmsg_put_reply(reply, info, &weft_netlink_family, 0,
				WEFT_CMD_DEVICE_GET);
	if (hdr) {
		mutex_lock(&wdev->lock);
		err = fill_device(reply, wdev);
		mutex_unlock(&wdev->lock);
	}
	if (err) {
		nlmsg_free(reply);
		goto out;
	}
	genlmsg_end(reply, hdr);
	err = genlmsg_reply(reply, info);
out:
	dev_put(dev);
	return err;
}

/**
 * struct device_dump - state of a dump of devices
 * @count: devices that were there when it began
 * @next: place of the one to show next
 * @ifindex: theirs
 */
struct device_dump {
	unsigned int count;
	unsigned int next;
	int ifindex[];
};

static struct device_dump **device_dump_ctx(struct netlink_callback *cb)
{
	return (struct device_dump **)cb->args;
}

static struct device_dump *device_dump_all(struct net *net)
{
	struct device_dump *dump;
	struct net_device *dev;
	unsigned int room = 0;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev)
		room += weft_device_is(dev);
	rcu_read_unlock();

	dump = kvzalloc(struct_size(dump, ifindex, room), GFP_KERNEL);
	if (!dump)
		return NULL;

	rcu_read_lock();
	for_each_netdev_rcu(net, dev)
		if (weft_device_is(dev) && dump->count < room)
			dump->ifindex[dump->count++] = dev->ifindex;
	rcu_read_unlock();
	return dump;
}

static struct device_dump *device_dump_one(struct net *net,
					   struct nlattr **attrs,
					   struct netlink_ext_ack *extack)
{
	struct device_dump *dump;
	struct net_device *dev;

	dev = weft_netlink_find_device(net, attrs, extack);
	if (IS_ERR(dev))
		return ERR_CAST(dev);
	dump = kvzalloc(struct_size(dump, ifindex, 1), GFP_KERNEL);
	if (dump)
		dump->ifindex[dump->count++] = dev->ifindex;
	dev_put(dev);
	return dump;
}

/**
 * weft_netlink_device_dump_start() - begin a dump of devices
 * @cb: the dump
 *
 * Return: 0 or -errno.
 */
int weft_netlink_device_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = genl_info_dump(cb)->attrs;
	struct net *net = sock_net(cb->skb->sk);
	struct device_dump *dump;

	if (attrs[WEFT_A_DEVICE_IFINDEX] || attrs[WEFT_A_DEVICE_IFNAME])
		dump = device_dump_one(net, attrs, cb->extack);
	else
		dump = device_dump_all(net);
	if (!dump)
		return -ENOMEM;
	if (IS_ERR(dump))
		return PTR_ERR(dump);
	*device_dump_ctx(cb) = dump;
	return 0;
}

static int dump_device(struct sk_buff *skb, struct netlink_callback *cb,
		       struct weft_device *wdev)
{
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &weft_netlink_family, NLM_F_MULTI,
			  WEFT_CMD_DEVICE_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);

	mutex_lock(&wdev->lock);
	err = fill_device(skb, wdev);
	mutex_unlock(&wdev->lock);
	if (err) {
		genlmsg_cancel(skb, hdr);
		return err;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/**
 * weft_netlink_device_dump() - go on with a dump of devices
 * @skb: filled with devices
 * @cb: the dump
 *
 * Return: 0 when done, positive when not, -errno.
 */
int weft_netlink_device_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct device_dump *dump = *device_dump_ctx(cb);
	struct net *net = sock_net(cb->skb->sk);
	struct net_device *dev;
	int err = 0;

	cb->seq = READ_ONCE(net->dev_base_seq);
	for (; dump->next < dump->count; dump->next++) {
		dev = dev_get_by_index(net, dump->ifindex[dump->next]);
		if (dev && weft_device_is(dev))
			err = dump_device(skb, cb, netdev_priv(dev));
		dev_put(dev);
		if (err)
			return skb->len ?: err;
	}
	return 0;
}

/**
 * weft_netlink_device_dump_done() - end a dump of devices
 * @cb: the dump
 *
 * Return: 0.
 */
int weft_netlink_device_dump_done(struct netlink_callback *cb)
{
	kvfree(*device_dump_ctx(cb));
	return 0;
}

/* --- peers --- */

static int put_sockaddr(struct sk_buff *skb, int type,
			const struct weft_endpoint *endpoint)
{
	if (endpoint->addr.sa_family == AF_INET)
		return nla_put(skb, type, sizeof(endpoint->addr4),
			       &endpoint->addr4);
	return nla_put(skb, type, sizeof(endpoint->addr6), &endpoint->addr6);
}

static int put_source(struct sk_buff *skb, const struct weft_endpoint *endpoint)
{
	struct weft_endpoint source = { .src_ifindex = 0 };
	int err = 0;

	source.addr.sa_family = endpoint->addr.sa_family;
	if (endpoint->addr.sa_family == AF_INET && endpoint->src4.s_addr) {
		source.addr4.sin_addr = endpoint->src4;
		err = put_sockaddr(skb, WEFT_A_PATH_SOURCE, &source);
	} else if (endpoint->addr.sa_family == AF_INET6 &&
		   !ipv6_addr_any(&endpoint->src6)) {
		source.addr6.sin6_addr = endpoint->src6;
		err = put_sockaddr(skb, WEFT_A_PATH_SOURCE, &source);
	}
	if (!err && endpoint->src_ifindex)
		err = nla_put_u32(skb, WEFT_A_PATH_SOURCE_IFINDEX,
				  endpoint->src_ifindex);
	return err;
}

static int put_path(struct sk_buff *skb, struct weft_path *path)
{
	struct weft_endpoint endpoint;
	struct nlattr *nest;
	u64 last_rx;
	int err;

	spin_lock_bh(&path->lock);
	endpoint = path->endpoint;
	spin_unlock_bh(&path->lock);
	last_rx = READ_ONCE(path->last_rx);

	nest = nla_nest_start(skb, WEFT_A_PEER_PATH);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u32(skb, WEFT_A_PATH_TYPE, path->type) ?:
	      nla_put_u32(skb, WEFT_A_PATH_STATE, READ_ONCE(path->state));
	if (!err && path->type == WEFT_PATH_TYPE_DIRECT)
		err = put_sockaddr(skb, WEFT_A_PATH_ENDPOINT, &endpoint) ?:
		      put_source(skb, &endpoint);
	if (!err && last_rx)
		err = nla_put_u64_64bit(skb, WEFT_A_PATH_LAST_RX_MS,
					jiffies64_to_msecs(get_jiffies_64() -
							   last_rx),
					WEFT_A_PATH_PAD);
	nla_nest_end(skb, nest);
	return err;
}

static int put_paths(struct sk_buff *skb, struct weft_peer *peer)
{
	struct weft_endpoint endpoint;
	struct weft_path *path;
	int err = 0;

	if (weft_path_endpoint(peer, &endpoint))
		err = put_sockaddr(skb, WEFT_A_PEER_ENDPOINT, &endpoint);

	rcu_read_lock();
	list_for_each_entry_rcu(path, &peer->paths.list, list) {
		if (err)
			break;
		err = put_path(skb, path);
	}
	rcu_read_unlock();
	return err;
}

static int put_session(struct sk_buff *skb, struct weft_peer *peer)
{
	struct weft_session *session;
	int err = 0;

	rcu_read_lock();
	session = rcu_dereference(peer->sessions.current_session);
	if (session && weft_session_is_fresh(session))
		err = nla_put_u32(skb, WEFT_A_PEER_SESSION_SUITE,
				  session->suite->id);
	rcu_read_unlock();
	return err;
}

static int put_preshared_key(struct sk_buff *skb, struct weft_peer *peer)
{
	int err;

	down_read(&peer->handshake.lock);
	err = nla_put(skb, WEFT_A_PEER_PRESHARED_KEY, WEFT_KEY_LEN,
		      peer->handshake.preshared_key);
	up_read(&peer->handshake.lock);
	return err;
}

/* All but the public key and the allowed IPs. */
static int put_peer_state(struct sk_buff *skb, struct weft_peer *peer)
{
	struct weft_timers *timers = &peer->timers;

	return put_preshared_key(skb, peer) ?:
	       nla_put_u16(skb, WEFT_A_PEER_PERSISTENT_KEEPALIVE,
			   timers->keepalive_interval) ?:
	       nla_put_s64(skb, WEFT_A_PEER_LAST_HANDSHAKE_SEC,
			   READ_ONCE(timers->handshake_sec),
			   WEFT_A_PEER_PAD) ?:
	       nla_put_u32(skb, WEFT_A_PEER_LAST_HANDSHAKE_NSEC,
			   READ_ONCE(timers->handshake_nsec)) ?:
	       nla_put_u64_64bit(skb, WEFT_A_PEER_RX_BYTES,
				 atomic64_read(&peer->rx_bytes),
				 WEFT_A_PEER_PAD) ?:
	       nla_put_u64_64bit(skb, WEFT_A_PEER_TX_BYTES,
				 atomic64_read(&peer->tx_bytes),
				 WEFT_A_PEER_PAD) ?:
	       nla_put_u32(skb, WEFT_A_PEER_SUITE, peer->suite) ?:
	       put_session(skb, peer) ?:
	       put_paths(skb, peer);
}

static int put_ip(struct sk_buff *skb, const struct weft_allowedips_node *node)
{
	struct nlattr *nest;
	u8 addr[16] __aligned(8);
	u8 prefix_len;
	u16 family;

	family = weft_allowedips_read_node(node, addr, &prefix_len);
	nest = nla_nest_start(skb, WEFT_A_PEER_ALLOWED_IP);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u16(skb, WEFT_A_ALLOWED_IP_FAMILY, family) ||
	    nla_put(skb, WEFT_A_ALLOWED_IP_ADDRESS,
		    family == AF_INET ? sizeof(struct in_addr) :
					sizeof(struct in6_addr), addr) ||
	    nla_put_u8(skb, WEFT_A_ALLOWED_IP_PREFIX_LEN, prefix_len)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/*
 * Puts allowed IPs from @node on, and gives back the first that does not fit,
 * or NULL.
 */
static struct weft_allowedips_node *
put_ips(struct sk_buff *skb, struct weft_peer *peer,
	struct weft_allowedips_node *node)
{
	list_for_each_entry_from(node, &peer->allowedips, peer_list)
		if (put_ip(skb, node))
			return node;
	return NULL;
}

/*
 * One peer, or the rest of its allowed IPs from *@node on. Gives back in *@node
 * where to go on; NULL: complete. After an error, which leaves *@node as it is,
 * the message is to be cancelled.
 */
static int put_peer(struct sk_buff *skb, struct weft_peer *peer,
		    struct weft_allowedips_node **node)
{
	struct weft_allowedips_node *next, *from = *node;
	struct nlattr *nest;

	lockdep_assert_held(&peer->wdev->lock);

	nest = nla_nest_start(skb, WEFT_A_DEVICE_PEER);
	if (!nest || nla_put(skb, WEFT_A_PEER_PUBLIC_KEY, WEFT_KEY_LEN,
			     peer->handshake.remote_static))
		return -EMSGSIZE;
	if (!from) {
		if (put_peer_state(skb, peer))
			return -EMSGSIZE;
		from = list_first_entry(&peer->allowedips,
					struct weft_allowedips_node, peer_list);
	}
	next = put_ips(skb, peer, from);
	/* To go on without getting on would be to go on for ever. */
	if (*node && next == *node)
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	*node = next;
	return 0;
}

static int put_peer_reply(struct sk_buff *skb, struct weft_peer *peer,
			  struct weft_allowedips_node **node)
{
	struct net_device *dev = peer->wdev->dev;

	return nla_put_u32(skb, WEFT_A_DEVICE_IFINDEX, dev->ifindex) ?:
	       nla_put_string(skb, WEFT_A_DEVICE_IFNAME, dev->name) ?:
	       put_peer(skb, peer, node);
}

/* The public key of the peer that a request names. */
static const u8 *wanted_key(const struct nlattr *attr,
			    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[WEFT_A_PEER_MAX + 1];
	int err;

	if (!attr) {
		NL_SET_ERR_ATTR_MISS(extack, NULL, WEFT_A_DEVICE_PEER);
		NL_SET_ERR_MSG(extack, "request without a peer");
		return ERR_PTR(-EINVAL);
	}
	err = nla_parse_nested(tb, WEFT_A_PEER_MAX, attr, NULL, extack);
	if (err)
		return ERR_PTR(err);
	if (!tb[WEFT_A_PEER_PUBLIC_KEY]) {
		NL_SET_ERR_ATTR_MISS(extack, attr, WEFT_A_PEER_PUBLIC_KEY);
		NL_SET_ERR_MSG_ATTR(extack, attr, "peer without public key");
		return ERR_PTR(-EINVAL);
	}
	return nla_data(tb[WEFT_A_PEER_PUBLIC_KEY]);
}

static struct weft_peer *find_wanted(struct weft_device *wdev,
				     const struct nlattr *attr,
				     struct netlink_ext_ack *extack)
{
	struct weft_peer *peer;
	const u8 *key;

	lockdep_assert_held(&wdev->lock);

	key = wanted_key(attr, extack);
	if (IS_ERR(key))
		return ERR_CAST(key);
	peer = weft_peer_lookup(weft_device_table(wdev), key);
	if (!peer) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "no peer with this public key");
		return ERR_PTR(-ENOENT);
	}
	return peer;
}

static int fill_peer_get(struct sk_buff *reply, struct genl_info *info,
			 struct weft_device *wdev)
{
	struct weft_allowedips_node *node = NULL;
	struct weft_peer *peer;
	void *hdr;
	int err;

	hdr = genlmsg_put_reply(reply, info, &weft_netlink_family, 0,
				WEFT_CMD_PEER_GET);
	if (!hdr)
		return -EMSGSIZE;

	mutex_lock(&wdev->lock);
	peer = find_wanted(wdev, info->attrs[WEFT_A_DEVICE_PEER],
			   info->extack);
	err = PTR_ERR_OR_ZERO(peer) ?: put_peer_reply(reply, peer, &node);
	mutex_unlock(&wdev->lock);

	if (!err && node)
		err = -EMSGSIZE;
	if (!err)
		genlmsg_end(reply, hdr);
	return err;
}

static int reply_peer_get(struct genl_info *info, struct weft_device *wdev,
			  size_t size)
{
	struct sk_buff *reply;
	int err;

	reply = genlmsg_new(size, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	err = fill_peer_get(reply, info, wdev);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	return genlmsg_reply(reply, info);
}

/**
 * weft_netlink_peer_get() - PEER_GET of one peer
 * @skb: the request
 * @info: the same, its attributes validated
 *
 * Return: 0 or -errno.
 */
int weft_netlink_peer_get(struct sk_buff *skb, struct genl_info *info)
{
	struct net_device *dev;
	int err;

	dev = weft_netlink_find_device(genl_info_net(info), info->attrs,
				       info->extack);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	err = reply_peer_get(info, netdev_priv(dev), NLMSG_DEFAULT_SIZE);
	if (err == -EMSGSIZE)
		err = reply_peer_get(info, netdev_priv(dev), LARGE_REPLY);
	if (err == -EMSGSIZE)
		NL_SET_ERR_MSG(info->extack,
			       "too many allowed IPs for one message: ask for a dump of the peer");
	dev_put(dev);
	return err;
}

/**
 * struct peer_dump - state of a dump of peers
 * @ifindex: device
 * @single: only one peer was asked for
 * @generation: of the device when @peer and @node were noted
 * @peer: to show next, NULL at the end; only valid in @generation
 * @node: its first prefix to show, NULL to begin with the peer; likewise
 * @public_key: of @peer
 * @id: of @peer
 */
struct peer_dump {
	int ifindex;
	bool single;
	u64 generation;
	struct weft_peer *peer;
	struct weft_allowedips_node *node;
	u8 public_key[WEFT_KEY_LEN];
	u64 id;
};

static struct peer_dump **peer_dump_ctx(struct netlink_callback *cb)
{
	return (struct peer_dump **)cb->args;
}

static struct weft_peer *first_peer(struct weft_device *wdev)
{
	return list_first_entry_or_null(&weft_device_table(wdev)->peers,
					struct weft_peer, list);
}

static struct weft_peer *next_peer(struct weft_device *wdev,
				   struct weft_peer *peer)
{
	if (list_is_last(&peer->list, &weft_device_table(wdev)->peers))
		return NULL;
	return list_next_entry(peer, list);
}

static void peer_dump_note(struct peer_dump *dump, struct weft_device *wdev,
			   struct weft_peer *peer)
{
	dump->generation = wdev->generation;
	dump->peer = peer;
	if (!peer)
		return;
	memcpy(dump->public_key, peer->handshake.remote_static, WEFT_KEY_LEN);
	dump->id = peer->id;
}

/*
 * Where to go on after a change of the device. The reader is told by the
 * sequence number, but gets as much as there is: what follows in the order of
 * making, less the rest of the allowed IPs of a peer shown in part.
 */
static void peer_dump_resume(struct peer_dump *dump, struct weft_device *wdev)
{
	bool in_part = dump->node;
	struct weft_peer *peer;

	dump->node = NULL;
	peer = weft_peer_lookup(weft_device_table(wdev), dump->public_key);
	if (peer && peer->id == dump->id) {
		if (in_part)
			peer = next_peer(wdev, peer);
	} else {
		for (peer = first_peer(wdev); peer;
		     peer = next_peer(wdev, peer))
			if (peer->id > dump->id)
				break;
	}
	if (dump->single && peer && peer->id != dump->id)
		peer = NULL;
	peer_dump_note(dump, wdev, peer);
}

static int peer_dump_begin(struct peer_dump *dump, struct weft_device *wdev,
			   const struct nlattr *wanted,
			   struct netlink_ext_ack *extack)
{
	struct weft_peer *peer;

	dump->ifindex = wdev->dev->ifindex;
	dump->single = wanted;

	mutex_lock(&wdev->lock);
	peer = wanted ? find_wanted(wdev, wanted, extack) : first_peer(wdev);
	if (!IS_ERR(peer))
		peer_dump_note(dump, wdev, peer);
	mutex_unlock(&wdev->lock);
	return PTR_ERR_OR_ZERO(peer);
}

/**
 * weft_netlink_peer_dump_start() - begin a dump of peers
 * @cb: the dump
 *
 * Return: 0 or -errno.
 */
int weft_netlink_peer_dump_start(struct netlink_callback *cb)
{
	struct nlattr **attrs = genl_info_dump(cb)->attrs;
	struct peer_dump *dump;
	struct net_device *dev;
	int err;

	dev = weft_netlink_find_device(sock_net(cb->skb->sk), attrs,
				       cb->extack);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	err = -ENOMEM;
	dump = kzalloc(sizeof(*dump), GFP_KERNEL);
	if (dump)
		err = peer_dump_begin(dump, netdev_priv(dev),
				      attrs[WEFT_A_DEVICE_PEER], cb->extack);
	dev_put(dev);
	if (err) {
		kfree(dump);
		return err;
	}
	*peer_dump_ctx(cb) = dump;
	return 0;
}

static int dump_peer(struct sk_buff *skb, struct netlink_callback *cb,
		     struct peer_dump *dump)
{
	void *hdr;
	int err;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			  &weft_netlink_family, NLM_F_MULTI,
			  WEFT_CMD_PEER_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);

	err = put_peer_reply(skb, dump->peer, &dump->node);
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

/* As many peers as there is room for. */
static int dump_peers(struct sk_buff *skb, struct netlink_callback *cb,
		      struct peer_dump *dump, struct weft_device *wdev)
{
	struct weft_peer *next;
	int err = 0;

	lockdep_assert_held(&wdev->lock);

	cb->seq = wdev->generation;
	if (dump->peer && dump->generation != wdev->generation)
		peer_dump_resume(dump, wdev);
	while (dump->peer) {
		err = dump_peer(skb, cb, dump);
		/* Shown in part, the message is full. */
		if (err || dump->node)
			break;
		next = dump->single ? NULL : next_peer(wdev, dump->peer);
		peer_dump_note(dump, wdev, next);
	}
	return dump->peer ? skb->len ?: err : 0;
}

/**
 * weft_netlink_peer_dump() - go on with a dump of peers
 * @skb: filled with peers
 * @cb: the dump
 *
 * Return: 0 when done, positive when not, -errno.
 */
int weft_netlink_peer_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct peer_dump *dump = *peer_dump_ctx(cb);
	struct weft_device *wdev;
	struct net_device *dev;
	int ret = -ENODEV;

	dev = dev_get_by_index(sock_net(cb->skb->sk), dump->ifindex);
	if (dev && weft_device_is(dev)) {
		wdev = netdev_priv(dev);
		mutex_lock(&wdev->lock);
		ret = dump_peers(skb, cb, dump, wdev);
		mutex_unlock(&wdev->lock);
	}
	dev_put(dev);
	return ret;
}

/**
 * weft_netlink_peer_dump_done() - end a dump of peers
 * @cb: the dump
 *
 * Return: 0.
 */
int weft_netlink_peer_dump_done(struct netlink_callback *cb)
{
	kfree(*peer_dump_ctx(cb));
	return 0;
}
