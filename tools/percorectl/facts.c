// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel shows outside of the module
 *
 * procfs and sysfs for interrupts and queues, an ioctl for the indirection
 * table.  These are what a packet really meets, so a verb that says whether
 * wanted and actual agree reads them here and not from the module.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "percorectl.h"

const char *facts_root = "";

/**
 * cpuset_test() - is a CPU in the set?
 * @set: the set
 * @cpu: the CPU
 *
 * Return: true if it is.
 */
bool cpuset_test(const struct cpuset *set, uint64_t cpu)
{
	return cpu < CPUSET_MAX && set->bits[cpu / 64] >> cpu % 64 & 1;
}

/**
 * cpuset_add() - put a CPU into the set
 * @set: the set
 * @cpu: the CPU; left out if it is CPUSET_MAX or above
 */
void cpuset_add(struct cpuset *set, uint64_t cpu)
{
	if (cpu < CPUSET_MAX)
		set->bits[cpu / 64] |= 1ULL << cpu % 64;
}

/**
 * cpuset_count() - how many CPUs are in the set?
 * @set: the set
 *
 * Return: the number.
 */
unsigned int cpuset_count(const struct cpuset *set)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(set->bits); i++)
		n += __builtin_popcountll(set->bits[i]);
	return n;
}

/**
 * cpuset_is() - is this CPU, and no other, in the set?
 * @set: the set
 * @cpu: the CPU
 *
 * Return: true if it is.
 */
bool cpuset_is(const struct cpuset *set, uint64_t cpu)
{
	return cpuset_test(set, cpu) && cpuset_count(set) == 1;
}

/* Reads digits and no sign or space, as strtoul() would take. */
static int cpu_parse(const char **text, unsigned long *cpu)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	*cpu = strtoul(*text, &end, 10);
	*text = end;
	return *cpu < CPUSET_MAX ? 0 : -EINVAL;
}

/**
 * cpuset_parse_list() - read a list such as "0-3,8"
 * @text: the list; ends at a newline or NUL
 * @set: gets the set
 *
 * Return: 0, or -EINVAL.
 */
int cpuset_parse_list(const char *text, struct cpuset *set)
{
	unsigned long cpu, last;

	memset(set, 0, sizeof(*set));
	if (!*text || *text == '\n')
		return 0;
	for (;;) {
		if (cpu_parse(&text, &cpu))
			return -EINVAL;
		last = cpu;
		if (*text == '-') {
			text++;
			if (cpu_parse(&text, &last) || last < cpu)
				return -EINVAL;
		}
		for (; cpu <= last; cpu++)
			cpuset_add(set, cpu);
		if (!*text || *text == '\n')
			return 0;
		if (*text++ != ',')
			return -EINVAL;
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/**
 * cpuset_parse_mask() - read a mask such as "00000001,0000000f"
 * @text: the mask; ends at a newline or NUL
 * @set: gets the set
 *
 * Return: 0, or -EINVAL.
 */
int cpuset_parse_mask(const char *text, struct cpuset *set)
{
	size_t len = strcspn(text, "\n");
	unsigned int bit, cpu = 0;
	int digit;

	memset(set, 0, sizeof(*set));
	if (!len)
		return -EINVAL;
	while (len--) {
		if (text[len] == ',')
			continue;
		digit = hex_digit(text[len]);
		if (digit < 0 || (digit && cpu + 4 > CPUSET_MAX))
			return -EINVAL;
		for (bit = 0; bit < 4; bit++, cpu++)
			if (digit >> bit & 1)
				cpuset_add(set, cpu);
	}
	return 0;
}

/**
 * cpuset_format() - write a list such as "0-3,8"
 * @set: the set
 * @buf: gets the list, "none" for the empty set; cut short if it is too long
 * @size: of @buf, at least 1
 *
 * Return: @buf.
 */
const char *cpuset_format(const struct cpuset *set, char *buf, size_t size)
{
	unsigned int cpu, last;
	size_t used = 0;

	snprintf(buf, size, "none");
	for (cpu = 0; cpu < CPUSET_MAX && used < size; cpu = last + 1) {
		last = cpu;
		if (!cpuset_test(set, cpu))
			continue;
		while (cpuset_test(set, last + 1))
			last++;
		used += snprintf(buf + used, size - used, "%s%u",
				 used ? "," : "", cpu);
		if (last > cpu && used < size)
			used += snprintf(buf + used, size - used, "-%u", last);
	}
	return buf;
}

/**
 * cpuset_json() - turn a set into an array of numbers
 * @set: the set
 *
 * Return: the array, a new reference.
 */
json_t *cpuset_json(const struct cpuset *set)
{
	json_t *array = json_array();
	unsigned int cpu;

	for (cpu = 0; cpu < CPUSET_MAX; cpu++)
		if (cpuset_test(set, cpu))
			json_array_append_new(array, json_integer(cpu));
	return array;
}

static int vread_text(char *buf, size_t size, const char *fmt, va_list args)
{
	char path[512];
	ssize_t len;
	int fd, at;

	at = snprintf(path, sizeof(path), "%s", facts_root);
	if (at < 0 || (size_t)at >= sizeof(path))
		return -ENAMETOOLONG;
	at += vsnprintf(path + at, sizeof(path) - at, fmt, args);
	if (at < 0 || (size_t)at >= sizeof(path))
		return -ENAMETOOLONG;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* procfs and sysfs give all of a value to one read that is large. */
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	else if ((size_t)len == size - 1)
		len = -EOVERFLOW;
	close(fd);
	if (len < 0)
		return len;
	buf[len] = '\0';
	return 0;
}

/**
 * facts_read_text() - read a file of procfs or sysfs
 * @buf: gets what it says, newline included
 * @size: of @buf
 * @fmt: absolute path, as for printf()
 *
 * Return: 0, or a negative errno: -EOVERFLOW if it does not fit.
 */
int facts_read_text(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = vread_text(buf, size, fmt, args);
	va_end(args);
	return ret;
}

/**
 * facts_read_cpulist() - read a file that holds a list of CPUs
 * @fact: gets the set, or why not
 * @fmt: absolute path, as for printf()
 */
void facts_read_cpulist(struct cpufact *fact, const char *fmt, ...)
{
	char text[FACTS_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	fact->err = vread_text(text, sizeof(text), fmt, args);
	va_end(args);
	if (!fact->err)
		fact->err = cpuset_parse_list(text, &fact->cpus);
}

/**
 * facts_read_cpumask() - read a file that holds a mask of CPUs
 * @fact: gets the set, or why not
 * @fmt: absolute path, as for printf()
 */
void facts_read_cpumask(struct cpufact *fact, const char *fmt, ...)
{
	char text[FACTS_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	fact->err = vread_text(text, sizeof(text), fmt, args);
	va_end(args);
	if (!fact->err)
		fact->err = cpuset_parse_mask(text, &fact->cpus);
}

static int ethtool_ioctl(int fd, const char *ifname, void *request)
{
	struct ifreq ifr = { .ifr_data = request };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* The size is asked for first, and may have changed when it is used. */
static int reta_ioctl(int fd, const char *ifname, uint32_t **reta)
{
	struct ethtool_rxfh_indir head = { .cmd = ETHTOOL_GRXFHINDIR };
	struct ethtool_rxfh_indir *full;
	int ret;

	ret = ethtool_ioctl(fd, ifname, &head);
	if (ret)
		return ret;
	if (!head.size || head.size > UINT16_MAX)
		return -EOPNOTSUPP;

	full = xrealloc(NULL, sizeof(*full) + head.size * sizeof(uint32_t), 1);
	full->cmd = ETHTOOL_GRXFHINDIR;
	full->size = head.size;
	ret = ethtool_ioctl(fd, ifname, full);
	if (!ret) {
		*reta = xrealloc(NULL, head.size, sizeof(uint32_t));
		memcpy(*reta, full->ring_index, head.size * sizeof(uint32_t));
		ret = head.size;
	}
	free(full);
	return ret;
}

/**
 * facts_read_reta() - read the RSS indirection table
 * @ifname: the interface
 * @reta: gets the table, a queue for each entry; to be freed
 *
 * Return: its number of entries, or a negative errno, and *@reta is left
 * alone: -EOPNOTSUPP if there is no such table.
 */
int facts_read_reta(const char *ifname, uint32_t **reta)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = reta_ioctl(fd, ifname, reta);
	close(fd);
	return ret;
}
