/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What thousands of nodes have in common is kept once. Each still decides by itself, by the core's own
 * code: only what that computes from the same records is not computed again for the next node, nor
 * stored again. See share.c.
 *
 * Linked with $(SIM_SHARED) in module.mk.
 */
#ifndef WEFT_SIM_SHARE_H
#define WEFT_SIM_SHARE_H

#include "roster.h"

/* Share this roster with all clones of it, and with whoever comes to the same. It is evaluated. */
void share_roster(struct weft_roster *roster);
/* Between these, everything is a node's own, as it is in a daemon; whether it was so before. */
bool share_pause(void);
void share_resume(bool was);
/* How many different rosters there are now. */
unsigned int share_count(void);
/* When all nodes are gone. */
void share_forget(void);

#endif /* WEFT_SIM_SHARE_H */
