// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel names the attribute that it refused by its offset in the request.
 * This turns the offset into words: "peer AbC…=, allowed IP 10.0.0.0/8, prefix length".
 */
#include <arpa/inet.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static const char *const device_names[] = {
	[WEFT_A_DEVICE_IFINDEX] = "interface index",
	[WEFT_A_DEVICE_IFNAME] = "interface name",
	[WEFT_A_DEVICE_FLAGS] = "device flags",
	[WEFT_A_DEVICE_PRIVATE_KEY] = "private key",
	[WEFT_A_DEVICE_LISTEN_PORT] = "listen port",
	[WEFT_A_DEVICE_FWMARK] = "fwmark",
	[WEFT_A_DEVICE_PEER] = "peer",
	[WEFT_A_DEVICE_UPCALLS] = "upcalls",
};

static const char *const peer_names[] = {
	[WEFT_A_PEER_PUBLIC_KEY] = "public key",
	[WEFT_A_PEER_FLAGS] = "peer flags",
	[WEFT_A_PEER_PRESHARED_KEY] = "preshared key",
	[WEFT_A_PEER_ENDPOINT] = "endpoint",
	[WEFT_A_PEER_PERSISTENT_KEEPALIVE] = "persistent keepalive",
	[WEFT_A_PEER_ALLOWED_IP] = "allowed IP",
	[WEFT_A_PEER_SUITE] = "suite",
	[WEFT_A_PEER_PATH] = "path",
};

static const char *const allowed_ip_names[] = {
	[WEFT_A_ALLOWED_IP_FAMILY] = "address family",
	[WEFT_A_ALLOWED_IP_ADDRESS] = "address",
	[WEFT_A_ALLOWED_IP_PREFIX_LEN] = "prefix length",
	[WEFT_A_ALLOWED_IP_FLAGS] = "allowed IP flags",
};

/* Text under construction; what does not fit is left out. */
struct text {
	char *at;
	size_t left;
};

static void append(struct text *text, const char *what)
{
	int n = snprintf(text->at, text->left, "%s", what);

	if (n > 0 && (size_t)n < text->left) {
		text->at += n;
		text->left -= (size_t)n;
	}
}

static void append_name(struct text *text, const char *const *names, size_t n, int type)
{
	append(text, (size_t)type < n && names[type] ? names[type] : "unknown attribute");
}

static const struct nlattr *child(const struct nlattr *nest, int type)
{
	return nla_find(nla_data(nest), nla_len(nest), type);
}

static void append_key(struct text *text, const struct nlattr *peer)
{
	const struct nlattr *attr = child(peer, WEFT_A_PEER_PUBLIC_KEY);
	char base64[WEFT_KEY_BASE64_LEN + 1];
	struct weft_key key;

	if (!attr || nla_len(attr) != sizeof(key.bytes))
		return;
	memcpy(key.bytes, nla_data(attr), sizeof(key.bytes));
	weft_key_to_base64(base64, &key);
	append(text, " ");
	append(text, base64);
}

static void append_prefix(struct text *text, const struct nlattr *ip)
{
	const struct nlattr *addr = child(ip, WEFT_A_ALLOWED_IP_ADDRESS);
	const struct nlattr *len = child(ip, WEFT_A_ALLOWED_IP_PREFIX_LEN);
	char address[INET6_ADDRSTRLEN];
	char prefix[INET6_ADDRSTRLEN + 8];

	if (!addr || !len || nla_len(len) != 1 || (nla_len(addr) != 4 && nla_len(addr) != 16))
		return;
	if (!inet_ntop(nla_len(addr) == 4 ? AF_INET : AF_INET6, nla_data(addr), address,
		       sizeof(address)))
		return;
	snprintf(prefix, sizeof(prefix), " %s/%u", address, nla_get_u8((struct nlattr *)len));
	append(text, prefix);
}

/* The attribute of a stream that the address lies in, if it does in one. */
static const struct nlattr *attr_at(const struct nlattr *attr, int rem, const char *at)
{
	for (; nla_ok(attr, rem); attr = nla_next(attr, &rem)) {
		if (at >= (const char *)attr && at < (const char *)attr + attr->nla_len)
			return attr;
	}
	return NULL;
}

static const struct nlattr *child_at(const struct nlattr *nest, const char *at)
{
	return attr_at(nla_data(nest), nla_len(nest), at);
}

static void describe_peer(struct text *text, const struct nlattr *peer, const char *at)
{
	const struct nlattr *attr = child_at(peer, at);

	append_key(text, peer);
	if (!attr)
		return;
	append(text, ", ");
	append_name(text, peer_names, ARRAY_SIZE(peer_names), nla_type(attr));
	if (nla_type(attr) != WEFT_A_PEER_ALLOWED_IP)
		return;
	append_prefix(text, attr);
	attr = child_at(attr, at);
	if (!attr)
		return;
	append(text, ", ");
	append_name(text, allowed_ip_names, ARRAY_SIZE(allowed_ip_names), nla_type(attr));
}

void weft_describe_offset(const struct nlmsghdr *nlh, size_t offset, char *text, size_t size)
{
	const struct genlmsghdr *gnlh = nlmsg_data(nlh);
	const char *at = (const char *)nlh + offset;
	struct text out = { text, size };
	const struct nlattr *attr;

	*text = '\0';
	if (offset >= nlh->nlmsg_len || nlmsg_datalen(nlh) < (int)GENL_HDRLEN)
		return;
	attr = attr_at(genlmsg_attrdata(gnlh, 0), nlmsg_datalen(nlh) - (int)GENL_HDRLEN, at);
	if (!attr)
		return;
	append_name(&out, device_names, ARRAY_SIZE(device_names), nla_type(attr));
	if (nla_type(attr) == WEFT_A_DEVICE_PEER)
		describe_peer(&out, attr, at);
}
