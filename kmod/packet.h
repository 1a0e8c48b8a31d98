/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_PACKET_H
#define _WEFT_PACKET_H

#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_netdev.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <linux/workqueue.h>

#include "messages.h"
#include "session.h"

/* Room in front of a message for all that goes before it. */
#define WEFT_HEADROOM \
	(LL_MAX_HEADER + sizeof(struct ipv6hdr) + sizeof(struct udphdr))
/* Room in front of, and behind, an inner packet. */
#define WEFT_DATA_HEADROOM (WEFT_HEADROOM + sizeof(struct weft_message_data))
#define WEFT_DATA_TAILROOM (WEFT_MESSAGE_PADDING_MULTIPLE + WEFT_NOISE_AUTHTAG_LEN)

/* Packets that wait for sessions, all peers of a device together. */
#define WEFT_MAX_STAGED_PER_DEVICE 16384

/**
 * weft_forget_verdicts() - what others decided about the packet before
 * @skb: inner packet that becomes an outer one, or the other way round
 *
 * That its egress hooks are to be skipped or that it was redirected is true of
 * the packet it was, and skb_scrub_packet() keeps it.
 */
static inline void weft_forget_verdicts(struct sk_buff *skb)
{
	skb_reset_redirect(skb);
	nf_skip_egress(skb, false);
#if defined(CONFIG_NET_XGRESS) || defined(CONFIG_NET_CLS_ACT)
	skb->tc_skip_classify = 0;
#endif
#ifdef CONFIG_NET_SCHED
	skb->tc_index = 0;
#endif
}

/**
 * weft_padding() - zeros behind an inner packet (section 5.4.6)
 * @len: its length
 * @mtu: inner MTU, 0 for none
 *
 * Return: what makes it a multiple of 16, but not longer than the MTU.
 */
static inline unsigned int weft_padding(unsigned int len, unsigned int mtu)
{
	unsigned int padded = ALIGN(len, WEFT_MESSAGE_PADDING_MULTIPLE);

	if (mtu && padded > mtu)
		padded = max(mtu, len);
	return padded - len;
}

/**
 * weft_message_frame() - write what goes before a sealed packet
 * @msg: the message
 * @session: seals it
 * @nonce: with this nonce
 */
static inline void weft_message_frame(struct weft_message_data *msg,
				      const struct weft_session *session,
				      u64 nonce)
{
	msg->header.type = weft_message_word(WEFT_MESSAGE_DATA,
					     session->suite->id);
	msg->key_idx = session->remote_index;
	msg->counter = cpu_to_le64(nonce);
}

struct weft_device;
struct weft_peer;

/* seal.c */
void weft_scrub(struct sk_buff *skb);
bool weft_seal_batch(struct sk_buff *batch);

/* send.c */
netdev_tx_t weft_xmit(struct sk_buff *skb, struct net_device *dev);
void weft_send_unreachable(struct weft_device *wdev, struct sk_buff *skb);
void weft_send_staged(struct weft_peer *peer);
void weft_purge_staged(struct weft_peer *peer);
void weft_send_keepalive(struct weft_peer *peer);
bool weft_send_control(struct weft_peer *peer, struct sk_buff *skb);
void weft_queue_initiation(struct weft_peer *peer, bool is_retry);
void weft_handshake_send_work(struct work_struct *work);
void weft_send_response(struct weft_peer *peer);
void weft_send_cookie(struct weft_device *wdev, struct sk_buff *to,
		      __le32 receiver_index);
void weft_tx_release(struct weft_peer *peer);
void weft_tx_drain(struct weft_peer *peer);
void weft_tx_drain_later(struct weft_peer *peer);
void weft_tx_drain_work(struct work_struct *work);

/* receive.c */
void weft_receive(struct weft_device *wdev, struct sock *sk,
		  struct sk_buff *skb);
void weft_handshake_receive_work(struct work_struct *work);
void weft_session_established(struct weft_peer *peer);
void weft_count_received(struct weft_peer *peer, u64 bytes);
int weft_deliver(struct weft_peer *peer, struct napi_struct *napi, int budget);
void weft_receive_held_initiation(struct weft_device *wdev,
				  struct sk_buff *skb);

/**
 * struct weft_piece - bytes of a packet that lie in one piece
 * @bytes: the first of them
 * @begin: its offset in the packet
 * @end: offset behind the last one; 0 if there are none
 *
 * Where the messages of a train are looked for one after the other, the next
 * one is nearly always where the last one was.
 */
struct weft_piece {
	const u8 *bytes;
	unsigned int begin;
	unsigned int end;
};

/* open.c */
bool weft_open_batch(struct sk_buff *batch);
bool weft_piece_find(struct weft_piece *piece, const struct sk_buff *skb,
		     unsigned int at);

/**
 * weft_piece_at() - where bytes of a packet lie, if nobody writes to them
 * @piece: zeroed at first, then for the same packet, which has not changed
 * @skb: the packet
 * @at: offset of the first byte
 * @len: how many, not 0
 *
 * Return: NULL if they are not in one piece, or in pages of a sender's that it
 * has lent out.
 */
static inline const void *weft_piece_at(struct weft_piece *piece,
					const struct sk_buff *skb,
					unsigned int at, unsigned int len)
{
	if (unlikely(at < piece->begin || at + len > piece->end) &&
	    (!weft_piece_find(piece, skb, at) || at + len > piece->end))
		return NULL;
	return piece->bytes + (at - piece->begin);
}

#endif /* _WEFT_PACKET_H */
