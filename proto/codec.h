/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What block.c asks of a codec. Internal to proto/. */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

/*
 * `mem` is the codec's part of the caller's buffer, of *_size() bytes, aligned as by malloc. encode
 * may be called again for fewer of the same events when a block came out too large: what a codec
 * learns from a block it must learn in `accept`, which follows the encode whose result was taken.
 */
struct ayp_codec {
	uint32_t id; /* AYP_CODEC_* */
	const char *name;

	size_t (*encoder_size)(void);
	bool (*encoder_init)(void *mem);
	/* events[0..n), n >= 1, to at most cap bytes; returns the size, 0 if it does not fit. */
	size_t (*encode)(
		void *mem, const struct ayp_event *events, uint32_t n, uint8_t *dst, size_t cap);
	void (*accept)(void *mem); /* NULL: nothing to learn */

	size_t (*decoder_size)(void);
	bool (*decoder_init)(void *mem);
	/* Exactly n events; returns n or a negative enum ayp_block_error. */
	int (*decode)(void *mem, const uint8_t *src, size_t len, uint32_t n, struct ayp_event *out);
};

extern const struct ayp_codec ayp_codec_columns;

#endif
