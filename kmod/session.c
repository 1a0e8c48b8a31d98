// SPDX-License-Identifier: GPL-2.0
/*
 * Transport keys, and the table of receiver indexes that finds them.
 */

#include "session.h"

#include <linux/random.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "device.h"
#include "messages.h"
#include "peer.h"
#include "timers.h"

static const struct rhashtable_params index_params = {
	.key_len = sizeof_field(struct weft_index, id),
	.key_offset = offsetof(struct weft_index, id),
	.head_offset = offsetof(struct weft_index, node),
	.automatic_shrinking = true,
};

/**
 * weft_index_table_init() - make a table of receiver indexes
 * @table: what to initialise; rhashtable_destroy() is its end
 *
 * Return: 0 or -ENOMEM.
 */
int weft_index_table_init(struct rhashtable *table)
{
	return rhashtable_init(table, &index_params);
}

/**
 * weft_index_insert() - give an entry a random index that is free
 * @table: the device's table
 * @index: entry that is in no table
 *
 * Context: any but hard interrupts.
 * Return: 0 or -errno.
 */
int weft_index_insert(struct rhashtable *table, struct weft_index *index)
{
	int err;

	do {
		index->id = (__force __le32)get_random_u32();
		err = rhashtable_lookup_insert_fast(table, &index->node,
						    index_params);
	} while (err == -EEXIST);
	return err;
}

/**
 * weft_index_remove() - take an entry out, if it is in
 * @table: the device's table
 * @index: the entry; readers may see it for a grace period
 */
void weft_index_remove(struct rhashtable *table, struct weft_index *index)
{
	rhashtable_remove_fast(table, &index->node, index_params);
}

/**
 * weft_index_lookup() - find what an index stands for
 * @table: the device's table
 * @id: receiver index of a message
 *
 * Context: RCU read section, in which the result stays valid.
 * Return: the entry or NULL.
 */
struct weft_index *weft_index_lookup(struct rhashtable *table, __le32 id)
{
	return rhashtable_lookup_fast(table, &id, index_params);
}

/* The session takes over the index that its handshake was known by. */
static bool index_hand_over(struct rhashtable *table,
			    struct weft_index *handshake,
			    struct weft_index *session)
{
	session->id = handshake->id;
	return !rhashtable_replace_fast(table, &handshake->node, &session->node,
					index_params);
}

/**
 * weft_session_create() - allocate a session
 * @peer: whose
 * @suite: its AEAD
 *
 * Context: process.
 * Return: a session with one reference and no keys, or NULL.
 */
struct weft_session *weft_session_create(struct weft_peer *peer,
					 const struct weft_suite *suite)
{
	struct weft_session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return NULL;
	session->index.kind = WEFT_INDEX_SESSION;
	session->index.peer = peer;
	session->suite = suite;
	session->birth = ktime_get_coarse_boottime_ns();
	kref_init(&session->refs);
	atomic64_set(&session->send_counter, 0);
	weft_replay_init(&session->replay);
	return session;
}

static void session_free_rcu(struct rcu_head *rcu)
{
	struct weft_session *session = container_of(rcu, struct weft_session,
						    rcu);

	session->suite->key_clear(&session->send_key);
	session->suite->key_clear(&session->recv_key);
	kfree_sensitive(session);
}

static void session_release(struct kref *refs)
{
	struct weft_session *session = container_of(refs, struct weft_session,
						    refs);

	call_rcu(&session->rcu, session_free_rcu);
}

/**
 * weft_session_get() - hold a session beyond the RCU read section
 * @session: found under RCU
 *
 * Return: false if it is on its way out.
 */
bool weft_session_get(struct weft_session *session)
{
	return kref_get_unless_zero(&session->refs);
}

/**
 * weft_session_put() - let go of a reference
 * @session: or NULL
 */
void weft_session_put(struct weft_session *session)
{
	if (session)
		kref_put(&session->refs, session_release);
}

/**
 * weft_session_is_fresh() - may the session still be used to send?
 * @session: a session
 *
 * The limits of section 6.1 of the WireGuard paper.
 *
 * Return: false if it is too old, or has been stopped.
 */
bool weft_session_is_fresh(const struct weft_session *session)
{
	return READ_ONCE(session->send_valid) &&
	       !weft_timers_expired(session->birth,
				    READ_ONCE(weft_reject_after_ms));
}

/* Nobody finds the session any more; who has it may go on for a grace period. */
static void session_retire(struct weft_peer *peer, struct weft_session *session)
{
	if (!session)
		return;
	weft_index_remove(&peer->wdev->indexes, &session->index);
	weft_session_put(session);
}

/**
 * weft_sessions_init() - no sessions yet
 * @sessions: of a new peer
 */
void weft_sessions_init(struct weft_sessions *sessions)
{
	spin_lock_init(&sessions->lock);
}

static struct weft_session *slot_take(struct weft_session __rcu **slot,
				      struct weft_sessions *sessions)
{
	return rcu_replace_pointer(*slot, NULL,
				   lockdep_is_held(&sessions->lock));
}

/*
 * An initiator's session is current at once: the response confirmed it. What
 * was current becomes previous, for packets under way; a session that waited
 * to be confirmed by this peer is as good as current then.
 */
static void install_as_initiator(struct weft_peer *peer,
				 struct weft_session *session)
{
	struct weft_sessions *sessions = &peer->sessions;
	struct weft_session *previous, *current_session, *next;

	previous = slot_take(&sessions->previous, sessions);
	next = slot_take(&sessions->next, sessions);
	current_session = rcu_dereference_protected(sessions->current_session,
						    lockdep_is_held(&sessions->lock));
	session_retire(peer, previous);
	if (next) {
		rcu_assign_pointer(sessions->previous, next);
		session_retire(peer, current_session);
	} else {
		rcu_assign_pointer(sessions->previous, current_session);
	}
	rcu_assign_pointer(sessions->current_session, session);
}

/*
 * A responder's session waits until the initiator has used it, since only
 * that shows that the response arrived.
 */
static void install_as_responder(struct weft_peer *peer,
				 struct weft_session *session)
{
	struct weft_sessions *sessions = &peer->sessions;
	struct weft_session *next, *previous;

	previous = slot_take(&sessions->previous, sessions);
	next = slot_take(&sessions->next, sessions);
	rcu_assign_pointer(sessions->next, session);
	session_retire(peer, next);
	session_retire(peer, previous);
}

/**
 * weft_sessions_install() - take a new session into use
 * @peer: whose
 * @session: complete with keys; the reference passes over in any case
 * @handshake_index: index of the handshake that made it, which it takes over
 *
 * Context: process; the peer's handshake lock is held.
 * Return: false if the peer is being removed or the handshake was given up;
 * the session is gone then.
 */
bool weft_sessions_install(struct weft_peer *peer, struct weft_session *session,
			   struct weft_index *handshake_index)
{
	bool ok;

	lockdep_assert_held_write(&peer->handshake.lock);

	spin_lock_bh(&peer->sessions.lock);
	ok = !peer->dead && index_hand_over(&peer->wdev->indexes,
					    handshake_index, &session->index);
	if (ok && session->initiator)
		install_as_initiator(peer, session);
	else if (ok)
		install_as_responder(peer, session);
	spin_unlock_bh(&peer->sessions.lock);

	if (!ok)
		weft_session_put(session);
	return ok;
}

/**
 * weft_sessions_confirm() - an authenticated packet came in with a session
 * @peer: whose
 * @used: the session
 *
 * The first packet of the initiator makes the responder's waiting session the
 * current one (WireGuard paper, section 6.5).
 *
 * Context: BH or process.
 * Return: true if it was that packet.
 */
bool weft_sessions_confirm(struct weft_peer *peer, struct weft_session *used)
{
	struct weft_sessions *sessions = &peer->sessions;
	struct weft_session *previous;

	if (likely(used != rcu_access_pointer(sessions->next)))
		return false;

	spin_lock_bh(&sessions->lock);
	if (used != rcu_dereference_protected(sessions->next,
					      lockdep_is_held(&sessions->lock))) {
		spin_unlock_bh(&sessions->lock);
		return false;
	}
	previous = rcu_replace_pointer(sessions->previous,
				       rcu_dereference_protected(sessions->current_session,
								 lockdep_is_held(&sessions->lock)),
				       lockdep_is_held(&sessions->lock));
	session_retire(peer, previous);
	rcu_assign_pointer(sessions->current_session, used);
	RCU_INIT_POINTER(sessions->next, NULL);
	spin_unlock_bh(&sessions->lock);
	return true;
}

/**
 * weft_sessions_stop_sending() - what we send next needs a new handshake
 * @peer: whose sessions go on receiving
 */
void weft_sessions_stop_sending(struct weft_peer *peer)
{
	struct weft_sessions *sessions = &peer->sessions;
	struct weft_session *session;

	weft_handshake_clear(peer);
	atomic64_set(&peer->last_sent_handshake,
		     ktime_get_coarse_boottime_ns() -
		     (u64)(WEFT_REKEY_TIMEOUT + 1) * NSEC_PER_SEC);

	spin_lock_bh(&sessions->lock);
	session = rcu_dereference_protected(sessions->next,
					    lockdep_is_held(&sessions->lock));
	if (session)
		WRITE_ONCE(session->send_valid, false);
	session = rcu_dereference_protected(sessions->current_session,
					    lockdep_is_held(&sessions->lock));
	if (session)
		WRITE_ONCE(session->send_valid, false);
	spin_unlock_bh(&sessions->lock);
}

/**
 * weft_sessions_clear() - forget all sessions of a peer
 * @peer: whose
 *
 * Context: BH or process.
 * Return: true if there were any.
 */
bool weft_sessions_clear(struct weft_peer *peer)
{
	struct weft_sessions *sessions = &peer->sessions;
	struct weft_session *next, *previous, *current_session;

	spin_lock_bh(&sessions->lock);
	next = slot_take(&sessions->next, sessions);
	previous = slot_take(&sessions->previous, sessions);
	current_session = slot_take(&sessions->current_session, sessions);
	spin_unlock_bh(&sessions->lock);

	session_retire(peer, next);
	session_retire(peer, previous);
	session_retire(peer, current_session);
	return next || previous || current_session;
}
