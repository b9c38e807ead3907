/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/intern.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int intern_init(struct intern *t, size_t size)
{
	assert(size && !(size & (size - 1)));
	*t = (struct intern){.slot = calloc(size, sizeof(*t->slot)), .size = size};
	return t->slot ? 0 : -ENOMEM;
}

void intern_free(struct intern *t)
{
	free(t->slot);
	*t = (struct intern){0};
}

static struct intern_slot *place(const struct intern *t, uint64_t hash)
{
	size_t i = (size_t)hash & (t->size - 1);

	while (t->slot[i].hash && t->slot[i].hash != hash)
		i = (i + 1) & (t->size - 1);
	return &t->slot[i];
}

bool intern_find(const struct intern *t, uint64_t hash, uint32_t *number)
{
	const struct intern_slot *s = place(t, hash | 1);

	*number = s->number;
	return s->hash != 0;
}

void intern_set(struct intern *t, uint64_t hash, uint32_t number)
{
	struct intern_slot *s;

	if (t->used >= t->size / 4 * 3) {
		memset(t->slot, 0, t->size * sizeof(*t->slot));
		t->used = 0;
	}
	s = place(t, hash | 1);
	t->used += !s->hash;
	*s = (struct intern_slot){hash | 1, number};
}

/* FNV-1a over 64 bits, each byte mixed once more so that the low bits see the high ones. */
uint64_t intern_hash(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	size_t i;

	hash ^= 0xcbf29ce484222325u;
	for (i = 0; i < n; i++) {
		hash = (hash ^ p[i]) * 0x100000001b3u;
		hash ^= hash >> 32;
	}
	return hash;
}
