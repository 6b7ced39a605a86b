// SPDX-License-Identifier: GPL-2.0
/*
 * t_life.c - how the owner of a listener may end: killed, replaced by another
 * program, with its namespace; protocols on top of its connections; and what
 * becomes of a socket that listened
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <linux/tls.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct owner {
	enum family f;
	int port, ready[2], go[2];
	int threads;		/* that sleep in accept() */
	int end;		/* what it does when told to go */
	int lfd;
};

enum { BY_KILL, BY_EXIT, BY_EXEC, BY_ABORT };

static void sleep_in_accept(void *arg)
{
	struct owner *o = arg;

	while (accept(o->lfd, NULL, NULL) >= 0)
		;
}

static void owner(void *arg)
{
	struct owner *o = arg;
	struct task t[MAX_CPU];
	int i;
	char c;

	o->lfd = listener(o->f, o->port, 64);
	fcntl(o->lfd, F_SETFD, FD_CLOEXEC);
	for (i = 0; i < o->threads; i++) {
		task_start(&t[i], sleep_in_accept, o, i % ncpu);
		task_wait_blocked(&t[i]);
	}
	if (write(o->ready[1], "r", 1) != 1 || read(o->go[0], &c, 1) != 1)
		die("pipe");
	if (o->end == BY_EXEC)
		execl("/bin/sleep", "sleep", "0", NULL);
	if (o->end == BY_ABORT)
		kill(getpid(), SIGSEGV);
	_exit(3);
}

/* How the clients fare when the owner ends */
static void end_owner(enum family f, const char *key, int end, int threads)
{
	struct owner o = { .f = f, .port = next_port(), .threads = threads,
			   .end = end };
	int fds[2 * MAX_CPU], n = 0;
	pid_t pid;
	char c;

	if (pipe(o.ready) || pipe(o.go))
		die("pipe");
	pid = spawn(owner, &o, -1);
	if (read(o.ready[0], &c, 1) != 1)
		die("owner");
	if (!threads)			/* else they would be accepted */
		n = dial_all(f, o.port, 2, fds);
	settle();
	if (end == BY_KILL)
		kill(pid, SIGKILL);
	else if (write(o.go[1], "g", 1) != 1)
		die("pipe");
	say(key, "exit %d", reap(pid));
	settle();
	say(key, "reset %d of %d", count_state(fds, n, "CLOSE"), n);
	say(key, "listens %d", proc_tcp_count(o.port, ST_LISTEN));
	sayr("connect", dial(f, o.port, 0));
	sayr("listen_again", listener(f, o.port, 5));
	close_all(fds, n);
	close_all(o.ready, 2);
	close_all(o.go, 2);
}

void life_killed(void)
{
	for_each_family(f) {
		end_owner(f, "killed", BY_KILL, 0);
		end_owner(f, "killed_asleep", BY_KILL, ncpu);
	}
}

void life_exits(void)
{
	for_each_family(f) {
		end_owner(f, "exits", BY_EXIT, 0);
		end_owner(f, "exits_asleep", BY_EXIT, ncpu);
		end_owner(f, "aborts_asleep", BY_ABORT, ncpu);
	}
}

/* The descriptor is close-on-exec */
void life_exec(void)
{
	for_each_family(f) {
		end_owner(f, "exec", BY_EXEC, 0);
		end_owner(f, "exec_asleep", BY_EXEC, ncpu);
	}
}

/* One of several sleepers is killed; the others get all connections */
static void take_forever(void *arg)
{
	int *lfd = arg, fd;

	while ((fd = accept(*lfd, NULL, NULL)) >= 0) {
		send(fd, "s", 1, MSG_NOSIGNAL);
		close(fd);
	}
}

void life_one_killed(void)
{
	int cpu, fd, k, port, lfd, answered;
	pid_t pid[MAX_CPU];
	char c;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (cpu = 0; cpu < ncpu; cpu++) {
			pid[cpu] = spawn(take_forever, &lfd, cpu);
			wait_blocked(pid[cpu]);
		}
		for (answered = k = 0; k < ncpu; k++) {
			for (cpu = 0; cpu < ncpu; cpu++) {
				fd = dial(f, port, cpu);
				answered += recv(fd, &c, 1, 0) == 1;
				close(fd);
			}
			if (!k)
				check_sharded(lfd);
			kill(pid[k], SIGKILL);
			say("exit", "%d", reap(pid[k]));
		}
		say("answered", "%d of %d", answered, ncpu * ncpu);
		close(lfd);
	}
}

static void netns_owner(void *arg)
{
	int *ready = arg, fds[2 * MAX_CPU], n = 0, port, lfd;
	char out[256];

	if (unshare(CLONE_NEWNET) ||
	    tool(out, sizeof(out), "ip link set lo up 2>&1"))
		die("netns");
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		n = dial_all(f, port, 2, fds);
		close(take(lfd));
		lfd = listener(f, next_port(), 64);
		set_int(lfd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
		n += dial_all(f, local_port(lfd), 1, fds);
	}
	if (write(ready[1], "r", 1) != 1)
		die("pipe");
	pause();
}

/*
 * A namespace ends with its last process, while connections wait in it and
 * are half-open: one end of a pair of devices in it goes, so the other does.
 */
void life_netns(void)
{
	int ready[2], i, round;
	char out[256], c;
	pid_t pid;

	for (round = 0; round < 2; round++) {
		if (pipe(ready))
			die("pipe");
		pid = spawn(netns_owner, ready, -1);
		if (read(ready[0], &c, 1) != 1)
			die("owner");
		if (tool(out, sizeof(out), "ip link add mark type veth peer "
			 "name mark netns %d 2>&1", pid)) {
			kill(pid, SIGKILL);
			skip("no veth: %s", strtok(out, "\n"));
		}
		kill(pid, SIGKILL);
		say("exit", "%d", reap(pid));
		for (i = 0; i < 200; i++) {
			if (tool(out, sizeof(out),
				 "ip link show mark >/dev/null 2>&1"))
				break;
			sleep_ms(50);
		}
		say("gone", "%d", i < 200);
		close_all(ready, 2);
	}
}

/* TLS in the kernel on a child */
void life_tls(void)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info = { TLS_1_2_VERSION, TLS_CIPHER_AES_GCM_128 },
		.iv = "ivivivi", .key = "0123456789abcde", .salt = "sal",
	};
	int fds[MAX_CPU], i, n, kid, port, lfd;
	char buf[32];

	for_each_family(f) {
		/* the kernel makes its tables of the first that comes */
		lfd = listener(f, next_port(), 64);
		shutdown(lfd, SHUT_RDWR);
		sayr("ulp_of_ended", setsockopt(lfd, IPPROTO_TCP, TCP_ULP,
						"tls", 4));
		close(lfd);
		port = next_port();
		lfd = listener(f, port, 64);
		sayr("ulp_of_listener", setsockopt(lfd, IPPROTO_TCP, TCP_ULP,
						   "tls", 4));
		n = dial_all(f, port, 1, fds);
		for (i = 0; i < n; i++) {
			pin(i);
			kid = take(lfd);
			if (setsockopt(kid, IPPROTO_TCP, TCP_ULP, "tls", 4))
				skip("TCP_ULP tls: %s", res(-1));
			setsockopt(fds[i], IPPROTO_TCP, TCP_ULP, "tls", 4);
			sayr("tx", setsockopt(kid, SOL_TLS, TLS_TX, &key,
					      sizeof(key)));
			sayr("rx", setsockopt(fds[i], SOL_TLS, TLS_RX, &key,
					      sizeof(key)));
			memset(buf, 0, sizeof(buf));
			say("sent", "%zd", send(kid, "secret words", 12, 0));
			say("got", "%zd %s", recv(fds[i], buf, sizeof(buf), 0),
			    buf);
			close(kid);
		}
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

static int disconnect(int fd)
{
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };

	return connect(fd, &unspec, sizeof(unspec));
}

static int connect_mapped(int fd, int port)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr);
	return connect(fd, (void *)&to, sizeof(to));
}

/* A socket that listened, a connection to @port, and one of IPv4 now */
static int once_listener(int port)
{
	int fd = listener(DUAL, next_port(), 8);

	sayr("disconnect", disconnect(fd));
	sayr("connect", connect_mapped(fd, port));
	sayr("addrform", set_int(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET));
	return fd;
}

/* No listener of IPv4 before, so that it may be the first that percore sees */
void life_addrform(void)
{
	int fd, fds[MAX_CPU], i, kid, n, port = next_port(), target;
	long used;

	target = listener(DUAL, port, 64);
	used = sockstat("sockets", "used");
	for (i = 0; i < 16; i++) {
		fd = once_listener(port);
		close(take(target));
		close(fd);
	}
	for (i = 0; i < 100 && sockstat("sockets", "used") > used; i++)
		sleep_ms(20);
	say("left", "%ld", sockstat("sockets", "used") - used);

	fd = once_listener(port);
	close(take(target));
	sayr("disconnect", disconnect(fd));
	sayr("listen", listen(fd, 8));
	n = dial_all(V4, local_port(fd), 1, fds);
	for (i = 0; i < n; i++) {
		kid = take(fd);
		say("works", "%d", ping_pong(fds[port_owner(peer_port(kid), fds,
							    n)], kid));
		close(kid);
	}
	check_sharded(fd);
	close_all(fds, n);
	close(fd);
	close(target);
}

static void close_it(void *arg)
{
	close(*(int *)arg);
}

/* close() waits for what the peer does not read; settings change meanwhile */
void life_linger(void)
{
	struct linger wait = { .l_onoff = 1, .l_linger = 20 };
	int fd, kid, port = next_port(), target;
	long long since;
	struct task t;
	char *data;

	data = calloc(1, 1 << 20);
	target = bound(V4, port);
	set_int(target, SOL_SOCKET, SO_RCVBUF, 4096);
	listen(target, 8);
	fd = listener(DUAL, next_port(), 8);
	sayr("disconnect", disconnect(fd));
	sayr("connect", connect_mapped(fd, port));
	kid = take(target);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait));
	while (send(fd, data, 1 << 20, MSG_DONTWAIT) > 0)
		;
	task_start(&t, close_it, &fd, ncpu - 1);
	task_wait_blocked(&t);
	since = now_ms();
	sysctl_write("net/percore/listen_shard", "0");
	say("at_once", "%d", now_ms() - since < 5000);
	close(kid);		/* unread: a reset */
	task_join(&t);
	close(target);
	free(data);
}

/* Multipath TCP listens by a TCP socket of the kernel's own */
void life_mptcp(void)
{
	static const int protos[] = { IPPROTO_TCP, IPPROTO_MPTCP };
	struct sockaddr_storage ss;
	int cpu, fd, i, kid, port, lfd;
	socklen_t len;

	for_each_family(f) {
		port = next_port();
		lfd = socket(f == V4 ? AF_INET : AF_INET6, SOCK_STREAM,
			     IPPROTO_MPTCP);
		if (lfd < 0)
			skip("IPPROTO_MPTCP: %s", res(-1));
		len = address(f, port, true, &ss);
		sayr("bind", bind(lfd, (void *)&ss, len));
		sayr("listen", listen(lfd, 64));
		for (i = 0; i < 2; i++)
			for (cpu = 0; cpu < ncpu; cpu++) {
				len = address(f, port, false, &ss);
				fd = socket(ss.ss_family, SOCK_STREAM,
					    protos[i]);
				pin(cpu);
				sayr("connect", connect(fd, (void *)&ss, len));
				pin(0);
				kid = take(lfd);
				say("works", "%d", ping_pong(fd, kid));
				close(fd);
				close(kid);
			}
		fd = dial(f, port, 0);
		sayr("shutdown", shutdown(lfd, SHUT_RDWR));
		close(lfd);
		settle();
		say("client", "%s", state_of(fd));
		close(fd);
	}
}
