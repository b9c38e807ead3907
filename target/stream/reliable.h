/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Acknowledgements and retransmission of one channel: PROTOCOL.md, section 14.
 *
 *   --link oneway    nothing is kept, nothing is listened to
 *   --link auto      best effort; as soon as a host acknowledges, retransmission; when it falls silent,
 *                    best effort again
 *   --link reliable  retransmission from the start: what no host has acknowledged waits
 *
 * It moves the channel between CONNECTING, ONE_WAY and RELIABLE. Two timers run while frames wait
 * for acknowledgements:
 *
 *   nothing new acknowledged for rto_ns     -> probe: the newest frame again, or a Sync; the timeout doubles
 *   nothing new acknowledged for 20 s (auto), 2 s from who has only said where it begins
 *                                           -> the host is not waited for, until it acknowledges again
 */
#ifndef TARGET_RELIABLE_H
#define TARGET_RELIABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/message.h"
#include "target/base/config.h"
#include "target/stream/budget.h"

struct channel;

struct reliable {
	enum link_mode mode;
	uint32_t receiver;      /* served at the moment or last; 0: none so far */
	unsigned int receivers; /* that began to be served; each had nothing yet */
	bool sync_due;          /* the host is to be told where it begins, or asked what it has */
	bool host_left;         /* the one heard last has said that it ends */
	bool on_trial;          /* the receiver has begun, and acknowledged nothing yet */
	/* is not waited for because it acknowledged nothing: progress first, then it is again */
	bool stalled;
	uint64_t heard_ns; /* last valid acknowledgement; 0: none yet */
	uint64_t next_sync_ns;
	struct ration beginnings; /* each begins a group of blocks, and has all names said again */
	/* progress */
	uint64_t acked;        /* window.acked, as last looked at */
	uint64_t progress_ns;  /* when it grew, or nothing could be acknowledged */
	uint64_t rto_start_ns; /* the same, or the last probe */
	uint64_t rto_ns;
};

/* Begin. `bytes`: memory for what was sent. 0 or -ENOMEM. A channel whose sink is no line, or
 * cannot be read, is run as with LINKMODE_ONEWAY. */
int reliable_init(struct channel *c, enum link_mode mode, size_t bytes);
/* Is anything listened to? */
bool reliable_listens(const struct reliable *r);
/* Has the user told to wait for a host, whatever happens? */
bool reliable_always_waits(const struct reliable *r);
/* Has a host answered, and not taken its leave? It may be silent at the moment. */
bool reliable_expects(const struct reliable *r);
/* For how long such a host has said nothing; UINT64_MAX: there is none. */
uint64_t reliable_silent_ns(const struct reliable *r, uint64_t now_ns);
/* A host's Ack for our session. */
void reliable_acknowledged(struct channel *c, const ayaprof_Ack *ack, uint64_t now_ns);
/* The rate has changed, or the end has begun: timeouts start anew. */
void reliable_reset_timeout(struct channel *c);
/* Time passes: to be called each round, before the transmitter is pumped. */
void reliable_tick(struct channel *c, uint64_t now_ns);

#endif
