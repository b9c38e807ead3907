/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * bench_codec FILE: code one recording (16-byte records, CONTRACT section 5) in several ways inside
 * one process and print a line per way: name, bytes, CPU nanoseconds per event to encode and
 * decode.
 *
 * Every way is run ROUNDS times in turn (A B C, A B C, ...) and its median round is printed, so
 * that a machine whose speed drifts disturbs all of them alike. The figures are for ratios, not for
 * quoting.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "proto/block.h"

#define ROUNDS        5
#define DEFLATE_BLOCK 400u  /* events a block when plain records are deflated */
#define BLOCK_BYTES   1000u /* as on a line of 115200 to 230400 baud */
#define BLOCK_CAP     1250u

struct recording {
	uint8_t *bytes;
	struct ayp_event *events;
	size_t n;
};

struct result {
	size_t bytes;
	double encode_ns, decode_ns; /* per event; decode 0: not measured */
};

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int load(const char *path, struct recording *r)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return -1;
	fseek(f, 0, SEEK_END);
	long size = ftell(f);
	rewind(f);
	r->n = size > 0 ? (size_t)size / AYP_RECORD_SIZE : 0;
	r->bytes = malloc(r->n * AYP_RECORD_SIZE + 1);
	r->events = calloc(r->n + 1, sizeof(*r->events));
	if (!r->bytes || !r->events || fread(r->bytes, AYP_RECORD_SIZE, r->n, f) != r->n)
		return -1;
	fclose(f);
	for (size_t i = 0; i < r->n; i++)
		if (ayp_record_read(r->bytes + i * AYP_RECORD_SIZE, &r->events[i]))
			return -1;
	return r->n ? 0 : -1;
}

static void run_deflate(const struct recording *r, struct result *out)
{
	static uint8_t packed[DEFLATE_BLOCK * AYP_RECORD_SIZE * 2];
	double start = cpu_ns();
	out->bytes = 0;
	for (size_t i = 0; i < r->n; i += DEFLATE_BLOCK) {
		size_t n = r->n - i < DEFLATE_BLOCK ? r->n - i : DEFLATE_BLOCK;
		uLongf len = sizeof(packed);
		if (compress2(packed, &len, r->bytes + i * AYP_RECORD_SIZE, n * AYP_RECORD_SIZE,
			    6) != Z_OK)
			abort();
		out->bytes += len - 6; /* the zlib wrapper would not travel */
	}
	out->encode_ns = (cpu_ns() - start) / (double)r->n;
	out->decode_ns = 0;
}

struct block {
	size_t at, len;
	struct ayp_block_info info;
};

static void run_blocks(
	const struct recording *r, const struct ayp_block_config *config, struct result *out)
{
	size_t cap = r->n * 32 + 65536, fill = 0, blocks = 0;
	uint8_t *wire = malloc(cap);
	struct block *list = calloc(r->n + 1, sizeof(*list));
	void *mem = malloc(ayp_block_encoder_size(config->codec));
	struct ayp_block_encoder *e = ayp_block_encoder_init(mem, config);
	if (!wire || !list || !e)
		abort();
	double start = cpu_ns();
	for (size_t i = 0; i < r->n; i++) {
		int full = ayp_block_encoder_put(e, &r->events[i]);
		while ((full || i + 1 == r->n) && ayp_block_encoder_pending(e)) {
			struct block *b = &list[blocks++];
			b->at = fill;
			b->len = ayp_block_encoder_cut(e, wire + fill, BLOCK_CAP, &b->info);
			fill += b->len;
			if (!b->len || fill + BLOCK_CAP > cap)
				abort();
			if (i + 1 < r->n)
				break;
		}
	}
	out->encode_ns = (cpu_ns() - start) / (double)r->n;
	out->bytes = fill;

	void *dmem = malloc(ayp_block_decoder_size());
	struct ayp_block_decoder *d = ayp_block_decoder_init(dmem);
	static struct ayp_event events[AYP_BLOCK_MAX_EVENTS];
	size_t total = 0;
	start = cpu_ns();
	for (size_t i = 0; i < blocks; i++) {
		int n = ayp_block_decode(d, list[i].info.codec, wire + list[i].at, list[i].len,
			list[i].info.count, events, AYP_BLOCK_MAX_EVENTS);
		if (n < 0)
			abort();
		total += (size_t)n;
	}
	out->decode_ns = (cpu_ns() - start) / (double)r->n;
	if (total != r->n)
		abort();
	free(dmem);
	free(mem);
	free(list);
	free(wire);
}

static const struct way {
	const char *name;
	struct ayp_block_config config; /* codec 0: plain records, deflated */
} ways[] = {
	{"records, deflate -6 per 400 events", {0}},
	{"columns + deflate -6 (codec 1)", {AYP_CODEC_COLUMNS, BLOCK_BYTES, 0}},
	{"adaptive (codec 2), one group", {AYP_CODEC_ADAPTIVE, BLOCK_BYTES, 0}},
	{"adaptive, groups of 64 KiB of the line", {AYP_CODEC_ADAPTIVE, BLOCK_BYTES, 60 << 10}},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static int by_encode(const void *a, const void *b)
{
	const struct result *x = a, *y = b;
	return (x->encode_ns > y->encode_ns) - (x->encode_ns < y->encode_ns);
}

int main(int argc, char **argv)
{
	struct recording r;
	static struct result results[WAYS][ROUNDS];
	if (argc != 2) {
		fprintf(stderr, "usage: bench_codec RECORDING\n");
		return 2;
	}
	if (load(argv[1], &r)) {
		fprintf(stderr, "bench_codec: %s: not a recording of 16-byte records\n", argv[1]);
		return 1;
	}
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < WAYS; i++)
			if (ways[i].config.codec)
				run_blocks(&r, &ways[i].config, &results[i][round]);
			else
				run_deflate(&r, &results[i][round]);
	printf("%zu\n", r.n);
	for (size_t i = 0; i < WAYS; i++) {
		qsort(results[i], ROUNDS, sizeof(results[i][0]), by_encode);
		const struct result *m = &results[i][ROUNDS / 2];
		printf("%s\t%zu\t%.1f\t%.1f\n", ways[i].name, m->bytes, m->encode_ns, m->decode_ns);
	}
	free(r.bytes);
	free(r.events);
	return 0;
}
