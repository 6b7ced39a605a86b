// SPDX-License-Identifier: GPL-2.0
/*
 * Header split: headers and payload in memory of their own
 *
 * Part of rx.c's stage where the administrator wants it (ethtool -G DEV
 * tcp-data-split on): what of it is peculiar to such a ring.
 *
 *   device -- headers -> slot of the descriptor -- copied --> head --.
 *          `- payload -> buffer, half a page or a page ----> fragments --> GRO
 *
 * The device is told to use the slot always: a frame that fits it takes
 * nothing else, and one whose headers it does not know has its first
 * IGBP_RX_HDR_BYTES there. So the head of an sk_buff is always a copy, and its
 * fragments hold nothing but payload, from the beginning of a page (or of its
 * half, where the MTU is small) on: that of a TCP segment of 4096 bytes can be
 * mapped into an application (TCP_ZEROCOPY_RECEIVE). Of the payload no bytes
 * but those in a slot are copied.
 *
 * Which headers are parsed, PSRTYPE says: after a reset those of IP, TCP and
 * UDP.
 * Only the first descriptor of a frame has headers; some devices repeat their
 * length in the others.
 *
 * Such buffers have no room in front of the payload, and none for
 * skb_shared_info behind it, so neither XDP nor a socket of AF_XDP can have
 * them. One excludes the other.
 *
 * Locking: as in rx.c; the mode changes under RTNL as rings do, memory first.
 */
#include <linux/bitfield.h>
#include <linux/rtnetlink.h>

#include "igb_percore.h"

/**
 * igbp_split_post - give descriptors their slots for headers
 * @mem: ring memory with such
 * @index: first descriptor, free-running
 * @count: number of descriptors
 *
 * A slot's address is even, so that this clears DD.
 *
 * Context: as igbp_rx_fill().
 */
void igbp_split_post(struct igbp_rx_mem *mem, u16 index, u16 count)
{
	for (; count; count--, index++) {
		u16 i = index & (mem->size - 1);

		mem->desc[i].read.hdr_addr =
			cpu_to_le64(mem->hdr_dma + i * IGBP_RX_HDR_BYTES);
	}
}

/* Bytes in the slot. The device tells how long the headers are, also where
 * they do not fit: then the rest of them is in the buffer.
 */
static unsigned int igbp_split_hdr_bytes(const union igbp_rx_desc *desc)
{
	u16 info = le16_to_cpu(READ_ONCE(desc->wb.hdr_info));

	return min(FIELD_GET(IGBP_RXD_HDR_LEN, info), IGBP_RX_HDR_BYTES);
}

/**
 * igbp_split_skb_build - begin a frame with what is in the slot
 * @pair: pair whose NAPI the caller owns
 * @index: the frame's first descriptor
 *
 * Context: softirq, or a NAPI thread.
 * Return: the sk_buff, without the descriptor's payload; or NULL, and nothing
 * has happened.
 */
struct sk_buff *igbp_split_skb_build(struct igbp_pair *pair, u16 index)
{
	struct igbp_rx_ring *ring = &pair->rx;
	unsigned int len = igbp_split_hdr_bytes(&ring->desc[index]);
	struct sk_buff *skb;

	skb = napi_alloc_skb(&pair->napi, IGBP_RX_HDR_BYTES);
	if (unlikely(!skb)) {
		u64_stats_update_begin(&ring->syncp);
		u64_stats_inc(&ring->stats.alloc_fail);
		u64_stats_update_end(&ring->syncp);
		return NULL;
	}
	skb_put_data(skb, ring->mem.hdr + index * IGBP_RX_HDR_BYTES, len);
	/* The fragments; that the head is no page of the pool, it sees */
	skb_mark_for_recycle(skb);
	return skb;
}

/**
 * igbp_split_skb_end - a frame is whole
 * @ring: ring
 * @skb: frame
 *
 * Context: softirq, or a NAPI thread.
 * Return: whether the stack can have it: its MAC header must be in the head,
 * also that of a frame which the device did not split.
 */
bool igbp_split_skb_end(struct igbp_rx_ring *ring, struct sk_buff *skb)
{
	if (skb_is_nonlinear(skb)) {
		u64_stats_update_begin(&ring->syncp);
		u64_stats_inc(&ring->stats.split);
		u64_stats_update_end(&ring->syncp);
	}
	return likely(pskb_may_pull(skb, ETH_HLEN));
}

/* Who has buffers that cannot be split, or NULL */
static const char *igbp_split_obstacle(struct igbp_port *port)
{
	unsigned int i;

	if (rtnl_dereference(port->xdp_prog))
		return "an XDP program is attached";
	for (i = 0; i < port->pairs; i++)
		if (port->pair[i]->xsk)
			return "an AF_XDP socket has a queue";
	return NULL;
}

/**
 * igbp_split_rings_set - receive headers apart, or not, and change ring sizes
 * @port: port, closed or open, asleep or not
 * @split: whether headers are to be received apart
 * @rx_size: descriptors of a receive ring, a power of two
 * @tx_size: descriptors of a transmit ring, a power of two
 * @extack: says what was refused
 *
 * Context: process, may sleep, RTNL.
 * Return: 0; -EOPNOTSUPP while XDP has the buffers; or an error of allocation.
 * Then all is as it was.
 */
int igbp_split_rings_set(struct igbp_port *port, bool split, u16 rx_size,
			 u16 tx_size, struct netlink_ext_ack *extack)
{
	const char *why = split ? igbp_split_obstacle(port) : NULL;
	bool had_split = port->split, had_xdp = port->xdp;
	int err;

	ASSERT_RTNL();
	if (why) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "no tcp-data-split: %s", why);
		return -EOPNOTSUPP;
	}
	port->split = split;
	/* Buffers that the last program has left, for want of memory */
	if (split)
		port->xdp = false;
	err = igbp_ring_reconfigure(port, rx_size, tx_size, port->netdev->mtu);
	if (err) {
		port->split = had_split;
		port->xdp = had_xdp;
	}
	return err;
}
