// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic between two network namespaces, for the bench: packets of which none may be lost, and
 * round trips. Prints the nanoseconds of one; where the clock counts instructions, those of both
 * ends, system calls included.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, PORT_UDP = 7001, PORT_TCP = 7002, WARM_UP = 4 };

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(1);
}

static _Noreturn void usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: traffic udp LEFT RIGHT ADDRESS SIZE COUNT\n"
		"       traffic rr LEFT RIGHT ADDRESS COUNT\n"
		"LEFT and RIGHT are network namespaces (ip netns), ADDRESS is RIGHT's.\n"
		"  udp  COUNT datagrams of SIZE bytes from LEFT to RIGHT, %d at a time: sent, then\n"
		"       received; fails if one is lost\n"
		"  rr   COUNT times one byte to RIGHT and back, in one TCP connection\n", BATCH);
	exit(status);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || !value || value > max) {
		fprintf(stderr, "traffic: '%s' is no number from 1 to %lu\n", text, max);
		exit(2);
	}
	return value;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static void enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

static struct addrinfo *resolve(const char *address, int type, int port)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = type };
	struct addrinfo *found;
	char service[16];

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &found)) {
		fprintf(stderr, "traffic: '%s' is no address\n", address);
		exit(2);
	}
	return found;
}

/* A socket made in a namespace stays there. */
static int socket_in(const char *name, const struct addrinfo *to)
{
	const struct timeval patience = { .tv_sec = 5 };
	int fd, size = 4 << 20;

	enter(name);
	fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	/* the whole batch has to fit; it is the bench that is root */
	if (to->ai_socktype == SOCK_DGRAM &&
	    (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	     setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size))))
		die("SO_RCVBUFFORCE");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		die("SO_RCVTIMEO");
	return fd;
}

static void batch(int from, int to, size_t size)
{
	static char data[65536];
	int i;

	for (i = 0; i < BATCH; i++)
		if (send(from, data, size, 0) != (ssize_t)size)
			die("send");
	for (i = 0; i < BATCH; i++)
		if (recv(to, data, sizeof(data), 0) != (ssize_t)size)
			die("a datagram was lost");
}

static void udp(char **arg)
{
	size_t size = number(arg[3], 65507);
	unsigned long i, batches = (number(arg[4], 1e9) + BATCH - 1) / BATCH;
	struct addrinfo *at = resolve(arg[2], SOCK_DGRAM, PORT_UDP);
	int to = socket_in(arg[1], at), from = socket_in(arg[0], at);
	double start;

	if (bind(to, at->ai_addr, at->ai_addrlen))
		die("bind");
	if (connect(from, at->ai_addr, at->ai_addrlen))
		die("connect");
	for (i = 0; i < WARM_UP; i++)
		batch(from, to, size);
	start = now();
	for (i = 0; i < batches; i++)
		batch(from, to, size);
	printf("%.0f\n", (now() - start) / (batches * BATCH));
}

static void no_delay(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		die("TCP_NODELAY");
}

/* Sends every byte back until the other end closes. */
static void echo(int listening)
{
	int fd = accept(listening, NULL, NULL);
	char byte;

	if (fd < 0)
		die("accept");
	no_delay(fd);
	while (recv(fd, &byte, 1, 0) == 1)
		if (send(fd, &byte, 1, 0) != 1)
			die("send");
}

static void round_trips(int fd, unsigned long count)
{
	char byte = 0;

	while (count--) {
		if (send(fd, &byte, 1, 0) != 1)
			die("send");
		if (recv(fd, &byte, 1, 0) != 1)
			die("no answer");
	}
}

static void rr(char **arg)
{
	unsigned long count = number(arg[3], 1e9);
	struct addrinfo *at = resolve(arg[2], SOCK_STREAM, PORT_TCP);
	int to = socket_in(arg[1], at), from = socket_in(arg[0], at), on = 1;
	double start;
	pid_t child;

	if (setsockopt(to, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(to, at->ai_addr, at->ai_addrlen) || listen(to, 1))
		die("bind");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		close(from);
		echo(to);
		_exit(0);
	}
	if (connect(from, at->ai_addr, at->ai_addrlen)) {
		kill(child, SIGKILL);
		die("connect");
	}
	no_delay(from);
	round_trips(from, BATCH);
	start = now();
	round_trips(from, count);
	printf("%.0f\n", (now() - start) / count);
	close(from);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help"))
		usage(0);
	if (argc == 7 && !strcmp(argv[1], "udp"))
		udp(argv + 2);
	else if (argc == 6 && !strcmp(argv[1], "rr"))
		rr(argv + 2);
	else
		usage(2);
	return 0;
}
