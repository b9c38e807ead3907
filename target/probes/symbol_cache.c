/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/symbol_cache.h"

#include <stdlib.h>
#include <string.h>

/* A process may have loaded something, or executed another program, since. */
#define VALID_NS 1000000000u

void symbol_cache_free(struct symbol_cache *c)
{
	free(c->function);
	memset(c, 0, sizeof(*c));
}

/* ---- processes ------------------------------------------------------------------------------ */

static struct symbol_process *find_process(struct symbol_cache *c, uint32_t tgid)
{
	for (size_t i = 0; i < SYMBOL_CACHE_PROCESSES; i++)
		if (c->process[i].checked_ns && c->process[i].tgid == tgid)
			return &c->process[i];
	return NULL;
}

static struct symbol_process *fresh_process(struct symbol_cache *c, uint32_t tgid, uint64_t now)
{
	struct symbol_process *p = find_process(c, tgid);

	return p && now - p->checked_ns < VALID_NS ? p : NULL;
}

/* The process's place; the one looked at longest ago gives way. */
static struct symbol_process *place_for(struct symbol_cache *c, uint32_t tgid)
{
	struct symbol_process *p = find_process(c, tgid);

	if (p)
		return p;
	p = &c->process[0];
	for (size_t i = 1; i < SYMBOL_CACHE_PROCESSES; i++)
		if (c->process[i].checked_ns < p->checked_ns)
			p = &c->process[i];
	*p = (struct symbol_process){.tgid = tgid};
	return p;
}

static struct symbol_mapping *mapping_of(struct symbol_process *p, uint64_t address)
{
	size_t n = p->n < SYMBOL_CACHE_MAPPINGS ? p->n : SYMBOL_CACHE_MAPPINGS;

	for (size_t i = 0; i < n; i++)
		if (address >= p->mapping[i].start && address < p->mapping[i].end)
			return &p->mapping[i];
	return NULL;
}

/* ---- files and functions -------------------------------------------------------------------- */

static uint32_t file_number(struct symbol_cache *c, const struct symbol_file *file)
{
	for (uint32_t i = 0; i < c->n_files; i++)
		if (!memcmp(&c->file[i], file, sizeof(*file)))
			return i + 1;
	if (c->n_files == SYMBOL_CACHE_FILES)
		return 0;
	c->file[c->n_files++] = *file;
	return c->n_files;
}

/* Numbers of files stand in mappings, so these go as well. */
static void forget_files(struct symbol_cache *c)
{
	c->n_files = 0;
	c->n_functions = 0;
	for (size_t i = 0; i < SYMBOL_CACHE_PROCESSES; i++)
		c->process[i].n = 0;
}

/* How many functions begin at or before a place, those of smaller files included. */
static size_t up_to(const struct symbol_cache *c, uint32_t file, uint64_t place)
{
	size_t lo = 0, hi = c->n_functions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct symbol_function *f = &c->function[mid];

		if (f->file < file || (f->file == file && f->begin <= place))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct symbol_function *function_at(
	const struct symbol_cache *c, uint32_t file, uint64_t place)
{
	size_t n = up_to(c, file, place);
	const struct symbol_function *f = n ? &c->function[n - 1] : NULL;

	return f && f->file == file && place < f->end ? f : NULL;
}

static bool room(struct symbol_cache *c)
{
	size_t cap = c->cap_functions ? 2 * c->cap_functions : 256;
	struct symbol_function *grown;

	if (c->n_functions < c->cap_functions)
		return true;
	grown = realloc(c->function, cap * sizeof(*grown));
	if (!grown)
		return false;
	c->function = grown;
	c->cap_functions = cap;
	return true;
}

/* Between its neighbours: two answers about a file that changes may overlap. */
static void put_function(struct symbol_cache *c, struct symbol_function f, uint64_t place)
{
	size_t at = up_to(c, f.file, place);
	const struct symbol_function *before = at ? &c->function[at - 1] : NULL;

	if (before && before->file == f.file && before->end > place)
		return;
	if (before && before->file == f.file && before->end > f.begin)
		f.begin = before->end;
	if (at < c->n_functions && c->function[at].file == f.file && c->function[at].begin < f.end)
		f.end = c->function[at].begin;
	if (c->n_functions == SYMBOL_CACHE_FUNCTIONS || !room(c))
		return;
	memmove(&c->function[at + 1], &c->function[at],
		(c->n_functions - at) * sizeof(c->function[0]));
	c->function[at] = f;
	c->n_functions++;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void put_mapping(struct symbol_process *p, const struct symbol_answer *a, uint64_t address,
	uint32_t file, uint32_t symbol)
{
	struct symbol_mapping *m = mapping_of(p, address);

	if (!m)
		m = &p->mapping[p->n++ % SYMBOL_CACHE_MAPPINGS];
	/* One that is there may have got other contents. */
	*m = (struct symbol_mapping){a->start, a->end, a->offset, file, symbol};
}

void symbol_cache_put(struct symbol_cache *c, const struct symbol_question *q,
	const struct symbol_answer *a, uint32_t symbol, uint64_t now)
{
	struct symbol_process *p;
	uint32_t file = 0;

	if (a->kind != SYMBOL_GONE && a->kind != SYMBOL_NO_FILE) {
		file = file_number(c, &a->file);
		if (!file || c->n_functions == SYMBOL_CACHE_FUNCTIONS) {
			forget_files(c);
			file = file_number(c, &a->file);
		}
		put_function(c, (struct symbol_function){file, symbol, a->begin, a->finish},
			q->address - a->start + a->offset);
	}
	p = place_for(c, q->tgid);
	p->checked_ns = now;
	p->gone = a->kind == SYMBOL_GONE;
	if (p->gone) {
		p->unknown = symbol;
		return;
	}
	if (p->layout != a->layout)
		p->n = 0;
	p->layout = a->layout;
	put_mapping(p, a, q->address, file, symbol);
}

uint32_t symbol_cache_find(struct symbol_cache *c, uint32_t tgid, uint64_t address, uint64_t now)
{
	struct symbol_process *p = fresh_process(c, tgid, now);
	const struct symbol_mapping *m = p ? mapping_of(p, address) : NULL;
	const struct symbol_function *f;

	if (m && !m->file)
		return m->symbol;
	f = m ? function_at(c, m->file, address - m->start + m->offset) : NULL;
	if (f)
		return f->symbol;
	return p && p->gone ? p->unknown : 0;
}

uint64_t symbol_cache_layout(struct symbol_cache *c, uint32_t tgid, uint64_t now)
{
	const struct symbol_process *p = fresh_process(c, tgid, now);

	return p ? p->layout : 0;
}
