// SPDX-License-Identifier: GPL-2.0
/*
 * Print the netlink events of family weft, a line each, into a file, from the
 * background: "session new w0 3 PUBLIC-KEY ENDPOINT", "unknown destination w0 3
 * ADDRESS -" and the like; 3 is the interface's index. Prints the background's
 * process ID.
 */
#include "genl.h"

#include <arpa/inet.h>

static const char *base64(const uint8_t key[WEFT_KEY_LEN])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static char text[45];
	int at = 0;

	for (int i = 0; i < WEFT_KEY_LEN; i += 3) {
		uint32_t bits = key[i] << 16 | (i + 1 < WEFT_KEY_LEN ? key[i + 1] << 8 : 0) |
				(i + 2 < WEFT_KEY_LEN ? key[i + 2] : 0);

		for (int j = 18; j >= 0; j -= 6)
			text[at++] = digits[bits >> j & 63];
	}
	text[43] = '=';
	return text;
}

static const char *endpoint(const struct nlattr *attr)
{
	static char text[100];
	char addr[INET6_ADDRSTRLEN];
	const struct sockaddr_in *in = attr_data(attr);
	const struct sockaddr_in6 *in6 = attr_data(attr);

	if (in->sin_family == AF_INET)
		snprintf(text, sizeof(text), "%s:%u",
			 inet_ntop(AF_INET, &in->sin_addr, addr, sizeof(addr)),
			 ntohs(in->sin_port));
	else
		snprintf(text, sizeof(text), "[%s]:%u",
			 inet_ntop(AF_INET6, &in6->sin6_addr, addr, sizeof(addr)),
			 ntohs(in6->sin6_port));
	return text;
}

static const char *destination(const struct nlattr *attr)
{
	static char text[INET6_ADDRSTRLEN];

	if (attr_len(attr) != 4 && attr_len(attr) != 16)
		return "malformed";
	return inet_ntop(attr_len(attr) == 4 ? AF_INET : AF_INET6, attr_data(attr), text,
			 sizeof(text));
}

static const char *event_name(uint8_t cmd, const void *attrs, size_t len)
{
	const struct nlattr *attr;
	uint32_t event;

	if (cmd == WEFT_CMD_UNKNOWN_PEER_NTF)
		return "unknown peer";
	if (cmd == WEFT_CMD_UNKNOWN_DESTINATION_NTF)
		return "unknown destination";
	attr = attr_find(attrs, len, cmd == WEFT_CMD_SESSION_NTF ? WEFT_A_DEVICE_SESSION_EVENT :
								    WEFT_A_DEVICE_PATH_EVENT);
	if (!attr || attr_len(attr) != sizeof(event))
		return "malformed";
	memcpy(&event, attr_data(attr), sizeof(event));
	if (cmd == WEFT_CMD_SESSION_NTF && event == WEFT_SESSION_EVENT_NEW)
		return "session new";
	if (cmd == WEFT_CMD_SESSION_NTF && event == WEFT_SESSION_EVENT_EXPIRED)
		return "session expired";
	if (cmd == WEFT_CMD_PATH_NTF && event == WEFT_PATH_EVENT_CHANGED)
		return "path changed";
	return "unknown";
}

static void print_event(FILE *file, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = (const void *)(nlh + 1);
	const struct nlattr *name, *index, *peer, *addr, *key = NULL, *where = NULL;
	const void *attrs;
	uint32_t ifindex = 0;
	size_t len;

	attrs = msg_attrs(nlh, &len);
	name = attr_find(attrs, len, WEFT_A_DEVICE_IFNAME);
	index = attr_find(attrs, len, WEFT_A_DEVICE_IFINDEX);
	peer = attr_find(attrs, len, WEFT_A_DEVICE_PEER);
	addr = attr_find(attrs, len, WEFT_A_DEVICE_DESTINATION);
	if (peer) {
		key = attr_find(attr_data(peer), attr_len(peer), WEFT_A_PEER_PUBLIC_KEY);
		where = attr_find(attr_data(peer), attr_len(peer), WEFT_A_PEER_ENDPOINT);
	}
	if (index)
		memcpy(&ifindex, attr_data(index), sizeof(ifindex));
	fprintf(file, "%s %s %u %s %s\n", event_name(genl->cmd, attrs, len),
		name ? (char *)attr_data(name) : "-", ifindex,
		addr ? destination(addr) :
		key && attr_len(key) == WEFT_KEY_LEN ? base64(attr_data(key)) : "-",
		where ? endpoint(where) : "-");
	fflush(file);
}

int main(int argc, char **argv)
{
	static uint8_t buf[65536];
	struct genl g;
	FILE *file;
	pid_t pid;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: events FILE\n");
		return 2;
	}
	rc = genl_open(&g);
	if (rc)
		errx(1, "family weft: %s", strerror(rc));
	if (setsockopt(g.sock, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &g.events_group,
		       sizeof(g.events_group)))
		err(1, "group events");
	file = fopen(argv[1], "w");
	if (!file)
		err(2, "%s", argv[1]);
	/* Events are queued from here on, so the caller need not wait. */
	pid = fork();
	if (pid > 0)
		printf("%d\n", pid);
	if (pid)
		return pid < 0;
	if (!freopen("/dev/null", "w", stdout))
		return 2;
	for (;;) {
		ssize_t len = recv(g.sock, buf, sizeof(buf), 0);
		const struct nlmsghdr *nlh;

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (len <= 0)
			return 1;
		for (nlh = (void *)buf; NLMSG_OK(nlh, (size_t)len); nlh = NLMSG_NEXT(nlh, len))
			if (nlh->nlmsg_type == g.family)
				print_event(file, nlh);
	}
}
