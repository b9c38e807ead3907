/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Who was on which CPU: calls into segments (struct trace_segment), as events come. The pairer
 * drives it; without a sink for segments it is not made.
 *
 * A segment is given when its call ends or its thread leaves the CPU. What is open knows no
 * segment: it begins where the call does or, had it one before, where its thread came back.
 *
 * Holds: a few words a CPU and a thread.
 */
#ifndef HOST_TRACE_LANES_H
#define HOST_TRACE_LANES_H

#include "host/trace/stage.h"

/* Calls deeper than this are not drawn again after a switch, and nothing is any more when there
 * have been many more segments than events: (depth * switches) of them could be asked for. */
#define LANES_DEPTH     256u
#define LANES_PER_EVENT 4u
#define LANES_FREE      65536u

struct frame;
struct pairer;
struct thread;

/* The thread of an event, which is not late, runs on its CPU. */
void lanes_seen(struct pairer *p, struct thread *t, const struct stage_event *e);
/* Its thread leaves its CPU; to which one, if that is known, say its arguments. */
void lanes_switched(
	struct pairer *p, struct thread *t, const struct stage_event *e, const uint64_t *args);
/* The innermost call of a thread, which stood at this depth, has ended. */
void lanes_closed(
	struct pairer *p, struct thread *t, const struct frame *f, size_t depth, uint64_t end_ns);
/* Nothing more comes: what is drawn of its calls ends here. */
void lanes_stop(struct pairer *p, struct thread *t, uint64_t now_ns);
/* The thread is forgotten. */
void lanes_forget(struct pairer *p, struct thread *t);

#endif
