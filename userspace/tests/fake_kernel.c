// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel for the tool, of files instead of devices, so that the command line
 * is tested without a module, and side by side with wg(8): $WEFT_FAKE/NAME.get
 * is what device NAME answers, $WEFT_FAKE/NAME.set becomes what was asked of
 * it. Both are in the text form that wg speaks to userspace implementations
 * (https://www.wireguard.com/xplatform/), with suite, path and upcalls added.
 *
 * In the environment: WEFT_FAKE_ERROR, an errno to refuse changes with;
 * WEFT_FAKE_NO_MODULE, to have no module at all.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../libweft/internal.h"
#include "../weft/format.h"
#include "../weft/parse.h"
#include "fake_socket.h"

static FILE *open_state(const char *ifname, const char *suffix, const char *mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.%s", getenv("WEFT_FAKE"), ifname, suffix);
	return fopen(path, mode);
}

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "fake kernel: %s\n", what);
	exit(99);
}

/* Reading NAME.get. */

static void read_peer_line(struct weft_peer *peer, const char *name, const char *value)
{
	struct problem problem;
	struct weft_path path = { .last_rx_ms = UINT64_MAX, .state = WEFT_PATH_STATE_USABLE };

	if (!strcmp(name, "preshared_key")) {
		check(!weft_key_from_hex(&peer->preshared_key, value), value);
		peer->has |= WEFT_PEER_HAS_PRESHARED_KEY;
	} else if (!strcmp(name, "endpoint")) {
		check(!parse_endpoint(value, &peer->endpoint, &problem), value);
		peer->has |= WEFT_PEER_HAS_ENDPOINT;
	} else if (!strcmp(name, "allowed_ip")) {
		check(!parse_allowed_ips(value, peer, &problem), value);
	} else if (!strcmp(name, "persistent_keepalive_interval")) {
		peer->persistent_keepalive = (uint16_t)atoi(value);
		peer->has |= WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
	} else if (!strcmp(name, "last_handshake_time_sec")) {
		peer->last_handshake.tv_sec = atoll(value);
	} else if (!strcmp(name, "last_handshake_time_nsec")) {
		peer->last_handshake.tv_nsec = atol(value);
	} else if (!strcmp(name, "rx_bytes")) {
		peer->rx_bytes = strtoull(value, NULL, 10);
	} else if (!strcmp(name, "tx_bytes")) {
		peer->tx_bytes = strtoull(value, NULL, 10);
	} else if (!strcmp(name, "suite")) {
		check(!parse_suite(value, &peer->suite, &problem), value);
		peer->has |= WEFT_PEER_HAS_SUITE;
	} else if (!strcmp(name, "session_suite")) {
		check(!parse_suite(value, &peer->session_suite, &problem), value);
		peer->has |= WEFT_PEER_HAS_SESSION_SUITE;
	} else if (!strcmp(name, "path")) {
		check(!parse_endpoint(value, &path.endpoint, &problem), value);
		peer->paths = reallocarray(peer->paths, peer->n_paths + 1, sizeof(path));
		check(peer->paths, "no memory");
		peer->paths[peer->n_paths++] = path;
	} else {
		check(!strcmp(name, "protocol_version"), name);
	}
}

static void read_line(struct weft_device *dev, const char *name, const char *value)
{
	struct problem problem;
	struct weft_key key;

	if (!strcmp(name, "public_key")) {
		check(!weft_key_from_hex(&key, value), value);
		check(weft_device_add_peer(dev, &key), "no memory");
		/* Always reported by the kernel, unlike the other side of a request. */
		dev->last_peer->has |= WEFT_PEER_HAS_PERSISTENT_KEEPALIVE;
	} else if (dev->last_peer) {
		read_peer_line(dev->last_peer, name, value);
	} else if (!strcmp(name, "private_key")) {
		check(!weft_key_from_hex(&dev->private_key, value), value);
		dev->has |= WEFT_DEVICE_HAS_PRIVATE_KEY;
	} else if (!strcmp(name, "listen_port")) {
		dev->listen_port = (uint16_t)atoi(value);
	} else if (!strcmp(name, "fwmark")) {
		dev->fwmark = (uint32_t)strtoul(value, NULL, 10);
	} else if (!strcmp(name, "upcalls")) {
		check(!parse_upcalls(value, &dev->upcalls, &problem), value);
	} else {
		check(!strcmp(name, "protocol_version"), name);
	}
}

static struct weft_device *read_state(const char *ifname)
{
	FILE *file = open_state(ifname, "get", "r");
	struct weft_device *dev;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	dev = weft_device_new(ifname);
	check(dev, "no memory");
	while (getline(&line, &size, file) >= 0) {
		char *value = strchr(line, '=');

		line[strcspn(line, "\n")] = '\0';
		if (!*line)
			continue;
		check(value, line);
		*value = '\0';
		read_line(dev, line, value + 1);
	}
	free(line);
	fclose(file);
	return dev;
}

/* Writing NAME.set. */

static void write_key(FILE *file, const char *name, const struct weft_key *key)
{
	char text[WEFT_KEY_HEX_LEN + 1];

	weft_key_to_hex(text, key);
	fprintf(file, "%s=%s\n", name, text);
}

static void write_endpoint(FILE *file, const union weft_endpoint *endpoint)
{
	char host[INET6_ADDRSTRLEN];

	if (endpoint->sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &endpoint->in.sin_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET6, &endpoint->in6.sin6_addr, host, sizeof(host));
	fprintf(file, endpoint->sa.sa_family == AF_INET ? "endpoint=%s:%u\n" :
		"endpoint=[%s]:%u\n", host, ntohs(endpoint->in.sin_port));
}

static void write_allowed_ips(FILE *file, const struct weft_peer *peer)
{
	const struct weft_allowed_ip *ip;
	char host[INET6_ADDRSTRLEN];

	if (peer->flags & WEFT_PEER_F_REPLACE_ALLOWED_IPS)
		fputs("replace_allowed_ips=true\n", file);
	weft_for_each_allowed_ip(peer, ip) {
		inet_ntop(ip->family, ip->addr, host, sizeof(host));
		fprintf(file, "allowed_ip=%s%s/%u\n",
			ip->flags & WEFT_ALLOWED_IP_F_REMOVE_ME ? "-" : "", host, ip->prefix_len);
	}
}

static void write_peer(FILE *file, const struct weft_peer *peer)
{
	write_key(file, "public_key", &peer->public_key);
	if (peer->flags & WEFT_PEER_F_REMOVE_ME) {
		fputs("remove=true\n", file);
		return;
	}
	if (peer->flags & WEFT_PEER_F_UPDATE_ONLY)
		fputs("update_only=true\n", file);
	if (peer->has & WEFT_PEER_HAS_PRESHARED_KEY)
		write_key(file, "preshared_key", &peer->preshared_key);
	if (peer->has & WEFT_PEER_HAS_ENDPOINT)
		write_endpoint(file, &peer->endpoint);
	if (peer->has & WEFT_PEER_HAS_PERSISTENT_KEEPALIVE)
		fprintf(file, "persistent_keepalive_interval=%u\n", peer->persistent_keepalive);
	if (peer->has & WEFT_PEER_HAS_SUITE)
		fprintf(file, "suite=%s\n", weft_suite_name(peer->suite));
	write_allowed_ips(file, peer);
}

static void write_request(FILE *file, const struct weft_device *dev, uint32_t flags)
{
	const struct weft_peer *peer;

	fputs("set=1\n", file);
	if (dev->has & WEFT_DEVICE_HAS_PRIVATE_KEY)
		write_key(file, "private_key", &dev->private_key);
	if (dev->has & WEFT_DEVICE_HAS_LISTEN_PORT)
		fprintf(file, "listen_port=%u\n", dev->listen_port);
	if (dev->has & WEFT_DEVICE_HAS_FWMARK)
		fprintf(file, "fwmark=%" PRIu32 "\n", dev->fwmark);
	if (dev->has & WEFT_DEVICE_HAS_UPCALLS)
		fprintf(file, "upcalls=%s\n", format_upcalls(dev->upcalls, ",").text);
	if (flags & WEFT_DEVICE_F_REPLACE_PEERS)
		fputs("replace_peers=true\n", file);
	weft_for_each_peer(dev, peer)
		write_peer(file, peer);
}

/* The answers. */

static void put_device(const struct nlmsghdr *request, const struct weft_device *dev, int flags)
{
	struct nl_msg *msg = fake_message(request, WEFT_CMD_DEVICE_GET, flags);
	struct weft_key public_key;

	nla_put_u32(msg, WEFT_A_DEVICE_IFINDEX, 7);
	nla_put_string(msg, WEFT_A_DEVICE_IFNAME, dev->ifname);
	if (!weft_key_is_zero(&dev->private_key)) {
		weft_key_public(&public_key, &dev->private_key);
		nla_put(msg, WEFT_A_DEVICE_PRIVATE_KEY, WEFT_KEY_LEN, &dev->private_key);
		nla_put(msg, WEFT_A_DEVICE_PUBLIC_KEY, WEFT_KEY_LEN, &public_key);
	}
	nla_put_u16(msg, WEFT_A_DEVICE_LISTEN_PORT, dev->listen_port);
	nla_put_u32(msg, WEFT_A_DEVICE_FWMARK, dev->fwmark);
	nla_put_u32(msg, WEFT_A_DEVICE_UPCALLS, dev->upcalls);
	fake_deliver(msg);
}

static void put_path(struct nl_msg *msg, const struct weft_path *path)
{
	struct nlattr *nest = nla_nest_start(msg, WEFT_A_PEER_PATH);

	nla_put_u32(msg, WEFT_A_PATH_TYPE, path->type);
	nla_put_u32(msg, WEFT_A_PATH_STATE, path->state);
	nla_put(msg, WEFT_A_PATH_ENDPOINT, path->endpoint.sa.sa_family == AF_INET ?
		sizeof(path->endpoint.in) : sizeof(path->endpoint.in6), &path->endpoint);
	nla_nest_end(msg, nest);
}

/* What the kernel reports and no request has. */
static void put_state(struct nl_msg *msg, const struct weft_peer *peer)
{
	int64_t sec = peer->last_handshake.tv_sec;
	const struct weft_path *path;

	nla_put(msg, WEFT_A_PEER_LAST_HANDSHAKE_SEC, sizeof(sec), &sec);
	nla_put_u32(msg, WEFT_A_PEER_LAST_HANDSHAKE_NSEC, (uint32_t)peer->last_handshake.tv_nsec);
	nla_put_u64(msg, WEFT_A_PEER_RX_BYTES, peer->rx_bytes);
	nla_put_u64(msg, WEFT_A_PEER_TX_BYTES, peer->tx_bytes);
	if (peer->has & WEFT_PEER_HAS_SESSION_SUITE)
		nla_put_u32(msg, WEFT_A_PEER_SESSION_SUITE, peer->session_suite);
	weft_for_each_path(peer, path)
		put_path(msg, path);
}

static void put_peers(const struct nlmsghdr *request, const struct weft_device *dev)
{
	struct weft_peer *peer;

	weft_for_each_peer(dev, peer) {
		struct nl_msg *msg = fake_message(request, WEFT_CMD_PEER_GET, NLM_F_MULTI);
		struct nlattr *nest;

		/* The numbers in a message of their own: the library must put the two together. */
		nest = nla_nest_start(msg, WEFT_A_DEVICE_PEER);
		nla_put(msg, WEFT_A_PEER_PUBLIC_KEY, WEFT_KEY_LEN, &peer->public_key);
		put_state(msg, peer);
		nla_nest_end(msg, nest);
		fake_deliver(msg);
		peer->flags = 0;
		fake.room = weft_peer_size(peer);
		msg = fake_message(request, WEFT_CMD_PEER_GET, NLM_F_MULTI);
		weft_put_peer(msg, peer);
		fake_deliver(msg);
	}
	fake_done(request, 0, 0);
}


static void list_devices(const struct nlmsghdr *request)
{
	struct dirent **names = NULL;
	int n = scandir(getenv("WEFT_FAKE"), &names, NULL, alphasort);

	check(n >= 0, "WEFT_FAKE is no directory");
	for (int i = 0; i < n; ++i) {
		char *dot = strrchr(names[i]->d_name, '.');

		if (dot && !strcmp(dot, ".get")) {
			struct weft_device *dev;

			*dot = '\0';
			dev = read_state(names[i]->d_name);
			put_device(request, dev, NLM_F_MULTI);
			weft_device_free(dev);
		}
		free(names[i]);
	}
	free(names);
	fake_done(request, 0, 0);
}

static void change_device(const struct nlmsghdr *request, const struct weft_device *dev)
{
	const char *error = getenv("WEFT_FAKE_ERROR");
	const struct nlattr *attr;
	uint32_t flags = 0;
	FILE *file;

	if (error) {
		fake_error(request, -atoi(error), "no such luck", sizeof(*request) + GENL_HDRLEN);
		return;
	}
	attr = nlmsg_find_attr((struct nlmsghdr *)request, GENL_HDRLEN, WEFT_A_DEVICE_FLAGS);
	if (attr)
		flags = nla_get_u32(attr);
	file = open_state(dev->ifname, "set", "w");
	check(file, "cannot write");
	write_request(file, dev, flags);
	fclose(file);
	fake_ack(request);
}

static void handle(const struct nlmsghdr *request, uint8_t cmd, const struct weft_device *asked)
{
	struct weft_device *dev = read_state(asked->ifname);

	if (!dev) {
		fake_error(request, strcmp(asked->ifname, "lo") ? -ENODEV : -EOPNOTSUPP, NULL, 0);
		return;
	}
	switch (cmd) {
	case WEFT_CMD_DEVICE_GET:
		put_device(request, dev, 0);
		fake_ack(request);
		break;
	case WEFT_CMD_PEER_GET:
		put_peers(request, dev);
		break;
	case WEFT_CMD_DEVICE_SET:
		change_device(request, asked);
		break;
	default:
		fake_error(request, -EOPNOTSUPP, NULL, 0);
	}
	weft_device_free(dev);
}

void fake_kernel(const struct nlmsghdr *request)
{
	const struct genlmsghdr *gnlh = nlmsg_data(request);
	struct weft_device *asked = weft_device_new(NULL);
	struct weft_event_kind kind = { 0 };

	check(asked && !weft_parse_device(request, asked, &kind), "bad request");
	if (gnlh->cmd == WEFT_CMD_DEVICE_GET && request->nlmsg_flags & NLM_F_DUMP)
		list_devices(request);
	else
		handle(request, gnlh->cmd, asked);
	weft_device_free(asked);
}

__attribute__((constructor)) static void begin(void)
{
	fake.no_family = getenv("WEFT_FAKE_NO_MODULE");
	check(getenv("WEFT_FAKE"), "WEFT_FAKE is not set");
}
