// SPDX-License-Identifier: GPL-2.0
/* What the tests share. */
#include "weft_kunit.h"

#include <linux/etherdevice.h>
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/skbuff.h>
#include <linux/udp.h>

u64 weft_kunit_now = 1000 * NSEC_PER_SEC;

/* Has a received packet come from another address and port. */
void weft_kunit_source(struct sk_buff *skb, const char *source, u16 port)
{
	u8 addr[16];

	udp_hdr(skb)->source = htons(port);
	if (strchr(source, ':')) {
		skb->protocol = htons(ETH_P_IPV6);
		WARN_ON(!in6_pton(source, -1, addr, -1, NULL));
		memset(ipv6_hdr(skb), 0, sizeof(struct ipv6hdr));
		memcpy(&ipv6_hdr(skb)->saddr, addr, 16);
	} else {
		skb->protocol = htons(ETH_P_IP);
		WARN_ON(!in4_pton(source, -1, addr, -1, NULL));
		memset(ip_hdr(skb), 0, sizeof(struct iphdr));
		memcpy(&ip_hdr(skb)->saddr, addr, 4);
	}
}

static void weft_kunit_free_skb(struct kunit_resource *resource)
{
	kfree_skb(resource->data);
}

/*
 * A packet as the UDP socket hands it over: @data at the payload, the headers
 * before it in place. Freed with the test.
 */
struct sk_buff *weft_kunit_skb(struct kunit *test, const char *source,
			       u16 port, const void *payload, size_t len)
{
	const size_t head = sizeof(struct ipv6hdr) + sizeof(struct udphdr);
	struct sk_buff *skb = alloc_skb(head + len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	kunit_alloc_resource(test, NULL, weft_kunit_free_skb, GFP_KERNEL, skb);
	skb_reserve(skb, head);
	skb_put_data(skb, payload, len);
	skb_set_transport_header(skb, -(int)sizeof(struct udphdr));
	skb_set_network_header(skb, -(int)head);
	weft_kunit_source(skb, source, port);
	return skb;
}

MODULE_DESCRIPTION("Tests of weft's parts");
MODULE_LICENSE("GPL");
