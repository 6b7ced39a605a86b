// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: from sk_buffs to descriptors, and their reclaim
 *
 * Last stage of the transmit path: the stack (qdisc, XPS) -> [here] -> device,
 * and first stage of completion: irq.c (NAPI poll) -> [here] -> the socket.
 *
 * Batches. Frames that the stack announces with xmit_more share a doorbell,
 * and the device is asked to report (RS) the last descriptor alone:
 *
 *      ntc               published          batch        ntu
 *   ... | with the device ... | (same place)  | no doorbell | free ...
 *
 * The first descriptor of a batch knows its last one, so that reclaim looks
 * at one descriptor of each batch.
 *
 * Contexts. The device keeps two offload contexts per queue. Slot 0 serves
 * plain checksums and tags, slot 1 segmentation, and a context descriptor is
 * spent only when the wanted one differs from the one held.
 *
 * Small frames and headers are copied into a mapped slot beside the ring,
 * which is cheaper than mapping them.
 *
 * Devices that send within the doorbell (a model of the 82576 does) have set
 * DD when writel() returns. After IGBP_TX_SYNC_HITS of these in a row the
 * queue goes synchronous: the producer reclaims right after the doorbell and
 * the queue's interrupt is turned off. The first doorbell that is not done at
 * once turns it on again.
 *
 *   asynchronous: reclaim by the owner of the NAPI, BQL, interrupt
 *   synchronous:  reclaim by the producer, nothing in flight, no interrupt
 *
 * Locking: the producer side is under __netif_tx_lock. The consumer side
 * belongs to the owner of the NAPI while @sync is clear, and to the producer
 * while it is set. @sync is set by the NAPI's owner under the tx lock with
 * the ring empty, and cleared by the producer with release, paired with the
 * acquire in igbp_tx_clean().
 *
 * Frames of XDP (xdp.c) come in batches of their own, in a ring of their own
 * where the device has queues enough; such a ring works as any other.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/netdev_queues.h>

#include "igb_percore.h"

#define IGBP_TX_BATCH_MAX	64	/* descriptors without a doorbell */
#define IGBP_TX_SYNC_HITS	32

/**
 * struct igbp_tx_frame - a frame on its way into the ring
 * @skb: the frame
 * @cmd: command bits of its data descriptors
 * @olinfo: option bits of its first data descriptor
 * @segs: frames that it makes on the wire
 * @mapped: something of it was mapped
 * @hdr_bytes: header that each of them repeats
 */
struct igbp_tx_frame {
	struct sk_buff *skb;
	u32 cmd;
	u32 olinfo;
	u16 segs;
	u16 hdr_bytes;
	bool mapped;
};

/**
 * igbp_tx_unmap - undo the mapping that a descriptor stands for, if any
 * @ring: ring
 * @buf: note of the descriptor
 *
 * Context: any; of the ring's consumer, or of its producer for what the device
 * has never seen.
 */
void igbp_tx_unmap(struct igbp_tx_ring *ring, struct igbp_tx_buf *buf)
{
	if (!buf->len)
		return;
	if (buf->page)
		dma_unmap_page(ring->dev, buf->dma, buf->len, DMA_TO_DEVICE);
	else
		dma_unmap_single(ring->dev, buf->dma, buf->len,
				 DMA_TO_DEVICE);
	buf->len = 0;
}

/* Free what the device has sent. Return: bytes to tell BQL. */
static u32 igbp_tx_reclaim(struct igbp_tx_ring *ring, int budget)
{
	/* Pairs with the release in igbp_tx_doorbell() */
	u16 end = smp_load_acquire(&ring->published);
	u16 ntc = ring->ntc, mask = ring->mask;
	u32 bytes = 0;

	while (ntc != end) {
		struct igbp_tx_buf *buf = &ring->buf[ntc & mask];
		u16 last = buf->batch_last;

		if (!(READ_ONCE(ring->desc[last].wb.status) &
		      cpu_to_le32(IGBP_TXD_STAT_DD)))
			break;
		/* Not from netpoll, which may be in a hard interrupt */
		if (unlikely(buf->xdp) && !budget)
			break;
		bytes += buf->batch_bytes;
		if (unlikely(buf->xdp)) {
			ntc = igbp_xdp_reclaim(ring, ntc);
			continue;
		}
		for (;;) {
			igbp_tx_unmap(ring, buf);
			if (buf->skb) {
				napi_consume_skb(buf->skb, budget);
				buf->skb = NULL;
			}
			if ((ntc++ & mask) == last)
				break;
			buf = &ring->buf[ntc & mask];
		}
	}
	WRITE_ONCE(ring->ntc, ntc);
	return bytes;
}

/* Every doorbell of late was done when it returned: hand reclaim over to the
 * producer.
 */
static void igbp_tx_sync_try(struct igbp_tx_ring *ring)
{
	if (!__netif_tx_trylock(ring->txq))
		return;
	if (ring->ntc == ring->ntu && !netif_tx_queue_stopped(ring->txq)) {
		WRITE_ONCE(ring->sync, true);
		igbp_irq_tx_route(ring, false);
	}
	__netif_tx_unlock(ring->txq);
}

/**
 * igbp_tx_clean - reclaim frames that the device has sent
 * @ring: ring of a pair whose NAPI the caller owns
 * @budget: of the poll; 0 when called by netpoll
 *
 * Context: softirq, a NAPI thread, or netpoll with interrupts off.
 */
void igbp_tx_clean(struct igbp_tx_ring *ring, int budget)
{
	u32 bytes;

	/* Pairs with the release in igbp_tx_sync_leave() */
	if (smp_load_acquire(&ring->sync))
		return;
	if (ring->ntc == READ_ONCE(ring->published))
		return;
	bytes = igbp_tx_reclaim(ring, budget);
	netif_txq_completed_wake(ring->txq, !!bytes, bytes,
				 igbp_tx_avail(ring), IGBP_TX_WAKE);
	if (unlikely(READ_ONCE(ring->sync_hits) >= IGBP_TX_SYNC_HITS) &&
	    budget)
		igbp_tx_sync_try(ring);
}

/**
 * igbp_tx_drain - drop everything in a ring that the device has let go of
 * @ring: ring
 *
 * Context: process, RTNL; NAPI disabled and the stack's queue stopped.
 */
void igbp_tx_drain(struct igbp_tx_ring *ring)
{
	while (ring->ntc != ring->ntu) {
		struct igbp_tx_buf *buf = &ring->buf[ring->ntc & ring->mask];

		if (buf->xdp) {
			ring->ntc = igbp_xdp_reclaim(ring, ring->ntc);
			continue;
		}
		igbp_tx_unmap(ring, buf);
		dev_kfree_skb_any(buf->skb);
		buf->skb = NULL;
		ring->ntc++;
	}
	/* Nothing waits for a doorbell */
	ring->batch = ring->ntu;
}

/* A doorbell was not done at once: back to interrupts. The NAPI may reclaim
 * from the release on; the kick covers a batch that was done before the
 * interrupt was on.
 */
static void igbp_tx_sync_leave(struct igbp_tx_ring *ring, u16 first, u32 bytes)
{
	ring->sync_hits = 0;
	ring->buf[first].batch_bytes = bytes;
	netdev_tx_sent_queue(ring->txq, bytes);
	igbp_irq_tx_route(ring, true);
	/* Pairs with the acquire in igbp_tx_clean() */
	smp_store_release(&ring->sync, false);
	igbp_irq_kick(ring->pair);
}

/* Give the device everything up to @ring->ntu, which ends in @last, and see
 * whether it was done at once.
 */
static bool igbp_tx_ring_bell(struct igbp_tx_ring *ring, u16 last)
{
	ring->batch = ring->ntu;
	ring->batch_bytes = 0;
	/* Pairs with the acquire in igbp_tx_reclaim() */
	smp_store_release(&ring->published, ring->ntu);
	writel(ring->ntu & ring->mask, ring->tail);
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(&ring->stats.doorbells);
	u64_stats_update_end(&ring->syncp);
	return READ_ONCE(ring->desc[last].wb.status) &
	       cpu_to_le32(IGBP_TXD_STAT_DD);
}

/**
 * igbp_tx_doorbell - give the open batch to the device
 * @ring: ring with a batch that is not empty
 *
 * Context: __netif_tx_lock held, bottom halves off, with netpoll interrupts
 * off.
 */
void igbp_tx_doorbell(struct igbp_tx_ring *ring)
{
	u16 last = (ring->ntu - 1) & ring->mask;
	u16 first = ring->batch & ring->mask;
	u32 bytes = ring->batch_bytes;
	bool done;

	ring->desc[last].read.cmd |= cpu_to_le32(IGBP_TXD_RS);
	ring->buf[first].batch_last = last;
	if (likely(ring->sync)) {
		ring->buf[first].batch_bytes = 0;
		if (likely(igbp_tx_ring_bell(ring, last)))
			igbp_tx_reclaim(ring, !irqs_disabled());
		else
			igbp_tx_sync_leave(ring, first, bytes);
		return;
	}
	ring->buf[first].batch_bytes = bytes;
	netdev_tx_sent_queue(ring->txq, bytes);
	done = igbp_tx_ring_bell(ring, last);
	if (!done)
		ring->sync_hits = 0;
	else if (ring->sync_hits < IGBP_TX_SYNC_HITS)
		WRITE_ONCE(ring->sync_hits, ring->sync_hits + 1);
}

/* See that the device holds a context; spend a descriptor if it does not */
static void igbp_tx_ctx_set(struct igbp_tx_ring *ring, unsigned int idx,
			    u32 vlan_maclen_iplen, u32 type, u32 mss_l4len)
{
	struct igbp_tx_ctx *held = &ring->ctx[idx];
	u32 mss_l4len_idx = mss_l4len | idx << IGBP_TXD_CTX_IDX_SHIFT;
	union igbp_tx_desc *desc;

	if (likely(held->vlan_maclen_iplen == vlan_maclen_iplen &&
		   held->type == type &&
		   held->mss_l4len_idx == mss_l4len_idx))
		return;
	held->vlan_maclen_iplen = vlan_maclen_iplen;
	held->type = type;
	held->mss_l4len_idx = mss_l4len_idx;

	desc = &ring->desc[ring->ntu++ & ring->mask];
	desc->ctx.vlan_maclen_iplen = cpu_to_le32(vlan_maclen_iplen);
	desc->ctx.seed = 0;
	desc->ctx.type = cpu_to_le32(type);
	desc->ctx.mss_l4len_idx = cpu_to_le32(mss_l4len_idx);
}

static int igbp_tx_tso(struct igbp_tx_ring *ring, struct igbp_tx_frame *frame,
		       u32 vlan)
{
	struct sk_buff *skb = frame->skb;
	int l3 = skb_network_offset(skb), l4 = skb_transport_offset(skb);
	u32 type = IGBP_TXC_CTX | IGBP_TXD_DEXT;
	u32 l4len, paylen;
	int err;

	err = skb_cow_head(skb, 0);
	if (err)
		return err;

	/* The device fills in lengths and the IP checksum of each segment,
	 * and wants the pseudo-header summed without the length.
	 */
	frame->olinfo = IGBP_TXD_TXSM;
	if (ip_hdr(skb)->version == 4) {
		ip_hdr(skb)->tot_len = 0;
		ip_hdr(skb)->check = 0;
		type |= IGBP_TXC_IPV4;
		frame->olinfo |= IGBP_TXD_IXSM;
	} else {
		ipv6_hdr(skb)->payload_len = 0;
	}
	paylen = skb->len - l4;
	if (skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4) {
		l4len = sizeof(struct udphdr);
		type |= IGBP_TXC_L4_UDP;
		csum_replace_by_diff(&udp_hdr(skb)->check,
				     (__force __wsum)htonl(paylen));
	} else {
		l4len = tcp_hdrlen(skb);
		type |= IGBP_TXC_L4_TCP;
		csum_replace_by_diff(&tcp_hdr(skb)->check,
				     (__force __wsum)htonl(paylen));
	}
	frame->segs = skb_shinfo(skb)->gso_segs;
	frame->hdr_bytes = l4 + l4len;
	/* The stack has checked what comes from a guest, but not by what the
	 * device can do
	 */
	if (unlikely(l3 > IGBP_TXC_MACLEN_MAX || l4 - l3 > IGBP_TXC_IPLEN_MAX ||
		     frame->hdr_bytes + skb_shinfo(skb)->gso_size >
		     IGBP_TX_MAX_BYTES))
		return -EMSGSIZE;
	frame->cmd |= IGBP_TXD_TSE;
	frame->olinfo |= 1 << IGBP_TXD_CTX_IDX_SHIFT |
			 (skb->len - frame->hdr_bytes) << IGBP_TXD_PAYLEN_SHIFT;
	igbp_tx_ctx_set(ring, 1,
			vlan | l3 << IGBP_TXC_MACLEN_SHIFT | (l4 - l3), type,
			l4len << IGBP_TXC_L4LEN_SHIFT |
			skb_shinfo(skb)->gso_size << IGBP_TXC_MSS_SHIFT);
	return 0;
}

static int igbp_tx_csum(struct igbp_tx_ring *ring, struct igbp_tx_frame *frame,
			u32 vlan)
{
	struct sk_buff *skb = frame->skb;
	int l3 = skb_network_offset(skb), l4 = skb_checksum_start_offset(skb);
	u32 type = IGBP_TXC_CTX | IGBP_TXD_DEXT;

	switch (skb->csum_offset) {
	case offsetof(struct tcphdr, check):
		type |= IGBP_TXC_L4_TCP;
		break;
	case offsetof(struct udphdr, check):
		type |= IGBP_TXC_L4_UDP;
		break;
	case offsetof(struct sctphdr, checksum):
		if (skb_csum_is_sctp(skb)) {
			type |= IGBP_TXC_L4_SCTP;
			break;
		}
		fallthrough;
	default:
		return skb_checksum_help(skb);
	}
	frame->olinfo |= IGBP_TXD_TXSM;
	igbp_tx_ctx_set(ring, 0,
			vlan | l3 << IGBP_TXC_MACLEN_SHIFT | (l4 - l3), type,
			0);
	return 0;
}

/* Choose offloads and see to the context. Return: 0, -ENOMEM, or -EMSGSIZE for
 * what would be longer on the wire than the device may send.
 */
static int igbp_tx_offload(struct igbp_tx_ring *ring,
			   struct igbp_tx_frame *frame)
{
	struct sk_buff *skb = frame->skb;
	u32 vlan = 0;

	if (skb_vlan_tag_present(skb)) {
		vlan = skb_vlan_tag_get(skb) << IGBP_TXC_VLAN_SHIFT;
		frame->cmd |= IGBP_TXD_VLE;
	}
	if (skb_is_gso(skb))
		return igbp_tx_tso(ring, frame, vlan);

	/* The stack cuts a guest's frame to the size which that asks for */
	if (unlikely(skb->len > IGBP_TX_MAX_BYTES))
		return -EMSGSIZE;
	frame->olinfo = skb->len << IGBP_TXD_PAYLEN_SHIFT;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return igbp_tx_csum(ring, frame, vlan);
	if (vlan)
		igbp_tx_ctx_set(ring, 0, vlan | skb_network_offset(skb) <<
				IGBP_TXC_MACLEN_SHIFT,
				IGBP_TXC_CTX | IGBP_TXD_DEXT, 0);
	return 0;
}

static void igbp_tx_desc_put(struct igbp_tx_ring *ring,
			     struct igbp_tx_frame *frame, dma_addr_t dma,
			     u32 len)
{
	u16 ntu = ring->ntu;
	union igbp_tx_desc *desc = &ring->desc[ntu & ring->mask];

	ring->ntu = ntu + 1;
	desc->read.addr = cpu_to_le64(dma);
	desc->read.cmd = cpu_to_le32(frame->cmd | len);
	desc->read.olinfo = cpu_to_le32(frame->olinfo);
	/* Only the first descriptor of a frame carries options */
	frame->olinfo = 0;
}

/* Descriptors for a piece of a frame that was mapped; the first one unmaps */
static void igbp_tx_mapped_put(struct igbp_tx_ring *ring,
			       struct igbp_tx_frame *frame, dma_addr_t dma,
			       u32 len, bool page)
{
	struct igbp_tx_buf *buf = &ring->buf[ring->ntu & ring->mask];

	buf->dma = dma;
	buf->len = len;
	buf->page = page;
	frame->mapped = true;
	while (unlikely(len > IGBP_TXD_MAX_BYTES)) {
		igbp_tx_desc_put(ring, frame, dma, IGBP_TXD_MAX_BYTES);
		dma += IGBP_TXD_MAX_BYTES;
		len -= IGBP_TXD_MAX_BYTES;
	}
	igbp_tx_desc_put(ring, frame, dma, len);
}

/* The linear part, or all of a small frame. Return: bytes done, or -ENOMEM. */
static int igbp_tx_map_head(struct igbp_tx_ring *ring,
			    struct igbp_tx_frame *frame)
{
	u32 offset = (ring->ntu & ring->mask) * IGBP_TX_SLOT_BYTES;
	u32 len = skb_headlen(frame->skb);
	struct sk_buff *skb = frame->skb;
	dma_addr_t dma;

	if (len > IGBP_TX_SLOT_BYTES) {
		dma = dma_map_single(ring->dev, skb->data, len, DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(ring->dev, dma)))
			return -ENOMEM;
		igbp_tx_mapped_put(ring, frame, dma, len, false);
		return len;
	}
	if (skb->len == len) {
		skb_copy_from_linear_data(skb, ring->slot + offset, len);
	} else {
		if (skb->len <= IGBP_TX_SLOT_BYTES)
			len = skb->len;
		skb_copy_bits(skb, 0, ring->slot + offset, len);
	}
	igbp_tx_desc_put(ring, frame, ring->slot_dma + offset, len);
	return len;
}

/* Return: 0 or -ENOMEM */
static int igbp_tx_map(struct igbp_tx_ring *ring, struct igbp_tx_frame *frame)
{
	struct skb_shared_info *shinfo = skb_shinfo(frame->skb);
	unsigned int i;
	int done;

	done = igbp_tx_map_head(ring, frame);
	if (done < 0)
		return done;
	if (done == frame->skb->len)
		return 0;

	for (i = 0; i < shinfo->nr_frags; i++) {
		const skb_frag_t *frag = &shinfo->frags[i];
		u32 len = skb_frag_size(frag);
		dma_addr_t dma;

		if (unlikely(!len))
			continue;
		dma = skb_frag_dma_map(ring->dev, frag, 0, len,
				       DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(ring->dev, dma)))
			return -ENOMEM;
		igbp_tx_mapped_put(ring, frame, dma, len, true);
	}
	return 0;
}

/* Take back the descriptors from @start on; the device never saw them */
static void igbp_tx_rollback(struct igbp_tx_ring *ring, u16 start)
{
	while (ring->ntu != start) {
		ring->ntu--;
		igbp_tx_unmap(ring, &ring->buf[ring->ntu & ring->mask]);
	}
	/* A context descriptor may have been among them */
	memset(ring->ctx, 0, sizeof(ring->ctx));
}

static void igbp_tx_account(struct igbp_tx_ring *ring,
			    const struct igbp_tx_frame *frame)
{
	const struct sk_buff *skb = frame->skb;
	u32 bytes = skb->len + (frame->segs - 1) * frame->hdr_bytes;

	ring->batch_bytes += bytes;
	u64_stats_update_begin(&ring->syncp);
	u64_stats_add(&ring->stats.packets, frame->segs);
	u64_stats_add(&ring->stats.bytes, bytes);
	if (frame->cmd & IGBP_TXD_TSE)
		u64_stats_inc(&ring->stats.tso);
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		u64_stats_add(&ring->stats.csum, frame->segs);
	u64_stats_update_end(&ring->syncp);
}

static void igbp_tx_drop(struct igbp_tx_ring *ring, struct sk_buff *skb)
{
	dev_kfree_skb_any(skb);
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(&ring->stats.dropped);
	u64_stats_update_end(&ring->syncp);
	/* Frames before this one may be waiting for its doorbell */
	if (ring->batch != ring->ntu && !netdev_xmit_more())
		igbp_tx_doorbell(ring);
}

static void igbp_tx_stop_check(struct igbp_tx_ring *ring)
{
	if (likely(netif_txq_maybe_stop(ring->txq, igbp_tx_avail(ring),
					IGBP_TX_DESC_MAX, IGBP_TX_WAKE)))
		return;
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(&ring->stats.stops);
	u64_stats_update_end(&ring->syncp);
}

/* A frame that asks for timestamps: when it is sent, and when we send it */
static void igbp_tx_stamp(struct igbp_tx_ring *ring, struct sk_buff *skb,
			  u16 start)
{
	if (skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP &&
	    igbp_stamp_tx_claim(ring->pair->port, skb))
		for (; start != ring->ntu; start++) {
			union igbp_tx_desc *desc;

			desc = &ring->desc[start & ring->mask];
			if (!(~desc->read.cmd & cpu_to_le32(IGBP_TXD_DATA)))
				desc->read.cmd |= cpu_to_le32(IGBP_TXD_TSTAMP);
		}
	skb_tx_timestamp(skb);
}

/* A frame that was copied, alone in its batch on a synchronous queue: it is
 * sent and forgotten, without a note in the ring.
 */
static void igbp_tx_send_copied(struct igbp_tx_ring *ring, struct sk_buff *skb,
				u16 start)
{
	u16 last = (ring->ntu - 1) & ring->mask;
	u32 bytes = ring->batch_bytes;

	ring->desc[last].read.cmd |= cpu_to_le32(IGBP_TXD_EOP | IGBP_TXD_RS);
	if (likely(igbp_tx_ring_bell(ring, last))) {
		WRITE_ONCE(ring->ntc, ring->ntu);
		napi_consume_skb(skb, !irqs_disabled());
		return;
	}
	ring->buf[last].skb = skb;
	ring->buf[start & ring->mask].batch_last = last;
	igbp_tx_sync_leave(ring, start & ring->mask, bytes);
}

/* A frame that is noted in the ring until the device has sent it */
static void igbp_tx_send_noted(struct igbp_tx_ring *ring, struct sk_buff *skb,
			       bool more)
{
	u16 last = (ring->ntu - 1) & ring->mask;

	ring->desc[last].read.cmd |= cpu_to_le32(IGBP_TXD_EOP);
	ring->buf[last].skb = skb;
	if (!more || netif_xmit_stopped(ring->txq) ||
	    (u16)(ring->ntu - ring->batch) >= IGBP_TX_BATCH_MAX ||
	    igbp_tx_avail(ring) < IGBP_TX_DESC_MAX)
		igbp_tx_doorbell(ring);
	igbp_tx_stop_check(ring);
}

/* A ring that is closed has no memory, and igbp_ring_pair_close() has left it
 * no mask either, so that it has no room; nor will it have any later.
 */
static netdev_tx_t igbp_tx_no_room(struct igbp_tx_ring *ring,
				   struct sk_buff *skb)
{
	if (!ring->mask) {
		igbp_tx_drop(ring, skb);
		return NETDEV_TX_OK;
	}
	netif_tx_stop_queue(ring->txq);
	return NETDEV_TX_BUSY;
}

/**
 * igbp_tx_xmit - send a frame
 * @skb: frame
 * @netdev: interface
 *
 * Context: ndo_start_xmit; __netif_tx_lock held, bottom halves off, with
 * netpoll interrupts off.
 * Return: NETDEV_TX_OK, the frame is taken, sent or dropped. NETDEV_TX_BUSY
 * only if the stack transmits on a stopped queue.
 */
netdev_tx_t igbp_tx_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_tx_ring *ring = &port->pair[skb_get_queue_mapping(skb)]->tx;
	struct igbp_tx_frame frame = {
		.skb = skb,
		.cmd = IGBP_TXD_DATA | IGBP_TXD_DEXT | IGBP_TXD_IFCS,
		.segs = 1,
	};
	bool more = netdev_xmit_more();
	u16 start = ring->ntu;

	if (unlikely(igbp_tx_avail(ring) < IGBP_TX_DESC_MAX))
		return igbp_tx_no_room(ring, skb);
	/* This frees the frame if it fails */
	if (unlikely(skb_put_padto(skb, IGBP_TX_MIN_BYTES))) {
		igbp_tx_drop(ring, NULL);
		return NETDEV_TX_OK;
	}
	if (unlikely(igbp_tx_offload(ring, &frame)) ||
	    unlikely(igbp_tx_map(ring, &frame))) {
		igbp_tx_rollback(ring, start);
		igbp_tx_drop(ring, skb);
		return NETDEV_TX_OK;
	}
	igbp_tx_account(ring, &frame);
	if (unlikely(skb_shinfo(skb)->tx_flags &
		     (SKBTX_HW_TSTAMP | SKBTX_SW_TSTAMP)))
		igbp_tx_stamp(ring, skb, start);

	if (!frame.mapped && !more && ring->sync && ring->batch == start)
		igbp_tx_send_copied(ring, skb, start);
	else
		igbp_tx_send_noted(ring, skb, more);
	return NETDEV_TX_OK;
}
