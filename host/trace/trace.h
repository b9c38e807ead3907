/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The trace: frames of a recording, or of a line, into events, calls, samples, names and losses.
 *
 *     frames -> sequencer -> decoder -> merger -> pairer -> sink
 *               order of     (jobs)     CPUs      entries
 *               indexes                 into one  into calls
 *
 * Pure C: no operating system, no stdio, no threads of its own, nothing printed. All memory comes
 * from the function in the configuration, but for what reads a name of Rust, before it returns
 * (proto/demangle.h); how much is bounded by what is open at one time (calls, threads, names, the
 * windows of sequencer and merger), never by the length of the recording.
 *
 * A finished recording is read twice. The first reading looks at everything but the events: names
 * that come after what they name, sessions that turn out to be of a later protocol, which event
 * indexes there are at all, what the board says in the end that it lost. The second decodes and
 * gives everything to the sink, in order, once:
 *
 *     trace_new(); for all frames: trace_learn(); trace_learned();
 *                  for all frames: trace_frame(); trace_end(); trace_free();
 *
 * A line, or a recording that is being written, is read once: trace_learn() is left out, names are
 * what is known by then, and missing indexes are waited for only as long as the sequencer's window.
 *
 * Damaged, hostile or impossible input is counted, never an error: functions that return int return
 * 0 or -ENOMEM. Times are ns of the board's CLOCK_MONOTONIC unless they say otherwise.
 */
#ifndef HOST_TRACE_H
#define HOST_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "framing/framing.h"
#include "host/trace/ledger.h"
#include "host/trace/memory.h"
#include "proto/event.h"
#include "proto/message.h"

#define TRACE_MAX_SESSIONS 4096u  /* more are counted, and left out: trace_totals */
#define TRACE_MAX_FUNCS    65536u /* ids; when they run out the last one stands for the rest */

/* ---- what a sink is given ------------------------------------------------------------------- */

/* Lives as long as the call of the sink. */
struct trace_event {
	uint64_t t_ns;
	const uint64_t *arg; /* nargs of them; what they mean says the function's class */
	uint32_t tid;        /* 0: the idle task of `cpu` */
	uint16_t func;       /* trace id, see trace_func() */
	uint16_t session;    /* index, see trace_session() */
	uint8_t cpu;
	uint8_t kind; /* enum ayp_event_kind */
	uint8_t nargs;
	bool late; /* its place in time had been given to the sink already: t_ns is before that */
};

enum trace_call_flags {
	/* Still running at the end, or its exit was lost or missed: end_ns is the last moment it is
	 * known to have run. */
	TRACE_CALL_NO_EXIT = 1u << 0,
	/* Its place in the stack was found by what is plausible, not by its own exit and entry. */
	TRACE_CALL_REPAIRED = 1u << 1,
};

/*
 * Entry and exit of one thread, paired last in first out; tid 0 (the idle task) is one thread per
 * CPU. Interrupts and what they call nest in the thread they interrupted. Nothing is paired across
 * lost events. start..end includes the time the thread slept: where it really ran say segments.
 */
struct trace_call {
	uint64_t id; /* from 1, in the order of entries over all sessions */
	uint64_t start_ns, end_ns;
	uint64_t self_ns; /* duration less direct children */
	/* What it adds to the time spent in its function, recursion counted once: its duration if it
	 * is complete and within no other call of its function; 0 within one; of a call without exit
	 * the sum of what complete calls of its function within it would have added. */
	uint64_t total_ns;
	uint32_t tid;
	uint16_t func;
	uint16_t depth; /* 0: outermost, within its thread (the idle task: within its CPU) */
	uint16_t session;
	uint8_t cpu;   /* where it was entered */
	uint8_t flags; /* enum trace_call_flags */
};

enum trace_segment_flags {
	TRACE_SEGMENT_FIRST = 1u << 0, /* the call begins here */
	/* The call ends here; on none when it was found later to have ended, or while its thread was
	 * on no CPU. */
	TRACE_SEGMENT_LAST = 1u << 1,
};

/*
 * A stretch of a call during which its thread was on `cpu`. A CPU runs one thread at a time, so the
 * segments of one CPU never overlap at the same depth and nest rightly: a call that sleeps leaves
 * its CPU to others and goes on where its thread does. With switch events the cuts are exact;
 * without, a thread is taken to run until another one is seen on its CPU or it elsewhere. A segment
 * may have no length (a coarse clock). Given when it ends: those of one CPU by end_ns, inner ones
 * first. Its call may still be open.
 */
struct trace_segment {
	uint64_t start_ns, end_ns;
	uint64_t call; /* id of struct trace_call, which comes before the call does */
	uint32_t tid;
	uint16_t func;
	uint16_t depth;
	uint16_t session;
	uint8_t cpu;
	uint8_t flags; /* enum trace_segment_flags */
};

/* Events that did not arrive. The counts of a session's losses add up to its books exactly. */
struct trace_loss {
	uint64_t first_ns, last_ns; /* 0, 0 when not even the time is known */
	uint64_t count;
	int cpu; /* -1: not known or all */
	uint16_t session;
	uint8_t cause; /* ayaprof_LossCause */
};

/* A record of the board's kernel log. Lives as long as the call of the sink. */
struct trace_log {
	uint64_t seq, t_us; /* the kernel's count; microseconds of its log clock, since boot */
	uint64_t missed;    /* so many before this one are not here */
	const char *text;   /* as it came: not safe to print, may have several lines */
	uint32_t priority;  /* facility * 8 + level */
	uint16_t session;
	bool cut; /* the board had more text */
};

/*
 * What a view wants; callbacks that are NULL are not called, and what only they need is not done.
 * A callback returns nothing: a view that failed remembers that itself, and whoever reads may stop.
 * All come from within trace_frame(), trace_learned() and trace_end().
 *
 * Order: within a session events come by time (equal times: by CPU, on one CPU as they happened),
 * but for those marked late. A call comes when it ends, after the event of its exit, or somewhat
 * later while it is in doubt where it stands; calls of one thread by end_ns, but for those that are
 * both NO_EXIT and REPAIRED, which come when their caller has ended. Losses with a time come before
 * the first event behind them. Sessions come one after the other where the recording has them so,
 * and mixed where it mixes them.
 */
struct trace_sink {
	void (*event)(void *ctx, const struct trace_event *e);
	void (*call)(void *ctx, const struct trace_call *c);
	void (*segment)(void *ctx, const struct trace_segment *s);
	void (*sample)(void *ctx, uint16_t session, const ayaprof_Sample *s);
	void (*loss)(void *ctx, const struct trace_loss *l);
	void (*log)(void *ctx, const struct trace_log *r);
	/* A function or session has changed or is new (a live view's). */
	void (*name)(void *ctx, uint16_t func);
	void (*session)(void *ctx, uint16_t session);
	/* All before t_ns of this session has been given: events, losses, segments, and calls that
	 * are not open. Called after each step that moved it. */
	void (*watermark)(void *ctx, uint16_t session, uint64_t t_ns);
};

/* ---- making one ----------------------------------------------------------------------------- */

/*
 * Work that may run beside the caller, on threads that it has. start() runs work(arg) now or later,
 * anywhere, and returns a handle; wait() returns when it is done, and frees the handle. Each handle
 * is waited for once. Without them (NULL) everything runs in the caller. Jobs allocate nothing.
 */
struct trace_threads {
	void *(*start)(void *ctx, void (*work)(void *arg), void *arg); /* NULL: it has been run */
	void (*wait)(void *ctx, void *handle);
	void *ctx;
	unsigned int n; /* how many jobs are worth having at a time; 0 is 1 */
};

/* Things that a user should be told, each at most once. */
enum trace_notice {
	TRACE_NOTICE_LATER_FORMAT,   /* a: the recording's format version */
	TRACE_NOTICE_LATER_CODEC,    /* a: codec that is not known */
	TRACE_NOTICE_LATER_PROTOCOL, /* a: protocol needed, b: sessions left out for it */
	TRACE_NOTICE_SESSIONS,       /* b: TRACE_MAX_SESSIONS: more are left out, and counted */
};

struct trace_config {
	struct trace_memory memory;
	struct trace_threads threads;
	const struct trace_sink *sink; /* outlives the trace */
	void *sink_ctx;
	void (*notice)(void *ctx, enum trace_notice notice, uint64_t a, uint64_t b); /* or NULL */
	void *notice_ctx;
	uint64_t secret; /* for hash tables: a random number, see table.h */
	bool points;     /* seek points and a digest are wanted, see below */
};

struct trace;

/* The configuration is copied. */
int trace_new(struct trace **t, const struct trace_config *config);
void trace_free(struct trace *t); /* NULL: nothing */

/* A valid frame (its CRC was right) in the first reading, in the order of the file. */
int trace_learn(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len);
/* The first reading is over. */
int trace_learned(struct trace *t);
/* The same frames again; or, when none were learned, the frames of a line as they come. */
int trace_frame(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len);
/* The recording is over: all that waits is given, calls that are open end. */
int trace_end(struct trace *t);

/*
 * ---- seek points: reading only a part -----------------------------------------------------------
 *
 * A trace that is made with `points` can be asked, between two frames, where a session stands; and,
 * when it is over, for a digest: what a first reading would find out in the frames with events.
 * Another trace, that is given the digest first, needs none of these to be learned, and in the second
 * reading only those between two points:
 *
 *     trace_new(); trace_know_digest(); for all frames but events: trace_learn(); trace_learned();
 *     for sessions of which events are wanted: trace_resume();
 *     for all frames but events, and the events between the points: trace_frame();
 *     for these sessions: trace_stop(); from all later points: trace_give_ended();
 *     trace_end(); trace_free();
 *
 * The sink is given the same samples, logs and losses as by reading everything, the same events and
 * segments between the points, and all calls that are open at some moment between them, with the
 * same ends. Totals are those of the whole recording. Digest and states may be anybody's bytes.
 */

/* Where the frame is that comes next: in the file, and behind it. Before each trace_frame(). */
void trace_place(struct trace *t, uint64_t place, uint64_t end_place);

struct trace_point {
	uint64_t start_index;          /* of the block to start with */
	uint64_t start_place;          /* in the file, of the first record needed from there on */
	uint64_t end_place;            /* behind the last record that was read for this point */
	uint64_t given, skip;          /* events given so far; of start_index and later */
	uint64_t newest_ns, oldest_ns; /* highest time so far; lowest since the point before */
	uint64_t next_call;
	const uint8_t *state; /* the trace's until it is asked again; when resuming the caller's */
	size_t state_len;
};
/* Where a session stands. Returns 1, 0 (there is no place to start now; ask later), or -ENOMEM. */
int trace_point(struct trace *t, uint16_t session, struct trace_point *p);

/* After trace_end(): bytes, the trace's. Returns 1, 0 (there can be none) or -ENOMEM. */
int trace_digest(struct trace *t, const uint8_t **bytes, size_t *len);
/* Of a new trace; the bytes stay the caller's, and are needed until it is freed. Returns 0, -EBADMSG (only good to be freed) or -ENOMEM. */
int trace_know_digest(struct trace *t, const uint8_t *bytes, size_t len);
/* Where the session's events stand in the file, and the lowest time of those behind its last point
 * (UINT64_MAX: there are none). */
struct trace_event_range {
	uint64_t from, to; /* of the first record, behind the last one */
	uint64_t oldest_ns;
};
void trace_event_range(const struct trace *t, uint16_t session, struct trace_event_range *r);
/* from: NULL, begin with its first event. until: NULL, go on to its last one. Gives nothing to the
 * sink yet. As above. */
int trace_resume(struct trace *t, uint16_t session, const struct trace_point *from,
	const struct trace_point *until);
/* What there was between the points has been given. Returns 0 or -ENOMEM. */
int trace_stop(struct trace *t, uint16_t session);
/* Calls that went on beyond `until`, as far as they ended before this point (NULL: by the end of the
 * session; what the digest says). As trace_know_digest(). */
int trace_give_ended(struct trace *t, uint16_t session, const struct trace_point *p);

/* ---- what is known; valid until the next trace_learn, trace_frame or trace_free --------------- */

struct trace_func {
	/* As it was written, where a compiler made another of it (C++, Rust); no two functions of a
	 * class and owner have the same. Safe to print; "func_N" when no name arrived. */
	const char *name;
	const char *symbol; /* what the board calls it: mostly the same */
	const char *owner;  /* binary of a user function, or "" */
	bool named;         /* false: the name is made up */
	uint8_t cls;        /* enum ayp_class */
	bool has_exact;
	uint64_t exact_count; /* from the board's own totals, all sessions */
	uint64_t alloc_bytes, free_bytes, alloc_count, free_count; /* memory attributed to it */
};

/* Never NULL: a placeholder for ids that nothing refers to, with named false and name "func_?".
 * Ids are one space over all sessions, by (class, name, owner); those of the first session that has
 * events are the ids of the line. */
const struct trace_func *trace_func(const struct trace *t, uint16_t func);
uint32_t trace_func_count(const struct trace *t); /* ids are below this */

/* A thread at a moment. */
struct trace_task {
	const char *comm; /* safe to print */
	uint32_t tgid;
	uint64_t since_ns;   /* this name holds from here on; 0: from the beginning */
	uint32_t generation; /* counts from 0 where an id was used again or its program changed */
};
/* The name that held at t_ns (the first one when t_ns is before all). NULL: unknown. */
const struct trace_task *trace_task(
	const struct trace *t, uint16_t session, uint32_t tid, uint64_t t_ns);
/* Safe to print. NULL: unknown. */
const char *trace_iface(const struct trace *t, uint16_t session, uint32_t ifindex);

struct trace_stack {
	uint32_t tgid;
	uint32_t kernel_frames; /* the first so many are kernel frames */
	uint32_t n;
	const uint32_t *symbols; /* innermost first; for trace_symbol() of the same session */
};
const struct trace_stack *trace_stack(
	const struct trace *t, uint16_t session, uint32_t id); /* NULL */
/* Safe to print, as it was written. Never NULL: "[unknown]". */
const char *trace_symbol(const struct trace *t, uint16_t session, uint32_t symbol);

struct trace_session {
	uint32_t id; /* as on the line */
	/* Not 0: sent for receivers of this protocol and later. Nothing of it is given to the sink,
	 * and all below is 0. */
	uint32_t needs_protocol;
	ayaprof_Hello hello; /* has_hello false: never heard */
	bool has_hello;
	ayaprof_Status status; /* newest */
	bool has_status;
	bool has_goodbye;
	char end_reason[64]; /* safe to print */
	bool command_ended;  /* exit_status holds: 128 + the signal that ended it */
	int32_t exit_status;
	/* produced = delivered + lost_total, exactly. While learning `delivered` counts what has
	 * arrived; at the end of the second reading it is what the sink was given. */
	uint64_t produced, delivered, lost_total;
	uint64_t lost[LEDGER_CAUSES];
	uint64_t first_ns, last_ns;              /* of its events so far; 0, 0 without any */
	uint64_t last_sample_ns, last_status_ns; /* 0: none */
	/* Add to a time of this session to have it on the first session's clock: 0 within one boot,
	 * else by when the desk heard of the session first. */
	int64_t shift_ns;
};
uint16_t trace_session_count(const struct trace *t);
const struct trace_session *trace_session(const struct trace *t, uint16_t session);

/* Of all sessions together. */
struct trace_totals {
	ayaprof_Recording recording; /* the first one's; has_recording false: none */
	bool has_recording;
	bool ended; /* all recordings in the file ended in order (PROTOCOL.md, section 11) */
	/* Line statistics, all recordings of the file together; frames and wire_bytes are at least
	 * what the file has from a board (statistics are written every few seconds). */
	ayaprof_LineStats line;
	uint64_t frames;         /* in the file */
	uint64_t frames_unknown; /* of kinds, or with contents, that this version does not know */
	uint64_t sessions_left_out;
	uint64_t events, calls, calls_no_exit, orphan_exits, samples, logs, logs_missed;
	uint64_t lost_total, lost[LEDGER_CAUSES];
	uint64_t threads_forgotten; /* beyond the bound on threads: their open calls ended early */
	uint64_t names_left_out;    /* beyond the bound on names */
	uint64_t events_late;       /* given with `late` */
	uint64_t blocks_out_of_reach; /* came too long after those behind them: counted as lost */
	bool has_time;                /* false: nothing says when; origin and duration are 0 */
	uint64_t origin_ns;   /* the first moment of the first session: time zero of views */
	uint64_t duration_ns; /* from there to the last event or sample; see trace_since_origin() */
	uint32_t cpus;        /* highest CPU seen + 1 */
};
const struct trace_totals *trace_totals(const struct trace *t);

/* A time of `session` for people: ns since the origin, never negative. */
uint64_t trace_since_origin(const struct trace *t, uint16_t session, uint64_t t_ns);

#endif
