/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Kernel memory in numbers: from the cells of the programs (enum ayp_mem_class says what they
 * count) to what was handed out, given back and is outstanding.
 *
 * What was handed out is exact. What is outstanding is exact as long as no class had to be given
 * up; from then on it is an estimate from those that are still followed: a part of the addresses,
 * chosen by their hash, each of which stands for 8 or 64. Its relative error is about one over the
 * square root of their number.
 */
#ifndef TARGET_PROBES_MEMORY_TOTALS_H
#define TARGET_PROBES_MEMORY_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"
#include "target/probes/maps.h"

/* Sums of cells: of a site or of all, by type. */
struct memory_sum {
	struct ayp_mem_cell in[AYP_MEM_CLASSES];  /* put into the tables */
	struct ayp_mem_cell out[AYP_MEM_CLASSES]; /* of it, seen to come back */
	struct ayp_mem_cell passed;               /* handed out, but not put into a table */
};

/* Of one type, since the start. */
struct memory_total {
	struct ayp_mem_cell alloc;      /* exact */
	struct ayp_mem_cell free;       /* alloc minus what is outstanding: never more than alloc */
	struct ayp_mem_cell unfollowed; /* of alloc: not in a table, or in one given up; exact */
};

/* What of the tables still counts. */
struct memory_view {
	uint32_t first;  /* class from which on they are complete */
	uint32_t one_in; /* one of so many addresses is followed: 1, 8, 64 */
	bool short_of;   /* the last table had no room either: outstanding is too low */
};
struct memory_view memory_view_now(const struct maps *m);

/* Add those of a site to sums[type]. */
void memory_sum_add(const struct maps *m, uint32_t site, struct memory_sum sums[AYP_MEM_TYPES]);
struct memory_total memory_sum_total(const struct memory_sum *sum, const struct memory_view *v);

/* How many of a type and size (bytes / 8) are outstanding: map `mem_sizes`. */
int64_t memory_size_live(
	const struct maps *m, uint32_t type, uint32_t size_8, const struct memory_view *v);

#endif
