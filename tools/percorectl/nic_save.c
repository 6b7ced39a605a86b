// SPDX-License-Identifier: GPL-2.0
/*
 * What is there before a NIC moves, and what cannot be moved with it
 *
 * Messages are kept as the kernel sent them.  What the kernel makes by itself is
 * left out: routes of addresses, link-local and temporary addresses, and the
 * routes of router advertisements.
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
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include "nic.h"

#define DUMP_TRIES	8

static const char *const setting_dirs[] = {
	"/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv6/conf",
	"/proc/sys/net/ipv4/neigh", "/proc/sys/net/ipv6/neigh",
};

/**
 * nic_rtnl_open() - connect to rtnetlink
 * @nic: the NIC
 *
 * Return: 0 or -1.
 */
int nic_rtnl_open(struct nic *nic)
{
	int ret = genl_socket(&nic->rtnl, NETLINK_ROUTE);

	return ret ? nic_fail(nic, "no rtnetlink: %s", strerror(-ret)) : 0;
}

/**
 * messages_free() - forget messages
 * @all: the messages
 */
void messages_free(struct messages *all)
{
	while (all->n)
		free(all->list[--all->n]);
	free(all->list);
	all->list = NULL;
}

static void messages_add(struct messages *all, const struct nlmsghdr *nlh)
{
	size_t len = MNL_ALIGN((size_t)nlh->nlmsg_len);

	all->list = xrealloc(all->list, all->n + 1, sizeof(*all->list));
	all->list[all->n] = xrealloc(NULL, len, 1);
	memset(all->list[all->n], 0, len);
	memcpy(all->list[all->n++], nlh, nlh->nlmsg_len);
}

struct gather {
	struct messages *all;
	size_t head;
};

static int gather(const void *payload, size_t len, void *data)
{
	struct gather *g = data;
	const void *nlh = (const char *)payload - MNL_NLMSG_HDRLEN;

	if (len < g->head)
		return -EBADMSG;
	messages_add(g->all, nlh);
	return 0;
}

/**
 * nic_dump() - get all messages of a kind
 * @nic: for its connection
 * @type: RTM_GET*
 * @reply: RTM_NEW*
 * @family: AF_*
 * @head: bytes of the header of the request, and of each answer
 * @all: gets the answers, none of which is shorter than its header
 *
 * Return: 0 or -1.
 */
int nic_dump(struct nic *nic, uint16_t type, uint16_t reply, int family,
	     size_t head, struct messages *all)
{
	char buf[128] __aligned(NLMSG_ALIGNTO) = "";
	struct gather g = { .all = all, .head = head };
	struct nlmsghdr *nlh;
	int ret, try;

	for (try = 0; try < DUMP_TRIES; try++) {
		struct genl_reply r = {
			.type = reply, .rtnl = true, .fn = gather, .data = &g,
		};
		struct messages before = { .list = all->list, .n = all->n };

		nlh = mnl_nlmsg_put_header(buf);
		nlh->nlmsg_type = type;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		*(uint8_t *)mnl_nlmsg_put_extra_header(nlh, head) = family;
		ret = genl_talk(&nic->rtnl, nlh, &r);
		if (ret)
			return nic_fail(nic, "rtnetlink, dump of type %u: %s",
					type, strerror(-ret));
		if (!r.interrupted)
			return 0;
		while (all->n > before.n)
			free(all->list[--all->n]);
	}
	return nic_fail(nic, "the network kept changing while it was read");
}

/* Attributes of a message. tb has @max + 1 places. */
static int attrs_of(struct nic *nic, const struct nlmsghdr *nlh, size_t head,
		    const struct nlattr **tb, unsigned int max)
{
	const char *payload = mnl_nlmsg_get_payload(nlh);

	head = MNL_ALIGN(head);
	if (mnl_nlmsg_get_payload_len(nlh) < head ||
	    attr_table(payload + head, mnl_nlmsg_get_payload_len(nlh) - head,
		       tb, max))
		return nic_fail(nic, "malformed answer from the kernel");
	return 0;
}

static uint32_t attr_u32(const struct nlattr *attr)
{
	struct val val = {};

	return attr_val(attr, &val) ? 0 : val.n;
}

/**
 * nic_iface() - find an interface
 * @nic: the NIC
 * @was: its index before the move
 *
 * Return: it, or NULL if it is neither the NIC nor on it.
 */
struct iface *nic_iface(const struct nic *nic, uint32_t was)
{
	size_t i;

	for (i = 0; i < nic->n_ifaces; i++)
		if (was && nic->ifaces[i].was == was)
			return &nic->ifaces[i];
	return NULL;
}

static bool iface_up(const struct iface *i)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(i->link);

	return info->ifi_flags & IFF_UP;
}

/* links: the NIC, and what lies on it */

static int kind_of(struct nic *nic, const struct nlattr *info, char *kind,
		   size_t size)
{
	const struct nlattr *tb[IFLA_INFO_KIND + 1];

	kind[0] = '\0';
	if (!info)
		return 0;
	if (attr_table(mnl_attr_get_payload(info),
		       mnl_attr_get_payload_len(info), tb, IFLA_INFO_KIND) ||
	    attr_string(tb[IFLA_INFO_KIND], kind, size))
		return nic_fail(nic, "malformed answer from the kernel");
	return 0;
}

static bool has_xdp(const struct nlattr *xdp)
{
	const struct nlattr *tb[IFLA_XDP_ATTACHED + 1];

	return xdp && !attr_table(mnl_attr_get_payload(xdp),
				  mnl_attr_get_payload_len(xdp), tb,
				  IFLA_XDP_ATTACHED) &&
	       attr_u32(tb[IFLA_XDP_ATTACHED]);
}

static const char *name_of(const struct nic *nic, uint32_t index, char *buf)
{
	const struct iface *i = nic_iface(nic, index);

	if (i)
		return i->name;
	return if_indextoname(index, buf) ? buf : "?";
}

static int link_fit(struct nic *nic, const char *name,
		    const struct nlattr *const *tb)
{
	char text[IF_NAMESIZE];

	if (tb[IFLA_MASTER])
		return nic_fail(nic, "%s is a port of %s: take it out first",
				name, name_of(nic, attr_u32(tb[IFLA_MASTER]),
					      text));
	if (has_xdp(tb[IFLA_XDP]))
		return nic_fail(nic, "%s has an XDP program: detach it first",
				name);
	return 0;
}

/* Return: 1 if it belongs to the NIC, 0 if not, -1. */
static int link_take(struct nic *nic, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_MAX + 1];
	struct iface i = { .was = info->ifi_index, .link = nlh };
	char kind[32];

	if (attrs_of(nic, nlh, sizeof(*info), tb, IFLA_MAX) ||
	    attr_string(tb[IFLA_IFNAME], i.name, sizeof(i.name)))
		return -1;
	if (nic->n_ifaces) {
		if (nic_iface(nic, i.was) || tb[IFLA_LINK_NETNSID] ||
		    !nic_iface(nic, attr_u32(tb[IFLA_LINK])))
			return 0;
		i.parent = attr_u32(tb[IFLA_LINK]);
		if (kind_of(nic, tb[IFLA_LINKINFO], kind, sizeof(kind)))
			return -1;
		if (strcmp(kind, "vlan"))
			return nic_fail(nic, "%s lies on %s, and only VLANs can be moved, no %s",
					i.name,
					nic_iface(nic, i.parent)->name,
					*kind ? kind : "such interface");
	} else if (strcmp(i.name, nic->name)) {
		return 0;
	} else {
		nic->up = info->ifi_flags & IFF_UP;
	}
	if (link_fit(nic, i.name, tb))
		return -1;
	nic->ifaces = xrealloc(nic->ifaces, nic->n_ifaces + 1,
			       sizeof(*nic->ifaces));
	nic->ifaces[nic->n_ifaces++] = i;
	return 1;
}

static int links_save(struct nic *nic)
{
	size_t i, before;
	int ret;

	if (nic_dump(nic, RTM_GETLINK, RTM_NEWLINK, AF_UNSPEC,
		     sizeof(struct ifinfomsg), &nic->links))
		return -1;
	/* Until a round finds nothing more that lies on what is known. */
	do {
		before = nic->n_ifaces;
		for (i = 0; i < nic->links.n; i++) {
			ret = link_take(nic, nic->links.list[i]);
			if (ret < 0)
				return -1;
			if (ret && !before)
				break;
		}
	} while (nic->n_ifaces > before);
	return nic->n_ifaces ? 0 : nic_fail(nic, "%s has just gone", nic->name);
}

/* sysfs names what rtnetlink's IFLA_LINK does not, vxlan for one. */
static int uppers_fit(struct nic *nic, const struct iface *i)
{
	char path[64];
	struct dirent *d;
	uint32_t index;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/class/net/%s", i->name);
	dir = opendir(path);
	if (!dir)
		return nic_fail(nic, "%s has just gone", i->name);
	while ((d = readdir(dir))) {
		if (strncmp(d->d_name, "upper_", 6))
			continue;
		index = if_nametoindex(d->d_name + 6);
		if (!nic_iface(nic, index)) {
			nic_fail(nic, "%s lies on %s, and only VLANs can be moved",
				 d->d_name + 6, i->name);
			break;
		}
	}
	closedir(dir);
	return d ? -1 : 0;
}

static void settings_save(struct iface *i, const char *where)
{
	char text[FACTS_TEXT_MAX], path[128];
	struct setting *s;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", where, i->name);
	dir = opendir(path);
	/* No IPv6, for one */
	if (!dir)
		return;
	while ((d = readdir(dir))) {
		/* stable_secret cannot be read until it is set. */
		if (d->d_name[0] == '.' ||
		    facts_read_text(text, sizeof(text), "%s/%s", path,
				    d->d_name))
			continue;
		i->settings = xrealloc(i->settings, i->n_settings + 1,
				       sizeof(*i->settings));
		s = &i->settings[i->n_settings++];
		s->dir = where;
		s->file = xrealloc(NULL, strlen(d->d_name) + 1, 1);
		strcpy(s->file, d->d_name);
		s->value = xrealloc(NULL, strlen(text) + 1, 1);
		strcpy(s->value, text);
	}
	closedir(dir);
}

/* what cannot be moved */

static int qdiscs_fit(struct nic *nic)
{
	const struct nlattr *tb[TCA_KIND + 1];
	struct messages all = {};
	const struct tcmsg *tc;
	char kind[32] = "";
	size_t i;
	int ret;

	ret = nic_dump(nic, RTM_GETQDISC, RTM_NEWQDISC, AF_UNSPEC, sizeof(*tc),
		       &all);
	for (i = 0; !ret && i < all.n; i++) {
		tc = mnl_nlmsg_get_payload(all.list[i]);
		/* The one that the kernel chose itself has no handle. */
		if (!nic_iface(nic, tc->tcm_ifindex) || !tc->tcm_handle)
			continue;
		ret = attrs_of(nic, all.list[i], sizeof(*tc), tb, TCA_KIND);
		if (!ret && !attr_string(tb[TCA_KIND], kind, sizeof(kind)))
			ret = nic_fail(nic, "%s has qdisc %s: remove it first",
				       nic_iface(nic, tc->tcm_ifindex)->name,
				       kind);
	}
	messages_free(&all);
	return ret;
}

static int nexthops_fit(struct nic *nic)
{
	const struct nlattr *tb[NHA_OIF + 1];
	struct messages all = {};
	const struct iface *on;
	size_t i;
	int ret;

	ret = nic_dump(nic, RTM_GETNEXTHOP, RTM_NEWNEXTHOP, AF_UNSPEC,
		       sizeof(struct nhmsg), &all);
	for (i = 0; !ret && i < all.n; i++) {
		ret = attrs_of(nic, all.list[i], sizeof(struct nhmsg), tb,
			       NHA_OIF);
		on = ret ? NULL : nic_iface(nic, attr_u32(tb[NHA_OIF]));
		if (on)
			ret = nic_fail(nic, "nexthop object %u is on %s: remove it first",
				       attr_u32(tb[NHA_ID]), on->name);
	}
	messages_free(&all);
	return ret;
}

/* addresses, routes, neighbours */

/* Return: 1 to keep it, 0 not to, -1. */
static int addr_keep(struct nic *nic, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_PROTO + 1];

	if (!nic_iface(nic, ifa->ifa_index))
		return 0;
	if (attrs_of(nic, nlh, sizeof(*ifa), tb, IFA_PROTO))
		return -1;
	if (ifa->ifa_family != AF_INET6)
		return 1;
	/* Of IPv4 the same bit says that the address is a secondary one. */
	return !(ifa->ifa_flags & IFA_F_TEMPORARY) &&
	       attr_u32(tb[IFA_PROTO]) != IFAPROT_KERNEL_LL;
}

/* Is an attribute of a route one of the addresses? */
static bool is_ours(struct nic *nic, int family, const struct nlattr *attr)
{
	const struct nlattr *tb[IFA_LOCAL + 1], *addr;
	const struct ifaddrmsg *ifa;
	uint16_t len = mnl_attr_get_payload_len(attr);
	size_t i;

	for (i = 0; i < nic->addrs.n; i++) {
		ifa = mnl_nlmsg_get_payload(nic->addrs.list[i]);
		if (ifa->ifa_family != family ||
		    attrs_of(nic, nic->addrs.list[i], sizeof(*ifa), tb,
			     IFA_LOCAL))
			continue;
		addr = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
		if (addr && mnl_attr_get_payload_len(addr) == len &&
		    !memcmp(mnl_attr_get_payload(addr),
			    mnl_attr_get_payload(attr), len))
			return true;
	}
	return false;
}

/**
 * nic_hop() - walk the hops of a route
 * @attr: RTA_MULTIPATH
 * @at: where to look, 0 at first; gets where the next one is
 *
 * Return: a hop, or NULL if there is no more.
 */
struct rtnexthop *nic_hop(const struct nlattr *attr, size_t *at)
{
	size_t len = mnl_attr_get_payload_len(attr);
	struct rtnexthop *hop;

	hop = (struct rtnexthop *)((char *)mnl_attr_get_payload(attr) + *at);
	if (*at + sizeof(*hop) > len || hop->rtnh_len < sizeof(*hop) ||
	    *at + hop->rtnh_len > len)
		return NULL;
	*at += MNL_ALIGN((size_t)hop->rtnh_len);
	return hop;
}

/*
 * A hop whose interface is down is dead, and cannot be set so.
 * Return: 1 if a hop is ours, 0 if none, -1.
 */
static int multipath_ours(struct nic *nic, const struct nlattr *attr)
{
	const struct rtnexthop *hop;
	const struct iface *i;
	size_t at = 0;
	int ret = 0;

	while ((hop = nic_hop(attr, &at))) {
		i = nic_iface(nic, hop->rtnh_ifindex);
		if (!i)
			continue;
		ret = 1;
		if (!iface_up(i))
			return nic_fail(nic, "%s is down, and a route over it has other hops, too",
					i->name);
	}
	return ret;
}

static int route_keep(struct nic *nic, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_NH_ID + 1];
	int ret;

	if ((rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    rtm->rtm_flags & RTM_F_CLONED ||
	    rtm->rtm_protocol == RTPROT_KERNEL ||
	    rtm->rtm_protocol == RTPROT_REDIRECT ||
	    rtm->rtm_protocol == RTPROT_RA)
		return 0;
	if (attrs_of(nic, nlh, sizeof(*rtm), tb, RTA_NH_ID))
		return -1;
	if (nic_iface(nic, attr_u32(tb[RTA_OIF])))
		return 1;
	ret = tb[RTA_MULTIPATH] ? multipath_ours(nic, tb[RTA_MULTIPATH]) : 0;
	if (ret)
		return ret;
	/* An address takes routes of others with it that send from it. */
	return tb[RTA_PREFSRC] && is_ours(nic, rtm->rtm_family, tb[RTA_PREFSRC]);
}

static int neigh_keep(struct nic *nic, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	return (ndm->ndm_family == AF_INET || ndm->ndm_family == AF_INET6) &&
	       nic_iface(nic, ndm->ndm_ifindex) &&
	       (ndm->ndm_state & NUD_PERMANENT || ndm->ndm_flags & NTF_PROXY);
}

/* What is not kept leaves no hole; after an error nothing is lost either. */
static int sift(struct nic *nic, struct messages *all,
		int (*keep)(struct nic *nic, const struct nlmsghdr *nlh))
{
	size_t i, n = 0;
	int ret = 0;

	for (i = 0; i < all->n; i++) {
		if (ret >= 0)
			ret = keep(nic, all->list[i]);
		if (ret)
			all->list[n++] = all->list[i];
		else
			free(all->list[i]);
	}
	all->n = n;
	return ret < 0 ? -1 : 0;
}

static int proxies_dump(struct nic *nic)
{
	char buf[128] __aligned(NLMSG_ALIGNTO) = "";
	struct gather g = { .all = &nic->neighs, .head = sizeof(struct ndmsg) };
	struct genl_reply r = {
		.type = RTM_NEWNEIGH, .rtnl = true, .fn = gather, .data = &g,
	};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;
	int ret;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_flags = NTF_PROXY;
	ret = genl_talk(&nic->rtnl, nlh, &r);
	return ret ? nic_fail(nic, "cannot read proxies: %s", strerror(-ret)) :
		     0;
}

/**
 * nic_save() - keep all that goes with the interface
 * @nic: the NIC, after nic_open(); gets it
 *
 * Return: 0 or -1, also if there is something that cannot be moved.
 */
int nic_save(struct nic *nic)
{
	size_t i, k;

	if (nic_rtnl_open(nic) || links_save(nic))
		return -1;
	for (i = 0; i < nic->n_ifaces; i++) {
		if (uppers_fit(nic, &nic->ifaces[i]))
			return -1;
		for (k = 0; k < ARRAY_SIZE(setting_dirs); k++)
			settings_save(&nic->ifaces[i], setting_dirs[k]);
	}
	if (qdiscs_fit(nic) || nexthops_fit(nic) ||
	    nic_dump(nic, RTM_GETADDR, RTM_NEWADDR, AF_UNSPEC,
		     sizeof(struct ifaddrmsg), &nic->addrs) ||
	    sift(nic, &nic->addrs, addr_keep) ||
	    nic_dump(nic, RTM_GETROUTE, RTM_NEWROUTE, AF_UNSPEC,
		     sizeof(struct rtmsg), &nic->routes) ||
	    sift(nic, &nic->routes, route_keep) ||
	    nic_dump(nic, RTM_GETNEIGH, RTM_NEWNEIGH, AF_UNSPEC,
		     sizeof(struct ndmsg), &nic->neighs) ||
	    proxies_dump(nic))
		return -1;
	return sift(nic, &nic->neighs, neigh_keep);
}
