// SPDX-License-Identifier: GPL-2.0
/*
 * steer_nl.c - plans in the generic netlink family: show, apply, revert
 *
 * A plan is made anew for whoever asks, so that what is shown is what would be
 * applied now. One message for each queue: a NIC may have hundreds.
 */
#include <linux/percore.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/percore_nic.h>

#include "percore.h"
#include "steer.h"

#define PERCORE_STEER_WHY_MAX	128

static void percore_steer_why(const struct percore_topology *top, u32 q,
			      char *text)
{
	static const char * const home[] = {
		[PERCORE_PLAN_WHY_DRIVER] = "its driver keeps it there",
		[PERCORE_PLAN_WHY_OWN] = "every CPU has a queue",
		[PERCORE_PLAN_WHY_NEAR] = "near the NIC, far from the others",
		[PERCORE_PLAN_WHY_SPARE] = "spare: more queues than CPUs",
	};
	const struct percore_plan_queue *queue = &top->plan.queues[q];
	u32 flows = percore_plan_flows(&top->plan, q);
	int at;

	at = scnprintf(text, PERCORE_STEER_WHY_MAX, "%s", home[queue->why]);
	if (queue->work > 1)
		at += scnprintf(text + at, PERCORE_STEER_WHY_MAX - at,
				"; RPS, as it serves %u CPUs", queue->work);
	if (queue->work > 1 && !flows)
		at += scnprintf(text + at, PERCORE_STEER_WHY_MAX - at,
				"; rps_sock_flow_entries is 0: no RFS");
	if (queue->all > queue->work)
		scnprintf(text + at, PERCORE_STEER_WHY_MAX - at,
			  "; %u isolated transmit on it",
			  queue->all - queue->work);
}

static int percore_steer_put_cpus(struct sk_buff *skb, int attr,
				  const struct cpumask *cpus)
{
	char *text = kasprintf(GFP_KERNEL, "%*pbl", cpumask_pr_args(cpus));
	int err;

	if (!text)
		return -ENOMEM;
	err = nla_put_string(skb, attr, text);
	kfree(text);
	return err;
}

static int percore_steer_put_port(struct sk_buff *skb, struct net_device *dev,
				  const struct percore_topology *top)
{
	struct percore_steer_info info;

	percore_steer_info(dev, &info);
	if (nla_put_u32(skb, PERCORE_A_PLAN_IFINDEX, dev->ifindex) ||
	    nla_put_string(skb, PERCORE_A_PLAN_IFNAME, dev->name) ||
	    (info.steered && nla_put_flag(skb, PERCORE_A_PLAN_STEERED)) ||
	    nla_put_u64_64bit(skb, PERCORE_A_PLAN_HEALED, info.healed,
			      PERCORE_A_PLAN_PAD) ||
	    (info.err && nla_put_u32(skb, PERCORE_A_PLAN_ERROR, -info.err)) ||
	    nla_put_u32(skb, PERCORE_A_PLAN_QUEUES, top->plan.n_queues) ||
	    (top->plan.reta_size &&
	     nla_put_u32(skb, PERCORE_A_PLAN_RETA_SIZE, top->plan.reta_size)))
		return -EMSGSIZE;
	return 0;
}

static int percore_steer_put_irqs(struct sk_buff *skb, struct net_device *dev,
				  const struct percore_topology *top, u32 q)
{
	struct percore_nic_queue info;

	if (top->rx_irq[q] &&
	    nla_put_u32(skb, PERCORE_A_PLAN_RX_IRQ, top->rx_irq[q]))
		return -EMSGSIZE;
	if (top->tx_irq[q] &&
	    nla_put_u32(skb, PERCORE_A_PLAN_TX_IRQ, top->tx_irq[q]))
		return -EMSGSIZE;
	if (!top->rx_irq[q] && !top->tx_irq[q] &&
	    nla_put_string(skb, PERCORE_A_PLAN_IRQ_NOTE,
			   top->note ?: "no interrupt is known for it"))
		return -EMSGSIZE;
	if (!percore_port_queue_get(dev, q, &info) && info.napi_id &&
	    nla_put_u32(skb, PERCORE_A_PLAN_NAPI_ID, info.napi_id))
		return -EMSGSIZE;
	return 0;
}

/* @cpus: scratch */
static int percore_steer_put_groups(struct sk_buff *skb,
				    const struct percore_topology *top, u32 q,
				    struct cpumask *cpus)
{
	const struct percore_plan *plan = &top->plan;
	u32 i, flows = percore_plan_flows(plan, q);
	int err;

	cpumask_clear(cpus);
	for (i = 0; i < plan->n_cpus; i++)
		if (plan->cpus[i].queue == q)
			cpumask_set_cpu(plan->cpus[i].id, cpus);
	err = percore_steer_put_cpus(skb, PERCORE_A_PLAN_CPUS, cpus);
	percore_topology_rps(top, q, cpus);
	err = err ?: percore_steer_put_cpus(skb, PERCORE_A_PLAN_RPS, cpus);
	if (!err && top->xps && q < top->n_tx) {
		percore_topology_xps(top, q, cpus);
		err = percore_steer_put_cpus(skb, PERCORE_A_PLAN_XPS, cpus);
	}
	if (!err && flows)
		err = nla_put_u32(skb, PERCORE_A_PLAN_FLOWS, flows);
	if (!err && plan->reta_size)
		err = nla_put_u32(skb, PERCORE_A_PLAN_RETA,
				  plan->queues[q].reta);
	return err;
}

static int percore_steer_put_queue(struct sk_buff *skb, struct net_device *dev,
				   const struct percore_topology *top, u32 q)
{
	const struct percore_plan *plan = &top->plan;
	char why[PERCORE_STEER_WHY_MAX];
	cpumask_var_t cpus;
	int err;

	percore_steer_why(top, q, why);
	if (percore_steer_put_port(skb, dev, top) ||
	    nla_put_u32(skb, PERCORE_A_PLAN_QUEUE, q) ||
	    nla_put_u32(skb, PERCORE_A_PLAN_CPU,
			plan->cpus[plan->queues[q].home].id) ||
	    nla_put_string(skb, PERCORE_A_PLAN_WHY, why) ||
	    percore_steer_put_irqs(skb, dev, top, q))
		return -EMSGSIZE;
	if (!alloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	err = percore_steer_put_groups(skb, top, q, cpus);
	free_cpumask_var(cpus);
	return err;
}

/* From queue cb->args[1] on, which is 0 again at the end. */
static int percore_steer_dump_port(struct sk_buff *skb,
				   struct netlink_callback *cb,
				   struct net_device *dev)
{
	const struct genl_info *info = genl_info_dump(cb);
	struct percore_topology *top;
	int err = 0;
	void *head;

	top = percore_topology_read(dev);
	if (!top)
		return -ENOMEM;
	for (; cb->args[1] < top->plan.n_queues; cb->args[1]++) {
		err = -EMSGSIZE;
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, info->family,
				   NLM_F_MULTI, PERCORE_CMD_PLAN_GET);
		if (!head)
			goto free;
		err = percore_steer_put_queue(skb, dev, top, cb->args[1]);
		if (err) {
			genlmsg_cancel(skb, head);
			goto free;
		}
		genlmsg_end(skb, head);
	}
	cb->args[1] = 0;
free:
	percore_topology_free(top);
	return err;
}

static struct net_device *percore_steer_dev(const struct genl_info *info)
{
	struct nlattr *attr = info->attrs[PERCORE_A_PLAN_IFINDEX];
	struct net_device *dev;

	dev = __dev_get_by_index(genl_info_net(info), nla_get_u32(attr));
	if (!dev)
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr,
					"no interface has index %u here",
					nla_get_u32(attr));
	return dev;
}

static int percore_steer_dump_one(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	struct net_device *dev;
	int err;

	if (cb->args[0])
		return 0;
	dev = percore_steer_dev(genl_info_dump(cb));
	if (!dev)
		return -ENODEV;
	if (!percore_topology_fits(dev)) {
		NL_SET_ERR_MSG_FMT_MOD(cb->extack,
				       "%s is not a NIC on PCI or virtio-pci",
				       dev->name);
		return -EINVAL;
	}
	err = percore_steer_dump_port(skb, cb, dev);
	if (!err)
		cb->args[0] = 1;
	return err;
}

static int percore_steer_dump_all(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	struct net_device *dev;
	int err = 0;

	for_each_netdev_dump(sock_net(skb->sk), dev, cb->args[0]) {
		if (!percore_topology_fits(dev))
			continue;
		err = percore_steer_dump_port(skb, cb, dev);
		if (err)
			break;
	}
	return err;
}

/**
 * percore_steer_nl_dump - PERCORE_CMD_PLAN_GET
 * @skb: gets messages
 * @cb: args[0] is the index of the interface to go on with, or whether the one
 *	asked for is done; args[1] its queue
 * Context: process, takes RTNL.
 * Return: bytes, or an errno.
 */
int percore_steer_nl_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	int err;

	rtnl_lock();
	if (genl_info_dump(cb)->attrs[PERCORE_A_PLAN_IFINDEX])
		err = percore_steer_dump_one(skb, cb);
	else
		err = percore_steer_dump_all(skb, cb);
	rtnl_unlock();
	return err && !skb->len ? err : skb->len;
}

static int percore_steer_nl_do(struct genl_info *info,
			       int (*act)(struct net_device *dev,
					  struct netlink_ext_ack *extack))
{
	struct net_device *dev;
	int err = -ENODEV;

	if (GENL_REQ_ATTR_CHECK(info, PERCORE_A_PLAN_IFINDEX))
		return -EINVAL;
	rtnl_lock();
	dev = percore_steer_dev(info);
	if (dev)
		err = act(dev, info->extack);
	rtnl_unlock();
	return err;
}

/**
 * percore_steer_nl_apply - PERCORE_CMD_PLAN_APPLY
 * @skb: the request
 * @info: the request
 * Context: process, takes RTNL.
 * Return: as percore_steer_apply(), -EINVAL without an interface, -ENODEV.
 */
int percore_steer_nl_apply(struct sk_buff *skb, struct genl_info *info)
{
	return percore_steer_nl_do(info, percore_steer_apply);
}

/**
 * percore_steer_nl_revert - PERCORE_CMD_PLAN_REVERT
 * @skb: the request
 * @info: the request
 * Context: process, takes RTNL.
 * Return: as percore_steer_revert(), -EINVAL without an interface, -ENODEV.
 */
int percore_steer_nl_revert(struct sk_buff *skb, struct genl_info *info)
{
	return percore_steer_nl_do(info, percore_steer_revert);
}
