// SPDX-License-Identifier: GPL-2.0
/*
 * shard.c - which connections a core keeps for its own worker, and how long
 *
 * Previous stage: listen.c. Next: accept.c.
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
 * wake-ups, or in the shard of a core whose worker is known to come by. Who is
 * that worker, its *home* task, is learned from who calls accept() and poll():
 *
 *   - a task that may run on one CPU only: at once;
 *   - another: when it took the last @price connections of its core, and
 *     @price doubles each time it then failed to come.
 *
 * A home that did not take a connection in time is forgotten.
 *
 * Age is kept without reading a clock: the timer notes how many connections
 * the shard ever had; those up to the note that are still there when it fires
 * again waited for one to two periods. sk_ack_backlog of the listener counts
 * the shards' connections too, so that the limit and ss are those of stock.
 *
 * The timer runs in softirq on the shard's core while the shard holds
 * something, so that nothing is ever stranded.
 */
#include <linux/slab.h>
#include <net/tcp.h>

#include "percore.h"

/* Connections in a row that make a task free to roam the home of a core */
#define PERCORE_HOME_PRICE	4
#define PERCORE_HOME_PRICE_MAX	4096

/* Entries of the pool to look at for a connection of this core */
#define PERCORE_POOL_LOOK	8

static enum hrtimer_restart percore_shard_timer(struct hrtimer *timer);

/*
 * An unbound, unhashed socket whose accept queue inet_csk_accept() empties,
 * with the charges to the caller's memory cgroup that belong to it.
 */
static struct sock *percore_shard_queue_alloc(struct net *net, gfp_t gfp)
{
	struct sock *sk;

	sk = sk_alloc(net, PF_INET, gfp, &tcp_prot, 1);
	if (!sk)
		return NULL;
	sock_init_data(NULL, sk);
	sk->sk_protocol = IPPROTO_TCP;
	spin_lock_init(&percore_queue(sk)->rskq_lock);
	spin_lock_init(&percore_queue(sk)->fastopenq.lock);
	/* not inet_sk_set_state(): nobody is to hear of it */
	WRITE_ONCE(sk->sk_state, TCP_LISTEN);
	return sk;
}

static struct percore_shard *percore_shard_alloc(struct percore_listener *lsn,
						 unsigned int cpu, gfp_t gfp)
{
	struct percore_shard *shard;

	gfp |= __GFP_NOWARN;
	shard = kzalloc_node(sizeof(*shard), gfp, cpu_to_node(cpu));
	if (!shard)
		return NULL;
	shard->queue = percore_shard_queue_alloc(sock_net(lsn->sk), gfp);
	if (!shard->queue) {
		kfree(shard);
		return NULL;
	}
	shard->listener = lsn;
	shard->cpu = cpu;
	shard->price = PERCORE_HOME_PRICE;
	init_waitqueue_head(&shard->waiters);
	hrtimer_init(&shard->timer, CLOCK_MONOTONIC,
		     HRTIMER_MODE_REL_PINNED_SOFT);
	shard->timer.function = percore_shard_timer;
	return shard;
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
		percore_shard_free(shard);
		return other;
	}
	return shard;
}

/**
 * percore_shard_free - free a shard that nobody can reach
 * @shard: the shard, empty, its timer not running; or NULL
 * Context: any.
 */
void percore_shard_free(struct percore_shard *shard)
{
	if (!shard)
		return;
	sock_put(shard->queue);
	kfree(shard);
}

/* ---- moving connections; both queues' locks are held ---- */

static void percore_queue_append(struct request_sock_queue *queue,
				 struct request_sock *req)
{
	req->dl_next = NULL;
	if (queue->rskq_accept_head)
		queue->rskq_accept_tail->dl_next = req;
	else
		WRITE_ONCE(queue->rskq_accept_head, req);
	queue->rskq_accept_tail = req;
}

static struct request_sock *percore_queue_pop(struct request_sock_queue *queue)
{
	struct request_sock *req = queue->rskq_accept_head;

	if (!req)
		return NULL;
	WRITE_ONCE(queue->rskq_accept_head, req->dl_next);
	if (!req->dl_next)
		queue->rskq_accept_tail = NULL;
	return req;
}

/* A connection of this core that the pool does not have to keep */
static bool percore_shard_wants(const struct percore_shard *shard,
				const struct request_sock *req)
{
	/*
	 * While its handshake goes on, a Fast Open child needs the lock of
	 * the queue that its listener has.
	 */
	return READ_ONCE(req->sk->sk_incoming_cpu) == shard->cpu &&
	       !tcp_rsk(req)->tfo_listener;
}

/*
 * Take the connection that just came, the last of this core in the pool, into
 * the shard. Any before it have come back from a shard, or were not announced:
 * they stay, for anybody.
 */
static bool percore_shard_fill(struct percore_listener *lsn,
			       struct percore_shard *shard)
{
	struct request_sock_queue *pool = percore_queue(lsn->sk);
	struct request_sock_queue *own = percore_queue(shard->queue);
	struct request_sock *req, *prev = NULL, *found = NULL, *before = NULL;
	unsigned int looked = 0, wanted = 0;

	spin_lock(&pool->rskq_lock);
	for (req = pool->rskq_accept_head; req; req = req->dl_next) {
		if (++looked > PERCORE_POOL_LOOK)
			break;
		if (percore_shard_wants(shard, req)) {
			before = prev;
			found = req;
			wanted++;
		}
		prev = req;
	}
	if (wanted > 1 && !lsn->pool_used)
		WRITE_ONCE(lsn->pool_used, true);
	if (req || !found || !lsn->active) {
		spin_unlock(&pool->rskq_lock);
		return false;
	}

	if (before)
		before->dl_next = found->dl_next;
	else
		WRITE_ONCE(pool->rskq_accept_head, found->dl_next);
	if (!found->dl_next)
		pool->rskq_accept_tail = before;
	spin_lock(&own->rskq_lock);
	percore_queue_append(own, found);
	sk_acceptq_added(shard->queue);
	shard->queued++;
	spin_unlock(&own->rskq_lock);
	spin_unlock(&pool->rskq_lock);
	return true;
}

/*
 * The first @n connections of a shard, which have waited longest, go before
 * those of the pool.
 */
static void percore_shard_return(struct percore_shard *shard, u32 n)
{
	struct request_sock_queue *pool = percore_queue(shard->listener->sk);
	struct request_sock_queue *own = percore_queue(shard->queue);
	struct request_sock *first = own->rskq_accept_head, *last = NULL;

	lockdep_assert_held(&pool->rskq_lock);
	lockdep_assert_held(&own->rskq_lock);
	for (; n && own->rskq_accept_head; n--) {
		last = percore_queue_pop(own);
		sk_acceptq_removed(shard->queue);
	}
	if (!last)
		return;
	last->dl_next = pool->rskq_accept_head;
	if (!pool->rskq_accept_head)
		pool->rskq_accept_tail = last;
	WRITE_ONCE(pool->rskq_accept_head, first);
}

/**
 * percore_shard_return_all - empty every shard into the pool, for good
 * @lsn: the listener, which is not active afterwards
 * Context: process or softirq; takes the locks of the queues.
 */
void percore_shard_return_all(struct percore_listener *lsn)
{
	struct request_sock_queue *pool = percore_queue(lsn->sk);
	struct request_sock *req;
	unsigned int cpu;
	u32 n = 0;

	spin_lock_bh(&pool->rskq_lock);
	lsn->active = false;
	lsn->generation++;
	for_each_possible_cpu(cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (!shard)
			continue;
		spin_lock(&percore_queue(shard->queue)->rskq_lock);
		percore_shard_return(shard, U32_MAX);
		spin_unlock(&percore_queue(shard->queue)->rskq_lock);
		WRITE_ONCE(shard->home, NULL);
	}
	/* what accept() took from a shard and has not yet subtracted: now */
	for (req = pool->rskq_accept_head; req; req = req->dl_next)
		n++;
	WRITE_ONCE(lsn->sk->sk_ack_backlog, n);
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

static void percore_pool_ready(struct percore_listener *lsn, unsigned int cpu)
{
	/*
	 * Pairs with percore_pool_miss(): either that one sees the connection
	 * or we see its false.
	 */
	smp_mb();
	if (!READ_ONCE(lsn->pool_used))
		WRITE_ONCE(lsn->pool_used, true);
	lsn->orig_data_ready(lsn->sk);
	percore_accept_wake(lsn, cpu);
}

static u64 percore_shard_period_ns(const struct percore_shard *shard)
{
	const struct net *net = sock_net(shard->listener->sk);

	return (u64)READ_ONCE(percore_net(net)->listen_steal_us) *
	       NSEC_PER_USEC;
}

/* Did the core's home let connections wait for a whole period? */
static enum hrtimer_restart percore_shard_timer(struct hrtimer *timer)
{
	struct percore_shard *shard;
	struct percore_listener *lsn;
	u32 depth, aged = 0;

	shard = container_of(timer, struct percore_shard, timer);
	lsn = shard->listener;
	spin_lock(&percore_queue(lsn->sk)->rskq_lock);
	spin_lock(&percore_queue(shard->queue)->rskq_lock);
	depth = percore_shard_depth(shard);
	if (depth) {
		u32 taken = shard->queued - depth;

		if ((s32)(shard->mark - taken) > 0)
			aged = shard->mark - taken;
		percore_shard_return(shard, aged);
		shard->mark = shard->queued;
		depth -= aged;
	}
	shard->armed = depth;
	spin_unlock(&percore_queue(shard->queue)->rskq_lock);
	spin_unlock(&percore_queue(lsn->sk)->rskq_lock);

	if (aged) {
		WRITE_ONCE(shard->home, NULL);
		shard->streak = 0;
		shard->price = min(2 * shard->price, PERCORE_HOME_PRICE_MAX);
		for (; aged; aged--)
			percore_pool_ready(lsn, shard->cpu);
	}
	if (!depth)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(percore_shard_period_ns(shard)));
	return HRTIMER_RESTART;
}

static void percore_shard_arm(struct percore_shard *shard)
{
	u64 period_ns;
	bool arm;

	spin_lock(&percore_queue(shard->queue)->rskq_lock);
	arm = !shard->armed && percore_shard_depth(shard);
	if (arm) {
		shard->armed = true;
		shard->mark = shard->queued;
	}
	spin_unlock(&percore_queue(shard->queue)->rskq_lock);
	if (!arm)
		return;
	period_ns = percore_shard_period_ns(shard);
	hrtimer_start_range_ns(&shard->timer, ns_to_ktime(period_ns),
			       period_ns / 4, HRTIMER_MODE_REL_PINNED_SOFT);
}

/* Somebody on this core will take what is put into its shard. */
static bool percore_shard_served(struct percore_shard *shard)
{
	if (!shard || !READ_ONCE(shard->home))
		return false;
	/*
	 * An epoll entry stays while its worker is busy; a task that waits in
	 * accept() is on the queue only while it sleeps.
	 */
	return waitqueue_active(&shard->waiters) ||
	       READ_ONCE(shard->home_sleeps);
}

/**
 * percore_shard_data_ready - a connection of this core has been established
 * @sk: the listening socket; what it means of another is passed on
 *
 * Context: softirq or BH off, RCU read side.
 */
void percore_shard_data_ready(struct sock *sk)
{
	struct percore_listener *lsn = percore_listen_find(sk);
	unsigned int cpu = smp_processor_id();
	struct percore_shard *shard;

	if (unlikely(!lsn)) {
		/* pairs with smp_wmb() in percore_listen_deactivate() */
		smp_rmb();
		READ_ONCE(sk->sk_data_ready)(sk);
		return;
	}
	shard = READ_ONCE(lsn->shard[cpu]);
	if (!percore_shard_served(shard) || sock_flag(sk, SOCK_FASYNC) ||
	    !percore_shard_fill(lsn, shard)) {
		percore_pool_ready(lsn, cpu);
		return;
	}
	percore_shard_arm(shard);
	if (wq_has_sleeper(&shard->waiters))
		wake_up_interruptible_sync_poll(&shard->waiters,
						EPOLLIN | EPOLLPRI |
						EPOLLRDNORM | EPOLLRDBAND);
}
