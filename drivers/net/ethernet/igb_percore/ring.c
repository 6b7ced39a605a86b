// SPDX-License-Identifier: GPL-2.0
/*
 * Ring memory, and the start and stop of a pair
 *
 * Slow path between netdev.c and ethtool.c (what is wanted) and rx.c and tx.c
 * (what runs). A change of size or MTU allocates the new memory for every
 * pair first; only when all of it is there, pair after pair is stopped, gets
 * its new memory and starts again. The MAC and the link stay as they are, and
 * the other pairs go on meanwhile.
 *
 *   closed --open: memory, interrupt, NAPI--> stopped --start--> running
 *          <-close-------------------------           <-stop----
 *
 * Locking: RTNL for everything here. Between stop and start nobody else
 * touches the pair: the stack's queue is stopped under its lock, the NAPI is
 * disabled and the device's queues are off.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <net/page_pool/helpers.h>

#include "igb_percore.h"

#define IGBP_RX_SMALL		2048	/* bytes of a buffer, all included */
/* Pages that may wait for reuse, per descriptor: what sockets hold comes back
 * in bursts much larger than the ring.
 */
#define IGBP_RX_POOL_FACTOR	8
#define IGBP_RX_POOL_MAX	16384
#define IGBP_QUEUE_TIMEOUT_US	10000

/**
 * igbp_ring_queues_number - which of the device's queues are whose
 * @port: port that is stopped, or was never started
 *
 * With VFs there is but the first pair, and it has those of the PF's pool.
 *
 * Context: process, RTNL or probe.
 */
void igbp_ring_queues_number(struct igbp_port *port)
{
	unsigned int i, first = port->sriov ? IGBP_PF_POOL : 0;

	for (i = 0; i < igbp_port_pairs_max(port); i++) {
		struct igbp_pair *pair = port->pair[i];

		pair->rx.queue = first + i;
		pair->tx.queue = first + i;
		if (igbp_xdp_has_queues(port))
			pair->xdp_tx.queue = IGBP_XDP_QUEUE + first + i;
	}
}

/**
 * igbp_ring_rx_is_large - whether buffers of more than 2 KB are needed
 * @port: port
 * @mtu: bytes
 *
 * A small buffer is as large as the MTU needs, and smaller than SRRCTL tells
 * the device; bad frames, which may be of any length, must not come near it.
 * XDP's headroom leaves no room for an ordinary frame in a small one. Where
 * headers are received apart, the payload has all of the buffer.
 *
 * Context: process, RTNL.
 * Return: true or false.
 */
bool igbp_ring_rx_is_large(const struct igbp_port *port, unsigned int mtu)
{
	if (port->split)
		return mtu + IGBP_FRAME_EXTRA > IGBP_RX_SMALL;
	return port->rx_large || port->xdp || mtu + IGBP_FRAME_EXTRA >
	       SKB_WITH_OVERHEAD(IGBP_RX_SMALL) - IGBP_RX_HEADROOM;
}

static struct page_pool *igbp_ring_pool_create(struct igbp_pair *pair,
					       u16 size, bool xdp)
{
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size = min(size * IGBP_RX_POOL_FACTOR,
				 IGBP_RX_POOL_MAX),
		.nid = cpu_to_node(pair->cpu),
		.dev = &pair->port->pdev->dev,
		.netdev = pair->port->netdev,
		.queue_idx = pair->index,
		.dma_dir = xdp ? DMA_BIDIRECTIONAL : DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE,
	};
	struct page_pool *pool;
	int err;

	/* The NAPI joins in igbp_ring_pair_start(); a pool that is thrown
	 * away before must not be tied to one that runs.
	 */
	pool = page_pool_create(&params);
	if (IS_ERR(pool) || !xdp)
		return pool;
	err = xdp_reg_page_pool(pool);
	if (err) {
		page_pool_destroy(pool);
		return ERR_PTR(err);
	}
	return pool;
}

/* Give posted buffers of a ring that does not run back to the pool */
static void igbp_ring_rx_unpost(struct igbp_rx_mem *mem, u16 from, u16 to)
{
	if (mem->xsk) {
		igbp_xsk_unpost(mem, from, to);
		from = to;
	}
	for (; from != to; from++) {
		void *va = mem->buf[from & (mem->size - 1)];

		page_pool_put_full_page(mem->pool, virt_to_head_page(va),
					false);
	}
	mem->filled = 0;
}

/* What is where in the buffers of a ring */
static void igbp_ring_rx_layout(const struct igbp_port *port, unsigned int mtu,
				struct igbp_rx_mem *mem)
{
	bool large = igbp_ring_rx_is_large(port, mtu);

	mem->xdp = port->xdp;
	mem->truesize = large ? IGBP_RX_LARGE : IGBP_RX_SMALL;
	mem->data_bytes = large && !port->split ? IGBP_RX_LARGE_DATA :
						  mem->truesize;
	if (port->split)
		mem->headroom = 0;
	else
		mem->headroom = port->xdp ? IGBP_XDP_HEADROOM :
					    IGBP_RX_HEADROOM;
}

static void igbp_ring_rx_desc_free(struct device *dev, struct igbp_rx_mem *mem)
{
	if (mem->hdr)
		dma_free_coherent(dev, mem->size * IGBP_RX_HDR_BYTES, mem->hdr,
				  mem->hdr_dma);
	dma_free_coherent(dev, array_size(mem->size, sizeof(*mem->desc)),
			  mem->desc, mem->desc_dma);
}

/* Descriptors, and slots for headers where there are to be such */
static int igbp_ring_rx_desc_alloc(struct device *dev, bool split,
				   struct igbp_rx_mem *mem)
{
	mem->desc = dma_alloc_coherent(dev, array_size(mem->size,
						       sizeof(*mem->desc)),
				       &mem->desc_dma, GFP_KERNEL);
	if (!mem->desc)
		return -ENOMEM;
	if (!split)
		return 0;
	mem->hdr = dma_alloc_coherent(dev, mem->size * IGBP_RX_HDR_BYTES,
				      &mem->hdr_dma, GFP_KERNEL);
	if (mem->hdr)
		return 0;
	igbp_ring_rx_desc_free(dev, mem);
	return -ENOMEM;
}

/**
 * igbp_ring_rx_alloc - allocate and fill the memory of a receive ring
 * @pair: pair it is for; may be running with other memory
 * @size: descriptors, a power of two
 * @mtu: bytes; decides the size of buffers
 * @mem: filled in
 *
 * Context: process, may sleep, RTNL.
 * Return: 0 or -ENOMEM or an error of page_pool_create() or
 * xdp_reg_page_pool().
 */
int igbp_ring_rx_alloc(struct igbp_pair *pair, u16 size, unsigned int mtu,
		       struct igbp_rx_mem *mem)
{
	struct device *dev = &pair->port->pdev->dev;
	u16 count;
	int err;

	mem->size = size;
	igbp_ring_rx_layout(pair->port, mtu, mem);
	mem->buf = kvzalloc_node(array_size(size, sizeof(*mem->buf)),
				 GFP_KERNEL, cpu_to_node(pair->cpu));
	if (!mem->buf)
		return -ENOMEM;
	err = igbp_ring_rx_desc_alloc(dev, pair->port->split, mem);
	if (err)
		goto free_buf;
	mem->pool = igbp_ring_pool_create(pair, size, mem->xdp);
	if (IS_ERR(mem->pool)) {
		err = PTR_ERR(mem->pool);
		goto free_desc;
	}
	/* A socket's buffers cannot be had while other memory uses the pool */
	mem->xsk = pair->xsk;
	if (mem->xsk)
		return 0;
	count = size - PAGE_SIZE / mem->truesize;
	mem->filled = igbp_rx_fill(mem, 0, count);
	if (mem->filled < count) {
		igbp_ring_rx_free(pair, mem);
		return -ENOMEM;
	}
	return 0;

free_desc:
	igbp_ring_rx_desc_free(dev, mem);
free_buf:
	kvfree(mem->buf);
	return err;
}

/**
 * igbp_ring_rx_free - free what igbp_ring_rx_alloc() allocated
 * @pair: pair it was for
 * @mem: memory that no ring uses; if one did, its NAPI is disabled
 *
 * Pages that sockets still hold keep the pool alive until they come back.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_rx_free(struct igbp_pair *pair, struct igbp_rx_mem *mem)
{
	/* None, if the ring has run: igbp_ring_pair_stop() took them */
	igbp_ring_rx_unpost(mem, 0, mem->filled);
	if (mem->xdp)
		xdp_unreg_page_pool(mem->pool);
	page_pool_destroy(mem->pool);
	igbp_ring_rx_desc_free(&pair->port->pdev->dev, mem);
	kvfree(mem->buf);
	memset(mem, 0, sizeof(*mem));
}

/**
 * igbp_ring_tx_alloc - allocate the memory of a transmit ring
 * @pair: pair it is for; may be running with other memory
 * @size: descriptors, a power of two
 * @slots: with slots to copy small frames to
 * @mem: filled in
 *
 * Context: process, may sleep, RTNL.
 * Return: 0 or -ENOMEM.
 */
int igbp_ring_tx_alloc(struct igbp_pair *pair, u16 size, bool slots,
		       struct igbp_tx_mem *mem)
{
	struct device *dev = &pair->port->pdev->dev;

	mem->size = size;
	mem->buf = kvzalloc_node(array_size(size, sizeof(*mem->buf)),
				 GFP_KERNEL, cpu_to_node(pair->cpu));
	if (!mem->buf)
		return -ENOMEM;
	mem->desc = dma_alloc_coherent(dev, array_size(size,
						       sizeof(*mem->desc)),
				       &mem->desc_dma, GFP_KERNEL);
	if (!mem->desc)
		goto free_buf;
	if (!slots)
		return 0;
	mem->slot = dma_alloc_coherent(dev, size * IGBP_TX_SLOT_BYTES,
				       &mem->slot_dma, GFP_KERNEL);
	if (!mem->slot)
		goto free_desc;
	return 0;

free_desc:
	dma_free_coherent(dev, array_size(size, sizeof(*mem->desc)),
			  mem->desc, mem->desc_dma);
free_buf:
	kvfree(mem->buf);
	return -ENOMEM;
}

/**
 * igbp_ring_tx_free - free what igbp_ring_tx_alloc() allocated
 * @pair: pair it was for
 * @mem: memory that no ring uses
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_tx_free(struct igbp_pair *pair, struct igbp_tx_mem *mem)
{
	struct device *dev = &pair->port->pdev->dev;

	if (mem->slot)
		dma_free_coherent(dev, mem->size * IGBP_TX_SLOT_BYTES,
				  mem->slot, mem->slot_dma);
	dma_free_coherent(dev, array_size(mem->size, sizeof(*mem->desc)),
			  mem->desc, mem->desc_dma);
	kvfree(mem->buf);
	memset(mem, 0, sizeof(*mem));
}

/* Memory of both transmit rings of a pair, or of the one that there is */
static int igbp_ring_pair_tx_alloc(struct igbp_pair *pair, u16 size,
				   struct igbp_tx_mem *tx,
				   struct igbp_tx_mem *xdp_tx)
{
	int err = igbp_ring_tx_alloc(pair, size, true, tx);

	if (err || !igbp_xdp_has_queues(pair->port))
		return err;
	err = igbp_ring_tx_alloc(pair, size, false, xdp_tx);
	if (err)
		igbp_ring_tx_free(pair, tx);
	return err;
}

static void igbp_ring_pair_tx_free(struct igbp_pair *pair,
				   struct igbp_tx_mem *tx,
				   struct igbp_tx_mem *xdp_tx)
{
	igbp_ring_tx_free(pair, tx);
	if (igbp_xdp_has_queues(pair->port))
		igbp_ring_tx_free(pair, xdp_tx);
}

static u32 igbp_ring_thresholds(u32 prefetch, u32 host)
{
	/* Write back at once: with MSI-X the 82576 loses track otherwise */
	return prefetch << IGBP_XDCTL_PTHRESH_SHIFT |
	       host << IGBP_XDCTL_HTHRESH_SHIFT |
	       1 << IGBP_XDCTL_WTHRESH_SHIFT;
}

static void igbp_ring_srrctl_program(struct igbp_pair *pair)
{
	struct igbp_rx_mem *mem = &pair->rx.mem;
	struct igbp_port *port = pair->port;
	u16 bytes = mem->xsk ? igbp_xsk_data_bytes(port, mem->xsk) :
			       mem->data_bytes;
	u32 srrctl = bytes >> IGBP_SRRCTL_BSIZEPKT_SHIFT;

	if (mem->hdr)
		srrctl |= IGBP_SRRCTL_ADV_SPLIT_ALWAYS |
			  IGBP_RX_HDR_BYTES << IGBP_SRRCTL_BSIZEHDR_SHIFT;
	else
		srrctl |= IGBP_SRRCTL_ADV_ONEBUF;

	/* A full queue must not hold up the others, unless pause frames are
	 * there to hold up the sender; and an application that has no buffers
	 * for us must not hold up the port, nor may we hold up VFs.
	 */
	if ((port->pairs > 1 && !port->pause_tx) || mem->xsk || port->sriov)
		srrctl |= IGBP_SRRCTL_DROP_EN;
	igbp_wr32(port, IGBP_SRRCTL(pair->rx.queue), srrctl);
}

/**
 * igbp_ring_drop_apply - decide anew whether full receive queues drop
 * @port: port; the number of pairs or the wish for pause frames has changed
 *
 * Context: process, RTNL.
 */
void igbp_ring_drop_apply(struct igbp_port *port)
{
	unsigned int i;

	ASSERT_RTNL();
	for (i = 0; i < port->pairs; i++)
		if (port->pair[i]->running)
			igbp_ring_srrctl_program(port->pair[i]);
}

static void igbp_ring_rx_program(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;
	struct igbp_rx_ring *ring = &pair->rx;
	struct igbp_rx_mem *mem = &ring->mem;
	u16 q = ring->queue;
	u32 val;

	igbp_wr32(port, IGBP_RXDCTL(q), 0);
	igbp_wr32(port, IGBP_RDBAL(q), lower_32_bits(mem->desc_dma));
	igbp_wr32(port, IGBP_RDBAH(q), upper_32_bits(mem->desc_dma));
	igbp_wr32(port, IGBP_RDLEN(q), mem->size * sizeof(*mem->desc));
	igbp_wr32(port, IGBP_RDH(q), 0);
	igbp_wr32(port, IGBP_RDT(q), 0);

	igbp_ring_srrctl_program(pair);
	igbp_wr32(port, IGBP_RXDCTL(q),
		  igbp_ring_thresholds(8, 8) | IGBP_XDCTL_ENABLE);
	/* The tail must not move before the queue is on */
	if (igbp_poll32(port, IGBP_RXDCTL(q), val, val & IGBP_XDCTL_ENABLE, 10,
			IGBP_QUEUE_TIMEOUT_US))
		netdev_err(port->netdev, "rx queue %u does not start\n", q);
	writel(ring->ntu & ring->mask, ring->tail);
}

static void igbp_ring_tx_program(struct igbp_tx_ring *ring)
{
	struct igbp_port *port = ring->pair->port;
	struct igbp_tx_mem *mem = &ring->mem;
	u16 q = ring->queue;

	igbp_wr32(port, IGBP_TXDCTL(q), 0);
	igbp_wr32(port, IGBP_TDBAL(q), lower_32_bits(mem->desc_dma));
	igbp_wr32(port, IGBP_TDBAH(q), upper_32_bits(mem->desc_dma));
	igbp_wr32(port, IGBP_TDLEN(q), mem->size * sizeof(*mem->desc));
	igbp_wr32(port, IGBP_TDH(q), 0);
	igbp_wr32(port, IGBP_TDT(q), 0);
	igbp_wr32(port, IGBP_TXDCTL(q),
		  igbp_ring_thresholds(8, 1) | IGBP_XDCTL_ENABLE);
}

/* Fill memory that is empty as the same ran before, or is for a socket's
 * buffers. Should there be none, the poll that igbp_irq_pair_enable() causes
 * tries again.
 */
static void igbp_ring_rx_post(struct igbp_rx_mem *mem)
{
	if (mem->filled)
		return;
	if (mem->xsk)
		mem->filled = igbp_xsk_fill(mem, 0, mem->size - 1);
	else
		mem->filled = igbp_rx_fill(mem, 0, mem->size -
					   PAGE_SIZE / mem->truesize);
}

static enum igbp_rx_kind igbp_ring_rx_kind(const struct igbp_rx_mem *mem)
{
	if (mem->xsk)
		return IGBP_RX_XSK;
	if (mem->xdp)
		return IGBP_RX_XDP;
	return mem->hdr ? IGBP_RX_SPLIT : IGBP_RX_STACK;
}

static void igbp_ring_rx_attach(struct igbp_rx_mem *mem, struct igbp_xdp *xdp)
{
	xdp->xsk = mem->xsk;
	xdp->spoilt = false;
	/* Without an allocator it does not fail */
	if (mem->xsk)
		xdp_rxq_info_reg_mem_model(&xdp->rxq, MEM_TYPE_XSK_BUFF_POOL,
					   NULL);
	else if (mem->xdp)
		xdp_rxq_info_attach_page_pool(&xdp->rxq, mem->pool);
}

/* The device is told of whole KB, which may be more */
static u16 igbp_ring_rx_room(const struct igbp_rx_mem *mem)
{
	if (mem->hdr)
		return mem->data_bytes;
	return min(mem->data_bytes,
		   SKB_WITH_OVERHEAD(mem->truesize) - mem->headroom);
}

static void igbp_ring_rx_install(struct igbp_pair *pair)
{
	struct igbp_rx_ring *ring = &pair->rx;
	struct igbp_rx_mem *mem = &ring->mem;

	ring->desc = mem->desc;
	ring->buf = mem->buf;
	ring->pool = mem->pool;
	ring->truesize = mem->truesize;
	ring->room = igbp_ring_rx_room(mem);
	ring->kind = igbp_ring_rx_kind(mem);
	ring->mask = mem->size - 1;
	ring->tail = pair->port->regs + IGBP_RDT(ring->queue);
	ring->dev = &pair->port->pdev->dev;
	ring->ntc = 0;
	igbp_ring_rx_post(mem);
	ring->ntu = mem->filled;
	if (!mem->pool->p.napi)
		page_pool_enable_direct_recycling(mem->pool, &pair->napi);
	igbp_ring_rx_attach(mem, &ring->xdp);
}

static void igbp_ring_tx_install(struct igbp_tx_ring *ring)
{
	struct igbp_port *port = ring->pair->port;
	struct igbp_tx_mem *mem = &ring->mem;

	ring->desc = mem->desc;
	ring->buf = mem->buf;
	ring->slot = mem->slot;
	ring->slot_dma = mem->slot_dma;
	ring->mask = mem->size - 1;
	ring->tail = port->regs + IGBP_TDT(ring->queue);
	ring->dev = &port->pdev->dev;
	ring->ntu = 0;
	ring->ntc = 0;
	ring->batch = 0;
	ring->published = 0;
	ring->batch_bytes = 0;
	ring->sync = false;
	ring->sync_hits = 0;
	/* A queue that is switched on holds no context */
	memset(ring->ctx, 0, sizeof(ring->ctx));
}

/**
 * igbp_ring_pair_start - give a pair's rings to the device and the stack
 * @pair: pair with memory whose NAPI is disabled
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_pair_start(struct igbp_pair *pair)
{
	ASSERT_RTNL();

	igbp_ring_rx_install(pair);
	igbp_ring_tx_install(&pair->tx);
	igbp_ring_tx_program(&pair->tx);
	if (igbp_xdp_has_queues(pair->port)) {
		igbp_ring_tx_install(&pair->xdp_tx);
		igbp_ring_tx_program(&pair->xdp_tx);
	}
	igbp_ring_rx_program(pair);
	pair->running = true;
	WRITE_ONCE(pair->stuck, 0);
	napi_enable(&pair->napi);
	netif_queue_set_napi(pair->port->netdev, pair->index,
			     NETDEV_QUEUE_TYPE_RX, &pair->napi);
	netif_queue_set_napi(pair->port->netdev, pair->index,
			     NETDEV_QUEUE_TYPE_TX, &pair->napi);
	igbp_irq_pair_enable(pair);
	netdev_tx_reset_queue(pair->tx.txq);
	/* What the qdisc was given meanwhile goes out */
	netif_tx_wake_queue(pair->tx.txq);
	igbp_xdp_open(pair, true);
	/* For what sockets wanted to send before they could */
	if (pair->rx.mem.xsk)
		igbp_irq_kick(pair);
}

static void igbp_ring_tx_off(struct igbp_tx_ring *ring)
{
	struct igbp_port *port = ring->pair->port;
	u32 val;

	/* Let what was posted go out */
	igbp_poll32(port, IGBP_TDH(ring->queue), val,
		    val == (ring->published & ring->mask) ||
		    !netif_carrier_ok(port->netdev), 50,
		    IGBP_QUEUE_TIMEOUT_US);
	igbp_wr32(port, IGBP_TXDCTL(ring->queue), 0);
}

static void igbp_ring_queues_off(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;
	u16 q = pair->rx.queue;
	u32 val;

	igbp_ring_tx_off(&pair->tx);
	if (igbp_xdp_has_queues(port))
		igbp_ring_tx_off(&pair->xdp_tx);
	igbp_wr32(port, IGBP_RXDCTL(q), 0);
	if (igbp_poll32(port, IGBP_RXDCTL(q), val, !(val & IGBP_XDCTL_ENABLE),
			10, IGBP_QUEUE_TIMEOUT_US))
		netdev_err(port->netdev, "rx queue %u does not stop\n", q);
	/* DMA that the device had begun is over before the pages go */
	usleep_range(100, 200);
}

static void igbp_ring_rx_drain(struct igbp_rx_ring *ring)
{
	igbp_rx_drop_partial(ring);
	igbp_ring_rx_unpost(&ring->mem, ring->ntc, ring->ntu);
}

static bool igbp_ring_rx_is_done(const struct igbp_rx_ring *ring, u16 at)
{
	return READ_ONCE(ring->desc[at & ring->mask].wb.status) &
	       cpu_to_le32(IGBP_RXD_DD);
}

/**
 * igbp_ring_pair_is_stalled - whether received frames wait for nobody
 * @pair: pair that runs
 *
 * Context: process, RTNL.
 * Return: true when the next descriptor is done; or the one behind it, as when
 * the device has forgotten the next one, for which the poll would wait forever.
 */
bool igbp_ring_pair_is_stalled(const struct igbp_pair *pair)
{
	const struct igbp_rx_ring *ring = &pair->rx;
	u16 ntc = READ_ONCE(ring->ntc);
	u16 posted = READ_ONCE(ring->ntu) - ntc;

	return (posted > 0 && igbp_ring_rx_is_done(ring, ntc)) ||
	       (posted > 1 && igbp_ring_rx_is_done(ring, ntc + 1));
}

/**
 * igbp_ring_pair_stop - take a pair's rings back
 * @pair: pair that runs
 *
 * Afterwards nothing but the caller refers to the rings' memory: the poll ended
 * with napi_disable(), xmit and what is redirected here with the tx lock, DMA
 * with the queues. The poll comes first: it may send frames back, and wake a
 * queue that is stopped.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_pair_stop(struct igbp_pair *pair)
{
	struct netdev_queue *txq = pair->tx.txq;

	ASSERT_RTNL();

	netif_queue_set_napi(pair->port->netdev, pair->index,
			     NETDEV_QUEUE_TYPE_RX, NULL);
	netif_queue_set_napi(pair->port->netdev, pair->index,
			     NETDEV_QUEUE_TYPE_TX, NULL);
	igbp_irq_pair_disable(pair);
	napi_disable(&pair->napi);
	igbp_irq_pair_disable(pair);
	__netif_tx_lock_bh(txq);
	netif_tx_stop_queue(txq);
	__netif_tx_unlock_bh(txq);
	igbp_xdp_open(pair, false);
	if (pair->rx.mem.xsk)
		igbp_xsk_stop(pair);
	cancel_work_sync(&pair->dim.work);
	pair->dim.state = DIM_START_MEASURE;

	igbp_ring_queues_off(pair);
	pair->running = false;
	igbp_tx_drain(&pair->tx);
	igbp_tx_drain(&pair->xdp_tx);
	netdev_tx_reset_queue(txq);
	igbp_ring_rx_drain(&pair->rx);
	xdp_rxq_info_detach_mem_model(&pair->rx.xdp.rxq);
	WRITE_ONCE(pair->stuck, 0);
}

/**
 * igbp_ring_pair_restart - have a pair that hangs begin anew
 * @pair: pair that runs
 *
 * What waits in its rings is lost. The other pairs, the MAC and the link do not
 * notice.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_pair_restart(struct igbp_pair *pair)
{
	igbp_ring_pair_stop(pair);
	igbp_ring_pair_start(pair);
}

static int igbp_ring_pair_open(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;
	int err;

	err = igbp_ring_rx_alloc(pair, port->rx_size, port->netdev->mtu,
				 &pair->rx.mem);
	if (err)
		return err;
	err = igbp_ring_pair_tx_alloc(pair, port->tx_size, &pair->tx.mem,
				      &pair->xdp_tx.mem);
	if (err)
		goto free_rx;
	err = igbp_irq_pair_request(pair);
	if (err)
		goto free_tx;
	return 0;

free_tx:
	igbp_ring_pair_tx_free(pair, &pair->tx.mem, &pair->xdp_tx.mem);
free_rx:
	igbp_ring_rx_free(pair, &pair->rx.mem);
	return err;
}

/**
 * igbp_ring_pair_xsk_set - have a socket's buffers received into, or our own
 * @pair: pair, open or not, running or not
 * @pool: the socket's pool, or NULL
 *
 * The other pairs, the MAC and the link do not notice. The memory is the same
 * before and after, so this cannot fail.
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_pair_xsk_set(struct igbp_pair *pair, struct xsk_buff_pool *pool)
{
	struct igbp_rx_mem *mem = &pair->rx.mem;
	bool running = pair->running;

	ASSERT_RTNL();
	if (running)
		igbp_ring_pair_stop(pair);
	WRITE_ONCE(pair->xsk, pool);
	/* None if it has run, or is not open */
	igbp_ring_rx_unpost(mem, 0, mem->filled);
	mem->xsk = pool;
	if (running)
		igbp_ring_pair_start(pair);
}

/**
 * igbp_ring_pair_close - free the memory and the interrupt of a pair
 * @pair: pair that is stopped
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_pair_close(struct igbp_pair *pair)
{
	struct netdev_queue *txq = netdev_get_tx_queue(pair->port->netdev,
						       pair->index);

	/* A queue that is not in use must not be a stopped one, which looks
	 * stuck to the stack's watchdog. But who has chosen it before (pktgen,
	 * packet sockets without a qdisc) may still send on it: see
	 * igbp_tx_no_room().
	 */
	__netif_tx_lock_bh(txq);
	pair->tx.mask = 0;
	netif_tx_start_queue(txq);
	__netif_tx_unlock_bh(txq);
	igbp_irq_pair_free(pair);
	igbp_ring_pair_tx_free(pair, &pair->tx.mem, &pair->xdp_tx.mem);
	igbp_ring_rx_free(pair, &pair->rx.mem);
}

/**
 * igbp_ring_pairs_open - allocate memory and interrupts of some pairs
 * @port: port
 * @first: first pair
 * @last: pair after the last
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, or the error of the first pair that failed; then none is open.
 */
int igbp_ring_pairs_open(struct igbp_port *port, unsigned int first,
			 unsigned int last)
{
	unsigned int i;
	int err;

	for (i = first; i < last; i++) {
		err = igbp_ring_pair_open(port->pair[i]);
		if (err)
			goto close;
	}
	return 0;

close:
	igbp_ring_pairs_close(port, first, i);
	return err;
}

/**
 * igbp_ring_pairs_close - undo igbp_ring_pairs_open()
 * @port: port
 * @first: first pair
 * @last: pair after the last; all of them stopped
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_ring_pairs_close(struct igbp_port *port, unsigned int first,
			   unsigned int last)
{
	while (last > first)
		igbp_ring_pair_close(port->pair[--last]);
}

/* New memory for one pair, ready to take the place of the old */
struct igbp_ring_new {
	struct igbp_rx_mem rx;
	struct igbp_tx_mem tx;
	struct igbp_tx_mem xdp_tx;
};

static void igbp_ring_swap(struct igbp_pair *pair, struct igbp_ring_new *new)
{
	bool running = pair->running;

	if (running)
		igbp_ring_pair_stop(pair);
	swap(pair->rx.mem, new->rx);
	swap(pair->tx.mem, new->tx);
	swap(pair->xdp_tx.mem, new->xdp_tx);
	/* Before the NAPI runs again: its pool may only go while it does not */
	igbp_ring_rx_free(pair, &new->rx);
	igbp_ring_pair_tx_free(pair, &new->tx, &new->xdp_tx);
	if (running)
		igbp_ring_pair_start(pair);
}

/**
 * igbp_ring_reconfigure - change ring sizes or receive buffers
 * @port: port, closed or open, asleep or not
 * @rx_size: descriptors of a receive ring, a power of two
 * @tx_size: descriptors of a transmit ring, a power of two
 * @mtu: bytes
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, or an error of allocation; then the old rings go on.
 */
int igbp_ring_reconfigure(struct igbp_port *port, u16 rx_size, u16 tx_size,
			  unsigned int mtu)
{
	struct igbp_ring_new *new;
	unsigned int i = 0;
	int err = -ENOMEM;

	if (!test_bit(IGBP_PORT_OPEN, &port->flags))
		goto done;

	new = kcalloc(port->pairs, sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < port->pairs; i++) {
		struct igbp_pair *pair = port->pair[i];

		err = igbp_ring_rx_alloc(pair, rx_size, mtu, &new[i].rx);
		if (err)
			goto free;
		err = igbp_ring_pair_tx_alloc(pair, tx_size, &new[i].tx,
					      &new[i].xdp_tx);
		if (err) {
			igbp_ring_rx_free(pair, &new[i].rx);
			goto free;
		}
	}
	for (i = 0; i < port->pairs; i++)
		igbp_ring_swap(port->pair[i], &new[i]);
	kfree(new);
done:
	port->rx_size = rx_size;
	port->tx_size = tx_size;
	return 0;

free:
	while (i--) {
		igbp_ring_pair_tx_free(port->pair[i], &new[i].tx,
				       &new[i].xdp_tx);
		igbp_ring_rx_free(port->pair[i], &new[i].rx);
	}
	kfree(new);
	return err;
}
