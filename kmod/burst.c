// SPDX-License-Identifier: GPL-2.0
/*
 * Small datagrams that follow one another closely: each waits for those behind
 * it, and they go through the stack as one packet.
 */

#include "burst.h"

#include <linux/moduleparam.h>
#include <linux/timekeeping.h>

#include "compat/compat.h"
#include "packet.h"
#include "peer.h"
#include "train.h"

/*
 * A datagram that so many of its flow went before, each within this time of the
 * one before it, and nothing came back: the next one is near. It waits for it, and
 * for those behind it, this long at most and for so many. Whoever waits for
 * an answer before it sends again is never held, however near the peer is.
 */
#define HOLD_US 100
#define HOLD_AFTER 2U
#define HOLD_PACKETS 32

/* What is longer costs more for itself than for the stack. */
#define HOLD_MAX_LEN 512

/* A longer time lets tests on slow machines see packets wait. */
static unsigned int hold_us __read_mostly = HOLD_US;
module_param_named(debug_hold_us, hold_us, uint, 0600);
MODULE_PARM_DESC(debug_hold_us,
		 "For tests: how long a small datagram waits for others");

static u64 hold_ns(void)
{
	return (u64)READ_ONCE(hold_us) * NSEC_PER_USEC;
}

static enum hrtimer_restart hold_over(struct hrtimer *timer)
{
	struct weft_peer *peer = container_of(timer, struct weft_peer,
					      burst.timer);

	rcu_read_lock_bh();
	weft_tx_release(peer);
	rcu_read_unlock_bh();
	return HRTIMER_NORESTART;
}

/**
 * weft_burst_init() - for a new peer
 * @peer: the peer
 */
void weft_burst_init(struct weft_peer *peer)
{
	/* Soft: what is to be done is more than an interrupt should do. */
	weft_compat_hrtimer_setup(&peer->burst.timer, hold_over,
				  CLOCK_MONOTONIC,
				  HRTIMER_MODE_REL_PINNED_SOFT);
}

/**
 * weft_burst_stop() - let go of what is held
 * @peer: whose device is down, or which is dead since a grace period, so that
 *	nobody holds anything new; or which has lost its sessions: whoever saw one
 *	just before may hold something yet, until the timer lets it go
 *
 * Context: process.
 */
void weft_burst_stop(struct weft_peer *peer)
{
	hrtimer_cancel(&peer->burst.timer);
	rcu_read_lock_bh();
	weft_tx_release(peer);
	rcu_read_unlock_bh();
}

/**
 * weft_burst_takes() - is a packet to wait for those behind it?
 * @peer: to whom
 * @skb: inner packet
 *
 * Context: bottom halves disabled.
 */
bool weft_burst_takes(struct weft_peer *peer, const struct sk_buff *skb)
{
	struct weft_burst *burst = &peer->burst;
	unsigned int run;
	u64 now, received;
	u32 flow;

	if (skb->len > HOLD_MAX_LEN)
		return false;
	flow = weft_train_flow(skb);
	if (!flow)
		return false;
	now = ktime_get_mono_fast_ns();
	received = atomic64_read(&peer->rx_bytes);
	run = READ_ONCE(burst->run) + 1;
	if (now - READ_ONCE(burst->last) > hold_ns() ||
	    READ_ONCE(burst->flow) != flow ||
	    READ_ONCE(burst->received) != received)
		run = 0;
	WRITE_ONCE(burst->last, now);
	WRITE_ONCE(burst->flow, flow);
	WRITE_ONCE(burst->received, received);
	WRITE_ONCE(burst->run, min(run, HOLD_AFTER));
	return run >= HOLD_AFTER;
}

/**
 * weft_burst_begun() - a packet is the first of a batch that is held
 * @peer: to whom
 *
 * Context: bottom halves disabled, RCU.
 */
void weft_burst_begun(struct weft_peer *peer)
{
	WRITE_ONCE(peer->burst.held, 1);
	hrtimer_start(&peer->burst.timer, ns_to_ktime(hold_ns()),
		      HRTIMER_MODE_REL_PINNED_SOFT);
}

/**
 * weft_burst_joined() - a packet has joined a batch that is held
 * @peer: to whom
 *
 * Return: true if the batch need not wait any longer.
 */
bool weft_burst_joined(struct weft_peer *peer)
{
	unsigned int held = READ_ONCE(peer->burst.held) + 1;

	WRITE_ONCE(peer->burst.held, held);
	return held >= HOLD_PACKETS;
}
