// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: interrupt moderation
 */
#include "moderation.c"

#include "igb_percore_test.h"

static struct igbp_pair *igbp_moderation_test_pair(struct kunit *test)
{
	return igbp_test_pair_alloc(test, igbp_test_port_alloc(test), 2);
}

static void igbp_moderation_test_set(struct kunit *test)
{
	struct igbp_pair *pair = igbp_moderation_test_pair(test);
	struct igbp_port *port = pair->port;

	/* Vector 0 is for other causes, pair 2 has vector 3 */
	igbp_moderation_set(pair, 1);
	KUNIT_EXPECT_EQ(test, 0x80000004, igbp_rd32(port, IGBP_EITR(3)));
	igbp_moderation_set(pair, IGBP_USECS_MAX);
	KUNIT_EXPECT_EQ(test, 0x80007ffc, igbp_rd32(port, IGBP_EITR(3)));
	KUNIT_EXPECT_EQ(test, IGBP_USECS_MAX, pair->usecs);
	/* None is none: no timer at all */
	igbp_moderation_set(pair, 0);
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_EITR(3)));
	pair->irq_mode = IGBP_IRQ_SHARED;
	igbp_moderation_set(pair, 2);
	KUNIT_EXPECT_EQ(test, 0x80000008, igbp_rd32(port, IGBP_EITR(0)));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_EITR(3)));
}

/* What the administrator sets stays, whatever dim comes up with later */
static void igbp_moderation_test_apply(struct kunit *test)
{
	struct igbp_pair *pair = igbp_moderation_test_pair(test);

	igbp_moderation_apply(pair, true, 0);
	KUNIT_EXPECT_TRUE(test, pair->adaptive);
	KUNIT_EXPECT_TRUE(test, pair->lockstep);
	KUNIT_EXPECT_EQ(test, 0, pair->usecs);
	pair->dim.profile_ix = IGBP_DIM_PROFILES - 1;
	igbp_moderation_work(&pair->dim.work);
	KUNIT_EXPECT_EQ(test, igbp_dim_usecs[IGBP_DIM_PROFILES - 1],
			pair->usecs);

	igbp_moderation_apply(pair, false, 33);
	KUNIT_EXPECT_FALSE(test, pair->adaptive);
	igbp_moderation_work(&pair->dim.work);
	KUNIT_EXPECT_EQ(test, 33, pair->usecs);
	igbp_moderation_restart(pair, false);
	KUNIT_EXPECT_EQ(test, 33, pair->usecs);
}

static void igbp_moderation_test_lockstep(struct kunit *test)
{
	static const struct {
		u32 us;
		u32 rx;
		u32 tx;
		bool sync;
		bool lockstep;
	} cases[] = {
		{ 5000, 100, 100, false, true },
		{ 5000, 100, 50, false, true },
		{ 5000, 101, 50, false, false },	/* receives */
		{ 5000, 50, 101, false, false },	/* sends */
		{ 5000, 50, 101, true, true },	/* for nothing */
		{ IGBP_LOCKSTEP_US + 1, 64, 64, true, true },
		{ IGBP_LOCKSTEP_US, 64, 64, true, false },	/* too busy */
	};
	struct igbp_pair *pair = igbp_moderation_test_pair(test);
	unsigned int i;

	pair->adapt.time = ms_to_ktime(1000);
	pair->adapt.rx_packets = 7;
	pair->adapt.tx_packets = 9;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct igbp_adapt now = {
			.time = ktime_add_us(pair->adapt.time, cases[i].us),
			.rx_packets = 7 + cases[i].rx,
			.tx_packets = 9 + cases[i].tx,
		};

		pair->tx.sync = cases[i].sync;
		KUNIT_EXPECT_EQ_MSG(test, cases[i].lockstep,
				    igbp_moderation_is_lockstep(pair, &now),
				    "case %u", i);
	}
}

/* A stream is noticed, and so is its end */
static void igbp_moderation_test_adapt(struct kunit *test)
{
	struct igbp_pair *pair = igbp_moderation_test_pair(test);

	igbp_moderation_apply(pair, true, 0);
	pair->adapt.time = ktime_sub_us(ktime_get(), 100000);
	u64_stats_add(&pair->rx.stats.packets, 1000);
	igbp_moderation_adapt(pair);
	cancel_work_sync(&pair->dim.work);
	KUNIT_EXPECT_FALSE(test, pair->lockstep);
	KUNIT_EXPECT_EQ(test, igbp_dim_usecs[IGBP_DIM_STREAM], pair->usecs);

	pair->dim.state = DIM_START_MEASURE;
	pair->adapt.time = ktime_sub_us(ktime_get(), 100000);
	u64_stats_add(&pair->rx.stats.packets, 50);
	u64_stats_add(&pair->tx.stats.packets, 50);
	igbp_moderation_adapt(pair);
	KUNIT_EXPECT_TRUE(test, pair->lockstep);
	KUNIT_EXPECT_EQ(test, 0, pair->usecs);
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(pair->port, IGBP_EITR(3)));
}

/* A vector of two pairs: the first one's, and for what both do */
static void igbp_moderation_test_shared(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);
	struct igbp_pair *lead = igbp_test_pair_alloc(test, port, 1);
	struct igbp_pair *other = igbp_test_pair_alloc(test, port, 3);

	other->lead = lead;
	lead->next = other;
	igbp_moderation_apply(other, false, 33);
	KUNIT_EXPECT_EQ(test, 0, other->usecs);
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_EITR(4)));

	igbp_moderation_apply(lead, true, 0);
	lead->adapt.time = ktime_sub_us(ktime_get(), 100000);
	u64_stats_add(&lead->rx.stats.packets, 500);
	u64_stats_add(&lead->tx.stats.packets, 500);
	u64_stats_add(&other->rx.stats.packets, 1000);
	igbp_moderation_adapt(lead);
	cancel_work_sync(&lead->dim.work);
	KUNIT_EXPECT_FALSE(test, lead->lockstep);
	KUNIT_EXPECT_EQ(test, 1500, lead->adapt.rx_packets);
	KUNIT_EXPECT_NE(test, 0, igbp_rd32(port, IGBP_EITR(2)));
	KUNIT_EXPECT_EQ(test, 0, igbp_rd32(port, IGBP_EITR(4)));
}

static struct kunit_case igbp_moderation_cases[] = {
	KUNIT_CASE(igbp_moderation_test_set),
	KUNIT_CASE(igbp_moderation_test_apply),
	KUNIT_CASE(igbp_moderation_test_lockstep),
	KUNIT_CASE(igbp_moderation_test_adapt),
	KUNIT_CASE(igbp_moderation_test_shared),
	{}
};

static struct kunit_suite igbp_moderation_suite = {
	.name = "igb_percore-moderation",
	.test_cases = igbp_moderation_cases,
};

kunit_test_suite(igbp_moderation_suite);
