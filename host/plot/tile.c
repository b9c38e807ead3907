/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/geometry.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Spans without length still were there: they count as this share of a pixel column. */
#define INSTANT_PX 0.001f

void plot_tile_free(struct plot_tile *tile)
{
	free(tile->boxes);
	free(tile->cover);
	free(tile->share);
	memset(tile, 0, sizeof(*tile));
}

/* First position in row r whose span ends after t, or lies at t without length. */
static size_t first_ending_after(
	const struct plot_rows *rows, const struct plot_spans *spans, uint32_t r, uint64_t t)
{
	size_t lo = rows->first[r], hi = rows->first[r + 1];

	if (rows->unordered[r])
		return lo;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct plot_span *s = &spans->span[rows->span[mid]];

		if (s->end_ns > t || s->start_ns >= t)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* [start, end) touches [from, to); a span without length is where it starts. */
static bool touches(const struct plot_span *s, uint64_t from, uint64_t to)
{
	return s->start_ns < to && (s->end_ns > from || s->start_ns >= from);
}

bool plot_rows_any(const struct plot_rows *rows, const struct plot_spans *spans, uint32_t first_row,
	uint32_t n_rows, uint64_t from_ns, uint64_t to_ns)
{
	for (uint32_t r = first_row; r < first_row + n_rows; r++)
		for (size_t i = first_ending_after(rows, spans, r, from_ns); i < rows->first[r + 1];
			i++) {
			const struct plot_span *s = &spans->span[rows->span[i]];

			if (touches(s, from_ns, to_ns))
				return true;
			if (s->start_ns >= to_ns)
				break;
		}
	return false;
}

uint64_t plot_rows_busy(const struct plot_rows *rows, const struct plot_spans *spans,
	uint32_t first_row, uint64_t from_ns, uint64_t to_ns)
{
	double busy = 0;

	for (size_t i = first_ending_after(rows, spans, first_row, from_ns);
		i < rows->first[first_row + 1]; i++) {
		const struct plot_span *s = &spans->span[rows->span[i]];

		if (s->start_ns >= to_ns)
			break;
		if (touches(s, from_ns, to_ns))
			busy += plot_span_density(s) *
				(double)((s->end_ns < to_ns ? s->end_ns : to_ns) -
					 (s->start_ns > from_ns ? s->start_ns : from_ns));
	}
	return (uint64_t)busy;
}

static int add_box(struct plot_tile *tile, const struct plot_box *box)
{
	if (tile->n_boxes == tile->cap_boxes) {
		size_t cap = tile->cap_boxes ? tile->cap_boxes * 2 : 1024;
		struct plot_box *more = realloc(tile->boxes, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		tile->boxes = more;
		tile->cap_boxes = cap;
	}
	tile->boxes[tile->n_boxes++] = *box;
	return 0;
}

/* Spread a span of a few pixels (x0..x1, in columns) over the columns it touches. */
static void add_density(
	float *cover, float *self, uint32_t width, double x0, double x1, const struct plot_span *s)
{
	double density = plot_span_density(s);
	uint8_t share = plot_span_share(s);
	uint32_t a = (uint32_t)x0, b = (uint32_t)x1;

	if (a >= width)
		a = width - 1;
	if (b >= width)
		b = width - 1;
	for (uint32_t c = a; c <= b; c++) {
		double left = x0 > c ? x0 : c, right = x1 < c + 1.0 ? x1 : c + 1.0;
		float part = (float)((right - left) * density);

		if (part <= 0 && c != a)
			continue;
		if (part < INSTANT_PX)
			part = INSTANT_PX;
		cover[c] += part;
		self[c] += part * share;
	}
}

static int row_make(struct plot_tile *tile, const struct plot_rows *rows,
	const struct plot_spans *spans, uint32_t row, uint32_t out_row,
	const struct plot_view *view, float *cover, float *self)
{
	double from = (double)view->from_ns,
	       ns_per_px = ((double)view->to_ns - from) / view->width_px;
	size_t at = (size_t)out_row * view->width_px;

	memset(cover, 0, view->width_px * sizeof(*cover));
	memset(self, 0, view->width_px * sizeof(*self));
	for (size_t i = first_ending_after(rows, spans, row, view->from_ns);
		i < rows->first[row + 1]; i++) {
		const struct plot_span *s = &spans->span[rows->span[i]];
		double x0, x1;

		if (s->start_ns >= view->to_ns)
			break;
		if (!touches(s, view->from_ns, view->to_ns))
			continue;
		tile->n_spans += s->count;
		x0 = (double)(s->start_ns > view->from_ns ? s->start_ns : view->from_ns);
		x1 = (double)(s->end_ns < view->to_ns ? s->end_ns : view->to_ns);
		if (x1 - x0 >= PLOT_BOX_MIN_PX * ns_per_px) {
			struct plot_box box = {
				.x0_ns = x0,
				.x1_ns = x1,
				.count = s->count,
				.row = (uint16_t)out_row,
				.func = s->func,
				.filled = (uint16_t)(fmin(plot_span_density(s), 1) * UINT16_MAX),
				.share = plot_span_share(s),
				.flags = s->flags,
			};

			if (add_box(tile, &box))
				return -ENOMEM;
		} else {
			add_density(cover, self, view->width_px, (x0 - from) / ns_per_px,
				(x1 - from) / ns_per_px, s);
		}
	}
	for (uint32_t c = 0; c < view->width_px; c++) {
		if (cover[c] <= 0)
			continue;
		tile->cover[at + c] = cover[c] >= 1 ? 255 : (uint8_t)(1 + cover[c] * 254);
		tile->share[at + c] = (uint8_t)(self[c] / cover[c] + 0.5f);
	}
	return 0;
}

int plot_tile_make(struct plot_tile *tile, const struct plot_rows *rows,
	const struct plot_spans *spans, uint32_t first_row, uint32_t n_rows,
	const struct plot_view *view)
{
	float *cover = malloc(view->width_px * sizeof(*cover));
	float *self = malloc(view->width_px * sizeof(*self));
	int err = -ENOMEM;

	memset(tile, 0, sizeof(*tile));
	tile->n_rows = n_rows;
	tile->width_px = view->width_px;
	tile->cover = calloc((size_t)n_rows * view->width_px + 1, 1);
	tile->share = calloc((size_t)n_rows * view->width_px + 1, 1);
	if (!cover || !self || !tile->cover || !tile->share)
		goto out;
	err = 0;
	for (uint32_t r = 0; r < n_rows && !err; r++)
		err = row_make(tile, rows, spans, first_row + r, r, view, cover, self);
out:
	free(cover);
	free(self);
	if (err)
		plot_tile_free(tile);
	return err;
}
