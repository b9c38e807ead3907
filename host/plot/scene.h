/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* All that one picture or window shows of a recording: built once, then asked for views. */
#ifndef HOST_PLOT_SCENE_H
#define HOST_PLOT_SCENE_H

#include "host/model/model.h"
#include "host/plot/geometry.h"
#include "host/plot/plot.h"
#include "host/plot/series.h"

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
	const struct model *m;
	struct plot_options opt; /* with the views really shown */
	bool window;
	uint64_t from_ns, to_ns; /* of the first view: the filter, or everything */

	struct plot_span *spans;
	size_t n_spans;
	struct plot_rows per_cpu, merged;
	struct plot_memory memory;
	struct plot_traffic traffic;
	struct plot_packets packets;

	struct plot_panel panels[PLOT_PANELS_MAX];
	size_t n_panels;
	char title[256];
	char remark[256]; /* what is not in the picture and why; "" when all is */
};

/* `m` must outlive the scene. 0 or -ENOMEM, without a message; free after either. */
int plot_scene_build(
	struct plot_scene *sc, const struct model *m, const struct plot_options *opt, bool window);
void plot_scene_free(struct plot_scene *sc);

/* Fill in what the script must know before its first view, and a view. 0 or -ENOMEM. */
int plot_scene_describe(const struct plot_scene *sc, struct plot_reply *reply);
int plot_scene_view(
	const struct plot_scene *sc, const struct plot_view *view, struct plot_reply *reply);

/* Decides what stands in panels and titles; called by plot_scene_build when the data is there. */
void plot_scene_lay_out(struct plot_scene *sc);

#endif
