/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/idmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Keys are chosen by whoever wrote the file: a multiplier it cannot know keeps chains short. */
static uint64_t secret(void)
{
	static uint64_t s;

	if (!s) {
		if (getrandom(&s, sizeof(s), GRND_NONBLOCK) != sizeof(s))
			s = 0x9e3779b97f4a7c15u;
		s |= 1;
	}
	return s;
}

static struct idmap_slot *find(struct idmap_slot *slots, size_t cap, uint64_t key)
{
	uint64_t h = (key ^ key >> 29) * secret();
	size_t i = (h ^ h >> 32) & (cap - 1);

	while (slots[i].used && slots[i].key != key)
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

void idmap_free(struct idmap *map)
{
	free(map->slots);
	memset(map, 0, sizeof(*map));
}

bool idmap_get(const struct idmap *map, uint64_t key, uint32_t *value)
{
	if (!map->n)
		return false;
	const struct idmap_slot *slot = find(map->slots, map->cap, key);

	if (slot->used)
		*value = slot->value;
	return slot->used;
}

static int grow(struct idmap *map)
{
	size_t cap = map->cap ? map->cap * 2 : 64;
	struct idmap_slot *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->cap; i++) {
		if (map->slots[i].used)
			*find(slots, cap, map->slots[i].key) = map->slots[i];
	}
	free(map->slots);
	map->slots = slots;
	map->cap = cap;
	return 0;
}

int idmap_put(struct idmap *map, uint64_t key, uint32_t value)
{
	struct idmap_slot *slot;

	if (map->n * 4 >= map->cap * 3) {
		int err = grow(map);

		if (err)
			return err;
	}
	slot = find(map->slots, map->cap, key);
	map->n += !slot->used;
	*slot = (struct idmap_slot){.key = key, .value = value, .used = true};
	return 0;
}
