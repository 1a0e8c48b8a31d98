/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_TIMERS_H
#define _WEFT_TIMERS_H

#include <linux/timer.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct weft_peer;

/**
 * struct weft_timers - section 6 of the WireGuard paper, for one peer
 * @retransmit_handshake: an initiation got no answer
 * @send_keepalive: data came in and nothing went out
 * @new_handshake: data went out and nothing came in
 * @zero_key_material: the keys are too old even to receive
 * @persistent_keepalive: as configured
 * @handshake_attempts: initiations since data last asked for one
 * @keepalive_interval: seconds between persistent keepalives, 0 for none
 * @need_another_keepalive: more data came in while @send_keepalive ran
 * @sent_lastminute_handshake: the session's end was near and an initiation
 *	went out for that reason
 * @handshake_sec: when the last handshake completed, since the epoch; 0: never
 * @handshake_nsec: nanoseconds of it
 *
 * Nothing here is locked: each timer restarts itself or is restarted by
 * traffic, and a lost update costs one early or late shot.
 */
struct weft_timers {
	struct timer_list retransmit_handshake;
	struct timer_list send_keepalive;
	struct timer_list new_handshake;
	struct timer_list zero_key_material;
	struct timer_list persistent_keepalive;
	unsigned int handshake_attempts;
	u16 keepalive_interval;
	bool need_another_keepalive;
	bool sent_lastminute_handshake;
	s64 handshake_sec;
	u32 handshake_nsec;
};

extern unsigned int weft_rekey_after_ms;
extern unsigned int weft_reject_after_ms;

void weft_timers_init(struct weft_peer *peer);
void weft_timers_stop(struct weft_peer *peer);

void weft_timers_data_sent(struct weft_peer *peer);
void weft_timers_data_received(struct weft_peer *peer);
void weft_timers_authenticated_sent(struct weft_peer *peer);
void weft_timers_authenticated_received(struct weft_peer *peer);
void weft_timers_authenticated_traversed(struct weft_peer *peer);
void weft_timers_handshake_initiated(struct weft_peer *peer);
void weft_timers_handshake_complete(struct weft_peer *peer);
void weft_timers_session_derived(struct weft_peer *peer);
void weft_timers_expire_work(struct work_struct *work);
bool weft_timers_expired(u64 birth_ns, u64 limit_ms);

#endif /* _WEFT_TIMERS_H */
