/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * zlib on memory that is already there. Internal to proto/.
 *
 * zlib allocates when a stream is set up, and once more when an inflater first needs its window;
 * resetting a stream allocates nothing. So a bump allocator does, and freeing is the owner's.
 */
#ifndef PROTO_ZARENA_H
#define PROTO_ZARENA_H

#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

struct zarena {
	uint8_t *mem; /* aligned as by malloc */
	size_t size;
	size_t used;
};

/* Let a stream allocate from `a`: call before deflateInit2 or inflateInit2. `a` must outlive it. */
void zarena_use(struct zarena *a, void *mem, size_t size, z_stream *z);

/* What zconf.h documents for deflate, plus its state and what other builds of zlib add (padding for
 * wide loads, larger hash entries). zlib refuses to start, rather than overrun, if it is too
 * little. */
#define ZARENA_DEFLATE_SIZE(window_bits, mem_level)                                                \
	(((size_t)1 << ((window_bits) + 2)) + ((size_t)1 << ((mem_level) + 9)) + 65536u)
#define ZARENA_INFLATE_SIZE (32768u + 32768u)

/* One whole raw deflate stream. Returns bytes written, 0 if it does not fit. */
size_t zarena_deflate(z_stream *z, uint8_t *dst, size_t cap, const uint8_t *src, size_t len);
/* Inverse. Returns bytes written, or -1 when src is not exactly one stream or exceeds cap. */
ptrdiff_t zarena_inflate(z_stream *z, uint8_t *dst, size_t cap, const uint8_t *src, size_t len);

#endif
