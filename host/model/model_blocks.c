/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Blocks into one stream of events a session: repeats out, holes found, events by time.
 *
 * Event indexes say exactly where events are missing. Events between two holes are an *epoch*; each
 * event carries its epoch, because times alone could not tell on which side of a hole an event near
 * its edge stands.
 */
#include "host/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"

static int block_order(const void *pa, const void *pb)
{
	const struct block *a = pa, *b = pb;

	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	if (a->first_index != b->first_index)
		return a->first_index < b->first_index ? -1 : 1;
	if (a->decoded != b->decoded)
		return a->decoded ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int add_gap(struct load *l, const struct gap *gap)
{
	struct gap *gaps = grow_array(l->gaps, &l->cap_gaps, l->n_gaps + 1, sizeof(*gaps));

	if (!gaps)
		return -ENOMEM;
	l->gaps = gaps;
	gaps[l->n_gaps++] = *gap;
	return 0;
}

static int end_epoch(struct load_session *s, uint64_t end_ns)
{
	uint64_t *ends =
		grow_array(s->epoch_end_ns, &s->cap_epochs, s->n_epochs + 1, sizeof(*ends));

	if (!ends)
		return -ENOMEM;
	s->epoch_end_ns = ends;
	ends[s->n_epochs++] = end_ns;
	return 0;
}

/* Holes whose far edge was not known yet end where events go on. */
static void close_gaps(struct load *l, size_t from, uint64_t until_ns)
{
	for (size_t i = from; i < l->n_gaps; i++) {
		struct gap *g = &l->gaps[i];

		g->last_ns = until_ns;
		if (g->first_ns > g->last_ns) { /* the edges of two blocks may overlap a little */
			g->last_ns = g->first_ns;
			g->first_ns = until_ns;
		}
	}
}

/* Walk a session's blocks in index order. Blocks that are repeats get count 0; the others get their
 * epoch in `order`. */
static int number_session(struct load *l, struct block *blocks, size_t n, uint8_t index)
{
	struct load_session *s = &l->sessions[index];
	struct model_session *ms = &l->m->sessions[index];
	struct ledger_totals totals;
	uint64_t cover = 0, last_ns = 0;
	size_t gaps_from = l->n_gaps;
	bool any = false;
	int err;

	if (ms->has_hello && !ms->hello.replay)
		last_ns = ms->hello.start_ns;
	for (size_t i = 0; i < n; i++) {
		struct block *b = &blocks[i];

		if (b->first_index < cover) {
			b->count = 0;
			continue;
		}
		if (b->first_index > cover) {
			err = add_gap(l, &(struct gap){.count = b->first_index - cover,
						 .first_index = cover,
						 .first_ns = last_ns,
						 .session = index});
			if (err)
				return err;
		}
		cover = b->first_index + b->count;
		if (b->broken)
			ledger_seen(&s->book, b->first_index, b->count);
		else
			ledger_block(&s->book, b->first_index, b->count, b->decoded);
		if (!b->decoded) {
			err = add_gap(l, &(struct gap){.count = b->count,
						 .first_index = b->first_index,
						 .first_ns = last_ns,
						 .session = index,
						 .undecodable = !b->broken});
			if (err)
				return err;
			continue;
		}
		if (any && l->n_gaps > gaps_from) {
			err = end_epoch(s, last_ns);
			if (err)
				return err;
		}
		close_gaps(l, gaps_from, b->first_ns);
		gaps_from = l->n_gaps;
		b->order = (uint32_t)s->n_epochs;
		if (!any || b->first_ns < ms->first_ns)
			ms->first_ns = b->first_ns;
		if (b->last_ns > last_ns || !any)
			last_ns = b->last_ns;
		ms->last_ns = last_ns;
		any = true;
	}
	ms->delivered = s->book.delivered;
	ledger_totals(&s->book, &totals);
	if (s->book.has_status && s->book.status.taken > cover &&
		s->book.status.taken <= UINT64_MAX / 4) {
		err = add_gap(l, &(struct gap){.count = s->book.status.taken - cover,
					 .first_index = cover,
					 .first_ns = last_ns,
					 .session = index});
		if (err)
			return err;
	}
	/* Nothing follows: a hole at the end reaches as far as the board is known to have lived. */
	close_gaps(l, gaps_from,
		ms->has_hello && !ms->hello.replay && s->last_status_ns > last_ns
			? s->last_status_ns
			: last_ns);
	return any ? end_epoch(s, last_ns) : 0;
}

struct placing {
	size_t at[256]; /* by CPU: where the next event of a session goes */
};

/* Copy a session's events to dst, CPU after CPU, in index order within each. */
static size_t place_session(
	const struct load *l, const struct block *blocks, size_t n, struct model_event *dst)
{
	struct placing p = {{0}};
	size_t sum = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			const struct block *b = &blocks[i];
			const struct model_event *e;

			if (!b->decoded)
				continue;
			e = l->m->events + b->event_from;
			for (uint32_t k = 0; k < b->count; k++) {
				if (!pass) {
					p.at[e[k].cpu]++;
					continue;
				}
				struct model_event *to = &dst[p.at[e[k].cpu]++];

				*to = e[k];
				to->epoch = (uint16_t)b->order;
			}
		}
		for (size_t cpu = 0; !pass && cpu < 256; cpu++) {
			size_t here = p.at[cpu];

			p.at[cpu] = sum;
			sum += here;
		}
	}
	return sum;
}

void load_blocks_sort(struct load *l)
{
	for (size_t i = 1; i < l->n_blocks; i++) {
		if (block_order(&l->blocks[i - 1], &l->blocks[i]) > 0) {
			qsort(l->blocks, l->n_blocks, sizeof(*l->blocks), block_order);
			break;
		}
	}
}

int load_blocks_finish(struct load *l)
{
	struct model *m = l->m;
	struct model_event *placed;
	struct block *blocks;
	size_t n_placed = 0, n;
	int err = 0;

	err = load_blocks_decode(l);
	if (err)
		return err;
	load_blocks_sort(l); /* of two alike the one that could be decoded first */
	placed = malloc((m->n_events ? m->n_events : 1) * sizeof(*placed));
	if (!placed)
		return -ENOMEM;
	for (size_t s = 0, from = 0; s < m->n_sessions && !err; s++, from += n) {
		for (n = 0; from + n < l->n_blocks && l->blocks[from + n].session == s; n++)
			;
		blocks = n ? l->blocks + from : NULL;
		err = number_session(l, blocks, n, (uint8_t)s);
		if (!err)
			n_placed += place_session(l, blocks, n, placed + n_placed);
	}
	free(m->events);
	m->events = placed;
	m->n_events = n_placed;
	free(l->blocks);
	l->blocks = NULL;
	l->n_blocks = 0;
	for (size_t s = 0, from = 0; s < m->n_sessions && !err; s++, from += n) {
		n = (size_t)m->sessions[s].delivered;
		err = load_events_sort(m->events + from, n);
	}
	return err;
}
