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
#include "target/stream/channel.h"
#include "target/stream/control.h"
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

/* What channel_hear is to read next. */
static const uint8_t *said;
static size_t said_len;

static ssize_t sink_read(struct sink *s, uint8_t *buf, size_t len)
{
	if (said_len == 0)
		return -EAGAIN;
	len = said_len < len ? said_len : len;
	memcpy(buf, said, len);
	said += len;
	said_len -= len;
	return (ssize_t)len;
}

static void sink_tick(struct sink *s, uint64_t now)
{
}

static size_t sink_unsent(const struct sink *s)
{
	return 0;
}

static int sink_set_rate(struct sink *s, uint32_t baud)
{
	if (baud % 3 == 0)
		return -ERANGE;
	s->baud = baud;
	s->bytes_per_s = baud / 10;
	return 0;
}

static void sink_free(struct sink *s)
{
}

static const struct sink_ops sink_ops = {
	.write = sink_write,
	.read = sink_read,
	.tick = sink_tick,
	.unsent = sink_unsent,
	.set_rate = sink_set_rate,
	.free = sink_free,
};

struct board {
	struct sink sink;
	struct config config;
	struct writer writer;
	struct names *names;
	struct stacks stacks;
	struct channel *channel;
	struct control control;
	uint64_t now;
};

static void check(const struct board *b)
{
	const struct window *w = &b->channel->tx.window;
	uint32_t lost = 0;
	size_t bytes = 0;

	MUST((int32_t)(w->end - w->first) >= 0 && w->end - w->first <= WINDOW_FRAMES);
	MUST(w->end == b->channel->tx.seq || w->end + 1 == b->channel->tx.seq);
	for (uint32_t seq = w->first; seq != w->end; seq++) {
		lost += w->slots[seq % WINDOW_FRAMES].state == WINDOW_LOST;
		bytes += w->slots[seq % WINDOW_FRAMES].len;
	}
	MUST(lost == w->lost && bytes <= w->size);
	MUST(w->first == w->end || w->slots[w->first % WINDOW_FRAMES].state != WINDOW_ACKED);
}

static void control_nothing(void *ctx, const ayaprof_Control *msg, struct control_result *r)
{
}

static void control_baud(void *ctx, const ayaprof_Control *msg, struct control_result *r)
{
	struct board *b = ctx;

	r->result = baud_ask(b->channel, msg->command.baud, b->now);
}

static void on_control(void *ctx, struct channel *c, const ayaprof_Control *msg)
{
	static const struct control_ops ops = {{
		[AYP_COMMAND_STATUS] = control_nothing,
		[AYP_COMMAND_STOP] = control_nothing,
		[AYP_COMMAND_BAUD] = control_baud,
	}};
	struct board *b = ctx;
	const struct control_result *r = control_take(&b->control, msg, &ops, b, b->now);
	ayaprof_Ack ack = {.control_id = msg->id};

	MUST(!r || r->id == msg->id);
	if (r)
		channel_post_urgent(c, AYP_KIND_ACK, &ack);
}

static void on_rate(void *ctx, struct channel *c)
{
	MUST(c->rate.bytes_per_s == c->sink->bytes_per_s);
}

static const struct channel_ops channel_ops = {.control = on_control, .rate_changed = on_rate};

static void hear(struct board *b, const uint8_t *data, size_t len)
{
	said = data;
	said_len = len;
	while (said_len)
		channel_hear(b->channel, b->now);
	check(b);
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
		(void)outqueue_post(&b->channel->queue, AYP_KIND_STATUS, AYP_PRIORITY_EVENTS, 0,
			payload, 40 + 4 * i);
	b->now += 50000000;
	taken = 0;
	channel_look(b->channel, b->now);
	channel_tick(b->channel, b->now);
	channel_pump(b->channel);
	check(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct board b;
	struct ayp_message_ctx *ctx = b.writer.ctx ? b.writer.ctx : ayp_message_ctx_new();
	struct channel_parts parts = {.ops = &channel_ops, .ctx = &b};

	MUST(ctx);
	log_set_verbosity(-1);
	memset(&b, 0, sizeof(b));
	b.writer.ctx = ctx;
	b.writer.cap = FRAMING_MAX_PAYLOAD;
	b.sink = (struct sink){.ops = &sink_ops,
		.format = SINK_LINE,
		.baud = 115200,
		.bytes_per_s = 11520,
		.present = true};
	b.config.link = size && data[0] & 1 ? LINKMODE_RELIABLE : LINKMODE_AUTO;
	b.names = names_new();
	b.channel = channel_new(&b.sink, &b.config, SESSION, SPOOL_MIN_SIZE);
	MUST(b.names && b.channel);
	parts.writer = &b.writer;
	parts.names = b.names;
	parts.stacks = &b.stacks;
	MUST(channel_join(b.channel, &parts, 1000000000) == 0);
	b.now = 1000000000;
	control_init(&b.control);
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
	channel_free(b.channel);
	names_free(b.names);
	return 0;
}
