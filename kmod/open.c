// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of a batch are opened: one where it is, several to where their
 * packets can be put together.
 */

#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "coalesce.h"
#include "control.h"
#include "device.h"
#include "packet.h"
#include "peer.h"
#include "queue.h"
#include "session.h"
#include "stats.h"

/*
 * Section 6.2: an initiator that only receives renews the session before it
 * ends, once.
 */
static void renew_at_last_minute(struct weft_peer *peer)
{
	u64 limit = READ_ONCE(weft_reject_after_ms);
	u64 margin = (WEFT_KEEPALIVE_TIMEOUT + WEFT_REKEY_TIMEOUT) *
		     MSEC_PER_SEC;
	struct weft_session *session;
	bool renew;

	if (peer->timers.sent_lastminute_handshake)
		return;
	rcu_read_lock_bh();
	session = rcu_dereference_bh(peer->sessions.current_session);
	renew = session && session->initiator &&
		READ_ONCE(session->send_valid) &&
		weft_timers_expired(session->birth,
				    limit > margin ? limit - margin : 0);
	rcu_read_unlock_bh();
	if (likely(!renew))
		return;
	peer->timers.sent_lastminute_handshake = true;
	weft_queue_initiation(peer, false);
}

static void count_keepalive(struct weft_device *wdev)
{
	weft_stats_rx(wdev, 1, WEFT_MESSAGE_MINIMUM_LEN);
	weft_stats_count(wdev, WEFT_COUNT_RX_KEEPALIVES);
}

static bool first_time(struct weft_device *wdev, struct weft_session *session,
		       u64 nonce)
{
	if (likely(weft_replay_check(&session->replay, nonce)))
		return true;
	weft_stats_drop(wdev, WEFT_DROP_RX_REPLAY, 1);
	return false;
}

/* Opens a message in place; bytes that were good. */
static unsigned int open_single(struct weft_device *wdev,
				struct weft_session *session,
				struct sk_buff *skb)
{
	struct weft_message_data *msg;
	unsigned int len = skb->len;
	u64 nonce;

	/* Somebody else may look at the same data: a capture, a page cache. */
	if (unlikely(skb_linearize_cow(skb))) {
		weft_stats_drop(wdev, WEFT_DROP_RX_NO_MEMORY, 1);
		return 0;
	}
	msg = (void *)skb->data;
	nonce = le64_to_cpu(msg->counter);
	if (unlikely(!session->suite->open(&session->recv_key,
					   msg->encrypted_data,
					   msg->encrypted_data,
					   len - WEFT_MESSAGE_MINIMUM_LEN,
					   nonce))) {
		weft_stats_drop(wdev, WEFT_DROP_RX_AUTH, 1);
		return 0;
	}
	if (unlikely(!first_time(wdev, session, nonce)))
		return 0;
	__skb_pull(skb, sizeof(*msg));
	__skb_trim(skb, skb->len - WEFT_NOISE_AUTHTAG_LEN);
	weft_cb(skb)->bytes = len;
	return len;
}

/**
 * weft_piece_find() - find the piece of a packet that a byte is in
 * @piece: on return it, or none
 * @skb: packet
 * @at: offset of the byte
 *
 * Return: false if there is no such piece that nobody writes to.
 */
bool weft_piece_find(struct weft_piece *piece, const struct sk_buff *skb,
		     unsigned int at)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int begin = 0, end = skb_headlen(skb), i;
	const u8 *bytes = skb->data;

	memset(piece, 0, sizeof(*piece));
	if (skb_has_shared_frag(skb))
		return false;
	for (i = 0; at >= end; i++) {
		if (i == info->nr_frags || IS_ENABLED(CONFIG_HIGHMEM))
			return false;
		begin = end;
		end += skb_frag_size(&info->frags[i]);
		bytes = skb_frag_address(&info->frags[i]);
	}
	if (!bytes)
		return false;
	piece->bytes = bytes;
	piece->begin = begin;
	piece->end = end;
	return true;
}

/**
 * struct sealed - a message of a batch
 * @skb: what it is in
 * @piece: where to look first
 * @at: offset there
 * @text_len: of its text, without the tag
 * @msg: its header; what follows is there only if @whole
 * @whole: @msg is all of it
 * @buffer: the header if it had to be copied
 */
struct sealed {
	const struct sk_buff *skb;
	struct weft_piece *piece;
	unsigned int at;
	unsigned int text_len;
	const struct weft_message_data *msg;
	bool whole;
	struct weft_message_data buffer;
};

static bool sealed_init(struct sealed *sealed, struct weft_piece *piece,
			const struct sk_buff *skb, unsigned int at,
			unsigned int len)
{
	sealed->skb = skb;
	sealed->piece = piece;
	sealed->at = at;
	sealed->text_len = len - WEFT_MESSAGE_MINIMUM_LEN;
	sealed->msg = weft_piece_at(piece, skb, at, len);
	sealed->whole = sealed->msg;
	if (unlikely(!sealed->whole))
		sealed->msg = skb_header_pointer(skb, at,
						 sizeof(sealed->buffer),
						 &sealed->buffer);
	return sealed->msg;
}

/* Opens its text, with the tag behind it. */
static bool open_text(const struct sealed *sealed,
		      const struct weft_session *session, u8 *to, u64 nonce)
{
	unsigned int len = weft_noise_encrypted_len(sealed->text_len);
	unsigned int at = sealed->at + sizeof(*sealed->msg);
	const u8 *from = sealed->msg->encrypted_data;

	if (unlikely(!sealed->whole)) {
		from = weft_piece_at(sealed->piece, sealed->skb, at, len);
		if (!from && skb_copy_bits(sealed->skb, at, to, len))
			return false;
		from = from ?: to;
	}
	return session->suite->open(&session->recv_key, to, from,
				    sealed->text_len, nonce);
}

/* Opens a message, @len bytes from @at on, to the sink; bytes that were good. */
static unsigned int open_to(struct weft_sink *sink, struct weft_device *wdev,
			    struct weft_session *session,
			    struct weft_piece *piece,
			    const struct sk_buff *skb, unsigned int at,
			    unsigned int len)
{
	struct sealed sealed;
	bool found;
	u64 nonce;
	u8 *to;

	found = sealed_init(&sealed, piece, skb, at, len);
	to = weft_sink_room(sink, weft_noise_encrypted_len(sealed.text_len));
	if (unlikely(!found || !to)) {
		weft_stats_drop(wdev, WEFT_DROP_RX_NO_MEMORY, 1);
		return 0;
	}
	nonce = le64_to_cpu(sealed.msg->counter);
	if (unlikely(!open_text(&sealed, session, to, nonce))) {
		weft_sink_abort(sink);
		weft_stats_drop(wdev, WEFT_DROP_RX_AUTH, 1);
		return 0;
	}
	if (unlikely(!first_time(wdev, session, nonce))) {
		weft_sink_abort(sink);
		return 0;
	}
	if (!sealed.text_len) {
		weft_sink_abort(sink);
		count_keepalive(wdev);
	} else if (unlikely(!weft_sink_commit(sink, sealed.text_len))) {
		weft_stats_drop(wdev, WEFT_DROP_RX_NO_MEMORY, 1);
	}
	return len;
}

static unsigned int open_train(struct weft_sink *sink, struct weft_device *wdev,
			       struct weft_session *session,
			       const struct sk_buff *skb)
{
	unsigned int stride = skb_is_gso(skb) ? skb_shinfo(skb)->gso_size :
						skb->len;
	unsigned int at, bytes = 0;
	struct weft_piece piece = {};

	for (at = 0; at < skb->len; at += stride)
		bytes += open_to(sink, wdev, session, &piece, skb, at,
				 min(stride, skb->len - at));
	return bytes;
}

static unsigned int total_len(const struct sk_buff *batch)
{
	unsigned int len = 0;

	for (; batch; batch = batch->next)
		len += batch->len;
	return len;
}

static unsigned int open_all(struct weft_device *wdev,
			     struct weft_session *session,
			     struct sk_buff *batch)
{
	const struct sk_buff *skb;
	unsigned int bytes = 0;
	struct weft_sink sink;

	weft_sink_init(&sink, wdev, total_len(batch));
	for (skb = batch; skb; skb = skb->next)
		bytes += open_train(&sink, wdev, session, skb);
	weft_cb(batch)->result = weft_sink_finish(&sink);
	return bytes;
}

static unsigned int open_alone(struct weft_device *wdev,
			       struct weft_session *session,
			       struct sk_buff *skb)
{
	unsigned int bytes = open_single(wdev, session, skb);

	weft_cb(skb)->result = skb;
	if (unlikely(bytes == WEFT_MESSAGE_MINIMUM_LEN)) {
		weft_cb(skb)->result = NULL;
		count_keepalive(wdev);
	}
	return bytes;
}

static void take_notice(struct weft_peer *peer, struct weft_session *session,
			unsigned int bytes)
{
	if (unlikely(weft_sessions_confirm(peer, session))) {
		weft_session_established(peer);
		weft_send_staged(peer);
		WRITE_ONCE(peer->control.session_begun, true);
	}
	renew_at_last_minute(peer);
	weft_count_received(peer, bytes);
}

/**
 * weft_open_batch() - decrypt a batch and take notice of what it proves
 * @batch: messages; on return weft_cb.result is what to deliver, and may be
 *	empty
 *
 * Context: bottom halves disabled, RCU read section or references held.
 * Return: false if no message was good.
 */
bool weft_open_batch(struct sk_buff *batch)
{
	struct weft_session *session = weft_cb(batch)->session;
	struct weft_peer *peer = weft_cb(batch)->peer;
	unsigned int bytes;

	if (weft_cb(batch)->count > 1)
		bytes = open_all(peer->wdev, session, batch);
	else
		bytes = open_alone(peer->wdev, session, batch);
	if (unlikely(!bytes))
		return false;
	take_notice(peer, session, bytes);
	return true;
}
