/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A run.pb of any bytes through reader, model, lanes, statistics and every export. When the bytes
 * hold no valid frame they are taken as frames without CRC (kind, session, length, payload), so
 * that the model itself is reached. Whatever comes out is consistent: sums, order, nesting, memory.
 */
#include <string.h>

#include "framing/framing.h"
#include "host/views/export.h"
#include "host/model/model.h"
#include "host/recording/reader.h"
#include "host/record/record.h"
#include "host/base/say.h"
#include "host/views/stats.h"
#include "tests/fuzz/fuzz.h"

#define MANY_FUNCS 2048u

static FILE *sink;

static void check_losses(const struct model *m)
{
	uint64_t rows = 0, causes = 0, produced = 0, delivered = 0;

	for (size_t i = 0; i < m->n_losses; i++)
		rows += m->losses[i].count;
	for (size_t i = 0; i < sizeof(m->lost_by_cause) / sizeof(*m->lost_by_cause); i++)
		causes += m->lost_by_cause[i];
	for (size_t i = 0; i < m->n_sessions; i++) {
		produced += m->sessions[i].produced;
		delivered += m->sessions[i].delivered;
	}
	MUST(rows == m->lost_total && causes == m->lost_total);
	MUST(delivered == m->n_events);
	MUST(produced == m->n_events + m->lost_total);
}

static void check_events(const struct model *m)
{
	for (size_t i = 0; i < m->n_events; i++) {
		const struct model_event *e = &m->events[i];

		MUST(e->session < m->n_sessions && e->func < model_func_count(m) &&
			e->kind < AYP_EVENT_KINDS);
		MUST(e->nargs <= AYP_EVENT_MAX_ARGS && e->arg_at + (size_t)e->nargs <= m->n_args);
		MUST(!i || e[-1].session < e->session ||
			(e[-1].session == e->session && e[-1].t_ns <= e->t_ns));
	}
	for (size_t i = 0; i < m->n_calls; i++) {
		const struct model_call *c = &m->calls[i];

		MUST(c->start_ns <= c->end_ns && c->self_ns <= c->end_ns - c->start_ns);
		MUST(!i || c[-1].session < c->session ||
			(c[-1].session == c->session && c[-1].start_ns <= c->start_ns));
	}
}

static void check_lanes(const struct model *m)
{
	struct model_lanes lanes;

	MUST(model_lanes_build(&lanes, m) == 0);
	for (size_t i = 0; i < lanes.n_lanes; i++) {
		const struct model_lane *lane = &lanes.lanes[i];
		static uint64_t ends[65536];
		size_t deepest = 0;

		for (size_t k = lane->from; k < lane->from + lane->n; k++) {
			const struct model_segment *s = &lanes.segments[k];
			const struct model_call *c = &m->calls[s->call];

			MUST(s->cpu == lane->cpu && c->session == lane->session &&
				s->depth == c->depth);
			MUST(s->start_ns >= c->start_ns && s->start_ns <= s->end_ns &&
				s->end_ns <= c->end_ns);
			MUST(k == lane->from || s[-1].start_ns <= s->start_ns);
			MUST(s->start_ns >= ends[s->depth]);
			ends[s->depth] = s->end_ns;
			deepest = s->depth > deepest ? s->depth : deepest;
		}
		memset(ends, 0, (deepest + 1) * sizeof(*ends));
	}
	model_lanes_free(&lanes);
}

static void check_views(const struct model *m)
{
	const struct export_ops *ops;
	struct stats s;

	MUST(stats_build(&s, m) == 0);
	for (size_t i = 0; i < s.n; i++)
		MUST(s.rows[i].complete <= s.rows[i].count &&
			s.rows[i].p50_ns <= s.rows[i].p99_ns &&
			s.rows[i].p99_ns <= s.rows[i].max_ns);
	stats_free(&s);
	for (size_t i = 0; m->n_events < 2000 && (ops = export_at(i)); i++)
		MUST(export_run(ops, m, sink) == 0);
}

static bool try_model(const uint8_t *data, size_t size)
{
	struct model m;

	if (model_load_memory(&m, data, size))
		return false;
	check_losses(&m);
	check_events(&m);
	check_lanes(&m);
	/* Tables of all the functions that there can be, for one event: one input in 64 is enough. */
	if (model_func_count(&m) < MANY_FUNCS || size % 64 == 0)
		check_views(&m);
	model_free(&m);
	return true;
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

	if (!sink)
		sink = fopen("/dev/null", "w");
	MUST(sink);
	say_mute(true);
	if (!try_model(data, size))
		(void)try_model(framed, frame_all(framed, sizeof(framed), data, size));
	return 0;
}
