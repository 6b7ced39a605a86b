/* SPDX-License-Identifier: GPL-2.0 */
/*
 * connect.h - source ports by which a NIC brings a connection to its core
 *
 *	toeplitz.h   which ports lead to an entry of the RSS table
 *	rss.c        what NICs hash with, and which entries are a core's
 *	connect.c    chooses the port of a socket that connects
 */
#ifndef _NET_PERCORE_CONNECT_H
#define _NET_PERCORE_CONNECT_H

#include <linux/netdevice.h>

#include "toeplitz.h"

struct percore_net;
struct percore_topology;

#define PERCORE_RSS_KEY		(PERCORE_TUPLE_V6 + PERCORE_TUPLE_KEY)
#define PERCORE_RSS_ENTRIES	BIT(PERCORE_RETA_BITS)

/**
 * struct percore_rss_slice - part of an indirection table
 * @from: index of its first entry in percore_rss.entry
 * @n: how many
 */
struct percore_rss_slice {
	u16 from;
	u16 n;
};

/**
 * struct percore_rss - how a steered NIC spreads what it receives
 * @list: of all NICs, under RTNL; readers under RCU
 * @rcu: frees it
 * @dev: the NIC; compared only
 * @key: that it hashes with
 * @entry: their numbers, those of one queue together
 * @v4: the ports for each entry, IPv4
 * @v6: IPv6
 * @of_cpu: for each CPU the entries that bring packets to it
 */
struct percore_rss {
	struct list_head list;
	struct rcu_head rcu;
	const struct net_device *dev;
	u8 key[PERCORE_RSS_KEY];
	u16 entry[PERCORE_RSS_ENTRIES];
	struct percore_ports v4;
	struct percore_ports v6;
	struct percore_rss_slice of_cpu[];
};

/* rss.c */
void percore_rss_learn(struct net_device *dev);
void percore_rss_forget(const struct net_device *dev);
const struct percore_rss *percore_rss_find(const struct net_device *dev);

/* connect.c */
int percore_connect_init(void);
void percore_connect_net_pre_exit(struct percore_net *pn);
int percore_connect_set(struct percore_net *pn, bool on);

#endif /* _NET_PERCORE_CONNECT_H */
