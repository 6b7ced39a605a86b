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
	CASE(accept_one_woken, ANY, "a connection wakes one of two that sleep in accept()") \
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
	CASE(share_stopped, YES, "a stopped worker keeps no connection from the others") \
	CASE(uring_accept, YES, "io_uring accept, submitted before and after the connection") \
	CASE(uring_accept_several, YES, "each of several requests gets one connection") \
	CASE(uring_multishot, YES, "one multishot request gets all connections") \
	CASE(uring_accept_ended, ANY, "shutdown, cancel, close of listener and ring") \
	CASE(uring_poll, YES, "io_uring poll of a listener") \
	CASE(poll_masks, YES, "poll's mask in each state of the socket, on each CPU") \
	CASE(poll_wakes, YES, "poll and select on any CPU are woken by any CPU's connection") \
	CASE(poll_ended, YES, "shutdown and disconnect end poll and select") \
	CASE(poll_closed, ANY, "close() leaves a poll asleep until a connection comes") \
	CASE(poll_signal, ANY, "EINTR of poll and select") \
	CASE(poll_timeout, YES, "a timeout is kept") \
	CASE(poll_several, YES, "several listeners in one poll") \
	CASE(poll_crowd, YES, "many sleepers: each connection is one's") \
	CASE(epoll_level, YES, "level-triggered: an event at every wait until drained") \
	CASE(epoll_edge_drained, YES, "edge-triggered: one event for each connection") \
	CASE(epoll_edge_undrained, YES, "the same when nothing is accepted") \
	CASE(epoll_edge_merged, YES, "connections between two waits are one event") \
	CASE(epoll_oneshot, YES, "one-shot: silent until armed again") \
	CASE(epoll_added_late, YES, "an event for what waits when the listener is added") \
	CASE(epoll_ctl_cases, ANY, "refused requests, removal, the last descriptor") \
	CASE(epoll_shutdown, YES, "shutdown is an event") \
	CASE(epoll_nested, YES, "an epoll in an epoll and in a poll") \
	CASE(epoll_exclusive, YES, "EPOLLEXCLUSIVE: one connection wakes one sleeper") \
	CASE(epoll_herd, YES, "without it each connection is one sleeper's") \
	CASE(epoll_shared, YES, "one epoll for all threads") \
	CASE(epoll_beside_accept, ANY, "who sleeps in accept() gets what one in epoll leaves") \
	CASE(drain_blocking, YES, "one worker in accept serves all CPUs") \
	CASE(drain_poll, YES, "one worker in poll or select") \
	CASE(drain_nonblocking, YES, "one worker that only tries accept") \
	CASE(drain_epoll_level, YES, "one worker in level-triggered epoll") \
	CASE(drain_epoll_edge, YES, "one worker in edge-triggered epoll") \
	CASE(drain_epoll_oneshot, YES, "one worker in one-shot epoll") \
	CASE(drain_epoll_exclusive, YES, "one worker in exclusive epoll") \
	CASE(drain_epoll_nested, YES, "one worker in nested epoll") \
	CASE(drain_epoll_moved, YES, "one worker that moved after it added the listener") \
	CASE(drain_sigio, YES, "one worker that waits for SIGIO") \
	CASE(syn_cookies, YES, "handshakes by cookie") \
	CASE(syn_cookies_pending, YES, "the backlog holds for them, close() resets them") \
	CASE(syn_defer_accept, YES, "TCP_DEFER_ACCEPT: ready when data comes, on any CPU") \
	CASE(syn_defer_accept_late, YES, "and at last without data") \
	CASE(syn_saved, YES, "TCP_SAVE_SYN gives the SYN, once") \
	CASE(syn_md5, YES, "a key set and removed while listening") \
	CASE(syn_sysctls, YES, "the SYN-ACK obeys the namespace's knobs") \
	CASE(syn_again, YES, "a SYN that comes again on another CPU is the same request") \
	CASE(tfo_cookie, YES, "Fast Open with a cookie") \
	CASE(tfo_every_listener, YES, "Fast Open of every listener, by sysctl") \
	CASE(tfo_no_cookie, YES, "Fast Open without cookies") \
	CASE(tfo_toggled, YES, "Fast Open switched while listening") \
	CASE(tfo_key, ANY, "a Fast Open key of the listener") \
	CASE(tfo_queue_limit, YES, "the limit of unfinished Fast Open connections is exact") \
	CASE(tfo_pending, YES, "pending Fast Open connections are reset by close()") \
	CASE(group_cbpf, ANY, "a program chooses the listener of a group by CPU") \
	CASE(group_one_chosen, YES, "and one listener for all CPUs") \
	CASE(group_incoming_cpu, ANY, "SO_INCOMING_CPU chooses the listener of a group") \
	CASE(group_member_closed, YES, "the end of one listener leaves the others alone") \
	CASE(group_migrate, YES, "tcp_migrate_req moves waiting connections") \
	CASE(group_migrate_half_open, YES, "and half-open ones") \
	CASE(group_grows, YES, "listeners join and leave a group") \
	CASE(addr_dual_stack, YES, "one socket for both families") \
	CASE(addr_v6only_pair, YES, "a v6-only socket beside a v4 one") \
	CASE(addr_device, YES, "SO_BINDTODEVICE before, after, wrong, none") \
	CASE(addr_more_special, YES, "the more special listener wins") \
	CASE(addr_freebind, YES, "an address that comes after listen()") \
	CASE(addr_transparent, YES, "IP_TRANSPARENT and routed networks") \
	CASE(addr_ip_options, YES, "IP options of a SYN") \
	CASE(diag_ss, YES, "Recv-Q and Send-Q of ss") \
	CASE(diag_tcp_info, YES, "TCP_INFO of the listener: queue and backlog") \
	CASE(diag_proc, YES, "one entry in /proc/net/tcp") \
	CASE(diag_ss_kill, YES, "ss -K of a listener") \
	CASE(diag_ss_kill_accept, ANY, "ss -K wakes a sleeper in accept") \
	CASE(diag_ss_kill_waiting, YES, "ss -K of a connection that waits") \
	CASE(diag_sockstat, YES, "sockstat while listening and after it") \
	CASE(diag_counters, YES, "the counters that handshakes move") \
	CASE(diag_destroy_events, YES, "sock_diag announces the end of one listener") \
	CASE(self_calls, YES, "calls that a listener refuses") \
	CASE(self_options, YES, "options that show the listener's state") \
	CASE(self_filter, YES, "SO_ATTACH_FILTER of a listener") \
	CASE(self_flags, YES, "O_NONBLOCK switched while connections come") \
	CASE(life_killed, ANY, "SIGKILL of the owner resets what waits") \
	CASE(life_exits, ANY, "so does its end") \
	CASE(life_exec, ANY, "and exec with a close-on-exec listener") \
	CASE(life_one_killed, YES, "a killed worker keeps nothing from the others") \
	CASE(life_netns, ANY, "a namespace ends with connections waiting in it") \
	CASE(life_tls, YES, "kernel TLS on accepted connections") \
	CASE(life_addrform, YES, "a socket that listened is connected, becomes one of IPv4, listens again") \
	CASE(life_linger, ANY, "one that listened and lingers keeps no setting waiting") \
	CASE(life_mptcp, ANY, "a multipath TCP listener")

#define CASE(fn, sharded, claim) void fn(void);
PARITY_CASES
#undef CASE

#endif /* CASES_H */
