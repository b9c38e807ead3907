/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/arrivals.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Bytes that may be moved in all: a second or so. A line that sends frames again moves a few runs. */
#define MOVES_MAX (UINT64_C(4) << 30)

void arrivals_init(struct arrivals *a, const struct trace_memory *mem)
{
	*a = (struct arrivals){.mem = mem, .sure_until = UINT64_MAX};
}

void arrivals_free(struct arrivals *a)
{
	trace_release(a->mem, a->run);
	arrivals_init(a, a->mem);
}

/* How many runs begin at `index` or before it. */
static size_t runs_until(const struct arrivals *a, uint64_t index)
{
	size_t lo = 0, hi = a->n;

	if (a->n && a->run[a->n - 1].first <= index)
		return a->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->run[mid].first <= index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The run of one block. */
static struct arrived run_of(
	uint64_t first_index, uint32_t count, uint32_t codec, const uint8_t *src, size_t len)
{
	struct arrived r = {.first = first_index, .end = first_index + count};
	uint32_t index;
	uint8_t group;

	if (!ayp_codec_known(codec))
		r.unknown = count;
	if (!ayp_block_place(codec, src, len, &group, &index))
		return r;
	r.chain = (struct ayp_block_chain){.next = index + 1, .group = group, .whole = true};
	if (index == 0) {
		r.begins = true;
	} else {
		r.prefix = count;
		r.needs = (struct ayp_block_chain){.next = index, .group = group, .whole = true};
	}
	return r;
}

static bool same_chain(const struct ayp_block_chain *a, const struct ayp_block_chain *b)
{
	return a->whole && b->whole && a->group == b->group && a->next == b->next;
}

/* Join `b`, which begins where `a` ends, to it. False: what b builds on is not what a ends with, or
 * the events of the prefix would not be the first ones any more. */
static bool join(struct arrived *a, const struct arrived *b)
{
	if (b->prefix && !same_chain(&a->chain, &b->needs))
		return false;
	if (b->prefix && !a->begins) {
		if (a->prefix != a->end - a->first)
			return false;
		a->prefix += b->prefix;
	}
	a->end = b->end;
	a->unknown += b->unknown;
	a->begins |= b->begins;
	if (b->begins || b->prefix)
		a->chain = b->chain;
	return true;
}

static void remove_run(struct arrivals *a, size_t at)
{
	size_t bytes = (a->n - at - 1) * sizeof(*a->run);

	memmove(&a->run[at], &a->run[at + 1], bytes);
	a->moved += bytes;
	a->n--;
}

static int insert_run(struct arrivals *a, size_t at, const struct arrived *r)
{
	size_t bytes = (a->n - at) * sizeof(*a->run);
	struct arrived *run;

	if (a->n == ARRIVALS_MAX || a->moved + bytes > MOVES_MAX) {
		if (r->first < a->sure_until)
			a->sure_until = r->first;
		return 1;
	}
	run = trace_grow(a->mem, a->run, &a->cap, a->n + 1, sizeof(*run));
	if (!run)
		return -ENOMEM;
	a->run = run;
	memmove(&run[at + 1], &run[at], bytes);
	a->moved += bytes;
	run[at] = *r;
	a->n++;
	return 1;
}

int arrivals_block(struct arrivals *a, uint64_t first_index, uint32_t count, uint32_t codec,
	const uint8_t *src, size_t len)
{
	size_t at = runs_until(a, first_index);
	struct arrived *before = at ? &a->run[at - 1] : NULL;
	struct arrived *behind = at < a->n ? &a->run[at] : NULL;
	struct arrived r;

	assert(ledger_block_possible(first_index, count));
	r = run_of(first_index, count, codec, src, len);
	if ((before && before->end > first_index) || (behind && behind->first < r.end))
		return 0;
	if (behind && behind->first == r.end && join(&r, behind)) {
		*behind = r;
		if (before && before->end == first_index && join(before, behind))
			remove_run(a, at);
		return 1;
	}
	if (before && before->end == first_index && join(before, &r))
		return 1;
	return insert_run(a, at, &r);
}

enum arrivals_answer arrivals_within(const struct arrivals *a, uint64_t first, uint64_t end)
{
	size_t at = runs_until(a, first);

	if (at && a->run[at - 1].end > first)
		return ARRIVALS_SOME;
	if (at < a->n && a->run[at].first < end)
		return ARRIVALS_SOME;
	return end > a->sure_until ? ARRIVALS_NOT_SURE : ARRIVALS_NONE;
}

bool arrivals_promised(const struct arrivals *a, uint64_t first_index)
{
	size_t at = runs_until(a, first_index);
	const struct arrived *r = at ? &a->run[at - 1] : NULL;

	return r && first_index < r->end && !(r->broken && first_index < r->first + r->prefix);
}

void arrivals_tell(struct arrivals *a, struct ledger *ledger)
{
	struct ayp_block_chain chain = {0};

	for (size_t i = 0; i < a->n; i++) {
		struct arrived *r = &a->run[i];
		bool broken = r->prefix && !same_chain(&chain, &r->needs);
		uint64_t prefix = broken ? r->prefix : 0;
		uint64_t sound = r->end - r->first - prefix - r->unknown;

		r->broken = broken;
		if (broken)
			ledger_seen(ledger, r->first, prefix);
		ledger_block(ledger, r->first + prefix, sound, true);
		ledger_block(ledger, r->first + prefix + sound, r->unknown, false);
		if (r->begins || (r->prefix && !broken))
			chain = r->chain;
	}
}
