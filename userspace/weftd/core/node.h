/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's part in one network: all that the daemon decides, and nothing that it does. Inputs are
 * functions that take the time and what happened; what is to be done is then taken out with
 * weft_node_output(). No clock, socket, file or thread in here, and no randomness but what it was
 * given.
 *
 * The shell around it, after each input:
 *
 *	while ((output = weft_node_output(node, &now)))
 *		do what it says, in this order, and completely before the next is taken;
 *	set a timer for weft_node_wake(node), and call weft_node_tick() then.
 *
 * A node is for one thread.
 */
#ifndef WEFT_NODE_H
#define WEFT_NODE_H

#include "gossip.h"
#include "invitation.h"
#include "revoke.h"
#include "roster.h"
#include "state.h"
#include "token.h"

struct weft_node;

/* Members talk to each other over UDP from and to this port of their overlay IPv6 addresses. */
#define WEFT_GOSSIP_PORT 7387
/* Of a beacon, always: nothing is to be told from its length. */
#define WEFT_BEACON_BYTES 160
/* Of what is published for rendezvous, always. */
#define WEFT_RENDEZVOUS_BYTES 512
/* Ways to a peer that the kernel is told. */
#define WEFT_NODE_CANDIDATES 8

/**
 * struct weft_time - now
 * @ms:		milliseconds that never jump back, and go on in sleep (CLOCK_BOOTTIME)
 * @unix_s:	Unix time; may be wrong, and jump
 */
struct weft_time {
	uint64_t ms;
	uint64_t unix_s;
};

/**
 * struct weft_candidate - where a peer may be
 * @at:		address and port
 * @ifindex:	of the interface, where @at is link-local; else 0
 */
struct weft_candidate {
	struct weft_ip_endpoint at;
	uint32_t ifindex;
};

/* How an endpoint of ours is known; the better ones come first. */
enum weft_local_kind {
	/* of an interface */
	WEFT_LOCAL_INTERFACE,
	/* asked of a gateway, by port mapping */
	WEFT_LOCAL_MAPPED,
	/* configured by a person */
	WEFT_LOCAL_STATIC,
};

struct weft_local_endpoint {
	struct weft_ip_endpoint at;
	enum weft_local_kind kind;
};

/**
 * struct weft_node_config - what a person decided
 * @seed:	32 random bytes; all keys that the node makes come from it
 * @all_peers:	up to so many members are all in the kernel, always; 0: 32
 * @idle_ms:	a peer that was brought in on demand is taken out after so long without traffic; 0: 5
 *		minutes
 * @beacons:	look for members on the local network
 * @rendezvous:	publish and look up through a rendezvous helper; weft_node_set_rendezvous() changes it
 * @features:	as announced, see weft_fields.features
 * @relay:	kbit/s that are offered for relaying
 */
struct weft_node_config {
	uint8_t seed[32];
	unsigned int all_peers;
	uint64_t idle_ms;
	bool beacons;
	bool rendezvous;
	uint64_t features;
	uint64_t relay;
};

/**
 * struct weft_founding - a new network
 * @network:	its name
 * @member:	the founder's
 * @has_ipv4:	whether members get IPv4 addresses
 * @ipv4:	from this range
 */
struct weft_founding {
	const char *network;
	const char *member;
	bool has_ipv4;
	struct weft_prefix ipv4;
};

/*
 * Beginnings. Each gives a node with outputs waiting: the secrets and the roster to be saved, the
 * device, peers. 0 or a negative errno; weft_reason() has words for it.
 */

/* Make a network, and be its first member. -EPROTO: a name or range cannot be. */
int weft_node_found(struct weft_node **node, const struct weft_node_config *config,
		    const struct weft_founding *founding, const struct weft_time *now);

/**
 * weft_node_join() - become a member by a token
 * @node:	gets it
 * @config:	see there
 * @token:	its text
 * @name:	that the machine wishes, or NULL
 * @kept:	the secrets of an attempt that was cut short, so that it uses no second place; or NULL
 * @now:	time
 *
 * The node has joined with the notice WEFT_NOTICE_JOINED. Until then the shell keeps the token beside
 * the secrets, and begins here again after a restart. WEFT_NOTICE_REFUSED tells each refusal and its
 * reason; with @final set no member is left to try.
 *
 * Return: 0, or what is wrong with the token.
 */
int weft_node_join(struct weft_node **node, const struct weft_node_config *config,
		   const char *token, const char *name, const struct weft_secrets *kept,
		   const struct weft_time *now);

/**
 * weft_node_restore() - go on from state
 * @node:	gets it
 * @config:	see there
 * @secrets:	copied
 * @roster:	becomes the node's, also on failure
 * @endpoints:	what weft_node_endpoints() wrote, or NULL. Not needed, and may be damaged
 * @endpoints_len: of @endpoints
 * @now:	time
 */
int weft_node_restore(struct weft_node **node, const struct weft_node_config *config,
		      const struct weft_secrets *secrets, struct weft_roster *roster,
		      const void *endpoints, size_t endpoints_len, const struct weft_time *now);

void weft_node_free(struct weft_node *node);

/*
 * Inputs. None fails: what is malformed, comes from nobody, or too often, is counted and dropped.
 */

/* The time that weft_node_wake() told has come; harmless earlier. */
void weft_node_tick(struct weft_node *node, const struct weft_time *now);
/* More randomness. */
void weft_node_reseed(struct weft_node *node, const uint8_t seed[32]);
/* A datagram to our port WEFT_GOSSIP_PORT, from that port of an overlay address, out of the device. */
void weft_node_datagram(struct weft_node *node, const struct weft_time *now,
			const uint8_t from[16], const void *bytes, size_t len);

/* The kernel made a session with the peer, whom it sees at @at (NULL: not known). */
void weft_node_session_new(struct weft_node *node, const struct weft_time *now,
			   const struct weft_tunnel_key *peer, const struct weft_candidate *at);
void weft_node_session_expired(struct weft_node *node, const struct weft_time *now,
			       const struct weft_tunnel_key *peer);
/* A valid initiation came from a key that the kernel does not have. */
void weft_node_unknown_peer(struct weft_node *node, const struct weft_time *now,
			    const struct weft_tunnel_key *peer, const struct weft_candidate *at);
/* A packet is to go to an address (4 or 16 bytes) that no peer of the kernel has. */
void weft_node_unknown_destination(struct weft_node *node, const struct weft_time *now,
				   const uint8_t *address, size_t size);
void weft_node_path_changed(struct weft_node *node, const struct weft_time *now,
			    const struct weft_tunnel_key *peer, const struct weft_candidate *at);
/*
 * What the kernel counted of a peer since it has it. To be told of every peer about every 30 s: by
 * this it is known which are idle.
 */
void weft_node_traffic(struct weft_node *node, const struct weft_time *now,
		       const struct weft_tunnel_key *peer, uint64_t rx_bytes, uint64_t tx_bytes);
/* At a start: the kernel has this peer already. It is kept if it may, or taken out. */
void weft_node_kernel_peer(struct weft_node *node, const struct weft_time *now,
			   const struct weft_tunnel_key *peer);

/* All endpoints of ours that are known here, replacing those told before; no overlay addresses. */
void weft_node_local_endpoints(struct weft_node *node, const struct weft_time *now,
			       const struct weft_local_endpoint *endpoints, size_t count);
/* Sleep is over, or the network changed: whatever was about to happen, now. */
void weft_node_resumed(struct weft_node *node, const struct weft_time *now);
/* A beacon came in; the address and interface it came from. Its sender's port is in it. */
void weft_node_beacon(struct weft_node *node, const struct weft_time *now,
		      const struct weft_candidate *from, const void *bytes, size_t len);
/* Whether there is a rendezvous helper. */
void weft_node_set_rendezvous(struct weft_node *node, bool wanted);
/* What somebody published under a key that was looked up. */
void weft_node_rendezvous_hit(struct weft_node *node, const struct weft_time *now,
			      const void *bytes, size_t len);

/*
 * Commands. 0 or a negative errno, with nothing changed. -EAGAIN: not while joining. -EPERM: this
 * machine is no admin.
 */

/**
 * struct weft_invite - what to invite to
 * @grant:	expires, uses; of name, ipv4, may, routes, groups, member_expires what its @has says
 * @with_secret: put the network's secret into the token, so that the joiner finds members that have
 *		moved
 */
struct weft_invite {
	struct weft_fields grant;
	bool with_secret;
};

int weft_node_invite(struct weft_node *node, const struct weft_time *now,
		     const struct weft_invite *invite, char token[WEFT_TOKEN_TEXT]);
/* As weft_revoke(), and names a new secret of the network. */
int weft_node_revoke(struct weft_node *node, const struct weft_time *now,
		     const struct weft_id *subject, unsigned int flags,
		     struct weft_losses *losses);
/*
 * As weft_leave(). The outputs tell the others; after WEFT_NOTICE_LEFT, some seconds later, there is
 * nothing left to do, and the shell deletes the device and the state.
 */
int weft_node_leave(struct weft_node *node, const struct weft_time *now);
/* Make a member an admin, or take that from one. */
int weft_node_set_admin(struct weft_node *node, const struct weft_time *now,
			const struct weft_id *subject, enum weft_operation operation);

/**
 * struct weft_static_member - a stock WireGuard member
 * @name:	of it
 * @tunnel:	its public key
 * @via:	who routes for it; a member with a daemon
 * @routes:	what is behind it
 * @expires:	0: never
 */
struct weft_static_member {
	const char *name;
	struct weft_tunnel_key tunnel;
	struct weft_id via;
	struct weft_routes routes;
	uint64_t expires;
};

/* @id gets what it is known by. -EEXIST: a name or key that a member has. -ENOENT: no such @via. */
int weft_node_admit_static(struct weft_node *node, const struct weft_time *now,
			   const struct weft_static_member *member, struct weft_id *id);
/* What this machine routes for, of what it was granted; an admin grants itself. -EACCES: it was not. */
int weft_node_set_routes(struct weft_node *node, const struct weft_time *now,
			 const struct weft_routes *routes);
/* Say anew where we are, whether or not that changed. */
int weft_node_announce(struct weft_node *node, const struct weft_time *now);

/* Outputs. */
enum weft_output_type {
	WEFT_OUT_PERSIST = 1,
	WEFT_OUT_DEVICE,
	WEFT_OUT_PEER,
	WEFT_OUT_PEER_REMOVE,
	WEFT_OUT_ROUTES,
	WEFT_OUT_DATAGRAM,
	WEFT_OUT_BEACON,
	WEFT_OUT_PUBLISH,
	WEFT_OUT_LOOKUP,
	WEFT_OUT_NOTICE,
};

/* What is to be written to disk, before any later output is acted on. */
enum weft_persist {
	/* weft_node_secrets(); other outputs rest on it */
	WEFT_PERSIST_SECRETS = 1,
	/* weft_node_roster(), by weft_roster_encode() */
	WEFT_PERSIST_ROSTER = 2,
	/* weft_node_endpoints(); only a convenience */
	WEFT_PERSIST_ENDPOINTS = 4,
};

/**
 * struct weft_out_device - the interface, as it is to be now
 * @private_key: of the tunnel
 * @addresses:	with the length of the network that is on the link
 * @count:	of @addresses; others that were told before are to be removed
 */
struct weft_out_device {
	struct weft_tunnel_key private_key;
	struct weft_prefix addresses[2];
	unsigned int count;
};

/**
 * struct weft_out_peer - a peer that the kernel is to have: to be added, or changed to this
 * @key:	its tunnel key
 * @keepalive:	seconds, 0 for none
 * @allowed:	all of its allowed IPs; sorted. One that another peer has moves here
 * @allowed_count: of @allowed
 * @candidates:	where it may be, the likeliest first; a kernel that takes one takes that. None: leave
 *		it as is. An endpoint that the kernel found itself is better where there is a session
 * @candidate_count: of @candidates
 */
struct weft_out_peer {
	struct weft_tunnel_key key;
	uint16_t keepalive;
	const struct weft_prefix *allowed;
	size_t allowed_count;
	struct weft_candidate candidates[WEFT_NODE_CANDIDATES];
	unsigned int candidate_count;
};

/* All that is to be routed into the device, apart from the networks of its addresses; sorted. */
struct weft_out_routes {
	const struct weft_prefix *at;
	size_t count;
};

/* From our overlay IPv6 address to this one, port WEFT_GOSSIP_PORT both, bound to the device. */
struct weft_out_datagram {
	uint8_t from[16];
	uint8_t to[16];
	const uint8_t *bytes;
	size_t len;
};

/* To every other machine on every local network. */
struct weft_out_beacon {
	uint8_t bytes[WEFT_BEACON_BYTES];
};

/* What to publish under which key; or, without @bytes, which key to look up. */
struct weft_out_rendezvous {
	uint8_t key[32];
	uint8_t bytes[WEFT_RENDEZVOUS_BYTES];
};

enum weft_notice_type {
	/* this machine joined; @member: who let it in */
	WEFT_NOTICE_JOINED = 1,
	/* @member did not let this machine in, because of @error; @final: nobody else is left to ask */
	WEFT_NOTICE_REFUSED,
	/* none of the members that the token names answers; we go on trying */
	WEFT_NOTICE_NO_ANSWER,
	/* this machine left */
	WEFT_NOTICE_LEFT,
	/* it is in the network no more: revoked, expired, its invitation used up by others (@error) */
	WEFT_NOTICE_EXCLUDED,
	/* it is again */
	WEFT_NOTICE_INCLUDED,
	/* there is a new member, or one is no more (@error: -EKEYREVOKED, -EKEYEXPIRED, -EACCES) */
	WEFT_NOTICE_MEMBER,
	WEFT_NOTICE_MEMBER_GONE,
	/* we let @member in; or not (@error) */
	WEFT_NOTICE_ADMITTED,
	WEFT_NOTICE_NOT_ADMITTED,
	/* @member answers; does not any more */
	WEFT_NOTICE_UP,
	WEFT_NOTICE_DOWN,
	/* the network has a new secret, and we have it */
	WEFT_NOTICE_SECRET,
	/* another member claimed our tunnel key; we took a new one */
	WEFT_NOTICE_NEW_KEY,
	/* @route goes through @member now */
	WEFT_NOTICE_ROUTE,
	/* notices were lost, for want of room: read everything anew */
	WEFT_NOTICE_LOST,
};

/**
 * struct weft_notice - something that a person may want to know
 * @type:	see there
 * @member:	whom it is about
 * @name:	of that member, where it has one
 * @error:	why, or 0
 * @final:	see WEFT_NOTICE_REFUSED
 * @route:	see WEFT_NOTICE_ROUTE
 */
struct weft_notice {
	enum weft_notice_type type;
	struct weft_id member;
	char name[WEFT_MEMBER_NAME_LEN + 1];
	int error;
	bool final;
	struct weft_prefix route;
};

struct weft_output {
	enum weft_output_type type;
	union {
		unsigned int persist;
		struct weft_out_device device;
		struct weft_out_peer peer;
		struct weft_tunnel_key peer_remove;
		struct weft_out_routes routes;
		struct weft_out_datagram datagram;
		struct weft_out_beacon beacon;
		struct weft_out_rendezvous rendezvous;
		struct weft_notice notice;
	};
};

/* The next thing to do, good until the next call of anything; NULL: nothing now. */
const struct weft_output *weft_node_output(struct weft_node *node, const struct weft_time *now);
/* When to call weft_node_tick(), in milliseconds; UINT64_MAX: never. */
uint64_t weft_node_wake(const struct weft_node *node);

/* What there is to see; good until the next input. */
enum weft_node_state {
	WEFT_NODE_JOINING,
	WEFT_NODE_MEMBER,
	/* left, revoked or expired */
	WEFT_NODE_EXCLUDED,
};

/* Why the kernel has a peer. */
enum weft_wanted {
	/* it is always in touch with us */
	WEFT_WANTED_NEIGHBOUR = 1,
	/* we are with it */
	WEFT_WANTED_LINK = 2,
	/* traffic */
	WEFT_WANTED_DEMAND = 4,
	/* so few members that all are */
	WEFT_WANTED_ALL = 8,
	/* we look whether it is there */
	WEFT_WANTED_PROBE = 16,
	/* a stock WireGuard member that we route for */
	WEFT_WANTED_STATIC = 32,
};

/**
 * struct weft_node_peer - what this machine knows of another member beyond the roster
 * @member:	the roster's
 * @wanted:	why the kernel has it; 0: it has not
 * @session:	whether it has a session with it
 * @alive:	whether it answers us (only known of those we are in touch with)
 * @has_at:	whether @at is known
 * @at:		where the kernel sees it, or last did
 * @heard_ms:	when we last heard it; 0: never
 * @rtt_ms:	how long its last answer took; 0: not known
 * @rx_bytes:	as the kernel last told
 * @tx_bytes:	likewise
 * @via:	the member that routes for it, or NULL
 */
struct weft_node_peer {
	const struct weft_member *member;
	unsigned int wanted;
	bool session;
	bool alive;
	bool has_at;
	struct weft_candidate at;
	uint64_t heard_ms;
	uint32_t rtt_ms;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	const struct weft_member *via;
};

enum weft_drop {
	/* no message, or of a later version */
	WEFT_DROP_MALFORMED,
	/* of nobody who may speak to us */
	WEFT_DROP_STRANGER,
	/* too much of it */
	WEFT_DROP_RATE,
	/* records that were forged, or found no room */
	WEFT_DROP_RECORD,
	/* answers that nobody asked for */
	WEFT_DROP_UNASKED,
	/* own datagrams for which there was no room */
	WEFT_DROP_QUEUE,
	WEFT_DROP_COUNT,
};

/**
 * struct weft_node_stats - for people and tests
 * @sent:	datagrams, and bytes in them
 * @received:	likewise
 * @records_new: that came in from others and were new
 * @records_known: that came in and were not
 * @drops:	by enum weft_drop
 */
struct weft_node_stats {
	uint64_t sent, sent_bytes;
	uint64_t received, received_bytes;
	uint64_t records_new, records_known;
	uint64_t drops[WEFT_DROP_COUNT];
};

enum weft_node_state weft_node_state(const struct weft_node *node);
const struct weft_id *weft_node_id(const struct weft_node *node);
const struct weft_secrets *weft_node_secrets(const struct weft_node *node);
/* Evaluated as of the last input. */
struct weft_roster *weft_node_roster(const struct weft_node *node);
/* Ourselves, in the roster; NULL while joining. */
const struct weft_member *weft_node_self(const struct weft_node *node);
void weft_node_peer(const struct weft_node *node, const struct weft_member *member,
		    struct weft_node_peer *peer);
/* Who a peer of the kernel is; NULL: nobody. */
const struct weft_member *weft_node_peer_by_key(const struct weft_node *node,
						const struct weft_tunnel_key *key);
/* Where others see us, the likeliest first; up to @max, their number is returned. */
unsigned int weft_node_own_endpoints(const struct weft_node *node, struct weft_ip_endpoint *at,
				     unsigned int max);
/* Who has a route that others announce, now; NULL: nobody. */
const struct weft_id *weft_node_router(const struct weft_node *node,
				       const struct weft_prefix *route);
const struct weft_node_stats *weft_node_stats(const struct weft_node *node);
/* The file of last known endpoints, to be freed. 0 or -ENOMEM. */
int weft_node_endpoints(const struct weft_node *node, uint8_t **bytes, size_t *len);

#endif /* WEFT_NODE_H */
