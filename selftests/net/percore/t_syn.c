// SPDX-License-Identifier: GPL-2.0
/*
 * t_syn.c - handshakes out of the ordinary: cookies, deferred accept, saved
 * SYNs, keys, ECN. Fast Open is in t_tfo.c.
 */
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

/* Pairs each client with its child, on the client's CPU, and talks */
static int works(int lfd, const int *fds, int n)
{
	int i, kid, ok = 0, who;

	for (i = 0; i < n; i++) {
		pin(i % ncpu);
		kid = take(lfd);
		if (kid < 0)
			break;
		who = port_owner(peer_port(kid), fds, n);
		ok += who >= 0 && ping_pong(fds[who], kid);
		close(kid);
	}
	return ok;
}

static void show_options(const char *key, int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	say(key, "options %#x wscale %d,%d mss %u,%u", ti.tcpi_options,
	    ti.tcpi_snd_wscale, ti.tcpi_rcv_wscale, ti.tcpi_snd_mss,
	    ti.tcpi_advmss);
}

static long cookies(const char *which)
{
	return netstat("TcpExt", which);
}

/* Each handshake by cookie */
void syn_cookies(void)
{
	long sent, received, failed;
	int fds[3 * MAX_CPU], i, n, port, lfd, kid;

	sysctl_need("net.ipv4.tcp_syncookies", "2");
	for_each_family(f) {
		sent = cookies("SyncookiesSent");
		received = cookies("SyncookiesRecv");
		failed = cookies("SyncookiesFailed");
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 3, fds);
		say("works", "%d of %d", works(lfd, fds, n), n);
		say("sent", "%ld", cookies("SyncookiesSent") - sent);
		say("received", "%ld", cookies("SyncookiesRecv") - received);
		close_all(fds, n);
		set_int(lfd, IPPROTO_TCP, TCP_MAXSEG, 900);
		set_int(lfd, IPPROTO_TCP, TCP_KEEPIDLE, 99);
		n = dial_all(f, port, 1, fds);
		for (i = 0; i < n; i++) {
			show_options("client", fds[i]);
			pin(i);
			kid = take(lfd);
			show_options("child", kid);
			say("keepidle", "%d", get_int(kid, IPPROTO_TCP,
						      TCP_KEEPIDLE));
			close(kid);
		}
		say("failed", "%ld", cookies("SyncookiesFailed") - failed);
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* The backlog holds for them too, and close() resets them */
void syn_cookies_pending(void)
{
	int fds[24], i, n, port, lfd;

	sysctl_need("net.ipv4.tcp_syncookies", "2");
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 8);
		for (i = 0; i < 24; i++)
			fds[i] = dial_nb(f, port, i % ncpu);
		settle();
		n = count_state(fds, 24, "ESTABLISHED");
		say("established", "%d", n);
		check_sharded(lfd);
		close(lfd);
		settle();
		say("reset", "%d", count_state(fds, 24, "CLOSE"));
		close_all(fds, 24);
	}
}

/* Not ready until data comes, on whatever CPU that is */
void syn_defer_accept(void)
{
	int fds[MAX_CPU], i, n, kid, port, lfd;
	char c;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
		say("value", "%d", get_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT));
		nonblock(lfd);
		n = dial_all(f, port, 1, fds);
		say("no_data", "%s", mask_name(poll_mask(lfd, POLLIN,
							 linger_ms)));
		sayr("accept", accept(lfd, NULL, NULL));
		for (i = 0; i < n; i++) {
			say("client", "%s", state_of(fds[i]));
			pin((i + 1) % ncpu);
			send(fds[i], "d", 1, MSG_NOSIGNAL);
			kid = take(lfd);
			say("data", "%d %zd", port_owner(peer_port(kid), fds,
							 n),
			    recv(kid, &c, 1, MSG_DONTWAIT));
			close(kid);
		}
		set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
		close_all(fds, n);
		n = dial_all(f, port, 1, fds);
		say("not_deferred", "%d of %d", works(lfd, fds, n), n);
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* After its time a silent connection is handed over all the same */
void syn_defer_accept_late(void)
{
	int fds[MAX_CPU], n, port = next_port(), lfd;

	lfd = listener(DUAL, port, 64);
	set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
	n = dial_all(DUAL, port, 1, fds);
	say("at_once", "%s", mask_name(poll_mask(lfd, POLLIN, linger_ms)));
	say("works", "%d of %d", works(lfd, fds, n), n);
	check_sharded(lfd);
	close_all(fds, n);
	close(lfd);
}

static void show_saved(const char *key, int kid)
{
	unsigned char syn[256];
	socklen_t len = sizeof(syn);
	char text[256] = "none";

	if (getsockopt(kid, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len)) {
		say(key, "%s", res(-1));
		return;
	}
	/* TCP_SAVE_SYN 2 saves the MAC header too */
	if (len)
		describe_syn(syn + (*syn ? 0 : 14), len, text, sizeof(text));
	say(key, "%d bytes: %s", len, text);
}

/* The SYN as it came; it can be read once, and only if it was asked for */
void syn_saved(void)
{
	int fds[MAX_CPU], i, n, kid, port, lfd, mode;
	socklen_t len;
	char key[16], small[4];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (mode = 0; mode < 4; mode++) {
			sayr("set", set_int(lfd, IPPROTO_TCP, TCP_SAVE_SYN,
					    mode % 3));
			n = dial_all(f, port, 1, fds);
			snprintf(key, sizeof(key), "mode%d", mode % 3);
			for (i = 0; i < n; i++) {
				pin(i);
				kid = take(lfd);
				len = sizeof(small);
				sayr("short", getsockopt(
					kid, IPPROTO_TCP, TCP_SAVED_SYN,
					small, &len));
				show_saved(key, kid);
				show_saved("again", kid);
				close(kid);
			}
			close_all(fds, n);
		}
		check_sharded(lfd);
		close(lfd);
	}
}

static int set_key(int fd, enum family f, int port, const char *key)
{
	struct tcp_md5sig md5 = { .tcpm_keylen = strlen(key) };
	struct sockaddr_in6 *a6 = (void *)&md5.tcpm_addr;

	address(f, port, false, (void *)&md5.tcpm_addr);
	if (f == DUAL && get_int(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6) {
		memset(a6, 0, sizeof(*a6));
		a6->sin6_family = AF_INET6;
		a6->sin6_addr.s6_addr[10] = a6->sin6_addr.s6_addr[11] = 0xff;
		a6->sin6_addr.s6_addr[12] = 127;
		a6->sin6_addr.s6_addr[15] = 1;
	}
	memcpy(md5.tcpm_key, key, md5.tcpm_keylen);
	return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof(md5));
}

static int dial_key(enum family f, int port, int cpu, const char *key)
{
	struct sockaddr_storage ss;
	socklen_t len = address(f, port, false, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (*key && set_key(fd, f, port, key))
		die("TCP_MD5SIG of a client");
	pin(cpu);
	connect(fd, (void *)&ss, len);
	settle_on(cpu);
	fcntl(fd, F_SETFL, 0);
	return fd;
}

/* A key on the listener, set while it has shards, and taken off again */
void syn_md5(void)
{
	static const char *const keys[] = { "secret", "wrong", "" };
	int fds[MAX_CPU], cpu, i, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		say("before", "%d of %d", works(lfd, fds, n), n);
		check_sharded(lfd);
		close_all(fds, n);
		if (set_key(lfd, f, 0, "secret"))
			skip("TCP_MD5SIG: %s", res(-1));
		for (i = 0; i < 3; i++)
			for (cpu = 0; cpu < ncpu; cpu++) {
				fds[0] = dial_key(f, port, cpu, keys[i]);
				say("client", "%s %s", keys[i],
				    state_of(fds[0]));
				if (!i)
					say("works", "%d",
					    works(lfd, fds, 1));
				close(fds[0]);
			}
		sayr("remove", set_key(lfd, f, 0, ""));
		n = dial_all(f, port, 1, fds);
		say("after", "%d of %d", works(lfd, fds, n), n);
		close_all(fds, n);
		close(lfd);
	}
}

/* Knobs of the namespace that a SYN-ACK obeys, changed while listening */
void syn_sysctls(void)
{
	static const struct { const char *name, *value, *usual; } knobs[] = {
		{ "net.ipv4.tcp_ecn", "1", "2" },
		{ "net.ipv4.tcp_timestamps", "0", "1" },
		{ "net.ipv4.tcp_sack", "0", "1" },
		{ "net.ipv4.tcp_window_scaling", "0", "1" },
		{ "net.ipv4.tcp_rmem", "4096 20000 40000",
		  "4096 131072 6291456" },
		{ "net.ipv4.ip_default_ttl", "77", "64" },
		{ "net.ipv6.conf.lo.hop_limit", "78", "64" },
	};
	int fds[MAX_CPU], i, k, n, port, lfd, sniffer;
	char synack[256];

	for_each_family(f) {
		port = next_port();
		sniffer = sniff_open(f);
		lfd = listener(f, port, 64);
		for (i = 0; i < 7; i++) {
			sysctl_need(knobs[i].name, knobs[i].value);
			n = dial_all(f, port, 1, fds);
			for (k = 0; k < n; k++) {
				sniff_synack(sniffer, f, port, synack,
					     sizeof(synack));
				say(knobs[i].name, "%s", synack);
			}
			say("works", "%d", works(lfd, fds, n));
			close_all(fds, n);
			sysctl_need(knobs[i].name, knobs[i].usual);
		}
		check_sharded(lfd);
		close(lfd);
		close(sniffer);
	}
}

/* A request whose SYN-ACK was lost: the client's SYN comes again, elsewhere */
void syn_again(void)
{
	int cpu, i, port = next_port(), lfd;

	lo_addr("192.0.2.1");
	lo_route("198.51.100.0", false);
	lfd = listener(DUAL, port, 64);
	for (i = 0; i < 4; i++)
		for (cpu = 0; cpu < ncpu; cpu++)
			raw_syn("198.51.100.5", 1000 + i, "192.0.2.1", port,
				(cpu + i) % ncpu, NULL, 0);
	settle();
	say("syn_recv", "%d", proc_tcp_count(port, ST_SYN_RECV));
	check_sharded(lfd);
	say("mask", "%s", mask_name(poll_mask(lfd, POLLIN, linger_ms)));
	close(lfd);
}
