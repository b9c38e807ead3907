/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/stats.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

void stats_init(struct stats *s)
{
	*s = (struct stats){.budget = STATS_HISTOGRAM_BYTES};
}

void stats_free(struct stats *s)
{
	for (size_t i = 0; i < s->n; i++)
		histogram_free(&s->durations[i]);
	free(s->durations);
	free(s->rows);
	*s = (struct stats){0};
}

/* NULL: out of memory. */
static struct stats_row *row_of(struct stats *s, uint16_t func)
{
	size_t n = func + 1u;
	struct stats_row *rows;
	struct histogram *durations;

	if (func < s->n)
		return &s->rows[func];
	rows = grow_array(s->rows, &s->cap, n, sizeof(*rows));
	if (rows)
		s->rows = rows;
	durations = grow_array(s->durations, &s->cap_durations, n, sizeof(*durations));
	if (durations)
		s->durations = durations;
	if (!rows || !durations) {
		s->failed = true;
		return NULL;
	}
	memset(rows + s->n, 0, (n - s->n) * sizeof(*rows));
	memset(durations + s->n, 0, (n - s->n) * sizeof(*durations));
	s->n = n;
	return &rows[func];
}

void stats_event(struct stats *s, const struct trace_event *e)
{
	struct stats_row *row;

	if (e->kind == AYP_INSTANT && (row = row_of(s, e->func)))
		row->count++;
}

void stats_call(struct stats *s, const struct trace_call *c)
{
	struct stats_row *row = row_of(s, c->func);
	uint64_t ns = c->end_ns - c->start_ns;

	if (!row)
		return;
	row->count++;
	row->total_ns += c->total_ns;
	if (c->flags & TRACE_CALL_NO_EXIT) {
		row->no_end++;
		return;
	}
	row->min_ns = row->complete && row->min_ns < ns ? row->min_ns : ns;
	row->max_ns = row->max_ns > ns ? row->max_ns : ns;
	row->complete++;
	row->sum_ns += ns;
	row->self_ns += c->self_ns;
	histogram_add(&s->durations[c->func], ns, &s->budget);
}

/* The middle of a cell may lie beyond what was in it. */
static uint64_t quantile(
	const struct stats_row *row, const struct histogram *h, unsigned int percent)
{
	uint64_t ns = histogram_quantile(h, percent);

	return ns < row->min_ns ? row->min_ns : ns > row->max_ns ? row->max_ns : ns;
}

static void fill_times(struct stats_row *row, const struct histogram *h)
{
	if (!row->complete)
		return;
	row->mean_ns = row->sum_ns / row->complete;
	row->has_quantiles = !h->left_out;
	if (!row->has_quantiles)
		return;
	row->p50_ns = quantile(row, h, 50);
	row->p90_ns = quantile(row, h, 90);
	row->p99_ns = quantile(row, h, 99);
}

static void fill_totals(struct stats_row *row, const struct trace_func *f)
{
	row->has_exact = f->has_exact;
	row->exact_count = f->exact_count;
	row->alloc_count = f->alloc_count;
	row->alloc_bytes = f->alloc_bytes;
	row->free_count = f->free_count;
	row->free_bytes = f->free_bytes;
	row->outstanding_bytes =
		f->alloc_bytes > f->free_bytes ? f->alloc_bytes - f->free_bytes : 0;
}

struct stats_row *stats_rows(const struct stats *s, const struct trace *t, bool totals, size_t *n)
{
	size_t n_funcs = totals ? trace_func_count(t) : s->n;
	struct stats_row *rows;

	n_funcs = s->n > n_funcs ? s->n : n_funcs;
	rows = calloc(n_funcs + 1, sizeof(*rows));
	*n = 0;
	for (size_t i = 0; rows && i < n_funcs; i++) {
		struct stats_row *row = &rows[*n];

		*row = i < s->n ? s->rows[i] : (struct stats_row){0};
		row->func = trace_func(t, (uint16_t)i);
		if (i < s->n)
			fill_times(row, &s->durations[i]);
		if (totals)
			fill_totals(row, row->func);
		*n += row->count || row->exact_count || row->alloc_count;
	}
	return rows;
}

size_t stats_without_quantiles(const struct stats *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->durations[i].left_out != 0;
	return n;
}
