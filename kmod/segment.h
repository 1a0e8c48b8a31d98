/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_SEGMENT_H
#define _WEFT_SEGMENT_H

#include <linux/skbuff.h>

struct weft_session;

/*
 * Messages that go out as one UDP GSO packet: as many as a receiver's GRO makes
 * of them, and no more bytes than a length field of 16 bits can tell, with all
 * headers.
 */
#define WEFT_TRAIN_MAX_MESSAGES 64
#define WEFT_TRAIN_MAX_BYTES 65000

/*
 * What the stack may give us as one packet, so that it fits into one train once
 * it is sealed: padding and the message's own bytes are a twentieth with usual
 * sizes.
 */
#define WEFT_GSO_MAX_SIZE (60 * 1024)

bool weft_segment_knows(struct sk_buff *skb);
struct sk_buff *weft_segment_seal(struct sk_buff *skb,
				  const struct weft_session *session,
				  u64 nonce);
struct sk_buff *weft_segment_unpack(struct sk_buff *train);

#endif /* _WEFT_SEGMENT_H */
