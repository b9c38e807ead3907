/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A run.pb of any bytes through reader, trace, statistics and every export. When the bytes hold no
 * valid frame they are taken as frames without CRC (kind, session, length, payload), so that the
 * trace itself is reached. Whatever comes out is consistent: sums, order, nesting, memory.
 */
#include <stdlib.h>
#include <string.h>

#include "framing/framing.h"
#include "host/base/say.h"
#include "host/recording/record.h"
#include "host/recording/recording.h"
#include "host/views/export.h"
#include "host/views/loss_list.h"
#include "host/views/stats.h"
#include "tests/fuzz/fuzz.h"

#define MANY_FUNCS 2048u
#define MANY       20000u /* events, for what is slow */
#define DEPTHS     64u

static FILE *nowhere;

struct seen {
	struct recording r;
	struct stats stats;
	struct loss_list losses;
	uint64_t events, calls, lost;
	uint64_t given_ns[TRACE_MAX_SESSIONS];
	uint64_t lane_ns[256][DEPTHS]; /* of the first session */
};

static void on_event(void *ctx, const struct trace_event *e)
{
	struct seen *s = ctx;

	MUST(e->session < trace_session_count(s->r.trace) && e->kind < AYP_EVENT_KINDS);
	MUST(e->func < trace_func_count(s->r.trace) && e->nargs <= AYP_EVENT_MAX_ARGS);
	MUST(trace_func(s->r.trace, e->func)->name[0]);
	MUST(e->late == (e->t_ns < s->given_ns[e->session]));
	if (!e->late)
		s->given_ns[e->session] = e->t_ns;
	s->events++;
	stats_event(&s->stats, e);
}

static void on_call(void *ctx, const struct trace_call *c)
{
	struct seen *s = ctx;

	MUST(c->start_ns <= c->end_ns && c->self_ns <= c->end_ns - c->start_ns);
	MUST(c->total_ns <= c->end_ns - c->start_ns);
	s->calls++;
	stats_call(&s->stats, c);
}

static void on_segment(void *ctx, const struct trace_segment *g)
{
	struct seen *s = ctx;

	MUST(g->start_ns <= g->end_ns);
	if (g->session || g->depth >= DEPTHS)
		return;
	MUST(g->start_ns >= s->lane_ns[g->cpu][g->depth]);
	s->lane_ns[g->cpu][g->depth] = g->end_ns;
}

static void on_loss(void *ctx, const struct trace_loss *l)
{
	struct seen *s = ctx;

	MUST(l->count && l->first_ns <= l->last_ns);
	s->lost += l->count;
	MUST(loss_list_take(&s->losses, l) == 0);
}

static const struct trace_sink sink = {
	.event = on_event,
	.call = on_call,
	.segment = on_segment,
	.loss = on_loss,
};

static void check_sums(const struct seen *s)
{
	const struct trace_totals *n = trace_totals(s->r.trace);
	uint64_t causes = 0, produced = 0, delivered = 0, lost = 0;

	for (size_t i = 0; i < LEDGER_CAUSES; i++)
		causes += n->lost[i];
	for (uint16_t i = 0; i < trace_session_count(s->r.trace); i++) {
		const struct trace_session *session = trace_session(s->r.trace, i);

		produced += session->produced;
		delivered += session->delivered;
		lost += session->lost_total;
	}
	MUST(s->lost == n->lost_total && causes == n->lost_total && lost == n->lost_total);
	MUST(delivered == n->events && s->events == n->events && s->calls == n->calls);
	MUST(produced == n->events + n->lost_total);
}

static void check_stats(const struct seen *s)
{
	size_t n;
	struct stats_row *rows = stats_rows(&s->stats, s->r.trace, true, &n);

	MUST(rows && !s->stats.failed);
	for (size_t i = 0; i < n; i++)
		MUST(rows[i].complete + rows[i].no_end <= rows[i].count &&
			rows[i].p50_ns <= rows[i].p99_ns && rows[i].p99_ns <= rows[i].max_ns &&
			rows[i].min_ns <= rows[i].max_ns);
	free(rows);
}

static void check_exports(const uint8_t *data, size_t size)
{
	const struct export_ops *ops;

	for (size_t i = 0; (ops = export_at(i)); i++) {
		struct trace_sink to = export_sink(ops);
		struct recording r = {0};
		struct filter filter;
		struct exporter x = {
			.ops = ops, .out = nowhere, .recording = &r, .filter = &filter};

		filter_init(&filter);
		MUST(export_begin(&x) == 0);
		MUST(recording_read_memory(&r, data, size, &to, &x, RECORDING_MUTE) == 0);
		MUST(export_end(&x) == 0);
		export_free(&x);
		recording_close(&r);
	}
}

static bool try_recording(const uint8_t *data, size_t size)
{
	static struct seen s;
	bool read;

	memset(&s, 0, sizeof(s));
	stats_init(&s.stats);
	read = recording_read_memory(&s.r, data, size, &sink, &s, RECORDING_MUTE) == 0;
	if (read) {
		check_sums(&s);
		loss_list_finish(&s.losses, &s.r);
		MUST(s.losses.backlog == 0 && s.losses.total == s.lost);
		/* Tables of all the functions that there can be, for one event: one input in 64 is enough. */
		if (trace_func_count(s.r.trace) < MANY_FUNCS || size % 64 == 0) {
			check_stats(&s);
			if (s.events < MANY)
				check_exports(data, size);
		}
	}
	recording_close(&s.r);
	loss_list_free(&s.losses);
	stats_free(&s.stats);
	return read;
}

/* KIND FLAGS SESSION LEN(2) payload, again and again: the same as a recording. */
static size_t frame_all(uint8_t *dst, size_t cap, const uint8_t *src, size_t size)
{
	size_t n = 0;
	uint32_t seq = 0;

	while (size >= 5) {
		struct framing_header h = {
			.kind = src[0], .flags = src[1], .session = src[2], .seq = seq++};
		size_t len = (size_t)src[3] | (size_t)(src[4] & 0x0f) << 8, body, head;
		uint8_t record_start[RECORD_MAX_HEAD];

		if (len > size - 5)
			len = size - 5;
		if (cap - n < RECORD_MAX)
			break;
		body = framing_body_write(
			dst + n + RECORD_MAX_HEAD, cap - n - RECORD_MAX_HEAD, &h, src + 5, len);
		head = record_head(record_start, body);
		memmove(dst + n + head, dst + n + RECORD_MAX_HEAD, body);
		memcpy(dst + n, record_start, head);
		n += head + body;
		src += 5 + len;
		size -= 5 + len;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t framed[1 << 18];

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	MUST(nowhere);
	say_mute(true);
	if (!try_recording(data, size))
		(void)try_recording(framed, frame_all(framed, sizeof(framed), data, size));
	return 0;
}
