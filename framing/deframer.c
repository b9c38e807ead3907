/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "framing/framing.h"

#include <assert.h>

#include "framing/text.h"

static void forget_outputs(struct deframer *d)
{
	d->payload = d->body = d->raw = NULL;
	d->payload_len = d->body_len = d->raw_len = 0;
	d->damage = DEFRAMER_DAMAGE_NONE;
}

void deframer_init(struct deframer *d, uint8_t *mem, size_t size)
{
	assert(size >= DEFRAMER_MEM(1u) && size % 2 == 0);
	forget_outputs(d);
	d->cap = size / 2;
	d->segment = mem;
	d->decoded = mem + d->cap;
	d->header = (struct framing_header){0};
	d->fill = 0;
	d->oversize = false;
}

/* Decode the segment beside itself: the raw bytes are still needed if it is not a frame. */
static enum deframer_damage parse(struct deframer *d)
{
	size_t n = framing_cobs_decode(d->decoded, d->cap, d->segment, d->fill);

	if (n == 0 && !(d->fill == 1 && d->segment[0] == 1))
		return DEFRAMER_DAMAGE_COBS;
	if (n < FRAMING_MIN_BODY)
		return DEFRAMER_DAMAGE_SHORT;
	if (n > FRAMING_MAX_BODY)
		return DEFRAMER_DAMAGE_OVERSIZE;
	if (!framing_body_parse(d->decoded, n, &d->header, &d->payload, &d->payload_len))
		return DEFRAMER_DAMAGE_CRC;
	d->body = d->decoded;
	d->body_len = n;
	return DEFRAMER_DAMAGE_NONE;
}

static enum deframer_outcome raw_out(struct deframer *d, enum deframer_damage damage, bool cut_back)
{
	d->raw = d->segment;
	d->raw_len = d->fill;
	d->fill = 0;
	if (framing_is_text(d->raw, d->raw_len, d->oversize, cut_back))
		return DEFRAMER_TEXT;
	d->damage = damage;
	return DEFRAMER_DAMAGED;
}

static enum deframer_outcome end_segment(struct deframer *d)
{
	enum deframer_outcome outcome = DEFRAMER_MORE;

	if (d->oversize) {
		if (d->fill)
			outcome = raw_out(d, DEFRAMER_DAMAGE_OVERSIZE, false);
		d->oversize = false;
	} else if (d->fill) {
		enum deframer_damage damage = parse(d);

		if (damage != DEFRAMER_DAMAGE_NONE)
			return raw_out(d, damage, false);
		d->fill = 0;
		outcome = DEFRAMER_FRAME;
	}
	return outcome;
}

enum deframer_outcome deframer_push(struct deframer *d, uint8_t byte)
{
	enum deframer_outcome outcome;

	forget_outputs(d);
	if (byte == 0)
		return end_segment(d);
	d->segment[d->fill++] = byte;
	if (d->fill < d->cap)
		return DEFRAMER_MORE;
	outcome = raw_out(d, DEFRAMER_DAMAGE_OVERSIZE, true);
	d->oversize = true;
	return outcome;
}

size_t deframer_text_waiting(const struct deframer *d)
{
	size_t n = d->fill;

	/* From its third byte on no frame can be taken for text: either flags are 0, and the first
	 * COBS code is 2, or the third byte is the flags, 1. Both are control characters. */
	if (n < 3 || !framing_is_text(d->segment, n, d->oversize, true))
		return 0;
	while (n > 0 && d->segment[n - 1] != '\n')
		n--;
	return n;
}

enum deframer_outcome deframer_take_text(struct deframer *d)
{
	size_t n = deframer_text_waiting(d);

	forget_outputs(d);
	if (n == 0)
		return DEFRAMER_MORE;
	for (size_t i = 0; i < n; i++)
		d->decoded[i] = d->segment[i];
	for (size_t i = n; i < d->fill; i++)
		d->segment[i - n] = d->segment[i];
	d->fill -= n;
	d->raw = d->decoded;
	d->raw_len = n;
	return DEFRAMER_TEXT;
}

enum deframer_outcome deframer_finish(struct deframer *d)
{
	forget_outputs(d);
	return end_segment(d);
}
