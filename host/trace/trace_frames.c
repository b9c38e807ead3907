/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Frames into what a trace knows, and into what it gives: a row of handlers for each kind. What is
 * known is learned in the first reading, what is given in the second; without a first one both are
 * done.
 */
#include <errno.h>
#include <string.h>

#include "host/trace/handlers.h"
#include "host/trace/origin.h"
#include "host/trace/trace_internal.h"

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
		session_tell(s);
	if (s->finished)
		t->totals.blocks_out_of_reach += h->kind == AYP_KIND_EVENTS && t->wants_events;
	else if (row->give)
		err = row->give(s, t->message);
	if (!err && s->ledger && !s->finished)
		account(s);
	return err;
}

int frames_learn(
	struct trace *t, const struct framing_header *h, const uint8_t *payload, size_t len)
{
	const struct handler *row = handler_of(h);
	bool own = origin_is_recorder(h);

	/* Whatever follows an orderly end makes it a recording that goes on. */
	t->had_end = t->has_end;
	t->has_end = false;
	t->totals.frames++;
	if (!own && h->session) {
		t->run.frames++;
		t->run.frame_bytes += FRAMING_MIN_BODY + len;
		t->run.event_frames += h->kind == AYP_KIND_EVENTS;
		t->run.event_bytes += h->kind == AYP_KIND_EVENTS ? FRAMING_MIN_BODY + len : 0;
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
		t->digest.unknown_events += h->kind == AYP_KIND_EVENTS;
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
	if (!s || s->pub.needs_protocol)
		return 0;
	if (s->finished) {
		t->totals.blocks_out_of_reach += h->kind == AYP_KIND_EVENTS && t->wants_events;
		return 0;
	}
	if (h->kind == AYP_KIND_EVENTS && !t->wants_events)
		return 0;
	if (!ayp_message_decode(t->ctx, h->kind, h->flags, payload, len, t->message))
		err = row->give(s, t->message);
	/* In a part of a recording what comes last is not known. */
	if (!err && t->frame == s->last_frame && !trace_is_part(t))
		err = frames_finish(s);
	return err;
}
