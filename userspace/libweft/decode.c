// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Netlink attributes to structures. Attributes that this version does not know
 * are passed over; known ones of a wrong size make the whole message invalid.
 */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Bytes that are left over after the last attribute were cut off or never belonged there. */
#define for_each_attr_strict(attr, rem, first, len) \
	for ((attr) = (first), (rem) = (len); nla_ok((attr), (rem)); \
	     (attr) = nla_next((attr), &(rem)))

static int get_bytes(const struct nlattr *attr, void *to, size_t len)
{
	if ((size_t)nla_len(attr) != len)
		return -WEFT_E_REPLY;
	memcpy(to, nla_data(attr), len);
	return 0;
}

static int get_endpoint(const struct nlattr *attr, union weft_endpoint *endpoint)
{
	sa_family_t family;

	if ((size_t)nla_len(attr) < sizeof(endpoint->sa))
		return -WEFT_E_REPLY;
	memcpy(&family, nla_data(attr), sizeof(family));
	if (family == AF_INET)
		return get_bytes(attr, &endpoint->in, sizeof(endpoint->in));
	if (family == AF_INET6)
		return get_bytes(attr, &endpoint->in6, sizeof(endpoint->in6));
	return -WEFT_E_REPLY;
}

static int get_ifname(const struct nlattr *attr, char ifname[IFNAMSIZ])
{
	size_t len = strnlen(nla_data(attr), (size_t)nla_len(attr));

	if (!len || len >= IFNAMSIZ)
		return -WEFT_E_REPLY;
	memcpy(ifname, nla_data(attr), len);
	ifname[len] = '\0';
	return 0;
}

static int parse_allowed_ip_attr(const struct nlattr *attr, struct weft_allowed_ip *ip,
				 int *addr_len)
{
	uint16_t family;
	uint32_t flags;
	int err = 0;

	switch (nla_type(attr)) {
	case WEFT_A_ALLOWED_IP_FAMILY:
		err = get_bytes(attr, &family, sizeof(family));
		if (!err)
			ip->family = family <= UINT8_MAX ? (uint8_t)family : 0;
		break;
	case WEFT_A_ALLOWED_IP_ADDRESS:
		*addr_len = nla_len(attr);
		if (*addr_len != 4 && *addr_len != 16)
			return -WEFT_E_REPLY;
		memcpy(ip->addr, nla_data(attr), (size_t)*addr_len);
		break;
	case WEFT_A_ALLOWED_IP_PREFIX_LEN:
		err = get_bytes(attr, &ip->prefix_len, sizeof(ip->prefix_len));
		break;
	case WEFT_A_ALLOWED_IP_FLAGS:
		err = get_bytes(attr, &flags, sizeof(flags));
		if (!err)
			ip->flags = (uint16_t)flags;
		break;
	}
	return err;
}

static int parse_allowed_ip(const struct nlattr *nest, struct weft_peer *peer)
{
	struct weft_allowed_ip ip = { 0 };
	const struct nlattr *attr;
	int addr_len = 0;
	int rem, err;

	for_each_attr_strict(attr, rem, nla_data(nest), nla_len(nest)) {
		err = parse_allowed_ip_attr(attr, &ip, &addr_len);
		if (err)
			return err;
	}
	if (rem > 0)
		return -WEFT_E_REPLY;
	if (!(ip.family == AF_INET && addr_len == 4 && ip.prefix_len <= 32) &&
	    !(ip.family == AF_INET6 && addr_len == 16 && ip.prefix_len <= 128))
		return -WEFT_E_REPLY;
	return weft_peer_add_allowed_ip(peer, &ip);
}

static int parse_path_attr(const struct nlattr *attr, struct weft_path *path)
{
	switch (nla_type(attr)) {
	case WEFT_A_PATH_TYPE:
		return get_bytes(attr, &path->type, sizeof(path->type));
	case WEFT_A_PATH_STATE:
		return get_bytes(attr, &path->state, sizeof(path->state));
	case WEFT_A_PATH_ENDPOINT:
		return get_endpoint(attr, &path->endpoint);
	case WEFT_A_PATH_SOURCE:
		return get_endpoint(attr, &path->source);
	case WEFT_A_PATH_SOURCE_IFINDEX:
		return get_bytes(attr, &path->source_ifindex, sizeof(path->source_ifindex));
	case WEFT_A_PATH_LAST_RX_MS:
		return get_bytes(attr, &path->last_rx_ms, sizeof(path->last_rx_ms));
	}
	return 0;
}

static int parse_path(const struct nlattr *nest, struct weft_peer *peer)
{
	struct weft_path path = { .last_rx_ms = UINT64_MAX };
	const struct nlattr *attr;
	struct weft_path *paths;
	int rem, err;

	for_each_attr_strict(attr, rem, nla_data(nest), nla_len(nest)) {
		err = parse_path_attr(attr, &path);
		if (err)
			return err;
	}
	if (rem > 0)
		return -WEFT_E_REPLY;
	paths = reallocarray(peer->paths, peer->n_paths + 1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	peer->paths = paths;
	peer->paths[peer->n_paths++] = path;
	return 0;
}

static int parse_handshake_time(const struct nlattr *attr, struct timespec *time)
{
	uint32_t nsec;
	int64_t sec;
	int err;

	if (nla_type(attr) == WEFT_A_PEER_LAST_HANDSHAKE_SEC) {
		err = get_bytes(attr, &sec, sizeof(sec));
		if (!err)
			time->tv_sec = (time_t)sec;
		return err;
	}
	err = get_bytes(attr, &nsec, sizeof(nsec));
	if (!err)
		time->tv_nsec = (long)nsec;
	return err;
}

static int parse_peer_attr(const struct nlattr *attr, struct weft_peer *peer)
{
	switch (nla_type(attr)) {
	case WEFT_A_PEER_FLAGS:
		return get_bytes(attr, &peer->flags, sizeof(peer->flags));
	case WEFT_A_PEER_PRESHARED_KEY:
		peer->has |= WEFT_PEER_HAS_PRESHARED_KEY;
		return get_bytes(attr, &peer->preshared_key, sizeof(peer->preshared_key));
	case WEFT_A_PEER_ENDPOINT:
		peer->has |= WEFT_PEER_HAS_ENDPOINT;
		return get_endpoint(attr, &peer->endpoint);
	case WEFT_A_PEER_PERSISTENT_KEEPALIVE:
		peer->has |= WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
		return get_bytes(attr, &peer->persistent_keepalive,
				 sizeof(peer->persistent_keepalive));
	case WEFT_A_PEER_LAST_HANDSHAKE_SEC:
	case WEFT_A_PEER_LAST_HANDSHAKE_NSEC:
		return parse_handshake_time(attr, &peer->last_handshake);
	case WEFT_A_PEER_RX_BYTES:
		return get_bytes(attr, &peer->rx_bytes, sizeof(peer->rx_bytes));
	case WEFT_A_PEER_TX_BYTES:
		return get_bytes(attr, &peer->tx_bytes, sizeof(peer->tx_bytes));
	case WEFT_A_PEER_ALLOWED_IP:
		return parse_allowed_ip(attr, peer);
	case WEFT_A_PEER_SUITE:
		peer->has |= WEFT_PEER_HAS_SUITE;
		return get_bytes(attr, &peer->suite, sizeof(peer->suite));
	case WEFT_A_PEER_SESSION_SUITE:
		peer->has |= WEFT_PEER_HAS_SESSION_SUITE;
		return get_bytes(attr, &peer->session_suite, sizeof(peer->session_suite));
	case WEFT_A_PEER_PATH:
		return parse_path(attr, peer);
	}
	return 0;
}

static int parse_peer_key(const struct nlattr *nest, struct weft_key *key)
{
	const struct nlattr *attr;
	int rem;

	for_each_attr_strict(attr, rem, nla_data(nest), nla_len(nest)) {
		if (nla_type(attr) == WEFT_A_PEER_PUBLIC_KEY)
			return get_bytes(attr, key, sizeof(*key));
	}
	return -WEFT_E_REPLY;
}

/* A peer that the last message broke off is continued, any other begins. */
static int parse_peer(const struct nlattr *nest, struct weft_device *dev)
{
	struct weft_peer *peer = dev->last_peer;
	const struct nlattr *attr;
	struct weft_key key;
	int rem, err;

	err = parse_peer_key(nest, &key);
	if (err)
		return err;
	/* No secrets, which a comparison in constant time would be for. */
	if (!peer || memcmp(&peer->public_key, &key, sizeof(key)) != 0) {
		peer = weft_device_add_peer(dev, &key);
		if (!peer)
			return -ENOMEM;
	}
	for_each_attr_strict(attr, rem, nla_data(nest), nla_len(nest)) {
		err = parse_peer_attr(attr, peer);
		if (err)
			return err;
	}
	return rem > 0 ? -WEFT_E_REPLY : 0;
}

static int parse_device_key(const struct nlattr *attr, struct weft_device *dev)
{
	if (nla_type(attr) == WEFT_A_DEVICE_PRIVATE_KEY) {
		dev->has |= WEFT_DEVICE_HAS_PRIVATE_KEY;
		return get_bytes(attr, &dev->private_key, sizeof(dev->private_key));
	}
	dev->has |= WEFT_DEVICE_HAS_PUBLIC_KEY;
	return get_bytes(attr, &dev->public_key, sizeof(dev->public_key));
}

/* The prefix of only that address. */
static int get_destination(const struct nlattr *attr, struct weft_event_kind *kind)
{
	struct weft_allowed_ip *ip = &kind->destination;
	size_t len = (size_t)nla_len(attr);

	if (len != 4 && len != 16)
		return -WEFT_E_REPLY;
	kind->has_destination = true;
	memset(ip, 0, sizeof(*ip));
	ip->family = len == 4 ? AF_INET : AF_INET6;
	ip->prefix_len = len == 4 ? 32 : 128;
	memcpy(ip->addr, nla_data(attr), len);
	return 0;
}

static int parse_device_attr(const struct nlattr *attr, struct weft_device *dev,
			     struct weft_event_kind *kind)
{
	switch (nla_type(attr)) {
	case WEFT_A_DEVICE_IFINDEX:
		return get_bytes(attr, &dev->ifindex, sizeof(dev->ifindex));
	case WEFT_A_DEVICE_IFNAME:
		return get_ifname(attr, dev->ifname);
	case WEFT_A_DEVICE_PRIVATE_KEY:
	case WEFT_A_DEVICE_PUBLIC_KEY:
		return parse_device_key(attr, dev);
	case WEFT_A_DEVICE_LISTEN_PORT:
		dev->has |= WEFT_DEVICE_HAS_LISTEN_PORT;
		return get_bytes(attr, &dev->listen_port, sizeof(dev->listen_port));
	case WEFT_A_DEVICE_FWMARK:
		dev->has |= WEFT_DEVICE_HAS_FWMARK;
		return get_bytes(attr, &dev->fwmark, sizeof(dev->fwmark));
	case WEFT_A_DEVICE_PEER_COUNT:
		return get_bytes(attr, &dev->peer_count, sizeof(dev->peer_count));
	case WEFT_A_DEVICE_PEER:
		return parse_peer(attr, dev);
	case WEFT_A_DEVICE_SESSION_EVENT:
		kind->session = true;
		return get_bytes(attr, &kind->session_event, sizeof(kind->session_event));
	case WEFT_A_DEVICE_PATH_EVENT:
		kind->path = true;
		return get_bytes(attr, &kind->path_event, sizeof(kind->path_event));
	case WEFT_A_DEVICE_UPCALLS:
		dev->has |= WEFT_DEVICE_HAS_UPCALLS;
		return get_bytes(attr, &dev->upcalls, sizeof(dev->upcalls));
	case WEFT_A_DEVICE_DESTINATION:
		return get_destination(attr, kind);
	}
	return 0;
}

int weft_parse_device(const struct nlmsghdr *nlh, struct weft_device *dev,
		      struct weft_event_kind *kind)
{
	const struct genlmsghdr *gnlh = nlmsg_data(nlh);
	const struct nlattr *attr;
	int rem, err;

	if (nlmsg_datalen(nlh) < (int)GENL_HDRLEN)
		return -WEFT_E_REPLY;
	for_each_attr_strict(attr, rem, genlmsg_attrdata(gnlh, 0),
			     nlmsg_datalen(nlh) - (int)GENL_HDRLEN) {
		err = parse_device_attr(attr, dev, kind);
		if (err)
			return err;
	}
	return rem > 0 ? -WEFT_E_REPLY : 0;
}
