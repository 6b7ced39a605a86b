/* SPDX-License-Identifier: GPL-2.0 */
/*
 * toeplitz.h - which ports bring a connection's packets to an RSS entry
 *
 * A NIC hashes what identifies a connection, and some low bits of the hash
 * choose an entry of its indirection table. The hash is linear: that of two
 * inputs xored is the xor of theirs. The input ends with the destination port,
 * which is our own for what we receive, so those low bits are
 *
 *	part(rest of the input, port 0)  xor  part(nothing, port)
 *
 * and the ports for a given second term are one of them xor any sum of the
 * ports for which it is 0. Both come from Gaussian elimination over 16 columns.
 *
 * No kernel interface is used but types: toeplitz_test.c tests it.
 */
#ifndef _NET_PERCORE_TOEPLITZ_H
#define _NET_PERCORE_TOEPLITZ_H

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#define PERCORE_TUPLE_V4	12	/* addresses and ports, bytes */
#define PERCORE_TUPLE_V6	36
#define PERCORE_TUPLE_KEY	4	/* bytes that the key is longer */

#define PERCORE_PORT_BITS	16
#define PERCORE_PORT_NONE	U32_MAX

/* Entries of an indirection table, at most */
#define PERCORE_RETA_BITS	11

/**
 * struct percore_ports - the ports for each entry, under one key
 * @bits: low bits of the hash that choose an entry, at most PERCORE_RETA_BITS
 * @n_zero: how many @zero
 * @zero: ports that are 0 in those bits, the highest first; of each the
 *	highest bit is in no other
 * @port: for each value of those bits a port that has it, or PERCORE_PORT_NONE
 */
struct percore_ports {
	u32 bits;
	u32 n_zero;
	u16 zero[PERCORE_PORT_BITS];
	u32 port[1 << PERCORE_RETA_BITS];
};

/**
 * percore_toeplitz - the hash
 * @key: of @len + PERCORE_TUPLE_KEY bytes
 * @data: what is hashed
 * @len: its bytes
 * Return: the hash.
 */
static inline u32 percore_toeplitz(const u8 *key, const void *data,
				   unsigned int len)
{
	u32 hash = 0, window = get_unaligned_be32(key);
	const u8 *byte = data;
	unsigned int i;
	int bit;

	for (i = 0; i < len; i++) {
		for (bit = 7; bit >= 0; bit--) {
			if (byte[i] & BIT(bit))
				hash ^= window;
			window = window << 1 |
				 (key[i + PERCORE_TUPLE_KEY] >> bit & 1);
		}
	}
	return hash;
}

/* What one bit of the port adds to the hash */
static inline u32 percore_ports_column(const u8 *key, unsigned int len,
				       unsigned int bit)
{
	u8 tuple[PERCORE_TUPLE_V6] = {};

	tuple[len - 1 - bit / 8] = BIT(bit % 8);
	return percore_toeplitz(key, tuple, len);
}

/* The highest first, or low bits would change in vain: most ranges are high */
static inline void percore_ports_order(struct percore_ports *ports)
{
	u16 *zero = ports->zero;
	u32 i, k;

	for (i = 0; i < ports->n_zero; i++) {
		for (k = i + 1; k < ports->n_zero; k++)
			if (zero[k] > zero[i])
				swap(zero[i], zero[k]);
		for (k = 0; k < ports->n_zero; k++)
			if (k != i && zero[k] & BIT(fls(zero[i]) - 1))
				zero[k] ^= zero[i];
	}
}

/**
 * percore_ports_solve - find the ports for each entry
 * @ports: gets them
 * @key: of the NIC, @len + PERCORE_TUPLE_KEY bytes
 * @len: PERCORE_TUPLE_V4 or PERCORE_TUPLE_V6
 * @bits: low bits of the hash that choose an entry
 */
static inline void percore_ports_solve(struct percore_ports *ports,
				       const u8 *key, unsigned int len,
				       u32 bits)
{
	/* For each bit: ports whose sum has it as its highest one */
	struct { u32 part; u16 port; } pivot[PERCORE_RETA_BITS] = {};
	u32 part, want, i;
	u16 port;
	int bit;

	ports->bits = bits;
	ports->n_zero = 0;
	for (i = 0; i < PERCORE_PORT_BITS; i++) {
		part = percore_ports_column(key, len, i) & (BIT(bits) - 1);
		port = BIT(i);
		for (bit = bits - 1; bit >= 0 && part; bit--) {
			if (!(part & BIT(bit)))
				continue;
			if (!pivot[bit].part) {
				pivot[bit].part = part;
				pivot[bit].port = port;
				break;
			}
			part ^= pivot[bit].part;
			port ^= pivot[bit].port;
		}
		if (!part)
			ports->zero[ports->n_zero++] = port;
	}
	percore_ports_order(ports);
	for (want = 0; want < BIT(bits); want++) {
		part = want;
		port = 0;
		for (bit = bits - 1; bit >= 0; bit--) {
			if (part & BIT(bit)) {
				part ^= pivot[bit].part;
				port ^= pivot[bit].port;
			}
		}
		ports->port[want] = part ? PERCORE_PORT_NONE : port;
	}
}

/**
 * percore_ports_nth - one of the ports whose packets come to an entry
 * @ports: solved
 * @part: number of the entry, xor the hash of the rest of the input
 * @n: which of them, below 1 << @ports->n_zero; each is another
 * Return: the port, or PERCORE_PORT_NONE if none can bring packets there.
 */
static inline u32 percore_ports_nth(const struct percore_ports *ports, u32 part,
				    u32 n)
{
	u32 port = ports->port[part & (BIT(ports->bits) - 1)];
	unsigned int i;

	if (port == PERCORE_PORT_NONE)
		return port;
	for (i = 0; i < ports->n_zero; i++)
		if (n & BIT(i))
			port ^= ports->zero[i];
	return port;
}

#endif /* _NET_PERCORE_TOEPLITZ_H */
