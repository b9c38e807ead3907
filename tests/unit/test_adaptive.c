/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Codec 2: everything comes back, groups bound what a lost block costs, nothing is made up. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tests/unit/random.h"

#include "proto/block.h"

#define MAX_BLOCKS 20000u
#define MAX_EVENTS 45000u

static struct ayp_event events[MAX_EVENTS];
static struct ayp_event decoded[AYP_BLOCK_MAX_EVENTS];
static size_t n_events;

/* A recording in blocks. */
static struct coded {
	size_t at, size;
	struct ayp_block_info info;
	bool starts_group;
} blocks[MAX_BLOCKS];
static uint8_t bytes[MAX_EVENTS * 64];
static size_t n_blocks, n_bytes;

static void *encoder_mem, *decoder_mem;
static struct ayp_block_encoder *encoder;
static struct ayp_block_decoder *decoder;

static int setup(void **state)
{
	encoder_mem = malloc(ayp_block_encoder_size(AYP_CODEC_ADAPTIVE));
	decoder_mem = malloc(ayp_block_decoder_size());
	return encoder_mem && decoder_mem ? 0 : -1;
}

static int teardown(void **state)
{
	free(encoder_mem);
	free(decoder_mem);
	return 0;
}

static void start(size_t target, uint64_t group)
{
	struct ayp_block_config config = {
		.codec = AYP_CODEC_ADAPTIVE, .target_bytes = target, .group_bytes = group};

	encoder = ayp_block_encoder_init(encoder_mem, &config);
	decoder = ayp_block_decoder_init(decoder_mem);
	assert_non_null(encoder);
	assert_non_null(decoder);
	n_blocks = n_bytes = 0;
}

static void cut(size_t cap)
{
	struct coded *b = &blocks[n_blocks++];
	uint32_t pending = ayp_block_encoder_pending(encoder), sum = 0;

	assert_true(n_blocks <= MAX_BLOCKS && n_bytes + cap <= sizeof(bytes));
	b->at = n_bytes;
	b->size = ayp_block_encoder_cut(encoder, bytes + n_bytes, cap, &b->info);
	assert_in_range(b->size, 1, cap);
	assert_int_equal(b->info.codec, AYP_CODEC_ADAPTIVE);
	assert_int_equal(ayp_block_encoder_pending(encoder), pending - b->info.count);
	for (unsigned int cpu = 0; cpu < 256; cpu++)
		sum += b->info.per_cpu[cpu];
	assert_int_equal(sum, b->info.count);
	b->starts_group = bytes[b->at + 1] == 0; /* PROTOCOL.md: the index in the group */
	n_bytes += b->size;
}

static void put(const struct ayp_event *ev, size_t n, size_t cap)
{
	for (size_t i = 0; i < n; i++)
		if (ayp_block_encoder_put(encoder, &ev[i]))
			cut(cap);
}

static void flush(size_t cap)
{
	while (ayp_block_encoder_pending(encoder))
		cut(cap);
}

static int decode(size_t i)
{
	const struct coded *b = &blocks[i];

	memset(decoded, 0xee, sizeof(decoded));
	return ayp_block_decode(decoder, AYP_CODEC_ADAPTIVE, bytes + b->at, b->size, b->info.count,
		decoded, AYP_BLOCK_MAX_EVENTS);
}

static bool same_event(const struct ayp_event *a, const struct ayp_event *b)
{
	return a->t_ns == b->t_ns && a->tid == b->tid && a->func == b->func && a->cpu == b->cpu &&
	       a->kind == b->kind && a->nargs == b->nargs &&
	       memcmp(a->arg, b->arg, a->nargs * sizeof(a->arg[0])) == 0;
}

/* Where each CPU is in events[]. */
static size_t next[256];

static const struct ayp_event *next_of(uint8_t cpu)
{
	while (next[cpu] < n_events && events[next[cpu]].cpu != cpu)
		next[cpu]++;
	assert_true(next[cpu] < n_events);
	return &events[next[cpu]++];
}

/* decoded[] are the next events of their CPUs, and info says what they are. */
static void check_block(const struct coded *b)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (uint32_t i = 0; i < b->info.count; i++) {
		if (!same_event(&decoded[i], next_of(decoded[i].cpu)))
			fail_msg("event %u of a block of %u differs", i, b->info.count);
		first = decoded[i].t_ns < first ? decoded[i].t_ns : first;
		last = decoded[i].t_ns > last ? decoded[i].t_ns : last;
	}
	assert_int_equal(b->info.first_ns, first);
	assert_int_equal(b->info.last_ns, last);
}

static void skip_block(const struct coded *b)
{
	for (unsigned int cpu = 0; cpu < 256; cpu++)
		for (uint32_t i = 0; i < b->info.per_cpu[cpu]; i++)
			(void)next_of((uint8_t)cpu);
}

static void check_all(void)
{
	size_t sum = 0;

	memset(next, 0, sizeof(next));
	for (size_t i = 0; i < n_blocks; i++) {
		assert_int_equal(decode(i), blocks[i].info.count);
		check_block(&blocks[i]);
		sum += blocks[i].info.count;
	}
	assert_int_equal(sum, n_events);
}

static void through(size_t target, uint64_t group, size_t cap)
{
	start(target, group);
	put(events, n_events, cap);
	flush(cap);
	check_all();
}

static void load(const char *path)
{
	char command[256];
	uint8_t record[AYP_RECORD_SIZE];
	FILE *f;

	snprintf(command, sizeof(command), "xz -dc %s", path);
	f = popen(command, "r");
	assert_non_null(f);
	for (n_events = 0; fread(record, sizeof(record), 1, f) == 1; n_events++) {
		assert_true(n_events < MAX_EVENTS);
		assert_int_equal(ayp_record_read(record, &events[n_events]), 0);
	}
	assert_int_equal(pclose(f), 0);
	assert_true(n_events >= 40000);
}

#define HOST  "tests/data/host-tracepoints-x86-40k.bin.xz"
#define X86   "tests/data/kernel-functions-x86-6.1-40k.bin.xz"
#define ARM64 "tests/data/kernel-functions-arm64-6.12-40k.bin.xz"

/* The bounds are 4 per cent above what there is, learning from nothing included. */
static void recordings_are_lossless_and_small(void **state)
{
	static const struct {
		const char *path;
		unsigned int most; /* thousandths of a byte per event, blocks of 1000 bytes */
	} files[] = {{HOST, 1450}, {X86, 960}, {ARM64, 930}};

	for (size_t f = 0; f < 3; f++) {
		load(files[f].path);
		through(1000, 0, 1250);
		assert_true(n_bytes * 1000 / n_events <= files[f].most);
		assert_in_range(n_bytes / n_blocks, 850, 1150);
		through(3560, 60 << 10, 4032);
		through(300, 1, 400); /* every block a group */
		for (size_t i = 0; i < n_blocks; i++)
			assert_true(blocks[i].starts_group);
	}
}

static void groups_keep_to_their_size(void **state)
{
	size_t fill = 0, groups = 0;

	load(HOST);
	through(1000, 20000, 1250);
	for (size_t i = 0; i < n_blocks; i++) {
		fill = blocks[i].starts_group ? blocks[i].size : fill + blocks[i].size;
		groups += blocks[i].starts_group;
		assert_true(fill <= 20000);
	}
	assert_in_range(groups, n_bytes / 20000, n_bytes / 18000 + 1);
}

/* Whichever block is missing: the others of its group behind it are refused, all else is exact. */
static void a_missing_block_costs_the_rest_of_its_group(void **state)
{
	load(X86);
	through(1000, 10000, 1250);
	for (size_t missing = 0; missing < n_blocks; missing++) {
		struct ayp_block_chain chain = {0};
		bool whole = true;

		decoder = ayp_block_decoder_init(decoder_mem);
		memset(next, 0, sizeof(next));
		for (size_t i = 0; i < n_blocks; i++) {
			const struct coded *b = &blocks[i];
			bool follows;

			whole = whole || b->starts_group;
			if (i == missing) {
				whole = false;
				skip_block(b);
				continue;
			}
			follows = ayp_block_chain_follow(
				&chain, AYP_CODEC_ADAPTIVE, bytes + b->at, b->size);
			assert_int_equal(follows, whole);
			if (!whole) {
				assert_int_equal(decode(i), AYP_BLOCK_CHAIN);
				skip_block(b);
				continue;
			}
			assert_int_equal(decode(i), b->info.count);
			check_block(b);
		}
	}
}

/* A damaged block cannot be built upon either, though it was there. */
static void after_a_damaged_block_the_chain_is_broken(void **state)
{
	load(HOST);
	through(1000, 0, 1250);
	decoder = ayp_block_decoder_init(decoder_mem);
	assert_true(decode(0) > 0);
	assert_true(decode(1) > 0);
	bytes[blocks[2].at + blocks[2].size / 2] ^= 4;
	assert_int_equal(decode(2), AYP_BLOCK_CORRUPT);
	assert_int_equal(decode(3), AYP_BLOCK_CHAIN);
	assert_int_equal(decode(1), AYP_BLOCK_CHAIN);
	bytes[blocks[2].at + blocks[2].size / 2] ^= 4;
	assert_int_equal(decode(2), AYP_BLOCK_CHAIN);
	assert_true(decode(0) > 0);
	assert_true(decode(1) > 0);
	assert_true(decode(2) > 0);
}

/* The same place in another group is another place. */
static void groups_do_not_mix(void **state)
{
	load(HOST);
	n_events = 8000;
	through(1000, 3500, 1250);
	size_t second = 1;

	while (!blocks[second].starts_group)
		second++;
	assert_false(blocks[1].starts_group || blocks[second + 1].starts_group);
	decoder = ayp_block_decoder_init(decoder_mem);
	assert_true(decode(0) > 0);
	assert_int_equal(decode(second + 1), AYP_BLOCK_CHAIN);
	assert_true(decode(1) > 0);
}

/* A repeat is refused and does no harm. */
static void repeated_blocks_are_refused(void **state)
{
	load(HOST);
	through(1000, 0, 1250);
	decoder = ayp_block_decoder_init(decoder_mem);
	assert_true(decode(0) > 0);
	assert_true(decode(1) > 0);
	assert_int_equal(decode(1), AYP_BLOCK_CHAIN);
	assert_true(decode(2) > 0);
}

static void restart_begins_a_group(void **state)
{
	load(HOST);
	start(1000, 0);
	put(events, 5000, 1250);
	assert_true(n_blocks > 3 && blocks[0].starts_group);
	for (size_t i = 1; i < n_blocks; i++)
		assert_false(blocks[i].starts_group);
	ayp_block_encoder_restart(encoder);
	size_t from = n_blocks;
	put(events + 5000, 5000, 1250);
	flush(1250);
	assert_true(blocks[from].starts_group);
	for (size_t i = from + 1; i < n_blocks; i++)
		assert_false(blocks[i].starts_group);
	n_events = 10000;
	check_all();
	/* without anything before it */
	decoder = ayp_block_decoder_init(decoder_mem);
	assert_int_equal(decode(from), blocks[from].info.count);
}

/* Group numbers are bytes; a state that is 256 groups old must not be taken for the new one. */
static void an_old_state_is_never_built_upon(void **state)
{
	load(HOST);
	n_events = 2000;
	start(100, 0);
	size_t first[300];

	for (unsigned int g = 0; g < 300; g++) {
		first[g] = n_blocks;
		ayp_block_encoder_restart(encoder);
		for (size_t i = 0; i < 40; i++)
			(void)ayp_block_encoder_put(encoder, &events[g * 5 + i]);
		cut(4032);
		for (size_t i = 0; i < 40; i++)
			(void)ayp_block_encoder_put(encoder, &events[g * 5 + 40 + i]);
		cut(4032);
		flush(4032);
	}
	for (unsigned int g = 0; g + 256 < 300; g++) {
		decoder = ayp_block_decoder_init(decoder_mem);
		assert_true(decode(first[g]) > 0);
		assert_int_equal(bytes[blocks[first[g]].at], bytes[blocks[first[g + 256]].at]);
		assert_true(decode(first[g + 256] + 1) < 0);
	}
}

static void fill_random(size_t n, uint64_t seed, bool wild)
{
	uint64_t rng = seed, now = random_next(&rng);

	n_events = n;
	for (size_t i = 0; i < n; i++) {
		now += wild ? random_next(&rng) : random_below(&rng, 2000);
		events[i] = (struct ayp_event){
			.t_ns = now - (random_below(&rng, 20) ? 0 : random_below(&rng, 5000)),
			.tid = wild ? (uint32_t)random_next(&rng) : 100 + random_below(&rng, 5),
			.func = wild ? (uint16_t)random_next(&rng)
				     : (uint16_t)random_below(&rng, 90),
			.cpu = (uint8_t)random_below(&rng, wild ? 256 : 4),
			.kind = (uint8_t)random_below(&rng, 3),
			.nargs = (uint8_t)random_below(&rng, wild ? 7 : 3),
		};
		for (unsigned int k = 0; k < events[i].nargs; k++)
			events[i].arg[k] = random_next(&rng) >> random_below(&rng, 64);
	}
}

static void anything_comes_back(void **state)
{
	/* Far more different functions than the dictionary holds, on all CPUs; small and large
	 * caps. */
	for (uint64_t seed = 1; seed <= 6; seed++) {
		fill_random(15000, seed, seed % 2);
		through(seed < 4 ? 1000 : 4000, seed % 3 ? 0 : 30000, seed < 4 ? 1250 : 4096);
	}
	fill_random(3000, 7, true);
	through(100, 0, AYP_BLOCK_MIN_CAP);
}

/* When the dictionary is full, what is in it still works, and what is not is spelled out. */
static void a_full_dictionary_is_no_end(void **state)
{
	n_events = 20000;
	for (size_t i = 0; i < n_events; i++)
		events[i] = (struct ayp_event){.t_ns = i * 100,
			.tid = 1,
			.func = (uint16_t)(i < 10000 ? i
					   : i % 3   ? i % 50
						     : i),
			.kind = (uint8_t)(i % 3)};
	through(1000, 0, 1250);
}

/* Steps back, jumps across half the range, none at all; on one CPU and between two. */
static void time_may_do_anything(void **state)
{
	static const uint64_t times[] = {5, 5, 0, UINT64_MAX, 0, (uint64_t)1 << 63, 0,
		((uint64_t)1 << 63) - 1, UINT64_MAX, UINT64_MAX - 1, 1, (uint64_t)1 << 62, 3};
	size_t n = sizeof(times) / sizeof(times[0]);

	for (size_t from = 0; from < n; from++) {
		for (size_t step = 1; step <= 1024; step *= 4) {
			n_events = 4 * n;
			for (size_t i = 0; i < 4 * n; i++)
				events[i] = (struct ayp_event){.t_ns = times[(from + i) % n] * step,
					.tid = 1,
					.cpu = (uint8_t)(i / n % 2)};
			through(400, 0, 512);
		}
	}
	/* steps that are all multiples of 2^62 and 2^63 */
	for (unsigned int bits = 62; bits < 64; bits++) {
		n_events = 100;
		for (size_t i = 0; i < n_events; i++)
			events[i] = (struct ayp_event){.t_ns = (uint64_t)(i * i / 3) << bits};
		through(1000, 0, 1250);
	}
}

/* The worst that is an event, in the smallest block. */
static void one_event_fits_the_smallest_block(void **state)
{
	uint64_t rng = 1;

	for (unsigned int round = 0; round < 300; round++) {
		fill_random(8, round, true);
		for (size_t i = 0; i < n_events; i++) {
			events[i].nargs = 6;
			for (unsigned int k = 0; k < 6; k++)
				events[i].arg[k] = random_next(&rng);
		}
		through(1, 0, AYP_BLOCK_MIN_CAP);
	}
}

/* More than fits is left for the next block, and the books by CPU say what went. */
static void a_flood_is_cut_in_pieces(void **state)
{
	fill_random(AYP_BLOCK_MAX_EVENTS, 11, true);
	start(1000, 0);
	for (size_t i = 0; i < n_events; i++)
		assert_true(ayp_block_encoder_put(encoder, &events[i]) >= 0);
	assert_int_equal(ayp_block_encoder_put(encoder, &events[0]), -1);
	flush(1000);
	assert_true(n_blocks > 50);
	check_all();
}

static size_t size_with_clock(uint64_t seed, uint64_t numerator, uint64_t denominator)
{
	uint64_t rng = seed, ticks = 1000000;

	n_events = 30000;
	for (size_t i = 0; i < n_events; i++) {
		ticks += 40 + random_below(&rng, 64) + (random_below(&rng, 500) ? 0 : 100000);
		events[i] = (struct ayp_event){
			.t_ns = ticks * numerator / denominator, .tid = 7, .kind = i % 2};
	}
	through(1000, 60 << 10, 1250);
	return n_bytes;
}

/* What a clock cannot say costs nothing: 62.5 MHz, 54 MHz (18.52 ns), 24 MHz (41.67 ns), 99.9 MHz.
 */
static void ticks_of_the_clock_are_learned(void **state)
{
	size_t fine = size_with_clock(3, 1, 1);

	assert_in_range(size_with_clock(3, 16, 1), fine * 97 / 100, fine * 103 / 100);
	assert_in_range(size_with_clock(3, 1000, 54), fine * 97 / 100, fine * 106 / 100);
	assert_in_range(size_with_clock(3, 1000, 24), fine * 97 / 100, fine * 106 / 100);
	assert_in_range(size_with_clock(3, 10000, 999), fine * 97 / 100, fine * 106 / 100);
}

/* The clock of a board may change its pace, and be corrected. */
static void a_clock_that_changes_is_followed(void **state)
{
	uint64_t rng = 4, now = 0;

	n_events = 40000;
	for (size_t i = 0; i < n_events; i++) {
		uint64_t ticks = 40 + random_below(&rng, 64);

		now += i < 15000   ? ticks * 18518518
		       : i < 25000 ? ticks * 18522518
				   : ticks * 52083333;
		events[i] = (struct ayp_event){.t_ns = now / 1000000, .tid = 7, .kind = i % 2};
	}
	through(1000, 0, 1250);
	/* 6 bits of ticks; 4.2 and 5.7 more in nanoseconds */
	assert_in_range(n_bytes * 1000 / n_events, 700, 845);
}

/* Every kind of record: samples with their stack, switches, packets. */
static void arguments_are_learned(void **state)
{
	uint64_t rng = 9;

	n_events = 10000;
	for (size_t i = 0; i < n_events; i++) {
		struct ayp_event *e = &events[i];

		*e = (struct ayp_event){.t_ns = i * 1000, .kind = AYP_INSTANT};
		e->func = (uint16_t)(i % 3);
		e->nargs = i % 3 == 0 ? 2 : i % 3 == 1 ? 1 : 4;
		e->tid = (uint32_t)(i / 3 % 2 ? 100 : 200);
		e->arg[0] = i % 3 == 0 ? 300 - e->tid : random_below(&rng, 3);
		e->arg[1] = 1;
		e->arg[2] = (uint64_t)0x020000000001 << 16 | 0x0800;
		e->arg[3] = 0x020000000002;
	}
	through(1000, 0, 1250);
	/* the choice of three is all that is not known before: 1.6 bits in two of three events */
	assert_true(n_bytes * 8 * 100 / n_events < 150);
}

static void damage_is_seen(void **state)
{
	static uint8_t bad[4096];
	uint64_t rng = 5;
	unsigned int differ = 0;

	fill_random(300, 3, false);
	through(4000, 0, 4096);
	assert_int_equal(n_blocks, 1);
	for (size_t bit = 0; bit < 8 * blocks[0].size; bit++) {
		int n;

		memcpy(bad, bytes, blocks[0].size);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		n = ayp_block_decode(
			decoder, AYP_CODEC_ADAPTIVE, bad, blocks[0].size, 300, decoded, 300);
		assert_true(n == 300 || n == AYP_BLOCK_CORRUPT || n == AYP_BLOCK_CHAIN);
		/* Some bits say nothing: the group's number, the last ones. */
		memset(next, 0, sizeof(next));
		for (int i = 0; i < n; i++)
			differ += !same_event(&decoded[i], next_of(decoded[i].cpu));
	}
	assert_int_equal(differ, 0);
	for (size_t len = 0; len < blocks[0].size; len++)
		assert_true(ayp_block_decode(decoder, AYP_CODEC_ADAPTIVE, bytes, len, 300, decoded,
				    300) < 0);
	/* Zeros at the end may be there or not, but no more than a decoder reads. */
	memcpy(bad, bytes, blocks[0].size);
	memset(bad + blocks[0].size, 0, 6);
	assert_int_equal(ayp_block_decode(decoder, AYP_CODEC_ADAPTIVE, bad, blocks[0].size + 6, 300,
				 decoded, 300),
		AYP_BLOCK_CORRUPT);
	for (unsigned int i = 0; i < 3000; i++) {
		size_t noise = random_below(&rng, 200);

		for (size_t k = 0; k < noise; k++)
			bad[k] = (uint8_t)random_next(&rng);
		if (i % 2)
			memcpy(bad, "\1\0\2\1\0\377\1", 7); /* a head that reads well */
		(void)ayp_block_decode(decoder, AYP_CODEC_ADAPTIVE, bad, noise,
			i % 2 ? 255 : 1 + random_below(&rng, 4096), decoded, 4096);
	}
	assert_int_equal(decode(0), 300);
}

static void heads_are_checked(void **state)
{
	static const struct {
		uint8_t at, value;
		int error;
		const char *why;
	} cases[] = {
		{1, 1, AYP_BLOCK_CHAIN, "builds on nothing"},
		{2, 0, AYP_BLOCK_CORRUPT, "no clock"},
		{2, 1, AYP_BLOCK_CORRUPT, "a clock that stands still"},
		{3, 0, AYP_BLOCK_CORRUPT, "no runs"},
		{3, 1, AYP_BLOCK_CORRUPT, "too few runs"},
		{3, 3, AYP_BLOCK_CORRUPT, "too many runs"},
		{4, 9, AYP_BLOCK_CORRUPT, "CPUs not ascending"},
		{5, 0, AYP_BLOCK_CORRUPT, "an empty run"},
		{5, 3, AYP_BLOCK_CORRUPT, "more events than there are"},
		{5, 1, AYP_BLOCK_CORRUPT, "fewer events than there are"},
		{8, 0x5a, AYP_BLOCK_CORRUPT, "check value"},
	};
	uint8_t bad[64];

	n_events = 4;
	for (size_t i = 0; i < 4; i++)
		events[i] = (struct ayp_event){.t_ns = 1000 + i * 7, .tid = 42, .cpu = 8 + i / 2};
	through(1000, 0, 1250);
	assert_int_equal(n_blocks, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int n;

		decoder = ayp_block_decoder_init(decoder_mem);
		memcpy(bad, bytes, blocks[0].size);
		bad[cases[i].at] = cases[i].value;
		n = ayp_block_decode(
			decoder, AYP_CODEC_ADAPTIVE, bad, blocks[0].size, 4, decoded, 4);
		if (n != cases[i].error)
			fail_msg("%d: %s", n, cases[i].why);
	}
	assert_int_equal(
		ayp_block_decode(decoder, AYP_CODEC_ADAPTIVE, bytes, blocks[0].size, 4, decoded, 3),
		AYP_BLOCK_TOO_LARGE);
	/* a run of nothing behind the others */
	memcpy(bad, bytes, 8);
	bad[3] = 3;
	memcpy(bad + 8, "\x0a\0", 2);
	memcpy(bad + 10, bytes + 8, blocks[0].size - 8);
	assert_int_equal(ayp_block_decode(decoder, AYP_CODEC_ADAPTIVE, bad, blocks[0].size + 2, 4,
				 decoded, 4),
		AYP_BLOCK_CORRUPT);
	assert_string_equal(ayp_codec_name(AYP_CODEC_ADAPTIVE), "adaptive");
}

static void memory_is_what_the_header_says(void **state)
{
	assert_true(ayp_block_encoder_size(AYP_CODEC_ADAPTIVE) <= 1u << 20);
	assert_true(ayp_block_decoder_size() <= 1u << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recordings_are_lossless_and_small),
		cmocka_unit_test(groups_keep_to_their_size),
		cmocka_unit_test(a_missing_block_costs_the_rest_of_its_group),
		cmocka_unit_test(after_a_damaged_block_the_chain_is_broken),
		cmocka_unit_test(groups_do_not_mix),
		cmocka_unit_test(repeated_blocks_are_refused),
		cmocka_unit_test(restart_begins_a_group),
		cmocka_unit_test(an_old_state_is_never_built_upon),
		cmocka_unit_test(anything_comes_back),
		cmocka_unit_test(a_full_dictionary_is_no_end),
		cmocka_unit_test(time_may_do_anything),
		cmocka_unit_test(one_event_fits_the_smallest_block),
		cmocka_unit_test(a_flood_is_cut_in_pieces),
		cmocka_unit_test(ticks_of_the_clock_are_learned),
		cmocka_unit_test(a_clock_that_changes_is_followed),
		cmocka_unit_test(arguments_are_learned),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(heads_are_checked),
		cmocka_unit_test(memory_is_what_the_header_says),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
