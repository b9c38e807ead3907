/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * How often which value was: a log-linear histogram of HISTOGRAM_CELLS cells for each power of two. Values below
 * 2 * HISTOGRAM_CELLS are kept exactly; a larger one is known to less than 0.1 % (half a cell in 512).
 *
 * Memory is taken in pages of cells as values come, from a budget that many histograms share, so that what is counted
 * in all of them cannot take more. What there was no room for is counted apart, and its histogram has no quantiles.
 */
#ifndef HOST_HISTOGRAM_H
#define HOST_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_CELLS 512u
#define HISTOGRAM_ERROR 0.001 /* of a quantile, relative; more than it ever is */

struct histogram_octave;

/* All zero is an empty one. */
struct histogram {
	/* By power of two from HISTOGRAM_CELLS on; the first has what is below, too. */
	struct histogram_octave **octave;
	uint64_t n;        /* counted in cells */
	uint64_t left_out; /* there was no room for */
};

void histogram_free(struct histogram *h);
/* budget: bytes that may still be taken; lessened by what is. */
void histogram_add(struct histogram *h, uint64_t value, size_t *budget);
/* The value that at least `percent` (1 to 100) of all do not exceed (nearest rank), as the middle of its cell. Of an
 * empty histogram 0. left_out must be 0. */
uint64_t histogram_quantile(const struct histogram *h, unsigned int percent);

#endif
