/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the recorder wrote: recordings, one after the other, and what happened to the line. */
#include <errno.h>

#include "host/trace/handlers.h"
#include "host/trace/trace_internal.h"

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_uart_errors(ayaprof_LineStats *to, const ayaprof_LineStats *from)
{
	ayaprof_UartErrors *t = &to->uart;
	const ayaprof_UartErrors *f = &from->uart;

	to->has_uart |= from->has_uart;
	t->overrun = ledger_add(t->overrun, f->overrun);
	t->framing = ledger_add(t->framing, f->framing);
	t->parity = ledger_add(t->parity, f->parity);
	t->breaks = ledger_add(t->breaks, f->breaks);
	t->buffer_overrun = ledger_add(t->buffer_overrun, f->buffer_overrun);
}

static void add_run(ayaprof_LineStats *to, const struct run *run)
{
	const ayaprof_LineStats *from = &run->line;

	to->wire_bytes = ledger_add(to->wire_bytes, greater(from->wire_bytes, run->frame_bytes));
	to->frames = ledger_add(to->frames, greater(from->frames, run->frames));
	to->frames_bad = ledger_add(to->frames_bad, from->frames_bad);
	to->frames_repeated = ledger_add(to->frames_repeated, from->frames_repeated);
	to->console_bytes = ledger_add(to->console_bytes, from->console_bytes);
	to->bad_bytes = ledger_add(to->bad_bytes, from->bad_bytes);
	to->connects = ledger_add(to->connects, from->connects);
	add_uart_errors(to, from);
	to->frames_repaired = ledger_add(to->frames_repaired, from->frames_repaired);
	to->frames_late = ledger_add(to->frames_late, from->frames_late);
	to->sent_bytes = ledger_add(to->sent_bytes, from->sent_bytes);
	to->frames_refused = ledger_add(to->frames_refused, from->frames_refused);
}

void runs_sum(struct trace *t)
{
	t->totals.line = t->past_line;
	add_run(&t->totals.line, &t->run);
	t->totals.ended = t->has_end && !t->cut;
}

/* Events that are not read are counted by the digest. */
void runs_begin(struct trace *t)
{
	const struct digest *d = &t->digest;
	const struct digest_run *r =
		d->known && t->n_runs < d->n_runs ? &d->run[t->n_runs] : &(struct digest_run){0};

	t->run = (struct run){.frames = r->frames, .frame_bytes = r->bytes};
}

int runs_next(struct trace *t)
{
	struct digest *d = &t->digest;
	struct digest_run *run;

	if (trace_makes_points(t)) {
		run = trace_grow(t->mem, d->run, &d->cap_runs, d->n_runs + 1, sizeof(*run));
		if (!run)
			return -ENOMEM;
		d->run = run;
		run[d->n_runs++] = (struct digest_run){t->run.event_frames, t->run.event_bytes};
	}
	add_run(&t->past_line, &t->run);
	t->n_runs++;
	runs_begin(t);
	return 0;
}

int know_recording(struct trace *t, const void *msg)
{
	const ayaprof_Recording *recording = msg;
	int err;

	/* Whoever goes on with a recording that broke off ends it first. */
	t->cut |= t->totals.frames > 1 && !t->had_end;
	err = runs_next(t);
	if (err)
		return err;
	places_recording(t, recording);
	if (t->totals.has_recording)
		return 0;
	t->totals.recording = *recording;
	t->totals.has_recording = true;
	if (recording->format_version > AYP_FORMAT_VERSION && !t->told_format) {
		trace_notify(t, TRACE_NOTICE_LATER_FORMAT, recording->format_version, 0);
		t->told_format = true;
	}
	return 0;
}

static uint64_t overrun_count(const ayaprof_LineStats *line)
{
	return ledger_add(
		line->frames_refused, ledger_add(line->uart.overrun, line->uart.buffer_overrun));
}

/* The frames before a line event came before it, those behind it after: so the place in the file
 * says which gap an overrun of the host's port made. */
int know_line_event(struct trace *t, const void *msg)
{
	const ayaprof_LineEvent *ev = msg;
	struct session *s = t->n_sessions ? t->session[t->n_sessions - 1] : NULL;

	if (ev->kind == ayaprof_LineEventKind_LINE_SESSION)
		places_announce(t, ev->session, ev->since_start_ns);
	if (s && !s->pub.needs_protocol) {
		if (!session_ledger(s))
			return -ENOMEM;
		if (ev->kind == ayaprof_LineEventKind_LINE_CONNECTED ||
			ev->kind == ayaprof_LineEventKind_LINE_DISCONNECTED)
			overruns_unmark(&s->ledger->overruns);
		else if (ev->has_stats && overrun_count(&ev->stats) > overrun_count(&t->run.line))
			overruns_mark(&s->ledger->overruns);
	}
	if (ev->has_stats)
		t->run.line = ev->stats;
	return 0;
}

int know_recording_end(struct trace *t, const void *msg)
{
	const ayaprof_RecordingEnd *end = msg;

	if (end->has_stats)
		t->run.line = end->stats;
	t->has_end = true;
	return t->phase == TRACE_LIVE && t->wants_events ? flow_settle(t) : 0;
}
