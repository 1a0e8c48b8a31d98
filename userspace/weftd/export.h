/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files for stock WireGuard members, and the keys that were made for them here. */
#ifndef WEFTD_EXPORT_H
#define WEFTD_EXPORT_H

#include "network.h"

int export_keep_key(struct network *network, const struct weft_tunnel_key *public_key,
		    const char *private_key);
void export_forget_key(struct network *network, const struct weft_tunnel_key *public_key);
/* As wg-quick takes it, to be wiped and freed; NULL: it is not known where its router is. */
char *export_config(struct network *network, const struct weft_member *member);

#endif /* WEFTD_EXPORT_H */
