/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tsq.h - what the files of TCP small queues share
 *
 *	tsq.c		measures transmit queues
 *	tsq_rule.c	from measured delays to a pacing shift
 *	tsq_sock.c	gives it to sockets and takes it back
 *	tsq_nl.c	shows it
 */
#ifndef _NET_PERCORE_TSQ_H
#define _NET_PERCORE_TSQ_H

#include <linux/atomic.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include "tsq_rule.h"

struct percore_net;
struct percore_nic;
struct netlink_callback;

/**
 * enum percore_tsq_source - how the delay of a queue is known
 * @PERCORE_TSQ_UNKNOWN: no sample yet
 * @PERCORE_TSQ_BQL: reclaim seen in the driver's byte queue limits
 * @PERCORE_TSQ_DRIVER: its driver says that there is none
 * @PERCORE_TSQ_BLIND: the driver has no BQL, or reclaims outside of NAPI
 */
enum percore_tsq_source {
	PERCORE_TSQ_UNKNOWN,
	PERCORE_TSQ_BQL,
	PERCORE_TSQ_DRIVER,
	PERCORE_TSQ_BLIND,
};

/**
 * struct percore_tsq_queue - a transmit queue
 * @shift: copy of @rule.shift for who sends
 * @source: enum percore_tsq_source
 * @burst_bytes: no frame of its sockets need be shorter
 * @bytes: sent since @since; written by who sends, as all down to @state
 * @since: in jiffies
 * @jiffy: when it was looked at last
 * @state: enum percore_tsq_state; who makes it BUSY owns all below
 * @mark: bytes ever queued (BQL) at the doorbell of the sample
 * @start_ns: when that was
 * @waiting: frames waited above then
 * @late: a look has found it reclaimed before a poll told
 * @rule: what the samples come to
 * @samples: how many there were
 * @changes: times that @shift changed
 */
struct percore_tsq_queue {
	u8 shift;
	u8 source;
	u32 burst_bytes;
	unsigned long bytes;
	unsigned long since;
	unsigned long jiffy;

	atomic_t state;
	u32 mark;
	u64 start_ns;
	bool waiting;
	bool late;
	struct percore_tsq_rule rule;
	unsigned long samples;
	unsigned long changes;
} ____cacheline_aligned_in_smp;

/**
 * struct percore_tsq_dev - a NIC
 * @dev: its interface; no reference, it goes with NETDEV_UNREGISTER
 * @nic: its port, if its driver shows it to percore; changed under RTNL
 * @node: in the table, changed under RTNL
 * @rcu: frees it
 * @armed: queues with a sample under way
 * @n_queues: number of @queue
 * @queue: its transmit queues
 */
struct percore_tsq_dev {
	struct net_device *dev;
	struct percore_nic __rcu *nic;
	struct hlist_node node;
	struct rcu_head rcu;
	unsigned long *armed;
	unsigned int n_queues;
	struct percore_tsq_queue queue[];
};

/* tsq.c */
int percore_tsq_init(void);
void percore_tsq_exit(void);
int percore_tsq_set(struct percore_net *pn, bool on);
int percore_tsq_net_init(struct percore_net *pn);
void percore_tsq_net_pre_exit(struct percore_net *pn);
void percore_tsq_net_exit(struct percore_net *pn);
void percore_tsq_port_add(struct percore_nic *nic);
void percore_tsq_port_del(struct percore_nic *nic);
struct percore_tsq_dev *percore_tsq_find(const struct net_device *dev);

/* tsq_sock.c */
void percore_tsq_sock_init(void);
void percore_tsq_sock_update(struct sock *sk, const struct sk_buff *skb,
			     u8 shift, u32 burst_bytes);
void percore_tsq_sock_forget(struct sock *sk);
void percore_tsq_sock_restore(const struct net *net);
unsigned int percore_tsq_sock_count(const struct net *net);

/* tsq_nl.c */
int percore_tsq_nl_dump(struct sk_buff *skb, struct netlink_callback *cb);

#endif /* _NET_PERCORE_TSQ_H */
