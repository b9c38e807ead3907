/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The part of the stream that goes by time: kernel losses, samples, exact totals. */
#include "target/stream/stream.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX (sizeof(((ayaprof_Samples *)0)->samples) / sizeof(ayaprof_Sample))
#define ROWS_MAX    (sizeof(((ayaprof_Aggregates *)0)->rows) / sizeof(ayaprof_Aggregate))
#define BATCH_MS    500u
#define TOTALS_NS   (2 * NS_PER_S)
#define LOG_NS      (100 * NS_PER_MS)
/* Every so many rounds all totals are sent, not only changed ones: for hosts that came late. */
#define TOTALS_REFRESH 10u
#define LOSS_ROWS      512u

static uint64_t stream_clock(const struct stream *s)
{
	return s->source->replay ? s->last_event_ns : s->now_ns;
}

/* Telemetry is of use only as long as it does not displace events: over its share of the line it is
 * left out, which costs resolution and never an amount, because all counters are cumulative. */
bool stream_post_telemetry(struct stream *s, unsigned int kind, const void *msg, bool must)
{
	bool all = true;

	for (size_t i = 0; i < s->n_channels; i++) {
		struct feed *f = &s->channels[i]->feed;

		if (!f->ended)
			all = feed_post_telemetry(f, kind, msg, must, s->now_ns) && all;
	}
	return all;
}

/* ---- losses in the kernel ------------------------------------------------------------------- */

void stream_read_losses(struct stream *s)
{
	static struct source_loss rows[LOSS_ROWS];
	size_t n = s->source->ops->losses(s->source, rows, LOSS_ROWS);

	for (size_t i = 0; i < n; i++) {
		const struct source_loss *row = &rows[i];
		bool known = row->cpu >= 0 && row->cpu < (int)STREAM_CPUS;
		uint64_t *seen, first, last;

		if (row->cause >= LOSSES_CAUSES)
			continue;
		seen = &s->kernel_lost[row->cause][known ? row->cpu + 1 : 0];
		if (row->count <= *seen)
			continue;
		/* The new ones came after the last look, and not before the very first. */
		first = row->first_ns > s->losses_read_ns ? row->first_ns : s->losses_read_ns;
		last = row->last_ns ? row->last_ns : s->now_ns;
		for (size_t k = 0; k < s->n_channels; k++)
			losses_add(&s->channels[k]->queue.losses, (ayaprof_LossCause)row->cause,
				known ? row->cpu : -1, row->count - *seen,
				first < last ? first : last, last);
		*seen = row->count;
	}
	s->losses_read_ns = s->now_ns;
}

/* ---- samples -------------------------------------------------------------------------------- */

void stream_flush_samples(struct stream *s)
{
	if (s->samples.samples_count)
		stream_post_telemetry(s, AYP_KIND_SAMPLES, &s->samples, false);
	s->samples.samples_count = 0;
}

void stream_take_sample(struct stream *s)
{
	ayaprof_Sample *sample;

	if (s->samples.samples_count == SAMPLES_MAX)
		stream_flush_samples(s);
	sample = &s->samples.samples[s->samples.samples_count];
	memset(sample, 0, sizeof(*sample));
	sample->t_ns = stream_clock(s);
	if (!s->source->ops->sample(s->source, sample))
		return;
	s->samples.samples_count++;
	s->last_sample = *sample;
	for (pb_size_t i = 0; i < sample->interfaces_count; i++)
		names_use(s->names, ayaprof_Table_TABLE_IFACE, sample->interfaces[i].ifindex);
}

/* ---- exact totals --------------------------------------------------------------------------- */

static uint64_t row_hash(const ayaprof_Aggregate *row)
{
	uint64_t fields[] = {row->count, row->total_ns, row->alloc_bytes, row->free_bytes,
		row->alloc_count, row->free_count};
	uint64_t h = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		h = (h ^ fields[i]) * 0x9e3779b97f4a7c15ull + (h >> 29);
	return h ? h : 1;
}

static bool totals_resize(struct totals *t, uint32_t funcs)
{
	uint64_t *reported;

	if (funcs <= t->funcs)
		return true;
	reported = realloc(t->reported, funcs * sizeof(*reported));
	if (!reported)
		return false;
	memset(reported + t->funcs, 0, (funcs - t->funcs) * sizeof(*reported));
	t->reported = reported;
	t->funcs = funcs;
	return true;
}

/* Fill one message from the cursor on. `all`: also rows that have been reported. */
static bool collect_rows(struct stream *s, bool all)
{
	/* Where payloads are shorter, so many surely fit. */
	size_t max = s->writer.cap < FRAMING_MAX_PAYLOAD ? ROWS_MAX / 4 : ROWS_MAX;
	ayaprof_Aggregates *msg = &s->writer.msg.aggregates;
	struct totals *t = &s->totals;
	uint32_t funcs = names_func_count(s->names);

	memset(msg, 0, sizeof(*msg));
	msg->t_ns = stream_clock(s);
	if (!totals_resize(t, funcs))
		return false;
	while (msg->rows_count < max && t->cursor < funcs) {
		ayaprof_Aggregate *to = &msg->rows[msg->rows_count];
		size_t n = s->source->ops->totals(s->source, &t->cursor, to, max - msg->rows_count);
		size_t kept = 0;

		for (size_t i = 0; i < n; i++) {
			uint64_t hash = row_hash(&to[i]);
			if (to[i].func >= t->funcs || (!all && t->reported[to[i].func] == hash))
				continue;
			t->reported[to[i].func] = hash;
			names_use(s->names, ayaprof_Table_TABLE_FUNC, to[i].func);
			if (kept != i)
				to[kept] = to[i];
			kept++;
		}
		msg->rows_count += (pb_size_t)kept;
		if (n == 0)
			break;
	}
	return msg->rows_count > 0;
}

/* A message as large as ROWS_MAX rows may be. */
static bool room_for_totals(const struct stream *s)
{
	for (size_t i = 0; i < s->n_channels; i++)
		if (!outqueue_has_room(
			    &s->channels[i]->queue, AYP_KIND_AGGREGATES, FRAMING_MAX_PAYLOAD))
			return false;
	return true;
}

/* What was not sent to all is reported again in the next round. */
static void forget_reported(struct totals *t, uint32_t from, uint32_t to)
{
	to = to < t->funcs ? to : t->funcs;
	if (from < to)
		memset(t->reported + from, 0, (to - from) * sizeof(*t->reported));
}

static void send_totals(struct stream *s)
{
	bool all = s->totals.round++ % TOTALS_REFRESH == 0;
	uint32_t from = 0;

	s->totals.cursor = 0;
	while (room_for_totals(s) && collect_rows(s, all)) {
		if (!stream_post_telemetry(
			    s, AYP_KIND_AGGREGATES, &s->writer.msg.aggregates, false))
			forget_reported(&s->totals, from, s->totals.cursor);
		from = s->totals.cursor;
	}
}

bool stream_final_totals(struct stream *s)
{
	for (;;) {
		if (s->totals.cursor >= names_func_count(s->names))
			return true;
		if (!room_for_totals(s))
			return false;
		if (!collect_rows(s, true))
			return true;
		stream_post_telemetry(s, AYP_KIND_AGGREGATES, &s->writer.msg.aggregates, true);
	}
}

void stream_telemetry(struct stream *s)
{
	uint64_t interval = (uint64_t)s->cfg->interval_ms * NS_PER_MS;

	if (s->now_ns >= s->sample_due_ns) {
		s->sample_due_ns = s->now_ns + interval;
		stream_read_losses(s);
		stream_take_sample(s);
		if ((uint64_t)s->samples.samples_count * s->cfg->interval_ms >= BATCH_MS)
			stream_flush_samples(s);
	}
	if (s->now_ns >= s->totals.due_ns) {
		s->totals.due_ns = s->now_ns + TOTALS_NS;
		send_totals(s);
	}
}

/* The kernel goes on talking while the rest of the events still waits for the line. */
void stream_log_tick(struct stream *s)
{
	if (s->now_ns < s->log.due_ns)
		return;
	s->log.due_ns = s->now_ns + LOG_NS;
	stream_pass_log(s);
}
