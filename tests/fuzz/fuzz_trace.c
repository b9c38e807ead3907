/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any bytes as frames (kind, session, length, payload) through a trace: read twice, read once, with
 * jobs that run late. Whatever comes out is consistent: sums, order, times.
 */
#include <stdlib.h>
#include <string.h>

#include "host/trace/trace.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_frames.h"

#define MAX_JOBS 16u

struct reading {
	struct trace *t;
	bool live;
	uint64_t events, calls, losses;
	uint64_t last_ns[256], watermark_ns[256];
	struct {
		void (*work)(void *arg);
		void *arg;
		bool started, done;
	} job[MAX_JOBS];
};

static void *start(void *ctx, void (*work)(void *arg), void *arg)
{
	struct reading *r = ctx;
	size_t i = 0;

	while (i < MAX_JOBS && r->job[i].started)
		i++;
	MUST(i < MAX_JOBS);
	r->job[i].work = work;
	r->job[i].arg = arg;
	r->job[i].started = true;
	r->job[i].done = false;
	return &r->job[i];
}

static void wait_for(void *ctx, void *handle)
{
	struct reading *r = ctx;

	for (size_t i = MAX_JOBS; i-- > 0;) {
		if (r->job[i].started && !r->job[i].done)
			r->job[i].work(r->job[i].arg);
		r->job[i].done = true;
		if (handle == &r->job[i])
			r->job[i].started = false;
	}
}

static void on_event(void *ctx, const struct trace_event *e)
{
	struct reading *r = ctx;
	uint16_t s = e->session % 256;

	MUST(e->session < trace_session_count(r->t) && e->func < trace_func_count(r->t));
	MUST(e->kind < AYP_EVENT_KINDS && e->nargs <= AYP_EVENT_MAX_ARGS);
	MUST(!e->nargs || e->arg);
	MUST(trace_func(r->t, e->func)->name[0]);
	MUST(trace_session_count(r->t) > 256 || e->late == (e->t_ns < r->last_ns[s]));
	if (!e->late)
		r->last_ns[s] = e->t_ns;
	MUST(e->late || trace_session_count(r->t) > 256 || e->t_ns >= r->watermark_ns[s]);
	(void)trace_task(r->t, e->session, e->tid, e->t_ns);
	r->events++;
}

static void on_call(void *ctx, const struct trace_call *c)
{
	struct reading *r = ctx;

	MUST(c->start_ns <= c->end_ns && c->self_ns <= c->end_ns - c->start_ns);
	MUST(c->id && c->session < trace_session_count(r->t));
	r->calls++;
}

static void on_segment(void *ctx, const struct trace_segment *s)
{
	struct reading *r = ctx;

	MUST(s->start_ns <= s->end_ns && s->session < trace_session_count(r->t));
}

static void on_loss(void *ctx, const struct trace_loss *l)
{
	struct reading *r = ctx;

	MUST(l->count && l->first_ns <= l->last_ns && l->cause < LEDGER_CAUSES);
	r->losses += l->count;
}

static void on_sample(void *ctx, uint16_t session, const ayaprof_Sample *s)
{
	MUST(session < trace_session_count(((struct reading *)ctx)->t));
}

static void on_log(void *ctx, const struct trace_log *l)
{
	MUST(l->text && l->session < trace_session_count(((struct reading *)ctx)->t));
}

static void on_watermark(void *ctx, uint16_t session, uint64_t t_ns)
{
	struct reading *r = ctx;
	uint64_t *mark = &r->watermark_ns[session % 256];

	MUST(trace_session_count(r->t) > 256 || t_ns >= *mark);
	*mark = t_ns;
}

static void frames(struct reading *r, const uint8_t *src, size_t size, bool learn)
{
	struct fuzz_frames f = {.at = src, .end = src + size};

	while (fuzz_frames_next(&f))
		MUST((learn ? trace_learn(r->t, &f.header, f.payload, f.len)
			    : trace_frame(r->t, &f.header, f.payload, f.len)) == 0);
}

static void check(const struct reading *r)
{
	const struct trace_totals *all = trace_totals(r->t);
	uint64_t produced = 0, delivered = 0, lost = 0, causes = 0;
	bool later = false;

	for (uint16_t i = 0; i < trace_session_count(r->t); i++) {
		const struct trace_session *s = trace_session(r->t, i);

		MUST(s->produced == s->delivered + s->lost_total);
		produced += s->produced;
		delivered += s->delivered;
		lost += s->lost_total;
		later |= s->needs_protocol != 0;
		(void)trace_since_origin(r->t, i, s->last_ns);
	}
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		causes += all->lost[c];
	MUST(all->lost_total == lost && causes == lost && produced == delivered + lost);
	/* On a line a session may turn out to be of a later protocol when something has been given. */
	if (r->live && later)
		return;
	MUST(r->losses == lost && r->events == delivered && all->events == r->events);
	MUST(all->calls == r->calls);
}

static void read_it(const uint8_t *data, size_t size, bool live, bool threads)
{
	static const struct trace_sink sink = {
		.event = on_event,
		.call = on_call,
		.segment = on_segment,
		.sample = on_sample,
		.loss = on_loss,
		.log = on_log,
		.watermark = on_watermark,
	};
	static struct reading r;
	struct trace_config config = {.memory = {fuzz_resize, NULL},
		.sink = &sink,
		.sink_ctx = &r,
		.secret = UINT64_C(0xd1342543de82ef95)};

	memset(&r, 0, sizeof(r));
	r.live = live;
	if (threads)
		config.threads = (struct trace_threads){start, wait_for, &r, 3};
	MUST(trace_new(&r.t, &config) == 0);
	if (!live) {
		frames(&r, data, size, true);
		MUST(trace_learned(r.t) == 0);
	}
	frames(&r, data, size, false);
	MUST(trace_end(r.t) == 0);
	check(&r);
	trace_free(r.t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_it(data, size, false, size % 2);
	read_it(data, size, true, false);
	return 0;
}
