// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>

#include "format.h"
#include "weft_tool.h"

static void print_interface(const struct weft_device *dev)
{
	puts("[Interface]");
	if (dev->listen_port)
		printf("ListenPort = %u\n", dev->listen_port);
	if (dev->fwmark)
		printf("FwMark = 0x%" PRIx32 "\n", dev->fwmark);
	if (!weft_key_is_zero(&dev->private_key))
		printf("PrivateKey = %s\n", format_key(&dev->private_key).text);
	/* wg would not read it, so it is written only where somebody chose it. */
	if (dev->upcalls)
		printf("Upcalls = %s\n", format_upcalls(dev->upcalls, ", ").text);
	putchar('\n');
}

static void print_peer(const struct weft_peer *peer)
{
	const struct weft_allowed_ip *ip;
	char buf[16];

	printf("[Peer]\nPublicKey = %s\n", format_key(&peer->public_key).text);
	if (!weft_key_is_zero(&peer->preshared_key))
		printf("PresharedKey = %s\n", format_key(&peer->preshared_key).text);
	weft_for_each_allowed_ip(peer, ip)
		printf("%s%s", ip == peer->allowed_ips ? "AllowedIPs = " : ", ",
		       format_prefix(ip).text);
	if (peer->n_allowed_ips)
		putchar('\n');
	if (peer->endpoint.sa.sa_family != AF_UNSPEC)
		printf("Endpoint = %s\n", format_endpoint(&peer->endpoint).text);
	if (peer->persistent_keepalive)
		printf("PersistentKeepalive = %u\n", peer->persistent_keepalive);
	/* Likewise. */
	if (peer->has & WEFT_PEER_HAS_SUITE && peer->suite != WEFT_SUITE_AUTO)
		printf("Suite = %s\n", format_suite(peer->suite, buf));
}

int cmd_showconf(int argc, char **argv)
{
	__free_device struct weft_device *dev = NULL;
	__free_weft struct weft *weft = NULL;
	const struct weft_peer *peer;
	int err;

	if (argc != 2) {
		complain("%s: expected an interface", argv[0]);
		return EXIT_USAGE;
	}
	weft = open_weft();
	if (!weft)
		return EXIT_FAILED;
	err = weft_device_get(weft, argv[1], &dev);
	if (err)
		return complain_kernel(weft, argv[1], err);
	print_interface(dev);
	weft_for_each_peer(dev, peer) {
		print_peer(peer);
		if (peer->next)
			putchar('\n');
	}
	return EXIT_DONE;
}
