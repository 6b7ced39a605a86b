// SPDX-License-Identifier: GPL-2.0
/*
 * listen.c - attach to a socket that starts to listen, and let go of it
 *
 * Previous stage: the driver's rx.c and the kernel's TCP. Next: shard.c.
 *
 * The kernel reports every change of a TCP state in the tracepoint
 * inet_sock_set_state. On a change to LISTEN, which happens under lock_sock()
 * and before the socket can be found by a SYN, three pointers of the socket
 * are replaced, each by a copy that differs in what percore does itself:
 *
 *	icsk_af_ops     conn_request (counts), syn_recv_sock (children must not
 *	                inherit what is ours)
 *	sk_data_ready   a connection is ready: shard.c chooses its queue
 *	sk_socket->ops  accept, poll (accept.c), release
 *
 * net/smc does the same with the first two. Everything else about the socket
 * is the kernel's: its request queue, backlog, options, hash tables, state.
 *
 *	            listen()                  close(), shutdown(), ss -K ...
 *	(not ours) ----------> active ---------------------------> idle
 *	    ^                  |    ^                              | |
 *	    |   percore_listen_stop()         listen() again       | |
 *	    +------------------+    +------------------------------+ |
 *	    ^                                          release       |
 *	    +--------------------------------------------------------+
 *
 * From LISTEN to another state the tracepoint fires before the kernel resets
 * what waits in the accept queue, so it is enough to put the shards' contents
 * back there: resets, migration to another socket of a reuseport group and
 * their order are the kernel's own.
 *
 * Who may hold a listener, and what ends it:
 *   softirq (af_ops, sk_data_ready)	  RCU; call_rcu() frees
 *   accept(), poll()			  the file they are called on keeps
 *					  release away, percore_srcu keeps
 *					  percore_listen_stop() away
 *   a task asleep in accept()		  counted in shard->sleepers, woken and
 *					  sent back to restart the system call
 *   epoll entries on shard->waiters	  gone before release of the file;
 *					  wake_up_pollfree() on stop
 *   the shard's timer			  hrtimer_cancel()
 *   netlink dumps			  percore_listeners_lock
 *   who stacked on sk_data_ready	  a reference on the module, see
 *					  percore_listen_stacked()
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <net/inet_common.h>
#include <net/tcp.h>
#include <net/transp_v6.h>
#include <trace/events/sock.h>

#include "percore.h"

DEFINE_SRCU(percore_srcu);

static DEFINE_HASHTABLE(percore_listeners, 8);
static DEFINE_SPINLOCK(percore_listeners_lock);
static LIST_HEAD(percore_listener_list);	/* the same, oldest first */
static u64 percore_last_id;	/* under percore_listeners_lock */
static bool percore_closing;	/* under percore_listeners_lock */

static struct tracepoint *percore_state_tracepoint;

/* sock_def_readable(), which is not exported but is in every new socket */
void (*percore_stock_data_ready)(struct sock *sk) __read_mostly;

/*
 * One table of socket operations per family. A task in accept() may sleep
 * while it holds a pointer to the table and has not called it yet, and nothing
 * tells when the last has gone: so a table outlives the module (one of 200
 * bytes for each family and each insmod), with the stock functions in it.
 */
static struct percore_ops {
	struct proto_ops *ours;
	const struct proto_ops *stock;
} percore_ops[2];

static struct percore_ops *percore_ops_of(const struct sock *sk)
{
	return &percore_ops[sk->sk_family == AF_INET6];
}

/**
 * percore_listen_stock_ops - socket operations as if percore were not there
 * @sock: a TCP socket whose ->ops is or was percore's
 * Context: any.
 * Return: the kernel's table for the family of @sock.
 */
const struct proto_ops *percore_listen_stock_ops(const struct socket *sock)
{
	return percore_ops_of(sock->sk)->stock;
}

static int percore_conn_request(struct sock *sk, struct sk_buff *skb);

/**
 * percore_listen_find - the listener of a socket
 * @sk: a TCP socket
 * Context: RCU or percore_srcu read side.
 * Return: the active listener, or NULL.
 */
struct percore_listener *percore_listen_find(const struct sock *sk)
{
	const struct inet_connection_sock_af_ops *af_ops;

	af_ops = READ_ONCE(inet_csk(sk)->icsk_af_ops);
	if (af_ops->conn_request != percore_conn_request)
		return NULL;
	return container_of(af_ops, struct percore_listener, af_ops);
}

/* A SYN, in softirq: count it on the core it came to. */
static int percore_conn_request(struct sock *sk, struct sk_buff *skb)
{
	struct percore_listener *lsn = percore_listen_find(sk);
	struct percore_shard *shard;

	if (!lsn)	/* the caller had loaded our pointer just before */
		return READ_ONCE(inet_csk(sk)->icsk_af_ops)->conn_request(sk,
									  skb);
	shard = percore_shard_get(lsn, smp_processor_id(), GFP_ATOMIC);
	if (likely(shard))
		WRITE_ONCE(shard->syns, shard->syns + 1);
	if (unlikely(sk_acceptq_is_full(sk)))
		percore_shard_settle_all(lsn);
	return lsn->orig_af_ops->conn_request(sk, skb);
}

/*
 * The last ACK of a handshake, in softirq: a child is a copy of its listener,
 * so take out of it what is ours. Both pointers are compared, for the listener
 * may be let go of between the lookup and the copy.
 */
static struct sock *
percore_syn_recv_sock(const struct sock *sk, struct sk_buff *skb,
		      struct request_sock *req, struct dst_entry *dst,
		      struct request_sock *req_unhash, bool *own_req,
		      void (*opt_child_init)(struct sock *newsk,
					     const struct sock *sk))
{
	struct percore_listener *lsn = percore_listen_find(sk);
	const struct inet_connection_sock_af_ops *af_ops;
	struct sock *child;

	if (lsn && unlikely(sk_acceptq_is_full(sk)))
		percore_shard_settle_all(lsn);
	af_ops = lsn ? lsn->orig_af_ops :
		       READ_ONCE(inet_csk(sk)->icsk_af_ops);
	child = af_ops->syn_recv_sock(sk, skb, req, dst, req_unhash, own_req,
				      opt_child_init);
	if (!lsn || !child)
		return child;
	if (inet_csk(child)->icsk_af_ops == &lsn->af_ops)
		inet_csk(child)->icsk_af_ops = lsn->orig_af_ops;
	if (child->sk_data_ready == percore_shard_data_ready)
		child->sk_data_ready = percore_stock_data_ready;
	return child;
}

static struct percore_listener *percore_listen_lookup(const struct sock *sk)
{
	struct percore_listener *lsn;

	lockdep_assert_held(&percore_listeners_lock);
	hash_for_each_possible(percore_listeners, lsn, node, (unsigned long)sk)
		if (lsn->sk == sk)
			return lsn;
	return NULL;
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
		kfree(lsn->shard[cpu]);
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
 * percore_listen_stacked - keep the module: somebody may call us by a copy
 * @lsn: a listener whose sk_data_ready is another's
 *
 * A part of the kernel that was given the socket by an application, sunrpc for
 * one, puts its own function there and calls the one that it found. While it
 * does, and it lets nobody know when it no longer does, the module stays: rmmod
 * says that it is in use until the socket is closed.
 *
 * Context: any.
 */
void percore_listen_stacked(struct percore_listener *lsn)
{
	if (!xchg(&lsn->pinned, true))
		__module_get(THIS_MODULE);
}

static bool percore_listen_is_stacked(const struct percore_listener *lsn)
{
	void (*data_ready)(struct sock *sk);

	data_ready = READ_ONCE(lsn->sk->sk_data_ready);
	return READ_ONCE(lsn->active) &&
	       data_ready != percore_shard_data_ready &&
	       data_ready != percore_stock_data_ready;
}

/* From active to idle. lock_sock() is held, or the socket is unreachable. */
static void percore_listen_deactivate(struct percore_listener *lsn)
{
	struct sock *sk = lsn->sk;

	percore_shard_return_all(lsn);
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_data_ready == percore_shard_data_ready)
		WRITE_ONCE(sk->sk_data_ready, percore_stock_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(inet_csk(lsn->sk)->icsk_af_ops, lsn->orig_af_ops);
	percore_shard_wake_all(lsn);
}

static void percore_listen_activate(struct percore_listener *lsn)
{
	struct sock *sk = lsn->sk;

	spin_lock_bh(&percore_queue(sk)->rskq_lock);
	lsn->active = true;
	spin_unlock_bh(&percore_queue(sk)->rskq_lock);

	lsn->orig_af_ops = inet_csk(sk)->icsk_af_ops;
	lsn->af_ops = *lsn->orig_af_ops;
	lsn->af_ops.conn_request = percore_conn_request;
	lsn->af_ops.syn_recv_sock = percore_syn_recv_sock;
	/* filled in before percore_listen_find() can get it */
	smp_store_release(&inet_csk(sk)->icsk_af_ops, &lsn->af_ops);
	/* which percore_shard_data_ready() does */
	if (sk->sk_data_ready == percore_stock_data_ready)
		smp_store_release(&sk->sk_data_ready,
				  percore_shard_data_ready);
	WRITE_ONCE(sk->sk_socket->ops, percore_ops_of(sk)->ours);
}

static int percore_release(struct socket *sock)
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
	ret = percore_listen_stock_ops(sock)->release(sock);
	if (lsn)
		percore_listen_teardown(lsn);
	srcu_read_unlock(&percore_srcu, idx);
	return ret;
}

/* Our table for the family of @sk, made from the first socket seen of it */
static bool percore_listen_ops_ready(struct sock *sk)
{
	struct percore_ops *table = percore_ops_of(sk);
	const struct proto_ops *stock = sk->sk_socket->ops;
	struct proto_ops *ours;

	if (stock->accept != inet_accept || stock->poll != tcp_poll)
		return false;
	/* pairs with smp_store_release() below */
	if (smp_load_acquire(&table->ours))
		return stock == table->stock;

	ours = kmemdup(stock, sizeof(*stock), GFP_ATOMIC | __GFP_NOWARN);
	if (!ours)
		return false;
	ours->accept = percore_accept;
	ours->poll = percore_accept_poll;
	ours->release = percore_release;
	spin_lock_bh(&percore_listeners_lock);
	if (table->ours) {
		kfree(ours);
	} else {
		kmemleak_not_leak(ours);
		table->stock = stock;
		/* filled in, with its stock, before it is seen */
		smp_store_release(&table->ours, ours);
	}
	spin_unlock_bh(&percore_listeners_lock);
	return stock == table->stock;
}

/* Ordinary TCP socket of an application, with nobody else's hooks in it */
static bool percore_listen_eligible(struct sock *sk)
{
	if (!percore_net(sock_net(sk))->listen_shard)
		return false;
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
	return percore_listen_ops_ready(sk);
}

/* A new listener for @sk in the table, or NULL: no memory, or told to stop */
static struct percore_listener *percore_listen_add(struct sock *sk)
{
	struct percore_net *pn = percore_net(sock_net(sk));
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
	if (percore_closing || !READ_ONCE(pn->listen_shard)) {
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

/*
 * listen(), with lock_sock() held and preemption off. Without memory the
 * socket stays as it is: a stock listener.
 */
static void percore_listen_attach(struct sock *sk)
{
	struct percore_listener *lsn;

	spin_lock_bh(&percore_listeners_lock);
	lsn = percore_listen_lookup(sk);
	spin_unlock_bh(&percore_listeners_lock);
	if (!lsn && percore_listen_eligible(sk))
		lsn = percore_listen_add(sk);
	if (lsn)
		percore_listen_activate(lsn);
}

/*
 * Every change of a TCP state on the machine comes by here: decide with two
 * compares. A child is born in LISTEN, as a copy of its listener, and leaves
 * for SYN_RECV at once.
 */
static void percore_listen_state(void *data, const struct sock *csk,
				 const int oldstate, const int newstate)
{
	struct sock *sk = (struct sock *)csk;
	struct percore_listener *lsn;

	if (likely(oldstate != TCP_LISTEN && newstate != TCP_LISTEN))
		return;
	if (newstate == TCP_SYN_RECV || sk->sk_protocol != IPPROTO_TCP)
		return;
	if (newstate == TCP_LISTEN) {
		percore_listen_attach(sk);
		return;
	}
	lsn = percore_listen_find(sk);
	if (lsn && lsn->sk == sk)
		percore_listen_deactivate(lsn);
}

/*
 * Take one listener of @net, or of any namespace, out of the table. Those that
 * somebody has stacked on stay as they are and make @stacked true.
 */
static struct percore_listener *percore_listen_unlink_any(struct net *net,
							  bool *stacked)
{
	struct percore_listener *lsn;

	spin_lock_bh(&percore_listeners_lock);
	list_for_each_entry(lsn, &percore_listener_list, list) {
		if (net && !net_eq(sock_net(lsn->sk), net))
			continue;
		if (percore_listen_is_stacked(lsn)) {
			*stacked = true;
			continue;
		}
		__percore_listen_unlink(lsn);
		/* release may go on without us now */
		sock_hold(lsn->sk);
		spin_unlock_bh(&percore_listeners_lock);
		return lsn;
	}
	spin_unlock_bh(&percore_listeners_lock);
	return NULL;
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

/* Unless it was closed, or listens anew since its listener was unlinked */
static void percore_listen_restore_ops(struct sock *sk)
{
	struct percore_ops *table = percore_ops_of(sk);
	struct socket *sock = sk->sk_socket;

	sock_owned_by_me(sk);
	spin_lock_bh(&percore_listeners_lock);
	if (sock && sock->ops == table->ours && !percore_listen_lookup(sk))
		WRITE_ONCE(sock->ops, table->stock);
	spin_unlock_bh(&percore_listeners_lock);
}

static void percore_listen_stop_one(struct percore_listener *lsn)
{
	struct sock *sk = lsn->sk;
	unsigned int cpu;

	lock_sock(sk);
	if (percore_listen_find(sk) == lsn)
		percore_listen_deactivate(lsn);
	percore_listen_restore_ops(sk);
	release_sock(sk);

	/*
	 * accept() sees that it is no longer ours and restarts: pairs with
	 * prepare_to_wait_exclusive() in percore_accept_sleep().
	 */
	smp_mb();
	do {
		percore_shard_wake_all(lsn);
		percore_listen_wake_pool(sk);
		if (!percore_listen_has_sleepers(lsn))
			break;
		fsleep(1000);
	} while (true);

	synchronize_srcu(&percore_srcu);

	/* epoll entries: each is on the socket's own wait queue as well */
	for_each_possible_cpu(cpu)
		if (lsn->shard[cpu])
			wake_up_pollfree(&lsn->shard[cpu]->waiters);
	/* what came back to the pool has its waiters there */
	percore_listen_wake_pool(sk);
	percore_listen_teardown(lsn);
	sock_put(sk);
}

/**
 * percore_listen_stop - make every listener a stock one again
 * @net: of this network namespace, or of all when NULL
 *
 * Connections waiting in shards go to the socket's own accept queue, tasks
 * asleep in accept() restart the system call without noticing.
 *
 * Context: process, sleeps.
 * Return: false when some stay as they are, see percore_listen_stacked().
 */
bool percore_listen_stop(struct net *net)
{
	struct percore_listener *lsn;
	bool stacked = false;

	while ((lsn = percore_listen_unlink_any(net, &stacked)))
		percore_listen_stop_one(lsn);
	return !stacked;
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

static int percore_listen_learn(void)
{
	struct socket *sock;
	int err;

	err = sock_create_kern(&init_net, PF_INET, SOCK_STREAM, IPPROTO_TCP,
			       &sock);
	if (err)
		return err;
	percore_stock_data_ready = sock->sk->sk_data_ready;
	sock_release(sock);
	return 0;
}

/**
 * percore_listen_init - start to attach to sockets that start to listen
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
	err = percore_listen_learn();
	if (err)
		return err;
	return tracepoint_probe_register(percore_state_tracepoint,
					 percore_listen_state, NULL);
}

/*
 * Nobody gets to our functions any more, but some may be on their way: put the
 * stock ones into the tables, then wait for each way to end.
 */
static void percore_listen_retire_ops(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_ops); i++) {
		struct proto_ops *ours = percore_ops[i].ours;
		const struct proto_ops *stock = percore_ops[i].stock;

		if (!ours)
			continue;
		WRITE_ONCE(ours->accept, stock->accept);
		WRITE_ONCE(ours->poll, stock->poll);
		WRITE_ONCE(ours->release, stock->release);
	}
	synchronize_rcu_tasks();	/* had the pointer, not yet in SRCU */
	synchronize_srcu(&percore_srcu);
	synchronize_rcu_tasks();	/* out of SRCU, not yet returned */
}

/**
 * percore_listen_exit - let go of every listener
 *
 * The probe goes after the last percore_release(): a listener that closes
 * meanwhile must be seen.
 *
 * Context: process, sleeps.
 */
void percore_listen_exit(void)
{
	spin_lock_bh(&percore_listeners_lock);
	percore_closing = true;
	spin_unlock_bh(&percore_listeners_lock);

	/* stacked on, with no connection since: or rmmod would have failed */
	while (!percore_listen_stop(NULL)) {
		pr_warn_once("waiting for a listener in use by the kernel\n");
		msleep(100);
	}
	percore_listen_retire_ops();
	tracepoint_probe_unregister(percore_state_tracepoint,
				    percore_listen_state, NULL);
	tracepoint_synchronize_unregister();
	synchronize_rcu();	/* softirq in our af_ops and sk_data_ready */
	rcu_barrier();		/* percore_listen_free_rcu() */
}
