// SPDX-License-Identifier: GPL-2.0
/*
 * Send a device random requests: attribute trees that are nearly right, with
 * wrong lengths, types, orders, nesting and counts, and some that are right.
 * Fails if the device does not answer a plain question afterwards, or if not
 * both kinds came up, requests that were taken and requests that were refused.
 */
#include "genl.h"

#include <netinet/in.h>

/* Few keys, so that the same peers are met again and again. */
#define KEYS 40

static struct request r;
static struct genl g;

static unsigned int below(unsigned int limit)
{
	return (unsigned int)random() % limit;
}

static int rarely(unsigned int one_in)
{
	return !below(one_in);
}

static void noise(void *data, size_t len)
{
	for (uint8_t *p = data; len--; ++p)
		*p = random();
}

/* An attribute of about that length; sometimes it lies about it. */
static void put_noise(uint16_t type, size_t len)
{
	uint8_t data[300];
	uint32_t at;

	if (rarely(8))
		len = below(sizeof(data));
	noise(data, sizeof(data));
	if (rarely(2))
		memset(data, below(3), sizeof(data));
	if (rarely(12))
		type = below(20);
	if (rarely(20))
		type |= NLA_F_NESTED;
	if (rarely(30))
		type |= NLA_F_NET_BYTEORDER;
	at = req_put(&r, type, data, len);
	if (rarely(60))
		((struct nlattr *)(r.buf + at))->nla_len = random();
}

static void put_small(uint16_t type, size_t len, uint32_t value)
{
	if (rarely(10))
		put_noise(type, len);
	else
		req_put(&r, type, &value, len);
}

static uint32_t nest(uint16_t type)
{
	uint32_t at = req_nest(&r, type);

	if (rarely(30))
		((struct nlattr *)(r.buf + at))->nla_type &= ~NLA_F_NESTED;
	return at;
}

static void nest_end(uint32_t at)
{
	req_nest_end(&r, at);
	if (rarely(60))
		((struct nlattr *)(r.buf + at))->nla_len += (int)below(9) - 4;
}

static void put_ip(void)
{
	int family = rarely(2) ? AF_INET : AF_INET6;
	uint8_t addr[16];
	uint32_t at;

	noise(addr, sizeof(addr));
	/* few prefixes, so that they move between peers */
	memset(addr + 1, 0, sizeof(addr) - 1);
	at = nest(WEFT_A_PEER_ALLOWED_IP);
	if (!rarely(20))
		put_small(WEFT_A_ALLOWED_IP_FAMILY, 2, rarely(20) ? (int)below(50) : family);
	if (rarely(20))
		put_noise(WEFT_A_ALLOWED_IP_ADDRESS, 16);
	else if (!rarely(20))
		req_put(&r, WEFT_A_ALLOWED_IP_ADDRESS, addr, family == AF_INET ? 4 : 16);
	if (!rarely(20))
		put_small(WEFT_A_ALLOWED_IP_PREFIX_LEN, 1,
			  rarely(20) ? below(256) : below(family == AF_INET ? 33 : 129));
	if (rarely(4))
		put_small(WEFT_A_ALLOWED_IP_FLAGS, 4, below(rarely(10) ? 5 : 2));
	nest_end(at);
}

static void put_endpoint(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = 1 + below(1000) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = 1 + below(1000) };

	noise(&in.sin_addr, sizeof(in.sin_addr));
	noise(&in6.sin6_addr, sizeof(in6.sin6_addr));
	if (rarely(10))
		put_noise(WEFT_A_PEER_ENDPOINT, 16 + below(20));
	else if (rarely(2))
		req_put(&r, WEFT_A_PEER_ENDPOINT, &in, sizeof(in));
	else
		req_put(&r, WEFT_A_PEER_ENDPOINT, &in6, sizeof(in6));
}

static void put_peer(void)
{
	uint8_t key[WEFT_KEY_LEN];
	unsigned int ips;
	uint32_t at;

	memset(key, 0x33, sizeof(key));
	key[0] = below(KEYS);
	at = nest(WEFT_A_DEVICE_PEER);
	if (rarely(30))
		put_noise(WEFT_A_PEER_PUBLIC_KEY, WEFT_KEY_LEN);
	else if (!rarely(30))
		req_put(&r, WEFT_A_PEER_PUBLIC_KEY, key, sizeof(key));
	if (rarely(3))
		put_small(WEFT_A_PEER_FLAGS, 4, below(rarely(10) ? 16 : 8));
	if (rarely(6))
		put_noise(WEFT_A_PEER_PRESHARED_KEY, WEFT_KEY_LEN);
	if (rarely(3))
		put_endpoint();
	if (rarely(5))
		put_small(WEFT_A_PEER_PERSISTENT_KEEPALIVE, 2, random());
	if (rarely(10))
		put_small(WEFT_A_PEER_SUITE, 4, rarely(2) ? 0 : below(300));
	if (rarely(20))
		put_noise(below(20), below(64));
	ips = rarely(3) ? below(4) : 0;
	if (rarely(200))
		ips = below(1500);
	while (ips--)
		put_ip();
	nest_end(at);
}

/* Nests in nests in nests, as far down as there is room. */
static void put_depths(void)
{
	uint32_t at[60];
	unsigned int depth = 1 + below(60);

	for (unsigned int i = 0; i < depth; ++i)
		at[i] = req_nest(&r, i ? WEFT_A_PEER_ALLOWED_IP : WEFT_A_DEVICE_PEER);
	while (depth--)
		req_nest_end(&r, at[depth]);
}

static void put_name(const char *ifname)
{
	if (rarely(3))
		put_small(WEFT_A_DEVICE_IFINDEX, 4,
			  rarely(20) ? (uint32_t)random() : if_nametoindex(ifname));
	else if (!rarely(40))
		req_put_string(&r, WEFT_A_DEVICE_IFNAME, rarely(40) ? "lo" : ifname);
	if (rarely(30))
		put_noise(WEFT_A_DEVICE_IFNAME, below(40));
}

static void build(int cmd, const char *ifname)
{
	unsigned int peers;

	req_begin(&r, g.family, cmd ? cmd : (int)below(256), 0);
	put_name(ifname);
	if (rarely(100))
		put_depths();
	if (cmd == WEFT_CMD_DEVICE_SET) {
		if (rarely(5))
			put_small(WEFT_A_DEVICE_FLAGS, 4, below(rarely(10) ? 4 : 2));
		if (rarely(10))
			put_noise(WEFT_A_DEVICE_PRIVATE_KEY, WEFT_KEY_LEN);
		if (rarely(20))
			put_small(WEFT_A_DEVICE_LISTEN_PORT, 2, random());
		if (rarely(10))
			put_small(WEFT_A_DEVICE_FWMARK, 4, random());
	}
	if (rarely(15))
		put_noise(below(20), below(64));
	peers = cmd == WEFT_CMD_DEVICE_SET ? below(5) : !rarely(20);
	if (rarely(200))
		peers = below(800);
	while (peers--)
		put_peer();
	if (rarely(40)) {
		/* cut off anywhere, or followed by something */
		if (rarely(2) && r.len > 24)
			r.len = 20 + below(r.len - 20);
		else
			noise(req_grow(&r, 1 + below(40)), 1);
	}
}

/* Whether it was taken, -1 if the kernel did not even look at it. */
static int try(void)
{
	static uint8_t buf[1 << 17];
	struct nlmsghdr *nlh = (void *)r.buf;
	int dump = rarely(12), taken = -1;

	nlh->nlmsg_flags |= NLM_F_ACK | (dump ? NLM_F_DUMP : 0);
	if (rarely(50))
		nlh->nlmsg_flags |= random();
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (genl_send(&g, &r))
		return -1;
	/* A dump ends with NLMSG_DONE, everything else with an acknowledgement. */
	for (;;) {
		ssize_t len = recv(g.sock, buf, sizeof(buf), 0);

		if (len < 0)
			return -2;
		for (nlh = (void *)buf; NLMSG_OK(nlh, (size_t)len); nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_seq != g.seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE)
				return 1;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = (void *)(nlh + 1);

				return !e->error;
			}
			taken = 1;
		}
	}
	return taken;
}

int main(int argc, char **argv)
{
	static const char *const names[] = {
		[0] = "any",
		[WEFT_CMD_DEVICE_GET] = "device-get",
		[WEFT_CMD_DEVICE_SET] = "device-set",
		[WEFT_CMD_PEER_NEW] = "peer-new",
		[WEFT_CMD_PEER_SET] = "peer-set",
		[WEFT_CMD_PEER_GET] = "peer-get",
		[WEFT_CMD_PEER_DEL] = "peer-del",
	};
	const char *seed = getenv("WEFT_TEST_SEED");
	unsigned int taken = 0, refused = 0, lost = 0;
	static struct answer answer;
	int cmd = -1, rc;

	for (size_t i = 0; argc == 4 && i < sizeof(names) / sizeof(*names); ++i)
		if (names[i] && !strcmp(argv[2], names[i]))
			cmd = i;
	if (cmd < 0) {
		fprintf(stderr, "usage: netlink_abuse INTERFACE COMMAND|any ROUNDS\n");
		return 2;
	}
	srandom((seed ? strtoul(seed, NULL, 0) : 1) + cmd);
	rc = genl_open(&g);
	if (rc)
		errx(1, "family weft: %s", strerror(rc));

	for (unsigned int i = strtoul(argv[3], NULL, 0); i; --i) {
		/* something to change, show and delete */
		if (cmd && cmd != WEFT_CMD_DEVICE_SET && rarely(8)) {
			build(WEFT_CMD_DEVICE_SET, argv[1]);
			try();
		}
		build(cmd, argv[1]);
		rc = try();
		if (rc == -2)
			errx(1, "no answer to a request");
		taken += rc == 1;
		refused += rc == 0;
		lost += rc < 0;
	}
	printf("%u taken, %u refused, %u not sent\n", taken, refused, lost);

	req_begin(&r, g.family, WEFT_CMD_DEVICE_GET, 0);
	req_put_string(&r, WEFT_A_DEVICE_IFNAME, argv[1]);
	rc = genl_ask(&g, &r, &answer);
	if (rc)
		errx(1, "the device does not answer: %s", strerror(rc));
	return !refused || (cmd && !taken);
}
