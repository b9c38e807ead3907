/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What one output's receiver must be told besides events: who speaks, names, stacks, losses, books.
 *
 * Names and stacks go out before the events that use them: the few that everything hangs on
 * (functions, interfaces) at once, those that come by the thousand (tasks, symbols, stacks) in line
 * with the events, so that they neither displace them nor run minutes ahead of them. A line that a
 * host may listen to from any moment on gets the hello and all names over and over, within a share
 * of its rate, and never more of that than it has carried: while it stands still nothing is
 * repeated. Where a host acknowledges, each new one gets the hello and all names once.
 */
#ifndef TARGET_FEED_H
#define TARGET_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/stream/budget.h"
#include "target/source/names.h"
#include "target/stream/output.h"
#include "target/stream/stacks.h"
#include "target/stream/writer.h"

/* A walk over everything that is repeated of one sort. */
struct cycle {
	unsigned int tables; /* NAMES_TABLE bits */
	bool stacks;         /* these, too, after the names */
	uint64_t started_ns;
	uint64_t name;  /* next index of names_used_at */
	uint64_t stack; /* next position in the stacks */
	bool wanted;    /* somebody has not had all of it yet */
};
enum { CYCLE_BASICS, CYCLE_TASKS, CYCLE_SYMBOLS, CYCLES };

struct feed {
	struct output *out;
	struct writer *writer;
	struct names *names;
	const struct stacks *stacks;
	int basics_listener; /* of functions and interfaces */
	int inline_listener; /* of tasks and symbols */
	uint64_t stack_told; /* position of the next stack to announce */
	bool repeats;        /* a host may come at any time */
	bool closed;         /* the goodbye is said: nothing may follow it */
	uint64_t hello_due, status_due, loss_due;
	bool introduced; /* the hello was said to who is there */
	struct cycle cycles[CYCLES];
	unsigned int turn; /* of the cycles */
	struct budget repeat_budget, telemetry_budget;
	unsigned int generation; /* of the output, as last introduced to */
};

/* 0 or -ENOMEM. All pointers must outlive the feed. */
int feed_init(struct feed *f, struct output *out, struct writer *writer, struct names *names,
	const struct stacks *stacks, uint64_t now);

/* The line's pace has changed: take the shares from the new one. */
void feed_follow_pace(struct feed *f);

/* Encode and queue a message in its kind's priority. 0; -ENOSPC: no room now; -EMSGSIZE: cannot be
 * encoded. */
int feed_post(struct feed *f, unsigned int kind, const void *msg);

/* Tell the functions and interfaces that have come into use, as far as there is room; and, in line
 * with the events, tasks, symbols and stacks. */
void feed_announce_basics(struct feed *f);
void feed_announce_inline(struct feed *f);
/* Whether all of them have been told. */
bool feed_announced(const struct feed *f);

/* Time passes. `books` fills a status (called only when one is due). */
struct feed_books {
	void (*fill)(void *ctx, const struct feed *f, ayaprof_Status *status);
	void *ctx;
};
void feed_tick(
	struct feed *f, const ayaprof_Hello *hello, const struct feed_books *books, uint64_t now);

/* Queue what has been lost and not told yet. */
void feed_tell_losses(struct feed *f);

#endif
