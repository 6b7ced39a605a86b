// SPDX-License-Identifier: GPL-2.0
/*
 * adopt.c - attach to sockets that listen already
 *
 * When the module is inserted, and when a setting selects more sockets: all
 * listening sockets are in the kernel's hash table of listeners, one for all
 * namespaces. Those that start to listen meanwhile come to listen.c.
 *
 * Unlike in listen(), the socket is in use. Who is in the middle of what:
 *
 *   softirq about to copy the listener    percore_hook_clean_child()
 *   softirq that has queued a connection  percore_listen_look() after a grace
 *   and calls the old sk_data_ready       period, lest the pool be taken for
 *					   empty
 *   a task in stock accept()		   softirq keeps away from the pool
 *					   while the task owns the socket, see
 *					   percore_shard_fill()
 *   epoll entries, sleepers		   are where home.c looks for them
 *   close()				   percore_adopt_one()
 */
#include <linux/fs.h>
#include <linux/slab.h>
#include <net/tcp.h>

#include "percore.h"

/*
 * A close() that has looked up the socket's operations before we replace them
 * does not come to percore_listen_release(): take ours back then. We hold no
 * reference on the file meanwhile, since ours could be the last one, and the
 * port still in use after close() has returned.
 */
static void percore_adopt_one(struct sock *sk)
{
	const struct file *file;

	lock_sock(sk);
	/* the lock keeps both, if close() has not taken it off yet */
	file = sk->sk_socket ? sk->sk_socket->file : NULL;
	if (sk->sk_state == TCP_LISTEN && file) {
		percore_listen_attach(sk);
		smp_mb();	/* pairs with fput(): it counts, then looks */
		if (!file_count(file))
			percore_listen_detach(sk);
	}
	release_sock(sk);
}

static bool percore_adopt_may(const struct sock *sk)
{
	return sk->sk_state == TCP_LISTEN && sk->sk_protocol == IPPROTO_TCP &&
	       READ_ONCE(sk->sk_data_ready) == percore_stock_data_ready;
}

static unsigned int percore_adopt_count(struct inet_listen_hashbucket *bucket)
{
	const struct hlist_nulls_node *node;
	unsigned int n = 0;
	struct sock *sk;

	spin_lock(&bucket->lock);
	sk_nulls_for_each(sk, node, &bucket->nulls_head)
		n += percore_adopt_may(sk);
	spin_unlock(&bucket->lock);
	return n;
}

/* At most @room sockets, held, into @found. Returns how many. */
static unsigned int percore_adopt_find(struct inet_listen_hashbucket *bucket,
				       struct sock **found, unsigned int room)
{
	const struct hlist_nulls_node *node;
	unsigned int n = 0;
	struct sock *sk;

	spin_lock(&bucket->lock);
	sk_nulls_for_each(sk, node, &bucket->nulls_head) {
		if (n == room)
			break;
		if (!percore_adopt_may(sk))
			continue;
		sock_hold(sk);
		found[n++] = sk;
	}
	spin_unlock(&bucket->lock);
	return n;
}

static int percore_adopt_bucket(struct inet_listen_hashbucket *bucket)
{
	unsigned int i, n = percore_adopt_count(bucket);
	struct sock **found;

	if (!n)
		return 0;
	found = kvmalloc_array(n, sizeof(*found), GFP_KERNEL);
	if (!found)
		return -ENOMEM;
	n = percore_adopt_find(bucket, found, n);
	for (i = 0; i < n; i++) {
		percore_adopt_one(found[i]);
		sock_put(found[i]);
	}
	kvfree(found);
	return 0;
}

/**
 * percore_adopt - attach to every listening socket that is to have shards
 *
 * Where memory is short sockets stay as they are, as with listen().
 *
 * Context: process, sleeps.
 */
void percore_adopt(void)
{
	struct inet_hashinfo *table = init_net.ipv4.tcp_death_row.hashinfo;
	unsigned int i;

	for (i = 0; i <= table->lhash2_mask; i++) {
		if (percore_adopt_bucket(&table->lhash2[i]))
			pr_warn_once("percore: no memory to adopt listeners\n");
		cond_resched();
	}
	synchronize_rcu();
	percore_listen_look();
}
