/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Numbers for things that are told apart by a 64-bit hash: the same thing, the same number.
 * Bounded: when full it forgets everything, and things get new numbers.
 */
#ifndef TARGET_PROBES_INTERN_H
#define TARGET_PROBES_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intern {
	struct intern_slot {
		uint64_t hash; /* 0: free */
		uint32_t number;
	} * slot;
	size_t size, used; /* size: a power of two */
};

/* 0 or -ENOMEM. size: a power of two; three quarters of it are used. */
int intern_init(struct intern *t, size_t size);
void intern_free(struct intern *t);

/* The number of a hash, or false. */
bool intern_find(const struct intern *t, uint64_t hash, uint32_t *number);
void intern_set(struct intern *t, uint64_t hash, uint32_t number);

/* Continue a hash (start with 0) over some bytes. */
uint64_t intern_hash(uint64_t hash, const void *bytes, size_t n);

#endif
