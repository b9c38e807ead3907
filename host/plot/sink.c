/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording into a scene, as it is read. */
#include "host/plot/scene.h"

#include <errno.h>

#include "host/trace/ledger.h"
#include "host/views/filter.h"

static uint64_t since_origin(const struct plot_scene *sc, uint16_t session, uint64_t t_ns)
{
	return trace_since_origin(sc->rec->trace, session, t_ns);
}

/* A picture never leaves its filter. A moment is where it is. */
static bool wanted(const struct plot_scene *sc, uint64_t start_ns, uint64_t end_ns)
{
	if (!sc->opt.has_filter)
		return true;
	return start_ns < sc->opt.filter_to_ns &&
	       (end_ns > sc->opt.filter_from_ns || start_ns >= sc->opt.filter_from_ns);
}

static bool passes(const struct plot_scene *sc, const struct trace_segment *s)
{
	const struct trace_event there = {.t_ns = s->start_ns,
		.tid = s->tid,
		.func = s->func,
		.session = s->session,
		.cpu = s->cpu};

	return filter_event(sc->opt.filter, sc->rec->trace, &there);
}

/* How long a call took is known when it ends. */
static bool too_short(const struct plot_scene *sc, const struct trace_call *c)
{
	uint64_t least = sc->opt.filter->min_duration_ns;

	return least && (c->flags & TRACE_CALL_NO_EXIT || c->end_ns - c->start_ns < least);
}

static void check(struct plot_scene *sc, int err)
{
	if (err)
		sc->rec->stop = err;
}

/* What of a stretch did not go to those one deeper, which are all here: inner ones come first. */
static uint64_t own_ns(struct plot_scene *sc, const struct trace_segment *s)
{
	uint64_t length = s->end_ns > s->start_ns ? s->end_ns - s->start_ns : 0, within = 0;
	uint64_t *at = &sc->within_ns[(size_t)s->cpu * PLOT_LANE_ROWS_MAX];

	if (s->depth + 1u < PLOT_LANE_ROWS_MAX) {
		within = at[s->depth + 1];
		at[s->depth + 1] = 0;
	}
	if (s->depth < PLOT_LANE_ROWS_MAX)
		at[s->depth] = ledger_add(at[s->depth], length);
	return within < length ? length - within : 0;
}

static void on_segment(void *ctx, const struct trace_segment *s)
{
	struct plot_scene *sc = ctx;
	struct plot_span span = {
		.start_ns = since_origin(sc, s->session, s->start_ns),
		.end_ns = since_origin(sc, s->session, s->end_ns),
		.self_ns = (float)own_ns(sc, s),
		.func = s->func,
		.flags = s->flags & TRACE_SEGMENT_LAST ? PLOT_SPAN_LAST : 0,
	};
	uint32_t index;
	bool moved;
	int err;

	if (span.end_ns < span.start_ns)
		span.end_ns = span.start_ns;
	if (sc->ignored[s->cpu] || !wanted(sc, span.start_ns, span.end_ns) || !passes(sc, s))
		return;
	err = plot_spans_add(&sc->spans, s->cpu, s->depth, &span, &index, &moved);
	if (moved)
		plot_pending_check(&sc->pending, &sc->spans);
	if (!err && index != PLOT_NO_SPAN) {
		sc->spans.span[index].flags |= PLOT_SPAN_PENDING;
		err = plot_pending_put(&sc->pending, s->call, index);
	}
	check(sc, err);
}

static void on_call(void *ctx, const struct trace_call *c)
{
	struct plot_scene *sc = ctx;
	uint64_t length = c->end_ns > c->start_ns ? c->end_ns - c->start_ns : 0;
	/* Where reading has stopped nobody knows what would have come. */
	bool cut =
		c->flags & TRACE_CALL_NO_EXIT &&
		!(sc->stopped && since_origin(sc, c->session, c->end_ns) >= sc->opt.filter_to_ns);
	double share = c->self_ns < length ? (double)c->self_ns / (double)length : 1;
	bool drop = too_short(sc, c);
	uint32_t index;

	while ((index = plot_pending_take(&sc->pending, c->id)) != PLOT_NO_SPAN) {
		struct plot_span *s = &sc->spans.span[index];

		if (!(s->flags & PLOT_SPAN_PENDING))
			continue; /* part of another by now */
		if (drop) {
			plot_spans_drop(&sc->spans, index);
			continue;
		}
		s->self_ns = (float)(share * (double)s->busy_ns);
		if (s->flags & PLOT_SPAN_LAST && cut)
			s->flags |= PLOT_SPAN_UNFINISHED;
		s->flags &= (uint8_t) ~(PLOT_SPAN_PENDING | PLOT_SPAN_LAST);
	}
}

static void on_event(void *ctx, const struct trace_event *e)
{
	struct plot_scene *sc = ctx;
	uint64_t t;

	if (trace_func(sc->rec->trace, e->func)->cls != AYP_CLASS_PACKET ||
		!filter_event(sc->opt.filter, sc->rec->trace, e))
		return;
	t = since_origin(sc, e->session, e->t_ns);
	check(sc,
		plot_packets_add(&sc->packets, e->session, t, e->arg, e->nargs, wanted(sc, t, t)));
}

/* What was moved before a view begins counts in it, so all samples are taken in. */
static void on_sample(void *ctx, uint16_t session, const ayaprof_Sample *s)
{
	struct plot_scene *sc = ctx;
	const struct trace_session *of = trace_session(sc->rec->trace, session);
	uint64_t t = since_origin(sc, session, s->t_ns);
	uint64_t start = of->has_hello ? since_origin(sc, session, of->hello.start_ns) : UINT64_MAX;

	check(sc, plot_memory_add(&sc->memory, session, t, s));
	check(sc, memory_samples_take(&sc->last_samples, session, s));
	check(sc, plot_traffic_add(&sc->traffic, session, start, t, s));
}

static void on_loss(void *ctx, const struct trace_loss *l)
{
	struct plot_scene *sc = ctx;
	int cpu = l->cpu >= 0 && l->cpu < (int)PLOT_CPUS ? l->cpu : -1;
	uint64_t first, last;

	if (sc->stopped)
		return; /* what was not read is not lost */
	if (!filter_loss(sc->opt.filter, sc->rec->trace, l))
		return;
	if (!l->first_ns && !l->last_ns) {
		sc->losses.undated = ledger_add(sc->losses.undated, l->count);
		return;
	}
	first = since_origin(sc, l->session, l->first_ns);
	last = since_origin(sc, l->session, l->last_ns);
	if (wanted(sc, first, last))
		check(sc, plot_losses_add(&sc->losses, first, last, cpu, l->count));
}

/* A call is given when it ends, so a moment more is read than is looked at. Where one session may lie
 * beside another everything is. */
static void on_watermark(void *ctx, uint16_t session, uint64_t t_ns)
{
	struct plot_scene *sc = ctx;
	uint64_t length = sc->opt.filter_to_ns - sc->opt.filter_from_ns, t;

	if (!sc->opt.has_filter || sc->stopped || sc->rec->stop ||
		trace_session_count(sc->rec->trace) != 1)
		return;
	t = since_origin(sc, session, t_ns);
	if (t < ledger_add(sc->opt.filter_to_ns, length))
		return;
	sc->stopped = true;
	sc->rec->stop = -ECANCELED;
}

const struct trace_sink plot_scene_sink = {
	.event = on_event,
	.call = on_call,
	.segment = on_segment,
	.sample = on_sample,
	.loss = on_loss,
	.watermark = on_watermark,
};
