/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "framing/cobs.h"
#include "framing/framing.h"

static void open_group(struct cobs_writer *w)
{
	if (w->at >= w->cap) {
		w->failed = true;
		return;
	}
	w->code = w->at++;
	w->open = true;
}

static void close_group(struct cobs_writer *w)
{
	w->dst[w->code] = (uint8_t)(w->at - w->code);
	w->open = false;
}

void cobs_begin(struct cobs_writer *w, uint8_t *dst, size_t cap)
{
	*w = (struct cobs_writer){.dst = dst, .cap = cap};
	open_group(w);
}

void cobs_put(struct cobs_writer *w, const uint8_t *src, size_t len)
{
	for (const uint8_t *end = src + len; src < end && !w->failed; src++) {
		/* After a full group the next one opens only when there is something to put in it:
		 * input that ends there needs no further code byte. */
		if (!w->open) {
			open_group(w);
			if (w->failed)
				return;
		}
		if (*src == 0) {
			close_group(w);
			open_group(w);
			continue;
		}
		if (w->at >= w->cap) {
			w->failed = true;
			return;
		}
		w->dst[w->at++] = *src;
		if (w->at - w->code == COBS_FULL)
			close_group(w);
	}
}

size_t cobs_end(struct cobs_writer *w)
{
	if (w->failed)
		return 0;
	if (w->open)
		close_group(w);
	return w->at;
}

size_t framing_cobs_encode(uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	struct cobs_writer w;

	cobs_begin(&w, dst, cap);
	cobs_put(&w, src, len);
	return cobs_end(&w);
}

size_t framing_cobs_decode(uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	size_t in = 0, out = 0;

	while (in < len) {
		uint8_t code = src[in++];
		size_t run = (size_t)code - 1;

		if (code == 0 || run > len - in || run > cap - out)
			return 0;
		for (size_t end = in + run; in < end; in++) {
			if (src[in] == 0)
				return 0;
			dst[out++] = src[in];
		}
		/* A group stands for its bytes and a zero, except a full one and the last one. */
		if (code != COBS_FULL && in < len) {
			if (out >= cap)
				return 0;
			dst[out++] = 0;
		}
	}
	return out;
}
