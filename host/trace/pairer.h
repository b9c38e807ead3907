/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Entries and exits of one session into calls, as they come, with one stack a thread.
 *
 * An exit matches the innermost open call of its function; calls open above that one lost their
 * exit. An exit that matches nothing is an orphan and changes nothing. Nothing is paired across lost
 * events: a new epoch closes what is open, thread by thread, as their events come; at both ends of a
 * range of kernel losses the open calls of every thread are closed that may have run on that CPU in
 * between.
 *
 * A call whose exit was missed, and that no later event of its thread can close, is found out by
 * what is called in it that used to come beside it (missed.h).
 *
 * Holds: threads with their open calls, both bounded: the thread that was longest without an event
 * goes when there are too many, its open calls end and are counted.
 */
#ifndef HOST_TRACE_PAIRER_H
#define HOST_TRACE_PAIRER_H

#include "host/trace/stage.h"

#define PAIRER_MAX_THREADS 65536u   /* a session's */
#define PAIRER_MAX_DEPTH   65535u   /* open calls of a thread */
#define PAIRER_MAX_OPEN    1048576u /* open calls of all threads: 64 bytes each */
#define PAIRER_MAX_EDGES   8192u /* of ranges of kernel losses that are still to come: two each */

struct pairer;

/* Where the results go, and what is asked on the way. Shared by all sessions of a trace. */
struct pairer_output {
	const struct trace_sink *sink;
	void *sink_ctx;
	struct trace_totals *totals; /* calls, calls_no_exit, orphan_exits, threads_forgotten */
	uint64_t next_call;          /* the id of the next call */
	const uint8_t *traits;       /* enum func_traits by trace id, TRACE_MAX_FUNCS of them */
};

/* `switches`: are switches of threads traced in this session? */
int pairer_new(struct pairer **p, const struct trace_memory *mem, uint64_t secret,
	struct pairer_output *out, uint16_t session, bool switches);
void pairer_free(struct pairer *p); /* NULL: nothing. Gives nothing to the sink */

/* The next event, by time; `late` as in struct trace_event. Calls that it ends, and segments, go to
 * the sink. Returns 0 or -ENOMEM. */
int pairer_event(struct pairer *p, const struct stage_event *e, const uint64_t *args, bool late);
/* Epoch `epoch` has no event behind this time. Told before the first event of the next one. */
int pairer_epoch_end(struct pairer *p, uint32_t epoch, uint64_t end_ns);
/* Events were lost in the kernel, on `cpu` (-1: any) between these times. Best told before events
 * of that time come; a range in the past closes what was open over it from now on. */
int pairer_lost(struct pairer *p, uint64_t first_ns, uint64_t last_ns, int cpu);
/* The session is over: calls that are open end, no later than last_ns. */
int pairer_end(struct pairer *p, uint64_t last_ns);

#endif
