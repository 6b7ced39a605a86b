// SPDX-License-Identifier: GPL-2.0
/*
 * The copper PHY, and the work that looks after the link
 *
 * The PHY sits behind MDIC and speaks clause 22. It announces changes of the
 * link through the interrupt for other causes (irq.c), which queues
 * igbp_link_work(); the same work runs slowly by itself, accumulates the
 * device's counters and wakes a ring whose interrupt got lost.
 *
 * Locking: mdio_lock for every access to the PHY and for what is negotiated.
 * The work only tries to take RTNL, so that close may wait for it.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/mii.h>
#include <linux/rtnetlink.h>

#include "igb_percore.h"

#define IGBP_MDIC_TIMEOUT_US	10000
#define IGBP_LINK_PERIOD	(10 * HZ)
#define IGBP_STALL_PERIOD	HZ	/* while frames wait in a queue */
#define IGBP_STALL_KICKS	2	/* before a queue is called stuck */
#define IGBP_NEGOTIATE_US	4000000
#define IGBP_LOOPBACK_MS	100	/* for the PHY to settle */

static u32 igbp_phy_swfw_mask(struct igbp_port *port)
{
	static const u8 mask[] = {
		IGBP_SWFW_PHY0, IGBP_SWFW_PHY1, IGBP_SWFW_PHY2, IGBP_SWFW_PHY3,
	};

	return mask[port->func];
}

static int igbp_phy_transact(struct igbp_port *port, u32 op, u32 *mdic)
{
	int err;

	lockdep_assert_held(&port->mdio_lock);

	err = igbp_swfw_acquire(port, igbp_phy_swfw_mask(port));
	if (err)
		return err;
	igbp_wr32(port, IGBP_MDIC, op);
	err = igbp_poll32(port, IGBP_MDIC, *mdic, *mdic & IGBP_MDIC_READY, 20,
			  IGBP_MDIC_TIMEOUT_US);
	igbp_swfw_release(port, igbp_phy_swfw_mask(port));
	if (igbp_port_is_absent(port))
		return -ENODEV;
	if (!err && *mdic & IGBP_MDIC_ERROR)
		err = -EIO;
	return err;
}

/**
 * igbp_phy_read - read a register of the PHY
 * @port: port
 * @reg: clause 22 register
 * @val: its value
 *
 * Context: process, may sleep; mdio_lock held.
 * Return: 0, -ETIMEDOUT, -EIO when the PHY refuses, or an error of
 * igbp_swfw_acquire().
 */
int igbp_phy_read(struct igbp_port *port, u8 reg, u16 *val)
{
	u32 mdic = 0;
	int err;

	err = igbp_phy_transact(port, reg << IGBP_MDIC_REG_SHIFT |
				IGBP_PHY_ADDR << IGBP_MDIC_PHY_SHIFT |
				IGBP_MDIC_OP_READ, &mdic);
	*val = err ? 0 : mdic;
	return err;
}

/**
 * igbp_phy_write - write a register of the PHY
 * @port: port
 * @reg: clause 22 register
 * @val: value
 *
 * Context: process, may sleep; mdio_lock held.
 * Return: 0 or an error as igbp_phy_read().
 */
int igbp_phy_write(struct igbp_port *port, u8 reg, u16 val)
{
	u32 mdic = 0;

	return igbp_phy_transact(port, val | reg << IGBP_MDIC_REG_SHIFT |
				 IGBP_PHY_ADDR << IGBP_MDIC_PHY_SHIFT |
				 IGBP_MDIC_OP_WRITE, &mdic);
}

static int igbp_phy_modify(struct igbp_port *port, u8 reg, u16 clear, u16 set)
{
	u16 val;
	int err;

	err = igbp_phy_read(port, reg, &val);
	if (err)
		return err;
	return igbp_phy_write(port, reg, (val & ~clear) | set);
}

/**
 * igbp_phy_init - find the PHY
 * @port: port
 *
 * Context: process, may sleep; mdio_lock held.
 * Return: 0, -ENODEV when none answers, or an error of igbp_phy_read().
 */
int igbp_phy_init(struct igbp_port *port)
{
	u16 id1, id2;
	int err;

	err = igbp_phy_read(port, MII_PHYSID1, &id1);
	if (!err)
		err = igbp_phy_read(port, MII_PHYSID2, &id2);
	if (err)
		return err;
	port->phy_id = id1 << 16 | id2;
	return port->phy_id && port->phy_id != U32_MAX ? 0 : -ENODEV;
}

static u16 igbp_phy_pause_advertised(struct igbp_port *port)
{
	/* 802.3 table 28B-2: receive alone is announced as both, and the MAC
	 * is told not to send.
	 */
	if (port->pause_rx)
		return ADVERTISE_PAUSE_CAP | (port->pause_tx ? 0 :
					      ADVERTISE_PAUSE_ASYM);
	return port->pause_tx ? ADVERTISE_PAUSE_ASYM : 0;
}

static int igbp_phy_advertise(struct igbp_port *port)
{
	u16 adv = ethtool_adv_to_mii_adv_t(port->advertising);
	u16 gig = ethtool_adv_to_mii_ctrl1000_t(port->advertising);
	int err;

	adv &= ~(ADVERTISE_PAUSE_CAP | ADVERTISE_PAUSE_ASYM);
	adv |= ADVERTISE_CSMA | igbp_phy_pause_advertised(port);
	err = igbp_phy_write(port, MII_ADVERTISE, adv);
	if (err)
		return err;
	return igbp_phy_modify(port, MII_CTRL1000,
			       ADVERTISE_1000FULL | ADVERTISE_1000HALF, gig);
}

/* The 82576's own PHY comes up in a low-power mode that prefers 10 Mbit/s */
static int igbp_phy_igp3_setup(struct igbp_port *port)
{
	int err;

	if ((port->phy_id & ~0xfU) != IGBP_PHY_ID_IGP3)
		return 0;
	err = igbp_phy_modify(port, IGBP_PHY_POWER_MGMT,
			      IGBP_PHY_POWER_MGMT_D0_LPLU, 0);
	if (err)
		return err;
	return igbp_phy_modify(port, IGBP_PHY_PORT_CTRL, 0,
			       IGBP_PHY_PORT_CTRL_AUTO_MDIX);
}

static int igbp_phy_negotiate(struct igbp_port *port)
{
	u16 bmcr;
	int err;

	igbp_mac_link_apply(port);
	err = igbp_phy_modify(port, MII_BMCR, BMCR_PDOWN | BMCR_ISOLATE, 0);
	if (!err)
		err = igbp_phy_igp3_setup(port);
	if (!err)
		err = igbp_phy_advertise(port);
	if (err)
		return err;

	if (port->autoneg)
		bmcr = BMCR_ANENABLE | BMCR_ANRESTART | BMCR_SPEED1000 |
		       BMCR_FULLDPLX;
	else
		bmcr = mii_bmcr_encode_fixed(port->forced_speed,
					     port->forced_full);
	return igbp_phy_write(port, MII_BMCR, bmcr);
}

static bool igbp_phy_is_looped(const struct igbp_port *port)
{
	return port->loopback || test_bit(IGBP_PORT_LOOPBACK, &port->flags);
}

/* A model of the device receives nothing unless it has had a link, even in
 * loopback; so negotiate first, if there is somebody to do so with.
 */
static int igbp_phy_loop(struct igbp_port *port)
{
	u32 status;
	int err;

	igbp_poll32(port, IGBP_STATUS, status, status & IGBP_STATUS_LU, 10000,
		    IGBP_NEGOTIATE_US);
	igbp_mac_loopback_apply(port);
	err = igbp_phy_write(port, MII_BMCR, BMCR_LOOPBACK | BMCR_SPEED1000 |
			     BMCR_FULLDPLX);
	if (!err)
		msleep(IGBP_LOOPBACK_MS);
	return err;
}

/**
 * igbp_phy_link_setup - power the PHY up and start to negotiate
 * @port: port
 *
 * In loopback, of the self-test or ``ethtool -K DEV loopback on``, the PHY
 * sends back what it gets, once it has negotiated.
 *
 * Context: process, may sleep, in loopback for seconds; mdio_lock held.
 * Return: 0, or an error of igbp_phy_read() or igbp_phy_write().
 */
int igbp_phy_link_setup(struct igbp_port *port)
{
	int err = igbp_phy_negotiate(port);

	return err || !igbp_phy_is_looped(port) ? err : igbp_phy_loop(port);
}

/**
 * igbp_phy_power_up - have a link while the device sleeps
 * @port: port
 *
 * One that has power has a link, or negotiates: that is not begun anew.
 *
 * Context: process, may sleep; mdio_lock held.
 */
void igbp_phy_power_up(struct igbp_port *port)
{
	u16 bmcr;

	if (!igbp_phy_read(port, MII_BMCR, &bmcr) && bmcr & BMCR_PDOWN)
		igbp_phy_link_setup(port);
}

/**
 * igbp_phy_power_down - drop the link
 * @port: port
 *
 * Not where the management controller uses the link, or a frame may wake us.
 *
 * Context: process, may sleep; mdio_lock held.
 */
void igbp_phy_power_down(struct igbp_port *port)
{
	if (port->wol || igbp_rd32(port, IGBP_MANC) & IGBP_MANC_BLK_PHY_RST)
		return;
	igbp_phy_modify(port, MII_BMCR, 0, BMCR_PDOWN);
}

/**
 * igbp_phy_pause_resolve - what both sides agreed on about pause frames
 * @port: port
 * @link: rx_pause and tx_pause are filled in; duplex is read
 *
 * Context: process, may sleep; mdio_lock held.
 */
void igbp_phy_pause_resolve(struct igbp_port *port, struct igbp_link *link)
{
	u16 adv, lpa;
	u8 cap;

	link->rx_pause = false;
	link->tx_pause = false;
	if (!link->full_duplex)
		return;
	if (!port->autoneg || !port->pause_autoneg) {
		link->rx_pause = port->pause_rx;
		link->tx_pause = port->pause_tx;
		return;
	}
	if (igbp_phy_read(port, MII_ADVERTISE, &adv) ||
	    igbp_phy_read(port, MII_LPA, &lpa))
		return;
	cap = mii_resolve_flowctrl_fdx(adv, lpa);
	link->rx_pause = cap & FLOW_CTRL_RX && port->pause_rx;
	link->tx_pause = cap & FLOW_CTRL_TX && port->pause_tx;
}

static void igbp_link_update(struct igbp_port *port)
{
	struct net_device *netdev = port->netdev;
	struct igbp_link link = { .speed = SPEED_UNKNOWN };
	bool up;

	mutex_lock(&port->mdio_lock);
	up = igbp_mac_link_read(port, &link);
	if (up == netif_carrier_ok(netdev) &&
	    link.speed == port->link.speed &&
	    link.full_duplex == port->link.full_duplex)
		goto unlock;

	if (up && !port->loopback)
		igbp_phy_pause_resolve(port, &link);
	port->link = link;
	if (up) {
		if (!port->loopback)
			igbp_mac_link_apply(port);
		netdev_info(netdev, "link is up, %d Mbit/s %s duplex, pause %s\n",
			    link.speed, link.full_duplex ? "full" : "half",
			    link.rx_pause && link.tx_pause ? "rx and tx" :
			    link.rx_pause ? "rx" :
			    link.tx_pause ? "tx" : "off");
		netif_carrier_on(netdev);
		igbp_xsk_link_up(port);
		igbp_sriov_link_changed(port, link.speed);
	} else {
		if (netif_carrier_ok(netdev))
			netdev_info(netdev, "link is down\n");
		netif_carrier_off(netdev);
		igbp_sriov_link_changed(port, 0);
		igbp_life_idle(port);
	}
unlock:
	mutex_unlock(&port->mdio_lock);
}

/* Frames that are not sent while the link is up and nobody asked for a pause.
 * The stack's own watchdog sees it only where so many wait that its queue is
 * stopped.
 */
static bool igbp_link_tx_is_stalled(struct igbp_tx_ring *ring)
{
	u16 ntc = READ_ONCE(ring->ntc), before = ring->stall;
	struct igbp_port *port = ring->pair->port;

	ring->stall = ntc;
	return ntc == before && ntc != READ_ONCE(ring->published) &&
	       netif_carrier_ok(port->netdev) &&
	       !(igbp_rd32(port, IGBP_STATUS) & IGBP_STATUS_TXOFF);
}

/* An interrupt that got lost leaves a full ring behind: raise it again, for
 * that ring alone, so that no idle core is woken. A queue that does not go on
 * after that is stuck.
 * Return: whether to look again soon.
 */
static bool igbp_link_pair_check(struct igbp_pair *pair)
{
	struct igbp_tx_ring *tx_stalled = NULL;
	u16 rx = READ_ONCE(pair->rx.ntc);
	bool rx_stalled;

	/* A poll that has yet to run needs no interrupt */
	rx_stalled = rx == pair->stall_rx && igbp_ring_pair_is_stalled(pair) &&
		     !test_bit(NAPI_STATE_SCHED, &pair->napi.state);
	pair->stall_rx = rx;
	if (igbp_xdp_has_queues(pair->port) &&
	    igbp_link_tx_is_stalled(&pair->xdp_tx))
		tx_stalled = &pair->xdp_tx;
	if (igbp_link_tx_is_stalled(&pair->tx))
		tx_stalled = &pair->tx;
	if (!rx_stalled && !tx_stalled) {
		pair->stall_kicks = 0;
		return false;
	}
	if (pair->stall_kicks++ < IGBP_STALL_KICKS) {
		igbp_irq_kick(pair);
		return true;
	}
	pair->stall_kicks = 0;
	if (rx_stalled)
		igbp_netdev_rx_stuck(pair);
	if (tx_stalled) {
		local_bh_disable();
		igbp_netdev_tx_stuck(tx_stalled);
		local_bh_enable();
	}
	return false;
}

static bool igbp_link_stalls_check(struct igbp_port *port)
{
	bool again = false;
	unsigned int i;

	/* RTNL keeps the rings from going away; close, which waits for this
	 * work, holds it.
	 */
	if (!rtnl_trylock())
		return true;
	for (i = 0; i < port->pairs; i++)
		if (port->pair[i]->running)
			again |= igbp_link_pair_check(port->pair[i]);
	rtnl_unlock();
	return again;
}

/**
 * igbp_link_work - follow the link, harvest counters, free stalled rings
 * @work: igbp_port.link_work
 *
 * Context: process, may sleep.
 */
void igbp_link_work(struct work_struct *work)
{
	struct igbp_port *port = container_of(to_delayed_work(work),
					      struct igbp_port, link_work);
	bool again;

	if (!test_bit(IGBP_PORT_UP, &port->flags))
		return;
	igbp_link_update(port);
	igbp_stats_harvest(port);
	again = igbp_link_stalls_check(port);
	if (test_bit(IGBP_PORT_GONE, &port->flags))
		return;
	queue_delayed_work(system_power_efficient_wq, &port->link_work,
			   again ? IGBP_STALL_PERIOD :
			   round_jiffies_relative(IGBP_LINK_PERIOD));
}

/**
 * igbp_link_check_soon - have the work look at the link at once
 * @port: port
 *
 * Context: any.
 */
void igbp_link_check_soon(struct igbp_port *port)
{
	if (test_bit(IGBP_PORT_UP, &port->flags) &&
	    !test_bit(IGBP_PORT_LOOPBACK, &port->flags))
		mod_delayed_work(system_power_efficient_wq, &port->link_work,
				 0);
}
