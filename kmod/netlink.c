// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink family weft: registration, naming of devices, events.
 * Requests that read are in netlink_get.c, those that change in netlink_set.c.
 */

#include "netlink.h"

#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "compat/compat.h"
#include "device.h"
#include "netlink_policy.h"
#include "path.h"
#include "peer.h"

struct genl_family weft_netlink_family __ro_after_init = {
	.name = WEFT_FAMILY_NAME,
	.version = WEFT_FAMILY_VERSION,
	.netnsok = true,
	/* Devices have their own locks; a long request delays nobody else. */
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = weft_netlink_ops,
	.n_ops = ARRAY_SIZE(weft_netlink_ops),
	.mcgrps = weft_netlink_groups,
	.n_mcgrps = ARRAY_SIZE(weft_netlink_groups),
};

/**
 * weft_netlink_find_device() - the device that a request names
 * @net: namespace of the caller
 * @attrs: attributes of the request
 * @extack: what is wrong
 *
 * Return: the device, to be released by dev_put(); or ERR_PTR.
 */
struct net_device *weft_netlink_find_device(struct net *net,
					    struct nlattr **attrs,
					    struct netlink_ext_ack *extack)
{
	const struct nlattr *ifindex = attrs[WEFT_A_DEVICE_IFINDEX];
	const struct nlattr *ifname = attrs[WEFT_A_DEVICE_IFNAME];
	struct net_device *dev;

	if (!ifindex && !ifname) {
		NL_SET_ERR_ATTR_MISS(extack, NULL, WEFT_A_DEVICE_IFINDEX);
		NL_SET_ERR_MSG(extack, "name the device by ifindex or ifname");
		return ERR_PTR(-EINVAL);
	}

	if (ifindex)
		dev = dev_get_by_index(net, nla_get_u32(ifindex));
	else
		dev = dev_get_by_name(net, nla_data(ifname));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(extack, ifindex ?: ifname,
				    "no such device in this namespace");
		return ERR_PTR(-ENODEV);
	}
	if (ifindex && ifname &&
	    strncmp(dev->name, nla_data(ifname), IFNAMSIZ)) {
		NL_SET_ERR_MSG_ATTR(extack, ifname,
				    "ifname is not the device of ifindex");
		dev_put(dev);
		return ERR_PTR(-EINVAL);
	}
	if (!weft_device_is(dev)) {
		NL_SET_ERR_MSG_ATTR(extack, ifindex ?: ifname,
				    "not a weft device");
		dev_put(dev);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return dev;
}

/**
 * struct event - what listeners are told
 * @cmd: notification
 * @type: attribute that says which event of this kind it is; 0 for none
 * @value: of that attribute
 * @public_key: of the peer it is about; NULL for none
 * @endpoint: where that is; family AF_UNSPEC if it is not known
 * @addr: inner address that it is about; NULL for none
 * @addr_len: 4 or 16
 */
struct event {
	u8 cmd;
	u16 type;
	u32 value;
	const u8 *public_key;
	struct weft_endpoint endpoint;
	const void *addr;
	unsigned int addr_len;
};

static int put_event_peer(struct sk_buff *skb, const struct event *event)
{
	const struct weft_endpoint *endpoint = &event->endpoint;
	struct nlattr *nest;
	size_t len;

	nest = nla_nest_start(skb, WEFT_A_DEVICE_PEER);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put(skb, WEFT_A_PEER_PUBLIC_KEY, WEFT_KEY_LEN,
		    event->public_key))
		return -EMSGSIZE;
	if (endpoint->addr.sa_family != AF_UNSPEC) {
		len = endpoint->addr.sa_family == AF_INET ?
		      sizeof(endpoint->addr4) : sizeof(endpoint->addr6);
		if (nla_put(skb, WEFT_A_PEER_ENDPOINT, len, &endpoint->addr))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int fill_event(struct sk_buff *skb, struct net_device *dev,
		      const struct event *event)
{
	void *hdr;

	hdr = genlmsg_put(skb, 0, 0, &weft_netlink_family, 0, event->cmd);
	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, WEFT_A_DEVICE_IFINDEX, dev->ifindex) ||
	    nla_put_string(skb, WEFT_A_DEVICE_IFNAME, dev->name))
		return -EMSGSIZE;
	if (event->type && nla_put_u32(skb, event->type, event->value))
		return -EMSGSIZE;
	if (event->public_key && put_event_peer(skb, event))
		return -EMSGSIZE;
	if (event->addr && nla_put(skb, WEFT_A_DEVICE_DESTINATION,
				   event->addr_len, event->addr))
		return -EMSGSIZE;
	genlmsg_end(skb, hdr);
	return 0;
}

static size_t event_size(void)
{
	return nla_total_size(sizeof(u32)) +		/* ifindex */
	       nla_total_size(IFNAMSIZ) +
	       nla_total_size(sizeof(u32)) +		/* event */
	       nla_total_size(0) +			/* peer */
	       nla_total_size(WEFT_KEY_LEN) +
	       nla_total_size(sizeof(struct sockaddr_in6)) +
	       nla_total_size(sizeof(struct in6_addr));	/* destination */
}

static bool has_listeners(struct net *net)
{
	return genl_has_listeners(&weft_netlink_family, net,
				  WEFT_NETLINK_GROUP_EVENTS);
}

/*
 * An event that is lost for want of memory is an error on the listeners'
 * sockets, as any overrun is: then they read what is.
 */
static void send_event(struct weft_device *wdev, const struct event *event)
{
	struct sk_buff *skb;
	struct net *net;

	/* Keeps the namespace, should the device be on its way elsewhere. */
	rcu_read_lock();
	net = dev_net(wdev->dev);
	if (!has_listeners(net))
		goto out;
	skb = genlmsg_new(event_size(), GFP_ATOMIC);
	if (!skb || fill_event(skb, wdev->dev, event)) {
		nlmsg_free(skb);
		genl_set_err(&weft_netlink_family, net, 0,
			     WEFT_NETLINK_GROUP_EVENTS, -ENOBUFS);
		goto out;
	}
	genlmsg_multicast_netns(&weft_netlink_family, net, skb, 0,
				WEFT_NETLINK_GROUP_EVENTS, GFP_ATOMIC);
out:
	rcu_read_unlock();
}

static void send_peer_event(struct weft_peer *peer, u8 cmd, u16 type, u32 value)
{
	struct event event = {
		.cmd = cmd,
		.type = type,
		.value = value,
		.public_key = peer->handshake.remote_static,
	};

	if (!weft_path_endpoint(peer, &event.endpoint))
		event.endpoint.addr.sa_family = AF_UNSPEC;
	send_event(peer->wdev, &event);
}

/**
 * weft_netlink_session_event() - tell listeners of a session
 * @peer: whose
 * @event: what happened to it
 *
 * Context: any but hard interrupts.
 */
void weft_netlink_session_event(struct weft_peer *peer,
				enum weft_session_event event)
{
	send_peer_event(peer, WEFT_CMD_SESSION_NTF,
			WEFT_A_DEVICE_SESSION_EVENT, event);
}

/**
 * weft_netlink_path_event() - tell listeners of a path
 * @peer: whose
 * @event: what happened to it
 *
 * Context: any but hard interrupts.
 */
void weft_netlink_path_event(struct weft_peer *peer, enum weft_path_event event)
{
	send_peer_event(peer, WEFT_CMD_PATH_NTF, WEFT_A_DEVICE_PATH_EVENT,
			event);
}

/**
 * weft_netlink_listened_to() - would anybody get an event?
 * @wdev: device
 *
 * Context: any.
 */
bool weft_netlink_listened_to(struct weft_device *wdev)
{
	bool listened;

	rcu_read_lock();
	listened = has_listeners(dev_net(wdev->dev));
	rcu_read_unlock();
	return listened;
}

/**
 * weft_netlink_destination_event() - ask who has an inner address
 * @wdev: device that a packet was sent to
 * @family: AF_INET or AF_INET6
 * @addr: 4 or 16 bytes
 *
 * Context: any but hard interrupts.
 */
void weft_netlink_destination_event(struct weft_device *wdev, u16 family,
				    const void *addr)
{
	struct event event = {
		.cmd = WEFT_CMD_UNKNOWN_DESTINATION_NTF,
		.addr = addr,
		.addr_len = family == AF_INET ? sizeof(struct in_addr) :
						sizeof(struct in6_addr),
	};

	send_event(wdev, &event);
}

/**
 * weft_netlink_stranger_event() - ask who somebody is
 * @wdev: device that an initiation came to
 * @public_key: of the initiator
 * @endpoint: where it came from
 *
 * Context: any but hard interrupts.
 */
void weft_netlink_stranger_event(struct weft_device *wdev,
				 const u8 public_key[WEFT_KEY_LEN],
				 const struct weft_endpoint *endpoint)
{
	struct event event = {
		.cmd = WEFT_CMD_UNKNOWN_PEER_NTF,
		.public_key = public_key,
		.endpoint = *endpoint,
	};

	send_event(wdev, &event);
}

/**
 * weft_netlink_init() - register the family
 *
 * Return: 0 or -errno.
 */
int __init weft_netlink_init(void)
{
	return genl_register_family(&weft_netlink_family);
}

/**
 * weft_netlink_exit() - unregister the family
 */
void weft_netlink_exit(void)
{
	genl_unregister_family(&weft_netlink_family);
}
