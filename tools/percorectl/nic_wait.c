// SPDX-License-Identifier: GPL-2.0
/*
 * Does a NIC work: its link, and peers that answer an ICMP echo request
 *
 * A peer has to be reached over the NIC or a VLAN on it, or its answer would
 * say nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#include "nic.h"

/* The first request of a new interface is often lost to ARP. */
#define ASK_EVERY_MS	200
#define POLL_MS		20

/* Before the move a peer answers at once, or is not there. */
#define CHECK_MS	3000

/**
 * now_ms() - a clock that nobody sets
 *
 * Return: milliseconds.
 */
uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/**
 * nap_ms() - sleep
 * @ms: how long
 */
void nap_ms(unsigned int ms)
{
	poll(NULL, 0, ms);
}

/**
 * union peer - an address of a peer
 * @any: its family
 * @in: IPv4
 * @in6: IPv6; of a link-local address with the interface
 */
union peer {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Address, of IPv6 perhaps with %interface. Return: 0 or a negative errno. */
static int peer_parse(const char *text, union peer *peer, const char **zone)
{
	char buf[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "%");

	*peer = (union peer){};
	*zone = text[len] ? text + len + 1 : NULL;
	if (len >= sizeof(buf) || (*zone && !**zone))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (!*zone && inet_pton(AF_INET, buf, &peer->in.sin_addr) == 1) {
		peer->any.sa_family = AF_INET;
		return 0;
	}
	if (inet_pton(AF_INET6, buf, &peer->in6.sin6_addr) != 1 ||
	    IN6_IS_ADDR_LINKLOCAL(&peer->in6.sin6_addr) != !!*zone)
		return -EINVAL;
	peer->any.sa_family = AF_INET6;
	return 0;
}

/**
 * peer_valid() - is this an address that can be asked?
 * @text: from the command line
 *
 * Return: true if it is.
 */
bool peer_valid(const char *text)
{
	union peer peer;
	const char *zone;

	return !peer_parse(text, &peer, &zone);
}

/* With the interface's index of now. Return: 0 or a negative errno. */
static int peer_get(const char *text, union peer *peer)
{
	const char *zone;
	int ret = peer_parse(text, peer, &zone);

	if (ret || !zone)
		return ret;
	peer->in6.sin6_scope_id = if_nametoindex(zone);
	return peer->in6.sin6_scope_id ? 0 : -ENODEV;
}

static int oif_take(const void *payload, size_t len, void *data)
{
	const struct nlattr *tb[RTA_OIF + 1];
	const struct rtmsg *rtm = payload;
	struct val oif = {};

	if (len < sizeof(*rtm) ||
	    attr_table(rtm + 1, len - sizeof(*rtm), tb, RTA_OIF) ||
	    attr_val(tb[RTA_OIF], &oif))
		return -EBADMSG;
	*(uint32_t *)data = oif.n;
	return 0;
}

static int peer_oif(struct nic *nic, const union peer *peer, uint32_t *oif)
{
	char buf[128] __aligned(NLMSG_ALIGNTO) = "";
	struct genl_reply r = {
		.type = RTM_NEWROUTE, .rtnl = true, .fn = oif_take, .data = oif,
	};
	bool v4 = peer->any.sa_family == AF_INET;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = peer->any.sa_family;
	rtm->rtm_dst_len = v4 ? 32 : 128;
	if (v4)
		mnl_attr_put(nlh, RTA_DST, sizeof(peer->in.sin_addr),
			     &peer->in.sin_addr);
	else
		mnl_attr_put(nlh, RTA_DST, sizeof(peer->in6.sin6_addr),
			     &peer->in6.sin6_addr);
	if (!v4 && peer->in6.sin6_scope_id)
		mnl_attr_put_u32(nlh, RTA_OIF, peer->in6.sin6_scope_id);
	*oif = 0;
	return genl_talk(&nic->rtnl, nlh, &r);
}

/* The kernel computes the checksum of ICMPv6. */
static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *word++;
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

/* Of both families an echo message has this shape. */
static void ask(int fd, const union peer *peer, uint16_t seq)
{
	struct icmphdr echo = {
		.type = ICMP_ECHO,
		.un.echo = { .id = htons(getpid()), .sequence = htons(seq) },
	};
	bool v4 = peer->any.sa_family == AF_INET;

	if (v4)
		echo.checksum = checksum(&echo, sizeof(echo));
	else
		echo.type = ICMP6_ECHO_REQUEST;
	/* What cannot be sent now will be, when the address may be used. */
	if (sendto(fd, &echo, sizeof(echo), MSG_DONTWAIT, &peer->any,
		   v4 ? sizeof(peer->in) : sizeof(peer->in6)) < 0)
		return;
}

static bool from_peer(const union peer *from, const union peer *peer)
{
	if (peer->any.sa_family == AF_INET)
		return from->in.sin_addr.s_addr == peer->in.sin_addr.s_addr;
	return !memcmp(&from->in6.sin6_addr, &peer->in6.sin6_addr,
		       sizeof(peer->in6.sin6_addr));
}

/* Reads all that has come. Return: true if an answer of the peer was in it. */
static bool answered(int fd, const union peer *peer)
{
	bool v4 = peer->any.sa_family == AF_INET;
	const struct icmphdr *echo;
	const struct iphdr *ip;
	char buf[2048] __aligned(8);
	union peer from;
	socklen_t from_len = sizeof(from);
	size_t skip;
	ssize_t len;

	while ((len = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, &from.any,
			       &from_len)) >= 0) {
		ip = (const struct iphdr *)buf;
		skip = v4 ? ip->ihl * 4 : 0;
		from_len = sizeof(from);
		if ((size_t)len < skip + sizeof(*echo))
			continue;
		echo = (const struct icmphdr *)(buf + skip);
		if (echo->type == (v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
		    echo->un.echo.id == htons(getpid()) &&
		    from_peer(&from, peer))
			return true;
	}
	return false;
}

/* Return: true if the peer answered before the deadline. */
static bool peer_answers(struct nic *nic, const char *text,
			 uint64_t deadline_ms)
{
	struct pollfd pfd = { .fd = -1, .events = POLLIN };
	union peer peer;
	uint16_t seq = 0;
	bool good = false;

	do {
		/* Its interface may be yet to come. */
		if (peer_get(text, &peer)) {
			nap_ms(ASK_EVERY_MS);
			continue;
		}
		if (pfd.fd < 0)
			pfd.fd = socket(peer.any.sa_family, SOCK_RAW | SOCK_CLOEXEC,
					peer.any.sa_family == AF_INET ?
					(int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
		if (pfd.fd < 0)
			return false;
		ask(pfd.fd, &peer, seq++);
		poll(&pfd, 1, ASK_EVERY_MS);
		good = answered(pfd.fd, &peer);
	} while (!good && !nic_gone(nic) && now_ms() < deadline_ms);
	if (pfd.fd >= 0)
		close(pfd.fd);
	return good;
}

/**
 * nic_peers_check() - do the peers answer over the NIC, before the move?
 * @nic: the NIC, after nic_save()
 *
 * Return: 0 or -1.
 */
int nic_peers_check(struct nic *nic)
{
	char name[IF_NAMESIZE];
	union peer peer;
	uint32_t oif;
	size_t i;
	int ret;

	if (nic->n_peers && !nic->up)
		return nic_fail(nic, "%s is down, so no peer can answer",
				nic->name);
	for (i = 0; i < nic->n_peers; i++) {
		ret = peer_get(nic->peers[i], &peer);
		if (!ret)
			ret = peer_oif(nic, &peer, &oif);
		if (ret)
			return nic_fail(nic, "no way to peer %s: %s",
					nic->peers[i], strerror(-ret));
		if (!nic_iface(nic, oif))
			return nic_fail(nic, "the way to peer %s is not over %s but %s",
					nic->peers[i], nic->name,
					if_indextoname(oif, name) ? name : "?");
		if (!peer_answers(nic, nic->peers[i], now_ms() + CHECK_MS))
			return nic_fail(nic, "peer %s does not answer as it is",
					nic->peers[i]);
	}
	return 0;
}

/* A link of its own, or that of what it lies on */
static bool has_link(const struct iface *i)
{
	char text[16];

	return !facts_read_text(text, sizeof(text), "/sys/class/net/%s/carrier",
				i->name) && text[0] == '1';
}

/**
 * nic_link_wait() - wait until all that had a link has one
 * @nic: the NIC
 * @deadline_ms: of now_ms()
 *
 * Return: 0 or -1.
 */
int nic_link_wait(struct nic *nic, uint64_t deadline_ms)
{
	const struct ifinfomsg *was;
	const struct iface *i;

	for (i = nic->ifaces; i < nic->ifaces + nic->n_ifaces; i++) {
		was = mnl_nlmsg_get_payload(i->link);
		if (!(was->ifi_flags & IFF_RUNNING))
			continue;
		while (!has_link(i)) {
			if (nic_gone(nic) || now_ms() >= deadline_ms)
				return nic_fail(nic, "%s got no link in time",
						i->name);
			nap_ms(POLL_MS);
		}
	}
	return 0;
}

/**
 * nic_peers_wait() - wait until every peer has answered
 * @nic: the NIC
 * @deadline_ms: of now_ms()
 *
 * Return: 0 or -1.
 */
int nic_peers_wait(struct nic *nic, uint64_t deadline_ms)
{
	size_t i;

	for (i = 0; i < nic->n_peers; i++)
		if (!peer_answers(nic, nic->peers[i], deadline_ms))
			return nic_fail(nic, "peer %s did not answer in time",
					nic->peers[i]);
	return 0;
}
