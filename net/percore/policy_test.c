// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: how long a connection is its core's alone, and what a guess costs
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "policy.h"

static void percore_age_test_fill(struct percore_age *age, u32 n)
{
	while (n--)
		percore_age_put(age);
}

static void percore_age_test_drain(struct percore_age *age, u32 n)
{
	while (n--)
		percore_age_take(age);
}

/* What came after the mark is not due at the end of its period */
static void percore_age_test_young(struct kunit *test)
{
	struct percore_age age = {};

	percore_age_mark(&age);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 0);
	percore_age_test_fill(&age, 3);
	KUNIT_EXPECT_EQ(test, age.depth, 3);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 0);
	KUNIT_EXPECT_TRUE(test, percore_age_untouched(&age));
}

/* What was there at the mark is, unless it has left; no other is */
static void percore_age_test_old(struct kunit *test)
{
	struct percore_age age = {};

	percore_age_test_fill(&age, 5);
	percore_age_mark(&age);
	percore_age_test_fill(&age, 4);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 5);
	KUNIT_EXPECT_TRUE(test, percore_age_untouched(&age));
	percore_age_test_drain(&age, 2);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 3);
	KUNIT_EXPECT_FALSE(test, percore_age_untouched(&age));
	percore_age_test_drain(&age, 3);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 0);
	percore_age_test_drain(&age, 1);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 0);
	KUNIT_EXPECT_EQ(test, age.depth, 3);
}

/* At the second mark what is due is what the first period left */
static void percore_age_test_periods(struct kunit *test)
{
	struct percore_age age = {};

	percore_age_test_fill(&age, 2);
	percore_age_mark(&age);
	percore_age_test_fill(&age, 3);
	percore_age_test_drain(&age, 2);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 0);
	percore_age_mark(&age);
	KUNIT_EXPECT_TRUE(test, percore_age_untouched(&age));
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 3);
}

/* An empty shard keeps no age: the next connection is young */
static void percore_age_test_empty(struct kunit *test)
{
	struct percore_age age = {};

	percore_age_test_fill(&age, 4);
	percore_age_mark(&age);
	percore_age_test_drain(&age, 4);
	percore_age_test_fill(&age, 1);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 0);
	KUNIT_EXPECT_FALSE(test, percore_age_untouched(&age));
}

/* After 2^32 connections as after none */
static void percore_age_test_wrap(struct kunit *test)
{
	struct percore_age age = { .queued = U32_MAX - 1 };

	percore_age_test_fill(&age, 1);
	percore_age_mark(&age);
	percore_age_test_fill(&age, 4);
	KUNIT_EXPECT_EQ(test, age.queued, 3);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 1);
	percore_age_mark(&age);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 5);
	percore_age_test_drain(&age, 5);
	KUNIT_EXPECT_EQ(test, percore_age_due(&age), 0);
	KUNIT_EXPECT_EQ(test, age.depth, 0);
}

/* Each wrong guess doubles what the next costs, up to a limit */
static void percore_price_test_doubles(struct kunit *test)
{
	unsigned int price = PERCORE_HOME_PRICE, n;

	for (n = 1; n < 40; n++) {
		price = percore_price(price, PERCORE_HOME_PRICE, 3);
		KUNIT_EXPECT_EQ(test, price,
				min_t(u64, (u64)PERCORE_HOME_PRICE << n,
				      PERCORE_PRICE_MAX));
	}
}

/* One that was right for long costs little again */
static void percore_price_test_forgives(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, percore_price(512, PERCORE_BELL_PRICE,
					    PERCORE_RIGHT - 1), 1024);
	KUNIT_EXPECT_EQ(test, percore_price(512, PERCORE_BELL_PRICE,
					    PERCORE_RIGHT), PERCORE_BELL_PRICE);
	KUNIT_EXPECT_EQ(test, percore_price(PERCORE_PRICE_MAX,
					    PERCORE_HOME_PRICE, ULONG_MAX),
			PERCORE_HOME_PRICE);
}

/* Of any PERCORE_POOL_TURN looks in a row just one goes to the pool first */
static void percore_pool_test_turn(struct kunit *test)
{
	unsigned int first, i, n = 0;

	for (first = 0; first < 3 * PERCORE_POOL_TURN; first++) {
		n = 0;
		for (i = 0; i < PERCORE_POOL_TURN; i++)
			n += percore_pool_first(first + i);
		KUNIT_EXPECT_EQ(test, n, 1);
	}
}

static struct kunit_case percore_policy_cases[] = {
	KUNIT_CASE(percore_age_test_young),
	KUNIT_CASE(percore_age_test_old),
	KUNIT_CASE(percore_age_test_periods),
	KUNIT_CASE(percore_age_test_empty),
	KUNIT_CASE(percore_age_test_wrap),
	KUNIT_CASE(percore_price_test_doubles),
	KUNIT_CASE(percore_price_test_forgives),
	KUNIT_CASE(percore_pool_test_turn),
	{}
};

static struct kunit_suite percore_policy_suite = {
	.name = "percore-policy",
	.test_cases = percore_policy_cases,
};

kunit_test_suite(percore_policy_suite);

MODULE_DESCRIPTION("KUnit suites of percore");
MODULE_LICENSE("GPL");
