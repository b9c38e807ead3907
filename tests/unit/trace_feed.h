/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A pairer with a sink that keeps what it gets, and memory that counts. cmocka.h comes before
 * this. */
#ifndef TESTS_UNIT_TRACE_FEED_H
#define TESTS_UNIT_TRACE_FEED_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/trace/pairer.h"
#include "tests/unit/random.h"

/* ---- memory --------------------------------------------------------------------------------- */

struct feed_memory {
	size_t used, peak;
	uint64_t calls, fail_at; /* 0: never; the fail_at-th and all after it */
};

static inline void *feed_resize(void *ctx, void *old, size_t size)
{
	struct feed_memory *m = ctx;
	size_t *was = old ? (size_t *)old - 2 : NULL, *now;

	if (!size) {
		m->used -= was ? was[0] : 0;
		free(was);
		return NULL;
	}
	if (m->fail_at && ++m->calls >= m->fail_at)
		return NULL;
	/* Always another place: a pointer that was kept too long is found. */
	now = malloc(size + 2 * sizeof(*now));
	assert_non_null(now);
	now[0] = size;
	if (was) {
		memcpy(now + 2, old, was[0] < size ? was[0] : size);
		m->used -= was[0];
		free(was);
	}
	m->used += size;
	if (m->used > m->peak)
		m->peak = m->used;
	return now + 2;
}

/* ---- the pairer ----------------------------------------------------------------------------- */

struct feed {
	struct pairer *p;
	struct pairer_output out;
	struct trace_sink sink;
	struct trace_totals totals;
	struct trace_memory mem;
	struct feed_memory memory;
	uint8_t traits[TRACE_MAX_FUNCS];
	struct trace_call *calls; /* as they came */
	size_t n_calls, cap_calls;
	struct trace_segment *segments;
	size_t n_segments, cap_segments;
	uint64_t last_ns;
};

static inline void feed_call(void *ctx, const struct trace_call *c)
{
	struct feed *f = ctx;

	if (f->n_calls == f->cap_calls) {
		f->cap_calls = f->cap_calls ? f->cap_calls * 2 : 64;
		f->calls = realloc(f->calls, f->cap_calls * sizeof(*f->calls));
		assert_non_null(f->calls);
	}
	f->calls[f->n_calls++] = *c;
}

static inline void feed_segment(void *ctx, const struct trace_segment *s)
{
	struct feed *f = ctx;

	if (f->n_segments == f->cap_segments) {
		f->cap_segments = f->cap_segments ? f->cap_segments * 2 : 64;
		f->segments = realloc(f->segments, f->cap_segments * sizeof(*f->segments));
		assert_non_null(f->segments);
	}
	f->segments[f->n_segments++] = *s;
}

/* Its traits are still to be set. `segments`: wanted? */
static inline struct feed *feed_new(bool switches, bool segments)
{
	struct feed *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mem = (struct trace_memory){feed_resize, &f->memory};
	f->sink.call = feed_call;
	f->sink.segment = segments ? feed_segment : NULL;
	f->out = (struct pairer_output){.sink = &f->sink,
		.sink_ctx = f,
		.totals = &f->totals,
		.next_call = 1,
		.traits = f->traits};
	assert_int_equal(pairer_new(&f->p, &f->mem, 0x12345678, &f->out, 3, switches), 0);
	return f;
}

static inline int feed_event(struct feed *f, const struct stage_event *e, uint64_t arg)
{
	if (e->t_ns > f->last_ns)
		f->last_ns = e->t_ns;
	return pairer_event(f->p, e, &arg, false);
}

static inline int feed_by_id(const void *a, const void *b)
{
	const struct trace_call *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The session ends. calls are in the order of their entries now. */
static inline void feed_end(struct feed *f)
{
	uint64_t no_exit = 0;

	assert_int_equal(pairer_end(f->p, f->last_ns), 0);
	pairer_free(f->p);
	f->p = NULL;
	assert_int_equal(f->memory.used, 0);
	if (f->n_calls)
		qsort(f->calls, f->n_calls, sizeof(*f->calls), feed_by_id);
	for (size_t i = 0; i < f->n_calls; i++) {
		const struct trace_call *c = &f->calls[i];

		/* Whatever the events are: every entry is one call, and none ends before it
		 * began. */
		assert_int_equal(c->id, i + 1);
		assert_true(c->end_ns >= c->start_ns);
		assert_true(c->self_ns <= c->end_ns - c->start_ns);
		no_exit += c->flags & TRACE_CALL_NO_EXIT;
	}
	assert_int_equal(f->totals.calls, f->n_calls);
	assert_int_equal(f->totals.calls_no_exit, no_exit);
}

static inline void feed_free(struct feed *f)
{
	pairer_free(f->p);
	assert_int_equal(f->memory.used, 0);
	free(f->calls);
	free(f->segments);
	free(f);
}

#endif
