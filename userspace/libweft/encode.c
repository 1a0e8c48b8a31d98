// SPDX-License-Identifier: GPL-2.0-or-later
/* Structures to netlink attributes. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "internal.h"

/*
 * An attribute's length is 16 bits wide, so a peer with many allowed IPs goes
 * on in a further attribute with the same key. Upper bounds of what they take:
 */
#define PEER_ROOM	256
#define ALLOWED_IP_ROOM	64
#define PEER_MAX	(UINT16_MAX - ALLOWED_IP_ROOM)

/* Stop at the first attribute that does not fit: room was computed, so none ever does not. */
#define TRY(expression) do { if ((expression) < 0) return -EMSGSIZE; } while (0)

size_t weft_peer_size(const struct weft_peer *peer)
{
	size_t ips = peer->n_allowed_ips * ALLOWED_IP_ROOM;

	return ips + PEER_ROOM * (2 + ips / (PEER_MAX - PEER_ROOM));
}

size_t weft_device_size(const struct weft_device *dev)
{
	const struct weft_peer *peer;
	size_t size = 0;

	weft_for_each_peer(dev, peer)
		size += weft_peer_size(peer);
	return size;
}

static int put_key(struct nl_msg *msg, int type, const struct weft_key *key)
{
	return nla_put(msg, type, sizeof(key->bytes), key->bytes);
}

static int put_endpoint(struct nl_msg *msg, const union weft_endpoint *endpoint)
{
	switch (endpoint->sa.sa_family) {
	case AF_INET:
		return nla_put(msg, WEFT_A_PEER_ENDPOINT, sizeof(endpoint->in), &endpoint->in);
	case AF_INET6:
		return nla_put(msg, WEFT_A_PEER_ENDPOINT, sizeof(endpoint->in6), &endpoint->in6);
	default:
		return -EAFNOSUPPORT;
	}
}

static int put_allowed_ip(struct nl_msg *msg, const struct weft_allowed_ip *ip)
{
	struct nlattr *nest = nla_nest_start(msg, WEFT_A_PEER_ALLOWED_IP | NLA_F_NESTED);

	if (!nest)
		return -EMSGSIZE;
	TRY(nla_put_u16(msg, WEFT_A_ALLOWED_IP_FAMILY, ip->family));
	TRY(nla_put(msg, WEFT_A_ALLOWED_IP_ADDRESS, ip->family == AF_INET ? 4 : 16, ip->addr));
	TRY(nla_put_u8(msg, WEFT_A_ALLOWED_IP_PREFIX_LEN, ip->prefix_len));
	if (ip->flags)
		TRY(nla_put_u32(msg, WEFT_A_ALLOWED_IP_FLAGS, ip->flags));
	nla_nest_end(msg, nest);
	return 0;
}

static int put_peer_settings(struct nl_msg *msg, const struct weft_peer *peer)
{
	if (peer->flags)
		TRY(nla_put_u32(msg, WEFT_A_PEER_FLAGS, peer->flags));
	if (peer->flags & WEFT_PEER_F_REMOVE_ME)
		return 0;
	if (peer->has & WEFT_PEER_HAS_PRESHARED_KEY)
		TRY(put_key(msg, WEFT_A_PEER_PRESHARED_KEY, &peer->preshared_key));
	if (peer->has & WEFT_PEER_HAS_ENDPOINT)
		TRY(put_endpoint(msg, &peer->endpoint));
	if (peer->has & WEFT_PEER_HAS_PERSISTENT_KEEPALIVE)
		TRY(nla_put_u16(msg, WEFT_A_PEER_PERSISTENT_KEEPALIVE,
				peer->persistent_keepalive));
	if (peer->has & WEFT_PEER_HAS_SUITE)
		TRY(nla_put_u32(msg, WEFT_A_PEER_SUITE, peer->suite));
	return 0;
}

/* What a further attribute of the same peer says besides the key. */
static int put_peer_continued(struct nl_msg *msg, const struct weft_peer *peer)
{
	/* It would make the peer that the first one only wanted to update. */
	if (peer->flags & WEFT_PEER_F_UPDATE_ONLY)
		TRY(nla_put_u32(msg, WEFT_A_PEER_FLAGS, WEFT_PEER_F_UPDATE_ONLY));
	return 0;
}

static size_t nest_len(struct nl_msg *msg, const struct nlattr *nest)
{
	return (size_t)((const char *)nlmsg_tail(nlmsg_hdr(msg)) - (const char *)nest);
}

int weft_put_peer(struct nl_msg *msg, const struct weft_peer *peer)
{
	size_t n = peer->flags & WEFT_PEER_F_REMOVE_ME ? 0 : peer->n_allowed_ips;
	size_t i = 0;
	bool first = true;

	do {
		struct nlattr *nest = nla_nest_start(msg, WEFT_A_DEVICE_PEER | NLA_F_NESTED);

		if (!nest)
			return -EMSGSIZE;
		TRY(put_key(msg, WEFT_A_PEER_PUBLIC_KEY, &peer->public_key));
		TRY(first ? put_peer_settings(msg, peer) : put_peer_continued(msg, peer));
		while (i < n && nest_len(msg, nest) <= PEER_MAX)
			TRY(put_allowed_ip(msg, &peer->allowed_ips[i++]));
		nla_nest_end(msg, nest);
		first = false;
	} while (i < n);
	return 0;
}

static int put_device_settings(struct nl_msg *msg, const struct weft_device *dev)
{
	if (dev->ifname[0])
		TRY(nla_put_string(msg, WEFT_A_DEVICE_IFNAME, dev->ifname));
	else
		TRY(nla_put_u32(msg, WEFT_A_DEVICE_IFINDEX, dev->ifindex));
	if (dev->flags)
		TRY(nla_put_u32(msg, WEFT_A_DEVICE_FLAGS, dev->flags));
	if (dev->has & WEFT_DEVICE_HAS_PRIVATE_KEY)
		TRY(put_key(msg, WEFT_A_DEVICE_PRIVATE_KEY, &dev->private_key));
	if (dev->has & WEFT_DEVICE_HAS_LISTEN_PORT)
		TRY(nla_put_u16(msg, WEFT_A_DEVICE_LISTEN_PORT, dev->listen_port));
	if (dev->has & WEFT_DEVICE_HAS_FWMARK)
		TRY(nla_put_u32(msg, WEFT_A_DEVICE_FWMARK, dev->fwmark));
	if (dev->has & WEFT_DEVICE_HAS_UPCALLS)
		TRY(nla_put_u32(msg, WEFT_A_DEVICE_UPCALLS, dev->upcalls));
	return 0;
}

int weft_put_device(struct nl_msg *msg, const struct weft_device *dev)
{
	const struct weft_peer *peer;

	TRY(put_device_settings(msg, dev));
	weft_for_each_peer(dev, peer)
		TRY(weft_put_peer(msg, peer));
	return 0;
}
