// SPDX-License-Identifier: GPL-2.0
/*
 * What ethtool shows and sets
 *
 * Beside the packet path. Checks what is asked for, says in extack what it
 * refuses and why, and hands the rest to the stage it belongs to.
 *
 * Locking: the core calls everything here under RTNL; mdio_lock is taken for
 * link and pause.
 */
#include <linux/ethtool_netlink.h>
#include <linux/mii.h>
#include <linux/rtnetlink.h>

#include "igb_percore.h"

#define IGBP_SUPPORTED \
	(ADVERTISED_10baseT_Half | ADVERTISED_10baseT_Full | \
	 ADVERTISED_100baseT_Half | ADVERTISED_100baseT_Full | \
	 ADVERTISED_1000baseT_Full)

#define IGBP_WAKE \
	(WAKE_PHY | WAKE_UCAST | WAKE_MCAST | WAKE_BCAST | WAKE_MAGIC)

/* The core holds RTNL and has the device resumed */
static int igbp_ethtool_begin(struct net_device *netdev)
{
	return igbp_life_wake(netdev_priv(netdev));
}

static void igbp_ethtool_drvinfo_get(struct net_device *netdev,
				     struct ethtool_drvinfo *info)
{
	struct igbp_port *port = netdev_priv(netdev);

	strscpy(info->driver, IGBP_DRV_NAME, sizeof(info->driver));
	strscpy(info->bus_info, pci_name(port->pdev), sizeof(info->bus_info));
	igbp_nvm_version_get(port, info->fw_version, sizeof(info->fw_version));
}

static u32 igbp_ethtool_msglevel_get(struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);

	return port->msg_enable;
}

static void igbp_ethtool_msglevel_set(struct net_device *netdev, u32 level)
{
	struct igbp_port *port = netdev_priv(netdev);

	port->msg_enable = level;
}

static void igbp_ethtool_lp_get(struct igbp_port *port,
				struct ethtool_link_ksettings *cmd)
{
	u16 lpa, stat;

	if (igbp_phy_read(port, MII_LPA, &lpa) ||
	    igbp_phy_read(port, MII_STAT1000, &stat))
		return;
	mii_lpa_to_linkmode_lpa_t(cmd->link_modes.lp_advertising, lpa);
	mii_stat1000_mod_linkmode_lpa_t(cmd->link_modes.lp_advertising, stat);
}

static u32 igbp_ethtool_pause_modes(struct igbp_port *port)
{
	if (port->pause_rx)
		return ADVERTISED_Pause |
		       (port->pause_tx ? 0 : ADVERTISED_Asym_Pause);
	return port->pause_tx ? ADVERTISED_Asym_Pause : 0;
}

static int igbp_ethtool_link_get(struct net_device *netdev,
				 struct ethtool_link_ksettings *cmd)
{
	struct igbp_port *port = netdev_priv(netdev);
	u32 modes = ADVERTISED_TP;

	ethtool_link_ksettings_zero_link_mode(cmd, lp_advertising);
	mutex_lock(&port->mdio_lock);
	cmd->base.port = PORT_TP;
	cmd->base.phy_address = IGBP_PHY_ADDR;
	cmd->base.autoneg = port->autoneg;
	ethtool_convert_legacy_u32_to_link_mode(cmd->link_modes.supported,
						IGBP_SUPPORTED | modes |
						ADVERTISED_Autoneg |
						ADVERTISED_Pause |
						ADVERTISED_Asym_Pause);
	if (port->autoneg)
		modes |= ADVERTISED_Autoneg | port->advertising |
			 igbp_ethtool_pause_modes(port);
	ethtool_convert_legacy_u32_to_link_mode(cmd->link_modes.advertising,
						modes);
	if (netif_carrier_ok(netdev)) {
		cmd->base.speed = port->link.speed;
		cmd->base.duplex = port->link.full_duplex ? DUPLEX_FULL :
							    DUPLEX_HALF;
		igbp_ethtool_lp_get(port, cmd);
	} else {
		cmd->base.speed = SPEED_UNKNOWN;
		cmd->base.duplex = DUPLEX_UNKNOWN;
	}
	mutex_unlock(&port->mdio_lock);
	return 0;
}

/* Negotiate anew, if the interface is up at all */
static int igbp_ethtool_link_restart(struct igbp_port *port)
{
	lockdep_assert_held(&port->mdio_lock);

	if (!test_bit(IGBP_PORT_UP, &port->flags))
		return 0;
	/* So that the link work sees a change even if nothing else changes */
	port->link.speed = SPEED_UNKNOWN;
	return igbp_phy_link_setup(port);
}

static int igbp_ethtool_link_set(struct net_device *netdev,
				 const struct ethtool_link_ksettings *cmd)
{
	struct igbp_port *port = netdev_priv(netdev);
	u32 modes;
	int err;

	ethtool_convert_link_mode_to_legacy_u32(&modes,
						cmd->link_modes.advertising);
	modes &= IGBP_SUPPORTED;
	if (cmd->base.autoneg == AUTONEG_ENABLE) {
		if (!modes)
			return -EINVAL;
	} else if ((cmd->base.speed != SPEED_10 &&
		    cmd->base.speed != SPEED_100) ||
		   (cmd->base.duplex != DUPLEX_HALF &&
		    cmd->base.duplex != DUPLEX_FULL)) {
		/* 1000BASE-T needs autonegotiation to choose its master */
		return -EINVAL;
	}

	mutex_lock(&port->mdio_lock);
	port->autoneg = cmd->base.autoneg == AUTONEG_ENABLE;
	if (port->autoneg) {
		port->advertising = modes;
	} else {
		port->forced_speed = cmd->base.speed;
		port->forced_full = cmd->base.duplex == DUPLEX_FULL;
	}
	err = igbp_ethtool_link_restart(port);
	mutex_unlock(&port->mdio_lock);
	igbp_link_check_soon(port);
	return err;
}

static int igbp_ethtool_nway_reset(struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);
	int err;

	if (!test_bit(IGBP_PORT_UP, &port->flags))
		return -ENETDOWN;
	mutex_lock(&port->mdio_lock);
	err = port->autoneg ? igbp_ethtool_link_restart(port) : -EINVAL;
	mutex_unlock(&port->mdio_lock);
	return err;
}

static void igbp_ethtool_pause_get(struct net_device *netdev,
				   struct ethtool_pauseparam *pause)
{
	struct igbp_port *port = netdev_priv(netdev);

	mutex_lock(&port->mdio_lock);
	pause->autoneg = port->pause_autoneg;
	pause->rx_pause = port->pause_rx;
	pause->tx_pause = port->pause_tx;
	mutex_unlock(&port->mdio_lock);
}

static int igbp_ethtool_pause_set(struct net_device *netdev,
				  struct ethtool_pauseparam *pause)
{
	struct igbp_port *port = netdev_priv(netdev);
	int err = 0;

	mutex_lock(&port->mdio_lock);
	port->pause_autoneg = pause->autoneg;
	port->pause_rx = pause->rx_pause;
	port->pause_tx = pause->tx_pause;
	if (port->pause_autoneg && port->autoneg) {
		err = igbp_ethtool_link_restart(port);
	} else if (netif_carrier_ok(netdev)) {
		igbp_phy_pause_resolve(port, &port->link);
		igbp_mac_link_apply(port);
	}
	mutex_unlock(&port->mdio_lock);
	igbp_ring_drop_apply(port);
	return err;
}

static void igbp_ethtool_ring_get(struct net_device *netdev,
				  struct ethtool_ringparam *ring,
				  struct kernel_ethtool_ringparam *kernel_ring,
				  struct netlink_ext_ack *extack)
{
	struct igbp_port *port = netdev_priv(netdev);

	ring->rx_max_pending = IGBP_RING_MAX;
	ring->tx_max_pending = IGBP_RING_MAX;
	ring->rx_pending = port->rx_size;
	ring->tx_pending = port->tx_size;
	kernel_ring->tcp_data_split = port->split ?
				      ETHTOOL_TCP_DATA_SPLIT_ENABLED :
				      ETHTOOL_TCP_DATA_SPLIT_DISABLED;
}

static int igbp_ethtool_ring_set(struct net_device *netdev,
				 struct ethtool_ringparam *ring,
				 struct kernel_ethtool_ringparam *kernel_ring,
				 struct netlink_ext_ack *extack)
{
	/* What is left to us ("auto", UNKNOWN) is off */
	bool split = kernel_ring->tcp_data_split ==
		     ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	struct igbp_port *port = netdev_priv(netdev);
	u32 rx, tx;

	if (ring->rx_pending < IGBP_RING_MIN ||
	    ring->tx_pending < IGBP_RING_MIN) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "%u descriptors, at least %u",
				       min(ring->rx_pending, ring->tx_pending),
				       IGBP_RING_MIN);
		return -EINVAL;
	}
	rx = roundup_pow_of_two(ring->rx_pending);
	tx = roundup_pow_of_two(ring->tx_pending);
	if (rx == port->rx_size && tx == port->tx_size && split == port->split)
		return 0;
	return igbp_split_rings_set(port, split, rx, tx, extack);
}

static void igbp_ethtool_channels_get(struct net_device *netdev,
				      struct ethtool_channels *channels)
{
	struct igbp_port *port = netdev_priv(netdev);

	channels->max_combined = igbp_port_pairs_max(port);
	channels->combined_count = port->pairs;
	if (port->vectors > 1) {
		channels->max_other = 1;
		channels->other_count = 1;
	}
}

static int igbp_ethtool_channels_set(struct net_device *netdev,
				     struct ethtool_channels *channels)
{
	struct igbp_port *port = netdev_priv(netdev);

	/* The core has checked against the maxima */
	if (!channels->combined_count || channels->rx_count ||
	    channels->tx_count ||
	    channels->other_count != !!(port->vectors - 1))
		return -EINVAL;
	return igbp_netdev_channels_set(port, channels->combined_count, NULL);
}

static int igbp_ethtool_coalesce_get(struct net_device *netdev,
				     struct ethtool_coalesce *ec,
				     struct kernel_ethtool_coalesce *kernel_ec,
				     struct netlink_ext_ack *extack)
{
	struct igbp_port *port = netdev_priv(netdev);

	ec->rx_coalesce_usecs = port->usecs;
	ec->use_adaptive_rx_coalesce = port->adaptive;
	return 0;
}

static int igbp_ethtool_coalesce_set(struct net_device *netdev,
				     struct ethtool_coalesce *ec,
				     struct kernel_ethtool_coalesce *kernel_ec,
				     struct netlink_ext_ack *extack)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i;

	if (ec->rx_coalesce_usecs > IGBP_USECS_MAX) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "rx-usecs %u, at most %u",
				       ec->rx_coalesce_usecs, IGBP_USECS_MAX);
		return -ERANGE;
	}
	port->usecs = ec->rx_coalesce_usecs;
	port->adaptive = ec->use_adaptive_rx_coalesce;
	for (i = 0; i < port->max_pairs; i++)
		igbp_moderation_apply(port->pair[i], port->adaptive,
				      port->usecs);
	return 0;
}

static int igbp_ethtool_queue_coalesce_get(struct net_device *netdev,
					   u32 queue,
					   struct ethtool_coalesce *ec)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_pair *pair;

	if (queue >= port->pairs)
		return -EINVAL;
	pair = port->pair[queue]->lead;
	ec->rx_coalesce_usecs = pair->usecs;
	ec->use_adaptive_rx_coalesce = pair->adaptive;
	return 0;
}

static int igbp_ethtool_queue_coalesce_set(struct net_device *netdev,
					   u32 queue,
					   struct ethtool_coalesce *ec)
{
	struct igbp_port *port = netdev_priv(netdev);

	if (queue >= port->pairs)
		return -EINVAL;
	if (ec->rx_coalesce_usecs > IGBP_USECS_MAX)
		return -ERANGE;
	igbp_moderation_apply(port->pair[queue]->lead,
			      ec->use_adaptive_rx_coalesce,
			      ec->rx_coalesce_usecs);
	return 0;
}

static int igbp_ethtool_rxnfc_get(struct net_device *netdev,
				  struct ethtool_rxnfc *nfc, u32 *rules)
{
	struct igbp_port *port = netdev_priv(netdev);

	switch (nfc->cmd) {
	case ETHTOOL_GRXRINGS:
		nfc->data = port->pairs;
		return 0;
	case ETHTOOL_GRXFH:
		return igbp_rss_fields_get(port, nfc);
	case ETHTOOL_GRXCLSRLCNT:
	case ETHTOOL_GRXCLSRULE:
	case ETHTOOL_GRXCLSRLALL:
		return igbp_steer_rule_get(port, nfc, rules);
	default:
		return -EOPNOTSUPP;
	}
}

static int igbp_ethtool_rxnfc_set(struct net_device *netdev,
				  struct ethtool_rxnfc *nfc)
{
	struct igbp_port *port = netdev_priv(netdev);

	switch (nfc->cmd) {
	case ETHTOOL_SRXFH:
		return igbp_rss_fields_set(port, nfc);
	case ETHTOOL_SRXCLSRLINS:
	case ETHTOOL_SRXCLSRLDEL:
		return igbp_steer_rule_set(port, nfc);
	default:
		return -EOPNOTSUPP;
	}
}

static void igbp_ethtool_wol_get(struct net_device *netdev,
				 struct ethtool_wolinfo *wol)
{
	struct igbp_port *port = netdev_priv(netdev);

	if (!device_can_wakeup(&port->pdev->dev))
		return;
	wol->supported = IGBP_WAKE;
	wol->wolopts = port->wol;
}

static int igbp_ethtool_wol_set(struct net_device *netdev,
				struct ethtool_wolinfo *wol)
{
	struct igbp_port *port = netdev_priv(netdev);

	/* The core has refused what igbp_ethtool_wol_get() does not offer */
	port->wol = wol->wolopts;
	return device_set_wakeup_enable(&port->pdev->dev, port->wol);
}

static int igbp_ethtool_count(struct net_device *netdev, int set)
{
	switch (set) {
	case ETH_SS_STATS:
		return igbp_stats_count(netdev);
	case ETH_SS_TEST:
		return igbp_diag_count();
	default:
		return -EOPNOTSUPP;
	}
}

static void igbp_ethtool_strings(struct net_device *netdev, u32 set, u8 *data)
{
	if (set == ETH_SS_STATS)
		igbp_stats_strings(netdev, data);
	else if (set == ETH_SS_TEST)
		igbp_diag_strings(data);
}

const struct ethtool_ops igbp_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS |
				     ETHTOOL_COALESCE_USE_ADAPTIVE_RX,
	.supported_ring_params	= ETHTOOL_RING_USE_TCP_DATA_SPLIT,
	.begin			= igbp_ethtool_begin,
	.get_drvinfo		= igbp_ethtool_drvinfo_get,
	.get_msglevel		= igbp_ethtool_msglevel_get,
	.set_msglevel		= igbp_ethtool_msglevel_set,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= igbp_ethtool_link_get,
	.set_link_ksettings	= igbp_ethtool_link_set,
	.nway_reset		= igbp_ethtool_nway_reset,
	.get_pauseparam		= igbp_ethtool_pause_get,
	.set_pauseparam		= igbp_ethtool_pause_set,
	.get_pause_stats	= igbp_stats_pause_get,
	.get_ringparam		= igbp_ethtool_ring_get,
	.set_ringparam		= igbp_ethtool_ring_set,
	.get_channels		= igbp_ethtool_channels_get,
	.set_channels		= igbp_ethtool_channels_set,
	.get_coalesce		= igbp_ethtool_coalesce_get,
	.set_coalesce		= igbp_ethtool_coalesce_set,
	.get_per_queue_coalesce	= igbp_ethtool_queue_coalesce_get,
	.set_per_queue_coalesce	= igbp_ethtool_queue_coalesce_set,
	.get_rxfh_key_size	= igbp_rss_key_size_get,
	.get_rxfh_indir_size	= igbp_rss_table_size_get,
	.get_rxfh		= igbp_rss_get,
	.set_rxfh		= igbp_rss_set,
	.get_rxnfc		= igbp_ethtool_rxnfc_get,
	.set_rxnfc		= igbp_ethtool_rxnfc_set,
	.get_strings		= igbp_ethtool_strings,
	.get_sset_count		= igbp_ethtool_count,
	.get_ethtool_stats	= igbp_stats_get,
	.get_eth_mac_stats	= igbp_stats_mac_get,
	.get_eth_phy_stats	= igbp_stats_phy_get,
	.get_eth_ctrl_stats	= igbp_stats_ctrl_get,
	.get_rmon_stats		= igbp_stats_rmon_get,
	.get_regs_len		= igbp_diag_regs_size,
	.get_regs		= igbp_diag_regs_get,
	.get_eeprom_len		= igbp_diag_nvm_size,
	.get_eeprom		= igbp_diag_nvm_get,
	.set_phys_id		= igbp_diag_led_set,
	.self_test		= igbp_diag_test,
	.get_wol		= igbp_ethtool_wol_get,
	.set_wol		= igbp_ethtool_wol_set,
	.get_ts_info		= igbp_stamp_info_get,
	.get_ts_stats		= igbp_stamp_stats_get,
};
