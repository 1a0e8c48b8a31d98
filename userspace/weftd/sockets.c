// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets.h"

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* Bound to the device, so that what comes from elsewhere never gets here, whatever its address. */
static int gossip_set_up(int fd, const char *ifname)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(WEFT_GOSSIP_PORT) };
	int error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);

	if (!error)
		error = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	if (!error && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, strlen(ifname) + 1))
		error = -errno;
	if (!error && bind(fd, (struct sockaddr *)&any, sizeof(any)))
		error = -errno;
	return error;
}

int gossip_open(const char *ifname)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd < 0)
		return -errno;
	error = gossip_set_up(fd, ifname);
	if (!error)
		return fd;
	close(fd);
	return error;
}

int gossip_send(int fd, const struct weft_out_datagram *datagram)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(WEFT_GOSSIP_PORT) };
	struct iovec part = { (void *)datagram->bytes, datagram->len };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct in6_pktinfo from = { 0 };

	memcpy(&to.sin6_addr, datagram->to, sizeof(to.sin6_addr));
	memcpy(&from.ipi6_addr, datagram->from, sizeof(from.ipi6_addr));
	header->cmsg_level = IPPROTO_IPV6;
	header->cmsg_type = IPV6_PKTINFO;
	header->cmsg_len = CMSG_LEN(sizeof(from));
	memcpy(CMSG_DATA(header), &from, sizeof(from));
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

ssize_t gossip_receive(int fd, uint8_t from[16], uint8_t bytes[WEFT_MAX_DATAGRAM])
{
	struct sockaddr_in6 address;
	socklen_t size;
	ssize_t n;

	/* what is too long, or from another port, is not from a daemon */
	do {
		size = sizeof(address);
		n = recvfrom(fd, bytes, WEFT_MAX_DATAGRAM, MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&address, &size);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
	} while (n <= 0 || n > WEFT_MAX_DATAGRAM || size != sizeof(address) ||
		 ntohs(address.sin6_port) != WEFT_GOSSIP_PORT);
	memcpy(from, &address.sin6_addr, 16);
	return n;
}

/*
 * Beacons. Groups of one link only, none of them assigned to anybody: 239.255/16 is for an
 * organization's own use (RFC 2365), ff12::/16 are transient groups (RFC 4291).
 */
static const struct in6_addr group6 = { { { 0xff, 0x12, [10] = 0x77, 0x65, 0x66, 0x74, 0x76, 0x31 } } };
#define GROUP4 0xefff7766U
/* Not the same: a port that is bound for all interfaces is not to be had for one of them. */
#define BEACON_PORT (WEFT_GOSSIP_PORT + 1)

static int beacon_socket(int family, const void *address, socklen_t size)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd < 0)
		return -errno;
	if (family == AF_INET6) {
		error = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		error = error ? error : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		error = error ? error : set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
		error = error ? error : set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
		error = error ? error : set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	} else {
		error = set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
		error = error ? error : set_int(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1);
		error = error ? error : set_int(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
		error = error ? error : set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	}
	/* another program may want to listen to them as well */
	error = error ? error : set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!error && bind(fd, address, size))
		error = -errno;
	if (!error)
		return fd;
	close(fd);
	return error;
}

int beacon_open(struct beacon_sockets *sockets)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(BEACON_PORT),
				  .sin_addr.s_addr = htonl(GROUP4) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(BEACON_PORT) };

	memset(sockets, 0, sizeof(*sockets));
	sockets->ipv4 = beacon_socket(AF_INET, &in, sizeof(in));
	sockets->ipv6 = beacon_socket(AF_INET6, &in6, sizeof(in6));
	return sockets->ipv4 < 0 && sockets->ipv6 < 0 ? sockets->ipv4 : 0;
}

void beacon_close(struct beacon_sockets *sockets)
{
	if (sockets->ipv4 >= 0)
		close(sockets->ipv4);
	if (sockets->ipv6 >= 0)
		close(sockets->ipv6);
	sockets->ipv4 = -1;
	sockets->ipv6 = -1;
}

static void join(const struct beacon_sockets *sockets, uint32_t ifindex)
{
	struct ip_mreqn request4 = { .imr_multiaddr.s_addr = htonl(GROUP4),
				     .imr_ifindex = ifindex };
	struct ipv6_mreq request6 = { .ipv6mr_multiaddr = group6, .ipv6mr_interface = ifindex };

	/* what is joined already, or an interface without that family, is no matter */
	if (sockets->ipv4 >= 0)
		setsockopt(sockets->ipv4, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request4,
			   sizeof(request4));
	if (sockets->ipv6 >= 0)
		setsockopt(sockets->ipv6, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request6,
			   sizeof(request6));
}

void beacon_listen_on(struct beacon_sockets *sockets, const struct link_world *world)
{
	unsigned int i;

	for (i = 0; i < world->lan_count; i++)
		join(sockets, world->lans[i]);
	memcpy(sockets->lans, world->lans, sizeof(sockets->lans));
	sockets->lan_count = world->lan_count;
}

static void send_on(int fd, int family, uint32_t ifindex, const struct weft_out_beacon *beacon)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(BEACON_PORT),
				  .sin_addr.s_addr = htonl(GROUP4) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(BEACON_PORT),
				    .sin6_addr = group6, .sin6_scope_id = ifindex };
	struct ip_mreqn interface = { .imr_ifindex = ifindex };

	if (family == AF_INET6) {
		sendto(fd, beacon->bytes, sizeof(beacon->bytes), MSG_NOSIGNAL | MSG_DONTWAIT,
		       (struct sockaddr *)&in6, sizeof(in6));
		return;
	}
	if (!setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface)))
		sendto(fd, beacon->bytes, sizeof(beacon->bytes), MSG_NOSIGNAL | MSG_DONTWAIT,
		       (struct sockaddr *)&in, sizeof(in));
}

/* One that does not get out is no loss: there is another one soon. */
void beacon_send(const struct beacon_sockets *sockets, const struct weft_out_beacon *beacon)
{
	unsigned int i;

	for (i = 0; i < sockets->lan_count; i++) {
		if (sockets->ipv4 >= 0)
			send_on(sockets->ipv4, AF_INET, sockets->lans[i], beacon);
		if (sockets->ipv6 >= 0)
			send_on(sockets->ipv6, AF_INET6, sockets->lans[i], beacon);
	}
}

static bool from_address(struct weft_candidate *from, const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;

	memset(from, 0, sizeof(*from));
	if (address->ss_family == AF_INET) {
		from->at.size = 4;
		memcpy(from->at.address, &in->sin_addr, 4);
		from->at.port = ntohs(in->sin_port);
	} else {
		from->at.size = 16;
		memcpy(from->at.address, &in6->sin6_addr, 16);
		from->at.port = ntohs(in6->sin6_port);
		from->ifindex = IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) ? in6->sin6_scope_id : 0;
	}
	return from->at.port;
}

/* Return: the length, which is WEFT_BEACON_BYTES; 0 if there is none; or a negated errno. */
ssize_t beacon_receive(int fd, struct weft_candidate *from, uint8_t bytes[WEFT_BEACON_BYTES])
{
	struct sockaddr_storage address;
	socklen_t size;
	ssize_t n;

	do {
		size = sizeof(address);
		n = recvfrom(fd, bytes, WEFT_BEACON_BYTES, MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&address, &size);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? 0 : -errno;
	} while (n != WEFT_BEACON_BYTES || !from_address(from, &address));
	return n;
}
