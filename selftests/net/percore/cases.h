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
	CASE(opts_incoming_cpu, YES, "SO_INCOMING_CPU of children is the client's CPU") \
	CASE(backlog_exact, YES, "listen(n) lets n + 1 wait, from one CPU and from all") \
	CASE(backlog_exact_128, YES, "the same for a long queue") \
	CASE(backlog_moves, YES, "the whole backlog is any CPU's") \
	CASE(backlog_one_by_one, YES, "an accept makes room for one") \
	CASE(backlog_changed, YES, "listen() again changes the limit") \
	CASE(backlog_somaxconn, YES, "somaxconn cuts the limit") \
	CASE(backlog_crowd, YES, "all CPUs at once do not overrun the limit") \
	CASE(backlog_overflow_ack, YES, "a last ACK that overflows is dropped, or reset if asked") \
	CASE(backlog_half_open, YES, "the limit of half-open requests is exact") \
	CASE(backlog_half_open_cookies, YES, "beyond it cookies are sent and clients get in") \
	CASE(close_pending, YES, "who was not accepted has been reset when the call returns") \
	CASE(close_pending_data, YES, "the same with data that nobody read") \
	CASE(close_half_open, YES, "half-open requests of a closed listener are refused") \
	CASE(close_listen_again, YES, "after shutdown or disconnect the socket listens again") \
	CASE(close_shut_wr, YES, "SHUT_WR leaves a listener as it is") \
	CASE(close_from_each_cpu, YES, "close() on any CPU resets the connections of all") \
	CASE(close_keeps_children, YES, "accepted connections outlive their listener") \
	CASE(close_churn, YES, "listen and close in turn, forty times") \
	CASE(accept_address, YES, "the addresses that accept, getpeername and getsockname give") \
	CASE(accept_arguments, YES, "wrong and odd arguments of accept") \
	CASE(accept_flags, YES, "SOCK_NONBLOCK and SOCK_CLOEXEC of accept4") \
	CASE(accept_empty, YES, "EAGAIN when nothing waits") \
	CASE(accept_at_once, YES, "a complete connection can be accepted on any CPU at once") \
	CASE(accept_poll_at_once, YES, "and poll() tells of it at once") \
	CASE(accept_order, YES, "connections of one CPU come out in order") \
	CASE(accept_blocked, YES, "a sleeper on any CPU is woken by any CPU's connection") \
	CASE(accept_ended, YES, "shutdown and disconnect wake sleepers with EINVAL") \
	CASE(accept_closed, ANY, "close() leaves a sleeper waiting for one connection more") \
	CASE(accept_signal, ANY, "EINTR or restart, as the signal and SO_RCVTIMEO ask") \
	CASE(accept_timeout, YES, "SO_RCVTIMEO of the listener") \
	CASE(accept_emfile, YES, "EMFILE takes no connection away") \
	CASE(share_threads, YES, "threads in accept: each connection is one thread's") \
	CASE(share_fork, YES, "the same for forked children, blocking and polling") \
	CASE(share_parent_closed, ANY, "children keep the listener that their parent closed") \
	CASE(share_dup, YES, "duplicated descriptors are the same listener") \
	CASE(share_scm_rights, YES, "a listener passed to another process works there") \
	CASE(share_in_flight, YES, "and in flight it keeps its connections") \
	CASE(share_exec, YES, "another program serves the inherited descriptor") \
	CASE(share_stopped, YES, "a stopped worker keeps no connection from the others")

#define CASE(fn, sharded, claim) void fn(void);
PARITY_CASES
#undef CASE

#endif /* CASES_H */
