/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Codec 2, what both directions know of the events so far: the state of a group. PROTOCOL.md,
 * section "Codec 2: adaptive". Internal to proto/.
 */
#ifndef PROTO_ADAPTIVE_H
#define PROTO_ADAPTIVE_H

#include "proto/adaptive_bit.h"
#include "proto/event.h"

#define AD_CPUS      256u
#define AD_SYMBOLS   4096u /* symbols are indexes into the dictionary; 0 is "none" */
#define AD_HASH      8192u /* open addressing, so twice AD_SYMBOLS */
#define AD_STACKS    512u
#define AD_DEPTH     15u
#define AD_PAIRS     8192u /* (symbol, previous symbol) */
#define AD_ROWS2     4096u /* candidates after two symbols */
#define AD_ROWS1     1024u /* candidates after one symbol */
#define AD_CANDS2    4u
#define AD_CANDS1    8u
#define AD_TID_ROWS  512u
#define AD_TID_CANDS 6u
#define AD_ARG_ROWS  1024u
#define AD_ARG_CANDS 4u

/* (function, kind, number of arguments) of an event, as one number. */
#define AD_KEY_BITS 21u
static inline uint32_t ad_key(const struct ayp_event *e)
{
	return (uint32_t)e->func << 5 | (uint32_t)e->kind << 3 | e->nargs;
}

/*
 * How the clock of the times moves. `unit` is the length of a tick. Exact clocks: nanoseconds, and
 * every step of time is a multiple of it. Others: 2^-AD_FRACTION_BITS nanoseconds; a time is the
 * number of ticks so far times unit, rounded down, give or take a nanosecond.
 */
#define AD_FRACTION_BITS 28u
#define AD_FRACTION_MASK ((1u << AD_FRACTION_BITS) - 1)
/* The largest step that is coded in ticks of an inexact clock: its product fits 64 bits. */
#define AD_TICK_STEP_BITS 35u
struct ad_clock {
	uint64_t unit;
	bool exact;
};

struct ad_cpu {
	uint64_t t_ns;
	uint32_t tid, prev_tid;
	uint32_t hint;     /* first argument of the last event: often the thread that comes next */
	uint32_t fraction; /* of a nanosecond, where in t_ns the clock ticked; inexact clocks */
	uint16_t sym[3];   /* the last symbols, newest first */
	uint8_t exp[2];    /* the exponents of the last steps, newest first */
	bool seen;         /* t_ns is that of an event */
	bool has_hint;
	/* For the encoder to measure an inexact clock: ticks since then, none spelled out. */
	uint64_t span_from_ns, span_ticks;
};

/* The calls a thread is in, as far as this group has seen them. */
struct ad_stack {
	uint32_t owner;
	uint32_t depth;
	uint16_t sym[AD_DEPTH];
};

struct ad_model {
	struct bit_model bits;
	struct ad_cpu cpu[AD_CPUS];
	struct ad_stack stack[AD_STACKS];
	uint8_t last_exp[AD_PAIRS];
	uint8_t usual_exp[AD_PAIRS]; /* exponent << 2 | confidence */
	uint16_t after2[AD_ROWS2][AD_CANDS2];
	uint16_t after1[AD_ROWS1][AD_CANDS1];
	uint32_t next_tid[AD_TID_ROWS][AD_TID_CANDS];
	uint64_t args[AD_ARG_ROWS][AD_ARG_CANDS];
	uint32_t key[AD_SYMBOLS];
	uint16_t by_key[AD_HASH];
	uint32_t n_symbols;
	uint64_t newest_ns; /* time of the last event coded, on any CPU */
	uint32_t check;     /* over all events of the group */
	struct ad_clock clock;
	struct bit_tables tables; /* this and what follows outlast a group */
	uint32_t raw_steps; /* steps of time so far that were spelled out: tells a wrong clock */
};

/* Set up once; then reset at the start of each group. */
void ad_model_init(struct ad_model *m);
void ad_model_reset(struct ad_model *m);

/* Code the next event of e->cpu. Decoding fills all but e->cpu and returns false if the block
 * cannot be right. */
void ad_encode_event(struct ad_model *m, struct range_coder *rc, const struct ayp_event *e);
bool ad_decode_event(struct ad_model *m, struct range_coder *rc, struct ayp_event *e);

/* 16 bits of m->check. */
uint16_t ad_check(const struct ad_model *m);

#endif
