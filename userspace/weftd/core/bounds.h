/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large things may be. Parts of the format: raising one makes records that others refuse. */
#ifndef WEFT_BOUNDS_H
#define WEFT_BOUNDS_H

/* A record with its signature. One fits into two datagrams. */
#define WEFT_MAX_RECORD 2048
#define WEFT_MAX_NAME 45
#define WEFT_MAX_GROUP 32
#define WEFT_MAX_GROUPS 16
#define WEFT_MAX_ROUTES 16
#define WEFT_MAX_ENDPOINTS 16
#define WEFT_MAX_USES 10000
/* The year 36812: sums of such times cannot overflow. */
#define WEFT_MAX_TIME ((1ULL << 40) - 1)
/* From the root to an admin. */
#define WEFT_MAX_LEVEL 8

/* Not part of the format: what one machine keeps. */
#define WEFT_MAX_RECORDS (1U << 20)
/* Records whose chain to the root is not known (yet). */
#define WEFT_MAX_UNANCHORED 4096

#endif /* WEFT_BOUNDS_H */
