/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Doubts and ghosts of a thread, for missed.c and ghosts.c only: what they are is said in missed.h.
 *
 * A stack without guesses would have all that is open here and all ghosts in it, by ids: whoever is
 * newer was called in whoever is older. That decides which of them an exit is of, and what it ends.
 * Depths say where it is taken to stand.
 */
#ifndef HOST_TRACE_SUSPICION_H
#define HOST_TRACE_SUSPICION_H

#include "host/trace/pairer_internal.h"

struct doubt {
	uint64_t first_id; /* the call that raised it; what comes later stands too deep, too */
	uint64_t end_ns;   /* of the last call before that one */
	uint64_t inner_ns; /* what was in the innermost call before that one */
	struct level before;
};

/* A call that was found guilty. */
struct ghost {
	struct trace_call call; /* as it is if its exit never comes */
	uint64_t inner_ns;      /* in it until it was found guilty */
	uint64_t before_ns;     /* in its caller before it */
	uint64_t after_ns; /* in the innermost of its callers that is open: when it had been found
			    * guilty */
	uint64_t given_ns; /* to the time of its function, for what was in it */
	uint64_t outer_ns; /* `outer`'s same_ns but for this call */
	uint16_t outer;    /* place of the open call of the same function that it is in, 0: none */
	uint16_t caller, callee; /* what showed it: that this one calls that one */
};

struct suspicion {
	struct doubt doubts[MISSED_DOUBTS]; /* outermost first */
	struct ghost *ghosts;               /* by ids */
	uint32_t n_doubts, n_ghosts, cap_ghosts;
	uint64_t ghost_funcs;    /* a bit for the function of each, which may be another's, too */
	struct trace_call *held; /* by their ends */
	size_t n_held, cap_held;
	bool full; /* there were too many: none is held until these doubts are over */
};

static inline uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Time of what was called at this depth of what is open. */
static inline uint64_t *inner_below(struct thread *t, size_t depth)
{
	return depth ? &t->open[depth - 1].inner_ns : &t->inner_ns;
}

/* ---- missed.c ------------------------------------------------------------------------------- */

/* Give it to the sink, or set it aside. */
void suspicion_give(struct pairer *p, struct suspicion *s, const struct trace_call *c);

/* ---- ghosts.c ------------------------------------------------------------------------------- */

/* Room for so many more; the oldest ones may end for it. */
bool ghosts_room(struct pairer *p, struct suspicion *s, uint32_t n);
/* There must be room. */
void ghosts_add(struct suspicion *s, const struct ghost *g);
/* Something has been closed: ghosts in it end, those that it is in are told its time. */
void ghosts_closed(struct pairer *p, struct suspicion *s, const struct trace_call *c);
void ghosts_end(struct pairer *p, struct suspicion *s, uint32_t from);
void ghosts_free(struct pairer *p, struct suspicion *s);

#endif
