/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/export.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/views/loss_list.h"

static const struct export_ops *const formats[] = {
	&export_events,
	&export_csv,
	&export_json,
	&export_folded,
};

const struct export_ops *export_at(size_t index)
{
	return index < sizeof(formats) / sizeof(*formats) ? formats[index] : NULL;
}

const struct export_ops *export_find(const char *name)
{
	const struct export_ops *ops;

	for (size_t i = 0; (ops = export_at(i)); i++) {
		if (!strcmp(ops->name, name))
			return ops;
	}
	return NULL;
}

void export_fail(struct exporter *x, int err)
{
	assert(err < 0);
	if (!x->err)
		x->err = err;
	x->recording->stop = x->err;
}

/* A disk that is full, a pipe without reader: the rest need not be read. */
static void wrote(struct exporter *x)
{
	x->written++;
	if (ferror(x->out))
		export_fail(x, -EIO);
}

static void on_event(void *ctx, const struct trace_event *e)
{
	struct exporter *x = ctx;

	if (filter_event(x->filter, x->recording->trace, e)) {
		x->ops->event(x, e);
		if (ferror(x->out))
			export_fail(x, -EIO);
	}
}

static void on_call(void *ctx, const struct trace_call *c)
{
	struct exporter *x = ctx;

	if (filter_call(x->filter, x->recording->trace, c)) {
		x->ops->call(x, c);
		wrote(x);
	}
}

static void on_sample(void *ctx, uint16_t session, const ayaprof_Sample *s)
{
	struct exporter *x = ctx;

	if (filter_time(x->filter, x->recording->trace, session, s->t_ns)) {
		x->ops->sample(x, session, s);
		wrote(x);
	}
}

static void on_lost(void *ctx, const struct trace_loss *l)
{
	struct exporter *x = ctx;

	struct trace_loss lost = *l;

	lost.count = loss_count(x->recording, l);
	if (lost.count && filter_loss(x->filter, x->recording->trace, l)) {
		x->ops->lost(x, &lost);
		wrote(x);
	}
}

static void on_log(void *ctx, const struct trace_log *r)
{
	struct exporter *x = ctx;

	if (filter_time(x->filter, x->recording->trace, r->session, r->t_us * 1000)) {
		x->ops->log(x, r);
		wrote(x);
	}
}

struct trace_sink export_sink(const struct export_ops *ops)
{
	return (struct trace_sink){
		.event = ops->event ? on_event : NULL,
		.call = ops->call ? on_call : NULL,
		.sample = ops->sample ? on_sample : NULL,
		.loss = ops->lost ? on_lost : NULL,
		.log = ops->log ? on_log : NULL,
	};
}

int export_begin(struct exporter *x)
{
	if (x->ops->state_size) {
		x->state = calloc(1, x->ops->state_size);
		if (!x->state)
			return -ENOMEM;
	}
	if (x->ops->begin)
		x->ops->begin(x);
	return x->err;
}

int export_end(struct exporter *x)
{
	if (!x->err && x->ops->end)
		x->ops->end(x);
	return x->err;
}

void export_free(struct exporter *x)
{
	if (x->state && x->ops->free)
		x->ops->free(x);
	free(x->state);
	x->state = NULL;
}
