// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: descriptors of frames that XDP sends, metadata, and the MTU
 */
#include <kunit/device.h>
#include <linux/dma-mapping.h>

#include "xdp.c"

#include "igb_percore_test.h"

/* The pair's own ring, which XDP shares, with a device that maps */
static struct igbp_tx_ring *igbp_xdp_test_ring(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct igbp_tx_ring *ring = &igbp_test_pair_alloc(test, port, 0)->tx;

	ring->dev = kunit_device_register(test, "igbp-xdp");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ring->dev);
	ring->dev->coherent_dma_mask = DMA_BIT_MASK(64);
	ring->dev->dma_mask = &ring->dev->coherent_dma_mask;
	return ring;
}

/* A frame of @len bytes that begins so far into a page as XDP has it */
static struct xdp_frame *igbp_xdp_test_frame(struct kunit *test, u16 len)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct xdp_frame *xdpf;

	KUNIT_ASSERT_NOT_NULL(test, page);
	xdpf = page_address(page);
	memset(xdpf, 0x5a, PAGE_SIZE);
	memset(xdpf, 0, sizeof(*xdpf));
	xdpf->data = page_address(page) + XDP_PACKET_HEADROOM;
	xdpf->headroom = XDP_PACKET_HEADROOM - sizeof(*xdpf);
	xdpf->len = len;
	xdpf->frame_sz = PAGE_SIZE;
	xdpf->mem.type = MEM_TYPE_PAGE_ORDER0;
	return xdpf;
}

static void igbp_xdp_test_frag(struct kunit *test, struct xdp_frame *xdpf,
			       u32 len)
{
	struct skb_shared_info *shinfo = xdp_get_shared_info_from_frame(xdpf);
	struct page *page = alloc_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	if (!xdp_frame_has_frags(xdpf)) {
		xdpf->flags |= XDP_FLAGS_HAS_FRAGS;
		shinfo->nr_frags = 0;
		shinfo->xdp_frags_size = 0;
	}
	skb_frag_fill_page_desc(&shinfo->frags[shinfo->nr_frags++], page, 256,
				len);
	shinfo->xdp_frags_size += len;
}

/* Over the end of the ring: three descriptors, the length on the first one,
 * the end on the last one; and all is unmapped and freed in the end.
 */
static void igbp_xdp_test_send(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_xdp_test_ring(test);
	struct xdp_frame *xdpf = igbp_xdp_test_frame(test, 1000);
	const u16 first = ring->mask - 1;

	igbp_xdp_test_frag(test, xdpf, 2000);
	igbp_xdp_test_frag(test, xdpf, 3);
	ring->ntu = first;
	ring->ntc = first;
	KUNIT_ASSERT_EQ(test, 0, igbp_xdp_frame_put(ring, xdpf, false));
	KUNIT_EXPECT_EQ(test, (u16)(first + 3), ring->ntu);
	KUNIT_EXPECT_EQ(test, 0x22300000 | 1000,
			le32_to_cpu(ring->desc[first].read.cmd));
	KUNIT_EXPECT_EQ(test, 3003 << 14,
			le32_to_cpu(ring->desc[first].read.olinfo));
	KUNIT_EXPECT_EQ(test, 0x22300000 | 2000,
			le32_to_cpu(ring->desc[first + 1].read.cmd));
	KUNIT_EXPECT_EQ(test, 0,
			le32_to_cpu(ring->desc[first + 1].read.olinfo));
	KUNIT_EXPECT_EQ(test, 0x23300000 | 3,
			le32_to_cpu(ring->desc[0].read.cmd));
	KUNIT_EXPECT_EQ(test, 1000, ring->buf[first].len);
	KUNIT_EXPECT_NULL(test, ring->buf[first].xdpf);
	KUNIT_EXPECT_PTR_EQ(test, xdpf, ring->buf[0].xdpf);

	ring->buf[first].xdp = true;
	ring->buf[first].batch_last = 0;
	KUNIT_EXPECT_EQ(test, (u16)(first + 3), igbp_xdp_reclaim(ring, first));
	KUNIT_EXPECT_FALSE(test, ring->buf[first].xdp);
	KUNIT_EXPECT_NULL(test, ring->buf[0].xdpf);
	KUNIT_EXPECT_EQ(test, 0, ring->buf[first].len);
	KUNIT_EXPECT_EQ(test, 0, ring->buf[first + 1].len);
}

/* What is too short for the device is filled up with zeros */
static void igbp_xdp_test_short(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_xdp_test_ring(test);
	struct xdp_frame *xdpf = igbp_xdp_test_frame(test, 14);
	const u8 *data = xdpf->data;

	KUNIT_ASSERT_EQ(test, 0, igbp_xdp_frame_put(ring, xdpf, false));
	KUNIT_EXPECT_EQ(test, 0x23300000 | 17,
			le32_to_cpu(ring->desc[0].read.cmd));
	KUNIT_EXPECT_EQ(test, 0x5a, data[13]);
	KUNIT_EXPECT_EQ(test, 0, data[14] | data[15] | data[16]);
	KUNIT_EXPECT_EQ(test, 0x5a, data[17]);
	igbp_xdp_reclaim(ring, 0);

	/* Not into what stands behind it */
	xdpf = igbp_xdp_test_frame(test, 14);
	xdpf->frame_sz = XDP_PACKET_HEADROOM + 16 +
			 SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			igbp_xdp_frame_put(ring, xdpf, false));
	xdp_return_frame(xdpf);
}

/* A frame that fails leaves the ring as it was */
static void igbp_xdp_test_refused(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_xdp_test_ring(test);
	struct xdp_frame *xdpf = igbp_xdp_test_frame(test, 1000);
	u16 start;

	/* More than a descriptor holds, after a piece that was mapped */
	igbp_xdp_test_frag(test, xdpf, IGBP_TXD_MAX_BYTES + 1);
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			igbp_xdp_frame_put(ring, xdpf, false));
	KUNIT_EXPECT_EQ(test, 0, ring->ntu);
	KUNIT_EXPECT_EQ(test, 0, ring->buf[0].len);

	/* A shared ring keeps room for a frame of the stack */
	start = ring->mask - IGBP_TX_WAKE - 1;
	ring->ntu = start;
	KUNIT_EXPECT_EQ(test, -ENOSPC, igbp_xdp_frame_put(ring, xdpf, false));
	KUNIT_EXPECT_EQ(test, start, ring->ntu);
	xdp_return_frame(xdpf);
	xdpf = igbp_xdp_test_frame(test, 1000);
	KUNIT_EXPECT_EQ(test, 0, igbp_xdp_frame_put(ring, xdpf, false));
	KUNIT_EXPECT_EQ(test, IGBP_TX_WAKE, igbp_tx_avail(ring));
	ring->buf[start].batch_last = start;
	igbp_xdp_reclaim(ring, start);
}

static void igbp_xdp_test_meta(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct xdp_rxq_info rxq = { .dev = port->netdev };
	union igbp_rx_desc desc = {};
	struct igbp_xdp_buff buff = {
		.xdp = { .rxq = &rxq },
		.desc = &desc,
	};
	const struct xdp_md *ctx = (const void *)&buff;
	enum xdp_rss_hash_type type;
	__be16 proto;
	u32 hash;
	u16 tci;

	desc.wb.rss = cpu_to_le32(0x12345678);
	desc.wb.vlan = cpu_to_le16(0xa123);
	desc.wb.status = cpu_to_le32(IGBP_RXD_VP);
	/* Packet type bits above the RSS type say nothing of it */
	desc.wb.pkt_info = cpu_to_le16(0x101);
	KUNIT_EXPECT_EQ(test, -ENODATA, igbp_xdp_meta_hash(ctx, &hash, &type));
	KUNIT_EXPECT_EQ(test, -ENODATA, igbp_xdp_meta_vlan(ctx, &proto, &tci));
	port->netdev->features = NETIF_F_RXHASH | NETIF_F_HW_VLAN_CTAG_RX;
	KUNIT_EXPECT_EQ(test, 0, igbp_xdp_meta_hash(ctx, &hash, &type));
	KUNIT_EXPECT_EQ(test, 0x12345678, hash);
	KUNIT_EXPECT_EQ(test, XDP_RSS_TYPE_L4_IPV4_TCP, type);
	KUNIT_EXPECT_EQ(test, 0, igbp_xdp_meta_vlan(ctx, &proto, &tci));
	KUNIT_EXPECT_EQ(test, ETH_P_8021Q, ntohs(proto));
	KUNIT_EXPECT_EQ(test, 0xa123, tci);

	desc.wb.pkt_info = cpu_to_le16(7);
	KUNIT_EXPECT_EQ(test, 0, igbp_xdp_meta_hash(ctx, &hash, &type));
	KUNIT_EXPECT_EQ(test, XDP_RSS_TYPE_L4_IPV4_UDP, type);
	desc.wb.pkt_info = 0;
	desc.wb.status = 0;
	KUNIT_EXPECT_EQ(test, -ENODATA, igbp_xdp_meta_hash(ctx, &hash, &type));
	KUNIT_EXPECT_EQ(test, -ENODATA, igbp_xdp_meta_vlan(ctx, &proto, &tci));
}

/* 3072 bytes for the device, less headers, two tags and FCS */
static void igbp_xdp_test_mtu(struct kunit *test)
{
	struct bpf_prog_aux aux = {};
	struct bpf_prog prog = { .aux = &aux };

	KUNIT_EXPECT_TRUE(test, igbp_xdp_prog_fits(NULL, 9216));
	KUNIT_EXPECT_TRUE(test, igbp_xdp_prog_fits(&prog, 3046));
	KUNIT_EXPECT_FALSE(test, igbp_xdp_prog_fits(&prog, 3047));
	aux.xdp_has_frags = true;
	KUNIT_EXPECT_TRUE(test, igbp_xdp_prog_fits(&prog, 9216));
}

static struct kunit_case igbp_xdp_cases[] = {
	KUNIT_CASE(igbp_xdp_test_send),
	KUNIT_CASE(igbp_xdp_test_short),
	KUNIT_CASE(igbp_xdp_test_refused),
	KUNIT_CASE(igbp_xdp_test_meta),
	KUNIT_CASE(igbp_xdp_test_mtu),
	{}
};

static struct kunit_suite igbp_xdp_suite = {
	.name = "igb_percore-xdp",
	.test_cases = igbp_xdp_cases,
};

kunit_test_suite(igbp_xdp_suite);
