/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/zarena.h"

#include <stdalign.h>
#include <string.h>

static voidpf take(voidpf opaque, uInt items, uInt size)
{
	struct zarena *a = opaque;
	size_t n = (size_t)items * size;
	void *p;

	n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (n > a->size - a->used)
		return Z_NULL;
	p = a->mem + a->used;
	a->used += n;
	return p;
}

static void leave(voidpf opaque, voidpf address)
{
	(void)opaque;
	(void)address;
}

void zarena_use(struct zarena *a, void *mem, size_t size, z_stream *z)
{
	*a = (struct zarena){.mem = mem, .size = size & ~(alignof(max_align_t) - 1)};
	memset(z, 0, sizeof(*z));
	z->zalloc = take;
	z->zfree = leave;
	z->opaque = a;
}

static void set_io(z_stream *z, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	z->next_in = (Bytef *)src; /* zlib without ZLIB_CONST; it does not write there */
	z->avail_in = (uInt)len;
	z->next_out = dst;
	z->avail_out = (uInt)cap;
}

size_t zarena_deflate(z_stream *z, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	uint8_t spill;

	if (cap == 0 || deflateReset(z) != Z_OK)
		return 0;
	set_io(z, dst, cap, src, len);
	if (deflate(z, Z_FINISH) == Z_STREAM_END)
		return cap - z->avail_out;
	if (z->avail_out != 0)
		return 0;
	/* Without room to spare zlib cannot tell that it was the end: ask once more, and see
	 * whether anything comes. */
	z->next_out = &spill;
	z->avail_out = 1;
	return deflate(z, Z_FINISH) == Z_STREAM_END && z->avail_out == 1 ? cap : 0;
}

ptrdiff_t zarena_inflate(z_stream *z, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	if (inflateReset(z) != Z_OK)
		return -1;
	set_io(z, dst, cap, src, len);
	if (inflate(z, Z_FINISH) != Z_STREAM_END || z->avail_in != 0)
		return -1;
	return (ptrdiff_t)(cap - z->avail_out);
}
