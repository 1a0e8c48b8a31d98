/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tell the service manager how we are: sd_notify(3) by its documented datagrams. */
#ifndef WEFTD_NOTIFY_H
#define WEFTD_NOTIFY_H

#include <stdint.h>

int notify(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t notify_watchdog_ms(void);

#endif /* WEFTD_NOTIFY_H */
