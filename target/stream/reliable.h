/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whether a line is run with retransmission, and what that asks of the board: PROTOCOL.md, section 14.
 *
 *   --link oneway    nothing is kept, nothing is listened to
 *   --link auto      best effort; as soon as a host acknowledges, retransmission; when it falls silent,
 *                    best effort again
 *   --link reliable  retransmission from the start: what no host has acknowledged waits
 *
 * One per output on a line. Single-threaded; times are CLOCK_MONOTONIC in ns.
 */
#ifndef TARGET_RELIABLE_H
#define TARGET_RELIABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "target/base/config.h"
#include "target/stream/budget.h"
#include "target/stream/output.h"
#include "target/stream/writer.h"

struct reliable {
	struct output *out;
	struct writer *writer;
	enum link_mode mode;
	uint32_t receiver; /* served at the moment or last; 0: none so far */
	bool sync_due;     /* the host is to be told where it begins, or asked what it has */
	bool left;         /* the one heard last has said that it ends */
	bool closing;      /* the end is waited for: be quick */
	uint64_t heard_ns; /* last valid acknowledgement */
	uint64_t next_sync_ns;
	struct ration beginnings; /* each begins a group of blocks, and has all names said again */
	bool on_trial;            /* the receiver has begun, and acknowledged nothing yet */
	bool barren; /* was let go because nothing arrived: progress first, then it is waited for again */
	/* no progress */
	uint64_t arrived;  /* window.arrived, as last looked at */
	uint64_t grown_ns; /* when it grew, or nothing could arrive */
	uint64_t moved_ns; /* when it grew, or there was nothing to wait for */
	uint64_t patience; /* until something is done about it */
};

/* Begin. `bytes`: memory for what was sent. 0 or -ENOMEM. Nothing is done on outputs that are no line, or with
 * LINKMODE_ONEWAY. */
int reliable_init(struct reliable *r, struct output *out, struct writer *writer,
	enum link_mode mode, size_t bytes);
/* Is anything listened to? */
bool reliable_listens(const struct reliable *r);
/* Has the user told to wait for a host, whatever happens? */
bool reliable_always_waits(const struct reliable *r);
/* Has a host answered, and not taken its leave? It may be silent at the moment. */
bool reliable_expects(const struct reliable *r);
/* For how long such a host has said nothing; UINT64_MAX: there is none. */
uint64_t reliable_silent_ns(const struct reliable *r, uint64_t now_ns);
/* Has the host that answered last taken its leave? */
bool reliable_left(const struct reliable *r);
/* A host's Ack for our session. A new receiver counts in output->receivers. */
void reliable_acknowledged(struct reliable *r, const ayaprof_Ack *ack, uint64_t now_ns);
/* From now on the end is waited for. */
void reliable_close(struct reliable *r);
/* Time passes: to be called each round, before the output is pumped. */
void reliable_tick(struct reliable *r, uint64_t now_ns);

#endif
