/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/record/receiver.h"

#include <string.h>

void receiver_init(struct receiver *r, const struct receiver_ops *ops, void *ctx)
{
	r->ops = ops;
	r->ctx = ctx;
	r->as_is = r->damage_told = r->heard = false;
	r->before_len = r->doubtful_len = 0;
	deframer_init(&r->deframer, r->mem, sizeof(r->mem));
	salvage_init(&r->salvage, r->salvage_mem, &r->lines, &r->pairs, ops->plausible, ctx);
	textframe_init(&r->textframe, r->text_mem, sizeof(r->text_mem));
}

static int tell_damage(struct receiver *r, size_t len)
{
	bool first = !r->damage_told;

	if (len == 0)
		return 0;
	r->damage_told = true;
	return r->ops->damage(r->ctx, len, first);
}

/* What was put off, by the frame that came next; NULL: none did. */
static int settle(struct receiver *r, const struct framing_header *next)
{
	size_t len = r->doubtful_len;

	r->doubtful_len = 0;
	if (len == 0)
		return 0;
	if (next && r->heard && next->session == r->last.session && next->seq == r->last.seq + 1)
		return r->ops->text(r->ctx, r->doubtful, len);
	return r->ops->damage(r->ctx, len, true);
}

static int tell_frame(struct receiver *r, const struct receiver_frame *f)
{
	int err = settle(r, &f->header);

	r->last = f->header;
	r->heard = true;
	return err ? err : r->ops->frame(r->ctx, f);
}

static int tell_text(struct receiver *r, const uint8_t *text, size_t len)
{
	int err = settle(r, NULL);

	return err ? err : r->ops->text(r->ctx, text, len);
}

static int tell_salvaged(struct receiver *r, enum salvage_way way)
{
	const struct salvage *s = &r->salvage;
	struct receiver_frame f = {
		.header = s->header,
		.payload = s->payload,
		.payload_len = s->payload_len,
		.body = s->body,
		.body_len = s->body_len,
		.repaired = way == SALVAGE_REPAIRED || way == SALVAGE_GUESSED,
	};

	return tell_frame(r, &f);
}

/* The text of a segment in order, then the frame that it stood in, or the damage. */
static int tell_segment(
	struct receiver *r, const uint8_t *segment, size_t len, enum salvage_way way)
{
	const struct salvage *s = &r->salvage;
	size_t text = 0;
	int err = 0;

	for (size_t i = 0; i < s->n_text && !err; i++) {
		text += s->text[i].len;
		err = tell_text(r, segment + s->text[i].at, s->text[i].len);
	}
	if (err)
		return err;
	return way == SALVAGE_NOTHING ? tell_damage(r, len - text) : tell_salvaged(r, way);
}

static void keep(struct receiver *r, const uint8_t *segment, size_t len)
{
	r->before_len = 0;
	if (len > sizeof(r->before) || r->salvage.n_text)
		return;
	memcpy(r->before, segment, len);
	r->before_len = len;
}

/* Neither frame nor text by its bytes, nothing else in it: text in another character set? */
static int on_doubtful(struct receiver *r, const uint8_t *segment, size_t len)
{
	int err = settle(r, NULL);

	if (err)
		return err;
	if (salvage_looks_like_text(segment, len)) {
		r->before_len = 0;
		return r->ops->text(r->ctx, segment, len);
	}
	memcpy(r->doubtful, segment, len);
	r->doubtful_len = len;
	return 0;
}

static int on_damaged(struct receiver *r)
{
	const uint8_t *segment = r->deframer.raw;
	size_t len = r->deframer.raw_len;
	enum salvage_way way;
	int err;

	if (r->as_is ||
		(r->deframer.damage == DEFRAMER_DAMAGE_OVERSIZE && len > RECEIVER_SEGMENT)) {
		r->before_len = 0;
		return tell_damage(r, len);
	}
	if (r->before_len) {
		way = salvage_joined(&r->salvage, r->before, r->before_len, segment, len);
		if (way != SALVAGE_NOTHING) {
			r->before_len = r->doubtful_len = 0;
			return tell_salvaged(r, way);
		}
	}
	way = salvage_segment(&r->salvage, segment, len);
	if (way != SALVAGE_NOTHING) {
		r->before_len = 0;
		return tell_segment(r, segment, len, way);
	}
	keep(r, segment, len);
	if (r->salvage.n_text == 0 && !r->damage_told && len <= sizeof(r->doubtful) &&
		salvage_is_text8(segment, len))
		return on_doubtful(r, segment, len);
	err = settle(r, NULL);
	return err ? err : tell_segment(r, segment, len, way);
}

static int on_outcome(struct receiver *r, enum deframer_outcome outcome)
{
	const struct deframer *d = &r->deframer;
	struct receiver_frame f;

	switch (outcome) {
	case DEFRAMER_MORE:
		break;
	case DEFRAMER_FRAME:
		r->before_len = 0;
		f = (struct receiver_frame){
			.header = d->header,
			.payload = d->payload,
			.payload_len = d->payload_len,
			.body = d->body,
			.body_len = d->body_len,
		};
		return tell_frame(r, &f);
	case DEFRAMER_TEXT:
		r->before_len = 0;
		return tell_text(r, d->raw, d->raw_len);
	case DEFRAMER_DAMAGED:
		return on_damaged(r);
	}
	return 0;
}

static int deframe(struct receiver *r, uint8_t byte)
{
	int err;

	/* Two delimiters: what stands on their sides was never one frame. */
	if (byte == 0 && r->deframer.fill == 0)
		r->before_len = 0;
	err = on_outcome(r, deframer_push(&r->deframer, byte));
	if (byte == 0)
		r->damage_told = false;
	return err;
}

static int end_segment(struct receiver *r)
{
	int err = on_outcome(r, deframer_finish(&r->deframer));

	r->damage_told = false;
	r->before_len = 0;
	return err;
}

static int tell_textframe(struct receiver *r)
{
	const struct textframe *t = &r->textframe;
	struct receiver_frame f = {
		.header = t->header,
		.payload = t->payload,
		.payload_len = t->payload_len,
		.body = t->body,
		.body_len = t->body_len,
		.text = true,
	};

	if (t->joined && (r->as_is || !r->ops->plausible(r->ctx, &t->header, SALVAGE_UNTANGLED)))
		return r->ops->damage(r->ctx, TEXTFRAME_CHARS(t->body_len) + 4, true);
	return tell_frame(r, &f);
}

static int on_textframe(struct receiver *r)
{
	const struct textframe *t = &r->textframe;
	int err = 0;

	for (size_t i = 0; i < t->pass_len && !err; i++)
		err = deframe(r, t->pass[i]);
	if (err || (!t->bad_len && !t->frame))
		return err;
	err = end_segment(r);
	if (!err && t->bad_len)
		err = r->ops->damage(r->ctx, t->bad_len, t->bad_first);
	return err || !t->frame ? err : tell_textframe(r);
}

int receiver_bytes(struct receiver *r, const uint8_t *data, size_t len)
{
	int err = 0;

	salvage_received(&r->salvage, len);
	for (size_t i = 0; i < len && !err; i++) {
		if (textframe_passes(&r->textframe, data[i]))
			err = deframe(r, data[i]);
		else if (textframe_push(&r->textframe, data[i]))
			err = on_textframe(r);
	}
	return err;
}

int receiver_idle(struct receiver *r)
{
	int err = textframe_idle(&r->textframe) ? on_textframe(r) : 0;

	if (err || !deframer_text_waiting(&r->deframer))
		return err;
	return on_outcome(r, deframer_take_text(&r->deframer));
}

int receiver_finish(struct receiver *r)
{
	int err = textframe_finish(&r->textframe) ? on_textframe(r) : 0;

	if (!err)
		err = end_segment(r);
	if (!err)
		err = settle(r, NULL);
	deframer_init(&r->deframer, r->mem, sizeof(r->mem));
	return err;
}
