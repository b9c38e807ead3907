/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A block of any bytes (two bytes count, then block; when that is not a block: the same bytes
 * stored behind a deflate header, so that the columns themselves are reached), and events of any
 * values. What decodes encodes again, and decodes to the same events.
 */
#include <string.h>

#include "proto/block.h"
#include "tests/fuzz/fuzz.h"

static struct ayp_block_encoder *encoder;
static struct ayp_block_decoder *decoder;
static void *encoder_mem;
static struct ayp_event events[AYP_BLOCK_MAX_EVENTS], again[AYP_BLOCK_MAX_EVENTS];

static void same(const struct ayp_event *a, const struct ayp_event *b)
{
	MUST(a->t_ns == b->t_ns && a->tid == b->tid && a->func == b->func && a->cpu == b->cpu &&
		a->kind == b->kind && a->nargs == b->nargs && a->nargs <= AYP_EVENT_MAX_ARGS);
	MUST(memcmp(a->arg, b->arg, a->nargs * sizeof(a->arg[0])) == 0);
}

/* events[0..n), which are sorted by CPU or of any order, through the encoder and back. */
static void round_trip(uint32_t n)
{
	static const struct ayp_block_config config = {
		.codec = AYP_CODEC_COLUMNS, .target_bytes = 1000};
	static uint8_t block[4032];
	uint32_t done = 0;

	encoder = ayp_block_encoder_init(encoder_mem, &config);
	MUST(encoder);
	for (uint32_t i = 0; i < n; i++)
		MUST(ayp_block_encoder_put(encoder, &events[i]) >= 0);
	while (ayp_block_encoder_pending(encoder)) {
		struct ayp_block_info info;
		size_t size = ayp_block_encoder_cut(encoder, block, sizeof(block), &info);
		uint32_t at = 0;

		MUST(size > 0 && size <= sizeof(block) && info.count > 0 && info.count <= n - done);
		MUST(ayp_block_decode(decoder, info.codec, block, size, info.count, again,
			     AYP_BLOCK_MAX_EVENTS) == (int)info.count);
		for (unsigned int cpu = 0; cpu < 256; cpu++)
			for (uint32_t i = 0; i < info.count; i++)
				if (events[done + i].cpu == cpu)
					same(&again[at++], &events[done + i]);
		MUST(at == info.count);
		done += info.count;
	}
	MUST(done == n);
}

static void decode(const uint8_t *block, size_t size, uint32_t count)
{
	int n = ayp_block_decode(
		decoder, AYP_CODEC_COLUMNS, block, size, count, events, AYP_BLOCK_MAX_EVENTS);

	MUST(n == (int)count || n == AYP_BLOCK_CORRUPT || n == AYP_BLOCK_TOO_LARGE);
	if (n > 0)
		round_trip((uint32_t)n);
}

/* Bytes as columns: one byte says how long the bit string is that stands before them. */
static void decode_stored(const uint8_t *p, size_t size, uint32_t count)
{
	static uint8_t block[70000];
	size_t bits, len, at = 0;

	if (size < 1 || p[0] >= 0x80 || (size_t)p[0] + 1 > size)
		return;
	bits = p[0];
	len = size - 1 - bits;
	if (len > 65535)
		return;
	memcpy(block, p, 1 + bits);
	at = 1 + bits;
	block[at++] = 1; /* RFC 1951 3.2.4: last block, stored */
	block[at++] = (uint8_t)len;
	block[at++] = (uint8_t)(len >> 8);
	block[at++] = (uint8_t)~len;
	block[at++] = (uint8_t)(~len >> 8);
	memcpy(block + at, p + 1 + bits, len);
	decode(block, at + len, count);
}

/* Bytes as events: 12 of them each, spread so that both near and far values occur. */
static void encode(const uint8_t *p, size_t size)
{
	uint32_t n = 0;
	uint64_t now = 0;

	for (; size >= 12 && n < AYP_BLOCK_MAX_EVENTS; p += 12, size -= 12, n++) {
		now += (uint64_t)(int8_t)p[0] * ((uint64_t)1 << (p[1] & 63));
		events[n] = (struct ayp_event){
			.t_ns = now,
			.tid = (uint32_t)p[2] << (p[3] & 31),
			.func = (uint16_t)(p[4] << (p[5] & 15)),
			.cpu = p[6],
			.kind = p[7] % AYP_EVENT_KINDS,
			.nargs = p[8] % (AYP_EVENT_MAX_ARGS + 1),
		};
		for (unsigned int k = 0; k < events[n].nargs; k++)
			events[n].arg[k] = (uint64_t)p[9 + k % 3] << (p[9 + (k + 1) % 3] & 63);
	}
	if (n)
		round_trip(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t count;

	if (!encoder_mem) {
		encoder_mem = malloc(ayp_block_encoder_size(AYP_CODEC_COLUMNS));
		decoder = ayp_block_decoder_init(malloc(ayp_block_decoder_size()));
	}
	if (!encoder_mem || !decoder || size < 2)
		return 0;
	count = data[0] | (uint32_t)data[1] << 8;
	decode(data + 2, size - 2, count);
	decode_stored(data + 2, size - 2, count);
	encode(data + 2, size - 2);
	return 0;
}
