/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Moving a NIC from one driver to another: what the files nic*.c share
 *
 *   nic.c          which device it is; what forbids the move
 *   nic_save.c     all that rtnetlink and sysctl know of it, before
 *   nic_restore.c  and back again, after
 *   nic_wait.c     link and peers
 *   cmd_bind.c     the verbs, the move, the way back
 *
 * An interface dies with its driver, and what hangs on it with the interface:
 * VLANs, addresses, routes, neighbours, its sysctls.  The kernel's own messages
 * about them are kept, and sent back with the new interface's index.  Rules name
 * an interface by its name, and so stay where they are.
 *
 * Functions return 0, or -1 once nic_fail() has been told why, unless they say
 * otherwise.
 */
#ifndef _PERCORECTL_NIC_H
#define _PERCORECTL_NIC_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "percorectl.h"

#define NIC_OURS	"igb_percore"
#define NIC_STOCK	"igb"

struct rtnexthop;

/**
 * struct messages - messages of the kernel
 * @list: copies of them
 * @n: how many
 */
struct messages {
	struct nlmsghdr **list;
	size_t n;
};

/**
 * struct setting - a sysctl of an interface
 * @dir: where, up to the interface's name
 * @file: its name
 * @value: as read
 */
struct setting {
	const char *dir;
	char *file;
	char *value;
};

/**
 * struct iface - an interface that goes and comes
 * @name: its name
 * @was: its index before
 * @now: its index after, 0 if it is not there
 * @parent: index, before, of the one that it lies on; 0 for the NIC
 * @link: RTM_NEWLINK
 * @settings: its sysctls
 * @n_settings: how many
 */
struct iface {
	char name[IFNAMSIZ];
	uint32_t was;
	uint32_t now;
	uint32_t parent;
	const struct nlmsghdr *link;
	struct setting *settings;
	size_t n_settings;
};

/**
 * struct nic - a NIC, and what was there before it was moved
 * @name: its interface
 * @pci: its address, as in sysfs
 * @driver: the driver that it has
 * @override: driver_override, "" for none
 * @lock: of the device, against another percorectl; -1 for none
 * @rtnl: connection to rtnetlink
 * @up: its interface was up
 * @ifaces: the NIC, then VLANs, each after what it lies on
 * @n_ifaces: how many
 * @links: all links there are
 * @addrs: addresses of @ifaces
 * @routes: routes through @ifaces, or from their addresses
 * @neighs: neighbours that somebody has set
 * @peers: addresses that have to answer, from the command line
 * @n_peers: how many
 * @why: the first thing that went wrong, or ""
 */
struct nic {
	char name[IFNAMSIZ];
	char pci[32];
	char driver[64];
	char override[64];
	int lock;
	struct genl rtnl;
	bool up;
	struct iface *ifaces;
	size_t n_ifaces;
	struct messages links;
	struct messages addrs;
	struct messages routes;
	struct messages neighs;
	const char *const *peers;
	size_t n_peers;
	char why[384];
};

/* nic.c */
int nic_fail(struct nic *nic, const char *fmt, ...) __printf(2, 3);
int nic_open(struct nic *nic, const char *dev);
void nic_close(struct nic *nic);
int nic_driver(const struct nic *nic, char *buf, size_t size);
int nic_lock(struct nic *nic);
bool nic_gone(struct nic *nic);
int nic_fit(struct nic *nic, const char *driver);
int nic_move(struct nic *nic, const char *driver, const char *override);
int nic_write(const char *path, const char *text);

/* nic_save.c */
int nic_rtnl_open(struct nic *nic);
int nic_dump(struct nic *nic, uint16_t type, uint16_t reply, int family,
	     size_t head, struct messages *all);
void messages_free(struct messages *all);
struct rtnexthop *nic_hop(const struct nlattr *attr, size_t *at);
struct iface *nic_iface(const struct nic *nic, uint32_t was);
int nic_save(struct nic *nic);

/* nic_restore.c */
int nic_restore(struct nic *nic);
int nic_neighs_restore(struct nic *nic);

/* nic_wait.c */
bool peer_valid(const char *text);
uint64_t now_ms(void);
void nap_ms(unsigned int ms);
int nic_peers_check(struct nic *nic);
int nic_link_wait(struct nic *nic, uint64_t deadline_ms);
int nic_peers_wait(struct nic *nic, uint64_t deadline_ms);

#endif
