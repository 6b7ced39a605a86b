// SPDX-License-Identifier: GPL-2.0
/*
 * sysctl.c - net.percore.*, one set per network namespace
 *
 * A new namespace starts with the values that init_net has at that moment.
 */
#include <linux/bitmap.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysctl.h>

#include "percore.h"
#include "connect.h"
#include "tsq.h"

#define PERCORE_LISTEN_SHARD		1
#define PERCORE_LISTEN_STEAL_US		5000
#define PERCORE_CONNECT_LOCAL		0
#define PERCORE_TSQ			0
#define PERCORE_TSQ_MIN_US		200
#define PERCORE_TSQ_MAX_US		16000

static unsigned int percore_steal_min_us = 100;
static unsigned int percore_steal_max_us = 1000000;
static unsigned int percore_tsq_us_least = PERCORE_TSQ_US_LEAST;
static unsigned int percore_tsq_us_most = PERCORE_TSQ_US_MOST;

/* Which sockets are to have shards: on return those and no others have. */
static int percore_sysctl_select(proc_handler *handler,
				 const struct ctl_table *table, int write,
				 void *buffer, size_t *lenp, loff_t *ppos)
{
	int ret;

	mutex_lock(&percore_select_lock);
	ret = handler(table, write, buffer, lenp, ppos);
	if (!ret && write)
		percore_adopt_again();
	mutex_unlock(&percore_select_lock);
	return ret;
}

static int percore_sysctl_listen_shard(const struct ctl_table *table, int write,
				       void *buffer, size_t *lenp, loff_t *ppos)
{
	return percore_sysctl_select(proc_dou8vec_minmax, table, write, buffer,
				     lenp, ppos);
}

static int percore_sysctl_ports(const struct ctl_table *table, int write,
				void *buffer, size_t *lenp, loff_t *ppos)
{
	struct percore_net *pn = container_of(table->data, struct percore_net,
					      listen_ports);
	int ret = proc_do_large_bitmap(table, write, buffer, lenp, ppos);

	if (write)
		WRITE_ONCE(pn->has_ports,
			   !bitmap_empty(pn->listen_ports, PERCORE_PORTS));
	return ret;
}

static int percore_sysctl_listen_ports(const struct ctl_table *table, int write,
				       void *buffer, size_t *lenp, loff_t *ppos)
{
	return percore_sysctl_select(percore_sysctl_ports, table, write, buffer,
				     lenp, ppos);
}

/* A setting and what it does are one step to whoever writes next. */
static DEFINE_MUTEX(percore_sysctl_lock);

/* On or off; when @set cannot, nothing changes. @in_force is what it left. */
static int percore_sysctl_switch(struct percore_net *pn,
				 int (*set)(struct percore_net *pn, bool on),
				 const bool *in_force,
				 const struct ctl_table *table, int write,
				 void *buffer, size_t *lenp, loff_t *ppos)
{
	u8 *value = table->data;
	int ret;

	mutex_lock(&percore_sysctl_lock);
	ret = proc_dou8vec_minmax(table, write, buffer, lenp, ppos);
	if (!ret && write)
		ret = set(pn, *value);
	if (ret && write)
		*value = *in_force;
	mutex_unlock(&percore_sysctl_lock);
	return ret;
}

static int percore_sysctl_connect(const struct ctl_table *table, int write,
				  void *buffer, size_t *lenp, loff_t *ppos)
{
	struct percore_net *pn = container_of(table->data, struct percore_net,
					      connect_local);

	return percore_sysctl_switch(pn, percore_connect_set, &pn->connect_on,
				     table, write, buffer, lenp, ppos);
}

/* 0: no socket has a shift of ours on return. */
static int percore_sysctl_tsq(const struct ctl_table *table, int write,
			      void *buffer, size_t *lenp, loff_t *ppos)
{
	struct percore_net *pn = container_of(table->data, struct percore_net,
					      tsq);

	return percore_sysctl_switch(pn, percore_tsq_set, &pn->tsq_on, table,
				     write, buffer, lenp, ppos);
}

/* One bound is the limit of the other, which must not move meanwhile. */
static int percore_sysctl_tsq_us(const struct ctl_table *table, int write,
				 void *buffer, size_t *lenp, loff_t *ppos)
{
	int ret;

	mutex_lock(&percore_sysctl_lock);
	ret = proc_douintvec_minmax(table, write, buffer, lenp, ppos);
	mutex_unlock(&percore_sysctl_lock);
	return ret;
}

/* data is an offset in struct percore_net here, an address in each copy */
static const struct ctl_table percore_sysctl_table[] = {
	{
		.procname	= "listen_shard",
		.data		= (void *)offsetof(struct percore_net,
						   listen_shard),
		.maxlen		= sizeof(u8),
		.mode		= 0644,
		.proc_handler	= percore_sysctl_listen_shard,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
	{
		.procname	= "listen_steal_us",
		.data		= (void *)offsetof(struct percore_net,
						   listen_steal_us),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= &percore_steal_min_us,
		.extra2		= &percore_steal_max_us,
	},
	{
		.procname	= "listen_ports",
		.data		= (void *)offsetof(struct percore_net,
						   listen_ports),
		.maxlen		= PERCORE_PORTS,
		.mode		= 0644,
		.proc_handler	= percore_sysctl_listen_ports,
	},
	{
		.procname	= "connect_local",
		.data		= (void *)offsetof(struct percore_net,
						   connect_local),
		.maxlen		= sizeof(u8),
		.mode		= 0644,
		.proc_handler	= percore_sysctl_connect,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
	{
		.procname	= "tsq",
		.data		= (void *)offsetof(struct percore_net, tsq),
		.maxlen		= sizeof(u8),
		.mode		= 0644,
		.proc_handler	= percore_sysctl_tsq,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
	{
		.procname	= "tsq_min_us",
		.data		= (void *)offsetof(struct percore_net,
						   tsq_min_us),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= percore_sysctl_tsq_us,
		.extra1		= &percore_tsq_us_least,
		/* extra2: the other */
	},
	{
		.procname	= "tsq_max_us",
		.data		= (void *)offsetof(struct percore_net,
						   tsq_max_us),
		.maxlen		= sizeof(unsigned int),
		.mode		= 0644,
		.proc_handler	= percore_sysctl_tsq_us,
		/* extra1: the other */
		.extra2		= &percore_tsq_us_most,
	},
};

/* Makes a copy of the table that of a namespace */
static void percore_sysctl_bind(struct ctl_table *table, struct percore_net *pn)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_sysctl_table); i++) {
		table[i].data = (void *)pn + (uintptr_t)table[i].data;
		if (table[i].data == &pn->tsq_min_us)
			table[i].extra2 = &pn->tsq_max_us;
		if (table[i].data == &pn->tsq_max_us)
			table[i].extra1 = &pn->tsq_min_us;
	}
}

/* Both at once, or the lower might come out above the upper */
static void percore_sysctl_copy_bounds(struct percore_net *pn,
				       const struct percore_net *from)
{
	mutex_lock(&percore_sysctl_lock);
	pn->tsq_min_us = from->tsq_min_us;
	pn->tsq_max_us = from->tsq_max_us;
	mutex_unlock(&percore_sysctl_lock);
}

/**
 * percore_sysctl_init - make net.percore.* of a namespace
 * @net: the network namespace
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int percore_sysctl_init(struct net *net)
{
	struct percore_net *pn = percore_net(net);
	struct ctl_table *table;

	pn->net = net;
	pn->listen_ports = bitmap_zalloc(PERCORE_PORTS, GFP_KERNEL);
	if (!pn->listen_ports)
		return -ENOMEM;
	if (net_eq(net, &init_net)) {
		pn->listen_shard = PERCORE_LISTEN_SHARD;
		pn->listen_steal_us = PERCORE_LISTEN_STEAL_US;
		pn->connect_local = PERCORE_CONNECT_LOCAL;
		pn->tsq = PERCORE_TSQ;
		pn->tsq_min_us = PERCORE_TSQ_MIN_US;
		pn->tsq_max_us = PERCORE_TSQ_MAX_US;
	} else {
		const struct percore_net *init = percore_net(&init_net);

		pn->listen_shard = READ_ONCE(init->listen_shard);
		pn->listen_steal_us = READ_ONCE(init->listen_steal_us);
		pn->connect_local = READ_ONCE(init->connect_local);
		pn->tsq = READ_ONCE(init->tsq);
		percore_sysctl_copy_bounds(pn, init);
		bitmap_copy(pn->listen_ports, init->listen_ports,
			    PERCORE_PORTS);
		pn->has_ports = !bitmap_empty(pn->listen_ports, PERCORE_PORTS);
	}

	table = kmemdup(percore_sysctl_table, sizeof(percore_sysctl_table),
			GFP_KERNEL);
	if (!table)
		goto free_ports;
	percore_sysctl_bind(table, pn);
	pn->header = register_net_sysctl_sz(net, "net/percore", table,
					    ARRAY_SIZE(percore_sysctl_table));
	if (!pn->header)
		goto free_table;
	return 0;

free_table:
	kfree(table);
free_ports:
	bitmap_free(pn->listen_ports);
	return -ENOMEM;
}

/**
 * percore_sysctl_exit - remove net.percore.* of a namespace
 * @net: the network namespace
 * Context: process.
 */
void percore_sysctl_exit(struct net *net)
{
	struct percore_net *pn = percore_net(net);
	const struct ctl_table *table = pn->header->ctl_table_arg;

	unregister_net_sysctl_table(pn->header);
	kfree(table);
	bitmap_free(pn->listen_ports);
}
