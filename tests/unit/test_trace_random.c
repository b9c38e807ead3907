/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The pairer on random events: against a naive pairing that keeps the whole session and makes no
 * guesses, and with memory that runs out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/trace_feed.h"

#define MAX_N   1300u
#define THREADS 5u
#define CPUS    3u
#define FUNCS   12u
#define SYSCALL 3u /* functions below this are syscalls, in sessions that have such */
#define SWITCH  30u

static struct stage_event events[MAX_N];
static uint64_t args[MAX_N];
static uint64_t ends[MAX_N]; /* of epochs */
static size_t n_events, n_epochs;

/* ---- events that could be a board's --------------------------------------------------------- */

struct source {
	uint64_t r, t;
	uint16_t callee[FUNCS][4]; /* 0: a leaf */
	uint16_t stack[THREADS][16];
	uint32_t depth[THREADS];
	uint32_t on[CPUS]; /* thread */
	uint32_t drop;     /* one exit in so many is missing; 0: none */
	uint32_t epoch;
	bool switches;
};

static void put(struct source *s, uint32_t thread, uint32_t cpu, uint16_t func, uint8_t kind_nargs)
{
	struct stage_event *e = &events[n_events];

	if ((kind_nargs & 15) == AYP_EXIT && s->drop && !random_below(&s->r, s->drop))
		return;
	*e = (struct stage_event){.t_ns = s->t,
		.tid = thread ? 100 + thread : 0,
		.epoch = s->epoch,
		.func = func,
		.cpu = (uint8_t)cpu,
		.kind_nargs = kind_nargs};
	n_events++;
}

/* Another thread comes to this CPU. */
static void change(struct source *s, uint32_t cpu)
{
	uint32_t next = random_below(&s->r, THREADS);

	for (uint32_t c = 0; c < CPUS; c++)
		if (s->on[c] == next)
			return;
	args[n_events] = next ? 100 + next : 0;
	if (s->switches)
		put(s, s->on[cpu], cpu, SWITCH, AYP_INSTANT | 1 << 4);
	s->on[cpu] = next;
}

static void step(struct source *s, uint32_t cpu)
{
	uint32_t thread = s->on[cpu], *depth = &s->depth[thread];
	uint16_t *stack = s->stack[thread], func;

	func = *depth ? s->callee[stack[*depth - 1]][random_below(&s->r, 4)]
		      : (uint16_t)(1 + random_below(&s->r, 5));
	if (func && *depth < 8 && (!*depth || random_below(&s->r, 5) < 2)) {
		stack[(*depth)++] = func;
		put(s, thread, cpu, func, AYP_ENTRY);
	} else if (*depth) {
		put(s, thread, cpu, stack[--*depth], AYP_EXIT);
	}
}

/* Every call that is open is left. */
static void unwind(struct source *s)
{
	s->drop = 0;
	for (uint32_t thread = 0; thread < THREADS; thread++) {
		while (s->depth[thread]) {
			s->t++;
			put(s, thread, 0, s->stack[thread][--s->depth[thread]], AYP_EXIT);
		}
	}
}

/* `whole`: no exit is missing. */
static void make_session(uint64_t seed, bool recursion, bool epochs, bool whole)
{
	struct source s = {.r = seed * 0x9e3779b97f4a7c15u + 1, .t = 1000, .on = {0, 1, 2}};
	uint32_t coarse = random_below(&s.r, 4) ? 1 : 10;

	s.drop = random_below(&s.r, 3) && !whole ? 5 + random_below(&s.r, 60) : 0;
	s.switches = random_below(&s.r, 2);
	for (uint32_t f = 1; f < FUNCS; f++)
		for (uint32_t k = 0; k < 4; k++)
			s.callee[f][k] =
				(uint16_t)(recursion ? 1 + random_below(&s.r, FUNCS - 1)
					   : f + 1 < FUNCS
						   ? f + 1 + random_below(&s.r, FUNCS - 1 - f)
						   : 0);
	n_events = n_epochs = 0;
	for (uint32_t i = 0, n = 50 + random_below(&s.r, MAX_N - 150); i < n; i++) {
		uint32_t cpu = random_below(&s.r, CPUS);

		s.t += random_below(&s.r, 20) / coarse;
		if (epochs && !random_below(&s.r, 100)) {
			ends[n_epochs++] = s.t;
			s.epoch++;
		}
		if (random_below(&s.r, 8))
			step(&s, cpu);
		else
			change(&s, cpu);
	}
	if (whole)
		unwind(&s);
	ends[n_epochs++] = s.t;
}

/* ---- the naive pairing ---------------------------------------------------------------------- */

struct naive_call {
	struct trace_call c;
	int caller; /* index, -1: none */
	uint32_t epoch;
	bool open;
};

static struct naive_call naive[MAX_N];
static size_t n_naive;
static uint64_t orphans;

static bool same_thread(const struct trace_call *c, const struct stage_event *e)
{
	return c->tid == e->tid && (c->tid || c->cpu == e->cpu);
}

static int innermost(const struct stage_event *e)
{
	for (size_t i = n_naive; i-- > 0;)
		if (naive[i].open && same_thread(&naive[i].c, e))
			return (int)i;
	return -1;
}

static void end_naive(int i, uint64_t end_ns, uint8_t flags)
{
	naive[i].open = false;
	naive[i].c.end_ns = end_ns > naive[i].c.start_ns ? end_ns : naive[i].c.start_ns;
	naive[i].c.flags = flags;
}

static void pair_event(const struct feed *f, const struct stage_event *e, size_t at)
{
	uint64_t last_ns = e->t_ns;
	uint32_t epoch = e->epoch;
	int top = innermost(e), kernel = -1, match = -1;

	for (size_t i = at; i-- > 0;) {
		if (events[i].tid != e->tid || (!e->tid && events[i].cpu != e->cpu))
			continue;
		last_ns = events[i].t_ns;
		epoch = events[i].epoch;
		break;
	}
	for (; epoch < e->epoch && top >= 0; top = innermost(e))
		end_naive(top, ends[epoch] < e->t_ns ? ends[epoch] : e->t_ns, TRACE_CALL_NO_EXIT);
	for (int i = top; i >= 0; i = naive[i].caller) {
		if (f->traits[naive[i].c.func] & FUNC_KERNEL)
			kernel = i;
		if (match < 0 && naive[i].c.func == e->func)
			match = i;
	}
	if (stage_kind(e) == AYP_EXIT) {
		orphans += match < 0;
		for (; match >= 0 && top != match; top = innermost(e))
			end_naive(top, last_ns, TRACE_CALL_NO_EXIT);
		if (match >= 0)
			end_naive(match, e->t_ns, 0);
	} else if (stage_kind(e) == AYP_ENTRY) {
		while (f->traits[e->func] & FUNC_SYSCALL && kernel >= 0 && top >= kernel) {
			end_naive(top, last_ns, TRACE_CALL_NO_EXIT);
			top = innermost(e);
		}
		naive[n_naive++] = (struct naive_call){
			.c = {.start_ns = e->t_ns, .tid = e->tid, .func = e->func, .cpu = e->cpu},
			.caller = top,
			.epoch = e->epoch,
			.open = true};
	}
}

static void pair_all(const struct feed *f)
{
	n_naive = 0;
	orphans = 0;
	for (size_t i = 0; i < n_events; i++)
		pair_event(f, &events[i], i);
	for (size_t i = 0; i < n_naive; i++)
		if (naive[i].open)
			end_naive((int)i,
				ends[naive[i].epoch] < f->last_ns ? ends[naive[i].epoch]
								  : f->last_ns,
				TRACE_CALL_NO_EXIT);
}

static uint64_t length(const struct trace_call *c)
{
	return c->end_ns - c->start_ns;
}

/* ---- both ----------------------------------------------------------------------------------- */

static struct feed *feed_session(bool syscalls)
{
	struct feed *f = feed_new(true, true);

	for (uint32_t i = 1; i < FUNCS; i++)
		f->traits[i] = syscalls && i < SYSCALL ? FUNC_KERNEL | FUNC_SYSCALL
			       : i < FUNCS - 3         ? FUNC_KERNEL
						       : 0;
	f->traits[SWITCH] = FUNC_SWITCH;
	for (uint32_t i = 0; i < n_epochs; i++)
		assert_int_equal(pairer_epoch_end(f->p, i, ends[i]), 0);
	for (size_t i = 0; i < n_events; i++)
		assert_int_equal(feed_event(f, &events[i], args[i]), 0);
	feed_end(f);
	return f;
}

/* Guesses change where a call stands, and when one ends that has no exit, but nothing else. */
static bool compare_calls(const struct feed *f)
{
	uint64_t total[FUNCS] = {0}, want[FUNCS] = {0};
	bool guessed = false;

	assert_int_equal(f->n_calls, n_naive);
	assert_int_equal(f->totals.orphan_exits, orphans);
	for (size_t i = 0; i < n_naive; i++) {
		const struct trace_call *c = &f->calls[i], *w = &naive[i].c;
		bool inside = false;

		assert_int_equal(c->start_ns, w->start_ns);
		assert_int_equal(c->func, w->func);
		assert_int_equal(c->tid, w->tid);
		assert_int_equal(c->cpu, w->cpu);
		assert_int_equal(c->flags & TRACE_CALL_NO_EXIT, w->flags);
		if (!w->flags)
			assert_int_equal(c->end_ns, w->end_ns);
		guessed |= c->flags & TRACE_CALL_REPAIRED;
		for (int o = naive[i].caller; o >= 0; o = naive[o].caller)
			inside |= naive[o].c.func == w->func && !naive[o].c.flags;
		total[c->func] += c->total_ns;
		want[w->func] += w->flags || inside ? 0 : length(w);
	}
	for (uint32_t i = 0; i < FUNCS; i++)
		assert_int_equal(total[i], want[i]);
	return guessed;
}

/* Where all calls are left, guesses that turned out wrong change only where a call stands. */
static void compare_all(const struct feed *f, bool guessed)
{
	static uint64_t inner[MAX_N];
	static uint16_t depth[MAX_N];

	if (guessed && f->totals.calls_no_exit)
		return;

	memset(inner, 0, sizeof(inner));
	for (size_t i = 0; i < n_naive; i++) {
		int caller = naive[i].caller;

		depth[i] = caller < 0 ? 0 : (uint16_t)(depth[caller] + 1);
		if (caller >= 0)
			inner[caller] += length(&naive[i].c);
	}
	for (size_t i = 0; i < n_naive; i++) {
		uint64_t ns = length(&naive[i].c);

		if (!guessed)
			assert_int_equal(f->calls[i].depth, depth[i]);
		assert_int_equal(f->calls[i].end_ns, naive[i].c.end_ns);
		assert_int_equal(f->calls[i].self_ns, ns > inner[i] ? ns - inner[i] : 0);
	}
}

/* Segments of a CPU come by their ends, and never overlap at a depth. Each call has one first. */
static void check_segments(const struct feed *f)
{
	static uint64_t last[CPUS], busy[CPUS][64];
	static uint8_t firsts[MAX_N + 1];

	memset(last, 0, sizeof(last));
	memset(busy, 0, sizeof(busy));
	memset(firsts, 0, sizeof(firsts));
	for (size_t i = 0; i < f->n_segments; i++) {
		const struct trace_segment *s = &f->segments[i];

		assert_true(s->end_ns >= s->start_ns);
		assert_true(s->end_ns >= last[s->cpu]);
		last[s->cpu] = s->end_ns;
		assert_true(s->start_ns >= busy[s->cpu][s->depth]);
		busy[s->cpu][s->depth] = s->end_ns;
		assert_int_equal(f->calls[s->call - 1].func, s->func);
		firsts[s->call] += s->flags & TRACE_SEGMENT_FIRST;
		assert_true(firsts[s->call] == 1);
	}
	for (size_t i = 1; i <= f->n_calls; i++)
		assert_int_equal(firsts[i], 1);
}

static void like_naive_pairing(void **state)
{
	size_t guesses = 0, wrong = 0;

	for (uint64_t seed = 1; seed <= 3000; seed++) {
		bool guessed, whole = seed > 2000;
		struct feed *f;

		make_session(seed, seed % 2 || whole, seed % 3 == 0 && !whole, whole);
		f = feed_session(seed % 5 < 2 && !whole);
		pair_all(f);
		guessed = compare_calls(f);
		compare_all(f, guessed);
		guesses += guessed && !whole;
		wrong += guessed && whole;
		check_segments(f);
		feed_free(f);
	}
	assert_true(guesses > 200 && guesses < 1800);
	assert_true(wrong > 100);
}

/* Whatever fails, the rest can be fed, ended and released. */
static void out_of_memory(void **state)
{
	bool done = false;

	for (uint64_t at = 1; !done; at++) {
		struct feed_memory memory = {.fail_at = at};
		struct trace_memory mem = {feed_resize, &memory};
		struct trace_totals totals = {0};
		uint8_t *traits = calloc(TRACE_MAX_FUNCS, 1);
		struct feed sinks = {.sink = {.call = feed_call, .segment = feed_segment}};
		struct pairer_output out = {.sink = &sinks.sink,
			.sink_ctx = &sinks,
			.totals = &totals,
			.next_call = 1,
			.traits = traits};
		struct pairer *p;
		int failed = pairer_new(&p, &mem, 1, &out, 0, true) != 0;

		assert_non_null(traits);
		make_session(7, true, true, false);
		traits[SWITCH] = FUNC_SWITCH;
		if (!failed) {
			failed |= pairer_lost(p, 2000, 3000, 1) != 0;
			for (uint32_t i = 0; i < n_epochs; i++)
				failed |= pairer_epoch_end(p, i, ends[i]) != 0;
			for (size_t i = 0; i < n_events; i++)
				failed |= pairer_event(p, &events[i], &args[i], false) != 0;
			assert_int_equal(pairer_end(p, ends[n_epochs - 1]), 0);
			/* All that was taken in comes out. */
			assert_int_equal(sinks.n_calls, totals.calls);
			pairer_free(p);
		}
		assert_int_equal(memory.used, 0);
		done = memory.calls < at;
		assert_true(!done || !failed);
		free(sinks.calls);
		free(sinks.segments);
		free(traits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_naive_pairing),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
