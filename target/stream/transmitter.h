/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * From a channel's queue into its sink: numbers, framing, retransmission.
 *
 * Sequence numbers are given when a frame leaves the queue for the sink. Priorities reorder the
 * queue, so this is what makes the numbers ascend on the line, and gaps in them damage on the line.
 *
 * Frames that were sent stay in the window, as far as it reaches, so that they can be sent again.
 * With `windowed` no new frame is sent that the window has no room for: it waits in the queue until
 * a host acknowledges older ones (reliable.h decides).
 *
 * What goes first: an urgent message; what the line has damaged; what waits in the queue.
 */
#ifndef TARGET_TRANSMITTER_H
#define TARGET_TRANSMITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/textframe.h"
#include "target/sink/sink.h"
#include "target/stream/outqueue.h"
#include "target/stream/rate.h"
#include "target/stream/window.h"

/* Payload of a message that passes everything. */
#define TRANSMITTER_URGENT_MAX 128u

/* The frame in hand: begun, not yet wholly taken by the sink. */
struct tx_frame {
	uint8_t wire[TEXTFRAME_MAX_WIRE]; /* or a frame between delimiters, or a record */
	size_t len, at;                   /* len 0: none */
	unsigned int generation;          /* of the sink when it began */
	bool recorders;                   /* of the file, not of the session: not counted */
	bool kept;                        /* in the window */
	bool retransmission;              /* out of the window: counted when it was new */
	bool urgent;
	struct spool_item item; /* what it carries; no payload */
	struct spool_share shares[256];
};

struct transmitter {
	struct sink *sink; /* these three are the channel's */
	struct outqueue *queue;
	const struct rate *rate;
	struct window window; /* size 0: none */
	bool windowed;
	bool host_expected; /* a host that is silent may ask for what is in the window */
	bool quiesced;      /* for a change of rate: nothing but an urgent message begins */
	bool probe_newest;  /* the newest frame is to be sent once more */
	uint8_t urgent[TRANSMITTER_URGENT_MAX];
	uint8_t urgent_kind;
	size_t urgent_len;
	bool urgent_waits;
	uint32_t urgent_end; /* the number after the last such frame's */
	struct tx_frame frame;
	uint32_t session;
	uint32_t seq, recorder_seq; /* next; of our frames, and of the recorder's (session 0) */
	uint64_t frames;            /* wholly taken by the sink, retransmissions included */
	uint64_t retransmitted;     /* of them */
	uint64_t wire_bytes;        /* taken by the sink, retransmissions included */
	uint64_t
		/* of frames that are neither urgent nor retransmitted: what a host cannot ask
		 * for */
		new_bytes;
	uint64_t events_sent; /* in frames wholly taken by the sink */
};

/* Of whoever owns the three; they must outlive it. `session`: not 0. */
void transmitter_init(struct transmitter *t, struct sink *sink, struct outqueue *queue,
	const struct rate *rate, uint32_t session);
void transmitter_free(struct transmitter *t);
/* Keep frames that were sent, up to `bytes` of them. Must be called before the first is sent, once.
 * 0, -EINVAL or -ENOMEM. */
int transmitter_keep_sent(struct transmitter *t, size_t bytes);

/* Send a payload of at most TRANSMITTER_URGENT_MAX bytes before everything else, whatever the
 * window says. Replaces one that has not left yet. */
void transmitter_post_urgent(
	struct transmitter *t, unsigned int kind, const uint8_t *payload, size_t len);
/* The frame that was sent last for the first time was such a one, and is still kept. */
bool transmitter_newest_is_urgent(const struct transmitter *t);

/* Move frames into the sink until it takes no more. */
void transmitter_pump(struct transmitter *t);
/* There is something that the sink could have now. */
bool transmitter_wants_sink(const struct transmitter *t);
/* Nothing is left, here and in the queue, that was never sent (the sink may still hold bytes). */
bool transmitter_is_empty(const struct transmitter *t);
/* No frame, and no urgent message, is under way; the sink holds nothing either. */
bool transmitter_is_idle(const struct transmitter *t);
/* A host has acknowledged all that was sent; true too where nobody has to. */
bool transmitter_is_acknowledged(const struct transmitter *t);
/* Bytes that are ahead of anything new: in the sink, and the rest of the frame in hand. */
size_t transmitter_under_way(const struct transmitter *t);
/* Bytes that still have to go, about. */
size_t transmitter_backlog(const struct transmitter *t);
/* Events taken, neither sent nor dropped. */
uint64_t transmitter_pending(const struct transmitter *t);
/* Drop everything that waits, counted as abandoned; the frame in hand too if `with_frame`. */
void transmitter_abandon(struct transmitter *t, bool with_frame);

#endif
