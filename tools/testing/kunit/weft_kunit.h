/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests share: a clock that they set, and packets. */
#ifndef _WEFT_KUNIT_H
#define _WEFT_KUNIT_H

#include <kunit/test.h>
#include <linux/timekeeping.h>
#include <linux/types.h>

struct sk_buff;

/* Code under test runs as part of this module, not of a kernel at boot. */
#undef __init
#define __init
#undef __ro_after_init
#define __ro_after_init

/* The code under test that asks for the time is given this: nanoseconds. */
extern u64 weft_kunit_now;
#define ktime_get_coarse_boottime_ns() READ_ONCE(weft_kunit_now)

/* gcm.c is part of one of the tests, and used by others. */
void weft_gcm_probe(void);
void weft_gcm_exit(void);

struct sk_buff *weft_kunit_skb(struct kunit *test, const char *source,
			       u16 port, const void *payload, size_t len);
void weft_kunit_source(struct sk_buff *skb, const char *source, u16 port);

#endif /* _WEFT_KUNIT_H */
