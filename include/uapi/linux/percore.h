/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * percore.h - generic netlink family "percore"
 *
 * Every request answers for the network namespace of the socket that sent it.
 */
#ifndef _UAPI_LINUX_PERCORE_H
#define _UAPI_LINUX_PERCORE_H

#define PERCORE_FAMILY_NAME	"percore"
#define PERCORE_FAMILY_VERSION	1

/* Multicast group of PERCORE_CMD_EVENT */
#define PERCORE_MCGRP_EVENTS	"events"

/**
 * enum percore_cmd - requests
 * @PERCORE_CMD_STATUS_GET: do; answers with PERCORE_A_STATUS_*
 * @PERCORE_CMD_LISTENER_GET: dump; one message of PERCORE_A_LISTENER_* for
 *	each sharded listener of the namespace
 * @PERCORE_CMD_PORT_GET: dump; one message of PERCORE_A_PORT_* for each NIC
 *	port that percore is attached to and whose interface is in the namespace
 * @PERCORE_CMD_PLAN_GET: dump; one message of PERCORE_A_PLAN_* for each receive
 *	queue of each NIC of the namespace, or of that of PERCORE_A_PLAN_IFINDEX
 * @PERCORE_CMD_PLAN_APPLY: do; applies the plan of the NIC of
 *	PERCORE_A_PLAN_IFINDEX, all of it or nothing, and keeps it. Needs
 *	CAP_NET_ADMIN in the initial user namespace, as interrupts are the
 *	machine's
 * @PERCORE_CMD_PLAN_REVERT: do; puts back what was there before. The same
 * @PERCORE_CMD_LISTENER_SET: do; whether a listening socket is to have shards,
 *	PERCORE_A_LISTENER_SHARD, until it stops listening: one of the sender's,
 *	PERCORE_A_LISTENER_FD, or all at PERCORE_A_LISTENER_PORT, which needs
 *	CAP_NET_ADMIN in the user namespace of the network namespace
 * @PERCORE_CMD_TSQ_GET: dump; one message of PERCORE_A_TSQ_* for each transmit
 *	queue in use of each NIC of the namespace
 * @PERCORE_CMD_EVENT: to the group PERCORE_MCGRP_EVENTS; PERCORE_A_EVENT_* of
 *	what changed in the namespace
 * @__PERCORE_CMD_MAX: one more than the last
 * @PERCORE_CMD_MAX: the last
 */
enum percore_cmd {
	PERCORE_CMD_STATUS_GET = 1,
	PERCORE_CMD_LISTENER_GET,
	PERCORE_CMD_PORT_GET,
	PERCORE_CMD_PLAN_GET,
	PERCORE_CMD_PLAN_APPLY,
	PERCORE_CMD_PLAN_REVERT,
	PERCORE_CMD_LISTENER_SET,
	PERCORE_CMD_TSQ_GET,
	PERCORE_CMD_EVENT,

	__PERCORE_CMD_MAX,
	PERCORE_CMD_MAX = __PERCORE_CMD_MAX - 1
};

/**
 * enum percore_shard_wish - is a listening socket to have shards?
 * @PERCORE_SHARD_WISH_DEFAULT: as the sysctls say
 * @PERCORE_SHARD_WISH_ON: yes, whatever they say
 * @PERCORE_SHARD_WISH_OFF: no, whatever they say
 */
enum percore_shard_wish {
	PERCORE_SHARD_WISH_DEFAULT,
	PERCORE_SHARD_WISH_ON,
	PERCORE_SHARD_WISH_OFF,
};

/**
 * enum percore_event - what an event tells of
 * @PERCORE_EVENT_ATTACH: a listening socket has got shards
 * @PERCORE_EVENT_DETACH: it has none any more
 * @PERCORE_EVENT_STEER: the plan of a NIC is in force
 * @PERCORE_EVENT_REVERT: it is no longer
 * @PERCORE_EVENT_DRIFT: a setting was not as planned, and is set again
 * @PERCORE_EVENT_TSQ: sockets of a transmit queue get another pacing shift
 */
enum percore_event {
	PERCORE_EVENT_ATTACH,
	PERCORE_EVENT_DETACH,
	PERCORE_EVENT_STEER,
	PERCORE_EVENT_REVERT,
	PERCORE_EVENT_DRIFT,
	PERCORE_EVENT_TSQ,
};

enum percore_attr_status {
	PERCORE_A_STATUS_UNSPEC,
	PERCORE_A_STATUS_VERSION,	/* string: version of the module */
	PERCORE_A_STATUS_LISTEN_SHARD,	/* u32: the sysctl */
	PERCORE_A_STATUS_LISTEN_STEAL_US,/* u32: the sysctl */
	PERCORE_A_STATUS_LISTENERS,	/* u32: sharded listeners */
	PERCORE_A_STATUS_PORTS,		/* u32: NIC ports attached */
	PERCORE_A_STATUS_CPUS,		/* u32: online CPUs */
	PERCORE_A_STATUS_PAD,
	PERCORE_A_STATUS_TSQ_SOCKETS,	/* u32: with a pacing shift of ours */
	PERCORE_A_STATUS_CONNECTS_PLACED,/* u64: by connect_local, to a core */
	PERCORE_A_STATUS_CONNECTS_LEFT,	/* u64: the kernel chose their port */
	PERCORE_A_STATUS_CONNECTS_LOST,	/* u64: failed, port bound meanwhile */
	PERCORE_A_STATUS_ATTACHED,	/* u64: listeners that got shards */
	PERCORE_A_STATUS_DETACHED,	/* u64: those that lost them */
	PERCORE_A_STATUS_SYNS,		/* u64: to all sharded listeners */
	PERCORE_A_STATUS_ACCEPTS_LOCAL,	/* u64: on the connection's core */
	PERCORE_A_STATUS_ACCEPTS_STOLEN,/* u64: on another */
	PERCORE_A_STATUS_SPILLED,	/* u64: given up by their core */
	PERCORE_A_STATUS_HEALED,	/* u64: settings that drifted */
	PERCORE_A_STATUS_TSQ_CHANGES,	/* u64: of a queue's pacing shift */

	__PERCORE_A_STATUS_MAX,
	PERCORE_A_STATUS_MAX = __PERCORE_A_STATUS_MAX - 1
};

enum percore_attr_listener {
	PERCORE_A_LISTENER_UNSPEC,
	PERCORE_A_LISTENER_FAMILY,	/* u16: AF_INET or AF_INET6 */
	PERCORE_A_LISTENER_ADDR,	/* 4 or 16 bytes, network order */
	PERCORE_A_LISTENER_PORT,	/* u16, host order */
	PERCORE_A_LISTENER_V6ONLY,	/* flag: IPV6_V6ONLY is set */
	PERCORE_A_LISTENER_INODE,	/* u64: of the socket, as in ss -e */
	PERCORE_A_LISTENER_BACKLOG,	/* u32: connections ready to accept */
	PERCORE_A_LISTENER_BACKLOG_MAX,	/* u32: limit set by listen() */
	PERCORE_A_LISTENER_CORE,	/* nested, repeated: PERCORE_A_CORE_* */
	PERCORE_A_LISTENER_FD,		/* u32: descriptor, in requests */
	PERCORE_A_LISTENER_SHARD,	/* u32: enum percore_shard_wish */
	PERCORE_A_LISTENER_PAD,

	__PERCORE_A_LISTENER_MAX,
	PERCORE_A_LISTENER_MAX = __PERCORE_A_LISTENER_MAX - 1
};

enum percore_attr_core {
	PERCORE_A_CORE_UNSPEC,
	PERCORE_A_CORE_CPU,		/* u32 */
	PERCORE_A_CORE_SYNS,		/* u64: SYNs this core took */
	PERCORE_A_CORE_ACCEPTS_LOCAL,	/* u64: accepted here, of this core */
	PERCORE_A_CORE_ACCEPTS_STOLEN,	/* u64: accepted here, of other cores */
	PERCORE_A_CORE_DEPTH,		/* u32: waiting in its shard now */
	PERCORE_A_CORE_PAD,

	__PERCORE_A_CORE_MAX,
	PERCORE_A_CORE_MAX = __PERCORE_A_CORE_MAX - 1
};

enum percore_attr_port {
	PERCORE_A_PORT_UNSPEC,
	PERCORE_A_PORT_IFINDEX,		/* u32 */
	PERCORE_A_PORT_IFNAME,		/* string */
	PERCORE_A_PORT_QUEUE,	/* nested, repeated: PERCORE_A_QUEUE_* */
	PERCORE_A_PORT_PAD,

	__PERCORE_A_PORT_MAX,
	PERCORE_A_PORT_MAX = __PERCORE_A_PORT_MAX - 1
};

enum percore_attr_queue {
	PERCORE_A_QUEUE_UNSPEC,
	PERCORE_A_QUEUE_ID,		/* u32 */
	PERCORE_A_QUEUE_IRQ,		/* u32: Linux interrupt number */
	PERCORE_A_QUEUE_CPU,	/* u32: CPU the driver keeps the pair on */
	PERCORE_A_QUEUE_NAPI_ID,	/* u32: absent while the port is down */
	PERCORE_A_QUEUE_PAD,

	__PERCORE_A_QUEUE_MAX,
	PERCORE_A_QUEUE_MAX = __PERCORE_A_QUEUE_MAX - 1
};

/* What is absent is not the plan's to set. Lists of CPUs are as in sysfs. */
enum percore_attr_plan {
	PERCORE_A_PLAN_UNSPEC,
	PERCORE_A_PLAN_IFINDEX,		/* u32 */
	PERCORE_A_PLAN_IFNAME,		/* string */
	PERCORE_A_PLAN_STEERED,		/* flag: the plan is in force */
	PERCORE_A_PLAN_HEALED,		/* u64: settings set again */
	PERCORE_A_PLAN_ERROR,	/* u32: errno of the last attempt, if any */
	PERCORE_A_PLAN_QUEUES,		/* u32: receive queues */
	PERCORE_A_PLAN_RETA_SIZE,	/* u32: of the indirection table */
	PERCORE_A_PLAN_QUEUE,		/* u32: index of this queue */
	PERCORE_A_PLAN_CPU,		/* u32: the CPU that it belongs to */
	PERCORE_A_PLAN_WHY,		/* string: why, and what follows */
	PERCORE_A_PLAN_RX_IRQ,		/* u32: its interrupt */
	PERCORE_A_PLAN_TX_IRQ,		/* u32: that for what was sent */
	PERCORE_A_PLAN_IRQ_NOTE,	/* string: why there is none */
	PERCORE_A_PLAN_NAPI_ID,		/* u32: if its driver tells */
	PERCORE_A_PLAN_CPUS,		/* string: CPUs that it serves */
	PERCORE_A_PLAN_XPS,		/* string: CPUs to transmit on it */
	PERCORE_A_PLAN_RPS,		/* string: CPUs to hand packets to */
	PERCORE_A_PLAN_FLOWS,		/* u32: entries of its flow table */
	PERCORE_A_PLAN_RETA,	/* u32: entries that are to point to it */
	PERCORE_A_PLAN_PAD,

	__PERCORE_A_PLAN_MAX,
	PERCORE_A_PLAN_MAX = __PERCORE_A_PLAN_MAX - 1
};

/* What is absent is not known: there were too few samples. */
enum percore_attr_tsq {
	PERCORE_A_TSQ_UNSPEC,
	PERCORE_A_TSQ_IFINDEX,		/* u32 */
	PERCORE_A_TSQ_IFNAME,		/* string */
	PERCORE_A_TSQ_QUEUE,		/* u32: index of the transmit queue */
	PERCORE_A_TSQ_SOURCE,		/* string: none, bql, driver, blind */
	PERCORE_A_TSQ_SAMPLES,		/* u64: delays measured */
	PERCORE_A_TSQ_DELAY_EWMA_NS,	/* u32: doorbell to reclaim, average */
	PERCORE_A_TSQ_DELAY_P95_NS,	/* u32: the same, 95th percentile */
	PERCORE_A_TSQ_TARGET_US,	/* u32: what the NIC needs */
	PERCORE_A_TSQ_STANDS,	/* flag: frames wait above it nearly always */
	PERCORE_A_TSQ_SHIFT,		/* u32: pacing shift of its sockets */
	PERCORE_A_TSQ_CHANGES,		/* u64: times that it changed */
	PERCORE_A_TSQ_PAD,

	__PERCORE_A_TSQ_MAX,
	PERCORE_A_TSQ_MAX = __PERCORE_A_TSQ_MAX - 1
};

/* What is absent does not belong to that event. */
enum percore_attr_event {
	PERCORE_A_EVENT_UNSPEC,
	PERCORE_A_EVENT_WHAT,		/* u32: enum percore_event */
	PERCORE_A_EVENT_LISTENER,	/* nested: PERCORE_A_LISTENER_* */
	PERCORE_A_EVENT_IFINDEX,	/* u32 */
	PERCORE_A_EVENT_IFNAME,		/* string */
	PERCORE_A_EVENT_SETTING,	/* string: irq, xps, rps, flows, reta */
	PERCORE_A_EVENT_INDEX,		/* u32: of the setting or queue */
	PERCORE_A_EVENT_SHIFT,		/* u32: pacing shift of its sockets */

	__PERCORE_A_EVENT_MAX,
	PERCORE_A_EVENT_MAX = __PERCORE_A_EVENT_MAX - 1
};

#endif /* _UAPI_LINUX_PERCORE_H */
