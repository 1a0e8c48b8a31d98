/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _WEFT_STATS_H
#define _WEFT_STATS_H

#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>

struct weft_device;

/*
 * Why a packet was dropped: name of the counter, and which of the device's
 * standard counters it adds to.
 */
#define WEFT_DROP_REASONS(X)						\
	X(TX_NO_PEER,		"tx_drop_no_peer",	TX_ERROR)	\
	X(TX_NO_ENDPOINT,	"tx_drop_no_endpoint",	TX_ERROR)	\
	X(TX_NOT_IP,		"tx_drop_not_ip",	TX_ERROR)	\
	X(TX_TOO_BIG,		"tx_drop_too_big",	TX_ERROR)	\
	X(TX_LOOP,		"tx_drop_loop",		TX_ERROR)	\
	X(TX_NO_ROUTE,		"tx_drop_no_route",	TX_ERROR)	\
	X(TX_NO_SOCKET,		"tx_drop_no_socket",	TX_ERROR)	\
	X(TX_HELD_FULL,		"tx_drop_held_full",	TX_DROPPED)	\
	X(TX_STAGED_FULL,	"tx_drop_staged_full",	TX_DROPPED)	\
	X(TX_QUEUE_FULL,	"tx_drop_queue_full",	TX_DROPPED)	\
	X(TX_NO_MEMORY,		"tx_drop_no_memory",	TX_DROPPED)	\
	X(TX_SEAL,		"tx_drop_seal",		TX_DROPPED)	\
	X(TX_NO_SESSION,	"tx_drop_no_session",	TX_DROPPED)	\
	X(RX_MALFORMED,		"rx_drop_malformed",	RX_ERROR)	\
	X(RX_NO_SESSION,	"rx_drop_no_session",	RX_DROPPED)	\
	X(RX_AUTH,		"rx_drop_auth",		RX_ERROR)	\
	X(RX_REPLAY,		"rx_drop_replay",	RX_DROPPED)	\
	X(RX_NOT_IP,		"rx_drop_not_ip",	RX_FRAME)	\
	X(RX_NOT_ALLOWED,	"rx_drop_not_allowed",	RX_ERROR)	\
	X(RX_CONTROL_MALFORMED,	"rx_drop_control_malformed", RX_ERROR)	\
	X(RX_CONTROL_UNKNOWN,	"rx_drop_control_unknown", RX_DROPPED)	\
	X(RX_LENGTH,		"rx_drop_length",	RX_LENGTH)	\
	X(RX_ECN,		"rx_drop_ecn",		RX_FRAME)	\
	X(RX_QUEUE_FULL,	"rx_drop_queue_full",	RX_DROPPED)	\
	X(RX_NO_MEMORY,		"rx_drop_no_memory",	RX_DROPPED)	\
	X(RX_NOT_SEEDED,	"rx_drop_not_seeded",	RX_DROPPED)	\
	X(RX_HANDSHAKE_QUEUE_FULL, "rx_drop_handshake_queue_full", RX_DROPPED) \
	X(RX_HANDSHAKE_MAC,	"rx_drop_handshake_mac", RX_DROPPED)	\
	X(RX_HANDSHAKE_RATE,	"rx_drop_handshake_rate", RX_DROPPED)	\
	X(RX_HANDSHAKE_INVALID,	"rx_drop_handshake_invalid", RX_DROPPED)

/*
 * What else is counted per device.
 */
#define WEFT_COUNTERS(X)						\
	X(TX_INITIATIONS,	"tx_handshake_initiations")		\
	X(TX_RESPONSES,		"tx_handshake_responses")		\
	X(TX_COOKIES,		"tx_handshake_cookies")			\
	X(TX_KEEPALIVES,	"tx_keepalives")			\
	X(TX_HELLOS,		"tx_hellos")				\
	X(RX_INITIATIONS,	"rx_handshake_initiations")		\
	X(RX_RESPONSES,		"rx_handshake_responses")		\
	X(RX_COOKIES,		"rx_handshake_cookies")			\
	X(RX_KEEPALIVES,	"rx_keepalives")			\
	X(RX_HELLOS,		"rx_hellos")				\
	X(CRYPT_INLINE,		"crypt_inline_batches")			\
	X(CRYPT_WORKER,		"crypt_worker_batches")			\
	X(UPCALL_DESTINATIONS,	"upcall_unknown_destination")		\
	X(UPCALL_PEERS,		"upcall_unknown_peer")			\
	X(UPCALL_SUPPRESSED,	"upcall_suppressed")			\
	X(UPCALL_PACKETS_HELD,	"upcall_packets_held")			\
	X(UPCALL_PACKETS_FLUSHED, "upcall_packets_flushed")		\
	X(UPCALL_PACKETS_TIMED_OUT, "upcall_packets_timed_out")		\
	X(UPCALL_INITIATIONS_HELD, "upcall_initiations_held")		\
	X(UPCALL_INITIATIONS_FLUSHED, "upcall_initiations_flushed")	\
	X(UPCALL_INITIATIONS_TIMED_OUT, "upcall_initiations_timed_out")

#define WEFT_ENUM(name, ...) WEFT_DROP_##name,
enum weft_drop {
	WEFT_DROP_REASONS(WEFT_ENUM)
	WEFT_DROP_COUNT,
};

#undef WEFT_ENUM

#define WEFT_ENUM(name, ...) WEFT_COUNT_##name,
enum weft_count {
	WEFT_COUNTERS(WEFT_ENUM)
	WEFT_COUNT_COUNT,
};

#undef WEFT_ENUM

/**
 * struct weft_stats - counters of one CPU
 * @sync: for readers on 32-bit machines
 * @rx_packets: packets handed to the stack, and handshake messages
 * @rx_bytes: their bytes on the wire above UDP
 * @tx_packets: packets and handshake messages sent
 * @tx_bytes: their bytes on the wire above UDP
 * @drops: packets dropped, by reason
 * @counts: what else is counted
 */
struct weft_stats {
	struct u64_stats_sync sync;
	u64_stats_t rx_packets;
	u64_stats_t rx_bytes;
	u64_stats_t tx_packets;
	u64_stats_t tx_bytes;
	u64_stats_t drops[WEFT_DROP_COUNT];
	u64_stats_t counts[WEFT_COUNT_COUNT];
};

void weft_stats_rx(struct weft_device *wdev, unsigned int packets, u64 bytes);
void weft_stats_tx(struct weft_device *wdev, unsigned int packets, u64 bytes);
void weft_stats_count(struct weft_device *wdev, enum weft_count counter);
void weft_stats_drop(struct weft_device *wdev, enum weft_drop reason,
		     unsigned int packets);
void weft_drop(struct weft_device *wdev, struct sk_buff *skb,
	       enum weft_drop reason);
void weft_drop_list(struct weft_device *wdev, struct sk_buff *list,
		    enum weft_drop reason);
void weft_stats_read(struct net_device *dev, struct rtnl_link_stats64 *stats);

extern const struct ethtool_ops weft_ethtool_ops;

#endif /* _WEFT_STATS_H */
