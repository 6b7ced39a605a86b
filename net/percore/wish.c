// SPDX-License-Identifier: GPL-2.0
/*
 * wish.c - listening sockets that are to have shards, or not, whatever the
 * sysctls say
 *
 * A wish is for one socket, named by its descriptor by the application that
 * has it, or by its port by the administrator. It lasts until the socket stops
 * listening, which the tracepoint in listen.c tells: so it needs no reference,
 * and no socket outlives its wish.
 *
 * Why a request of the netlink family: a socket option would need a hook in
 * setsockopt() of sockets that are not ours, and they are the ones to opt in.
 */
#include <linux/file.h>
#include <linux/hashtable.h>
#include <linux/net.h>
#include <linux/percore.h>
#include <linux/slab.h>
#include <net/tcp.h>

#include "percore.h"

struct percore_wish {
	struct hlist_node node;
	const struct sock *sk;	/* compared, never dereferenced */
	bool shard;
};

static DEFINE_HASHTABLE(percore_wishes, 6);
static DEFINE_SPINLOCK(percore_wishes_lock);

static struct percore_wish *percore_wish_lookup(const struct sock *sk)
{
	struct percore_wish *wish;

	lockdep_assert_held(&percore_wishes_lock);
	hash_for_each_possible(percore_wishes, wish, node, (unsigned long)sk)
		if (wish->sk == sk)
			return wish;
	return NULL;
}

/* Without a lock: of a socket whose state the caller knows not to change */
static bool percore_wish_maybe(const struct sock *sk)
{
	unsigned int bucket = hash_min((unsigned long)sk,
				       HASH_BITS(percore_wishes));

	return !hlist_empty(&percore_wishes[bucket]);
}

/**
 * percore_wish_of - what is wished for a socket
 * @sk: a socket that listens or is about to
 * @otherwise: what holds if nothing is
 * Context: any.
 * Return: whether it is to have shards.
 */
bool percore_wish_of(const struct sock *sk, bool otherwise)
{
	struct percore_wish *wish;

	if (!percore_wish_maybe(sk))
		return otherwise;
	spin_lock_bh(&percore_wishes_lock);
	wish = percore_wish_lookup(sk);
	if (wish)
		otherwise = wish->shard;
	spin_unlock_bh(&percore_wishes_lock);
	return otherwise;
}

/**
 * percore_wish_forget - a socket stops listening, or nothing is wished for it
 * @sk: the socket
 * Context: any.
 */
void percore_wish_forget(const struct sock *sk)
{
	struct percore_wish *wish;

	if (!percore_wish_maybe(sk))
		return;
	spin_lock_bh(&percore_wishes_lock);
	wish = percore_wish_lookup(sk);
	if (wish)
		hash_del(&wish->node);
	spin_unlock_bh(&percore_wishes_lock);
	kfree(wish);
}

/* Replaces one that is there. */
static int percore_wish_add(const struct sock *sk, bool shard)
{
	struct percore_wish *wish, *new;

	new = kmalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	new->sk = sk;
	new->shard = shard;
	spin_lock_bh(&percore_wishes_lock);
	wish = percore_wish_lookup(sk);
	if (wish)
		hash_del(&wish->node);
	hash_add(percore_wishes, &new->node, (unsigned long)sk);
	spin_unlock_bh(&percore_wishes_lock);
	kfree(wish);
	return 0;
}

static int percore_wish_set(struct sock *sk, enum percore_shard_wish what)
{
	int err = -EINVAL;

	/* the state that ends a wish changes under this lock */
	lock_sock(sk);
	if (sk->sk_state != TCP_LISTEN)
		goto release;
	err = 0;
	if (what == PERCORE_SHARD_WISH_DEFAULT)
		percore_wish_forget(sk);
	else
		err = percore_wish_add(sk, what == PERCORE_SHARD_WISH_ON);
release:
	release_sock(sk);
	return err;
}

/**
 * percore_wish_fd - wish something for a socket of the current task, and do it
 * @net: the namespace that it must be of
 * @fd: its descriptor
 * @what: the wish
 * Context: process, sleeps.
 * Return: 0, -EBADF, -ENOTSOCK, -EINVAL for one that is not a TCP socket that
 *	listens in @net, or -ENOMEM.
 */
int percore_wish_fd(struct net *net, int fd, enum percore_shard_wish what)
{
	struct socket *sock;
	int err = -EINVAL;

	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return err;
	if (sk_is_tcp(sock->sk) && net_eq(sock_net(sock->sk), net))
		err = percore_wish_set(sock->sk, what);
	else
		err = -EINVAL;
	if (!err)
		percore_adopt_again_one(sock->sk);
	sockfd_put(sock);
	return err;
}

/* Of the sockets of one port */
struct percore_wish_port {
	const struct net *net;
	enum percore_shard_wish what;
	unsigned int count;
	u16 port;
	int err;
};

static bool percore_wish_matches(const struct sock *sk, void *arg)
{
	const struct percore_wish_port *of = arg;

	return net_eq(sock_net(sk), of->net) && sk->sk_num == of->port;
}

static void percore_wish_visit(struct sock *sk, void *arg)
{
	struct percore_wish_port *of = arg;
	int err = percore_wish_set(sk, of->what);

	if (!err)
		of->count++;
	else if (err != -EINVAL)	/* closed meanwhile */
		of->err = err;
}

/**
 * percore_wish_at - wish something for all sockets that listen at a port
 * @net: their namespace
 * @port: the port
 * @what: the wish
 * Context: process, sleeps.
 * Return: 0, -ENOENT when there is none, -ENOMEM when some were left out.
 */
int percore_wish_at(struct net *net, u16 port, enum percore_shard_wish what)
{
	struct percore_wish_port of = {
		.net = net,
		.port = port,
		.what = what,
	};
	int err;

	err = percore_adopt_walk(percore_wish_matches, percore_wish_visit, &of);
	if (err || of.err)
		return err ?: of.err;
	return of.count ? 0 : -ENOENT;
}

/**
 * percore_wish_exit - forget all
 * Context: process; nobody can wish any more.
 */
void percore_wish_exit(void)
{
	struct percore_wish *wish;
	struct hlist_node *next;
	unsigned int bucket;

	spin_lock_bh(&percore_wishes_lock);
	hash_for_each_safe(percore_wishes, bucket, next, wish, node) {
		hash_del(&wish->node);
		kfree(wish);
	}
	spin_unlock_bh(&percore_wishes_lock);
}
