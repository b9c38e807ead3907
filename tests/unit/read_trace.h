/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording in memory through a trace, with all that its sink was given. cmocka.h comes before. */
#ifndef TESTS_UNIT_READ_TRACE_H
#define TESTS_UNIT_READ_TRACE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/recording/record.h"
#include "host/trace/trace.h"

#define READ_TRACE_MAX  20000u
#define READ_TRACE_TEXT 64u

struct read_event {
	struct trace_event e;
	uint64_t arg[AYP_EVENT_MAX_ARGS];
};

struct read_log {
	struct trace_log r;
	char text[READ_TRACE_TEXT];
};

/* Zeroed, then what is wanted is set. */
struct read_trace {
	/* How to read. */
	bool live;      /* once, without a first reading */
	bool later;     /* jobs run when they are waited for, the newest first */
	bool no_events; /* nothing is wanted that needs events */
	size_t fail_at; /* memory runs out at this call; 0: never */
	size_t memory_now, memory_peak, memory_calls;
	/* What came out. */
	struct trace *t;
	int err;
	struct read_event *events;
	struct trace_call *calls;
	struct trace_loss *losses;
	struct read_log *logs;
	ayaprof_Sample *samples;
	uint16_t *sample_session;
	size_t n_events, n_calls, n_losses, n_logs, n_samples;
	size_t events_before_loss[64]; /* that were given before the loss of this number */
	size_t notices[8];
	size_t named, met; /* calls of name() and session() */
	void *pending[16];
	size_t n_pending;
};

/* For who only looks things up. */
static const struct trace_sink read_trace_nothing;

static inline void *read_trace_resize(void *ctx, void *old, size_t size)
{
	struct read_trace *r = ctx;
	size_t *p = old ? (size_t *)old - 2 : NULL, before = p ? *p : 0;

	if (!size) {
		r->memory_now -= before;
		free(p);
		return NULL;
	}
	if (++r->memory_calls == r->fail_at)
		return NULL;
	p = realloc(p, size + 2 * sizeof(*p));
	assert_non_null(p);
	*p = size;
	r->memory_now += size - before;
	if (r->memory_now > r->memory_peak)
		r->memory_peak = r->memory_now;
	return p + 2;
}

static inline void read_trace_event(void *ctx, const struct trace_event *e)
{
	struct read_trace *r = ctx;
	struct read_event *to = &r->events[r->n_events++];

	assert_true(r->n_events < READ_TRACE_MAX);
	to->e = *e;
	if (e->nargs)
		memcpy(to->arg, e->arg, e->nargs * sizeof(*e->arg));
	to->e.arg = NULL;
}

static inline void read_trace_call(void *ctx, const struct trace_call *c)
{
	struct read_trace *r = ctx;

	assert_true(r->n_calls + 1 < READ_TRACE_MAX);
	r->calls[r->n_calls++] = *c;
}

static inline void read_trace_loss(void *ctx, const struct trace_loss *l)
{
	struct read_trace *r = ctx;

	assert_true(r->n_losses + 1 < READ_TRACE_MAX);
	if (r->n_losses < 64)
		r->events_before_loss[r->n_losses] = r->n_events;
	r->losses[r->n_losses++] = *l;
}

static inline void read_trace_log(void *ctx, const struct trace_log *l)
{
	struct read_trace *r = ctx;
	struct read_log *to = &r->logs[r->n_logs++];

	assert_true(r->n_logs < READ_TRACE_MAX);
	to->r = *l;
	snprintf(to->text, sizeof(to->text), "%s", l->text);
	to->r.text = to->text;
}

static inline void read_trace_sample(void *ctx, uint16_t session, const ayaprof_Sample *s)
{
	struct read_trace *r = ctx;

	assert_true(r->n_samples < 64);
	r->samples[r->n_samples] = *s;
	r->sample_session[r->n_samples++] = session;
}

static inline void read_trace_name(void *ctx, uint16_t func)
{
	((struct read_trace *)ctx)->named++;
}

static inline void read_trace_session(void *ctx, uint16_t session)
{
	((struct read_trace *)ctx)->met++;
}

static inline void read_trace_notice(void *ctx, enum trace_notice notice, uint64_t a, uint64_t b)
{
	((struct read_trace *)ctx)->notices[notice]++;
}

/* Threads as hostile as they may be: whatever is started runs as late as possible. */
struct read_trace_job {
	void (*work)(void *arg);
	void *arg;
	bool done;
};

static inline void *read_trace_start(void *ctx, void (*work)(void *arg), void *arg)
{
	struct read_trace *r = ctx;
	struct read_trace_job *job = malloc(sizeof(*job));

	assert_true(job && r->n_pending < 16);
	*job = (struct read_trace_job){work, arg, false};
	r->pending[r->n_pending++] = job;
	return job;
}

static inline void read_trace_wait(void *ctx, void *handle)
{
	struct read_trace *r = ctx;
	size_t kept = 0;

	for (size_t i = r->n_pending; i-- > 0;) {
		struct read_trace_job *job = r->pending[i];

		if (!job->done)
			job->work(job->arg);
		job->done = true;
	}
	for (size_t i = 0; i < r->n_pending; i++) {
		if (r->pending[i] != handle)
			r->pending[kept++] = r->pending[i];
	}
	r->n_pending = kept;
	free(handle);
}

static inline int read_trace_frames(
	struct trace *t, const uint8_t *data, size_t size, bool first_reading)
{
	const uint8_t *body = NULL, *payload;
	size_t len = 0, n, payload_len;
	struct framing_header h;
	int err = 0;

	for (; size && !err; data += n, size -= n) {
		n = record_parse(data, size, &body, &len);
		assert_true(n > 0);
		if (!framing_body_parse(body, len, &h, &payload, &payload_len))
			continue;
		err = first_reading ? trace_learn(t, &h, payload, payload_len)
				    : trace_frame(t, &h, payload, payload_len);
	}
	return err;
}

static inline void read_trace_free(struct read_trace *r)
{
	trace_free(r->t);
	assert_int_equal(r->memory_now, 0);
	free(r->events);
	free(r->calls);
	free(r->losses);
	free(r->logs);
	free(r->samples);
	free(r->sample_session);
}

/* Whatever a test does to a recording, the books balance. */
static inline void read_trace_check(const struct read_trace *r)
{
	const struct trace_totals *all = trace_totals(r->t);
	uint64_t produced = 0, delivered = 0, lost = 0, rows = 0, causes = 0;

	for (uint16_t i = 0; i < trace_session_count(r->t); i++) {
		const struct trace_session *s = trace_session(r->t, i);
		uint64_t of_session = 0;

		for (size_t k = 0; k < r->n_losses; k++)
			of_session += r->losses[k].session == i ? r->losses[k].count : 0;
		assert_int_equal(s->produced, s->delivered + s->lost_total);
		if (!r->no_events)
			assert_int_equal(of_session, s->lost_total);
		produced += s->produced;
		delivered += s->delivered;
		lost += s->lost_total;
	}
	for (size_t i = 0; i < r->n_losses; i++)
		rows += r->losses[i].count;
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		causes += all->lost[c];
	assert_int_equal(all->lost_total, lost);
	assert_int_equal(causes, lost);
	assert_int_equal(produced, delivered + lost);
	if (r->no_events)
		return;
	assert_int_equal(rows, lost);
	assert_int_equal(r->n_events, delivered);
	assert_int_equal(all->events, r->n_events);
	assert_int_equal(all->calls, r->n_calls);
	for (size_t i = 1; i < r->n_events; i++) {
		const struct trace_event *a = &r->events[i - 1].e, *b = &r->events[i].e;

		if (a->session == b->session && !a->late && !b->late)
			assert_true(a->t_ns <= b->t_ns);
	}
}

/* Read; r->err says how it ended. */
static inline void read_trace_any(struct read_trace *r, const uint8_t *data, size_t size)
{
	static struct trace_sink sink;
	struct trace_config config = {
		.memory = {read_trace_resize, r},
		.sink = &sink,
		.sink_ctx = r,
		.notice = read_trace_notice,
		.notice_ctx = r,
		.secret = UINT64_C(0xd1342543de82ef95),
	};

	sink = (struct trace_sink){
		.event = r->no_events ? NULL : read_trace_event,
		.call = r->no_events ? NULL : read_trace_call,
		.loss = r->no_events ? NULL : read_trace_loss,
		.log = read_trace_log,
		.sample = read_trace_sample,
		.name = read_trace_name,
		.session = read_trace_session,
	};
	if (r->later)
		config.threads = (struct trace_threads){read_trace_start, read_trace_wait, r, 3};
	r->events = malloc(READ_TRACE_MAX * sizeof(*r->events));
	r->calls = malloc(READ_TRACE_MAX * sizeof(*r->calls));
	r->losses = malloc(READ_TRACE_MAX * sizeof(*r->losses));
	r->logs = malloc(READ_TRACE_MAX * sizeof(*r->logs));
	r->samples = malloc(64 * sizeof(*r->samples));
	r->sample_session = malloc(64 * sizeof(*r->sample_session));
	r->err = trace_new(&r->t, &config);
	if (!r->err && !r->live)
		r->err = read_trace_frames(r->t, data, size, true);
	if (!r->err && !r->live)
		r->err = trace_learned(r->t);
	if (!r->err)
		r->err = read_trace_frames(r->t, data, size, false);
	if (!r->err)
		r->err = trace_end(r->t);
}

/* Read, and it must go well. */
static inline void read_trace(struct read_trace *r, const uint8_t *data, size_t size)
{
	read_trace_any(r, data, size);
	assert_int_equal(r->err, 0);
	read_trace_check(r);
}

#endif
