// SPDX-License-Identifier: GPL-2.0
/*
 * A VF: what its driver asks for, and the registers of its pool
 *
 * Beside the packet path: mbx.c -> [here] -> vlan.c, rar.c; admin.c sets what
 * the administrator wants, and that comes first. sriov.c calls all of it when
 * the device says that something happened.
 *
 *        reset of the VF, or of us
 *   any ---------------------------> silent: neither receives nor sends
 *   silent --- VF_RESET -----------> ready: answered, and asked what it likes
 *   silent --- anything else ------> silent, refused without CTS; the stock
 *                                    driver then resets itself, and says it
 *
 * A link that the administrator took away is one thing less than ready: words
 * of the PF come without CTS but not refused, so that the driver waits. Its
 * pool is shut too, whatever its driver thinks.
 *
 * What a VF says is not believed. A request is looked at once, in memory of
 * ours; it does a bounded number of register accesses; how often that can be
 * is bounded by the moderation of the interrupt (sriov.c). Nothing is waited
 * for, and what is logged is rate-limited.
 *
 * Locking: igbp_sriov.lock for everything here, in hard interrupts too.
 */
#include <linux/bitfield.h>
#include <linux/ratelimit.h>

#include "sriov.h"

/* Entries of the table of VLANs that VFs leave to others */
#define IGBP_VF_VLAN_SPARE	8
/* How long an answer may stay unread before it is written over */
#define IGBP_VF_UNREAD		(HZ / 5)
#define IGBP_VF_PING_TRIES	20

/**
 * igbp_vf_init - a VF that nobody has told anything yet
 * @vf: zeroed memory
 *
 * Context: any.
 */
void igbp_vf_init(struct igbp_vf *vf)
{
	vf->spoofchk = true;
	vf->link_state = IFLA_VF_LINK_STATE_AUTO;
	vf->frame_max = IGBP_VF_FRAME_DEFAULT;
}

/**
 * igbp_vf_vmolr - what a VF receives
 * @vf: VF
 *
 * A frame may be longer by the tag that the device takes out.
 *
 * Context: any.
 * Return: value of VMOLR.
 */
u32 igbp_vf_vmolr(const struct igbp_vf *vf)
{
	u32 val = IGBP_VMOLR_STRCRC | IGBP_VMOLR_STRVLAN | IGBP_VMOLR_BAM |
		  IGBP_VMOLR_LPE | (vf->frame_max + VLAN_HLEN);

	if (!vf->vlan && !vf->qos)
		val |= IGBP_VMOLR_AUPE;
	if (vf->hash_count || vf->allmulti)
		val |= IGBP_VMOLR_ROMPE;
	if (vf->allmulti)
		val |= IGBP_VMOLR_MPME;
	return val;
}

/**
 * igbp_vf_vmvir - the tag that a VF's frames get
 * @vf: VF
 *
 * Context: any.
 * Return: value of VMVIR.
 */
u32 igbp_vf_vmvir(const struct igbp_vf *vf)
{
	if (!vf->vlan && !vf->qos)
		return 0;
	return vf->vlan | vf->qos << IGBP_VMVIR_PRIO_SHIFT | IGBP_VMVIR_ALWAYS;
}

/**
 * igbp_vf_rate_factor - the limit of a queue
 * @link: Mbit/s of the link, or 0 without one
 * @rate: Mbit/s that the queue may send, or 0
 *
 * The device waits after each frame for a multiple of the time that it took,
 * given in 2^-14.
 *
 * Context: any.
 * Return: value of RTTBCNRC; 0 for no limit, as for one that the link has.
 */
u32 igbp_vf_rate_factor(unsigned int link, unsigned int rate)
{
	if (!rate || rate >= link)
		return 0;
	return (link << IGBP_RTTBCNRC_FRAC_BITS) / rate | IGBP_RTTBCNRC_EN;
}

static bool igbp_vf_has_link(const struct igbp_sriov *sriov,
			     const struct igbp_vf *vf)
{
	return vf->ready && sriov->up &&
	       vf->link_state != IFLA_VF_LINK_STATE_DISABLE;
}

/**
 * igbp_vf_ping_word - what a VF is to find in its mailbox
 * @sriov: its port's
 * @vf: VF
 *
 * Context: any.
 * Return: the word.
 */
u32 igbp_vf_ping_word(const struct igbp_sriov *sriov, const struct igbp_vf *vf)
{
	if (!vf->ready && sriov->up)
		return IGBP_MSG_NACK;
	if (igbp_vf_has_link(sriov, vf))
		return IGBP_MSG_PF_CONTROL | IGBP_MSG_CTS;
	return IGBP_MSG_PF_CONTROL;
}

/**
 * igbp_vf_enables_write - let those pools receive and send that may
 * @port: port with VFs
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vf_enables_write(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	u32 pools = BIT(IGBP_PF_POOL);
	unsigned int i;

	lockdep_assert_held(&sriov->lock);

	for (i = 0; i < sriov->count; i++)
		if (igbp_vf_has_link(sriov, &sriov->vf[i]))
			pools |= BIT(i);
	igbp_wr32(port, IGBP_VFRE, pools);
	igbp_wr32(port, IGBP_VFTE, pools);
}

/**
 * igbp_vf_pool_write - write what a VF receives, and its tag
 * @port: port with VFs
 * @index: which
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vf_pool_write(struct igbp_port *port, unsigned int index)
{
	const struct igbp_vf *vf = &port->sriov->vf[index];

	lockdep_assert_held(&port->sriov->lock);

	igbp_wr32(port, IGBP_VMVIR(index), igbp_vf_vmvir(vf));
	igbp_wr32(port, IGBP_VMOLR(index), igbp_vf_vmolr(vf));
}

/**
 * igbp_vf_rate_write - write the limit of a VF, for both of its queues
 * @port: port with VFs
 * @index: which
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vf_rate_write(struct igbp_port *port, unsigned int index)
{
	struct igbp_sriov *sriov = port->sriov;
	u32 factor = igbp_vf_rate_factor(sriov->link_speed,
					 sriov->vf[index].rate);
	unsigned int queue;

	lockdep_assert_held(&sriov->lock);

	for (queue = index; queue < 2 * IGBP_POOLS; queue += IGBP_POOLS) {
		igbp_wr32(port, IGBP_RTTDQSEL, queue);
		igbp_wr32(port, IGBP_RTTBCNRM, IGBP_RTTBCNRM_JUMBO);
		igbp_wr32(port, IGBP_RTTBCNRC, factor);
	}
}

/**
 * igbp_vf_multicast_write - write the multicast table where it changes
 * @port: port with VFs
 *
 * What the PF wants of it, and what VFs want. Not every model of the device
 * knows a pool that receives all multicast, so the table is full for its sake.
 *
 * Context: any; igbp_sriov.lock held.
 * Return: whether some pool receives all multicast.
 */
bool igbp_vf_multicast_write(struct igbp_port *port)
{
	struct igbp_sriov *sriov = port->sriov;
	bool all = sriov->pf_allmulti;
	u32 table[IGBP_MTA_WORDS];
	unsigned int i, k;

	lockdep_assert_held(&sriov->lock);

	memcpy(table, sriov->pf_mta, sizeof(table));
	for (i = 0; i < sriov->count; i++) {
		const struct igbp_vf *vf = &sriov->vf[i];

		all |= vf->allmulti;
		for (k = 0; k < vf->hash_count; k++)
			table[vf->hashes[k] >> 5] |= BIT(vf->hashes[k] & 31);
	}
	if (all)
		memset(table, 0xff, sizeof(table));
	for (i = 0; i < IGBP_MTA_WORDS; i++) {
		if (table[i] == sriov->mta[i])
			continue;
		sriov->mta[i] = table[i];
		igbp_wr32(port, IGBP_MTA(i), table[i]);
	}
	return all;
}

/**
 * igbp_vf_ping - have a VF look whether it has a link, and is still heard
 * @port: port with VFs
 * @index: which
 *
 * Not over an answer that it has yet to read, nor a request that has yet to be
 * answered, but for so long only: then its memory is taken from it.
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vf_ping(struct igbp_port *port, unsigned int index)
{
	struct igbp_sriov *sriov = port->sriov;
	struct igbp_vf *vf = &sriov->vf[index];
	u32 word = igbp_vf_ping_word(sriov, vf);
	bool unread = vf->unread &&
		      time_before(jiffies, vf->answered + IGBP_VF_UNREAD);

	lockdep_assert_held(&sriov->lock);

	if (!unread && igbp_mbx_post(port, index, word, true))
		goto done;
	vf->ping_due = true;
	if (++vf->ping_tries < IGBP_VF_PING_TRIES)
		return;
	igbp_mbx_take(port, index);
	igbp_mbx_post(port, index, word, true);
done:
	/* The model of the device, which masks no vector by itself, raises the
	 * wrong vector of the VF. That a reset of ours is over is what else has
	 * its driver look into the mailbox.
	 */
	if (port->irq_mode == IGBP_IRQ_LAZY)
		igbp_wr32(port, IGBP_CTRL_EXT, igbp_rd32(port, IGBP_CTRL_EXT) |
			  IGBP_CTRL_EXT_PFRSTD);
	vf->ping_due = false;
	vf->ping_tries = 0;
	vf->quiet_due = false;
}

/**
 * igbp_vf_reset - forget what the driver of a VF has asked for
 * @port: port with VFs
 * @index: which
 *
 * What the administrator wants stays. It is silent until it says hello.
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vf_reset(struct igbp_port *port, unsigned int index)
{
	struct igbp_sriov *sriov = port->sriov;
	struct igbp_vf *vf = &sriov->vf[index];

	lockdep_assert_held(&sriov->lock);

	vf->ready = false;
	vf->unread = false;
	vf->ping_due = false;
	vf->ping_tries = 0;
	vf->quiet_due = false;
	igbp_vf_enables_write(port);

	igbp_vlan_pool_clear(port, index);
	if (vf->vlan || vf->qos)
		igbp_vlan_pool_add(port, vf->vlan, index, 0);
	igbp_rar_filters_clear(port, index);
	if (!vf->mac_set)
		eth_zero_addr(vf->mac);
	igbp_rar_own_set(port, index, vf->mac);
	vf->allmulti = false;
	vf->hash_count = 0;
	vf->frame_max = IGBP_VF_FRAME_DEFAULT;
	igbp_vf_pool_write(port, index);
	igbp_vf_multicast_write(port);
}

static void igbp_vf_answer(struct igbp_port *port, unsigned int index,
			   const u32 *msg, unsigned int words)
{
	struct igbp_vf *vf = &port->sriov->vf[index];

	igbp_mbx_answer(port, index, msg, words);
	vf->unread = true;
	vf->answered = jiffies;
	/* An answer has it look at the link as a ping does */
	vf->ping_due = false;
	vf->ping_tries = 0;
}

/* VF_RESET: the driver of a VF begins. It gets the address to use, or none. */
static void igbp_vf_hello(struct igbp_port *port, unsigned int index)
{
	struct igbp_vf *vf = &port->sriov->vf[index];
	u32 msg[3] = { IGBP_MSG_VF_RESET };

	igbp_vf_reset(port, index);
	vf->ready = true;
	igbp_vf_enables_write(port);
	msg[0] |= is_zero_ether_addr(vf->mac) ? IGBP_MSG_NACK : IGBP_MSG_ACK;
	memcpy(&msg[1], vf->mac, ETH_ALEN);
	igbp_vf_answer(port, index, msg, ARRAY_SIZE(msg));
}

/* An address that the PF or another VF has is not to be had. Its own is. */
static bool igbp_vf_mac_is_taken(struct igbp_sriov *sriov, unsigned int index,
				 const u8 *addr)
{
	int at = igbp_rar_find(sriov->rar, addr);

	return at >= 0 && sriov->rar[at].owner != index;
}

static int igbp_vf_filter_request(struct igbp_port *port, unsigned int index,
				  u32 what, const u8 *addr)
{
	struct igbp_sriov *sriov = port->sriov;

	if (what == IGBP_MSG_VF_MAC_CLEAR) {
		igbp_rar_filters_clear(port, index);
		return 0;
	}
	if (what != IGBP_MSG_VF_MAC_ADD)
		return -EINVAL;
	if (sriov->vf[index].mac_set && !sriov->vf[index].trusted)
		return -EPERM;
	if (!is_valid_ether_addr(addr))
		return -EINVAL;
	if (igbp_vf_mac_is_taken(sriov, index, addr))
		return -EADDRINUSE;
	if (igbp_rar_find(sriov->rar, addr) >= 0)
		return 0;
	return igbp_rar_filter_add(port, index, addr);
}

static int igbp_vf_mac_request(struct igbp_port *port, unsigned int index,
			       const u32 *msg)
{
	struct igbp_sriov *sriov = port->sriov;
	u32 what = FIELD_GET(IGBP_MSG_INFO, msg[0]);
	struct igbp_vf *vf = &sriov->vf[index];
	u8 addr[ETH_ALEN] __aligned(2);

	memcpy(addr, &msg[1], ETH_ALEN);
	if (what)
		return igbp_vf_filter_request(port, index, what, addr);
	if (ether_addr_equal(addr, vf->mac) && is_valid_ether_addr(addr))
		return 0;
	if (vf->mac_set && !vf->trusted)
		return -EPERM;
	if (!is_valid_ether_addr(addr))
		return -EINVAL;
	if (igbp_vf_mac_is_taken(sriov, index, addr))
		return -EADDRINUSE;
	ether_addr_copy(vf->mac, addr);
	igbp_rar_own_set(port, index, addr);
	return 0;
}

static int igbp_vf_multicast_request(struct igbp_port *port,
				     unsigned int index, const u32 *msg)
{
	unsigned int i, n = FIELD_GET(IGBP_MSG_INFO, msg[0]);
	struct igbp_vf *vf = &port->sriov->vf[index];

	n = min(n, IGBP_VF_HASHES);
	for (i = 0; i < n; i++) {
		u32 word = msg[1 + i / 2];

		vf->hashes[i] = (i % 2 ? word >> 16 : word) & 0xfff;
	}
	vf->hash_count = n;
	igbp_vf_multicast_write(port);
	igbp_vf_pool_write(port, index);
	return 0;
}

static int igbp_vf_promisc_request(struct igbp_port *port, unsigned int index,
				   const u32 *msg)
{
	u32 what = FIELD_GET(IGBP_MSG_INFO, msg[0]);
	struct igbp_vf *vf = &port->sriov->vf[index];

	if (what & ~IGBP_MSG_VF_PROMISC_MULTICAST)
		return -EINVAL;
	if (what && !vf->trusted)
		return -EPERM;
	vf->allmulti = what;
	igbp_vf_multicast_write(port);
	igbp_vf_pool_write(port, index);
	return 0;
}

static int igbp_vf_vlan_request(struct igbp_port *port, unsigned int index,
				const u32 *msg)
{
	bool on = FIELD_GET(IGBP_MSG_INFO, msg[0]);
	struct igbp_vf *vf = &port->sriov->vf[index];
	u32 vid = msg[1];

	if (vid >= VLAN_N_VID)
		return -EINVAL;
	/* In a VLAN of the administrator it sees no tags. VLAN 0 is asked for
	 * by every stack, and is none.
	 */
	if (vf->vlan || vf->qos)
		return on && vid ? -EPERM : 0;
	if (on)
		return igbp_vlan_pool_add(port, vid, index,
					  IGBP_VF_VLAN_SPARE);
	igbp_vlan_pool_del(port, vid, index);
	return 0;
}

static int igbp_vf_frame_request(struct igbp_port *port, unsigned int index,
				 const u32 *msg)
{
	if (msg[1] < IGBP_VF_FRAME_MIN || msg[1] > IGBP_VF_FRAME_MAX)
		return -EINVAL;
	port->sriov->vf[index].frame_max = msg[1];
	igbp_vf_pool_write(port, index);
	return 0;
}

static int igbp_vf_request(struct igbp_port *port, unsigned int index,
			   const u32 *msg)
{
	switch (FIELD_GET(IGBP_MSG_KIND, msg[0])) {
	case IGBP_MSG_VF_MAC:
		return igbp_vf_mac_request(port, index, msg);
	case IGBP_MSG_VF_MULTICAST:
		return igbp_vf_multicast_request(port, index, msg);
	case IGBP_MSG_VF_VLAN:
		return igbp_vf_vlan_request(port, index, msg);
	case IGBP_MSG_VF_FRAME_MAX:
		return igbp_vf_frame_request(port, index, msg);
	case IGBP_MSG_VF_PROMISC:
		return igbp_vf_promisc_request(port, index, msg);
	default:
		return -EOPNOTSUPP;
	}
}

static const char *igbp_vf_reason(int err)
{
	switch (err) {
	case -EPERM:
		return "it is not trusted, or the administrator's";
	case -EADDRINUSE:
		return "the address is somebody else's";
	case -ENOSPC:
		return "no entry is left for it";
	case -EOPNOTSUPP:
		return "not known";
	default:
		return "not valid";
	}
}

/* Why, for the administrator: the VF is told no more than that it was */
static void igbp_vf_refused(struct igbp_port *port, unsigned int index,
			    const u32 *msg, int err)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	if (__ratelimit(&limit))
		netdev_warn(port->netdev,
			    "VF %u: request 0x%08x 0x%08x refused: %s\n",
			    index, msg[0], msg[1], igbp_vf_reason(err));
}

/**
 * igbp_vf_message - answer the request in a VF's mailbox
 * @port: port with VFs
 * @index: VF that has rung
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vf_message(struct igbp_port *port, unsigned int index)
{
	struct igbp_sriov *sriov = port->sriov;
	struct igbp_vf *vf = &sriov->vf[index];
	u32 msg[IGBP_MBX_WORDS], answer;
	int err;

	lockdep_assert_held(&sriov->lock);

	if (!igbp_mbx_receive(port, index, msg))
		return;
	/* An answer, and what else comes of one that writes as it likes */
	if (msg[0] & (IGBP_MSG_ACK | IGBP_MSG_NACK)) {
		igbp_mbx_release(port, index);
		return;
	}
	if (msg[0] == IGBP_MSG_VF_RESET) {
		igbp_vf_hello(port, index);
		return;
	}
	answer = msg[0] & (IGBP_MSG_KIND | IGBP_MSG_INFO);
	if (!vf->ready) {
		answer |= IGBP_MSG_NACK;
		igbp_vf_answer(port, index, &answer, 1);
		return;
	}
	err = igbp_vf_request(port, index, msg);
	if (err)
		igbp_vf_refused(port, index, msg, err);
	/* The stock driver knows its request for a VLAN by the kind alone */
	if (err && FIELD_GET(IGBP_MSG_KIND, msg[0]) == IGBP_MSG_VF_VLAN)
		answer = IGBP_MSG_VF_VLAN;
	answer |= err ? IGBP_MSG_NACK : IGBP_MSG_ACK;
	if (igbp_vf_has_link(sriov, vf))
		answer |= IGBP_MSG_CTS;
	else
		vf->quiet_due = err;
	igbp_vf_answer(port, index, &answer, 1);
}

/**
 * igbp_vf_acked - a VF has read its mailbox
 * @port: port with VFs
 * @index: which
 *
 * One that reads and is not ready learns that it has to begin anew. Where it
 * was refused something while it has no link, the word that it finds next must
 * not read like that. That one does not ring, or it would be read at once.
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vf_acked(struct igbp_port *port, unsigned int index)
{
	struct igbp_sriov *sriov = port->sriov;
	struct igbp_vf *vf = &sriov->vf[index];

	lockdep_assert_held(&sriov->lock);

	vf->unread = false;
	if (vf->quiet_due || !vf->ready)
		igbp_mbx_post(port, index, igbp_vf_ping_word(sriov, vf),
			      false);
	vf->quiet_due = false;
}
