/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets: between members inside of the tunnels, and beacons outside of them. */
#ifndef WEFTD_SOCKETS_H
#define WEFTD_SOCKETS_H

#include "core/node.h"
#include "links.h"

/* Return: a descriptor, or a negated errno. */
int gossip_open(const char *ifname);
int gossip_send(int fd, const struct weft_out_datagram *datagram);
/* Return: the length of the next datagram, 0 if there is none (that is for us), or a negated errno. */
ssize_t gossip_receive(int fd, uint8_t from[16], uint8_t bytes[WEFT_MAX_DATAGRAM]);

/**
 * struct beacon_sockets - one for each family, -1 where there is none
 * @ipv4:	see above
 * @ipv6:	likewise
 * @lans:	interfaces on which they listen
 * @lan_count:	see @lans
 */
struct beacon_sockets {
	int ipv4;
	int ipv6;
	uint32_t lans[LINK_MAX_LANS];
	unsigned int lan_count;
};

int beacon_open(struct beacon_sockets *sockets);
void beacon_close(struct beacon_sockets *sockets);
void beacon_listen_on(struct beacon_sockets *sockets, const struct link_world *world);
void beacon_send(const struct beacon_sockets *sockets, const struct weft_out_beacon *beacon);
ssize_t beacon_receive(int fd, struct weft_candidate *from, uint8_t bytes[WEFT_BEACON_BYTES]);

#endif /* WEFTD_SOCKETS_H */
