/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A call whose exit was missed, and that no later event of its thread could close: an outermost
 * call has no caller whose exit would. Everything that comes later stands one row too deep in it.
 *
 *     f() {  g() h() g() h() g...            g's exit is missed here; h and what follows
 *                             h() g() h()    stand in g: h, which used to come beside g and
 *                                            never in it, raises the doubt; g() itself proves it
 *
 * A call of g is *doubtful* from the first call in it on whose function came beside it before (was
 * called by the same caller, and left) and never inside a call of g there, if g came before, too.
 * It is found guilty when a call of g directly in it is left: then the missed exit lies before the
 * first doubtful call, there it ends, and what follows moves back to where it belongs. Functions
 * that are known to call themselves are never guilty.
 *
 * Calls that end while there is a doubt are set aside, since their depth may change. A call found
 * guilty is kept as a *ghost* until its caller ends: if its exit comes after all, it was real. So
 * counts and times of functions do not depend on what is guessed here.
 *
 * Holds: for each open call and each thread what was called in it, four functions in place, more
 * in sets; all bounded, and beyond the bounds, or without memory, nothing is guessed.
 */
#ifndef HOST_TRACE_MISSED_H
#define HOST_TRACE_MISSED_H

#include "host/trace/stage.h"

#define MISSED_HELD      4096u   /* calls set aside, of a thread */
#define MISSED_HELD_ALL  65536u  /* of a session: 56 bytes each */
#define MISSED_SETS      4096u   /* levels with many functions */
#define MISSED_SET_SLOTS 8192u   /* of one */
#define MISSED_SLOTS     262144u /* of all: 8 bytes each */
#define MISSED_DOUBTS    8u      /* of a thread at one time */
#define MISSED_GHOSTS    4u

struct frame;
struct pairer;
struct thread;

/* A function is about to be entered, in a call. */
void missed_entry(struct pairer *p, struct thread *t, uint16_t func);
/* The innermost call, which was `f`, has been closed, and is `c` for the sink, which gets it
 * now or later. */
void missed_closed(struct pairer *p, struct thread *t, struct frame *f, const struct trace_call *c);
/* An exit that no open call matches: was it a ghost's? */
bool missed_exit(struct pairer *p, struct thread *t, uint16_t func, uint64_t now_ns);
/* The thread comes from user space: kernel calls are over, ghosts, too. */
void missed_syscall(struct pairer *p, struct thread *t);
/* No call is open any more: ghosts end without an exit. */
void missed_settle(struct pairer *p, struct thread *t);
/* If a call that is set aside ended before this time, all are given, and none is set aside
 * until these doubts are over. */
void missed_hasten(struct pairer *p, struct thread *t, uint64_t before_ns);
/* Is there a ghost? */
bool missed_pending(const struct thread *t);
/* Release what it has. Gives nothing. */
void missed_forget(struct pairer *p, struct thread *t);
void missed_free(struct pairer *p);

#endif
