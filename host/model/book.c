/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/model/book.h"

#include <string.h>

#include "proto/block.h"

enum book_stage book_stage(unsigned int cause)
{
	static const enum book_stage stages[BOOK_CAUSES] = {
		[ayaprof_LossCause_LOSS_SPOOL_FULL] = BOOK_AFTER_INDEX,
		[ayaprof_LossCause_LOSS_ABANDONED] = BOOK_AFTER_INDEX,
		[ayaprof_LossCause_LOSS_LINE] = BOOK_HOST,
		[ayaprof_LossCause_LOSS_UNDECODABLE] = BOOK_HOST,
		[ayaprof_LossCause_LOSS_HOST_OVERRUN] = BOOK_HOST,
	};

	return stages[book_cause(cause)];
}

unsigned int book_cause(unsigned int cause)
{
	return cause < BOOK_CAUSES ? cause : ayaprof_LossCause_LOSS_UNKNOWN;
}

unsigned int book_cpu(uint32_t cpu_plus_1)
{
	return cpu_plus_1 < BOOK_CPUS ? cpu_plus_1 : 0;
}

uint64_t book_add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

bool book_block_possible(uint64_t first_index, uint32_t count)
{
	return count && count <= AYP_BLOCK_MAX_EVENTS && first_index <= BOOK_MAX_INDEX;
}

static void see(struct book *b, uint64_t first_index, uint32_t count)
{
	b->end_index = max(b->end_index, book_add(first_index, count));
}

void book_seen(struct book *b, uint64_t first_index, uint32_t count)
{
	see(b, first_index, count);
	overruns_broken(&b->overruns, first_index, count);
}

void book_block(struct book *b, uint64_t first_index, uint32_t count, bool decoded)
{
	uint64_t *sum = decoded ? &b->delivered : &b->undecodable;

	*sum = book_add(*sum, count);
	see(b, first_index, count);
	overruns_kept(&b->overruns, first_index, count);
}

void book_status(struct book *b, const ayaprof_Status *status)
{
	/* Totals only grow: an older one that comes late says nothing new. */
	if (b->has_status && status->produced < b->status.produced)
		return;
	b->has_status = true;
	b->status = *status;
}

void book_loss(struct book *b, const ayaprof_Loss *loss)
{
	for (pb_size_t i = 0; i < loss->ranges_count; i++) {
		const ayaprof_LossRange *r = &loss->ranges[i];
		uint64_t *cell = &b->told[book_cause(r->cause)][book_cpu(r->cpu_plus_1)];

		*cell = book_add(*cell, r->count);
	}
}

uint64_t book_status_count(const struct book *b, unsigned int cause, unsigned int cpu)
{
	uint64_t sum = 0;

	for (pb_size_t i = 0; i < b->status.lost_count; i++) {
		const ayaprof_LossTotal *l = &b->status.lost[i];

		if (book_cause(l->cause) == cause && book_cpu(l->cpu_plus_1) == cpu)
			sum = book_add(sum, l->count);
	}
	return sum;
}

/* Compared by cause, not by CPU: a board may know the CPU in one message and not in the other. */
static void known_by_cause(const struct book *b, uint64_t by_cause[BOOK_CAUSES])
{
	memset(by_cause, 0, BOOK_CAUSES * sizeof(*by_cause));
	for (pb_size_t i = 0; i < b->status.lost_count; i++) {
		uint64_t *sum = &by_cause[book_cause(b->status.lost[i].cause)];

		*sum = book_add(*sum, b->status.lost[i].count);
	}
	for (unsigned int c = 0; c < BOOK_CAUSES; c++) {
		uint64_t told = 0;

		for (unsigned int cpu = 0; cpu < BOOK_CPUS; cpu++)
			told = book_add(told, b->told[c][cpu]);
		by_cause[c] = max(by_cause[c], told);
	}
}

void book_totals(const struct book *b, struct book_totals *t)
{
	uint64_t known[BOOK_CAUSES], before = 0, seen, taken, missing;

	memset(t, 0, sizeof(*t));
	known_by_cause(b, known);
	seen = book_add(b->delivered, b->undecodable);
	for (unsigned int c = 0; c < BOOK_CAUSES; c++) {
		if (book_stage(c) == BOOK_AFTER_INDEX)
			seen = book_add(seen, known[c]);
	}
	/* A Loss may be newer than the newest status, and no block behind it may have come. */
	taken = max(b->has_status ? b->status.taken : 0, max(b->end_index, seen));
	for (unsigned int c = 0; c < BOOK_CAUSES; c++) {
		if (book_stage(c) == BOOK_BEFORE_INDEX) {
			/* Impossible counts from a hostile board must not break the sum. */
			t->by_cause[c] = min(known[c], UINT64_MAX / 4 / BOOK_CAUSES);
			before += t->by_cause[c];
		}
	}
	taken = max(min(taken, UINT64_MAX / 4), b->delivered);
	missing = taken - b->delivered;
	t->by_cause[ayaprof_LossCause_LOSS_UNDECODABLE] = min(b->undecodable, missing);
	missing -= t->by_cause[ayaprof_LossCause_LOSS_UNDECODABLE];
	for (unsigned int c = 0; c < BOOK_CAUSES; c++) {
		if (book_stage(c) == BOOK_AFTER_INDEX) {
			t->by_cause[c] = min(known[c], missing);
			missing -= t->by_cause[c];
		}
	}
	t->produced = taken + before;
	/* Produced, and in no other column yet: on its way through the board when the books were
	 * read. */
	if (b->has_status)
		missing += sub(min(b->status.produced, UINT64_MAX / 4), t->produced);
	t->by_cause[ayaprof_LossCause_LOSS_HOST_OVERRUN] = min(b->overruns.missing, missing);
	t->by_cause[ayaprof_LossCause_LOSS_LINE] =
		missing - t->by_cause[ayaprof_LossCause_LOSS_HOST_OVERRUN];
	for (unsigned int c = 0; c < BOOK_CAUSES; c++)
		t->lost += t->by_cause[c];
	t->produced = b->delivered + t->lost;
}
