/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What is missing, row by row: cause, CPU, time range, count. The rows of a session add up to its
 * books (book.h) exactly.
 *
 * The board tells ranges as it loses events; what its totals say beyond that gets rows without a
 * range. Holes in the event indexes have exact counts and, from their neighbours, times: what the
 * board told to have dropped at that time is taken off, the rest went missing on the line.
 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "host/base/grow.h"

/* Holes one told range is taken off: bounds the work for a hostile file, changes no sum. */
#define MAX_HOLES 4096u

struct rows {
	struct load *l;
	size_t cap;
	uint8_t session;
	struct gap *gaps; /* of the session, by time */
	size_t n_gaps;
	uint64_t left[LEDGER_CAUSES]; /* of the session's totals, not in a row yet */
};

static int add_row(struct rows *r, unsigned int cause, int cpu, uint64_t first_ns, uint64_t last_ns,
	uint64_t count)
{
	struct model *m = r->l->m;
	struct model_loss *losses;

	if (count > r->left[cause])
		count = r->left[cause];
	if (!count)
		return 0;
	losses = grow_array(m->losses, &r->cap, m->n_losses + 1, sizeof(*losses));
	if (!losses)
		return -ENOMEM;
	m->losses = losses;
	losses[m->n_losses++] = (struct model_loss){
		.cause = (uint8_t)cause,
		.session = r->session,
		.cpu = cpu,
		.first_ns = first_ns,
		.last_ns = last_ns,
		.count = count,
	};
	r->left[cause] -= count;
	return 0;
}

static uint64_t take(struct gap *g, uint64_t count)
{
	uint64_t n = g->left < count ? g->left : count;

	g->left -= n;
	return n;
}

/* Take a told range off the holes at its time. Holes ascend in time, so the first one that may
 * overlap is found by halving. */
static void take_range(struct rows *r, const ayaprof_LossRange *range)
{
	size_t lo = 0, hi = r->n_gaps;
	uint64_t count = range->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->gaps[mid].last_ns < range->first_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = lo, end = lo + MAX_HOLES;
		i < r->n_gaps && i < end && count && r->gaps[i].first_ns <= range->last_ns; i++) {
		if (!r->gaps[i].undecodable)
			count -= take(&r->gaps[i], count);
	}
}

static int told_rows(struct rows *r)
{
	int err = 0;

	for (size_t i = 0; i < r->l->n_told && !err; i++) {
		const ayaprof_LossRange *range = &r->l->told[i].range;
		unsigned int cause = ledger_cause(range->cause);

		if (r->l->told[i].session != r->session || ledger_stage(cause) == LEDGER_HOST ||
			range->last_ns < range->first_ns)
			continue;
		if (ledger_stage(cause) == LEDGER_AFTER_INDEX)
			take_range(r, range);
		err = add_row(r, cause, (int)ledger_cpu(range->cpu_plus_1) - 1, range->first_ns,
			range->last_ns, range->count);
	}
	return err;
}

/* What the status says of a CPU beyond the ranges that arrived. */
static int status_rows(struct rows *r, const struct ledger *b)
{
	int err = 0;

	for (unsigned int c = 0; c < LEDGER_CAUSES && !err; c++) {
		if (ledger_stage(c) != LEDGER_BEFORE_INDEX)
			continue;
		for (unsigned int cpu = 1; cpu < LEDGER_CPUS && r->left[c] && !err; cpu++) {
			uint64_t all = ledger_status_count(b, c, cpu),
				 told = ledger_told_count(b, c, cpu);

			if (all > told)
				err = add_row(r, c, (int)cpu - 1, 0, 0, all - told);
		}
		if (!err)
			err = add_row(r, c, -1, 0, 0, r->left[c]);
	}
	return err;
}

/* Drops by the board whose range did not arrive happened in some hole: any has the right times to
 * within what is known. */
static int place_in_gaps(struct rows *r, unsigned int cause)
{
	int err = 0;

	for (size_t i = 0; i < r->n_gaps && r->left[cause] && !err; i++) {
		struct gap *g = &r->gaps[i];

		if (!g->undecodable)
			err = add_row(
				r, cause, -1, g->first_ns, g->last_ns, take(g, r->left[cause]));
	}
	return err ? err : add_row(r, cause, -1, 0, 0, r->left[cause]);
}

/* The rest of a hole: lost on the line, or in front of the host that did not keep up. */
static int line_rows(struct rows *r, struct gap *g, const struct overruns *overruns)
{
	uint64_t suspected = overruns_within(overruns, g->first_index, g->first_index + g->count);
	int err = add_row(r, ayaprof_LossCause_LOSS_HOST_OVERRUN, -1, g->first_ns, g->last_ns,
		take(g, suspected));

	return err ? err
		   : add_row(r, ayaprof_LossCause_LOSS_LINE, -1, g->first_ns, g->last_ns, g->left);
}

static int gap_rows(struct rows *r, const struct ledger *b)
{
	int err = 0;

	for (size_t i = 0; i < r->n_gaps && !err; i++) {
		struct gap *g = &r->gaps[i];

		err = g->undecodable ? add_row(r, ayaprof_LossCause_LOSS_UNDECODABLE, -1,
					       g->first_ns, g->last_ns, g->left)
				     : line_rows(r, g, &b->overruns);
	}
	return err;
}

static int session_rows(struct rows *r, const struct ledger *b)
{
	int err = told_rows(r);

	if (!err)
		err = status_rows(r, b);
	for (unsigned int c = 0; c < LEDGER_CAUSES && !err; c++) {
		if (ledger_stage(c) == LEDGER_AFTER_INDEX)
			err = place_in_gaps(r, c);
	}
	if (!err)
		err = gap_rows(r, b);
	/* On its way through the board when the recording ended. */
	for (unsigned int c = 0; c < LEDGER_CAUSES && !err; c++)
		err = add_row(r, c, -1, 0, 0, r->left[c]);
	return err;
}

int load_losses(struct load *l)
{
	struct model *m = l->m;
	struct rows r = {.l = l};
	size_t gap = 0;
	int err = 0;

	for (size_t i = 0; i < l->n_gaps; i++)
		l->gaps[i].left = l->gaps[i].count;
	for (size_t s = 0; s < m->n_sessions && !err; s++) {
		const struct ledger *b = &l->sessions[s].book;
		struct ledger_totals t;

		ledger_totals(b, &t);
		r.session = (uint8_t)s;
		r.gaps = l->gaps ? l->gaps + gap : NULL;
		for (r.n_gaps = 0; gap < l->n_gaps && l->gaps[gap].session == s; gap++)
			r.n_gaps++;
		for (unsigned int c = 0; c < LEDGER_CAUSES; c++) {
			r.left[c] = t.by_cause[c];
			m->lost_by_cause[c] += t.by_cause[c];
		}
		m->lost_total += t.lost;
		m->sessions[s].produced = t.produced;
		err = session_rows(&r, b);
	}
	return err;
}
