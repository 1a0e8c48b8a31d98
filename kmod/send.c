// SPDX-License-Identifier: GPL-2.0
/*
 * From the stack to the peer: packets become batches, and those that are sealed
 * leave in order. Handshake messages and keepalives start here too.
 */

#include <linux/icmpv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/dst_metadata.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip_tunnels.h>

#include "compat/compat.h"
#include "control.h"
#include "cookie.h"
#include "device.h"
#include "packet.h"
#include "peer.h"
#include "queue.h"
#include "segment.h"
#include "session.h"
#include "socket.h"
#include "stats.h"
#include "trace.h"
#include "upcall.h"

/*
 * Times that one packet may go through weft devices of this machine, tunnel in
 * tunnel, before it is called a loop.
 */
#define MAX_DEPTH 4

/* Packets that leave without giving other softirqs a chance. */
#define DRAIN_PACKETS (4 * WEFT_MAX_BATCH)

/*
 * How deep this CPU is in sending; bottom halves are disabled meanwhile. With
 * PREEMPT_RT others may send between: whoever adds takes away as much.
 */
static DEFINE_PER_CPU(u8, send_depth);

static struct weft_session *usable_session(struct weft_peer *peer)
{
	struct weft_session *session =
		rcu_dereference_bh(peer->sessions.current_session);

	return session && weft_session_is_fresh(session) ? session : NULL;
}

/* Section 6.2: an initiator renews the session before its limits are reached. */
static void keep_session_fresh(struct weft_peer *peer)
{
	struct weft_session *session;
	bool renew = false;

	rcu_read_lock_bh();
	session = rcu_dereference_bh(peer->sessions.current_session);
	if (session && READ_ONCE(session->send_valid))
		renew = atomic64_read(&session->send_counter) >
			session->suite->rekey_after_messages ||
			(session->initiator &&
			 weft_timers_expired(session->birth,
					     READ_ONCE(weft_rekey_after_ms))) ||
			weft_control_outgrown(peer, session);
	rcu_read_unlock_bh();

	if (unlikely(renew))
		weft_queue_initiation(peer, false);
}

/* Keepalives and control frames were never IP. */
static bool carries_data(const struct sk_buff *batch)
{
	const struct sk_buff *skb;

	for (skb = batch; skb; skb = skb->next)
		if (skb->protocol)
			return true;
	return false;
}

static void send_sealed(struct weft_peer *peer, struct sk_buff *batch)
{
	u8 depth = weft_cb(batch)->depth;
	u8 tos = weft_cb(batch)->tos;
	u8 deeper;

	batch = weft_batch_finish(batch);

	weft_timers_authenticated_traversed(peer);
	weft_timers_authenticated_sent(peer);
	/* Before the answer can be here, which stops the timer. */
	if (carries_data(batch))
		weft_timers_data_sent(peer);

	deeper = depth + 1 - this_cpu_read(send_depth);
	this_cpu_add(send_depth, deeper);
	weft_path_send(peer, batch, tos);
	this_cpu_sub(send_depth, deeper);

	keep_session_fresh(peer);
}

/* Sends some of what is sealed; false once the queue has been left. */
static bool drain_some(struct weft_peer *peer)
{
	unsigned int packets = 0;
	struct sk_buff *batch;

	while (packets < DRAIN_PACKETS) {
		batch = weft_order_pop_or_stop(&peer->tx);
		if (!batch)
			return false;
		packets += weft_cb(batch)->count;
		if (likely(weft_cb(batch)->state == WEFT_BATCH_READY))
			send_sealed(peer, batch);
		else
			weft_batch_free(batch);
	}
	return true;
}

/* The peer's CPU, or another one while that is offline. */
static int send_cpu(const struct weft_peer *peer)
{
	int cpu = peer->id % nr_cpu_ids;

	return cpu_online(cpu) ? cpu : cpumask_any(cpu_online_mask);
}

/* Hands the draining over to the peer's worker. */
static bool drain_elsewhere(struct weft_peer *peer)
{
	if (!weft_peer_get_maybe_zero(peer))
		return false;
	if (!queue_work_on(send_cpu(peer), peer->wdev->send_wq,
			   &peer->drain_work))
		weft_peer_put(peer);
	return true;
}

/**
 * weft_tx_drain() - send what is sealed, in order
 * @peer: to whom
 *
 * Only one CPU drains a peer, and others may seal faster than it sends. What
 * is too much for a caller that has bottom halves off is left to a worker,
 * which goes on as the one who drains.
 *
 * Context: bottom halves disabled.
 */
void weft_tx_drain(struct weft_peer *peer)
{
	if (!weft_order_start_drain(&peer->tx))
		return;
	while (drain_some(peer)) {
		/* A peer on its way out gets nothing new. */
		if (drain_elsewhere(peer))
			return;
	}
}

/**
 * weft_tx_drain_later() - have sent what is sealed, in order
 * @peer: to whom
 *
 * For workers, which are on any CPU. Many network interfaces have a queue for
 * each CPU; sending now from one and now from another would undo the order.
 *
 * Context: bottom halves disabled.
 */
void weft_tx_drain_later(struct weft_peer *peer)
{
	if (!weft_order_start_drain(&peer->tx))
		return;
	if (drain_elsewhere(peer))
		return;
	while (drain_some(peer))
		;
}

/**
 * weft_tx_drain_work() - go on sending what is sealed
 * @work: weft_peer.drain_work, with a reference of the peer; its queue is
 *	being drained in this worker's name
 */
void weft_tx_drain_work(struct work_struct *work)
{
	struct weft_peer *peer = container_of(work, struct weft_peer,
					      drain_work);
	bool more;

	do {
		local_bh_disable();
		more = drain_some(peer);
		local_bh_enable();
		cond_resched();
	} while (more);
	weft_peer_put(peer);
}

/*
 * RFC 6040, section 4.1, normal mode: the ECN bits of the inner packet. Its
 * DSCP stays private. A keepalive is empty.
 */
static u8 outer_tos(struct sk_buff *skb)
{
	if (!skb->len)
		return 0;
	return ip_tunnel_get_dsfield(ip_hdr(skb), skb) & INET_ECN_MASK;
}

/*
 * Takes as many packets off the list as may go together. Returns what is left.
 * A GSO packet is a batch of its own.
 */
static struct sk_buff *take_batch(struct sk_buff *list, unsigned int *bytes)
{
	struct weft_cb *cb = weft_cb(list);
	struct sk_buff *last = list, *rest;

	cb->tos = outer_tos(list);
	cb->count = 1;
	*bytes = list->len;
	if (skb_is_gso(list))
		cb->count = skb_shinfo(list)->gso_segs;
	else
		while (last->next && cb->count < WEFT_MAX_BATCH &&
		       !skb_is_gso(last->next) &&
		       outer_tos(last->next) == cb->tos) {
			last = last->next;
			*bytes += last->len;
			cb->count++;
		}
	rest = last->next;
	last->next = NULL;
	return rest;
}

/* A range of nonces, unless the session has no more. */
static bool take_nonces(struct sk_buff *batch)
{
	struct weft_cb *cb = weft_cb(batch);
	struct weft_session *session = cb->session;

	cb->nonce = atomic64_add_return(cb->count, &session->send_counter) -
		    cb->count;
	if (likely(cb->nonce + cb->count <= WEFT_REJECT_AFTER_MESSAGES))
		return true;
	WRITE_ONCE(session->send_valid, false);
	return false;
}

static void submit_held(struct weft_peer *peer, struct sk_buff *batch)
{
	struct weft_cb *cb = weft_cb(batch);
	struct weft_session *session = cb->session;
	const struct sk_buff *skb;
	unsigned int bytes = 0;

	for (skb = batch; skb; skb = skb->next)
		bytes += skb->len;
	/* It may have lost the right to send since, as when a machine is cloned. */
	if (likely(READ_ONCE(session->send_valid) && take_nonces(batch))) {
		weft_crypt_submit(peer->wdev, batch, bytes);
	} else {
		weft_stats_drop(peer->wdev, WEFT_DROP_TX_NO_SESSION, cb->count);
		weft_order_finish(batch, false);
		weft_tx_drain(peer);
	}
	weft_session_put(session);
}

/**
 * weft_tx_release() - send what is held, if anything is
 * @peer: to whom
 *
 * Context: bottom halves disabled; the peer is alive by RCU or a reference.
 */
void weft_tx_release(struct weft_peer *peer)
{
	struct sk_buff *batch = weft_order_claim(&peer->tx);

	if (batch)
		submit_held(peer, batch);
}

/*
 * Takes a packet that waits for those behind it; false if it must not wait. What
 * is held has its place in the queue, and gets its nonces when it is let go.
 */
static bool hold(struct weft_peer *peer, struct weft_session *session,
		 struct sk_buff *skb)
{
	struct weft_cb *cb = weft_cb(skb);

	if (skb->next || this_cpu_read(send_depth) ||
	    !weft_burst_takes(peer, skb))
		return false;
	cb->peer = peer;
	cb->session = session;
	cb->direction = WEFT_TX;
	cb->depth = 0;
	cb->tos = outer_tos(skb);
	cb->count = 1;
	switch (weft_order_gather(&peer->tx, skb)) {
	case WEFT_GATHER_NEW:
		weft_burst_begun(peer);
		return true;
	case WEFT_GATHER_JOINED:
		if (weft_burst_joined(peer))
			weft_tx_release(peer);
		return true;
	default:
		return false;
	}
}

/* Gives the first batch of a list nonces and a place in the queue. */
static struct sk_buff *queue_batch(struct weft_peer *peer,
				   struct weft_session *session,
				   struct sk_buff *list)
{
	struct weft_device *wdev = peer->wdev;
	struct weft_cb *cb = weft_cb(list);
	struct sk_buff *rest;
	unsigned int bytes;

	rest = take_batch(list, &bytes);
	cb->peer = peer;
	cb->session = session;
	cb->direction = WEFT_TX;
	cb->state = WEFT_BATCH_PENDING;
	cb->depth = this_cpu_read(send_depth);
	/* What has come before goes before; nearly always with lower nonces. */
	if (unlikely(weft_order_gathers(&peer->tx)))
		weft_tx_release(peer);
	if (unlikely(!take_nonces(list))) {
		weft_drop_list(wdev, list, WEFT_DROP_TX_NO_SESSION);
		return rest;
	}
	if (likely(weft_order_push(&peer->tx, list)))
		weft_crypt_submit(wdev, list, bytes);
	else
		weft_drop_list(wdev, list, WEFT_DROP_TX_QUEUE_FULL);
	return rest;
}

static void queue_packets(struct weft_peer *peer, struct weft_session *session,
			  struct sk_buff *list)
{
	while (list)
		list = queue_batch(peer, session, list);
}

static struct sk_buff *unstage(struct weft_peer *peer)
{
	struct sk_buff_head packets;
	unsigned long flags;
	struct sk_buff *last;

	__skb_queue_head_init(&packets);
	spin_lock_irqsave(&peer->staged.lock, flags);
	skb_queue_splice_init(&peer->staged, &packets);
	spin_unlock_irqrestore(&peer->staged.lock, flags);
	if (skb_queue_empty(&packets))
		return NULL;

	atomic_sub(skb_queue_len(&packets), &peer->wdev->staged_packets);
	last = packets.prev;
	last->next = NULL;
	return packets.next;
}

/**
 * weft_purge_staged() - drop what waits for a session
 * @peer: for which peer
 */
void weft_purge_staged(struct weft_peer *peer)
{
	struct sk_buff *list = unstage(peer);

	if (list)
		weft_drop_list(peer->wdev, list, WEFT_DROP_TX_NO_SESSION);
}

static void stage(struct weft_peer *peer, struct sk_buff *skb)
{
	struct weft_device *wdev = peer->wdev;
	struct sk_buff *oldest = NULL;

	spin_lock_bh(&peer->staged.lock);
	/*
	 * What is new is worth more than what has waited long. One packet may
	 * always wait: others' unanswered handshakes must not keep this peer
	 * from beginning one.
	 */
	if (skb_queue_len(&peer->staged) >= WEFT_MAX_STAGED_PACKETS ||
	    atomic_read(&wdev->staged_packets) >= WEFT_MAX_STAGED_PER_DEVICE)
		oldest = __skb_dequeue(&peer->staged);
	__skb_queue_tail(&peer->staged, skb);
	spin_unlock_bh(&peer->staged.lock);

	if (oldest)
		weft_drop(wdev, oldest, WEFT_DROP_TX_STAGED_FULL);
	else
		atomic_inc(&wdev->staged_packets);
}

/* Cuts a packet as the stack would; the drop is counted if that fails. */
static struct sk_buff *cut(struct weft_device *wdev, struct sk_buff *skb)
{
	u32 mtu = weft_cb(skb)->mtu;
	struct sk_buff *list;

	/* No features: linear segments with complete checksums. */
	list = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(list)) {
		weft_drop(wdev, skb, WEFT_DROP_TX_NO_MEMORY);
		return NULL;
	}
	consume_skb(skb);
	for (skb = list; skb; skb = skb->next)
		weft_cb(skb)->mtu = mtu;
	return list;
}

static void stage_list(struct weft_peer *peer, struct sk_buff *list)
{
	struct sk_buff *skb, *next;

	/* What waits is bounded by packets, so a packet has to be one. */
	if (skb_is_gso(list))
		list = cut(peer->wdev, list);
	skb_list_walk_safe(list, skb, next) {
		skb_mark_not_on_list(skb);
		/* The socket must not wait for a handshake. */
		skb_orphan(skb);
		stage(peer, skb);
	}
}

/**
 * weft_send_staged() - send what waits, or ask for a session to send it with
 * @peer: to whom
 *
 * Context: bottom halves disabled or process.
 */
void weft_send_staged(struct weft_peer *peer)
{
	struct weft_session *session;
	struct sk_buff *list;

	rcu_read_lock_bh();
	session = usable_session(peer);
	if (session) {
		list = unstage(peer);
		if (list)
			queue_packets(peer, session, list);
	}
	rcu_read_unlock_bh();

	if (!session && !skb_queue_empty_lockless(&peer->staged))
		weft_queue_initiation(peer, false);
}

static void send_packets(struct weft_peer *peer, struct sk_buff *list)
{
	struct weft_session *session = usable_session(peer);

	if (likely(session && skb_queue_empty_lockless(&peer->staged))) {
		if (!hold(peer, session, list))
			queue_packets(peer, session, list);
		return;
	}
	stage_list(peer, list);
	weft_send_staged(peer);
}

static void icmp_unreachable(struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	else if (skb->protocol == htons(ETH_P_IPV6))
		icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH,
				0);
}

static void icmp_too_big(struct sk_buff *skb, unsigned int mtu)
{
	if (skb->protocol == htons(ETH_P_IPV6))
		icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
	else if (ip_hdr(skb)->frag_off & htons(IP_DF))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
			      htonl(mtu));
}

/* The stack fragments before it gets here; what comes around it may not. */
static bool fits(const struct sk_buff *skb, unsigned int mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu);
	return skb->len <= mtu;
}

/* Why a packet cannot be sent at all; WEFT_DROP_COUNT if it can. */
static enum weft_drop refuse(struct sk_buff *skb, struct weft_peer *peer,
			     unsigned int mtu)
{
	if (unlikely(!peer)) {
		icmp_unreachable(skb);
		return WEFT_DROP_TX_NO_PEER;
	}
	if (unlikely(!weft_path_present(peer))) {
		icmp_unreachable(skb);
		return WEFT_DROP_TX_NO_ENDPOINT;
	}
	if (unlikely(!fits(skb, mtu))) {
		icmp_too_big(skb, mtu);
		return WEFT_DROP_TX_TOO_BIG;
	}
	return WEFT_DROP_COUNT;
}

/* Drops a packet; the error that a local sender sees. */
static int drop(struct weft_device *wdev, struct sk_buff *skb,
		enum weft_drop reason)
{
	weft_drop(wdev, skb, reason);
	switch (reason) {
	case WEFT_DROP_TX_NO_PEER:
		return -ENOKEY;
	case WEFT_DROP_TX_NO_ENDPOINT:
		return -EDESTADDRREQ;
	case WEFT_DROP_TX_NOT_IP:
		return -EPROTONOSUPPORT;
	case WEFT_DROP_TX_TOO_BIG:
		return -EMSGSIZE;
	case WEFT_DROP_TX_LOOP:
		return -ELOOP;
	default:
		return -ENOMEM;
	}
}

/**
 * weft_send_unreachable() - tell a sender that nobody has the destination
 * @wdev: device
 * @skb: inner packet; freed
 *
 * Context: bottom halves disabled, RCU.
 */
void weft_send_unreachable(struct weft_device *wdev, struct sk_buff *skb)
{
	icmp_unreachable(skb);
	weft_drop(wdev, skb, WEFT_DROP_TX_NO_PEER);
}

/**
 * weft_xmit() - ndo_start_xmit
 * @skb: inner packet
 * @dev: weft device
 *
 * Context: bottom halves disabled, RCU.
 * Return: NETDEV_TX_OK or -errno; the packet is consumed in any case.
 */
netdev_tx_t weft_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct weft_device *wdev = netdev_priv(dev);
	struct weft_peer *peer;
	enum weft_drop reason;
	unsigned int mtu;

	if (unlikely(!skb->protocol || !pskb_inet_may_pull(skb) ||
		     ip_tunnel_parse_protocol(skb) != skb->protocol))
		return drop(wdev, skb, WEFT_DROP_TX_NOT_IP);
	if (unlikely(this_cpu_read(send_depth) > MAX_DEPTH))
		return drop(wdev, skb, WEFT_DROP_TX_LOOP);

	peer = weft_allowedips_lookup_dst(&rcu_dereference_bh(wdev->table)->allowed,
					  skb);
	if (unlikely(!peer) && weft_upcall_packet(wdev, skb))
		return NETDEV_TX_OK;
	mtu = skb_valid_dst(skb) ? dst_mtu(skb_dst(skb)) : dev->mtu;
	reason = refuse(skb, peer, max(mtu, dev->mtu));
	if (unlikely(reason != WEFT_DROP_COUNT))
		return drop(wdev, skb, reason);

	skb_mark_not_on_list(skb);
	/* The route is the inner packet's. */
	skb_dst_drop(skb);
	weft_cb(skb)->mtu = mtu;
	if (skb_is_gso(skb) && !weft_segment_knows(skb))
		skb = cut(wdev, skb);
	if (likely(skb))
		send_packets(peer, skb);
	return NETDEV_TX_OK;
}

/**
 * weft_send_keepalive() - send an empty packet, unless something better waits
 * @peer: to whom
 *
 * Without a session it asks for one.
 */
void weft_send_keepalive(struct weft_peer *peer)
{
	struct sk_buff *skb;

	if (skb_queue_empty_lockless(&peer->staged)) {
		skb = alloc_skb(WEFT_DATA_HEADROOM + WEFT_DATA_TAILROOM,
				GFP_ATOMIC);
		if (unlikely(!skb))
			return;
		skb_reserve(skb, WEFT_DATA_HEADROOM);
		weft_cb(skb)->mtu = 0;
		stage(peer, skb);
		weft_stats_count(peer->wdev, WEFT_COUNT_TX_KEEPALIVES);
	}
	weft_send_staged(peer);
}

/**
 * weft_send_control() - send a control frame, if there is a session for it
 * @peer: to whom
 * @skb: the frame, with room around it as an inner packet has; consumed
 *
 * Context: bottom halves disabled or process.
 * Return: false if there is no session.
 */
bool weft_send_control(struct weft_peer *peer, struct sk_buff *skb)
{
	struct weft_session *session;

	/* It belongs to no flow, and may be padded. */
	__skb_set_sw_hash(skb, 0, false);
	weft_cb(skb)->mtu = 0;

	rcu_read_lock_bh();
	session = usable_session(peer);
	if (session)
		queue_packets(peer, session, skb);
	else
		kfree_skb(skb);
	rcu_read_unlock_bh();
	return session;
}

/**
 * weft_queue_initiation() - ask for a new session
 * @peer: with whom
 * @is_retry: an earlier one was not answered
 *
 * At most one in WEFT_REKEY_TIMEOUT goes out.
 */
void weft_queue_initiation(struct weft_peer *peer, bool is_retry)
{
	if (!is_retry)
		peer->timers.handshake_attempts = 0;

	rcu_read_lock_bh();
	if (weft_timers_expired(atomic64_read(&peer->last_sent_handshake),
				WEFT_REKEY_TIMEOUT * MSEC_PER_SEC) &&
	    likely(!READ_ONCE(peer->dead)) &&
	    weft_peer_get_maybe_zero(peer) &&
	    !queue_work(peer->wdev->peer_wq, &peer->handshake_work))
		weft_peer_put(peer);
	rcu_read_unlock_bh();
}

static void send_handshake(struct weft_peer *peer, void *message, size_t len)
{
	weft_cookie_add_macs(&peer->cookie, message, len);
	weft_timers_authenticated_traversed(peer);
	weft_timers_authenticated_sent(peer);
	atomic64_set(&peer->last_sent_handshake,
		     ktime_get_coarse_boottime_ns());
	weft_path_send_buffer(peer, message, len, WEFT_HANDSHAKE_DSCP);
}

static void send_initiation(struct weft_peer *peer)
{
	struct weft_message_handshake_initiation msg;

	if (!weft_timers_expired(atomic64_read(&peer->last_sent_handshake),
				 WEFT_REKEY_TIMEOUT * MSEC_PER_SEC))
		return;
	atomic64_set(&peer->last_sent_handshake,
		     ktime_get_coarse_boottime_ns());
	if (!weft_handshake_create_initiation(&msg, peer))
		return;
	/* Before the answer can be here, which stops the timer. */
	weft_timers_handshake_initiated(peer);
	send_handshake(peer, &msg, sizeof(msg));
	weft_stats_count(peer->wdev, WEFT_COUNT_TX_INITIATIONS);
	trace_weft_handshake(peer->wdev->dev, peer->id,
			     WEFT_TRACE_INITIATION_SENT);
}

/**
 * weft_handshake_send_work() - send an initiation
 * @work: weft_peer.handshake_work, with a reference of the peer
 */
void weft_handshake_send_work(struct work_struct *work)
{
	struct weft_peer *peer = container_of(work, struct weft_peer,
					      handshake_work);

	send_initiation(peer);
	weft_peer_put(peer);
}

/**
 * weft_send_response() - answer an initiation and take the session into use
 * @peer: whose initiation was consumed
 *
 * Context: process.
 */
void weft_send_response(struct weft_peer *peer)
{
	struct weft_message_handshake_response msg;

	if (!weft_handshake_create_response(&msg, peer))
		return;
	if (!weft_handshake_begin_session(peer))
		return;
	weft_timers_session_derived(peer);
	send_handshake(peer, &msg, sizeof(msg));
	weft_stats_count(peer->wdev, WEFT_COUNT_TX_RESPONSES);
	trace_weft_handshake(peer->wdev->dev, peer->id,
			     WEFT_TRACE_RESPONSE_SENT);
}

/**
 * weft_send_cookie() - ask a sender to prove its address
 * @wdev: device under load
 * @to: handshake message, with its outer headers
 * @receiver_index: sender_index of it
 */
void weft_send_cookie(struct weft_device *wdev, struct sk_buff *to,
		      __le32 receiver_index)
{
	struct weft_message_cookie_reply msg;

	weft_cookie_make_reply(&wdev->cookie_checker, to, &msg,
			       receiver_index);
	if (weft_socket_reply(wdev, to, &msg, sizeof(msg)))
		return;
	weft_stats_tx(wdev, 1, sizeof(msg));
	weft_stats_count(wdev, WEFT_COUNT_TX_COOKIES);
	trace_weft_handshake(wdev->dev, 0, WEFT_TRACE_COOKIE_SENT);
}
