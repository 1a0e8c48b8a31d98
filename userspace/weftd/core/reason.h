/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors of the core in words. */
#ifndef WEFT_REASON_H
#define WEFT_REASON_H

const char *weft_reason(int error);

#endif /* WEFT_REASON_H */
