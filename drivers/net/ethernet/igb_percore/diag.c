// SPDX-License-Identifier: GPL-2.0
/*
 * Looking into the device: ethtool -d, -e, -p and -t
 *
 * Beside the packet path. Registers that clear when they are read (ICR, EICR,
 * the statistics) are in no dump.
 *
 * Offline self-test, which takes the interface down for some seconds:
 *
 *   rings down -> reset -> registers hold what is written
 *              -> reset -> PHY in loopback, rings up
 *                          -> each vector interrupts
 *                          -> each pair sends, frames come back as they were
 *              -> reset -> rings up -> link comes back
 *
 * Locking: RTNL, under which ethtool calls all of it; mdio_lock for the NVM.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/rtnetlink.h>
#include <net/sch_generic.h>

#include "igb_percore.h"

#define IGBP_DIAG_IRQ_US	200000
#define IGBP_DIAG_FRAMES_MS	2000
#define IGBP_DIAG_LINK_US	10000000
#define IGBP_DIAG_FRAMES	32	/* on each pair; a ring takes more */
#define IGBP_DIAG_FRAME_MIN	60	/* bytes */
#define IGBP_DIAG_FRAME_STEP	46	/* bytes from a frame to the next */

/* Results of ethtool -t, in order */
enum igbp_diag_result {
	IGBP_DIAG_REGISTERS,
	IGBP_DIAG_INTERRUPTS,
	IGBP_DIAG_LOOPBACK,
	IGBP_DIAG_LINK,
	IGBP_DIAG_RESULTS,
};

static const char igbp_diag_names[IGBP_DIAG_RESULTS][ETH_GSTRING_LEN] = {
	[IGBP_DIAG_REGISTERS]	= "registers (offline)",
	[IGBP_DIAG_INTERRUPTS]	= "interrupts",
	[IGBP_DIAG_LOOPBACK]	= "loopback (offline)",
	[IGBP_DIAG_LINK]	= "link",
};

/**
 * struct igbp_diag_range - registers of a dump
 * @first: offset of the first
 * @count: how many
 * @stride: bytes from one to the next
 */
struct igbp_diag_range {
	u16 first;
	u16 count;
	u16 stride;
};

static const struct igbp_diag_range igbp_diag_ranges[] = {
	{ IGBP_CTRL, 1, 4 }, { IGBP_STATUS, 1, 4 }, { IGBP_EECD, 1, 4 },
	{ IGBP_CTRL_EXT, 1, 4 }, { IGBP_FCAL, 3, 4 }, { IGBP_VET, 1, 4 },
	{ IGBP_FCTTV, 1, 4 }, { IGBP_LEDCTL, 1, 4 }, { IGBP_FCRTL, 1, 4 },
	{ IGBP_FCRTH, 1, 4 }, { IGBP_RXPBS, 1, 4 }, { IGBP_WUC, 1, 4 },
	{ IGBP_WUFC, 1, 4 }, { IGBP_MANC, 1, 4 }, { IGBP_SWSM, 1, 4 },
	{ IGBP_SW_FW_SYNC, 1, 4 },
	{ IGBP_IMS, 1, 4 }, { IGBP_GPIE, 1, 4 }, { IGBP_EIMS, 1, 4 },
	{ IGBP_EIAC, 1, 4 }, { IGBP_EIAM, 1, 4 }, { IGBP_EITR(0), 25, 4 },
	{ IGBP_IVAR(0), 8, 4 }, { IGBP_IVAR_MISC, 1, 4 },
	{ IGBP_RCTL, 1, 4 }, { IGBP_RXCSUM, 1, 4 }, { IGBP_RLPML, 1, 4 },
	{ IGBP_RFCTL, 1, 4 }, { IGBP_MTA(0), IGBP_MTA_WORDS, 4 },
	{ IGBP_RAL(0), 32, 4 }, { IGBP_RAL2(16), 16, 4 },
	{ IGBP_VFTA(0), IGBP_VFTA_WORDS, 4 }, { IGBP_MRQC, 1, 4 },
	{ IGBP_RETA(0), IGBP_RETA_ENTRIES / 4, 4 },
	{ IGBP_RSSRK(0), IGBP_RSS_KEY_BYTES / 4, 4 },
	{ IGBP_ETQF(0), 8, 4 }, { IGBP_SYNQF, 1, 4 }, { IGBP_VLAPQF, 1, 4 },
	{ IGBP_SAQF(0), 8, 4 }, { IGBP_DAQF(0), 8, 4 }, { IGBP_SPQF(0), 8, 4 },
	{ IGBP_FTQF(0), 8, 4 }, { IGBP_IMIR(0), 8, 4 },
	{ IGBP_IMIREXT(0), 8, 4 },
	{ IGBP_TSYNCRXCFG, 1, 4 }, { IGBP_TIMINCA, 1, 4 },
	{ IGBP_TSYNCTXCTL, 1, 4 }, { IGBP_TSYNCRXCTL, 1, 4 },
	{ IGBP_RDBAL(0), 16, 0x40 }, { IGBP_RDBAH(0), 16, 0x40 },
	{ IGBP_RDLEN(0), 16, 0x40 }, { IGBP_SRRCTL(0), 16, 0x40 },
	{ IGBP_RDH(0), 16, 0x40 }, { IGBP_RDT(0), 16, 0x40 },
	{ IGBP_RXDCTL(0), 16, 0x40 },
	{ IGBP_TCTL, 1, 4 },
	{ IGBP_TDBAL(0), 16, 0x40 }, { IGBP_TDBAH(0), 16, 0x40 },
	{ IGBP_TDLEN(0), 16, 0x40 }, { IGBP_TDH(0), 16, 0x40 },
	{ IGBP_TDT(0), 16, 0x40 }, { IGBP_TXDCTL(0), 16, 0x40 },
	{ IGBP_VFRE, 2, 4 }, { IGBP_QDE, 1, 4 }, { IGBP_DTXSWC, 1, 4 },
	{ IGBP_DTXCTL, 1, 4 }, { IGBP_VMVIR(0), IGBP_POOLS, 4 },
	{ IGBP_VT_CTL, 1, 4 }, { IGBP_VMOLR(0), IGBP_POOLS, 4 },
	{ IGBP_RPLOLR, 1, 4 }, { IGBP_VLVF(0), IGBP_VLVF_ENTRIES, 4 },
};

/**
 * igbp_diag_regs_size - ethtool -d: size of the dump
 * @netdev: interface
 *
 * Context: process, RTNL.
 * Return: bytes.
 */
int igbp_diag_regs_size(struct net_device *netdev)
{
	unsigned int i, count = 0;

	for (i = 0; i < ARRAY_SIZE(igbp_diag_ranges); i++)
		count += igbp_diag_ranges[i].count;
	return count * 2 * sizeof(u32);
}

/**
 * igbp_diag_regs_get - ethtool -d: pairs of an offset and what is there
 * @netdev: interface
 * @info: version is filled in
 * @data: igbp_diag_regs_size() bytes to fill in
 *
 * Context: process, RTNL.
 */
void igbp_diag_regs_get(struct net_device *netdev, struct ethtool_regs *info,
			void *data)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i, k;
	u32 *out = data;

	info->version = 1;
	for (i = 0; i < ARRAY_SIZE(igbp_diag_ranges); i++) {
		const struct igbp_diag_range *range = &igbp_diag_ranges[i];

		for (k = 0; k < range->count; k++) {
			u32 reg = range->first + k * range->stride;

			*out++ = reg;
			*out++ = igbp_rd32(port, reg);
		}
	}
}

/**
 * igbp_diag_nvm_size - ethtool -e: size of the NVM
 * @netdev: interface
 *
 * Context: process, RTNL.
 * Return: bytes.
 */
int igbp_diag_nvm_size(struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);
	u32 log = FIELD_GET(IGBP_EECD_SIZE, igbp_rd32(port, IGBP_EECD));

	return sizeof(u16) << min(IGBP_NVM_LOG_MIN + log, IGBP_NVM_LOG_MAX);
}

/**
 * igbp_diag_nvm_get - ethtool -e: read the NVM
 * @netdev: interface
 * @eeprom: offset and length in bytes, within the size; magic is filled in
 * @data: filled in
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, or an error of igbp_nvm_read(), for one beyond the end of a
 * smaller NVM than the device said.
 */
int igbp_diag_nvm_get(struct net_device *netdev,
		      struct ethtool_eeprom *eeprom, u8 *data)
{
	struct igbp_port *port = netdev_priv(netdev);
	u32 at = eeprom->offset, end = at + eeprom->len;
	int err = 0;
	u16 val;

	eeprom->magic = port->pdev->vendor | port->pdev->device << 16;
	mutex_lock(&port->mdio_lock);
	while (!err && at < end) {
		err = igbp_nvm_read(port, at / 2, &val);
		if (err)
			break;
		if (!(at % 2)) {
			*data++ = val;
			at++;
		}
		if (at < end) {
			*data++ = val >> 8;
			at++;
		}
	}
	mutex_unlock(&port->mdio_lock);
	return err;
}

/**
 * igbp_diag_led_set - ethtool -p: show which port this is
 * @netdev: interface
 * @state: on and off in turn, between active and inactive
 *
 * Context: process, may sleep; RTNL but for the pauses in between.
 * Return: times a second that the core is to blink, or 0.
 */
int igbp_diag_led_set(struct net_device *netdev,
		      enum ethtool_phys_id_state state)
{
	struct igbp_port *port = netdev_priv(netdev);

	switch (state) {
	case ETHTOOL_ID_ACTIVE:
		port->ledctl = igbp_rd32(port, IGBP_LEDCTL);
		return 1;
	case ETHTOOL_ID_ON:
		igbp_wr32(port, IGBP_LEDCTL, IGBP_LEDCTL_ON);
		return 0;
	case ETHTOOL_ID_OFF:
		igbp_wr32(port, IGBP_LEDCTL, IGBP_LEDCTL_OFF);
		return 0;
	case ETHTOOL_ID_INACTIVE:
		igbp_wr32(port, IGBP_LEDCTL, port->ledctl);
		return 0;
	}
	return -EINVAL;
}

/**
 * igbp_diag_count - number of results of ethtool -t
 *
 * Context: any.
 * Return: the number.
 */
int igbp_diag_count(void)
{
	return IGBP_DIAG_RESULTS;
}

/**
 * igbp_diag_strings - names of the results of ethtool -t
 * @data: filled in
 *
 * Context: process, RTNL.
 */
void igbp_diag_strings(u8 *data)
{
	memcpy(data, igbp_diag_names, sizeof(igbp_diag_names));
}

/**
 * struct igbp_diag_reg - a register that holds what is written to it
 * @reg: offset
 * @mask: bits that do
 */
struct igbp_diag_reg {
	u32 reg;
	u32 mask;
};

/* Of those that mean nothing while the rings are off */
static const struct igbp_diag_reg igbp_diag_regs[] = {
	{ IGBP_FCTTV, 0xffff },
	{ IGBP_VET, 0xffff },
	{ IGBP_RLPML, 0x3fff },
	{ IGBP_RAL(1), U32_MAX },
	{ IGBP_MTA(0), U32_MAX },
	{ IGBP_MTA(IGBP_MTA_WORDS - 1), U32_MAX },
	{ IGBP_VFTA(0), U32_MAX },
	{ IGBP_VFTA(IGBP_VFTA_WORDS - 1), U32_MAX },
	{ IGBP_RETA(0), 0x0f0f0f0f },
	{ IGBP_RETA(IGBP_RETA_ENTRIES / 4 - 1), 0x0f0f0f0f },
	{ IGBP_RSSRK(0), U32_MAX },
	{ IGBP_RSSRK(IGBP_RSS_KEY_BYTES / 4 - 1), U32_MAX },
	{ IGBP_RDBAL(0), 0xffffff80 }, { IGBP_RDBAH(0), U32_MAX },
	{ IGBP_RDLEN(0), 0x000fff80 }, { IGBP_RDBAL(15), 0xffffff80 },
	{ IGBP_TDBAL(0), 0xffffff80 }, { IGBP_TDBAH(0), U32_MAX },
	{ IGBP_TDLEN(0), 0x000fff80 }, { IGBP_TDBAL(15), 0xffffff80 },
};

/* Return: 0, or the offset of a register that does not hold its bits; plus
 * one, as offset 0 is a register too
 */
static u64 igbp_diag_registers(struct igbp_port *port)
{
	static const u32 patterns[] = { 0x5a5a5a5a, 0xa5a5a5a5, U32_MAX, 0 };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(igbp_diag_regs); i++) {
		const struct igbp_diag_reg *test = &igbp_diag_regs[i];

		for (k = 0; k < ARRAY_SIZE(patterns); k++) {
			u32 want = patterns[k] & test->mask, got;

			igbp_wr32(port, test->reg, want);
			got = igbp_rd32(port, test->reg) & test->mask;
			if (got == want)
				continue;
			netdev_err(port->netdev,
				   "register 0x%04x holds 0x%08x, not 0x%08x\n",
				   test->reg, got, want);
			return test->reg + 1;
		}
	}
	return 0;
}

/* Return: 0, or the number of the pair, from 1, that takes no interrupt */
static u64 igbp_diag_interrupts(struct igbp_port *port)
{
	unsigned int i;
	u16 val;

	for (i = 0; i < port->pairs; i++) {
		struct igbp_pair *pair = port->pair[i];
		u16 before = READ_ONCE(pair->dim_events);

		igbp_irq_kick(pair);
		if (read_poll_timeout(READ_ONCE, val, val != before, 1000,
				      IGBP_DIAG_IRQ_US, false,
				      pair->dim_events)) {
			netdev_err(port->netdev, "no interrupt on pair %u\n",
				   i);
			return i + 1;
		}
	}
	return 0;
}

/**
 * struct igbp_diag_loop - what came back of the frames that were sent
 * @type: takes them from the stack
 * @port: where they have to come from
 * @good: frames as they were sent; of the softirq of pair 0
 * @bad: others
 */
struct igbp_diag_loop {
	struct packet_type type;
	struct igbp_port *port;
	unsigned int good;
	unsigned int bad;
};

static unsigned int igbp_diag_frame_len(unsigned int i)
{
	return IGBP_DIAG_FRAME_MIN + i * IGBP_DIAG_FRAME_STEP;
}

static u8 igbp_diag_byte(unsigned int frame, unsigned int at)
{
	return frame * 7 + at;
}

static bool igbp_diag_frame_is_good(struct igbp_port *port,
				    struct sk_buff *skb)
{
	unsigned int i, at;
	u8 frame;

	if (skb_linearize(skb) || !skb->len)
		return false;
	frame = skb->data[0] / 7;
	if (frame >= IGBP_DIAG_FRAMES ||
	    skb->len + ETH_HLEN != igbp_diag_frame_len(frame) ||
	    !ether_addr_equal(eth_hdr(skb)->h_source, port->netdev->dev_addr))
		return false;
	at = 0;
	for (i = 0; i < skb->len; i++)
		at |= skb->data[i] ^ igbp_diag_byte(frame, i);
	return !at;
}

static int igbp_diag_loop_rx(struct sk_buff *skb, struct net_device *netdev,
			     struct packet_type *type,
			     struct net_device *orig_netdev)
{
	struct igbp_diag_loop *loop = container_of(type, struct igbp_diag_loop,
						   type);

	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return NET_RX_DROP;
	if (igbp_diag_frame_is_good(loop->port, skb))
		WRITE_ONCE(loop->good, loop->good + 1);
	else
		WRITE_ONCE(loop->bad, loop->bad + 1);
	consume_skb(skb);
	return NET_RX_SUCCESS;
}

static int igbp_diag_frame_send(struct igbp_port *port, unsigned int queue,
				unsigned int i)
{
	struct netdev_queue *txq = netdev_get_tx_queue(port->netdev, queue);
	unsigned int at, len = igbp_diag_frame_len(i);
	struct net_device *netdev = port->netdev;
	struct sk_buff *skb;
	netdev_tx_t ret;

	skb = netdev_alloc_skb(netdev, len + ETH_HLEN);
	if (!skb)
		return -ENOMEM;
	skb_reserve(skb, ETH_HLEN);
	eth_header(skb, netdev, ETH_P_LOOPBACK, netdev->dev_addr,
		   netdev->dev_addr, len);
	for (at = 0; at < len - ETH_HLEN; at++)
		skb_put_u8(skb, igbp_diag_byte(i, at));
	skb_set_queue_mapping(skb, queue);

	__netif_tx_lock_bh(txq);
	ret = netdev_start_xmit(skb, netdev, txq, false);
	__netif_tx_unlock_bh(txq);
	if (ret != NETDEV_TX_OK)
		kfree_skb(skb);
	return ret == NETDEV_TX_OK ? 0 : -EBUSY;
}

/* Return: 0, or the number of the pair, from 1, whose frames are not back */
static u64 igbp_diag_loopback(struct igbp_port *port)
{
	struct igbp_diag_loop loop = {
		.type = {
			.type = htons(ETH_P_LOOPBACK),
			.dev = port->netdev,
			.func = igbp_diag_loop_rx,
		},
		.port = port,
	};
	unsigned int i, queue, val;
	u64 failed = 0;

	dev_add_pack(&loop.type);
	for (queue = 0; queue < port->pairs && !failed; queue++) {
		WRITE_ONCE(loop.good, 0);
		for (i = 0; i < IGBP_DIAG_FRAMES; i++)
			if (igbp_diag_frame_send(port, queue, i))
				break;
		if (!read_poll_timeout(READ_ONCE, val, val == IGBP_DIAG_FRAMES,
				       1000, IGBP_DIAG_FRAMES_MS * 1000, false,
				       loop.good) && !READ_ONCE(loop.bad))
			continue;
		netdev_err(port->netdev,
			   "loopback on pair %u: %u of %u frames, %u bad\n",
			   queue, READ_ONCE(loop.good), IGBP_DIAG_FRAMES,
			   READ_ONCE(loop.bad));
		failed = queue + 1;
	}
	dev_remove_pack(&loop.type);
	return failed;
}

static void igbp_diag_offline(struct igbp_port *port, u64 *data)
{
	/* The stack sends nothing until the link work has found the link */
	netif_carrier_off(port->netdev);
	dev_deactivate(port->netdev);

	igbp_netdev_down(port);
	if (!igbp_mac_reset(port))
		data[IGBP_DIAG_REGISTERS] = igbp_diag_registers(port);
	set_bit(IGBP_PORT_LOOPBACK, &port->flags);
	if (!igbp_netdev_restart(port)) {
		data[IGBP_DIAG_INTERRUPTS] = igbp_diag_interrupts(port);
		data[IGBP_DIAG_LOOPBACK] = igbp_diag_loopback(port);
	}
	clear_bit(IGBP_PORT_LOOPBACK, &port->flags);
	if (igbp_netdev_restart(port))
		data[IGBP_DIAG_REGISTERS] = 1;
}

/**
 * igbp_diag_test - ethtool -t
 * @netdev: interface
 * @test: offline or not, in; whether it failed, out
 * @data: a result each, 0 is good
 *
 * An interface that is down is opened for the time of the test.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_diag_test(struct net_device *netdev, struct ethtool_test *test,
		    u64 *data)
{
	struct igbp_port *port = netdev_priv(netdev);
	bool was_down = !netif_running(netdev), val;
	unsigned int i;

	memset(data, 0, IGBP_DIAG_RESULTS * sizeof(*data));
	if (port->sriov && test->flags & ETH_TEST_FL_OFFLINE) {
		netdev_err(netdev, "no offline test while there are VFs, which it would take down\n");
		data[IGBP_DIAG_REGISTERS] = 1;
		data[IGBP_DIAG_LOOPBACK] = 1;
		test->flags |= ETH_TEST_FL_FAILED;
		return;
	}
	if (was_down && dev_open(netdev, NULL)) {
		test->flags |= ETH_TEST_FL_FAILED;
		return;
	}
	if (test->flags & ETH_TEST_FL_OFFLINE)
		igbp_diag_offline(port, data);
	else
		data[IGBP_DIAG_INTERRUPTS] = igbp_diag_interrupts(port);
	data[IGBP_DIAG_LINK] =
		read_poll_timeout(netif_carrier_ok, val, val, 10000,
				  IGBP_DIAG_LINK_US, false, netdev) ? 1 : 0;
	if (was_down)
		dev_close(netdev);
	for (i = 0; i < IGBP_DIAG_RESULTS; i++)
		if (data[i])
			test->flags |= ETH_TEST_FL_FAILED;
}
