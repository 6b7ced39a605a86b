// SPDX-License-Identifier: GPL-2.0
/*
 * Attaches the programs of xdp.sh and reads their maps.
 *
 * usage: xdp_tool attach DEV OBJECT PROGRAM [to DEV | cpu N | bound]
 *        xdp_tool detach DEV
 *        xdp_tool fail DEV OBJECT PROGRAM
 *        xdp_tool map NAME
 *
 * attach replaces what was there. "to" is where the map "ports" leads, "cpu"
 * where "cpus" does, "bound" binds the program to the device, for metadata.
 * fail attaches and detaches it, and lets each allocation of both fail in turn,
 * the first, the second, until there are no more (a kernel with fault
 * injection): what was there stays, and what is to go goes. map prints key and
 * value, in hexadecimal, of all maps of that name.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#ifndef BPF_F_XDP_DEV_BOUND_ONLY
#define BPF_F_XDP_DEV_BOUND_ONLY	(1U << 6)
#endif

static int die(const char *what)
{
	fprintf(stderr, "xdp_tool: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int index_of(const char *dev)
{
	int index = if_nametoindex(dev);

	return index ? index : die(dev);
}

static void map_set(struct bpf_object *object, const char *name, __u32 key,
		    const void *value)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	if (fd < 0 || bpf_map_update_elem(fd, &key, value, BPF_ANY))
		die(name);
}

static struct bpf_object *load(const char *path, const char *name, int bound)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (!object)
		die(path);
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program,
					  !strcmp(name, bpf_program__name(program)));
	program = bpf_object__find_program_by_name(object, name);
	if (!program)
		die(name);
	if (bound) {
		bpf_program__set_ifindex(program, bound);
		bpf_program__set_flags(program, bpf_program__flags(program) |
				       BPF_F_XDP_DEV_BOUND_ONLY);
	}
	if (bpf_object__load(object))
		die(name);
	return object;
}

static int attach(int argc, char **argv)
{
	const char *how = argc > 5 ? argv[5] : "", *what = argc > 6 ? argv[6] : "0";
	int index = index_of(argv[2]);
	struct bpf_object *object;

	object = load(argv[3], argv[4], strcmp(how, "bound") ? 0 : index);
	if (!strcmp(how, "to")) {
		__u32 to = index_of(what);

		map_set(object, "ports", 0, &to);
	} else if (!strcmp(how, "cpu")) {
		struct bpf_cpumap_val val = { .qsize = 512 };
		__u32 cpu = atoi(what);

		map_set(object, "cpus", cpu, &val);
		map_set(object, "target", 0, &cpu);
	}
	errno = -bpf_xdp_attach(index, bpf_program__fd(
			bpf_object__find_program_by_name(object, argv[4])),
			XDP_FLAGS_DRV_MODE, NULL);
	return errno ? die("attach") : 0;
}

static int fail_nth = -1;	/* allocations of this task until one fails */

static void fail_begin(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (fail_nth < 0)
		fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (pwrite(fail_nth, text, len, 0) != len)
		die("fail-nth");
}

/* Has it failed? */
static int fail_end(void)
{
	char text[16] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0)
		die("fail-nth");
	fail_begin(0);
	return !atoi(text);
}

static int is_attached(int index)
{
	__u32 id = 0;

	errno = -bpf_xdp_query_id(index, XDP_FLAGS_DRV_MODE, &id);
	if (errno)
		die("query");
	return !!id;
}

static void unexpected(const char *what, int nth, int err)
{
	fprintf(stderr, "xdp_tool: %s, allocation %d: %s\n", what, nth,
		strerror(-err));
	exit(1);
}

/* The kernel may have done it and have no memory to say so: ENOBUFS. */
static int fail_attach(int index, int prog, int nth, int *errors)
{
	int err, injected;

	fail_begin(nth);
	err = bpf_xdp_attach(index, prog, XDP_FLAGS_DRV_MODE, NULL);
	injected = fail_end();
	*errors += !!err;
	if ((err && !injected) ||
	    (is_attached(index) != !err && err != -ENOBUFS))
		unexpected("attach", nth, err);
	return injected;
}

static int fail_detach(int index, int nth, int *errors)
{
	int err, injected;

	fail_begin(nth);
	err = bpf_xdp_detach(index, XDP_FLAGS_DRV_MODE, NULL);
	injected = fail_end();
	*errors += !!err;
	/* if the request did not come as far as the driver */
	if (err && is_attached(index))
		err = bpf_xdp_detach(index, XDP_FLAGS_DRV_MODE, NULL);
	else if (err && injected)
		err = 0;
	if (err || is_attached(index))
		unexpected("detach", nth, err);
	return injected;
}

static int fail(char **argv)
{
	int index = index_of(argv[2]), errors[2] = { 0 }, nth[2] = { 0 };
	struct bpf_object *object = load(argv[3], argv[4], 0);
	int prog = bpf_program__fd(
			bpf_object__find_program_by_name(object, argv[4]));

	while (fail_attach(index, prog, ++nth[0], &errors[0]))
		if (is_attached(index) &&
		    bpf_xdp_detach(index, XDP_FLAGS_DRV_MODE, NULL))
			die("detach");
	while (fail_detach(index, ++nth[1], &errors[1])) {
		errno = -bpf_xdp_attach(index, prog, XDP_FLAGS_DRV_MODE, NULL);
		if (errno)
			die("attach");
	}
	printf("attach: %d allocations, %d errors; detach: %d, %d\n",
	       nth[0] - 1, errors[0], nth[1] - 1, errors[1]);
	return 0;
}

static void map_print(int fd)
{
	__u32 key, *last = NULL;
	__u64 value;

	while (!bpf_map_get_next_key(fd, last, &key)) {
		if (!bpf_map_lookup_elem(fd, &key, &value))
			printf("%08x %llx\n", key, value);
		last = &key;
	}
}

static int map(const char *name)
{
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		struct bpf_map_info info = {};
		__u32 bytes = sizeof(info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &bytes) &&
		    !strcmp(info.name, name))
			map_print(fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[1], "attach"))
		return attach(argc, argv);
	if (argc == 5 && !strcmp(argv[1], "fail"))
		return fail(argv);
	if (argc == 3 && !strcmp(argv[1], "map"))
		return map(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "detach")) {
		errno = -bpf_xdp_detach(index_of(argv[2]), XDP_FLAGS_DRV_MODE,
					NULL);
		return errno ? die("detach") : 0;
	}
	fprintf(stderr, "usage: see the head of xdp_tool.c\n");
	return 2;
}
