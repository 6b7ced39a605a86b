// SPDX-License-Identifier: GPL-2.0
/*
 * parity.c - runs one case of the parity test in a network namespace
 *
 *	parity list			name, "sharded" column and claim of each
 *	parity run [-n] [-s 0|1] CASE	runs a case; -n: in a new namespace
 *					with lo up; -s: with this listen_shard
 *
 * With $PERCORECTL set to a percorectl, and -s, a case fails with exit code 6
 * where its listener was not sharded though it had to be. Exit code 4: the
 * kernel lacks what the case needs; 5: the case hung.
 */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "parity.h"
#include "cases.h"

enum { WATCHDOG_S = 30 };

#define CASE(fn, sharded, claim) { #fn, sharded, fn, claim },
static const struct parity_case cases[] = { PARITY_CASES };
#undef CASE

enum { NCASES = sizeof(cases) / sizeof(cases[0]) };

static void hung(int sig)
{
	static const char text[] = "HUNG\n";

	(void)sig;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(EXIT_HUNG);
}

static void new_netns(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET))
		die("unshare");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		die("lo up");
	close(fd);
}

/* Longer than a connection waits for its own core, if percore is there */
static void find_linger(void)
{
	FILE *f = fopen("/proc/sys/net/percore/listen_steal_us", "r");
	int us;

	if (!f)
		return;
	if (fscanf(f, "%d", &us) == 1 && 4 * us / 1000 > linger_ms)
		linger_ms = 4 * us / 1000;
	fclose(f);
}

static int run(const struct parity_case *c, bool netns, const char *shard)
{
	struct rlimit nofile = { 4096, 4096 }, core = { 0, 0 };
	int status;

	setrlimit(RLIMIT_NOFILE, &nofile);
	setrlimit(RLIMIT_CORE, &core);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, hung);
	alarm(WATCHDOG_S);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	pin(0);
	if (netns)
		new_netns();
	find_linger();
	if (shard) {
		setenv("LISTEN_SHARD", shard, 1);
		if (!sysctl_write("net/percore/listen_shard", shard))
			die("net.percore.listen_shard");
	}
	enter("");
	c->run();
	status = finish_sharded(c->sharded);
	fflush(stdout);
	return status;
}

/* The other program of share_exec: serves descriptor 3, @n connections */
static int serve(int n)
{
	int fd;

	pin(0);
	while (n-- > 0) {
		fd = take(3);
		if (fd < 0 || send(fd, "s", 1, MSG_NOSIGNAL) != 1)
			return 1;
		close(fd);
	}
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: parity list\n"
		"       parity run [-n] [-s 0|1] CASE\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *shard = NULL;
	bool netns = false;
	int opt, i;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (i = 0; i < NCASES; i++)
			printf("%s %s %s\n", cases[i].name,
			       cases[i].sharded == YES ? "yes" : "any",
			       cases[i].claim);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc < 3 || strcmp(argv[1], "run"))
		return usage();
	for (optind = 2; (opt = getopt(argc, argv, "ns:")) != -1; ) {
		if (opt == 'n')
			netns = true;
		else if (opt == 's')
			shard = optarg;
		else
			return usage();
	}
	for (i = 0; optind == argc - 1 && i < NCASES; i++)
		if (!strcmp(cases[i].name, argv[optind]))
			return run(&cases[i], netns, shard);
	return usage();
}
