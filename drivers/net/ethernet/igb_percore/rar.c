// SPDX-License-Identifier: GPL-2.0
/*
 * Receive addresses, shared by the PF and its VFs
 *
 * Beside the packet path; called by vf.c, admin.c and hw_mac.c. Each of the 24
 * entries names an address and the pool that gets its frames:
 *
 *   0            the PF's own
 *   1 .. 23 - n  secondary ones of the PF and the VFs: first come, first served
 *   23 - i       the own address of VF i, of n
 *
 * Locking: igbp_sriov.lock for the device's table, inside netif_addr_lock where
 * the PF's are concerned. The functions on a table alone are the caller's
 * business.
 */
#include "sriov.h"

/* Entries that VFs leave to the PF */
#define IGBP_RAR_PF_SPARE	4

/**
 * igbp_rar_of_vf - the entry of a VF's own address
 * @vf: which
 *
 * Context: any.
 * Return: its number.
 */
unsigned int igbp_rar_of_vf(unsigned int vf)
{
	return IGBP_RAR_ENTRIES - 1 - vf;
}

/**
 * igbp_rar_init - a table with none but the entries that are kept for somebody
 * @table: IGBP_RAR_ENTRIES entries to fill in
 * @vfs: number of VFs
 *
 * Context: any.
 */
void igbp_rar_init(struct igbp_rar *table, unsigned int vfs)
{
	unsigned int i;

	for (i = 0; i < IGBP_RAR_ENTRIES; i++) {
		table[i].owner = IGBP_RAR_FREE;
		eth_zero_addr(table[i].addr);
	}
	table[0].owner = IGBP_PF_POOL;
	for (i = 0; i < vfs; i++)
		table[igbp_rar_of_vf(i)].owner = i;
}

/**
 * igbp_rar_find - the entry of an address
 * @table: IGBP_RAR_ENTRIES entries
 * @addr: address, not zero
 *
 * Context: any.
 * Return: the number of the first, or -ENOENT.
 */
int igbp_rar_find(const struct igbp_rar *table, const u8 *addr)
{
	int i;

	for (i = 0; i < IGBP_RAR_ENTRIES; i++)
		if (table[i].owner != IGBP_RAR_FREE &&
		    ether_addr_equal(table[i].addr, addr))
			return i;
	return -ENOENT;
}

/**
 * igbp_rar_place - give a pool a secondary address
 * @table: IGBP_RAR_ENTRIES entries
 * @pool: pool
 * @addr: address
 * @spare: free entries that must remain
 *
 * Context: any.
 * Return: the number of the entry, or -ENOSPC.
 */
int igbp_rar_place(struct igbp_rar *table, unsigned int pool,
		   const u8 *addr, unsigned int spare)
{
	unsigned int free = 0;
	int i, at = -ENOSPC;

	for (i = IGBP_RAR_ENTRIES - 1; i > 0; i--) {
		if (table[i].owner != IGBP_RAR_FREE)
			continue;
		free++;
		at = i;
	}
	if (free <= spare)
		return -ENOSPC;
	table[at].owner = pool;
	ether_addr_copy(table[at].addr, addr);
	return at;
}

/* An entry that is kept for somebody is none that can be given away */
static bool igbp_rar_is_secondary(const struct igbp_rar *table,
				  unsigned int index)
{
	unsigned int owner = table[index].owner;

	return index && owner != IGBP_RAR_FREE &&
	       (owner == IGBP_PF_POOL || index != igbp_rar_of_vf(owner));
}

/**
 * igbp_rar_count - secondary addresses of a pool
 * @table: IGBP_RAR_ENTRIES entries
 * @pool: pool
 *
 * Context: any.
 * Return: their number.
 */
unsigned int igbp_rar_count(const struct igbp_rar *table, unsigned int pool)
{
	unsigned int i, count = 0;

	for (i = 0; i < IGBP_RAR_ENTRIES; i++)
		count += table[i].owner == pool &&
			 igbp_rar_is_secondary(table, i);
	return count;
}

/**
 * igbp_rar_write - write an entry to the device
 * @port: port with VFs
 * @index: which
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_rar_write(struct igbp_port *port, unsigned int index)
{
	const struct igbp_rar *rar = &port->sriov->rar[index];
	bool valid = rar->owner != IGBP_RAR_FREE &&
		     !is_zero_ether_addr(rar->addr);

	lockdep_assert_held(&port->sriov->lock);
	igbp_mac_rar_pool_set(port, index, valid ? rar->addr : NULL,
			      rar->owner);
}

/**
 * igbp_rar_own_set - set the own address of the PF or of a VF
 * @port: port with VFs
 * @pool: whose
 * @addr: address; zero for none
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_rar_own_set(struct igbp_port *port, unsigned int pool,
		      const u8 *addr)
{
	unsigned int at = pool == IGBP_PF_POOL ? 0 : igbp_rar_of_vf(pool);

	lockdep_assert_held(&port->sriov->lock);
	ether_addr_copy(port->sriov->rar[at].addr, addr);
	igbp_rar_write(port, at);
}

/**
 * igbp_rar_filter_add - have a VF receive one more address
 * @port: port with VFs
 * @vf: which
 * @addr: address that nobody else has
 *
 * Context: any; igbp_sriov.lock held.
 * Return: 0, or -ENOSPC.
 */
int igbp_rar_filter_add(struct igbp_port *port, unsigned int vf,
			const u8 *addr)
{
	int at;

	lockdep_assert_held(&port->sriov->lock);

	if (igbp_rar_count(port->sriov->rar, vf) >= IGBP_VF_FILTERS)
		return -ENOSPC;
	at = igbp_rar_place(port->sriov->rar, vf, addr, IGBP_RAR_PF_SPARE);
	if (at < 0)
		return at;
	igbp_rar_write(port, at);
	return 0;
}

static void igbp_rar_filter_del(struct igbp_port *port, unsigned int index)
{
	struct igbp_rar *rar = &port->sriov->rar[index];

	rar->owner = IGBP_RAR_FREE;
	eth_zero_addr(rar->addr);
	igbp_rar_write(port, index);
}

/**
 * igbp_rar_filters_clear - take the secondary addresses of a pool away
 * @port: port with VFs
 * @pool: whose
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_rar_filters_clear(struct igbp_port *port, unsigned int pool)
{
	struct igbp_rar *table = port->sriov->rar;
	unsigned int i;

	lockdep_assert_held(&port->sriov->lock);

	for (i = 0; i < IGBP_RAR_ENTRIES; i++)
		if (table[i].owner == pool && igbp_rar_is_secondary(table, i))
			igbp_rar_filter_del(port, i);
}

static bool igbp_rar_pf_wants(struct igbp_port *port, const u8 *addr)
{
	struct netdev_hw_addr *ha;

	netdev_for_each_uc_addr(ha, port->netdev)
		if (ether_addr_equal(ha->addr, addr))
			return true;
	return false;
}

static bool igbp_rar_pf_has(const struct igbp_rar *table, const u8 *addr)
{
	unsigned int i;

	for (i = 1; i < IGBP_RAR_ENTRIES; i++)
		if (table[i].owner == IGBP_PF_POOL &&
		    ether_addr_equal(table[i].addr, addr))
			return true;
	return false;
}

/**
 * igbp_rar_pf_apply - have the PF receive the addresses that the stack wants
 * @port: port with VFs
 *
 * Context: any; igbp_sriov.lock held, and netif_addr_lock outside of it.
 * Return: whether each of them found an entry.
 */
bool igbp_rar_pf_apply(struct igbp_port *port)
{
	struct igbp_rar *table = port->sriov->rar;
	struct netdev_hw_addr *ha;
	unsigned int i;
	int at;

	lockdep_assert_held(&port->sriov->lock);
	lockdep_assert_held(&port->netdev->addr_list_lock);

	for (i = 1; i < IGBP_RAR_ENTRIES; i++)
		if (table[i].owner == IGBP_PF_POOL &&
		    !igbp_rar_pf_wants(port, table[i].addr))
			igbp_rar_filter_del(port, i);
	netdev_for_each_uc_addr(ha, port->netdev) {
		if (igbp_rar_pf_has(table, ha->addr))
			continue;
		at = igbp_rar_place(table, IGBP_PF_POOL, ha->addr, 0);
		if (at < 0)
			return false;
		igbp_rar_write(port, at);
	}
	return true;
}
