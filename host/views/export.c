/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int export_run(const struct export_ops *ops, const struct model *m, FILE *out)
{
	struct exporter x = {.out = out, .m = m};

	if (ops->state_size) {
		x.state = calloc(1, ops->state_size);
		if (!x.state)
			return -ENOMEM;
	}
	if (ops->begin)
		ops->begin(&x);
	for (size_t i = 0; ops->event && i < m->n_events; i++)
		ops->event(&x, &m->events[i]);
	for (size_t i = 0; ops->call && i < m->n_calls; i++)
		ops->call(&x, &m->calls[i]);
	for (size_t i = 0; ops->sample && i < m->n_samples; i++)
		ops->sample(&x, m->sample_session[i], &m->samples[i]);
	for (size_t i = 0; ops->lost && i < m->n_losses; i++)
		ops->lost(&x, &m->losses[i]);
	for (size_t i = 0; ops->log && i < m->n_logs; i++)
		ops->log(&x, &m->logs[i]);
	if (ops->end)
		ops->end(&x);
	free(x.state);
	return x.failed ? -ENOMEM : 0;
}
