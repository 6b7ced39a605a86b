/* SPDX-License-Identifier: GPL-2.0 */
/*
 * plan.h - which core a queue belongs to, and which cores it serves
 *
 * plan.c knows nothing of a kernel: it makes a plan from what it is given here.
 * selftests/net/percore/plan.c builds it as a program.
 */
#ifndef _NET_PERCORE_PLAN_H
#define _NET_PERCORE_PLAN_H

#include <linux/limits.h>
#include <linux/types.h>

#define PERCORE_PLAN_ANY	U32_MAX

/**
 * struct percore_plan_cpu - a CPU that is online
 * @id: its number; a plan has them in ascending order
 * @core: index in the plan of the first CPU of the same physical core
 * @llc: index of the first CPU with the same last-level cache
 * @node: its memory node
 * @isolated: no work but that of its own tasks may go there
 * @queue: result: the queue that it transmits on and, if it is not isolated,
 *	receives from
 * @threads: scratch: of the core that begins here, seen so far
 * @cores: scratch: of the cache that begins here, seen so far
 * @rank: scratch: of the core that begins here, in its cache
 */
struct percore_plan_cpu {
	u32 id;
	u32 core;
	u32 llc;
	u32 node;
	bool isolated;

	u32 queue;

	u32 threads;
	u32 cores;
	u32 rank;
};

/**
 * enum percore_plan_why - why a queue belongs to its core
 * @PERCORE_PLAN_WHY_DRIVER: its driver says so
 * @PERCORE_PLAN_WHY_OWN: each core has a queue
 * @PERCORE_PLAN_WHY_NEAR: fewer queues than cores, and this one is as near to
 *	the NIC, and as far from other queues, as can be
 * @PERCORE_PLAN_WHY_SPARE: more queues than cores; RSS sends it nothing and
 *	nobody transmits on it
 */
enum percore_plan_why {
	PERCORE_PLAN_WHY_DRIVER,
	PERCORE_PLAN_WHY_OWN,
	PERCORE_PLAN_WHY_NEAR,
	PERCORE_PLAN_WHY_SPARE,
};

/**
 * struct percore_plan_queue - a queue
 * @prefer: CPU number that the driver keeps it on, or PERCORE_PLAN_ANY
 * @home: result: index of the CPU that its interrupt goes to
 * @why: result: why
 * @work: result: how many CPUs that are not isolated it serves, @home included
 * @all: result: how many CPUs it serves
 * @reta: result: entries of the RSS indirection table that point to it
 */
struct percore_plan_queue {
	u32 prefer;

	u32 home;
	enum percore_plan_why why;
	u32 work;
	u32 all;
	u32 reta;
};

/**
 * struct percore_plan - all of it
 * @node: memory node of the NIC, or PERCORE_PLAN_ANY
 * @n_cpus: how many CPUs are online, at least 1
 * @n_queues: how many queues, at least 1
 * @reta_size: entries of the RSS indirection table, 0 if there is none
 * @flows: entries of the flow table of all queues (RFS), 0 if it is off
 * @sorted: room for @n_cpus, scratch
 * @cpus: the CPUs
 * @queues: the queues
 */
struct percore_plan {
	u32 node;
	u32 n_cpus;
	u32 n_queues;
	u32 reta_size;
	u32 flows;
	u64 *sorted;
	struct percore_plan_cpu *cpus;
	struct percore_plan_queue *queues;
};

void percore_plan_make(struct percore_plan *plan);
void percore_plan_reta(const struct percore_plan *plan, u32 *reta);
u32 percore_plan_flows(const struct percore_plan *plan, u32 queue);

#endif /* _NET_PERCORE_PLAN_H */
