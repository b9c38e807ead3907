/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Another writer's lines in a frame: what untangle.c (which lines there may be), likely.c (how likely each is) and
 * meet.c (which of them leave a frame) share.
 */
#ifndef HOST_SALVAGE_LINES_H
#define HOST_SALVAGE_LINES_H

#include "host/salvage/attempt.h"

/* Per line feed: where its line may have begun, and that it ends none. */
#define SALVAGE_READINGS 16u

/* Costs are negative binary logarithms of likelihoods, in half bits, above the likeliest reading's. */
struct salvage_reading {
	uint16_t
		begin; /* of the line, in the segment; the feed's end if it is a byte of the frame */
	uint16_t cost;
};

struct salvage_feed {
	uint16_t floor; /* no line that ends here begins before */
	uint16_t end;   /* after the line feed */
	uint16_t sure;  /* where a line surely begins: a kernel's time stamp; or end */
	uint8_t n, chosen;
	struct salvage_reading readings[SALVAGE_READINGS]; /* by begin; the last one is "no line" */
};

/* The longest segment in which a stretch of foreign bytes is looked for. */
#define SALVAGE_GAP_SEGMENT 16384u

/* Combinations for the front part of a segment that are kept at a time. */
#define SALVAGE_FRONTS 65535u

/* Working memory for lines; several hundred KB, the caller's. */
struct salvage_lines {
	struct salvage_feed feeds[SALVAGE_FEEDS];
	size_t n;
	/* meet.c: the CRC's register and the COBS phase after each front part, hashed */
	uint32_t front_reg[SALVAGE_FRONTS];
	uint16_t front_phase[SALVAGE_FRONTS], front_next[SALVAGE_FRONTS];
	uint16_t front_first[65536];
	/* and the back part: by the distance from the end of the frame */
	uint8_t back_byte[FRAMING_MAX_SEGMENT + 1], back_leads[FRAMING_MAX_SEGMENT + 1];
	uint32_t back_reg[FRAMING_MAX_SEGMENT + 1];
	uint32_t step_forward[256], step_back[256]; /* of the register, by a byte */
	/* gap.c: places in the segment of the bytes that are in no line */
	uint16_t place[SALVAGE_GAP_SEGMENT];
};

/* Where the chosen line begins; the feed's end: there is none. */
static inline size_t salvage_begin(const struct salvage_feed *f)
{
	return f->readings[f->chosen].begin;
}

/* Put the segment without the chosen lines to s->plain if its codes lead to its end. Returns its length, or 0. */
size_t salvage_without_lines(struct salvage *s, const uint8_t *segment, size_t len);

#endif
