/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the values in records, tokens and state files are written. */
#ifndef WEFT_FIELDS_H
#define WEFT_FIELDS_H

#include "cbor.h"
#include "record.h"

void weft_get_endpoints(struct weft_cbor_reader *reader, struct weft_endpoints *endpoints);
void weft_put_endpoints(struct weft_cbor_writer *writer, const struct weft_endpoints *endpoints);

#endif /* WEFT_FIELDS_H */
