/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to see, as JSON. Documentation/control.md names all of it. */
#ifndef WEFTD_REPORT_H
#define WEFTD_REPORT_H

#include <json-c/json.h>

#include "network.h"

struct id_text {
	char text[2 * WEFT_ID_LEN + 1];
};

struct id_text text_of_id(const struct weft_id *id);

json_object *report_network(struct network *network);
json_object *report_member(struct network *network, const struct weft_member *member);
json_object *report_notice(const struct network *network, const struct weft_notice *notice);
const char *report_state(const struct network *network);

#endif /* WEFTD_REPORT_H */
