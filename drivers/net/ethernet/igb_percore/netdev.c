// SPDX-License-Identifier: GPL-2.0
/*
 * The net_device: open and stop, and what `ip link` sets
 *
 * Slow path between the stack and the stages: it decides when rings (ring.c),
 * interrupts (irq.c), filters (hw_mac.c) and link (hw_phy.c) start and end.
 * A MAC reset happens at probe, for a queue that is stuck again and again, and
 * where life.c needs one, never for a change of configuration.
 *
 * Locking: RTNL, but for ndo_set_rx_mode (netif_addr_lock) and
 * ndo_features_check and ndo_tx_timeout (softirq).
 */
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include "igb_percore.h"

static void igbp_netdev_filter_apply(struct igbp_port *port)
{
	netif_addr_lock_bh(port->netdev);
	igbp_mac_filter_apply(port);
	netif_addr_unlock_bh(port->netdev);
}

static void igbp_netdev_link_setup(struct igbp_port *port)
{
	int err;

	mutex_lock(&port->mdio_lock);
	err = igbp_phy_link_setup(port);
	port->link.speed = SPEED_UNKNOWN;
	mutex_unlock(&port->mdio_lock);
	if (err)
		netdev_err(port->netdev, "PHY does not answer: %d\n", err);
}

/**
 * igbp_netdev_queues_assign - tell the stack which CPU sends on which queue
 * @port: port
 *
 * With fewer pairs than CPUs, CPUs share pairs in turn.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_netdev_queues_assign(struct igbp_port *port)
{
	cpumask_var_t mask;
	unsigned int i;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (i = 0; i < port->pairs; i++) {
		unsigned int cpu, n = 0;

		cpumask_clear(mask);
		for_each_online_cpu(cpu)
			if (n++ % port->pairs == i)
				cpumask_set_cpu(cpu, mask);
		/* When there are pairs enough, a pair has its own CPU */
		if (port->pairs >= num_online_cpus())
			cpumask_copy(mask, cpumask_of(port->pair[i]->cpu));
		netif_set_xps_queue(port->netdev, mask, i);
	}
	free_cpumask_var(mask);
}

static int igbp_netdev_real_queues_set(struct igbp_port *port,
				       unsigned int pairs)
{
	int err = netif_set_real_num_queues(port->netdev, pairs, pairs);

	if (!err)
		igbp_netdev_queues_assign(port);
	return err;
}

static void igbp_netdev_up(struct igbp_port *port)
{
	unsigned int i;

	igbp_stamp_tx_clear(port);
	for (i = 0; i < port->pairs; i++)
		igbp_ring_pair_start(port->pair[i]);
	set_bit(IGBP_PORT_UP, &port->flags);
	igbp_irq_other_enable(port);
	igbp_netdev_filter_apply(port);
	igbp_sriov_up(port);
	igbp_netdev_link_setup(port);
	igbp_link_check_soon(port);
	/* Filters of aRFS that came back may have no flow any more */
	queue_delayed_work(system_power_efficient_wq, &port->steer_work, HZ);
}

/**
 * igbp_netdev_down - stop everything that a running interface does
 * @port: port
 *
 * The stack goes on to believe that it is open.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_netdev_down(struct igbp_port *port)
{
	unsigned int i;

	/* Down already, when a reset has failed, or while it is away */
	if (!test_and_clear_bit(IGBP_PORT_UP, &port->flags))
		return;
	/* A watchdog that looks at a queue is done when we have its lock */
	netif_tx_lock_bh(port->netdev);
	netif_tx_unlock_bh(port->netdev);
	igbp_irq_disable_all(port);
	synchronize_irq(port->other_irq);
	cancel_delayed_work_sync(&port->link_work);
	cancel_delayed_work_sync(&port->steer_work);
	netif_carrier_off(port->netdev);
	igbp_sriov_down(port);

	netif_addr_lock_bh(port->netdev);
	igbp_wr32(port, IGBP_RCTL, 0);
	netif_addr_unlock_bh(port->netdev);
	for (i = 0; i < port->pairs; i++)
		igbp_ring_pair_stop(port->pair[i]);
	igbp_stamp_tx_flush(port);
}

static int igbp_netdev_open(struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);
	int err;

	netif_carrier_off(netdev);

	/* Those that there were could not be had anew */
	if (!port->vectors_max)
		return -ENXIO;
	err = igbp_life_get(port);
	if (err)
		return err;
	err = igbp_irq_request(port);
	if (err)
		goto put;
	err = igbp_ring_pairs_open(port, 0, port->pairs);
	if (err)
		goto free_irq;
	err = igbp_netdev_real_queues_set(port, port->pairs);
	if (err)
		goto close_pairs;
	set_bit(IGBP_PORT_OPEN, &port->flags);
	/* Detached, it had all of them stopped, and attaching it again leaves
	 * them so if it is closed; one that stays stopped looks stuck.
	 */
	netif_tx_start_all_queues(netdev);
	igbp_netdev_up(port);
	igbp_life_put(port);
	return 0;

close_pairs:
	igbp_ring_pairs_close(port, 0, port->pairs);
free_irq:
	igbp_irq_free(port);
put:
	igbp_life_put(port);
	return err;
}

static int igbp_netdev_stop(struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);
	int err;

	igbp_netdev_down(port);
	clear_bit(IGBP_PORT_OPEN, &port->flags);
	igbp_ring_pairs_close(port, 0, port->pairs);
	igbp_irq_free(port);

	/* A device that cannot be had is closed by the restart that it needs */
	err = igbp_life_get(port);
	if (err)
		return 0;
	igbp_stats_harvest(port);
	mutex_lock(&port->mdio_lock);
	igbp_phy_power_down(port);
	mutex_unlock(&port->mdio_lock);
	igbp_life_put(port);
	return 0;
}

/**
 * igbp_netdev_restart - reset the MAC, and have it as it was
 * @port: port, closed or open, running or not
 *
 * The one way back from whatever happened to the device. All that it was told
 * is in memory, also what it was told while it was away.
 *
 * Context: process, may sleep, RTNL; the device in D0.
 * Return: 0, or an error of igbp_mac_reset(); then the interface is detached.
 */
int igbp_netdev_restart(struct igbp_port *port)
{
	int err;

	ASSERT_RTNL();
	igbp_netdev_down(port);
	igbp_stats_harvest(port);
	clear_bit(IGBP_PORT_AWAY, &port->flags);
	clear_bit(IGBP_PORT_GONE, &port->flags);
	err = igbp_mac_reset(port);
	if (err) {
		netif_device_detach(port->netdev);
		return err;
	}
	/* No DMA of before the reset is left that it would let through */
	pci_set_master(port->pdev);
	igbp_mac_init(port);
	igbp_irq_setup(port);
	if (test_bit(IGBP_PORT_OPEN, &port->flags)) {
		igbp_netdev_up(port);
	} else {
		mutex_lock(&port->mdio_lock);
		igbp_phy_power_down(port);
		mutex_unlock(&port->mdio_lock);
	}
	return 0;
}

/**
 * igbp_netdev_tx_stuck - report a queue that sends no more, and recover
 * @ring: ring of the queue, of a port that runs
 *
 * Context: BH off.
 */
void igbp_netdev_tx_stuck(struct igbp_tx_ring *ring)
{
	struct igbp_port *port = ring->pair->port;
	u16 queue = ring->queue;
	u32 head = igbp_rd32(port, IGBP_TDH(queue));

	if (igbp_port_is_absent(port))
		return;
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(&ring->stats.timeouts);
	u64_stats_update_end(&ring->syncp);
	netdev_err(port->netdev, "tx queue %u stuck: head %u tail %u reclaimed %u\n",
		   queue, head, igbp_rd32(port, IGBP_TDT(queue)),
		   ring->ntc & ring->mask);
	set_bit(IGBP_STUCK_TX, &ring->pair->stuck);
	igbp_life_work_queue(port);
}

/**
 * igbp_netdev_rx_stuck - report a queue whose frames nobody takes, and recover
 * @pair: its pair, of a port that runs
 *
 * Context: process.
 */
void igbp_netdev_rx_stuck(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;

	if (igbp_port_is_absent(port))
		return;
	netdev_err(port->netdev, "rx queue %u stuck: frames wait at %u, no interrupt comes\n",
		   pair->index, pair->rx.ntc & pair->rx.mask);
	set_bit(IGBP_STUCK_RX, &pair->stuck);
	igbp_life_work_queue(port);
}

static void igbp_netdev_tx_timeout(struct net_device *netdev,
				   unsigned int queue)
{
	struct igbp_port *port = netdev_priv(netdev);

	igbp_netdev_tx_stuck(&port->pair[queue]->tx);
}

static void igbp_netdev_rx_mode_set(struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);

	if (test_bit(IGBP_PORT_UP, &port->flags))
		igbp_mac_filter_apply(port);
}

static int igbp_netdev_mac_set(struct net_device *netdev, void *p)
{
	struct igbp_port *port = netdev_priv(netdev);
	int err = eth_prepare_mac_addr_change(netdev, p);

	if (err)
		return err;
	if (port->sriov) {
		err = igbp_sriov_mac_set(port, ((struct sockaddr *)p)->sa_data);
		if (err)
			return err;
	}
	eth_commit_mac_addr_change(netdev, p);
	if (!port->sriov)
		igbp_mac_rar_set(port, 0, netdev->dev_addr);
	return 0;
}

static int igbp_netdev_mtu_set(struct net_device *netdev, int mtu)
{
	struct igbp_port *port = netdev_priv(netdev);
	int err = igbp_xdp_mtu_check(port, mtu);

	if (err)
		return err;
	/* The device must never be allowed more than the buffers take */
	if (mtu < netdev->mtu)
		igbp_mac_frame_max_set(port, mtu);
	if (igbp_ring_rx_is_large(port, mtu) !=
	    igbp_ring_rx_is_large(port, netdev->mtu))
		err = igbp_ring_reconfigure(port, port->rx_size,
					    port->tx_size, mtu);
	if (!err)
		WRITE_ONCE(netdev->mtu, mtu);
	igbp_mac_frame_max_set(port, netdev->mtu);
	return err;
}

static int igbp_netdev_vlan_set(struct igbp_port *port, u16 vid, bool on)
{
	unsigned int word = vid / 32;
	int err;

	if (port->sriov) {
		err = igbp_sriov_vlan_set(port, vid, on);
		if (err)
			return err;
	}
	if (on)
		port->vfta[word] |= BIT(vid % 32);
	else
		port->vfta[word] &= ~BIT(vid % 32);
	if (!port->sriov)
		igbp_wr32(port, IGBP_VFTA(word), port->vfta[word]);
	return 0;
}

static int igbp_netdev_vlan_add(struct net_device *netdev, __be16 proto,
				u16 vid)
{
	return igbp_netdev_vlan_set(netdev_priv(netdev), vid, true);
}

static int igbp_netdev_vlan_kill(struct net_device *netdev, __be16 proto,
				 u16 vid)
{
	return igbp_netdev_vlan_set(netdev_priv(netdev), vid, false);
}

static netdev_features_t igbp_netdev_features_fix(struct net_device *netdev,
						  netdev_features_t features)
{
	features = igbp_sriov_features_fix(netdev_priv(netdev), features);
	/* One bit of the device turns both on */
	if (features & NETIF_F_HW_VLAN_CTAG_RX)
		features |= NETIF_F_HW_VLAN_CTAG_TX;
	else
		features &= ~NETIF_F_HW_VLAN_CTAG_TX;
	return features;
}

/* Bad frames come only while the buffers take frames of any length */
static int igbp_netdev_rx_all_set(struct igbp_port *port, bool on)
{
	int err;

	if (on == port->rx_all)
		return 0;
	if (!on) {
		WRITE_ONCE(port->rx_all, false);
		if (test_bit(IGBP_PORT_UP, &port->flags))
			igbp_netdev_filter_apply(port);
	}
	port->rx_large = on;
	err = igbp_xsk_mtu_check(port, port->netdev->mtu);
	if (!err)
		err = igbp_ring_reconfigure(port, port->rx_size, port->tx_size,
					    port->netdev->mtu);
	if (err) {
		/* Large buffers do for good frames, too */
		port->rx_large = !on;
		return on ? err : 0;
	}
	WRITE_ONCE(port->rx_all, on);
	return 0;
}

static void igbp_netdev_loopback_set(struct igbp_port *port, bool on)
{
	if (on == port->loopback)
		return;
	mutex_lock(&port->mdio_lock);
	port->loopback = on;
	mutex_unlock(&port->mdio_lock);
	if (!test_bit(IGBP_PORT_UP, &port->flags))
		return;
	igbp_netdev_link_setup(port);
	igbp_link_check_soon(port);
}

static int igbp_netdev_features_set(struct net_device *netdev,
				    netdev_features_t features)
{
	struct igbp_port *port = netdev_priv(netdev);
	int err;

	err = igbp_netdev_rx_all_set(port, features & NETIF_F_RXALL);
	if (err)
		return err;
	igbp_mac_features_apply(port, features);
	if (!(features & NETIF_F_NTUPLE))
		igbp_steer_clear(port, 0);
	if (test_bit(IGBP_PORT_UP, &port->flags))
		igbp_netdev_filter_apply(port);
	igbp_netdev_loopback_set(port, features & NETIF_F_LOOPBACK);
	return 0;
}

static netdev_features_t
igbp_netdev_features_check(struct sk_buff *skb, struct net_device *netdev,
			   netdev_features_t features)
{
	unsigned int l3_offset, l3_bytes;

	/* Only the outer header is offered to the device */
	if (unlikely(skb->encapsulation))
		return features & ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return features;
	/* A guest, or a packet socket, has the checksum begin anywhere: offsets
	 * below 0 are huge here
	 */
	l3_offset = skb_network_offset(skb);
	l3_bytes = skb_checksum_start_offset(skb) - l3_offset;
	if (unlikely(l3_offset > IGBP_TXC_MACLEN_MAX ||
		     l3_bytes > IGBP_TXC_IPLEN_MAX))
		return features & ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	return features;
}

static const struct net_device_ops igbp_netdev_ops = {
	.ndo_open		= igbp_netdev_open,
	.ndo_stop		= igbp_netdev_stop,
	.ndo_start_xmit		= igbp_tx_xmit,
	.ndo_features_check	= igbp_netdev_features_check,
	.ndo_tx_timeout		= igbp_netdev_tx_timeout,
	.ndo_get_stats64	= igbp_stats_get64,
	.ndo_set_rx_mode	= igbp_netdev_rx_mode_set,
	.ndo_set_mac_address	= igbp_netdev_mac_set,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_change_mtu		= igbp_netdev_mtu_set,
	.ndo_vlan_rx_add_vid	= igbp_netdev_vlan_add,
	.ndo_vlan_rx_kill_vid	= igbp_netdev_vlan_kill,
	.ndo_fix_features	= igbp_netdev_features_fix,
	.ndo_set_features	= igbp_netdev_features_set,
	.ndo_bpf		= igbp_xdp_bpf,
	.ndo_xdp_xmit		= igbp_xdp_xmit,
	.ndo_hwtstamp_get	= igbp_stamp_get,
	.ndo_hwtstamp_set	= igbp_stamp_set,
	.ndo_xsk_wakeup		= igbp_xsk_wakeup,
	.ndo_set_vf_mac		= igbp_admin_mac_set,
	.ndo_set_vf_vlan	= igbp_admin_vlan_set,
	.ndo_set_vf_rate	= igbp_admin_rate_set,
	.ndo_set_vf_spoofchk	= igbp_admin_spoofchk_set,
	.ndo_set_vf_trust	= igbp_admin_trust_set,
	.ndo_set_vf_link_state	= igbp_admin_link_state_set,
	.ndo_get_vf_config	= igbp_admin_config_get,
	.ndo_get_vf_stats	= igbp_admin_stats_get,
#ifdef CONFIG_RFS_ACCEL
	.ndo_rx_flow_steer	= igbp_steer_flow,
#endif
};

static int igbp_netdev_channels_add(struct igbp_port *port, unsigned int pairs)
{
	unsigned int i, old = port->pairs;
	int err;

	err = igbp_ring_pairs_open(port, old, pairs);
	if (err)
		return err;
	for (i = old; i < pairs; i++)
		igbp_ring_pair_start(port->pair[i]);
	port->pairs = pairs;
	err = igbp_netdev_real_queues_set(port, pairs);
	if (!err)
		return 0;

	port->pairs = old;
	for (i = old; i < pairs; i++)
		igbp_ring_pair_stop(port->pair[i]);
	igbp_ring_pairs_close(port, old, pairs);
	return err;
}

static void igbp_netdev_channels_del(struct igbp_port *port,
				     unsigned int pairs)
{
	unsigned int i, old = port->pairs;

	WRITE_ONCE(port->pairs, pairs);
	/* The core has seen to it that no rule names them */
	igbp_steer_clear(port, pairs);
	/* Fewer queues cannot fail */
	igbp_netdev_real_queues_set(port, pairs);
	for (i = pairs; i < old; i++) {
		igbp_ring_pair_stop(port->pair[i]);
		igbp_ring_pair_close(port->pair[i]);
	}
}

/**
 * igbp_netdev_channels_set - change the number of pairs
 * @port: port, down or up
 * @pairs: 1 .. igbp_port_pairs_max()
 * @extack: says what was refused
 *
 * Pairs that stay are not touched. A table of queues that the administrator
 * wrote stays too; the core has checked that it fits.
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, or an error of allocation; then everything is as before.
 */
int igbp_netdev_channels_set(struct igbp_port *port, unsigned int pairs,
			     struct netlink_ext_ack *extack)
{
	bool spread = !netif_is_rxfh_configured(port->netdev);
	int err;

	if (!test_bit(IGBP_PORT_OPEN, &port->flags)) {
		err = netif_set_real_num_queues(port->netdev, pairs, pairs);
		if (err)
			return err;
		port->pairs = pairs;
	} else if (pairs > port->pairs) {
		err = igbp_netdev_channels_add(port, pairs);
		if (err)
			return err;
	}
	if (spread) {
		igbp_rss_table_default(port, pairs);
		igbp_rss_apply(port);
	}
	if (pairs < port->pairs)
		igbp_netdev_channels_del(port, pairs);
	igbp_ring_drop_apply(port);
	return 0;
}

/**
 * igbp_netdev_init - fill in the net_device before it is registered
 * @port: port
 *
 * Context: process, probe.
 */
void igbp_netdev_init(struct igbp_port *port)
{
	struct net_device *netdev = port->netdev;

	netdev->netdev_ops = &igbp_netdev_ops;
	netdev->ethtool_ops = &igbp_ethtool_ops;
	netdev->stat_ops = &igbp_stat_ops;
	netdev->watchdog_timeo = 5 * HZ;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = IGBP_MTU_MAX;
	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_UNICAST_FLT;

	netdev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_SCTP_CRC |
			      NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_RXCSUM |
			      NETIF_F_RXHASH;
	if (!port->udp_gso_broken)
		netdev->hw_features |= NETIF_F_GSO_UDP_L4;
	netdev->vlan_features = netdev->hw_features | NETIF_F_HIGHDMA;
	netdev->hw_features |= NETIF_F_HW_VLAN_CTAG_RX |
			       NETIF_F_HW_VLAN_CTAG_TX |
			       NETIF_F_HW_VLAN_CTAG_FILTER;
	if (igbp_steer_exists(port))
		netdev->hw_features |= NETIF_F_NTUPLE;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	netdev->hw_features |= NETIF_F_RXALL | NETIF_F_RXFCS | NETIF_F_LOOPBACK;

	netdev->xdp_metadata_ops = &igbp_xdp_metadata_ops;
	/* Frames can be redirected here whether or not a program runs */
	netdev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
			       NETDEV_XDP_ACT_RX_SG | NETDEV_XDP_ACT_NDO_XMIT |
			       NETDEV_XDP_ACT_NDO_XMIT_SG |
			       NETDEV_XDP_ACT_XSK_ZEROCOPY;

	netif_carrier_off(netdev);
}
