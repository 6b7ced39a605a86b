// SPDX-License-Identifier: GPL-2.0
/*
 * t_opts.c - what is set on the listener is what children of every CPU have,
 * whether it was set before listen(), after it, or while connections waited
 */
#include <linux/tcp.h>
#include <stdio.h>
#include <sys/time.h>

#include "parity.h"
#include "cases.h"

struct option {
	const char *name;
	int level, opt;
	enum { INT, STRING, PAIR } type;
	int value[2];		/* PAIR: struct linger, struct timeval */
	const char *string;
	bool v6only, v4only;
};

#define NUM(n)		.type = INT, .value = { n }
#define SOCK(o, ...)	{ .name = #o, .level = SOL_SOCKET, .opt = o, \
			  __VA_ARGS__ }
#define TCP(o, ...)	{ .name = #o, .level = IPPROTO_TCP, .opt = o, \
			  __VA_ARGS__ }
#define IP4(o, ...)	{ .name = #o, .level = IPPROTO_IP, .opt = o, \
			  .v4only = true, __VA_ARGS__ }
#define IP6(o, ...)	{ .name = #o, .level = IPPROTO_IPV6, .opt = o, \
			  .v6only = true, __VA_ARGS__ }

static const struct option options[] = {
	SOCK(SO_KEEPALIVE, NUM(1)),
	SOCK(SO_RCVBUF, NUM(20000)),
	SOCK(SO_SNDBUF, NUM(30000)),
	SOCK(SO_MARK, NUM(77)),
	SOCK(SO_PRIORITY, NUM(4)),
	SOCK(SO_LINGER, .type = PAIR, .value = { 1, 9 }),
	SOCK(SO_RCVLOWAT, NUM(3)),
	SOCK(SO_RCVTIMEO, .type = PAIR, .value = { 3, 0 }),
	SOCK(SO_SNDTIMEO, .type = PAIR, .value = { 4, 0 }),
	SOCK(SO_OOBINLINE, NUM(1)),
	SOCK(SO_DONTROUTE, NUM(1)),
	SOCK(SO_TIMESTAMP, NUM(1)),
	SOCK(SO_RXQ_OVFL, NUM(1)),
	SOCK(SO_REUSEADDR, NUM(1)),
	SOCK(SO_ZEROCOPY, NUM(1)),
	SOCK(SO_MAX_PACING_RATE, NUM(123456)),
	SOCK(SO_BINDTODEVICE, .type = STRING, .string = "lo"),
	TCP(TCP_KEEPIDLE, NUM(111)),
	TCP(TCP_KEEPINTVL, NUM(22)),
	TCP(TCP_KEEPCNT, NUM(3)),
	TCP(TCP_NODELAY, NUM(1)),
	TCP(TCP_MAXSEG, NUM(700)),
	TCP(TCP_CONGESTION, .type = STRING, .string = "reno"),
	TCP(TCP_USER_TIMEOUT, NUM(5432)),
	TCP(TCP_WINDOW_CLAMP, NUM(9000)),
	TCP(TCP_QUICKACK, NUM(0)),
	TCP(TCP_SYNCNT, NUM(4)),
	TCP(TCP_LINGER2, NUM(7)),
	TCP(TCP_NOTSENT_LOWAT, NUM(4096)),
	TCP(TCP_SAVE_SYN, NUM(1)),
	TCP(TCP_THIN_LINEAR_TIMEOUTS, NUM(1)),
	IP4(IP_TOS, NUM(0x28)),
	IP4(IP_TTL, NUM(33)),
	IP4(IP_MTU_DISCOVER, NUM(0)),
	IP4(IP_RECVTOS, NUM(1)),
	IP4(IP_MINTTL, NUM(5)),
	IP4(IP_FREEBIND, NUM(1)),
	IP6(IPV6_TCLASS, NUM(0x28)),
	IP6(IPV6_UNICAST_HOPS, NUM(33)),
	IP6(IPV6_RECVTCLASS, NUM(1)),
	IP6(IPV6_MTU_DISCOVER, NUM(0)),
	IP6(IPV6_AUTOFLOWLABEL, NUM(0)),
	IP6(IPV6_MINHOPCOUNT, NUM(5)),
};

enum { NOPTIONS = sizeof(options) / sizeof(options[0]) };

static bool fits(const struct option *o, enum family f)
{
	return f == V4 ? !o->v6only : f == V6 ? !o->v4only : true;
}

static int set_option(int fd, const struct option *o)
{
	struct timeval tv = { o->value[0], o->value[1] };

	if (o->type == STRING)
		return setsockopt(fd, o->level, o->opt, o->string,
				  strlen(o->string) + 1);
	if (o->opt == SO_RCVTIMEO || o->opt == SO_SNDTIMEO)
		return setsockopt(fd, o->level, o->opt, &tv, sizeof(tv));
	return setsockopt(fd, o->level, o->opt, o->value,
			  o->type == PAIR ? 8 : 4);
}

static const char *get_option(int fd, const struct option *o)
{
	static char text[64];
	long long raw[4] = { 0 };
	int *v = (int *)raw;
	socklen_t len = sizeof(raw);

	if (getsockopt(fd, o->level, o->opt, raw, &len))
		return res(-1);
	if (o->type == STRING)
		snprintf(text, sizeof(text), "%.16s", (char *)raw);
	else if (len == sizeof(struct timeval))
		snprintf(text, sizeof(text), "%lld.%lld", raw[0], raw[1]);
	else if (o->type == PAIR)
		snprintf(text, sizeof(text), "%d,%d", v[0], v[1]);
	else
		snprintf(text, sizeof(text), "%d", v[0]);
	return text;
}

/* All options at once, in the table's order: some look at others */
static void set_all(int fd, enum family f)
{
	int i;

	for (i = 0; i < NOPTIONS; i++)
		if (fits(&options[i], f))
			say("set", "%s %s", options[i].name,
			    res(set_option(fd, &options[i])));
}

static void show_all(const char *who, int fd, enum family f)
{
	int i;

	for (i = 0; i < NOPTIONS; i++)
		if (fits(&options[i], f))
			say(who, "%s %s", options[i].name,
			    get_option(fd, &options[i]));
}

/* What the SYN-ACK told the client */
static void show_client(int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	say("client", "%s mss %u wscale %u options %#x", state_of(fd),
	    ti.tcpi_snd_mss, ti.tcpi_snd_wscale, ti.tcpi_options);
}

static void show_children(int lfd, enum family f, const int *fds, int n)
{
	char who[32];
	int i, kid;

	for (i = 0; i < n; i++) {
		show_client(fds[i]);
		pin(i % ncpu);
		kid = take(lfd);
		if (kid < 0)
			die("accept");
		snprintf(who, sizeof(who), "child%d", i);
		say(who, "matched %d", port_owner(peer_port(kid), fds, n) >= 0);
		show_all(who, kid, f);
		close(kid);
	}
}

void opts_before_listen(void)
{
	int fds[MAX_CPU], n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = bound(f, port);
		set_all(lfd, f);
		if (listen(lfd, 64))
			die("listen");
		show_all("listener", lfd, f);
		n = dial_all(f, port, 1, fds);
		show_children(lfd, f, fds, n);
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* After every CPU has had a connection: its shard exists and must follow */
void opts_after_listen(void)
{
	int fds[MAX_CPU], n, port, lfd, round;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		show_children(lfd, f, fds, n);
		close_all(fds, n);
		set_all(lfd, f);
		show_all("listener", lfd, f);
		for (round = 0; round < 2; round++) {
			n = dial_all(f, port, 1, fds);
			show_children(lfd, f, fds, n);
			close_all(fds, n);
		}
		check_sharded(lfd);
		close(lfd);
	}
}

/* One option alone after listen, so that none hides behind another's effect */
void opts_one_by_one(void)
{
	int fds[MAX_CPU], i, k, n, port, kid, lfd;

	for (i = 0; i < NOPTIONS; i++) {
		enum family f = options[i].v6only ? V6 : V4;

		enter(options[i].name);
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		say("accepted", "%d", take_all(lfd, n));
		close_all(fds, n);
		sayr("set", set_option(lfd, &options[i]));
		n = dial_all(f, port, 1, fds);
		for (k = 0; k < n; k++) {
			pin(k);
			kid = take(lfd);
			say("child", "%s", get_option(kid, &options[i]));
			show_client(fds[k]);
			close(kid);
		}
		if (!i)
			check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* Connections that wait while the options change keep the old ones */
void opts_while_pending(void)
{
	int fds[2 * MAX_CPU], n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		settle();
		set_all(lfd, f);
		say("mask", "%s", mask_name(poll_mask(lfd, EPOLLIN, WAIT_MS)));
		show_children(lfd, f, fds, n);
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* Set, changed, and changed back between rounds of connections */
void opts_changed_twice(void)
{
	static const int values[] = { 100, 200, 300, 100 };
	int fds[MAX_CPU], i, k, n, kid, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (i = 0; i < 4; i++) {
			set_int(lfd, IPPROTO_TCP, TCP_KEEPIDLE, values[i]);
			set_int(lfd, SOL_SOCKET, SO_KEEPALIVE, i & 1);
			set_int(lfd, IPPROTO_TCP, TCP_MAXSEG, 4 * values[i]);
			n = dial_all(f, port, 1, fds);
			for (k = 0; k < n; k++) {
				show_client(fds[k]);
				kid = take(lfd);
				say("child", "%d %d",
				    get_int(kid, IPPROTO_TCP, TCP_KEEPIDLE),
				    get_int(kid, SOL_SOCKET, SO_KEEPALIVE));
				close(kid);
			}
			close_all(fds, n);
		}
		check_sharded(lfd);
		close(lfd);
	}
}

/* The SYN-ACK itself: TOS, TTL, window, MSS, window scale */
void opts_synack(void)
{
	int fds[MAX_CPU], i, k, n, port, lfd, sniffer;
	char synack[256], key[16];

	for_each_family(f) {
		port = next_port();
		sniffer = sniff_open(f);
		lfd = listener(f, port, 64);
		for (i = 0; i < 3; i++) {
			n = dial_all(f, port, 1, fds);
			snprintf(key, sizeof(key), "phase%d", i);
			for (k = 0; k < n; k++) {
				sniff_synack(sniffer, f, port, synack,
					     sizeof(synack));
				say(key, "cpu%d %s", k, synack);
			}
			take_all(lfd, n);
			close_all(fds, n);
			set_int(lfd, SOL_SOCKET, SO_RCVBUF, 8000 * (i + 1));
			set_int(lfd, IPPROTO_TCP, TCP_MAXSEG, 600 + i);
			set_int(lfd, IPPROTO_TCP, TCP_WINDOW_CLAMP,
				5000 + 1000 * i);
			set_int(lfd, IPPROTO_IP, IP_TOS, 0x20 + 8 * i);
			set_int(lfd, IPPROTO_IP, IP_TTL, 40 + i);
			if (f != V4) {
				set_int(lfd, IPPROTO_IPV6, IPV6_TCLASS, 8 * i);
				set_int(lfd, IPPROTO_IPV6, IPV6_UNICAST_HOPS,
					50 + i);
			}
		}
		check_sharded(lfd);
		close(lfd);
		close(sniffer);
	}
}

/* Congestion control of the listener: ECN and the child's default go by it */
void opts_congestion(void)
{
	static const char *const names[] = { "reno", "cubic", "reno", "nosuch" };
	int fds[MAX_CPU], i, k, n, port, kid, lfd;
	char name[16];
	socklen_t len;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (i = 0; i < 4; i++) {
			sayr(names[i], setsockopt(lfd, IPPROTO_TCP,
						  TCP_CONGESTION, names[i],
						  strlen(names[i])));
			n = dial_all(f, port, 1, fds);
			for (k = 0; k < n; k++) {
				kid = take(lfd);
				len = sizeof(name);
				getsockopt(kid, IPPROTO_TCP, TCP_CONGESTION,
					   name, &len);
				say("child", "%.16s", name);
				close(kid);
			}
			close_all(fds, n);
		}
		check_sharded(lfd);
		close(lfd);
	}
}

/* SO_INCOMING_CPU set on a listener prefers it; read, it tells the CPU */
void opts_incoming_cpu(void)
{
	int fds[MAX_CPU], i, n, port, kid, lfd, cpu;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (i = 0; i < 2; i++) {
			n = dial_all(f, port, 1, fds);
			while (n-- > 0) {
				kid = take(lfd);
				cpu = get_int(kid, SOL_SOCKET, SO_INCOMING_CPU);
				say("of_client", "%d", cpu ==
				    port_owner(peer_port(kid), fds, ncpu));
				close(kid);
			}
			close_all(fds, ncpu);
			sayr("set", set_int(lfd, SOL_SOCKET, SO_INCOMING_CPU,
					    0));
			say("get", "%d", get_int(lfd, SOL_SOCKET,
						 SO_INCOMING_CPU));
		}
		check_sharded(lfd);
		close(lfd);
	}
}
