/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The stream's books, and how it ends. */
#include "target/stream/stream.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "target/base/log.h"
#include "target/base/usage.h"

/* ---- books ---------------------------------------------------------------------------------- */

/* Causes that strike before the daemon: such events have no index. */
static const ayaprof_LossCause kernel_causes[] = {
	ayaprof_LossCause_LOSS_RING_FULL,
	ayaprof_LossCause_LOSS_MAP_FULL,
	ayaprof_LossCause_LOSS_MISSED_RETURN,
};

static uint64_t kernel_losses(const struct channel *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(kernel_causes) / sizeof(kernel_causes[0]); i++)
		sum += c->queue.losses.total[kernel_causes[i]];
	return sum;
}

void stream_fill_status(const struct stream *s, const struct channel *c, ayaprof_Status *status)
{
	channel_fill_status(c, status);
	status->t_ns = s->source->replay ? s->last_event_ns : s->now_ns;
	status->taken = s->taken;
	status->produced = s->produced ? s->produced : s->taken + kernel_losses(c);
	for (unsigned int cpu = 0; cpu < STREAM_CPUS; cpu++) {
		status->taken_by_cpu[cpu] = s->taken_by_cpu[cpu];
		if (s->taken_by_cpu[cpu])
			status->taken_by_cpu_count = (pb_size_t)(cpu + 1);
	}
	status->pending += ayp_block_encoder_pending(s->encoder);
	status->cpu_us = usage_cpu_us();
	status->rss_kb = usage_rss_kb();
}

static void balance_books(struct stream *s)
{
	uint64_t accounted = s->taken + kernel_losses(s->channels[0]);

	s->produced = s->source->ops->produced(s->source);
	if (s->produced < accounted) {
		log_detail("the source counts %llu events, %llu are accounted for",
			(unsigned long long)s->produced, (unsigned long long)accounted);
		s->produced = accounted;
	}
	/* Events that the kernel side counted, but neither handed over nor reported as lost. */
	for (size_t i = 0; i < s->n_channels; i++) {
		struct channel *c = s->channels[i];

		losses_add(&c->queue.losses, ayaprof_LossCause_LOSS_UNKNOWN, -1,
			s->produced - accounted, s->hello.start_ns, s->now_ns);
		feed_report_losses(&c->feed);
	}
}

/* ---- the last messages ---------------------------------------------------------------------- */

int stream_goodbye(void *ctx, struct channel *c, unsigned int times)
{
	struct stream *s = ctx;
	ayaprof_Goodbye *msg = &s->writer.msg.goodbye;
	int err;

	assert(s->end.reason && times > 0);
	feed_report_losses(&c->feed);
	c->feed.ended = true;
	memset(msg, 0, sizeof(*msg));
	msg->has_status = true;
	stream_fill_status(s, c, &msg->status);
	snprintf(msg->reason, sizeof(msg->reason), "%s", s->end.reason);
	msg->command_ended = s->end.exit_status >= 0;
	msg->exit_status = msg->command_ended ? s->end.exit_status : 0;
	err = feed_post(&c->feed, AYP_KIND_GOODBYE, msg);
	if (c->sink->format != SINK_FILE && !c->tx.windowed)
		for (unsigned int n = 1; n < times && !err; n++)
			(void)feed_post(&c->feed, AYP_KIND_GOODBYE, msg);
	return err;
}

int stream_end_recording(void *ctx, struct channel *c)
{
	struct stream *s = ctx;
	ayaprof_RecordingEnd *msg = &s->writer.msg.recording_end;

	if (c->sink->format != SINK_FILE)
		return 0;
	memset(msg, 0, sizeof(*msg));
	msg->has_stats = true;
	msg->stats.frames = c->tx.frames;
	msg->stats.wire_bytes = c->tx.wire_bytes;
	msg->end_wall_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	snprintf(msg->reason, sizeof(msg->reason), "%s", s->end.reason);
	return feed_post(&c->feed, AYP_KIND_RECORDING_END, msg);
}

/* ---- the end -------------------------------------------------------------------------------- */

void stream_quiesce(struct stream *s)
{
	assert(!s->quiescing && s->source);
	while (ayp_block_encoder_pending(s->encoder) > 0)
		stream_cut_block(s);
	stream_read_losses(s);
	stream_take_sample(s);
	stream_flush_samples(s);
	stream_pass_log(s);
	s->totals.cursor = 0;
	balance_books(s);
	s->quiescing = true;
	for (size_t i = 0; i < s->n_channels; i++)
		channel_quiesce(s->channels[i], s->now_ns);
}

bool stream_close(struct stream *s, const struct stream_end *end)
{
	struct closing_wish wish = {.forced = end->forced};
	bool closed = true;

	assert(s->quiescing);
	s->end = *end;
	if (!s->totals_queued)
		s->totals_queued = stream_final_totals(s);
	wish.queued = s->totals_queued;
	for (size_t i = 0; i < s->n_channels; i++)
		closed = channel_close(s->channels[i], &wish, s->now_ns) && closed;
	return closed;
}
