// SPDX-License-Identifier: GPL-2.0
/*
 * t_close.c - the end of a listener, while connections from every CPU wait:
 * each client has been reset when the call returns, and the port is free
 */
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

static int do_close(int fd)
{
	return close(fd);
}

static int do_shut_rd(int fd)
{
	return shutdown(fd, SHUT_RD);
}

static int do_shut_rdwr(int fd)
{
	return shutdown(fd, SHUT_RDWR);
}

static int do_disconnect(int fd)
{
	struct sockaddr sa = { .sa_family = AF_UNSPEC };

	return connect(fd, &sa, sizeof(sa));
}

/* Of a socket that dup() made two of: only the last close ends it */
static int do_dup_close(int fd)
{
	int other = dup(fd);

	close(fd);
	say("after_first_close", "%s", state_of(other));
	return close(other);
}

static const struct ending {
	const char *name;
	int (*call)(int fd);
	bool closes;
} endings[] = {
	{ "close", do_close, true },
	{ "dup_close", do_dup_close, true },
	{ "shut_rd", do_shut_rd, false },
	{ "shut_rdwr", do_shut_rdwr, false },
	{ "disconnect", do_disconnect, false },
};

enum { NENDINGS = sizeof(endings) / sizeof(endings[0]) };

/*
 * So that nothing else of this CPU may run between the call and the look at
 * the clients: what the call left for later is not done yet.
 */
static void run_alone(bool on)
{
	struct sched_param sp = { .sched_priority = on ? 10 : 0 };

	if (sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &sp))
		die("sched_setscheduler");
}

static void show_reset(const int *fds, int n)
{
	char c;
	int i;

	say("read", "%s", res(recv(fds[n - 1], &c, 1, MSG_DONTWAIT)));
	say("write", "%s", res(send(fds[n - 1], "x", 1, MSG_NOSIGNAL)));
	for (i = 0; i < n; i++)
		say("client", "%s mask %s error %s", state_of(fds[i]),
		    mask_name(poll_mask(fds[i], POLLIN | POLLRDHUP, 0)),
		    error_of(fds[i]));
}

static void end_pending(enum family f, const struct ending *e, int per_cpu)
{
	int fds[8 * MAX_CPU], n, ret, reset, port = next_port(), lfd;

	say("by", "%s", e->name);
	lfd = listener(f, port, 64);
	n = dial_all(f, port, per_cpu, fds);
	settle();
	check_sharded(lfd);
	pin(ncpu - 1);
	run_alone(true);
	ret = e->call(lfd);
	reset = count_state(fds, n, "CLOSE");
	run_alone(false);
	sayr("ret", ret);
	say("reset_at_once", "%d of %d", reset, n);
	show_reset(fds, n);
	say("listens", "%d", proc_tcp_count(port, ST_LISTEN));
	if (!e->closes)
		close(lfd);
	close_all(fds, n);
}

void close_pending(void)
{
	unsigned int i;

	for_each_family(f)
		for (i = 0; i < NENDINGS; i++)
			end_pending(f, &endings[i], 1);
	enter("many");
	for (i = 0; i < NENDINGS; i++)
		end_pending(V6, &endings[i], 8);
}

/* Data that waits unread in a connection nobody accepted */
void close_pending_data(void)
{
	int fds[MAX_CPU], i, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		for (i = 0; i < n; i++) {
			say("sent", "%zd", send(fds[i], "hello", 5, 0));
			if (i & 1)
				shutdown(fds[i], SHUT_WR);
		}
		settle();
		check_sharded(lfd);
		pin(0);
		run_alone(true);
		close(lfd);
		n = count_state(fds, n, "CLOSE");
		run_alone(false);
		say("reset", "%d", n);
		show_reset(fds, ncpu);
		close_all(fds, ncpu);
	}
}

/* Half-open requests outlive the listener: their client is refused later */
void close_half_open(void)
{
	int fds[MAX_CPU], i, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
		n = dial_all(f, port, 1, fds);
		settle();
		say("syn_recv", "%d", proc_tcp_count(port, ST_SYN_RECV));
		check_sharded(lfd);
		close(lfd);
		say("established", "%d", count_state(fds, n, "ESTABLISHED"));
		for (i = 0; i < n; i++) {
			pin((i + 1) % ncpu);
			say("send", "%s", res(send(fds[i], "x", 1,
						   MSG_NOSIGNAL)));
		}
		settle();
		for (i = 0; i < n; i++)
			say("client", "%s %s", state_of(fds[i]),
			    error_of(fds[i]));
		close_all(fds, n);
	}
}

/* One whose port is free although children of it are in TIME_WAIT */
static int reusing_listener(enum family f, int port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(f, port, true, &ss);
	int fd = tcp(f, 0);

	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (void *)&ss, len) || listen(fd, 64))
		die("listen");
	return fd;
}

/* The same socket listens again, and works again */
static void listen_again(enum family f, const struct ending *e)
{
	int fds[MAX_CPU], i, kid, n, port = next_port(), lfd, round;
	struct sockaddr_storage ss;

	say("by", "%s", e->name);
	lfd = reusing_listener(f, port);
	for (round = 0; round < 3; round++) {
		n = dial_all(f, port, 1, fds);
		if (round & 1)
			say("accepted", "%d", take_all(lfd, n));
		check_sharded(lfd);
		sayr("end", e->call(lfd));
		say("mask", "%s", mask_name(poll_mask(lfd, -1, 0)));
		sayr("accept", accept(lfd, NULL, NULL));
		say("acceptconn", "%d", get_int(lfd, SOL_SOCKET,
						SO_ACCEPTCONN));
		say("port", "%d", local_port(lfd) == port);
		sayr("connect", dial(f, port, 0));
		close_all(fds, n);
		if (local_port(lfd) != port)
			sayr("bind", bind(lfd, (void *)&ss,
					  address(f, port, true, &ss)));
		sayr("listen", listen(lfd, 64));
	}
	n = dial_all(f, port, 1, fds);
	for (i = 0; i < n; i++) {
		pin(i);
		kid = take(lfd);
		say("works", "%d", ping_pong(fds[i], kid));
		close(kid);
	}
	check_sharded(lfd);
	close_all(fds, n);
	close(lfd);
}

void close_listen_again(void)
{
	unsigned int i;

	for_each_family(f)
		for (i = 0; i < NENDINGS; i++)
			if (!endings[i].closes)
				listen_again(f, &endings[i]);
}

/* SHUT_WR alone leaves a listener listening */
void close_shut_wr(void)
{
	int fds[MAX_CPU], i, kid, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		sayr("shutdown", shutdown(lfd, SHUT_WR));
		say("state", "%s", state_of(lfd));
		say("accepted", "%d", take_all(lfd, n));
		say("mask", "%s", mask_name(poll_mask(lfd, -1, 0)));
		close_all(fds, n);
		n = dial_all(f, port, 1, fds);
		for (i = 0; i < n; i++) {
			pin(i);
			kid = take(lfd);
			say("child", "%s mask %s send %s", state_of(kid),
			    mask_name(poll_mask(kid, -1, 0)),
			    res(send(kid, "x", 1, MSG_NOSIGNAL)));
			close(kid);
		}
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* close() by each CPU in turn, connections each time, then bind at once */
void close_from_each_cpu(void)
{
	int fds[2 * MAX_CPU], cpu, n, port, lfd, reset;

	for_each_family(f) {
		port = next_port();
		for (cpu = 0; cpu < ncpu; cpu++) {
			lfd = listener(f, port, 64);
			n = dial_all(f, port, 2, fds);
			if (!cpu)
				check_sharded(lfd);
			pin(cpu);
			run_alone(true);
			close(lfd);
			reset = count_state(fds, n, "CLOSE");
			run_alone(false);
			say("reset", "%d of %d", reset, n);
			close_all(fds, n);
		}
	}
}

/* Accepted connections do not care for the end of their listener */
void close_keeps_children(void)
{
	int fds[MAX_CPU], kids[MAX_CPU], i, k, n, port, lfd;

	for_each_family(f)
		for (k = 0; k < NENDINGS; k++) {
			port = next_port();
			lfd = listener(f, port, 64);
			n = dial_all(f, port, 1, fds);
			for (i = 0; i < n; i++) {
				pin(i);
				kids[i] = take(lfd);
			}
			check_sharded(lfd);
			endings[k].call(lfd);
			for (i = 0; i < n; i++)
				say(endings[k].name, "%d",
				    ping_pong(fds[i], kids[i]));
			close_all(kids, n);
			close_all(fds, n);
			if (!endings[k].closes)
				close(lfd);
		}
}

/* Listen and end, over and over, with and without connections */
void close_churn(void)
{
	int fds[MAX_CPU], i, k, port, lfd, got = 0;

	for_each_family(f) {
		port = next_port();
		for (i = 0; i < 40; i++) {
			lfd = reusing_listener(f, port);
			if (i % 3 == 1) {
				fds[0] = dial(f, port, i % ncpu);
				got += take_all(lfd, 1);
				close(fds[0]);
			}
			if (i % 3 == 2)
				dial_all(f, port, 1, fds);
			if (i == 2)
				check_sharded(lfd);
			endings[i % NENDINGS].call(lfd);
			if (!endings[i % NENDINGS].closes)
				close(lfd);
			for (k = 0; i % 3 == 2 && k < ncpu; k++)
				close(fds[k]);
		}
		say("accepted", "%d", got);
	}
}
