/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/known_names.h"

#include <errno.h>
#include <string.h>

#include "proto/clean.h"
#include "proto/demangle.h"

/* Text on its way: the longest that is translated. */
#define ROOM DEMANGLE_MAX
_Static_assert(ROOM <= STRINGS_LONGEST, "what fits here fits there");

static uint64_t key_of(uint16_t session, unsigned int table, uint32_t id)
{
	return (uint64_t)session << 40 | (uint64_t)(table & 0xff) << 32 | id;
}

int known_names_init(struct known_names *n, const struct trace_memory *mem, uint64_t secret)
{
	*n = (struct known_names){.mem = mem};
	strings_init(&n->strings, mem, secret);
	table_init(&n->index, mem, secret);
	table_init(&n->stack_index, mem, secret);
	n->room = trace_alloc(mem, 2 * ROOM);
	return n->room ? 0 : -ENOMEM;
}

void known_names_free(struct known_names *n)
{
	for (size_t i = 0; i < n->n_tasks; i++)
		trace_release(n->mem, n->task[i].version);
	for (size_t i = 0; i < n->n_stacks; i++)
		trace_release(n->mem, (void *)n->stack[i].symbols);
	trace_release(n->mem, n->task);
	trace_release(n->mem, n->stack);
	trace_release(n->mem, n->name);
	trace_release(n->mem, n->room);
	table_clear(&n->index);
	table_clear(&n->stack_index);
	strings_free(&n->strings);
}

/* Beyond a bound: counted, and no error. */
static int leave_out(struct known_names *n, int err)
{
	if (err != -ENOSPC)
		return err;
	n->left_out++;
	return 0;
}

static int put_text(struct known_names *n, const char *from, const char **out)
{
	text_clean(n->room, ROOM, from);
	return strings_put(&n->strings, n->room, out);
}

/* As it was written, where a compiler made another of it. */
static int put_symbol_text(struct known_names *n, const char *from, const char **out)
{
	text_clean(n->room, ROOM, from);
	if (!demangle(n->room, true, n->room + ROOM))
		return strings_put(&n->strings, n->room, out);
	return put_text(n, n->room + ROOM, out);
}

/* ---- threads ---------------------------------------------------------------------------------- */

static bool same_task(const struct trace_task *a, const struct trace_task *b)
{
	return a->comm == b->comm && a->tgid == b->tgid;
}

static void count_generations(struct task_names *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		t->version[i].generation = 0;
		if (i)
			t->version[i].generation = t->version[i - 1].generation +
						   !same_task(&t->version[i - 1], &t->version[i]);
	}
}

static int grow_versions(struct known_names *n, struct task_names *t)
{
	uint32_t cap = t->cap ? t->cap * 2 : 1;
	struct trace_task *v;

	if (t->n < t->cap)
		return 0;
	if (t->n >= NAMES_MAX_VERSIONS || n->n_versions + n->n >= NAMES_MAX)
		return -ENOSPC;
	/* One by one, mostly only one: trace_grow() would give each thread room for 16. */
	v = n->mem->resize(n->mem->ctx, t->version, cap * sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->version = v;
	t->cap = cap;
	return 0;
}

/* The first version that begins after `since_ns`. */
static uint32_t version_after(const struct task_names *t, uint64_t since_ns)
{
	uint32_t lo = 0, hi = t->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->version[mid].since_ns <= since_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int put_version(struct known_names *n, struct task_names *t, const struct trace_task *new)
{
	uint32_t at = version_after(t, new->since_ns);
	int err;

	if (at && t->version[at - 1].since_ns == new->since_ns) {
		t->version[at - 1] = *new;
		count_generations(t);
		return 0;
	}
	/* A board that had forgotten a thread tells it again, with a later moment. */
	if (at && same_task(&t->version[at - 1], new))
		return 0;
	if (at < t->n && same_task(&t->version[at], new)) {
		t->version[at].since_ns = new->since_ns;
		return 0;
	}
	err = grow_versions(n, t);
	if (err)
		return err;
	memmove(&t->version[at + 1], &t->version[at], (t->n - at) * sizeof(*t->version));
	t->version[at] = *new;
	t->n++;
	n->n_versions++;
	count_generations(t);
	return 0;
}

static int put_task(struct known_names *n, uint16_t session, const ayaprof_Name *name)
{
	uint64_t key = key_of(session, ayaprof_Table_TABLE_TASK, name->id);
	struct trace_task v = {.tgid = name->owner, .since_ns = name->since_ns};
	struct task_names *tasks;
	uint32_t at;
	int err = put_text(n, name->long_name[0] ? name->long_name : name->name, &v.comm);

	if (err)
		return err;
	if (table_get(&n->index, key, &at))
		return put_version(n, &n->task[at], &v);
	if (n->n_versions + n->n >= NAMES_MAX)
		return -ENOSPC;
	tasks = trace_grow(n->mem, n->task, &n->cap_tasks, n->n_tasks + 1, sizeof(*tasks));
	if (!tasks)
		return -ENOMEM;
	n->task = tasks;
	tasks += n->n_tasks;
	*tasks = (struct task_names){0};
	err = put_version(n, tasks, &v);
	if (!err)
		err = table_put(&n->index, key, (uint32_t)n->n_tasks);
	if (err)
		trace_release(n->mem, tasks->version);
	else
		n->n_tasks++;
	return err;
}

/* ---- the others ------------------------------------------------------------------------------- */

static int find_or_add(struct known_names *n, uint16_t session, const ayaprof_Name *name,
	uint32_t *at, bool *added)
{
	uint64_t key = key_of(session, name->table, name->id);
	struct name *names;
	int err;

	if (table_get(&n->index, key, at))
		return 0;
	if (n->n_versions + n->n >= NAMES_MAX)
		return -ENOSPC;
	names = trace_grow(n->mem, n->name, &n->cap, n->n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	n->name = names;
	err = table_put(&n->index, key, (uint32_t)n->n);
	if (err)
		return err;
	*at = (uint32_t)n->n++;
	*added = true;
	names[*at] = (struct name){.next = NAMES_NONE};
	return 0;
}

static int put_name(
	struct known_names *n, uint16_t session, const ayaprof_Name *name, uint32_t *added)
{
	const char *from = name->long_name[0] ? name->long_name : name->name, *text, *owner;
	bool new = false;
	struct name *e;
	uint32_t at;
	int err;

	/* Without a text it names nothing; a reader would see a row with an empty name. */
	if (name->table == ayaprof_Table_TABLE_FUNC && !from[0])
		return 0;
	err = name->table == ayaprof_Table_TABLE_SYMBOL ? put_symbol_text(n, from, &text)
							: put_text(n, from, &text);
	if (!err)
		err = put_text(n, name->owner_name, &owner);
	if (!err)
		err = find_or_add(n, session, name, &at, &new);
	if (err)
		return err;
	e = &n->name[at];
	e->text = text;
	e->owner = owner;
	e->id = name->id;
	e->session = session;
	e->table = (uint8_t)name->table;
	e->cls = name->cls < AYP_CLASS_COUNT ? (uint8_t)name->cls : AYP_CLASS_UNKNOWN;
	if (new && name->table == ayaprof_Table_TABLE_FUNC)
		*added = at;
	return 0;
}

int known_names_put(
	struct known_names *n, uint16_t session, const ayaprof_Name *name, uint32_t *added)
{
	*added = NAMES_NONE;
	switch ((unsigned int)name->table) {
	case ayaprof_Table_TABLE_FUNC:
		if (name->id >= TRACE_MAX_FUNCS)
			return 0;
		return leave_out(n, put_name(n, session, name, added));
	case ayaprof_Table_TABLE_IFACE:
	case ayaprof_Table_TABLE_SYMBOL:
		return leave_out(n, put_name(n, session, name, added));
	case ayaprof_Table_TABLE_TASK:
		return leave_out(n, put_task(n, session, name));
	}
	return 0;
}

int known_names_put_stack(struct known_names *n, uint16_t session, const ayaprof_Stack *in)
{
	uint64_t key = key_of(session, 0, in->id);
	uint32_t *symbols, count = in->symbols_count, at;
	struct trace_stack *stacks;
	int err;

	if (table_get(&n->stack_index, key, &at))
		return 0;
	if (n->n_stacks == NAMES_MAX_STACKS || n->n_frames + count > NAMES_MAX_FRAMES)
		return leave_out(n, -ENOSPC);
	stacks = trace_grow(n->mem, n->stack, &n->cap_stacks, n->n_stacks + 1, sizeof(*stacks));
	if (!stacks)
		return -ENOMEM;
	n->stack = stacks;
	symbols = n->mem->resize(n->mem->ctx, NULL, (count + 1) * sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	err = table_put(&n->stack_index, key, (uint32_t)n->n_stacks);
	if (err) {
		trace_release(n->mem, symbols);
		return err;
	}
	memcpy(symbols, in->symbols, count * sizeof(*symbols));
	stacks[n->n_stacks++] = (struct trace_stack){
		.tgid = in->tgid,
		.kernel_frames = in->kernel_frames < count ? in->kernel_frames : count,
		.n = count,
		.symbols = symbols,
	};
	n->n_frames += count;
	return 0;
}

/* ---- lookups ---------------------------------------------------------------------------------- */

const struct name *known_names_get(
	const struct known_names *n, uint16_t session, ayaprof_Table table, uint32_t id)
{
	uint32_t at;

	return table_get(&n->index, key_of(session, table, id), &at) ? &n->name[at] : NULL;
}

const struct trace_task *known_names_task(
	const struct known_names *n, uint16_t session, uint32_t tid, uint64_t t_ns)
{
	const struct task_names *t;
	uint32_t at;

	if (!table_get(&n->index, key_of(session, ayaprof_Table_TABLE_TASK, tid), &at))
		return NULL;
	t = &n->task[at];
	at = version_after(t, t_ns);
	return &t->version[at ? at - 1 : 0];
}

const struct trace_stack *known_names_stack(
	const struct known_names *n, uint16_t session, uint32_t id)
{
	uint32_t at;

	return table_get(&n->stack_index, key_of(session, 0, id), &at) ? &n->stack[at] : NULL;
}
