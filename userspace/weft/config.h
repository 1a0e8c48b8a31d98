/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files: [Interface] and [Peer] sections, as weft(8) describes. */
#ifndef WEFT_CONFIG_H
#define WEFT_CONFIG_H

#include <stdio.h>
#include <weft/weft.h>

/**
 * enum config_mode - what a file says about what it does not mention
 * @CONFIG_REPLACE: it is unset, and peers not listed are none
 * @CONFIG_ADD: it stays
 */
enum config_mode {
	CONFIG_REPLACE,
	CONFIG_ADD,
};

/*
 * Read a file into a request for the interface. Complains on standard error,
 * naming @path and the line, and returns a negative errno if anything is wrong.
 */
int config_read(FILE *file, const char *path, const char *ifname, enum config_mode mode,
		struct weft_device **dev);

/* The same for a path. */
int config_load(const char *path, const char *ifname, enum config_mode mode,
		struct weft_device **dev);

/* syncconf.c: leave in @wanted only what differs from @present, and removals. */
int sync_changes(struct weft_device *wanted, const struct weft_device *present);

#endif /* WEFT_CONFIG_H */
