/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Many calls at once whose exits never come, and life that goes on above them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/trace/missed.h"
#include "tests/unit/trace_steps.h"

enum { DEEP = 200 }; /* DEEP, DEEP + 1... call one another */

static void entry(struct feed *f, uint64_t *t, uint16_t func)
{
	const struct step s = E((*t)++, 5, 0, func);

	feed(f, &s, 1);
}

static void leave(struct feed *f, uint64_t *t, uint16_t func)
{
	const struct step s = X((*t)++, 5, 0, func);

	feed(f, &s, 1);
}

/* DEEP calls DEEP + 1, and so on, `n` in all. */
static void descend(struct feed *f, uint64_t *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		entry(f, t, (uint16_t)(DEEP + i));
}

static void ascend(struct feed *f, uint64_t *t, uint32_t n)
{
	while (n-- > 0)
		leave(f, t, (uint16_t)(DEEP + n));
}

/* Some of what a thread does; five calls, of which two were made by DEEP. */
static void live(struct feed *f, uint64_t *t)
{
	entry(f, t, F);
	leave(f, t, F);
	descend(f, t, 3);
	ascend(f, t, 3);
	entry(f, t, G);
	leave(f, t, G);
}

static uint32_t deepest(const struct feed *f, size_t from, size_t n)
{
	uint32_t depth = 0;

	for (size_t i = from; i < from + n; i++)
		depth = f->calls[i].depth > depth ? f->calls[i].depth : depth;
	return depth;
}

/* All of it ends with the last that was in it before something came that used to come beside. */
static void pile(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 5, 0, G), X(120, 5, 0, G), X(130, 5, 0, F),
		E(140, 5, 0, USER), X(150, 5, 0, USER), /* and then: */
		E(200, 5, 0, F), E(210, 5, 0, G), E(220, 5, 0, H), E(230, 5, 0, IRQ),
		X(240, 5, 0, IRQ), /* this was that, and now: */
		E(300, 5, 0, USER), E(305, 5, 0, H), X(310, 5, 0, H), X(315, 5, 0, USER),
		E(320, 5, 0, F), E(330, 5, 0, G), X(340, 5, 0, G), X(350, 5, 0, F), E(400, 5, 0, F),
		X(410, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 1, 200, 240, 10, 0, NO_EXIT | REPAIRED);
	assert_call(f, G, 1, 210, 240, 10, 1, NO_EXIT | REPAIRED);
	assert_call(f, H, 0, 220, 240, 10, 2, NO_EXIT | REPAIRED);
	assert_call(f, IRQ, 0, 230, 240, 10, 3, 0);
	assert_call(f, USER, 1, 300, 315, 10, 0, 0);
	assert_call(f, H, 1, 305, 310, 5, 1, 0);
	assert_call(f, F, 2, 320, 350, 20, 0, 0);
	assert_call(f, G, 2, 330, 340, 10, 1, 0);
	assert_call(f, F, 3, 400, 410, 10, 0, 0);
	assert_int_equal(total_of(f, F), 30 + 30 + 10);
	feed_free(f);
}

/* The same in a call that goes on, as after a longjmp over several: its own time is right. */
static void pile_in_a_call_that_goes_on(void **state)
{
	const struct step s[] = {E(100, 5, 0, USER), E(110, 5, 0, F), E(120, 5, 0, G),
		X(130, 5, 0, G), X(140, 5, 0, F), /* left by a jump: */
		E(150, 5, 0, F), E(160, 5, 0, G), E(170, 5, 0, H), E(200, 5, 0, F), E(210, 5, 0, G),
		X(220, 5, 0, G), X(230, 5, 0, F), X(300, 5, 0, USER)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 1, 150, 170, 10, 1, NO_EXIT | REPAIRED);
	assert_call(f, G, 1, 160, 170, 10, 2, NO_EXIT | REPAIRED);
	assert_call(f, H, 0, 170, 170, 0, 3, NO_EXIT | REPAIRED);
	assert_call(f, F, 2, 200, 230, 20, 1, 0);
	assert_call(f, G, 2, 210, 220, 10, 2, 0);
	assert_call(f, USER, 0, 100, 300, 200 - 30 - 20 - 30, 0, 0);
	feed_free(f);
}

/* A recording that repeats itself is no staircase. */
static void pile_after_pile(void **state)
{
	struct feed *f = new_feed(false);
	uint64_t t = 1000;

	for (uint32_t i = 0; i < 100; i++) {
		live(f, &t);
		live(f, &t);
		descend(f, &t, 24);
	}
	assert_true(f->memory.peak < 64u << 10);
	feed_end(f);
	assert_int_equal(f->n_calls, 100 * (5 + 5 + 24));
	assert_int_equal(f->totals.calls_no_exit, 2400);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(deepest(f, i * 34, 10), 2);
		assert_int_equal(deepest(f, i * 34 + 10, 24), 23);
	}
	feed_free(f);
}

/* As many as a thread may have at a time, and one more: nothing is guessed. */
static void largest_pile(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		uint32_t n = MISSED_GHOSTS + more;
		struct feed *f = new_feed(false);
		uint64_t t = 1000;

		live(f, &t);
		descend(f, &t, n);
		live(f, &t);
		feed_end(f);
		assert_int_equal(f->n_calls, n + 10);
		assert_int_equal(deepest(f, n + 5, 5), more ? n + 2 : 2);
		assert_int_equal(f->totals.calls_no_exit, n);
		feed_free(f);
	}
}

/* The same when the doubt is about fewer of them, and one that is too far out proves it. */
static void pile_that_is_too_large(void **state)
{
	for (uint32_t more = 0; more < 2; more++) {
		uint32_t n = MISSED_GHOSTS + more;
		struct feed *f = new_feed(false);
		uint64_t t = 1000;

		live(f, &t);
		entry(f, &t, DEEP);
		entry(f, &t, H);
		leave(f, &t, H);
		for (uint32_t i = 0; i < 2; i++) {
			entry(f, &t, DEEP + 100);
			if (!i)
				leave(f, &t, DEEP + 100);
		}
		for (uint32_t i = 2; i < n; i++)
			entry(f, &t, (uint16_t)(DEEP + i));
		entry(f, &t, H);
		leave(f, &t, H);
		live(f, &t);
		feed_end(f);
		assert_int_equal(f->totals.calls_no_exit, n);
		assert_int_equal(deepest(f, f->n_calls - 5, 5), more ? n + 2 : 2);
		feed_free(f);
	}
}

/* Found guilty, and all of it was real: as if nothing had been guessed, but for where what came
 * meanwhile stands. */
static void pile_that_is_real(void **state)
{
	const struct step s[] = {E(90, 5, 0, USER2), E(100, 5, 0, F), X(130, 5, 0, F),
		E(140, 5, 0, USER), X(150, 5, 0, USER), E(200, 5, 0, F), E(210, 5, 0, G),
		E(220, 5, 0, H), E(230, 5, 0, IRQ), X(240, 5, 0, IRQ), E(300, 5, 0, USER),
		X(310, 5, 0, USER), E(320, 5, 0, F), X(350, 5, 0, F), E(360, 5, 0, USER),
		X(365, 5, 0, USER), X(400, 5, 0, H), E(410, 5, 0, IRQ), X(415, 5, 0, IRQ),
		X(500, 5, 0, G), X(600, 5, 0, F), X(700, 5, 0, USER2)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_int_equal(f->totals.calls_no_exit, 0);
	assert_call(f, H, 0, 220, 400, 180 - 10 - 10 - 30 - 5, 3, REPAIRED);
	assert_call(f, G, 0, 210, 500, 290 - 180 - 5, 2, REPAIRED);
	assert_call(f, F, 1, 200, 600, 400 - 290, 1, REPAIRED);
	assert_call(f, USER2, 0, 90, 700, 610 - 30 - 10 - 400, 0, 0);
	assert_int_equal(total_of(f, F), 30 + 400);
	feed_free(f);
}

/* Real is only what the one that is left was called in; it lasted at least until then. */
static void part_of_a_pile_that_is_real(void **state)
{
	const struct step s[] = {E(90, 5, 0, USER2), E(100, 5, 0, F), X(130, 5, 0, F),
		E(140, 5, 0, USER), X(150, 5, 0, USER), E(200, 5, 0, F), E(210, 5, 0, G),
		E(220, 5, 0, H), E(300, 5, 0, USER), X(310, 5, 0, USER), E(320, 5, 0, F),
		X(350, 5, 0, F), E(360, 5, 0, USER), X(500, 5, 0, G), E(510, 5, 0, USER),
		X(520, 5, 0, USER), X(700, 5, 0, USER2)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_call(f, H, 0, 220, 220, 0, 3, NO_EXIT | REPAIRED);
	assert_call(f, USER, 2, 360, 360, 0, 1, NO_EXIT);
	assert_call(f, G, 0, 210, 500, 290 - 10 - 30, 2, REPAIRED);
	assert_call(f, F, 1, 200, 500, 10, 1, NO_EXIT | REPAIRED);
	assert_call(f, USER2, 0, 90, 700, 610 - 30 - 10 - 300 - 10, 0, 0);
	feed_free(f);
}

/* An exit is that of the newest call of its function, also when that was found guilty, and an older
 * one is open. */
static void exit_of_the_newest(void **state)
{
	const struct step s[] = {E(100, 5, 0, G), E(110, 5, 0, F), X(120, 5, 0, F),
		E(130, 5, 0, USER), X(140, 5, 0, USER), E(200, 5, 0, F), E(210, 5, 0, G),
		E(220, 5, 0, USER), X(230, 5, 0, USER), E(240, 5, 0, F), X(250, 5, 0, F),
		E(260, 5, 0, H), X(300, 5, 0, G), X(400, 5, 0, F), X(500, 5, 0, G)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_int_equal(f->totals.calls_no_exit, 1);
	assert_call(f, H, 0, 260, 260, 0, 1, NO_EXIT);
	assert_call(f, G, 1, 210, 300, 90 - 10 - 10, 2, REPAIRED);
	assert_call(f, F, 1, 200, 400, 200 - 90, 1, REPAIRED);
	assert_call(f, G, 0, 100, 500, 400 - 10 - 10 - 200, 0, 0);
	assert_int_equal(total_of(f, G), 400);
	assert_int_equal(total_of(f, F), 10 + 200);
	feed_free(f);
}

/* A function may stand in it several times: what is complete in it counts once. */
static void pile_with_recursion_in_it(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(130, 5, 0, F), E(200, 5, 0, F), E(210, 5, 0, G),
		E(220, 5, 0, H), E(230, 5, 0, G), E(240, 5, 0, H), E(250, 5, 0, G), X(260, 5, 0, G),
		E(300, 5, 0, F), E(310, 5, 0, G), X(320, 5, 0, G), X(330, 5, 0, F), /* and yet: */
		X(400, 5, 0, G), E(500, 5, 0, F), X(510, 5, 0, F)};
	struct feed *f = fed(s, 13);

	assert_call(f, G, 0, 210, 260, 10, 1, NO_EXIT | REPAIRED);
	assert_call(f, G, 1, 230, 260, 10, 3, NO_EXIT | REPAIRED);
	assert_call(f, G, 3, 310, 320, 10, 1, 0);
	assert_int_equal(total_of(f, G), 10 + 10);
	feed_free(f);
	f = fed(s, COUNT(s));
	assert_int_equal(f->totals.orphan_exits, 0);
	assert_call(f, G, 1, 230, 400, 170 - 20 - 30, 3, REPAIRED);
	assert_call(f, G, 0, 210, 400, 10, 1, NO_EXIT | REPAIRED);
	assert_call(f, F, 3, 500, 510, 10, 0, 0);
	assert_int_equal(total_of(f, G), 170);
	feed_free(f);
}

/* A function that comes to call itself over others: what it counts is right the first time, and
 * nothing is guessed the second time. */
static void recursion_over_others(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, F), X(130, 5, 0, F),
		E(200, 5, 0, F), E(210, 5, 0, G), E(220, 5, 0, F), X(230, 5, 0, F), X(240, 5, 0, G),
		X(250, 5, 0, F), E(300, 5, 0, F), E(310, 5, 0, G), E(320, 5, 0, F), X(330, 5, 0, F),
		X(340, 5, 0, G), X(350, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_int_equal(f->totals.calls_no_exit, 0);
	assert_call(f, F, 2, 200, 250, 20, 0, REPAIRED);
	assert_call(f, G, 0, 210, 240, 20, 1, REPAIRED);
	assert_call(f, F, 4, 300, 350, 20, 0, 0);
	assert_call(f, G, 1, 310, 340, 20, 1, 0);
	assert_call(f, F, 5, 320, 330, 10, 2, 0);
	assert_int_equal(total_of(f, F), 10 + 10 + 50 + 50);
	feed_free(f);
}

/* What calls itself several times over is no sign. */
static void recursion_like_a_tree(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 5, 0, F), X(120, 5, 0, F), E(130, 5, 0, F),
		E(140, 5, 0, F), X(150, 5, 0, F), E(160, 5, 0, G), E(170, 5, 0, F), X(180, 5, 0, F),
		X(190, 5, 0, G), X(200, 5, 0, F), X(210, 5, 0, F)};
	struct feed *f = new_feed(false);

	feed(f, s, 6);
	assert_int_equal(f->n_calls, 2); /* nothing is in doubt, nothing held back */
	feed(f, s + 6, COUNT(s) - 6);
	feed_end(f);
	for (size_t i = 0; i < f->n_calls; i++)
		assert_int_equal(f->calls[i].flags, 0);
	assert_call(f, F, 4, 170, 180, 10, 3, 0);
	feed_free(f);
}

/* What came first without, and then ten thousand deep. */
static void deep_recursion(void **state)
{
	struct feed *f = new_feed(false);
	uint64_t t = 1000;

	entry(f, &t, F);
	leave(f, &t, F);
	for (uint32_t i = 0; i < 10000; i++)
		entry(f, &t, F);
	for (uint32_t i = 0; i < 10000; i++)
		leave(f, &t, F);
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 0);
	assert_int_equal(f->totals.calls_no_exit, 0);
	assert_int_equal(total_of(f, F), 1 + 19999);
	for (size_t i = 1; i <= 10000; i++)
		assert_int_equal(f->calls[i].self_ns, i == 10000 ? 1 : 2);
	feed_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pile),
		cmocka_unit_test(pile_in_a_call_that_goes_on),
		cmocka_unit_test(pile_after_pile),
		cmocka_unit_test(largest_pile),
		cmocka_unit_test(pile_that_is_too_large),
		cmocka_unit_test(pile_that_is_real),
		cmocka_unit_test(part_of_a_pile_that_is_real),
		cmocka_unit_test(exit_of_the_newest),
		cmocka_unit_test(pile_with_recursion_in_it),
		cmocka_unit_test(recursion_over_others),
		cmocka_unit_test(recursion_like_a_tree),
		cmocka_unit_test(deep_recursion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
