// SPDX-License-Identifier: GPL-2.0
/*
 * topology.c - what a plan is made from: the machine and one interface
 *
 * Locking: RTNL, for the interface. CPUs may come and go meanwhile; what is
 * read is as old as any answer, and steer.c looks again soon.
 */
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/sched/isolation.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <net/hotdata.h>
#include <net/percore_nic.h>
#include <net/rps.h>

#include "percore.h"
#include "setting.h"
#include "steer.h"

/* The kernel exports no map of CPUs that share a last-level cache. */
static u32 percore_topology_llc(unsigned int cpu)
{
#ifdef CONFIG_X86
	return per_cpu_llc_id(cpu);
#else
	return topology_physical_package_id(cpu);
#endif
}

/* @llc: room for an id for each CPU */
static void percore_topology_cpus(struct percore_plan *plan, u32 *llc)
{
	struct percore_plan_cpu *cpu;
	unsigned int id, first;
	u32 i, n = 0;

	for_each_online_cpu(id) {
		cpu = &plan->cpus[n];
		cpu->id = id;
		cpu->node = cpu_to_node(id);
		cpu->isolated = cpu_is_isolated(id);
		first = cpumask_first(topology_sibling_cpumask(id));
		llc[n] = percore_topology_llc(id);
		cpu->core = n;
		cpu->llc = n;
		for (i = 0; i < n; i++) {
			if (plan->cpus[i].id == first)
				cpu->core = i;
			if (plan->cpus[i].llc == i && llc[i] == llc[n])
				cpu->llc = i;
		}
		n++;
	}
	plan->n_cpus = n;
}

static void percore_topology_queues(struct net_device *dev,
				    struct percore_plan *plan)
{
	const struct rps_sock_flow_table *table;
	struct percore_nic_queue info;
	u32 q;

	for (q = 0; q < plan->n_queues; q++)
		plan->queues[q].prefer =
			percore_port_queue_get(dev, q, &info) ?
			PERCORE_PLAN_ANY : info.cpu;

	rcu_read_lock();
	table = rcu_dereference(net_hotdata.rps_sock_flow_table);
	plan->flows = table ? table->mask + 1 : 0;
	rcu_read_unlock();
}

static bool percore_topology_alloc(struct percore_topology *top)
{
	struct percore_plan *plan = &top->plan;

	plan->sorted = kvcalloc(nr_cpu_ids, sizeof(*plan->sorted), GFP_KERNEL);
	plan->cpus = kvcalloc(nr_cpu_ids, sizeof(*plan->cpus), GFP_KERNEL);
	plan->queues = kvcalloc(plan->n_queues, sizeof(*plan->queues),
				GFP_KERNEL);
	top->rx_irq = kcalloc(plan->n_queues, sizeof(*top->rx_irq), GFP_KERNEL);
	top->tx_irq = kcalloc(plan->n_queues, sizeof(*top->tx_irq), GFP_KERNEL);
	return plan->sorted && plan->cpus && plan->queues && top->rx_irq &&
	       top->tx_irq;
}

/**
 * percore_topology_fits - can an interface be steered
 * @dev: the interface
 * Context: process, RTNL.
 * Return: whether it stands for a function on PCI, which is where its
 * interrupts are looked for, and is registered.
 */
bool percore_topology_fits(const struct net_device *dev)
{
	ASSERT_RTNL();
	return dev->reg_state == NETREG_REGISTERED && dev->real_num_rx_queues &&
	       dev->real_num_tx_queues && percore_setting_pci(dev);
}

/**
 * percore_topology_read - read machine and interface, make the plan
 * @dev: an interface that percore_topology_fits()
 * Context: process, RTNL, may sleep.
 * Return: it, to be given to percore_topology_free(); NULL without memory.
 */
struct percore_topology *percore_topology_read(struct net_device *dev)
{
	struct percore_topology *top = kzalloc(sizeof(*top), GFP_KERNEL);
	int node = dev_to_node(&percore_setting_pci(dev)->dev);
	struct percore_plan *plan;

	if (!top)
		return NULL;
	plan = &top->plan;
	plan->node = node == NUMA_NO_NODE ? PERCORE_PLAN_ANY : node;
	plan->n_queues = dev->real_num_rx_queues;
	top->n_tx = dev->real_num_tx_queues;
	top->xps = top->n_tx > 1 && !dev->num_tc;
	if (!percore_topology_alloc(top)) {
		percore_topology_free(top);
		return NULL;
	}
	if (plan->n_queues > 1)
		plan->reta_size = percore_reta_size(dev);
	/* u64 for each CPU is room enough for an id */
	percore_topology_cpus(plan, (u32 *)plan->sorted);
	percore_topology_queues(dev, plan);
	percore_plan_make(plan);
	top->note = percore_irq_find(dev, plan->n_queues, top->rx_irq,
				     top->tx_irq);
	return top;
}

/**
 * percore_topology_free - free it
 * @top: what percore_topology_read() gave
 * Context: process.
 */
void percore_topology_free(struct percore_topology *top)
{
	kvfree(top->plan.sorted);
	kvfree(top->plan.cpus);
	kvfree(top->plan.queues);
	kfree(top->rx_irq);
	kfree(top->tx_irq);
	kfree(top);
}

/**
 * percore_topology_xps - which CPUs are to transmit on a queue
 * @top: the plan
 * @queue: the transmit queue
 * @cpus: gets them
 *
 * With fewer transmit than receive queues, those of several share one.
 *
 * Context: any.
 */
void percore_topology_xps(const struct percore_topology *top, u32 queue,
			  struct cpumask *cpus)
{
	const struct percore_plan *plan = &top->plan;
	u32 i;

	cpumask_clear(cpus);
	for (i = 0; i < plan->n_cpus; i++)
		if (plan->cpus[i].queue % top->n_tx == queue)
			cpumask_set_cpu(plan->cpus[i].id, cpus);
}

/**
 * percore_topology_rps - which CPUs packets of a queue are to be handed to
 * @top: the plan
 * @queue: the receive queue
 * @cpus: gets them; none, if the queue serves one CPU, where its packets are
 * Context: any.
 */
void percore_topology_rps(const struct percore_topology *top, u32 queue,
			  struct cpumask *cpus)
{
	const struct percore_plan *plan = &top->plan;
	u32 i;

	cpumask_clear(cpus);
	if (plan->queues[queue].work < 2)
		return;
	for (i = 0; i < plan->n_cpus; i++)
		if (plan->cpus[i].queue == queue && !plan->cpus[i].isolated)
			cpumask_set_cpu(plan->cpus[i].id, cpus);
}
