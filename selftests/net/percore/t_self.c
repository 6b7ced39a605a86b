// SPDX-License-Identifier: GPL-2.0
/*
 * t_self.c - calls on the listening socket itself that have nothing to do
 * with accepting
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "parity.h"
#include "cases.h"

/* Everything that is refused, or not, while connections wait on all CPUs */
void self_calls(void)
{
	int fds[MAX_CPU], n, port, lfd, val;
	struct sockaddr_storage ss;
	socklen_t len;
	struct stat st;
	char c;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 1, fds);
		sayr("FIONREAD", ioctl(lfd, FIONREAD, &val));
		sayr("SIOCINQ", ioctl(lfd, SIOCINQ, &val));
		sayr("SIOCOUTQ", ioctl(lfd, SIOCOUTQ, &val));
		sayr("SIOCOUTQNSD", ioctl(lfd, SIOCOUTQNSD, &val));
		sayr("SIOCATMARK", ioctl(lfd, SIOCATMARK, &val));
		sayr("FIONBIO", ioctl(lfd, FIONBIO, &(int){ 0 }));
		sayr("read", read(lfd, &c, 1));
		sayr("recv", recv(lfd, &c, 1, MSG_DONTWAIT));
		sayr("recv_peek", recv(lfd, &c, 1, MSG_PEEK | MSG_DONTWAIT));
		sayr("recv_oob", recv(lfd, &c, 1, MSG_OOB));
		sayr("recv_errqueue", recv(lfd, &c, 1, MSG_ERRQUEUE));
		sayr("send", send(lfd, "x", 1, MSG_NOSIGNAL));
		sayr("send_nowait", send(lfd, "x", 1,
					 MSG_NOSIGNAL | MSG_DONTWAIT));
		sayr("sendfile", sendfile(lfd, lfd, NULL, 1));
		sayr("connect", connect(lfd, (void *)&ss,
					address(f, port, false, &ss)));
		sayr("bind", bind(lfd, (void *)&ss,
				  address(f, port + 500, true, &ss)));
		len = sizeof(ss);
		sayr("getpeername", getpeername(lfd, (void *)&ss, &len));
		say("getsockname", "%d", local_port(lfd) == port);
		sayr("fstat", fstat(lfd, &st));
		say("socket", "%d", S_ISSOCK(st.st_mode));
		sayr("lseek", lseek(lfd, 0, SEEK_SET));
		sayr("listen", listen(lfd, 30));
		say("accepted", "%d", take_all(lfd, n));
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* Options of the listener that read its state */
void self_options(void)
{
	static const struct { const char *name; int level, opt; } opts[] = {
		{ "SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN },
		{ "SO_TYPE", SOL_SOCKET, SO_TYPE },
		{ "SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL },
		{ "SO_DOMAIN", SOL_SOCKET, SO_DOMAIN },
		{ "SO_ERROR", SOL_SOCKET, SO_ERROR },
		{ "SO_INCOMING_CPU", SOL_SOCKET, SO_INCOMING_CPU },
		{ "SO_INCOMING_NAPI_ID", SOL_SOCKET, SO_INCOMING_NAPI_ID },
		{ "SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT },
		{ "SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR },
		{ "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF },
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF },
		{ "SO_BUSY_POLL", SOL_SOCKET, SO_BUSY_POLL },
		{ "TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT },
		{ "TCP_SAVE_SYN", IPPROTO_TCP, TCP_SAVE_SYN },
		{ "TCP_SAVED_SYN", IPPROTO_TCP, TCP_SAVED_SYN },
		{ "TCP_REPAIR", IPPROTO_TCP, TCP_REPAIR },
		{ "TCP_ULP", IPPROTO_TCP, TCP_ULP },
		{ "IP_MTU", IPPROTO_IP, 14 },
	};
	unsigned int i;
	int fds[MAX_CPU], n, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 1, fds);
		for (i = 0; i < sizeof(opts) / sizeof(opts[0]); i++)
			say(opts[i].name, "%d",
			    get_int(lfd, opts[i].level, opts[i].opt));
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

static int attach(int fd, unsigned int keep)
{
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, keep } };
	struct sock_fprog prog = { 1, code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			  sizeof(prog));
}

/* A filter on the listener: drops SYNs, or is inherited by children */
void self_filter(void)
{
	int fds[MAX_CPU], i, n, kid, port, lfd;
	struct sock_filter got[8];
	socklen_t len;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		n = dial_all(f, port, 1, fds);
		say("accepted", "%d", take_all(lfd, n));
		close_all(fds, n);
		sayr("attach", attach(lfd, 0));
		for (i = 0; i < n; i++)
			fds[i] = dial_nb(f, port, i);
		settle();
		say("syn_sent", "%d", count_state(fds, n, "SYN_SENT"));
		close_all(fds, n);
		sayr("attach", attach(lfd, ~0u));
		n = dial_all(f, port, 1, fds);
		for (i = 0; i < n; i++) {
			kid = take(lfd);
			len = 8;
			sayr("get", getsockopt(kid, SOL_SOCKET, SO_GET_FILTER,
					       got, &len));
			say("child", "%d", len);
			close(kid);
		}
		sayr("lock", set_int(lfd, SOL_SOCKET, SO_LOCK_FILTER, 1));
		sayr("detach", set_int(lfd, SOL_SOCKET, SO_DETACH_FILTER, 0));
		check_sharded(lfd);
		close_all(fds, n);
		close(lfd);
	}
}

/* Flags of the descriptor that change while connections come */
void self_flags(void)
{
	int fd, kid, port, lfd;

	for_each_family(f) {
		port = next_port();
		lfd = listener(f, port, 30);
		for (int cpu = 0; cpu < ncpu; cpu++) {
			nonblock(lfd);
			sayr("empty", accept(lfd, NULL, NULL));
			fcntl(lfd, F_SETFL, 0);
			fd = dial(f, port, cpu);
			kid = accept(lfd, NULL, NULL);
			say("works", "%d", ping_pong(fd, kid));
			close(fd);
			close(kid);
		}
		check_sharded(lfd);
		close(lfd);
	}
}
