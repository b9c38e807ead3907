/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Times per function: what counts, what has times, and the bound on memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "host/recording/recording.h"
#include "host/views/stats.h"
#include "tests/unit/make_recording.h"

enum { F = 1, G = 2, I = 3 };

#define E(t, tid_, func_)                                                                          \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .kind = AYP_ENTRY                     \
	}
#define X(t, tid_, func_)                                                                          \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .kind = AYP_EXIT                      \
	}
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof(*(a))))

struct made {
	struct recording r;
	struct stats stats;
	struct stats_row *rows;
	size_t n;
};

static void take_event(void *ctx, const struct trace_event *e)
{
	stats_event(&((struct made *)ctx)->stats, e);
}

static void take_call(void *ctx, const struct trace_call *c)
{
	stats_call(&((struct made *)ctx)->stats, c);
}

/* budget: 0: the usual one */
static void make(struct made *m, const struct ayp_event *ev, uint32_t n, size_t budget)
{
	static const struct trace_sink sink = {.event = take_event, .call = take_call};
	struct making *r = making_new();

	making_hello(r);
	making_func(r, F, AYP_CLASS_KERNEL, "f");
	making_func(r, G, AYP_CLASS_KERNEL, "g");
	making_func(r, I, AYP_CLASS_TRACEPOINT, "instant");
	making_events(r, 0, ev, n);
	making_goodbye(r, n, n);
	making_end(r);
	stats_init(&m->stats);
	m->stats.budget = budget ? budget : m->stats.budget;
	assert_int_equal(recording_read_memory(&m->r, r->data, r->size, &sink, m, 0), 0);
	assert_true(m->r.complete);
	m->rows = stats_rows(&m->stats, m->r.trace, true, &m->n);
	assert_non_null(m->rows);
	making_free(r);
}

static const struct stats_row *row(const struct made *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->rows[i].func->name, name))
			return &m->rows[i];
	return NULL;
}

static void release(struct made *m)
{
	free(m->rows);
	stats_free(&m->stats);
	recording_close(&m->r);
}

/* It counts, but nobody knows how long it took. */
static void running_at_the_end(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, F), E(120, 6, G), X(180, 6, G)};
	struct made m;

	make(&m, ev, COUNT(ev), 0);
	assert_int_equal(m.n, 2);
	assert_int_equal(row(&m, "f")->count, 1);
	assert_int_equal(row(&m, "f")->no_end, 1);
	assert_int_equal(row(&m, "f")->complete, 0);
	assert_int_equal(row(&m, "f")->total_ns, 0);
	assert_false(row(&m, "f")->has_quantiles);
	assert_int_equal(row(&m, "g")->total_ns, 60);
	assert_int_equal(row(&m, "g")->no_end, 0);
	release(&m);
}

/* A function within itself: its time is that of the outermost call, also where that one has no end. */
static void recursion(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, F), E(110, 5, F), E(120, 5, G), X(130, 5, G),
		X(140, 5, F), X(200, 5, F), E(300, 5, F), E(310, 5, F), X(330, 5, F)};
	struct made m;

	make(&m, ev, COUNT(ev), 0);
	assert_int_equal(row(&m, "f")->count, 4);
	assert_int_equal(row(&m, "f")->complete, 3);
	assert_int_equal(row(&m, "f")->total_ns, 100 + 20);
	assert_int_equal(row(&m, "f")->sum_ns, 100 + 30 + 20);
	assert_int_equal(row(&m, "f")->self_ns, 70 + 20 + 20);
	assert_int_equal(row(&m, "f")->mean_ns, 50);
	release(&m);
}

static void instants_count(void **state)
{
	const struct ayp_event ev[] = {{.t_ns = 5, .tid = 1, .func = I, .kind = AYP_INSTANT},
		{.t_ns = 6, .tid = 1, .func = I, .kind = AYP_INSTANT}};
	struct made m;

	make(&m, ev, COUNT(ev), 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(row(&m, "instant")->count, 2);
	assert_int_equal(row(&m, "instant")->complete, 0);
	release(&m);
}

/* Durations 1 to 100 in some order: the p-th percentile is p. */
static void percentiles(void **state)
{
	struct ayp_event ev[200];
	struct made m;

	for (uint32_t i = 0; i < 100; i++) {
		uint64_t t = 1000 * (i + 1);

		ev[2 * i] = (struct ayp_event)E(t, 5, F);
		ev[2 * i + 1] = (struct ayp_event)X(t + 1 + i * 37 % 100, 5, F);
	}
	make(&m, ev, 200, 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.rows[0].count, 100);
	assert_int_equal(m.rows[0].total_ns, 5050);
	assert_int_equal(m.rows[0].p50_ns, 50);
	assert_int_equal(m.rows[0].p90_ns, 90);
	assert_int_equal(m.rows[0].p99_ns, 99);
	assert_int_equal(m.rows[0].min_ns, 1);
	assert_int_equal(m.rows[0].max_ns, 100);
	assert_int_equal(stats_without_quantiles(&m.stats), 0);
	release(&m);
}

/* One call: all quantiles are its duration, though it stands anywhere in its cell. */
static void between_least_and_greatest(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, F), X(1000000123, 5, F)};
	struct made m;

	make(&m, ev, COUNT(ev), 0);
	assert_int_equal(m.rows[0].p50_ns, 1000000023);
	assert_int_equal(m.rows[0].p99_ns, 1000000023);
	release(&m);
}

/* Without room for quantiles everything else is as exact as ever. */
static void no_room(void **state)
{
	struct ayp_event ev[200];
	struct made m;
	uint64_t sum = 0, t = 1000;

	for (uint32_t i = 0; i < 100; i++) {
		uint64_t ns = UINT64_C(1) << i % 40;

		ev[2 * i] = (struct ayp_event)E(t, 5, F);
		ev[2 * i + 1] = (struct ayp_event)X(t + ns, 5, F);
		t += ns + 1;
		sum += ns;
	}
	make(&m, ev, 200, 2000);
	assert_int_equal(m.rows[0].complete, 100);
	assert_int_equal(m.rows[0].total_ns, sum);
	assert_int_equal(m.rows[0].max_ns, UINT64_C(1) << 39);
	assert_false(m.rows[0].has_quantiles);
	assert_int_equal(m.rows[0].p50_ns, 0);
	assert_int_equal(stats_without_quantiles(&m.stats), 1);
	release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_at_the_end),
		cmocka_unit_test(recursion),
		cmocka_unit_test(instants_count),
		cmocka_unit_test(percentiles),
		cmocka_unit_test(between_least_and_greatest),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
