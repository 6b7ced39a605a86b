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
#include <linux/mutex.h>
#include <linux/slab.h>
#include <net/tcp.h>

#include "percore.h"

/* What selects sockets and what follows are one step to whoever selects next */
DEFINE_MUTEX(percore_select_lock);

/*
 * A close() that has looked up the socket's operations before we replace them
 * does not come to percore_listen_release(): take ours back then. We hold no
 * reference on the file meanwhile, since ours could be the last one, and the
 * port still in use after close() has returned.
 */
static void percore_adopt_one(struct sock *sk, void *arg)
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

static unsigned int percore_adopt_count(struct inet_listen_hashbucket *bucket,
					percore_adopt_match match, void *arg)
{
	const struct hlist_nulls_node *node;
	unsigned int n = 0;
	struct sock *sk;

	spin_lock(&bucket->lock);
	sk_nulls_for_each(sk, node, &bucket->nulls_head)
		n += sk->sk_protocol == IPPROTO_TCP && match(sk, arg);
	spin_unlock(&bucket->lock);
	return n;
}

/* At most @room sockets, held, into @found. Returns how many. */
static unsigned int percore_adopt_find(struct inet_listen_hashbucket *bucket,
				       percore_adopt_match match, void *arg,
				       struct sock **found, unsigned int room)
{
	const struct hlist_nulls_node *node;
	unsigned int n = 0;
	struct sock *sk;

	spin_lock(&bucket->lock);
	sk_nulls_for_each(sk, node, &bucket->nulls_head) {
		if (n == room)
			break;
		if (sk->sk_protocol != IPPROTO_TCP || !match(sk, arg))
			continue;
		sock_hold(sk);
		found[n++] = sk;
	}
	spin_unlock(&bucket->lock);
	return n;
}

static int percore_adopt_bucket(struct inet_listen_hashbucket *bucket,
				percore_adopt_match match,
				percore_adopt_visit visit, void *arg)
{
	unsigned int i, n = percore_adopt_count(bucket, match, arg);
	struct sock **found;

	if (!n)
		return 0;
	found = kvmalloc_array(n, sizeof(*found), GFP_KERNEL);
	if (!found)
		return -ENOMEM;
	n = percore_adopt_find(bucket, match, arg, found, n);
	for (i = 0; i < n; i++) {
		visit(found[i], arg);
		sock_put(found[i]);
	}
	kvfree(found);
	return 0;
}

/**
 * percore_adopt_walk - visit sockets that listen, of all namespaces
 * @match: which; called with spinlocks held
 * @visit: called without locks; the socket may have been closed meanwhile
 * @arg: passed to both
 * Context: process, sleeps.
 * Return: 0, or -ENOMEM when some were left out.
 */
int percore_adopt_walk(percore_adopt_match match, percore_adopt_visit visit,
		       void *arg)
{
	struct inet_hashinfo *table = init_net.ipv4.tcp_death_row.hashinfo;
	unsigned int i;
	int err = 0;

	for (i = 0; i <= table->lhash2_mask; i++) {
		err = percore_adopt_bucket(&table->lhash2[i], match, visit,
					   arg) ?: err;
		cond_resched();
	}
	return err;
}

static bool percore_adopt_may(const struct sock *sk, void *arg)
{
	return sk->sk_state == TCP_LISTEN &&
	       READ_ONCE(sk->sk_data_ready) == percore_stock_data_ready;
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
	if (percore_adopt_walk(percore_adopt_may, percore_adopt_one, NULL))
		pr_warn_once("percore: no memory to adopt listeners\n");
	synchronize_rcu();
	percore_listen_look(NULL);
}

/**
 * percore_adopt_again - settings or wishes have changed: have shards where they
 * are wanted, and nowhere else
 *
 * Context: process, sleeps. The caller holds percore_select_lock.
 */
void percore_adopt_again(void)
{
	lockdep_assert_held(&percore_select_lock);
	percore_listen_stop();
	percore_adopt();
}

/**
 * percore_adopt_again_one - the same for one socket, for which something else
 * is wished
 * @sk: the socket; the caller has its file
 *
 * Anybody may ask for this, again and again: it costs nobody else anything. The
 * socket's lock, under which settings and wishes are looked at and followed,
 * is enough here.
 *
 * Context: process, sleeps.
 */
void percore_adopt_again_one(struct sock *sk)
{
	percore_listen_stop_one(sk);
	if (!percore_adopt_may(sk, NULL))
		return;
	percore_adopt_one(sk, NULL);
	synchronize_rcu();
	percore_listen_look(sk);
}
