// SPDX-License-Identifier: GPL-2.0
/*
 * conns_uring.c - workers of the storm that accept by io_uring, each with a ring
 *
 * Raw system calls: what is tested is the kernel's part, and a wait for a
 * completion has no timeout.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conns.h"

enum { ENTRIES = 8 };

struct ring {
	int fd;
	unsigned char *sq, *cq;
	struct io_uring_sqe *sqe;
	struct io_uring_params p;
};

static void *ring_map(int fd, size_t len, off_t what)
{
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, fd, what);

	if (at == MAP_FAILED)
		fail("mmap of io_uring");
	return at;
}

static void ring_init(struct ring *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, ENTRIES, &r->p);
	if (r->fd < 0)
		fail("io_uring_setup");
	r->sq = ring_map(r->fd, r->p.sq_off.array + ENTRIES * 4,
			 IORING_OFF_SQ_RING);
	r->cq = ring_map(r->fd, r->p.cq_off.cqes + r->p.cq_entries * 16,
			 IORING_OFF_CQ_RING);
	r->sqe = ring_map(r->fd, ENTRIES * sizeof(*r->sqe), IORING_OFF_SQES);
}

static unsigned int *word(unsigned char *ring, unsigned int off)
{
	return (unsigned int *)(ring + off);
}

/* There is room: one request is under way at a time. */
static void ask(struct ring *r, int lfd, bool multishot)
{
	unsigned int tail = *word(r->sq, r->p.sq_off.tail);
	unsigned int at = tail & *word(r->sq, r->p.sq_off.ring_mask);

	r->sqe[at] = (struct io_uring_sqe){
		.opcode = IORING_OP_ACCEPT, .fd = lfd,
		.ioprio = multishot ? IORING_ACCEPT_MULTISHOT : 0,
		.accept_flags = SOCK_CLOEXEC,
	};
	word(r->sq, r->p.sq_off.array)[at] = at;
	__atomic_store_n(word(r->sq, r->p.sq_off.tail), tail + 1,
			 __ATOMIC_RELEASE);
}

/* Hands over what was asked and waits until something is complete. */
static void enter(struct ring *r, unsigned int asked)
{
	while (syscall(SYS_io_uring_enter, r->fd, asked, 1,
		       IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		if (errno != EINTR)
			fail("io_uring_enter");
}

static bool next(struct ring *r, struct io_uring_cqe *cqe)
{
	unsigned int head = *word(r->cq, r->p.cq_off.head);
	unsigned int at = head & *word(r->cq, r->p.cq_off.ring_mask);

	if (head == __atomic_load_n(word(r->cq, r->p.cq_off.tail),
				    __ATOMIC_ACQUIRE))
		return false;
	*cqe = ((struct io_uring_cqe *)(r->cq + r->p.cq_off.cqes))[at];
	__atomic_store_n(word(r->cq, r->p.cq_off.head), head + 1,
			 __ATOMIC_RELEASE);
	return true;
}

void worker_uring(struct worker *w, bool multishot)
{
	struct io_uring_cqe cqe;
	struct ring r;
	bool asked = false;

	ring_init(&r);
	for (;;) {
		if (!asked)
			ask(&r, w->lfd, multishot);
		enter(&r, !asked);
		asked = true;
		while (next(&r, &cqe)) {
			asked = cqe.flags & IORING_CQE_F_MORE;
			if (cqe.res < 0) {
				w->broken += cqe.res != -EINTR;
				continue;
			}
			note_accept(w, cqe.res);
			answer(w, cqe.res);
		}
	}
}
