// SPDX-License-Identifier: GPL-2.0
/*
 * Send data that the other end can check: a pattern over TCP, numbered
 * datagrams over UDP. Receivers go to the background once they listen, so that
 * whoever starts them need not wait, and leave what they saw in a file.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * The sender says when it is done: datagrams with this number end it. What the wire still holds is
 * waited for until there is no more for DRAIN_MS; if the end gets lost, for IDLE_MS. None of them
 * is counted.
 */
#define END_NUMBER UINT32_MAX
#define ENDS 3
#define DRAIN_MS 1000
#define IDLE_MS 10000
/* Seconds for which a receiver waits for the first byte. */
#define PATIENCE 60

static int open_socket(int type, const char *addr, const char *port, int passive)
{
	struct addrinfo hints = {
		.ai_socktype = type,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	};
	struct addrinfo *ai;
	int sock, on = 1, rc;

	rc = getaddrinfo(addr, port, &hints, &ai);
	if (rc)
		errx(2, "%s %s: %s", addr, port, gai_strerror(rc));
	sock = socket(ai->ai_family, type, 0);
	if (sock < 0)
		err(2, "socket");
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (passive ? bind(sock, ai->ai_addr, ai->ai_addrlen) :
		      connect(sock, ai->ai_addr, ai->ai_addrlen))
		err(1, "%s %s", addr, port);
	freeaddrinfo(ai);
	return sock;
}

static void to_background(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid)
		_exit(0);
	/* Whoever reads our parent's output must see its end. */
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(2);
}

/* Whole or not there. */
static void write_result(const char *path, const char *text)
{
	char tmp[4096];
	FILE *file;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	file = fopen(tmp, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) || rename(tmp, path))
		_exit(2);
}

static int readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) > 0;
}

static unsigned char pattern(uint64_t place)
{
	return place * 2654435761u >> 7;
}

static void tcp_receive(const char *addr, const char *port, const char *result)
{
	int listener = open_socket(SOCK_STREAM, addr, port, 1);
	unsigned long long got = 0, wrong = 0;
	static unsigned char buf[65536];
	char text[100];
	ssize_t len;
	int sock;

	if (listen(listener, 1))
		err(2, "listen");
	to_background();
	if (!readable(listener, PATIENCE * 1000))
		_exit(1);
	sock = accept(listener, NULL, NULL);
	while (readable(sock, PATIENCE * 1000) && (len = read(sock, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < len; ++i)
			wrong += buf[i] != pattern(got++);
	snprintf(text, sizeof(text), "received %llu wrong %llu\n", got, wrong);
	write_result(result, text);
}

static void tcp_send(const char *addr, const char *port, uint64_t count)
{
	int sock = open_socket(SOCK_STREAM, addr, port, 0);
	static unsigned char buf[65536];
	uint64_t sent = 0;

	while (sent < count) {
		size_t len = count - sent < sizeof(buf) ? count - sent : sizeof(buf);

		for (size_t i = 0; i < len; ++i)
			buf[i] = pattern(sent + i);
		for (size_t at = 0; at < len;) {
			ssize_t n = write(sock, buf + at, len - at);

			if (n < 0)
				err(1, "write");
			at += n;
		}
		sent += len;
	}
}

/* One bit for each number that a datagram may have. */
static unsigned char seen[1 << 20];

static void udp_receive(const char *addr, const char *port, const char *result)
{
	unsigned long long received = 0, late = 0, twice = 0, next = 0;
	int sock = open_socket(SOCK_DGRAM, addr, port, 1);
	int size = 8 << 20, wait_ms = PATIENCE * 1000;
	unsigned char buf[65536];
	char text[200];

	if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	to_background();
	while (readable(sock, wait_ms)) {
		ssize_t len = recv(sock, buf, sizeof(buf), 0);
		uint32_t number;

		if (wait_ms != DRAIN_MS)
			wait_ms = IDLE_MS;
		if (len < (ssize_t)sizeof(number))
			continue;
		memcpy(&number, buf, sizeof(number));
		if (number == END_NUMBER)
			wait_ms = DRAIN_MS;
		if (number >= sizeof(seen) * 8)
			continue;
		received++;
		twice += seen[number / 8] >> number % 8 & 1;
		seen[number / 8] |= 1 << number % 8;
		if (number < next)
			late++;
		else
			next = number + 1ull;
	}
	snprintf(text, sizeof(text), "received %llu late %llu twice %llu\n", received, late, twice);
	write_result(result, text);
}

/* An ICMP error of an earlier one takes the place of a send. */
static void send_number(int sock, unsigned char *buf, size_t size, uint32_t number)
{
	memcpy(buf, &number, sizeof(number));
	if (send(sock, buf, size, 0) < 0 && errno == ECONNREFUSED)
		send(sock, buf, size, 0);
}

static void udp_send(const char *addr, const char *port, uint32_t count, size_t size,
		     unsigned int pause_us)
{
	int sock = open_socket(SOCK_DGRAM, addr, port, 0);
	unsigned char buf[65536] = "";

	if (size < sizeof(count) || size > sizeof(buf))
		errx(2, "bad size");
	for (uint32_t i = 0; i < count; ++i) {
		send_number(sock, buf, size, i);
		if (pause_us)
			usleep(pause_us);
	}
	for (int i = 0; i < ENDS; ++i) {
		usleep(1000);
		send_number(sock, buf, size, END_NUMBER);
	}
}

/* A few of each size, of all sizes up to @size in no order, as fast as it goes. */
static void udp_send_mixed(const char *addr, const char *port, uint32_t count, size_t size)
{
	int sock = open_socket(SOCK_DGRAM, addr, port, 0);
	unsigned char buf[65536] = "";

	if (size < 2 * sizeof(count) || size > sizeof(buf))
		errx(2, "bad size");
	for (uint32_t i = 0; i < count; ++i)
		send_number(sock, buf, sizeof(i) + i / 5 * 37 % (size - sizeof(i)), i);
	for (int i = 0; i < ENDS; ++i) {
		usleep(1000);
		send_number(sock, buf, size, END_NUMBER);
	}
}

/* The kernel makes datagrams of what is sent as one; the last is shorter than the others. */
static void udp_send_large(const char *addr, const char *port, uint32_t count, size_t size,
			   unsigned int segments)
{
	int sock = open_socket(SOCK_DGRAM, addr, port, 0), segment = size;
	unsigned char buf[65536] = "";
	size_t len = size * segments - size / 2;

	if (size < 2 * sizeof(count) || !segments || len > sizeof(buf))
		errx(2, "bad size");
	if (setsockopt(sock, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
		err(1, "UDP_SEGMENT");
	for (uint32_t i = 0; i < count; ++i) {
		for (uint32_t j = 0; j < segments; ++j) {
			uint32_t number = i * segments + j;

			memcpy(buf + j * size, &number, sizeof(number));
		}
		if (send(sock, buf, len, 0) < 0)
			err(1, "send");
		usleep(1000);
	}
	for (int i = 0; i < ENDS; ++i) {
		usleep(1000);
		send_number(sock, buf, size, END_NUMBER);
	}
}

/* Each to an address of its own, as fast as it goes; that nobody has them is no error here. */
static void udp_scatter(const char *first, const char *port, uint32_t count, size_t size)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	static unsigned char buf[65536];
	uint32_t address;

	if (sock < 0)
		err(1, "socket");
	if (size > sizeof(buf) || inet_pton(AF_INET, first, &to.sin_addr) != 1)
		errx(2, "bad size or address");
	address = ntohl(to.sin_addr.s_addr);
	for (uint32_t i = 0; i < count; ++i) {
		to.sin_addr.s_addr = htonl(address + i);
		sendto(sock, buf, size, 0, (struct sockaddr *)&to, sizeof(to));
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: transfer tcp-receive|udp-receive ADDRESS PORT RESULT\n"
			"       transfer tcp-send ADDRESS PORT BYTES\n"
			"       transfer udp-send-large ADDRESS PORT COUNT SIZE SEGMENTS\n"
			"       transfer udp-send ADDRESS PORT COUNT SIZE [MICROSECONDS]\n"
			"       transfer udp-send-mixed ADDRESS PORT COUNT SIZE\n"
			"       transfer udp-scatter FIRST-ADDRESS PORT COUNT SIZE\n");
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "tcp-receive"))
		tcp_receive(argv[2], argv[3], argv[4]);
	else if (argc == 5 && !strcmp(argv[1], "udp-receive"))
		udp_receive(argv[2], argv[3], argv[4]);
	else if (argc == 5 && !strcmp(argv[1], "tcp-send"))
		tcp_send(argv[2], argv[3], strtoull(argv[4], NULL, 0));
	else if ((argc == 6 || argc == 7) && !strcmp(argv[1], "udp-send"))
		udp_send(argv[2], argv[3], strtoul(argv[4], NULL, 0), strtoul(argv[5], NULL, 0),
			 argc == 7 ? strtoul(argv[6], NULL, 0) : 0);
	else if (argc == 7 && !strcmp(argv[1], "udp-send-large"))
		udp_send_large(argv[2], argv[3], strtoul(argv[4], NULL, 0),
			       strtoul(argv[5], NULL, 0), strtoul(argv[6], NULL, 0));
	else if (argc == 6 && !strcmp(argv[1], "udp-send-mixed"))
		udp_send_mixed(argv[2], argv[3], strtoul(argv[4], NULL, 0),
			       strtoul(argv[5], NULL, 0));
	else if (argc == 6 && !strcmp(argv[1], "udp-scatter"))
		udp_scatter(argv[2], argv[3], strtoul(argv[4], NULL, 0), strtoul(argv[5], NULL, 0));
	else
		return usage();
	return 0;
}
