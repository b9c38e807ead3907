/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/window.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "framing/seq.h"

_Static_assert((WINDOW_FRAMES & (WINDOW_FRAMES - 1)) == 0, "numbers wrap around the slots");

static struct window_slot *slot(struct window *w, uint32_t seq)
{
	return &w->slots[seq % WINDOW_FRAMES];
}

int window_init(struct window *w, size_t size)
{
	memset(w, 0, sizeof(*w));
	if (size < WINDOW_MIN_SIZE)
		return -EINVAL;
	/* As in the spool: untouched pages cost nothing. */
	w->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->mem == MAP_FAILED) {
		w->mem = NULL;
		return -ENOMEM;
	}
	w->size = size;
	w->extent = size < WINDOW_EXTENT ? size : WINDOW_EXTENT;
	return 0;
}

void window_free(struct window *w)
{
	if (w->mem)
		munmap(w->mem, w->size);
	memset(w, 0, sizeof(*w));
}

/* ---- memory --------------------------------------------------------------------------------- */

static bool is_wrapped(const struct window *w)
{
	return w->first != w->end && w->tail <= w->head;
}

/* Where `len` bytes would go if so much memory was in use; false if nowhere. A frame is never cut
 * at its end. */
static bool place(const struct window *w, size_t extent, size_t len, size_t *at)
{
	*at = w->first == w->end ? 0 : w->tail;
	if (is_wrapped(w))
		return len <= w->head + (extent - w->extent) - w->tail;
	if (len <= extent - *at)
		return true;
	*at = 0;
	return len <= w->head;
}

static bool has_room(const struct window *w, size_t extent, size_t len, bool spare)
{
	uint32_t frames = w->end - w->first, most = WINDOW_FRAMES;
	size_t at;

	if (!spare) {
		most -= WINDOW_SPARE_FRAMES;
		len += WINDOW_SPARE_BYTES;
	}
	return frames < most && place(w, extent, len, &at);
}

bool window_has_room(const struct window *w, size_t len, bool spare)
{
	return has_room(w, w->size, len, spare);
}

/* What stands at the end of the part in use stays at its end. */
static void widen(struct window *w, size_t extent)
{
	size_t by = extent - w->extent;

	if (is_wrapped(w)) {
		memmove(w->mem + w->head + by, w->mem + w->head, w->extent - w->head);
		for (uint32_t seq = w->first; seq != w->end; seq++)
			if (slot(w, seq)->at >= w->head)
				slot(w, seq)->at += (uint32_t)by;
		w->head += by;
	}
	w->extent = extent;
}

static void forget_oldest(struct window *w)
{
	struct window_slot *s = slot(w, w->first);

	w->lost -= s->state == WINDOW_LOST;
	w->first++;
	if (w->first == w->end)
		w->head = w->tail = 0; /* few pages stay in use on a line that keeps up */
	else
		w->head = slot(w, w->first)->at;
	if (seq_before(w->resend_at, w->first))
		w->resend_at = w->first;
}

/* What has arrived needs no keeping once nothing before it is missing. */
static void forget_acked(struct window *w)
{
	while (w->first != w->end && slot(w, w->first)->state == WINDOW_ACKED)
		forget_oldest(w);
}

void window_make_room(struct window *w, size_t len, size_t limit)
{
	if (limit > w->size)
		limit = w->size;
	if (limit < w->extent)
		limit = w->extent;
	while (w->first != w->end && !has_room(w, limit, len, false))
		forget_oldest(w);
	forget_acked(w);
}

void window_add(struct window *w, const uint8_t *wire, size_t len)
{
	struct window_slot *s = slot(w, w->end);
	size_t at;

	assert(len > 0 && len <= UINT16_MAX && window_has_room(w, len, true));
	while (!place(w, w->extent, len, &at) && w->extent < w->size)
		widen(w, w->extent < w->size / 2 ? 2 * w->extent : w->size);
	/* Against the contract: not kept, and so never sent again. */
	if (!place(w, w->extent, len, &at))
		at = len = 0;
	memcpy(w->mem + at, wire, len);
	*s = (struct window_slot){.at = (uint32_t)at,
		.len = (uint16_t)len,
		.after = w->end + 1,
		.state = WINDOW_SENT};
	if (w->first == w->end)
		w->head = at;
	w->tail = at + len;
	w->end++;
}

/* ---- acknowledgements ----------------------------------------------------------------------- */

/* The number after the last one that an acknowledgement speaks of; false if it says what cannot
 * be. */
static bool find_heard_end(const struct window *w, const ayaprof_Ack *ack, uint32_t *heard_end)
{
	uint32_t behind = w->end - ack->next_seq; /* numbers the board has sent from there on */
	uint64_t sum = 0;

	if (seq_before(w->end, ack->next_seq))
		return false;
	for (pb_size_t i = 0; i < ack->missing_count; i++)
		sum += ack->missing[i];
	*heard_end = ack->next_seq + (uint32_t)sum;
	return sum <= behind;
}

static void set_acked(struct window *w, uint32_t from, uint32_t to)
{
	for (uint32_t seq = from; seq != to; seq++) {
		struct window_slot *s;

		if (seq_before(seq, w->first))
			continue;
		s = slot(w, seq);
		w->lost -= s->state == WINDOW_LOST;
		w->acked += s->state != WINDOW_ACKED;
		s->state = WINDOW_ACKED;
	}
}

/* The line keeps the order: a frame that was sent before one which has arrived is lost. */
static void set_lost(struct window *w, uint32_t from, uint32_t to, uint32_t heard_end)
{
	for (uint32_t seq = from; seq != to; seq++) {
		struct window_slot *s;

		if (seq_before(seq, w->first))
			continue;
		s = slot(w, seq);
		if (s->state != WINDOW_SENT || !seq_after(heard_end, s->after))
			continue;
		s->state = WINDOW_LOST;
		w->lost++;
		if (seq_before(seq, w->resend_at))
			w->resend_at = seq;
	}
}

int window_acknowledge(struct window *w, const ayaprof_Ack *ack, bool *gone)
{
	uint32_t seq = ack->next_seq, heard_end;

	if (!find_heard_end(w, ack, &heard_end))
		return -EINVAL;
	*gone = seq_before(seq, w->first);
	window_forget_before(w, seq);
	/* Runs before what is kept would only be skipped, number by number. */
	for (pb_size_t i = 0; i < ack->missing_count; i++) {
		uint32_t end = seq + ack->missing[i];
		uint32_t from = seq_before(seq, w->first) ? w->first : seq;

		if (seq_after(end, from)) {
			if (i % 2)
				set_acked(w, from, end);
			else
				set_lost(w, from, end, heard_end);
		}
		seq = end;
	}
	forget_acked(w);
	return 0;
}

void window_forget_before(struct window *w, uint32_t seq)
{
	while (w->first != w->end && seq_before(w->first, seq)) {
		w->acked += slot(w, w->first)->state != WINDOW_ACKED;
		forget_oldest(w);
	}
	forget_acked(w);
}

bool window_is_empty(const struct window *w)
{
	return w->first == w->end; /* what has arrived leaves from the oldest on */
}

/* ---- sending again -------------------------------------------------------------------------- */

static const uint8_t *send_again(struct window *w, struct window_slot *s, size_t *len)
{
	w->lost -= s->state == WINDOW_LOST;
	if (s->state == WINDOW_LOST)
		s->state = WINDOW_SENT;
	s->after = w->end;
	*len = s->len;
	return w->mem + s->at;
}

const uint8_t *window_resend(struct window *w, size_t *len)
{
	if (w->lost == 0)
		return NULL;
	while (slot(w, w->resend_at)->state != WINDOW_LOST)
		w->resend_at++;
	return send_again(w, slot(w, w->resend_at), len);
}

const uint8_t *window_resend_newest(struct window *w, size_t *len)
{
	if (w->first == w->end)
		return NULL;
	return send_again(w, slot(w, w->end - 1), len);
}

bool window_resent_since_newest(const struct window *w)
{
	for (uint32_t seq = w->first; seq != w->end; seq++) {
		const struct window_slot *s = &w->slots[seq % WINDOW_FRAMES];

		if (seq + 1 != w->end && s->state != WINDOW_ACKED && s->after == w->end)
			return true;
	}
	return false;
}
