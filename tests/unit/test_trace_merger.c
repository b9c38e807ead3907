/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Blocks of events into one order by time: against a stable sort, and what comes too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/trace/merger.h"
#include "proto/block.h"
#include "tests/unit/trace_feed.h"

#define MAX_N 60000u

struct given {
	struct stage_event e[MAX_N];
	uint64_t args[MAX_N][AYP_EVENT_MAX_ARGS];
	bool late[MAX_N];
	size_t n;
};

static struct given given;
static struct stage_event events[MAX_N], block[AYP_BLOCK_MAX_EVENTS], scratch[AYP_BLOCK_MAX_EVENTS];

static void take(void *ctx, const struct stage_event *e, const uint64_t *args, bool late)
{
	unsigned int nargs = stage_nargs(e);

	assert_true(given.n < MAX_N);
	given.e[given.n] = *e;
	given.late[given.n] = late;
	if (nargs)
		memcpy(given.args[given.n], args, nargs * sizeof(*args));
	given.n++;
}

/* Their numbers stand in tid: what is equal otherwise must come in that order. */
static void make_events(uint64_t *state, size_t n, uint32_t displaced, uint32_t step)
{
	uint64_t t = 1000000;

	for (size_t i = 0; i < n; i++) {
		unsigned int nargs = random_below(state, 4) ? 0 : random_below(state, 7);

		t += random_below(state, step);
		events[i] = (struct stage_event){
			.t_ns = t - (displaced ? random_below(state, displaced) : 0),
			.tid = (uint32_t)i,
			.cpu = (uint8_t)random_below(state, 4),
			.kind_nargs = (uint8_t)(AYP_INSTANT | nargs << 4)};
	}
}

static int in_order(const void *a, const void *b)
{
	const struct stage_event *x = a, *y = b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	if (x->cpu != y->cpu)
		return x->cpu < y->cpu ? -1 : 1;
	return x->tid < y->tid ? -1 : 1;
}

/* Each argument is made from its event's number and its place. */
static void add_block(struct merger *m, size_t from, size_t n)
{
	static uint64_t args[AYP_BLOCK_MAX_EVENTS * AYP_EVENT_MAX_ARGS];
	uint32_t n_args = 0;

	memcpy(block, events + from, n * sizeof(*block));
	for (size_t i = 0; i < n; i++) {
		block[i].args = n_args;
		for (unsigned int k = 0; k < stage_nargs(&block[i]); k++)
			args[n_args++] = (uint64_t)block[i].tid << 8 | k;
	}
	merger_sort(block, n, scratch);
	assert_int_equal(merger_add(m, block, n, args), 0);
	/* They are not needed any more. */
	memset(args, 0xff, sizeof(args));
	memset(block, 0xff, sizeof(block));
}

static void run(uint64_t *state, size_t n, size_t largest)
{
	struct feed_memory memory = {0};
	struct trace_memory mem = {feed_resize, &memory};
	struct merger m;

	given.n = 0;
	merger_init(&m, &mem);
	for (size_t from = 0, size; from < n; from += size) {
		size = 1 + random_below(state, (uint32_t)largest);
		size = size < n - from ? size : n - from;
		add_block(&m, from, size);
		merger_take(&m, false, take, NULL);
	}
	merger_take(&m, true, take, NULL);
	/* Window and newest block, twice while it moves, and their arguments. */
	assert_true(memory.peak <
		    (MERGER_WINDOW * 8 + largest * 3) * 24 + (MERGER_WINDOW + largest) * 4 * 48);
	merger_free(&m);
	assert_int_equal(memory.used, 0);
	assert_int_equal(given.n, n);
	for (size_t i = 0; i < n; i++)
		for (unsigned int k = 0; k < stage_nargs(&given.e[i]); k++)
			assert_int_equal(given.args[i][k], (uint64_t)given.e[i].tid << 8 | k);
}

static void like_a_stable_sort(void **state)
{
	uint64_t r = 1;

	for (unsigned int round = 0; round < 60; round++) {
		size_t n = 1 + random_below(&r, 20000);
		uint32_t displaced = round % 4 ? random_below(&r, 3000) : 0;

		make_events(&r, n, displaced, round % 3 ? 7 : 2);
		run(&r, n, 1 + random_below(&r, AYP_BLOCK_MAX_EVENTS - 1));
		qsort(events, n, sizeof(*events), in_order);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(given.e[i].tid, events[i].tid);
			assert_int_equal(given.e[i].t_ns, events[i].t_ns);
			assert_false(given.late[i]);
		}
	}
}

/* All marked late, and nothing else, is before what has been given; nothing is lost or given
 * twice. */
static void displaced_by_more_than_the_window(void **state)
{
	static uint8_t seen[MAX_N];
	uint64_t r = 2, newest = 0;
	size_t late = 0, n = 50000;

	memset(seen, 0, sizeof(seen));
	make_events(&r, n, 0, 7);
	for (size_t i = 20000; i < 20050; i++)
		events[i].t_ns = 1000000 + random_below(&r, 1000);
	run(&r, n, 500);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(given.late[i], given.e[i].t_ns < newest);
		late += given.late[i];
		newest = newest > given.e[i].t_ns ? newest : given.e[i].t_ns;
		assert_int_equal(seen[given.e[i].tid]++, 0);
	}
	assert_int_equal(late, 50);
}

/* What is displaced by just less than the window is not late. */
static void window_holds_what_it_says(void **state)
{
	uint64_t r = 3;
	size_t n = 3 * MERGER_WINDOW;

	for (size_t i = 0; i < n; i++)
		events[i] = (struct stage_event){
			.t_ns = 1000 + i, .tid = (uint32_t)i, .kind_nargs = AYP_INSTANT};
	events[2 * MERGER_WINDOW].t_ns = events[MERGER_WINDOW + 1].t_ns;
	run(&r, n, 100);
	for (size_t i = 0; i < n; i++)
		assert_false(given.late[i]);
	assert_int_equal(given.e[MERGER_WINDOW + 2].tid, 2 * MERGER_WINDOW);
}

/* The arguments of what has been given make room for others. */
static void arguments_are_released(void **state)
{
	struct feed_memory memory = {0};
	struct trace_memory mem = {feed_resize, &memory};
	struct merger m;
	size_t peak = 0;

	merger_init(&m, &mem);
	for (size_t from = 0; from < MAX_N; from += 1000) {
		for (size_t i = 0; i < 1000; i++)
			events[i] = (struct stage_event){
				.t_ns = from + i, .kind_nargs = AYP_INSTANT | 6 << 4};
		given.n = 0;
		add_block(&m, 0, 1000);
		merger_take(&m, false, take, NULL);
		if (from < 10000)
			peak = memory.peak;
	}
	assert_int_equal(memory.peak, peak);
	merger_free(&m);
}

static void watermark(void **state)
{
	struct feed_memory memory = {0};
	struct trace_memory mem = {feed_resize, &memory};
	struct merger m;
	uint64_t r = 4;

	given.n = 0;
	make_events(&r, 20000, 500, 3);
	merger_init(&m, &mem);
	for (size_t from = 0; from < 20000; from += 400) {
		uint64_t mark = merger_watermark(&m);
		size_t before = given.n;

		add_block(&m, from, 400);
		merger_take(&m, false, take, NULL);
		for (size_t i = before; i < given.n; i++)
			assert_true(given.late[i] || given.e[i].t_ns >= mark);
		assert_true(merger_watermark(&m) >= mark);
	}
	assert_int_equal(given.n, 20000 - MERGER_WINDOW);
	assert_int_equal(merger_watermark(&m), given.e[given.n - 1].t_ns);
	merger_free(&m);
}

static void sort_alone(void **state)
{
	uint64_t r = 5;

	for (unsigned int round = 0; round < 300; round++) {
		size_t n = random_below(&r, AYP_BLOCK_MAX_EVENTS + 1);

		make_events(&r, n, round % 5 ? random_below(&r, 100000) : 0, 1 + round % 9);
		/* CPU after CPU, as some blocks are; and backwards. */
		for (size_t i = 0; i < n && round % 3 == 0; i++)
			events[i].t_ns = 1000 + (i * 4 % (n | 1)) * 10;
		for (size_t i = 0; i < n && round % 7 == 0; i++)
			events[i].t_ns = 100000 - i / 2;
		memcpy(block, events, n * sizeof(*block));
		merger_sort(block, n, scratch);
		qsort(events, n, sizeof(*events), in_order);
		assert_memory_equal(block, events, n * sizeof(*block));
	}
}

/* A block is taken in whole or not at all. */
static void out_of_memory(void **state)
{
	uint64_t r = 6, args[AYP_EVENT_MAX_ARGS] = {0};

	make_events(&r, MAX_N, 0, 3);
	for (size_t i = 0; i < MAX_N; i++)
		events[i].cpu = 0;
	for (uint64_t at = 1; at < 12; at++) {
		struct feed_memory memory = {.fail_at = at};
		struct trace_memory mem = {feed_resize, &memory};
		struct merger m;
		size_t taken = 0;

		given.n = 0;
		merger_init(&m, &mem);
		for (size_t from = 0; from < MAX_N; from += 100)
			taken += merger_add(&m, events + from, 100, args) ? 0 : 100;
		merger_take(&m, true, take, NULL);
		assert_true(taken < MAX_N);
		assert_int_equal(given.n, taken);
		merger_free(&m);
		assert_int_equal(memory.used, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_a_stable_sort),
		cmocka_unit_test(displaced_by_more_than_the_window),
		cmocka_unit_test(window_holds_what_it_says),
		cmocka_unit_test(arguments_are_released),
		cmocka_unit_test(watermark),
		cmocka_unit_test(sort_alone),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
