/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the mesh commands share: they ask weftd, and print what it says. */
#ifndef WEFT_MESH_H
#define WEFT_MESH_H

#include <getopt.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../weftd/json.h"
#include "../weft_tool.h"

/* One of each of a command's arguments; argv[0] is the command's name. */
int cmd_init(int argc, char **argv);
int cmd_invite(int argc, char **argv);
int cmd_join(int argc, char **argv);
int cmd_leave(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_up(int argc, char **argv);
int cmd_down(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_route(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_monitor(int argc, char **argv);

/* --- options.c --- */

/**
 * struct mesh_options - what was said; each command takes some of it
 * @allowed:	letters of those that the command takes, as below
 * @json:	j: --json
 * @qr:		q: --qr
 * @force:	f: --force
 * @compromised: k: --compromised
 * @ipv4_only:	4
 * @seconds:	w: --wait SECONDS; -1: not said
 * @count:	c: --count N; 0: not said
 * @request:	everything that is for weftd: n --network, and by name: N --name, u --uses,
 *		e --expires, E --member-expires, g --group, r --route, i --interface, p --port,
 *		a --endpoint, I --ipv4, v --via, R --relay, S --no-secret, B --no-beacons,
 *		Z --rendezvous
 */
struct mesh_options {
	const char *allowed;
	bool json;
	bool qr;
	bool force;
	bool compromised;
	bool ipv4_only;
	int seconds;
	unsigned int count;
	json_object *request;
};

/*
 * Take the options out of argv, wherever they are; the rest is argv[1] on, and its count is returned;
 * -1: usage.
 */
int mesh_parse(struct mesh_options *options, const char *command, const char *allowed, int argc,
	       char **argv);

/* "90s", "15m", "12h", "7d", "2w"; a number alone is seconds. */
bool mesh_duration(const char *text, uint64_t *seconds);
/* This machine's name as one of a member, or "". */
void mesh_hostname(char name[64]);

/* --- ask.c --- */

/* Takes the request. The result, or NULL: that is told, and *code is the exit code. */
json_object *mesh_ask(json_object *request, int *code);

/**
 * struct mesh_wait - a request whose answer may take long
 * @seconds:	how long; -1: for ever
 * @progress:	called with what is told meanwhile
 * @timed_out:	it took too long
 */
struct mesh_wait {
	int seconds;
	void (*progress)(json_object *told, void *arg);
	void *arg;
	bool timed_out;
};

json_object *mesh_ask_waiting(json_object *request, struct mesh_wait *wait, int *code);
/* Events, until @take says false or the daemon goes. Takes the request. An exit code. */
int mesh_follow(json_object *request, bool (*take)(json_object *event, void *arg), void *arg);

/* --- print.c --- */

int mesh_print_json(json_object *value);

#define MESH_COLUMNS 10

/* A table of text, each column as wide as it has to be. */
struct mesh_table {
	unsigned int columns;
	size_t rows;
	char *(*cells)[MESH_COLUMNS];
};

/* As many texts as there are columns; the first row is the head. NULL is nothing. */
void mesh_table_row(struct mesh_table *table, ...);
void mesh_table_print(struct mesh_table *table);
void mesh_table_free(struct mesh_table *table);

struct mesh_text {
	char text[64];
};

struct mesh_text mesh_bytes(uint64_t bytes);
struct mesh_text mesh_time(uint64_t unix_s);

/* --- qr.c --- */

int mesh_print_qr(const char *text);

static inline void free_json(json_object **value)
{
	json_object_put(*value);
}

#define __free_json __attribute__((cleanup(free_json)))

#endif /* WEFT_MESH_H */
