/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What hosts ask for, and what they are answered. */
#include "target/stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct asking {
	struct stream *stream;
	struct channel *channel;
};

static void command_status(void *ctx, const ayaprof_Control *msg, struct control_result *r)
{
	const struct asking *a = ctx;
	const struct channel *c = a->channel;

	snprintf(r->text, sizeof(r->text), "%llu events taken, %llu lost, %zu KiB wait, %u baud",
		(unsigned long long)a->stream->taken,
		(unsigned long long)losses_total(&c->queue.losses),
		spool_bytes(&c->queue.spool) >> 10, c->sink->baud);
}

static void command_stop(void *ctx, const ayaprof_Control *msg, struct control_result *r)
{
	const struct asking *a = ctx;

	a->stream->stop_wanted = true;
}

static const char *why_no_baud(const struct channel *c, int err)
{
	switch (err) {
	case -EBUSY:
		return c->feed.ended ? "the run is over" : "the rate is being changed already";
	case -EAGAIN:
		return "the rate was changed too often; try again in a while";
	case -ERANGE:
		return "no rate";
	default:
		return "the line is no serial one";
	}
}

static void command_baud(void *ctx, const ayaprof_Control *msg, struct control_result *r)
{
	const struct asking *a = ctx;

	r->result = baud_ask(a->channel, msg->command.baud, a->stream->now_ns);
	if (r->result)
		snprintf(r->text, sizeof(r->text), "%s", why_no_baud(a->channel, r->result));
}

/* Every command that is READY has a function here, or this is not compiled. */
#define READY(member)                                      command_##member
#define LATER(member)                                      NULL
#define OP(name, member, words, arg, arg_name, when, help) [AYP_COMMAND_##name] = when(member),
static const struct control_ops ops = {{AYP_COMMAND_LIST(OP)}};

/* An answer may stand before a change of the line: it does not wait behind events. */
void stream_control(void *ctx, struct channel *c, const ayaprof_Control *msg)
{
	struct stream *s = ctx;
	struct asking asking = {s, c};
	ayaprof_Ack *ack = &s->writer.msg.ack;
	const struct control_result *r = control_take(&s->control, msg, &ops, &asking, s->now_ns);

	if (!r)
		return;
	memset(ack, 0, sizeof(*ack));
	ack->control_id = r->id;
	ack->result = r->result;
	memcpy(ack->text, r->text, sizeof(ack->text));
	channel_post_urgent(c, AYP_KIND_ACK, ack);
}
