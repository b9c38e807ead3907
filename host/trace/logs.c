/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/logs.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "framing/framing.h"

void logs_init(struct logs *l, const struct trace_memory *mem)
{
	*l = (struct logs){.mem = mem};
}

void logs_free(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++)
		trace_release(l->mem, (void *)l->record[i].text);
	trace_release(l->mem, l->record);
	l->record = NULL;
	l->n = l->cap = 0;
}

void logs_take(struct logs *l, size_t window, logs_give *give, void *ctx)
{
	size_t out = l->n > window ? l->n - window : 0;

	for (size_t i = 0; i < out; i++) {
		struct trace_log *r = &l->record[i];

		r->missed = l->any ? r->seq - l->last - 1 : 0;
		l->any = true;
		l->last = r->seq;
		give(ctx, r);
		trace_release(l->mem, (void *)r->text);
	}
	l->n -= out;
	if (out)
		memmove(l->record, l->record + out, l->n * sizeof(*l->record));
}

int logs_put(struct logs *l, uint16_t session, const ayaprof_LogRecord *in, size_t window,
	logs_give *give, void *ctx)
{
	size_t at = l->n, len = strlen(in->text) + 1;
	struct trace_log *records;
	char *text;

	assert(window <= LOGS_WINDOW);
	if (l->any && in->seq <= l->last)
		return 0;
	while (at && l->record[at - 1].seq > in->seq)
		at--;
	if (at && l->record[at - 1].seq == in->seq)
		return 0;
	records = trace_grow(l->mem, l->record, &l->cap, l->n + 1, sizeof(*records));
	if (!records)
		return -ENOMEM;
	l->record = records;
	text = l->mem->resize(l->mem->ctx, NULL, len);
	if (!text)
		return -ENOMEM;
	memcpy(text, in->text, len);
	memmove(&records[at + 1], &records[at], (l->n - at) * sizeof(*records));
	records[at] = (struct trace_log){
		.seq = in->seq,
		.t_us = in->t_us,
		.text = text,
		.priority = in->priority,
		.session = session,
		.cut = in->cut,
	};
	l->n++;
	logs_take(l, window, give, ctx);
	return 0;
}

void samples_init(struct samples *s, const struct trace_memory *mem)
{
	*s = (struct samples){.mem = mem};
}

void samples_free(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++)
		trace_release(s->mem, s->sample[i]);
	s->n = 0;
}

void samples_take(struct samples *s, size_t window, samples_give *give, void *ctx)
{
	size_t out = s->n > window ? s->n - window : 0;

	for (size_t i = 0; i < out; i++) {
		s->any = true;
		s->last_ns = s->sample[i]->t_ns;
		s->last_crc = framing_crc32c(0, s->sample[i], sizeof(*s->sample[i]));
		give(ctx, s->sample[i]);
		trace_release(s->mem, s->sample[i]);
	}
	s->n -= out;
	if (out)
		memmove(s->sample, s->sample + out, s->n * sizeof(*s->sample));
}

static bool is_last(const struct samples *s, const ayaprof_Sample *in)
{
	return framing_crc32c(0, in, sizeof(*in)) == s->last_crc;
}

/* Samples of one moment may say different things. They are decoded into zeros: the same ones are the
 * same bytes. */
int samples_put(
	struct samples *s, const ayaprof_Sample *in, size_t window, samples_give *give, void *ctx)
{
	size_t at = s->n;
	ayaprof_Sample *copy;

	assert(window <= SAMPLES_WINDOW);
	if (s->any && (in->t_ns < s->last_ns || (in->t_ns == s->last_ns && is_last(s, in))))
		return 0;
	while (at && s->sample[at - 1]->t_ns > in->t_ns)
		at--;
	for (size_t i = at; i-- > 0 && s->sample[i]->t_ns == in->t_ns;) {
		if (!memcmp(s->sample[i], in, sizeof(*in)))
			return 0;
	}
	copy = s->mem->resize(s->mem->ctx, NULL, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *in;
	memmove(&s->sample[at + 1], &s->sample[at], (s->n - at) * sizeof(*s->sample));
	s->sample[at] = copy;
	s->n++;
	samples_take(s, window, give, ctx);
	return 0;
}
