// SPDX-License-Identifier: GPL-2.0
/*
 * Order of one peer's batches.
 */

#include "queue.h"

#include "messages.h"
#include "session.h"

/**
 * weft_order_init() - make an empty queue
 * @queue: of a new peer
 */
void weft_order_init(struct weft_order_queue *queue)
{
	spin_lock_init(&queue->lock);
}

/**
 * weft_order_push() - take the next place in the queue
 * @queue: the queue
 * @batch: pending; it must not be looked at any more once it is not
 *
 * Return: false if the queue is full.
 */
bool weft_order_push(struct weft_order_queue *queue, struct sk_buff *batch)
{
	struct weft_cb *cb = weft_cb(batch);
	bool room;

	cb->next_batch = NULL;
	spin_lock_bh(&queue->lock);
	room = queue->packets + cb->count <= WEFT_MAX_QUEUED_PACKETS;
	if (likely(room)) {
		queue->packets += cb->count;
		if (queue->tail)
			weft_cb(queue->tail)->next_batch = batch;
		else
			queue->head = batch;
		queue->tail = batch;
	}
	spin_unlock_bh(&queue->lock);
	return room;
}

static bool head_ready(const struct weft_order_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (!queue->head)
		return false;
	/* Pairs with weft_order_finish(): what the cipher wrote is seen. */
	return smp_load_acquire(&weft_cb(queue->head)->state) !=
	       WEFT_BATCH_PENDING;
}

/**
 * weft_order_finish() - the cipher is done with a batch
 * @batch: pending; may be gone on return
 * @ok: false if it is to be dropped when its turn comes
 */
void weft_order_finish(struct sk_buff *batch, bool ok)
{
	/* Pairs with head_ready(). */
	smp_store_release(&weft_cb(batch)->state,
			  ok ? WEFT_BATCH_READY : WEFT_BATCH_DEAD);
}

/**
 * weft_order_ready() - is there something to take?
 * @queue: the queue
 */
bool weft_order_ready(struct weft_order_queue *queue)
{
	bool ready;

	spin_lock_bh(&queue->lock);
	ready = head_ready(queue);
	spin_unlock_bh(&queue->lock);
	return ready;
}

static struct sk_buff *pop(struct weft_order_queue *queue)
{
	struct sk_buff *batch = queue->head;

	if (!head_ready(queue))
		return NULL;
	queue->head = weft_cb(batch)->next_batch;
	if (!queue->head)
		queue->tail = NULL;
	queue->packets -= weft_cb(batch)->count;
	return batch;
}

/**
 * weft_order_pop() - take the oldest batch
 * @queue: the queue
 *
 * Return: a batch that is no longer pending, or NULL.
 */
struct sk_buff *weft_order_pop(struct weft_order_queue *queue)
{
	struct sk_buff *batch;

	spin_lock_bh(&queue->lock);
	batch = pop(queue);
	spin_unlock_bh(&queue->lock);
	return batch;
}

/**
 * weft_order_start_drain() - become the one who empties the queue
 * @queue: the queue
 *
 * Who finishes a batch calls this afterwards. If somebody else is draining, it
 * looks once more before it stops, and sees the batch.
 *
 * Return: true if the caller is to go on with weft_order_pop_or_stop() until
 * that returns NULL.
 */
bool weft_order_start_drain(struct weft_order_queue *queue)
{
	bool start;

	spin_lock_bh(&queue->lock);
	start = !queue->draining && head_ready(queue);
	if (start)
		queue->draining = true;
	spin_unlock_bh(&queue->lock);
	return start;
}

/**
 * weft_order_pop_or_stop() - take the oldest batch, or cease to drain
 * @queue: drained by the caller
 *
 * Return: a batch that is no longer pending, or NULL.
 */
struct sk_buff *weft_order_pop_or_stop(struct weft_order_queue *queue)
{
	struct sk_buff *batch;

	spin_lock_bh(&queue->lock);
	batch = pop(queue);
	if (!batch)
		queue->draining = false;
	spin_unlock_bh(&queue->lock);
	return batch;
}

/**
 * weft_order_purge() - drop all that is left
 * @queue: of a peer that nobody works on any more
 */
void weft_order_purge(struct weft_order_queue *queue)
{
	struct sk_buff *batch, *next;

	for (batch = queue->head; batch; batch = next) {
		next = weft_cb(batch)->next_batch;
		kfree_skb_list(batch);
	}
	queue->head = NULL;
	queue->tail = NULL;
	queue->packets = 0;
}
