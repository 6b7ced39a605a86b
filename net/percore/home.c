// SPDX-License-Identifier: GPL-2.0
/*
 * home.c - who takes the connections of a core, and how to wake it
 *
 * Asked by shard.c when a connection is ready, told by accept.c who looks.
 *
 * The *home* of a core is the task that takes its connections. It is learned
 * from who calls accept() and poll():
 *
 *   - a task that may run on one CPU only: at once;
 *   - another: when it took the last @price connections of its core, and
 *     @price doubles each time it then failed to come.
 *
 * A home asleep in accept() waits on the shard. One that sleeps in epoll_wait()
 * or poll() does so behind an entry on the socket's wait queue, which was put
 * there by some task on some core and does not say whom it wakes. That entry,
 * the *bell* of the core, is learned too, while connections go to the pool and
 * wake as ever: it is the one whose call ends the sleep of the home, some times
 * in a row (@bell_price). Threads that share an epoll instance share one entry:
 * it wakes now this one, now that one, and is nobody's bell.
 *
 * A wrong guess costs one wake-up more, or a wait until the shard's timer, and
 * makes the next guess dearer; it never loses a connection.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <net/tcp.h>

#include "percore.h"

#define PERCORE_READABLE \
	poll_to_key(EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND)

/**
 * percore_home_init - no home, nothing learned
 * @shard: a new shard
 */
void percore_home_init(struct percore_shard *shard)
{
	shard->price = PERCORE_HOME_PRICE;
	shard->bell_price = PERCORE_BELL_PRICE;
}

/**
 * percore_home_free - give up what @shard knows of its home
 * @shard: a shard that nobody can reach
 * Context: any.
 */
void percore_home_free(struct percore_shard *shard)
{
	put_pid(shard->home_pid);
}

/* ---- who ---- */

/* What was kept for the current task on cores it has left is anybody's. */
static void percore_home_leave_others(struct percore_shard *here)
{
	struct percore_listener *lsn = here->listener;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (!shard || shard == here)
			continue;
		if (READ_ONCE(shard->guest) == current)
			WRITE_ONCE(shard->guest, NULL);
		if (READ_ONCE(shard->home_pid) == task_pid(current))
			percore_shard_abandon(shard);
	}
}

/* Under the shard's lock */
static void percore_bell_reset(struct percore_shard *shard)
{
	lockdep_assert_held(&shard->lock);
	WRITE_ONCE(shard->bell, NULL);
	shard->bell_seen = NULL;
	shard->bell_streak = 0;
	shard->bell_rings = 0;
}

static void percore_bell_unlearn(struct percore_shard *shard)
{
	shard->bell_price = percore_price(shard->bell_price,
					  PERCORE_BELL_PRICE,
					  shard->bell_rings);
	percore_bell_reset(shard);
}

/**
 * percore_home_forget - a core has no home, and what is known of it is useless
 * @shard: of that core
 * Context: any; takes the shard's lock.
 */
void percore_home_forget(struct percore_shard *shard)
{
	struct pid *pid;

	spin_lock_bh(&shard->lock);
	pid = shard->home_pid;
	WRITE_ONCE(shard->home_pid, NULL);
	WRITE_ONCE(shard->home, NULL);
	WRITE_ONCE(shard->streak, 0);
	percore_bell_reset(shard);
	spin_unlock_bh(&shard->lock);
	put_pid(pid);
}

static void percore_home_settle(struct percore_shard *shard)
{
	struct pid *old = NULL;

	spin_lock_bh(&shard->lock);
	if (shard->home_pid != task_pid(current)) {
		old = shard->home_pid;
		WRITE_ONCE(shard->home_pid, get_pid(task_pid(current)));
		WRITE_ONCE(shard->home_sleeps, false);	/* that was another */
		percore_bell_reset(shard);
	}
	WRITE_ONCE(shard->settled_at, atomic_long_read(&shard->accepts_local));
	WRITE_ONCE(shard->home, current);
	spin_unlock_bh(&shard->lock);
	put_pid(old);
	percore_home_leave_others(shard);
}

/**
 * percore_home_visit - the current task looks for connections on its core
 * @shard: of that core
 *
 * Nearly always it is the core's home, or came to it before. Of several that
 * are bound to one core the first is home until it fails to come.
 *
 * Context: process.
 */
void percore_home_visit(struct percore_shard *shard)
{
	const struct task_struct *home = READ_ONCE(shard->home);
	unsigned long now = jiffies;

	if (likely(home == current))
		return;
	if (!home && current->nr_cpus_allowed == 1) {
		percore_home_settle(shard);
	} else if (READ_ONCE(shard->guest) != current &&
		   READ_ONCE(shard->guest_at) != now) {
		WRITE_ONCE(shard->guest, current);
		WRITE_ONCE(shard->guest_at, now);
		percore_home_leave_others(shard);
	}
}

/**
 * percore_home_earn - the current task took a connection of its core
 * @shard: of that core
 * Context: process.
 */
void percore_home_earn(struct percore_shard *shard)
{
	if (likely(READ_ONCE(shard->home) == current))
		return;
	if (READ_ONCE(shard->candidate) != current) {
		WRITE_ONCE(shard->candidate, current);
		WRITE_ONCE(shard->streak, 0);
	}
	WRITE_ONCE(shard->streak, shard->streak + 1);
	if (shard->streak >= READ_ONCE(shard->price))
		percore_home_settle(shard);
}

/**
 * percore_home_fail - the home took nothing while connections waited
 * @shard: the shard
 *
 * Its bell is kept, in case it settles again.
 *
 * Context: any.
 */
void percore_home_fail(struct percore_shard *shard)
{
	if (!READ_ONCE(shard->home))
		return;
	WRITE_ONCE(shard->home, NULL);
	WRITE_ONCE(shard->streak, 0);
	WRITE_ONCE(shard->price,
		   percore_price(shard->price, PERCORE_HOME_PRICE,
				 atomic_long_read(&shard->accepts_local) -
				 READ_ONCE(shard->settled_at)));
}

/**
 * percore_home_serves - will somebody take what is put into a shard?
 * @shard: the shard, or NULL
 * Context: any.
 * Return: true when its home is known and can be woken. No waiter in accept()
 *	means that the home is busy.
 */
bool percore_home_serves(const struct percore_shard *shard)
{
	return shard && READ_ONCE(shard->home) &&
	       (READ_ONCE(shard->home_sleeps) || READ_ONCE(shard->bell));
}

/* ---- its bell ---- */

/* A task about to sleep that found something to do says so before it runs on */
static bool percore_home_asleep(const struct task_struct *home)
{
	return READ_ONCE(home->__state) & TASK_NORMAL &&
	       !READ_ONCE(home->on_cpu);
}

/* Call @bell if it still is on the wait queue. */
static bool percore_bell_ring(struct wait_queue_head *head,
			      const struct wait_queue_entry *bell)
{
	struct wait_queue_entry *entry;
	unsigned long flags;
	bool found = false;

	spin_lock_irqsave(&head->lock, flags);
	list_for_each_entry(entry, &head->head, entry) {
		if (entry != bell)
			continue;
		entry->func(entry, TASK_INTERRUPTIBLE, 0, PERCORE_READABLE);
		found = true;
		break;
	}
	spin_unlock_irqrestore(&head->lock, flags);
	return found;
}

/* Whether it was the right one can be told only of a home that was asleep. */
static bool percore_home_ring(struct percore_shard *shard,
			      struct wait_queue_head *head)
{
	struct task_struct *home = pid_task(shard->home_pid, PIDTYPE_PID);
	bool asleep;

	lockdep_assert_held(&shard->lock);
	if (!home || !shard->bell)
		return false;
	shard->bell_rings++;
	asleep = percore_home_asleep(home);
	return percore_bell_ring(head, shard->bell) &&
	       !(asleep && percore_home_asleep(home));
}

/**
 * percore_home_wake - a connection is in the shard: tell the home
 * @shard: the shard
 * Context: softirq.
 * Return: false when the home could not be told.
 */
bool percore_home_wake(struct percore_shard *shard)
{
	struct socket_wq *wq;
	bool rung;

	if (READ_ONCE(shard->home_sleeps)) {
		if (wq_has_sleeper(&shard->waiters))
			__wake_up_sync_key(&shard->waiters, TASK_INTERRUPTIBLE,
					   PERCORE_READABLE);
		return true;
	}
	rcu_read_lock();
	wq = rcu_dereference(shard->listener->sk->sk_wq);
	spin_lock(&shard->lock);
	rung = wq && percore_home_ring(shard, &wq->wait);
	if (!rung && shard->bell)	/* else the home has just left */
		percore_bell_unlearn(shard);
	spin_unlock(&shard->lock);
	rcu_read_unlock();
	return rung;
}

/* Two homes woken by one entry share an epoll instance: it is nobody's bell. */
static bool percore_bell_shared(struct percore_shard *shard,
				const struct wait_queue_entry *entry)
{
	struct percore_listener *lsn = shard->listener;
	unsigned int cpu;
	bool shared = false;

	for_each_possible_cpu(cpu) {
		struct percore_shard *other = READ_ONCE(lsn->shard[cpu]);

		if (!other || other == shard)
			continue;
		spin_lock(&other->lock);
		if (other->bell_seen == entry) {
			percore_bell_unlearn(other);
			shared = true;
		}
		spin_unlock(&other->lock);
	}
	return shared;
}

/* What percore_bell_try() found out */
struct percore_trial {
	const struct task_struct *home;
	const struct wait_queue_entry *seen;
	struct wait_queue_entry *found;	/* its call ended the sleep of @home */
	bool wrong;			/* that of @seen did not */
};

/* Call one entry. Returns whether it has woken an exclusive waiter. */
static bool percore_bell_try(struct percore_trial *trial,
			     struct wait_queue_entry *entry)
{
	bool exclusive = entry->flags & WQ_FLAG_EXCLUSIVE;
	bool asleep = percore_home_asleep(trial->home);
	int ret;

	ret = entry->func(entry, TASK_INTERRUPTIBLE, 0, PERCORE_READABLE);
	if (asleep && !percore_home_asleep(trial->home))
		trial->found = entry;
	else if (asleep && entry == trial->seen)
		trial->wrong = true;
	return ret > 0 && exclusive;
}

/*
 * As __wake_up() of one exclusive waiter, but begin with the @skip'th of these
 * and come to those before it last, so that each is tried some time. Returns
 * whether one was woken.
 */
static bool percore_bell_try_all(struct wait_queue_head *head,
				 struct percore_trial *trial, unsigned int skip)
{
	struct wait_queue_entry *entry, *next;
	unsigned long flags;
	unsigned int n = 0;
	bool woken = true;

	spin_lock_irqsave(&head->lock, flags);
	list_for_each_entry(entry, &head->head, entry)
		n += entry->flags & WQ_FLAG_EXCLUSIVE;
	skip = n ? skip % n : 0;
	n = 0;
	list_for_each_entry_safe(entry, next, &head->head, entry) {
		if (entry->flags & WQ_FLAG_EXCLUSIVE && n++ < skip)
			continue;
		if (percore_bell_try(trial, entry))
			goto unlock;
	}
	n = 0;
	list_for_each_entry_safe(entry, next, &head->head, entry)
		if (entry->flags & WQ_FLAG_EXCLUSIVE && n++ < skip &&
		    percore_bell_try(trial, entry))
			goto unlock;
	woken = false;
unlock:
	spin_unlock_irqrestore(&head->lock, flags);
	return woken;
}

static void percore_bell_note(struct percore_shard *shard,
			      const struct percore_trial *trial)
{
	bool wrong = trial->wrong ||
		     (trial->found && percore_bell_shared(shard, trial->found));

	spin_lock(&shard->lock);
	if (wrong) {
		percore_bell_unlearn(shard);
	} else if (trial->found) {
		if (shard->bell_seen != trial->found)
			shard->bell_streak = 0;
		shard->bell_seen = trial->found;
		if (++shard->bell_streak >= shard->bell_price)
			WRITE_ONCE(shard->bell, trial->found);
	}
	spin_unlock(&shard->lock);
}

/* As sock_def_readable(). Returns whether an exclusive waiter was woken. */
static bool percore_home_wake_one(struct wait_queue_head *head)
{
	return __wake_up(head, TASK_INTERRUPTIBLE, 1, PERCORE_READABLE);
}

static bool percore_bell_learn(struct percore_shard *shard,
			       struct wait_queue_head *head)
{
	struct percore_trial trial = {};
	unsigned int skip;
	bool woken;

	spin_lock(&shard->lock);
	trial.home = pid_task(shard->home_pid, PIDTYPE_PID);
	trial.seen = shard->bell_seen;
	skip = shard->bell_tries++;
	spin_unlock(&shard->lock);
	if (!trial.home) {
		percore_home_forget(shard);
		return percore_home_wake_one(head);
	}
	woken = percore_bell_try_all(head, &trial, skip);
	percore_bell_note(shard, &trial);
	return woken;
}

/**
 * percore_home_wake_pool - a connection is in the pool: wake as stock does
 * @lsn: the listener
 * @shard: of this core, or NULL; its bell may be learned from what happens
 * Context: process or softirq.
 * Return: true when an exclusive waiter was woken for it: then nobody else is
 *	to be. Not known where nobody sleeps in accept() on a shard.
 */
bool percore_home_wake_pool(struct percore_listener *lsn,
			    struct percore_shard *shard)
{
	bool learn = shard && READ_ONCE(shard->home) &&
		     !READ_ONCE(shard->bell) && !READ_ONCE(shard->home_sleeps);
	struct sock *sk = lsn->sk;
	struct socket_wq *wq;
	bool woken = false;

	if (sock_flag(sk, SOCK_FASYNC) ||
	    (!learn && cpumask_empty(lsn->sleep_cpus))) {
		percore_stock_data_ready(sk);
		return false;
	}
	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		woken = learn ? percore_bell_learn(shard, &wq->wait) :
				percore_home_wake_one(&wq->wait);
	rcu_read_unlock();
	return woken;
}

/**
 * percore_home_told_all - has everybody who waits been told of a connection?
 * @shard: where it lies
 * Context: softirq; the shard's lock is held.
 * Return: true when the bell is the only entry on the socket's wait queue. Who
 *	sleeps in accept() on a shard is not seen here.
 */
bool percore_home_told_all(struct percore_shard *shard)
{
	struct wait_queue_entry *first;
	struct socket_wq *wq;
	bool alone = false;

	rcu_read_lock();
	wq = rcu_dereference(shard->listener->sk->sk_wq);
	if (wq) {
		spin_lock_irq(&wq->wait.lock);
		first = list_first_entry(&wq->wait.head,
					 struct wait_queue_entry, entry);
		alone = list_is_singular(&wq->wait.head) &&
			first == shard->bell;
		spin_unlock_irq(&wq->wait.lock);
	}
	rcu_read_unlock();
	return alone;
}
