/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Calls whose exits were missed, and that no later event of their thread could close: an outermost
 * call has no caller whose exit would. Everything that comes later stands too deep in them. It may
 * be one call, or a whole *pile*: all that was open when a recording was cut, when a program was
 * left by a longjmp, when a thread's id went to another one.
 *
 *     f() {  g() h() g() h() g { i { k...           the exits of g, i and k are missed here; h and
 *                                      h() g() h()  what follows stand in k: h, which used to come
 *                                                   beside g and which k never calls, raises the
 *                                                   doubt; g() in k proves it
 *
 * The innermost call of a thread is *in doubt* from the first call in it on
 *   - that its function is not known to make: no call of it that was left ever made it, in any
 *     thread;
 *   - whose function came beside one of the open calls: the same caller called it, and it left;
 *   - whose function is open nowhere, unless it is that call itself: recursion is no sign.
 * It is found guilty, with all that it was called in up to a call of g, when a call of g directly in
 * it is left, if the same three hold for that one and the open call of g. Then the missed exits lie
 * before the first doubtful call, there all of the pile ends, and what follows moves to where it
 * belongs: beside the outermost one that ended.
 *
 * Calls that end while there is a doubt are set aside, since their depth may change. A call found
 * guilty is kept as a *ghost* until what it was called in ends: if its exit comes after all, it was
 * real, it ends like any other call, and its function is known to call the other one from then on.
 * An exit is that of the newest call of its function, ghost or not, so which entry and exit are one
 * call and how long calls and functions took do not depend on what is guessed here.
 *
 * Holds: for each open call and each thread the functions that were called in it, eight in place,
 * more in sets; a bit for each pair of functions that call each other, of 131072 (a bit that is
 * another pair's, too, only keeps a doubt from being raised); ghosts, 104 bytes each. All bounded,
 * and beyond the bounds, or without memory, nothing is guessed: a pile that is deeper than the
 * ghosts a thread may have is left as it is.
 */
#ifndef HOST_TRACE_MISSED_H
#define HOST_TRACE_MISSED_H

#include "host/trace/levels.h"

#define MISSED_HELD       4096u   /* calls set aside, of a thread */
#define MISSED_HELD_ALL   65536u  /* of a session: 56 bytes each */
#define MISSED_SETS       4096u   /* levels with many functions */
#define MISSED_SET_SLOTS  8192u   /* of one */
#define MISSED_SLOTS      262144u /* of all: 8 bytes each */
#define MISSED_DOUBTS     8u      /* of a thread at one time */
#define MISSED_GHOSTS     64u     /* of a thread; for more the oldest ones end */
#define MISSED_GHOSTS_ALL 32768u  /* of a session */

/* A function is about to be entered, in a call. */
void missed_new_pair(struct pairer *p, struct thread *t, uint16_t func);
static inline void missed_entry(struct pairer *p, struct thread *t, uint16_t func)
{
	if (!pair_known(p, t->open[t->n - 1].func, func))
		missed_new_pair(p, t, func);
}
/* The innermost call, which was `f`, has been closed, and is `c` for the sink, which gets it
 * now or later. */
void missed_closed(struct pairer *p, struct thread *t, struct frame *f, const struct trace_call *c);
/* The thread has been under suspicion. An exit, that could be of the open call with this id (0:
 * none): is it a ghost's? Then it is dealt with. */
bool missed_exit(
	struct pairer *p, struct thread *t, uint16_t func, uint64_t open_id, uint64_t now_ns);
/* The thread, which has been under suspicion, comes from user space: kernel calls are over, ghosts,
 * too. */
void missed_syscall(struct pairer *p, struct thread *t);
/* No call is open any more: ghosts end without an exit. */
void missed_settle(struct pairer *p, struct thread *t);
/* If a call that is set aside ended before this time, all are given, and none is set aside
 * until these doubts are over. */
void missed_hasten(struct pairer *p, struct thread *t, uint64_t before_ns);
/* Is there a ghost? */
bool missed_pending(const struct thread *t);
/* When the oldest ghost began; UINT64_MAX: there is none. */
uint64_t missed_since(const struct thread *t);
/* Release what it has. Gives nothing. */
void missed_forget(struct pairer *p, struct thread *t);
void missed_free(struct pairer *p);

#endif
