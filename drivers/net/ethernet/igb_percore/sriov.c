// SPDX-License-Identifier: GPL-2.0
/*
 * SR-IOV: a port that shares its device with VFs
 *
 * Beside the packet path. The administrator writes a number to sriov_numvfs,
 * and the device goes into another mode, or back:
 *
 *   0 -> n  the PF shrinks to the pair of its pool; the MAC is reset into pools
 *           and queues of VFs, and comes back; the PCI core makes the VFs
 *   n -> 0  the PCI core takes the VFs from their drivers; the MAC is reset
 *           out of it; the PF has its pairs again
 *
 * Both resets are igbp_netdev_restart(), which drops the link for a moment and
 * loses no connection. Without VFs nothing here runs, and no register of this
 * mode is written.
 *
 * Life of VFs, whatever happens to the PF:
 *
 *   PF is stopped        pools shut, VFs told that there is no link; as it is
 *                        started again they have one, and need not begin anew
 *   MAC reset, sleep,    all that VFs have set up is gone. What the
 *   PCI error, FLR       administrator wants is written again; VFs read a
 *                        refusal in their mailboxes and begin anew
 *   VF reset or FLR      the device says so: that VF is silent until VF_RESET
 *   PF is removed        VFs are taken from their drivers before anything else;
 *                        those that are a guest's stay, silent
 *
 * Locking: igbp_port.sriov changes under RTNL and netif_addr_lock while the
 * port is stopped, so the interrupt, the works and the filters, who are the
 * only ones without RTNL to look at it, never see it go. The PCI core is called
 * without RTNL, as the drivers of VFs register and unregister interfaces in
 * there; device_lock() keeps the number of VFs from changing under that.
 */
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "sriov.h"

#define IGBP_SRIOV_PING_RETRY	(HZ / 10)

static const u32 igbp_vf_stat_regs[IGBP_VF_STATS] = {
	[IGBP_VF_RX_PACKETS]	= IGBP_PVFGPRC(0),
	[IGBP_VF_TX_PACKETS]	= IGBP_PVFGPTC(0),
	[IGBP_VF_RX_BYTES]	= IGBP_PVFGORC(0),
	[IGBP_VF_TX_BYTES]	= IGBP_PVFGOTC(0),
	[IGBP_VF_RX_MULTICAST]	= IGBP_PVFMPRC(0),
};

#define IGBP_VF_STAT_STRIDE	(IGBP_PVFGPRC(1) - IGBP_PVFGPRC(0))

static void igbp_sriov_vf_harvest(struct igbp_port *port, unsigned int index)
{
	struct igbp_vf *vf = &port->sriov->vf[index];
	unsigned int i;

	for (i = 0; i < IGBP_VF_STATS; i++) {
		u32 now = igbp_rd32(port, igbp_vf_stat_regs[i] +
				    index * IGBP_VF_STAT_STRIDE);

		if (igbp_port_is_absent(port))
			return;
		vf->stats[i] += now - vf->stats_last[i];
		vf->stats_last[i] = now;
	}
}

/* Frames whose addresses or tags were not the VF's, which the device dropped */
static void igbp_sriov_spoofs_check(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	u32 queues = igbp_rd32(port, IGBP_WVBR);
	unsigned int i;

	if (!queues || igbp_port_is_absent(port))
		return;
	queues |= queues >> IGBP_POOLS;
	for (i = 0; i < sriov->count; i++) {
		if (!(queues & BIT(i)))
			continue;
		sriov->vf[i].spoofed++;
		if (net_ratelimit())
			netdev_warn(port->netdev,
				    "VF %u sends with addresses or tags that are not its own\n",
				    i);
	}
}

/**
 * igbp_sriov_harvest - add what VFs have counted since the last time
 * @port: port, with VFs or without
 *
 * Often enough, as bytes wrap after half a minute of a full link.
 *
 * Context: process; RTNL, or the link work.
 */
void igbp_sriov_harvest(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;
	unsigned int i;

	if (!sriov || igbp_port_is_absent(port))
		return;
	spin_lock_irqsave(&sriov->lock, irqflags);
	for (i = 0; i < sriov->count; i++)
		igbp_sriov_vf_harvest(port, i);
	igbp_sriov_spoofs_check(port);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

static void igbp_sriov_pf_pool_write(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	u32 vmolr = IGBP_VMOLR_STRCRC | IGBP_VMOLR_STRVLAN | IGBP_VMOLR_BAM |
		    IGBP_VMOLR_AUPE | IGBP_VMOLR_ROMPE | IGBP_VMOLR_LPE |
		    sriov->pf_frame;
	u32 vt_ctl = IGBP_PF_POOL << IGBP_VT_CTL_DEF_POOL_SHIFT |
		     IGBP_VT_CTL_REPLICATE;

	if (sriov->pf_allmulti)
		vmolr |= IGBP_VMOLR_MPME;
	/* The default pool has what is nobody's */
	if (!sriov->pf_promisc)
		vt_ctl |= IGBP_VT_CTL_NO_DEF_POOL;
	igbp_wr32(port, IGBP_VMOLR(IGBP_PF_POOL), vmolr);
	igbp_wr32(port, IGBP_VT_CTL, vt_ctl);
}

/**
 * igbp_sriov_spoofchk_write - write whose frames are looked at
 * @port: port with VFs
 *
 * Frames go from pool to pool within the device, but not back to where they
 * come from.
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_sriov_spoofchk_write(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	u32 val = IGBP_DTXSWC_LOOPBACK;
	unsigned int i;

	lockdep_assert_held(&sriov->lock);
	for (i = 0; i < sriov->count; i++)
		if (sriov->vf[i].spoofchk)
			val |= IGBP_DTXSWC_MAC_SPOOF(i) |
			       IGBP_DTXSWC_VLAN_SPOOF(i);
	igbp_wr32(port, IGBP_DTXSWC, val);
}

/**
 * igbp_sriov_apply - write the mode of VFs after a reset
 * @port: port, with VFs or without; all else is written
 *
 * No VF is ready afterwards. All of them learn that the reset is over.
 *
 * Context: process, RTNL.
 */
void igbp_sriov_apply(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;
	unsigned int i;

	if (!sriov)
		return;
	spin_lock_irqsave(&sriov->lock, irqflags);
	/* Limits of frames are each pool's own */
	igbp_wr32(port, IGBP_RLPML, IGBP_VF_FRAME_MAX + VLAN_HLEN);
	igbp_wr32(port, IGBP_QDE, GENMASK(2 * IGBP_POOLS - 1, 0));
	igbp_wr32(port, IGBP_DTXCTL, igbp_rd32(port, IGBP_DTXCTL) |
		  IGBP_DTXCTL_VLAN_ADDED);
	igbp_wr32(port, IGBP_RPLOLR, IGBP_VMOLR_STRCRC | IGBP_VMOLR_STRVLAN);
	igbp_wr32(port, IGBP_MBVFIMR, GENMASK(IGBP_POOLS - 1, 0));
	igbp_sriov_spoofchk_write(port);
	igbp_vlan_write_all(port);

	memset(sriov->mta, 0, sizeof(sriov->mta));
	for (i = 0; i < IGBP_MTA_WORDS; i++)
		igbp_wr32(port, IGBP_MTA(i), 0);
	for (i = 0; i < sriov->count; i++) {
		memset(sriov->vf[i].stats_last, 0,
		       sizeof(sriov->vf[i].stats_last));
		igbp_vf_reset(port, i);
		igbp_vf_rate_write(port, i);
	}
	igbp_sriov_pf_pool_write(port);
	for (i = 0; i < IGBP_RAR_ENTRIES; i++)
		igbp_rar_write(port, i);
	igbp_wr32(port, IGBP_CTRL_EXT, igbp_rd32(port, IGBP_CTRL_EXT) |
		  IGBP_CTRL_EXT_PFRSTD);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

/**
 * igbp_sriov_frame_max_set - the PF's longest frame, where VFs have others
 * @port: port with VFs
 * @bytes: FCS included
 *
 * Context: any.
 */
void igbp_sriov_frame_max_set(struct igbp_port *port, unsigned int bytes)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;

	spin_lock_irqsave(&sriov->lock, irqflags);
	sriov->pf_frame = bytes;
	igbp_sriov_pf_pool_write(port);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

/**
 * igbp_sriov_mac_set - the PF's own address, where VFs have others
 * @port: port with VFs
 * @addr: address
 *
 * Context: process, RTNL.
 * Return: 0, or -EADDRINUSE.
 */
int igbp_sriov_mac_set(struct igbp_port *port, const u8 *addr)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned int owner = IGBP_PF_POOL;
	unsigned long irqflags;
	int at;

	spin_lock_irqsave(&sriov->lock, irqflags);
	at = igbp_rar_find(sriov->rar, addr);
	if (at >= 0)
		owner = sriov->rar[at].owner;
	if (owner == IGBP_PF_POOL)
		igbp_rar_own_set(port, IGBP_PF_POOL, addr);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
	if (owner == IGBP_PF_POOL)
		return 0;
	netdev_err(port->netdev, "%pM is the address of VF %u\n", addr, owner);
	return -EADDRINUSE;
}

/**
 * igbp_sriov_vlan_set - a VLAN of the PF, where VFs have others
 * @port: port with VFs
 * @vid: VLAN
 * @on: receive it
 *
 * Context: process, RTNL.
 * Return: 0, or -ENOSPC.
 */
int igbp_sriov_vlan_set(struct igbp_port *port, u16 vid, bool on)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;
	int err = 0;

	spin_lock_irqsave(&sriov->lock, irqflags);
	if (on)
		err = igbp_vlan_pool_add(port, vid, IGBP_PF_POOL, 0);
	else
		igbp_vlan_pool_del(port, vid, IGBP_PF_POOL);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
	if (err)
		netdev_err(port->netdev,
			   "VLAN %u: with VFs all have %u VLANs together\n",
			   vid, IGBP_VLVF_ENTRIES);
	return err;
}

/**
 * igbp_sriov_filter_apply - what igbp_mac_filter_apply() does, with VFs
 * @port: port with VFs
 * @table: multicast table that the PF wants, IGBP_MTA_WORDS words
 *
 * VLANs are always filtered: the PF, too, has those that it asks for.
 *
 * Context: any; netif_addr_lock_bh held.
 */
void igbp_sriov_filter_apply(struct igbp_port *port, const u32 *table)
{
	u32 rctl = IGBP_RCTL_EN | IGBP_RCTL_BAM | IGBP_RCTL_LPE |
		   IGBP_RCTL_SECRC | IGBP_RCTL_VFE;
	struct igbp_sriov *sriov = port->sriov;
	unsigned int flags = port->netdev->flags;
	unsigned long irqflags;

	lockdep_assert_held(&port->netdev->addr_list_lock);

	spin_lock_irqsave(&sriov->lock, irqflags);
	sriov->pf_promisc = flags & IFF_PROMISC;
	if (!igbp_rar_pf_apply(port))
		sriov->pf_promisc = true;
	sriov->pf_allmulti = flags & (IFF_PROMISC | IFF_ALLMULTI);
	memcpy(sriov->pf_mta, table, sizeof(sriov->pf_mta));
	if (igbp_vf_multicast_write(port))
		rctl |= IGBP_RCTL_MPE;
	if (sriov->pf_promisc)
		rctl |= IGBP_RCTL_UPE;
	igbp_sriov_pf_pool_write(port);
	igbp_wr32(port, IGBP_RCTL, rctl);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

static void igbp_sriov_ping_all(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	bool again = false;
	unsigned int i;

	lockdep_assert_held(&sriov->lock);
	for (i = 0; i < sriov->count; i++) {
		igbp_vf_ping(port, i);
		again |= sriov->vf[i].ping_due;
	}
	if (again && sriov->up)
		queue_delayed_work(system_wq, &sriov->ping_work,
				   IGBP_SRIOV_PING_RETRY);
}

/* Those whose mailboxes were not free */
static void igbp_sriov_ping_work(struct work_struct *work)
{
	struct igbp_sriov *sriov = container_of(to_delayed_work(work),
						struct igbp_sriov, ping_work);
	unsigned long irqflags;
	bool again = false;
	unsigned int i;

	spin_lock_irqsave(&sriov->lock, irqflags);
	for (i = 0; i < sriov->count && sriov->up; i++) {
		if (sriov->vf[i].ping_due)
			igbp_vf_ping(sriov->port, i);
		again |= sriov->vf[i].ping_due;
	}
	if (again)
		queue_delayed_work(system_wq, &sriov->ping_work,
				   IGBP_SRIOV_PING_RETRY);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

/**
 * igbp_sriov_ping - have a VF look at its link
 * @port: port with VFs
 * @index: which
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_sriov_ping(struct igbp_port *port, unsigned int index)
{
	struct igbp_sriov *sriov = port->sriov;

	lockdep_assert_held(&sriov->lock);
	if (!sriov->up)
		return;
	igbp_vf_ping(port, index);
	if (sriov->vf[index].ping_due)
		queue_delayed_work(system_wq, &sriov->ping_work,
				   IGBP_SRIOV_PING_RETRY);
}

/**
 * igbp_sriov_event - VFs were reset, have written, or have read
 * @port: port, with VFs or without
 *
 * What comes after the registers were read raises the interrupt again.
 *
 * Context: hard interrupt for other causes, or process.
 */
void igbp_sriov_event(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;
	u32 resets, mail;
	unsigned int i;

	if (!sriov)
		return;
	spin_lock_irqsave(&sriov->lock, irqflags);
	/* In this order: a reset comes no later than the hello after it */
	mail = igbp_rd32(port, IGBP_MBVFICR);
	resets = igbp_rd32(port, IGBP_VFLRE);
	if (!sriov->up || igbp_port_is_absent(port))
		goto unlock;
	igbp_wr32(port, IGBP_VFLRE, resets);
	igbp_wr32(port, IGBP_MBVFICR, mail);
	for (i = 0; i < sriov->count; i++) {
		if (resets & BIT(i))
			igbp_vf_reset(port, i);
		/* One that asks has read the answer before */
		if (mail & IGBP_MBVFICR_REQ(i))
			igbp_vf_message(port, i);
		else if (mail & IGBP_MBVFICR_ACK(i))
			igbp_vf_acked(port, i);
	}
unlock:
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

/**
 * igbp_sriov_up - the PF runs, so VFs may
 * @port: port, with VFs or without
 *
 * What VFs did meanwhile is looked at first.
 *
 * Context: process, RTNL; interrupts are on.
 */
void igbp_sriov_up(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;

	if (!sriov)
		return;
	spin_lock_irqsave(&sriov->lock, irqflags);
	sriov->up = true;
	spin_unlock_irqrestore(&sriov->lock, irqflags);
	igbp_sriov_event(port);
	spin_lock_irqsave(&sriov->lock, irqflags);
	igbp_vf_enables_write(port);
	igbp_sriov_ping_all(port);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

/**
 * igbp_sriov_down - the PF stops, so VFs have no link
 * @port: port, with VFs or without
 *
 * Context: process, may sleep, RTNL; interrupts are off.
 */
void igbp_sriov_down(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;

	if (!sriov)
		return;
	spin_lock_irqsave(&sriov->lock, irqflags);
	sriov->up = false;
	sriov->link_speed = 0;
	igbp_vf_enables_write(port);
	igbp_sriov_ping_all(port);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
	cancel_delayed_work_sync(&sriov->ping_work);
}

/**
 * igbp_sriov_link_changed - have VFs look at the link
 * @port: port, with VFs or without
 * @speed: Mbit/s, or 0 without a link; limits are a part of it
 *
 * Context: process; the link work.
 */
void igbp_sriov_link_changed(struct igbp_port *port, unsigned int speed)
{
	struct igbp_sriov *sriov = port->sriov;
	unsigned long irqflags;
	unsigned int i;

	if (!sriov)
		return;
	spin_lock_irqsave(&sriov->lock, irqflags);
	sriov->link_speed = speed;
	for (i = 0; i < sriov->count; i++)
		igbp_vf_rate_write(port, i);
	if (sriov->up)
		igbp_sriov_ping_all(port);
	spin_unlock_irqrestore(&sriov->lock, irqflags);
}

/**
 * igbp_sriov_features_fix - what the PF cannot choose while it has VFs
 * @port: port, with VFs or without
 * @features: NETIF_F_* wanted
 *
 * Copies of a frame have their tag taken out for all or for none; bad frames,
 * the FCS and a PHY that loops are for all, too.
 *
 * Context: process, RTNL.
 * Return: what can be had.
 */
netdev_features_t igbp_sriov_features_fix(struct igbp_port *port,
					  netdev_features_t features)
{
	if (!port->sriov)
		return features;
	features |= NETIF_F_HW_VLAN_CTAG_RX | NETIF_F_HW_VLAN_CTAG_TX |
		    NETIF_F_HW_VLAN_CTAG_FILTER;
	return features & ~(NETIF_F_RXALL | NETIF_F_RXFCS | NETIF_F_LOOPBACK);
}

/* Return: 0, or why there can be no VFs now */
static int igbp_sriov_check(struct igbp_port *port, unsigned int count)
{
	struct net_device *netdev = port->netdev;
	unsigned int i;

	if (port->irq_mode == IGBP_IRQ_SHARED) {
		netdev_err(netdev, "%u VFs: they need MSI-X, which the PF does not have\n",
			   count);
		return -EOPNOTSUPP;
	}
	if (igbp_steer_has_rules(port)) {
		netdev_err(netdev, "%u VFs: there are steering rules (ethtool -N), which name queues of VFs\n",
			   count);
		return -EBUSY;
	}
	for (i = 1; i < port->max_pairs; i++) {
		if (!port->pair[i]->xsk)
			continue;
		netdev_err(netdev, "%u VFs: queue %u, which the PF would lose, is an AF_XDP socket's\n",
			   count, i);
		return -EBUSY;
	}
	return 0;
}

static int igbp_sriov_vlans_take(struct igbp_port *port,
				 struct igbp_sriov *sriov)
{
	unsigned int vid;

	for (vid = 0; vid < VLAN_N_VID; vid++) {
		if (!(port->vfta[vid / 32] & BIT(vid % 32)))
			continue;
		if (igbp_vlan_join(sriov->vlan, vid, IGBP_PF_POOL, 0) >= 0)
			continue;
		netdev_err(port->netdev, "%u VFs: the PF has more than the %u VLANs that all have together then\n",
			   sriov->count, IGBP_VLVF_ENTRIES);
		return -ENOSPC;
	}
	return 0;
}

static struct igbp_sriov *igbp_sriov_alloc(struct igbp_port *port,
					   unsigned int count)
{
	struct igbp_sriov *sriov;
	unsigned int i;
	int err;

	sriov = kzalloc(struct_size(sriov, vf, count), GFP_KERNEL);
	if (!sriov)
		return ERR_PTR(-ENOMEM);
	sriov->count = count;
	sriov->port = port;
	spin_lock_init(&sriov->lock);
	INIT_DELAYED_WORK(&sriov->ping_work, igbp_sriov_ping_work);
	for (i = 0; i < count; i++)
		igbp_vf_init(&sriov->vf[i]);
	igbp_rar_init(sriov->rar, count);
	ether_addr_copy(sriov->rar[0].addr, port->netdev->dev_addr);
	sriov->pf_frame = port->netdev->mtu + IGBP_FRAME_EXTRA;
	sriov->pairs_before = port->pairs;
	memcpy(sriov->rss_table_before, port->rss_table,
	       sizeof(sriov->rss_table_before));
	err = igbp_sriov_vlans_take(port, sriov);
	if (err) {
		kfree(sriov);
		return ERR_PTR(err);
	}
	return sriov;
}

/* Change the mode and reset into it. Nobody looks at @port->sriov meanwhile:
 * interrupts and works are off, and the filters are under the lock.
 */
static int igbp_sriov_switch(struct igbp_port *port, struct igbp_sriov *sriov)
{
	igbp_netdev_down(port);
	netif_addr_lock_bh(port->netdev);
	WRITE_ONCE(port->sriov, sriov);
	netif_addr_unlock_bh(port->netdev);
	/* From now on aRFS adds none */
	igbp_steer_clear(port, sriov ? 0 : port->pairs);
	igbp_ring_queues_number(port);
	/* Who brings it back does the rest */
	if (test_bit(IGBP_PORT_AWAY, &port->flags) &&
	    !netif_device_present(port->netdev))
		return 0;
	return igbp_netdev_restart(port);
}

static void igbp_sriov_pairs_restore(struct igbp_port *port,
				     const struct igbp_sriov *sriov)
{
	int err = 0;

	if (!netif_device_present(port->netdev))
		err = -ENODEV;
	else if (port->pairs != sriov->pairs_before)
		err = igbp_netdev_channels_set(port, sriov->pairs_before,
					       NULL);
	if (err) {
		netdev_err(port->netdev, "%u of %u pairs without VFs: %d\n",
			   port->pairs, sriov->pairs_before, err);
		return;
	}
	if (netif_is_rxfh_configured(port->netdev))
		memcpy(port->rss_table, sriov->rss_table_before,
		       sizeof(port->rss_table));
	igbp_rss_apply(port);
}

/* Return: 0, or what is in the way; then all is as before */
static int igbp_sriov_enter(struct igbp_port *port, unsigned int count)
{
	struct igbp_sriov *sriov;
	int err;

	ASSERT_RTNL();
	err = igbp_sriov_check(port, count);
	if (err)
		return err;
	sriov = igbp_sriov_alloc(port, count);
	if (IS_ERR(sriov))
		return PTR_ERR(sriov);
	/* Fewer pairs cannot fail */
	if (port->pairs > 1)
		igbp_netdev_channels_set(port, 1, NULL);
	igbp_rss_table_default(port, 1);
	err = igbp_sriov_switch(port, sriov);
	if (err) {
		if (!igbp_sriov_switch(port, NULL) &&
		    !test_bit(IGBP_PORT_AWAY, &port->flags))
			netif_device_attach(port->netdev);
		igbp_sriov_pairs_restore(port, sriov);
		kfree(sriov);
		return err;
	}
	netdev_update_features(port->netdev);
	return 0;
}

static void igbp_sriov_leave(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	int err;

	ASSERT_RTNL();
	if (!sriov)
		return;
	/* Queues that were VFs' are to be ours again */
	igbp_wr32(port, IGBP_IOVCTL, IGBP_IOVCTL_REUSE_VFQ);
	err = igbp_sriov_switch(port, NULL);
	if (!err)
		igbp_sriov_pairs_restore(port, sriov);
	kfree(sriov);
	netdev_update_features(port->netdev);
	igbp_life_idle(port);
}

static int igbp_sriov_enable(struct igbp_port *port, unsigned int count)
{
	int err;

	rtnl_lock();
	err = igbp_life_get(port);
	if (!err) {
		err = igbp_sriov_enter(port, count);
		igbp_life_put(port);
	}
	rtnl_unlock();
	if (err)
		return err;
	/* A port with VFs does not sleep */
	err = pci_enable_sriov(port->pdev, count);
	if (!err) {
		netdev_info(port->netdev, "%u VFs of at most %u: one of the %u pools is the PF's, which has 1 pair meanwhile\n",
			    count, IGBP_VFS_MAX, IGBP_POOLS);
		return 0;
	}
	netdev_err(port->netdev, "%u VFs: the PCI core says %d\n", count, err);
	rtnl_lock();
	igbp_sriov_leave(port);
	rtnl_unlock();
	return err;
}

/**
 * igbp_sriov_configure - sriov_numvfs: make VFs, or take them away
 * @pdev: the PF
 * @count: number of VFs; the PCI core changes it from 0 or to 0 alone
 *
 * Context: process, may sleep; takes RTNL; device_lock() held.
 * Return: @count; -ERANGE above IGBP_VFS_MAX; -EBUSY where something uses
 * queues that VFs would have, or VFs are a guest's; -EOPNOTSUPP without MSI-X,
 * -ENOSPC with too many VLANs, or an error of allocation, reset, or the PCI
 * core. The log says why.
 */
int igbp_sriov_configure(struct pci_dev *pdev, int count)
{
	struct igbp_port *port = netdev_priv(pci_get_drvdata(pdev));
	int err;

	/* With VFs of an earlier driver the PCI core was told no limit */
	if (count > IGBP_VFS_MAX) {
		netdev_err(port->netdev, "%d VFs of at most %u\n",
			   count, IGBP_VFS_MAX);
		return -ERANGE;
	}
	if (count) {
		err = igbp_sriov_enable(port, count);
		return err ? : count;
	}
	if (pci_vfs_assigned(pdev)) {
		netdev_err(port->netdev, "%d of the VFs are a guest's and stay\n",
			   pci_vfs_assigned(pdev));
		return -EBUSY;
	}
	pci_disable_sriov(pdev);
	rtnl_lock();
	igbp_sriov_leave(port);
	rtnl_unlock();
	return 0;
}

/**
 * igbp_sriov_init - tell the PCI core how many VFs there can be
 * @port: port that is registered
 *
 * VFs of an earlier driver, which could not be taken from a guest, are ours.
 *
 * Context: process, probe; takes RTNL.
 */
void igbp_sriov_init(struct igbp_port *port)
{
	int count = pci_num_vf(port->pdev), err;

	if (!count) {
		pci_sriov_set_totalvfs(port->pdev, IGBP_VFS_MAX);
		return;
	}
	rtnl_lock();
	err = count > IGBP_VFS_MAX ? -ERANGE : igbp_sriov_enter(port, count);
	rtnl_unlock();
	if (err)
		netdev_err(port->netdev, "%d VFs were there and stay silent: %d\n",
			   count, err);
}

/**
 * igbp_sriov_exit - part with the VFs
 * @port: port that is about to be removed
 *
 * First, while VFs are answered still: their drivers say goodbye.
 *
 * Context: process, remove; takes RTNL.
 */
void igbp_sriov_exit(struct igbp_port *port)
{
	if (pci_num_vf(port->pdev)) {
		if (pci_vfs_assigned(port->pdev))
			netdev_warn(port->netdev,
				    "VFs are a guest's and stay, silent\n");
		else
			pci_disable_sriov(port->pdev);
	}
	rtnl_lock();
	igbp_sriov_leave(port);
	rtnl_unlock();
}

static void igbp_sriov_function_restore(struct pci_dev *vf)
{
	u16 command;

	if (!pci_is_enabled(vf))
		return;
	/* The specification has no such bit for a VF, but QEMU goes by it */
	pci_read_config_word(vf, PCI_COMMAND, &command);
	command |= PCI_COMMAND_MEMORY;
	if (vf->is_busmaster)
		command |= PCI_COMMAND_MASTER;
	pci_write_config_word(vf, PCI_COMMAND, command);
	pci_restore_msi_state(vf);
}

/**
 * igbp_sriov_functions_restore - the PF has lost its configuration space
 * @port: port whose own is restored
 *
 * The PCI core makes the VFs anew in the device, and knows what theirs had.
 *
 * Context: process, may sleep.
 */
void igbp_sriov_functions_restore(struct igbp_port *port)
{
	struct pci_dev *vf = NULL;

	if (!pci_num_vf(port->pdev))
		return;
	while ((vf = pci_get_device(PCI_VENDOR_ID_INTEL, PCI_ANY_ID, vf))) {
		if (!vf->is_virtfn || pci_physfn(vf) != port->pdev)
			continue;
		igbp_sriov_function_restore(vf);
	}
}
