// SPDX-License-Identifier: GPL-2.0
/*
 * devlink: what the device is, reload, and the health of its queues
 *
 * Beside the packet path. A pair that hangs is found by the link work
 * (hw_phy.c) or the stack's watchdog, marked in igbp_pair.stuck, and reported
 * from igbp_life_work() to the reporter "tx" or "rx", which keeps a dump and,
 * unless the administrator has it otherwise, recovers:
 *
 *   pair alone: stop, start --again within IGBP_DEVLINK_AGAIN--> MAC reset
 *
 * The first costs the other pairs nothing, the second all of them their frames
 * and the link.
 *
 * The generic parameter msix_vec_per_pf_max limits the port's vectors, from the
 * next reload on.
 *
 * Locking: devlink's lock, then RTNL; both are taken by what devlink calls. So
 * nobody who holds RTNL may report. There is no devlink port: its name would
 * become part of the interface's, and the NIC must keep its name when it comes
 * from stock igb.
 */
#include <linux/rtnetlink.h>
#include <net/devlink.h>

#include "igb_percore.h"

#define IGBP_DEVLINK_AGAIN	(60 * HZ)
#define IGBP_DEVLINK_VECTORS	DEVLINK_PARAM_GENERIC_ID_MSIX_VEC_PER_PF_MAX
#define IGBP_DEVLINK_VECTORS_MIN 2	/* one for pairs, one for the rest */
#define IGBP_DEVLINK_DESCS	4	/* to dump, from the next one on */

/**
 * struct igbp_devlink_kind - one of the two halves of a pair
 * @ops: what devlink calls
 * @stuck: enum igbp_stuck, says that it hangs
 * @state: puts what the driver knows
 * @dump: puts registers and descriptors of a pair that runs
 */
struct igbp_devlink_kind {
	const struct devlink_health_reporter_ops *ops;
	enum igbp_stuck stuck;
	void (*state)(struct igbp_pair *pair, struct devlink_fmsg *fmsg);
	void (*dump)(struct igbp_pair *pair, struct devlink_fmsg *fmsg);
};

/**
 * struct igbp_devlink_reporter - reports one half of all pairs
 * @health: as devlink knows it
 * @port: owner
 * @kind: which half
 */
struct igbp_devlink_reporter {
	struct devlink_health_reporter *health;
	struct igbp_port *port;
	const struct igbp_devlink_kind *kind;
};

/**
 * struct igbp_devlink - private data of the devlink instance
 * @port: owner
 * @tx: reporter of transmit queues
 * @rx: reporter of receive queues
 */
struct igbp_devlink {
	struct igbp_port *port;
	struct igbp_devlink_reporter tx;
	struct igbp_devlink_reporter rx;
};

static struct igbp_port *igbp_devlink_port(struct devlink *devlink)
{
	struct igbp_devlink *priv = devlink_priv(devlink);

	return priv->port;
}

static int igbp_devlink_info_get(struct devlink *devlink,
				 struct devlink_info_req *req,
				 struct netlink_ext_ack *extack)
{
	struct igbp_port *port = igbp_devlink_port(devlink);
	u64 serial = pci_get_dsn(port->pdev);
	char text[ETHTOOL_FWVERS_LEN];
	int err;

	if (serial) {
		snprintf(text, sizeof(text), "%016llx", serial);
		err = devlink_info_serial_number_put(req, text);
		if (err)
			return err;
	}
	rtnl_lock();
	err = igbp_life_get(port);
	if (!err) {
		err = igbp_nvm_version_get(port, text, sizeof(text));
		igbp_life_put(port);
	}
	rtnl_unlock();
	/* What cannot be read now is not shown */
	return err ? 0 : devlink_info_version_running_put(req, "nvm", text);
}

/* Without recreating the interface: who reloads wants the device as new, not
 * its addresses and routes gone.
 */
static int igbp_devlink_reload_down(struct devlink *devlink,
				    bool netns_change,
				    enum devlink_reload_action action,
				    enum devlink_reload_limit limit,
				    struct netlink_ext_ack *extack)
{
	struct igbp_port *port = igbp_devlink_port(devlink);

	if (netns_change) {
		NL_SET_ERR_MSG_MOD(extack,
				   "interfaces move by ip link set DEV netns");
		return -EOPNOTSUPP;
	}
	igbp_life_reset_begin(port);
	return 0;
}

/* Return: 0, or an error of igbp_irq_vectors_change() */
static int igbp_devlink_vectors_apply(struct devlink *devlink)
{
	struct igbp_port *port = igbp_devlink_port(devlink);
	union devlink_param_value max;
	int err;

	/* Without MSI-X there is no such parameter */
	if (port->vectors == 1 ||
	    devl_param_driverinit_value_get(devlink, IGBP_DEVLINK_VECTORS,
					    &max))
		return 0;
	rtnl_lock();
	err = max.vu32 == port->vectors_max ? 0 :
	      igbp_irq_vectors_change(port, max.vu32);
	rtnl_unlock();
	return err;
}

static int igbp_devlink_reload_up(struct devlink *devlink,
				  enum devlink_reload_action action,
				  enum devlink_reload_limit limit,
				  u32 *actions_performed,
				  struct netlink_ext_ack *extack)
{
	struct igbp_port *port = igbp_devlink_port(devlink);
	int err = igbp_devlink_vectors_apply(devlink);

	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no vectors: closed and detached");
		igbp_life_put(port);
		return err;
	}
	err = igbp_life_reset_end(port);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no answer to a reset: detached");
		return err;
	}
	*actions_performed = BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT);
	return 0;
}

static const struct devlink_ops igbp_devlink_ops = {
	.info_get	= igbp_devlink_info_get,
	.reload_actions	= BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT),
	.reload_down	= igbp_devlink_reload_down,
	.reload_up	= igbp_devlink_reload_up,
};

static int igbp_devlink_vectors_check(struct devlink *devlink, u32 id,
				      union devlink_param_value val,
				      struct netlink_ext_ack *extack)
{
	struct igbp_port *port = igbp_devlink_port(devlink);
	int most = pci_msix_vec_count(port->pdev);

	if (val.vu32 >= IGBP_DEVLINK_VECTORS_MIN &&
	    (int)val.vu32 <= most)
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "%u vectors, must be %u to %d", val.vu32,
			       IGBP_DEVLINK_VECTORS_MIN, most);
	return -EINVAL;
}

static const struct devlink_param igbp_devlink_params[] = {
	DEVLINK_PARAM_GENERIC(MSIX_VEC_PER_PF_MAX,
			      BIT(DEVLINK_PARAM_CMODE_DRIVERINIT), NULL, NULL,
			      igbp_devlink_vectors_check),
};

static int igbp_devlink_params_add(struct igbp_port *port)
{
	union devlink_param_value vectors = { .vu32 = port->vectors };
	int err;

	if (port->vectors == 1)
		return 0;
	devl_lock(port->devlink);
	err = devl_params_register(port->devlink, igbp_devlink_params,
				   ARRAY_SIZE(igbp_devlink_params));
	if (!err) {
		port->vectors_max = port->vectors;
		devl_param_driverinit_value_set(port->devlink,
						IGBP_DEVLINK_VECTORS, vectors);
	}
	devl_unlock(port->devlink);
	return err;
}

static void igbp_devlink_params_del(struct igbp_port *port)
{
	if (port->vectors == 1)
		return;
	devlink_params_unregister(port->devlink, igbp_devlink_params,
				  ARRAY_SIZE(igbp_devlink_params));
}

/* Return: 0, a negative errno of the MAC reset, or 1 after one */
static int igbp_devlink_pair_recover(struct igbp_pair *pair)
{
	struct igbp_port *port = pair->port;
	int err;

	if (pair->restarts &&
	    time_before(jiffies, pair->restarted + IGBP_DEVLINK_AGAIN)) {
		port->resets++;
		err = igbp_netdev_restart(port);
		return err ? err : 1;
	}
	pair->restarts++;
	pair->restarted = jiffies;
	igbp_ring_pair_restart(pair);
	return 0;
}

/* Pair @only if it still hangs; with no @only, as a user wants it, all */
static int igbp_devlink_recover(struct devlink_health_reporter *health,
				void *only, struct netlink_ext_ack *extack)
{
	struct igbp_devlink_reporter *reporter =
		devlink_health_reporter_priv(health);
	struct igbp_port *port = reporter->port;
	unsigned int i;
	int err = 0;

	rtnl_lock();
	if (!netif_device_present(port->netdev) || igbp_life_get(port)) {
		/* Who brings it back starts all pairs anew */
		NL_SET_ERR_MSG_MOD(extack, "the device is away");
		err = only ? 0 : -ENODEV;
		goto unlock;
	}
	/* One that has stopped meanwhile will start anew */
	for (i = 0; i < port->pairs && !err; i++) {
		struct igbp_pair *pair = port->pair[i];
		bool hangs = test_bit(reporter->kind->stuck, &pair->stuck);

		if (pair->running && (!only || (pair == only && hangs)))
			err = igbp_devlink_pair_recover(pair);
	}
	if (err < 0)
		NL_SET_ERR_MSG_MOD(extack, "no answer to a reset: detached");
	igbp_life_put(port);
unlock:
	rtnl_unlock();
	return min(err, 0);
}

static void igbp_devlink_pair_put(struct igbp_pair *pair,
				  struct devlink_fmsg *fmsg,
				  enum igbp_stuck stuck)
{
	devlink_fmsg_u32_pair_put(fmsg, "queue", pair->index);
	devlink_fmsg_bool_pair_put(fmsg, "running", pair->running);
	devlink_fmsg_u32_pair_put(fmsg, "cpu", pair->cpu);
	devlink_fmsg_u32_pair_put(fmsg, "restarts", pair->restarts);
	devlink_fmsg_bool_pair_put(fmsg, "stuck",
				   test_bit(stuck, &pair->stuck));
}

static void igbp_devlink_tx_put(struct igbp_pair *pair,
				struct devlink_fmsg *fmsg)
{
	struct igbp_tx_ring *ring = &pair->tx;
	u16 published = READ_ONCE(ring->published);
	u16 ntc = READ_ONCE(ring->ntc);

	devlink_fmsg_u32_pair_put(fmsg, "descriptors", ring->mem.size);
	devlink_fmsg_u32_pair_put(fmsg, "given", published & ring->mask);
	devlink_fmsg_u32_pair_put(fmsg, "reclaimed", ntc & ring->mask);
	devlink_fmsg_u32_pair_put(fmsg, "waiting", (u16)(published - ntc));
	devlink_fmsg_bool_pair_put(fmsg, "stopped",
				   netif_tx_queue_stopped(ring->txq));
}

static void igbp_devlink_rx_put(struct igbp_pair *pair,
				struct devlink_fmsg *fmsg)
{
	struct igbp_rx_ring *ring = &pair->rx;
	u16 ntc = READ_ONCE(ring->ntc);

	devlink_fmsg_u32_pair_put(fmsg, "descriptors", ring->mem.size);
	devlink_fmsg_u32_pair_put(fmsg, "next", ntc & ring->mask);
	devlink_fmsg_u32_pair_put(fmsg, "posted",
				  (u16)(READ_ONCE(ring->ntu) - ntc));
}

static void igbp_devlink_register_put(struct igbp_port *port,
				      struct devlink_fmsg *fmsg,
				      const char *name, u32 reg)
{
	devlink_fmsg_u32_pair_put(fmsg, name, igbp_rd32(port, reg));
}

static void igbp_devlink_descs_put(struct devlink_fmsg *fmsg, const void *desc,
				   size_t size, u16 first, u16 mask)
{
	unsigned int i;

	devlink_fmsg_arr_pair_nest_start(fmsg, "next descriptors");
	for (i = 0; i < IGBP_DEVLINK_DESCS; i++) {
		const __le64 *words = desc + ((first + i) & mask) * size;
		char text[40];

		snprintf(text, sizeof(text), "%016llx %016llx",
			 le64_to_cpu(READ_ONCE(words[0])),
			 le64_to_cpu(READ_ONCE(words[1])));
		devlink_fmsg_string_put(fmsg, text);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
}

static void igbp_devlink_tx_dump(struct igbp_pair *pair,
				 struct devlink_fmsg *fmsg)
{
	struct igbp_port *port = pair->port;
	u16 q = pair->tx.queue;

	igbp_devlink_register_put(port, fmsg, "TDH", IGBP_TDH(q));
	igbp_devlink_register_put(port, fmsg, "TDT", IGBP_TDT(q));
	igbp_devlink_register_put(port, fmsg, "TXDCTL", IGBP_TXDCTL(q));
	igbp_devlink_register_put(port, fmsg, "EIMS", IGBP_EIMS);
	igbp_devlink_descs_put(fmsg, pair->tx.desc, sizeof(*pair->tx.desc),
			       pair->tx.ntc, pair->tx.mask);
}

static void igbp_devlink_rx_dump(struct igbp_pair *pair,
				 struct devlink_fmsg *fmsg)
{
	struct igbp_port *port = pair->port;
	u16 q = pair->rx.queue;

	igbp_devlink_register_put(port, fmsg, "RDH", IGBP_RDH(q));
	igbp_devlink_register_put(port, fmsg, "RDT", IGBP_RDT(q));
	igbp_devlink_register_put(port, fmsg, "RXDCTL", IGBP_RXDCTL(q));
	igbp_devlink_register_put(port, fmsg, "EIMS", IGBP_EIMS);
	igbp_devlink_descs_put(fmsg, pair->rx.desc, sizeof(*pair->rx.desc),
			       pair->rx.ntc, pair->rx.mask);
}

/* An object for each pair in use, or for @only */
static void igbp_devlink_pairs_put(struct devlink_health_reporter *health,
				   struct devlink_fmsg *fmsg,
				   struct igbp_pair *only, bool dump)
{
	struct igbp_devlink_reporter *reporter =
		devlink_health_reporter_priv(health);
	struct igbp_port *port = reporter->port;
	unsigned int i;

	rtnl_lock();
	devlink_fmsg_arr_pair_nest_start(fmsg, "queues");
	for (i = 0; i < port->pairs; i++) {
		struct igbp_pair *pair = port->pair[i];

		if (only && pair != only)
			continue;
		devlink_fmsg_obj_nest_start(fmsg);
		igbp_devlink_pair_put(pair, fmsg, reporter->kind->stuck);
		reporter->kind->state(pair, fmsg);
		if (dump && pair->running)
			reporter->kind->dump(pair, fmsg);
		devlink_fmsg_obj_nest_end(fmsg);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
	rtnl_unlock();
}

static int igbp_devlink_dump(struct devlink_health_reporter *health,
			     struct devlink_fmsg *fmsg, void *only,
			     struct netlink_ext_ack *extack)
{
	igbp_devlink_pairs_put(health, fmsg, only, true);
	return 0;
}

static int igbp_devlink_diagnose(struct devlink_health_reporter *health,
				 struct devlink_fmsg *fmsg,
				 struct netlink_ext_ack *extack)
{
	igbp_devlink_pairs_put(health, fmsg, NULL, false);
	return 0;
}

static const struct devlink_health_reporter_ops igbp_devlink_tx_ops = {
	.name		= "tx",
	.recover	= igbp_devlink_recover,
	.dump		= igbp_devlink_dump,
	.diagnose	= igbp_devlink_diagnose,
};

static const struct devlink_health_reporter_ops igbp_devlink_rx_ops = {
	.name		= "rx",
	.recover	= igbp_devlink_recover,
	.dump		= igbp_devlink_dump,
	.diagnose	= igbp_devlink_diagnose,
};

static const struct igbp_devlink_kind igbp_devlink_tx = {
	.ops	= &igbp_devlink_tx_ops,
	.stuck	= IGBP_STUCK_TX,
	.state	= igbp_devlink_tx_put,
	.dump	= igbp_devlink_tx_dump,
};

static const struct igbp_devlink_kind igbp_devlink_rx = {
	.ops	= &igbp_devlink_rx_ops,
	.stuck	= IGBP_STUCK_RX,
	.state	= igbp_devlink_rx_put,
	.dump	= igbp_devlink_rx_dump,
};

static void igbp_devlink_pair_report(struct igbp_devlink_reporter *reporter,
				     struct igbp_pair *pair)
{
	char text[40];

	if (!test_bit(reporter->kind->stuck, &pair->stuck))
		return;
	snprintf(text, sizeof(text), "queue %u is stuck", pair->index);
	devlink_health_report(reporter->health, text, pair);
}

/**
 * igbp_devlink_report - report the pairs that hang, and have them recovered
 * @port: port between igbp_life_begin() and igbp_life_end()
 *
 * Context: process, may sleep; takes devlink's lock and RTNL.
 */
void igbp_devlink_report(struct igbp_port *port)
{
	struct igbp_devlink *priv = devlink_priv(port->devlink);
	unsigned int i;

	for (i = 0; i < port->max_pairs; i++) {
		/* Without interrupts nothing is reclaimed either, and that is
		 * one report; it mends both.
		 */
		igbp_devlink_pair_report(&priv->rx, port->pair[i]);
		igbp_devlink_pair_report(&priv->tx, port->pair[i]);
	}
}

/**
 * igbp_devlink_recovered - all pairs have begun anew
 * @port: port between igbp_life_begin() and igbp_life_end()
 *
 * A reporter that has once failed to recover would not try again.
 *
 * Context: process, may sleep.
 */
void igbp_devlink_recovered(struct igbp_port *port)
{
	enum devlink_health_reporter_state healthy =
		DEVLINK_HEALTH_REPORTER_STATE_HEALTHY;
	struct igbp_devlink *priv = devlink_priv(port->devlink);

	devlink_health_reporter_state_update(priv->tx.health, healthy);
	devlink_health_reporter_state_update(priv->rx.health, healthy);
}

static int igbp_devlink_reporter_add(struct igbp_port *port,
				     struct igbp_devlink_reporter *reporter,
				     const struct igbp_devlink_kind *kind)
{
	reporter->port = port;
	reporter->kind = kind;
	reporter->health = devlink_health_reporter_create(port->devlink,
							  kind->ops, 0,
							  reporter);
	return PTR_ERR_OR_ZERO(reporter->health);
}

/**
 * igbp_devlink_add - make a port known to devlink
 * @port: port whose interface is about to be registered
 *
 * Context: process, probe.
 * Return: 0, or -ENOMEM.
 */
int igbp_devlink_add(struct igbp_port *port)
{
	struct igbp_devlink *priv;
	int err;

	port->devlink = devlink_alloc(&igbp_devlink_ops, sizeof(*priv),
				      &port->pdev->dev);
	if (!port->devlink)
		return -ENOMEM;
	priv = devlink_priv(port->devlink);
	priv->port = port;
	err = igbp_devlink_reporter_add(port, &priv->tx, &igbp_devlink_tx);
	if (err)
		goto free;
	err = igbp_devlink_reporter_add(port, &priv->rx, &igbp_devlink_rx);
	if (err)
		goto destroy_tx;
	err = igbp_devlink_params_add(port);
	if (err)
		goto destroy_rx;
	devlink_register(port->devlink);
	return 0;

destroy_rx:
	devlink_health_reporter_destroy(priv->rx.health);
destroy_tx:
	devlink_health_reporter_destroy(priv->tx.health);
free:
	devlink_free(port->devlink);
	return err;
}

/**
 * igbp_devlink_del - undo igbp_devlink_add()
 * @port: port that no longer reports, after igbp_life_end()
 *
 * Context: process, remove; RTNL not held.
 */
void igbp_devlink_del(struct igbp_port *port)
{
	struct igbp_devlink *priv = devlink_priv(port->devlink);

	devlink_unregister(port->devlink);
	igbp_devlink_params_del(port);
	devlink_health_reporter_destroy(priv->rx.health);
	devlink_health_reporter_destroy(priv->tx.health);
	devlink_free(port->devlink);
}
