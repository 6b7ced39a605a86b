// SPDX-License-Identifier: GPL-2.0
/*
 * A port without a device, for the KUnit suites
 *
 * Stands in for the files that no suite includes: registers (hw_mac.c)
 * and what the transmit path asks of the interrupt (irq.c).
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "igb_percore_test.h"

#define IGBP_TEST_BAR_BYTES	0x10000

/**
 * igbp_rd32 - read a register, which is memory here
 * @port: port of igbp_test_port_alloc()
 * @reg: offset
 *
 * Context: any.
 * Return: what was written last, or 0.
 */
u32 igbp_rd32(struct igbp_port *port, u32 reg)
{
	return readl(port->regs + reg);
}

/**
 * igbp_wr32 - write a register, which is memory here
 * @port: port of igbp_test_port_alloc()
 * @reg: offset
 * @val: value
 *
 * Context: any.
 */
void igbp_wr32(struct igbp_port *port, u32 reg, u32 val)
{
	writel(val, port->regs + reg);
}

/**
 * igbp_mac_rar_pool_set - stands in for hw_mac.c
 * @port: not used
 * @index: not used
 * @addr: not used
 * @pool: not used
 *
 * Context: any.
 */
void igbp_mac_rar_pool_set(struct igbp_port *port, unsigned int index,
			   const u8 *addr, unsigned int pool)
{
}

/**
 * igbp_irq_tx_route - stands in for irq.c
 * @ring: not used
 * @on: not used
 *
 * Context: any.
 */
void igbp_irq_tx_route(struct igbp_tx_ring *ring, bool on)
{
}

/**
 * igbp_irq_kick - stands in for irq.c
 * @pair: not used
 *
 * Context: any.
 */
void igbp_irq_kick(struct igbp_pair *pair)
{
}

/**
 * igbp_ring_reconfigure - stands in for ring.c
 * @port: not used
 * @rx_size: not used
 * @tx_size: not used
 * @mtu: not used
 *
 * Context: any.
 * Return: 0, as for a port that is down.
 */
int igbp_ring_reconfigure(struct igbp_port *port, u16 rx_size, u16 tx_size,
			  unsigned int mtu)
{
	return 0;
}

/**
 * igbp_ring_pair_xsk_set - stands in for ring.c
 * @pair: pair
 * @pool: remembered
 *
 * Context: any.
 */
void igbp_ring_pair_xsk_set(struct igbp_pair *pair, struct xsk_buff_pool *pool)
{
	pair->xsk = pool;
}

static void igbp_test_port_free(void *data)
{
	struct igbp_port *port = data;

	free_netdev(port->netdev);
}

/**
 * igbp_test_port_alloc - a port whose registers are memory
 * @test: test, which frees it
 *
 * Context: process.
 * Return: the port, with IGBP_TEST_PAIRS pairs in use, none of them allocated.
 */
struct igbp_port *igbp_test_port_alloc(struct kunit *test)
{
	struct net_device *netdev;
	struct igbp_port *port;
	void *regs;

	netdev = alloc_etherdev_mq(sizeof(*port), IGBP_MAX_PAIRS);
	KUNIT_ASSERT_NOT_NULL(test, netdev);
	port = netdev_priv(netdev);
	port->netdev = netdev;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   igbp_test_port_free,
							   port));
	regs = kunit_kzalloc(test, IGBP_TEST_BAR_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, regs);
	port->regs = (void __force __iomem *)regs;
	port->pairs = IGBP_TEST_PAIRS;
	port->max_pairs = IGBP_TEST_PAIRS;
	port->irq_mode = IGBP_IRQ_LAZY;
	spin_lock_init(&port->flow.lock);
	netdev->features = NETIF_F_NTUPLE;
	return port;
}

/**
 * igbp_test_pair_alloc - a pair with a transmit ring
 * @test: test, which frees it
 * @port: port of igbp_test_port_alloc()
 * @index: number of the pair
 *
 * Context: process.
 * Return: the pair.
 */
struct igbp_pair *igbp_test_pair_alloc(struct kunit *test,
				       struct igbp_port *port,
				       unsigned int index)
{
	struct igbp_pair *pair = kunit_kzalloc(test, sizeof(*pair),
					       GFP_KERNEL);
	struct igbp_tx_ring *ring;

	KUNIT_ASSERT_NOT_NULL(test, pair);
	pair->port = port;
	pair->index = index;
	pair->irq_mode = port->irq_mode;
	pair->lead = pair;
	spin_lock_init(&pair->mask_lock);
	INIT_WORK(&pair->dim.work, igbp_moderation_work);
	ring = &pair->tx;
	ring->pair = pair;
	u64_stats_init(&ring->syncp);
	ring->mask = IGBP_RING_MIN - 1;
	ring->slot_dma = 0x10000;
	ring->desc = kunit_kcalloc(test, IGBP_RING_MIN, sizeof(*ring->desc),
				   GFP_KERNEL);
	ring->buf = kunit_kcalloc(test, IGBP_RING_MIN, sizeof(*ring->buf),
				  GFP_KERNEL);
	ring->slot = kunit_kcalloc(test, IGBP_RING_MIN, IGBP_TX_SLOT_BYTES,
				   GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring->desc);
	KUNIT_ASSERT_NOT_NULL(test, ring->buf);
	KUNIT_ASSERT_NOT_NULL(test, ring->slot);
	port->pair[index] = pair;
	return pair;
}

static void igbp_test_skb_free(void *data)
{
	kfree_skb(data);
}

/**
 * igbp_test_skb_alloc - a frame from 10.0.0.2:1000 to 10.0.0.1:2000
 * @test: test, which frees it
 * @proto: IPPROTO_TCP or IPPROTO_UDP
 * @payload: bytes behind the headers
 *
 * Context: process.
 * Return: the frame, with an Ethernet header, its checksum left to the device.
 */
struct sk_buff *igbp_test_skb_alloc(struct kunit *test, u8 proto,
				    unsigned int payload)
{
	bool tcp = proto == IPPROTO_TCP;
	unsigned int l4 = tcp ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	struct sk_buff *skb;
	struct udphdr *uh;
	struct iphdr *iph;

	skb = alloc_skb(ETH_HLEN + sizeof(*iph) + l4 + payload, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   igbp_test_skb_free,
							   skb));
	skb->protocol = htons(ETH_P_IP);
	skb_reset_mac_header(skb);
	skb_put_zero(skb, ETH_HLEN);
	skb_set_network_header(skb, ETH_HLEN);
	iph = skb_put_zero(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->protocol = proto;
	iph->tot_len = htons(sizeof(*iph) + l4 + payload);
	iph->saddr = htonl(0x0a000002);
	iph->daddr = htonl(0x0a000001);
	skb_set_transport_header(skb, ETH_HLEN + sizeof(*iph));
	/* The ports of both stand in the same place */
	uh = skb_put_zero(skb, l4);
	uh->source = htons(1000);
	uh->dest = htons(2000);
	if (tcp)
		tcp_hdr(skb)->doff = l4 / 4;
	memset(skb_put(skb, payload), 0x5a, payload);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = tcp ? offsetof(struct tcphdr, check) :
				 offsetof(struct udphdr, check);
	return skb;
}

MODULE_DESCRIPTION("KUnit suites of igb_percore");
MODULE_LICENSE("GPL");
