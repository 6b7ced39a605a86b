// SPDX-License-Identifier: GPL-2.0
/*
 * conns_dial.c - the client of the storm: threads that block without timeout
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "conns.h"

enum { BURST = 4 };

/* What a thread does, for the dump of a storm that stands still */
enum phase { IDLE, CONNECTING, SENDING, READING };

static const char *const phase_name[] = {
	"idle", "connecting", "sending", "reading"
};

static struct dialer {
	pthread_t thread;
	int n;
	volatile enum phase phase;
	volatile int fd;
	volatile uint32_t id;
} dialers[MAX_THREADS];

static const struct options *opt;
static uint32_t next_id, answered, failed, running;
static uint64_t end_ns;
static volatile bool told_to_end;

static void on_term(int sig)
{
	(void)sig;
	told_to_end = true;
}

static void complain(struct dialer *d, const char *what)
{
	int err = errno;

	if (__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED) < 10)
		fprintf(stderr, "conns: id %u: %s: %s\n", d->id, what,
			strerror(err));
}

/* Reads the id until the end of the connection */
static bool read_answer(struct dialer *d, uint64_t id)
{
	unsigned char buf[64];
	size_t got = 0;
	ssize_t n;

	while ((n = read(d->fd, buf + got, sizeof(buf) - got)) > 0)
		got += n;
	if (n < 0) {
		complain(d, "read");
		return false;
	}
	errno = 0;
	if (got != sizeof(id) || memcmp(buf, &id, sizeof(id))) {
		complain(d, got ? "wrong answer" : "closed without an answer");
		return false;
	}
	return true;
}

static bool converse(struct dialer *d, const struct sockaddr_storage *ss,
		     socklen_t len)
{
	struct hello hello = { .id = ID_OF(d->id) };

	d->phase = CONNECTING;
	if (connect(d->fd, (const void *)ss, len)) {
		complain(d, "connect");
		return false;
	}
	hello.connected_ns = now_ns();
	d->phase = SENDING;
	if (send(d->fd, &hello, sizeof(hello), MSG_NOSIGNAL) !=
	    sizeof(hello)) {
		complain(d, "send");
		return false;
	}
	d->phase = READING;
	return read_answer(d, hello.id);
}

static bool more(void)
{
	return !told_to_end && (!end_ns || now_ns() < end_ns);
}

/* One connection. Returns false if there have been enough. */
static bool dial_one(struct dialer *d)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(opt, &ss);

	d->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
	if (opt->count && d->id >= opt->count)
		return false;
	d->fd = socket(ss.ss_family, SOCK_STREAM, 0);
	if (d->fd < 0)
		fail("socket");
	if (converse(d, &ss, len))
		__atomic_fetch_add(&answered, 1, __ATOMIC_RELAXED);
	close(d->fd);
	d->phase = IDLE;
	return true;
}

/* Begins a connection. Returns false if there have been enough. */
static bool begin(struct dialer *d, const struct sockaddr_storage *ss,
		  socklen_t len, int *fd, struct hello *hello)
{
	int off = 0;

	d->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
	if (opt->count && d->id >= opt->count)
		return false;
	*fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		fail("socket");
	*hello = (struct hello){ ID_OF(d->id), now_ns() };
	if (connect(*fd, (const void *)ss, len) && errno != EINPROGRESS)
		complain(d, "connect");
	ioctl(*fd, FIONBIO, &off);
	return true;
}

/* Up to BURST connections at once, and all of their answers */
static bool burst(struct dialer *d, int n)
{
	struct hello hello[BURST];
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(opt, &ss);
	int fd[BURST], begun = 0, i;

	while (begun < n && begin(d, &ss, len, &fd[begun], &hello[begun]))
		begun++;
	for (i = 0; i < begun; i++) {
		d->id = hello[i].id;
		d->fd = fd[i];
		d->phase = SENDING;	/* when it is connected */
		if (send(d->fd, &hello[i], sizeof(*hello), MSG_NOSIGNAL) !=
		    sizeof(*hello))
			complain(d, "send");
	}
	for (i = 0; i < begun; i++) {
		d->id = hello[i].id;
		d->fd = fd[i];
		d->phase = READING;
		if (read_answer(d, hello[i].id))
			__atomic_fetch_add(&answered, 1, __ATOMIC_RELAXED);
		close(d->fd);
	}
	d->phase = IDLE;
	return begun == n;
}

static void *dialer_main(void *arg)
{
	struct dialer *d = arg;
	unsigned int dice = d->n + 1;

	pin_to(opt, d->n);
	if (opt->bursts) {
		while (more() && burst(d, 1 + rand_r(&dice) % BURST))
			;
	} else {
		while (more() && dial_one(d))
			if (opt->pause_ms)
				usleep(rand_r(&dice) % (2000 * opt->pause_ms));
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void dump(void)
{
	struct sockaddr_in6 a;
	struct tcp_info ti;
	socklen_t len;
	int i, shown = 0;

	fprintf(stderr, "conns: nothing goes on for %d s; %u answered, %u "
		"failed\n", STALL_S, answered, failed);
	for (i = 0; i < opt->threads && shown < 40; i++) {
		if (dialers[i].phase == IDLE)
			continue;
		len = sizeof(a);
		memset(&a, 0, sizeof(a));
		getsockname(dialers[i].fd, (void *)&a, &len);
		len = sizeof(ti);
		memset(&ti, 0, sizeof(ti));
		getsockopt(dialers[i].fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
		fprintf(stderr, "conns: thread %d id %u %s port %d state %d "
			"unacked %d retransmits %d\n", i, dialers[i].id,
			phase_name[dialers[i].phase], ntohs(a.sin6_port),
			ti.tcpi_state, ti.tcpi_unacked, ti.tcpi_retransmits);
		shown++;
	}
}

static bool done(void)
{
	return !__atomic_load_n(&running, __ATOMIC_ACQUIRE);
}

static void tell_progress(int fd, uint32_t n)
{
	char line[16];
	int len = snprintf(line, sizeof(line), "%u\n", n);

	if (fd >= 0 && pwrite(fd, line, len, 0) != len)
		fail("progress");
}

/* Waits for the threads; false if they make no progress */
static bool watch(void)
{
	uint32_t last = 0, now;
	int still = 0, tick, fd = -1;

	if (opt->progress)
		fd = open(opt->progress, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	for (tick = 0; !done(); tick++) {
		usleep(20000);
		now = __atomic_load_n(&answered, __ATOMIC_RELAXED) +
			__atomic_load_n(&failed, __ATOMIC_RELAXED);
		if (tick % 5 == 0)
			tell_progress(fd, now);
		if (tick % 50)
			continue;
		still = now == last ? still + 1 : 0;
		last = now;
		if (still > STALL_S)
			return false;
	}
	return true;
}

int dial(const struct options *o)
{
	uint64_t start = now_ns();
	pthread_attr_t attr;
	bool fine;
	int i;

	opt = o;
	if (o->seconds)
		end_ns = start + o->seconds * 1000000000ull;
	signal(SIGTERM, on_term);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 17);
	running = o->threads;
	for (i = 0; i < o->threads; i++) {
		dialers[i].n = i;
		errno = pthread_create(&dialers[i].thread, &attr, dialer_main,
				       &dialers[i]);
		if (errno)
			fail("pthread_create");
	}
	fine = watch();
	if (!fine)
		dump();
	printf("answered=%u failed=%u per_second=%.0f\n", answered, failed,
	       answered * 1e9 / (now_ns() - start));
	fflush(stdout);
	if (!fine)
		_exit(EXIT_STALLED);
	return failed ? EXIT_FAULT : 0;
}
