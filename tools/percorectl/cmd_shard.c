// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl shard: whether listening sockets are to have shards, whatever the
 * sysctls say
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/percore.h>

#include "percorectl.h"

static const char *const wishes[] = {
	[PERCORE_SHARD_WISH_DEFAULT] = "default",
	[PERCORE_SHARD_WISH_ON] = "on",
	[PERCORE_SHARD_WISH_OFF] = "off",
};

static int wish_parse(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wishes); i++)
		if (!strcmp(word, wishes[i]))
			return i;
	return -1;
}

/* Return: the port, or 0. */
static uint16_t port_parse(const char *word)
{
	unsigned long n;
	char *end;

	if (*word < '0' || *word > '9')
		return 0;
	errno = 0;
	n = strtoul(word, &end, 10);
	return errno || *end || n > UINT16_MAX ? 0 : n;
}

/**
 * cmd_shard() - percorectl shard on|off|default PORT
 * @opt: global options
 * @argc: 2
 * @argv: the wish, the port
 *
 * Return: exit status.
 */
int cmd_shard(const struct options *opt, int argc, char **argv)
{
	uint16_t port = port_parse(argv[1]);
	int ret, wish = wish_parse(argv[0]);
	struct genl g;

	(void)argc;
	if (wish < 0) {
		text_sanitize(argv[0]);
		error_print("'%s' is not one of on, off, default", argv[0]);
		return STATUS_USAGE;
	}
	if (!port) {
		text_sanitize(argv[1]);
		error_print("'%s' is not a port from 1 to 65535", argv[1]);
		return STATUS_USAGE;
	}
	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret) {
		const struct genl_attr attrs[GENL_ATTRS] = {
			{ PERCORE_A_LISTENER_PORT, sizeof(uint16_t), port },
			{ PERCORE_A_LISTENER_SHARD, sizeof(uint32_t), wish },
		};

		ret = genl_do_with(&g, PERCORE_CMD_LISTENER_SET, attrs);
	}
	genl_close(&g);
	if (ret)
		return genl_error(&g, ret, "shard");
	if (opt->json)
		return json_print(json_pack("{s:i, s:s}", "port", port,
					    "shard", wishes[wish]));
	return STATUS_OK;
}
