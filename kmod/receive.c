// SPDX-License-Identifier: GPL-2.0
/*
 * From the peer to the stack: messages are told apart, handshakes go to
 * workers, data is opened, and delivered in order.
 */

#include <linux/netdevice.h>
#include <linux/random.h>
#include <linux/skbuff.h>
#include <net/inet_ecn.h>
#include <net/ip_tunnels.h>
#include <net/udp.h>

#include "compat/compat.h"
#include "control.h"
#include "cookie.h"
#include "device.h"
#include "netlink.h"
#include "packet.h"
#include "peer.h"
#include "queue.h"
#include "session.h"
#include "stats.h"
#include "trace.h"
#include "upcall.h"

/* From this many waiting handshake messages on, senders must have a cookie. */
#define UNDER_LOAD_HANDSHAKES (WEFT_MAX_QUEUED_INCOMING_HANDSHAKES / 8)

/**
 * weft_count_received() - take notice of authentic messages
 * @peer: from whom
 * @bytes: their length
 */
void weft_count_received(struct weft_peer *peer, u64 bytes)
{
	atomic64_add(bytes, &peer->rx_bytes);
	weft_timers_authenticated_received(peer);
	weft_timers_authenticated_traversed(peer);
}

/* Once the ring is nearly full, load lasts at least a second. */
static bool under_load(struct weft_device *wdev)
{
	u64 now = ktime_get_coarse_boottime_ns();
	u64 last = READ_ONCE(wdev->last_under_load);

	if (atomic_read(&wdev->handshakes_queued) >= UNDER_LOAD_HANDSHAKES) {
		WRITE_ONCE(wdev->last_under_load, now);
		return true;
	}
	return last && !weft_timers_expired(last, MSEC_PER_SEC);
}

static void receive_cookie(struct weft_device *wdev, struct sk_buff *skb)
{
	const struct weft_message_cookie_reply *msg = (void *)skb->data;
	struct weft_peer *peer = NULL;
	struct weft_index *index;

	rcu_read_lock();
	index = weft_index_lookup(&wdev->indexes, msg->receiver_index);
	if (index)
		peer = weft_peer_get_maybe_zero(index->peer);
	rcu_read_unlock();

	if (!peer || !weft_cookie_consume_reply(&peer->cookie, msg)) {
		weft_stats_drop(wdev, WEFT_DROP_RX_HANDSHAKE_INVALID, 1);
		weft_peer_put(peer);
		return;
	}
	weft_stats_rx(wdev, 1, skb->len);
	weft_stats_count(wdev, WEFT_COUNT_RX_COOKIES);
	trace_weft_handshake(wdev->dev, peer->id, WEFT_TRACE_COOKIE_RECEIVED);
	weft_peer_put(peer);
}

static void receive_initiation(struct weft_device *wdev, struct sk_buff *skb)
{
	struct weft_peer *peer;

	peer = weft_handshake_consume_initiation((void *)skb->data, wdev);
	if (!peer) {
		if (weft_upcall_initiation(wdev, skb))
			return;
		weft_stats_drop(wdev, WEFT_DROP_RX_HANDSHAKE_INVALID, 1);
		return;
	}
	weft_stats_rx(wdev, 1, skb->len);
	weft_stats_count(wdev, WEFT_COUNT_RX_INITIATIONS);
	trace_weft_handshake(wdev->dev, peer->id,
			     WEFT_TRACE_INITIATION_RECEIVED);
	weft_path_received(peer, skb);
	/* Before the answer, since what that brings about starts timers. */
	weft_count_received(peer, skb->len);
	weft_send_response(peer);
	weft_peer_put(peer);
}

/**
 * weft_session_established() - both ends have the session
 * @peer: with whom
 */
void weft_session_established(struct weft_peer *peer)
{
	weft_timers_handshake_complete(peer);
	trace_weft_handshake(peer->wdev->dev, peer->id,
			     WEFT_TRACE_SESSION_ESTABLISHED);
	weft_netlink_session_event(peer, WEFT_SESSION_EVENT_NEW);
}

static void receive_response(struct weft_device *wdev, struct sk_buff *skb)
{
	struct weft_peer *peer;

	peer = weft_handshake_consume_response((void *)skb->data, wdev);
	if (!peer) {
		weft_stats_drop(wdev, WEFT_DROP_RX_HANDSHAKE_INVALID, 1);
		return;
	}
	weft_stats_rx(wdev, 1, skb->len);
	weft_stats_count(wdev, WEFT_COUNT_RX_RESPONSES);
	trace_weft_handshake(wdev->dev, peer->id, WEFT_TRACE_RESPONSE_RECEIVED);
	weft_path_received(peer, skb);
	weft_count_received(peer, skb->len);
	if (weft_handshake_begin_session(peer)) {
		weft_timers_session_derived(peer);
		weft_session_established(peer);
		/* The responder waits for a first packet, with data or without. */
		weft_send_keepalive(peer);
		weft_control_session_begins(peer);
	}
	weft_peer_put(peer);
}

static __le32 sender_index(const struct sk_buff *skb)
{
	/* In the same place in both messages. */
	const struct weft_message_handshake_initiation *msg = (void *)skb->data;

	BUILD_BUG_ON(offsetof(struct weft_message_handshake_initiation,
			      sender_index) !=
		     offsetof(struct weft_message_handshake_response,
			      sender_index));
	return msg->sender_index;
}

/* Section 5.3: is the message worth computing on? */
static bool admit_handshake(struct weft_device *wdev, struct sk_buff *skb)
{
	bool loaded = under_load(wdev);

	switch (weft_cookie_validate(&wdev->cookie_checker, skb, loaded,
				     dev_net(wdev->dev))) {
	case WEFT_MAC_VALID_WITH_COOKIE:
		return true;
	case WEFT_MAC_VALID:
		if (!loaded)
			return true;
		weft_send_cookie(wdev, skb, sender_index(skb));
		return false;
	case WEFT_MAC_VALID_WITH_COOKIE_RATELIMITED:
		weft_stats_drop(wdev, WEFT_DROP_RX_HANDSHAKE_RATE, 1);
		return false;
	default:
		weft_stats_drop(wdev, WEFT_DROP_RX_HANDSHAKE_MAC, 1);
		return false;
	}
}

static void receive_handshake(struct weft_device *wdev, struct sk_buff *skb)
{
	u8 type = weft_message_type((void *)skb->data);

	if (type == WEFT_MESSAGE_HANDSHAKE_COOKIE) {
		receive_cookie(wdev, skb);
		return;
	}
	if (!admit_handshake(wdev, skb))
		return;
	if (type == WEFT_MESSAGE_HANDSHAKE_INITIATION)
		receive_initiation(wdev, skb);
	else
		receive_response(wdev, skb);
}

/**
 * weft_handshake_receive_work() - work on handshake messages received
 * @work: one of weft_device.handshake_workers
 */
void weft_handshake_receive_work(struct work_struct *work)
{
	struct weft_device *wdev =
		container_of(work, struct weft_handshake_worker, work)->wdev;
	struct sk_buff *skb;

	while ((skb = ptr_ring_consume_bh(&wdev->handshake_ring))) {
		receive_handshake(wdev, skb);
		dev_kfree_skb(skb);
		atomic_dec(&wdev->handshakes_queued);
		cond_resched();
	}
}

/**
 * weft_receive_held_initiation() - take up an initiation again
 * @wdev: device
 * @skb: the initiation, as it was given to weft_upcall_initiation()
 *
 * Context: process.
 */
void weft_receive_held_initiation(struct weft_device *wdev, struct sk_buff *skb)
{
	receive_initiation(wdev, skb);
}

static void queue_handshake(struct weft_device *wdev, struct sk_buff *skb)
{
	unsigned int i;

	atomic_inc(&wdev->handshakes_queued);
	if (unlikely(ptr_ring_produce_bh(&wdev->handshake_ring, skb))) {
		atomic_dec(&wdev->handshakes_queued);
		weft_drop(wdev, skb, WEFT_DROP_RX_HANDSHAKE_QUEUE_FULL);
		return;
	}
	i = READ_ONCE(wdev->next_handshake_worker) + 1;
	if (i >= nr_cpu_ids)
		i = 0;
	WRITE_ONCE(wdev->next_handshake_worker, i);
	queue_work(wdev->handshake_wq, &wdev->handshake_workers[i].work);
}

static bool receivable(const struct weft_session *session)
{
	return !weft_timers_expired(session->birth,
				    READ_ONCE(weft_reject_after_ms)) &&
	       READ_ONCE(session->replay.counter) < WEFT_REJECT_AFTER_MESSAGES;
}

static struct weft_session *find_session(struct weft_device *wdev, __le32 id)
{
	struct weft_index *index = weft_index_lookup(&wdev->indexes, id);

	if (!index || index->kind != WEFT_INDEX_SESSION)
		return NULL;
	return container_of(index, struct weft_session, index);
}

/* @skb is at its first message, @count are in it; @msg may be a copy. */
static void queue_data(struct weft_device *wdev, struct sk_buff *skb,
		       const struct weft_message_data *msg, unsigned int count)
{
	struct weft_cb *cb = weft_cb(skb);
	struct weft_session *session;
	unsigned int len = skb->len;
	struct weft_peer *peer;

	session = find_session(wdev, msg->key_idx);
	if (unlikely(!session || !receivable(session) ||
		     weft_message_suite(&msg->header) != session->suite->id)) {
		weft_drop(wdev, skb, WEFT_DROP_RX_NO_SESSION);
		return;
	}

	peer = session->index.peer;
	cb->session = session;
	cb->peer = peer;
	cb->count = count;
	cb->direction = WEFT_RX;
	cb->depth = 0;
	cb->tos = ip_tunnel_get_dsfield(ip_hdr(skb), skb);
	skb_mark_not_on_list(skb);
	switch (weft_order_gather(&peer->rx, skb)) {
	case WEFT_GATHER_JOINED:
		weft_lane_joined(peer, len);
		break;
	case WEFT_GATHER_NEW:
		weft_lane_begun(peer, len, count);
		break;
	case WEFT_GATHER_OTHER: /* not when receiving */
	case WEFT_GATHER_FULL:
		weft_drop(wdev, skb, WEFT_DROP_RX_QUEUE_FULL);
		break;
	case WEFT_GATHER_NO_SESSION:
		weft_drop(wdev, skb, WEFT_DROP_RX_NO_SESSION);
		break;
	}
}

/* Takes off the UDP header; the type if the length goes with it. */
static u8 classify_handshake(struct sk_buff *skb)
{
	unsigned int len;
	u8 type;

	if (!pskb_may_pull(skb, sizeof(struct udphdr) +
				sizeof(struct weft_message_header)))
		return WEFT_MESSAGE_INVALID;
	__skb_pull(skb, sizeof(struct udphdr));
	len = skb->len;
	type = weft_message_type((void *)skb->data);

	switch (type) {
	case WEFT_MESSAGE_HANDSHAKE_INITIATION:
		if (len == sizeof(struct weft_message_handshake_initiation))
			return type;
		break;
	case WEFT_MESSAGE_HANDSHAKE_RESPONSE:
		if (len == sizeof(struct weft_message_handshake_response))
			return type;
		break;
	case WEFT_MESSAGE_HANDSHAKE_COOKIE:
		if (len == sizeof(struct weft_message_cookie_reply) &&
		    !weft_message_suite((void *)skb->data))
			return type;
		break;
	}
	return WEFT_MESSAGE_INVALID;
}

static void receive_other(struct weft_device *wdev, struct sk_buff *skb)
{
	if (unlikely(classify_handshake(skb) == WEFT_MESSAGE_INVALID)) {
		weft_drop(wdev, skb, WEFT_DROP_RX_MALFORMED);
		return;
	}
	/* Nobody is to wait in a worker for what answers would need. */
	if (unlikely(!rng_is_initialized())) {
		weft_drop(wdev, skb, WEFT_DROP_RX_NOT_SEEDED);
		return;
	}
	if (unlikely(skb_linearize(skb))) {
		weft_drop(wdev, skb, WEFT_DROP_RX_NO_MEMORY);
		return;
	}
	queue_handshake(wdev, skb);
}

static bool is_data(const struct weft_message_data *msg)
{
	return msg && weft_message_type(&msg->header) == WEFT_MESSAGE_DATA;
}

static void receive_one(struct weft_device *wdev, struct sk_buff *skb)
{
	const struct weft_message_data *msg;
	struct weft_message_data buffer;

	/* What lies in a fragment stays there, next to its text. */
	msg = skb_header_pointer(skb, sizeof(struct udphdr), sizeof(buffer),
				 &buffer);
	if (likely(is_data(msg) && skb->len >= sizeof(struct udphdr) +
					       WEFT_MESSAGE_MINIMUM_LEN)) {
		__skb_pull(skb, sizeof(struct udphdr));
		queue_data(wdev, skb, msg, 1);
		return;
	}
	receive_other(wdev, skb);
}

/* Does the message of a train go with the first one? */
static bool same_session(const struct weft_message_data *first,
			 struct weft_piece *piece, const struct sk_buff *skb,
			 unsigned int at)
{
	const struct weft_message_data *msg;
	struct weft_message_data buffer;

	msg = weft_piece_at(piece, skb, at, sizeof(*msg));
	if (unlikely(!msg))
		msg = skb_header_pointer(skb, at, sizeof(buffer), &buffer);
	return msg && msg->header.type == first->header.type &&
	       msg->key_idx == first->key_idx;
}

/*
 * How many messages are in a train if they are data of one session; else 0. A
 * single one that claims to be a train is none: no GRO makes that.
 */
static unsigned int count_train(const struct sk_buff *skb,
				struct weft_message_data *first)
{
	unsigned int stride = skb_shinfo(skb)->gso_size;
	unsigned int at = sizeof(struct udphdr), count = 0;
	struct weft_piece piece = {};

	if (!(skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4) ||
	    stride < WEFT_MESSAGE_MINIMUM_LEN || skb->len - at <= stride ||
	    skb_copy_bits(skb, at, first, sizeof(*first)) || !is_data(first))
		return 0;
	for (; at < skb->len; at += stride, count++) {
		if (skb->len - at < WEFT_MESSAGE_MINIMUM_LEN ||
		    !same_session(first, &piece, skb, at))
			return 0;
	}
	return count;
}

/* Single datagrams, each at its UDP header; NULL if it is dropped. */
static struct sk_buff *split_train(struct weft_device *wdev, struct sock *sk,
				   struct sk_buff *skb)
{
	unsigned int count = max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
	bool is_ipv4 = ip_hdr(skb)->version == 4;
	struct sk_buff *list;

	__skb_push(skb, -skb_mac_offset(skb));
	list = udp_rcv_segment(sk, skb, is_ipv4);
	/* It has been freed, and why is not known. */
	if (unlikely(!list))
		weft_stats_drop(wdev, WEFT_DROP_RX_MALFORMED, count);
	for (skb = list; skb; skb = skb->next)
		__skb_pull(skb, skb_transport_offset(skb));
	return list;
}

/* Datagrams of one size that belong together came as one packet. */
static void receive_train(struct weft_device *wdev, struct sock *sk,
			  struct sk_buff *skb)
{
	struct weft_message_data first;
	struct sk_buff *next;
	unsigned int count;

	count = count_train(skb, &first);
	if (likely(count)) {
		__skb_pull(skb, sizeof(struct udphdr));
		queue_data(wdev, skb, &first, count);
		return;
	}
	skb = split_train(wdev, sk, skb);
	skb_list_walk_safe(skb, skb, next) {
		skb_mark_not_on_list(skb);
		receive_one(wdev, skb);
	}
}

/**
 * weft_receive() - a UDP packet came in
 * @wdev: device
 * @sk: its socket
 * @skb: packet, at its UDP header; consumed
 *
 * Context: softirq, RCU read section.
 */
void weft_receive(struct weft_device *wdev, struct sock *sk,
		  struct sk_buff *skb)
{
	/* The outer route is not counted and may go while the packet waits. */
	skb_dst_drop(skb);
	if (skb_is_gso(skb))
		receive_train(wdev, sk, skb);
	else
		receive_one(wdev, skb);
}

/* Length that the inner header claims; 0 if it cannot be right. */
static unsigned int inner_len(const struct sk_buff *skb)
{
	unsigned int len;

	if (skb->protocol == htons(ETH_P_IP)) {
		len = ntohs(ip_hdr(skb)->tot_len);
		return len < sizeof(struct iphdr) ? 0 : len;
	}
	return ntohs(ipv6_hdr(skb)->payload_len) + sizeof(struct ipv6hdr);
}

static bool decapsulate_ecn(struct sk_buff *skb, u8 outer)
{
	u8 inner = skb->protocol == htons(ETH_P_IP) ?
			   ip_hdr(skb)->tos :
			   ipv6_get_dsfield(ipv6_hdr(skb));

	/* RFC 6040, section 4.2 */
	return INET_ECN_decapsulate(skb, outer, inner) <= 1;
}

/* Makes the opened message look like a packet that has just come in. */
static void dress(struct sk_buff *skb, struct net_device *dev)
{
	skb_reset_mac_header(skb);
	skb_reset_transport_header(skb);
	skb_scrub_packet(skb, true);
	weft_forget_verdicts(skb);
	skb_init_secmark(skb);
	skb->priority = 0;
	skb_clear_hash(skb);
	skb_set_queue_mapping(skb, 0);
	__vlan_hwaccel_clear_tag(skb);
	skb->encapsulation = 0;
	skb->dev = dev;
	/* One that we merged has a checksum that is still to be written. */
	if (skb_shinfo(skb)->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6))
		return;
	/* Nothing of the packet that the message came in is left. */
	skb_gso_reset(skb);
	/* The tag vouches for what was sent, better than any checksum. */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->csum_level = ~0;
}

/* Why an opened packet must not reach the stack; WEFT_DROP_COUNT if it may. */
static enum weft_drop inspect(struct weft_peer *peer, struct sk_buff *skb,
			      u8 tos)
{
	const struct weft_peer_table *table;
	unsigned int len;

	skb_reset_network_header(skb);
	/* Opened messages are linear; this looks at a whole header or at none. */
	skb->protocol = ip_tunnel_parse_protocol(skb);
	if (!skb->protocol)
		return WEFT_DROP_RX_NOT_IP;
	len = inner_len(skb);
	if (unlikely(!len || len > skb->len))
		return WEFT_DROP_RX_LENGTH;
	table = rcu_dereference_bh(peer->wdev->table);
	if (weft_allowedips_lookup_src(&table->allowed, skb) != peer)
		return WEFT_DROP_RX_NOT_ALLOWED;
	if (unlikely(!decapsulate_ecn(skb, tos)))
		return WEFT_DROP_RX_ECN;
	if (unlikely(pskb_trim(skb, len)))
		return WEFT_DROP_RX_NO_MEMORY;
	return WEFT_DROP_COUNT;
}

static void deliver(struct napi_struct *napi, struct weft_peer *peer,
		    struct sk_buff *skb, u8 tos)
{
	unsigned int packets = max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
	unsigned int bytes = weft_cb(skb)->bytes;
	struct weft_device *wdev = peer->wdev;
	enum weft_drop reason;

	if (unlikely(weft_control_is_frame(skb))) {
		weft_stats_rx(wdev, 1, bytes);
		weft_control_receive(peer, skb);
		return;
	}
	weft_timers_data_received(peer);
	reason = inspect(peer, skb, tos);
	if (unlikely(reason != WEFT_DROP_COUNT)) {
		weft_drop(wdev, skb, reason);
		return;
	}
	dress(skb, wdev->dev);
	weft_stats_rx(wdev, packets, bytes);
	napi_gro_receive(napi, skb);
}

static void deliver_batch(struct napi_struct *napi, struct weft_peer *peer,
			  struct sk_buff *batch)
{
	u8 tos = weft_cb(batch)->tos;
	struct sk_buff *skb, *next;

	/* What is not good has been counted when that was found. */
	if (unlikely(weft_cb(batch)->state != WEFT_BATCH_READY)) {
		weft_batch_free(batch);
		return;
	}
	/* Here, because the last to arrive says where the peer is. */
	weft_path_received(peer, batch);
	skb = weft_batch_finish(batch);
	skb_list_walk_safe(skb, skb, next) {
		skb_mark_not_on_list(skb);
		deliver(napi, peer, skb, tos);
	}
}

/* Opens a batch, or has it opened; messages that were opened here. */
static unsigned int open_batch(struct weft_peer *peer, struct sk_buff *batch)
{
	struct weft_session *session = weft_cb(batch)->session;
	unsigned int count = weft_cb(batch)->count;
	const struct sk_buff *skb;
	unsigned int bytes = 0;

	for (skb = batch; skb; skb = skb->next)
		bytes += skb->len;
	if (!weft_crypt_open(peer->wdev, batch, bytes))
		count = 0;
	weft_session_put(session);
	return count;
}

/*
 * Has opened what has come in meanwhile, but itself no more than what is in its
 * budget; how many messages it opened.
 */
static int open_gathered(struct weft_peer *peer, int budget)
{
	struct sk_buff *batch;
	int done = 0;

	while (done < budget && (batch = weft_order_claim(&peer->rx)))
		done += open_batch(peer, batch);
	return done;
}

/**
 * weft_deliver() - open what has come in, and deliver what is ready
 * @peer: from whom
 * @napi: that of the peer's lane
 * @budget: messages to open, and packets to deliver, at most
 *
 * Most of what is delivered has just been opened: both are the same work.
 *
 * Return: how much that was.
 */
int weft_deliver(struct weft_peer *peer, struct napi_struct *napi, int budget)
{
	bool due = READ_ONCE(peer->control.session_begun);
	int opened = open_gathered(peer, budget);
	struct sk_buff *batch;
	int done = 0;

	while (done < budget && (batch = weft_order_pop(&peer->rx))) {
		done += weft_cb(batch)->count;
		deliver_batch(napi, peer, batch);
	}
	if (unlikely(due && READ_ONCE(peer->control.session_begun)))
		weft_control_session_begins(peer);
	return max(opened, done);
}
