// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl ports: is each queue where its core is?
 *
 * The last column says whether what is wanted (port.c) is what the kernel
 * really does, and if not, why.
 */
#include <stdio.h>

#include "percorectl.h"

static json_t *fact_json(const struct cpufact *fact)
{
	return fact->err ? json_null() : cpuset_json(&fact->cpus);
}

static json_t *wanted_json(const struct queue *q)
{
	json_t *root = json_object();

	json_object_set_new(root, "xps_cpus", fact_json(&q->want_xps));
	json_object_set_new(root, "rps_cpus", fact_json(&q->want_rps));
	json_object_set_new(root, "rps_flow_cnt", json_val(q->want_flows));
	json_object_set_new(root, "reta_entries", json_val(q->want_reta));
	return root;
}

static json_t *queue_json(const struct queue *q)
{
	json_t *root = json_object();
	json_t *why = json_array();
	size_t i;

	for (i = 0; i < q->n_why; i++)
		json_array_append_new(why, json_string(q->why[i]));
	json_object_set_new(root, "queue", json_val(q->id));
	json_object_set_new(root, "cpu", json_val(q->cpu));
	json_object_set_new(root, "serves", fact_json(&q->serves));
	json_object_set_new(root, "reason", q->reason[0] ?
			    json_string(q->reason) : json_null());
	json_object_set_new(root, "irq", json_val(q->irq.n));
	json_object_set_new(root, "tx_irq", json_val(q->tx_irq.n));
	json_object_set_new(root, "napi_id", json_val(q->napi_id));
	json_object_set_new(root, "irq_cpus", fact_json(&q->irq.cpus));
	json_object_set_new(root, "irq_effective_cpus", fact_json(&q->irq.now));
	json_object_set_new(root, "tx_irq_cpus", fact_json(&q->tx_irq.cpus));
	json_object_set_new(root, "xps_cpus", fact_json(&q->xps));
	json_object_set_new(root, "rps_cpus", fact_json(&q->rps));
	json_object_set_new(root, "rps_flow_cnt", json_val(q->flows));
	json_object_set_new(root, "reta_entries", json_val(q->reta));
	json_object_set_new(root, "wanted", wanted_json(q));
	json_object_set_new(root, "agrees", json_boolean(!q->n_why));
	json_object_set_new(root, "why", why);
	return root;
}

static json_t *port_json(const struct port *p)
{
	json_t *queues = json_array();
	json_t *root = json_object();
	size_t i;

	for (i = 0; i < p->n_queues; i++)
		json_array_append_new(queues, queue_json(&p->queues[i]));
	json_object_set_new(root, "ifindex", json_val(p->ifindex));
	json_object_set_new(root, "ifname", p->ifname[0] ?
			    json_string(p->ifname) : json_null());
	json_object_set_new(root, "steered", json_boolean(p->steered));
	json_object_set_new(root, "healed", json_val(p->healed));
	json_object_set_new(root, "errno", json_val(p->error));
	json_object_set_new(root, "reta_size", json_val(p->reta_size));
	json_object_set_new(root, "queues", queues);
	return root;
}

/**
 * ports_json() - turn ports into JSON
 * @ps: the ports
 *
 * Return: array, a new reference.
 */
json_t *ports_json(const struct ports *ps)
{
	json_t *root = json_array();
	size_t i;

	for (i = 0; i < ps->n; i++)
		json_array_append_new(root, port_json(&ps->list[i]));
	return root;
}

static void why_cell(struct table *t, const struct queue *q)
{
	char text[QUEUE_WHY_MAX * 128] = "yes";
	size_t i, used = 0;

	for (i = 0; i < q->n_why && used < sizeof(text); i++)
		used += snprintf(text + used, sizeof(text) - used, "%s%s",
				 i ? "; " : "no: ", q->why[i]);
	table_cell(t, "%s", text);
}

static void queue_row(struct table *t, const struct port *p,
		      const struct queue *q)
{
	table_cell(t, "%s", p->ifname[0] ? p->ifname : "-");
	table_cell_val(t, q->id);
	table_cell_val(t, q->cpu);
	irq_cell(t, q);
	fact_cell(t, &q->irq.cpus);
	fact_cell(t, &q->irq.now);
	fact_cell(t, &q->xps);
	fact_cell(t, &q->rps);
	table_cell_val(t, q->reta);
	table_cell_val(t, q->napi_id);
	why_cell(t, q);
}

/**
 * ports_print() - print ports as a table
 * @ps: the ports
 */
void ports_print(const struct ports *ps)
{
	static const struct column cols[] = {
		{ "PORT", LEFT }, { "QUEUE", RIGHT }, { "CPU", RIGHT },
		{ "IRQ", LEFT }, { "AFFINITY", LEFT }, { "NOW", LEFT },
		{ "XPS", LEFT }, { "RPS", LEFT }, { "RETA", RIGHT },
		{ "NAPI", RIGHT }, { "AGREES", LEFT },
	};
	struct table t = { .cols = cols, .n_cols = ARRAY_SIZE(cols) };
	const struct port *p;
	size_t i, j;

	for (i = 0; i < ps->n; i++) {
		p = &ps->list[i];
		for (j = 0; j < p->n_queues; j++)
			queue_row(&t, p, &p->queues[j]);
	}
	table_print(&t);
	table_free(&t);
}

/**
 * cmd_ports() - percorectl ports
 * @opt: global options
 * @argc: 0
 * @argv: none
 *
 * Return: exit status.
 */
int cmd_ports(const struct options *opt, int argc, char **argv)
{
	struct ports ps = {};
	int status;

	(void)argc;
	(void)argv;
	status = ports_get(&ps, NULL, "ports");
	if (!status && opt->json)
		status = json_print(ports_json(&ps));
	else if (!status)
		ports_print(&ps);
	ports_reset(&ps);
	return status;
}
