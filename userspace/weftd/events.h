/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts tell those who want to know: the monitors, and commands that wait. */
#ifndef WEFTD_EVENTS_H
#define WEFTD_EVENTS_H

#include "network.h"

struct control;

/* Before the first network. */
void events_begin(struct control *control);
/* Whether the network is to be deleted, because who wanted to join it cannot. */
bool events_notice(struct network *network, const struct weft_notice *notice);
/* It is no more: nobody is to wait for anything from it. */
void events_network_gone(struct network *network);

#endif /* WEFTD_EVENTS_H */
