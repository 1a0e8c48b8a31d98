/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_CRYPT_H
#define _WEFT_CRYPT_H

#include <linux/ptr_ring.h>
#include <linux/workqueue.h>

struct sk_buff;
struct weft_chunks;
struct weft_device;

/**
 * struct weft_crypt_worker - one of the workers that share the ring
 * @work: on weft_device.crypt_wq
 * @wdev: back
 */
struct weft_crypt_worker {
	struct work_struct work;
	struct weft_device *wdev;
};

/**
 * struct weft_crypt_budget - what a CPU has ciphered in place of late
 * @tick: jiffies that @bytes counts for
 * @bytes: bytes ciphered in that tick
 */
struct weft_crypt_budget {
	unsigned long tick;
	unsigned int bytes;
};

/**
 * struct weft_crypt - shares the cipher's work among CPUs
 * @ring: batches waiting, in both directions; bounded
 * @workers: one for each possible CPU
 * @budget: per CPU; used with bottom halves disabled
 * @chunks: pages to seal and open to, per CPU
 * @next: worker to wake next; a hint, races do not matter
 *
 * A batch is ciphered where it arrives, which costs neither a wake-up nor a
 * cache miss, as long as that CPU's budget lasts; a flow that needs more than
 * a part of one CPU spreads over all. Order is the business of
 * struct weft_order_queue.
 */
struct weft_crypt {
	struct ptr_ring ring;
	struct weft_crypt_worker *workers;
	struct weft_crypt_budget __percpu *budget;
	struct weft_chunks __percpu *chunks;
	unsigned int next;
};

int weft_crypt_init(struct weft_device *wdev);
void weft_crypt_exit(struct weft_device *wdev);
void weft_crypt_submit(struct weft_device *wdev, struct sk_buff *batch,
		       unsigned int bytes);
bool weft_crypt_open(struct weft_device *wdev, struct sk_buff *batch,
		     unsigned int bytes);

#endif /* _WEFT_CRYPT_H */
