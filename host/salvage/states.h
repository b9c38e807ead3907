/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where a reader of a frame stands between two bytes of the line: the CRC's register and the way to
 * the next COBS code. Forward from the beginning, and the register backward from the end; by the
 * tables of salvage_lines.
 */
#ifndef HOST_SALVAGE_STATES_H
#define HOST_SALVAGE_STATES_H

#include "host/salvage/lines.h"

struct salvage_state {
	uint32_t reg; /* without the final xor */
	uint8_t left; /* bytes until the next code */
	bool no_zero; /* before what follows that code */
};

/* Nothing is before the first code: no zero either. */
#define SALVAGE_STATE_FIRST                                                                        \
	{                                                                                          \
		.reg = UINT32_MAX, .no_zero = true                                                 \
	}

static inline uint16_t salvage_phase(const struct salvage_state *st)
{
	return (uint16_t)(st->left << 1 | st->no_zero);
}

static inline uint32_t salvage_reg_forward(
	const struct salvage_lines *l, uint32_t reg, uint8_t byte)
{
	return reg >> 8 ^ l->step_forward[(reg ^ byte) & 0xff];
}

/* What the register was before a byte, from what it was after. */
static inline uint32_t salvage_step_back(const struct salvage_lines *l, uint32_t reg, uint8_t byte)
{
	return reg << 8 ^ l->step_back[reg >> 24] ^ byte;
}

/* Over one byte of the line, a code or not. */
static inline void salvage_step(
	const struct salvage_lines *l, struct salvage_state *st, uint8_t byte)
{
	if (st->left) {
		st->reg = salvage_reg_forward(l, st->reg, byte);
		st->left--;
		return;
	}
	if (!st->no_zero)
		st->reg = salvage_reg_forward(l, st->reg, 0);
	st->no_zero = byte == 0xff;
	st->left = (uint8_t)(byte - 1);
}

#endif
