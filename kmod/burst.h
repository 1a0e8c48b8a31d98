/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_BURST_H
#define _WEFT_BURST_H

#include <linux/hrtimer.h>
#include <linux/skbuff.h>
#include <linux/types.h>

struct weft_peer;

/**
 * struct weft_burst - small datagrams to a peer that follow one another closely
 * @timer: ends the wait of those that have been held
 * @last: when the last one came, ktime_get_mono_fast_ns()
 * @received: weft_peer.rx_bytes then
 * @flow: its weft_train_flow()
 * @run: how many came before it, each close behind another one of its flow
 * @held: packets that wait, about
 *
 * Nothing here is locked: what CPUs do not see of each other makes a wait shorter
 * or keeps a packet from waiting, and the timer ends each.
 */
struct weft_burst {
	struct hrtimer timer;
	u64 last;
	u64 received;
	u32 flow;
	u16 run;
	u16 held;
};

void weft_burst_init(struct weft_peer *peer);
void weft_burst_stop(struct weft_peer *peer);
bool weft_burst_takes(struct weft_peer *peer, const struct sk_buff *skb);
void weft_burst_begun(struct weft_peer *peer);
bool weft_burst_joined(struct weft_peer *peer);

#endif /* _WEFT_BURST_H */
