/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Identities: names by (session, table, id) as they come, then ids that mean the same in every
 * session. Names may come long after the events that use them (a host that attached late), so
 * nothing is resolved before the end of the file.
 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"
#include "host/base/text.h"
#include "proto/demangle.h"

/* Ids of later sessions' stacks and symbols, out of the way of the first session's. */
#define LATER_IDS UINT32_C(0x80000000)

static uint64_t name_key(uint8_t session, unsigned int table, uint32_t id)
{
	return (uint64_t)session << 40 | (uint64_t)(table & 0xff) << 32 | id;
}

int load_name(struct load *l, uint8_t session, const ayaprof_Name *name)
{
	uint64_t key = name_key(session, name->table, name->id);
	struct name_entry *e;
	char *text, *owner;
	uint32_t at;

	if ((unsigned int)name->table == ayaprof_Table_TABLE_NONE ||
		(unsigned int)name->table >= (unsigned int)_ayaprof_Table_ARRAYSIZE)
		return 0;
	if (name->table == ayaprof_Table_TABLE_FUNC && name->id >= MODEL_MAX_FUNCS)
		return 0;
	if (idmap_get(&l->name_index, key, &at)) {
		e = &l->names[at];
	} else {
		e = grow_array(l->names, &l->cap_names, l->n_names + 1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		l->names = e;
		if (idmap_put(&l->name_index, key, (uint32_t)l->n_names))
			return -ENOMEM;
		e += l->n_names++;
		memset(e, 0, sizeof(*e));
	}
	text = text_clean_dup(name->long_name[0] ? name->long_name : name->name);
	owner = text_clean_dup(name->owner_name);
	if (!text || !owner) {
		free(text);
		free(owner);
		return -ENOMEM;
	}
	free(e->name);
	free(e->owner_name);
	*e = (struct name_entry){
		.session = session,
		.table = (uint8_t)name->table,
		.cls = name->cls < AYP_CLASS_COUNT ? (uint8_t)name->cls : AYP_CLASS_UNKNOWN,
		.id = name->id,
		.owner = name->owner,
		.name = text,
		.owner_name = owner,
	};
	return 0;
}

/* The model's id of a stack or symbol of a session. */
static int later_id(struct load *l, uint8_t session, uint8_t space, uint32_t id, uint32_t *out)
{
	uint64_t key = name_key(session, space, id);

	*out = id;
	if (session == 0 || idmap_get(&l->later_index, key, out))
		return 0;
	*out = LATER_IDS + (uint32_t)l->later_index.n;
	return idmap_put(&l->later_index, key, *out);
}

/* Key spaces of later_id. */
enum { SPACE_STACK = 1, SPACE_SYMBOL = 2 };

int load_stack(struct load *l, uint8_t session, const ayaprof_Stack *in)
{
	struct model_private *p = l->m->priv;
	struct model_stack *stack;
	uint32_t id, at, *symbols;
	int err = later_id(l, session, SPACE_STACK, in->id, &id);

	if (err || idmap_get(&p->stack_index, id, &at))
		return err;
	stack = grow_array(p->stacks, &p->cap_stacks, p->n_stacks + 1, sizeof(*stack));
	if (!stack)
		return -ENOMEM;
	p->stacks = stack;
	symbols = malloc((in->symbols_count + 1u) * sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	stack += p->n_stacks;
	*stack = (struct model_stack){
		.id = id,
		.tgid = in->tgid,
		.kernel_frames = in->kernel_frames < in->symbols_count ? in->kernel_frames
								       : in->symbols_count,
		.n = in->symbols_count,
		.symbols = symbols,
	};
	for (uint32_t i = 0; i < stack->n && !err; i++)
		err = later_id(l, session, SPACE_SYMBOL, in->symbols[i], &symbols[i]);
	if (!err)
		err = idmap_put(&p->stack_index, id, (uint32_t)p->n_stacks);
	if (err)
		free(symbols);
	else
		p->n_stacks++;
	return err;
}

/* ---- at the end of the file ----------------------------------------------------------------- */

static bool same_func(const struct model_func *f, const struct name_entry *e)
{
	return f->cls == e->cls && !strcmp(f->symbol, e->name) && !strcmp(f->owner, e->owner_name);
}

/* Have functions up to and including `id`. */
static int reach_func(struct model_private *p, size_t *cap, uint32_t id)
{
	struct model_func *funcs = grow_array(p->funcs, cap, (size_t)id + 1, sizeof(*funcs));

	if (!funcs)
		return -ENOMEM;
	p->funcs = funcs;
	for (; p->n_funcs <= id; p->n_funcs++)
		memset(&funcs[p->n_funcs], 0, sizeof(*funcs));
	return 0;
}

/* Work space of load_names_finish. */
struct resolver {
	struct load *l;
	struct idmap by_name; /* model_func_key -> function */
	struct idmap written; /* the same of names as they were written */
	size_t cap_funcs;
	uint8_t session;
	bool identity;                /* this session's ids are the model's */
	int32_t map[MODEL_MAX_FUNCS]; /* of the session: wire id to model id, -1: not yet */
};

static int set_func(struct resolver *r, struct model_func *f, const struct name_entry *e)
{
	char *name = name_as_written(&r->written, e), *symbol = strdup(e->name);
	char *owner = strdup(e->owner_name);

	if (!name || !symbol || !owner) {
		free(name);
		free(symbol);
		free(owner);
		return -ENOMEM;
	}
	free(f->name);
	free(f->symbol);
	free(f->owner);
	f->name = name;
	f->symbol = symbol;
	f->owner = owner;
	f->cls = e->cls;
	f->named = true;
	return 0;
}

static int make_up_name(struct model_func *f, uint32_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "func_%" PRIu32, id);
	f->name = strdup(text);
	f->symbol = strdup(text);
	f->owner = strdup("");
	return f->name && f->symbol && f->owner ? 0 : -ENOMEM;
}

/* Enter a function under its name. The first one of a name stays. */
static int index_func(struct resolver *r, const struct name_entry *e, uint32_t id, uint32_t *found)
{
	struct model_private *p = r->l->m->priv;
	uint64_t key = model_func_key(e);

	while (idmap_get(&r->by_name, key, found)) {
		if (p->funcs[*found].name && same_func(&p->funcs[*found], e))
			return 0;
		key++;
	}
	*found = id;
	return idmap_put(&r->by_name, key, id);
}

static int resolve(struct resolver *r, uint32_t wire, uint32_t *id)
{
	struct load *l = r->l;
	struct model_private *p = l->m->priv;
	const struct name_entry *e = NULL;
	uint32_t at, next;
	int err;

	if (r->map[wire] >= 0) {
		*id = (uint32_t)r->map[wire];
		return 0;
	}
	if (idmap_get(&l->name_index, name_key(r->session, ayaprof_Table_TABLE_FUNC, wire), &at))
		e = &l->names[at];
	/* When ids run out the last one stands for all that found no place. */
	next = r->identity ? wire : p->n_funcs < MODEL_MAX_FUNCS ? p->n_funcs : MODEL_MAX_FUNCS - 1;
	*id = next;
	if (e) {
		err = index_func(r, e, next, id);
		if (err)
			return err;
		if (r->identity)
			*id = wire;
	}
	if (*id == next) {
		bool fresh = *id >= p->n_funcs || r->identity;

		err = reach_func(p, &r->cap_funcs, *id);
		if (!err && e && fresh)
			err = set_func(r, &p->funcs[*id], e);
		else if (!err && !p->funcs[*id].name)
			err = make_up_name(&p->funcs[*id], wire);
		if (err)
			return err;
	}
	r->map[wire] = (int32_t)*id;
	return 0;
}

static int add_exact(struct resolver *r, const ayaprof_Aggregate *row)
{
	struct model_func *f;
	uint32_t id;
	int err = resolve(r, row->func, &id);

	if (err)
		return err;
	f = &r->l->m->priv->funcs[id];
	f->has_exact = true;
	f->exact_count = ledger_add(f->exact_count, row->count);
	f->alloc_bytes = ledger_add(f->alloc_bytes, row->alloc_bytes);
	f->free_bytes = ledger_add(f->free_bytes, row->free_bytes);
	f->alloc_count = ledger_add(f->alloc_count, row->alloc_count);
	f->free_count = ledger_add(f->free_count, row->free_count);
	return 0;
}

static int resolve_session(struct resolver *r, struct model_event *e, size_t n)
{
	struct load *l = r->l;
	uint32_t id;
	int err = 0;

	memset(r->map, 0xff, sizeof(r->map));
	for (size_t i = 0; i < l->n_names && !err; i++) {
		if (l->names[i].session == r->session &&
			l->names[i].table == ayaprof_Table_TABLE_FUNC)
			err = resolve(r, l->names[i].id, &id);
	}
	for (size_t i = 0; i < l->n_exact && !err; i++) {
		if (l->exact[i].session == r->session)
			err = add_exact(r, &l->exact[i].row);
	}
	for (size_t i = 0; i < n && !err; i++) {
		err = resolve(r, e[i].func, &id);
		e[i].func = (uint16_t)id;
	}
	return err;
}

/* The ids that events carry as arguments. */
static int resolve_stack_args(
	struct load *l, uint8_t session, const struct model_event *e, size_t n)
{
	struct model *m = l->m;
	int err = 0;

	for (size_t i = 0; session && i < n && !err; i++) {
		uint64_t *arg;
		uint32_t id;

		if (!e[i].nargs || model_func(m, e[i].func)->cls != AYP_CLASS_SAMPLE)
			continue;
		arg = &m->args[e[i].arg_at];
		if (*arg > UINT32_MAX)
			continue;
		err = later_id(l, session, SPACE_STACK, (uint32_t)*arg, &id);
		*arg = id;
	}
	return err;
}

/* Tasks, interfaces and symbols: the newest name of an id is the one that is shown. */
static int keep_task(struct model_private *p, struct name_entry *e)
{
	struct model_task *tasks =
		grow_array(p->tasks, &p->cap_tasks, p->n_tasks + 1, sizeof(*tasks));

	if (!tasks)
		return -ENOMEM;
	p->tasks = tasks;
	tasks[p->n_tasks] = (struct model_task){.tid = e->id, .tgid = e->owner, .comm = e->name};
	e->name = NULL;
	return idmap_put(&p->task_index, e->id, (uint32_t)p->n_tasks++);
}

static int keep_iface(struct model_private *p, struct name_entry *e)
{
	struct model_iface *ifaces =
		grow_array(p->ifaces, &p->cap_ifaces, p->n_ifaces + 1, sizeof(*ifaces));

	if (!ifaces)
		return -ENOMEM;
	p->ifaces = ifaces;
	ifaces[p->n_ifaces] = (struct model_iface){.ifindex = e->id, .name = e->name};
	e->name = NULL;
	return idmap_put(&p->iface_index, e->id, (uint32_t)p->n_ifaces++);
}

static int keep_symbol(struct load *l, struct name_entry *e)
{
	struct model_private *p = l->m->priv;
	char **symbols =
		grow_array(p->symbols, &p->cap_symbols, p->n_symbols + 1, sizeof(*symbols));
	char text[DEMANGLE_MAX];
	uint32_t id;
	int err;

	if (!symbols)
		return -ENOMEM;
	p->symbols = symbols;
	if (demangle(e->name, true, text)) {
		free(e->name);
		e->name = text_clean_dup(text);
		if (!e->name)
			return -ENOMEM;
	}
	symbols[p->n_symbols++] = e->name;
	e->name = NULL;
	err = later_id(l, e->session, SPACE_SYMBOL, e->id, &id);
	return err ? err : idmap_put(&p->symbol_index, id, (uint32_t)p->n_symbols - 1);
}

static int keep_others(struct load *l)
{
	struct model_private *p = l->m->priv;
	int err = 0;

	for (size_t i = 0; i < l->n_names && !err; i++) {
		struct name_entry *e = &l->names[i];

		if (e->table == ayaprof_Table_TABLE_TASK)
			err = keep_task(p, e);
		else if (e->table == ayaprof_Table_TABLE_IFACE)
			err = keep_iface(p, e);
		else if (e->table == ayaprof_Table_TABLE_SYMBOL)
			err = keep_symbol(l, e);
	}
	return err;
}

static int find_traits(struct model_private *p)
{
	static const uint8_t by_class[AYP_CLASS_COUNT] = {
		[AYP_CLASS_KERNEL] = FUNC_KERNEL,
		[AYP_CLASS_SYSCALL] = FUNC_KERNEL | FUNC_SYSCALL,
		[AYP_CLASS_HARDIRQ] = FUNC_KERNEL,
		[AYP_CLASS_SOFTIRQ] = FUNC_KERNEL,
		[AYP_CLASS_TIMER] = FUNC_KERNEL,
		[AYP_CLASS_SWITCH] = FUNC_SWITCH,
	};

	p->traits = calloc(p->n_funcs + 1u, 1);
	if (!p->traits)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n_funcs; i++) {
		const struct model_func *f = &p->funcs[i];
		/* A replayed recording has names, but no classes. */
		bool replay =
			f->name && (f->cls == AYP_CLASS_REPLAY || f->cls == AYP_CLASS_UNKNOWN);

		p->traits[i] = by_class[f->cls];
		if ((replay || (f->name && f->cls == AYP_CLASS_TRACEPOINT)) &&
			!strcmp(f->name, "sched_switch"))
			p->traits[i] = FUNC_SWITCH;
	}
	return 0;
}

int load_names_finish(struct load *l)
{
	struct model *m = l->m;
	struct resolver *r = calloc(1, sizeof(*r));
	size_t first = 0, from = 0;
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->l = l;
	while (first + 1 < m->n_sessions && !m->sessions[first].delivered)
		first++;
	/* The session whose ids stay goes first: the others fill what it leaves. */
	for (int pass = 0; pass < 2; pass++) {
		from = 0;
		for (size_t s = 0; s < m->n_sessions && !err; s++) {
			size_t n = (size_t)m->sessions[s].delivered;

			if ((s == first) == (pass == 0)) {
				r->session = (uint8_t)s;
				r->identity = pass == 0;
				err = resolve_session(r, m->events + from, n);
				if (!err)
					err = resolve_stack_args(
						l, (uint8_t)s, m->events + from, n);
			}
			from += n;
		}
	}
	idmap_free(&r->by_name);
	idmap_free(&r->written);
	free(r);
	if (!err)
		err = find_traits(m->priv);
	return err ? err : keep_others(l);
}
