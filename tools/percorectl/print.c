// SPDX-License-Identifier: GPL-2.0
/*
 * Tables, JSON and errors
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "percorectl.h"

/**
 * xrealloc() - reallocarray() that ends the program when memory does
 * @p: as for realloc()
 * @n: members
 * @size: bytes of each
 *
 * Return: the memory.
 */
void *xrealloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (!p && n && size) {
		error_print("out of memory");
		exit(STATUS_FAILED);
	}
	return p;
}

/**
 * error_print() - say one line on standard error
 * @fmt: what, as for printf(); no newline
 */
void error_print(const char *fmt, ...)
{
	va_list args;

	fputs("percorectl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/**
 * ifname_error() - say that there is no such interface
 * @ifname: its name, from the command line
 *
 * Return: exit status.
 */
int ifname_error(const char *ifname)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", ifname);
	text_sanitize(text);
	error_print("no interface '%s' in this network namespace", text);
	return STATUS_FAILED;
}

/**
 * text_sanitize() - make a string fit for one line of UTF-8
 * @text: the string; what is not fit becomes '?'
 */
void text_sanitize(char *text)
{
	json_t *probe = json_string(text);
	char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f ||
		    (!probe && (unsigned char)*c >= 0x80))
			*c = '?';
	json_decref(probe);
}

/**
 * json_val() - turn a number into JSON
 * @val: the number
 *
 * Return: integer, null if the kernel did not tell; a new reference.
 */
json_t *json_val(struct val val)
{
	if (!val.known)
		return json_null();
	return json_integer(val.n > INT64_MAX ? INT64_MAX : (json_int_t)val.n);
}

/**
 * json_print() - print JSON and a newline
 * @root: what; the reference is taken
 *
 * Return: exit status.
 */
int json_print(json_t *root)
{
	int ret = json_dumpf(root, stdout, JSON_INDENT(2));

	json_decref(root);
	if (ret) {
		error_print("cannot print JSON");
		return STATUS_FAILED;
	}
	putchar('\n');
	return STATUS_OK;
}

/**
 * table_cell() - add a cell, left to right, then row by row
 * @t: the table
 * @fmt: its text, as for printf()
 */
void table_cell(struct table *t, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	t->cells = xrealloc(t->cells, t->n_cells + 1, sizeof(*t->cells));
	t->cells[t->n_cells++] = text;
}

/**
 * table_cell_val() - add a cell that holds a number
 * @t: the table
 * @val: the number, "-" if it is not known
 */
void table_cell_val(struct table *t, struct val val)
{
	if (val.known)
		table_cell(t, "%llu", (unsigned long long)val.n);
	else
		table_cell(t, "-");
}

/**
 * fact_cell() - add a cell that holds a set of CPUs
 * @t: the table
 * @fact: the set, "-" if it is not known
 */
void fact_cell(struct table *t, const struct cpufact *fact)
{
	char text[CPUS_TEXT_MAX];

	if (fact->err)
		table_cell(t, "-");
	else
		table_cell(t, "%s", cpuset_format(&fact->cpus, text,
						  sizeof(text)));
}

/**
 * irq_cell() - add a cell that holds the interrupts of a queue
 * @t: the table
 * @q: the queue
 */
void irq_cell(struct table *t, const struct queue *q)
{
	if (q->irq.n.known && q->tx_irq.n.known)
		table_cell(t, "%llu,%llu", (unsigned long long)q->irq.n.n,
			   (unsigned long long)q->tx_irq.n.n);
	else
		table_cell_val(t, q->irq.n.known ? q->irq.n : q->tx_irq.n);
}

static const char *cell_text(const struct table *t, size_t row, size_t col)
{
	const char *text = t->cells[row * t->n_cols + col];

	return text ? text : "?";
}

static int column_width(const struct table *t, size_t col)
{
	size_t width = strlen(t->cols[col].title);
	size_t row, len;

	for (row = 0; row < t->n_cells / t->n_cols; row++) {
		len = strlen(cell_text(t, row, col));
		if (len > width)
			width = len;
	}
	return width;
}

static void cell_print(const struct table *t, size_t col, int width,
		       const char *text)
{
	bool last = col + 1 == t->n_cols;

	if (t->cols[col].align == LEFT)
		width = last ? 0 : -width;
	printf("%*s%s", width, text, last ? "\n" : "  ");
}

/**
 * table_print() - print headings and rows, columns aligned
 * @t: the table
 */
void table_print(const struct table *t)
{
	int width[t->n_cols];
	size_t row, col;

	for (col = 0; col < t->n_cols; col++) {
		width[col] = column_width(t, col);
		cell_print(t, col, width[col], t->cols[col].title);
	}
	for (row = 0; row < t->n_cells / t->n_cols; row++)
		for (col = 0; col < t->n_cols; col++)
			cell_print(t, col, width[col], cell_text(t, row, col));
}

/**
 * table_free() - free the rows
 * @t: the table
 */
void table_free(struct table *t)
{
	while (t->n_cells)
		free(t->cells[--t->n_cells]);
	free(t->cells);
	t->cells = NULL;
}
