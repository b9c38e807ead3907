/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "host/trace/trace_internal.h"

struct session *session_find(struct trace *t, uint32_t id)
{
	uint32_t at;

	if (t->newest < t->n_sessions && t->session[t->newest]->pub.id == id)
		return t->session[t->newest];
	if (!table_get(&t->session_index, id, &at))
		return NULL;
	t->newest = (uint16_t)at;
	return t->session[at];
}

static void give_loss(void *ctx, const struct loss_row *row)
{
	struct session *s = ctx;
	struct trace *t = s->t;
	struct trace_loss l = {
		.first_ns = row->first_ns,
		.last_ns = row->last_ns,
		.count = row->count,
		.cpu = row->cpu,
		.session = s->index,
		.cause = row->cause,
	};

	if (row->breaks && s->pairer && !t->err)
		t->err = pairer_lost(s->pairer, row->first_ns, row->last_ns, row->cpu);
	if (t->config.points && !t->err)
		t->err = seek_lost(s, &l, row->breaks);
	if (row->count && t->sink.loss)
		t->sink.loss(t->config.sink_ctx, &l);
}

static struct session *add_session(struct trace *t, uint32_t id)
{
	struct session **sessions, *s;

	sessions = trace_grow(
		t->mem, t->session, &t->cap_sessions, t->n_sessions + 1, sizeof(*sessions));
	if (!sessions)
		return NULL;
	t->session = sessions;
	s = trace_alloc(t->mem, sizeof(*s));
	if (!s || table_put(&t->session_index, id, (uint32_t)t->n_sessions)) {
		trace_release(t->mem, s);
		return NULL;
	}
	s->t = t;
	s->index = (uint16_t)t->n_sessions;
	s->pub.id = id;
	arrivals_init(&s->arrivals, t->mem);
	losses_init(&s->losses, t->mem, give_loss, s);
	functions_session_init(&s->functions);
	logs_init(&s->logs, t->mem);
	samples_init(&s->samples, t->mem);
	flow_init(s);
	if (t->has_announced && t->announced == id) {
		s->has_arrival = true;
		s->arrival_ns = t->announced_ns;
	}
	t->has_announced = false;
	t->newest = s->index;
	t->session[t->n_sessions++] = s;
	return s;
}

struct session *session_get(struct trace *t, uint32_t id, int *err)
{
	struct session *s = session_find(t, id);

	*err = 0;
	if (s)
		return s;
	if (t->n_sessions == TRACE_MAX_SESSIONS) {
		/* Neighbouring frames are mostly of one session. */
		t->totals.sessions_left_out += !t->totals.sessions_left_out || t->left_out != id;
		t->left_out = id;
		return NULL;
	}
	s = add_session(t, id);
	if (!s)
		*err = -ENOMEM;
	return s;
}

void session_tell(struct session *s)
{
	struct trace *t = s->t;

	if (t->phase == TRACE_LIVE && t->sink.session)
		t->sink.session(t->config.sink_ctx, s->index);
}

static void free_parts(struct session *s)
{
	flow_free(s);
	seek_free(s);
	arrivals_free(&s->arrivals);
	losses_free(&s->losses);
	logs_free(&s->logs);
	samples_free(&s->samples);
	trace_release(s->t->mem, s->ledger);
	s->ledger = NULL;
}

void sessions_free(struct trace *t)
{
	for (size_t i = 0; i < t->n_sessions; i++) {
		free_parts(t->session[i]);
		trace_release(t->mem, t->session[i]);
	}
	trace_release(t->mem, t->session);
	table_clear(&t->session_index);
}

struct ledger *session_ledger(struct session *s)
{
	if (!s->ledger)
		s->ledger = trace_alloc(s->t->mem, sizeof(*s->ledger));
	return s->ledger;
}

void session_account(struct session *s, const struct ledger_totals *totals, uint64_t delivered)
{
	struct trace_totals *all = &s->t->totals;

	all->lost_total = ledger_add(all->lost_total - s->pub.lost_total, totals->lost);
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++) {
		all->lost[c] = ledger_add(all->lost[c] - s->pub.lost[c], totals->by_cause[c]);
		s->pub.lost[c] = totals->by_cause[c];
	}
	s->pub.lost_total = totals->lost;
	s->pub.produced = totals->produced;
	s->pub.delivered = delivered;
}

void session_drop(struct session *s)
{
	static const struct ledger_totals nothing;
	uint32_t needs = s->pub.needs_protocol;

	assert(needs);
	session_account(s, &nothing, 0);
	free_parts(s);
	functions_session_init(&s->functions);
	s->pub = (struct trace_session){.id = s->pub.id, .needs_protocol = needs};
	s->finished = true;
}
