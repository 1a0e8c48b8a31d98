/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the two halves of the simulator: the world (sim.c) and the model kernels (sim_kernel.c). */
#ifndef WEFT_SIM_INTERNAL_H
#define WEFT_SIM_INTERNAL_H

#include "sim.h"

struct sim_packet {
	uint8_t from[16];
	uint8_t to[16];
	size_t to_size;
	bool user;
	size_t len;
	uint8_t bytes[];
};

enum sim_event_type {
	SIM_WAKE,
	SIM_INITIATION,
	SIM_RESPONSE,
	SIM_DATA,
	SIM_BEACON,
	SIM_RETRY,
	SIM_COUNT_TRAFFIC,
};

struct sim_event {
	uint64_t ms;
	uint64_t sequence;
	enum sim_event_type type;
	unsigned int node;
	unsigned int group;
	/* on the wire */
	struct weft_ip_endpoint source, destination;
	struct weft_tunnel_key from_key, to_key;
	uint64_t session;
	struct sim_packet *packet;
	uint8_t *beacon;
};

/* sim.c */
void sim_push(struct sim *sim, struct sim_event event);
void sim_drop_event(struct sim_event *event);

/* sim_kernel.c */
void sim_transmit(struct sim_node *node, struct sim_event event);
struct sim_packet *sim_new_packet(const void *bytes, size_t len);
void sim_send_packet(struct sim_node *node, struct sim_packet *packet);
struct sim_peer *sim_find_peer(struct sim_node *node, const struct weft_tunnel_key *key);
void sim_set_peer(struct sim_node *node, const struct weft_out_peer *out);
void sim_remove_peer(struct sim_node *node, const struct weft_tunnel_key *key);
void sim_set_device(struct sim_node *node, const struct weft_out_device *device);
void sim_clear_kernel(struct sim_node *node);
struct weft_candidate sim_candidate(const struct weft_ip_endpoint *endpoint);
void sim_got_initiation(struct sim_node *node, const struct sim_event *event);
void sim_got_response(struct sim_node *node, const struct sim_event *event);
void sim_got_data(struct sim_node *node, struct sim_event *event);
void sim_retry(struct sim_node *node, const struct sim_event *event);

#endif /* WEFT_SIM_INTERNAL_H */
