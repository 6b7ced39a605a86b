// SPDX-License-Identifier: GPL-2.0
/*
 * Counters
 *
 * Software counters are per ring, live in the pair and survive the rings; the
 * interface's statistics are their sum and cost no register access. The
 * device's own counters clear on read: one reader at a time adds them to 64
 * bits, from the link work and when ethtool asks.
 *
 * Locking: stats_lock serialises readers of the device. Software counters are
 * written by the owner of their ring and read under u64_stats_sync.
 */
#include <net/netdev_queues.h>

#include "igb_percore.h"

/**
 * struct igbp_hw_stat_desc - a counter of the device
 * @name: as ethtool -S shows it
 * @low: register
 * @high: register with the upper half, or 0; read second
 */
struct igbp_hw_stat_desc {
	char name[ETH_GSTRING_LEN];
	u16 low;
	u16 high;
};

static const struct igbp_hw_stat_desc igbp_hw_stat_regs[IGBP_HW_STATS] = {
	[IGBP_HW_CRCERRS]  = { "rx_crc_errors", IGBP_CRCERRS },
	[IGBP_HW_ALGNERRC] = { "rx_align_errors", IGBP_ALGNERRC },
	[IGBP_HW_SYMERRS]  = { "rx_symbol_errors", IGBP_SYMERRS },
	[IGBP_HW_RXERRC]   = { "rx_errors_phy", IGBP_RXERRC },
	[IGBP_HW_MPC]      = { "rx_missed", IGBP_MPC },
	[IGBP_HW_SCC]      = { "tx_single_collisions", IGBP_SCC },
	[IGBP_HW_ECOL]     = { "tx_excessive_collisions", IGBP_ECOL },
	[IGBP_HW_MCC]      = { "tx_multiple_collisions", IGBP_MCC },
	[IGBP_HW_LATECOL]  = { "tx_late_collisions", IGBP_LATECOL },
	[IGBP_HW_COLC]     = { "tx_collisions", IGBP_COLC },
	[IGBP_HW_DC]       = { "tx_deferred", IGBP_DC },
	[IGBP_HW_RLEC]     = { "rx_length_errors", IGBP_RLEC },
	[IGBP_HW_XONRXC]   = { "rx_xon", IGBP_XONRXC },
	[IGBP_HW_XONTXC]   = { "tx_xon", IGBP_XONTXC },
	[IGBP_HW_XOFFRXC]  = { "rx_xoff", IGBP_XOFFRXC },
	[IGBP_HW_XOFFTXC]  = { "tx_xoff", IGBP_XOFFTXC },
	[IGBP_HW_FCRUC]    = { "rx_flow_control_unknown", IGBP_FCRUC },
	[IGBP_HW_PRC64]    = { "rx_64_bytes", IGBP_PRC64 },
	[IGBP_HW_PRC127]   = { "rx_65_127_bytes", IGBP_PRC127 },
	[IGBP_HW_PRC255]   = { "rx_128_255_bytes", IGBP_PRC255 },
	[IGBP_HW_PRC511]   = { "rx_256_511_bytes", IGBP_PRC511 },
	[IGBP_HW_PRC1023]  = { "rx_512_1023_bytes", IGBP_PRC1023 },
	[IGBP_HW_PRC1522]  = { "rx_1024_max_bytes", IGBP_PRC1522 },
	[IGBP_HW_GPRC]     = { "rx_good_packets", IGBP_GPRC },
	[IGBP_HW_BPRC]     = { "rx_broadcast", IGBP_BPRC },
	[IGBP_HW_MPRC]     = { "rx_multicast", IGBP_MPRC },
	[IGBP_HW_GPTC]     = { "tx_good_packets", IGBP_GPTC },
	[IGBP_HW_GORC]     = { "rx_good_bytes", IGBP_GORCL, IGBP_GORCH },
	[IGBP_HW_GOTC]     = { "tx_good_bytes", IGBP_GOTCL, IGBP_GOTCH },
	[IGBP_HW_RNBC]     = { "rx_no_buffer", IGBP_RNBC },
	[IGBP_HW_RUC]      = { "rx_undersize", IGBP_RUC },
	[IGBP_HW_RFC]      = { "rx_fragments", IGBP_RFC },
	[IGBP_HW_ROC]      = { "rx_oversize", IGBP_ROC },
	[IGBP_HW_RJC]      = { "rx_jabber", IGBP_RJC },
	[IGBP_HW_TPR]      = { "rx_total_packets", IGBP_TPR },
	[IGBP_HW_TPT]      = { "tx_total_packets", IGBP_TPT },
	[IGBP_HW_PTC64]    = { "tx_64_bytes", IGBP_PTC64 },
	[IGBP_HW_PTC127]   = { "tx_65_127_bytes", IGBP_PTC127 },
	[IGBP_HW_PTC255]   = { "tx_128_255_bytes", IGBP_PTC255 },
	[IGBP_HW_PTC511]   = { "tx_256_511_bytes", IGBP_PTC511 },
	[IGBP_HW_PTC1023]  = { "tx_512_1023_bytes", IGBP_PTC1023 },
	[IGBP_HW_PTC1522]  = { "tx_1024_max_bytes", IGBP_PTC1522 },
	[IGBP_HW_MPTC]     = { "tx_multicast", IGBP_MPTC },
	[IGBP_HW_BPTC]     = { "tx_broadcast", IGBP_BPTC },
	[IGBP_HW_TSCTC]    = { "tx_tso", IGBP_TSCTC },
};

/* Counters of a pair beyond those that `ip -s link` shows; the order is that
 * of igbp_stats_pair_get().
 */
static const char igbp_pair_stat_names[][ETH_GSTRING_LEN] = {
	"rx_packets", "rx_bytes", "rx_csum_errors", "rx_errors",
	"rx_alloc_fail", "rx_polls", "rx_split",
	"rx_xdp_drop", "rx_xdp_tx", "rx_xdp_redirect", "rx_xdp_errors",
	"rx_xsk_starved",
	"tx_packets", "tx_bytes", "tx_csum", "tx_tso", "tx_stops",
	"tx_dropped", "tx_doorbells", "tx_timeouts", "tx_xdp",
	"tx_xdp_dropped", "tx_xsk", "irq_masks", "restarts",
};

/* Counters of the port; the order is that of igbp_stats_port_get() */
static const char igbp_port_stat_names[][ETH_GSTRING_LEN] = {
	"resets", "rx_overruns", "tx_hwtstamp_skipped", "tx_hwtstamp_timeouts",
	"rx_hwtstamp_cleared",
};

#define IGBP_PORT_STATS		ARRAY_SIZE(igbp_port_stat_names)
#define IGBP_PAIR_STATS		ARRAY_SIZE(igbp_pair_stat_names)
#define IGBP_RX_STATS		(sizeof(struct igbp_rx_stats) / sizeof(u64))
#define IGBP_TX_STATS		(sizeof(struct igbp_tx_stats) / sizeof(u64))

/* Read @count counters that stand one after the other, consistently */
static void igbp_stats_snapshot(const struct u64_stats_sync *syncp,
				const u64_stats_t *from, u64 *to,
				unsigned int count)
{
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(syncp);
		for (i = 0; i < count; i++)
			to[i] = u64_stats_read(&from[i]);
	} while (u64_stats_fetch_retry(syncp, start));
}

static void igbp_stats_rx_get(struct igbp_pair *pair, u64 *to)
{
	igbp_stats_snapshot(&pair->rx.syncp, &pair->rx.stats.packets, to,
			    IGBP_RX_STATS);
}

static void igbp_stats_ring_get(struct igbp_tx_ring *ring, u64 *to)
{
	igbp_stats_snapshot(&ring->syncp, &ring->stats.packets, to,
			    IGBP_TX_STATS);
}

/* Of both transmit rings of a pair */
static void igbp_stats_tx_get(struct igbp_pair *pair, u64 *to)
{
	u64 xdp[IGBP_TX_STATS];
	unsigned int i;

	igbp_stats_ring_get(&pair->tx, to);
	igbp_stats_ring_get(&pair->xdp_tx, xdp);
	for (i = 0; i < IGBP_TX_STATS; i++)
		to[i] += xdp[i];
}

static u64 igbp_stats_hw_get(struct igbp_port *port, enum igbp_hw_stat i)
{
	u64 val;

	igbp_stats_snapshot(&port->hw_syncp, &port->hw_stats[i], &val, 1);
	return val;
}

/**
 * igbp_stats_harvest - add what the device has counted since the last time
 * @port: port
 *
 * Context: process, may sleep.
 */
void igbp_stats_harvest(struct igbp_port *port)
{
	unsigned int i;

	if (igbp_port_is_absent(port))
		return;
	mutex_lock(&port->stats_lock);
	for (i = 0; i < IGBP_HW_STATS; i++) {
		const struct igbp_hw_stat_desc *desc = &igbp_hw_stat_regs[i];
		u64 val = igbp_rd32(port, desc->low);

		if (desc->high)
			val |= (u64)igbp_rd32(port, desc->high) << 32;
		if (!val || igbp_port_is_absent(port))
			continue;
		preempt_disable();
		u64_stats_update_begin(&port->hw_syncp);
		u64_stats_add(&port->hw_stats[i], val);
		u64_stats_update_end(&port->hw_syncp);
		preempt_enable();
	}
	mutex_unlock(&port->stats_lock);
	igbp_sriov_harvest(port);
}

/**
 * igbp_stats_get64 - ndo_get_stats64
 * @netdev: interface
 * @stats: filled in
 *
 * Context: any that may read memory; RCU or RTNL.
 */
void igbp_stats_get64(struct net_device *netdev,
		      struct rtnl_link_stats64 *stats)
{
	struct igbp_port *port = netdev_priv(netdev);
	u64 crc, length, align;
	unsigned int i;

	for (i = 0; i < port->max_pairs; i++) {
		u64 rx[IGBP_RX_STATS], tx[IGBP_TX_STATS];

		/* In the order of the structures' fields */
		igbp_stats_rx_get(port->pair[i], rx);
		stats->rx_packets += rx[0];
		stats->rx_bytes += rx[1];
		stats->rx_errors += rx[3];
		stats->rx_dropped += rx[4];
		igbp_stats_tx_get(port->pair[i], tx);
		stats->tx_packets += tx[0];
		stats->tx_bytes += tx[1];
		stats->tx_dropped += tx[5] + tx[9];
	}

	crc = igbp_stats_hw_get(port, IGBP_HW_CRCERRS);
	align = igbp_stats_hw_get(port, IGBP_HW_ALGNERRC);
	length = igbp_stats_hw_get(port, IGBP_HW_RUC) +
		 igbp_stats_hw_get(port, IGBP_HW_ROC);
	stats->rx_crc_errors = crc;
	stats->rx_frame_errors = align;
	stats->rx_length_errors = length;
	stats->rx_missed_errors = igbp_stats_hw_get(port, IGBP_HW_MPC);
	stats->rx_errors += crc + align + length;
	stats->rx_over_errors = READ_ONCE(port->rx_overruns);
	stats->multicast = igbp_stats_hw_get(port, IGBP_HW_MPRC);
	stats->collisions = igbp_stats_hw_get(port, IGBP_HW_COLC);
	stats->tx_aborted_errors = igbp_stats_hw_get(port, IGBP_HW_ECOL);
	stats->tx_window_errors = igbp_stats_hw_get(port, IGBP_HW_LATECOL);
	stats->tx_errors = stats->tx_aborted_errors + stats->tx_window_errors;
}

/**
 * igbp_stats_count - number of lines of ethtool -S
 * @netdev: interface
 *
 * All pairs are listed, in use or not, so that the number does not change.
 *
 * Context: process, RTNL.
 * Return: the number.
 */
int igbp_stats_count(struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);

	return IGBP_HW_STATS + IGBP_PORT_STATS +
	       port->max_pairs * IGBP_PAIR_STATS;
}

/**
 * igbp_stats_strings - names of the lines of ethtool -S
 * @netdev: interface
 * @data: filled in
 *
 * Context: process, RTNL.
 */
void igbp_stats_strings(struct net_device *netdev, u8 *data)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i, k;

	for (i = 0; i < IGBP_HW_STATS; i++)
		ethtool_puts(&data, igbp_hw_stat_regs[i].name);
	for (i = 0; i < IGBP_PORT_STATS; i++)
		ethtool_puts(&data, igbp_port_stat_names[i]);
	for (i = 0; i < port->max_pairs; i++)
		for (k = 0; k < IGBP_PAIR_STATS; k++)
			ethtool_sprintf(&data, "pair%u_%s", i,
					igbp_pair_stat_names[k]);
}

static void igbp_stats_port_get(struct igbp_port *port, u64 *data)
{
	unsigned long irqflags;

	data[0] = port->resets;
	data[1] = READ_ONCE(port->rx_overruns);
	spin_lock_irqsave(&port->ptp.lock, irqflags);
	data[2] = port->stamp.tx_skipped;
	data[3] = port->stamp.tx_lost;
	data[4] = port->stamp.rx_cleared;
	spin_unlock_irqrestore(&port->ptp.lock, irqflags);
}

/**
 * igbp_stats_get - values of the lines of ethtool -S
 * @netdev: interface
 * @stats: not used
 * @data: filled in
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_stats_get(struct net_device *netdev, struct ethtool_stats *stats,
		    u64 *data)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i;

	BUILD_BUG_ON(IGBP_RX_STATS + IGBP_TX_STATS + 2 != IGBP_PAIR_STATS);

	igbp_stats_harvest(port);
	igbp_stats_snapshot(&port->hw_syncp, port->hw_stats, data,
			    IGBP_HW_STATS);
	data += IGBP_HW_STATS;
	igbp_stats_port_get(port, data);
	data += IGBP_PORT_STATS;
	for (i = 0; i < port->max_pairs; i++) {
		igbp_stats_rx_get(port->pair[i], data);
		igbp_stats_tx_get(port->pair[i], data + IGBP_RX_STATS);
		data += IGBP_PAIR_STATS;
		data[-2] = READ_ONCE(port->pair[i]->masks);
		data[-1] = port->pair[i]->restarts;
	}
}

/**
 * igbp_stats_pause_get - pause frames, ethtool -I -a
 * @netdev: interface
 * @stats: filled in
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_stats_pause_get(struct net_device *netdev,
			  struct ethtool_pause_stats *stats)
{
	struct igbp_port *port = netdev_priv(netdev);

	igbp_stats_harvest(port);
	stats->tx_pause_frames = igbp_stats_hw_get(port, IGBP_HW_XOFFTXC) +
				 igbp_stats_hw_get(port, IGBP_HW_XONTXC);
	stats->rx_pause_frames = igbp_stats_hw_get(port, IGBP_HW_XOFFRXC) +
				 igbp_stats_hw_get(port, IGBP_HW_XONRXC);
}

/**
 * igbp_stats_mac_get - counters of IEEE 802.3 30.3.1, ethtool -S groups
 * @netdev: interface
 * @stats: filled in, as far as the device counts
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_stats_mac_get(struct net_device *netdev,
			struct ethtool_eth_mac_stats *stats)
{
	struct igbp_port *port = netdev_priv(netdev);

	igbp_stats_harvest(port);
	stats->FramesTransmittedOK = igbp_stats_hw_get(port, IGBP_HW_GPTC);
	stats->SingleCollisionFrames = igbp_stats_hw_get(port, IGBP_HW_SCC);
	stats->MultipleCollisionFrames = igbp_stats_hw_get(port, IGBP_HW_MCC);
	stats->FramesReceivedOK = igbp_stats_hw_get(port, IGBP_HW_GPRC);
	stats->FrameCheckSequenceErrors =
		igbp_stats_hw_get(port, IGBP_HW_CRCERRS);
	stats->AlignmentErrors = igbp_stats_hw_get(port, IGBP_HW_ALGNERRC);
	stats->OctetsTransmittedOK = igbp_stats_hw_get(port, IGBP_HW_GOTC);
	stats->FramesWithDeferredXmissions =
		igbp_stats_hw_get(port, IGBP_HW_DC);
	stats->LateCollisions = igbp_stats_hw_get(port, IGBP_HW_LATECOL);
	stats->FramesAbortedDueToXSColls =
		igbp_stats_hw_get(port, IGBP_HW_ECOL);
	stats->OctetsReceivedOK = igbp_stats_hw_get(port, IGBP_HW_GORC);
	stats->MulticastFramesXmittedOK =
		igbp_stats_hw_get(port, IGBP_HW_MPTC);
	stats->BroadcastFramesXmittedOK =
		igbp_stats_hw_get(port, IGBP_HW_BPTC);
	stats->MulticastFramesReceivedOK =
		igbp_stats_hw_get(port, IGBP_HW_MPRC);
	stats->BroadcastFramesReceivedOK =
		igbp_stats_hw_get(port, IGBP_HW_BPRC);
	stats->InRangeLengthErrors = igbp_stats_hw_get(port, IGBP_HW_RLEC);
	stats->FrameTooLongErrors = igbp_stats_hw_get(port, IGBP_HW_ROC);
}

/**
 * igbp_stats_phy_get - counters of IEEE 802.3 30.3.2
 * @netdev: interface
 * @stats: filled in
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_stats_phy_get(struct net_device *netdev,
			struct ethtool_eth_phy_stats *stats)
{
	struct igbp_port *port = netdev_priv(netdev);

	igbp_stats_harvest(port);
	stats->SymbolErrorDuringCarrier =
		igbp_stats_hw_get(port, IGBP_HW_SYMERRS);
}

/**
 * igbp_stats_ctrl_get - counters of IEEE 802.3 30.3.3
 * @netdev: interface
 * @stats: filled in
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_stats_ctrl_get(struct net_device *netdev,
			 struct ethtool_eth_ctrl_stats *stats)
{
	struct igbp_port *port = netdev_priv(netdev);
	u64 unknown;

	igbp_stats_harvest(port);
	unknown = igbp_stats_hw_get(port, IGBP_HW_FCRUC);
	stats->MACControlFramesTransmitted =
		igbp_stats_hw_get(port, IGBP_HW_XONTXC) +
		igbp_stats_hw_get(port, IGBP_HW_XOFFTXC);
	stats->MACControlFramesReceived =
		igbp_stats_hw_get(port, IGBP_HW_XONRXC) +
		igbp_stats_hw_get(port, IGBP_HW_XOFFRXC) + unknown;
	stats->UnsupportedOpcodesReceived = unknown;
}

static const struct ethtool_rmon_hist_range igbp_stats_ranges[] = {
	{ 64, 64 }, { 65, 127 }, { 128, 255 }, { 256, 511 }, { 512, 1023 },
	{ 1024, IGBP_MTU_MAX + IGBP_FRAME_EXTRA }, {}
};

/**
 * igbp_stats_rmon_get - counters of RFC 2819
 * @netdev: interface
 * @stats: filled in
 * @ranges: lengths that the histograms count, filled in
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_stats_rmon_get(struct net_device *netdev,
			 struct ethtool_rmon_stats *stats,
			 const struct ethtool_rmon_hist_range **ranges)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i;

	igbp_stats_harvest(port);
	stats->undersize_pkts = igbp_stats_hw_get(port, IGBP_HW_RUC);
	stats->oversize_pkts = igbp_stats_hw_get(port, IGBP_HW_ROC);
	stats->fragments = igbp_stats_hw_get(port, IGBP_HW_RFC);
	stats->jabbers = igbp_stats_hw_get(port, IGBP_HW_RJC);
	/* The counters of both directions stand in order of length */
	for (i = 0; igbp_stats_ranges[i].high; i++) {
		stats->hist[i] = igbp_stats_hw_get(port, IGBP_HW_PRC64 + i);
		stats->hist_tx[i] = igbp_stats_hw_get(port, IGBP_HW_PTC64 + i);
	}
	*ranges = igbp_stats_ranges;
}

static void igbp_stats_queue_rx(struct net_device *netdev, int queue,
				struct netdev_queue_stats_rx *stats)
{
	struct igbp_port *port = netdev_priv(netdev);
	u64 rx[IGBP_RX_STATS];

	igbp_stats_rx_get(port->pair[queue], rx);
	stats->packets = rx[0];
	stats->bytes = rx[1];
	stats->csum_bad = rx[2];
	stats->alloc_fail = rx[4];
}

static void igbp_stats_ring_fill(struct igbp_tx_ring *ring,
				 struct netdev_queue_stats_tx *stats)
{
	u64 tx[IGBP_TX_STATS];

	igbp_stats_ring_get(ring, tx);
	stats->packets = tx[0];
	stats->bytes = tx[1];
	stats->needs_csum = tx[2];
	stats->hw_gso_packets = tx[3];
	stats->stop = tx[4];
}

static void igbp_stats_queue_tx(struct net_device *netdev, int queue,
				struct netdev_queue_stats_tx *stats)
{
	struct igbp_port *port = netdev_priv(netdev);

	igbp_stats_ring_fill(&port->pair[queue]->tx, stats);
}

static void igbp_stats_base_tx(struct igbp_tx_ring *ring,
			       struct netdev_queue_stats_tx *sum)
{
	struct netdev_queue_stats_tx one;

	igbp_stats_ring_fill(ring, &one);
	sum->packets += one.packets;
	sum->bytes += one.bytes;
	sum->needs_csum += one.needs_csum;
	sum->hw_gso_packets += one.hw_gso_packets;
	sum->stop += one.stop;
}

/* What pairs that are not in use have counted, and XDP's own rings */
static void igbp_stats_base(struct net_device *netdev,
			    struct netdev_queue_stats_rx *rx,
			    struct netdev_queue_stats_tx *tx)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i;

	rx->packets = 0;
	rx->bytes = 0;
	rx->csum_bad = 0;
	rx->alloc_fail = 0;
	tx->packets = 0;
	tx->bytes = 0;
	tx->needs_csum = 0;
	tx->hw_gso_packets = 0;
	tx->stop = 0;
	for (i = 0; i < port->max_pairs; i++)
		igbp_stats_base_tx(&port->pair[i]->xdp_tx, tx);
	for (i = port->pairs; i < port->max_pairs; i++) {
		struct netdev_queue_stats_rx rx_one;

		igbp_stats_base_tx(&port->pair[i]->tx, tx);
		igbp_stats_queue_rx(netdev, i, &rx_one);
		rx->packets += rx_one.packets;
		rx->bytes += rx_one.bytes;
		rx->csum_bad += rx_one.csum_bad;
		rx->alloc_fail += rx_one.alloc_fail;
	}
}

const struct netdev_stat_ops igbp_stat_ops = {
	.get_queue_stats_rx	= igbp_stats_queue_rx,
	.get_queue_stats_tx	= igbp_stats_queue_tx,
	.get_base_stats		= igbp_stats_base,
};
