/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/columns.h"

#include <string.h>

#include "proto/block.h"
#include "proto/bytes.h"
#include "proto/zarena.h"

/* Plain columns of a full block are about 16 KiB: a larger window would see nothing more. */
#define WINDOW_BITS 14
#define MEM_LEVEL   8
#define LEVEL       6

#define CPUS 256u

struct encoder {
	z_stream z;
	struct zarena arena;
	_Alignas(max_align_t) uint8_t zmem[ZARENA_DEFLATE_SIZE(WINDOW_BITS, MEM_LEVEL)];
	uint16_t order[AYP_BLOCK_MAX_EVENTS]; /* events by CPU, within a CPU as they came */
	uint16_t per_cpu[CPUS];
	uint64_t
		step[AYP_BLOCK_MAX_EVENTS]; /* time less the previous one on the CPU, modulo 2^64 */
	uint32_t tids[AYP_BLOCK_MAX_EVENTS];   /* in order of first appearance */
	uint16_t tid_at[AYP_BLOCK_MAX_EVENTS]; /* each event's index in tids */
	uint8_t plain[COLUMNS_MAX_PLAIN];
	uint8_t bits[AYP_BLOCK_MAX_EVENTS * 8];
};
_Static_assert(AYP_BLOCK_MAX_EVENTS <= UINT16_MAX, "indexes of events are 16 bits wide");

size_t columns_encoder_size(void)
{
	return sizeof(struct encoder);
}

bool columns_encoder_init(void *mem)
{
	struct encoder *e = mem;

	zarena_use(&e->arena, e->zmem, sizeof(e->zmem), &e->z);
	return deflateInit2(&e->z, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEM_LEVEL,
		       Z_DEFAULT_STRATEGY) == Z_OK;
}

static void sort_by_cpu(struct encoder *e, const struct ayp_event *ev, uint32_t n)
{
	uint16_t next[CPUS];
	uint16_t at = 0;

	memset(e->per_cpu, 0, sizeof(e->per_cpu));
	for (uint32_t i = 0; i < n; i++)
		e->per_cpu[ev[i].cpu]++;
	for (uint32_t c = 0; c < CPUS; c++) {
		next[c] = at;
		at += e->per_cpu[c];
	}
	for (uint32_t i = 0; i < n; i++)
		e->order[next[ev[i].cpu]++] = (uint16_t)i;
}

/* |step|; a step of half the range or more is one back. */
static uint64_t magnitude(uint64_t step)
{
	return step >> 63 ? 0 - step : step;
}

static unsigned int bit_length(uint64_t v)
{
	return v ? 64u - (unsigned int)__builtin_clzll(v) : 0;
}

/* Fill step[]; returns how many low bits are zero in all of them: clocks tick in powers of two of
 * nanoseconds on some boards (62.5 MHz: 16 ns), and --resolution may round to one. */
static unsigned int time_steps(
	struct encoder *e, const struct ayp_event *ev, uint32_t n, uint64_t base)
{
	uint64_t any = 0, prev = base;
	int cpu = -1;

	for (uint32_t i = 0; i < n; i++) {
		const struct ayp_event *x = &ev[e->order[i]];

		if (x->cpu != cpu) {
			cpu = x->cpu;
			prev = base;
		}
		e->step[i] = x->t_ns - prev;
		prev = x->t_ns;
		any |= e->step[i];
	}
	return any ? (unsigned int)__builtin_ctzll(any) : 0;
}

static uint32_t find_tids(struct encoder *e, const struct ayp_event *ev, uint32_t n)
{
	uint32_t count = 0, k = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t tid = ev[e->order[i]].tid;

		if (count == 0 || e->tids[k] != tid) /* mostly the thread of the event before */
			for (k = 0; k < count && e->tids[k] != tid; k++)
				;
		if (k == count)
			e->tids[count++] = tid;
		e->tid_at[i] = (uint16_t)k;
	}
	return count;
}

static void write_head(struct encoder *e, struct byte_writer *w, uint8_t flags, unsigned int shift,
	uint64_t base, uint32_t n_tids)
{
	uint32_t groups = 0;

	for (uint32_t c = 0; c < CPUS; c++)
		groups += e->per_cpu[c] != 0;
	write_byte(w, flags);
	write_byte(w, (uint8_t)shift);
	write_varint(w, base);
	write_varint(w, groups);
	for (uint32_t c = 0; c < CPUS; c++) {
		if (e->per_cpu[c] == 0)
			continue;
		write_byte(w, (uint8_t)c);
		write_varint(w, e->per_cpu[c]);
	}
	write_varint(w, n_tids);
	for (uint32_t i = 0; i < n_tids; i++)
		write_varint(w, e->tids[i]);
}

static void write_times(
	struct encoder *e, struct byte_writer *w, uint32_t n, unsigned int shift, size_t *bytes)
{
	uint64_t bit = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t m = magnitude(e->step[i]) >> shift;
		unsigned int len = bit_length(m);

		write_byte(w, (uint8_t)(len + (e->step[i] >> 63 ? COLUMNS_TIME_BACK : 0)));
		for (unsigned int k = 0; k + 1 < len; k++, bit++) {
			if (bit % 8 == 0)
				e->bits[bit / 8] = 0;
			e->bits[bit / 8] |= (uint8_t)((m >> k & 1) << bit % 8);
		}
	}
	*bytes = (size_t)((bit + 7) / 8);
}

size_t columns_encode(void *mem, const struct ayp_event *ev, uint32_t n, uint8_t *dst, size_t cap)
{
	struct encoder *e = mem;
	struct byte_writer w = {.at = e->plain, .end = e->plain + sizeof(e->plain)};
	struct byte_writer out = {.at = dst, .end = dst + cap};
	uint64_t base = ev[0].t_ns;
	uint32_t n_args = 0;
	unsigned int shift;
	size_t bytes, size;

	sort_by_cpu(e, ev, n);
	shift = time_steps(e, ev, n, base);
	for (uint32_t i = 0; i < n; i++)
		n_args += ev[i].nargs;

	write_head(e, &w, n_args ? COLUMNS_FLAG_ARGS : 0, shift, base, find_tids(e, ev, n));
	for (uint32_t i = 0; i < n; i++)
		write_varint(&w,
			ev[e->order[i]].func * (uint32_t)AYP_EVENT_KINDS + ev[e->order[i]].kind);
	for (uint32_t i = 0; i < n; i++)
		write_varint(&w, e->tid_at[i]);
	write_times(e, &w, n, shift, &bytes);
	if (n_args) {
		for (uint32_t i = 0; i < n; i++)
			write_byte(&w, ev[e->order[i]].nargs);
		for (uint32_t i = 0; i < n; i++)
			for (unsigned int k = 0; k < ev[e->order[i]].nargs; k++)
				write_varint(&w, ev[e->order[i]].arg[k]);
	}
	if (w.failed)
		return 0;

	write_varint(&out, bytes);
	if (out.failed || (size_t)(out.end - out.at) < bytes)
		return 0;
	memcpy(out.at, e->bits, bytes);
	out.at += bytes;
	size = zarena_deflate(
		&e->z, out.at, (size_t)(out.end - out.at), e->plain, (size_t)(w.at - e->plain));
	return size ? (size_t)(out.at - dst) + size : 0;
}
