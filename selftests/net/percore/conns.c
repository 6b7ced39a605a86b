// SPDX-License-Identifier: GPL-2.0
/*
 * conns.c - many short connections that are all accounted for
 *
 *	conns serve [-a ADDR] [-p PORT] [-m MODE] [-w WORKERS] [-c CPUS]
 *		    [-b BACKLOG] [-f] [-g] [-B MS]
 *	conns dial  [-a ADDR] [-p PORT] [-n COUNT | -s SECONDS] [-t THREADS]
 *		    [-c CPUS] [-P FILE] [-r] [-i MS]
 *
 * One listening socket, without SO_REUSEPORT; with -g one for each worker, with
 * it. This is how MODE waits:
 *
 *	lt	each worker has an epoll, level-triggered
 *	excl	the same with EPOLLEXCLUSIVE
 *	et	the same with EPOLLET, accepting until EAGAIN
 *	oneshot	one epoll for all, EPOLLONESHOT, armed again after each accept
 *	go	one epoll for all, EPOLLET
 *	block	accept() in each worker
 *	poll	poll() in each worker
 *	uring	io_uring in each worker, one accept at a time
 *	multi	the same with multishot accept
 *
 * Worker i is pinned to the i'th of CPUS (as in 0,2,4), if given; -f makes the
 * workers processes. With -B the first worker burns so much CPU time at every
 * tenth request. The client's threads make connections as fast as they are
 * served; with -i after a pause of so long on average; with -r in bursts of up to
 * four, each when all of the last have been served, so that with one thread
 * (-t 1) a wake-up that is lost is not made good by the next one.
 *
 * Both end with SIGTERM and report as key=value; the client keeps the number of
 * connections so far in FILE. Nobody has a timeout: when nothing goes on for
 * 20 s the client shows what it waits for and ends with status 3, and the server
 * shows its listener.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conns.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void fail(const char *what)
{
	fprintf(stderr, "conns: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAULT);
}

void pin_to(const struct options *o, int n)
{
	cpu_set_t set;

	if (!o->ncpus)
		return;
	CPU_ZERO(&set);
	CPU_SET(o->cpus[n % o->ncpus], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

socklen_t to_sockaddr(const struct options *o, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *a6 = (void *)ss;
	struct sockaddr_in *a4 = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, o->host, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(o->port);
		return sizeof(*a4);
	}
	if (inet_pton(AF_INET6, o->host, &a6->sin6_addr) == 1) {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons(o->port);
		return sizeof(*a6);
	}
	fprintf(stderr, "conns: %s is no address\n", o->host);
	exit(EXIT_USAGE);
}

static void parse_cpus(struct options *o, char *list)
{
	char *word, *save;

	for (word = strtok_r(list, ",", &save); word && o->ncpus < MAX_WORKERS;
	     word = strtok_r(NULL, ",", &save))
		o->cpus[o->ncpus++] = atoi(word);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: conns serve [-a ADDR] [-p PORT] [-m MODE] [-w WORKERS]"
		" [-c CPUS] [-b BACKLOG] [-f] [-g] [-B MS]\n"
		"       conns dial [-a ADDR] [-p PORT] [-n COUNT | -s SECONDS]"
		" [-t THREADS] [-c CPUS] [-P FILE] [-r] [-i MS]\n");
	return EXIT_USAGE;
}

static bool parse(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "a:b:B:c:fgi:m:n:p:P:rs:t:w:")) != -1) {
		switch (opt) {
		case 'a': o->host = optarg; break;
		case 'b': o->backlog = atoi(optarg); break;
		case 'B': o->burn_ms = atoi(optarg); break;
		case 'c': parse_cpus(o, optarg); break;
		case 'f': o->procs = true; break;
		case 'g': o->group = true; break;
		case 'i': o->pause_ms = atoi(optarg); break;
		case 'm': o->mode = optarg; break;
		case 'n': o->count = atol(optarg); break;
		case 'p': o->port = atoi(optarg); break;
		case 'P': o->progress = optarg; break;
		case 'r': o->bursts = true; break;
		case 's': o->seconds = atoi(optarg); break;
		case 't': o->threads = atoi(optarg); break;
		case 'w': o->workers = atoi(optarg); break;
		default: return false;
		}
	}
	return optind == argc && o->workers >= 1 &&
	       o->workers <= MAX_WORKERS && o->threads >= 1 &&
	       o->threads <= MAX_THREADS && (!o->count || !o->seconds);
}

int main(int argc, char **argv)
{
	struct options o = {
		.host = "127.0.0.1", .port = 8000, .mode = "lt",
		.workers = 4, .backlog = 4096, .capacity = 1 << 24,
		.threads = 32,
	};

	if (argc < 2 || !parse(&o, argc - 1, argv + 1))
		return usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(argv[1], "serve"))
		return serve(&o);
	if (!strcmp(argv[1], "dial") && (o.count || o.seconds))
		return dial(&o);
	return usage();
}
