// SPDX-License-Identifier: GPL-2.0
/*
 * tsq.c - how long a NIC takes to reclaim what it was told to send
 *
 * After the qdisc, before tx.c or any other driver, on the way of a packet:
 *
 *	TCP -> qdisc -> net_dev_start_xmit -> ndo_start_xmit, doorbell
 *	                  |                             :  delay
 *	                  sample begins                 :
 *	TCP <------------ napi_poll <--------- NAPI poll, reclaim
 *	                  sample ends
 *
 * Both ends are tracepoints of the kernel that every driver passes. Whether a
 * frame has been reclaimed shows in the byte queue limits (BQL) of its queue,
 * which the driver keeps anyhow: at the first end the bytes ever queued are
 * noted, at the second those ever completed are beyond. The clock starts after
 * the qdisc, so that what a shaper or fq holds back is no part of the delay;
 * else the limit would grow the queue that it is to shorten.
 *
 * A queue is looked at once in a jiffy, by who sends first; all other frames
 * pay for a few compares. There is no sample where it cannot be true: without
 * BQL, or when the reclaim was not in a NAPI poll. Then all stays as it was.
 *
 * A driver can also tell through include/net/percore_nic.h that it reclaims
 * within the doorbell, where BQL would show nothing.
 *
 *	IDLE --percore_tsq_begin()--> BUSY --> ARMED --percore_tsq_end()--> BUSY
 *	  ^                                                                   |
 *	  +-------------------------------------------------------------------+
 *
 * Locking: who makes the state BUSY owns the queue's sample and rule; nobody
 * waits for that, a sample is lost instead. The table of NICs is changed under
 * RTNL and read under RCU. percore_tsq_lock: which namespaces are on.
 */
#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <net/percore_nic.h>
#include <net/sch_generic.h>
#include <net/tcp.h>
#include <trace/events/napi.h>
#include <trace/events/net.h>
#include <trace/events/sock.h>

#include "percore.h"
#include "stats.h"
#include "tsq.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define PERCORE_TSQ_FRAMES	16384	/* a second */

enum percore_tsq_state {
	PERCORE_TSQ_IDLE,
	PERCORE_TSQ_BUSY,
	PERCORE_TSQ_ARMED,
};

static DEFINE_HASHTABLE(percore_tsq_devs, 6);	/* under RTNL, read: RCU */
static DEFINE_MUTEX(percore_tsq_lock);	/* percore_tsq_users, .tsq_on */
static unsigned int percore_tsq_users;	/* namespaces with .tsq_on */

/**
 * percore_tsq_find - find what is known of a NIC
 * @dev: its interface
 * Context: RCU or RTNL.
 * Return: it, or NULL.
 */
struct percore_tsq_dev *percore_tsq_find(const struct net_device *dev)
{
	struct percore_tsq_dev *tdev;

	hash_for_each_possible_rcu(percore_tsq_devs, tdev, node,
				   (unsigned long)dev,
				   lockdep_rtnl_is_held() ||
				   rcu_read_lock_any_held())
		if (tdev->dev == dev)
			return tdev;
	return NULL;
}

/* Bytes ever given to a queue, and of them reclaimed */
#ifdef CONFIG_BQL
static u32 percore_tsq_queued(const struct netdev_queue *txq)
{
	return READ_ONCE(txq->dql.num_queued);
}

static u32 percore_tsq_completed(const struct netdev_queue *txq)
{
	return READ_ONCE(txq->dql.num_completed);
}
#else
static u32 percore_tsq_queued(const struct netdev_queue *txq)
{
	return 0;
}

static u32 percore_tsq_completed(const struct netdev_queue *txq)
{
	return 0;
}
#endif

/* The caller has made the state BUSY */
static void percore_tsq_sample(struct percore_tsq_dev *tdev, unsigned int id,
			       u64 delay_ns, enum percore_tsq_source source)
{
	struct percore_tsq_queue *q = &tdev->queue[id];
	const struct percore_net *pn = percore_net(dev_net(tdev->dev));
	const struct percore_tsq_bounds in = {
		.min_us = READ_ONCE(pn->tsq_min_us),
		.max_us = READ_ONCE(pn->tsq_max_us),
	};
	u8 was = q->rule.shift;

	WRITE_ONCE(q->source, source);
	WRITE_ONCE(q->samples, q->samples + 1);
	if (!percore_tsq_rule_add(&q->rule, min_t(u64, delay_ns, U32_MAX),
				  q->waiting, &in))
		return;
	WRITE_ONCE(q->changes, q->changes + 1);
	WRITE_ONCE(q->shift, q->rule.shift);
	trace_percore_tsq(tdev->dev, id, was, &q->rule);
	percore_event_tsq(tdev->dev, id, q->rule.shift);
	percore_stat_inc(dev_net(tdev->dev), PERCORE_STAT_TSQ_CHANGES);
}

/*
 * Ends a sample under way. @source BQL: reclaimed, in the poll that has just
 * ended. BLIND: there is no telling when.
 */
static void percore_tsq_end(struct percore_tsq_dev *tdev, unsigned int id,
			    enum percore_tsq_source source)
{
	struct percore_tsq_queue *q = &tdev->queue[id];

	if (atomic_cmpxchg_acquire(&q->state, PERCORE_TSQ_ARMED,
				   PERCORE_TSQ_BUSY) != PERCORE_TSQ_ARMED)
		return;
	clear_bit(id, tdev->armed);
	if (source == PERCORE_TSQ_BQL)
		percore_tsq_sample(tdev, id, ktime_get_ns() - q->start_ns,
				   source);
	else if (!q->samples)
		WRITE_ONCE(q->source, source);
	atomic_set_release(&q->state, PERCORE_TSQ_IDLE);
}

/* Do frames wait in the qdisc above? */
static bool percore_tsq_waits(const struct netdev_queue *txq)
{
	const struct Qdisc *qdisc = rcu_dereference_bh(txq->qdisc);

	return qdisc && qdisc_qlen_sum(qdisc);
}

/* Begins a sample with the frame that is about to be given to the driver */
static void percore_tsq_begin(struct percore_tsq_dev *tdev, unsigned int id,
			      const struct netdev_queue *txq)
{
	struct percore_nic *nic = rcu_dereference_bh(tdev->nic);
	struct percore_tsq_queue *q = &tdev->queue[id];

	if (atomic_cmpxchg_acquire(&q->state, PERCORE_TSQ_IDLE,
				   PERCORE_TSQ_BUSY) != PERCORE_TSQ_IDLE)
		return;
	q->waiting = percore_tsq_waits(txq);
	if (nic && nic->ops->tx_sync && nic->ops->tx_sync(nic, id)) {
		percore_tsq_sample(tdev, id, 0, PERCORE_TSQ_DRIVER);
		atomic_set_release(&q->state, PERCORE_TSQ_IDLE);
		return;
	}
	q->late = false;
	q->mark = percore_tsq_queued(txq);
	q->start_ns = ktime_get_ns();
	atomic_set_release(&q->state, PERCORE_TSQ_ARMED);
	set_bit(id, tdev->armed);
}

/*
 * Whether a sample under way is to go on. A reclaim that no poll has reported
 * may be that of a poll which has not ended: it has until the next look.
 */
static bool percore_tsq_goes_on(struct percore_tsq_queue *q,
				const struct netdev_queue *txq)
{
	u32 mark = READ_ONCE(q->mark);
	bool late = READ_ONCE(q->late);

	/* It knows of no frame since: there is no BQL */
	if (percore_tsq_queued(txq) == mark)
		return false;
	if ((s32)(percore_tsq_completed(txq) - mark) > 0) {
		WRITE_ONCE(q->late, true);
		return !late;
	}
	/* Rings that were reset begin at 0 and may never come to the mark */
	return ktime_get_ns() - READ_ONCE(q->start_ns) < NSEC_PER_SEC;
}

/*
 * Shorter bursts cost instructions, so a queue is to have at most
 * PERCORE_TSQ_FRAMES of them a second, whatever its rate is.
 */
static void percore_tsq_rate(struct percore_tsq_queue *q, unsigned long now)
{
	unsigned long passed = now - READ_ONCE(q->since);

	if (passed < HZ / 8)
		return;
	WRITE_ONCE(q->burst_bytes, min_t(unsigned long, U32_MAX,
					 q->bytes / passed * HZ /
					 PERCORE_TSQ_FRAMES));
	q->bytes = 0;
	q->since = now;
}

/* The first frame of a jiffy */
static void percore_tsq_look(struct percore_tsq_dev *tdev, unsigned int id)
{
	const struct netdev_queue *txq = netdev_get_tx_queue(tdev->dev, id);
	struct percore_tsq_queue *q = &tdev->queue[id];

	WRITE_ONCE(q->jiffy, jiffies);
	percore_tsq_rate(q, jiffies);
	if (atomic_read_acquire(&q->state) == PERCORE_TSQ_ARMED) {
		if (percore_tsq_goes_on(q, txq))
			return;
		percore_tsq_end(tdev, id, PERCORE_TSQ_BLIND);
	}
	percore_tsq_begin(tdev, id, txq);
}

/*
 * Every frame that is sent on the machine comes by here, after the qdisc. One
 * that is not TCP's turns back at once.
 */
static void percore_tsq_xmit(void *data, const struct sk_buff *skb,
			     const struct net_device *dev)
{
	struct percore_tsq_dev *tdev;
	struct percore_tsq_queue *q;
	struct sock *sk = skb->sk;
	unsigned int id;
	u8 shift;

	if (!sk || !sk_fullsock(sk) || !sk_is_tcp(sk) ||
	    !READ_ONCE(percore_net(sock_net(sk))->tsq_on))
		return;
	tdev = percore_tsq_find(dev);
	id = skb_get_queue_mapping(skb);
	if (!tdev || id >= tdev->n_queues)
		return;
	q = &tdev->queue[id];
	q->bytes += skb->len;
	if (time_after(jiffies, READ_ONCE(q->jiffy)))
		percore_tsq_look(tdev, id);
	shift = READ_ONCE(q->shift);
	if (READ_ONCE(sk->sk_pacing_shift) != shift ||
	    shift > PERCORE_TSQ_STOCK_SHIFT)
		percore_tsq_sock_update(sk, skb, shift,
					READ_ONCE(q->burst_bytes));
}

/* After every NAPI poll: has it reclaimed what a sample waits for? */
static void percore_tsq_poll(void *data, struct napi_struct *napi, int work,
			     int budget)
{
	const struct net_device *dev = napi->dev;
	struct percore_tsq_dev *tdev;
	unsigned int id;

	if (!dev)
		return;
	tdev = percore_tsq_find(dev);
	if (!tdev)
		return;
	for_each_set_bit(id, tdev->armed, tdev->n_queues) {
		const struct netdev_queue *txq = netdev_get_tx_queue(dev, id);
		struct percore_tsq_queue *q = &tdev->queue[id];

		if ((s32)(percore_tsq_completed(txq) - READ_ONCE(q->mark)) > 0)
			percore_tsq_end(tdev, id, PERCORE_TSQ_BQL);
	}
}

/* Every change of a TCP state on the machine comes by here. */
static void percore_tsq_state(void *data, const struct sock *sk,
			      const int oldstate, const int newstate)
{
	if (newstate == TCP_CLOSE && sk->sk_protocol == IPPROTO_TCP)
		percore_tsq_sock_forget((struct sock *)sk);
}

/* Probes */

static struct percore_tsq_probe {
	const char *name;
	void *fn;
	struct tracepoint *at;
} percore_tsq_probes[] = {
	{ "inet_sock_set_state", percore_tsq_state },
	{ "napi_poll", percore_tsq_poll },
	{ "net_dev_start_xmit", percore_tsq_xmit },
};

static void percore_tsq_match(struct tracepoint *tp, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(percore_tsq_probes); i++)
		if (!strcmp(tp->name, percore_tsq_probes[i].name))
			percore_tsq_probes[i].at = tp;
}

/* That of xmit comes last and goes first: no entry is made that stays. */
static void percore_tsq_unprobe(unsigned int n)
{
	while (n--) {
		tracepoint_probe_unregister(percore_tsq_probes[n].at,
					    percore_tsq_probes[n].fn, NULL);
		tracepoint_synchronize_unregister();
	}
}

static int percore_tsq_probe(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(percore_tsq_probes); i++) {
		err = tracepoint_probe_register(percore_tsq_probes[i].at,
						percore_tsq_probes[i].fn, NULL);
		if (err) {
			percore_tsq_unprobe(i);
			return err;
		}
	}
	return 0;
}

/* Nothing is known of any queue; without probes, so that nobody looks. */
static void percore_tsq_reset(void)
{
	struct percore_tsq_dev *tdev;
	unsigned int i, id;

	rcu_read_lock();
	hash_for_each_rcu(percore_tsq_devs, i, tdev, node) {
		bitmap_zero(tdev->armed, tdev->n_queues);
		for (id = 0; id < tdev->n_queues; id++) {
			struct percore_tsq_queue *q = &tdev->queue[id];

			atomic_set(&q->state, PERCORE_TSQ_IDLE);
			percore_tsq_rule_init(&q->rule);
			WRITE_ONCE(q->shift, q->rule.shift);
			WRITE_ONCE(q->source, PERCORE_TSQ_UNKNOWN);
			WRITE_ONCE(q->samples, 0);
		}
	}
	rcu_read_unlock();
}

static int percore_tsq_turn_on(struct percore_net *pn)
{
	int err;

	if (!percore_tsq_users) {
		percore_tsq_reset();
		err = percore_tsq_probe();
		if (err)
			return err;
	}
	percore_tsq_users++;
	WRITE_ONCE(pn->tsq_on, true);
	return 0;
}

/* Who sends for this namespace right now may take one more socket. */
static void percore_tsq_turn_off(struct percore_net *pn)
{
	WRITE_ONCE(pn->tsq_on, false);
	if (!--percore_tsq_users)
		percore_tsq_unprobe(ARRAY_SIZE(percore_tsq_probes));
}

/**
 * percore_tsq_set - turn it on or off for the sockets of a network namespace
 * @pn: the namespace
 * @on: which; off gives back all sockets before it returns
 * Context: process, sleeps.
 * Return: 0, -ENOMEM, or -ENODEV when the namespace or the module goes.
 */
int percore_tsq_set(struct percore_net *pn, bool on)
{
	int err = 0;

	mutex_lock(&percore_tsq_lock);
	if (on && pn->tsq_over) {
		err = -ENODEV;
	} else if (on && !pn->tsq_on) {
		err = percore_tsq_turn_on(pn);
	} else if (!on && pn->tsq_on) {
		percore_tsq_turn_off(pn);
		synchronize_rcu();
		percore_tsq_sock_restore(pn->net);
	}
	mutex_unlock(&percore_tsq_lock);
	return err;
}

/**
 * percore_tsq_net_init - start in a new network namespace, if it is to be on
 * @pn: the namespace, with its settings
 * Context: process, sleeps.
 * Return: 0 or -ENOMEM.
 */
int percore_tsq_net_init(struct percore_net *pn)
{
	return percore_tsq_set(pn, pn->tsq);
}

/**
 * percore_tsq_net_pre_exit - take no more sockets of a namespace, for good
 * @pn: the namespace, which goes, or the module does
 *
 * The kernel waits for a grace period between this and percore_tsq_net_exit(),
 * one for all namespaces that go.
 *
 * Context: process, sleeps.
 */
void percore_tsq_net_pre_exit(struct percore_net *pn)
{
	mutex_lock(&percore_tsq_lock);
	pn->tsq_over = true;
	if (pn->tsq_on)
		percore_tsq_turn_off(pn);
	mutex_unlock(&percore_tsq_lock);
}

/**
 * percore_tsq_net_exit - give back the sockets of a namespace that goes
 * @pn: the namespace, without its sysctls, which might turn it on again
 * Context: process, sleeps.
 */
void percore_tsq_net_exit(struct percore_net *pn)
{
	percore_tsq_set(pn, false);
	percore_tsq_sock_restore(pn->net);
}

/* NICs */

static void percore_tsq_dev_free(struct rcu_head *rcu)
{
	struct percore_tsq_dev *tdev;

	tdev = container_of(rcu, struct percore_tsq_dev, rcu);
	bitmap_free(tdev->armed);
	kvfree(tdev);
}

/* Hardware with a qdisc of its own; without memory it is not looked at. */
static void percore_tsq_dev_add(struct net_device *dev)
{
	struct percore_tsq_dev *tdev;
	unsigned int id, n = dev->num_tx_queues;

	if (!dev->dev.parent || (dev->priv_flags & IFF_NO_QUEUE) ||
	    percore_tsq_find(dev))
		return;
	tdev = kvzalloc(struct_size(tdev, queue, n), GFP_KERNEL);
	if (!tdev)
		return;
	tdev->armed = bitmap_zalloc(n, GFP_KERNEL);
	if (!tdev->armed) {
		kvfree(tdev);
		return;
	}
	tdev->dev = dev;
	tdev->n_queues = n;
	for (id = 0; id < n; id++) {
		percore_tsq_rule_init(&tdev->queue[id].rule);
		tdev->queue[id].shift = tdev->queue[id].rule.shift;
		tdev->queue[id].jiffy = jiffies;
		tdev->queue[id].since = jiffies;
	}
	RCU_INIT_POINTER(tdev->nic, percore_port_find(dev));
	hash_add_rcu(percore_tsq_devs, &tdev->node, (unsigned long)dev);
}

static void percore_tsq_dev_del(struct net_device *dev)
{
	struct percore_tsq_dev *tdev = percore_tsq_find(dev);

	if (!tdev)
		return;
	hash_del_rcu(&tdev->node);
	call_rcu(&tdev->rcu, percore_tsq_dev_free);
}

static int percore_tsq_event(struct notifier_block *nb, unsigned long event,
			     void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (event == NETDEV_REGISTER)
		percore_tsq_dev_add(dev);
	else if (event == NETDEV_UNREGISTER)
		percore_tsq_dev_del(dev);
	return NOTIFY_DONE;
}

static struct notifier_block percore_tsq_notifier = {
	.notifier_call = percore_tsq_event,
};

static void percore_tsq_port_set(const struct net_device *dev,
				 struct percore_nic *nic)
{
	struct percore_tsq_dev *tdev;

	rtnl_lock();
	tdev = percore_tsq_find(dev);
	if (tdev)
		rcu_assign_pointer(tdev->nic, nic);
	rtnl_unlock();
}

/**
 * percore_tsq_port_add - a driver shows a port
 * @nic: it, in the list of ports by now
 * Context: process, takes RTNL.
 */
void percore_tsq_port_add(struct percore_nic *nic)
{
	percore_tsq_port_set(nic->netdev, nic);
}

/**
 * percore_tsq_port_del - a port goes; on return nobody is in its ops
 * @nic: it, no longer in the list of ports
 * Context: process, takes RTNL, sleeps.
 */
void percore_tsq_port_del(struct percore_nic *nic)
{
	percore_tsq_port_set(nic->netdev, NULL);
	synchronize_rcu();
}

/**
 * percore_tsq_init - find the tracepoints, look for NICs
 *
 * Before the namespaces, which turn it on, and the ports.
 *
 * Context: process.
 * Return: 0, -ENOENT if the kernel lacks a tracepoint, or an errno of
 *	register_netdevice_notifier().
 */
int percore_tsq_init(void)
{
	unsigned int i;

	check_trace_callback_type_net_dev_start_xmit(percore_tsq_xmit);
	check_trace_callback_type_napi_poll(percore_tsq_poll);
	check_trace_callback_type_inet_sock_set_state(percore_tsq_state);
	for_each_kernel_tracepoint(percore_tsq_match, NULL);
	for (i = 0; i < ARRAY_SIZE(percore_tsq_probes); i++)
		if (!percore_tsq_probes[i].at)
			return -ENOENT;
	percore_tsq_sock_init();
	return register_netdevice_notifier(&percore_tsq_notifier);
}

/**
 * percore_tsq_exit - forget all NICs; every namespace has turned it off
 * Context: process, sleeps.
 */
void percore_tsq_exit(void)
{
	/* tells of every interface as if it went */
	unregister_netdevice_notifier(&percore_tsq_notifier);
	rcu_barrier();		/* percore_tsq_dev_free() */
}
