/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reduction of calls to pixels: nothing that is there may vanish, nothing may overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/plot/geometry.h"

static uint32_t seed = 12345;

static uint32_t next(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

static struct plot_span span(uint64_t start, uint64_t end, uint16_t depth, uint8_t cpu)
{
	return (struct plot_span){.start_ns = start,
		.end_ns = end,
		.func = depth,
		.depth = depth,
		.cpu = cpu,
		.share = 100};
}

/* Calls in calls, as a recording has them: outer ones first. Returns where time stands. */
static uint64_t nest(
	struct plot_span *s, size_t *n, size_t cap, uint64_t at, uint16_t depth, uint8_t cpu)
{
	size_t mine = *n;

	if (*n >= cap)
		return at;
	s[(*n)++] = span(at, at, depth, cpu);
	at += next(50);
	for (uint32_t kids = depth < 8 ? next(3) : 0; kids; kids--)
		at = nest(s, n, cap, at, (uint16_t)(depth + 1), cpu) + next(20);
	at += next(100);
	s[mine].end_ns = at;
	return at;
}

static size_t make_spans(struct plot_span *s, size_t cap, uint32_t cpus)
{
	size_t n = 0;

	for (uint32_t c = 0; c < cpus; c++) {
		uint64_t at = next(100);

		while (n < cap * (c + 1) / cpus)
			at = nest(s, &n, cap * (c + 1) / cpus, at, 0, (uint8_t)c) + next(3000);
	}
	return n;
}

static bool in_view(const struct plot_span *s, const struct plot_view *v)
{
	return s->start_ns < v->to_ns && (s->end_ns > v->from_ns || s->start_ns >= v->from_ns);
}

static bool is_drawn(const struct plot_tile *t, uint32_t row, const struct plot_span *s,
	const struct plot_view *v)
{
	double from = (double)v->from_ns, px = ((double)v->to_ns - from) / v->width_px;
	double x0 = s->start_ns > v->from_ns ? (double)s->start_ns : from;
	double x1 = s->end_ns < v->to_ns ? (double)s->end_ns : (double)v->to_ns;
	uint32_t column = (uint32_t)((x0 - from) / px);

	if (x1 - x0 < PLOT_BOX_MIN_PX * px)
		return t->cover[(size_t)row * t->width_px + column] > 0;
	for (size_t i = 0; i < t->n_boxes; i++)
		if (t->boxes[i].row == row && t->boxes[i].x0_ns == x0 && t->boxes[i].x1_ns == x1)
			return true;
	return false;
}

/* Every span of the view is in the tile, at any zoom; found by search or by looking at all alike.
 */
static void nothing_visible_is_dropped(void **state)
{
	static struct plot_span s[6000];
	size_t n = make_spans(s, 6000, 3);
	struct plot_rows rows;

	assert_int_equal(plot_rows_per_cpu(&rows, s, n), 0);
	assert_int_equal(rows.n_lanes, 3);
	for (int round = 0; round < 60; round++) {
		const struct plot_lane *lane = &rows.lanes[next(3)];
		uint64_t from = next(200000), length = 1 + next(round % 3 ? 3000 : 500000);
		struct plot_view v = {from, from + length, 1 + next(900)};
		struct plot_tile t;
		uint64_t seen = 0;

		assert_int_equal(
			plot_tile_make(&t, &rows, s, lane->first_row, lane->n_rows, &v), 0);
		for (size_t i = 0; i < n; i++) {
			if (s[i].cpu != lane->cpu || !in_view(&s[i], &v))
				continue;
			seen++;
			assert_true(is_drawn(&t, s[i].depth, &s[i], &v));
		}
		assert_int_equal(t.n_spans, seen);
		assert_int_equal(
			plot_rows_any(&rows, s, lane->first_row, lane->n_rows, v.from_ns, v.to_ns),
			seen > 0);
		plot_tile_free(&t);
	}
	plot_rows_free(&rows);
}

/* A call that began before the view and goes on after it fills it. */
static void running_calls_are_cut_to_the_view(void **state)
{
	struct plot_span s[] = {span(0, 1000000, 0, 0), span(10, 999999, 1, 0)};
	struct plot_view v = {500000, 600000, 100};
	struct plot_rows rows;
	struct plot_tile t;

	assert_int_equal(plot_rows_per_cpu(&rows, s, 2), 0);
	assert_int_equal(plot_tile_make(&t, &rows, s, 0, 2, &v), 0);
	assert_int_equal(t.n_boxes, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(t.boxes[i].x0_ns == 500000 && t.boxes[i].x1_ns == 600000);
		assert_int_equal(t.boxes[i].func, i);
	}
	plot_tile_free(&t);
	plot_rows_free(&rows);
}

static void density_tells_cover_and_self_share(void **state)
{
	/* Columns of 100 ns: the first half covered by two calls, the second all, the third by an
	 * instant. */
	struct plot_span s[] = {
		span(0, 25, 0, 0), span(30, 55, 0, 0), span(100, 200, 0, 0), span(250, 250, 0, 0)};
	struct plot_view v = {0, 500, 5};
	struct plot_rows rows;
	struct plot_tile t;

	s[0].share = 0;
	s[1].share = 200;
	assert_int_equal(plot_rows_per_cpu(&rows, s, 4), 0);
	assert_int_equal(plot_tile_make(&t, &rows, s, 0, 1, &v), 0);
	assert_int_equal(t.n_boxes, 0);
	assert_in_range(t.cover[0], 125, 130);
	assert_in_range(t.share[0], 99, 101);
	assert_int_equal(t.cover[1], 255);
	assert_int_equal(t.share[1], 100);
	assert_in_range(t.cover[2], 1, 5);
	assert_int_equal(t.cover[3], 0);
	assert_int_equal(t.cover[4], 0);
	plot_tile_free(&t);
	plot_rows_free(&rows);
}

/* Damaged input: a row whose spans overlap must not lose the long one to the search. */
static void overlapping_spans_are_still_found(void **state)
{
	struct plot_span s[] = {span(0, 100000, 0, 0), span(10, 20, 0, 0), span(30, 40, 0, 0)};
	struct plot_view v = {50000, 60000, 100};
	struct plot_rows rows;
	struct plot_tile t;

	assert_int_equal(plot_rows_per_cpu(&rows, s, 3), 0);
	assert_int_equal(plot_tile_make(&t, &rows, s, 0, 1, &v), 0);
	assert_int_equal(t.n_boxes, 1);
	plot_tile_free(&t);
	plot_rows_free(&rows);
}

static void merged_rows_hold_every_call_once_without_overlap(void **state)
{
	static struct plot_span s[5000];
	static uint8_t seen[5000];
	size_t n = make_spans(s, 5000, 5);
	struct plot_rows rows;

	memset(seen, 0, sizeof(seen));
	assert_int_equal(plot_rows_merged(&rows, s, n), 0);
	assert_in_range(rows.n_lanes, 2, 5);
	assert_int_equal(rows.hidden, 0);
	for (uint32_t r = 0; r < rows.n_rows; r++) {
		assert_false(rows.overlapping[r]);
		for (size_t i = rows.first[r]; i < rows.first[r + 1]; i++)
			seen[rows.span[i]]++;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen[i], 1);
	plot_rows_free(&rows);
}

static void one_busy_cpu_looks_the_same_merged(void **state)
{
	static struct plot_span s[1000];
	size_t n = make_spans(s, 1000, 1);
	struct plot_rows merged, own;

	assert_int_equal(plot_rows_merged(&merged, s, n), 0);
	assert_int_equal(plot_rows_per_cpu(&own, s, n), 0);
	assert_int_equal(merged.n_lanes, 1);
	assert_int_equal(merged.n_rows, own.n_rows);
	for (uint32_t r = 0; r <= own.n_rows; r++)
		assert_int_equal(merged.first[r], own.first[r]);
	plot_rows_free(&merged);
	plot_rows_free(&own);
}

static void endless_recursion_stays_bounded_and_is_counted(void **state)
{
	static struct plot_span s[1000];
	struct plot_rows rows;

	for (uint16_t d = 0; d < 1000; d++)
		s[d] = span(d, 5000 - d, d, 7);
	assert_int_equal(plot_rows_per_cpu(&rows, s, 1000), 0);
	assert_int_equal(rows.n_rows, PLOT_LANE_ROWS_MAX);
	assert_int_equal(rows.hidden, 1000 - PLOT_LANE_ROWS_MAX);
	plot_rows_free(&rows);
	assert_int_equal(plot_rows_merged(&rows, s, 1000), 0);
	assert_int_equal(rows.n_rows, PLOT_LANE_ROWS_MAX);
	assert_int_equal(rows.hidden, 1000 - PLOT_LANE_ROWS_MAX);
	plot_rows_free(&rows);
}

static void nothing_recorded_is_no_error(void **state)
{
	struct plot_rows rows;

	assert_int_equal(plot_rows_per_cpu(&rows, NULL, 0), 0);
	assert_int_equal(rows.n_lanes, 0);
	plot_rows_free(&rows);
	assert_int_equal(plot_rows_merged(&rows, NULL, 0), 0);
	assert_int_equal(rows.n_rows, 0);
	plot_rows_free(&rows);
}

/* A million calls: anything that looks at all of them for each would take minutes. */
static void a_million_calls_take_no_time(void **state)
{
	size_t cap = 1000000, n;
	struct plot_span *s = malloc(cap * sizeof(*s));
	struct plot_rows rows;
	struct timespec a, b;

	assert_non_null(s);
	n = make_spans(s, cap, 4);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	assert_int_equal(plot_rows_merged(&rows, s, n), 0);
	for (size_t l = 0; l < rows.n_lanes; l++) {
		struct plot_view v = {0, s[n - 1].end_ns + 1, 1500};
		struct plot_tile t;

		assert_int_equal(plot_tile_make(&t, &rows, s, rows.lanes[l].first_row,
					 rows.lanes[l].n_rows, &v),
			0);
		assert_in_range(t.n_boxes, 0, (size_t)rows.lanes[l].n_rows * 501);
		plot_tile_free(&t);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	assert_in_range(b.tv_sec - a.tv_sec, 0, 10);
	plot_rows_free(&rows);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_visible_is_dropped),
		cmocka_unit_test(running_calls_are_cut_to_the_view),
		cmocka_unit_test(density_tells_cover_and_self_share),
		cmocka_unit_test(overlapping_spans_are_still_found),
		cmocka_unit_test(merged_rows_hold_every_call_once_without_overlap),
		cmocka_unit_test(one_busy_cpu_looks_the_same_merged),
		cmocka_unit_test(endless_recursion_stays_bounded_and_is_counted),
		cmocka_unit_test(nothing_recorded_is_no_error),
		cmocka_unit_test(a_million_calls_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
