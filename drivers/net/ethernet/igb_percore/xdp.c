// SPDX-License-Identifier: GPL-2.0
/*
 * XDP: programs on received frames, and frames that XDP sends
 *
 * In the place of rx.c in the receive path while a program is attached: irq.c
 * (NAPI poll) -> [here] -> GRO and the stack; and the way of what XDP sends:
 * program (XDP_TX), other devices (ndo_xdp_xmit) -> [here] -> device.
 *
 *   buffers -> frame -> program -> PASS: sk_buff, to GRO
 *                           |----> DROP, ABORTED: back to the pool
 *                           |----> TX: collected -. sent at the end
 *                           '----> REDIRECT ------' of the poll
 *
 * Buffers. A program needs 256 bytes in front of the frame and gets a page for
 * each buffer; a frame of more than IGBP_RX_LARGE_DATA bytes has several. The
 * first program makes the rings anew with such buffers, the last one that goes
 * makes them as they were, as ring.c does it: memory first, then pair after
 * pair. One program takes the place of another by a pointer, while all runs.
 * A ring may have XDP's buffers and no program: then every frame passes.
 *
 * Queues. XDP has queues of its own where the device has two for each pair, so
 * that it neither waits for the stack nor takes its descriptors. Which ones
 * stays fixed, so that no queue ever changes hands while both run. Otherwise
 * it shares the pair's queue and leaves the stack room for a frame. A ring of
 * its own works as any other (tx.c), but that BQL knows nothing of it.
 *
 * Doorbells. What ndo_xdp_xmit gets at a time, or a poll sends back, up to 16
 * frames, is one batch with one doorbell. XDP_XMIT_FLUSH is not waited for:
 * devmap never sends it when its own program drops the frames that were left,
 * and those before would stay behind.
 *
 * Locking. Received frames belong to the owner of the NAPI, and so do the
 * frames collected to be sent back. Transmit is under __netif_tx_lock, for a
 * ring of its own that of a queue which the stack does not use: any CPU may
 * send. xdp_open, under the same lock, keeps XDP out of a ring that is taken
 * down. The program is replaced under RTNL and read in NAPI context.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/page_pool/helpers.h>

#include "igb_percore.h"

/* A frame of this MTU takes one buffer */
#define IGBP_XDP_MTU_ONE	(IGBP_RX_LARGE_DATA - IGBP_FRAME_EXTRA)

static void igbp_xdp_rx_count(struct igbp_rx_ring *ring, u64_stats_t *counter)
{
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&ring->syncp);
}

/* A piece of a frame becomes a descriptor. Pages of our own pool (@own) stay
 * mapped for their whole life. Return: 0 or a negative errno.
 */
static int igbp_xdp_piece_put(struct igbp_tx_ring *ring, struct page *page,
			      u32 offset, u32 len, u32 olinfo, bool own)
{
	u16 i = ring->ntu & ring->mask;
	union igbp_tx_desc *desc = &ring->desc[i];
	struct igbp_tx_buf *buf = &ring->buf[i];
	dma_addr_t dma;

	if (unlikely(len > IGBP_TXD_MAX_BYTES))
		return -EMSGSIZE;
	if (own) {
		dma = page_pool_get_dma_addr(page) + offset;
		dma_sync_single_for_device(ring->dev, dma, len,
					   DMA_BIDIRECTIONAL);
	} else {
		dma = dma_map_page(ring->dev, page, offset, len,
				   DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(ring->dev, dma)))
			return -ENOMEM;
		buf->dma = dma;
		buf->len = len;
		buf->page = true;
	}
	desc->read.addr = cpu_to_le64(dma);
	desc->read.cmd = cpu_to_le32(IGBP_TXD_DATA | IGBP_TXD_DEXT |
				     IGBP_TXD_IFCS | len);
	desc->read.olinfo = cpu_to_le32(olinfo);
	ring->ntu++;
	return 0;
}

/* A program may have left a frame too short for the device */
static bool igbp_xdp_frame_pad(struct xdp_frame *xdpf)
{
	void *end = xdpf->data + IGBP_TX_MIN_BYTES;

	if (xdp_frame_has_frags(xdpf))
		return true;
	if (end > (void *)xdp_get_shared_info_from_frame(xdpf))
		return false;
	memset(xdpf->data + xdpf->len, 0, IGBP_TX_MIN_BYTES - xdpf->len);
	xdpf->len = IGBP_TX_MIN_BYTES;
	return true;
}

/* Return: 0, or a negative errno; then the ring is as it was. */
static int igbp_xdp_frame_put(struct igbp_tx_ring *ring,
			      struct xdp_frame *xdpf, bool own)
{
	u16 room = igbp_xdp_is_shared(ring) ? IGBP_TX_WAKE : 0;
	struct skb_shared_info *shinfo = NULL;
	unsigned int i, frags = 0;
	u16 start = ring->ntu;
	u32 olinfo;
	int err;

	if (unlikely(xdp_frame_has_frags(xdpf))) {
		shinfo = xdp_get_shared_info_from_frame(xdpf);
		frags = shinfo->nr_frags;
	}
	if (unlikely(igbp_tx_avail(ring) < room + 1 + frags))
		return -ENOSPC;
	if (unlikely(xdpf->len < IGBP_TX_MIN_BYTES) &&
	    !igbp_xdp_frame_pad(xdpf))
		return -EMSGSIZE;

	olinfo = xdp_get_frame_len(xdpf) << IGBP_TXD_PAYLEN_SHIFT;
	err = igbp_xdp_piece_put(ring, virt_to_page(xdpf->data),
				 offset_in_page(xdpf->data), xdpf->len, olinfo,
				 own);
	for (i = 0; i < frags && !err; i++) {
		const skb_frag_t *frag = &shinfo->frags[i];

		err = igbp_xdp_piece_put(ring, skb_frag_page(frag),
					 skb_frag_off(frag),
					 skb_frag_size(frag), 0, own);
	}
	if (unlikely(err)) {
		while (ring->ntu != start) {
			ring->ntu--;
			igbp_tx_unmap(ring, &ring->buf[ring->ntu & ring->mask]);
		}
		return err;
	}
	i = (ring->ntu - 1) & ring->mask;
	ring->desc[i].read.cmd |= cpu_to_le32(IGBP_TXD_EOP);
	ring->buf[i].xdpf = xdpf;
	return 0;
}

/**
 * igbp_xdp_batch_send - send a batch that is not the stack's
 * @ring: ring
 * @first: its first descriptor, free-running
 * @count: number of frames
 * @bytes: their bytes
 * @counter: of @ring, whose frames they are
 *
 * Context: __netif_tx_lock held, bottom halves off.
 */
void igbp_xdp_batch_send(struct igbp_tx_ring *ring, u16 first,
			 unsigned int count, u32 bytes, u64_stats_t *counter)
{
	ring->buf[first & ring->mask].xdp = true;
	u64_stats_update_begin(&ring->syncp);
	u64_stats_add(&ring->stats.packets, count);
	u64_stats_add(&ring->stats.bytes, bytes);
	u64_stats_add(counter, count);
	u64_stats_update_end(&ring->syncp);
	/* What the stack waits for is accounted to BQL, so that it is woken */
	if (igbp_xdp_is_shared(ring)) {
		ring->batch_bytes = bytes;
		txq_trans_cond_update(ring->txq);
	}
	igbp_tx_doorbell(ring);
}

static unsigned int __igbp_xdp_send(struct igbp_tx_ring *ring,
				    struct xdp_frame **frames,
				    unsigned int count, bool own)
{
	unsigned int sent;
	u32 bytes = 0;
	u16 first;

	if (unlikely(!ring->xdp_open))
		return 0;
	/* A batch is all of XDP, or has nothing of it */
	if (unlikely(ring->batch != ring->ntu))
		igbp_tx_doorbell(ring);
	first = ring->ntu;
	for (sent = 0; sent < count; sent++) {
		if (igbp_xdp_frame_put(ring, frames[sent], own))
			break;
		bytes += xdp_get_frame_len(frames[sent]);
	}
	if (likely(sent))
		igbp_xdp_batch_send(ring, first, sent, bytes,
				    &ring->stats.xdp);
	return sent;
}

/* Send frames, of our own pool (@own) or from elsewhere, from the first on.
 * Return: how many; the others remain the caller's.
 */
static unsigned int igbp_xdp_send(struct igbp_tx_ring *ring,
				  struct xdp_frame **frames,
				  unsigned int count, bool own)
{
	unsigned int sent;

	__netif_tx_lock(ring->txq, smp_processor_id());
	sent = __igbp_xdp_send(ring, frames, count, own);
	if (unlikely(sent < count)) {
		u64_stats_update_begin(&ring->syncp);
		u64_stats_add(&ring->stats.xdp_dropped, count - sent);
		u64_stats_update_end(&ring->syncp);
	}
	__netif_tx_unlock(ring->txq);
	return sent;
}

/**
 * igbp_xdp_reclaim - give back the frames of a batch of XDP
 * @ring: ring
 * @ntc: first descriptor of the batch, free-running
 *
 * Context: softirq, or process with the ring taken down; of the ring's
 * consumer.
 * Return: the descriptor after its last.
 */
u16 igbp_xdp_reclaim(struct igbp_tx_ring *ring, u16 ntc)
{
	struct igbp_tx_buf *buf = &ring->buf[ntc & ring->mask];
	u16 last = buf->batch_last;
	struct xdp_frame_bulk bulk;

	if (buf->xsk)
		return igbp_xsk_reclaim(ring, ntc);
	buf->xdp = false;
	xdp_frame_bulk_init(&bulk);
	/* For xdp_return_frame_bulk() */
	rcu_read_lock();
	for (;;) {
		igbp_tx_unmap(ring, buf);
		if (buf->xdpf) {
			xdp_return_frame_bulk(buf->xdpf, &bulk);
			buf->xdpf = NULL;
		}
		if ((ntc++ & ring->mask) == last)
			break;
		buf = &ring->buf[ntc & ring->mask];
	}
	xdp_flush_frame_bulk(&bulk);
	rcu_read_unlock();
	return ntc;
}

/**
 * igbp_xdp_xmit - ndo_xdp_xmit: send frames that were redirected here
 * @netdev: interface
 * @n: number of @frames
 * @frames: frames of any memory model
 * @flags: XDP_XMIT_*
 *
 * Context: softirq, or process with bottom halves off; any CPU.
 * Return: number of frames that were taken, from the first on; -EINVAL for
 * unknown flags, -ENETDOWN without a link. The caller frees the rest.
 */
int igbp_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		  u32 flags)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int index = smp_processor_id() % READ_ONCE(port->pairs);

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	if (unlikely(!netif_carrier_ok(netdev)))
		return -ENETDOWN;
	return igbp_xdp_send(igbp_xdp_ring(port->pair[index]), frames, n,
			     false);
}

/* Send back what was collected */
static void igbp_xdp_tx_flush(struct igbp_pair *pair)
{
	struct igbp_xdp *xdp = &pair->rx.xdp;
	unsigned int sent;

	/* What came in a socket's buffer has been copied to a page */
	sent = igbp_xdp_send(igbp_xdp_ring(pair), xdp->tx, xdp->tx_count,
			     !xdp->xsk);
	for (; sent < xdp->tx_count; sent++)
		xdp_return_frame_rx_napi(xdp->tx[sent]);
	xdp->tx_count = 0;
}

/* Return: whether the frame will be sent back */
static bool igbp_xdp_tx_add(struct igbp_pair *pair, struct xdp_buff *buff)
{
	struct xdp_frame *xdpf = xdp_convert_buff_to_frame(buff);
	struct igbp_xdp *xdp = &pair->rx.xdp;

	if (unlikely(!xdpf))
		return false;
	if (xdp->tx_count == ARRAY_SIZE(xdp->tx))
		igbp_xdp_tx_flush(pair);
	xdp->tx[xdp->tx_count++] = xdpf;
	return true;
}

/**
 * igbp_xdp_flush - at the end of a poll: send what it sent back or redirected
 * @pair: pair whose NAPI the caller owns
 *
 * Context: softirq, or a NAPI thread.
 */
void igbp_xdp_flush(struct igbp_pair *pair)
{
	struct igbp_xdp *xdp = &pair->rx.xdp;

	if (xdp->tx_count)
		igbp_xdp_tx_flush(pair);
	if (xdp->redirected) {
		xdp->redirected = false;
		xdp_do_flush();
	}
}

/* Run the program. Return: whether the frame passes; if it does not, it is
 * seen to.
 */
static bool igbp_xdp_run(struct igbp_pair *pair, struct xdp_buff *buff)
{
	struct net_device *netdev = pair->napi.dev;
	struct igbp_rx_ring *ring = &pair->rx;
	struct bpf_prog *prog;
	u32 act;

	prog = rcu_dereference_bh(pair->port->xdp_prog);
	/* The frames of the self-test are no program's */
	if (!prog || test_bit(IGBP_PORT_LOOPBACK, &pair->port->flags))
		return true;
	/* The MTU keeps frames to one buffer, but not the bad ones of rx-all */
	if (unlikely(xdp_buff_has_frags(buff)) && !prog->aux->xdp_has_frags)
		goto error;

	act = bpf_prog_run_xdp(prog, buff);
	switch (act) {
	case XDP_PASS:
		return true;
	case XDP_TX:
		if (unlikely(!igbp_xdp_tx_add(pair, buff)))
			break;
		igbp_xdp_rx_count(ring, &ring->stats.xdp_tx);
		return false;
	case XDP_REDIRECT:
		if (unlikely(xdp_do_redirect(netdev, buff, prog)))
			break;
		ring->xdp.redirected = true;
		igbp_xdp_rx_count(ring, &ring->stats.xdp_redirect);
		return false;
	case XDP_DROP:
		igbp_xdp_rx_count(ring, &ring->stats.xdp_drop);
		xdp_return_buff(buff);
		return false;
	default:
		bpf_warn_invalid_xdp_action(netdev, prog, act);
		break;
	case XDP_ABORTED:
		break;
	}
	trace_xdp_exception(netdev, prog, act);
error:
	igbp_xdp_rx_count(ring, &ring->stats.xdp_errors);
	xdp_return_buff(buff);
	return false;
}

/**
 * igbp_xdp_drop_partial - forget a frame whose last descriptor has not come
 * @ring: ring
 *
 * Not by xdp_return_buff(), which is for where the kernel polls NAPIs alone.
 *
 * Context: softirq of the ring's NAPI; or process, RTNL, with it disabled.
 */
void igbp_xdp_drop_partial(struct igbp_rx_ring *ring)
{
	struct xdp_buff *buff = &ring->xdp.buff.xdp;
	struct skb_shared_info *shinfo;
	unsigned int i, frags = 0;

	if (!buff->data)
		return;
	shinfo = xdp_get_shared_info_from_buff(buff);
	if (xdp_buff_has_frags(buff))
		frags = shinfo->nr_frags;
	for (i = 0; i < frags; i++) {
		struct page *page = skb_frag_page(&shinfo->frags[i]);

		page_pool_put_full_page(ring->pool, page, false);
	}
	page_pool_put_full_page(ring->pool, virt_to_page(buff->data), false);
	buff->data = NULL;
}

/* Whether a received buffer can be what the device says. The longest frame that
 * it is known to send on, 16 KB, has fewer buffers than a frame may have.
 */
static bool igbp_xdp_buff_fits(struct igbp_rx_ring *ring, u32 len)
{
	struct xdp_buff *buff = &ring->xdp.buff.xdp;

	if (ring->xdp.spoilt || len > ring->room)
		return false;
	if (!buff->data)
		return len >= ETH_HLEN;
	return !xdp_buff_has_frags(buff) ||
	       xdp_get_shared_info_from_buff(buff)->nr_frags < MAX_SKB_FRAGS;
}

/* A buffer that does not fit: its frame is dropped, what has come of it and
 * what comes up to its last descriptor.
 */
static void igbp_xdp_buff_drop(struct igbp_rx_ring *ring, void *va, bool last)
{
	page_pool_put_full_page(ring->pool, virt_to_page(va), true);
	igbp_xdp_drop_partial(ring);
	ring->xdp.spoilt = !last;
	if (last)
		igbp_xdp_rx_count(ring, &ring->stats.errors);
}

/* A received buffer begins a frame, or goes on with it */
static void igbp_xdp_buff_add(struct igbp_rx_ring *ring, void *va, u32 len)
{
	struct xdp_buff *buff = &ring->xdp.buff.xdp;
	struct page *page = virt_to_page(va);
	struct skb_shared_info *shinfo;

	net_prefetch(va);
	page_pool_dma_sync_for_cpu(ring->pool, page, offset_in_page(va), len);
	if (!buff->data) {
		xdp_init_buff(buff, ring->truesize, &ring->xdp.rxq);
		xdp_prepare_buff(buff, va - IGBP_XDP_HEADROOM,
				 IGBP_XDP_HEADROOM, len, true);
		return;
	}
	/* There may have been the FCS alone, which is taken off */
	if (unlikely(!len)) {
		page_pool_put_full_page(ring->pool, page, true);
		return;
	}
	shinfo = xdp_get_shared_info_from_buff(buff);
	if (!xdp_buff_has_frags(buff)) {
		xdp_buff_set_frags_flag(buff);
		shinfo->nr_frags = 0;
		shinfo->xdp_frags_size = 0;
	}
	skb_frag_fill_page_desc(&shinfo->frags[shinfo->nr_frags++], page,
				offset_in_page(va), len);
	shinfo->xdp_frags_size += len;
	if (page_is_pfmemalloc(page))
		xdp_buff_set_frag_pfmemalloc(buff);
}

/* Return: the frame as the stack wants it, or NULL; then it is dropped. */
static struct sk_buff *igbp_xdp_skb_build(struct igbp_rx_ring *ring,
					  struct xdp_buff *buff)
{
	unsigned int meta_bytes = buff->data - buff->data_meta;
	unsigned int frags = 0, frags_bytes = 0;
	struct sk_buff *skb;

	/* The sk_buff takes this for its own, and clears it */
	if (xdp_buff_has_frags(buff)) {
		struct skb_shared_info *shinfo;

		shinfo = xdp_get_shared_info_from_buff(buff);
		frags = shinfo->nr_frags;
		frags_bytes = shinfo->xdp_frags_size;
	}
	skb = napi_build_skb(buff->data_hard_start, buff->frame_sz);
	if (unlikely(!skb)) {
		igbp_xdp_rx_count(ring, &ring->stats.alloc_fail);
		xdp_return_buff(buff);
		return NULL;
	}
	skb_reserve(skb, buff->data - buff->data_hard_start);
	__skb_put(skb, buff->data_end - buff->data);
	skb_mark_for_recycle(skb);
	if (meta_bytes)
		skb_metadata_set(skb, meta_bytes);
	if (frags)
		xdp_update_skb_shared_info(skb, frags, frags_bytes,
					   frags * ring->truesize,
					   xdp_buff_is_frag_pfmemalloc(buff));
	return skb;
}

/* Hand a frame that passes to the stack */
static void igbp_xdp_pass(struct igbp_pair *pair, struct xdp_buff *buff,
			  const union igbp_rx_desc *desc, u32 status)
{
	struct net_device *netdev = pair->napi.dev;
	struct sk_buff *skb;

	skb = pair->rx.xdp.xsk ? igbp_xsk_skb_build(pair, buff) :
				 igbp_xdp_skb_build(&pair->rx, buff);
	if (unlikely(!skb))
		return;
	igbp_rx_metadata(pair, skb, desc, status,
			 netdev->features & NETIF_F_RXHASH ?
			 IGBP_RXD_RSS_TYPE : 0);
	skb_record_rx_queue(skb, pair->index);
	skb->protocol = eth_type_trans(skb, netdev);
	napi_gro_receive(&pair->napi, skb);
}

/**
 * igbp_xdp_frame_end - a frame is whole: what is to become of it
 * @pair: pair whose NAPI the caller owns
 * @frame: the frame, which is seen to
 * @desc: its last descriptor
 * @status: status in that
 *
 * Context: softirq, or a NAPI thread.
 * Return: its bytes, or 0 if the device calls it bad.
 */
u32 igbp_xdp_frame_end(struct igbp_pair *pair, struct igbp_xdp_buff *frame,
		       const union igbp_rx_desc *desc, u32 status)
{
	struct igbp_rx_ring *ring = &pair->rx;
	struct xdp_buff *buff = &frame->xdp;
	u32 len = xdp_get_buff_len(buff);

	frame->desc = desc;
	if (unlikely(status & IGBP_RXD_TS)) {
		frame->stamp = igbp_stamp_rx_read(pair->port);
		/* For igbp_stamp_rx_skb() */
		ring->xdp.buff.stamp = frame->stamp;
	}
	if (unlikely(status & IGBP_RXD_RXE) &&
	    !(pair->napi.dev->features & NETIF_F_RXALL)) {
		igbp_xdp_rx_count(ring, &ring->stats.errors);
		xdp_return_buff(buff);
		len = 0;
	} else if (igbp_xdp_run(pair, buff)) {
		igbp_xdp_pass(pair, buff, desc, status);
	}
	return len;
}

/**
 * igbp_xdp_clean - run the program on received frames
 * @pair: pair whose NAPI the caller owns, with a ring that is made for XDP
 * @budget: frames at most, above 0
 *
 * As igbp_rx_clean(), but that every frame goes past the program first, and
 * those that pass go through GRO.
 *
 * Context: softirq, or a NAPI thread.
 * Return: frames handled; @budget when there may be more, or when the ring is
 * so short of buffers that nobody but us would notice.
 */
int igbp_xdp_clean(struct igbp_pair *pair, int budget)
{
	struct igbp_rx_ring *ring = &pair->rx;
	u16 ntc = ring->ntc, end = ring->ntu;
	u32 packets = 0, bytes = 0;
	bool fed = true;

	for (; packets < budget && ntc != end; ntc++) {
		union igbp_rx_desc *desc = &ring->desc[ntc & ring->mask];
		u32 status = le32_to_cpu(READ_ONCE(desc->wb.status)), len;
		void *va = ring->buf[ntc & ring->mask];
		bool last = status & IGBP_RXD_EOP;

		if (!(status & IGBP_RXD_DD))
			break;
		/* The device writes DD after all the rest */
		dma_rmb();
		len = le16_to_cpu(READ_ONCE(desc->wb.len));
		if (unlikely(!igbp_xdp_buff_fits(ring, len))) {
			igbp_xdp_buff_drop(ring, va, last);
			continue;
		}
		igbp_xdp_buff_add(ring, va, len);
		if (unlikely(!last))
			continue;
		len = igbp_xdp_frame_end(pair, &ring->xdp.buff, desc, status);
		ring->xdp.buff.xdp.data = NULL;
		packets += !!len;
		bytes += len;
	}
	WRITE_ONCE(ring->ntc, ntc);
	igbp_xdp_flush(pair);

	if ((u16)(end - ntc) <= ring->mask + 1 - IGBP_RX_REFILL)
		fed = igbp_rx_refill(ring);

	u64_stats_update_begin(&ring->syncp);
	u64_stats_add(&ring->stats.packets, packets);
	u64_stats_add(&ring->stats.bytes, bytes);
	u64_stats_inc(&ring->stats.polls);
	u64_stats_update_end(&ring->syncp);

	return likely(fed) ? packets : budget;
}

/**
 * igbp_xdp_open - let XDP send on a pair's ring, or keep it out
 * @pair: pair; its NAPI is disabled when XDP is to be kept out
 * @open: whether it may send
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_xdp_open(struct igbp_pair *pair, bool open)
{
	struct igbp_tx_ring *ring = igbp_xdp_ring(pair);

	__netif_tx_lock_bh(ring->txq);
	ring->xdp_open = open;
	__netif_tx_unlock_bh(ring->txq);
}

static bool igbp_xdp_prog_fits(const struct bpf_prog *prog, unsigned int mtu)
{
	return !prog || prog->aux->xdp_has_frags || mtu <= IGBP_XDP_MTU_ONE;
}

/**
 * igbp_xdp_mtu_check - whether program and sockets can do with an MTU
 * @port: port
 * @mtu: bytes
 *
 * Context: process, RTNL.
 * Return: 0 or -EINVAL, which the kernel's log explains.
 */
int igbp_xdp_mtu_check(struct igbp_port *port, unsigned int mtu)
{
	if (igbp_xdp_prog_fits(rtnl_dereference(port->xdp_prog), mtu))
		return igbp_xsk_mtu_check(port, mtu);
	netdev_err(port->netdev,
		   "MTU %u: the XDP program takes no fragments, at most %u\n",
		   mtu, IGBP_XDP_MTU_ONE);
	return -EINVAL;
}

/* Have buffers for XDP, or for the stack alone. Return: 0 or an error of
 * allocation; then all is as it was.
 */
static int igbp_xdp_rings_set(struct igbp_port *port, bool xdp)
{
	int err;

	if (port->xdp == xdp)
		return 0;
	port->xdp = xdp;
	err = igbp_ring_reconfigure(port, port->rx_size, port->tx_size,
				    port->netdev->mtu);
	if (err)
		port->xdp = !xdp;
	return err;
}

static int igbp_xdp_prog_set(struct igbp_port *port, struct bpf_prog *prog,
			     struct netlink_ext_ack *extack)
{
	unsigned int mtu = port->netdev->mtu;
	struct bpf_prog *old;
	int err;

	if (!igbp_xdp_prog_fits(prog, mtu)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "MTU %u, a program without frags takes at most %u",
				       mtu, IGBP_XDP_MTU_ONE);
		return -EOPNOTSUPP;
	}
	if (prog && port->split) {
		NL_SET_ERR_MSG_MOD(extack,
				   "headers are received apart: first tcp-data-split off");
		return -EOPNOTSUPP;
	}
	if (prog) {
		err = igbp_xdp_rings_set(port, true);
		if (err) {
			NL_SET_ERR_MSG_MOD(extack,
					   "no memory for rings with XDP's headroom");
			return err;
		}
	}
	old = rcu_replace_pointer(port->xdp_prog, prog,
				  lockdep_rtnl_is_held());
	/* Polls that run it still are waited for by RCU */
	if (old)
		bpf_prog_put(old);
	/* It must not fail, and need not succeed: XDP's buffers do for the
	 * stack, too
	 */
	if (!prog)
		igbp_xdp_rings_set(port, false);
	return 0;
}

/**
 * igbp_xdp_bpf - ndo_bpf: programs, and the pools of sockets
 * @netdev: interface
 * @bpf: what is asked for
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, -EOPNOTSUPP if the MTU is too large for the program or headers are
 * received apart, an error of igbp_xsk_pool_set(), -EINVAL if anything else is
 * asked for, or an error of allocation.
 */
int igbp_xdp_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	switch (bpf->command) {
	case XDP_SETUP_PROG:
		return igbp_xdp_prog_set(netdev_priv(netdev), bpf->prog,
					 bpf->extack);
	case XDP_SETUP_XSK_POOL:
		/* This one comes without an extack */
		return igbp_xsk_pool_set(netdev_priv(netdev), bpf->xsk.pool,
					 bpf->xsk.queue_id);
	default:
		return -EINVAL;
	}
}

/* By the RSS type of the descriptor */
static const enum xdp_rss_hash_type igbp_xdp_hash_types[] = {
	[0] = XDP_RSS_TYPE_NONE,
	[1] = XDP_RSS_TYPE_L4_IPV4_TCP,
	[2] = XDP_RSS_TYPE_L3_IPV4,
	[3] = XDP_RSS_TYPE_L4_IPV6_TCP,
	[4] = XDP_RSS_TYPE_L3_IPV6_EX,
	[5] = XDP_RSS_TYPE_L3_IPV6,
	[6] = XDP_RSS_TYPE_L4_IPV6_TCP_EX,
	[7] = XDP_RSS_TYPE_L4_IPV4_UDP,
	[8] = XDP_RSS_TYPE_L4_IPV6_UDP,
	[9] = XDP_RSS_TYPE_L4_IPV6_UDP_EX,
	[10 ... 15] = XDP_RSS_TYPE_NONE,
};

static int igbp_xdp_meta_hash(const struct xdp_md *ctx, u32 *hash,
			      enum xdp_rss_hash_type *type)
{
	const struct igbp_xdp_buff *buff = (const void *)ctx;
	u32 rss = le16_to_cpu(buff->desc->wb.pkt_info) & IGBP_RXD_RSS_TYPE;

	if (!(buff->xdp.rxq->dev->features & NETIF_F_RXHASH) ||
	    igbp_xdp_hash_types[rss] == XDP_RSS_TYPE_NONE)
		return -ENODATA;
	*hash = le32_to_cpu(buff->desc->wb.rss);
	*type = igbp_xdp_hash_types[rss];
	return 0;
}

static int igbp_xdp_meta_vlan(const struct xdp_md *ctx, __be16 *proto,
			      u16 *tci)
{
	const struct igbp_xdp_buff *buff = (const void *)ctx;

	if (!(le32_to_cpu(buff->desc->wb.status) & IGBP_RXD_VP) ||
	    !(buff->xdp.rxq->dev->features & NETIF_F_HW_VLAN_CTAG_RX))
		return -ENODATA;
	*proto = htons(ETH_P_8021Q);
	*tci = le16_to_cpu(buff->desc->wb.vlan);
	return 0;
}

static int igbp_xdp_meta_timestamp(const struct xdp_md *ctx, u64 *timestamp)
{
	const struct igbp_xdp_buff *buff = (const void *)ctx;

	if (!(le32_to_cpu(buff->desc->wb.status) & IGBP_RXD_TS) || !buff->stamp)
		return -ENODATA;
	*timestamp = buff->stamp;
	return 0;
}

const struct xdp_metadata_ops igbp_xdp_metadata_ops = {
	.xmo_rx_timestamp	= igbp_xdp_meta_timestamp,
	.xmo_rx_hash		= igbp_xdp_meta_hash,
	.xmo_rx_vlan_tag	= igbp_xdp_meta_vlan,
};
