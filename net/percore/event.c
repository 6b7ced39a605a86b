// SPDX-License-Identifier: GPL-2.0
/*
 * event.c - tells who monitors what was decided
 *
 * Beside the stages that decide something rare; each place has a tracepoint
 * too (trace.h). One message, PERCORE_CMD_EVENT, goes to the multicast group
 * "events" in the network namespace of the socket or interface. While nobody
 * is in the group it costs a look at a bitmap. Without memory for a message
 * who is in it reads ENOBUFS, as with a full receive buffer.
 *
 * Locking: none is taken. percore_event_stop() waits for who sends, so that
 * the family outlives them.
 */
#include <linux/percore.h>
#include <net/genetlink.h>

#include "percore.h"

/**
 * struct percore_event_info - what a message tells
 * @what: enum percore_event
 * @sk: the listening socket, or NULL
 * @dev: the interface, or NULL
 * @setting: that drifted, or NULL
 * @index: of the setting or transmit queue, with @dev
 * @shift: pacing shift that the queue's sockets get, or 0
 */
struct percore_event_info {
	u32 what;
	struct sock *sk;
	const struct net_device *dev;
	const char *setting;
	u32 index;
	u32 shift;
};

static bool percore_event_on;

static int percore_event_put_listener(struct sk_buff *skb, struct sock *sk)
{
	struct nlattr *nest = nla_nest_start(skb, PERCORE_A_EVENT_LISTENER);

	if (!nest || percore_netlink_put_socket(skb, sk))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int percore_event_put(struct sk_buff *skb,
			     const struct percore_event_info *event)
{
	if (nla_put_u32(skb, PERCORE_A_EVENT_WHAT, event->what))
		return -EMSGSIZE;
	if (event->sk)
		return percore_event_put_listener(skb, event->sk);
	if (nla_put_u32(skb, PERCORE_A_EVENT_IFINDEX, event->dev->ifindex) ||
	    nla_put_string(skb, PERCORE_A_EVENT_IFNAME, event->dev->name))
		return -EMSGSIZE;
	if (event->setting &&
	    nla_put_string(skb, PERCORE_A_EVENT_SETTING, event->setting))
		return -EMSGSIZE;
	if ((event->setting || event->shift) &&
	    nla_put_u32(skb, PERCORE_A_EVENT_INDEX, event->index))
		return -EMSGSIZE;
	if (event->shift &&
	    nla_put_u32(skb, PERCORE_A_EVENT_SHIFT, event->shift))
		return -EMSGSIZE;
	return 0;
}

static struct sk_buff *
percore_event_message(const struct percore_event_info *event)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	void *head;

	if (!skb)
		return NULL;
	head = genlmsg_put(skb, 0, 0, &percore_family, 0, PERCORE_CMD_EVENT);
	if (!head || percore_event_put(skb, event)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, head);
	return skb;
}

static void percore_event_send(struct net *net,
			       const struct percore_event_info *event)
{
	struct sk_buff *skb;

	rcu_read_lock();
	if (READ_ONCE(percore_event_on) &&
	    genl_has_listeners(&percore_family, net, PERCORE_GROUP_EVENTS)) {
		skb = percore_event_message(event);
		if (skb)
			genlmsg_multicast_netns(&percore_family, net, skb, 0,
						PERCORE_GROUP_EVENTS,
						GFP_ATOMIC);
		else
			genl_set_err(&percore_family, net, 0,
				     PERCORE_GROUP_EVENTS, -ENOBUFS);
	}
	rcu_read_unlock();
}

/**
 * percore_event_listener - a socket has got shards, or has none any more
 * @sk: the listening socket, which cannot go
 * @has: whether it has shards now
 * Context: any; sk_callback_lock not held.
 */
void percore_event_listener(struct sock *sk, bool has)
{
	percore_event_send(sock_net(sk), &(struct percore_event_info){
		.what = has ? PERCORE_EVENT_ATTACH : PERCORE_EVENT_DETACH,
		.sk = sk,
	});
}

/**
 * percore_event_steer - a NIC is steered, or no longer
 * @dev: its interface
 * @steered: whether it is now
 * Context: process, RTNL.
 */
void percore_event_steer(const struct net_device *dev, bool steered)
{
	percore_event_send(dev_net(dev), &(struct percore_event_info){
		.what = steered ? PERCORE_EVENT_STEER : PERCORE_EVENT_REVERT,
		.dev = dev,
	});
}

/**
 * percore_event_drift - a setting was not as planned, and is set again
 * @dev: the interface
 * @setting: kind of setting, as in the tracepoint percore_drift
 * @index: which
 * Context: process, RTNL.
 */
void percore_event_drift(const struct net_device *dev, const char *setting,
			 u32 index)
{
	percore_event_send(dev_net(dev), &(struct percore_event_info){
		.what = PERCORE_EVENT_DRIFT,
		.dev = dev,
		.setting = setting,
		.index = index,
	});
}

/**
 * percore_event_tsq - the sockets of a transmit queue get another shift
 * @dev: the interface
 * @queue: the queue
 * @shift: pacing shift, not 0
 * Context: any that keeps @dev.
 */
void percore_event_tsq(const struct net_device *dev, u32 queue, u8 shift)
{
	percore_event_send(dev_net(dev), &(struct percore_event_info){
		.what = PERCORE_EVENT_TSQ,
		.dev = dev,
		.index = queue,
		.shift = shift,
	});
}

/**
 * percore_event_start - from now on there are events
 * Context: any; the family is registered.
 */
void percore_event_start(void)
{
	WRITE_ONCE(percore_event_on, true);
}

/**
 * percore_event_stop - there are none any more, on return
 * Context: process, may sleep.
 */
void percore_event_stop(void)
{
	WRITE_ONCE(percore_event_on, false);
	synchronize_rcu();
}
