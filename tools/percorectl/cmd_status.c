// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl status: the module and its settings
 */
#include <dirent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/percore.h>

#include "percorectl.h"

#define SYSCTL_DIR	"/proc/sys/net/percore"

/* listen_ports lists every port in the worst case. */
#define SYSCTL_MAX	(512 * 1024)

/* In the order of rows; settings are shown as sysctls, see sysctls_read() */
static const struct {
	const char *name;
	unsigned int attr;
	size_t at;
	bool setting;
} numbers[] = {
#define NUMBER(attr, member, setting) \
	{ #member, PERCORE_A_STATUS_##attr, \
	  offsetof(struct module_status, member), setting }
	NUMBER(LISTEN_SHARD, listen_shard, true),
	NUMBER(LISTEN_STEAL_US, listen_steal_us, true),
	NUMBER(LISTENERS, listeners, false),
	NUMBER(PORTS, ports, false),
	NUMBER(CPUS, cpus, false),
	NUMBER(TSQ_SOCKETS, tsq_sockets, false),
	NUMBER(ATTACHED, attached, false),
	NUMBER(DETACHED, detached, false),
	NUMBER(SYNS, syns, false),
	NUMBER(ACCEPTS_LOCAL, accepts_local, false),
	NUMBER(ACCEPTS_STOLEN, accepts_stolen, false),
	NUMBER(SPILLED, spilled, false),
	NUMBER(CONNECTS_PLACED, connects_placed, false),
	NUMBER(CONNECTS_LEFT, connects_left, false),
	NUMBER(CONNECTS_LOST, connects_lost, false),
	NUMBER(HEALED, healed, false),
	NUMBER(TSQ_CHANGES, tsq_changes, false),
};

static struct val *number_of(const struct module_status *s, size_t i)
{
	return (struct val *)((char *)s + numbers[i].at);
}

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
	size_t i;
	int ret;

	ret = attr_table(attrs, len, tb, PERCORE_A_STATUS_MAX);
	if (ret)
		return ret;
	ret = attr_string(tb[PERCORE_A_STATUS_VERSION], s->version,
			  sizeof(s->version));
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		ret = ret ?: attr_val(tb[numbers[i].attr], number_of(s, i));
	return ret;
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
	size_t j;
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
	for (j = 0; j < ARRAY_SIZE(numbers); j++)
		if (numbers[j].setting && number_of(s, j)->known)
			json_object_set_new(sysctls, numbers[j].name,
					    json_val(*number_of(s, j)));
	return sysctls;
}

static json_t *status_json(const struct module_status *s)
{
	json_t *root = json_object();
	size_t i;

	json_object_set_new(root, "version", s->version[0] ?
			    json_string(s->version) : json_null());
	json_object_set_new(root, "sysctl", sysctls_read(s));
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!numbers[i].setting)
			json_object_set_new(root, numbers[i].name,
					    json_val(*number_of(s, i)));
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
	const char *key;
	char name[64];
	json_t *value;
	size_t i;

	row_print("percore", json_object_get(root, "version"));
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!numbers[i].setting)
			row_print(numbers[i].name,
				  json_object_get(root, numbers[i].name));
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
