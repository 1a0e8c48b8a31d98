/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_COALESCE_H
#define _WEFT_COALESCE_H

#include <linux/skbuff.h>

struct weft_chunks;
struct weft_device;

/* IPv4 or IPv6 without options, and TCP with all of them. */
#define WEFT_SINK_MAX_HEADER (40 + 60)

/**
 * struct weft_sink - where a batch is opened to, and what becomes of it
 * @merge: TCP segments may become one packet
 * @first: packets so far, linked by skb->next
 * @link: where the next one is linked
 * @expected: bytes that may still come, tags included
 * @chunks: where pages come from
 * @page: where texts are written to; or NULL
 * @at: first byte that is free there
 * @end: end of @page
 * @charged: bytes of @page that are in a packet's truesize
 * @pins: last packet with a fragment of @page; or NULL
 * @text: what is being opened
 * @overlap: bytes before @at that @text begins with; they are in @saved
 * @open: last packet of @first if segments may still be added to it
 * @transport: offset of its TCP header
 * @header: length of its headers
 * @mss: payload of its segments, which only the last may fall short of
 * @next_seq: sequence number that goes on with it
 * @push: the last segment said that data is to be pushed
 * @saved: what was where @text begins
 *
 * Payloads of consecutive segments must lie one behind the other, and headers
 * are in between. So the text that may go on with a packet is opened to where
 * its header covers the end of the payload before, which is put back then.
 */
struct weft_sink {
	bool merge;
	struct sk_buff *first;
	struct sk_buff **link;
	unsigned int expected;
	struct weft_chunks __percpu *chunks;
	struct page *page;
	u8 *at;
	u8 *end;
	unsigned int charged;
	struct sk_buff *pins;
	u8 *text;
	unsigned int overlap;
	struct sk_buff *open;
	unsigned int transport;
	unsigned int header;
	unsigned int mss;
	u32 next_seq;
	bool push;
	u8 saved[WEFT_SINK_MAX_HEADER];
};

void weft_sink_init(struct weft_sink *sink, const struct weft_device *wdev,
		    unsigned int expected);
u8 *weft_sink_room(struct weft_sink *sink, unsigned int len);
bool weft_sink_commit(struct weft_sink *sink, unsigned int len);
void weft_sink_abort(struct weft_sink *sink);
struct sk_buff *weft_sink_finish(struct weft_sink *sink);

#endif /* _WEFT_COALESCE_H */
