// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: who gets which receive address
 */
#include "rar.c"

#include "igb_percore_test.h"

static const u8 igbp_rar_test_addr[3][ETH_ALEN] __aligned(2) = {
	{ 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 }, { 2, 0, 0, 0, 0, 3 },
};

static void igbp_rar_test_own(struct kunit *test)
{
	struct igbp_rar table[IGBP_RAR_ENTRIES];

	igbp_rar_init(table, 3);
	KUNIT_EXPECT_EQ(test, 23, igbp_rar_of_vf(0));
	KUNIT_EXPECT_EQ(test, IGBP_PF_POOL, table[0].owner);
	KUNIT_EXPECT_EQ(test, 0, table[23].owner);
	KUNIT_EXPECT_EQ(test, 2, table[21].owner);
	KUNIT_EXPECT_EQ(test, IGBP_RAR_FREE, table[20].owner);
	/* None of these can be given away, nor counts as given */
	KUNIT_EXPECT_EQ(test, 0, igbp_rar_count(table, IGBP_PF_POOL));
	KUNIT_EXPECT_EQ(test, 0, igbp_rar_count(table, 0));
}

static void igbp_rar_test_place(struct kunit *test)
{
	struct igbp_rar table[IGBP_RAR_ENTRIES];

	igbp_rar_init(table, 7);
	KUNIT_EXPECT_EQ(test, -ENOENT,
			igbp_rar_find(table, igbp_rar_test_addr[0]));
	KUNIT_EXPECT_EQ(test, 1, igbp_rar_place(table, 3,
						igbp_rar_test_addr[0], 4));
	KUNIT_EXPECT_EQ(test, 2, igbp_rar_place(table, IGBP_PF_POOL,
						igbp_rar_test_addr[1], 0));
	KUNIT_EXPECT_EQ(test, 1, igbp_rar_find(table, igbp_rar_test_addr[0]));
	KUNIT_EXPECT_EQ(test, 2, igbp_rar_find(table, igbp_rar_test_addr[1]));
	KUNIT_EXPECT_EQ(test, 1, igbp_rar_count(table, 3));
	KUNIT_EXPECT_EQ(test, 1, igbp_rar_count(table, IGBP_PF_POOL));
}

static void igbp_rar_test_full(struct kunit *test)
{
	struct igbp_rar table[IGBP_RAR_ENTRIES];
	int i;

	/* 24 without the PF's own and seven VFs' */
	igbp_rar_init(table, 7);
	for (i = 1; i <= 12; i++)
		KUNIT_EXPECT_EQ(test, i,
				igbp_rar_place(table, 0,
					       igbp_rar_test_addr[0], 4));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			igbp_rar_place(table, 0, igbp_rar_test_addr[0], 4));
	for (; i <= 16; i++)
		KUNIT_EXPECT_EQ(test, i,
				igbp_rar_place(table, IGBP_PF_POOL,
					       igbp_rar_test_addr[1], 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			igbp_rar_place(table, IGBP_PF_POOL,
				       igbp_rar_test_addr[1], 0));
}

static struct kunit_case igbp_rar_cases[] = {
	KUNIT_CASE(igbp_rar_test_own),
	KUNIT_CASE(igbp_rar_test_place),
	KUNIT_CASE(igbp_rar_test_full),
	{}
};

static struct kunit_suite igbp_rar_suite = {
	.name = "igb_percore-rar",
	.test_cases = igbp_rar_cases,
};

kunit_test_suite(igbp_rar_suite);
