/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Times per function, as calls come: counts, sums, least and greatest are exact, quantiles are to 0.1 % (see
 * host/base/histogram.h). Memory for each function, none for each call, and for all of them STATS_HISTOGRAM_BYTES
 * of histograms at most.
 */
#ifndef HOST_STATS_H
#define HOST_STATS_H

#include "host/base/histogram.h"
#include "host/trace/trace.h"

#define STATS_HISTOGRAM_BYTES ((size_t)96 << 20)

struct stats_row {
	const struct trace_func *func; /* set by stats_rows */
	uint64_t count;                /* calls, those without exit too; instants */
	uint64_t no_end;   /* calls still running at the end, or whose exit was lost or missed */
	uint64_t complete; /* calls with entry and exit: only these have times */
	uint64_t
		sum_ns; /* of all of these; total_ns is without calls that are within one of their own function */
	uint64_t total_ns, self_ns, min_ns, max_ns;
	uint64_t mean_ns, p50_ns, p90_ns, p99_ns; /* set by stats_rows */
	bool has_quantiles;                       /* false: no times, or no room for them */
	bool has_exact;
	uint64_t exact_count; /* the board's own count, which no loss on the way touches */
	/* Kernel memory taken while this was the innermost profiled function, by the board's own count. */
	uint64_t alloc_count, alloc_bytes, free_count, free_bytes;
	uint64_t outstanding_bytes; /* not given back yet */
};

struct stats {
	struct stats_row *rows; /* by function */
	struct histogram *durations;
	size_t n, cap, cap_durations;
	size_t budget;
	bool failed; /* out of memory */
};

void stats_init(struct stats *s);
void stats_free(struct stats *s);
void stats_call(struct stats *s, const struct trace_call *c);
/* Instants; entries and exits count as calls. */
void stats_event(struct stats *s, const struct trace_event *e);

/* The functions that were seen, and with `totals` also those that the board has counted, as a new array to be freed.
 * totals: with the board's own counts. Returns NULL: out of memory. Refers to the trace. */
struct stats_row *stats_rows(const struct stats *s, const struct trace *t, bool totals, size_t *n);
/* Functions whose quantiles there was no room for. */
size_t stats_without_quantiles(const struct stats *s);

#endif
