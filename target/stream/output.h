/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One way out of the daemon: a spool, the sink it drains into, and the books of both. A daemon that
 * streams and records at once has two outputs, each exact for itself.
 *
 * Sequence numbers are given when a frame leaves the spool for the sink. Priorities reorder the
 * spool, so this is what makes the numbers ascend on the line, and gaps in them damage on the line.
 *
 * Frames that were sent stay in a window, as far as it reaches, so that they can be sent again. With
 * `held` no new frame is sent that the window has no room for: it waits in the spool until a host
 * acknowledges older ones (reliable.h decides).
 *
 * Events that do not fit the spool are dropped as a whole block, the newest, and from then on all
 * events until 1/16 of the spool is free again: whole windows of events, rather than random holes.
 */
#ifndef TARGET_OUTPUT_H
#define TARGET_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/textframe.h"
#include "target/stream/losses.h"
#include "target/stream/pace.h"
#include "target/sink/sink.h"
#include "target/stream/spool.h"
#include "target/stream/window.h"

/* The frame in hand: taken from the spool, not yet wholly taken by the sink. */
struct output_frame {
	uint8_t wire[TEXTFRAME_MAX_WIRE]; /* or a frame between delimiters, or a record */
	size_t len, at;                   /* len 0: none */
	unsigned int generation;          /* of the sink when it began */
	bool recorders;                   /* of the file, not of the session: not counted */
	bool kept;                        /* in the window */
	bool again;                       /* out of the window: counted when it was new */
	bool urgent;
	uint32_t events;
	uint16_t n_shares;
	uint64_t first_ns, last_ns;
	struct spool_share shares[256];
};

struct output {
	struct sink *sink;
	struct pace pace; /* of the sink; line.h keeps it right */
	struct spool spool;
	struct losses losses;
	struct window window; /* size 0: none */
	bool held;
	bool awaited;           /* a host that is silent may ask for what is in the window */
	bool rests;             /* nothing but an urgent message begins */
	unsigned int receivers; /* hosts that began to be served; each has nothing yet */
	uint8_t urgent[128];    /* payload of a message that even a full window lets pass */
	uint8_t urgent_kind;
	size_t urgent_len;
	bool urgent_waits;
	uint32_t urgent_end; /* the number after the last such frame's */
	bool probe;          /* the newest frame is to be sent once more */
	struct output_frame frame;
	uint32_t session;
	uint32_t seq, recorder_seq; /* next; of our frames, and of the recorder's (session 0) */
	uint64_t frames;            /* wholly taken by the sink, repeats included */
	uint64_t frames_again;      /* of them, out of the window */
	uint64_t wire_bytes;        /* taken by the sink, repeats included */
	uint64_t
		new_bytes; /* of frames, repeats and urgent ones excluded: what a host cannot ask for */
	uint64_t events_sent; /* in frames wholly taken by the sink */
	bool pausing;         /* events are dropped until there is room again */
};

/* Takes the sink over. Returns NULL when there is no memory; the sink is then freed. */
struct output *output_new(struct sink *sink, uint32_t session, size_t spool_size);
void output_free(struct output *o);
/* Keep frames that were sent, up to `bytes` of them. To be called before the first is sent. 0, -EINVAL or
 * -ENOMEM. */
int output_keep_sent(struct output *o, size_t bytes);

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

/* Send a small message before everything but retransmissions, whatever the window says. Replaces one
 * that has not left yet. */
void output_post_urgent(struct output *o, unsigned int kind, const uint8_t *payload, size_t len);

/* The frame that was sent last for the first time was such a one, and is still kept. */
bool output_newest_is_urgent(const struct output *o);

/* Changes whenever somebody may be there who has nothing of what was sent. */
unsigned int output_generation(const struct output *o);

/* Move frames into the sink until it takes no more. */
void output_pump(struct output *o);
/* There is something that the sink could have now. */
bool output_wants_sink(const struct output *o);
/* Nothing is left here that was never sent (the sink may still hold bytes). */
bool output_empty(const struct output *o);
/* A host has acknowledged all that was sent; true too where nobody has to. */
bool output_acknowledged(const struct output *o);
/* Bytes that still have to go, about. */
size_t output_backlog(const struct output *o);
/* Events taken, neither sent nor dropped. */
uint64_t output_pending(const struct output *o);
/* Drop everything that waits, counted as abandoned; the frame in hand too if `with_frame`. */
void output_abandon(struct output *o, bool with_frame);

#endif
