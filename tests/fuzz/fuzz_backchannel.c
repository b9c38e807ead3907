/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a hostile host sends to a board: bytes as they come, and valid Acks and Controls with absurd contents, while
 * the board sends frames. The window keeps its invariants, memory its size; nothing hangs.
 *
 * Input: commands. 0xxxxxxx: so many raw bytes follow. 10xxxxxx: the board sends x frames. 11xxxxxx: a valid
 * message, its payload the next x bytes; bit 5: a Control, else an Ack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/base/log.h"
#include "target/stream/backchannel.h"
#include "target/stream/control.h"
#include "target/stream/rate.h"
#include "target/stream/reliable.h"
#include "tests/fuzz/fuzz.h"

#define SESSION 0x01020304u

static size_t taken;

static ssize_t sink_write(struct sink *s, const uint8_t *frame, size_t at, size_t len)
{
	if (taken > 20000)
		return -EAGAIN;
	taken += len - at;
	return (ssize_t)(len - at);
}

static ssize_t sink_read(struct sink *s, uint8_t *buf, size_t len)
{
	return -EAGAIN;
}

static size_t sink_unsent(const struct sink *s)
{
	return 0;
}

static int sink_set_rate(struct sink *s, uint32_t baud)
{
	s->baud = baud;
	return baud % 3 ? 0 : -ERANGE;
}

static void sink_free(struct sink *s)
{
}

static const struct sink_ops sink_ops = {
	.write = sink_write,
	.read = sink_read,
	.unsent = sink_unsent,
	.set_rate = sink_set_rate,
	.free = sink_free,
};

struct board {
	struct sink sink;
	struct writer writer;
	struct output *out;
	struct reliable link;
	struct rate rate;
	struct control control;
	struct backchannel back;
	uint64_t now;
};

static void check(const struct board *b)
{
	const struct window *w = &b->out->window;
	uint32_t lost = 0;
	size_t bytes = 0;

	MUST((int32_t)(w->end - w->first) >= 0 && w->end - w->first <= WINDOW_FRAMES);
	MUST(w->end == b->out->seq || w->end + 1 == b->out->seq);
	for (uint32_t seq = w->first; seq != w->end; seq++) {
		lost += w->slots[seq % WINDOW_FRAMES].state == WINDOW_LOST;
		bytes += w->slots[seq % WINDOW_FRAMES].len;
	}
	MUST(lost == w->lost && bytes <= w->size);
	MUST(w->first == w->end || w->slots[w->first % WINDOW_FRAMES].state != WINDOW_ARRIVED);
}

static void on_ack(void *ctx, const ayaprof_Ack *ack)
{
	struct board *b = ctx;

	rate_heard(&b->rate, b->now);
	reliable_acknowledged(&b->link, ack, b->now);
	check(b);
}

static void control_nothing(void *ctx, struct control_result *r)
{
}

static void control_baud(void *ctx, uint32_t baud, struct control_result *r)
{
	struct board *b = ctx;

	r->result = rate_ask(&b->rate, baud, b->now);
}

static void on_control(void *ctx, const ayaprof_Control *msg)
{
	static const struct control_ops ops = {control_nothing, control_nothing, control_baud};
	struct board *b = ctx;
	const struct control_result *r = control_take(&b->control, msg, &ops, b, b->now);

	MUST(!r || r->id == msg->id);
}

static const struct backchannel_ops back_ops = {on_ack, on_control};

static void hear(struct board *b, const uint8_t *data, size_t len)
{
	backchannel_bytes(&b->back, data, len, &back_ops, b);
}

static void hear_message(struct board *b, uint8_t kind, const uint8_t *payload, size_t len)
{
	struct framing_header h = {.kind = kind, .session = SESSION};
	uint8_t wire[FRAMING_WIRE_BOUND(64u)];

	hear(b, wire, framing_encode(wire, sizeof(wire), &h, payload, len));
}

static void turn(struct board *b, unsigned int frames)
{
	uint8_t payload[300] = {0};

	for (unsigned int i = 0; i < frames; i++)
		(void)output_post(
			b->out, AYP_KIND_STATUS, AYP_PRIORITY_EVENTS, 0, payload, 40 + 4 * i);
	b->now += 50000000;
	taken = 0;
	rate_tick(&b->rate, b->now);
	reliable_tick(&b->link, b->now);
	output_pump(b->out);
	check(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct board b;
	struct ayp_message_ctx *ctx = b.writer.ctx ? b.writer.ctx : ayp_message_ctx_new();

	MUST(ctx);
	log_set_verbosity(-1);
	memset(&b, 0, sizeof(b));
	b.writer.ctx = ctx;
	b.sink = (struct sink){.ops = &sink_ops,
		.format = SINK_LINE,
		.baud = 115200,
		.bytes_per_s = 11520,
		.present = true};
	b.out = output_new(&b.sink, SESSION, SPOOL_MIN_SIZE);
	MUST(b.out);
	b.now = 1000000000;
	MUST(reliable_init(&b.link, b.out, &b.writer,
		     size && data[0] & 1 ? LINKMODE_RELIABLE : LINKMODE_AUTO, 1) == 0);
	control_init(&b.control);
	rate_init(&b.rate, b.out, &b.link);
	backchannel_init(&b.back, ctx, SESSION);
	for (size_t i = 1; i < size;) {
		uint8_t c = data[i++];
		size_t n = c & (c & 0x80 ? 0x1f : 0x7f);

		if ((c & 0xc0) == 0x80) {
			turn(&b, (unsigned int)n);
			continue;
		}
		n = n < size - i ? n : size - i;
		if (c & 0x80)
			hear_message(&b, c & 0x20 ? AYP_KIND_CONTROL : AYP_KIND_ACK, data + i, n);
		else
			hear(&b, data + i, n);
		i += n;
		turn(&b, 0);
	}
	output_free(b.out);
	return 0;
}
