/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where a session stands, so that a reading may begin there: for trace.c, sessions.c, flow.c and
 * seek*.c only.
 *
 *     blocks of the session by index     |group        |group           |group
 *     given to the sink, by time         ==================------        (the merger's window)
 *     start_index                                       ^
 *     skip                                              ====
 *
 * What waits in the merger is not kept: a reading from here begins with the group that has the
 * oldest block of which something may wait, and leaves out the first `skip` events that its merger
 * gives: those that had been given already.
 *
 * Holds: 40 bytes for each block of these groups, SEEK_MAX_BLOCKS at most, 128 KiB for ids of
 * functions, and 56 bytes for each loss, SEEK_MAX_ROWS at most: with more of either the trace has no
 * digest.
 */
#ifndef HOST_TRACE_SEEK_H
#define HOST_TRACE_SEEK_H

#include "host/trace/stage.h"
#include "host/trace/state.h"

#define SEEK_MAX_BLOCKS 16384u
#define SEEK_MAX_ROWS   65536u
#define SEEK_VERSION    1u
/* Of one point: so that what is read never takes all the room for threads and open calls. */
#define SEEK_MAX_STATE (1u << 20)

struct seek_block {
	uint64_t first_index;
	uint64_t place;   /* of its record */
	uint64_t last_ns; /* once it has been taken */
	uint32_t count;   /* of events in it; when it has been taken: that it gave */
	uint32_t epoch;
	bool begins; /* a group */
	bool taken;
};

/* A loss as it was given: behind how many events. */
struct seek_row {
	struct trace_loss loss;
	uint64_t at;
	bool breaks;
};

struct seek {
	struct seek_block *block; /* by first_index */
	size_t n_blocks, cap_blocks;
	uint16_t *wire; /* the session's id of each of the trace's that it uses */
	uint64_t given, oldest_ns;
	struct seek_row *row;
	size_t n_rows, cap_rows;
	size_t next_row;      /* of those read from a digest: to be given next */
	size_t state_rows;    /* so many were given before the state was written */
	struct state ended;   /* when the session is over: calls that ended since that point */
	uint64_t places[2];   /* of the first event record, behind the last one */
	uint64_t skip, until; /* events that are left out, and after how many to stop */
	uint64_t until_call;  /* the id of the first call behind that */
	bool broken;          /* no point can be made any more */
	struct ledger_totals *known; /* what the digest says of it, and with that: */
	uint64_t delivered;
	bool resumed, stopped;
};

struct session;
struct sequenced;

void seek_free(struct session *s);
/* A block has come that the sequencer took. Returns 0 or -ENOMEM. */
int seek_came(struct session *s, const struct sequenced *b);
/* It is this session's turn: so many events of it go on, none if it could not be decoded. */
void seek_taken(struct session *s, uint64_t first_index, uint32_t given, uint64_t last_ns);
/* These functions are used. Returns 0 or -ENOMEM. */
int seek_uses(struct session *s, const uint64_t *used, const uint32_t *map);
/* An event is given. False: it is to be left out. */
bool seek_gives(struct session *s, uint64_t t_ns);
/* Returns 0 or -ENOMEM. */
int seek_lost(struct session *s, const struct trace_loss *l, bool breaks);
/* Losses of the digest that were given before the next event. */
void seek_pass_losses(struct session *s);
/* The session is over, its pairer still there. */
void seek_end(struct session *s);

#endif
