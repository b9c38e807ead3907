/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/functions.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "host/trace/func.h"

#define LAST_ID (TRACE_MAX_FUNCS - 1)

int functions_init(struct functions *f, struct known_names *names, const struct trace_memory *mem,
	uint64_t secret)
{
	*f = (struct functions){.mem = mem, .names = names, .line = -1, .map_session = -1};
	table_init(&f->by_name, mem, secret);
	table_init(&f->by_written, mem, secret);
	table_init(&f->by_wire, mem, secret);
	table_init(&f->exact_index, mem, secret);
	f->traits = trace_alloc(mem, TRACE_MAX_FUNCS);
	f->ours = trace_alloc(mem, TRACE_MAX_FUNCS * sizeof(*f->ours));
	f->room = trace_alloc(mem, FUNC_ROOM);
	return f->traits && f->ours && f->room ? 0 : -ENOMEM;
}

void functions_free(struct functions *f)
{
	table_clear(&f->by_name);
	table_clear(&f->by_written);
	table_clear(&f->by_wire);
	table_clear(&f->exact_index);
	trace_release(f->mem, f->func);
	trace_release(f->mem, f->traits);
	trace_release(f->mem, f->ours);
	trace_release(f->mem, f->map);
	trace_release(f->mem, f->exact);
	trace_release(f->mem, f->room);
}

void functions_session_init(struct session_functions *s)
{
	*s = (struct session_functions){NAMES_NONE, NAMES_NONE, FUNCTIONS_NONE, FUNCTIONS_NONE};
}

static bool same_func(const struct trace_func *func, const struct name *e)
{
	/* Strings are there once. */
	return func->cls == e->cls && func->symbol == e->text && func->owner == e->owner;
}

/* Enter a function under its name. The first one of a name stays. */
static int index_func(struct functions *f, const struct name *e, uint32_t id, uint32_t *found)
{
	uint64_t key = func_name_key(e->cls, e->text, e->owner);

	for (; table_get(&f->by_name, key, found); key++) {
		if (*found < f->n && f->func[*found].name && same_func(&f->func[*found], e))
			return 0;
	}
	*found = id;
	return table_put(&f->by_name, key, id);
}

/* ---- ids -------------------------------------------------------------------------------------- */

static uint64_t wire_key(uint16_t session, uint32_t wire)
{
	return (uint64_t)session << 16 | wire;
}

/* Give `wire` an id: `next`, or that of the function of the same name. */
static int give_id(struct functions *f, const struct name *e, uint32_t wire, uint32_t next,
	bool own, uint32_t *id)
{
	int err = 0;

	*id = next;
	if (e)
		err = index_func(f, e, next, id);
	if (own)
		*id = next;
	if (err || *id != next)
		return err;
	own |= next >= f->n;
	err = func_reach(f, next);
	if (!err && e && own)
		err = func_set(f, next, e);
	else if (!err && !f->func[next].name)
		err = func_make_up(f, next, wire);
	return err;
}

static int resolve(struct functions *f, uint16_t session, uint32_t wire, uint32_t *id)
{
	bool line = session == f->line;
	const struct name *e;
	uint32_t next;
	int err;

	if (table_get(&f->by_wire, wire_key(session, wire), id))
		return 0;
	if (line && f->ours[wire]) {
		*id = wire;
		return 0;
	}
	e = known_names_get(f->names, session, ayaprof_Table_TABLE_FUNC, wire);
	if (line && (wire >= f->n || !f->func[wire].name)) {
		err = give_id(f, e, wire, wire, true, id);
		f->ours[wire] = !err;
		return err;
	}
	next = f->n < TRACE_MAX_FUNCS ? (uint32_t)f->n : LAST_ID;
	/* Without a name and without a place there is nothing to remember. */
	if (!e && f->n == TRACE_MAX_FUNCS) {
		*id = LAST_ID;
		return f->func[LAST_ID].name ? 0 : func_make_up(f, LAST_ID, wire);
	}
	err = give_id(f, e, wire, next, false, id);
	f->moved |= line;
	return err ? err : table_put(&f->by_wire, wire_key(session, wire), *id);
}

void functions_begin(struct functions *f, uint16_t session)
{
	assert(f->line < 0);
	f->line = session;
}

static void add_exact(
	struct trace_func *func, const struct exact_row *new, const struct exact_row *old)
{
	func->has_exact = true;
	func->exact_count = ledger_add(func->exact_count, new->count - old->count);
	func->alloc_bytes = ledger_add(func->alloc_bytes, new->alloc_bytes - old->alloc_bytes);
	func->free_bytes = ledger_add(func->free_bytes, new->free_bytes - old->free_bytes);
	func->alloc_count = ledger_add(func->alloc_count, new->alloc_count - old->alloc_count);
	func->free_count = ledger_add(func->free_count, new->free_count - old->free_count);
}

int functions_enter(struct functions *f, uint16_t session, const struct session_functions *s)
{
	static const struct exact_row nothing;
	uint32_t id;
	int err = 0;

	assert(f->line >= 0);
	for (uint32_t at = s->first_name; at != NAMES_NONE && !err; at = f->names->name[at].next)
		err = resolve(f, session, f->names->name[at].id, &id);
	for (uint32_t at = s->first_exact; at != FUNCTIONS_NONE && !err; at = f->exact[at].next) {
		err = resolve(f, session, f->exact[at].func, &id);
		if (!err)
			add_exact(&f->func[id], &f->exact[at], &nothing);
	}
	return err;
}

/* A name that comes after its function was used. */
static int name_late(struct functions *f, uint16_t session, const struct name *e)
{
	uint64_t key = wire_key(session, e->id);
	bool line = session == f->line && f->ours[e->id];
	uint32_t id, found;
	int err;

	if (line)
		id = e->id;
	else if (!table_get(&f->by_wire, key, &id))
		return resolve(f, session, e->id, &id);
	if (f->func[id].named)
		return 0;
	err = index_func(f, e, id, &found);
	if (err)
		return err;
	if (found == id || line)
		return func_set(f, id, e);
	/* What comes from now on is told together with the others of this name. */
	if (f->map_session == session)
		f->map[e->id] = found;
	return table_put(&f->by_wire, key, found);
}

int functions_named(
	struct functions *f, uint16_t session, struct session_functions *s, uint32_t name)
{
	if (s->last_name == NAMES_NONE)
		s->first_name = name;
	else
		f->names->name[s->last_name].next = name;
	s->last_name = name;
	return f->line < 0 ? 0 : name_late(f, session, &f->names->name[name]);
}

static int find_exact(struct functions *f, uint16_t session, struct session_functions *s,
	uint16_t func, uint32_t *at)
{
	struct exact_row *rows;
	int err;

	if (table_get(&f->exact_index, wire_key(session, func), at))
		return 0;
	if (f->n_exact == FUNCTIONS_MAX_EXACT)
		return -ENOSPC;
	rows = trace_grow(f->mem, f->exact, &f->cap_exact, f->n_exact + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	f->exact = rows;
	err = table_put(&f->exact_index, wire_key(session, func), (uint32_t)f->n_exact);
	if (err)
		return err;
	*at = (uint32_t)f->n_exact++;
	rows[*at] = (struct exact_row){.func = func, .next = FUNCTIONS_NONE};
	if (s->last_exact == FUNCTIONS_NONE)
		s->first_exact = *at;
	else
		rows[s->last_exact].next = *at;
	s->last_exact = *at;
	return 0;
}

int functions_exact(struct functions *f, uint16_t session, struct session_functions *s,
	const ayaprof_Aggregate *row)
{
	struct exact_row new = {row->count, row->alloc_bytes, row->free_bytes, row->alloc_count,
		row->free_count, FUNCTIONS_NONE, (uint16_t)row->func};
	struct exact_row *r;
	uint32_t at, id;
	int err;

	if (row->func >= TRACE_MAX_FUNCS)
		return 0;
	err = find_exact(f, session, s, new.func, &at);
	if (err == -ENOSPC)
		f->names->left_out++;
	if (err)
		return err == -ENOSPC ? 0 : err;
	r = &f->exact[at];
	if (new.count < r->count)
		return 0;
	if (f->line >= 0) {
		err = resolve(f, session, row->func, &id);
		if (err)
			return err;
		add_exact(&f->func[id], &new, r);
		func_tell(f, id);
	}
	new.next = r->next;
	*r = new;
	return 0;
}

/* ---- ids of events ---------------------------------------------------------------------------- */

static int use_map(struct functions *f, uint16_t session)
{
	if (!f->map)
		f->map = f->mem->resize(f->mem->ctx, NULL, TRACE_MAX_FUNCS * sizeof(*f->map));
	if (!f->map)
		return -ENOMEM;
	if (f->map_session != session)
		memset(f->map, 0xff, TRACE_MAX_FUNCS * sizeof(*f->map));
	f->map_session = session;
	return 0;
}

static int use_all(struct functions *f, uint16_t session, const uint64_t *used, bool mapped)
{
	uint32_t id;
	int err = 0;

	for (uint32_t word = 0; word < TRACE_MAX_FUNCS / 64; word++) {
		for (uint64_t left = used[word]; left && !err; left &= left - 1) {
			uint32_t wire = word * 64 + (uint32_t)__builtin_ctzll(left);

			if (mapped ? f->map[wire] != FUNCTIONS_NONE : f->ours[wire])
				continue;
			err = resolve(f, session, wire, &id);
			if (mapped && !err)
				f->map[wire] = id;
		}
	}
	return err;
}

int functions_use(struct functions *f, uint16_t session, const uint64_t *used, const uint32_t **map)
{
	bool mapped;
	int err;

	assert(f->line >= 0);
	do {
		mapped = session != f->line || f->moved;
		err = mapped ? use_map(f, session) : 0;
		if (!err)
			err = use_all(f, session, used, mapped);
	} while (!err && mapped != (session != f->line || f->moved));
	*map = mapped ? f->map : NULL;
	return err;
}

int functions_id(struct functions *f, uint16_t session, uint16_t wire, uint16_t *id)
{
	uint32_t found;
	int err = resolve(f, session, wire, &found);

	if (!err)
		*id = (uint16_t)found;
	return err;
}

bool functions_switches(
	const struct functions *f, uint16_t session, const struct session_functions *s)
{
	for (uint32_t at = s->first_name; at != NAMES_NONE; at = f->names->name[at].next) {
		uint32_t id = f->names->name[at].id;

		if (session == f->line && f->ours[id]) {
			if (f->traits[id] & FUNC_SWITCH)
				return true;
		} else if (table_get(&f->by_wire, wire_key(session, id), &id)) {
			if (f->traits[id] & FUNC_SWITCH)
				return true;
		}
	}
	return false;
}
