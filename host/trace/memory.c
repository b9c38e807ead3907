/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/memory.h"

#include <stdint.h>
#include <string.h>

#define SMALLEST 16u

void *trace_alloc(const struct trace_memory *mem, size_t size)
{
	void *p = mem->resize(mem->ctx, NULL, size ? size : 1);

	if (p)
		memset(p, 0, size);
	return p;
}

void trace_release(const struct trace_memory *mem, void *p)
{
	if (p)
		mem->resize(mem->ctx, p, 0);
}

void *trace_grow(const struct trace_memory *mem, void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : SMALLEST;
	void *p;

	if (array && need <= *cap)
		return array;
	/* By half: the last step decides how much of the array stands empty. */
	while (want < need)
		want += want / 2;
	if (want > SIZE_MAX / size)
		return NULL;
	p = mem->resize(mem->ctx, array, want * size);
	if (p)
		*cap = want;
	return p;
}
