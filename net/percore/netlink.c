// SPDX-License-Identifier: GPL-2.0
/*
 * netlink.c - generic netlink family "percore"
 *
 * include/uapi/linux/percore.h names the requests and attributes. What can be
 * read here about a listener, anybody can read in ss: no capability is asked.
 * Plans are shown by steer_nl.c, transmit queues by tsq_nl.c; event.c tells of
 * what changes.
 */
#include <linux/percore.h>
#include <linux/ipv6.h>
#include <net/genetlink.h>
#include <net/percore_nic.h>

#include "percore.h"
#include "stats.h"
#include "steer.h"
#include "tsq.h"

/* A dump under way; cb->args[0] is where percore_*_walk() is to go on */
struct percore_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	u8 cmd;
};

static void *percore_dump_start(struct percore_dump *dump)
{
	return genlmsg_put(dump->skb, NETLINK_CB(dump->cb->skb).portid,
			   dump->cb->nlh->nlmsg_seq, &percore_family,
			   NLM_F_MULTI, dump->cmd);
}

static int percore_netlink_put_status(struct sk_buff *skb, struct net *net)
{
	const struct percore_net *pn = percore_net(net);

	if (nla_put_string(skb, PERCORE_A_STATUS_VERSION, PERCORE_VERSION) ||
	    nla_put_u32(skb, PERCORE_A_STATUS_LISTEN_SHARD,
			READ_ONCE(pn->listen_shard)) ||
	    nla_put_u32(skb, PERCORE_A_STATUS_LISTEN_STEAL_US,
			READ_ONCE(pn->listen_steal_us)) ||
	    nla_put_u32(skb, PERCORE_A_STATUS_LISTENERS,
			percore_listen_count(net)) ||
	    nla_put_u32(skb, PERCORE_A_STATUS_PORTS,
			percore_port_count(net)) ||
	    nla_put_u32(skb, PERCORE_A_STATUS_CPUS, num_online_cpus()) ||
	    nla_put_u32(skb, PERCORE_A_STATUS_TSQ_SOCKETS,
			percore_tsq_sock_count(net)))
		return -EMSGSIZE;
	return percore_stats_put(skb, net);
}

static int percore_netlink_status(struct sk_buff *request,
				  struct genl_info *info)
{
	struct sk_buff *skb;
	void *head;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	head = genlmsg_put_reply(skb, info, &percore_family, 0,
				 PERCORE_CMD_STATUS_GET);
	if (!head || percore_netlink_put_status(skb, genl_info_net(info))) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

static int percore_netlink_put_core(struct sk_buff *skb,
				    struct percore_shard *shard)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, PERCORE_A_LISTENER_CORE);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, PERCORE_A_CORE_CPU, shard->cpu) ||
	    nla_put_u64_64bit(skb, PERCORE_A_CORE_SYNS,
			      READ_ONCE(shard->syns), PERCORE_A_CORE_PAD) ||
	    nla_put_u64_64bit(skb, PERCORE_A_CORE_ACCEPTS_LOCAL,
			      atomic_long_read(&shard->accepts_local),
			      PERCORE_A_CORE_PAD) ||
	    nla_put_u64_64bit(skb, PERCORE_A_CORE_ACCEPTS_STOLEN,
			      atomic_long_read(&shard->accepts_stolen),
			      PERCORE_A_CORE_PAD) ||
	    nla_put_u32(skb, PERCORE_A_CORE_DEPTH,
			READ_ONCE(shard->age.depth))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * percore_netlink_put_socket - which listening socket a message is about
 * @skb: gets PERCORE_A_LISTENER_* of its address, and its inode
 * @sk: the socket
 * Context: any; sk_callback_lock not held.
 * Return: 0 or -EMSGSIZE.
 */
int percore_netlink_put_socket(struct sk_buff *skb, struct sock *sk)
{
	if (nla_put_u64_64bit(skb, PERCORE_A_LISTENER_INODE, sock_i_ino(sk),
			      PERCORE_A_LISTENER_PAD))
		return -EMSGSIZE;
	if (nla_put_u16(skb, PERCORE_A_LISTENER_FAMILY, sk->sk_family) ||
	    nla_put_u16(skb, PERCORE_A_LISTENER_PORT, READ_ONCE(sk->sk_num)))
		return -EMSGSIZE;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		if (ipv6_only_sock(sk) &&
		    nla_put_flag(skb, PERCORE_A_LISTENER_V6ONLY))
			return -EMSGSIZE;
		return nla_put_in6_addr(skb, PERCORE_A_LISTENER_ADDR,
					&sk->sk_v6_rcv_saddr);
	}
#endif
	return nla_put_in_addr(skb, PERCORE_A_LISTENER_ADDR, sk->sk_rcv_saddr);
}

static int percore_netlink_put_listener(struct sk_buff *skb,
					struct percore_listener *lsn)
{
	struct sock *sk = lsn->sk;
	unsigned int cpu;

	if (percore_netlink_put_socket(skb, sk) ||
	    nla_put_u32(skb, PERCORE_A_LISTENER_BACKLOG,
			READ_ONCE(sk->sk_ack_backlog)) ||
	    nla_put_u32(skb, PERCORE_A_LISTENER_BACKLOG_MAX,
			READ_ONCE(sk->sk_max_ack_backlog)))
		return -EMSGSIZE;
	for_each_possible_cpu(cpu) {
		struct percore_shard *shard = READ_ONCE(lsn->shard[cpu]);

		if (shard && percore_netlink_put_core(skb, shard))
			return -EMSGSIZE;
	}
	return 0;
}

static int percore_netlink_visit_listener(struct percore_listener *lsn,
					  void *arg)
{
	struct percore_dump *dump = arg;
	void *head = percore_dump_start(dump);

	if (!head)
		return -EMSGSIZE;
	if (percore_netlink_put_listener(dump->skb, lsn)) {
		genlmsg_cancel(dump->skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(dump->skb, head);
	dump->cb->args[0] = lsn->id;
	return 0;
}

/*
 * A full message is not an error, a first entry that does not fit an empty
 * one is.
 */
static int percore_dump_end(const struct percore_dump *dump, int err)
{
	return err && !dump->skb->len ? err : dump->skb->len;
}

/* A listener must fit one message, however many cores it has. */
static int percore_netlink_start_listeners(struct netlink_callback *cb)
{
	size_t core = nla_total_size(2 * nla_total_size(sizeof(u32)) +
				     3 * nla_total_size_64bit(sizeof(u64)));

	cb->min_dump_alloc = min_t(size_t, U16_MAX,
				   SZ_1K + core * num_possible_cpus());
	return 0;
}

static int percore_netlink_dump_listeners(struct sk_buff *skb,
					  struct netlink_callback *cb)
{
	struct percore_dump dump = { skb, cb, PERCORE_CMD_LISTENER_GET };
	int err;

	err = percore_listen_walk(sock_net(skb->sk), cb->args[0],
				  percore_netlink_visit_listener, &dump);
	return percore_dump_end(&dump, err);
}

static int percore_netlink_wish_fd(struct sk_buff *request,
				   struct genl_info *info,
				   enum percore_shard_wish what)
{
	u32 fd = nla_get_u32(info->attrs[PERCORE_A_LISTENER_FD]);
	int err = percore_wish_fd(genl_info_net(info), fd, what);

	if (err)
		NL_SET_ERR_MSG_FMT_MOD(info->extack,
				       "descriptor %u is not a TCP socket that listens here",
				       fd);
	return err;
}

static int percore_netlink_wish_at(struct sk_buff *request,
				   struct genl_info *info,
				   enum percore_shard_wish what)
{
	u16 port = nla_get_u16(info->attrs[PERCORE_A_LISTENER_PORT]);
	struct net *net = genl_info_net(info);
	int err;

	if (!netlink_ns_capable(request, net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	mutex_lock(&percore_select_lock);
	err = percore_wish_at(net, port, what);
	if (!err)
		percore_adopt_again();
	mutex_unlock(&percore_select_lock);
	if (err == -ENOENT)
		NL_SET_ERR_MSG_FMT_MOD(info->extack,
				       "nobody listens at port %u", port);
	return err;
}

static int percore_netlink_wish(struct sk_buff *request,
				struct genl_info *info)
{
	enum percore_shard_wish what;

	if (GENL_REQ_ATTR_CHECK(info, PERCORE_A_LISTENER_SHARD))
		return -EINVAL;
	what = nla_get_u32(info->attrs[PERCORE_A_LISTENER_SHARD]);
	if (!info->attrs[PERCORE_A_LISTENER_FD] &&
	    GENL_REQ_ATTR_CHECK(info, PERCORE_A_LISTENER_PORT))
		return -EINVAL;

	if (info->attrs[PERCORE_A_LISTENER_FD])
		return percore_netlink_wish_fd(request, info, what);
	return percore_netlink_wish_at(request, info, what);
}

static int percore_netlink_put_queue(struct sk_buff *skb, unsigned int id,
				     const struct percore_nic_queue *queue)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, PERCORE_A_PORT_QUEUE);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, PERCORE_A_QUEUE_ID, id) ||
	    nla_put_u32(skb, PERCORE_A_QUEUE_IRQ, queue->irq) ||
	    nla_put_u32(skb, PERCORE_A_QUEUE_CPU, queue->cpu) ||
	    (queue->napi_id &&
	     nla_put_u32(skb, PERCORE_A_QUEUE_NAPI_ID, queue->napi_id))) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int percore_netlink_put_port(struct sk_buff *skb,
				    struct percore_nic *nic)
{
	unsigned int id, n = nic->ops->queue_count(nic);
	struct percore_nic_queue queue;

	if (nla_put_u32(skb, PERCORE_A_PORT_IFINDEX, nic->netdev->ifindex) ||
	    nla_put_string(skb, PERCORE_A_PORT_IFNAME, nic->netdev->name))
		return -EMSGSIZE;
	for (id = 0; id < n; id++)
		if (!nic->ops->queue_get(nic, id, &queue) &&
		    percore_netlink_put_queue(skb, id, &queue))
			return -EMSGSIZE;
	return 0;
}

static int percore_netlink_visit_port(struct percore_nic *nic, void *arg)
{
	struct percore_dump *dump = arg;
	void *head = percore_dump_start(dump);

	if (!head)
		return -EMSGSIZE;
	if (percore_netlink_put_port(dump->skb, nic)) {
		genlmsg_cancel(dump->skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(dump->skb, head);
	dump->cb->args[0]++;
	return 0;
}

static int percore_netlink_dump_ports(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct percore_dump dump = { skb, cb, PERCORE_CMD_PORT_GET };
	int err;

	err = percore_port_walk(sock_net(skb->sk), cb->args[0],
				percore_netlink_visit_port, &dump);
	return percore_dump_end(&dump, err);
}

static const struct nla_policy percore_netlink_plan[] = {
	[PERCORE_A_PLAN_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy percore_netlink_listener[] = {
	[PERCORE_A_LISTENER_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[PERCORE_A_LISTENER_FD] = { .type = NLA_U32 },
	[PERCORE_A_LISTENER_SHARD] = NLA_POLICY_MAX(NLA_U32,
						    PERCORE_SHARD_WISH_OFF),
};

static const struct genl_ops percore_netlink_ops[] = {
	{
		.cmd = PERCORE_CMD_STATUS_GET,
		.doit = percore_netlink_status,
	},
	{
		.cmd = PERCORE_CMD_LISTENER_GET,
		.start = percore_netlink_start_listeners,
		.dumpit = percore_netlink_dump_listeners,
	},
	{
		.cmd = PERCORE_CMD_PORT_GET,
		.dumpit = percore_netlink_dump_ports,
	},
	{
		.cmd = PERCORE_CMD_PLAN_GET,
		.dumpit = percore_steer_nl_dump,
		.policy = percore_netlink_plan,
		.maxattr = ARRAY_SIZE(percore_netlink_plan) - 1,
	},
	{
		.cmd = PERCORE_CMD_PLAN_APPLY,
		.doit = percore_steer_nl_apply,
		.flags = GENL_ADMIN_PERM,
		.policy = percore_netlink_plan,
		.maxattr = ARRAY_SIZE(percore_netlink_plan) - 1,
	},
	{
		.cmd = PERCORE_CMD_PLAN_REVERT,
		.doit = percore_steer_nl_revert,
		.flags = GENL_ADMIN_PERM,
		.policy = percore_netlink_plan,
		.maxattr = ARRAY_SIZE(percore_netlink_plan) - 1,
	},
	{
		.cmd = PERCORE_CMD_LISTENER_SET,
		.doit = percore_netlink_wish,
		.policy = percore_netlink_listener,
		.maxattr = ARRAY_SIZE(percore_netlink_listener) - 1,
	},
	{
		.cmd = PERCORE_CMD_TSQ_GET,
		.dumpit = percore_tsq_nl_dump,
	},
};

static const struct genl_multicast_group percore_netlink_groups[] = {
	[PERCORE_GROUP_EVENTS] = { .name = PERCORE_MCGRP_EVENTS },
};

struct genl_family percore_family = {
	.name = PERCORE_FAMILY_NAME,
	.version = PERCORE_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = percore_netlink_ops,
	.n_ops = ARRAY_SIZE(percore_netlink_ops),
	.mcgrps = percore_netlink_groups,
	.n_mcgrps = ARRAY_SIZE(percore_netlink_groups),
	.resv_start_op = __PERCORE_CMD_MAX,
};

/**
 * percore_netlink_init - register the family
 * Context: process.
 * Return: 0 or an errno of genl_register_family().
 */
int percore_netlink_init(void)
{
	int err = genl_register_family(&percore_family);

	if (!err)
		percore_event_start();
	return err;
}

/**
 * percore_netlink_exit - unregister the family, after requests under way
 * Context: process.
 */
void percore_netlink_exit(void)
{
	percore_event_stop();
	genl_unregister_family(&percore_family);
}
