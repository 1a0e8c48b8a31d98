// SPDX-License-Identifier: GPL-2.0
/*
 * Operations of family weft and the attributes that each takes, as
 * Documentation/netlink/specs/weft.yaml lists them. The selftest
 * netlink_policy.py compares what a running kernel says with that file.
 *
 * An attribute that is not listed for an operation is refused: requests are
 * validated strictly. struct genl_ops has one policy for an operation and its
 * dump, so both take the same attributes.
 */

#include "netlink_policy.h"

#include <linux/if.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "compat/compat.h"

static weft_policy_const struct netlink_range_validation ifindex_range = {
	.min = 1,
	.max = S32_MAX,
};

static const struct nla_policy
allowed_ip_policy[WEFT_A_ALLOWED_IP_FLAGS + 1] = {
	[WEFT_A_ALLOWED_IP_FAMILY] = { .type = NLA_U16 },
	[WEFT_A_ALLOWED_IP_ADDRESS] = {
		.type = NLA_BINARY,
		.len = sizeof(struct in6_addr),
	},
	[WEFT_A_ALLOWED_IP_PREFIX_LEN] = { .type = NLA_U8 },
	[WEFT_A_ALLOWED_IP_FLAGS] =
		NLA_POLICY_MASK(NLA_U32, WEFT_ALLOWED_IP_F_REMOVE_ME),
};

/* A peer to make or to change. */
static const struct nla_policy peer_change_policy[WEFT_A_PEER_SUITE + 1] = {
	[WEFT_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(WEFT_KEY_LEN),
	[WEFT_A_PEER_FLAGS] =
		NLA_POLICY_MASK(NLA_U32, WEFT_PEER_F_REMOVE_ME |
					 WEFT_PEER_F_REPLACE_ALLOWED_IPS |
					 WEFT_PEER_F_UPDATE_ONLY),
	[WEFT_A_PEER_PRESHARED_KEY] = NLA_POLICY_EXACT_LEN(WEFT_KEY_LEN),
	[WEFT_A_PEER_ENDPOINT] = {
		.type = NLA_BINARY,
		.len = sizeof(struct sockaddr_in6),
	},
	[WEFT_A_PEER_PERSISTENT_KEEPALIVE] = { .type = NLA_U16 },
	[WEFT_A_PEER_ALLOWED_IP] = NLA_POLICY_NESTED(allowed_ip_policy),
	/*
	 * Values with gaps, which a function would have to check. That trips a
	 * warning in 6.1 when the policy is dumped, so netlink_set.c checks.
	 */
	[WEFT_A_PEER_SUITE] = { .type = NLA_U32 },
};

/* A peer to name. */
static const struct nla_policy peer_key_policy[WEFT_A_PEER_PUBLIC_KEY + 1] = {
	[WEFT_A_PEER_PUBLIC_KEY] = NLA_POLICY_EXACT_LEN(WEFT_KEY_LEN),
};

#define NAME_POLICIES							\
	[WEFT_A_DEVICE_IFINDEX] =					\
		NLA_POLICY_FULL_RANGE(NLA_U32, &ifindex_range),		\
	[WEFT_A_DEVICE_IFNAME] = {					\
		.type = NLA_NUL_STRING,					\
		.len = IFNAMSIZ - 1,					\
	}

static const struct nla_policy device_get_policy[WEFT_A_DEVICE_IFNAME + 1] = {
	NAME_POLICIES,
};

static const struct nla_policy device_set_policy[WEFT_A_DEVICE_UPCALLS + 1] = {
	NAME_POLICIES,
	[WEFT_A_DEVICE_FLAGS] =
		NLA_POLICY_MASK(NLA_U32, WEFT_DEVICE_F_REPLACE_PEERS),
	[WEFT_A_DEVICE_PRIVATE_KEY] = NLA_POLICY_EXACT_LEN(WEFT_KEY_LEN),
	[WEFT_A_DEVICE_LISTEN_PORT] = { .type = NLA_U16 },
	[WEFT_A_DEVICE_FWMARK] = { .type = NLA_U32 },
	[WEFT_A_DEVICE_PEER] = NLA_POLICY_NESTED(peer_change_policy),
	[WEFT_A_DEVICE_UPCALLS] =
		NLA_POLICY_MASK(NLA_U32, WEFT_UPCALL_F_UNKNOWN_PEER |
					 WEFT_UPCALL_F_UNKNOWN_DESTINATION),
};

static const struct nla_policy peer_set_policy[WEFT_A_DEVICE_PEER + 1] = {
	NAME_POLICIES,
	[WEFT_A_DEVICE_PEER] = NLA_POLICY_NESTED(peer_change_policy),
};

static const struct nla_policy peer_get_policy[WEFT_A_DEVICE_PEER + 1] = {
	NAME_POLICIES,
	[WEFT_A_DEVICE_PEER] = NLA_POLICY_NESTED(peer_key_policy),
};

const struct genl_ops weft_netlink_ops[6] = {
	{
		.cmd = WEFT_CMD_DEVICE_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = device_get_policy,
		.maxattr = ARRAY_SIZE(device_get_policy) - 1,
		.doit = weft_netlink_device_get,
		.start = weft_netlink_device_dump_start,
		.dumpit = weft_netlink_device_dump,
		.done = weft_netlink_device_dump_done,
	}, {
		.cmd = WEFT_CMD_DEVICE_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = device_set_policy,
		.maxattr = ARRAY_SIZE(device_set_policy) - 1,
		.doit = weft_netlink_change,
	}, {
		.cmd = WEFT_CMD_PEER_NEW,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = peer_set_policy,
		.maxattr = ARRAY_SIZE(peer_set_policy) - 1,
		.doit = weft_netlink_change,
	}, {
		.cmd = WEFT_CMD_PEER_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = peer_set_policy,
		.maxattr = ARRAY_SIZE(peer_set_policy) - 1,
		.doit = weft_netlink_change,
	}, {
		.cmd = WEFT_CMD_PEER_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = peer_get_policy,
		.maxattr = ARRAY_SIZE(peer_get_policy) - 1,
		.doit = weft_netlink_peer_get,
		.start = weft_netlink_peer_dump_start,
		.dumpit = weft_netlink_peer_dump,
		.done = weft_netlink_peer_dump_done,
	}, {
		.cmd = WEFT_CMD_PEER_DEL,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = peer_get_policy,
		.maxattr = ARRAY_SIZE(peer_get_policy) - 1,
		.doit = weft_netlink_change,
	},
};

const struct genl_multicast_group weft_netlink_groups[1] = {
	[WEFT_NETLINK_GROUP_EVENTS] = {
		.name = WEFT_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};
