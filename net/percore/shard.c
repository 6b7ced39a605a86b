// SPDX-License-Identifier: GPL-2.0
/*
 * shard.c - which connections a core keeps for its own worker, and how long
 *
 * Previous stage: hook.c. Next: accept.c.
 *
 * A finished handshake puts a connection into the listener's own accept queue,
 * the pool, and calls sk_data_ready on the core that processed the last ACK.
 *
 *	                  core has a worker          not taken within
 *	handshake -> pool -----------------> shard -----------------+
 *	              ^ \                      |     listen_steal_us |
 *	              |  \ otherwise           |                     |
 *	              |   +-> any worker       +-> the core's worker |
 *	              +----------------------------------------------+
 *
 * So a connection is either where a stock kernel would have it, with stock
 * wake-ups, or in the shard of a core whose worker, its *home* (home.c), is
 * known to come by. A home that took nothing for a period, while something
 * waited longer than that, is forgotten. One that is merely slow stays.
 *
 * Age is kept without reading a clock: the timer notes how many connections
 * the shard ever had; those up to the note that are still there when it fires
 * again waited for one to two periods. The timer runs in softirq on the shard's
 * core while the shard holds something, so that nothing is ever stranded.
 *
 * sk_ack_backlog of the listener counts the shards' connections too, so that
 * the limit and ss are those of stock. What accept() took from a shard is
 * subtracted with the core's next handshake, which writes that cache line
 * anyway, or by the timer, or before the kernel compares it with the limit.
 */
#include <linux/slab.h>
#include <net/tcp.h>

#include "percore.h"
#include "stats.h"
#include "trace.h"

/* Entries of the pool to look at for a connection of this core */
#define PERCORE_POOL_LOOK	8

static enum hrtimer_restart percore_shard_timer(struct hrtimer *timer);

static struct percore_shard *percore_shard_alloc(struct percore_listener *lsn,
						 unsigned int cpu, gfp_t gfp)
{
	struct percore_shard *shard;

	shard = kzalloc_node(sizeof(*shard), gfp | __GFP_NOWARN,
			     cpu_to_node(cpu));
	if (!shard)
		return NULL;
	shard->listener = lsn;
	shard->cpu = cpu;
	spin_lock_init(&shard->lock);
	percore_home_init(shard);
	shard->missed_at = jiffies - 1;
	init_waitqueue_head(&shard->waiters);
	hrtimer_init(&shard->timer, CLOCK_MONOTONIC,
		     HRTIMER_MODE_REL_PINNED_SOFT);
	shard->timer.function = percore_shard_timer;
	return shard;
}

/**
 * percore_shard_free - free a shard that nobody can reach
 * @shard: the shard, or NULL
 * Context: any.
 */
void percore_shard_free(struct percore_shard *shard)
{
	if (!shard)
		return;
	percore_home_free(shard);
	kfree(shard);
}

/**
 * percore_shard_get - the shard of a core, made on first use
 * @lsn: the listener
 * @cpu: the core
 * @gfp: GFP_ATOMIC in softirq, GFP_KERNEL where sleep is allowed
 * Context: any that keeps @lsn alive.
 * Return: the shard, or NULL without memory: then the core uses the pool.
 */
struct percore_shard *percore_shard_get(struct percore_listener *lsn,
					unsigned int cpu, gfp_t gfp)
{
	/* pairs with cmpxchg() below */
	struct percore_shard *shard = smp_load_acquire(&lsn->shard[cpu]);
	struct percore_shard *other;

	if (likely(shard))
		return shard;
	shard = percore_shard_alloc(lsn, cpu, gfp);
	if (!shard)
		return NULL;
	other = cmpxchg(&lsn->shard[cpu], NULL, shard);
	if (other) {
		kfree(shard);
		return other;
	}
	return shard;
}

/* ---- moving connections ---- */

static void percore_shard_append(struct percore_shard *shard,
				 struct request_sock *req)
{
	lockdep_assert_held(&shard->lock);
	req->dl_next = NULL;
	if (shard->head)
		shard->tail->dl_next = req;
	else
		WRITE_ONCE(shard->head, req);
	shard->tail = req;
	percore_age_put(&shard->age);
}

static struct request_sock *percore_shard_remove(struct percore_shard *shard)
{
	struct request_sock *req = shard->head;

	lockdep_assert_held(&shard->lock);
	if (!req)
		return NULL;
	WRITE_ONCE(shard->head, req->dl_next);
	if (!req->dl_next)
		shard->tail = NULL;
	percore_age_take(&shard->age);
	return req;
}

/*
 * sk_ack_backlog of the listener counts pool, shards, and what was accepted
 * from shards and not yet subtracted. Subtract it now.
 */
static void percore_shard_settle(struct percore_shard *shard)
{
	struct sock *sk = shard->listener->sk;

	lockdep_assert_held(&percore_queue(sk)->rskq_lock);
	lockdep_assert_held(&shard->lock);
	if (shard->debt)
		WRITE_ONCE(sk->sk_ack_backlog,
			   sk->sk_ack_backlog - shard->debt);
	shard->debt = 0;
	/* never the last: the listener holds one */
	if (shard->refs && refcount_sub_and_test(shard->refs, &sk->sk_refcnt))
		WARN_ON_ONCE(1);
	shard->refs = 0;
}

/**
 * percore_shard_settle_all - make sk_ack_backlog of the listener exact
 * @lsn: the listener
 * Context: process or softirq; takes the locks of pool and shards.
 */
void percore_shard_settle_all(struct percore_listener *lsn)
{
	struct request_sock_queue *pool = percore_queue(lsn->sk);
	unsigned int cpu;

	spin_lock_bh(&pool->rskq_lock);
	for_each_possible_cpu(cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (!shard)
			continue;
		spin_lock(&shard->lock);
		percore_shard_settle(shard);
		spin_unlock(&shard->lock);
	}
	spin_unlock_bh(&pool->rskq_lock);
}

/**
 * percore_shard_pop - take the oldest connection of a shard
 * @shard: the shard
 * Context: process.
 * Return: the connection, with the reference that the queue had on it; NULL
 *	when there is none.
 */
struct sock *percore_shard_pop(struct percore_shard *shard)
{
	struct request_sock *req;
	struct sock *newsk;

	spin_lock_bh(&shard->lock);
	req = percore_shard_remove(shard);
	if (req) {
		shard->debt++;
		/*
		 * Its handshake is over, the queue's reference is the last:
		 * give back the one on the listener when that is cheap.
		 */
		if (refcount_read(&req->rsk_refcnt) == 1 &&
		    req->rsk_listener == shard->listener->sk) {
			req->rsk_listener = NULL;
			shard->refs++;
		}
	}
	spin_unlock_bh(&shard->lock);
	if (!req)
		return NULL;
	newsk = req->sk;
	reqsk_put(req);
	return newsk;
}

/* ---- into a shard ---- */

/* Note what the shard has had by now, and since when that came. */
static void percore_shard_mark(struct percore_shard *shard, unsigned long from)
{
	lockdep_assert_held(&shard->lock);
	percore_age_mark(&shard->age);
	shard->mark_from = from;
	shard->mark_at = jiffies;
}

static u64 percore_shard_period_ns(const struct percore_shard *shard)
{
	const struct net *net = sock_net(shard->listener->sk);

	return (u64)READ_ONCE(percore_net(net)->listen_steal_us) *
	       NSEC_PER_USEC;
}

/*
 * The shard holds something: have its timer run. Under the pool's lock, so that
 * none starts after percore_shard_return_all(), on its way to be cancelled.
 */
static void percore_shard_arm(struct percore_shard *shard)
{
	u64 period_ns;

	lockdep_assert_held(&percore_queue(shard->listener->sk)->rskq_lock);
	lockdep_assert_held(&shard->lock);
	if (shard->armed)
		return;
	shard->armed = true;
	percore_shard_mark(shard, jiffies);
	period_ns = percore_shard_period_ns(shard);
	hrtimer_start_range_ns(&shard->timer, ns_to_ktime(period_ns),
			       period_ns / 4, HRTIMER_MODE_REL_PINNED_SOFT);
}

/* A connection of this core that the pool does not have to keep */
static bool percore_shard_wants(const struct percore_shard *shard,
				const struct request_sock *req)
{
	/*
	 * A Fast Open child whose handshake goes on needs its request to be
	 * where the kernel expects it.
	 */
	return READ_ONCE(req->sk->sk_incoming_cpu) == shard->cpu &&
	       !READ_ONCE(tcp_rsk(req)->tfo_listener);
}

/*
 * Take the connection that just came, the last of this core in the pool, into
 * the shard. Any before it have come back from a shard, or were not announced:
 * they stay, for anybody.
 */
static bool __percore_shard_fill(struct percore_listener *lsn,
				 struct percore_shard *shard)
{
	struct request_sock_queue *pool = percore_queue(lsn->sk);
	struct request_sock *req, *prev = NULL, *found = NULL, *before = NULL;
	unsigned int looked = 0, wanted = 0;

	lockdep_assert_held(&pool->rskq_lock);
	for (req = pool->rskq_accept_head; req; req = req->dl_next) {
		if (++looked > PERCORE_POOL_LOOK)
			return false;
		if (percore_shard_wants(shard, req)) {
			before = prev;
			found = req;
			wanted++;
		}
		prev = req;
	}
	if (wanted > 1 && !lsn->pool_used)
		WRITE_ONCE(lsn->pool_used, true);
	if (!found || !lsn->active)
		return false;

	if (before)
		before->dl_next = found->dl_next;
	else
		WRITE_ONCE(pool->rskq_accept_head, found->dl_next);
	if (!found->dl_next)
		pool->rskq_accept_tail = before;
	spin_lock(&shard->lock);
	percore_shard_append(shard, found);
	percore_shard_settle(shard);
	percore_shard_arm(shard);
	spin_unlock(&shard->lock);
	return true;
}

static bool percore_shard_fill(struct percore_listener *lsn,
			       struct percore_shard *shard)
{
	spinlock_t *pool_lock = &percore_queue(lsn->sk)->rskq_lock;
	bool filled = false;

	/*
	 * inet_csk_accept() of a task that came to accept() before the socket
	 * was ours owns the socket from its look at the queue until it has
	 * taken from it: keep away meanwhile. The child is locked, hence
	 * nested: no path takes a child's spinlock under a listener's.
	 */
	bh_lock_sock_nested(lsn->sk);
	if (!sock_owned_by_user(lsn->sk)) {
		spin_lock(pool_lock);
		filled = __percore_shard_fill(lsn, shard);
		spin_unlock(pool_lock);
	}
	bh_unlock_sock(lsn->sk);
	return filled;
}

/*
 * The first @n connections of a shard, which have waited longest, go before
 * those of the pool.
 */
static void percore_shard_return(struct percore_shard *shard, u32 n)
{
	struct request_sock *first = shard->head, *last = NULL;
	const struct sock *sk = shard->listener->sk;
	struct request_sock_queue *pool = percore_queue(sk);
	u32 i;

	lockdep_assert_held(&pool->rskq_lock);
	for (i = 0; i < n && shard->head; i++)
		last = percore_shard_remove(shard);
	if (!last)
		return;
	trace_percore_spill(sk, shard->cpu, i);
	percore_stat_add(sock_net(sk), PERCORE_STAT_SPILLED, i);
	last->dl_next = pool->rskq_accept_head;
	if (!pool->rskq_accept_head)
		pool->rskq_accept_tail = last;
	WRITE_ONCE(pool->rskq_accept_head, first);
}

/**
 * percore_shard_return_all - empty every shard into the pool, for good
 * @lsn: the listener, which is not active afterwards
 * Context: process or softirq; takes the locks of pool and shards.
 */
void percore_shard_return_all(struct percore_listener *lsn)
{
	struct request_sock_queue *pool = percore_queue(lsn->sk);
	unsigned int cpu;

	spin_lock_bh(&pool->rskq_lock);
	lsn->active = false;
	for_each_possible_cpu(cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (!shard)
			continue;
		spin_lock(&shard->lock);
		percore_shard_settle(shard);
		percore_shard_return(shard, U32_MAX);
		spin_unlock(&shard->lock);
		percore_home_forget(shard);
	}
	spin_unlock_bh(&pool->rskq_lock);
}

/**
 * percore_shard_wake_all - wake all that wait on shards, to look again
 * @lsn: the listener
 * Context: any.
 */
void percore_shard_wake_all(struct percore_listener *lsn)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (shard && wq_has_sleeper(&shard->waiters))
			wake_up_interruptible_all(&shard->waiters);
	}
}

/* ---- the pool has something for anybody ---- */

static void percore_pool_use(struct percore_listener *lsn)
{
	/*
	 * Pairs with percore_pool_miss(): either that one sees the connection
	 * or we see its false. If both, it wakes somebody again.
	 */
	smp_mb();
	if (!READ_ONCE(lsn->pool_used))
		WRITE_ONCE(lsn->pool_used, true);
}

/* @shard: of this core, or NULL */
static void percore_pool_ready(struct percore_listener *lsn,
			       struct percore_shard *shard, unsigned int cpu)
{
	percore_pool_use(lsn);
	if (!percore_home_wake_pool(lsn, shard))
		percore_accept_wake(lsn, cpu);
}

/**
 * percore_shard_pool_ready - the pool has a connection: wake somebody for it
 * @lsn: the listener
 * Context: process or softirq.
 */
void percore_shard_pool_ready(struct percore_listener *lsn)
{
	percore_pool_ready(lsn, NULL, raw_smp_processor_id());
}

/* What is kept in the shard is anybody's. */
static void percore_shard_give_up(struct percore_shard *shard)
{
	struct percore_listener *lsn = shard->listener;
	spinlock_t *pool_lock = &percore_queue(lsn->sk)->rskq_lock;
	u32 n;

	spin_lock_bh(pool_lock);
	spin_lock(&shard->lock);
	n = shard->age.depth;
	percore_shard_return(shard, n);
	spin_unlock(&shard->lock);
	spin_unlock_bh(pool_lock);
	while (n--)
		percore_shard_pool_ready(lsn);
}

/**
 * percore_shard_abandon - the home of a core is elsewhere: keep nothing for it
 * @shard: the shard, whose connections become anybody's
 *
 * Context: process.
 */
void percore_shard_abandon(struct percore_shard *shard)
{
	percore_home_forget(shard);
	if (!percore_shard_empty(shard))
		percore_shard_give_up(shard);
}

/* Did anybody look for a connection in vain while @shard hid its oldest? */
static bool percore_shard_missed(const struct percore_shard *shard)
{
	const struct percore_listener *lsn = shard->listener;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		const struct percore_shard *other = READ_ONCE(lsn->shard[cpu]);

		if (other && other != shard &&
		    !time_before(READ_ONCE(other->missed_at),
				 shard->mark_from))
			return true;
	}
	return false;
}

/* Does anybody sleep in accept() as the home of its core? */
static bool percore_shard_homes_asleep(const struct percore_listener *lsn)
{
	unsigned int cpu;

	for_each_cpu(cpu, lsn->sleep_cpus) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (shard && wq_has_sleeper(&shard->waiters))
			return true;
	}
	return false;
}

/*
 * poll() told the home of what the shard holds, nobody looked for it in vain,
 * and nobody else waits: the home does not want it. Another wake-up would be
 * one more than stock's, which an edge-triggered epoll would report.
 */
static bool percore_shard_told_all(struct percore_shard *shard)
{
	return READ_ONCE(shard->told) && !percore_shard_missed(shard) &&
	       !percore_shard_homes_asleep(shard->listener) &&
	       percore_home_told_all(shard);
}

/* Has anything waited for a whole period? Then it is anybody's. */
static enum hrtimer_restart percore_shard_timer(struct hrtimer *timer)
{
	struct percore_shard *shard;
	struct percore_listener *lsn;
	bool again, wake = false, gone = false;
	u32 aged;

	shard = container_of(timer, struct percore_shard, timer);
	lsn = shard->listener;
	spin_lock(&percore_queue(lsn->sk)->rskq_lock);
	spin_lock(&shard->lock);
	percore_shard_settle(shard);
	aged = percore_age_due(&shard->age);
	if (aged) {
		gone = percore_age_untouched(&shard->age);
		percore_shard_return(shard, aged);
		percore_pool_use(lsn);
		/*
		 * Pairs with prepare_to_wait_exclusive() in
		 * percore_accept_sleep(): it sees the pool, or we see it.
		 */
		smp_mb();
		wake = !percore_shard_told_all(shard);
	}
	again = shard->age.depth;
	shard->armed = again;
	if (again)
		percore_shard_mark(shard, shard->mark_at);
	spin_unlock(&shard->lock);
	spin_unlock(&percore_queue(lsn->sk)->rskq_lock);

	if (aged) {
		if (gone)
			percore_home_fail(shard);
		for (; aged && wake; aged--)
			percore_pool_ready(lsn, shard, shard->cpu);
	}
	if (!again)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(percore_shard_period_ns(shard)));
	return HRTIMER_RESTART;
}

/**
 * percore_shard_data_ready - a connection of this core has been established
 * @sk: the listening socket; what it means of another is passed on
 *
 * Context: softirq or BH off, RCU read side.
 */
void percore_shard_data_ready(struct sock *sk)
{
	struct percore_listener *lsn = percore_hook_find(sk);
	unsigned int cpu = smp_processor_id();
	struct percore_shard *shard;

	if (unlikely(!lsn)) {
		percore_stock_data_ready(sk);
		return;
	}
	if (unlikely(READ_ONCE(sk->sk_data_ready) != percore_shard_data_ready))
		percore_hook_stacked(lsn);
	shard = READ_ONCE(lsn->shard[cpu]);
	if (!percore_home_serves(shard) || sock_flag(sk, SOCK_FASYNC) ||
	    !percore_shard_fill(lsn, shard)) {
		percore_pool_ready(lsn, shard, cpu);
		return;
	}
	if (READ_ONCE(shard->told))
		WRITE_ONCE(shard->told, false);
	if (unlikely(!percore_home_wake(shard)))
		percore_shard_give_up(shard);
}
