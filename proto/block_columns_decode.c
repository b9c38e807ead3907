/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/columns.h"

#include <string.h>

#include "proto/block.h"
#include "proto/bytes.h"
#include "proto/zarena.h"

struct decoder {
	z_stream z;
	struct zarena arena;
	_Alignas(max_align_t) uint8_t zmem[ZARENA_INFLATE_SIZE];
	uint32_t tids[AYP_BLOCK_MAX_EVENTS];
	uint8_t plain[COLUMNS_MAX_PLAIN];
};

struct bit_reader {
	const uint8_t *p;
	uint64_t at, end;
	bool failed;
};

size_t columns_decoder_size(void)
{
	return sizeof(struct decoder);
}

bool columns_decoder_init(void *mem)
{
	struct decoder *d = mem;

	zarena_use(&d->arena, d->zmem, sizeof(d->zmem), &d->z);
	return inflateInit2(&d->z, -MAX_WBITS) == Z_OK;
}

static uint64_t read_bits(struct bit_reader *r, unsigned int n)
{
	uint64_t v = 0;

	if (n > r->end - r->at) {
		r->failed = true;
		return 0;
	}
	for (unsigned int k = 0; k < n; k++, r->at++)
		v |= (uint64_t)(r->p[r->at / 8] >> r->at % 8 & 1) << k;
	return v;
}

/* The groups of CPUs: who is on which event's row. False unless they are n events in all. */
static bool read_groups(struct byte_reader *r, uint32_t n, struct ayp_event *out)
{
	uint32_t groups = (uint32_t)read_varint(r, 256), at = 0;
	int last = -1;

	for (uint32_t g = 0; g < groups && !r->failed; g++) {
		uint8_t cpu = read_byte(r);
		uint32_t count = (uint32_t)read_varint(r, n - at);

		if (cpu <= last || count == 0)
			return false;
		last = cpu;
		while (count--)
			out[at++].cpu = cpu;
	}
	return !r->failed && at == n;
}

static uint32_t read_tids(struct decoder *d, struct byte_reader *r, uint32_t n)
{
	uint32_t count = (uint32_t)read_varint(r, n);

	for (uint32_t i = 0; i < count; i++)
		d->tids[i] = (uint32_t)read_varint(r, UINT32_MAX);
	return count;
}

static bool read_times(struct byte_reader *r, struct bit_reader *bits, unsigned int shift,
	uint64_t base, uint32_t n, struct ayp_event *out)
{
	uint64_t t = base;

	for (uint32_t i = 0; i < n; i++) {
		unsigned int code = read_byte(r);
		unsigned int len = code > COLUMNS_TIME_BACK ? code - COLUMNS_TIME_BACK : code;
		uint64_t m = 0;

		if (code == COLUMNS_TIME_BACK || code > COLUMNS_TIME_MAX || len + shift > 64)
			return false;
		if (len)
			m = (uint64_t)1 << (len - 1) | read_bits(bits, len - 1);
		m <<= shift;
		if (i > 0 && out[i].cpu != out[i - 1].cpu)
			t = base;
		t += code > COLUMNS_TIME_BACK ? 0 - m : m;
		out[i].t_ns = t;
	}
	return !bits->failed && bits->end - bits->at < 8;
}

static void read_args(struct byte_reader *r, uint32_t n, struct ayp_event *out)
{
	for (uint32_t i = 0; i < n; i++) {
		out[i].nargs = read_byte(r);
		if (out[i].nargs > AYP_EVENT_MAX_ARGS)
			r->failed = true;
	}
	for (uint32_t i = 0; i < n && !r->failed; i++)
		for (unsigned int k = 0; k < out[i].nargs; k++)
			out[i].arg[k] = read_varint(r, UINT64_MAX);
}

static bool read_columns(struct decoder *d, struct byte_reader *r, struct bit_reader *bits,
	uint32_t n, struct ayp_event *out)
{
	uint8_t flags = read_byte(r);
	unsigned int shift = read_byte(r);
	uint64_t base = read_varint(r, UINT64_MAX);
	uint32_t n_tids;

	if (flags & ~COLUMNS_FLAG_ARGS || shift > 63 || !read_groups(r, n, out))
		return false;
	n_tids = read_tids(d, r, n);
	if (n_tids == 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t symbol = (uint32_t)read_varint(r, UINT16_MAX * AYP_EVENT_KINDS + 2);

		out[i].func = (uint16_t)(symbol / AYP_EVENT_KINDS);
		out[i].kind = (uint8_t)(symbol % AYP_EVENT_KINDS);
	}
	for (uint32_t i = 0; i < n; i++)
		out[i].tid = d->tids[read_varint(r, n_tids - 1)];
	if (!read_times(r, bits, shift, base, n, out))
		return false;
	if (flags & COLUMNS_FLAG_ARGS)
		read_args(r, n, out);
	return !r->failed && r->at == r->end;
}

int columns_decode(void *mem, const uint8_t *src, size_t len, uint32_t n, struct ayp_event *out)
{
	struct decoder *d = mem;
	struct byte_reader head = {.at = src, .end = src + len};
	struct byte_reader plain = {.at = d->plain};
	size_t bytes = (size_t)read_varint(&head, AYP_BLOCK_MAX_EVENTS * 8);
	struct bit_reader bits;
	ptrdiff_t size;

	if (head.failed || bytes > (size_t)(head.end - head.at))
		return AYP_BLOCK_CORRUPT;
	bits = (struct bit_reader){.p = head.at, .end = (uint64_t)bytes * 8};
	head.at += bytes;
	size = zarena_inflate(
		&d->z, d->plain, sizeof(d->plain), head.at, (size_t)(head.end - head.at));
	if (size < 0)
		return AYP_BLOCK_CORRUPT;
	plain.end = d->plain + size;
	memset(out, 0, n * sizeof(*out));
	return read_columns(d, &plain, &bits, n, out) ? (int)n : AYP_BLOCK_CORRUPT;
}
