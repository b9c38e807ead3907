/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One way out of the daemon: a spool, the sink it drains into, and the books of both. A daemon that
 * streams and records at once has two outputs, each exact for itself.
 *
 * Sequence numbers are given when a frame leaves the spool for the sink. Priorities reorder the
 * spool, so this is what makes the numbers ascend on the line, and gaps in them damage on the line.
 *
 * Events that do not fit the spool are dropped as a whole block, the newest, and from then on all
 * events until 1/16 of the spool is free again: whole windows of events, rather than random holes.
 */
#ifndef TARGET_OUTPUT_H
#define TARGET_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/framing.h"
#include "target/stream/losses.h"
#include "target/sink/sink.h"
#include "target/stream/spool.h"

/* The frame in hand: taken from the spool, not yet wholly taken by the sink. */
struct output_frame {
	uint8_t wire[FRAMING_MAX_WIRE + 8]; /* or a record with its tag and length */
	size_t len, at;                     /* len 0: none */
	unsigned int generation;            /* of the sink when it began */
	bool recorders;                     /* of the file, not of the session: not counted */
	uint32_t events;
	uint16_t n_shares;
	uint64_t first_ns, last_ns;
	struct spool_share shares[256];
};

struct output {
	struct sink *sink;
	struct spool spool;
	struct losses losses;
	struct output_frame frame;
	uint32_t session;
	uint32_t seq, recorder_seq; /* next; of our frames, and of the recorder's (session 0) */
	uint64_t frames;            /* wholly taken by the sink, repeats included */
	uint64_t wire_bytes;        /* taken by the sink, repeats included */
	uint64_t events_sent;       /* in frames wholly taken by the sink */
	bool pausing;               /* events are dropped until there is room again */
};

/* Takes the sink over. Returns NULL when there is no memory; the sink is then freed. */
struct output *output_new(struct sink *sink, uint32_t session, size_t spool_size);
void output_free(struct output *o);

/* Queue one message. `priority`: its kind's, or that of what it has to stay in order with. 0, or
 * -ENOSPC: not now. */
int output_post(struct output *o, unsigned int kind, unsigned int priority, uint8_t flags,
	const uint8_t *payload, size_t len);
/* Whether events are taken at the moment, rather than dropped until there is room again. */
bool output_takes_events(struct output *o);
/* Queue a block of events, or drop it and count it as lost. */
void output_post_events(struct output *o, const struct spool_item *item);

/* Could a payload of that size be queued with kind's priority? */
bool output_has_room(const struct output *o, unsigned int kind, size_t len);
/* Could blocks of together `bytes` be queued without one being dropped? */
bool output_has_event_room(const struct output *o, size_t bytes);

/* Move frames into the sink until it takes no more. */
void output_pump(struct output *o);
/* Nothing is left here (the sink may still hold bytes). */
bool output_empty(const struct output *o);
/* Bytes that still have to go, about. */
size_t output_backlog(const struct output *o);
/* Events taken, neither sent nor dropped. */
uint64_t output_pending(const struct output *o);
/* Drop everything that waits, counted as abandoned; the frame in hand too if `with_frame`. */
void output_abandon(struct output *o, bool with_frame);

#endif
