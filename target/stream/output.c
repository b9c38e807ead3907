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
	o->session = session;
	return o;
}

void output_free(struct output *o)
{
	if (!o)
		return;
	o->sink->ops->free(o->sink);
	spool_free(&o->spool);
	free(o);
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

static bool next_frame(struct output *o)
{
	struct output_frame *f = &o->frame;
	struct framing_header header;
	struct spool_item item;

	if (!spool_peek(&o->spool, &item))
		return false;
	header = (struct framing_header){.kind = item.kind, .flags = item.flags};
	f->recorders = item.kind >= AYP_KIND_RECORDING;
	if (f->recorders) {
		header.seq = o->recorder_seq++;
	} else {
		header.session = o->session;
		header.seq = o->seq++;
	}
	if (o->sink->format == SINK_FILE)
		f->len = encode_record(f->wire, sizeof(f->wire), &header, item.payload, item.len);
	else
		f->len = framing_encode(f->wire, sizeof(f->wire), &header, item.payload, item.len);
	f->at = 0;
	f->generation = o->sink->generation;
	f->events = item.events;
	f->n_shares = item.n_shares;
	f->first_ns = item.first_ns;
	f->last_ns = item.last_ns;
	if (item.n_shares)
		memcpy(f->shares, item.shares, item.n_shares * sizeof(item.shares[0]));
	spool_pop(&o->spool);
	return true;
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
		f->at += (size_t)n;
		if (!f->recorders)
			o->wire_bytes += (uint64_t)n;
		if (f->at < f->len)
			continue;
		o->frames += !f->recorders;
		o->events_sent += f->events;
		f->len = 0;
		f->events = 0;
	}
}

bool output_empty(const struct output *o)
{
	return o->frame.len == 0 && spool_empty(&o->spool);
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

	if (with_frame && f->len) {
		count_lost(o, ayaprof_LossCause_LOSS_ABANDONED, f->shares, f->n_shares, f->first_ns,
			f->last_ns);
		/* Of a frame that has not begun, nobody will miss the number. */
		if (f->events && f->at == 0)
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
