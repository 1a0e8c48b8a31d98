// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "links.h"

#define KIND "weft"

#define __free_link __attribute__((cleanup(free_link)))
#define __free_address __attribute__((cleanup(free_address)))
#define __free_nl_addr __attribute__((cleanup(free_nl_addr)))
#define __free_route __attribute__((cleanup(free_route)))
#define __free_cache __attribute__((cleanup(free_cache)))

static void free_link(struct rtnl_link **link)
{
	if (*link)
		rtnl_link_put(*link);
}

static void free_address(struct rtnl_addr **address)
{
	if (*address)
		rtnl_addr_put(*address);
}

static void free_nl_addr(struct nl_addr **address)
{
	if (*address)
		nl_addr_put(*address);
}

static void free_route(struct rtnl_route **route)
{
	if (*route)
		rtnl_route_put(*route);
}

static void free_cache(struct nl_cache **cache)
{
	if (*cache)
		nl_cache_free(*cache);
}

/* libnl has errors of its own, some of which were an errno once. */
static int to_errno(int error)
{
	static const struct {
		int nle;
		int error;
	} known[] = {
		{ NLE_NOMEM, ENOMEM }, { NLE_EXIST, EEXIST }, { NLE_PERM, EPERM },
		{ NLE_NOACCESS, EACCES }, { NLE_NODEV, ENODEV }, { NLE_BUSY, EBUSY },
		{ NLE_OBJ_NOTFOUND, ENOENT }, { NLE_OPNOTSUPP, EOPNOTSUPP },
		{ NLE_RANGE, ERANGE }, { NLE_INVAL, EINVAL }, { NLE_AGAIN, EAGAIN },
		{ NLE_NOADDR, EADDRNOTAVAIL },
	};
	size_t i;

	if (error >= 0)
		return 0;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].nle == -error)
			return -known[i].error;
	}
	return -EIO;
}

int link_open(struct nl_sock **rt)
{
	int error;

	*rt = nl_socket_alloc();
	if (!*rt)
		return -ENOMEM;
	error = to_errno(nl_connect(*rt, NETLINK_ROUTE));
	if (error) {
		nl_socket_free(*rt);
		*rt = NULL;
	}
	return error;
}

void link_close(struct nl_sock *rt)
{
	if (rt)
		nl_socket_free(rt);
}

static bool is_weft(struct rtnl_link *link)
{
	const char *kind = rtnl_link_get_type(link);

	return kind && !strcmp(kind, KIND);
}

/*
 * Whether it leads into a network of tunnels: then its addresses are no place where tunnels end. Not
 * knowing of a kind costs a candidate that does not work.
 */
static bool is_overlay(struct rtnl_link *link)
{
	static const char *const kinds[] = { KIND, "wireguard", "tun", "ovpn", "ipip", "vti", "xfrm" };
	const char *kind = rtnl_link_get_type(link);
	size_t i;

	for (i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kind, kinds[i]))
			return true;
	}
	return false;
}

static int find_weft(struct nl_sock *rt, const char *name, uint32_t *ifindex)
{
	__free_link struct rtnl_link *link = NULL;
	int error = rtnl_link_get_kernel(rt, 0, name, &link);

	if (error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND)
		return -ENODEV;
	if (error)
		return to_errno(error);
	*ifindex = rtnl_link_get_ifindex(link);
	return is_weft(link) ? 0 : -EEXIST;
}

int link_make(struct nl_sock *rt, const char *name, bool *made, uint32_t *ifindex)
{
	__free_link struct rtnl_link *link = NULL;
	int error = find_weft(rt, name, ifindex);

	*made = false;
	if (error != -ENODEV)
		return error;
	link = rtnl_link_alloc();
	if (!link)
		return -ENOMEM;
	rtnl_link_set_name(link, name);
	error = rtnl_link_set_type(link, KIND);
	if (!error)
		error = rtnl_link_add(rt, link, NLM_F_CREATE | NLM_F_EXCL);
	if (error)
		return to_errno(error);
	*made = true;
	return find_weft(rt, name, ifindex);
}

int link_set_up(struct nl_sock *rt, const char *name, uint32_t mtu)
{
	__free_link struct rtnl_link *link = NULL, *change = NULL;
	int error = rtnl_link_get_kernel(rt, 0, name, &link);

	if (error)
		return to_errno(error);
	if (rtnl_link_get_flags(link) & IFF_UP && (!mtu || rtnl_link_get_mtu(link) == mtu))
		return 0;
	change = rtnl_link_alloc();
	if (!change)
		return -ENOMEM;
	rtnl_link_set_flags(change, IFF_UP);
	if (mtu)
		rtnl_link_set_mtu(change, mtu);
	return to_errno(rtnl_link_change(rt, link, change, 0));
}

int link_delete(struct nl_sock *rt, const char *name)
{
	__free_link struct rtnl_link *link = NULL;
	uint32_t ifindex;
	int error = find_weft(rt, name, &ifindex);

	if (error == -ENODEV)
		return 0;
	if (error)
		return error;
	link = rtnl_link_alloc();
	if (!link)
		return -ENOMEM;
	rtnl_link_set_ifindex(link, ifindex);
	return to_errno(rtnl_link_delete(rt, link));
}

/* With the whole address, as it is on an interface. False: of a family that is not ours. */
static bool to_prefix(struct weft_prefix *prefix, const struct nl_addr *address)
{
	size_t size = nl_addr_get_len(address);
	int family = nl_addr_get_family(address);

	memset(prefix, 0, sizeof(*prefix));
	if (family != AF_INET && family != AF_INET6)
		return false;
	prefix->size = family == AF_INET ? 4 : 16;
	prefix->length = nl_addr_get_prefixlen(address);
	/* the default route has no address */
	if (size && size != prefix->size)
		return false;
	memcpy(prefix->address, nl_addr_get_binary_addr(address), size);
	return true;
}

static struct nl_addr *from_prefix(const struct weft_prefix *prefix)
{
	struct nl_addr *address = nl_addr_build(prefix->size == 4 ? AF_INET : AF_INET6,
						prefix->address, prefix->size);

	if (address)
		nl_addr_set_prefixlen(address, prefix->length);
	return address;
}

static bool has_prefix(const struct weft_prefix *prefixes, size_t count,
		       const struct weft_prefix *prefix)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!memcmp(&prefixes[i], prefix, sizeof(*prefix)))
			return true;
	}
	return false;
}

static bool is_link_local(const struct weft_prefix *at)
{
	return at->size == 16 && at->address[0] == 0xfe && (at->address[1] & 0xc0) == 0x80;
}

static int add_address(struct nl_sock *rt, uint32_t ifindex, const struct weft_prefix *at)
{
	__free_address struct rtnl_addr *address = rtnl_addr_alloc();
	__free_nl_addr struct nl_addr *local = from_prefix(at);
	int error;

	if (!address || !local)
		return -ENOMEM;
	rtnl_addr_set_ifindex(address, ifindex);
	rtnl_addr_set_local(address, local);
	/* nobody else has it: it is from our key, or by the roster ours */
	if (at->size == 16)
		rtnl_addr_set_flags(address, IFA_F_NODAD);
	error = rtnl_addr_add(rt, address, NLM_F_CREATE | NLM_F_REPLACE);
	return to_errno(error);
}

int link_set_addresses(struct nl_sock *rt, uint32_t ifindex, const struct weft_prefix *addresses,
		       size_t count)
{
	__free_cache struct nl_cache *cache = NULL;
	struct weft_prefix at, present[16];
	struct nl_object *object;
	size_t i, n = 0;
	int error = to_errno(rtnl_addr_alloc_cache(rt, &cache));

	if (error)
		return error;
	for (object = nl_cache_get_first(cache); object; object = nl_cache_get_next(object)) {
		struct rtnl_addr *address = (struct rtnl_addr *)object;

		if ((uint32_t)rtnl_addr_get_ifindex(address) != ifindex ||
		    !to_prefix(&at, rtnl_addr_get_local(address)) || is_link_local(&at))
			continue;
		if (has_prefix(addresses, count, &at)) {
			if (n < sizeof(present) / sizeof(present[0]))
				present[n++] = at;
		} else {
			rtnl_addr_delete(rt, address, 0);
		}
	}
	for (i = 0; i < count && !error; i++) {
		if (!has_prefix(present, n, &addresses[i]))
			error = add_address(rt, ifindex, &addresses[i]);
	}
	return error;
}

static struct rtnl_route *make_route(uint32_t ifindex, const struct weft_prefix *to)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	__free_nl_addr struct nl_addr *destination = from_prefix(to);

	if (!route || !hop || !destination) {
		if (route)
			rtnl_route_put(route);
		if (hop)
			rtnl_route_nh_free(hop);
		return NULL;
	}
	rtnl_route_set_family(route, to->size == 4 ? AF_INET : AF_INET6);
	rtnl_route_set_table(route, RT_TABLE_MAIN);
	rtnl_route_set_protocol(route, LINK_ROUTE_PROTOCOL);
	rtnl_route_set_scope(route, to->size == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
	rtnl_route_set_priority(route, LINK_ROUTE_METRIC);
	rtnl_route_set_dst(route, destination);
	rtnl_route_nh_set_ifindex(hop, ifindex);
	rtnl_route_add_nexthop(route, hop);
	return route;
}

static int add_route(struct nl_sock *rt, uint32_t ifindex, const struct weft_prefix *to)
{
	__free_route struct rtnl_route *route = make_route(ifindex, to);
	int error;

	if (!route)
		return -ENOMEM;
	error = rtnl_route_add(rt, route, NLM_F_CREATE | NLM_F_EXCL);
	return to_errno(error);
}

static bool is_ours(struct rtnl_route *route, uint32_t ifindex)
{
	struct rtnl_nexthop *hop;

	if (rtnl_route_get_protocol(route) != LINK_ROUTE_PROTOCOL ||
	    rtnl_route_get_nnexthops(route) != 1)
		return false;
	hop = rtnl_route_nexthop_n(route, 0);
	return (uint32_t)rtnl_route_nh_get_ifindex(hop) == ifindex;
}

int link_set_routes(struct nl_sock *rt, uint32_t ifindex, const struct weft_prefix *routes,
		    size_t count)
{
	__free_cache struct nl_cache *cache = NULL;
	struct nl_object *object;
	struct weft_prefix to;
	bool *present;
	size_t i;
	int error = to_errno(rtnl_route_alloc_cache(rt, AF_UNSPEC, 0, &cache)), add;

	if (error)
		return error;
	present = calloc(count + 1, sizeof(*present));
	if (!present)
		return -ENOMEM;
	for (object = nl_cache_get_first(cache); object; object = nl_cache_get_next(object)) {
		struct rtnl_route *route = (struct rtnl_route *)object;

		if (!is_ours(route, ifindex) || !to_prefix(&to, rtnl_route_get_dst(route)))
			continue;
		for (i = 0; i < count && memcmp(&routes[i], &to, sizeof(to)); i++)
			;
		if (i < count)
			present[i] = true;
		else
			rtnl_route_delete(rt, route, 0);
	}
	/* one that cannot be is no reason to leave out the others */
	for (i = 0; i < count; i++) {
		add = present[i] ? 0 : add_route(rt, ifindex, &routes[i]);
		if (add && !error)
			error = add;
	}
	free(present);
	return error;
}

static void look_at_link(struct rtnl_link *link, struct link_world *world)
{
	unsigned int flags = rtnl_link_get_flags(link);

	if (flags & IFF_LOOPBACK || is_overlay(link) || !(flags & IFF_UP) ||
	    !(flags & IFF_MULTICAST) || flags & IFF_POINTOPOINT)
		return;
	if (world->lan_count < LINK_MAX_LANS)
		world->lans[world->lan_count++] = rtnl_link_get_ifindex(link);
}

static bool is_usable(struct nl_cache *links, int ifindex)
{
	__free_link struct rtnl_link *link = rtnl_link_get(links, ifindex);

	return link && !is_overlay(link) && rtnl_link_get_flags(link) & IFF_UP &&
	       !(rtnl_link_get_flags(link) & IFF_LOOPBACK);
}

static void look_at_address(struct rtnl_addr *address, struct nl_cache *links,
			    struct link_world *world)
{
	struct link_address *at = &world->addresses[world->address_count];
	unsigned int flags = rtnl_addr_get_flags(address);

	if (world->address_count == LINK_MAX_ADDRESSES ||
	    flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED) ||
	    !is_usable(links, rtnl_addr_get_ifindex(address)) ||
	    !to_prefix(&at->at, rtnl_addr_get_local(address)))
		return;
	at->ifindex = rtnl_addr_get_ifindex(address);
	at->is_global = rtnl_addr_get_scope(address) == RT_SCOPE_UNIVERSE &&
			!is_link_local(&at->at);
	world->address_count++;
}

int link_look_around(struct nl_sock *rt, struct link_world *world)
{
	__free_cache struct nl_cache *links = NULL, *addresses = NULL;
	struct nl_object *object;
	int error;

	memset(world, 0, sizeof(*world));
	error = rtnl_link_alloc_cache(rt, AF_UNSPEC, &links);
	if (!error)
		error = rtnl_addr_alloc_cache(rt, &addresses);
	if (error)
		return to_errno(error);
	for (object = nl_cache_get_first(links); object; object = nl_cache_get_next(object))
		look_at_link((struct rtnl_link *)object, world);
	for (object = nl_cache_get_first(addresses); object; object = nl_cache_get_next(object))
		look_at_address((struct rtnl_addr *)object, links, world);
	return 0;
}

int link_watch(struct nl_sock **watch)
{
	int error;

	*watch = nl_socket_alloc();
	if (!*watch)
		return -ENOMEM;
	nl_socket_disable_seq_check(*watch);
	error = nl_connect(*watch, NETLINK_ROUTE);
	if (!error)
		error = nl_socket_add_memberships(*watch, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
						  RTNLGRP_IPV6_IFADDR, RTNLGRP_NONE);
	if (!error)
		error = nl_socket_set_nonblocking(*watch);
	if (error) {
		nl_socket_free(*watch);
		*watch = NULL;
	}
	return to_errno(error);
}

bool link_watched(struct nl_sock *watch)
{
	int fd = nl_socket_get_fd(watch);
	char buffer[8192];
	bool any = false;
	ssize_t n;

	/* What they say does not matter: everything is looked at anew. So it does not matter either
	 * if some were lost (ENOBUFS). */
	do {
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);
		any |= n > 0 || (n < 0 && errno == ENOBUFS);
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
	return any;
}
