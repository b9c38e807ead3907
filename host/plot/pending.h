/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Spans of calls that have not ended: what share of a call is its own is known at its end, when all
 * its spans are coloured. Until then, and when there are too many of them, a span has the share of its
 * own stretch.
 *
 * Holds: 24 bytes for each of PLOT_PENDING_MAX spans at most; a span that was longest here goes when
 * there are more.
 */
#ifndef HOST_PLOT_PENDING_H
#define HOST_PLOT_PENDING_H

#include "host/plot/spans.h"

#define PLOT_PENDING_MAX (1u << 18)

struct plot_pending_link {
	uint64_t call;
	uint32_t span; /* PLOT_NO_SPAN: the link is free */
	uint32_t next, prev;
};

/* All zero is empty. */
struct plot_pending {
	struct plot_pending_link *link;
	uint32_t n, cap;
	uint32_t free; /* the first free one + 1; 0: none */
	uint32_t oldest;
	uint32_t *bucket; /* by call: link + 1 */
};

void plot_pending_free(struct plot_pending *p);
/* 0 or -ENOMEM. */
int plot_pending_put(struct plot_pending *p, uint64_t call, uint32_t span);
/* A span of that call, which is not pending any more, newest first; PLOT_NO_SPAN: no more. */
uint32_t plot_pending_take(struct plot_pending *p, uint64_t call);
/* plot_spans_add has moved spans: forget those that are not what they were. */
void plot_pending_check(struct plot_pending *p, const struct plot_spans *spans);

#endif
