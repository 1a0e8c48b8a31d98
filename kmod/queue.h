/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_QUEUE_H
#define _WEFT_QUEUE_H

#include <linux/skbuff.h>
#include <linux/spinlock.h>

/* Packets that a batch has at most. */
#define WEFT_MAX_BATCH 64

struct weft_device;
struct weft_peer;
struct weft_session;

/**
 * enum weft_batch_state - how far a batch has come
 * @WEFT_BATCH_GATHERING: more messages or packets may join it
 * @WEFT_BATCH_PENDING: waits for the cipher
 * @WEFT_BATCH_READY: sealed or opened
 * @WEFT_BATCH_DEAD: to be dropped when its turn comes
 */
enum weft_batch_state {
	WEFT_BATCH_GATHERING,
	WEFT_BATCH_PENDING,
	WEFT_BATCH_READY,
	WEFT_BATCH_DEAD,
};

/**
 * enum weft_direction - which way a batch goes
 * @WEFT_TX: from the stack to the peer
 * @WEFT_RX: from the peer to the stack
 */
enum weft_direction {
	WEFT_TX,
	WEFT_RX,
};

/**
 * enum weft_gather - what became of a message or packet
 * @WEFT_GATHER_JOINED: part of a batch that somebody is going to claim
 * @WEFT_GATHER_NEW: a batch of its own, for the caller to have claimed
 * @WEFT_GATHER_OTHER: TX: a batch gathers that it is not to be part of
 * @WEFT_GATHER_FULL: the queue has no room
 * @WEFT_GATHER_NO_SESSION: its session is on its way out
 */
enum weft_gather {
	WEFT_GATHER_JOINED,
	WEFT_GATHER_NEW,
	WEFT_GATHER_OTHER,
	WEFT_GATHER_FULL,
	WEFT_GATHER_NO_SESSION,
};

/**
 * struct weft_cb - weft's part of an skb's control block
 * @next_batch: next in a weft_order_queue
 * @session: to seal or open with; counted while gathering or with a worker
 * @peer: whose; counted only while with a worker
 * @nonce: TX: of the first segment of the batch, while pending
 * @last: last skb of the batch, while gathering
 * @result: once ready: skbs to send or to deliver, which need not be those of
 *	the batch
 * @mtu: TX: inner MTU that bounds the padding (each skb has its own)
 * @bytes: RX: length of the messages of which a packet was made (each skb of
 *	the result has its own)
 * @count: packets in the batch: a GSO packet counts as what it will become
 * @state: enum weft_batch_state; written with release, read with acquire
 * @direction: enum weft_direction
 * @tos: outer TOS or traffic class (TX: to send with, RX: as received)
 * @depth: weft devices that the packet went through on its way here
 *
 * A batch is a list of skbs, linked by skb->next, of one peer, one session and
 * one outer TOS; all but @mtu and @bytes is in its first skb. That one is in the
 * queue until the batch leaves it. GSO packets: of the stack, one is a batch of
 * its own; of the peer, they gather like others. Of the stack, only packets that
 * weft_burst_takes() gather.
 */
struct weft_cb {
	struct sk_buff *next_batch;
	struct weft_session *session;
	struct weft_peer *peer;
	union {
		u64 nonce;
		struct sk_buff *last;
		struct sk_buff *result;
	};
	union {
		u32 mtu;
		u32 bytes;
	};
	u16 count;
	u8 state;
	u8 direction:1;
	u8 depth:7;
	u8 tos;
};

static inline struct weft_cb *weft_cb(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct weft_cb) > sizeof(skb->cb));
	return (struct weft_cb *)skb->cb;
}

/**
 * struct weft_order_queue - keeps one direction of a peer in order
 * @head: oldest batch, linked by weft_cb.next_batch
 * @tail: newest batch
 * @unclaimed: oldest batch that is gathering. RX: so are those after it; TX:
 *	there is no other one
 * @packets: skbs queued, at most WEFT_MAX_QUEUED_PACKETS
 * @draining: somebody is taking ready batches off the head
 *
 * Batches take their place on arrival. Whichever CPU does the cipher's work,
 * they leave in that order, because only the head leaves, when it is no longer
 * pending.
 */
struct weft_order_queue {
	/** @lock: protects the rest; BH-safe */
	spinlock_t lock;
	struct sk_buff *head;
	struct sk_buff *tail;
	struct sk_buff *unclaimed;
	unsigned int packets;
	bool draining;
};

void weft_batch_free(struct sk_buff *batch);
struct sk_buff *weft_batch_finish(struct sk_buff *batch);

void weft_order_init(struct weft_order_queue *queue);
bool weft_order_push(struct weft_order_queue *queue, struct sk_buff *batch);
enum weft_gather weft_order_gather(struct weft_order_queue *queue,
				   struct sk_buff *skb);
struct sk_buff *weft_order_claim(struct weft_order_queue *queue);

/**
 * weft_order_gathers() - is there a batch to claim?
 * @queue: the queue
 *
 * Return: without a lock, so that it may be wrong about what other CPUs do.
 */
static inline bool weft_order_gathers(const struct weft_order_queue *queue)
{
	return READ_ONCE(queue->unclaimed);
}

void weft_order_finish(struct sk_buff *batch, bool ok);
bool weft_order_ready(struct weft_order_queue *queue);
bool weft_order_start_drain(struct weft_order_queue *queue);
struct sk_buff *weft_order_pop(struct weft_order_queue *queue);
struct sk_buff *weft_order_pop_or_stop(struct weft_order_queue *queue);
void weft_order_purge(struct weft_order_queue *queue);

#endif /* _WEFT_QUEUE_H */
