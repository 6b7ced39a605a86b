// SPDX-License-Identifier: GPL-2.0
/*
 * flows: bulk TCP flows, and a byte to and fro beside them
 *
 *	flows sink PORT				in the receiver's namespace
 *	flows load ADDRESS PORT FLOWS CC WARM_MS MS [RATE]	in the sender's
 *
 *	load: FLOWS connections --> PORT, discards
 *	      one connection <----> PORT + 1, answers each byte with a byte
 *
 * RATE: SO_MAX_PACING_RATE of each bulk flow, bytes a second. load prints, of
 * the MS after WARM_MS: acked (bytes that arrived, all flows), ns (how long that
 * was), rr (answers), p50_us, p99_us and max_us (of them), least (acked of the
 * slowest flow); and of the first flow at the end cwnd, rtt_us, min_rtt_us and
 * pacing (bytes a second). Between them mark() tells count.so.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
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

enum { FLOWS_MAX = 256, ANSWERS_MAX = 1 << 20, CHUNK = 1 << 17 };

static char chunk[CHUNK];
static uint32_t answer_us[ANSWERS_MAX];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int listener(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (void *)&addr, sizeof(addr)) || listen(fd, FLOWS_MAX))
		die("listen");
	return fd;
}

static __attribute__((noreturn)) void sink(uint16_t port)
{
	int epoll = epoll_create1(0), bulk = listener(port);
	int rr = listener(port + 1);
	static bool echoes[65536];

	if (epoll < 0 || watch(epoll, bulk, EPOLLIN) || watch(epoll, rr, EPOLLIN))
		die("epoll");
	printf("listening\n");
	fflush(stdout);
	for (;;) {
		struct epoll_event event;
		int fd, new;
		ssize_t n;

		if (epoll_wait(epoll, &event, 1, -1) < 1)
			continue;
		fd = event.data.fd;
		if (fd == bulk || fd == rr) {
			new = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
			if (new >= 0 && new < 65536) {
				echoes[new] = fd == rr;
				watch(epoll, new, EPOLLIN);
			}
			continue;
		}
		n = read(fd, chunk, sizeof(chunk));
		if (!n || (n < 0 && errno != EAGAIN))
			close(fd);
		else if (n > 0 && echoes[fd] && write(fd, chunk, n) != n)
			close(fd);
	}
}

static int dial(const char *address, uint16_t port, const char *cc)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &addr.sin_addr) != 1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, strlen(cc)) ||
	    connect(fd, (void *)&addr, sizeof(addr)) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK))
		die("connect");
	return fd;
}

static struct tcp_info info_of(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO");
	return info;
}

static uint64_t acked(int fd)
{
	return info_of(fd).tcpi_bytes_acked;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t answers;

/* Returns when @end has come */
static void drive(int epoll, int rr, uint64_t end)
{
	static uint64_t asked;
	struct epoll_event event;
	uint64_t now;
	char byte = 0;

	answers = 0;
	if (!asked) {
		asked = now_ns();
		if (write(rr, &byte, 1) != 1)
			die("write");
	}
	while ((now = now_ns()) < end) {
		if (epoll_wait(epoll, &event, 1, (end - now) / 1000000 + 1) < 1)
			continue;
		if (event.data.fd != rr) {
			if (write(event.data.fd, chunk, sizeof(chunk)) < 0 &&
			    errno != EAGAIN)
				die("write");
			continue;
		}
		if (read(rr, &byte, 1) != 1)
			die("read");
		now = now_ns();
		if (answers < ANSWERS_MAX)
			answer_us[answers++] = (now - asked) / 1000;
		asked = now;
		if (write(rr, &byte, 1) != 1)
			die("write");
	}
}

static int load(const char *address, uint16_t port, int flows, const char *cc,
		int warm_ms, int ms, unsigned int rate)
{
	uint64_t begin, ns, sum = 0, least = UINT64_MAX;
	static uint64_t was[FLOWS_MAX];
	static int fd[FLOWS_MAX];
	int epoll = epoll_create1(0), rr = dial(address, port + 1, cc), i;
	struct tcp_info info;

	if (epoll < 0 || flows > FLOWS_MAX || watch(epoll, rr, EPOLLIN))
		die("epoll");
	for (i = 0; i < flows; i++) {
		fd[i] = dial(address, port, cc);
		if (rate && setsockopt(fd[i], SOL_SOCKET, SO_MAX_PACING_RATE,
				       &rate, sizeof(rate)))
			die("SO_MAX_PACING_RATE");
		if (watch(epoll, fd[i], EPOLLOUT))
			die("epoll");
	}
	drive(epoll, rr, now_ns() + warm_ms * 1000000ull);
	for (i = 0; i < flows; i++)
		was[i] = acked(fd[i]);
	begin = now_ns();
	mark(MARK_BEGIN);
	drive(epoll, rr, begin + ms * 1000000ull);
	mark(MARK_END);
	ns = now_ns() - begin;
	for (i = 0; i < flows; i++) {
		uint64_t n = acked(fd[i]) - was[i];

		sum += n;
		least = n < least ? n : least;
	}
	qsort(answer_us, answers, sizeof(*answer_us), compare);
	printf("acked=%llu ns=%llu rr=%u p50_us=%u p99_us=%u max_us=%u least=%llu\n",
	       (unsigned long long)sum, (unsigned long long)ns, answers,
	       answers ? answer_us[answers / 2] : 0,
	       answers ? answer_us[answers * 99ull / 100] : 0,
	       answers ? answer_us[answers - 1] : 0,
	       (unsigned long long)(flows ? least : 0));
	info = info_of(flows ? fd[0] : rr);
	printf("cwnd=%u rtt_us=%u min_rtt_us=%u pacing=%llu\n",
	       info.tcpi_snd_cwnd, info.tcpi_rtt, info.tcpi_min_rtt,
	       (unsigned long long)info.tcpi_pacing_rate);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "sink"))
		sink(atoi(argv[2]));
	if ((argc == 8 || argc == 9) && !strcmp(argv[1], "load"))
		return load(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5],
			    atoi(argv[6]), atoi(argv[7]),
			    argc == 9 ? atoi(argv[8]) : 0);
	fprintf(stderr, "usage: flows sink PORT\n"
		"       flows load ADDRESS PORT FLOWS CC WARM_MS MS [RATE]\n");
	return 2;
}
