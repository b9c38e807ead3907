/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Blocks of events into one order by time.
 *
 * In: the events of blocks, in the order of their indexes, those of each block sorted already (by
 * the job that decoded it). Out: the same by stage_before(), stable. A board takes events out of
 * one ring, so an event is displaced by what interrupted it, not by more: MERGER_WINDOW events are
 * kept back, so that everything displaced by less comes out in order. What is displaced by more
 * comes out late, and is marked.
 *
 * Holds: window and the newest block, 24 bytes an event; arguments of these.
 */
#ifndef HOST_TRACE_MERGER_H
#define HOST_TRACE_MERGER_H

#include "host/trace/stage.h"

#define MERGER_WINDOW 4096u

struct merger {
	const struct trace_memory *mem;
	struct stage_event *waiting; /* sorted; the next to go first */
	size_t from, n, cap;         /* waiting[from .. from + n) */
	uint64_t given_ns;           /* the highest time that has been given */
	/* Arguments of what waits: slots of AYP_EVENT_MAX_ARGS, free ones linked. */
	uint64_t *slots;
	size_t n_slots, cap_slots;
	uint32_t free_slot;
};

/* Gets each event once. `args`: its arguments (e->args means nothing any more), gone after the
 * call; NULL without any. */
typedef void merger_give(void *ctx, const struct stage_event *e, const uint64_t *args, bool late);

void merger_init(struct merger *m, const struct trace_memory *mem);
void merger_free(struct merger *m);
/* Take a block in, which must be sorted; e[].args are places in `args`, and each event has at most
 * AYP_EVENT_MAX_ARGS. Returns 0 or -ENOMEM (nothing taken in). */
int merger_add(struct merger *m, const struct stage_event *e, size_t n, const uint64_t *args);
/* Give all that is final, and what is late whether or not; all that there is when `flush`. `give`
 * must not call the merger. */
void merger_take(struct merger *m, bool flush, merger_give *give, void *ctx);
/* All before this time has been given, and nothing but late events will come before it: the time
 * of the newest event that was given. */
uint64_t merger_watermark(const struct merger *m);

/* Sort the events of one block (for a job: allocates nothing). scratch: n of them. Few stretches
 * that ascend cost O(n) each doubling, and nothing costs more than O(n log n). */
void merger_sort(struct stage_event *e, size_t n, struct stage_event *scratch);

#endif
