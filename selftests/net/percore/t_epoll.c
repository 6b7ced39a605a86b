// SPDX-License-Identifier: GPL-2.0
/*
 * t_epoll.c - epoll events of a listener: how many, of what kind, to whom
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

static int epoll_of(int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
	return ep;
}

static int epoll_set(int ep, int op, int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, op, fd, &ev);
}

/* Number of events, and the first one's mask */
static int events(int ep, int ms, unsigned int *mask)
{
	struct epoll_event ev[8] = { 0 };
	int n = epoll_wait(ep, ev, 8, ms);

	*mask = n > 0 ? ev[0].events : 0;
	return n;
}

/* What comes within the time that a listener may take, and what after that */
static void show(const char *key, int ep)
{
	unsigned int mask, more_mask;
	int n = events(ep, WAIT_MS, &mask);
	int more = events(ep, linger_ms, &more_mask);

	say(key, "%d %s, then %d %s", n, mask_name(mask), more,
	    mask_name(more_mask));
}

/* None, not even later */
static void show_none(const char *key, int ep)
{
	unsigned int mask;
	int n = events(ep, linger_ms, &mask);

	say(key, "%d %s", n, mask_name(mask));
}

/* Level-triggered: at every wait until the queue is empty */
void epoll_level(void)
{
	int fds[3], cpu, i, ep, port, lfd;
	unsigned int mask;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		pin(0);
		ep = epoll_of(lfd, EPOLLIN);
		for (cpu = 0; cpu < ncpu; cpu++) {
			for (i = 0; i < 3; i++)
				fds[i] = dial(f, port, cpu);
			pin(0);
			for (i = 0; i < 3; i++) {
				show("waiting", ep);
				close(take(lfd));
			}
			say("drained", "%d", events(ep, 0, &mask));
			close_all(fds, 3);
		}
		check_sharded(lfd);
		close(ep);
		close(lfd);
	}
}

/* Edge-triggered: one event for each connection that comes, drained or not */
static void edge(enum family f, bool drain)
{
	int fds[3 * MAX_CPU], i, n = 0, ep, port = next_port(), lfd;

	lfd = listener(f, port, 64);
	pin(0);
	ep = epoll_of(lfd, EPOLLIN | EPOLLET);
	for_two_cpus(cpu)
		for (i = 0; i < 2; i++) {
			fds[n++] = dial(f, port, cpu);
			pin(0);
			show(drain ? "drained" : "undrained", ep);
			if (drain)
				close(take(lfd));
		}
	check_sharded(lfd);
	if (!drain)
		say("accepted", "%d", take_all(lfd, n));
	show_none("end", ep);
	close_all(fds, n);
	close(ep);
	close(lfd);
}

void epoll_edge_drained(void)
{
	for_each_family(f)
		edge(f, true);
}

void epoll_edge_undrained(void)
{
	for_v4_and_v6(f)
		edge(f, false);
}

/* Two CPUs' connections between two waits are one event */
void epoll_edge_merged(void)
{
	int fds[MAX_CPU], n, ep, port, lfd;

	for_v4_and_v6(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		pin(0);
		ep = epoll_of(lfd, EPOLLIN | EPOLLET);
		n = dial_all(f, port, 1, fds);
		settle();
		sleep_ms(linger_ms);
		pin(0);
		show("all", ep);
		close(take(lfd));
		show_none("one_taken", ep);
		say("accepted", "%d", take_all(lfd, n - 1));
		check_sharded(lfd);
		close_all(fds, n);
		close(ep);
		close(lfd);
	}
}

/* One-shot: silent until armed again, and then it tells of what waits */
void epoll_oneshot(void)
{
	int fds[2], ep, port, lfd, et;

	for_v4_and_v6(f)
		for (et = 0; et < 2; et++) {
			unsigned int how = EPOLLIN | EPOLLONESHOT |
				(et ? EPOLLET : 0);

			port = next_port();
			lfd = listener(f, port, 64);
			pin(0);
			ep = epoll_of(lfd, how);
			for_two_cpus(cpu) {
				fds[0] = dial(f, port, cpu);
				pin(0);
				show("first", ep);
				fds[1] = dial(f, port, cpu);
				pin(0);
				show_none("disarmed", ep);
				epoll_set(ep, EPOLL_CTL_MOD, lfd, how);
				show("armed", ep);
				close(take(lfd));
				epoll_set(ep, EPOLL_CTL_MOD, lfd, how);
				show("armed", ep);
				close(take(lfd));
				epoll_set(ep, EPOLL_CTL_MOD, lfd, how);
				close_all(fds, 2);
			}
			check_sharded(lfd);
			close(ep);
			close(lfd);
		}
}

/* What waits already when the listener is added, or its events are changed */
void epoll_added_late(void)
{
	static const unsigned int how[] = {
		EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLEXCLUSIVE
	};
	int fds[MAX_CPU], cpu, i, ep, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (cpu = 0; cpu < ncpu; cpu++)
			for (i = 0; i < 3; i++) {
				fds[0] = dial(f, port, cpu);
				pin(ncpu - 1 - cpu);
				ep = epoll_of(lfd, how[i]);
				say("event", "%d", poll_mask(ep, POLLIN,
							     WAIT_MS));
				close(take(lfd));
				close(fds[0]);
				close(ep);
			}
		pin(0);
		ep = epoll_of(lfd, EPOLLPRI);
		dial_all(f, port, 1, fds);
		pin(0);
		show_none("not_asked", ep);
		epoll_set(ep, EPOLL_CTL_MOD, lfd, EPOLLIN | EPOLLET);
		say("asked", "%d", poll_mask(ep, POLLIN, WAIT_MS));
		check_sharded(lfd);
		close_all(fds, ncpu);
		close(ep);
		close(lfd);
	}
}

/* Refused and odd requests, removal, the end of the socket */
void epoll_ctl_cases(void)
{
	int fd, ep, other, port, lfd;

	for_v4_and_v6(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		pin(0);
		ep = epoll_of(lfd, EPOLLIN | EPOLLEXCLUSIVE);
		sayr("twice", epoll_set(ep, EPOLL_CTL_ADD, lfd, EPOLLIN));
		sayr("mod_exclusive", epoll_set(ep, EPOLL_CTL_MOD, lfd,
						EPOLLIN));
		sayr("del", epoll_set(ep, EPOLL_CTL_DEL, lfd, 0));
		sayr("del", epoll_set(ep, EPOLL_CTL_DEL, lfd, 0));
		sayr("exclusive_oneshot", epoll_set(
			ep, EPOLL_CTL_ADD, lfd,
			EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
		fd = dial(f, port, ncpu - 1);
		pin(0);
		show_none("deleted", ep);
		epoll_set(ep, EPOLL_CTL_ADD, lfd, EPOLLIN | EPOLLET);
		show("added", ep);
		other = dup(lfd);
		close(lfd);
		close(fd);
		close(take(other));
		fd = dial(f, port, ncpu - 1);
		pin(0);
		show("dup_left", ep);
		close(other);
		show_none("closed", ep);
		say("client", "%s", state_of(fd));
		close(fd);
		close(ep);
	}
}

/* Shutdown is an event, once or again and again */
void epoll_shutdown(void)
{
	static const unsigned int how[] = {
		EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLEXCLUSIVE,
		EPOLLIN | EPOLLRDHUP | EPOLLONESHOT
	};
	int fds[MAX_CPU], i, n, ep, port, lfd;

	for_v4_and_v6(f)
		for (i = 0; i < 4; i++) {
			port = next_port();
			lfd = listener(f, port, 64);
			pin(0);
			ep = epoll_of(lfd, how[i]);
			n = dial_all(f, port, 1, fds);
			check_sharded(lfd);
			shutdown(lfd, SHUT_RD);
			pin(0);
			show("shutdown", ep);
			close_all(fds, n);
			sayr("listen", listen(lfd, 64));
			n = dial_all(f, port, 1, fds);
			pin(0);
			if (i != 3)
				show("again", ep);
			close_all(fds, n);
			close(lfd);
			show_none("closed", ep);
			close(ep);
		}
}

/* An epoll in an epoll, in a poll and in a select */
void epoll_nested(void)
{
	int fd, inner, outer, port, lfd, et;
	unsigned int mask;

	for_v4_and_v6(f)
		for (et = 0; et < 4; et++) {
			port = next_port();
			lfd = listener(f, port, 64);
			pin(0);
			inner = epoll_of(lfd, EPOLLIN | (et & 1 ? EPOLLET : 0));
			outer = epoll_of(inner,
					 EPOLLIN | (et & 2 ? EPOLLET : 0));
			for_two_cpus(cpu) {
				fd = dial(f, port, cpu);
				pin(0);
				say("poll_outer", "%s", mask_name(
					poll_mask(outer, POLLIN, WAIT_MS)));
				say("outer", "%d", events(outer, WAIT_MS,
							  &mask));
				say("inner", "%d", events(inner, WAIT_MS,
							  &mask));
				close(take(lfd));
				close(fd);
				show_none("outer_drained", outer);
				show_none("inner_drained", inner);
			}
			check_sharded(lfd);
			close(outer);
			close(inner);
			close(lfd);
		}
}

struct herd {
	int lfd, ep;
	unsigned int how;
	bool shared;
	int stop;		/* read end of a pipe, in each epoll */
	int woken, accepted;
};

static void herd_member(void *arg)
{
	struct herd *h = arg;
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = h->stop };
	int ep = h->shared ? h->ep : epoll_of(h->lfd, h->how);
	int fd;

	if (!h->shared)
		epoll_ctl(ep, EPOLL_CTL_ADD, h->stop, &ev);
	while (epoll_wait(ep, &ev, 1, -1) == 1 && ev.data.fd != h->stop) {
		__atomic_fetch_add(&h->woken, 1, __ATOMIC_RELAXED);
		while ((fd = accept(h->lfd, NULL, NULL)) >= 0) {
			__atomic_fetch_add(&h->accepted, 1, __ATOMIC_RELAXED);
			send(fd, "x", 1, MSG_NOSIGNAL);
			close(fd);
		}
		if (h->how & EPOLLONESHOT)
			epoll_set(ep, EPOLL_CTL_MOD, h->lfd, h->how);
	}
	if (!h->shared)
		close(ep);
}

/* Sleepers on all CPUs, one connection at a time; who is woken by it */
static void herd(enum family f, const char *key, unsigned int how, bool shared,
		 bool count)
{
	struct herd h = { .how = how, .shared = shared };
	int fd, i, n = count ? ncpu : 2 * ncpu, pipefd[2], port = next_port(), answered = 0;
	struct task t[2 * MAX_CPU];
	char x;

	h.lfd = listener(f, port, 64);
	nonblock(h.lfd);
	if (pipe(pipefd))
		die("pipe");
	h.stop = pipefd[0];
	h.ep = epoll_of(h.lfd, how);
	epoll_set(h.ep, EPOLL_CTL_ADD, h.stop, EPOLLIN);
	if (!shared)
		epoll_set(h.ep, EPOLL_CTL_DEL, h.lfd, 0);
	for (i = 0; i < n; i++) {
		task_start(&t[i], herd_member, &h, i % ncpu);
		task_wait_blocked(&t[i]);
	}
	for (i = 0; i < 2 * n; i++) {
		fd = dial(f, port, i % ncpu);
		answered += recv(fd, &x, 1, 0) == 1;
		close(fd);
		for (int k = 0; count && k < n; k++)
			task_wait_blocked(&t[k]);
	}
	check_sharded(h.lfd);
	close(pipefd[1]);		/* HUP: all of them stop */
	for (i = 0; i < n; i++)
		task_join(&t[i]);
	say(key, "answered %d accepted %d of %d", answered, h.accepted, 2 * n);
	if (count)
		say(key, "woken %d", h.woken);
	close(pipefd[0]);
	close(h.ep);
	close(h.lfd);
}

/* EPOLLEXCLUSIVE: one connection wakes one sleeper */
void epoll_exclusive(void)
{
	for_v4_and_v6(f) {
		herd(f, "exclusive", EPOLLIN | EPOLLEXCLUSIVE, false, true);
		herd(f, "exclusive_et", EPOLLIN | EPOLLEXCLUSIVE | EPOLLET,
		     false, true);
	}
}

/* Without it all may be woken; each connection is one sleeper's */
void epoll_herd(void)
{
	for_v4_and_v6(f) {
		herd(f, "level", EPOLLIN, false, false);
		herd(f, "edge", EPOLLIN | EPOLLET, false, false);
	}
}

/* One epoll for all threads, as Go has it; one-shot and edge wake one */
void epoll_shared(void)
{
	for_v4_and_v6(f) {
		herd(f, "level", EPOLLIN, true, false);
		herd(f, "edge", EPOLLIN | EPOLLET, true, true);
		herd(f, "oneshot", EPOLLIN | EPOLLONESHOT, true, false);
	}
}

/* Waits in epoll, and leaves the last connection it is told of */
struct leaver {
	int lfd, n;
};

static void take_but_one(void *arg)
{
	struct leaver *l = arg;
	unsigned int mask;
	int ep = epoll_of(l->lfd, EPOLLIN);

	while (l->n-- > 0) {
		events(ep, WAIT_MS, &mask);
		close(accept(l->lfd, NULL, NULL));
	}
	events(ep, WAIT_MS, &mask);
	sleep_ms(2000);
	close(ep);
}

struct sleeper {
	int lfd, kid;
};

static void take_one(void *arg)
{
	struct sleeper *s = arg;

	s->kid = accept(s->lfd, NULL, NULL);
}

void epoll_beside_accept(void)
{
	struct sleeper s;
	struct leaver l;
	struct task tl, ts;
	int fd, i, port;
	char c;

	for_v4_and_v6(f) {
		port = next_port();
		l.lfd = listener(f, port, 64);
		s.lfd = l.lfd;
		l.n = 8;
		s.kid = -1;
		nonblock(l.lfd);
		task_start(&tl, take_but_one, &l, 0);
		for (i = 0; i < 8; i++) {
			task_wait_blocked(&tl);
			fd = dial(f, port, 0);
			say("taken", "%zd", recv(fd, &c, 1, 0));
			close(fd);
		}
		fcntl(s.lfd, F_SETFL, 0);
		task_start(&ts, take_one, &s, ncpu - 1);
		task_wait_blocked(&ts);
		task_wait_blocked(&tl);
		sleep_ms(50);
		fd = dial(f, port, 0);
		for (i = 0; i < 100 && __atomic_load_n(&s.kid, 0) < 0; i++)
			sleep_ms(10);
		say("other", "%d", i < 100);
		task_join(&tl);
		shutdown(s.lfd, SHUT_RDWR);
		task_join(&ts);
		close(s.kid);
		close(fd);
		close(s.lfd);
	}
}
