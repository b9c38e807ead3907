/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Entries and exits into calls and segments: what comes out of events that are written here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/trace_feed.h"

enum { F = 1, G = 2, H = 3, READ = 10, WRITE = 11, IRQ = 20, SWITCH = 30, USER = 40, USER2 = 41 };
enum { NO_EXIT = TRACE_CALL_NO_EXIT, REPAIRED = TRACE_CALL_REPAIRED };
enum { FIRST = TRACE_SEGMENT_FIRST, LAST = TRACE_SEGMENT_LAST };

struct step {
	struct stage_event e;
	uint64_t arg;
};

#define STEP(t, tid_, cpu_, func_, kind, arg_)                                                     \
	{                                                                                          \
		.e = {.t_ns = (t),                                                                 \
			.tid = (tid_),                                                             \
			.func = (func_),                                                           \
			.cpu = (cpu_),                                                             \
			.kind_nargs = (kind)},                                                     \
		.arg = (arg_),                                                                     \
	}
#define E(t, tid, cpu, func) STEP(t, tid, cpu, func, AYP_ENTRY, 0)
#define X(t, tid, cpu, func) STEP(t, tid, cpu, func, AYP_EXIT, 0)
#define S(t, tid, cpu, next) STEP(t, tid, cpu, SWITCH, AYP_INSTANT | 1 << 4, next)
#define COUNT(a)             (sizeof(a) / sizeof(*(a)))

static struct feed *new_feed(bool switches)
{
	struct feed *f = feed_new(switches, true);

	f->traits[F] = f->traits[G] = f->traits[H] = f->traits[IRQ] = FUNC_KERNEL;
	f->traits[READ] = f->traits[WRITE] = FUNC_KERNEL | FUNC_SYSCALL;
	f->traits[SWITCH] = FUNC_SWITCH;
	return f;
}

static void feed(struct feed *f, const struct step *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(feed_event(f, &s[i].e, s[i].arg), 0);
}

static struct feed *fed(const struct step *s, size_t n)
{
	struct feed *f = new_feed(false);

	feed(f, s, n);
	feed_end(f);
	return f;
}

static const struct trace_call *call_of(const struct feed *f, uint16_t func, size_t nth)
{
	for (size_t i = 0; i < f->n_calls; i++) {
		if (f->calls[i].func == func && nth-- == 0)
			return &f->calls[i];
	}
	fail_msg("no such call");
	return NULL;
}

#define assert_call(f, func, nth, start, end, self, at_depth, call_flags)                          \
	do {                                                                                       \
		const struct trace_call *c_ = call_of(f, func, nth);                               \
		assert_int_equal(c_->start_ns, start);                                             \
		assert_int_equal(c_->end_ns, end);                                                 \
		assert_int_equal(c_->self_ns, self);                                               \
		assert_int_equal(c_->depth, at_depth);                                             \
		assert_int_equal(c_->flags, call_flags);                                           \
	} while (0)

static uint64_t total_of(const struct feed *f, uint16_t func)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < f->n_calls; i++)
		sum += f->calls[i].func == func ? f->calls[i].total_ns : 0;
	return sum;
}

/* ---- pairing -------------------------------------------------------------------------------- */

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

/* ---- missed exits --------------------------------------------------------------------------- */

/* Nothing encloses an outermost call, so nothing closes it: its own function inside of it tells. */
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

/* Found guilty, and yet it was real, for its exit comes: a call like any other, counted rightly. */
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

/* ---- losses --------------------------------------------------------------------------------- */

static void nothing_is_paired_across_a_hole(void **state)
{
	const struct step before[] = {E(100, 5, 0, F), E(110, 6, 1, F), E(120, 0, 1, IRQ)};
	struct step behind[] = {X(200, 5, 0, F), X(210, 6, 1, F), E(220, 5, 0, G), X(230, 5, 0, G)};
	/* Taken before the hole, but seen behind it. */
	const struct step late[] = {E(240, 5, 0, H), X(245, 5, 0, H)};
	struct feed *f = new_feed(false);

	feed(f, before, COUNT(before));
	for (size_t i = 0; i < COUNT(behind); i++)
		behind[i].e.epoch = 1;
	assert_int_equal(pairer_epoch_end(f->p, 0, 120), 0);
	feed(f, behind, COUNT(behind));
	feed(f, late, COUNT(late));
	feed_end(f);
	assert_int_equal(f->totals.orphan_exits, 3);
	assert_call(f, F, 0, 100, 120, 20, 0, NO_EXIT);
	assert_call(f, F, 1, 110, 120, 10, 0, NO_EXIT);
	assert_call(f, IRQ, 0, 120, 120, 0, 0, NO_EXIT); /* its epoch is over, too */
	assert_call(f, G, 0, 220, 230, 10, 0, 0);
	assert_call(f, H, 0, 240, 240, 0, 0, NO_EXIT);
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

/* Ranges that are told in time cost nothing once they are over; too many ahead of it are bounded. */
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
		cmocka_unit_test(missed_exit_of_an_outermost_call),
		cmocka_unit_test(missed_exit_in_a_call_that_goes_on),
		cmocka_unit_test(calls_that_go_on_are_not_cut),
		cmocka_unit_test(guilty_and_real),
		cmocka_unit_test(guilty_and_real_with_calls_open),
		cmocka_unit_test(guilty_until_user_space),
		cmocka_unit_test(held_while_in_doubt),
		cmocka_unit_test(doubt_that_lasts),
		cmocka_unit_test(nothing_is_paired_across_a_hole),
		cmocka_unit_test(many_epochs),
		cmocka_unit_test(kernel_loss_hits_its_cpu_only),
		cmocka_unit_test(kernel_loss_spares_idle_tasks),
		cmocka_unit_test(kernel_loss_hits_who_slept),
		cmocka_unit_test(kernel_loss_told_late),
		cmocka_unit_test(many_kernel_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
