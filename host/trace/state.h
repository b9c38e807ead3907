/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A state to bytes and back: varints (LEB128), one after the other, by one piece of code for both
 * directions, so that what is written and what is read cannot differ.
 *
 * Errors stick. When reading every number has a bound, and what is beyond it is an error: bytes may
 * be anybody's.
 */
#ifndef HOST_TRACE_STATE_H
#define HOST_TRACE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/trace/memory.h"

/* Of one state; more is an error when writing. */
#define STATE_MAX (16u << 20)

struct state {
	const struct trace_memory *mem; /* writing; NULL: reading */
	uint8_t *bytes;                 /* written ones; to be released */
	size_t n, cap;
	const uint8_t *at, *end; /* reading */
	bool failed;             /* damaged, too long, or out of memory */
	/* Of an id of a function here the one in the bytes, or the other way round: false, there is
	 * none. */
	bool (*translate)(void *ctx, uint16_t func, uint16_t *to);
	void *translate_ctx;
};

void state_write(struct state *s, const struct trace_memory *mem);
void state_read(struct state *s, const uint8_t *bytes, size_t len);
static inline bool state_reading(const struct state *s)
{
	return !s->mem;
}
void state_free(struct state *s); /* what was written */

/* Write v; or read, and return, a number of at most max, 0 when that failed. */
uint64_t state_number(struct state *s, uint64_t v, uint64_t max);
/* A signed number, zigzag. */
int64_t state_signed(struct state *s, int64_t v);
/* A byte of what was written by itself; writing only. */
void state_byte(struct state *s, uint8_t byte);
/* A count of things that take at least one byte each. */
size_t state_count(struct state *s, size_t n, size_t max);

/* The id of a function. */
uint16_t state_func(struct state *s, uint16_t func);

/* A member of a struct, to its own width. */
#define STATE(s, lvalue)                                                                           \
	((lvalue) = (__typeof__(lvalue))state_number((s), (uint64_t)(lvalue),                      \
		 sizeof(lvalue) == 8 ? UINT64_MAX                                                  \
				     : (UINT64_C(1) << 8 * (sizeof(lvalue) & 7)) - 1))

#endif
