// SPDX-License-Identifier: GPL-2.0
/*
 * steer.c - apply the plan of an interface, keep it, put back what was there
 *
 *	            apply, net.percore.steer=1
 *	  (none) ------------------------------> steered <---.
 *	    ^  ^                                    |   |    | look: each
 *	    |  '------------------ failed: undo ----'   '----' half second
 *	    |                                       | revert, steer=0, rmmod,
 *	    |            all is as it was           v the interface goes
 *	    '----------------------------------- leaving
 *
 * A look (keep.c) sets what is not as the plan, made anew, wants: that is how
 * drift is healed, and how a change of CPUs or queues is followed. Somebody who
 * does not give in costs two writes a second for each setting, and never more.
 *
 * Nothing tells of most drift (a write to smp_affinity, xps_cpus, rps_cpus), so
 * there is nothing to wait for but the clock; affinity notifiers tell of some,
 * but an interrupt has room for one and it is the driver's.
 *
 * Locking: RTNL guards everything here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "percore.h"
#include "connect.h"
#include "setting.h"
#include "steer.h"

/* Twice in the second in which drift is to be found */
#define PERCORE_STEER_LOOK	(HZ / 2)

/* Where applying failed it is tried again, but not at each look */
#define PERCORE_STEER_RETRY	(10 * HZ)

/* rmmod cannot wait for memory for ever */
#define PERCORE_STEER_EXIT_TRIES	20
#define PERCORE_STEER_EXIT_MS		100

/**
 * struct percore_steer_port - an interface that is steered or was to be
 * @list: in percore_steer_ports
 * @dev: the interface; the port goes when it is unregistered
 * @keep: its settings
 * @steered: the plan is in force
 * @leaving: not all could be put back yet
 * @err: of the last attempt to apply it
 * @retry_at: jiffies not to apply before
 */
struct percore_steer_port {
	struct list_head list;
	struct net_device *dev;
	struct percore_keep keep;
	bool steered;
	bool leaving;
	int err;
	unsigned long retry_at;
};

static LIST_HEAD(percore_steer_ports);
static bool percore_steer_scan;			/* look for new ports */

static u8 percore_steer;			/* the sysctl */
static struct ctl_table_header *percore_steer_header;
static struct workqueue_struct *percore_steer_wq;

static void percore_steer_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(percore_steer_dwork, percore_steer_work);

static struct percore_steer_port *percore_steer_find(const struct net_device *d)
{
	struct percore_steer_port *port;

	ASSERT_RTNL();
	list_for_each_entry(port, &percore_steer_ports, list)
		if (port->dev == d)
			return port;
	return NULL;
}

static struct percore_steer_port *percore_steer_port_add(struct net_device *dev)
{
	struct percore_steer_port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return NULL;
	port->dev = dev;
	port->retry_at = jiffies;
	port->keep.dev = dev;
	INIT_LIST_HEAD(&port->keep.items);
	list_add_tail(&port->list, &percore_steer_ports);
	return port;
}

static int percore_steer_port_revert(struct percore_steer_port *port)
{
	int err = percore_keep_revert(&port->keep);

	percore_rss_forget(port->dev);
	if (port->steered)
		percore_event_steer(port->dev, false);
	port->steered = false;
	port->leaving = err;
	return err;
}

static void percore_steer_port_free(struct percore_steer_port *port)
{
	percore_keep_forget(&port->keep);
	list_del(&port->list);
	kfree(port);
}

/* All or nothing. What cannot be undone now is undone by and by. */
static int percore_steer_port_apply(struct percore_steer_port *port,
				    struct netlink_ext_ack *extack)
{
	int err = percore_keep_look(&port->keep, extack);

	port->err = err;
	if (!err) {
		percore_rss_learn(port->dev);
		if (!port->steered)
			percore_event_steer(port->dev, true);
		port->steered = true;
		port->leaving = false;
		return 0;
	}
	if (!port->steered) {
		percore_steer_port_revert(port);
		port->retry_at = jiffies + PERCORE_STEER_RETRY;
	}
	return err;
}

static void percore_steer_visit(struct percore_steer_port *port)
{
	if (port->leaving && percore_steer_port_revert(port))
		return;
	if (!port->steered && !percore_steer) {
		percore_steer_port_free(port);
		return;
	}
	if (!netif_running(port->dev) || !netif_device_present(port->dev) ||
	    !percore_topology_fits(port->dev))
		return;
	if (port->steered || time_after_eq(jiffies, port->retry_at))
		percore_steer_port_apply(port, NULL);
}

static void percore_steer_discover(void)
{
	struct net_device *dev;
	struct net *net;

	percore_steer_scan = false;
	down_read(&net_rwsem);
	for_each_net(net)
		for_each_netdev(net, dev)
			if (netif_running(dev) && percore_topology_fits(dev) &&
			    !percore_steer_find(dev) &&
			    !percore_steer_port_add(dev))
				percore_steer_scan = true;
	up_read(&net_rwsem);
}

static void percore_steer_work(struct work_struct *work)
{
	struct percore_steer_port *port, *next;
	bool more;

	rtnl_lock();
	if (percore_steer && percore_steer_scan)
		percore_steer_discover();
	list_for_each_entry_safe(port, next, &percore_steer_ports, list)
		percore_steer_visit(port);
	more = percore_steer_scan || !list_empty(&percore_steer_ports);
	rtnl_unlock();
	if (more)
		queue_delayed_work(percore_steer_wq, &percore_steer_dwork,
				   PERCORE_STEER_LOOK);
}

/* Return: whether all is as it was. */
static bool percore_steer_revert_all(void)
{
	struct percore_steer_port *port, *next;

	ASSERT_RTNL();
	list_for_each_entry_safe(port, next, &percore_steer_ports, list)
		if (!percore_steer_port_revert(port))
			percore_steer_port_free(port);
	return list_empty(&percore_steer_ports);
}

static int percore_steer_netdev_event(struct notifier_block *nb,
				      unsigned long event, void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct percore_steer_port *port;

	switch (event) {
	case NETDEV_UP:
		if (!percore_steer || !percore_topology_fits(dev))
			break;
		percore_steer_scan = true;
		queue_delayed_work(percore_steer_wq, &percore_steer_dwork,
				   PERCORE_STEER_LOOK / 5);
		break;
	case NETDEV_UNREGISTER:
		/* It goes, or moves to another network namespace */
		port = percore_steer_find(dev);
		if (!port)
			break;
		percore_steer_port_revert(port);
		percore_steer_port_free(port);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block percore_steer_netdev_nb = {
	.notifier_call = percore_steer_netdev_event,
};

/* On return the new value is in force. */
static int percore_steer_sysctl(const struct ctl_table *table, int write,
				void *buffer, size_t *lenp, loff_t *ppos)
{
	int ret = proc_dou8vec_minmax(table, write, buffer, lenp, ppos);
	bool more;

	if (ret || !write)
		return ret;
	rtnl_lock();
	percore_steer_scan = percore_steer;
	more = percore_steer || !percore_steer_revert_all();
	rtnl_unlock();
	if (more) {
		mod_delayed_work(percore_steer_wq, &percore_steer_dwork, 0);
		flush_delayed_work(&percore_steer_dwork);
	}
	return 0;
}

static struct ctl_table percore_steer_table[] = {
	{
		.procname	= "steer",
		.data		= &percore_steer,
		.maxlen		= sizeof(percore_steer),
		.mode		= 0644,
		.proc_handler	= percore_steer_sysctl,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
};

/**
 * percore_steer_apply - apply the plan of an interface, and keep it
 * @dev: the interface
 * @extack: says what was refused
 *
 * Of an interface that is steered it is a look.
 *
 * Context: process, RTNL, may sleep.
 * Return: 0; -EINVAL if it is no NIC, -ENETDOWN if it is down, -ENOMEM, or
 * an error of the kernel or of the driver. Then all is as it was.
 */
int percore_steer_apply(struct net_device *dev, struct netlink_ext_ack *extack)
{
	struct percore_steer_port *port;
	int err;

	if (!percore_topology_fits(dev)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "%s is not a NIC on PCI or virtio-pci",
				       dev->name);
		return -EINVAL;
	}
	if (!netif_running(dev)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "%s is down and shows no interrupts",
				       dev->name);
		return -ENETDOWN;
	}
	port = percore_steer_find(dev) ?: percore_steer_port_add(dev);
	if (!port)
		return -ENOMEM;
	err = percore_steer_port_apply(port, extack);
	if (err && !port->steered && !port->leaving && !percore_steer)
		percore_steer_port_free(port);
	else
		queue_delayed_work(percore_steer_wq, &percore_steer_dwork,
				   PERCORE_STEER_LOOK);
	return err;
}

/**
 * percore_steer_revert - put back what was there before the plan
 * @dev: the interface
 * @extack: says what was refused
 * Context: process, RTNL, may sleep.
 * Return: 0; -EBUSY while net.percore.steer is 1, -ENODATA if there is nothing
 * to put back, or an error; then it is tried again until it succeeds.
 */
int percore_steer_revert(struct net_device *dev, struct netlink_ext_ack *extack)
{
	struct percore_steer_port *port = percore_steer_find(dev);
	int err;

	if (percore_steer) {
		NL_SET_ERR_MSG_MOD(extack,
				   "net.percore.steer is 1, set it to 0 first");
		return -EBUSY;
	}
	if (!port) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "%s is not steered", dev->name);
		return -ENODATA;
	}
	err = percore_steer_port_revert(port);
	if (err)
		NL_SET_ERR_MSG_MOD(extack, "not all yet, will be tried again");
	else
		percore_steer_port_free(port);
	return err;
}

/**
 * percore_steer_info - what became of the plan of an interface
 * @dev: the interface
 * @info: gets it
 * Context: process, RTNL.
 */
void percore_steer_info(const struct net_device *dev,
			struct percore_steer_info *info)
{
	const struct percore_steer_port *port = percore_steer_find(dev);

	*info = (struct percore_steer_info){};
	if (!port)
		return;
	info->steered = port->steered;
	info->healed = port->keep.healed;
	info->err = port->err;
}

/**
 * percore_steer_init - be ready to steer; net.percore.steer appears
 * Context: process.
 * Return: 0, -ENOMEM, or an errno of register_netdevice_notifier().
 */
int percore_steer_init(void)
{
	int err = percore_setting_init();

	if (err)
		return err;
	err = -ENOMEM;
	if (percore_keep_init())
		goto exit_setting;
	percore_steer_wq = alloc_ordered_workqueue("percore_steer",
						   WQ_FREEZABLE);
	if (!percore_steer_wq)
		goto exit_keep;
	err = register_netdevice_notifier(&percore_steer_netdev_nb);
	if (err)
		goto destroy_wq;
	err = -ENOMEM;
	percore_steer_header =
		register_net_sysctl_sz(&init_net, "net/percore",
				       percore_steer_table,
				       ARRAY_SIZE(percore_steer_table));
	if (!percore_steer_header)
		goto unregister_notifier;
	return 0;

unregister_notifier:
	unregister_netdevice_notifier(&percore_steer_netdev_nb);
destroy_wq:
	destroy_workqueue(percore_steer_wq);
exit_keep:
	percore_keep_exit();
exit_setting:
	percore_setting_exit();
	return err;
}

static bool percore_steer_stop(void)
{
	bool done;

	rtnl_lock();
	percore_steer = 0;
	done = percore_steer_revert_all();
	rtnl_unlock();
	return done;
}

/**
 * percore_steer_exit - put back what was there, everywhere
 *
 * Nobody asks any more (netlink.c has exited), and then nobody can turn it on.
 * The notifier goes before the work: what it starts is cancelled.
 *
 * Context: process, may sleep.
 */
void percore_steer_exit(void)
{
	int i;

	unregister_net_sysctl_table(percore_steer_header);
	for (i = 0; !percore_steer_stop(); i++) {
		if (i == PERCORE_STEER_EXIT_TRIES) {
			pr_warn("not all settings could be put back\n");
			break;
		}
		msleep(PERCORE_STEER_EXIT_MS);
	}
	/* Tells of all interfaces as if they went: none is left behind */
	unregister_netdevice_notifier(&percore_steer_netdev_nb);
	cancel_delayed_work_sync(&percore_steer_dwork);
	destroy_workqueue(percore_steer_wq);
	percore_keep_exit();
	percore_setting_exit();
}
