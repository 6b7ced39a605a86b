/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of SR-IOV share: sriov.c, vf.c, mbx.c, vlan.c, rar.c, admin.c
 *
 * The device has eight pools of two queues each. VF n has pool n, and the PF
 * the last one, which is why there are seven VFs at most: a pool's memory is
 * reached as the function that it belongs to, so one that is a VF's is of no
 * use to the PF. Of the two queues of its pool the PF receives and sends on the
 * first and has the second for XDP; without a hash between them, which would
 * need the device to hash within pools, and not every model of it does.
 *
 * Nothing of this exists without VFs: igbp_port.sriov is NULL then, and the
 * device is not in this mode at all.
 */
#ifndef _IGBP_SRIOV_H
#define _IGBP_SRIOV_H

#include <linux/if_link.h>

#include "igb_percore.h"

#define IGBP_VF_HASHES		30	/* multicast, in a message */
#define IGBP_VF_FRAME_MIN	64	/* bytes, FCS included */
#define IGBP_VF_FRAME_DEFAULT	(ETH_FRAME_LEN + ETH_FCS_LEN)
#define IGBP_VF_FRAME_MAX	9728
#define IGBP_VF_FILTERS		3	/* addresses beside its own */

/**
 * struct igbp_vlan - an entry of the table of VLANs and pools (VLVF)
 * @vid: VLAN
 * @pools: a bit for each pool that is in it; 0 if the entry is free
 */
struct igbp_vlan {
	u16 vid;
	u8 pools;
};

/* Who has an entry of the receive addresses; a pool's number else */
#define IGBP_RAR_FREE		0xff

/**
 * struct igbp_rar - a receive address
 * @addr: address; zero in an entry that is kept for somebody
 * @owner: pool that receives, or IGBP_RAR_FREE
 */
struct igbp_rar {
	u8 addr[ETH_ALEN] __aligned(2);
	u8 owner;
};

/* Counters of a VF, in the order of igbp_vf_stat_regs */
enum igbp_vf_stat {
	IGBP_VF_RX_PACKETS,
	IGBP_VF_TX_PACKETS,
	IGBP_VF_RX_BYTES,
	IGBP_VF_TX_BYTES,
	IGBP_VF_RX_MULTICAST,
	IGBP_VF_STATS,
};

/**
 * struct igbp_vf - a VF, as the administrator and its driver want it
 * @mac: its address, or zero
 * @mac_set: the administrator has chosen @mac
 * @trusted: may do without the administrator's leave
 * @spoofchk: what it sends must come from its address and VLANs
 * @link_state: IFLA_VF_LINK_STATE_*
 * @vlan: VLAN that all of its frames are in, or 0
 * @qos: priority of that tag
 * @rate: most that it may send, Mbit/s, or 0
 * @ready: its driver has said hello since the last reset
 * @allmulti: it receives every multicast frame
 * @frame_max: longest frame that it receives, bytes, FCS included, no tag
 * @hash_count: number of @hashes
 * @hashes: multicast addresses that it wants, by their hash
 * @unread: it has not read what was answered last; no more than a hint
 * @answered: jiffies then
 * @ping_due: something is to be told, when its mailbox is free
 * @ping_tries: times that it was not
 * @quiet_due: the answer that it is about to read reads as if it had a link
 * @spoofed: looks that found it had sent forged frames
 * @stats: counters
 * @stats_last: the device's, when last looked at
 */
struct igbp_vf {
	u8 mac[ETH_ALEN] __aligned(2);
	bool mac_set;
	bool trusted;
	bool spoofchk;
	u8 link_state;
	u16 vlan;
	u8 qos;
	u16 rate;

	bool ready;
	bool allmulti;
	u16 frame_max;
	u8 hash_count;
	u16 hashes[IGBP_VF_HASHES];

	bool unread;
	unsigned long answered;
	bool ping_due;
	u8 ping_tries;
	bool quiet_due;

	u64 spoofed;
	u64 stats[IGBP_VF_STATS];
	u32 stats_last[IGBP_VF_STATS];
};

/**
 * struct igbp_sriov - a port with VFs
 * @lock: guards all that follows, the mailboxes, and every register of pools:
 *	also the multicast table, the VLAN filter and the receive addresses
 * @port: owner
 * @count: number of VFs; does not change
 * @up: the PF is up, so VFs may have a link
 * @pf_allmulti: the PF receives every multicast frame
 * @pf_promisc: the PF receives what is nobody's
 * @pf_frame: longest frame that the PF receives, bytes, FCS included
 * @link_speed: Mbit/s, or 0 without a link
 * @mta: multicast table as the device has it
 * @pf_mta: what the PF wants of it
 * @vlan: VLANs and their pools
 * @rar: receive addresses
 * @ping_work: tells VFs what could not be told at once
 * @pairs_before: pairs in use without VFs; under RTNL
 * @rss_table_before: table of queues then; under RTNL
 * @vf: VFs
 */
struct igbp_sriov {
	spinlock_t lock; /* what follows, and the registers of pools */
	struct igbp_port *port;
	u8 count;
	bool up;
	bool pf_allmulti;
	bool pf_promisc;
	u16 pf_frame;
	u16 link_speed;
	u32 mta[IGBP_MTA_WORDS];
	u32 pf_mta[IGBP_MTA_WORDS];
	struct igbp_vlan vlan[IGBP_VLVF_ENTRIES];
	struct igbp_rar rar[IGBP_RAR_ENTRIES];
	struct delayed_work ping_work;
	u16 pairs_before;
	u8 rss_table_before[IGBP_RETA_ENTRIES];
	struct igbp_vf vf[] __counted_by(count);
};

/* mbx.c; all of it under igbp_sriov.lock */
bool igbp_mbx_receive(struct igbp_port *port, unsigned int vf, u32 *msg);
void igbp_mbx_release(struct igbp_port *port, unsigned int vf);
void igbp_mbx_answer(struct igbp_port *port, unsigned int vf, const u32 *msg,
		     unsigned int words);
bool igbp_mbx_post(struct igbp_port *port, unsigned int vf, u32 msg,
		   bool raise);
void igbp_mbx_take(struct igbp_port *port, unsigned int vf);

/* vf.c; all of it under igbp_sriov.lock */
void igbp_vf_init(struct igbp_vf *vf);
u32 igbp_vf_vmolr(const struct igbp_vf *vf);
u32 igbp_vf_vmvir(const struct igbp_vf *vf);
u32 igbp_vf_rate_factor(unsigned int link, unsigned int rate);
u32 igbp_vf_ping_word(const struct igbp_sriov *sriov, const struct igbp_vf *vf);
void igbp_vf_pool_write(struct igbp_port *port, unsigned int index);
void igbp_vf_enables_write(struct igbp_port *port);
void igbp_vf_rate_write(struct igbp_port *port, unsigned int index);
bool igbp_vf_multicast_write(struct igbp_port *port);
void igbp_vf_ping(struct igbp_port *port, unsigned int index);
void igbp_vf_reset(struct igbp_port *port, unsigned int index);
void igbp_vf_message(struct igbp_port *port, unsigned int index);
void igbp_vf_acked(struct igbp_port *port, unsigned int index);

/* sriov.c, for admin.c; under igbp_sriov.lock */
void igbp_sriov_spoofchk_write(struct igbp_port *port);
void igbp_sriov_ping(struct igbp_port *port, unsigned int index);

/* vlan.c */
int igbp_vlan_find(const struct igbp_vlan *table, u16 vid);
int igbp_vlan_join(struct igbp_vlan *table, u16 vid, unsigned int pool,
		   unsigned int spare);
int igbp_vlan_leave(struct igbp_vlan *table, u16 vid, unsigned int pool);
u32 igbp_vlan_filter_word(const struct igbp_vlan *table, unsigned int word);
int igbp_vlan_pool_add(struct igbp_port *port, u16 vid, unsigned int pool,
		       unsigned int spare);
void igbp_vlan_pool_del(struct igbp_port *port, u16 vid, unsigned int pool);
void igbp_vlan_pool_clear(struct igbp_port *port, unsigned int pool);
void igbp_vlan_write_all(struct igbp_port *port);

/* rar.c */
void igbp_rar_init(struct igbp_rar *table, unsigned int vfs);
unsigned int igbp_rar_of_vf(unsigned int vf);
int igbp_rar_find(const struct igbp_rar *table, const u8 *addr);
int igbp_rar_place(struct igbp_rar *table, unsigned int pool,
		   const u8 *addr, unsigned int spare);
unsigned int igbp_rar_count(const struct igbp_rar *table, unsigned int pool);
void igbp_rar_write(struct igbp_port *port, unsigned int index);
void igbp_rar_own_set(struct igbp_port *port, unsigned int pool,
		      const u8 *addr);
int igbp_rar_filter_add(struct igbp_port *port, unsigned int vf,
			const u8 *addr);
void igbp_rar_filters_clear(struct igbp_port *port, unsigned int pool);
bool igbp_rar_pf_apply(struct igbp_port *port);

#endif /* _IGBP_SRIOV_H */
