/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which missing events are missing because the host's own UART overran: PROTOCOL.md, section 8.
 *
 * When the port's counters have grown, the next gap in the event indexes is suspected. What of it comes
 * after all, sent again, is taken off; what cannot be decoded for want of it is added.
 *
 * Fixed memory: gaps beyond OVERRUNS_RANGES are not attributed, and so count as lost on the line.
 */
#ifndef HOST_TRACE_OVERRUNS_H
#define HOST_TRACE_OVERRUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OVERRUNS_RANGES 128u
/* Bytes of before an overrun still wait in the driver when it is noticed, but not more than so many blocks. */
#define OVERRUNS_PATIENCE 64u

struct overruns {
	bool marked;         /* the next gap is suspected */
	unsigned int passed; /* blocks since, without a gap */
	bool any;            /* a block has come */
	uint64_t end;        /* after the highest index that has come */
	uint64_t missing;    /* indexes of the ranges that are not here */
	struct {
		uint64_t first, end;
	} range[OVERRUNS_RANGES]; /* ascending */
	size_t n;
};

/* The counters have grown. */
void overruns_mark(struct overruns *o);
/* The line went away or came back: what is missing now has another cause. */
void overruns_unmark(struct overruns *o);
/* A block has come; in the order of the line, whatever becomes of it. */
void overruns_came(struct overruns *o, uint64_t first_index, uint32_t count);
/* It was kept; once for each event at most. */
void overruns_kept(struct overruns *o, uint64_t first_index, uint64_t count);
/* It builds on one that is missing; to be told by ascending index. */
void overruns_broken(struct overruns *o, uint64_t first_index, uint64_t count);
/* How many of the indexes from `first` to before `end` are suspected. */
uint64_t overruns_within(const struct overruns *o, uint64_t first, uint64_t end);

#endif
