// SPDX-License-Identifier: GPL-2.0
/*
 * UDP sockets in the device's birth namespace, and routing towards an
 * endpoint.
 */

#include "socket.h"

#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/addrconf.h>
#include <net/dst_cache.h>
#include <net/inet_common.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/udp.h>
#include <net/udp_tunnel.h>

#include "compat/compat.h"
#include "device.h"
#include "messages.h"
#include "packet.h"
#include "path.h"
#include "segment.h"

/* Ports tried for both families when the choice is ours. */
#define PORT_TRIES 100

static void forget_source(struct weft_endpoint *endpoint,
			  struct dst_cache *cache)
{
	memset(&endpoint->src6, 0, sizeof(endpoint->src6));
	endpoint->src_ifindex = 0;
	if (cache)
		dst_cache_reset(cache);
}

/*
 * Routes from the source that the peer last wrote to, so that replies leave
 * the way requests came; without it if it is gone or the way has changed.
 */
static struct rtable *lookup4(struct sock *sk, struct flowi4 *fl,
			      struct weft_endpoint *endpoint,
			      struct dst_cache *cache)
{
	struct rtable *rt;
	bool moved;

	security_sk_classify_flow(sk, flowi4_to_flowi_common(fl));
	if (fl->saddr && !inet_confirm_addr(sock_net(sk), NULL, 0, fl->saddr,
					    RT_SCOPE_HOST)) {
		forget_source(endpoint, cache);
		fl->saddr = 0;
	}

	rt = ip_route_output_flow(sock_net(sk), fl, sk);
	moved = endpoint->src_ifindex &&
		(IS_ERR(rt) ? PTR_ERR(rt) == -EINVAL :
			      rt->dst.dev->ifindex != endpoint->src_ifindex);
	if (!moved)
		return rt;

	forget_source(endpoint, cache);
	fl->saddr = 0;
	if (!IS_ERR(rt))
		ip_rt_put(rt);
	return ip_route_output_flow(sock_net(sk), fl, sk);
}

static int route4(struct weft_device *wdev, struct weft_endpoint *endpoint,
		  struct dst_cache *cache, struct weft_route *route)
{
	struct sock *sk = rcu_dereference_bh(wdev->sock4);
	struct flowi4 fl = {
		.saddr = endpoint->src4.s_addr,
		.daddr = endpoint->addr4.sin_addr.s_addr,
		.fl4_dport = endpoint->addr4.sin_port,
		.flowi4_mark = READ_ONCE(wdev->fwmark),
		.flowi4_proto = IPPROTO_UDP,
	};
	struct rtable *rt = NULL;

	if (unlikely(!sk))
		return -ENOTCONN;
	fl.fl4_sport = inet_sk(sk)->inet_sport;

	if (cache)
		rt = dst_cache_get_ip4(cache, &fl.saddr);
	if (!rt) {
		rt = lookup4(sk, &fl, endpoint, cache);
		if (IS_ERR(rt))
			return PTR_ERR(rt);
		if (cache)
			dst_cache_set_ip4(cache, &rt->dst, fl.saddr);
	}

	route->sk = sk;
	route->dst = &rt->dst;
	route->saddr4 = fl.saddr;
	route->daddr4 = fl.daddr;
	route->sport = fl.fl4_sport;
	route->dport = fl.fl4_dport;
	return 0;
}

#if IS_ENABLED(CONFIG_IPV6)
static struct dst_entry *lookup6(struct sock *sk, struct flowi6 *fl,
				 struct weft_endpoint *endpoint,
				 struct dst_cache *cache)
{
	security_sk_classify_flow(sk, flowi6_to_flowi_common(fl));
	if (!ipv6_addr_any(&fl->saddr) &&
	    !ipv6_chk_addr(sock_net(sk), &fl->saddr, NULL, 0)) {
		forget_source(endpoint, cache);
		fl->saddr = in6addr_any;
	}
	return ip6_dst_lookup_flow(sock_net(sk), sk, fl, NULL);
}

static int route6(struct weft_device *wdev, struct weft_endpoint *endpoint,
		  struct dst_cache *cache, struct weft_route *route)
{
	struct sock *sk = rcu_dereference_bh(wdev->sock6);
	struct flowi6 fl = {
		.saddr = endpoint->src6,
		.daddr = endpoint->addr6.sin6_addr,
		.fl6_dport = endpoint->addr6.sin6_port,
		.flowi6_mark = READ_ONCE(wdev->fwmark),
		.flowi6_oif = endpoint->addr6.sin6_scope_id,
		.flowi6_proto = IPPROTO_UDP,
	};
	struct dst_entry *dst = NULL;

	if (unlikely(!sk))
		return -ENOTCONN;
	fl.fl6_sport = inet_sk(sk)->inet_sport;

	if (cache)
		dst = dst_cache_get_ip6(cache, &fl.saddr);
	if (!dst) {
		dst = lookup6(sk, &fl, endpoint, cache);
		if (IS_ERR(dst))
			return PTR_ERR(dst);
		if (cache)
			dst_cache_set_ip6(cache, dst, &fl.saddr);
	}

	route->sk = sk;
	route->dst = dst;
	route->saddr6 = fl.saddr;
	route->daddr6 = fl.daddr;
	route->sport = fl.fl6_sport;
	route->dport = fl.fl6_dport;
	return 0;
}
#else
static int route6(struct weft_device *wdev, struct weft_endpoint *endpoint,
		  struct dst_cache *cache, struct weft_route *route)
{
	return -EAFNOSUPPORT;
}
#endif

/**
 * weft_socket_route() - find the way to an endpoint
 * @wdev: device
 * @endpoint: where to; its source is cleared if it is no longer ours. The
 *	caller keeps it from changing.
 * @cache: of this endpoint, or NULL
 * @route: result, with a reference of the route that weft_socket_xmit() takes
 *
 * Context: RCU read section with bottom halves disabled, which must last as
 * long as @route is used.
 * The way may lead through the device itself, to a peer behind a peer; what
 * goes in circles is caught by its depth, see weft_xmit().
 *
 * Return: 0; -ENOTCONN without a socket; or the error of the routing table.
 */
int weft_socket_route(struct weft_device *wdev, struct weft_endpoint *endpoint,
		      struct dst_cache *cache, struct weft_route *route)
{
	switch (endpoint->addr.sa_family) {
	case AF_INET:
		return route4(wdev, endpoint, cache, route);
	case AF_INET6:
		return route6(wdev, endpoint, cache, route);
	default:
		return -EDESTADDRREQ;
	}
}

/* Can the stack make datagrams of a train, one message in each? */
static bool train_fits(const struct weft_route *route,
		       const struct sk_buff *train)
{
	unsigned int headers = sizeof(struct udphdr);

	headers += route->sk->sk_family == AF_INET ? sizeof(struct iphdr) :
						     sizeof(struct ipv6hdr);
#ifdef CONFIG_XFRM
	/* A transformation wants packets, not what becomes packets. */
	if (unlikely(route->dst->xfrm))
		return false;
#endif
	return skb_shinfo(train)->gso_size + headers <= dst_mtu(route->dst);
}

static void xmit_one(struct weft_device *wdev, struct weft_route *route,
		     struct sk_buff *skb, u8 tos)
{
	/*
	 * Outer fragments rather than lost packets: the peer may be a stock
	 * one, which has no path MTU discovery.
	 */
	skb->ignore_df = 1;
	skb->mark = READ_ONCE(wdev->fwmark);
	/* We count ourselves; the tunnel core would want its own counters. */
	skb->dev = NULL;
	if (skb_is_gso(skb)) {
		/* It will write the whole packet's pseudo header sum there. */
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) - sizeof(struct udphdr);
		skb->csum_offset = offsetof(struct udphdr, check);
	}

	if (route->sk->sk_family == AF_INET) {
		weft_compat_udp4_xmit(container_of(route->dst, struct rtable,
						   dst), route->sk, skb,
				      route->saddr4, route->daddr4, tos,
				      ip4_dst_hoplimit(route->dst), 0,
				      route->sport, route->dport);
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	weft_compat_udp6_xmit(route->dst, route->sk, skb, &route->saddr6,
			      &route->daddr6, tos,
			      ip6_dst_hoplimit(route->dst), 0, route->sport,
			      route->dport);
#endif
}

static void xmit_unpacked(struct weft_device *wdev, struct weft_route *route,
			  struct sk_buff *train, u8 tos)
{
	struct sk_buff *list = weft_segment_unpack(train), *skb, *next;

	if (unlikely(!list)) {
		weft_drop(wdev, train, WEFT_DROP_TX_NO_MEMORY);
		return;
	}
	skb_list_walk_safe(list, skb, next) {
		skb_mark_not_on_list(skb);
		dst_hold(route->dst);
		xmit_one(wdev, route, skb, tos);
	}
}

/**
 * weft_socket_xmit() - send a batch
 * @wdev: device
 * @route: from weft_socket_route(); its reference is consumed
 * @batch: list of messages; consumed
 * @tos: outer TOS or traffic class
 *
 * Context: that of weft_socket_route().
 */
void weft_socket_xmit(struct weft_device *wdev, struct weft_route *route,
		      struct sk_buff *batch, u8 tos)
{
	struct sk_buff *skb, *next;

	skb_list_walk_safe(batch, skb, next) {
		skb_mark_not_on_list(skb);
		if (likely(!skb_is_gso(skb) || train_fits(route, skb))) {
			/* Each packet takes one reference along. */
			dst_hold(route->dst);
			xmit_one(wdev, route, skb, tos);
		} else {
			xmit_unpacked(wdev, route, skb, tos);
		}
	}
	dst_release(route->dst);
}

/**
 * weft_socket_skb() - put a message into an skb
 * @buffer: the message
 * @len: its length
 *
 * Return: the skb with room for all headers, or NULL.
 */
struct sk_buff *weft_socket_skb(const void *buffer, size_t len)
{
	struct sk_buff *skb = alloc_skb(WEFT_HEADROOM + len, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, WEFT_HEADROOM);
	skb_set_inner_network_header(skb, 0);
	skb_put_data(skb, buffer, len);
	return skb;
}

/**
 * weft_socket_reply() - send a message back to where one came from
 * @wdev: device
 * @to: what it answers, with its outer headers
 * @buffer: the message
 * @len: its length
 *
 * Nothing is remembered of the sender, who need not be known.
 *
 * Return: 0 or -errno.
 */
int weft_socket_reply(struct weft_device *wdev, const struct sk_buff *to,
		      const void *buffer, size_t len)
{
	struct weft_endpoint endpoint;
	struct weft_route route;
	struct sk_buff *skb;
	int err;

	if (!weft_endpoint_from_skb(&endpoint, to))
		return -EINVAL;
	skb = weft_socket_skb(buffer, len);
	if (!skb)
		return -ENOMEM;

	rcu_read_lock_bh();
	err = weft_socket_route(wdev, &endpoint, NULL, &route);
	if (err)
		kfree_skb(skb);
	else
		weft_socket_xmit(wdev, &route, skb, 0);
	rcu_read_unlock_bh();
	return err;
}

#ifdef CONFIG_NETFILTER
static bool is_ours(const struct weft_device *wdev, const struct sk_buff *skb)
{
	const struct udphdr *uh;
	struct udphdr buffer;

	if (ip_hdr(skb)->version == 4 ? ip_hdr(skb)->protocol != IPPROTO_UDP :
					ipv6_hdr(skb)->nexthdr != IPPROTO_UDP)
		return false;
	uh = skb_header_pointer(skb, skb_transport_offset(skb), sizeof(buffer),
				&buffer);
	return uh && ntohs(uh->dest) == READ_ONCE(wdev->port);
}

/*
 * UDP cuts what came as one packet before it gives it to a tunnel, unless it
 * believes that GRO of tunnels has made it. What is for us is cut by us, and
 * is marked as such, when all filters have seen it as it is.
 */
static unsigned int keep_whole(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const struct weft_device *wdev = priv;

	if (likely(!skb_is_gso(skb) ||
		   !(skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)))
		return NF_ACCEPT;
	/* It would be marked for others, too. */
	if (is_ours(wdev, skb) && !skb_unclone(skb, GFP_ATOMIC))
		skb_shinfo(skb)->gso_type |= SKB_GSO_UDP_TUNNEL;
	return NF_ACCEPT;
}

/* Without it things go on, packet by packet. */
static void hook_register(struct weft_device *wdev, struct sock *sk)
{
	struct nf_hook_ops *ops = &wdev->train_hook;

	ops->hook = keep_whole;
	ops->priv = wdev;
	ops->pf = NFPROTO_INET;
	ops->hooknum = NF_INET_LOCAL_IN;
	ops->priority = INT_MAX;
	wdev->train_net = nf_register_net_hook(sock_net(sk), ops) ?
				  NULL : sock_net(sk);
}

static void hook_unregister(struct weft_device *wdev)
{
	if (wdev->train_net)
		nf_unregister_net_hook(wdev->train_net, &wdev->train_hook);
	wdev->train_net = NULL;
}
#else
static void hook_register(struct weft_device *wdev, struct sock *sk)
{
}

static void hook_unregister(struct weft_device *wdev)
{
}
#endif

static int encap_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct weft_device *wdev = rcu_dereference_sk_user_data(sk);

	if (unlikely(!wdev)) {
		kfree_skb(skb);
		return 0;
	}
	if (skb_is_gso(skb))
		skb_shinfo(skb)->gso_type &= ~SKB_GSO_UDP_TUNNEL;
	weft_receive(wdev, sk, skb);
	return 0;
}

static void socket_release(struct sock *sk)
{
	if (!sk)
		return;
	sk_clear_memalloc(sk);
	weft_compat_udp_tunnel_sock_release(sk);
}

static int socket_create(struct weft_device *wdev, struct net *net,
			 sa_family_t family, __be16 port, struct sock **sk)
{
	struct udp_tunnel_sock_cfg cfg = {
		.sk_user_data = wdev,
		.encap_type = 1,
		.encap_rcv = encap_rcv,
	};
	struct udp_port_cfg port_cfg = {
		.family = family,
		.local_udp_port = port,
		.use_udp_checksums = true,
		.use_udp6_tx_checksums = true,
		.use_udp6_rx_checksums = true,
		.ipv6_v6only = true,
	};
	struct socket *sock;
	int err;

	err = udp_sock_create(net, &port_cfg, &sock);
	if (err)
		return err;
	sock->sk->sk_allocation = GFP_ATOMIC;
	/* Queues are bounded before they get here. */
	sock->sk->sk_sndbuf = INT_MAX;
	sk_set_memalloc(sock->sk);
	weft_compat_setup_udp_tunnel_sock(net, sock, &cfg);
	weft_compat_udp_allow_gso(sock->sk);
	/* It would help to check what is inside, if that were in clear. */
	inet_dec_convert_csum(sock->sk);
	*sk = sock->sk;
	return 0;
}

/* Both families on the same port; any free one if @port is 0. */
static int socket_pair_create(struct weft_device *wdev, struct net *net,
			      u16 port, struct sock **sk4, struct sock **sk6)
{
	int tries = port ? 1 : PORT_TRIES;
	int err;

	do {
		*sk4 = NULL;
		*sk6 = NULL;
		err = socket_create(wdev, net, AF_INET, htons(port), sk4);
		if (err || !IS_ENABLED(CONFIG_IPV6) || !ipv6_mod_enabled())
			return err;
		err = socket_create(wdev, net, AF_INET6,
				    inet_sk(*sk4)->inet_sport, sk6);
		if (!err)
			return 0;
		socket_release(*sk4);
		*sk4 = NULL;
	} while (err == -EADDRINUSE && --tries);
	return err;
}

static void sockets_replace(struct weft_device *wdev, struct sock *sk4,
			    struct sock *sk6)
{
	struct sock *old4, *old6;

	lockdep_assert_held(&wdev->lock);

	old4 = rcu_replace_pointer(wdev->sock4, sk4,
				   lockdep_is_held(&wdev->lock));
	old6 = rcu_replace_pointer(wdev->sock6, sk6,
				   lockdep_is_held(&wdev->lock));
	hook_unregister(wdev);
	if (sk4) {
		WRITE_ONCE(wdev->port, ntohs(inet_sk(sk4)->inet_sport));
		hook_register(wdev, sk4);
	}

	if (!old4 && !old6)
		return;
	/* Senders have the old ones until here. */
	synchronize_net();
	socket_release(old4);
	socket_release(old6);
	/* And receivers until here; new kernels do not wait for them. */
	synchronize_net();
}

/**
 * weft_sockets_open() - open the device's sockets, or move them to another port
 * @wdev: device
 * @port: UDP port, 0 for any
 *
 * Context: process; RTNL and the device's lock held.
 * Return: 0 or -errno; on failure what was open stays open.
 */
int weft_sockets_open(struct weft_device *wdev, u16 port)
{
	struct sock *sk4, *sk6;
	struct net *net;
	int err;

	rcu_read_lock();
	net = rcu_dereference(wdev->birth_net);
	net = net ? maybe_get_net(net) : NULL;
	rcu_read_unlock();
	if (unlikely(!net))
		return -ENONET;

	err = socket_pair_create(wdev, net, port, &sk4, &sk6);
	if (!err)
		sockets_replace(wdev, sk4, sk6);
	put_net(net);
	return err;
}

/**
 * weft_sockets_close() - close the device's sockets; the port is remembered
 * @wdev: device
 *
 * Context: process; the device's lock held.
 */
void weft_sockets_close(struct weft_device *wdev)
{
	sockets_replace(wdev, NULL, NULL);
}
