/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_NETLINK_H
#define _WEFT_NETLINK_H

#include <linux/weft.h>

struct weft_endpoint;
struct weft_peer;

int weft_netlink_init(void);
void weft_netlink_exit(void);

void weft_netlink_session_event(struct weft_peer *peer,
				enum weft_session_event event);
void weft_netlink_path_event(struct weft_peer *peer, enum weft_path_event event);

#endif /* _WEFT_NETLINK_H */
