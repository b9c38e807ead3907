/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/losses.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Told ranges that are looked at for one gap: bounds the work for a hostile file, changes no sum. */
#define MAX_OVERLAPS 4096u

#define HOST_OVERRUN ayaprof_LossCause_LOSS_HOST_OVERRUN

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t sub(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void losses_init(struct losses *l, const struct trace_memory *mem, losses_give *give, void *ctx)
{
	*l = (struct losses){.mem = mem, .give = give, .ctx = ctx};
}

void losses_free(struct losses *l)
{
	trace_release(l->mem, l->kernel.at);
	trace_release(l->mem, l->board.at);
	trace_release(l->mem, l->due);
	losses_init(l, l->mem, l->give, l->ctx);
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* So much of `count` as the totals have room for, which is then committed. */
static uint64_t commit(struct losses *l, unsigned int cause, uint64_t count)
{
	count = min(count, l->budget[cause]);
	l->budget[cause] -= count;
	l->committed[cause] += count;
	return count;
}

static void give_held(struct losses *l)
{
	if (l->holds)
		l->give(l->ctx, &l->held);
	l->holds = false;
}

/* Neighbours that say the same become one. */
static void give(struct losses *l, const struct loss_row *row)
{
	struct loss_row *h = &l->held;

	if (!row->count && !row->breaks)
		return;
	if (l->holds && h->cause == row->cause && h->cpu == row->cpu &&
		h->first_ns == row->first_ns && h->last_ns == row->last_ns) {
		h->count += row->count;
		h->breaks |= row->breaks;
		return;
	}
	give_held(l);
	*h = *row;
	l->holds = true;
}

/* ---- what the board told ---------------------------------------------------------------------- */

int losses_told(struct losses *l, const ayaprof_Loss *loss)
{
	int err = 0;

	for (pb_size_t i = 0; i < loss->ranges_count && !err; i++) {
		const ayaprof_LossRange *r = &loss->ranges[i];
		struct loss_row row = {
			.first_ns = r->first_ns,
			.last_ns = r->last_ns,
			.count = r->count,
			.cpu = (int16_t)(ledger_cpu(r->cpu_plus_1) - 1),
			.cause = (uint8_t)ledger_cause(r->cause),
		};
		bool kernel = ledger_stage(row.cause) == LEDGER_BEFORE_INDEX;

		if (ledger_stage(row.cause) == LEDGER_HOST || !row.count ||
			row.last_ns < row.first_ns)
			continue;
		/* A return probe that the kernel could not place loses an exit alone: depth finds
		 * it. */
		row.breaks =
			kernel && row.first_ns && row.cause != ayaprof_LossCause_LOSS_MISSED_RETURN;
		err = told_add(kernel ? &l->kernel : &l->board, l->mem, &row);
	}
	return err;
}

static void commit_told(struct losses *l, struct told_losses *t)
{
	told_sort(t);
	for (size_t i = 0; i < t->n; i++)
		t->at[i].row.count = commit(l, t->at[i].row.cause, t->at[i].row.count);
}

void losses_learned(struct losses *l, const struct ledger_totals *totals)
{
	memcpy(l->budget, totals->by_cause, sizeof(l->budget));
	commit_told(l, &l->kernel);
	commit_told(l, &l->board);
}

static void set_budget(struct losses *l, const struct ledger_totals *totals)
{
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		l->budget[c] = sub(totals->by_cause[c], l->committed[c]);
}

static uint64_t all_committed(const struct losses *l)
{
	uint64_t sum = 0;

	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		sum = ledger_add(sum, l->committed[c]);
	return sum;
}

void losses_tell_now(struct losses *l, const struct ledger_totals *totals)
{
	struct told_losses *both[] = {&l->kernel, &l->board};

	set_budget(l, totals);
	for (size_t k = 0; k < 2; k++) {
		struct told_losses *t = both[k];

		for (; t->next < t->n; t->next++) {
			struct loss_row *row = &t->at[t->next].row;
			uint64_t room = sub(totals->lost, all_committed(l));

			row->count = commit(l, row->cause, min(row->count, room));
			give(l, row);
		}
	}
	give_held(l);
	/* Kernel losses are not needed any more, the others until gaps are behind them. */
	l->kernel.n = l->kernel.next = 0;
	if (l->board.n >= TOLD_LOSSES_MAX / 2)
		l->board.n = l->board.next = l->board.open = 0;
}

void losses_found(struct losses *l, unsigned int cause, uint64_t count)
{
	l->budget[cause] = ledger_add(l->budget[cause], count);
}

void losses_spared(struct losses *l, unsigned int cause, uint64_t count)
{
	l->budget[cause] = sub(l->budget[cause], count);
}

/* ---- gaps ------------------------------------------------------------------------------------- */

static uint64_t take(uint64_t *from, uint64_t count)
{
	uint64_t n = min(*from, count);

	*from -= n;
	return n;
}

/* What the board told to have dropped at the time of a gap. */
static void take_told(struct losses *l, struct loss_gap *gap)
{
	struct told_losses *t = &l->board;
	size_t end;

	while (t->open < t->n &&
		(!t->at[t->open].left || t->at[t->open].row.last_ns < gap->first_ns))
		t->open++;
	end = t->n - t->open < MAX_OVERLAPS ? t->n : t->open + MAX_OVERLAPS;
	for (size_t i = t->open; i < end && gap->missing; i++) {
		if (t->at[i].row.first_ns > gap->last_ns)
			break;
		if (t->at[i].row.last_ns >= gap->first_ns)
			take(&gap->missing, take(&t->at[i].left, gap->missing));
	}
}

static int add_due(struct losses *l, const struct loss_gap *gap, unsigned int cause, uint64_t count)
{
	struct loss_row *due, row = {.first_ns = gap->first_ns,
				      .last_ns = gap->last_ns,
				      .cpu = -1,
				      .cause = (uint8_t)cause};
	size_t at;

	row.count = commit(l, cause, count);
	if (!row.count)
		return 0;
	if (l->next_due == l->n_due)
		l->next_due = l->n_due = 0;
	if (l->n_due - l->next_due >= LOSSES_MAX_DUE)
		give(l, &l->due[l->next_due++]);
	if (l->next_due > LOSSES_MAX_DUE) {
		l->n_due -= l->next_due;
		memmove(l->due, l->due + l->next_due, l->n_due * sizeof(*due));
		l->next_due = 0;
	}
	due = trace_grow(l->mem, l->due, &l->cap_due, l->n_due + 1, sizeof(*due));
	if (!due)
		return -ENOMEM;
	l->due = due;
	/* Nearly always behind all others. */
	for (at = l->n_due++; at > l->next_due && due[at - 1].first_ns > row.first_ns; at--)
		due[at] = due[at - 1];
	due[at] = row;
	return 0;
}

int losses_gap(struct losses *l, const struct loss_gap *gap)
{
	struct loss_gap g = *gap;
	int err = 0;

	take_told(l, &g);
	for (unsigned int c = 0; c < LEDGER_CAUSES && !err; c++) {
		/* Any gap has the right times to within what is known. */
		if (ledger_stage(c) == LEDGER_AFTER_INDEX)
			err = add_due(l, gap, c, take(&g.missing, l->budget[c]));
	}
	if (!err)
		err = add_due(l, gap, HOST_OVERRUN,
			take(&g.missing, min(g.overrun, l->budget[HOST_OVERRUN])));
	if (!err)
		err = add_due(l, gap, ayaprof_LossCause_LOSS_LINE, g.missing);
	if (!err)
		err = add_due(l, gap, ayaprof_LossCause_LOSS_UNDECODABLE, g.undecodable);
	return err;
}

/* ---- in the order of time --------------------------------------------------------------------- */

/* Ranges whose time is not known wait for the end. */
static void skip_timeless(struct told_losses *t)
{
	while (t->next < t->n && !t->at[t->next].row.last_ns)
		t->next++;
}

static uint64_t next_told(const struct told_losses *t)
{
	return t->next < t->n ? t->at[t->next].row.first_ns : UINT64_MAX;
}

static uint64_t next_gap(const struct losses *l)
{
	return l->next_due < l->n_due ? l->due[l->next_due].first_ns : UINT64_MAX;
}

uint64_t losses_next(const struct losses *l)
{
	return min(min(next_told(&l->kernel), next_told(&l->board)), next_gap(l));
}

void losses_until(struct losses *l, uint64_t t_ns)
{
	skip_timeless(&l->kernel);
	skip_timeless(&l->board);
	for (;;) {
		uint64_t next = losses_next(l);

		if (next > t_ns || next == UINT64_MAX)
			break;
		if (next_told(&l->kernel) == next)
			give(l, &l->kernel.at[l->kernel.next++].row);
		else if (next_told(&l->board) == next)
			give(l, &l->board.at[l->board.next++].row);
		else
			give(l, &l->due[l->next_due++]);
	}
	give_held(l);
}

/* ---- the end ---------------------------------------------------------------------------------- */

void losses_agree(const struct losses *l, struct ledger_totals *totals)
{
	uint64_t excess = 0, lost = 0;

	for (unsigned int c = 0; c < LEDGER_CAUSES; c++) {
		uint64_t missing = sub(l->committed[c], totals->by_cause[c]);

		totals->by_cause[c] += missing;
		excess += missing;
	}
	for (unsigned int c = LEDGER_CAUSES; c-- > 0 && excess;) {
		uint64_t spare = min(excess, totals->by_cause[c] - l->committed[c]);

		totals->by_cause[c] -= spare;
		excess -= spare;
	}
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		lost += totals->by_cause[c];
	totals->produced = totals->produced - totals->lost + lost;
	totals->lost = lost;
}

static void give_untimed(struct losses *l, unsigned int cause, int cpu, uint64_t count)
{
	struct loss_row row = {.cause = (uint8_t)cause, .cpu = (int16_t)cpu};

	row.count = commit(l, cause, count);
	give(l, &row);
}

/* What the status says of a CPU beyond the ranges that arrived. */
static void give_status_rows(struct losses *l, const struct ledger *ledger, unsigned int cause)
{
	for (unsigned int cpu = 1; cpu < LEDGER_CPUS && l->budget[cause]; cpu++) {
		uint64_t all = ledger_status_count(ledger, cause, cpu);

		give_untimed(
			l, cause, (int)cpu - 1, sub(all, ledger_told_count(ledger, cause, cpu)));
	}
}

static void give_timeless(struct losses *l, struct told_losses *t)
{
	for (size_t i = 0; i < t->n && !t->at[i].row.last_ns; i++)
		give(l, &t->at[i].row);
}

/* Times that never come are left. */
static void give_left(struct losses *l, struct told_losses *t)
{
	while (t->next < t->n)
		give(l, &t->at[t->next++].row);
}

void losses_end(struct losses *l, const struct ledger *ledger, const struct ledger_totals *totals)
{
	struct ledger_totals t = *totals;

	losses_until(l, UINT64_MAX - 1);
	give_left(l, &l->kernel);
	give_left(l, &l->board);
	while (l->next_due < l->n_due)
		give(l, &l->due[l->next_due++]);
	losses_agree(l, &t);
	set_budget(l, &t);
	give_timeless(l, &l->kernel);
	give_timeless(l, &l->board);
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++) {
		if (ledger_stage(c) == LEDGER_BEFORE_INDEX)
			give_status_rows(l, ledger, c);
		give_untimed(l, c, -1, l->budget[c]);
	}
	give_held(l);
}
