/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a trace is made of: for trace*.c, sessions.c, places.c, flow.c and
 * seek*.c only. */
#ifndef HOST_TRACE_INTERNAL_H
#define HOST_TRACE_INTERNAL_H

#include "host/trace/arrivals.h"
#include "host/trace/contested.h"
#include "host/trace/decode.h"
#include "host/trace/functions.h"
#include "host/trace/logs.h"
#include "host/trace/losses.h"
#include "host/trace/merger.h"
#include "host/trace/known_names.h"
#include "host/trace/pairer.h"
#include "host/trace/seek.h"
#include "host/trace/sequencer.h"
#include "host/trace/trace.h"

/* A board has one session at a time, and a file holds them one after the other; each that is open
 * may have a million open calls. When one more comes the one that was longest without an event is
 * over. */
#define FLOW_MAX_OPEN 8u

/* One session: what is known of it, and where its stream stands. */
struct session {
	struct trace *t;
	uint16_t index;
	struct trace_session pub;
	struct ledger *ledger; /* NULL: nothing to account for yet */
	struct arrivals arrivals;
	struct losses losses;
	struct session_functions functions;
	/* When the desk heard of it, ns since the file's first recording began. */
	bool has_arrival;
	uint64_t arrival_ns;
	uint64_t heard_ns;    /* first time that a status or sample says; 0: none */
	uint32_t last_frame;  /* number of its last frame of which something is given */
	bool begun, finished; /* something, everything of it has been given */
	bool open;            /* in trace.open */

	struct logs logs;
	struct samples samples;
	/* Events. */
	struct sequencer sequencer;
	struct decode_session decode;
	struct merger merger;
	struct pairer *pairer;
	uint64_t overrun_unmet; /* suspected of overruns, beyond what the totals say is missing */
	struct loss_gap gap;    /* that no event stands behind yet */
	bool gap_open;
	bool any_block;   /* one was decoded */
	uint32_t epoch;   /* of the newest block */
	uint64_t edge_ns; /* time of the newest event before a gap */
	uint64_t next_loss_ns;
	uint64_t watermark_ns;
	struct seek seek;
};

enum trace_phase {
	TRACE_NEW,
	TRACE_LEARNING,
	TRACE_LEARNED, /* being read for the second time */
	TRACE_LIVE,    /* read once */
	TRACE_ENDED,
};

/* Of the recording that is being read; a file may hold several. */
struct run {
	ayaprof_LineStats line;
	uint64_t frames, frame_bytes; /* that a board sent, as they stand in the file */
	uint64_t offset_ns;           /* its beginning, on the axis of session.arrival_ns */
	bool placed;                  /* offset_ns is known */
	/* Of these: with events, for the digest. */
	uint64_t event_frames, event_bytes;
};

/* What a digest says of the recording as a whole. */
struct digest {
	bool known;
	struct trace_totals totals; /* of what depends on events */
	struct digest_run {
		uint64_t frames, bytes; /* of events, run by run */
	} * run;
	size_t n_runs, cap_runs;
	uint64_t unknown_events; /* frames_unknown, of those with events */
	struct state bytes;      /* that were asked for */
};

struct trace {
	struct trace_config config;
	struct trace_memory *mem; /* &config.memory */
	struct trace_sink sink;
	enum trace_phase phase;
	int err; /* from within a callback that returns nothing */
	bool wants_events, wants_calls;
	struct ayp_message_ctx *ctx;
	void *message;  /* room for any */
	uint32_t frame; /* number of the newest in this reading, from 1 */

	struct session **session;
	size_t n_sessions, cap_sessions;
	struct table session_index;
	uint16_t newest;   /* session that was found last */
	uint32_t left_out; /* the newest one that found no place */

	struct known_names names;
	struct functions functions;
	struct contested contested;
	struct table loss_index; /* (session, number, check sum) of Loss messages that were here */
	struct sequencer_load load;
	struct decode decode;
	struct pairer_output pairing;
	/* Sessions whose events are on their way, the one that had some last at the end. */
	struct session *open[FLOW_MAX_OPEN];
	size_t n_open;

	struct trace_totals totals;
	struct run run;
	size_t n_runs;               /* before this one */
	ayaprof_LineStats past_line; /* of the runs before */
	bool has_end, had_end;       /* the newest frame, the one before it is a RecordingEnd */
	bool cut;                    /* a run did not end in order, and nobody has ended it since */
	/* A session that the desk announced, and is to come. */
	uint32_t announced;
	uint64_t announced_ns;
	bool has_announced;
	struct digest digest;
	struct state point;        /* of the newest point */
	uint64_t place, end_place; /* of the frame that is read */
	bool told_codec, told_format, told_protocol, told_sessions;
};

/* Only a part of the recording is read: what the rest says is in the digest. */
static inline bool trace_is_part(const struct trace *t)
{
	return t->digest.known;
}

/* All of it is read, and others will want to begin in the middle. */
static inline bool trace_makes_points(const struct trace *t)
{
	return t->config.points && !t->digest.known;
}

void trace_notify(struct trace *t, enum trace_notice notice, uint64_t a, uint64_t b);

/* ---- sessions.c ----------------------------------------------------------------------------- */

/* NULL: there is none (or too many: *err is 0 then). */
struct session *session_find(struct trace *t, uint32_t id);
struct session *session_get(struct trace *t, uint32_t id, int *err);
void sessions_free(struct trace *t);
/* The ledger, made when first needed. NULL: out of memory. */
struct ledger *session_ledger(struct session *s);
/* Who watches a line should know of it. */
void session_tell(struct session *s);
/* Of a later protocol: nothing of it is kept but that it is there. */
void session_drop(struct session *s);
/* Public figures from the ledger, or from what the first reading has found. */
void session_account(struct session *s, const struct ledger_totals *totals, uint64_t delivered);

/* ---- places.c: sessions on one axis of time --------------------------------------------------- */

void places_announce(struct trace *t, uint32_t session, uint64_t since_start_ns);
void places_recording(struct trace *t, const ayaprof_Recording *recording);
/* Shifts of sessions of which nothing has been given; where time begins, and how long it lasts. */
void places_settle(struct trace *t);
/* Something of a session is about to be given, of this time. */
void places_begin(struct session *s, uint64_t t_ns, bool event);
void places_reach(struct session *s, uint64_t t_ns);

/* ---- flow.c: events of a session, from blocks to the sink ------------------------------------ */

void flow_init(struct session *s);
int flow_block(struct session *s, const ayaprof_Events *e);
/* Kernel losses were told (without a first reading). */
int flow_told(struct session *s);
/* Holes are given up, all that was put in is decoded. */
int flow_settle(struct trace *t);
/* A session is over. */
int flow_finish(struct session *s);
void flow_free(struct session *s);

/* Begin in the middle: the pairer is made, `epoch` is that of the first event. */
int flow_resume(struct session *s, uint64_t start_index, uint32_t epoch);
/* What came between two points has been given. */
int flow_stop(struct session *s);

int flow_jobs_done(void *ctx, void *whose, struct decode_job *job);

/* ---- frames ------------------------------------------------------------------------------------ */

int frames_learn(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len);
int frames_give(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len);
int frames_finish(struct session *s); /* given.c: what waits of samples and logs, its events */
/* ---- seek_digest.c ------------------------------------------------------------------------------ */

/* What the digest says of a session, of the whole. */
void digest_account(struct session *s);
void digest_totals(struct trace *t);
/* Frames that are not read, once. */
void digest_frames(struct trace *t);
void digest_free(struct trace *t);

void runs_sum(struct trace *t);   /* runs.c: line statistics of all recordings */
int runs_next(struct trace *t);   /* a run is over: 0 or -ENOMEM */
void runs_begin(struct trace *t); /* the first one, of a digest */

#endif
