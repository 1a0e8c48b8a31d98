/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_NETLINK_H
#define _WEFT_NETLINK_H

#include <linux/types.h>
#include <linux/weft.h>

struct weft_device;
struct weft_endpoint;
struct weft_peer;

int weft_netlink_init(void);
void weft_netlink_exit(void);

void weft_netlink_session_event(struct weft_peer *peer,
				enum weft_session_event event);
void weft_netlink_path_event(struct weft_peer *peer, enum weft_path_event event);

bool weft_netlink_listened_to(struct weft_device *wdev);
void weft_netlink_destination_event(struct weft_device *wdev, u16 family,
				    const void *addr);
void weft_netlink_stranger_event(struct weft_device *wdev,
				 const u8 public_key[WEFT_KEY_LEN],
				 const struct weft_endpoint *endpoint);

#endif /* _WEFT_NETLINK_H */
