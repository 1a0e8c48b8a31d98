// SPDX-License-Identifier: GPL-2.0
/*
 * Counters, for `ip -s link`, `ethtool -S` and tracing.
 */

#include "stats.h"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "device.h"
#include "trace.h"

/*
 * Writers are process context and bottom halves of one CPU. Where a counter is
 * wider than a word, none may come between: _irqsave sees to it and costs
 * nothing elsewhere.
 */
static struct weft_stats *stats_begin(struct weft_device *wdev,
				      unsigned long *flags)
{
	struct weft_stats *stats = get_cpu_ptr(wdev->stats);

	*flags = u64_stats_update_begin_irqsave(&stats->sync);
	return stats;
}

static void stats_end(struct weft_stats *stats, unsigned long flags)
{
	u64_stats_update_end_irqrestore(&stats->sync, flags);
	put_cpu_ptr(stats);
}

/**
 * weft_stats_rx() - count what came in
 * @wdev: device
 * @packets: how many
 * @bytes: their length above UDP
 */
void weft_stats_rx(struct weft_device *wdev, unsigned int packets, u64 bytes)
{
	struct weft_stats *stats;
	unsigned long flags;

	stats = stats_begin(wdev, &flags);
	u64_stats_add(&stats->rx_packets, packets);
	u64_stats_add(&stats->rx_bytes, bytes);
	stats_end(stats, flags);
}

/**
 * weft_stats_tx() - count what went out
 * @wdev: device
 * @packets: how many
 * @bytes: their length above UDP
 */
void weft_stats_tx(struct weft_device *wdev, unsigned int packets, u64 bytes)
{
	struct weft_stats *stats;
	unsigned long flags;

	stats = stats_begin(wdev, &flags);
	u64_stats_add(&stats->tx_packets, packets);
	u64_stats_add(&stats->tx_bytes, bytes);
	stats_end(stats, flags);
}

/**
 * weft_stats_count() - count something else
 * @wdev: device
 * @counter: what
 */
void weft_stats_count(struct weft_device *wdev, enum weft_count counter)
{
	struct weft_stats *stats;
	unsigned long flags;

	stats = stats_begin(wdev, &flags);
	u64_stats_inc(&stats->counts[counter]);
	stats_end(stats, flags);
}

/**
 * weft_stats_drop() - count what is dropped, for those who trace too
 * @wdev: device
 * @reason: why
 * @packets: how many
 */
void weft_stats_drop(struct weft_device *wdev, enum weft_drop reason,
		     unsigned int packets)
{
	struct weft_stats *stats;
	unsigned long flags;

	stats = stats_begin(wdev, &flags);
	u64_stats_add(&stats->drops[reason], packets);
	stats_end(stats, flags);

	trace_weft_drop(wdev->dev, reason, packets);
}

/* What a GSO packet would have become. */
static unsigned int packet_count(const struct sk_buff *skb)
{
	return max_t(unsigned int, skb_shinfo(skb)->gso_segs, 1);
}

/**
 * weft_drop() - drop a packet
 * @wdev: device
 * @skb: the packet; freed
 * @reason: why
 */
void weft_drop(struct weft_device *wdev, struct sk_buff *skb,
	       enum weft_drop reason)
{
	weft_stats_drop(wdev, reason, packet_count(skb));
	kfree_skb(skb);
}

/**
 * weft_drop_list() - drop packets
 * @wdev: device
 * @list: the packets, linked by skb->next; freed; or NULL
 * @reason: why
 */
void weft_drop_list(struct weft_device *wdev, struct sk_buff *list,
		    enum weft_drop reason)
{
	unsigned int packets = 0;
	struct sk_buff *skb;

	if (!list)
		return;
	for (skb = list; skb; skb = skb->next)
		packets += packet_count(skb);
	weft_stats_drop(wdev, reason, packets);
	kfree_skb_list(list);
}

/**
 * struct totals - counters of all CPUs
 * @rx_packets: as in struct weft_stats
 * @rx_bytes: likewise
 * @tx_packets: likewise
 * @tx_bytes: likewise
 * @drops: likewise
 * @counts: likewise
 */
struct totals {
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	u64 tx_bytes;
	u64 drops[WEFT_DROP_COUNT];
	u64 counts[WEFT_COUNT_COUNT];
};

static void read_cpu(struct totals *now, const struct weft_stats *stats)
{
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&stats->sync);
		now->rx_packets = u64_stats_read(&stats->rx_packets);
		now->rx_bytes = u64_stats_read(&stats->rx_bytes);
		now->tx_packets = u64_stats_read(&stats->tx_packets);
		now->tx_bytes = u64_stats_read(&stats->tx_bytes);
		for (i = 0; i < WEFT_DROP_COUNT; i++)
			now->drops[i] = u64_stats_read(&stats->drops[i]);
		for (i = 0; i < WEFT_COUNT_COUNT; i++)
			now->counts[i] = u64_stats_read(&stats->counts[i]);
	} while (u64_stats_fetch_retry(&stats->sync, start));
}

static void read_all(struct totals *totals, struct weft_device *wdev)
{
	struct totals now;
	unsigned int i;
	int cpu;

	memset(totals, 0, sizeof(*totals));
	for_each_possible_cpu(cpu) {
		read_cpu(&now, per_cpu_ptr(wdev->stats, cpu));
		totals->rx_packets += now.rx_packets;
		totals->rx_bytes += now.rx_bytes;
		totals->tx_packets += now.tx_packets;
		totals->tx_bytes += now.tx_bytes;
		for (i = 0; i < WEFT_DROP_COUNT; i++)
			totals->drops[i] += now.drops[i];
		for (i = 0; i < WEFT_COUNT_COUNT; i++)
			totals->counts[i] += now.counts[i];
	}
}

/* What WEFT_DROP_REASONS names in its third column. */
enum drop_class {
	TX_ERROR,
	TX_DROPPED,
	RX_ERROR,
	RX_FRAME,
	RX_LENGTH,
	RX_DROPPED,
	DROP_CLASS_COUNT,
};

#define DROP_CLASS(name, text, class) class,
static const u8 drop_classes[] = {
	WEFT_DROP_REASONS(DROP_CLASS)
};

/**
 * weft_stats_read() - ndo_get_stats64
 * @dev: device
 * @stats: result
 */
void weft_stats_read(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	u64 sums[DROP_CLASS_COUNT] = {};
	struct totals totals;
	unsigned int i;

	read_all(&totals, netdev_priv(dev));
	for (i = 0; i < WEFT_DROP_COUNT; i++)
		sums[drop_classes[i]] += totals.drops[i];

	stats->rx_packets = totals.rx_packets;
	stats->rx_bytes = totals.rx_bytes;
	stats->tx_packets = totals.tx_packets;
	stats->tx_bytes = totals.tx_bytes;
	stats->rx_dropped = sums[RX_DROPPED];
	stats->rx_frame_errors = sums[RX_FRAME];
	stats->rx_length_errors = sums[RX_LENGTH];
	/* The total that the more exact ones are part of. */
	stats->rx_errors = sums[RX_ERROR] + sums[RX_FRAME] + sums[RX_LENGTH];
	stats->tx_errors = sums[TX_ERROR];
	stats->tx_dropped = sums[TX_DROPPED];
}

#define COUNTER_STRING(name, text, ...) text,
static const char counter_strings[][ETH_GSTRING_LEN] = {
	WEFT_DROP_REASONS(COUNTER_STRING)
	WEFT_COUNTERS(COUNTER_STRING)
};

static void weft_get_drvinfo(struct net_device *dev,
			     struct ethtool_drvinfo *info)
{
	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->version, THIS_MODULE->version, sizeof(info->version));
}

static int weft_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? ARRAY_SIZE(counter_strings) : -EOPNOTSUPP;
}

static void weft_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		memcpy(data, counter_strings, sizeof(counter_strings));
}

static void weft_get_ethtool_stats(struct net_device *dev,
				   struct ethtool_stats *stats, u64 *data)
{
	struct totals totals;

	BUILD_BUG_ON(ARRAY_SIZE(counter_strings) !=
		     WEFT_DROP_COUNT + WEFT_COUNT_COUNT);

	read_all(&totals, netdev_priv(dev));
	memcpy(data, totals.drops, sizeof(totals.drops));
	memcpy(data + WEFT_DROP_COUNT, totals.counts, sizeof(totals.counts));
}

const struct ethtool_ops weft_ethtool_ops = {
	.get_drvinfo = weft_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_sset_count = weft_get_sset_count,
	.get_strings = weft_get_strings,
	.get_ethtool_stats = weft_get_ethtool_stats,
};
