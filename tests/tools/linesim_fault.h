/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Damage to a byte stream, reproducible: where the next fault strikes is drawn as a distance in bytes
 * (bits), from a generator of its own for every kind of fault. Part of linesim.c.
 */
#ifndef TESTS_LINESIM_FAULT_H
#define TESTS_LINESIM_FAULT_H

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_MAX_TEXT 1024u /* longest line of an inserted text */

struct fault_options {
	double ber, drop, dup; /* probabilities */
	double burst_gap;      /* mean bytes between bursts, 0: none */
	uint64_t burst_len;
	double text_gap; /* mean bytes between inserted lines, 0: none */
	bool text_anywhere;
	const char *text_path, *text_log;
};

struct fault_counts {
	uint64_t flipped_bits, dropped, duplicated, bursts, babble_bytes, text_lines, text_bytes;
};

struct faults {
	struct fault_options opt;
	struct fault_counts count;
	uint64_t rng_bit, rng_drop, rng_dup, rng_burst, rng_text, rng_babble, rng_garbage;
	uint64_t bits_to_flip, to_drop, to_dup, to_burst, to_text; /* distances that are left */
	uint64_t burst_left;
	unsigned int text_due;
	bool in_segment; /* bytes since the last 00 */
	bool frame_end;  /* the last byte closed a frame */
	char *text;      /* whole file */
	size_t text_len, text_at;
	FILE *log;
};

typedef void (*fault_emit)(void *ctx, uint8_t byte);

/* SplitMix64. */
static inline uint64_t fault_random(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

/* How many trials of probability p fail before one succeeds. */
static inline uint64_t fault_distance(uint64_t *state, double p)
{
	double u = ((double)(fault_random(state) >> 11) + 0.5) / 9007199254740992.0;

	if (p <= 0)
		return UINT64_MAX;
	if (p >= 1)
		return 0;
	double d = floor(log(u) / log1p(-p));
	return d < 1e18 ? (uint64_t)d : UINT64_MAX;
}

static inline double fault_rate(double gap)
{
	return gap > 0 ? 1 / gap : 0;
}

static inline void faults_set_ber(struct faults *f, double ber)
{
	f->opt.ber = ber;
	f->bits_to_flip = fault_distance(&f->rng_bit, ber);
}

static inline int faults_load_text(struct faults *f)
{
	FILE *in = fopen(f->opt.text_path, "re");
	size_t n;

	if (!in)
		return -errno;
	f->text = malloc(1 << 20);
	n = f->text ? fread(f->text, 1, 1 << 20, in) : 0;
	fclose(in);
	f->text_len = n;
	return n ? 0 : -EINVAL;
}

/* 0 or a negative errno. */
static inline int faults_init(struct faults *f, const struct fault_options *opt, uint64_t seed)
{
	uint64_t *rng[] = {&f->rng_bit, &f->rng_drop, &f->rng_dup, &f->rng_burst, &f->rng_text,
		&f->rng_babble, &f->rng_garbage};
	int err = 0;

	*f = (struct faults){.opt = *opt};
	for (size_t i = 0; i < sizeof(rng) / sizeof(rng[0]); i++)
		*rng[i] = fault_random(&seed);
	f->bits_to_flip = fault_distance(&f->rng_bit, opt->ber);
	f->to_drop = fault_distance(&f->rng_drop, opt->drop);
	f->to_dup = fault_distance(&f->rng_dup, opt->dup);
	f->to_burst = fault_distance(&f->rng_burst, fault_rate(opt->burst_gap));
	f->to_text = fault_distance(&f->rng_text, fault_rate(opt->text_gap));
	if (opt->text_path)
		err = faults_load_text(f);
	if (!err && opt->text_log) {
		f->log = fopen(opt->text_log, "we");
		err = f->log ? 0 : -errno;
	}
	return err;
}

static inline bool fault_due(uint64_t *left, uint64_t *rng, double p)
{
	if (*left == UINT64_MAX)
		return false;
	if (*left) {
		--*left;
		return false;
	}
	*left = fault_distance(rng, p);
	return true;
}

/* Noise on the wire: hits frames and text alike. */
static inline void faults_noise(struct faults *f, uint8_t byte, fault_emit emit, void *ctx)
{
	while (f->bits_to_flip < 8) {
		byte ^= (uint8_t)(1u << f->bits_to_flip);
		f->count.flipped_bits++;
		/* The distance counts from the bit after this one. */
		uint64_t d = fault_distance(&f->rng_bit, f->opt.ber);
		f->bits_to_flip = d == UINT64_MAX ? d : f->bits_to_flip + 1 + d;
	}
	if (f->bits_to_flip != UINT64_MAX)
		f->bits_to_flip -= 8;
	if (fault_due(&f->to_burst, &f->rng_burst, fault_rate(f->opt.burst_gap))) {
		f->burst_left = f->opt.burst_len;
		f->count.bursts++;
	}
	if (f->burst_left) {
		f->burst_left--;
		byte = (uint8_t)fault_random(&f->rng_burst);
	}
	if (fault_due(&f->to_drop, &f->rng_drop, f->opt.drop)) {
		f->count.dropped++;
		return;
	}
	emit(ctx, byte);
	if (fault_due(&f->to_dup, &f->rng_dup, f->opt.dup)) {
		f->count.duplicated++;
		emit(ctx, byte);
	}
}

static inline void faults_insert_line(struct faults *f, fault_emit emit, void *ctx)
{
	size_t n = 0;

	if (!f->text)
		return;
	do {
		char c = f->text[f->text_at];

		f->text_at = (f->text_at + 1) % f->text_len;
		if (f->log)
			fputc(c, f->log);
		faults_noise(f, (uint8_t)c, emit, ctx);
		n++;
		if (c == '\n')
			break;
	} while (n < FAULT_MAX_TEXT && f->text_at);
	f->count.text_lines++;
	f->count.text_bytes += n;
}

static inline void faults_text_now(struct faults *f)
{
	f->text_due++;
}

/* One byte of the sender goes in; none, one or more come out. */
static inline void faults_pass(struct faults *f, uint8_t byte, fault_emit emit, void *ctx)
{
	if (fault_due(&f->to_text, &f->rng_text, fault_rate(f->opt.text_gap)))
		f->text_due++;
	if (f->opt.text_anywhere)
		for (; f->text_due; f->text_due--)
			faults_insert_line(f, emit, ctx);
	f->frame_end = byte == 0 && f->in_segment;
	f->in_segment = byte != 0;
	faults_noise(f, byte, emit, ctx);
	if (f->frame_end)
		for (; f->text_due; f->text_due--)
			faults_insert_line(f, emit, ctx);
}

static inline void faults_babble(struct faults *f, uint64_t n, fault_emit emit, void *ctx)
{
	f->count.babble_bytes += n;
	while (n--)
		emit(ctx, (uint8_t)fault_random(&f->rng_babble));
}

/* What a receiver makes of a byte sent at another rate than its own. */
static inline uint8_t fault_garbage(struct faults *f)
{
	return (uint8_t)fault_random(&f->rng_garbage);
}

/* 0, or a negative errno if the log of inserted text is not complete. */
static inline int faults_finish(struct faults *f)
{
	int err = f->log && fclose(f->log) ? -errno : 0;

	free(f->text);
	f->text = NULL;
	f->log = NULL;
	return err;
}

#endif
