/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A hash table from 64-bit keys to 32-bit values, with removal. Open addressing with linear
 * probing; at most three quarters full, so 16 bytes a slot cost 21 to 43 bytes a key.
 *
 * Keys are chosen by whoever made the recording: the multiplier of the hash is the caller's, and
 * should be one that nobody else can know.
 */
#ifndef HOST_TRACE_TABLE_H
#define HOST_TRACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/trace/memory.h"

struct table_slot {
	uint64_t key;
	uint32_t value;
	uint32_t used;
};

struct table {
	const struct trace_memory *mem;
	uint64_t secret; /* odd */
	struct table_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t n;
};

/* Empty, without memory. mem outlives it. */
void table_init(struct table *t, const struct trace_memory *mem, uint64_t secret);
/* Release its memory; it is empty then. */
void table_clear(struct table *t);
bool table_get(const struct table *t, uint64_t key, uint32_t *value);
/* Set or replace. Returns 0 or -ENOMEM (table unchanged). */
int table_put(struct table *t, uint64_t key, uint32_t value);
void table_remove(struct table *t, uint64_t key); /* of a key that is not there: nothing */

#endif
