// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: what steering rules write to the device
 *
 * The values that filters are to have are spelled out, with layouts taken from
 * public driver headers, to be compared with the datasheet. No device of the
 * kind was there to steer anything by them.
 */
#include "steer.c"

#include <linux/ip.h>
#include <net/ip.h>

#include "igb_percore_test.h"

static struct igbp_port *igbp_steer_test_port(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);

	INIT_DELAYED_WORK(&port->steer_work, igbp_steer_work);
	igbp_steer_probe(port);
	igbp_steer_apply(port);
	return port;
}

static int igbp_steer_test_add(struct igbp_port *port,
			       struct ethtool_rx_flow_spec *fs)
{
	struct ethtool_rxnfc nfc = {
		.cmd = ETHTOOL_SRXCLSRLINS,
		.fs = *fs,
	};
	int err;

	rtnl_lock();
	err = igbp_steer_rule_set(port, &nfc);
	rtnl_unlock();
	*fs = nfc.fs;
	return err;
}

static int igbp_steer_test_del(struct igbp_port *port, u32 location)
{
	struct ethtool_rxnfc nfc = {
		.cmd = ETHTOOL_SRXCLSRLDEL,
		.fs.location = location,
	};
	int err;

	rtnl_lock();
	err = igbp_steer_rule_set(port, &nfc);
	rtnl_unlock();
	return err;
}

static struct ethtool_rx_flow_spec igbp_steer_test_tcp(u16 port, u64 queue)
{
	struct ethtool_rx_flow_spec fs = {
		.flow_type = TCP_V4_FLOW,
		.ring_cookie = queue,
		.location = RX_CLS_LOC_ANY,
	};

	fs.h_u.tcp_ip4_spec.pdst = htons(port);
	fs.m_u.tcp_ip4_spec.pdst = htons(0xffff);
	return fs;
}

static void igbp_steer_test_probe(struct kunit *test)
{
	struct igbp_port *port = igbp_steer_test_port(test);

	KUNIT_EXPECT_EQ(test, 16, port->flow.queues[IGBP_FLOW_TUPLE]);
	KUNIT_EXPECT_EQ(test, 16, port->flow.queues[IGBP_FLOW_ETHER]);
	KUNIT_EXPECT_EQ(test, 16, port->flow.queues[IGBP_FLOW_SYN]);
	KUNIT_EXPECT_EQ(test, 8, port->flow.queues[IGBP_FLOW_PRIO]);
	KUNIT_EXPECT_TRUE(test, igbp_steer_exists(port));
	/* Off: nothing is compared, no queue */
	KUNIT_EXPECT_EQ(test, 0xf0008000, igbp_rd32(port, IGBP_FTQF(0)));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_ETQF(0)));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_SYNQF));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_VLAPQF));
}

static void igbp_steer_test_tuple(struct kunit *test)
{
	struct igbp_port *port = igbp_steer_test_port(test);
	struct ethtool_rx_flow_spec fs = igbp_steer_test_tcp(80, 3);

	fs.h_u.tcp_ip4_spec.ip4src = htonl(0x0a000002);
	fs.m_u.tcp_ip4_spec.ip4src = htonl(0xffffffff);
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	KUNIT_EXPECT_EQ(test, 0, fs.location);
	/* Source port and destination address pass; TCP, queue 3, on */
	KUNIT_EXPECT_EQ(test, 0xc0038106, igbp_rd32(port, IGBP_FTQF(0)));
	KUNIT_EXPECT_EQ(test, 0x0200000a, igbp_rd32(port, IGBP_SAQF(0)));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_DAQF(0)));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_SPQF(0)));
	KUNIT_EXPECT_EQ(test, 0x00005000, igbp_rd32(port, IGBP_IMIR(0)));
	KUNIT_EXPECT_EQ(test, 0x00081000, igbp_rd32(port, IGBP_IMIREXT(0)));

	fs = igbp_steer_test_tcp(0, 1);
	fs.m_u.tcp_ip4_spec.pdst = 0;
	fs.h_u.tcp_ip4_spec.psrc = htons(0x1234);
	fs.m_u.tcp_ip4_spec.psrc = htons(0xffff);
	fs.h_u.tcp_ip4_spec.ip4dst = htonl(0x0a000001);
	fs.m_u.tcp_ip4_spec.ip4dst = htonl(0xffffffff);
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	KUNIT_EXPECT_EQ(test, 1, fs.location);
	KUNIT_EXPECT_EQ(test, 0x20018106, igbp_rd32(port, IGBP_FTQF(1)));
	KUNIT_EXPECT_EQ(test, 0x0100000a, igbp_rd32(port, IGBP_DAQF(1)));
	KUNIT_EXPECT_EQ(test, 0x00003412, igbp_rd32(port, IGBP_SPQF(1)));
	KUNIT_EXPECT_EQ(test, 0x00020000, igbp_rd32(port, IGBP_IMIR(1)));

	KUNIT_EXPECT_EQ(test, 0, igbp_steer_test_del(port, 0));
	KUNIT_EXPECT_EQ(test, 0xf0008000, igbp_rd32(port, IGBP_FTQF(0)));
	KUNIT_EXPECT_EQ(test, 0x20018106, igbp_rd32(port, IGBP_FTQF(1)));
	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_steer_test_del(port, 0));
}

static void igbp_steer_test_others(struct kunit *test)
{
	struct igbp_port *port = igbp_steer_test_port(test);
	struct ethtool_rx_flow_spec syn = igbp_steer_test_tcp(0, 2);
	struct ethtool_rx_flow_spec fs = {
		.flow_type = ETHER_FLOW | FLOW_EXT,
		.ring_cookie = 3,
		.location = RX_CLS_LOC_ANY,
	};

	syn.flow_type |= FLOW_EXT;
	syn.m_u.tcp_ip4_spec.pdst = 0;
	memset(syn.m_ext.data, 0xff, sizeof(syn.m_ext.data));
	syn.h_ext.data[1] = cpu_to_be32(2);
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &syn));
	KUNIT_EXPECT_EQ(test, 16, syn.location);
	KUNIT_EXPECT_EQ(test, 0x5, igbp_rd32(port, IGBP_SYNQF));

	fs.h_ext.vlan_tci = htons(0xe000);
	fs.m_ext.vlan_tci = htons(0xe000);
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	KUNIT_EXPECT_EQ(test, 31, fs.location);
	fs.h_ext.vlan_tci = 0;
	fs.location = RX_CLS_LOC_ANY;
	fs.ring_cookie = 1;
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	KUNIT_EXPECT_EQ(test, 24, fs.location);
	KUNIT_EXPECT_EQ(test, 0xb0000009, igbp_rd32(port, IGBP_VLAPQF));
	KUNIT_EXPECT_EQ(test, 0, igbp_steer_test_del(port, 31));
	KUNIT_EXPECT_EQ(test, 0x00000009, igbp_rd32(port, IGBP_VLAPQF));

	fs = (struct ethtool_rx_flow_spec) {
		.flow_type = ETHER_FLOW,
		.ring_cookie = 2,
		.location = 14,
	};
	fs.h_u.ether_spec.h_proto = htons(0x88f7);
	fs.m_u.ether_spec.h_proto = htons(0xffff);
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	KUNIT_EXPECT_EQ(test, 0x840288f7, igbp_rd32(port, IGBP_ETQF(6)));

	/* A reset clears the registers, and all comes back */
	igbp_wr32(port, IGBP_SYNQF, 0);
	igbp_wr32(port, IGBP_VLAPQF, 0);
	igbp_wr32(port, IGBP_ETQF(6), 0);
	igbp_steer_apply(port);
	KUNIT_EXPECT_EQ(test, 0x5, igbp_rd32(port, IGBP_SYNQF));
	KUNIT_EXPECT_EQ(test, 0x00000009, igbp_rd32(port, IGBP_VLAPQF));
	KUNIT_EXPECT_EQ(test, 0x840288f7, igbp_rd32(port, IGBP_ETQF(6)));
}

static void igbp_steer_test_refused(struct kunit *test)
{
	struct igbp_port *port = igbp_steer_test_port(test);
	struct ethtool_rx_flow_spec fs;

	fs = igbp_steer_test_tcp(80, IGBP_TEST_PAIRS);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_steer_test_add(port, &fs));
	fs = igbp_steer_test_tcp(80, RX_CLS_FLOW_DISC);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, igbp_steer_test_add(port, &fs));
	port->flow.queues[IGBP_FLOW_TUPLE] = 2;
	fs = igbp_steer_test_tcp(80, 2);
	KUNIT_EXPECT_EQ(test, -EINVAL, igbp_steer_test_add(port, &fs));
	fs = igbp_steer_test_tcp(80, 1);
	KUNIT_EXPECT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	port->flow.queues[IGBP_FLOW_TUPLE] = 0;
	fs = igbp_steer_test_tcp(81, 1);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, igbp_steer_test_add(port, &fs));
	port->flow.queues[IGBP_FLOW_TUPLE] = 16;
	port->netdev->features &= ~NETIF_F_NTUPLE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, igbp_steer_test_add(port, &fs));
}

static void igbp_steer_test_list(struct kunit *test)
{
	struct igbp_port *port = igbp_steer_test_port(test);
	struct ethtool_rx_flow_spec fs = igbp_steer_test_tcp(80, 3);
	struct ethtool_rxnfc nfc = { .cmd = ETHTOOL_GRXCLSRLCNT };
	u32 locations[2] = {};

	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	fs = igbp_steer_test_tcp(81, 2);
	fs.location = 5;
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));

	rtnl_lock();
	KUNIT_EXPECT_EQ(test, 0, igbp_steer_rule_get(port, &nfc, NULL));
	KUNIT_EXPECT_EQ(test, 2, nfc.rule_cnt);
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_SLOTS | RX_CLS_LOC_SPECIAL, nfc.data);
	nfc.cmd = ETHTOOL_GRXCLSRLALL;
	KUNIT_EXPECT_EQ(test, 0, igbp_steer_rule_get(port, &nfc, locations));
	KUNIT_EXPECT_EQ(test, 0, locations[0]);
	KUNIT_EXPECT_EQ(test, 5, locations[1]);
	nfc.rule_cnt = 1;
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			igbp_steer_rule_get(port, &nfc, locations));
	nfc.cmd = ETHTOOL_GRXCLSRULE;
	nfc.fs.location = 5;
	KUNIT_EXPECT_EQ(test, 0, igbp_steer_rule_get(port, &nfc, NULL));
	KUNIT_EXPECT_EQ(test, 2, nfc.fs.ring_cookie);
	KUNIT_EXPECT_EQ(test, 81, ntohs(nfc.fs.h_u.tcp_ip4_spec.pdst));
	nfc.fs.location = 4;
	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_steer_rule_get(port, &nfc, NULL));
	nfc.fs.location = IGBP_FLOW_SLOTS;
	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_steer_rule_get(port, &nfc, NULL));
	rtnl_unlock();
}

#ifdef CONFIG_RFS_ACCEL
static void igbp_steer_test_arfs(struct kunit *test)
{
	struct igbp_port *port = igbp_steer_test_port(test);
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_TCP, 10);
	struct ethtool_rx_flow_spec fs = igbp_steer_test_tcp(80, 3);

	/* As the stack has it when it asks */
	skb->dev = port->netdev;
	skb_pull(skb, ETH_HLEN);
	KUNIT_ASSERT_EQ(test, 6, igbp_steer_flow(port->netdev, skb, 2, 7));
	KUNIT_EXPECT_EQ(test, 0x00028106, igbp_rd32(port, IGBP_FTQF(6)));
	KUNIT_EXPECT_EQ(test, 0x0200000a, igbp_rd32(port, IGBP_SAQF(6)));
	KUNIT_EXPECT_EQ(test, 0x0100000a, igbp_rd32(port, IGBP_DAQF(6)));
	KUNIT_EXPECT_EQ(test, 0x0000e803, igbp_rd32(port, IGBP_SPQF(6)));
	KUNIT_EXPECT_EQ(test, 0x0000d007, igbp_rd32(port, IGBP_IMIR(6)));
	/* The flow moves */
	KUNIT_EXPECT_EQ(test, 6, igbp_steer_flow(port->netdev, skb, 3, 7));
	KUNIT_EXPECT_EQ(test, 0x00038106, igbp_rd32(port, IGBP_FTQF(6)));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			igbp_steer_flow(port->netdev, skb, IGBP_TEST_PAIRS,
					7));
	/* It is no rule: not listed, not to be deleted */
	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_steer_test_del(port, 6));
	/* Queue 3 goes, and with it what aRFS has there, but no rule */
	KUNIT_ASSERT_EQ(test, 0, igbp_steer_test_add(port, &fs));
	igbp_steer_clear(port, 3);
	KUNIT_EXPECT_EQ(test, 0xf0008000, igbp_rd32(port, IGBP_FTQF(6)));
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_USER, port->flow.rule[0].owner);
	igbp_steer_clear(port, 0);
	KUNIT_EXPECT_EQ(test, IGBP_FLOW_FREE, port->flow.rule[0].owner);
}

static void igbp_steer_test_arfs_refused(struct kunit *test)
{
	struct igbp_port *port = igbp_steer_test_port(test);
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_UDP, 10);

	skb->dev = port->netdev;
	skb_pull(skb, ETH_HLEN);
	ip_hdr(skb)->frag_off = htons(IP_MF);
	KUNIT_EXPECT_EQ(test, -EPROTONOSUPPORT,
			igbp_steer_flow(port->netdev, skb, 2, 7));
	ip_hdr(skb)->frag_off = 0;
	ip_hdr(skb)->protocol = IPPROTO_ICMP;
	KUNIT_EXPECT_EQ(test, -EPROTONOSUPPORT,
			igbp_steer_flow(port->netdev, skb, 2, 7));
	ip_hdr(skb)->protocol = IPPROTO_UDP;
	KUNIT_EXPECT_EQ(test, 6, igbp_steer_flow(port->netdev, skb, 2, 7));
	skb->protocol = htons(ETH_P_ARP);
	KUNIT_EXPECT_EQ(test, -EPROTONOSUPPORT,
			igbp_steer_flow(port->netdev, skb, 2, 7));
}
#endif

static struct kunit_case igbp_steer_cases[] = {
	KUNIT_CASE(igbp_steer_test_probe),
	KUNIT_CASE(igbp_steer_test_tuple),
	KUNIT_CASE(igbp_steer_test_others),
	KUNIT_CASE(igbp_steer_test_refused),
	KUNIT_CASE(igbp_steer_test_list),
#ifdef CONFIG_RFS_ACCEL
	KUNIT_CASE(igbp_steer_test_arfs),
	KUNIT_CASE(igbp_steer_test_arfs_refused),
#endif
	{}
};

static struct kunit_suite igbp_steer_suite = {
	.name = "igb_percore-steer",
	.test_cases = igbp_steer_cases,
};

kunit_test_suite(igbp_steer_suite);
