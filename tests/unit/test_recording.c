/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a recording says: calls, self times, losses, sessions, lanes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/loaded.h"
#include "host/base/say.h"
#include "tests/unit/make_recording.h"

enum { F = 1, G = 2, H = 3, READ = 10, WRITE = 11, IRQ = 20, SWITCH = 30 };

#define E(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_ENTRY      \
	}
#define X(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_EXIT       \
	}
#define S(t, tid_, cpu_, next)                                                                     \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = SWITCH, .cpu = (cpu_), .kind = AYP_INSTANT,    \
		.nargs = 2,                                                                        \
		.arg = {(next),                                                                    \
			0 }                                                                        \
	}
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof(*(a))))

static void names(struct making *r)
{
	making_func(r, F, AYP_CLASS_KERNEL, "f");
	making_func(r, G, AYP_CLASS_KERNEL, "g");
	making_func(r, H, AYP_CLASS_KERNEL, "h");
	making_func(r, READ, AYP_CLASS_SYSCALL, "sys_read");
	making_func(r, WRITE, AYP_CLASS_SYSCALL, "sys_write");
	making_func(r, IRQ, AYP_CLASS_HARDIRQ, "irq_1");
	making_func(r, SWITCH, AYP_CLASS_SWITCH, "sched_switch");
}

static void load(struct making *r, struct loaded *m)
{
	uint64_t produced = 0, rows = 0;

	assert_int_equal(loaded_memory(m, r->data, r->size), 0);
	for (size_t i = 0; i < trace_session_count(m->trace); i++)
		produced += trace_session(m->trace, i)->produced;
	for (size_t i = 0; i < m->n_losses; i++)
		rows += m->losses[i].count;
	/* Whatever a test does to a recording, the books balance. */
	assert_int_equal(produced, m->n_events + m->totals->lost_total);
	assert_int_equal(rows, m->totals->lost_total);
}

/* One block of events with names, loaded. */
static void load_events(struct loaded *m, const struct ayp_event *ev, uint32_t n)
{
	struct making *r = making_new();

	names(r);
	making_events(r, 0, ev, n);
	making_goodbye(r, n, n);
	making_end(r);
	load(r, m);
	making_free(r);
}

static const struct trace_call *call_of(const struct loaded *m, uint16_t func, size_t nth)
{
	for (size_t i = 0; i < m->n_calls; i++) {
		if (m->calls[i].func == func && nth-- == 0)
			return &m->calls[i];
	}
	fail_msg("no such call");
	return NULL;
}

#define assert_call(m, func, nth, start, end, self, at_depth, call_flags)                          \
	do {                                                                                       \
		const struct trace_call *c_ = call_of(m, func, nth);                               \
		assert_int_equal(c_->start_ns, start);                                             \
		assert_int_equal(c_->end_ns, end);                                                 \
		assert_int_equal(c_->self_ns, self);                                               \
		assert_int_equal(c_->depth, at_depth);                                             \
		assert_int_equal(c_->flags, call_flags);                                           \
	} while (0)

/* ---- pairing -------------------------------------------------------------------------------- */

static void nested_calls(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, 0, F), E(110, 5, 0, G), E(120, 5, 0, G),
		X(125, 5, 0, G), X(150, 5, 0, G), E(160, 5, 0, H), X(161, 5, 0, H),
		X(200, 5, 0, F)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_int_equal(m.n_calls, 4);
	assert_call(&m, F, 0, 100, 200, 59, 0, 0); /* its grandchild does not count twice */
	assert_call(&m, G, 0, 110, 150, 35, 1, 0);
	assert_call(&m, G, 1, 120, 125, 5, 2, 0);
	assert_call(&m, H, 0, 160, 161, 1, 1, 0);
	assert_int_equal(m.totals->orphan_exits, 0);
	assert_true(m.recording.complete);
	loaded_free(&m);
}

/* Threads on one CPU, and one thread on several: the thread is what nests. */
static void threads_do_not_mix(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, 0, F), E(110, 6, 0, F), E(120, 5, 1, G),
		X(130, 6, 0, F), X(140, 5, 1, G), X(150, 5, 2, F)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_call(&m, F, 0, 100, 150, 30, 0, 0);
	assert_call(&m, F, 1, 110, 130, 20, 0, 0);
	assert_call(&m, G, 0, 120, 140, 20, 1, 0);
	loaded_free(&m);
}

/* The idle task of each CPU is a thread of its own. */
static void idle_is_per_cpu(void **state)
{
	const struct ayp_event ev[] = {
		E(100, 0, 0, F), E(110, 0, 1, F), X(130, 0, 0, F), X(190, 0, 1, F)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_call(&m, F, 0, 100, 130, 30, 0, 0);
	assert_call(&m, F, 1, 110, 190, 80, 0, 0);
	loaded_free(&m);
}

static void missed_exit_shifts_nothing(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, 0, F), E(110, 5, 0, G), E(120, 5, 0, H),
		X(150, 5, 0, F), E(200, 5, 0, F), X(210, 5, 0, F)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_call(&m, G, 0, 110, 120, 10, 1, TRACE_CALL_NO_EXIT);
	assert_call(&m, H, 0, 120, 120, 0, 2, TRACE_CALL_NO_EXIT);
	assert_call(&m, F, 0, 100, 150, 40, 0, 0);
	assert_call(&m, F, 1, 200, 210, 10, 0, 0);
	loaded_free(&m);
}

/* Nothing encloses an outermost call, so nothing closes it: its own function inside of it tells. */
static void missed_exit_of_an_outermost_call(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, 0, F), E(110, 5, 0, G), X(120, 5, 0, G),
		X(130, 5, 0, F), E(140, 5, 0, H), X(145, 5, 0, H), E(200, 5, 0, F), E(210, 5, 0, G),
		X(220, 5, 0, G), E(300, 5, 0, H), X(310, 5, 0, H), E(400, 5, 0, F), E(410, 5, 0, G),
		X(420, 5, 0, G), X(430, 5, 0, F)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_call(&m, F, 0, 100, 130, 20, 0, 0);
	assert_call(&m, F, 1, 200, 220, 10, 0, TRACE_CALL_NO_EXIT | TRACE_CALL_REPAIRED);
	assert_call(&m, G, 1, 210, 220, 10, 1, 0);
	assert_call(&m, H, 1, 300, 310, 10, 0, 0);
	assert_call(&m, F, 2, 400, 430, 20, 0, 0);
	assert_call(&m, G, 2, 410, 420, 10, 1, 0);
	loaded_free(&m);
}

/* Missed below a call that goes on: what it counts as its own time is right, too. */
static void missed_exit_in_a_call_that_goes_on(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, 0, H), E(110, 5, 0, F), X(120, 5, 0, F),
		E(130, 5, 0, F), E(135, 5, 0, G), X(140, 5, 0, G), E(150, 5, 0, F),
		X(160, 5, 0, F)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_call(&m, H, 0, 100, 160, 30, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, F, 1, 130, 140, 5, 1, TRACE_CALL_NO_EXIT | TRACE_CALL_REPAIRED);
	assert_call(&m, F, 2, 150, 160, 10, 1, 0);
	loaded_free(&m);
}

/* A function that calls itself, and one that calls for the first time what came beside it, are left. */
static void calls_that_go_on_are_not_cut(void **state)
{
	const struct ayp_event recursion[] = {E(100, 5, 0, F), E(110, 5, 0, F), X(120, 5, 0, F),
		X(130, 5, 0, F), E(200, 5, 0, F), E(210, 5, 0, F), X(220, 5, 0, F)};
	const struct ayp_event loop[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, G),
		E(130, 5, 0, F), X(140, 5, 0, F), E(150, 5, 0, F), X(160, 5, 0, F)};
	struct loaded m;

	load_events(&m, recursion, COUNT(recursion));
	assert_call(&m, F, 2, 200, 220, 10, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, F, 3, 210, 220, 10, 1, 0);
	loaded_free(&m);
	load_events(&m, loop, COUNT(loop));
	assert_call(&m, G, 0, 120, 160, 20, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, F, 2, 150, 160, 10, 1, 0);
	loaded_free(&m);
}

static void orphan_exit_changes_nothing(void **state)
{
	const struct ayp_event ev[] = {
		X(90, 5, 0, F), E(100, 5, 0, F), X(110, 5, 0, G), X(150, 5, 0, F)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_int_equal(m.totals->orphan_exits, 2);
	assert_int_equal(m.n_calls, 1);
	assert_call(&m, F, 0, 100, 150, 50, 0, 0);
	loaded_free(&m);
}

static void running_at_the_end(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, 0, F), E(120, 6, 1, G), X(180, 6, 1, G)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_call(&m, F, 0, 100, 180, 80, 0, TRACE_CALL_NO_EXIT);
	loaded_free(&m);
}

/* rt_sigreturn has an entry and no exit: the next syscall stands beside it, not in it. */
static void syscall_without_exit(void **state)
{
	const struct ayp_event ev[] = {
		E(100, 5, 0, READ), E(120, 5, 0, F), E(200, 5, 0, WRITE), X(230, 5, 0, WRITE)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_call(&m, READ, 0, 100, 120, 20, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, WRITE, 0, 200, 230, 30, 0, 0);
	loaded_free(&m);
}

/* An interrupt between reserving a record and reading the clock puts a later time first. */
static void ring_order_is_not_time_order(void **state)
{
	const struct ayp_event ev[] = {X(150, 5, 0, F), E(100, 5, 0, F), E(105, 5, 0, IRQ),
		X(110, 5, 0, IRQ), E(160, 5, 0, G), X(160, 5, 0, G), E(160, 5, 0, H),
		X(160, 5, 0, H)};
	struct loaded m;

	load_events(&m, ev, COUNT(ev));
	assert_int_equal(m.totals->orphan_exits, 0);
	assert_call(&m, F, 0, 100, 150, 45, 0, 0);
	assert_call(&m, IRQ, 0, 105, 110, 5, 1, 0);
	assert_call(&m, H, 0, 160, 160, 0, 0, 0); /* equal times keep their order */
	loaded_free(&m);
}

/* ---- losses --------------------------------------------------------------------------------- */

static void nothing_is_paired_across_a_hole(void **state)
{
	const struct ayp_event before[] = {E(100, 5, 0, F), E(110, 6, 1, F), E(120, 0, 1, IRQ)};
	const struct ayp_event behind[] = {
		X(200, 5, 0, F), X(210, 6, 1, F), E(220, 5, 0, G), X(230, 5, 0, G)};
	struct making *r = making_new();
	struct loaded m;

	making_hello(r);
	names(r);
	making_events(r, 0, before, COUNT(before));
	making_events(r, 103, behind, COUNT(behind));
	making_goodbye(r, 107, 107);
	making_end(r);
	load(r, &m);
	assert_int_equal(m.n_events, 7);
	assert_int_equal(m.totals->lost_total, 100);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_LINE], 100);
	assert_int_equal(m.n_losses, 1);
	assert_int_equal(m.losses[0].first_ns, 120);
	assert_int_equal(m.losses[0].last_ns, 200);
	assert_int_equal(m.totals->orphan_exits, 2);
	assert_call(&m, F, 0, 100, 120, 20, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, F, 1, 110, 120, 10, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, G, 0, 220, 230, 10, 0, 0);
	loaded_free(&m);
	making_free(r);
}

/* A loss in the kernel of CPU 1, between 200 and 300. */
static void add_kernel_loss(struct making *r, uint64_t count)
{
	ayaprof_Loss *loss = making_msg(r);

	loss->ranges_count = 1;
	loss->ranges[0] = (ayaprof_LossRange){.cause = ayaprof_LossCause_LOSS_RING_FULL,
		.cpu_plus_1 = 2,
		.first_ns = 200,
		.last_ns = 300,
		.count = count};
	making_add(r, AYP_KIND_LOSS);
}

static void kernel_loss_hits_its_cpu_only(void **state)
{
	const struct ayp_event ev[] = {S(50, 0, 0, 5),
		E(100, 5, 0, F),   /* runs on CPU 0 all the while */
		E(110, 6, 1, F),   /* on CPU 1: hit */
		E(120, 0, 2, IRQ), /* another CPU's idle task */
		S(130, 7, 3, 0),   /* 7 sleeps: may wake anywhere */
		X(250, 0, 2, IRQ), X(400, 5, 0, F), X(410, 6, 1, F)};
	struct making *r = making_new();
	struct loaded m;

	names(r);
	making_events(r, 0, ev, COUNT(ev));
	add_kernel_loss(r, 9);
	making_goodbye(r, COUNT(ev) + 9, COUNT(ev));
	making_end(r);
	load(r, &m);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_RING_FULL], 9);
	assert_int_equal(m.losses[0].cpu, 1);
	assert_call(&m, F, 0, 100, 400, 300, 0, 0);
	assert_call(&m, F, 1, 110, 200, 90, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, IRQ, 0, 120, 250, 130, 0, 0);
	assert_int_equal(m.totals->orphan_exits, 1);
	loaded_free(&m);
	making_free(r);
}

/* Without switch events only idle tasks are certain not to have been on another CPU. */
static void kernel_loss_spares_idle_tasks(void **state)
{
	const struct ayp_event ev[] = {E(100, 0, 0, IRQ), E(110, 0, 1, IRQ), E(120, 5, 2, F),
		X(400, 0, 0, IRQ), X(410, 0, 1, IRQ), X(420, 5, 2, F)};
	struct making *r = making_new();
	struct loaded m;

	making_func(r, F, AYP_CLASS_KERNEL, "f");
	making_func(r, IRQ, AYP_CLASS_HARDIRQ, "irq_1");
	making_events(r, 0, ev, COUNT(ev));
	add_kernel_loss(r, 1);
	making_end(r);
	load(r, &m);
	assert_call(&m, IRQ, 0, 100, 400, 300, 0, 0);
	assert_call(&m, IRQ, 1, 110, 200, 90, 0, TRACE_CALL_NO_EXIT);
	assert_call(&m, F, 0, 120, 200, 80, 0, TRACE_CALL_NO_EXIT);
	loaded_free(&m);
	making_free(r);
}

/* The same, but the thread is switched out meanwhile: it may have run on CPU 1. */
static void kernel_loss_hits_who_slept(void **state)
{
	const struct ayp_event ev[] = {
		S(50, 0, 0, 5), E(100, 5, 0, F), S(210, 5, 0, 0), S(380, 0, 0, 5), X(400, 5, 0, F)};
	struct making *r = making_new();
	struct loaded m;

	names(r);
	making_events(r, 0, ev, COUNT(ev));
	add_kernel_loss(r, 1);
	making_end(r);
	load(r, &m);
	assert_call(&m, F, 0, 100, 100, 0, 0, TRACE_CALL_NO_EXIT);
	assert_int_equal(m.totals->orphan_exits, 1);
	loaded_free(&m);
	making_free(r);
}

static void books_of_every_cause(void **state)
{
	const struct ayp_event ev[] = {E(1000, 5, 0, F), X(2000, 5, 0, F)};
	struct making *r = making_new();
	ayaprof_Events *bad;
	ayaprof_Goodbye *bye;
	struct loaded m;

	making_events(r, 10, ev, COUNT(ev)); /* 0..9 went before the host listened */
	bad = making_msg(r);
	bad->first_index = 20; /* 12..19: the board dropped 5 of them */
	bad->count = 4;
	bad->codec = 99;
	making_add(r, AYP_KIND_EVENTS);
	bye = making_msg(r);
	bye->has_status = true;
	bye->status.taken = 30;
	bye->status.produced = 37;
	bye->status.lost_count = 2;
	bye->status.lost[0] = (ayaprof_LossTotal){
		.cause = ayaprof_LossCause_LOSS_RING_FULL, .cpu_plus_1 = 1, .count = 7};
	bye->status.lost[1] =
		(ayaprof_LossTotal){.cause = ayaprof_LossCause_LOSS_SPOOL_FULL, .count = 5};
	making_add(r, AYP_KIND_GOODBYE);
	load(r, &m);
	assert_int_equal(m.n_events, 2);
	assert_int_equal(m.totals->lost_total, 35);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_RING_FULL], 7);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_SPOOL_FULL], 5);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_UNDECODABLE], 4);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_LINE], 19);
	assert_false(m.recording.complete);
	loaded_free(&m);
	making_free(r);
}

static void repeated_and_disordered_blocks(void **state)
{
	const struct ayp_event a[] = {E(100, 5, 0, F), E(110, 5, 0, G)},
			       b[] = {X(120, 5, 0, G), X(130, 5, 0, F)};
	struct making *r = making_new();
	struct loaded m;

	making_events(r, 2, b, COUNT(b));
	making_events(r, 0, a, COUNT(a));
	making_events(r, 2, b, COUNT(b));
	making_goodbye(r, 4, 4);
	load(r, &m);
	assert_int_equal(m.n_events, 4);
	assert_int_equal(m.totals->lost_total, 0);
	assert_call(&m, F, 0, 100, 130, 20, 0, 0);
	loaded_free(&m);
	making_free(r);
}

static void add_status(struct making *r, uint64_t t_ns, uint64_t produced, uint64_t taken)
{
	ayaprof_Status *status = making_msg(r);

	status->t_ns = t_ns;
	status->produced = produced;
	status->taken = taken;
	making_add(r, AYP_KIND_STATUS);
}

static void add_spool_loss(struct making *r, uint64_t count)
{
	ayaprof_Loss *loss = making_msg(r);

	loss->ranges_count = 1;
	loss->ranges[0] =
		(ayaprof_LossRange){.cause = ayaprof_LossCause_LOSS_SPOOL_FULL, .count = count};
	making_add(r, AYP_KIND_LOSS);
}

/* The recording was cut before the status that would have counted the newest losses. */
static void loss_newer_than_the_status(void **state)
{
	const struct ayp_event ev[] = {E(100, 5, 0, F), X(110, 5, 0, F)};
	struct making *r = making_new();
	struct loaded m;

	making_events(r, 0, ev, COUNT(ev));
	add_status(r, 200, 2, 2);
	add_spool_loss(r, 25);
	load(r, &m);
	assert_int_equal(trace_session(m.trace, 0)->produced, 27);
	assert_int_equal(m.totals->lost[ayaprof_LossCause_LOSS_SPOOL_FULL], 25);
	assert_int_equal(m.totals->lost_total, 25);
	loaded_free(&m);
	/* Nor does the file's having it twice make it more. */
	memcpy(r->data + r->size, r->data + r->frame_at, r->size - r->frame_at);
	r->size += r->size - r->frame_at;
	load(r, &m);
	assert_int_equal(m.totals->lost_total, 25);
	loaded_free(&m);
	/* But the next message that says the same does. */
	add_spool_loss(r, 25);
	load(r, &m);
	assert_int_equal(m.totals->lost_total, 50);
	loaded_free(&m);
	making_free(r);
}

static void impossible_blocks(void **state)
{
	static const struct {
		uint64_t first;
		uint32_t count;
	} bad[] = {{0, 0}, {0, AYP_BLOCK_MAX_EVENTS + 1}, {0, UINT32_MAX},
		{(UINT64_C(1) << 60) + 1, 1}, {UINT64_MAX, 1}};
	struct making *r = making_new();
	struct loaded m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ayaprof_Events *msg = making_msg(r);

		msg->first_index = bad[i].first;
		msg->count = bad[i].count;
		msg->codec = AYP_CODEC_COLUMNS;
		making_add(r, AYP_KIND_EVENTS);
	}
	load(r, &m);
	assert_int_equal(m.totals->lost_total, 0);
	assert_int_equal(m.totals->frames_unknown, sizeof(bad) / sizeof(*bad));
	loaded_free(&m);
	making_free(r);
}

/* ---- identity ------------------------------------------------------------------------------- */

static void names_may_come_late(void **state)
{
	const struct ayp_event ev[] = {
		E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, 77), X(121, 5, 0, 77)};
	struct making *r = making_new();
	struct loaded m;

	making_events(r, 0, ev, COUNT(ev));
	making_func(r, F, AYP_CLASS_USER, "late\x1b[31m\xff");
	making_name(r, ayaprof_Table_TABLE_TASK, 5, 0, "worker");
	load(r, &m);
	assert_string_equal(trace_func(m.trace, F)->name, "late?[31m?");
	assert_int_equal(trace_func(m.trace, F)->cls, AYP_CLASS_USER);
	assert_string_equal(trace_func(m.trace, 77)->name, "func_77");
	assert_true(trace_func(m.trace, F)->named);
	assert_false(trace_func(m.trace, 77)->named);
	assert_string_equal(trace_task(m.trace, 0, 5, 100)->comm, "worker");
	assert_null(trace_task(m.trace, 0, 6, 100));
	loaded_free(&m);
	making_free(r);
}

/* A board that started again gave other ids to the same functions. */
static void sessions_share_functions(void **state)
{
	const struct ayp_event one[] = {
		E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, G), X(130, 5, 0, G)};
	const struct ayp_event two[] = {
		E(50, 5, 0, F), X(60, 5, 0, F), E(70, 5, 0, G), X(80, 5, 0, G)};
	struct making *r = making_new();
	struct loaded m;
	uint16_t other;

	making_func(r, F, AYP_CLASS_KERNEL, "f");
	making_func(r, G, AYP_CLASS_KERNEL, "g");
	making_events(r, 0, one, COUNT(one));
	r->session = 8;
	making_func(r, F, AYP_CLASS_KERNEL, "g");
	making_func(r, G, AYP_CLASS_USER, "g"); /* same name, but not the same function */
	making_events(r, 0, two, COUNT(two));
	load(r, &m);
	assert_int_equal(trace_session_count(m.trace), 2);
	assert_int_equal(m.n_events, 8);
	assert_int_equal(m.events[0].func, F);
	assert_int_equal(m.events[2].func, G);
	assert_int_equal(m.events[4].func, G);
	other = m.events[6].func;
	assert_true(other != F && other != G);
	assert_string_equal(trace_func(m.trace, other)->name, "g");
	assert_int_equal(trace_func(m.trace, other)->cls, AYP_CLASS_USER);
	loaded_free(&m);
	making_free(r);
}

/* ---- the file ------------------------------------------------------------------------------- */

static void not_recordings(void **state)
{
	uint8_t junk[1000];
	struct loaded m;

	say_mute(true);
	memset(junk, 0x0a, sizeof(junk));
	assert_true(loaded_memory(&m, junk, 0) < 0);
	assert_true(loaded_memory(&m, junk, sizeof(junk)) < 0);
	assert_true(loaded_file(&m, "/nonexistent") < 0);
	assert_true(loaded_file(&m, "/") < 0);
	say_mute(false);
}

static void say_record(ayaprof_Log *log, uint64_t seq, const char *text)
{
	ayaprof_LogRecord *r = &log->records[log->records_count++];

	r->seq = seq;
	r->t_us = seq * 1000;
	r->priority = 6;
	snprintf(r->text, sizeof(r->text), "%s", text);
}

/* In the kernel's order whatever the frames' order was, what is missing told by the numbers. */
static void kernel_messages(void **state)
{
	struct making *r = making_new();
	struct loaded m;

	making_hello(r);
	say_record(making_msg(r), 10, "late");
	making_add(r, AYP_KIND_LOG);
	say_record(making_msg(r), 4, "first");
	say_record(&r->msg.log, 5, "second\n\x1b[31mline");
	making_add(r, AYP_KIND_LOG);
	say_record(making_msg(r), 5, "second again");
	making_add(r, AYP_KIND_LOG);
	r->session = 8;
	making_hello(r);
	say_record(making_msg(r), 5, "of another run");
	making_add(r, AYP_KIND_LOG);
	load(r, &m);
	assert_int_equal(m.n_logs, 4);
	assert_string_equal(m.logs[0].text, "first");
	assert_int_equal(m.logs[0].missed, 0);
	assert_int_equal(m.logs[1].seq, 5);
	assert_string_equal(m.logs[2].text, "late");
	assert_int_equal(m.logs[2].missed, 4);
	assert_int_equal(m.logs[3].session, 1);
	assert_int_equal(m.logs[3].missed, 0);
	assert_int_equal(m.totals->logs_missed, 4);
	assert_int_equal(m.totals->frames_unknown, 0);
	loaded_free(&m);
	making_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_messages),
		cmocka_unit_test(nested_calls),
		cmocka_unit_test(threads_do_not_mix),
		cmocka_unit_test(idle_is_per_cpu),
		cmocka_unit_test(missed_exit_shifts_nothing),
		cmocka_unit_test(missed_exit_of_an_outermost_call),
		cmocka_unit_test(missed_exit_in_a_call_that_goes_on),
		cmocka_unit_test(calls_that_go_on_are_not_cut),
		cmocka_unit_test(orphan_exit_changes_nothing),
		cmocka_unit_test(running_at_the_end),
		cmocka_unit_test(syscall_without_exit),
		cmocka_unit_test(ring_order_is_not_time_order),
		cmocka_unit_test(nothing_is_paired_across_a_hole),
		cmocka_unit_test(kernel_loss_hits_its_cpu_only),
		cmocka_unit_test(kernel_loss_spares_idle_tasks),
		cmocka_unit_test(kernel_loss_hits_who_slept),
		cmocka_unit_test(books_of_every_cause),
		cmocka_unit_test(repeated_and_disordered_blocks),
		cmocka_unit_test(loss_newer_than_the_status),
		cmocka_unit_test(impossible_blocks),
		cmocka_unit_test(names_may_come_late),
		cmocka_unit_test(sessions_share_functions),
		cmocka_unit_test(not_recordings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
