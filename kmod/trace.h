/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM weft

#if !defined(_WEFT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _WEFT_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

#include "stats.h"

#ifndef _WEFT_TRACE_ENUMS
#define _WEFT_TRACE_ENUMS

/*
 * What happens to handshakes, with the words for it.
 */
#define WEFT_TRACE_EVENTS(X)						\
	X(INITIATION_SENT,	"initiation sent")			\
	X(INITIATION_RECEIVED,	"initiation received")			\
	X(RESPONSE_SENT,	"response sent")			\
	X(RESPONSE_RECEIVED,	"response received")			\
	X(COOKIE_SENT,		"cookie sent")				\
	X(COOKIE_RECEIVED,	"cookie received")			\
	X(SESSION_ESTABLISHED,	"session established")

#define WEFT_ENUM(name, text) WEFT_TRACE_##name,
enum weft_trace_event {
	WEFT_TRACE_EVENTS(WEFT_ENUM)
};

#undef WEFT_ENUM

#endif /* _WEFT_TRACE_ENUMS */

/* Lets tools that read the format file translate the numbers. */
#define WEFT_DEFINE(name, text) TRACE_DEFINE_ENUM(WEFT_TRACE_##name);
WEFT_TRACE_EVENTS(WEFT_DEFINE)
#undef WEFT_DEFINE

#define WEFT_DEFINE(name, text, total) TRACE_DEFINE_ENUM(WEFT_DROP_##name);
WEFT_DROP_REASONS(WEFT_DEFINE)
#undef WEFT_DEFINE

#define weft_trace_event_symbol(name, text) { WEFT_TRACE_##name, text },
#define weft_trace_drop_symbol(name, text, total) { WEFT_DROP_##name, text },

TRACE_EVENT(weft_handshake,
	    TP_PROTO(const struct net_device *dev, u64 peer,
		     enum weft_trace_event event),
	    TP_ARGS(dev, peer, event),
	    TP_STRUCT__entry(__array(char, dev, IFNAMSIZ)
			     __field(u64, peer)
			     __field(unsigned int, event)),
	    TP_fast_assign(memcpy(__entry->dev, dev->name, IFNAMSIZ);
			   __entry->peer = peer;
			   __entry->event = event;),
	    TP_printk("dev=%s peer=%llu event=\"%s\"",
		      __entry->dev, __entry->peer,
		      __print_symbolic(__entry->event,
				       WEFT_TRACE_EVENTS(weft_trace_event_symbol)
				       { -1, NULL }))
);

TRACE_EVENT(weft_drop,
	    TP_PROTO(const struct net_device *dev, enum weft_drop reason,
		     unsigned int packets),
	    TP_ARGS(dev, reason, packets),
	    TP_STRUCT__entry(__array(char, dev, IFNAMSIZ)
			     __field(unsigned int, reason)
			     __field(unsigned int, packets)),
	    TP_fast_assign(memcpy(__entry->dev, dev->name, IFNAMSIZ);
			   __entry->reason = reason;
			   __entry->packets = packets;),
	    TP_printk("dev=%s reason=%s packets=%u",
		      __entry->dev,
		      __print_symbolic(__entry->reason,
				       WEFT_DROP_REASONS(weft_trace_drop_symbol)
				       { -1, NULL }),
		      __entry->packets)
);

#endif /* _WEFT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
