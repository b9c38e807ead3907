/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A small recording, read whole into arrays for tests to look at. cmocka.h comes before this. */
#ifndef TESTS_UNIT_LOADED_H
#define TESTS_UNIT_LOADED_H

#include <stdlib.h>
#include <string.h>

#include "host/recording/recording.h"

struct loaded_log {
	uint64_t seq, missed;
	uint16_t session;
	char *text;
};

/* What a sink was given; calls by (session, start), outer ones first; the rest as it came. */
struct loaded {
	struct recording recording;
	struct trace *trace;
	const struct trace_totals *totals;
	struct trace_event *events; /* arg is not kept */
	struct trace_call *calls;
	struct trace_loss *losses;
	struct loaded_log *logs;
	size_t n_events, n_calls, n_losses, n_logs, n_samples;
	size_t cap_events, cap_calls, cap_losses, cap_logs;
};

static inline void *loaded_room(void *array, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 64;
	array = realloc(array, *cap * size);
	assert_non_null(array);
	return array;
}

static inline void loaded_event(void *ctx, const struct trace_event *e)
{
	struct loaded *m = ctx;

	m->events = loaded_room(m->events, &m->cap_events, m->n_events, sizeof(*e));
	m->events[m->n_events++] = *e;
}

static inline void loaded_call(void *ctx, const struct trace_call *c)
{
	struct loaded *m = ctx;

	m->calls = loaded_room(m->calls, &m->cap_calls, m->n_calls, sizeof(*c));
	m->calls[m->n_calls++] = *c;
}

static inline void loaded_loss(void *ctx, const struct trace_loss *l)
{
	struct loaded *m = ctx;

	m->losses = loaded_room(m->losses, &m->cap_losses, m->n_losses, sizeof(*l));
	m->losses[m->n_losses++] = *l;
}

static inline void loaded_log_record(void *ctx, const struct trace_log *r)
{
	struct loaded *m = ctx;
	struct loaded_log *to;

	m->logs = loaded_room(m->logs, &m->cap_logs, m->n_logs, sizeof(*m->logs));
	to = &m->logs[m->n_logs++];
	*to = (struct loaded_log){r->seq, r->missed, r->session, strdup(r->text)};
	assert_non_null(to->text);
}

static inline void loaded_sample(void *ctx, uint16_t session, const ayaprof_Sample *s)
{
	((struct loaded *)ctx)->n_samples++;
}

static const struct trace_sink loaded_sink = {
	.event = loaded_event,
	.call = loaded_call,
	.loss = loaded_loss,
	.log = loaded_log_record,
	.sample = loaded_sample,
};

static inline int loaded_call_order(const void *pa, const void *pb)
{
	const struct trace_call *a = pa, *b = pb;

	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static inline void loaded_read(struct loaded *m)
{
	m->trace = m->recording.trace;
	m->totals = m->trace ? trace_totals(m->trace) : NULL;
	if (m->n_calls)
		qsort(m->calls, m->n_calls, sizeof(*m->calls), loaded_call_order);
}

static inline int loaded_memory(struct loaded *m, const void *data, size_t len)
{
	int err;

	memset(m, 0, sizeof(*m));
	err = recording_read_memory(&m->recording, data, len, &loaded_sink, m, 0);
	loaded_read(m);
	return err;
}

static inline int loaded_file(struct loaded *m, const char *path)
{
	int err;

	memset(m, 0, sizeof(*m));
	err = recording_read(&m->recording, path, &loaded_sink, m, 0);
	loaded_read(m);
	return err;
}

static inline void loaded_free(struct loaded *m)
{
	for (size_t i = 0; i < m->n_logs; i++)
		free(m->logs[i].text);
	free(m->events);
	free(m->calls);
	free(m->losses);
	free(m->logs);
	recording_close(&m->recording);
	memset(m, 0, sizeof(*m));
}

#endif
