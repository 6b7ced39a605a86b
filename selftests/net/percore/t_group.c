// SPDX-License-Identifier: GPL-2.0
/*
 * t_group.c - SO_REUSEPORT groups: a program or the CPU chooses the listener,
 * and what happens when one of them ends
 */
#include <linux/filter.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>

#include "parity.h"
#include "cases.h"

enum { MAX_GROUP = 4 };

#define ADD(group, n, f, port) ((group)[n] = member(f, port))

static int member(enum family f, int port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(f, port, true, &ss);
	int fd = tcp(f, 0);

	set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, (void *)&ss, len) || listen(fd, 64))
		die("listen");
	nonblock(fd);
	return fd;
}

/* Chooses by the CPU that handles the SYN, modulo @n */
static int by_cpu(int fd, int n)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF + SKF_AD_CPU },
		{ BPF_ALU | BPF_MOD | BPF_K, 0, 0, n },
		{ BPF_RET | BPF_A, 0, 0, 0 },
	};
	struct sock_fprog prog = { 3, code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
			  sizeof(prog));
}

/* Always the @n'th */
static int always(int fd, int n)
{
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, n } };
	struct sock_fprog prog = { 1, code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog,
			  sizeof(prog));
}

/* Which member holds the connection of this client */
static int holder(const int *group, int n, int client)
{
	struct pollfd p[MAX_GROUP];
	int i, kid, ok;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = group[i], .events = POLLIN };
	if (poll(p, n, WAIT_MS) != 1)
		return -1;
	for (i = 0; i < n; i++) {
		if (!p[i].revents)
			continue;
		kid = take(group[i]);
		ok = peer_port(kid) == local_port(client);
		close(kid);
		return ok ? i : -2;
	}
	return -3;
}

static void check_group(const int *group, int n)
{
	int i;

	for (i = 0; i < n; i++)
		check_sharded(group[i]);
}

void group_cbpf(void)
{
	int group[MAX_GROUP], cpu, fd, i, n, port, round;
	char key[16];

	for_each_family(f)
		for (n = 2; n <= MAX_GROUP; n++) {
			port = next_port();
			for (i = 0; i < n; i++)
				ADD(group, i, f, port);
			sayr("attach", by_cpu(group[0], n));
			snprintf(key, sizeof(key), "of%d", n);
			for (round = 0; round < 2; round++)
				for (cpu = 0; cpu < ncpu; cpu++) {
					fd = dial(f, port, cpu);
					say(key, "cpu%d to %d", cpu,
					    holder(group, n, fd));
					close(fd);
				}
			if (ncpu == 1)
				check_group(group, n);
			close_all(group, n);
		}
}

/* All connections of all CPUs to one member: that one is sharded */
void group_one_chosen(void)
{
	int group[3], cpu, fd, i, k, port;

	for_each_family(f) {
		port = next_port();
		for (i = 0; i < 3; i++)
			ADD(group, i, f, port);
		for (k = 0; k < 3; k++) {
			sayr("attach", always(group[k], k));
			for (cpu = 0; cpu < ncpu; cpu++) {
				fd = dial(f, port, cpu);
				say("to", "%d", holder(group, 3, fd));
				close(fd);
			}
		}
		check_group(group, 3);
		close_all(group, 3);
	}
}

/* SO_INCOMING_CPU of each member: the kernel prefers the one of the CPU */
void group_incoming_cpu(void)
{
	int group[MAX_GROUP], cpu, fd, i, n, port;

	n = ncpu < MAX_GROUP ? ncpu : MAX_GROUP;
	for_each_family(f) {
		port = next_port();
		for (i = 0; i < n; i++) {
			ADD(group, i, f, port);
			set_int(group[i], SOL_SOCKET, SO_INCOMING_CPU, i);
		}
		for (cpu = 0; cpu < n; cpu++)
			for (i = 0; i < 3; i++) {
				fd = dial(f, port, cpu);
				say("cpu", "%d to %d", cpu,
				    holder(group, n, fd));
				close(fd);
			}
		close_all(group, n);
	}
}

/* A member ends: its waiting connections do too, the others' do not */
void group_member_closed(void)
{
	int group[3], fds[3][MAX_CPU], cpu, i, port;

	for_each_family(f) {
		port = next_port();
		for (i = 0; i < 3; i++)
			ADD(group, i, f, port);
		for (i = 0; i < 3; i++) {
			always(group[0], i);
			dial_all(f, port, 1, fds[i]);
		}
		check_group(group, 3);
		close(group[1]);
		settle();
		for (i = 0; i < 3; i++)
			say("established", "%d %d", i,
			    count_state(fds[i], ncpu, "ESTABLISHED"));
		say("accepted", "%d %d", take_all(group[0], ncpu),
		    take_all(group[2], ncpu));
		group[1] = group[2];
		for (i = 0; i < 2; i++) {
			always(group[0], i);
			for (cpu = 0; cpu < ncpu; cpu++) {
				int fd = dial(f, port, cpu);

				say("left", "%d to %d", i,
				    holder(group, 2, fd));
				close(fd);
			}
		}
		for (i = 0; i < 3; i++)
			close_all(fds[i], ncpu);
		close_all(group, 2);
	}
}

/*
 * With tcp_migrate_req what waits at a member that ends moves to another one:
 * complete connections and, here by TCP_DEFER_ACCEPT, half-open ones.
 */
static void migrate(enum family f, bool half_open, bool shut)
{
	long ok = netstat("TcpExt", "TCPMigrateReqSuccess");
	long bad = netstat("TcpExt", "TCPMigrateReqFailure");
	int group[2], fds[MAX_CPU], i, n, kid, port = next_port(), who;

	for (i = 0; i < 2; i++) {
		ADD(group, i, f, port);
		if (half_open)
			set_int(group[i], IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
	}
	always(group[0], 0);
	n = dial_all(f, port, 1, fds);
	settle();
	say("mask", "%s", mask_name(poll_mask(group[0], POLLIN, linger_ms)));
	check_sharded(group[0]);
	if (shut)
		shutdown(group[0], SHUT_RDWR);
	else
		close(group[0]);
	for (i = 0; half_open && i < n; i++) {
		pin((i + 1) % ncpu);
		send(fds[i], "x", 1, MSG_NOSIGNAL);
	}
	settle();
	say("established", "%d", count_state(fds, n, "ESTABLISHED"));
	for (i = 0; i < n; i++) {
		kid = take(group[1]);
		who = port_owner(peer_port(kid), fds, n);
		say("moved", "%s", who >= 0 ? "yes" : "no");
		close(kid);
	}
	say("success", "%ld", netstat("TcpExt", "TCPMigrateReqSuccess") - ok);
	say("failure", "%ld", netstat("TcpExt", "TCPMigrateReqFailure") - bad);
	check_sharded(group[1]);
	close_all(fds, n);
	close_all(shut ? group : group + 1, shut ? 2 : 1);
}

void group_migrate(void)
{
	sysctl_need("net.ipv4.tcp_migrate_req", "1");
	for_each_family(f) {
		migrate(f, false, false);
		migrate(f, false, true);
	}
}

void group_migrate_half_open(void)
{
	sysctl_need("net.ipv4.tcp_migrate_req", "1");
	for_each_family(f) {
		migrate(f, true, false);
		migrate(f, true, true);
	}
}

/* Accepts @want from whichever members have them */
static int take_from(const int *group, int n, int want)
{
	struct pollfd p[MAX_GROUP];
	int i, got = 0;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = group[i], .events = POLLIN };
	while (got < want && poll(p, n, WAIT_MS) > 0)
		for (i = 0; i < n; i++)
			if (p[i].revents)
				got += take_all(group[i], 1);
	return got;
}

/* Listeners that come while the group works, and the last one that goes */
void group_grows(void)
{
	int group[MAX_GROUP], fds[2 * MAX_CPU], i, n, port;

	for_each_family(f) {
		port = next_port();
		for (i = 0; i < MAX_GROUP; i++) {
			ADD(group, i, f, port);
			always(group[0], i);
			n = dial_all(f, port, 2, fds);
			say("of_new", "%d", take_all(group[i], n));
			close_all(fds, n);
		}
		check_group(group, MAX_GROUP);
		for (i = MAX_GROUP; i > 0; i--) {
			always(group[0], 0);
			n = dial_all(f, port, 2, fds);
			say("left", "%d accepted %d", i,
			    take_from(group, i, n));
			close_all(fds, n);
			close(group[i - 1]);
		}
		sayr("connect", dial(f, port, 0));
	}
}
