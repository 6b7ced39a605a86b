// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: from descriptors to sk_buffs
 *
 * Second stage of the receive path: irq.c (NAPI poll) -> [here] -> GRO and
 * the stack. Buffers are halves of page_pool pages (whole pages for large
 * frames) that stay mapped for their whole life; an sk_buff is built around
 * the buffer, and when the socket frees it, the page comes back to the pool.
 *
 *      size                       ntu                 ntc
 *   ... | done, to be refilled ... | posted, empty ... | ...
 *   ntc and ntu run freely; ntu - ntc descriptors are with the device.
 *
 * Refilling waits for IGBP_RX_REFILL descriptors, so that the tail register
 * is written once for many frames.
 *
 * Locking: none. A receive ring belongs to the owner of the pair's NAPI; with
 * the NAPI disabled, to whoever holds RTNL.
 */
#include <linux/prefetch.h>
#include <net/page_pool/helpers.h>

#include "igb_percore.h"

#define IGBP_RX_REFILL		32	/* descriptors */
#define IGBP_RX_HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN)

/**
 * igbp_rx_fill - post buffers
 * @mem: ring memory
 * @index: first descriptor, free-running
 * @count: number of descriptors; both a multiple of the buffers in a page
 *
 * The buffers of a page go to neighbours. Writing hdr_addr clears DD.
 *
 * Context: softirq of the ring's NAPI, or process before the ring starts.
 * Return: descriptors that were posted, less than @count if pages ran out.
 */
int igbp_rx_fill(struct igbp_rx_mem *mem, u16 index, u16 count)
{
	unsigned int per_page = PAGE_SIZE / mem->truesize;
	u16 mask = mem->size - 1;
	u16 done = 0;

	while (done < count) {
		struct page *page = page_pool_dev_alloc_pages(mem->pool);
		dma_addr_t dma;
		u32 offset = 0;
		unsigned int i;

		if (unlikely(!page))
			break;
		if (per_page > 1)
			page_pool_fragment_page(page, per_page);
		dma = page_pool_get_dma_addr(page) + IGBP_RX_HEADROOM;
		for (i = 0; i < per_page; i++) {
			union igbp_rx_desc *desc = &mem->desc[index & mask];
			struct igbp_rx_buf *buf = &mem->buf[index & mask];

			buf->page = page;
			buf->offset = offset;
			desc->read.pkt_addr = cpu_to_le64(dma + offset);
			desc->read.hdr_addr = 0;
			offset += mem->truesize;
			index++;
		}
		done += per_page;
	}
	return done;
}

/* Return: whether the ring has enough buffers to go on receiving */
static bool igbp_rx_refill(struct igbp_rx_ring *ring)
{
	u16 used = ring->mask + 1 - (u16)(ring->ntu - ring->ntc);
	u16 per_page = PAGE_SIZE / ring->truesize;
	u16 count, done;

	/* The device takes head == tail for empty: a page stays unposted */
	count = rounddown(used - per_page, per_page);
	done = igbp_rx_fill(&ring->mem, ring->ntu, count);
	if (unlikely(done < count)) {
		u64_stats_update_begin(&ring->syncp);
		u64_stats_inc(&ring->stats.alloc_fail);
		u64_stats_update_end(&ring->syncp);
	}
	if (likely(done)) {
		ring->ntu += done;
		writel(ring->ntu & ring->mask, ring->tail);
	}
	return (u16)(ring->ntu - ring->ntc) >= IGBP_RX_REFILL;
}

static void igbp_rx_checksum(struct igbp_rx_ring *ring, struct sk_buff *skb,
			     u32 status)
{
	if (!(skb->dev->features & NETIF_F_RXCSUM))
		return;
	if (unlikely(status & (IGBP_RXD_L4E | IGBP_RXD_IPE))) {
		u64_stats_update_begin(&ring->syncp);
		u64_stats_inc(&ring->stats.csum_err);
		u64_stats_update_end(&ring->syncp);
		return;
	}
	if (likely(status & (IGBP_RXD_L4CS | IGBP_RXD_UDPCS)))
		skb->ip_summed = CHECKSUM_UNNECESSARY;
}

/* Fill in what the last descriptor of a frame tells about it */
static void igbp_rx_metadata(struct igbp_rx_ring *ring, struct sk_buff *skb,
			     const union igbp_rx_desc *desc, u32 status)
{
	netdev_features_t features = skb->dev->features;

	igbp_rx_checksum(ring, skb, status);
	if (features & NETIF_F_RXHASH) {
		u32 type = le16_to_cpu(desc->wb.pkt_info) & IGBP_RXD_RSS_TYPE;

		if (type)
			skb_set_hash(skb, le32_to_cpu(desc->wb.rss),
				     BIT(type) & IGBP_RXD_RSS_L4 ?
				     PKT_HASH_TYPE_L4 : PKT_HASH_TYPE_L3);
	}
	if (unlikely(status & IGBP_RXD_VP) &&
	    features & NETIF_F_HW_VLAN_CTAG_RX)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
				       le16_to_cpu(desc->wb.vlan));
}

/* First buffer of a frame. Return: the sk_buff, or NULL; then the buffer has
 * gone back to the pool.
 */
static struct sk_buff *igbp_rx_skb_build(struct igbp_rx_ring *ring,
					 struct igbp_rx_buf *buf, u32 len)
{
	void *va = page_address(buf->page) + buf->offset;
	struct sk_buff *skb;

	net_prefetch(va + IGBP_RX_HEADROOM);
	skb = napi_build_skb(va, ring->truesize);
	if (unlikely(!skb)) {
		page_pool_put_full_page(ring->pool, buf->page, true);
		u64_stats_update_begin(&ring->syncp);
		u64_stats_inc(&ring->stats.alloc_fail);
		u64_stats_update_end(&ring->syncp);
		return NULL;
	}
	skb_reserve(skb, IGBP_RX_HEADROOM);
	__skb_put(skb, len);
	skb_mark_for_recycle(skb);
	return skb;
}

static void igbp_rx_skb_extend(struct igbp_rx_ring *ring, struct sk_buff *skb,
			       struct igbp_rx_buf *buf, u32 len)
{
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, buf->page,
			buf->offset + IGBP_RX_HEADROOM, len, ring->truesize);
}

/**
 * igbp_rx_clean - hand received frames to the stack
 * @pair: pair whose NAPI the caller owns
 * @budget: frames at most, above 0
 *
 * Context: softirq, or a NAPI thread.
 * Return: frames handled; @budget when there may be more, or when the ring is
 * so short of buffers that nobody but us would notice.
 */
int igbp_rx_clean(struct igbp_pair *pair, int budget)
{
	struct igbp_rx_ring *ring = &pair->rx;
	unsigned int packets = 0, bytes = 0, errors = 0;
	struct sk_buff *skb = ring->skb;
	bool fed = true;

	while (packets + errors < budget && ring->ntc != ring->ntu) {
		u16 i = ring->ntc & ring->mask;
		union igbp_rx_desc *desc = &ring->desc[i];
		struct igbp_rx_buf *buf = &ring->buf[i];
		u32 status, len;

		status = le32_to_cpu(READ_ONCE(desc->wb.status));
		if (!(status & IGBP_RXD_DD))
			break;
		/* The device writes DD after all the rest */
		dma_rmb();
		len = le16_to_cpu(desc->wb.len);
		ring->ntc++;

		dma_sync_single_range_for_cpu(ring->dev,
					      page_pool_get_dma_addr(buf->page),
					      buf->offset + IGBP_RX_HEADROOM,
					      len, DMA_FROM_DEVICE);
		if (likely(!skb) && !ring->skip)
			skb = igbp_rx_skb_build(ring, buf, len);
		else if (skb)
			igbp_rx_skb_extend(ring, skb, buf, len);
		else
			page_pool_put_full_page(ring->pool, buf->page, true);
		buf->page = NULL;
		/* Without an sk_buff the rest of the frame is passed over */
		ring->skip = !skb && !(status & IGBP_RXD_EOP);
		if (unlikely(!skb || !(status & IGBP_RXD_EOP)))
			continue;

		if (unlikely(status & IGBP_RXD_RXE)) {
			dev_kfree_skb(skb);
			skb = NULL;
			errors++;
			continue;
		}
		packets++;
		bytes += skb->len;
		skb->dev = pair->napi.dev;
		igbp_rx_metadata(ring, skb, desc, status);
		skb_record_rx_queue(skb, pair->index);
		skb->protocol = eth_type_trans(skb, skb->dev);
		napi_gro_receive(&pair->napi, skb);
		skb = NULL;
	}
	ring->skb = skb;

	if ((u16)(ring->ntu - ring->ntc) <= ring->mask + 1 - IGBP_RX_REFILL)
		fed = igbp_rx_refill(ring);

	u64_stats_update_begin(&ring->syncp);
	u64_stats_add(&ring->stats.packets, packets);
	u64_stats_add(&ring->stats.bytes, bytes);
	u64_stats_add(&ring->stats.errors, errors);
	u64_stats_inc(&ring->stats.polls);
	u64_stats_update_end(&ring->syncp);

	return likely(fed) ? packets + errors : budget;
}
