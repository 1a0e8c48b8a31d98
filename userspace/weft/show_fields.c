// SPDX-License-Identifier: GPL-2.0-or-later
/* Single fields and the dump, separated by tabs and newlines; the form is wg(8)'s. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "show.h"
#include "weft_tool.h"

/*
 * Of one value each, because a dump of many peers is mostly printing: no format to be read, and no
 * lock, as there is one thread.
 */
static void put(const char *text)
{
	fputs_unlocked(text, stdout);
}

static void put_char(char c)
{
	putc_unlocked(c, stdout);
}

static void put_number(uint64_t number)
{
	char text[21];

	*format_decimal(text, number) = '\0';
	put(text);
}

static void print_public_key(const struct weft_device *dev)
{
	put(format_key_or_none(&dev->public_key).text);
}

static void print_private_key(const struct weft_device *dev)
{
	put(format_key_or_none(&dev->private_key).text);
}

static void print_listen_port(const struct weft_device *dev)
{
	put_number(dev->listen_port);
}

static void print_fwmark(const struct weft_device *dev)
{
	if (dev->fwmark)
		printf("0x%" PRIx32, dev->fwmark);
	else
		put("off");
}

static void print_upcalls(const struct weft_device *dev)
{
	put(format_upcalls(dev->upcalls, ",").text);
}

static void print_nothing(const struct weft_peer *peer)
{
	(void)peer;
}

static void print_preshared_key(const struct weft_peer *peer)
{
	put(format_key_or_none(&peer->preshared_key).text);
}

static void print_endpoint(const struct weft_peer *peer)
{
	put(format_endpoint(&peer->endpoint).text);
}

static void print_prefixes(const struct weft_peer *peer, char separator)
{
	const struct weft_allowed_ip *ip;

	if (!peer->n_allowed_ips)
		put("(none)");
	weft_for_each_allowed_ip(peer, ip) {
		if (ip != peer->allowed_ips)
			put_char(separator);
		put(format_prefix(ip).text);
	}
}

static void print_allowed_ips(const struct weft_peer *peer)
{
	print_prefixes(peer, ' ');
}

static void print_latest_handshake(const struct weft_peer *peer)
{
	int64_t seconds = peer->last_handshake.tv_sec;

	if (seconds < 0)
		put_char('-');
	put_number(seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds);
}

static void print_transfer(const struct weft_peer *peer)
{
	put_number(peer->rx_bytes);
	put_char('\t');
	put_number(peer->tx_bytes);
}

static void print_keepalive(const struct weft_peer *peer)
{
	if (peer->persistent_keepalive)
		put_number(peer->persistent_keepalive);
	else
		put("off");
}

/* One line of a device, or a line a peer: its key and, if there is any, a value. */
static const struct field {
	const char *name;
	void (*of_device)(const struct weft_device *dev);
	void (*of_peer)(const struct weft_peer *peer);
} fields[] = {
	{ "public-key", print_public_key, NULL },
	{ "private-key", print_private_key, NULL },
	{ "listen-port", print_listen_port, NULL },
	{ "fwmark", print_fwmark, NULL },
	{ "upcalls", print_upcalls, NULL },
	{ "peers", NULL, print_nothing },
	{ "preshared-keys", NULL, print_preshared_key },
	{ "endpoints", NULL, print_endpoint },
	{ "allowed-ips", NULL, print_allowed_ips },
	{ "latest-handshakes", NULL, print_latest_handshake },
	{ "transfer", NULL, print_transfer },
	{ "persistent-keepalive", NULL, print_keepalive },
	{ "dump", NULL, NULL },
};

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); ++i) {
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	}
	return NULL;
}

bool is_field(const char *name)
{
	return find_field(name);
}

/* Beginning of a line. */
static void print_ifname(const struct weft_device *dev, bool with_ifname)
{
	if (!with_ifname)
		return;
	put(dev->ifname);
	put_char('\t');
}

static void dump_peer(const struct weft_peer *peer)
{
	put(format_key(&peer->public_key).text);
	put_char('\t');
	print_preshared_key(peer);
	put_char('\t');
	print_endpoint(peer);
	put_char('\t');
	print_prefixes(peer, ',');
	put_char('\t');
	print_latest_handshake(peer);
	put_char('\t');
	print_transfer(peer);
	put_char('\t');
	print_keepalive(peer);
	put_char('\n');
}

static void dump(const struct weft_device *dev, bool with_ifname)
{
	const struct weft_peer *peer;

	print_ifname(dev, with_ifname);
	print_private_key(dev);
	put_char('\t');
	print_public_key(dev);
	put_char('\t');
	print_listen_port(dev);
	put_char('\t');
	print_fwmark(dev);
	put_char('\n');
	weft_for_each_peer(dev, peer) {
		print_ifname(dev, with_ifname);
		dump_peer(peer);
	}
}

void show_field(const struct weft_device *dev, const char *name, bool with_ifname)
{
	const struct field *field = find_field(name);
	const struct weft_peer *peer;

	if (!field->of_device && !field->of_peer) {
		dump(dev, with_ifname);
		return;
	}
	if (field->of_device) {
		print_ifname(dev, with_ifname);
		field->of_device(dev);
		put_char('\n');
		return;
	}
	weft_for_each_peer(dev, peer) {
		print_ifname(dev, with_ifname);
		put(format_key(&peer->public_key).text);
		if (field->of_peer != print_nothing)
			put_char('\t');
		field->of_peer(peer);
		put_char('\n');
	}
}
