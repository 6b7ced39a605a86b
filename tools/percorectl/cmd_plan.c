// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl plan, apply, revert: what is wanted of the queues of one NIC
 *
 * plan shows, for each queue, what the module would set, why, and what of it is
 * not so now; apply has it set and kept; revert puts back what was there.
 */
#include <stdio.h>
#include <string.h>

#include <linux/percore.h>

#include "percorectl.h"

static void changes_cell(struct table *t, const struct queue *q)
{
	char text[QUEUE_WHY_MAX * 128] = "none";
	size_t i, used = 0;

	for (i = 0; i < q->n_why && used < sizeof(text); i++)
		used += snprintf(text + used, sizeof(text) - used, "%s%s",
				 i ? "; " : "", q->why[i]);
	table_cell(t, "%s", text);
}

/**
 * plan_print() - print the plan of a NIC as a table
 * @p: the NIC
 */
void plan_print(const struct port *p)
{
	static const struct column cols[] = {
		{ "QUEUE", RIGHT }, { "CPU", RIGHT }, { "IRQ", LEFT },
		{ "XPS", LEFT }, { "RPS", LEFT }, { "RFS", RIGHT },
		{ "RETA", RIGHT }, { "WHY", LEFT }, { "NOT SO NOW", LEFT },
	};
	struct table t = { .cols = cols, .n_cols = ARRAY_SIZE(cols) };
	const struct queue *q;

	for (q = p->queues; q < p->queues + p->n_queues; q++) {
		table_cell_val(&t, q->id);
		table_cell_val(&t, q->cpu);
		irq_cell(&t, q);
		fact_cell(&t, &q->want_xps);
		fact_cell(&t, &q->want_rps);
		table_cell_val(&t, q->want_flows);
		table_cell_val(&t, q->want_reta);
		table_cell(&t, "%s", q->reason[0] ? q->reason : "-");
		changes_cell(&t, q);
	}
	table_print(&t);
	table_free(&t);
	if (p->steered)
		printf("In force; set again %llu times.\n",
		       (unsigned long long)p->healed.n);
	else if (p->error.known)
		printf("Not in force: %s.\n", strerror(p->error.n));
	else
		printf("Not in force.\n");
}

/**
 * cmd_plan() - percorectl plan DEV
 * @opt: global options
 * @argc: 1
 * @argv: the device
 *
 * Return: exit status.
 */
int cmd_plan(const struct options *opt, int argc, char **argv)
{
	struct ports ps = {};
	json_t *all;
	int status;

	(void)argc;
	status = ports_get(&ps, argv[0], "plan");
	if (!status && !ps.n) {
		status = ifname_error(argv[0]);
	} else if (!status && opt->json) {
		all = ports_json(&ps);
		status = json_print(json_incref(json_array_get(all, 0)));
		json_decref(all);
	} else if (!status) {
		plan_print(&ps.list[0]);
	}
	ports_reset(&ps);
	return status;
}

static int plan_do(const struct options *opt, const char *ifname, uint8_t cmd,
		   const char *what)
{
	struct genl g;
	unsigned int ifindex;
	int ret;

	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret) {
		ifindex = if_nametoindex(ifname);
		if (!ifindex) {
			genl_close(&g);
			return ifname_error(ifname);
		}
		ret = genl_do_to(&g, cmd, PERCORE_A_PLAN_IFINDEX, ifindex);
	}
	genl_close(&g);
	if (ret)
		return genl_error(&g, ret, what);
	if (opt->json)
		return json_print(json_pack("{s:s, s:s}", "ifname", ifname,
					    "done", what));
	return STATUS_OK;
}

/**
 * cmd_apply() - percorectl apply DEV
 * @opt: global options
 * @argc: 1
 * @argv: the device
 *
 * Return: exit status.
 */
int cmd_apply(const struct options *opt, int argc, char **argv)
{
	(void)argc;
	return plan_do(opt, argv[0], PERCORE_CMD_PLAN_APPLY, "apply");
}

/**
 * cmd_revert() - percorectl revert DEV
 * @opt: global options
 * @argc: 1
 * @argv: the device
 *
 * Return: exit status.
 */
int cmd_revert(const struct options *opt, int argc, char **argv)
{
	(void)argc;
	return plan_do(opt, argv[0], PERCORE_CMD_PLAN_REVERT, "revert");
}
