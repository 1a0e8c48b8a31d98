// SPDX-License-Identifier: GPL-2.0
/*
 * Make devices, configure them, let them begin handshakes, delete them: again
 * and again, as fast as one process can.
 */
#include "base64.h"
#include "genl.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#define GROUP 5

static struct request r;
static uint32_t seq;

static int rtnl(int sock)
{
	struct nlmsghdr *nlh = (void *)r.buf;
	uint8_t buf[8192];
	ssize_t len;

	nlh->nlmsg_len = r.len;
	nlh->nlmsg_seq = ++seq;
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(sock, r.buf, r.len, 0) < 0)
		return errno;
	for (;;) {
		len = recv(sock, buf, sizeof(buf), 0);
		if (len < 0)
			return errno;
		for (nlh = (void *)buf; NLMSG_OK(nlh, (size_t)len); nlh = NLMSG_NEXT(nlh, len))
			if (nlh->nlmsg_seq == seq && nlh->nlmsg_type == NLMSG_ERROR)
				return -((const struct nlmsgerr *)(nlh + 1))->error;
	}
}

static struct ifinfomsg *begin_link(uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	r.len = 0;
	nlh = req_grow(&r, NLMSG_HDRLEN);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	return req_grow(&r, NLMSG_ALIGN(sizeof(struct ifinfomsg)));
}

static int make(int sock, const char *name)
{
	uint32_t info;

	begin_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	req_put_string(&r, IFLA_IFNAME, name);
	req_put_u32(&r, IFLA_GROUP, GROUP);
	info = req_nest(&r, IFLA_LINKINFO);
	req_put(&r, IFLA_INFO_KIND, "weft", 4);
	req_nest_end(&r, info);
	return rtnl(sock);
}

static int up(int sock, const char *name)
{
	struct ifinfomsg *info = begin_link(RTM_NEWLINK, 0);

	info->ifi_index = if_nametoindex(name);
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	return rtnl(sock);
}

static int delete_all(int sock)
{
	begin_link(RTM_DELLINK, 0);
	req_put_u32(&r, IFLA_GROUP, GROUP);
	return rtnl(sock);
}

static int configure(struct genl *g, const char *name, const uint8_t private_key[KEY_LEN],
		     const uint8_t peer_key[KEY_LEN], const struct sockaddr_in *endpoint)
{
	static struct answer answer;
	uint32_t peer, ip, any = 0;

	req_begin(&r, g->family, WEFT_CMD_DEVICE_SET, 0);
	req_put_string(&r, WEFT_A_DEVICE_IFNAME, name);
	req_put(&r, WEFT_A_DEVICE_PRIVATE_KEY, private_key, KEY_LEN);
	peer = req_nest(&r, WEFT_A_DEVICE_PEER);
	req_put(&r, WEFT_A_PEER_PUBLIC_KEY, peer_key, KEY_LEN);
	req_put(&r, WEFT_A_PEER_ENDPOINT, endpoint, sizeof(*endpoint));
	/* so that a handshake begins by itself */
	req_put_u16(&r, WEFT_A_PEER_PERSISTENT_KEEPALIVE, 1);
	ip = req_nest(&r, WEFT_A_PEER_ALLOWED_IP);
	req_put_u16(&r, WEFT_A_ALLOWED_IP_FAMILY, AF_INET);
	req_put(&r, WEFT_A_ALLOWED_IP_ADDRESS, &any, sizeof(any));
	req_put_u8(&r, WEFT_A_ALLOWED_IP_PREFIX_LEN, 0);
	req_nest_end(&r, ip);
	req_nest_end(&r, peer);
	return genl_ask(g, &r, &answer);
}

static void check(int rc, const char *what)
{
	if (rc)
		errx(1, "%s: %s", what, strerror(rc));
}

int main(int argc, char **argv)
{
	struct sockaddr_in endpoint = { .sin_family = AF_INET };
	uint8_t peer_key[KEY_LEN], key[KEY_LEN];
	unsigned int rounds;
	struct genl g;
	char name[16];
	int sock;

	if (argc < 6 || from_base64(peer_key, argv[2]) ||
	    inet_pton(AF_INET, argv[3], &endpoint.sin_addr) != 1) {
		fprintf(stderr, "usage: churn ROUNDS PEER ADDRESS PORT PRIVATE-KEY...\n"
				"One device for each key, named d0, d1 and so on. 0 rounds: they stay.\n");
		return 2;
	}
	rounds = strtoul(argv[1], NULL, 0);
	endpoint.sin_port = htons(strtoul(argv[4], NULL, 0));
	check(genl_open(&g), "family weft");
	sock = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (sock < 0)
		err(2, "socket");

	for (unsigned int i = 0; i < rounds || !rounds; ++i) {
		for (int j = 5; j < argc; ++j) {
			if (from_base64(key, argv[j]))
				errx(2, "%s is no key", argv[j]);
			snprintf(name, sizeof(name), "d%d", j - 5);
			check(make(sock, name), "make");
			/* it comes up before or after it is configured */
			if (j % 2)
				check(up(sock, name), "up");
			check(configure(&g, name, key, peer_key, &endpoint), "configure");
			check(up(sock, name), "up");
		}
		if (!rounds)
			return 0;
		/* at different points of the handshakes */
		usleep(i % 5 * 5000);
		check(delete_all(sock), "delete");
	}
	return 0;
}
