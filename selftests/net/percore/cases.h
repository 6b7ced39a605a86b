/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cases.h - the table of cases: function (its name is the case's name), must
 * its listener be sharded when listen_shard is 1 (YES, or ANY: the kernel may
 * decide), and what it claims
 */
#ifndef CASES_H
#define CASES_H

#define PARITY_CASES \
	CASE(bind_conflict, YES, "a second bind fails as in stock") \
	CASE(bind_conflict_families, YES, "v4, v6 and dual stack conflict as in stock") \
	CASE(bind_after_close, YES, "accepted connections hold the port as in stock") \
	CASE(bind_reuseport_value, YES, "SO_REUSEPORT reads 0 on listener and children") \
	CASE(bind_reuseport_pair, YES, "two SO_REUSEPORT listeners share the connections") \
	CASE(bind_listen_twice, YES, "a failed listen() leaves both sockets usable") \
	CASE(bind_addresses, YES, "listen() without bind, one port on two addresses") \
	CASE(bind_rebind, YES, "a port is free once close() returned") \
	CASE(opts_before_listen, YES, "options set before listen() reach every CPU's children") \
	CASE(opts_after_listen, YES, "options set after listen() reach every CPU's children") \
	CASE(opts_one_by_one, YES, "each option alone, set after listen()") \
	CASE(opts_while_pending, YES, "waiting connections keep the options they were made with") \
	CASE(opts_changed_twice, YES, "options may change again and again") \
	CASE(opts_synack, YES, "the SYN-ACK carries what the listener's options ask for") \
	CASE(opts_congestion, YES, "TCP_CONGESTION of the listener is its children's") \
	CASE(opts_incoming_cpu, YES, "SO_INCOMING_CPU of children is the client's CPU")

#define CASE(fn, sharded, claim) void fn(void);
PARITY_CASES
#undef CASE

#endif /* CASES_H */
