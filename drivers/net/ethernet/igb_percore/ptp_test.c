// SPDX-License-Identifier: GPL-2.0
/* Tests of the clock's arithmetic and of who gets which timestamp */
#include "igb_percore_test.h"

#include "ptp.c"
#include "stamp.c"

#define IGBP_PTP_TEST_HOUR	(3600ULL * NSEC_PER_SEC)

/* ppm, as adjfine has them */
#define IGBP_PTP_TEST_PPM(ppm)	((ppm) * 65536L)

/* What the registers of KUnit cannot: nothing sleeps here. */
int igbp_life_get(struct igbp_port *port)
{
	return 0;
}

void igbp_life_put(struct igbp_port *port)
{
}

static void igbp_ptp_test_mult(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0x80000000, igbp_ptp_mult(0));
	/* 2^31 / 10^6 = 2147.48 */
	KUNIT_EXPECT_EQ(test, 0x80000000 + 2147,
			igbp_ptp_mult(IGBP_PTP_TEST_PPM(1)));
	KUNIT_EXPECT_EQ(test, 0x80000000 - 2147,
			igbp_ptp_mult(IGBP_PTP_TEST_PPM(-1)));
	KUNIT_EXPECT_EQ(test, 0xc0000000,
			igbp_ptp_mult(IGBP_PTP_TEST_PPM(500000)));
	KUNIT_EXPECT_EQ(test, 0x40000000,
			igbp_ptp_mult(IGBP_PTP_TEST_PPM(-500000)));
	/* The least that makes a difference is half a ppb, 31 of 65536 ppm */
	KUNIT_EXPECT_EQ(test, 0x80000000, igbp_ptp_mult(30));
	KUNIT_EXPECT_EQ(test, 0x80000001, igbp_ptp_mult(31));
}

static void igbp_ptp_test_ns(struct kunit *test)
{
	struct igbp_ptp_time time = {
		.ns = 1000, .cycles = 500, .mult = IGBP_PTP_MULT,
	};

	KUNIT_EXPECT_EQ(test, 1000, igbp_ptp_ns(&time, 500));
	KUNIT_EXPECT_EQ(test, 1017, igbp_ptp_ns(&time, 517));
	KUNIT_EXPECT_EQ(test, 900, igbp_ptp_ns(&time, 400));
	/* The product has more than 64 bits */
	KUNIT_EXPECT_EQ(test, 1000 + 10000 * IGBP_PTP_TEST_HOUR,
			igbp_ptp_ns(&time, 500 + 10000 * IGBP_PTP_TEST_HOUR));
	time.mult = igbp_ptp_mult(IGBP_PTP_TEST_PPM(-500000));
	KUNIT_EXPECT_EQ(test, 1000 + 5000 * IGBP_PTP_TEST_HOUR,
			igbp_ptp_ns(&time, 500 + 10000 * IGBP_PTP_TEST_HOUR));
	KUNIT_EXPECT_EQ(test, 950, igbp_ptp_ns(&time, 400));
	/* The counter wraps */
	time.cycles = U64_MAX - 9;
	KUNIT_EXPECT_EQ(test, 1010, igbp_ptp_ns(&time, 10));
	time.cycles = 10;
	KUNIT_EXPECT_EQ(test, 990, igbp_ptp_ns(&time, U64_MAX - 9));
}

/* However often the clock is looked at, it does not lose by it */
static void igbp_ptp_test_advance(struct kunit *test)
{
	struct igbp_ptp_time often = { .mult = igbp_ptp_mult(6553611) };
	struct igbp_ptp_time once = often;
	unsigned int i;

	for (i = 1; i <= 100000; i++)
		igbp_ptp_advance(&often, i * 16ULL);
	igbp_ptp_advance(&once, 1600000);
	KUNIT_EXPECT_EQ(test, once.ns, often.ns);
	KUNIT_EXPECT_EQ(test, once.frac, often.frac);
	/* 100 ppm faster, and a step of mult less than that */
	KUNIT_EXPECT_EQ(test, 1600159, once.ns);

	igbp_ptp_advance(&once, 1600000 + 1000 * IGBP_PTP_TEST_HOUR);
	KUNIT_EXPECT_LE(test, once.ns -
			igbp_ptp_ns(&often, 1600000 +
				    1000 * IGBP_PTP_TEST_HOUR), 1);
	often.cycles = U64_MAX;
	often.frac = IGBP_PTP_FRAC;
	often.mult = IGBP_PTP_MULT;
	once = often;
	igbp_ptp_advance(&often, 2);
	KUNIT_EXPECT_EQ(test, once.ns + 3, often.ns);
	KUNIT_EXPECT_EQ(test, IGBP_PTP_FRAC, often.frac);
	often.mult = IGBP_PTP_MULT + 1;
	igbp_ptp_advance(&often, 3);
	KUNIT_EXPECT_EQ(test, once.ns + 5, often.ns);
	KUNIT_EXPECT_EQ(test, 0, often.frac);
}

static struct igbp_port *igbp_ptp_test_port(struct kunit *test)
{
	struct igbp_port *port = igbp_test_port_alloc(test);

	igbp_ptp_init(port);
	netif_carrier_on(port->netdev);
	return port;
}

static void igbp_ptp_test_systim(struct igbp_port *port, u64 cycles)
{
	igbp_wr32(port, IGBP_SYSTIML, lower_32_bits(cycles));
	igbp_wr32(port, IGBP_SYSTIMH, upper_32_bits(cycles));
}

static u64 igbp_ptp_test_now(struct kunit *test, struct igbp_port *port)
{
	struct timespec64 ts;

	KUNIT_EXPECT_EQ(test, 0, igbp_ptp_gettimex(&port->ptp.info, &ts, NULL));
	return timespec64_to_ns(&ts);
}

/* Set, shifted and slewed, also while a reset has the counter begin anew */
static void igbp_ptp_test_clock(struct kunit *test)
{
	struct igbp_port *port = igbp_ptp_test_port(test);
	struct ptp_clock_info *info = &port->ptp.info;
	struct timespec64 ts = { .tv_sec = 7, .tv_nsec = 5 };
	u64 held, now;

	igbp_ptp_test_systim(port, 5ULL << 32);
	igbp_ptp_start(port);
	KUNIT_EXPECT_EQ(test, 0x01000010, igbp_rd32(port, IGBP_TIMINCA));
	KUNIT_EXPECT_EQ(test, 0, igbp_ptp_settime(info, &ts));
	KUNIT_EXPECT_EQ(test, 7000000005, igbp_ptp_test_now(test, port));
	igbp_ptp_test_systim(port, (5ULL << 32) + 1000);
	KUNIT_EXPECT_EQ(test, 7000001005, igbp_ptp_test_now(test, port));
	KUNIT_EXPECT_EQ(test, 0, igbp_ptp_adjtime(info, -6));
	KUNIT_EXPECT_EQ(test, 7000000999, igbp_ptp_test_now(test, port));
	KUNIT_EXPECT_EQ(test, 0, igbp_ptp_adjfine(info,
						  IGBP_PTP_TEST_PPM(500000)));
	KUNIT_EXPECT_EQ(test, 7000000999, igbp_ptp_test_now(test, port));
	igbp_ptp_test_systim(port, (5ULL << 32) + 2000);
	KUNIT_EXPECT_EQ(test, 7000002499, igbp_ptp_test_now(test, port));

	igbp_ptp_hold(port);
	igbp_ptp_test_systim(port, 0);
	held = igbp_ptp_test_now(test, port);
	KUNIT_EXPECT_GE(test, held, 7000002499);
	KUNIT_EXPECT_LT(test, held, 8000002499);
	KUNIT_EXPECT_EQ(test, 0, igbp_ptp_adjtime(info, NSEC_PER_SEC));
	KUNIT_EXPECT_GE(test, igbp_ptp_test_now(test, port), held +
			NSEC_PER_SEC);
	igbp_ptp_start(port);
	now = igbp_ptp_test_now(test, port);
	igbp_ptp_test_systim(port, 2000);
	KUNIT_EXPECT_EQ(test, now + 3000, igbp_ptp_test_now(test, port));

	set_bit(IGBP_PORT_GONE, &port->flags);
	KUNIT_EXPECT_EQ(test, -ENODEV, igbp_ptp_gettimex(info, &ts, NULL));
	KUNIT_EXPECT_EQ(test, -ENODEV, igbp_ptp_settime(info, &ts));
	KUNIT_EXPECT_EQ(test, -ENODEV, igbp_ptp_adjtime(info, 1));
	KUNIT_EXPECT_EQ(test, -ENODEV, igbp_ptp_adjfine(info, 0));
	clear_bit(IGBP_PORT_GONE, &port->flags);
	KUNIT_EXPECT_EQ(test, now + 3000, igbp_ptp_test_now(test, port));
}

static bool igbp_ptp_test_waits(struct igbp_port *port, unsigned long age)
{
	port->stamp.tx_since = jiffies - age;
	return !igbp_stamp_tx_poll(port, false);
}

/* The register belongs to one frame at a time, until it is read or no
 * timestamp can come any more.
 */
static void igbp_ptp_test_tx(struct kunit *test)
{
	struct sk_buff *skb = igbp_test_skb_alloc(test, IPPROTO_UDP, 64);
	struct igbp_port *port = igbp_ptp_test_port(test);
	struct igbp_stamp *stamp = &port->stamp;

	/* The test's reference stands for that of the ring */
	stamp->tx_skb = skb_get(skb);
	KUNIT_EXPECT_TRUE(test, igbp_ptp_test_waits(port, 0));
	KUNIT_EXPECT_TRUE(test, igbp_ptp_test_waits(port, 10 *
						    IGBP_STAMP_TX_LOST));
	igbp_wr32(port, IGBP_TSYNCTXCTL, IGBP_TSYNC_EN | IGBP_TSYNC_VALID);
	KUNIT_EXPECT_FALSE(test, igbp_ptp_test_waits(port, 0));
	KUNIT_EXPECT_EQ(test, 1, stamp->tx_packets);
	KUNIT_EXPECT_FALSE(test, skb_shared(skb));
	igbp_wr32(port, IGBP_TSYNCTXCTL, IGBP_TSYNC_EN);

	/* The ring has let go, but there is no link, or a pause */
	stamp->tx_skb = alloc_skb(64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stamp->tx_skb);
	netif_carrier_off(port->netdev);
	KUNIT_EXPECT_TRUE(test, igbp_ptp_test_waits(port, IGBP_STAMP_TX_LOST));
	netif_carrier_on(port->netdev);
	igbp_wr32(port, IGBP_STATUS, IGBP_STATUS_TXOFF);
	KUNIT_EXPECT_TRUE(test, igbp_ptp_test_waits(port, IGBP_STAMP_TX_LOST));
	igbp_wr32(port, IGBP_STATUS, 0);
	KUNIT_EXPECT_TRUE(test, igbp_ptp_test_waits(port, 0));
	KUNIT_EXPECT_EQ(test, 0, stamp->tx_lost);
	KUNIT_EXPECT_FALSE(test, igbp_ptp_test_waits(port, IGBP_STAMP_TX_LOST));
	KUNIT_EXPECT_EQ(test, 1, stamp->tx_lost);
	KUNIT_EXPECT_FALSE(test, igbp_ptp_test_waits(port, 0));

	/* The rings are stopped */
	stamp->tx_skb = skb_get(skb);
	igbp_stamp_tx_flush(port);
	KUNIT_EXPECT_PTR_EQ(test, NULL, stamp->tx_skb);
	KUNIT_EXPECT_EQ(test, 2, stamp->tx_lost);
	KUNIT_EXPECT_EQ(test, 1, stamp->tx_packets);
	KUNIT_EXPECT_FALSE(test, skb_shared(skb));
}

static void igbp_ptp_test_rx(struct kunit *test)
{
	struct igbp_port *port = igbp_ptp_test_port(test);
	struct igbp_stamp *stamp = &port->stamp;

	port->ptp.time.ns = 1000000;
	port->ptp.running = true;
	igbp_wr32(port, IGBP_RXSTMPL, 77);
	KUNIT_EXPECT_EQ(test, 0, igbp_stamp_rx_read(port));
	igbp_wr32(port, IGBP_TSYNCRXCTL, IGBP_TSYNC_VALID);
	KUNIT_EXPECT_EQ(test, 1000077, igbp_stamp_rx_read(port));
	/* Nobody fetches it */
	igbp_stamp_rx_check(port);
	KUNIT_EXPECT_EQ(test, 0, stamp->rx_cleared);
	stamp->rx_since = jiffies - IGBP_STAMP_RX_LOST - 1;
	igbp_stamp_rx_check(port);
	KUNIT_EXPECT_EQ(test, 1, stamp->rx_cleared);
	igbp_stamp_rx_check(port);
	KUNIT_EXPECT_EQ(test, 1, stamp->rx_cleared);
	stamp->rx_since = jiffies - IGBP_STAMP_RX_LOST - 1;
	port->ptp.running = false;
	igbp_stamp_rx_check(port);
	KUNIT_EXPECT_EQ(test, 1, stamp->rx_cleared);
}

static int igbp_ptp_test_choose(struct igbp_port *port, int filter)
{
	struct igbp_stamp *stamp = &port->stamp;
	int err = igbp_stamp_filter_choose(port, &filter, stamp, NULL);

	if (err)
		return err;
	igbp_stamp_apply(port);
	igbp_steer_apply(port);
	return filter;
}

/* Each filter becomes one that lets at least as much through, or none */
static void igbp_ptp_test_filters(struct kunit *test)
{
	struct igbp_port *port = igbp_ptp_test_port(test);
	int filter, got;

	for (filter = 0; filter < __HWTSTAMP_FILTER_CNT; filter++) {
		got = igbp_ptp_test_choose(port, filter);
		if (filter >= HWTSTAMP_FILTER_PTP_V2_L2_EVENT &&
		    filter <= HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ)
			KUNIT_EXPECT_EQ(test, HWTSTAMP_FILTER_PTP_V2_L2_EVENT,
					got);
		else
			KUNIT_EXPECT_EQ(test, filter ? -ERANGE : 0, got);
	}
	port->flow.queues[IGBP_FLOW_TUPLE] = 8;
	for (filter = 0; filter < __HWTSTAMP_FILTER_CNT; filter++) {
		got = igbp_ptp_test_choose(port, filter);
		if (filter >= HWTSTAMP_FILTER_PTP_V2_L4_EVENT &&
		    filter <= HWTSTAMP_FILTER_PTP_V2_DELAY_REQ)
			KUNIT_EXPECT_EQ(test, HWTSTAMP_FILTER_PTP_V2_EVENT,
					got);
		else if (filter == HWTSTAMP_FILTER_PTP_V1_L4_SYNC ||
			 filter == HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ)
			KUNIT_EXPECT_EQ(test, filter, got);
		else
			KUNIT_EXPECT_EQ(test, filter ? -ERANGE : 0, got);
	}
}

static void igbp_ptp_test_filter_expect(struct kunit *test,
					struct igbp_port *port, u32 rxctl,
					u32 rxcfg, u32 etqf, u32 ftqf)
{
	KUNIT_EXPECT_EQ(test, rxctl, igbp_rd32(port, IGBP_TSYNCRXCTL));
	KUNIT_EXPECT_EQ(test, rxcfg, igbp_rd32(port, IGBP_TSYNCRXCFG));
	KUNIT_EXPECT_EQ(test, etqf, igbp_rd32(port, IGBP_ETQF(7)));
	KUNIT_EXPECT_EQ(test, ftqf, igbp_rd32(port, IGBP_FTQF(7)));
}

/* What they are in registers */
static void igbp_ptp_test_filter_registers(struct kunit *test)
{
	struct igbp_port *port = igbp_ptp_test_port(test);

	igbp_ptp_test_choose(port, HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ);
	igbp_ptp_test_filter_expect(test, port, 0x1a, 0x100, 0x440088f7, 0);
	KUNIT_EXPECT_EQ(test, 0x10, igbp_rd32(port, IGBP_TSYNCTXCTL));
	port->flow.queues[IGBP_FLOW_TUPLE] = 8;
	igbp_ptp_test_choose(port, HWTSTAMP_FILTER_PTP_V2_EVENT);
	igbp_ptp_test_filter_expect(test, port, 0x1a, 0, 0x440088f7,
				    0x68008011);
	/* 319, as in a frame */
	KUNIT_EXPECT_EQ(test, 0x3f01, igbp_rd32(port, IGBP_SPQF(7)));
	KUNIT_EXPECT_EQ(test, 0x3f01, igbp_rd32(port, IGBP_IMIR(7)));
	igbp_ptp_test_choose(port, HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ);
	igbp_ptp_test_filter_expect(test, port, 0x12, 1, 0, 0x68008011);
	igbp_ptp_test_choose(port, HWTSTAMP_FILTER_NONE);
	igbp_ptp_test_filter_expect(test, port, 0, 0, 0, 0xf0008000);
}

static struct kunit_case igbp_ptp_test_cases[] = {
	KUNIT_CASE(igbp_ptp_test_mult),
	KUNIT_CASE(igbp_ptp_test_ns),
	KUNIT_CASE(igbp_ptp_test_advance),
	KUNIT_CASE(igbp_ptp_test_clock),
	KUNIT_CASE(igbp_ptp_test_tx),
	KUNIT_CASE(igbp_ptp_test_rx),
	KUNIT_CASE(igbp_ptp_test_filters),
	KUNIT_CASE(igbp_ptp_test_filter_registers),
	{}
};

static struct kunit_suite igbp_ptp_test_suite = {
	.name = "igb_percore-ptp",
	.test_cases = igbp_ptp_test_cases,
};

kunit_test_suite(igbp_ptp_test_suite);
