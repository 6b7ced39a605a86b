// SPDX-License-Identifier: GPL-2.0
/*
 * What percore sees of a port
 *
 * The auxiliary device of include/net/percore_nic.h, created after the
 * net_device is registered and deleted before it is unregistered. Beside the
 * packet path: it tells which pair lives on which CPU.
 *
 * Locking: the ops run under RTNL, as pairs change under it; but tx_sync, which
 * runs where the stack transmits. The device is
 * freed by its last reference; percore holds none of it after remove(), which
 * auxiliary_device_delete() waits for.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/percore_nic.h>

#include "igb_percore.h"

static unsigned int igbp_port_queue_count(struct percore_nic *nic)
{
	struct igbp_port *port = netdev_priv(nic->netdev);

	ASSERT_RTNL();
	return port->pairs;
}

static int igbp_port_queue_get(struct percore_nic *nic, unsigned int queue,
			       struct percore_nic_queue *info)
{
	struct igbp_port *port = netdev_priv(nic->netdev);
	struct igbp_pair *pair;

	ASSERT_RTNL();
	if (queue >= port->pairs)
		return -EINVAL;
	pair = port->pair[queue];
	/* It stays where the pair that leads has it */
	info->irq = pair->lead == pair ? pair->irq : 0;
	info->cpu = pair->cpu;
	info->napi_id = pair->running ? pair->napi.napi_id : 0;
	return 0;
}

/* Pairs exist from probe to remove, whether the port is up or not. */
static bool igbp_port_tx_sync(struct percore_nic *nic, unsigned int queue)
{
	struct igbp_port *port = netdev_priv(nic->netdev);

	return queue < port->max_pairs && READ_ONCE(port->pair[queue]->tx.sync);
}

static const struct percore_nic_ops igbp_port_nic_ops = {
	.queue_count	= igbp_port_queue_count,
	.queue_get	= igbp_port_queue_get,
	.tx_sync	= igbp_port_tx_sync,
};

static void igbp_port_nic_release(struct device *dev)
{
	struct auxiliary_device *adev = to_auxiliary_dev(dev);

	kfree(percore_nic_from_adev(adev));
}

/* A number that no other auxiliary device of this driver has */
static u32 igbp_port_nic_id(struct igbp_port *port)
{
	return pci_domain_nr(port->pdev->bus) << 16 | pci_dev_id(port->pdev);
}

/**
 * igbp_port_nic_add - show a port to percore
 * @port: port whose net_device is registered
 *
 * Context: process, may sleep, without RTNL.
 * Return: 0, -ENOMEM, or an error of the auxiliary bus.
 */
int igbp_port_nic_add(struct igbp_port *port)
{
	struct percore_nic *nic = kzalloc(sizeof(*nic), GFP_KERNEL);
	int err;

	if (!nic)
		return -ENOMEM;
	nic->netdev = port->netdev;
	nic->ops = &igbp_port_nic_ops;
	nic->adev.name = PERCORE_NIC_NAME;
	nic->adev.id = igbp_port_nic_id(port);
	nic->adev.dev.parent = &port->pdev->dev;
	nic->adev.dev.release = igbp_port_nic_release;

	err = auxiliary_device_init(&nic->adev);
	if (err) {
		kfree(nic);
		return err;
	}
	err = auxiliary_device_add(&nic->adev);
	if (err) {
		/* Frees it through release() */
		auxiliary_device_uninit(&nic->adev);
		return err;
	}
	port->nic = nic;
	return 0;
}

/**
 * igbp_port_nic_del - take a port away from percore
 * @port: port whose net_device is still registered
 *
 * Context: process, may sleep, without RTNL.
 */
void igbp_port_nic_del(struct igbp_port *port)
{
	if (!port->nic)
		return;
	auxiliary_device_delete(&port->nic->adev);
	auxiliary_device_uninit(&port->nic->adev);
	port->nic = NULL;
}
