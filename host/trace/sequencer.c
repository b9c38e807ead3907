/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/sequencer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "framing/framing.h"

/* What a block that waits costs beside its bytes. */
#define OVERHEAD (sizeof(struct sequenced) + sizeof(void *))
/* Blocks of one first index that are looked at; the others are dropped. */
#define MAX_RIVALS 8u
#define HOLES      (sizeof(((struct sequencer *)0)->hole) / sizeof(((struct sequencer *)0)->hole[0]))

void sequencer_init(struct sequencer *q, const struct trace_memory *mem,
	struct sequencer_load *load, sequencer_next *next, void *ctx)
{
	*q = (struct sequencer){.mem = mem, .load = load, .next = next, .ctx = ctx};
}

static void drop(struct sequencer *q, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		q->load->bytes -= q->waiting[i]->len + OVERHEAD;
		q->load->blocks--;
		trace_release(q->mem, q->waiting[i]);
	}
	q->n -= n;
	if (q->n)
		memmove(q->waiting, q->waiting + n, q->n * sizeof(*q->waiting));
}

void sequencer_free(struct sequencer *q)
{
	drop(q, q->n);
	trace_release(q->mem, q->waiting);
	q->waiting = NULL;
	q->cap = 0;
}

/* How many of those that wait begin before `index`. */
static size_t waiting_before(const struct sequencer *q, uint64_t index)
{
	size_t lo = 0, hi = q->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (q->waiting[mid]->first_index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int wait_for(struct sequencer *q, const struct sequenced *b, enum sequencer_fate *fate)
{
	size_t at = waiting_before(q, b->first_index), rivals = 0;
	struct sequenced **waiting, *copy;
	/* The same bytes may be read by one codec and not by another, or be of another number of events. */
	uint32_t crc = framing_crc32c(b->codec ^ b->count << 16, b->src, b->len);

	for (; at < q->n && q->waiting[at]->first_index == b->first_index; at++, rivals++) {
		if ((q->waiting[at]->crc == crc && q->waiting[at]->len == b->len) ||
			rivals + 1 == MAX_RIVALS) {
			*fate = SEQUENCER_REPEAT;
			return 0;
		}
	}
	waiting = trace_grow(q->mem, q->waiting, &q->cap, q->n + 1, sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	q->waiting = waiting;
	copy = q->mem->resize(q->mem->ctx, NULL, sizeof(*copy) + b->len);
	if (!copy)
		return -ENOMEM;
	*copy = *b;
	copy->crc = crc;
	copy->src = (const uint8_t *)(copy + 1);
	memcpy(copy + 1, b->src, b->len);
	memmove(&waiting[at + 1], &waiting[at], (q->n - at) * sizeof(*waiting));
	waiting[at] = copy;
	q->n++;
	q->load->bytes += b->len + OVERHEAD;
	q->load->blocks++;
	return 0;
}

/* ---- what goes on ----------------------------------------------------------------------------- */

static void note_hole(struct sequencer *q, uint64_t first, uint64_t end)
{
	q->hole[q->n_holes % HOLES].first = first;
	q->hole[q->n_holes++ % HOLES].end = end;
}

static bool is_in_hole(const struct sequencer *q, uint64_t index)
{
	for (size_t i = 0; i < HOLES && i < q->n_holes; i++) {
		if (index >= q->hole[i].first && index < q->hole[i].end)
			return true;
	}
	return false;
}

static int go_on(struct sequencer *q, const struct sequenced *b, size_t n)
{
	uint64_t missing = b->first_index - q->cover;

	q->cover = b->first_index + b->count;
	return q->next(q->ctx, b, n, missing);
}

/* The lowest that wait, all of the same first index. */
static int lowest_go_on(struct sequencer *q)
{
	struct sequenced rival[MAX_RIVALS];
	size_t n = 0;
	int err;

	while (n < q->n && q->waiting[n]->first_index == q->waiting[0]->first_index) {
		rival[n] = *q->waiting[n];
		n++;
	}
	err = go_on(q, rival, n);
	drop(q, n);
	return err;
}

static bool is_contested(const struct sequencer *q, uint64_t first_index, uint32_t frame)
{
	return q->contested && contested_until(q->contested, q->session, first_index) > frame;
}

static bool more_waits_than(const struct sequencer *q, size_t bytes, size_t blocks)
{
	return q->load->bytes > bytes || q->load->blocks > blocks;
}

/* Is there something to come before the lowest block? */
static enum arrivals_answer is_to_come(const struct sequencer *q, uint32_t frame)
{
	uint64_t first = q->waiting[0]->first_index;

	if (first == q->cover)
		return is_contested(q, first, frame) ? ARRIVALS_SOME : ARRIVALS_NONE;
	return q->arrivals ? arrivals_within(q->arrivals, q->cover, first) : ARRIVALS_NOT_SURE;
}

static bool is_worth_waiting(const struct sequencer *q, enum arrivals_answer to_come)
{
	if (to_come == ARRIVALS_SOME)
		return !more_waits_than(q, SEQUENCER_MAX_BYTES, SEQUENCER_MAX_BLOCKS);
	return to_come == ARRIVALS_NOT_SURE &&
	       !more_waits_than(q, SEQUENCER_LINE_BYTES, SEQUENCER_LINE_BLOCKS);
}

static int take_waiting(struct sequencer *q, uint32_t frame)
{
	int err = 0;

	while (q->n && !err) {
		uint64_t first = q->waiting[0]->first_index;
		enum arrivals_answer to_come;

		if (first < q->cover) {
			drop(q, 1);
			continue;
		}
		to_come = is_to_come(q, frame);
		if (is_worth_waiting(q, to_come))
			break;
		if (to_come != ARRIVALS_NONE)
			note_hole(q, q->cover, first);
		err = lowest_go_on(q);
	}
	return err;
}

int sequencer_block(
	struct sequencer *q, const struct sequenced *b, uint32_t frame, enum sequencer_fate *fate)
{
	int err;

	assert(ledger_block_possible(b->first_index, b->count));
	*fate = SEQUENCER_TAKEN;
	if (b->first_index < q->cover) {
		*fate = is_in_hole(q, b->first_index) ? SEQUENCER_LATE : SEQUENCER_REPEAT;
		return 0;
	}
	if (b->first_index == q->cover && !is_contested(q, b->first_index, frame) &&
		(!q->n || q->waiting[0]->first_index != b->first_index))
		err = go_on(q, b, 1);
	else
		err = wait_for(q, b, fate);
	return err ? err : take_waiting(q, frame);
}

int sequencer_flush(struct sequencer *q)
{
	int err = 0;

	while (q->n && !err) {
		if (q->waiting[0]->first_index < q->cover) {
			drop(q, 1);
			continue;
		}
		if (q->waiting[0]->first_index > q->cover)
			note_hole(q, q->cover, q->waiting[0]->first_index);
		err = lowest_go_on(q);
	}
	return err;
}
