/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Codec 2, whose blocks build on one another. Three bytes of settings, then
 * - the whole rest as one block, first of its group, of any bytes;
 * - half of the rest as events, encoded to a chain of blocks that decodes to the same events; then
 *   the last block of the chain damaged by the other half, in front of a decoder in any state.
 */
#include <string.h>

#include "proto/block.h"
#include "tests/fuzz/fuzz.h"

#define MAX_BLOCKS 4096u

struct coded {
	size_t at, size;
	struct ayp_block_info info;
};

static void *encoder_mem, *decoder_mem;
static struct ayp_block_decoder *decoder;
static struct ayp_event events[AYP_BLOCK_MAX_EVENTS], again[AYP_BLOCK_MAX_EVENTS];
static struct coded coded[MAX_BLOCKS];
static uint8_t blocks[AYP_BLOCK_MAX_EVENTS * 300];
static size_t n_coded;

static void same(const struct ayp_event *a, const struct ayp_event *b)
{
	MUST(a->t_ns == b->t_ns && a->tid == b->tid && a->func == b->func && a->cpu == b->cpu &&
		a->kind == b->kind && a->nargs == b->nargs);
	MUST(memcmp(a->arg, b->arg, a->nargs * sizeof(a->arg[0])) == 0);
}

static int decode(const uint8_t *block, size_t size, uint32_t count, struct ayp_event *out)
{
	/* Its own allocation of just that size: a read past the end is seen. */
	uint8_t *exact = malloc(size ? size : 1);
	int n;

	MUST(exact);
	memcpy(exact, block, size);
	n = ayp_block_decode(
		decoder, AYP_CODEC_ADAPTIVE, exact, size, count, out, AYP_BLOCK_MAX_EVENTS);
	free(exact);
	MUST(n == (int)count || n == AYP_BLOCK_CORRUPT || n == AYP_BLOCK_TOO_LARGE ||
		n == AYP_BLOCK_CHAIN);
	for (int i = 0; i < n; i++)
		MUST(out[i].kind < AYP_EVENT_KINDS && out[i].nargs <= AYP_EVENT_MAX_ARGS);
	return n;
}

/* Bytes as events: 12 of them each, spread so that both near and far values occur. `ticks`: times
 * are those of a clock of 54 MHz. */
static uint32_t make_events(const uint8_t *p, size_t size, bool ticks)
{
	uint32_t n = 0;
	uint64_t now = 0;

	for (; size >= 12 && n < AYP_BLOCK_MAX_EVENTS; p += 12, size -= 12, n++) {
		now += (uint64_t)(int8_t)p[0] * ((uint64_t)1 << (p[1] & 63));
		events[n] = (struct ayp_event){
			.t_ns = ticks ? now * 1000 / 54 : now,
			.tid = (uint32_t)p[2] << (p[3] & 31),
			.func = (uint16_t)(p[4] << (p[5] & 15)),
			.cpu = p[6],
			.kind = p[7] % AYP_EVENT_KINDS,
			.nargs = p[8] % (AYP_EVENT_MAX_ARGS + 1),
		};
		for (unsigned int k = 0; k < events[n].nargs; k++)
			events[n].arg[k] = (uint64_t)p[9 + k % 3] << (p[9 + (k + 1) % 3] & 63);
	}
	return n;
}

static void encode(
	uint32_t n, const struct ayp_block_config *config, size_t cap, unsigned int restarts)
{
	struct ayp_block_encoder *e = ayp_block_encoder_init(encoder_mem, config);
	uint32_t put = 0;
	size_t fill = 0;

	MUST(e);
	n_coded = 0;
	while (put < n || ayp_block_encoder_pending(e)) {
		struct coded *c = &coded[n_coded];
		bool full = false;

		while (put < n && !full) {
			int r = ayp_block_encoder_put(e, &events[put++]);

			MUST(r == 0 || r == 1);
			full = r;
		}
		MUST(n_coded < MAX_BLOCKS && fill + cap <= sizeof(blocks));
		c->at = fill;
		c->size = ayp_block_encoder_cut(e, blocks + fill, cap, &c->info);
		MUST(c->size > 0 && c->size <= cap && c->info.codec == AYP_CODEC_ADAPTIVE);
		fill += c->size;
		n_coded++;
		if (restarts && n_coded % restarts == 0)
			ayp_block_encoder_restart(e);
	}
}

/* Each CPU's events in their order. */
static void compare(uint32_t n)
{
	static uint32_t at[256];

	memset(at, 0, sizeof(at));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t *k = &at[events[i].cpu];

		while (*k < n && again[*k].cpu != events[i].cpu)
			++*k;
		MUST(*k < n);
		same(&again[(*k)++], &events[i]);
	}
}

static void round_trip(
	uint32_t n, const struct ayp_block_config *config, size_t cap, unsigned int restarts)
{
	static struct ayp_event out[AYP_BLOCK_MAX_EVENTS];
	struct ayp_block_chain chain = {0};
	uint32_t done = 0;

	encode(n, config, cap, restarts);
	for (size_t i = 0; i < n_coded; i++) {
		const struct coded *c = &coded[i];

		MUST(ayp_block_chain_follow(&chain, AYP_CODEC_ADAPTIVE, blocks + c->at, c->size));
		MUST(decode(blocks + c->at, c->size, c->info.count, out) == (int)c->info.count);
		MUST(c->info.count <= n - done);
		memcpy(again + done, out, c->info.count * sizeof(out[0]));
		done += c->info.count;
	}
	MUST(done == n);
	compare(n);
}

/* All but the last block once more, then that one with bytes of it changed. */
static void damage(const uint8_t *noise, size_t size)
{
	static uint8_t bad[AYP_BLOCK_MAX_BYTES];
	const struct coded *c = &coded[n_coded - 1];

	for (size_t i = 0; i + 1 < n_coded; i++)
		(void)decode(blocks + coded[i].at, coded[i].size, coded[i].info.count, again);
	memcpy(bad, blocks + c->at, c->size);
	for (size_t i = 0; i + 1 < size; i += 2)
		bad[(noise[i] * 16u + i) % c->size] ^= noise[i + 1];
	(void)decode(bad, c->size, c->info.count, again);
	for (size_t i = 0; i < n_coded; i++)
		(void)decode(blocks + coded[i].at, coded[i].size, coded[i].info.count, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ayp_block_config config = {.codec = AYP_CODEC_ADAPTIVE};
	uint32_t n;
	size_t cap;

	if (!encoder_mem) {
		encoder_mem = malloc(ayp_block_encoder_size(AYP_CODEC_ADAPTIVE));
		decoder_mem = malloc(ayp_block_decoder_size());
	}
	if (!encoder_mem || !decoder_mem || size < 4)
		return 0;
	decoder = ayp_block_decoder_init(decoder_mem);
	MUST(decoder);
	cap = AYP_BLOCK_MIN_CAP + data[0] * 14u;
	config.target_bytes = data[1] * 16u;
	config.group_bytes = data[2] & 7 ? (data[2] & 7) * 512u : 0;

	(void)decode(data + 3, size - 3, 1 + data[0] + data[1] % 16 * 256u, again);
	n = make_events(data + 3, (size - 3) / 2, data[1] & 1);
	if (n == 0)
		return 0;
	round_trip(n, &config, cap, data[2] >> 3);
	damage(data + 3 + (size - 3) / 2, (size - 3) / 2);
	return 0;
}
