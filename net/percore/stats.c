// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - what was counted in a network namespace, and who may see it
 *
 * Counted beside the stages (stats.h), each CPU for itself; added up when
 * somebody asks, in /proc/net/percore, two lines as in /proc/net/netstat, or by
 * netlink, PERCORE_CMD_STATUS_GET.
 *
 * Locking: none. Whoever counts keeps the namespace, or has been stopped before
 * percore_stats_exit(): sockets hold it, probes end in the module's pre_exit,
 * steering before that. Readers of the file are waited for when it goes.
 */
#include <linux/percore.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/netlink.h>

#include "stats.h"

#define PERCORE_STATS_FILE	"percore"

static const struct {
	const char *name;	/* as nstat has them, after "Percore" */
	u16 attr;
} percore_stats_table[] = {
	[PERCORE_STAT_ATTACHED] = {
		"Attached", PERCORE_A_STATUS_ATTACHED },
	[PERCORE_STAT_DETACHED] = {
		"Detached", PERCORE_A_STATUS_DETACHED },
	[PERCORE_STAT_SYNS] = {
		"Syns", PERCORE_A_STATUS_SYNS },
	[PERCORE_STAT_ACCEPTS_LOCAL] = {
		"AcceptsLocal", PERCORE_A_STATUS_ACCEPTS_LOCAL },
	[PERCORE_STAT_ACCEPTS_STOLEN] = {
		"AcceptsStolen", PERCORE_A_STATUS_ACCEPTS_STOLEN },
	[PERCORE_STAT_SPILLED] = {
		"Spilled", PERCORE_A_STATUS_SPILLED },
	[PERCORE_STAT_CONNECTS_PLACED] = {
		"ConnectsPlaced", PERCORE_A_STATUS_CONNECTS_PLACED },
	[PERCORE_STAT_CONNECTS_LEFT] = {
		"ConnectsLeft", PERCORE_A_STATUS_CONNECTS_LEFT },
	[PERCORE_STAT_CONNECTS_LOST] = {
		"ConnectsLost", PERCORE_A_STATUS_CONNECTS_LOST },
	[PERCORE_STAT_HEALED] = {
		"Healed", PERCORE_A_STATUS_HEALED },
	[PERCORE_STAT_TSQ_CHANGES] = {
		"TsqChanges", PERCORE_A_STATUS_TSQ_CHANGES },
};

static unsigned long percore_stats_sum(struct net *net, unsigned int stat)
{
	const struct percore_stats __percpu *stats = percore_net(net)->stats;
	unsigned long sum = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(stats, cpu)->count[stat]);
	return sum;
}

static int percore_stats_show(struct seq_file *seq, void *unused)
{
	struct net *net = seq->private;
	unsigned int i;

	seq_puts(seq, "Percore:");
	for (i = 0; i < PERCORE_STATS; i++)
		seq_printf(seq, " %s", percore_stats_table[i].name);
	seq_puts(seq, "\nPercore:");
	for (i = 0; i < PERCORE_STATS; i++)
		seq_printf(seq, " %lu", percore_stats_sum(net, i));
	seq_putc(seq, '\n');
	return 0;
}

/**
 * percore_stats_put - all of them into an answer to PERCORE_CMD_STATUS_GET
 * @skb: gets PERCORE_A_STATUS_*
 * @net: the namespace
 * Context: any that keeps the namespace.
 * Return: 0 or -EMSGSIZE.
 */
int percore_stats_put(struct sk_buff *skb, struct net *net)
{
	unsigned int i;

	for (i = 0; i < PERCORE_STATS; i++)
		if (nla_put_u64_64bit(skb, percore_stats_table[i].attr,
				      percore_stats_sum(net, i),
				      PERCORE_A_STATUS_PAD))
			return -EMSGSIZE;
	return 0;
}

/**
 * percore_stats_init - a namespace comes: counters at 0, and their file
 * @net: the namespace, in which nothing counts yet
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int percore_stats_init(struct net *net)
{
	struct percore_net *pn = percore_net(net);

	BUILD_BUG_ON(ARRAY_SIZE(percore_stats_table) != PERCORE_STATS);
	pn->stats = alloc_percpu(struct percore_stats);
	if (!pn->stats)
		return -ENOMEM;
	if (proc_create_net_single(PERCORE_STATS_FILE, 0444, net->proc_net,
				   percore_stats_show, NULL))
		return 0;
	free_percpu(pn->stats);
	return -ENOMEM;
}

/**
 * percore_stats_exit - a namespace is gone, or the module goes
 * @net: the namespace, in which nothing counts any more
 * Context: process, may sleep.
 */
void percore_stats_exit(struct net *net)
{
	remove_proc_entry(PERCORE_STATS_FILE, net->proc_net);
	free_percpu(percore_net(net)->stats);
}
