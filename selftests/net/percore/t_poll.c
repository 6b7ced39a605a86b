// SPDX-License-Identifier: GPL-2.0
/*
 * t_poll.c - what poll() and select() say of a listener, and when they return
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>

#include "parity.h"
#include "cases.h"

static void show_mask(const char *when, int fd)
{
	say(when, "%s", mask_name(poll_mask(fd, -1, 0)));
}

/* All states of a socket that may listen, looked at from each CPU */
void poll_masks(void)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fds[2 * MAX_CPU], cpu, n, port, lfd;
	struct sockaddr_storage ss;

	for_each_family(f) {
		port = next_port();
		lfd = tcp(f, 0);
		set_int(lfd, SOL_SOCKET, SO_REUSEADDR, 1);
		show_mask("fresh", lfd);
		if (bind(lfd, (void *)&ss, address(f, port, true, &ss)))
			die("bind");
		show_mask("bound", lfd);
		listen(lfd, 64);
		show_mask("listening", lfd);
		n = dial_all(f, port, 2, fds);
		sleep_ms(linger_ms);
		for (cpu = 0; cpu < ncpu; cpu++) {
			pin(cpu);
			show_mask("pending", lfd);
			say("only_pri", "%s",
			    mask_name(poll_mask(lfd, POLLPRI, 0)));
			say("only_rdnorm", "%s",
			    mask_name(poll_mask(lfd, POLLRDNORM, 0)));
		}
		check_sharded(lfd);
		say("accepted", "%d", take_all(lfd, n));
		show_mask("drained", lfd);
		close_all(fds, n);
		shutdown(lfd, SHUT_RDWR);
		show_mask("shut", lfd);
		listen(lfd, 64);
		show_mask("listening_again", lfd);
		connect(lfd, &unspec, sizeof(unspec));
		show_mask("disconnected", lfd);
		close(lfd);
		show_mask("closed", lfd);
	}
}

struct poller {
	int lfd;
	bool use_select;
	short revents;
	int ret, err;
};

static void poll_forever(void *arg)
{
	struct poller *p = arg;
	struct pollfd pfd = { .fd = p->lfd, .events = POLLIN | POLLRDHUP };
	fd_set in, except;

	if (!p->use_select) {
		p->ret = poll(&pfd, 1, -1);
		p->err = errno;
		p->revents = pfd.revents;
		return;
	}
	FD_ZERO(&in);
	FD_ZERO(&except);
	FD_SET(p->lfd, &in);
	FD_SET(p->lfd, &except);
	p->ret = select(p->lfd + 1, &in, NULL, &except, NULL);
	p->err = errno;
	p->revents = 0;
	if (p->ret > 0)
		p->revents = (FD_ISSET(p->lfd, &in) ? POLLIN : 0) |
			(FD_ISSET(p->lfd, &except) ? POLLPRI : 0);
}

static void show_poller(const char *key, struct poller *p)
{
	say(key, "%s %d %s", p->use_select ? "select" : "poll", p->ret,
	    p->ret < 0 ? strerrorname_np(p->err) : mask_name(p->revents));
}

/* A sleeper on each CPU, a client on each CPU */
void poll_wakes(void)
{
	struct poller p;
	struct task t;
	int from, on, fd, kid, port;

	for_v4_and_v6(f) {
		port = next_port();
		p.lfd = listener(f, port, 64);
		nonblock(p.lfd);
		for (from = 0; from < ncpu; from++)
			for (on = 0; on < ncpu; on++) {
				p.use_select = (from ^ on) & 1;
				task_start(&t, poll_forever, &p, on);
				task_wait_blocked(&t);
				fd = dial(f, port, from);
				task_join(&t);
				show_poller("woken", &p);
				pin(on);
				kid = accept(p.lfd, NULL, NULL);
				sayr("accept", kid);
				close(kid);
				close(fd);
			}
		check_sharded(p.lfd);
		close(p.lfd);
	}
}

/* What ends a poll() but a connection */
void poll_ended(void)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	int fds[MAX_CPU], n, port, how, sel;
	struct poller p;
	struct task t;

	for_v4_and_v6(f)
		for (how = 0; how < 8; how++) {
			sel = how & 1;
			port = next_port();
			p.lfd = listener(f, port, 64);
			p.use_select = sel;
			n = dial_all(f, port, 1, fds);
			say("accepted", "%d", take_all(p.lfd, n));
			check_sharded(p.lfd);
			task_start(&t, poll_forever, &p, how % ncpu);
			task_wait_blocked(&t);
			if (how < 2)
				shutdown(p.lfd, SHUT_RD);
			else if (how < 4)
				shutdown(p.lfd, SHUT_RDWR);
			else if (how < 6)
				connect(p.lfd, &unspec, sizeof(unspec));
			else
				shutdown(p.lfd, SHUT_WR);
			if (how >= 6) {		/* it does not end it */
				sleep_ms(20);
				close(dial(f, port, 0));
			}
			task_join(&t);
			show_poller(how < 2 ? "shut_rd" : how < 4 ?
				    "shut_rdwr" : how < 6 ? "disconnect" :
				    "shut_wr", &p);
			close_all(fds, n);
			close(p.lfd);
		}
}

/* close() leaves a poll() asleep until a connection comes */
void poll_closed(void)
{
	struct poller p = { .use_select = false };
	struct task t;
	int cpu, fd, port;

	for_v4_and_v6(f)
		for (cpu = 0; cpu < ncpu; cpu++) {
			port = next_port();
			/* A number that no later descriptor takes over */
			fd = listener(f, port, 64);
			p.lfd = fcntl(fd, F_DUPFD, 500);
			close(fd);
			close(dial(f, port, cpu));
			close(take(p.lfd));
			task_start(&t, poll_forever, &p, 0);
			task_wait_blocked(&t);
			close(p.lfd);
			say("listens", "%d", proc_tcp_count(port, ST_LISTEN));
			/* It is reset as the poll lets go of the socket */
			fd = dial_nb(f, port, cpu);
			task_join(&t);
			show_poller("woken", &p);
			say("client", "%s", wait_state(&fd, 1, "CLOSE", 1) ?
			    "reset" : "not reset");
			say("listens", "%d", proc_tcp_count(port, ST_LISTEN));
			close(fd);
		}
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A signal ends it with EINTR, even where SA_RESTART is set */
void poll_signal(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int i, port;
	struct poller p;
	struct task t;

	for_v4_and_v6(f)
		for (i = 0; i < 4; i++) {
			sa.sa_flags = i & 2 ? SA_RESTART : 0;
			sigaction(SIGUSR1, &sa, NULL);
			port = next_port();
			p.lfd = listener(f, port, 64);
			p.use_select = i & 1;
			task_start(&t, poll_forever, &p, i % ncpu);
			task_wait_blocked(&t);
			pthread_kill(t.thread, SIGUSR1);
			task_join(&t);
			show_poller("signal", &p);
			close(p.lfd);
		}
}

/* With nothing there it returns in time: not before, not much later */
void poll_timeout(void)
{
	int fds[MAX_CPU], cpu, n, port, lfd, mask;
	long long start, took;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 1, fds);
		say("accepted", "%d", take_all(lfd, n));
		for (cpu = 0; cpu < ncpu; cpu++) {
			pin(cpu);
			start = now_ms();
			mask = poll_mask(lfd, POLLIN, 50);
			took = now_ms() - start;
			say("empty", "%s in time %d", mask_name(mask),
			    took >= 49 && took < WAIT_MS);
		}
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* Several listeners in one poll(), one of them twice */
void poll_several(void)
{
	struct pollfd p[5] = { 0 };
	int cpu, fd, i, k, port[4], ret;

	for_v4_and_v6(f) {
		for (i = 0; i < 4; i++) {
			port[i] = next_port();
			p[i].fd = listener(f, port[i], 64);
			p[i].events = POLLIN;
		}
		p[4] = p[0];
		for (i = 0; i < 4; i++)
			for (cpu = 0; cpu < ncpu; cpu++) {
				fd = dial(f, port[i], cpu);
				pin(ncpu - 1);
				ret = poll(p, 5, WAIT_MS);
				say("ready", "%d", ret);
				for (k = 0; k < 5; k++)
					say("mask", "%d %s", k,
					    mask_name(p[k].revents));
				close(take(p[i].fd));
				close(fd);
			}
		check_sharded(p[0].fd);
		for (i = 0; i < 4; i++)
			close(p[i].fd);
	}
}

struct crowd {
	int lfd;
	int woken, accepted, empty;
};

static void poll_and_accept(void *arg)
{
	struct pollfd p = { .events = POLLIN };
	struct crowd *c = arg;
	int fd;

	p.fd = c->lfd;
	while (poll(&p, 1, -1) == 1 && !(p.revents & POLLHUP)) {
		__atomic_fetch_add(&c->woken, 1, __ATOMIC_RELAXED);
		fd = accept(c->lfd, NULL, NULL);
		if (fd < 0)
			continue;
		__atomic_fetch_add(&c->accepted, 1, __ATOMIC_RELAXED);
		send(fd, "x", 1, MSG_NOSIGNAL);
		close(fd);
	}
}

/* Sleepers on all CPUs: nobody sleeps on, and each connection is one's */
void poll_crowd(void)
{
	struct task t[2 * MAX_CPU];
	struct crowd c;
	int fd, i, k, port, answered;
	char x;

	for_v4_and_v6(f) {
		memset(&c, 0, sizeof(c));
		port = next_port();
		c.lfd = listener(f, port, 64);
		nonblock(c.lfd);
		for (i = 0; i < 2 * ncpu; i++) {
			task_start(&t[i], poll_and_accept, &c, i % ncpu);
			task_wait_blocked(&t[i]);
		}
		for (answered = k = 0; k < 4 * ncpu; k++) {
			fd = dial(f, port, k % ncpu);
			answered += recv(fd, &x, 1, 0) == 1;
			close(fd);
		}
		check_sharded(c.lfd);
		shutdown(c.lfd, SHUT_RDWR);
		for (i = 0; i < 2 * ncpu; i++)
			task_join(&t[i]);
		say("answered", "%d of %d", answered, k);
		say("accepted", "%d", c.accepted);
		close(c.lfd);
	}
}
