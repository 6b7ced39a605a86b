// SPDX-License-Identifier: GPL-2.0
/*
 * t_tfo.c - TCP Fast Open: the cookie, data in the SYN, the queue's limit
 */
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

static const char *const counters[] = {
	"TCPFastOpenPassive", "TCPFastOpenActive", "TCPFastOpenCookieReqd",
	"TCPFastOpenPassiveFail", "TCPFastOpenActiveFail",
	"TCPFastOpenListenOverflow",
};

enum { NCOUNTERS = sizeof(counters) / sizeof(counters[0]) };

static long start[NCOUNTERS];

static void counters_start(void)
{
	int i;

	for (i = 0; i < NCOUNTERS; i++)
		start[i] = netstat("TcpExt", counters[i]);
}

static void counters_say(void)
{
	int i;

	for (i = 0; i < NCOUNTERS; i++)
		say(counters[i], "%ld",
		    netstat("TcpExt", counters[i]) - start[i]);
}

static int fast_dial(enum family f, int port, int cpu)
{
	struct sockaddr_storage ss;
	socklen_t len = address(f, port, false, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);

	pin(cpu);
	say("sendto", "%zd", sendto(fd, "hello", 5, MSG_FASTOPEN, (void *)&ss,
				    len));
	return fd;
}

static bool in_syn(int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	return ti.tcpi_options & 32;		/* TCPI_OPT_SYN_DATA */
}

static void exchange(enum family f, int lfd, int port, int cpu, int on)
{
	char buf[16] = "";
	int fd, kid;

	fd = fast_dial(f, port, cpu);
	pin(on);
	kid = take(lfd);
	say("child", "%s peer %d", state_of(kid),
	    peer_port(kid) == local_port(fd));
	say("data", "%zd %.5s", recv(kid, buf, sizeof(buf), 0), buf);
	say("in_syn", "client %d child %d", in_syn(fd), in_syn(kid));
	send(kid, "bye", 3, MSG_NOSIGNAL);
	say("answer", "%zd", recv(fd, buf, sizeof(buf), 0));
	close(fd);
	close(kid);
}

static void fast_open(const char *mode, bool option)
{
	int cpu, port, lfd;

	sysctl_need("net.ipv4.tcp_fastopen", mode);
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		if (option)
			set_int(lfd, IPPROTO_TCP, TCP_FASTOPEN, 16);
		say("qlen", "%d", get_int(lfd, IPPROTO_TCP, TCP_FASTOPEN));
		counters_start();
		for (cpu = 0; cpu < ncpu; cpu++)
			exchange(f, lfd, port, cpu, cpu);
		for (cpu = 0; cpu < ncpu; cpu++)
			exchange(f, lfd, port, cpu, 0);
		counters_say();
		check_sharded(lfd);
		close(lfd);
	}
}

/* With a cookie, asked for by the option */
void tfo_cookie(void)
{
	fast_open("0x3", true);
}

/* Every listener has it, by sysctl */
void tfo_every_listener(void)
{
	fast_open("0x403", false);
	fast_open("0x603", false);
}

/* Without cookies on either side */
void tfo_no_cookie(void)
{
	fast_open("0x207", true);
}

/* Not enabled, enabled while it listens, disabled again */
void tfo_toggled(void)
{
	static const int qlens[] = { 0, 8, 0, 8 };
	int cpu, i, port, lfd;

	sysctl_need("net.ipv4.tcp_fastopen", "0x3");
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (i = 0; i < 4; i++) {
			sayr("set", set_int(lfd, IPPROTO_TCP, TCP_FASTOPEN,
					    qlens[i]));
			counters_start();
			for (cpu = 0; cpu < ncpu; cpu++)
				exchange(f, lfd, port, cpu, cpu);
			counters_say();
		}
		check_sharded(lfd);
		close(lfd);
	}
}

/* A key of the listener's own; the client's cookie of another key fails */
void tfo_key(void)
{
	static const char *const keys[] = {
		"0123456789abcdef", "fedcba9876543210"
	};
	int cpu, i, port, lfd;

	sysctl_need("net.ipv4.tcp_fastopen", "0x3");
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		set_int(lfd, IPPROTO_TCP, TCP_FASTOPEN, 8);
		for (i = 0; i < 2; i++) {
			sayr("key", setsockopt(lfd, IPPROTO_TCP,
					       TCP_FASTOPEN_KEY, keys[i], 16));
			counters_start();
			for (cpu = 0; cpu < ncpu; cpu++)
				exchange(f, lfd, port, cpu, cpu);
			counters_say();
		}
		close(lfd);
	}
}

/*
 * Data in SYNs whose SYN-ACKs are lost: no more than TCP_FASTOPEN allows are
 * made children before the handshake is through.
 */
void tfo_queue_limit(void)
{
	int cpu, i, kid, port, lfd;
	char buf[16];

	sysctl_need("net.ipv4.tcp_fastopen", "0x203");
	lo_addr("192.0.2.1");
	lo_route("198.51.100.0", false);
	for (cpu = -1; cpu < ncpu; cpu += ncpu) {
		port = next_port();
		lfd = listener(DUAL, port, 64);
		set_int(lfd, IPPROTO_TCP, TCP_FASTOPEN, 3);
		counters_start();
		for (i = 0; i < 8; i++)
			raw_syn("198.51.100.5", 1000 + i, "192.0.2.1", port,
				cpu < 0 ? i % ncpu : cpu, "data!", 5);
		settle();
		counters_say();
		check_sharded(lfd);
		nonblock(lfd);
		for (i = 0; i < 3; i++) {
			kid = take(lfd);
			say("child", "%s %zd", state_of(kid),
			    recv(kid, buf, sizeof(buf), MSG_DONTWAIT));
			close(kid);
		}
		say("more", "%s", mask_name(poll_mask(lfd, POLLIN, linger_ms)));
		close(lfd);
	}
}

/* Pending ones, acknowledged or not, are reset by close() */
void tfo_pending(void)
{
	int fds[2 * MAX_CPU], i, n, port, lfd;

	sysctl_need("net.ipv4.tcp_fastopen", "0x207");
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		set_int(lfd, IPPROTO_TCP, TCP_FASTOPEN, 16);
		n = 2 * ncpu;
		for (i = 0; i < n; i++)
			fds[i] = fast_dial(f, port, i % ncpu);
		settle();
		say("mask", "%s", mask_name(poll_mask(lfd, POLLIN, WAIT_MS)));
		check_sharded(lfd);
		close(lfd);
		settle();
		say("reset", "%d of %d", count_state(fds, n, "CLOSE"), n);
		close_all(fds, n);
	}
}
