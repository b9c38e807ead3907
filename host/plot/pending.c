/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/plot/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 65536u /* calls are numbered one by one: their last bits spread well */
#define NO_LINK UINT32_MAX

void plot_pending_free(struct plot_pending *p)
{
	free(p->link);
	free(p->bucket);
	memset(p, 0, sizeof(*p));
}

static uint32_t *bucket_of(const struct plot_pending *p, uint64_t call)
{
	return &p->bucket[call % BUCKETS];
}

static void drop(struct plot_pending *p, uint32_t at)
{
	struct plot_pending_link *l = &p->link[at];

	if (l->prev != NO_LINK)
		p->link[l->prev].next = l->next;
	else
		*bucket_of(p, l->call) = l->next == NO_LINK ? 0 : l->next + 1;
	if (l->next != NO_LINK)
		p->link[l->next].prev = l->prev;
	l->span = PLOT_NO_SPAN;
	l->next = p->free;
	p->free = at + 1;
}

static int grow(struct plot_pending *p)
{
	uint32_t cap = p->cap ? p->cap * 2 : 1024;
	struct plot_pending_link *more = realloc(p->link, cap * sizeof(*more));

	if (!more)
		return -ENOMEM;
	p->link = more;
	p->cap = cap;
	return 0;
}

int plot_pending_put(struct plot_pending *p, uint64_t call, uint32_t span)
{
	uint32_t at, *bucket;

	if (!p->bucket)
		p->bucket = calloc(BUCKETS, sizeof(*p->bucket));
	if (!p->bucket)
		return -ENOMEM;
	/* All in use: a hand that goes round takes the one it meets. */
	if (!p->free && p->n == PLOT_PENDING_MAX) {
		drop(p, p->oldest);
		p->oldest = (p->oldest + 1) % PLOT_PENDING_MAX;
	}
	if (p->free) {
		at = p->free - 1;
		p->free = p->link[at].next;
	} else {
		if (p->n == p->cap && grow(p))
			return -ENOMEM;
		at = p->n++;
	}
	bucket = bucket_of(p, call);
	p->link[at] =
		(struct plot_pending_link){call, span, *bucket ? *bucket - 1 : NO_LINK, NO_LINK};
	if (*bucket)
		p->link[*bucket - 1].prev = at;
	*bucket = at + 1;
	return 0;
}

uint32_t plot_pending_take(struct plot_pending *p, uint64_t call)
{
	uint32_t at = p->bucket && *bucket_of(p, call) ? *bucket_of(p, call) - 1 : NO_LINK, span;

	while (at != NO_LINK && p->link[at].call != call)
		at = p->link[at].next;
	if (at == NO_LINK)
		return PLOT_NO_SPAN;
	span = p->link[at].span;
	drop(p, at);
	return span;
}

void plot_pending_check(struct plot_pending *p, const struct plot_spans *spans)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->link[i].span != PLOT_NO_SPAN &&
			!(spans->span[p->link[i].span].flags & PLOT_SPAN_PENDING))
			drop(p, i);
}
