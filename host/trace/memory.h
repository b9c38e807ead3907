/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Memory of a trace: one function, given by whoever makes the trace, so that a browser's page and a
 * test that lets memory run out are like a process.
 */
#ifndef HOST_TRACE_MEMORY_H
#define HOST_TRACE_MEMORY_H

#include <stddef.h>

struct trace_memory {
	/* As realloc(3): `old` may be NULL; a `size` of 0 frees `old` and returns NULL. Returns NULL
	 * when there is no more, `old` is then still there. Called from the caller's thread only. */
	void *(*resize)(void *ctx, void *old, size_t size);
	void *ctx;
};

/* `size` bytes of zeros, or NULL. */
void *trace_alloc(const struct trace_memory *mem, size_t size);
void trace_release(const struct trace_memory *mem, void *p); /* NULL: nothing */

/* Make room for `need` elements of `size` bytes; *cap counts elements. Returns the array, perhaps
 * moved, or NULL: out of memory, the old array is still there. */
void *trace_grow(
	const struct trace_memory *mem, void *array, size_t *cap, size_t need, size_t size);

#endif
