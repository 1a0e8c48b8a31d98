// SPDX-License-Identifier: GPL-2.0
/*
 * What somebody on the wire can do: record the UDP packets to a port as they
 * pass an Ethernet interface, and send them again, as they were or changed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAMES 4096
#define HEADERS (sizeof(struct ether_header) + sizeof(struct iphdr) + sizeof(struct udphdr))

struct frame {
	uint32_t len;
	uint8_t data[2048];
};

static struct frame frames[MAX_FRAMES];
static unsigned int count;

static int open_packet(const char *ifname)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(ifname),
	};
	int sock = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (sock < 0 || !sll.sll_ifindex || bind(sock, (void *)&sll, sizeof(sll)))
		err(2, "%s", ifname);
	return sock;
}

/* The headers, if the frame is UDP over IPv4 without options. */
static struct udphdr *udp_of(uint8_t *data, size_t len, struct iphdr **ip)
{
	struct ether_header *eth = (void *)data;

	if (len < HEADERS || eth->ether_type != htons(ETHERTYPE_IP))
		return NULL;
	*ip = (void *)(eth + 1);
	if ((*ip)->ihl != 5 || (*ip)->protocol != IPPROTO_UDP)
		return NULL;
	return (void *)(*ip + 1);
}

static void save(const char *path)
{
	char tmp[4096];
	FILE *file;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	file = fopen(tmp, "w");
	if (!file || fwrite(frames, sizeof(*frames), count, file) != count || fclose(file) ||
	    rename(tmp, path))
		err(2, "%s", path);
}

static void load(const char *path)
{
	FILE *file = fopen(path, "r");

	if (!file)
		err(2, "%s", path);
	count = fread(frames, sizeof(*frames), MAX_FRAMES, file);
	fclose(file);
	if (!count)
		errx(1, "%s: nothing recorded", path);
}

/* Sent ones only: on a veth, what this end sends is what the other gets. */
static void record(const char *ifname, int port, const char *path, unsigned int wanted)
{
	int sock = open_packet(ifname);
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid)
		_exit(0);
	if (!freopen("/dev/null", "w", stdout))
		_exit(2);
	while (count < wanted && count < MAX_FRAMES && poll(&pfd, 1, 10000) > 0) {
		struct sockaddr_ll from;
		socklen_t from_len = sizeof(from);
		struct frame *f = &frames[count];
		struct udphdr *udp;
		struct iphdr *ip;
		ssize_t len;

		len = recvfrom(sock, f->data, sizeof(f->data), 0, (void *)&from, &from_len);
		if (len < 0 || from.sll_pkttype != PACKET_OUTGOING)
			continue;
		f->len = len;
		udp = udp_of(f->data, f->len, &ip);
		if (udp && udp->dest == htons(port))
			count++;
	}
	save(path);
	_exit(0);
}

static uint16_t ip_checksum(const struct iphdr *ip)
{
	const uint16_t *words = (const void *)ip;
	uint32_t sum = 0;

	for (unsigned int i = 0; i < sizeof(*ip) / 2; ++i)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Makes headers true again; UDP over IPv4 may do without a checksum. */
static void fix(struct frame *f)
{
	struct iphdr *ip;
	struct udphdr *udp = udp_of(f->data, f->len, &ip);

	if (!udp)
		return;
	ip->tot_len = htons(f->len - sizeof(struct ether_header));
	ip->check = 0;
	ip->check = ip_checksum(ip);
	udp->len = htons(f->len - sizeof(struct ether_header) - sizeof(*ip));
	udp->check = 0;
}

static void flip(struct frame *f)
{
	size_t bit = HEADERS * 8 + random() % ((f->len - HEADERS) * 8);

	f->data[bit / 8] ^= 1 << bit % 8;
}

static void cut(struct frame *f)
{
	f->len -= 1 + random() % (f->len - HEADERS);
}

static void extend(struct frame *f)
{
	unsigned int more = 1 + random() % 64;

	if (f->len + more > 1514)
		more = 1514 - f->len;
	for (unsigned int i = 0; i < more; ++i)
		f->data[f->len++] = random();
}

/* One of the bytes that are not authenticated as such: type, index, counter. */
static void readdress(struct frame *f)
{
	f->data[HEADERS + random() % 16] ^= 1 + random() % 255;
}

/* Damaged, and as if it came from somewhere else. */
static void move(struct frame *f)
{
	struct udphdr *udp;
	struct iphdr *ip;

	f->data[f->len - 1] ^= 1;
	udp = udp_of(f->data, f->len, &ip);
	if (udp)
		udp->source ^= htons(0x1111);
}

static void swap(struct frame *a, struct frame *b)
{
	static struct frame tmp;

	tmp = *a;
	*a = *b;
	*b = tmp;
}

static void resend(const char *ifname, const char *path, const char *how)
{
	static const struct {
		const char *name;
		void (*change)(struct frame *f);
	} changes[] = {
		{ "flipped", flip },
		{ "cut", cut },
		{ "extended", extend },
		{ "readdressed", readdress },
		{ "moved", move },
	};
	int sock = open_packet(ifname);

	load(path);
	if (!strcmp(how, "reversed"))
		for (unsigned int i = 0; i < count / 2; ++i)
			swap(&frames[i], &frames[count - 1 - i]);
	else if (!strcmp(how, "shuffled"))
		for (unsigned int i = count - 1; i > 0; --i)
			swap(&frames[i], &frames[random() % (i + 1)]);
	for (unsigned int i = 0; i < count; ++i) {
		for (size_t j = 0; j < sizeof(changes) / sizeof(*changes); ++j)
			if (!strcmp(how, changes[j].name))
				changes[j].change(&frames[i]);
		fix(&frames[i]);
		if (send(sock, frames[i].data, frames[i].len, 0) < 0)
			err(1, "send");
	}
	printf("%u\n", count);
}

int main(int argc, char **argv)
{
	const char *seed = getenv("WEFT_TEST_SEED");

	srandom(seed ? strtoul(seed, NULL, 0) : 1);
	if (argc == 6 && !strcmp(argv[1], "record")) {
		record(argv[2], atoi(argv[3]), argv[4], atoi(argv[5]));
	} else if (argc == 5 && !strcmp(argv[1], "send")) {
		resend(argv[2], argv[3], argv[4]);
	} else {
		fprintf(stderr, "usage: frames record INTERFACE PORT FILE COUNT\n"
				"       frames send INTERFACE FILE same|reversed|shuffled|flipped|cut|"
				"extended|readdressed|moved\n");
		return 2;
	}
	return 0;
}
