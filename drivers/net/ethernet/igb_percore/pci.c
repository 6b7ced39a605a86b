// SPDX-License-Identifier: GPL-2.0
/*
 * Probe, remove and shutdown
 *
 * Where a port comes from and goes to. Order of birth: registers, vectors,
 * reset, MAC address, pairs, clock, devlink, net_device, auxiliary device;
 * death runs backwards.
 *
 * Locking: the driver core serialises all of it by device_lock(); RTNL where
 * the net_device is registered.
 */
#include <linux/bitfield.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "igb_percore.h"

#define IGBP_BAR		0

static const struct pci_device_id igbp_pci_ids[] = {
	{ PCI_VDEVICE(INTEL, 0x10c9) },	/* 82576, copper */
	{ PCI_VDEVICE(INTEL, 0x10e8) },	/* 82576, four ports */
	{ PCI_VDEVICE(INTEL, 0x1526) },	/* 82576, four ports, ET2 */
	{ PCI_VDEVICE(INTEL, 0x150a) },	/* 82576NS */
	{ }
};
MODULE_DEVICE_TABLE(pci, igbp_pci_ids);

static void igbp_pci_pair_free(struct igbp_pair *pair)
{
	xdp_rxq_info_unreg(&pair->rx.xdp.rxq);
	netif_napi_del(&pair->napi);
	kfree(pair);
}

static void igbp_pci_pairs_free(struct igbp_port *port, unsigned int count)
{
	while (count--)
		igbp_pci_pair_free(port->pair[count]);
}

/* The CPU of pair @index. With a pair for every CPU, in order; otherwise CPUs
 * near the device come first.
 */
static unsigned int igbp_pci_pair_cpu(struct igbp_port *port,
				      unsigned int index)
{
	if (port->max_pairs >= num_online_cpus())
		return cpumask_nth(index, cpu_online_mask);
	return cpumask_local_spread(index, dev_to_node(&port->pdev->dev));
}

static void igbp_pci_tx_init(struct igbp_tx_ring *ring,
			     struct igbp_pair *pair, u16 queue)
{
	u64_stats_init(&ring->syncp);
	ring->pair = pair;
	ring->queue = queue;
	ring->txq = netdev_get_tx_queue(pair->port->netdev, queue);
}

static struct igbp_pair *igbp_pci_pair_alloc(struct igbp_port *port,
					     unsigned int index)
{
	unsigned int cpu = igbp_pci_pair_cpu(port, index);
	struct igbp_pair *pair;

	pair = kzalloc_node(sizeof(*pair), GFP_KERNEL, cpu_to_node(cpu));
	if (!pair)
		return NULL;
	pair->port = port;
	pair->index = index;
	pair->cpu = cpu;
	cpumask_set_cpu(cpu, &pair->affinity);
	spin_lock_init(&pair->mask_lock);
	u64_stats_init(&pair->rx.syncp);
	pair->rx.queue = index;
	igbp_pci_tx_init(&pair->tx, pair, index);
	if (igbp_xdp_has_queues(port))
		igbp_pci_tx_init(&pair->xdp_tx, pair, IGBP_XDP_QUEUE + index);
	INIT_WORK(&pair->dim.work, igbp_moderation_work);
	timer_setup(&pair->xsk_timer, igbp_xsk_timer, 0);
	netif_napi_add(port->netdev, &pair->napi, igbp_napi_poll);
	igbp_irq_pair_assign(pair);
	/* It fails without a net_device alone. A fragment may be made longer
	 * where it has the page to itself.
	 */
	__xdp_rxq_info_reg(&pair->rx.xdp.rxq, port->netdev, index,
			   pair->napi.napi_id,
			   PAGE_SIZE == IGBP_RX_LARGE ? PAGE_SIZE : 0);
	return pair;
}

static int igbp_pci_pairs_alloc(struct igbp_port *port)
{
	unsigned int i;

	for (i = 0; i < port->max_pairs; i++) {
		port->pair[i] = igbp_pci_pair_alloc(port, i);
		if (!port->pair[i]) {
			igbp_pci_pairs_free(port, i);
			return -ENOMEM;
		}
	}
	port->pairs = port->max_pairs;
	return 0;
}

static void igbp_pci_port_init(struct igbp_port *port)
{
	port->rx_size = IGBP_RING_DEFAULT;
	port->tx_size = IGBP_RING_DEFAULT;
	port->vectors_max = IGBP_MAX_PAIRS + 1;
	port->msg_enable = NETIF_MSG_DRV | NETIF_MSG_PROBE | NETIF_MSG_LINK;
	port->autoneg = true;
	port->advertising = ADVERTISED_10baseT_Half | ADVERTISED_10baseT_Full |
			    ADVERTISED_100baseT_Half |
			    ADVERTISED_100baseT_Full |
			    ADVERTISED_1000baseT_Full;
	port->pause_autoneg = true;
	port->pause_rx = true;
	port->pause_tx = false;
	port->link.speed = SPEED_UNKNOWN;
	mutex_init(&port->mdio_lock);
	mutex_init(&port->stats_lock);
	spin_lock_init(&port->ivar_lock);
	spin_lock_init(&port->flow.lock);
	u64_stats_init(&port->hw_syncp);
	INIT_DELAYED_WORK(&port->link_work, igbp_link_work);
	INIT_DELAYED_WORK(&port->steer_work, igbp_steer_work);
	INIT_WORK(&port->life_work, igbp_life_work);
	igbp_ptp_init(port);
}

/* Reset, and learn what the device is. Return: 0 or a negative errno. */
static int igbp_pci_hw_probe(struct igbp_port *port)
{
	struct device *dev = &port->pdev->dev;
	u8 addr[ETH_ALEN];
	int err;

	err = igbp_mac_reset(port);
	if (err)
		return dev_err_probe(dev, err, "no answer to a reset\n");
	pci_set_master(port->pdev);
	port->func = FIELD_GET(IGBP_STATUS_FUNC,
			       igbp_rd32(port, IGBP_STATUS));
	igbp_irq_mode_probe(port);
	igbp_steer_probe(port);

	mutex_lock(&port->mdio_lock);
	if (igbp_nvm_validate(port) == -EILSEQ)
		dev_warn(dev, "NVM checksum is wrong\n");
	err = igbp_phy_init(port);
	mutex_unlock(&port->mdio_lock);
	if (err)
		return dev_err_probe(dev, err, "no PHY\n");

	igbp_mac_addr_read(port, addr);
	if (is_valid_ether_addr(addr)) {
		eth_hw_addr_set(port->netdev, addr);
		memcpy(port->netdev->perm_addr, addr, ETH_ALEN);
	} else {
		dev_warn(dev, "no MAC address in the NVM, using a random one\n");
		eth_hw_addr_random(port->netdev);
	}
	return 0;
}

static int igbp_pci_map(struct igbp_port *port)
{
	struct pci_dev *pdev = port->pdev;
	int err;

	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (err)
		return dev_err_probe(&pdev->dev, err, "no usable DMA\n");
	err = pci_request_mem_regions(pdev, IGBP_DRV_NAME);
	if (err)
		return err;
	port->regs = pci_ioremap_bar(pdev, IGBP_BAR);
	if (!port->regs) {
		err = -EIO;
		goto release;
	}
	/* Rings that somebody has left running, firmware or a driver that could
	 * not reach the device any more, are in memory that is others' now.
	 */
	pci_clear_master(pdev);
	pci_save_state(pdev);
	port->config = pci_store_saved_state(pdev);
	if (!port->config) {
		err = -ENOMEM;
		goto unmap;
	}
	return 0;

unmap:
	iounmap(port->regs);
release:
	pci_release_mem_regions(pdev);
	return err;
}

static void igbp_pci_unmap(struct igbp_port *port)
{
	kfree(port->config);
	iounmap(port->regs);
	pci_release_mem_regions(port->pdev);
}

static int igbp_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct net_device *netdev;
	struct igbp_port *port;
	int err;

	if (pdev->is_virtfn)
		return -ENODEV;
	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	netdev = alloc_etherdev_mq(sizeof(*port), IGBP_MAX_PAIRS);
	if (!netdev) {
		err = -ENOMEM;
		goto disable;
	}
	SET_NETDEV_DEV(netdev, &pdev->dev);
	pci_set_drvdata(pdev, netdev);
	port = netdev_priv(netdev);
	port->netdev = netdev;
	port->pdev = pdev;
	igbp_pci_port_init(port);

	err = igbp_pci_map(port);
	if (err)
		goto free_netdev;
	err = igbp_irq_vectors_alloc(port);
	if (err)
		goto unmap;
	err = igbp_pci_hw_probe(port);
	if (err)
		goto free_vectors;
	err = igbp_pci_pairs_alloc(port);
	if (err)
		goto free_vectors;

	igbp_netdev_init(port);
	igbp_rss_init(port);
	igbp_mac_init(port);
	igbp_irq_setup(port);
	err = netif_set_real_num_queues(netdev, port->pairs, port->pairs);
	if (err)
		goto free_pairs;
	err = igbp_steer_rmap_alloc(port);
	if (err)
		goto free_pairs;
	igbp_ptp_register(port);
	err = igbp_devlink_add(port);
	if (err)
		goto unregister_ptp;
	err = register_netdev(netdev);
	if (err)
		goto delete_devlink;
	err = igbp_port_nic_add(port);
	if (err)
		netdev_warn(netdev, "not visible to percore: %d\n", err);
	igbp_sriov_init(port);
	igbp_life_begin(port);

	netdev_info(netdev, "%u pairs, %u %s, %pM\n", port->max_pairs,
		    port->vectors,
		    port->irq_mode == IGBP_IRQ_AUTOMASK ? "automasked vectors" :
		    port->irq_mode == IGBP_IRQ_LAZY ? "lazily masked vectors" :
		    port->irq_mode == IGBP_IRQ_EAGER ? "masked vectors" :
		    pdev->msi_enabled ? "MSI" : "INTx", netdev->dev_addr);
	return 0;

delete_devlink:
	igbp_devlink_del(port);
unregister_ptp:
	igbp_ptp_unregister(port);
	igbp_steer_rmap_free(port);
free_pairs:
	igbp_pci_pairs_free(port, port->max_pairs);
free_vectors:
	igbp_irq_vectors_free(port);
unmap:
	igbp_pci_unmap(port);
free_netdev:
	free_netdev(netdev);
disable:
	pci_disable_device(pdev);
	return err;
}

static void igbp_pci_remove(struct pci_dev *pdev)
{
	struct net_device *netdev = pci_get_drvdata(pdev);
	struct igbp_port *port = netdev_priv(netdev);

	/* So that a device that was pulled out is known to be gone */
	igbp_rd32(port, IGBP_STATUS);
	igbp_sriov_exit(port);
	igbp_life_end(port);
	igbp_port_nic_del(port);
	/* Closes the port, after which no work queues itself again */
	unregister_netdev(netdev);
	igbp_devlink_del(port);
	igbp_ptp_unregister(port);
	cancel_delayed_work_sync(&port->link_work);
	cancel_delayed_work_sync(&port->steer_work);
	igbp_steer_rmap_free(port);

	igbp_mac_leave(port);
	igbp_pci_pairs_free(port, port->max_pairs);
	igbp_irq_vectors_free(port);
	igbp_pci_unmap(port);
	free_netdev(netdev);
	pci_disable_device(pdev);
}

static void igbp_pci_shutdown(struct pci_dev *pdev)
{
	struct net_device *netdev = pci_get_drvdata(pdev);
	struct igbp_port *port = netdev_priv(netdev);

	if (system_state == SYSTEM_POWER_OFF) {
		igbp_life_sleep(port, port->wol);
		pci_wake_from_d3(pdev, port->wol);
		pci_set_power_state(pdev, PCI_D3hot);
		return;
	}
	igbp_life_sleep(port, 0);
	pci_disable_device(pdev);
}

static struct pci_driver igbp_pci_driver = {
	.name		= IGBP_DRV_NAME,
	.id_table	= igbp_pci_ids,
	.probe		= igbp_pci_probe,
	.remove		= igbp_pci_remove,
	.shutdown	= igbp_pci_shutdown,
	.sriov_configure = igbp_sriov_configure,
	.err_handler	= &igbp_life_error_handlers,
	.driver.pm	= pm_ptr(&igbp_life_pm_ops),
};
module_pci_driver(igbp_pci_driver);

MODULE_DESCRIPTION("Intel 82576 Ethernet driver, a receive and transmit pair per core");
MODULE_LICENSE("GPL");
