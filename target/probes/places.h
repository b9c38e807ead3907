/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which function begins at an address, in a table that a kernel program looks up in one cache line:
 * struct ayp_place_bucket (bpf/events.h).
 */
#ifndef TARGET_PROBES_PLACES_H
#define TARGET_PROBES_PLACES_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

struct place {
	uint32_t low;  /* half of the address; not 0, and nobody else's in the table */
	uint32_t func; /* id */
};

/* So many buckets, a power of two and at least 2, hold n places. */
size_t places_buckets(size_t n);

/* Fill `buckets` buckets and set factor and shift as programs need them. 0, or -ENOSPC: no factor
 * was found with which they fit (a low half that stands twice never does, five times). */
int places_fill(struct ayp_place_bucket *bucket, size_t buckets, const struct place *place,
	size_t n, uint32_t *factor, uint32_t *shift);

/* What a kernel program finds: an id, or -1. */
int64_t places_find(
	const struct ayp_place_bucket *bucket, uint32_t factor, uint32_t shift, uint32_t low);

#endif
