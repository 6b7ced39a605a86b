// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: the table of VLANs and pools, and the filter that follows from it
 */
#include "vlan.c"

#include "igb_percore_test.h"

static void igbp_vlan_test_join(struct kunit *test)
{
	struct igbp_vlan table[IGBP_VLVF_ENTRIES] = {};

	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_vlan_find(table, 0));
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_join(table, 5, 7, 0));
	KUNIT_EXPECT_EQ(test, 1, igbp_vlan_join(table, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_join(table, 5, 2, 0));
	KUNIT_EXPECT_EQ(test, 0x84, table[0].pools);
	KUNIT_EXPECT_EQ(test, 1, igbp_vlan_find(table, 0));
}

static void igbp_vlan_test_leave(struct kunit *test)
{
	struct igbp_vlan table[IGBP_VLVF_ENTRIES] = {};

	igbp_vlan_join(table, 5, 7, 0);
	igbp_vlan_join(table, 5, 2, 0);
	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_vlan_leave(table, 5, 3));
	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_vlan_leave(table, 6, 2));
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_leave(table, 5, 7));
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_find(table, 5));
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_leave(table, 5, 2));
	KUNIT_EXPECT_EQ(test, -ENOENT, igbp_vlan_find(table, 5));
	/* A free entry is taken again */
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_join(table, 9, 1, 0));
}

static void igbp_vlan_test_full(struct kunit *test)
{
	struct igbp_vlan table[IGBP_VLVF_ENTRIES] = {};
	int i;

	for (i = 0; i < IGBP_VLVF_ENTRIES - 8; i++)
		KUNIT_EXPECT_EQ(test, i, igbp_vlan_join(table, 100 + i, 1, 8));
	/* Eight are left for those that leave none */
	KUNIT_EXPECT_EQ(test, -ENOSPC, igbp_vlan_join(table, 4094, 1, 8));
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_join(table, 100, 2, 8));
	for (; i < IGBP_VLVF_ENTRIES; i++)
		KUNIT_EXPECT_EQ(test, i, igbp_vlan_join(table, 100 + i, 7, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC, igbp_vlan_join(table, 4094, 7, 0));
	KUNIT_EXPECT_EQ(test, 31, igbp_vlan_join(table, 131, 1, 8));
}

static void igbp_vlan_test_filter(struct kunit *test)
{
	struct igbp_vlan table[IGBP_VLVF_ENTRIES] = {};

	igbp_vlan_join(table, 0, 7, 0);
	igbp_vlan_join(table, 31, 0, 0);
	igbp_vlan_join(table, 32, 0, 0);
	igbp_vlan_join(table, 4095, 0, 0);
	igbp_vlan_join(table, 7, 0, 0);
	igbp_vlan_leave(table, 7, 0);
	KUNIT_EXPECT_EQ(test, 0x80000001, igbp_vlan_filter_word(table, 0));
	KUNIT_EXPECT_EQ(test, 1, igbp_vlan_filter_word(table, 1));
	KUNIT_EXPECT_EQ(test, 0, igbp_vlan_filter_word(table, 2));
	KUNIT_EXPECT_EQ(test, BIT(31), igbp_vlan_filter_word(table, 127));
}

static struct kunit_case igbp_vlan_cases[] = {
	KUNIT_CASE(igbp_vlan_test_join),
	KUNIT_CASE(igbp_vlan_test_leave),
	KUNIT_CASE(igbp_vlan_test_full),
	KUNIT_CASE(igbp_vlan_test_filter),
	{}
};

static struct kunit_suite igbp_vlan_suite = {
	.name = "igb_percore-vlan",
	.test_cases = igbp_vlan_cases,
};

kunit_test_suite(igbp_vlan_suite);
