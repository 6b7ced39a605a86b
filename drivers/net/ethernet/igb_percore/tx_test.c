// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: transmit descriptors
 *
 * The words of descriptors are spelled out, as the datasheet has them.
 */
#include "tx.c"

#include "igb_percore_test.h"

#define IGBP_TX_TEST_CMD \
	(IGBP_TXD_DATA | IGBP_TXD_DEXT | IGBP_TXD_IFCS)

static struct igbp_tx_ring *igbp_tx_test_ring(struct kunit *test)
{
	return &igbp_test_pair_alloc(test, igbp_test_port_alloc(test), 0)->tx;
}

static struct igbp_tx_frame igbp_tx_test_frame(struct sk_buff *skb)
{
	return (struct igbp_tx_frame) {
		.skb = skb,
		.cmd = IGBP_TX_TEST_CMD,
		.segs = 1,
	};
}

static void igbp_tx_test_ctx_is(struct kunit *test,
				const union igbp_tx_desc *desc,
				u32 vlan_maclen_iplen, u32 type, u32 mss_l4len)
{
	KUNIT_EXPECT_EQ(test, vlan_maclen_iplen,
			le32_to_cpu(desc->ctx.vlan_maclen_iplen));
	KUNIT_EXPECT_EQ(test, 0, le32_to_cpu(desc->ctx.seed));
	KUNIT_EXPECT_EQ(test, type, le32_to_cpu(desc->ctx.type));
	KUNIT_EXPECT_EQ(test, mss_l4len, le32_to_cpu(desc->ctx.mss_l4len_idx));
}

/* Without any offload: one data descriptor, and no context */
static void igbp_tx_test_plain(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_tx_test_ring(test);
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_UDP, 18);
	struct igbp_tx_frame frame = igbp_tx_test_frame(skb);

	skb->ip_summed = CHECKSUM_NONE;
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_map(ring, &frame));
	KUNIT_EXPECT_EQ(test, 1, ring->ntu);
	KUNIT_EXPECT_FALSE(test, frame.mapped);
	KUNIT_EXPECT_EQ(test, 0x10000, le64_to_cpu(ring->desc[0].read.addr));
	KUNIT_EXPECT_EQ(test, 0x2230003c, le32_to_cpu(ring->desc[0].read.cmd));
	KUNIT_EXPECT_EQ(test, 60 << 14, le32_to_cpu(ring->desc[0].read.olinfo));
	KUNIT_EXPECT_EQ(test, 0, memcmp(ring->slot, skb->data, 60));
	KUNIT_EXPECT_EQ(test, 0, ring->buf[0].len);
}

/* A context is sent once, and again when it changes */
static void igbp_tx_test_csum(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_tx_test_ring(test);
	struct sk_buff *tcp = igbp_test_skb_alloc(test, IPPROTO_TCP, 1);
	struct sk_buff *udp = igbp_test_skb_alloc(test, IPPROTO_UDP, 1);
	struct igbp_tx_frame frame = igbp_tx_test_frame(tcp);

	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	KUNIT_EXPECT_EQ(test, 1, ring->ntu);
	igbp_tx_test_ctx_is(test, &ring->desc[0], 14 << 9 | 20, 0x20200800, 0);
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_map(ring, &frame));
	KUNIT_EXPECT_EQ(test, 0x22300037, le32_to_cpu(ring->desc[1].read.cmd));
	/* TXSM, slot 0 */
	KUNIT_EXPECT_EQ(test, 0x200 | 55 << 14,
			le32_to_cpu(ring->desc[1].read.olinfo));

	frame = igbp_tx_test_frame(tcp);
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	KUNIT_EXPECT_EQ(test, 2, ring->ntu);

	frame = igbp_tx_test_frame(udp);
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	KUNIT_EXPECT_EQ(test, 3, ring->ntu);
	igbp_tx_test_ctx_is(test, &ring->desc[2], 14 << 9 | 20, 0x20200000, 0);
}

static void igbp_tx_test_vlan(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_tx_test_ring(test);
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_TCP, 1);
	struct igbp_tx_frame frame = igbp_tx_test_frame(skb);

	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), 0xa123);
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	igbp_tx_test_ctx_is(test, &ring->desc[0], 0xa1230000 | 14 << 9 | 20,
			    0x20200800, 0);
	KUNIT_EXPECT_EQ(test, IGBP_TX_TEST_CMD | BIT(30), frame.cmd);

	/* The tag alone needs a context, too */
	skb->ip_summed = CHECKSUM_NONE;
	frame = igbp_tx_test_frame(skb);
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	igbp_tx_test_ctx_is(test, &ring->desc[1], 0xa1230000 | 14 << 9,
			    0x20200000, 0);
	KUNIT_EXPECT_EQ(test, 55 << 14, frame.olinfo);
}

static void igbp_tx_test_tso(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_tx_test_ring(test);
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_TCP, 3000);
	struct igbp_tx_frame frame = igbp_tx_test_frame(skb);

	skb_shinfo(skb)->gso_size = 1448;
	skb_shinfo(skb)->gso_segs = 3;
	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	/* As TCP has it: the pseudo-header's sum, with the length */
	tcp_hdr(skb)->check = ~csum_tcpudp_magic(ip_hdr(skb)->saddr,
						 ip_hdr(skb)->daddr, 3020,
						 IPPROTO_TCP, 0);
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	KUNIT_EXPECT_EQ(test, 3, frame.segs);
	KUNIT_EXPECT_EQ(test, 54, frame.hdr_bytes);
	KUNIT_EXPECT_EQ(test, IGBP_TX_TEST_CMD | BIT(31), frame.cmd);
	/* IXSM and TXSM, slot 1, payload */
	KUNIT_EXPECT_EQ(test, 0x310 | 3000 << 14, frame.olinfo);
	igbp_tx_test_ctx_is(test, &ring->desc[0], 14 << 9 | 20, 0x20200c00,
			    1448 << 16 | 20 << 8 | 1 << 4);
	/* The device puts lengths in: the sum is without */
	KUNIT_EXPECT_EQ(test, 0, ntohs(ip_hdr(skb)->tot_len));
	KUNIT_EXPECT_EQ(test, 0, (__force u16)ip_hdr(skb)->check);
	KUNIT_EXPECT_EQ(test,
			(__force u16)~csum_tcpudp_magic(ip_hdr(skb)->saddr,
							ip_hdr(skb)->daddr, 0,
							IPPROTO_TCP, 0),
			(__force u16)tcp_hdr(skb)->check);

	/* Slot 0 is not touched by it */
	KUNIT_EXPECT_EQ(test, 0, ring->ctx[0].type);
	igbp_tx_account(ring, &frame);
	KUNIT_EXPECT_EQ(test, 3, u64_stats_read(&ring->stats.packets));
	KUNIT_EXPECT_EQ(test, 3054 + 2 * 54,
			u64_stats_read(&ring->stats.bytes));
	KUNIT_EXPECT_EQ(test, 1, u64_stats_read(&ring->stats.tso));
	KUNIT_EXPECT_EQ(test, 3, u64_stats_read(&ring->stats.csum));
}

/* No descriptor of more than 32 KB; options on the first one alone */
static void igbp_tx_test_split(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_tx_test_ring(test);
	struct igbp_tx_frame frame = igbp_tx_test_frame(NULL);
	const dma_addr_t dma = 0x123456000;
	const u32 piece = 32768;

	frame.olinfo = 0x200;
	/* Over the end of the ring */
	ring->ntu = ring->mask;
	igbp_tx_mapped_put(ring, &frame, dma, 2 * piece + 5, true);
	KUNIT_EXPECT_EQ(test, (u16)(ring->mask + 3), ring->ntu);
	KUNIT_EXPECT_EQ(test, dma,
			le64_to_cpu(ring->desc[ring->mask].read.addr));
	KUNIT_EXPECT_EQ(test, IGBP_TX_TEST_CMD | piece,
			le32_to_cpu(ring->desc[ring->mask].read.cmd));
	KUNIT_EXPECT_EQ(test, 0x200,
			le32_to_cpu(ring->desc[ring->mask].read.olinfo));
	KUNIT_EXPECT_EQ(test, dma + piece,
			le64_to_cpu(ring->desc[0].read.addr));
	KUNIT_EXPECT_EQ(test, 0, le32_to_cpu(ring->desc[0].read.olinfo));
	KUNIT_EXPECT_EQ(test, dma + 2 * piece,
			le64_to_cpu(ring->desc[1].read.addr));
	KUNIT_EXPECT_EQ(test, IGBP_TX_TEST_CMD | 5,
			le32_to_cpu(ring->desc[1].read.cmd));
	/* The first one is what unmaps all of it */
	KUNIT_EXPECT_EQ(test, 2 * piece + 5, ring->buf[ring->mask].len);
	KUNIT_EXPECT_EQ(test, 0, ring->buf[0].len);
}

/* After a frame that failed the device holds none of its contexts */
static void igbp_tx_test_rollback(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_tx_test_ring(test);
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_TCP, 1);
	struct igbp_tx_frame frame = igbp_tx_test_frame(skb);

	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_map(ring, &frame));
	igbp_tx_rollback(ring, 0);
	KUNIT_EXPECT_EQ(test, 0, ring->ntu);
	frame = igbp_tx_test_frame(skb);
	KUNIT_ASSERT_EQ(test, 0, igbp_tx_offload(ring, &frame));
	KUNIT_EXPECT_EQ(test, 1, ring->ntu);
}

/* What a guest may ask for and the stack lets pass, but no device can send:
 * 9216 bytes of MTU, MAC header and two tags are the most.
 */
static void igbp_tx_test_too_long(struct kunit *test)
{
	struct igbp_tx_ring *ring = igbp_tx_test_ring(test);
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_TCP, 9300);
	struct igbp_tx_frame frame = igbp_tx_test_frame(skb);

	skb_trim(skb, 9239);
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, igbp_tx_offload(ring, &frame));
	skb_trim(skb, 9238);
	KUNIT_EXPECT_EQ(test, 0, igbp_tx_offload(ring, &frame));

	skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	skb_shinfo(skb)->gso_size = 9238 - 54 + 1;
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, igbp_tx_offload(ring, &frame));
	skb_shinfo(skb)->gso_size = 9238 - 54;
	KUNIT_EXPECT_EQ(test, 0, igbp_tx_offload(ring, &frame));

	/* Headers of IPv6 without end: 511 bytes are the most */
	skb_shinfo(skb)->gso_size = 1000;
	skb_set_transport_header(skb, 14 + 512);
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, igbp_tx_offload(ring, &frame));
}

static struct kunit_case igbp_tx_cases[] = {
	KUNIT_CASE(igbp_tx_test_plain),
	KUNIT_CASE(igbp_tx_test_csum),
	KUNIT_CASE(igbp_tx_test_vlan),
	KUNIT_CASE(igbp_tx_test_tso),
	KUNIT_CASE(igbp_tx_test_split),
	KUNIT_CASE(igbp_tx_test_rollback),
	KUNIT_CASE(igbp_tx_test_too_long),
	{}
};

static struct kunit_suite igbp_tx_suite = {
	.name = "igb_percore-tx",
	.test_cases = igbp_tx_cases,
};

kunit_test_suite(igbp_tx_suite);
