/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the supported kernels, and nothing else. The rest of
 * kmod/ is written against the newest one. Distributions backport signatures
 * under unchanged version codes, so the order of preference is: macros and
 * headers that can be tested for, C type probes, version codes.
 */
#ifndef _WEFT_COMPAT_H
#define _WEFT_COMPAT_H

#include <linux/version.h>
#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/timer.h>
#include <linux/udp.h>
#include <linux/workqueue.h>
#include <crypto/blake2s.h>
#include <crypto/chacha.h>
#include <net/genetlink.h>
#include <net/ip6_tunnel.h>
#include <net/udp_tunnel.h>

/* sparse has no __has_include; both headers came with the same series. */
#if defined(__CHECKER__) && !defined(__has_include)
#define __has_include(header) (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0))
#endif

#if __has_include(<net/gso.h>)
#include <net/gso.h>
#endif
#if __has_include(<crypto/utils.h>)
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#include <asm/unaligned.h>
#else
#include <linux/unaligned.h>
#endif

/* Flags of UDP sockets are set atomically since 6.7, and wherever that was backported to. */
static inline void weft_compat_udp_allow_gso(struct sock *sk)
{
#ifdef udp_set_bit
	udp_allow_gso(sk);
#else
	udp_sk(sk)->accept_udp_l4 = 1;
	udp_sk(sk)->accept_udp_fraglist = 1;
#endif
}

/* Is @fn declared with this type? */
#define weft_fn_is(fn, ...) \
	__builtin_types_compatible_p(typeof(fn), __VA_ARGS__)

/* 6.19 renamed the incremental BLAKE2s state; its functions kept their form. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define blake2s_ctx blake2s_state
#endif

/* 6.16 gave the state of ChaCha a type. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
struct chacha_state {
	u32 x[CHACHA_BLOCK_SIZE / sizeof(u32)];
};

#define weft_chacha(state) ((state)->x)
#else
#define weft_chacha(state) (state)
#endif

/* A bound work queue has to say so, where it can (6.17, and backports). */
#ifdef WEFT_HAVE_WQ_PERCPU
#define WEFT_WQ_BOUND WQ_PERCPU
#else
#define WEFT_WQ_BOUND 0
#endif

/* 6.16 renamed from_timer(). */
#ifndef timer_container_of
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

/* 6.6 renamed the accessor of a dump's parsed attributes. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define genl_info_dump genl_dumpit_info
#endif

/* 6.7 made the range of a policy const. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define weft_policy_const
#else
#define weft_policy_const const
#endif

/* 6.12 turned the feature bit into a field. */
static inline void weft_compat_lltx(struct net_device *dev)
{
#ifdef NETIF_F_LLTX
	dev->features |= NETIF_F_LLTX;
#else
	dev->lltx = true;
#endif
}

/* 6.13 has one function for both. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
weft_compat_hrtimer_setup(struct hrtimer *timer,
			  enum hrtimer_restart (*function)(struct hrtimer *),
			  clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#else
#define weft_compat_hrtimer_setup hrtimer_setup
#endif

/*
 * 6.15 put the parameters of newlink into a structure. The body is written
 * against what the structure gives.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define WEFT_NEWLINK(name, dev, link_net, extack)				\
static int name##_body(struct net_device *dev, struct net *link_net,	\
		       struct netlink_ext_ack *extack);			\
static int name(struct net *link_net, struct net_device *dev,		\
		struct nlattr *tb[], struct nlattr *data[],		\
		struct netlink_ext_ack *extack)				\
{									\
	return name##_body(dev, link_net, extack);			\
}									\
static int name##_body(struct net_device *dev, struct net *link_net,	\
		       struct netlink_ext_ack *extack)
#else
#define WEFT_NEWLINK(name, dev, link_net, extack)				\
static int name##_body(struct net_device *dev, struct net *link_net,	\
		       struct netlink_ext_ack *extack);			\
static int name(struct net_device *dev,					\
		struct rtnl_newlink_params *params,			\
		struct netlink_ext_ack *extack)				\
{									\
	return name##_body(dev, rtnl_newlink_link_net(params), extack);	\
}									\
static int name##_body(struct net_device *dev, struct net *link_net,	\
		       struct netlink_ext_ack *extack)
#endif

/*
 * setup_udp_tunnel_sock() and udp_tunnel_sock_release() take a struct sock
 * from 7.1.5 on, and wherever that was backported to.
 */
static inline void weft_compat_setup_udp_tunnel_sock(struct net *net,
						     struct socket *sock,
						     struct udp_tunnel_sock_cfg *cfg)
{
	setup_udp_tunnel_sock(net, __builtin_choose_expr(
		weft_fn_is(setup_udp_tunnel_sock,
			   void(struct net *, struct sock *,
				struct udp_tunnel_sock_cfg *)),
		sock->sk, sock), cfg);
}

static inline void weft_compat_udp_tunnel_sock_release(struct sock *sk)
{
	udp_tunnel_sock_release(__builtin_choose_expr(
		weft_fn_is(udp_tunnel_sock_release, void(struct sock *)),
		sk, sk->sk_socket));
}

/*
 * udp_tunnel_xmit_skb() and udp_tunnel6_xmit_skb() got a last argument with
 * control block flags in 6.17. The arm that does not fit calls an empty stub
 * of the fitting type and is discarded by the compiler.
 */
typedef void weft_udp4_xmit_12(struct rtable *, struct sock *, struct sk_buff *,
			       __be32, __be32, __u8, __u8, __be16, __be16,
			       __be16, bool, bool);
typedef void weft_udp4_xmit_13(struct rtable *, struct sock *, struct sk_buff *,
			       __be32, __be32, __u8, __u8, __be16, __be16,
			       __be16, bool, bool, u16);

static inline void weft_udp4_stub_12(struct rtable *rt, struct sock *sk,
				     struct sk_buff *skb, __be32 src, __be32 dst,
				     __u8 tos, __u8 ttl, __be16 df,
				     __be16 src_port, __be16 dst_port,
				     bool xnet, bool nocheck)
{
}

static inline void weft_udp4_stub_13(struct rtable *rt, struct sock *sk,
				     struct sk_buff *skb, __be32 src, __be32 dst,
				     __u8 tos, __u8 ttl, __be16 df,
				     __be16 src_port, __be16 dst_port,
				     bool xnet, bool nocheck, u16 flags)
{
}

#define WEFT_UDP4_IS_12 weft_fn_is(udp_tunnel_xmit_skb, weft_udp4_xmit_12)

static inline void weft_compat_udp4_xmit(struct rtable *rt, struct sock *sk,
					 struct sk_buff *skb, __be32 src,
					 __be32 dst, __u8 tos, __u8 ttl,
					 __be16 df, __be16 src_port,
					 __be16 dst_port)
{
	if (WEFT_UDP4_IS_12)
		__builtin_choose_expr(WEFT_UDP4_IS_12, udp_tunnel_xmit_skb,
				      weft_udp4_stub_12)
			(rt, sk, skb, src, dst, tos, ttl, df, src_port,
			 dst_port, false, false);
	else
		__builtin_choose_expr(WEFT_UDP4_IS_12, weft_udp4_stub_13,
				      udp_tunnel_xmit_skb)
			(rt, sk, skb, src, dst, tos, ttl, df, src_port,
			 dst_port, false, false, 0);
}

#if IS_ENABLED(CONFIG_IPV6)
/* The return type (int, then void) and the const of the addresses changed too. */
#define WEFT_UDP6_IS_13							\
	(weft_fn_is(udp_tunnel6_xmit_skb,				\
		    void(struct dst_entry *, struct sock *,		\
			 struct sk_buff *, struct net_device *,		\
			 const struct in6_addr *,			\
			 const struct in6_addr *, __u8, __u8, __be32,	\
			 __be16, __be16, bool, u16)))

static inline void weft_udp6_stub_12(struct dst_entry *dst, struct sock *sk,
				     struct sk_buff *skb, struct net_device *dev,
				     const struct in6_addr *src,
				     const struct in6_addr *daddr, __u8 prio,
				     __u8 ttl, __be32 label, __be16 src_port,
				     __be16 dst_port, bool nocheck)
{
}

static inline void weft_udp6_stub_13(struct dst_entry *dst, struct sock *sk,
				     struct sk_buff *skb, struct net_device *dev,
				     const struct in6_addr *src,
				     const struct in6_addr *daddr, __u8 prio,
				     __u8 ttl, __be32 label, __be16 src_port,
				     __be16 dst_port, bool nocheck, u16 flags)
{
}

static inline void weft_compat_udp6_xmit(struct dst_entry *dst, struct sock *sk,
					 struct sk_buff *skb,
					 struct in6_addr *src,
					 struct in6_addr *daddr, __u8 prio,
					 __u8 ttl, __be32 label, __be16 src_port,
					 __be16 dst_port)
{
	if (WEFT_UDP6_IS_13)
		__builtin_choose_expr(WEFT_UDP6_IS_13, udp_tunnel6_xmit_skb,
				      weft_udp6_stub_13)
			(dst, sk, skb, NULL, src, daddr, prio, ttl, label,
			 src_port, dst_port, false, 0);
	else
		__builtin_choose_expr(WEFT_UDP6_IS_13, weft_udp6_stub_12,
				      udp_tunnel6_xmit_skb)
			(dst, sk, skb, NULL, src, daddr, prio, ttl, label,
			 src_port, dst_port, false);
}
#endif

#endif /* _WEFT_COMPAT_H */
