/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One thread that waits for descriptors, times and the user's wish to stop (epoll(7)). Everything on the
 * desk that serves more than one thing at a time hangs on one of these.
 *
 * Handlers are called one after another from loop_turn and must not block: what may take long has a thread
 * of its own (host/base/writer.h). A handler may watch, unwatch, set and stop anything, itself as well.
 *
 * struct loop_fd and struct loop_timer are their owner's, zeroed before the first use, and stay where they
 * are from being watched or set until unwatched, called (timers) or stopped. Times are CLOCK_MONOTONIC in ns.
 * Functions that return int: 0 or a negative errno.
 */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	/* Told only: the other end is gone, or the descriptor is broken. Comes with LOOP_READ. */
	LOOP_HUP = 4,
};

struct loop_fd {
	void (*ready)(void *ctx, unsigned int events);
	void *ctx;
	/* the loop's */
	int fd;
	unsigned int events; /* 0: not watched */
	bool always; /* epoll knows no regular files: they are ready whenever somebody looks */
	struct loop_fd *next;
};

struct loop_timer {
	void (*due)(void *ctx);
	void *ctx;
	/* the loop's */
	uint64_t at_ns;
	size_t place; /* in the heap, from 1; 0: not set */
};

int loop_new(struct loop **loop);
/* What is watched and set is forgotten, nothing is closed. NULL is nothing. */
void loop_free(struct loop *l);

/* Watch w->fd = fd for `events`, from now on these. 0 events: keep watching for LOOP_HUP only.
 * Unwatch before the descriptor is closed. */
int loop_watch(struct loop *l, struct loop_fd *w, int fd, unsigned int events);
void loop_unwatch(struct loop *l, struct loop_fd *w);

/* Once, not before at_ns; set again, it is moved. -ENOMEM leaves it as it was. */
int loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t at_ns);
void loop_timer_stop(struct loop *l, struct loop_timer *t);

/* Wait until something is ready or due or the user wants to stop, then call its handlers. */
int loop_turn(struct loop *l);

/* When this turn's waiting ended. */
uint64_t loop_now(const struct loop *l);
uint64_t loop_clock(void); /* now */

/*
 * SIGINT, SIGTERM, SIGHUP and SIGXCPU are counted from now on, and end the waiting of loop_turn; SIGHUP that
 * was ignored stays so (nohup). After the second one the process has LOOP_GRACE_MS to end by itself,
 * wherever it hangs; then that signal ends it. SIGPIPE, SIGXFSZ and SIGTTOU are ignored: write(2) tells.
 * One loop of a process at a time; loop_free puts everything back.
 */
#define LOOP_GRACE_MS 700
int loop_catch_signals(struct loop *l);
unsigned int loop_signals(void); /* so far */

#endif
