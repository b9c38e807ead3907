/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Event blocks: many events to few bytes and back. PROTOCOL.md, section "Event blocks".
 *
 * The codec behind this interface may change; a block names its codec, and a decoder refuses codecs
 * it does not know. Lossless: events of one CPU come back in the order they were put, bit for bit,
 * whatever their times do. Order across CPUs inside one block is not kept.
 *
 * Blocks of codec 2 build on one another: a *group* of them is decodable from its first block on,
 * as long as none is missing.
 *
 * Memory: both sides live in a caller's buffer of *_size() bytes, set up once; afterwards nothing
 * is allocated. No floating point. The decoder treats every byte as hostile. Sizes on 64-bit
 * machines: an encoder 0.77 MB (0.33 MB of it the pending events; codec 1: 0.8 MB), a decoder
 * 0.6 MB.
 */
#ifndef PROTO_BLOCK_H
#define PROTO_BLOCK_H

#include <stdbool.h>

#include "proto/event.h"

/* Per-CPU columns of deltas, deflated; every block decodable alone. */
#define AYP_CODEC_COLUMNS 1u
/* A learned model and a range coder; blocks of a group build on one another. */
#define AYP_CODEC_ADAPTIVE 2u

/* Events a block may hold; a decoder refuses more. */
#define AYP_BLOCK_MAX_EVENTS 4096u
/* The largest useful cap of ayp_block_encoder_cut. */
#define AYP_BLOCK_MAX_BYTES 4096u

struct ayp_block_encoder;
struct ayp_block_decoder;

struct ayp_block_info {
	uint32_t count;        /* events in the block */
	uint64_t first_ns;     /* smallest time */
	uint64_t last_ns;      /* largest time */
	uint32_t codec;        /* AYP_CODEC_* */
	uint16_t per_cpu[256]; /* how many of the events are of which CPU */
};

struct ayp_block_config {
	uint32_t codec;       /* AYP_CODEC_* */
	size_t target_bytes;  /* the block size to aim for, at most cap of ayp_block_encoder_cut */
	uint64_t group_bytes; /* the most a group may take, if its first block does not already
				 take more; 0: no limit. Codec 1 has no groups. */
};

/* At most 1 MiB. 0 for an unknown codec. */
size_t ayp_block_encoder_size(uint32_t codec);
/* mem: ayp_block_encoder_size(config->codec) bytes, aligned as by malloc. Returns NULL if the codec
 * is unknown or its compressor cannot be set up. */
struct ayp_block_encoder *ayp_block_encoder_init(void *mem, const struct ayp_block_config *config);

/* Other sizes from now on, as in struct ayp_block_config: for a line whose rate has changed. */
void ayp_block_encoder_resize(
	struct ayp_block_encoder *e, size_t target_bytes, uint64_t group_bytes);

/* Take one event. Returns 1 if the block should be cut now, else 0. If it is not cut after a 1 the
 * encoder goes on taking events up to AYP_BLOCK_MAX_EVENTS; then -1, event not taken. -2: not an
 * event (kind or nargs out of range), never taken. */
int ayp_block_encoder_put(struct ayp_block_encoder *e, const struct ayp_event *ev);

/* Events put and not yet cut. */
uint32_t ayp_block_encoder_pending(const struct ayp_block_encoder *e);

/* Finish a block into dst. Returns its size and fills info; 0 if nothing is pending. When not all
 * pending events fit cap, the rest stays pending, in its order on each CPU, and joins the next
 * block; to flush, call until pending is 0. cap must be at least AYP_BLOCK_MIN_CAP, which one event
 * always fits. */
#define AYP_BLOCK_MIN_CAP 320u
size_t ayp_block_encoder_cut(
	struct ayp_block_encoder *e, uint8_t *dst, size_t cap, struct ayp_block_info *info);

/* The next block shall not build on earlier ones: to be called when a block that was cut will not
 * be delivered, or when a receiver is known not to have the last ones. */
void ayp_block_encoder_restart(struct ayp_block_encoder *e);

/* The decoder of one session: give it the session's blocks in order, each once. At most 1 MiB. */
size_t ayp_block_decoder_size(void);
struct ayp_block_decoder *ayp_block_decoder_init(void *mem);

/* Decode a block of `count` events (as the Events message says) into out[0..cap). Returns the
 * number of events (== count), or a negative enum ayp_block_error; out is then undefined. */
enum ayp_block_error {
	AYP_BLOCK_CORRUPT = -1,   /* not a block, or damaged, or count does not match */
	AYP_BLOCK_CODEC = -2,     /* a codec this decoder does not know */
	AYP_BLOCK_TOO_LARGE = -3, /* count exceeds cap or AYP_BLOCK_MAX_EVENTS */
	AYP_BLOCK_CHAIN = -4, /* builds on a block that was not decoded; the next group will do */
};
int ayp_block_decode(struct ayp_block_decoder *d, uint32_t codec, const uint8_t *src, size_t len,
	uint32_t count, struct ayp_event *out, size_t cap);

/* Which blocks can be decoded, told from their heads alone, for those who only count. Zeroed at the
 * start of a session. */
struct ayp_block_chain {
	uint32_t next; /* index in its group that the next block must have */
	uint8_t group;
	bool whole;
};
/* So many bytes of a block, or all of it where it is shorter, are enough to follow. */
#define AYP_BLOCK_CHAIN_HEAD 12u
/* The next block of the session. False: ayp_block_decode would say AYP_BLOCK_CHAIN. */
bool ayp_block_chain_follow(
	struct ayp_block_chain *chain, uint32_t codec, const uint8_t *src, size_t len);

/* Where a block stands in its group. False: nowhere, because its codec has no groups or is not known,
 * or because its head is damaged. AYP_BLOCK_CHAIN_HEAD bytes are enough, too. */
bool ayp_block_place(
	uint32_t codec, const uint8_t *src, size_t len, uint8_t *group, uint32_t *index);
bool ayp_codec_known(uint32_t codec);

/* What a codec number is called, for `info` and messages: "columns", "adaptive" or "unknown". */
const char *ayp_codec_name(uint32_t codec);

#endif
