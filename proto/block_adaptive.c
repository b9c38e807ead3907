/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "proto/adaptive.h"
#include "proto/adaptive_clock.h"
#include "proto/block.h"
#include "proto/bytes.h"
#include "proto/codec.h"

/*
 * Codec 2: an adaptive model of the events (adaptive.c) in front of a range coder. Blocks of a
 * group continue one another: the model keeps what it learned. PROTOCOL.md, section "Codec 2:
 * adaptive".
 */

/*
 * The most bytes an event becomes, and each argument more. A modelled bit costs at most 12 bits, and what
 * the range loses in rounding: it is at least 2^24 before, so less than a bit. Raw bits are coded at
 * most 16 at a time; that loses less than a bit, too. Modelled bits at worst: thread 8 (same, hint, 6
 * candidates), symbol 13, exponent 11, and a time that is spelled out 8 (otherwise 6 of the mantissa
 * and 2 of an inexact clock); an argument 12. Raw bits: 32, 21 and 63; an argument 63.
 */
#define BITS_BOUND(modelled, raw) ((modelled)*13u + (raw)*17u / 16u + 1u)
#define EVENT_BOUND               (BITS_BOUND(8 + 13 + 11 + 8, 32 + 21 + 63) / 8 + 1)
#define ARG_BOUND                 (BITS_BOUND(12, 63) / 8 + 1)
/* Room a run takes in the head, and everything else in it: group, index, clock, runs, check, tail.
 */
#define RUN_BOUND  3u
#define HEAD_BOUND (1u + 5u + 10u + 2u + 2u + RC_TAIL)
_Static_assert(
	HEAD_BOUND + RUN_BOUND + EVENT_BOUND + AYP_EVENT_MAX_ARGS * ARG_BOUND <= AYP_BLOCK_MIN_CAP,
	"one event always fits");

/* The clock in the head: 0: as in the block before; else unit << 1 | inexact. */
#define CLOCK_SAME    0u
#define CLOCK_INEXACT 1u

/* The highest index of a block in its group. */
#define MAX_INDEX (UINT32_MAX - 1)

struct encoder {
	struct ad_model model;
	struct clock_search search;
	struct ad_clock previous; /* of the block before in the group */
	uint64_t group_bytes;     /* start a new group after so many; 0: never */
	uint64_t group_fill;
	uint32_t index; /* of the next block in its group */
	uint8_t group;
	bool fresh; /* the next block starts a group */
	uint32_t runs;
	uint32_t run_cpu[AD_CPUS];
	uint32_t run_count[AD_CPUS];
	uint8_t coded[AYP_BLOCK_MAX_BYTES];
};

struct decoder {
	struct ad_model model;
	uint32_t index; /* of the next block of the group */
	uint8_t group;
	bool whole; /* every block of the group so far was decoded */
	uint32_t run_cpu[AD_CPUS];
	uint32_t run_count[AD_CPUS];
};

/* ---- encoding -----------------------------------------------------------------------------------
 */

static size_t encoder_size(void)
{
	return sizeof(struct encoder);
}

static bool encoder_init(void *mem, uint64_t group_bytes)
{
	struct encoder *e = mem;

	ad_model_init(&e->model);
	clock_search_init(&e->search);
	e->group_bytes = group_bytes;
	e->group_fill = 0;
	e->index = 0;
	e->group = 0;
	e->fresh = true;
	return true;
}

static void set_group_bytes(void *mem, uint64_t group_bytes)
{
	struct encoder *e = mem;

	e->group_bytes = group_bytes;
}

static void restart(void *mem)
{
	struct encoder *e = mem;

	e->fresh = true;
}

/* Sort indexes by CPU, keeping the order within one. */
static void sort_by_cpu(
	struct encoder *e, const struct ayp_event *events, uint32_t n, uint16_t *order)
{
	uint32_t next[AD_CPUS] = {0};
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++)
		next[events[i].cpu]++;
	e->runs = 0;
	for (uint32_t cpu = 0; cpu < AD_CPUS; cpu++) {
		uint32_t count = next[cpu];

		next[cpu] = at;
		at += count;
		if (count)
			e->run_cpu[e->runs++] = cpu;
	}
	for (uint32_t i = 0; i < n; i++)
		order[next[events[i].cpu]++] = (uint16_t)i;
}

static void begin_block(struct encoder *e, const struct ayp_event *events, const uint16_t *order,
	uint32_t n, size_t cap)
{
	bool full = e->group_bytes && e->group_fill + cap > e->group_bytes;
	bool fresh = e->fresh || full || e->index > MAX_INDEX;

	if (fresh) {
		e->group++;
		e->index = 0;
		e->group_fill = 0;
		e->fresh = false;
		e->previous = (struct ad_clock){0};
		ad_model_reset(&e->model);
	}
	e->model.clock = clock_choose(&e->search, &e->model, events, order, n, fresh);
}

static size_t write_block(struct encoder *e, uint8_t *dst, size_t cap, uint32_t runs, size_t coded)
{
	struct byte_writer w = {.at = dst, .end = dst + cap};
	struct ad_clock clock = e->model.clock;
	uint16_t check = ad_check(&e->model);

	write_byte(&w, e->group);
	write_varint(&w, e->index);
	if (clock.unit == e->previous.unit && clock.exact == e->previous.exact)
		write_varint(&w, CLOCK_SAME);
	else
		write_varint(&w, clock.unit << 1 | (clock.exact ? 0 : CLOCK_INEXACT));
	e->previous = clock;
	write_varint(&w, runs);
	for (uint32_t i = 0; i < runs; i++) {
		write_byte(&w, (uint8_t)e->run_cpu[i]);
		write_varint(&w, e->run_count[i]);
	}
	write_byte(&w, (uint8_t)check);
	write_byte(&w, (uint8_t)(check >> 8));
	if (w.failed || (size_t)(w.end - w.at) < coded)
		return 0;
	memcpy(w.at, e->coded, coded);
	return (size_t)(w.at - dst) + coded;
}

static size_t encode(void *mem, const struct ayp_event *events, uint32_t n, uint8_t *dst,
	size_t cap, uint16_t *order, uint32_t *taken)
{
	struct encoder *e = mem;
	struct range_coder rc;
	struct rc_bytes bytes;
	size_t room = cap - HEAD_BOUND, size;
	uint32_t at = 0, run = 0;

	sort_by_cpu(e, events, n, order);
	begin_block(e, events, order, n, cap);
	rc_encode_begin(&rc, &bytes, e->coded, sizeof(e->coded));
	for (bool fits = true; fits && run<e->runs; run += e->run_count[run]> 0) {
		e->run_count[run] = 0;
		room -= RUN_BOUND;
		while (at < n && events[order[at]].cpu == e->run_cpu[run]) {
			const struct ayp_event *ev = &events[order[at]];

			fits = rc_encoded(&bytes, e->coded) + EVENT_BOUND + ev->nargs * ARG_BOUND <=
			       room;
			if (!fits)
				break;
			ad_encode_event(&e->model, &rc, ev);
			e->run_count[run]++;
			at++;
		}
	}
	size = write_block(e, dst, cap, run, rc_encode_end(&rc, e->coded));
	e->index++;
	e->group_fill += size;
	*taken = at;
	return size;
}

/* ---- decoding -----------------------------------------------------------------------------------
 */

static size_t decoder_size(void)
{
	return sizeof(struct decoder);
}

static bool decoder_init(void *mem)
{
	struct decoder *d = mem;

	ad_model_init(&d->model);
	d->index = 0;
	d->group = 0;
	d->whole = false;
	return true;
}

static bool read_runs(struct decoder *d, struct byte_reader *r, uint32_t n, uint32_t *runs)
{
	uint32_t total = 0;
	int last = -1;

	*runs = (uint32_t)read_varint(r, AD_CPUS);
	for (uint32_t i = 0; i < *runs && !r->failed; i++) {
		d->run_cpu[i] = read_byte(r);
		d->run_count[i] = (uint32_t)read_varint(r, n - total);
		if ((int)d->run_cpu[i] <= last || d->run_count[i] == 0)
			return false;
		last = (int)d->run_cpu[i];
		total += d->run_count[i];
	}
	return !r->failed && total == n;
}

/* Head of the block: 0 when it may be decoded now. */
static int read_head(
	struct decoder *d, struct byte_reader *r, uint32_t n, uint32_t *runs, uint16_t *check)
{
	uint8_t group = read_byte(r);
	uint32_t index = (uint32_t)read_varint(r, MAX_INDEX);
	uint64_t clock = read_varint(r, UINT64_MAX);

	if (!read_runs(d, r, n, runs))
		return AYP_BLOCK_CORRUPT;
	*check = read_byte(r);
	*check |= (uint16_t)(read_byte(r) << 8);
	if (r->failed || clock == CLOCK_INEXACT || (clock == CLOCK_SAME && index == 0))
		return AYP_BLOCK_CORRUPT;
	if (index == 0)
		ad_model_reset(&d->model);
	else if (!d->whole || group != d->group || index != d->index)
		return AYP_BLOCK_CHAIN;
	if (clock != CLOCK_SAME)
		d->model.clock = (struct ad_clock){clock >> 1, !(clock & CLOCK_INEXACT)};
	d->group = group;
	d->index = index + 1;
	return 0;
}

static int decode(void *mem, const uint8_t *src, size_t len, uint32_t n, struct ayp_event *out)
{
	struct decoder *d = mem;
	struct byte_reader r = {.at = src, .end = src + len};
	struct range_coder rc;
	struct rc_bytes bytes;
	uint32_t runs, at = 0;
	uint16_t check;
	int err = read_head(d, &r, n, &runs, &check);

	if (err)
		return err;
	d->whole = false; /* until this block has proved right */
	rc_decode_begin(&rc, &bytes, r.at, (size_t)(r.end - r.at));
	for (uint32_t i = 0; i < runs; i++) {
		for (uint32_t k = 0; k < d->run_count[i]; k++, at++) {
			out[at].cpu = (uint8_t)d->run_cpu[i];
			if (!ad_decode_event(&d->model, &rc, &out[at]) || bytes.overrun > RC_TAIL)
				return AYP_BLOCK_CORRUPT;
		}
	}
	if (ad_check(&d->model) != check || bytes.in != bytes.in_end)
		return AYP_BLOCK_CORRUPT;
	d->whole = true;
	return (int)n;
}

static bool head(const uint8_t *src, size_t len, uint8_t *group, uint32_t *index)
{
	struct byte_reader r = {.at = src, .end = src + len};

	*group = read_byte(&r);
	*index = (uint32_t)read_varint(&r, MAX_INDEX);
	return !r.failed;
}

const struct ayp_codec ayp_codec_adaptive = {
	.id = AYP_CODEC_ADAPTIVE,
	.name = "adaptive",
	.encoder_size = encoder_size,
	.encoder_init = encoder_init,
	.set_group_bytes = set_group_bytes,
	.encode = encode,
	.restart = restart,
	.head = head,
	.decoder_size = decoder_size,
	.decoder_init = decoder_init,
	.decode = decode,
};
