// SPDX-License-Identifier: GPL-2.0
/*
 * t_accept.c - what accept() returns, when, and to whom
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "parity.h"
#include "cases.h"

static int accept_now(int lfd)
{
	return accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
}

/* Address family, address and whether the port is the client's */
static void show_address(const char *key, const struct sockaddr_storage *ss,
			 socklen_t len, int client)
{
	const struct sockaddr_in6 *a6 = (const void *)ss;
	const struct sockaddr_in *a4 = (const void *)ss;
	char text[64] = "";
	int port = -1;

	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &a4->sin_addr, text, sizeof(text));
		port = ntohs(a4->sin_port);
	} else if (ss->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &a6->sin6_addr, text, sizeof(text));
		port = ntohs(a6->sin6_port);
	}
	say(key, "family %d len %d addr %s port %d", ss->ss_family, len, text,
	    port == local_port(client));
}

void accept_address(void)
{
	int fds[MAX_CPU], i, n, kid, port, lfd;
	struct sockaddr_storage ss;
	socklen_t len;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		for (i = 0; i < n; i++) {
			pin(i);
			len = sizeof(ss);
			kid = accept(lfd, (void *)&ss, &len);
			show_address("accept", &ss, len, fds[i]);
			len = sizeof(ss);
			getpeername(kid, (void *)&ss, &len);
			show_address("getpeername", &ss, len, fds[i]);
			len = sizeof(ss);
			getsockname(kid, (void *)&ss, &len);
			show_address("getsockname", &ss, len, kid);
			close(kid);
		}
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

static int accept_arg(int lfd, struct sockaddr_storage *ss, void *len)
{
	poll_mask(lfd, POLLIN, WAIT_MS);
	return accept(lfd, (void *)ss, len);
}

/* Wrong and odd arguments; what they cost in connections */
void accept_arguments(void)
{
	int fds[10], i, kid, port = next_port(), lfd, plain;
	struct sockaddr_storage ss;
	socklen_t len = 4;

	lfd = listener(V4, port, 64);
	nonblock(lfd);
	plain = tcp(V4, 0);
	sayr("not_listening", accept(plain, NULL, NULL));
	sayr("bad_flags", accept4(lfd, NULL, NULL, 1));
	for (i = 0; i < 10; i++)
		fds[i] = dial(V4, port, i % ncpu);
	pin(0);
	memset(&ss, 0xee, sizeof(ss));
	kid = accept_arg(lfd, &ss, &len);
	say("short", "%s len %d rest %x", res(kid), len,
	    ((unsigned char *)&ss)[4]);
	close(kid);
	sayr("bad_flags", accept4(lfd, NULL, NULL, 1));
	len = sizeof(ss);
	sayr("bad_address", accept_arg(lfd, (void *)8, &len));
	sayr("bad_length", accept_arg(lfd, &ss, (void *)8));
	len = -1;
	sayr("negative_length", accept_arg(lfd, &ss, &len));
	sayr("no_length", accept_arg(lfd, &ss, NULL));
	check_sharded(lfd);
	for (i = 0; poll_mask(lfd, POLLIN, 2 * linger_ms); i++)
		close(accept_arg(lfd, NULL, NULL));
	say("left", "%d", i);
	close_all(fds, 10);
	close(plain);
	close(lfd);
}

void accept_flags(void)
{
	static const struct { const char *name; int flags; } cases[] = {
		{ "plain", 0 }, { "nonblock", SOCK_NONBLOCK },
		{ "cloexec", SOCK_CLOEXEC },
		{ "both", SOCK_NONBLOCK | SOCK_CLOEXEC },
	};
	int fds[MAX_CPU], i, k, kid, n, port, lfd, waits;

	for_each_family(f)
		for (waits = 0; waits < 2; waits++) {
			port = next_port();
			lfd = listener(f, port, 64);
			if (!waits)
				nonblock(lfd);
			for (k = 0; k < 4; k++) {
				n = dial_all(f, port, 1, fds);
				for (i = 0; i < n; i++) {
					kid = take_flags(lfd, cases[k].flags);
					say(cases[k].name, "nonblock %d "
					    "cloexec %d",
					    !!(fcntl(kid, F_GETFL) &
					       O_NONBLOCK),
					    fcntl(kid, F_GETFD) & FD_CLOEXEC);
					close(kid);
				}
				close_all(fds, n);
			}
			check_sharded(lfd);
			close(lfd);
		}
}

/* No connection: EAGAIN, before, between and after some */
void accept_empty(void)
{
	int fds[MAX_CPU], cpu, n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		nonblock(lfd);
		sayr("fresh", accept_now(lfd));
		n = dial_all(f, port, 1, fds);
		say("accepted", "%d", take_all(lfd, n));
		for (cpu = 0; cpu < ncpu; cpu++) {
			pin(cpu);
			sayr("drained", accept_now(lfd));
			say("mask", "%s",
			    mask_name(poll_mask(lfd, POLLIN, 0)));
		}
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/*
 * The connection is complete and nobody sleeps on the listener: whoever asks
 * first gets it, on any CPU, without waiting.
 */
void accept_at_once(void)
{
	int from, on, fd, kid, port, lfd;
	char key[32];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		nonblock(lfd);
		for (from = 0; from < ncpu; from++)
			for (on = 0; on < ncpu; on++) {
				fd = dial(f, port, from);
				settle_on(from);
				pin(on);
				kid = accept_now(lfd);
				snprintf(key, sizeof(key), "from%d_on%d", from,
					 on);
				sayr(key, kid);
				if (kid < 0)
					kid = take(lfd);
				close(kid);
				close(fd);
			}
		check_sharded(lfd);
		close(lfd);
	}
}

/* poll() with no timeout tells of it as well */
void accept_poll_at_once(void)
{
	int from, on, fd, port, lfd;
	char key[32];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (from = 0; from < ncpu; from++)
			for (on = 0; on < ncpu; on++) {
				fd = dial(f, port, from);
				settle_on(from);
				pin(on);
				snprintf(key, sizeof(key), "from%d_on%d", from,
					 on);
				say(key, "%s",
				    mask_name(poll_mask(lfd, POLLIN, 0)));
				close(take(lfd));
				close(fd);
			}
		check_sharded(lfd);
		close(lfd);
	}
}

/* Connections of one CPU come out in the order of their handshakes */
void accept_order(void)
{
	int fds[8], from, on, i, kid, port, lfd;
	char key[32];

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (from = 0; from < ncpu; from++)
			for (on = 0; on < ncpu; on++) {
				for (i = 0; i < 8; i++)
					fds[i] = dial(f, port, from);
				pin(on);
				snprintf(key, sizeof(key), "from%d_on%d", from,
					 on);
				for (i = 0; i < 8; i++) {
					kid = take(lfd);
					say(key, "%d",
					    port_owner(peer_port(kid), fds,
						       8));
					close(kid);
				}
				close_all(fds, 8);
			}
		check_sharded(lfd);
		close(lfd);
	}
}

struct waiter {
	int lfd;
	int ret, err;
	int peer;
	bool quit;
};

static void wait_accept(void *arg)
{
	struct waiter *w = arg;

	w->ret = accept(w->lfd, NULL, NULL);
	w->err = errno;
	w->peer = w->ret >= 0 ? peer_port(w->ret) : -1;
}

/* A sleeper on each CPU is woken by a client of each CPU */
void accept_blocked(void)
{
	struct waiter w;
	struct task t;
	int from, on, fd, port;

	for_v4_and_v6(f) {
		port = next_port();
		w.lfd = listener(f, port, 64);
		for (from = 0; from < ncpu; from++)
			for (on = 0; on < ncpu; on++) {
				task_start(&t, wait_accept, &w, on);
				task_wait_blocked(&t);
				fd = dial(f, port, from);
				task_join(&t);
				say("works", "%d", w.ret >= 0 &&
				    ping_pong(fd, w.ret));
				close(w.ret);
				close(fd);
			}
		check_sharded(w.lfd);
		close(w.lfd);
	}
}

/* How many times a thread of ours has slept */
static long slept(const struct task *t)
{
	char path[64], line[128];
	long n = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", t->tid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "voluntary_ctxt_switches: %ld", &n);
	if (file)
		fclose(file);
	return n;
}

/* Two sleep on one CPU, the connection is of another: one is woken, not both */
void accept_one_woken(void)
{
	struct waiter w[2];
	struct task t[2];
	int fds[2], i, port;
	long before[2];

	for_v4_and_v6(f) {
		port = next_port();
		w[0].lfd = listener(f, port, 64);
		w[1].lfd = w[0].lfd;
		for (i = 0; i < 2; i++) {
			w[i].ret = -1;
			task_start(&t[i], wait_accept, &w[i], ncpu - 1);
			task_wait_blocked(&t[i]);
		}
		for (i = 0; i < 2; i++)
			before[i] = slept(&t[i]);
		fds[0] = dial(f, port, 0);
		settle_on(ncpu - 1);
		sleep_ms(linger_ms);
		for (i = 0; i < 2; i++) {
			if (__atomic_load_n(&w[i].ret, 0) >= 0)
				continue;
			say("in_vain", "%ld", slept(&t[i]) - before[i]);
		}
		fds[1] = dial(f, port, 0);
		for (i = 0; i < 2; i++) {
			task_join(&t[i]);
			close(w[i].ret);
		}
		close_all(fds, 2);
		close(w[0].lfd);
	}
}

/*
 * The listener ends while somebody sleeps in accept(). Shutdown wakes all; a
 * disconnect wakes one, and leaves the others asleep: so there is but one.
 */
static void end_blocked(enum family f, const char *how, int first, int sleepers)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct waiter w[2 * MAX_CPU];
	struct task t[2 * MAX_CPU];
	int fds[MAX_CPU], i, n, port = next_port(), lfd;

	lfd = listener(f, port, 64);
	n = dial_all(f, port, 1, fds);
	say("accepted", "%d", take_all(lfd, n));
	check_sharded(lfd);
	for (i = 0; i < sleepers; i++) {
		w[i].lfd = lfd;
		task_start(&t[i], wait_accept, &w[i], (first + i) % ncpu);
		task_wait_blocked(&t[i]);
	}
	if (*how == 'd')
		sayr(how, connect(lfd, &unspec, sizeof(unspec)));
	else
		sayr(how, shutdown(lfd, strcmp(how, "shut_rd") ? SHUT_RDWR :
				   SHUT_RD));
	for (i = 0; i < sleepers; i++) {
		task_join(&t[i]);
		say("accept", "%d %s", w[i].ret, strerrorname_np(w[i].err));
	}
	close_all(fds, n);
	close(lfd);
}

void accept_ended(void)
{
	int cpu;

	for_v4_and_v6(f) {
		end_blocked(f, "shut_rd", 0, 2 * ncpu);
		end_blocked(f, "shut_rdwr", 0, 2 * ncpu);
		for (cpu = 0; cpu < ncpu; cpu++) {
			end_blocked(f, "shut_rd", cpu, 1);
			end_blocked(f, "disconnect", cpu, 1);
		}
	}
}

/* close() does not end it: the sleeper holds the socket until it got one */
void accept_closed(void)
{
	struct waiter w;
	struct task t;
	int cpu, fd, port;

	for_v4_and_v6(f)
		for (cpu = 0; cpu < ncpu; cpu++) {
			port = next_port();
			w.lfd = listener(f, port, 64);
			fd = dial(f, port, cpu);
			close(take(w.lfd));
			close(fd);
			task_start(&t, wait_accept, &w, 0);
			task_wait_blocked(&t);
			sayr("close", close(w.lfd));
			say("listens", "%d", proc_tcp_count(port, ST_LISTEN));
			fd = dial(f, port, cpu);
			sayr("connect", fd);
			task_join(&t);
			say("works", "%d", w.ret >= 0 && ping_pong(fd, w.ret));
			say("listens", "%d", proc_tcp_count(port, ST_LISTEN));
			close(fd);
			close(w.ret);
		}
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A signal, with and without SA_RESTART and SO_RCVTIMEO */
void accept_signal(void)
{
	struct timeval tv[2] = { { 0, 0 }, { 5, 0 } };
	struct waiter w;
	struct task t;
	int fd, port, restart, timeout;
	char key[40];

	for_v4_and_v6(f)
		for (restart = 0; restart < 2; restart++)
			for (timeout = 0; timeout < 2; timeout++) {
				struct sigaction sa = {
					.sa_handler = on_signal,
					.sa_flags = restart ? SA_RESTART : 0,
				};

				sigaction(SIGUSR1, &sa, NULL);
				port = next_port();
				w.lfd = listener(f, port, 64);
				setsockopt(w.lfd, SOL_SOCKET, SO_RCVTIMEO,
					   &tv[timeout], sizeof(tv[0]));
				task_start(&t, wait_accept, &w, ncpu - 1);
				task_wait_blocked(&t);
				pthread_kill(t.thread, SIGUSR1);
				sleep_ms(20);
				fd = dial(f, port, 0);
				task_join(&t);
				snprintf(key, sizeof(key), "restart%d_timeo%d",
					 restart, timeout);
				say(key, "%s", w.ret >= 0 ? "ok" :
				    strerrorname_np(w.err));
				close(fd);
				close(w.ret);
				close(w.lfd);
			}
}

/* SO_RCVTIMEO: in time neither connection nor error, nor much later */
void accept_timeout(void)
{
	struct timeval tv = { 0, 60000 };
	int fds[MAX_CPU], cpu, n, port, lfd;
	long long start, took;

	for_v4_and_v6(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		setsockopt(lfd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		n = dial_all(f, port, 1, fds);
		say("accepted", "%d", take_all(lfd, n));
		for (cpu = 0; cpu < ncpu; cpu++) {
			pin(cpu);
			start = now_ms();
			sayr("accept", accept(lfd, NULL, NULL));
			took = now_ms() - start;
			/* In jiffies of up to 10 ms, the first of them cut short */
			say("in_time", "%d", took >= 50 && took < WAIT_MS);
		}
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* Without a descriptor to spare accept() fails and the connection stays */
void accept_emfile(void)
{
	struct rlimit was, tight;
	int fds[MAX_CPU], cpu, kid, n, port, lfd;

	getrlimit(RLIMIT_NOFILE, &was);
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		tight = was;
		tight.rlim_cur = dup(0);
		close(tight.rlim_cur);
		setrlimit(RLIMIT_NOFILE, &tight);
		for (cpu = 0; cpu < ncpu; cpu++) {
			pin(cpu);
			sayr("tight", accept_now(lfd));
		}
		setrlimit(RLIMIT_NOFILE, &was);
		for (cpu = 0; cpu < ncpu; cpu++) {
			kid = take(lfd);
			say("works", "%d", ping_pong(
				fds[port_owner(peer_port(kid), fds, n)], kid));
			close(kid);
		}
		nonblock(lfd);
		sayr("drained", accept_now(lfd));
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}
