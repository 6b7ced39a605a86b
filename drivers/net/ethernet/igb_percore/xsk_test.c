// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: descriptors of frames that a socket sends, and room in its buffers
 */
#include <kunit/device.h>
#include <linux/dma-mapping.h>

#include "xsk.c"

#include "igb_percore_test.h"

#define IGBP_XSK_TEST_BYTES	(2 * PAGE_SIZE)

static void igbp_xsk_test_pool_free(void *data)
{
	struct xsk_buff_pool *pool = data;

	dma_unmap_single(pool->dev, pool->dma_pages[0], IGBP_XSK_TEST_BYTES,
			 DMA_BIDIRECTIONAL);
}

/* Two pages of a socket's memory, mapped */
static struct xsk_buff_pool *igbp_xsk_test_pool(struct kunit *test, u32 chunk)
{
	struct xsk_buff_pool *pool = kunit_kzalloc(test, sizeof(*pool),
						   GFP_KERNEL);
	u8 *area = kunit_kzalloc(test, IGBP_XSK_TEST_BYTES + PAGE_SIZE,
				 GFP_KERNEL);
	dma_addr_t dma;

	KUNIT_ASSERT_NOT_NULL(test, pool);
	KUNIT_ASSERT_NOT_NULL(test, area);
	pool->addrs = PTR_ALIGN(area, PAGE_SIZE);
	pool->chunk_size = chunk;
	pool->umem = kunit_kzalloc(test, sizeof(*pool->umem), GFP_KERNEL);
	pool->dma_pages = kunit_kcalloc(test, 2, sizeof(*pool->dma_pages),
					GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pool->umem);
	KUNIT_ASSERT_NOT_NULL(test, pool->dma_pages);
	memset(pool->addrs, 0xee, IGBP_XSK_TEST_BYTES);

	pool->dev = kunit_device_register(test, "igbp-xsk");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool->dev);
	pool->dev->coherent_dma_mask = DMA_BIT_MASK(64);
	pool->dev->dma_mask = &pool->dev->coherent_dma_mask;
	dma = dma_map_single(pool->dev, pool->addrs, IGBP_XSK_TEST_BYTES,
			     DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(pool->dev, dma));
	pool->dma_pages[0] = dma;
	pool->dma_pages[1] = dma + PAGE_SIZE;
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test,
						  igbp_xsk_test_pool_free,
						  pool));
	return pool;
}

static struct igbp_tx_ring *igbp_xsk_test_ring(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);

	return &igbp_test_pair_alloc(test, port, 0)->tx;
}

static void igbp_xsk_test_put(struct kunit *test)
{
	struct xsk_buff_pool *pool = igbp_xsk_test_pool(test, 2048);
	struct igbp_tx_ring *ring = igbp_xsk_test_ring(test);
	struct xdp_desc frame = { .addr = PAGE_SIZE + 300, .len = 1000 };

	ring->ntu = ring->mask;
	KUNIT_EXPECT_EQ(test, 1000, igbp_xsk_frame_put(ring, pool, &frame));
	KUNIT_EXPECT_EQ(test, ring->mask + 1, ring->ntu);
	KUNIT_EXPECT_EQ(test, pool->dma_pages[1] + 300,
			le64_to_cpu(ring->desc[ring->mask].read.addr));
	KUNIT_EXPECT_EQ(test, IGBP_TXD_DATA | IGBP_TXD_DEXT | IGBP_TXD_IFCS |
			IGBP_TXD_EOP | 1000,
			le32_to_cpu(ring->desc[ring->mask].read.cmd));
	KUNIT_EXPECT_EQ(test, 1000 << IGBP_TXD_PAYLEN_SHIFT,
			le32_to_cpu(ring->desc[ring->mask].read.olinfo));
}

/* Filled up where there is room in the buffer, moved where there is none, and
 * never a byte beyond.
 */
static void igbp_xsk_test_short(struct kunit *test)
{
	static const u32 at[] = { 0, 2048 - 17, 2048 - 16, 2048 - 14 };
	struct xsk_buff_pool *pool = igbp_xsk_test_pool(test, 2048);
	struct igbp_tx_ring *ring = igbp_xsk_test_ring(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		struct xdp_desc frame = { .addr = at[i], .len = 14 };
		u32 want = min(at[i], 2048 - 17);
		u8 *data = pool->addrs;

		memset(data, 0xee, IGBP_XSK_TEST_BYTES);
		memset(data + at[i], 0x5a, 14);
		KUNIT_EXPECT_EQ(test, 17,
				igbp_xsk_frame_put(ring, pool, &frame));
		KUNIT_EXPECT_EQ(test, pool->dma_pages[0] + want,
				le64_to_cpu(ring->desc[i].read.addr));
		KUNIT_EXPECT_NULL(test, memchr_inv(data, 0xee, want));
		data += want;
		KUNIT_EXPECT_NULL(test, memchr_inv(data, 0x5a, 14));
		KUNIT_EXPECT_NULL(test, memchr_inv(data + 14, 0, 3));
		KUNIT_EXPECT_NULL(test, memchr_inv(data + 17, 0xee, 512));
	}
}

/* 2048 bytes, less 256; whole KB are more, or fewer where bad frames come */
static void igbp_xsk_test_room(struct kunit *test)
{
	struct xsk_buff_pool *pool = igbp_xsk_test_pool(test, 2048);
	struct igbp_port *port = igbp_test_port_alloc(test);

	KUNIT_EXPECT_EQ(test, 2048, igbp_xsk_data_bytes(port, pool));
	KUNIT_EXPECT_EQ(test, 0, igbp_xsk_pool_check(port, pool, 0, 1766));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			igbp_xsk_pool_check(port, pool, 0, 1767));
	pool->headroom = 64;
	KUNIT_EXPECT_EQ(test, 0, igbp_xsk_pool_check(port, pool, 0, 1638));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			igbp_xsk_pool_check(port, pool, 0, 1639));
	port->rx_large = true;
	KUNIT_EXPECT_EQ(test, 1024, igbp_xsk_data_bytes(port, pool));
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_xsk_pool_check(port, pool, 0, 999));
	pool->chunk_size = 4096;
	KUNIT_EXPECT_EQ(test, 3072, igbp_xsk_data_bytes(port, pool));
	KUNIT_EXPECT_EQ(test, 0, igbp_xsk_pool_check(port, pool, 0, 3046));
}

/* Lengths that no frame in these buffers can have: they are given back, and
 * nothing of them is looked at.
 */
static void igbp_xsk_test_lengths(struct kunit *test)
{
	static const u16 wrong[] = { 0, 1, 13, 2048 - 256 + 1, 2048, U16_MAX };
	struct xsk_buff_pool *pool = igbp_xsk_test_pool(test, 2048);
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct igbp_pair *pair = igbp_test_pair_alloc(test, port, 0);
	struct igbp_rx_ring *ring = &pair->rx;
	struct xdp_buff_xsk *buffs;
	unsigned int i;

	INIT_LIST_HEAD(&pool->free_list);
	u64_stats_init(&ring->syncp);
	ring->mask = IGBP_RING_MIN - 1;
	ring->desc = kunit_kcalloc(test, IGBP_RING_MIN, sizeof(*ring->desc),
				   GFP_KERNEL);
	ring->buf = kunit_kcalloc(test, IGBP_RING_MIN, sizeof(*ring->buf),
				  GFP_KERNEL);
	buffs = kunit_kcalloc(test, ARRAY_SIZE(wrong), sizeof(*buffs),
			      GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ring->desc);
	KUNIT_ASSERT_NOT_NULL(test, ring->buf);
	KUNIT_ASSERT_NOT_NULL(test, buffs);
	ring->xdp.xsk = pool;
	/* So many that it is not refilled */
	ring->ntu = IGBP_RING_MIN - 1;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		INIT_LIST_HEAD(&buffs[i].list_node);
		buffs[i].pool = pool;
		ring->buf[i] = &buffs[i].xdp;
		ring->desc[i].wb.len = cpu_to_le16(wrong[i]);
		ring->desc[i].wb.status = cpu_to_le32(IGBP_RXD_DD |
						      IGBP_RXD_EOP);
	}
	KUNIT_EXPECT_EQ(test, 0, igbp_xsk_clean(pair, 64));
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(wrong), ring->ntc);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(wrong),
			u64_stats_read(&ring->stats.errors));
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(wrong), pool->free_list_cnt);
}

static struct kunit_case igbp_xsk_cases[] = {
	KUNIT_CASE(igbp_xsk_test_put),
	KUNIT_CASE(igbp_xsk_test_short),
	KUNIT_CASE(igbp_xsk_test_room),
	KUNIT_CASE(igbp_xsk_test_lengths),
	{}
};

static struct kunit_suite igbp_xsk_suite = {
	.name = "igb_percore-xsk",
	.test_cases = igbp_xsk_cases,
};

kunit_test_suite(igbp_xsk_suite);
