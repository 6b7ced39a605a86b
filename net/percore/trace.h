/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - tracepoints of percore; their fields are stable
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM percore

#if !defined(_NET_PERCORE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NET_PERCORE_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

#include "tsq_rule.h"

/* The sockets of a transmit queue get another pacing shift. */
TRACE_EVENT(percore_tsq,
	    TP_PROTO(const struct net_device *dev, unsigned int queue, u8 old,
		     const struct percore_tsq_rule *rule),
	    TP_ARGS(dev, queue, old, rule),
	    TP_STRUCT__entry(__string(name, dev->name)
			     __field(int, ifindex)
			     __field(u32, queue)
			     __field(u32, delay_ewma_ns)
			     __field(u32, delay_p95_ns)
			     __field(u32, target_us)
			     __field(u8, stands)
			     __field(u8, old_shift)
			     __field(u8, shift)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->ifindex = dev->ifindex;
			   __entry->queue = queue;
			   __entry->delay_ewma_ns = rule->ewma_ns;
			   __entry->delay_p95_ns = rule->p95_ns;
			   __entry->target_us = rule->target_us;
			   __entry->stands = rule->stands;
			   __entry->old_shift = old;
			   __entry->shift = rule->shift;
	    ),
	    TP_printk("dev=%s ifindex=%d queue=%u delay_ewma_ns=%u delay_p95_ns=%u target_us=%u stands=%u old_shift=%u shift=%u",
		      __get_str(name), __entry->ifindex, __entry->queue,
		      __entry->delay_ewma_ns, __entry->delay_p95_ns,
		      __entry->target_us, __entry->stands, __entry->old_shift,
		      __entry->shift)
);

#endif /* _NET_PERCORE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
