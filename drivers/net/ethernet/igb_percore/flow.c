// SPDX-License-Identifier: GPL-2.0
/*
 * Steering rules: what may be asked for, and which filter a rule gets
 *
 * Beside the packet path: ethtool -N and the stack's aRFS -> [here] -> steer.c,
 * which writes the registers. Nothing here touches the device, so that all of
 * it can be tested without one (flow_test.c).
 *
 * A rule's location is the number of its filter, and filters of a kind are
 * asked in order; so of two rules that match, the one in front wins, which is
 * what locations promise.
 *
 *   0 .. 6   five-tuple: IPv4 addresses, ports, protocol. aRFS takes from the
 *            end what no rule uses, and gives way to rules
 *   8 .. 14  Ethertype
 *   16       TCP SYN
 *   24 .. 31 VLAN priority 0 .. 7
 *   7, 15    kept for the timestamp unit, which marks its frames that way
 *
 * Locking: the caller holds igbp_flow.lock where a table is passed.
 */
#include <linux/ethtool.h>
#include <linux/in.h>
#include <linux/string.h>

#include "igb_percore.h"

#define IGBP_FLOW_TCP_SYN	0x2	/* user-def of a rule for SYN */

struct igbp_flow_range {
	u8 first;
	u8 count;
};

static const struct igbp_flow_range igbp_flow_ranges[IGBP_FLOW_KINDS] = {
	[IGBP_FLOW_TUPLE] = { 0, 7 },
	[IGBP_FLOW_ETHER] = { 8, 7 },
	[IGBP_FLOW_SYN]	  = { 16, 1 },
	[IGBP_FLOW_PRIO]  = { 24, 8 },
};

/* Say why, and refuse */
static int igbp_flow_refuse(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* A field is compared in full, or not at all. Return: 1, 0, or -EINVAL. */
static int igbp_flow_mask(const void *mask, size_t size, const char **why)
{
	if (!memchr_inv(mask, 0, size))
		return 0;
	if (!memchr_inv(mask, 0xff, size))
		return 1;
	return igbp_flow_refuse(why, "part of a field cannot be masked");
}

static int igbp_flow_field(const void *mask, size_t size, u8 field,
			   struct igbp_flow_match *match, const char **why)
{
	int used = igbp_flow_mask(mask, size, why);

	if (used > 0)
		match->fields |= field;
	return min(used, 0);
}

static int igbp_flow_parse_ports(const struct ethtool_rx_flow_spec *fs,
				 u8 proto, struct igbp_flow_match *match,
				 const char **why)
{
	const struct ethtool_tcpip4_spec *val = &fs->h_u.tcp_ip4_spec;
	const struct ethtool_tcpip4_spec *mask = &fs->m_u.tcp_ip4_spec;
	int err;

	if (mask->tos)
		return igbp_flow_refuse(why, "TOS cannot be compared");
	err = igbp_flow_field(&mask->ip4src, sizeof(mask->ip4src),
			      IGBP_FLOW_SRC, match, why);
	if (!err)
		err = igbp_flow_field(&mask->ip4dst, sizeof(mask->ip4dst),
				      IGBP_FLOW_DST, match, why);
	if (!err)
		err = igbp_flow_field(&mask->psrc, sizeof(mask->psrc),
				      IGBP_FLOW_SPORT, match, why);
	if (!err)
		err = igbp_flow_field(&mask->pdst, sizeof(mask->pdst),
				      IGBP_FLOW_DPORT, match, why);
	if (err)
		return err;
	match->kind = IGBP_FLOW_TUPLE;
	match->fields |= IGBP_FLOW_PROTO;
	match->proto = proto;
	if (match->fields & IGBP_FLOW_SRC)
		match->src = val->ip4src;
	if (match->fields & IGBP_FLOW_DST)
		match->dst = val->ip4dst;
	if (match->fields & IGBP_FLOW_SPORT)
		match->sport = val->psrc;
	if (match->fields & IGBP_FLOW_DPORT)
		match->dport = val->pdst;
	return 0;
}

static int igbp_flow_parse_ip(const struct ethtool_rx_flow_spec *fs,
			      struct igbp_flow_match *match, const char **why)
{
	const struct ethtool_usrip4_spec *val = &fs->h_u.usr_ip4_spec;
	const struct ethtool_usrip4_spec *mask = &fs->m_u.usr_ip4_spec;
	int err;

	if (mask->tos || mask->l4_4_bytes)
		return igbp_flow_refuse(why,
					"TOS and the first bytes of an unnamed protocol cannot be compared");
	if (val->ip_ver != ETH_RX_NFC_IP4)
		return igbp_flow_refuse(why,
					"addresses are compared for IPv4 only");
	err = igbp_flow_field(&mask->ip4src, sizeof(mask->ip4src),
			      IGBP_FLOW_SRC, match, why);
	if (!err)
		err = igbp_flow_field(&mask->ip4dst, sizeof(mask->ip4dst),
				      IGBP_FLOW_DST, match, why);
	if (!err)
		err = igbp_flow_field(&mask->proto, sizeof(mask->proto),
				      IGBP_FLOW_PROTO, match, why);
	if (err)
		return err;
	if (!match->fields)
		return igbp_flow_refuse(why, "the rule compares nothing");
	match->kind = IGBP_FLOW_TUPLE;
	if (match->fields & IGBP_FLOW_SRC)
		match->src = val->ip4src;
	if (match->fields & IGBP_FLOW_DST)
		match->dst = val->ip4dst;
	if (match->fields & IGBP_FLOW_PROTO)
		match->proto = val->proto;
	return 0;
}

/* TCP with user-def: its value is the TCP flags, of which SYN has a filter */
static int igbp_flow_parse_syn(const struct ethtool_rx_flow_spec *fs,
			       struct igbp_flow_match *match, const char **why)
{
	if (memchr_inv(&fs->m_u, 0, sizeof(struct ethtool_tcpip4_spec)))
		return igbp_flow_refuse(why,
					"with user-def nothing else can be compared");
	if (fs->h_ext.data[0] ||
	    fs->h_ext.data[1] != cpu_to_be32(IGBP_FLOW_TCP_SYN) ||
	    memchr_inv(fs->m_ext.data, 0xff, sizeof(fs->m_ext.data)))
		return igbp_flow_refuse(why,
					"user-def is the TCP flags, and only 0x2, SYN, has a filter");
	match->kind = IGBP_FLOW_SYN;
	return 0;
}

static int igbp_flow_parse_ether(const struct ethtool_rx_flow_spec *fs,
				 struct igbp_flow_match *match,
				 const char **why)
{
	const struct ethhdr *mask = &fs->m_u.ether_spec;
	bool tagged = fs->flow_type & FLOW_EXT && fs->m_ext.vlan_tci;
	u16 type = ntohs(fs->h_u.ether_spec.h_proto);
	int used;

	if (memchr_inv(mask->h_source, 0, ETH_ALEN) ||
	    memchr_inv(mask->h_dest, 0, ETH_ALEN))
		return igbp_flow_refuse(why,
					"MAC addresses cannot be compared");
	used = igbp_flow_mask(&mask->h_proto, sizeof(mask->h_proto), why);
	if (used < 0)
		return used;
	if (tagged == used)
		return igbp_flow_refuse(why,
					"either an Ethertype or a VLAN priority has to be compared");
	if (tagged) {
		if (fs->m_ext.vlan_tci != htons(VLAN_PRIO_MASK))
			return igbp_flow_refuse(why,
						"of a VLAN tag the priority is compared, mask 0xe000");
		match->kind = IGBP_FLOW_PRIO;
		match->prio = ntohs(fs->h_ext.vlan_tci) >> VLAN_PRIO_SHIFT;
		return 0;
	}
	if (type < ETH_P_802_3_MIN)
		return igbp_flow_refuse(why, "an Ethertype is 0x600 or more");
	if (type == ETH_P_IP || type == ETH_P_IPV6)
		return igbp_flow_refuse(why,
					"IP belongs to the hash and cannot have a filter by Ethertype");
	match->kind = IGBP_FLOW_ETHER;
	match->ethertype = type;
	return 0;
}

/* Return: 0, or -EINVAL for an extension that no filter has */
static int igbp_flow_check_ext(const struct ethtool_rx_flow_spec *fs,
			       const char **why)
{
	u32 type = fs->flow_type & ~FLOW_EXT;

	if (fs->flow_type & FLOW_MAC_EXT)
		return igbp_flow_refuse(why,
					"MAC addresses cannot be compared");
	if (fs->flow_type & FLOW_RSS)
		return igbp_flow_refuse(why, "there is one RSS table only");
	if (!(fs->flow_type & FLOW_EXT))
		return 0;
	if (fs->m_ext.vlan_etype)
		return igbp_flow_refuse(why,
					"the type of a VLAN tag cannot be compared");
	if (fs->m_ext.vlan_tci && type != ETHER_FLOW)
		return igbp_flow_refuse(why,
					"a VLAN tag cannot be compared together with IP");
	if (memchr_inv(fs->m_ext.data, 0, sizeof(fs->m_ext.data)) &&
	    type != TCP_V4_FLOW)
		return igbp_flow_refuse(why, "user-def is for flow type tcp4");
	return 0;
}

/**
 * igbp_flow_parse - turn what ethtool asks for into what a filter compares
 * @fs: as it comes from the user
 * @match: filled in
 * @why: the reason, if it is refused
 *
 * Context: any.
 * Return: 0, or -EINVAL for what no filter of the device compares.
 */
int igbp_flow_parse(const struct ethtool_rx_flow_spec *fs,
		    struct igbp_flow_match *match, const char **why)
{
	int err = igbp_flow_check_ext(fs, why);

	memset(match, 0, sizeof(*match));
	if (err)
		return err;
	switch (fs->flow_type & ~FLOW_EXT) {
	case TCP_V4_FLOW:
		if (fs->flow_type & FLOW_EXT && fs->m_ext.data[1])
			return igbp_flow_parse_syn(fs, match, why);
		return igbp_flow_parse_ports(fs, IPPROTO_TCP, match, why);
	case UDP_V4_FLOW:
		return igbp_flow_parse_ports(fs, IPPROTO_UDP, match, why);
	case SCTP_V4_FLOW:
		return igbp_flow_parse_ports(fs, IPPROTO_SCTP, match, why);
	case IPV4_USER_FLOW:
		return igbp_flow_parse_ip(fs, match, why);
	case ETHER_FLOW:
		return igbp_flow_parse_ether(fs, match, why);
	default:
		return igbp_flow_refuse(why,
					"flow types are tcp4, udp4, sctp4, ip4 and ether");
	}
}

/**
 * igbp_flow_kind_at - which kind of filter a location belongs to
 * @slot: location
 *
 * Context: any.
 * Return: enum igbp_flow_kind; IGBP_FLOW_KINDS for a location of no kind.
 */
unsigned int igbp_flow_kind_at(u32 slot)
{
	unsigned int kind;

	for (kind = 0; kind < IGBP_FLOW_KINDS; kind++)
		if (slot - igbp_flow_ranges[kind].first <
		    igbp_flow_ranges[kind].count)
			break;
	return kind;
}

/**
 * igbp_flow_index - the number of a filter among those of its kind
 * @slot: location of a kind
 *
 * Context: any.
 * Return: the number, from 0.
 */
unsigned int igbp_flow_index(u32 slot)
{
	return slot - igbp_flow_ranges[igbp_flow_kind_at(slot)].first;
}

static bool igbp_flow_is_same(const struct igbp_flow_match *a,
			      const struct igbp_flow_match *b)
{
	return a->kind == b->kind && a->fields == b->fields &&
	       a->proto == b->proto && a->prio == b->prio &&
	       a->ethertype == b->ethertype && a->src == b->src &&
	       a->dst == b->dst && a->sport == b->sport &&
	       a->dport == b->dport;
}

/* First location of that owner in the range, or -1 */
static int igbp_flow_first(const struct igbp_flow *flow,
			   struct igbp_flow_range range,
			   enum igbp_flow_owner owner)
{
	int slot;

	for (slot = range.first; slot < range.first + range.count; slot++)
		if (flow->rule[slot].owner == owner)
			return slot;
	return -1;
}

/**
 * igbp_flow_place - choose the filter for a rule of the administrator
 * @flow: table
 * @match: what the rule compares
 * @location: wanted, or RX_CLS_LOC_ANY
 * @why: the reason, if it is refused
 *
 * A rule may replace the one that is at its location.
 *
 * Context: any; igbp_flow.lock held.
 * Return: the location; -EINVAL if @location is none for such a rule, -EEXIST
 * if another location has the same rule, -ENOSPC if all filters have rules.
 */
int igbp_flow_place(const struct igbp_flow *flow,
		    const struct igbp_flow_match *match, u32 location,
		    const char **why)
{
	struct igbp_flow_range range = igbp_flow_ranges[match->kind];
	int slot;

	if (match->kind == IGBP_FLOW_PRIO) {
		range.first += match->prio;
		range.count = 1;
	}
	if (location != RX_CLS_LOC_ANY &&
	    location - range.first >= range.count)
		return igbp_flow_refuse(why,
					"locations are 0-6 for addresses, ports and protocols, 8-14 for Ethertypes, 16 for SYN, 24-31 for VLAN priorities 0-7");

	for (slot = range.first; slot < range.first + range.count; slot++) {
		if (flow->rule[slot].owner != IGBP_FLOW_USER ||
		    slot == location ||
		    !igbp_flow_is_same(&flow->rule[slot].match, match))
			continue;
		*why = "there is such a rule already";
		return -EEXIST;
	}
	if (location != RX_CLS_LOC_ANY)
		return location;

	slot = igbp_flow_first(flow, range, IGBP_FLOW_FREE);
	if (slot < 0)
		slot = igbp_flow_first(flow, range, IGBP_FLOW_ARFS);
	if (slot < 0) {
		*why = "all filters of this kind are in use";
		return -ENOSPC;
	}
	return slot;
}

/**
 * igbp_flow_place_arfs - choose the filter for a flow of aRFS
 * @flow: table
 * @match: the flow
 *
 * From the end of the range, so that rules, which come from its front, are
 * asked first.
 *
 * Context: any; igbp_flow.lock held.
 * Return: the location, the same one if the flow has a filter; -EEXIST if it
 * has a rule, -ENOSPC if all filters are in use.
 */
int igbp_flow_place_arfs(const struct igbp_flow *flow,
			 const struct igbp_flow_match *match)
{
	const struct igbp_flow_range range = igbp_flow_ranges[match->kind];
	int slot, found = -ENOSPC;

	for (slot = range.first; slot < range.first + range.count; slot++) {
		const struct igbp_flow_rule *rule = &flow->rule[slot];

		if (rule->owner == IGBP_FLOW_FREE)
			found = slot;
		else if (igbp_flow_is_same(&rule->match, match))
			return rule->owner == IGBP_FLOW_ARFS ? slot : -EEXIST;
	}
	return found;
}
