/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From spans of time to what pixels can show.
 *
 * Spans are put in rows (one per depth and lane) once; then any view of any size costs the spans in
 * it, and hands out boxes for what is wide enough to be seen as a box and columns of density for
 * the rest, so the result is bounded by the picture and not by the recording.
 * Times are ns since the recording's origin. Functions return 0 or -ENOMEM, without a message.
 */
#ifndef HOST_PLOT_GEOMETRY_H
#define HOST_PLOT_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/plot/spans.h"

/* Rows taken by one CPU, or by one layer of the merged panel. */
struct plot_lane {
	uint32_t cpu; /* merged: index of the layer */
	uint32_t first_row, n_rows;
};

/* Indexes of spans, grouped by row and in order of start within a row. */
struct plot_rows {
	struct plot_lane *lanes;
	size_t n_lanes;
	uint32_t n_rows;
	size_t *first; /* row r: span[first[r] .. first[r + 1]) */
	uint32_t *span;
	bool *unordered; /* row r: a span ends before one in front of it (damaged input) */
	uint64_t hidden; /* spans left out because their row is beyond the limits */
};

#define PLOT_MERGED_ROWS_MAX 512u

/* `spans` are sorted (plot_spans_sort). 4 bytes a span. Release with plot_rows_free, also after an
 * error. */
int plot_rows_per_cpu(struct plot_rows *rows, const struct plot_spans *spans);

/*
 * All CPUs in one panel: whatever runs at once is put in layers above each other, each time an
 * outermost call with everything in it, in the lowest layer that is free. One busy CPU looks as
 * in its own panel; boxes do not overlap unless calls of one CPU do.
 */
int plot_rows_merged(struct plot_rows *rows, const struct plot_spans *spans);

void plot_rows_free(struct plot_rows *rows);

struct plot_view {
	uint64_t from_ns, to_ns; /* from < to */
	uint32_t width_px;       /* 1 .. PLOT_WIDTH_MAX */
};

#define PLOT_WIDTH_MAX 16384u

/* A span that is at least PLOT_BOX_MIN_PX wide, cut to the view. Handed to numpy as it is. */
struct plot_box {
	double x0_ns, x1_ns;
	uint32_t count; /* more than 1: stands for so many calls, `func` leads among them */
	uint16_t row;   /* within the panel, 0 at the bottom */
	uint16_t func;
	uint16_t filled; /* how much of it calls cover: 0 nothing .. 65535 all */
	uint8_t share;   /* self time of its call: 0 none .. 255 all */
	uint8_t flags;   /* enum plot_span_flags */
	uint32_t pad;
};
_Static_assert(sizeof(struct plot_box) == 32, "flameline.py knows this layout");

#define PLOT_BOX_MIN_PX 3.0

/* Spans narrower than a box, by row and pixel column: how much of the column they cover
 * (0 nothing, never 0 where there is a span, 255 all) and their mean self share. */
struct plot_tile {
	struct plot_box *boxes;
	size_t n_boxes, cap_boxes;
	uint32_t n_rows, width_px;
	uint8_t *cover;   /* [n_rows][width_px] */
	uint8_t *share;   /* [n_rows][width_px] */
	uint64_t n_spans; /* spans in the view */
};

int plot_tile_make(struct plot_tile *tile, const struct plot_rows *rows,
	const struct plot_spans *spans, uint32_t first_row, uint32_t n_rows,
	const struct plot_view *view);
void plot_tile_free(struct plot_tile *tile);

/* Spans of rows [first_row, first_row + n_rows) touch the view. */
bool plot_rows_any(const struct plot_rows *rows, const struct plot_spans *spans, uint32_t first_row,
	uint32_t n_rows, uint64_t from_ns, uint64_t to_ns);

/* Time covered by the bottom row of a lane within the view: how busy it is. */
uint64_t plot_rows_busy(const struct plot_rows *rows, const struct plot_spans *spans,
	uint32_t first_row, uint64_t from_ns, uint64_t to_ns);

#endif
