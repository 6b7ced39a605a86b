// SPDX-License-Identifier: GPL-2.0
/*
 * tsq_sock.c - the pacing shift of sockets: who gets one, who gives it back
 *
 * With a shift above the kernel's goes a limit of their bursts of TSO.
 *
 * A socket is ours if it is in the table, with the shift that we gave it. Only
 * one with the kernel's shift is taken in, and only once it has more than one
 * frame below TCP: the others would not notice. It is given back when it asks
 * for a pacing rate of its own, when its queue is back at the kernel's shift,
 * when it closes, and when its namespace or the module goes.
 *
 * An entry holds its socket, so that who walks the table may write to it.
 *
 * Who sends may add an entry while the socket closes on another core. TCP
 * takes a socket out of its own table before it reports the close, and both
 * sides look under the lock of the bucket: an entry either is there when the
 * close is reported, or is not made, as the socket is seen unhashed.
 *
 * Locking: the lock of a bucket, softirq and process, nothing taken inside.
 */
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <net/tcp.h>

#include "percore.h"
#include "tsq.h"

#define PERCORE_TSQ_HASH_BITS	9
#define PERCORE_TSQ_SEGS_LEAST	2
#define PERCORE_TSQ_SHIFT_MOST	18
#define PERCORE_TSQ_SENDING	(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | \
				 TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK)

struct percore_tsq_bucket {
	spinlock_t lock;	/* list, and what is in it */
	struct hlist_head list;
};

/**
 * struct percore_tsq_entry - a socket that is ours
 * @node: in its bucket
 * @sk: the socket, held
 * @shift: what we made its pacing shift
 * @segs: what we made its longest burst of TSO, or 0
 * @segs_was: what that was before
 */
struct percore_tsq_entry {
	struct hlist_node node;
	struct sock *sk;
	u8 shift;
	u16 segs;
	u16 segs_was;
};

static struct percore_tsq_bucket
	percore_tsq_table[1 << PERCORE_TSQ_HASH_BITS];

static struct percore_tsq_bucket *percore_tsq_bucket(const struct sock *sk)
{
	return &percore_tsq_table[hash_ptr(sk, PERCORE_TSQ_HASH_BITS)];
}

static struct percore_tsq_entry *
percore_tsq_lookup(struct percore_tsq_bucket *bucket, const struct sock *sk)
{
	struct percore_tsq_entry *entry;

	lockdep_assert_held(&bucket->lock);
	hlist_for_each_entry(entry, &bucket->list, node)
		if (entry->sk == sk)
			return entry;
	return NULL;
}

/* What was, unless the kernel has set it anew, for another route */
static void percore_tsq_free_segs(struct percore_tsq_entry *entry)
{
	if (entry->segs && READ_ONCE(entry->sk->sk_gso_max_segs) == entry->segs)
		WRITE_ONCE(entry->sk->sk_gso_max_segs, entry->segs_was);
	entry->segs = 0;
}

/* 0: what was */
static void percore_tsq_set_segs(struct percore_tsq_entry *entry, u16 segs)
{
	percore_tsq_free_segs(entry);
	entry->segs_was = READ_ONCE(entry->sk->sk_gso_max_segs);
	if (!segs || segs >= entry->segs_was)
		return;
	entry->segs = segs;
	WRITE_ONCE(entry->sk->sk_gso_max_segs, segs);
}

/* Who has changed the shift since keeps what he has set. */
static void percore_tsq_give_back(struct percore_tsq_entry *entry)
{
	percore_tsq_free_segs(entry);
	if (READ_ONCE(entry->sk->sk_pacing_shift) == entry->shift)
		WRITE_ONCE(entry->sk->sk_pacing_shift,
			   PERCORE_TSQ_STOCK_SHIFT);
}

/* The caller holds another reference on the socket */
static void percore_tsq_drop(struct percore_tsq_entry *entry)
{
	hlist_del(&entry->node);
	percore_tsq_give_back(entry);
	sock_put(entry->sk);
	kfree(entry);
}

/* Return: an entry with the kernel's shift, or NULL: it closes, no memory. */
static struct percore_tsq_entry *
percore_tsq_take(struct percore_tsq_bucket *bucket, struct sock *sk)
{
	struct percore_tsq_entry *entry;

	lockdep_assert_held(&bucket->lock);
	if (!((1 << READ_ONCE(sk->sk_state)) & PERCORE_TSQ_SENDING) ||
	    !sk_hashed(sk))
		return NULL;
	entry = kmalloc(sizeof(*entry), GFP_ATOMIC | __GFP_NOWARN);
	if (!entry)
		return NULL;
	if (!refcount_inc_not_zero(&sk->sk_refcnt)) {
		kfree(entry);
		return NULL;
	}
	entry->sk = sk;
	entry->shift = PERCORE_TSQ_STOCK_SHIFT;
	entry->segs = 0;
	hlist_add_head(&entry->node, &bucket->list);
	return entry;
}

/* The shift that @sk is to have on a queue whose sockets are to have @shift */
static u8 percore_tsq_sock_shift(const struct sock *sk, u8 shift)
{
	if (READ_ONCE(sk->sk_max_pacing_rate) != ~0UL)
		return PERCORE_TSQ_STOCK_SHIFT;
	/* It keeps its own queue short, and needs large bursts for its timer */
	if (READ_ONCE(sk->sk_pacing_status) != SK_PACING_NONE)
		return min_t(u8, shift, PERCORE_TSQ_STOCK_SHIFT);
	return shift;
}

/**
 * struct percore_tsq_want - what a socket is to have
 * @shift: pacing shift
 * @segs: longest burst of TSO; 0: as it is
 */
struct percore_tsq_want {
	u8 shift;
	u16 segs;
};

/*
 * Twice what arrives, in bytes a second, but not more than the pacing rate.
 * That follows from the congestion window, which nothing makes smaller when the
 * queue does; it may be many times too large for ever.
 */
static unsigned long percore_tsq_sock_rate(const struct sock *sk, u32 mss)
{
	unsigned long pacing = READ_ONCE(sk->sk_pacing_rate);
	u32 us = READ_ONCE(tcp_sk(sk)->rate_interval_us);
	u64 bytes = (u64)READ_ONCE(tcp_sk(sk)->rate_delivered) * mss;

	if (!us || !bytes)
		return pacing;
	return clamp_t(u64, div_u64(2 * bytes * USEC_PER_SEC, us), 1, pacing);
}

/*
 * Less than the kernel's: by the rate that there is. A burst of TSO is half as
 * long as what may wait, as TCP lets two wait anyhow and near peers get bursts
 * of 64 KB otherwise; but not shorter than need be.
 */
static void percore_tsq_sock_tight(const struct sock *sk, u32 burst_bytes,
				   struct percore_tsq_want *want)
{
	u32 mss = max_t(u32, READ_ONCE(tcp_sk(sk)->mss_cache), 1);
	unsigned long rate = percore_tsq_sock_rate(sk, mss);
	unsigned long bytes = max_t(unsigned long, rate >> (want->shift + 1),
				    burst_bytes);

	want->segs = clamp_t(unsigned long, bytes / mss,
			     PERCORE_TSQ_SEGS_LEAST,
			     GSO_LEGACY_MAX_SIZE / mss + 1);
	want->shift = min(want->shift +
			  ilog2(READ_ONCE(sk->sk_pacing_rate) / rate | 1),
			  PERCORE_TSQ_SHIFT_MOST);
}

/* Within a quarter, and within a shift: it is not worth a lock */
static bool percore_tsq_sock_has(const struct sock *sk,
				 const struct percore_tsq_want *want)
{
	u8 shift = READ_ONCE(sk->sk_pacing_shift);
	u32 segs = READ_ONCE(sk->sk_gso_max_segs);

	if (!want->segs)
		return shift == want->shift;
	if (shift <= PERCORE_TSQ_STOCK_SHIFT || abs(shift - want->shift) > 1)
		return false;
	/* 1: the device knows no bursts */
	return (4 * segs <= 5 * want->segs && 4 * want->segs <= 5 * segs) ||
	       segs == 1;
}

/* @was: the shift of the socket. The entry may be gone then. */
static void percore_tsq_sock_set(struct percore_tsq_entry *entry, u8 was,
				 const struct percore_tsq_want *want)
{
	if (want->shift == PERCORE_TSQ_STOCK_SHIFT || was != entry->shift) {
		percore_tsq_drop(entry);
		return;
	}
	entry->shift = want->shift;
	WRITE_ONCE(entry->sk->sk_pacing_shift, want->shift);
	percore_tsq_set_segs(entry, want->segs);
}

/**
 * percore_tsq_sock_update - give a socket what the queue it sends on asks for
 * @sk: a full TCP socket, kept by @skb
 * @skb: what it sends
 * @shift: of the queue
 * @burst_bytes: frames need not be shorter than that
 * Context: softirq or bottom halves off, interrupts on.
 */
void percore_tsq_sock_update(struct sock *sk, const struct sk_buff *skb,
			     u8 shift, u32 burst_bytes)
{
	struct percore_tsq_want want = {
		.shift = percore_tsq_sock_shift(sk, shift),
	};
	u8 was = READ_ONCE(sk->sk_pacing_shift);
	struct percore_tsq_bucket *bucket;
	struct percore_tsq_entry *entry;

	if (want.shift > PERCORE_TSQ_STOCK_SHIFT)
		percore_tsq_sock_tight(sk, burst_bytes, &want);
	if (percore_tsq_sock_has(sk, &want))
		return;
	if (was == PERCORE_TSQ_STOCK_SHIFT &&
	    refcount_read(&sk->sk_wmem_alloc) < 2 * skb->truesize)
		return;
	bucket = percore_tsq_bucket(sk);
	spin_lock_bh(&bucket->lock);
	entry = percore_tsq_lookup(bucket, sk);
	was = READ_ONCE(sk->sk_pacing_shift);
	if (!entry && was == PERCORE_TSQ_STOCK_SHIFT)
		entry = percore_tsq_take(bucket, sk);
	if (entry)
		percore_tsq_sock_set(entry, was, &want);
	spin_unlock_bh(&bucket->lock);
}

/**
 * percore_tsq_sock_forget - a socket closes
 * @sk: it, unhashed; the caller holds it
 * Context: softirq or process.
 */
void percore_tsq_sock_forget(struct sock *sk)
{
	struct percore_tsq_bucket *bucket = percore_tsq_bucket(sk);
	struct percore_tsq_entry *entry;

	spin_lock_bh(&bucket->lock);
	entry = percore_tsq_lookup(bucket, sk);
	if (entry)
		percore_tsq_drop(entry);
	spin_unlock_bh(&bucket->lock);
}

static void percore_tsq_bucket_restore(struct percore_tsq_bucket *bucket,
				       const struct net *net)
{
	struct percore_tsq_entry *entry;
	struct hlist_node *next;
	HLIST_HEAD(gone);

	spin_lock_bh(&bucket->lock);
	hlist_for_each_entry_safe(entry, next, &bucket->list, node) {
		if (!net_eq(sock_net(entry->sk), net))
			continue;
		percore_tsq_give_back(entry);
		hlist_del(&entry->node);
		hlist_add_head(&entry->node, &gone);
	}
	spin_unlock_bh(&bucket->lock);
	/* The last reference may be ours */
	hlist_for_each_entry_safe(entry, next, &gone, node) {
		sock_put(entry->sk);
		kfree(entry);
	}
}

/**
 * percore_tsq_sock_restore - give back the sockets of a network namespace
 * @net: the namespace, whose sockets nobody takes any more
 * Context: process.
 */
void percore_tsq_sock_restore(const struct net *net)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_tsq_table); i++)
		percore_tsq_bucket_restore(&percore_tsq_table[i], net);
}

/**
 * percore_tsq_sock_count - number of sockets that are ours
 * @net: their network namespace
 * Context: process.
 * Return: the number.
 */
unsigned int percore_tsq_sock_count(const struct net *net)
{
	struct percore_tsq_bucket *bucket = percore_tsq_table;
	struct percore_tsq_entry *entry;
	unsigned int n = 0;

	for (; bucket < percore_tsq_table + ARRAY_SIZE(percore_tsq_table);
	     bucket++) {
		spin_lock_bh(&bucket->lock);
		hlist_for_each_entry(entry, &bucket->list, node)
			n += net_eq(sock_net(entry->sk), net);
		spin_unlock_bh(&bucket->lock);
	}
	return n;
}

/**
 * percore_tsq_sock_init - make the table
 * Context: process, once.
 */
void percore_tsq_sock_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_tsq_table); i++)
		spin_lock_init(&percore_tsq_table[i].lock);
}
