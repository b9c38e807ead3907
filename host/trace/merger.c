/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/merger.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define NO_SLOT   UINT32_MAX
#define MAX_SLOTS UINT32_MAX

/* Room for some blocks behind the window: what waits moves to the front once in so many. */
#define FIRST_CAP ((size_t)MERGER_WINDOW * 4)

void merger_init(struct merger *m, const struct trace_memory *mem)
{
	*m = (struct merger){.mem = mem, .free_slot = NO_SLOT};
}

void merger_free(struct merger *m)
{
	trace_release(m->mem, m->waiting);
	trace_release(m->mem, m->slots);
	merger_init(m, m->mem);
}

/* Room for n more behind what waits. */
static int make_room(struct merger *m, size_t n)
{
	size_t need = m->n + n;
	struct stage_event *w;

	if (m->from + need <= m->cap)
		return 0;
	if (m->from && (need <= m->cap / 2 || m->n <= MERGER_WINDOW)) {
		memmove(m->waiting, m->waiting + m->from, m->n * sizeof(*m->waiting));
		m->from = 0;
		if (need <= m->cap)
			return 0;
	}
	need += m->from;
	w = trace_grow(m->mem, m->waiting, &m->cap, need < FIRST_CAP ? FIRST_CAP : need,
		sizeof(*m->waiting));
	if (!w)
		return -ENOMEM;
	m->waiting = w;
	return 0;
}

/* Slots for the arguments of n more events: at the end, so that they need not be counted again. */
static int make_slots(struct merger *m, const struct stage_event *e, size_t n)
{
	size_t with = 0, cap = m->cap_slots;
	uint64_t *slots;

	for (size_t i = 0; i < n; i++)
		with += stage_nargs(&e[i]) != 0;
	if (!with)
		return 0;
	if (m->n_slots + with >= MAX_SLOTS)
		return -ENOMEM;
	slots = trace_grow(
		m->mem, m->slots, &cap, m->n_slots + with, AYP_EVENT_MAX_ARGS * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	m->slots = slots;
	m->cap_slots = cap;
	return 0;
}

static uint32_t keep_args(struct merger *m, const uint64_t *args, unsigned int n)
{
	uint32_t at = m->free_slot;
	uint64_t *slot;

	assert(n <= AYP_EVENT_MAX_ARGS);
	if (at == NO_SLOT)
		at = (uint32_t)m->n_slots++;
	slot = m->slots + (size_t)at * AYP_EVENT_MAX_ARGS;
	if (at == m->free_slot)
		m->free_slot = (uint32_t)slot[0];
	memcpy(slot, args, n * sizeof(*slot));
	return at;
}

static void drop_args(struct merger *m, uint32_t at)
{
	m->slots[(size_t)at * AYP_EVENT_MAX_ARGS] = m->free_slot;
	m->free_slot = at;
}

static struct stage_event kept(struct merger *m, const struct stage_event *e, const uint64_t *args)
{
	struct stage_event k = *e;

	if (stage_nargs(e))
		k.args = keep_args(m, args + e->args, stage_nargs(e));
	return k;
}

int merger_add(struct merger *m, const struct stage_event *e, size_t n, const uint64_t *args)
{
	struct stage_event *w, *to;
	size_t left = m->n;
	int err;

	if (!n)
		return 0;
	err = make_room(m, n);
	if (!err)
		err = make_slots(m, e, n);
	if (err)
		return err;
	w = m->waiting + m->from;
	to = w + m->n + n;
	m->n += n;
	/* From the end: only what of both overlaps is compared and moved. */
	while (n) {
		if (left && stage_before(&e[n - 1], &w[left - 1])) {
			*--to = w[--left];
		} else {
			assert(n < 2 || !stage_before(&e[n - 1], &e[n - 2]));
			*--to = kept(m, &e[--n], args);
		}
	}
	return 0;
}

void merger_take(struct merger *m, bool flush, merger_give *give, void *ctx)
{
	size_t window = flush ? 0 : MERGER_WINDOW;

	while (m->n && (m->n > window || m->waiting[m->from].t_ns < m->given_ns)) {
		struct stage_event e = m->waiting[m->from++];
		bool late = e.t_ns < m->given_ns;
		unsigned int nargs = stage_nargs(&e);

		m->n--;
		if (!late)
			m->given_ns = e.t_ns;
		give(ctx, &e, nargs ? m->slots + (size_t)e.args * AYP_EVENT_MAX_ARGS : NULL, late);
		if (nargs)
			drop_args(m, e.args);
	}
	if (!m->n)
		m->from = 0;
}

uint64_t merger_watermark(const struct merger *m)
{
	return m->given_ns;
}

/* ---- one block ------------------------------------------------------------------------------ */

/* How far back an event is looked for a place: an interrupt between reserving a record and reading
 * the clock displaces an event by what the interrupt recorded. */
#define NEAR 32u

static void settle_near(struct stage_event *e, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct stage_event x = e[i];
		size_t j = i;

		while (j > 0 && i - j < NEAR && stage_before(&x, &e[j - 1]))
			j--;
		if (j == i || (j > 0 && stage_before(&x, &e[j - 1])))
			continue;
		memmove(&e[j + 1], &e[j], (i - j) * sizeof(*e));
		e[j] = x;
	}
}

/* How many from e[0] on ascend. */
static size_t ascending(const struct stage_event *e, size_t n)
{
	size_t i = 1;

	while (i < n && !stage_before(&e[i], &e[i - 1]))
		i++;
	return i < n ? i : n;
}

/* Merge a[0..na) and a[na..na + nb) to dst; equal ones: the first half's first. */
static void merge(struct stage_event *dst, const struct stage_event *a, size_t na, size_t nb)
{
	const struct stage_event *b = a + na;

	while (na && nb) {
		if (stage_before(b, a)) {
			*dst++ = *b++;
			nb--;
		} else {
			*dst++ = *a++;
			na--;
		}
	}
	memcpy(dst, na ? a : b, (na ? na : nb) * sizeof(*dst));
}

void merger_sort(struct stage_event *e, size_t n, struct stage_event *scratch)
{
	struct stage_event *from = e, *to = scratch;

	if (ascending(e, n) == n)
		return;
	settle_near(e, n);
	while (ascending(from, n) < n) {
		struct stage_event *swap = from;

		for (size_t at = 0; at < n;) {
			size_t na = ascending(from + at, n - at);
			size_t nb = at + na < n ? ascending(from + at + na, n - at - na) : 0;

			merge(to + at, from + at, na, nb);
			at += na + nb;
		}
		from = to;
		to = swap;
	}
	if (from != e)
		memcpy(e, from, n * sizeof(*e));
}
