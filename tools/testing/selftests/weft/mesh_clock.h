/* SPDX-License-Identifier: GPL-2.0 */
/* What mesh_clock writes to a file, and mesh_clock_preload.so reads, to make a program's clocks differ. */
#ifndef MESH_CLOCK_H
#define MESH_CLOCK_H

#include <stdint.h>

/**
 * struct mesh_clock_pace - how a clock goes
 * @since_ns:	from when on, as the kernel's CLOCK_MONOTONIC
 * @ahead_ns:	how far it was ahead then
 * @rate:	how fast it goes; 1: as time does
 * @unix_s:	what CLOCK_REALTIME is wrong by. That one goes as it would otherwise
 */
struct mesh_clock_pace {
	int64_t since_ns;
	int64_t ahead_ns;
	int64_t rate;
	int64_t unix_s;
};

/* The one that counts is changed at once; the other is for the next change. */
struct mesh_clock {
	uint32_t current;
	uint32_t unused;
	struct mesh_clock_pace paces[2];
};

static inline int64_t mesh_clock_ahead(const struct mesh_clock_pace *pace, int64_t now_ns)
{
	return pace->ahead_ns + (now_ns - pace->since_ns) * (pace->rate - 1);
}

#endif /* MESH_CLOCK_H */
