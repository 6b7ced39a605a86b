// SPDX-License-Identifier: GPL-2.0
/*
 * tsq_rule.c - from measured delays of a transmit queue to a pacing shift
 *
 * TCP keeps at most pacing_rate >> shift bytes of a socket below it (TSQ, TCP
 * small queues), what it sends in 1 s >> shift. That has to last from the
 * doorbell until the NIC's reclaim lets TCP send more, or the NIC idles:
 *
 *	need = 2 * p95 of the delay + PERCORE_TSQ_SLACK_US
 *
 * Twice, because the limit counts truesize, about twice what is on the wire. A
 * queue where frames wait above the NIC, with the kernel's limit or less, feeds
 * it even if many a reclaim is late or one socket's limit is short; there it is
 *
 *	need = lower quartile of the delay + PERCORE_TSQ_SLACK_US
 *
 * More than the need waits above the NIC and delays everything behind it, but
 * only where frames wait there at all; where none do, a smaller limit gains
 * nothing and costs, as it makes the bursts of TSO smaller. So:
 *
 *	                need < 1 ms             need > 1 ms
 *	queue stands    by need: shift > 10     as it is: it feeds the NIC
 *	runs empty      stock: 10               by need: shift < 10
 *
 * A queue that stands with a shift below 10 may do so because of it, and one
 * that runs empty with a shift above. Both go back to 10, to see: the first
 * after 2 windows, the second at once. If that proves wrong, it takes twice as
 * long the next time, up to 64 windows.
 *
 * Hysteresis: a queue stands when 7/8 of a window's samples found frames
 * waiting, and runs empty when less than half did; a need moves the shift only
 * 1/8 beyond where two shifts meet; and two windows have to agree, but for a
 * way towards larger limits, which is gone at once: a NIC that idles loses more
 * than a frame that waits.
 *
 * With bounds that are equal nothing is left to adapt: theirs is the shift.
 *
 * A pure function: equal samples give equal shifts.
 */
#include <linux/minmax.h>
#include <linux/sort.h>
#include <linux/types.h>

#include "tsq_rule.h"

#define PERCORE_TSQ_SLACK_US	50	/* from reclaim to the next doorbell */
#define PERCORE_TSQ_AGREE_LOG	1	/* windows */
#define PERCORE_TSQ_LOG_MOST	6
#define PERCORE_TSQ_CALM	64	/* windows, then all is forgiven */
#define PERCORE_TSQ_EWMA_LOG	3

/* The largest shift whose time is not less than @us */
static u8 percore_tsq_rule_shift_of(u32 us)
{
	u8 shift = 0;

	while (shift < 20 && 1000000U >> (shift + 1) >= us)
		shift++;
	return shift;
}

/* The same, but @now as long as it is not wrong by more than 1/8 */
static u8 percore_tsq_rule_by_need(u32 us, u8 now)
{
	u8 least = percore_tsq_rule_shift_of(us + us / 8);
	u8 most = percore_tsq_rule_shift_of(us - us / 8);

	return now >= least && now <= most ? now :
					     percore_tsq_rule_shift_of(us);
}

static u8 percore_tsq_rule_want_empty(struct percore_tsq_rule *rule, u8 need)
{
	if (rule->shift <= PERCORE_TSQ_STOCK_SHIFT) {
		/* The stock shift was tried in vain */
		if (rule->shift == PERCORE_TSQ_STOCK_SHIFT && rule->loose &&
		    rule->loose_log < PERCORE_TSQ_LOG_MOST)
			rule->loose_log++;
		rule->loose = 0;
		return min_t(u8, need, PERCORE_TSQ_STOCK_SHIFT);
	}
	if (rule->tight_log < PERCORE_TSQ_LOG_MOST)
		rule->tight_log++;
	return PERCORE_TSQ_STOCK_SHIFT;
}

static u8 percore_tsq_rule_want_standing(struct percore_tsq_rule *rule,
					 u8 need)
{
	if (rule->shift >= PERCORE_TSQ_STOCK_SHIFT) {
		rule->loose_log -= !!rule->loose_log;
		rule->loose = 0;
		/* It still stands with what it has */
		return need > PERCORE_TSQ_STOCK_SHIFT ?
		       max_t(u8, need, rule->shift) : PERCORE_TSQ_STOCK_SHIFT;
	}
	rule->loose = min_t(u8, rule->loose + 1, 200);
	return rule->loose >> rule->loose_log > 1 ? PERCORE_TSQ_STOCK_SHIFT :
						   max_t(u8, need, rule->shift);
}

static int percore_tsq_rule_compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

/* Towards larger limits at once; towards smaller ones when windows agree */
static void percore_tsq_rule_move(struct percore_tsq_rule *rule, u8 want)
{
	u8 log = want > PERCORE_TSQ_STOCK_SHIFT ? rule->tight_log : 0;

	rule->agree = want == rule->next ? min_t(u8, rule->agree + 1, 200) : 1;
	rule->next = want;
	if (want < rule->shift || rule->shift < PERCORE_TSQ_STOCK_SHIFT ||
	    rule->agree >> log >> PERCORE_TSQ_AGREE_LOG)
		rule->shift = want;
	if (rule->shift <= PERCORE_TSQ_STOCK_SHIFT)
		rule->tight = 0;
	else if (++rule->tight == PERCORE_TSQ_CALM)
		rule->tight_log = 0;
}

/* The end of a window */
static void percore_tsq_rule_close(struct percore_tsq_rule *rule,
				   const struct percore_tsq_bounds *in)
{
	u32 need;
	u8 want;

	sort(rule->delay_ns, PERCORE_TSQ_WINDOW, sizeof(u32),
	     percore_tsq_rule_compare, NULL);
	rule->quartile_ns = rule->delay_ns[PERCORE_TSQ_WINDOW / 4 - 1];
	rule->p95_ns = rule->delay_ns[PERCORE_TSQ_WINDOW * 95 / 100];
	if (rule->waiting >= PERCORE_TSQ_WINDOW * 7 / 8)
		rule->stands = true;
	else if (rule->waiting < PERCORE_TSQ_WINDOW / 2)
		rule->stands = false;
	rule->n = 0;
	rule->waiting = 0;
	if (rule->stands && rule->shift >= PERCORE_TSQ_STOCK_SHIFT)
		need = rule->quartile_ns / 1000 + PERCORE_TSQ_SLACK_US;
	else
		need = rule->p95_ns / 500 + PERCORE_TSQ_SLACK_US;
	rule->target_us = clamp_t(u32, need, in->min_us, in->max_us);

	if (in->min_us == in->max_us) {
		rule->shift = percore_tsq_rule_shift_of(in->min_us);
		return;
	}
	need = percore_tsq_rule_by_need(rule->target_us, rule->shift);
	want = rule->stands ? percore_tsq_rule_want_standing(rule, need) :
			      percore_tsq_rule_want_empty(rule, need);
	percore_tsq_rule_move(rule, want);
}

/**
 * percore_tsq_rule_init - a queue of which nothing is known
 * @rule: gets the stock shift
 * Context: any.
 */
void percore_tsq_rule_init(struct percore_tsq_rule *rule)
{
	*rule = (struct percore_tsq_rule) {
		.shift = PERCORE_TSQ_STOCK_SHIFT,
		.next = PERCORE_TSQ_STOCK_SHIFT,
	};
}

/**
 * percore_tsq_rule_add - take a sample in
 * @rule: the queue
 * @delay_ns: from a doorbell to the reclaim of what it told of, ns
 * @waiting: frames waited in the qdisc above at that doorbell
 * @in: what the target is kept within
 * Context: any; the caller sees to it that nobody else is here with @rule.
 * Return: whether the shift has changed.
 */
bool percore_tsq_rule_add(struct percore_tsq_rule *rule, u32 delay_ns,
			  bool waiting, const struct percore_tsq_bounds *in)
{
	s64 off = (s64)delay_ns - rule->ewma_ns;
	u8 was = rule->shift;

	rule->ewma_ns += off >= 0 ? off >> PERCORE_TSQ_EWMA_LOG :
				    -(-off >> PERCORE_TSQ_EWMA_LOG);
	rule->delay_ns[rule->n] = delay_ns;
	rule->waiting += waiting;
	if (++rule->n == PERCORE_TSQ_WINDOW)
		percore_tsq_rule_close(rule, in);
	return rule->shift != was;
}
