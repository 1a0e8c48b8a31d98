// SPDX-License-Identifier: GPL-2.0
/*
 * What a peer does by itself: section 6 of the WireGuard paper. Names and
 * values are the paper's; handshakes that follow from silence, which all
 * members of a network may hear at the same moment, are jittered.
 */

#include "timers.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/random.h>

#include "compat/compat.h"
#include "control.h"
#include "device.h"
#include "messages.h"
#include "netlink.h"
#include "packet.h"
#include "peer.h"

/* Shorter limits let tests see many rekeyings in seconds. */
unsigned int weft_rekey_after_ms __read_mostly =
	WEFT_REKEY_AFTER_TIME * MSEC_PER_SEC;
module_param_named(debug_rekey_after_ms, weft_rekey_after_ms, uint, 0600);
MODULE_PARM_DESC(debug_rekey_after_ms,
		 "For tests: age at which an initiator renews a session");

unsigned int weft_reject_after_ms __read_mostly =
	WEFT_REJECT_AFTER_TIME * MSEC_PER_SEC;
module_param_named(debug_reject_after_ms, weft_reject_after_ms, uint, 0600);
MODULE_PARM_DESC(debug_reject_after_ms,
		 "For tests: age at which a session is no longer used");

/**
 * weft_timers_expired() - has a time limit passed?
 * @birth_ns: ktime_get_coarse_boottime_ns() of the beginning
 * @limit_ms: how long it may last
 *
 * Time asleep counts: keys age in suspend.
 */
bool weft_timers_expired(u64 birth_ns, u64 limit_ms)
{
	return (s64)(birth_ns + limit_ms * NSEC_PER_MSEC) <=
	       (s64)ktime_get_coarse_boottime_ns();
}

/*
 * A peer that is going away or whose device is down starts no timer. The RCU
 * section is what weft_peer_bury() waits for before it stops them.
 */
static void timer_start(struct weft_peer *peer, struct timer_list *timer,
			unsigned long delay)
{
	rcu_read_lock_bh();
	if (likely(netif_running(peer->wdev->dev) && !READ_ONCE(peer->dead)))
		mod_timer(timer, jiffies + delay);
	rcu_read_unlock_bh();
}

static unsigned long jitter(void)
{
	return get_random_u32_below(WEFT_REKEY_TIMEOUT_JITTER_MAX_JIFFIES);
}

static unsigned long zero_key_delay(void)
{
	return msecs_to_jiffies(READ_ONCE(weft_reject_after_ms)) * 3;
}

static void retransmit_handshake(struct timer_list *timer)
{
	struct weft_peer *peer = timer_container_of(peer, timer,
						    timers.retransmit_handshake);

	if (peer->timers.handshake_attempts > WEFT_MAX_TIMER_HANDSHAKES) {
		netdev_dbg(peer->wdev->dev,
			   "peer %llu: no answer to %d initiations, giving up\n",
			   peer->id, WEFT_MAX_TIMER_HANDSHAKES + 2);
		timer_delete(&peer->timers.send_keepalive);
		/* They have waited long enough. */
		weft_purge_staged(peer);
		/* Nothing will happen to an unanswered handshake by itself. */
		if (!timer_pending(&peer->timers.zero_key_material))
			timer_start(peer, &peer->timers.zero_key_material,
				    zero_key_delay());
		return;
	}

	peer->timers.handshake_attempts++;
	weft_control_no_answer(peer);
	/* The address we send from may be what keeps the answer away. */
	weft_paths_forget_sources(peer);
	weft_queue_initiation(peer, true);
}

static void send_keepalive(struct timer_list *timer)
{
	struct weft_peer *peer = timer_container_of(peer, timer,
						    timers.send_keepalive);

	weft_send_keepalive(peer);
	if (!peer->timers.need_another_keepalive)
		return;
	peer->timers.need_another_keepalive = false;
	timer_start(peer, &peer->timers.send_keepalive,
		    WEFT_KEEPALIVE_TIMEOUT * HZ);
}

static void new_handshake(struct timer_list *timer)
{
	struct weft_peer *peer = timer_container_of(peer, timer,
						    timers.new_handshake);

	weft_paths_forget_sources(peer);
	weft_queue_initiation(peer, false);
}

/* Erasing the handshake takes a sleeping lock. */
static void zero_key_material(struct timer_list *timer)
{
	struct weft_peer *peer = timer_container_of(peer, timer,
						    timers.zero_key_material);

	rcu_read_lock_bh();
	if (!READ_ONCE(peer->dead)) {
		weft_peer_get(peer);
		if (!queue_work(peer->wdev->peer_wq, &peer->expire_work))
			weft_peer_put(peer);
	}
	rcu_read_unlock_bh();
}

/**
 * weft_timers_expire_work() - forget a peer's keys
 * @work: weft_peer.expire_work, with a reference of the peer
 */
void weft_timers_expire_work(struct work_struct *work)
{
	struct weft_peer *peer = container_of(work, struct weft_peer,
					      expire_work);

	weft_handshake_clear(peer);
	if (weft_sessions_clear(peer))
		weft_netlink_session_event(peer, WEFT_SESSION_EVENT_EXPIRED);
	weft_peer_put(peer);
}

static void persistent_keepalive(struct timer_list *timer)
{
	struct weft_peer *peer = timer_container_of(peer, timer,
						    timers.persistent_keepalive);

	if (READ_ONCE(peer->timers.keepalive_interval))
		weft_send_keepalive(peer);
}

/**
 * weft_timers_data_sent() - data that asks for some answer went out
 * @peer: to whom
 */
void weft_timers_data_sent(struct weft_peer *peer)
{
	if (!timer_pending(&peer->timers.new_handshake))
		timer_start(peer, &peer->timers.new_handshake,
			    (WEFT_KEEPALIVE_TIMEOUT + WEFT_REKEY_TIMEOUT) * HZ +
			    jitter());
}

/**
 * weft_timers_data_received() - data that deserves some answer came in
 * @peer: from whom
 */
void weft_timers_data_received(struct weft_peer *peer)
{
	if (!timer_pending(&peer->timers.send_keepalive))
		timer_start(peer, &peer->timers.send_keepalive,
			    WEFT_KEEPALIVE_TIMEOUT * HZ);
	else
		peer->timers.need_another_keepalive = true;
}

/**
 * weft_timers_authenticated_sent() - any message went out
 * @peer: to whom
 */
void weft_timers_authenticated_sent(struct weft_peer *peer)
{
	if (timer_pending(&peer->timers.send_keepalive))
		timer_delete(&peer->timers.send_keepalive);
}

/**
 * weft_timers_authenticated_received() - any good message came in
 * @peer: from whom
 */
void weft_timers_authenticated_received(struct weft_peer *peer)
{
	if (timer_pending(&peer->timers.new_handshake))
		timer_delete(&peer->timers.new_handshake);
}

/**
 * weft_timers_authenticated_traversed() - a message went out or came in
 * @peer: with whom
 */
void weft_timers_authenticated_traversed(struct weft_peer *peer)
{
	u16 interval = READ_ONCE(peer->timers.keepalive_interval);

	if (interval)
		timer_start(peer, &peer->timers.persistent_keepalive,
			    interval * HZ);
}

/**
 * weft_timers_handshake_initiated() - an initiation went out
 * @peer: to whom
 */
void weft_timers_handshake_initiated(struct weft_peer *peer)
{
	timer_start(peer, &peer->timers.retransmit_handshake,
		    WEFT_REKEY_TIMEOUT * HZ + jitter());
}

/**
 * weft_timers_handshake_complete() - both ends have the new keys
 * @peer: with whom
 */
void weft_timers_handshake_complete(struct weft_peer *peer)
{
	struct timespec64 now;

	timer_delete(&peer->timers.retransmit_handshake);
	peer->timers.handshake_attempts = 0;
	peer->timers.sent_lastminute_handshake = false;
	ktime_get_real_ts64(&now);
	WRITE_ONCE(peer->timers.handshake_sec, now.tv_sec);
	WRITE_ONCE(peer->timers.handshake_nsec, now.tv_nsec);
}

/**
 * weft_timers_session_derived() - there are new keys to forget one day
 * @peer: with whom
 */
void weft_timers_session_derived(struct weft_peer *peer)
{
	timer_start(peer, &peer->timers.zero_key_material, zero_key_delay());
}

/**
 * weft_timers_init() - for a new peer
 * @peer: the peer
 */
void weft_timers_init(struct weft_peer *peer)
{
	struct weft_timers *timers = &peer->timers;

	timer_setup(&timers->retransmit_handshake, retransmit_handshake, 0);
	timer_setup(&timers->send_keepalive, send_keepalive, 0);
	timer_setup(&timers->new_handshake, new_handshake, 0);
	timer_setup(&timers->zero_key_material, zero_key_material, 0);
	timer_setup(&timers->persistent_keepalive, persistent_keepalive, 0);
}

/**
 * weft_timers_stop() - stop all timers of a peer and wait for them
 * @peer: dead since a grace period, so that they stay stopped; or its device
 *	is down
 */
void weft_timers_stop(struct weft_peer *peer)
{
	struct weft_timers *timers = &peer->timers;

	timer_delete_sync(&timers->retransmit_handshake);
	timer_delete_sync(&timers->send_keepalive);
	timer_delete_sync(&timers->new_handshake);
	timer_delete_sync(&timers->zero_key_material);
	timer_delete_sync(&timers->persistent_keepalive);
	timers->handshake_attempts = 0;
	timers->sent_lastminute_handshake = false;
	timers->need_another_keepalive = false;
}
