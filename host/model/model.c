/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/recording/reader.h"
#include "host/base/say.h"
#include "proto/block.h"

/*
 * Memory is bounded by the bytes read. Blocks of 4096 events that repeat themselves to the nanosecond
 * could say more than EVENTS_PER_BYTE, real ones do not: they need 1 to 10 bits an event, with
 * everything around them. An event costs about 70 bytes at the worst moment without arguments, 120
 * with six. The constants let small files with a few very regular blocks through.
 */
#define EVENTS_PER_BYTE  32u
#define EVENTS_FREE      (1u << 20)
#define BYTES_PER_SAMPLE 16u
#define SAMPLES_FREE     4096u
#define BYTES_PER_LOG    8u
#define LOGS_FREE        4096u

#define PROGRESS_FROM (32u << 20) /* shorter files load before anyone asks */

static size_t largest_message(void)
{
	const struct ayp_kind_info *info;
	size_t size = 0;

	for (size_t i = 0; (info = ayp_kind_at(i)); i++)
		size = info->size > size ? info->size : size;
	return size;
}

static int load_begin(struct load *l, struct model *m)
{
	void *decoder = malloc(ayp_block_decoder_size());

	memset(m, 0, sizeof(*m));
	memset(l, 0, sizeof(*l));
	l->m = m;
	m->priv = calloc(1, sizeof(*m->priv));
	l->room = malloc(largest_message());
	l->ctx = ayp_message_ctx_new();
	l->block_events = malloc(AYP_BLOCK_MAX_EVENTS * sizeof(*l->block_events));
	l->decoder = decoder ? ayp_block_decoder_init(decoder) : NULL;
	if (!l->decoder)
		free(decoder);
	return m->priv && l->room && l->ctx && l->block_events && l->decoder ? 0 : -ENOMEM;
}

static void load_free(struct load *l)
{
	for (size_t i = 0; i < l->m->n_sessions; i++)
		free(l->sessions[i].epoch_end_ns);
	for (size_t i = 0; i < l->n_names; i++) {
		free(l->names[i].name);
		free(l->names[i].owner_name);
	}
	free(l->sessions);
	free(l->blocks);
	free(l->raw);
	free(l->gaps);
	free(l->told);
	free(l->names);
	free(l->exact);
	idmap_free(&l->name_index);
	idmap_free(&l->later_index);
	idmap_free(&l->exact_index);
	idmap_free(&l->loss_index);
	free(l->room);
	free(l->block_events);
	free(l->decoder);
	if (l->ctx)
		ayp_message_ctx_free(l->ctx);
}

static int load_frames(struct load *l, struct reader *r, bool progress)
{
	struct reader_frame f;
	int percent = -1, err = 0, got;

	progress = progress && reader_size(r) >= PROGRESS_FROM && isatty(STDERR_FILENO);
	while (!err && (got = reader_next(r, &f)) == 1) {
		l->max_events = reader_position(r) * EVENTS_PER_BYTE + EVENTS_FREE;
		l->max_samples = reader_position(r) / BYTES_PER_SAMPLE + SAMPLES_FREE;
		l->max_logs = reader_position(r) / BYTES_PER_LOG + LOGS_FREE;
		err = load_frame(l, &f.header, f.payload, f.payload_len);
		if (progress && (int)(reader_position(r) * 100 / reader_size(r)) > percent) {
			percent = (int)(reader_position(r) * 100 / reader_size(r));
			say_live("reading %d %%", percent);
		}
	}
	if (progress)
		say_live_clear();
	return err ? err : got;
}

/* Times of later sessions on the first one's clock. */
static void place_sessions(struct model *m)
{
	const struct model_session *first = m->sessions;

	for (size_t i = 1; i < m->n_sessions; i++) {
		struct model_session *s = &m->sessions[i];

		if (!s->has_hello || !first->has_hello ||
			!strcmp(s->hello.boot_id, first->hello.boot_id) || s->hello.replay ||
			first->hello.replay)
			continue;
		s->shift_ns = (int64_t)((uint64_t)s->hello.wall_offset_ns -
					(uint64_t)first->hello.wall_offset_ns);
	}
}

/* A replay's events have the clock of another run than its hello, status and samples. */
static bool is_live(const struct model_session *s)
{
	return !s->has_hello || !s->hello.replay;
}

static void find_origin(struct model *m)
{
	for (size_t i = 0; i < m->n_sessions && !m->has_time; i++) {
		const struct model_session *s = &m->sessions[i];
		uint64_t start = s->has_hello && is_live(s) ? s->hello.start_ns : 0;

		if (!s->delivered && !start)
			continue;
		m->origin_ns =
			s->delivered && (!start || s->first_ns < start) ? s->first_ns : start;
		m->origin_ns += (uint64_t)s->shift_ns;
		m->has_time = true;
	}
}

/* What was profiled ends with its last event or sample; the board may have gone on for long, to
 * send what waited. */
static uint64_t last_moment(const struct load *l, size_t i, bool status)
{
	const struct model_session *s = &l->m->sessions[i];
	const struct load_session *ls = &l->sessions[i];
	uint64_t last = s->delivered ? s->last_ns : 0;

	if (is_live(s) && ls->last_sample_ns > last)
		last = ls->last_sample_ns;
	if (is_live(s) && status && ls->last_status_ns > last)
		last = ls->last_status_ns;
	return last;
}

static void find_times(struct load *l)
{
	struct model *m = l->m;
	bool found = false;

	place_sessions(m);
	find_origin(m);
	for (int status = 0; status < 2 && m->has_time && !found; status++) {
		for (size_t i = 0; i < m->n_sessions; i++) {
			uint64_t last = last_moment(l, i, status), since;

			if (!last)
				continue;
			since = model_since_origin(m, (uint8_t)i, last);
			m->duration_ns = since > m->duration_ns ? since : m->duration_ns;
			found = true;
		}
	}
}

static int sample_order(const void *a, const void *b)
{
	const ayaprof_Sample *x = a, *y = b;

	return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

/* Samples come in order; only a file with mixed sessions or repeats needs work. */
static int order_samples(struct model *m)
{
	size_t count[MODEL_MAX_SESSIONS] = {0}, at[MODEL_MAX_SESSIONS], n = 0;
	ayaprof_Sample *sorted;
	bool in_order = true;

	for (size_t i = 1; i < m->n_samples && in_order; i++)
		in_order = m->sample_session[i - 1] < m->sample_session[i] ||
			   (m->sample_session[i - 1] == m->sample_session[i] &&
				   m->samples[i - 1].t_ns <= m->samples[i].t_ns);
	if (in_order)
		return 0;
	sorted = malloc(m->n_samples * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_samples; i++)
		count[m->sample_session[i]]++;
	for (size_t s = 0; s < MODEL_MAX_SESSIONS; s++) {
		at[s] = n;
		n += count[s];
	}
	for (size_t i = 0; i < m->n_samples; i++)
		sorted[at[m->sample_session[i]]++] = m->samples[i];
	for (size_t s = 0; s < MODEL_MAX_SESSIONS; s++) {
		size_t from = at[s] - count[s];

		if (!count[s])
			continue;
		qsort(sorted + from, count[s], sizeof(*sorted), sample_order);
		memset(m->sample_session + from, (int)s, count[s]);
	}
	free(m->samples);
	m->samples = sorted;
	return 0;
}

static int load_finish(struct load *l, const struct reader *r)
{
	struct model *m = l->m;
	int err;

	m->frames_damaged = reader_damaged(r);
	load_end_recording(l);
	m->complete = l->has_end && !l->cut && !reader_tail_damaged(r);
	load_drop_later(l);
	err = load_blocks_finish(l);
	for (size_t i = 0; i < m->n_sessions; i++) {
		m->sessions[i].has_status = l->sessions[i].book.has_status;
		m->sessions[i].status = l->sessions[i].book.status;
	}
	if (!err)
		err = load_names_finish(l);
	if (!err)
		err = load_calls(l);
	if (!err)
		err = load_losses(l);
	if (!err)
		err = order_samples(m);
	load_logs_finish(l);
	for (size_t i = 0; i < m->n_events; i++) {
		if (m->events[i].cpu >= m->cpus)
			m->cpus = m->events[i].cpu + 1u;
	}
	if (!err)
		find_times(l);
	return err;
}

static int load_reader(struct model *m, struct reader *r, bool progress, const char *path)
{
	struct load *l = malloc(sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	err = load_begin(l, m);
	if (!err)
		err = load_frames(l, r, progress);
	if (!err && !m->frames) {
		say(reader_position(r) ? "%s is not a recording: no valid frame in it (recordings "
					 "are made by hostdec --port ... -o FILE)"
				       : "%s is empty: nothing was recorded",
			path);
		load_free(l);
		free(l);
		model_free(m);
		return -EBADMSG;
	}
	if (!err)
		err = load_finish(l, r);
	load_free(l);
	free(l);
	if (err) {
		model_free(m);
		say("cannot load %s: %s", path, strerror(-err));
	}
	return err;
}

int model_load(struct model *m, const char *path, bool progress)
{
	struct reader *r;
	int err = reader_open(&r, path);

	memset(m, 0, sizeof(*m));
	if (err) {
		say("cannot open recording %s: %s", path, strerror(-err));
		return err;
	}
	err = load_reader(m, r, progress, path);
	reader_close(r);
	return err;
}

int model_load_memory(struct model *m, const void *data, size_t len)
{
	struct reader *r;
	int err = reader_open_memory(&r, data, len);

	memset(m, 0, sizeof(*m));
	if (err)
		return err;
	err = load_reader(m, r, false, "the data");
	reader_close(r);
	return err;
}
