// SPDX-License-Identifier: GPL-2.0
/*
 * Where the cipher's work is done: in place, or shared among all CPUs.
 */

#include "crypt.h"

#include <asm/simd.h>
#include <crypto/internal/simd.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "chunk.h"
#include "compat/compat.h"
#include "device.h"
#include "packet.h"
#include "peer.h"
#include "queue.h"
#include "session.h"

/* Batches that wait for a worker, in both directions. */
#define RING_SIZE 1024

/*
 * What one CPU ciphers in place: about a quarter of its time at a GB/s. More
 * than that is worth waking others for, if there are others.
 */
#define INLINE_BYTES_PER_MS (256 * 1024)

/*
 * Seals or opens a batch and lets it go on its way, with @drain if it is to be
 * sent; the batch may be gone.
 */
static void run(struct weft_peer *peer, struct sk_buff *batch,
		void (*drain)(struct weft_peer *peer))
{
	if (weft_cb(batch)->direction == WEFT_TX) {
		weft_order_finish(batch, weft_seal_batch(batch));
		drain(peer);
	} else {
		weft_order_finish(batch, weft_open_batch(batch));
		weft_lane_schedule(peer);
	}
}

static void give_up(struct weft_peer *peer, struct sk_buff *batch)
{
	enum weft_direction direction = weft_cb(batch)->direction;

	weft_stats_drop(peer->wdev, direction == WEFT_TX ?
				    WEFT_DROP_TX_QUEUE_FULL :
				    WEFT_DROP_RX_QUEUE_FULL,
			weft_cb(batch)->count);
	weft_order_finish(batch, false);
	if (direction == WEFT_TX)
		weft_tx_drain_later(peer);
	else
		weft_lane_schedule(peer);
}

static void crypt_work(struct work_struct *work)
{
	struct weft_crypt_worker *worker =
		container_of(work, struct weft_crypt_worker, work);
	struct ptr_ring *ring = &worker->wdev->crypt.ring;
	struct weft_session *session;
	struct weft_peer *peer;
	struct sk_buff *batch;

	while ((batch = ptr_ring_consume_bh(ring))) {
		peer = weft_cb(batch)->peer;
		session = weft_cb(batch)->session;
		local_bh_disable();
		run(peer, batch, weft_tx_drain_later);
		local_bh_enable();
		weft_session_put(session);
		weft_peer_put(peer);
		cond_resched();
	}
}

static bool share(struct weft_device *wdev, struct sk_buff *batch)
{
	struct weft_crypt *crypt = &wdev->crypt;
	struct weft_cb *cb = weft_cb(batch);
	struct weft_session *session = cb->session;
	struct weft_peer *peer = cb->peer;
	unsigned int i;

	/* A session on its way out is as good as a full ring. */
	if (!weft_session_get(session))
		return false;
	if (!weft_peer_get_maybe_zero(peer)) {
		weft_session_put(session);
		return false;
	}
	if (ptr_ring_produce_bh(&crypt->ring, batch)) {
		weft_session_put(session);
		weft_peer_put(peer);
		return false;
	}
	i = READ_ONCE(crypt->next) + 1;
	if (i >= nr_cpu_ids)
		i = 0;
	WRITE_ONCE(crypt->next, i);
	queue_work(wdev->crypt_wq, &crypt->workers[i].work);
	return true;
}

/*
 * A packet that has gone through another weft device has used a good part of
 * the stack already; sealing it here could use up the rest.
 */
static bool in_place(struct weft_device *wdev, const struct weft_cb *cb,
		     unsigned int bytes)
{
	struct weft_crypt_budget *budget = this_cpu_ptr(wdev->crypt.budget);
	unsigned long now;

	if (cb->depth || !crypto_simd_usable())
		return false;
	if (num_online_cpus() == 1)
		return true;
	now = jiffies;
	if (now - budget->tick) {
		budget->tick = now;
		budget->bytes = 0;
	}
	budget->bytes += bytes;
	return budget->bytes <= INLINE_BYTES_PER_MS * jiffies_to_msecs(1);
}

/**
 * weft_crypt_submit() - have a batch sealed and sent
 * @wdev: device
 * @batch: in its peer's queue; not to be looked at any more
 * @bytes: its size
 *
 * Context: RCU read section in which its session and peer were found, bottom
 * halves disabled.
 */
void weft_crypt_submit(struct weft_device *wdev, struct sk_buff *batch,
		       unsigned int bytes)
{
	struct weft_peer *peer = weft_cb(batch)->peer;

	if (likely(in_place(wdev, weft_cb(batch), bytes))) {
		weft_stats_count(wdev, WEFT_COUNT_CRYPT_INLINE);
		run(peer, batch, weft_tx_drain);
		return;
	}
	weft_stats_count(wdev, WEFT_COUNT_CRYPT_WORKER);
	if (!share(wdev, batch))
		give_up(peer, batch);
}

/**
 * weft_crypt_open() - open a batch, or have it opened
 * @wdev: device
 * @batch: claimed from its peer's queue; the caller has references of session
 *	and peer, and delivers what is ready afterwards. Not to be looked at
 *	any more.
 * @bytes: its size
 *
 * Context: bottom halves disabled.
 * Return: true if it was opened here.
 */
bool weft_crypt_open(struct weft_device *wdev, struct sk_buff *batch,
		     unsigned int bytes)
{
	if (likely(in_place(wdev, weft_cb(batch), bytes))) {
		weft_stats_count(wdev, WEFT_COUNT_CRYPT_INLINE);
		weft_order_finish(batch, weft_open_batch(batch));
		return true;
	}
	weft_stats_count(wdev, WEFT_COUNT_CRYPT_WORKER);
	if (!share(wdev, batch))
		give_up(weft_cb(batch)->peer, batch);
	return false;
}

/**
 * weft_crypt_init() - set up a device's workers
 * @wdev: new device
 *
 * Return: 0 or -ENOMEM.
 */
int weft_crypt_init(struct weft_device *wdev)
{
	struct weft_crypt *crypt = &wdev->crypt;
	unsigned int i;

	if (ptr_ring_init(&crypt->ring, RING_SIZE, GFP_KERNEL))
		return -ENOMEM;
	crypt->workers = kcalloc(nr_cpu_ids, sizeof(*crypt->workers),
				 GFP_KERNEL);
	if (!crypt->workers)
		goto err_ring;
	crypt->budget = alloc_percpu(struct weft_crypt_budget);
	if (!crypt->budget)
		goto err_workers;
	crypt->chunks = weft_chunks_alloc();
	if (!crypt->chunks)
		goto err_budget;
	/* The scheduler knows better than we which CPUs are idle. */
	wdev->crypt_wq = alloc_workqueue("weft-crypt-%s",
					 WQ_UNBOUND | WQ_MEM_RECLAIM, 0,
					 wdev->dev->name);
	if (!wdev->crypt_wq)
		goto err_chunks;
	wdev->send_wq = alloc_workqueue("weft-send-%s",
					WEFT_WQ_BOUND | WQ_MEM_RECLAIM |
					WQ_CPU_INTENSIVE, 0, wdev->dev->name);
	if (!wdev->send_wq)
		goto err_wq;
	for (i = 0; i < nr_cpu_ids; i++) {
		crypt->workers[i].wdev = wdev;
		INIT_WORK(&crypt->workers[i].work, crypt_work);
	}
	return 0;

err_wq:
	destroy_workqueue(wdev->crypt_wq);
err_chunks:
	weft_chunks_free(crypt->chunks);
err_budget:
	free_percpu(crypt->budget);
err_workers:
	kfree(crypt->workers);
err_ring:
	ptr_ring_cleanup(&crypt->ring, NULL);
	return -ENOMEM;
}

/**
 * weft_crypt_exit() - undo weft_crypt_init()
 * @wdev: device without peers, whose lanes have stopped: they submit batches
 */
void weft_crypt_exit(struct weft_device *wdev)
{
	struct weft_crypt *crypt = &wdev->crypt;

	destroy_workqueue(wdev->crypt_wq);
	destroy_workqueue(wdev->send_wq);
	WARN_ON(!ptr_ring_empty(&crypt->ring));
	ptr_ring_cleanup(&crypt->ring, NULL);
	weft_chunks_free(crypt->chunks);
	free_percpu(crypt->budget);
	kfree(crypt->workers);
}
