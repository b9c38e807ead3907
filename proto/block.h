/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Event blocks: many events to few bytes and back. PROTOCOL.md, section "Event blocks".
 *
 * The codec behind this interface may change; a block names its codec, and a decoder refuses codecs
 * it does not know. Lossless: events of one CPU come back in the order they were put, bit for bit,
 * whatever their times do. Order across CPUs inside one block is not kept.
 *
 * Memory: both sides live in a caller's buffer of *_size() bytes, set up once; afterwards nothing
 * is allocated. No floating point. The decoder treats every byte as hostile. Sizes on 64-bit
 * machines: an encoder 0.8 MB (0.3 MB of it the pending events), a decoder 0.15 MB.
 */
#ifndef PROTO_BLOCK_H
#define PROTO_BLOCK_H

#include "proto/event.h"

/* Per-CPU columns of deltas, deflated; every block decodable alone. */
#define AYP_CODEC_COLUMNS 1u

/* Events a block may hold; a decoder refuses more. */
#define AYP_BLOCK_MAX_EVENTS 4096u

struct ayp_block_encoder;
struct ayp_block_decoder;

struct ayp_block_info {
	uint32_t count;    /* events in the block */
	uint64_t first_ns; /* smallest time */
	uint64_t last_ns;  /* largest time */
	uint32_t codec;    /* AYP_CODEC_* */
};

size_t ayp_block_encoder_size(void);
/* mem: ayp_block_encoder_size() bytes, aligned as by malloc. target_bytes: the block size to aim
 * for, at most cap of ayp_block_encoder_cut. Returns NULL if the compressor cannot be set up. */
struct ayp_block_encoder *ayp_block_encoder_init(void *mem, size_t target_bytes);

/* Take one event. Returns 1 if the block should be cut now, else 0. If it is not cut after a 1 the
 * encoder goes on taking events up to AYP_BLOCK_MAX_EVENTS; then -1, event not taken. -2: not an
 * event (kind or nargs out of range), never taken. */
int ayp_block_encoder_put(struct ayp_block_encoder *e, const struct ayp_event *ev);

/* Events put and not yet cut. */
uint32_t ayp_block_encoder_pending(const struct ayp_block_encoder *e);

/* Finish a block into dst. Returns its size and fills info; 0 if nothing is pending. When not all
 * pending events fit cap, the block holds the oldest of them and the rest stays pending: call until
 * pending is 0. cap must be at least AYP_BLOCK_MIN_CAP, which one event always fits. */
#define AYP_BLOCK_MIN_CAP 256u
size_t ayp_block_encoder_cut(
	struct ayp_block_encoder *e, uint8_t *dst, size_t cap, struct ayp_block_info *info);

size_t ayp_block_decoder_size(void);
struct ayp_block_decoder *ayp_block_decoder_init(void *mem);

/* Decode a block of `count` events (as the Events message says) into out[0..cap). Returns the
 * number of events (== count), or a negative enum ayp_block_error; out is then undefined. */
enum ayp_block_error {
	AYP_BLOCK_CORRUPT = -1,   /* not a block, or damaged, or count does not match */
	AYP_BLOCK_CODEC = -2,     /* a codec this decoder does not know */
	AYP_BLOCK_TOO_LARGE = -3, /* count exceeds cap or AYP_BLOCK_MAX_EVENTS */
};
int ayp_block_decode(struct ayp_block_decoder *d, uint32_t codec, const uint8_t *src, size_t len,
	uint32_t count, struct ayp_event *out, size_t cap);

/* What a codec number is called, for `info` and messages: "columns" or "unknown". */
const char *ayp_codec_name(uint32_t codec);

#endif
