// SPDX-License-Identifier: GPL-2.0
/*
 * A device that goes and comes back: sleep, resets, errors, removal
 *
 * Beside the packet path. All of it is the same two steps, whoever asks:
 *
 *             rings stop, AWAY is set (igbp_life_leave, igbp_life_sleep)
 *       here ------------------------------------------------------> away
 *            <------------------------------------------------------
 *             igbp_netdev_restart(): reset, and all as it was told
 *
 *   asker                          interface meanwhile  who brings it back
 *   runtime PM: closed, no link    as it was            igbp_life_wake()
 *   suspend, hibernate             detached             resume
 *   function-level reset           detached             reset_done
 *   devlink's reload               detached             igbp_life_reset_end()
 *   PCI error                      detached             resume of the error
 *
 * While it is away nobody touches a register: igbp_rd32() and igbp_wr32() see
 * to that. What the stack wants meanwhile is kept in memory, and the restart
 * writes all of it. A device that reads as all ones is gone; that counts as
 * away, detaches the interface, and only one of the above brings it back.
 *
 * Locking: RTNL for both steps. The core resumes the device under RTNL and
 * waits, so runtime PM's callbacks must not wait for RTNL: to sleep, they try;
 * on resume they leave the second step to who resumed the device, in
 * igbp_life_wake(), or to igbp_life_work().
 */
#include <linux/irq.h>
#include <linux/pm_runtime.h>
#include <linux/rtnetlink.h>

#include "igb_percore.h"

#define IGBP_LIFE_IDLE_MS	5000	/* without a link, or closed */
#define IGBP_LIFE_RETRY_MS	100	/* RTNL was taken */

static struct igbp_port *igbp_life_port(struct device *dev)
{
	struct net_device *netdev = dev_get_drvdata(dev);

	return netdev_priv(netdev);
}

/**
 * igbp_life_work_queue - have igbp_life_work() look at the port
 * @port: port
 *
 * Context: any.
 */
void igbp_life_work_queue(struct igbp_port *port)
{
	if (test_bit(IGBP_PORT_LIVE, &port->flags))
		schedule_work(&port->life_work);
}

/**
 * igbp_life_wake - bring a port back that runtime PM has put to sleep
 * @port: port whose device is resumed and stays so
 *
 * Context: process, may sleep, RTNL.
 * Return: 0 when registers can be used, -ENODEV when the device is gone, or
 * is away and somebody else's to bring back.
 */
int igbp_life_wake(struct igbp_port *port)
{
	ASSERT_RTNL();
	if (test_bit(IGBP_PORT_GONE, &port->flags))
		return -ENODEV;
	if (!test_bit(IGBP_PORT_AWAY, &port->flags))
		return 0;
	if (!netif_device_present(port->netdev))
		return -ENODEV;
	return igbp_netdev_restart(port);
}

/**
 * igbp_life_get - have the device awake until igbp_life_put()
 * @port: port
 *
 * Context: process, may sleep, RTNL.
 * Return: 0, or an error of runtime PM or igbp_life_wake().
 */
int igbp_life_get(struct igbp_port *port)
{
	int err = pm_runtime_resume_and_get(&port->pdev->dev);

	if (err)
		return err;
	err = igbp_life_wake(port);
	if (err)
		pm_runtime_put(&port->pdev->dev);
	return err;
}

/**
 * igbp_life_put - undo igbp_life_get()
 * @port: port
 *
 * Context: any.
 */
void igbp_life_put(struct igbp_port *port)
{
	pm_runtime_mark_last_busy(&port->pdev->dev);
	pm_runtime_put(&port->pdev->dev);
}

/**
 * igbp_life_idle - the port has lost its link and may sleep in a while
 * @port: port
 *
 * Context: any.
 */
void igbp_life_idle(struct igbp_port *port)
{
	pm_runtime_mark_last_busy(&port->pdev->dev);
	pm_request_idle(&port->pdev->dev);
}

/**
 * igbp_life_work - look after a port that is gone, asleep or stuck
 * @work: igbp_port.life_work
 *
 * An interface that is detached is in the hands of somebody else.
 *
 * Context: process, may sleep; takes RTNL, then devlink's lock.
 */
void igbp_life_work(struct work_struct *work)
{
	struct igbp_port *port = container_of(work, struct igbp_port,
					      life_work);

	rtnl_lock();
	if (!netif_device_present(port->netdev))
		goto unlock;
	if (test_bit(IGBP_PORT_GONE, &port->flags)) {
		netif_device_detach(port->netdev);
		igbp_netdev_down(port);
		goto unlock;
	}
	/* If runtime PM has it asleep, that wakes it */
	if (!igbp_life_get(port))
		igbp_life_put(port);
unlock:
	rtnl_unlock();
	igbp_devlink_report(port);
}

/* Stop, and leave the device to others. One that cannot be reached is not
 * asked to stop, it loses its way to memory; see igbp_rd32().
 */
static void igbp_life_leave(struct igbp_port *port, bool reachable)
{
	rtnl_lock();
	netif_device_detach(port->netdev);
	if (!reachable) {
		set_bit(IGBP_PORT_AWAY, &port->flags);
		pci_clear_master(port->pdev);
	}
	igbp_netdev_down(port);
	igbp_stats_harvest(port);
	igbp_ptp_hold(port);
	set_bit(IGBP_PORT_AWAY, &port->flags);
	rtnl_unlock();
}

/* Return: 0, or an error of igbp_netdev_restart(); then it stays detached */
static int igbp_life_return(struct igbp_port *port)
{
	int err;

	rtnl_lock();
	err = igbp_netdev_restart(port);
	if (!err)
		netif_device_attach(port->netdev);
	rtnl_unlock();
	if (!err)
		igbp_devlink_recovered(port);
	return err;
}

/* Stop, and have the device listen for WAKE_* in @wake alone */
static void igbp_life_quiet(struct igbp_port *port, u32 wake)
{
	ASSERT_RTNL();
	igbp_netdev_down(port);
	igbp_stats_harvest(port);
	if (!wake) {
		mutex_lock(&port->mdio_lock);
		igbp_phy_power_down(port);
		mutex_unlock(&port->mdio_lock);
	}
	igbp_mac_leave(port);
	if (wake) {
		mutex_lock(&port->mdio_lock);
		igbp_phy_power_up(port);
		mutex_unlock(&port->mdio_lock);
		igbp_mac_wake_apply(port, wake);
	}
}

/* The system's sleep takes CPUs away, and interrupts off them for good */
static void igbp_life_irqs_save(struct igbp_port *port)
{
	unsigned int i;

	if (!test_bit(IGBP_PORT_OPEN, &port->flags))
		return;
	for (i = 0; i < port->pairs; i++)
		cpumask_copy(&port->pair[i]->asleep_affinity,
			     irq_get_affinity_mask(port->pair[i]->irq));
}

static void igbp_life_irqs_restore(struct igbp_port *port)
{
	unsigned int i;

	if (!test_bit(IGBP_PORT_OPEN, &port->flags))
		return;
	for (i = 0; i < port->pairs; i++)
		irq_set_affinity(port->pair[i]->irq,
				 &port->pair[i]->asleep_affinity);
}

/**
 * igbp_life_sleep - go to sleep with the system, or for good
 * @port: port
 * @wake: WAKE_* that end it
 *
 * Context: process, may sleep; takes RTNL.
 */
void igbp_life_sleep(struct igbp_port *port, u32 wake)
{
	struct igbp_link link;

	rtnl_lock();
	/* Runtime PM may have it asleep; the core has resumed the device */
	igbp_life_wake(port);
	/* The link that goes down when the device does is none to wake for */
	if (igbp_mac_link_read(port, &link))
		wake &= ~WAKE_PHY;
	netif_device_detach(port->netdev);
	igbp_life_irqs_save(port);
	igbp_life_quiet(port, wake);
	set_bit(IGBP_PORT_AWAY, &port->flags);
	rtnl_unlock();
}

static int igbp_life_suspend(struct device *dev)
{
	struct igbp_port *port = igbp_life_port(dev);

	igbp_life_sleep(port, device_may_wakeup(dev) ? port->wol : 0);
	return 0;
}

static int igbp_life_resume(struct device *dev)
{
	struct igbp_port *port = igbp_life_port(dev);
	int err = igbp_life_return(port);

	rtnl_lock();
	igbp_life_irqs_restore(port);
	rtnl_unlock();
	return err;
}

/* Without a link an open port may sleep if the link can wake it. Asleep, the
 * clock is less exact than who has frames stamped wants it.
 */
static bool igbp_life_may_sleep(struct igbp_port *port)
{
	if (test_bit(IGBP_PORT_GONE, &port->flags) || READ_ONCE(port->sriov) ||
	    READ_ONCE(port->stamp.tx_on) || READ_ONCE(port->stamp.rx_on))
		return false;
	if (!test_bit(IGBP_PORT_OPEN, &port->flags))
		return true;
	return !netif_carrier_ok(port->netdev) &&
	       pci_pme_capable(port->pdev, PCI_D3hot);
}

static int igbp_life_runtime_idle(struct device *dev)
{
	return igbp_life_may_sleep(igbp_life_port(dev)) ? 0 : -EBUSY;
}

static int igbp_life_runtime_suspend(struct device *dev)
{
	struct igbp_port *port = igbp_life_port(dev);
	struct igbp_link link;
	int err = -EBUSY;
	u32 wake;

	if (!rtnl_trylock()) {
		pm_schedule_suspend(dev, IGBP_LIFE_RETRY_MS);
		return -EBUSY;
	}
	if (!netif_device_present(port->netdev) || !igbp_life_may_sleep(port))
		goto unlock;
	wake = test_bit(IGBP_PORT_OPEN, &port->flags) ? WAKE_PHY : 0;
	igbp_life_quiet(port, wake);
	/* A link that came before the device was told to report it */
	if (wake && igbp_mac_link_read(port, &link)) {
		igbp_netdev_restart(port);
		goto unlock;
	}
	set_bit(IGBP_PORT_AWAY, &port->flags);
	err = 0;
unlock:
	rtnl_unlock();
	return err;
}

static int igbp_life_runtime_resume(struct device *dev)
{
	pm_runtime_mark_last_busy(dev);
	igbp_life_work_queue(igbp_life_port(dev));
	return 0;
}

const struct dev_pm_ops igbp_life_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(igbp_life_suspend, igbp_life_resume)
	RUNTIME_PM_OPS(igbp_life_runtime_suspend, igbp_life_runtime_resume,
		       igbp_life_runtime_idle)
};

static pci_ers_result_t igbp_life_error_detected(struct pci_dev *pdev,
						 pci_channel_state_t state)
{
	struct igbp_port *port = igbp_life_port(&pdev->dev);

	/* A transmit queue that lost its request is found stuck */
	if (state == pci_channel_io_normal)
		return PCI_ERS_RESULT_CAN_RECOVER;
	igbp_life_leave(port, false);
	if (state == pci_channel_io_frozen)
		return PCI_ERS_RESULT_NEED_RESET;
	set_bit(IGBP_PORT_GONE, &port->flags);
	return PCI_ERS_RESULT_DISCONNECT;
}

/* As at probe. Not what was saved last: every sleep and reset uses that up, and
 * it may have been saved of a device without power.
 */
static void igbp_life_config_restore(struct igbp_port *port)
{
	pci_load_saved_state(port->pdev, port->config);
	pci_restore_state(port->pdev);
	igbp_sriov_functions_restore(port);
}

static pci_ers_result_t igbp_life_slot_reset(struct pci_dev *pdev)
{
	struct igbp_port *port = igbp_life_port(&pdev->dev);

	/* A function-level reset in between may have brought it back */
	igbp_life_leave(port, false);
	igbp_life_config_restore(port);
	if (readl(port->regs + IGBP_STATUS) == U32_MAX)
		return PCI_ERS_RESULT_DISCONNECT;
	return PCI_ERS_RESULT_RECOVERED;
}

static void igbp_life_error_resume(struct pci_dev *pdev)
{
	struct igbp_port *port = igbp_life_port(&pdev->dev);

	if (test_bit(IGBP_PORT_AWAY, &port->flags))
		igbp_life_return(port);
}

/**
 * igbp_life_reset_begin - stop, as somebody is to reset the device
 * @port: port, asleep or not
 *
 * Context: process, may sleep; takes RTNL; device_lock() held.
 */
void igbp_life_reset_begin(struct igbp_port *port)
{
	/* Whoever resets the bus above has not asked runtime PM to wake it */
	pm_runtime_get_sync(&port->pdev->dev);
	igbp_life_leave(port, true);
}

/**
 * igbp_life_reset_end - reset the device again, and have it as it was
 * @port: port after igbp_life_reset_begin()
 *
 * Context: process, may sleep; takes RTNL; device_lock() held.
 * Return: 0, or an error of igbp_netdev_restart(); then it stays detached.
 */
int igbp_life_reset_end(struct igbp_port *port)
{
	int err = igbp_life_return(port);

	igbp_life_put(port);
	return err;
}

static void igbp_life_reset_prepare(struct pci_dev *pdev)
{
	igbp_life_reset_begin(igbp_life_port(&pdev->dev));
}

static void igbp_life_reset_done(struct pci_dev *pdev)
{
	struct igbp_port *port = igbp_life_port(&pdev->dev);

	igbp_life_config_restore(port);
	igbp_life_reset_end(port);
}

const struct pci_error_handlers igbp_life_error_handlers = {
	.error_detected	= igbp_life_error_detected,
	.slot_reset	= igbp_life_slot_reset,
	.resume		= igbp_life_error_resume,
	.reset_prepare	= igbp_life_reset_prepare,
	.reset_done	= igbp_life_reset_done,
};

/**
 * igbp_life_begin - from now on the port is looked after, and may sleep
 * @port: port that is registered
 *
 * Context: process, probe.
 */
void igbp_life_begin(struct igbp_port *port)
{
	struct device *dev = &port->pdev->dev;

	set_bit(IGBP_PORT_LIVE, &port->flags);
	if (test_bit(IGBP_PORT_GONE, &port->flags))
		igbp_life_work_queue(port);
	/* Only the callbacks know what is to wake the system */
	dev_pm_set_driver_flags(dev, DPM_FLAG_NO_DIRECT_COMPLETE);
	pm_runtime_set_autosuspend_delay(dev, IGBP_LIFE_IDLE_MS);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_mark_last_busy(dev);
	pm_runtime_put_noidle(dev);
}

/**
 * igbp_life_end - undo igbp_life_begin()
 * @port: port
 *
 * The core has resumed the device. The work is over, and whoever queues it does
 * so in vain.
 *
 * Context: process, remove; RTNL and devlink's lock not held.
 */
void igbp_life_end(struct igbp_port *port)
{
	struct device *dev = &port->pdev->dev;

	pm_runtime_get_noresume(dev);
	pm_runtime_dont_use_autosuspend(dev);
	disable_work_sync(&port->life_work);
}
