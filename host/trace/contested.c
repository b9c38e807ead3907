/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trace/contested.h"

#include <errno.h>

void contested_init(struct contested *c, const struct trace_memory *mem, uint64_t secret)
{
	*c = (struct contested){.mem = mem};
	table_init(&c->last, mem, secret);
}

void contested_free(struct contested *c)
{
	trace_release(c->mem, c->near);
	c->near = NULL;
	table_clear(&c->last);
}

/* Two that share a key are taken for contested: then one is waited for that is not needed. */
static uint64_t key_of(uint16_t session, uint64_t first_index)
{
	return first_index ^ (uint64_t)session << 48;
}

int contested_block(
	struct contested *c, uint16_t session, uint64_t first_index, uint32_t crc, uint32_t frame)
{
	uint64_t key = key_of(session, first_index);
	struct contested_block *b;

	if (!c->near)
		c->near = trace_alloc(c->mem, CONTESTED_NEAR * sizeof(*c->near));
	if (!c->near)
		return -ENOMEM;
	b = &c->near[((key ^ c->last.secret) * UINT64_C(0x9e3779b97f4a7c15)) >> 50];
	_Static_assert(CONTESTED_NEAR == 1u << 14, "the upper bits of a product");
	if (b->heard && b->key == key && b->crc != crc && c->last.n < CONTESTED_MAX)
		return table_put(&c->last, key, frame);
	*b = (struct contested_block){.key = key, .crc = crc, .heard = 1};
	return 0;
}

uint32_t contested_until(const struct contested *c, uint16_t session, uint64_t first_index)
{
	uint32_t frame;

	return table_get(&c->last, key_of(session, first_index), &frame) ? frame : 0;
}
