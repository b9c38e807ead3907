/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One way out of the daemon with all that belongs to it: a serial line, a file, TCP clients. A
 * daemon that streams and records at once has two channels, each exact for itself; neither knows of
 * the other.
 *
 *   stream --blocks--> queue ---> transmitter ---> sink ~~~~~~> host
 *   feed ---names----> (spool,    (frame in hand,   ^             |
 *     ^                 losses)    window)          |             |
 *     | shares                       | what is lost | set_rate    |
 *   rate <---------------------------+-- reliable <-+-- baud <-- backchannel <~~~~ Ack, Control
 *
 * The channel is in one state (docs/channel.md draws them). It changes in channel_enter only, and
 * only along a row of CHANNEL_TRANSITIONS; proto/PROTOCOL.md, section 15, has the same rows, and a
 * test compares them.
 *
 * What depends on what the line carries in a second is worked out in one place (rate_derive), and
 * reaches those who use it through one function, channel_follow_rate; a change of the baud rate and
 * a device that came back go through it.
 *
 * Single-threaded; times are CLOCK_MONOTONIC in ns. Memory is taken by channel_new, and by names
 * for listening.
 */
#ifndef TARGET_CHANNEL_H
#define TARGET_CHANNEL_H

#include "target/base/config.h"
#include "target/sink/sink.h"
#include "target/stream/backchannel.h"
#include "target/stream/baud.h"
#include "target/stream/closing.h"
#include "target/stream/feed.h"
#include "target/stream/rate.h"
#include "target/stream/reliable.h"
#include "target/stream/transmitter.h"

enum channel_state {
	CHANNEL_DOWN,       /* nobody and nothing is there to write to */
	CHANNEL_CONNECTING, /* frames are kept for a host that has acknowledged none yet */
	CHANNEL_ONE_WAY,    /* nobody is waited for: best effort */
	CHANNEL_RELIABLE,   /* a host acknowledges: what the line damages is sent again */
	/* no new events: what is left goes out, then the goodbye; whatever the line does */
	CHANNEL_QUIESCING,
	CHANNEL_CLOSED, /* nothing goes out any more */
};
#define CHANNEL_STATES (CHANNEL_CLOSED + 1)

/* from, to, when. Any other change is a bug. */
#define CHANNEL_TRANSITIONS(ROW)                                                                   \
	ROW(DOWN, CONNECTING, "the other end is there, and frames are kept for a host")            \
	ROW(DOWN, ONE_WAY, "the other end is there, and nobody is waited for")                     \
	ROW(DOWN, QUIESCING, "the run is over")                                                    \
	ROW(CONNECTING, DOWN, "the other end went away")                                           \
	ROW(CONNECTING, ONE_WAY, "the host left, fell silent, or acknowledged nothing in time")    \
	ROW(CONNECTING, RELIABLE, "the host acknowledges")                                         \
	ROW(CONNECTING, QUIESCING, "the run is over")                                              \
	ROW(ONE_WAY, DOWN, "the other end went away")                                              \
	ROW(ONE_WAY, CONNECTING, "a host says where it begins")                                    \
	ROW(ONE_WAY, RELIABLE, "a host that began before acknowledges again")                      \
	ROW(ONE_WAY, QUIESCING, "the run is over")                                                 \
	ROW(RELIABLE, DOWN, "the other end went away")                                             \
	ROW(RELIABLE, CONNECTING, "the host left or fell silent, and the user has said to wait")   \
	ROW(RELIABLE, ONE_WAY, "the host left, fell silent, or acknowledges nothing any more")     \
	ROW(RELIABLE, QUIESCING, "the run is over")                                                \
	ROW(QUIESCING, CLOSED, "all has left this machine, or was given up")

/* What a channel asks of the stream. All must be there; none may free the channel. */
struct channel_ops {
	/* Everything that follows from c->rate is new: blocks are to be cut for it. */
	void (*rate_changed)(void *ctx, struct channel *c);
	/* A host's command. */
	void (*control)(void *ctx, struct channel *c, const ayaprof_Control *msg);
	/* Queue the goodbye, `times` of it, or what ends a recording. 0 or a negative errno. */
	int (*goodbye)(void *ctx, struct channel *c, unsigned int times);
	int (*end_recording)(void *ctx, struct channel *c);
};

/* Of the stream; all must outlive the channel. */
struct channel_parts {
	struct writer *writer;
	struct names *names;
	const struct stacks *stacks;
	const struct channel_ops *ops;
	void *ctx;
};

struct channel {
	enum channel_state state;
	struct sink *sink;  /* owned */
	size_t frame_bytes; /* as the user wants them, 0: no wish */
	struct rate rate;
	struct outqueue queue;
	struct transmitter tx;
	struct reliable link;
	struct baud baud;
	struct backchannel back;
	struct feed feed;
	struct closing closing;
	struct writer *writer;
	const struct channel_ops *ops;
	void *ctx;
};

/* Takes the sink over, which must be open. `spool_size`: bytes, at least SPOOL_MIN_SIZE. NULL: no
 * memory; the sink is then freed. cfg must outlive the channel. */
struct channel *channel_new(
	struct sink *sink, const struct config *cfg, uint32_t session, size_t spool_size);
/* In any state. */
void channel_free(struct channel *c);
/* To be called once, before all below. 0 or -ENOMEM. */
int channel_join(struct channel *c, const struct channel_parts *parts, uint64_t now_ns);

/* ---- each round of the loop, in this order ---- */

/* Look what has become of the other end. */
void channel_look(struct channel *c, uint64_t now_ns);
/* Read what a host has said. */
void channel_hear(struct channel *c, uint64_t now_ns);
/* Time passes. */
void channel_tick(struct channel *c, uint64_t now_ns);
/* Move frames into the sink until it takes no more. */
void channel_pump(struct channel *c);
/* There is something that the sink could have now. */
bool channel_wants_sink(const struct channel *c);

/* ---- the end ---- */

/* No event comes any more. Must be called once; then channel_close each round, after channel_pump,
 * until it says true: closed. */
void channel_quiesce(struct channel *c, uint64_t now_ns);
bool channel_close(struct channel *c, const struct closing_wish *wish, uint64_t now_ns);

/* ---- of use at any time ---- */

/* Changes whenever somebody may be there who has nothing of what was sent. */
unsigned int channel_generation(const struct channel *c);
/* Somebody may begin to listen at any moment without a word: names are repeated, and the
 * goodbye. */
bool channel_is_blind(const struct channel *c);
/* Send a small message, of at most TRANSMITTER_URGENT_MAX bytes as encoded, before everything
 * else. */
void channel_post_urgent(struct channel *c, unsigned int kind, const void *msg);
/* The channel's part of the books at this moment. */
void channel_fill_status(const struct channel *c, ayaprof_Status *status);
const char *channel_state_name(enum channel_state state);

/* ---- for the parts of the channel ---- */

/* Whether the table has such a row. */
bool channel_may(enum channel_state from, enum channel_state to);
/* There must be a row. Without one a release build says so and stays where it is. */
void channel_enter(struct channel *c, enum channel_state to);
/* What the link has become: CHANNEL_CONNECTING, _ONE_WAY or _RELIABLE. It is the state from now on,
 * unless the channel is down or quiescing: then only whether frames wait for acknowledgements
 * follows. */
void channel_set_link(struct channel *c, enum channel_state link);
/* Run the line at another rate. The sink must have set_rate, and all sent before must have left. 0
 * or a negative errno, and the rate is as before. */
int channel_set_baud(struct channel *c, uint32_t baud);
/* What the sink's line carries may have changed, for whatever reason: everything derived from it
 * follows. */
void channel_follow_rate(struct channel *c);

#endif
