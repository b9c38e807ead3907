/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * All that one picture or window shows of a recording: taken in as it is read, then asked for views.
 *
 *     plot_scene_begin(); recording_read(..., &plot_scene_sink, scene, ...); plot_scene_finish();
 *     plot_scene_lay_out(); plot_scene_describe(); plot_scene_view() as often as asked
 *
 * Memory is bounded by the maxima of its parts (spans.h, pending.h, series.h): about 130 MB, however
 * long the recording is.
 */
#ifndef HOST_PLOT_SCENE_H
#define HOST_PLOT_SCENE_H

#include "host/plot/geometry.h"
#include "host/plot/pending.h"
#include "host/plot/plot.h"
#include "host/plot/series.h"
#include "host/recording/recording.h"
#include "host/views/memory_account.h"

enum plot_panel_kind { PLOT_STACK, PLOT_MEMORY, PLOT_THROUGHPUT, PLOT_XDP, PLOT_PANEL_KINDS };

struct plot_panel {
	uint8_t kind; /* enum plot_panel_kind */
	int cpu;      /* stack: its CPU; -1: all */
	char title[64];
	char note[160];   /* why it is empty; "" when it is not */
	char remark[320]; /* how far what it shows can be trusted; "" when nothing is to say */
	const struct plot_rows *rows; /* stack: where first_row .. + n_rows are; NULL when empty */
	uint32_t first_row, n_rows;
};

#define PLOT_LANES_MAX  24u /* CPUs with a panel of their own; the busiest of more */
#define PLOT_PANELS_MAX (PLOT_LANES_MAX + 1u + PLOT_PANEL_KINDS)

struct plot_scene {
	struct recording *rec;   /* with its trace, as long as there is a scene */
	struct plot_options opt; /* with the views really shown */
	bool window;
	bool ignored[PLOT_CPUS];
	bool stopped;            /* what comes behind the filter was not read */
	uint64_t from_ns, to_ns; /* of the first view: the filter, or everything */

	struct plot_spans spans;
	struct plot_pending pending;
	uint64_t *within_ns; /* [PLOT_CPUS][PLOT_LANE_ROWS_MAX]: time of stretches at a depth since
			      * the one that has them in it */
	struct plot_rows per_cpu, merged;
	struct plot_memory memory;
	struct memory_samples last_samples;
	struct plot_traffic traffic;
	struct plot_packets packets;
	struct plot_losses losses;

	struct plot_panel panels[PLOT_PANELS_MAX];
	size_t n_panels;
	char title[256];
	char remark[512]; /* what is not in the picture and why; "" when all is */
};

/* `rec` must outlive the scene. 0 or -ENOMEM, without a message; free after either. */
int plot_scene_begin(struct plot_scene *sc, struct recording *rec, const struct plot_options *opt);
void plot_scene_free(struct plot_scene *sc);

/* Takes a recording in; its context is the scene. Sets rec->stop: -ENOMEM when memory runs out, -ECANCELED
 * when all that the filter lets through has been given: plot_scene_finish then takes the rest. With a
 * filter nothing but what touches it is kept. */
extern const struct trace_sink plot_scene_sink;

/* Everything has been taken in that will be. 0; -ENOMEM; -ERANGE: the recording ends before the filter begins. */
int plot_scene_finish(struct plot_scene *sc);

/* Decides what stands in panels and titles; again when it is to be a picture after all. */
void plot_scene_lay_out(struct plot_scene *sc, bool window);

/* Fill in what the script must know before its first view, and a view. 0 or -ENOMEM. */
int plot_scene_describe(const struct plot_scene *sc, struct plot_reply *reply);
int plot_scene_view(
	const struct plot_scene *sc, const struct plot_view *view, struct plot_reply *reply);

#endif
