// SPDX-License-Identifier: GPL-2.0
/*
 * plan.c - which core a queue belongs to, and which cores it serves
 *
 *	CPUs     0   1   2   3   4   5   6   7(isolated)
 *	         |   |   |   |    \   \   \  :
 *	queues   0   1   2   3     0   1   2 3
 *
 * Each queue has a home, a CPU of its own that takes its interrupt; every
 * other CPU joins the queue whose home is nearest to it. From that follows the
 * rest: a CPU transmits on its queue (XPS), a queue with several CPUs spreads
 * its packets over them (RPS), and RSS gives a queue as much as it has CPUs.
 * An isolated CPU transmits and does nothing else.
 *
 * A pure function: nothing is read but the argument, and equal arguments give
 * equal plans.
 */
#include <linux/minmax.h>
#include <linux/sort.h>
#include <linux/types.h>

#include "plan.h"

/*
 * Order in which CPUs are made homes: those of the NIC's node, and of them one
 * for each core before a second thread of any, and of those one for each cache
 * before a second core of any.
 *
 *	bit 63  62..48  47..24          23..0
 *	far     thread  core in cache   index
 */
#define KEY(far, thread, core, index) \
	((u64)(far) << 63 | (u64)min_t(u32, thread, 0x7fff) << 48 | \
	 (u64)(core) << 24 | (index))
#define KEY_INDEX(key)	((u32)(key) & 0xffffff)

/* A CPU that shares nothing with a home */
#define DISTANCE_MAX	4

static int percore_plan_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* All CPUs work if those that are not isolated are none. */
static u32 percore_plan_workers(struct percore_plan *plan)
{
	u32 i, n = 0;

	for (i = 0; i < plan->n_cpus; i++)
		n += !plan->cpus[i].isolated;
	if (n)
		return n;
	for (i = 0; i < plan->n_cpus; i++)
		plan->cpus[i].isolated = false;
	return plan->n_cpus;
}

static void percore_plan_sort(struct percore_plan *plan, u32 n)
{
	struct percore_plan_cpu *cpu, *core;
	u32 i, at = 0;
	bool far;

	for (i = 0; i < plan->n_cpus; i++) {
		plan->cpus[i].threads = 0;
		plan->cpus[i].cores = 0;
		plan->cpus[i].queue = PERCORE_PLAN_ANY;
	}
	for (i = 0; i < plan->n_cpus; i++) {
		cpu = &plan->cpus[i];
		if (cpu->isolated)
			continue;
		core = &plan->cpus[cpu->core];
		if (!core->threads)
			core->rank = plan->cpus[cpu->llc].cores++;
		far = plan->node != PERCORE_PLAN_ANY && cpu->node != plan->node;
		plan->sorted[at++] = KEY(far, core->threads++, core->rank, i);
	}
	sort(plan->sorted, n, sizeof(*plan->sorted), percore_plan_compare,
	     NULL);
}

static void percore_plan_settle(struct percore_plan *plan, u32 queue, u32 index,
				enum percore_plan_why why)
{
	plan->queues[queue].home = index;
	plan->queues[queue].why = why;
	plan->queues[queue].work = 1;
	plan->queues[queue].all = 1;
	plan->cpus[index].queue = queue;
}

/* Where a driver keeps a queue, there it stays if work may go there. */
static u32 percore_plan_settle_preferred(struct percore_plan *plan, u32 homes)
{
	struct percore_plan_cpu *cpu;
	u32 i, q, n = 0;

	for (q = 0; q < homes; q++) {
		plan->queues[q].home = PERCORE_PLAN_ANY;
		for (i = 0; i < plan->n_cpus; i++)
			if (plan->cpus[i].id == plan->queues[q].prefer)
				break;
		if (i == plan->n_cpus)
			continue;
		cpu = &plan->cpus[i];
		if (cpu->isolated || cpu->queue != PERCORE_PLAN_ANY)
			continue;
		percore_plan_settle(plan, q, i, PERCORE_PLAN_WHY_DRIVER);
		n++;
	}
	return n;
}

/* The best of the CPUs that are left, to queues in order of their numbers */
static void percore_plan_settle_rest(struct percore_plan *plan, u32 workers,
				     u32 homes, u32 left)
{
	enum percore_plan_why why = homes < workers ? PERCORE_PLAN_WHY_NEAR :
						      PERCORE_PLAN_WHY_OWN;
	u32 i, at = 0, q = 0;

	for (i = 0; i < workers && at < left; i++) {
		u32 index = KEY_INDEX(plan->sorted[i]);

		if (plan->cpus[index].queue == PERCORE_PLAN_ANY)
			plan->sorted[at++] = index;
	}
	sort(plan->sorted, at, sizeof(*plan->sorted), percore_plan_compare,
	     NULL);
	for (i = 0; i < at; i++) {
		while (plan->queues[q].home != PERCORE_PLAN_ANY)
			q++;
		percore_plan_settle(plan, q, plan->sorted[i], why);
	}
}

static u32 percore_plan_distance(const struct percore_plan_cpu *a,
				 const struct percore_plan_cpu *b)
{
	if (a->core == b->core)
		return 0;
	if (a->llc == b->llc)
		return 1;
	return a->node == b->node ? 2 : 3;
}

/* To the nearest home, and of equally near ones to that with least to do */
static void percore_plan_join(struct percore_plan *plan, u32 homes,
			      struct percore_plan_cpu *cpu)
{
	u32 q, distance, load, best = 0;
	u32 best_distance = DISTANCE_MAX, best_load = U32_MAX;

	for (q = 0; q < homes; q++) {
		struct percore_plan_queue *queue = &plan->queues[q];

		distance = percore_plan_distance(cpu,
						 &plan->cpus[queue->home]);
		load = cpu->isolated ? queue->all : queue->work;
		if (distance > best_distance ||
		    (distance == best_distance && load >= best_load))
			continue;
		best = q;
		best_distance = distance;
		best_load = load;
	}
	cpu->queue = best;
	plan->queues[best].all++;
	plan->queues[best].work += !cpu->isolated;
}

static void percore_plan_share(struct percore_plan *plan, u32 workers)
{
	bool by_cpu = plan->reta_size >= workers;
	u32 i, q, homes = min(workers, plan->n_queues);
	u32 units = by_cpu ? workers : homes;
	u32 at = 0;

	for (q = 0; q < plan->n_queues; q++)
		plan->queues[q].reta = 0;
	for (q = 0; q < homes; q++) {
		u32 n = by_cpu ? plan->queues[q].work : 1;

		/* units at .. at + n - 1 have an entry each, round after round
		 */
		for (i = at; i < at + n; i++)
			plan->queues[q].reta += plan->reta_size / units +
						(i < plan->reta_size % units);
		at += n;
	}
}

/**
 * percore_plan_make - make a plan
 * @plan: what it is made from; gets what the members call results. If all CPUs
 *	are isolated, none is when this returns
 *
 * Context: any.
 */
void percore_plan_make(struct percore_plan *plan)
{
	u32 workers = percore_plan_workers(plan);
	u32 homes = min(workers, plan->n_queues);
	u32 i, q;

	percore_plan_sort(plan, workers);
	percore_plan_settle_rest(plan, workers, homes, homes -
				 percore_plan_settle_preferred(plan, homes));
	for (i = 0; i < plan->n_cpus; i++)
		if (plan->cpus[i].queue == PERCORE_PLAN_ANY &&
		    !plan->cpus[i].isolated)
			percore_plan_join(plan, homes, &plan->cpus[i]);
	for (i = 0; i < plan->n_cpus; i++)
		if (plan->cpus[i].queue == PERCORE_PLAN_ANY)
			percore_plan_join(plan, homes, &plan->cpus[i]);
	for (q = homes; q < plan->n_queues; q++) {
		plan->queues[q].home = plan->queues[q % homes].home;
		plan->queues[q].why = PERCORE_PLAN_WHY_SPARE;
		plan->queues[q].work = 0;
		plan->queues[q].all = 0;
	}
	percore_plan_share(plan, workers);
}

/**
 * percore_plan_reta - write the RSS indirection table of a plan
 * @plan: made
 * @reta: room for its reta_size; gets a queue for each entry
 *
 * Neighbours in the table differ, as far as can be.
 *
 * Context: any.
 */
void percore_plan_reta(const struct percore_plan *plan, u32 *reta)
{
	u32 entry = 0, round, q;

	for (round = 0; entry < plan->reta_size; round++)
		for (q = 0; q < plan->n_queues; q++)
			if (plan->queues[q].reta > round)
				reta[entry++] = q;
}

/**
 * percore_plan_flows - size of the flow table of one queue (RFS)
 * @plan: made
 * @queue: the queue
 *
 * Documentation/networking/scaling.rst: the entries of the table of all
 * queues, divided by the number of queues. A queue that serves one CPU has
 * nothing to choose from.
 *
 * Context: any.
 * Return: entries, 0 for no table.
 */
u32 percore_plan_flows(const struct percore_plan *plan, u32 queue)
{
	u32 n = plan->flows / min(plan->n_queues, plan->n_cpus);

	if (!n || plan->queues[queue].work < 2)
		return 0;
	/* The kernel rounds up to a power of two */
	while (n & (n - 1))
		n += n & -n;
	return n;
}
