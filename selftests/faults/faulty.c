// SPDX-License-Identifier: GPL-2.0
/*
 * faulty - makes of a good device a bad one, for hardware.sh
 *
 *   device --descriptor--> memory --[here: spoilt]--> igb_percore's poll
 *
 * A probe at the entry of the poll, which owns the receive ring, spoils
 * descriptors that the device is done with before the driver looks at them. So
 * the driver under test is the one that is shipped: it has no hook for faults,
 * and pays for none. What it costs is that this module knows its structures;
 * it is built with them.
 *
 * Parameters: dev, the interface; fault, enum faulty_kind; often, of so many
 * descriptors one is spoilt; left, how many are still to be.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/random.h>

#include "igb_percore.h"

enum faulty_kind {
	FAULTY_LENGTH,		/* a length at random */
	FAULTY_END,		/* it is not the last one of a frame */
	FAULTY_ANY,		/* everything at random, see below */
	FAULTY_FORGOTTEN,	/* it is not done, and never will be */
};

static char *dev = "eth0";
module_param(dev, charp, 0444);
static uint fault;
module_param(fault, uint, 0444);
static uint often = 8;
module_param(often, uint, 0444);
static uint left = 1;
module_param(left, uint, 0444);

static DEFINE_SPINLOCK(faulty_lock); /* left */

static void faulty_desc_spoil(union igbp_rx_desc *desc)
{
	switch (fault) {
	case FAULTY_LENGTH:
		desc->wb.len = cpu_to_le16(get_random_u32_below(4) ?
					   get_random_u16() :
					   get_random_u32_below(20));
		break;
	case FAULTY_END:
		desc->wb.status &= ~cpu_to_le32(IGBP_RXD_EOP);
		break;
	case FAULTY_ANY:
		get_random_bytes(desc, sizeof(*desc));
		/* A device that calls wrong sums right can make any data of
		 * what was sent, and so can one that joins a piece of a frame
		 * to another frame whose sum is right; what is asked here is
		 * that it does no more
		 */
		desc->wb.status &= ~cpu_to_le32(IGBP_RXD_L4CS |
						IGBP_RXD_UDPCS);
		desc->wb.status |= cpu_to_le32(IGBP_RXD_DD | IGBP_RXD_EOP);
		break;
	case FAULTY_FORGOTTEN:
		desc->wb.status = 0;
		break;
	}
}

static bool faulty_desc_is_done(const union igbp_rx_desc *desc)
{
	return desc->wb.status & cpu_to_le32(IGBP_RXD_DD);
}

static int faulty_poll(struct kprobe *probe, struct pt_regs *regs)
{
	struct napi_struct *napi = (void *)regs_get_kernel_argument(regs, 0);
	struct igbp_pair *pair = container_of(napi, struct igbp_pair, napi);
	struct igbp_rx_ring *ring = &pair->rx;
	u16 at;

	if (strcmp(napi->dev->name, dev))
		return 0;
	for (at = ring->ntc; at != ring->ntu; at++) {
		union igbp_rx_desc *desc = &ring->desc[at & ring->mask];

		if (!faulty_desc_is_done(desc))
			break;
		if (get_random_u32_below(often))
			continue;
		spin_lock(&faulty_lock);
		if (left) {
			left--;
			faulty_desc_spoil(desc);
		}
		spin_unlock(&faulty_lock);
	}
	return 0;
}

static struct kprobe faulty_probe = {
	.symbol_name = "igbp_napi_poll",
	.pre_handler = faulty_poll,
};

static int __init faulty_init(void)
{
	return register_kprobe(&faulty_probe);
}
module_init(faulty_init);

static void __exit faulty_exit(void)
{
	unregister_kprobe(&faulty_probe);
}
module_exit(faulty_exit);

MODULE_DESCRIPTION("descriptors that a device would not write");
MODULE_LICENSE("GPL");
