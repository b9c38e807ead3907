/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Blocks of a session in the order of their indexes, each index once.
 *
 *     in:   0-399   800-1199   400-799   1600-1999   (and no 1200-1599 anywhere)
 *     out:  0-399   400-799    800-1199  1600-1999 with 400 missing before it
 *
 * A block that is next goes on. One that is ahead waits, as it came, while what is missing before it
 * may still come: a first reading knows (arrivals.h); without one, until too much waits. Then the
 * hole is given up: what comes for it later is out of reach.
 *
 * Holds what waits: SEQUENCER_MAX_BYTES and SEQUENCER_MAX_BLOCKS of all sessions together; on a line
 * SEQUENCER_LINE_BYTES and SEQUENCER_LINE_BLOCKS.
 */
#ifndef HOST_TRACE_SEQUENCER_H
#define HOST_TRACE_SEQUENCER_H

#include "host/trace/arrivals.h"
#include "host/trace/contested.h"
#include "host/trace/memory.h"

#define SEQUENCER_MAX_BYTES   (64u << 20)
#define SEQUENCER_MAX_BLOCKS  16384u
#define SEQUENCER_LINE_BYTES  (4u << 20)
#define SEQUENCER_LINE_BLOCKS 4096u

/* A block that waits, or that goes on. */
struct sequenced {
	uint64_t first_index;
	uint32_t count, codec;
	uint32_t len, crc;
	const uint8_t *src;
};

/* Of all sessions together. */
struct sequencer_load {
	size_t bytes, blocks; /* that wait */
};

/* n blocks of the same first index, of which one counts; `missing` indexes before them are not here
 * and will not come. Returns 0 or -ENOMEM. */
typedef int sequencer_next(void *ctx, const struct sequenced *b, size_t n, uint64_t missing);

struct sequencer {
	const struct trace_memory *mem;
	struct sequencer_load *load;
	const struct arrivals *arrivals;   /* NULL: nothing is known of what comes */
	const struct contested *contested; /* or NULL */
	uint16_t session;
	uint64_t cover;             /* all before it has gone on, or is given up */
	struct sequenced **waiting; /* by first_index, equal ones as they came */
	size_t n, cap;
	/* Holes that were given up although they may have come, the newest ones. */
	struct {
		uint64_t first, end;
	} hole[16];
	size_t n_holes;
	sequencer_next *next;
	void *ctx;
};

void sequencer_init(struct sequencer *q, const struct trace_memory *mem,
	struct sequencer_load *load, sequencer_next *next, void *ctx);
void sequencer_free(struct sequencer *q);

enum sequencer_fate {
	SEQUENCER_TAKEN,
	SEQUENCER_REPEAT,
	SEQUENCER_LATE, /* out of reach: its place has been given up */
};

/* A possible block (ledger.h), from the frame of this number; src is copied where it waits. Returns 0
 * or -ENOMEM. */
int sequencer_block(
	struct sequencer *q, const struct sequenced *b, uint32_t frame, enum sequencer_fate *fate);
/* Nothing more will come. */
int sequencer_flush(struct sequencer *q);

#endif
