// SPDX-License-Identifier: GPL-2.0
/*
 * port.c - the NIC ports that a driver shows on the auxiliary bus
 *
 * include/net/percore_nic.h is the contract. A port is in the list between
 * probe() and remove(); percore_ports_lock keeps remove() from returning, and
 * so the driver from going, while somebody looks at it.
 */
#include <linux/mutex.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/percore_nic.h>

#include "percore.h"
#include "tsq.h"

struct percore_port {
	struct percore_nic *nic;
	struct list_head list;
};

static LIST_HEAD(percore_ports);
static DEFINE_MUTEX(percore_ports_lock);	/* the list; inside RTNL */

static int percore_port_probe(struct auxiliary_device *adev,
			      const struct auxiliary_device_id *id)
{
	struct percore_port *port;

	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	port->nic = percore_nic_from_adev(adev);
	auxiliary_set_drvdata(adev, port);
	mutex_lock(&percore_ports_lock);
	list_add_tail(&port->list, &percore_ports);
	mutex_unlock(&percore_ports_lock);
	percore_tsq_port_add(port->nic);
	return 0;
}

static void percore_port_remove(struct auxiliary_device *adev)
{
	struct percore_port *port = auxiliary_get_drvdata(adev);

	mutex_lock(&percore_ports_lock);
	list_del(&port->list);
	mutex_unlock(&percore_ports_lock);
	percore_tsq_port_del(port->nic);
	kfree(port);
}

/**
 * percore_port_count - number of NIC ports attached
 * @net: count those whose interface is in this network namespace
 * Context: process, sleeps.
 * Return: the number.
 */
unsigned int percore_port_count(struct net *net)
{
	struct percore_port *port;
	unsigned int n = 0;

	mutex_lock(&percore_ports_lock);
	list_for_each_entry(port, &percore_ports, list)
		n += net_eq(dev_net(port->nic->netdev), net);
	mutex_unlock(&percore_ports_lock);
	return n;
}

/**
 * percore_port_walk - visit the NIC ports of a namespace
 * @net: the network namespace
 * @skip: how many of them to pass over
 * @visit: called with RTNL held; non-zero ends the walk
 * @arg: passed to @visit
 * Context: process, takes RTNL.
 * Return: 0, or what @visit returned to end the walk.
 */
int percore_port_walk(struct net *net, unsigned int skip,
		      int (*visit)(struct percore_nic *nic, void *arg),
		      void *arg)
{
	struct percore_port *port;
	int ret = 0;

	rtnl_lock();
	mutex_lock(&percore_ports_lock);
	list_for_each_entry(port, &percore_ports, list) {
		if (!net_eq(dev_net(port->nic->netdev), net))
			continue;
		if (skip) {
			skip--;
			continue;
		}
		ret = visit(port->nic, arg);
		if (ret)
			break;
	}
	mutex_unlock(&percore_ports_lock);
	rtnl_unlock();
	return ret;
}

/**
 * percore_port_find - the port of an interface
 * @dev: an interface, of whatever driver
 * Context: process, RTNL, which percore_tsq_port_del() takes after this can
 *	find the port no longer.
 * Return: it, or NULL.
 */
struct percore_nic *percore_port_find(const struct net_device *dev)
{
	struct percore_nic *nic = NULL;
	struct percore_port *port;

	ASSERT_RTNL();
	mutex_lock(&percore_ports_lock);
	list_for_each_entry(port, &percore_ports, list)
		if (port->nic->netdev == dev)
			nic = port->nic;
	mutex_unlock(&percore_ports_lock);
	return nic;
}

/**
 * percore_port_queue_get - what a driver says of one of its queues
 * @dev: an interface, of whatever driver
 * @queue: index of the receive and transmit pair
 * @info: gets it
 * Context: process, RTNL.
 * Return: 0, -ENODEV if the interface is no port, -EINVAL if there is no such
 * queue.
 */
int percore_port_queue_get(const struct net_device *dev, unsigned int queue,
			   struct percore_nic_queue *info)
{
	struct percore_port *port;
	int ret = -ENODEV;

	ASSERT_RTNL();
	mutex_lock(&percore_ports_lock);
	list_for_each_entry(port, &percore_ports, list)
		if (port->nic->netdev == dev)
			ret = port->nic->ops->queue_get(port->nic, queue, info);
	mutex_unlock(&percore_ports_lock);
	return ret;
}

static const struct auxiliary_device_id percore_port_ids[] = {
	{ .name = "igb_percore." PERCORE_NIC_NAME },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, percore_port_ids);

static struct auxiliary_driver percore_port_driver = {
	.name = "port",
	.probe = percore_port_probe,
	.remove = percore_port_remove,
	.id_table = percore_port_ids,
};

/**
 * percore_port_init - start to attach to NIC ports
 * Context: process.
 * Return: 0 or an errno of auxiliary_driver_register().
 */
int percore_port_init(void)
{
	return auxiliary_driver_register(&percore_port_driver);
}

/**
 * percore_port_exit - detach from all NIC ports
 * Context: process.
 */
void percore_port_exit(void)
{
	auxiliary_driver_unregister(&percore_port_driver);
}
