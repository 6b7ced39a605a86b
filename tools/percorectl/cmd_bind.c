// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl bind, release: a NIC from igb to igb_percore, and back
 *
 *   caller                        worker (own session, blocks signals)
 *   checks, keeps what is there
 *   fork -----------------------> move, put back, wait for link and peers
 *   waits                           | works       | does not
 *      ^                            v             v
 *      '--- what happened ------- done          move back, put back
 *
 * The network that the caller's terminal came over may be the one that goes, so
 * the worker needs neither: it ends what it has begun, one way or the other, and
 * says in the system's log how.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "nic.h"

/**
 * struct outcome - what the worker says at its end
 * @status: exit status
 * @down_ms: how long the NIC did not work
 * @text: why not, if not
 */
struct outcome {
	int status;
	unsigned int down_ms;
	char text[1024];
};

/**
 * struct move - what is to be done
 * @verb: as the user calls it
 * @to: the driver
 * @from: the one that it has
 * @override: driver_override for @to
 * @timeout_ms: for link and peers
 */
struct move {
	const char *verb;
	const char *to;
	const char *from;
	const char *override;
	unsigned int timeout_ms;
};

static int move_there(struct nic *nic, const struct move *m)
{
	uint64_t deadline_ms;

	if (nic_move(nic, m->to, m->override) || nic_restore(nic))
		return -1;
	deadline_ms = now_ms() + m->timeout_ms;
	if (nic_link_wait(nic, deadline_ms) || nic_neighs_restore(nic))
		return -1;
	return nic_peers_wait(nic, deadline_ms);
}

/* As much as can be, whatever fails of it */
static int move_back(struct nic *nic, const struct move *m)
{
	int ret;

	if (nic_move(nic, m->from, nic->override))
		return -1;
	ret = nic_restore(nic);
	ret |= nic_link_wait(nic, now_ms() + m->timeout_ms);
	return ret | nic_neighs_restore(nic);
}

static void move_do(struct nic *nic, const struct move *m, struct outcome *o)
{
	uint64_t start = now_ms();
	char why[sizeof(nic->why)];

	o->status = STATUS_OK;
	if (move_there(nic, m)) {
		memcpy(why, nic->why, sizeof(why));
		nic->why[0] = '\0';
		if (move_back(nic, m)) {
			o->status = STATUS_STUCK;
			snprintf(o->text, sizeof(o->text),
				 "%s; the way back failed, too: %s", why,
				 nic->why);
		} else {
			o->status = STATUS_FAILED;
			snprintf(o->text, sizeof(o->text),
				 "%s; %s has it again, with all that was there",
				 why, m->from);
		}
	}
	o->down_ms = now_ms() - start;
}

/* No terminal, no signal but SIGKILL, no file of the caller but the pipe */
static void detach(void)
{
	sigset_t all;
	int null;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (chdir("/"))
		return;
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

static void worker(struct nic *nic, const struct move *m, int to_caller)
{
	struct outcome o = {};

	detach();
	openlog("percorectl", LOG_PID, LOG_DAEMON);
	syslog(LOG_NOTICE, "%s %s: %s from %s to %s", m->verb, nic->name,
	       nic->pci, m->from, m->to);
	/* A port number of its own: the caller's socket would get the answers */
	genl_close(&nic->rtnl);
	if (nic_rtnl_open(nic)) {
		o.status = STATUS_FAILED;
		memcpy(o.text, nic->why, sizeof(nic->why));
	} else {
		move_do(nic, m, &o);
	}
	syslog(o.status ? LOG_ERR : LOG_NOTICE, "%s %s: %s", m->verb,
	       nic->name, o.status ? o.text : "done");
	/* The caller may have gone; then nobody reads it. */
	if (write(to_caller, &o, sizeof(o)) < 0)
		_exit(STATUS_FAILED);
	_exit(o.status);
}

/* Return: 0, or -1 if the worker could not be started. */
static int in_background(struct nic *nic, const struct move *m,
			 struct outcome *o)
{
	int fd[2], ret;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return nic_fail(nic, "no pipe: %s", strerror(errno));
	pid = fork();
	if (!pid)
		worker(nic, m, fd[1]);
	ret = errno;
	close(fd[1]);
	if (pid > 0) {
		do {
			ret = read(fd[0], o, sizeof(*o));
		} while (ret < 0 && errno == EINTR);
		waitpid(pid, NULL, 0);
	}
	close(fd[0]);
	if (pid < 0)
		return nic_fail(nic, "no process: %s", strerror(ret));
	if (ret != sizeof(*o)) {
		o->status = STATUS_STUCK;
		snprintf(o->text, sizeof(o->text),
			 "the process that moved it was killed");
	}
	return 0;
}

static int result_print(const struct options *opt, const struct nic *nic,
			const struct move *m, bool moved, unsigned int down_ms)
{
	if (opt->json)
		return json_print(json_pack("{s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:i, s:i}",
			"ifname", nic->name, "done", m->verb, "pci", nic->pci,
			"driver", m->to, "moved", moved,
			"vlans", moved ? (int)nic->n_ifaces - 1 : 0,
			"addresses", (int)nic->addrs.n,
			"routes", (int)nic->routes.n,
			"down_ms", (int)down_ms));
	if (!moved)
		printf("%s (%s): %s has it already\n", nic->name, nic->pci,
		       m->to);
	else
		printf("%s (%s): from %s to %s in %u.%03u s, with %zu addresses, %zu routes, %zu VLANs\n",
		       nic->name, nic->pci, m->from, m->to, down_ms / 1000,
		       down_ms % 1000, nic->addrs.n, nic->routes.n,
		       nic->n_ifaces - 1);
	return STATUS_OK;
}

static int driver_missing(const struct move *m, const struct nic *nic)
{
	error_print("%s %s: %s is not loaded (try: modprobe %s)", m->verb,
		    nic->name, m->to, m->to);
	return STATUS_NO_MODULE;
}

static bool permitted(const struct nic *nic)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override",
		 nic->pci);
	return !geteuid() && !access(path, W_OK);
}

static int failed(const struct move *m, const struct nic *nic,
		  const char *why, int status)
{
	error_print("%s %s: %s", m->verb, nic->name, why);
	return status;
}

/* All that can be known is asked before anything happens. */
static int move_run(const struct options *opt, struct nic *nic,
		    const struct move *m)
{
	struct outcome o = { .status = STATUS_FAILED };
	bool may = permitted(nic);
	char path[128];

	if (may && nic_lock(nic))
		return failed(m, nic, nic->why, STATUS_FAILED);
	if (!strcmp(nic->driver, m->to))
		return result_print(opt, nic, m, false, 0);
	if (strcmp(nic->driver, m->from)) {
		error_print("%s %s: its driver is %s, not %s", m->verb,
			    nic->name, *nic->driver ? nic->driver : "none",
			    m->from);
		return STATUS_FAILED;
	}
	if (!may)
		return failed(m, nic, "not permitted", STATUS_PERMISSION);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", m->to);
	if (access(path, F_OK))
		return driver_missing(m, nic);
	if (nic_fit(nic, m->to) || nic_save(nic) || nic_peers_check(nic) ||
	    in_background(nic, m, &o))
		return failed(m, nic, nic->why, STATUS_FAILED);
	if (o.status)
		return failed(m, nic, o.text, o.status);
	return result_print(opt, nic, m, true, o.down_ms);
}

static int move_cmd(const struct options *opt, const char *dev, struct move m)
{
	struct nic nic;
	int status;

	m.timeout_ms = opt->timeout_s * 1000;
	status = nic_open(&nic, dev);
	nic.peers = opt->peers;
	nic.n_peers = opt->n_peers;
	if (status == -ENODEV) {
		status = ifname_error(dev);
	} else if (status) {
		status = failed(&m, &nic, nic.why, STATUS_FAILED);
	} else {
		status = move_run(opt, &nic, &m);
	}
	nic_close(&nic);
	return status;
}

/**
 * cmd_bind() - percorectl bind DEV
 * @opt: global options, peers, timeout
 * @argc: 1
 * @argv: the device
 *
 * Return: exit status.
 */
int cmd_bind(const struct options *opt, int argc, char **argv)
{
	(void)argc;
	return move_cmd(opt, argv[0], (struct move){
		.verb = "bind", .from = NIC_STOCK, .to = NIC_OURS,
		.override = NIC_OURS,
	});
}

/**
 * cmd_release() - percorectl release DEV
 * @opt: global options, peers, timeout
 * @argc: 1
 * @argv: the device
 *
 * Return: exit status.
 */
int cmd_release(const struct options *opt, int argc, char **argv)
{
	(void)argc;
	return move_cmd(opt, argv[0], (struct move){
		.verb = "release", .from = NIC_OURS, .to = NIC_STOCK,
		.override = "",
	});
}
