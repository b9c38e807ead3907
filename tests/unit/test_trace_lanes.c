/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who was on which CPU: calls into segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/trace_feed.h"

enum { F = 1, G = 2, H = 3, SWITCH = 30 };
#define NOBODY UINT64_MAX /* who comes next is not told */
enum { FIRST = TRACE_SEGMENT_FIRST, LAST = TRACE_SEGMENT_LAST };

static void event(struct feed *f, uint64_t t, uint32_t tid, uint8_t cpu, uint16_t func,
	uint8_t kind, uint64_t arg, bool late)
{
	const struct stage_event e = {.t_ns = t,
		.tid = tid,
		.func = func,
		.cpu = cpu,
		.kind_nargs = (uint8_t)(kind | (kind == AYP_INSTANT && arg != NOBODY) << 4)};

	f->last_ns = t > f->last_ns ? t : f->last_ns;
	assert_int_equal(pairer_event(f->p, &e, &arg, late), 0);
}

static void enter(struct feed *f, uint64_t t, uint32_t tid, uint8_t cpu, uint16_t func)
{
	event(f, t, tid, cpu, func, AYP_ENTRY, 0, false);
}

static void leave(struct feed *f, uint64_t t, uint32_t tid, uint8_t cpu, uint16_t func)
{
	event(f, t, tid, cpu, func, AYP_EXIT, 0, false);
}

static void change(struct feed *f, uint64_t t, uint32_t tid, uint8_t cpu, uint64_t next)
{
	event(f, t, tid, cpu, SWITCH, AYP_INSTANT, next, false);
}

static struct feed *lanes_new(void)
{
	struct feed *f = feed_new(true, true);

	f->traits[F] = f->traits[G] = f->traits[H] = FUNC_KERNEL;
	f->traits[SWITCH] = FUNC_SWITCH;
	return f;
}

#define assert_segment(f, i, start, end, id, depth_, cpu_, flags_)                                 \
	do {                                                                                       \
		const struct trace_segment *s_ = &(f)->segments[i];                                \
		assert_true((i) < (f)->n_segments);                                                \
		assert_int_equal(s_->start_ns, start);                                             \
		assert_int_equal(s_->end_ns, end);                                                 \
		assert_int_equal(s_->call, id);                                                    \
		assert_int_equal(s_->depth, depth_);                                               \
		assert_int_equal(s_->cpu, cpu_);                                                   \
		assert_int_equal(s_->flags, flags_);                                               \
	} while (0)

/* A call that sleeps leaves its CPU to another thread and wakes up elsewhere. */
static void sleeping_call(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	enter(f, 110, 5, 0, G);
	change(f, 120, 5, 0, 6);
	assert_int_equal(f->n_segments, 2); /* given when they end, the call is still open */
	enter(f, 130, 6, 0, H);
	leave(f, 140, 6, 0, H);
	change(f, 150, 6, 0, 0);
	change(f, 200, 0, 1, 5);
	leave(f, 210, 5, 1, G);
	leave(f, 220, 5, 1, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 5);
	assert_segment(f, 0, 110, 120, 2, 1, 0, FIRST); /* inner ones first */
	assert_segment(f, 1, 100, 120, 1, 0, 0, FIRST);
	assert_segment(f, 2, 130, 140, 3, 0, 0, FIRST | LAST);
	assert_segment(f, 3, 200, 210, 2, 1, 1, LAST);
	assert_segment(f, 4, 200, 220, 1, 0, 1, LAST);
	assert_int_equal(f->segments[4].tid, 5);
	assert_int_equal(f->segments[4].func, F);
	assert_int_equal(f->segments[4].session, 3);
	feed_free(f);
}

/* Without switch events, another thread on the CPU says as much. */
static void without_switches(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	enter(f, 130, 6, 0, G);
	leave(f, 140, 6, 0, G);
	enter(f, 150, 5, 0, H);
	leave(f, 151, 5, 0, H);
	leave(f, 160, 5, 0, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 4);
	assert_segment(f, 0, 100, 130, 1, 0, 0, FIRST);
	assert_segment(f, 1, 130, 140, 2, 0, 0, FIRST | LAST);
	assert_segment(f, 2, 150, 151, 3, 1, 0, FIRST | LAST);
	assert_segment(f, 3, 150, 160, 1, 0, 0, LAST);
	feed_free(f);
}

/* The thread that comes next runs from the switch on, although its first event is later. */
static void from_the_switch_on(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	change(f, 120, 5, 0, 6);
	change(f, 150, 6, 0, 5);
	leave(f, 170, 5, 0, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 2);
	assert_segment(f, 0, 100, 120, 1, 0, 0, FIRST);
	assert_segment(f, 1, 150, 170, 1, 0, 0, LAST);
	feed_free(f);
}

/* It is not told who comes next: who is seen first, unless it was somewhere else until later. */
static void who_comes_next_is_not_told(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	change(f, 120, 5, 0, 6);
	change(f, 150, 6, 0, NOBODY);
	enter(f, 170, 5, 0, G);
	leave(f, 180, 5, 0, G);
	change(f, 190, 5, 0, NOBODY);
	enter(f, 200, 5, 2, G);
	leave(f, 210, 5, 2, G);
	change(f, 220, 5, 2, NOBODY);
	leave(f, 250, 5, 0, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 6);
	assert_segment(f, 0, 100, 120, 1, 0, 0, FIRST);
	assert_segment(f, 2, 150, 190, 1, 0, 0, 0);
	assert_segment(f, 4, 200, 220, 1, 0, 2, 0);
	assert_segment(f, 5, 220, 250, 1, 0, 0, LAST);
	feed_free(f);
}

/* A switch to a thread that was last seen on another CPU: it had left that one. */
static void switched_to_from_elsewhere(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	enter(f, 110, 6, 1, G);
	leave(f, 115, 6, 1, G);
	change(f, 120, 6, 1, 5);
	leave(f, 150, 5, 1, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 3);
	assert_segment(f, 1, 100, 120, 1, 0, 0, FIRST);
	assert_segment(f, 2, 120, 150, 1, 0, 1, LAST);
	feed_free(f);
}

/* A thread that shows up on another CPU has left the one it was on. */
static void seen_elsewhere(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	enter(f, 140, 5, 2, G);
	leave(f, 150, 5, 2, G);
	leave(f, 160, 5, 2, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 3);
	assert_segment(f, 0, 100, 140, 1, 0, 0, FIRST);
	assert_segment(f, 1, 140, 150, 2, 1, 2, FIRST | LAST);
	assert_segment(f, 2, 140, 160, 1, 0, 2, LAST);
	feed_free(f);
}

/* A coarse clock: a call without length is there, but not a second time for coming and going. */
static void no_length(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	enter(f, 100, 5, 0, G);
	leave(f, 100, 5, 0, G);
	change(f, 100, 5, 0, 6);
	change(f, 100, 6, 0, 5);
	leave(f, 100, 5, 0, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 2);
	assert_segment(f, 0, 100, 100, 2, 1, 0, FIRST | LAST);
	assert_segment(f, 1, 100, 100, 1, 0, 0, FIRST);
	feed_free(f);
}

/* Closed by another one's exit after its thread was away: nothing is drawn of it any more. */
static void ended_while_away(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	enter(f, 110, 5, 0, G);
	change(f, 120, 5, 0, 6);
	change(f, 200, 6, 0, 5);
	leave(f, 220, 5, 0, F);
	feed_end(f);
	assert_int_equal(f->n_segments, 3);
	assert_segment(f, 0, 110, 120, 2, 1, 0, FIRST);
	assert_segment(f, 1, 100, 120, 1, 0, 0, FIRST);
	assert_segment(f, 2, 200, 220, 1, 0, 0, LAST);
	feed_free(f);
}

/* What is late says nothing about who runs where. */
static void late_events_are_not_looked_at(void **state)
{
	struct feed *f = lanes_new();

	enter(f, 100, 5, 0, F);
	enter(f, 200, 6, 1, G);
	event(f, 150, 5, 1, SWITCH, AYP_INSTANT, 0, true);
	event(f, 150, 7, 0, H, AYP_ENTRY, 0, true);
	leave(f, 300, 5, 0, F);
	leave(f, 310, 6, 1, G);
	feed_end(f);
	assert_int_equal(f->n_segments, 2);
	assert_segment(f, 0, 100, 300, 1, 0, 0, FIRST | LAST);
	assert_segment(f, 1, 200, 310, 2, 0, 1, FIRST | LAST);
	feed_free(f);
}

/* A hole ends what was on a CPU where the events before it end. */
static void hole(void **state)
{
	struct feed *f = lanes_new();
	const struct stage_event behind = {
		.t_ns = 300, .tid = 6, .func = G, .kind_nargs = AYP_ENTRY, .epoch = 1};

	enter(f, 100, 5, 0, F);
	assert_int_equal(pairer_epoch_end(f->p, 0, 200), 0);
	assert_int_equal(pairer_event(f->p, &behind, NULL, false), 0);
	f->last_ns = 310;
	feed_end(f);
	assert_int_equal(f->n_segments, 2);
	assert_segment(f, 0, 100, 200, 1, 0, 0, FIRST);
	assert_segment(f, 1, 300, 310, 2, 0, 0, FIRST | LAST);
	feed_free(f);
}

/* Deep stacks that switch all the time: what is drawn grows with the events only. */
static void deep_stacks_that_switch(void **state)
{
	struct feed *f = lanes_new();
	uint64_t t = 1000;

	for (uint32_t i = 0; i < 2000; i++)
		enter(f, t++, 5, 0, (uint16_t)(100 + i % 1000));
	for (uint32_t i = 0; i < 10000; i++) {
		change(f, t++, 5, 0, 6);
		change(f, t++, 6, 0, 5);
	}
	feed_end(f);
	assert_true(f->n_segments > 65536);
	assert_true(f->n_segments < 65536 + 4 * 22000 + 2000);
	for (size_t i = 2000; i < f->n_segments; i++)
		assert_true(f->segments[i].depth < 256);
	feed_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleeping_call),
		cmocka_unit_test(without_switches),
		cmocka_unit_test(from_the_switch_on),
		cmocka_unit_test(who_comes_next_is_not_told),
		cmocka_unit_test(switched_to_from_elsewhere),
		cmocka_unit_test(seen_elsewhere),
		cmocka_unit_test(no_length),
		cmocka_unit_test(ended_while_away),
		cmocka_unit_test(late_events_are_not_looked_at),
		cmocka_unit_test(hole),
		cmocka_unit_test(deep_stacks_that_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
