/* SPDX-License-Identifier: GPL-2.0 */
/*
 * steer.h - the plan of an interface, and what became of it
 *
 *	topology.c   reads machine and interface, has plan.c make the plan
 *	keep.c       sets what it wants, puts back what was there
 *	steer.c      when, and for which interfaces
 *	steer_nl.c   shows it
 */
#ifndef _NET_PERCORE_STEER_H
#define _NET_PERCORE_STEER_H

#include <linux/netdevice.h>

#include "plan.h"

/**
 * struct percore_topology - machine and interface at one moment
 * @plan: the plan
 * @n_tx: transmit queues
 * @xps: which CPU transmits on which of them is ours to say
 * @rx_irq: for each receive queue its interrupt, 0 if it is not to be moved
 * @tx_irq: the same for the transmit queue of the same number
 * @note: why no interrupt is to be moved, or NULL
 */
struct percore_topology {
	struct percore_plan plan;
	u32 n_tx;
	bool xps;
	unsigned int *rx_irq;
	unsigned int *tx_irq;
	const char *note;
};

/**
 * struct percore_steer_info - what became of a plan
 * @steered: it is in force
 * @healed: settings that somebody else changed and that were set again
 * @err: negative errno of the last attempt that failed, 0 since one succeeded
 */
struct percore_steer_info {
	bool steered;
	u64 healed;
	int err;
};

/**
 * struct percore_keep - the settings of an interface that are ours
 * @dev: the interface
 * @items: the settings, each with the value that it had before
 * @reta_was: the RSS indirection table before us, NULL if it is not ours
 * @reta_set: what it was last set to, NULL if it was left alone
 * @reta_size: entries of both
 * @n_queues: receive queues when last looked at
 * @healed: settings that somebody changed and that were set again
 */
struct percore_keep {
	struct net_device *dev;
	struct list_head items;
	u32 *reta_was;
	u32 *reta_set;
	u32 reta_size;
	u32 n_queues;
	u64 healed;
};

bool percore_topology_fits(const struct net_device *dev);
struct percore_topology *percore_topology_read(struct net_device *dev);
void percore_topology_free(struct percore_topology *top);
void percore_topology_xps(const struct percore_topology *top, u32 queue,
			  struct cpumask *cpus);
void percore_topology_rps(const struct percore_topology *top, u32 queue,
			  struct cpumask *cpus);

int percore_keep_init(void);
void percore_keep_exit(void);
int percore_keep_look(struct percore_keep *keep,
		      struct netlink_ext_ack *extack);
int percore_keep_revert(struct percore_keep *keep);
void percore_keep_forget(struct percore_keep *keep);

int percore_steer_init(void);
void percore_steer_exit(void);
int percore_steer_apply(struct net_device *dev, struct netlink_ext_ack *extack);
int percore_steer_revert(struct net_device *dev,
			 struct netlink_ext_ack *extack);
void percore_steer_info(const struct net_device *dev,
			struct percore_steer_info *info);

/* steer_nl.c */
struct genl_info;
struct netlink_callback;
int percore_steer_nl_dump(struct sk_buff *skb, struct netlink_callback *cb);
int percore_steer_nl_apply(struct sk_buff *skb, struct genl_info *info);
int percore_steer_nl_revert(struct sk_buff *skb, struct genl_info *info);

#endif /* _NET_PERCORE_STEER_H */
