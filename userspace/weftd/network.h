/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network on this machine: a node of the core, and what carries out what it decides. */
#ifndef WEFTD_NETWORK_H
#define WEFTD_NETWORK_H

#include <uv.h>

#include "config.h"
#include "core/node.h"
#include "daemon.h"

/**
 * struct network - see above
 * @daemon:	of this machine
 * @next:	in the daemon's list
 * @config:	what a person decided
 * @id:		its key
 * @dir:	descriptor of its directory
 * @dir_name:	below the daemon's
 * @node:	the core's part; NULL: it is down
 * @ifindex:	of the device; 0: there was none yet
 * @made_device: it was not there before
 * @gossip:	socket, -1: none yet
 * @gossip_poll: of @gossip
 * @wake:	the node's timer
 * @handles:	of libuv, that are not closed yet
 * @is_gone:	to be freed with the last of @handles
 * @dirty:	enum weft_persist: what could not be saved
 * @save_error:	why
 * @is_kept:	its secrets were saved once: it can be had again
 * @is_refused:	who wanted to join it was told that it cannot be
 * @helper:	for rendezvous, or NULL
 * @token:	while joining, to be wiped
 * @trouble:	what keeps it from working, or ""
 */
struct network {
	struct daemon *daemon;
	struct network *next;
	struct config config;
	struct weft_id id;
	int dir;
	char dir_name[33];
	struct weft_node *node;
	uint32_t ifindex;
	bool made_device;
	int gossip;
	uv_poll_t gossip_poll;
	uv_timer_t wake;
	unsigned int handles;
	bool is_gone;
	unsigned int dirty;
	int save_error;
	bool is_kept;
	bool is_refused;
	struct helper *helper;
	char *token;
	char trouble[256];
};

/**
 * struct network_wish - what a person wants of a new network
 * @config:	its name may be ""; its interface too: one is chosen
 * @ipv4:	range of the members' IPv4 addresses, of size 0: none
 * @is_new:	make a network; else join by @token
 * @token:	see @is_new
 */
struct network_wish {
	struct config config;
	struct weft_prefix ipv4;
	bool is_new;
	const char *token;
};

/*
 * 0, or a negated errno, with @trouble saying in words what is wrong and what to do. -EEXIST with a
 * @network that is not NULL: this machine has that network, or one of that name, and it is this.
 */
int network_make(struct daemon *daemon, const struct network_wish *wish, struct network **network,
		 char trouble[256]);
/* All networks that the state directory has; those that are to be up are. */
void network_load_all(struct daemon *daemon);
int network_up(struct network *network);
/* Go on joining, with another token. */
int network_rejoin(struct network *network, const char *token);
void network_down(struct network *network);
/* Delete it from this machine, with its device and state. */
void network_delete(struct network *network);
/* Leave all as it is for the next daemon. */
void network_close(struct network *network);

struct network *network_find(struct daemon *daemon, const char *name);

/* After every input to the node. */
void network_pump(struct network *network);
/* What could not be saved, again; peers' counters if @traffic. */
void network_care(struct network *network, bool traffic);
void network_read_kernel(struct network *network);
void network_tell_endpoints(struct network *network);
/* Begin, go on or stop with the helper that its configuration names. */
void network_set_helper(struct network *network);
int network_save_config(struct network *network);
int network_write(struct network *network, const char *name, const void *bytes, size_t len);

#endif /* WEFTD_NETWORK_H */
