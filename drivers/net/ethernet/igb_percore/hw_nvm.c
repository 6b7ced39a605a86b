// SPDX-License-Identifier: GPL-2.0
/*
 * Words of the NVM
 *
 * Probe and ethtool only. The MAC address is not read here: a reset loads it
 * into receive address 0.
 *
 * Locking: mdio_lock, because the semaphore shared with firmware is the one
 * that the PHY uses.
 */
#include <linux/iopoll.h>

#include "igb_percore.h"

#define IGBP_EERD_TIMEOUT_US	5000

/**
 * igbp_nvm_read - read a word
 * @port: port
 * @word: its address
 * @val: the word, little-endian in the NVM, host order here
 *
 * Context: process, may sleep; mdio_lock held.
 * Return: 0, -ETIMEDOUT when the device does not finish, or an error of
 * igbp_swfw_acquire().
 */
int igbp_nvm_read(struct igbp_port *port, u16 word, u16 *val)
{
	u32 eerd;
	int err;

	lockdep_assert_held(&port->mdio_lock);

	err = igbp_swfw_acquire(port, IGBP_SWFW_EEP);
	if (err)
		return err;
	igbp_wr32(port, IGBP_EERD,
		  word << IGBP_EERD_ADDR_SHIFT | IGBP_EERD_START);
	err = igbp_poll32(port, IGBP_EERD, eerd, eerd & IGBP_EERD_DONE, 5,
			  IGBP_EERD_TIMEOUT_US);
	igbp_swfw_release(port, IGBP_SWFW_EEP);
	if (igbp_port_is_absent(port))
		err = -ENODEV;
	if (!err)
		*val = eerd >> IGBP_EERD_DATA_SHIFT;
	return err;
}

/**
 * igbp_nvm_validate - check the sum of the first words
 * @port: port
 *
 * Context: process, may sleep; mdio_lock held.
 * Return: 0, -EILSEQ when the sum is wrong, or an error of igbp_nvm_read().
 */
int igbp_nvm_validate(struct igbp_port *port)
{
	u16 val, sum = 0;
	int err;
	u16 i;

	for (i = 0; i <= IGBP_NVM_CHECKSUM; i++) {
		err = igbp_nvm_read(port, i, &val);
		if (err)
			return err;
		sum += val;
	}
	return sum == IGBP_NVM_CHECKSUM_SUM ? 0 : -EILSEQ;
}

/**
 * igbp_nvm_version_get - the version of what the NVM holds, as text
 * @port: port
 * @text: filled in, unless it fails
 * @size: bytes of @text
 *
 * Context: process, may sleep; takes mdio_lock.
 * Return: 0, or an error of igbp_nvm_read().
 */
int igbp_nvm_version_get(struct igbp_port *port, char *text, size_t size)
{
	u16 version;
	int err;

	mutex_lock(&port->mdio_lock);
	err = igbp_nvm_read(port, IGBP_NVM_VERSION, &version);
	mutex_unlock(&port->mdio_lock);
	if (!err)
		snprintf(text, size, "%x.%02x", version >> 12,
			 (version >> 4) & 0xff);
	return err;
}
