/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network's device in the kernel: what the core wants of it, in terms of libweft, and back. */
#ifndef WEFTD_KERNEL_H
#define WEFTD_KERNEL_H

#include <weft/weft.h>

#include "core/node.h"

/* After so long without a new handshake a session is no more (WireGuard's REJECT_AFTER_TIME). */
#define KERNEL_SESSION_SECONDS 180
/* Who was not heard of for so long may be elsewhere. */
#define KERNEL_HEARD_MS 20000

/* Return: 0, or a code of libweft. */
int kernel_set_key(struct weft *weft, const char *ifname, const struct weft_tunnel_key *private_key);
int kernel_set_port(struct weft *weft, const char *ifname, uint16_t port);
int kernel_set_peer(struct weft *weft, const char *ifname, const struct weft_out_peer *peer,
		    time_t now);
int kernel_remove_peer(struct weft *weft, const char *ifname, const struct weft_tunnel_key *key);
/* Whether the kernel asks about peers that it does not have. */
int kernel_set_upcalls(struct weft *weft, const char *ifname);

bool kernel_has_session(const struct weft_peer *peer, time_t now);
bool kernel_candidate(struct weft_candidate *at, const union weft_endpoint *endpoint);
void kernel_tunnel_key(struct weft_tunnel_key *tunnel, const struct weft_key *key);
void kernel_key(struct weft_key *key, const struct weft_tunnel_key *tunnel);

#endif /* WEFTD_KERNEL_H */
