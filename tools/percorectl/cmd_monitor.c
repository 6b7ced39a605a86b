// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl monitor: what the module decides, as it does
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/percore.h>

#include "percorectl.h"

static const char * const event_names[] = {
	[PERCORE_EVENT_ATTACH] = "attach",
	[PERCORE_EVENT_DETACH] = "detach",
	[PERCORE_EVENT_STEER] = "steer",
	[PERCORE_EVENT_REVERT] = "revert",
	[PERCORE_EVENT_DRIFT] = "drift",
	[PERCORE_EVENT_TSQ] = "tsq",
};

/**
 * event_decode() - take one PERCORE_CMD_EVENT message
 * @attrs: PERCORE_A_EVENT_*
 * @len: bytes
 * @data: struct event, gets it; its listeners are to be reset in any case
 *
 * Return: 0 or -EBADMSG.
 */
int event_decode(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[PERCORE_A_EVENT_MAX + 1];
	struct event *event = data;
	const struct nlattr *nest;
	int ret;

	*event = (struct event){};
	ret = attr_table(attrs, len, tb, PERCORE_A_EVENT_MAX);
	if (ret)
		return ret;
	ret = attr_val(tb[PERCORE_A_EVENT_WHAT], &event->what);
	ret = ret ?: attr_val(tb[PERCORE_A_EVENT_IFINDEX], &event->ifindex);
	ret = ret ?: attr_string(tb[PERCORE_A_EVENT_IFNAME], event->ifname,
				 sizeof(event->ifname));
	ret = ret ?: attr_string(tb[PERCORE_A_EVENT_SETTING], event->setting,
				 sizeof(event->setting));
	ret = ret ?: attr_val(tb[PERCORE_A_EVENT_INDEX], &event->index);
	ret = ret ?: attr_val(tb[PERCORE_A_EVENT_SHIFT], &event->shift);
	nest = tb[PERCORE_A_EVENT_LISTENER];
	if (!ret && nest)
		ret = listeners_decode(mnl_attr_get_payload(nest),
				       mnl_attr_get_payload_len(nest),
				       &event->listeners);
	return ret;
}

static const char *event_name(const struct event *event)
{
	if (!event->what.known || event->what.n >= ARRAY_SIZE(event_names))
		return "unknown";
	return event_names[event->what.n];
}

/**
 * event_json() - turn an event into JSON
 * @event: the event
 * @at: when it was read
 *
 * Return: object, a new reference.
 */
json_t *event_json(const struct event *event, const struct timespec *at)
{
	json_t *root = json_object();

	json_object_set_new(root, "time",
			    json_real(at->tv_sec + at->tv_nsec / 1e9));
	json_object_set_new(root, "event", json_string(event_name(event)));
	if (event->listeners.n)
		json_object_set_new(root, "listener",
				    listener_name_json(event->listeners.list));
	if (event->ifindex.known) {
		json_object_set_new(root, "ifindex", json_val(event->ifindex));
		json_object_set_new(root, "ifname", json_string(event->ifname));
	}
	if (event->setting[0])
		json_object_set_new(root, "setting",
				    json_string(event->setting));
	if (event->index.known)
		json_object_set_new(root, "index", json_val(event->index));
	if (event->shift.known)
		json_object_set_new(root, "shift", json_val(event->shift));
	return root;
}

/**
 * event_format() - turn an event into a line
 * @event: the event
 * @buf: gets it, without time and newline
 * @size: of @buf
 */
void event_format(const struct event *event, char *buf, size_t size)
{
	char text[LISTENER_NAME_MAX] = "";

	if (event->listeners.n)
		listener_format(event->listeners.list, text, sizeof(text));
	else if (event->setting[0])
		snprintf(text, sizeof(text), "%s %s %" PRIu64, event->ifname,
			 event->setting, event->index.n);
	else if (event->shift.known)
		snprintf(text, sizeof(text),
			 "%s queue %" PRIu64 " shift %" PRIu64, event->ifname,
			 event->index.n, event->shift.n);
	else
		snprintf(text, sizeof(text), "%s", event->ifname);
	snprintf(buf, size, "%-7s %s", event_name(event), text);
}

static int event_show(const void *attrs, size_t len, void *data)
{
	const struct options *opt = data;
	struct event event;
	struct timespec at;
	char line[128];
	struct tm tm;
	int ret;

	clock_gettime(CLOCK_REALTIME, &at);
	ret = event_decode(attrs, len, &event);
	if (!ret && opt->json) {
		json_t *root = event_json(&event, &at);

		json_dumpf(root, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(root);
	} else if (!ret) {
		localtime_r(&at.tv_sec, &tm);
		event_format(&event, line, sizeof(line));
		printf("%02d:%02d:%02d.%03ld %s\n", tm.tm_hour, tm.tm_min,
		       tm.tm_sec, at.tv_nsec / 1000000, line);
	}
	listeners_reset(&event.listeners);
	if (fflush(stdout))
		ret = ret ?: -errno;
	return ret;
}

/**
 * cmd_monitor() - percorectl monitor
 * @opt: global options
 * @argc: 0
 * @argv: none
 *
 * Return: exit status; only on an error does it end.
 */
int cmd_monitor(const struct options *opt, int argc, char **argv)
{
	struct genl g;
	int ret, status;

	(void)argc;
	(void)argv;
	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret)
		ret = genl_listen(&g, PERCORE_FAMILY_NAME,
				  PERCORE_MCGRP_EVENTS, event_show,
				  (void *)opt);
	status = genl_error(&g, ret, "monitor");
	genl_close(&g);
	return status;
}
