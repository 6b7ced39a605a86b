// SPDX-License-Identifier: GPL-2.0
/*
 * Unit test of percorectl: decoding, printing and judging, without the module
 *
 * Claims: a good message comes out as it went in; a missing or newer attribute
 * does no harm; a short or malformed one is refused, and never read past its
 * end.  Every message lies in memory of exactly its size, so that ASan and
 * valgrind see a byte too many.  Run it in this directory, for testdata/; its
 * argument is the number of rounds of random damage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/percore.h>
#include <linux/rtnetlink.h>

#include "nic.h"
#include "percorectl.h"

#define FAMILY	0x23
#define SEQ	77

static int tests, failures;

static void ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

/* @file: in testdata/, what @got must equal */
static void ok_json(json_t *got, const char *file, const char *what)
{
	json_t *want = json_load_file(file, 0, NULL);
	bool good = want && json_equal(got, want);
	char *text;

	ok(good, what);
	if (!good) {
		text = json_dumps(got, 0);
		printf("# got: %s\n", text);
		free(text);
	}
	json_decref(want);
	json_decref(got);
}

/* @file: in testdata/, what @got must equal */
static void ok_text(char *got, const char *file, const char *what)
{
	char want[4096] = "", *line;
	FILE *f = fopen(file, "r");
	bool good;

	if (f) {
		want[fread(want, 1, sizeof(want) - 1, f)] = '\0';
		fclose(f);
	}
	good = !strcmp(got, want);
	ok(good, what);
	while (!good && (line = strsep(&got, "\n")))
		printf("# got: %s\n", line);
}

static FILE *captured;
static int stdout_fd;

static void capture_begin(void)
{
	fflush(stdout);
	captured = tmpfile();
	stdout_fd = dup(STDOUT_FILENO);
	dup2(fileno(captured), STDOUT_FILENO);
}

static void capture_end(char *buf, size_t size)
{
	size_t len;

	fflush(stdout);
	dup2(stdout_fd, STDOUT_FILENO);
	close(stdout_fd);
	rewind(captured);
	len = fread(buf, 1, size - 1, captured);
	buf[len] = '\0';
	fclose(captured);
}

/* Messages are put together here, then copied to memory of their size. */
static char space[65536] __aligned(8);

static struct nlmsghdr *message(char *at, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = SEQ;
	return nlh;
}

static struct nlmsghdr *genl_message(char *at, uint8_t cmd)
{
	struct nlmsghdr *nlh = message(at, FAMILY, NLM_F_MULTI);
	struct genlmsghdr *genlh;

	genlh = mnl_nlmsg_put_extra_header(nlh, sizeof(*genlh));
	genlh->cmd = cmd;
	genlh->version = 1;
	return nlh;
}

static char *after(struct nlmsghdr *nlh)
{
	return (char *)nlh + MNL_ALIGN(nlh->nlmsg_len);
}

static int parse(const char *from, size_t len, genl_fn fn, void *data,
		 struct genl_reply *r)
{
	char *exact = malloc(len ? len : 1);
	int ret;

	*r = (struct genl_reply){
		.type = FAMILY, .seq = SEQ, .fn = fn, .data = data,
	};
	memcpy(exact, from, len);
	ret = genl_parse(exact, len, r);
	free(exact);
	return ret;
}

static int parse_one(struct nlmsghdr *nlh, genl_fn fn, void *data)
{
	struct genl_reply r;

	return parse((char *)nlh, nlh->nlmsg_len, fn, data, &r);
}

static struct nlmsghdr *status_message(void)
{
	struct nlmsghdr *nlh = genl_message(space, PERCORE_CMD_STATUS_GET);

	mnl_attr_put_strz(nlh, PERCORE_A_STATUS_VERSION, "1.2");
	mnl_attr_put_u32(nlh, PERCORE_A_STATUS_LISTEN_SHARD, 1);
	mnl_attr_put_u32(nlh, PERCORE_A_STATUS_LISTEN_STEAL_US, 200);
	mnl_attr_put_u32(nlh, PERCORE_A_STATUS_LISTENERS, 3);
	mnl_attr_put_u32(nlh, PERCORE_A_STATUS_PORTS, 2);
	mnl_attr_put_u32(nlh, PERCORE_A_STATUS_CPUS, 4);
	mnl_attr_put_u32(nlh, PERCORE_A_STATUS_TSQ_SOCKETS, 17);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_CONNECTS_PLACED, 1ULL << 40);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_CONNECTS_LEFT, 18);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_CONNECTS_LOST, 19);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_ATTACHED, 20);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_DETACHED, 21);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_SYNS, 22);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_ACCEPTS_LOCAL, 23);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_ACCEPTS_STOLEN, 24);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_SPILLED, 25);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_HEALED, 26);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_TSQ_CHANGES, 27);
	return nlh;
}

static void test_status(void)
{
	struct module_status s = {};
	struct nlmsghdr *nlh;

	ok(parse_one(status_message(), status_decode, &s) == 1 &&
	   !strcmp(s.version, "1.2") && s.listen_shard.n == 1 &&
	   s.listen_steal_us.n == 200 && s.listeners.n == 3 &&
	   s.ports.n == 2 && s.cpus.n == 4 && s.cpus.known &&
	   s.tsq_sockets.n == 17 && s.connects_placed.n == 1ULL << 40 &&
	   s.connects_left.n == 18 && s.connects_lost.n == 19 &&
	   s.attached.n == 20 && s.detached.n == 21 && s.syns.n == 22 &&
	   s.accepts_local.n == 23 && s.accepts_stolen.n == 24 &&
	   s.spilled.n == 25 && s.healed.n == 26 && s.tsq_changes.n == 27,
	   "status: every attribute arrives");

	s = (struct module_status){};
	nlh = status_message();
	mnl_attr_put_u32(nlh, PERCORE_A_STATUS_MAX + 1, 9);
	mnl_attr_put_strz(nlh, 999, "newer");
	ok(parse_one(nlh, status_decode, &s) == 1 && s.cpus.n == 4,
	   "status: newer attributes are ignored");

	s = (struct module_status){};
	nlh = genl_message(space, PERCORE_CMD_STATUS_GET);
	ok(parse_one(nlh, status_decode, &s) == 1 && !s.version[0] &&
	   !s.listen_shard.known && !s.cpus.known,
	   "status: missing attributes are tolerated");

	nlh = genl_message(space, PERCORE_CMD_STATUS_GET);
	mnl_attr_put(nlh, PERCORE_A_STATUS_CPUS, 3, "abc");
	ok(parse_one(nlh, status_decode, &s) == -EBADMSG,
	   "status: a number of three bytes is refused");

	s = (struct module_status){};
	nlh = genl_message(space, PERCORE_CMD_STATUS_GET);
	mnl_attr_put_u64(nlh, PERCORE_A_STATUS_CPUS, 1ULL << 40);
	ok(parse_one(nlh, status_decode, &s) == 1 && s.cpus.n == 1ULL << 40,
	   "status: a number may grow to eight bytes");
}

static void test_string(void)
{
	struct module_status s = {};
	struct nlmsghdr *nlh;
	char text[200];

	nlh = genl_message(space, PERCORE_CMD_STATUS_GET);
	mnl_attr_put(nlh, PERCORE_A_STATUS_VERSION, 4, "abcd");
	ok(parse_one(nlh, status_decode, &s) == 1 && !strcmp(s.version, "abcd"),
	   "string: one without NUL is read to its end");

	memset(text, 'x', sizeof(text));
	nlh = genl_message(space, PERCORE_CMD_STATUS_GET);
	mnl_attr_put(nlh, PERCORE_A_STATUS_VERSION, sizeof(text), text);
	ok(parse_one(nlh, status_decode, &s) == -EBADMSG,
	   "string: one that is too long is refused");

	nlh = genl_message(space, PERCORE_CMD_STATUS_GET);
	mnl_attr_put_strz(nlh, PERCORE_A_STATUS_VERSION, "a\n\033[2J\xff");
	ok(parse_one(nlh, status_decode, &s) == 1 &&
	   !strcmp(s.version, "a??[2J?"),
	   "string: control characters and bad UTF-8 are made harmless");
}

static void put_core(struct nlmsghdr *nlh, uint32_t cpu, uint64_t syns,
		     uint64_t local, uint64_t stolen, uint32_t depth)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, PERCORE_A_LISTENER_CORE);

	mnl_attr_put_u32(nlh, PERCORE_A_CORE_CPU, cpu);
	mnl_attr_put_u64(nlh, PERCORE_A_CORE_SYNS, syns);
	mnl_attr_put(nlh, PERCORE_A_CORE_PAD, 0, NULL);
	mnl_attr_put_u64(nlh, PERCORE_A_CORE_ACCEPTS_LOCAL, local);
	mnl_attr_put_u64(nlh, PERCORE_A_CORE_ACCEPTS_STOLEN, stolen);
	mnl_attr_put_u32(nlh, PERCORE_A_CORE_DEPTH, depth);
	mnl_attr_put_u32(nlh, PERCORE_A_CORE_MAX + 5, 1);
	mnl_attr_nest_end(nlh, nest);
}

static struct nlmsghdr *listener_message(char *at, uint16_t family,
					 const void *addr, size_t addr_len,
					 uint16_t port)
{
	struct nlmsghdr *nlh = genl_message(at, PERCORE_CMD_LISTENER_GET);

	mnl_attr_put_u16(nlh, PERCORE_A_LISTENER_FAMILY, family);
	mnl_attr_put(nlh, PERCORE_A_LISTENER_ADDR, addr_len, addr);
	mnl_attr_put_u16(nlh, PERCORE_A_LISTENER_PORT, port);
	return nlh;
}

/* A dump of four: IPv4, IPv6 alone, dual stack, and one with nothing in it */
static size_t listener_dump(void)
{
	static const uint8_t v4[4] = { 127, 0, 0, 1 };
	static const uint8_t v6[16];
	struct nlmsghdr *nlh;
	int zero = 0;

	nlh = listener_message(space, AF_INET, v4, sizeof(v4), 80);
	mnl_attr_put_u64(nlh, PERCORE_A_LISTENER_INODE, 4711);
	mnl_attr_put_u32(nlh, PERCORE_A_LISTENER_BACKLOG, 5);
	mnl_attr_put_u32(nlh, PERCORE_A_LISTENER_BACKLOG_MAX, 511);
	put_core(nlh, 0, 100, 97, 2, 1);
	put_core(nlh, 1, 50, 40, 6, 4);

	nlh = listener_message(after(nlh), AF_INET6, v6, sizeof(v6), 443);
	mnl_attr_put(nlh, PERCORE_A_LISTENER_V6ONLY, 0, NULL);
	put_core(nlh, 1023, 1ULL << 33, 0, 0, 0);

	nlh = listener_message(after(nlh), AF_INET6, v6, sizeof(v6), 8080);
	nlh = genl_message(after(nlh), PERCORE_CMD_LISTENER_GET);
	nlh = message(after(nlh), NLMSG_DONE, NLM_F_MULTI);
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(zero)), &zero,
	       sizeof(zero));
	return after(nlh) - space;
}

static void test_listeners(void)
{
	struct listeners ls = {};
	struct nlmsghdr *nlh;
	struct genl_reply r;
	char text[4096];
	size_t len;

	len = listener_dump();
	ok(!parse(space, len, listeners_decode, &ls, &r) && ls.n == 4,
	   "listeners: a dump is read to its end");
	ok_json(listeners_json(&ls), "testdata/listeners.json",
		"listeners: JSON");
	capture_begin();
	listeners_print(&ls);
	capture_end(text, sizeof(text));
	ok_text(text, "testdata/listeners.txt", "listeners: table");
	listeners_reset(&ls);
	ok(!ls.n && !ls.list, "listeners: reset forgets them");

	nlh = listener_message(space, AF_INET, "12345", 5, 80);
	ok(parse_one(nlh, listeners_decode, &ls) == -EBADMSG,
	   "listeners: an address of five bytes is refused");
	listeners_reset(&ls);

	nlh = listener_message(space, AF_INET, "1234", 4, 80);
	mnl_attr_put(nlh, PERCORE_A_LISTENER_CORE, 6, "\x40\x00\x01\x00zz");
	ok(parse_one(nlh, listeners_decode, &ls) == -EBADMSG,
	   "listeners: a core longer than its nest is refused");
	listeners_reset(&ls);

	nlh = listener_message(space, AF_INET, "1234", 4, 80);
	mnl_attr_put(nlh, PERCORE_A_LISTENER_CORE, 2, "zz");
	ok(parse_one(nlh, listeners_decode, &ls) == -EBADMSG,
	   "listeners: a core of two bytes is refused");
	listeners_reset(&ls);
}

/* Of a listener with one core */
static struct listener top_listener(uint64_t inode, struct core *core)
{
	return (struct listener){
		.inode = { true, inode }, .cores = core, .n_cores = 1,
	};
}

static struct core top_core(uint64_t syns, uint64_t local, uint64_t stolen)
{
	return (struct core){
		.cpu = { true, 3 }, .syns = { true, syns },
		.accepts_local = { true, local },
		.accepts_stolen = { true, stolen },
	};
}

static void test_top(void)
{
	struct core was[] = {
		top_core(10, 5, 1), top_core(7, 7, 7), top_core(9, 9, 9),
	};
	struct core is[] = {
		top_core(12, 6, 1), top_core(107, 97, 17), top_core(9, 8, 9),
		top_core(1, 1, 1),
	};
	struct listener before[] = {
		top_listener(1, &was[0]), top_listener(2, &was[1]),
		top_listener(3, &was[2]),
	};
	struct listener now[] = {
		top_listener(1, &is[0]), top_listener(2, &is[1]),
		top_listener(3, &is[2]), top_listener(4, &is[3]),
	};
	struct listeners a = { before, ARRAY_SIZE(before) };
	struct listeners b = { now, ARRAY_SIZE(now) };
	struct listeners none = {};
	struct top_row *rows;
	size_t n;

	rows = top_rows(&a, &b, &n);
	ok(n == 2 && rows[0].listener == &now[1] && rows[1].listener == now,
	   "top: the busiest first, without those that are new or began anew");
	ok(rows[0].syns == 100 && rows[0].local == 90 && rows[0].stolen == 10 &&
	   rows[0].cores == 1 && rows[0].busiest == 100 &&
	   rows[0].busiest_cpu.n == 3,
	   "top: what counters grew by");
	free(rows);

	/* A core that came in between counts from nothing */
	before[0].n_cores = 0;
	rows = top_rows(&a, &b, &n);
	ok(n == 2 && rows[1].syns == 12 && rows[1].local == 6,
	   "top: a core that is new");
	free(rows);

	rows = top_rows(&none, &none, &n);
	ok(!n, "top: no listener");
	free(rows);
}

/* @skip: bytes of the request that stand between error and attributes */
static struct nlmsghdr *error_message(int error, uint16_t flags, size_t skip,
				      const char *text)
{
	struct nlmsghdr *nlh = message(space, NLMSG_ERROR, flags);
	struct nlmsgerr *err;

	err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));
	err->error = error;
	err->msg.nlmsg_len = sizeof(err->msg) + skip;
	if (skip && !(flags & NLM_F_CAPPED))
		mnl_nlmsg_put_extra_header(nlh, skip);
	if (text)
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	return nlh;
}

static int parse_error(struct nlmsghdr *nlh, struct genl_reply *r)
{
	struct module_status s = {};

	return parse((char *)nlh, nlh->nlmsg_len, status_decode, &s, r);
}

static void test_error(void)
{
	const uint16_t tlvs = NLM_F_ACK_TLVS;
	struct genl_reply r;
	struct nlmsghdr *nlh;

	ok(!parse_error(error_message(0, 0, 0, NULL), &r),
	   "error: an empty one ends the answer");
	ok(parse_error(error_message(-EPERM, 0, 0, NULL), &r) == -EPERM &&
	   !r.extack[0], "error: the code arrives without words");
	ok(parse_error(error_message(-EINVAL, tlvs | NLM_F_CAPPED, 20,
				     "70000 above 65535"), &r) == -EINVAL &&
	   !strcmp(r.extack, "70000 above 65535"),
	   "error: words after a capped request arrive");
	ok(parse_error(error_message(-EINVAL, tlvs, 20, "no"), &r) == -EINVAL &&
	   !strcmp(r.extack, "no"),
	   "error: words after a whole request arrive");

	nlh = error_message(-EINVAL, tlvs, 0, "no");
	((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->msg.nlmsg_len = ~0U;
	ok(parse_error(nlh, &r) == -EINVAL && !r.extack[0],
	   "error: a request said to be huge costs the words only");
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + 8;
	ok(parse_error(nlh, &r) == -EBADMSG, "error: a short one is refused");
	ok(parse_error(error_message(7, 0, 0, NULL), &r) == -EBADMSG,
	   "error: a positive code is refused");
}

static void test_done(void)
{
	struct genl_reply r;
	struct nlmsghdr *nlh;
	int error = -ENODEV;

	ok(!parse_error(message(space, NLMSG_DONE, NLM_F_MULTI), &r),
	   "done: one without a code ends the answer");
	nlh = message(space, NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS |
					 NLM_F_DUMP_INTR);
	memcpy(mnl_nlmsg_put_extra_header(nlh, 4), &error, 4);
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "eth9 went away");
	ok(parse_error(nlh, &r) == -ENODEV &&
	   !strcmp(r.extack, "eth9 went away"), "done: code and words arrive");
	ok(r.interrupted, "done: an interrupted dump is noticed");
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + 2;
	ok(parse_error(nlh, &r) == -EBADMSG, "done: half a code is refused");
}

/* What genl_error() prints goes to @line. */
static int error_said(int err, const char *extack, char *line, size_t size)
{
	struct genl g = {};
	int status, saved;
	FILE *f = tmpfile();

	snprintf(g.extack, sizeof(g.extack), "%s", extack);
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	dup2(fileno(f), STDERR_FILENO);
	status = genl_error(&g, err, "verb");
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	line[fread(line, 1, size - 1, f)] = '\0';
	fclose(f);
	return status;
}

static void test_status_codes(void)
{
	static const struct {
		int err;
		const char *extack;
		int status;
		const char *line;
	} cases[] = {
		{ -ENOENT, "", STATUS_NO_MODULE,
		  "percore is not loaded (try: modprobe percore)" },
		{ -ENOENT, "no DEV eth9", STATUS_FAILED,
		  "verb: no DEV eth9 (No such file or directory)" },
		{ -EPERM, "", STATUS_PERMISSION,
		  "verb: Operation not permitted" },
		{ -EPERM, "ask root", STATUS_PERMISSION,
		  "verb: ask root (Operation not permitted)" },
		{ -EACCES, "", STATUS_PERMISSION, "verb: Permission denied" },
		{ -EOPNOTSUPP, "", STATUS_FAILED,
		  "verb: the loaded percore does not know this request" },
		{ -EBADMSG, "", STATUS_FAILED,
		  "verb: malformed answer from the kernel" },
		{ -EINTR, "", STATUS_FAILED,
		  "verb: it kept changing while it was read, try again" },
		{ -ETIMEDOUT, "", STATUS_FAILED,
		  "verb: no answer from the kernel" },
		{ -ENODEV, "", STATUS_FAILED, "verb: No such device" },
	};
	char line[256], want[256];
	bool good = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(want, sizeof(want), "percorectl: %s\n", cases[i].line);
		good &= error_said(cases[i].err, cases[i].extack, line,
				   sizeof(line)) == cases[i].status &&
			!strcmp(line, want);
	}
	ok(good, "error: each has its status and its one line");
}

static void test_stream(void)
{
	struct module_status s = {};
	struct nlmsghdr *nlh;
	struct genl_reply r;
	uint16_t family = 0;

	nlh = status_message();
	nlh->nlmsg_seq++;
	ok(parse_one(nlh, status_decode, &s) == 1 && !s.cpus.known,
	   "stream: another request's answer is passed over");
	nlh = status_message();
	nlh->nlmsg_type++;
	ok(parse_one(nlh, status_decode, &s) == 1 && !s.cpus.known,
	   "stream: another family's message is passed over");
	nlh = message(space, FAMILY, 0);
	ok(parse_one(nlh, status_decode, &s) == -EBADMSG,
	   "stream: a message without genetlink header is refused");
	nlh = status_message();
	ok(parse(space, nlh->nlmsg_len + 3, status_decode, &s, &r) == -EBADMSG,
	   "stream: rubbish behind a message is refused");
	nlh->nlmsg_len = 0x80000010;
	ok(parse(space, 64, status_decode, &s, &r) == -EBADMSG,
	   "stream: a message of 2 GiB is refused");
	ok(parse(space, 0, status_decode, &s, &r) == 1,
	   "stream: an empty datagram says nothing");

	nlh = genl_message(space, CTRL_CMD_NEWFAMILY);
	ok(parse_one(nlh, genl_parse_family, &family) == -EBADMSG,
	   "family: an answer without an id is refused");
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, 31);
	ok(parse_one(nlh, genl_parse_family, &family) == 1 && family == 31,
	   "family: the id arrives");
}

static struct nlmsghdr *port_message(char *at, uint32_t ifindex,
				     const char *ifname)
{
	struct nlmsghdr *nlh = genl_message(at, PERCORE_CMD_PLAN_GET);

	mnl_attr_put_u32(nlh, PERCORE_A_PLAN_IFINDEX, ifindex);
	mnl_attr_put_strz(nlh, PERCORE_A_PLAN_IFNAME, ifname);
	return nlh;
}

static void put_queue(struct nlmsghdr *nlh, uint32_t id, uint32_t irq,
		      uint32_t cpu, const char *xps)
{
	mnl_attr_put_u32(nlh, PERCORE_A_PLAN_QUEUE, id);
	mnl_attr_put_u32(nlh, PERCORE_A_PLAN_RX_IRQ, irq);
	mnl_attr_put_u32(nlh, PERCORE_A_PLAN_TX_IRQ, id == 2 ? 44 : irq);
	mnl_attr_put_u32(nlh, PERCORE_A_PLAN_CPU, cpu);
	mnl_attr_put_strz(nlh, PERCORE_A_PLAN_CPUS, xps);
	mnl_attr_put_strz(nlh, PERCORE_A_PLAN_XPS, xps);
	mnl_attr_put_strz(nlh, PERCORE_A_PLAN_RPS, id == 2 ? "0-1" : "");
	mnl_attr_put_strz(nlh, PERCORE_A_PLAN_WHY, "because");
	mnl_attr_put_u32(nlh, PERCORE_A_PLAN_RETA, 32);
	if (id == 2)
		mnl_attr_put_u32(nlh, PERCORE_A_PLAN_FLOWS, 512);
	if (!id)
		mnl_attr_put_u32(nlh, PERCORE_A_PLAN_NAPI_ID, 8193);
}

/* Names that no interface of this machine has, so that ethtool finds none */
static size_t port_dump(void)
{
	struct nlmsghdr *nlh;

	nlh = port_message(space, 7, "pctest0");
	mnl_attr_put(nlh, PERCORE_A_PLAN_STEERED, 0, NULL);
	mnl_attr_put_u64(nlh, PERCORE_A_PLAN_HEALED, 3);
	put_queue(nlh, 0, 40, 0, "0,2");
	nlh = port_message(after(nlh), 7, "pctest0");
	put_queue(nlh, 1, 41, 1, "1,3");
	nlh = port_message(after(nlh), 7, "pctest0");
	put_queue(nlh, 2, 42, 9, "9");
	nlh = port_message(after(nlh), 8, "../../etc");
	put_queue(nlh, 0, 43, 1, "1");
	nlh = port_message(after(nlh), 9, "pctest9");
	mnl_attr_put_strz(nlh, PERCORE_A_PLAN_IRQ_NOTE, "none is known");
	mnl_attr_put_u32(nlh, PERCORE_A_PLAN_ERROR, 12);
	nlh = message(after(nlh), NLMSG_DONE, NLM_F_MULTI);
	return after(nlh) - space;
}

static void fixture(const char *root, const char *path, const char *text)
{
	char full[256], *slash;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (slash = full + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "w");
	if (!f)
		exit(1);
	fputs(text, f);
	fclose(f);
}

static void fixtures(const char *root)
{
	static const char *const files[][2] = {
		{ "/sys/devices/system/cpu/online", "0-3\n" },
		{ "/proc/irq/40/smp_affinity_list", "0\n" },
		{ "/proc/irq/40/effective_affinity_list", "0\n" },
		{ "/proc/irq/41/smp_affinity_list", "0-3\n" },
		{ "/proc/irq/41/effective_affinity_list", "2\n" },
		{ "/proc/irq/42/smp_affinity_list", "9\n" },
		{ "/proc/irq/42/effective_affinity_list", "1\n" },
		{ "/proc/irq/43/smp_affinity_list", "1\n" },
		{ "/proc/irq/44/smp_affinity_list", "0\n" },
		{ "/sys/class/net/pctest0/ifindex", "7\n" },
		{ "/sys/class/net/pctest0/queues/tx-0/xps_cpus", "5\n" },
		{ "/sys/class/net/pctest0/queues/rx-0/rps_cpus", "0\n" },
		{ "/sys/class/net/pctest0/queues/tx-1/xps_cpus", "9\n" },
		{ "/sys/class/net/pctest0/queues/rx-1/rps_cpus", "f\n" },
		{ "/sys/class/net/pctest0/queues/tx-2/xps_cpus", "0\n" },
		{ "/sys/class/net/pctest0/queues/rx-2/rps_cpus", "3\n" },
		{ "/sys/class/net/pctest0/queues/rx-2/rps_flow_cnt", "0\n" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		fixture(root, files[i][0], files[i][1]);
}

static void test_ports(void)
{
	char root[] = "/tmp/percorectl-test.XXXXXX";
	char text[4096], command[64];
	struct ports ps = {};
	json_t *json, *queues;
	struct genl_reply r;

	if (!mkdtemp(root))
		exit(1);
	fixtures(root);
	ok(!parse(space, port_dump(), ports_decode, &ps, &r) && ps.n == 3,
	   "ports: a dump is read to its end");
	facts_root = root;
	ports_observe(&ps);
	ports_judge(&ps);

	capture_begin();
	ports_print(&ps);
	capture_end(text, sizeof(text));
	ok_text(text, "testdata/ports.txt",
		"ports: table, with the right reasons");
	capture_begin();
	plan_print(&ps.list[0]);
	plan_print(&ps.list[2]);
	capture_end(text, sizeof(text));
	ok_text(text, "testdata/plan.txt", "plan: table, with what is not so");
	json = ports_json(&ps);
	queues = json_object_get(json_array_get(json, 0), "queues");
	ok_json(json_incref(json_array_get(queues, 1)),
		"testdata/port-queue.json", "ports: JSON of a queue");
	json_decref(json);

	ports_reset(&ps);
	snprintf(command, sizeof(command), "rm -r %s", root);
	if (system(command))
		printf("# %s is left\n", root);
}

static void test_cpuset(void)
{
	static const char *const bad[] = {
		"x", "1-", "-1", "3-1", "1,,2", "1;2", "99999", " 1", "1 ",
		"18446744073709551617",
	};
	char text[16], mask[CPUSET_MAX / 4 + 8];
	struct cpuset set;
	bool good = true;
	size_t i;

	ok(!cpuset_parse_list("0-3,8,10-11\n", &set) &&
	   cpuset_count(&set) == 7 && cpuset_test(&set, 11) &&
	   !strcmp(cpuset_format(&set, text, sizeof(text)), "0-3,8,10-11"),
	   "cpuset: a list comes out as it went in");
	ok(!cpuset_parse_list("\n", &set) && !cpuset_count(&set) &&
	   !strcmp(cpuset_format(&set, text, sizeof(text)), "none"),
	   "cpuset: the empty list is empty");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		good &= cpuset_parse_list(bad[i], &set) == -EINVAL;
	ok(good, "cpuset: bad lists are refused");

	ok(!cpuset_parse_mask("80000001,0000000f\n", &set) &&
	   !strcmp(cpuset_format(&set, text, sizeof(text)), "0-3,32,63") &&
	   cpuset_test(&set, 63) && !cpuset_test(&set, 64),
	   "cpuset: a mask of two words");
	ok(cpuset_parse_mask("", &set) == -EINVAL &&
	   cpuset_parse_mask("0x1", &set) == -EINVAL,
	   "cpuset: bad masks are refused");

	memset(mask, 'f', sizeof(mask));
	mask[CPUSET_MAX / 4] = '\0';
	ok(!cpuset_parse_mask(mask, &set) && cpuset_count(&set) == CPUSET_MAX,
	   "cpuset: the largest mask");
	mask[CPUSET_MAX / 4] = 'f';
	mask[CPUSET_MAX / 4 + 1] = '\0';
	ok(cpuset_parse_mask(mask, &set) == -EINVAL,
	   "cpuset: a larger mask is refused");

	memset(&set, 0x55, sizeof(set));
	cpuset_format(&set, text, sizeof(text));
	ok(strlen(text) == sizeof(text) - 1,
	   "cpuset: a list that is too long is cut short");
}

static struct nlmsghdr *event_message(uint32_t what, const char *ifname)
{
	struct nlmsghdr *nlh = genl_message(space, PERCORE_CMD_EVENT);

	mnl_attr_put_u32(nlh, PERCORE_A_EVENT_WHAT, what);
	if (ifname) {
		mnl_attr_put_u32(nlh, PERCORE_A_EVENT_IFINDEX, 2);
		mnl_attr_put_strz(nlh, PERCORE_A_EVENT_IFNAME, ifname);
	}
	return nlh;
}

static struct nlmsghdr *attach_message(void)
{
	struct nlmsghdr *nlh = event_message(PERCORE_EVENT_ATTACH, NULL);
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, PERCORE_A_EVENT_LISTENER);
	mnl_attr_put_u16(nlh, PERCORE_A_LISTENER_FAMILY, AF_INET);
	mnl_attr_put_u16(nlh, PERCORE_A_LISTENER_PORT, 80);
	mnl_attr_put(nlh, PERCORE_A_LISTENER_ADDR, 4, "\x0a\0\0\1");
	mnl_attr_put_u64(nlh, PERCORE_A_LISTENER_INODE, 4711);
	mnl_attr_nest_end(nlh, nest);
	return nlh;
}

static struct nlmsghdr *group_message(void)
{
	struct nlmsghdr *nlh = genl_message(space, CTRL_CMD_NEWFAMILY);
	struct nlattr *groups, *group;
	uint32_t id;

	groups = mnl_attr_nest_start(nlh, CTRL_ATTR_MCAST_GROUPS);
	for (id = 8; id < 10; id++) {
		group = mnl_attr_nest_start(nlh, id - 7);
		mnl_attr_put_u32(nlh, CTRL_ATTR_MCAST_GRP_ID, id);
		mnl_attr_put_strz(nlh, CTRL_ATTR_MCAST_GRP_NAME,
				  id == 8 ? "others" : "events");
		mnl_attr_nest_end(nlh, group);
	}
	mnl_attr_nest_end(nlh, groups);
	return nlh;
}

/* @nlh: what arrives; @line: what is printed of it */
static void ok_event(struct nlmsghdr *nlh, const char *line)
{
	struct event event;
	char text[128];

	ok(parse_one(nlh, event_decode, &event) == 1, "monitor: it arrives");
	event_format(&event, text, sizeof(text));
	ok(!strcmp(text, line), line);
	if (strcmp(text, line))
		printf("# got: %s\n", text);
	listeners_reset(&event.listeners);
}

static void test_monitor(void)
{
	struct genl_group group = { .name = "events" };
	struct genl_group none = { .name = "nothing" };
	struct event event;
	struct nlmsghdr *nlh;

	ok(parse_one(group_message(), genl_parse_group, &group) == 1 &&
	   group.id.known && group.id.n == 9, "monitor: the group is found");
	ok(parse_one(group_message(), genl_parse_group, &none) == 1 &&
	   !none.id.known, "monitor: or not");

	ok_event(attach_message(), "attach  10.0.0.1:80");
	nlh = event_message(PERCORE_EVENT_STEER, "eth0");
	ok_event(nlh, "steer   eth0");
	nlh = event_message(PERCORE_EVENT_DRIFT, "eth0");
	mnl_attr_put_strz(nlh, PERCORE_A_EVENT_SETTING, "xps");
	mnl_attr_put_u32(nlh, PERCORE_A_EVENT_INDEX, 3);
	ok_event(nlh, "drift   eth0 xps 3");
	nlh = event_message(PERCORE_EVENT_TSQ, "eth0");
	mnl_attr_put_u32(nlh, PERCORE_A_EVENT_INDEX, 1);
	mnl_attr_put_u32(nlh, PERCORE_A_EVENT_SHIFT, 12);
	ok_event(nlh, "tsq     eth0 queue 1 shift 12");
	ok_event(event_message(99, "eth0"), "unknown eth0");

	parse_one(attach_message(), event_decode, &event);
	ok_json(event_json(&event, &(struct timespec){ 12, 500000000 }),
		"testdata/event.json", "monitor: JSON");
	listeners_reset(&event.listeners);

	nlh = event_message(PERCORE_EVENT_ATTACH, NULL);
	mnl_attr_put(nlh, PERCORE_A_EVENT_LISTENER, 6, "\x40\0\1\0zz");
	ok(parse_one(nlh, event_decode, &event) == -EBADMSG,
	   "monitor: a listener longer than its nest is refused");
	listeners_reset(&event.listeners);
}

static uint32_t random_state = 1;

/* xorshift32: the same damage in every run */
static uint32_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* Decodes and prints whatever comes of @len bytes; nothing must crash. */
static void digest(const char *from, size_t len)
{
	struct listeners ls = {};
	struct genl_group group = { .name = "events" };
	struct module_status s = {};
	struct event event = {};
	struct ports ps = {};
	struct genl_reply r;
	char text[128];
	json_t *json;

	parse(from, len, status_decode, &s, &r);
	parse(from, len, listeners_decode, &ls, &r);
	json = listeners_json(&ls);
	json_decref(json);
	listeners_print(&ls);
	parse(from, len, ports_decode, &ps, &r);
	ports_judge(&ps);
	json = ports_json(&ps);
	json_decref(json);
	ports_print(&ps);
	if (ps.n)
		plan_print(&ps.list[0]);
	listeners_reset(&ls);
	ports_reset(&ps);
	parse(from, len, genl_parse_group, &group, &r);
	parse(from, len, event_decode, &event, &r);
	event_format(&event, text, sizeof(text));
	json_decref(event_json(&event, &(struct timespec){}));
	listeners_reset(&event.listeners);
}

static void damage(const char *good, size_t len, int rounds)
{
	char *bad = malloc(len);
	int i, hits;

	for (i = 0; i < rounds; i++) {
		memcpy(bad, good, len);
		for (hits = random_next() % 4 + 1; hits; hits--)
			bad[random_next() % len] = random_next();
		digest(bad, len);
	}
	free(bad);
}

static void test_damage(int rounds)
{
	char text[16];
	size_t i, len;
	int kind;

	facts_root = "/nonexistent";
	for (kind = 0; kind < 5; kind++) {
		len = kind == 0 ? status_message()->nlmsg_len :
		      kind == 1 ? listener_dump() :
		      kind == 2 ? port_dump() :
		      kind == 3 ? attach_message()->nlmsg_len :
				  group_message()->nlmsg_len;
		capture_begin();
		for (i = 0; i < len; i++)
			digest(space, i);
		damage(space, len, rounds);
		capture_end(text, sizeof(text));
		printf("# %zu bytes cut short everywhere, %d random damages\n",
		       len, rounds);
		ok(true, kind == 0 ? "damage: status survives" :
			 kind == 1 ? "damage: listeners survive" :
			 kind == 2 ? "damage: ports survive" :
			 kind == 3 ? "damage: events survive" :
				     "damage: groups survive");
	}
}

/* Hops as they should be, then damaged at random: none is read past the end. */
static void test_hops(unsigned int rounds)
{
	const size_t len = NLA_HDRLEN + 2 * sizeof(struct rtnexthop) + 8;
	struct nlattr *attr = calloc(1, len);
	struct rtnexthop *hop = (void *)((char *)attr + NLA_HDRLEN);
	unsigned int i, n;
	size_t at;

	attr->nla_len = len;
	hop[0].rtnh_len = sizeof(*hop) + 8;
	hop[0].rtnh_ifindex = 7;
	hop[2].rtnh_len = sizeof(*hop);
	hop[2].rtnh_ifindex = 8;
	at = 0;
	n = 0;
	while ((hop = nic_hop(attr, &at)))
		n += hop->rtnh_ifindex;
	ok(n == 15, "two hops of a route");
	for (i = 0; i < rounds; i++) {
		for (n = NLA_HDRLEN; n < len; n++)
			((char *)attr)[n] = random();
		((char *)attr)[NLA_HDRLEN + 1] &= random() & random() & 1;
		for (at = 0; (hop = nic_hop(attr, &at));)
			n += hop->rtnh_ifindex;
	}
	ok(true, "damaged hops");
	free(attr);
}

static void test_peers(void)
{
	ok(peer_valid("192.0.2.1") && peer_valid("2001:db8::1") &&
	   peer_valid("fe80::1%eth0"), "addresses of peers");
	ok(!peer_valid("") && !peer_valid("fe80::1") && !peer_valid("::1%lo") &&
	   !peer_valid("192.0.2.1%lo") && !peer_valid("fe80::1%") &&
	   !peer_valid("192.0.2"), "and what is none");
}

static void test_tsq(void)
{
	struct tsq_queues qs = {};
	struct nlmsghdr *nlh;
	char text[4096];

	nlh = genl_message(space, PERCORE_CMD_TSQ_GET);
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_IFINDEX, 3);
	mnl_attr_put_strz(nlh, PERCORE_A_TSQ_IFNAME, "eth0");
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_QUEUE, 0);
	mnl_attr_put_strz(nlh, PERCORE_A_TSQ_SOURCE, "bql");
	mnl_attr_put_u64(nlh, PERCORE_A_TSQ_SAMPLES, 12345);
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_DELAY_EWMA_NS, 80512);
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_DELAY_P95_NS, 161999);
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_TARGET_US, 200);
	mnl_attr_put(nlh, PERCORE_A_TSQ_STANDS, 0, NULL);
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_SHIFT, 12);
	mnl_attr_put_u64(nlh, PERCORE_A_TSQ_CHANGES, 3);
	ok(parse_one(nlh, tsq_decode, &qs) == 1 && qs.n == 1,
	   "tsq: a queue arrives");
	nlh = genl_message(space, PERCORE_CMD_TSQ_GET);
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_IFINDEX, 3);
	mnl_attr_put_strz(nlh, PERCORE_A_TSQ_IFNAME, "eth0");
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_QUEUE, 1);
	mnl_attr_put_strz(nlh, PERCORE_A_TSQ_SOURCE, "none");
	mnl_attr_put_u64(nlh, PERCORE_A_TSQ_SAMPLES, 0);
	mnl_attr_put_u32(nlh, PERCORE_A_TSQ_SHIFT, 10);
	mnl_attr_put_u64(nlh, PERCORE_A_TSQ_CHANGES, 0);
	ok(parse_one(nlh, tsq_decode, &qs) == 1 && qs.n == 2,
	   "tsq: one without samples too");
	nlh = genl_message(space, PERCORE_CMD_TSQ_GET);
	mnl_attr_put(nlh, PERCORE_A_TSQ_SHIFT, 3, "abc");
	ok(parse_one(nlh, tsq_decode, &qs) == -EBADMSG && qs.n == 2,
	   "tsq: a number of three bytes is refused");
	capture_begin();
	tsq_print(&qs);
	capture_end(text, sizeof(text));
	ok_text(text, "testdata/tsq.txt", "tsq: table");
	ok_json(tsq_json(&qs), "testdata/tsq.json", "tsq: JSON");
	tsq_reset(&qs);
	ok(!qs.n && !qs.list, "tsq: all is forgotten");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 5000;

	test_status();
	test_string();
	test_listeners();
	test_top();
	test_error();
	test_done();
	test_status_codes();
	test_stream();
	test_cpuset();
	test_ports();
	test_hops(rounds);
	test_peers();
	test_tsq();
	test_monitor();
	test_damage(rounds);
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
