/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Nothing is paired across lost events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/trace_steps.h"

static void nothing_is_paired_across_a_hole(void **state)
{
	const struct step before[] = {E(100, 5, 0, F), E(110, 6, 1, F), E(120, 0, 1, IRQ)};
	struct step behind[] = {X(200, 5, 0, F), X(210, 6, 1, F), E(220, 5, 0, G), X(230, 5, 0, G),
		E(235, 5, 0, READ)};
	/* Taken before the hole, but seen behind it. */
	const struct step late[] = {E(240, 5, 0, H), X(245, 5, 0, H), X(246, 5, 0, READ)};
	struct feed *f = new_feed(false);

	feed(f, before, COUNT(before));
	for (size_t i = 0; i < COUNT(behind); i++)
		behind[i].e.epoch = 1;
	assert_int_equal(pairer_epoch_end(f->p, 0, 120), 0);
	feed(f, behind, COUNT(behind));
	feed(f, late, COUNT(late));
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 4);
	assert_call(f, F, 0, 100, 120, 20, 0, NO_EXIT);
	assert_call(f, F, 1, 110, 120, 10, 0, NO_EXIT);
	assert_call(f, IRQ, 0, 120, 120, 0, 0, NO_EXIT); /* its epoch is over, too */
	assert_call(f, G, 0, 220, 230, 10, 0, 0);
	assert_call(f, H, 0, 240, 240, 0, 1, NO_EXIT);
	assert_int_equal(call_of(f, READ, 0)->flags, NO_EXIT);
	feed_free(f);
}

/* Without the end of its epoch a call ends where its thread is seen again. */
static void many_epochs(void **state)
{
	struct feed *f = new_feed(false);

	for (uint32_t i = 0; i < 5000; i++) {
		struct step s = E(1000 + i * 10, 5 + i % 2, 0, F);

		s.e.epoch = i;
		feed(f, &s, 1);
		assert_int_equal(pairer_epoch_end(f->p, i, 1000 + i * 10 + 3), 0);
	}
	feed_end(f);
	for (uint32_t i = 0; i < 4998; i++)
		assert_int_equal(f->calls[i].end_ns - f->calls[i].start_ns, 3);
	assert_true(f->memory.peak < 1u << 16);
	feed_free(f);
}

static void kernel_loss_hits_its_cpu_only(void **state)
{
	const struct step s[] = {S(50, 0, 0, 5), E(100, 5, 0, F), /* runs on CPU 0 all the while */
		E(110, 6, 1, F),                                  /* on CPU 1: hit */
		E(120, 0, 2, IRQ),                                /* another CPU's idle task */
		S(130, 7, 3, 0), X(250, 0, 2, IRQ), X(400, 5, 0, F), X(410, 6, 1, F)};
	struct feed *f = new_feed(true);

	assert_int_equal(pairer_lost(f->p, 200, 300, 1), 0);
	feed(f, s, COUNT(s));
	feed_end(f);
	assert_call(f, F, 0, 100, 400, 300, 0, 0);
	assert_call(f, F, 1, 110, 200, 90, 0, NO_EXIT);
	assert_call(f, IRQ, 0, 120, 250, 130, 0, 0);
	assert_int_equal(f->totals.orphan_exits, 1);
	feed_free(f);
}

/* The thread came to its CPU in the middle of its call, and stayed there over the range. */
static void kernel_loss_spares_who_stayed(void **state)
{
	const struct step s[] = {S(50, 0, 2, 5), E(100, 5, 2, F), S(120, 5, 2, 0), S(150, 0, 0, 5),
		E(160, 5, 0, G), X(400, 5, 0, G), X(410, 5, 0, F)};
	struct feed *f = new_feed(true);

	assert_int_equal(pairer_lost(f->p, 200, 300, 1), 0);
	feed(f, s, COUNT(s));
	feed_end(f);
	assert_call(f, F, 0, 100, 410, 70, 0, 0);
	assert_call(f, G, 0, 160, 400, 240, 1, 0);
	feed_free(f);
}

/* What was found guilty before it came there is over, and cuts nothing. */
static void kernel_loss_ends_what_was_found_guilty(void **state)
{
	const struct step s[] = {S(50, 0, 2, 5), E(60, 5, 2, F), X(70, 5, 2, F), E(80, 5, 2, F),
		E(90, 5, 2, F), X(100, 5, 2, F), E(260, 5, 0, G), X(400, 5, 0, G), X(410, 5, 0, F)};
	struct feed *f = new_feed(true);

	assert_int_equal(pairer_lost(f->p, 200, 300, 1), 0);
	feed(f, s, COUNT(s));
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 1);
	assert_call(f, F, 1, 80, 80, 0, 0, NO_EXIT | REPAIRED);
	assert_call(f, G, 0, 260, 400, 140, 0, 0);
	feed_free(f);
}

/* Without switch events only idle tasks are certain not to have been on another CPU. */
static void kernel_loss_spares_idle_tasks(void **state)
{
	const struct step s[] = {E(100, 0, 0, IRQ), E(110, 0, 1, IRQ), E(120, 5, 2, F),
		X(400, 0, 0, IRQ), X(410, 0, 1, IRQ), X(420, 5, 2, F)};
	struct feed *f = new_feed(false);

	assert_int_equal(pairer_lost(f->p, 200, 300, 1), 0);
	feed(f, s, COUNT(s));
	feed_end(f);
	assert_call(f, IRQ, 0, 100, 400, 300, 0, 0);
	assert_call(f, IRQ, 1, 110, 200, 90, 0, NO_EXIT);
	assert_call(f, F, 0, 120, 200, 80, 0, NO_EXIT);
	feed_free(f);
}

/* The same, but the thread is switched out meanwhile: it may have run on CPU 1. */
static void kernel_loss_hits_who_slept(void **state)
{
	const struct step s[] = {
		S(50, 0, 0, 5), E(100, 5, 0, F), S(210, 5, 0, 0), S(380, 0, 0, 5), X(400, 5, 0, F)};
	struct feed *f = new_feed(true);

	assert_int_equal(pairer_lost(f->p, 200, 300, 1), 0);
	feed(f, s, COUNT(s));
	feed_end(f);
	assert_call(f, F, 0, 100, 100, 0, 0, NO_EXIT);
	assert_int_equal(f->totals.orphan_exits, 1);
	feed_free(f);
}

/* Told when it is over: what is open since before it ends, what came after it is whole. */
static void kernel_loss_told_late(void **state)
{
	const struct step s[] = {E(100, 5, 0, F), E(110, 6, 1, F), E(350, 7, 0, G)};
	const struct step then[] = {X(400, 5, 0, F), X(410, 7, 0, G)};
	struct feed *f = new_feed(false);

	feed(f, s, COUNT(s));
	assert_int_equal(pairer_lost(f->p, 200, 300, -1), 0);
	feed(f, then, COUNT(then));
	feed_end(f);
	assert_int_equal(call_of(f, F, 0)->flags, NO_EXIT);
	assert_int_equal(call_of(f, F, 1)->flags, NO_EXIT);
	assert_call(f, G, 0, 350, 410, 60, 0, 0);
	feed_free(f);
}

/* Ranges that are told in time cost nothing once they are over; too many ahead of it are
 * bounded. */
static void many_kernel_losses(void **state)
{
	struct feed *f = new_feed(false);

	for (uint64_t i = 0; i < 20000; i++) {
		const struct step s[] = {E(950 + i * 100, 5, 0, F), E(1020 + i * 100, 5, 0, G),
			X(1021 + i * 100, 5, 0, G)};

		assert_int_equal(pairer_lost(f->p, 1000 + i * 100, 1010 + i * 100, -1), 0);
		feed(f, s, COUNT(s));
	}
	for (uint64_t i = 0; i < 20000; i++)
		assert_int_equal(pairer_lost(f->p, 3000000 + i, 3000010 + i, 1), 0);
	assert_true(f->memory.peak < PAIRER_MAX_EDGES * 24 * 8);
	feed_end(f);
	for (size_t i = 0; i < 40000; i++) {
		assert_int_equal(f->calls[i].depth, 0);
		assert_int_equal(f->calls[i].flags, f->calls[i].func == F ? NO_EXIT : 0);
	}
	feed_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_paired_across_a_hole),
		cmocka_unit_test(many_epochs),
		cmocka_unit_test(kernel_loss_hits_its_cpu_only),
		cmocka_unit_test(kernel_loss_spares_who_stayed),
		cmocka_unit_test(kernel_loss_ends_what_was_found_guilty),
		cmocka_unit_test(kernel_loss_spares_idle_tasks),
		cmocka_unit_test(kernel_loss_hits_who_slept),
		cmocka_unit_test(kernel_loss_told_late),
		cmocka_unit_test(many_kernel_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
