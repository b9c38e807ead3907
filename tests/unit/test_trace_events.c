/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Entries and exits into calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/trace_steps.h"

static void nested_calls(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 5, 0, G), E(120, 5, 0, G), X(125, 5, 0, G),
		X(150, 5, 0, G), E(160, 5, 0, H), X(161, 5, 0, H), X(200, 5, 1, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->n_calls, 4);
	assert_call(f, F, 0, 100, 200, 59, 0, 0); /* its grandchild does not count twice */
	assert_call(f, G, 0, 110, 150, 35, 1, 0);
	assert_call(f, G, 1, 120, 125, 5, 2, 0);
	assert_call(f, H, 0, 160, 161, 1, 1, 0);
	assert_int_equal(f->calls[0].tid, 5);
	assert_int_equal(f->calls[0].session, 3);
	assert_int_equal(f->calls[0].cpu, 0); /* where it was entered */
	assert_int_equal(f->totals.orphan_exits, 0);
	feed_free(f);
}

/* A call is given with the event that ends it, not later: in the order of ends. */
static void given_when_they_end(void **state)
{
	const struct step s[] = {
		E(100, 5, 0, F), E(110, 5, 0, G), X(120, 5, 0, G), X(130, 5, 0, F)};
	struct feed *f = new_feed(false);

	feed(f, s, 3);
	assert_int_equal(f->n_calls, 1);
	assert_int_equal(f->calls[0].func, G);
	feed(f, s + 3, 1);
	assert_int_equal(f->n_calls, 2);
	feed_end(f);
	feed_free(f);
}

/* Threads on one CPU, and one thread on several: the thread is what nests. */
static void threads_do_not_mix(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 6, 0, F), E(120, 5, 1, G), X(130, 6, 0, F),
		X(140, 5, 1, G), X(150, 5, 2, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 0, 100, 150, 30, 0, 0);
	assert_call(f, F, 1, 110, 130, 20, 0, 0);
	assert_call(f, G, 0, 120, 140, 20, 1, 0);
	feed_free(f);
}

/* The idle task of each CPU is a thread of its own. */
static void idle_is_per_cpu(void **state)
{
	const struct step s[] = {
		E(100, 0, 0, F), E(110, 0, 1, F), X(130, 0, 0, F), X(190, 0, 1, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 0, 100, 130, 30, 0, 0);
	assert_call(f, F, 1, 110, 190, 80, 0, 0);
	feed_free(f);
}

static void missed_exit_shifts_nothing(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 5, 0, G), E(120, 5, 0, H), X(150, 5, 0, F),
		E(200, 5, 0, F), X(210, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, G, 0, 110, 120, 10, 1, NO_EXIT);
	assert_call(f, H, 0, 120, 120, 0, 2, NO_EXIT);
	assert_call(f, F, 0, 100, 150, 40, 0, 0);
	assert_call(f, F, 1, 200, 210, 10, 0, 0);
	feed_free(f);
}

static void orphan_exit_changes_nothing(void **state)
{
	const struct step s[] = {X(90, 5, 0, F), E(100, 5, 0, F), X(110, 5, 0, G), X(150, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(f->totals.orphan_exits, 2);
	assert_int_equal(f->n_calls, 1);
	assert_call(f, F, 0, 100, 150, 50, 0, 0);
	feed_free(f);
}

static void running_at_the_end(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(120, 6, 1, G), X(180, 6, 1, G)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, F, 0, 100, 180, 80, 0, NO_EXIT);
	assert_int_equal(total_of(f, F), 0); /* nobody knows how long it took */
	assert_int_equal(f->totals.calls_no_exit, 1);
	feed_free(f);
}

/* rt_sigreturn has an entry and no exit: the next syscall stands beside it, not in it. */
static void syscall_without_exit(void **state)
{
	const struct step s[] = {E(90, 5, 0, USER), E(100, 5, 0, READ), E(120, 5, 0, F),
		E(200, 5, 0, WRITE), X(230, 5, 0, WRITE), X(240, 5, 0, USER)};
	struct feed *f = fed(s, COUNT(s));

	assert_call(f, READ, 0, 100, 120, 20, 1, NO_EXIT);
	assert_call(f, F, 0, 120, 120, 0, 2, NO_EXIT);
	assert_call(f, WRITE, 0, 200, 230, 30, 1, 0);
	assert_call(f, USER, 0, 90, 240, 100, 0, 0);
	feed_free(f);
}

/* Recursion counts once: what is within another call of the function adds nothing. */
static void recursion(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 5, 0, G), E(120, 5, 0, F), E(130, 5, 0, F),
		X(140, 5, 0, F), X(150, 5, 0, F), X(180, 5, 0, G), X(200, 5, 0, F), E(300, 5, 0, F),
		X(310, 5, 0, F)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(call_of(f, F, 0)->total_ns, 100);
	assert_int_equal(call_of(f, F, 1)->total_ns, 0);
	assert_int_equal(call_of(f, F, 2)->total_ns, 0);
	assert_int_equal(total_of(f, F), 110);
	assert_int_equal(total_of(f, G), 70);
	feed_free(f);
}

/* Of an outermost call that is never left counts what is complete within it. */
static void recursion_without_an_exit(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 5, 0, F), E(120, 5, 0, F), X(130, 5, 0, F),
		E(140, 5, 0, F), X(145, 5, 0, F), X(150, 5, 0, F), E(160, 5, 0, G), E(170, 5, 0, F),
		X(171, 5, 0, F), E(400, 5, 0, G)};
	struct feed *f = fed(s, COUNT(s));

	assert_int_equal(call_of(f, F, 0)->flags, NO_EXIT);
	assert_int_equal(call_of(f, F, 0)->total_ns, 41);
	assert_int_equal(total_of(f, F), 41);
	feed_free(f);
}

/* Stacks of more functions than there are chains, entered and left: everything finds its entry. */
static void deep_stacks(void **state)
{
	struct feed *f = new_feed(false);
	uint64_t t = 1000;

	for (uint32_t d = 0; d < 6000; d++) {
		const struct step s = E(t++, 5, 0, (uint16_t)(100 + d * d % 613));

		feed(f, &s, 1);
	}
	for (uint32_t d = 6000; d-- > 0;) {
		const struct step s = X(t++, 5, 0, (uint16_t)(100 + d * d % 613));

		feed(f, &s, 1);
	}
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 0);
	for (uint32_t d = 0; d < 6000; d++) {
		assert_int_equal(f->calls[d].depth, d);
		assert_int_equal(f->calls[d].flags, 0);
		assert_int_equal(f->calls[d].end_ns - f->calls[d].start_ns, 2 * (6000 - d) - 1);
		assert_int_equal(f->calls[d].self_ns, d == 5999 ? 1 : 2);
	}
	feed_free(f);
}

/* It happened before, but what is open goes on from where it is. */
static void late_events(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(200, 5, 0, G)};
	struct step late[] = {E(150, 5, 0, H), X(160, 5, 0, H), X(170, 5, 0, G)};
	struct feed *f = new_feed(false);

	feed(f, s, COUNT(s));
	for (size_t i = 0; i < COUNT(late); i++)
		assert_int_equal(pairer_event(f->p, &late[i].e, NULL, true), 0);
	feed_end(f);
	assert_call(f, H, 0, 200, 200, 0, 2, 0);
	assert_call(f, G, 0, 200, 200, 0, 1, 0);
	assert_int_equal(f->totals.orphan_exits, 0);
	feed_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_calls),
		cmocka_unit_test(given_when_they_end),
		cmocka_unit_test(threads_do_not_mix),
		cmocka_unit_test(idle_is_per_cpu),
		cmocka_unit_test(missed_exit_shifts_nothing),
		cmocka_unit_test(orphan_exit_changes_nothing),
		cmocka_unit_test(running_at_the_end),
		cmocka_unit_test(syscall_without_exit),
		cmocka_unit_test(recursion),
		cmocka_unit_test(recursion_without_an_exit),
		cmocka_unit_test(deep_stacks),
		cmocka_unit_test(late_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
