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
#include "host/plot/pending.h"

static uint32_t seed = 12345;

static uint32_t next(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* A call on a CPU, as the tests think of it. */
struct call {
	uint64_t start_ns, end_ns;
	uint16_t depth;
	uint8_t cpu, share;
};

static struct call call(uint64_t start, uint64_t end, uint16_t depth, uint8_t cpu)
{
	return (struct call){start, end, depth, cpu, 100};
}

/* Calls in calls, as a recording has them: outer ones first. Returns where time stands. */
static uint64_t nest(
	struct call *s, size_t *n, size_t cap, uint64_t at, uint16_t depth, uint8_t cpu)
{
	size_t mine = *n;

	if (*n >= cap)
		return at;
	s[(*n)++] = call(at, at, depth, cpu);
	at += next(50);
	for (uint32_t kids = depth < 8 ? next(3) : 0; kids; kids--)
		at = nest(s, n, cap, at, (uint16_t)(depth + 1), cpu) + next(20);
	at += next(100);
	s[mine].end_ns = at;
	return at;
}

static size_t make_calls(struct call *s, size_t cap, uint32_t cpus)
{
	size_t n = 0;

	for (uint32_t c = 0; c < cpus; c++) {
		uint64_t at = next(100);

		while (n < cap * (c + 1) / cpus)
			at = nest(s, &n, cap * (c + 1) / cpus, at, 0, (uint8_t)c) + next(3000);
	}
	return n;
}

static void put(struct plot_spans *spans, const struct call *c)
{
	struct plot_span span = {
		.start_ns = c->start_ns,
		.end_ns = c->end_ns,
		.self_ns = (float)(c->end_ns - c->start_ns) * (float)c->share / 255,
		.func = c->depth,
	};
	uint32_t index;
	bool moved;

	assert_int_equal(plot_spans_add(spans, c->cpu, c->depth, &span, &index, &moved), 0);
}

static void put_all(struct plot_spans *spans, const struct call *c, size_t n, size_t max)
{
	plot_spans_init(spans, max);
	for (size_t i = 0; i < n; i++)
		put(spans, &c[i]);
	assert_int_equal(plot_spans_sort(spans), 0);
}

static bool in_view(const struct call *s, const struct plot_view *v)
{
	return s->start_ns < v->to_ns && (s->end_ns > v->from_ns || s->start_ns >= v->from_ns);
}

static bool is_drawn(
	const struct plot_tile *t, uint32_t row, const struct call *s, const struct plot_view *v)
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
	static struct call s[6000];
	size_t n = make_calls(s, 6000, 3);
	struct plot_spans spans;
	struct plot_rows rows;

	put_all(&spans, s, n, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	assert_int_equal(rows.n_lanes, 3);
	for (int round = 0; round < 60; round++) {
		const struct plot_lane *lane = &rows.lanes[next(3)];
		uint64_t from = next(200000), length = 1 + next(round % 3 ? 3000 : 500000);
		struct plot_view v = {from, from + length, 1 + next(900)};
		struct plot_tile t;
		uint64_t seen = 0;

		assert_int_equal(
			plot_tile_make(&t, &rows, &spans, lane->first_row, lane->n_rows, &v), 0);
		for (size_t i = 0; i < n; i++) {
			if (s[i].cpu != lane->cpu || !in_view(&s[i], &v))
				continue;
			seen++;
			assert_true(is_drawn(&t, s[i].depth, &s[i], &v));
		}
		assert_int_equal(t.n_spans, seen);
		assert_int_equal(plot_rows_any(&rows, &spans, lane->first_row, lane->n_rows,
					 v.from_ns, v.to_ns),
			seen > 0);
		plot_tile_free(&t);
	}
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

/* A call that began before the view and goes on after it fills it. */
static void running_calls_are_cut_to_the_view(void **state)
{
	struct call s[] = {call(0, 1000000, 0, 0), call(10, 999999, 1, 0)};
	struct plot_view v = {500000, 600000, 100};
	struct plot_spans spans;
	struct plot_rows rows;
	struct plot_tile t;

	put_all(&spans, s, 2, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	assert_int_equal(plot_tile_make(&t, &rows, &spans, 0, 2, &v), 0);
	assert_int_equal(t.n_boxes, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(t.boxes[i].x0_ns == 500000 && t.boxes[i].x1_ns == 600000);
		assert_int_equal(t.boxes[i].func, i);
	}
	plot_tile_free(&t);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

static void density_tells_cover_and_self_share(void **state)
{
	/* Columns of 100 ns: the first half covered by two calls, the second all, the third by an
	 * instant. */
	struct call s[] = {
		call(0, 25, 0, 0), call(30, 55, 0, 0), call(100, 200, 0, 0), call(250, 250, 0, 0)};
	struct plot_view v = {0, 500, 5};
	struct plot_spans spans;
	struct plot_rows rows;
	struct plot_tile t;

	s[0].share = 0;
	s[1].share = 200;
	put_all(&spans, s, 4, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	assert_int_equal(plot_tile_make(&t, &rows, &spans, 0, 1, &v), 0);
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
	plot_spans_free(&spans);
}

/* Damaged input: a row whose spans overlap must not lose the long one to the search. */
static void overlapping_spans_are_still_found(void **state)
{
	struct call s[] = {call(0, 100000, 0, 0), call(10, 20, 0, 0), call(30, 40, 0, 0)};
	struct plot_view v = {50000, 60000, 100};
	struct plot_spans spans;
	struct plot_rows rows;
	struct plot_tile t;

	put_all(&spans, s, 3, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	assert_int_equal(plot_tile_make(&t, &rows, &spans, 0, 1, &v), 0);
	assert_int_equal(t.n_boxes, 1);
	plot_tile_free(&t);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

static void merged_rows_hold_every_call_once_without_overlap(void **state)
{
	static struct call s[5000];
	static uint8_t seen[5000];
	size_t n = make_calls(s, 5000, 5);
	struct plot_spans spans;
	struct plot_rows rows;

	memset(seen, 0, sizeof(seen));
	put_all(&spans, s, n, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_merged(&rows, &spans), 0);
	assert_in_range(rows.n_lanes, 2, 5);
	assert_int_equal(rows.hidden, 0);
	for (uint32_t r = 0; r < rows.n_rows; r++) {
		assert_false(rows.unordered[r]);
		for (size_t i = rows.first[r]; i < rows.first[r + 1]; i++) {
			seen[rows.span[i]]++;
			assert_true(
				i == rows.first[r] || spans.span[rows.span[i]].start_ns >=
							      spans.span[rows.span[i - 1]].end_ns);
		}
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen[i], 1);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

static void one_busy_cpu_looks_the_same_merged(void **state)
{
	static struct call s[1000];
	size_t n = make_calls(s, 1000, 1);
	struct plot_spans spans;
	struct plot_rows merged, own;

	put_all(&spans, s, n, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_merged(&merged, &spans), 0);
	assert_int_equal(plot_rows_per_cpu(&own, &spans), 0);
	assert_int_equal(merged.n_lanes, 1);
	assert_int_equal(merged.n_rows, own.n_rows);
	for (uint32_t r = 0; r <= own.n_rows; r++)
		assert_int_equal(merged.first[r], own.first[r]);
	plot_rows_free(&merged);
	plot_rows_free(&own);
	plot_spans_free(&spans);
}

static void endless_recursion_stays_bounded_and_is_counted(void **state)
{
	static struct call s[1000];
	struct plot_spans spans;
	struct plot_rows rows;

	for (uint16_t d = 0; d < 1000; d++)
		s[d] = call(d, 5000 - d, d, 7);
	put_all(&spans, s, 1000, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	assert_int_equal(rows.n_rows, PLOT_LANE_ROWS_MAX);
	assert_int_equal(rows.hidden, 1000 - PLOT_LANE_ROWS_MAX);
	plot_rows_free(&rows);
	assert_int_equal(plot_rows_merged(&rows, &spans), 0);
	assert_int_equal(rows.n_rows, PLOT_LANE_ROWS_MAX);
	assert_int_equal(rows.hidden, 1000 - PLOT_LANE_ROWS_MAX);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

static void nothing_recorded_is_no_error(void **state)
{
	struct plot_spans spans;
	struct plot_rows rows;

	plot_spans_init(&spans, 1000);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	assert_int_equal(rows.n_lanes, 0);
	plot_rows_free(&rows);
	assert_int_equal(plot_rows_merged(&rows, &spans), 0);
	assert_int_equal(rows.n_rows, 0);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

/* A million calls: anything that looks at all of them for each would take minutes. */
static void a_million_calls_take_no_time(void **state)
{
	size_t cap = 1000000, n;
	struct call *s = malloc(cap * sizeof(*s));
	struct plot_spans spans;
	struct plot_rows rows;
	struct timespec a, b;

	assert_non_null(s);
	n = make_calls(s, cap, 4);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	put_all(&spans, s, n, PLOT_SPANS_MAX);
	assert_int_equal(plot_rows_merged(&rows, &spans), 0);
	for (size_t l = 0; l < rows.n_lanes; l++) {
		struct plot_view v = {0, s[n - 1].end_ns + 1, 1500};
		struct plot_tile t;

		assert_int_equal(plot_tile_make(&t, &rows, &spans, rows.lanes[l].first_row,
					 rows.lanes[l].n_rows, &v),
			0);
		assert_in_range(t.n_boxes, 0, (size_t)rows.lanes[l].n_rows * 501);
		plot_tile_free(&t);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	assert_in_range(b.tv_sec - a.tv_sec, 0, 10);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
	free(s);
}

/* ---- more of them than there is room for ---------------------------------------------------- */

static double busy_in(const struct plot_rows *rows, const struct plot_spans *spans, uint32_t row)
{
	double busy = 0;

	for (size_t i = rows->first[row]; i < rows->first[row + 1]; i++)
		busy += (double)spans->span[rows->span[i]].busy_ns;
	return busy;
}

/* All of them are in what is left, at their place to a grain, with their time. */
static void too_many_become_few_and_nothing_is_lost(void **state)
{
	static struct call s[60000];
	size_t n = make_calls(s, 60000, 2);
	struct plot_rows rows, exact_rows;
	struct plot_spans spans, exact;
	uint64_t count = 0, grain;

	put_all(&exact, s, n, PLOT_SPANS_MAX);
	put_all(&spans, s, n, 5000);
	assert_int_equal(plot_spans_grain_ns(&exact), 0);
	grain = plot_spans_grain_ns(&spans);
	assert_true(grain > 0 && grain < s[n - 1].end_ns / 100);
	assert_in_range(spans.n, 1000, 5000);
	assert_int_equal(plot_rows_per_cpu(&exact_rows, &exact), 0);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	assert_int_equal(rows.n_rows, exact_rows.n_rows);
	for (uint32_t r = 0; r < rows.n_rows; r++) {
		double want = busy_in(&exact_rows, &exact, r);

		assert_float_equal(busy_in(&rows, &spans, r) / want, 1, 1e-4);
		for (size_t i = rows.first[r]; i < rows.first[r + 1]; i++) {
			const struct plot_span *a = &spans.span[rows.span[i]];

			count += a->count;
			assert_int_equal(a->count > 1, (a->flags & PLOT_SPAN_MERGED) != 0);
			assert_true(a->count == 1 || a->end_ns - a->start_ns < grain);
			assert_float_equal(plot_span_share(a), 100, 1.01);
			assert_true(i == rows.first[r] ||
				    a->start_ns >= spans.span[rows.span[i - 1]].end_ns);
		}
	}
	assert_int_equal(count, n);
	plot_rows_free(&rows);
	plot_rows_free(&exact_rows);
	plot_spans_free(&spans);
	plot_spans_free(&exact);
}

/* A picture whose pixels are wider than a grain is the same one, whatever was merged. */
static void an_overview_looks_as_if_nothing_was_merged(void **state)
{
	static struct call s[60000];
	size_t n = make_calls(s, 60000, 2);
	struct plot_rows rows[2];
	struct plot_spans spans[2];
	struct plot_tile t[2];
	struct plot_view v = {0, 0, 0};
	uint64_t off = 0, of = 0;

	for (size_t i = 0; i < n; i++)
		v.to_ns = s[i].end_ns >= v.to_ns ? s[i].end_ns + 1 : v.to_ns;
	put_all(&spans[0], s, n, PLOT_SPANS_MAX);
	put_all(&spans[1], s, n, 20000);
	v.width_px = (uint32_t)(v.to_ns / plot_spans_grain_ns(&spans[1]) / 8);
	assert_in_range(v.width_px, 20, 4000);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(plot_rows_per_cpu(&rows[k], &spans[k]), 0);
		assert_int_equal(
			plot_tile_make(&t[k], &rows[k], &spans[k], 0, rows[k].n_rows, &v), 0);
	}
	assert_int_equal(t[0].n_spans, t[1].n_spans);
	assert_int_equal(t[0].n_boxes, t[1].n_boxes);
	for (size_t i = 0; i < (size_t)t[0].n_rows * v.width_px; i++) {
		off += (uint64_t)abs(t[0].cover[i] - t[1].cover[i]);
		of += t[0].cover[i];
	}
	/* A pixel has eight grains: what lies across its edges is off by less than one. */
	assert_true(of > 0 && off < of / 12);
	for (int k = 0; k < 2; k++) {
		plot_tile_free(&t[k]);
		plot_rows_free(&rows[k]);
		plot_spans_free(&spans[k]);
	}
}

static void all_at_one_instant_are_one(void **state)
{
	struct plot_spans spans;
	struct plot_rows rows;
	struct call at = call(1000, 1000, 0, 3), later = call(5000, 9000, 0, 3);

	plot_spans_init(&spans, 1000);
	for (size_t i = 0; i < 50000; i++)
		put(&spans, &at);
	put(&spans, &later);
	assert_int_equal(plot_spans_grain_ns(&spans), 1);
	assert_int_equal(plot_rows_merged(&rows, &spans), 0);
	assert_int_equal(rows.first[1], 2);
	assert_int_equal(spans.span[rows.span[0]].count, 50000);
	assert_int_equal(spans.span[rows.span[1]].count, 1);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

static void a_merged_one_names_who_takes_most_of_it(void **state)
{
	struct plot_spans spans;
	uint32_t index;
	bool moved;

	plot_spans_init(&spans, 10);
	for (uint16_t i = 0; i < 3000; i++) {
		struct plot_span s = {
			.start_ns = i * 10u, .end_ns = i * 10u + (i % 3 == 1 ? 8 : 2)};

		s.func = i % 3 == 1 ? 77 : i;
		assert_int_equal(plot_spans_add(&spans, 0, 0, &s, &index, &moved), 0);
	}
	for (uint32_t i = spans.cpu[0][0].head; i != PLOT_NO_SPAN; i = spans.span[i].next)
		assert_true(spans.span[i].count < 100 || spans.span[i].func == 77);
	plot_spans_free(&spans);
}

/* Whatever comes, in whatever order: never more than there is room for, and every one is in. */
static void overlapping_and_disordered_spans_stay_bounded(void **state)
{
	struct plot_spans spans;
	struct plot_rows rows;
	uint64_t count = 0;

	plot_spans_init(&spans, 2000);
	for (size_t i = 0; i < 30000; i++) {
		uint64_t start = next(1000000);
		struct call c =
			call(start, start + next(500000), (uint16_t)next(4), (uint8_t)next(5));

		put(&spans, &c);
	}
	assert_in_range(spans.n, 1, 2000);
	assert_int_equal(spans.unplaced, 0);
	assert_int_equal(plot_spans_sort(&spans), 0);
	assert_int_equal(plot_rows_per_cpu(&rows, &spans), 0);
	for (size_t i = 0; i < rows.first[rows.n_rows]; i++)
		count += spans.span[rows.span[i]].count;
	assert_int_equal(count, 30000);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

/* A call is coloured in all its stretches when it ends; what it has lost by then is nobody else's. */
static void stretches_wait_for_the_end_of_their_call(void **state)
{
	struct plot_spans spans;
	struct plot_pending pending = {0};
	uint32_t index, n = 0, left = 0;
	bool moved;

	plot_spans_init(&spans, 1000);
	for (uint64_t i = 0; i < 5000; i++) {
		struct plot_span s = {.start_ns = i * 1000, .end_ns = i * 1000 + 10 + i % 900};

		s.func = (uint16_t)(i % 5);
		assert_int_equal(plot_spans_add(&spans, 0, 0, &s, &index, &moved), 0);
		if (moved)
			plot_pending_check(&pending, &spans);
		if (index == PLOT_NO_SPAN)
			continue;
		spans.span[index].flags |= PLOT_SPAN_PENDING;
		assert_int_equal(plot_pending_put(&pending, i % 5, index), 0);
	}
	for (uint32_t i = 0; i < spans.n; i++)
		left += (spans.span[i].flags & PLOT_SPAN_PENDING) != 0;
	for (uint64_t call = 0; call < 5; call++)
		while ((index = plot_pending_take(&pending, call)) != PLOT_NO_SPAN) {
			if (!(spans.span[index].flags & PLOT_SPAN_PENDING))
				continue;
			assert_int_equal(spans.span[index].func, call);
			spans.span[index].flags &= (uint8_t)~PLOT_SPAN_PENDING;
			n++;
		}
	assert_true(n > 0);
	assert_int_equal(n, left);
	plot_pending_free(&pending);
	plot_spans_free(&spans);
}

/* What is dropped is in no row, and makes room before anything is merged. */
static void dropped_spans_leave_no_trace(void **state)
{
	struct plot_spans spans;
	struct plot_rows rows;
	uint32_t index;
	bool moved;

	plot_spans_init(&spans, 1000);
	for (uint64_t i = 0; i < 20000; i++) {
		struct plot_span s = {.start_ns = i * 1000, .end_ns = i * 1000 + 10};

		s.func = i % 100 == 7;
		assert_int_equal(
			plot_spans_add(&spans, 0, (uint32_t)(i % 3), &s, &index, &moved), 0);
		assert_int_not_equal(index, PLOT_NO_SPAN);
		if (!s.func)
			plot_spans_drop(&spans, index);
	}
	assert_int_equal(plot_spans_grain_ns(&spans), 0);
	assert_int_equal(plot_spans_sort(&spans), 0);
	assert_int_equal(plot_rows_merged(&rows, &spans), 0);
	assert_int_equal(rows.first[rows.n_rows], 200);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(spans.span[rows.span[i]].func, 1);
	plot_rows_free(&rows);
	plot_spans_free(&spans);
}

/* One call of a million stretches must not cost others their colour. */
static void calls_that_never_end_stay_bounded(void **state)
{
	struct plot_pending pending = {0};

	for (uint32_t i = 0; i < 4 * PLOT_PENDING_MAX; i++) {
		assert_int_equal(plot_pending_put(&pending, 1, i), 0);
		assert_int_equal(plot_pending_put(&pending, 2 + i, i), 0);
		assert_int_equal(plot_pending_take(&pending, 2 + i), i);
		assert_int_equal(plot_pending_take(&pending, 2 + i), PLOT_NO_SPAN);
	}
	assert_in_range(pending.cap, 1, PLOT_PENDING_MAX);
	plot_pending_free(&pending);
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
		cmocka_unit_test(too_many_become_few_and_nothing_is_lost),
		cmocka_unit_test(an_overview_looks_as_if_nothing_was_merged),
		cmocka_unit_test(all_at_one_instant_are_one),
		cmocka_unit_test(a_merged_one_names_who_takes_most_of_it),
		cmocka_unit_test(overlapping_and_disordered_spans_stay_bounded),
		cmocka_unit_test(stretches_wait_for_the_end_of_their_call),
		cmocka_unit_test(calls_that_never_end_stay_bounded),
		cmocka_unit_test(dropped_spans_leave_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
