// SPDX-License-Identifier: GPL-2.0
/*
 * rss.c - how NICs that are steered spread what they receive
 *
 * steer.c has a NIC read anew at each look; who connects reads what was learnt.
 * A NIC of which not all is known (the key, that it hashes addresses and ports
 * of TCP, by Toeplitz alone) is not there.
 *
 * Locking: RTNL for who writes, RCU for who reads.
 */
#include <linux/ethtool.h>
#include <linux/log2.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "percore.h"
#include "connect.h"
#include "setting.h"
#include "steer.h"

static LIST_HEAD(percore_rss_list);

static void percore_rss_drop(struct percore_rss *rss)
{
	if (!rss)
		return;
	list_del_rcu(&rss->list);
	kvfree_rcu(rss, rcu);
}

/**
 * percore_rss_find - what was learnt of a NIC
 * @dev: the interface
 * Context: RCU read side, or RTNL.
 * Return: it, valid as long; or NULL.
 */
const struct percore_rss *percore_rss_find(const struct net_device *dev)
{
	const struct percore_rss *rss;

	list_for_each_entry_rcu(rss, &percore_rss_list, list,
				lockdep_rtnl_is_held())
		if (rss->dev == dev)
			return rss;
	return NULL;
}

/* The entries of one queue after the other, and which of them are a CPU's */
static void percore_rss_sort(struct percore_rss *rss,
			     const struct percore_topology *top,
			     const u32 *reta)
{
	const struct percore_plan *plan = &top->plan;
	u32 q, i, n = 0, size = plan->reta_size;
	struct percore_rss_slice slice;

	for (q = 0; q < plan->n_queues; q++) {
		slice.from = n;
		for (i = 0; i < size; i++)
			if (reta[i] == q)
				rss->entry[n++] = i;
		slice.n = n - slice.from;
		for (i = 0; i < plan->n_cpus; i++)
			if (plan->cpus[i].queue == q)
				rss->of_cpu[plan->cpus[i].id] = slice;
	}
}

static bool percore_rss_same(const struct percore_rss *a,
			     const struct percore_rss *b)
{
	size_t from = offsetof(struct percore_rss, key);

	return a && !memcmp((void *)a + from, (void *)b + from,
			    struct_size(a, of_cpu, nr_cpu_ids) - from);
}

static struct percore_rss *percore_rss_read(struct net_device *dev,
					    const struct percore_topology *top)
{
	u32 size = top->plan.reta_size;
	struct percore_rss *rss;
	u32 *reta;

	if (size < 2 || size > PERCORE_RSS_ENTRIES || !is_power_of_2(size))
		return NULL;
	reta = kcalloc(size, sizeof(*reta), GFP_KERNEL);
	rss = kvzalloc(struct_size(rss, of_cpu, nr_cpu_ids), GFP_KERNEL);
	if (!reta || !rss || percore_reta_read(dev, reta, size) ||
	    percore_reta_hash(dev, rss->key, sizeof(rss->key))) {
		kfree(reta);
		kvfree(rss);
		return NULL;
	}
	rss->dev = dev;
	percore_rss_sort(rss, top, reta);
	percore_ports_solve(&rss->v4, rss->key, PERCORE_TUPLE_V4, ilog2(size));
	percore_ports_solve(&rss->v6, rss->key, PERCORE_TUPLE_V6, ilog2(size));
	kfree(reta);
	return rss;
}

/**
 * percore_rss_learn - read how a NIC spreads what it receives
 * @dev: an interface that is steered
 *
 * What was learnt before goes, unless it is the same.
 *
 * Context: process, RTNL, may sleep.
 */
void percore_rss_learn(struct net_device *dev)
{
	struct percore_topology *top = percore_topology_read(dev);
	struct percore_rss *rss = NULL, *was;

	ASSERT_RTNL();
	was = (struct percore_rss *)percore_rss_find(dev);
	if (top) {
		rss = percore_rss_read(dev, top);
		percore_topology_free(top);
	}
	if (rss && percore_rss_same(was, rss)) {
		kvfree(rss);
		return;
	}
	percore_rss_drop(was);
	if (rss)
		list_add_rcu(&rss->list, &percore_rss_list);
}

/**
 * percore_rss_forget - a NIC is no longer steered
 * @dev: the interface
 * Context: process, RTNL.
 */
void percore_rss_forget(const struct net_device *dev)
{
	ASSERT_RTNL();
	percore_rss_drop((struct percore_rss *)percore_rss_find(dev));
}
