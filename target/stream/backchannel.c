/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/backchannel.h"

#include <string.h>

void backchannel_reset(struct backchannel *b)
{
	deframer_init(&b->deframer, b->mem, sizeof(b->mem));
	textframe_init(&b->textframe, b->text_mem, sizeof(b->text_mem));
}

void backchannel_init(struct backchannel *b, struct ayp_message_ctx *messages, uint32_t session)
{
	memset(b, 0, sizeof(*b));
	b->messages = messages;
	b->session = session;
	backchannel_reset(b);
}

/* Only what a host may say, and only to us: a line may echo our own frames. */
static void on_frame(struct backchannel *b, const struct framing_header *h, const uint8_t *payload,
	size_t len, const struct backchannel_ops *ops, void *ctx)
{
	union {
		ayaprof_Ack ack;
		ayaprof_Control control;
	} msg;

	if (h->session != b->session || (h->kind != AYP_KIND_ACK && h->kind != AYP_KIND_CONTROL))
		return;
	if (ayp_message_decode(b->messages, h->kind, h->flags, payload, len, &msg))
		return;
	b->frames++;
	if (h->kind == AYP_KIND_CONTROL)
		ops->control(ctx, &msg.control);
	else if (msg.ack.control_id == 0)
		ops->ack(ctx, &msg.ack);
}

static void deframe(
	struct backchannel *b, uint8_t byte, const struct backchannel_ops *ops, void *ctx)
{
	const struct deframer *d = &b->deframer;

	switch (deframer_push(&b->deframer, byte)) {
	case DEFRAMER_FRAME:
		on_frame(b, &d->header, d->payload, d->payload_len, ops, ctx);
		break;
	case DEFRAMER_DAMAGED:
		b->bad++;
		break;
	case DEFRAMER_MORE:
	case DEFRAMER_TEXT:
		break;
	}
}

void backchannel_bytes(struct backchannel *b, const uint8_t *data, size_t len,
	const struct backchannel_ops *ops, void *ctx)
{
	const struct textframe *t = &b->textframe;

	b->bytes += len;
	for (size_t i = 0; i < len; i++) {
		if (textframe_passes(t, data[i])) {
			deframe(b, data[i], ops, ctx);
			continue;
		}
		if (!textframe_push(&b->textframe, data[i]))
			continue;
		for (size_t k = 0; k < t->pass_len; k++)
			deframe(b, t->pass[k], ops, ctx);
		b->bad += t->bad_first;
		if (t->frame)
			on_frame(b, &t->header, t->payload, t->payload_len, ops, ctx);
	}
}
