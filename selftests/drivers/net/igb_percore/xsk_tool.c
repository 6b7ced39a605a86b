// SPDX-License-Identifier: GPL-2.0
/*
 * An AF_XDP socket in netns srv, and a packet socket in netns cli that sends to
 * it and sees what it sends. Frames are of Ethertype 0x88b5; length and bytes
 * follow from their number, so each is known byte for byte, and as all of them
 * take one queue they keep their order. Whatever is missing, comes twice, too
 * late or otherwise is an error.
 *
 * usage: xsk_tool CASE OBJECT SRV-DEV CLI-DEV [NAME=NUMBER]...
 *
 *   rx        what cli sends arrives at the socket
 *   tx        what the socket sends arrives at cli, and is reported in order
 *   echo      both: the socket sends back what it receives
 *   actions   the program of OBJECT does with each frame what that says
 *   starve    nothing to receive into, then there is; the driver asks to be
 *             woken (wakeup=1) and does not poll meanwhile
 *   full      nobody looks at the completion ring, then somebody does
 *   load      as echo until killed; frames may get lost. SIGUSR1 has it attach
 *             the program again
 *   peer      what cli sends comes back from a socket of another process
 *   flood     cli sends until killed
 *   cycle     under a flood, sockets come and go
 *   rxrate    as rx and tx, with frames of max= bytes at which nobody looks:
 *   txrate    prints the time that each took
 *   bind      only that, until killed; without a program
 *   nomem     binds while each allocation of it fails in turn; says how many
 *
 *   count=    frames (2000); cycle: sockets
 *   zc=       1 zero-copy (it has to be), 0 copies
 *   wakeup=   1 need_wakeup, 0 without
 *   busy=     1 busy polling
 *   chunk=    bytes of a buffer (4096)
 *   bufs=     number of buffers (512)
 *   head=     headroom of a buffer
 *   ring=     size of each of the four rings (512)
 *   queue=    number of the queue (0)
 *   max=      longest frame, header included (1514)
 *   flood=    cycle: 1 under a flood, 0 without
 *
 * Ends with 0 if all was well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>

#define TYPE		0x88b5
#define HEAD		19	/* Ethernet header, action, number */
#define ETH_SHORTEST	60
#define WINDOW		32	/* frames on their way */
#define PATIENCE_S	10
#define FRAME_MAX	4096

static struct option {
	const char *name;
	unsigned int val;
} options[] = {
	{ "count", 2000 }, { "zc", 1 }, { "wakeup", 1 }, { "busy", 0 },
	{ "chunk", 4096 }, { "bufs", 512 }, { "head", 0 }, { "ring", 512 },
	{ "queue", 0 }, { "max", 1514 }, { "flood", 1 }, {}
};

enum { COUNT, ZC, WAKEUP, BUSY, CHUNK, BUFS, HEADROOM, RING, QUEUE, MAX,
	FLOOD };
#define OPT(name) (options[name].val)

static const char *srv_dev, *cli_dev;
static unsigned char srv_mac[ETH_ALEN], cli_mac[ETH_ALEN];
static volatile sig_atomic_t stop, again;

static void fail(const char *what)
{
	fprintf(stderr, "xsk_tool: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void wrong(const char *what, unsigned int seq)
{
	fprintf(stderr, "xsk_tool: frame %u: %s\n", seq, what);
	exit(1);
}

static void on_signal(int sig)
{
	if (sig == SIGTERM)
		stop = 1;
	else
		again = 1;
}

static void enter(const char *netns)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
}

static int index_of(const char *dev)
{
	int index = if_nametoindex(dev);

	if (!index)
		fail(dev);
	return index;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void nap(void)
{
	usleep(1000);
}

/* Ends the program when nothing has happened for long */
static void waiting(double *since, const char *what, unsigned int seq)
{
	if (!*since)
		*since = now();
	else if (now() - *since > PATIENCE_S)
		wrong(what, seq);
	nap();
}

/* A counter of ethtool -S; in netns srv */
static unsigned long counter(const char *name)
{
	unsigned long val = 0;
	char line[256], *at;
	FILE *pipe;

	snprintf(line, sizeof(line), "ethtool -S %s", srv_dev);
	pipe = popen(line, "r");
	while (pipe && fgets(line, sizeof(line), pipe)) {
		at = strstr(line, name);
		if (at && at[strlen(name)] == ':')
			val += strtoul(at + strlen(name) + 1, NULL, 10);
	}
	if (!pipe || pclose(pipe))
		fail("ethtool -S");
	return val;
}

/* Frames */

static unsigned int mix(unsigned int x)
{
	x = (x ^ x >> 16) * 0x45d9f3b;
	x = (x ^ x >> 16) * 0x45d9f3b;
	return x ^ x >> 16;
}

static unsigned int frame_len(unsigned int seq)
{
	if (seq % 8 == 7)
		return OPT(MAX);
	return ETH_SHORTEST + mix(seq) % (OPT(MAX) - ETH_SHORTEST + 1);
}

/* The frame of that number, from srv or to it */
static unsigned int frame_make(unsigned char *frame, unsigned int seq,
			       char action, bool from_srv)
{
	unsigned int len = frame_len(seq), number = htonl(seq), i;
	unsigned short type = htons(TYPE);

	memcpy(frame, from_srv ? cli_mac : srv_mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, from_srv ? srv_mac : cli_mac, ETH_ALEN);
	memcpy(frame + 12, &type, 2);
	frame[14] = action;
	memcpy(frame + 15, &number, 4);
	for (i = HEAD; i < len; i++)
		frame[i] = mix(seq + i / 4) >> i % 4 * 8;
	return len;
}

static void frame_check(const unsigned char *frame, unsigned int len,
			unsigned int seq, char action, bool from_srv)
{
	unsigned char want[FRAME_MAX];
	unsigned int number = 0;

	if (len >= HEAD) {
		memcpy(&number, frame + 15, 4);
		number = ntohl(number);
	}
	if (number != seq) {
		fprintf(stderr, "got %u: ", number);
		wrong("another was expected", seq);
	}
	if (len != frame_make(want, seq, action, from_srv)) {
		fprintf(stderr, "length %u: ", len);
		wrong("another length", seq);
	}
	if (memcmp(frame, want, len))
		wrong("other bytes", seq);
}

/* Packet sockets */

static int packet_open(const char *netns, const char *dev, unsigned char *mac)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	socklen_t len = sizeof(addr);
	int fd, size = 1 << 22;

	enter(netns);
	addr.sll_ifindex = index_of(dev);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)) ||
	    getsockname(fd, (void *)&addr, &len))
		fail(dev);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	memcpy(mac, addr.sll_addr, ETH_ALEN);
	return fd;
}

/* Return: length of a frame of ours, or 0 if there is none. */
static unsigned int packet_get(int fd, unsigned char *frame)
{
	struct sockaddr_ll addr;
	socklen_t addr_len = sizeof(addr);
	ssize_t len;

	while ((len = recvfrom(fd, frame, FRAME_MAX, MSG_DONTWAIT,
			       (void *)&addr, &addr_len)) > 0) {
		if (addr.sll_pkttype != PACKET_OUTGOING &&
		    addr.sll_protocol == htons(TYPE))
			return len;
		addr_len = sizeof(addr);
	}
	return 0;
}

static void packet_put(int fd, unsigned int seq, char action)
{
	unsigned char frame[FRAME_MAX];
	unsigned int len = frame_make(frame, seq, action, false);

	while (send(fd, frame, len, 0) < 0) {
		if (errno != ENOBUFS && errno != ENETDOWN)
			fail("send");
		nap();
	}
}

/* The socket */

struct ring {
	__u32 *producer;
	__u32 *consumer;
	__u32 *flags;
	void *entries;
	__u32 at;
	void *map;
	size_t bytes;
};

struct xsk {
	int fd;
	unsigned char *area;
	struct ring fill, comp, rx, tx;
	__u64 sent[1 << 12];	/* addresses that were sent, by their number */
	unsigned int sent_at, done_at;
};

static void ring_map(int fd, struct ring *ring,
		     const struct xdp_ring_offset *off, __u64 page,
		     unsigned int bytes)
{
	char *map = mmap(NULL, off->desc + OPT(RING) * bytes,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
			 page);

	if (map == MAP_FAILED)
		fail("mmap");
	ring->producer = (__u32 *)(map + off->producer);
	ring->consumer = (__u32 *)(map + off->consumer);
	ring->flags = (__u32 *)(map + off->flags);
	ring->entries = map + off->desc;
	ring->at = 0;
	ring->map = map;
	ring->bytes = off->desc + OPT(RING) * bytes;
}

static bool ring_asks(struct ring *ring)
{
	/* Behind what was put there */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return *(volatile __u32 *)ring->flags & XDP_RING_NEED_WAKEUP;
}

/* Return: entries that are to be taken */
static __u32 ring_full(struct ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) - ring->at;
}

/* Return: entries that can be put */
static __u32 ring_free(struct ring *ring)
{
	return OPT(RING) -
	       (ring->at - __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE));
}

static void ring_put_addr(struct ring *ring, __u64 addr)
{
	((__u64 *)ring->entries)[ring->at++ & (OPT(RING) - 1)] = addr;
	__atomic_store_n(ring->producer, ring->at, __ATOMIC_RELEASE);
}

static __u64 ring_get_addr(struct ring *ring)
{
	__u64 addr = ((__u64 *)ring->entries)[ring->at++ & (OPT(RING) - 1)];

	__atomic_store_n(ring->consumer, ring->at, __ATOMIC_RELEASE);
	return addr;
}

static struct xdp_desc ring_get_desc(struct ring *ring)
{
	struct xdp_desc desc = ((struct xdp_desc *)ring->entries)
		[ring->at++ & (OPT(RING) - 1)];

	__atomic_store_n(ring->consumer, ring->at, __ATOMIC_RELEASE);
	return desc;
}

static void busy_set(int fd)
{
	static const int names[] = { 69, 46, 70 }; /* SO_PREFER_BUSY_POLL... */
	static const int vals[] = { 1, 20, 64 };
	int i;

	for (i = 0; i < 3; i++)
		if (setsockopt(fd, SOL_SOCKET, names[i], &vals[i], sizeof(int)))
			fail("busy polling");
}

static void xsk_rings(struct xsk *xsk)
{
	static const int names[] = {
		XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING,
		XDP_TX_RING,
	};
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	int i, size = OPT(RING);

	for (i = 0; i < 4; i++)
		if (setsockopt(xsk->fd, SOL_XDP, names[i], &size, sizeof(size)))
			fail("ring");
	if (getsockopt(xsk->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len))
		fail("offsets");
	ring_map(xsk->fd, &xsk->fill, &off.fr, XDP_UMEM_PGOFF_FILL_RING, 8);
	ring_map(xsk->fd, &xsk->comp, &off.cr, XDP_UMEM_PGOFF_COMPLETION_RING,
		 8);
	ring_map(xsk->fd, &xsk->rx, &off.rx, XDP_PGOFF_RX_RING,
		 sizeof(struct xdp_desc));
	ring_map(xsk->fd, &xsk->tx, &off.tx, XDP_PGOFF_TX_RING,
		 sizeof(struct xdp_desc));
}

static void xsk_see(struct xsk *xsk)
{
	struct xdp_options got;
	socklen_t len = sizeof(got);

	if (getsockopt(xsk->fd, SOL_XDP, XDP_OPTIONS, &got, &len))
		fail("options");
	if (!(got.flags & XDP_OPTIONS_ZEROCOPY) != !OPT(ZC))
		wrong(OPT(ZC) ? "not zero-copy" : "zero-copy", 0);
}

static void xsk_make(struct xsk *xsk)
{
	struct xdp_umem_reg reg = {
		.len = (__u64)OPT(CHUNK) * OPT(BUFS),
		.chunk_size = OPT(CHUNK),
		.headroom = OPT(HEADROOM),
	};

	memset(xsk, 0, sizeof(*xsk));
	xsk->fd = socket(AF_XDP, SOCK_RAW, 0);
	xsk->area = mmap(NULL, reg.len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (xsk->fd < 0 || xsk->area == MAP_FAILED)
		fail("socket");
	reg.addr = (unsigned long)xsk->area;
	if (setsockopt(xsk->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		fail("umem");
	if (OPT(BUSY))
		busy_set(xsk->fd);
	xsk_rings(xsk);
}

/* Have an allocation of this task fail, the @nth from now on, or none: 0 */
static int fail_nth = -1;

static void fail_begin(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (fail_nth < 0)
		fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (pwrite(fail_nth, text, len, 0) != len)
		fail("fail-nth");
}

/* Return: whether it has failed. */
static bool fail_end(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		fail("fail-nth");
	fail_begin(0);
	return !atoi(text);
}

/* A socket that was closed leaves its queue some time after. Return: 0 or an
 * errno; @injected tells whether allocation @nth, if there is one, failed.
 */
static int xsk_bind(struct xsk *xsk, unsigned int nth, bool *injected)
{
	struct sockaddr_xdp addr = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = (OPT(ZC) ? XDP_ZEROCOPY : XDP_COPY) |
			      (OPT(WAKEUP) ? XDP_USE_NEED_WAKEUP : 0),
		.sxdp_ifindex = index_of(srv_dev),
		.sxdp_queue_id = OPT(QUEUE),
	};
	int tries = 0, err;

	for (;;) {
		if (nth)
			fail_begin(nth);
		err = bind(xsk->fd, (void *)&addr, sizeof(addr)) ? errno : 0;
		if (nth)
			*injected = fail_end();
		if (err != EBUSY || ++tries > 5000)
			return err;
		nap();
	}
}

static void xsk_open(struct xsk *xsk)
{
	xsk_make(xsk);
	errno = xsk_bind(xsk, 0, NULL);
	if (errno)
		fail("bind");
	xsk_see(xsk);
}

/* What is mapped keeps the socket */
static void xsk_close(struct xsk *xsk)
{
	munmap(xsk->fill.map, xsk->fill.bytes);
	munmap(xsk->comp.map, xsk->comp.bytes);
	munmap(xsk->rx.map, xsk->rx.bytes);
	munmap(xsk->tx.map, xsk->tx.bytes);
	close(xsk->fd);
	munmap(xsk->area, (size_t)OPT(CHUNK) * OPT(BUFS));
}

/* Have the program of OBJECT give frames to the socket. Maps of older ones go
 * with these.
 */
static void xsk_attach(struct xsk *xsk, const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *prog;
	__u32 queue = OPT(QUEUE);
	int map;

	if (!object || bpf_object__load(object))
		fail(path);
	map = bpf_object__find_map_fd_by_name(object, "socks");
	if (bpf_map_update_elem(map, &queue, &xsk->fd, BPF_ANY))
		fail("map");
	prog = bpf_object__find_program_by_name(object, "x_sock");
	errno = -bpf_xdp_attach(index_of(srv_dev), bpf_program__fd(prog),
				XDP_FLAGS_DRV_MODE, NULL);
	if (errno)
		fail("attach");
}

/* System calls only where the kernel asks for them, if it was told so */
static void xsk_wake(struct xsk *xsk)
{
	if (OPT(BUSY) || (OPT(WAKEUP) && ring_asks(&xsk->fill)))
		recvfrom(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
	if (xsk->sent_at != xsk->done_at &&
	    (!OPT(WAKEUP) || ring_asks(&xsk->tx)))
		sendto(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
}

/* Give the driver buffers. It says when it has enough, if it says so; else it
 * looks at the ring at least this often.
 */
static void xsk_fill(struct xsk *xsk)
{
	unsigned int i, count = OPT(BUFS) < OPT(RING) ? OPT(BUFS) : OPT(RING);
	double since = 0, end = now() + 0.3;

	for (i = 0; i < count; i++)
		ring_put_addr(&xsk->fill, (__u64)i * OPT(CHUNK));
	do {
		xsk_wake(xsk);
		waiting(&since, "asks for buffers still", count);
	} while (OPT(WAKEUP) ? ring_asks(&xsk->fill) : now() < end);
}

static void xsk_send(struct xsk *xsk, __u64 addr, unsigned int len)
{
	struct xdp_desc *desc = xsk->tx.entries;

	desc += xsk->tx.at++ & (OPT(RING) - 1);
	desc->addr = addr;
	desc->len = len;
	desc->options = 0;
	__atomic_store_n(xsk->tx.producer, xsk->tx.at, __ATOMIC_RELEASE);
	xsk->sent[xsk->sent_at++ % (1 << 12)] = addr;
}

/* Return: an address that was reported, as the oldest of those sent, or -1. */
static __u64 xsk_done(struct xsk *xsk)
{
	__u64 addr;

	if (!ring_full(&xsk->comp))
		return -1;
	addr = ring_get_addr(&xsk->comp);
	if (xsk->sent_at == xsk->done_at ||
	    addr != xsk->sent[xsk->done_at % (1 << 12)])
		wrong("reported out of order", xsk->done_at);
	xsk->done_at++;
	return addr;
}

/* What is reported is ours: who still reads it reads something else. The last
 * ones first, as these may not be sent yet if it was reported too early.
 */
static void xsk_scribble(struct xsk *xsk)
{
	unsigned int i = ring_full(&xsk->comp);
	__u64 *addrs = xsk->comp.entries;

	while (i--)
		memset(xsk->area + addrs[(xsk->comp.at + i) & (OPT(RING) - 1)],
		       0xee, ETH_SHORTEST);
}

/* Cases */

static void receive(struct xsk *xsk, int cli, unsigned int first,
		    unsigned int last)
{
	unsigned int got = first, sent = first;
	struct xdp_desc desc;
	double since = 0;

	while (got < last) {
		while (sent < last && sent - got < WINDOW)
			packet_put(cli, sent++, 'S');
		xsk_wake(xsk);
		if (!ring_full(&xsk->rx)) {
			waiting(&since, "has not arrived", got);
			continue;
		}
		since = 0;
		desc = ring_get_desc(&xsk->rx);
		frame_check(xsk->area + desc.addr, desc.len, got++, 'S', false);
		ring_put_addr(&xsk->fill, desc.addr);
	}
}

static void case_rx(struct xsk *xsk, int cli)
{
	xsk_fill(xsk);
	receive(xsk, cli, 0, OPT(COUNT));
}

/* Frames of no more than their header, where their buffer ends: filled up with
 * zeros, and not with what is near.
 */
static void send_short(struct xsk *xsk, int cli)
{
	static const unsigned int lens[] = { 14, 15, 16, 17, 18, 59 };
	unsigned char want[FRAME_MAX], frame[FRAME_MAX];
	unsigned int i, gap, len;
	double since = 0;
	__u64 addr;

	for (i = 0; i < 12; i++) {
		len = lens[i / 2];
		gap = i % 2 ? 0 : 100;
		addr = OPT(CHUNK) - len - gap;
		memset(xsk->area, 0xee, OPT(CHUNK) * 2);
		frame_make(want, 77, 'S', true);
		memcpy(xsk->area + addr, want, len);
		memset(want + len, 0, sizeof(want) - len);
		xsk_send(xsk, addr, len);
		while (!(len = packet_get(cli, frame))) {
			xsk_wake(xsk);
			waiting(&since, "short: has not arrived", i);
		}
		if (len != ETH_SHORTEST || memcmp(frame, want, len))
			wrong("short: other bytes", i);
		while (xsk_done(xsk) == (__u64)-1)
			waiting(&since, "short: not reported", i);
		since = 0;
		if (xsk->area[OPT(CHUNK)] != 0xee)
			wrong("short: wrote behind its buffer", i);
	}
}

static void case_tx(struct xsk *xsk, int cli)
{
	unsigned int sent = 0, got = 0, len, bufs = OPT(BUFS);
	unsigned char frame[FRAME_MAX];
	double since = 0;
	bool idle;

	while (got < OPT(COUNT) || xsk->done_at < OPT(COUNT)) {
		while (sent < OPT(COUNT) && sent - xsk->done_at < bufs &&
		       sent - got < 4 * WINDOW && ring_free(&xsk->tx)) {
			__u64 addr = (__u64)(sent % bufs) * OPT(CHUNK) +
				     sent % 64;

			len = frame_make(xsk->area + addr, sent++, 'S', true);
			xsk_send(xsk, addr, len);
		}
		xsk_wake(xsk);
		xsk_scribble(xsk);
		idle = true;
		while (xsk_done(xsk) != (__u64)-1)
			idle = false;
		while ((len = packet_get(cli, frame))) {
			frame_check(frame, len, got++, 'S', true);
			idle = false;
		}
		if (idle)
			waiting(&since, "has not arrived, or been reported",
				got);
		else
			since = 0;
	}
	send_short(xsk, cli);
}

/* Send back what has arrived. Return: how many frames. */
static unsigned int echo_some(struct xsk *xsk)
{
	unsigned int some = 0;
	struct xdp_desc desc;
	unsigned char *at;
	__u64 addr;

	while (ring_free(&xsk->tx) && ring_full(&xsk->rx)) {
		desc = ring_get_desc(&xsk->rx);
		at = xsk->area + desc.addr;
		memcpy(at, cli_mac, ETH_ALEN);
		memcpy(at + ETH_ALEN, srv_mac, ETH_ALEN);
		xsk_send(xsk, desc.addr, desc.len);
		some++;
	}
	while ((addr = xsk_done(xsk)) != (__u64)-1)
		ring_put_addr(&xsk->fill, addr);
	xsk_wake(xsk);
	return some;
}

/* Of this process, or of another */
static void echo(struct xsk *xsk, int cli)
{
	unsigned int sent = 0, got = 0, len;
	unsigned char frame[FRAME_MAX];
	double since = 0;

	while (got < OPT(COUNT)) {
		while (sent < OPT(COUNT) && sent - got < WINDOW)
			packet_put(cli, sent++, 'S');
		if (xsk)
			echo_some(xsk);
		len = packet_get(cli, frame);
		if (!len) {
			waiting(&since, "has not come back", got);
			continue;
		}
		since = 0;
		frame_check(frame, len, got++, 'S', true);
	}
}

static void case_echo(struct xsk *xsk, int cli)
{
	xsk_fill(xsk);
	echo(xsk, cli);
}

static bool waited_for(int fd, struct xsk *xsk, unsigned char *frame,
		       unsigned int *len, unsigned int seq)
{
	double since = 0;

	while (!(*len = packet_get(fd, frame))) {
		xsk_wake(xsk);
		waiting(&since, "has not arrived where it should", seq);
	}
	return true;
}

static void case_actions(struct xsk *xsk, int cli)
{
	static const char actions[] = "SPTDMA";
	unsigned char frame[FRAME_MAX], mac[ETH_ALEN];
	int srv = packet_open("srv", srv_dev, mac);
	unsigned int seq, len;

	xsk_fill(xsk);
	for (seq = 0; seq < OPT(COUNT); seq++) {
		char action = actions[seq % (sizeof(actions) - 1)];

		switch (action) {
		case 'S':
			receive(xsk, cli, seq, seq + 1);
			break;
		case 'P':
		case 'M':
			packet_put(cli, seq, action);
			if (waited_for(srv, xsk, frame, &len, seq))
				frame_check(frame, len, seq, action, false);
			break;
		case 'T':
			packet_put(cli, seq, action);
			if (waited_for(cli, xsk, frame, &len, seq))
				frame_check(frame, len, seq, action, true);
			break;
		default:
			packet_put(cli, seq, action);
		}
	}
	if (ring_full(&xsk->rx))
		wrong("more than was sent to the socket", 0);
	if (ring_full(&xsk->comp))
		wrong("reported, but not the socket's", 0);
}

/* Fewer than the driver wants, so that it asks; then enough */
static void case_starve(struct xsk *xsk, int cli)
{
	unsigned long polls, starved = counter("pair0_rx_xsk_starved");
	double since = 0;
	unsigned int i;

	while (counter("pair0_rx_xsk_starved") == starved && OPT(WAKEUP) &&
	       !ring_asks(&xsk->fill))
		waiting(&since, "starve: not noticed", 0);
	for (i = 0; i < 100; i++)
		packet_put(cli, i, 'S');
	usleep(300000);
	if (OPT(WAKEUP) && !ring_asks(&xsk->fill))
		wrong("starve: does not ask", 0);
	polls = counter("pair0_rx_polls");
	sleep(1);
	polls = counter("pair0_rx_polls") - polls;
	printf("%lu polls in a second\n", polls);
	if (polls > 60)
		wrong("starve: polls all the time", polls);
	if (!OPT(WAKEUP) && polls < 3)
		wrong("starve: nobody looks", polls);
	if (ring_full(&xsk->rx))
		wrong("starve: received into nothing", 0);
	xsk_fill(xsk);
	/* What the device kept back may come now, or not at all */
	since = now();
	while (now() - since < 0.5) {
		xsk_wake(xsk);
		while (ring_full(&xsk->rx))
			ring_put_addr(&xsk->fill,
				      ring_get_desc(&xsk->rx).addr);
		nap();
	}
	if (OPT(WAKEUP) && OPT(BUFS) >= 64 && ring_asks(&xsk->fill))
		wrong("starve: asks still", 0);
	receive(xsk, cli, 1000, 1000 + OPT(COUNT));
}

static void case_full(struct xsk *xsk, int cli)
{
	unsigned int seq, got = 0, len, round;
	unsigned char frame[FRAME_MAX];
	double since;

	for (seq = 0; seq < OPT(RING); seq++) {
		len = frame_make(xsk->area + seq * OPT(CHUNK), seq, 'S', true);
		xsk_send(xsk, seq * OPT(CHUNK), len);
	}
	for (round = 0; round < 2; round++) {
		since = now();
		while (now() - since < 1 || got < (round + 1) * OPT(RING)) {
			xsk_wake(xsk);
			while ((len = packet_get(cli, frame)))
				frame_check(frame, len, got++, 'S', true);
			if (now() - since > PATIENCE_S)
				wrong("full: has not arrived", got);
			nap();
			/* Free in the tx ring, not in the completion ring */
			for (; !round && seq < 2 * OPT(RING) &&
			     ring_free(&xsk->tx); seq++) {
				__u64 addr = (__u64)seq * OPT(CHUNK);

				len = frame_make(xsk->area + addr, seq, 'S',
						 true);
				xsk_send(xsk, addr, len);
			}
		}
		if (got != (round + 1) * OPT(RING))
			wrong("full: sent more than it can report", got);
		while (xsk_done(xsk) != (__u64)-1)
			;
	}
}

static void case_rxrate(struct xsk *xsk, int cli)
{
	unsigned char frame[FRAME_MAX];
	unsigned int got = 0, i;
	double start;

	frame_make(frame, 7, 'S', false);
	xsk_fill(xsk);
	start = now();
	while (got < OPT(COUNT)) {
		for (i = 0; i < WINDOW; i++)
			send(cli, frame, OPT(MAX), 0);
		xsk_wake(xsk);
		for (; ring_full(&xsk->rx); got++)
			ring_put_addr(&xsk->fill, ring_get_desc(&xsk->rx).addr);
	}
	printf("%.0f ns\n", (now() - start) / got * 1e9);
}

static void case_txrate(struct xsk *xsk, int cli)
{
	unsigned int i, bufs = OPT(BUFS);
	double start;

	close(cli);
	for (i = 0; i < bufs; i++)
		frame_make(xsk->area + i * OPT(CHUNK), 7, 'S', true);
	start = now();
	while (xsk->done_at < OPT(COUNT)) {
		for (i = 0; i < WINDOW && xsk->sent_at - xsk->done_at < bufs &&
		     ring_free(&xsk->tx); i++)
			xsk_send(xsk, xsk->sent_at % bufs * OPT(CHUNK),
				 OPT(MAX));
		xsk_wake(xsk);
		while (xsk_done(xsk) != (__u64)-1)
			;
	}
	printf("%.0f ns\n", (now() - start) / xsk->done_at * 1e9);
}

static void load(struct xsk *xsk, const char *path, double seconds)
{
	double end = now() + seconds;
	unsigned long echoed = 0;

	xsk_fill(xsk);
	puts("ready");
	fflush(stdout);
	while (!stop && (!seconds || now() < end)) {
		unsigned int some = echo_some(xsk);

		echoed += some;
		if (again) {
			again = 0;
			xsk_attach(xsk, path);
			puts("attached");
			fflush(stdout);
		}
		if (!some)
			usleep(200);
	}
	xsk_see(xsk);
	printf("%lu frames\n", echoed);
}

static void flood(int cli)
{
	unsigned int seq;

	for (seq = 0; !stop; seq++) {
		packet_put(cli, seq, "SSPTSSDM"[seq % 8]);
		if (seq % 16 == 15)
			usleep(1000);
	}
}

static pid_t flood_start(int cli)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		flood(cli);
		exit(0);
	}
	return child;
}

static void cycle(int cli, const char *path)
{
	pid_t child = OPT(FLOOD) ? flood_start(cli) : 0;
	unsigned int i;
	struct xsk xsk;

	enter("srv");
	for (i = 0; i < OPT(COUNT) && !stop; i++) {
		xsk_open(&xsk);
		xsk_attach(&xsk, path);
		load(&xsk, path, 0.1);
		xsk_close(&xsk);
	}
	printf("%u sockets\n", i);
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

/* Each allocation of a bind fails in turn: it says so, or does without. The
 * socket after it shows what has become of the queue.
 */
static void no_memory(void)
{
	unsigned int nth = 0, errors = 0;
	bool injected;
	struct xsk xsk;

	do {
		xsk_make(&xsk);
		errno = xsk_bind(&xsk, ++nth, &injected);
		if (!errno)
			xsk_see(&xsk);
		else if (injected)
			errors++;
		else
			fail("bind");
		xsk_close(&xsk);
	} while (injected);
	printf("%u allocations, %u errors\n", nth - 1, errors);
}

static const struct {
	const char *name;
	void (*run)(struct xsk *xsk, int cli);
} cases[] = {
	{ "rx", case_rx }, { "tx", case_tx }, { "echo", case_echo },
	{ "actions", case_actions }, { "starve", case_starve },
	{ "full", case_full }, { "rxrate", case_rxrate },
	{ "txrate", case_txrate }, {}
};

static void options_parse(char **argv)
{
	for (; *argv; argv++) {
		struct option *option;
		size_t len;

		for (option = options; option->name; option++) {
			len = strlen(option->name);
			if (!strncmp(*argv, option->name, len) &&
			    (*argv)[len] == '=')
				break;
		}
		if (!option->name) {
			fprintf(stderr, "xsk_tool: what is %s?\n", *argv);
			exit(2);
		}
		option->val = strtoul(*argv + len + 1, NULL, 10);
	}
}

static void run(const char *name, const char *path, int cli)
{
	struct xsk xsk;
	int i;

	if (!strcmp(name, "nomem")) {
		no_memory();
		return;
	}
	xsk_open(&xsk);
	if (!strcmp(name, "bind")) {
		puts("bound");
		fflush(stdout);
		while (!stop)
			pause();
		return;
	}
	xsk_attach(&xsk, path);
	if (!strcmp(name, "load")) {
		load(&xsk, path, 0);
		return;
	}
	for (i = 0; cases[i].name; i++)
		if (!strcmp(name, cases[i].name)) {
			cases[i].run(&xsk, cli);
			return;
		}
	fprintf(stderr, "xsk_tool: no case %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	int cli;

	if (argc < 5) {
		fprintf(stderr, "usage: see the head of xsk_tool.c\n");
		return 2;
	}
	options_parse(argv + 5);
	signal(SIGTERM, on_signal);
	signal(SIGUSR1, on_signal);
	srv_dev = argv[3];
	cli_dev = argv[4];
	close(packet_open("srv", srv_dev, srv_mac));
	cli = packet_open("cli", cli_dev, cli_mac);
	if (!strcmp(argv[1], "flood")) {
		flood(cli);
	} else if (!strcmp(argv[1], "peer")) {
		echo(NULL, cli);
	} else if (!strcmp(argv[1], "cycle")) {
		cycle(cli, argv[2]);
	} else {
		enter("srv");
		run(argv[1], argv[2], cli);
	}
	return 0;
}
