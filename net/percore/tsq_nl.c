// SPDX-License-Identifier: GPL-2.0
/*
 * tsq_nl.c - transmit queues in the generic netlink family
 *
 * One message for each queue: a NIC may have hundreds. What is measured goes on
 * meanwhile, so that the values of a queue may be of two samples.
 */
#include <linux/percore.h>
#include <linux/rtnetlink.h>
#include <net/genetlink.h>

#include "percore.h"
#include "tsq.h"

static const char * const percore_tsq_source_names[] = {
	[PERCORE_TSQ_UNKNOWN] = "none",
	[PERCORE_TSQ_BQL] = "bql",
	[PERCORE_TSQ_DRIVER] = "driver",
	[PERCORE_TSQ_BLIND] = "blind",
};

static int percore_tsq_put_delay(struct sk_buff *skb,
				 const struct percore_tsq_queue *q,
				 unsigned long samples)
{
	const struct percore_tsq_rule *rule = &q->rule;

	if (samples &&
	    nla_put_u32(skb, PERCORE_A_TSQ_DELAY_EWMA_NS,
			READ_ONCE(rule->ewma_ns)))
		return -EMSGSIZE;
	if (samples < PERCORE_TSQ_WINDOW)
		return 0;
	if (nla_put_u32(skb, PERCORE_A_TSQ_DELAY_P95_NS,
			READ_ONCE(rule->p95_ns)) ||
	    nla_put_u32(skb, PERCORE_A_TSQ_TARGET_US,
			READ_ONCE(rule->target_us)) ||
	    (READ_ONCE(rule->stands) &&
	     nla_put_flag(skb, PERCORE_A_TSQ_STANDS)))
		return -EMSGSIZE;
	return 0;
}

static int percore_tsq_put_queue(struct sk_buff *skb,
				 const struct percore_tsq_dev *tdev,
				 unsigned int id)
{
	const struct percore_tsq_queue *q = &tdev->queue[id];
	unsigned long samples = READ_ONCE(q->samples);
	u8 source = READ_ONCE(q->source);

	if (nla_put_u32(skb, PERCORE_A_TSQ_IFINDEX, tdev->dev->ifindex) ||
	    nla_put_string(skb, PERCORE_A_TSQ_IFNAME, tdev->dev->name) ||
	    nla_put_u32(skb, PERCORE_A_TSQ_QUEUE, id) ||
	    nla_put_string(skb, PERCORE_A_TSQ_SOURCE,
			   percore_tsq_source_names[source]) ||
	    nla_put_u64_64bit(skb, PERCORE_A_TSQ_SAMPLES, samples,
			      PERCORE_A_TSQ_PAD) ||
	    nla_put_u32(skb, PERCORE_A_TSQ_SHIFT, READ_ONCE(q->shift)) ||
	    nla_put_u64_64bit(skb, PERCORE_A_TSQ_CHANGES,
			      READ_ONCE(q->changes), PERCORE_A_TSQ_PAD))
		return -EMSGSIZE;
	return percore_tsq_put_delay(skb, q, samples);
}

/* From queue cb->args[1] on, which is 0 again at the end. */
static int percore_tsq_dump_dev(struct sk_buff *skb,
				struct netlink_callback *cb,
				const struct percore_tsq_dev *tdev)
{
	const struct genl_info *info = genl_info_dump(cb);
	void *head;

	for (; cb->args[1] < tdev->dev->real_num_tx_queues; cb->args[1]++) {
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, info->family,
				   NLM_F_MULTI, PERCORE_CMD_TSQ_GET);
		if (!head)
			return -EMSGSIZE;
		if (percore_tsq_put_queue(skb, tdev, cb->args[1])) {
			genlmsg_cancel(skb, head);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, head);
	}
	cb->args[1] = 0;
	return 0;
}

/**
 * percore_tsq_nl_dump - PERCORE_CMD_TSQ_GET
 * @skb: gets messages
 * @cb: args[0] is the index of the interface to go on with, args[1] its queue
 * Context: process, takes RTNL.
 * Return: bytes, or an errno.
 */
int percore_tsq_nl_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct percore_tsq_dev *tdev;
	struct net_device *dev;
	int err = 0;

	rtnl_lock();
	for_each_netdev_dump(sock_net(skb->sk), dev, cb->args[0]) {
		tdev = percore_tsq_find(dev);
		if (tdev)
			err = percore_tsq_dump_dev(skb, cb, tdev);
		if (err)
			break;
	}
	rtnl_unlock();
	return err && !skb->len ? err : skb->len;
}
