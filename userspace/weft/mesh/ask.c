// SPDX-License-Identifier: GPL-2.0-or-later
/* A request to weftd, and its answer: lines of JSON over a socket. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "mesh.h"

#define SOCKET "/run/weft/control"

struct connection {
	int fd;
	char *line;
	size_t len;
	size_t size;
};

static void disconnect(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	/* it may have held a token */
	if (connection->line)
		explicit_bzero(connection->line, connection->size);
	free(connection->line);
}

#define __disconnect __attribute__((cleanup(disconnect)))

static const char *socket_path(void)
{
	const char *path = getenv("WEFT_SOCKET");

	return path && *path ? path : SOCKET;
}

static int complain_connect(const char *path, int error)
{
	if (error == EACCES || error == EPERM)
		complain("cannot talk to weftd: %s; try as root", strerror(error));
	else if (error == ENOENT || error == ECONNREFUSED)
		complain("weftd does not run (nobody is at %s); start it: systemctl enable --now "
			 "weftd", path);
	else
		complain("cannot talk to weftd at %s: %s", path, strerror(error));
	return EXIT_NOT_CONNECTED;
}

static int connect_daemon(struct connection *connection)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = socket_path();

	*connection = (struct connection){ .fd = -1 };
	if (strlen(path) >= sizeof(address.sun_path))
		return complain_connect(path, ENAMETOOLONG);
	strcpy(address.sun_path, path);
	connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 ||
	    connect(connection->fd, (struct sockaddr *)&address, sizeof(address)))
		return complain_connect(path, errno);
	return EXIT_DONE;
}

static bool send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_request(int fd, json_object *request)
{
	char *text = NULL;
	int len = asprintf(&text, "%s\n",
			   json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	bool sent = len > 0 && send_all(fd, text, (size_t)len);

	if (len > 0) {
		explicit_bzero(text, (size_t)len);
		free(text);
	}
	return sent;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* 1: there is something; 0: not in time; -1: failed */
static int wait_readable(int fd, int64_t until)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t left;
	int n;

	do {
		left = until < 0 ? -1 : until - now_ms();
		if (until >= 0 && left <= 0)
			return 0;
		n = poll(&poll_fd, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	return n;
}

static bool grow(struct connection *connection)
{
	size_t size = connection->size ? 2 * connection->size : 65536;
	char *line;

	if (connection->len < connection->size)
		return true;
	line = realloc(connection->line, size);
	if (!line)
		return false;
	connection->line = line;
	connection->size = size;
	return true;
}

/* A line, to be freed; NULL: none (@timed_out, or the daemon went). */
static json_object *read_answer(struct connection *connection, int64_t until, bool *timed_out)
{
	json_object *answer;
	char *newline;
	ssize_t n;
	int ready;

	*timed_out = false;
	while (!(newline = connection->len ? memchr(connection->line, '\n', connection->len) :
					     NULL)) {
		ready = wait_readable(connection->fd, until);
		*timed_out = !ready;
		if (ready <= 0 || !grow(connection))
			return NULL;
		n = recv(connection->fd, connection->line + connection->len,
			 connection->size - connection->len, 0);
		if (n <= 0)
			return NULL;
		connection->len += (size_t)n;
	}
	answer = json_read(connection->line, (size_t)(newline - connection->line));
	connection->len -= (size_t)(newline + 1 - connection->line);
	memmove(connection->line, newline + 1, connection->len);
	return answer;
}

static int complain_error(json_object *error)
{
	const char *code = json_text(error, "code"), *hint = json_text(error, "hint");
	const char *message = json_text(error, "message");

	if (hint)
		complain("%s\n  %s", message ? message : "failed", hint);
	else
		complain("%s", message ? message : "failed");
	if (code && !strcmp(code, "usage"))
		return EXIT_USAGE;
	return code && !strcmp(code, "not-connected") ? EXIT_NOT_CONNECTED : EXIT_FAILED;
}

static json_object *take_result(struct connection *connection, struct mesh_wait *wait, int *code)
{
	int64_t until = wait->seconds < 0 ? -1 : now_ms() + wait->seconds * 1000LL;
	json_object *answer, *part, *result;

	for (;;) {
		answer = read_answer(connection, until, &wait->timed_out);
		if (!answer) {
			if (!wait->timed_out)
				complain("weftd ended the conversation; its log tells why");
			*code = EXIT_NOT_CONNECTED;
			return NULL;
		}
		part = NULL;
		if (json_object_object_get_ex(answer, "progress", &part)) {
			if (wait->progress)
				wait->progress(part, wait->arg);
			json_object_put(answer);
			continue;
		}
		result = NULL;
		if (json_object_object_get_ex(answer, "error", &part))
			*code = complain_error(part);
		else if (json_object_object_get_ex(answer, "result", &part))
			result = json_object_get(part);
		json_object_put(answer);
		if (!result && !*code) {
			complain("the answer of weftd makes no sense; are weft and weftd of one "
				 "version?");
			*code = EXIT_FAILED;
		}
		return result;
	}
}

json_object *mesh_ask_waiting(json_object *request, struct mesh_wait *wait, int *code)
{
	__disconnect struct connection connection;
	__free_json json_object *asked = request;

	*code = connect_daemon(&connection);
	if (*code)
		return NULL;
	if (!send_request(connection.fd, asked)) {
		complain("cannot talk to weftd: %s", strerror(errno));
		*code = EXIT_NOT_CONNECTED;
		return NULL;
	}
	return take_result(&connection, wait, code);
}

json_object *mesh_ask(json_object *request, int *code)
{
	struct mesh_wait wait = { .seconds = 60 };
	json_object *result = mesh_ask_waiting(request, &wait, code);

	if (wait.timed_out)
		complain("weftd does not answer; its log tells why, perhaps");
	return result;
}

int mesh_follow(json_object *request, bool (*take)(json_object *event, void *arg), void *arg)
{
	__disconnect struct connection connection;
	__free_json json_object *asked = request;
	struct mesh_wait wait = { .seconds = 60 };
	json_object *event;
	bool timed_out;
	int code = connect_daemon(&connection);

	if (code)
		return code;
	if (!send_request(connection.fd, asked))
		return complain_connect(socket_path(), errno);
	event = take_result(&connection, &wait, &code);
	if (!event)
		return code;
	json_object_put(event);
	while ((event = read_answer(&connection, -1, &timed_out))) {
		if (!take(event, arg)) {
			json_object_put(event);
			return EXIT_DONE;
		}
		json_object_put(event);
	}
	complain("weftd ended the conversation");
	return EXIT_NOT_CONNECTED;
}
