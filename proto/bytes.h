/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Bounded writer and reader of bytes and varints (LEB128, as in protobuf). Internal to proto/.
 *
 * Errors stick: after the first one a writer stores nothing and a reader gives zeros, so a caller
 * checks `failed` once.
 */
#ifndef PROTO_BYTES_H
#define PROTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_writer {
	uint8_t *at, *end;
	bool failed;
};

static inline void write_byte(struct byte_writer *w, uint8_t v)
{
	if (w->at == w->end) {
		w->failed = true;
		return;
	}
	*w->at++ = v;
}

static inline void write_varint(struct byte_writer *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		write_byte(w, (uint8_t)(v | 0x80));
	write_byte(w, (uint8_t)v);
}

struct byte_reader {
	const uint8_t *at, *end;
	bool failed;
};

static inline uint8_t read_byte(struct byte_reader *r)
{
	if (r->at == r->end) {
		r->failed = true;
		return 0;
	}
	return *r->at++;
}

/* Values above max are an error. */
static inline uint64_t read_varint(struct byte_reader *r, uint64_t max)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint8_t b = read_byte(r);

		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			if (v > max)
				break;
			return v;
		}
	}
	r->failed = true;
	return 0;
}

#endif
