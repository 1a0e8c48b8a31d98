// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that leave as one UDP GSO packet. Those of datagrams that the stack
 * sends one by one are put together here.
 */

#include "train.h"

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "chunk.h"
#include "device.h"
#include "messages.h"
#include "packet.h"
#include "peer.h"
#include "queue.h"
#include "session.h"

/**
 * weft_train_alloc() - begin a train
 * @like: inner packet
 *
 * Return: an empty packet that is to the stack what the inner one was, or NULL.
 */
struct sk_buff *weft_train_alloc(const struct sk_buff *like)
{
	struct sk_buff *train;

	train = alloc_skb(WEFT_HEADROOM, GFP_ATOMIC);
	if (unlikely(!train))
		return NULL;
	skb_reserve(train, WEFT_HEADROOM);
	skb_copy_header(train, like);
	weft_scrub(train);
	skb_reset_mac_header(train);
	skb_reset_network_header(train);
	skb_reset_transport_header(train);
	skb_set_inner_network_header(train, 0);
	return train;
}

/**
 * weft_train_finish() - all messages are in
 * @train: the train
 * @stride: length of each message but the last
 * @count: messages; a single one needs no cutting, and would not be valid GSO
 */
void weft_train_finish(struct sk_buff *train, unsigned int stride,
		       unsigned int count)
{
	if (count < 2)
		return;
	skb_shinfo(train)->gso_size = stride;
	skb_shinfo(train)->gso_segs = count;
	skb_shinfo(train)->gso_type = SKB_GSO_UDP_L4;
}

/* Offset of the UDP header of a whole datagram; 0 if this is none, or unusual. */
static unsigned int udp_offset(const struct sk_buff *skb)
{
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);
	const struct iphdr *ip = ip_hdr(skb);
	unsigned int offset = 0;

	if (skb->protocol == htons(ETH_P_IP)) {
		if (ip->ihl == 5 && ip->protocol == IPPROTO_UDP &&
		    !(ip->frag_off & ~htons(IP_DF)))
			offset = sizeof(*ip);
	} else if (skb->protocol == htons(ETH_P_IPV6)) {
		if (ip6->nexthdr == IPPROTO_UDP)
			offset = sizeof(*ip6);
	}
	return skb_headlen(skb) < offset + sizeof(struct udphdr) ? 0 : offset;
}

static const struct udphdr *udp_at(const struct sk_buff *skb,
				   unsigned int offset)
{
	return (const void *)(skb->data + offset);
}

/**
 * weft_train_flow() - may a packet share a train with others?
 * @skb: inner packet
 *
 * Not what is to leave at a time of its own, whose leaving somebody wants to know
 * about, or for which a socket is charged in a way that cannot be added up. What
 * is no datagram is left alone: TCP makes large packets itself, and wants to know
 * how many of them wait.
 *
 * Return: 0 if not; else the same number for all packets of its flow.
 */
u32 weft_train_flow(const struct sk_buff *skb)
{
	unsigned int offset = udp_offset(skb);
	const struct udphdr *uh = udp_at(skb, offset);
	u32 flow;

	if (!offset || skb_is_gso(skb) || skb->tstamp ||
	    skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP ||
	    (skb->destructor && skb->destructor != sock_wfree))
		return 0;
	if (skb->ip_summed == CHECKSUM_PARTIAL &&
	    (skb_checksum_start_offset(skb) != offset ||
	     skb->csum_offset != offsetof(struct udphdr, check)))
		return 0;
	flow = (__force u16)uh->source << 16 | (__force u16)uh->dest;
	if (skb->protocol == htons(ETH_P_IP))
		flow ^= (__force u32)ip_hdr(skb)->saddr ^
			(__force u32)ip_hdr(skb)->daddr;
	else
		flow ^= ipv6_addr_hash(&ipv6_hdr(skb)->saddr) ^
			ipv6_addr_hash(&ipv6_hdr(skb)->daddr);
	return flow ?: 1;
}

/* Both are datagrams as weft_train_flow() wants them. */
static bool same_flow(const struct sk_buff *a, const struct sk_buff *b)
{
	unsigned int offset = udp_offset(a);

	if (a->protocol != b->protocol ||
	    udp_at(a, offset)->source != udp_at(b, offset)->source ||
	    udp_at(a, offset)->dest != udp_at(b, offset)->dest)
		return false;
	if (a->protocol == htons(ETH_P_IP))
		return ip_hdr(a)->saddr == ip_hdr(b)->saddr &&
		       ip_hdr(a)->daddr == ip_hdr(b)->daddr;
	return ipv6_addr_equal(&ipv6_hdr(a)->saddr, &ipv6_hdr(b)->saddr) &&
	       ipv6_addr_equal(&ipv6_hdr(a)->daddr, &ipv6_hdr(b)->daddr);
}

/*
 * Queues tell flows apart by socket or hash, and each flow goes at a pace of its
 * own: a train is of one flow, or its packets could overtake others of theirs.
 */
static bool may_follow(const struct sk_buff *first, const struct sk_buff *skb)
{
	return weft_train_flow(skb) && skb->sk == first->sk &&
	       skb->destructor == first->destructor &&
	       skb->priority == first->priority && same_flow(first, skb);
}

static unsigned int message_len(const struct sk_buff *skb)
{
	return weft_message_data_len(skb->len +
				     weft_padding(skb->len, weft_cb(skb)->mtu));
}

/**
 * weft_train_count() - how long can a train be?
 * @list: inner packets of one batch
 *
 * All messages of a train are equally long, but for the last one, which may be
 * shorter.
 *
 * Return: packets, from the first one on, that can be in one train; 1 if that
 * would have none but the first.
 */
unsigned int weft_train_count(const struct sk_buff *list)
{
	unsigned int stride = message_len(list), len = stride;
	unsigned int bytes = stride, count = 1;
	const struct sk_buff *skb = list->next;

	if (!skb || !weft_train_flow(list))
		return 1;
	for (; skb && count < WEFT_TRAIN_MAX_MESSAGES && len == stride;
	     skb = skb->next, count++) {
		len = message_len(skb);
		bytes += len;
		if (len > stride || bytes > WEFT_TRAIN_MAX_BYTES ||
		    !may_follow(list, skb))
			break;
	}
	return count;
}

/* Copies a packet, with its checksum complete. */
static bool copy_packet(const struct sk_buff *skb, u8 *to)
{
	unsigned int start;
	__wsum sum;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return !skb_copy_bits(skb, 0, to, skb->len);
	start = skb_checksum_start_offset(skb);
	memcpy(to, skb->data, start);
	sum = skb_copy_and_csum_bits(skb, start, to + start, skb->len - start);
	*(__sum16 *)(to + start + skb->csum_offset) =
		csum_fold(sum) ?: CSUM_MANGLED_0;
	return true;
}

/* Writes and seals a message; its length, or 0 if the cipher failed. */
static unsigned int write_message(const struct sk_buff *skb, u8 *to,
				  const struct weft_session *session, u64 nonce)
{
	unsigned int pad = weft_padding(skb->len, weft_cb(skb)->mtu);
	struct weft_message_data *msg = (void *)to;
	unsigned int len = skb->len;

	if (unlikely(!copy_packet(skb, msg->encrypted_data)))
		return 0;
	memset(msg->encrypted_data + len, 0, pad);
	weft_message_frame(msg, session, nonce);
	if (unlikely(!session->suite->seal(&session->send_key,
					   msg->encrypted_data, len + pad,
					   nonce)))
		return 0;
	return weft_message_data_len(len + pad);
}

/* The sender's socket waits for the train to leave the machine, not for us. */
static void hand_over_charges(struct sk_buff *list, unsigned int count,
			      struct sk_buff *train)
{
	unsigned int truesize = 0;

	if (!list->destructor)
		return;
	train->sk = list->sk;
	train->destructor = list->destructor;
	for (; count; list = list->next, count--) {
		truesize += list->truesize;
		list->sk = NULL;
		list->destructor = NULL;
	}
	/* What has been charged is what will be uncharged. */
	train->truesize = truesize;
}

/* Seals up to @count packets to a fragment of the train; how many, or -errno. */
static int fill(struct sk_buff *train, struct sk_buff *list, unsigned int count,
		struct weft_chunks __percpu *chunks,
		const struct weft_session *session, u64 nonce)
{
	unsigned int stride = message_len(list);
	unsigned int len, offset, size, bytes = 0, done = 0;
	struct page *page;
	u8 *to;

	size = WEFT_SEAL_HEAD + count * stride;
	page = weft_chunk_piece(chunks, WEFT_SEAL_HEAD + stride, &size, &offset);
	if (unlikely(!page))
		return -ENOMEM;
	count = min(count, (size - WEFT_SEAL_HEAD) / stride);
	offset += WEFT_SEAL_HEAD;
	to = (u8 *)page_address(page) + offset;
	for (; done < count; done++, bytes += len, list = list->next) {
		len = write_message(list, to + bytes, session, nonce + done);
		if (unlikely(!len)) {
			put_page(page);
			return -EBADMSG;
		}
	}
	skb_add_rx_frag(train, 0, page, offset, bytes, size);
	return done;
}

/**
 * weft_train_seal() - put packets together to a train
 * @list: inner packets of a batch; not consumed, but their charge may be the
 *	train's now
 * @count: what weft_train_count() says; on return, how many the train has, which
 *	are fewer if memory is short
 * @wdev: whose
 * @session: to seal with
 * @nonce: of the first packet; the others have those that follow
 *
 * Context: bottom halves disabled.
 * Return: the train; or -ENOMEM, or -EBADMSG if the cipher failed.
 */
struct sk_buff *weft_train_seal(struct sk_buff *list, unsigned int *count,
				struct weft_device *wdev,
				const struct weft_session *session, u64 nonce)
{
	struct sk_buff *train;
	int done;

	/* For whoever queues it. */
	skb_get_hash(list);
	train = weft_train_alloc(list);
	if (unlikely(!train))
		return ERR_PTR(-ENOMEM);
	done = fill(train, list, *count, wdev->crypt.chunks, session, nonce);
	if (unlikely(done < 0)) {
		kfree_skb(train);
		return ERR_PTR(done);
	}
	weft_train_finish(train, message_len(list), done);
	hand_over_charges(list, done, train);
	*count = done;
	return train;
}
