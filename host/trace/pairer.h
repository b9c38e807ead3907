/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Entries and exits of one session into calls, as they come, with one stack a thread.
 *
 * An exit matches the innermost open call of its function; calls open above that one lost their
 * exit. An exit that matches nothing is an orphan and changes nothing. Nothing is paired across
 * lost events: a new epoch closes what is open, thread by thread, as their events come; at both
 * ends of a range of kernel losses the open calls of every thread are closed that may have run on
 * that CPU in between.
 *
 * Calls whose exits were missed, and that no later event of their thread can close, one or a whole
 * pile of them, are found out by what is called in the innermost that used to come beside one of
 * them (missed.h). While that is in doubt, calls within it are set aside; the sink gets them in the
 * same order later. Those that were found out are given when what they were called in has ended,
 * with the end that they had: the only calls that do not come by their ends. Such a guess changes
 * where calls stand, when calls without an exit end, and with that the own time of what they were
 * called in; never which entry and exit are one call, nor how long a call or a function took.
 *
 * An event that is late begins or ends its call when its thread was last seen, not before.
 *
 * Holds: threads (about 400 bytes) with their open calls, both bounded: the thread that was
 * longest without an event goes when there are too many, its open calls end and are counted.
 * Ranges of losses that are to come, ends of 1024 epochs, and what missed.h says.
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
	bool points; /* states are wanted: all is kept up, whatever the sink takes */
};

/* `switches`: are switches of threads traced in this session? */
int pairer_new(struct pairer **p, const struct trace_memory *mem, uint64_t secret,
	struct pairer_output *out, uint16_t session, bool switches);
void pairer_free(struct pairer *p); /* NULL: nothing. Gives nothing to the sink */

/* The next event, by time; `late` as in struct trace_event; kind and number of arguments must
 * be possible ones. Calls that it ends, and segments, go to the sink. Returns 0 or -ENOMEM: the
 * event is left out, the pairer as good as before. */
int pairer_event(struct pairer *p, const struct stage_event *e, const uint64_t *args, bool late);
/* Epoch `epoch` has no event behind this time. Told before the first event of the next one, by
 * epoch; where an epoch's end is not known any more its calls end when their thread is seen
 * again. */
int pairer_epoch_end(struct pairer *p, uint32_t epoch, uint64_t end_ns);
/*
 * Events were lost in the kernel, on `cpu` (-1: any) between these times. Only losses that left no
 * hole in the indexes (LEDGER_BEFORE_INDEX), and not those of return probes, which lose an exit
 * alone: depth finds that. A range without a time (0), or one that ends before it begins, is left
 * out.
 *
 * Best told before events of that time come, but not long before, and by time: PAIRER_MAX_EDGES /
 * 2 ranges may be to come, with more the next one is taken to be now. A range in the past closes
 * what is still open since before it.
 */
int pairer_lost(struct pairer *p, uint64_t first_ns, uint64_t last_ns, int cpu);
/* What it knows, to bytes; or from them, into one that is new. Returns 0 or -EBADMSG: the bytes are
 * damaged, there were too many, or out of memory; a pairer that was to be read is only good to be
 * freed then. */
struct state;
int pairer_state(struct pairer *p, struct state *s);

/*
 * Calls over several states: those that began before next_call, the id of the next call, and end from
 * now on, are kept until the next mark. Bytes of them, or -EBADMSG: there were too many.
 */
#define PAIRER_MAX_ENDED 65536u
void pairer_mark(struct pairer *p, uint64_t next_call);
int pairer_ended(struct pairer *p, struct state *s);
/* Of bytes of another pairer, those that began before this one: to the sink. */
int pairer_give_ended(struct pairer *p, uint64_t before_call, struct state *s);
static inline int pairer_skip_ended(struct pairer *p, struct state *s)
{
	return pairer_give_ended(p, 0, s);
}
/* No event comes any more, but the thread goes on: segments end here, calls do not. */
void pairer_stop(struct pairer *p, uint64_t t_ns);
/* For a live view: calls that ended before this time and are set aside, since it is in doubt
 * where they stand, are given as they are. */
void pairer_hasten(struct pairer *p, uint64_t before_ns);
/* The session is over: calls that are open end, no later than last_ns. Only pairer_free() may
 * follow. */
int pairer_end(struct pairer *p, uint64_t last_ns);

#endif
