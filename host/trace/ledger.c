/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/ledger.h"

#include <string.h>

#include "proto/block.h"

enum ledger_stage ledger_stage(unsigned int cause)
{
	static const enum ledger_stage stages[LEDGER_CAUSES] = {
		[ayaprof_LossCause_LOSS_SPOOL_FULL] = LEDGER_AFTER_INDEX,
		[ayaprof_LossCause_LOSS_ABANDONED] = LEDGER_AFTER_INDEX,
		[ayaprof_LossCause_LOSS_LINE] = LEDGER_HOST,
		[ayaprof_LossCause_LOSS_UNDECODABLE] = LEDGER_HOST,
		[ayaprof_LossCause_LOSS_HOST_OVERRUN] = LEDGER_HOST,
	};

	return stages[ledger_cause(cause)];
}

unsigned int ledger_cause(unsigned int cause)
{
	return cause < LEDGER_CAUSES ? cause : ayaprof_LossCause_LOSS_UNKNOWN;
}

unsigned int ledger_cpu(uint32_t cpu_plus_1)
{
	return cpu_plus_1 < LEDGER_CPUS ? cpu_plus_1 : 0;
}

uint64_t ledger_add(uint64_t a, uint64_t b)
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

bool ledger_block_possible(uint64_t first_index, uint32_t count)
{
	return count && count <= AYP_BLOCK_MAX_EVENTS && first_index <= LEDGER_MAX_INDEX;
}

static void see(struct ledger *b, uint64_t first_index, uint64_t count)
{
	b->end_index = max(b->end_index, ledger_add(first_index, count));
}

void ledger_seen(struct ledger *b, uint64_t first_index, uint64_t count)
{
	see(b, first_index, count);
	overruns_broken(&b->overruns, first_index, count);
}

void ledger_block(struct ledger *b, uint64_t first_index, uint64_t count, bool decoded)
{
	uint64_t *sum = decoded ? &b->delivered : &b->undecodable;

	*sum = ledger_add(*sum, count);
	see(b, first_index, count);
	overruns_kept(&b->overruns, first_index, count);
}

void ledger_status(struct ledger *b, const ayaprof_Status *status)
{
	/* Totals only grow: an older one that comes late says nothing new. */
	if (b->has_status && status->produced < b->status.produced)
		return;
	b->has_status = true;
	b->status = *status;
}

static struct ledger_told *told_cpu(struct ledger *b, unsigned int cause, unsigned int cpu)
{
	struct ledger_told *t = b->told_cpu, *end = t + b->n_told_cpus;

	while (t < end && (t->cause != cause || t->cpu != cpu))
		t++;
	if (t < end)
		return t;
	if (b->n_told_cpus == LEDGER_TOLD_CPUS)
		return NULL;
	b->n_told_cpus++;
	*t = (struct ledger_told){.cause = (uint16_t)cause, .cpu = (uint16_t)cpu};
	return t;
}

void ledger_loss(struct ledger *b, const ayaprof_Loss *loss)
{
	for (pb_size_t i = 0; i < loss->ranges_count; i++) {
		const ayaprof_LossRange *r = &loss->ranges[i];
		unsigned int cause = ledger_cause(r->cause), cpu = ledger_cpu(r->cpu_plus_1);
		struct ledger_told *t = cpu ? told_cpu(b, cause, cpu) : NULL;

		b->told[cause] = ledger_add(b->told[cause], r->count);
		if (t)
			t->count = ledger_add(t->count, r->count);
	}
}

uint64_t ledger_told_count(const struct ledger *b, unsigned int cause, unsigned int cpu)
{
	for (unsigned int i = 0; i < b->n_told_cpus; i++) {
		if (b->told_cpu[i].cause == cause && b->told_cpu[i].cpu == cpu)
			return b->told_cpu[i].count;
	}
	return 0;
}

uint64_t ledger_status_count(const struct ledger *b, unsigned int cause, unsigned int cpu)
{
	uint64_t sum = 0;

	for (pb_size_t i = 0; i < b->status.lost_count; i++) {
		const ayaprof_LossTotal *l = &b->status.lost[i];

		if (ledger_cause(l->cause) == cause && ledger_cpu(l->cpu_plus_1) == cpu)
			sum = ledger_add(sum, l->count);
	}
	return sum;
}

/* Compared by cause, not by CPU: a board may know the CPU in one message and not in the other. */
static void known_by_cause(const struct ledger *b, uint64_t by_cause[LEDGER_CAUSES])
{
	memset(by_cause, 0, LEDGER_CAUSES * sizeof(*by_cause));
	for (pb_size_t i = 0; i < b->status.lost_count; i++) {
		uint64_t *sum = &by_cause[ledger_cause(b->status.lost[i].cause)];

		*sum = ledger_add(*sum, b->status.lost[i].count);
	}
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		by_cause[c] = max(by_cause[c], b->told[c]);
}

/* Of `missing` indexes, and `on_board` events that had none yet when the board told: what may still
 * come. */
static uint64_t backlog(const struct ledger *b, uint64_t missing, uint64_t on_board, uint64_t taken)
{
	if (!b->open)
		return 0;
	if (b->resends)
		return missing + on_board;
	/* Frames come in order on a line that is not acknowledged: only what is behind all that has
	 * come can be waiting. */
	return min(missing, min(b->status.pending, sub(taken, b->end_index))) + on_board;
}

void ledger_totals(const struct ledger *b, struct ledger_totals *t)
{
	uint64_t known[LEDGER_CAUSES], before = 0, seen, taken, missing, on_board;

	memset(t, 0, sizeof(*t));
	known_by_cause(b, known);
	seen = ledger_add(b->delivered, b->undecodable);
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++) {
		if (ledger_stage(c) == LEDGER_AFTER_INDEX)
			seen = ledger_add(seen, known[c]);
	}
	/* A Loss may be newer than the newest status, and no block behind it may have come. */
	taken = max(b->has_status ? b->status.taken : 0, max(b->end_index, seen));
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++) {
		if (ledger_stage(c) == LEDGER_BEFORE_INDEX) {
			/* Impossible counts from a hostile board must not break the sum. */
			t->by_cause[c] = min(known[c], UINT64_MAX / 4 / LEDGER_CAUSES);
			before += t->by_cause[c];
		}
	}
	taken = max(min(taken, UINT64_MAX / 4), b->delivered);
	missing = taken - b->delivered;
	t->by_cause[ayaprof_LossCause_LOSS_UNDECODABLE] = min(b->undecodable, missing);
	missing -= t->by_cause[ayaprof_LossCause_LOSS_UNDECODABLE];
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++) {
		if (ledger_stage(c) == LEDGER_AFTER_INDEX) {
			t->by_cause[c] = min(known[c], missing);
			missing -= t->by_cause[c];
		}
	}
	t->produced = taken + before;
	/* Produced, and in no other column yet: on its way through the board when the account was
	 * read. */
	on_board = b->has_status ? sub(min(b->status.produced, UINT64_MAX / 4), t->produced) : 0;
	t->backlog = backlog(b, missing, on_board, taken);
	missing += on_board - t->backlog;
	t->by_cause[ayaprof_LossCause_LOSS_HOST_OVERRUN] = min(b->overruns.missing, missing);
	t->by_cause[ayaprof_LossCause_LOSS_LINE] =
		missing - t->by_cause[ayaprof_LossCause_LOSS_HOST_OVERRUN];
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		t->lost += t->by_cause[c];
	t->produced = b->delivered + t->lost + t->backlog;
}
