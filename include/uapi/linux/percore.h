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

/**
 * enum percore_cmd - requests
 * @PERCORE_CMD_STATUS_GET: do; answers with PERCORE_A_STATUS_*
 * @PERCORE_CMD_LISTENER_GET: dump; one message of PERCORE_A_LISTENER_* for
 *	each sharded listener of the namespace
 * @PERCORE_CMD_PORT_GET: dump; one message of PERCORE_A_PORT_* for each NIC
 *	port that percore is attached to and whose interface is in the namespace
 * @__PERCORE_CMD_MAX: one more than the last
 * @PERCORE_CMD_MAX: the last
 */
enum percore_cmd {
	PERCORE_CMD_STATUS_GET = 1,
	PERCORE_CMD_LISTENER_GET,
	PERCORE_CMD_PORT_GET,

	__PERCORE_CMD_MAX,
	PERCORE_CMD_MAX = __PERCORE_CMD_MAX - 1
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

#endif /* _UAPI_LINUX_PERCORE_H */
