/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One adaptively modelled bit: slots, each an estimate under one context. Two of them are mixed in
 * the logistic domain by learned weights; where one context says it all, its slot is taken as it
 * is. PROTOCOL.md, "Codec 2: adaptive". Internal to proto/.
 */
#ifndef PROTO_ADAPTIVE_BIT_H
#define PROTO_ADAPTIVE_BIT_H

#include "proto/range_coder.h"

#define BIT_WEIGHTS 256u  /* pairs of weights, chosen by what kind of bit it is */
#define BIT_SINGLES 256u  /* weights of bits with one context */
#define BIT_UNIT    65536 /* weight 1.0 */
#define BIT_INITIAL (BIT_UNIT * 5 / 6)
#define BIT_RATE    10 /* log2 of the divisor of a weight's correction */

/*
 * A slot is 12 bits of probability that the bit is 1, and 4 bits counting how often it was used, to
 * learn fast at first. A line of slots is what one context owns: 16 bytes.
 */
#define SLOT_NODE_BITS 3u  /* log2 of the slots in a line */
#define SLOT_LINE_BITS 14u /* log2 of the number of lines */
#define SLOT_COUNT     (1u << (SLOT_LINE_BITS + SLOT_NODE_BITS))
#define SLOT_FRESH     (2048u << 4)
#define SLOT_MAX_USES  15u

#define LOGIT_MAX 2047 /* logits are -2047..2047, 256 a unit */

struct bit_tables {
	int16_t squash[2 * (LOGIT_MAX + 1)]; /* [logit + 2048]: probability 1..4095 */
	int16_t stretch[4096];               /* [probability]: logit */
	uint16_t rate[SLOT_MAX_USES + 1];    /* [uses]: share of the error to correct, of 65536 */
};

struct bit_model {
	uint16_t slot[SLOT_COUNT];
	int32_t weight[BIT_WEIGHTS][2];
	int32_t single[BIT_SINGLES];
};

void bit_tables_init(struct bit_tables *t);
void bit_model_reset(struct bit_model *m);

RC_INLINE uint32_t hash2(uint32_t a, uint32_t b)
{
	uint32_t h = (a ^ (b * 0x85ebca77u)) * 0x9e3779b1u;

	return h ^ h >> 15;
}

/* First slot of a context's line. */
RC_INLINE uint32_t slot_line(uint32_t context)
{
	return (context * 0x2c1b3c6du >> (32 - SLOT_LINE_BITS)) << SLOT_NODE_BITS;
}

RC_INLINE void slot_update(const struct bit_tables *t, uint16_t *slot, unsigned int bit)
{
	uint32_t uses = *slot & SLOT_MAX_USES;
	uint32_t p = *slot >> 4;
	uint32_t rate = t->rate[uses];

	if (bit)
		p += ((4095 - p) * rate + 32768) >> 16;
	else
		p -= (p * rate + 32768) >> 16;
	*slot = (uint16_t)(p << 4 | (uses + (uses < SLOT_MAX_USES)));
}

/* Code one bit as slot[line + node], node < 8, expects it: 8..4087 of 4096, the rounding in
 * slot_update lets it come no closer to certainty. Returns the bit. */
RC_INLINE unsigned int plain_bit(struct bit_model *m, const struct bit_tables *t,
	struct range_coder *rc, bool decode, unsigned int bit, uint32_t line, uint32_t node)
{
	uint16_t *slot = &m->slot[line + node];
	uint32_t p = *slot >> 4;

	bit = rc_bit(rc, decode, bit, p);
	slot_update(t, slot, bit);
	return bit;
}

/* Weights stay within -16.0..16.0, so that nothing overflows whatever a block does. */
RC_INLINE int32_t weight_add(int32_t weight, int32_t change)
{
	int32_t sum = weight + change;

	return sum > 16 * BIT_UNIT ? 16 * BIT_UNIT : sum < -16 * BIT_UNIT ? -16 * BIT_UNIT : sum;
}

RC_INLINE uint32_t squash(const struct bit_tables *t, int32_t logit)
{
	logit = logit > LOGIT_MAX ? LOGIT_MAX : logit < -LOGIT_MAX ? -LOGIT_MAX : logit;
	return (uint32_t)t->squash[logit + LOGIT_MAX + 1];
}

/* Code one bit as slot[line + node], node < 8, expects it, made bolder or more timid by weight
 * `set`: for bits near even odds. Returns the bit. */
RC_INLINE unsigned int weighed_bit(struct bit_model *m, const struct bit_tables *t,
	struct range_coder *rc, bool decode, unsigned int bit, uint32_t line, uint32_t node,
	uint32_t set)
{
	uint16_t *slot = &m->slot[line + node];
	int32_t a = t->stretch[*slot >> 4];
	int32_t *weight = &m->single[set];
	uint32_t p = squash(t, (int32_t)((int64_t)*weight * a >> 16));
	int32_t error;

	bit = rc_bit(rc, decode, bit, p);
	error = (int32_t)(bit << RC_PROB_BITS) - (int32_t)p;
	*weight = weight_add(*weight, (a * error + (1 << (BIT_RATE - 1))) >> BIT_RATE);
	slot_update(t, slot, bit);
	return bit;
}

/* Code one bit as slot[line_a + node] and slot[line_b + node], node < 8, expect it, mixed by the
 * weights of `set`. Returns the bit. */
RC_INLINE unsigned int mixed_bit(struct bit_model *m, const struct bit_tables *t,
	struct range_coder *rc, bool decode, unsigned int bit, uint32_t line_a, uint32_t line_b,
	uint32_t node, uint32_t set)
{
	uint16_t *slot_a = &m->slot[line_a + node], *slot_b = &m->slot[line_b + node];
	int32_t a = t->stretch[*slot_a >> 4], b = t->stretch[*slot_b >> 4];
	int32_t *weight = m->weight[set];
	int64_t sum = (int64_t)weight[0] * a + (int64_t)weight[1] * b;
	uint32_t p = squash(t, (int32_t)(sum >> 16));
	int32_t error;

	bit = rc_bit(rc, decode, bit, p);
	error = (int32_t)(bit << RC_PROB_BITS) - (int32_t)p;
	weight[0] = weight_add(weight[0], (a * error + (1 << (BIT_RATE - 1))) >> BIT_RATE);
	weight[1] = weight_add(weight[1], (b * error + (1 << (BIT_RATE - 1))) >> BIT_RATE);
	slot_update(t, slot_a, bit);
	slot_update(t, slot_b, bit);
	return bit;
}

#endif
