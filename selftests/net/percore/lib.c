// SPDX-License-Identifier: GPL-2.0
/*
 * lib.c - output, and sockets over loopback, for the parity cases
 */
#include <fcntl.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "parity.h"

const char *const family_name[FAMILIES] = { "v4", "v6", "dual" };
int ncpu;
int linger_ms = 30;

static char scope_name[64];
static int cpu_id[MAX_CPU];

/* Prefixes the keys that follow; true, so that it can stand in a condition */
bool enter(const char *scope)
{
	snprintf(scope_name, sizeof(scope_name), "%s%s", scope,
		 *scope ? "." : "");
	return true;
}

void say(const char *key, const char *fmt, ...)
{
	va_list ap;

	printf("%s%s ", scope_name, key);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

const char *res(long ret)
{
	return ret >= 0 ? "ok" : strerrorname_np(errno);
}

void sayr(const char *key, long ret)
{
	say(key, "%s", res(ret));
}

void skip(const char *fmt, ...)
{
	va_list ap;

	printf("SKIP ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(EXIT_SKIP);
}

void die(const char *what)
{
	printf("%sDIED %s: %s\n", scope_name, what, strerrorname_np(errno));
	fflush(stdout);
	_exit(1);
}

/* Pins the calling thread to the cpu'th CPU of those it started with */
void pin(int cpu)
{
	cpu_set_t set;
	int i;

	if (!ncpu) {
		if (sched_getaffinity(0, sizeof(set), &set))
			die("sched_getaffinity");
		for (i = 0; i < CPU_SETSIZE && ncpu < MAX_CPU; i++)
			if (CPU_ISSET(i, &set))
				cpu_id[ncpu++] = i;
	}
	CPU_ZERO(&set);
	CPU_SET(cpu_id[cpu], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

void unpin(void)
{
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	for (i = 0; i < ncpu; i++)
		CPU_SET(cpu_id[i], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/* A port that no earlier part of this case used: the netns is fresh */
int next_port(void)
{
	static int port = 7000;

	return port++;
}

socklen_t address(enum family f, int port, bool listening,
		  struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *a6 = (void *)ss;
	struct sockaddr_in *a4 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (f == V4 || (f == DUAL && !listening)) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(port);
		a4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*a4);
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons(port);
	a6->sin6_addr = f == V6 ? in6addr_loopback : in6addr_any;
	return sizeof(*a6);
}

int tcp(enum family f, int flags)
{
	int fd = socket(f == V4 ? AF_INET : AF_INET6, SOCK_STREAM | flags, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

int bound(enum family f, int port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(f, port, true, &ss);
	int fd = tcp(f, 0);

	if (bind(fd, (void *)&ss, len))
		die("bind");
	return fd;
}

int listener(enum family f, int port, int backlog)
{
	int fd = bound(f, port);

	if (listen(fd, backlog))
		die("listen");
	return fd;
}

int set_int(int fd, int level, int opt, int val)
{
	return setsockopt(fd, level, opt, &val, sizeof(val));
}

/* The value of an int option, or minus the errno */
int get_int(int fd, int level, int opt)
{
	socklen_t len = sizeof(int);
	int val = 0;

	if (getsockopt(fd, level, opt, &val, &len))
		return -errno;
	return val;
}

/* The pending error of a socket, by name */
const char *error_of(int fd)
{
	int err = get_int(fd, SOL_SOCKET, SO_ERROR);

	return err > 0 ? strerrorname_np(err) : err ? res(-1) : "none";
}

/* After EINTR the handshake goes on: io_uring's work interrupts like signals */
static int finish_connect(int fd)
{
	poll_mask(fd, POLLOUT, WAIT_MS);
	errno = get_int(fd, SOL_SOCKET, SO_ERROR);
	return errno ? -1 : 0;
}

static int dial_flags(enum family f, int port, int cpu, int flags)
{
	struct timeval tv = { .tv_sec = 8 };
	struct sockaddr_storage ss;
	socklen_t len = address(f, port, false, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | flags, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (cpu >= 0)
		pin(cpu);
	if (connect(fd, (void *)&ss, len) && errno != EINPROGRESS &&
	    (errno != EINTR || finish_connect(fd))) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* A connection whose SYN is handled on @cpu; -1 and errno if refused */
int dial(enum family f, int port, int cpu)
{
	return dial_flags(f, port, cpu, 0);
}

/* The same, without waiting for the handshake */
int dial_nb(enum family f, int port, int cpu)
{
	return dial_flags(f, port, cpu, SOCK_NONBLOCK);
}

/* @per_cpu rounds over the CPUs; fds[i] came from CPU i % ncpu */
int dial_all(enum family f, int port, int per_cpu, int *fds)
{
	int i, n = per_cpu * ncpu;

	for (i = 0; i < n; i++) {
		fds[i] = dial(f, port, i % ncpu);
		if (fds[i] < 0)
			die("connect");
	}
	return n;
}

/* Accepts one connection that is there or is about to be */
int take_flags(int lfd, int flags)
{
	long long end = now_ms() + WAIT_MS;
	int fd;

	do {
		if (!poll_mask(lfd, POLLIN, end - now_ms())) {
			errno = ETIMEDOUT;
			return -1;
		}
		fd = accept4(lfd, NULL, NULL, flags);
	} while (fd < 0 && errno == EAGAIN && now_ms() < end);
	return fd;
}

int take(int lfd)
{
	return take_flags(lfd, 0);
}

/* Accepts and closes up to @n; how many there were */
int take_all(int lfd, int n)
{
	int i, fd;

	for (i = 0; i < n; i++) {
		fd = take(lfd);
		if (fd < 0)
			break;
		close(fd);
	}
	return i;
}

static int port_of(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET ?
		     ((const struct sockaddr_in *)ss)->sin_port :
		     ((const struct sockaddr_in6 *)ss)->sin6_port);
}

int peer_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getpeername(fd, (void *)&ss, &len) ? -1 : port_of(&ss);
}

int local_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getsockname(fd, (void *)&ss, &len) ? -1 : port_of(&ss);
}

/* Which of the clients has @port as its own; -1 if none */
int port_owner(int port, const int *fds, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (fds[i] >= 0 && local_port(fds[i]) == port)
			return i;
	return -1;
}

void close_all(const int *fds, int n)
{
	while (n--)
		if (fds[n] >= 0)
			close(fds[n]);
}

const char *state_of(int fd)
{
	static const char *const name[] = {
		[1] = "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
		"LISTEN", "CLOSING", "NEW_SYN_RECV"
	};
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		return strerrorname_np(errno);
	return ti.tcpi_state < 13 && name[ti.tcpi_state] ?
		name[ti.tcpi_state] : "?";
}

int count_state(const int *fds, int n, const char *state)
{
	int found = 0;

	while (n--)
		found += fds[n] >= 0 && !strcmp(state_of(fds[n]), state);
	return found;
}

/* Waits until @want of them are in @state, and says how many are */
int wait_state(const int *fds, int n, const char *state, int want)
{
	long long end = now_ms() + WAIT_MS;

	while (count_state(fds, n, state) < want && now_ms() < end)
		sleep_ms(5);
	return count_state(fds, n, state);
}

int poll_mask(int fd, int events, int ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, ms < 0 ? 0 : ms);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? p.revents : 0;
}

const char *mask_name(unsigned int mask)
{
	static const struct { unsigned int bit; const char *name; } bits[] = {
		{ EPOLLIN, "IN" }, { EPOLLPRI, "PRI" }, { EPOLLOUT, "OUT" },
		{ EPOLLERR, "ERR" }, { EPOLLHUP, "HUP" },
		{ EPOLLRDNORM, "RDNORM" }, { EPOLLWRNORM, "WRNORM" },
		{ EPOLLRDHUP, "RDHUP" }, { POLLNVAL, "NVAL" },
	};
	static char text[4][96];
	static int turn;
	char *t = text[turn++ % 4];
	unsigned int i;

	strcpy(t, mask ? "" : "0");
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (mask & bits[i].bit) {
			strcat(t, *t ? "|" : "");
			strcat(t, bits[i].name);
		}
	return t;
}

/*
 * What was sent over loopback by @cpu before this call has been received after
 * it: a datagram to itself goes through the CPU's backlog, which is in order.
 * The second one is for what the first ones were answered with.
 */
static void settle_one(int cpu, int fd, const struct sockaddr_in *self)
{
	int i;
	char c;

	pin(cpu);
	for (i = 0; i < 2; i++)
		if (sendto(fd, "x", 1, 0, (const void *)self,
			   sizeof(*self)) != 1 || recv(fd, &c, 1, 0) != 1)
			die("settle");
}

/* One CPU, or all if @cpu is negative */
void settle_on(int cpu)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	cpu_set_t was;
	int i, fd;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&a, len) ||
	    getsockname(fd, (void *)&a, &len) ||
	    sched_getaffinity(0, sizeof(was), &was))
		die("settle");
	for (i = 0; i < ncpu; i++)
		if (cpu < 0 || i == cpu)
			settle_one(i, fd, &a);
	sched_setaffinity(0, sizeof(was), &was);
	close(fd);
}

void settle(void)
{
	settle_on(-1);
}

void nonblock(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		die("fcntl");
}

long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&t, NULL);
}

/* Is this child the other end of this client, and do bytes go both ways? */
bool ping_pong(int client, int child)
{
	char c = 0;

	return peer_port(child) == local_port(client) &&
	       send(client, "a", 1, MSG_NOSIGNAL) == 1 &&
	       recv(child, &c, 1, 0) == 1 && c == 'a' &&
	       send(child, "b", 1, MSG_NOSIGNAL) == 1 &&
	       recv(client, &c, 1, 0) == 1 && c == 'b';
}
