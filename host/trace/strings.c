/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/strings.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void strings_init(struct strings *s, const struct trace_memory *mem, uint64_t secret)
{
	*s = (struct strings){.mem = mem, .secret = secret};
	table_init(&s->index, mem, secret);
}

void strings_free(struct strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		trace_release(s->mem, s->piece[i]);
	trace_release(s->mem, s->piece);
	table_clear(&s->index);
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv */
uint64_t strings_hash(uint64_t from, const char *text)
{
	for (; *text; text++)
		from = (from ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return (from ^ 0xff) * UINT64_C(0x100000001b3);
}

static int add_piece(struct strings *s)
{
	char **pieces, *p;

	if (s->n >= STRINGS_MAX / STRINGS_PIECE)
		return -ENOSPC;
	pieces = trace_grow(s->mem, s->piece, &s->cap, s->n + 1, sizeof(*pieces));
	if (!pieces)
		return -ENOMEM;
	s->piece = pieces;
	p = s->mem->resize(s->mem->ctx, NULL, STRINGS_PIECE);
	if (!p)
		return -ENOMEM;
	pieces[s->n++] = p;
	s->fill = 0;
	return 0;
}

int strings_put(struct strings *s, const char *text, const char **out)
{
	uint64_t key = strings_hash(STRINGS_HASH_BEGIN ^ s->secret, text);
	size_t len = strlen(text) + 1;
	uint32_t at;
	int err;

	assert(len <= STRINGS_LONGEST);
	for (; table_get(&s->index, key, &at); key++) {
		*out = s->piece[at >> 16] + (at & 0xffff);
		if (!strcmp(*out, text))
			return 0;
	}
	if (!s->n || STRINGS_PIECE - s->fill < len) {
		err = add_piece(s);
		if (err)
			return err;
	}
	err = table_put(&s->index, key, (uint32_t)((s->n - 1) << 16 | s->fill));
	if (err)
		return err;
	*out = memcpy(s->piece[s->n - 1] + s->fill, text, len);
	s->fill += len;
	return 0;
}
