/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/scene.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int plot_scene_begin(struct plot_scene *sc, struct recording *rec, const struct plot_options *opt)
{
	assert(!opt->has_filter || opt->filter_from_ns < opt->filter_to_ns);
	memset(sc, 0, sizeof(*sc));
	sc->rec = rec;
	sc->opt = *opt;
	for (size_t i = 0; i < opt->n_ignored_cpus; i++)
		if (opt->ignored_cpus[i] < PLOT_CPUS)
			sc->ignored[opt->ignored_cpus[i]] = true;
	plot_spans_init(&sc->spans, PLOT_SPANS_MAX);
	sc->within_ns = calloc((size_t)PLOT_CPUS * PLOT_LANE_ROWS_MAX, sizeof(*sc->within_ns));
	return sc->within_ns ? 0 : -ENOMEM;
}

/* No view was chosen: show what there is. */
static void choose_views(struct plot_scene *sc)
{
	struct plot_options *o = &sc->opt;

	if (o->stack_merged || o->stack_per_cpu || o->memory || o->throughput || o->xdp)
		return;
	o->memory = sc->memory.n > 0;
	o->throughput = sc->traffic.n > 0;
	o->xdp = sc->packets.total > 0;
	o->stack_per_cpu =
		trace_totals(sc->rec->trace)->calls > 0 || !(o->memory || o->throughput || o->xdp);
}

static int choose_view(struct plot_scene *sc)
{
	uint64_t duration = trace_totals(sc->rec->trace)->duration_ns;

	sc->from_ns = 0;
	sc->to_ns = sc->stopped ? UINT64_MAX : duration + 1; /* the last moment belongs to it */
	if (!sc->opt.has_filter)
		return 0;
	if (sc->opt.filter_from_ns > duration && !sc->stopped)
		return -ERANGE;
	sc->from_ns = sc->opt.filter_from_ns;
	/* "from 2 s to the end" is written with an end beyond it */
	if (sc->opt.filter_to_ns < sc->to_ns)
		sc->to_ns = sc->opt.filter_to_ns;
	return 0;
}

/* How far apart a session's samples were meant to be; 0: nobody says. */
static double sample_interval(const struct trace *t)
{
	double interval_ns = 0;

	for (uint16_t i = 0; i < trace_session_count(t); i++)
		if (trace_session(t, i)->has_hello && trace_session(t, i)->hello.interval_ms)
			interval_ns = trace_session(t, i)->hello.interval_ms * 1e6;
	return interval_ns;
}

int plot_scene_finish(struct plot_scene *sc)
{
	int err = 0;

	if (sc->stopped) {
		sc->rec->stop = 0;
		err = trace_end(sc->rec->trace); /* what is open ends now */
		if (!err)
			err = sc->rec->stop;
	}
	if (!err)
		err = choose_view(sc);
	plot_pending_free(&sc->pending);
	if (!err)
		err = plot_spans_sort(&sc->spans);
	if (err)
		return err;
	plot_traffic_finish(&sc->traffic, sample_interval(sc->rec->trace));
	plot_packets_finish(&sc->packets);
	choose_views(sc);
	if (sc->opt.stack_per_cpu)
		err = plot_rows_per_cpu(&sc->per_cpu, &sc->spans);
	if (!err && sc->opt.stack_merged)
		err = plot_rows_merged(&sc->merged, &sc->spans);
	return err;
}

void plot_scene_free(struct plot_scene *sc)
{
	plot_spans_free(&sc->spans);
	plot_pending_free(&sc->pending);
	free(sc->within_ns);
	plot_rows_free(&sc->per_cpu);
	plot_rows_free(&sc->merged);
	plot_memory_free(&sc->memory);
	memory_samples_free(&sc->last_samples);
	plot_traffic_free(&sc->traffic);
	plot_packets_free(&sc->packets);
	plot_losses_free(&sc->losses);
	memset(sc, 0, sizeof(*sc));
}
