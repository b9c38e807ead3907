/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Binary range coder with carry propagation, as in LZMA: a 32-bit range, renormalised a byte at a
 * time. PROTOCOL.md, section "Codec 2: adaptive". Internal to proto/.
 *
 * One struct serves both directions, and every function takes `decode` as a compile-time constant:
 * the model is written once and inlined twice, so encoder and decoder cannot drift apart.
 */
#ifndef PROTO_RANGE_CODER_H
#define PROTO_RANGE_CODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_INLINE static inline __attribute__((always_inline))

#define RC_TOP       (1u << 24) /* the range is kept at or above this */
#define RC_PROB_BITS 12u        /* probabilities are 1..4095 of 4096 that the bit is 1 */
/* Bytes that may still come out after the last bit, and that a decoder reads ahead. */
#define RC_TAIL 5u

/* Where bytes come from or go to: what is not needed for every bit. */
struct rc_bytes {
	/* encoding */
	uint8_t *out, *end;
	size_t held; /* bytes held back until it is known whether a carry reaches them */
	uint8_t cache;
	bool lead; /* the first byte that would come out is always 0 and is left out */
	/* decoding */
	const uint8_t *in, *in_end;
	uint32_t overrun; /* zero bytes made up past the end of the input */
};

/* Small, so that a function that codes an event can keep a copy in registers. */
struct range_coder {
	uint64_t low;  /* encoding */
	uint32_t code; /* decoding */
	uint32_t range;
	struct rc_bytes *bytes;
};

static inline void rc_put(struct rc_bytes *b, uint8_t byte)
{
	if (b->lead)
		b->lead = false;
	else if (b->out != b->end) /* never so: the caller sees to the room */
		*b->out++ = byte;
}

/* Give off the highest byte of low's 32 bits; returns the rest. */
static uint64_t rc_shift(struct rc_bytes *b, uint64_t low)
{
	if ((uint32_t)low < 0xff000000u || low >> 32) {
		uint8_t carry = (uint8_t)(low >> 32);
		uint8_t byte = b->cache;

		for (; b->held; b->held--) {
			rc_put(b, (uint8_t)(byte + carry));
			byte = 0xff;
		}
		b->cache = (uint8_t)(low >> 24);
	}
	b->held++;
	return (low & 0xffffff) << 8;
}

RC_INLINE uint8_t rc_get(struct rc_bytes *b)
{
	if (b->in != b->in_end)
		return *b->in++;
	b->overrun++;
	return 0;
}

RC_INLINE void rc_normalise(struct range_coder *rc, bool decode)
{
	while (rc->range < RC_TOP) {
		rc->range <<= 8;
		if (decode)
			rc->code = rc->code << 8 | rc_get(rc->bytes);
		else
			rc->low = rc_shift(rc->bytes, rc->low);
	}
}

static inline void rc_encode_begin(
	struct range_coder *rc, struct rc_bytes *b, uint8_t *dst, size_t cap)
{
	*b = (struct rc_bytes){.out = dst, .end = dst + cap, .held = 1, .lead = true};
	*rc = (struct range_coder){.range = UINT32_MAX, .bytes = b};
}

/* Bytes so far; at most RC_TAIL more come out at the end. */
static inline size_t rc_encoded(const struct rc_bytes *b, const uint8_t *dst)
{
	return (size_t)(b->out - dst) + b->held;
}

/*
 * Everything the decoder needs to tell the last bit. Returns the number of bytes. A decoder reads
 * zeros past the end, so the final value is chosen inside [low, low + range) with as many zero bits
 * as possible, and up to RC_TAIL trailing zero bytes are left out.
 */
static inline size_t rc_encode_end(struct range_coder *rc, uint8_t *dst)
{
	struct rc_bytes *b = rc->bytes;
	uint64_t top = rc->low + rc->range - 1;

	for (unsigned int bits = 32; bits > 0; bits--) {
		uint64_t mask = ((uint64_t)1 << bits) - 1;
		uint64_t value = (rc->low + mask) & ~mask;

		if (value <= top) {
			rc->low = value;
			break;
		}
	}
	for (unsigned int i = 0; i < RC_TAIL; i++)
		rc->low = rc_shift(b, rc->low);
	for (unsigned int i = 0; i < RC_TAIL && b->out > dst && b->out[-1] == 0; i++)
		b->out--;
	return (size_t)(b->out - dst);
}

static inline void rc_decode_begin(
	struct range_coder *rc, struct rc_bytes *b, const uint8_t *src, size_t len)
{
	*b = (struct rc_bytes){.in = src, .in_end = src + len};
	*rc = (struct range_coder){.range = UINT32_MAX, .bytes = b};
	for (unsigned int i = 0; i < 4; i++)
		rc->code = rc->code << 8 | rc_get(b);
}

/* One bit whose probability of being 1 is p / 4096. Returns the bit. */
RC_INLINE unsigned int rc_bit(struct range_coder *rc, bool decode, unsigned int bit, uint32_t p)
{
	uint32_t bound = (rc->range >> RC_PROB_BITS) * p;

	if (decode)
		bit = rc->code < bound;
	if (bit) {
		rc->range = bound;
	} else {
		if (decode)
			rc->code -= bound;
		else
			rc->low += bound;
		rc->range -= bound;
	}
	rc_normalise(rc, decode);
	return bit;
}

/* The low n bits (0..64) of value, all equally likely, highest first, 16 at a time. Returns them.
 */
RC_INLINE uint64_t rc_raw(struct range_coder *rc, bool decode, uint64_t value, unsigned int n)
{
	uint64_t got = 0;

	while (n > 0) {
		unsigned int k = n < 16 ? n : 16;
		uint32_t part = (uint32_t)(value >> (n - k)) & ((1u << k) - 1);

		rc->range >>= k;
		if (decode) {
			part = rc->code / rc->range;
			if (part >
				(1u << k) - 1) /* what the division leaves over; see PROTOCOL.md */
				part = (1u << k) - 1;
			rc->code -= part * rc->range;
		} else {
			rc->low += (uint64_t)part * rc->range;
		}
		rc_normalise(rc, decode);
		got = got << k | part;
		n -= k;
	}
	return got;
}

#endif
