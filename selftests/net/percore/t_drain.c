// SPDX-License-Identifier: GPL-2.0
/*
 * t_drain.c - one worker on one CPU serves the connections of all CPUs, in
 * each way of waiting, and none of them waits long
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/time.h>

#include "parity.h"
#include "cases.h"

enum { BOUND_MS = 2000 };

struct worker {
	int lfd, ep, outer;
	unsigned int events;
	int add_cpu, run_cpu;	/* where epoll gets the listener, where it runs */
	void (*wait)(struct worker *w);	/* returns when it may accept */
	bool blocking;			/* accept() itself waits */
};

static void wait_not(struct worker *w)
{
	(void)w;
}

static void wait_nap(struct worker *w)
{
	(void)w;
	sleep_ms(1);
}

static void wait_poll(struct worker *w)
{
	struct pollfd p = { .fd = w->lfd, .events = POLLIN };

	poll(&p, 1, -1);
}

static void wait_select(struct worker *w)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(w->lfd, &in);
	select(w->lfd + 1, &in, NULL, NULL, NULL);
}

static void wait_epoll(struct worker *w)
{
	struct epoll_event ev;

	if (w->events & EPOLLONESHOT) {
		ev.events = w->events;
		epoll_ctl(w->ep, EPOLL_CTL_MOD, w->lfd, &ev);
	}
	if (w->outer)
		epoll_wait(w->outer, &ev, 1, -1);
	epoll_wait(w->ep, &ev, 1, w->outer ? 0 : -1);
}

static void wait_signal(struct worker *w)
{
	sigset_t set;

	(void)w;
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigwaitinfo(&set, NULL);
}

static void add_epoll(struct worker *w, bool nested)
{
	struct epoll_event ev = { .events = w->events };

	pin(w->add_cpu);
	w->ep = epoll_create1(0);
	if (epoll_ctl(w->ep, EPOLL_CTL_ADD, w->lfd, &ev))
		die("epoll_ctl");
	if (!nested)
		return;
	ev.events = EPOLLIN;
	w->outer = epoll_create1(0);
	if (epoll_ctl(w->outer, EPOLL_CTL_ADD, w->ep, &ev))
		die("epoll_ctl");
}

static bool serve(int fd)
{
	char c = 0;

	if (recv(fd, &c, 1, 0) == 1 && c == 'w')
		send(fd, "d", 1, MSG_NOSIGNAL);
	close(fd);
	return c != 'q';
}

/* Serves until a connection says 'q'; takes all there is each time */
static void worker(void *arg)
{
	struct worker *w = arg;
	bool more = true;
	int fd;

	if (w->events)
		add_epoll(w, w->outer);
	pin(w->run_cpu);
	while (more) {
		w->wait(w);
		while (more && (fd = accept(w->lfd, NULL, NULL)) >= 0) {
			more = serve(fd);
			if (w->blocking)
				break;
		}
	}
}

static bool answered(int fd, long long since)
{
	char c = 0;

	return recv(fd, &c, 1, 0) == 1 && c == 'd' &&
		now_ms() - since < BOUND_MS;
}

static void drain(enum family f, const char *key, struct worker w)
{
	int fds[4 * MAX_CPU], i, n, single = 0, burst = 0, port = next_port();
	long long start;
	pid_t pid;

	w.lfd = listener(f, port, 128);
	if (!w.blocking)
		nonblock(w.lfd);
	pid = spawn(worker, &w, 0);
	wait_blocked(pid);
	if (w.wait == wait_signal) {
		fcntl(w.lfd, F_SETOWN, pid);
		fcntl(w.lfd, F_SETFL, O_ASYNC | O_NONBLOCK);
	}
	for (i = 0; i < 2 * ncpu; i++) {	/* one at a time */
		start = now_ms();
		fds[0] = dial(f, port, i % ncpu);
		send(fds[0], "w", 1, MSG_NOSIGNAL);
		single += answered(fds[0], start);
		close(fds[0]);
	}
	start = now_ms();
	n = dial_all(f, port, 4, fds);
	for (i = 0; i < n; i++)			/* many at once */
		send(fds[i], "w", 1, MSG_NOSIGNAL);
	for (i = 0; i < n; i++)
		burst += answered(fds[i], start);
	close_all(fds, n);
	say(key, "single %d of %d, burst %d of %d", single, 2 * ncpu, burst, n);
	check_sharded(w.lfd);
	fds[0] = dial(f, port, ncpu - 1);
	send(fds[0], "q", 1, MSG_NOSIGNAL);
	reap(pid);
	close(fds[0]);
	close(w.lfd);
}

void drain_blocking(void)
{
	for_v4_and_v6(f)
		for_two_cpus(cpu)
			drain(f, "accept", (struct worker){
			      .wait = wait_not, .blocking = true,
			      .run_cpu = cpu });
}

void drain_poll(void)
{
	for_v4_and_v6(f)
		for_two_cpus(cpu) {
			drain(f, "poll", (struct worker){
			      .wait = wait_poll, .run_cpu = cpu });
			drain(f, "select", (struct worker){
			      .wait = wait_select, .run_cpu = cpu });
			drain(f, "poll_blocking", (struct worker){
			      .wait = wait_poll, .blocking = true,
			      .run_cpu = cpu });
		}
}

void drain_nonblocking(void)
{
	for_v4_and_v6(f)
		for_two_cpus(cpu)
			drain(f, "nap", (struct worker){
			      .wait = wait_nap, .run_cpu = cpu });
}

static void drain_by(const char *key, unsigned int events, bool nested)
{
	for_v4_and_v6(f)
		for_two_cpus(cpu)
			drain(f, key, (struct worker){
			      .wait = wait_epoll, .events = events,
			      .outer = nested, .add_cpu = cpu,
			      .run_cpu = cpu });
}

void drain_epoll_level(void)
{
	drain_by("level", EPOLLIN, false);
}

void drain_epoll_edge(void)
{
	drain_by("edge", EPOLLIN | EPOLLET, false);
}

void drain_epoll_oneshot(void)
{
	drain_by("oneshot", EPOLLIN | EPOLLONESHOT, false);
	drain_by("oneshot_edge", EPOLLIN | EPOLLONESHOT | EPOLLET, false);
}

void drain_epoll_exclusive(void)
{
	drain_by("exclusive", EPOLLIN | EPOLLEXCLUSIVE, false);
	drain_by("exclusive_edge", EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, false);
}

void drain_epoll_nested(void)
{
	drain_by("nested", EPOLLIN, true);
	drain_by("nested_edge", EPOLLIN | EPOLLET, true);
}

/* The listener was added on one CPU, the worker runs on another */
void drain_epoll_moved(void)
{
	static const unsigned int how[] = {
		EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLEXCLUSIVE
	};
	int i;

	for_v4_and_v6(f)
		for (i = 0; i < 3; i++) {
			drain(f, "down", (struct worker){
			      .wait = wait_epoll, .events = how[i],
			      .add_cpu = ncpu - 1, .run_cpu = 0 });
			drain(f, "up", (struct worker){
			      .wait = wait_epoll, .events = how[i],
			      .add_cpu = 0, .run_cpu = ncpu - 1 });
		}
}

/* By signal: O_ASYNC and SIGIO */
void drain_sigio(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for_v4_and_v6(f)
		for_two_cpus(cpu)
			drain(f, "sigio", (struct worker){
			      .wait = wait_signal, .run_cpu = cpu });
}
