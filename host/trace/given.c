/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the frames of a session give. */
#include "host/trace/handlers.h"
#include "host/trace/trace_internal.h"

int give_events(struct session *s, const void *msg)
{
	const ayaprof_Events *e = msg;

	struct seek *k = &s->seek;

	if (!s->t->wants_events || !s->ledger || !ledger_block_possible(e->first_index, e->count))
		return 0;
	if (trace_is_part(s->t) && (!k->resumed || k->stopped))
		return 0;
	if (!trace_is_part(s->t) && !k->places[1])
		k->places[0] = s->t->place;
	if (!trace_is_part(s->t))
		k->places[1] = s->t->end_place;
	return flow_block(s, e);
}

static void give_sample(void *ctx, const ayaprof_Sample *sample)
{
	struct session *s = ctx;
	struct trace *t = s->t;

	places_begin(s, sample->t_ns, false);
	t->totals.samples++;
	if (t->sink.sample)
		t->sink.sample(t->config.sink_ctx, s->index, sample);
}

int give_samples(struct session *s, const void *msg)
{
	size_t window = s->t->phase == TRACE_LIVE ? 0 : SAMPLES_WINDOW;
	const ayaprof_Samples *in = msg;
	int err = 0;

	for (pb_size_t i = 0; i < in->samples_count && !err; i++)
		err = samples_put(&s->samples, &in->samples[i], window, give_sample, s);
	if (!s->pub.has_hello || !s->pub.hello.replay)
		places_reach(s, s->pub.last_sample_ns);
	return err;
}

static void give_record(void *ctx, const struct trace_log *r)
{
	struct session *s = ctx;
	struct trace *t = s->t;

	t->totals.logs++;
	t->totals.logs_missed = ledger_add(t->totals.logs_missed, r->missed);
	if (t->sink.log)
		t->sink.log(t->config.sink_ctx, r);
}

/* On a line what is sent again is not far behind, and somebody waits. */
#define LINE_LOGS_WINDOW 16u

int give_log(struct session *s, const void *msg)
{
	size_t window = s->t->phase == TRACE_LIVE ? LINE_LOGS_WINDOW : LOGS_WINDOW;
	const ayaprof_Log *log = msg;
	int err = 0;

	for (pb_size_t i = 0; i < log->records_count && !err; i++)
		err = logs_put(&s->logs, s->index, &log->records[i], window, give_record, s);
	return err;
}

int frames_finish(struct session *s)
{
	int err;

	if (s->finished)
		return 0;
	logs_take(&s->logs, 0, give_record, s);
	samples_take(&s->samples, 0, give_sample, s);
	err = s->t->wants_events ? flow_finish(s) : 0;
	s->finished = !err;
	return err;
}
