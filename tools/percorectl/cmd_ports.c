// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl ports: is each queue where its core is?
 *
 *	module:      queue 1 belongs to CPU 1
 *	/proc/irq:   its interrupt goes to CPU 1
 *	tx-1:        CPU 1 transmits on it, and no CPU of another queue does
 *	rx-1:        its packets are not handed to another CPU
 *	ethtool -x:  RSS sends packets to it
 *
 * The module says the first, the kernel the others; the last column says
 * whether they agree, and if not, why.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/percore.h>

#include "percorectl.h"

/* Text of a set of CPUs in a table or a reason. */
#define CPUS_TEXT_MAX	64

static int queue_decode(const struct nlattr *nest, struct queue *q)
{
	const struct nlattr *tb[PERCORE_A_QUEUE_MAX + 1];
	int ret;

	ret = attr_table(mnl_attr_get_payload(nest),
			 mnl_attr_get_payload_len(nest), tb,
			 PERCORE_A_QUEUE_MAX);
	if (ret)
		return ret;
	ret = attr_val(tb[PERCORE_A_QUEUE_ID], &q->id);
	ret = ret ?: attr_val(tb[PERCORE_A_QUEUE_IRQ], &q->irq);
	ret = ret ?: attr_val(tb[PERCORE_A_QUEUE_CPU], &q->cpu);
	return ret ?: attr_val(tb[PERCORE_A_QUEUE_NAPI_ID], &q->napi_id);
}

static int queues_decode(const void *attrs, size_t len, struct port *p)
{
	const struct nlattr *attr;
	int ret;

	mnl_attr_for_each_payload(attrs, len) {
		if (mnl_attr_get_type(attr) != PERCORE_A_PORT_QUEUE)
			continue;
		p->queues = xrealloc(p->queues, p->n_queues + 1,
				     sizeof(*p->queues));
		p->queues[p->n_queues] = (struct queue){};
		ret = queue_decode(attr, &p->queues[p->n_queues++]);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * ports_decode() - decode an answer to PERCORE_CMD_PORT_GET
 * @attrs: PERCORE_A_PORT_*
 * @len: bytes
 * @data: struct ports, gets one more
 *
 * Return: 0, or -EBADMSG.
 */
int ports_decode(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[PERCORE_A_PORT_MAX + 1];
	struct ports *ps = data;
	struct port *p;
	int ret;

	ps->list = xrealloc(ps->list, ps->n + 1, sizeof(*ps->list));
	p = &ps->list[ps->n++];
	*p = (struct port){};

	ret = attr_table(attrs, len, tb, PERCORE_A_PORT_MAX);
	if (ret)
		return ret;
	ret = attr_val(tb[PERCORE_A_PORT_IFINDEX], &p->ifindex);
	ret = ret ?: attr_string(tb[PERCORE_A_PORT_IFNAME], p->ifname,
				 sizeof(p->ifname));
	return ret ?: queues_decode(attrs, len, p);
}

static void port_free(struct port *p)
{
	struct queue *q;

	while (p->n_queues) {
		q = &p->queues[--p->n_queues];
		while (q->n_why)
			free(q->why[--q->n_why]);
	}
	free(p->queues);
}

/**
 * ports_reset() - forget all ports
 * @data: struct ports
 */
void ports_reset(void *data)
{
	struct ports *ps = data;

	while (ps->n)
		port_free(&ps->list[--ps->n]);
	free(ps->list);
	ps->list = NULL;
}

/*
 * The name becomes part of a path.  sysfs may show another namespace than the
 * one that netlink answered for, and an interface of the same name in it.
 */
static bool port_in_sysfs(const struct port *p)
{
	char text[32];

	return p->ifname[0] && p->ifname[0] != '.' && !strchr(p->ifname, '/') &&
	       !facts_read_text(text, sizeof(text), "/sys/class/net/%s/ifindex",
				p->ifname) &&
	       p->ifindex.known && strtoull(text, NULL, 10) == p->ifindex.n;
}

static void irq_observe(struct queue *q)
{
	unsigned int irq = q->irq.n;

	q->irq_cpus.err = -ENOENT;
	q->irq_now.err = -ENOENT;
	if (!q->irq.known)
		return;
	facts_read_cpulist(&q->irq_cpus, "/proc/irq/%u/smp_affinity_list", irq);
	facts_read_cpulist(&q->irq_now, "/proc/irq/%u/effective_affinity_list",
			   irq);
}

static void queue_observe(const struct port *p, bool in_sysfs, struct queue *q)
{
	unsigned int id = q->id.n;

	irq_observe(q);
	q->xps.err = -ENODEV;
	q->rps.err = -ENODEV;
	if (!in_sysfs || !q->id.known)
		return;
	facts_read_cpumask(&q->xps, "/sys/class/net/%s/queues/tx-%u/xps_cpus",
			   p->ifname, id);
	facts_read_cpumask(&q->rps, "/sys/class/net/%s/queues/rx-%u/rps_cpus",
			   p->ifname, id);
}

static void reta_observe(struct port *p)
{
	uint32_t *reta = NULL;
	int entry, n = facts_read_reta(p->ifname, &reta);
	struct queue *q;
	size_t i;

	if (n > 0)
		p->reta_size = (struct val){ .known = true, .n = n };
	for (i = 0; n > 0 && i < p->n_queues; i++) {
		q = &p->queues[i];
		q->reta.known = q->id.known;
		for (entry = 0; entry < n; entry++)
			q->reta.n += reta[entry] == q->id.n;
	}
	free(reta);
}

/**
 * ports_observe() - read what the kernel shows of every queue
 * @ps: the ports; get it
 */
void ports_observe(struct ports *ps)
{
	struct port *p;
	bool in_sysfs;
	size_t i, j;

	facts_read_cpulist(&ps->online, "/sys/devices/system/cpu/online");
	for (i = 0; i < ps->n; i++) {
		p = &ps->list[i];
		in_sysfs = port_in_sysfs(p);
		for (j = 0; j < p->n_queues; j++)
			queue_observe(p, in_sysfs, &p->queues[j]);
		if (p->ifname[0])
			reta_observe(p);
	}
}

__printf(2, 3)
static void queue_why(struct queue *q, const char *fmt, ...)
{
	va_list args;

	if (q->n_why == QUEUE_WHY_MAX)
		return;
	va_start(args, fmt);
	if (vasprintf(&q->why[q->n_why], fmt, args) >= 0)
		q->n_why++;
	va_end(args);
}

static void irq_judge(struct queue *q)
{
	char text[CPUS_TEXT_MAX];

	if (!q->irq.known)
		return;
	if (q->irq_cpus.err) {
		queue_why(q, "irq %u: %s", (unsigned int)q->irq.n,
			  strerror(-q->irq_cpus.err));
		return;
	}
	if (!cpuset_is(&q->irq_cpus.cpus, q->cpu.n))
		queue_why(q, "irq may go to CPU %s",
			  cpuset_format(&q->irq_cpus.cpus, text, sizeof(text)));
	/* A new affinity takes effect with the next interrupt. */
	else if (!q->irq_now.err && cpuset_count(&q->irq_now.cpus) &&
		 !cpuset_test(&q->irq_now.cpus, q->cpu.n))
		queue_why(q, "irq is yet on CPU %s",
			  cpuset_format(&q->irq_now.cpus, text, sizeof(text)));
}

static void xps_judge(const struct port *p, struct queue *q)
{
	const struct queue *o;
	size_t i;

	/* A port with one transmit queue has no such map, and needs none. */
	if (q->xps.err == -ENOENT && p->n_queues == 1)
		return;
	if (q->xps.err) {
		queue_why(q, "xps: %s", strerror(-q->xps.err));
		return;
	}
	if (!cpuset_count(&q->xps.cpus)) {
		queue_why(q, "xps is off");
		return;
	}
	if (!cpuset_test(&q->xps.cpus, q->cpu.n))
		queue_why(q, "xps lacks CPU %u", (unsigned int)q->cpu.n);
	for (i = 0; i < p->n_queues; i++) {
		o = &p->queues[i];
		if (o->cpu.known && o->cpu.n != q->cpu.n &&
		    cpuset_test(&q->xps.cpus, o->cpu.n)) {
			queue_why(q, "xps takes CPU %u of queue %u",
				  (unsigned int)o->cpu.n,
				  (unsigned int)o->id.n);
			return;
		}
	}
}

static void rps_judge(struct queue *q)
{
	char text[CPUS_TEXT_MAX];

	/* A kernel without RPS moves no packets. */
	if (q->rps.err == -ENOENT)
		return;
	if (q->rps.err)
		queue_why(q, "rps: %s", strerror(-q->rps.err));
	else if (cpuset_count(&q->rps.cpus) &&
		 !cpuset_is(&q->rps.cpus, q->cpu.n))
		queue_why(q, "rps moves packets to CPU %s",
			  cpuset_format(&q->rps.cpus, text, sizeof(text)));
}

static void queue_judge(const struct ports *ps, const struct port *p,
			struct queue *q)
{
	if (!q->id.known || !q->cpu.known) {
		queue_why(q, "the module does not say which CPU");
		return;
	}
	if (!ps->online.err && !cpuset_test(&ps->online.cpus, q->cpu.n))
		queue_why(q, "CPU %u is offline", (unsigned int)q->cpu.n);
	irq_judge(q);
	if (q->xps.err == -ENODEV) {
		queue_why(q, "the interface is not in /sys/class/net");
		return;
	}
	xps_judge(p, q);
	rps_judge(q);
	if (q->reta.known && !q->reta.n)
		queue_why(q, "rss sends it nothing");
}

/**
 * ports_judge() - find why wanted and actual do not agree
 * @ps: the ports, with all that ports_observe() found; get the reasons
 */
void ports_judge(struct ports *ps)
{
	struct port *p;
	size_t i, j;

	for (i = 0; i < ps->n; i++) {
		p = &ps->list[i];
		for (j = 0; j < p->n_queues; j++)
			queue_judge(ps, p, &p->queues[j]);
	}
}

static json_t *fact_json(const struct cpufact *fact)
{
	return fact->err ? json_null() : cpuset_json(&fact->cpus);
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
	json_object_set_new(root, "irq", json_val(q->irq));
	json_object_set_new(root, "napi_id", json_val(q->napi_id));
	json_object_set_new(root, "irq_cpus", fact_json(&q->irq_cpus));
	json_object_set_new(root, "irq_effective_cpus", fact_json(&q->irq_now));
	json_object_set_new(root, "xps_cpus", fact_json(&q->xps));
	json_object_set_new(root, "rps_cpus", fact_json(&q->rps));
	json_object_set_new(root, "reta_entries", json_val(q->reta));
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

static void fact_cell(struct table *t, const struct cpufact *fact)
{
	char text[CPUS_TEXT_MAX];

	if (fact->err)
		table_cell(t, "-");
	else
		table_cell(t, "%s", cpuset_format(&fact->cpus, text,
						  sizeof(text)));
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
	table_cell_val(t, q->irq);
	fact_cell(t, &q->irq_cpus);
	fact_cell(t, &q->irq_now);
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
		{ "IRQ", RIGHT }, { "AFFINITY", LEFT }, { "NOW", LEFT },
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
	int status = STATUS_OK;
	struct genl g;
	int ret;

	(void)argc;
	(void)argv;
	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret)
		ret = genl_dump(&g, PERCORE_CMD_PORT_GET, ports_decode, &ps,
				ports_reset);
	genl_close(&g);

	if (ret) {
		status = genl_error(&g, ret, "ports");
		goto reset;
	}
	ports_observe(&ps);
	ports_judge(&ps);
	if (opt->json)
		status = json_print(ports_json(&ps));
	else
		ports_print(&ps);
reset:
	ports_reset(&ps);
	return status;
}
