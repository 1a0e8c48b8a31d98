/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces, addresses and routes of this machine, by rtnetlink. */
#ifndef WEFTD_LINKS_H
#define WEFTD_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"

struct nl_sock;

/* By this number, in /etc/iproute2/rt_protos if somebody wants to see a name, our routes are ours. */
#define LINK_ROUTE_PROTOCOL 119
/* Routes of others, without a metric or with a usual one, come first. */
#define LINK_ROUTE_METRIC 2048

/* Functions return 0, or a negated errno. */
int link_open(struct nl_sock **rt);
void link_close(struct nl_sock *rt);

/* Make a weft interface, or find that it is there. -EEXIST: another kind of interface has the name. */
int link_make(struct nl_sock *rt, const char *name, bool *made, uint32_t *ifindex);
int link_set_up(struct nl_sock *rt, const char *name, uint32_t mtu);
int link_delete(struct nl_sock *rt, const char *name);
/* The interface has these addresses, and these routes of ours, and no others afterwards. */
int link_set_addresses(struct nl_sock *rt, uint32_t ifindex, const struct weft_prefix *addresses,
		       size_t count);
int link_set_routes(struct nl_sock *rt, uint32_t ifindex, const struct weft_prefix *routes,
		    size_t count);

/**
 * struct link_address - an address of this machine
 * @at:		with the length of the network that is on the link
 * @ifindex:	of which interface
 * @is_global:	neither of this machine alone nor of the link
 */
struct link_address {
	struct weft_prefix at;
	uint32_t ifindex;
	bool is_global;
};

#define LINK_MAX_ADDRESSES 64
#define LINK_MAX_LANS 32

/**
 * struct link_world - what is around
 * @addresses:	of interfaces that are up and none of weft's, nor the loopback
 * @address_count: see @addresses
 * @lans:	interfaces on which there may be other machines to be found
 * @lan_count:	see @lans
 */
struct link_world {
	struct link_address addresses[LINK_MAX_ADDRESSES];
	unsigned int address_count;
	uint32_t lans[LINK_MAX_LANS];
	unsigned int lan_count;
};

int link_look_around(struct nl_sock *rt, struct link_world *world);

/* A descriptor that has something to read when what link_look_around() tells may have changed. */
int link_watch(struct nl_sock **watch);
/* Take in all that there is; whether it was anything. */
bool link_watched(struct nl_sock *watch);

#endif /* WEFTD_LINKS_H */
