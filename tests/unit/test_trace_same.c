/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings made at random, with frames missing, repeated and in any order, through a trace and
 * through the loader that holds all of them in memory: the same events and books, and the same calls where no
 * exit is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "host/base/say.h"
#include "host/model/model.h"
#include "tests/unit/make_recording.h"
#include "tests/unit/random.h"
#include "tests/unit/read_trace.h"

#define THREADS 6u
#define DEPTH   8u
#define FUNCS   (2u * DEPTH)
#define EVENTS  6000u
#define FRAMES  2000u

/* How a recording is spoilt. */
struct spoiling {
	unsigned int drop;    /* one frame in so many is missing; 0: none */
	unsigned int again;   /* one in so many stands there twice */
	unsigned int shuffle; /* a frame may come so many places earlier or later */
};

struct world {
	uint64_t seed, now_ns, index;
	struct {
		uint16_t func[DEPTH];
		uint32_t n;
		uint8_t cpu;
	} thread[THREADS];
	struct ayp_block_encoder *encoder;
	uint32_t codec;
	struct ayp_event held;   /* taken out of the ring later than others behind it */
	uint32_t held_for, hold; /* one in so many is */
};

static bool one_in(struct world *w, unsigned int n)
{
	return n && random_below(&w->seed, n) == 0;
}

static struct ayp_event next_event(struct world *w)
{
	uint32_t i = random_below(&w->seed, THREADS);
	struct ayp_event e = {.tid = i + 1};
	uint32_t deep = w->thread[i].n;

	w->now_ns += 1 + random_below(&w->seed, 1000);
	if (one_in(w, 40))
		w->thread[i].cpu = (uint8_t)random_below(&w->seed, 4);
	e.cpu = w->thread[i].cpu;
	e.t_ns = 1000000 + w->now_ns;
	if (one_in(w, 20)) {
		e.kind = AYP_INSTANT;
		e.func = FUNCS;
		e.nargs = (uint8_t)random_below(&w->seed, AYP_EVENT_MAX_ARGS + 1);
		for (uint8_t k = 0; k < e.nargs; k++)
			e.arg[k] = random_next(&w->seed) >> random_below(&w->seed, 64);
	} else if (deep && (deep == DEPTH || random_below(&w->seed, 2))) {
		e.kind = AYP_EXIT;
		e.func = w->thread[i].func[--w->thread[i].n];
	} else {
		e.kind = AYP_ENTRY;
		/* Programs are not random: what calls what does not turn round. */
		e.func = (uint16_t)(2 * deep + random_below(&w->seed, 2));
		w->thread[i].func[w->thread[i].n++] = e.func;
	}
	return e;
}

static void add_block(struct world *w, struct making *m)
{
	ayaprof_Events *msg = making_msg(m);
	struct ayp_block_info info;

	msg->block.size = (pb_size_t)ayp_block_encoder_cut(
		w->encoder, msg->block.bytes, AYP_BLOCK_MIN_CAP * 2, &info);
	msg->first_index = w->index;
	msg->count = info.count;
	msg->codec = info.codec;
	w->index += info.count;
	making_add(m, AYP_KIND_EVENTS);
}

static void put(struct world *w, struct making *m, const struct ayp_event *e)
{
	if (ayp_block_encoder_put(w->encoder, e) > 0)
		add_block(w, m);
}

static void add_session(struct world *w, struct making *m, uint32_t session)
{
	struct ayp_block_config config = {.codec = w->codec, .target_bytes = 500};
	void *mem = malloc(ayp_block_encoder_size(w->codec));

	assert_non_null(mem);
	w->encoder = ayp_block_encoder_init(mem, &config);
	w->index = w->now_ns = 0;
	w->held_for = 0;
	memset(w->thread, 0, sizeof(w->thread));
	m->session = session;
	making_hello(m);
	for (uint16_t i = 0; i < FUNCS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "f%u", (i + session) % FUNCS);
		making_func(m, i, AYP_CLASS_KERNEL, name);
	}
	for (uint32_t i = 0; i < EVENTS; i++) {
		struct ayp_event e = next_event(w);

		if (!w->held_for && one_in(w, w->hold)) {
			w->held = e;
			w->held_for = 1 + random_below(&w->seed, 100);
			continue;
		}
		put(w, m, &e);
		if (w->held_for && --w->held_for == 0)
			put(w, m, &w->held);
		if (one_in(w, 500))
			ayp_block_encoder_restart(w->encoder);
		if (one_in(w, 700)) { /* the board drops some */
			uint32_t n = 1 + random_below(&w->seed, 50);

			if (w->held_for)
				put(w, m, &w->held);
			w->held_for = 0;
			while (ayp_block_encoder_pending(w->encoder))
				add_block(w, m);
			making_msg(m);
			m->msg.loss.ranges_count = 1;
			m->msg.loss.ranges[0] =
				(ayaprof_LossRange){.cause = ayaprof_LossCause_LOSS_SPOOL_FULL,
					.first_ns = 1000000 + w->now_ns,
					.last_ns = 1000000 + w->now_ns + 1000,
					.count = n};
			making_add(m, AYP_KIND_LOSS);
			w->index += n;
			ayp_block_encoder_restart(w->encoder);
		}
	}
	if (w->held_for)
		put(w, m, &w->held);
	while (ayp_block_encoder_pending(w->encoder))
		add_block(w, m);
	making_goodbye(m, w->index, w->index);
	free(mem);
}

/* The frames but for the first and last ones, in another order. */
static void spoil(struct world *w, struct making *m, const struct spoiling *how)
{
	static uint8_t copy[sizeof(m->data)];
	static size_t at[2 * FRAMES], size[2 * FRAMES];
	size_t n = 0, to = 0;

	memcpy(copy, m->data, m->size);
	for (size_t from = 0; from < m->size; n++) {
		const uint8_t *body;
		size_t len;

		assert_true(n < FRAMES);
		at[n] = from;
		size[n] = record_parse(copy + from, m->size - from, &body, &len);
		from += size[n];
	}
	for (size_t i = 3; how->shuffle && i + 1 < n; i++) {
		size_t k = i - random_below(&w->seed, i < how->shuffle + 2 ? 1 : how->shuffle);
		size_t at_i = at[i], size_i = size[i];

		at[i] = at[k];
		size[i] = size[k];
		at[k] = at_i;
		size[k] = size_i;
	}
	for (size_t i = 0; i < n; i++) {
		size_t times = i > 2 && one_in(w, how->drop) ? 0 : one_in(w, how->again) ? 2 : 1;

		for (; times; times--) {
			memcpy(m->data + to, copy + at[i], size[i]);
			to += size[i];
		}
	}
	m->size = to;
}

/* ---- comparing -------------------------------------------------------------------------------- */

/* An event or a call in one form, so that both sides can be sorted. */
struct row {
	uint64_t a, b, c;
	uint64_t hash; /* of arguments */
	char name[8];
	uint32_t tid, depth;
	uint8_t session, cpu, kind;
};

static int row_order(const void *pa, const void *pb)
{
	const struct row *x = pa, *y = pb;

	if (x->session != y->session)
		return x->session < y->session ? -1 : 1;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return memcmp(x, y, sizeof(*x));
}

static void assert_same_rows(struct row *x, size_t nx, struct row *y, size_t ny)
{
	assert_int_equal(nx, ny);
	qsort(x, nx, sizeof(*x), row_order);
	qsort(y, ny, sizeof(*y), row_order);
	assert_memory_equal(x, y, nx * sizeof(*x));
	free(x);
	free(y);
}

static struct row *rows(size_t n)
{
	struct row *r = calloc(n + 1, sizeof(*r));

	assert_non_null(r);
	return r;
}

static uint64_t hash_args(const uint64_t *arg, unsigned int n)
{
	uint64_t hash = n;

	for (unsigned int i = 0; i < n; i++)
		hash = hash * UINT64_C(0x9e3779b97f4a7c15) ^ arg[i];
	return hash;
}

static void compare_events(const struct read_trace *r, const struct model *m)
{
	struct row *x = rows(r->n_events), *y = rows(m->n_events);

	for (size_t i = 0; i < r->n_events; i++) {
		const struct trace_event *e = &r->events[i].e;

		x[i].a = e->t_ns;
		x[i].hash = hash_args(r->events[i].arg, e->nargs);
		x[i].tid = e->tid;
		x[i].session = (uint8_t)e->session;
		x[i].cpu = e->cpu;
		x[i].kind = e->kind;
		snprintf(x[i].name, sizeof(x[i].name), "%s", trace_func(r->t, e->func)->name);
	}
	for (size_t i = 0; i < m->n_events; i++) {
		const struct model_event *e = &m->events[i];

		y[i].a = e->t_ns;
		y[i].hash = hash_args(m->args + e->arg_at, e->nargs);
		y[i].tid = e->tid;
		y[i].session = e->session;
		y[i].cpu = e->cpu;
		y[i].kind = e->kind;
		snprintf(y[i].name, sizeof(y[i].name), "%s", model_func(m, e->func)->name);
	}
	assert_same_rows(x, r->n_events, y, m->n_events);
}

static void compare_calls(const struct read_trace *r, const struct model *m)
{
	struct row *x = rows(r->n_calls), *y = rows(m->n_calls);

	for (size_t i = 0; i < r->n_calls; i++) {
		const struct trace_call *c = &r->calls[i];

		x[i] = (struct row){.a = c->start_ns, .b = c->end_ns, .c = c->self_ns};
		x[i].tid = c->tid;
		x[i].depth = c->depth;
		x[i].session = (uint8_t)c->session;
		x[i].cpu = c->cpu;
		x[i].kind = c->flags & TRACE_CALL_NO_EXIT;
		snprintf(x[i].name, sizeof(x[i].name), "%s", trace_func(r->t, c->func)->name);
	}
	for (size_t i = 0; i < m->n_calls; i++) {
		const struct model_call *c = &m->calls[i];

		y[i] = (struct row){.a = c->start_ns, .b = c->end_ns, .c = c->self_ns};
		y[i].tid = c->tid;
		y[i].depth = c->depth;
		y[i].session = c->session;
		y[i].cpu = c->cpu;
		y[i].kind = c->flags & CALL_NO_EXIT;
		snprintf(y[i].name, sizeof(y[i].name), "%s", model_func(m, c->func)->name);
	}
	assert_same_rows(x, r->n_calls, y, m->n_calls);
}

static void compare(const struct read_trace *r, const struct model *m, bool calls)
{
	const struct trace_totals *all = trace_totals(r->t);

	assert_int_equal(trace_session_count(r->t), m->n_sessions);
	for (uint16_t i = 0; i < m->n_sessions; i++) {
		assert_int_equal(trace_session(r->t, i)->produced, m->sessions[i].produced);
		assert_int_equal(trace_session(r->t, i)->delivered, m->sessions[i].delivered);
	}
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		assert_int_equal(all->lost[c], m->lost_by_cause[c]);
	assert_int_equal(all->frames, m->frames);
	assert_int_equal(all->cpus, m->cpus);
	assert_int_equal(all->origin_ns, m->origin_ns);
	assert_int_equal(all->duration_ns, m->duration_ns);
	compare_events(r, m);
	if (!calls)
		return;
	assert_int_equal(all->orphan_exits, m->orphan_exits);
	compare_calls(r, m);
}

/* What the first reading knows without decoding anything. */
static void compare_learned(const struct making *m, const struct model *model)
{
	struct read_trace *r = malloc(sizeof(*r));

	assert_non_null(r);
	*r = (struct read_trace){.no_events = true};
	read_trace(r, m->data, m->size);
	for (uint16_t i = 0; i < model->n_sessions; i++)
		assert_int_equal(trace_session(r->t, i)->delivered, model->sessions[i].delivered);
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		assert_int_equal(trace_totals(r->t)->lost[c], model->lost_by_cause[c]);
	read_trace_free(r);
	free(r);
}

static void read_and_compare(const struct making *m, struct read_trace how, bool calls)
{
	struct read_trace *r = malloc(sizeof(*r));
	struct model model;

	assert_non_null(r);
	*r = how;
	read_trace(r, m->data, m->size);
	say_mute(true);
	assert_int_equal(model_load_memory(&model, m->data, m->size), 0);
	say_mute(false);
	compare(r, &model, calls);
	compare_learned(m, &model);
	model_free(&model);
	read_trace_free(r);
	free(r);
}

static void try_all(const struct spoiling *how)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct world w = {.seed = seed, .codec = AYP_CODEC_ADAPTIVE};
		struct making *m = making_new();

		making_msg(m);
		making_add(m, AYP_KIND_RECORDING);
		w.hold = 30;
		if (seed % 4 == 0)
			w.codec = AYP_CODEC_COLUMNS;
		add_session(&w, m, 7);
		add_session(&w, m, 8);
		making_end(m);
		spoil(&w, m, how);
		/* Which exits were missed is guessed in another way. */
		read_and_compare(m, (struct read_trace){.later = seed % 2}, !how->drop);
		making_free(m);
	}
}

static void whole_recordings(void **state)
{
	try_all(&(struct spoiling){0});
}

static void frames_missing(void **state)
{
	try_all(&(struct spoiling){.drop = 30});
	try_all(&(struct spoiling){.drop = 4});
}

static void frames_sent_again(void **state)
{
	try_all(&(struct spoiling){.again = 10, .shuffle = 6});
}

static void frames_missing_and_sent_again(void **state)
{
	try_all(&(struct spoiling){.drop = 15, .again = 10, .shuffle = 40});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_recordings),
		cmocka_unit_test(frames_missing),
		cmocka_unit_test(frames_sent_again),
		cmocka_unit_test(frames_missing_and_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
