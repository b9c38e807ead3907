/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/stream/hello.h"
#include "target/base/log.h"
#include "target/stream/tasks.h"
#include "target/base/usage.h"

/* A quiet board is still live; a file has nobody waiting, and larger blocks are denser. */
#define FLUSH_NS      (200 * NS_PER_MS)
#define FLUSH_FILE_NS (1000 * NS_PER_MS)
/* Nothing tells whether it arrived, and only it makes the receiver's books final: on a noisy line
 * one of several gets through. */
/* The most an event can take in a block, with room to spare: what back-pressure reckons with. */
#define EVENT_BOUND 32u
static size_t frame_bytes(const struct stream *s)
{
	return s->lines[0].out->pace.frame_bytes;
}

/* Frames of events are as the first output wants them; who attaches late to any of them waits no longer for a group
 * than its pace says. */
static void set_block_sizes(struct stream *s)
{
	uint64_t group = UINT64_MAX;

	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].out->pace.group_bytes < group)
			group = s->lines[i].out->pace.group_bytes;
	ayp_block_encoder_resize(s->encoder, frame_bytes(s) - EVENTS_OVERHEAD, group);
}

struct stream *stream_new(
	const struct config *cfg, struct names *names, struct output **outputs, size_t n_outputs)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct ayp_block_config blocks = {
		.codec = STREAM_CODEC, .target_bytes = FRAMING_MAX_PAYLOAD};
	void *mem = malloc(ayp_block_encoder_size(blocks.codec));
	uint64_t now = now_ns();

	if (!s || !mem)
		goto failed;
	s->cfg = cfg;
	s->names = names;
	s->encoder = ayp_block_encoder_init(mem, &blocks);
	s->writer.ctx = ayp_message_ctx_new();
	s->writer.cap = pace_payload_max(outputs[0]->sink);
	if (!s->encoder || !s->writer.ctx)
		goto failed;
	for (size_t i = 0; i < n_outputs; i++) {
		const struct line_parts parts = {&s->writer, names, &s->stacks};
		if (line_init(&s->lines[i], outputs[i], &parts, cfg, now))
			goto failed;
	}
	s->n_lines = n_outputs;
	set_block_sizes(s);
	control_init(&s->control);
	s->now_ns = now;
	s->log.fd = -1;
	return s;
failed:
	if (s)
		ayp_message_ctx_free(s->writer.ctx);
	free(mem);
	free(s);
	return NULL;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	stacks_free(&s->stacks);
	ayp_message_ctx_free(s->writer.ctx);
	free(s->totals.told);
	free(s->encoder); /* the memory it was set up in */
	free(s);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static unsigned int count_shares(const struct ayp_block_info *info, struct spool_share *shares)
{
	unsigned int n = 0;

	for (unsigned int cpu = 0; cpu < STREAM_CPUS; cpu++)
		if (info->per_cpu[cpu])
			shares[n++] = (struct spool_share){(uint16_t)cpu, info->per_cpu[cpu]};
	return n;
}

static void post_block(struct stream *s, const struct ayp_block_info *info)
{
	static struct spool_share shares[STREAM_CPUS];
	int len = writer_encode(&s->writer, AYP_KIND_EVENTS, &s->writer.msg.events);
	struct spool_item item = {
		.kind = AYP_KIND_EVENTS,
		.flags = s->writer.flags,
		.priority = AYP_PRIORITY_EVENTS,
		.len = (uint32_t)(len < 0 ? 0 : len),
		.events = info->count,
		.first_ns = info->first_ns,
		.last_ns = info->last_ns,
		.shares = shares,
	};
	static uint8_t payload[FRAMING_MAX_PAYLOAD];
	bool dropped = len < 0;

	item.n_shares = (uint16_t)count_shares(info, shares);
	/* Announcing uses the writer, too. */
	memcpy(payload, s->writer.payload, item.len);
	item.payload = payload;
	for (size_t i = 0; i < s->n_lines; i++) {
		struct output *out = s->lines[i].out;
		feed_announce_basics(&s->lines[i].feed);
		if (output_takes_events(out))
			feed_announce_inline(&s->lines[i].feed);
		if (len >= 0) {
			output_post_events(out, &item);
			dropped = dropped || out->pausing;
			continue;
		}
		for (unsigned int j = 0; j < item.n_shares; j++)
			losses_add(&out->losses, ayaprof_LossCause_LOSS_UNKNOWN, shares[j].cpu,
				shares[j].count, info->first_ns, info->last_ns);
	}
	if (dropped)
		ayp_block_encoder_restart(s->encoder);
}

/* Who has just come, or come back, has none of the blocks that the next one would build on. */
static void start_group_for_new_receivers(struct stream *s)
{
	unsigned int generations = 0;

	for (size_t i = 0; i < s->n_lines; i++)
		generations += output_generation(s->lines[i].out);
	if (generations != s->generations)
		ayp_block_encoder_restart(s->encoder);
	s->generations = generations;
}

static void cut_block(struct stream *s)
{
	ayaprof_Events *msg = &s->writer.msg.events;
	struct ayp_block_info info = {0};
	size_t size, cap = frame_bytes(s) + frame_bytes(s) / 4;

	if (cap > sizeof(msg->block.bytes))
		cap = sizeof(msg->block.bytes);
	if (ayp_block_encoder_pending(s->encoder) == 0)
		return;
	start_group_for_new_receivers(s);
	size = ayp_block_encoder_cut(s->encoder, msg->block.bytes, cap, &info);
	msg->block.size = (pb_size_t)size;
	msg->first_index = s->next_index;
	msg->count = info.count;
	msg->codec = info.codec;
	post_block(s, &info);
	s->next_index += info.count;
	s->pending_since_ns = s->now_ns;
}

static uint64_t round_to(uint64_t t, uint64_t step)
{
	uint64_t rest = t % step;

	return rest * 2 >= step && t <= UINT64_MAX - step ? t - rest + step : t - rest;
}

static void use_task(struct stream *s, uint32_t tid)
{
	if (names_use(s->names, ayaprof_Table_TABLE_TASK, tid) || s->source->replay)
		return;
	tasks_look_up(s->names, tid, !s->source->foreign_pids);
	names_use(s->names, ayaprof_Table_TABLE_TASK, tid);
}

/* Some classes name things in their arguments. */
static void use_arguments(struct stream *s, unsigned int cls, const struct ayp_event *ev)
{
	if (ev->nargs == 0)
		return;
	if (cls == AYP_CLASS_SWITCH)
		use_task(s, (uint32_t)ev->arg[0]);
	else if (cls == AYP_CLASS_PACKET)
		names_use(s->names, ayaprof_Table_TABLE_IFACE, (uint32_t)ev->arg[0]);
}

static void use_names(struct stream *s, const struct ayp_event *ev)
{
	const struct name *func;

	names_use(s->names, ayaprof_Table_TABLE_FUNC, ev->func);
	if (!s->task_known[ev->cpu] || s->task_of_cpu[ev->cpu] != ev->tid) {
		use_task(s, ev->tid);
		s->task_of_cpu[ev->cpu] = ev->tid;
		s->task_known[ev->cpu] = true;
	}
	if (ev->nargs && (func = names_get(s->names, ayaprof_Table_TABLE_FUNC, ev->func)) != NULL)
		use_arguments(s, func->cls, ev);
}

static void on_event(void *ctx, const struct ayp_event *ev)
{
	struct stream *s = ctx;
	struct ayp_event rounded;
	uint32_t pending;
	int cut;

	if (s->cfg->resolution_ns > 1) {
		rounded = *ev;
		rounded.t_ns = round_to(ev->t_ns, s->cfg->resolution_ns);
		ev = &rounded;
	}
	use_names(s, ev);
	pending = ayp_block_encoder_pending(s->encoder);
	if (pending == AYP_BLOCK_MAX_EVENTS) {
		cut_block(s);
		pending = ayp_block_encoder_pending(s->encoder);
	}
	if (pending == 0)
		s->pending_since_ns = s->now_ns;
	cut = ayp_block_encoder_put(s->encoder, ev);
	s->taken++;
	s->taken_by_cpu[ev->cpu]++;
	if (ev->t_ns > s->last_event_ns)
		s->last_event_ns = ev->t_ns;
	if (cut > 0)
		cut_block(s);
}

static void on_stack(void *ctx, const ayaprof_Stack *stack)
{
	struct stream *s = ctx;

	for (pb_size_t i = 0; i < stack->symbols_count; i++)
		names_use(s->names, ayaprof_Table_TABLE_SYMBOL, stack->symbols[i]);
	if (stacks_add(&s->stacks, stack))
		log_warn("out of memory: a call stack will have no names");
}

struct source_sink stream_source_sink(struct stream *s)
{
	return (struct source_sink){.ctx = s, .event = on_event, .stack = on_stack};
}

bool stream_has_room(const struct stream *s)
{
	size_t bytes = 2 * frame_bytes(s) + STREAM_BATCH * EVENT_BOUND;

	for (size_t i = 0; i < s->n_lines; i++)
		if (!output_has_event_room(s->lines[i].out, bytes))
			return false;
	return true;
}

/* ---- books ---------------------------------------------------------------------------------- */

/* Causes that strike before the daemon: such events have no index. */
static const ayaprof_LossCause kernel_causes[] = {
	ayaprof_LossCause_LOSS_RING_FULL,
	ayaprof_LossCause_LOSS_MAP_FULL,
	ayaprof_LossCause_LOSS_MISSED_RETURN,
};

static uint64_t kernel_losses(const struct output *out)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(kernel_causes) / sizeof(kernel_causes[0]); i++)
		sum += out->losses.total[kernel_causes[i]];
	return sum;
}

void stream_fill_status(const struct stream *s, size_t i, ayaprof_Status *status)
{
	const struct output *out = s->lines[i].out;

	status->t_ns = s->source->replay ? s->last_event_ns : s->now_ns;
	status->taken = s->taken;
	status->produced = s->produced ? s->produced : s->taken + kernel_losses(out);
	losses_fill_status(&out->losses, status);
	for (unsigned int cpu = 0; cpu < STREAM_CPUS; cpu++) {
		status->taken_by_cpu[cpu] = s->taken_by_cpu[cpu];
		if (s->taken_by_cpu[cpu])
			status->taken_by_cpu_count = (pb_size_t)(cpu + 1);
	}
	status->pending = output_pending(out) + ayp_block_encoder_pending(s->encoder);
	status->frames = out->frames;
	status->wire_bytes = out->wire_bytes;
	status->spool_bytes = spool_bytes(&out->spool);
	status->spool_peak = out->spool.peak;
	status->spool_size = out->spool.size;
	status->cpu_us = usage_cpu_us();
	status->rss_kb = usage_rss_kb();
	status->line_reopened = out->sink->reopened;
	status->has_uart =
		out->sink->ops->errors && out->sink->ops->errors(out->sink, &status->uart);
	status->frames_again = out->frames_again;
}

static void fill_books(void *ctx, const struct feed *f, ayaprof_Status *status)
{
	const struct stream *s = ctx;
	size_t i = 0;

	while (f != &s->lines[i].feed)
		i++;
	stream_fill_status(s, i, status);
}

/* ---- course of a session -------------------------------------------------------------------- */

static void begin_recording(struct feed *f)
{
	ayaprof_Recording *msg = &f->writer->msg.recording;

	memset(msg, 0, sizeof(*msg));
	msg->format_version = AYP_FORMAT_VERSION;
	msg->start_wall_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	snprintf(msg->recorder, sizeof(msg->recorder), "ayaprof-uart %s", AYAPROF_VERSION);
	snprintf(msg->link, sizeof(msg->link), "%s", f->out->sink->description);
	feed_post(f, AYP_KIND_RECORDING, msg);
}

static void tick_feeds(struct stream *s)
{
	struct feed_books books = {fill_books, s};

	for (size_t i = 0; i < s->n_lines; i++) {
		if (s->lines[i].feed.closed)
			continue;
		s->hello.baud = s->lines[i].out->sink->baud;
		s->hello.link = s->lines[i].out->sink->link;
		s->hello.answers = reliable_listens(&s->lines[i].link);
		feed_tick(&s->lines[i].feed, &s->hello, &books, s->now_ns);
	}
}

void stream_begin(struct stream *s, struct source *source)
{
	s->source = source;
	hello_fill(&s->hello, s->cfg, source);
	s->hello.codec = STREAM_CODEC;
	for (size_t i = 0; i < s->n_lines; i++)
		if (s->lines[i].out->sink->format == SINK_FILE)
			begin_recording(&s->lines[i].feed);
	s->losses_read_ns = s->now_ns;
	tick_feeds(s);
}

void stream_set_now(struct stream *s, uint64_t now)
{
	s->now_ns = now;
	if (now < s->second_due_ns)
		return;
	s->second_due_ns = now + NS_PER_S;
	names_tick(s->names);
	memset(s->task_known, 0, sizeof(s->task_known));
}

/* While events already wait for the line, cutting early would only make worse blocks. */
static void flush_pending(struct stream *s)
{
	const struct output *out = s->lines[0].out;
	uint64_t age = s->now_ns - s->pending_since_ns;

	if (ayp_block_encoder_pending(s->encoder) == 0 || output_pending(out) > 0)
		return;
	if (age >= (out->sink->format == SINK_FILE ? FLUSH_FILE_NS : FLUSH_NS))
		cut_block(s);
}

void stream_tick(struct stream *s, bool closing)
{
	bool waiting = false, changed = false;

	for (size_t i = 0; i < s->n_lines; i++)
		changed = line_tick(&s->lines[i], closing, s->now_ns) || changed;
	if (changed)
		set_block_sizes(s);
	if (!closing) {
		flush_pending(s);
		stream_telemetry(s);
	}
	for (size_t i = 0; i < s->n_lines; i++)
		waiting = waiting || output_pending(s->lines[i].out) > 0;
	if (!closing || waiting) {
		stream_log_tick(s);
		tick_feeds(s);
	}
	for (size_t i = 0; closing && i < s->n_lines; i++) {
		if (s->lines[i].feed.closed)
			continue;
		feed_announce_basics(&s->lines[i].feed);
		feed_announce_inline(&s->lines[i].feed);
	}
}

/* ---- the end ----------------------------------------------------------------------------- */

void stream_pump(struct stream *s)
{
	for (size_t i = 0; i < s->n_lines; i++)
		output_pump(s->lines[i].out);
}

void stream_close_books(struct stream *s)
{
	uint64_t accounted;

	while (ayp_block_encoder_pending(s->encoder) > 0)
		cut_block(s);
	stream_read_losses(s);
	stream_take_sample(s);
	stream_flush_samples(s);
	stream_pass_log(s);
	s->totals.cursor = 0;
	s->produced = s->source->ops->produced(s->source);
	accounted = s->taken + kernel_losses(s->lines[0].out);
	if (s->produced < accounted) {
		log_detail("the source counts %llu events, %llu are accounted for",
			(unsigned long long)s->produced, (unsigned long long)accounted);
		s->produced = accounted;
	}
	/* Events that the kernel side counted, but neither handed over nor reported as lost. */
	for (size_t i = 0; i < s->n_lines; i++) {
		losses_add(&s->lines[i].out->losses, ayaprof_LossCause_LOSS_UNKNOWN, -1,
			s->produced - accounted, s->hello.start_ns, s->now_ns);
		feed_tell_losses(&s->lines[i].feed);
	}
}

int stream_goodbye(
	struct stream *s, size_t i, unsigned int times, const char *reason, int exit_status)
{
	struct feed *f = &s->lines[i].feed;
	ayaprof_Goodbye *msg = &s->writer.msg.goodbye;
	int err;

	feed_tell_losses(f);
	f->closed = true;
	memset(msg, 0, sizeof(*msg));
	msg->has_status = true;
	stream_fill_status(s, i, &msg->status);
	snprintf(msg->reason, sizeof(msg->reason), "%s", reason);
	msg->command_ended = exit_status >= 0;
	msg->exit_status = msg->command_ended ? exit_status : 0;
	err = feed_post(f, AYP_KIND_GOODBYE, msg);
	if (f->out->sink->format != SINK_FILE && !f->out->held)
		for (unsigned int n = 1; n < times && !err; n++)
			(void)feed_post(f, AYP_KIND_GOODBYE, msg);
	return err;
}

int stream_end_recording(struct stream *s, size_t i, const char *reason)
{
	struct feed *f = &s->lines[i].feed;
	ayaprof_RecordingEnd *msg = &s->writer.msg.recording_end;

	if (f->out->sink->format != SINK_FILE)
		return 0;
	memset(msg, 0, sizeof(*msg));
	msg->has_stats = true;
	msg->stats.frames = f->out->frames;
	msg->stats.wire_bytes = f->out->wire_bytes;
	msg->end_wall_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	snprintf(msg->reason, sizeof(msg->reason), "%s", reason);
	return feed_post(f, AYP_KIND_RECORDING_END, msg);
}
