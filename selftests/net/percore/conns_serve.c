// SPDX-License-Identifier: GPL-2.0
/*
 * conns_serve.c - the server of the storm: one listener, several ways to wait
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conns.h"

enum { MAX_FD = 20000, BATCH = 8, BURN_EACH = 10 };

/* By id: how long it waited for accept() in us, plus one; 0 if not seen yet */
static struct shared {
	struct worker worker[MAX_WORKERS];
	uint32_t waited[];
} *shared;

static const struct options *opt;
static int shared_ep = -1;
static uint64_t accepted_ns[MAX_FD];	/* by descriptor */
static volatile bool told_to_end;

static void on_term(int sig)
{
	(void)sig;
	told_to_end = true;
}

static void burn(int ms)
{
	struct timespec t;
	uint64_t end = 0, now;

	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		now = t.tv_sec * 1000000000ull + t.tv_nsec;
		if (!end)
			end = now + ms * 1000000ull;
	} while (now < end);
}

static void note_id(struct worker *w, int fd, const struct hello *h)
{
	uint64_t wait_us = 0;
	uint32_t n = h->id;

	if (h->id >> 32 != ID_MAGIC || n >= opt->capacity) {
		w->unknown++;
		return;
	}
	if (accepted_ns[fd] > h->connected_ns)
		wait_us = (accepted_ns[fd] - h->connected_ns) / 1000;
	if (__atomic_exchange_n(&shared->waited[n], wait_us + 1,
				__ATOMIC_RELAXED))
		w->twice++;
	if (n >= w->ids)
		w->ids = n + 1;
}

/* Reads the hello, notes the id, echoes it, closes */
void answer(struct worker *w, int fd)
{
	struct hello h = { 0 };

	if (recv(fd, &h, sizeof(h), MSG_WAITALL) != sizeof(h)) {
		w->broken++;
		close(fd);
		return;
	}
	note_id(w, fd, &h);
	if (opt->burn_ms && w == shared->worker &&
	    ++w->requests % BURN_EACH == 0)
		burn(opt->burn_ms);
	if (send(fd, &h.id, sizeof(h.id), MSG_NOSIGNAL) != sizeof(h.id))
		w->broken++;
	close(fd);
}

void note_accept(struct worker *w, int fd)
{
	socklen_t len = sizeof(int);
	int cpu = -1;

	if (fd >= MAX_FD)
		fail("too many descriptors");
	accepted_ns[fd] = now_ns();
	getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len);
	w->accepts++;
	w->local += cpu == sched_getcpu();
}

/* One connection, or -1 and errno */
static int take(struct worker *w)
{
	int fd = accept4(w->lfd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EAGAIN)
			w->empty++;
		else if (errno != EINTR && errno != EINVAL)
			w->broken++;
		return -1;
	}
	note_accept(w, fd);
	return fd;
}

static void worker_block(struct worker *w)
{
	int fd;

	for (;;) {
		fd = take(w);
		if (fd >= 0)
			answer(w, fd);
	}
}

static void worker_poll(struct worker *w)
{
	struct pollfd p = { .fd = w->lfd, .events = POLLIN };
	int fd;

	for (;;) {
		poll(&p, 1, -1);
		fd = take(w);
		if (fd >= 0)
			answer(w, fd);
	}
}

static void epoll_put(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(ep, op, fd, &ev))
		fail("epoll_ctl");
}

static uint32_t listener_events(void)
{
	return !strcmp(opt->mode, "excl") ? EPOLLIN | EPOLLEXCLUSIVE :
		!strcmp(opt->mode, "oneshot") ? EPOLLIN | EPOLLONESHOT :
		!strcmp(opt->mode, "lt") ? EPOLLIN : EPOLLIN | EPOLLET;
}

/* A connection is one-shot: with a shared epoll one worker handles it */
static void accept_some(struct worker *w, int ep, uint32_t events)
{
	int i, fd;

	for (i = 0; i < BATCH || events & EPOLLET; i++) {
		fd = take(w);
		if (fd < 0)
			break;
		epoll_put(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT);
	}
	if (events & EPOLLONESHOT)
		epoll_put(ep, EPOLL_CTL_MOD, w->lfd, events);
}

static void worker_epoll(struct worker *w)
{
	uint32_t events = listener_events();
	struct epoll_event evs[32];
	int ep = shared_ep, i, n;

	if (ep < 0) {
		ep = epoll_create1(EPOLL_CLOEXEC);
		epoll_put(ep, EPOLL_CTL_ADD, w->lfd, events);
	}
	for (;;) {
		n = epoll_wait(ep, evs, 32, -1);
		for (i = 0; i < n; i++) {
			if (evs[i].data.fd == w->lfd)
				accept_some(w, ep, events);
			else
				answer(w, evs[i].data.fd);
		}
	}
}

static void *worker_main(void *arg)
{
	long n = (long)arg;
	struct worker *w = &shared->worker[n];

	pin_to(opt, n);
	if (!strcmp(opt->mode, "block"))
		worker_block(w);
	else if (!strcmp(opt->mode, "poll"))
		worker_poll(w);
	else if (!strcmp(opt->mode, "uring"))
		worker_uring(w, false);
	else if (!strcmp(opt->mode, "multi"))
		worker_uring(w, true);
	else
		worker_epoll(w);
	return NULL;
}

static void start_workers(pid_t *pid)
{
	pthread_t thread;
	long i;

	for (i = 0; i < opt->workers; i++) {
		if (opt->procs) {
			pid[i] = fork();
			if (pid[i] < 0)
				fail("fork");
			if (!pid[i]) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				worker_main((void *)i);
			}
		} else {
			errno = pthread_create(&thread, NULL, worker_main,
					       (void *)i);
			if (errno)
				fail("pthread_create");
		}
	}
}

static struct worker sum_up(void)
{
	struct worker s = { 0 };
	int i;

	for (i = 0; i < opt->workers; i++) {
		const struct worker *w = &shared->worker[i];

		s.accepts += w->accepts;
		s.local += w->local;
		s.empty += w->empty;
		s.twice += w->twice;
		s.unknown += w->unknown;
		s.broken += w->broken;
		if (w->ids > s.ids)
			s.ids = w->ids;
	}
	return s;
}

static int compare_waits(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Moves the waits of @ids to the front, sorts them; returns how many there are */
static uint32_t sort_waits(uint32_t ids)
{
	uint32_t *waited = shared->waited, i, n = 0;

	for (i = 0; i < ids; i++)
		if (waited[i])
			waited[n++] = waited[i] - 1;
	qsort(waited, n, sizeof(*waited), compare_waits);
	return n;
}

static void report(void)
{
	struct worker s = sum_up();
	uint32_t i, n = sort_waits(s.ids);
	const uint32_t *waited = shared->waited;

	printf("accepted=%lu distinct=%u twice=%lu unknown=%lu broken=%lu\n",
	       s.accepts, n, s.twice, s.unknown, s.broken);
	printf("local=%.2f empty=%lu\n",
	       s.accepts ? 100.0 * s.local / s.accepts : 0, s.empty);
	if (n)
		printf("wait_us_p50=%u wait_us_p99=%u wait_us_max=%u\n",
		       waited[n / 2], waited[n - 1 - n / 100], waited[n - 1]);
	printf("workers=");
	for (i = 0; i < (uint32_t)opt->workers; i++)
		printf("%s%lu", i ? "," : "", shared->worker[i].accepts);
	printf("\n");
	fflush(stdout);
}

/* io_uring waits in the kernel, as accept() does. */
static bool blocks(void)
{
	return !strcmp(opt->mode, "block") || !strcmp(opt->mode, "uring") ||
		!strcmp(opt->mode, "multi");
}

static int open_listener(void)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(opt, &ss);
	int one = 1, fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (opt->group)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (fd < 0 || bind(fd, (void *)&ss, len) || listen(fd, opt->backlog))
		fail("listen");
	if (!blocks())
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void open_listeners(void)
{
	int i;

	for (i = 0; i < opt->workers; i++)
		shared->worker[i].lfd = i && !opt->group ?
			shared->worker[0].lfd : open_listener();
}

/* Was there a connection since; and if not, how is the listener? */
static void watch(void)
{
	uint64_t last = 0, now;
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);
	int still = 0, lfd = shared->worker[0].lfd;

	while (!told_to_end) {
		sleep(1);
		now = sum_up().accepts;
		still = now == last ? still + 1 : 0;
		last = now;
		if (still != STALL_S - 5 || !now)
			continue;
		getsockopt(lfd, IPPROTO_TCP, TCP_INFO, &ti, &len);
		fprintf(stderr, "conns: no connection for %d s; accepted %lu, "
			"%u wait to be accepted, mask %#x\n", still, now,
			ti.tcpi_unacked,
			poll(&(struct pollfd){ lfd, POLLIN, 0 }, 1, 0));
	}
}

static bool known_mode(const char *mode)
{
	static const char *const modes[] = {
		"lt", "excl", "et", "oneshot", "go", "block", "poll", "uring",
		"multi"
	};
	unsigned int i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(mode, modes[i]))
			return true;
	return false;
}

int serve(const struct options *o)
{
	struct sigaction sa = { .sa_handler = on_term };
	pid_t pid[MAX_WORKERS] = { 0 };
	int i;

	opt = o;
	if (!known_mode(o->mode)) {
		fprintf(stderr, "conns: no mode %s\n", o->mode);
		return EXIT_USAGE;
	}
	shared = mmap(NULL, sizeof(*shared) +
		      o->capacity * sizeof(*shared->waited),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		fail("mmap");
	open_listeners();
	if (!strcmp(o->mode, "oneshot") || !strcmp(o->mode, "go")) {
		shared_ep = epoll_create1(EPOLL_CLOEXEC);
		epoll_put(shared_ep, EPOLL_CTL_ADD, shared->worker[0].lfd,
			  listener_events());
	}
	start_workers(pid);
	sigaction(SIGTERM, &sa, NULL);
	printf("listening\n");
	watch();
	report();
	for (i = 0; o->procs && i < o->workers; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	_exit(0);
}
