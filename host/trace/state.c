/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/state.h"

#define VARINT_MAX 10u

void state_write(struct state *s, const struct trace_memory *mem)
{
	*s = (struct state){.mem = mem};
}

void state_read(struct state *s, const uint8_t *bytes, size_t len)
{
	*s = (struct state){.at = bytes, .end = bytes + len};
}

void state_free(struct state *s)
{
	if (s->mem)
		trace_release(s->mem, s->bytes);
	*s = (struct state){0};
}

static void put(struct state *s, uint64_t v)
{
	uint8_t *bytes = s->n + VARINT_MAX > STATE_MAX
				 ? NULL
				 : trace_grow(s->mem, s->bytes, &s->cap, s->n + VARINT_MAX, 1);

	if (!bytes) {
		s->failed = true;
		return;
	}
	s->bytes = bytes;
	for (; v >= 0x80; v >>= 7)
		bytes[s->n++] = (uint8_t)(v | 0x80);
	bytes[s->n++] = (uint8_t)v;
}

void state_byte(struct state *s, uint8_t byte)
{
	uint8_t *bytes =
		s->n == STATE_MAX ? NULL : trace_grow(s->mem, s->bytes, &s->cap, s->n + 1, 1);

	s->failed |= !bytes;
	if (bytes) {
		s->bytes = bytes;
		bytes[s->n++] = byte;
	}
}

static uint64_t get(struct state *s)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64 && s->at < s->end; shift += 7) {
		uint8_t b = *s->at++;

		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	s->failed = true;
	return 0;
}

uint64_t state_number(struct state *s, uint64_t v, uint64_t max)
{
	if (s->failed)
		return state_reading(s) ? 0 : v;
	if (!state_reading(s)) {
		put(s, v);
		return v;
	}
	v = get(s);
	if (v > max)
		s->failed = true;
	return s->failed ? 0 : v;
}

int64_t state_signed(struct state *s, int64_t v)
{
	uint64_t zigzag = ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);

	zigzag = state_number(s, zigzag, UINT64_MAX);
	return (int64_t)(zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0));
}

size_t state_count(struct state *s, size_t n, size_t max)
{
	if (state_reading(s) && (size_t)(s->end - s->at) < max)
		max = (size_t)(s->end - s->at);
	return (size_t)state_number(s, n, max);
}

uint16_t state_func(struct state *s, uint16_t func)
{
	uint16_t there = 0, here = 0;

	if (!state_reading(s)) {
		if (!s->translate(s->translate_ctx, func, &there))
			s->failed = true;
		state_number(s, there, UINT16_MAX);
		return func;
	}
	there = (uint16_t)state_number(s, 0, UINT16_MAX);
	if (!s->failed && !s->translate(s->translate_ctx, there, &here))
		s->failed = true;
	return here;
}
