/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Handshake messages allowed per source address, once under load (WireGuard
 * paper, section 5.3): the sender has proven by mac2 that it receives at its
 * address, so the address can be held to account.
 */
#ifndef _WEFT_RATELIMITER_H
#define _WEFT_RATELIMITER_H

#include <linux/types.h>

struct net;
struct sk_buff;

int weft_ratelimiter_module_init(void);
void weft_ratelimiter_module_exit(void);

bool weft_ratelimiter_allow(struct sk_buff *skb, struct net *net);

#endif /* _WEFT_RATELIMITER_H */
