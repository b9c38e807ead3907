/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/symbol_blocks.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* Of a block before it is packed: larger ones pack better and take longer to look into. */
#define BLOCK 8192u
/* The longest entry: an address's difference and a name. */
#define ENTRY_MAX (10u + 512u)
/* deflate's memory while packing: 1 << (BITS + 2) and 1 << (LEVEL + 9). */
#define WINDOW_BITS  13
#define MEMORY_LEVEL 6
/* 6 packs a tenth better than 1, and takes 14 ms longer for 64,000 symbols on a PC. */
#define EFFORT    1
#define OWNER_MAX 64u

struct block {
	uint64_t first, lowest, highest; /* addresses in it */
	uint32_t at, packed, len;        /* bytes in `packed`, unpacked size */
	char owner[OWNER_MAX];
};

struct symbol_blocks {
	struct block *block;
	size_t n, cap;
	unsigned char *packed;
	size_t packed_len, packed_cap;
	z_stream z;
	bool packing;
	/* The block that is being filled, or the one that was looked into last. */
	unsigned char bytes[BLOCK];
	struct block open;
	uint64_t last;
	size_t unpacked; /* its number + 1; 0: none */
};

struct symbol_blocks *symbol_blocks_new(void)
{
	struct symbol_blocks *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->packing = deflateInit2(&s->z, EFFORT, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
			     Z_DEFAULT_STRATEGY) == Z_OK;
	if (s->packing)
		return s;
	symbol_blocks_free(s);
	return NULL;
}

void symbol_blocks_free(struct symbol_blocks *s)
{
	if (!s)
		return;
	if (s->packing)
		deflateEnd(&s->z);
	free(s->block);
	free(s->packed);
	free(s);
}

static void *room(void *array, size_t *cap, size_t want, size_t element)
{
	size_t more = *cap + *cap / 4 + 64;
	void *grown;

	if (want <= *cap)
		return array;
	if (more < want)
		more = want;
	grown = realloc(array, more * element);
	if (grown)
		*cap = more;
	return grown;
}

/* Pack the open block. */
static bool close_block(struct symbol_blocks *s)
{
	struct block *b;
	void *grown;
	size_t bound;

	if (!s->open.len)
		return true;
	grown = room(s->block, &s->cap, s->n + 1, sizeof(*s->block));
	if (!grown)
		return false;
	s->block = grown;
	bound = deflateBound(&s->z, s->open.len);
	grown = room(s->packed, &s->packed_cap, s->packed_len + bound, 1);
	if (!grown)
		return false;
	s->packed = grown;
	deflateReset(&s->z);
	s->z.next_in = s->bytes;
	s->z.avail_in = s->open.len;
	s->z.next_out = s->packed + s->packed_len;
	s->z.avail_out = (uInt)bound;
	if (deflate(&s->z, Z_FINISH) != Z_STREAM_END)
		return false;
	b = &s->block[s->n++];
	*b = s->open;
	b->at = (uint32_t)s->packed_len;
	b->packed = (uint32_t)(bound - s->z.avail_out);
	s->packed_len += b->packed;
	s->open.len = 0;
	return true;
}

static void put_number(struct symbol_blocks *s, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		s->bytes[s->open.len++] = (unsigned char)(v | 0x80);
	s->bytes[s->open.len++] = (unsigned char)v;
}

bool symbol_blocks_add(
	struct symbol_blocks *s, uint64_t address, const char *name, const char *owner)
{
	size_t n = strlen(name) + 1;
	int64_t step;

	if (!s->packing || n > ENTRY_MAX - 10 || strlen(owner) >= OWNER_MAX)
		return s->packing;
	if ((s->open.len + ENTRY_MAX > BLOCK || strcmp(owner, s->open.owner) != 0) &&
		!close_block(s))
		return false;
	if (!s->open.len) {
		s->open.first = s->open.lowest = s->open.highest = s->last = address;
		memcpy(s->open.owner, owner, strlen(owner) + 1);
	}
	if (address < s->open.lowest)
		s->open.lowest = address;
	if (address > s->open.highest)
		s->open.highest = address;
	/* Differences of either sign, small ones short. */
	step = (int64_t)(address - s->last);
	put_number(s, (uint64_t)step << 1 ^ (uint64_t)(step >> 63));
	memcpy(s->bytes + s->open.len, name, n);
	s->open.len += (uint32_t)n;
	s->last = address;
	return true;
}

bool symbol_blocks_seal(struct symbol_blocks *s)
{
	void *fit;

	if (!s->packing || !close_block(s))
		return false;
	deflateEnd(&s->z);
	s->packing = false;
	fit = realloc(s->packed, s->packed_len ? s->packed_len : 1);
	s->packed = fit ? fit : s->packed;
	fit = realloc(s->block, s->n ? s->n * sizeof(*s->block) : 1);
	s->block = fit ? fit : s->block;
	return true;
}

static bool unpack(struct symbol_blocks *s, size_t i)
{
	const struct block *b = &s->block[i];
	z_stream z = {.next_in = s->packed + b->at,
		.avail_in = b->packed,
		.next_out = s->bytes,
		.avail_out = b->len};
	bool ok;

	if (s->unpacked == i + 1)
		return true;
	s->unpacked = 0;
	if (inflateInit2(&z, -WINDOW_BITS) != Z_OK)
		return false;
	ok = inflate(&z, Z_FINISH) == Z_STREAM_END;
	inflateEnd(&z);
	s->unpacked = ok ? i + 1 : 0;
	return ok;
}

static uint64_t get_number(const unsigned char **at)
{
	uint64_t v = 0;
	int shift = 0;

	for (; **at & 0x80; shift += 7)
		v |= (uint64_t)(*(*at)++ & 0x7f) << shift;
	return v | (uint64_t)(*(*at)++) << shift;
}

/* Of a block: its last symbol at or below an address; NULL if there is none. */
static const char *find_in(struct symbol_blocks *s, size_t i, uint64_t address, uint64_t *found)
{
	const struct block *b = &s->block[i];
	const unsigned char *at = s->bytes, *end = s->bytes + b->len;
	const char *best = NULL;
	uint64_t now = b->first, step;

	if (!unpack(s, i))
		return NULL;
	while (at < end) {
		step = get_number(&at);
		now += step >> 1 ^ -(step & 1);
		if (now <= address && (!best || now > *found)) {
			best = (const char *)at;
			*found = now;
		}
		at += strlen((const char *)at) + 1;
	}
	return best;
}

const char *symbol_blocks_find(struct symbol_blocks *s, uint64_t address, const char **owner)
{
	size_t best = s->n, i;
	uint64_t at = 0, found = 0;

	/* Of a block that lies wholly below, its highest is known. */
	for (i = 0; i < s->n; i++)
		if (s->block[i].highest <= address && (best == s->n || s->block[i].highest > at)) {
			best = i;
			at = s->block[i].highest;
		}
	for (i = 0; i < s->n; i++)
		if (s->block[i].lowest <= address && s->block[i].highest > address &&
			find_in(s, i, address, &found) && (best == s->n || found > at)) {
			best = i;
			at = found;
		}
	if (best == s->n)
		return NULL;
	*owner = s->block[best].owner;
	return find_in(s, best, address, &found);
}

size_t symbol_blocks_size(const struct symbol_blocks *s)
{
	return sizeof(*s) + s->n * sizeof(*s->block) + s->packed_len;
}
