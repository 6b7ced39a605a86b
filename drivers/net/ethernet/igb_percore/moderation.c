// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt moderation: how long a vector keeps quiet after an interrupt
 *
 * Beside the packet path: irq.c (end of a poll) -> [here] -> EITR. Either the
 * administrator sets a time, or it adapts:
 *
 *             as many out as in, at a low rate
 *      stream <--------------------------------> lockstep
 *      dim chooses from igbp_dim_usecs           none
 *
 * Requests and responses in turn (lockstep) gain nothing from moderation and
 * pay its latency in full. A stream gains fewer interrupts, and dim finds out
 * how far that goes before its throughput suffers.
 *
 * A vector of several pairs has the moderation of the one that leads, which
 * judges by what all of them do.
 *
 * Locking: what dim works on belongs to the owner of the NAPI. The register,
 * and whether the pair adapts at all, are under mask_lock, so that no choice
 * of dim comes after one of the administrator.
 */
#include "igb_percore.h"

/* A queue that takes its interrupts faster than 64 in so many us is busy
 * rather than waiting.
 */
#define IGBP_LOCKSTEP_US	1000
#define IGBP_DIM_STREAM		1	/* profile that a stream starts with */

/* Moderation that dim chooses from for a stream, us. None is not among them:
 * a packet that comes after a pause interrupts at once in any case.
 */
static const u16 igbp_dim_usecs[IGBP_DIM_PROFILES] = { 64, 80, 96, 128, 160 };

/**
 * igbp_moderation_set - set the least time between two interrupts of a vector
 * @pair: pair that leads
 * @usecs: us; 0 turns moderation off and no timer runs
 *
 * Context: process.
 */
void igbp_moderation_set(struct igbp_pair *pair, u16 usecs)
{
	unsigned int vector = pair->index + 1;
	u32 eitr = usecs << IGBP_EITR_USECS_SHIFT;

	if (pair->irq_mode == IGBP_IRQ_SHARED)
		vector = 0;
	if (usecs)
		eitr = (eitr & IGBP_EITR_INTERVAL) | IGBP_EITR_CNT_IGNR;
	WRITE_ONCE(pair->usecs, usecs);
	/* That of a pair which the PF does not have meanwhile may be a VF's */
	if (pair->index < igbp_port_pairs_max(pair->port))
		igbp_wr32(pair->port, IGBP_EITR(vector), eitr);
}

/* Set what dim chose, unless the administrator has chosen meanwhile */
static void igbp_moderation_adapt_to(struct igbp_pair *pair, u16 usecs)
{
	unsigned long irqflags;

	spin_lock_irqsave(&pair->mask_lock, irqflags);
	if (pair->adaptive)
		igbp_moderation_set(pair, usecs);
	spin_unlock_irqrestore(&pair->mask_lock, irqflags);
}

/* Start over, with no moderation for lockstep */
static void igbp_moderation_restart(struct igbp_pair *pair, bool lockstep)
{
	pair->lockstep = lockstep;
	pair->dim.state = DIM_START_MEASURE;
	pair->dim.tune_state = DIM_PARKING_ON_TOP;
	pair->dim.steps_left = 0;
	pair->dim.steps_right = 0;
	pair->dim.tired = 0;
	pair->dim.profile_ix = IGBP_DIM_STREAM;
	igbp_moderation_adapt_to(pair, lockstep ? 0 :
				 igbp_dim_usecs[IGBP_DIM_STREAM]);
}

/**
 * igbp_moderation_apply - switch a pair to fixed or adaptive moderation
 * @pair: pair; nothing is done to one that does not lead
 * @adaptive: let dim choose, starting at none
 * @usecs: moderation to use, or 0 if @adaptive
 *
 * Context: process, may sleep, RTNL.
 */
void igbp_moderation_apply(struct igbp_pair *pair, bool adaptive, u16 usecs)
{
	unsigned long irqflags;

	if (pair->lead != pair)
		return;
	/* A poll under way may still ask dim, which comes to nothing */
	spin_lock_irqsave(&pair->mask_lock, irqflags);
	WRITE_ONCE(pair->adaptive, false);
	igbp_moderation_set(pair, adaptive ? 0 : usecs);
	spin_unlock_irqrestore(&pair->mask_lock, irqflags);
	if (!adaptive)
		return;

	cancel_work_sync(&pair->dim.work);
	igbp_moderation_restart(pair, true);
	WRITE_ONCE(pair->adaptive, true);
}

/**
 * igbp_moderation_work - apply the moderation that dim has chosen
 * @work: igbp_pair.dim.work
 *
 * Context: process.
 */
void igbp_moderation_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct igbp_pair *pair = container_of(dim, struct igbp_pair, dim);
	unsigned int ix = min_t(unsigned int, dim->profile_ix,
				IGBP_DIM_PROFILES - 1);

	igbp_moderation_adapt_to(pair, igbp_dim_usecs[ix]);
	dim->state = DIM_START_MEASURE;
}

/* Whether what a pair does waits for answers: as many frames out as in, or
 * more where sending takes no interrupt; and interrupts at no rate that costs
 * more than waiting would.
 */
static bool igbp_moderation_is_lockstep(const struct igbp_pair *pair,
					const struct igbp_adapt *now)
{
	const struct igbp_adapt *was = &pair->adapt;
	u64 rx = now->rx_packets - was->rx_packets;
	u64 tx = now->tx_packets - was->tx_packets;

	if (rx > 2 * tx || (tx > 2 * rx && !READ_ONCE(pair->tx.sync)))
		return false;
	return ktime_us_delta(now->time, was->time) > IGBP_LOCKSTEP_US;
}

/**
 * igbp_moderation_adapt - judge the last IGBP_DIM_EVENTS interrupts
 * @pair: pair that adapts, and thus leads
 *
 * dim is asked for streams only; in lockstep it would try some moderation now
 * and then.
 *
 * Context: softirq or a NAPI thread, owner of the NAPI.
 */
void igbp_moderation_adapt(struct igbp_pair *pair)
{
	u64 bytes = u64_stats_read(&pair->rx.stats.bytes);
	struct igbp_adapt now = {
		.time = ktime_get(),
		.rx_packets = u64_stats_read(&pair->rx.stats.packets),
		.tx_packets = u64_stats_read(&pair->tx.stats.packets),
		.events = pair->dim_events,
	};
	struct dim_sample sample = {};
	const struct igbp_pair *other;
	bool lockstep;

	for (other = pair->next; other; other = other->next) {
		bytes += u64_stats_read(&other->rx.stats.bytes);
		now.rx_packets += u64_stats_read(&other->rx.stats.packets);
		now.tx_packets += u64_stats_read(&other->tx.stats.packets);
	}
	lockstep = igbp_moderation_is_lockstep(pair, &now);
	pair->adapt = now;
	if (lockstep != pair->lockstep) {
		if (READ_ONCE(pair->dim.state) == DIM_APPLY_NEW_PROFILE)
			return;
		igbp_moderation_restart(pair, lockstep);
	}
	if (lockstep)
		return;
	dim_update_sample(now.events, now.rx_packets, bytes, &sample);
	net_dim(&pair->dim, sample);
}
