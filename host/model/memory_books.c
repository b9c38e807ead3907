/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/model/memory_books.h"

#include <stdio.h>
#include <string.h>

#include "host/trace/ledger.h"

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void memory_book_of(struct memory_book *b, const ayaprof_MemorySample *s)
{
	*b = (struct memory_book){
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

static void add(struct memory_book *to, const struct memory_book *b)
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

static void add_sample(struct memory_books *b, const ayaprof_Sample *s)
{
	for (pb_size_t i = 0; i < s->memory_count; i++) {
		const ayaprof_MemorySample *of = &s->memory[i];
		struct memory_book book;

		if (of->type >= MEMORY_TYPES)
			continue;
		memory_book_of(&book, of);
		add(&b->type[of->type], &book);
		add(&b->total, &book);
		b->known = true;
		b->unseen |= of->unseen;
		if (of->one_in > b->one_in)
			b->one_in = of->one_in;
	}
}

void memory_books(struct memory_books *b, const struct model *m)
{
	bool have = false;

	*b = (struct memory_books){.one_in = 1};
	/* From the end: the first one of a session is its last. */
	for (size_t i = m->n_samples; i-- > 0;) {
		if (i + 1 == m->n_samples || m->sample_session[i] != m->sample_session[i + 1])
			have = false;
		if (have || !m->samples[i].memory_count)
			continue;
		add_sample(b, &m->samples[i]);
		have = true;
	}
	b->estimate = b->one_in > 1 || b->unseen;
}

const char *memory_books_doubts(char *dst, size_t cap, uint32_t one_in, uint32_t unseen)
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
