/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The digest of a trace: what the frames with events say beside the events. PROTOCOL.md, section 11. */
#include <errno.h>

#include "host/trace/trace_internal.h"

#define MAX_RUNS 65536u

void digest_free(struct trace *t)
{
	trace_release(t->mem, t->digest.run);
	state_free(&t->digest.bytes);
	t->digest = (struct digest){0};
}

/* ---- one code for both directions --------------------------------------------------------------- */

static void totals_state(struct trace_totals *a, struct state *s)
{
	STATE(s, a->events);
	STATE(s, a->calls);
	STATE(s, a->calls_no_exit);
	STATE(s, a->orphan_exits);
	STATE(s, a->threads_forgotten);
	STATE(s, a->events_late);
	STATE(s, a->blocks_out_of_reach);
	STATE(s, a->has_time);
	STATE(s, a->origin_ns);
	STATE(s, a->duration_ns);
	a->cpus = (uint32_t)state_number(s, a->cpus, 256);
}

static void runs_state(struct trace *t, struct state *s)
{
	struct digest *d = &t->digest;
	size_t n = state_count(s, d->n_runs, MAX_RUNS);

	if (state_reading(s) && n) {
		d->run = trace_grow(t->mem, NULL, &d->cap_runs, n, sizeof(*d->run));
		s->failed |= !d->run;
	}
	for (size_t i = 0; i < n && !s->failed; i++) {
		STATE(s, d->run[i].frames);
		STATE(s, d->run[i].bytes);
		d->n_runs = i + 1;
	}
}

static void row_state(struct session *of, struct seek_row *r, struct state *s)
{
	STATE(s, r->loss.first_ns);
	STATE(s, r->loss.last_ns);
	STATE(s, r->loss.count);
	r->loss.cpu = (int)state_number(s, (uint64_t)(r->loss.cpu + 1), 256) - 1;
	r->loss.cause = (uint8_t)state_number(s, r->loss.cause, LEDGER_CAUSES - 1);
	r->loss.session = of->index;
	STATE(s, r->at);
	STATE(s, r->breaks);
}

static void rows_state(struct session *of, struct state *s)
{
	struct seek *k = &of->seek;
	size_t n = state_count(s, k->n_rows, SEEK_MAX_ROWS);

	if (state_reading(s) && n) {
		k->row = trace_grow(of->t->mem, NULL, &k->cap_rows, n, sizeof(*k->row));
		s->failed |= !k->row;
	}
	for (size_t i = 0; i < n && !s->failed; i++) {
		if (state_reading(s))
			k->row[i] = (struct seek_row){0};
		row_state(of, &k->row[i], s);
		k->n_rows = i + 1;
	}
}

static void ledger_state(struct session *of, struct state *s)
{
	struct ledger_totals *a = of->seek.known;

	STATE(s, a->produced);
	STATE(s, of->seek.delivered);
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		STATE(s, a->by_cause[c]);
	if (!state_reading(s))
		return;
	a->lost = 0;
	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		a->lost = ledger_add(a->lost, a->by_cause[c]);
}

/* Calls that ended behind the last point: bytes of their own, with a length. */
static void ended_state(struct seek *k, struct state *s)
{
	size_t n = state_count(s, k->ended.n, STATE_MAX);

	if (state_reading(s)) {
		k->ended = (struct state){.at = s->at, .end = s->at + n};
		s->at += n;
		return;
	}
	for (size_t i = 0; i < n && !s->failed; i++)
		state_byte(s, k->ended.bytes[i]);
}

static void session_state(struct session *of, struct state *s)
{
	STATE(s, of->pub.first_ns);
	STATE(s, of->pub.last_ns);
	of->pub.shift_ns = state_signed(s, of->pub.shift_ns);
	STATE(s, of->seek.places[0]);
	STATE(s, of->seek.places[1]);
	STATE(s, of->seek.oldest_ns);
	ledger_state(of, s);
	rows_state(of, s);
	if (!s->failed)
		ended_state(&of->seek, s);
}

/* ---- making one --------------------------------------------------------------------------------- */

static int write_session(struct session *s, struct state *to)
{
	struct ledger_totals totals = {.produced = s->pub.produced};

	for (unsigned int c = 0; c < LEDGER_CAUSES; c++)
		totals.by_cause[c] = s->pub.lost[c];
	s->seek.known = &totals;
	s->seek.delivered = s->pub.delivered;
	state_number(to, s->pub.id, UINT32_MAX);
	session_state(s, to);
	s->seek.known = NULL;
	return s->seek.broken ? 0 : 1;
}

int trace_digest(struct trace *t, const uint8_t **bytes, size_t *len)
{
	struct digest *d = &t->digest;
	struct state *s = &d->bytes;
	int all = 1;

	if (t->phase != TRACE_ENDED || !t->config.points || d->known || d->bytes.bytes ||
		t->totals.sessions_left_out)
		return 0;
	if (runs_next(t))
		return -ENOMEM;
	state_write(s, t->mem);
	state_number(s, SEEK_VERSION, UINT8_MAX);
	d->totals = t->totals;
	totals_state(&d->totals, s);
	STATE(s, d->unknown_events);
	runs_state(t, s);
	state_count(s, t->n_sessions, TRACE_MAX_SESSIONS);
	for (size_t i = 0; i < t->n_sessions && all > 0 && !s->failed; i++)
		all = write_session(t->session[i], s);
	*bytes = s->bytes;
	*len = s->n;
	return s->failed ? 0 : all;
}

/* ---- reading one -------------------------------------------------------------------------------- */

static int read_session(struct trace *t, struct state *s)
{
	uint32_t id = (uint32_t)state_number(s, 0, UINT32_MAX);
	struct session *of;
	int err;

	if (s->failed || session_find(t, id))
		return -EBADMSG;
	of = session_get(t, id, &err);
	if (!of)
		return err ? err : -EBADMSG;
	of->seek.known = trace_alloc(t->mem, sizeof(*of->seek.known));
	if (!of->seek.known)
		return -ENOMEM;
	session_state(of, s);
	return s->failed ? -EBADMSG : 0;
}

int trace_know_digest(struct trace *t, const uint8_t *bytes, size_t len)
{
	struct digest *d = &t->digest;
	struct state s;
	size_t n;
	int err = 0;

	if (t->phase != TRACE_NEW || d->known)
		return -EBADMSG;
	state_read(&s, bytes, len);
	if (state_number(&s, 0, UINT8_MAX) != SEEK_VERSION)
		return -EBADMSG;
	totals_state(&d->totals, &s);
	STATE(&s, d->unknown_events);
	runs_state(t, &s);
	n = state_count(&s, 0, TRACE_MAX_SESSIONS);
	for (size_t i = 0; i < n && !s.failed && !err; i++)
		err = read_session(t, &s);
	if (err || s.failed)
		return err ? err : -EBADMSG;
	d->known = true;
	runs_begin(t);
	return 0;
}

void digest_account(struct session *s)
{
	if (s->seek.known)
		session_account(s, s->seek.known, s->seek.delivered);
}

void digest_frames(struct trace *t)
{
	const struct digest *d = &t->digest;

	for (size_t i = 0; i < d->n_runs; i++)
		t->totals.frames = ledger_add(t->totals.frames, d->run[i].frames);
	t->totals.frames_unknown = ledger_add(t->totals.frames_unknown, d->unknown_events);
}

void digest_totals(struct trace *t)
{
	const struct trace_totals *a = &t->digest.totals;
	struct trace_totals *to = &t->totals;

	to->events = a->events;
	to->calls = a->calls;
	to->calls_no_exit = a->calls_no_exit;
	to->orphan_exits = a->orphan_exits;
	to->threads_forgotten = a->threads_forgotten;
	to->events_late = a->events_late;
	to->blocks_out_of_reach = a->blocks_out_of_reach;
	to->has_time = a->has_time;
	to->origin_ns = a->origin_ns;
	to->duration_ns = a->duration_ns;
	to->cpus = a->cpus;
}
