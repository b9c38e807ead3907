/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"
#include "host/base/idmap.h"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The smallest duration that at least `percent` of all do not exceed (nearest rank). */
static uint64_t percentile(const uint64_t *sorted, uint64_t n, unsigned int percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

static void fill_times(struct stats_row *row, uint64_t *durations)
{
	if (!row->complete)
		return;
	qsort(durations, row->complete, sizeof(*durations), by_value);
	row->mean_ns = row->sum_ns / row->complete;
	row->p50_ns = percentile(durations, row->complete, 50);
	row->p90_ns = percentile(durations, row->complete, 90);
	row->p99_ns = percentile(durations, row->complete, 99);
	row->min_ns = durations[0];
	row->max_ns = durations[row->complete - 1];
}

static void fill_memory(struct stats_row *row)
{
	const struct model_func *f = row->func;

	row->alloc_count = f->alloc_count;
	row->alloc_bytes = f->alloc_bytes;
	row->free_count = f->free_count;
	row->free_bytes = f->free_bytes;
	row->outstanding_bytes =
		f->alloc_bytes > f->free_bytes ? f->alloc_bytes - f->free_bytes : 0;
}

static void count_all(struct stats_row *rows, const struct model *m)
{
	for (size_t i = 0; i < m->n_calls; i++) {
		struct stats_row *row = &rows[m->calls[i].func];

		row->count++;
		if (m->calls[i].flags & CALL_NO_EXIT)
			row->no_end++;
		else
			row->complete++;
	}
	for (size_t i = 0; i < m->n_events; i++) {
		if (m->events[i].kind == AYP_INSTANT)
			rows[m->events[i].func].count++;
	}
}

/* Until when a function is in its outermost call, by thread. */
struct outermost {
	struct idmap index; /* of ends */
	uint64_t *ends;
	size_t cap, n;
};

/* Is the call within no other one of its function? Calls come by their beginnings, outer ones first. -ENOMEM. */
static int is_outermost(struct outermost *o, const struct model_call *c)
{
	/* The idle task is one for each CPU. */
	uint64_t key = (uint64_t)c->session << 56 | (uint64_t)(c->tid ? 0 : c->cpu) << 48 |
		       (uint64_t)c->tid << 16 | c->func;
	uint64_t *ends;
	uint32_t at;

	if (idmap_get(&o->index, key, &at)) {
		if (c->start_ns < o->ends[at])
			return 0;
		o->ends[at] = c->end_ns;
		return 1;
	}
	ends = grow_array(o->ends, &o->cap, o->n + 1, sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	o->ends = ends;
	ends[o->n] = c->end_ns;
	return idmap_put(&o->index, key, (uint32_t)o->n++) ? -ENOMEM : 1;
}

static int add_times(struct stats_row *rows, const struct model *m, uint64_t *durations, size_t *at)
{
	struct outermost o = {0};
	int outermost = 0;

	for (size_t i = 0; i < m->n_calls && outermost >= 0; i++) {
		const struct model_call *c = &m->calls[i];
		uint64_t ns = c->end_ns - c->start_ns;

		if (c->flags & CALL_NO_EXIT)
			continue;
		outermost = is_outermost(&o, c);
		rows[c->func].total_ns += outermost > 0 ? ns : 0;
		rows[c->func].sum_ns += ns;
		rows[c->func].self_ns += c->self_ns;
		durations[at[c->func]++] = ns;
	}
	idmap_free(&o.index);
	free(o.ends);
	return outermost < 0 ? outermost : 0;
}

int stats_build(struct stats *s, const struct model *m)
{
	size_t n_funcs = model_func_count(m), sum = 0;
	uint64_t *durations = malloc((m->n_calls + 1) * sizeof(*durations));
	size_t *at = calloc(n_funcs + 1, sizeof(*at));

	s->n = 0;
	s->rows = calloc(n_funcs + 1, sizeof(*s->rows));
	if (!durations || !at || !s->rows) {
		free(durations);
		free(at);
		stats_free(s);
		return -ENOMEM;
	}
	count_all(s->rows, m);
	for (size_t i = 0; i < n_funcs; i++) {
		at[i] = sum;
		sum += s->rows[i].complete;
	}
	if (add_times(s->rows, m, durations, at)) {
		free(durations);
		free(at);
		stats_free(s);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_funcs; i++) {
		struct stats_row *row = &s->rows[i];

		row->func = model_func(m, (uint16_t)i);
		row->has_exact = row->func->has_exact;
		row->exact_count = row->func->exact_count;
		fill_memory(row);
		fill_times(row, durations + at[i] - row->complete);
		if (row->count || row->exact_count || row->alloc_count)
			s->rows[s->n++] = *row;
	}
	free(durations);
	free(at);
	return 0;
}

void stats_free(struct stats *s)
{
	free(s->rows);
	memset(s, 0, sizeof(*s));
}
