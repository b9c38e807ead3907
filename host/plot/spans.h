/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Stretches of calls by CPU and depth, as a recording is read, in bounded memory.
 *
 * A row is one depth of one CPU. When there are too many spans, those that lie together within one
 * *grain* of their row become one, which keeps how long it is, how busy it is within, the function
 * that leads there and how many it stands for. The grain is the smallest power of two of
 * nanoseconds that halves their number; it is chosen anew each time the bound is met, and grains
 * are aligned, so coarser ones are made of finer ones.
 *
 * Holds: 40 bytes a span, 4 KiB a CPU. Times are ns since the recording's origin.
 */
#ifndef HOST_PLOT_SPANS_H
#define HOST_PLOT_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plot_span_flags {
	PLOT_SPAN_UNFINISHED = 1u << 0, /* its end is not known: drawn to the last moment it is
					 * known to have run */
	PLOT_SPAN_MERGED = 1u << 1,     /* stands for several */
	PLOT_SPAN_PENDING = 1u << 2,    /* its call has not ended (pending.h) */
	PLOT_SPAN_LAST = 1u << 3,       /* its call ended in it */
	PLOT_SPAN_DROPPED = 1u << 4,    /* not wanted after all */
	PLOT_SPAN_FREE = 1u << 5,       /* none */
};

/* A stretch of a call on one CPU, or several that lie together. */
struct plot_span {
	uint64_t start_ns, end_ns; /* end may equal start */
	float busy_ns;             /* of that, somebody ran; of a single one all */
	float self_ns;             /* of busy_ns, not spent in callees */
	float lead_ns;  /* by how much `func` leads: it is the one that takes more than half, if
			* there is one */
	uint32_t count; /* 1, or how many it stands for */
	uint32_t next;  /* in its row, or PLOT_NO_SPAN */
	uint16_t func;
	uint8_t flags; /* enum plot_span_flags */
	uint8_t pad;
};
_Static_assert(sizeof(struct plot_span) == 40, "millions of them");

#define PLOT_NO_SPAN UINT32_MAX

#define PLOT_CPUS          256u
#define PLOT_LANE_ROWS_MAX 256u       /* depths of one CPU; deeper ones are counted */
#define PLOT_SPANS_MAX     (1u << 21) /* of a recording */

struct plot_span_row {
	uint32_t head, tail; /* PLOT_NO_SPAN: empty */
	uint32_t n;
	bool unsorted; /* a span came that begins before the one before it */
};

struct plot_spans {
	struct plot_span *span;
	size_t n, cap, max; /* of `span`, free ones among them */
	uint32_t free;      /* the first free one, linked by next, or PLOT_NO_SPAN */
	size_t n_free, n_dropped;
	struct plot_span_row *cpu[PLOT_CPUS]; /* PLOT_LANE_ROWS_MAX rows; NULL: nothing there */
	unsigned int grain_bits;              /* a grain is 1 << this; 0: nothing was merged */
	bool merged;                          /* there is a grain */
	uint64_t hidden;                      /* spans left out: too deep */
	uint64_t unplaced;                    /* spans left out: no room, whatever is merged */
};

/* max: PLOT_SPANS_MAX, or fewer in tests. */
void plot_spans_init(struct plot_spans *s, size_t max);
void plot_spans_free(struct plot_spans *s);

/*
 * Take a single span in: start, end, self_ns, func and flags are the caller's, the rest is filled in.
 * *index: where it is, or PLOT_NO_SPAN when it has become part of another or was left out.
 * *moved: spans were merged, so indexes that the caller holds may be of other spans now. Those that
 * are still what they were have kept PLOT_SPAN_PENDING; the new one is to be given it only after all
 * others were looked at. Returns 0 or -ENOMEM.
 */
int plot_spans_add(struct plot_spans *s, uint8_t cpu, uint32_t depth, const struct plot_span *span,
	uint32_t *index, bool *moved);

/* One that is not merged is not wanted after all. */
void plot_spans_drop(struct plot_spans *s, uint32_t index);

/* Order every row by start, without what was dropped. 0 or -ENOMEM. */
int plot_spans_sort(struct plot_spans *s);

/* 0; or how close spans must lie to have become one. Saturates. */
uint64_t plot_spans_grain_ns(const struct plot_spans *s);

/* Self time in it: 0 none .. 255 all. */
static inline uint8_t plot_span_share(const struct plot_span *s)
{
	if (!(s->busy_ns > 0) || s->self_ns >= s->busy_ns)
		return 255; /* nothing of it went to a callee */
	return (uint8_t)((double)s->self_ns / (double)s->busy_ns * 255);
}

/* How much of its length it fills: 0 .. 1. */
static inline double plot_span_density(const struct plot_span *s)
{
	if (s->count <= 1 || s->end_ns <= s->start_ns)
		return 1;
	return (double)s->busy_ns / (double)(s->end_ns - s->start_ns);
}

#endif
