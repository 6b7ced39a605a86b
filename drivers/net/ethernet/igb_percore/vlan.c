// SPDX-License-Identifier: GPL-2.0
/*
 * Which pools are in which VLAN
 *
 * Beside the packet path; called by vf.c (what VFs ask for), admin.c (what the
 * administrator puts them into) and netdev.c (the PF's own). With VFs there are
 * two tables: the filter of 4096 bits, which lets a tagged frame in at all, and
 * 32 entries that say for a VLAN which pools get it. The first follows from the
 * second, so only the second is kept.
 *
 * Locking: igbp_sriov.lock for the device's tables. The functions on a table
 * alone are the caller's business.
 */
#include "sriov.h"

/**
 * igbp_vlan_find - the entry of a VLAN
 * @table: IGBP_VLVF_ENTRIES entries
 * @vid: VLAN
 *
 * Context: any.
 * Return: its number, or -ENOENT.
 */
int igbp_vlan_find(const struct igbp_vlan *table, u16 vid)
{
	int i;

	for (i = 0; i < IGBP_VLVF_ENTRIES; i++)
		if (table[i].pools && table[i].vid == vid)
			return i;
	return -ENOENT;
}

/**
 * igbp_vlan_join - put a pool into a VLAN
 * @table: IGBP_VLVF_ENTRIES entries
 * @vid: VLAN
 * @pool: pool
 * @spare: free entries that must remain if a new one is needed
 *
 * Context: any.
 * Return: the number of the entry, or -ENOSPC.
 */
int igbp_vlan_join(struct igbp_vlan *table, u16 vid, unsigned int pool,
		   unsigned int spare)
{
	int at = igbp_vlan_find(table, vid), i;
	unsigned int free = 0;

	for (i = IGBP_VLVF_ENTRIES - 1; at < 0 && i >= 0; i--)
		free += !table[i].pools;
	if (at < 0 && free <= spare)
		return -ENOSPC;
	for (i = 0; at < 0; i++)
		if (!table[i].pools)
			at = i;
	table[at].vid = vid;
	table[at].pools |= BIT(pool);
	return at;
}

/**
 * igbp_vlan_leave - take a pool out of a VLAN
 * @table: IGBP_VLVF_ENTRIES entries
 * @vid: VLAN
 * @pool: pool
 *
 * Context: any.
 * Return: the number of the entry, which may be free now, or -ENOENT.
 */
int igbp_vlan_leave(struct igbp_vlan *table, u16 vid, unsigned int pool)
{
	int at = igbp_vlan_find(table, vid);

	if (at < 0 || !(table[at].pools & BIT(pool)))
		return -ENOENT;
	table[at].pools &= ~BIT(pool);
	return at;
}

/**
 * igbp_vlan_filter_word - a word of the filter that goes with a table
 * @table: IGBP_VLVF_ENTRIES entries
 * @word: number of the word, of 32 VLANs
 *
 * Context: any.
 * Return: the word.
 */
u32 igbp_vlan_filter_word(const struct igbp_vlan *table, unsigned int word)
{
	u32 bits = 0;
	int i;

	for (i = 0; i < IGBP_VLVF_ENTRIES; i++)
		if (table[i].pools && table[i].vid / 32 == word)
			bits |= BIT(table[i].vid % 32);
	return bits;
}

static void igbp_vlan_entry_write(struct igbp_port *port, int at)
{
	const struct igbp_vlan *entry = &port->sriov->vlan[at];
	u32 val = 0;

	if (entry->pools)
		val = entry->vid | entry->pools << IGBP_VLVF_POOLS_SHIFT |
		      IGBP_VLVF_EN;
	igbp_wr32(port, IGBP_VLVF(at), val);
}

static void igbp_vlan_write(struct igbp_port *port, int at, u16 vid)
{
	igbp_vlan_entry_write(port, at);
	igbp_wr32(port, IGBP_VFTA(vid / 32),
		  igbp_vlan_filter_word(port->sriov->vlan, vid / 32));
}

/**
 * igbp_vlan_pool_add - have a pool receive a VLAN
 * @port: port with VFs
 * @vid: VLAN
 * @pool: pool
 * @spare: entries to leave to others
 *
 * Context: any; igbp_sriov.lock held.
 * Return: 0, or -ENOSPC.
 */
int igbp_vlan_pool_add(struct igbp_port *port, u16 vid, unsigned int pool,
		       unsigned int spare)
{
	int at;

	lockdep_assert_held(&port->sriov->lock);

	at = igbp_vlan_join(port->sriov->vlan, vid, pool, spare);
	if (at < 0)
		return at;
	igbp_vlan_write(port, at, vid);
	return 0;
}

/**
 * igbp_vlan_pool_del - undo igbp_vlan_pool_add()
 * @port: port with VFs
 * @vid: VLAN
 * @pool: pool, in it or not
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vlan_pool_del(struct igbp_port *port, u16 vid, unsigned int pool)
{
	int at;

	lockdep_assert_held(&port->sriov->lock);

	at = igbp_vlan_leave(port->sriov->vlan, vid, pool);
	if (at >= 0)
		igbp_vlan_write(port, at, vid);
}

/**
 * igbp_vlan_pool_clear - take a pool out of all of its VLANs
 * @port: port with VFs
 * @pool: pool
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vlan_pool_clear(struct igbp_port *port, unsigned int pool)
{
	struct igbp_vlan *table = port->sriov->vlan;
	int i;

	lockdep_assert_held(&port->sriov->lock);

	for (i = 0; i < IGBP_VLVF_ENTRIES; i++)
		if (table[i].pools & BIT(pool))
			igbp_vlan_pool_del(port, table[i].vid, pool);
}

/**
 * igbp_vlan_write_all - write both tables after a reset
 * @port: port with VFs
 *
 * Context: any; igbp_sriov.lock held.
 */
void igbp_vlan_write_all(struct igbp_port *port)
{
	unsigned int i;

	lockdep_assert_held(&port->sriov->lock);

	for (i = 0; i < IGBP_VLVF_ENTRIES; i++)
		igbp_vlan_entry_write(port, i);
	for (i = 0; i < IGBP_VFTA_WORDS; i++)
		igbp_wr32(port, IGBP_VFTA(i),
			  igbp_vlan_filter_word(port->sriov->vlan, i));
}
