// SPDX-License-Identifier: GPL-2.0
/*
 * The PTP hardware clock
 *
 * Beside the packet path: clock_gettime() and friends on /dev/ptpN, and what
 * stamp.c needs to tell the time of a timestamp.
 *
 * The device's counter SYSTIM counts nanoseconds of the device's crystal, in
 * 64 bits, and is never told anything else. Time and frequency are ours:
 *
 *      time = ns + (SYSTIM - cycles) * mult / 2^31
 *
 * - A change of frequency is a change of mult, in steps of 0.5 ppb; the
 *   register for it, TIMINCA, has 24 bits and steps of 119 ppb, and a model of
 *   the 82576 has SYSTIM jump when it is written.
 * - Nothing overflows, so that nobody has to look at the clock now and then:
 *   SYSTIM takes 584 years, and the product has 96 bits.
 * - frac is what a division has left over, so that nothing is lost however
 *   often the clock is looked at.
 *
 * A reset, and sleep, stop SYSTIM and clear it. Meanwhile the clock goes on by
 * the system's, and answers as ever, in all but that it then is as exact as
 * that one:
 *
 *             igbp_ptp_hold(): what time is it
 *   running ----------------------------------> held
 *           <----------------------------------
 *             igbp_ptp_start(): SYSTIM anew
 *
 * A device that went without notice is asked no more: then it goes on from when
 * the clock was last looked at.
 *
 * Locking: igbp_ptp.lock guards all of it and the registers. RTNL is not taken,
 * as the core holds locks of its own here that it takes under RTNL elsewhere.
 */
#include <linux/math64.h>
#include <linux/timekeeping.h>

#include "igb_percore.h"

#define IGBP_PTP_SHIFT		31
#define IGBP_PTP_MULT		BIT(IGBP_PTP_SHIFT)	/* nominal frequency */
#define IGBP_PTP_FRAC		(IGBP_PTP_MULT - 1)
#define IGBP_PTP_ADJ_MAX_PPB	500000000	/* so that mult has 32 bits */

static struct igbp_port *igbp_ptp_port(struct ptp_clock_info *info)
{
	return container_of(info, struct igbp_port, ptp.info);
}

/* Return: igbp_ptp_time.mult for a frequency that is off by so much */
static u32 igbp_ptp_mult(long scaled_ppm)
{
	return adjust_by_scaled_ppm(IGBP_PTP_MULT, scaled_ppm);
}

/* Go on to @cycles, which is not before @time->cycles */
static void igbp_ptp_advance(struct igbp_ptp_time *time, u64 cycles)
{
	u64 delta = cycles - time->cycles;
	u32 frac;

	/* The lower bits of the product, whatever became of the upper ones */
	frac = ((u32)delta * time->mult) & IGBP_PTP_FRAC;
	frac += time->frac;
	time->ns += mul_u64_u32_shr(delta, time->mult, IGBP_PTP_SHIFT) +
		    (frac >> IGBP_PTP_SHIFT);
	time->frac = frac & IGBP_PTP_FRAC;
	time->cycles = cycles;
}

/**
 * igbp_ptp_ns - the time at a value of the counter, to come or past
 * @time: the clock
 * @cycles: the counter then
 *
 * Context: any; igbp_ptp.lock held.
 * Return: ns.
 */
u64 igbp_ptp_ns(const struct igbp_ptp_time *time, u64 cycles)
{
	s64 delta = cycles - time->cycles;

	if (delta < 0)
		return time->ns - mul_u64_u32_shr(-delta, time->mult,
						  IGBP_PTP_SHIFT);
	return time->ns + mul_u64_u32_shr(delta, time->mult, IGBP_PTP_SHIFT);
}

/* Reading the lower half latches the upper one */
static u64 igbp_ptp_cycles_read(struct igbp_port *port,
				struct ptp_system_timestamp *sts)
{
	u32 low;

	ptp_read_system_prets(sts);
	low = igbp_rd32(port, IGBP_SYSTIML);
	ptp_read_system_postts(sts);
	return (u64)igbp_rd32(port, IGBP_SYSTIMH) << 32 | low;
}

/* Bring the clock up to now. Return: 0, or -ENODEV when the device is gone */
static int igbp_ptp_update(struct igbp_port *port,
			   struct ptp_system_timestamp *sts)
{
	struct igbp_ptp *ptp = &port->ptp;
	u64 now_ns, cycles;

	lockdep_assert_held(&ptp->lock);
	if (ptp->running) {
		cycles = igbp_ptp_cycles_read(port, sts);
		if (igbp_port_is_absent(port))
			return -ENODEV;
		igbp_ptp_advance(&ptp->time, cycles);
		ptp->boot_ns = ktime_get_boottime_ns();
		return 0;
	}
	ptp_read_system_prets(sts);
	now_ns = ktime_get_boottime_ns();
	ptp_read_system_postts(sts);
	ptp->time.ns += now_ns - ptp->boot_ns;
	ptp->boot_ns = now_ns;
	return test_bit(IGBP_PORT_GONE, &port->flags) ? -ENODEV : 0;
}

/**
 * igbp_ptp_hold - the counter is going to stop; from now on it is not touched
 * @port: port, whose device may be gone
 *
 * Context: process.
 */
void igbp_ptp_hold(struct igbp_port *port)
{
	struct igbp_ptp *ptp = &port->ptp;
	unsigned long irqflags;

	spin_lock_irqsave(&ptp->lock, irqflags);
	igbp_ptp_update(port, NULL);
	ptp->running = false;
	spin_unlock_irqrestore(&ptp->lock, irqflags);
}

/**
 * igbp_ptp_start - let the counter count, and go by it
 * @port: port after a reset
 *
 * Context: process.
 */
void igbp_ptp_start(struct igbp_port *port)
{
	struct igbp_ptp *ptp = &port->ptp;
	unsigned long irqflags;

	spin_lock_irqsave(&ptp->lock, irqflags);
	igbp_wr32(port, IGBP_TIMINCA, IGBP_TIMINCA_NS);
	ptp->time.cycles = igbp_ptp_cycles_read(port, NULL);
	igbp_ptp_update(port, NULL);
	ptp->running = !igbp_port_is_absent(port);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
}

static int igbp_ptp_gettimex(struct ptp_clock_info *info,
			     struct timespec64 *ts,
			     struct ptp_system_timestamp *sts)
{
	struct igbp_port *port = igbp_ptp_port(info);
	struct igbp_ptp *ptp = &port->ptp;
	unsigned long irqflags;
	int err;

	spin_lock_irqsave(&ptp->lock, irqflags);
	err = igbp_ptp_update(port, sts);
	*ts = ns_to_timespec64(ptp->time.ns);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return err;
}

static int igbp_ptp_settime(struct ptp_clock_info *info,
			    const struct timespec64 *ts)
{
	struct igbp_port *port = igbp_ptp_port(info);
	struct igbp_ptp *ptp = &port->ptp;
	unsigned long irqflags;
	int err;

	spin_lock_irqsave(&ptp->lock, irqflags);
	err = igbp_ptp_update(port, NULL);
	if (!err) {
		ptp->time.ns = timespec64_to_ns(ts);
		ptp->time.frac = 0;
	}
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return err;
}

static int igbp_ptp_adjtime(struct ptp_clock_info *info, s64 delta)
{
	struct igbp_port *port = igbp_ptp_port(info);
	struct igbp_ptp *ptp = &port->ptp;
	unsigned long irqflags;
	int err;

	spin_lock_irqsave(&ptp->lock, irqflags);
	err = igbp_ptp_update(port, NULL);
	if (!err)
		ptp->time.ns += delta;
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return err;
}

static int igbp_ptp_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	struct igbp_port *port = igbp_ptp_port(info);
	struct igbp_ptp *ptp = &port->ptp;
	unsigned long irqflags;
	int err;

	spin_lock_irqsave(&ptp->lock, irqflags);
	err = igbp_ptp_update(port, NULL);
	if (!err)
		ptp->time.mult = igbp_ptp_mult(scaled_ppm);
	spin_unlock_irqrestore(&ptp->lock, irqflags);
	return err;
}

/**
 * igbp_ptp_init - prepare a port's clock, with the system's time
 * @port: port
 *
 * Context: process, probe.
 */
void igbp_ptp_init(struct igbp_port *port)
{
	struct igbp_ptp *ptp = &port->ptp;

	spin_lock_init(&ptp->lock);
	ptp->time.mult = IGBP_PTP_MULT;
	ptp->time.ns = ktime_get_real_ns();
	ptp->boot_ns = ktime_get_boottime_ns();
}

/**
 * igbp_ptp_register - show the clock to the world
 * @port: port whose net_device is not registered yet
 *
 * Without a clock the rest of the device works; then nobody is given
 * timestamps.
 *
 * Context: process, probe.
 */
void igbp_ptp_register(struct igbp_port *port)
{
	struct igbp_ptp *ptp = &port->ptp;
	struct ptp_clock *clock;

	ptp->info.owner = THIS_MODULE;
	snprintf(ptp->info.name, sizeof(ptp->info.name), "%pm",
		 port->netdev->dev_addr);
	ptp->info.max_adj = IGBP_PTP_ADJ_MAX_PPB;
	ptp->info.adjfine = igbp_ptp_adjfine;
	ptp->info.adjtime = igbp_ptp_adjtime;
	ptp->info.gettimex64 = igbp_ptp_gettimex;
	ptp->info.settime64 = igbp_ptp_settime;
	ptp->info.do_aux_work = igbp_stamp_work;
	clock = ptp_clock_register(&ptp->info, &port->pdev->dev);
	if (IS_ERR(clock))
		dev_warn(&port->pdev->dev, "no PTP clock: %ld\n",
			 PTR_ERR(clock));
	else
		ptp->clock = clock;
}

/**
 * igbp_ptp_unregister - undo igbp_ptp_register()
 * @port: port whose net_device is unregistered
 *
 * Waits for whoever is in an operation of the clock, and for the work.
 * /dev/ptpN may stay open, and answers -ENODEV.
 *
 * Context: process, may sleep, without RTNL.
 */
void igbp_ptp_unregister(struct igbp_port *port)
{
	if (port->ptp.clock)
		ptp_clock_unregister(port->ptp.clock);
	port->ptp.clock = NULL;
}
