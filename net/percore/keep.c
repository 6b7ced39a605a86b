// SPDX-License-Identifier: GPL-2.0
/*
 * keep.c - the settings of one interface: set them, put back what was there
 *
 * Before a setting is written for the first time its value is kept. A look
 * makes the plan anew, reads every setting and writes those that are not what
 * the plan wants; each at most once.
 *
 * When the number of queues changes, drivers set their own defaults. What is
 * found then and is not ours is what would be there without us, and is kept.
 *
 * Locking: RTNL guards everything here.
 */
#include <linux/ethtool.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "percore.h"
#include "setting.h"
#include "stats.h"
#include "steer.h"
#include "trace.h"

/**
 * struct percore_keep_item - a setting that is ours to keep
 * @list: of its interface
 * @kind: what it is
 * @index: interrupt number or queue
 * @seen: the plan just made has it
 * @settled: it was once as @want says
 * @was: its value before us
 * @want: its value by the plan
 */
struct percore_keep_item {
	struct list_head list;
	enum percore_setting_kind kind;
	u32 index;
	bool seen;
	bool settled;
	struct percore_value was;
	struct percore_value want;
};

static struct percore_value percore_keep_now;	/* scratch */

static void percore_keep_item_free(struct percore_keep_item *item)
{
	list_del(&item->list);
	percore_value_free(&item->was);
	percore_value_free(&item->want);
	kfree(item);
}

static struct percore_keep_item *
percore_keep_item_find(struct percore_keep *keep,
		       enum percore_setting_kind kind, u32 index)
{
	struct percore_keep_item *item;

	list_for_each_entry(item, &keep->items, list)
		if (item->kind == kind && item->index == index)
			return item;
	return NULL;
}

/* Keeps what is there. Return: 0, -ENOMEM, or why it is not ours to set. */
static int percore_keep_item_add(struct percore_keep *keep,
				 enum percore_setting_kind kind, u32 index,
				  struct percore_keep_item **added)
{
	struct percore_keep_item *item = kzalloc(sizeof(*item), GFP_KERNEL);
	int err = -ENOMEM;

	if (!item)
		return err;
	if (!percore_value_alloc(&item->was))
		goto free_item;
	if (!percore_value_alloc(&item->want))
		goto free_was;
	err = percore_setting_read(keep->dev, kind, index, &item->was);
	if (err)
		goto free_want;
	item->kind = kind;
	item->index = index;
	list_add_tail(&item->list, &keep->items);
	*added = item;
	return 0;

free_want:
	percore_value_free(&item->want);
free_was:
	percore_value_free(&item->was);
free_item:
	kfree(item);
	return err;
}

/* As they are in percore_drift, and stay */
static const char * const percore_keep_words[] = {
	[PERCORE_SETTING_IRQ] = "irq",
	[PERCORE_SETTING_XPS] = "xps",
	[PERCORE_SETTING_RPS] = "rps",
	[PERCORE_SETTING_FLOWS] = "flows",
};

static void percore_keep_heal(struct percore_keep *keep, const char *setting,
			      u32 index)
{
	keep->healed++;
	trace_percore_drift(keep->dev, setting, index);
	percore_event_drift(keep->dev, setting, index);
	percore_stat_inc(dev_net(keep->dev), PERCORE_STAT_HEALED);
}

/* percore_keep_now holds what is wanted */
static int percore_keep_item_want(struct percore_keep *keep,
				  enum percore_setting_kind kind, u32 index)
{
	struct percore_keep_item *item;
	int err;

	item = percore_keep_item_find(keep, kind, index);
	/* An interrupt of several queues goes with the first of them */
	if (item && item->seen)
		return 0;
	if (!item) {
		err = percore_keep_item_add(keep, kind, index, &item);
		if (err)
			return err == -ENOMEM ? err : 0;
	}
	item->seen = true;
	if (!percore_value_equal(&item->want, &percore_keep_now)) {
		percore_value_copy(&item->want, &percore_keep_now);
		item->settled = false;
	}
	return 0;
}

static int percore_keep_item_set(struct percore_keep *keep,
				 struct percore_keep_item *item)
{
	int err = percore_setting_read(keep->dev, item->kind, item->index,
				       &percore_keep_now);

	if (err)
		return 0;
	if (!percore_value_equal(&percore_keep_now, &item->want)) {
		err = percore_setting_write(keep->dev, item->kind, item->index,
					    &item->want);
		if (err)
			return err == -ENOENT ? 0 : err;
		if (item->settled)
			percore_keep_heal(keep, percore_keep_words[item->kind],
					  item->index);
	}
	item->settled = true;
	return 0;
}

/* Puts back what was there. The item is gone, unless an error says why not. */
static int percore_keep_item_revert(struct percore_keep *keep,
				    struct percore_keep_item *item)
{
	int err = percore_setting_read(keep->dev, item->kind, item->index,
				       &percore_keep_now);

	/* What is not there any more, or belongs to another device by now */
	if (err || (item->kind == PERCORE_SETTING_IRQ &&
		    !percore_irq_is_of(percore_setting_pci(keep->dev),
				       item->index)))
		goto done;
	if (!percore_value_equal(&percore_keep_now, &item->was))
		err = percore_setting_write(keep->dev, item->kind, item->index,
					    &item->was);
	if (err && err != -ENOENT)
		return err;
done:
	percore_keep_item_free(item);
	return 0;
}

/* The queues are others: see the top of the file */
static void percore_keep_items_rekeep(struct percore_keep *keep)
{
	struct percore_keep_item *item;

	list_for_each_entry(item, &keep->items, list)
		if (!percore_setting_read(keep->dev, item->kind, item->index,
					  &percore_keep_now) &&
		    !percore_value_equal(&percore_keep_now, &item->want))
			percore_value_copy(&item->was, &percore_keep_now);
}

static int percore_keep_irq_want(struct percore_keep *keep,
				 unsigned int irq, unsigned int cpu)
{
	if (!irq)
		return 0;
	percore_keep_now.flows = 0;
	cpumask_copy(percore_keep_now.cpus, cpumask_of(cpu));
	return percore_keep_item_want(keep, PERCORE_SETTING_IRQ, irq);
}

static int percore_keep_queue_want(struct percore_keep *keep,
				   const struct percore_topology *top, u32 q)
{
	const struct percore_plan *plan = &top->plan;
	u32 cpu = plan->cpus[plan->queues[q].home].id;
	int err;

	err = percore_keep_irq_want(keep, top->rx_irq[q], cpu);
	err = err ?: percore_keep_irq_want(keep, top->tx_irq[q], cpu);
	if (err)
		return err;
	percore_keep_now.flows = 0;
	percore_topology_rps(top, q, percore_keep_now.cpus);
	err = percore_keep_item_want(keep, PERCORE_SETTING_RPS, q);
	percore_keep_now.flows = percore_plan_flows(plan, q);
	if (err || !percore_keep_now.flows)
		return err;
	cpumask_clear(percore_keep_now.cpus);
	return percore_keep_item_want(keep, PERCORE_SETTING_FLOWS, q);
}

static int percore_keep_items_want(struct percore_keep *keep,
				   const struct percore_topology *top)
{
	struct percore_keep_item *item;
	int err = 0;
	u32 q;

	list_for_each_entry(item, &keep->items, list)
		item->seen = false;
	for (q = 0; q < top->plan.n_queues && !err; q++)
		err = percore_keep_queue_want(keep, top, q);
	for (q = 0; top->xps && q < top->n_tx && !err; q++) {
		percore_keep_now.flows = 0;
		percore_topology_xps(top, q, percore_keep_now.cpus);
		err = percore_keep_item_want(keep, PERCORE_SETTING_XPS, q);
	}
	return err;
}

static int percore_keep_items_set(struct percore_keep *keep,
				  struct netlink_ext_ack *extack)
{
	struct percore_keep_item *item, *next;
	int err, first = 0;

	list_for_each_entry_safe(item, next, &keep->items, list) {
		err = item->seen ? percore_keep_item_set(keep, item) :
				   percore_keep_item_revert(keep, item);
		if (!err || first)
			continue;
		first = err;
		NL_SET_ERR_MSG_FMT_MOD(extack, "%s %u cannot be set",
				       percore_setting_name(item->kind),
				       item->index);
	}
	return first;
}

/* The RSS indirection table */

static void percore_keep_reta_forget(struct percore_keep *keep)
{
	kfree(keep->reta_was);
	kfree(keep->reta_set);
	keep->reta_was = NULL;
	keep->reta_set = NULL;
	keep->reta_size = 0;
}

static u32 *percore_keep_reta_read(struct percore_keep *keep, u32 size,
				   int *err)
{
	u32 *reta = kcalloc(size, sizeof(*reta), GFP_KERNEL);

	*err = reta ? percore_reta_read(keep->dev, reta, size) : -ENOMEM;
	if (!*err)
		return reta;
	kfree(reta);
	return NULL;
}

/* A table that gives each queue its share is right, whatever its order. */
static bool percore_keep_reta_fits(const struct percore_plan *plan,
				   const u32 *reta)
{
	u32 q, i, n, share;

	for (q = 0; q < plan->n_queues; q++) {
		share = plan->queues[q].reta;
		for (i = n = 0; i < plan->reta_size; i++)
			n += reta[i] == q;
		if (!n != !share || n > share + 1 || n + 1 < share)
			return false;
	}
	return true;
}

static int percore_keep_reta_write(struct percore_keep *keep,
				   const struct percore_plan *plan)
{
	u32 *reta = keep->reta_set;

	if (!reta)
		reta = kcalloc(plan->reta_size, sizeof(*reta), GFP_KERNEL);
	if (!reta)
		return -ENOMEM;
	if (keep->reta_set)
		percore_keep_heal(keep, "reta", 0);
	keep->reta_set = reta;
	percore_plan_reta(plan, reta);
	return percore_reta_write(keep->dev, reta, plan->reta_size);
}

static int percore_keep_reta_set(struct percore_keep *keep,
				 const struct percore_plan *plan, bool rekeep)
{
	u32 *now;
	int err;

	if (keep->reta_size != plan->reta_size)
		percore_keep_reta_forget(keep);
	if (!plan->reta_size)
		return 0;
	now = percore_keep_reta_read(keep, plan->reta_size, &err);
	if (!now)
		return err == -ENODEV ? 0 : err;
	if (rekeep && keep->reta_was &&
	    (!keep->reta_set || memcmp(now, keep->reta_set,
				       plan->reta_size * sizeof(*now))))
		percore_keep_reta_forget(keep);
	if (!percore_keep_reta_fits(plan, now))
		err = 1;
	if (!keep->reta_was) {
		keep->reta_was = now;
		keep->reta_size = plan->reta_size;
	} else {
		kfree(now);
	}
	return err ? percore_keep_reta_write(keep, plan) : 0;
}

/* A table that names a queue which is gone becomes the default one. */
static int percore_keep_reta_revert(struct percore_keep *keep)
{
	u32 i, n = keep->dev->real_num_rx_queues, size = keep->reta_size;
	u32 *now;
	int err;

	if (!keep->reta_was || percore_reta_size(keep->dev) != size)
		goto done;
	for (i = 0; i < size; i++)
		if (keep->reta_was[i] >= n)
			break;
	if (i < size)
		for (i = 0; i < size; i++)
			keep->reta_was[i] = ethtool_rxfh_indir_default(i, n);
	now = percore_keep_reta_read(keep, size, &err);
	if (!now)
		return err;
	if (memcmp(now, keep->reta_was, size * sizeof(*now)))
		err = percore_reta_write(keep->dev, keep->reta_was, size);
	kfree(now);
	if (err)
		return err;
done:
	percore_keep_reta_forget(keep);
	return 0;
}

/**
 * percore_keep_look - make all settings what the plan wants
 * @keep: the interface
 * @extack: says what could not be set; or NULL
 *
 * A setting that cannot be set does not keep others from being set.
 *
 * Context: process, RTNL, may sleep.
 * Return: 0, -ENOMEM, or the errno of the first setting that could not be set.
 */
int percore_keep_look(struct percore_keep *keep,
		      struct netlink_ext_ack *extack)
{
	struct percore_topology *top = percore_topology_read(keep->dev);
	bool rekeep;
	int err;

	if (!top)
		return -ENOMEM;
	rekeep = keep->n_queues && keep->n_queues != top->plan.n_queues;
	if (rekeep)
		percore_keep_items_rekeep(keep);
	keep->n_queues = top->plan.n_queues;
	err = percore_keep_items_want(keep, top);
	if (err)
		goto free;
	err = percore_keep_items_set(keep, extack);
	if (err)
		goto free;
	err = percore_keep_reta_set(keep, &top->plan, rekeep);
	if (err)
		NL_SET_ERR_MSG_MOD(extack,
				   "the RSS indirection table cannot be set");
free:
	percore_topology_free(top);
	return err;
}

/**
 * percore_keep_revert - put back what was there
 * @keep: the interface
 * Context: process, RTNL, may sleep.
 * Return: 0, or the errno of the first setting that could not be; then it is
 * yet kept, to be called for again.
 */
int percore_keep_revert(struct percore_keep *keep)
{
	struct percore_keep_item *item, *next;
	int err, first;

	first = percore_keep_reta_revert(keep);
	list_for_each_entry_safe_reverse(item, next, &keep->items, list) {
		err = percore_keep_item_revert(keep, item);
		first = first ?: err;
	}
	keep->n_queues = 0;
	return first;
}

/**
 * percore_keep_forget - free all that is kept
 * @keep: the interface
 * Context: process, RTNL.
 */
void percore_keep_forget(struct percore_keep *keep)
{
	struct percore_keep_item *item, *next;

	list_for_each_entry_safe(item, next, &keep->items, list)
		percore_keep_item_free(item);
	percore_keep_reta_forget(keep);
}

/**
 * percore_keep_init - get what all looks share
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int percore_keep_init(void)
{
	return percore_value_alloc(&percore_keep_now) ? 0 : -ENOMEM;
}

/**
 * percore_keep_exit - undo percore_keep_init()
 * Context: process.
 */
void percore_keep_exit(void)
{
	percore_value_free(&percore_keep_now);
}
