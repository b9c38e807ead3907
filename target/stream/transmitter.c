/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/transmitter.h"

#include <assert.h>
#include <string.h>

/* Field 1 of RecordingFile, length-delimited. */
#define RECORD_TAG 0x0au

void transmitter_init(struct transmitter *t, struct sink *sink, struct outqueue *queue,
	const struct rate *rate, uint32_t session)
{
	assert(sink && queue && rate && session);
	memset(t, 0, sizeof(*t));
	t->sink = sink;
	t->queue = queue;
	t->rate = rate;
	t->session = session;
}

void transmitter_free(struct transmitter *t)
{
	window_free(&t->window);
}

int transmitter_keep_sent(struct transmitter *t, size_t bytes)
{
	assert(t->seq == 0 && t->window.size == 0);
	return window_init(&t->window, bytes);
}

/* ---- framing -------------------------------------------------------------------------------- */

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

static framing_encoder *encoder_of(const struct transmitter *t)
{
	if (t->sink->format == SINK_FILE)
		return encode_record;
	return t->sink->text ? textframe_encode : framing_encode;
}

/* The most that a payload becomes on the line. */
static size_t wire_bound(const struct transmitter *t, size_t payload)
{
	return t->sink->text ? TEXTFRAME_BOUND(payload) : FRAMING_WIRE_BOUND(payload);
}

static void start_frame(struct transmitter *t)
{
	struct tx_frame *f = &t->frame;

	f->len = f->at = 0;
	f->generation = t->sink->generation;
	f->recorders = f->kept = f->retransmission = f->urgent = false;
	f->item = (struct spool_item){0};
}

/* The item's payload stays behind: it is in the frame now. */
static void encode_frame(struct transmitter *t, const struct spool_item *item)
{
	struct tx_frame *f = &t->frame;
	struct framing_header header = {.kind = item->kind, .flags = item->flags};

	start_frame(t);
	f->recorders = item->kind >= AYP_KIND_RECORDING;
	if (f->recorders) {
		header.seq = t->recorder_seq++;
	} else {
		header.session = t->session;
		header.seq = t->seq++;
	}
	f->len = encoder_of(t)(f->wire, sizeof(f->wire), &header, item->payload, item->len);
	f->item = *item;
	f->item.payload = NULL;
	f->item.shares = f->shares;
	if (item->n_shares)
		memcpy(f->shares, item->shares, item->n_shares * sizeof(item->shares[0]));
}

/* ---- what goes next ------------------------------------------------------------------------- */

static bool next_retransmission(struct transmitter *t)
{
	struct tx_frame *f = &t->frame;
	size_t len = 0;
	const uint8_t *wire = window_resend(&t->window, &len);

	if (!wire && t->probe_newest) {
		wire = window_resend_newest(&t->window, &len);
		t->probe_newest = false;
	}
	if (!wire)
		return false;
	start_frame(t);
	f->retransmission = f->kept = true;
	f->len = len;
	memcpy(f->wire, wire, len);
	return true;
}

static bool next_urgent(struct transmitter *t)
{
	struct spool_item item = {
		.kind = t->urgent_kind,
		.len = (uint32_t)t->urgent_len,
		.payload = t->urgent,
	};

	if (!t->urgent_waits)
		return false;
	t->urgent_waits = false;
	if (t->window.size && !window_has_room(&t->window, wire_bound(t, item.len), true))
		return false;
	encode_frame(t, &item);
	t->frame.urgent = true;
	return true;
}

static bool is_window_full(const struct transmitter *t)
{
	return t->windowed &&
	       !window_has_room(&t->window, wire_bound(t, FRAMING_MAX_PAYLOAD), false);
}

/* An answer to a host must not wait for a window full of retransmissions: at 38400 baud that is a
 * minute. Who causes urgent messages is rationed (control.h, reliable.c). */
static bool next_frame(struct transmitter *t)
{
	struct spool_item item;

	if (next_urgent(t))
		return true;
	if (t->quiesced)
		return false;
	if (next_retransmission(t))
		return true;
	if (is_window_full(t) || !spool_peek(&t->queue->spool, &item))
		return false;
	encode_frame(t, &item);
	spool_pop(&t->queue->spool);
	return true;
}

void transmitter_post_urgent(
	struct transmitter *t, unsigned int kind, const uint8_t *payload, size_t len)
{
	assert(len <= sizeof(t->urgent) && kind < AYP_KIND_RECORDING);
	if (len > sizeof(t->urgent))
		return;
	memcpy(t->urgent, payload, len);
	t->urgent_kind = (uint8_t)kind;
	t->urgent_len = len;
	t->urgent_waits = true;
}

bool transmitter_newest_is_urgent(const struct transmitter *t)
{
	const struct window *w = &t->window;

	return !window_is_empty(w) && t->urgent_end == w->end;
}

/* ---- to the sink ---------------------------------------------------------------------------- */

/* From its first byte on somebody may miss it. */
static void keep_frame(struct transmitter *t)
{
	struct tx_frame *f = &t->frame;

	if (f->kept || t->window.size == 0)
		return;
	/* One that began when nobody was waited for may find it full. */
	if (!t->windowed || !window_has_room(&t->window, f->len, true))
		window_make_room(&t->window, f->len,
			t->windowed || t->host_expected ? t->window.size : t->rate->start_bytes);
	window_add(&t->window, f->wire, f->len);
	if (f->urgent)
		t->urgent_end = t->window.end;
	f->kept = true;
}

static void frame_sent(struct transmitter *t)
{
	struct tx_frame *f = &t->frame;

	t->frames += !f->recorders;
	t->retransmitted += f->retransmission;
	t->new_bytes += f->retransmission || f->urgent ? 0 : f->len;
	t->events_sent += f->item.events;
	start_frame(t);
}

void transmitter_pump(struct transmitter *t)
{
	struct tx_frame *f = &t->frame;

	while (f->len || next_frame(t)) {
		ssize_t n;

		/* Somebody new is there, who has nothing of its beginning. */
		if (f->generation != t->sink->generation) {
			f->generation = t->sink->generation;
			f->at = 0;
		}
		n = t->sink->ops->write(t->sink, f->wire, f->at, f->len);
		if (n <= 0)
			return;
		assert((size_t)n <= f->len - f->at);
		keep_frame(t);
		f->at += (size_t)n;
		if (!f->recorders)
			t->wire_bytes += (uint64_t)n;
		if (f->at == f->len)
			frame_sent(t);
	}
}

bool transmitter_wants_sink(const struct transmitter *t)
{
	if (t->frame.len || t->urgent_waits)
		return true;
	if (t->quiesced)
		return false;
	return t->window.lost || t->probe_newest ||
	       (!spool_empty(&t->queue->spool) && !is_window_full(t));
}

bool transmitter_is_empty(const struct transmitter *t)
{
	return t->frame.len == 0 && spool_empty(&t->queue->spool);
}

bool transmitter_is_idle(const struct transmitter *t)
{
	return !t->urgent_waits && transmitter_under_way(t) == 0;
}

bool transmitter_is_acknowledged(const struct transmitter *t)
{
	return !t->windowed || window_is_empty(&t->window);
}

static size_t rest_of_frame(const struct transmitter *t)
{
	return t->frame.len - t->frame.at;
}

size_t transmitter_under_way(const struct transmitter *t)
{
	return t->sink->ops->unsent(t->sink) + rest_of_frame(t);
}

size_t transmitter_backlog(const struct transmitter *t)
{
	return spool_bytes(&t->queue->spool) + rest_of_frame(t);
}

uint64_t transmitter_pending(const struct transmitter *t)
{
	return t->queue->spool.events + t->frame.item.events;
}

void transmitter_abandon(struct transmitter *t, bool with_frame)
{
	struct tx_frame *f = &t->frame;

	if (with_frame && f->len && f->kept) {
		frame_sent(t); /* or it will be: out of the window */
	} else if (with_frame && f->len) {
		outqueue_lose(t->queue, ayaprof_LossCause_LOSS_ABANDONED, &f->item);
		/* Of a frame that has not begun, nobody will miss the number. */
		if (!f->recorders && f->at == 0)
			t->seq--;
		start_frame(t);
	}
	outqueue_abandon(t->queue);
}
