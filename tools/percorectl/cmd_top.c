// SPDX-License-Identifier: GPL-2.0
/*
 * percorectl top: what sharded listeners do now
 *
 * Counters are read twice; what is shown is their growth in between, by the
 * clock. A listener that comes, goes or starts anew in that time is not shown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/percore.h>

#include "percorectl.h"

#define INTERVAL_DEFAULT_S	1.0
#define INTERVAL_MIN_S		0.1
#define INTERVAL_MAX_S		3600.0
#define SCREEN_ROWS		24
#define SCREEN_HEAD_ROWS	3

/* What was read at one moment */
struct sample {
	struct listeners ls;
	struct module_status status;
	struct timespec at;
};

static uint64_t growth(struct val before, struct val after)
{
	return after.n - before.n;
}

static const struct listener *listener_find(const struct listeners *ls,
					    struct val inode)
{
	size_t i;

	for (i = 0; i < ls->n; i++)
		if (ls->list[i].inode.n == inode.n)
			return &ls->list[i];
	return NULL;
}

static const struct core *core_find(const struct listener *l, struct val cpu)
{
	size_t i;

	for (i = 0; i < l->n_cores; i++)
		if (l->cores[i].cpu.n == cpu.n)
			return &l->cores[i];
	return NULL;
}

/* Return: false if it counts less than before: it is another. */
static bool core_rate(struct top_row *row, const struct core *before,
		      const struct core *after)
{
	static const struct core none;
	uint64_t local, stolen;

	before = before ?: &none;
	if (after->syns.n < before->syns.n ||
	    after->accepts_local.n < before->accepts_local.n ||
	    after->accepts_stolen.n < before->accepts_stolen.n)
		return false;
	local = growth(before->accepts_local, after->accepts_local);
	stolen = growth(before->accepts_stolen, after->accepts_stolen);
	row->syns += growth(before->syns, after->syns);
	row->local += local;
	row->stolen += stolen;
	row->cores += local + stolen > 0;
	if (local + stolen > row->busiest) {
		row->busiest = local + stolen;
		row->busiest_cpu = after->cpu;
	}
	return true;
}

static bool listener_rate(struct top_row *row, const struct listener *before,
			  const struct listener *after)
{
	size_t i;

	*row = (struct top_row){ .listener = after };
	for (i = 0; i < after->n_cores; i++)
		if (!core_rate(row, core_find(before, after->cores[i].cpu),
			       &after->cores[i]))
			return false;
	return true;
}

/* The most first; then those that were listed first */
static int row_compare(const void *va, const void *vb)
{
	const struct top_row *a = va, *b = vb;
	uint64_t na = a->local + a->stolen, nb = b->local + b->stolen;

	if (na != nb)
		return na < nb ? 1 : -1;
	if (a->syns != b->syns)
		return a->syns < b->syns ? 1 : -1;
	return (a->listener > b->listener) - (a->listener < b->listener);
}

/**
 * top_rows() - compare two samples
 * @before: the earlier
 * @after: the later; the rows point to it
 * @n: gets how many rows there are
 *
 * Return: the rows, those with most connections first; to be freed.
 */
struct top_row *top_rows(const struct listeners *before,
			 const struct listeners *after, size_t *n)
{
	struct top_row *rows = xrealloc(NULL, after->n + 1, sizeof(*rows));
	const struct listener *l, *was;

	*n = 0;
	for (l = after->list; l < after->list + after->n; l++) {
		was = listener_find(before, l->inode);
		if (was && listener_rate(&rows[*n], was, l))
			++*n;
	}
	qsort(rows, *n, sizeof(*rows), row_compare);
	return rows;
}

static double seconds_between(const struct sample *a, const struct sample *b)
{
	return b->at.tv_sec - a->at.tv_sec +
	       (b->at.tv_nsec - a->at.tv_nsec) / 1e9;
}

static void share_cell(struct table *t, uint64_t part, uint64_t whole)
{
	if (whole)
		table_cell(t, "%.1f%%", 100.0 * part / whole);
	else
		table_cell(t, "-");
}

static void row_cells(struct table *t, const struct top_row *row, double s)
{
	uint64_t accepts = row->local + row->stolen;

	listener_cell(t, row->listener);
	table_cell(t, "%.0f", row->syns / s);
	table_cell(t, "%.0f", accepts / s);
	share_cell(t, row->local, accepts);
	table_cell_val(t, row->listener->backlog);
	table_cell_val(t, row->listener->backlog_max);
	table_cell(t, "%u", row->cores);
	if (accepts)
		table_cell_val(t, row->busiest_cpu);
	else
		table_cell(t, "-");
	share_cell(t, row->busiest, accepts);
}

static void connects_print(const struct sample *a, const struct sample *b,
			   double s)
{
	uint64_t placed = growth(a->status.connects_placed,
				 b->status.connects_placed);
	uint64_t left = growth(a->status.connects_left,
			       b->status.connects_left);

	printf("out: %.0f/s placed, %.0f/s left to the kernel\n", placed / s,
	       left / s);
}

/* @room: rows of listeners that fit the screen, 0: all */
static void sample_print(const struct sample *a, const struct sample *b,
			 size_t room)
{
	static const struct column cols[] = {
		{ "LISTENER", LEFT }, { "SYN/s", RIGHT },
		{ "ACCEPT/s", RIGHT }, { "LOCAL%", RIGHT },
		{ "READY", RIGHT }, { "MAX", RIGHT }, { "CORES", RIGHT },
		{ "BUSIEST", RIGHT }, { "ITS%", RIGHT },
	};
	struct table t = { .cols = cols, .n_cols = ARRAY_SIZE(cols) };
	double s = seconds_between(a, b);
	struct top_row *rows;
	size_t i, n, shown;

	rows = top_rows(&a->ls, &b->ls, &n);
	shown = room && n > room ? room : n;
	printf("percore %s: %zu of %zu listeners, growth of counters in %.2f s; READY is of the end\n",
	       b->status.version, shown, n, s);
	connects_print(a, b, s);
	for (i = 0; i < shown; i++)
		row_cells(&t, &rows[i], s);
	table_print(&t);
	table_free(&t);
	free(rows);
}

static json_t *row_json(const struct top_row *row)
{
	json_t *root = listener_name_json(row->listener);

	json_object_set_new(root, "syns", json_integer(row->syns));
	json_object_set_new(root, "accepts_local", json_integer(row->local));
	json_object_set_new(root, "accepts_stolen", json_integer(row->stolen));
	json_object_set_new(root, "backlog", json_val(row->listener->backlog));
	json_object_set_new(root, "backlog_max",
			    json_val(row->listener->backlog_max));
	json_object_set_new(root, "cores", json_integer(row->cores));
	json_object_set_new(root, "busiest_cpu", json_val(row->busiest_cpu));
	json_object_set_new(root, "busiest_accepts",
			    json_integer(row->busiest));
	return root;
}

static json_t *sample_json(const struct sample *a, const struct sample *b)
{
	json_t *listeners = json_array();
	json_t *root = json_object();
	struct top_row *rows;
	size_t i, n;

	rows = top_rows(&a->ls, &b->ls, &n);
	for (i = 0; i < n; i++)
		json_array_append_new(listeners, row_json(&rows[i]));
	free(rows);
	json_object_set_new(root, "seconds",
			    json_real(seconds_between(a, b)));
	json_object_set_new(root, "connects_placed",
			    json_integer(growth(a->status.connects_placed,
						b->status.connects_placed)));
	json_object_set_new(root, "connects_left",
			    json_integer(growth(a->status.connects_left,
						b->status.connects_left)));
	json_object_set_new(root, "listeners", listeners);
	return root;
}

static int sample_read(struct genl *g, struct sample *sample)
{
	int ret;

	listeners_reset(&sample->ls);
	sample->status = (struct module_status){};
	ret = genl_do(g, PERCORE_CMD_STATUS_GET, status_decode,
		      &sample->status);
	if (!ret)
		ret = genl_dump(g, PERCORE_CMD_LISTENER_GET, listeners_decode,
				&sample->ls, listeners_reset);
	clock_gettime(CLOCK_MONOTONIC, &sample->at);
	if (!ret)
		listeners_sort(&sample->ls);
	return ret;
}

static size_t screen_room(void)
{
	struct winsize size;
	size_t rows = SCREEN_ROWS;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row)
		rows = size.ws_row;
	return rows > SCREEN_HEAD_ROWS + 1 ? rows - SCREEN_HEAD_ROWS - 1 : 1;
}

static void interval_wait(double seconds)
{
	struct timespec left = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (time_t)seconds) * 1e9),
	};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* On a terminal a screen after the other, until interrupted; else just one. */
static int top_run(const struct options *opt, struct genl *g, double interval)
{
	bool live = !opt->json && isatty(STDOUT_FILENO);
	struct sample sample[2] = {};
	unsigned int now = 0;
	int ret;

	ret = sample_read(g, &sample[now]);
	while (!ret) {
		interval_wait(interval);
		now = !now;
		ret = sample_read(g, &sample[now]);
		if (ret)
			break;
		if (opt->json) {
			ret = json_print(sample_json(&sample[!now],
						     &sample[now]));
			break;
		}
		if (live)
			fputs("\033[H\033[J", stdout);
		sample_print(&sample[!now], &sample[now],
			     live ? screen_room() : 0);
		if (!live || fflush(stdout))
			break;
	}
	listeners_reset(&sample[0].ls);
	listeners_reset(&sample[1].ls);
	return ret;
}

static bool interval_parse(const char *text, double *interval)
{
	char *end;

	*interval = strtod(text, &end);
	/* written so that what is no number fails, too */
	return end != text && !*end && *interval >= INTERVAL_MIN_S &&
	       *interval <= INTERVAL_MAX_S;
}

/**
 * cmd_top() - percorectl top
 * @opt: global options
 * @argc: 0 or 1
 * @argv: seconds between two samples
 *
 * Return: exit status.
 */
int cmd_top(const struct options *opt, int argc, char **argv)
{
	double interval = INTERVAL_DEFAULT_S;
	struct genl g;
	int ret;

	if (argc && !interval_parse(argv[0], &interval)) {
		text_sanitize(argv[0]);
		error_print("top takes 0.1 to 3600 seconds, not '%s'", argv[0]);
		return STATUS_USAGE;
	}
	ret = genl_open(&g, PERCORE_FAMILY_NAME);
	if (!ret)
		ret = top_run(opt, &g, interval);
	genl_close(&g);
	return ret < 0 ? genl_error(&g, ret, "top") : ret;
}
