// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl tsq: transmit queues, what their NIC needs, and what TCP keeps
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/percore.h>

#include "percorectl.h"

/**
 * tsq_decode() - take one PERCORE_CMD_TSQ_GET message
 * @attrs: its attributes
 * @len: their length
 * @data: struct tsq_queues
 *
 * Return: 0 or a negative errno.
 */
int tsq_decode(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[PERCORE_A_TSQ_MAX + 1];
	struct tsq_queue q = {};
	struct tsq_queues *qs = data;
	int ret;

	ret = attr_table(attrs, len, tb, PERCORE_A_TSQ_MAX);
	if (ret)
		return ret;
	ret = attr_val(tb[PERCORE_A_TSQ_IFINDEX], &q.ifindex);
	ret = ret ?: attr_string(tb[PERCORE_A_TSQ_IFNAME], q.ifname,
				 sizeof(q.ifname));
	ret = ret ?: attr_val(tb[PERCORE_A_TSQ_QUEUE], &q.queue);
	ret = ret ?: attr_string(tb[PERCORE_A_TSQ_SOURCE], q.source,
				 sizeof(q.source));
	ret = ret ?: attr_val(tb[PERCORE_A_TSQ_SAMPLES], &q.samples);
	ret = ret ?: attr_val(tb[PERCORE_A_TSQ_DELAY_EWMA_NS], &q.ewma_ns);
	ret = ret ?: attr_val(tb[PERCORE_A_TSQ_DELAY_P95_NS], &q.p95_ns);
	ret = ret ?: attr_val(tb[PERCORE_A_TSQ_TARGET_US], &q.target_us);
	ret = ret ?: attr_val(tb[PERCORE_A_TSQ_SHIFT], &q.shift);
	ret = ret ?: attr_val(tb[PERCORE_A_TSQ_CHANGES], &q.changes);
	if (ret)
		return ret;
	q.stands = tb[PERCORE_A_TSQ_STANDS];
	qs->list = xrealloc(qs->list, qs->n + 1, sizeof(*qs->list));
	qs->list[qs->n++] = q;
	return 0;
}

/**
 * tsq_reset() - forget all queues
 * @data: struct tsq_queues
 */
void tsq_reset(void *data)
{
	struct tsq_queues *qs = data;

	free(qs->list);
	memset(qs, 0, sizeof(*qs));
}

/**
 * tsq_json() - queues as JSON
 * @qs: the queues
 *
 * Return: an array; a new reference.
 */
json_t *tsq_json(const struct tsq_queues *qs)
{
	json_t *root = json_array();
	const struct tsq_queue *q;

	for (q = qs->list; q < qs->list + qs->n; q++)
		json_array_append_new(root, json_pack(
			"{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o}",
			"ifindex", json_val(q->ifindex), "ifname", q->ifname,
			"queue", json_val(q->queue), "source", q->source,
			"samples", json_val(q->samples),
			"delay_ewma_ns", json_val(q->ewma_ns),
			"delay_p95_ns", json_val(q->p95_ns),
			"target_us", json_val(q->target_us),
			"stands", (int)q->stands, "shift", json_val(q->shift),
			"changes", json_val(q->changes)));
	return root;
}

static void us_cell(struct table *t, struct val ns)
{
	if (ns.known)
		table_cell(t, "%" PRIu64 ".%" PRIu64, ns.n / 1000,
			   ns.n % 1000 / 100);
	else
		table_cell(t, "-");
}

/**
 * tsq_print() - queues as a table
 * @qs: the queues
 */
void tsq_print(const struct tsq_queues *qs)
{
	static const struct column cols[] = {
		{ "PORT", LEFT }, { "QUEUE", RIGHT }, { "SOURCE", LEFT },
		{ "SAMPLES", RIGHT }, { "DELAY(us)", RIGHT },
		{ "P95(us)", RIGHT }, { "TARGET(us)", RIGHT },
		{ "STANDS", LEFT }, { "SHIFT", RIGHT }, { "CHANGES", RIGHT },
	};
	struct table t = { .cols = cols, .n_cols = ARRAY_SIZE(cols) };
	const struct tsq_queue *q;

	for (q = qs->list; q < qs->list + qs->n; q++) {
		table_cell(&t, "%s", q->ifname[0] ? q->ifname : "-");
		table_cell_val(&t, q->queue);
		table_cell(&t, "%s", q->source[0] ? q->source : "-");
		table_cell_val(&t, q->samples);
		us_cell(&t, q->ewma_ns);
		us_cell(&t, q->p95_ns);
		table_cell_val(&t, q->target_us);
		table_cell(&t, "%s", q->stands ? "yes" : "no");
		table_cell_val(&t, q->shift);
		table_cell_val(&t, q->changes);
	}
	table_print(&t);
	table_free(&t);
}

/**
 * cmd_tsq() - percorectl tsq
 * @opt: global options
 * @argc: 0
 * @argv: none
 *
 * Return: exit status.
 */
int cmd_tsq(const struct options *opt, int argc, char **argv)
{
	struct tsq_queues qs = {};
	int status = STATUS_OK;
	struct genl g;
	int ret;

	(void)argc;
	(void)argv;
	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret)
		ret = genl_dump(&g, PERCORE_CMD_TSQ_GET, tsq_decode, &qs,
				tsq_reset);
	genl_close(&g);
	if (ret)
		status = genl_error(&g, ret, "tsq");
	else if (opt->json)
		status = json_print(tsq_json(&qs));
	else
		tsq_print(&qs);
	tsq_reset(&qs);
	return status;
}
