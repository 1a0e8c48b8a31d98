/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_SESSION_H
#define _WEFT_SESSION_H

#include <linux/kref.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>

#include "replay.h"
#include "suite.h"

struct weft_peer;

/**
 * enum weft_index_kind - what a receiver index of ours stands for
 * @WEFT_INDEX_HANDSHAKE: a handshake under way
 * @WEFT_INDEX_SESSION: a session
 */
enum weft_index_kind {
	WEFT_INDEX_HANDSHAKE,
	WEFT_INDEX_SESSION,
};

/**
 * struct weft_index - an entry of the device's table of receiver indexes
 * @node: membership in the table
 * @id: the index, random and unique in the device
 * @kind: what it is embedded in
 * @peer: whose; valid as long as the entry is
 */
struct weft_index {
	struct rhash_head node;
	__le32 id;
	enum weft_index_kind kind;
	struct weft_peer *peer;
};

/**
 * struct weft_session - a pair of transport keys
 * @index: our receiver index for it
 * @remote_index: the other end's receiver index
 * @suite: its AEAD
 * @send_key: key of what we send
 * @recv_key: key of what we receive
 * @birth: when it was made, ktime_get_coarse_boottime_ns()
 * @send_counter: next nonce
 * @replay: nonces received
 * @send_valid: it may be used for sending; cleared for good under
 *	weft_sessions.lock or by the reject limits
 * @initiator: we sent the initiation that made it
 * @refs: one of the slot it is in, one of each batch that gathers or is with
 *	a worker. Other readers rely on RCU: keys are erased after a grace period.
 * @rcu: for that
 */
struct weft_session {
	struct weft_index index;
	__le32 remote_index;
	const struct weft_suite *suite;
	struct weft_key send_key;
	struct weft_key recv_key;
	u64 birth;
	bool send_valid;
	bool initiator;
	struct kref refs;
	struct rcu_head rcu;
	atomic64_t send_counter ____cacheline_aligned_in_smp;
	struct weft_replay replay;
};

/**
 * struct weft_sessions - the sessions of one peer
 * @current_session: used for sending
 * @previous: still good for receiving what is under way
 * @next: as responder, waiting for the initiator's first packet
 */
struct weft_sessions {
	struct weft_session __rcu *current_session;
	struct weft_session __rcu *previous;
	struct weft_session __rcu *next;
	/**
	 * @lock: serialises changes of the three slots; BH-safe; taken inside
	 *	weft_handshake.lock
	 */
	spinlock_t lock;
};

int weft_index_table_init(struct rhashtable *table);
int weft_index_insert(struct rhashtable *table, struct weft_index *index);
void weft_index_remove(struct rhashtable *table, struct weft_index *index);
struct weft_index *weft_index_lookup(struct rhashtable *table, __le32 id);

struct weft_session *weft_session_create(struct weft_peer *peer,
					 const struct weft_suite *suite);
bool weft_session_get(struct weft_session *session);
void weft_session_put(struct weft_session *session);
bool weft_session_is_fresh(const struct weft_session *session);

void weft_sessions_init(struct weft_sessions *sessions);
bool weft_sessions_install(struct weft_peer *peer, struct weft_session *session,
			   struct weft_index *handshake_index);
bool weft_sessions_confirm(struct weft_peer *peer, struct weft_session *used);
void weft_sessions_stop_sending(struct weft_peer *peer);
bool weft_sessions_clear(struct weft_peer *peer);

#endif /* _WEFT_SESSION_H */
