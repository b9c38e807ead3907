/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Exits that were missed, and calls that are found out for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/trace_steps.h"

/* Nothing encloses an outermost call, so nothing closes it: its own function inside of it
 * tells. */
static void missed_exit_of_an_outermost_call(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 5, 0, G), X(120, 5, 0, G), X(130, 5, 0, F),
		E(140, 5, 0, H), X(145, 5, 0, H), E(200, 5, 0, F), E(210, 5, 0, G), X(220, 5, 0, G),
		E(300, 5, 0, H), X(310, 5, 0, H), E(400, 5, 0, F), E(410, 5, 0, G), X(420, 5, 0, G),
		X(430, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 0, 100, 130, 20, 0, 0);
	assert_call(f, F, 1, 200, 220, 10, 0, NO_EXIT | REPAIRED);
	assert_call(f, G, 1, 210, 220, 10, 1, 0);
	assert_call(f, H, 1, 300, 310, 10, 0, 0);
	assert_call(f, F, 2, 400, 430, 20, 0, 0);
	assert_call(f, G, 2, 410, 420, 10, 1, 0);
	assert_int_equal(total_of(f, F), 60);
	feed_free(f);
}

/* What came beside it and in its like, too, does not say that it is over. */
static void what_was_inside_before_is_no_sign(void **state)
{
	const struct step s[] = {E(10, 5, 0, H), X(20, 5, 0, H), E(30, 5, 0, G), X(40, 5, 0, G),
		E(100, 5, 0, F), E(110, 5, 0, H), X(120, 5, 0, H), X(130, 5, 0, F), E(200, 5, 0, F),
		E(210, 5, 0, H), X(220, 5, 0, H), E(300, 5, 0, G), X(310, 5, 0, G), E(400, 5, 0, F),
		X(430, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 1, 200, 220, 10, 0, NO_EXIT | REPAIRED);
	assert_call(f, H, 2, 210, 220, 10, 1, 0);
	assert_call(f, G, 1, 300, 310, 10, 0, 0);
	feed_free(f);
}

/* The same in a call that has few of them. */
static void what_was_inside_before_in_a_call(void **state)
{
	const struct step s[] = {E(5, 5, 0, USER), E(10, 5, 0, H), X(20, 5, 0, H), E(100, 5, 0, F),
		E(110, 5, 0, H), X(120, 5, 0, H), X(130, 5, 0, F), E(200, 5, 0, F), E(210, 5, 0, H),
		X(220, 5, 0, H), E(400, 5, 0, F), X(430, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 1, 200, 220, 10, 1, NO_EXIT | REPAIRED);
	assert_call(f, H, 2, 210, 220, 10, 2, 0);
	assert_call(f, F, 2, 400, 430, 30, 1, 0);
	feed_free(f);
}

/* Missed below a call that goes on: what it counts as its own time is right, too. */
static void missed_exit_in_a_call_that_goes_on(void **state)
{
	const struct step s[] = {E(100, 5, 0, H), E(110, 5, 0, F), X(120, 5, 0, F), E(130, 5, 0, F),
		E(135, 5, 0, G), X(140, 5, 0, G), E(150, 5, 0, F), X(160, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, H, 0, 100, 160, 30, 0, NO_EXIT);
	assert_call(f, F, 1, 130, 140, 5, 1, NO_EXIT | REPAIRED);
	assert_call(f, F, 2, 150, 160, 10, 1, 0);
	feed_free(f);
}

/* A function that calls itself, and one that calls for the first time what came beside it. */
static void calls_that_go_on_are_not_cut(void **state)
{
	const struct step recursion_[] = {E(100, 5, 0, F), E(110, 5, 0, F), X(120, 5, 0, F),
		X(130, 5, 0, F), E(200, 5, 0, F), E(210, 5, 0, F), X(220, 5, 0, F)};
	const struct step loop[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, G),
		E(130, 5, 0, F), X(140, 5, 0, F), E(150, 5, 0, F), X(160, 5, 0, F)};
	struct feed *f = fed(recursion_, COUNT(recursion_));

	assert_call(f, F, 2, 200, 220, 10, 0, NO_EXIT);
	assert_call(f, F, 3, 210, 220, 10, 1, 0);
	feed_free(f);
	f = fed(loop, COUNT(loop));
	assert_call(f, G, 0, 120, 160, 20, 0, NO_EXIT);
	assert_call(f, F, 2, 150, 160, 10, 1, 0);
	feed_free(f);
}

/* Found guilty, and yet it was real, for its exit comes: a call like any other, counted
 * rightly. */
static void guilty_and_real(void **state)
{
	const struct step s[] = {E(50, 5, 0, USER), E(100, 5, 0, F), X(110, 5, 0, F),
		E(200, 5, 0, F), E(210, 5, 0, G), X(215, 5, 0, G), E(220, 5, 0, F), X(230, 5, 0, F),
		E(240, 5, 0, H), X(250, 5, 0, H), E(260, 5, 0, F), X(265, 5, 0, F), X(300, 5, 0, F),
		X(400, 5, 0, USER)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_int_equal(f->totals.calls_no_exit, 0);
	assert_call(f, F, 1, 200, 300, 100 - 5 - 10 - 10 - 5, 1, REPAIRED);
	assert_int_equal(total_of(f, F), 110); /* once */
	assert_call(f, USER, 0, 50, 400, 350 - 110, 0, 0);
	feed_free(f);
}

/* After that its function is known to call itself. */
static void guilty_once(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(200, 5, 0, F), E(220, 5, 0, F),
		X(230, 5, 0, F), X(300, 5, 0, F), E(400, 6, 0, F), X(410, 6, 0, F), E(500, 6, 0, F),
		E(520, 6, 0, F), X(530, 6, 0, F), X(600, 6, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 1, 200, 300, 90, 0, REPAIRED);
	assert_call(f, F, 4, 500, 600, 90, 0, 0);
	assert_call(f, F, 5, 520, 530, 10, 1, 0);
	feed_free(f);
}

/* What is open in it when its exit comes has lost its own. */
static void guilty_and_real_with_calls_open(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(200, 5, 0, F), E(220, 5, 0, F),
		X(230, 5, 0, F), E(240, 5, 0, H), E(250, 5, 0, G), X(300, 5, 0, F), E(310, 5, 0, H),
		X(320, 5, 0, H)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_call(f, F, 1, 200, 300, 100 - 10 - 10, 0, REPAIRED);
	assert_int_equal(call_of(f, H, 0)->flags, NO_EXIT);
	assert_int_equal(call_of(f, H, 0)->end_ns, 250);
	assert_call(f, H, 1, 310, 320, 10, 0, 0);
	assert_int_equal(total_of(f, F), 110);
	feed_free(f);
}

/* One that was found guilty in another one: as long as it may be real, so is that one. */
static void guilty_in_one_that_is_not(void **state)
{
	const struct step s[] = {E(10, 5, 0, F), X(20, 5, 0, F), E(30, 5, 0, H), X(40, 5, 0, H),
		E(100, 5, 0, F), E(110, 5, 0, G), X(120, 5, 0, G), E(130, 5, 0, G), E(140, 5, 0, G),
		X(150, 5, 0, G), E(160, 5, 0, H), X(170, 5, 0, H), E(180, 5, 0, F), X(190, 5, 0, F),
		X(200, 5, 0, G), X(300, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_call(f, F, 1, 100, 300, 200 - 10 - 70, 0, REPAIRED);
	assert_call(f, G, 1, 130, 200, 70 - 10 - 10 - 10, 1, REPAIRED);
	feed_free(f);
}

/* And when that one is found guilty by what came later, it moves with the rest. */
static void guilty_in_one_that_is(void **state)
{
	const struct step s[] = {E(5, 5, 0, USER), E(10, 5, 0, F), X(20, 5, 0, F), E(30, 5, 0, H),
		X(40, 5, 0, H), E(100, 5, 0, F), E(110, 5, 0, H), X(120, 5, 0, H), E(130, 5, 0, G),
		X(140, 5, 0, G), E(150, 5, 0, G), E(160, 5, 0, G), X(170, 5, 0, G), E(200, 5, 0, F),
		X(210, 5, 0, F), X(300, 5, 0, G), X(400, 5, 0, USER)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 0);
	assert_call(f, F, 1, 100, 100, 0, 1, NO_EXIT | REPAIRED);
	assert_call(f, G, 0, 130, 140, 10, 1, 0);
	assert_call(f, G, 1, 150, 300, 150 - 10 - 10, 1, REPAIRED);
	assert_call(f, USER, 0, 5, 400, 395 - 10 - 10 - 10 - 10 - 150, 0, 0);
	feed_free(f);
}

/* The next syscall, and a hole, end what was found guilty like all that is open. */
static void guilty_until_user_space(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(200, 5, 0, F), E(220, 5, 0, F),
		X(230, 5, 0, F), E(240, 5, 0, READ), X(250, 5, 0, READ), X(300, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 1);
	assert_call(f, F, 1, 200, 200, 0, 0, NO_EXIT | REPAIRED);
	feed_free(f);
}

/* While there is a doubt nothing is given, since it may move; then all, in the order of ends. */
static void held_while_in_doubt(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, H), X(130, 5, 0, H),
		E(200, 5, 0, F), E(210, 5, 0, H), X(220, 5, 0, H), X(230, 5, 0, F)};
	struct feed *f = new_feed(false);

	feed(f, s, 7);
	assert_int_equal(f->n_calls, 2);
	feed(f, s + 7, 1);
	assert_int_equal(f->n_calls, 4);
	assert_int_equal(f->calls[2].func, H);
	assert_int_equal(f->calls[2].depth, 1);
	assert_int_equal(f->calls[3].func, F);
	feed_end(f);
	feed_free(f);
}

/* Whoever shows calls as they end does not wait for what is in doubt. */
static void hastened(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, H), X(130, 5, 0, H),
		E(200, 5, 0, F), E(210, 5, 0, H), X(220, 5, 0, H), E(230, 5, 0, G),
		X(240, 5, 0, G)};
	struct feed *f = new_feed(false);

	feed(f, s, 7);
	pairer_hasten(f->p, 220);
	assert_int_equal(f->n_calls, 2);
	pairer_hasten(f->p, 221);
	assert_int_equal(f->n_calls, 3);
	feed(f, s + 7, 2);
	assert_int_equal(f->n_calls, 4);
	feed_end(f);
	feed_free(f);
}

/* More than is ever held: nothing is lost, and memory is bounded. */
static void doubt_that_lasts(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, H), X(130, 5, 0, H),
		E(200, 5, 0, F)};
	struct feed *f = new_feed(false);
	uint64_t t = 300;

	feed(f, s, COUNT(s));
	for (unsigned int i = 0; i < 20000; i++) {
		const struct step h[] = {E(t, 5, 0, H), X(t + 1, 5, 0, H)};

		feed(f, h, COUNT(h));
		t += 2;
	}
	assert_true(f->n_calls > 10000);
	assert_true(f->memory.peak < 1u << 20);
	feed_end(f);
	assert_int_equal(f->n_calls, 20003);
	assert_int_equal(f->calls[20002].depth, 1);
	feed_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missed_exit_of_an_outermost_call),
		cmocka_unit_test(missed_exit_in_a_call_that_goes_on),
		cmocka_unit_test(calls_that_go_on_are_not_cut),
		cmocka_unit_test(what_was_inside_before_is_no_sign),
		cmocka_unit_test(what_was_inside_before_in_a_call),
		cmocka_unit_test(guilty_and_real),
		cmocka_unit_test(guilty_once),
		cmocka_unit_test(guilty_and_real_with_calls_open),
		cmocka_unit_test(guilty_in_one_that_is_not),
		cmocka_unit_test(guilty_in_one_that_is),
		cmocka_unit_test(guilty_until_user_space),
		cmocka_unit_test(held_while_in_doubt),
		cmocka_unit_test(hastened),
		cmocka_unit_test(doubt_that_lasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
