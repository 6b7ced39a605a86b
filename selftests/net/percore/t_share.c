// SPDX-License-Identifier: GPL-2.0
/*
 * t_share.c - one listener in many hands: threads, children, duplicates, other
 * processes, other programs
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "parity.h"
#include "cases.h"

enum { PER_CPU = 4, MAX_GOT = PER_CPU * MAX_CPU };

/* What several acceptors got, by the port of the client */
struct haul {
	int lfd;
	bool poll_first;
	int n;
	int peer[4 * MAX_GOT];
};

static void note(struct haul *h, int peer)
{
	h->peer[__atomic_fetch_add(&h->n, 1, __ATOMIC_SEQ_CST)] = peer;
}

/* Accepts until told to stop by a connection that sends 'q' */
static void acceptor(void *arg)
{
	struct haul *h = arg;
	char c = 0;
	int fd;

	do {
		if (h->poll_first)
			poll_mask(h->lfd, POLLIN, WAIT_MS);
		fd = accept(h->lfd, NULL, NULL);
		if (fd < 0) {
			if (errno == EAGAIN)
				continue;
			note(h, -errno);
			return;
		}
		if (recv(fd, &c, 1, 0) == 1 && c == 'w') {
			note(h, peer_port(fd));
			send(fd, "d", 1, MSG_NOSIGNAL);
		}
		close(fd);
	} while (c != 'q');
}

/* One client after another, from each CPU; who got an answer */
static void serve_all(enum family f, int port, struct haul *h)
{
	int fds[MAX_GOT], i, k, n, once = 0, answered = 0;
	char c;

	n = dial_all(f, port, PER_CPU, fds);
	for (i = 0; i < n; i++)
		send(fds[i], "w", 1, MSG_NOSIGNAL);
	for (i = 0; i < n; i++)
		answered += recv(fds[i], &c, 1, 0) == 1 && c == 'd';
	for (i = 0; i < n; i++) {
		int times = 0;

		for (k = 0; k < h->n; k++)
			times += h->peer[k] == local_port(fds[i]);
		once += times == 1;
	}
	say("answered", "%d of %d", answered, n);
	say("accepted_once", "%d of %d", once, h->n);
	close_all(fds, n);
}

static void quit(enum family f, int port, int acceptors)
{
	int i, fd;

	for (i = 0; i < acceptors; i++) {
		fd = dial(f, port, i % ncpu);
		send(fd, "q", 1, MSG_NOSIGNAL);
		close(fd);
	}
}

static void threads(enum family f, int n, bool pinned)
{
	struct haul *h = shared_mem(sizeof(*h));
	struct task t[4 * MAX_CPU];
	int i, port = next_port();

	h->lfd = listener(f, port, 128);
	for (i = 0; i < n; i++) {
		task_start(&t[i], acceptor, h, pinned ? i % ncpu : -1);
		task_wait_blocked(&t[i]);
	}
	serve_all(f, port, h);
	check_sharded(h->lfd);
	quit(f, port, n);
	for (i = 0; i < n; i++)
		task_join(&t[i]);
	close(h->lfd);
}

void share_threads(void)
{
	for_v4_and_v6(f) {
		threads(f, ncpu, true);
		threads(f, 1, true);
		threads(f, 2 * ncpu, true);
		threads(f, ncpu, false);
	}
}

static void forked(enum family f, int n, bool poll_first)
{
	struct haul *h = shared_mem(sizeof(*h));
	int i, port = next_port();
	pid_t pid[4 * MAX_CPU];

	h->lfd = listener(f, port, 128);
	h->poll_first = poll_first;
	if (poll_first)
		nonblock(h->lfd);
	for (i = 0; i < n; i++)
		pid[i] = spawn(acceptor, h, i % ncpu);
	serve_all(f, port, h);
	check_sharded(h->lfd);
	quit(f, port, n);
	for (i = 0; i < n; i++)
		say("exit", "%d", reap(pid[i]));
	close(h->lfd);
}

void share_fork(void)
{
	for_v4_and_v6(f) {
		forked(f, 1, false);
		forked(f, ncpu, false);
		forked(f, 2 * ncpu, false);
		forked(f, ncpu, true);
	}
}

/* The parent's descriptor closed: the children's goes on */
void share_parent_closed(void)
{
	struct haul *h;
	int i, port;
	pid_t pid[MAX_CPU];

	for_v4_and_v6(f) {
		h = shared_mem(sizeof(*h));
		port = next_port();
		h->lfd = listener(f, port, 128);
		for (i = 0; i < ncpu; i++)
			pid[i] = spawn(acceptor, h, i);
		check_sharded(h->lfd);
		close(h->lfd);
		serve_all(f, port, h);
		quit(f, port, ncpu);
		for (i = 0; i < ncpu; i++)
			say("exit", "%d", reap(pid[i]));
		say("listens", "%d", proc_tcp_count(port, ST_LISTEN));
		sayr("connect", dial(f, port, 0));
	}
}

/* dup(), F_DUPFD and pidfd_getfd() of one listener, in turn */
void share_dup(void)
{
	int fds[4], lfd[4], cpu, i, kid, port, pidfd;

	for_v4_and_v6(f) {
		port = next_port();
		lfd[0] = listener(f, port, 64);
		lfd[1] = dup(lfd[0]);
		lfd[2] = fcntl(lfd[0], F_DUPFD_CLOEXEC, 100);
		pidfd = syscall(SYS_pidfd_open, getpid(), 0);
		lfd[3] = syscall(SYS_pidfd_getfd, pidfd, lfd[0], 0);
		close(pidfd);
		for (cpu = 0; cpu < ncpu; cpu++)
			for (i = 0; i < 4; i++) {
				if (lfd[i] < 0)
					continue;
				fds[i] = dial(f, port, cpu);
				say("mask", "%s", mask_name(
					poll_mask(lfd[(i + 1) % 4], POLLIN,
						  WAIT_MS)));
				kid = take(lfd[i]);
				say("works", "%d", ping_pong(fds[i], kid));
				close(kid);
				close(fds[i]);
			}
		check_sharded(lfd[0]);
		close_all(lfd, 4);
		sayr("connect", dial(f, port, 0));
	}
}

static void send_fd(int sock, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	if (sendmsg(sock, &m, 0) != 1)
		die("sendmsg");
}

static int recv_fd(int sock)
{
	char space[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = space, .msg_controllen = sizeof(space),
	};
	int fd;

	if (recvmsg(sock, &m, 0) != 1)
		die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

struct receiver {
	int sock;
	struct haul *h;
};

static void receiver(void *arg)
{
	struct receiver *r = arg;

	r->h->lfd = recv_fd(r->sock);
	acceptor(r->h);
}

/* The listener travels to another process; its first owner lets go of it */
void share_scm_rights(void)
{
	int pair[2], fds[MAX_CPU], n, port, lfd;
	struct receiver r;
	pid_t pid;

	for_v4_and_v6(f) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socketpair");
		r.sock = pair[1];
		r.h = shared_mem(sizeof(*r.h));
		pid = spawn(receiver, &r, ncpu - 1);
		port = next_port();
		lfd = listener(f, port, 128);
		n = dial_all(f, port, 1, fds);
		check_sharded(lfd);
		send_fd(pair[0], lfd);
		close(lfd);
		close_all(fds, n);
		serve_all(f, port, r.h);
		quit(f, port, 1);
		say("exit", "%d", reap(pid));
		close_all(pair, 2);
	}
}

/* In flight only: nobody has it open, and it goes when the socket pair goes */
void share_in_flight(void)
{
	int pair[2], fds[MAX_CPU], i, n, kid, port, lfd;

	for_v4_and_v6(f) {
		socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		port = next_port();
		lfd = listener(f, port, 128);
		n = dial_all(f, port, 1, fds);
		check_sharded(lfd);
		send_fd(pair[0], lfd);
		close(lfd);
		say("established", "%d", count_state(fds, n, "ESTABLISHED"));
		lfd = recv_fd(pair[1]);
		for (i = 0; i < n; i++) {
			kid = take(lfd);
			say("works", "%d", ping_pong(
				fds[port_owner(peer_port(kid), fds, n)], kid));
			close(kid);
		}
		close_all(fds, n);
		n = dial_all(f, port, 1, fds);
		send_fd(pair[0], lfd);
		close(lfd);
		close_all(pair, 2);
		say("reset", "%d", wait_state(fds, n, "CLOSE", n));
		close_all(fds, n);
	}
}

/* Another program, started with the listener as its descriptor 3 */
void share_exec(void)
{
	int fds[2 * MAX_CPU], i, n, port, lfd;
	char c = 0, number[8];
	pid_t pid;

	for_v4_and_v6(f) {
		port = next_port();
		lfd = listener(f, port, 128);
		n = dial_all(f, port, 2, fds);
		check_sharded(lfd);
		snprintf(number, sizeof(number), "%d", n);
		pid = fork();
		if (!pid) {
			dup2(lfd, 3);
			execl("/proc/self/exe", "parity", "serve", number,
			      NULL);
			_exit(127);
		}
		close(lfd);
		for (i = 0; i < n; i++) {
			say("read", "%zd", recv(fds[i], &c, 1, 0));
			say("got", "%c", c);
		}
		say("exit", "%d", reap(pid));
		close_all(fds, n);
		say("listens", "%d", proc_tcp_count(port, ST_LISTEN));
	}
}

/* A stopped worker: the other one serves all CPUs' connections */
void share_stopped(void)
{
	struct haul *h;
	pid_t pid[MAX_CPU];
	int cpu, i, port, mode;

	for_v4_and_v6(f)
		for (mode = 0; mode < 2; mode++) {
			h = shared_mem(sizeof(*h));
			port = next_port();
			h->lfd = listener(f, port, 128);
			h->poll_first = mode;
			if (mode)
				nonblock(h->lfd);
			for (cpu = 0; cpu < ncpu; cpu++) {
				pid[cpu] = spawn(acceptor, h, cpu);
				wait_blocked(pid[cpu]);
				if (cpu)
					kill(pid[cpu], SIGSTOP);
			}
			for (cpu = 1; cpu < ncpu; cpu++)
				waitpid(pid[cpu], &i, WUNTRACED);
			serve_all(f, port, h);
			check_sharded(h->lfd);
			for (cpu = 1; cpu < ncpu; cpu++)
				kill(pid[cpu], SIGCONT);
			quit(f, port, ncpu);
			for (cpu = 0; cpu < ncpu; cpu++)
				say("exit", "%d", reap(pid[cpu]));
			close(h->lfd);
		}
}
