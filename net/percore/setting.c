// SPDX-License-Identifier: GPL-2.0
/*
 * setting.c - read and write what steers the packets of a queue
 *
 * Each through what the kernel itself offers, so that a write of ours and a
 * write to the file of the same name are serialised by the same lock:
 *
 *	interrupt	irq_set_affinity()	/proc/irq/N/smp_affinity
 *	XPS		netif_set_xps_queue()	queues/tx-N/xps_cpus
 *	RPS, RFS	the store() of the sysfs attribute, as the maps' locks
 *			and the code that takes them are private to it
 *	RSS table	ethtool_ops (reta.c)	ethtool -X
 *
 * Locking: all of it under RTNL, which keeps the queues and their sysfs
 * directories. Readers of maps are readers of RCU, like the packet path.
 */
#include <linux/cred.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <net/netdev_rx_queue.h>
#include <net/rps.h>

#include "percore.h"
#include "setting.h"

/* store() asks for CAP_NET_ADMIN, which rmmod need not have */
static struct cred *percore_setting_cred;

/**
 * percore_value_alloc - make an empty value
 * @value: the value
 * Context: process, may sleep.
 * Return: false without memory; then there is nothing to free.
 */
bool percore_value_alloc(struct percore_value *value)
{
	value->flows = 0;
	return zalloc_cpumask_var(&value->cpus, GFP_KERNEL);
}

/**
 * percore_value_free - free what percore_value_alloc() made
 * @value: the value
 * Context: process.
 */
void percore_value_free(struct percore_value *value)
{
	free_cpumask_var(value->cpus);
}

/**
 * percore_value_copy - copy a value
 * @to: becomes equal to
 * @from: this
 * Context: any.
 */
void percore_value_copy(struct percore_value *to,
			const struct percore_value *from)
{
	cpumask_copy(to->cpus, from->cpus);
	to->flows = from->flows;
}

/**
 * percore_value_equal - are two values the same
 * @a: one
 * @b: the other
 * Context: any.
 * Return: whether they are.
 */
bool percore_value_equal(const struct percore_value *a,
			 const struct percore_value *b)
{
	return a->flows == b->flows && cpumask_equal(a->cpus, b->cpus);
}

/**
 * percore_setting_name - what a kind of setting is called
 * @kind: the kind
 * Context: any.
 * Return: a word.
 */
const char *percore_setting_name(enum percore_setting_kind kind)
{
	switch (kind) {
	case PERCORE_SETTING_IRQ:
		return "smp_affinity of interrupt";
	case PERCORE_SETTING_XPS:
		return "xps_cpus of queue";
	case PERCORE_SETTING_RPS:
		return "rps_cpus of queue";
	case PERCORE_SETTING_FLOWS:
		return "rps_flow_cnt of queue";
	}
	return "setting";
}

/**
 * percore_setting_pci - the PCI function that an interface stands for
 * @dev: the interface
 *
 * Not any ancestor: a NIC on USB has the vectors of its host controller there.
 *
 * Context: any.
 * Return: the function, NULL if there is none.
 */
struct pci_dev *percore_setting_pci(const struct net_device *dev)
{
	struct device *parent = dev->dev.parent;

	if (parent && parent->bus && !strcmp(parent->bus->name, "virtio"))
		parent = parent->parent;
	return parent && dev_is_pci(parent) ? to_pci_dev(parent) : NULL;
}

static void percore_xps_read(struct net_device *dev, u32 queue,
			     struct cpumask *cpus)
{
	const struct xps_dev_maps *maps;
	unsigned int cpu;
	int i;

	rcu_read_lock();
	maps = rcu_dereference(dev->xps_maps[XPS_CPUS]);
	for (cpu = 0; maps && cpu < maps->nr_ids; cpu++) {
		const struct xps_map *map;

		map = rcu_dereference(maps->attr_map[cpu * maps->num_tc]);
		for (i = map ? map->len : 0; i--;)
			if (map->queues[i] == queue)
				cpumask_set_cpu(cpu, cpus);
	}
	rcu_read_unlock();
}

static void percore_rps_read(struct netdev_rx_queue *rxq, struct cpumask *cpus)
{
	const struct rps_map *map;
	unsigned int i;

	rcu_read_lock();
	map = rcu_dereference(rxq->rps_map);
	for (i = 0; map && i < map->len; i++)
		cpumask_set_cpu(map->cpus[i], cpus);
	rcu_read_unlock();
}

static u32 percore_flows_read(struct netdev_rx_queue *rxq)
{
	const struct rps_dev_flow_table *table;
	u32 n;

	rcu_read_lock();
	table = rcu_dereference(rxq->rps_flow_table);
	n = table ? table->mask + 1 : 0;
	rcu_read_unlock();
	return n;
}

static int percore_rxq_store(struct netdev_rx_queue *rxq, const char *name,
			     const char *text)
{
	const struct attribute_group **group;
	struct kobject *kobj = &rxq->kobj;
	const struct cred *cred;
	struct attribute **attr;
	ssize_t ret;

	if (!kobj->state_in_sysfs || !kobj->ktype)
		return -ENOENT;
	for (group = kobj->ktype->default_groups; group && *group; group++)
		for (attr = (*group)->attrs; attr && *attr; attr++)
			if (!strcmp((*attr)->name, name))
				goto found;
	return -EOPNOTSUPP;

found:
	cred = override_creds(percore_setting_cred);
	ret = kobj->ktype->sysfs_ops->store(kobj, *attr, text, strlen(text));
	revert_creds(cred);
	return ret < 0 ? ret : 0;
}

static int percore_rps_write(struct netdev_rx_queue *rxq,
			     const struct cpumask *cpus)
{
	char *text = kasprintf(GFP_KERNEL, "%*pb", cpumask_pr_args(cpus));
	int err;

	if (!text)
		return -ENOMEM;
	err = percore_rxq_store(rxq, "rps_cpus", text);
	kfree(text);
	return err;
}

static int percore_flows_write(struct netdev_rx_queue *rxq, u32 flows)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", flows);
	return percore_rxq_store(rxq, "rps_flow_cnt", text);
}

static bool percore_setting_exists(const struct net_device *dev,
				   enum percore_setting_kind kind, u32 index)
{
	switch (kind) {
	case PERCORE_SETTING_IRQ:
		return true;
	case PERCORE_SETTING_XPS:
		/* Maps of traffic classes are their owner's */
		return !dev->num_tc && index < dev->real_num_tx_queues;
	default:
		return index < dev->real_num_rx_queues;
	}
}

/**
 * percore_setting_read - read a setting
 * @dev: the interface
 * @kind: what
 * @index: interrupt number or queue
 * @value: gets it
 * Context: process, RTNL.
 * Return: 0, -ENOENT if there is no such thing (any more), -EPERM or
 * -EOPNOTSUPP if it cannot be set.
 */
int percore_setting_read(struct net_device *dev,
			 enum percore_setting_kind kind, u32 index,
			 struct percore_value *value)
{
	ASSERT_RTNL();
	cpumask_clear(value->cpus);
	value->flows = 0;
	if (!percore_setting_exists(dev, kind, index))
		return -ENOENT;
	switch (kind) {
	case PERCORE_SETTING_IRQ:
		return percore_irq_read(index, value->cpus, NULL);
	case PERCORE_SETTING_XPS:
		percore_xps_read(dev, index, value->cpus);
		break;
	case PERCORE_SETTING_RPS:
		percore_rps_read(__netif_get_rx_queue(dev, index), value->cpus);
		break;
	case PERCORE_SETTING_FLOWS:
		value->flows =
			percore_flows_read(__netif_get_rx_queue(dev, index));
		break;
	}
	return 0;
}

/**
 * percore_setting_write - write a setting
 * @dev: the interface
 * @kind: what
 * @index: interrupt number or queue; an interrupt is one of the interface's
 * @value: its value
 * Context: process, RTNL, may sleep.
 * Return: 0, -ENOENT if there is no such thing (any more), or the kernel's
 * errno.
 */
int percore_setting_write(struct net_device *dev,
			  enum percore_setting_kind kind, u32 index,
			  const struct percore_value *value)
{
	ASSERT_RTNL();
	if (!percore_setting_exists(dev, kind, index))
		return -ENOENT;
	switch (kind) {
	case PERCORE_SETTING_IRQ:
		return percore_irq_write(index, value->cpus);
	case PERCORE_SETTING_XPS:
		return netif_set_xps_queue(dev, value->cpus, index);
	case PERCORE_SETTING_RPS:
		return percore_rps_write(__netif_get_rx_queue(dev, index),
					 value->cpus);
	case PERCORE_SETTING_FLOWS:
		return percore_flows_write(__netif_get_rx_queue(dev, index),
					   value->flows);
	}
	return -EINVAL;
}

/**
 * percore_setting_init - get what writes need
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int percore_setting_init(void)
{
	percore_setting_cred = prepare_kernel_cred(&init_task);
	return percore_setting_cred ? 0 : -ENOMEM;
}

/**
 * percore_setting_exit - undo percore_setting_init()
 * Context: process.
 */
void percore_setting_exit(void)
{
	put_cred(percore_setting_cred);
}
