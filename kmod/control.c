// SPDX-License-Identifier: GPL-2.0
/*
 * Control frames: what weft machines tell one another inside a session. Stock
 * peers drop them, since they are not IP; Documentation/protocol.md says how.
 */

#include "control.h"

#include <linux/jiffies.h>
#include <linux/weft.h>

#include "device.h"
#include "packet.h"
#include "peer.h"
#include "session.h"
#include "stats.h"
#include "timers.h"

static_assert(sizeof(struct weft_control_header) == 4);
static_assert(sizeof(struct weft_control_hello) == 8);

/* HELLOs for a peer that never sends one: it is a stock peer. */
#define MAX_UNANSWERED 3

/*
 * A responder takes no initiation that is as old as the one before, by a clock
 * of 17 ms, or comes within 20 ms of it; a session has to be older than that
 * before it is renewed for a better suite.
 */
#define UPGRADE_DELAY_MS 100

/*
 * A peer that says it takes suite 1 and does not answer in it, that often, is
 * left alone with it for a while.
 */
#define MAX_FAILURES 3
#define FAILURE_PAUSE (WEFT_REKEY_AFTER_TIME * HZ)

/* The suites that we take from a peer. */
static u16 own_suites(const struct weft_peer *peer)
{
	u8 suite = READ_ONCE(peer->suite);
	u16 suites = BIT(WEFT_SUITE_CHACHA20POLY1305);

	if (suite != WEFT_SUITE_AUTO)
		return BIT(suite);
	if (weft_suite_usable(WEFT_SUITE_AES256GCM))
		suites |= BIT(WEFT_SUITE_AES256GCM);
	return suites;
}

/**
 * weft_control_best_suite() - what to begin a handshake with
 * @peer: whose suite is not set
 *
 * Return: the best suite that both ends are known to take.
 */
u8 weft_control_best_suite(const struct weft_peer *peer)
{
	u16 both = READ_ONCE(peer->control.suites) & own_suites(peer);

	return both & BIT(WEFT_SUITE_AES256GCM) ? WEFT_SUITE_AES256GCM :
						  WEFT_SUITE_CHACHA20POLY1305;
}

/**
 * weft_control_outgrown() - is there a better suite than the session's?
 * @peer: whose
 * @session: its session
 *
 * Return: true if the session is to be renewed by us for that reason. The
 * other end may have found out as well; it leaves that to the initiator.
 */
bool weft_control_outgrown(const struct weft_peer *peer,
			   const struct weft_session *session)
{
	return session->suite->id == WEFT_SUITE_CHACHA20POLY1305 &&
	       session->initiator &&
	       READ_ONCE(peer->control.suites) & BIT(WEFT_SUITE_AES256GCM) &&
	       READ_ONCE(peer->suite) == WEFT_SUITE_AUTO &&
	       weft_control_best_suite(peer) != WEFT_SUITE_CHACHA20POLY1305;
}

/**
 * weft_control_no_answer() - an initiation was not answered in time
 * @peer: by whom
 *
 * It may be another machine by now, or have changed its mind: what it said no
 * longer holds, and the next initiation is one that every peer understands.
 */
void weft_control_no_answer(struct weft_peer *peer)
{
	struct weft_control *control = &peer->control;

	if (!(READ_ONCE(control->suites) & BIT(WEFT_SUITE_AES256GCM)))
		return;
	WRITE_ONCE(control->suites, 0);
	if (control->failures < MAX_FAILURES)
		control->failures++;
	control->failed_at = jiffies;
}

static bool suite_fails(const struct weft_control *control)
{
	return control->failures >= MAX_FAILURES &&
	       time_before(jiffies, control->failed_at + FAILURE_PAUSE);
}

static void send_hello(struct weft_peer *peer, u8 flags)
{
	const unsigned int len = sizeof(struct weft_control_header) +
				 sizeof(struct weft_control_hello);
	struct weft_control_header *header;
	struct weft_control_hello *hello;
	struct sk_buff *skb;

	skb = alloc_skb(WEFT_DATA_HEADROOM + len + WEFT_DATA_TAILROOM,
			GFP_ATOMIC);
	if (unlikely(!skb))
		return;
	skb_reserve(skb, WEFT_DATA_HEADROOM);
	header = skb_put(skb, sizeof(*header));
	header->magic = WEFT_CONTROL_MAGIC;
	header->type = WEFT_CONTROL_HELLO;
	header->len = cpu_to_be16(sizeof(*hello));
	hello = skb_put(skb, sizeof(*hello));
	hello->version = WEFT_HELLO_VERSION;
	hello->flags = flags;
	hello->suites = cpu_to_be16(own_suites(peer));
	hello->features = cpu_to_be32(WEFT_FEATURE_CONTROL);
	if (weft_send_control(peer, skb))
		weft_stats_count(peer->wdev, WEFT_COUNT_TX_HELLOS);
}

static struct weft_session *current_session(struct weft_peer *peer)
{
	return rcu_dereference_bh(peer->sessions.current_session);
}

/**
 * weft_control_session_begins() - introduce ourselves
 * @peer: with whom there is a new session that may be used
 *
 * Context: bottom halves disabled or process.
 */
void weft_control_session_begins(struct weft_peer *peer)
{
	struct weft_control *control = &peer->control;
	struct weft_session *session;

	rcu_read_lock_bh();
	session = current_session(peer);
	if (session && session->suite->id == WEFT_SUITE_AES256GCM)
		control->failures = 0;
	rcu_read_unlock_bh();

	WRITE_ONCE(control->session_begun, false);
	if (READ_ONCE(control->unanswered) >= MAX_UNANSWERED)
		return;
	WRITE_ONCE(control->unanswered, control->unanswered + 1);
	send_hello(peer, 0);
}

/**
 * weft_control_suite_changed() - another suite is to be used with a peer
 * @peer: the peer, with its new setting
 *
 * A session that the setting does not allow, or a handshake that would lead to
 * one, is no longer used to send.
 *
 * Context: process.
 */
void weft_control_suite_changed(struct weft_peer *peer)
{
	struct weft_session *session;
	bool allowed = false;

	WRITE_ONCE(peer->control.suites, 0);
	WRITE_ONCE(peer->control.unanswered, 0);
	peer->control.failures = 0;

	rcu_read_lock_bh();
	session = current_session(peer);
	if (session)
		allowed = own_suites(peer) & BIT(session->suite->id);
	rcu_read_unlock_bh();
	if (allowed)
		weft_control_session_begins(peer);
	else
		weft_sessions_stop_sending(peer);
}

/* Lets the initiation that the session waits for go out soon, but not at once. */
static void hasten_upgrade(struct weft_peer *peer)
{
	const u64 ago = (u64)WEFT_REKEY_TIMEOUT * MSEC_PER_SEC -
			UPGRADE_DELAY_MS;
	struct weft_session *session;

	rcu_read_lock_bh();
	session = current_session(peer);
	if (session && weft_control_outgrown(peer, session))
		atomic64_set(&peer->last_sent_handshake,
			     ktime_get_coarse_boottime_ns() -
			     ago * NSEC_PER_MSEC);
	rcu_read_unlock_bh();
}

static void receive_hello(struct weft_peer *peer,
			  const struct weft_control_hello *hello)
{
	struct weft_control *control = &peer->control;
	u16 before = READ_ONCE(control->suites);
	u16 suites = be16_to_cpu(hello->suites);

	weft_stats_count(peer->wdev, WEFT_COUNT_RX_HELLOS);
	WRITE_ONCE(control->session_begun, false);
	WRITE_ONCE(control->unanswered, 0);
	if (suite_fails(control))
		suites &= ~BIT(WEFT_SUITE_AES256GCM);
	WRITE_ONCE(control->suites, suites);
	if (suites != before)
		hasten_upgrade(peer);
	if (!(hello->flags & WEFT_HELLO_F_ANSWER))
		send_hello(peer, WEFT_HELLO_F_ANSWER);
}

/* What to count the frame as; WEFT_DROP_COUNT if it was good. */
static enum weft_drop receive(struct weft_peer *peer, const struct sk_buff *skb)
{
	const struct weft_control_header *header = (void *)skb->data;
	const struct weft_control_hello *hello = (void *)(header + 1);
	unsigned int len;

	if (skb->len < sizeof(*header))
		return WEFT_DROP_RX_CONTROL_MALFORMED;
	len = be16_to_cpu(header->len);
	if (len > skb->len - sizeof(*header))
		return WEFT_DROP_RX_CONTROL_MALFORMED;
	if (header->magic != WEFT_CONTROL_MAGIC ||
	    header->type != WEFT_CONTROL_HELLO)
		return WEFT_DROP_RX_CONTROL_UNKNOWN;
	if (!len)
		return WEFT_DROP_RX_CONTROL_MALFORMED;
	if (hello->version != WEFT_HELLO_VERSION)
		return WEFT_DROP_RX_CONTROL_UNKNOWN;
	if (len != sizeof(*hello))
		return WEFT_DROP_RX_CONTROL_MALFORMED;
	receive_hello(peer, hello);
	return WEFT_DROP_COUNT;
}

/**
 * weft_control_receive() - a control frame came in
 * @peer: from whom
 * @skb: the frame, linear as far as any that we know is long; consumed
 *
 * Context: bottom halves disabled.
 */
void weft_control_receive(struct weft_peer *peer, struct sk_buff *skb)
{
	enum weft_drop reason = receive(peer, skb);

	if (unlikely(reason != WEFT_DROP_COUNT))
		weft_drop(peer->wdev, skb, reason);
	else
		consume_skb(skb);
}
