// SPDX-License-Identifier: GPL-2.0
/*
 * t_bind.c - who may bind and listen beside a listener that has taken SYNs on
 * every CPU
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

enum { REUSEADDR = 1, REUSEPORT = 2 };

static void set_reuse(int fd, int how)
{
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, !!(how & REUSEADDR));
	set_int(fd, SOL_SOCKET, SO_REUSEPORT, !!(how & REUSEPORT));
}

static int reuse_socket(enum family f, int how)
{
	int fd = tcp(f, 0);

	set_reuse(fd, how);
	return fd;
}

/* Second socket: bind, then listen; how far it came */
static const char *try_second(enum family f, int port, int how)
{
	struct sockaddr_storage ss;
	socklen_t len = address(f, port, true, &ss);
	int fd = reuse_socket(f, how);
	static char text[64];

	if (bind(fd, (void *)&ss, len))
		snprintf(text, sizeof(text), "bind %s", res(-1));
	else if (listen(fd, 8))
		snprintf(text, sizeof(text), "listen %s", res(-1));
	else
		snprintf(text, sizeof(text), "listens");
	close(fd);
	return text;
}

struct conflict {
	enum family f;
	int port, how;
};

/* In a process of its own, as another user */
static void try_other_user(void *arg)
{
	struct conflict *c = arg;

	if (setuid(65534))
		die("setuid");
	say("other_user", "%s", try_second(c->f, c->port, c->how));
}

static void conflict(enum family f, int first, int *fds)
{
	struct sockaddr_storage ss;
	struct conflict c = { .f = f, .port = next_port() };
	socklen_t len = address(f, c.port, true, &ss);
	int lfd = reuse_socket(f, first);
	int n, second;
	char key[32];

	if (bind(lfd, (void *)&ss, len) || listen(lfd, 64))
		die("listen");
	n = dial_all(f, c.port, 1, fds);
	for (second = 0; second < 4; second++) {
		snprintf(key, sizeof(key), "how_%d_%d", first, second);
		say(key, "%s", try_second(f, c.port, second));
		c.how = second;
		reap(spawn(try_other_user, &c, -1));
	}
	check_sharded(lfd);
	close_all(fds, n);
	close(lfd);
}

void bind_conflict(void)
{
	int fds[MAX_CPU], first;

	for_each_family(f)
		for (first = 0; first < 4; first++)
			conflict(f, first, fds);
}

/* v4 and v6 wildcards and addresses against each other */
void bind_conflict_families(void)
{
	int port = next_port(), fds[MAX_CPU], n, lfd;

	lfd = listener(DUAL, port, 16);
	n = dial_all(DUAL, port, 1, fds);
	say("v4_under_dual", "%s", try_second(V4, port, 0));
	say("v4_under_dual_reuseaddr", "%s", try_second(V4, port, REUSEADDR));
	say("v6_under_dual", "%s", try_second(V6, port, 0));
	check_sharded(lfd);
	close_all(fds, n);
	close(lfd);

	lfd = listener(V4, port, 16);
	n = dial_all(V4, port, 1, fds);
	say("v6_beside_v4", "%s", try_second(V6, port, 0));
	say("dual_over_v4", "%s", try_second(DUAL, port, 0));
	close_all(fds, n);
	close(lfd);
}

/* A listener gone, its accepted connections left */
void bind_after_close(void)
{
	int fds[MAX_CPU], kids[MAX_CPU], i, n, how, port, lfd;
	struct sockaddr_storage ss;
	char key[32];

	for_each_family(f) {
		for (how = 0; how < 4; how++) {
			port = next_port();
			lfd = reuse_socket(f, how);
			if (bind(lfd, (void *)&ss, address(f, port, true, &ss))
			    || listen(lfd, 16))
				die("listen");
			n = dial_all(f, port, 1, fds);
			for (i = 0; i < n; i++)
				kids[i] = take(lfd);
			check_sharded(lfd);
			close(lfd);
			snprintf(key, sizeof(key), "was_%d", how);
			for (i = 0; i < 4; i++)
				say(key, "now_%d %s", i,
				    try_second(f, port, i));
			close_all(kids, n);
			close_all(fds, n);
		}
	}
}

/* The option is 0 on the listener and on children of every CPU */
void bind_reuseport_value(void)
{
	int fds[MAX_CPU], i, n, fd, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 16);
		n = dial_all(f, port, 1, fds);
		say("listener", "%d", get_int(lfd, SOL_SOCKET, SO_REUSEPORT));
		for (i = 0; i < n; i++) {
			fd = take(lfd);
			say("child", "%d %d",
			    get_int(fd, SOL_SOCKET, SO_REUSEPORT),
			    get_int(fd, SOL_SOCKET, SO_REUSEADDR));
			close(fd);
		}
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* Two listeners by SO_REUSEPORT: each connection reaches one of them */
void bind_reuseport_pair(void)
{
	int fds[4 * MAX_CPU], lfd[2], i, n, got, fd, port;
	struct sockaddr_storage ss;
	socklen_t len;

	for_each_family(f) {
		port = next_port();
		len = address(f, port, true, &ss);
		for (i = 0; i < 2; i++) {
			lfd[i] = reuse_socket(f, REUSEPORT);
			sayr("bind", bind(lfd[i], (void *)&ss, len));
			sayr("listen", listen(lfd[i], 64));
			nonblock(lfd[i]);
		}
		n = dial_all(f, port, 4, fds);
		settle();
		sleep_ms(linger_ms);
		for (got = i = 0; i < 2; i++)
			while ((fd = accept(lfd[i], NULL, NULL)) >= 0) {
				got += port_owner(peer_port(fd), fds, n) >= 0;
				say("child", "%d", get_int(fd, SOL_SOCKET,
							   SO_REUSEPORT));
				close(fd);
			}
		say("accepted", "%d of %d", got, n);
		check_sharded(lfd[0]);
		check_sharded(lfd[1]);
		close_all(fds, n);
		close_all(lfd, 2);
	}
}

/* Bound twice by SO_REUSEADDR, but only one may listen at a time */
void bind_listen_twice(void)
{
	int fds[MAX_CPU], a, b, n, port;
	struct sockaddr_storage ss;
	socklen_t len;

	for_each_family(f) {
		port = next_port();
		len = address(f, port, true, &ss);
		a = reuse_socket(f, REUSEADDR);
		b = reuse_socket(f, REUSEADDR);
		sayr("bind_a", bind(a, (void *)&ss, len));
		sayr("bind_b", bind(b, (void *)&ss, len));
		sayr("listen_a", listen(a, 16));
		n = dial_all(f, port, 1, fds);
		sayr("listen_b", listen(b, 16));
		sayr("listen_b_again", listen(b, 16));
		say("accepted_a", "%d", take_all(a, n));
		say("b_mask", "%s", mask_name(poll_mask(b, EPOLLIN, 0)));
		check_sharded(a);
		close_all(fds, n);
		close(a);
		sayr("listen_b_later", listen(b, 16));
		n = dial_all(f, port, 1, fds);
		say("accepted_b", "%d", take_all(b, n));
		check_sharded(b);
		close_all(fds, n);
		close(b);
	}
}

/* listen() without bind(), and one port on two addresses */
void bind_addresses(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fds[MAX_CPU], lfd[2], i, n, port = next_port();

	for_each_family(f) {
		lfd[0] = tcp(f, 0);
		sayr("listen_unbound", listen(lfd[0], 16));
		say("has_port", "%d", local_port(lfd[0]) > 0);
		n = dial_all(f, local_port(lfd[0]), 1, fds);
		say("accepted", "%d", take_all(lfd[0], n));
		check_sharded(lfd[0]);
		close_all(fds, n);
		close(lfd[0]);
	}
	enter("");
	a.sin_port = htons(port);
	for (i = 0; i < 2; i++) {
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
		lfd[i] = tcp(V4, 0);
		sayr("bind", bind(lfd[i], (void *)&a, sizeof(a)));
		sayr("listen", listen(lfd[i], 16));
	}
	n = dial_all(V4, port, 1, fds);
	say("first", "%d", take_all(lfd[0], n));
	say("second_mask", "%s", mask_name(poll_mask(lfd[1], EPOLLIN, 0)));
	close_all(fds, n);
	close_all(lfd, 2);
}

/* The port is free as soon as close() returned, pending connections or not */
void bind_rebind(void)
{
	int fds[MAX_CPU], i, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		for (i = 0; i < 5; i++) {
			struct sockaddr_storage ss;

			lfd = tcp(f, 0);
			sayr("bind", bind(lfd, (void *)&ss,
					  address(f, port, true, &ss)));
			sayr("listen", listen(lfd, 16));
			n = dial_all(f, port, 1, fds);
			if (!i)
				check_sharded(lfd);
			close(lfd);
			close_all(fds, n);
		}
	}
}
