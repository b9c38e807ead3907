/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/model/model_internal.h"

#include <stdlib.h>

const struct model_func *model_func(const struct model *m, uint16_t func)
{
	static const struct model_func none = {.name = (char *)"func_?", .owner = (char *)""};

	/* Ids that nothing refers to have no row of their own. */
	return func < m->priv->n_funcs && m->priv->funcs[func].name ? &m->priv->funcs[func] : &none;
}

uint32_t model_func_count(const struct model *m)
{
	return m->priv->n_funcs;
}

const struct model_task *model_task(const struct model *m, uint32_t tid)
{
	uint32_t at;

	return idmap_get(&m->priv->task_index, tid, &at) ? &m->priv->tasks[at] : NULL;
}

const struct model_iface *model_iface(const struct model *m, uint32_t ifindex)
{
	uint32_t at;

	return idmap_get(&m->priv->iface_index, ifindex, &at) ? &m->priv->ifaces[at] : NULL;
}

const struct model_stack *model_stack(const struct model *m, uint32_t id)
{
	uint32_t at;

	return idmap_get(&m->priv->stack_index, id, &at) ? &m->priv->stacks[at] : NULL;
}

const char *model_symbol(const struct model *m, uint32_t symbol)
{
	uint32_t at;

	return idmap_get(&m->priv->symbol_index, symbol, &at) ? m->priv->symbols[at] : "[unknown]";
}

static void free_private(struct model_private *p)
{
	/* Most of 65536 places may be free: one late number is enough. */
	for (uint32_t i = 0; i < p->n_funcs; i++) {
		if (!p->funcs[i].name)
			continue;
		free(p->funcs[i].name);
		free(p->funcs[i].symbol);
		free(p->funcs[i].owner);
	}
	for (size_t i = 0; i < p->n_tasks; i++)
		free(p->tasks[i].comm);
	for (size_t i = 0; i < p->n_ifaces; i++)
		free(p->ifaces[i].name);
	for (size_t i = 0; i < p->n_stacks; i++)
		free(p->stacks[i].symbols);
	for (size_t i = 0; i < p->n_symbols; i++)
		free(p->symbols[i]);
	free(p->funcs);
	free(p->tasks);
	free(p->ifaces);
	free(p->stacks);
	free(p->symbols);
	free(p->traits);
	idmap_free(&p->task_index);
	idmap_free(&p->iface_index);
	idmap_free(&p->stack_index);
	idmap_free(&p->symbol_index);
	free(p);
}

void model_free(struct model *m)
{
	if (m->priv)
		free_private(m->priv);
	free(m->sessions);
	free(m->events);
	free(m->args);
	free(m->calls);
	free(m->losses);
	free(m->samples);
	for (size_t i = 0; i < m->n_logs; i++)
		free(m->logs[i].text);
	free(m->logs);
	free(m->sample_session);
	*m = (struct model){0};
}
