/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Numbers of 32 bits in little-endian bytes, at any address. */
#ifndef FRAMING_BYTES_H
#define FRAMING_BYTES_H

#include <stdint.h>

static inline uint32_t get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

#endif
