// SPDX-License-Identifier: GPL-2.0
/*
 * The MAC: reset, filters, frame size, link mode
 *
 * Slow path only. Before it: pci.c (probe) and netdev.c (open, rx mode). The
 * rings are programmed in ring.c, interrupts in irq.c, the hash in rss.c.
 *
 * Locking: reset and init run under RTNL or before the net_device is
 * registered. RCTL, the multicast table and receive addresses above 0 belong
 * to netif_addr_lock, which igbp_mac_filter_apply() expects to be held. The
 * semaphore shared with firmware is taken with mdio_lock held or in probe.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>

#include "igb_percore.h"

#define IGBP_MASTER_POLLS	800	/* of 100 us: pending requests end */
#define IGBP_RESET_POLLS	20	/* of 1 ms: NVM is read after a reset */
#define IGBP_SWFW_POLLS		200	/* of 5 ms: firmware lets go */
#define IGBP_SWSM_POLLS		2000	/* of 50 us */
#define IGBP_PAUSE_TIME		0xffff	/* longest, as XON ends it */
#define IGBP_TX_COLLISIONS	15
#define IGBP_TX_COLLISION_DIST	63

/**
 * igbp_rd32 - read a register, and notice an unplugged device
 * @port: port
 * @reg: offset into BAR 0
 *
 * A device that is gone reads as all ones. Where one register does so, a
 * second one that can never be all ones decides. From then on, and while the
 * device is away, no register is touched. Queues that no register stops must
 * not write memory that is freed, so the device loses its way to memory there
 * and then; igbp_netdev_restart() gives it back after a reset.
 *
 * Context: any.
 * Return: the value; all ones if the device is gone or away.
 */
u32 igbp_rd32(struct igbp_port *port, u32 reg)
{
	u32 val;

	if (unlikely(igbp_port_is_absent(port)))
		return U32_MAX;
	val = readl(port->regs + reg);
	if (likely(val != U32_MAX) ||
	    readl(port->regs + IGBP_RCTL) != U32_MAX)
		return val;
	if (!test_and_set_bit(IGBP_PORT_GONE, &port->flags)) {
		dev_err(&port->pdev->dev, "device is gone\n");
		pci_clear_master(port->pdev);
		igbp_life_work_queue(port);
	}
	return val;
}

/**
 * igbp_wr32 - write a register
 * @port: port; nothing happens if the device is gone or away
 * @reg: offset into BAR 0
 * @val: value
 *
 * Context: any.
 */
void igbp_wr32(struct igbp_port *port, u32 reg, u32 val)
{
	if (likely(!igbp_port_is_absent(port)))
		writel(val, port->regs + reg);
}

static int igbp_swsm_acquire(struct igbp_port *port)
{
	int i;

	for (i = 0; i < IGBP_SWSM_POLLS; i++) {
		if (!(igbp_rd32(port, IGBP_SWSM) & IGBP_SWSM_SMBI) ||
		    igbp_port_is_absent(port))
			break;
		usleep_range(50, 60);
	}
	/* A driver that died may have left the bit; take it over */
	for (i = 0; i < IGBP_SWSM_POLLS; i++) {
		u32 swsm = igbp_rd32(port, IGBP_SWSM);

		igbp_wr32(port, IGBP_SWSM, swsm | IGBP_SWSM_SWESMBI);
		if (igbp_rd32(port, IGBP_SWSM) & IGBP_SWSM_SWESMBI)
			return 0;
		usleep_range(50, 60);
	}
	return -EBUSY;
}

static void igbp_swsm_release(struct igbp_port *port)
{
	u32 swsm = igbp_rd32(port, IGBP_SWSM);

	swsm &= ~(IGBP_SWSM_SMBI | IGBP_SWSM_SWESMBI);
	igbp_wr32(port, IGBP_SWSM, swsm);
}

/**
 * igbp_swfw_acquire - take a resource that firmware uses too
 * @port: port
 * @mask: IGBP_SWFW_*
 *
 * Context: process, may sleep.
 * Return: 0, -EBUSY when firmware or another function keeps the resource for
 * a second, -ENODEV when the device is gone or away.
 */
int igbp_swfw_acquire(struct igbp_port *port, u32 mask)
{
	u32 sync;
	int i;

	for (i = 0; i < IGBP_SWFW_POLLS; i++) {
		if (igbp_port_is_absent(port))
			return -ENODEV;
		if (igbp_swsm_acquire(port))
			return -EBUSY;
		sync = igbp_rd32(port, IGBP_SW_FW_SYNC);
		if (!(sync & (mask | mask << IGBP_SWFW_FW_SHIFT))) {
			igbp_wr32(port, IGBP_SW_FW_SYNC, sync | mask);
			igbp_swsm_release(port);
			return 0;
		}
		igbp_swsm_release(port);
		usleep_range(5000, 6000);
	}
	return -EBUSY;
}

/**
 * igbp_swfw_release - give back what igbp_swfw_acquire() took
 * @port: port
 * @mask: IGBP_SWFW_*
 *
 * Context: process.
 */
void igbp_swfw_release(struct igbp_port *port, u32 mask)
{
	u32 sync;

	if (igbp_swsm_acquire(port))
		dev_warn(&port->pdev->dev, "semaphore stuck\n");
	sync = igbp_rd32(port, IGBP_SW_FW_SYNC);
	igbp_wr32(port, IGBP_SW_FW_SYNC, sync & ~mask);
	igbp_swsm_release(port);
}

/**
 * igbp_mac_reset - quiet the device and reset it
 * @port: port
 *
 * Ends with interrupts masked, rings, filters and offload contexts cleared.
 *
 * Context: process, may sleep. RTNL, or before registration.
 * Return: 0, or -ENODEV when the device does not answer.
 */
int igbp_mac_reset(struct igbp_port *port)
{
	u32 ctrl, val;

	igbp_ptp_hold(port);
	igbp_wr32(port, IGBP_IMC, U32_MAX);
	igbp_wr32(port, IGBP_EIMC, U32_MAX);
	igbp_wr32(port, IGBP_RCTL, 0);
	igbp_wr32(port, IGBP_TCTL, IGBP_TCTL_PSP);

	ctrl = igbp_rd32(port, IGBP_CTRL);
	if (test_bit(IGBP_PORT_GONE, &port->flags))
		return -ENODEV;

	/* No request of ours may be on the bus when the reset cuts it */
	igbp_wr32(port, IGBP_CTRL, ctrl | IGBP_CTRL_MASTER_DISABLE);
	if (igbp_poll32(port, IGBP_STATUS, val,
			!(val & IGBP_STATUS_MASTER_ENABLE), 100,
			IGBP_MASTER_POLLS * 100))
		dev_dbg(&port->pdev->dev, "requests still pending\n");

	igbp_wr32(port, IGBP_CTRL, ctrl | IGBP_CTRL_RST);
	usleep_range(1000, 2000);
	if (igbp_poll32(port, IGBP_EECD, val, val & IGBP_EECD_AUTO_RD, 1000,
			IGBP_RESET_POLLS * 1000))
		dev_dbg(&port->pdev->dev, "no NVM was read after reset\n");

	igbp_wr32(port, IGBP_IMC, U32_MAX);
	igbp_wr32(port, IGBP_EIMC, U32_MAX);
	igbp_rd32(port, IGBP_ICR);

	return test_bit(IGBP_PORT_GONE, &port->flags) ? -ENODEV : 0;
}

/**
 * igbp_mac_leave - reset the device and leave it to firmware
 * @port: port whose rings do not run
 *
 * A device that is left must neither interrupt nor write memory.
 *
 * Context: process, may sleep. RTNL, or not registered.
 */
void igbp_mac_leave(struct igbp_port *port)
{
	u32 val;

	igbp_mac_reset(port);
	val = igbp_rd32(port, IGBP_CTRL_EXT);
	igbp_wr32(port, IGBP_CTRL_EXT, val & ~IGBP_CTRL_EXT_DRV_LOAD);
}

/**
 * igbp_mac_rar_pool_set - fill a receive address register, for some pool
 * @port: port
 * @index: which, below IGBP_RAR_ENTRIES
 * @addr: MAC address, or NULL to clear the entry
 * @pool: who receives, below IGBP_POOLS
 *
 * Context: any; igbp_sriov.lock with VFs, else as igbp_mac_rar_set().
 */
void igbp_mac_rar_pool_set(struct igbp_port *port, unsigned int index,
			   const u8 *addr, unsigned int pool)
{
	u32 ral = index < 16 ? IGBP_RAL(index) : IGBP_RAL2(index);
	u32 low = 0, high = 0;

	if (addr) {
		low = addr[0] | addr[1] << 8 | addr[2] << 16 |
		      (u32)addr[3] << 24;
		high = addr[4] | addr[5] << 8 | IGBP_RAH_POOL(pool) |
		       IGBP_RAH_AV;
	}
	/* Never valid with half of an address */
	igbp_wr32(port, ral + IGBP_RAH_OFFSET, 0);
	igbp_wr32(port, ral, low);
	igbp_wr32(port, ral + IGBP_RAH_OFFSET, high);
}

/**
 * igbp_mac_rar_set - fill a receive address register of a port without VFs
 * @port: port
 * @index: which, below IGBP_RAR_ENTRIES
 * @addr: MAC address, or NULL to clear the entry
 *
 * Context: any; netif_addr_lock for @index above 0, RTNL for 0.
 */
void igbp_mac_rar_set(struct igbp_port *port, unsigned int index,
		      const u8 *addr)
{
	igbp_mac_rar_pool_set(port, index, addr, 0);
}

/**
 * igbp_mac_addr_read - the address that a reset loads from the NVM
 * @port: port
 * @addr: filled in, ETH_ALEN bytes
 *
 * Context: process, right after igbp_mac_reset().
 */
void igbp_mac_addr_read(struct igbp_port *port, u8 *addr)
{
	u32 low = igbp_rd32(port, IGBP_RAL(0));
	u32 high = igbp_rd32(port, IGBP_RAL(0) + IGBP_RAH_OFFSET);

	addr[0] = low;
	addr[1] = low >> 8;
	addr[2] = low >> 16;
	addr[3] = low >> 24;
	addr[4] = high;
	addr[5] = high >> 8;
}

static void igbp_mac_flow_control_init(struct igbp_port *port)
{
	u32 fifo = igbp_rd32(port, IGBP_RXPBS) & IGBP_RXPBS_MASK;
	u32 high = fifo << 10;
	u32 spare;

	/* The destination and type of pause frames are fixed by 802.3x */
	igbp_wr32(port, IGBP_FCAL, 0x00c28001);
	igbp_wr32(port, IGBP_FCAH, 0x00000100);
	igbp_wr32(port, IGBP_FCT, 0x8808);
	igbp_wr32(port, IGBP_FCTTV, IGBP_PAUSE_TIME);

	/* What is under way when a pause starts has to fit above the mark:
	 * a frame that we are sending and one that the partner is.
	 */
	spare = 2 * (IGBP_MTU_MAX + IGBP_FRAME_EXTRA);
	high = high > 2 * spare ? high - spare : high / 2;
	high &= ~0xfU;
	igbp_wr32(port, IGBP_FCRTL, (high - 16) | IGBP_FCRTL_XONE);
	igbp_wr32(port, IGBP_FCRTH, high);
}

/**
 * igbp_mac_init - program what a reset has cleared, except the rings
 * @port: port
 *
 * Filters, VLAN, checksums, flow control, the clock, pools and the transmit
 * unit.
 * Receive is enabled by igbp_mac_filter_apply(), rings by
 * igbp_ring_pair_start().
 *
 * Context: process, RTNL or before registration.
 */
void igbp_mac_init(struct igbp_port *port)
{
	struct net_device *netdev = port->netdev;
	u32 val;
	int i;

	val = igbp_rd32(port, IGBP_CTRL_EXT);
	igbp_wr32(port, IGBP_CTRL_EXT, val | IGBP_CTRL_EXT_DRV_LOAD);
	igbp_wr32(port, IGBP_WUC, 0);
	igbp_wr32(port, IGBP_WUFC, 0);
	igbp_wr32(port, IGBP_WUS, U32_MAX);
	igbp_wr32(port, IGBP_VET, ETH_P_8021Q);

	/* Queue 0 comes enabled out of a reset, without memory */
	for (i = 0; i < IGBP_MAX_PAIRS; i++) {
		igbp_wr32(port, IGBP_RXDCTL(i), 0);
		igbp_wr32(port, IGBP_TXDCTL(i), 0);
	}

	for (i = 0; i < IGBP_UTA_WORDS; i++)
		igbp_wr32(port, IGBP_UTA(i), 0);
	igbp_mac_rar_set(port, 0, netdev->dev_addr);
	igbp_mac_vlan_apply(port);

	/* Hashing behind IPv6 extension headers is broken on the 82576 */
	val = igbp_rd32(port, IGBP_RFCTL);
	igbp_wr32(port, IGBP_RFCTL, val | IGBP_RFCTL_IPV6_EX_DIS);

	igbp_mac_flow_control_init(port);
	igbp_mac_frame_max_set(port, netdev->mtu);
	igbp_mac_features_apply(port, netdev->features);
	igbp_rss_apply(port);
	igbp_stamp_apply(port);
	igbp_steer_apply(port);
	igbp_ptp_start(port);
	igbp_sriov_apply(port);

	igbp_wr32(port, IGBP_TCTL, IGBP_TCTL_EN | IGBP_TCTL_PSP |
		  IGBP_TCTL_RTLC |
		  IGBP_TX_COLLISIONS << IGBP_TCTL_CT_SHIFT |
		  IGBP_TX_COLLISION_DIST << IGBP_TCTL_COLD_SHIFT);
}

/**
 * igbp_mac_frame_max_set - drop what does not fit into the receive buffers
 * @port: port
 * @mtu: bytes
 *
 * Receive buffers are larger than the longest frame allowed here only by
 * what SRRCTL must round up to; this limit keeps the device from using it. With
 * VFs it is that of the PF's pool.
 *
 * Context: any.
 */
void igbp_mac_frame_max_set(struct igbp_port *port, unsigned int mtu)
{
	if (port->sriov)
		igbp_sriov_frame_max_set(port, mtu + IGBP_FRAME_EXTRA);
	else
		igbp_wr32(port, IGBP_RLPML, mtu + IGBP_FRAME_EXTRA);
}

/**
 * igbp_mac_features_apply - VLAN and checksum units as in @features
 * @port: port
 * @features: NETIF_F_*
 *
 * One bit governs both stripping and insertion. The filter takes effect with
 * the next igbp_mac_filter_apply(). A device that checks no sums reports none,
 * so that the receive path need not ask.
 *
 * Context: process, may sleep, RTNL; takes mdio_lock, which CTRL is under.
 */
void igbp_mac_features_apply(struct igbp_port *port,
			     netdev_features_t features)
{
	/* Without the packet checksum its field holds the hash */
	u32 ctrl, rxcsum = IGBP_RXCSUM_PCSD;

	if (features & NETIF_F_RXCSUM)
		rxcsum |= IGBP_RXCSUM_IPOFL | IGBP_RXCSUM_TUOFL |
			  IGBP_RXCSUM_CRCOFL;
	igbp_wr32(port, IGBP_RXCSUM, rxcsum);

	mutex_lock(&port->mdio_lock);
	ctrl = igbp_rd32(port, IGBP_CTRL) & ~IGBP_CTRL_MASTER_DISABLE;
	if (features & NETIF_F_HW_VLAN_CTAG_RX)
		ctrl |= IGBP_CTRL_VME;
	else
		ctrl &= ~IGBP_CTRL_VME;
	igbp_wr32(port, IGBP_CTRL, ctrl);
	mutex_unlock(&port->mdio_lock);

	WRITE_ONCE(port->vlan_filter,
		   !!(features & NETIF_F_HW_VLAN_CTAG_FILTER));
	WRITE_ONCE(port->rx_fcs, !!(features & NETIF_F_RXFCS));
}

/**
 * igbp_mac_vlan_apply - write the VLAN filter table
 * @port: port
 *
 * Context: process, RTNL.
 */
void igbp_mac_vlan_apply(struct igbp_port *port)
{
	int i;

	for (i = 0; i < IGBP_VFTA_WORDS; i++)
		igbp_wr32(port, IGBP_VFTA(i), port->vfta[i]);
}

static void igbp_mac_multicast_hash(struct igbp_port *port, u32 *table)
{
	struct netdev_hw_addr *ha;

	/* RCTL.MO is 0: bits 47:36 of the address select one of 4096 */
	netdev_for_each_mc_addr(ha, port->netdev) {
		u32 hash = ha->addr[4] >> 4 | ha->addr[5] << 4;

		table[hash >> 5] |= BIT(hash & 31);
	}
}

static void igbp_mac_multicast_apply(struct igbp_port *port)
{
	u32 table[IGBP_MTA_WORDS] = {};
	int i;

	igbp_mac_multicast_hash(port, table);
	for (i = 0; i < IGBP_MTA_WORDS; i++)
		igbp_wr32(port, IGBP_MTA(i), table[i]);
}

/* Return: whether every secondary address found an entry */
static bool igbp_mac_unicast_apply(struct igbp_port *port)
{
	struct netdev_hw_addr *ha;
	unsigned int i = 1;

	if (netdev_uc_count(port->netdev) < IGBP_RAR_ENTRIES)
		netdev_for_each_uc_addr(ha, port->netdev)
			igbp_mac_rar_set(port, i++, ha->addr);
	while (i < IGBP_RAR_ENTRIES)
		igbp_mac_rar_set(port, i++, NULL);
	return netdev_uc_count(port->netdev) < IGBP_RAR_ENTRIES;
}

static void igbp_mac_filter_apply_pools(struct igbp_port *port)
{
	u32 table[IGBP_MTA_WORDS] = {};

	igbp_mac_multicast_hash(port, table);
	igbp_sriov_filter_apply(port, table);
}

/**
 * igbp_mac_filter_apply - program which frames are received, and receive
 * @port: port
 *
 * Takes what the stack wants from the net_device: promiscuous and allmulti
 * flags, the lists of addresses, the VLAN filter feature.
 *
 * Context: any; netif_addr_lock_bh held.
 */
void igbp_mac_filter_apply(struct igbp_port *port)
{
	struct net_device *netdev = port->netdev;
	u32 rctl = IGBP_RCTL_EN | IGBP_RCTL_BAM | IGBP_RCTL_LPE;

	lockdep_assert_held(&netdev->addr_list_lock);

	if (port->sriov) {
		igbp_mac_filter_apply_pools(port);
		return;
	}
	if (!READ_ONCE(port->rx_fcs))
		rctl |= IGBP_RCTL_SECRC;
	if (READ_ONCE(port->rx_all))
		rctl |= IGBP_RCTL_SBP;
	if (READ_ONCE(port->vlan_filter))
		rctl |= IGBP_RCTL_VFE;
	if (!igbp_mac_unicast_apply(port))
		rctl |= IGBP_RCTL_UPE;
	if (netdev->flags & IFF_PROMISC) {
		rctl |= IGBP_RCTL_UPE | IGBP_RCTL_MPE;
		rctl &= ~IGBP_RCTL_VFE;
	} else if (netdev->flags & IFF_ALLMULTI) {
		rctl |= IGBP_RCTL_MPE;
	} else {
		igbp_mac_multicast_apply(port);
	}
	igbp_wr32(port, IGBP_RCTL, rctl);
}

/**
 * igbp_mac_link_apply - bring speed, duplex and pause into the MAC
 * @port: port
 *
 * With autonegotiation the MAC follows the PHY by itself.
 *
 * Context: process, mdio_lock held.
 */
void igbp_mac_link_apply(struct igbp_port *port)
{
	u32 ctrl = igbp_rd32(port, IGBP_CTRL);

	lockdep_assert_held(&port->mdio_lock);

	ctrl &= ~(IGBP_CTRL_FRCSPD | IGBP_CTRL_FRCDPX | IGBP_CTRL_SPD_MASK |
		  IGBP_CTRL_FD | IGBP_CTRL_RFCE | IGBP_CTRL_TFCE |
		  IGBP_CTRL_MASTER_DISABLE);
	ctrl |= IGBP_CTRL_SLU;
	if (port->autoneg) {
		ctrl |= IGBP_CTRL_FD;
	} else {
		ctrl |= IGBP_CTRL_FRCSPD | IGBP_CTRL_FRCDPX;
		if (port->forced_speed == SPEED_100)
			ctrl |= IGBP_CTRL_SPD_100;
		if (port->forced_full)
			ctrl |= IGBP_CTRL_FD;
	}
	if (port->link.rx_pause)
		ctrl |= IGBP_CTRL_RFCE;
	if (port->link.tx_pause)
		ctrl |= IGBP_CTRL_TFCE;
	igbp_wr32(port, IGBP_CTRL, ctrl);
}

/**
 * igbp_mac_loopback_apply - full speed, whatever the cable says
 * @port: port
 *
 * igbp_mac_link_apply() undoes it.
 *
 * Context: process, mdio_lock held.
 */
void igbp_mac_loopback_apply(struct igbp_port *port)
{
	u32 ctrl = igbp_rd32(port, IGBP_CTRL);

	lockdep_assert_held(&port->mdio_lock);

	ctrl &= ~(IGBP_CTRL_SPD_MASK | IGBP_CTRL_RFCE | IGBP_CTRL_TFCE |
		  IGBP_CTRL_MASTER_DISABLE);
	ctrl |= IGBP_CTRL_SLU | IGBP_CTRL_FRCSPD | IGBP_CTRL_FRCDPX |
		IGBP_CTRL_SPD_1000 | IGBP_CTRL_FD;
	igbp_wr32(port, IGBP_CTRL, ctrl);
}

/**
 * igbp_mac_wake_apply - listen for what is to wake the device
 * @port: port after a reset
 * @wake: WAKE_*
 *
 * Context: process, RTNL.
 */
void igbp_mac_wake_apply(struct igbp_port *port, u32 wake)
{
	u32 rctl = IGBP_RCTL_EN | IGBP_RCTL_BAM, wufc = 0;

	if (wake & WAKE_PHY)
		wufc |= IGBP_WUFC_LNKC;
	if (wake & WAKE_MAGIC)
		wufc |= IGBP_WUFC_MAG;
	if (wake & WAKE_UCAST)
		wufc |= IGBP_WUFC_EX;
	if (wake & WAKE_BCAST)
		wufc |= IGBP_WUFC_BC;
	if (wake & WAKE_MCAST) {
		wufc |= IGBP_WUFC_MC;
		rctl |= IGBP_RCTL_MPE;
	}
	igbp_mac_rar_set(port, 0, port->netdev->dev_addr);
	igbp_wr32(port, IGBP_RCTL, rctl);
	igbp_wr32(port, IGBP_CTRL, IGBP_CTRL_SLU |
		  (igbp_rd32(port, IGBP_CTRL) & ~IGBP_CTRL_MASTER_DISABLE));
	igbp_wr32(port, IGBP_WUFC, wufc);
	igbp_wr32(port, IGBP_WUC, IGBP_WUC_PME_EN);
}

/**
 * igbp_mac_link_read - ask the MAC for the state of the link
 * @port: port
 * @link: speed and duplex are filled in when the link is up
 *
 * Context: process.
 * Return: whether the link is up.
 */
bool igbp_mac_link_read(struct igbp_port *port, struct igbp_link *link)
{
	u32 status = igbp_rd32(port, IGBP_STATUS);

	if (igbp_port_is_absent(port) ||
	    !(status & IGBP_STATUS_LU))
		return false;
	if (status & IGBP_STATUS_SPD_1000)
		link->speed = SPEED_1000;
	else if (status & IGBP_STATUS_SPD_100)
		link->speed = SPEED_100;
	else
		link->speed = SPEED_10;
	link->full_duplex = status & IGBP_STATUS_FD;
	return true;
}
