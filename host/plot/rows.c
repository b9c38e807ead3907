/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/geometry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

void plot_rows_free(struct plot_rows *rows)
{
	free(rows->lanes);
	free(rows->first);
	free(rows->span);
	free(rows->unordered);
	memset(rows, 0, sizeof(*rows));
}

/* first[] for n_rows rows, zeroed, and room for n spans. */
static int rows_alloc(struct plot_rows *rows, size_t n_spans)
{
	rows->first = calloc((size_t)rows->n_rows + 1, sizeof(*rows->first));
	rows->unordered = calloc((size_t)rows->n_rows + 1, sizeof(*rows->unordered));
	rows->span = malloc((n_spans ? n_spans : 1) * sizeof(*rows->span));
	return rows->first && rows->unordered && rows->span ? 0 : -ENOMEM;
}

/* Binary search by end needs ends in order. */
static void find_unordered(struct plot_rows *rows, const struct plot_spans *spans)
{
	for (uint32_t r = 0; r < rows->n_rows; r++)
		for (size_t i = rows->first[r] + 1; i < rows->first[r + 1]; i++)
			if (spans->span[rows->span[i]].end_ns <
				spans->span[rows->span[i - 1]].end_ns) {
				rows->unordered[r] = true;
				break;
			}
}

static uint32_t rows_used(const struct plot_span_row *row)
{
	uint32_t n = PLOT_LANE_ROWS_MAX;

	while (n && !row[n - 1].n)
		n--;
	return n;
}

/* ---- a panel for each CPU ------------------------------------------------------------------- */

int plot_rows_per_cpu(struct plot_rows *rows, const struct plot_spans *spans)
{
	size_t at = 0;

	memset(rows, 0, sizeof(*rows));
	rows->hidden = spans->hidden;
	rows->lanes = calloc(PLOT_CPUS, sizeof(*rows->lanes));
	if (!rows->lanes)
		return -ENOMEM;
	for (uint32_t c = 0; c < PLOT_CPUS; c++) {
		uint32_t used = spans->cpu[c] ? rows_used(spans->cpu[c]) : 0;

		if (!used)
			continue;
		rows->lanes[rows->n_lanes++] = (struct plot_lane){c, rows->n_rows, used};
		rows->n_rows += used;
	}
	if (rows_alloc(rows, spans->n - spans->n_free))
		return -ENOMEM;
	for (size_t l = 0; l < rows->n_lanes; l++)
		for (uint32_t d = 0; d < rows->lanes[l].n_rows; d++) {
			uint32_t i = spans->cpu[rows->lanes[l].cpu][d].head;

			rows->first[rows->lanes[l].first_row + d] = at;
			for (; i != PLOT_NO_SPAN; i = spans->span[i].next)
				rows->span[at++] = i;
		}
	rows->first[rows->n_rows] = at;
	find_unordered(rows, spans);
	return 0;
}

/* ---- all CPUs in one panel ------------------------------------------------------------------ */

#define LAYERS_MAX 256u /* more at once than CPUs: damaged input */

/* An outermost call with what is in it. */
struct group {
	uint64_t start_ns, end_ns;
	uint64_t limit_ns;  /* what begins from here on is of the next one */
	uint32_t outermost; /* so many spans of depth 0: more than one where they overlap */
	struct walk_lane *lane;
};

/* Goes through the groups of all CPUs in order of time. */
struct walk {
	const struct plot_spans *spans;
	struct walk_lane {
		uint32_t cpu, depths;
		uint32_t next[PLOT_LANE_ROWS_MAX]; /* by depth: the next span */
		bool more;
		uint64_t start_ns; /* of the next group */
	} * lane[PLOT_CPUS];
	size_t n;
};

/* What begins from `limit_ns` on is not of this group; PLOT_NO_SPAN: no more is. */
static uint32_t next_before(
	const struct walk *w, const struct walk_lane *l, uint32_t depth, uint64_t limit_ns)
{
	uint32_t i = l->next[depth];

	if (i != PLOT_NO_SPAN && limit_ns != UINT64_MAX && w->spans->span[i].start_ns >= limit_ns)
		return PLOT_NO_SPAN;
	return i;
}

static void find_next(const struct walk *w, struct walk_lane *l)
{
	l->more = false;
	l->start_ns = UINT64_MAX;
	for (uint32_t d = 0; d < l->depths; d++) {
		uint32_t i = l->next[d];

		if (i == PLOT_NO_SPAN)
			continue;
		l->more = true;
		if (w->spans->span[i].start_ns < l->start_ns)
			l->start_ns = w->spans->span[i].start_ns;
	}
}

static void walk_free(struct walk *w)
{
	for (size_t k = 0; k < w->n; k++)
		free(w->lane[k]);
	w->n = 0;
}

static int walk_begin(struct walk *w, const struct plot_spans *spans)
{
	*w = (struct walk){.spans = spans};
	for (uint32_t c = 0; c < PLOT_CPUS; c++) {
		struct walk_lane *l;

		if (!spans->cpu[c])
			continue;
		l = malloc(sizeof(*l));
		if (!l)
			return -ENOMEM;
		w->lane[w->n++] = l;
		l->cpu = c;
		l->depths = rows_used(spans->cpu[c]);
		for (uint32_t d = 0; d < l->depths; d++)
			l->next[d] = spans->cpu[c][d].head;
		find_next(w, l);
	}
	return 0;
}

/* Parts of calls whose outermost one is not here: all up to the next one that is. */
static void group_without_outermost(
	const struct walk *w, const struct walk_lane *l, struct group *g)
{
	for (uint32_t d = 1; d < l->depths; d++)
		for (uint32_t i = next_before(w, l, d, g->limit_ns);
			i != PLOT_NO_SPAN && w->spans->span[i].start_ns < g->limit_ns;
			i = w->spans->span[i].next)
			if (w->spans->span[i].end_ns > g->end_ns)
				g->end_ns = w->spans->span[i].end_ns;
}

/* The next group; the caller then takes all its spans. */
static bool next_group(const struct walk *w, struct group *g)
{
	struct walk_lane *l = NULL;
	uint32_t i;

	for (size_t k = 0; k < w->n; k++)
		if (w->lane[k]->more && (!l || w->lane[k]->start_ns < l->start_ns))
			l = w->lane[k];
	if (!l)
		return false;
	i = l->next[0];
	*g = (struct group){.start_ns = l->start_ns, .end_ns = l->start_ns, .lane = l};
	g->limit_ns = i == PLOT_NO_SPAN ? UINT64_MAX : w->spans->span[i].start_ns;
	if (i == PLOT_NO_SPAN || g->limit_ns > g->start_ns) {
		group_without_outermost(w, l, g);
		return true;
	}
	do {
		g->outermost++;
		if (w->spans->span[i].end_ns > g->end_ns)
			g->end_ns = w->spans->span[i].end_ns;
		i = w->spans->span[i].next;
	} while (i != PLOT_NO_SPAN && w->spans->span[i].start_ns < g->end_ns);
	g->limit_ns = i == PLOT_NO_SPAN ? UINT64_MAX : w->spans->span[i].start_ns;
	return true;
}

/* The next span of a group and its depth, which begins at 0; false: it has no more, and the walk may
 * go on. */
static bool next_in_group(const struct walk *w, struct group *g, uint32_t *depth, uint32_t *index)
{
	struct walk_lane *l = g->lane;

	for (; *depth < l->depths; ++*depth) {
		/* By number: several may begin at one moment, each a group of its own. */
		*index = *depth ? next_before(w, l, *depth, g->limit_ns) : l->next[0];
		if (*index == PLOT_NO_SPAN || (!*depth && !g->outermost))
			continue;
		g->outermost -= !*depth;
		l->next[*depth] = w->spans->span[*index].next;
		return true;
	}
	find_next(w, l);
	return false;
}

/* What a first walk finds out: which group goes where, how many spans are where. */
struct layers {
	uint64_t busy_until[LAYERS_MAX];
	uint32_t height[LAYERS_MAX];
	uint32_t n;
	uint32_t (*spans)[PLOT_LANE_ROWS_MAX]; /* [LAYERS_MAX]: by depth */
	uint16_t *of;                          /* by group: its layer, LAYERS_MAX: none */
	size_t n_groups, cap_groups;
};

/* The lowest layer that is free when it starts. */
static uint32_t layer_for(struct layers *ly, const struct group *g)
{
	uint32_t l = 0;

	while (l < ly->n && ly->busy_until[l] > g->start_ns)
		l++;
	if (l == LAYERS_MAX)
		return LAYERS_MAX;
	if (l == ly->n)
		ly->n++;
	ly->busy_until[l] = g->end_ns;
	return l;
}

static int assign_layers(struct layers *ly, struct walk *w)
{
	struct group g;

	while (next_group(w, &g)) {
		uint32_t depth = 0, index, layer = layer_for(ly, &g);
		uint16_t *of =
			grow_array(ly->of, &ly->cap_groups, ly->n_groups + 1, sizeof(*ly->of));

		if (!of)
			return -ENOMEM;
		ly->of = of;
		of[ly->n_groups++] = (uint16_t)layer;
		while (next_in_group(w, &g, &depth, &index))
			if (layer < LAYERS_MAX) {
				ly->spans[layer][depth]++;
				if (ly->height[layer] <= depth)
					ly->height[layer] = depth + 1;
			}
	}
	return 0;
}

static int stack_layers(struct plot_rows *rows, const struct layers *ly)
{
	size_t at = 0;

	rows->lanes = calloc(ly->n + (size_t)1, sizeof(*rows->lanes));
	if (!rows->lanes)
		return -ENOMEM;
	for (uint32_t l = 0; l < ly->n && rows->n_rows < PLOT_MERGED_ROWS_MAX; l++) {
		uint32_t left = PLOT_MERGED_ROWS_MAX - rows->n_rows;
		uint32_t n = ly->height[l] < left ? ly->height[l] : left;

		rows->lanes[rows->n_lanes++] = (struct plot_lane){l, rows->n_rows, n};
		rows->n_rows += n;
		for (uint32_t d = 0; d < n; d++)
			at += ly->spans[l][d];
	}
	if (rows_alloc(rows, at))
		return -ENOMEM;
	at = 0;
	for (size_t l = 0; l < rows->n_lanes; l++)
		for (uint32_t d = 0; d < rows->lanes[l].n_rows; d++) {
			rows->first[rows->lanes[l].first_row + d] = at;
			at += ly->spans[l][d];
		}
	rows->first[rows->n_rows] = at;
	return 0;
}

/* Groups of a layer follow each other, so the order of the walk is that of time in each row. */
static int fill_layers(struct plot_rows *rows, const struct layers *ly, struct walk *w)
{
	size_t *to = malloc(((size_t)rows->n_rows + 1) * sizeof(*to));
	struct group g;

	if (!to)
		return -ENOMEM;
	memcpy(to, rows->first, ((size_t)rows->n_rows + 1) * sizeof(*to));
	for (size_t k = 0; next_group(w, &g); k++) {
		const struct plot_lane *lane =
			ly->of[k] < rows->n_lanes ? &rows->lanes[ly->of[k]] : NULL;
		uint32_t depth = 0, index;

		while (next_in_group(w, &g, &depth, &index))
			if (lane && depth < lane->n_rows)
				rows->span[to[lane->first_row + depth]++] = index;
			else
				rows->hidden++;
	}
	free(to);
	return 0;
}

int plot_rows_merged(struct plot_rows *rows, const struct plot_spans *spans)
{
	struct layers *ly = calloc(1, sizeof(*ly));
	struct walk w;
	int err;

	memset(rows, 0, sizeof(*rows));
	rows->hidden = spans->hidden;
	err = walk_begin(&w, spans);
	if (ly)
		ly->spans = calloc(LAYERS_MAX, sizeof(*ly->spans));
	if (!ly || !ly->spans)
		err = -ENOMEM;
	if (!err)
		err = assign_layers(ly, &w);
	walk_free(&w);
	if (!err)
		err = stack_layers(rows, ly);
	if (!err)
		err = walk_begin(&w, spans);
	if (!err)
		err = fill_layers(rows, ly, &w);
	walk_free(&w);
	if (!err)
		find_unordered(rows, spans);
	if (ly) {
		free(ly->spans);
		free(ly->of);
	}
	free(ly);
	return err;
}
