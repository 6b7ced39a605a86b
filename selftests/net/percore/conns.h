/* SPDX-License-Identifier: GPL-2.0 */
/*
 * conns.h - what client and server of the storm share
 *
 *	client					server
 *	connect()	   --- SYN -------->	accept()
 *	send(hello)	   --- 16 bytes --->	read, note the id
 *	read until EOF	   <-- the id ------	write, close
 *
 * Every connection has an id of its own, and the server keeps the set of those
 * it saw: none lost is "as many as the client has had answers", none accepted
 * twice is "no id seen before".
 */
#ifndef CONNS_H
#define CONNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { MAX_WORKERS = 64, MAX_THREADS = 1024, STALL_S = 20 };

enum { EXIT_FAULT = 1, EXIT_USAGE = 2, EXIT_STALLED = 3 };

/* First word of an id, so that no other program's bytes pass for one */
#define ID_MAGIC	0x70636f72ull
#define ID_OF(n)	(ID_MAGIC << 32 | (n))

struct hello {
	uint64_t id;
	uint64_t connected_ns;	/* when connect() returned; of a burst, was called */
};

struct options {
	const char *host;	/* where to listen, where to connect */
	int port;
	int cpus[MAX_WORKERS];	/* to pin to, one after another */
	int ncpus;		/* 0: do not pin */
	/* serve */
	const char *mode;
	int workers;
	int backlog;
	bool procs;		/* workers are processes, not threads */
	bool group;		/* each has its own listener, SO_REUSEPORT */
	int burn_ms;		/* of CPU, by worker 0 at every tenth request */
	uint32_t capacity;	/* ids below this can be told apart */
	/* dial */
	bool bursts;		/* some connections at once, then none */
	int pause_ms;		/* mean time between two connections of one */
	int threads;
	uint32_t count;		/* connections, or 0 */
	int seconds;		/* how long, if no count */
	const char *progress;	/* file that says how many are through */
};

/* One worker's figures: nobody else writes them */
struct worker {
	int lfd;
	uint64_t accepts, requests, local, empty, twice, unknown, broken;
	uint64_t ids;		/* the highest seen, plus one */
	uint64_t pad[8];
};

int serve(const struct options *o);
int dial(const struct options *o);

/* conns_serve.c, for the workers of conns_uring.c */
void note_accept(struct worker *w, int fd);
void answer(struct worker *w, int fd);
void worker_uring(struct worker *w, bool multishot);

uint64_t now_ns(void);
void pin_to(const struct options *o, int n);
socklen_t to_sockaddr(const struct options *o, struct sockaddr_storage *ss);
void fail(const char *what);

#endif /* CONNS_H */
