// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl status: the module and its settings
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/percore.h>

#include "percorectl.h"

#define SYSCTL_DIR	"/proc/sys/net/percore"

/* listen_ports lists every port in the worst case. */
#define SYSCTL_MAX	(512 * 1024)

/**
 * status_decode() - decode an answer to PERCORE_CMD_STATUS_GET
 * @attrs: PERCORE_A_STATUS_*
 * @len: bytes
 * @data: struct module_status, gets what is there
 *
 * Return: 0, or -EBADMSG.
 */
int status_decode(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[PERCORE_A_STATUS_MAX + 1];
	struct module_status *s = data;
	int ret;

	ret = attr_table(attrs, len, tb, PERCORE_A_STATUS_MAX);
	if (ret)
		return ret;
	ret = attr_string(tb[PERCORE_A_STATUS_VERSION], s->version,
			  sizeof(s->version));
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_LISTEN_SHARD],
			      &s->listen_shard);
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_LISTEN_STEAL_US],
			      &s->listen_steal_us);
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_LISTENERS], &s->listeners);
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_PORTS], &s->ports);
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_CPUS], &s->cpus);
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_TSQ_SOCKETS],
			      &s->tsq_sockets);
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_CONNECTS_PLACED],
			      &s->connects_placed);
	ret = ret ?: attr_val(tb[PERCORE_A_STATUS_CONNECTS_LEFT],
			      &s->connects_left);
	return ret ?: attr_val(tb[PERCORE_A_STATUS_CONNECTS_LOST],
			       &s->connects_lost);
}

/* Numbers become integers, anything else stays a string. */
static json_t *sysctl_value(char *text)
{
	json_int_t n;
	char *end;

	text[strcspn(text, "\n")] = '\0';
	n = strtoll(text, &end, 10);
	if (end != text && !*end)
		return json_integer(n);
	text_sanitize(text);
	return json_string(text);
}

static int entry_is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/*
 * Whatever sysctls the module has, also those newer than this program.  procfs
 * shows those of the namespace of the task that reads, as netlink does.
 */
static json_t *sysctls_read(const struct module_status *s)
{
	json_t *sysctls = json_object();
	char *text = xrealloc(NULL, SYSCTL_MAX, 1);
	struct dirent **entries;
	int i, n;

	n = scandir(SYSCTL_DIR, &entries, entry_is_visible, alphasort);
	for (i = 0; i < n; i++) {
		if (!facts_read_text(text, SYSCTL_MAX, "%s/%s", SYSCTL_DIR,
				     entries[i]->d_name))
			json_object_set_new(sysctls, entries[i]->d_name,
					    sysctl_value(text));
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	free(text);

	/* procfs need not be there. */
	if (s->listen_shard.known)
		json_object_set_new(sysctls, "listen_shard",
				    json_val(s->listen_shard));
	if (s->listen_steal_us.known)
		json_object_set_new(sysctls, "listen_steal_us",
				    json_val(s->listen_steal_us));
	return sysctls;
}

static json_t *status_json(const struct module_status *s)
{
	json_t *root = json_object();

	json_object_set_new(root, "version", s->version[0] ?
			    json_string(s->version) : json_null());
	json_object_set_new(root, "sysctl", sysctls_read(s));
	json_object_set_new(root, "listeners", json_val(s->listeners));
	json_object_set_new(root, "ports", json_val(s->ports));
	json_object_set_new(root, "cpus", json_val(s->cpus));
	json_object_set_new(root, "tsq_sockets", json_val(s->tsq_sockets));
	json_object_set_new(root, "connects_placed",
			    json_val(s->connects_placed));
	json_object_set_new(root, "connects_left", json_val(s->connects_left));
	json_object_set_new(root, "connects_lost", json_val(s->connects_lost));
	return root;
}

static void row_print(const char *name, const json_t *value)
{
	if (json_is_integer(value))
		printf("%-28s%lld\n", name,
		       (long long)json_integer_value(value));
	else if (json_is_string(value))
		printf("%-28s%s\n", name, json_string_value(value));
	else
		printf("%-28s-\n", name);
}

static void status_print(json_t *root)
{
	static const char * const rows[] = {
		"listeners", "ports", "cpus", "tsq_sockets", "connects_placed",
		"connects_left", "connects_lost",
	};
	const char *key;
	char name[64];
	json_t *value;
	size_t i;

	row_print("percore", json_object_get(root, "version"));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		row_print(rows[i], json_object_get(root, rows[i]));
	json_object_foreach(json_object_get(root, "sysctl"), key, value) {
		snprintf(name, sizeof(name), "net.percore.%s", key);
		row_print(name, value);
	}
	json_decref(root);
}

/**
 * cmd_status() - percorectl status
 * @opt: global options
 * @argc: 0
 * @argv: none
 *
 * Return: exit status.
 */
int cmd_status(const struct options *opt, int argc, char **argv)
{
	struct module_status s = {};
	struct genl g;
	int ret;

	(void)argc;
	(void)argv;
	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret)
		ret = genl_do(&g, PERCORE_CMD_STATUS_GET, status_decode, &s);
	genl_close(&g);
	if (ret)
		return genl_error(&g, ret, "status");

	if (opt->json)
		return json_print(status_json(&s));
	status_print(status_json(&s));
	return STATUS_OK;
}
