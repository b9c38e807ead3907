/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Codec 2: what the parts of adaptive.c share. */
#ifndef PROTO_ADAPTIVE_CODE_H
#define PROTO_ADAPTIVE_CODE_H

#include "proto/adaptive.h"

/* Pairs of weights (adaptive_bit.h): which kind of decision a bit is. */
enum {
	SET_TID_HINT = 0,
	SET_TID_CAND = 1,  /* + rank, AD_TID_CANDS */
	SET_EXP_NEAR = 8,  /* + which, EXP_NEAR */
	SET_EXP_TREE = 16, /* + level, 6 */
	SET_ARG_CAND = 24, /* + rank, AD_ARG_CANDS */
	SET_MANTISSA = 64, /* + level * 64 + exponent; MIXED_MANTISSA levels */
};

/* Salts keep the contexts of different questions apart. */
enum {
	SALT_TID = 0x1000,
	SALT_TID_HINT = 0x2000,
	SALT_TID_CAND = 0x3000,
	SALT_SYM1 = 0x4000,
	SALT_SYM_NEW = 0x5000,
	SALT_EXP = 0x6000,
	SALT_EXP_TREE = 0x7000,
	SALT_MANTISSA = 0x8000,
	SALT_ARG = 0x9000,
	SALT_DISTANCE = 0xa000,
	SALT_OFF = 0xb000,
	SALT_FINE = 0x10000,
};

/* In functions with these names at hand. */
#define RAW(value, n)          rc_raw(rc, decode, value, n)
#define PLAIN(bit, line, node) plain_bit(&m->bits, &m->tables, rc, decode, bit, line, node)
#define WEIGHED(bit, line, node, set)                                                              \
	weighed_bit(&m->bits, &m->tables, rc, decode, bit, line, node, set)
#define MIXED(bit, a, b, node, set)                                                                \
	mixed_bit(&m->bits, &m->tables, rc, decode, bit, a, b, node, set)

static inline unsigned int bit_length(uint64_t v)
{
	return v ? 64u - (unsigned int)__builtin_clzll(v) : 0;
}

#endif
