/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Events written by hand, step by step, and the calls that come of them. cmocka.h comes before
 * this. */
#ifndef TESTS_UNIT_TRACE_STEPS_H
#define TESTS_UNIT_TRACE_STEPS_H

#include "tests/unit/trace_feed.h"

enum { F = 1, G = 2, H = 3, READ = 10, WRITE = 11, IRQ = 20, SWITCH = 30, USER = 40, USER2 = 41 };
enum { NO_EXIT = TRACE_CALL_NO_EXIT, REPAIRED = TRACE_CALL_REPAIRED };

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

static inline struct feed *new_feed(bool switches)
{
	struct feed *f = feed_new(switches, true);

	f->traits[F] = f->traits[G] = f->traits[H] = f->traits[IRQ] = FUNC_KERNEL;
	f->traits[READ] = f->traits[WRITE] = FUNC_KERNEL | FUNC_SYSCALL;
	f->traits[SWITCH] = FUNC_SWITCH;
	return f;
}

static inline void feed(struct feed *f, const struct step *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(feed_event(f, &s[i].e, s[i].arg), 0);
}

static inline struct feed *fed(const struct step *s, size_t n)
{
	struct feed *f = new_feed(false);

	feed(f, s, n);
	feed_end(f);
	return f;
}

static inline const struct trace_call *call_of(const struct feed *f, uint16_t func, size_t nth)
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

static inline uint64_t total_of(const struct feed *f, uint16_t func)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < f->n_calls; i++)
		sum += f->calls[i].func == func ? f->calls[i].total_ns : 0;
	return sum;
}

#endif
