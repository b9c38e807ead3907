/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where events come from: the running kernel (probes/) or a recording (replay.c). The daemon's loop
 * knows only this interface.
 *
 * Order of calls: start, activate, { consume | sample | losses | totals }*, deactivate, consume
 * until it returns 0, losses, totals, free. Functions return 0 or a count, or a negative errno
 * after having printed one line that says what failed, why and what to do.
 */
#ifndef TARGET_SOURCE_SOURCE_H
#define TARGET_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/base/config.h"
#include "target/source/names.h"
#include "proto/event.h"
#include "proto/message.h"

/* What a source tells the daemon. `ctx` is the daemon's. Called from consume only. */
struct source_sink {
	void *ctx;
	/* One event; the names of ev->func and ev->tid are already in the registry (or will never
	 * be). */
	void (*event)(void *ctx, const struct ayp_event *ev);
	/* A stack that an event's argument refers to by id; symbols are in the names registry.
	 * Called once per id, before the event. */
	void (*stack)(void *ctx, const ayaprof_Stack *stack);
};

/* Events lost before the daemon saw them, cumulative. */
struct source_loss {
	uint8_t cause; /* ayaprof_LossCause */
	int cpu;       /* -1: not known */
	uint64_t count;
	uint64_t first_ns, last_ns; /* of all losses so far; 0 if not known */
};

/* One probe module's state, for --check, the hello and the summary. */
struct source_report {
	char module[24];
	char mechanism[48]; /* what was attached, e.g. "raw_tp", "" if nothing */
	uint32_t attached;  /* live probes */
	uint32_t failed;    /* wanted, not attachable */
	char note[160];     /* why not, in the kernel's words; "" if all is well */
};

struct source;
struct source_ops {
	/* Load and attach everything, emit nothing yet. */
	int (*start)(struct source *s);
	/* From now on events are produced. Returns 0 or a negative errno. */
	int (*activate)(struct source *s);
	/* A descriptor that polls readable when consume has work, or -1 when consume always may. */
	int (*fd)(struct source *s);
	/* Hand over at most about `max` events. Returns how many, 0 if there are none at the
	 * moment, -ENODATA when a recording is at its end. With `until_ns` a replay at recorded
	 * times hands over only what is due; it is the CLOCK_MONOTONIC of the call. */
	int (*consume)(struct source *s, unsigned int max, uint64_t now_ns);
	/* When a replay at recorded times wants to be called again (CLOCK_MONOTONIC), 0: no wish.
	 */
	uint64_t (*next_due_ns)(struct source *s);
	/* No new events after this returns; what is in flight can still be consumed. */
	void (*deactivate)(struct source *s);
	/* Exact number of events produced so far, handed over or lost. */
	uint64_t (*produced)(struct source *s);
	/* Fill at most cap rows of losses so far; returns the number of rows. */
	size_t (*losses)(struct source *s, struct source_loss *rows, size_t cap);
	/* Fill the state at this moment (memory, interfaces); false if the source has none. */
	bool (*sample)(struct source *s, ayaprof_Sample *sample);
	/* Exact totals of function ids from *func on: fill at most cap rows with non-zero counts,
	 * set *func to where to go on (names_func_count when done). Returns rows filled. */
	size_t (*totals)(struct source *s, uint32_t *func, ayaprof_Aggregate *rows, size_t cap);
	/* i-th module; false past the end. */
	bool (*report)(struct source *s, size_t i, struct source_report *out);
	/* Detach, unload, release. */
	void (*free)(struct source *s);
};

/* Implementations embed this as their first member. */
struct source {
	const struct source_ops *ops;
	const char *name;      /* "kernel", "replay" */
	bool replay;           /* events come from a recording, not from this machine */
	bool foreign_pids;     /* thread ids of events are not those in /proc; set by start */
	uint64_t start_ns;     /* replay: time of the first event, set by start. Else unused */
	double attach_seconds; /* what start took */
};

/* The running kernel. Takes references to cfg, names and sink for its life. NULL after a message.
 */
struct source *probes_source_new(
	const struct config *cfg, struct names *names, const struct source_sink *sink);
/* A recording (cfg->replay_file). NULL after a message. */
struct source *replay_source_new(
	const struct config *cfg, struct names *names, const struct source_sink *sink);

/* ---- instead of a run (probes/) ------------------------------------------------------------- */

/* --check: print to stdout what this board can trace, how, and why not. Exit status 0 if anything
 * useful can be traced, else 1. */
int probes_check(const struct config *cfg);
/* --list-modules, --list-functions: print to stdout; exit status. */
int probes_list_modules(const struct config *cfg);
int probes_list_functions(const struct config *cfg, const char *glob);
/* Is there a module of that name? For early option errors. */
bool probes_module_exists(const char *name);
/* The same for what --mechanism takes. */
bool probes_mechanism_exists(const char *name);

#endif
