/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Numbers of frames wrap: of two less than 2^31 apart, which one comes first (PROTOCOL.md, section
 * 8). */
#ifndef FRAMING_SEQ_H
#define FRAMING_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
	return seq_before(b, a);
}

#endif
