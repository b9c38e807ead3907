/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Events by time, stable. What comes in is a handful of ascending stretches (one a CPU) with a few
 * events a little out of place, so: move those back in place, then merge what ascends. O(n) for
 * each doubling of the number of stretches, O(n log n) whatever the input.
 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far back an event is looked for a place: an interrupt between reserving a record and reading
 * the clock displaces an event by what the interrupt recorded. */
#define NEAR 64u

static void settle_near(struct model_event *e, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct model_event x = e[i];
		size_t j = i;

		if (e[i - 1].t_ns <= x.t_ns)
			continue;
		while (j > 0 && i - j < NEAR && e[j - 1].t_ns > x.t_ns)
			j--;
		if (j > 0 && e[j - 1].t_ns > x.t_ns)
			continue;
		memmove(&e[j + 1], &e[j], (i - j) * sizeof(*e));
		e[j] = x;
	}
}

/* Merge a[0..na) and b[0..nb) to dst; equal times: a first. */
static void merge(struct model_event *dst, const struct model_event *a, size_t na,
	const struct model_event *b, size_t nb)
{
	while (na && nb) {
		if (b->t_ns < a->t_ns) {
			*dst++ = *b++;
			nb--;
		} else {
			*dst++ = *a++;
			na--;
		}
	}
	memcpy(dst, na ? a : b, (na ? na : nb) * sizeof(*dst));
}

/* Ends of ascending stretches of e[0..n), ascending; *ends is the caller's to free. */
static int find_runs(const struct model_event *e, size_t n, size_t **ends, size_t *n_runs)
{
	size_t count = 1;

	for (size_t i = 1; i < n; i++)
		count += e[i].t_ns < e[i - 1].t_ns;
	*ends = malloc(count * sizeof(**ends));
	if (!*ends)
		return -ENOMEM;
	*n_runs = 0;
	for (size_t i = 1; i < n; i++) {
		if (e[i].t_ns < e[i - 1].t_ns)
			(*ends)[(*n_runs)++] = i;
	}
	(*ends)[(*n_runs)++] = n;
	return 0;
}

int load_events_sort(struct model_event *events, size_t n)
{
	struct model_event *other, *from = events, *to;
	size_t *ends, n_runs;
	int err;

	if (n < 2)
		return 0;
	settle_near(events, n);
	err = find_runs(events, n, &ends, &n_runs);
	if (err)
		return err;
	if (n_runs == 1) {
		free(ends);
		return 0;
	}
	other = malloc(n * sizeof(*other));
	if (!other) {
		free(ends);
		return -ENOMEM;
	}
	to = other;
	while (n_runs > 1) {
		size_t at = 0, left = 0;
		struct model_event *swap = from;

		for (size_t i = 0; i < n_runs; i += 2) {
			size_t mid = ends[i], end = i + 1 < n_runs ? ends[i + 1] : mid;

			merge(to + at, from + at, mid - at, from + mid, end - mid);
			at = end;
			ends[left++] = end;
		}
		n_runs = left;
		from = to;
		to = swap;
	}
	if (from != events)
		memcpy(events, from, n * sizeof(*events));
	free(other);
	free(ends);
	return 0;
}
