/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is one of on a machine. */
#ifndef WEFTD_DAEMON_H
#define WEFTD_DAEMON_H

#include <uv.h>
#include <weft/weft.h>

#include "core/node.h"
#include "helper.h"
#include "keeper.h"
#include "sockets.h"
#include "links.h"

struct network;

/* Data paths, routes, names and state are looked after at least so often. */
#define DAEMON_CARE_MS 5000
/* The core is to be told of traffic so often (weft_node_traffic()). */
#define DAEMON_TRAFFIC_MS 30000

/**
 * struct daemon - see above
 * @loop:	everything happens in it
 * @state:	directory of the networks' directories
 * @run:	directory of what others read
 * @rt:		for requests of rtnetlink
 * @watch:	tells when the machine's addresses may have changed
 * @watch_poll:	of @watch
 * @settle:	runs after a change, until there is none for a moment
 * @weft:	handle of libweft; NULL until there is a network that is up
 * @events_poll: of its events
 * @beacons:	sockets
 * @beacon_poll: of those
 * @world:	what link_look_around() told last
 * @care:	timer, see DAEMON_CARE_MS
 * @clock:	tells when the clock was set, or the machine woke up
 * @clock_poll:	of @clock
 * @asleep_ms:	how long the machine has slept, as far as is known
 * @traffic_ms:	when the core was last told of traffic
 * @networks:	the earliest first
 * @names_stale: names are to be published
 * @names_timer: until that is done
 * @prepare:	sees to it
 * @names:	what was published last
 * @keeper:	starts helpers
 * @helpers:	of all networks
 */
struct daemon {
	uv_loop_t *loop;
	int state;
	int run;
	struct nl_sock *rt;
	struct nl_sock *watch;
	uv_poll_t watch_poll;
	uv_timer_t settle;
	struct weft *weft;
	uv_poll_t events_poll;
	struct beacon_sockets beacons;
	uv_poll_t beacon_poll[2];
	struct link_world world;
	uv_timer_t care;
	int clock;
	uv_poll_t clock_poll;
	uint64_t asleep_ms;
	uint64_t traffic_ms;
	struct network *networks;
	bool names_stale;
	uv_timer_t names_timer;
	uv_prepare_t prepare;
	char *names;
	struct keeper keeper;
	struct helpers helpers;
};

/* Directories, which may take privileges to make; they belong to @user afterwards, or to us. */
int daemon_prepare(struct daemon *daemon, const char *state_path, const char *run_path,
		   const char *user);
int daemon_start(struct daemon *daemon);
void daemon_stop(struct daemon *daemon);
/* Connect to the kernel module, which a first device has loaded. A code of libweft. */
int daemon_open_weft(struct daemon *daemon);

struct weft_time daemon_now(void);

#endif /* WEFTD_DAEMON_H */
