// SPDX-License-Identifier: GPL-2.0
/*
 * Steering filters in the device, as ethtool -N and aRFS want them
 *
 * Side stage of receive: a frame that a filter matches goes to the filter's
 * queue; the rest is left to the hash (rss.c). flow.c knows the rules; here
 * they become registers. Which filters a device has is found out by writing
 * their queue field and reading it back, since models of the device lack some;
 * that also tells how many queues the field can name.
 *
 * Locking: igbp_flow.lock guards the table and the filters' registers. The
 * administrator comes under RTNL, the stack's aRFS in softirq, and what expires
 * its filters is a work of ours.
 */
#include <linux/cpu_rmap.h>
#include <linux/rtnetlink.h>
#include <net/flow_dissector.h>

#include "igb_percore.h"

#define IGBP_STEER_EXPIRE	HZ	/* between two looks at aRFS filters */
#define IGBP_STEER_STAMP	7	/* filters for stamp.c, see flow.c */
#define IGBP_STEER_PTP_PORT	0x3f01	/* 319, as it stands in a frame */

/* Whether @reg keeps @field; how many queues it can name, 0 if it does not */
static unsigned int igbp_steer_probe_field(struct igbp_port *port, u32 reg,
					   u32 field, u32 off)
{
	u32 val;

	igbp_wr32(port, reg, off | field);
	val = igbp_rd32(port, reg);
	igbp_wr32(port, reg, off);
	if (val == U32_MAX)
		return 0;
	val &= field;
	return val ? (val >> __ffs(field)) + 1 : 0;
}

/**
 * igbp_steer_probe - find out which filters there are
 * @port: port
 *
 * Context: process, probe, after igbp_mac_reset().
 */
void igbp_steer_probe(struct igbp_port *port)
{
	u16 *queues = port->flow.queues;

	queues[IGBP_FLOW_TUPLE] =
		igbp_steer_probe_field(port, IGBP_FTQF(0), IGBP_FTQF_QUEUE,
				       IGBP_FTQF_OFF);
	queues[IGBP_FLOW_ETHER] =
		igbp_steer_probe_field(port, IGBP_ETQF(0), IGBP_ETQF_QUEUE, 0);
	queues[IGBP_FLOW_SYN] =
		igbp_steer_probe_field(port, IGBP_SYNQF, IGBP_SYNQF_QUEUE, 0);
	queues[IGBP_FLOW_PRIO] =
		igbp_steer_probe_field(port, IGBP_VLAPQF,
				       IGBP_VLAPQF_QUEUE(0), 0);
}

/**
 * igbp_steer_exists - whether the device has any filter
 * @port: port
 *
 * Context: any.
 * Return: true or false.
 */
bool igbp_steer_exists(const struct igbp_port *port)
{
	unsigned int kind;

	for (kind = 0; kind < IGBP_FLOW_KINDS; kind++)
		if (port->flow.queues[kind])
			return true;
	return false;
}

static void igbp_steer_tuple_write(struct igbp_port *port, unsigned int i,
				   const struct igbp_flow_rule *rule)
{
	const struct igbp_flow_match *match = &rule->match;
	u32 ftqf = IGBP_FTQF_OFF, imir = 0;

	/* Nothing may match while the parts change */
	igbp_wr32(port, IGBP_FTQF(i), ftqf);
	if (rule->owner == IGBP_FLOW_FREE)
		return;
	if (match->fields & IGBP_FLOW_PROTO)
		ftqf &= ~IGBP_FTQF_PROTO_BP;
	if (match->fields & IGBP_FLOW_SRC)
		ftqf &= ~IGBP_FTQF_SRC_BP;
	if (match->fields & IGBP_FLOW_DST)
		ftqf &= ~IGBP_FTQF_DST_BP;
	if (match->fields & IGBP_FLOW_SPORT)
		ftqf &= ~IGBP_FTQF_SPORT_BP;
	if (!(match->fields & IGBP_FLOW_DPORT))
		imir = IGBP_IMIR_PORT_BP;

	/* Addresses and ports stand as in the frame */
	igbp_wr32(port, IGBP_SAQF(i), le32_to_cpu((__force __le32)match->src));
	igbp_wr32(port, IGBP_DAQF(i), le32_to_cpu((__force __le32)match->dst));
	igbp_wr32(port, IGBP_SPQF(i),
		  le16_to_cpu((__force __le16)match->sport));
	igbp_wr32(port, IGBP_IMIR(i), imir |
		  le16_to_cpu((__force __le16)match->dport));
	igbp_wr32(port, IGBP_IMIREXT(i), IGBP_IMIREXT_SIZE_BP |
		  IGBP_IMIREXT_CTRL_BP);
	igbp_wr32(port, IGBP_FTQF(i), ftqf | match->proto |
		  rule->queue << IGBP_FTQF_QUEUE_SHIFT |
		  IGBP_FTQF_QUEUE_EN);
}

static void igbp_steer_ether_write(struct igbp_port *port, unsigned int i,
				   const struct igbp_flow_rule *rule)
{
	u32 etqf = 0;

	if (rule->owner)
		etqf = rule->match.ethertype | IGBP_ETQF_FILTER_EN |
		       IGBP_ETQF_QUEUE_EN |
		       rule->queue << IGBP_ETQF_QUEUE_SHIFT;
	/* It comes before the filter that marks such frames */
	if (rule->match.ethertype == ETH_P_1588 && port->stamp.rx_ether)
		etqf |= IGBP_ETQF_1588;
	igbp_wr32(port, IGBP_ETQF(i), etqf);
}

/* Mark PTP's frames for a timestamp; the hash chooses their queue */
static void igbp_steer_stamp_write(struct igbp_port *port)
{
	const unsigned int i = IGBP_STEER_STAMP;

	lockdep_assert_held(&port->flow.lock);
	igbp_wr32(port, IGBP_ETQF(i), port->stamp.rx_ether ?
		  ETH_P_1588 | IGBP_ETQF_FILTER_EN | IGBP_ETQF_1588 : 0);
	if (!port->flow.queues[IGBP_FLOW_TUPLE])
		return;
	igbp_wr32(port, IGBP_FTQF(i), IGBP_FTQF_OFF);
	if (!port->stamp.rx_udp)
		return;
	igbp_wr32(port, IGBP_SPQF(i), IGBP_STEER_PTP_PORT);
	igbp_wr32(port, IGBP_IMIR(i), IGBP_STEER_PTP_PORT);
	igbp_wr32(port, IGBP_IMIREXT(i), IGBP_IMIREXT_SIZE_BP |
		  IGBP_IMIREXT_CTRL_BP);
	igbp_wr32(port, IGBP_FTQF(i), IPPROTO_UDP | IGBP_FTQF_1588 |
		  (IGBP_FTQF_OFF & ~(IGBP_FTQF_PROTO_BP |
				     IGBP_FTQF_SPORT_BP)));
}

static void igbp_steer_prio_write(struct igbp_port *port)
{
	const struct igbp_flow *flow = &port->flow;
	u32 slot, vlapqf = 0;

	for (slot = 0; slot < IGBP_FLOW_SLOTS; slot++)
		if (flow->rule[slot].owner &&
		    flow->rule[slot].match.kind == IGBP_FLOW_PRIO)
			vlapqf |= IGBP_VLAPQF_VALID(igbp_flow_index(slot)) |
				  flow->rule[slot].queue <<
				  IGBP_VLAPQF_SHIFT(igbp_flow_index(slot));
	igbp_wr32(port, IGBP_VLAPQF, vlapqf);
}

/* Bring the filter of a location in line with the table */
static void igbp_steer_write(struct igbp_port *port, u32 slot)
{
	const struct igbp_flow_rule *rule = &port->flow.rule[slot];
	unsigned int i, kind = igbp_flow_kind_at(slot);

	lockdep_assert_held(&port->flow.lock);
	if (kind == IGBP_FLOW_KINDS || !port->flow.queues[kind])
		return;
	i = igbp_flow_index(slot);
	switch (kind) {
	case IGBP_FLOW_TUPLE:
		igbp_steer_tuple_write(port, i, rule);
		break;
	case IGBP_FLOW_ETHER:
		igbp_steer_ether_write(port, i, rule);
		break;
	case IGBP_FLOW_SYN:
		igbp_wr32(port, IGBP_SYNQF, rule->owner ? IGBP_SYNQF_EN |
			  rule->queue << IGBP_SYNQF_QUEUE_SHIFT : 0);
		break;
	case IGBP_FLOW_PRIO:
		igbp_steer_prio_write(port);
		break;
	}
}

/**
 * igbp_steer_apply - write all filters, also those that mark PTP's frames
 * @port: port, after a reset, or with other timestamps
 *
 * Context: process, RTNL or before registration.
 */
void igbp_steer_apply(struct igbp_port *port)
{
	u32 slot;

	spin_lock_bh(&port->flow.lock);
	for (slot = 0; slot < IGBP_FLOW_SLOTS; slot++)
		igbp_steer_write(port, slot);
	igbp_steer_stamp_write(port);
	spin_unlock_bh(&port->flow.lock);
}

static void igbp_steer_del(struct igbp_port *port, u32 slot)
{
	lockdep_assert_held(&port->flow.lock);
	memset(&port->flow.rule[slot], 0, sizeof(port->flow.rule[slot]));
	igbp_steer_write(port, slot);
}

/**
 * igbp_steer_clear - take rules and aRFS filters away
 * @port: port
 * @queues: keep the rules, and what aRFS has for queues below this number; 0
 *	keeps nothing
 *
 * Context: process, RTNL.
 */
void igbp_steer_clear(struct igbp_port *port, unsigned int queues)
{
	u32 slot;

	spin_lock_bh(&port->flow.lock);
	for (slot = 0; slot < IGBP_FLOW_SLOTS; slot++) {
		const struct igbp_flow_rule *rule = &port->flow.rule[slot];

		if (rule->owner == IGBP_FLOW_FREE ||
		    (queues && rule->owner == IGBP_FLOW_USER) ||
		    rule->queue < queues)
			continue;
		igbp_steer_del(port, slot);
	}
	spin_unlock_bh(&port->flow.lock);
}

/**
 * igbp_steer_has_rules - whether the administrator has chosen queues
 * @port: port
 *
 * Context: process, RTNL.
 * Return: true or false.
 */
bool igbp_steer_has_rules(struct igbp_port *port)
{
	bool has = false;
	u32 slot;

	spin_lock_bh(&port->flow.lock);
	for (slot = 0; slot < IGBP_FLOW_SLOTS; slot++)
		has |= port->flow.rule[slot].owner == IGBP_FLOW_USER;
	spin_unlock_bh(&port->flow.lock);
	return has;
}

/* Return: 0 or why a queue cannot be the target of a filter */
static int igbp_steer_check(struct igbp_port *port,
			    const struct igbp_flow_match *match, u64 cookie,
			    const char **why)
{
	unsigned int queues = port->flow.queues[match->kind];

	if (!queues) {
		*why = "the device has no such filter";
		return -EOPNOTSUPP;
	}
	if (cookie == RX_CLS_FLOW_DISC || cookie == RX_CLS_FLOW_WAKE) {
		*why = "filters choose a queue, they cannot drop or wake";
		return -EOPNOTSUPP;
	}
	if (cookie >= port->pairs) {
		*why = "there is no such queue";
		return -EINVAL;
	}
	if (cookie >= queues) {
		*why = "filters of this kind cannot name that queue";
		return -EINVAL;
	}
	return 0;
}

static int igbp_steer_insert(struct igbp_port *port,
			     struct ethtool_rx_flow_spec *fs,
			     const char **why)
{
	struct igbp_flow_match match;
	struct igbp_flow_rule *rule;
	int err, slot;

	if (port->sriov) {
		*why = "filters name queues that are VFs'";
		return -EBUSY;
	}
	if (!(port->netdev->features & NETIF_F_NTUPLE)) {
		*why = igbp_steer_exists(port) ? "ntuple is off" :
						 "the device has no filters";
		return -EOPNOTSUPP;
	}
	err = igbp_flow_parse(fs, &match, why);
	if (!err)
		err = igbp_steer_check(port, &match, fs->ring_cookie, why);
	if (err)
		return err;

	spin_lock_bh(&port->flow.lock);
	slot = igbp_flow_place(&port->flow, &match, fs->location, why);
	if (slot >= 0) {
		fs->location = slot;
		rule = &port->flow.rule[slot];
		rule->owner = IGBP_FLOW_USER;
		rule->match = match;
		rule->queue = fs->ring_cookie;
		rule->spec = *fs;
		igbp_steer_write(port, slot);
	}
	spin_unlock_bh(&port->flow.lock);
	return min(slot, 0);
}

/**
 * igbp_steer_rule_set - ethtool -N: add or delete a rule
 * @port: port
 * @nfc: command and rule; its location is filled in
 *
 * ethtool hands no extack to this call; the reason goes to the log.
 *
 * Context: process, RTNL.
 * Return: 0; -EOPNOTSUPP if the device lacks the filter or ntuple is off,
 * -EINVAL, -EEXIST or -ENOSPC as igbp_flow_parse() and igbp_flow_place(),
 * -ENOENT for deleting a rule that is not there.
 */
int igbp_steer_rule_set(struct igbp_port *port, struct ethtool_rxnfc *nfc)
{
	u32 slot = nfc->fs.location;
	const char *why = "";
	int err = -ENOENT;

	ASSERT_RTNL();
	if (nfc->cmd == ETHTOOL_SRXCLSRLINS) {
		err = igbp_steer_insert(port, &nfc->fs, &why);
		if (err)
			netdev_notice(port->netdev,
				      "rule refused: location %d queue %lld: %s\n",
				      (int)slot, (s64)nfc->fs.ring_cookie,
				      why);
		return err;
	}
	spin_lock_bh(&port->flow.lock);
	if (slot < IGBP_FLOW_SLOTS &&
	    port->flow.rule[slot].owner == IGBP_FLOW_USER) {
		igbp_steer_del(port, slot);
		err = 0;
	}
	spin_unlock_bh(&port->flow.lock);
	return err;
}

/**
 * igbp_steer_rule_get - ethtool -n: the rules, or one of them
 * @port: port
 * @nfc: command in, answer out
 * @locations: filled in by ETHTOOL_GRXCLSRLALL
 *
 * Context: process, RTNL.
 * Return: 0, -ENOENT for a location without rule, -EMSGSIZE if @locations has
 * no room.
 */
int igbp_steer_rule_get(struct igbp_port *port, struct ethtool_rxnfc *nfc,
			u32 *locations)
{
	const struct igbp_flow *flow = &port->flow;
	u32 slot, count = 0;

	ASSERT_RTNL();
	if (nfc->cmd == ETHTOOL_GRXCLSRULE) {
		slot = nfc->fs.location;
		if (slot >= IGBP_FLOW_SLOTS ||
		    flow->rule[slot].owner != IGBP_FLOW_USER)
			return -ENOENT;
		nfc->fs = flow->rule[slot].spec;
		return 0;
	}
	for (slot = 0; slot < IGBP_FLOW_SLOTS; slot++) {
		if (flow->rule[slot].owner != IGBP_FLOW_USER)
			continue;
		if (nfc->cmd == ETHTOOL_GRXCLSRLALL) {
			if (count == nfc->rule_cnt)
				return -EMSGSIZE;
			locations[count] = slot;
		}
		count++;
	}
	nfc->data = IGBP_FLOW_SLOTS;
	if (nfc->cmd == ETHTOOL_GRXCLSRLCNT)
		nfc->data |= RX_CLS_LOC_SPECIAL;
	nfc->rule_cnt = count;
	return 0;
}

#ifdef CONFIG_RFS_ACCEL
/* What a filter can compare of a frame. Return: 0 or -EPROTONOSUPPORT. */
static int igbp_steer_dissect(const struct sk_buff *skb,
			      struct igbp_flow_match *match)
{
	struct flow_keys keys;

	if (!skb_flow_dissect_flow_keys(skb, &keys, 0) ||
	    keys.control.flags & (FLOW_DIS_IS_FRAGMENT |
				  FLOW_DIS_ENCAPSULATION) ||
	    keys.basic.n_proto != htons(ETH_P_IP) ||
	    (keys.basic.ip_proto != IPPROTO_TCP &&
	     keys.basic.ip_proto != IPPROTO_UDP))
		return -EPROTONOSUPPORT;
	*match = (struct igbp_flow_match) {
		.kind = IGBP_FLOW_TUPLE,
		.fields = IGBP_FLOW_PROTO | IGBP_FLOW_SRC | IGBP_FLOW_DST |
			  IGBP_FLOW_SPORT | IGBP_FLOW_DPORT,
		.proto = keys.basic.ip_proto,
		.src = keys.addrs.v4addrs.src,
		.dst = keys.addrs.v4addrs.dst,
		.sport = keys.ports.src,
		.dport = keys.ports.dst,
	};
	return 0;
}

/**
 * igbp_steer_flow - ndo_rx_flow_steer: aRFS wants a flow on a queue
 * @netdev: interface
 * @skb: a frame of the flow
 * @queue: receive queue
 * @flow_id: what rps_may_expire_flow() wants to hear again
 *
 * Context: softirq.
 * Return: number of the filter; -EPROTONOSUPPORT for a flow that no filter
 * can tell, -EINVAL for a queue that it cannot name, -EEXIST or -ENOSPC as
 * igbp_flow_place_arfs().
 */
int igbp_steer_flow(struct net_device *netdev, const struct sk_buff *skb,
		    u16 queue, u32 flow_id)
{
	struct igbp_port *port = netdev_priv(netdev);
	struct igbp_flow_match match;
	struct igbp_flow_rule *rule;
	int slot;

	slot = igbp_steer_dissect(skb, &match);
	if (slot)
		return slot;

	/* Fewer pairs are announced before igbp_steer_clear() takes the lock */
	spin_lock_bh(&port->flow.lock);
	if (!READ_ONCE(port->sriov) &&
	    queue < min(READ_ONCE(port->pairs),
			port->flow.queues[IGBP_FLOW_TUPLE]))
		slot = igbp_flow_place_arfs(&port->flow, &match);
	else
		slot = -EINVAL;
	if (slot >= 0) {
		rule = &port->flow.rule[slot];
		rule->owner = IGBP_FLOW_ARFS;
		rule->match = match;
		rule->queue = queue;
		rule->flow_id = flow_id;
		igbp_steer_write(port, slot);
		if (test_bit(IGBP_PORT_UP, &port->flags))
			queue_delayed_work(system_power_efficient_wq,
					   &port->steer_work,
					   IGBP_STEER_EXPIRE);
	}
	spin_unlock_bh(&port->flow.lock);
	return slot;
}

/**
 * igbp_steer_work - take filters away from flows that aRFS has forgotten
 * @work: igbp_port.steer_work
 *
 * Context: process.
 */
void igbp_steer_work(struct work_struct *work)
{
	struct igbp_port *port = container_of(to_delayed_work(work),
					      struct igbp_port, steer_work);
	bool more = false;
	u32 slot;

	spin_lock_bh(&port->flow.lock);
	for (slot = 0; slot < IGBP_FLOW_SLOTS; slot++) {
		const struct igbp_flow_rule *rule = &port->flow.rule[slot];

		if (rule->owner != IGBP_FLOW_ARFS)
			continue;
		if (rps_may_expire_flow(port->netdev, rule->queue,
					rule->flow_id, slot))
			igbp_steer_del(port, slot);
		else
			more = true;
	}
	if (more && test_bit(IGBP_PORT_UP, &port->flags))
		queue_delayed_work(system_power_efficient_wq,
				   &port->steer_work, IGBP_STEER_EXPIRE);
	spin_unlock_bh(&port->flow.lock);
}

/**
 * igbp_steer_rmap_alloc - have the stack know which CPU a queue interrupts
 * @port: port, before registration
 *
 * Without five-tuple filters there is no map, and the stack asks for nothing.
 *
 * Context: process, probe.
 * Return: 0 or -ENOMEM.
 */
int igbp_steer_rmap_alloc(struct igbp_port *port)
{
	if (!port->flow.queues[IGBP_FLOW_TUPLE])
		return 0;
	port->netdev->rx_cpu_rmap = alloc_irq_cpu_rmap(port->max_pairs);
	return port->netdev->rx_cpu_rmap ? 0 : -ENOMEM;
}

/**
 * igbp_steer_rmap_free - undo igbp_steer_rmap_alloc()
 * @port: port that is not registered any more
 *
 * Context: process, remove.
 */
void igbp_steer_rmap_free(struct igbp_port *port)
{
	free_irq_cpu_rmap(port->netdev->rx_cpu_rmap);
	port->netdev->rx_cpu_rmap = NULL;
}

/**
 * igbp_steer_rmap_add - a pair's interrupt was requested
 * @pair: pair; those before it have been added
 *
 * Entries are numbered in the order in which they come, and pairs come in
 * theirs.
 *
 * Context: process, RTNL.
 * Return: 0 or an error of irq_cpu_rmap_add().
 */
int igbp_steer_rmap_add(struct igbp_pair *pair)
{
	struct cpu_rmap *rmap = pair->port->netdev->rx_cpu_rmap;
	int index = rmap ? irq_cpu_rmap_add(rmap, pair->irq) : 0;

	return min(index, 0);
}

/**
 * igbp_steer_rmap_del - a pair's interrupt is about to be freed
 * @pair: pair
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_steer_rmap_del(struct igbp_pair *pair)
{
	if (pair->port->netdev->rx_cpu_rmap)
		irq_cpu_rmap_remove(pair->port->netdev->rx_cpu_rmap,
				    pair->irq);
}
#endif /* CONFIG_RFS_ACCEL */
