/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/table.h"

#include <errno.h>
#include <string.h>

#define FIRST_CAP 64u

static size_t home(const struct table *t, size_t cap, uint64_t key)
{
	uint64_t h = (key ^ key >> 29) * t->secret;

	return (size_t)(h ^ h >> 32) & (cap - 1);
}

static struct table_slot *find(
	const struct table *t, struct table_slot *slots, size_t cap, uint64_t key)
{
	size_t i = home(t, cap, key);

	while (slots[i].used && slots[i].key != key)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

void table_init(struct table *t, const struct trace_memory *mem, uint64_t secret)
{
	*t = (struct table){.mem = mem, .secret = secret | 1};
}

void table_clear(struct table *t)
{
	trace_release(t->mem, t->slots);
	t->slots = NULL;
	t->cap = t->n = 0;
}

bool table_get(const struct table *t, uint64_t key, uint32_t *value)
{
	const struct table_slot *slot;

	if (!t->n)
		return false;
	slot = find(t, t->slots, t->cap, key);
	if (slot->used)
		*value = slot->value;
	return slot->used;
}

static int grow(struct table *t)
{
	size_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
	struct table_slot *slots = trace_alloc(t->mem, cap * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++) {
		if (t->slots[i].used)
			*find(t, slots, cap, t->slots[i].key) = t->slots[i];
	}
	trace_release(t->mem, t->slots);
	t->slots = slots;
	t->cap = cap;
	return 0;
}

int table_put(struct table *t, uint64_t key, uint32_t value)
{
	struct table_slot *slot;

	if (t->n * 4 >= t->cap * 3) {
		int err = grow(t);

		if (err)
			return err;
	}
	slot = find(t, t->slots, t->cap, key);
	t->n += !slot->used;
	*slot = (struct table_slot){.key = key, .value = value, .used = 1};
	return 0;
}

/* Slots behind the one that becomes free move up, where that brings them nearer to their home: a
 * search never has to look past a free slot. */
void table_remove(struct table *t, uint64_t key)
{
	size_t hole, i;

	if (!t->n)
		return;
	hole = (size_t)(find(t, t->slots, t->cap, key) - t->slots);
	if (!t->slots[hole].used)
		return;
	for (i = (hole + 1) & (t->cap - 1); t->slots[i].used; i = (i + 1) & (t->cap - 1)) {
		size_t wanted = home(t, t->cap, t->slots[i].key);

		if (((i - wanted) & (t->cap - 1)) >= ((i - hole) & (t->cap - 1))) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	memset(&t->slots[hole], 0, sizeof(t->slots[hole]));
	t->n--;
}
