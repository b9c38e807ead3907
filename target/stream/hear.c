/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What hosts say, and what comes of it. */
#include "target/stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct hearing {
	struct stream *stream;
	size_t output;
};

static void on_ack(void *ctx, const ayaprof_Ack *ack)
{
	const struct hearing *h = ctx;

	rate_heard(&h->stream->lines[h->output].rate, h->stream->now_ns);
	reliable_acknowledged(&h->stream->lines[h->output].link, ack, h->stream->now_ns);
}

static void control_status(void *ctx, struct control_result *r)
{
	const struct hearing *h = ctx;
	const struct output *out = h->stream->lines[h->output].out;

	snprintf(r->text, sizeof(r->text), "%llu events taken, %llu lost, %zu KiB wait, %u baud",
		(unsigned long long)h->stream->taken,
		(unsigned long long)losses_total(&out->losses), spool_bytes(&out->spool) >> 10,
		out->sink->baud);
}

static void control_stop(void *ctx, struct control_result *r)
{
	const struct hearing *h = ctx;

	h->stream->stop_wanted = true;
}

static void control_baud(void *ctx, uint32_t baud, struct control_result *r)
{
	const struct hearing *h = ctx;

	/* While much is left to send a faster line is welcome; after the goodbye nothing is. */
	if (h->stream->lines[h->output].feed.closed) {
		r->result = -EBUSY;
		snprintf(r->text, sizeof(r->text), "the run is over");
		return;
	}
	r->result = rate_ask(&h->stream->lines[h->output].rate, baud, h->stream->now_ns);
	if (r->result)
		snprintf(r->text, sizeof(r->text), "%s",
			r->result == -EBUSY ? "the rate is being changed already"
			: r->result == -EAGAIN
				? "the rate was changed too often; try again in a while"
			: r->result == -ERANGE ? "no rate"
					       : "the line is no serial one");
}

static const struct control_ops control_ops = {control_status, control_stop, control_baud};

/* An answer may stand before a change of the line: it does not wait behind events. */
static void on_control(void *ctx, const ayaprof_Control *msg)
{
	const struct hearing *h = ctx;
	struct stream *s = h->stream;
	const struct control_result *r;
	ayaprof_Ack *ack = &s->writer.msg.ack;
	int len;

	rate_heard(&s->lines[h->output].rate, s->now_ns);
	r = control_take(&s->control, msg, &control_ops, ctx, s->now_ns);
	if (!r)
		return;
	memset(ack, 0, sizeof(*ack));
	ack->control_id = r->id;
	ack->result = r->result;
	memcpy(ack->text, r->text, sizeof(ack->text));
	len = writer_encode(&s->writer, AYP_KIND_ACK, ack);
	if (len >= 0)
		output_post_urgent(
			s->lines[h->output].out, AYP_KIND_ACK, s->writer.payload, (size_t)len);
}

static const struct backchannel_ops hearing_ops = {.ack = on_ack, .control = on_control};

void stream_hear(struct stream *s, size_t i)
{
	struct sink *sink = s->lines[i].out->sink;
	struct hearing h = {s, i};
	uint8_t buf[2048];
	ssize_t n = sink->listens ? sink->ops->read(sink, buf, sizeof(buf)) : -EAGAIN;

	if (n > 0)
		backchannel_bytes(&s->lines[i].back, buf, (size_t)n, &hearing_ops, &h);
	else if (n != -EAGAIN)
		backchannel_reset(&s->lines[i].back);
}
