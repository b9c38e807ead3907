/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/backchannel.h"

#include <string.h>

void backchannel_reset(struct backchannel *b)
{
	deframer_init(&b->deframer, b->mem, sizeof(b->mem));
}

void backchannel_init(struct backchannel *b, struct ayp_message_ctx *messages, uint32_t session)
{
	memset(b, 0, sizeof(*b));
	b->messages = messages;
	b->session = session;
	backchannel_reset(b);
}

/* Only what a host may say, and only to us: a line may echo our own frames. */
static void on_frame(struct backchannel *b, const struct backchannel_ops *ops, void *ctx)
{
	const struct deframer *d = &b->deframer;
	union {
		ayaprof_Ack ack;
		ayaprof_Control control;
	} msg;

	if (d->header.session != b->session ||
		(d->header.kind != AYP_KIND_ACK && d->header.kind != AYP_KIND_CONTROL))
		return;
	if (ayp_message_decode(
		    b->messages, d->header.kind, d->header.flags, d->payload, d->payload_len, &msg))
		return;
	b->frames++;
	if (d->header.kind == AYP_KIND_CONTROL)
		ops->control(ctx, &msg.control);
	else if (msg.ack.control_id == 0)
		ops->ack(ctx, &msg.ack);
}

void backchannel_bytes(struct backchannel *b, const uint8_t *data, size_t len,
	const struct backchannel_ops *ops, void *ctx)
{
	b->bytes += len;
	for (size_t i = 0; i < len; i++) {
		switch (deframer_push(&b->deframer, data[i])) {
		case DEFRAMER_FRAME:
			on_frame(b, ops, ctx);
			break;
		case DEFRAMER_DAMAGED:
			b->bad++;
			break;
		case DEFRAMER_MORE:
		case DEFRAMER_TEXT:
			break;
		}
	}
}
