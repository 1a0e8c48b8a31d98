// SPDX-License-Identifier: GPL-2.0
/*
 * Lanes: what has come in is opened and delivered by NAPI instances, each of
 * which has a share of the peers.
 */

#include "lane.h"

#include <linux/mm.h>

#include "compat/compat.h"
#include "device.h"
#include "packet.h"
#include "peer.h"
#include "queue.h"

/* Messages of one peer that a lane works on before it looks at the next. */
#define QUANTUM 64

/*
 * A stock peer sends the segments of a stream one by one. Where interfaces hand
 * them up one by one too, each would be opened, delivered and acknowledged for
 * itself. So a message of a run waits for those behind it, as interrupt
 * moderation has it: this long at most, for so many.
 */
#define HOLD_NS (100 * NSEC_PER_USEC)
#define HOLD_MESSAGES 32

/*
 * What comes later than this after the last round does not follow closely: an
 * answer to what that delivered, perhaps, which nobody may keep waiting.
 */
#define RUN_NS (25 * NSEC_PER_USEC)

/* What is smaller is no segment of a stream that is in full flow. */
#define HOLD_LEAST_LEN 1000

static struct weft_lane *lane_of(const struct weft_peer *peer)
{
	return &peer->wdev->lanes[peer->id % peer->wdev->lane_count];
}

static void lane_add(struct weft_lane *lane, struct weft_peer *peer)
{
	spin_lock_bh(&lane->lock);
	if (!peer->on_lane && weft_order_ready(&peer->rx) &&
	    weft_peer_get_maybe_zero(peer)) {
		peer->on_lane = true;
		list_add_tail(&peer->lane_list, &lane->ready);
	}
	spin_unlock_bh(&lane->lock);
}

/**
 * weft_lane_schedule() - have delivered what has been opened
 * @peer: whose queue may have a batch to deliver at its head
 *
 * Context: bottom halves disabled; the peer is alive by RCU or a reference.
 */
void weft_lane_schedule(struct weft_peer *peer)
{
	struct weft_lane *lane = lane_of(peer);

	lane_add(lane, peer);
	napi_schedule(&lane->napi);
}

static enum hrtimer_restart hold_over(struct hrtimer *timer)
{
	struct weft_lane *lane = container_of(timer, struct weft_lane, hold);

	napi_schedule(&lane->napi);
	return HRTIMER_NORESTART;
}

/* Has a run been coming in one by one? Then its next message is near. */
static bool in_a_run(const struct weft_lane *lane)
{
	return READ_ONCE(lane->polled) < HOLD_MESSAGES &&
	       ktime_get_mono_fast_ns() - READ_ONCE(lane->polled_at) < RUN_NS;
}

/**
 * weft_lane_begun() - have a new batch opened, soon
 * @peer: in whose queue it is
 * @len: its length
 * @count: messages in it
 *
 * Context: softirq, RCU read section.
 */
void weft_lane_begun(struct weft_peer *peer, unsigned int len,
		     unsigned int count)
{
	struct weft_lane *lane = lane_of(peer);

	lane_add(lane, peer);
	if (len < HOLD_LEAST_LEN || count > 1 || READ_ONCE(lane->held) ||
	    !in_a_run(lane)) {
		napi_schedule(&lane->napi);
		return;
	}
	WRITE_ONCE(lane->held_len, len);
	WRITE_ONCE(lane->held, 1);
	hrtimer_start(&lane->hold, HOLD_NS, HRTIMER_MODE_REL_PINNED);
}

/**
 * weft_lane_joined() - a message is part of a batch that will be opened
 * @peer: in whose queue it is
 * @len: its length
 *
 * A shorter one is the last of its run.
 *
 * Context: softirq, RCU read section.
 */
void weft_lane_joined(struct weft_peer *peer, unsigned int len)
{
	struct weft_lane *lane = lane_of(peer);
	unsigned int held = READ_ONCE(lane->held) + 1;

	if (held == 1)
		return;
	if (len == READ_ONCE(lane->held_len) && held < HOLD_MESSAGES) {
		WRITE_ONCE(lane->held, held);
		return;
	}
	hrtimer_try_to_cancel(&lane->hold);
	napi_schedule(&lane->napi);
}

/* Whose turn it is: the first of the lane, which goes to its end. */
static struct weft_peer *next_peer(struct weft_lane *lane)
{
	struct weft_peer *peer;

	spin_lock_bh(&lane->lock);
	peer = list_first_entry_or_null(&lane->ready, struct weft_peer,
					lane_list);
	if (peer)
		list_move_tail(&peer->lane_list, &lane->ready);
	spin_unlock_bh(&lane->lock);
	return peer;
}

/* Takes a peer off its lane, unless it has something ready again. */
static void leave(struct weft_lane *lane, struct weft_peer *peer)
{
	bool left;

	spin_lock_bh(&lane->lock);
	left = !weft_order_ready(&peer->rx);
	if (left) {
		list_del(&peer->lane_list);
		peer->on_lane = false;
	}
	spin_unlock_bh(&lane->lock);
	if (left)
		weft_peer_put(peer);
}

/* @budget bounds messages opened and packets delivered. */
static int poll(struct napi_struct *napi, int budget)
{
	struct weft_lane *lane = container_of(napi, struct weft_lane, napi);
	struct weft_peer *peer;
	int done = 0;

	WRITE_ONCE(lane->held, 0);
	while (done < budget && (peer = next_peer(lane))) {
		done += weft_deliver(peer, napi, min(budget - done, QUANTUM));
		leave(lane, peer);
	}
	WRITE_ONCE(lane->polled, done);
	WRITE_ONCE(lane->polled_at, ktime_get_mono_fast_ns());
	if (done < budget)
		napi_complete_done(napi, done);
	return min(done, budget);
}

/**
 * weft_lanes_init() - give a device its lanes
 * @wdev: new device
 *
 * Return: 0 or -ENOMEM.
 */
int weft_lanes_init(struct weft_device *wdev)
{
	unsigned int i;

	wdev->lanes = kvcalloc(nr_cpu_ids, sizeof(*wdev->lanes), GFP_KERNEL);
	if (!wdev->lanes)
		return -ENOMEM;
	wdev->lane_count = nr_cpu_ids;
	for (i = 0; i < wdev->lane_count; i++) {
		struct weft_lane *lane = &wdev->lanes[i];

		lane->wdev = wdev;
		spin_lock_init(&lane->lock);
		INIT_LIST_HEAD(&lane->ready);
		weft_compat_hrtimer_setup(&lane->hold, hold_over,
					  CLOCK_MONOTONIC,
					  HRTIMER_MODE_REL_PINNED);
		/* Not a queue of a socket's, so nothing to poll for it. */
		set_bit(NAPI_STATE_NO_BUSY_POLL, &lane->napi.state);
		netif_napi_add(wdev->dev, &lane->napi, poll);
		napi_enable(&lane->napi);
	}
	return 0;
}

/**
 * weft_lanes_stop() - deliver nothing any more
 * @wdev: device without sockets, so that nothing comes in
 *
 * Peers may still be put on a lane, but nothing takes them off.
 */
void weft_lanes_stop(struct weft_device *wdev)
{
	unsigned int i;

	for (i = 0; i < wdev->lane_count; i++) {
		hrtimer_cancel(&wdev->lanes[i].hold);
		napi_disable(&wdev->lanes[i].napi);
		__netif_napi_del(&wdev->lanes[i].napi);
	}
	/* One grace period for all. */
	synchronize_net();
}

/*
 * Lets go of the peers that wait. What such a peer still has in its queue goes
 * with the peer: none of it is pending.
 */
static void purge(struct weft_lane *lane)
{
	struct weft_peer *peer, *next;

	list_for_each_entry_safe(peer, next, &lane->ready, lane_list) {
		list_del(&peer->lane_list);
		weft_peer_put(peer);
	}
}

/**
 * weft_lanes_free() - undo weft_lanes_init()
 * @wdev: device whose lanes have stopped, and whose workers have no batch
 */
void weft_lanes_free(struct weft_device *wdev)
{
	unsigned int i;

	for (i = 0; i < wdev->lane_count; i++)
		purge(&wdev->lanes[i]);
	kvfree(wdev->lanes);
}
