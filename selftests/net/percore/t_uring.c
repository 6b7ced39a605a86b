// SPDX-License-Identifier: GPL-2.0
/*
 * t_uring.c - accept by io_uring, with raw system calls
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "parity.h"
#include "cases.h"

enum { ENTRIES = 64 };

struct ring {
	int fd;
	unsigned char *sq, *cq;
	struct io_uring_sqe *sqe;
	struct io_uring_params p;
};

static void ring_init(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, ENTRIES, &r->p);
	if (r->fd < 0)
		skip("io_uring_setup: %s", strerrorname_np(errno));
	r->sq = mmap(NULL, r->p.sq_off.array + ENTRIES * 4,
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		     IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, r->p.cq_off.cqes + r->p.cq_entries * 16,
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		     IORING_OFF_CQ_RING);
	r->sqe = mmap(NULL, ENTRIES * sizeof(*r->sqe), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	if (r->sq == MAP_FAILED || r->cq == MAP_FAILED ||
	    r->sqe == MAP_FAILED)
		die("mmap of io_uring");
}

static void ring_exit(struct ring *r)
{
	munmap(r->sq, r->p.sq_off.array + ENTRIES * 4);
	munmap(r->cq, r->p.cq_off.cqes + r->p.cq_entries * 16);
	munmap(r->sqe, ENTRIES * sizeof(*r->sqe));
	close(r->fd);
}

static unsigned int *sq_word(struct ring *r, unsigned int off)
{
	return (unsigned int *)(r->sq + off);
}

static unsigned int *cq_word(struct ring *r, unsigned int off)
{
	return (unsigned int *)(r->cq + off);
}

static void submit(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *sq_word(r, r->p.sq_off.tail);
	unsigned int at = tail & *sq_word(r, r->p.sq_off.ring_mask);

	r->sqe[at] = *sqe;
	sq_word(r, r->p.sq_off.array)[at] = at;
	__atomic_store_n(sq_word(r, r->p.sq_off.tail), tail + 1,
			 __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0) != 1)
		die("io_uring_enter");
}

static void submit_accept(struct ring *r, int lfd, int ioprio, int data)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_ACCEPT, .fd = lfd, .ioprio = ioprio,
		.user_data = data,
	};

	submit(r, &sqe);
}

/* The next completion, or false if none comes in @ms */
static bool complete(struct ring *r, int ms, struct io_uring_cqe *cqe)
{
	unsigned int head = *cq_word(r, r->p.cq_off.head);
	unsigned int at = head & *cq_word(r, r->p.cq_off.ring_mask);

	if (head == __atomic_load_n(cq_word(r, r->p.cq_off.tail),
				    __ATOMIC_ACQUIRE) &&
	    (!poll_mask(r->fd, POLLIN, ms) ||
	     head == __atomic_load_n(cq_word(r, r->p.cq_off.tail),
				     __ATOMIC_ACQUIRE)))
		return false;
	*cqe = ((struct io_uring_cqe *)(r->cq + r->p.cq_off.cqes))[at];
	__atomic_store_n(cq_word(r, r->p.cq_off.head), head + 1,
			 __ATOMIC_RELEASE);
	return true;
}

static const char *cqe_name(bool got, const struct io_uring_cqe *cqe)
{
	return !got ? "none" : cqe->res < 0 ? strerrorname_np(-cqe->res) :
		"ok";
}

/* Submitted before the connection comes, and after */
void uring_accept(void)
{
	struct io_uring_cqe cqe;
	int before, cpu, fd, port, lfd;
	struct ring r;
	bool got;

	ring_init(&r);
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		for (before = 0; before < 2; before++)
			for (cpu = 0; cpu < ncpu; cpu++) {
				pin(0);
				if (before)
					submit_accept(&r, lfd, 0, cpu);
				fd = dial(f, port, cpu);
				pin(0);
				if (!before)
					submit_accept(&r, lfd, 0, cpu);
				got = complete(&r, WAIT_MS, &cqe);
				say("completed", "%s for %d flags %d",
				    cqe_name(got, &cqe), (int)cqe.user_data,
				    cqe.flags);
				say("works", "%d", got && cqe.res >= 0 &&
				    ping_pong(fd, cqe.res));
				close(cqe.res);
				close(fd);
			}
		say("more", "%d", complete(&r, 0, &cqe));
		check_sharded(lfd);
		close(lfd);
	}
	ring_exit(&r);
}

/* Several wait at once: one connection completes one */
void uring_accept_several(void)
{
	int fds[3 * MAX_CPU], i, n, port, lfd, works;
	struct io_uring_cqe cqe;
	struct ring r;

	ring_init(&r);
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		pin(0);
		for (i = 0; i < 3 * ncpu; i++)
			submit_accept(&r, lfd, 0, i);
		n = dial_all(f, port, 3, fds);
		pin(0);
		for (works = i = 0; i < n; i++) {
			if (!complete(&r, WAIT_MS, &cqe) || cqe.res < 0)
				break;
			works += ping_pong(fds[port_owner(peer_port(cqe.res),
							  fds, n)], cqe.res);
			close(cqe.res);
		}
		say("works", "%d of %d", works, n);
		say("more", "%d", complete(&r, 0, &cqe));
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
	ring_exit(&r);
}

/* One request that completes for each connection until it is ended */
void uring_multishot(void)
{
	int fds[3 * MAX_CPU], i, n, port, lfd, works, more;
	struct io_uring_cqe cqe = { 0 };
	struct ring r;
	bool got;

	ring_init(&r);
	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 64);
		pin(0);
		submit_accept(&r, lfd, IORING_ACCEPT_MULTISHOT, 7);
		n = dial_all(f, port, 3, fds);
		pin(0);
		for (more = works = i = 0; i < n; i++) {
			if (!complete(&r, WAIT_MS, &cqe) || cqe.res < 0)
				break;
			more += !!(cqe.flags & IORING_CQE_F_MORE);
			works += ping_pong(fds[port_owner(peer_port(cqe.res),
							  fds, n)], cqe.res);
			close(cqe.res);
		}
		say("works", "%d of %d", works, n);
		say("more", "%d of %d", more, n);
		check_sharded(lfd);
		shutdown(lfd, SHUT_RDWR);
		got = complete(&r, WAIT_MS, &cqe);
		say("after_shutdown", "%s more %d", cqe_name(got, &cqe),
		    cqe.flags & IORING_CQE_F_MORE);
		close_all(fds, n);
		close(lfd);
	}
	ring_exit(&r);
}

/* Nobody comes: shutdown, cancel, and close of the descriptor or the ring */
void uring_accept_ended(void)
{
	struct io_uring_sqe cancel = {
		.opcode = IORING_OP_ASYNC_CANCEL, .addr = 1, .user_data = 2,
	};
	struct io_uring_cqe cqe = { 0 };
	int cpu, fd, port, lfd;
	struct ring r;
	bool got;

	for_each_family(f) {
		ring_init(&r);
		port = next_port();
		lfd = listener(f, port, 64);
		nonblock(lfd);
		submit_accept(&r, lfd, 0, 1);
		got = complete(&r, linger_ms, &cqe);
		say("nonblocking", "%s", cqe_name(got, &cqe));
		close(lfd);
		port = next_port();
		lfd = listener(f, port, 64);
		submit_accept(&r, lfd, 0, 1);
		submit(&r, &cancel);
		for (cpu = 0; cpu < 2; cpu++) {
			got = complete(&r, WAIT_MS, &cqe);
			say("cancel", "%d %s", (int)cqe.user_data,
			    cqe_name(got, &cqe));
		}
		submit_accept(&r, lfd, 0, 1);
		close(lfd);
		fd = dial(f, port, ncpu - 1);
		pin(0);
		got = complete(&r, WAIT_MS, &cqe);
		say("closed", "%s %d", cqe_name(got, &cqe),
		    got && cqe.res >= 0 && ping_pong(fd, cqe.res));
		close(fd);
		close(cqe.res);
		lfd = listener(f, next_port(), 64);
		submit_accept(&r, lfd, 0, 1);
		ring_exit(&r);
		close(lfd);
	}
}

/* POLL_ADD on the listener, once and multishot */
void uring_poll(void)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_POLL_ADD, .poll32_events = POLLIN,
	};
	struct io_uring_cqe cqe = { 0 };
	int cpu, fd, multi, port, lfd;
	struct ring r;
	bool got;

	for_each_family(f)
		for (multi = 0; multi < 2; multi++) {
			ring_init(&r);
			port = next_port();
			lfd = listener(f, port, 64);
			sqe.fd = lfd;
			sqe.len = multi ? IORING_POLL_ADD_MULTI : 0;
			pin(0);
			if (multi)
				submit(&r, &sqe);
			for (cpu = 0; cpu < ncpu; cpu++) {
				pin(0);
				if (!multi)
					submit(&r, &sqe);
				fd = dial(f, port, cpu);
				pin(0);
				got = complete(&r, WAIT_MS, &cqe);
				say("event", "%s %s more %d",
				    cqe_name(got, &cqe), mask_name(cqe.res),
				    cqe.flags & IORING_CQE_F_MORE);
				close(take(lfd));
				close(fd);
			}
			check_sharded(lfd);
			close(lfd);
			ring_exit(&r);
		}
}
