/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many nodes in one process, with a clock of their own and a network that delays, loses and splits.
 * In place of kernels there are small models of one: peers with allowed IPs, sessions that need a
 * handshake, packets that wait for it, upcalls. From a seed, the same happens every time.
 */
#ifndef WEFT_SIM_H
#define WEFT_SIM_H

#include "core.h"
#include "node.h"

#define SIM_MAX_HELD 16
#define SIM_SECOND 1000ULL
#define SIM_MINUTE 60000ULL

struct sim;

/* A peer of a model kernel. */
struct sim_peer {
	struct weft_tunnel_key key;
	struct weft_prefix *allowed;
	size_t allowed_count;
	struct weft_candidate at;
	bool has_at;
	uint16_t keepalive;
	/* 0: none; what comes in under the one before is taken too */
	uint64_t session, previous;
	uint64_t initiated_ms;
	uint64_t unanswered_ms;
	struct sim_packet *held[SIM_MAX_HELD];
	unsigned int held_count;
	uint64_t rx_bytes, tx_bytes;
};

struct sim_node {
	struct sim *sim;
	unsigned int number;
	struct weft_node *node;
	bool up;
	/* only nodes of one group reach each other */
	unsigned int group;
	struct weft_ip_endpoint at;
	int64_t clock_ahead_s;
	/* the kernel */
	struct weft_tunnel_key key;
	struct weft_prefix addresses[2];
	unsigned int address_count;
	struct sim_peer *peers;
	size_t peer_count, peer_size;
	struct weft_prefix *routes;
	size_t route_count;
	/* the disk */
	struct weft_secrets secrets;
	uint8_t *roster, *endpoints;
	size_t roster_len, endpoints_len;
	/* what was told, and what arrived */
	unsigned int notices[WEFT_NOTICE_LOST + 1];
	struct weft_notice last[WEFT_NOTICE_LOST + 1];
	unsigned int told_revoked;
	unsigned int user_packets;
	unsigned int beacons, published, looked_up;
	struct weft_out_rendezvous publication, question;
	uint64_t wire_bytes;
	uint64_t wake_ms;
	/* when it had joined */
	uint64_t member_ms;
};

struct sim {
	uint64_t ms;
	uint64_t unix_s;
	uint64_t random;
	/* of a thousand */
	unsigned int loss;
	uint64_t latency_ms, jitter_ms;
	/* state is written down, for sim_restart() */
	bool disks;
	/* all are on one local network */
	bool lan;
	struct weft_node_config config;
	struct sim_node *nodes;
	unsigned int count, size;
	struct sim_event *events;
	size_t event_count, event_size;
	uint64_t sequence, sessions;
	unsigned int steps_now;
	/* called so often, if it is set */
	void (*every)(struct sim *sim);
	uint64_t every_ms;
};

struct sim *sim_new(uint64_t seed, unsigned int max_nodes);
void sim_free(struct sim *sim);
struct weft_time sim_time(const struct sim_node *node);
uint64_t sim_random(struct sim *sim, uint64_t bound);

/* Each gives the number of the new node. */
unsigned int sim_found(struct sim *sim);
unsigned int sim_join(struct sim *sim, const char *token, const char *name);
unsigned int sim_restore(struct sim *sim, const struct weft_secrets *secrets,
			 struct weft_roster *roster);

/* An invitation of this node; to be freed. */
char *sim_invite(struct sim *sim, unsigned int node, unsigned int uses);
char *sim_invite_with(struct sim *sim, unsigned int node, const struct weft_invite *invite);
struct weft_invite sim_wish(const struct sim *sim, unsigned int uses);
/* A network of this many nodes that have joined one after the other, and settled. */
struct sim *sim_network(uint64_t seed, unsigned int count, unsigned int max_nodes);

void sim_run(struct sim *sim, uint64_t ms);
/* Until @done says so: how long it took, or -1 after @ms. */
typedef bool sim_done(struct sim *sim);
int64_t sim_until(struct sim *sim, sim_done *done, uint64_t ms);
/* After something was done with a node from outside. */
void sim_pump(struct sim_node *node);

void sim_kill(struct sim *sim, unsigned int node);
/* From its disk, with the address that it has now; its kernel is new. */
void sim_restart(struct sim *sim, unsigned int node);
/* The same with this roster, which it gives up, instead of the disk's. */
void sim_revive(struct sim *sim, unsigned int node, struct weft_roster *roster);
/* The daemon alone: the kernel goes on meanwhile. */
void sim_restart_daemon(struct sim *sim, unsigned int node);
void sim_move(struct sim *sim, unsigned int node);
void sim_tell_endpoints(struct sim *sim, unsigned int node);

/* A packet of a user, to an overlay address. */
void sim_user_packet(struct sim *sim, unsigned int from, const uint8_t *address, size_t size);
struct sim_peer *sim_peer_of(struct sim *sim, unsigned int node, unsigned int other);

/* How many nodes that are up are members in the roster of node @of. */
unsigned int sim_members(struct sim *sim, unsigned int of);
/* All that are up have the same records. */
bool sim_converged(struct sim *sim);
bool sim_converged_group(struct sim *sim, unsigned int group);
void sim_digest(struct sim *sim, unsigned int node, struct weft_id *digest);

#endif /* WEFT_SIM_H */
