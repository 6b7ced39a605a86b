// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl: the command line
 *
 * Global options stand before or after the verb.  What is left after the verb
 * belongs to it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nic.h"
#include "percorectl.h"

#ifndef PERCORECTL_VERSION
#define PERCORECTL_VERSION	"unknown"
#endif

static const struct command commands[] = {
	{
		.name = "status",
		.args = "",
		.help = "module version, sysctls, what it looks after",
		.run = cmd_status,
	},
	{
		.name = "listeners",
		.args = "",
		.help = "sharded listeners, core by core",
		.run = cmd_listeners,
	},
	{
		.name = "shard",
		.args = "WISH PORT",
		.help = "on, off or default for listeners at a port",
		.min_args = 2,
		.max_args = 2,
		.needs = "a wish and a port are needed",
		.run = cmd_shard,
	},
	{
		.name = "ports",
		.args = "",
		.help = "queues of each NIC, and whether all agrees",
		.run = cmd_ports,
	},
	{
		.name = "plan",
		.args = "DEV",
		.help = "what apply would do to a NIC, and why",
		.min_args = 1,
		.max_args = 1,
		.run = cmd_plan,
	},
	{
		.name = "apply",
		.args = "DEV",
		.help = "apply the plan of a NIC, and keep it",
		.min_args = 1,
		.max_args = 1,
		.run = cmd_apply,
	},
	{
		.name = "revert",
		.args = "DEV",
		.help = "put back what was there before apply",
		.min_args = 1,
		.max_args = 1,
		.run = cmd_revert,
	},
	{
		.name = "bind",
		.args = "DEV",
		.help = "move a NIC from igb to igb_percore",
		.min_args = 1,
		.max_args = 1,
		.moves = true,
		.run = cmd_bind,
	},
	{
		.name = "release",
		.args = "DEV",
		.help = "move it back to igb",
		.min_args = 1,
		.max_args = 1,
		.moves = true,
		.run = cmd_release,
	},
	{
		.name = "tsq",
		.args = "",
		.help = "transmit queues, and what TCP keeps in them",
		.run = cmd_tsq,
	},
	{
		.name = "top",
		.args = "[SEC]",
		.help = "what the listeners do now, live on a terminal",
		.max_args = 1,
		.run = cmd_top,
	},
	{
		.name = "monitor",
		.args = "",
		.help = "what the module decides, as it does",
		.run = cmd_monitor,
	},
};

static void help_print(void)
{
	const struct command *c;

	printf("Usage: percorectl [--json] COMMAND\n\nCommands:\n");
	for (c = commands; c < commands + ARRAY_SIZE(commands); c++)
		printf("  %s%s%-*s%s\n", c->name, *c->args ? " " : "",
		       (int)(14 - strlen(c->name) - !!*c->args), c->args,
		       c->help);
	printf("\nOptions:\n"
	       "  -j, --json     print JSON\n"
	       "  -h, --help     print this and exit\n"
	       "  -V, --version  print the version and exit\n"
	       "\n"
	       "Options of bind and release:\n"
	       "  --peer ADDR    also wants an answer of ADDR, or rolls back\n"
	       "  --timeout SEC  how long link and peers may take (%d)\n"
	       "\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage, 3 module not loaded,\n"
	       "4 not permitted, 5 a NIC could neither be moved nor moved back\n",
	       TIMEOUT_DEFAULT_S);
}

static const struct command *command_find(const char *name)
{
	const struct command *c;

	for (c = commands; c < commands + ARRAY_SIZE(commands); c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static bool is_option(const char *arg, const char *brief, const char *full)
{
	return !strcmp(arg, brief) || !strcmp(arg, full);
}

/* @arg: what is wrong with the command line, NULL if something is missing */
static int usage_error(const char *what, const char *arg)
{
	char text[64];

	if (!arg) {
		error_print("%s (try: percorectl --help)", what);
		return STATUS_USAGE;
	}
	snprintf(text, sizeof(text), "%s", arg);
	text_sanitize(text);
	error_print("%s '%s' (try: percorectl --help)", what, text);
	return STATUS_USAGE;
}

static int command_run(const struct options *opt, int argc, char **argv)
{
	const struct command *c;

	if (!argc)
		return usage_error("no command", NULL);
	c = command_find(argv[0]);
	if (!c)
		return usage_error("unknown command", argv[0]);
	if (argc - 1 > c->max_args)
		return usage_error("unexpected argument",
				   argv[1 + c->max_args]);
	if (argc - 1 < c->min_args)
		return usage_error(c->needs ?: "a device is needed", NULL);
	if (opt->moves && !c->moves)
		return usage_error("unknown option", opt->moves);
	return c->run(opt, argc - 1, argv + 1);
}

static bool takes_value(const char *arg)
{
	return !strcmp(arg, "--peer") || !strcmp(arg, "--timeout");
}

/* An option of bind and release. Return: exit status. */
static int option_take(struct options *opt, const char *name, const char *value)
{
	unsigned long timeout;
	char *end;

	if (!opt->moves)
		opt->moves = name;
	if (!value)
		return usage_error("no value for", name);
	if (!strcmp(name, "--peer")) {
		if (!peer_valid(value))
			return usage_error("no IP address, or a link-local one without %interface:",
					   value);
		if (opt->n_peers == PEERS_MAX)
			return usage_error("more than 8 peers:", value);
		opt->peers[opt->n_peers++] = value;
		return STATUS_OK;
	}
	errno = 0;
	timeout = strtoul(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno || !timeout ||
	    timeout > TIMEOUT_MAX_S)
		return usage_error("--timeout takes 1 to 3600 seconds, not",
				   value);
	opt->timeout_s = timeout;
	return STATUS_OK;
}

/* A full disk must not look like a list without listeners. */
static int stdout_close(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		error_print("cannot write to standard output");
		return status ?: STATUS_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct options opt = { .timeout_s = TIMEOUT_DEFAULT_S };
	bool options = true;
	int i, n = 0, status;

	/* Gather in argv[0..n) what is not a global option. */
	for (i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!options || arg[0] != '-' || !arg[1]) {
			argv[n++] = argv[i];
		} else if (!strcmp(arg, "--")) {
			options = false;
		} else if (is_option(arg, "-j", "--json")) {
			opt.json = true;
		} else if (is_option(arg, "-h", "--help")) {
			help_print();
			return stdout_close(STATUS_OK);
		} else if (is_option(arg, "-V", "--version")) {
			printf("percorectl %s\n", PERCORECTL_VERSION);
			return stdout_close(STATUS_OK);
		} else if (takes_value(arg)) {
			status = option_take(&opt, arg, argv[++i]);
			if (status)
				return status;
		} else {
			return usage_error("unknown option", arg);
		}
	}
	return stdout_close(command_run(&opt, n, argv));
}
