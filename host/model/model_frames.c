/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Frames of a recording into the tables a model is built from. */
#include "host/model/model_internal.h"

#include <errno.h>
#include <string.h>

#include "framing/framing.h"
#include "host/base/grow.h"
#include "host/trace/origin.h"
#include "host/base/say.h"
#include "host/base/text.h"
#include "proto/block.h"

static int on_hello(struct load *l, uint8_t session, const void *msg)
{
	struct model_session *s = &l->m->sessions[session];

	s->hello = *(const ayaprof_Hello *)msg;
	s->has_hello = true;
	if (s->hello.protocol_min > AYP_PROTOCOL_VERSION &&
		s->hello.protocol_min > s->needs_protocol)
		s->needs_protocol = s->hello.protocol_min;
	return 0;
}

static int on_names(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Names *names = msg;
	int err = 0;

	for (pb_size_t i = 0; i < names->names_count && !err; i++)
		err = load_name(l, session, &names->names[i]);
	return err;
}

static int on_stacks(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Stacks *stacks = msg;
	int err = 0;

	for (pb_size_t i = 0; i < stacks->stacks_count && !err; i++)
		err = load_stack(l, session, &stacks->stacks[i]);
	return err;
}

static int on_events(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Events *e = msg;
	struct block *blocks;
	uint8_t *raw;

	if (!ledger_block_possible(e->first_index, e->count)) {
		l->m->frames_unknown++;
		return 0;
	}
	blocks = grow_array(l->blocks, &l->cap_blocks, l->n_blocks + 1, sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	l->blocks = blocks;
	overruns_came(&l->sessions[session].book.overruns, e->first_index, e->count);
	raw = grow_array(l->raw, &l->cap_raw, l->n_raw + e->block.size, 1);
	if (!raw)
		return -ENOMEM;
	l->raw = raw;
	memcpy(raw + l->n_raw, e->block.bytes, e->block.size);
	blocks[l->n_blocks] = (struct block){
		.first_index = e->first_index,
		.count = e->count,
		.session = session,
		.order = (uint32_t)l->n_blocks,
		.codec = e->codec,
		.raw_at = l->n_raw,
		.raw_len = e->block.size,
	};
	l->n_blocks++;
	l->n_raw += e->block.size;
	return 0;
}

static int on_samples(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Samples *in = msg;
	struct model *m = l->m;
	size_t cap = l->cap_samples;
	ayaprof_Sample *samples;
	uint8_t *owners;

	if (m->n_samples + in->samples_count > l->max_samples)
		return 0;
	samples = grow_array(
		m->samples, &l->cap_samples, m->n_samples + in->samples_count, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	m->samples = samples;
	if (l->cap_samples != cap || !m->sample_session) {
		owners = realloc(m->sample_session, l->cap_samples);
		if (!owners)
			return -ENOMEM;
		m->sample_session = owners;
	}
	for (pb_size_t i = 0; i < in->samples_count; i++) {
		m->samples[m->n_samples] = in->samples[i];
		m->sample_session[m->n_samples++] = session;
		if (in->samples[i].t_ns > l->sessions[session].last_sample_ns)
			l->sessions[session].last_sample_ns = in->samples[i].t_ns;
	}
	return 0;
}

static int on_aggregates(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Aggregates *in = msg;

	for (pb_size_t i = 0; i < in->rows_count; i++) {
		uint64_t key = (uint64_t)session << 32 | in->rows[i].func;
		struct exact_row *rows;
		uint32_t at;

		if (in->rows[i].func >= MODEL_MAX_FUNCS)
			continue;
		if (!idmap_get(&l->exact_index, key, &at)) {
			rows = grow_array(l->exact, &l->cap_exact, l->n_exact + 1, sizeof(*rows));
			if (!rows)
				return -ENOMEM;
			l->exact = rows;
			at = (uint32_t)l->n_exact;
			if (idmap_put(&l->exact_index, key, at))
				return -ENOMEM;
			l->n_exact++;
		} else if (in->rows[i].count < l->exact[at].row.count) {
			continue; /* totals only grow: a repeat from before */
		}
		l->exact[at] = (struct exact_row){.session = session, .row = in->rows[i]};
	}
	return 0;
}

static int on_loss(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Loss *loss = msg;
	struct told_range *told =
		grow_array(l->told, &l->cap_told, l->n_told + loss->ranges_count, sizeof(*told));

	if (!told)
		return -ENOMEM;
	l->told = told;
	for (pb_size_t i = 0; i < loss->ranges_count; i++)
		told[l->n_told++] =
			(struct told_range){.range = loss->ranges[i], .session = session};
	ledger_loss(&l->sessions[session].book, loss);
	return 0;
}

static int on_status(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Status *status = msg;

	ledger_status(&l->sessions[session].book, status);
	if (status->t_ns > l->sessions[session].last_status_ns)
		l->sessions[session].last_status_ns = status->t_ns;
	return 0;
}

static int on_goodbye(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_Goodbye *bye = msg;
	struct model_session *s = &l->m->sessions[session];

	s->has_goodbye = true;
	text_clean(s->end_reason, sizeof(s->end_reason), bye->reason);
	s->command_ended = bye->command_ended;
	s->exit_status = bye->exit_status;
	return bye->has_status ? on_status(l, session, &bye->status) : 0;
}

static int on_log(struct load *l, uint8_t session, const void *msg)
{
	return load_log(l, session, msg);
}

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

void load_end_recording(struct load *l)
{
	const ayaprof_LineStats *from = &l->line;
	ayaprof_LineStats *to = &l->m->line;

	to->wire_bytes = ledger_add(to->wire_bytes, greater(from->wire_bytes, l->frame_bytes));
	to->frames = ledger_add(to->frames, greater(from->frames, l->frames));
	to->frames_bad = ledger_add(to->frames_bad, from->frames_bad);
	to->frames_repeated = ledger_add(to->frames_repeated, from->frames_repeated);
	to->console_bytes = ledger_add(to->console_bytes, from->console_bytes);
	to->bad_bytes = ledger_add(to->bad_bytes, from->bad_bytes);
	to->connects = ledger_add(to->connects, from->connects);
	add_uart_errors(to, from);
	to->frames_repaired = ledger_add(to->frames_repaired, from->frames_repaired);
	to->frames_late = ledger_add(to->frames_late, from->frames_late);
	to->sent_bytes = ledger_add(to->sent_bytes, from->sent_bytes);
	memset(&l->line, 0, sizeof(l->line));
	l->frames = l->frame_bytes = 0;
}

static int on_recording(struct load *l, uint8_t session, const void *msg)
{
	load_end_recording(l);
	l->cut |= l->m->frames > 1 && !l->had_end;
	if (l->has_recording)
		return 0;
	l->m->recording = *(const ayaprof_Recording *)msg;
	l->has_recording = true;
	if (l->m->recording.format_version > AYP_FORMAT_VERSION && !l->told_format) {
		say("the recording has format %u, this version knows %u; what it understands is "
		    "shown",
			l->m->recording.format_version, AYP_FORMAT_VERSION);
		l->told_format = true;
	}
	return 0;
}

static uint64_t overrun_count(const ayaprof_LineStats *line)
{
	return ledger_add(
		line->frames_refused, ledger_add(line->uart.overrun, line->uart.buffer_overrun));
}

/* The frames before a line event came before it, those behind it after: so the place in the file says
 * which gap an overrun of the host's port made. */
static int on_line_event(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_LineEvent *ev = msg;
	struct overruns *o =
		l->m->n_sessions ? &l->sessions[l->m->n_sessions - 1].book.overruns : NULL;

	if (o && (ev->kind == ayaprof_LineEventKind_LINE_CONNECTED ||
			 ev->kind == ayaprof_LineEventKind_LINE_DISCONNECTED))
		overruns_unmark(o);
	else if (o && ev->has_stats && overrun_count(&ev->stats) > overrun_count(&l->line))
		overruns_mark(o);
	if (ev->has_stats)
		l->line = ev->stats;
	return 0;
}

static int on_recording_end(struct load *l, uint8_t session, const void *msg)
{
	const ayaprof_RecordingEnd *end = msg;

	if (end->has_stats)
		l->line = end->stats;
	l->has_end = true;
	return 0;
}

static const struct {
	int (*handle)(struct load *l, uint8_t session, const void *msg);
} handlers[] = {
	[AYP_KIND_HELLO] = {on_hello},
	[AYP_KIND_NAMES] = {on_names},
	[AYP_KIND_EVENTS] = {on_events},
	[AYP_KIND_SAMPLES] = {on_samples},
	[AYP_KIND_AGGREGATES] = {on_aggregates},
	[AYP_KIND_LOSS] = {on_loss},
	[AYP_KIND_STATUS] = {on_status},
	[AYP_KIND_GOODBYE] = {on_goodbye},
	[AYP_KIND_STACKS] = {on_stacks},
	[AYP_KIND_LOG] = {on_log},
	[AYP_KIND_RECORDING] = {on_recording},
	[AYP_KIND_LINE_EVENT] = {on_line_event},
	[AYP_KIND_RECORDING_END] = {on_recording_end},
};

/* Index of a session, new ones are added. -ENOSPC: too many. */
static int session_index(struct load *l, uint32_t id)
{
	struct model *m = l->m;
	struct model_session *sessions;
	struct load_session *extra;
	size_t cap = l->cap_sessions;

	for (size_t i = m->n_sessions; i-- > 0;) {
		if (m->sessions[i].id == id)
			return (int)i;
	}
	if (m->n_sessions == MODEL_MAX_SESSIONS)
		return -ENOSPC;
	sessions = grow_array(m->sessions, &cap, m->n_sessions + 1, sizeof(*sessions));
	if (!sessions)
		return -ENOMEM;
	m->sessions = sessions;
	extra = grow_array(l->sessions, &l->cap_sessions, m->n_sessions + 1, sizeof(*extra));
	if (!extra)
		return -ENOMEM;
	l->sessions = extra;
	memset(&sessions[m->n_sessions], 0, sizeof(*sessions));
	memset(&extra[m->n_sessions], 0, sizeof(*extra));
	sessions[m->n_sessions].id = id;
	return (int)m->n_sessions++;
}

/* Ranges add up, so a Loss that stands in the file twice must not count twice; all other kinds may.
 */
static bool is_new_loss(
	struct load *l, uint8_t session, uint32_t seq, const uint8_t *payload, size_t len, int *err)
{
	uint64_t key = (uint64_t)seq << 32 | framing_crc32c(session, payload, len);
	uint32_t at;

	if (idmap_get(&l->loss_index, key, &at))
		return false;
	*err = idmap_put(&l->loss_index, key, 0);
	return !*err;
}

static int load_boards_frame(
	struct load *l, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	int index = session_index(l, h->session), err = 0;

	if (index == -ENOSPC)
		l->m->frames_unknown++;
	if (index < 0)
		return index == -ENOSPC ? 0 : index;
	if (l->m->sessions[index].needs_protocol && h->kind != AYP_KIND_HELLO)
		return 0;
	if (h->kind == AYP_KIND_LOSS && !is_new_loss(l, (uint8_t)index, h->seq, payload, len, &err))
		return err;
	return handlers[h->kind].handle(l, (uint8_t)index, l->room);
}

int load_frame(struct load *l, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	bool own = origin_is_recorder(h);

	/* Whatever follows an orderly end makes it a recording that goes on. */
	l->had_end = l->has_end;
	l->has_end = false;
	l->m->frames++;
	if (!own && h->session) {
		l->frames++;
		l->frame_bytes += FRAMING_MIN_BODY + len;
	}
	/* Session 0 is the recorder's, and it has no other. */
	if (!ayp_kind_info(h->kind) || own != (h->session == 0)) {
		l->m->frames_unknown++;
		return 0;
	}
	if (h->kind >= sizeof(handlers) / sizeof(*handlers) || !handlers[h->kind].handle)
		return 0;
	if (ayp_message_decode(l->ctx, h->kind, h->flags, payload, len, l->room)) {
		l->m->frames_unknown++;
		return 0;
	}
	return own ? handlers[h->kind].handle(l, 0, l->room)
		   : load_boards_frame(l, h, payload, len);
}
