// SPDX-License-Identifier: GPL-2.0
/*
 * t_backlog.c - how many connections wait, half-open or complete, and what
 * becomes of those beyond: the limit of listen() is exact whichever CPUs the
 * SYNs came on
 */
#include <netinet/tcp.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

static long overflows, drops;

static void counters_start(void)
{
	overflows = netstat("TcpExt", "ListenOverflows");
	drops = netstat("TcpExt", "ListenDrops");
}

static void counters_say(void)
{
	say("ListenOverflows", "%ld",
	    netstat("TcpExt", "ListenOverflows") - overflows);
	say("ListenDrops", "%ld", netstat("TcpExt", "ListenDrops") - drops);
}

/* Closes the clients that got nowhere; how many are left, in front */
static int keep_established(int *fds, int n)
{
	int i, kept = 0;

	for (i = 0; i < n; i++) {
		if (strcmp(state_of(fds[i]), "ESTABLISHED"))
			close(fds[i]);
		else
			fds[kept++] = fds[i];
	}
	return kept;
}

/*
 * Accepts @n; how many of them belong to a client, each once. With @alone,
 * there must be no further one either.
 */
static int take_matched(int lfd, const int *fds, int n, bool alone)
{
	bool seen[MAX_CONN] = { false };
	int kid, who, matched = 0;

	nonblock(lfd);
	while (matched < n) {
		kid = take(lfd);
		if (kid < 0)
			break;
		who = port_owner(peer_port(kid), fds, n);
		close(kid);
		if (who < 0 || seen[who])
			return -1;
		seen[who] = true;
		matched++;
	}
	if (alone)
		sleep_ms(linger_ms);
	if (alone && accept(lfd, NULL, NULL) >= 0)
		return -2;
	return matched;
}

/* @n attempts at once, from one CPU or from all in turn */
static int attempt(enum family f, int port, int n, int cpu, int *fds)
{
	int i;

	for (i = 0; i < n; i++)
		fds[i] = dial_nb(f, port, cpu < 0 ? i % ncpu : cpu);
	settle_on(cpu);
	return n;
}

/* False if it took so long that SYNs may have been sent again */
static bool exact_once(enum family f, int backlog, int cpu, const char *key)
{
	int fds[MAX_CONN], n, kept, done, waiting, port = next_port(), lfd;
	long long start = now_ms();
	bool all = cpu < 0, fast;

	lfd = listener(f, port, backlog);
	counters_start();
	n = attempt(f, port, backlog + 10, cpu, fds);
	done = count_state(fds, n, "ESTABLISHED");
	waiting = count_state(fds, n, "SYN_SENT");
	overflows = netstat("TcpExt", "ListenOverflows") - overflows;
	drops = netstat("TcpExt", "ListenDrops") - drops;
	fast = now_ms() - start < 900;
	if (fast) {
		say(key, "established %d, syn_sent %d", done, waiting);
		say(key, "ListenOverflows %ld, ListenDrops %ld", overflows,
		    drops);
		if (all)
			check_sharded(lfd);
		kept = keep_established(fds, n);
		say(key, "accepted %d", take_matched(lfd, fds, kept,
						     all && backlog == 16));
		n = kept;
	}
	close_all(fds, n);
	close(lfd);
	return fast;
}

static void exact(enum family f, int backlog, int cpu)
{
	char key[48];

	snprintf(key, sizeof(key), "listen_%d_%s", backlog,
		 cpu < 0 ? "all_cpus" : cpu ? "last_cpu" : "first_cpu");
	while (!exact_once(f, backlog, cpu, key))
		;
}

void backlog_exact(void)
{
	static const int backlogs[] = { 0, 1, 5, 16 };
	unsigned int i;

	for_each_family(f)
		for (i = 0; i < 4; i++) {
			exact(f, backlogs[i], 0);
			exact(f, backlogs[i], ncpu - 1);
			exact(f, backlogs[i], -1);
		}
}

void backlog_exact_128(void)
{
	exact(V4, 128, 0);
	exact(V6, 128, -1);
}

/* The whole backlog is any CPU's, after another one used and freed it */
void backlog_moves(void)
{
	int fds[64], n, kept, cpu, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 16);
		for (cpu = 0; cpu < 2 * ncpu; cpu++) {
			n = attempt(f, port, 24, cpu % ncpu, fds);
			kept = keep_established(fds, n);
			say("established", "%d", kept);
			pin((cpu + 1) % ncpu);
			say("accepted", "%d",
			    take_matched(lfd, fds, kept, false));
			close_all(fds, kept);
		}
		check_sharded(lfd);
		close(lfd);
	}
}

/* Each accept makes room for exactly one, whoever made the others wait */
void backlog_one_by_one(void)
{
	int fds[8], extra[2], i, port, lfd, left;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 7);
		attempt(f, port, 8, -1, fds);
		for (i = 0; i < 2 * ncpu; i++) {
			pin(i % ncpu);
			close(take(lfd));
			attempt(f, port, 2, (i + 1) % ncpu, extra);
			say("established", "%d",
			    count_state(extra, 2, "ESTABLISHED"));
			left = keep_established(extra, 2);
			close_all(extra, left);
		}
		check_sharded(lfd);
		close_all(fds, 8);
		close(lfd);
	}
}

/* listen() again, with more and with less */
void backlog_changed(void)
{
	static const int backlogs[] = { 10, 22, 4, -1, 8 };
	int fds[MAX_CONN], i, n, kept = 0, port, lfd;

	sysctl_need("net.core.somaxconn", "30");
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 1);
		for (kept = i = 0; i < 5; i++) {
			sayr("listen", listen(lfd, backlogs[i]));
			n = attempt(f, port, 20, -1, fds + kept);
			kept += keep_established(fds + kept, n);
			say("waiting", "%d after listen(%d)", kept,
			    backlogs[i]);
		}
		check_sharded(lfd);
		say("accepted", "%d", take_matched(lfd, fds, kept, true));
		close_all(fds, kept);
		n = attempt(f, port, 20, -1, fds);
		kept = keep_established(fds, n);
		say("waiting", "%d at last", kept);
		close_all(fds, kept);
		close(lfd);
	}
}

/* somaxconn cuts when listen() is called, and only then */
void backlog_somaxconn(void)
{
	int fds[32], n, kept, port, lfd;

	for_each_family(f) {
		port = next_port();
		sysctl_need("net.core.somaxconn", "7");
		lfd = listener(f, port, 100);
		sysctl_need("net.core.somaxconn", "4096");
		n = attempt(f, port, 20, -1, fds);
		kept = keep_established(fds, n);
		say("waiting", "%d", kept);
		check_sharded(lfd);
		close_all(fds, kept);
		close(lfd);
	}
}

struct crowd {
	enum family f;
	int port, n;
	int fds[64];
};

static void crowd_dial(void *arg)
{
	struct crowd *c = arg;
	int i;

	for (i = 0; i < c->n; i++)
		c->fds[i] = dial_nb(c->f, c->port, -1);
}

/*
 * All CPUs at once. Stock looks before it adds, so each further CPU may add
 * one more; what did not get in is reset, thanks to tcp_abort_on_overflow.
 */
void backlog_crowd(void)
{
	struct crowd crowd[MAX_CPU];
	struct task task[MAX_CPU];
	int fds[MAX_CONN], i, n, port, lfd, kept;

	sysctl_need("net.ipv4.tcp_abort_on_overflow", "1");
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 16);
		for (i = 0; i < ncpu; i++) {
			crowd[i] = (struct crowd){ f, port, 40, { 0 } };
			task_start(&task[i], crowd_dial, &crowd[i], i);
		}
		for (n = i = 0; i < ncpu; i++) {
			task_join(&task[i]);
			memcpy(fds + n, crowd[i].fds, 40 * sizeof(int));
			n += 40;
		}
		settle();
		kept = keep_established(fds, n);
		say("not_fewer", "%d", kept >= 17);
		say("not_more", "%d", kept <= 17 + ncpu - 1);
		check_sharded(lfd);
		say("all_accepted", "%d",
		    take_matched(lfd, fds, kept, true) == kept);
		close_all(fds, kept);
		close(lfd);
	}
}

/*
 * The queue fills while requests are half-open: TCP_DEFER_ACCEPT holds them
 * until the client sends. Their last ACK then overflows.
 */
static void overflow_ack(enum family f, bool abort)
{
	int fds[16 + MAX_CPU], i, n, port, lfd;

	sysctl_need("net.ipv4.tcp_abort_on_overflow", abort ? "1" : "0");
	port = next_port();
	lfd = listener(f, port, 15);
	set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
	n = dial_all(f, port, 1, fds + 16);
	counters_start();
	for (i = 0; i < 16; i++) {
		fds[i] = dial(f, port, i % ncpu);
		send(fds[i], "x", 1, MSG_NOSIGNAL);
	}
	settle();
	say("full_mask", "%s", mask_name(poll_mask(lfd, EPOLLIN, WAIT_MS)));
	for (i = 0; i < n; i++) {
		pin((i + 1) % ncpu);
		send(fds[16 + i], "x", 1, MSG_NOSIGNAL);
	}
	settle();
	say("overflows", "%d", netstat("TcpExt", "ListenOverflows") -
	    overflows >= n);
	say("late", "%d established", count_state(fds + 16, n, "ESTABLISHED"));
	say("late", "%s", error_of(fds[16]));
	check_sharded(lfd);
	/* Those that were dropped come again, and there is room then */
	say("accepted", "%d",
	    take_matched(lfd, fds, 16 + (abort ? 0 : n), true));
	close_all(fds, 16 + n);
	close(lfd);
}

void backlog_overflow_ack(void)
{
	for_each_family(f) {
		overflow_ack(f, false);
		overflow_ack(f, true);
	}
}

/* SYNs from nowhere: the SYN-ACK is lost, the request stays half-open */
static void flood(int port, int n, int cpu)
{
	int i;

	for (i = 0; i < n; i++)
		raw_syn("198.51.100.5", 1000 + i, "192.0.2.1", port,
			cpu < 0 ? i % ncpu : cpu, NULL, 0);
	settle_on(cpu);
}

static void half_open(int backlog, int n, int cpu)
{
	long full = netstat("TcpExt", "TCPReqQFullDrop");
	int port = next_port(), lfd, fd;

	say("listen", "%d, %d SYNs, %s", backlog, n,
	    cpu < 0 ? "all CPUs" : "one CPU");
	lfd = bound(DUAL, port);
	if (listen(lfd, backlog))
		die("listen");
	counters_start();
	flood(port, n, cpu);
	say("syn_recv", "%d", proc_tcp_count(port, ST_SYN_RECV));
	say("TCPReqQFullDrop", "%ld",
	    netstat("TcpExt", "TCPReqQFullDrop") - full);
	counters_say();
	fd = dial_nb(V4, port, 0);
	settle();
	say("client", "%s", state_of(fd));
	say("mask", "%s", mask_name(poll_mask(lfd, EPOLLIN, 0)));
	if (cpu < 0)
		check_sharded(lfd);
	close(fd);
	close(lfd);
}

/* Without cookies: by listen(), and by three quarters of tcp_max_syn_backlog */
void backlog_half_open(void)
{
	int i;

	sysctl_need("net.ipv4.tcp_syncookies", "0");
	lo_addr("192.0.2.1");
	lo_route("198.51.100.0", false);
	for (i = -1; i < 1; i++) {
		half_open(0, 5, i);
		half_open(1, 6, i);
		half_open(5, 12, i);
		half_open(16, 40, i);
	}
	sysctl_need("net.ipv4.tcp_max_syn_backlog", "64");
	half_open(1000, 90, -1);
	half_open(1000, 90, 0);
}

/* With cookies: the flood is answered by them, and clients get in */
void backlog_half_open_cookies(void)
{
	long sent = netstat("TcpExt", "SyncookiesSent");
	long recv = netstat("TcpExt", "SyncookiesRecv");
	int fds[MAX_CPU], i, n, port = next_port(), lfd;

	sysctl_need("net.ipv4.tcp_syncookies", "1");
	lo_addr("192.0.2.1");
	lo_route("198.51.100.0", false);
	lfd = listener(DUAL, port, 16);
	flood(port, 40, -1);
	say("syn_recv", "%d", proc_tcp_count(port, ST_SYN_RECV));
	say("sent", "%ld", netstat("TcpExt", "SyncookiesSent") - sent);
	n = dial_all(V4, port, 1, fds);
	say("sent", "%ld", netstat("TcpExt", "SyncookiesSent") - sent);
	say("recv", "%ld", netstat("TcpExt", "SyncookiesRecv") - recv);
	for (i = 0; i < n; i++)
		say("state", "%s", state_of(fds[i]));
	check_sharded(lfd);
	say("accepted", "%d", take_matched(lfd, fds, n, true));
	close_all(fds, n);
	close(lfd);
}
