/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What block.c asks of a codec. Internal to proto/. */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

/* `mem` is the codec's part of the caller's buffer, of *_size() bytes, aligned as by malloc. */
struct ayp_codec {
	uint32_t id; /* AYP_CODEC_* */
	const char *name;

	size_t (*encoder_size)(void);
	bool (*encoder_init)(void *mem, uint64_t group_bytes);
	/* Another length of groups from the next block on. NULL: every block stands alone. */
	void (*set_group_bytes)(void *mem, uint64_t group_bytes);
	/* As many of events[0..n), n >= 1, as fit cap (AYP_BLOCK_MIN_CAP..AYP_BLOCK_MAX_BYTES):
	 * order[0..*taken) are the indexes of those that are in the block, of each CPU the oldest
	 * ones in their order. Returns the size of the block. `order` has room for n. */
	size_t (*encode)(void *mem, const struct ayp_event *events, uint32_t n, uint8_t *dst,
		size_t cap, uint16_t *order, uint32_t *taken);
	void (*restart)(void *mem); /* NULL: every block stands alone */
	/* Group and index in it, as a block's head says. NULL: every block stands alone. */
	bool (*head)(const uint8_t *src, size_t len, uint8_t *group, uint32_t *index);

	size_t (*decoder_size)(void);
	bool (*decoder_init)(void *mem);
	/* Exactly n events; returns n or a negative enum ayp_block_error. */
	int (*decode)(void *mem, const uint8_t *src, size_t len, uint32_t n, struct ayp_event *out);
};

extern const struct ayp_codec ayp_codec_columns;
extern const struct ayp_codec ayp_codec_adaptive;

#endif
