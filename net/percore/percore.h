/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percore.h - what the files of percore.ko share
 *
 * A listening socket keeps the one accept queue that the kernel gave it, here
 * called the *pool*, and gets a *shard* per core beside it: a private accept
 * queue for connections whose handshake ended on that core.
 *
 *	listen.c   which sockets, from when to when
 *	adopt.c    those that listen already
 *	wish.c     those for which something else was asked than by sysctl
 *	hook.c     the pointers of a socket that are replaced
 *	shard.c    which connections a core keeps for its own worker, how long
 *	home.c     which task is that worker, and what wakes it
 *	policy.h   the arithmetic of both
 *	accept.c   accept() and poll() of the worker, its sleep
 *	charge.c   charges an accepted connection to the worker's memory cgroup
 *
 * Connections out are connect.h's, plans of NICs steer.h's, what is below TCP
 * is tsq.h's; stats.h counts.
 *
 * Locks, outermost first (the whole argument: Documentation/locking.rst):
 *
 *	lock_sock(listener)		who takes out of the pool
 *	  percore_listeners_lock	the table of listeners
 *	  rskq_lock of the pool		its list, percore_listener.active,
 *					sk_ack_backlog
 *	    percore_shard.lock		its list, .age, .debt, .armed
 *	  lock of a wait queue
 */
#ifndef _NET_PERCORE_PERCORE_H
#define _NET_PERCORE_PERCORE_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/percore.h>
#include <linux/poll.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <net/inet_connection_sock.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "policy.h"

#define PERCORE_VERSION	"0.1"

#define PERCORE_PORTS	(U16_MAX + 1)

struct percore_listener;
struct percore_stats;

/**
 * struct percore_shard - the connections that one core keeps for its worker
 * @listener: the listener it belongs to
 * @cpu: the core
 * @lock: guards what says so below; softirq and process context
 * @head: connections waiting, oldest first; under @lock
 * @tail: the last of them; under @lock
 * @age: how many, and how long they have waited; under @lock
 * @debt: connections accepted from here that sk_ack_backlog of the listener
 *	still counts; under @lock
 * @refs: references to the listener that their requests held; under @lock
 * @mark_at: when the period of @age began, in jiffies; under @lock
 * @mark_from: the connections that were there then came after this, in
 *	jiffies; under @lock
 * @armed: @timer runs; under @lock
 * @home: task known to take connections on this core, NULL when there is none
 *	and connections go to the pool. Compared, never dereferenced
 * @home_sleeps: @home waits in accept(), so no waiter means that it is busy
 * @home_pid: of the last @home, held; changed under @lock
 * @bell: entry on the socket's wait queue that wakes @home, or NULL. Compared,
 *	never dereferenced; under @lock
 * @bell_seen: the entry that woke @home last; under @lock
 * @bell_streak: how many times in a row; under @lock
 * @bell_price: how many make it the @bell; under @lock
 * @bell_rings: how many times @bell was called; under @lock
 * @bell_tries: times the @bell was looked for; under @lock
 * @told: poll() on this core told of the last connection
 * @missed_at: when accept() or poll() on this core found nothing, in jiffies
 * @guest: task other than @home that looked here last, with nothing kept for it
 *	elsewhere
 * @guest_at: when it came, in jiffies
 * @candidate: task that took the last connections of this core
 * @streak: connections of this core that @candidate took
 * @price: length of the streak that makes a task free to roam the @home
 * @settled_at: @accepts_local when @home came
 * @pool_misses: looks at an empty pool since it held something
 * @waiters: homes of this core asleep in accept()
 * @sleepers: tasks asleep in accept() that may touch this shard
 * @timer: gives back what nobody took, settles @debt
 * @syns: SYNs that this core took; softirq of the core writes
 * @accepts_local: connections of this core accepted on it
 * @accepts_stolen: connections of another core accepted on this one
 *
 * Made on the first SYN, poll() or accept() of its core, freed with the
 * listener. All that changes is written by its own core, save when a timer or
 * an accept() has moved to another.
 */
struct percore_shard {
	struct percore_listener *listener;
	unsigned int cpu;

	spinlock_t lock;	/* all to .armed */
	struct request_sock *head;
	struct request_sock *tail;
	struct percore_age age;
	u32 debt;
	u32 refs;
	unsigned long mark_at;
	unsigned long mark_from;
	bool armed;

	bool home_sleeps;
	bool told;
	unsigned long missed_at;
	struct task_struct *home;
	struct pid *home_pid;
	struct wait_queue_entry *bell;
	struct wait_queue_entry *bell_seen;
	unsigned int bell_streak;
	unsigned int bell_price;
	unsigned int bell_rings;
	unsigned int bell_tries;
	unsigned long guest_at;
	struct task_struct *guest;
	struct task_struct *candidate;
	unsigned int streak;
	unsigned int price;
	long settled_at;
	unsigned int pool_misses;

	wait_queue_head_t waiters;
	atomic_t sleepers;
	struct hrtimer timer;

	u64 syns;
	atomic_long_t accepts_local;
	atomic_long_t accepts_stolen;
} ____cacheline_aligned_in_smp;

/**
 * struct percore_listener - a listening socket with a shard per core
 * @af_ops: what icsk_af_ops points to while active; finds the listener from
 *	its socket
 * @orig_af_ops: what it pointed to before
 * @sk: the socket, held
 * @active: connections may go to shards; under the pool's lock
 * @pinned: it holds a reference on the module
 * @pool_used: the pool may hold connections that no shard will fetch
 * @sleep_cpus: cores on whose shard a task ever slept in accept()
 * @id: counts up, one for each listener; orders @list
 * @node: in the table of listeners, under percore_listeners_lock
 * @list: in a list of listeners, under percore_listeners_lock
 * @rcu: frees it after the last softirq that may have seen it
 * @shard: one per possible CPU, NULL until first used
 *
 * Lives from listen() of a socket until it listens no more or percore lets go
 * of it, whichever takes it out of the table first.
 */
struct percore_listener {
	struct inet_connection_sock_af_ops af_ops;
	const struct inet_connection_sock_af_ops *orig_af_ops;
	struct sock *sk;
	bool active;
	bool pinned;
	bool pool_used;
	struct cpumask *sleep_cpus;
	u64 id;
	struct hlist_node node;
	struct list_head list;
	struct rcu_head rcu;
	struct percore_shard *shard[] ____cacheline_aligned_in_smp;
};

/**
 * struct percore_net - settings of a network namespace
 * @net: the namespace
 * @stats: what was counted in it, for each CPU
 * @listen_shard: net.percore.listen_shard
 * @listen_steal_us: net.percore.listen_steal_us
 * @listen_ports: net.percore.listen_ports, a bitmap of PERCORE_PORTS
 * @has_ports: it is not empty
 * @connect_local: net.percore.connect_local
 * @connect_on: that is in force; under percore_connect_lock
 * @connect_over: it is off for good; under the same lock
 * @tsq: net.percore.tsq
 * @tsq_on: that is in force; under percore_tsq_lock
 * @tsq_over: it is off for good; under the same lock
 * @tsq_min_us: net.percore.tsq_min_us
 * @tsq_max_us: net.percore.tsq_max_us
 * @header: the registered sysctl table
 */
struct percore_net {
	struct net *net;
	struct percore_stats __percpu *stats;
	u8 listen_shard;
	unsigned int listen_steal_us;
	unsigned long *listen_ports;
	bool has_ports;
	u8 connect_local;
	bool connect_on;
	bool connect_over;
	u8 tsq;
	bool tsq_on;
	bool tsq_over;
	unsigned int tsq_min_us;
	unsigned int tsq_max_us;
	struct ctl_table_header *header;
};

extern unsigned int percore_net_id;
extern void (*percore_stock_data_ready)(struct sock *sk);

static inline struct percore_net *percore_net(const struct net *net)
{
	return net_generic(net, percore_net_id);
}

/* Entered by whatever may look at a listener in process context */
extern struct srcu_struct percore_srcu;

static inline struct request_sock_queue *percore_queue(const struct sock *sk)
{
	return (struct request_sock_queue *)&inet_csk(sk)->icsk_accept_queue;
}

/* listen.c */
int percore_listen_init(void);
void percore_listen_exit(void);
int percore_listen_release(struct socket *sock);
void percore_listen_attach(struct sock *sk);
void percore_listen_detach(struct sock *sk);
bool percore_listen_stop(void);
void percore_listen_stop_one(struct sock *sk);
void percore_listen_look(const struct sock *sk);
unsigned int percore_listen_count(struct net *net);
int percore_listen_walk(struct net *net, u64 after,
			int (*visit)(struct percore_listener *lsn, void *arg),
			void *arg);

/* adopt.c */
typedef bool (*percore_adopt_match)(const struct sock *sk, void *arg);
typedef void (*percore_adopt_visit)(struct sock *sk, void *arg);

extern struct mutex percore_select_lock;

int percore_adopt_walk(percore_adopt_match match, percore_adopt_visit visit,
		       void *arg);
void percore_adopt(void);
void percore_adopt_again(void);
void percore_adopt_again_one(struct sock *sk);

/* wish.c */
bool percore_wish_of(const struct sock *sk, bool otherwise);
void percore_wish_forget(const struct sock *sk);
int percore_wish_fd(struct net *net, int fd, enum percore_shard_wish what);
int percore_wish_at(struct net *net, u16 port, enum percore_shard_wish what);
void percore_wish_exit(void);

/* hook.c */
int percore_hook_init(void);
void percore_hook_retire(void);
struct percore_listener *percore_hook_find(const struct sock *sk);
const struct proto_ops *percore_hook_stock_ops(const struct socket *sock);
bool percore_hook_prepare(struct sock *sk);
void percore_hook_clean_child(struct sock *child);
void percore_hook_on(struct percore_listener *lsn);
void percore_hook_off(struct percore_listener *lsn);
void percore_hook_restore_ops(struct sock *sk);
void percore_hook_stacked(struct percore_listener *lsn);
bool percore_hook_is_stacked(const struct percore_listener *lsn);
bool percore_hook_is_foreign(const struct sock *sk);

/* shard.c */
struct percore_shard *percore_shard_get(struct percore_listener *lsn,
					unsigned int cpu, gfp_t gfp);
void percore_shard_free(struct percore_shard *shard);
void percore_shard_data_ready(struct sock *sk);
void percore_shard_pool_ready(struct percore_listener *lsn);
void percore_shard_abandon(struct percore_shard *shard);
void percore_shard_return_all(struct percore_listener *lsn);
void percore_shard_settle_all(struct percore_listener *lsn);
void percore_shard_wake_all(struct percore_listener *lsn);
struct sock *percore_shard_pop(struct percore_shard *shard);

static inline bool percore_shard_empty(const struct percore_shard *shard)
{
	return !shard || !READ_ONCE(shard->head);
}

/* home.c */
void percore_home_init(struct percore_shard *shard);
void percore_home_free(struct percore_shard *shard);
void percore_home_visit(struct percore_shard *shard);
void percore_home_earn(struct percore_shard *shard);
void percore_home_fail(struct percore_shard *shard);
void percore_home_forget(struct percore_shard *shard);
bool percore_home_serves(const struct percore_shard *shard);
bool percore_home_wake(struct percore_shard *shard);
bool percore_home_wake_pool(struct percore_listener *lsn,
			    struct percore_shard *shard);
bool percore_home_told_all(struct percore_shard *shard);

/* charge.c */
int percore_charge_init(void);
void percore_charge_exit(void);
void percore_charge(struct sock *newsk);

/* accept.c */
int percore_accept(struct socket *sock, struct socket *newsock,
		   struct proto_accept_arg *arg);
__poll_t percore_accept_poll(struct file *file, struct socket *sock,
			     poll_table *wait);
void percore_accept_wake(struct percore_listener *lsn, unsigned int cpu);

/* sysctl.c */
int percore_sysctl_init(struct net *net);
void percore_sysctl_exit(struct net *net);

/* netlink.c */
extern struct genl_family percore_family;
int percore_netlink_init(void);
void percore_netlink_exit(void);
int percore_netlink_put_socket(struct sk_buff *skb, struct sock *sk);

/* event.c */
enum { PERCORE_GROUP_EVENTS };	/* multicast groups of the family */
void percore_event_start(void);
void percore_event_stop(void);
void percore_event_listener(struct sock *sk, bool has);
void percore_event_steer(const struct net_device *dev, bool steered);
void percore_event_drift(const struct net_device *dev, const char *setting,
			 u32 index);
void percore_event_tsq(const struct net_device *dev, u32 queue, u8 shift);

/* port.c */
struct percore_nic;
struct percore_nic_queue;
int percore_port_init(void);
void percore_port_exit(void);
unsigned int percore_port_count(struct net *net);
int percore_port_walk(struct net *net, unsigned int skip,
		      int (*visit)(struct percore_nic *nic, void *arg),
		      void *arg);
struct percore_nic *percore_port_find(const struct net_device *dev);
int percore_port_queue_get(const struct net_device *dev, unsigned int queue,
			   struct percore_nic_queue *info);

#endif /* _NET_PERCORE_PERCORE_H */
