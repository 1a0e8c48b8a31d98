/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_TRAIN_H
#define _WEFT_TRAIN_H

#include <linux/skbuff.h>

struct weft_device;
struct weft_session;

/*
 * Messages that go out as one UDP GSO packet: as many as a receiver's GRO makes
 * of them, and no more bytes than a length field of 16 bits can tell, with all
 * headers.
 */
#define WEFT_TRAIN_MAX_MESSAGES 64
#define WEFT_TRAIN_MAX_BYTES 65000

struct sk_buff *weft_train_alloc(const struct sk_buff *like);
void weft_train_finish(struct sk_buff *train, unsigned int stride,
		       unsigned int count);

u32 weft_train_flow(const struct sk_buff *skb);
unsigned int weft_train_count(const struct sk_buff *list);
struct sk_buff *weft_train_seal(struct sk_buff *list, unsigned int *count,
				struct weft_device *wdev,
				const struct weft_session *session, u64 nonce);

#endif /* _WEFT_TRAIN_H */
