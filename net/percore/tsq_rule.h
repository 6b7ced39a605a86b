/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tsq_rule.h - from measured delays of a transmit queue to a pacing shift
 *
 * tsq_rule.c knows nothing of a kernel: selftests/net/percore/tsq_rule.c builds
 * it as a program.
 */
#ifndef _NET_PERCORE_TSQ_RULE_H
#define _NET_PERCORE_TSQ_RULE_H

#include <linux/limits.h>
#include <linux/types.h>

#define PERCORE_TSQ_STOCK_SHIFT		10	/* of the kernel: 977 us */
#define PERCORE_TSQ_WINDOW		32	/* samples */

/* Range of the bounds, and so shifts from 4 to 14 */
#define PERCORE_TSQ_US_LEAST		50
#define PERCORE_TSQ_US_MOST		32000

/**
 * struct percore_tsq_bounds - what a target is kept within
 * @min_us: net.percore.tsq_min_us
 * @max_us: net.percore.tsq_max_us, not less
 */
struct percore_tsq_bounds {
	u32 min_us;
	u32 max_us;
};

/**
 * struct percore_tsq_rule - a transmit queue
 * @shift: result: what its sockets are to have
 * @stands: result: frames wait above it nearly always
 * @target_us: result: what the NIC needs to stay busy
 * @quartile_ns: lower quartile of the delays of the last window
 * @p95_ns: result: their 95th percentile
 * @ewma_ns: result: moving average of the delays
 * @next: shift that the last window asked for
 * @agree: windows in a row that asked for it
 * @loose: windows in a row that stood with less than the stock shift
 * @loose_log: after how many, as a logarithm, the stock shift is tried
 * @tight: windows in a row with more than the stock shift
 * @tight_log: how many have to agree to that, as a logarithm
 * @n: samples in this window
 * @waiting: of them, those with frames waiting above
 * @delay_ns: the delays of this window
 */
struct percore_tsq_rule {
	u8 shift;
	bool stands;
	u32 target_us;
	u32 quartile_ns;
	u32 p95_ns;
	u32 ewma_ns;

	u8 next;
	u8 agree;
	u8 loose;
	u8 loose_log;
	u8 tight;
	u8 tight_log;
	u8 n;
	u8 waiting;
	u32 delay_ns[PERCORE_TSQ_WINDOW];
};

void percore_tsq_rule_init(struct percore_tsq_rule *rule);
bool percore_tsq_rule_add(struct percore_tsq_rule *rule, u32 delay_ns,
			  bool waiting, const struct percore_tsq_bounds *in);

#endif /* _NET_PERCORE_TSQ_RULE_H */
