/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WEFTD_PRIVILEGE_H
#define WEFTD_PRIVILEGE_H

int privilege_drop(const char *user);
int privilege_drop_all(const char *user);
int privilege_drop_signals(void);

#endif /* WEFTD_PRIVILEGE_H */
