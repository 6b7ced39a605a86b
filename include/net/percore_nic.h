/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percore_nic.h - the whole contract between a NIC driver and percore
 *
 * The driver creates one auxiliary device per port; percore has the
 * auxiliary_driver that matches it. Neither module uses a symbol of the other,
 * either may be loaded first, and either may be unloaded first, under traffic.
 *
 * Lifetime: between the return of percore's probe() and the return of its
 * remove(), which the auxiliary bus serialises with device_lock(), the driver
 * keeps @netdev registered or in the course of unregistering and every op
 * callable. After remove() percore holds nothing of the port.
 */
#ifndef _NET_PERCORE_NIC_H
#define _NET_PERCORE_NIC_H

#include <linux/auxiliary_bus.h>
#include <linux/netdevice.h>

/* Second half of the device name on the auxiliary bus: "<driver>.percore" */
#define PERCORE_NIC_NAME	"percore"

struct percore_nic;

/**
 * struct percore_nic_queue - where one receive and transmit pair lives
 * @irq: Linux interrupt number of the pair's vector, or 0 if that is the vector
 *	of another pair, too, which has it here
 * @cpu: CPU that the driver keeps the pair on
 * @napi_id: NAPI id that the pair's packets carry, 0 while the port is down
 */
struct percore_nic_queue {
	int irq;
	unsigned int cpu;
	unsigned int napi_id;
};

/**
 * struct percore_nic_ops - what a port can tell
 * @queue_count: number of receive and transmit pairs in use, at least 1.
 *	Called in process context with RTNL held
 * @queue_get: describe pair @queue: 0, or -EINVAL when it is not below
 *	queue_count(). Called in process context with RTNL held
 * @tx_sync: optional: whether transmit queue @queue reclaims what it is given
 *	before ndo_start_xmit() returns, so that no time passes between doorbell
 *	and reclaim. Any @queue of the interface. Called with bottom halves off,
 *	under the queue's __netif_tx_lock and RCU; percore waits for calls under
 *	way before remove() returns
 */
struct percore_nic_ops {
	unsigned int (*queue_count)(struct percore_nic *nic);
	int (*queue_get)(struct percore_nic *nic, unsigned int queue,
			 struct percore_nic_queue *info);
	bool (*tx_sync)(struct percore_nic *nic, unsigned int queue);
};

/**
 * struct percore_nic - one port of a NIC, as its driver shows it to percore
 * @adev: the auxiliary device; its parent is the PCI device
 * @netdev: the port's network interface
 * @ops: what the port can tell
 */
struct percore_nic {
	struct auxiliary_device adev;
	struct net_device *netdev;
	const struct percore_nic_ops *ops;
};

static inline struct percore_nic *
percore_nic_from_adev(struct auxiliary_device *adev)
{
	return container_of(adev, struct percore_nic, adev);
}

#endif /* _NET_PERCORE_NIC_H */
