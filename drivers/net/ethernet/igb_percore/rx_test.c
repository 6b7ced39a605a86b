// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: a device that writes into receive descriptors what it should not
 *
 * The test is the device: it writes descriptors, and the driver's poll takes
 * them from a ring with real pages. This is the fault hook for descriptors,
 * and it is here, in a module of its own, so that the driver has none. What
 * gets through is looked at by a packet handler: no byte of it may lie beyond
 * its buffer. Each case runs on small buffers, on large ones, and on XDP's.
 *
 * After each, all pages have to be back: then the pool goes at once.
 */
#include <kunit/device.h>
#include <linux/dma-mapping.h>
#include <linux/prandom.h>

#include "rx.c"

#include "igb_percore_test.h"

#define IGBP_RX_TEST_PROTO	0x88b5	/* for experiments */
#define IGBP_RX_TEST_WRITES	16	/* descriptors between polls */
#define IGBP_RX_TEST_RANDOM	20000

#define IGBP_RX_TEST_DONE	(IGBP_RXD_DD | IGBP_RXD_EOP)

struct igbp_rx_test_kind {
	const char *name;
	int (*clean)(struct igbp_pair *pair, int budget);
	u16 truesize;
	u16 room;
	bool xdp;
};

/* A small buffer has 64 bytes of headroom and 320 of skb_shared_info */
static const struct igbp_rx_test_kind igbp_rx_test_kinds[] = {
	{ "small", igbp_rx_clean, 2048, 1664, false },
	{ "large", igbp_rx_clean, IGBP_RX_LARGE, IGBP_RX_LARGE_DATA, false },
	{ "XDP", igbp_xdp_clean, IGBP_RX_LARGE, IGBP_RX_LARGE_DATA, true },
};

/* A ring, its device, and what came through */
struct igbp_rx_test {
	struct kunit *test;
	const struct igbp_rx_test_kind *kind;
	struct igbp_pair *pair;
	struct packet_type handler;
	u16 head;
	unsigned int frames;
	unsigned int bytes;
	unsigned int broken;
};

static bool igbp_rx_test_pool_gone;

static void igbp_rx_test_disconnect(void *pool)
{
	igbp_rx_test_pool_gone = true;
}

static int igbp_rx_test_napi(struct napi_struct *napi, int budget)
{
	return 0;
}

static bool igbp_rx_test_skb_is_sane(const struct igbp_rx_test *rx,
				     const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int i;

	if (skb_headlen(skb) + ETH_HLEN > rx->kind->room ||
	    shinfo->nr_frags > MAX_SKB_FRAGS)
		return false;
	for (i = 0; i < shinfo->nr_frags; i++) {
		const skb_frag_t *frag = &shinfo->frags[i];

		if (!skb_frag_size(frag) ||
		    skb_frag_size(frag) > rx->kind->room)
			return false;
	}
	return true;
}

static int igbp_rx_test_receive(struct sk_buff *skb, struct net_device *netdev,
				struct packet_type *handler,
				struct net_device *orig)
{
	struct igbp_rx_test *rx = container_of(handler, struct igbp_rx_test,
					       handler);

	rx->frames++;
	rx->bytes += skb->len + ETH_HLEN;
	if (!igbp_rx_test_skb_is_sane(rx, skb))
		rx->broken++;
	else
		/* For KASAN: every byte is read */
		skb_checksum(skb, 0, skb->len, 0);
	kfree_skb(skb);
	return NET_RX_SUCCESS;
}

static struct page_pool *igbp_rx_test_pool(struct igbp_rx_test *rx)
{
	struct page_pool_params params = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size = 1024,
		.nid = NUMA_NO_NODE,
		.dev = rx->pair->rx.dev,
		.dma_dir = rx->kind->xdp ? DMA_BIDIRECTIONAL : DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE,
	};
	struct page_pool *pool = page_pool_create(&params);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(rx->test, pool);
	igbp_rx_test_pool_gone = false;
	pool->disconnect = igbp_rx_test_disconnect;
	return pool;
}

static void igbp_rx_test_ring_init(struct igbp_rx_test *rx)
{
	const struct igbp_rx_test_kind *kind = rx->kind;
	struct igbp_rx_ring *ring = &rx->pair->rx;
	struct igbp_rx_mem *mem = &ring->mem;
	struct kunit *test = rx->test;

	ring->dev = kunit_device_register(test, kind->name);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ring->dev);
	ring->dev->coherent_dma_mask = DMA_BIT_MASK(64);
	ring->dev->dma_mask = &ring->dev->coherent_dma_mask;
	u64_stats_init(&ring->syncp);
	mem->size = IGBP_RING_MIN;
	mem->truesize = kind->truesize;
	mem->xdp = kind->xdp;
	mem->headroom = kind->xdp ? IGBP_XDP_HEADROOM : IGBP_RX_HEADROOM;
	mem->desc = kunit_kcalloc(test, mem->size, sizeof(*mem->desc),
				  GFP_KERNEL);
	mem->buf = kunit_kcalloc(test, mem->size, sizeof(*mem->buf),
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem->desc);
	KUNIT_ASSERT_NOT_NULL(test, mem->buf);
	mem->pool = igbp_rx_test_pool(rx);
	ring->desc = mem->desc;
	ring->buf = mem->buf;
	ring->pool = mem->pool;
	ring->truesize = kind->truesize;
	ring->room = kind->room;
	ring->kind = kind->xdp ? IGBP_RX_XDP : IGBP_RX_STACK;
	ring->mask = mem->size - 1;
	ring->tail = rx->pair->port->regs + IGBP_RDT(0);
	ring->xdp.rxq.dev = rx->pair->port->netdev;
	ring->xdp.rxq.mem.type = MEM_TYPE_PAGE_POOL;
	ring->ntu = igbp_rx_fill(mem, 0, mem->size -
				 PAGE_SIZE / mem->truesize);
	KUNIT_ASSERT_GT(test, ring->ntu, IGBP_RX_TEST_WRITES);
}

static struct igbp_rx_test *
igbp_rx_test_begin(struct kunit *test, const struct igbp_rx_test_kind *kind)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct igbp_rx_test *rx = kunit_kzalloc(test, sizeof(*rx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, rx);
	rx->test = test;
	rx->kind = kind;
	rx->pair = igbp_test_pair_alloc(test, port, 0);
	igbp_rx_test_ring_init(rx);
	netif_napi_add(port->netdev, &rx->pair->napi, igbp_rx_test_napi);
	napi_enable(&rx->pair->napi);
	rx->handler.type = htons(IGBP_RX_TEST_PROTO);
	rx->handler.dev = port->netdev;
	rx->handler.func = igbp_rx_test_receive;
	dev_add_pack(&rx->handler);
	return rx;
}

static void igbp_rx_test_end(struct igbp_rx_test *rx)
{
	struct igbp_rx_ring *ring = &rx->pair->rx;

	napi_disable(&rx->pair->napi);
	dev_remove_pack(&rx->handler);
	igbp_rx_drop_partial(ring);
	for (; ring->ntc != ring->ntu; ring->ntc++) {
		void *va = ring->buf[ring->ntc & ring->mask];

		page_pool_put_full_page(ring->pool, virt_to_head_page(va),
					false);
	}
	page_pool_destroy(ring->pool);
	KUNIT_EXPECT_TRUE_MSG(rx->test, igbp_rx_test_pool_gone,
			      "%s: not all pages came back", rx->kind->name);
	KUNIT_EXPECT_EQ_MSG(rx->test, 0, rx->broken, "%s: of %u frames",
			    rx->kind->name, rx->frames);
	netif_napi_del(&rx->pair->napi);
}

/* The device is done with the next descriptor, or says so */
static void igbp_rx_test_write(struct igbp_rx_test *rx, u16 len, u32 status,
			       u32 noise)
{
	struct igbp_rx_ring *ring = &rx->pair->rx;
	u16 at = rx->head++ & ring->mask;
	union igbp_rx_desc *desc = &ring->desc[at];
	struct ethhdr *eth = ring->buf[at];

	eth_zero_addr(eth->h_dest);
	eth->h_proto = htons(IGBP_RX_TEST_PROTO);
	desc->wb.pkt_info = cpu_to_le16(noise);
	desc->wb.hdr_info = cpu_to_le16(noise >> 16);
	desc->wb.rss = cpu_to_le32(noise);
	desc->wb.vlan = cpu_to_le16(noise >> 8);
	desc->wb.len = cpu_to_le16(len);
	desc->wb.status = cpu_to_le32(status);
}

/* As the kernel does it */
static void igbp_rx_test_poll(struct igbp_rx_test *rx)
{
	struct bpf_net_context context, *set;

	local_bh_disable();
	set = bpf_net_ctx_set(&context);
	napi_schedule_prep(&rx->pair->napi);
	rx->kind->clean(rx->pair, 64);
	napi_complete_done(&rx->pair->napi, 0);
	bpf_net_ctx_clear(set);
	local_bh_enable();
	KUNIT_EXPECT_EQ(rx->test, rx->head, rx->pair->rx.ntc);
}

static void igbp_rx_test_expect(struct igbp_rx_test *rx, unsigned int frames,
				unsigned int bytes, unsigned int errors)
{
	struct igbp_rx_stats *stats = &rx->pair->rx.stats;
	const char *name = rx->kind->name;

	KUNIT_EXPECT_EQ_MSG(rx->test, frames, rx->frames, "%s", name);
	KUNIT_EXPECT_EQ_MSG(rx->test, bytes, rx->bytes, "%s", name);
	KUNIT_EXPECT_EQ_MSG(rx->test, frames, u64_stats_read(&stats->packets),
			    "%s", name);
	KUNIT_EXPECT_EQ_MSG(rx->test, errors, u64_stats_read(&stats->errors),
			    "%s", name);
}

/* Frames of one buffer and of several; the last one with the FCS alone, which
 * is taken off.
 */
static void igbp_rx_test_good(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(igbp_rx_test_kinds); i++) {
		struct igbp_rx_test *rx;
		u16 room;

		rx = igbp_rx_test_begin(test, &igbp_rx_test_kinds[i]);
		room = rx->kind->room;
		igbp_rx_test_write(rx, 60, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_write(rx, ETH_HLEN, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_write(rx, room, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_poll(rx);
		igbp_rx_test_expect(rx, 3, 74 + room, 0);
		igbp_rx_test_write(rx, room, IGBP_RXD_DD, 0);
		igbp_rx_test_poll(rx);
		igbp_rx_test_write(rx, room, IGBP_RXD_DD, 0);
		igbp_rx_test_write(rx, 1, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_write(rx, room, IGBP_RXD_DD, 0);
		igbp_rx_test_write(rx, 0, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_poll(rx);
		igbp_rx_test_expect(rx, 5, 75 + 4 * room, 0);
		igbp_rx_test_end(rx);
	}
}

/* Less than a MAC header, more than a buffer; alone, and within a frame */
static void igbp_rx_test_lengths(struct kunit *test)
{
	static const u16 wrong[] = { 0, 1, 13, 1665, 3073, 4096, U16_MAX };
	unsigned int i, j, errors;

	for (i = 0; i < ARRAY_SIZE(igbp_rx_test_kinds); i++) {
		struct igbp_rx_test *rx;

		rx = igbp_rx_test_begin(test, &igbp_rx_test_kinds[i]);
		errors = 0;
		for (j = 0; j < ARRAY_SIZE(wrong); j++) {
			bool first = wrong[j] < ETH_HLEN;

			if (!first && wrong[j] <= rx->kind->room)
				continue;
			igbp_rx_test_write(rx, wrong[j], IGBP_RX_TEST_DONE, 0);
			igbp_rx_test_poll(rx);
			igbp_rx_test_write(rx, wrong[j], IGBP_RXD_DD, 0);
			igbp_rx_test_write(rx, 60, IGBP_RX_TEST_DONE, 0);
			errors += 2;
			if (!first) {
				igbp_rx_test_write(rx, 60, IGBP_RXD_DD, 0);
				igbp_rx_test_write(rx, wrong[j], IGBP_RXD_DD,
						   0);
				igbp_rx_test_write(rx, 60, IGBP_RXD_DD, 0);
				igbp_rx_test_write(rx, 60, IGBP_RX_TEST_DONE,
						   0);
				errors++;
			}
			igbp_rx_test_poll(rx);
			igbp_rx_test_expect(rx, 0, 0, errors);
		}
		igbp_rx_test_write(rx, 60, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_poll(rx);
		igbp_rx_test_expect(rx, 1, 60, errors);
		igbp_rx_test_end(rx);
	}
}

/* A frame that does not end: one error when it does in the end, or none */
static void igbp_rx_test_endless(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(igbp_rx_test_kinds); i++) {
		struct igbp_rx_test *rx;

		rx = igbp_rx_test_begin(test, &igbp_rx_test_kinds[i]);
		for (j = 1; j <= 3 * IGBP_RING_MIN; j++) {
			igbp_rx_test_write(rx, rx->kind->room, IGBP_RXD_DD, 0);
			if (j % IGBP_RX_TEST_WRITES == 0)
				igbp_rx_test_poll(rx);
		}
		igbp_rx_test_expect(rx, 0, 0, 0);
		igbp_rx_test_write(rx, 60, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_write(rx, 60, IGBP_RX_TEST_DONE, 0);
		igbp_rx_test_poll(rx);
		igbp_rx_test_expect(rx, 1, 60, 1);
		/* Stopped in the middle, early and late */
		for (j = 0; j < (i == 1 ? 2 : IGBP_RX_TEST_WRITES); j++)
			igbp_rx_test_write(rx, 60, IGBP_RXD_DD, 0);
		igbp_rx_test_poll(rx);
		igbp_rx_test_end(rx);
	}
}

static u16 igbp_rx_test_any_len(struct rnd_state *rnd, u16 room)
{
	switch (prandom_u32_state(rnd) % 4) {
	case 0:
		return prandom_u32_state(rnd);
	case 1:
		return prandom_u32_state(rnd) % 20;
	default:
		return prandom_u32_state(rnd) % (room + 1);
	}
}

/* Anything. Every frame that ends has come through or is an error. */
static void igbp_rx_test_random(struct kunit *test)
{
	u32 seed = get_random_u32();
	struct rnd_state rnd;
	unsigned int i, j;

	kunit_info(test, "seed %u\n", seed);
	prandom_seed_state(&rnd, seed);
	for (i = 0; i < ARRAY_SIZE(igbp_rx_test_kinds); i++) {
		struct igbp_rx_test *rx;
		unsigned int ends = 0;
		struct igbp_rx_stats *stats;

		rx = igbp_rx_test_begin(test, &igbp_rx_test_kinds[i]);
		stats = &rx->pair->rx.stats;
		rx->pair->port->netdev->features = NETIF_F_RXHASH |
						   NETIF_F_RXALL;
		for (j = 1; j <= IGBP_RX_TEST_RANDOM; j++) {
			/* The register that timestamps are in is not there */
			u32 status = (prandom_u32_state(&rnd) &
				      ~IGBP_RXD_TS) | IGBP_RXD_DD;

			ends += !!(status & IGBP_RXD_EOP);
			igbp_rx_test_write(rx,
					   igbp_rx_test_any_len(&rnd,
								rx->kind->room),
					   status, prandom_u32_state(&rnd));
			if (j % IGBP_RX_TEST_WRITES == 0)
				igbp_rx_test_poll(rx);
		}
		KUNIT_EXPECT_EQ(test, ends,
				u64_stats_read(&stats->packets) +
				u64_stats_read(&stats->errors));
		KUNIT_EXPECT_EQ(test, rx->frames,
				u64_stats_read(&stats->packets));
		KUNIT_EXPECT_GT(test, rx->frames, IGBP_RX_TEST_RANDOM / 16);
		KUNIT_EXPECT_EQ(test, 0, u64_stats_read(&stats->alloc_fail));
		igbp_rx_test_end(rx);
	}
}

static struct kunit_case igbp_rx_cases[] = {
	KUNIT_CASE(igbp_rx_test_good),
	KUNIT_CASE(igbp_rx_test_lengths),
	KUNIT_CASE(igbp_rx_test_endless),
	KUNIT_CASE(igbp_rx_test_random),
	{}
};

static struct kunit_suite igbp_rx_suite = {
	.name = "igb_percore-rx",
	.test_cases = igbp_rx_cases,
};

kunit_test_suite(igbp_rx_suite);
