// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "log.h"
#include "privilege.h"

#ifndef WEFT_HELPER_DIR
#define WEFT_HELPER_DIR "/usr/libexec/weft"
#endif

/* Of the keeper's own descriptors: its socket has this one. */
#define SOCKET_FD 3

/* At the end, until all are gone. */
#define LAST_ROUNDS 200
#define LAST_ROUND_MS 10

enum request_what {
	REQUEST_SPAWN = 1,
	REQUEST_KILL,
};

struct request {
	uint32_t what;
	uint32_t number;
	char command[KEEPER_MAX_COMMAND + 1];
};

struct report {
	uint32_t number;
	uint32_t event;
	int32_t value;
};

/* The keeper's process. */

struct child {
	pid_t pid;
	uint32_t number;
};

static struct child children[KEEPER_MAX_CHILDREN];

/*
 * What a helper may use at most: it is a small program that keeps nothing on disk. Processes are
 * counted over all that the user has, threads too.
 */
static const struct {
	int resource;
	rlim_t limit;
} limits[] = {
	{ RLIMIT_CORE, 0 },	     { RLIMIT_NOFILE, 256 },	   { RLIMIT_NPROC, 512 },
	{ RLIMIT_DATA, 1UL << 30 }, { RLIMIT_STACK, 2UL << 20 }, { RLIMIT_FSIZE, 0 },
	{ RLIMIT_MEMLOCK, 0 },	     { RLIMIT_MSGQUEUE, 0 },	   { RLIMIT_RTPRIO, 0 },
};

static void set_limits(void)
{
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit = { limits[i].limit, limits[i].limit };

		setrlimit(limits[i].resource, &limit);
	}
}

static void send_report(uint32_t number, enum keeper_event event, int value)
{
	struct report report = { .number = number, .event = event, .value = value };

	/* weftd reads them; if it is gone, so are we in a moment */
	while (send(SOCKET_FD, &report, sizeof(report), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static bool split(char *command, char *words[KEEPER_MAX_WORDS + 1])
{
	unsigned int n = 0;
	char *rest, *word = strtok_r(command, " ", &rest);

	for (; word && n < KEEPER_MAX_WORDS; word = strtok_r(NULL, " ", &rest))
		words[n++] = word;
	words[n] = NULL;
	return n && !word;
}

/*
 * In the child. Only the error pipe, in the place of our socket, is left open beyond what is the
 * helper's.
 */
static int become_helper(char *command, const int fds[3])
{
	static char search[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C",
		    home[] = "HOME=/";
	static char *const environment[] = { search, locale, home, NULL };
	char path[sizeof(WEFT_HELPER_DIR) + KEEPER_MAX_COMMAND + 1];
	char *words[KEEPER_MAX_WORDS + 1];
	sigset_t none;
	int i;

	if (!split(command, words))
		return -EINVAL;
	snprintf(path, sizeof(path), "%s%s", strchr(words[0], '/') ? "" : WEFT_HELPER_DIR "/",
		 words[0]);
	for (i = 0; i < 3; i++) {
		if (dup2(fds[i], i) < 0)
			return -errno;
	}
	closefrom(SOCKET_FD + 1);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	set_limits();
	/* us, and other networks' helpers, who are the same user; older kernels know no way */
	privilege_drop_signals();
	if (nice(10) < 0)
		errno = 0;
	execve(path, words, environment);
	return -errno;
}

static struct child *find_child(uint32_t number, pid_t pid)
{
	unsigned int i;

	for (i = 0; i < KEEPER_MAX_CHILDREN; i++) {
		if (children[i].pid && (pid ? children[i].pid == pid :
					      children[i].number == number))
			return &children[i];
	}
	return NULL;
}

static struct child *free_child(void)
{
	unsigned int i;

	for (i = 0; i < KEEPER_MAX_CHILDREN; i++) {
		if (!children[i].pid)
			return &children[i];
	}
	return NULL;
}

/* 0, or why it could not be executed. */
static int read_error(int fd)
{
	int error = 0;
	ssize_t n;

	do {
		n = read(fd, &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(error) ? error : 0;
}

static int spawn(struct request *request, const int fds[3])
{
	struct child *child = free_child();
	int pipe_fds[2], error;
	pid_t pid;

	if (!child || find_child(request->number, 0))
		return -EAGAIN;
	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	pid = _Fork();
	if (!pid) {
		/* first of all, so that nothing that goes wrong is told in the keeper's own socket */
		if (dup3(pipe_fds[1], SOCKET_FD, O_CLOEXEC) < 0)
			_exit(126);
		error = become_helper(request->command, fds);
		if (write(SOCKET_FD, &error, sizeof(error)) < 0)
			_exit(126);
		_exit(127);
	}
	error = pid < 0 ? -errno : 0;
	close(pipe_fds[1]);
	if (pid > 0)
		error = read_error(pipe_fds[0]);
	close(pipe_fds[0]);
	if (error) {
		if (pid > 0)
			waitpid(pid, NULL, 0);
		return error;
	}
	*child = (struct child){ .pid = pid, .number = request->number };
	send_report(request->number, KEEPER_STARTED, pid);
	return 0;
}

/*
 * What helpers started and left is ours with their end, also what has a session of its own. So is what
 * one that goes on has left to nobody: that is not told apart. Where the kernel has no such list
 * (CONFIG_PROC_CHILDREN), it stays.
 */
static void kill_strays(void)
{
	FILE *list = fopen("/proc/thread-self/children", "re");
	int pid;

	if (!list)
		return;
	while (fscanf(list, "%d", &pid) == 1) {
		if (!find_child(0, pid))
			kill(pid, SIGKILL);
	}
	fclose(list);
}

static void kill_child(const struct child *child)
{
	/* its session, and itself, should it have left that */
	kill(-child->pid, SIGKILL);
	kill(child->pid, SIGKILL);
}

static void reap(void)
{
	struct child *child;
	bool any = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		any = true;
		child = find_child(0, pid);
		if (!child)
			continue;
		/* what it has left behind */
		kill(-pid, SIGKILL);
		send_report(child->number, KEEPER_ENDED, status);
		child->pid = 0;
	}
	/* each of them may leave some in turn: its end is told as well */
	if (any)
		kill_strays();
}

static bool has_children(void)
{
	siginfo_t info;

	return !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
}

/* Also those that become ours by that; one that cannot be killed is not waited for. */
static void kill_all(void)
{
	unsigned int i;

	for (i = 0; i < KEEPER_MAX_CHILDREN; i++) {
		if (children[i].pid)
			kill_child(&children[i]);
	}
	for (i = 0; i < LAST_ROUNDS && has_children(); i++) {
		reap();
		poll(NULL, 0, LAST_ROUND_MS);
	}
}

static unsigned int take_fds(struct msghdr *message, int fds[3])
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
	    control->cmsg_len != CMSG_LEN(3 * sizeof(int)))
		return 0;
	memcpy(fds, CMSG_DATA(control), 3 * sizeof(int));
	return 3;
}

static void serve_request(struct request *request, size_t len, const int *fds, unsigned int count)
{
	struct child *child;
	int error;

	if (len != sizeof(*request))
		return;
	request->command[KEEPER_MAX_COMMAND] = 0;
	if (request->what == REQUEST_SPAWN && count == 3) {
		error = spawn(request, fds);
		if (error)
			send_report(request->number, KEEPER_FAILED, error);
	} else if (request->what == REQUEST_KILL) {
		child = find_child(request->number, 0);
		if (child)
			kill_child(child);
	}
}

/* False: weftd is gone. */
static bool serve_one(void)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct request request;
	struct iovec part = { &request, sizeof(request) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	unsigned int count, i;
	int fds[3];
	ssize_t n;

	n = recvmsg(SOCKET_FD, &message, MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	count = take_fds(&message, fds);
	serve_request(&request, n, fds, count);
	for (i = 0; i < count; i++)
		close(fds[i]);
	return true;
}

static void serve(void)
{
	struct pollfd fds[2] = { { .fd = SOCKET_FD, .events = POLLIN }, { .events = POLLIN } };
	struct signalfd_siginfo info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fds[1].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	while (fds[1].fd >= 0 && (poll(fds, 2, -1) >= 0 || errno == EINTR)) {
		if (fds[1].revents && read(fds[1].fd, &info, sizeof(info)) > 0)
			reap();
		if (fds[0].revents && !serve_one())
			break;
		fds[0].revents = 0;
		fds[1].revents = 0;
	}
	kill_all();
}

/* Nothing of weftd's is left: no descriptor, no privilege, no way to get one. */
static int become_keeper(const char *user)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), i;

	if (null < 0)
		return -errno;
	/* apart, so that neither overwrites the other */
	null = fcntl(null, F_DUPFD_CLOEXEC, 16);
	for (i = 0; i < 3; i++) {
		if (dup2(null, i) < 0)
			return -errno;
	}
	closefrom(SOCKET_FD + 1);
	prctl(PR_SET_NAME, "weftd-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* a terminal's interrupt is for weftd, who then lets us go */
	setsid();
	if (chdir("/"))
		return -errno;
	umask(077);
	return privilege_drop_all(user);
}

static void __attribute__((noreturn)) keeper_main(int fd, const char *user)
{
	int error;

	/* first, because the rest closes what is in its place */
	if (fd != SOCKET_FD && dup3(fd, SOCKET_FD, O_CLOEXEC) < 0)
		_exit(1);
	error = become_keeper(user);
	signal(SIGPIPE, SIG_IGN);
	send_report(0, error ? KEEPER_FAILED : KEEPER_STARTED, error);
	if (!error)
		serve();
	_exit(0);
}

/* weftd's end. */

static int wait_until_ready(int fd)
{
	struct report report;
	ssize_t n;

	do {
		n = recv(fd, &report, sizeof(report), 0);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(report))
		return -ECHILD;
	return report.event == KEEPER_STARTED ? 0 : report.value;
}

int keeper_fork(struct keeper *keeper, const char *user)
{
	int fds[2];

	*keeper = (struct keeper){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		keeper->error = -errno;
		return keeper->error;
	}
	/* without the handlers of libraries that have descriptors to look after, which we close */
	keeper->pid = _Fork();
	if (!keeper->pid)
		keeper_main(fds[1], user);
	keeper->error = keeper->pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!keeper->error)
		keeper->error = wait_until_ready(fds[0]);
	if (keeper->error) {
		close(fds[0]);
		if (keeper->pid > 0)
			waitpid(keeper->pid, NULL, 0);
		return keeper->error;
	}
	keeper->fd = fds[0];
	fcntl(keeper->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_fd(struct keeper *keeper)
{
	if (keeper->is_started) {
		uv_poll_stop(&keeper->poll);
		uv_close((uv_handle_t *)&keeper->poll, NULL);
	}
	keeper->is_started = false;
	if (keeper->fd >= 0)
		close(keeper->fd);
	keeper->fd = -1;
	/* it goes by itself; we do not wait for one that somebody has stopped */
	if (keeper->pid > 0)
		waitpid(keeper->pid, NULL, WNOHANG);
	keeper->pid = 0;
}

static void on_report(uv_poll_t *poll, int status, int events)
{
	struct keeper *keeper = poll->data;
	struct report report;
	ssize_t n;

	(void)status;
	(void)events;
	n = recv(keeper->fd, &report, sizeof(report), 0);
	if (n == sizeof(report)) {
		keeper->report(keeper->arg, report.number, report.event, report.value);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	log_error("the process that starts helpers is gone; restart weftd to have them again");
	keeper->error = -ECHILD;
	close_fd(keeper);
	keeper->report(keeper->arg, 0, KEEPER_GONE, -ECHILD);
}

void keeper_start(struct keeper *keeper, uv_loop_t *loop,
		  void (*report)(void *arg, uint32_t number, enum keeper_event event, int value),
		  void *arg)
{
	if (keeper->fd < 0)
		return;
	keeper->report = report;
	keeper->arg = arg;
	uv_poll_init(loop, &keeper->poll, keeper->fd);
	keeper->poll.data = keeper;
	keeper->is_started = true;
	uv_poll_start(&keeper->poll, UV_READABLE, on_report);
}

int keeper_spawn(struct keeper *keeper, uint32_t number, const char *command, const int fds[3])
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct request request = { .what = REQUEST_SPAWN, .number = number };
	struct iovec part = { &request, sizeof(request) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (keeper->fd < 0)
		return keeper->error ? keeper->error : -ECHILD;
	if (strlen(command) > KEEPER_MAX_COMMAND)
		return -E2BIG;
	strcpy(request.command, command);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(3 * sizeof(int));
	memcpy(CMSG_DATA(header), fds, 3 * sizeof(int));
	return sendmsg(keeper->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void keeper_kill(struct keeper *keeper, uint32_t number)
{
	struct request request = { .what = REQUEST_KILL, .number = number };

	if (keeper->fd >= 0)
		send(keeper->fd, &request, sizeof(request), MSG_NOSIGNAL);
}

void keeper_stop(struct keeper *keeper)
{
	close_fd(keeper);
}
