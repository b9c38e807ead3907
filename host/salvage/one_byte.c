/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A byte that the line lost (an overrun), or gave twice. Everything behind it has moved by one place, the COBS codes
 * too: so the walk along them leads to the end from few places, and these tell in which block of the
 * frame it happened. Within the block the CRC tells where, and what was lost: its register is run forward from the
 * beginning and backward from the end, and the two must meet over the gap.
 *
 * A lost code is not looked for: a frame has few.
 */
#include "host/salvage/one_byte.h"

struct shifted {
	const uint8_t *body; /* decoded as if nothing was missing or extra but in one block */
	size_t len;
	size_t from, to; /* of that block's bytes in it */
};

/* ---- the register, both ways ------------------------------------------------------------------ */

static uint32_t forward(uint32_t reg, const uint8_t *bytes, size_t len)
{
	return ~framing_crc32c(~reg, bytes, len);
}

/* Before a byte, from what it was after it; to be xored with the byte. */
static uint32_t backward(uint32_t reg)
{
	for (int bit = 0; bit < 8; bit++)
		reg = reg & 0x80000000u ? (reg ^ FRAMING_CRC_POLYNOMIAL) << 1 | 1 : reg << 1;
	return reg;
}

/* ---- which block ------------------------------------------------------------------------------ */

#define WORD_BITS 32u

struct leads {
	uint32_t bits[FRAMING_MAX_SEGMENT / WORD_BITS + 1];
};

static bool leads(const struct leads *l, size_t at)
{
	return l->bits[at / WORD_BITS] >> at % WORD_BITS & 1;
}

static void find_leads(struct leads *l, const uint8_t *plain, size_t len)
{
	*l = (struct leads){0};
	l->bits[len / WORD_BITS] |= 1u << len % WORD_BITS;
	for (size_t at = len; at-- > 0;) {
		if (plain[at] && at + plain[at] <= len && leads(l, at + plain[at]))
			l->bits[at / WORD_BITS] |= 1u << at % WORD_BITS;
	}
}

/* COBS, but the block whose code stands at `block` has so many bytes more than it says. */
static bool decode(struct salvage *s, size_t len, size_t block, int more, struct shifted *x)
{
	size_t at = 0, out = 0;

	while (at < len) {
		uint8_t code = s->plain[at];
		size_t n = (size_t)(code - 1 + (at == block ? more : 0));

		if (at == block) {
			x->from = out;
			x->to = out + n;
		}
		if (code == 0 || at + 1 + n > len || out + n + 1 > FRAMING_MAX_SEGMENT)
			return false;
		for (size_t i = 0; i < n; i++)
			s->body_mem[out++] = s->plain[at + 1 + i];
		at += 1 + n;
		if (code < 0xff && at < len)
			s->body_mem[out++] = 0;
	}
	x->body = s->body_mem;
	x->len = out;
	return out >= FRAMING_MIN_BODY - 1 && out <= FRAMING_MAX_BODY + 1;
}

/* ---- which byte ------------------------------------------------------------------------------- */

static bool without(struct salvage *s, const struct shifted *x, size_t at)
{
	for (size_t i = at; i + 1 < x->len; i++)
		s->body_mem[i] = s->body_mem[i + 1];
	return salvage_body_is_frame(s, x->len - 1, SALVAGE_REPAIRED);
}

static bool with(struct salvage *s, const struct shifted *x, size_t at, uint8_t byte)
{
	for (size_t i = x->len; i > at; i--)
		s->body_mem[i] = s->body_mem[i - 1];
	s->body_mem[at] = byte;
	return salvage_body_is_frame(s, x->len + 1, SALVAGE_GUESSED);
}

/* The register before x->to as it must be there for the end to be right. */
static uint32_t required(const struct shifted *x)
{
	uint32_t reg = SALVAGE_RESIDUE;

	for (size_t at = x->len; at > x->to; at--)
		reg = backward(reg) ^ x->body[at - 1];
	return reg;
}

static bool one_too_many(struct salvage *s, const struct shifted *x)
{
	uint32_t before = forward(UINT32_MAX, x->body, x->to), after = required(x);

	for (size_t at = x->to; at > x->from; at--) {
		before = backward(before) ^ x->body[at - 1];
		if (before == after)
			return without(s, x, at - 1);
		after = backward(after) ^ x->body[at - 1];
	}
	return false;
}

static bool one_lost(struct salvage *s, const struct shifted *x)
{
	uint32_t before = forward(UINT32_MAX, x->body, x->to), after = required(x);

	for (size_t at = x->to;; at--) {
		uint32_t byte = before ^ backward(after);

		/* A 0 of the body is none on the line. */
		if (byte && byte <= UINT8_MAX)
			return with(s, x, at, (uint8_t)byte);
		if (at == x->from)
			return false;
		before = backward(before) ^ x->body[at - 1];
		after = backward(after) ^ x->body[at - 1];
	}
}

enum salvage_way salvage_shift(struct salvage *s, size_t len)
{
	struct leads to_end;
	struct shifted x;

	if (len + 1 > FRAMING_MAX_SEGMENT || !salvage_spend(s, 4 * len))
		return SALVAGE_NOTHING;
	find_leads(&to_end, s->plain, len);
	/* Up to the block where it happened, the codes are right. */
	for (size_t at = 0; at < len && s->plain[at]; at += s->plain[at]) {
		size_t next = at + s->plain[at];

		if (next + 1 <= len && leads(&to_end, next + 1)) {
			if (!salvage_spend(s, 24 * len))
				return SALVAGE_NOTHING;
			if (decode(s, len, at, 1, &x) && one_too_many(s, &x))
				return SALVAGE_REPAIRED;
		}
		if (s->plain[at] > 1 && next - 1 <= len && leads(&to_end, next - 1)) {
			if (!salvage_spend(s, 24 * len))
				return SALVAGE_NOTHING;
			if (decode(s, len, at, -1, &x) && one_lost(s, &x))
				return SALVAGE_GUESSED;
		}
	}
	return SALVAGE_NOTHING;
}
