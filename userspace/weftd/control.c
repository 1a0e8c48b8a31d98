// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "log.h"

/**
 * struct control - the socket
 * @pipe:	listens
 * @daemon:	whom the commands are for
 * @clients:	list
 * @client_count: of @clients
 * @path:	of the socket
 */
struct control {
	uv_pipe_t pipe;
	struct daemon *daemon;
	struct client *clients;
	unsigned int client_count;
	char path[108];
};

struct answer {
	uv_write_t request;
	uv_buf_t text;
};

static void on_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	/* it may have held a token */
	explicit_bzero(client->line, CONTROL_MAX_LINE);
	free(client->line);
	free(client);
}

static void drop(struct client *client)
{
	struct client **at = &client->control->clients;

	if (client->is_closing)
		return;
	client->is_closing = true;
	commands_client_gone(client);
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	client->control->client_count--;
	uv_close((uv_handle_t *)&client->pipe, on_closed);
}

static void on_written(uv_write_t *request, int status)
{
	struct answer *answer = request->data;

	(void)status;
	explicit_bzero(answer->text.base, answer->text.len);
	free(answer->text.base);
	free(answer);
}

static void write_line(struct client *client, char *text, size_t len)
{
	struct answer *answer = malloc(sizeof(*answer));

	if (!answer) {
		free(text);
		return;
	}
	answer->request.data = answer;
	answer->text = uv_buf_init(text, len);
	if (uv_write(&answer->request, (uv_stream_t *)&client->pipe, &answer->text, 1,
		     on_written)) {
		on_written(&answer->request, 0);
		drop(client);
	}
}

void control_answer(struct client *client, json_object *answer)
{
	char *text = NULL;
	int len;

	if (!client->is_closing) {
		len = asprintf(&text, "%s\n",
			       json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
		if (len > 0)
			write_line(client, text, len);
	}
	json_object_put(answer);
	if (!client->is_closing &&
	    uv_stream_get_write_queue_size((uv_stream_t *)&client->pipe) > CONTROL_MAX_UNREAD)
		drop(client);
}

void control_event(struct control *control, const char *network, json_object *event)
{
	struct client *client, *next;

	for (client = control->clients; client; client = next) {
		next = client->next;
		if (client->is_monitor &&
		    (!*client->monitored || !strcmp(client->monitored, network)))
			control_answer(client, json_object_get(event));
	}
	json_object_put(event);
}

/* Whole lines, as long as there are any. */
static void take_lines(struct client *client)
{
	char *newline;
	size_t len;

	while (!client->is_closing && (newline = memchr(client->line, '\n', client->len))) {
		len = newline - client->line;
		commands_line(client->control->daemon, client, client->line, len);
		if (client->is_closing)
			break;
		client->len -= len + 1;
		memmove(client->line, newline + 1, client->len);
	}
	if (!client->is_closing && client->len == CONTROL_MAX_LINE) {
		log_warning("a client's line is too long; it is thrown out");
		drop(client);
	}
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
	struct client *client = handle->data;

	(void)suggested;
	*room = uv_buf_init(client->line + client->len, CONTROL_MAX_LINE - client->len);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
	struct client *client = stream->data;

	(void)room;
	if (n < 0) {
		drop(client);
		return;
	}
	client->len += n;
	take_lines(client);
}

/* The socket's mode says so already; but a directory may be mounted elsewhere, with another. */
static bool may_command(const uv_pipe_t *pipe)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	int fd;

	return !uv_fileno((const uv_handle_t *)pipe, &fd) &&
	       !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (!who.uid || who.uid == geteuid());
}

static struct client *new_client(struct control *control)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->line = malloc(CONTROL_MAX_LINE);
	if (!client->line) {
		free(client);
		return NULL;
	}
	client->control = control;
	client->pipe.data = client;
	return client;
}

static void on_connection(uv_stream_t *server, int status)
{
	struct control *control = server->data;
	struct client *client;

	if (status < 0)
		return;
	client = new_client(control);
	if (!client)
		return;
	uv_pipe_init(server->loop, &client->pipe, 0);
	client->pipe.data = client;
	client->next = control->clients;
	control->clients = client;
	control->client_count++;
	if (uv_accept(server, (uv_stream_t *)&client->pipe) || !may_command(&client->pipe) ||
	    control->client_count > CONTROL_MAX_CLIENTS ||
	    uv_read_start((uv_stream_t *)&client->pipe, on_room, on_read))
		drop(client);
}

static int listen_at(struct control *control)
{
	mode_t mask;
	int error;

	/* of a daemon that is no more: there is only one at a time */
	unlink(control->path);
	mask = umask(0177);
	error = uv_pipe_bind(&control->pipe, control->path);
	umask(mask);
	if (!error)
		error = uv_listen((uv_stream_t *)&control->pipe, 16, on_connection);
	return error;
}

static void on_stopped(uv_handle_t *handle)
{
	free(handle->data);
}

int control_start(struct control **out, struct daemon *daemon, const char *run_path)
{
	struct control *control = calloc(1, sizeof(*control));
	uv_loop_t *loop = uv_default_loop();
	int error;

	if (!control)
		return -ENOMEM;
	uv_pipe_init(loop, &control->pipe, 0);
	control->pipe.data = control;
	control->daemon = daemon;
	if ((size_t)snprintf(control->path, sizeof(control->path), "%s/" CONTROL_SOCKET,
			     run_path) >= sizeof(control->path))
		error = -ENAMETOOLONG;
	else
		error = listen_at(control);
	if (error) {
		uv_close((uv_handle_t *)&control->pipe, on_stopped);
		return error;
	}
	*out = control;
	return 0;
}

void control_stop(struct control *control)
{
	while (control->clients)
		drop(control->clients);
	unlink(control->path);
	uv_close((uv_handle_t *)&control->pipe, on_stopped);
}
