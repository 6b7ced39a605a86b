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
 * Where headers are received apart, split.c makes the sk_buffs. Rings that are
 * made for XDP are polled by xdp.c.
 *
 * The device is not trusted with memory: what it says of a buffer is read once
 * and compared with the buffer, and a frame of which it says what cannot be is
 * dropped as a whole, and counted.
 *
 * Locking: none. A receive ring belongs to the owner of the pair's NAPI; with
 * the NAPI disabled, to whoever holds RTNL.
 */
#include <net/busy_poll.h>
#include <net/page_pool/helpers.h>
#include <net/udp.h>

#include "igb_percore.h"

/* In the place of a frame that is being dropped */
#define IGBP_RX_SPOILT	((struct sk_buff *)ERR_PTR(-EBADMSG))

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
	unsigned int truesize = mem->truesize;
	unsigned int per_page = PAGE_SIZE / truesize;
	unsigned int mask = mem->size - 1;
	unsigned int done;

	for (done = 0; done < count; done += per_page) {
		struct page *page = page_pool_dev_alloc_pages(mem->pool);
		unsigned int at = (index + done) & mask;
		union igbp_rx_desc *desc = &mem->desc[at];
		void **buf = &mem->buf[at];
		dma_addr_t dma;
		void *va, *end;

		if (unlikely(!page))
			break;
		page_pool_fragment_page(page, per_page);
		dma = page_pool_get_dma_addr(page) + mem->headroom;
		va = page_address(page) + mem->headroom;
		end = va + PAGE_SIZE;
		/* The ring is a whole number of pages long: no wrap inside */
		do {
			desc->read.pkt_addr = cpu_to_le64(dma);
			desc->read.hdr_addr = 0;
			*buf = va;
			dma += truesize;
			va += truesize;
			desc++;
			buf++;
		} while (va != end);
	}
	if (unlikely(mem->hdr))
		igbp_split_post(mem, index, done);
	return done;
}

/**
 * igbp_rx_refill - post buffers in the place of those that were received
 * @ring: ring that waits for IGBP_RX_REFILL of them or more
 *
 * Context: softirq of the ring's NAPI.
 * Return: whether the ring has enough buffers to go on receiving.
 */
bool igbp_rx_refill(struct igbp_rx_ring *ring)
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

/**
 * igbp_rx_csum_error - count a frame whose checksum the device found wrong
 * @ring: ring
 *
 * Context: softirq of the ring's NAPI.
 */
void igbp_rx_csum_error(struct igbp_rx_ring *ring)
{
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(&ring->stats.csum_err);
	u64_stats_update_end(&ring->syncp);
}

static void igbp_rx_buf_put(struct igbp_rx_ring *ring, void *va)
{
	page_pool_put_full_page(ring->pool, virt_to_head_page(va), true);
}

static void igbp_rx_skb_free(struct sk_buff *skb)
{
	if (!IS_ERR_OR_NULL(skb))
		dev_kfree_skb(skb);
}

/* The device says of a buffer what cannot be: its frame is dropped, what has
 * come of it and what comes up to its last descriptor.
 */
static struct sk_buff *igbp_rx_skb_spoil(struct igbp_rx_ring *ring,
					 struct sk_buff *skb, void *va)
{
	igbp_rx_buf_put(ring, va);
	igbp_rx_skb_free(skb);
	return IGBP_RX_SPOILT;
}

/* First buffer of a frame. Return: the sk_buff, or NULL; then the buffer is the
 * ring's still.
 */
static struct sk_buff *igbp_rx_skb_build(struct igbp_rx_ring *ring, void *va,
					 unsigned int len)
{
	struct sk_buff *skb;

	skb = napi_build_skb(va - IGBP_RX_HEADROOM, ring->truesize);
	if (unlikely(!skb)) {
		u64_stats_update_begin(&ring->syncp);
		u64_stats_inc(&ring->stats.alloc_fail);
		u64_stats_update_end(&ring->syncp);
		return NULL;
	}
	skb_reserve(skb, IGBP_RX_HEADROOM);
	/* It is new, so it is empty and linear: skb_put() need not look */
	skb->tail += len;
	skb->len = len;
	skb_mark_for_recycle(skb);
	return skb;
}

/* A further buffer of a frame, or, where headers lie apart, any; or, without
 * @skb, a first one of a length that cannot be. Return: @skb or IGBP_RX_SPOILT.
 */
static struct sk_buff *igbp_rx_skb_extend(struct igbp_rx_ring *ring,
					  struct sk_buff *skb, void *va,
					  unsigned int len)
{
	if (IS_ERR_OR_NULL(skb) || unlikely(len > ring->room) ||
	    unlikely(skb_shinfo(skb)->nr_frags == MAX_SKB_FRAGS))
		return igbp_rx_skb_spoil(ring, skb, va);
	/* There may have been the FCS alone, which is taken off; or headers */
	if (unlikely(!len))
		igbp_rx_buf_put(ring, va);
	else
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags,
				virt_to_head_page(va), offset_in_page(va), len,
				ring->truesize);
	return skb;
}

static void igbp_rx_sync(struct igbp_rx_ring *ring, void *va, unsigned int len)
{
	page_pool_dma_sync_for_cpu(ring->pool, virt_to_head_page(va),
				   offset_in_page(va), min(len, ring->room));
}

static bool igbp_rx_more(const struct igbp_rx_ring *ring, u16 ntc)
{
	const union igbp_rx_desc *desc = &ring->desc[ntc & ring->mask];

	return ntc != ring->ntu && READ_ONCE(desc->wb.status) &
				   cpu_to_le32(IGBP_RXD_DD);
}

/* Whether GRO has nothing that this frame could overtake */
static bool igbp_rx_gro_idle(const struct napi_struct *napi)
{
	return !napi->gro_bitmask && !napi->rx_count;
}

/* Whether GRO could do nothing for a datagram: not without a tunnel, a socket
 * that asked for it, or forwarding in lists.
 */
static bool igbp_rx_udp_is_plain(u16 pkt_info, netdev_features_t features)
{
	const u16 udp4 = IGBP_RXD_PKT_UDP | IGBP_RXD_PKT_IPV4;

	return (pkt_info & (udp4 | IGBP_RXD_PKT_L2)) == udp4 &&
	       !(features & (NETIF_F_GRO_FRAGLIST | NETIF_F_GRO_UDP_FWD)) &&
	       !static_branch_unlikely(&udp_encap_needed_key);
}

/* Of a frame that the device calls bad, or that is spoilt */
static bool igbp_rx_is_unwanted(const struct sk_buff *skb,
				const struct net_device *netdev)
{
	return IS_ERR(skb) || !(netdev->features & NETIF_F_RXALL);
}

static void igbp_rx_error(struct igbp_rx_ring *ring, struct sk_buff *skb)
{
	igbp_rx_skb_free(skb);
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(&ring->stats.errors);
	u64_stats_update_end(&ring->syncp);
}

static void igbp_rx_direct_flush(struct list_head *direct)
{
	if (list_empty(direct))
		return;
	netif_receive_skb_list(direct);
	INIT_LIST_HEAD(direct);
}

/* Hand a frame to the stack, past GRO where GRO would only cost:
 * - a frame with no other behind it, and none before it in GRO, would be
 *   flushed at the end of this poll; unless the administrator has GRO wait
 * - a plain datagram; these are collected in @direct
 * The order within a flow stays: what goes past GRO does so only while GRO
 * is empty, and datagrams go before a fragment of one (no TCP, no UDP) does.
 */
static __always_inline void
igbp_rx_deliver(struct igbp_pair *pair, struct sk_buff *skb,
		const union igbp_rx_desc *desc, u16 ntc,
		struct list_head *direct)
{
	u16 pkt_info = le16_to_cpu(desc->wb.pkt_info);
	struct napi_struct *napi = &pair->napi;
	struct net_device *netdev = napi->dev;

	skb_record_rx_queue(skb, pair->index);
	skb->protocol = eth_type_trans(skb, netdev);

	if (igbp_rx_gro_idle(napi)) {
		if (igbp_rx_udp_is_plain(pkt_info, netdev->features)) {
			skb_mark_napi_id(skb, napi);
			list_add_tail(&skb->list, direct);
			return;
		}
		if (!igbp_rx_more(&pair->rx, ntc) && list_empty(direct) &&
		    !READ_ONCE(netdev->gro_flush_timeout)) {
			skb_mark_napi_id(skb, napi);
			netif_receive_skb(skb);
			return;
		}
	}
	if (!(pkt_info & IGBP_RXD_PKT_TCP))
		igbp_rx_direct_flush(direct);
	napi_gro_receive(napi, skb);
}

/**
 * igbp_rx_drop_partial - forget a frame whose last descriptor has not come
 * @ring: ring
 *
 * Context: process, RTNL; NAPI disabled.
 */
void igbp_rx_drop_partial(struct igbp_rx_ring *ring)
{
	igbp_rx_skb_free(ring->skb);
	ring->skb = NULL;
	igbp_xdp_drop_partial(ring);
}

/* Both kinds of rings, each with a loop of its own: what is asked here, is
 * asked of no frame. Return: as igbp_rx_clean().
 */
static __always_inline int igbp_rx_loop(struct igbp_pair *pair, int budget,
					const bool split)
{
	struct igbp_rx_ring *ring = &pair->rx;
	bool sync = dma_dev_need_sync(ring->dev);
	u16 ntc = ring->ntc, end = ring->ntu, stop;
	struct sk_buff *skb = ring->skb;
	u32 packets = 0, bytes = 0;
	LIST_HEAD(direct);
	bool fed = true;
	unsigned int span;
	u32 rss_mask;

	/* As many buffers as there may be frames */
	stop = ntc + min_t(u16, end - ntc, budget);
	span = ring->room - ETH_HLEN;
	rss_mask = pair->napi.dev->features & NETIF_F_RXHASH ?
		   IGBP_RXD_RSS_TYPE : 0;
	while (ntc != stop) {
		u16 i = ntc & ring->mask;
		union igbp_rx_desc *desc = &ring->desc[i];
		void *va = ring->buf[i];
		unsigned int len;
		bool further;
		u32 status;

		status = le32_to_cpu(READ_ONCE(desc->wb.status));
		if (!(status & IGBP_RXD_DD))
			break;
		/* The device writes DD after all the rest */
		dma_rmb();
		ntc++;
		if (!split)
			net_prefetch(va);

		/* Read once, as a device may change it once it was checked */
		len = le16_to_cpu(READ_ONCE(desc->wb.len));
		if (sync)
			igbp_rx_sync(ring, va, len);
		further = unlikely(skb) ||
			  (!split && unlikely(len - ETH_HLEN > span));
		if (!further) {
			skb = split ? igbp_split_skb_build(pair, i) :
				      igbp_rx_skb_build(ring, va, len);
			if (unlikely(!skb)) {
				ntc--;
				fed = false;
				break;
			}
		}
		if (split || further) {
			skb = igbp_rx_skb_extend(ring, skb, va, len);
			if (IS_ERR(skb))
				status |= IGBP_RXD_RXE;
		}
		if (unlikely(!(status & IGBP_RXD_EOP)))
			continue;
		if ((unlikely(status & IGBP_RXD_RXE) &&
		     igbp_rx_is_unwanted(skb, pair->napi.dev)) ||
		    (split && unlikely(!igbp_split_skb_end(ring, skb)))) {
			igbp_rx_error(ring, skb);
			skb = NULL;
			continue;
		}
		packets++;
		bytes += skb->len;
		igbp_rx_metadata(pair, skb, desc, status, rss_mask);
		igbp_rx_deliver(pair, skb, desc, ntc, &direct);
		skb = NULL;
	}
	ring->skb = skb;
	WRITE_ONCE(ring->ntc, ntc);
	igbp_rx_direct_flush(&direct);

	if ((u16)(end - ntc) <= ring->mask + 1 - IGBP_RX_REFILL)
		fed &= igbp_rx_refill(ring);

	u64_stats_update_begin(&ring->syncp);
	u64_stats_add(&ring->stats.packets, packets);
	u64_stats_add(&ring->stats.bytes, bytes);
	u64_stats_inc(&ring->stats.polls);
	u64_stats_update_end(&ring->syncp);

	return likely(fed && (ntc != stop || stop == end)) ? packets : budget;
}

/**
 * igbp_rx_clean - hand received frames to the stack
 * @pair: pair whose NAPI the caller owns
 * @budget: frames at most, above 0
 *
 * Context: softirq, or a NAPI thread.
 * Return: frames handled; @budget when that many buffers were handled and
 * there may be more, when there was no memory for one, or when the ring is so
 * short of buffers that nobody but us would notice.
 */
int igbp_rx_clean(struct igbp_pair *pair, int budget)
{
	return igbp_rx_loop(pair, budget, false);
}

/**
 * igbp_rx_clean_split - the same of a ring that receives headers apart
 * @pair: pair whose NAPI the caller owns
 * @budget: frames at most, above 0
 *
 * Context: softirq, or a NAPI thread.
 * Return: as igbp_rx_clean().
 */
int igbp_rx_clean_split(struct igbp_pair *pair, int budget)
{
	return igbp_rx_loop(pair, budget, true);
}
