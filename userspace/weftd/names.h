/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEFTD_NAMES_H
#define WEFTD_NAMES_H

#include "daemon.h"

/* Write the file that libnss_weft reads, if it is to say something else than before. */
void names_publish(struct daemon *daemon);

#endif /* WEFTD_NAMES_H */
