/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large networks, and what is to be known of them. Their members have met before: each begins with
 * the same roster, and knows nobody's address but by that.
 */
#ifndef WEFT_SIM_CROWD_H
#define WEFT_SIM_CROWD_H

#include "sim.h"

/* Number 0 is an admin; all have come by invitation, with a name and an IPv4 address. */
struct sim *crowd_new(uint64_t seed, unsigned int members, unsigned int max_nodes);
/* With all that was shared. */
void crowd_free(struct sim *sim);

/**
 * struct spread - how a fact got around
 * @asked:	members that are up, but for the one that it is about
 * @knew:	of them, those that knew it in the end
 * @median_ms:	half of them did after so long
 * @most_ms:	99 of 100 did
 * @all_ms:	the last one that did
 */
struct spread {
	unsigned int asked;
	unsigned int knew;
	uint64_t median_ms;
	uint64_t most_ms;
	uint64_t all_ms;
};

/* Until all of them have the subject as a member (or, without @is, have it no more). */
void crowd_spread(struct sim *sim, const struct weft_id *subject, bool is, uint64_t since_ms,
		  uint64_t limit_ms, struct spread *spread);

/* Bytes that a node sends a second, with all headers. */
struct traffic {
	double mean;
	uint64_t median;
	uint64_t most;
};

void crowd_traffic(struct sim *sim, uint64_t ms, struct traffic *traffic);

/**
 * struct memory - what a node takes of it for a member
 * @rests:	bytes, in use by all of the core
 * @most:	at any moment, since it began
 */
struct memory {
	uint64_t rests;
	uint64_t most;
};

/* Of one more node that has the roster of node @n, and shares nothing with anybody. */
void crowd_memory(struct sim *sim, unsigned int n, struct memory *memory);

#endif /* WEFT_SIM_CROWD_H */
