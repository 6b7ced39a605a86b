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
#include <net/sock.h>

#include "tsq_rule.h"

DECLARE_EVENT_CLASS(percore_listener,
		    TP_PROTO(const struct sock *sk),
		    TP_ARGS(sk),
		    TP_STRUCT__entry(__field(const void *, skaddr)
				     __field(u16, family)
				     __field(u16, port)
		    ),
		    TP_fast_assign(__entry->skaddr = sk;
				   __entry->family = sk->sk_family;
				   __entry->port = sk->sk_num;
		    ),
		    TP_printk("skaddr=%p family=%u port=%u", __entry->skaddr,
			      __entry->family, __entry->port)
);

/* A listening socket has shards from now on. */
DEFINE_EVENT(percore_listener, percore_attach,
	     TP_PROTO(const struct sock *sk),
	     TP_ARGS(sk)
);

/* It has none any more; what waited is in its own queue. */
DEFINE_EVENT(percore_listener, percore_detach,
	     TP_PROTO(const struct sock *sk),
	     TP_ARGS(sk)
);

/* Connections that a core kept for its own worker are anybody's now. */
TRACE_EVENT(percore_spill,
	    TP_PROTO(const struct sock *sk, unsigned int cpu, u32 connections),
	    TP_ARGS(sk, cpu, connections),
	    TP_STRUCT__entry(__field(const void *, skaddr)
			     __field(u32, cpu)
			     __field(u32, connections)
			     __field(u16, port)
	    ),
	    TP_fast_assign(__entry->skaddr = sk;
			   __entry->cpu = cpu;
			   __entry->connections = connections;
			   __entry->port = sk->sk_num;
	    ),
	    TP_printk("skaddr=%p port=%u cpu=%u connections=%u",
		      __entry->skaddr, __entry->port, __entry->cpu,
		      __entry->connections)
);

/* A core accepts a connection that came to another. */
TRACE_EVENT(percore_steal,
	    TP_PROTO(const struct sock *sk, unsigned int cpu, int from),
	    TP_ARGS(sk, cpu, from),
	    TP_STRUCT__entry(__field(const void *, skaddr)
			     __field(u32, cpu)
			     __field(s32, from)
			     __field(u16, port)
	    ),
	    TP_fast_assign(__entry->skaddr = sk;
			   __entry->cpu = cpu;
			   __entry->from = from;
			   __entry->port = sk->sk_num;
	    ),
	    TP_printk("skaddr=%p port=%u cpu=%u from=%d", __entry->skaddr,
		      __entry->port, __entry->cpu, __entry->from)
);

/* A setting of a steered NIC was not as planned, and is set again. */
TRACE_EVENT(percore_drift,
	    TP_PROTO(const struct net_device *dev, const char *setting,
		     u32 index),
	    TP_ARGS(dev, setting, index),
	    TP_STRUCT__entry(__string(name, dev->name)
			     __string(setting, setting)
			     __field(int, ifindex)
			     __field(u32, index)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __assign_str(setting);
			   __entry->ifindex = dev->ifindex;
			   __entry->index = index;
	    ),
	    TP_printk("dev=%s ifindex=%d setting=%s index=%u",
		      __get_str(name), __entry->ifindex, __get_str(setting),
		      __entry->index)
);

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
