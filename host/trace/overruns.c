/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/overruns.h"

void overruns_mark(struct overruns *o)
{
	o->marked = true;
	o->passed = 0;
}

void overruns_unmark(struct overruns *o)
{
	o->marked = false;
}

static void add(struct overruns *o, uint64_t first, uint64_t end)
{
	if (o->n == OVERRUNS_RANGES)
		return;
	o->range[o->n].first = first;
	o->range[o->n++].end = end;
	o->missing += end - first;
}

/* A first block tells of no gap: what was before it was before we listened. */
void overruns_came(struct overruns *o, uint64_t first_index, uint32_t count)
{
	uint64_t end = first_index + count;

	if (o->marked && o->any && first_index > o->end) {
		add(o, o->end, first_index);
		o->marked = false;
	} else if (o->marked && ++o->passed == OVERRUNS_PATIENCE) {
		o->marked = false;
	}
	o->any = true;
	if (end > o->end)
		o->end = end;
}

uint64_t overruns_within(const struct overruns *o, uint64_t first, uint64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < o->n; i++) {
		uint64_t from = o->range[i].first > first ? o->range[i].first : first;
		uint64_t to = o->range[i].end < end ? o->range[i].end : end;

		if (to > from)
			sum += to - from;
	}
	return sum;
}

void overruns_kept(struct overruns *o, uint64_t first_index, uint64_t count)
{
	uint64_t here = o->n ? overruns_within(o, first_index, first_index + count) : 0;

	o->missing -= here < o->missing ? here : o->missing;
}

/* Blocks one after the other: each extends a range that ends where it begins, unless it reaches into
 * the next one. What lies in a range is missing with it in any case. */
void overruns_broken(struct overruns *o, uint64_t first_index, uint64_t count)
{
	uint64_t end = first_index + count;

	for (size_t i = 0; i < o->n; i++) {
		uint64_t from = o->range[i].end, to = end;

		if (i + 1 < o->n && o->range[i + 1].first < to)
			to = o->range[i + 1].first;
		if (from < first_index || from >= end || to <= from)
			continue;
		o->range[i].end = to;
		o->missing += to - from;
	}
}
