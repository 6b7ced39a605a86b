// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl listeners: sharded listeners, core by core
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/percore.h>

#include "percorectl.h"

static int core_decode(const struct nlattr *nest, struct core *core)
{
	const struct nlattr *tb[PERCORE_A_CORE_MAX + 1];
	int ret;

	ret = attr_table(mnl_attr_get_payload(nest),
			 mnl_attr_get_payload_len(nest), tb,
			 PERCORE_A_CORE_MAX);
	if (ret)
		return ret;
	ret = attr_val(tb[PERCORE_A_CORE_CPU], &core->cpu);
	ret = ret ?: attr_val(tb[PERCORE_A_CORE_SYNS], &core->syns);
	ret = ret ?: attr_val(tb[PERCORE_A_CORE_ACCEPTS_LOCAL],
			      &core->accepts_local);
	ret = ret ?: attr_val(tb[PERCORE_A_CORE_ACCEPTS_STOLEN],
			      &core->accepts_stolen);
	return ret ?: attr_val(tb[PERCORE_A_CORE_DEPTH], &core->depth);
}

static int cores_decode(const void *attrs, size_t len, struct listener *l)
{
	const struct nlattr *attr;
	int ret;

	mnl_attr_for_each_payload(attrs, len) {
		if (mnl_attr_get_type(attr) != PERCORE_A_LISTENER_CORE)
			continue;
		l->cores = xrealloc(l->cores, l->n_cores + 1,
				    sizeof(*l->cores));
		l->cores[l->n_cores] = (struct core){};
		ret = core_decode(attr, &l->cores[l->n_cores++]);
		if (ret)
			return ret;
	}
	return 0;
}

static int addr_decode(const struct nlattr *attr, struct listener *l)
{
	size_t len;

	if (!attr)
		return 0;
	len = mnl_attr_get_payload_len(attr);
	if (len != 4 && len != 16)
		return -EBADMSG;
	memcpy(l->addr, mnl_attr_get_payload(attr), len);
	l->addr_len = len;
	return 0;
}

/**
 * listeners_decode() - decode an answer to PERCORE_CMD_LISTENER_GET
 * @attrs: PERCORE_A_LISTENER_*
 * @len: bytes
 * @data: struct listeners, gets one more
 *
 * Return: 0, or -EBADMSG.
 */
int listeners_decode(const void *attrs, size_t len, void *data)
{
	const struct nlattr *tb[PERCORE_A_LISTENER_MAX + 1];
	struct listeners *ls = data;
	struct listener *l;
	int ret;

	ls->list = xrealloc(ls->list, ls->n + 1, sizeof(*ls->list));
	l = &ls->list[ls->n++];
	*l = (struct listener){};

	ret = attr_table(attrs, len, tb, PERCORE_A_LISTENER_MAX);
	if (ret)
		return ret;
	l->v6only = tb[PERCORE_A_LISTENER_V6ONLY];
	ret = attr_val(tb[PERCORE_A_LISTENER_FAMILY], &l->family);
	ret = ret ?: addr_decode(tb[PERCORE_A_LISTENER_ADDR], l);
	ret = ret ?: attr_val(tb[PERCORE_A_LISTENER_PORT], &l->port);
	ret = ret ?: attr_val(tb[PERCORE_A_LISTENER_INODE], &l->inode);
	ret = ret ?: attr_val(tb[PERCORE_A_LISTENER_BACKLOG], &l->backlog);
	ret = ret ?: attr_val(tb[PERCORE_A_LISTENER_BACKLOG_MAX],
			      &l->backlog_max);
	return ret ?: cores_decode(attrs, len, l);
}

/**
 * listeners_reset() - forget all listeners
 * @data: struct listeners
 */
void listeners_reset(void *data)
{
	struct listeners *ls = data;

	while (ls->n)
		free(ls->list[--ls->n].cores);
	free(ls->list);
	ls->list = NULL;
}

static int val_compare(struct val a, struct val b)
{
	return (a.n > b.n) - (a.n < b.n);
}

static int listener_compare(const void *va, const void *vb)
{
	const struct listener *a = va, *b = vb;

	return val_compare(a->port, b->port) ?:
	       val_compare(a->family, b->family) ?:
	       memcmp(a->addr, b->addr, sizeof(a->addr)) ?:
	       val_compare(a->inode, b->inode);
}

/**
 * listeners_sort() - by port and address
 * @ls: the listeners, which the kernel lists in no order that means anything
 */
void listeners_sort(struct listeners *ls)
{
	if (ls->n)
		qsort(ls->list, ls->n, sizeof(*ls->list), listener_compare);
}

static json_t *family_json(struct val family)
{
	if (!family.known)
		return json_null();
	if (family.n == AF_INET)
		return json_string("inet");
	if (family.n == AF_INET6)
		return json_string("inet6");
	return json_sprintf("%u", (unsigned int)family.n);
}

static const char *addr_format(const struct listener *l, char *buf, size_t size)
{
	if (!l->addr_len)
		return NULL;
	return inet_ntop(l->addr_len == 4 ? AF_INET : AF_INET6, l->addr, buf,
			 size);
}

static json_t *core_json(const struct core *core)
{
	json_t *root = json_object();

	json_object_set_new(root, "cpu", json_val(core->cpu));
	json_object_set_new(root, "syns", json_val(core->syns));
	json_object_set_new(root, "accepts_local",
			    json_val(core->accepts_local));
	json_object_set_new(root, "accepts_stolen",
			    json_val(core->accepts_stolen));
	json_object_set_new(root, "depth", json_val(core->depth));
	return root;
}

/**
 * listener_name_json() - which listener it is
 * @l: the listener
 *
 * Return: object with its address and inode, a new reference.
 */
json_t *listener_name_json(const struct listener *l)
{
	char buf[INET6_ADDRSTRLEN];
	const char *addr = addr_format(l, buf, sizeof(buf));
	json_t *root = json_object();

	json_object_set_new(root, "family", family_json(l->family));
	json_object_set_new(root, "address",
			    addr ? json_string(addr) : json_null());
	json_object_set_new(root, "port", json_val(l->port));
	json_object_set_new(root, "v6only", json_boolean(l->v6only));
	json_object_set_new(root, "inode", json_val(l->inode));
	return root;
}

static json_t *listener_json(const struct listener *l)
{
	json_t *root = listener_name_json(l);
	json_t *cores = json_array();
	size_t i;

	for (i = 0; i < l->n_cores; i++)
		json_array_append_new(cores, core_json(&l->cores[i]));
	json_object_set_new(root, "backlog", json_val(l->backlog));
	json_object_set_new(root, "backlog_max", json_val(l->backlog_max));
	json_object_set_new(root, "cores", cores);
	return root;
}

/**
 * listeners_json() - turn listeners into JSON
 * @ls: the listeners
 *
 * Return: array, a new reference.
 */
json_t *listeners_json(const struct listeners *ls)
{
	json_t *root = json_array();
	size_t i;

	for (i = 0; i < ls->n; i++)
		json_array_append_new(root, listener_json(&ls->list[i]));
	return root;
}

static void val_sum(struct val *sum, struct val val)
{
	sum->known |= val.known;
	sum->n += val.n;
}

static struct core cores_sum(const struct listener *l)
{
	struct core sum = {};
	size_t i;

	for (i = 0; i < l->n_cores; i++) {
		val_sum(&sum.syns, l->cores[i].syns);
		val_sum(&sum.accepts_local, l->cores[i].accepts_local);
		val_sum(&sum.accepts_stolen, l->cores[i].accepts_stolen);
		val_sum(&sum.depth, l->cores[i].depth);
	}
	return sum;
}

/**
 * listener_format() - address and port of a listener
 * @l: the listener
 * @text: gets them
 * @size: of @text, LISTENER_NAME_MAX is enough
 *
 * As ss does: "*" takes both protocols, "[::]" IPv6 alone.
 */
void listener_format(const struct listener *l, char *text, size_t size)
{
	static const uint8_t any[16];
	char buf[INET6_ADDRSTRLEN];
	const char *addr = addr_format(l, buf, sizeof(buf));
	char port[24] = "-";

	if (l->port.known)
		snprintf(port, sizeof(port), "%llu",
			 (unsigned long long)l->port.n);
	if (!addr)
		snprintf(text, size, "-:%s", port);
	else if (l->addr_len == 4)
		snprintf(text, size, "%s:%s", addr, port);
	else if (!l->v6only && !memcmp(l->addr, any, sizeof(any)))
		snprintf(text, size, "*:%s", port);
	else
		snprintf(text, size, "[%s]:%s", addr, port);
}

/**
 * listener_cell() - add a cell with address and port
 * @t: the table
 * @l: the listener
 */
void listener_cell(struct table *t, const struct listener *l)
{
	char text[LISTENER_NAME_MAX];

	listener_format(l, text, sizeof(text));
	table_cell(t, "%s", text);
}

static void core_cells(struct table *t, const struct core *core)
{
	uint64_t accepts = core->accepts_local.n + core->accepts_stolen.n;

	table_cell_val(t, core->syns);
	table_cell_val(t, core->accepts_local);
	table_cell_val(t, core->accepts_stolen);
	if (accepts)
		table_cell(t, "%.1f%%",
			   100.0 * core->accepts_local.n / accepts);
	else
		table_cell(t, "-");
	table_cell_val(t, core->depth);
}

/* A row for the listener as a whole, then one for each of its cores. */
static void listener_rows(struct table *t, const struct listener *l)
{
	struct core sum = cores_sum(l);
	size_t i;

	listener_cell(t, l);
	table_cell_val(t, l->inode);
	table_cell_val(t, l->backlog);
	table_cell_val(t, l->backlog_max);
	table_cell(t, "all");
	core_cells(t, &sum);
	for (i = 0; i < l->n_cores; i++) {
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		table_cell(t, "%s", "");
		table_cell_val(t, l->cores[i].cpu);
		core_cells(t, &l->cores[i]);
	}
}

/**
 * listeners_print() - print listeners as a table
 * @ls: the listeners
 */
void listeners_print(const struct listeners *ls)
{
	static const struct column cols[] = {
		{ "LISTENER", LEFT }, { "INODE", RIGHT }, { "READY", RIGHT },
		{ "MAX", RIGHT }, { "CPU", RIGHT }, { "SYNS", RIGHT },
		{ "LOCAL", RIGHT }, { "STOLEN", RIGHT }, { "LOCAL%", RIGHT },
		{ "DEPTH", RIGHT },
	};
	struct table t = { .cols = cols, .n_cols = ARRAY_SIZE(cols) };
	size_t i;

	for (i = 0; i < ls->n; i++)
		listener_rows(&t, &ls->list[i]);
	table_print(&t);
	table_free(&t);
}

/**
 * cmd_listeners() - percorectl listeners
 * @opt: global options
 * @argc: 0
 * @argv: none
 *
 * Return: exit status.
 */
int cmd_listeners(const struct options *opt, int argc, char **argv)
{
	struct listeners ls = {};
	int status = STATUS_OK;
	struct genl g;
	int ret;

	(void)argc;
	(void)argv;
	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret)
		ret = genl_dump(&g, PERCORE_CMD_LISTENER_GET, listeners_decode,
				&ls, listeners_reset);
	genl_close(&g);
	if (!ret)
		listeners_sort(&ls);

	if (ret)
		status = genl_error(&g, ret, "listeners");
	else if (opt->json)
		status = json_print(listeners_json(&ls));
	else
		listeners_print(&ls);
	listeners_reset(&ls);
	return status;
}
