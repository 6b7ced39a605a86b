// SPDX-License-Identifier: GPL-2.0
/*
 * AF_XDP without copies: a queue whose buffers are a socket's
 *
 * In the place of xdp.c in the receive path of a pair that has a socket's pool:
 * irq.c (NAPI poll) -> [here] -> program (xdp.c) -> socket, or the stack; and
 * the way of what the socket sends: its ring -> [here] -> device.
 *
 *   fill ring -> posted -> frame -> program -> REDIRECT: the socket's rx ring
 *       ^                                |---> DROP, ABORTED: posted again
 *       |                                |---> TX: a copy, sent by xdp.c
 *   application                          '---> PASS: a copy, to GRO
 *       |
 *       '--> tx ring -> batch -> device -> completion ring
 *
 * A pool comes and goes by a stop and a start of its pair alone
 * (igbp_ring_pair_xsk_set()). The ring's memory serves both kinds of buffers,
 * so that nothing is allocated but the pool's mapping, and giving a pool up
 * cannot fail. The pool stays with the pair when the interface goes down.
 *
 * Receive. The device is told whole KB, which may be more than a buffer has;
 * the length of frames is limited by the MTU, and that by the buffers. A frame
 * that takes several buffers all the same is dropped.
 *
 * A fill ring that ran dry. While some buffers are posted, the next frame has
 * the ring filled again. With fewer than IGBP_RX_REFILL the application is
 * asked to wake us. One that does not know of that (no need_wakeup) has its
 * ring looked at by a timer while nothing at all is posted.
 *
 * Transmit is by the owner of the NAPI, on the ring that XDP sends on, under
 * its lock. A poll takes IGBP_XSK_TX_MAX frames, one batch with one doorbell;
 * the first descriptor of the batch knows how many to report. Whoever wants to
 * send must say so: the tx ring's need_wakeup is set by the kernel once and
 * stays.
 *
 * Locking. Fill ring, pool and the producer's side of the completion ring
 * belong to the owner of the NAPI; while it is disabled to whoever holds RTNL.
 * Batches of sockets are reclaimed by the owner of the NAPI alone: by the poll,
 * or right behind the doorbell, which is the poll's, too. ndo_xsk_wakeup only
 * schedules the NAPI, under RCU, which igbp_xsk_stop() waits for.
 */
#include <linux/rtnetlink.h>
#include <net/xdp_sock_drv.h>

#include "igb_percore.h"

#define IGBP_XSK_TX_MAX		64	/* frames of a batch */
#define IGBP_XSK_WAIT_MAX	(HZ / 10) /* until a dry ring is seen to */
#define IGBP_XSK_DMA_ATTRS \
	(DMA_ATTR_SKIP_CPU_SYNC | DMA_ATTR_WEAK_ORDERING)

static void igbp_xsk_rx_count(struct igbp_rx_ring *ring, u64_stats_t *counter)
{
	u64_stats_update_begin(&ring->syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&ring->syncp);
}

/* Bytes that a frame may have. Bad frames, which may be of any length, must
 * not be given more than there is.
 */
static unsigned int igbp_xsk_room(const struct igbp_port *port,
				  struct xsk_buff_pool *pool)
{
	unsigned int room = xsk_pool_get_rx_frame_size(pool);

	return port->rx_large ?
	       rounddown(room, 1 << IGBP_SRRCTL_BSIZEPKT_SHIFT) : room;
}

/**
 * igbp_xsk_data_bytes - what the device is told of a pool's buffers
 * @port: port
 * @pool: pool
 *
 * Context: process, RTNL.
 * Return: bytes, whole KB.
 */
u16 igbp_xsk_data_bytes(const struct igbp_port *port,
			struct xsk_buff_pool *pool)
{
	return roundup(igbp_xsk_room(port, pool),
		       1 << IGBP_SRRCTL_BSIZEPKT_SHIFT);
}

static int igbp_xsk_pool_check(struct igbp_port *port,
			       struct xsk_buff_pool *pool, unsigned int queue,
			       unsigned int mtu)
{
	unsigned int room = igbp_xsk_room(port, pool);

	if (mtu + IGBP_FRAME_EXTRA <= room)
		return 0;
	if (net_ratelimit())
		netdev_err(port->netdev,
			   "MTU %u: buffers of the AF_XDP socket on queue %u take at most %d%s\n",
			   mtu, queue, (int)room - IGBP_FRAME_EXTRA,
			   port->rx_large ? " with rx-all" : "");
	return -EINVAL;
}

/**
 * igbp_xsk_mtu_check - whether the buffers of sockets can do with an MTU
 * @port: port
 * @mtu: bytes
 *
 * Context: process, RTNL.
 * Return: 0 or -EINVAL, which the kernel's log explains.
 */
int igbp_xsk_mtu_check(struct igbp_port *port, unsigned int mtu)
{
	unsigned int i;
	int err;

	ASSERT_RTNL();
	for (i = 0; i < port->pairs; i++) {
		if (!port->pair[i]->xsk)
			continue;
		err = igbp_xsk_pool_check(port, port->pair[i]->xsk, i, mtu);
		if (err)
			return err;
	}
	return 0;
}

/**
 * igbp_xsk_fill - post what the fill ring has
 * @mem: ring memory with a pool
 * @index: first descriptor, free-running
 * @count: number of descriptors at most
 *
 * Context: softirq of the ring's NAPI, or process, RTNL, with it disabled.
 * Return: descriptors that were posted.
 */
u16 igbp_xsk_fill(struct igbp_rx_mem *mem, u16 index, u16 count)
{
	u16 left = count, want, got, i, at;

	do {
		at = index & (mem->size - 1);
		want = min_t(u16, left, mem->size - at);
		got = xsk_buff_alloc_batch(mem->xsk,
					   (struct xdp_buff **)&mem->buf[at],
					   want);
		for (i = at; i < at + got; i++) {
			union igbp_rx_desc *desc = &mem->desc[i];
			dma_addr_t dma = xsk_buff_xdp_get_dma(mem->buf[i]);

			desc->read.pkt_addr = cpu_to_le64(dma);
			desc->read.hdr_addr = 0;
		}
		index += got;
		left -= got;
	} while (left && got == want);
	return count - left;
}

/* Nobody tells when there are buffers again: look, ever more rarely */
static void igbp_xsk_look_later(struct igbp_pair *pair)
{
	pair->xsk_wait = clamp(2 * pair->xsk_wait, 1, IGBP_XSK_WAIT_MAX);
	mod_timer(&pair->xsk_timer, jiffies + pair->xsk_wait);
}

static void igbp_xsk_refill(struct igbp_pair *pair)
{
	struct igbp_rx_ring *ring = &pair->rx;
	struct xsk_buff_pool *pool = ring->xdp.xsk;
	u16 posted = ring->ntu - ring->ntc, done;
	u16 count = ring->mask - posted;

	done = igbp_xsk_fill(&ring->mem, ring->ntu, count);
	if (unlikely(posted + done < IGBP_RX_REFILL)) {
		igbp_xsk_rx_count(ring, &ring->stats.xsk_starved);
		xsk_set_rx_need_wakeup(pool);
		/* The application fills the ring before it looks at the flag;
		 * see what it filled before the flag was there
		 */
		smp_mb();
		done += igbp_xsk_fill(&ring->mem, ring->ntu + done,
				      count - done);
	}
	if (posted + done >= IGBP_RX_REFILL)
		xsk_clear_rx_need_wakeup(pool);
	if (done) {
		ring->ntu += done;
		writel(ring->ntu & ring->mask, ring->tail);
		pair->xsk_wait = 0;
	} else if (!posted && !xsk_uses_need_wakeup(pool)) {
		igbp_xsk_look_later(pair);
	}
}

/**
 * igbp_xsk_timer - look again at a fill ring that was empty
 * @timer: igbp_pair.xsk_timer
 *
 * Context: softirq.
 */
void igbp_xsk_timer(struct timer_list *timer)
{
	struct igbp_pair *pair = from_timer(pair, timer, xsk_timer);

	napi_schedule(&pair->napi);
}

/**
 * igbp_xsk_unpost - take posted buffers back
 * @mem: ring memory with a pool, of a ring that does not run
 * @from: first descriptor, free-running
 * @to: descriptor after the last
 *
 * They are the first to be posted again, as long as the pool lives.
 *
 * Context: process, RTNL.
 */
void igbp_xsk_unpost(struct igbp_rx_mem *mem, u16 from, u16 to)
{
	for (; from != to; from++)
		xsk_buff_free(mem->buf[from & (mem->size - 1)]);
}

/**
 * igbp_xsk_skb_build - copy a frame that passes
 * @pair: pair whose NAPI the caller owns
 * @buff: the frame, which is given back
 *
 * Context: softirq, or a NAPI thread.
 * Return: the frame as the stack wants it, or NULL; then it is dropped.
 */
struct sk_buff *igbp_xsk_skb_build(struct igbp_pair *pair,
				   struct xdp_buff *buff)
{
	unsigned int meta_bytes = buff->data - buff->data_meta;
	unsigned int len = buff->data_end - buff->data_meta;
	struct sk_buff *skb = napi_alloc_skb(&pair->napi, len);

	if (likely(skb)) {
		skb_put_data(skb, buff->data_meta, len);
		if (meta_bytes) {
			__skb_pull(skb, meta_bytes);
			skb_metadata_set(skb, meta_bytes);
		}
	} else {
		igbp_xsk_rx_count(&pair->rx, &pair->rx.stats.alloc_fail);
	}
	xsk_buff_free(buff);
	return skb;
}

/* A part of a frame that takes several buffers, or that has a length which none
 * can have
 */
static void igbp_xsk_part_drop(struct igbp_rx_ring *ring,
			       struct xdp_buff *buff, bool last)
{
	xsk_buff_free(buff);
	ring->xdp.spoilt = !last;
	if (last)
		igbp_xsk_rx_count(ring, &ring->stats.errors);
}

static int igbp_xsk_clean(struct igbp_pair *pair, int budget)
{
	struct igbp_rx_ring *ring = &pair->rx;
	u32 room = xsk_pool_get_rx_frame_size(ring->xdp.xsk);
	u16 ntc = ring->ntc, end = ring->ntu;
	u32 packets = 0, bytes = 0;

	for (; packets < budget && ntc != end; ntc++) {
		union igbp_rx_desc *desc = &ring->desc[ntc & ring->mask];
		u32 status = le32_to_cpu(READ_ONCE(desc->wb.status)), len;
		struct xdp_buff *buff = ring->buf[ntc & ring->mask];
		bool last = status & IGBP_RXD_EOP;

		if (!(status & IGBP_RXD_DD))
			break;
		/* The device writes DD after all the rest */
		dma_rmb();
		len = le16_to_cpu(READ_ONCE(desc->wb.len));
		if (unlikely(!last || ring->xdp.spoilt || len < ETH_HLEN ||
			     len > room)) {
			igbp_xsk_part_drop(ring, buff, last);
			continue;
		}
		xsk_buff_set_size(buff, len);
		xsk_buff_dma_sync_for_cpu(buff);
		net_prefetch(buff->data);
		len = igbp_xdp_frame_end(pair, (struct igbp_xdp_buff *)buff,
					 desc, status);
		packets += !!len;
		bytes += len;
	}
	WRITE_ONCE(ring->ntc, ntc);
	igbp_xdp_flush(pair);

	if ((u16)(ring->ntu - ntc) <= ring->mask + 1 - IGBP_RX_REFILL)
		igbp_xsk_refill(pair);

	u64_stats_update_begin(&ring->syncp);
	u64_stats_add(&ring->stats.packets, packets);
	u64_stats_add(&ring->stats.bytes, bytes);
	u64_stats_inc(&ring->stats.polls);
	u64_stats_update_end(&ring->syncp);
	return packets;
}

/* Fill up a frame that is too short for the device, in the socket's memory,
 * where there is room behind it; else the frame moves to the front for that.
 * Return: bytes that it has moved.
 */
static u32 igbp_xsk_pad(void *data, u32 len, u32 bound)
{
	u32 room = bound - ((unsigned long)data & (bound - 1)), moved = 0;

	if (room < IGBP_TX_MIN_BYTES) {
		moved = IGBP_TX_MIN_BYTES - room;
		memmove(data - moved, data, len);
	}
	memset(data - moved + len, 0, IGBP_TX_MIN_BYTES - len);
	return moved;
}

/* Return: the frame's bytes on the wire */
static u32 igbp_xsk_frame_put(struct igbp_tx_ring *ring,
			      struct xsk_buff_pool *pool,
			      const struct xdp_desc *frame)
{
	union igbp_tx_desc *desc = &ring->desc[ring->ntu++ & ring->mask];
	dma_addr_t dma = xsk_buff_raw_get_dma(pool, frame->addr);
	u32 len = frame->len;

	if (unlikely(len < IGBP_TX_MIN_BYTES)) {
		dma -= igbp_xsk_pad(xsk_buff_raw_get_data(pool, frame->addr),
				    len, pool->unaligned ? PAGE_SIZE :
				    xsk_pool_get_chunk_size(pool));
		len = IGBP_TX_MIN_BYTES;
	}
	xsk_buff_raw_dma_sync_for_device(pool, dma, len);
	desc->read.addr = cpu_to_le64(dma);
	desc->read.cmd = cpu_to_le32(IGBP_TXD_DATA | IGBP_TXD_DEXT |
				     IGBP_TXD_IFCS | IGBP_TXD_EOP | len);
	desc->read.olinfo = cpu_to_le32(len << IGBP_TXD_PAYLEN_SHIFT);
	return len;
}

/* Return: whether there may be more that has room */
static bool __igbp_xsk_send(struct igbp_tx_ring *ring,
			    struct xsk_buff_pool *pool)
{
	u16 reserve = igbp_xdp_is_shared(ring) ? IGBP_TX_WAKE : 0;
	u16 avail = igbp_tx_avail(ring), first;
	u32 count, i, bytes = 0;

	if (unlikely(!ring->xdp_open || avail <= reserve))
		return false;
	count = xsk_tx_peek_release_desc_batch(pool,
					       min(avail - reserve,
						   IGBP_XSK_TX_MAX));
	if (!count)
		return false;
	/* A batch is all of a socket, or has nothing of it */
	if (unlikely(ring->batch != ring->ntu))
		igbp_tx_doorbell(ring);
	first = ring->ntu;
	for (i = 0; i < count; i++)
		bytes += igbp_xsk_frame_put(ring, pool, &pool->tx_descs[i]);
	ring->buf[first & ring->mask].xsk = count;
	igbp_xdp_batch_send(ring, first, count, bytes, &ring->stats.xsk);
	return count == IGBP_XSK_TX_MAX;
}

/* Send what sockets have. Return: whether there may be more. Without a link it
 * is left to them; igbp_xsk_link_up() comes back for it.
 */
static bool igbp_xsk_send(struct igbp_pair *pair)
{
	struct igbp_tx_ring *ring = igbp_xdp_ring(pair);
	bool more;

	if (unlikely(!netif_carrier_ok(pair->napi.dev)))
		return false;
	__netif_tx_lock(ring->txq, smp_processor_id());
	more = __igbp_xsk_send(ring, pair->rx.xdp.xsk);
	__netif_tx_unlock(ring->txq);
	return more;
}

/**
 * igbp_xsk_poll - receive into a socket's buffers, and send what it has
 * @pair: pair whose NAPI the caller owns, with a pool
 * @budget: frames to receive at most, above 0
 *
 * Context: softirq, or a NAPI thread.
 * Return: frames received; @budget when there may be more to do. A fill ring
 * that is empty is nothing to do.
 */
int igbp_xsk_poll(struct igbp_pair *pair, int budget)
{
	int work = igbp_xsk_clean(pair, budget);

	return igbp_xsk_send(pair) ? budget : work;
}

/**
 * igbp_xsk_reclaim - report a batch of a socket as sent
 * @ring: ring
 * @ntc: first descriptor of the batch, free-running
 *
 * Context: softirq, or process with the ring taken down; owner of the NAPI.
 * Return: the descriptor after its last.
 */
u16 igbp_xsk_reclaim(struct igbp_tx_ring *ring, u16 ntc)
{
	struct igbp_tx_buf *buf = &ring->buf[ntc & ring->mask];
	u16 count = buf->xsk;

	buf->xsk = 0;
	buf->xdp = false;
	xsk_tx_completed(ring->pair->rx.mem.xsk, count);
	return ntc + count;
}

/**
 * igbp_xsk_wakeup - ndo_xsk_wakeup: there is something to send, or to fill
 * @netdev: interface
 * @queue: number of the pair
 * @flags: XDP_WAKEUP_*
 *
 * Polls at once where the pair lives, and has its interrupt raised elsewhere.
 *
 * Context: process, RCU.
 * Return: 0, -ENETDOWN, or -EINVAL for a queue without a pool.
 */
int igbp_xsk_wakeup(struct net_device *netdev, u32 queue, u32 flags)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_pair *pair;

	if (!test_bit(IGBP_PORT_UP, &port->flags))
		return -ENETDOWN;
	if (queue >= READ_ONCE(port->pairs))
		return -EINVAL;
	pair = port->pair[queue];
	if (!READ_ONCE(pair->xsk))
		return -EINVAL;
	if (napi_if_scheduled_mark_missed(&pair->napi))
		return 0;
	if (raw_smp_processor_id() == pair->cpu) {
		local_bh_disable();
		napi_schedule(&pair->napi);
		local_bh_enable();
	} else {
		igbp_irq_kick(pair);
	}
	return 0;
}

/**
 * igbp_xsk_link_up - send what sockets were left with without a link
 * @port: port that runs
 *
 * Context: process.
 */
void igbp_xsk_link_up(struct igbp_port *port)
{
	unsigned int i;

	for (i = 0; i < READ_ONCE(port->pairs); i++)
		if (READ_ONCE(port->pair[i]->xsk))
			igbp_irq_kick(port->pair[i]);
}

/**
 * igbp_xsk_stop - wait for whoever may wake a pair with a pool
 * @pair: pair whose NAPI is disabled
 *
 * The timer is started by the poll alone. Who is in ndo_xsk_wakeup may have
 * seen IGBP_PORT_UP before it was cleared, and raise the interrupt still.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_xsk_stop(struct igbp_pair *pair)
{
	timer_delete_sync(&pair->xsk_timer);
	pair->xsk_wait = 0;
	synchronize_net();
}

static int igbp_xsk_enable(struct igbp_pair *pair, struct xsk_buff_pool *pool)
{
	struct igbp_port *port = pair->port;
	int err;

	if (pair->xsk)
		return -EBUSY;
	if (port->split) {
		netdev_err(port->netdev,
			   "no AF_XDP socket on queue %u: headers are received apart (tcp-data-split)\n",
			   pair->index);
		return -EOPNOTSUPP;
	}
	err = igbp_xsk_pool_check(port, pool, pair->index, port->netdev->mtu);
	if (err)
		return err;
	err = xsk_pool_dma_map(pool, &port->pdev->dev, IGBP_XSK_DMA_ATTRS);
	if (err)
		return err;
	/* Asked for the NAPI's number by the core, whether or not it runs */
	xsk_pool_set_rxq_info(pool, &pair->rx.xdp.rxq);
	igbp_ring_pair_xsk_set(pair, pool);
	return 0;
}

static int igbp_xsk_disable(struct igbp_pair *pair)
{
	struct xsk_buff_pool *pool = pair->xsk;

	if (!pool)
		return -EINVAL;
	igbp_ring_pair_xsk_set(pair, NULL);
	xsk_pool_dma_unmap(pool, IGBP_XSK_DMA_ATTRS);
	return 0;
}

/**
 * igbp_xsk_pool_set - ndo_bpf: give a queue to a socket, or take it back
 * @port: port, closed or open, asleep or not
 * @pool: the socket's buffers, or NULL
 * @queue: number of the pair
 *
 * Context: process, may sleep, RTNL.
 * Return: 0; -EINVAL if there is no such queue, or if frames of the MTU do not
 * fit the buffers, which the kernel's log explains; -EOPNOTSUPP if headers are
 * received apart, which it does, too; -EBUSY if it has a pool; or an error of
 * xsk_pool_dma_map(). Then all is as it was.
 */
int igbp_xsk_pool_set(struct igbp_port *port, struct xsk_buff_pool *pool,
		      u16 queue)
{
	ASSERT_RTNL();
	BUILD_BUG_ON(offsetof(struct igbp_xdp_buff, xdp));
	XSK_CHECK_PRIV_TYPE(struct igbp_xdp_buff);

	if (queue >= port->pairs)
		return -EINVAL;
	return pool ? igbp_xsk_enable(port->pair[queue], pool) :
		      igbp_xsk_disable(port->pair[queue]);
}
