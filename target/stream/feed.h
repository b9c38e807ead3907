/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What one channel's receiver must be told besides events: who speaks, names, stacks, losses,
 * books. It fills a queue and knows of whoever empties it only what struct feed_listener says.
 *
 * Names and stacks go out before the events that use them: the few that everything hangs on
 * (functions, interfaces) at once, those that come by the thousand (tasks, symbols, stacks) in line
 * with the events, so that they neither displace them nor run minutes ahead of them. Where somebody
 * may listen from any moment on, the hello and all names are said over and over, within a share
 * of the rate, and never more of that than has been carried: while the queue stands still nothing
 * is repeated. Where a listener says that it is there, each new one gets the hello and all names
 * once.
 */
#ifndef TARGET_FEED_H
#define TARGET_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/stream/budget.h"
#include "target/source/names.h"
#include "target/stream/outqueue.h"
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

/* Of the channel; all must outlive the feed. */
struct feed_parts {
	struct outqueue *queue;
	struct writer *writer;
	struct names *names;
	const struct stacks *stacks;
};

/* Who is fed, at this moment. */
struct feed_listener {
	bool present;            /* somebody is there to be told */
	bool blind;              /* somebody may begin to listen without a word */
	unsigned int generation; /* changes whenever there may be one who has been told nothing */
};

struct feed {
	struct outqueue *queue;
	struct writer *writer;
	struct names *names;
	const struct stacks *stacks;
	int basics_listener; /* of functions and interfaces */
	int inline_listener; /* of tasks and symbols */
	uint64_t next_stack; /* position of the next one to announce */
	bool ended;          /* the goodbye is said: nothing may follow it */
	uint64_t period_ns;
	uint64_t hello_due, status_due, loss_due;
	bool introduced; /* the hello was said to who is there */
	struct cycle cycles[CYCLES];
	unsigned int turn; /* of the cycles */
	struct budget repeat_budget, telemetry_budget;
	unsigned int generation; /* of the listener, as last introduced to */
};

/* 0 or -ENOMEM. */
int feed_init(struct feed *f, const struct feed_parts *parts, const struct shares *shares,
	unsigned int generation, uint64_t now);

/* How often, and how much of the line, is its from now on. */
void feed_set_shares(struct feed *f, const struct shares *shares);

/* Encode and queue a message in its kind's priority. 0; -ENOSPC: no room now; -EMSGSIZE: cannot be
 * encoded. */
int feed_post(struct feed *f, unsigned int kind, const void *msg);

/* The same, unless it is over its share of the line and not a must. False: it was left out. */
bool feed_post_telemetry(
	struct feed *f, unsigned int kind, const void *msg, bool must, uint64_t now);
/* Is there room and budget for another message of that kind, as large as may be? */
bool feed_takes_telemetry(struct feed *f, unsigned int kind, uint64_t now);

/* Announce the functions and interfaces that have come into use, as far as there is room; and, in
 * line with the events, tasks, symbols and stacks. */
void feed_announce_basics(struct feed *f);
void feed_announce_inline(struct feed *f);
/* Whether all of them have been announced. */
bool feed_announced(const struct feed *f);

/* Time passes. `books` fills a status (called only when one is due). */
struct feed_books {
	void (*fill)(void *ctx, const struct feed *f, ayaprof_Status *status);
	void *ctx;
};
void feed_tick(struct feed *f, const struct feed_listener *who, const ayaprof_Hello *hello,
	const struct feed_books *books, uint64_t now);

/* Queue what has been lost and not reported yet. */
void feed_report_losses(struct feed *f);

#endif
