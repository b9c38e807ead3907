/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/scene.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool ignored(const struct plot_options *opt, uint32_t cpu)
{
	for (size_t i = 0; i < opt->n_ignored_cpus; i++)
		if (opt->ignored_cpus[i] == cpu)
			return true;
	return false;
}

static uint8_t self_share(const struct model_call *c)
{
	uint64_t duration = c->end_ns - c->start_ns;

	if (c->end_ns <= c->start_ns)
		return 255; /* nothing of it went to a callee */
	return c->self_ns >= duration ? 255
				      : (uint8_t)((double)c->self_ns / (double)duration * 255);
}

/* Segments of the lanes in people's time, without the CPUs nobody wants to see. */
static int spans_build(struct plot_scene *sc)
{
	struct model_lanes lanes;
	int err = model_lanes_build(&lanes, sc->m);

	if (err)
		return err;
	if (lanes.n_segments > UINT32_MAX) /* 100 GB of them would not have been built */
		lanes.n_segments = UINT32_MAX;
	sc->spans = malloc((lanes.n_segments + 1) * sizeof(*sc->spans));
	err = sc->spans ? 0 : -ENOMEM;
	for (size_t l = 0; l < lanes.n_lanes && !err; l++) {
		const struct model_lane *lane = &lanes.lanes[l];

		if (ignored(&sc->opt, lane->cpu))
			continue;
		for (size_t i = lane->from; i < lane->from + lane->n && i < lanes.n_segments; i++) {
			const struct model_segment *s = &lanes.segments[i];
			const struct model_call *c = &sc->m->calls[s->call];
			uint64_t start = model_since_origin(sc->m, lane->session, s->start_ns);
			uint64_t end = model_since_origin(sc->m, lane->session, s->end_ns);
			bool cut = (c->flags & CALL_NO_EXIT) && (s->flags & SEGMENT_LAST);

			/* A picture never leaves its view; rows are then as many as it needs. */
			if (!sc->window &&
				(start >= sc->to_ns || (end <= sc->from_ns && start < sc->from_ns)))
				continue;
			sc->spans[sc->n_spans++] = (struct plot_span){
				.start_ns = start,
				.end_ns = end,
				.func = c->func,
				.depth = s->depth,
				.cpu = (uint8_t)lane->cpu,
				.share = self_share(c),
				.flags = cut ? PLOT_SPAN_UNFINISHED : 0,
			};
		}
	}
	model_lanes_free(&lanes);
	return err;
}

/* No view was chosen: show what there is. */
static void choose_views(struct plot_scene *sc)
{
	struct plot_options *o = &sc->opt;

	if (o->stack_merged || o->stack_per_cpu || o->memory || o->throughput || o->xdp)
		return;
	o->memory = sc->memory.n > 0;
	o->throughput = sc->traffic.n > 0;
	o->xdp = sc->packets.n > 0;
	o->stack_per_cpu = sc->m->n_calls > 0 || !(o->memory || o->throughput || o->xdp);
}

static void choose_view(struct plot_scene *sc)
{
	uint64_t duration = sc->m->duration_ns + 1; /* the last moment belongs to it */

	sc->from_ns = 0;
	sc->to_ns = duration;
	if (sc->opt.has_filter) {
		sc->from_ns = sc->opt.filter_from_ns;
		/* "from 2 s to the end" is written with an end beyond it */
		sc->to_ns = sc->opt.filter_to_ns;
		if (sc->to_ns > duration && sc->from_ns < duration)
			sc->to_ns = duration;
	}
}

int plot_scene_build(
	struct plot_scene *sc, const struct model *m, const struct plot_options *opt, bool window)
{
	int err;

	memset(sc, 0, sizeof(*sc));
	sc->m = m;
	sc->opt = *opt;
	sc->window = window;
	choose_view(sc);
	err = spans_build(sc);
	if (!err)
		err = plot_memory_build(&sc->memory, m);
	if (!err)
		err = plot_traffic_build(&sc->traffic, m);
	if (!err)
		err = plot_packets_build(&sc->packets, m);
	if (err)
		return err;
	choose_views(sc);
	if (sc->opt.stack_per_cpu)
		err = plot_rows_per_cpu(&sc->per_cpu, sc->spans, sc->n_spans);
	if (!err && sc->opt.stack_merged)
		err = plot_rows_merged(&sc->merged, sc->spans, sc->n_spans);
	if (!err)
		plot_scene_lay_out(sc);
	return err;
}

void plot_scene_free(struct plot_scene *sc)
{
	free(sc->spans);
	plot_rows_free(&sc->per_cpu);
	plot_rows_free(&sc->merged);
	plot_memory_free(&sc->memory);
	plot_traffic_free(&sc->traffic);
	plot_packets_free(&sc->packets);
	memset(sc, 0, sizeof(*sc));
}
