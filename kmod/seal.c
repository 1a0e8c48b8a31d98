// SPDX-License-Identifier: GPL-2.0
/* A batch of packets becomes messages, each by itself or many in one train. */

#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "packet.h"
#include "peer.h"
#include "queue.h"
#include "segment.h"
#include "session.h"
#include "stats.h"
#include "train.h"

/*
 * Gives the message a linear buffer of its own with room for header, padding
 * and tag: what the cipher will overwrite may belong to TCP.
 */
static bool make_room(struct sk_buff *skb, unsigned int tail)
{
	unsigned int head = WEFT_DATA_HEADROOM;
	unsigned int more_head = 0;

	if (likely(!skb_is_nonlinear(skb) && !skb_cloned(skb) &&
		   skb_headroom(skb) >= head && skb_tailroom(skb) >= tail))
		return true;
	if (skb_headroom(skb) < head)
		more_head = head - skb_headroom(skb);
	tail += skb->data_len;
	if (tail > skb_tailroom(skb))
		tail -= skb_tailroom(skb);
	else
		tail = 0;
	if (pskb_expand_head(skb, more_head, tail, GFP_ATOMIC))
		return false;
	return !skb_linearize(skb);
}

/**
 * weft_scrub() - forget where a packet came from, but not its flow
 * @skb: inner packet that becomes an outer one
 */
void weft_scrub(struct sk_buff *skb)
{
	skb_scrub_packet(skb, true);
	weft_forget_verdicts(skb);
	skb_init_secmark(skb);
	/* It is the inner neighbour that was confirmed. */
	skb_set_dst_pending_confirm(skb, 0);
	skb->encapsulation = 0;
	skb->inner_protocol = 0;
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum = 0;
	skb_gso_reset(skb);
	__vlan_hwaccel_clear_tag(skb);
}

static bool frame_message(struct sk_buff *skb, const struct weft_session *session,
			  u64 nonce)
{
	unsigned int pad = weft_padding(skb->len, weft_cb(skb)->mtu);
	unsigned int tail = pad + WEFT_NOISE_AUTHTAG_LEN;

	/* For whoever queues the outer packet; a keepalive has no flow. */
	if (skb->len)
		skb_get_hash(skb);
	if (unlikely(!make_room(skb, tail)))
		return false;
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		return false;
	weft_scrub(skb);
	skb_set_inner_network_header(skb, 0);
	memset(__skb_put(skb, tail), 0, pad);

	weft_message_frame(__skb_push(skb, sizeof(struct weft_message_data)),
			   session, nonce);
	return true;
}

static bool seal_message(struct sk_buff *skb, const struct weft_session *session,
			 u64 nonce)
{
	struct weft_message_data *msg = (void *)skb->data;

	return session->suite->seal(&session->send_key, msg->encrypted_data,
				    skb->len - WEFT_MESSAGE_MINIMUM_LEN, nonce);
}

static struct sk_buff *seal_single(struct sk_buff *skb,
				   const struct weft_session *session,
				   u64 nonce)
{
	/* Header and room in front of it are the cipher's for the while. */
	BUILD_BUG_ON(WEFT_DATA_HEADROOM < WEFT_SEAL_HEAD);
	if (unlikely(!frame_message(skb, session, nonce)))
		return ERR_PTR(-ENOMEM);
	if (unlikely(!seal_message(skb, session, nonce)))
		return ERR_PTR(-EBADMSG);
	return skb;
}

/* Frees packets that are in a train now; what comes behind them. */
static struct sk_buff *leave_behind(struct sk_buff *skb, unsigned int count,
				    struct sk_buff *batch)
{
	struct sk_buff *next;

	for (; count; count--, skb = next) {
		next = skb->next;
		/* The first of all is in the queue until its turn comes. */
		if (skb == batch)
			skb_mark_not_on_list(skb);
		else
			consume_skb(skb);
	}
	return skb;
}

/*
 * Seals a list of packets: a train of those that follow one another and go
 * together, the others where they are.
 */
static struct sk_buff *seal_list(struct sk_buff *batch)
{
	struct weft_device *wdev = weft_cb(batch)->peer->wdev;
	const struct weft_session *session = weft_cb(batch)->session;
	u64 nonce = weft_cb(batch)->nonce;
	struct sk_buff *first = NULL, **link = &first;
	struct sk_buff *skb = batch, *sealed;
	unsigned int count;

	while (skb) {
		count = weft_train_count(skb);
		if (count > 1)
			sealed = weft_train_seal(skb, &count, wdev, session,
						 nonce);
		else
			sealed = seal_single(skb, session, nonce);
		if (IS_ERR(sealed))
			goto failed;
		nonce += count;
		*link = sealed;
		link = &sealed->next;
		if (sealed == skb)
			skb = skb->next;
		else
			skb = leave_behind(skb, count, batch);
	}
	*link = NULL;
	return first;

failed:
	/* All of it is freed as one list. */
	*link = skb;
	if (first != batch)
		batch->next = first;
	return sealed;
}

/**
 * weft_seal_batch() - encrypt a batch
 * @batch: inner packets; on return weft_cb.result is what to send
 *
 * Context: bottom halves disabled.
 * Return: false if memory is short or the cipher failed; the drop is counted.
 */
bool weft_seal_batch(struct sk_buff *batch)
{
	struct weft_cb *cb = weft_cb(batch);
	struct sk_buff *result;

	if (skb_is_gso(batch))
		result = weft_segment_seal(batch, cb->session, cb->nonce);
	else
		result = seal_list(batch);
	if (IS_ERR(result)) {
		weft_stats_drop(cb->peer->wdev, result == ERR_PTR(-ENOMEM) ?
						WEFT_DROP_TX_NO_MEMORY :
						WEFT_DROP_TX_SEAL,
				cb->count);
		return false;
	}
	cb->result = result;
	return true;
}
