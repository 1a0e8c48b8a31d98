/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms that "weft show" has. */
#ifndef WEFT_SHOW_H
#define WEFT_SHOW_H

#include <stdbool.h>
#include <weft/weft.h>

/* show_pretty.c: for people. */
void show_pretty(const struct weft_device *dev);

/* show_fields.c: for scripts; a field by its name on the command line. */
bool is_field(const char *name);
void show_field(const struct weft_device *dev, const char *name, bool with_ifname);

/* show_json.c: an array of devices, or of names if @names_only. Returns a negative errno. */
int show_json(const struct weft_device *list, bool names_only);

/* Keys are shown only to who asks for it by WEFT_HIDE_KEYS=never. */
bool keys_hidden(void);

#endif /* WEFT_SHOW_H */
