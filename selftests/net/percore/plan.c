// SPDX-License-Identifier: GPL-2.0
/*
 * vmbox: host --timeout 120
 *
 *	a machine and a NIC --> net/percore/plan.c --> homes, groups, RETA
 *
 * Claim: plan.c, built as a program, gives the plan that a person would for
 * machines that are known; and for 200,000 random ones, sane or not, every CPU
 * has a queue, every queue a home of its own as long as there are cores, no
 * work goes to an isolated CPU, the table is full and in proportion, the result
 * depends on nothing but the argument, and no memory is touched beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../net/percore/plan.c"

static int tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

/* Memory of exactly the size, so that ASan sees an entry too many */
static struct percore_plan *plan_new(u32 cpus, u32 queues)
{
	struct percore_plan *plan = calloc(1, sizeof(*plan));
	u32 i;

	plan->node = PERCORE_PLAN_ANY;
	plan->n_cpus = cpus;
	plan->n_queues = queues;
	plan->reta_size = 128;
	plan->sorted = calloc(cpus, sizeof(*plan->sorted));
	plan->cpus = calloc(cpus, sizeof(*plan->cpus));
	plan->queues = calloc(queues, sizeof(*plan->queues));
	for (i = 0; i < cpus; i++)
		plan->cpus[i] = (struct percore_plan_cpu){ .id = i, .core = i };
	for (i = 0; i < queues; i++)
		plan->queues[i].prefer = PERCORE_PLAN_ANY;
	return plan;
}

static void plan_free(struct percore_plan *plan)
{
	free(plan->sorted);
	free(plan->cpus);
	free(plan->queues);
	free(plan);
}

/* @homes and @joined: a CPU number, a queue, for each queue and CPU */
static void expect(struct percore_plan *plan, const char *homes,
		   const char *joined, const char *reta, const char *what)
{
	char got[3][4096] = {};
	int at[3] = {};
	u32 i;

	percore_plan_make(plan);
	for (i = 0; i < plan->n_queues; i++) {
		at[0] += sprintf(got[0] + at[0], "%s%u", i ? " " : "",
				 plan->cpus[plan->queues[i].home].id);
		at[2] += sprintf(got[2] + at[2], "%s%u", i ? " " : "",
				 plan->queues[i].reta);
	}
	for (i = 0; i < plan->n_cpus; i++)
		at[1] += sprintf(got[1] + at[1], "%s%u", i ? " " : "",
				 plan->cpus[i].queue);
	ok(!strcmp(got[0], homes) && !strcmp(got[1], joined) &&
	   !strcmp(got[2], reta), what);
	if (strcmp(got[0], homes))
		printf("# homes: %s, want %s\n", got[0], homes);
	if (strcmp(got[1], joined))
		printf("# joined: %s, want %s\n", got[1], joined);
	if (strcmp(got[2], reta))
		printf("# reta: %s, want %s\n", got[2], reta);
	plan_free(plan);
}

/* Two threads a core, thread 1 of core i is CPU i + cpus / 2 */
static void threads(struct percore_plan *plan)
{
	u32 i, half = plan->n_cpus / 2;

	for (i = 0; i < plan->n_cpus; i++)
		plan->cpus[i].core = i % half;
}

/* The first half of the cores on one cache and node, the second on another */
static void nodes(struct percore_plan *plan, u32 cores)
{
	u32 i;

	for (i = 0; i < plan->n_cpus; i++) {
		plan->cpus[i].node = i % cores >= cores / 2;
		plan->cpus[i].llc = plan->cpus[i].node * (cores / 2);
	}
}

static void known(void)
{
	struct percore_plan *plan;

	expect(plan_new(1, 1), "0", "0", "128", "one core, one queue");
	expect(plan_new(4, 4), "0 1 2 3", "0 1 2 3", "32 32 32 32",
	       "a queue for each core");
	expect(plan_new(4, 1), "0", "0 0 0 0", "128",
	       "one queue serves all cores");
	expect(plan_new(4, 2), "0 1", "0 1 0 1", "64 64",
	       "two queues, two cores each");
	expect(plan_new(3, 2), "0 1", "0 1 0", "86 42",
	       "a queue with two cores gets twice as much");
	expect(plan_new(2, 4), "0 1 0 1", "0 1", "64 64 0 0",
	       "queues that no core needs stay idle");

	plan = plan_new(8, 4);
	threads(plan);
	expect(plan, "0 1 2 3", "0 1 2 3 0 1 2 3", "32 32 32 32",
	       "a queue for each core, for both of its threads");

	plan = plan_new(8, 2);
	nodes(plan, 8);
	expect(plan, "0 4", "0 0 0 0 1 1 1 1", "64 64",
	       "two queues, two caches: one each");

	plan = plan_new(8, 4);
	nodes(plan, 8);
	plan->node = 1;
	expect(plan, "4 5 6 7", "0 1 2 3 0 1 2 3", "32 32 32 32",
	       "homes on the NIC's node, the other node spread evenly");

	plan = plan_new(8, 6);
	nodes(plan, 8);
	plan->node = 1;
	expect(plan, "0 1 4 5 6 7", "0 1 0 1 2 3 4 5", "32 32 16 16 16 16",
	       "the other node when the NIC's own is full");

	plan = plan_new(4, 4);
	plan->cpus[1].isolated = true;
	expect(plan, "0 2 3 0", "0 0 1 2", "43 43 42 0",
	       "an isolated core transmits and has no home");

	plan = plan_new(2, 1);
	plan->cpus[0].isolated = true;
	plan->cpus[1].isolated = true;
	expect(plan, "0", "0 0", "128", "all isolated is none isolated");

	plan = plan_new(4, 4);
	plan->cpus[3].id = 7;
	plan->queues[0].prefer = 7;
	plan->queues[1].prefer = 7;
	plan->queues[2].prefer = 5;
	expect(plan, "7 0 1 2", "1 2 3 0", "32 32 32 32",
	       "the driver's choice, once, and if it is there");

	plan = plan_new(4, 3);
	plan->reta_size = 2;
	expect(plan, "0 1 2", "0 1 2 0", "1 1 0",
	       "a table smaller than the number of queues");

	plan = plan_new(4, 1);
	plan->reta_size = 0;
	expect(plan, "0", "0 0 0 0", "0", "no table");
}

static void flows(void)
{
	struct percore_plan *plan = plan_new(4, 1);

	percore_plan_make(plan);
	ok(percore_plan_flows(plan, 0) == 0, "RFS is off: no flow table");
	plan->flows = 32768;
	ok(percore_plan_flows(plan, 0) == 32768, "one queue has all of it");
	plan_free(plan);

	plan = plan_new(6, 3);
	plan->flows = 32768;
	percore_plan_make(plan);
	ok(percore_plan_flows(plan, 2) == 16384,
	   "a third of it, rounded up as the kernel does");
	plan_free(plan);

	plan = plan_new(4, 4);
	plan->flows = 32768;
	percore_plan_make(plan);
	ok(percore_plan_flows(plan, 0) == 0,
	   "a queue of one core has nothing to choose from");
	plan_free(plan);
}

static const char *wrong(const struct percore_plan *plan, const u32 *reta)
{
	u32 workers = 0, homes, q, i, n, work = 0, all = 0, share;

	for (i = 0; i < plan->n_cpus; i++)
		workers += !plan->cpus[i].isolated;
	homes = min(workers, plan->n_queues);
	if (!workers)
		return "nobody works";

	for (i = 0; i < plan->n_cpus; i++)
		if (plan->cpus[i].queue >= homes)
			return "a CPU without a queue, or with an idle one";
	for (q = 0; q < plan->n_queues; q++) {
		const struct percore_plan_queue *queue = &plan->queues[q];

		if (queue->home >= plan->n_cpus ||
		    plan->cpus[queue->home].isolated)
			return "no home, or an isolated one";
		if (q < homes && plan->cpus[queue->home].queue != q)
			return "a home that belongs to another queue";
		if ((q < homes) != !!queue->work)
			return "work and homes do not agree";
		if ((q < homes) != (queue->why != PERCORE_PLAN_WHY_SPARE))
			return "a spare queue with a home of its own";
		for (i = n = 0; i < plan->reta_size; i++)
			n += reta[i] == q;
		if (n != queue->reta)
			return "table and share do not agree";
		share = plan->reta_size / workers;
		if (plan->reta_size >= workers &&
		    (n < share * queue->work || n > (share + 1) * queue->work))
			return "share out of proportion";
		work += queue->work;
		all += queue->all;
	}
	if (work != workers || all != plan->n_cpus)
		return "a CPU is served twice, or never";
	return NULL;
}

/* @sane: CPUs of a core are on one cache, those of a cache on one node */
static struct percore_plan *plan_random(bool sane)
{
	u32 cpus = 1 + rand() % 40, queues = 1 + rand() % 40;
	struct percore_plan *plan = plan_new(cpus, queues);
	u32 i, threads = 1 + rand() % 4, cores = 1 + rand() % 8;

	plan->reta_size = rand() % 4 ? 128 : rand() % 40;
	plan->node = rand() % 2 ? (u32)rand() % 3 :
				  PERCORE_PLAN_ANY;
	for (i = 0; i < cpus; i++) {
		plan->cpus[i].id = 3 * i + rand() % 3;
		plan->cpus[i].isolated = rand() % 5 == 0;
		plan->cpus[i].core = sane ? i - i % threads : rand() % cpus;
		plan->cpus[i].llc = sane ? i - i % (threads * cores) :
					   rand() % cpus;
		plan->cpus[i].node = sane ? i / (threads * cores) % 2 :
					    (u32)rand() % 3;
	}
	for (i = 0; i < queues; i++)
		if (rand() % 3 == 0)
			plan->queues[i].prefer = rand() % (3 * cpus);
	return plan;
}

static bool same(const struct percore_plan *a, const struct percore_plan *b)
{
	return !memcmp(a->cpus, b->cpus, a->n_cpus * sizeof(*a->cpus)) &&
	       !memcmp(a->queues, b->queues, a->n_queues * sizeof(*a->queues));
}

/* A plan made again from its own remains is the same plan. */
static const char *check(struct percore_plan *plan)
{
	struct percore_plan *again = plan_new(plan->n_cpus, plan->n_queues);
	u32 *reta = calloc(plan->reta_size, sizeof(*reta));
	const char *text;

	percore_plan_make(plan);
	again->node = plan->node;
	again->reta_size = plan->reta_size;
	memcpy(again->cpus, plan->cpus, plan->n_cpus * sizeof(*plan->cpus));
	memcpy(again->queues, plan->queues,
	       plan->n_queues * sizeof(*plan->queues));
	percore_plan_make(again);
	percore_plan_reta(plan, reta);
	text = wrong(plan, reta);
	if (!text && !same(plan, again))
		text = "made again, it differs";
	free(reta);
	plan_free(again);
	plan_free(plan);
	return text;
}

static void random_ones(bool sane, const char *what)
{
	const char *text = NULL;
	int i;

	srand(sane);
	for (i = 0; i < 100000 && !text; i++)
		text = check(plan_random(sane));
	ok(!text, what);
	if (text)
		printf("# machine %d: %s\n", i, text);
}

int main(void)
{
	printf("TAP version 13\n");
	known();
	flows();
	random_ones(true, "100000 random machines");
	random_ones(false, "100000 machines that make no sense");
	printf("1..%d\n", tests);
	return failures != 0;
}
