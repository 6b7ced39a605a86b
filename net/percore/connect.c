// SPDX-License-Identifier: GPL-2.0
/*
 * connect.c - a socket that connects gets a port whose packets come to its core
 *
 * The kernel chooses a source port in connect(), just after it has reported the
 * change to SYN_SENT in the tracepoint inet_sock_set_state. There, addresses
 * and the other port are known and the socket is locked. For a socket that
 * leaves the port to the kernel, a port is found by which the NIC's RSS brings
 * what comes back to this core's queue, and made the socket's own port range:
 * the one that IP_LOCAL_PORT_RANGE sets, with a single port in it. The kernel
 * takes it by its own rules, and knows nothing of percore.
 *
 *	          free, by the kernel's rules
 *	(not ours) ------------------------> placed
 *	    ^      range := that port          |
 *	    '----------------------------------'
 *	      the socket leaves SYN_SENT: range as before
 *
 * Like the kernel's search (RFC 6056, double hashing) ours begins where a keyed
 * hash of the addresses and a counter say, and takes the ports that connect()
 * takes first, of the parity of the lowest, before the others. When the core
 * has none left, a port of any core is taken.
 *
 * Between our look at a port and the kernel's, which follows at once but for an
 * interrupt, another may take it. Whoever else connects cannot: a port is
 * claimed first, for one peer, until the socket leaves SYN_SENT, and all who
 * connect from a NIC's address claim one, as long as there is any that is free.
 * Somebody who binds to it can; then connect() fails with EADDRNOTAVAIL, and it
 * is counted, PERCORE_STAT_CONNECTS_LOST.
 *
 * Locking: percore_connect_lock where it is turned on and off. A claim is in
 * two tables, by port and by socket, each with a lock for every bucket; neither
 * is taken inside the other. A claim holds its socket. Only the task that
 * connects makes one, and only who has the socket's lock and ends SYN_SENT
 * takes it out, or percore_connect_purge() when no probe runs any more.
 */
#include <linux/hash.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/list.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <net/addrconf.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/l3mdev.h>
#include <net/tcp.h>

#include "percore.h"
#include "connect.h"
#include "stats.h"

#define PERCORE_CONNECT_HASH_BITS	9
#define PERCORE_CONNECT_NEXT_BITS	10

/* Ports of the core that may be taken before any core's will do */
#define PERCORE_CONNECT_TRIES		512

/**
 * struct percore_claim - a port that a socket is about to connect from
 * @by_port: in percore_claim_ports
 * @by_sk: in percore_claim_socks
 * @sk: the socket, held
 * @port: the port
 * @range_was: the socket's own range of ports before, or 0
 */
struct percore_claim {
	struct hlist_node by_port;
	struct hlist_node by_sk;
	struct sock *sk;
	u16 port;
	u32 range_was;
};

struct percore_claim_bucket {
	spinlock_t lock;	/* list */
	struct hlist_head list;
};

/**
 * struct percore_search - for the port of a socket
 * @claim: gets it
 * @ports: those for each entry of the NIC's table
 * @rest: hash of all but the port
 * @start: where to begin, counted in ports
 * @low: of the range of ports, the lowest
 * @high: the highest
 * @tried: how many were not free
 * @found: one was free
 */
struct percore_search {
	struct percore_claim *claim;
	const struct percore_ports *ports;
	u32 rest;
	u32 start;
	u32 low;
	u32 high;
	u32 tried;
	bool found;
};

static DEFINE_MUTEX(percore_connect_lock);
static unsigned int percore_connect_users;	/* under the lock */
static struct tracepoint *percore_connect_tracepoint;

static struct percore_claim_bucket
	percore_claim_ports[1 << PERCORE_CONNECT_HASH_BITS],
	percore_claim_socks[1 << PERCORE_CONNECT_HASH_BITS];

/* Where a search began last, for each value of some bits of the keyed hash */
static u32 percore_connect_next[1 << PERCORE_CONNECT_NEXT_BITS];
static siphash_key_t percore_connect_key;

static struct percore_claim_bucket *percore_claim_port(u16 port)
{
	return &percore_claim_ports[hash_32(port, PERCORE_CONNECT_HASH_BITS)];
}

static struct percore_claim_bucket *percore_claim_sock(const struct sock *sk)
{
	return &percore_claim_socks[hash_ptr(sk, PERCORE_CONNECT_HASH_BITS)];
}

/* Both connect, in SYN_SENT: their peers do not change. */
static bool percore_connect_same_peer(const struct sock *a,
				      const struct sock *b)
{
	if (!net_eq(sock_net(a), sock_net(b)) || a->sk_dport != b->sk_dport ||
	    a->sk_daddr != b->sk_daddr)
		return false;
#if IS_ENABLED(CONFIG_IPV6)
	if (a->sk_family == AF_INET6 && b->sk_family == AF_INET6)
		return ipv6_addr_equal(&a->sk_v6_daddr, &b->sk_v6_daddr);
#endif
	return true;
}

/* Does the socket use IPv6 on the wire? */
static bool percore_connect_is_v6(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_IPV6)
	return sk->sk_family == AF_INET6 &&
	       !ipv6_addr_v4mapped(&sk->sk_v6_daddr);
#else
	return false;
#endif
}

/* Is there a connection of this socket's addresses and @port? */
static bool percore_connect_exists(struct sock *sk,
				   struct inet_hashinfo *hashinfo, u16 port)
{
	int dif = sk->sk_bound_dev_if;
	struct net *net = sock_net(sk);
	struct sock *other;
	int sdif;

	sdif = l3mdev_master_ifindex_by_index(net, dif);
#if IS_ENABLED(CONFIG_IPV6)
	if (percore_connect_is_v6(sk))
		other = __inet6_lookup_established(net, hashinfo,
						   &sk->sk_v6_daddr,
						   sk->sk_dport,
						   &inet6_sk(sk)->saddr, port,
						   dif, sdif);
	else
#endif
		other = __inet_lookup_established(net, hashinfo, sk->sk_daddr,
						  sk->sk_dport,
						  inet_sk(sk)->inet_saddr,
						  port, dif, sdif);
	if (other)
		sock_gen_put(other);
	return other;
}

/* By the rules of __inet_hash_connect(); TIME_WAIT is never reused. */
static bool percore_connect_is_free(struct sock *sk, u16 port)
{
	struct net *net = sock_net(sk);
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;
	int l3mdev = inet_sk_bound_l3mdev(sk);
	struct inet_bind_hashbucket *head;
	bool used = false, bound = false;
	struct inet_bind_bucket *tb;

	head = &hashinfo->bhash[inet_bhashfn(net, port, hashinfo->bhash_size)];
	spin_lock_bh(&head->lock);
	inet_bind_bucket_for_each(tb, &head->chain) {
		if (!net_eq(ib_net(tb), net) || tb->port != port ||
		    tb->l3mdev != l3mdev)
			continue;
		used = true;
		bound = tb->fastreuse >= 0 || tb->fastreuseport >= 0;
		break;
	}
	spin_unlock_bh(&head->lock);
	return !used || (!bound && !percore_connect_exists(sk, hashinfo, port));
}

static void percore_claim_release(struct percore_claim *claim)
{
	struct percore_claim_bucket *bucket = percore_claim_port(claim->port);

	spin_lock_bh(&bucket->lock);
	hlist_del(&claim->by_port);
	spin_unlock_bh(&bucket->lock);
}

/*
 * Free is asked twice: before, as it mostly is not when ports are scarce, and
 * when nobody else can claim it any more.
 *
 * Return: whether the port was free and is now claimed.
 */
static bool percore_claim_take(struct percore_claim *claim, u16 port)
{
	struct percore_claim_bucket *bucket = percore_claim_port(port);
	const struct percore_claim *other;
	bool taken = false;

	if (!percore_connect_is_free(claim->sk, port))
		return false;
	claim->port = port;
	spin_lock_bh(&bucket->lock);
	hlist_for_each_entry(other, &bucket->list, by_port)
		taken |= other->port == port &&
			 percore_connect_same_peer(other->sk, claim->sk);
	if (!taken)
		hlist_add_head(&claim->by_port, &bucket->list);
	spin_unlock_bh(&bucket->lock);
	if (taken)
		return false;
	if (percore_connect_is_free(claim->sk, port))
		return true;
	percore_claim_release(claim);
	return false;
}

/* Return: whether that port was found. */
static bool percore_connect_try(struct percore_search *search, u32 port,
				u32 parity)
{
	struct net *net = sock_net(search->claim->sk);

	/* PERCORE_PORT_NONE is above any */
	if (port < search->low || port > search->high ||
	    ((port ^ search->low) & 1) != parity ||
	    inet_is_local_reserved_port(net, port))
		return false;
	search->found = percore_claim_take(search->claim, port);
	search->tried += !search->found;
	return search->found;
}

/* Among the ports that come to @n entries of the table */
static void percore_connect_search(struct percore_search *search,
				   const u16 *entry, u32 n)
{
	u32 parity, i, nth, port, total = n << search->ports->n_zero;

	for (parity = 0; parity < 2; parity++) {
		for (i = 0; i < total; i++) {
			nth = (search->start + i) % total;
			port = percore_ports_nth(search->ports,
						 entry[nth % n] ^ search->rest,
						 nth / n);
			if (percore_connect_try(search, port, parity) ||
			    search->tried == PERCORE_CONNECT_TRIES)
				return;
		}
	}
}

/*
 * Among all: better any core's than none. As long as the kernel's own search,
 * and there is none when this finds none.
 */
static void percore_connect_search_all(struct percore_search *search)
{
	u32 parity, i, total = search->high - search->low + 1;

	for (parity = 0; parity < 2; parity++)
		for (i = 0; i < total; i++)
			if (percore_connect_try(search, search->low +
						(search->start + i) % total,
						parity))
				return;
}

/* The interface that a socket's packets come in by, if it has its address */
static const struct net_device *percore_connect_dev(const struct sock *sk)
{
	struct net_device *dev;

#if IS_ENABLED(CONFIG_IPV6)
	if (percore_connect_is_v6(sk))
		dev = ipv6_dev_find(sock_net(sk), &inet6_sk(sk)->saddr, NULL);
	else
#endif
		dev = __ip_dev_find(sock_net(sk), inet_sk(sk)->inet_saddr,
				    false);
	return dev && is_vlan_dev(dev) ? vlan_dev_real_dev(dev) : dev;
}

/* What a NIC hashes of a packet to the socket, port 0 for its own */
static unsigned int percore_connect_tuple(const struct sock *sk,
					  u8 tuple[PERCORE_TUPLE_V6])
{
	struct {
		struct in6_addr saddr, daddr;
		__be16 sport, dport;
	} v6 = { .sport = sk->sk_dport };
	struct {
		__be32 saddr, daddr;
		__be16 sport, dport;
	} v4 = { .sport = sk->sk_dport };

	BUILD_BUG_ON(sizeof(v4) != PERCORE_TUPLE_V4);
	BUILD_BUG_ON(sizeof(v6) != PERCORE_TUPLE_V6);
#if IS_ENABLED(CONFIG_IPV6)
	if (percore_connect_is_v6(sk)) {
		v6.saddr = sk->sk_v6_daddr;
		v6.daddr = inet6_sk(sk)->saddr;
		memcpy(tuple, &v6, sizeof(v6));
		return sizeof(v6);
	}
#endif
	v4.saddr = sk->sk_daddr;
	v4.daddr = inet_sk(sk)->inet_saddr;
	memcpy(tuple, &v4, sizeof(v4));
	return sizeof(v4);
}

static bool percore_connect_place(struct percore_claim *claim)
{
	struct percore_search search = { .claim = claim };
	const struct percore_rss_slice *slice;
	const struct percore_rss *rss;
	u8 tuple[PERCORE_TUPLE_V6];
	unsigned int len;
	int low, high;
	u32 *next;
	u64 hash;

	rss = percore_rss_find(percore_connect_dev(claim->sk));
	if (!rss)
		return false;
	slice = &rss->of_cpu[smp_processor_id()];
	if (!slice->n)
		return false;
	len = percore_connect_tuple(claim->sk, tuple);
	search.ports = len == PERCORE_TUPLE_V4 ? &rss->v4 : &rss->v6;
	search.rest = percore_toeplitz(rss->key, tuple, len);
	inet_sk_get_local_port_range(claim->sk, &low, &high);
	search.low = low;
	search.high = high;

	hash = siphash(tuple, len, &percore_connect_key);
	next = &percore_connect_next[hash & (BIT(PERCORE_CONNECT_NEXT_BITS) -
					     1)];
	search.start = READ_ONCE(*next) + (hash >> 32);
	percore_connect_search(&search, &rss->entry[slice->from], slice->n);
	if (!search.found)
		percore_connect_search_all(&search);
	WRITE_ONCE(*next, READ_ONCE(*next) + 1 + search.tried +
			  get_random_u32_below(8));
	return search.found;
}

/* connect(): the kernel chooses a port next */
static void percore_connect_begin(struct sock *sk, struct percore_net *pn)
{
	struct percore_claim_bucket *bucket;
	struct percore_claim *claim;

	if (inet_sk(sk)->inet_num || sk->sk_kern_sock)
		return;
	claim = kmalloc(sizeof(*claim), GFP_ATOMIC | __GFP_NOWARN);
	if (!claim)
		goto left;
	claim->sk = sk;
	claim->range_was = READ_ONCE(inet_sk(sk)->local_port_range);
	if (!percore_connect_place(claim))
		goto free_claim;
	sock_hold(sk);
	bucket = percore_claim_sock(sk);
	spin_lock_bh(&bucket->lock);
	hlist_add_head(&claim->by_sk, &bucket->list);
	spin_unlock_bh(&bucket->lock);
	WRITE_ONCE(inet_sk(sk)->local_port_range,
		   (u32)claim->port << 16 | claim->port);
	percore_stat_inc(pn->net, PERCORE_STAT_CONNECTS_PLACED);
	return;

free_claim:
	kfree(claim);
left:
	percore_stat_inc(pn->net, PERCORE_STAT_CONNECTS_LEFT);
}

/* It is in no table any more. Who has set another range meanwhile keeps it. */
static void percore_connect_forget(struct percore_claim *claim)
{
	u32 ours = (u32)claim->port << 16 | claim->port;

	cmpxchg(&inet_sk(claim->sk)->local_port_range, ours, claim->range_was);
	sock_put(claim->sk);
	kfree(claim);
}

/* It has connected, or given up. The caller holds another reference on it. */
static void percore_connect_end(struct sock *sk, const struct percore_net *pn,
				int state)
{
	struct percore_claim_bucket *bucket = percore_claim_sock(sk);
	struct percore_claim *claim, *found = NULL;

	if (hlist_empty(&bucket->list))
		return;
	spin_lock_bh(&bucket->lock);
	hlist_for_each_entry(claim, &bucket->list, by_sk) {
		if (claim->sk == sk) {
			found = claim;
			hlist_del(&found->by_sk);
			break;
		}
	}
	spin_unlock_bh(&bucket->lock);
	if (!found)
		return;
	/* never hashed; one that was has its port gone, but not this */
	if (state == TCP_CLOSE && inet_sk(sk)->inet_sport != htons(found->port))
		percore_stat_inc(pn->net, PERCORE_STAT_CONNECTS_LOST);
	percore_claim_release(found);
	percore_connect_forget(found);
}

/* Every change of a TCP state on the machine comes by here. */
static void percore_connect_state(void *data, const struct sock *csk,
				  const int oldstate, const int newstate)
{
	struct sock *sk = (struct sock *)csk;
	struct percore_net *pn;

	if (likely(oldstate != TCP_SYN_SENT && newstate != TCP_SYN_SENT))
		return;
	if (sk->sk_protocol != IPPROTO_TCP)
		return;
	pn = percore_net(sock_net(sk));
	if (oldstate == TCP_SYN_SENT)
		percore_connect_end(sk, pn, newstate);
	else if (READ_ONCE(pn->connect_on))
		percore_connect_begin(sk, pn);
}

/* No probe runs any more. */
static void percore_connect_purge(void)
{
	struct percore_claim_bucket *bucket;
	struct percore_claim *claim;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_claim_socks); i++) {
		bucket = &percore_claim_socks[i];
		hlist_for_each_entry_safe(claim, next, &bucket->list, by_sk) {
			hlist_del(&claim->by_sk);
			percore_claim_release(claim);
			percore_connect_forget(claim);
		}
	}
}

static void percore_connect_turn(struct percore_net *pn, bool on)
{
	WRITE_ONCE(pn->connect_on, on);
	percore_connect_users += on ? 1 : -1;
	if (percore_connect_users)
		return;
	tracepoint_probe_unregister(percore_connect_tracepoint,
				    percore_connect_state, NULL);
	tracepoint_synchronize_unregister();
	percore_connect_purge();
}

/**
 * percore_connect_set - place the connections of a namespace, or no longer
 * @pn: the namespace
 * @on: whether to
 *
 * Those under way when it is turned off keep their port.
 *
 * Context: process, may sleep.
 * Return: 0, -ENOMEM when it cannot be turned on, or -ENODEV when the namespace
 * or the module goes.
 */
int percore_connect_set(struct percore_net *pn, bool on)
{
	int err = 0;

	mutex_lock(&percore_connect_lock);
	if (on == pn->connect_on)
		goto unlock;
	if (on && pn->connect_over)
		err = -ENODEV;
	else if (on && !percore_connect_users)
		err = tracepoint_probe_register(percore_connect_tracepoint,
						percore_connect_state, NULL);
	if (!err)
		percore_connect_turn(pn, on);
unlock:
	mutex_unlock(&percore_connect_lock);
	return err;
}

/**
 * percore_connect_net_pre_exit - turn it off in a namespace for good
 * @pn: the namespace, which goes, or the module does
 *
 * All namespaces that go come by here, and the kernel waits for a grace period,
 * before percore_net_exit() of the first: a probe that runs for another
 * may be at a socket of this one until then.
 *
 * Context: process, may sleep.
 */
void percore_connect_net_pre_exit(struct percore_net *pn)
{
	mutex_lock(&percore_connect_lock);
	pn->connect_over = true;
	if (pn->connect_on)
		percore_connect_turn(pn, false);
	mutex_unlock(&percore_connect_lock);
}

static void percore_connect_match(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "inet_sock_set_state"))
		percore_connect_tracepoint = tp;
}

/**
 * percore_connect_init - be ready to choose ports
 * Context: process.
 * Return: 0, or -ENOENT when the kernel lacks the tracepoint.
 */
int percore_connect_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_claim_socks); i++) {
		spin_lock_init(&percore_claim_ports[i].lock);
		spin_lock_init(&percore_claim_socks[i].lock);
	}
	get_random_bytes(&percore_connect_key, sizeof(percore_connect_key));
	get_random_bytes(percore_connect_next, sizeof(percore_connect_next));
	for_each_kernel_tracepoint(percore_connect_match, NULL);
	return percore_connect_tracepoint ? 0 : -ENOENT;
}
