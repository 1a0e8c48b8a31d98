/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_SOCKET_H
#define _WEFT_SOCKET_H

#include <linux/in6.h>
#include <linux/types.h>

struct dst_cache;
struct dst_entry;
struct sk_buff;
struct sock;
struct weft_device;
struct weft_endpoint;

/**
 * struct weft_route - how to send to an endpoint now
 * @sk: our socket of the endpoint's family; valid in the RCU section
 * @dst: route, with a reference
 * @saddr4: source, if @sk is an IPv4 socket
 * @daddr4: destination, likewise
 * @saddr6: source, otherwise
 * @daddr6: destination, otherwise
 * @sport: our UDP port
 * @dport: the peer's UDP port
 */
struct weft_route {
	struct sock *sk;
	struct dst_entry *dst;
	union {
		struct {
			__be32 saddr4;
			__be32 daddr4;
		};
		struct {
			struct in6_addr saddr6;
			struct in6_addr daddr6;
		};
	};
	__be16 sport;
	__be16 dport;
};

int weft_sockets_open(struct weft_device *wdev, u16 port);
void weft_sockets_close(struct weft_device *wdev);

int weft_socket_route(struct weft_device *wdev, struct weft_endpoint *endpoint,
		      struct dst_cache *cache, struct weft_route *route);
void weft_socket_xmit(struct weft_device *wdev, struct weft_route *route,
		      struct sk_buff *batch, u8 tos);
int weft_socket_reply(struct weft_device *wdev, const struct sk_buff *to,
		      const void *buffer, size_t len);
struct sk_buff *weft_socket_skb(const void *buffer, size_t len);

#endif /* _WEFT_SOCKET_H */
