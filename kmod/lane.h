/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_LANE_H
#define _WEFT_LANE_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>

struct weft_device;
struct weft_peer;

/**
 * struct weft_lane - opens messages of a share of the peers, and delivers them
 * @napi: its poll hands packets to GRO
 * @wdev: back
 * @ready: peers with batches that are to be opened, or delivered
 * @hold: ends a hold; while one lasts nobody polls
 * @held: messages that have come in since it began, 0 if there is none
 * @held_len: length of each
 * @polled: messages and packets of the last poll
 * @polled_at: when that was, ktime_get_mono_fast_ns()
 *
 * A peer always uses the same lane, so that GRO of two lanes cannot reorder
 * its packets. One lane for each possible CPU.
 *
 * What belongs to a hold is changed by all CPUs without a lock: what one does
 * not see of the other makes a hold shorter, or begins one that was not worth
 * it, and the timer ends each.
 */
struct weft_lane {
	struct napi_struct napi;
	struct weft_device *wdev;
	/** @lock: protects @ready; BH-safe */
	spinlock_t lock;
	struct list_head ready;
	struct hrtimer hold;
	unsigned int held;
	unsigned int held_len;
	unsigned int polled;
	u64 polled_at;
};

int weft_lanes_init(struct weft_device *wdev);
void weft_lanes_stop(struct weft_device *wdev);
void weft_lanes_free(struct weft_device *wdev);
void weft_lane_schedule(struct weft_peer *peer);
void weft_lane_begun(struct weft_peer *peer, unsigned int len,
		     unsigned int count);
void weft_lane_joined(struct weft_peer *peer, unsigned int len);

#endif /* _WEFT_LANE_H */
