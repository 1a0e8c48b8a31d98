/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of a node share. Each part is a file; its functions are under its name below. */
#ifndef WEFT_NODE_INTERNAL_H
#define WEFT_NODE_INTERNAL_H

#include "bucket.h"
#include "gossip.h"
#include "index.h"
#include "node.h"
#include "random.h"

#define WEFT_SECOND 1000ULL
#define WEFT_MINUTE (60 * WEFT_SECOND)
#define WEFT_NEVER UINT64_MAX

/* Members that are always in touch with us. */
#define WEFT_NEIGHBOURS 3
#define WEFT_MAX_GUESTS 8
#define WEFT_MAX_OBSERVED 8

/**
 * struct weft_contact - a member, or who is said to be one, that we have or had to do with
 * @id:		who
 * @key:	its tunnel key
 * @address:	its overlay address
 * @hinted:	@key is a token's word; the roster may not know it yet
 * @doubt_ms:	since when nobody who may admit admits it, or another has its key; 0: that is not so
 * @wanted:	enum weft_wanted
 * @told:	digest of what the kernel was told of it, but for
 * @told_ways:	where it may be
 * @programmed:	the kernel has it, under @programmed_key
 * @programmed_key: see there
 * @dirty:	the kernel may have to be told
 * @session:	the kernel has a session with it
 * @alive:	it answers
 * @lost:	it did, and then did not: perhaps the network is split
 * @has_at:	whether there is @at
 * @at:		where the kernel saw it last
 * @at_unix:	when
 * @has_near:	whether there is @near
 * @near:	where a beacon came from
 * @published:	where it said in a rendezvous that it is, or NULL
 * @published_issued: @published is of the announcement with this number; 0: of one that did not say
 * @turn:	which of its endpoints comes first
 * @heard_ms:	when a message came from it
 * @active_ms:	when there was last reason to have it in the kernel
 * @linked_ms:	when it last said that it wants to stay in touch
 * @probe_ms:	when it began to be one of WEFT_WANTED_PROBE
 * @lost_ms:	when it became @lost
 * @ping_at:	when to send the next ping; 0: none is due
 * @ping_number: of the last one
 * @ping_sent:	when that was sent
 * @tries:	pings without an answer
 * @turns_left:	endpoints not tried yet, before it is given up
 * @retry_at:	after failures, not before
 * @failures:	in a row
 * @rtt_ms:	of the last ping
 * @rx_bytes:	as the kernel counted
 * @tx_bytes:	likewise
 * @sync_at:	records are not to be compared with it before
 * @sync_wait:	how long not, the next time
 * @introductions: we let it in, and are to introduce it so often yet
 * @introduce_at: not before
 * @taking:	how many records it may still send
 */
struct weft_contact {
	struct weft_id id;
	struct weft_tunnel_key key;
	uint8_t address[16];
	bool hinted;
	uint64_t doubt_ms;
	unsigned int wanted;
	uint8_t told[16];
	uint8_t told_ways[16];
	bool programmed;
	struct weft_tunnel_key programmed_key;
	bool dirty;
	bool session;
	bool alive;
	bool lost;
	bool has_at;
	struct weft_candidate at;
	uint64_t at_unix;
	bool has_near;
	struct weft_candidate near;
	struct weft_endpoints *published;
	uint64_t published_issued;
	unsigned int turn;
	uint64_t heard_ms;
	uint64_t active_ms;
	uint64_t linked_ms;
	uint64_t probe_ms;
	uint64_t lost_ms;
	uint64_t ping_at;
	uint64_t ping_number;
	uint64_t ping_sent;
	unsigned int tries;
	unsigned int turns_left;
	uint64_t retry_at;
	unsigned int failures;
	uint32_t rtt_ms;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	uint64_t sync_at;
	uint64_t sync_wait;
	unsigned int introductions;
	uint64_t introduce_at;
	struct weft_bucket taking;
};

/**
 * struct weft_pieces - a record that comes in pieces
 * @from:	overlay address of who sends it
 * @hash:	of the record
 * @total:	its length
 * @have:	bits: which pieces have come
 * @begun_ms:	when the first did; 0: this place is free
 * @bytes:	the record
 */
struct weft_pieces {
	uint8_t from[16];
	struct weft_id hash;
	size_t total;
	unsigned int have;
	uint64_t begun_ms;
	uint8_t bytes[WEFT_MAX_RECORD];
};

#define WEFT_MAX_PIECES 8
/* Records whose fate is known without looking at their signature again. */
#define WEFT_RECENT 256

/**
 * struct weft_guest - whom we talk to under an invitation's tunnel key
 * @key:	that key
 * @address:	that follows from it
 * @at:		where it is
 * @until_ms:	how long; 0: this place is free
 * @known:	the invitation was in the roster when it came
 * @invitation:	the record, or NULL
 * @programmed:	the kernel has it
 * @talking:	how much more it may say
 */
struct weft_guest {
	struct weft_tunnel_key key;
	uint8_t address[16];
	bool has_at;
	struct weft_candidate at;
	uint64_t until_ms;
	bool known;
	struct weft_record *invitation;
	bool programmed;
	struct weft_bucket talking;
};

enum weft_join_phase {
	WEFT_JOIN_KNOCK,
	WEFT_JOIN_HAND_OVER,
	/* let in; what is missing is what the network knows */
	WEFT_JOIN_LEARN,
};

#define WEFT_MAX_DOORS 8

/**
 * struct weft_joining - a node that has a token
 * @token:	see there
 * @keys:	of the invitation
 * @doors:	members that may let us in: those of the token, and those found since
 * @door_count:	see @doors
 * @refused:	bits: of them, those that did not
 * @slow:	bits: of them, those by which we did not become a member, though they did not refuse
 * @unsure:	how often each of them said that it has no such invitation
 * @door:	the one that does
 * @name:	that is wished, if @has_name
 * @has_name:	see @name
 * @phase:	where it is
 * @address:	ours, while we come with the invitation's key
 * @admission:	of us, once signed
 * @announcement: likewise
 * @tries:	messages without an answer, in this phase
 * @next_ms:	when to try again
 * @learn_until: when to try again though records come
 * @needed_ms:	since when what has come would do, if there is nothing else; 0: it would not
 * @same:	the door had nothing but what we have
 * @look_at:	when to see whether we have joined; 0: when the roster changes
 */
struct weft_joining {
	struct weft_token token;
	struct weft_invitation_keys keys;
	struct weft_hint doors[WEFT_MAX_DOORS];
	unsigned int door_count;
	unsigned int refused;
	unsigned int slow;
	unsigned int unsure[WEFT_MAX_DOORS];
	struct weft_id door;
	char name[WEFT_MAX_NAME + 1];
	bool has_name;
	enum weft_join_phase phase;
	uint8_t address[16];
	struct weft_record *admission;
	struct weft_record *announcement;
	unsigned int tries;
	uint64_t next_ms;
	uint64_t learn_until;
	uint64_t needed_ms;
	bool same;
	uint64_t look_at;
};

/* Where another member saw us. */
struct weft_observation {
	struct weft_id by;
	struct weft_ip_endpoint at;
	uint64_t ms;
};

/* A record that was asked for, or is to be. */
struct weft_wanted_record {
	struct weft_short_hash hash;
	struct weft_id from;
	uint64_t asked_ms;
	unsigned int tries;
};

/* A record to be pushed to all in touch but who brought it. */
struct weft_fresh {
	struct weft_record *record;
	struct weft_id from;
};

/* A route, and who has it now. */
struct weft_route {
	struct weft_prefix prefix;
	struct weft_id router;
	unsigned int routers;
};

struct weft_queued {
	struct weft_queued *next;
	uint8_t from[16];
	uint8_t to[16];
	size_t len;
	uint8_t bytes[];
};

/* Datagrams that wait to be taken out. @end: where the next one is hung in. */
struct weft_queue {
	struct weft_queued *first, **end;
	size_t count;
};

/* What a member was, before the roster was evaluated again. */
struct weft_before {
	struct weft_id id;
	uint8_t state;
};

/* A list that grows. */
#define WEFT_LIST_OF(type) \
	struct { \
		type *at; \
		size_t count; \
		size_t size; \
	}

#define WEFT_MAX_NOTICES 64

enum weft_budget {
	/* bytes of records that we push */
	WEFT_BUDGET_PUSH,
	/* bytes of records that we were asked for */
	WEFT_BUDGET_ANSWER,
	/* bytes of digests and lists */
	WEFT_BUDGET_SYNC,
	/* answers to pings */
	WEFT_BUDGET_PONG,
	/* members looked for */
	WEFT_BUDGET_PROBE,
	/* strangers given a hearing */
	WEFT_BUDGET_GUEST,
	/* peers brought in because of traffic */
	WEFT_BUDGET_DEMAND,
	/* secrets given out */
	WEFT_BUDGET_SECRET,
	/* our own announcements */
	WEFT_BUDGET_ANNOUNCE,
	/* beacons that came */
	WEFT_BUDGET_BEACON,
	/* values that a rendezvous helper found */
	WEFT_BUDGET_HIT,
	WEFT_BUDGETS,
};

struct weft_node {
	struct weft_node_config config;
	struct weft_random random;
	enum weft_node_state state;
	struct weft_secrets secrets;
	struct weft_identity identity;
	struct weft_tunnel tunnel;
	struct weft_roster *roster;
	uint8_t address[16];
	struct weft_node_stats stats;
	struct weft_bucket budgets[WEFT_BUDGETS];

	/* contact.c: sorted by id */
	WEFT_LIST_OF(struct weft_contact *) contacts;
	bool peers_dirty;
	WEFT_LIST_OF(struct weft_tunnel_key) to_remove;

	/* review.c: what follows from the roster */
	struct weft_before *before;
	size_t before_count;
	uint64_t doubt_ms;
	uint64_t doubt_ends;
	bool changed;
	bool urgent;
	uint64_t reviewed_ms;
	uint64_t reviewed_unix;
	size_t member_count;
	bool all_members;

	/* link.c */
	uint64_t explore_at;
	uint64_t shuffle_at;
	uint64_t lost_at;
	/* a new member seeks no neighbours before, if it knows few others; 0: it does */
	uint64_t settle_at;

	/* sync.c */
	struct weft_index *index;
	WEFT_LIST_OF(struct weft_wanted_record) wants;

	/* spread.c */
	WEFT_LIST_OF(struct weft_fresh) fresh;
	struct weft_short_hash recent[WEFT_RECENT];
	struct weft_pieces *pieces;

	/* door.c, join.c */
	struct weft_guest guests[WEFT_MAX_GUESTS];
	struct weft_joining *joining;

	/* announce.c */
	WEFT_LIST_OF(struct weft_local_endpoint) local;
	struct weft_observation observed[WEFT_MAX_OBSERVED];
	unsigned int observed_count;
	struct weft_routes own_routes;
	uint64_t announce_at;
	bool announce_anyway;

	/* secret.c */
	uint64_t ask_secret_at;

	/* beacon.c */
	uint64_t beacon_at;
	unsigned int beacons_sent;
	uint64_t publish_at;
	uint64_t look_up_at;

	/* route.c: sorted by prefix */
	WEFT_LIST_OF(struct weft_route) routes;

	/* output.c */
	struct weft_output output;
	unsigned int persist;
	uint64_t roster_at;
	uint64_t endpoints_at;
	bool ran;
	bool device_dirty;
	uint64_t device_at;
	bool told_ipv4;
	uint8_t told_address[5];
	bool routes_dirty;
	bool send_beacon;
	bool publish;
	unsigned int look_ups;
	WEFT_LIST_OF(struct weft_prefix) scratch;
	struct weft_queue queue, partings;
	struct weft_queued *sent;
	struct weft_notice notices[WEFT_MAX_NOTICES];
	unsigned int notice_first, notice_count;
	uint64_t leave_at;
	uint64_t wake;
};

/* Room for one more in a WEFT_LIST_OF(); false without memory. */
#define weft_list_room(list) \
	weft_grow((void **)&(list)->at, &(list)->size, (list)->count, sizeof(*(list)->at))

bool weft_grow(void **at, size_t *size, size_t count, size_t each);

/* node.c */
void weft_node_run(struct weft_node *node, const struct weft_time *now);
bool weft_node_take_budget(struct weft_node *node, const struct weft_time *now,
			   enum weft_budget budget, uint64_t cost);
void weft_node_new_tunnel(struct weft_node *node, const struct weft_time *now);

/* output.c */
bool weft_device_changed(struct weft_node *node);
void weft_send(struct weft_node *node, const uint8_t to[16], const struct weft_message *message);
void weft_send_from(struct weft_node *node, const uint8_t from[16], const uint8_t to[16],
		    const struct weft_message *message);
void weft_send_parting(struct weft_node *node, const uint8_t to[16],
		       const struct weft_message *message);
void weft_queue_init(struct weft_queue *queue);
void weft_queue_clear(struct weft_node *node);
struct weft_notice *weft_notify(struct weft_node *node, enum weft_notice_type type,
				const struct weft_id *member, int error);

/* contact.c */
struct weft_contact *weft_contact_find(const struct weft_node *node, const struct weft_id *id);
struct weft_contact *weft_contact_by_address(const struct weft_node *node,
					     const uint8_t address[16]);
struct weft_contact *weft_contact_by_key(const struct weft_node *node,
					 const struct weft_tunnel_key *key);
struct weft_contact *weft_contact_get(struct weft_node *node, const struct weft_member *member);
struct weft_contact *weft_contact_hinted(struct weft_node *node, const struct weft_hint *hint);
void weft_contact_want(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, unsigned int why);
void weft_contact_unwant(struct weft_node *node, struct weft_contact *contact, unsigned int why);
void weft_contact_touch(struct weft_node *node, struct weft_contact *contact);
void weft_contact_seen(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_candidate *at);
void weft_contact_drop(struct weft_node *node, size_t n);
void weft_contacts_clear(struct weft_node *node);
bool weft_reachable(const struct weft_node *node, const struct weft_member *member);

/* peer.c */
bool weft_peer_output(struct weft_node *node, struct weft_output *output);

/* parting.c */
void weft_part(struct weft_node *node, const struct weft_contact *contact);

/* review.c */
void weft_review(struct weft_node *node, const struct weft_time *now);
void weft_review_remember(struct weft_node *node);
bool weft_review_now(struct weft_node *node, const struct weft_time *now);
uint64_t weft_review_due(const struct weft_node *node, const struct weft_time *now);
void weft_roster_changed(struct weft_node *node, const struct weft_time *now, bool urgent);

/* link.c */
void weft_link_run(struct weft_node *node, const struct weft_time *now);
uint64_t weft_link_due(const struct weft_node *node, const struct weft_time *now);
void weft_link_probe(struct weft_node *node, const struct weft_time *now,
		     struct weft_contact *contact);
void weft_link_heard(struct weft_node *node, const struct weft_time *now,
		     struct weft_contact *contact);
void weft_link_pinged(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const struct weft_ping *ping);
void weft_link_answered(struct weft_node *node, const struct weft_time *now,
			struct weft_contact *contact, const struct weft_ping *pong);
void weft_link_resumed(struct weft_node *node, const struct weft_time *now);
void weft_link_settle(struct weft_node *node, const struct weft_time *now);
void weft_link_ask_again(struct weft_node *node, const struct weft_time *now,
			 struct weft_contact *contact);
bool weft_in_touch(const struct weft_contact *contact);

/* sync.c */
const struct weft_short_hash *weft_sync_digest(struct weft_node *node);
void weft_sync_compare(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_short_hash *digest);
void weft_sync_ranges(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const struct weft_ranges *ranges);
void weft_sync_list(struct weft_node *node, const struct weft_time *now,
		    struct weft_contact *contact, const struct weft_list *list);
void weft_sync_arrived(struct weft_node *node, const struct weft_id *hash);
void weft_sync_run(struct weft_node *node, const struct weft_time *now);
uint64_t weft_sync_due(const struct weft_node *node);
struct weft_record *weft_sync_find(struct weft_node *node, const uint8_t *hash);
bool weft_sync_has(const struct weft_node *node, const struct weft_id *hash);
void weft_sync_clear(struct weft_node *node);

/* spread.c */
int weft_take_record(struct weft_node *node, const struct weft_time *now,
		     struct weft_record *record, const struct weft_id *from);
void weft_take_records(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_records *records);
const uint8_t *weft_take_piece(struct weft_node *node, const struct weft_time *now,
			       const uint8_t from[16], const struct weft_piece *piece,
			       size_t *len);
void weft_take_record_bytes(struct weft_node *node, const struct weft_time *now,
			    struct weft_contact *contact, const uint8_t *bytes, size_t len);
void weft_answer_want(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const struct weft_want *want);
void weft_introduce(struct weft_node *node, const struct weft_time *now,
		    struct weft_contact *contact);
void weft_send_record(struct weft_node *node, const uint8_t from[16], const uint8_t to[16],
		      struct weft_record *record);
void weft_spread_run(struct weft_node *node, const struct weft_time *now);
void weft_spread_new(struct weft_node *node);
void weft_spread_clear(struct weft_node *node);

/* door.c */
struct weft_guest *weft_guest_by_address(struct weft_node *node, const uint8_t address[16]);
void weft_guest_address(uint8_t address[16], const struct weft_id *network,
			const struct weft_tunnel_key *key);
bool weft_guest_arrives(struct weft_node *node, const struct weft_time *now,
			const struct weft_tunnel_key *key, const struct weft_candidate *at);
void weft_guest_message(struct weft_node *node, const struct weft_time *now,
			struct weft_guest *guest, const struct weft_message *message);
bool weft_guest_output(struct weft_node *node, struct weft_output *output);
void weft_guest_run(struct weft_node *node, const struct weft_time *now);
uint64_t weft_guest_due(const struct weft_node *node);
void weft_guests_clear(struct weft_node *node);

/* join.c */
void weft_join_message(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_message *message);
void weft_join_run(struct weft_node *node, const struct weft_time *now);
int weft_join_begin(struct weft_node *node, const char *name, const struct weft_time *now);
void weft_join_session(struct weft_node *node, const struct weft_time *now);
void weft_join_found(struct weft_node *node, const struct weft_time *now,
		     const struct weft_hint *hint, const struct weft_candidate *at);
uint64_t weft_join_due(const struct weft_node *node);
void weft_join_reviewed(struct weft_node *node, const struct weft_time *now);
void weft_join_compared(struct weft_node *node, const struct weft_time *now,
			const struct weft_contact *contact);
void weft_join_free(struct weft_node *node);
const struct weft_hint *weft_join_hint(const struct weft_node *node, const struct weft_id *id);
bool weft_join_as_guest(const struct weft_node *node);

/* announce.c */
void weft_announce_soon(struct weft_node *node, const struct weft_time *now);
void weft_announce_run(struct weft_node *node, const struct weft_time *now);
int weft_announce_make(struct weft_node *node, const struct weft_time *now, unsigned int endpoints,
		       struct weft_record **record);
void weft_observed(struct weft_node *node, const struct weft_time *now,
		   const struct weft_contact *by, const struct weft_ip_endpoint *at);
void weft_observed_forget(struct weft_node *node);
bool weft_endpoint_equal(const struct weft_ip_endpoint *a, const struct weft_ip_endpoint *b);

/* secret.c */
bool weft_secret_current(const struct weft_node *node);
void weft_secret_run(struct weft_node *node, const struct weft_time *now);
void weft_secret_asked(struct weft_node *node, const struct weft_time *now,
		       struct weft_contact *contact, const struct weft_id *commitment);
void weft_secret_take(struct weft_node *node, const struct weft_time *now,
		      struct weft_contact *contact, const uint8_t sealed[WEFT_SEALED_SECRET]);
void weft_secret_spread(struct weft_node *node);
uint64_t weft_secret_due(const struct weft_node *node);
int weft_secret_new(struct weft_node *node, const struct weft_time *now);

/* beacon.c */
void weft_beacon_soon(struct weft_node *node, const struct weft_time *now);
void weft_beacon_run(struct weft_node *node, const struct weft_time *now);
uint64_t weft_beacon_due(const struct weft_node *node);
bool weft_beacon_make(struct weft_node *node, struct weft_out_beacon *beacon);

/* rendezvous.c */
void weft_rendezvous_run(struct weft_node *node, const struct weft_time *now);
uint64_t weft_rendezvous_due(const struct weft_node *node);
bool weft_rendezvous_output(struct weft_node *node, const struct weft_time *now,
			    struct weft_output *output);

/* route.c */
void weft_routes_review(struct weft_node *node);
const struct weft_route *weft_route_to(const struct weft_node *node, const uint8_t *address,
				       size_t size);
bool weft_router_watched(const struct weft_node *node, const struct weft_contact *contact);

/* command.c */
void weft_admin_identity(const struct weft_node *node, struct weft_identity *admin);
void weft_leave_run(struct weft_node *node, const struct weft_time *now);

/* schedule.c */
uint64_t weft_node_due(const struct weft_node *node, const struct weft_time *now);

/* known.c */
void weft_known_read(struct weft_node *node, const void *bytes, size_t len);

#endif /* WEFT_NODE_INTERNAL_H */
