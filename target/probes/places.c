/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/places.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* At two buckets a place every second factor fits 500 places, every fifth 4096. */
#define TRIES 1000u
#define MANY  4096u

size_t places_buckets(size_t n)
{
	size_t buckets = 2;

	/* Of more than that no factor would be found that fits. */
	while (buckets < (n > MANY ? 4 : 2) * n)
		buckets *= 2;
	return buckets;
}

static uint32_t shift_of(size_t buckets)
{
	uint32_t shift = 32;

	for (; buckets > 1; buckets /= 2)
		shift--;
	return shift;
}

static bool put(struct ayp_place_bucket *b, const struct place *p)
{
	for (size_t i = 0; i < AYP_PLACES_IN_BUCKET; i++)
		if (!b->low[i]) {
			b->low[i] = p->low;
			b->func[i] = p->func;
			return true;
		}
	return false;
}

static bool fill(struct ayp_place_bucket *bucket, size_t buckets, const struct place *place,
	size_t n, uint32_t factor, uint32_t shift)
{
	memset(bucket, 0, buckets * sizeof(*bucket));
	for (size_t i = 0; i < n; i++)
		if (!put(&bucket[(place[i].low * factor) >> shift], &place[i]))
			return false;
	return true;
}

int places_fill(struct ayp_place_bucket *bucket, size_t buckets, const struct place *place,
	size_t n, uint32_t *factor, uint32_t *shift)
{
	uint32_t candidate = 2654435769u; /* 2^32 / golden ratio: Knuth, TAOCP 6.4 */

	*shift = shift_of(buckets);
	for (unsigned int i = 0; i < TRIES; i++) {
		if (fill(bucket, buckets, place, n, candidate, *shift)) {
			*factor = candidate;
			return 0;
		}
		candidate = candidate * 1664525u + 1013904223u;
		candidate |= 1;
	}
	return -ENOSPC;
}

int64_t places_find(
	const struct ayp_place_bucket *bucket, uint32_t factor, uint32_t shift, uint32_t low)
{
	const struct ayp_place_bucket *b = &bucket[(low * factor) >> shift];

	for (size_t i = 0; i < AYP_PLACES_IN_BUCKET; i++)
		if (b->low[i] == low)
			return b->func[i];
	return -1;
}
