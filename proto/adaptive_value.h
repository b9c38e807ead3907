/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Codec 2: when, and with which arguments. Part of adaptive.c. */
#ifndef PROTO_ADAPTIVE_VALUE_H
#define PROTO_ADAPTIVE_VALUE_H

#include <string.h>

#include "proto/adaptive_code.h"

/* A value as its distance from another one: sign, bit length, raw bits. */
RC_INLINE uint64_t code_distance(struct ad_model *m, struct range_coder *rc, bool decode,
	uint64_t value, uint64_t base, uint32_t where)
{
	uint64_t delta = value - base;
	unsigned int back = (unsigned int)(delta >> 63);
	uint64_t size = back ? 0 - delta : delta;
	unsigned int length = bit_length(size);
	uint32_t node = 1;

	back = PLAIN(back, slot_line(where + SALT_DISTANCE), 0);
	for (uint32_t level = 0; level < 7; level++) {
		/* Three levels to a line. */
		uint32_t line = slot_line(hash2(where, SALT_DISTANCE + (node >> level % 3)));
		uint32_t in_line = 1u << level % 3 | (node & ((1u << level % 3) - 1));

		node = node * 2 + PLAIN(length >> (6 - level) & 1, line, in_line);
	}
	length = node - 128;
	if (length > 64)
		length = 64; /* only a damaged block gets here */
	if (length > 1)
		size = (uint64_t)1 << (length - 1) | RAW(size, length - 1);
	else
		size = length;
	return back ? base - size : base + size;
}

/* ---- the time -----------------------------------------------------------------------------------
 */

/* Exponent of a step of time: bit length of (ticks + 1), less one: 0..62. */
#define EXP_RAW  63u /* the time is spelled out as a distance in nanoseconds */
#define EXP_BITS 6u
/* Asked first, around the usual exponent of the pair of symbols. */
#define EXP_NEAR 5u
static const int8_t exp_near[EXP_NEAR] = {0, 1, -1, 2, -2};

/* Bits below the leading one of (ticks + 1): the first ones mixed, then plain, the rest raw. */
#define MIXED_MANTISSA 3u
#define FINE_MANTISSA  6u
#define FINE_MAX_EXP   12u /* longer steps are too different for the plain ones to be worth it */
_Static_assert(SET_MANTISSA + MIXED_MANTISSA * 64 <= BIT_WEIGHTS, "weights for every kind of bit");
_Static_assert(
	(FINE_MANTISSA - MIXED_MANTISSA) * 64 <= BIT_SINGLES, "weights for every kind of bit");
_Static_assert(MIXED_MANTISSA <= SLOT_NODE_BITS, "a tree of the mixed bits fits a line");

struct time_contexts {
	uint32_t sym;
	uint32_t pair;   /* with the symbol before */
	uint32_t recent; /* the last two steps on the CPU */
	uint32_t nested; /* the innermost call, the symbol before last, the last step of the pair */
};

RC_INLINE unsigned int code_exponent(struct ad_model *m, struct range_coder *rc, bool decode,
	unsigned int exp, const struct time_contexts *x)
{
	uint8_t *usual = &m->usual_exp[x->pair % AD_PAIRS];
	int centre = *usual >> 2;
	unsigned int confidence = *usual & 3;
	uint32_t a = slot_line(hash2(x->recent, SALT_EXP));
	uint32_t b = slot_line(hash2(x->nested, SALT_EXP));
	int found = -1;

	for (uint32_t i = 0; i < EXP_NEAR && found < 0; i++) {
		int candidate = centre + exp_near[i];

		if (candidate < 0 || candidate >= (int)EXP_RAW)
			continue;
		if (MIXED((int)exp == candidate, a, b, i, SET_EXP_NEAR + i))
			found = candidate;
	}
	if (found < 0) {
		uint32_t node = 1;

		for (uint32_t level = 0; level < EXP_BITS; level++) {
			uint32_t branch = SALT_EXP_TREE + (level < 3 ? 0 : node >> (level - 3));
			uint32_t in_line =
				level < 3 ? node
					  : 1u << (level - 3) | (node & ((1u << (level - 3)) - 1));

			a = slot_line(hash2(x->pair, branch));
			b = slot_line(hash2(x->sym, branch + 64));
			node = node * 2 + MIXED(exp >> (EXP_BITS - 1 - level) & 1, a, b, in_line,
						  SET_EXP_TREE + level);
		}
		found = (int)(node - (1u << EXP_BITS));
	}
	/* The usual exponent changes when it has been wrong more often than right of late. */
	if (found == centre)
		confidence += confidence < 3;
	else if (confidence > 0)
		confidence--;
	else if (found < (int)EXP_RAW)
		centre = found;
	*usual = (uint8_t)((unsigned int)centre << 2 | confidence);
	return (unsigned int)found;
}

RC_INLINE uint64_t code_mantissa(struct ad_model *m, struct range_coder *rc, bool decode,
	uint64_t value, unsigned int exp, const struct time_contexts *x)
{
	unsigned int mixed = exp < MIXED_MANTISSA ? exp : MIXED_MANTISSA;
	unsigned int fine = exp > FINE_MAX_EXP ? mixed : exp < FINE_MANTISSA ? exp : FINE_MANTISSA;
	uint32_t a = slot_line(hash2(x->recent, SALT_MANTISSA + exp));
	uint32_t b = slot_line(hash2(x->nested, SALT_MANTISSA + exp));
	uint32_t node = 1, level = 0;

	for (; level < mixed; level++)
		node = node * 2 + MIXED(value >> (exp - 1 - level) & 1, a, b, node,
					  SET_MANTISSA + level * 64 + exp);
	for (; level < fine; level++) {
		uint32_t line = slot_line(hash2(x->sym, SALT_FINE + (exp << 8) + (node >> 3)));

		node = node * 2 + WEIGHED(value >> (exp - 1 - level) & 1, line, node & 7,
					  (level - MIXED_MANTISSA) * 64 + exp);
	}
	/* node is now the leading one with the bits so far behind it. */
	return (uint64_t)node << (exp - fine) | RAW(value, exp - fine);
}

/* Ticks + 1 of a step; 0: it has to be spelled out. Sets *off to what the ticks are off by. */
static inline uint64_t count_ticks(
	const struct ad_clock *clock, uint64_t delta, uint32_t fraction, int32_t *off)
{
	uint64_t unit = clock->unit, ticks;

	*off = 0;
	if (clock->exact) {
		if (delta >> 63)
			return 0;
		if (unit == 1)
			return delta + 1;
		/* Half the width is several times as fast on many processors. */
		if ((delta | unit) >> 32) {
			ticks = delta / unit;
			return delta % unit ? 0 : ticks + 1;
		}
		ticks = (uint32_t)delta / (uint32_t)unit;
		return (uint32_t)delta % (uint32_t)unit ? 0 : ticks + 1;
	}
	if (delta >> AD_TICK_STEP_BITS)
		return 0;
	ticks = ((delta << AD_FRACTION_BITS) + (AD_FRACTION_MASK >> 1) + unit / 2 - fraction) /
		unit;
	delta -= (fraction + ticks * unit) >> AD_FRACTION_BITS;
	if (delta + 1 > 2)
		return 0;
	*off = (int32_t)delta;
	return ticks + 1;
}

/* The step of so many ticks of an inexact clock. */
RC_INLINE uint64_t code_ticks(struct ad_model *m, struct range_coder *rc, bool decode,
	uint64_t ticks, int32_t off, struct ad_cpu *c, unsigned int exp)
{
	uint64_t sum = c->fraction + ticks * m->clock.unit;
	uint64_t delta = sum >> AD_FRACTION_BITS;
	uint32_t eighth = (uint32_t)sum >> (AD_FRACTION_BITS - 3) & 7;

	c->fraction = (uint32_t)sum & AD_FRACTION_MASK;
	c->span_ticks += ticks;
	if (PLAIN(off != 0, slot_line(SALT_OFF + exp), eighth)) {
		bool less = PLAIN(off < 0, slot_line(SALT_OFF + 64), eighth);

		/* The tick was just in the nanosecond before or after, as far as is known. */
		c->fraction = less ? AD_FRACTION_MASK : 0;
		delta += less ? UINT64_MAX : 1;
	}
	return delta;
}

RC_INLINE uint64_t code_time(struct ad_model *m, struct range_coder *rc, bool decode, uint64_t t_ns,
	struct ad_cpu *c, uint32_t sym, uint32_t top)
{
	uint32_t pair = hash2(sym, c->sym[0]);
	uint8_t *last = &m->last_exp[pair % AD_PAIRS];
	const struct time_contexts x = {
		.sym = sym,
		.pair = pair,
		.recent = hash2(pair, (uint32_t)c->exp[0] << 6 | c->exp[1]),
		.nested = hash2(pair, hash2(top, (uint32_t)c->sym[1] << 6 | *last)),
	};
	uint64_t ticks = 0; /* and one more */
	unsigned int exp = EXP_RAW;
	int32_t off = 0;

	if (!decode && c->seen) {
		ticks = count_ticks(&m->clock, t_ns - c->t_ns, c->fraction, &off);
		exp = ticks && ticks >> 63 == 0 ? bit_length(ticks) - 1 : EXP_RAW;
	}
	exp = code_exponent(m, rc, decode, exp, &x);
	if (exp == EXP_RAW) {
		t_ns = code_distance(
			m, rc, decode, t_ns, c->seen ? c->t_ns : m->newest_ns, SALT_EXP);
		c->fraction = AD_FRACTION_MASK >> 1;
		c->span_from_ns = t_ns;
		c->span_ticks = 0;
		m->raw_steps++;
	} else {
		ticks = code_mantissa(m, rc, decode, ticks, exp, &x) - 1;
		if (m->clock.exact)
			t_ns = c->t_ns + ticks * m->clock.unit;
		else
			t_ns = c->t_ns + code_ticks(m, rc, decode, ticks, off, c, exp);
		*last = (uint8_t)exp;
	}
	c->exp[1] = c->exp[0];
	c->exp[0] = (uint8_t)exp;
	return t_ns;
}

/* ---- arguments ----------------------------------------------------------------------------------
 */

RC_INLINE uint64_t code_arg(struct ad_model *m, struct range_coder *rc, bool decode, uint64_t value,
	uint32_t sym, uint32_t index, uint32_t tid)
{
	uint32_t where = hash2(sym, SALT_ARG + index);
	uint64_t *row = m->args[where % AD_ARG_ROWS];
	uint32_t rank;

	for (rank = 0; rank < AD_ARG_CANDS; rank++) {
		uint32_t a = slot_line(hash2(where, (uint32_t)row[rank]));
		uint32_t b = slot_line(hash2(where, hash2(tid, (uint32_t)row[rank])));

		if (MIXED(value == row[rank], a, b, rank, SET_ARG_CAND + rank)) {
			value = row[rank];
			break;
		}
	}
	if (rank == AD_ARG_CANDS) {
		value = code_distance(m, rc, decode, value, row[0], where);
		rank--;
	}
	memmove(row + 1, row, rank * sizeof(*row));
	row[0] = value;
	return value;
}

#endif
