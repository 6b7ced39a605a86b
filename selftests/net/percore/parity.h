/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parity.h - what the cases of the parity test share
 *
 * A case is a function that does something with a listening TCP socket over
 * loopback in a fresh network namespace, and prints what an application can
 * observe of it as lines "key value". It must print the same on every run of
 * the same kernel: no timings, no addresses that the kernel chose. parity.sh
 * runs it with net.percore.listen_shard 0 and 1 and compares.
 *
 * Over loopback a SYN is handled by the CPU that called connect(), so a
 * client that is pinned to each CPU in turn reaches every shard.
 */
#ifndef PARITY_H
#define PARITY_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CPU = 8, MAX_CONN = 1024, WAIT_MS = 5000 };

enum { EXIT_SKIP = 4, EXIT_HUNG = 5, EXIT_NOT_SHARDED = 6 };

/* TCP states as proc shows them */
enum { ST_SYN_RECV = 3, ST_LISTEN = 10 };

/* Must the listener of a case really be sharded when listen_shard is 1? */
enum sharded { ANY, YES };

struct parity_case {
	const char *name;
	enum sharded sharded;
	void (*run)(void);
	const char *claim;
};

/* V4 and V6 listen on loopback; DUAL listens on [::], clients come by v4. */
enum family { V4, V6, DUAL, FAMILIES };

#define for_each_family(f) \
	for (enum family f = V4; f < FAMILIES && enter(family_name[f]); f++)

/* Where the family matters less, and each costs time */
#define for_v4_and_v6(f) \
	for (enum family f = V4; f < DUAL && enter(family_name[f]); f++)

/* The first CPU and the last one, where each costs time */
#define for_two_cpus(cpu) \
	for (int cpu = 0; cpu < ncpu; cpu += ncpu > 1 ? ncpu - 1 : 1)

extern const char *const family_name[FAMILIES];
extern int ncpu;		/* CPUs that the case may use */
extern int linger_ms;		/* longer than any delayed wake-up takes */

/* lib.c: output */
bool enter(const char *scope);
void say(const char *key, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void sayr(const char *key, long ret);
const char *res(long ret);
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(const char *what);

/* lib.c: sockets */
void pin(int cpu);
void unpin(void);
int next_port(void);
socklen_t address(enum family f, int port, bool listener,
		  struct sockaddr_storage *ss);
int tcp(enum family f, int flags);
int bound(enum family f, int port);
int listener(enum family f, int port, int backlog);
int set_int(int fd, int level, int opt, int val);
int get_int(int fd, int level, int opt);
const char *error_of(int fd);
int dial(enum family f, int port, int cpu);
int dial_nb(enum family f, int port, int cpu);
int dial_all(enum family f, int port, int per_cpu, int *fds);
int take(int lfd);
int take_flags(int lfd, int flags);
int take_all(int lfd, int n);
int peer_port(int fd);
int local_port(int fd);
int port_owner(int port, const int *fds, int n);
void close_all(const int *fds, int n);
const char *state_of(int fd);
int count_state(const int *fds, int n, const char *state);
int wait_state(const int *fds, int n, const char *state, int want);
int poll_mask(int fd, int events, int ms);
const char *mask_name(unsigned int mask);
void settle_on(int cpu);
void settle(void);
void nonblock(int fd);
long long now_ms(void);
void sleep_ms(int ms);
bool ping_pong(int client, int child);

/* lib_task.c: threads and processes */
struct task {
	void (*fn)(void *arg);
	void *arg;
	int cpu;		/* to pin to, or -1 */
	pthread_t thread;
	pid_t tid;		/* set by the thread itself */
};

void task_start(struct task *t, void (*fn)(void *), void *arg, int cpu);
void task_join(struct task *t);
pid_t spawn(void (*fn)(void *), void *arg, int cpu);
int reap(pid_t pid);
void wait_blocked(pid_t tid);
void task_wait_blocked(struct task *t);
void *shared_mem(size_t size);

/* lib_proc.c: files of proc, tools */
bool sysctl_write(const char *name, const char *value);
void sysctl_need(const char *name, const char *value);
long netstat(const char *group, const char *name);
long sockstat(const char *line, const char *name);
int proc_tcp_count(int port, int state);
int proc_tcp_line(int port, int state, char *buf, size_t len);
int tool(char *out, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void check_sharded(int lfd);
int finish_sharded(enum sharded want);

/* lib_raw.c: crafted SYNs and captured SYN-ACKs */
int sniff_open(enum family f);
int sniff_synack(int sniffer, enum family f, int sport, char *buf, size_t len);
void lo_addr(const char *addr);
void lo_route(const char *net, bool local);
void raw_syn(const char *src, int sport, const char *dst, int dport, int cpu,
	     const void *payload, int len);
int describe_syn(const unsigned char *pkt, int n, char *buf, size_t len);

#endif /* PARITY_H */
