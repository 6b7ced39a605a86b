// SPDX-License-Identifier: GPL-2.0
/*
 * t_diag.c - what tools and the socket itself tell of a listener
 */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

/* State, Recv-Q and Send-Q of every listener on the port */
static void show_ss(const char *key, int port)
{
	char out[1024], *line, *save, state[16];
	int recv_q, send_q;

	say(key, "rc %d", tool(out, sizeof(out), "exec ss -Hltn 'sport = :%d'",
			       port));
	for (line = strtok_r(out, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%15s %d %d", state, &recv_q, &send_q) == 3)
			say(key, "%s %d %d", state, recv_q, send_q);
}

void diag_ss(void)
{
	int fds[3 * MAX_CPU], i, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 3, fds);
		settle();
		show_ss("pending", port);
		check_sharded(lfd);
		for (i = 0; i < n; i++) {
			pin(i % ncpu);
			close(take(lfd));
			if (i == ncpu)
				show_ss("accepted", port);
		}
		listen(lfd, 17);
		show_ss("drained", port);
		close_all(fds, n);
		close(lfd);
	}
}

static void show_info(const char *key, int lfd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	sayr(key, getsockopt(lfd, IPPROTO_TCP, TCP_INFO, &ti, &len));
	say(key, "state %d waiting %u backlog %u", ti.tcpi_state,
	    ti.tcpi_unacked, ti.tcpi_sacked);
	say(key, "lost %u retrans %u segs_in %u segs_out %u bytes %llu",
	    ti.tcpi_lost, ti.tcpi_retrans, ti.tcpi_segs_in, ti.tcpi_segs_out,
	    (unsigned long long)ti.tcpi_bytes_received);
}

/* TCP_INFO: tcpi_unacked is the queue, tcpi_sacked its limit */
void diag_tcp_info(void)
{
	int fds[3 * MAX_CPU], cpu, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		show_info("empty", lfd);
		n = dial_all(f, port, 3, fds);
		settle();
		for (cpu = 0; cpu < ncpu; cpu++) {
			pin(cpu);
			show_info("pending", lfd);
			close(take(lfd));
		}
		check_sharded(lfd);
		say("accepted", "%d", take_all(lfd, n - ncpu));
		listen(lfd, 7);
		show_info("drained", lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* /proc/net/tcp: one LISTEN entry, its queue, nothing left at the end */
void diag_proc(void)
{
	unsigned int tx, rx, st, timer;
	int fds[2 * MAX_CPU], n, port, lfd;
	char line[512];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 2, fds);
		settle();
		say("listeners", "%d", proc_tcp_line(port, ST_LISTEN, line,
						     sizeof(line)));
		sscanf(line, " %*d: %*s %*s %x %x:%x %x", &st, &tx, &rx,
		       &timer);
		say("entry", "state %x tx %u rx %u timer %u", st, tx, rx,
		    timer);
		say("established", "%d", proc_tcp_count(port, 1));
		check_sharded(lfd);
		close(lfd);
		close_all(fds, n);
		settle();
		say("left", "%d", proc_tcp_count(port, ST_LISTEN) +
		    proc_tcp_count(port, 1));
	}
}

/* ss -K of a listener that has sleepers and connections waiting */
static void wait_poll(void *arg)
{
	int *lfd = arg;

	poll_mask(*lfd, 0, 2 * WAIT_MS);
}

void diag_ss_kill(void)
{
	int fds[2 * MAX_CPU], n, port, lfd;
	struct task t;
	char out[512];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 2, fds);
		settle();
		check_sharded(lfd);
		task_start(&t, wait_poll, &lfd, ncpu - 1);
		task_wait_blocked(&t);
		if (tool(out, sizeof(out), "exec ss -HKltn 'sport = :%d' 2>&1",
			 port))
			skip("ss -K: %s", strtok(out, "\n"));
		say("killed", "%s", strtok(out, " \n"));
		task_join(&t);
		say("state", "%s", state_of(lfd));
		say("error", "%s", error_of(lfd));
		say("mask", "%s", mask_name(poll_mask(lfd, -1, 0)));
		sayr("accept", accept(lfd, NULL, NULL));
		settle();
		say("reset", "%d of %d", count_state(fds, n, "CLOSE"), n);
		sayr("connect", dial(f, port, 0));
		close_all(fds, n);
		close(lfd);
	}
}

static void wait_accept(void *arg)
{
	int *v = arg;

	v[1] = accept(v[0], NULL, NULL) < 0 ? errno : 0;
}

/* A sleeper in accept() is woken by it */
void diag_ss_kill_accept(void)
{
	struct task t;
	int cpu, fd, port, v[2];
	char out[512];

	for_each_family(f)
		for (cpu = 0; cpu < ncpu; cpu++) {
			port = next_port();
			v[0] = listener(f, port, 30);
			fd = dial(f, port, cpu);
			close(take(v[0]));
			task_start(&t, wait_accept, v, cpu);
			task_wait_blocked(&t);
			tool(out, sizeof(out), "exec ss -HKltn 'sport = :%d' 2>&1",
			     port);
			task_join(&t);
			say("accept", "%s", strerrorname_np(v[1]));
			close(fd);
			close(v[0]);
		}
}

/* A connection that is killed while it waits is accepted, dead */
void diag_ss_kill_waiting(void)
{
	int fds[2 * MAX_CPU], i, n, kid, port, lfd;
	char out[4096];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 2, fds);
		settle();
		say("rc", "%d", tool(out, sizeof(out), "exec ss -HKtn state "
				     "established 'sport = :%d' 2>&1", port));
		say("established", "%d", count_state(fds, n, "ESTABLISHED"));
		check_sharded(lfd);
		for (i = 0; i < n; i++) {
			kid = take(lfd);
			say("child", "%s peer %d", state_of(kid),
			    peer_port(kid));
			close(kid);
		}
		close_all(fds, n);
		close(lfd);
	}
}

static void show_sockets(const char *key)
{
	say(key, "TCP inuse %ld tw %ld, TCP6 inuse %ld",
	    sockstat("TCP", "inuse"), sockstat("TCP", "tw"),
	    sockstat("TCP6", "inuse"));
}

/* Sockets of the namespace while a listener works and after it */
void diag_sockstat(void)
{
	long alloc = sockstat("TCP", "alloc"), orphan = sockstat("TCP", "orphan");
	int fds[4 * MAX_CPU], n, port, lfd;

	for_each_family(f) {
		port = next_port();
		show_sockets("start");
		lfd = listener(f, port, 30);
		show_sockets("listening");
		n = dial_all(f, port, 4, fds);
		settle();
		show_sockets("pending");
		say("accepted", "%d", take_all(lfd, n / 2));
		check_sharded(lfd);
		close(lfd);
		close_all(fds, n);
		settle();
		show_sockets("closed");
	}
	enter("end");
	/* These count the sockets of all namespaces */
	for (n = 0; n < 100 && (sockstat("TCP", "alloc") > alloc ||
				sockstat("TCP", "orphan") > orphan); n++)
		sleep_ms(50);
	say("alloc", "%s", sockstat("TCP", "alloc") <= alloc ? "as before" :
	    "more");
	say("orphan", "%s", sockstat("TCP", "orphan") <= orphan ? "as before" :
	    "more");
}

/* Counters that every handshake moves */
void diag_counters(void)
{
	static const char *const names[] = {
		"Tcp ActiveOpens", "Tcp PassiveOpens", "Tcp AttemptFails",
		"Tcp EstabResets", "Tcp CurrEstab", "Tcp OutRsts",
		"Tcp InErrs", "TcpExt ListenDrops", "TcpExt ListenOverflows",
		"TcpExt TCPTimeouts", "TcpExt TCPAbortOnClose",
		"TcpExt TCPReqQFullDrop", "TcpExt EmbryonicRsts",
		"TcpExt TCPACKSkippedSynRecv", "TcpExt TCPBacklogDrop",
	};
	enum { N = sizeof(names) / sizeof(names[0]) };
	int fds[2 * MAX_CPU], i, n, port, lfd;
	const char *name;
	char group[16];
	long was[N];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		for (i = 0; i < N; i++) {
			sscanf(names[i], "%15s", group);
			name = strchr(names[i], ' ') + 1;
			was[i] = netstat(group, name);
		}
		n = dial_all(f, port, 2, fds);
		say("accepted", "%d", take_all(lfd, ncpu));
		check_sharded(lfd);
		close(lfd);
		close_all(fds, n);
		settle();
		for (i = 0; i < N; i++) {
			sscanf(names[i], "%15s", group);
			name = strchr(names[i], ' ') + 1;
			say(name, "%ld", netstat(group, name) - was[i]);
		}
	}
}

/*
 * Destroy events of sock_diag without a peer: one for the listener, one for
 * each connection that it reset, none for shards.
 */
void diag_destroy_events(void)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	int fds[2 * MAX_CPU], nlfd, n, port, lfd, alone, kids;
	char buf[8192];
	ssize_t len;

	for_each_family(f) {
		nlfd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
		nl.nl_groups = 1 << (SKNLGRP_INET_TCP_DESTROY - 1) |
			1 << (SKNLGRP_INET6_TCP_DESTROY - 1);
		if (nlfd < 0 || bind(nlfd, (void *)&nl, sizeof(nl)))
			skip("NETLINK_SOCK_DIAG: %s", res(-1));
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 2, fds);
		say("accepted", "%d", take_all(lfd, ncpu));
		check_sharded(lfd);
		close_all(fds, n);
		settle();
		close(lfd);
		for (alone = kids = 0;
		     poll_mask(nlfd, POLLIN, 5 * linger_ms); ) {
			struct inet_diag_msg *m = NLMSG_DATA((void *)buf);

			len = recv(nlfd, buf, sizeof(buf), 0);
			if (len < (ssize_t)NLMSG_LENGTH(sizeof(*m)) ||
			    ntohs(m->id.idiag_sport) != port)
				continue;
			if (m->id.idiag_dport)
				kids++;
			else
				alone++;
		}
		say("without_peer", "%d", alone);
		say("not_too_many_children", "%d", kids <= n);
		close(nlfd);
	}
}
