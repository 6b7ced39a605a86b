// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - life cycle of the module and of a network namespace
 *
 * Start with what is found last (settings) and end with what finds them (the
 * probe on TCP states); stop in reverse.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <net/net_namespace.h>

#include "percore.h"
#include "connect.h"
#include "stats.h"
#include "steer.h"
#include "tsq.h"

unsigned int percore_net_id;

/* Settings come last but for what they turn on. */
static int __net_init percore_net_init(struct net *net)
{
	struct percore_net *pn = percore_net(net);
	int err;

	err = percore_stats_init(net);
	if (err)
		return err;
	err = percore_sysctl_init(net);
	if (err)
		goto exit_stats;
	err = percore_connect_set(pn, pn->connect_local);
	if (err)
		goto connect_off;
	err = percore_tsq_net_init(pn);
	if (err)
		goto connect_off;
	return 0;

connect_off:
	percore_connect_net_pre_exit(pn);
	synchronize_net();
	percore_sysctl_exit(net);
exit_stats:
	percore_stats_exit(net);
	return err;
}

/* Of all namespaces that go, and a grace period, before any comes to exit */
static void __net_exit percore_net_pre_exit(struct net *net)
{
	percore_connect_net_pre_exit(percore_net(net));
	percore_tsq_net_pre_exit(percore_net(net));
}

static void __net_exit percore_net_exit(struct net *net)
{
	percore_sysctl_exit(net);
	percore_tsq_net_exit(percore_net(net));
	percore_stats_exit(net);
}

static struct pernet_operations percore_net_ops = {
	.init = percore_net_init,
	.pre_exit = percore_net_pre_exit,
	.exit = percore_net_exit,
	.id = &percore_net_id,
	.size = sizeof(struct percore_net),
};

static int __init percore_init(void)
{
	int err;

	err = percore_connect_init();
	if (err)
		return err;
	err = percore_tsq_init();
	if (err)
		return err;
	err = register_pernet_subsys(&percore_net_ops);
	if (err)
		goto exit_tsq;
	err = percore_port_init();
	if (err)
		goto unregister_pernet;
	err = percore_charge_init();
	if (err)
		goto exit_port;
	err = percore_listen_init();
	if (err)
		goto exit_charge;
	err = percore_steer_init();
	if (err)
		goto exit_listen;
	err = percore_netlink_init();
	if (err)
		goto exit_steer;
	percore_adopt();
	pr_info("version " PERCORE_VERSION ", %u CPUs\n", num_online_cpus());
	return 0;

exit_steer:
	percore_steer_exit();
exit_listen:
	percore_listen_exit();
exit_charge:
	percore_charge_exit();
exit_port:
	percore_port_exit();
unregister_pernet:
	unregister_pernet_subsys(&percore_net_ops);
exit_tsq:
	percore_tsq_exit();
	return err;
}

static void __exit percore_exit(void)
{
	percore_netlink_exit();
	percore_steer_exit();
	percore_listen_exit();
	percore_wish_exit();
	percore_charge_exit();
	percore_port_exit();
	unregister_pernet_subsys(&percore_net_ops);
	percore_tsq_exit();
}

module_init(percore_init);
module_exit(percore_exit);

MODULE_DESCRIPTION("Keeps a TCP connection on one core");
MODULE_LICENSE("GPL");
MODULE_VERSION(PERCORE_VERSION);
