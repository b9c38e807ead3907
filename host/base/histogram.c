/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/histogram.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define CELL_BITS  9u
#define OCTAVES    (64u - CELL_BITS)
#define PAGE_CELLS 64u
/* Of the first octave twice as many: the values below HISTOGRAM_CELLS are in front. */
#define PAGES (2 * HISTOGRAM_CELLS / PAGE_CELLS)
_Static_assert(HISTOGRAM_CELLS == 1u << CELL_BITS, "the bits say how many");

struct histogram_page {
	uint32_t count[PAGE_CELLS];
	uint32_t *high; /* the upper halves of counts; NULL: all 0 */
};

struct histogram_octave {
	struct histogram_page *page[PAGES];
};

/* Values of an octave have `shift` bits that do not count. */
static unsigned int octave_of(uint64_t value)
{
	return value < 2 * HISTOGRAM_CELLS ? 0
					   : 63u - CELL_BITS - (unsigned int)__builtin_clzll(value);
}

static void *take(size_t n, size_t size, size_t *budget)
{
	void *p = n * size > *budget ? NULL : calloc(n, size);

	if (p)
		*budget -= n * size;
	return p;
}

static struct histogram_page *find_page(
	struct histogram *h, unsigned int octave, size_t page, size_t *budget)
{
	struct histogram_octave **o;

	if (!h->octave)
		h->octave = take(OCTAVES, sizeof(*h->octave), budget);
	if (!h->octave)
		return NULL;
	o = &h->octave[octave];
	if (!*o)
		*o = take(1, sizeof(**o), budget);
	if (*o && !(*o)->page[page])
		(*o)->page[page] = take(1, sizeof(struct histogram_page), budget);
	return *o ? (*o)->page[page] : NULL;
}

static bool count_one(struct histogram_page *page, size_t cell, size_t *budget)
{
	if (page->count[cell] == UINT32_MAX) {
		if (!page->high)
			page->high = take(PAGE_CELLS, sizeof(*page->high), budget);
		if (!page->high)
			return false;
		page->high[cell]++;
	}
	page->count[cell]++;
	return true;
}

void histogram_add(struct histogram *h, uint64_t value, size_t *budget)
{
	unsigned int octave = octave_of(value);
	size_t cell = (size_t)(value >> octave);
	struct histogram_page *page = find_page(h, octave, cell / PAGE_CELLS, budget);

	if (page && count_one(page, cell % PAGE_CELLS, budget))
		h->n++;
	else
		h->left_out++;
}

static uint64_t count_of(const struct histogram_page *page, size_t cell)
{
	return page->count[cell] + (page->high ? (uint64_t)page->high[cell] << 32 : 0);
}

static uint64_t middle(unsigned int octave, size_t cell)
{
	return ((uint64_t)cell << octave) + ((UINT64_C(1) << octave) - 1) / 2;
}

uint64_t histogram_quantile(const struct histogram *h, unsigned int percent)
{
	uint64_t rank, seen = 0;

	assert(percent >= 1 && percent <= 100 && !h->left_out);
	if (!h->n)
		return 0;
	/* n * percent / 100, rounded up, of any n. */
	rank = h->n / 100 * percent + (h->n % 100 * percent + 99) / 100;
	for (unsigned int octave = 0; octave < OCTAVES; octave++) {
		const struct histogram_octave *o = h->octave[octave];

		for (size_t i = 0; o && i < PAGES * PAGE_CELLS; i++) {
			const struct histogram_page *page = o->page[i / PAGE_CELLS];

			seen += page ? count_of(page, i % PAGE_CELLS) : 0;
			if (seen >= rank)
				return middle(octave, i);
		}
	}
	return 0;
}

void histogram_free(struct histogram *h)
{
	for (size_t i = 0; h->octave && i < OCTAVES; i++) {
		for (size_t k = 0; h->octave[i] && k < PAGES; k++) {
			if (h->octave[i]->page[k])
				free(h->octave[i]->page[k]->high);
			free(h->octave[i]->page[k]);
		}
		free(h->octave[i]);
	}
	free(h->octave);
	*h = (struct histogram){0};
}
