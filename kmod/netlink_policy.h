/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_NETLINK_POLICY_H
#define _WEFT_NETLINK_POLICY_H

#include <net/genetlink.h>

#include <linux/weft.h>

/* Multicast groups, by their place in weft_netlink_groups. */
enum {
	WEFT_NETLINK_GROUP_EVENTS,
};

/*
 * What Documentation/netlink/specs/weft.yaml says, in C: operations with the
 * attributes that each takes, and multicast groups.
 */
extern const struct genl_ops weft_netlink_ops[6];
extern const struct genl_multicast_group weft_netlink_groups[1];

/* netlink_get.c */
int weft_netlink_device_get(struct sk_buff *skb, struct genl_info *info);
int weft_netlink_device_dump_start(struct netlink_callback *cb);
int weft_netlink_device_dump(struct sk_buff *skb, struct netlink_callback *cb);
int weft_netlink_device_dump_done(struct netlink_callback *cb);
int weft_netlink_peer_get(struct sk_buff *skb, struct genl_info *info);
int weft_netlink_peer_dump_start(struct netlink_callback *cb);
int weft_netlink_peer_dump(struct sk_buff *skb, struct netlink_callback *cb);
int weft_netlink_peer_dump_done(struct netlink_callback *cb);

/* netlink_set.c */
int weft_netlink_change(struct sk_buff *skb, struct genl_info *info);

/* netlink.c */
extern struct genl_family weft_netlink_family;

struct net_device *weft_netlink_find_device(struct net *net,
					    struct nlattr **attrs,
					    struct netlink_ext_ack *extack);

#endif /* _WEFT_NETLINK_POLICY_H */
