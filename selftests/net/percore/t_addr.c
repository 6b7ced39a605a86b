// SPDX-License-Identifier: GPL-2.0
/*
 * t_addr.c - where a listener listens: families, devices, addresses that are
 * not there or are not ours
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

/* By any address, v4 or v6, from a CPU */
static int dial_to(const char *to, int port, int cpu)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	bool v6 = strchr(to, ':');
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	a4.sin_port = a6.sin6_port = htons(port);
	inet_pton(v6 ? AF_INET6 : AF_INET, to,
		  v6 ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr);
	pin(cpu);
	if (!connect(fd, v6 ? (void *)&a6 : (void *)&a4,
		     v6 ? sizeof(a6) : sizeof(a4)))
		return fd;
	close(fd);
	return -1;
}

static int listen_at(const char *at, int port, int level, int opt)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	bool v6 = strchr(at, ':');
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (opt)
		sayr("option", set_int(fd, level, opt, 1));
	a4.sin_port = a6.sin6_port = htons(port);
	inet_pton(v6 ? AF_INET6 : AF_INET, at,
		  v6 ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr);
	sayr("bind", bind(fd, v6 ? (void *)&a6 : (void *)&a4,
			  v6 ? sizeof(a6) : sizeof(a4)));
	sayr("listen", listen(fd, 64));
	return fd;
}

/* Connects from each CPU; the child's own address and whether bytes go */
static void try_all(const char *key, int lfd, const char *to, int port)
{
	struct sockaddr_in6 a6;
	struct sockaddr_in *a4 = (void *)&a6;
	char text[64];
	socklen_t len;
	int cpu, fd, kid;

	for (cpu = 0; cpu < ncpu; cpu++) {
		fd = dial_to(to, port, cpu);
		if (fd < 0) {
			say(key, "%s: %s", to, res(-1));
			continue;
		}
		kid = take(lfd);
		len = sizeof(a6);
		getsockname(kid, (void *)&a6, &len);
		inet_ntop(a6.sin6_family, a6.sin6_family == AF_INET ?
			  (void *)&a4->sin_addr : (void *)&a6.sin6_addr, text,
			  sizeof(text));
		say(key, "%s: child at %s works %d domain %d", to, text,
		    ping_pong(fd, kid), get_int(kid, SOL_SOCKET, SO_DOMAIN));
		close(fd);
		close(kid);
	}
}

/* One socket for both families; v4 children have mapped addresses */
void addr_dual_stack(void)
{
	int port = next_port(), lfd;

	lfd = listen_at("::", port, 0, 0);
	say("v6only", "%d", get_int(lfd, IPPROTO_IPV6, IPV6_V6ONLY));
	try_all("dual", lfd, "127.0.0.1", port);
	try_all("dual", lfd, "::1", port);
	try_all("dual", lfd, "::ffff:127.0.0.1", port);
	try_all("dual", lfd, "127.0.0.7", port);
	sayr("v6only_late", set_int(lfd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	check_sharded(lfd);
	close(lfd);
	port = next_port();
	lfd = listen_at("::ffff:127.0.0.1", port, 0, 0);
	try_all("mapped", lfd, "127.0.0.1", port);
	try_all("mapped", lfd, "::1", port);
	check_sharded(lfd);
	close(lfd);
}

/* A v6-only socket beside a v4 one, on the same port */
void addr_v6only_pair(void)
{
	int port = next_port(), lfd4, lfd6;

	lfd6 = listen_at("::", port, IPPROTO_IPV6, IPV6_V6ONLY);
	try_all("v6_alone", lfd6, "127.0.0.1", port);
	lfd4 = listen_at("0.0.0.0", port, 0, 0);
	try_all("v4", lfd4, "127.0.0.1", port);
	try_all("v6", lfd6, "::1", port);
	check_sharded(lfd4);
	check_sharded(lfd6);
	close(lfd4);
	try_all("v4_closed", lfd6, "127.0.0.1", port);
	try_all("v4_closed", lfd6, "::1", port);
	close(lfd6);
}

static int bind_device(int fd, const char *name)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name));
}

/* Bound to a device before and after listen(), to a wrong one, to none */
void addr_device(void)
{
	static const char *const to[] = { "127.0.0.1", "::1" };
	static const char *const at[] = { "0.0.0.0", "::" };
	char out[256];
	int i, port, lfd;

	if (tool(out, sizeof(out), "ip link add other type dummy 2>&1 || "
		 "ip link add other type veth 2>&1"))
		skip("no second device: %s", strtok(out, "\n"));
	for (i = 0; i < 2; i++) {
		port = next_port();
		lfd = listen_at(at[i], port, 0, 0);
		try_all("unbound", lfd, to[i], port);
		sayr("to_lo", bind_device(lfd, "lo"));
		try_all("lo", lfd, to[i], port);
		sayr("to_other", bind_device(lfd, "other"));
		try_all("other", lfd, to[i], port);
		sayr("to_nothing", bind_device(lfd, "nothing"));
		sayr("to_all", bind_device(lfd, ""));
		try_all("all", lfd, to[i], port);
		check_sharded(lfd);
		close(lfd);
	}
}

/* A more special listener takes what the general one would have got */
void addr_more_special(void)
{
	int port = next_port(), lfd[2];

	lfd[0] = listen_at("0.0.0.0", port, SOL_SOCKET, SO_REUSEPORT);
	try_all("general", lfd[0], "127.0.0.1", port);
	lfd[1] = listen_at("127.0.0.1", port, SOL_SOCKET, SO_REUSEPORT);
	try_all("special", lfd[1], "127.0.0.1", port);
	try_all("general", lfd[0], "127.0.0.2", port);
	check_sharded(lfd[0]);
	check_sharded(lfd[1]);
	close(lfd[1]);
	try_all("general", lfd[0], "127.0.0.1", port);
	close(lfd[0]);
}

/* An address that comes only later */
void addr_freebind(void)
{
	int port = next_port(), lfd;

	lfd = listen_at("192.0.2.9", port, 0, 0);
	close(lfd);
	lfd = listen_at("192.0.2.9", port, IPPROTO_IP, IP_FREEBIND);
	lo_addr("192.0.2.9");
	try_all("v4", lfd, "192.0.2.9", port);
	check_sharded(lfd);
	close(lfd);
	port = next_port();
	lfd = listen_at("2001:db8::9", port, IPPROTO_IPV6, IPV6_FREEBIND);
	lo_addr("2001:db8::9");
	try_all("v6", lfd, "2001:db8::9", port);
	check_sharded(lfd);
	close(lfd);
}

/* Any address of a network that is routed here */
void addr_transparent(void)
{
	int port = next_port(), lfd;

	lo_route("198.51.100.0", true);
	lfd = listen_at("0.0.0.0", port, IPPROTO_IP, IP_TRANSPARENT);
	try_all("any", lfd, "198.51.100.7", port);
	try_all("any", lfd, "198.51.100.8", port);
	check_sharded(lfd);
	close(lfd);
	port = next_port();
	lfd = listen_at("203.0.113.5", port, IPPROTO_IP, IP_TRANSPARENT);
	lo_route("203.0.113.0", true);
	try_all("foreign", lfd, "203.0.113.5", port);
	try_all("foreign", lfd, "203.0.113.6", port);
	check_sharded(lfd);
	close(lfd);
}

/* IP options of a SYN come back in the answer */
void addr_ip_options(void)
{
	/* NOP, record route with room for two addresses */
	unsigned char rr[12] = { 1, 7, 11, 4 }, got[64];
	struct sockaddr_storage ss;
	int cpu, fd, kid, port = next_port(), lfd;
	socklen_t len;

	lfd = listener(V4, port, 64);
	for (cpu = 0; cpu < 2 * ncpu; cpu++) {
		fd = tcp(V4, 0);
		if (cpu >= ncpu)
			sayr("options", setsockopt(fd, IPPROTO_IP, IP_OPTIONS,
						   rr, sizeof(rr)));
		pin(cpu % ncpu);
		len = address(V4, port, false, &ss);
		sayr("connect", connect(fd, (void *)&ss, len));
		kid = take(lfd);
		len = sizeof(got);
		getsockopt(kid, IPPROTO_IP, IP_OPTIONS, got, &len);
		say("child", "%d bytes works %d", len, ping_pong(fd, kid));
		close(fd);
		close(kid);
	}
	check_sharded(lfd);
	close(lfd);
}
