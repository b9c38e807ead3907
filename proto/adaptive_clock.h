/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Codec 2, encoder only: learns from the times how their clock ticks. Whatever it says, decoding is
 * exact; a good answer saves log2(tick / 1 ns) bits an event. Internal to proto/.
 *
 * Two kinds of clock: times that are multiples of some step of nanoseconds apart (16 ns: 62.5 MHz;
 * or
 * --resolution), found by the greatest common divisor; and a counter whose period is no whole
 * number of nanoseconds (54 MHz: 18.52 ns), which the kernel rounds down to one.
 */
#ifndef PROTO_ADAPTIVE_CLOCK_H
#define PROTO_ADAPTIVE_CLOCK_H

#include "proto/adaptive.h"

struct clock_search {
	struct ad_clock clock; /* of the last block */
	uint32_t wait;         /* blocks until a period is searched for again */
	uint32_t patience;     /* doubles with each search in vain */
};

void clock_search_init(struct clock_search *s);

/* The clock for a block of events[order[0..n)], sorted by CPU, that m has not coded yet. `fresh`:
 * the block starts a group. */
struct ad_clock clock_choose(struct clock_search *s, struct ad_model *m,
	const struct ayp_event *events, const uint16_t *order, uint32_t n, bool fresh);

#endif
