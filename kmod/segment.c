// SPDX-License-Identifier: GPL-2.0
/*
 * A large packet of the stack (TCP segmentation, UDP GSO) becomes messages in
 * one go: each inner segment is written to where it is sealed, behind the
 * message before it, and all of them are one UDP GSO packet.
 */

#include "segment.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/sock.h>

#include "chunk.h"
#include "device.h"
#include "messages.h"
#include "packet.h"
#include "peer.h"
#include "queue.h"
#include "session.h"
#include "train.h"

/*
 * What large packets we can cut; a bit that is not here is for the stack. Their
 * destructors need no more of them than socket and truesize, and so can be
 * another packet's: a packet socket's, which look at its other fields, come
 * with SKB_GSO_DODGY.
 */
#define KNOWN_TYPES (SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_TCP_ECN | \
		     SKB_GSO_UDP_L4)

/**
 * struct cut - how a large packet is cut
 * @skb: the packet; only read
 * @session: seals its segments
 * @chunks: where sealed messages are put
 * @nonce: of the first segment
 * @transport: offset of the TCP or UDP header
 * @header: length of all headers
 * @payload: bytes behind them
 * @mss: payload of each segment but the last
 * @count: segments
 * @stride: length of each message but the last
 * @network_sum: of the IPv4 header, but for what differs between segments
 * @transport_sum: of pseudo and transport header, likewise
 * @piece: where payload has been found
 */
struct cut {
	struct sk_buff *skb;
	const struct weft_session *session;
	struct weft_chunks __percpu *chunks;
	u64 nonce;
	unsigned int transport;
	unsigned int header;
	unsigned int payload;
	unsigned int mss;
	unsigned int count;
	unsigned int stride;
	__wsum network_sum;
	__wsum transport_sum;
	struct weft_piece piece;
};

static bool is_udp(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4;
}

/* Offset of the transport header; 0 if something else is in between. */
static unsigned int transport_offset(const struct sk_buff *skb)
{
	u8 want = is_udp(skb) ? IPPROTO_UDP : IPPROTO_TCP;

	if (skb->protocol == htons(ETH_P_IP))
		return ip_hdr(skb)->protocol == want ? ip_hdrlen(skb) : 0;
	return ipv6_hdr(skb)->nexthdr == want ? sizeof(struct ipv6hdr) : 0;
}

static unsigned int transport_len(const struct sk_buff *skb,
				  unsigned int transport)
{
	const struct tcphdr *th = (void *)(skb->data + transport);

	return is_udp(skb) ? sizeof(struct udphdr) : th->doff * 4;
}

/**
 * weft_segment_knows() - can weft_segment_seal() cut this packet?
 * @skb: GSO packet at its network header, which has been looked at
 *
 * On true its headers are linear and its gso_segs is right. What is not usual
 * is left to the stack: nested tunnels, options that segments would not all
 * have, packets of guests whose word for their length we would have to take.
 */
bool weft_segment_knows(struct sk_buff *skb)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int transport, header, least;

	if (info->gso_type & ~KNOWN_TYPES || skb->encapsulation ||
	    skb->ip_summed != CHECKSUM_PARTIAL || !info->gso_size)
		return false;
	transport = transport_offset(skb);
	if (!transport || skb_checksum_start_offset(skb) != transport)
		return false;
	least = is_udp(skb) ? sizeof(struct udphdr) : sizeof(struct tcphdr);
	if (!pskb_may_pull(skb, transport + least))
		return false;
	header = transport + transport_len(skb, transport);
	if (header < transport + least || !pskb_may_pull(skb, header))
		return false;
	/* A single segment needs no cutting, and would not be valid GSO. */
	return info->gso_segs > 1 && info->gso_segs <= WEFT_MAX_SEGMENTS &&
	       DIV_ROUND_UP(skb->len - header, info->gso_size) ==
		       info->gso_segs;
}

static __wsum network_sum(const struct sk_buff *skb)
{
	const struct iphdr *ip = ip_hdr(skb);
	__wsum sum;

	if (skb->protocol != htons(ETH_P_IP))
		return 0;
	sum = csum_partial(ip, ip->ihl * 4, 0);
	sum = csum_sub(sum, csum_unfold((__force __sum16)ip->tot_len));
	sum = csum_sub(sum, csum_unfold((__force __sum16)ip->id));
	return csum_sub(sum, csum_unfold(ip->check));
}

/* The pseudo header's, without a length, is added to @sum. */
static __wsum pseudo_sum(const struct sk_buff *skb, __wsum sum)
{
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);
	const struct iphdr *ip = ip_hdr(skb);
	u8 protocol = is_udp(skb) ? IPPROTO_UDP : IPPROTO_TCP;
	__sum16 folded;

	if (skb->protocol == htons(ETH_P_IP))
		folded = csum_tcpudp_magic(ip->saddr, ip->daddr, 0, protocol,
					   sum);
	else
		folded = csum_ipv6_magic(&ip6->saddr, &ip6->daddr, 0, protocol,
					 sum);
	return csum_unfold((__force __sum16)~(__force u16)folded);
}

static __wsum udp_sum(const struct udphdr *uh)
{
	return csum_add((__force __wsum)uh->source, (__force __wsum)uh->dest);
}

static __wsum tcp_sum(const struct tcphdr *th)
{
	__wsum sum = csum_partial(th, th->doff * 4, 0);

	sum = csum_sub(sum, (__force __wsum)th->seq);
	sum = csum_sub(sum, (__force __wsum)tcp_flag_word(th));
	return csum_sub(sum, csum_unfold(th->check));
}

static void cut_init(struct cut *cut, struct sk_buff *skb,
		     const struct weft_session *session, u64 nonce)
{
	const void *transport;
	unsigned int len;

	memset(cut, 0, sizeof(*cut));
	cut->skb = skb;
	cut->session = session;
	cut->chunks = weft_cb(skb)->peer->wdev->crypt.chunks;
	cut->nonce = nonce;
	cut->transport = transport_offset(skb);
	cut->header = cut->transport + transport_len(skb, cut->transport);
	cut->payload = skb->len - cut->header;
	cut->mss = skb_shinfo(skb)->gso_size;
	cut->count = skb_shinfo(skb)->gso_segs;
	len = cut->header + cut->mss;
	cut->stride = weft_message_data_len(len +
					    weft_padding(len, weft_cb(skb)->mtu));
	transport = skb->data + cut->transport;
	cut->network_sum = network_sum(skb);
	cut->transport_sum = pseudo_sum(skb, is_udp(skb) ? udp_sum(transport) :
							   tcp_sum(transport));
}

static __wsum add_word(__wsum sum, __be16 word)
{
	return csum_add(sum, csum_unfold((__force __sum16)word));
}

static void finish_network(const struct cut *cut, u8 *segment,
			   unsigned int len, unsigned int i)
{
	struct ipv6hdr *ip6 = (void *)segment;
	struct iphdr *ip = (void *)segment;
	__wsum sum = cut->network_sum;

	if (cut->skb->protocol == htons(ETH_P_IP)) {
		ip->tot_len = htons(len);
		ip->id = htons(ntohs(ip->id) + i);
		ip->check = csum_fold(add_word(add_word(sum, ip->tot_len),
					       ip->id));
	} else {
		ip6->payload_len = htons(len - sizeof(*ip6));
	}
}

/* @sum of the payload; @len from the transport header on. */
static __sum16 transport_check(const struct cut *cut, unsigned int len,
			       __wsum sum)
{
	return csum_fold(csum_add(add_word(sum, htons(len)),
				  cut->transport_sum));
}

static void finish_tcp(const struct cut *cut, u8 *segment, unsigned int len,
		       unsigned int i, __wsum sum)
{
	struct tcphdr *th = (void *)(segment + cut->transport);

	th->seq = htonl(ntohl(th->seq) + i * cut->mss);
	if (i)
		th->cwr = 0;
	if (i < cut->count - 1) {
		th->fin = 0;
		th->psh = 0;
	}
	sum = csum_add(sum, (__force __wsum)th->seq);
	sum = csum_add(sum, (__force __wsum)tcp_flag_word(th));
	th->check = transport_check(cut, len, sum);
}

static void finish_udp(const struct cut *cut, u8 *segment, unsigned int len,
		       __wsum sum)
{
	struct udphdr *uh = (void *)(segment + cut->transport);

	uh->len = htons(len);
	sum = add_word(sum, uh->len);
	uh->check = transport_check(cut, len, sum) ?: CSUM_MANGLED_0;
}

static __wsum copy_payload(struct cut *cut, u8 *to, unsigned int at,
			   unsigned int len)
{
	const void *from = weft_piece_at(&cut->piece, cut->skb, at, len);

	return likely(from) ? csum_partial_copy_nocheck(from, to, len) :
			      skb_copy_and_csum_bits(cut->skb, at, to, len);
}

/* Writes segment @i, with all that makes it a packet of its own. */
static unsigned int write_segment(struct cut *cut, u8 *to, unsigned int i)
{
	unsigned int from = i * cut->mss;
	unsigned int payload = min(cut->mss, cut->payload - from);
	unsigned int len = cut->header + payload;
	__wsum sum;

	memcpy(to, cut->skb->data, cut->header);
	sum = copy_payload(cut, to + cut->header, cut->header + from, payload);
	finish_network(cut, to, len, i);
	if (is_udp(cut->skb))
		finish_udp(cut, to, len - cut->transport, sum);
	else
		finish_tcp(cut, to, len - cut->transport, i, sum);
	return len;
}

/* Writes and seals message @i; its length, or 0 if the cipher failed. */
static unsigned int write_message(struct cut *cut, u8 *to, unsigned int i)
{
	struct weft_message_data *msg = (void *)to;
	unsigned int len, pad;

	len = write_segment(cut, msg->encrypted_data, i);
	pad = weft_padding(len, weft_cb(cut->skb)->mtu);
	memset(msg->encrypted_data + len, 0, pad);
	weft_message_frame(msg, cut->session, cut->nonce + i);
	if (!cut->session->suite->seal(&cut->session->send_key,
				       msg->encrypted_data, len + pad,
				       cut->nonce + i))
		return 0;
	return weft_message_data_len(len + pad);
}

/*
 * Seals messages from @i on into one more fragment of the train; how many, or
 * -errno.
 */
static int fill_chunk(struct cut *cut, struct sk_buff *train, unsigned int i,
		      unsigned int most)
{
	unsigned int len, done = 0, bytes = 0;
	struct page *page;
	u8 *to;

	page = weft_chunk_get(cut->chunks, WEFT_TX,
			      WEFT_SEAL_HEAD + cut->stride,
			      WEFT_SEAL_HEAD + most * cut->stride);
	if (unlikely(!page))
		return -ENOMEM;
	most = min_t(unsigned int, most,
		     (page_size(page) - WEFT_SEAL_HEAD) / cut->stride);
	to = (u8 *)page_address(page) + WEFT_SEAL_HEAD;
	for (; done < most; done++, bytes += len) {
		len = write_message(cut, to + bytes, i + done);
		if (unlikely(!len)) {
			put_page(page);
			return -EBADMSG;
		}
	}
	skb_add_rx_frag(train, skb_shinfo(train)->nr_frags, page,
			WEFT_SEAL_HEAD, bytes, page_size(page));
	return done;
}

/* One train of messages from @i on; how many, or -errno. */
static int seal_train(struct cut *cut, unsigned int i,
		      struct sk_buff **result)
{
	unsigned int most = min_t(unsigned int, cut->count - i,
				  WEFT_TRAIN_MAX_MESSAGES);
	unsigned int done = 0;
	struct sk_buff *train;
	int more;

	most = min(most, max(WEFT_TRAIN_MAX_BYTES / cut->stride, 1U));
	train = weft_train_alloc(cut->skb);
	if (unlikely(!train))
		return -ENOMEM;
	while (done < most && skb_shinfo(train)->nr_frags < MAX_SKB_FRAGS) {
		more = fill_chunk(cut, train, i + done, most - done);
		if (unlikely(more < 0)) {
			kfree_skb(train);
			return more;
		}
		done += more;
	}
	weft_train_finish(train, cut->stride, done);
	*result = train;
	return done;
}

/*
 * The sender's socket waits for the data to leave the machine, not for us; or
 * to be cut, where that is left to software: right before the driver, but a
 * TCP socket's packet is let go of there, and TCP no longer sees its segments.
 */
static void hand_over_charge(struct sk_buff *from, struct sk_buff *to)
{
	if (!from->destructor)
		return;
	swap(from->sk, to->sk);
	swap(from->destructor, to->destructor);
	/* What has been charged is what will be uncharged. */
	swap(from->truesize, to->truesize);
}

/*
 * What becomes of a packet stays in order where packets are queued by their
 * socket, if it has the same one. The charge goes to the last to leave, and so
 * does what the socket wants to know of its leaving; the others hold a
 * reference.
 */
static void hand_over_owner(struct sk_buff *from, struct sk_buff *list)
{
	bool shared = from->destructor && from->sk && sk_fullsock(from->sk);
	bool ooo_okay = from->ooo_okay;
	struct sk_buff *skb;

	for (skb = list; skb->next; skb = skb->next) {
		/* A socket that has no references any more sends no more, too. */
		if (shared)
			shared = skb_set_owner_sk_safe(skb, from->sk);
		skb->ooo_okay = ooo_okay;
		/* The others follow it. */
		ooo_okay = false;
	}
	skb->ooo_okay = ooo_okay;
	skb_shinfo(skb)->tx_flags |= skb_shinfo(from)->tx_flags &
				     SKBTX_ANY_TSTAMP;
	skb_shinfo(skb)->tskey = skb_shinfo(from)->tskey;
	hand_over_charge(from, skb);
}

/**
 * weft_segment_seal() - cut a large packet and seal its segments
 * @skb: a batch, a packet that weft_segment_knows(); not consumed, but its owner is
 *	now the trains'
 * @session: to seal with
 * @nonce: of the first segment; the others have those that follow
 *
 * Context: bottom halves disabled.
 * Return: a list of UDP GSO packets without headers, one or two with usual
 * sizes; the last one may be a single message. -ENOMEM, or -EBADMSG if the cipher failed.
 */
struct sk_buff *weft_segment_seal(struct sk_buff *skb,
				  const struct weft_session *session,
				  u64 nonce)
{
	struct sk_buff *first = NULL, **link = &first, *train;
	unsigned int i = 0;
	struct cut cut;
	int done;

	/* For whoever queues the trains. */
	skb_get_hash(skb);
	cut_init(&cut, skb, session, nonce);
	while (i < cut.count) {
		done = seal_train(&cut, i, &train);
		if (unlikely(done < 0)) {
			kfree_skb_list(first);
			return ERR_PTR(done);
		}
		i += done;
		*link = train;
		link = &train->next;
	}
	hand_over_owner(skb, first);
	return first;
}

static struct sk_buff *unpack_one(const struct sk_buff *train,
				  unsigned int from, unsigned int len)
{
	struct sk_buff *skb;

	skb = alloc_skb(WEFT_HEADROOM + len, GFP_ATOMIC);
	if (unlikely(!skb))
		return NULL;
	skb_reserve(skb, WEFT_HEADROOM);
	skb_copy_header(skb, train);
	skb_gso_reset(skb);
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	skb_set_inner_network_header(skb, 0);
	if (skb_copy_bits(train, from, skb_put(skb, len), len)) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

/**
 * weft_segment_unpack() - make single messages of a train
 * @train: from weft_segment_seal() or weft_train_seal(); consumed unless memory is short
 *
 * Return: a list, or NULL.
 */
struct sk_buff *weft_segment_unpack(struct sk_buff *train)
{
	struct sk_buff *first = NULL, **link = &first, *skb;
	unsigned int stride = skb_shinfo(train)->gso_size;
	unsigned int from;

	for (from = 0; from < train->len; from += stride) {
		skb = unpack_one(train, from, min(stride, train->len - from));
		if (unlikely(!skb)) {
			kfree_skb_list(first);
			return NULL;
		}
		*link = skb;
		link = &skb->next;
	}
	hand_over_owner(train, first);
	consume_skb(train);
	return first;
}
