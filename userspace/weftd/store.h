/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files that are replaced as a whole: after a crash, or with the disk full, there is either what was
 * there before or what was to be written, never a part of it.
 */
#ifndef WEFTD_STORE_H
#define WEFTD_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* No file of ours comes near it: a million records of the usual length. */
#define STORE_MAX_FILE (512UL << 20)

int store_read(int dir, const char *name, uint8_t **bytes, size_t *len);
int store_write(int dir, const char *name, const void *bytes, size_t len, mode_t mode);
int store_set_aside(int dir, const char *name, char aside[256]);

#endif /* WEFTD_STORE_H */
