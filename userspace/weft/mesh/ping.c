// SPDX-License-Identifier: GPL-2.0-or-later
/* Echo requests to a member, over the overlay, and the way that they take. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mesh.h"

#define COUNT 4
#define INTERVAL_MS 1000
#define TIMEOUT_MS 2000

/**
 * struct ping - requests to one address
 * @fd:		socket
 * @family:	of it
 * @is_raw:	replies to others are seen too, and IPv4 has its header before them
 * @id:		ours, if @is_raw; else the kernel sees to that
 * @to:		address
 * @size:	of @to
 * @sent:	requests
 * @received:	replies
 * @rtts:	of those, in milliseconds
 */
struct ping {
	int fd;
	int family;
	bool is_raw;
	uint16_t id;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to;
	socklen_t size;
	unsigned int sent;
	unsigned int received;
	json_object *rtts;
};

/* The same for both families but for the type. */
struct echo {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id;
	uint16_t sequence;
	uint8_t data[56];
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static bool set_address(struct ping *ping, const char *address)
{
	memset(&ping->to, 0, sizeof(ping->to));
	if (inet_pton(AF_INET6, address, &ping->to.in6.sin6_addr) == 1) {
		ping->to.in6.sin6_family = AF_INET6;
		ping->size = sizeof(ping->to.in6);
	} else if (inet_pton(AF_INET, address, &ping->to.in.sin_addr) == 1) {
		ping->to.in.sin_family = AF_INET;
		ping->size = sizeof(ping->to.in);
	} else {
		return false;
	}
	ping->family = ping->to.sa.sa_family;
	return true;
}

/* Root has raw ones; others, where the administrator lets them, ones for this purpose. */
static int open_socket(struct ping *ping)
{
	int protocol = ping->family == AF_INET6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP;

	ping->fd = socket(ping->family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
	if (ping->fd >= 0)
		return 0;
	ping->is_raw = true;
	ping->id = (uint16_t)getpid();
	ping->fd = socket(ping->family, SOCK_RAW | SOCK_CLOEXEC, protocol);
	return ping->fd < 0 ? -errno : 0;
}

static uint16_t checksum(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int send_echo(struct ping *ping, uint16_t sequence)
{
	struct echo echo = {
		.type = ping->family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
		.id = htons(ping->id), .sequence = htons(sequence),
	};

	/* that of IPv6 has addresses in it, and is the kernel's to make */
	if (ping->family == AF_INET)
		echo.checksum = checksum(&echo, sizeof(echo));
	++ping->sent;
	return sendto(ping->fd, &echo, sizeof(echo), 0, &ping->to.sa, ping->size) < 0 ? -errno : 0;
}

static bool is_reply(const struct ping *ping, const uint8_t *bytes, size_t len, uint16_t sequence)
{
	struct echo echo;
	size_t header = 0;

	if (ping->is_raw && ping->family == AF_INET && len)
		header = (bytes[0] & 15) * 4U;
	if (len < header + offsetof(struct echo, data))
		return false;
	memcpy(&echo, bytes + header, offsetof(struct echo, data));
	return echo.type == (ping->family == AF_INET6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
	       ntohs(echo.sequence) == sequence && (!ping->is_raw || ntohs(echo.id) == ping->id);
}

/* False: none in time. */
static bool wait_reply(struct ping *ping, uint16_t sequence, double until)
{
	struct pollfd poll_fd = { .fd = ping->fd, .events = POLLIN };
	uint8_t bytes[512];
	double left;
	ssize_t n;

	while ((left = until - now_ms()) > 0) {
		if (poll(&poll_fd, 1, (int)left + 1) <= 0)
			continue;
		n = recv(ping->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n > 0 && is_reply(ping, bytes, (size_t)n, sequence))
			return true;
	}
	return false;
}

static json_object *ask_member(json_object *request, const char *member, const char *network,
			       int *code)
{
	if (!request) {
		request = json_object_new_object();
		json_put_number(request, "id", 1);
		if (network)
			json_put_text(request, "network", network);
	}
	json_put_text(request, "command", "member");
	json_put_text(request, "member", member);
	return mesh_ask(request, code);
}

static void print_reply(json_object *result, const char *address, uint16_t sequence, double rtt)
{
	const char *path, *endpoint, *via;
	json_object *member;

	json_object_object_get_ex(result, "member", &member);
	path = json_text(member, "path");
	endpoint = json_text(member, "endpoint");
	via = json_text(member, "via");
	printf("%s (%s): %u, %.1f ms, %s%s%s\n", json_text(member, "name"), address, sequence, rtt,
	       via ? "by " : path ? path : "", via ? via : path ? " " : "",
	       via || !path ? "" : endpoint ? endpoint : "");
	fflush(stdout);
}

/* With the last of it after the first, so that the way it takes is known. */
static int run(struct ping *ping, const struct mesh_options *options, const char *name,
	       const char *network, const char *address)
{
	unsigned int count = options->count ? options->count : COUNT;
	double sent, rtt;
	int error, code;

	for (unsigned int i = 1; i <= count; ++i) {
		sent = now_ms();
		error = send_echo(ping, (uint16_t)i);
		if (error) {
			complain("%s: %s", address, strerror(-error));
		} else if (wait_reply(ping, (uint16_t)i, sent + TIMEOUT_MS)) {
			__free_json json_object *result = NULL;

			rtt = now_ms() - sent;
			++ping->received;
			json_object_array_add(ping->rtts, json_object_new_double(rtt));
			if (!options->json) {
				result = ask_member(NULL, name, network, &code);
				if (!result)
					return code;
				print_reply(result, address, (uint16_t)i, rtt);
			}
		} else if (!options->json) {
			printf("%s (%s): %u, no answer\n", name, address, i);
			fflush(stdout);
		}
		while (i < count && now_ms() < sent + INTERVAL_MS)
			usleep(10000);
	}
	return EXIT_DONE;
}

static int print_result(const struct ping *ping, const char *name, const char *network, int code)
{
	__free_json json_object *result = ask_member(NULL, name, network, &code);

	if (!result)
		return code;
	json_put_number(result, "sent", ping->sent);
	json_put_number(result, "received", ping->received);
	json_object_object_add(result, "rtts_ms", json_object_get(ping->rtts));
	return mesh_print_json(result);
}

static int ping_member(const struct mesh_options *options, json_object *member, const char *network)
{
	const char *name = json_text(member, "name");
	const char *address = json_text(member, options->ipv4_only ? "ipv4" : "address");
	struct ping ping = { .fd = -1 };
	int code;

	if (!address || !set_address(&ping, address)) {
		complain("%s has no IPv4 address", name);
		return EXIT_FAILED;
	}
	code = open_socket(&ping);
	if (code) {
		complain("cannot send echo requests: %s; try as root", strerror(-code));
		return EXIT_FAILED;
	}
	ping.rtts = json_object_new_array();
	code = run(&ping, options, name, network, address);
	if (!code && options->json)
		code = print_result(&ping, name, network, code);
	else if (!code)
		printf("%u of %u answered\n", ping.received, ping.sent);
	close(ping.fd);
	json_object_put(ping.rtts);
	if (code)
		return code;
	if (ping.received)
		return EXIT_DONE;
	complain("%s does not answer; \"weft status\" tells why, perhaps", name);
	return EXIT_NOT_CONNECTED;
}

int cmd_ping(int argc, char **argv)
{
	struct mesh_options options;
	int n = mesh_parse(&options, "ping", "jnc4", argc, argv), code = EXIT_DONE;
	__free_json json_object *result = NULL;
	json_object *member;

	if (n != 1) {
		json_object_put(options.request);
		return EXIT_USAGE;
	}
	result = ask_member(options.request, argv[1], NULL, &code);
	if (!result)
		return code;
	json_object_object_get_ex(result, "member", &member);
	if (json_flag(member, "self", false)) {
		complain("%s is this machine", json_text(member, "name"));
		return EXIT_USAGE;
	}
	return ping_member(&options, member, json_text(result, "network"));
}
