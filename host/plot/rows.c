/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/geometry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_ROW UINT32_MAX

/* An outermost call with what is in it: consecutive spans of one CPU. */
struct group {
	uint64_t start_ns, end_ns;
	size_t from, n;
	uint32_t layer;
	uint32_t rows;
};

void plot_rows_free(struct plot_rows *rows)
{
	free(rows->lanes);
	free(rows->first);
	free(rows->span);
	free(rows->overlapping);
	memset(rows, 0, sizeof(*rows));
}

static int rows_alloc(struct plot_rows *rows, size_t n_spans)
{
	rows->first = calloc((size_t)rows->n_rows + 1, sizeof(*rows->first));
	rows->overlapping = calloc((size_t)rows->n_rows + 1, sizeof(*rows->overlapping));
	rows->span = malloc((n_spans ? n_spans : 1) * sizeof(*rows->span));
	return rows->first && rows->overlapping && rows->span ? 0 : -ENOMEM;
}

/* first[] holds counts, shifted by one row: make them offsets. */
static void counts_to_offsets(struct plot_rows *rows)
{
	for (uint32_t r = 0; r < rows->n_rows; r++)
		rows->first[r + 1] += rows->first[r];
}

/* Binary search by end needs ends in order, which non-overlapping rows give. */
static void find_overlaps(struct plot_rows *rows, const struct plot_span *spans)
{
	for (uint32_t r = 0; r < rows->n_rows; r++)
		for (size_t i = rows->first[r] + 1; i < rows->first[r + 1]; i++) {
			const struct plot_span *a = &spans[rows->span[i - 1]];
			const struct plot_span *b = &spans[rows->span[i]];

			if (b->start_ns < a->end_ns || b->end_ns < a->end_ns) {
				rows->overlapping[r] = true;
				break;
			}
		}
}

/* While filling, cursor[r] is where row r's next span goes. */
static size_t *cursor_new(const struct plot_rows *rows)
{
	size_t *cursor = malloc(((size_t)rows->n_rows + 1) * sizeof(*cursor));

	if (cursor)
		memcpy(cursor, rows->first, ((size_t)rows->n_rows + 1) * sizeof(*cursor));
	return cursor;
}

int plot_rows_per_cpu(struct plot_rows *rows, const struct plot_span *spans, size_t n)
{
	uint32_t base[256], depth[256] = {0};
	size_t *cursor;

	memset(rows, 0, sizeof(*rows));
	for (size_t i = 0; i < n; i++) {
		uint32_t rows_needed = spans[i].depth + 1u;

		if (rows_needed > PLOT_LANE_ROWS_MAX)
			rows_needed = PLOT_LANE_ROWS_MAX;
		if (depth[spans[i].cpu] < rows_needed)
			depth[spans[i].cpu] = rows_needed;
	}
	rows->lanes = calloc(256, sizeof(*rows->lanes));
	if (!rows->lanes)
		return -ENOMEM;
	for (uint32_t c = 0; c < 256; c++) {
		base[c] = rows->n_rows;
		if (!depth[c])
			continue;
		rows->lanes[rows->n_lanes++] = (struct plot_lane){c, base[c], depth[c]};
		rows->n_rows += depth[c];
	}
	if (rows_alloc(rows, n))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (spans[i].depth < PLOT_LANE_ROWS_MAX)
			rows->first[base[spans[i].cpu] + spans[i].depth + 1]++;
		else
			rows->hidden++;
	counts_to_offsets(rows);
	cursor = cursor_new(rows);
	if (!cursor)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (spans[i].depth < PLOT_LANE_ROWS_MAX)
			rows->span[cursor[base[spans[i].cpu] + spans[i].depth]++] = (uint32_t)i;
	free(cursor);
	find_overlaps(rows, spans);
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static size_t count_groups(const struct plot_span *spans, size_t n, struct group *groups)
{
	size_t n_groups = 0;
	uint64_t end = 0;

	for (size_t i = 0; i < n; i++) {
		const struct plot_span *s = &spans[i];
		bool fresh = i == 0 || s->cpu != spans[i - 1].cpu ||
			     (s->depth == 0 && s->start_ns >= end);

		if (fresh) {
			if (groups)
				groups[n_groups] =
					(struct group){.start_ns = s->start_ns, .from = i};
			n_groups++;
			end = 0;
		}
		if (s->end_ns > end)
			end = s->end_ns;
		if (groups) {
			struct group *g = &groups[n_groups - 1];

			g->n++;
			g->end_ns = end;
			if (g->rows < s->depth + 1u)
				g->rows = s->depth + 1u;
		}
	}
	return n_groups;
}

/* Give every group the lowest layer that is free when it starts. */
static int assign_layers(struct plot_rows *rows, struct group *groups, size_t n_groups)
{
	uint64_t busy_until[256];
	uint32_t height[256] = {0}, layers = 0;

	for (size_t i = 0; i < n_groups; i++) {
		struct group *g = &groups[i];
		uint32_t l = 0;

		while (l < layers && busy_until[l] > g->start_ns)
			l++;
		if (l == 256) { /* more at once than CPUs: damaged input */
			g->layer = NO_ROW;
			continue;
		}
		if (l == layers)
			layers++;
		g->layer = l;
		busy_until[l] = g->end_ns;
		if (height[l] < g->rows)
			height[l] = g->rows < PLOT_LANE_ROWS_MAX ? g->rows : PLOT_LANE_ROWS_MAX;
	}
	rows->lanes = calloc(layers + 1, sizeof(*rows->lanes));
	if (!rows->lanes)
		return -ENOMEM;
	for (uint32_t l = 0; l < layers && rows->n_rows < PLOT_MERGED_ROWS_MAX; l++) {
		uint32_t left = PLOT_MERGED_ROWS_MAX - rows->n_rows;

		rows->lanes[rows->n_lanes++] =
			(struct plot_lane){l, rows->n_rows, height[l] < left ? height[l] : left};
		rows->n_rows += rows->lanes[l].n_rows;
	}
	return 0;
}

static uint32_t merged_row(
	const struct plot_rows *rows, const struct group *g, const struct plot_span *s)
{
	if (g->layer >= rows->n_lanes || s->depth >= rows->lanes[g->layer].n_rows)
		return NO_ROW;
	return rows->lanes[g->layer].first_row + s->depth;
}

int plot_rows_merged(struct plot_rows *rows, const struct plot_span *spans, size_t n)
{
	size_t n_groups, *cursor;
	struct group *groups;
	int err = -ENOMEM;

	memset(rows, 0, sizeof(*rows));
	n_groups = count_groups(spans, n, NULL);
	groups = malloc((n_groups + 1) * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	count_groups(spans, n, groups);
	qsort(groups, n_groups, sizeof(*groups), by_start);
	if (assign_layers(rows, groups, n_groups) || rows_alloc(rows, n))
		goto out;
	for (size_t g = 0; g < n_groups; g++)
		for (size_t i = groups[g].from; i < groups[g].from + groups[g].n; i++) {
			uint32_t row = merged_row(rows, &groups[g], &spans[i]);

			if (row != NO_ROW)
				rows->first[row + 1]++;
			else
				rows->hidden++;
		}
	counts_to_offsets(rows);
	cursor = cursor_new(rows);
	if (!cursor)
		goto out;
	/* Groups of a layer follow each other, so this order is the order of time in each row. */
	for (size_t g = 0; g < n_groups; g++)
		for (size_t i = groups[g].from; i < groups[g].from + groups[g].n; i++) {
			uint32_t row = merged_row(rows, &groups[g], &spans[i]);

			if (row != NO_ROW)
				rows->span[cursor[row]++] = (uint32_t)i;
		}
	free(cursor);
	find_overlaps(rows, spans);
	err = 0;
out:
	free(groups);
	return err;
}
