// SPDX-License-Identifier: GPL-2.0
/*
 * listen.c - attach to a socket that starts to listen, and let go of it
 *
 * Before hook.c, shard.c, accept.c on the way of a connection.
 *
 * The kernel reports every change of a TCP state in the tracepoint
 * inet_sock_set_state. On a change to LISTEN, which happens under lock_sock()
 * and before the socket can be found by a SYN, hook.c replaces three pointers
 * of the socket. adopt.c finds those that listen already. There is one
 * listener, struct percore_listener, for a socket:
 *
 *	             listen(), adopted
 *	  (not ours) ----------------------------------> active
 *	    ^   ^   percore_listen_stop()                |  |
 *	    |   +----------------------------------------+  |
 *	    |   close(), shutdown(), connect(), ss -K ...   |
 *	    +-----------------------------------------------+
 *
 * From LISTEN to another state the tracepoint fires before the kernel resets
 * what waits in the accept queue, so it is enough to put the shards' contents
 * back there: resets, migration to another socket of a reuseport group and
 * their order are the kernel's own.
 *
 * All three pointers are the kernel's again before the socket leaves LISTEN. It
 * may be connected then, and others copy the socket operations of a connection
 * (TCP_ULP), replace them (IPV6_ADDRFORM), or sleep in its release (SO_LINGER):
 * all that is as if it had never been ours.
 *
 * Who may hold a listener, and what ends it:
 *   softirq (af_ops, sk_data_ready)	  RCU; call_rcu() frees
 *   accept(), poll()			  the file they are called on keeps
 *					  release away, percore_srcu keeps
 *					  percore_listen_stop() away
 *   a task asleep in accept()		  counted in shard->sleepers, woken and
 *					  sent back to restart the system call
 *   the shard's timer			  hrtimer_cancel()
 *   netlink dumps			  percore_listeners_lock
 *   who stacked on sk_data_ready	  a reference on the module, see
 *					  percore_hook_stacked()
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <net/tcp.h>
#include <net/transp_v6.h>
#include <trace/events/sock.h>

#include "percore.h"

DEFINE_SRCU(percore_srcu);

static DEFINE_HASHTABLE(percore_listeners, 8);
static DEFINE_SPINLOCK(percore_listeners_lock);
static LIST_HEAD(percore_listener_list);	/* the same, oldest first */
static LIST_HEAD(percore_listener_gone);	/* for percore_listen_reap() */
static u64 percore_last_id;	/* under percore_listeners_lock */
static bool percore_listen_on;	/* the probe is there; under the same lock */

static void percore_listen_reap(struct work_struct *work);
static DECLARE_DELAYED_WORK(percore_listen_reaper, percore_listen_reap);

static struct tracepoint *percore_state_tracepoint;

static struct percore_listener *percore_listen_lookup(const struct sock *sk)
{
	struct percore_listener *lsn;

	lockdep_assert_held(&percore_listeners_lock);
	hash_for_each_possible(percore_listeners, lsn, node, (unsigned long)sk)
		if (lsn->sk == sk)
			return lsn;
	return NULL;
}

static bool percore_listen_has(const struct sock *sk)
{
	bool has;

	spin_lock_bh(&percore_listeners_lock);
	has = percore_listen_lookup(sk);
	spin_unlock_bh(&percore_listeners_lock);
	return has;
}

static void __percore_listen_unlink(struct percore_listener *lsn)
{
	lockdep_assert_held(&percore_listeners_lock);
	hash_del(&lsn->node);
	list_del(&lsn->list);
}

/* Take @sk's listener out of the table: whoever gets it tears it down. */
static struct percore_listener *percore_listen_unlink(const struct sock *sk)
{
	struct percore_listener *lsn;

	spin_lock_bh(&percore_listeners_lock);
	lsn = percore_listen_lookup(sk);
	if (lsn)
		__percore_listen_unlink(lsn);
	spin_unlock_bh(&percore_listeners_lock);
	return lsn;
}

static void percore_listen_free_rcu(struct rcu_head *rcu)
{
	struct percore_listener *lsn;
	unsigned int cpu;

	lsn = container_of(rcu, struct percore_listener, rcu);
	for_each_possible_cpu(cpu)
		percore_shard_free(lsn->shard[cpu]);
	kfree(lsn->sleep_cpus);
	kfree(lsn);
}

/* Not active, not in the table, nobody in accept() or poll(). May sleep. */
static void percore_listen_teardown(struct percore_listener *lsn)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (lsn->shard[cpu])
			hrtimer_cancel(&lsn->shard[cpu]->timer);
	sock_put(lsn->sk);
	if (lsn->pinned)
		module_put(THIS_MODULE);
	call_rcu(&lsn->rcu, percore_listen_free_rcu);
}

/**
 * percore_listen_release - proto_ops.release of a listener with shards
 * @sock: the socket, or one that was to become a connection
 * Context: process, sleeps.
 * Return: as inet_release().
 */
int percore_listen_release(struct socket *sock)
{
	struct percore_listener *lsn;
	struct sock *sk = sock->sk;
	int idx, ret;

	/* the new socket of an accept() that failed before it was called */
	if (!sk)
		return 0;

	/* percore_srcu: the probe must stay until the socket is closed */
	idx = srcu_read_lock(&percore_srcu);
	/* No file, so no accept(), no poll(), and no epoll entry is left */
	lsn = percore_listen_unlink(sk);
	ret = percore_hook_stock_ops(sock)->release(sock);
	if (lsn)
		percore_listen_teardown(lsn);
	srcu_read_unlock(&percore_srcu, idx);
	return ret;
}

/* Do settings, or what is wished for it, want @sk to have shards? */
static bool percore_listen_wanted(const struct sock *sk)
{
	const struct percore_net *pn = percore_net(sock_net(sk));
	bool wanted;

	lockdep_assert_held(&percore_listeners_lock);
	if (!percore_listen_on)
		return false;
	wanted = READ_ONCE(pn->listen_shard) &&
		 (!READ_ONCE(pn->has_ports) ||
		  test_bit(READ_ONCE(sk->sk_num), pn->listen_ports));
	return percore_wish_of(sk, wanted);
}

/* Ordinary TCP socket of an application, with nobody else's hooks in it */
static bool percore_listen_eligible(struct sock *sk)
{
	if (sk->sk_prot != &tcp_prot && sk->sk_prot != &tcpv6_prot)
		return false;
	if (sk->sk_kern_sock || !sk->sk_socket || !sk->sk_socket->file)
		return false;
	if (rcu_access_pointer(__sk_user_data(sk)))
		return false;
	if (inet_csk(sk)->icsk_ulp_ops)
		return false;
	if (sk->sk_data_ready != percore_stock_data_ready)
		return false;
	return percore_hook_prepare(sk);
}

/* A new listener for @sk in the table, or NULL: no memory, or not wanted */
static struct percore_listener *percore_listen_add(struct sock *sk)
{
	struct percore_listener *lsn;

	lsn = kzalloc(struct_size(lsn, shard, nr_cpu_ids),
		      GFP_ATOMIC | __GFP_NOWARN);
	if (!lsn)
		return NULL;
	lsn->sleep_cpus = kzalloc(cpumask_size(), GFP_ATOMIC | __GFP_NOWARN);
	if (!lsn->sleep_cpus)
		goto free_listener;
	lsn->sk = sk;

	spin_lock_bh(&percore_listeners_lock);
	if (!percore_listen_wanted(sk)) {
		spin_unlock_bh(&percore_listeners_lock);
		goto free_cpus;
	}
	sock_hold(sk);
	lsn->id = ++percore_last_id;
	hash_add(percore_listeners, &lsn->node, (unsigned long)sk);
	list_add_tail(&lsn->list, &percore_listener_list);
	spin_unlock_bh(&percore_listeners_lock);
	return lsn;

free_cpus:
	kfree(lsn->sleep_cpus);
free_listener:
	kfree(lsn);
	return NULL;
}

/**
 * percore_listen_attach - give a listening socket shards, if it is to have any
 * @sk: a TCP socket that listens or is about to, locked
 *
 * Without memory it stays as it is: a stock listener.
 *
 * Context: process; does not sleep.
 */
void percore_listen_attach(struct sock *sk)
{
	struct percore_listener *lsn;

	if (percore_listen_has(sk) || !percore_listen_eligible(sk))
		return;
	lsn = percore_listen_add(sk);
	if (lsn)
		percore_hook_on(lsn);
}

/**
 * percore_listen_detach - take percore_listen_attach() back
 * @sk: the socket, locked; nobody is in accept() or poll() on it
 * Context: process.
 */
void percore_listen_detach(struct sock *sk)
{
	struct percore_listener *lsn = percore_listen_unlink(sk);

	if (!lsn)
		return;
	if (percore_hook_find(sk) == lsn)
		percore_hook_off(lsn);
	percore_hook_restore_ops(sk);
	percore_listen_teardown(lsn);
}

/*
 * A socket, locked, is about to leave LISTEN. Tasks may still be in accept() or
 * poll() on it, and this is no place to wait for them.
 */
static void percore_listen_end(struct sock *sk)
{
	struct percore_listener *lsn = percore_hook_find(sk);

	if (lsn)
		percore_hook_off(lsn);
	percore_hook_restore_ops(sk);

	spin_lock_bh(&percore_listeners_lock);
	lsn = percore_listen_lookup(sk);
	if (lsn) {
		hash_del(&lsn->node);
		list_move_tail(&lsn->list, &percore_listener_gone);
		mod_delayed_work(system_wq, &percore_listen_reaper, 0);
	}
	spin_unlock_bh(&percore_listeners_lock);
}

/*
 * Every change of a TCP state on the machine comes by here: decide with two
 * compares. A child is born in LISTEN, as a copy of its listener, and leaves
 * for SYN_RECV at once: the moment to take out of it what is ours.
 */
static void percore_listen_state(void *data, const struct sock *csk,
				 const int oldstate, const int newstate)
{
	struct sock *sk = (struct sock *)csk;

	if (likely(oldstate != TCP_LISTEN && newstate != TCP_LISTEN))
		return;
	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	if (newstate == TCP_LISTEN) {
		percore_listen_attach(sk);
	} else if (newstate == TCP_SYN_RECV) {
		percore_hook_clean_child(sk);
	} else {
		percore_wish_forget(sk);
		percore_listen_end(sk);
	}
}

/*
 * The socket, held, of a listener that is no longer wanted. Those that somebody
 * has stacked on stay as they are and make @stacked true.
 */
static struct sock *percore_listen_find_unwanted(bool *stacked)
{
	struct percore_listener *lsn;
	struct sock *sk = NULL;

	spin_lock_bh(&percore_listeners_lock);
	list_for_each_entry(lsn, &percore_listener_list, list) {
		if (percore_listen_wanted(lsn->sk))
			continue;
		if (percore_hook_is_stacked(lsn)) {
			*stacked = true;
			continue;
		}
		sk = lsn->sk;
		sock_hold(sk);
		break;
	}
	spin_unlock_bh(&percore_listeners_lock);
	return sk;
}

static bool percore_listen_has_sleepers(struct percore_listener *lsn)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (shard && atomic_read(&shard->sleepers))
			return true;
	}
	return false;
}

static void percore_listen_wake_pool(struct sock *sk)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_all(&wq->wait);
	rcu_read_unlock();
}

/*
 * Take @sk's listener out of the table, if it still is not wanted and nobody
 * has stacked on it by now. Some may still be in it; it goes to @gone.
 */
static void percore_listen_let_go(struct sock *sk, struct list_head *gone)
{
	struct percore_listener *lsn;

	lock_sock(sk);
	spin_lock_bh(&percore_listeners_lock);
	lsn = percore_listen_lookup(sk);
	if (lsn && !percore_listen_wanted(sk) &&
	    !percore_hook_is_stacked(lsn)) {
		__percore_listen_unlink(lsn);
		list_add_tail(&lsn->list, gone);
	} else {
		lsn = NULL;
	}
	spin_unlock_bh(&percore_listeners_lock);
	if (lsn) {
		if (percore_hook_find(sk) == lsn)
			percore_hook_off(lsn);
		percore_hook_restore_ops(sk);
	}
	release_sock(sk);
}

/* accept() sees that the socket is no longer ours and restarts. */
static bool percore_listen_wake_sleepers(const struct list_head *gone)
{
	struct percore_listener *lsn;
	bool some = false;

	list_for_each_entry(lsn, gone, list) {
		if (!percore_listen_has_sleepers(lsn))
			continue;
		percore_shard_wake_all(lsn);
		percore_listen_wake_pool(lsn->sk);
		some = true;
		cond_resched();
	}
	return some;
}

/*
 * sunrpc reads sk_data_ready and puts its own there without a lock: ours may
 * have been taken back in between, and it will call us all the same. Then @lsn
 * pins the module until the socket is closed.
 */
static bool percore_listen_keep(struct percore_listener *lsn)
{
	if (inet_sk_state_load(lsn->sk) != TCP_LISTEN ||
	    !percore_hook_is_foreign(lsn->sk))
		return false;
	percore_hook_stacked(lsn);
	spin_lock_bh(&percore_listeners_lock);
	list_move_tail(&lsn->list, &percore_listener_gone);
	schedule_delayed_work(&percore_listen_reaper, HZ / 10);
	spin_unlock_bh(&percore_listeners_lock);
	return true;
}

/*
 * Free listeners that are on no list that others see. One grace period for all
 * of them, as there may be thousands. Whoever sleeps in accept() is woken.
 */
static void percore_listen_bury(struct list_head *gone)
{
	struct percore_listener *lsn, *next;

	if (list_empty(gone))
		return;
	/* pairs with prepare_to_wait_exclusive() in percore_accept_sleep() */
	smp_mb();
	while (percore_listen_wake_sleepers(gone))
		fsleep(1000);
	synchronize_srcu(&percore_srcu);

	list_for_each_entry_safe(lsn, next, gone, list) {
		/* what came back to the pool has its waiters there */
		if (inet_sk_state_load(lsn->sk) == TCP_LISTEN)
			percore_listen_wake_pool(lsn->sk);
		if (!percore_listen_keep(lsn))
			percore_listen_teardown(lsn);
	}
}

/*
 * Who is left asleep in accept(), as by a disconnect that wakes but one, is
 * left alone until the module goes: he sleeps on in a stock kernel, too. And
 * who stacked on the socket may call us until it is closed.
 */
static bool percore_listen_may_go(struct percore_listener *lsn)
{
	lockdep_assert_held(&percore_listeners_lock);
	if (lsn->pinned && !sock_flag(lsn->sk, SOCK_DEAD))
		return false;
	return !percore_listen_on || !percore_listen_has_sleepers(lsn);
}

/* The second half of percore_listen_end() */
static void percore_listen_reap(struct work_struct *work)
{
	struct percore_listener *lsn, *next;
	LIST_HEAD(gone);

	spin_lock_bh(&percore_listeners_lock);
	/* pairs with prepare_to_wait_exclusive() in percore_accept_sleep() */
	smp_mb();
	list_for_each_entry_safe(lsn, next, &percore_listener_gone, list)
		if (percore_listen_may_go(lsn))
			list_move_tail(&lsn->list, &gone);
	if (!list_empty(&percore_listener_gone))
		schedule_delayed_work(&percore_listen_reaper, HZ / 10);
	spin_unlock_bh(&percore_listeners_lock);
	percore_listen_bury(&gone);
}

/**
 * percore_listen_stop - let go of the listeners that are no longer wanted
 *
 * They become stock ones: connections waiting in shards go to the socket's own
 * accept queue, tasks asleep in accept() restart the system call without
 * noticing.
 *
 * Context: process, sleeps.
 * Return: false when some stay as they are, see percore_hook_stacked().
 */
bool percore_listen_stop(void)
{
	bool stacked = false;
	struct sock *sk;
	LIST_HEAD(gone);

	while ((sk = percore_listen_find_unwanted(&stacked))) {
		percore_listen_let_go(sk, &gone);
		sock_put(sk);
	}
	percore_listen_bury(&gone);
	return !stacked;
}

/**
 * percore_listen_stop_one - let go of one listener, if it is no longer wanted
 * @sk: a TCP socket
 * Context: process, sleeps.
 */
void percore_listen_stop_one(struct sock *sk)
{
	LIST_HEAD(gone);

	percore_listen_let_go(sk, &gone);
	percore_listen_bury(&gone);
}

/**
 * percore_listen_look - let listeners look into their pools again
 * @sk: the socket of the one that is to, or NULL: all
 *
 * Context: process.
 */
void percore_listen_look(const struct sock *sk)
{
	struct percore_listener *lsn;

	spin_lock_bh(&percore_listeners_lock);
	list_for_each_entry(lsn, &percore_listener_list, list)
		if (!sk || lsn->sk == sk)
			WRITE_ONCE(lsn->pool_used, true);
	spin_unlock_bh(&percore_listeners_lock);
}

/**
 * percore_listen_count - number of listeners with shards
 * @net: the network namespace
 * Context: any.
 * Return: the number.
 */
unsigned int percore_listen_count(struct net *net)
{
	struct percore_listener *lsn;
	unsigned int n = 0;

	spin_lock_bh(&percore_listeners_lock);
	list_for_each_entry(lsn, &percore_listener_list, list)
		n += net_eq(sock_net(lsn->sk), net) && READ_ONCE(lsn->active);
	spin_unlock_bh(&percore_listeners_lock);
	return n;
}

/**
 * percore_listen_walk - visit the active listeners of a namespace, oldest first
 * @net: the network namespace
 * @after: id of the listener to go on after, 0 to begin. Those that come and go
 *	between two walks do not make it miss or repeat others
 * @visit: called with percore_listeners_lock held; non-zero ends the walk
 * @arg: passed to @visit
 * Context: process; @visit must not sleep.
 * Return: 0, or what @visit returned to end the walk.
 */
int percore_listen_walk(struct net *net, u64 after,
			int (*visit)(struct percore_listener *lsn, void *arg),
			void *arg)
{
	struct percore_listener *lsn;
	int ret = 0;

	spin_lock_bh(&percore_listeners_lock);
	list_for_each_entry(lsn, &percore_listener_list, list) {
		if (lsn->id <= after || !READ_ONCE(lsn->active) ||
		    !net_eq(sock_net(lsn->sk), net))
			continue;
		ret = visit(lsn, arg);
		if (ret)
			break;
	}
	spin_unlock_bh(&percore_listeners_lock);
	return ret;
}

static void percore_listen_match(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "inet_sock_set_state"))
		*(struct tracepoint **)found = tp;
}

static void percore_listen_allow(bool on)
{
	spin_lock_bh(&percore_listeners_lock);
	percore_listen_on = on;
	spin_unlock_bh(&percore_listeners_lock);
}

/**
 * percore_listen_init - start to attach to sockets that start to listen
 *
 * Sysctls are there already. What they adopt before the probe is would not be
 * seen to end, hence nothing.
 *
 * Context: process.
 * Return: 0, -ENOENT when the kernel lacks the tracepoint, or an errno of
 *	sock_create_kern() or tracepoint_probe_register().
 */
int percore_listen_init(void)
{
	int err;

	for_each_kernel_tracepoint(percore_listen_match,
				   &percore_state_tracepoint);
	if (!percore_state_tracepoint)
		return -ENOENT;
	err = percore_hook_init();
	if (err)
		return err;
	err = tracepoint_probe_register(percore_state_tracepoint,
					percore_listen_state, NULL);
	if (!err)
		percore_listen_allow(true);
	return err;
}

/*
 * Let go of all. Under the lock, since a sysctl that was written before may
 * have taken listeners out of the table and not yet let go of them.
 */
static bool percore_listen_stop_all(void)
{
	bool done;

	mutex_lock(&percore_select_lock);
	percore_listen_allow(false);
	done = percore_listen_stop();
	mutex_unlock(&percore_select_lock);
	/* it does not wait for sleepers now: none is left but what is pinned */
	flush_delayed_work(&percore_listen_reaper);
	return done && list_empty_careful(&percore_listener_gone);
}

/**
 * percore_listen_exit - let go of every listener
 *
 * The probe goes after the last percore_listen_release(): a listener that
 * closes meanwhile must be seen.
 *
 * Context: process, sleeps.
 */
void percore_listen_exit(void)
{
	/* stacked on, with no connection since: or rmmod would have failed */
	while (!percore_listen_stop_all()) {
		pr_warn_once("waiting for a listener in use by the kernel\n");
		msleep(100);
	}
	percore_hook_retire();
	synchronize_rcu();	/* who copied a listener while it was ours */
	tracepoint_probe_unregister(percore_state_tracepoint,
				    percore_listen_state, NULL);
	tracepoint_synchronize_unregister();
	synchronize_rcu();	/* softirq in our af_ops and sk_data_ready */
	rcu_barrier();		/* percore_listen_free_rcu() */
}
