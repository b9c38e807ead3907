/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of functions, threads, interfaces; the board's exact totals of functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/read_making.h"

enum { F = 1, G = 2 };

#define E(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_ENTRY      \
	}
#define X(t, tid_, cpu_, func_)                                                                    \
	{                                                                                          \
		.t_ns = (t), .tid = (tid_), .func = (func_), .cpu = (cpu_), .kind = AYP_EXIT       \
	}
#define COUNT(a) ((uint32_t)(sizeof(a) / sizeof(*(a))))

/* Two events at a time, from `first` on, 10 ns apart. */
static void pair(struct making *m, uint64_t first)
{
	const struct ayp_event ev[] = {
		E(1000 + first * 10, 5, 0, F), X(1010 + first * 10, 5, 0, F)};

	making_events(m, first, ev, COUNT(ev));
}

static void names_may_come_late(void **state)
{
	const struct ayp_event ev[] = {
		E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, 77), X(121, 5, 0, 77)};
	struct making *m = making_new();
	struct read_trace *r;

	making_events(m, 0, ev, COUNT(ev));
	making_func(m, F, AYP_CLASS_USER, "late\x1b[31m\xff");
	making_func(m, 77, AYP_CLASS_USER, ""); /* names nothing */
	making_name(m, ayaprof_Table_TABLE_TASK, 5, 0, "worker");
	making_name(m, ayaprof_Table_TABLE_IFACE, 2, 0, "eth\n0");
	for (int live = 0; live < 2; live++) {
		r = read_as(m, (struct read_trace){.live = live});
		assert_string_equal(trace_func(r->t, F)->name, "late?[31m?");
		assert_int_equal(trace_func(r->t, F)->cls, AYP_CLASS_USER);
		assert_string_equal(trace_func(r->t, 77)->name, "func_77");
		assert_true(trace_func(r->t, F)->named);
		assert_false(trace_func(r->t, 77)->named);
		assert_string_equal(trace_func(r->t, 76)->name, "func_?");
		assert_string_equal(trace_task(r->t, 0, 5, 100)->comm, "worker");
		assert_null(trace_task(r->t, 0, 6, 100));
		assert_string_equal(trace_iface(r->t, 0, 2), "eth?0");
		assert_null(trace_iface(r->t, 0, 3));
		assert_null(trace_iface(r->t, 1, 2));
		assert_string_equal(trace_symbol(r->t, 0, 2), "[unknown]");
		assert_true(r->named >= 2);
		read_done(r);
	}
	making_free(m);
}

/* A board that started again gave other ids to the same functions. */
static void sessions_share_functions(void **state)
{
	const struct ayp_event one[] = {E(100, 5, 0, F), X(110, 5, 0, F), E(120, 5, 0, G),
		X(130, 5, 0, G), E(140, 5, 0, 3), X(150, 5, 0, 3)};
	const struct ayp_event two[] = {E(50, 5, 0, F), X(60, 5, 0, F), E(70, 5, 0, G),
		X(80, 5, 0, G), E(90, 5, 0, 3), X(95, 5, 0, 3)};
	struct making *m = making_new();

	making_func(m, F, AYP_CLASS_KERNEL, "f");
	making_func(m, G, AYP_CLASS_KERNEL, "g");
	making_events(m, 0, one, COUNT(one));
	m->session = 8;
	making_func(m, F, AYP_CLASS_KERNEL, "g");
	making_func(m, G, AYP_CLASS_USER, "g"); /* same name, but not the same function */
	making_events(m, 0, two, COUNT(two));
	for (int live = 0; live < 2; live++) {
		struct read_trace *r = read_as(m, (struct read_trace){.live = live});
		uint16_t other;

		assert_int_equal(r->n_events, 12);
		/* Those of the first session that has events are the line's. */
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(r->events[i].e.func, one[i].func);
		assert_int_equal(r->calls[3].func, G);
		other = r->calls[4].func;
		assert_true(other != F && other != G);
		assert_string_equal(trace_func(r->t, other)->name, "g");
		assert_int_equal(trace_func(r->t, other)->cls, AYP_CLASS_USER);
		/* Nobody has a name for the third: each session's is its own. */
		assert_string_equal(trace_func(r->t, r->calls[2].func)->name, "func_3");
		assert_string_equal(trace_func(r->t, r->calls[5].func)->name, "func_3");
		assert_true(r->calls[5].func != r->calls[2].func);
		assert_true(r->calls[5].func != other && r->calls[2].func != other);
		read_done(r);
	}
	making_free(m);
}

/* An exec, an id that is used again and another boot never rename what came before. */
static void names_hold_from_a_moment_on(void **state)
{
	struct making *m = making_new();
	struct read_trace *r;

	making_hello(m);
	making_name_since(m, 5, 5, 1000, "sh");
	making_name_since(m, 5, 5, 3000, "cat"); /* an exec, */
	making_name_since(
		m, 5, 77, 2000, "worker");       /* and a thread of another program, told late */
	making_name_since(m, 5, 5, 9000, "cat"); /* told again: nothing new */
	making_name_since(m, 6, 6, 0, "old");
	making_name_since(m, 6, 6, 0, "renamed"); /* no moment: the newest counts */
	m->session = 8;
	making_hello(m);
	making_name_since(m, 5, 5, 1000, "init");
	r = read_it(m);
	assert_string_equal(trace_task(r->t, 0, 5, 0)->comm, "sh");
	assert_string_equal(trace_task(r->t, 0, 5, 1999)->comm, "sh");
	assert_int_equal(trace_task(r->t, 0, 5, 1999)->generation, 0);
	assert_string_equal(trace_task(r->t, 0, 5, 2000)->comm, "worker");
	assert_int_equal(trace_task(r->t, 0, 5, 2000)->tgid, 77);
	assert_int_equal(trace_task(r->t, 0, 5, 2000)->generation, 1);
	assert_string_equal(trace_task(r->t, 0, 5, 10000)->comm, "cat");
	assert_int_equal(trace_task(r->t, 0, 5, 10000)->since_ns, 3000);
	assert_int_equal(trace_task(r->t, 0, 5, 10000)->generation, 2);
	assert_string_equal(trace_task(r->t, 0, 6, 10)->comm, "renamed");
	assert_string_equal(trace_task(r->t, 1, 5, 2500)->comm, "init");
	assert_null(trace_task(r->t, 2, 5, 2500));
	read_done(r);
	making_free(m);
}

static void names_are_bounded(void **state)
{
	static uint8_t payload[FRAMING_MAX_PAYLOAD];
	struct framing_header h = {.kind = AYP_KIND_NAMES, .session = 7};
	struct making *m = making_new();
	struct read_trace *r = read_as(m, (struct read_trace){.no_events = true});
	struct trace_config config = {
		.memory = {read_trace_resize, r}, .sink = &read_trace_nothing};
	struct trace *t;

	assert_int_equal(trace_new(&t, &config), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		ayaprof_Names *n = making_msg(m);
		int len;

		for (n->names_count = 0; n->names_count < 32; n->names_count++) {
			ayaprof_Name *name = &n->names[n->names_count];

			name->table = ayaprof_Table_TABLE_TASK;
			name->id = i * 32 + n->names_count;
			name->since_ns = 1;
			name->name[0] = 'x';
		}
		len = ayp_message_encode(m->ctx, h.kind, n, payload, sizeof(payload), &h.flags);
		assert_true(len > 0);
		assert_int_equal(trace_learn(t, &h, payload, (size_t)len), 0);
	}
	assert_int_equal(trace_learned(t), 0);
	assert_int_equal(trace_totals(t)->names_left_out, 320000 - 262144);
	assert_string_equal(trace_task(t, 0, 262143, 1)->comm, "x");
	assert_null(trace_task(t, 0, 262144, 1));
	assert_true(r->memory_peak < 64u << 20);
	trace_free(t);
	read_done(r);
	making_free(m);
}

static void exact_totals(void **state)
{
	struct making *m = making_new();
	ayaprof_Aggregates *a;

	making_func(m, F, AYP_CLASS_KERNEL, "f");
	pair(m, 0);
	for (uint64_t count = 5; count < 12; count += 3) {
		a = making_msg(m);
		a->rows_count = 2;
		a->rows[0] =
			(ayaprof_Aggregate){.func = F, .count = count, .alloc_bytes = 10 * count};
		a->rows[1] = (ayaprof_Aggregate){.func = 9, .count = 1};
		making_add(m, AYP_KIND_AGGREGATES);
	}
	m->session = 8;
	making_func(m, G, AYP_CLASS_KERNEL, "f");
	a = making_msg(m);
	a->rows_count = 1;
	a->rows[0] = (ayaprof_Aggregate){.func = G, .count = 100};
	making_add(m, AYP_KIND_AGGREGATES);
	for (int live = 0; live < 2; live++) {
		struct read_trace *r = read_as(m, (struct read_trace){.live = live});

		assert_true(trace_func(r->t, F)->has_exact);
		assert_int_equal(trace_func(r->t, F)->exact_count, 111);
		assert_int_equal(trace_func(r->t, F)->alloc_bytes, 110);
		assert_int_equal(trace_func(r->t, 9)->exact_count, 1);
		assert_string_equal(trace_func(r->t, 9)->name, "func_9");
		read_done(r);
	}
	making_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_may_come_late),
		cmocka_unit_test(sessions_share_functions),
		cmocka_unit_test(names_hold_from_a_moment_on),
		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(exact_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
