/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RESUME_FRACTION 16u
/* Field 1 of RecordingFile, length-delimited. */
#define RECORD_TAG 0x0au

struct output *output_new(struct sink *sink, uint32_t session, size_t spool_size)
{
	struct output *o = sink ? calloc(1, sizeof(*o)) : NULL;

	if (!o || spool_init(&o->spool, spool_size)) {
		if (sink)
			sink->ops->free(sink);
		free(o);
		return NULL;
	}
	o->sink = sink;
	pace_for(&o->pace, sink, 0);
	o->session = session;
	return o;
}

void output_free(struct output *o)
{
	if (!o)
		return;
	o->sink->ops->free(o->sink);
	spool_free(&o->spool);
	window_free(&o->window);
	free(o);
}

int output_keep_sent(struct output *o, size_t bytes)
{
	return window_init(&o->window, bytes);
}

int output_post(struct output *o, unsigned int kind, unsigned int priority, uint8_t flags,
	const uint8_t *payload, size_t len)
{
	struct spool_item item = {
		.kind = (uint8_t)kind,
		.flags = flags,
		.priority = (uint8_t)priority,
		.len = (uint32_t)len,
		.payload = payload,
	};

	return spool_push(&o->spool, &item);
}

bool output_has_room(const struct output *o, unsigned int kind, size_t len)
{
	return spool_has_room(&o->spool, ayp_kind_info(kind)->priority, len, 0);
}

bool output_has_event_room(const struct output *o, size_t bytes)
{
	size_t used = spool_bytes_of(&o->spool, AYP_PRIORITY_EVENTS);
	/* The end of the ring may stay unused for want of one record's length. */
	size_t slack = 2 * (FRAMING_MAX_PAYLOAD + sizeof(o->frame.shares));

	return used + bytes + slack <= spool_events_size(&o->spool);
}

static void count_lost(struct output *o, ayaprof_LossCause cause, const struct spool_share *shares,
	unsigned int n_shares, uint64_t first_ns, uint64_t last_ns)
{
	for (unsigned int i = 0; i < n_shares; i++)
		losses_add(&o->losses, cause, shares[i].cpu, shares[i].count, first_ns, last_ns);
}

bool output_takes_events(struct output *o)
{
	size_t size = spool_events_size(&o->spool);

	if (o->pausing)
		o->pausing = spool_bytes_of(&o->spool, AYP_PRIORITY_EVENTS) >
			     size - size / RESUME_FRACTION;
	return !o->pausing;
}

void output_post_events(struct output *o, const struct spool_item *item)
{
	if (output_takes_events(o) && spool_push(&o->spool, item) == 0)
		return;
	o->pausing = true;
	count_lost(o, ayaprof_LossCause_LOSS_SPOOL_FULL, item->shares, item->n_shares,
		item->first_ns, item->last_ns);
}

/* ---- to the sink ---------------------------------------------------------------------------- */

static size_t encode_record(uint8_t *dst, size_t cap, const struct framing_header *header,
	const uint8_t *payload, size_t len)
{
	uint32_t body = (uint32_t)(FRAMING_MIN_BODY + len);
	size_t at = 0;

	dst[at++] = RECORD_TAG;
	for (; body >= 0x80; body >>= 7)
		dst[at++] = (uint8_t)(body | 0x80);
	dst[at++] = (uint8_t)body;
	return at + framing_body_write(dst + at, cap - at, header, payload, len);
}

static framing_encoder *encoder_of(const struct output *o)
{
	if (o->sink->format == SINK_FILE)
		return encode_record;
	return o->sink->text ? textframe_encode : framing_encode;
}

/* The most that a payload becomes on the line. */
static size_t wire_bound(const struct output *o, size_t payload)
{
	return o->sink->text ? TEXTFRAME_BOUND(payload) : FRAMING_WIRE_BOUND(payload);
}

static void take_item(struct output_frame *f, const struct spool_item *item)
{
	f->events = item->events;
	f->n_shares = item->n_shares;
	f->first_ns = item->first_ns;
	f->last_ns = item->last_ns;
	if (item->n_shares)
		memcpy(f->shares, item->shares, item->n_shares * sizeof(item->shares[0]));
}

static void encode_frame(struct output *o, const struct spool_item *item)
{
	struct output_frame *f = &o->frame;
	struct framing_header header = {.kind = item->kind, .flags = item->flags};

	*f = (struct output_frame){
		.recorders = item->kind >= AYP_KIND_RECORDING,
		.generation = o->sink->generation,
	};
	if (f->recorders) {
		header.seq = o->recorder_seq++;
	} else {
		header.session = o->session;
		header.seq = o->seq++;
	}
	f->len = encoder_of(o)(f->wire, sizeof(f->wire), &header, item->payload, item->len);
	take_item(f, item);
}

static bool frame_again(struct output *o)
{
	struct output_frame *f = &o->frame;
	size_t len = 0;
	const uint8_t *wire = window_resend(&o->window, &len);

	if (!wire && o->probe) {
		wire = window_resend_newest(&o->window, &len);
		o->probe = false;
	}
	if (!wire)
		return false;
	f->again = f->kept = true;
	f->recorders = f->urgent = false;
	f->generation = o->sink->generation;
	f->events = 0;
	f->n_shares = 0;
	f->len = len;
	f->at = 0;
	memcpy(f->wire, wire, len);
	return true;
}

static bool frame_urgent(struct output *o)
{
	struct spool_item item = {
		.kind = o->urgent_kind,
		.len = (uint32_t)o->urgent_len,
		.payload = o->urgent,
	};

	if (!o->urgent_waits)
		return false;
	o->urgent_waits = false;
	if (o->window.size && !window_has_room(&o->window, wire_bound(o, item.len), true))
		return false;
	encode_frame(o, &item);
	o->frame.urgent = true;
	return true;
}

static bool blocked(const struct output *o)
{
	return o->held && !window_has_room(&o->window, wire_bound(o, FRAMING_MAX_PAYLOAD), false);
}

/* What goes next into the sink: what was lost, or else something new. */
static bool next_frame(struct output *o)
{
	struct spool_item item;

	if (o->rests)
		return frame_urgent(o);
	if (frame_again(o) || frame_urgent(o))
		return true;
	if (blocked(o) || !spool_peek(&o->spool, &item))
		return false;
	encode_frame(o, &item);
	spool_pop(&o->spool);
	return true;
}

/* From its first byte on somebody may miss it. */
static void keep_frame(struct output *o)
{
	struct output_frame *f = &o->frame;

	if (f->kept || o->window.size == 0)
		return;
	if (!o->held)
		window_make_room(
			&o->window, f->len, o->awaited ? o->window.size : o->pace.start_bytes);
	window_add(&o->window, f->wire, f->len);
	if (f->urgent)
		o->urgent_end = o->window.end;
	f->kept = true;
}

static void frame_sent(struct output *o)
{
	struct output_frame *f = &o->frame;

	o->frames += !f->recorders;
	o->frames_again += f->again;
	o->new_bytes += f->again || f->urgent ? 0 : f->len;
	o->events_sent += f->events;
	f->len = 0;
	f->events = 0;
}

void output_pump(struct output *o)
{
	struct output_frame *f = &o->frame;

	while (f->len || next_frame(o)) {
		ssize_t n;

		if (f->generation != o->sink->generation) {
			f->generation = o->sink->generation;
			f->at = 0;
		}
		n = o->sink->ops->write(o->sink, f->wire, f->at, f->len);
		if (n <= 0)
			return;
		keep_frame(o);
		f->at += (size_t)n;
		if (!f->recorders)
			o->wire_bytes += (uint64_t)n;
		if (f->at == f->len)
			frame_sent(o);
	}
}

void output_post_urgent(struct output *o, unsigned int kind, const uint8_t *payload, size_t len)
{
	if (len > sizeof(o->urgent))
		return;
	memcpy(o->urgent, payload, len);
	o->urgent_kind = (uint8_t)kind;
	o->urgent_len = len;
	o->urgent_waits = true;
}

bool output_newest_is_urgent(const struct output *o)
{
	const struct window *w = &o->window;

	return w->first != w->end && o->urgent_end == w->end;
}

unsigned int output_generation(const struct output *o)
{
	return o->sink->generation + o->receivers;
}

bool output_wants_sink(const struct output *o)
{
	return o->frame.len || o->urgent_waits || (!o->rests && (o->window.lost || o->probe)) ||
	       (!o->rests && !spool_empty(&o->spool) && !blocked(o));
}

bool output_empty(const struct output *o)
{
	return o->frame.len == 0 && spool_empty(&o->spool);
}

bool output_acknowledged(const struct output *o)
{
	return !o->held || window_all_arrived(&o->window);
}

size_t output_backlog(const struct output *o)
{
	return spool_bytes(&o->spool) + (o->frame.len - (o->frame.len ? o->frame.at : 0));
}

uint64_t output_pending(const struct output *o)
{
	return o->spool.events + o->frame.events;
}

void output_abandon(struct output *o, bool with_frame)
{
	struct output_frame *f = &o->frame;
	struct spool_item item;

	if (with_frame && f->len && f->kept) {
		frame_sent(o); /* or it will be: out of the window */
	} else if (with_frame && f->len) {
		count_lost(o, ayaprof_LossCause_LOSS_ABANDONED, f->shares, f->n_shares, f->first_ns,
			f->last_ns);
		/* Of a frame that has not begun, nobody will miss the number. */
		if (!f->recorders && f->at == 0)
			o->seq--;
		f->len = 0;
		f->events = 0;
	}
	while (spool_peek(&o->spool, &item)) {
		count_lost(o, ayaprof_LossCause_LOSS_ABANDONED, item.shares, item.n_shares,
			item.first_ns, item.last_ns);
		spool_pop(&o->spool);
	}
}
