// SPDX-License-Identifier: GPL-2.0
/*
 * What the administrator tells VFs: ip link set DEV vf N ...
 *
 * Beside the packet path. All of it holds for the device at once, whatever the
 * driver of the VF makes of it; none of it cuts the VF off. A new address that
 * the driver has not asked for is no secret to it either: it gets it with its
 * next reset.
 *
 * Locking: RTNL, and igbp_sriov.lock for the VF.
 */
#include <linux/rtnetlink.h>

#include "sriov.h"

static const char igbp_admin_mac_hint[] =
	"; its driver takes it on when reloaded, or down and up";
static const char igbp_admin_tag_hint[] =
	"; VLANs of its own are off";

/* Return: the VF, or NULL and the log says why */
static struct igbp_vf *igbp_admin_vf(struct igbp_port *port, int index)
{
	struct igbp_sriov *sriov = port->sriov;

	ASSERT_RTNL();
	if (!sriov || index < 0 || index >= sriov->count) {
		netdev_err(port->netdev, "VF %d: there are %u\n", index,
			   sriov ? sriov->count : 0);
		return NULL;
	}
	return &sriov->vf[index];
}

/**
 * igbp_admin_mac_set - ndo_set_vf_mac: choose the address of a VF
 * @netdev: interface of the PF
 * @index: which VF
 * @addr: address, or zero to leave the choice to the VF
 *
 * Context: process, RTNL.
 * Return: 0, -EINVAL for no such VF or address, -EADDRINUSE.
 */
int igbp_admin_mac_set(struct net_device *netdev, int index, u8 *addr)
{
	bool set = !is_zero_ether_addr(addr), changed = false;
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_vf *vf;
	int at = -ENOENT;

	if (set && !is_valid_ether_addr(addr)) {
		netdev_err(netdev, "VF %d: %pM is no address of a station\n",
			   index, addr);
		return -EINVAL;
	}
	vf = igbp_admin_vf(port, index);
	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	if (set)
		at = igbp_rar_find(port->sriov->rar, addr);
	if (at >= 0 && port->sriov->rar[at].owner != index) {
		spin_unlock_irq(&port->sriov->lock);
		netdev_err(netdev, "VF %d: %pM is the address of somebody else here\n",
			   index, addr);
		return -EADDRINUSE;
	}
	vf->mac_set = set;
	if (set) {
		changed = vf->ready && !ether_addr_equal(vf->mac, addr);
		ether_addr_copy(vf->mac, addr);
		igbp_rar_own_set(port, index, addr);
	}
	spin_unlock_irq(&port->sriov->lock);
	if (set)
		netdev_info(netdev, "VF %d has the address %pM%s\n", index,
			    addr, changed ? igbp_admin_mac_hint : "");
	else
		netdev_info(netdev, "VF %d may choose its address\n", index);
	return 0;
}

/**
 * igbp_admin_vlan_set - ndo_set_vf_vlan: put a VF into a VLAN
 * @netdev: interface of the PF
 * @index: which VF
 * @vlan: VLAN, or 0
 * @qos: priority
 * @proto: 802.1Q
 *
 * With both 0 the VF may use tags itself. Those that it asked for before count
 * no more.
 *
 * Context: process, RTNL.
 * Return: 0, -EINVAL for no such VF, VLAN or priority, -EPROTONOSUPPORT,
 * -ENOSPC when no entry of the table is left; then all is as before.
 */
int igbp_admin_vlan_set(struct net_device *netdev, int index, u16 vlan,
			u8 qos, __be16 proto)
{
	struct igbp_port *port = netdev_priv(netdev);
	bool set = vlan || qos, asked;
	struct igbp_vf *vf;
	int err = 0;

	if (vlan >= VLAN_N_VID - 1 || qos > 7) {
		netdev_err(netdev, "VF %d: VLAN %u of at most %u, priority %u of at most 7\n",
			   index, vlan, VLAN_N_VID - 2, qos);
		return -EINVAL;
	}
	if (proto != htons(ETH_P_8021Q)) {
		netdev_err(netdev, "VF %d: protocol 0x%04x, only 802.1Q (0x%04x)\n",
			   index, ntohs(proto), ETH_P_8021Q);
		return -EPROTONOSUPPORT;
	}
	vf = igbp_admin_vf(port, index);
	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	asked = vf->ready && set && !vf->vlan && !vf->qos;
	if (set)
		err = igbp_vlan_pool_add(port, vlan, index, 0);
	if (!err) {
		vf->vlan = vlan;
		vf->qos = qos;
		igbp_vlan_pool_clear(port, index);
		/* It was there a moment ago */
		if (set)
			igbp_vlan_pool_add(port, vlan, index, 0);
		igbp_vf_pool_write(port, index);
	}
	spin_unlock_irq(&port->sriov->lock);
	if (err)
		netdev_err(netdev, "VF %d: VLAN %u: with VFs all have %u VLANs together\n",
			   index, vlan, IGBP_VLVF_ENTRIES);
	else if (set)
		netdev_info(netdev, "VF %d is in VLAN %u, priority %u%s\n",
			    index, vlan, qos,
			    asked ? igbp_admin_tag_hint : "");
	else
		netdev_info(netdev, "VF %d may use VLANs; those that it had before when its driver is reloaded\n",
			    index);
	return err;
}

/**
 * igbp_admin_rate_set - ndo_set_vf_rate: limit what a VF sends
 * @netdev: interface of the PF
 * @index: which VF
 * @min: Mbit/s that it is to have; the device has no such thing
 * @max: Mbit/s, or 0 for no limit
 *
 * Holds for each of the VF's queues. A limit above what the link has is none.
 *
 * Context: process, RTNL.
 * Return: 0, -EINVAL for no such VF or rate, -EOPNOTSUPP for @min.
 */
int igbp_admin_rate_set(struct net_device *netdev, int index, int min, int max)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_vf *vf;

	if (min) {
		netdev_err(netdev, "VF %d: min_tx_rate %d, the device guarantees none\n",
			   index, min);
		return -EOPNOTSUPP;
	}
	if (max < 0 || max > SPEED_1000) {
		netdev_err(netdev, "VF %d: max_tx_rate %d, at most %d Mbit/s\n",
			   index, max, SPEED_1000);
		return -EINVAL;
	}
	vf = igbp_admin_vf(port, index);
	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	vf->rate = max;
	igbp_vf_rate_write(port, index);
	spin_unlock_irq(&port->sriov->lock);
	return 0;
}

/**
 * igbp_admin_spoofchk_set - ndo_set_vf_spoofchk: look at a VF's frames
 * @netdev: interface of the PF
 * @index: which VF
 * @on: drop frames that do not come from its address and VLANs
 *
 * Context: process, RTNL.
 * Return: 0, or -EINVAL for no such VF.
 */
int igbp_admin_spoofchk_set(struct net_device *netdev, int index, bool on)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_vf *vf = igbp_admin_vf(port, index);

	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	vf->spoofchk = on;
	igbp_sriov_spoofchk_write(port);
	spin_unlock_irq(&port->sriov->lock);
	return 0;
}

/**
 * igbp_admin_trust_set - ndo_set_vf_trust: let a VF choose for itself
 * @netdev: interface of the PF
 * @index: which VF
 * @on: it may change an address that was set here, have more, and receive all
 *	multicast
 *
 * Context: process, RTNL.
 * Return: 0, or -EINVAL for no such VF.
 */
int igbp_admin_trust_set(struct net_device *netdev, int index, bool on)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_vf *vf = igbp_admin_vf(port, index);

	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	vf->trusted = on;
	if (!on && vf->mac_set)
		igbp_rar_filters_clear(port, index);
	if (!on && vf->allmulti) {
		vf->allmulti = false;
		igbp_vf_multicast_write(port);
		igbp_vf_pool_write(port, index);
	}
	spin_unlock_irq(&port->sriov->lock);
	return 0;
}

/**
 * igbp_admin_link_state_set - ndo_set_vf_link_state: take a VF's link away
 * @netdev: interface of the PF
 * @index: which VF
 * @state: IFLA_VF_LINK_STATE_*
 *
 * A VF sees the port's own state in a register. So one that is enabled has a
 * link while the port has one, as with auto.
 *
 * Context: process, RTNL.
 * Return: 0, or -EINVAL for no such VF or state.
 */
int igbp_admin_link_state_set(struct net_device *netdev, int index, int state)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_vf *vf;

	if (state < IFLA_VF_LINK_STATE_AUTO ||
	    state > IFLA_VF_LINK_STATE_DISABLE) {
		netdev_err(netdev, "VF %d: link state %d, at most %d\n", index,
			   state, IFLA_VF_LINK_STATE_DISABLE);
		return -EINVAL;
	}
	vf = igbp_admin_vf(port, index);
	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	vf->link_state = state;
	igbp_vf_enables_write(port);
	igbp_sriov_ping(port, index);
	spin_unlock_irq(&port->sriov->lock);
	return 0;
}

/**
 * igbp_admin_config_get - ndo_get_vf_config: ip link show
 * @netdev: interface of the PF
 * @index: which VF
 * @info: filled in
 *
 * Context: process, RTNL.
 * Return: 0, or -EINVAL for no such VF.
 */
int igbp_admin_config_get(struct net_device *netdev, int index,
			  struct ifla_vf_info *info)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_vf *vf;

	if (!port->sriov)
		return -EINVAL;
	vf = igbp_admin_vf(port, index);
	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	info->vf = index;
	ether_addr_copy(info->mac, vf->mac);
	info->vlan = vf->vlan;
	info->qos = vf->qos;
	info->vlan_proto = htons(ETH_P_8021Q);
	info->min_tx_rate = 0;
	info->max_tx_rate = vf->rate;
	info->spoofchk = vf->spoofchk;
	info->trusted = vf->trusted;
	info->linkstate = vf->link_state;
	spin_unlock_irq(&port->sriov->lock);
	return 0;
}

/**
 * igbp_admin_stats_get - ndo_get_vf_stats: ip -s link show
 * @netdev: interface of the PF
 * @index: which VF
 * @stats: filled in; bytes with FCS. What is dropped in transmit is the number
 *	of times that forged frames were found
 *
 * Context: process, RTNL.
 * Return: 0, or -EINVAL for no such VF.
 */
int igbp_admin_stats_get(struct net_device *netdev, int index,
			 struct ifla_vf_stats *stats)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_vf *vf;

	if (!port->sriov)
		return -EINVAL;
	igbp_sriov_harvest(port);
	vf = igbp_admin_vf(port, index);
	if (!vf)
		return -EINVAL;
	spin_lock_irq(&port->sriov->lock);
	stats->rx_packets = vf->stats[IGBP_VF_RX_PACKETS];
	stats->tx_packets = vf->stats[IGBP_VF_TX_PACKETS];
	stats->rx_bytes = vf->stats[IGBP_VF_RX_BYTES];
	stats->tx_bytes = vf->stats[IGBP_VF_TX_BYTES];
	stats->multicast = vf->stats[IGBP_VF_RX_MULTICAST];
	stats->tx_dropped = vf->spoofed;
	spin_unlock_irq(&port->sriov->lock);
	return 0;
}
