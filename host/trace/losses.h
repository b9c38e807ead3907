/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is missing from a session, row by row: cause, CPU, times, count. The rows add up to the
 * ledger's totals exactly.
 *
 *     told by the board  ---------------.
 *     gaps in the indexes -> taken off -+-> committed rows -> given when the stream is there
 *     totals at the end  ---------------'                     or at the end, those without times
 *
 * The board tells ranges as it loses events. A gap in the indexes has an exact count and, from the
 * events around it, times: what the board told to have dropped at that time is taken off, what it
 * dropped without telling when may stand for some of it, the rest went missing on the line.
 *
 * Holds told ranges of two kinds (told_losses.h). Rows of gaps that the stream has not reached: as many as the merger's window has gaps, at most
 * LOSSES_MAX_DUE.
 */
#ifndef HOST_TRACE_LOSSES_H
#define HOST_TRACE_LOSSES_H

#include "host/trace/ledger.h"
#include "host/trace/memory.h"
#include "host/trace/told_losses.h"

#define LOSSES_MAX_DUE 65536u

/* Events that are missing between two blocks. */
struct loss_gap {
	uint64_t missing;     /* indexes that are not here */
	uint64_t overrun;     /* of these: suspected to be the host's fault */
	uint64_t undecodable; /* came, and could not be read */
	uint64_t first_ns, last_ns;
};

/* A row to be shown; count may be 0: it only breaks calls. */
typedef void losses_give(void *ctx, const struct loss_row *row);

struct losses {
	const struct trace_memory *mem;
	struct told_losses kernel, board; /* before and after events got an index */
	struct loss_row *due;             /* of gaps, by first_ns */
	size_t n_due, cap_due, next_due;
	uint64_t budget[LEDGER_CAUSES];    /* how much rows may still say */
	uint64_t committed[LEDGER_CAUSES]; /* what rows say, given or not */
	struct loss_row held;              /* the newest row: the next one may be the same */
	bool holds;
	losses_give *give;
	void *ctx;
};

void losses_init(struct losses *l, const struct trace_memory *mem, losses_give *give, void *ctx);
void losses_free(struct losses *l);

/* A Loss message. Returns 0 or -ENOMEM. */
int losses_told(struct losses *l, const ayaprof_Loss *loss);
/* All has been told, and these are the totals: rows of what was told are made now. */
void losses_learned(struct losses *l, const struct ledger_totals *totals);
/* Without a first reading: what was told since goes out now, as far as the totals have room. */
void losses_tell_now(struct losses *l, const struct ledger_totals *totals);

/* More is missing than the totals at the beginning said; or, after all, less. */
void losses_found(struct losses *l, unsigned int cause, uint64_t count);
void losses_spared(struct losses *l, unsigned int cause, uint64_t count);
/* A gap is over. Returns 0 or -ENOMEM. */
int losses_gap(struct losses *l, const struct loss_gap *gap);

/* When the next row is due; UINT64_MAX: none. */
uint64_t losses_next(const struct losses *l);
/* The stream has come to this time: give what is due. */
void losses_until(struct losses *l, uint64_t t_ns);
/* The session is over: give the rest, so that rows add up to these totals. */
void losses_end(struct losses *l, const struct ledger *ledger, const struct ledger_totals *totals);

/* Totals that rows agree with, whatever the ledger makes of a board that contradicts itself. */
void losses_agree(const struct losses *l, struct ledger_totals *totals);

#endif
