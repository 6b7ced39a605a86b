// SPDX-License-Identifier: GPL-2.0
/*
 * What is wanted of each queue of a NIC, what is, and why they differ
 *
 *	module:      queue 1 belongs to CPU 1 and serves CPU 1 and 5
 *	/proc/irq:   its interrupts go to CPU 1
 *	tx-1:        CPU 1 and 5 transmit on it, and no other
 *	rx-1:        its packets are handed to CPU 1 and 5
 *	ethtool -x:  RSS sends it its share
 *
 * The module says what is wanted, the kernel the rest.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/percore.h>

#include "percorectl.h"

static int wanted_cpus(const struct nlattr *attr, struct cpufact *fact)
{
	char text[FACTS_TEXT_MAX];
	int ret;

	fact->err = -ENOENT;
	if (!attr)
		return 0;
	ret = attr_string(attr, text, sizeof(text));
	if (!ret && cpuset_parse_list(text, &fact->cpus))
		ret = -EBADMSG;
	fact->err = ret;
	return ret;
}

static int queue_decode(const struct nlattr **tb, struct queue *q)
{
	int ret;

	ret = attr_val(tb[PERCORE_A_PLAN_QUEUE], &q->id);
	ret = ret ?: attr_val(tb[PERCORE_A_PLAN_CPU], &q->cpu);
	ret = ret ?: attr_string(tb[PERCORE_A_PLAN_WHY], q->reason,
				 sizeof(q->reason));
	ret = ret ?: attr_val(tb[PERCORE_A_PLAN_RX_IRQ], &q->irq.n);
	ret = ret ?: attr_val(tb[PERCORE_A_PLAN_TX_IRQ], &q->tx_irq.n);
	ret = ret ?: attr_string(tb[PERCORE_A_PLAN_IRQ_NOTE], q->irq_note,
				 sizeof(q->irq_note));
	ret = ret ?: attr_val(tb[PERCORE_A_PLAN_NAPI_ID], &q->napi_id);
	ret = ret ?: wanted_cpus(tb[PERCORE_A_PLAN_CPUS], &q->serves);
	ret = ret ?: wanted_cpus(tb[PERCORE_A_PLAN_XPS], &q->want_xps);
	ret = ret ?: wanted_cpus(tb[PERCORE_A_PLAN_RPS], &q->want_rps);
	ret = ret ?: attr_val(tb[PERCORE_A_PLAN_FLOWS], &q->want_flows);
	ret = ret ?: attr_val(tb[PERCORE_A_PLAN_RETA], &q->want_reta);
	/* One interrupt for both is shown once */
	if (q->tx_irq.n.known && q->irq.n.known &&
	    q->tx_irq.n.n == q->irq.n.n)
		q->tx_irq.n.known = false;
	return ret;
}

static int port_decode(const struct nlattr **tb, struct port *p)
{
	int ret;

	ret = attr_val(tb[PERCORE_A_PLAN_IFINDEX], &p->ifindex);
	ret = ret ?: attr_string(tb[PERCORE_A_PLAN_IFNAME], p->ifname,
				 sizeof(p->ifname));
	p->steered = tb[PERCORE_A_PLAN_STEERED];
	ret = ret ?: attr_val(tb[PERCORE_A_PLAN_HEALED], &p->healed);
	return ret ?: attr_val(tb[PERCORE_A_PLAN_ERROR], &p->error);
}

/**
 * ports_decode() - decode a message that answers PERCORE_CMD_PLAN_GET
 * @attrs: PERCORE_A_PLAN_*, of one queue
 * @len: bytes
 * @data: struct ports, gets one more queue, of the last port or of a new one
 *
 * Return: 0, or -EBADMSG.
 */
int ports_decode(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[PERCORE_A_PLAN_MAX + 1];
	struct ports *ps = data;
	struct port *p, port = {};
	int ret;

	ret = attr_table(attrs, len, tb, PERCORE_A_PLAN_MAX);
	ret = ret ?: port_decode(tb, &port);
	if (ret)
		return ret;
	p = ps->n ? &ps->list[ps->n - 1] : NULL;
	if (!p || p->ifindex.n != port.ifindex.n ||
	    p->ifindex.known != port.ifindex.known) {
		ps->list = xrealloc(ps->list, ps->n + 1, sizeof(*ps->list));
		p = &ps->list[ps->n++];
		*p = port;
	}
	p->queues = xrealloc(p->queues, p->n_queues + 1, sizeof(*p->queues));
	p->queues[p->n_queues] = (struct queue){};
	return queue_decode(tb, &p->queues[p->n_queues++]);
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

static void irq_observe(struct irq *irq)
{
	unsigned int n = irq->n.n;

	irq->cpus.err = -ENOENT;
	irq->now.err = -ENOENT;
	if (!irq->n.known)
		return;
	facts_read_cpulist(&irq->cpus, "/proc/irq/%u/smp_affinity_list", n);
	facts_read_cpulist(&irq->now, "/proc/irq/%u/effective_affinity_list",
			   n);
}

static void queue_observe(const struct port *p, bool in_sysfs, struct queue *q)
{
	unsigned int id = q->id.n;
	char text[32];

	irq_observe(&q->irq);
	irq_observe(&q->tx_irq);
	q->xps.err = -ENODEV;
	q->rps.err = -ENODEV;
	if (!in_sysfs || !q->id.known)
		return;
	facts_read_cpumask(&q->xps, "/sys/class/net/%s/queues/tx-%u/xps_cpus",
			   p->ifname, id);
	facts_read_cpumask(&q->rps, "/sys/class/net/%s/queues/rx-%u/rps_cpus",
			   p->ifname, id);
	if (!facts_read_text(text, sizeof(text),
			     "/sys/class/net/%s/queues/rx-%u/rps_flow_cnt",
			     p->ifname, id))
		q->flows = (struct val){ true, strtoull(text, NULL, 10) };
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

static void irq_judge(struct queue *q, const struct irq *irq, const char *name)
{
	char text[CPUS_TEXT_MAX];

	if (!irq->n.known)
		return;
	if (irq->cpus.err)
		queue_why(q, "%s %u: %s", name, (unsigned int)irq->n.n,
			  strerror(-irq->cpus.err));
	else if (!cpuset_is(&irq->cpus.cpus, q->cpu.n))
		queue_why(q, "%s may go to CPU %s", name,
			  cpuset_format(&irq->cpus.cpus, text, sizeof(text)));
	/* A new affinity takes effect with the next interrupt. */
	else if (!irq->now.err && cpuset_count(&irq->now.cpus) &&
		 !cpuset_test(&irq->now.cpus, q->cpu.n))
		queue_why(q, "%s is yet on CPU %s", name,
			  cpuset_format(&irq->now.cpus, text, sizeof(text)));
}

/* Return: the queue that the CPU is to transmit on, or NULL. */
static const struct queue *xps_owner(const struct port *p, unsigned int cpu)
{
	size_t i;

	for (i = 0; i < p->n_queues; i++)
		if (!p->queues[i].want_xps.err &&
		    cpuset_test(&p->queues[i].want_xps.cpus, cpu))
			return &p->queues[i];
	return NULL;
}

static void xps_judge(const struct port *p, struct queue *q)
{
	const struct cpuset *want = &q->want_xps.cpus, *is = &q->xps.cpus;
	char text[CPUS_TEXT_MAX];
	const struct queue *o;
	struct cpuset lacks = {};
	unsigned int cpu;

	if (q->want_xps.err)
		return;
	if (q->xps.err) {
		queue_why(q, "xps: %s", strerror(-q->xps.err));
		return;
	}
	if (!cpuset_count(is) && cpuset_count(want)) {
		queue_why(q, "xps is off");
		return;
	}
	for (cpu = 0; cpu < CPUSET_MAX; cpu++)
		if (cpuset_test(want, cpu) && !cpuset_test(is, cpu))
			cpuset_add(&lacks, cpu);
	if (cpuset_count(&lacks))
		queue_why(q, "xps lacks CPU %s",
			  cpuset_format(&lacks, text, sizeof(text)));
	for (cpu = 0; cpu < CPUSET_MAX; cpu++) {
		if (!cpuset_test(is, cpu) || cpuset_test(want, cpu))
			continue;
		o = xps_owner(p, cpu);
		if (!o)
			continue;
		queue_why(q, "xps takes CPU %u of queue %u", cpu,
			  (unsigned int)o->id.n);
		return;
	}
}

static void rps_judge(struct queue *q)
{
	char text[CPUS_TEXT_MAX], want[CPUS_TEXT_MAX];

	/* A kernel without RPS moves no packets. */
	if (q->rps.err == -ENOENT || q->want_rps.err)
		return;
	if (q->rps.err) {
		queue_why(q, "rps: %s", strerror(-q->rps.err));
		return;
	}
	cpuset_format(&q->rps.cpus, text, sizeof(text));
	if (cpuset_count(&q->want_rps.cpus)) {
		if (memcmp(&q->rps.cpus, &q->want_rps.cpus,
			   sizeof(q->rps.cpus)))
			queue_why(q, "rps is %s, not CPU %s",
				  text, cpuset_format(&q->want_rps.cpus, want,
						      sizeof(want)));
	} else if (cpuset_count(&q->rps.cpus) &&
		   !cpuset_is(&q->rps.cpus, q->cpu.n)) {
		queue_why(q, "rps moves packets to CPU %s", text);
	}
	if (q->want_flows.known && q->flows.known &&
	    q->want_flows.n != q->flows.n)
		queue_why(q, "rfs has %llu entries, not %llu",
			  (unsigned long long)q->flows.n,
			  (unsigned long long)q->want_flows.n);
}

/* One more or less is a matter of rounding. */
static void reta_judge(struct queue *q)
{
	if (!q->reta.known || !q->want_reta.known)
		return;
	if (!q->reta.n && q->want_reta.n)
		queue_why(q, "rss sends it nothing");
	else if (q->reta.n && !q->want_reta.n)
		queue_why(q, "rss sends it packets");
	else if (q->reta.n > q->want_reta.n + 1 ||
		 q->reta.n + 1 < q->want_reta.n)
		queue_why(q, "rss gives it %llu entries, not %llu",
			  (unsigned long long)q->reta.n,
			  (unsigned long long)q->want_reta.n);
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
	if (q->irq_note[0])
		queue_why(q, "irq: %s", q->irq_note);
	irq_judge(q, &q->irq, "irq");
	irq_judge(q, &q->tx_irq, "tx irq");
	if (q->xps.err == -ENODEV) {
		queue_why(q, "the interface is not in /sys/class/net");
		return;
	}
	xps_judge(p, q);
	rps_judge(q);
	reta_judge(q);
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

/**
 * ports_get() - ask for plans, read and judge what is
 * @ps: gets the ports; to be given to ports_reset() in any case
 * @ifname: the one to ask for, or NULL for all
 * @what: the request, as the user calls it
 *
 * Return: exit status; what went wrong has been said.
 */
int ports_get(struct ports *ps, const char *ifname, const char *what)
{
	uint32_t ifindex = 0;
	struct genl g;
	int ret;

	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret && ifname) {
		ifindex = if_nametoindex(ifname);
		if (!ifindex) {
			genl_close(&g);
			return ifname_error(ifname);
		}
	}
	if (!ret)
		ret = genl_dump_of(&g, PERCORE_CMD_PLAN_GET,
				   PERCORE_A_PLAN_IFINDEX, ifindex,
				   ports_decode, ps, ports_reset);
	genl_close(&g);
	if (ret)
		return genl_error(&g, ret, what);
	ports_observe(ps);
	ports_judge(ps);
	return STATUS_OK;
}
