/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/source/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct news {
	uint32_t *queue; /* ring of entry indexes, `cap` of them */
	uint32_t head, count;
	unsigned int tables; /* bits of those listened to */
};

struct names {
	struct name *entries;
	uint32_t count, cap;
	uint32_t *hash; /* entry index or NONE; open addressing, hash_cap a power of two */
	uint32_t hash_cap;
	uint32_t *funcs; /* entry index or NONE by function id */
	unsigned int n_funcs;
	uint32_t *used; /* entry indexes, `cap` of them */
	uint32_t n_used;
	uint32_t n_tasks, n_others;
	uint32_t hand; /* where the search for a task to give way goes on */
	uint32_t tick;
	struct news news[NAMES_MAX_LISTENERS];
	unsigned int listeners;
};

struct names *names_new(void)
{
	return calloc(1, sizeof(struct names));
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->count; i++) {
		free(n->entries[i].text);
		free(n->entries[i].owner_name);
	}
	for (unsigned int i = 0; i < NAMES_MAX_LISTENERS; i++)
		free(n->news[i].queue);
	free(n->entries);
	free(n->hash);
	free(n->funcs);
	free(n->used);
	free(n);
}

/* ---- lookup --------------------------------------------------------------------------------- */

static uint32_t hash_slot(const struct names *n, uint8_t table, uint32_t id)
{
	uint64_t x = ((uint64_t)table << 32 | id) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32) & (n->hash_cap - 1);
}

static uint32_t hash_find(const struct names *n, uint8_t table, uint32_t id)
{
	if (n->hash_cap == 0)
		return NONE;
	for (uint32_t s = hash_slot(n, table, id);; s = (s + 1) & (n->hash_cap - 1)) {
		uint32_t at = n->hash[s];
		if (at == NONE || (n->entries[at].id == id && n->entries[at].table == table))
			return at;
	}
}

static void hash_insert(struct names *n, uint32_t at)
{
	uint32_t s = hash_slot(n, n->entries[at].table, n->entries[at].id);

	while (n->hash[s] != NONE)
		s = (s + 1) & (n->hash_cap - 1);
	n->hash[s] = at;
}

/* Deletion without tombstones: close the gap with whatever may move into it (Knuth 6.4, R). */
static void hash_remove(struct names *n, uint32_t at)
{
	uint32_t mask = n->hash_cap - 1;
	uint32_t gap = hash_slot(n, n->entries[at].table, n->entries[at].id);

	while (n->hash[gap] != at)
		gap = (gap + 1) & mask;
	for (uint32_t s = (gap + 1) & mask; n->hash[s] != NONE; s = (s + 1) & mask) {
		const struct name *e = &n->entries[n->hash[s]];
		uint32_t home = hash_slot(n, e->table, e->id);
		if (((s - home) & mask) >= ((s - gap) & mask)) {
			n->hash[gap] = n->hash[s];
			gap = s;
		}
	}
	n->hash[gap] = NONE;
}

static uint32_t find(const struct names *n, ayaprof_Table table, uint32_t id)
{
	if (table == ayaprof_Table_TABLE_FUNC)
		return id < n->n_funcs ? n->funcs[id] : NONE;
	return hash_find(n, (uint8_t)table, id);
}

const struct name *names_get(const struct names *n, ayaprof_Table table, uint32_t id)
{
	uint32_t at = find(n, table, id);

	return at == NONE ? NULL : &n->entries[at];
}

/* ---- growth --------------------------------------------------------------------------------- */

static int grow_array(void *array, size_t elements, size_t size)
{
	void *bigger = realloc(*(void **)array, elements * size);

	if (!bigger)
		return -ENOMEM;
	*(void **)array = bigger;
	return 0;
}

/* The ring keeps its order: it is laid out from 0 anew. */
static int news_resize(struct news *q, uint32_t old_cap, uint32_t cap)
{
	uint32_t *queue = malloc(cap * sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	for (uint32_t i = 0; i < q->count; i++)
		queue[i] = q->queue[(q->head + i) % old_cap];
	free(q->queue);
	q->queue = queue;
	q->head = 0;
	return 0;
}

static int grow(struct names *n)
{
	uint32_t cap = n->cap ? n->cap * 2 : 256;
	uint32_t *hash;

	if (grow_array(&n->entries, cap, sizeof(*n->entries)) ||
		grow_array(&n->used, cap, sizeof(*n->used)))
		return -ENOMEM;
	for (unsigned int i = 0; i < n->listeners; i++)
		if (news_resize(&n->news[i], n->cap, cap))
			return -ENOMEM;
	hash = malloc(cap * 2 * sizeof(*hash));
	if (!hash)
		return -ENOMEM;
	memset(hash, 0xff, cap * 2 * sizeof(*hash));
	free(n->hash);
	n->hash = hash;
	n->hash_cap = cap * 2;
	n->cap = cap;
	for (uint32_t i = 0; i < n->count; i++)
		if (n->entries[i].table != ayaprof_Table_TABLE_FUNC)
			hash_insert(n, i);
	return 0;
}

/* The first task from the hand on that is idle, or else the next task: recency by ticks is exact
 * enough and a full search would stall the probes' consumer. */
static uint32_t task_to_replace(struct names *n)
{
	uint32_t fallback = NONE;

	for (uint32_t steps = 0; steps < n->count; steps++) {
		n->hand = n->hand + 1 < n->count ? n->hand + 1 : 0;
		const struct name *e = &n->entries[n->hand];
		if (e->table != ayaprof_Table_TABLE_TASK)
			continue;
		if (fallback == NONE)
			fallback = n->hand;
		if (!e->used || n->tick - e->last_use > 1 || steps > 1024)
			return n->hand;
	}
	return fallback;
}

static int new_entry(struct names *n, uint8_t table, uint32_t id, uint32_t *at)
{
	bool task = table == ayaprof_Table_TABLE_TASK, func = table == ayaprof_Table_TABLE_FUNC;

	if (task && n->n_tasks == NAMES_MAX_TASKS) {
		*at = task_to_replace(n);
		hash_remove(n, *at);
	} else {
		if (!task && !func && n->n_others == NAMES_MAX_OTHERS)
			return -ENOSPC;
		if (n->count == n->cap && grow(n))
			return -ENOMEM;
		*at = n->count++;
		memset(&n->entries[*at], 0, sizeof(n->entries[*at]));
		n->n_tasks += task;
		n->n_others += !task && !func;
	}
	n->entries[*at].table = table;
	n->entries[*at].id = id;
	if (!func)
		hash_insert(n, *at);
	return 0;
}

/* ---- setting -------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static void tell(struct names *n, uint32_t at)
{
	struct name *e = &n->entries[at];

	for (unsigned int i = 0; i < n->listeners; i++) {
		struct news *q = &n->news[i];
		if ((e->news & (1u << i)) || !(q->tables & NAMES_TABLE(e->table)))
			continue;
		e->news |= (uint8_t)(1u << i);
		q->queue[(q->head + q->count++) % n->cap] = at;
	}
}

/* Set the entry of (table, id), made if *at is NONE; *at then says which it is. All or nothing. */
static int put(struct names *n, uint32_t *at, const struct name *key, const char *text,
	const char *owner_name)
{
	char *new_text, *new_owner;
	struct name *e;
	int err = 0;

	if (*at != NONE) {
		e = &n->entries[*at];
		if (e->cls == key->cls && e->owner == key->owner && same(e->text, text) &&
			same(e->owner_name, owner_name))
			return 0;
	}
	new_text = strdup(text);
	new_owner = owner_name ? strdup(owner_name) : NULL;
	if (!new_text || (owner_name && !new_owner))
		err = -ENOMEM;
	else if (*at == NONE)
		err = new_entry(n, key->table, key->id, at);
	if (err) {
		free(new_text);
		free(new_owner);
		return err;
	}
	e = &n->entries[*at];
	free(e->text);
	free(e->owner_name);
	e->text = new_text;
	e->owner_name = new_owner;
	e->cls = key->cls;
	e->owner = key->owner;
	e->since_ns = key->since_ns;
	if (e->used)
		tell(n, *at);
	return 0;
}

int names_reserve_funcs(struct names *n, unsigned int count)
{
	unsigned int first = n->n_funcs;

	if (count > NAMES_MAX_FUNCS - first)
		return -ENOSPC;
	if (count == 0)
		return (int)first;
	if (grow_array(&n->funcs, first + count, sizeof(*n->funcs)))
		return -ENOMEM;
	memset(n->funcs + first, 0xff, count * sizeof(*n->funcs));
	n->n_funcs = first + count;
	return (int)first;
}

unsigned int names_func_count(const struct names *n)
{
	return n->n_funcs;
}

int names_set_func(
	struct names *n, uint16_t id, enum ayp_class cls, const char *text, const char *owner_name)
{
	struct name key = {.table = ayaprof_Table_TABLE_FUNC, .id = id, .cls = (uint8_t)cls};

	if (id >= n->n_funcs)
		return -EINVAL;
	return put(n, &n->funcs[id], &key, text, owner_name);
}

int names_add_func(struct names *n, enum ayp_class cls, const char *text, const char *owner_name)
{
	int id = names_reserve_funcs(n, 1);
	int err = id < 0 ? id : names_set_func(n, (uint16_t)id, cls, text, owner_name);

	return err ? err : id;
}

int names_set(struct names *n, ayaprof_Table table, uint32_t id, uint32_t owner, const char *text,
	const char *owner_name)
{
	struct name key = {.table = (uint8_t)table, .id = id, .owner = owner};
	uint32_t at;

	if (table == ayaprof_Table_TABLE_FUNC)
		return -EINVAL; /* function ids are reserved first */
	at = find(n, table, id);
	return put(n, &at, &key, text, owner_name);
}

int names_set_task(
	struct names *n, uint32_t tid, uint32_t tgid, const char *comm, uint64_t since_ns)
{
	struct name key = {
		.table = ayaprof_Table_TABLE_TASK, .id = tid, .owner = tgid, .since_ns = since_ns};
	uint32_t at = find(n, ayaprof_Table_TABLE_TASK, tid);

	return put(n, &at, &key, comm, NULL);
}

/* ---- use and announcement ------------------------------------------------------------------- */

bool names_use(struct names *n, ayaprof_Table table, uint32_t id)
{
	uint32_t at = find(n, table, id);
	struct name *e;

	if (at == NONE)
		return false;
	e = &n->entries[at];
	if (!e->used) {
		e->used = true;
		n->used[n->n_used++] = at;
		tell(n, at);
	} else if (n->tick - e->last_use > NAMES_IDLE_TICKS) {
		tell(n, at);
	}
	e->last_use = n->tick;
	return true;
}

void names_tick(struct names *n)
{
	n->tick++;
}

bool names_recent(const struct names *n, const struct name *name)
{
	return n->tick - name->last_use <= NAMES_IDLE_TICKS;
}

const struct name *names_used_at(const struct names *n, size_t index)
{
	return index < n->n_used ? &n->entries[n->used[index]] : NULL;
}

size_t names_used_count(const struct names *n)
{
	return n->n_used;
}

int names_listen(struct names *n, unsigned int tables)
{
	if (n->listeners == NAMES_MAX_LISTENERS)
		return -ENOSPC;
	n->news[n->listeners].tables = tables;
	if (n->cap && news_resize(&n->news[n->listeners], n->cap, n->cap))
		return -ENOMEM;
	return (int)n->listeners++;
}

const struct name *names_news_at(const struct names *n, int listener, size_t index)
{
	const struct news *q = &n->news[listener];

	if (index >= q->count)
		return NULL;
	return &n->entries[q->queue[(q->head + index) % n->cap]];
}

void names_news_announced(struct names *n, int listener, size_t count)
{
	struct news *q = &n->news[listener];

	for (; count > 0 && q->count > 0; count--, q->count--) {
		n->entries[q->queue[q->head]].news &= (uint8_t) ~(1u << listener);
		q->head = (q->head + 1) % n->cap;
	}
}
