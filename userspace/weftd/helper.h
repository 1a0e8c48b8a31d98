/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rendezvous helper, as weftd sees it: a process that may be slow, silent, loud, lying or dead, and
 * that harms neither weftd nor a network with it; what it can do to other helpers is told in
 * Documentation/rendezvous.md. What is asked of it is bounded, and so is what is heard of it; it is
 * started again when it ends, the later the more often it did.
 */
#ifndef WEFTD_HELPER_H
#define WEFTD_HELPER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "helper_lines.h"
#include "keeper.h"

struct helper;
struct helpers;

/* Look-ups that are not answered yet; what is more is not asked. */
#define HELPER_MAX_LOOK_UPS 8
/* Values taken for one look-up. Who knows the day's key can put others there, but not seal them. */
#define HELPER_MAX_FOUND 256

/**
 * struct helper_limits - how much of what; milliseconds where it says _ms
 * @tick_ms:	how often it is looked after
 * @ready_ms:	until it has said that it is ready
 * @look_up_ms:	until a look-up is answered
 * @publish_ms:	until it has published
 * @retry_ms:	until it is started again, at first
 * @retry_max_ms: and at most; one that lasted as long begins again with @retry_ms
 * @bytes:	that are read of it each tick
 * @invalid:	lines that are none, until it is taken for no helper
 * @timeouts:	in a row, likewise
 */
struct helper_limits {
	unsigned int tick_ms;
	unsigned int ready_ms;
	unsigned int look_up_ms;
	unsigned int publish_ms;
	unsigned int retry_ms;
	unsigned int retry_max_ms;
	unsigned int bytes;
	unsigned int invalid;
	unsigned int timeouts;
};

extern const struct helper_limits helper_limits;

/**
 * struct helpers - all of them
 * @loop:	everything happens in it
 * @keeper:	starts them
 * @limits:	for each
 * @list:	of them
 * @number:	of the last child that was started
 */
struct helpers {
	uv_loop_t *loop;
	struct keeper *keeper;
	const struct helper_limits *limits;
	struct helper *list;
	uint32_t number;
};

/* @keeper was forked. */
void helpers_start(struct helpers *helpers, uv_loop_t *loop, struct keeper *keeper,
		   const struct helper_limits *limits);

enum helper_state {
	/* it has not said that it is ready */
	HELPER_STARTING,
	HELPER_READY,
	/* until it is started again */
	HELPER_WAITING,
};

/**
 * struct helper_status - what there is to see
 * @state:	see there
 * @pid:	of its process, or 0
 * @trouble:	what it, or weftd, has to say; or ""
 * @published_ms: when it last said that it has published; 0: never
 * @starts:	how often it was started
 * @look_ups:	that were asked
 * @found:	values
 * @timeouts:	what was not answered in time
 * @invalid:	lines that are none, or answers to nothing
 * @dropped:	what could not be asked, and values that were too many
 */
struct helper_status {
	enum helper_state state;
	int pid;
	char trouble[256];
	uint64_t published_ms;
	uint64_t starts;
	uint64_t look_ups;
	uint64_t found;
	uint64_t timeouts;
	uint64_t invalid;
	uint64_t dropped;
};

/*
 * @command: up to KEEPER_MAX_COMMAND; @name: for messages, the caller's, who may change what is there.
 * NULL: no memory.
 */
struct helper *helper_new(struct helpers *helpers, const char *name, const char *command,
			  void (*found)(void *arg, const uint8_t bytes[WEFT_RENDEZVOUS_BYTES]),
			  void *arg);
/* It gets no more calls, and is freed when the loop has run. */
void helper_free(struct helper *helper);
/* In place of what was published before; said again to each new process. */
void helper_publish(struct helper *helper, const uint8_t key[32],
		    const uint8_t bytes[WEFT_RENDEZVOUS_BYTES]);
void helper_look_up(struct helper *helper, const uint8_t key[32]);
/* Whether it ever said that it has, and how long ago. */
bool helper_published(const struct helper *helper, uint64_t *ago_ms);
/* Look-ups that are not answered yet. */
unsigned int helper_outstanding(const struct helper *helper);
const struct helper_status *helper_status(const struct helper *helper);

#endif /* WEFTD_HELPER_H */
