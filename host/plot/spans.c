/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/spans.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALL_BITS 64u

void plot_spans_init(struct plot_spans *s, size_t max)
{
	assert(max > 0 && max < PLOT_NO_SPAN);
	*s = (struct plot_spans){.max = max, .free = PLOT_NO_SPAN};
}

void plot_spans_free(struct plot_spans *s)
{
	free(s->span);
	for (size_t c = 0; c < PLOT_CPUS; c++)
		free(s->cpu[c]);
	plot_spans_init(s, s->max ? s->max : 1);
}

uint64_t plot_spans_grain_ns(const struct plot_spans *s)
{
	if (!s->merged)
		return 0;
	return s->grain_bits < ALL_BITS ? UINT64_C(1) << s->grain_bits : UINT64_MAX;
}

/* How many bits a grain needs in which both lie. */
static unsigned int common_bits(const struct plot_span *a, const struct plot_span *b)
{
	uint64_t first = a->start_ns < b->start_ns ? a->start_ns : b->start_ns;
	uint64_t last = a->end_ns > b->end_ns ? a->end_ns : b->end_ns;

	return first == last ? 0 : ALL_BITS - (unsigned int)__builtin_clzll(first ^ last);
}

/* b becomes part of a. */
static void absorb(struct plot_span *a, const struct plot_span *b)
{
	if (b->start_ns < a->start_ns)
		a->start_ns = b->start_ns;
	if (b->end_ns > a->end_ns)
		a->end_ns = b->end_ns;
	if (a->func == b->func) {
		a->lead_ns += b->lead_ns;
	} else if (a->lead_ns >= b->lead_ns) {
		a->lead_ns -= b->lead_ns;
	} else {
		a->lead_ns = b->lead_ns - a->lead_ns;
		a->func = b->func;
	}
	a->busy_ns += b->busy_ns;
	a->self_ns += b->self_ns;
	if (__builtin_add_overflow(a->count, b->count, &a->count))
		a->count = UINT32_MAX;
	a->flags = PLOT_SPAN_MERGED;
}

static void release(struct plot_spans *s, uint32_t index)
{
	s->span[index].flags = PLOT_SPAN_FREE;
	s->span[index].next = s->free;
	s->free = index;
	s->n_free++;
}

void plot_spans_drop(struct plot_spans *s, uint32_t index)
{
	assert(index < s->n && s->span[index].count == 1);
	s->span[index].flags = PLOT_SPAN_DROPPED;
	s->n_dropped++;
}

static void sweep_row(struct plot_spans *s, struct plot_span_row *row)
{
	uint32_t *link = &row->head;

	row->tail = PLOT_NO_SPAN;
	while (*link != PLOT_NO_SPAN) {
		uint32_t i = *link;

		if (s->span[i].flags & PLOT_SPAN_DROPPED) {
			*link = s->span[i].next;
			release(s, i);
			row->n--;
		} else {
			row->tail = i;
			link = &s->span[i].next;
		}
	}
}

static void sweep(struct plot_spans *s)
{
	for (size_t c = 0; s->n_dropped && c < PLOT_CPUS; c++)
		for (size_t d = 0; s->cpu[c] && d < PLOT_LANE_ROWS_MAX; d++)
			sweep_row(s, &s->cpu[c][d]);
	s->n_dropped = 0;
}

/* The smallest grain in which half of the neighbours find together. */
static unsigned int choose_grain(const struct plot_spans *s)
{
	size_t pairs[ALL_BITS + 1] = {0}, gone = 0, goal = (s->n - s->n_free) / 2;
	unsigned int bits = 0;

	for (size_t c = 0; c < PLOT_CPUS; c++)
		for (size_t d = 0; s->cpu[c] && d < PLOT_LANE_ROWS_MAX; d++)
			for (uint32_t i = s->cpu[c][d].head; i != PLOT_NO_SPAN;) {
				uint32_t next = s->span[i].next;

				if (next != PLOT_NO_SPAN)
					pairs[common_bits(&s->span[i], &s->span[next])]++;
				i = next;
			}
	for (; bits < ALL_BITS; bits++) {
		gone += pairs[bits];
		if (gone >= goal)
			break;
	}
	return s->merged && bits < s->grain_bits ? s->grain_bits : bits;
}

static void merge_row(struct plot_spans *s, struct plot_span_row *row)
{
	uint32_t i = row->head;

	while (i != PLOT_NO_SPAN) {
		uint32_t next = s->span[i].next;

		if (next == PLOT_NO_SPAN) {
			row->tail = i;
		} else if (common_bits(&s->span[i], &s->span[next]) <= s->grain_bits) {
			absorb(&s->span[i], &s->span[next]);
			s->span[i].next = s->span[next].next;
			release(s, next);
			row->n--;
			continue;
		}
		i = next;
	}
}

static void merge_all(struct plot_spans *s)
{
	s->grain_bits = choose_grain(s);
	s->merged = true;
	for (size_t c = 0; c < PLOT_CPUS; c++)
		for (size_t d = 0; s->cpu[c] && d < PLOT_LANE_ROWS_MAX; d++)
			merge_row(s, &s->cpu[c][d]);
}

static int grow(struct plot_spans *s)
{
	size_t cap = s->cap ? s->cap + s->cap / 2 : 4096;
	struct plot_span *more;

	if (cap > s->max)
		cap = s->max;
	more = realloc(s->span, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->span = more;
	s->cap = cap;
	return 0;
}

/* A place for a span; *index PLOT_NO_SPAN when there is none. */
static int place(struct plot_spans *s, uint32_t *index)
{
	*index = PLOT_NO_SPAN;
	if (s->n_free) {
		*index = s->free;
		s->free = s->span[*index].next;
		s->n_free--;
	} else if (s->n < s->max) {
		if (s->n == s->cap && grow(s))
			return -ENOMEM;
		*index = (uint32_t)s->n++;
	}
	return 0;
}

static bool absorbed(
	struct plot_spans *s, const struct plot_span_row *row, const struct plot_span *b)
{
	if (!s->merged || row->tail == PLOT_NO_SPAN ||
		s->span[row->tail].flags & PLOT_SPAN_DROPPED ||
		common_bits(&s->span[row->tail], b) > s->grain_bits)
		return false;
	absorb(&s->span[row->tail], b);
	return true;
}

static struct plot_span_row *row_of(struct plot_spans *s, uint8_t cpu, uint32_t depth)
{
	if (!s->cpu[cpu]) {
		struct plot_span_row *rows = malloc(PLOT_LANE_ROWS_MAX * sizeof(*rows));

		for (size_t d = 0; rows && d < PLOT_LANE_ROWS_MAX; d++)
			rows[d] = (struct plot_span_row){PLOT_NO_SPAN, PLOT_NO_SPAN, 0, false};
		s->cpu[cpu] = rows;
	}
	return s->cpu[cpu] ? &s->cpu[cpu][depth] : NULL;
}

int plot_spans_add(struct plot_spans *s, uint8_t cpu, uint32_t depth, const struct plot_span *span,
	uint32_t *index, bool *moved)
{
	struct plot_span one = *span;
	struct plot_span_row *row;

	assert(span->start_ns <= span->end_ns);
	*index = PLOT_NO_SPAN;
	*moved = false;
	if (depth >= PLOT_LANE_ROWS_MAX) {
		s->hidden++;
		return 0;
	}
	row = row_of(s, cpu, depth);
	if (!row)
		return -ENOMEM;
	one.busy_ns = one.lead_ns = (float)(one.end_ns - one.start_ns);
	one.count = 1;
	one.next = PLOT_NO_SPAN;
	if (absorbed(s, row, &one))
		return 0;
	if (s->n == s->max && !s->n_free) {
		sweep(s);
		if (s->n_free < s->max / 4)
			merge_all(s);
		*moved = true;
		if (absorbed(s, row, &one))
			return 0;
	}
	if (place(s, index))
		return -ENOMEM;
	if (*index == PLOT_NO_SPAN) {
		s->unplaced++;
		return 0;
	}
	s->span[*index] = one;
	if (row->tail == PLOT_NO_SPAN) {
		row->head = *index;
	} else {
		row->unsorted |= one.start_ns < s->span[row->tail].start_ns;
		s->span[row->tail].next = *index;
	}
	row->tail = *index;
	row->n++;
	return 0;
}

/* ---- order ---------------------------------------------------------------------------------- */

struct by_start {
	uint64_t start_ns;
	uint32_t index, at;
};

static int compare_start(const void *a, const void *b)
{
	const struct by_start *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int sort_row(struct plot_spans *s, struct plot_span_row *row)
{
	struct by_start *order = malloc((row->n + (size_t)1) * sizeof(*order));
	uint32_t n = 0;

	if (!order)
		return -ENOMEM;
	for (uint32_t i = row->head; i != PLOT_NO_SPAN; i = s->span[i].next, n++)
		order[n] = (struct by_start){s->span[i].start_ns, i, n};
	qsort(order, n, sizeof(*order), compare_start);
	row->head = order[0].index;
	for (uint32_t k = 0; k < n; k++)
		s->span[order[k].index].next = k + 1 < n ? order[k + 1].index : PLOT_NO_SPAN;
	row->tail = order[n - 1].index;
	row->unsorted = false;
	free(order);
	return 0;
}

int plot_spans_sort(struct plot_spans *s)
{
	sweep(s);
	for (size_t c = 0; c < PLOT_CPUS; c++)
		for (size_t d = 0; s->cpu[c] && d < PLOT_LANE_ROWS_MAX; d++)
			if (s->cpu[c][d].unsorted && sort_row(s, &s->cpu[c][d]))
				return -ENOMEM;
	return 0;
}
