// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the hash key and the table of queues, and their registers
 */
#include "rss.c"

#include "igb_percore_test.h"

static void igbp_rss_test_table_default(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	unsigned int pairs, i;

	for (pairs = 1; pairs <= IGBP_MAX_PAIRS; pairs++) {
		unsigned int uses[IGBP_MAX_PAIRS] = {};

		igbp_rss_table_default(port, pairs);
		for (i = 0; i < IGBP_RETA_ENTRIES; i++) {
			KUNIT_ASSERT_LT(test, port->rss_table[i], pairs);
			uses[port->rss_table[i]]++;
		}
		for (i = 0; i < pairs; i++) {
			KUNIT_EXPECT_GE(test, uses[i],
					IGBP_RETA_ENTRIES / pairs);
			KUNIT_EXPECT_LE(test, uses[i],
					DIV_ROUND_UP(IGBP_RETA_ENTRIES,
						     pairs));
		}
	}
}

/* Two vectors for pairs: the first pair of each, and no more */
static void igbp_rss_test_table_shared(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	unsigned int i;

	port->vectors = 3;
	igbp_rss_table_default(port, IGBP_TEST_PAIRS);
	for (i = 0; i < IGBP_RETA_ENTRIES; i++)
		KUNIT_EXPECT_EQ(test, i % 2, port->rss_table[i]);
	igbp_rss_table_default(port, 1);
	for (i = 0; i < IGBP_RETA_ENTRIES; i++)
		KUNIT_EXPECT_EQ(test, 0, port->rss_table[i]);
}

/* Byte 0 of the key and entry 0 of the table are the lowest of a register */
static void igbp_rss_test_registers(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	unsigned int i;

	for (i = 0; i < IGBP_RSS_KEY_BYTES; i++)
		port->rss_key[i] = i + 1;
	for (i = 0; i < IGBP_RETA_ENTRIES; i++)
		port->rss_table[i] = i % 16;
	igbp_rss_apply(port);
	KUNIT_EXPECT_EQ(test, 0x04030201, igbp_rd32(port, IGBP_RSSRK(0)));
	KUNIT_EXPECT_EQ(test, 0x28272625, igbp_rd32(port, IGBP_RSSRK(9)));
	KUNIT_EXPECT_EQ(test, 0x03020100, igbp_rd32(port, IGBP_RETA(0)));
	KUNIT_EXPECT_EQ(test, 0x0f0e0d0c, igbp_rd32(port, IGBP_RETA(31)));
	/* Nothing behind the last of them */
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_RSSRK(10)));
}

static void igbp_rss_test_set(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct ethtool_rxfh_param param = {
		.hfunc = ETH_RSS_HASH_NO_CHANGE,
	};
	u32 *table = kunit_kcalloc(test, IGBP_RETA_ENTRIES, sizeof(*table),
				   GFP_KERNEL);
	u8 key[IGBP_RSS_KEY_BYTES] = { 0x6d, 0x5a, 0x56, 0xda };

	KUNIT_ASSERT_NOT_NULL(test, table);
	igbp_rss_table_default(port, 2);

	/* Table and key come apart */
	param.key = key;
	KUNIT_ASSERT_EQ(test, 0, igbp_rss_set(port->netdev, &param, NULL));
	KUNIT_EXPECT_EQ(test, 0xda565a6d, igbp_rd32(port, IGBP_RSSRK(0)));
	KUNIT_EXPECT_EQ(test, 0x01000100, igbp_rd32(port, IGBP_RETA(0)));
	param.key = NULL;
	param.indir = table;
	table[127] = IGBP_TEST_PAIRS - 1;
	KUNIT_ASSERT_EQ(test, 0, igbp_rss_set(port->netdev, &param, NULL));
	KUNIT_EXPECT_EQ(test, 0x03000000, igbp_rd32(port, IGBP_RETA(31)));
	KUNIT_EXPECT_EQ(test, 0xda565a6d, igbp_rd32(port, IGBP_RSSRK(0)));

	/* What is refused changes nothing, not even what is right in it */
	table[0] = 1;
	table[126] = IGBP_TEST_PAIRS;
	KUNIT_EXPECT_EQ(test, -EINVAL,
			igbp_rss_set(port->netdev, &param, NULL));
	KUNIT_EXPECT_EQ(test, 0, port->rss_table[0]);
	table[126] = 0;
	param.hfunc = ETH_RSS_HASH_XOR;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			igbp_rss_set(port->netdev, &param, NULL));
	KUNIT_EXPECT_EQ(test, 0, port->rss_table[0]);
}

static void igbp_rss_test_fields(struct kunit *test)
{
	const u64 l3 = RXH_IP_SRC | RXH_IP_DST;
	const u64 l4 = l3 | RXH_L4_B_0_1 | RXH_L4_B_2_3;
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct ethtool_rxnfc nfc = { .flow_type = UDP_V4_FLOW, .data = l4 };

	KUNIT_ASSERT_EQ(test, 0, igbp_rss_fields_set(port, &nfc));
	KUNIT_EXPECT_EQ(test, 0x00770002, igbp_rd32(port, IGBP_MRQC));
	nfc.flow_type = UDP_V6_FLOW;
	KUNIT_ASSERT_EQ(test, 0, igbp_rss_fields_get(port, &nfc));
	KUNIT_EXPECT_EQ(test, l3, nfc.data);
	nfc.data = l4;
	KUNIT_ASSERT_EQ(test, 0, igbp_rss_fields_set(port, &nfc));
	KUNIT_EXPECT_EQ(test, 0x00f70002, igbp_rd32(port, IGBP_MRQC));
	nfc.flow_type = UDP_V4_FLOW;
	nfc.data = l3;
	KUNIT_ASSERT_EQ(test, 0, igbp_rss_fields_set(port, &nfc));
	KUNIT_EXPECT_EQ(test, 0x00b70002, igbp_rd32(port, IGBP_MRQC));

	nfc.data = RXH_IP_SRC;
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_rss_fields_set(port, &nfc));
	nfc.flow_type = TCP_V4_FLOW;
	nfc.data = l3;
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_rss_fields_set(port, &nfc));
	nfc.data = l4;
	KUNIT_EXPECT_EQ(test, 0, igbp_rss_fields_set(port, &nfc));
	nfc.flow_type = ETHER_FLOW;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, igbp_rss_fields_get(port, &nfc));
	KUNIT_EXPECT_EQ(test, 0x00b70002, igbp_rd32(port, IGBP_MRQC));
}

static struct kunit_case igbp_rss_cases[] = {
	KUNIT_CASE(igbp_rss_test_table_default),
	KUNIT_CASE(igbp_rss_test_table_shared),
	KUNIT_CASE(igbp_rss_test_registers),
	KUNIT_CASE(igbp_rss_test_set),
	KUNIT_CASE(igbp_rss_test_fields),
	{}
};

static struct kunit_suite igbp_rss_suite = {
	.name = "igb_percore-rss",
	.test_cases = igbp_rss_cases,
};

kunit_test_suite(igbp_rss_suite);
