// SPDX-License-Identifier: GPL-2.0
/*
 * Opened packets of a batch become skbs; consecutive segments of a TCP flow
 * become one, by the rules of GRO: what comes out at the other end, if it is
 * cut again, is what came in.
 */

#include "coalesce.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "chunk.h"
#include "device.h"
#include "messages.h"
#include "queue.h"
#include "suite.h"

/* What is not longer gets no fragment. */
#define COPY_MAX 256
/* Of what is longer, so much is linear: headers, mostly. */
#define PULL_LEN 128

/* Bits of a TCP header whose meaning is not known, or that of AccECN. */
#define RESERVED_FLAGS 0x0f000000

/* Bytes that a merged packet has at most. */
#define MERGED_MAX 65500

/**
 * struct segment - a TCP segment that could be part of a larger packet
 * @transport: offset of its TCP header
 * @header: length of its headers
 * @payload: length of its payload, not 0
 */
struct segment {
	unsigned int transport;
	unsigned int header;
	unsigned int payload;
};

/**
 * weft_sink_init() - begin
 * @sink: the sink
 * @wdev: whose packets they will be
 * @expected: bytes to come at most, tags included
 */
void weft_sink_init(struct weft_sink *sink, const struct weft_device *wdev,
		    unsigned int expected)
{
	memset(sink, 0, offsetof(struct weft_sink, saved));
	/* Where headers lie is not ours to choose. */
	sink->merge = IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) &&
		      !netif_elide_gro(wdev->dev);
	sink->chunks = wdev->crypt.chunks;
	sink->link = &sink->first;
	sink->expected = expected;
}

/* The sink is done with its page: what nobody has asked for is the last one's. */
static void page_release(struct weft_sink *sink)
{
	if (!sink->page)
		return;
	if (sink->pins && sink->charged < page_size(sink->page))
		sink->pins->truesize += page_size(sink->page) - sink->charged;
	put_page(sink->page);
	sink->page = NULL;
	sink->charged = 0;
	sink->pins = NULL;
	sink->at = NULL;
	sink->end = NULL;
}

static bool page_renew(struct weft_sink *sink, unsigned int len)
{
	struct page *page;

	page_release(sink);
	page = weft_chunk_get(sink->chunks, WEFT_RX, WEFT_SEAL_HEAD + len,
			      WEFT_SEAL_HEAD + sink->expected);
	if (unlikely(!page))
		return false;
	sink->page = page;
	sink->at = (u8 *)page_address(page) + WEFT_SEAL_HEAD;
	sink->end = (u8 *)page_address(page) + page_size(page);
	return true;
}

/* How far back from the end of the open packet its successor may begin. */
static unsigned int overlap(const struct weft_sink *sink)
{
	u8 *begin;

	if (!sink->open || !sink->page)
		return 0;
	begin = (u8 *)page_address(sink->page) + WEFT_SEAL_HEAD;
	return sink->at - begin >= sink->header ? sink->header : 0;
}

/**
 * weft_sink_room() - where to open the next message to
 * @sink: the sink
 * @len: length of its text and tag
 *
 * Either weft_sink_commit() or weft_sink_abort() follows.
 *
 * Return: room for @len bytes, behind WEFT_SEAL_HEAD others that may be
 * written but have to be put back; NULL if memory is short.
 */
u8 *weft_sink_room(struct weft_sink *sink, unsigned int len)
{
	sink->overlap = overlap(sink);
	if (!sink->page || sink->at - sink->overlap + len > sink->end) {
		sink->overlap = 0;
		if (unlikely(!page_renew(sink, len)))
			return NULL;
	}
	sink->expected -= min(sink->expected, len);
	sink->text = sink->at - sink->overlap;
	memcpy(sink->saved, sink->text, sink->overlap);
	return sink->text;
}

/**
 * weft_sink_abort() - the message was not good
 * @sink: the sink
 */
void weft_sink_abort(struct weft_sink *sink)
{
	memcpy(sink->text, sink->saved, sink->overlap);
}

static bool parse_ipv4(const u8 *text, unsigned int len,
		       struct segment *segment)
{
	const struct iphdr *ip = (const void *)text;
	unsigned int total = ntohs(ip->tot_len);

	if (text[0] != 0x45 || ip->protocol != IPPROTO_TCP ||
	    ip->frag_off & ~htons(IP_DF) || total > len ||
	    total < sizeof(*ip) || ip_fast_csum(text, 5))
		return false;
	segment->transport = sizeof(*ip);
	segment->payload = total - sizeof(*ip);
	return true;
}

static bool parse_ipv6(const u8 *text, unsigned int len,
		       struct segment *segment)
{
	const struct ipv6hdr *ip6 = (const void *)text;
	unsigned int payload = ntohs(ip6->payload_len);

	if (text[0] >> 4 != 6 || ip6->nexthdr != IPPROTO_TCP ||
	    payload > len - sizeof(*ip6))
		return false;
	segment->transport = sizeof(*ip6);
	segment->payload = payload;
	return true;
}

/* Is this a segment of which GRO would make more? */
static bool parse(const u8 *text, unsigned int len, struct segment *segment)
{
	const __be32 flags = TCP_FLAG_CWR | TCP_FLAG_URG | TCP_FLAG_ACK |
			     TCP_FLAG_RST | TCP_FLAG_SYN | TCP_FLAG_FIN |
			     htonl(RESERVED_FLAGS);
	const struct tcphdr *th;
	unsigned int header;

	if (len < sizeof(struct ipv6hdr) + sizeof(*th) ||
	    (!parse_ipv4(text, len, segment) && !parse_ipv6(text, len, segment)))
		return false;
	if (segment->payload <= sizeof(*th))
		return false;
	th = (const void *)(text + segment->transport);
	header = th->doff * 4;
	if (header < sizeof(*th) || header >= segment->payload ||
	    (tcp_flag_word(th) & flags) != TCP_FLAG_ACK)
		return false;
	segment->header = segment->transport + header;
	segment->payload -= header;
	return true;
}

static bool same_network(const struct sk_buff *open, const u8 *text)
{
	const struct ipv6hdr *ip6 = (const void *)text, *open6;
	const struct iphdr *ip = (const void *)text, *open4;

	open4 = (const void *)open->data;
	if (open4->version == 4)
		return ip->version == 4 && ip->tos == open4->tos &&
		       ip->ttl == open4->ttl &&
		       ip->frag_off == open4->frag_off &&
		       ip->saddr == open4->saddr && ip->daddr == open4->daddr &&
		       ntohs(ip->id) == (u16)(ntohs(open4->id) +
					      skb_shinfo(open)->gso_segs);
	open6 = (const void *)open->data;
	return *(__be32 *)ip6 == *(__be32 *)open6 &&
	       ip6->hop_limit == open6->hop_limit &&
	       !memcmp(&ip6->saddr, &open6->saddr, 2 * sizeof(ip6->saddr));
}

/* memcmp() is a call, for the three words that nearly all segments have. */
static bool same_options(const struct tcphdr *a, const struct tcphdr *b,
			 unsigned int len)
{
	const __be32 *x = (const void *)(a + 1), *y = (const void *)(b + 1);
	unsigned int i;

	for (i = 0; i < len / sizeof(*x); i++)
		if (x[i] != y[i])
			return false;
	return true;
}

static bool continues(const struct weft_sink *sink, const u8 *text,
		      const struct segment *segment)
{
	const struct tcphdr *th, *open;

	if (!sink->open || sink->push || sink->header != segment->header ||
	    sink->transport != segment->transport ||
	    segment->payload > sink->mss ||
	    sink->open->len + segment->payload > MERGED_MAX ||
	    !same_network(sink->open, text))
		return false;
	th = (const void *)(text + segment->transport);
	open = (const void *)(sink->open->data + segment->transport);
	return *(__be32 *)th == *(__be32 *)open &&
	       ntohl(th->seq) == sink->next_seq &&
	       th->ack_seq == open->ack_seq &&
	       !((tcp_flag_word(th) ^ tcp_flag_word(open)) & ~TCP_FLAG_PSH) &&
	       same_options(th, open, segment->header - segment->transport -
				      sizeof(*th));
}

/* Makes the headers those of a large packet, as GRO leaves it. */
static void close_open(struct weft_sink *sink)
{
	struct sk_buff *skb = sink->open;
	struct ipv6hdr *ip6;
	struct tcphdr *th;
	struct iphdr *ip;

	sink->open = NULL;
	if (!skb || skb_shinfo(skb)->gso_segs == 1)
		return;
	ip = (void *)skb->data;
	ip6 = (void *)skb->data;
	th = (void *)(skb->data + sink->transport);
	if (ip->version == 4) {
		ip->tot_len = htons(skb->len);
		ip_send_check(ip);
		th->check = ~tcp_v4_check(skb->len - sink->transport,
					  ip->saddr, ip->daddr, 0);
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	} else {
		ip6->payload_len = htons(skb->len - sizeof(*ip6));
		th->check = ~csum_ipv6_magic(&ip6->saddr, &ip6->daddr,
					     skb->len - sink->transport,
					     IPPROTO_TCP, 0);
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
	}
	th->psh = sink->push;
	skb_shinfo(skb)->gso_size = sink->mss;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_headroom(skb) + sink->transport;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

static void add_fragment(struct weft_sink *sink, struct sk_buff *skb, u8 *from,
			 unsigned int len)
{
	unsigned int truesize = SKB_DATA_ALIGN(len);

	get_page(sink->page);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, sink->page,
			from - (u8 *)page_address(sink->page), len, truesize);
	sink->charged += truesize;
	sink->pins = skb;
}

/* The open packet goes on: its end, which the header covers, is put back. */
static bool extend(struct weft_sink *sink, unsigned int len,
		   const struct segment *segment)
{
	struct sk_buff *skb = sink->open;
	struct skb_shared_info *info = skb_shinfo(skb);
	u8 *from = sink->text + segment->header;
	unsigned int payload = segment->payload;
	const struct tcphdr *th;

	if (!sink->overlap && info->nr_frags == MAX_SKB_FRAGS)
		return false;
	th = (const void *)(sink->text + segment->transport);
	sink->push = th->psh;
	if (sink->overlap) {
		memcpy(sink->text, sink->saved, sink->overlap);
		skb_frag_size_add(&info->frags[info->nr_frags - 1], payload);
		skb->len += payload;
		skb->data_len += payload;
		skb->truesize += payload;
		sink->charged += payload;
	} else {
		add_fragment(sink, skb, from, payload);
	}
	sink->at = from + payload;
	info->gso_segs++;
	weft_cb(skb)->bytes += weft_message_data_len(len);
	sink->next_seq += payload;
	if (sink->push || payload < sink->mss)
		close_open(sink);
	return true;
}

/*
 * Where the text begins another packet, it has to make way for the end of the
 * one before.
 */
static bool make_way(struct weft_sink *sink, unsigned int len)
{
	unsigned int back = sink->overlap;
	struct page *page = sink->page;
	u8 *from = sink->text;

	if (!back)
		return true;
	sink->overlap = 0;
	if (sink->at + len <= sink->end) {
		memmove(sink->at, from, len);
	} else {
		get_page(page);
		if (unlikely(!page_renew(sink, len))) {
			memcpy(from, sink->saved, back);
			put_page(page);
			return false;
		}
		memcpy(sink->at, from, len);
		put_page(page);
	}
	memcpy(from, sink->saved, back);
	sink->text = sink->at;
	return true;
}

/* A packet of its own, of which @pull bytes are to be linear. */
static struct sk_buff *begin(struct weft_sink *sink, unsigned int len,
			     unsigned int pull)
{
	struct sk_buff *skb = alloc_skb(NET_SKB_PAD + pull, GFP_ATOMIC);

	if (unlikely(!skb))
		return NULL;
	skb_reserve(skb, NET_SKB_PAD);
	skb_put_data(skb, sink->text, pull);
	if (len > pull) {
		add_fragment(sink, skb, sink->text + pull, len - pull);
		sink->at = sink->text + len;
		if (!sink->merge)
			sink->at = PTR_ALIGN(sink->at, sizeof(long));
	}
	*sink->link = skb;
	sink->link = &skb->next;
	return skb;
}

static bool begin_segment(struct weft_sink *sink, unsigned int len,
			  const struct segment *segment)
{
	const struct tcphdr *th;
	struct sk_buff *skb;

	skb = begin(sink, segment->header + segment->payload, segment->header);
	if (unlikely(!skb))
		return false;
	weft_cb(skb)->bytes = weft_message_data_len(len);
	th = (const void *)(skb->data + segment->transport);
	skb_shinfo(skb)->gso_segs = 1;
	sink->transport = segment->transport;
	sink->header = segment->header;
	sink->mss = segment->payload;
	sink->next_seq = ntohl(th->seq) + segment->payload;
	sink->push = th->psh;
	sink->open = th->psh ? NULL : skb;
	return true;
}

/**
 * weft_sink_commit() - the message was good
 * @sink: the sink
 * @len: length of its text, not 0
 *
 * Return: false if memory is short, and the packet is lost.
 */
bool weft_sink_commit(struct weft_sink *sink, unsigned int len)
{
	struct segment segment;
	struct sk_buff *skb;
	bool merge;

	merge = sink->merge && parse(sink->text, len, &segment);
	if (merge && continues(sink, sink->text, &segment) &&
	    extend(sink, len, &segment))
		return true;
	if (unlikely(!make_way(sink, len)))
		return false;
	close_open(sink);
	if (merge)
		return begin_segment(sink, len, &segment);
	skb = begin(sink, len, len <= COPY_MAX ? len : PULL_LEN);
	if (unlikely(!skb))
		return false;
	weft_cb(skb)->bytes = weft_message_data_len(len);
	return true;
}

/**
 * weft_sink_finish() - end
 * @sink: the sink
 *
 * Return: the packets, with the length of their messages in weft_cb.bytes; or
 * NULL.
 */
struct sk_buff *weft_sink_finish(struct weft_sink *sink)
{
	close_open(sink);
	page_release(sink);
	return sink->first;
}
