/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A recording in memory: what views (plot, stats, export, info) are drawn from.
 *
 * Built once from a run.pb (model_load), then read-only. All arrays belong to the model and live
 * until model_free. Times are nanoseconds of the board's CLOCK_MONOTONIC; views subtract
 * model.origin_ns for people.
 */
#ifndef HOST_MODEL_H
#define HOST_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"
#include "proto/message.h"

/* An event as stored; its arguments are args[arg_at .. arg_at + nargs). */
struct model_event {
	uint64_t t_ns;
	uint32_t tid;
	uint16_t func; /* model id, see model_func */
	uint8_t cpu;
	uint8_t kind; /* enum ayp_event_kind */
	uint32_t arg_at;
	uint8_t nargs;
	uint8_t session; /* index into model.sessions */
	uint16_t epoch;  /* private: which events have no index gap between them */
};

enum call_flags {
	CALL_NO_EXIT = 1u << 0,  /* still running at the end, or its exit was lost: end_ns is the
				    last moment it is known to have run */
	CALL_NO_ENTRY = 1u << 1, /* reserved: exits without entry make no call */
};

/*
 * Entry and exit of one thread, paired last in first out; tid 0 (the idle task) is one thread per
 * CPU. Interrupts and what they call nest in the thread they interrupted. Nothing is paired across
 * lost events. start..end includes the time the thread slept: where it really ran is in
 * model_lanes.
 */

struct model_call {
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t self_ns; /* duration less direct children */
	uint32_t tid;
	uint16_t func;
	uint16_t depth; /* 0: outermost, within its thread (the idle task: within its CPU) */
	uint8_t cpu;    /* where it was entered */
	uint8_t flags;  /* enum call_flags */
	uint8_t session;
};

/* Events that did not arrive. */
struct model_loss {
	uint8_t cause; /* ayaprof_LossCause */
	uint8_t session;
	int cpu;                    /* -1: not known or all */
	uint64_t first_ns, last_ns; /* 0, 0 when not even the time is known */
	uint64_t count;
};

/* Ids are unique over all sessions by (class, name, owner); those of the first session that has
 * events are the ids of the line. */
struct model_func {
	/* As it was written, where a compiler made another of it (C++, Rust); no two functions of a
	 * kind and owner have the same. Safe to print; "func_N" when no name arrived. Owned */
	char *name;
	char *symbol;         /* what the board calls it: mostly the same. Owned */
	char *owner;          /* binary of a user function, or "". Owned */
	bool named;           /* false: the name is made up */
	uint8_t cls;          /* enum ayp_class */
	uint64_t exact_count; /* from the board's own totals */
	bool has_exact;
	uint64_t alloc_bytes, free_bytes, alloc_count, free_count; /* memory attributed to it */
};

struct model_task {
	uint32_t tid, tgid;
	char *comm; /* safe to print. Owned */
};

struct model_iface {
	uint32_t ifindex;
	char *name; /* safe to print. Owned */
};

struct model_stack {
	uint32_t id;
	uint32_t tgid;
	uint32_t kernel_frames;
	uint32_t n;
	uint32_t *symbols; /* innermost first; ids into model.symbols by model_symbol(). Owned */
};

/* A record of the board's kernel log. */
struct model_log {
	uint64_t seq, t_us; /* the kernel's count; microseconds of its log clock, since boot */
	uint64_t missed;    /* so many before this one are not here */
	uint32_t priority;  /* facility * 8 + level */
	uint8_t session;
	bool cut;   /* the board had more text */
	char *text; /* as it came: not safe to print, may have several lines. Owned */
};

struct model_session {
	uint32_t id; /* as on the line */
	/* Not 0: sent for receivers of this protocol and later. Then nothing of it is in the model:
	 * all below is 0. */
	uint32_t needs_protocol;
	ayaprof_Hello hello; /* has_hello false: never heard */
	bool has_hello;
	ayaprof_Status status; /* newest books */
	bool has_status;
	bool has_goodbye;
	char end_reason[64];
	bool command_ended; /* exit_status holds: 128 + the signal that ended it */
	int32_t exit_status;
	uint64_t produced;          /* best knowledge: status, or the highest event index seen */
	uint64_t delivered;         /* events in the file */
	uint64_t first_ns, last_ns; /* of its events; 0, 0 without any */
	int64_t shift_ns; /* add to a time of this session to have it on the first session's
			   * clock: 0 within one boot, else from the wall clocks */
};

struct model {
	/* recording */
	ayaprof_Recording recording;
	bool complete; /* ended in order */
	/* Line statistics, all recordings of the file together; frames and wire_bytes are at least
	 * what the file has from a board (statistics are written every few seconds). */
	ayaprof_LineStats line;
	uint64_t frames, frames_damaged; /* frames in the file; damaged stretches of it skipped */
	uint64_t frames_unknown; /* of kinds, or with contents, that this version does not know */

	struct model_session *sessions;
	size_t n_sessions;

	/* sorted by (session, t_ns), ring order kept among equal times of one CPU */
	struct model_event *events;
	size_t n_events;
	uint64_t *args;
	size_t n_args;

	/* sorted by (session, start_ns), outer calls before inner ones */
	struct model_call *calls;
	size_t n_calls;
	uint64_t orphan_exits; /* exits whose entry is not in the file */

	struct model_loss *losses;
	size_t n_losses;
	uint64_t lost_total;
	uint64_t lost_by_cause[_ayaprof_LossCause_ARRAYSIZE];

	ayaprof_Sample *samples; /* by (session, time); counters cumulative, sample_session[i] its
				    session */
	uint8_t *sample_session;
	size_t n_samples;

	struct model_log *logs; /* by (session, seq) */
	size_t n_logs;
	uint64_t logs_missed;

	uint64_t origin_ns;   /* the first moment of the first session: time zero of views */
	uint64_t duration_ns; /* from origin to the last event or sample (shifted); to the last
				 status when there is neither */
	bool has_time;        /* false: nothing in the file says when; origin and duration are 0 */
	uint32_t cpus;        /* highest CPU seen + 1 */

	struct model_private *priv;
};

/* Read a recording. Never fails on damage: what can be read is in the model and damage is counted.
 * Returns 0, or a negative errno after printing one line when there is no recording at all (cannot
 * be opened, empty, not a run.pb). `progress`: show a percentage on a terminal for long files. */
int model_load(struct model *m, const char *path, bool progress);
/* The same from memory, which is not needed afterwards. */
int model_load_memory(struct model *m, const void *data, size_t len);
void model_free(struct model *m);

/* A time of `session` for people: ns since model.origin_ns, never negative. */
static inline uint64_t model_since_origin(const struct model *m, uint8_t session, uint64_t t_ns)
{
	uint64_t t = t_ns + (uint64_t)m->sessions[session].shift_ns;

	return (int64_t)(t - m->origin_ns) < 0 ? 0 : t - m->origin_ns;
}

/* ---- who was on which CPU -----------------------------------------------------------------------
 */

/*
 * A stretch of a call during which its thread was on `cpu`. A CPU runs one thread at a time, so the
 * segments of one CPU never overlap at the same depth and nest rightly: a call that sleeps leaves
 * its CPU to others and goes on where its thread does. With switch events (class switch) the cuts
 * are exact; without, a thread is taken to run until another one is seen on its CPU or it
 * elsewhere. depth is the call's depth in its thread. A segment may have no length (a coarse
 * clock).
 */
struct model_segment {
	uint64_t start_ns, end_ns;
	uint32_t call; /* index into model.calls */
	uint16_t depth;
	uint8_t flags; /* enum segment_flags */
	uint8_t cpu;
};

enum segment_flags {
	SEGMENT_FIRST = 1u << 0, /* the call begins here */
	SEGMENT_LAST = 1u << 1,  /* the call ends here; on none when it ended with its thread not
				    seen on a CPU */
};

struct model_lane {
	uint32_t cpu;
	uint8_t session;
	size_t from, n; /* segments[from .. from + n), by start_ns, outer ones first */
};

struct model_lanes {
	struct model_segment *segments;
	size_t n_segments;
	struct model_lane *lanes; /* by (cpu, session); only CPUs that have segments */
	size_t n_lanes;
	uint64_t left_out; /* segments beyond the bound on memory (deep stacks that switch a lot) */
};

/* Returns 0 or -ENOMEM (no message). Costs about 24 bytes a call; release with model_lanes_free. */
int model_lanes_build(struct model_lanes *lanes, const struct model *m);
void model_lanes_free(struct model_lanes *lanes);

/* Lookups; never NULL for funcs and symbols (a placeholder name is made up). */
const struct model_func *model_func(const struct model *m, uint16_t func);
uint32_t model_func_count(const struct model *m);                         /* ids are below this */
const struct model_task *model_task(const struct model *m, uint32_t tid); /* NULL: unknown */
const struct model_iface *model_iface(const struct model *m, uint32_t ifindex); /* NULL: unknown */
const struct model_stack *model_stack(const struct model *m, uint32_t id);      /* NULL: unknown */
const char *model_symbol(const struct model *m, uint32_t symbol);

#endif
