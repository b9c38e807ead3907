/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/views/memory_account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/grow.h"
#include "host/trace/ledger.h"

_Static_assert(sizeof(((ayaprof_Sample *)0)->memory) == sizeof(((struct memory_last *)0)->of),
	"a sample has one entry a type");

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void memory_balance_of(struct memory_balance *b, const ayaprof_MemorySample *s)
{
	*b = (struct memory_balance){
		.alloc_bytes = s->alloc_bytes,
		.alloc_count = s->alloc_count,
		.free_bytes = s->free_bytes,
		.free_count = s->free_count,
		.gone_bytes = s->gone_bytes,
		.gone_count = s->gone_count,
		.outstanding_bytes = minus(minus(s->alloc_bytes, s->free_bytes), s->gone_bytes),
		.outstanding_count = minus(minus(s->alloc_count, s->free_count), s->gone_count),
		.untracked_bytes = s->untracked_bytes,
		.untracked_count = s->untracked,
	};
}

static void add(struct memory_balance *to, const struct memory_balance *b)
{
	to->alloc_bytes = ledger_add(to->alloc_bytes, b->alloc_bytes);
	to->alloc_count = ledger_add(to->alloc_count, b->alloc_count);
	to->free_bytes = ledger_add(to->free_bytes, b->free_bytes);
	to->free_count = ledger_add(to->free_count, b->free_count);
	to->gone_bytes = ledger_add(to->gone_bytes, b->gone_bytes);
	to->gone_count = ledger_add(to->gone_count, b->gone_count);
	to->outstanding_bytes = ledger_add(to->outstanding_bytes, b->outstanding_bytes);
	to->outstanding_count = ledger_add(to->outstanding_count, b->outstanding_count);
	to->untracked_bytes = ledger_add(to->untracked_bytes, b->untracked_bytes);
	to->untracked_count = ledger_add(to->untracked_count, b->untracked_count);
}

int memory_samples_take(struct memory_samples *m, uint16_t session, const ayaprof_Sample *s)
{
	struct memory_last *last;
	size_t before = m->n;

	if (!s->memory_count)
		return 0;
	if (session >= m->n) {
		last = grow_array(m->last, &m->cap, session + 1u, sizeof(*last));
		if (!last)
			return -ENOMEM;
		m->last = last;
		m->n = session + 1u;
		memset(last + before, 0, (m->n - before) * sizeof(*last));
	}
	last = &m->last[session];
	if (last->n && s->t_ns < last->t_ns)
		return 0;
	last->t_ns = s->t_ns;
	last->n = s->memory_count;
	memcpy(last->of, s->memory, sizeof(last->of));
	return 0;
}

void memory_samples_free(struct memory_samples *m)
{
	free(m->last);
	*m = (struct memory_samples){0};
}

static void add_sample(struct memory_account *b, const ayaprof_MemorySample *of)
{
	struct memory_balance balance;

	if (of->type >= MEMORY_TYPES)
		return;
	memory_balance_of(&balance, of);
	add(&b->type[of->type], &balance);
	add(&b->total, &balance);
	b->known = true;
	b->unseen |= of->unseen;
	if (of->one_in > b->one_in)
		b->one_in = of->one_in;
}

void memory_account(struct memory_account *b, const struct memory_samples *m)
{
	*b = (struct memory_account){.one_in = 1};
	for (size_t i = 0; i < m->n; i++)
		for (pb_size_t k = 0; k < m->last[i].n; k++)
			add_sample(b, &m->last[i].of[k]);
	b->estimate = b->one_in > 1 || b->unseen;
}

const char *memory_account_doubts(char *dst, size_t cap, uint32_t one_in, uint32_t unseen)
{
	static const struct {
		uint32_t bit;
		const char *text;
	} ways[] = {
		{AYP_UNSEEN_BULK, "frees in bulk"},
		{AYP_UNSEEN_RCU, "kfree_rcu"},
		{AYP_UNSEEN_SHEAF, "kfree_rcu into sheaves"},
	};
	bool some = false;
	size_t n = 0;

	dst[0] = '\0';
	if (one_in > 1)
		n += (size_t)snprintf(dst, cap, "an estimate: 1 address in %u is followed", one_in);
	if (unseen & AYP_UNSEEN_TABLE && n < cap)
		n += (size_t)snprintf(dst + n, cap - n,
			"%stoo low: the table of allocations was full", n ? "; " : "");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && n < cap; i++) {
		/* Where no kfree_rcu is seen its kinds are no news. */
		if (!(unseen & ways[i].bit) ||
			(ways[i].bit == AYP_UNSEEN_SHEAF && unseen & AYP_UNSEEN_RCU))
			continue;
		n += (size_t)snprintf(dst + n, cap - n, "%s%s",
			some ? " and "
			: n  ? "; not seen: "
			     : "not seen: ",
			ways[i].text);
		some = true;
	}
	return dst;
}
