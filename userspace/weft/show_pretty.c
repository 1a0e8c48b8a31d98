// SPDX-License-Identifier: GPL-2.0-or-later
/* What people read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format.h"
#include "show.h"
#include "terminal.h"
#include "weft_tool.h"

static void print_label(const char *label)
{
	printf("  %s%s%s: ", term(TERM_BOLD), label, term(TERM_RESET));
}

static void print_title(const char *what, const char *colour, const char *name)
{
	printf("%s%s%s%s: %s%s%s\n", term(colour), term(TERM_BOLD), what, term(TERM_RESET),
	       term(colour), name, term(TERM_RESET));
}

static void print_secret(const char *label, const struct weft_key *key)
{
	print_label(label);
	puts(keys_hidden() ? "(hidden)" : format_key(key).text);
}

static void print_unit(const char *unit)
{
	printf(" %s%s%s", term(TERM_CYAN), unit, term(TERM_RESET));
}

static void print_bytes(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		++i;
	}
	printf(i ? "%.2f" : "%.0f", value);
	print_unit(units[i]);
}

static void print_duration(uint64_t seconds)
{
	static const struct {
		uint32_t seconds;
		const char *one, *many;
	} units[] = {
		{ 365 * 86400, "year", "years" },
		{ 86400, "day", "days" },
		{ 3600, "hour", "hours" },
		{ 60, "minute", "minutes" },
		{ 1, "second", "seconds" },
	};
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_SIZE(units); ++i) {
		uint64_t n = seconds / units[i].seconds;

		if (!n)
			continue;
		seconds %= units[i].seconds;
		printf("%s%" PRIu64, separator, n);
		print_unit(n == 1 ? units[i].one : units[i].many);
		separator = ", ";
	}
}

static void print_ago(int64_t when, int64_t now)
{
	if (when > now) {
		fputs("in the future; was the clock set back?", stdout);
	} else if (when == now) {
		fputs("now", stdout);
	} else {
		print_duration((uint64_t)(now - when));
		fputs(" ago", stdout);
	}
}

static void print_allowed_ips(const struct weft_peer *peer)
{
	const struct weft_allowed_ip *ip;

	print_label("allowed ips");
	if (!peer->n_allowed_ips)
		fputs("(none)", stdout);
	weft_for_each_allowed_ip(peer, ip)
		printf("%s%s%s/%s%u", ip == peer->allowed_ips ? "" : ", ",
		       format_prefix(ip).address, term(TERM_CYAN), term(TERM_RESET),
		       ip->prefix_len);
	putchar('\n');
}

/* Silent about a peer that is left to itself and has no session to tell of. */
static void print_suite(const struct weft_peer *peer)
{
	bool has_session = peer->has & WEFT_PEER_HAS_SESSION_SUITE;
	char buf[16];

	if (!has_session && (!(peer->has & WEFT_PEER_HAS_SUITE) ||
			     peer->suite == WEFT_SUITE_AUTO))
		return;
	print_label("suite");
	if (peer->has & WEFT_PEER_HAS_SUITE)
		fputs(format_suite(peer->suite, buf), stdout);
	if (has_session && (!(peer->has & WEFT_PEER_HAS_SUITE) ||
			    peer->suite != peer->session_suite))
		printf("%sthis session %s", peer->has & WEFT_PEER_HAS_SUITE ? ", " : "",
		       format_suite(peer->session_suite, buf));
	putchar('\n');
}

static const char *path_state(uint32_t state)
{
	switch (state) {
	case WEFT_PATH_STATE_CANDIDATE:
		return "candidate";
	case WEFT_PATH_STATE_USABLE:
		return "usable";
	case WEFT_PATH_STATE_ACTIVE:
		return "active";
	}
	return "in a state this program does not know";
}

static void print_path(const struct weft_path *path)
{
	char ifname[IF_NAMESIZE];

	printf("    %s %s", path->type == WEFT_PATH_TYPE_RELAY ? "relay" :
	       format_endpoint(&path->endpoint).text, path_state(path->state));
	if (path->source.sa.sa_family != AF_UNSPEC)
		printf(", from %s", format_endpoint(&path->source).text);
	if (path->source_ifindex && if_indextoname(path->source_ifindex, ifname))
		printf(" on %s", ifname);
	if (path->last_rx_ms != UINT64_MAX) {
		fputs(", received ", stdout);
		print_ago(-(int64_t)(path->last_rx_ms / 1000), 0);
	}
	putchar('\n');
}

/* One path is the endpoint, which has been shown. */
static void print_paths(const struct weft_peer *peer)
{
	const struct weft_path *path;

	if (peer->n_paths < 2)
		return;
	printf("  %spaths%s:\n", term(TERM_BOLD), term(TERM_RESET));
	weft_for_each_path(peer, path)
		print_path(path);
}

static void print_peer(const struct weft_peer *peer, int64_t now)
{
	print_title("peer", TERM_YELLOW, format_key(&peer->public_key).text);
	if (!weft_key_is_zero(&peer->preshared_key))
		print_secret("preshared key", &peer->preshared_key);
	if (peer->endpoint.sa.sa_family != AF_UNSPEC) {
		print_label("endpoint");
		puts(format_endpoint(&peer->endpoint).text);
	}
	print_allowed_ips(peer);
	if (peer->last_handshake.tv_sec) {
		print_label("latest handshake");
		print_ago(peer->last_handshake.tv_sec, now);
		putchar('\n');
	}
	if (peer->rx_bytes || peer->tx_bytes) {
		print_label("transfer");
		print_bytes(peer->rx_bytes);
		fputs(" received, ", stdout);
		print_bytes(peer->tx_bytes);
		puts(" sent");
	}
	if (peer->persistent_keepalive) {
		print_label("persistent keepalive");
		fputs("every ", stdout);
		print_duration(peer->persistent_keepalive);
		putchar('\n');
	}
	print_suite(peer);
	print_paths(peer);
}

/* A peer and its place in the kernel's order, which decides between equals. */
struct ranked {
	const struct weft_peer *peer;
	size_t place;
};

static int by_handshake(const void *first, const void *second)
{
	const struct ranked *a = first, *b = second;
	const struct timespec *x = &a->peer->last_handshake, *y = &b->peer->last_handshake;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec > y->tv_sec ? -1 : 1;
	if (x->tv_nsec != y->tv_nsec)
		return x->tv_nsec > y->tv_nsec ? -1 : 1;
	return a->place < b->place ? -1 : 1;
}

static void print_peers(const struct weft_device *dev)
{
	const struct weft_peer *peer;
	int64_t now = time(NULL);
	struct ranked *ranked;
	size_t n = 0;

	weft_for_each_peer(dev, peer)
		++n;
	if (!n)
		return;
	ranked = calloc(n, sizeof(*ranked));
	if (!ranked) {
		complain("no memory to show the peers of %s", dev->ifname);
		return;
	}
	n = 0;
	weft_for_each_peer(dev, peer) {
		ranked[n].place = n;
		ranked[n++].peer = peer;
	}
	qsort(ranked, n, sizeof(*ranked), by_handshake);
	for (size_t i = 0; i < n; ++i) {
		putchar('\n');
		print_peer(ranked[i].peer, now);
	}
	free(ranked);
}

static void print_device(const struct weft_device *dev)
{
	print_title("interface", TERM_GREEN, dev->ifname);
	if (!weft_key_is_zero(&dev->public_key)) {
		print_label("public key");
		puts(format_key(&dev->public_key).text);
	}
	if (!weft_key_is_zero(&dev->private_key))
		print_secret("private key", &dev->private_key);
	if (dev->listen_port) {
		print_label("listening port");
		printf("%u\n", dev->listen_port);
	}
	if (dev->fwmark) {
		print_label("fwmark");
		printf("0x%" PRIx32 "\n", dev->fwmark);
	}
	if (dev->upcalls) {
		print_label("upcalls");
		puts(format_upcalls(dev->upcalls, ", ").text);
	}
}

void show_pretty(const struct weft_device *dev)
{
	fputs(term(TERM_RESET), stdout);
	print_device(dev);
	print_peers(dev);
}
