// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit suite of toeplitz.h
 *
 * Hashes of known tuples are those by which Microsoft asks NICs to be verified.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "toeplitz.h"

static const u8 percore_test_key[] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Both ways of a connection have one hash with it */
static const u8 percore_test_symmetric[] = {
	[0 ... 39] = 0x6d,
};

static void percore_toeplitz_test_known(struct kunit *test)
{
	static const struct { u8 tuple[PERCORE_TUPLE_V4]; u32 hash; } v4[] = {
		{ { 66, 9, 149, 187, 161, 142, 100, 80, 2794 >> 8, 2794 & 255,
		    1766 >> 8, 1766 & 255 }, 0x51ccc178 },
		{ { 199, 92, 111, 2, 65, 69, 140, 83, 14230 >> 8, 14230 & 255,
		    4739 >> 8, 4739 & 255 }, 0xc626b0ea },
	};
	static const u8 v6[PERCORE_TUPLE_V6] = {
		0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07,
		0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
		2794 >> 8, 2794 & 255, 1766 >> 8, 1766 & 255,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v4); i++)
		KUNIT_EXPECT_EQ(test, v4[i].hash,
				percore_toeplitz(percore_test_key, v4[i].tuple,
						 PERCORE_TUPLE_V4));
	KUNIT_EXPECT_EQ(test, 0x40207d3d,
			percore_toeplitz(percore_test_key, v6,
					 PERCORE_TUPLE_V6));
}

/* Two in a row: one of the upper half of all ports */
static void percore_ports_test_halves(struct kunit *test)
{
	struct percore_ports *ports;
	u32 n, upper;

	ports = kunit_kzalloc(test, sizeof(*ports), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ports);
	percore_ports_solve(ports, percore_test_key, PERCORE_TUPLE_V4, 7);
	for (n = 0; n < BIT(ports->n_zero); n += 2) {
		upper = (percore_ports_nth(ports, 5, n) >> 15) +
			(percore_ports_nth(ports, 5, n + 1) >> 15);
		KUNIT_EXPECT_EQ(test, upper, 1);
	}
}

/* Every port is found once, for the entry that the hash of it chooses. */
static void percore_ports_test_all(struct kunit *test, const u8 *key,
				   unsigned int len, u32 bits)
{
	struct percore_ports *ports;
	u8 tuple[PERCORE_TUPLE_V6];
	u32 entry, rest, port, n;
	unsigned long *seen;
	unsigned int i;

	ports = kunit_kzalloc(test, sizeof(*ports), GFP_KERNEL);
	seen = kunit_kzalloc(test, BITS_TO_LONGS(U16_MAX + 1) * sizeof(long),
			     GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ports);
	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (i = 0; i < len; i++)
		tuple[i] = 37 * i + 11;
	tuple[len - 2] = 0;
	tuple[len - 1] = 0;
	rest = percore_toeplitz(key, tuple, len);
	percore_ports_solve(ports, key, len, bits);
	for (entry = 0; entry < BIT(bits); entry++) {
		for (n = 0; n < BIT(ports->n_zero); n++) {
			port = percore_ports_nth(ports, entry ^ rest, n);
			if (port == PERCORE_PORT_NONE)
				break;
			KUNIT_ASSERT_LE(test, port, U16_MAX);
			KUNIT_ASSERT_FALSE(test, test_bit(port, seen));
			__set_bit(port, seen);
			tuple[len - 2] = port >> 8;
			tuple[len - 1] = port;
			KUNIT_ASSERT_EQ(test, entry,
					percore_toeplitz(key, tuple, len) &
					(BIT(bits) - 1));
		}
	}
	KUNIT_EXPECT_TRUE(test, bitmap_full(seen, U16_MAX + 1));
}

static void percore_ports_test_v4(struct kunit *test)
{
	percore_ports_test_all(test, percore_test_key, PERCORE_TUPLE_V4, 7);
}

static void percore_ports_test_v6(struct kunit *test)
{
	percore_ports_test_all(test, percore_test_key, PERCORE_TUPLE_V6, 7);
}

static void percore_ports_test_sizes(struct kunit *test)
{
	percore_ports_test_all(test, percore_test_key, PERCORE_TUPLE_V4, 1);
	percore_ports_test_all(test, percore_test_key, PERCORE_TUPLE_V4,
			       PERCORE_RETA_BITS);
}

/* Its 16 columns are not independent: some entries no port can reach */
static void percore_ports_test_symmetric(struct kunit *test)
{
	percore_ports_test_all(test, percore_test_symmetric, PERCORE_TUPLE_V4,
			       PERCORE_RETA_BITS);
}

static struct kunit_case percore_toeplitz_cases[] = {
	KUNIT_CASE(percore_toeplitz_test_known),
	KUNIT_CASE(percore_ports_test_halves),
	KUNIT_CASE(percore_ports_test_v4),
	KUNIT_CASE(percore_ports_test_v6),
	KUNIT_CASE(percore_ports_test_sizes),
	KUNIT_CASE(percore_ports_test_symmetric),
	{}
};

static struct kunit_suite percore_toeplitz_suite = {
	.name = "percore-toeplitz",
	.test_cases = percore_toeplitz_cases,
};

kunit_test_suite(percore_toeplitz_suite);
