// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: which steering rules are taken, and which filter each one gets
 */
#include "flow.c"

#include "igb_percore_test.h"

/* A rule for TCP to a port */
static struct igbp_flow_match igbp_flow_test_tcp(u16 port)
{
	return (struct igbp_flow_match) {
		.kind = IGBP_FLOW_TUPLE,
		.fields = IGBP_FLOW_PROTO | IGBP_FLOW_DPORT,
		.proto = IPPROTO_TCP,
		.dport = htons(port),
	};
}

static void igbp_flow_test_put(struct igbp_flow *flow, int slot,
			       const struct igbp_flow_match *match, u8 owner)
{
	flow->rule[slot].owner = owner;
	flow->rule[slot].match = *match;
}

static struct igbp_flow *igbp_flow_test_table(struct kunit *test)
{
	struct igbp_flow *flow = kunit_kzalloc(test, sizeof(*flow),
					       GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, flow);
	return flow;
}

static void igbp_flow_test_parse_ports(struct kunit *test)
{
	static const struct {
		u32 type;
		u8 proto;
	} types[] = {
		{ TCP_V4_FLOW, IPPROTO_TCP }, { UDP_V4_FLOW, IPPROTO_UDP },
		{ SCTP_V4_FLOW, IPPROTO_SCTP },
	};
	struct igbp_flow_match match;
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct ethtool_rx_flow_spec fs = { .flow_type = types[i].type };

		/* A value without mask is not compared, and not kept */
		fs.h_u.tcp_ip4_spec.ip4dst = htonl(0x0a000001);
		fs.h_u.tcp_ip4_spec.ip4src = htonl(0x0a000002);
		fs.m_u.tcp_ip4_spec.ip4src = htonl(0xffffffff);
		fs.h_u.tcp_ip4_spec.pdst = htons(80);
		fs.m_u.tcp_ip4_spec.pdst = htons(0xffff);
		KUNIT_ASSERT_EQ(test, 0, igbp_flow_parse(&fs, &match, &why));
		KUNIT_EXPECT_EQ(test, IGBP_FLOW_TUPLE, match.kind);
		KUNIT_EXPECT_EQ(test, IGBP_FLOW_PROTO | IGBP_FLOW_SRC |
				IGBP_FLOW_DPORT, match.fields);
		KUNIT_EXPECT_EQ(test, types[i].proto, match.proto);
		KUNIT_EXPECT_EQ(test, 0x0a000002, ntohl(match.src));
		KUNIT_EXPECT_EQ(test, 0, ntohl(match.dst));
		KUNIT_EXPECT_EQ(test, 0, ntohs(match.sport));
		KUNIT_EXPECT_EQ(test, 80, ntohs(match.dport));
	}
}

static void igbp_flow_test_parse_ip(struct kunit *test)
{
	struct ethtool_rx_flow_spec fs = { .flow_type = IPV4_USER_FLOW };
	struct igbp_flow_match match;
	const char *why = NULL;

	fs.h_u.usr_ip4_spec.ip_ver = ETH_RX_NFC_IP4;
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.h_u.usr_ip4_spec.proto = IPPROTO_GRE;
	fs.m_u.usr_ip4_spec.proto = 0xff;
	KUNIT_ASSERT_EQ(test, 0, igbp_flow_parse(&fs, &match, &why));
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_PROTO, match.fields);
	KUNIT_EXPECT_EQ(test, IPPROTO_GRE, match.proto);
	fs.m_u.usr_ip4_spec.l4_4_bytes = htonl(0xffffffff);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
}

static void igbp_flow_test_parse_ether(struct kunit *test)
{
	struct ethtool_rx_flow_spec fs = { .flow_type = ETHER_FLOW };
	struct igbp_flow_match match;
	const char *why = NULL;

	fs.m_u.ether_spec.h_proto = htons(0xffff);
	fs.h_u.ether_spec.h_proto = htons(ETH_P_1588);
	KUNIT_ASSERT_EQ(test, 0, igbp_flow_parse(&fs, &match, &why));
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_ETHER, match.kind);
	KUNIT_EXPECT_EQ(test, ETH_P_1588, match.ethertype);

	fs.h_u.ether_spec.h_proto = htons(ETH_P_IP);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.h_u.ether_spec.h_proto = htons(ETH_P_IPV6);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.h_u.ether_spec.h_proto = htons(0x5ff);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.h_u.ether_spec.h_proto = htons(0x600);
	KUNIT_EXPECT_EQ(test, 0, igbp_flow_parse(&fs, &match, &why));
	fs.m_u.ether_spec.h_proto = htons(0xff00);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.m_u.ether_spec.h_proto = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.m_u.ether_spec.h_proto = htons(0xffff);
	fs.m_u.ether_spec.h_dest[5] = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
}

static void igbp_flow_test_parse_prio(struct kunit *test)
{
	struct ethtool_rx_flow_spec fs = { .flow_type = ETHER_FLOW | FLOW_EXT };
	struct igbp_flow_match match;
	const char *why = NULL;

	fs.h_ext.vlan_tci = htons(0xa000);
	fs.m_ext.vlan_tci = htons(0xe000);
	KUNIT_ASSERT_EQ(test, 0, igbp_flow_parse(&fs, &match, &why));
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_PRIO, match.kind);
	KUNIT_EXPECT_EQ(test, 5, match.prio);
	fs.m_ext.vlan_tci = htons(0xffff);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.m_ext.vlan_tci = htons(0xe000);
	fs.m_u.ether_spec.h_proto = htons(0xffff);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
}

static void igbp_flow_test_parse_syn(struct kunit *test)
{
	struct ethtool_rx_flow_spec fs = {
		.flow_type = TCP_V4_FLOW | FLOW_EXT,
	};
	struct igbp_flow_match match;
	const char *why = NULL;

	memset(fs.m_ext.data, 0xff, sizeof(fs.m_ext.data));
	fs.h_ext.data[1] = cpu_to_be32(2);
	KUNIT_ASSERT_EQ(test, 0, igbp_flow_parse(&fs, &match, &why));
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_SYN, match.kind);
	fs.h_ext.data[1] = cpu_to_be32(0x12);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.h_ext.data[1] = cpu_to_be32(2);
	fs.m_u.tcp_ip4_spec.pdst = htons(0xffff);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
	fs.m_u.tcp_ip4_spec.pdst = 0;
	fs.flow_type = UDP_V4_FLOW | FLOW_EXT;
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_parse(&fs, &match, &why));
}

static void igbp_flow_test_parse_refused(struct kunit *test)
{
	static const u32 types[] = {
		TCP_V6_FLOW, UDP_V6_FLOW, IPV6_USER_FLOW, AH_V4_FLOW,
		ESP_V4_FLOW, TCP_V4_FLOW | FLOW_MAC_EXT, TCP_V4_FLOW | FLOW_RSS,
	};
	struct igbp_flow_match match;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct ethtool_rx_flow_spec fs = { .flow_type = types[i] };
		const char *why = NULL;

		KUNIT_EXPECT_EQ(test, -EINVAL,
				igbp_flow_parse(&fs, &match, &why));
		KUNIT_EXPECT_NOT_NULL(test, why);
	}
}

static void igbp_flow_test_locations(struct kunit *test)
{
	static const u8 kinds[IGBP_FLOW_SLOTS] = {
		0, 0, 0, 0, 0, 0, 0, IGBP_FLOW_KINDS,
		1, 1, 1, 1, 1, 1, 1, IGBP_FLOW_KINDS,
		2, 4, 4, 4, 4, 4, 4, 4,
		3, 3, 3, 3, 3, 3, 3, 3,
	};
	u32 slot;

	for (slot = 0; slot < IGBP_FLOW_SLOTS; slot++)
		KUNIT_EXPECT_EQ_MSG(test, kinds[slot], igbp_flow_kind_at(slot),
				    "location %u", slot);
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_KINDS,
			igbp_flow_kind_at(IGBP_FLOW_SLOTS));
	KUNIT_EXPECT_EQ(test, 6, igbp_flow_index(6));
	KUNIT_EXPECT_EQ(test, 6, igbp_flow_index(14));
	KUNIT_EXPECT_EQ(test, 7, igbp_flow_index(31));
}

static void igbp_flow_test_place(struct kunit *test)
{
	struct igbp_flow *flow = igbp_flow_test_table(test);
	struct igbp_flow_match match;
	const char *why = NULL;
	int i;

	for (i = 0; i < 7; i++) {
		match = igbp_flow_test_tcp(80 + i);
		KUNIT_ASSERT_EQ(test, i, igbp_flow_place(flow, &match,
							 RX_CLS_LOC_ANY,
							 &why));
		igbp_flow_test_put(flow, i, &match, IGBP_FLOW_USER);
	}
	match = igbp_flow_test_tcp(90);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			igbp_flow_place(flow, &match, RX_CLS_LOC_ANY, &why));
	/* In place of another one there is always room */
	KUNIT_EXPECT_EQ(test, 3, igbp_flow_place(flow, &match, 3, &why));
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_place(flow, &match, 7, &why));
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_place(flow, &match, 8, &why));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			igbp_flow_place(flow, &match, U32_MAX - 1, &why));
	/* The same rule only where it is */
	match = igbp_flow_test_tcp(83);
	KUNIT_EXPECT_EQ(test, -EEXIST, igbp_flow_place(flow, &match, 4, &why));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			igbp_flow_place(flow, &match, RX_CLS_LOC_ANY, &why));
	KUNIT_EXPECT_EQ(test, 3, igbp_flow_place(flow, &match, 3, &why));
	/* A hole is filled */
	flow->rule[2].owner = IGBP_FLOW_FREE;
	match = igbp_flow_test_tcp(90);
	KUNIT_EXPECT_EQ(test, 2,
			igbp_flow_place(flow, &match, RX_CLS_LOC_ANY, &why));
}

static void igbp_flow_test_place_prio(struct kunit *test)
{
	struct igbp_flow *flow = igbp_flow_test_table(test);
	struct igbp_flow_match match = { .kind = IGBP_FLOW_PRIO, .prio = 5 };
	const char *why = NULL;

	KUNIT_EXPECT_EQ(test, 29,
			igbp_flow_place(flow, &match, RX_CLS_LOC_ANY, &why));
	KUNIT_EXPECT_EQ(test, 29, igbp_flow_place(flow, &match, 29, &why));
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_flow_place(flow, &match, 28, &why));
	igbp_flow_test_put(flow, 29, &match, IGBP_FLOW_USER);
	KUNIT_EXPECT_EQ(test, -EEXIST,
			igbp_flow_place(flow, &match, RX_CLS_LOC_ANY, &why));
}

static void igbp_flow_test_place_arfs(struct kunit *test)
{
	struct igbp_flow *flow = igbp_flow_test_table(test);
	struct igbp_flow_match match;
	const char *why = NULL;
	int i;

	for (i = 0; i < 7; i++) {
		match = igbp_flow_test_tcp(80 + i);
		KUNIT_ASSERT_EQ(test, 6 - i,
				igbp_flow_place_arfs(flow, &match));
		igbp_flow_test_put(flow, 6 - i, &match, IGBP_FLOW_ARFS);
	}
	/* A flow that has a filter keeps it */
	KUNIT_EXPECT_EQ(test, 0, igbp_flow_place_arfs(flow, &match));
	match = igbp_flow_test_tcp(90);
	KUNIT_EXPECT_EQ(test, -ENOSPC, igbp_flow_place_arfs(flow, &match));
	/* A rule comes first, and takes a filter away if it must */
	KUNIT_EXPECT_EQ(test, 0,
			igbp_flow_place(flow, &match, RX_CLS_LOC_ANY, &why));
	igbp_flow_test_put(flow, 0, &match, IGBP_FLOW_USER);
	KUNIT_EXPECT_EQ(test, -EEXIST, igbp_flow_place_arfs(flow, &match));
	/* The same rule as one of aRFS is no duplicate */
	match = igbp_flow_test_tcp(81);
	KUNIT_EXPECT_EQ(test, 1, igbp_flow_place(flow, &match, 1, &why));
}

static struct kunit_case igbp_flow_cases[] = {
	KUNIT_CASE(igbp_flow_test_parse_ports),
	KUNIT_CASE(igbp_flow_test_parse_ip),
	KUNIT_CASE(igbp_flow_test_parse_ether),
	KUNIT_CASE(igbp_flow_test_parse_prio),
	KUNIT_CASE(igbp_flow_test_parse_syn),
	KUNIT_CASE(igbp_flow_test_parse_refused),
	KUNIT_CASE(igbp_flow_test_locations),
	KUNIT_CASE(igbp_flow_test_place),
	KUNIT_CASE(igbp_flow_test_place_prio),
	KUNIT_CASE(igbp_flow_test_place_arfs),
	{}
};

static struct kunit_suite igbp_flow_suite = {
	.name = "igb_percore-flow",
	.test_cases = igbp_flow_cases,
};

kunit_test_suite(igbp_flow_suite);
