/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_SEGMENT_H
#define _WEFT_SEGMENT_H

#include <linux/skbuff.h>

#include "messages.h"

struct weft_session;

/*
 * Segments of a large packet: more of them are so small that it does not matter
 * what they cost, and have to find room in the peer's queue together.
 */
#define WEFT_MAX_SEGMENTS (WEFT_MAX_QUEUED_PACKETS / 2)

bool weft_segment_knows(struct sk_buff *skb);
struct sk_buff *weft_segment_seal(struct sk_buff *skb,
				  const struct weft_session *session,
				  u64 nonce);
struct sk_buff *weft_segment_unpack(struct sk_buff *train);

#endif /* _WEFT_SEGMENT_H */
