/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/stream/stream.h"

#include <assert.h>
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
/* The most an event can take in a block, with room to spare: what back-pressure reckons with. */
#define EVENT_BOUND 32u

static size_t frame_bytes(const struct stream *s)
{
	return s->channels[0]->rate.frame_bytes;
}

/* Frames of events are as the first channel wants them; who attaches late to any of them waits no
 * longer for a group than its rate says. */
static void size_blocks(void *ctx, struct channel *c)
{
	struct stream *s = ctx;
	uint64_t group = UINT64_MAX;

	for (size_t i = 0; i < s->n_channels; i++)
		if (s->channels[i]->rate.group_bytes < group)
			group = s->channels[i]->rate.group_bytes;
	ayp_block_encoder_resize(s->encoder, frame_bytes(s) - EVENTS_OVERHEAD, group);
}

static const struct channel_ops channel_ops = {
	.rate_changed = size_blocks,
	.control = stream_control,
	.goodbye = stream_goodbye,
	.end_recording = stream_end_recording,
};

struct stream *stream_new(
	const struct config *cfg, struct names *names, struct channel **channels, size_t n)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct ayp_block_config blocks = {
		.codec = STREAM_CODEC, .target_bytes = FRAMING_MAX_PAYLOAD};
	void *mem = malloc(ayp_block_encoder_size(blocks.codec));
	uint64_t now = now_ns();

	assert(n > 0 && n <= STREAM_MAX_CHANNELS);
	if (!s || !mem)
		goto failed;
	s->cfg = cfg;
	s->names = names;
	s->encoder = ayp_block_encoder_init(mem, &blocks);
	s->writer.ctx = ayp_message_ctx_new();
	s->writer.cap = rate_payload_max(channels[0]->sink);
	if (!s->encoder || !s->writer.ctx)
		goto failed;
	for (size_t i = 0; i < n; i++) {
		const struct channel_parts parts = {&s->writer, names, &s->stacks, &channel_ops, s};
		if (channel_join(channels[i], &parts, now))
			goto failed;
		s->channels[s->n_channels++] = channels[i];
	}
	size_blocks(s, s->channels[0]);
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
	free(s->totals.reported);
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
	for (size_t i = 0; i < s->n_channels; i++) {
		struct channel *c = s->channels[i];

		feed_announce_basics(&c->feed);
		if (outqueue_takes_events(&c->queue))
			feed_announce_inline(&c->feed);
		if (len >= 0) {
			outqueue_post_events(&c->queue, &item);
			dropped = dropped || c->queue.shedding;
		} else {
			outqueue_lose(&c->queue, ayaprof_LossCause_LOSS_UNKNOWN, &item);
		}
	}
	if (dropped)
		ayp_block_encoder_restart(s->encoder);
}

/* Who has just come, or come back, has none of the blocks that the next one would build on. */
static void start_group_for_new_receivers(struct stream *s)
{
	unsigned int generations = 0;

	for (size_t i = 0; i < s->n_channels; i++)
		generations += channel_generation(s->channels[i]);
	if (generations != s->generations)
		ayp_block_encoder_restart(s->encoder);
	s->generations = generations;
}

void stream_cut_block(struct stream *s)
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
	if (ayp_class_info(cls)->first_arg == AYP_ARG_TASK)
		use_task(s, (uint32_t)ev->arg[0]);
	else if (ayp_class_info(cls)->first_arg == AYP_ARG_IFACE)
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
		stream_cut_block(s);
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
		stream_cut_block(s);
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

	for (size_t i = 0; i < s->n_channels; i++)
		if (!outqueue_has_event_room(&s->channels[i]->queue, bytes))
			return false;
	return true;
}

/* ---- course of a session -------------------------------------------------------------------- */

static void begin_recording(struct channel *c)
{
	ayaprof_Recording *msg = &c->writer->msg.recording;

	memset(msg, 0, sizeof(*msg));
	msg->format_version = AYP_FORMAT_VERSION;
	msg->start_wall_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	snprintf(msg->recorder, sizeof(msg->recorder), "ayaprof-uart %s", AYAPROF_VERSION);
	snprintf(msg->link, sizeof(msg->link), "%s", c->sink->description);
	feed_post(&c->feed, AYP_KIND_RECORDING, msg);
}

static void fill_books(void *ctx, const struct feed *f, ayaprof_Status *status)
{
	const struct stream *s = ctx;

	for (size_t i = 0; i < s->n_channels; i++)
		if (f == &s->channels[i]->feed)
			stream_fill_status(s, s->channels[i], status);
}

static void tick_feeds(struct stream *s)
{
	struct feed_books books = {fill_books, s};

	for (size_t i = 0; i < s->n_channels; i++) {
		struct channel *c = s->channels[i];
		struct feed_listener who = {
			c->sink->present, channel_is_blind(c), channel_generation(c)};

		if (c->feed.ended)
			continue;
		s->hello.baud = c->sink->baud;
		s->hello.link = c->sink->link;
		s->hello.answers = reliable_listens(&c->link);
		feed_tick(&c->feed, &who, &s->hello, &books, s->now_ns);
	}
}

void stream_begin(struct stream *s, struct source *source)
{
	s->source = source;
	hello_fill(&s->hello, s->cfg, source);
	s->hello.codec = STREAM_CODEC;
	for (size_t i = 0; i < s->n_channels; i++)
		if (s->channels[i]->sink->format == SINK_FILE)
			begin_recording(s->channels[i]);
	s->losses_read_ns = s->now_ns;
	tick_feeds(s);
}

void stream_set_now(struct stream *s, uint64_t now)
{
	s->now_ns = now;
	for (size_t i = 0; i < s->n_channels; i++)
		channel_look(s->channels[i], now);
	if (now < s->second_due_ns)
		return;
	s->second_due_ns = now + NS_PER_S;
	names_tick(s->names);
	memset(s->task_known, 0, sizeof(s->task_known));
}

/* While events already wait for the line, cutting early would only make worse blocks. */
static void flush_pending(struct stream *s)
{
	const struct channel *c = s->channels[0];
	uint64_t age = s->now_ns - s->pending_since_ns;

	if (ayp_block_encoder_pending(s->encoder) == 0 || transmitter_pending(&c->tx) > 0)
		return;
	if (age >= (c->sink->format == SINK_FILE ? FLUSH_FILE_NS : FLUSH_NS))
		stream_cut_block(s);
}

static bool events_wait(const struct stream *s)
{
	for (size_t i = 0; i < s->n_channels; i++)
		if (transmitter_pending(&s->channels[i]->tx) > 0)
			return true;
	return false;
}

void stream_tick(struct stream *s)
{
	for (size_t i = 0; i < s->n_channels; i++)
		channel_tick(s->channels[i], s->now_ns);
	if (!s->quiescing) {
		flush_pending(s);
		stream_telemetry(s);
	}
	if (!s->quiescing || events_wait(s)) {
		stream_log_tick(s);
		tick_feeds(s);
	}
	for (size_t i = 0; s->quiescing && i < s->n_channels; i++) {
		struct feed *f = &s->channels[i]->feed;

		if (f->ended)
			continue;
		feed_announce_basics(f);
		feed_announce_inline(f);
	}
}

void stream_pump(struct stream *s)
{
	for (size_t i = 0; i < s->n_channels; i++)
		channel_pump(s->channels[i]);
}
