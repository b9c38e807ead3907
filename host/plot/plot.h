/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Pictures of a recording (CONTRACT section 4). */
#ifndef HOST_PLOT_PLOT_H
#define HOST_PLOT_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter;

struct plot_options {
	const char *input;
	const char
		*output; /* NULL: a window where there is a display, else a PNG beside the input */
	bool stack_merged;  /* -s */
	bool stack_per_cpu; /* -s+ */
	bool memory;        /* -m */
	bool throughput;    /* -t */
	bool xdp;           /* -x */
	bool has_filter;    /* -f A-B, ns since the recording's origin */
	uint64_t filter_from_ns, filter_to_ns;
	struct filter *filter; /* calls and packets, by anything but time */
	uint32_t *ignored_cpus;
	size_t n_ignored_cpus;
	bool xdp_labels;
	bool no_stack_labels;
	uint64_t vertical_label_ns; /* names of calls shorter than this stand upright, default 10000
				     */
	bool tall_rows;             /* leave room for upright names: --vertical-label was given */
	/* Share of the view's width a box needs to carry its name. Negative (the default): a name
	 * stands wherever it fits whole, and shortened in boxes of at least 0.05 of the view. */
	double visible_threshold;
};

/* The defaults: no view chosen, which plot_run takes as "what the recording has". */
void plot_options_init(struct plot_options *opt);

/* Draw. Prints the path of the picture on stdout. Returns an exit status (0, 1); errors printed. */
int plot_run(const struct plot_options *opt);

#endif
