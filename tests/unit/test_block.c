/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdbool.h>

#include "tests/unit/vectors.h"
#include "tests/unit/random.h"

#include "proto/block.h"

#define CAP 4032u /* Events.block */

static struct ayp_block_encoder *encoder;
static struct ayp_block_decoder *decoder;
static void *encoder_mem, *decoder_mem;
static struct ayp_event out[AYP_BLOCK_MAX_EVENTS];

static int setup(void **state)
{
	encoder_mem = malloc(ayp_block_encoder_size(AYP_CODEC_COLUMNS));
	decoder_mem = malloc(ayp_block_decoder_size());
	decoder = ayp_block_decoder_init(decoder_mem);
	return decoder ? 0 : -1;
}

static int teardown(void **state)
{
	free(encoder_mem);
	free(decoder_mem);
	return 0;
}

static void start(size_t target)
{
	struct ayp_block_config config = {.codec = AYP_CODEC_COLUMNS, .target_bytes = target};

	encoder = ayp_block_encoder_init(encoder_mem, &config);
	assert_non_null(encoder);
}

static void assert_same_event(const struct ayp_event *a, const struct ayp_event *b)
{
	assert_int_equal(a->t_ns, b->t_ns);
	assert_int_equal(a->tid, b->tid);
	assert_int_equal(a->func, b->func);
	assert_int_equal(a->cpu, b->cpu);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->nargs, b->nargs);
	for (unsigned int k = 0; k < a->nargs; k++)
		assert_int_equal(a->arg[k], b->arg[k]);
}

/* Cut one block; its events must be the first ones of ev[0..n), each CPU in its order. Returns how
 * many there were. */
static uint32_t cut_and_check(const struct ayp_event *ev, size_t n, size_t cap, size_t *bytes)
{
	static uint8_t block[65536];
	struct ayp_block_info info;
	uint32_t pending = ayp_block_encoder_pending(encoder), at = 0;
	uint64_t first = UINT64_MAX, last = 0;
	size_t size;

	assert_true(cap <= sizeof(block));
	size = ayp_block_encoder_cut(encoder, block, cap, &info);
	assert_true(size > 0 && size <= cap);
	assert_true(info.count > 0 && info.count <= n && info.count <= pending);
	assert_int_equal(info.codec, AYP_CODEC_COLUMNS);
	assert_int_equal(ayp_block_encoder_pending(encoder), pending - info.count);
	memset(out, 0xee, sizeof(out));
	assert_int_equal(ayp_block_decode(decoder, info.codec, block, size, info.count, out,
				 AYP_BLOCK_MAX_EVENTS),
		info.count);
	for (unsigned int cpu = 0; cpu < 256; cpu++)
		for (uint32_t i = 0; i < info.count; i++)
			if (ev[i].cpu == cpu)
				assert_same_event(&out[at++], &ev[i]);
	for (uint32_t i = 0; i < info.count; i++) {
		info.per_cpu[ev[i].cpu]--;
		first = ev[i].t_ns < first ? ev[i].t_ns : first;
		last = ev[i].t_ns > last ? ev[i].t_ns : last;
	}
	for (unsigned int cpu = 0; cpu < 256; cpu++)
		assert_int_equal(info.per_cpu[cpu], 0);
	assert_int_equal(info.first_ns, first);
	assert_int_equal(info.last_ns, last);
	*bytes += size;
	return info.count;
}

/* Everything through the encoder, cut when it asks. Returns the bytes; *blocks their number. */
static size_t through(const struct ayp_event *ev, size_t n, size_t cap, unsigned int *blocks)
{
	size_t done = 0, bytes = 0;

	*blocks = 0;
	for (size_t i = 0; i < n; i++) {
		int cut = ayp_block_encoder_put(encoder, &ev[i]);

		assert_true(cut == 0 || cut == 1);
		if (cut) {
			done += cut_and_check(ev + done, n - done, cap, &bytes);
			++*blocks;
		}
	}
	while (ayp_block_encoder_pending(encoder)) {
		done += cut_and_check(ev + done, n - done, cap, &bytes);
		++*blocks;
	}
	assert_int_equal(done, n);
	return bytes;
}

static struct ayp_event *recording(const char *path, size_t *n)
{
	char command[256];
	uint8_t record[AYP_RECORD_SIZE];
	struct ayp_event *ev = NULL;
	FILE *f;

	snprintf(command, sizeof(command), "xz -dc %s", path);
	f = popen(command, "r");
	assert_non_null(f);
	for (*n = 0; fread(record, sizeof(record), 1, f) == 1; ++*n) {
		if (*n % 4096 == 0)
			ev = realloc(ev, (*n + 4096) * sizeof(*ev));
		assert_non_null(ev);
		assert_int_equal(ayp_record_read(record, &ev[*n]), 0);
	}
	assert_int_equal(pclose(f), 0);
	assert_true(*n >= 10000);
	return ev;
}

/* Real ones come back exactly, in blocks of about the size asked for, and small: the bounds are
 * what deflate of columns that keep whole times in bytes reaches. */
static void recordings_are_lossless_and_small(void **state)
{
	static const struct {
		const char *path;
		unsigned int most; /* thousandths of a byte per event, blocks of 400 events */
	} files[] = {
		{"tests/data/host-tracepoints-x86-40k.bin.xz", 2350},
		{"tests/data/kernel-functions-x86-6.1-40k.bin.xz", 2080},
		{"tests/data/kernel-functions-arm64-6.12-40k.bin.xz", 1800},
	};
	static const size_t targets[] = {1000, 2000, 3800};

	for (size_t f = 0; f < 3; f++) {
		size_t n, bytes = 0, done = 0;
		struct ayp_event *ev = recording(files[f].path, &n);
		unsigned int blocks;

		for (size_t t = 0; t < 3; t++) {
			start(targets[t]);
			bytes = through(ev, n, CAP, &blocks);
			assert_in_range(bytes / blocks, targets[t] * 2 / 3, targets[t] * 4 / 3);
		}

		start(CAP);
		for (bytes = 0; done + 400 <= n;) {
			for (size_t i = 0; i < 400; i++)
				assert_true(ayp_block_encoder_put(encoder, &ev[done + i]) >= 0);
			assert_int_equal(cut_and_check(ev + done, n - done, CAP, &bytes), 400);
			done += 400;
		}
		assert_true(bytes * 1000 / done <= files[f].most);
		free(ev);
	}
}

static void one_event_fits_the_smallest_block(void **state)
{
	struct ayp_event ev = {.t_ns = UINT64_MAX - 1,
		.tid = UINT32_MAX,
		.func = UINT16_MAX,
		.cpu = 255,
		.kind = AYP_INSTANT,
		.nargs = 6};
	uint64_t rng = 1;
	size_t bytes = 0;

	for (unsigned int i = 0; i < 1000; i++) {
		for (unsigned int k = 0; k < 6; k++)
			ev.arg[k] = random_next(&rng) | (uint64_t)1 << 63;
		start(1);
		assert_int_equal(ayp_block_encoder_put(encoder, &ev), 1);
		assert_int_equal(cut_and_check(&ev, 1, AYP_BLOCK_MIN_CAP, &bytes), 1);
	}
}

static void fill_random(struct ayp_event *ev, size_t n, uint64_t seed, bool wild)
{
	uint64_t rng = seed, now = random_next(&rng);

	for (size_t i = 0; i < n; i++) {
		now += wild ? random_next(&rng) : random_below(&rng, 2000);
		ev[i] = (struct ayp_event){
			.t_ns = now - (random_below(&rng, 20) ? 0 : random_below(&rng, 5000)),
			.tid = wild ? (uint32_t)random_next(&rng) : 100 + random_below(&rng, 5),
			.func = wild ? (uint16_t)random_next(&rng)
				     : (uint16_t)random_below(&rng, 90),
			.cpu = (uint8_t)random_below(&rng, wild ? 256 : 4),
			.kind = (uint8_t)random_below(&rng, 3),
			.nargs = (uint8_t)random_below(&rng, wild ? 7 : 3),
		};
		for (unsigned int k = 0; k < ev[i].nargs; k++)
			ev[i].arg[k] = random_next(&rng) >> random_below(&rng, 64);
	}
}

static void anything_comes_back(void **state)
{
	static struct ayp_event ev[6000];
	unsigned int blocks;

	for (uint64_t seed = 1; seed <= 6; seed++) {
		fill_random(ev, 6000, seed, seed % 2);
		start(seed < 4 ? 1000 : 4000);
		(void)through(ev, 6000, CAP, &blocks);
	}
}

/* A thread that steps back in time, jumps across half the range, stands still. */
static void time_may_do_anything(void **state)
{
	static const uint64_t times[] = {5, 5, 0, UINT64_MAX, 0, (uint64_t)1 << 63, 0,
		((uint64_t)1 << 63) - 1, UINT64_MAX, UINT64_MAX - 1, 1, (uint64_t)1 << 62, 3};
	struct ayp_event ev[sizeof(times) / sizeof(times[0])];
	size_t n = sizeof(times) / sizeof(times[0]), bytes = 0;

	for (size_t from = 0; from < n; from++) {
		for (size_t step = 1; step <= 1024; step *= 4) {
			start(CAP);
			for (size_t i = 0; i < n; i++) {
				ev[i] = (struct ayp_event){
					.t_ns = times[(from + i) % n] * step, .tid = 1};
				assert_int_equal(ayp_block_encoder_put(encoder, &ev[i]), 0);
			}
			assert_int_equal(cut_and_check(ev, n, CAP, &bytes), n);
		}
	}
}

/* When events become expensive all at once, blocks soon have the wanted size again. */
static void the_encoder_adapts(void **state)
{
	static struct ayp_event ev[8000];
	unsigned int blocks;
	size_t bytes;

	for (size_t i = 0; i < 8000; i++)
		ev[i] = (struct ayp_event){.t_ns = i * 1000, .tid = 5, .kind = i % 2};
	start(2000);
	(void)through(ev, 8000, CAP, &blocks);
	assert_true(blocks < 10);
	fill_random(ev, 8000, 21, true);
	bytes = through(ev, 8000, CAP, &blocks);
	assert_in_range(bytes / blocks, 1500, 2500);
}

/* Low bits that are always zero cost nothing. */
static void a_coarse_clock_is_noticed(void **state)
{
	static struct ayp_event fine[1000], coarse[1000];
	size_t fine_bytes, coarse_bytes;
	unsigned int blocks;
	uint64_t rng = 7, now = 12345;

	for (size_t i = 0; i < 1000; i++) {
		fine[i] = (struct ayp_event){.t_ns = now += random_below(&rng, 4096)};
		coarse[i] = fine[i];
		coarse[i].t_ns = fine[i].t_ns * 1024 + 77;
	}
	start(CAP);
	fine_bytes = through(fine, 1000, CAP, &blocks);
	start(CAP);
	coarse_bytes = through(coarse, 1000, CAP, &blocks);
	assert_in_range(coarse_bytes, fine_bytes - 10, fine_bytes + 10);
}

static void a_full_encoder_says_so_and_loses_nothing(void **state)
{
	static struct ayp_event ev[AYP_BLOCK_MAX_EVENTS + 1];
	size_t done = 0, bytes = 0;

	fill_random(ev, AYP_BLOCK_MAX_EVENTS + 1, 11, true);
	start(1000);
	for (uint32_t i = 0; i < AYP_BLOCK_MAX_EVENTS; i++)
		assert_true(ayp_block_encoder_put(encoder, &ev[i]) >= 0);
	assert_int_equal(ayp_block_encoder_put(encoder, &ev[AYP_BLOCK_MAX_EVENTS]), -1);
	assert_int_equal(ayp_block_encoder_pending(encoder), AYP_BLOCK_MAX_EVENTS);
	/* far more than fits a block: several blocks, in order */
	while (ayp_block_encoder_pending(encoder))
		done += cut_and_check(ev + done, AYP_BLOCK_MAX_EVENTS - done, 1000, &bytes);
	assert_int_equal(done, AYP_BLOCK_MAX_EVENTS);
	assert_int_equal(ayp_block_encoder_put(encoder, &ev[AYP_BLOCK_MAX_EVENTS]) >= 0, 1);
}

static void nothing_pending_makes_no_block(void **state)
{
	uint8_t dst[AYP_BLOCK_MIN_CAP];
	struct ayp_block_info info;

	start(1000);
	assert_int_equal(ayp_block_encoder_cut(encoder, dst, sizeof(dst), &info), 0);
}

static void what_is_no_event_is_not_taken(void **state)
{
	start(1000);
	assert_int_equal(ayp_block_encoder_put(encoder, &(struct ayp_event){.kind = 3}), -2);
	assert_int_equal(ayp_block_encoder_put(encoder, &(struct ayp_event){.nargs = 7}), -2);
	assert_int_equal(ayp_block_encoder_pending(encoder), 0);
}

static void golden_vectors(void **state)
{
	static struct vectors v;
	static uint8_t bytes[VECTOR_BYTES];
	unsigned int blocks = 0;

	vectors_open(&v);
	while (vectors_next(&v)) {
		uint32_t codec, count;
		size_t size;

		if (!vectors_is(&v, "block"))
			continue;
		codec = (uint32_t)vectors_number(&v, 1);
		count = (uint32_t)vectors_number(&v, 2);
		size = vectors_bytes(&v, 3, bytes);
		assert_int_equal(
			ayp_block_decode(decoder, codec, bytes, size, count, out, count), count);
		for (uint32_t i = 0; i < count; i++) {
			struct ayp_event ev;

			assert_true(vectors_next(&v) && vectors_is(&v, "event"));
			ev = (struct ayp_event){.t_ns = vectors_number(&v, 1),
				.tid = (uint32_t)vectors_number(&v, 2),
				.func = (uint16_t)vectors_number(&v, 3),
				.cpu = (uint8_t)vectors_number(&v, 4),
				.kind = (uint8_t)vectors_number(&v, 5),
				.nargs = (uint8_t)vectors_number(&v, 6)};
			for (unsigned int k = 0; k < ev.nargs; k++)
				ev.arg[k] = vectors_number(&v, 7 + k);
			assert_same_event(&out[i], &ev);
		}
		blocks++;
	}
	assert_true(blocks >= 30);
}

static void errors_have_their_codes(void **state)
{
	/* PROTOCOL.md's worked example */
	static const uint8_t good[] = {0x01, 0x01, 0x63, 0x64, 0x79, 0xc1, 0xce, 0xc4, 0xc0, 0xcc,
		0xc8, 0xc8, 0xa4, 0xa5, 0x2d, 0x2a, 0x26, 0xc1, 0xc1, 0xc0, 0xc0, 0xc0, 0xc8, 0xc0,
		0xec, 0xc8, 0x08, 0xa4, 0x99, 0x74, 0x18, 0x01};
	uint8_t longer[sizeof(good) + 1] = {0};

	assert_int_equal(ayp_block_decode(decoder, 1, good, sizeof(good), 4, out, 4), 4);
	assert_int_equal(
		ayp_block_decode(decoder, 0, good, sizeof(good), 4, out, 4), AYP_BLOCK_CODEC);
	assert_int_equal(
		ayp_block_decode(decoder, 99, good, sizeof(good), 4, out, 4), AYP_BLOCK_CODEC);
	assert_int_equal(
		ayp_block_decode(decoder, 1, good, sizeof(good), 4, out, 3), AYP_BLOCK_TOO_LARGE);
	assert_int_equal(ayp_block_decode(decoder, 1, good, sizeof(good), AYP_BLOCK_MAX_EVENTS + 1,
				 out, SIZE_MAX),
		AYP_BLOCK_TOO_LARGE);
	assert_int_equal(
		ayp_block_decode(decoder, 1, good, sizeof(good), 0, out, 4), AYP_BLOCK_CORRUPT);
	assert_int_equal(
		ayp_block_decode(decoder, 1, good, sizeof(good), 3, out, 4), AYP_BLOCK_CORRUPT);
	assert_int_equal(
		ayp_block_decode(decoder, 1, good, sizeof(good), 5, out, 5), AYP_BLOCK_CORRUPT);
	for (size_t len = 0; len < sizeof(good); len++)
		assert_int_equal(
			ayp_block_decode(decoder, 1, good, len, 4, out, 4), AYP_BLOCK_CORRUPT);
	memcpy(longer, good, sizeof(good));
	assert_int_equal(
		ayp_block_decode(decoder, 1, longer, sizeof(longer), 4, out, 4), AYP_BLOCK_CORRUPT);
	assert_string_equal(ayp_codec_name(AYP_CODEC_COLUMNS), "columns");
	assert_string_equal(ayp_codec_name(0), "unknown");
}

/* Columns by hand, stored without compression, to reach every check behind deflate. */
static int decode_columns(
	const uint8_t *columns, size_t len, const uint8_t *bits, size_t n_bits, uint32_t count)
{
	uint8_t block[256];
	size_t at = 0;

	block[at++] = (uint8_t)n_bits;
	memcpy(block + at, bits, n_bits);
	at += n_bits;
	block[at++] = 1; /* RFC 1951 3.2.4: last block, stored */
	block[at++] = (uint8_t)len;
	block[at++] = 0;
	block[at++] = (uint8_t)~len;
	block[at++] = 0xff;
	memcpy(block + at, columns, len);
	return ayp_block_decode(
		decoder, AYP_CODEC_COLUMNS, block, at + len, count, out, AYP_BLOCK_MAX_EVENTS);
}

static void every_value_out_of_range_is_refused(void **state)
{
	static const uint8_t good[] = {0x01, 0x04, 0xe8, 0x07, 0x02, 0x00, 0x03, 0x01, 0x01, 0x02,
		0x2a, 0x2b, 0x15, 0x16, 0x18, 0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x03, 0x41, 0x01,
		0x00, 0x00, 0x00, 0x02, 0x2c, 0x01};
	static const uint8_t bits[] = {0x01, 0x00};
	static const struct {
		uint8_t at, value;
		const char *why;
	} cases[] = {
		{0, 0x03, "unknown flag"},
		{1, 64, "shift"},
		{1, 62, "shift and bit length over 64"},
		{4, 0x01, "too few groups"},
		{4, 0x03, "too many groups"},
		{6, 0x00, "an empty group"},
		{6, 0x04, "more events than count"},
		{7, 0x00, "CPUs not ascending"},
		{9, 0x00, "no threads"},
		{9, 0x05, "more threads than events"},
		{19, 0x02, "thread index"},
		{20, 64, "time code 64"},
		{20, 129, "time code over 128"},
		{20, 40, "bit string too short"},
		{27, 0x07, "seven arguments"},
		{27, 0x01, "columns go on"},
		{27, 0x03, "columns end early"},
	};
	uint8_t bad[sizeof(good)], wide[sizeof(good) + 8];

	assert_int_equal(decode_columns(good, sizeof(good), bits, 1, 4), 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bad, good, sizeof(good));
		bad[cases[i].at] = cases[i].value;
		if (decode_columns(bad, sizeof(bad), bits, 1, 4) != AYP_BLOCK_CORRUPT)
			fail_msg("taken: %s", cases[i].why);
	}
	/* the same base in ten bytes, and one that is no 64-bit number */
	memcpy(wide, good, 2);
	memcpy(wide + 2, "\xe8\x87\x80\x80\x80\x80\x80\x80\x80\x00", 10);
	memcpy(wide + 12, good + 4, sizeof(good) - 4);
	assert_int_equal(decode_columns(wide, sizeof(wide), bits, 1, 4), 4);
	wide[11] = 0x02;
	assert_int_equal(decode_columns(wide, sizeof(wide), bits, 1, 4), AYP_BLOCK_CORRUPT);
	assert_int_equal(decode_columns(good, sizeof(good), bits, 2, 4), AYP_BLOCK_CORRUPT);
	assert_int_equal(decode_columns(good, sizeof(good), bits, 0, 4), AYP_BLOCK_CORRUPT);
}

static void noise_and_bit_errors_are_harmless(void **state)
{
	static struct ayp_event ev[300];
	uint8_t block[CAP], bad[CAP];
	struct ayp_block_info info;
	uint64_t rng = 5;
	size_t size, noise;

	fill_random(ev, 300, 3, false);
	start(CAP);
	for (size_t i = 0; i < 300; i++)
		assert_true(ayp_block_encoder_put(encoder, &ev[i]) >= 0);
	size = ayp_block_encoder_cut(encoder, block, sizeof(block), &info);
	for (size_t bit = 0; bit < 8 * size; bit++) {
		int n;

		memcpy(bad, block, size);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		n = ayp_block_decode(decoder, info.codec, bad, size, info.count, out, info.count);
		assert_true(n == (int)info.count || n == AYP_BLOCK_CORRUPT);
	}
	for (unsigned int i = 0; i < 20000; i++) {
		noise = random_below(&rng, 200);
		for (size_t k = 0; k < noise; k++)
			bad[k] = (uint8_t)random_next(&rng);
		(void)ayp_block_decode(
			decoder, 1, bad, noise, 1 + random_below(&rng, 4096), out, 4096);
	}
	/* and the decoder still works */
	assert_int_equal(
		ayp_block_decode(decoder, info.codec, block, size, info.count, out, 300), 300);
}

static void memory_is_what_the_header_says(void **state)
{
	assert_true(ayp_block_encoder_size(AYP_CODEC_COLUMNS) <= 1u << 20);
	assert_true(ayp_block_decoder_size() <= 1u << 20);
	assert_int_equal(ayp_block_encoder_size(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recordings_are_lossless_and_small),
		cmocka_unit_test(one_event_fits_the_smallest_block),
		cmocka_unit_test(anything_comes_back),
		cmocka_unit_test(time_may_do_anything),
		cmocka_unit_test(the_encoder_adapts),
		cmocka_unit_test(a_coarse_clock_is_noticed),
		cmocka_unit_test(a_full_encoder_says_so_and_loses_nothing),
		cmocka_unit_test(nothing_pending_makes_no_block),
		cmocka_unit_test(what_is_no_event_is_not_taken),
		cmocka_unit_test(golden_vectors),
		cmocka_unit_test(errors_have_their_codes),
		cmocka_unit_test(every_value_out_of_range_is_refused),
		cmocka_unit_test(noise_and_bit_errors_are_harmless),
		cmocka_unit_test(memory_is_what_the_header_says),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
