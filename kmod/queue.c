// SPDX-License-Identifier: GPL-2.0
/*
 * Order of one peer's batches.
 */

#include "queue.h"

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/ipv6.h>

#include "messages.h"
#include "session.h"

/**
 * weft_batch_free() - drop a batch that nobody works on, and its result
 * @batch: the batch
 */
void weft_batch_free(struct sk_buff *batch)
{
	struct weft_cb *cb = weft_cb(batch);

	if (cb->state == WEFT_BATCH_READY && cb->result != batch)
		kfree_skb_list(cb->result);
	if (cb->state == WEFT_BATCH_GATHERING)
		weft_session_put(cb->session);
	kfree_skb_list(batch);
}

/**
 * weft_batch_finish() - exchange a batch for its result
 * @batch: ready
 *
 * Return: the result; what was not made part of it has been freed.
 */
struct sk_buff *weft_batch_finish(struct sk_buff *batch)
{
	struct sk_buff *result = weft_cb(batch)->result, *next;

	if (result == batch)
		return result;
	skb_list_walk_safe(batch, batch, next)
		consume_skb(batch);
	return result;
}

/**
 * weft_order_init() - make an empty queue
 * @queue: of a new peer
 */
void weft_order_init(struct weft_order_queue *queue)
{
	spin_lock_init(&queue->lock);
}

static bool push(struct weft_order_queue *queue, struct sk_buff *batch)
{
	struct weft_cb *cb = weft_cb(batch);

	if (unlikely(queue->packets + cb->count > WEFT_MAX_QUEUED_PACKETS))
		return false;
	queue->packets += cb->count;
	cb->next_batch = NULL;
	if (queue->tail)
		weft_cb(queue->tail)->next_batch = batch;
	else
		queue->head = batch;
	queue->tail = batch;
	return true;
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
	bool room;

	spin_lock_bh(&queue->lock);
	room = push(queue, batch);
	spin_unlock_bh(&queue->lock);
	return room;
}

/* Did both come the same way? The last to arrive says where the peer is. */
static bool same_way(const struct sk_buff *a, const struct sk_buff *b)
{
	if (udp_hdr(a)->source != udp_hdr(b)->source ||
	    a->skb_iif != b->skb_iif ||
	    ip_hdr(a)->version != ip_hdr(b)->version)
		return false;
	if (ip_hdr(a)->version == 4)
		return ip_hdr(a)->saddr == ip_hdr(b)->saddr &&
		       ip_hdr(a)->daddr == ip_hdr(b)->daddr;
	return ipv6_addr_equal(&ipv6_hdr(a)->saddr, &ipv6_hdr(b)->saddr) &&
	       ipv6_addr_equal(&ipv6_hdr(a)->daddr, &ipv6_hdr(b)->daddr);
}

/*
 * What the other end cut in two, because a datagram's length has 16 bits, is one
 * packet again if both trains are opened together.
 */
static bool may_join(const struct sk_buff *batch, const struct sk_buff *skb)
{
	const struct weft_cb *of = weft_cb(batch), *cb = weft_cb(skb);

	return of->session == cb->session && of->tos == cb->tos &&
	       of->count + cb->count <= WEFT_MAX_BATCH &&
	       (cb->direction == WEFT_TX || same_way(batch, skb));
}

/* The batch at the end, if it is gathering: there, others may be before it. */
static struct sk_buff *gathering_tail(const struct weft_order_queue *queue)
{
	struct sk_buff *tail = queue->tail;

	lockdep_assert_held(&queue->lock);
	if (!queue->unclaimed ||
	    READ_ONCE(weft_cb(tail)->state) != WEFT_BATCH_GATHERING)
		return NULL;
	return tail;
}

static enum weft_gather gather(struct weft_order_queue *queue,
			       struct sk_buff *skb)
{
	struct sk_buff *batch = gathering_tail(queue);
	struct weft_cb *cb = weft_cb(skb);

	if (batch && may_join(batch, skb)) {
		if (unlikely(queue->packets + cb->count >
			     WEFT_MAX_QUEUED_PACKETS))
			return WEFT_GATHER_FULL;
		queue->packets += cb->count;
		weft_cb(batch)->last->next = skb;
		weft_cb(batch)->last = skb;
		weft_cb(batch)->count += cb->count;
		return WEFT_GATHER_JOINED;
	}
	if (cb->direction == WEFT_TX && queue->unclaimed)
		return WEFT_GATHER_OTHER;
	/* It may be long until somebody claims it. */
	if (unlikely(!weft_session_get(cb->session)))
		return WEFT_GATHER_NO_SESSION;
	cb->state = WEFT_BATCH_GATHERING;
	cb->last = skb;
	if (unlikely(!push(queue, skb))) {
		weft_session_put(cb->session);
		return WEFT_GATHER_FULL;
	}
	if (!queue->unclaimed)
		WRITE_ONCE(queue->unclaimed, skb);
	return WEFT_GATHER_NEW;
}

/**
 * weft_order_gather() - take a place in a batch, or in the queue
 * @queue: the queue
 * @skb: message or train that has just come in, or packet that is to be sent,
 *	with session, direction, tos and count
 *
 * Return: what became of it; @skb is still the caller's unless that is
 * WEFT_GATHER_JOINED or WEFT_GATHER_NEW.
 */
enum weft_gather weft_order_gather(struct weft_order_queue *queue,
				   struct sk_buff *skb)
{
	enum weft_gather result;

	spin_lock_bh(&queue->lock);
	result = gather(queue, skb);
	spin_unlock_bh(&queue->lock);
	return result;
}

/* TX: what is behind the only batch that gathers is not gathering. */
static struct sk_buff *next_gathering(const struct sk_buff *batch)
{
	struct sk_buff *next = weft_cb(batch)->next_batch;

	if (!next || READ_ONCE(weft_cb(next)->state) != WEFT_BATCH_GATHERING)
		return NULL;
	return next;
}

/**
 * weft_order_claim() - take the oldest batch that is gathering to work on it
 * @queue: the queue
 *
 * Return: the batch, pending from now on, with a reference of its session; or
 * NULL.
 */
struct sk_buff *weft_order_claim(struct weft_order_queue *queue)
{
	struct sk_buff *batch;

	spin_lock_bh(&queue->lock);
	batch = queue->unclaimed;
	if (batch) {
		weft_cb(batch)->state = WEFT_BATCH_PENDING;
		WRITE_ONCE(queue->unclaimed, next_gathering(batch));
	}
	spin_unlock_bh(&queue->lock);
	return batch;
}

static bool head_ready(const struct weft_order_queue *queue)
{
	u8 state;

	lockdep_assert_held(&queue->lock);
	if (!queue->head)
		return false;
	/* Pairs with weft_order_finish(): what the cipher wrote is seen. */
	state = smp_load_acquire(&weft_cb(queue->head)->state);
	return state == WEFT_BATCH_READY || state == WEFT_BATCH_DEAD;
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
 * weft_order_ready() - is there something to take, or to claim?
 * @queue: the queue
 */
bool weft_order_ready(struct weft_order_queue *queue)
{
	bool ready;

	spin_lock_bh(&queue->lock);
	ready = queue->unclaimed || head_ready(queue);
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
		weft_batch_free(batch);
	}
	queue->head = NULL;
	queue->tail = NULL;
	queue->unclaimed = NULL;
	queue->packets = 0;
}
