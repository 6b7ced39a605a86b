// SPDX-License-Identifier: GPL-2.0
/*
 * hook.c - the pointers of a listening socket that percore replaces
 *
 * Previous stage: the driver's rx.c and the kernel's TCP. Next: shard.c.
 *
 * listen.c decides which sockets and when; here is how. Three pointers of the
 * socket are replaced, each by a copy that differs in what percore does itself:
 *
 *	icsk_af_ops     conn_request (counts), syn_recv_sock (settles)
 *	sk_data_ready   a connection is ready: shard.c chooses its queue
 *	sk_socket->ops  accept, poll (accept.c), release (listen.c)
 *
 * net/smc does the same with the first two. Everything else about the socket
 * is the kernel's: its request queue, backlog, options, hash tables, state.
 *
 * Locking: lock_sock() of the listener where its pointers change;
 * percore_hook_lock where the tables are made. Softirq reads them under RCU.
 */
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/inet_common.h>
#include <net/tcp.h>

#include "percore.h"
#include "stats.h"
#include "trace.h"

static DEFINE_SPINLOCK(percore_hook_lock);	/* making of percore_ops */

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
 * percore_hook_stock_ops - socket operations as if percore were not there
 * @sock: a TCP socket whose ->ops is or was percore's. Its family does not tell
 *	which: IPV6_ADDRFORM changes that once it no longer listens
 * Context: any.
 * Return: the kernel's table that ->ops is made of, or ->ops if it is not ours.
 */
const struct proto_ops *percore_hook_stock_ops(const struct socket *sock)
{
	const struct proto_ops *ops = READ_ONCE(sock->ops);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_ops); i++)
		if (ops == READ_ONCE(percore_ops[i].ours))
			return percore_ops[i].stock;
	return ops;
}

static int percore_conn_request(struct sock *sk, struct sk_buff *skb);

/**
 * percore_hook_find - the listener of a socket
 * @sk: a TCP socket
 * Context: RCU or percore_srcu read side.
 * Return: the active listener, or NULL.
 */
struct percore_listener *percore_hook_find(const struct sock *sk)
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
	struct percore_listener *lsn = percore_hook_find(sk);
	struct percore_shard *shard;

	if (!lsn)	/* the caller had loaded our pointer just before */
		return READ_ONCE(inet_csk(sk)->icsk_af_ops)->conn_request(sk,
									  skb);
	shard = percore_shard_get(lsn, smp_processor_id(), GFP_ATOMIC);
	if (likely(shard)) {
		WRITE_ONCE(shard->syns, shard->syns + 1);
		percore_stat_inc(sock_net(sk), PERCORE_STAT_SYNS);
	}
	if (unlikely(sk_acceptq_is_full(sk)))
		percore_shard_settle_all(lsn);
	return lsn->orig_af_ops->conn_request(sk, skb);
}

/* The last ACK of a handshake, in softirq: the backlog must be exact. */
static struct sock *
percore_syn_recv_sock(const struct sock *sk, struct sk_buff *skb,
		      struct request_sock *req, struct dst_entry *dst,
		      struct request_sock *req_unhash, bool *own_req,
		      void (*opt_child_init)(struct sock *newsk,
					     const struct sock *sk))
{
	struct percore_listener *lsn = percore_hook_find(sk);
	const struct inet_connection_sock_af_ops *af_ops;

	if (lsn && unlikely(sk_acceptq_is_full(sk)))
		percore_shard_settle_all(lsn);
	af_ops = lsn ? lsn->orig_af_ops :
		       READ_ONCE(inet_csk(sk)->icsk_af_ops);
	return af_ops->syn_recv_sock(sk, skb, req, dst, req_unhash, own_req,
				     opt_child_init);
}

/**
 * percore_hook_clean_child - take out of a new socket what is ours
 * @child: the copy of a listener, which nobody else has seen yet
 *
 * Called for each, whoever copies it and whenever: the kernel may have been
 * about to copy a listener when its pointers were replaced, and who had stacked
 * on one may have put our sk_data_ready back.
 *
 * Context: softirq, RCU read side.
 */
void percore_hook_clean_child(struct sock *child)
{
	struct percore_listener *lsn = percore_hook_find(child);

	if (lsn)
		inet_csk(child)->icsk_af_ops = lsn->orig_af_ops;
	if (child->sk_data_ready == percore_shard_data_ready)
		child->sk_data_ready = percore_stock_data_ready;
}

/**
 * percore_hook_prepare - have a table of socket operations for a socket
 * @sk: a TCP socket that listens or is about to, locked
 *
 * The table for its family is made from the first socket seen of it.
 *
 * Context: any; allocates without sleep.
 * Return: whether the socket's operations are the kernel's and ours can take
 *	their place.
 */
bool percore_hook_prepare(struct sock *sk)
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
	ours->release = percore_listen_release;
	spin_lock_bh(&percore_hook_lock);
	if (table->ours) {
		kfree(ours);
	} else {
		kmemleak_not_leak(ours);
		table->stock = stock;
		/* filled in, with its stock, before it is seen */
		smp_store_release(&table->ours, ours);
	}
	spin_unlock_bh(&percore_hook_lock);
	return stock == table->stock;
}

/**
 * percore_hook_stacked - keep the module: somebody may call us by a copy
 * @lsn: a listener whose sk_data_ready is another's
 *
 * A part of the kernel that was given the socket by an application, sunrpc for
 * one, puts its own function there and calls the one that it found. While it
 * does, and it lets nobody know when it no longer does, the module stays: rmmod
 * says that it is in use until the socket is closed. That is all it keeps: from
 * its first accept() on the socket is a stock one, see percore_accept_kernel().
 *
 * Context: any.
 */
void percore_hook_stacked(struct percore_listener *lsn)
{
	if (!xchg(&lsn->pinned, true))
		__module_get(THIS_MODULE);
}

/**
 * percore_hook_is_foreign - is sk_data_ready neither ours nor the kernel's?
 * @sk: a TCP socket
 * Context: any.
 * Return: whether.
 */
bool percore_hook_is_foreign(const struct sock *sk)
{
	void (*data_ready)(struct sock *sk) = READ_ONCE(sk->sk_data_ready);

	return data_ready != percore_shard_data_ready &&
	       data_ready != percore_stock_data_ready;
}

/**
 * percore_hook_is_stacked - has somebody put a hook over ours?
 * @lsn: a listener
 * Context: any.
 * Return: whether somebody may call us by a copy of what he found there.
 */
bool percore_hook_is_stacked(const struct percore_listener *lsn)
{
	return READ_ONCE(lsn->pinned) ||
	       (READ_ONCE(lsn->active) && percore_hook_is_foreign(lsn->sk));
}

/**
 * percore_hook_on - connections may go to shards from now on
 * @lsn: the listener, new; its socket is locked and has a table
 * Context: process, does not sleep.
 */
void percore_hook_on(struct percore_listener *lsn)
{
	struct sock *sk = lsn->sk;

	WRITE_ONCE(lsn->pool_used, true);	/* it may hold some already */
	spin_lock_bh(&percore_queue(sk)->rskq_lock);
	lsn->active = true;
	spin_unlock_bh(&percore_queue(sk)->rskq_lock);

	lsn->orig_af_ops = inet_csk(sk)->icsk_af_ops;
	lsn->af_ops = *lsn->orig_af_ops;
	lsn->af_ops.conn_request = percore_conn_request;
	lsn->af_ops.syn_recv_sock = percore_syn_recv_sock;
	/* filled in before percore_hook_find() can get it */
	smp_store_release(&inet_csk(sk)->icsk_af_ops, &lsn->af_ops);
	if (sk->sk_data_ready == percore_stock_data_ready)
		/* after icsk_af_ops, by which it finds the listener */
		smp_store_release(&sk->sk_data_ready,
				  percore_shard_data_ready);
	WRITE_ONCE(sk->sk_socket->ops, percore_ops_of(sk)->ours);
	trace_percore_attach(sk);
	percore_event_listener(sk, true);
	percore_stat_inc(sock_net(sk), PERCORE_STAT_ATTACHED);
}

/**
 * percore_hook_off - no longer active: connections take the stock way
 * @lsn: the listener; its socket is locked, or unreachable
 * Context: process or softirq, does not sleep.
 */
void percore_hook_off(struct percore_listener *lsn)
{
	struct sock *sk = lsn->sk;

	percore_shard_return_all(lsn);
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_data_ready == percore_shard_data_ready)
		WRITE_ONCE(sk->sk_data_ready, percore_stock_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
	WRITE_ONCE(inet_csk(lsn->sk)->icsk_af_ops, lsn->orig_af_ops);
	percore_shard_wake_all(lsn);
	trace_percore_detach(sk);
	percore_event_listener(sk, false);
	percore_stat_inc(sock_net(sk), PERCORE_STAT_DETACHED);
}

/**
 * percore_hook_restore_ops - give a socket its stock operations back
 * @sk: the socket, locked; it may have been closed
 * Context: process.
 */
void percore_hook_restore_ops(struct sock *sk)
{
	struct percore_ops *table = percore_ops_of(sk);
	struct socket *sock = sk->sk_socket;

	sock_owned_by_me(sk);
	if (sock && sock->ops == table->ours)
		WRITE_ONCE(sock->ops, table->stock);
}

/**
 * percore_hook_init - learn what a stock socket calls
 * Context: process.
 * Return: 0 or an errno of sock_create_kern().
 */
int percore_hook_init(void)
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
 * percore_hook_retire - see everybody out of our socket operations
 *
 * No socket leads to them any more, but some may be on their way: put the stock
 * functions into the tables, then wait for each way to end.
 *
 * Context: process, sleeps.
 */
void percore_hook_retire(void)
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
