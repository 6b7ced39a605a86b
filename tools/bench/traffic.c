// SPDX-License-Identifier: GPL-2.0
/*
 * traffic.c - the two ends of each scenario of the benchmark
 *
 *	traffic serve WORKERS MODEL SOCKETS
 *	traffic drive KIND FIRST_CPU CPUS FLOWS EACH WARM
 *
 * The server has worker i on CPU i, and prints "listening" when it is. How its
 * workers wait for a connection is MODEL:
 *
 *	lt	each has an epoll, level-triggered
 *	excl	the same with EPOLLEXCLUSIVE
 *	block	each in accept(); it answers before it accepts again
 *
 * and for which socket is SOCKETS:
 *
 *	shared		one for all
 *	reuseport	one each, with SO_REUSEPORT
 *	reuseport-cpu	the same, with a program that selects by CPU
 *
 * On SIGTERM it prints how many connections it accepted, and how many on the
 * CPU that took the SYN.
 *
 * The client has FLOWS threads on CPUs from FIRST_CPU, in turn. Each does WARM
 * operations, all wait for each other, each does EACH operations between the
 * two marks for count.c. KIND:
 *
 *	tx, rx	a segment of 1448 bytes from, to the server; each flow is one
 *		connection
 *	rr	one byte there and back
 *	crr	connect, 96 bytes there, 256 back, close by the server
 *	udp	a datagram of 64 bytes there; each 32 one back, waited for
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

#define SERVER	"10.0.0.1"

enum { TCP_PORT = 7000, UDP_PORT = 7100 };	/* UDP: + worker */
enum { MAX_WORKERS = 64, BACKLOG = 4096, ACCEPT_BATCH = 16 };
enum { SEGMENT = 1448, CHUNK = 65536 };
enum { ASK_ONCE = 96, ANSWER_ONCE = 256, DATAGRAM = 64, UDP_WINDOW = 32 };
enum { EXIT_FAULT = 1, EXIT_USAGE = 2 };

enum kind { TX, RX, RR, CRR, UDP, KINDS };

/* What a client says first on a connection, and before each stream */
struct ask {
	uint64_t kind;
	uint64_t bytes;		/* TX, RX: how many */
};

static const int on = 1;

static void fail(const char *what)
{
	fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAULT);
}

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static void start(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, body, arg);
	if (errno)
		fail("pthread_create");
	pthread_detach(thread);
}

static bool send_all(int fd, uint64_t bytes)
{
	static const char from[CHUNK];
	ssize_t n;

	for (; bytes; bytes -= n) {
		n = send(fd, from, bytes < CHUNK ? bytes : CHUNK, 0);
		if (n <= 0)
			return false;
	}
	return true;
}

static bool recv_all(int fd, uint64_t bytes)
{
	static __thread char to[CHUNK];
	ssize_t n;

	for (; bytes; bytes -= n) {
		n = recv(fd, to, bytes < CHUNK ? bytes : CHUNK, 0);
		if (n <= 0)
			return false;
	}
	return true;
}

/* ---- server ---- */

struct worker {
	int number, listener;
	uint64_t accepts, local;
	char pad[40];		/* a cache line each */
};

struct stream {
	int fd;
	struct ask ask;
};

static struct worker workers[MAX_WORKERS];
static const char *model;

static int open_socket(int type, int port, bool reuseport)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};
	int fd = socket(AF_INET, type, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (fd < 0 || bind(fd, (void *)&a, sizeof(a)))
		fail("bind");
	return fd;
}

static int open_listener(bool reuseport)
{
	bool block = !strcmp(model, "block");
	int fd = open_socket(block ? SOCK_STREAM : SOCK_STREAM | SOCK_NONBLOCK,
			     TCP_PORT, reuseport);

	if (listen(fd, BACKLOG))
		fail("listen");
	return fd;
}

/* The socket of worker i for a SYN that CPU i took */
static void select_by_cpu(int fd)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF + SKF_AD_CPU },
		{ BPF_RET | BPF_A, 0, 0, 0 },
	};
	struct sock_fprog program = { 2, code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
		       sizeof(program)))
		fail("SO_ATTACH_REUSEPORT_CBPF");
}

/* A connection that stays has a thread of its own, on its worker's CPU */
static void *serve_stream(void *arg)
{
	struct stream *s = arg;
	struct ask ask = s->ask;
	ssize_t n = sizeof(ask);
	int fd = s->fd;
	char byte;

	free(s);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	send_all(fd, 1);
	if (ask.kind == RR) {
		while (recv(fd, &byte, 1, 0) == 1 && send(fd, &byte, 1, 0) == 1)
			;
	} else {
		while (recv(fd, &ask, sizeof(ask), MSG_WAITALL) == n &&
		       (ask.kind == TX ? send_all(fd, ask.bytes) :
			recv_all(fd, ask.bytes) && send_all(fd, 1)))
			;
	}
	close(fd);
	return NULL;
}

/* Its first data is there, or has to be waited for. ep: where it is, or -1 */
static void answer(int fd, int ep)
{
	char got[ASK_ONCE];
	struct stream *s;
	struct ask ask;

	if (recv(fd, got, sizeof(got), 0) < (ssize_t)sizeof(ask)) {
		close(fd);
		return;
	}
	memcpy(&ask, got, sizeof(ask));
	if (ask.kind == CRR) {
		send_all(fd, ANSWER_ONCE);
		close(fd);
		return;
	}
	s = malloc(sizeof(*s));
	if (!s)
		fail("malloc");
	s->fd = fd;
	s->ask = ask;
	if (ep >= 0)
		epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
	start(serve_stream, s);
}

static int take(struct worker *w)
{
	int fd = accept(w->listener, NULL, NULL), cpu = -1;
	socklen_t size = sizeof(cpu);

	if (fd < 0)
		return fd;
	getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size);
	w->accepts++;
	w->local += cpu == w->number;
	return fd;
}

static void epoll_add(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		fail("epoll_ctl");
}

static void accept_some(struct worker *w, int ep)
{
	int i, fd;

	for (i = 0; i < ACCEPT_BATCH; i++) {
		fd = take(w);
		if (fd < 0)
			break;
		epoll_add(ep, fd, EPOLLIN);
	}
}

static void wait_in_epoll(struct worker *w)
{
	struct epoll_event evs[64];
	int ep = epoll_create1(0), i, n;

	epoll_add(ep, w->listener,
		  strcmp(model, "excl") ? EPOLLIN : EPOLLIN | EPOLLEXCLUSIVE);
	for (;;) {
		n = epoll_wait(ep, evs, 64, -1);
		for (i = 0; i < n; i++) {
			int fd = evs[i].data.fd;

			if (fd == w->listener)
				accept_some(w, ep);
			else
				answer(fd, ep);
		}
	}
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	int fd;

	pin_to(w->number);
	if (strcmp(model, "block"))
		wait_in_epoll(w);
	for (;;) {
		fd = take(w);
		if (fd >= 0)
			answer(fd, -1);
	}
	return NULL;
}

static void *run_udp_worker(void *arg)
{
	struct worker *w = arg;
	int fd = open_socket(SOCK_DGRAM, UDP_PORT + w->number, false);
	struct sockaddr_in peer;
	char data[DATAGRAM];
	uint64_t count = 0;
	socklen_t size;

	pin_to(w->number);
	for (;;) {
		size = sizeof(peer);
		if (recvfrom(fd, data, sizeof(data), 0, (void *)&peer,
			     &size) >= 0 && ++count % UDP_WINDOW == 0)
			sendto(fd, data, 16, 0, (void *)&peer, size);
	}
	return NULL;
}

static int serve(int count, const char *sockets)
{
	bool shared = !strcmp(sockets, "shared");
	uint64_t accepts = 0, local = 0;
	sigset_t term;
	int i, sig;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, NULL);
	for (i = 0; i < count; i++) {
		workers[i].number = i;
		workers[i].listener = i && shared ? workers[0].listener :
				      open_listener(!shared);
	}
	if (!strcmp(sockets, "reuseport-cpu"))
		select_by_cpu(workers[0].listener);
	for (i = 0; i < count; i++) {
		start(run_worker, &workers[i]);
		start(run_udp_worker, &workers[i]);
	}
	printf("listening\n");
	sigwait(&term, &sig);
	for (i = 0; i < count; i++) {
		accepts += workers[i].accepts;
		local += workers[i].local;
	}
	printf("accepts=%lu local=%lu\n", accepts, local);
	return 0;
}

/* ---- client ---- */

struct flow {
	int number, fd;
};

static enum kind kind;
static int first_cpu, cpus, flows;
static uint64_t each, warm;
static int errors;
static pthread_barrier_t gate;

static int dial(int type, int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};
	int fd = socket(AF_INET, type, 0);

	inet_aton(SERVER, &a.sin_addr);
	if (fd < 0 || connect(fd, (void *)&a, sizeof(a)))
		fail("connect");
	return fd;
}

static void open_flow(struct flow *f)
{
	struct timeval patience = { 1, 0 };
	struct ask ask = { .kind = kind };

	if (kind == CRR)
		return;
	if (kind == UDP) {
		f->fd = dial(SOCK_DGRAM, UDP_PORT + f->number);
		setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		return;
	}
	f->fd = dial(SOCK_STREAM, TCP_PORT);
	setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (send(f->fd, &ask, sizeof(ask), 0) != sizeof(ask) ||
	    !recv_all(f->fd, 1))
		fail("open_flow");
}

static bool connect_once(void)
{
	struct ask asks[ASK_ONCE / sizeof(struct ask)] = { { .kind = CRR } };
	int fd = dial(SOCK_STREAM, TCP_PORT);
	char got[2 * ANSWER_ONCE];
	ssize_t sum = 0, n;

	if (send(fd, asks, sizeof(asks), 0) == sizeof(asks)) {
		while ((n = recv(fd, got, sizeof(got), 0)) > 0)
			sum += n;
	}
	close(fd);
	return sum == ANSWER_ONCE;
}

static bool stream(struct flow *f, uint64_t segments)
{
	struct ask ask = { .kind = kind, .bytes = segments * SEGMENT };

	if (send(f->fd, &ask, sizeof(ask), 0) != sizeof(ask))
		return false;
	return kind == TX ? recv_all(f->fd, ask.bytes) :
	       send_all(f->fd, ask.bytes) && recv_all(f->fd, 1);
}

static bool send_datagram(struct flow *f, uint64_t number)
{
	char data[DATAGRAM] = "";

	send(f->fd, data, sizeof(data), 0);
	return (number + 1) % UDP_WINDOW || recv(f->fd, data, 16, 0) == 16;
}

static void operate(struct flow *f, uint64_t count)
{
	uint64_t i;
	bool good;

	if (kind == TX || kind == RX) {
		if (!stream(f, count))
			fail("stream");
		return;
	}
	for (i = 0; i < count; i++) {
		if (kind == UDP)
			good = send_datagram(f, i);
		else if (kind == CRR)
			good = connect_once();
		else
			good = send_all(f->fd, 1) && recv_all(f->fd, 1);
		if (!good)
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
	}
}

static void *run_flow(void *arg)
{
	struct flow *f = arg;

	pin_to(first_cpu + f->number % cpus);
	open_flow(f);
	operate(f, warm);
	pthread_barrier_wait(&gate);	/* all are warm */
	pthread_barrier_wait(&gate);	/* the begin is marked */
	operate(f, each);
	pthread_barrier_wait(&gate);
	return NULL;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int drive(void)
{
	struct flow *flow = calloc(flows, sizeof(*flow));
	double took;
	int i;

	if (!flow)
		fail("calloc");
	pin_to(first_cpu);
	pthread_barrier_init(&gate, NULL, flows + 1);
	for (i = 0; i < flows; i++) {
		flow[i].number = i;
		start(run_flow, &flow[i]);
	}
	pthread_barrier_wait(&gate);
	took = seconds();
	mark(MARK_BEGIN);
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&gate);
	mark(MARK_END);
	took = seconds() - took;
	printf("ops=%lu errors=%d us=%.0f\n", flows * each, errors, took * 1e6);
	return errors ? EXIT_FAULT : 0;
}

/* ---- */

static int usage(void)
{
	fprintf(stderr,
		"usage: traffic serve WORKERS lt|excl|block"
		" shared|reuseport|reuseport-cpu\n"
		"       traffic drive tx|rx|rr|crr|udp FIRST_CPU CPUS FLOWS EACH"
		" WARM\n");
	return EXIT_USAGE;
}

/* Its place among words, which end with NULL, or that of the NULL */
static int index_of(const char *word, const char *const *words)
{
	int i = 0;

	while (words[i] && strcmp(word, words[i]))
		i++;
	return i;
}

int main(int argc, char **argv)
{
	static const char *const models[] = { "lt", "excl", "block", NULL };
	static const char *const kinds[] = {
		"tx", "rx", "rr", "crr", "udp", NULL
	};
	static const char *const sockets[] = {
		"shared", "reuseport", "reuseport-cpu", NULL
	};
	int count;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && !strcmp(argv[1], "serve")) {
		count = atoi(argv[2]);
		model = models[index_of(argv[3], models)];
		if (count < 1 || count > MAX_WORKERS || !model ||
		    !sockets[index_of(argv[4], sockets)])
			return usage();
		return serve(count, argv[4]);
	}
	if (argc == 8 && !strcmp(argv[1], "drive")) {
		kind = index_of(argv[2], kinds);
		first_cpu = atoi(argv[3]);
		cpus = atoi(argv[4]);
		flows = atoi(argv[5]);
		each = atol(argv[6]);
		warm = atol(argv[7]);
		if (kind == KINDS || cpus < 1 || flows < 1 || !each)
			return usage();
		return drive();
	}
	return usage();
}
