// SPDX-License-Identifier: GPL-2.0
/*
 * vmbox: host --timeout 120
 *
 *	delays, frames that wait --> net/percore/tsq_rule.c --> pacing shift
 *
 * Claim: tsq_rule.c, built as a program, gives sockets the kernel's shift until
 * a window of samples says otherwise; a larger one only where frames wait; a
 * smaller one at once where the NIC idles, and not where it does not; nothing
 * that flickers between two shifts moves it; and whatever the samples are, the
 * target is within the bounds and the shift has not less time than the target
 * where the NIC may idle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../net/percore/tsq_rule.c"

#define US	1000u
#define STOCK	PERCORE_TSQ_STOCK_SHIFT

static const struct percore_tsq_bounds usual = { 200, 16000 };
static int tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

static void is(u32 got, u32 want, const char *what)
{
	ok(got == want, what);
	if (got != want)
		printf("# want %u, got %u\n", want, got);
}

/* A window of equal delays, @waiting of them with frames waiting */
static u8 window(struct percore_tsq_rule *rule, u32 delay_ns, int waiting,
		 const struct percore_tsq_bounds *in)
{
	int i;

	for (i = 0; i < PERCORE_TSQ_WINDOW; i++)
		percore_tsq_rule_add(rule, delay_ns, i < waiting, in);
	return rule->shift;
}

static u8 windows(struct percore_tsq_rule *rule, int n, u32 delay_ns,
		  int waiting)
{
	while (n--)
		window(rule, delay_ns, waiting, &usual);
	return rule->shift;
}

static struct percore_tsq_rule fresh(void)
{
	struct percore_tsq_rule rule;

	percore_tsq_rule_init(&rule);
	return rule;
}

static void test_start(void)
{
	struct percore_tsq_rule rule = fresh();
	bool changed = false;
	int i;

	is(rule.shift, STOCK, "it starts with the kernel's shift");
	for (i = 0; i < PERCORE_TSQ_WINDOW - 1; i++)
		changed |= percore_tsq_rule_add(&rule, 4000 * US, false, &usual);
	ok(!changed && rule.shift == STOCK, "no change before a window is full");
	changed = percore_tsq_rule_add(&rule, 4000 * US, false, &usual);
	ok(changed && rule.shift < STOCK, "a NIC that idles gets more at once");
}

static void test_table(void)
{
	struct percore_tsq_rule rule = fresh();

	is(windows(&rule, 5, 0, 32), 12, "short delay, stands: tsq_min_us");
	is(windows(&rule, 1, 0, 0), STOCK,
	   "it no longer stands: the kernel's again, at once");
	is(windows(&rule, 9, 0, 0), STOCK,
	   "short delay, runs empty: the kernel's");
	rule = fresh();
	is(windows(&rule, 5, 300 * US, 32), 11, "300 us, stands: 350 us");
	rule = fresh();
	is(windows(&rule, 5, 1000 * US, 0), 8, "1 ms, runs empty: 2050 us");
	rule = fresh();
	is(windows(&rule, 5, 4000 * US, 0), 6, "4 ms, runs empty: 8050 us");
	rule = fresh();
	is(windows(&rule, 5, 4000 * US, 32), STOCK,
	   "4 ms, stands with the kernel's: it feeds the NIC");
	rule = fresh();
	is(windows(&rule, 5, 500000 * US, 0), 5, "half a second: tsq_max_us");
}

static void test_hysteresis(void)
{
	struct percore_tsq_rule rule = fresh();
	int i, moved = 0;

	is(windows(&rule, 1, 0, 32), STOCK, "one window that stands: nothing");
	is(windows(&rule, 1, 0, 32), 12, "a second one: less");
	is(windows(&rule, 4, 0, 20), 12, "it stands until it runs empty");
	is(windows(&rule, 4, 0, 27), 12, "or nearly");
	rule = fresh();
	is(windows(&rule, 4, 0, 27), STOCK,
	   "frames that wait in less than 7/8 of the samples do not stand");

	/* 0.488 ms, where 11 and 10 meet, is a delay of 438 us */
	rule = fresh();
	windows(&rule, 4, 370 * US, 32);
	is(rule.shift, 11, "a need just below where two shifts meet");
	for (i = 0; i < 50; i++) {
		u8 was = rule.shift;

		window(&rule, (i & 1 ? 460 : 420) * US, 32, &usual);
		moved += rule.shift != was;
	}
	is(moved, 0, "one that flickers around it moves nothing");
	is(windows(&rule, 2, 600 * US, 32), STOCK, "one far beyond it does");
	rule = fresh();
	for (i = 0, moved = 0; i < 50; i++) {
		u8 was = rule.shift;

		window(&rule, 0, i & 1 ? 32 : 20, &usual);
		moved += rule.shift != was;
	}
	ok(moved <= 1, "a queue that stands now and then moves it once");
}

/* Of 400 windows, those with the stock shift, or with more than that */
static int tries(bool tight)
{
	struct percore_tsq_rule rule = fresh();
	int i, n = 0;

	for (i = 0; i < 400; i++) {
		bool stands = tight ? rule.shift <= STOCK : rule.shift < STOCK;

		window(&rule, (tight ? 0 : 4000) * US, stands ? 32 : 0, &usual);
		n += tight ? rule.shift > STOCK : rule.shift == STOCK;
	}
	return n;
}

static void test_retry(void)
{
	struct percore_tsq_rule rule = fresh();
	int i;

	windows(&rule, 1, 4000 * US, 0);
	is(windows(&rule, 1, 4000 * US, 32), 6,
	   "with more than the kernel's it may stand because of that: it stays");
	for (i = 0; i < 4 && rule.shift < STOCK; i++)
		window(&rule, 4000 * US, 32, &usual);
	is(rule.shift, STOCK, "soon it sees whether it stands without");
	is(windows(&rule, 20, 4000 * US, 32), STOCK, "it does: so be it");
	is(windows(&rule, 1, 4000 * US, 0), 6, "it does not: more, at once");
	i = tries(false);
	ok(i > 2 && i < 16, "what was in vain is tried ever more rarely");
	rule = fresh();
	windows(&rule, 4, 4000 * US, 32);
	windows(&rule, 4, 0, 32);
	is(rule.shift, 12, "it stands, and the delay is short: less");
	is(windows(&rule, 1, 4000 * US, 0), STOCK,
	   "it runs empty with that: the kernel's, and not more, at first");
	i = tries(true);
	ok(i > 2 && i < 16, "less that let it run empty, ever more rarely too");
}

static void test_outlier(void)
{
	struct percore_tsq_rule rule = fresh();
	int i, j;

	for (i = 0; i < 10; i++)
		for (j = 0; j < PERCORE_TSQ_WINDOW; j++)
			percore_tsq_rule_add(&rule, j ? 0 : 900000 * US, true,
					     &usual);
	is(rule.shift, 12, "one delay of 32 is no p95");
	is(rule.p95_ns, 0, "nor shown as such");
	windows(&rule, 40, 100 * US, 0);
	ok(rule.ewma_ns > 95 * US && rule.ewma_ns < 105 * US,
	   "the average comes to what is constant");
	is(rule.p95_ns, 100 * US, "so does the percentile");
}

static void test_fixed(void)
{
	static const struct percore_tsq_bounds fixed = { 3906, 3906 };
	struct percore_tsq_rule rule = fresh();

	is(window(&rule, 0, 32, &fixed), 8, "equal bounds: theirs, at once");
	is(window(&rule, 9000 * US, 0, &fixed), 8, "whatever is measured");
	is(windows(&rule, 3, 0, 32), 12, "and adaptive again without");
}

static void test_random(void)
{
	u64 seed = 1;
	bool within = true, loose = true, tight = true;
	int i;

	for (i = 0; i < 100000; i++) {
		struct percore_tsq_bounds in;
		struct percore_tsq_rule rule = fresh();
		int j, waiting;
		u32 delay;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		in.min_us = PERCORE_TSQ_US_LEAST + (seed >> 33) % 8000;
		in.max_us = in.min_us + 1 + (seed >> 40) %
			    (PERCORE_TSQ_US_MOST - in.min_us);
		delay = seed >> 20 >> (seed >> 59);
		waiting = (seed >> 11) % (PERCORE_TSQ_WINDOW + 1);
		for (j = 0; j < 4; j++)
			window(&rule, delay, waiting, &in);
		within &= rule.target_us >= in.min_us &&
			  rule.target_us <= in.max_us;
		if (waiting < PERCORE_TSQ_WINDOW / 2)
			loose &= rule.shift <= STOCK &&
				 (1000000u >> rule.shift) +
				 rule.target_us / 8 + 1 >= rule.target_us;
		else
			tight &= rule.shift >= STOCK ||
				 waiting < PERCORE_TSQ_WINDOW * 7 / 8;
	}
	ok(within, "random: the target is within the bounds");
	ok(loose, "random: a queue that runs empty has the time it needs");
	ok(tight, "random: one that stands has not more than the kernel's");
}

int main(void)
{
	printf("TAP version 13\n");
	test_start();
	test_table();
	test_hysteresis();
	test_retry();
	test_outlier();
	test_fixed();
	test_random();
	printf("1..%d\n", tests);
	return !!failures;
}
