// SPDX-License-Identifier: GPL-2.0
/*
 * Which receive queue a flow goes to
 *
 * Side stage of receive: the device hashes addresses and ports with a random
 * Toeplitz key, and the low 7 bits of the hash choose an entry of a table of
 * queues. What it does not hash goes to queue 0. The hash arrives with the
 * frame (rx.c).
 *
 * Locking: RTNL for key, table and fields. The registers may be written while
 * traffic flows; a frame is then hashed with the old or the new ones.
 */
#include <linux/unaligned.h>

#include "igb_percore.h"

/**
 * igbp_rss_init - draw a key and spread the table
 * @port: port
 *
 * Context: process, probe.
 */
void igbp_rss_init(struct igbp_port *port)
{
	netdev_rss_key_fill(port->rss_key, sizeof(port->rss_key));
	igbp_rss_table_default(port, port->pairs);
}

/**
 * igbp_rss_table_default - spread the table evenly
 * @port: port
 * @pairs: queues to spread over
 *
 * Pairs that share a vector receive on one CPU, however many they are: so the
 * first of each is enough, and each such CPU gets the same.
 *
 * Context: process, RTNL or probe.
 */
void igbp_rss_table_default(struct igbp_port *port, unsigned int pairs)
{
	unsigned int i;

	if (port->vectors > 1)
		pairs = min(pairs, port->vectors - 1);
	for (i = 0; i < IGBP_RETA_ENTRIES; i++)
		port->rss_table[i] = ethtool_rxfh_indir_default(i, pairs);
}

/**
 * igbp_rss_apply - write key, table and fields to the device
 * @port: port
 *
 * Context: process, RTNL or probe.
 */
void igbp_rss_apply(struct igbp_port *port)
{
	u32 mrqc = IGBP_MRQC_RSS | IGBP_MRQC_IPV4 | IGBP_MRQC_TCP_IPV4 |
		   IGBP_MRQC_IPV6 | IGBP_MRQC_TCP_IPV6 |
		   IGBP_MRQC_TCP_IPV6_EX;
	unsigned int i;

	if (port->rss_udp4)
		mrqc |= IGBP_MRQC_UDP_IPV4;
	if (port->rss_udp6)
		mrqc |= IGBP_MRQC_UDP_IPV6;

	for (i = 0; i < IGBP_RSS_KEY_BYTES / 4; i++)
		igbp_wr32(port, IGBP_RSSRK(i),
			  get_unaligned_le32(&port->rss_key[4 * i]));
	for (i = 0; i < IGBP_RETA_ENTRIES / 4; i++)
		igbp_wr32(port, IGBP_RETA(i),
			  get_unaligned_le32(&port->rss_table[4 * i]));
	/* The device does not hash within pools */
	igbp_wr32(port, IGBP_MRQC, port->sriov ? IGBP_MRQC_VMDQ : mrqc);
}

/**
 * igbp_rss_key_size_get - ethtool: bytes of the key
 * @netdev: interface
 *
 * Context: process, RTNL.
 * Return: bytes.
 */
u32 igbp_rss_key_size_get(struct net_device *netdev)
{
	return IGBP_RSS_KEY_BYTES;
}

/**
 * igbp_rss_table_size_get - ethtool: entries of the table
 * @netdev: interface
 *
 * Context: process, RTNL.
 * Return: entries.
 */
u32 igbp_rss_table_size_get(struct net_device *netdev)
{
	return IGBP_RETA_ENTRIES;
}

/**
 * igbp_rss_get - ethtool -x
 * @netdev: interface
 * @param: filled in
 *
 * Context: process, RTNL.
 * Return: 0.
 */
int igbp_rss_get(struct net_device *netdev, struct ethtool_rxfh_param *param)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i;

	param->hfunc = ETH_RSS_HASH_TOP;
	if (param->indir)
		for (i = 0; i < IGBP_RETA_ENTRIES; i++)
			param->indir[i] = port->rss_table[i];
	if (param->key)
		memcpy(param->key, port->rss_key, sizeof(port->rss_key));
	return 0;
}

/**
 * igbp_rss_set - ethtool -X
 * @netdev: interface
 * @param: key, table and hash function; each may be absent
 * @extack: says what was refused
 *
 * Context: process, RTNL.
 * Return: 0, -EOPNOTSUPP for another hash function, -EINVAL for a queue that
 * does not exist.
 */
int igbp_rss_set(struct net_device *netdev, struct ethtool_rxfh_param *param,
		 struct netlink_ext_ack *extack)
{
	struct igbp_port *port = netdev_priv(netdev);
	unsigned int i;

	if (param->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    param->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack,
				   "the device hashes with Toeplitz only");
		return -EOPNOTSUPP;
	}
	for (i = 0; param->indir && i < IGBP_RETA_ENTRIES; i++) {
		if (param->indir[i] < port->pairs)
			continue;
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "entry %u names queue %u of %u", i,
				       param->indir[i], port->pairs);
		return -EINVAL;
	}
	if (param->indir)
		for (i = 0; i < IGBP_RETA_ENTRIES; i++)
			port->rss_table[i] = param->indir[i];
	if (param->key)
		memcpy(port->rss_key, param->key, sizeof(port->rss_key));
	igbp_rss_apply(port);
	return 0;
}

/**
 * igbp_rss_fields_get - ethtool -n rx-flow-hash
 * @port: port
 * @nfc: flow_type in, data out
 *
 * Context: process, RTNL.
 * Return: 0, or -EOPNOTSUPP for a flow type that the device knows nothing of.
 */
int igbp_rss_fields_get(struct igbp_port *port, struct ethtool_rxnfc *nfc)
{
	nfc->data = RXH_IP_SRC | RXH_IP_DST;
	switch (nfc->flow_type) {
	case TCP_V4_FLOW:
	case TCP_V6_FLOW:
		nfc->data |= RXH_L4_B_0_1 | RXH_L4_B_2_3;
		return 0;
	case UDP_V4_FLOW:
		if (port->rss_udp4)
			nfc->data |= RXH_L4_B_0_1 | RXH_L4_B_2_3;
		return 0;
	case UDP_V6_FLOW:
		if (port->rss_udp6)
			nfc->data |= RXH_L4_B_0_1 | RXH_L4_B_2_3;
		return 0;
	case SCTP_V4_FLOW:
	case AH_ESP_V4_FLOW:
	case AH_V4_FLOW:
	case ESP_V4_FLOW:
	case IPV4_FLOW:
	case SCTP_V6_FLOW:
	case AH_ESP_V6_FLOW:
	case AH_V6_FLOW:
	case ESP_V6_FLOW:
	case IPV6_FLOW:
		return 0;
	default:
		nfc->data = 0;
		return -EOPNOTSUPP;
	}
}

/**
 * igbp_rss_fields_set - ethtool -N rx-flow-hash
 * @port: port
 * @nfc: flow_type and data
 *
 * Only the ports of UDP are a choice. Fragments of a datagram have none and
 * may then arrive on another queue.
 *
 * Context: process, RTNL.
 * Return: 0, or -EINVAL for what the device cannot do.
 */
int igbp_rss_fields_set(struct igbp_port *port,
			const struct ethtool_rxnfc *nfc)
{
	const u64 l3 = RXH_IP_SRC | RXH_IP_DST;
	const u64 l4 = l3 | RXH_L4_B_0_1 | RXH_L4_B_2_3;
	struct ethtool_rxnfc now = { .flow_type = nfc->flow_type };

	switch (nfc->flow_type) {
	case UDP_V4_FLOW:
		if (nfc->data != l3 && nfc->data != l4)
			return -EINVAL;
		port->rss_udp4 = nfc->data == l4;
		break;
	case UDP_V6_FLOW:
		if (nfc->data != l3 && nfc->data != l4)
			return -EINVAL;
		port->rss_udp6 = nfc->data == l4;
		break;
	default:
		if (igbp_rss_fields_get(port, &now) || nfc->data != now.data)
			return -EINVAL;
		return 0;
	}
	igbp_rss_apply(port);
	return 0;
}
