/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a hostile board can make the pairer hold, and how long it can make it search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/trace_feed.h"

static void feed_one(struct feed *f, uint64_t t, uint32_t tid, uint16_t func, uint8_t kind)
{
	const struct stage_event e = {
		.t_ns = t, .tid = tid, .func = func, .cpu = (uint8_t)(tid % 4), .kind_nargs = kind};

	assert_int_equal(feed_event(f, &e, 0), 0);
}

/* The thread that was longest without an event goes, and its calls end with its last one. */
static void a_thread_per_event(void **state)
{
	struct feed *f = feed_new(false, true);
	uint32_t n = 2 * PAIRER_MAX_THREADS;

	for (uint32_t i = 0; i < n; i++) {
		feed_one(f, 1000 + 2 * i, 1 + i, 1, AYP_ENTRY);
		/* One that goes on all the while, and one that comes back seldom. */
		feed_one(f, 1001 + 2 * i, n + 1, 2, i % 2 ? AYP_EXIT : AYP_ENTRY);
		if (i % 30000 == 0)
			feed_one(f, 1001 + 2 * i, n + 2, 2, AYP_ENTRY);
	}
	assert_int_equal(f->totals.threads_forgotten, n + 2 - PAIRER_MAX_THREADS);
	assert_true(f->memory.peak < 64u << 20);
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 0);
	assert_int_equal(f->calls[0].end_ns, 1000);
	feed_free(f);
}

/* Who was last seen is not who last came: a thread that stays on its CPU is not forgotten for
 * it. */
static void a_thread_that_stays(void **state)
{
	struct feed *f = feed_new(false, false);
	uint64_t t = 1000;

	feed_one(f, t++, 4, 1, AYP_ENTRY);
	for (uint32_t i = 0; i < PAIRER_MAX_THREADS - 2; i++) {
		feed_one(f, t++, 4, 2, AYP_ENTRY);
		feed_one(f, t++, 4, 2, AYP_EXIT);
		feed_one(f, t++, 9 + 4 * i, 3, AYP_ENTRY);
	}
	feed_one(f, t++, 8, 3, AYP_ENTRY); /* on its CPU */
	for (uint32_t i = 0; i < 100; i++)
		feed_one(f, t++, 10 + 4 * i, 3, AYP_ENTRY);
	feed_one(f, t++, 4, 1, AYP_EXIT);
	assert_int_equal(f->totals.threads_forgotten, 100);
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 0);
	assert_int_equal(f->calls[0].flags, 0);
	feed_free(f);
}

/* Deep stacks in many threads: bounded, and no call is lost. */
static void entries_only(void **state)
{
	struct feed *f = feed_new(false, false);
	uint32_t n = 0;

	f->sink.call = NULL;
	for (uint32_t i = 0; i < 20; i++)
		for (uint32_t k = 0; k < 70000; k++)
			feed_one(f, 1000 + n++, 1 + i, (uint16_t)(k * 7), AYP_ENTRY);
	assert_true(f->totals.threads_forgotten > 0);
	assert_true(f->memory.peak < (size_t)PAIRER_MAX_OPEN * 64 + (16u << 20));
	assert_int_equal(pairer_end(f->p, f->last_ns), 0);
	assert_int_equal(f->totals.calls, n);
	assert_int_equal(f->totals.calls_no_exit, n);
	feed_free(f);
}

/* The same in one thread, with exits that match nothing: no search takes longer for it. */
static void searches_are_bounded(void **state)
{
	struct feed *f = feed_new(false, true);

	for (uint32_t k = 0; k < 65000; k++)
		feed_one(f, 1000 + k, 5, (uint16_t)k, AYP_ENTRY);
	for (uint32_t k = 0; k < 1000000; k++)
		feed_one(f, 100000 + k, 5, 65500, AYP_EXIT);
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 1000000);
	feed_free(f);
}

/* Every kind of level that there can be: what is called in a call is bounded, too. */
static void functions_everywhere(void **state)
{
	struct feed *f = feed_new(false, false);
	uint64_t t = 1000, r = 9;

	for (uint32_t i = 0; i < 400000; i++) {
		uint16_t a = (uint16_t)random_below(&r, 65536),
			 b = (uint16_t)random_below(&r, 65536);
		uint32_t tid = 1 + random_below(&r, 300);

		feed_one(f, t++, tid, a, AYP_ENTRY);
		feed_one(f, t++, tid, b, AYP_ENTRY);
		feed_one(f, t++, tid, b, AYP_EXIT);
		feed_one(f, t++, tid, a, AYP_EXIT);
	}
	assert_true(f->memory.peak < 8u << 20);
	feed_end(f);
	assert_int_equal(f->totals.calls_no_exit, 0);
	feed_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_per_event),
		cmocka_unit_test(a_thread_that_stays),
		cmocka_unit_test(entries_only),
		cmocka_unit_test(searches_are_bounded),
		cmocka_unit_test(functions_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
