/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames into what a trace knows, and into what it gives: a row of handlers for each kind. What is
 * known is learned in the first reading, what is given in the second; without a first one both are
 * done.
 */
#include <errno.h>
#include <string.h>

#include "host/trace/origin.h"
#include "host/trace/trace_internal.h"
#include "proto/clean.h"

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void tell_session(struct session *s)
{
	struct trace *t = s->t;

	if (t->phase == TRACE_LIVE && t->sink.session)
		t->sink.session(t->config.sink_ctx, s->index);
}

/* ---- what is known ---------------------------------------------------------------------------- */

static int know_hello(struct session *s, const void *msg)
{
	const ayaprof_Hello *hello = msg;
	struct trace *t = s->t;
	bool news = !s->pub.has_hello;

	s->pub.hello = *hello;
	s->pub.has_hello = true;
	if (hello->protocol_min > AYP_PROTOCOL_VERSION &&
		hello->protocol_min > s->pub.needs_protocol)
		s->pub.needs_protocol = hello->protocol_min;
	if (t->phase != TRACE_LIVE)
		return 0;
	if (s->pub.needs_protocol) {
		int err = decode_drain(&t->decode);

		if (err)
			return err;
		decode_forget(&t->decode, &s->decode);
		session_drop(s);
		if (!t->told_protocol)
			trace_notify(t, TRACE_NOTICE_LATER_PROTOCOL, s->pub.needs_protocol, 1);
		t->told_protocol = true;
		news = true;
	}
	if (news) {
		places_settle(t);
		tell_session(s);
	}
	return 0;
}

/* A line's ids are those of the session that uses some first. */
static int begin_functions(struct session *s)
{
	struct trace *t = s->t;
	int err;

	if (t->phase != TRACE_LIVE || t->functions.line >= 0)
		return 0;
	functions_begin(&t->functions, s->index);
	err = functions_enter(&t->functions, s->index, &s->functions);
	for (size_t i = 0; i < t->n_sessions && !err; i++) {
		if (t->session[i] != s)
			err = functions_enter(
				&t->functions, (uint16_t)i, &t->session[i]->functions);
	}
	return err;
}

static int know_names(struct session *s, const void *msg)
{
	const ayaprof_Names *names = msg;
	struct trace *t = s->t;
	int err = begin_functions(s);

	for (pb_size_t i = 0; i < names->names_count && !err; i++) {
		uint32_t added;

		err = names_put(&t->names, s->index, &names->names[i], &added);
		if (!err && added != NAMES_NONE)
			err = functions_named(&t->functions, s->index, &s->functions, added);
	}
	return err;
}

static int know_stacks(struct session *s, const void *msg)
{
	const ayaprof_Stacks *stacks = msg;
	int err = 0;

	for (pb_size_t i = 0; i < stacks->stacks_count && !err; i++)
		err = names_put_stack(&s->t->names, s->index, &stacks->stacks[i]);
	return err;
}

static int know_events(struct session *s, const void *msg)
{
	const ayaprof_Events *e = msg;
	struct trace *t = s->t;
	int came;

	if (!ledger_block_possible(e->first_index, e->count)) {
		t->totals.frames_unknown++;
		return 0;
	}
	if (!session_ledger(s))
		return -ENOMEM;
	overruns_came(&s->ledger->overruns, e->first_index, e->count);
	if (t->phase == TRACE_LIVE)
		return begin_functions(s);
	s->last_frame = t->frame;
	came = arrivals_block(
		&s->arrivals, e->first_index, e->count, e->codec, e->block.bytes, e->block.size);
	if (came < 0)
		return came;
	return contested_block(&t->contested, s->index, e->first_index,
		framing_crc32c(0, e->block.bytes, e->block.size), t->frame);
}

static void hear(struct session *s, uint64_t t_ns)
{
	if (!s->heard_ns)
		s->heard_ns = t_ns;
}

static int know_samples(struct session *s, const void *msg)
{
	const ayaprof_Samples *in = msg;

	s->last_frame = s->t->frame;
	for (pb_size_t i = 0; i < in->samples_count; i++) {
		hear(s, in->samples[i].t_ns);
		s->pub.last_sample_ns = greater(s->pub.last_sample_ns, in->samples[i].t_ns);
	}
	return 0;
}

static int know_aggregates(struct session *s, const void *msg)
{
	const ayaprof_Aggregates *in = msg;
	int err = begin_functions(s);

	for (pb_size_t i = 0; i < in->rows_count && !err; i++)
		err = functions_exact(&s->t->functions, s->index, &s->functions, &in->rows[i]);
	return err;
}

static int know_loss(struct session *s, const void *msg)
{
	const ayaprof_Loss *loss = msg;
	int err;

	if (!session_ledger(s))
		return -ENOMEM;
	ledger_loss(s->ledger, loss);
	err = losses_told(&s->losses, loss);
	return err || s->t->phase != TRACE_LIVE || s->finished ? err : stream_told(s);
}

static int know_status(struct session *s, const void *msg)
{
	const ayaprof_Status *status = msg;

	if (!session_ledger(s))
		return -ENOMEM;
	hear(s, status->t_ns);
	ledger_status(s->ledger, status);
	s->pub.has_status = s->ledger->has_status;
	s->pub.status = s->ledger->status;
	s->pub.last_status_ns = greater(s->pub.last_status_ns, status->t_ns);
	return 0;
}

static int know_goodbye(struct session *s, const void *msg)
{
	const ayaprof_Goodbye *bye = msg;

	s->pub.has_goodbye = true;
	text_clean(s->pub.end_reason, sizeof(s->pub.end_reason), bye->reason);
	s->pub.command_ended = bye->command_ended;
	s->pub.exit_status = bye->exit_status;
	return bye->has_status ? know_status(s, &bye->status) : 0;
}

static int know_log(struct session *s, const void *msg)
{
	s->last_frame = s->t->frame;
	return 0;
}

/* ---- what is given ---------------------------------------------------------------------------- */

static int give_events(struct session *s, const void *msg)
{
	const ayaprof_Events *e = msg;

	if (!s->t->wants_events || !s->ledger || !ledger_block_possible(e->first_index, e->count))
		return 0;
	return stream_block(s, e);
}

static void give_sample(void *ctx, const ayaprof_Sample *sample)
{
	struct session *s = ctx;
	struct trace *t = s->t;

	places_begin(s, sample->t_ns, false);
	t->totals.samples++;
	if (t->sink.sample)
		t->sink.sample(t->config.sink_ctx, s->index, sample);
}

static int give_samples(struct session *s, const void *msg)
{
	size_t window = s->t->phase == TRACE_LIVE ? 0 : SAMPLES_WINDOW;
	const ayaprof_Samples *in = msg;
	int err = 0;

	for (pb_size_t i = 0; i < in->samples_count && !err; i++)
		err = samples_put(&s->samples, &in->samples[i], window, give_sample, s);
	if (!s->pub.has_hello || !s->pub.hello.replay)
		places_reach(s, s->pub.last_sample_ns);
	return err;
}

static void give_record(void *ctx, const struct trace_log *r)
{
	struct session *s = ctx;
	struct trace *t = s->t;

	t->totals.logs++;
	t->totals.logs_missed = ledger_add(t->totals.logs_missed, r->missed);
	if (t->sink.log)
		t->sink.log(t->config.sink_ctx, r);
}

/* On a line what is sent again is not far behind, and somebody waits. */
#define LINE_LOGS_WINDOW 16u

static int give_log(struct session *s, const void *msg)
{
	size_t window = s->t->phase == TRACE_LIVE ? LINE_LOGS_WINDOW : LOGS_WINDOW;
	const ayaprof_Log *log = msg;
	int err = 0;

	for (pb_size_t i = 0; i < log->records_count && !err; i++)
		err = logs_put(&s->logs, s->index, &log->records[i], window, give_record, s);
	return err;
}

int frames_finish(struct session *s)
{
	int err;

	if (s->finished)
		return 0;
	logs_take(&s->logs, 0, give_record, s);
	samples_take(&s->samples, 0, give_sample, s);
	err = s->t->wants_events ? stream_finish(s) : 0;
	s->finished = !err;
	return err;
}

/* ---- the recorder's --------------------------------------------------------------------------- */

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

void frames_sum(struct trace *t)
{
	t->totals.line = t->past_line;
	add_run(&t->totals.line, &t->run);
	t->totals.ended = t->has_end;
}

static int know_recording(struct trace *t, const void *msg)
{
	const ayaprof_Recording *recording = msg;

	add_run(&t->past_line, &t->run);
	t->run = (struct run){0};
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
static int know_line_event(struct trace *t, const void *msg)
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

static int know_recording_end(struct trace *t, const void *msg)
{
	const ayaprof_RecordingEnd *end = msg;

	if (end->has_stats)
		t->run.line = end->stats;
	t->has_end = true;
	return t->phase == TRACE_LIVE && t->wants_events ? stream_settle(t) : 0;
}

/* ---- the table -------------------------------------------------------------------------------- */

struct handler {
	int (*know)(struct session *s, const void *msg);
	int (*give)(struct session *s, const void *msg);
	int (*recorder)(struct trace *t, const void *msg);
};

static const struct handler handlers[] = {
	[AYP_KIND_HELLO] = {.know = know_hello},
	[AYP_KIND_NAMES] = {.know = know_names},
	[AYP_KIND_EVENTS] = {.know = know_events, .give = give_events},
	[AYP_KIND_SAMPLES] = {.know = know_samples, .give = give_samples},
	[AYP_KIND_AGGREGATES] = {.know = know_aggregates},
	[AYP_KIND_LOSS] = {.know = know_loss},
	[AYP_KIND_STATUS] = {.know = know_status},
	[AYP_KIND_GOODBYE] = {.know = know_goodbye},
	[AYP_KIND_STACKS] = {.know = know_stacks},
	[AYP_KIND_LOG] = {.know = know_log, .give = give_log},
	[AYP_KIND_RECORDING] = {.recorder = know_recording},
	[AYP_KIND_LINE_EVENT] = {.recorder = know_line_event},
	[AYP_KIND_RECORDING_END] = {.recorder = know_recording_end},
};

/* NULL: nothing is done with such a frame. */
static const struct handler *handler_of(const struct framing_header *h)
{
	const struct handler *row;

	if (h->kind >= sizeof(handlers) / sizeof(*handlers))
		return NULL;
	row = &handlers[h->kind];
	return row->know || row->recorder ? row : NULL;
}

/* Ranges add up, so a Loss that stands in the file twice must not count twice; all other kinds may.
 */
static int is_new_loss(struct session *s, const struct framing_header *h, const uint8_t *payload,
	size_t len, bool *new)
{
	uint64_t key = (uint64_t)h->seq << 32 | framing_crc32c(s->index, payload, len);
	uint32_t at;

	*new = !table_get(&s->t->loss_index, key, &at);
	return *new ? table_put(&s->t->loss_index, key, 0) : 0;
}

/* Figures that a session shows while it is read. */
static void account(struct session *s)
{
	struct ledger_totals totals;

	ledger_totals(s->ledger, &totals);
	losses_agree(&s->losses, &totals);
	session_account(s, &totals, s->ledger->delivered);
}

static int know_boards(struct session *s, const struct handler *row, const struct framing_header *h,
	const uint8_t *payload, size_t len)
{
	struct trace *t = s->t;
	bool new = true;
	int err = 0;

	if (h->kind == AYP_KIND_LOSS)
		err = is_new_loss(s, h, payload, len, &new);
	if (!err && new)
		err = row->know(s, t->message);
	return err;
}

static int boards_frame(struct trace *t, const struct handler *row, const struct framing_header *h,
	const uint8_t *payload, size_t len)
{
	size_t before = t->n_sessions;
	int err;
	struct session *s = session_get(t, h->session, &err);

	if (!s)
		return err;
	if (s->pub.needs_protocol && h->kind != AYP_KIND_HELLO)
		return 0;
	err = know_boards(s, row, h, payload, len);
	if (err || t->phase != TRACE_LIVE)
		return err;
	if (t->n_sessions > before && h->kind != AYP_KIND_HELLO)
		tell_session(s);
	if (row->give && !s->finished)
		err = row->give(s, t->message);
	if (!err && s->ledger && !s->pub.needs_protocol)
		account(s);
	return err;
}

int frames_learn(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	const struct handler *row = handler_of(h);
	bool own = origin_is_recorder(h);

	/* Whatever follows an orderly end makes it a recording that goes on. */
	t->has_end = false;
	t->totals.frames++;
	if (!own && h->session) {
		t->run.frames++;
		t->run.frame_bytes += FRAMING_MIN_BODY + len;
	}
	/* Session 0 is the recorder's, and it has no other. */
	if (!ayp_kind_info(h->kind) || own != (h->session == 0)) {
		t->totals.frames_unknown++;
		return 0;
	}
	if (!row)
		return 0;
	if (ayp_message_decode(t->ctx, h->kind, h->flags, payload, len, t->message)) {
		t->totals.frames_unknown++;
		return 0;
	}
	return own ? row->recorder(t, t->message) : boards_frame(t, row, h, payload, len);
}

int frames_give(struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	const struct handler *row = handler_of(h);
	struct session *s;
	int err = 0;

	if (!row || !row->give || origin_is_recorder(h) || !h->session)
		return 0;
	s = session_find(t, h->session);
	if (!s || s->finished)
		return 0;
	if (h->kind == AYP_KIND_EVENTS && !t->wants_events)
		return 0;
	if (!ayp_message_decode(t->ctx, h->kind, h->flags, payload, len, t->message))
		err = row->give(s, t->message);
	if (!err && t->frame == s->last_frame)
		err = frames_finish(s);
	return err;
}
