// SPDX-License-Identifier: GPL-2.0
/*
 * reta.c - RSS: table and key, by the driver's ethtool operations
 *
 * Called as ethtool itself does, in RTNL. The flag that says that an
 * administrator configured the table is left as it is: with it, ethtool -L
 * would refuse to take away a queue that the table names.
 */
#include <linux/ethtool.h>
#include <linux/pm_runtime.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "percore.h"
#include "setting.h"

static int percore_reta_begin(struct net_device *dev)
{
	int err = -ENODEV;

	ASSERT_RTNL();
	if (dev->dev.parent)
		pm_runtime_get_sync(dev->dev.parent);
	if (netif_device_present(dev) && dev->reg_state == NETREG_REGISTERED)
		err = dev->ethtool_ops->begin ? dev->ethtool_ops->begin(dev) :
						0;
	if (err && dev->dev.parent)
		pm_runtime_put(dev->dev.parent);
	return err;
}

static void percore_reta_end(struct net_device *dev)
{
	if (dev->ethtool_ops->complete)
		dev->ethtool_ops->complete(dev);
	if (dev->dev.parent)
		pm_runtime_put(dev->dev.parent);
}

/**
 * percore_reta_size - how large is the table
 * @dev: the interface
 * Context: process, RTNL.
 * Return: entries, 0 if there is none that can be read and written.
 */
u32 percore_reta_size(struct net_device *dev)
{
	const struct ethtool_ops *ops = dev->ethtool_ops;

	ASSERT_RTNL();
	if (!ops || !ops->get_rxfh_indir_size || !ops->get_rxfh ||
	    !ops->set_rxfh)
		return 0;
	return ops->get_rxfh_indir_size(dev);
}

/**
 * percore_reta_read - read the table
 * @dev: the interface
 * @reta: gets a queue for each entry
 * @size: its entries, percore_reta_size()
 * Context: process, RTNL, may sleep.
 * Return: 0, -ENODEV if the device is gone or asleep, or the driver's errno.
 */
int percore_reta_read(struct net_device *dev, u32 *reta, u32 size)
{
	struct ethtool_rxfh_param rxfh = { .indir = reta, .indir_size = size };
	int err = percore_reta_begin(dev);

	if (err)
		return err;
	err = dev->ethtool_ops->get_rxfh(dev, &rxfh);
	percore_reta_end(dev);
	return err;
}

/**
 * percore_reta_write - write the table
 * @dev: the interface
 * @reta: a queue for each entry
 * @size: its entries, percore_reta_size()
 * Context: process, RTNL, may sleep.
 * Return: 0, -ENODEV if the device is gone or asleep, or the driver's errno.
 */
int percore_reta_write(struct net_device *dev, u32 *reta, u32 size)
{
	struct ethtool_rxfh_param rxfh = {
		.indir = reta,
		.indir_size = size,
		.hfunc = ETH_RSS_HASH_NO_CHANGE,
		.input_xfrm = RXH_XFRM_NO_CHANGE,
	};
	struct netlink_ext_ack extack = {};
	int err = percore_reta_begin(dev);

	if (err)
		return err;
	err = dev->ethtool_ops->set_rxfh(dev, &rxfh, &extack);
	percore_reta_end(dev);
	return err;
}

/* Are both addresses and both ports of a kind of TCP what is hashed? */
static bool percore_reta_hashes(struct net_device *dev, u32 flow_type)
{
	struct ethtool_rxnfc info = {
		.cmd = ETHTOOL_GRXFH,
		.flow_type = flow_type,
	};

	return !dev->ethtool_ops->get_rxnfc(dev, &info, NULL) &&
	       info.data == (RXH_IP_SRC | RXH_IP_DST | RXH_L4_B_0_1 |
			     RXH_L4_B_2_3);
}

static int percore_reta_hash_read(struct net_device *dev, u8 *key, u32 room)
{
	struct ethtool_rxfh_param rxfh = {};
	u8 *whole;
	int err;

	rxfh.key_size = dev->ethtool_ops->get_rxfh_key_size(dev);
	if (rxfh.key_size < room || !percore_reta_hashes(dev, TCP_V4_FLOW) ||
	    !percore_reta_hashes(dev, TCP_V6_FLOW))
		return -EOPNOTSUPP;
	whole = kzalloc(rxfh.key_size, GFP_KERNEL);
	if (!whole)
		return -ENOMEM;
	rxfh.key = whole;
	err = dev->ethtool_ops->get_rxfh(dev, &rxfh);
	if (!err && (rxfh.hfunc != ETH_RSS_HASH_TOP || rxfh.input_xfrm))
		err = -EOPNOTSUPP;
	memcpy(key, whole, room);
	kfree(whole);
	return err;
}

/**
 * percore_reta_hash - read the key of the hash that chooses an entry
 * @dev: an interface with a table, see percore_reta_size()
 * @key: gets it
 * @room: its first bytes that are wanted
 * Context: process, RTNL, may sleep.
 * Return: 0; -EOPNOTSUPP unless it is known to be Toeplitz of both addresses
 * and both ports of TCP, with a key of @room bytes at least; -ENOMEM, -ENODEV
 * if the device is gone or asleep, or the driver's errno.
 */
int percore_reta_hash(struct net_device *dev, u8 *key, u32 room)
{
	const struct ethtool_ops *ops = dev->ethtool_ops;
	int err;

	if (!ops->get_rxfh_key_size || !ops->get_rxnfc)
		return -EOPNOTSUPP;
	err = percore_reta_begin(dev);
	if (err)
		return err;
	err = percore_reta_hash_read(dev, key, room);
	percore_reta_end(dev);
	return err;
}
