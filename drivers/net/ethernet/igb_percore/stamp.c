// SPDX-License-Identifier: GPL-2.0
/*
 * Timestamps that the device takes of frames
 *
 * Beside the packet path: what tx.c and rx.c call for a frame that has or wants
 * a timestamp, and the configuration (SIOCSHWTSTAMP). ptp.c knows what time it
 * was.
 *
 * Transmit. The 82576 has one register. A frame that asks for a timestamp takes
 * the register if nobody has it, and holds it until the timestamp is read:
 *
 *            tx.c: claim                       read by the work, or by
 *   free ------------------> a frame's -----------------------------> free
 *                              |                the next who asks
 *                              | the ring has let go of the frame, and no
 *                              '-------- timestamp came ----------> free, lost
 *
 * A frame that finds it taken, and the timestamp not there yet, goes without
 * and is counted as skipped: it neither waits nor holds up those behind it.
 *
 * Whose timestamp it is, is certain: no second frame carries the mark before
 * the register was read. A timestamp counts as lost only some time after the
 * ring has let go of the frame, and while the link is up and the peer asks for
 * no pause, so that none may come late to another frame's name. That the ring
 * has let go is seen by the frame's references: the last one is ours.
 *
 * Receive. The device marks the frame whose timestamp is in the other register,
 * and takes no other until it is read. If it had no buffer for that frame it
 * would wait forever: what nobody fetches is thrown away by the work.
 *
 * Locking: RTNL for the configuration; igbp_ptp.lock for registers and for who
 * holds the register. It is let go of before the stack is told.
 */
#include <linux/net_tstamp.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>

#include "igb_percore.h"

#define IGBP_STAMP_POLLS	50	/* every 10 to 20 us, then slower */
#define IGBP_STAMP_TX_LOST	msecs_to_jiffies(250)
#define IGBP_STAMP_RX_LOST	(2 * HZ)
#define IGBP_STAMP_RX_PERIOD	HZ

/* Whether a timestamp may still come for the frame that holds the register */
static bool igbp_stamp_tx_is_due(struct igbp_port *port)
{
	struct igbp_stamp *stamp = &port->stamp;

	if (skb_shared(stamp->tx_skb) || !netif_carrier_ok(port->netdev) ||
	    igbp_rd32(port, IGBP_STATUS) & IGBP_STATUS_TXOFF)
		stamp->tx_since = jiffies;
	return time_before(jiffies, stamp->tx_since + IGBP_STAMP_TX_LOST);
}

/* Return: whether the register has it; then it is read, and free again */
static bool igbp_stamp_tx_read(struct igbp_port *port, u64 *ns)
{
	u32 low, high;

	if (!(igbp_rd32(port, IGBP_TSYNCTXCTL) & IGBP_TSYNC_VALID))
		return false;
	low = igbp_rd32(port, IGBP_TXSTMPL);
	high = igbp_rd32(port, IGBP_TXSTMPH);
	*ns = igbp_ptp_ns(&port->ptp.time, (u64)high << 32 | low);
	return !igbp_port_is_absent(port);
}

/* See what became of the frame that holds the register; with @give_up it has to
 * part with it. Return: whether the register is free.
 */
static bool igbp_stamp_tx_poll(struct igbp_port *port, bool give_up)
{
	struct skb_shared_hwtstamps stamps = {};
	struct igbp_stamp *stamp = &port->stamp;
	struct sk_buff *skb = NULL;
	unsigned long irqflags;
	bool is_free, got = false;
	u64 ns;

	spin_lock_irqsave(&port->ptp.lock, irqflags);
	if (stamp->tx_skb) {
		got = igbp_stamp_tx_read(port, &ns);
		if (got) {
			stamps.hwtstamp = ns_to_ktime(ns);
			stamp->tx_packets++;
		}
		if (got || give_up || !igbp_stamp_tx_is_due(port)) {
			skb = stamp->tx_skb;
			stamp->tx_skb = NULL;
			stamp->tx_lost += !got;
		}
	}
	is_free = !stamp->tx_skb;
	spin_unlock_irqrestore(&port->ptp.lock, irqflags);

	if (!skb)
		return is_free;
	if (got) {
		skb_tstamp_tx(skb, &stamps);
		dev_consume_skb_any(skb);
	} else {
		dev_kfree_skb_any(skb);
	}
	return is_free;
}

/**
 * igbp_stamp_tx_claim - have the device take the timestamp of a frame
 * @port: port
 * @skb: frame that wants one, and that nothing can go wrong with any more
 *
 * Context: __netif_tx_lock held, bottom halves off, with netpoll interrupts
 * off.
 * Return: whether the frame's descriptors are to be marked; then it is kept
 * until the timestamp is there.
 */
bool igbp_stamp_tx_claim(struct igbp_port *port, struct sk_buff *skb)
{
	struct igbp_stamp *stamp = &port->stamp;
	unsigned long irqflags;
	bool claimed;

	if (!READ_ONCE(stamp->tx_on))
		return false;
	/* The timestamp of the frame before may only have to be fetched */
	igbp_stamp_tx_poll(port, false);

	spin_lock_irqsave(&port->ptp.lock, irqflags);
	claimed = !stamp->tx_skb;
	if (claimed) {
		skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
		stamp->tx_skb = skb_get(skb);
		stamp->tx_since = jiffies;
	} else {
		stamp->tx_skipped++;
	}
	spin_unlock_irqrestore(&port->ptp.lock, irqflags);
	if (claimed)
		ptp_schedule_worker(port->ptp.clock, 0);
	return claimed;
}

/**
 * igbp_stamp_tx_flush - the rings are empty: nobody waits any more
 * @port: port whose rings do not run
 *
 * Context: process, RTNL.
 */
void igbp_stamp_tx_flush(struct igbp_port *port)
{
	igbp_stamp_tx_poll(port, true);
}

/**
 * igbp_stamp_rx_read - fetch the timestamp of a frame that is marked
 * @port: port
 *
 * Which read sets the register free is not the same for every device: the
 * 82576 is known to by that of RXSTMPH, a model of it does by that of RXSATRH.
 *
 * Context: softirq of the NAPI that received the frame.
 * Return: the timestamp, or 0 if it is not there any more.
 */
ktime_t igbp_stamp_rx_read(struct igbp_port *port)
{
	struct igbp_ptp *ptp = &port->ptp;
	unsigned long irqflags;
	ktime_t stamp = 0;
	u32 low, high;

	spin_lock_irqsave(&ptp->lock, irqflags);
	if (igbp_rd32(port, IGBP_TSYNCRXCTL) & IGBP_TSYNC_VALID) {
		low = igbp_rd32(port, IGBP_RXSTMPL);
		high = igbp_rd32(port, IGBP_RXSTMPH);
		igbp_rd32(port, IGBP_RXSATRH);
		if (!igbp_port_is_absent(port))
			stamp = igbp_ptp_ns(&ptp->time, (u64)high << 32 | low);
	}
	port->stamp.rx_since = jiffies;
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return stamp;
}

/**
 * igbp_stamp_rx_skb - give a frame that is marked its timestamp
 * @pair: pair that received it
 * @skb: frame
 *
 * In a ring for XDP it was fetched before the program ran.
 *
 * Context: softirq of the NAPI that received the frame.
 */
void igbp_stamp_rx_skb(struct igbp_pair *pair, struct sk_buff *skb)
{
	skb_hwtstamps(skb)->hwtstamp = pair->rx.kind >= IGBP_RX_XDP ?
				       pair->rx.xdp.buff.stamp :
				       igbp_stamp_rx_read(pair->port);
}

/* Throw away what nobody has fetched */
static void igbp_stamp_rx_check(struct igbp_port *port)
{
	struct igbp_stamp *stamp = &port->stamp;
	unsigned long irqflags;

	spin_lock_irqsave(&port->ptp.lock, irqflags);
	if (!port->ptp.running ||
	    !(igbp_rd32(port, IGBP_TSYNCRXCTL) & IGBP_TSYNC_VALID) ||
	    igbp_port_is_absent(port)) {
		stamp->rx_since = jiffies;
	} else if (time_after(jiffies, stamp->rx_since + IGBP_STAMP_RX_LOST)) {
		igbp_rd32(port, IGBP_RXSTMPH);
		igbp_rd32(port, IGBP_RXSATRH);
		stamp->rx_cleared++;
		stamp->rx_since = jiffies;
	}
	spin_unlock_irqrestore(&port->ptp.lock, irqflags);
}

/**
 * igbp_stamp_work - look after both registers
 * @info: igbp_ptp.info
 *
 * Context: process, the clock's own thread.
 * Return: jiffies until it wants to run again, or -1.
 */
long igbp_stamp_work(struct ptp_clock_info *info)
{
	struct igbp_port *port = container_of(info, struct igbp_port,
					      ptp.info);
	int i;

	for (i = 0; !igbp_stamp_tx_poll(port, false); i++) {
		if (i == IGBP_STAMP_POLLS)
			return netif_carrier_ok(port->netdev) ? 1 : HZ / 4;
		usleep_range(10, 20);
	}
	if (!READ_ONCE(port->stamp.rx_on))
		return -1;
	igbp_stamp_rx_check(port);
	return IGBP_STAMP_RX_PERIOD;
}

/**
 * igbp_stamp_apply - bring the timestamp unit in line with the configuration
 * @port: port, after a reset or a change
 *
 * Transmit is always on: frames without the mark do not notice. The filters
 * that mark frames are written by igbp_steer_apply(), which comes next.
 *
 * Context: process, RTNL or before registration.
 */
void igbp_stamp_apply(struct igbp_port *port)
{
	struct igbp_stamp *stamp = &port->stamp;
	unsigned long irqflags;

	spin_lock_irqsave(&port->ptp.lock, irqflags);
	igbp_wr32(port, IGBP_TSYNCTXCTL, IGBP_TSYNC_EN);
	igbp_wr32(port, IGBP_TSYNCRXCFG, stamp->rx_message);
	igbp_wr32(port, IGBP_TSYNCRXCTL,
		  stamp->rx_on ? IGBP_TSYNC_EN | stamp->rx_type : 0);
	igbp_rd32(port, IGBP_RXSTMPH);
	igbp_rd32(port, IGBP_RXSATRH);
	stamp->rx_since = jiffies;
	spin_unlock_irqrestore(&port->ptp.lock, irqflags);
}

/**
 * igbp_stamp_tx_clear - forget a timestamp of before the rings were stopped
 * @port: port whose rings do not run yet
 *
 * Context: process, RTNL.
 */
void igbp_stamp_tx_clear(struct igbp_port *port)
{
	igbp_rd32(port, IGBP_TXSTMPH);
}

/* Whether the device can mark frames by their ports */
static bool igbp_stamp_has_udp(const struct igbp_port *port)
{
	return port->flow.queues[IGBP_FLOW_TUPLE];
}

/* What the device makes of a filter; @want becomes what it answers. All event
 * messages of version 2 are stamped whichever is asked for; rx_message is for a
 * model of the device that stamps one kind alone.
 * Return: 0, or -ERANGE for one that it does not have.
 */
static int igbp_stamp_filter_choose(const struct igbp_port *port, int *want,
				    struct igbp_stamp *stamp,
				    struct netlink_ext_ack *extack)
{
	bool udp = igbp_stamp_has_udp(port);
	int asked = *want;

	stamp->rx_on = true;
	stamp->rx_type = IGBP_TSYNCRXCTL_EVENT_V2;
	stamp->rx_message = 0;
	stamp->rx_udp = udp;
	stamp->rx_ether = true;
	switch (asked) {
	case HWTSTAMP_FILTER_NONE:
		stamp->rx_on = false;
		stamp->rx_udp = false;
		stamp->rx_ether = false;
		return 0;
	case HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ:
		stamp->rx_message = IGBP_TSYNCRXCFG_V1_DELAY_REQ;
		fallthrough;
	case HWTSTAMP_FILTER_PTP_V1_L4_SYNC:
		stamp->rx_type = IGBP_TSYNCRXCTL_L4_V1;
		stamp->rx_ether = false;
		break;
	case HWTSTAMP_FILTER_PTP_V2_DELAY_REQ:
	case HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ:
	case HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ:
		stamp->rx_message = IGBP_TSYNCRXCFG_V2_DELAY_REQ;
		fallthrough;
	case HWTSTAMP_FILTER_PTP_V2_EVENT:
	case HWTSTAMP_FILTER_PTP_V2_SYNC:
	case HWTSTAMP_FILTER_PTP_V2_L4_EVENT:
	case HWTSTAMP_FILTER_PTP_V2_L4_SYNC:
	case HWTSTAMP_FILTER_PTP_V2_L2_EVENT:
	case HWTSTAMP_FILTER_PTP_V2_L2_SYNC:
		*want = udp ? HWTSTAMP_FILTER_PTP_V2_EVENT :
			      HWTSTAMP_FILTER_PTP_V2_L2_EVENT;
		break;
	default:
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "rx filter %d: only PTP events get timestamps",
				       asked);
		return -ERANGE;
	}
	if (udp || (asked >= HWTSTAMP_FILTER_PTP_V2_L2_EVENT &&
		    asked <= HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ))
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack,
			       "rx filter %d: the device has none for UDP",
			       asked);
	return -ERANGE;
}

/**
 * igbp_stamp_set - ndo_hwtstamp_set: which frames get timestamps
 * @netdev: interface
 * @config: what is wanted; the receive filter becomes what the device does
 * @extack: says what was refused
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, -EOPNOTSUPP without a clock, -ERANGE for what the device cannot
 * do, or an error of igbp_life_get().
 */
int igbp_stamp_set(struct net_device *netdev,
		   struct kernel_hwtstamp_config *config,
		   struct netlink_ext_ack *extack)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_stamp *stamp = &port->stamp;
	struct igbp_stamp wanted = {};
	int err, filter = config->rx_filter;

	if (!port->ptp.clock) {
		NL_SET_ERR_MSG_MOD(extack, "there is no PTP clock");
		return -EOPNOTSUPP;
	}
	if (config->tx_type != HWTSTAMP_TX_OFF &&
	    config->tx_type != HWTSTAMP_TX_ON) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "tx type %d: only off and on",
				       config->tx_type);
		return -ERANGE;
	}
	err = igbp_stamp_filter_choose(port, &filter, &wanted, extack);
	if (!err)
		err = igbp_life_get(port);
	if (err)
		return err;

	config->rx_filter = filter;
	stamp->rx_filter = filter;
	stamp->rx_type = wanted.rx_type;
	stamp->rx_message = wanted.rx_message;
	stamp->rx_udp = wanted.rx_udp;
	stamp->rx_ether = wanted.rx_ether;
	WRITE_ONCE(stamp->rx_on, wanted.rx_on);
	WRITE_ONCE(stamp->tx_on, config->tx_type == HWTSTAMP_TX_ON);
	igbp_stamp_apply(port);
	igbp_steer_apply(port);
	ptp_schedule_worker(port->ptp.clock, 0);
	igbp_life_put(port);
	return 0;
}

/**
 * igbp_stamp_get - ndo_hwtstamp_get: which frames get timestamps
 * @netdev: interface
 * @config: filled in
 *
 * Context: process, RTNL.
 * Return: 0, or -EOPNOTSUPP without a clock.
 */
int igbp_stamp_get(struct net_device *netdev,
		   struct kernel_hwtstamp_config *config)
{
	struct igbp_port *port = netdev_priv(netdev);

	if (!port->ptp.clock)
		return -EOPNOTSUPP;
	config->tx_type = port->stamp.tx_on ? HWTSTAMP_TX_ON : HWTSTAMP_TX_OFF;
	config->rx_filter = port->stamp.rx_filter;
	return 0;
}

/**
 * igbp_stamp_info_get - ethtool -T
 * @netdev: interface
 * @info: filled in
 *
 * Context: process, RTNL.
 * Return: 0.
 */
int igbp_stamp_info_get(struct net_device *netdev,
			struct kernel_ethtool_ts_info *info)
{
	struct igbp_port *port = netdev_priv(netdev);

	info->so_timestamping = SOF_TIMESTAMPING_TX_SOFTWARE |
				SOF_TIMESTAMPING_RX_SOFTWARE |
				SOF_TIMESTAMPING_SOFTWARE;
	if (!port->ptp.clock)
		return 0;
	info->so_timestamping |= SOF_TIMESTAMPING_TX_HARDWARE |
				 SOF_TIMESTAMPING_RX_HARDWARE |
				 SOF_TIMESTAMPING_RAW_HARDWARE;
	info->phc_index = ptp_clock_index(port->ptp.clock);
	info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
	info->rx_filters = BIT(HWTSTAMP_FILTER_NONE);
	if (igbp_stamp_has_udp(port))
		info->rx_filters |= BIT(HWTSTAMP_FILTER_PTP_V1_L4_SYNC) |
				    BIT(HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ) |
				    BIT(HWTSTAMP_FILTER_PTP_V2_EVENT);
	else
		info->rx_filters |= BIT(HWTSTAMP_FILTER_PTP_V2_L2_EVENT);
	return 0;
}

/**
 * igbp_stamp_stats_get - ethtool -I -T
 * @netdev: interface
 * @stats: filled in
 *
 * Context: process, RTNL.
 */
void igbp_stamp_stats_get(struct net_device *netdev,
			  struct ethtool_ts_stats *stats)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned long irqflags;

	spin_lock_irqsave(&port->ptp.lock, irqflags);
	stats->pkts = port->stamp.tx_packets;
	stats->lost = port->stamp.tx_lost;
	stats->err = port->stamp.tx_skipped;
	spin_unlock_irqrestore(&port->ptp.lock, irqflags);
}
