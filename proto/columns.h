/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Codec 1, what both directions know. PROTOCOL.md, "Codec 1: columns". Internal to proto/. */
#ifndef PROTO_COLUMNS_H
#define PROTO_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/codec.h"

/* The columns before deflate; an encoder takes fewer events rather than exceed it. */
#define COLUMNS_MAX_PLAIN 65536u

#define COLUMNS_FLAG_ARGS 0x01u /* the columns of arguments are there */

/* Time column: 0 is no change, 1..63 the bit length of a step forward, 65..128 64 + that of a step
 * back. The bits below the leading one stand in the bit string. */
#define COLUMNS_TIME_BACK 64u
#define COLUMNS_TIME_MAX  128u

size_t columns_encoder_size(void);
bool columns_encoder_init(void *mem);
size_t columns_encode(
	void *mem, const struct ayp_event *events, uint32_t n, uint8_t *dst, size_t cap);

size_t columns_decoder_size(void);
bool columns_decoder_init(void *mem);
int columns_decode(void *mem, const uint8_t *src, size_t len, uint32_t n, struct ayp_event *out);

#endif
