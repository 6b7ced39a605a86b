// SPDX-License-Identifier: GPL-2.0
/*
 * Puts back on a new interface what nic_save() kept of the old one
 *
 * Order: name, link settings, sysctls, up, then VLANs in the same way, then
 * addresses, routes; and neighbours when there is a link.  Goes on after a failure, so that as much comes
 * back as can.  Whoever configures interfaces that appear (udev, ifupdown) may
 * have done some of it: what is there already is no failure.
 */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "nic.h"

/* Drivers make their interface in probe or soon after; udev names it then. */
#define IFACE_TIMEOUT_MS	10000
#define UDEV_TIMEOUT_MS		5000
#define POLL_MS			20

/* A link message with IPv6, VLAN maps and names is about 3 kB long. */
#define REQUEST_BYTES		16384

#define VLAN_FLAGS	(VLAN_FLAG_REORDER_HDR | VLAN_FLAG_GVRP | \
			 VLAN_FLAG_LOOSE_BINDING | VLAN_FLAG_MVRP | \
			 VLAN_FLAG_BRIDGE_BINDING)

/* Flags that belong to the user */
#define KEPT_FLAGS	(IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | \
			 IFF_MULTICAST | IFF_DEBUG)

static int nothing(const void *attrs, size_t len, void *data)
{
	(void)attrs;
	(void)len;
	(void)data;
	return 0;
}

/* Return: 0 or a negative errno. */
static int talk(struct nic *nic, struct nlmsghdr *nlh, uint16_t type,
		uint16_t flags)
{
	struct genl_reply r = { .rtnl = true, .fn = nothing };

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_pid = 0;
	return genl_talk(&nic->rtnl, nlh, &r);
}

static int talk_failed(struct nic *nic, int err, const char *what,
		       const char *name)
{
	return nic_fail(nic, "cannot set %s of %s: %s%s%s", what, name,
			nic->rtnl.extack, *nic->rtnl.extack ? ": " : "",
			strerror(-err));
}

/* links */

/**
 * struct link_request - a request about a link
 * @buf: the message
 * @nlh: its start
 * @info: the header in it
 * @full: something did not fit in
 */
struct link_request {
	char buf[REQUEST_BYTES] __aligned(NLMSG_ALIGNTO);
	struct nlmsghdr *nlh;
	struct ifinfomsg *info;
	bool full;
};

static void link_request(struct link_request *q, uint32_t index)
{
	q->full = false;
	q->nlh = mnl_nlmsg_put_header(q->buf);
	q->info = mnl_nlmsg_put_extra_header(q->nlh, sizeof(*q->info));
	memset(q->info, 0, sizeof(*q->info));
	q->info->ifi_index = index;
}

static void put(struct link_request *q, const struct nlattr *attr)
{
	if (attr && !mnl_attr_put_check(q->nlh, sizeof(q->buf),
					attr->nla_type & NLA_TYPE_MASK,
					mnl_attr_get_payload_len(attr),
					mnl_attr_get_payload(attr)))
		q->full = true;
}

static int link_talk(struct nic *nic, struct link_request *q, uint16_t type,
		     uint16_t flags)
{
	return q->full ? -EMSGSIZE : talk(nic, q->nlh, type, flags);
}

/* Attributes of a link that was saved: these messages are sound. */
static const struct ifinfomsg *link_attrs(const struct iface *i,
					  const struct nlattr **tb)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(i->link);

	attr_table(info + 1, mnl_nlmsg_get_payload_len(i->link) -
		   sizeof(*info), tb, IFLA_MAX);
	return info;
}

static bool same(const struct nlattr *a, const struct nlattr *b)
{
	return a && b &&
	       mnl_attr_get_payload_len(a) == mnl_attr_get_payload_len(b) &&
	       !memcmp(mnl_attr_get_payload(a), mnl_attr_get_payload(b),
		       mnl_attr_get_payload_len(a));
}

/* An interface as it is now. @all: to be freed; one message, or none */
static const struct nlmsghdr *link_now(struct nic *nic, uint32_t index,
				       struct messages *all)
{
	const struct ifinfomsg *info;
	size_t i;

	if (nic_dump(nic, RTM_GETLINK, RTM_NEWLINK, AF_UNSPEC,
		     sizeof(struct ifinfomsg), all))
		return NULL;
	for (i = 0; i < all->n; i++) {
		info = mnl_nlmsg_get_payload(all->list[i]);
		if ((uint32_t)info->ifi_index == index)
			return all->list[i];
	}
	nic_fail(nic, "%s has gone", nic->name);
	return NULL;
}

/* The interface of the device. Return: its index, 0 if it has none. */
static uint32_t device_iface(const struct nic *nic)
{
	char path[128];
	uint32_t index = 0;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", nic->pci);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.')
			index = if_nametoindex(d->d_name);
	closedir(dir);
	return index;
}

/* udev gives a new interface its name: wait for that, or it would undo ours. */
static void udev_wait(uint32_t index)
{
	uint64_t end = now_ms() + UDEV_TIMEOUT_MS;
	char path[64];

	if (access("/run/udev/control", F_OK))
		return;
	snprintf(path, sizeof(path), "/run/udev/data/n%u", index);
	while (access(path, F_OK) && now_ms() < end)
		nap_ms(POLL_MS);
}

static int rename_to(struct nic *nic, struct iface *i)
{
	struct link_request q;
	char now[IF_NAMESIZE];
	int ret;

	if (if_indextoname(i->now, now) && !strcmp(now, i->name))
		return 0;
	link_request(&q, i->now);
	mnl_attr_put_strz(q.nlh, IFLA_IFNAME, i->name);
	ret = link_talk(nic, &q, RTM_NEWLINK, 0);
	return ret ? talk_failed(nic, ret, "the name", i->name) : 0;
}

static int nic_appear(struct nic *nic, struct iface *i)
{
	uint64_t end = now_ms() + IFACE_TIMEOUT_MS;

	while (!(i->now = device_iface(nic)) && now_ms() < end)
		nap_ms(POLL_MS);
	if (!i->now)
		return nic_fail(nic, "no interface has come");
	udev_wait(i->now);
	return rename_to(nic, i);
}

/* Shown with a mask of all ones, taken with a mask of what there is alone. */
static void vlan_flags_mask(const struct nlattr *info)
{
	const struct nlattr *outer, *inner;
	struct ifla_vlan_flags *flags;

	mnl_attr_for_each_nested(outer, info) {
		if (mnl_attr_get_type(outer) != IFLA_INFO_DATA)
			continue;
		mnl_attr_for_each_nested(inner, outer) {
			flags = mnl_attr_get_payload(inner);
			if (mnl_attr_get_type(inner) == IFLA_VLAN_FLAGS &&
			    mnl_attr_get_payload_len(inner) == sizeof(*flags))
				flags->mask = VLAN_FLAGS | flags->flags;
		}
	}
}

static int vlan_create(struct nic *nic, struct iface *i)
{
	const struct iface *parent = nic_iface(nic, i->parent);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct link_request q;
	int ret;

	if (!parent->now)
		return -1;
	link_attrs(i, tb);
	link_request(&q, 0);
	mnl_attr_put_strz(q.nlh, IFLA_IFNAME, i->name);
	mnl_attr_put_u32(q.nlh, IFLA_LINK, parent->now);
	vlan_flags_mask(tb[IFLA_LINKINFO]);
	put(&q, tb[IFLA_LINKINFO]);
	ret = link_talk(nic, &q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	if (ret && ret != -EEXIST)
		return talk_failed(nic, ret, "the VLAN", i->name);
	i->now = if_nametoindex(i->name);
	return i->now ? 0 : nic_fail(nic, "%s has gone", i->name);
}

/* Other names, one by one: one that is there must not keep out the next. */
static int names_set(struct nic *nic, const struct iface *i,
		     const struct nlattr *props)
{
	const struct nlattr *name;
	struct link_request q;
	struct nlattr *nest;
	int ret;

	if (!props)
		return 0;
	mnl_attr_for_each_nested(name, props) {
		link_request(&q, i->now);
		nest = mnl_attr_nest_start(q.nlh, IFLA_PROP_LIST);
		put(&q, name);
		mnl_attr_nest_end(q.nlh, nest);
		ret = link_talk(nic, &q, RTM_NEWLINKPROP,
			   NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND);
		if (ret && ret != -EEXIST)
			return talk_failed(nic, ret, "an altname", i->name);
	}
	return 0;
}

/* A MAC address that is the device's own, or the NIC's, stays so. */
static const struct nlattr *addr_to_set(const struct nlattr *const *was,
					const struct nlattr *const *now)
{
	return same(was[IFLA_ADDRESS], now[IFLA_ADDRESS]) ? NULL :
							    was[IFLA_ADDRESS];
}

static int link_set(struct nic *nic, const struct iface *i)
{
	const struct nlattr *was[IFLA_MAX + 1], *now[IFLA_MAX + 1];
	const struct ifinfomsg *info = link_attrs(i, was);
	struct messages all = {};
	struct iface fresh = { .link = link_now(nic, i->now, &all) };
	struct link_request q;
	int ret;

	if (!fresh.link) {
		messages_free(&all);
		return -1;
	}
	link_attrs(&fresh, now);
	link_request(&q, i->now);
	q.info->ifi_change = KEPT_FLAGS;
	q.info->ifi_flags = info->ifi_flags & KEPT_FLAGS;
	if (!same(was[IFLA_MTU], now[IFLA_MTU]))
		put(&q, was[IFLA_MTU]);
	put(&q, addr_to_set(was, now));
	put(&q, was[IFLA_TXQLEN]);
	put(&q, was[IFLA_GROUP]);
	put(&q, was[IFLA_IFALIAS]);
	ret = link_talk(nic, &q, RTM_NEWLINK, 0);
	messages_free(&all);
	if (ret)
		return talk_failed(nic, ret, "the link", i->name);
	return names_set(nic, i, was[IFLA_PROP_LIST]);
}

static int settings_set(struct nic *nic, const struct iface *i)
{
	char text[FACTS_TEXT_MAX], path[256];
	const struct setting *s;
	int ret, failed = 0;

	for (s = i->settings; s < i->settings + i->n_settings; s++) {
		snprintf(path, sizeof(path), "%s/%s/%s", s->dir, i->name,
			 s->file);
		if (!facts_read_text(text, sizeof(text), "%s", path) &&
		    !strcmp(text, s->value))
			continue;
		ret = nic_write(path, s->value);
		if (ret)
			failed = nic_fail(nic, "cannot write %s: %s", path,
					  strerror(-ret));
	}
	return failed;
}

static int up_set(struct nic *nic, const struct iface *i)
{
	const struct ifinfomsg *was = mnl_nlmsg_get_payload(i->link);
	struct link_request q;
	int ret;

	link_request(&q, i->now);
	q.info->ifi_change = IFF_UP;
	q.info->ifi_flags = was->ifi_flags & IFF_UP;
	ret = link_talk(nic, &q, RTM_NEWLINK, 0);
	return ret ? talk_failed(nic, ret, "up or down", i->name) : 0;
}

static int iface_restore(struct nic *nic, struct iface *i)
{
	int ret;

	i->now = 0;
	ret = i->parent ? vlan_create(nic, i) : nic_appear(nic, i);
	if (!i->now)
		return -1;
	ret |= link_set(nic, i);
	ret |= settings_set(nic, i);
	return ret | up_set(nic, i);
}

/* addresses, neighbours, routes */

/* Others stay as they are.  Return: 0 if it could not be brought back. */
static uint32_t index_now(const struct nic *nic, uint32_t was)
{
	const struct iface *i = nic_iface(nic, was);

	return i ? i->now : was;
}

/* A copy, to be changed; to be freed. */
static struct nlmsghdr *message_copy(const struct nlmsghdr *nlh)
{
	struct nlmsghdr *copy = malloc(MNL_ALIGN((size_t)nlh->nlmsg_len));

	if (copy)
		memcpy(copy, nlh, nlh->nlmsg_len);
	return copy;
}

static int addr_restore(struct nic *nic, struct nlmsghdr *nlh)
{
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);

	ifa->ifa_index = index_now(nic, ifa->ifa_index);
	if (!ifa->ifa_index)
		return -ENODEV;
	return talk(nic, nlh, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
}

static int neigh_restore(struct nic *nic, struct nlmsghdr *nlh)
{
	struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	ndm->ndm_ifindex = index_now(nic, ndm->ndm_ifindex);
	if (!ndm->ndm_ifindex)
		return -ENODEV;
	return talk(nic, nlh, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
}

static void hops_change(const struct nic *nic, const struct nlattr *attr)
{
	struct rtnexthop *hop;
	size_t at = 0;

	while ((hop = nic_hop(attr, &at))) {
		hop->rtnh_ifindex = index_now(nic, hop->rtnh_ifindex);
		hop->rtnh_flags &= RTNH_F_ONLINK;
	}
}

/*
 * Of IPv6 a route of several hops may be there without one of them, or without
 * its source: it is replaced.  Others are appended, as many may go to one place.
 */
static int route_restore(struct nic *nic, struct nlmsghdr *nlh)
{
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	uint16_t flags = NLM_F_APPEND;
	struct nlattr *attr;
	bool ours = false;
	uint32_t index;

	rtm->rtm_flags &= RTNH_F_ONLINK;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		if (mnl_attr_get_type(attr) == RTA_OIF &&
		    mnl_attr_get_payload_len(attr) == sizeof(index)) {
			index = mnl_attr_get_u32(attr);
			ours = nic_iface(nic, index);
			index = index_now(nic, index);
			if (!index)
				return -ENODEV;
			memcpy(mnl_attr_get_payload(attr), &index,
			       sizeof(index));
		} else if (mnl_attr_get_type(attr) == RTA_MULTIPATH) {
			hops_change(nic, attr);
		}
	}
	if (!ours && rtm->rtm_family == AF_INET6)
		flags = NLM_F_REPLACE;
	return talk(nic, nlh, RTM_NEWROUTE, NLM_F_CREATE | flags);
}

/*
 * A route may need another one first, to its gateway: goes on while a round
 * brings one more.
 */
static int all_restore(struct nic *nic, const struct messages *all,
		       int (*restore)(struct nic *nic, struct nlmsghdr *nlh),
		       const char *what)
{
	bool *done = calloc(all->n + 1, sizeof(*done));
	struct nlmsghdr *copy;
	size_t i, left = all->n, before;
	int ret, err = 0;

	if (!done)
		return nic_fail(nic, "out of memory");
	do {
		before = left;
		for (i = 0; i < all->n; i++) {
			if (done[i])
				continue;
			copy = message_copy(all->list[i]);
			ret = copy ? restore(nic, copy) : -ENOMEM;
			free(copy);
			if (ret && ret != -EEXIST) {
				err = ret;
				continue;
			}
			done[i] = true;
			left--;
		}
	} while (left && left < before);
	free(done);
	if (left)
		return nic_fail(nic, "cannot put back %zu of %zu %s: %s%s%s",
				left, all->n, what, nic->rtnl.extack,
				*nic->rtnl.extack ? ": " : "", strerror(-err));
	return 0;
}

/**
 * nic_restore() - put back all that nic_save() kept, but neighbours
 * @nic: the NIC, whose new interface may be yet to come
 *
 * Return: 0, or -1 if any of it could not be put back.
 */
int nic_restore(struct nic *nic)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < nic->n_ifaces; i++) {
		if (iface_restore(nic, &nic->ifaces[i]))
			ret = -1;
		if (!nic->ifaces[0].now)
			return -1;
	}
	ret |= all_restore(nic, &nic->addrs, addr_restore, "addresses");
	return ret | all_restore(nic, &nic->routes, route_restore, "routes");
}

/**
 * nic_neighs_restore() - put back neighbours that somebody has set
 * @nic: the NIC, with a link: one that has none yet would lose proxies again
 *
 * Return: 0, or -1 if any of it could not be put back.
 */
int nic_neighs_restore(struct nic *nic)
{
	return all_restore(nic, &nic->neighs, neigh_restore, "neighbours");
}
