// SPDX-License-Identifier: GPL-2.0
/*
 * lib_raw.c - crafted SYNs, and SYN-ACKs as they go over loopback
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>

#include "parity.h"

/* A packet socket on lo that sees what is sent from now on */
int sniff_open(enum family f)
{
	int proto = f == V6 ? ETH_P_IPV6 : ETH_P_IP;
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(proto),
		.sll_ifindex = if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (void *)&ll, sizeof(ll)))
		die("packet socket");
	return fd;
}

/* Options but the timestamps' values, which are random */
static int describe_options(const struct tcphdr *th, char *buf, size_t len)
{
	const unsigned char *o = (const void *)(th + 1);
	const unsigned char *end = (const unsigned char *)th + th->doff * 4;
	int n = 0;

	while (o < end && *o) {
		if (*o == TCPOPT_NOP) {
			n += snprintf(buf + n, len - n, " nop");
			o++;
			continue;
		}
		if (o + 1 >= end || o[1] < 2)
			break;
		if (*o == TCPOPT_MAXSEG)
			n += snprintf(buf + n, len - n, " mss=%d",
				      o[2] << 8 | o[3]);
		else if (*o == TCPOPT_WINDOW)
			n += snprintf(buf + n, len - n, " wscale=%d", o[2]);
		else
			n += snprintf(buf + n, len - n, " opt%d/%d", *o, o[1]);
		o += o[1];
	}
	return n;
}

static int describe_tcp(const struct tcphdr *th, char *buf, size_t len)
{
	int n = snprintf(buf, len, " syn=%d ack=%d ece=%d cwr=%d win=%d",
			 th->syn, th->ack, th->res2 & 1, th->res2 >> 1,
			 ntohs(th->window));

	return n + describe_options(th, buf + n, len - n);
}

/* The fields of a SYN or a SYN-ACK that do not change from run to run */
int describe_syn(const unsigned char *pkt, int len, char *buf, size_t size)
{
	const struct ip6_hdr *h6 = (const void *)pkt;
	const struct iphdr *h4 = (const void *)pkt;
	int n;

	if (len >= (int)(sizeof(*h4) + sizeof(struct tcphdr)) &&
	    h4->version == 4) {
		n = snprintf(buf, size, "v4 tos=%d ttl=%d df=%d len=%d",
			     h4->tos, h4->ttl, !!(h4->frag_off & htons(IP_DF)),
			     ntohs(h4->tot_len));
		return n + describe_tcp((const void *)(pkt + h4->ihl * 4),
					buf + n, size - n);
	}
	if (len >= (int)(sizeof(*h6) + sizeof(struct tcphdr)) &&
	    h4->version == 6) {
		n = snprintf(buf, size, "v6 tclass=%d hops=%d len=%d",
			     ntohl(h6->ip6_flow) >> 20 & 255, h6->ip6_hlim,
			     ntohs(h6->ip6_plen));
		return n + describe_tcp((const void *)(h6 + 1), buf + n,
					size - n);
	}
	return snprintf(buf, size, "%d bytes", len);
}

/* The next SYN-ACK from port @sport; false if there is none */
int sniff_synack(int sniffer, enum family f, int sport, char *buf, size_t len)
{
	size_t header = f == V6 ? sizeof(struct ip6_hdr) :
		sizeof(struct iphdr);
	struct sockaddr_ll from;
	unsigned char pkt[2048];
	const struct tcphdr *th = (const void *)(pkt + header);
	socklen_t flen;
	ssize_t n;

	while (poll_mask(sniffer, POLLIN, 1000)) {
		flen = sizeof(from);
		n = recvfrom(sniffer, pkt, sizeof(pkt), 0, (void *)&from,
			     &flen);
		if (n < (ssize_t)(header + sizeof(*th)) ||
		    from.sll_pkttype == PACKET_OUTGOING ||
		    pkt[f == V6 ? 6 : 9] != IPPROTO_TCP ||
		    !th->syn || !th->ack || ntohs(th->source) != sport)
			continue;
		describe_syn(pkt, n, buf, len);
		return true;
	}
	snprintf(buf, len, "none");
	return false;
}

struct request {
	struct nlmsghdr nh;
	union {
		struct ifaddrmsg ifa;
		struct rtmsg rtm;
	};
	char attrs[64];
};

static void add_attr(struct request *req, int type, const void *data, int len)
{
	struct rtattr *a = (void *)((char *)req + NLMSG_ALIGN(req->nh.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	req->nh.nlmsg_len = NLMSG_ALIGN(req->nh.nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static void talk(struct request *req)
{
	struct { struct nlmsghdr nh; struct nlmsgerr err; char pad[128]; } ack;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	req->nh.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
	if (fd < 0 || send(fd, req, req->nh.nlmsg_len, 0) < 0 ||
	    recv(fd, &ack, sizeof(ack), 0) < (ssize_t)NLMSG_LENGTH(4))
		die("rtnetlink");
	close(fd);
	errno = -ack.err.error;
	if (errno && errno != EEXIST)
		die("rtnetlink");
}

/*
 * An IPv6 address is reached some time after it was given, by way of a work
 * queue: until then what is sent there finds no route, and then nobody listens.
 */
static void wait_reached(int family, const void *bin)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = 9 };
	int i;

	memcpy(&a6.sin6_addr, bin, 16);
	for (i = 0; family == AF_INET6 && i < WAIT_MS; i++) {
		int fd = socket(AF_INET6, SOCK_STREAM, 0);
		bool refused = connect(fd, (void *)&a6, sizeof(a6)) &&
			       errno == ECONNREFUSED;

		close(fd);
		if (refused)
			break;
		sleep_ms(1);
	}
}

/* Gives lo the IPv4 or IPv6 address @addr */
void lo_addr(const char *addr)
{
	int family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	struct request req = {
		.nh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			.nlmsg_type = RTM_NEWADDR,
		},
		.ifa = {
			.ifa_family = family,
			.ifa_prefixlen = family == AF_INET ? 32 : 128,
			.ifa_index = if_nametoindex("lo"),
			.ifa_flags = IFA_F_NODAD,
		},
	};
	unsigned char bin[16];
	int len = family == AF_INET ? 4 : 16;

	inet_pton(family, addr, bin);
	add_attr(&req, IFA_LOCAL, bin, len);
	add_attr(&req, IFA_ADDRESS, bin, len);
	talk(&req);
	wait_reached(family, bin);
}

/*
 * Routes an IPv4 /24 to lo. Local: every address of it is our own. Otherwise
 * what is sent there comes back and is dropped, as if it were lost.
 */
void lo_route(const char *net, bool local)
{
	struct request req = {
		.nh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			.nlmsg_type = RTM_NEWROUTE,
		},
		.rtm = {
			.rtm_family = AF_INET,
			.rtm_dst_len = 24,
			.rtm_table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
			.rtm_protocol = RTPROT_STATIC,
			.rtm_scope = local ? RT_SCOPE_HOST : RT_SCOPE_LINK,
			.rtm_type = local ? RTN_LOCAL : RTN_UNICAST,
		},
	};
	int oif = if_nametoindex("lo");
	struct in_addr a;

	inet_pton(AF_INET, net, &a);
	add_attr(&req, RTA_DST, &a, sizeof(a));
	add_attr(&req, RTA_OIF, &oif, sizeof(oif));
	talk(&req);
}

static uint16_t checksum(const void *data, int len, uint32_t sum)
{
	const uint16_t *p = data;

	for (; len > 1; len -= 2)
		sum += *p++;
	if (len)
		sum += *(const uint8_t *)p;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* A SYN, with payload if any, from any source address, handled on @cpu */
void raw_syn(const char *src, int sport, const char *dst, int dport, int cpu,
	     const void *payload, int len)
{
	struct {
		struct iphdr ip;
		struct tcphdr th;
		unsigned char opt[8];
		char data[64];
	} pkt = { .opt = { TCPOPT_MAXSEG, 4, 1000 >> 8, 1000 & 255,
			   34, 2, TCPOPT_NOP, TCPOPT_NOP } };
	struct sockaddr_in to = { .sin_family = AF_INET };
	int tlen = sizeof(pkt.th) + sizeof(pkt.opt) + len;
	struct { uint32_t s, d; uint16_t proto, len; } pseudo;
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	pkt.ip = (struct iphdr) {
		.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
		.saddr = inet_addr(src), .daddr = inet_addr(dst),
		.tot_len = htons(sizeof(pkt.ip) + tlen),
	};
	pkt.th = (struct tcphdr) {
		.source = htons(sport), .dest = htons(dport), .syn = 1,
		.seq = htonl(1000), .window = htons(8192), .doff = 7,
	};
	memcpy(pkt.data, payload, len);
	pseudo.s = pkt.ip.saddr;
	pseudo.d = pkt.ip.daddr;
	pseudo.proto = htons(IPPROTO_TCP);
	pseudo.len = htons(tlen);
	pkt.th.check = checksum(&pkt.th, tlen,
				(uint16_t)~checksum(&pseudo, 12, 0));
	to.sin_addr.s_addr = pkt.ip.daddr;
	pin(cpu);
	if (fd < 0 || sendto(fd, &pkt, sizeof(pkt.ip) + tlen, 0, (void *)&to,
			     sizeof(to)) < 0)
		die("raw SYN");
	close(fd);
}
