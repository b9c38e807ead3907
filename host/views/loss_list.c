/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/loss_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

int loss_list_take(struct loss_list *l, const struct trace_loss *loss)
{
	struct trace_loss *grown;

	if (l->n == LOSS_LIST_MAX) {
		l->left_out++;
		return 0;
	}
	grown = grow_array(l->loss, &l->cap, l->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->loss = grown;
	grown[l->n++] = *loss;
	return 0;
}

void loss_list_free(struct loss_list *l)
{
	free(l->loss);
	*l = (struct loss_list){0};
}

static bool has_time(const struct trace_loss *l)
{
	return l->first_ns || l->last_ns;
}

static int by_time(const void *pa, const void *pb)
{
	const struct trace_loss *a = pa, *b = pb;

	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	if (has_time(a) != has_time(b))
		return has_time(a) ? -1 : 1;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	if (a->last_ns != b->last_ns)
		return a->last_ns < b->last_ns ? -1 : 1;
	if (a->cause != b->cause)
		return a->cause < b->cause ? -1 : 1;
	return a->cpu < b->cpu ? -1 : a->cpu > b->cpu;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t session_backlog(const struct recording *r, uint16_t session)
{
	const struct trace_session *s = trace_session(r->trace, session);
	uint64_t before = 0, waiting;

	/* A board has one session at a time: the newest. */
	if (!r->being_written || s->has_goodbye || session + 1u != trace_session_count(r->trace))
		return 0;
	for (pb_size_t i = 0; i < s->status.lost_count; i++)
		if (ledger_stage(s->status.lost[i].cause) == LEDGER_BEFORE_INDEX)
			before = ledger_add(before, s->status.lost[i].count);
	/* What the board's ring held when its account was read, and what it had taken out of there. */
	waiting = ledger_add(s->status.taken, before);
	waiting = s->status.produced > waiting ? s->status.produced - waiting : 0;
	waiting = ledger_add(waiting, s->status.pending);
	/* Some of it may have come since. */
	return least(waiting, s->lost[ayaprof_LossCause_LOSS_LINE]);
}

uint64_t recording_lost(const struct recording *r)
{
	uint64_t lost = trace_totals(r->trace)->lost_total;

	for (uint16_t s = 0; s < trace_session_count(r->trace); s++)
		lost -= session_backlog(r, s);
	return lost;
}

uint64_t loss_count(const struct recording *r, const struct trace_loss *l)
{
	bool newest = !has_time(l) || l->last_ns >= trace_session(r->trace, l->session)->last_ns;

	if (l->cause != ayaprof_LossCause_LOSS_LINE || !newest)
		return l->count;
	return l->count - least(l->count, session_backlog(r, l->session));
}

/* The newest ranges of the session are what has not come yet. */
static void take_off(struct loss_list *l, uint16_t session, uint64_t count)
{
	size_t kept = 0;

	for (size_t i = l->n; i-- > 0 && count;) {
		struct trace_loss *loss = &l->loss[i];
		uint64_t n;

		if (loss->session != session || loss->cause != ayaprof_LossCause_LOSS_LINE)
			continue;
		n = least(count, loss->count);
		loss->count -= n;
		count -= n;
	}
	for (size_t i = 0; i < l->n; i++)
		if (l->loss[i].count)
			l->loss[kept++] = l->loss[i];
	l->n = kept;
}

void loss_list_sum(struct loss_list *l, const struct recording *r)
{
	const struct trace_totals *totals = trace_totals(r->trace);

	if (l->n)
		qsort(l->loss, l->n, sizeof(*l->loss), by_time);
	l->backlog = 0;
	for (uint16_t s = 0; s < trace_session_count(r->trace); s++)
		l->backlog = ledger_add(l->backlog, session_backlog(r, s));
	memcpy(l->by_cause, totals->lost, sizeof(l->by_cause));
	l->by_cause[ayaprof_LossCause_LOSS_LINE] -= l->backlog;
	l->total = totals->lost_total - l->backlog;
}

void loss_list_finish(struct loss_list *l, const struct recording *r)
{
	loss_list_sum(l, r);
	for (uint16_t s = 0; s < trace_session_count(r->trace); s++)
		take_off(l, s, session_backlog(r, s));
}
