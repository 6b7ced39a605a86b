// SPDX-License-Identifier: GPL-2.0
/*
 * lib_proc.c - what proc and other programs say, for the parity cases
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include "parity.h"

/* @name below /proc/sys, with slashes or dots */
bool sysctl_write(const char *name, const char *value)
{
	char path[128];
	ssize_t n;
	int fd, i;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	for (i = sizeof("/proc/sys"); path[i]; i++)
		if (path[i] == '.')
			path[i] = '/';
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	n = write(fd, value, strlen(value));
	close(fd);
	return n == (ssize_t)strlen(value);
}

/* Skips the case where the kernel has no such knob */
void sysctl_need(const char *name, const char *value)
{
	if (!sysctl_write(name, value))
		skip("sysctl %s=%s: %s", name, value, strerrorname_np(errno));
}

/* Finds @name in the line of names, and its value in the next line */
static long pick(char *names, char *values, const char *name)
{
	char *n, *v, *nsave, *vsave;

	n = strtok_r(names, " \n", &nsave);
	v = strtok_r(values, " \n", &vsave);
	while (n && v) {
		if (!strcmp(n, name))
			return atol(v);
		n = strtok_r(NULL, " \n", &nsave);
		v = strtok_r(NULL, " \n", &vsave);
	}
	return -1;
}

static long pick_file(const char *path, const char *group, const char *name)
{
	char names[8192], values[8192];
	size_t len = strlen(group);
	FILE *f = fopen(path, "r");
	long found = -1;

	while (f && found < 0 && fgets(names, sizeof(names), f) &&
	       fgets(values, sizeof(values), f))
		if (!strncmp(names, group, len) && names[len] == ':')
			found = pick(names, values, name);
	if (f)
		fclose(f);
	return found;
}

/* A counter of /proc/net/netstat or snmp, of the netns of this thread */
long netstat(const char *group, const char *name)
{
	bool ext = strstr(group, "Ext");

	return pick_file(ext ? "/proc/thread-self/net/netstat" :
			 "/proc/thread-self/net/snmp", group, name);
}

/* A field of the TCP line of sockstat, or of the TCP6 line of sockstat6 */
long sockstat(const char *line_name, const char *name)
{
	size_t len = strlen(line_name);
	char line[256], *word, *save;
	long found = -1;
	FILE *f;

	f = fopen(strcmp(line_name, "TCP6") ? "/proc/thread-self/net/sockstat" :
		  "/proc/thread-self/net/sockstat6", "r");
	while (f && found < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, line_name, len) || line[len] != ':')
			continue;
		for (word = strtok_r(line + len + 1, " \n", &save); word;
		     word = strtok_r(NULL, " \n", &save))
			if (!strcmp(word, name))
				found = atol(strtok_r(NULL, " \n", &save));
	}
	if (f)
		fclose(f);
	return found;
}

/*
 * Entries of /proc/net/tcp and tcp6 with local port @port in @state (a number
 * as in ST_LISTEN); with @buf also the last one found.
 */
int proc_tcp_line(int port, int state, char *buf, size_t len)
{
	static const char *const file[] = { "tcp", "tcp6" };
	char path[64], line[512];
	unsigned int p, st, found = 0;
	FILE *f;
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/thread-self/net/%s",
			 file[i]);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x"
				   " %x", &p, &st) != 2 ||
			    (int)p != port || (int)st != state)
				continue;
			found++;
			if (buf)
				snprintf(buf, len, "%s", line);
		}
		if (f)
			fclose(f);
	}
	return found;
}

int proc_tcp_count(int port, int state)
{
	return proc_tcp_line(port, state, NULL, 0);
}

/* Runs a command; its output, and its exit code (127: not there) */
int tool(char *out, size_t len, const char *fmt, ...)
{
	size_t used = 0, n;
	char cmd[512];
	va_list ap;
	int status;
	FILE *p;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	p = popen(cmd, "r");
	if (!p)
		die("popen");
	while (used + 1 < len && (n = fread(out + used, 1, len - used - 1, p)))
		used += n;
	out[used] = 0;
	status = pclose(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Most CPUs on which a checked listener took SYNs; -1: none was checked */
static int *most_cpus;
static int *found_listed;

/* In the part of the JSON that belongs to @port: cores with SYNs */
static int cores_with_syns(const char *json, int port)
{
	const char *p = json, *end, *s;
	int cores = 0;

	while ((p = strstr(p, "\"port\":"))) {
		p += strlen("\"port\":");
		if (atoi(p) != port)
			continue;
		end = strstr(p, "\"port\":");
		for (s = p; (s = strstr(s, "\"syns\":")); ) {
			s += strlen("\"syns\":");
			if (end && s > end)
				break;
			cores += atol(s) > 0;
		}
		*found_listed = 1;
	}
	return cores;
}

static int cores_needed(void)
{
	return ncpu > 1 ? 2 : 1;
}

static bool expect_sharded(void)
{
	const char *mode = getenv("LISTEN_SHARD");

	return mode && atoi(mode);
}

/*
 * Called by a case while a listener lives that got connections from all CPUs.
 * Prints nothing: a case must print the same in either mode.
 */
void check_sharded(int lfd)
{
	const char *ctl = getenv("PERCORECTL");
	char json[65536];
	int cores;

	if (!ctl || !*ctl)
		return;
	if (most_cpus && (*most_cpus >= cores_needed() || !expect_sharded()))
		return;			/* seen already */
	if (!most_cpus) {
		most_cpus = shared_mem(2 * sizeof(int));
		found_listed = most_cpus + 1;
		*most_cpus = -1;
	}
	if (tool(json, sizeof(json), "%s listeners --json", ctl)) {
		fprintf(stderr, "%s failed\n", ctl);
		return;
	}
	cores = cores_with_syns(json, local_port(lfd));
	if (cores > *most_cpus)
		*most_cpus = cores;
}

/*
 * The exit code of a case: with $LISTEN_SHARD 1, one that wants a sharded
 * listener had one with SYNs on two CPUs; with 0, percorectl listed none.
 */
int finish_sharded(enum sharded want)
{
	const char *ctl = getenv("PERCORECTL");

	if (!ctl || !*ctl || !getenv("LISTEN_SHARD"))
		return 0;
	if (!expect_sharded() && most_cpus && *found_listed) {
		fprintf(stderr, "sharded although listen_shard is 0\n");
		return EXIT_NOT_SHARDED;
	}
	if (expect_sharded() && want == YES && !most_cpus) {
		fprintf(stderr, "the case never looked for shards\n");
		return EXIT_NOT_SHARDED;
	}
	if (expect_sharded() && want == YES && *most_cpus < cores_needed()) {
		fprintf(stderr, "SYNs on %d cores of the listener, not %d\n",
			*most_cpus, cores_needed());
		return EXIT_NOT_SHARDED;
	}
	return 0;
}
