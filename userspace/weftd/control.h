/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket of commands: a request is a line of JSON, and so is each answer. It knows lines and
 * clients; what is in them is for commands.c. Documentation/control.md has the protocol.
 */
#ifndef WEFTD_CONTROL_H
#define WEFTD_CONTROL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <uv.h>

#include "core/record.h"

#define CONTROL_SOCKET "control"
/* A request with the largest token and many routes is far below. */
#define CONTROL_MAX_LINE 65536
#define CONTROL_MAX_CLIENTS 64
/* Who does not read its answers is thrown out. */
#define CONTROL_MAX_UNREAD (8UL << 20)

struct daemon;
struct control;

/**
 * struct client - who asks
 * @pipe:	its connection
 * @control:	whose
 * @next:	in a list of all
 * @line:	what of its next line has come
 * @len:	of @line
 * @is_closing:	it is gone; nothing is to be written
 * @is_monitor:	wants to know what happens
 * @monitored:	in this network, or "": in all
 */
struct client {
	uv_pipe_t pipe;
	struct control *control;
	struct client *next;
	char *line;
	size_t len;
	bool is_closing;
	bool is_monitor;
	char monitored[WEFT_MAX_NAME + 1];
};

int control_start(struct control **control, struct daemon *daemon, const char *run_path);
void control_stop(struct control *control);
/* Takes @answer. */
void control_answer(struct client *client, json_object *answer);
/* To all monitors of a network. Takes @event. */
void control_event(struct control *control, const char *network, json_object *event);

/* commands.c: a line came; a client went. */
void commands_line(struct daemon *daemon, struct client *client, const char *line, size_t len);
void commands_client_gone(struct client *client);

#endif /* WEFTD_CONTROL_H */
