// SPDX-License-Identifier: GPL-2.0
/*
 * charge.c - charge an accepted connection to its worker's memory cgroup
 *
 * Previous stage: accept.c, which took it from a queue.
 *
 * Only inet_csk_accept() may call the functions that charge a socket. So where
 * such groups are in use, a connection is led through inet_csk_accept() by a
 * gate: an unbound and unhashed socket that lends its accept queue, and a
 * request that is never freed. There is one gate for each CPU, so that tasks
 * rarely meet at it.
 */
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <net/tcp.h>

#include "percore.h"

struct percore_gate {
	struct mutex lock;	/* one connection at a time */
	struct sock *sk;
	struct tcp_request_sock req;
};

static struct percore_gate __percpu *percore_gates;

static void percore_gate_charge(struct sock *newsk)
{
	struct percore_gate *gate = raw_cpu_ptr(percore_gates);
	struct proto_accept_arg arg = { .flags = O_NONBLOCK };
	struct request_sock *req = &gate->req.req.req;
	struct request_sock_queue *queue;

	mutex_lock(&gate->lock);
	queue = percore_queue(gate->sk);
	refcount_set(&req->rsk_refcnt, 2);	/* it will put one */
	req->sk = newsk;
	req->dl_next = NULL;
	spin_lock_bh(&queue->rskq_lock);
	queue->rskq_accept_head = req;
	queue->rskq_accept_tail = req;
	sk_acceptq_added(gate->sk);
	spin_unlock_bh(&queue->rskq_lock);
	WARN_ON_ONCE(inet_csk_accept(gate->sk, &arg) != newsk);
	mutex_unlock(&gate->lock);
}

/**
 * percore_charge - do to a connection what inet_csk_accept() does at its end
 * @newsk: the connection, out of every queue, not yet the application's
 * Context: process, sleeps.
 */
void percore_charge(struct sock *newsk)
{
	if (mem_cgroup_sockets_enabled)
		percore_gate_charge(newsk);
	else
		inet_init_csk_locks(newsk);
}

static int percore_gate_init(struct percore_gate *gate)
{
	struct sock *sk;

	mutex_init(&gate->lock);
	sk = sk_alloc(&init_net, PF_INET, GFP_KERNEL, &tcp_prot, 1);
	if (!sk)
		return -ENOMEM;
	sock_init_data(NULL, sk);
	spin_lock_init(&percore_queue(sk)->rskq_lock);
	spin_lock_init(&percore_queue(sk)->fastopenq.lock);
	sk->sk_protocol = IPPROTO_TCP;
	/* not inet_sk_set_state(): nobody is to hear of it */
	WRITE_ONCE(sk->sk_state, TCP_LISTEN);
	gate->sk = sk;
	return 0;
}

/**
 * percore_charge_init - make a gate for each CPU
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int percore_charge_init(void)
{
	unsigned int cpu;

	percore_gates = alloc_percpu(struct percore_gate);
	if (!percore_gates)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		if (percore_gate_init(per_cpu_ptr(percore_gates, cpu))) {
			percore_charge_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * percore_charge_exit - free them, when nobody can be in accept() any more
 * Context: process.
 */
void percore_charge_exit(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct sock *sk = per_cpu_ptr(percore_gates, cpu)->sk;

		if (sk)
			sock_put(sk);
	}
	free_percpu(percore_gates);
}
