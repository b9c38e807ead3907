/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Times per function, exact: percentiles by sorting every duration. */
#ifndef HOST_STATS_H
#define HOST_STATS_H

#include "host/model/model.h"

struct stats_row {
	const struct model_func *func;
	uint64_t count;    /* calls, those without exit too; instants */
	uint64_t no_end;   /* calls still running at the end, or whose exit was lost or missed */
	uint64_t complete; /* calls with entry and exit: only these have times */
	uint64_t
		sum_ns; /* of all of these; total_ns is without calls that are within one of their own function */
	uint64_t total_ns, self_ns, mean_ns, p50_ns, p90_ns, p99_ns, min_ns, max_ns;
	bool has_exact;
	uint64_t exact_count; /* the board's own count, which no loss on the way touches */
	/* Kernel memory taken while this was the innermost profiled function, by the board's own count. */
	uint64_t alloc_count, alloc_bytes, free_count, free_bytes;
	uint64_t outstanding_bytes; /* not given back yet */
};

struct stats {
	struct stats_row *rows; /* functions that were seen or counted, by id */
	size_t n;
};

/* Returns 0 or -ENOMEM. Rows refer to the model. */
int stats_build(struct stats *s, const struct model *m);
void stats_free(struct stats *s);

#endif
