// SPDX-License-Identifier: GPL-2.0
/*
 * accept.c - accept() and poll() of a worker, its sleep and its wake-up
 *
 * Previous stage: shard.c. Next: the application, then the driver's tx.c.
 *
 * A worker is given, and told of, the connections in the shard of the core it
 * runs on, then those of the pool:
 *
 *	accept()   shard of this core, else pool; every fourth time pool first,
 *	           lest the pool starves where shards are never empty
 *	poll()     readable when the shard of this core or the pool holds one
 *
 * Where they wait:
 *
 *	epoll, poll(), select(), io_uring   socket's own wait queue, as in stock
 *	accept(), home of its core          shard->waiters
 *	accept(), any other                 the socket's own wait queue
 *
 * A connection that goes to a shard wakes its home (home.c), one that goes to
 * the pool wakes the socket's own wait queue and, unless that woke one who
 * waits for one connection alone, one task asleep on a shard.
 *
 * An application that looks at the pool in vain costs the line that every
 * handshake on every core writes, so percore_listener.pool_used says whether
 * it is worth a look.
 */
#include <linux/sched/signal.h>
#include <net/rps.h>
#include <net/tcp.h>

#include "percore.h"
#include "stats.h"
#include "trace.h"

/* Looks at an empty pool before it is taken for unused */
#define PERCORE_POOL_MISSES	16

/* ---- what there is to take ---- */

static bool percore_pool_empty(const struct percore_listener *lsn)
{
	return !READ_ONCE(lsn->pool_used) ||
	       reqsk_queue_empty(percore_queue(lsn->sk));
}

static void percore_shard_miss(struct percore_shard *shard)
{
	unsigned long now = jiffies;

	if (shard && READ_ONCE(shard->missed_at) != now)
		WRITE_ONCE(shard->missed_at, now);
}

/* The pool was said to be in use and was empty. Returns whether it still is. */
static bool percore_pool_miss(struct percore_listener *lsn,
			      struct percore_shard *shard)
{
	if (!shard || ++shard->pool_misses < PERCORE_POOL_MISSES)
		return true;
	shard->pool_misses = 0;
	WRITE_ONCE(lsn->pool_used, false);
	smp_mb();	/* pairs with percore_pool_use() */
	if (reqsk_queue_empty(percore_queue(lsn->sk)))
		return true;
	WRITE_ONCE(lsn->pool_used, true);
	/* who was woken for it may have looked in between, and sleep again */
	percore_shard_pool_ready(lsn);
	return false;
}

/* ---- taking ---- */

static struct sock *percore_take_from_shard(struct percore_shard *shard)
{
	return percore_shard_empty(shard) ? NULL : percore_shard_pop(shard);
}

/*
 * The child of a Fast Open handshake that goes on keeps its request until the
 * end of it, as in inet_csk_accept().
 */
static struct sock *percore_take_request(struct sock *sk,
					 struct request_sock *req)
{
	struct fastopen_queue *fastopenq = &percore_queue(sk)->fastopenq;
	struct sock *newsk = req->sk;

	if (tcp_rsk(req)->tfo_listener) {
		spin_lock_bh(&fastopenq->lock);
		if (tcp_rsk(req)->tfo_listener) {
			req->sk = NULL;
			req = NULL;
		}
		spin_unlock_bh(&fastopenq->lock);
	}
	if (req)
		reqsk_put(req);
	return newsk;
}

static struct sock *percore_take_from_pool(struct percore_listener *lsn,
					   struct percore_shard *shard)
{
	struct request_sock *req;
	struct sock *sk = lsn->sk;

	if (!READ_ONCE(lsn->pool_used))
		return NULL;
	if (percore_pool_empty(lsn) && percore_pool_miss(lsn, shard))
		return NULL;
	/* as everybody who takes from it in process context */
	lock_sock(sk);
	req = reqsk_queue_remove(percore_queue(sk), sk);
	release_sock(sk);
	if (!req)
		return NULL;
	if (shard)
		shard->pool_misses = 0;
	return percore_take_request(sk, req);
}

static void percore_take_count(struct percore_shard *shard,
			       const struct sock *newsk)
{
	const struct net *net = sock_net(shard->listener->sk);
	int cpu = READ_ONCE(newsk->sk_incoming_cpu);

	if (cpu == shard->cpu) {
		atomic_long_inc(&shard->accepts_local);
		percore_stat_inc(net, PERCORE_STAT_ACCEPTS_LOCAL);
		percore_home_earn(shard);
	} else {
		atomic_long_inc(&shard->accepts_stolen);
		percore_stat_inc(net, PERCORE_STAT_ACCEPTS_STOLEN);
		trace_percore_steal(shard->listener->sk, shard->cpu, cpu);
	}
}

/* A connection for the current task, or NULL. Never waits for one. */
static struct sock *percore_take(struct percore_listener *lsn,
				 struct percore_shard *shard)
{
	struct sock *newsk = NULL;

	if (!shard)
		return percore_take_from_pool(lsn, NULL);

	percore_home_visit(shard);
	if (unlikely(READ_ONCE(lsn->pool_used)) &&
	    percore_pool_first(atomic_long_read(&shard->accepts_local)))
		newsk = percore_take_from_pool(lsn, shard);
	if (!newsk)
		newsk = percore_take_from_shard(shard);
	if (!newsk)
		newsk = percore_take_from_pool(lsn, shard);
	if (newsk)
		percore_take_count(shard, newsk);
	else
		percore_shard_miss(shard);
	return newsk;
}

/* ---- sleeping ---- */

/**
 * percore_accept_wake - wake one task asleep in accept() on a shard
 * @lsn: the listener, whose pool holds a connection
 * @cpu: where to look first
 * Context: any.
 */
void percore_accept_wake(struct percore_listener *lsn, unsigned int cpu)
{
	unsigned int at;

	for_each_cpu_wrap(at, lsn->sleep_cpus, cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[at]);

		if (!shard || !wq_has_sleeper(&shard->waiters))
			continue;
		if (__wake_up(&shard->waiters, TASK_INTERRUPTIBLE, 1,
			      poll_to_key(EPOLLIN | EPOLLRDNORM)))
			return;
	}
}

/*
 * Leave the kernel and call accept() again, without the application noticing:
 * TIF_NOTIFY_SIGNAL makes the return to user space look for a signal, and
 * finding none it restarts the system call. A worker thread of io_uring has no
 * user space to return to: its request ends with EINTR, as by a signal.
 */
static int percore_accept_restart(void)
{
	if (current->flags & (PF_IO_WORKER | PF_KTHREAD))
		return -EINTR;
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return -ERESTARTNOINTR;
}

static wait_queue_head_t *percore_accept_queue(struct percore_listener *lsn,
					       struct percore_shard *shard)
{
	if (READ_ONCE(shard->home) != current)
		return sk_sleep(lsn->sk);
	if (!READ_ONCE(shard->home_sleeps))
		WRITE_ONCE(shard->home_sleeps, true);
	if (!cpumask_test_cpu(shard->cpu, lsn->sleep_cpus))
		cpumask_set_cpu(shard->cpu, lsn->sleep_cpus);
	return &shard->waiters;
}

/*
 * Sleep until there may be something to take. percore_srcu is left meanwhile,
 * since a sleep can last for days: shard->sleepers keeps the listener instead.
 * Returns what is left of @timeo_jiffies.
 */
static long percore_accept_sleep(struct percore_listener *lsn,
				 struct percore_shard *shard,
				 long timeo_jiffies, int *idx)
	__must_hold(&percore_srcu)
{
	wait_queue_head_t *queue = percore_accept_queue(lsn, shard);
	DEFINE_WAIT(wait);

	atomic_inc(&shard->sleepers);
	prepare_to_wait_exclusive(queue, &wait, TASK_INTERRUPTIBLE);
	/*
	 * prepare_to_wait's barrier pairs with the one in
	 * percore_listen_stop(): it sees us counted, or we see it stopped.
	 */
	if (READ_ONCE(lsn->active)) {
		srcu_read_unlock(&percore_srcu, *idx);
		if (percore_shard_empty(shard) && percore_pool_empty(lsn))
			timeo_jiffies = schedule_timeout(timeo_jiffies);
		*idx = srcu_read_lock(&percore_srcu);
	}
	finish_wait(queue, &wait);
	atomic_dec(&shard->sleepers);
	return timeo_jiffies;
}

/* ---- the system calls ---- */

static void percore_accept_graft(struct socket *sock, struct socket *newsock,
				 struct sock *newsk)
{
	lock_sock(newsk);
	sock_rps_record_flow(newsk);
	if (test_bit(SOCK_SUPPORT_ZC, &sock->flags))
		set_bit(SOCK_SUPPORT_ZC, &newsock->flags);
	sock_graft(newsk, newsock);
	newsock->state = SS_CONNECTED;
	release_sock(newsk);
}

/* Not active: stock's own accept(), but never asleep in it. */
static int percore_accept_stock(struct socket *sock, struct socket *newsock,
				struct proto_accept_arg *arg)
{
	struct proto_accept_arg once = *arg;
	int err;

	once.flags |= O_NONBLOCK;
	/*
	 * The tracepoint fires before the state changes: wait for the change
	 * to be complete.
	 */
	lock_sock(sock->sk);
	release_sock(sock->sk);
	err = percore_hook_stock_ops(sock)->accept(sock, newsock, &once);
	arg->is_empty = once.is_empty;
	if (err == -EAGAIN &&
	    sock_rcvtimeo(sock->sk, arg->flags & O_NONBLOCK))
		return percore_accept_restart();
	return err;
}

/* @newsk: a connection, or NULL and the error in @arg */
static int percore_accept_one(struct socket *sock, struct sock **newsk,
			      struct proto_accept_arg *arg, int *idx)
{
	struct sock *sk = sock->sk;
	long timeo = sock_rcvtimeo(sk, arg->flags & O_NONBLOCK);
	struct percore_listener *lsn;
	struct percore_shard *shard;
	bool slept = false;

	for (;;) {
		lsn = percore_hook_find(sk);
		if (!lsn || inet_sk_state_load(sk) != TCP_LISTEN)
			return -ENOENT;
		if (READ_ONCE(sk->sk_data_ready) != percore_shard_data_ready)
			percore_hook_stacked(lsn);
		shard = percore_shard_get(lsn, raw_smp_processor_id(),
					  GFP_KERNEL);
		*newsk = percore_take(lsn, shard);
		if (*newsk)
			break;
		if (!shard && timeo)
			return -ENOBUFS;
		if (slept && signal_pending(current))
			return sock_intr_errno(timeo);
		if (!timeo)
			return -EAGAIN;
		timeo = percore_accept_sleep(lsn, shard, timeo, idx);
		slept = true;
	}
	/* The wake-up may have been meant for what is still in the pool. */
	if (slept && !percore_pool_empty(lsn))
		percore_shard_pool_ready(lsn);
	arg->is_empty = percore_shard_empty(shard) && percore_pool_empty(lsn);
	return 0;
}

/*
 * kernel_accept() gives the new socket the operations that it has called us by,
 * whatever we put there, and these outlive us. So it gets no connection from us
 * but is told to come again, to a stock socket: by way of sk_data_ready, as it
 * may have looked once for several connections.
 */
static int percore_accept_kernel(struct sock *sk)
{
	struct percore_listener *lsn;
	int idx;

	idx = srcu_read_lock(&percore_srcu);
	lock_sock(sk);
	lsn = percore_hook_find(sk);
	if (lsn) {
		if (percore_hook_is_stacked(lsn))
			percore_hook_stacked(lsn);
		percore_hook_off(lsn);
		percore_hook_restore_ops(sk);
	}
	release_sock(sk);
	srcu_read_unlock(&percore_srcu, idx);

	rcu_read_lock_bh();
	sk->sk_data_ready(sk);
	rcu_read_unlock_bh();
	return -EAGAIN;
}

/**
 * percore_accept - proto_ops.accept of a listener with shards
 * @sock: the listening socket
 * @newsock: the socket to be connected
 * @arg: flags; is_empty is set as the kernel's own does
 *
 * Context: process, sleeps unless the socket or @arg says O_NONBLOCK.
 * Return: 0, or as inet_accept(); -ENOBUFS when the first accept() on a core
 *	found no memory; -EAGAIN when kernel_accept() is to come again.
 */
int percore_accept(struct socket *sock, struct socket *newsock,
		   struct proto_accept_arg *arg)
{
	struct sock *newsk = NULL;
	int idx, err;

	if (unlikely(arg->kern))
		return percore_accept_kernel(sock->sk);

	/* of the same module as ours, so the reference taken on it holds */
	newsock->ops = percore_hook_stock_ops(newsock);

	idx = srcu_read_lock(&percore_srcu);
	err = percore_accept_one(sock, &newsk, arg, &idx);
	if (err == -ENOENT)
		err = percore_accept_stock(sock, newsock, arg);
	if (newsk) {
		percore_charge(newsk);
		percore_accept_graft(sock, newsock, newsk);
	}
	srcu_read_unlock(&percore_srcu, idx);
	return err;
}

/**
 * percore_accept_poll - proto_ops.poll of a listener with shards
 * @file: the socket's file
 * @sock: the listening socket
 * @wait: where to register, or none
 *
 * Context: process; sleeps when @wait registers.
 * Return: EPOLLIN | EPOLLRDNORM when accept() on this core would not wait, else
 *	as tcp_poll().
 */
__poll_t percore_accept_poll(struct file *file, struct socket *sock,
			     poll_table *wait)
{
	struct sock *sk = sock->sk;
	struct percore_listener *lsn;
	struct percore_shard *shard;
	__poll_t mask = 0;
	int idx;

	idx = srcu_read_lock(&percore_srcu);
	lsn = percore_hook_find(sk);
	if (!lsn || inet_sk_state_load(sk) != TCP_LISTEN) {
		mask = percore_hook_stock_ops(sock)->poll(file, sock, wait);
		goto unlock;
	}
	sock_poll_wait(file, sock, wait);
	shard = percore_shard_get(lsn, raw_smp_processor_id(), GFP_KERNEL);
	if (shard) {
		percore_home_visit(shard);
		/* it waits for connections here, not in accept() */
		if (READ_ONCE(shard->home_sleeps) &&
		    READ_ONCE(shard->home) == current)
			WRITE_ONCE(shard->home_sleeps, false);
	}
	if (!percore_shard_empty(shard)) {
		mask = EPOLLIN | EPOLLRDNORM;
		if (!READ_ONCE(shard->told))
			WRITE_ONCE(shard->told, true);
	} else if (!percore_pool_empty(lsn) ||
		   (READ_ONCE(lsn->pool_used) &&
		    !percore_pool_miss(lsn, shard))) {
		mask = EPOLLIN | EPOLLRDNORM;
	}
	if (!mask)
		percore_shard_miss(shard);
unlock:
	srcu_read_unlock(&percore_srcu, idx);
	return mask;
}
