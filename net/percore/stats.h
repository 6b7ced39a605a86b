/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h - what is counted in a network namespace
 *
 * One table (stats.c) has the names, for /proc/net/percore and for netlink.
 */
#ifndef _NET_PERCORE_STATS_H
#define _NET_PERCORE_STATS_H

#include <linux/percpu.h>

#include "percore.h"

/**
 * enum percore_stat - counters; only ever grow, until the module goes
 * @PERCORE_STAT_ATTACHED: listening sockets that got shards
 * @PERCORE_STAT_DETACHED: those that lost them, by whatever way
 * @PERCORE_STAT_SYNS: SYNs that came to a shard's core
 * @PERCORE_STAT_ACCEPTS_LOCAL: connections accepted on their core
 * @PERCORE_STAT_ACCEPTS_STOLEN: on another
 * @PERCORE_STAT_SPILLED: connections that a core gave up for anybody to take
 * @PERCORE_STAT_CONNECTS_PLACED: sockets that connected with a port that brings
 *	their packets to the CPU they connected on
 * @PERCORE_STAT_CONNECTS_LEFT: without, as there was no such NIC or port
 * @PERCORE_STAT_CONNECTS_LOST: refused, as somebody bound the port in that
 *	moment
 * @PERCORE_STAT_HEALED: settings of NICs that drifted and were set again
 * @PERCORE_STAT_TSQ_CHANGES: pacing shifts that transmit queues changed to
 * @PERCORE_STATS: how many there are
 */
enum percore_stat {
	PERCORE_STAT_ATTACHED,
	PERCORE_STAT_DETACHED,
	PERCORE_STAT_SYNS,
	PERCORE_STAT_ACCEPTS_LOCAL,
	PERCORE_STAT_ACCEPTS_STOLEN,
	PERCORE_STAT_SPILLED,
	PERCORE_STAT_CONNECTS_PLACED,
	PERCORE_STAT_CONNECTS_LEFT,
	PERCORE_STAT_CONNECTS_LOST,
	PERCORE_STAT_HEALED,
	PERCORE_STAT_TSQ_CHANGES,
	PERCORE_STATS
};

/**
 * struct percore_stats - of one CPU
 * @count: by enum percore_stat; only its CPU writes
 */
struct percore_stats {
	unsigned long count[PERCORE_STATS];
};

/* Context: any that keeps the namespace. */
static inline void percore_stat_add(const struct net *net,
				    enum percore_stat stat, unsigned long n)
{
	this_cpu_add(percore_net(net)->stats->count[stat], n);
}

static inline void percore_stat_inc(const struct net *net,
				    enum percore_stat stat)
{
	percore_stat_add(net, stat, 1);
}

int percore_stats_init(struct net *net);
void percore_stats_exit(struct net *net);
int percore_stats_put(struct sk_buff *skb, struct net *net);

#endif /* _NET_PERCORE_STATS_H */
