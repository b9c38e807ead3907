/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A hash map from 64-bit keys to 32-bit values. Grows with what is put; nothing is ever removed. */
#ifndef HOST_IDMAP_H
#define HOST_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t key;
	uint32_t value;
	bool used;
};

/* All zero is an empty map. */
struct idmap {
	struct idmap_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t n;
};

void idmap_free(struct idmap *map);
bool idmap_get(const struct idmap *map, uint64_t key, uint32_t *value);
/* Set or replace. Returns 0 or -ENOMEM (map unchanged). */
int idmap_put(struct idmap *map, uint64_t key, uint32_t value);

#endif
