/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Codec 2: who and what: the thread and the symbol of an event. Part of adaptive.c. */
#ifndef PROTO_ADAPTIVE_SYMBOL_H
#define PROTO_ADAPTIVE_SYMBOL_H

#include <string.h>

#include "proto/adaptive_code.h"

/* ---- the dictionary of symbols ------------------------------------------------------------------
 */

/* Where the key is, or the free place where it would be. There always is a free one. */
static uint32_t key_place(const struct ad_model *m, uint32_t key)
{
	uint32_t at = hash2(key, 1) % AD_HASH;

	while (m->by_key[at] && m->key[m->by_key[at]] != key)
		at = (at + 1) % AD_HASH;
	return at;
}

/* The new symbol; 0 when the dictionary is full: such events are spelled out each time. */
static uint32_t add_symbol(struct ad_model *m, uint32_t key)
{
	uint32_t at = key_place(m, key);

	if (m->by_key[at]) /* only a damaged block spells out a known one */
		return m->by_key[at];
	if (m->n_symbols == AD_SYMBOLS)
		return 0;
	m->key[m->n_symbols] = key;
	m->by_key[at] = (uint16_t)m->n_symbols;
	return m->n_symbols++;
}

/* ---- the thread ---------------------------------------------------------------------------------
 */

/* Move row[rank] to row[to], to <= rank, the ones between back by one. */
#define MOVE_UP(row, rank, to, value)                                                              \
	do {                                                                                       \
		memmove((row) + (to) + 1, (row) + (to), ((rank) - (to)) * sizeof(*(row)));         \
		(row)[to] = (value);                                                               \
	} while (0)

RC_INLINE uint32_t code_other_tid(struct ad_model *m, struct range_coder *rc, bool decode,
	uint32_t tid, const struct ad_cpu *c, uint32_t cpu)
{
	uint32_t owner = c->tid ? c->tid : ~cpu;
	uint32_t *row = m->next_tid[hash2(owner, SALT_TID) % AD_TID_ROWS];
	uint32_t rank;

	if (c->has_hint) {
		uint32_t a = slot_line(hash2(c->sym[0], SALT_TID_HINT));
		uint32_t b = slot_line(hash2(c->tid, SALT_TID_HINT + 1));

		if (MIXED(tid == c->hint, a, b, 0, SET_TID_HINT))
			return c->hint;
	}
	for (rank = 0; rank < AD_TID_CANDS; rank++) {
		uint32_t after = hash2(c->prev_tid, hash2(owner, SALT_TID_CAND + 1));
		uint32_t a = slot_line(hash2(row[rank], hash2(owner, SALT_TID_CAND)));
		uint32_t b = slot_line(hash2(row[rank], after));

		if (MIXED(tid == row[rank], a, b, rank, SET_TID_CAND + rank)) {
			/* Half way to the front: frequent ones stay there. */
			tid = row[rank];
			MOVE_UP(row, rank, rank / 2, tid);
			return tid;
		}
	}
	tid = (uint32_t)RAW(tid, 32);
	MOVE_UP(row, AD_TID_CANDS - 1, 0, tid);
	return tid;
}

/* ---- the symbol ---------------------------------------------------------------------------------
 */

struct symbol_contexts {
	uint32_t triple; /* the last two symbols, the innermost call, whether the thread changed */
	uint32_t top;    /* the innermost call */
	uint32_t changed;
};

/* Returns the symbol, 0 if the dictionary is full, or BAD_SYMBOL. */
#define BAD_SYMBOL UINT32_MAX
RC_INLINE uint32_t code_far_symbol(
	struct ad_model *m, struct range_coder *rc, bool decode, uint32_t sym, uint32_t *key)
{
	if (PLAIN(sym == 0, slot_line(SALT_SYM_NEW), 0)) {
		*key = (uint32_t)RAW(*key, AD_KEY_BITS);
		return add_symbol(m, *key);
	}
	sym = (uint32_t)RAW(sym, bit_length(m->n_symbols));
	return sym && sym < m->n_symbols ? sym : BAD_SYMBOL;
}

/* Sets *key. Returns the symbol as code_far_symbol. */
RC_INLINE uint32_t code_symbol(struct ad_model *m, struct range_coder *rc, bool decode,
	uint32_t *key, const struct ad_cpu *c, const struct symbol_contexts *x)
{
	uint32_t sym = decode ? 0 : m->by_key[key_place(m, *key)];
	uint16_t *near = m->after2[x->triple % AD_ROWS2];
	uint16_t *far = m->after1[hash2(c->sym[0], SALT_SYM1 + x->changed) % AD_ROWS1];
	uint32_t nest = hash2(hash2(c->sym[0], x->top), c->sym[2]);
	uint32_t rank;

	for (rank = 0; rank < AD_CANDS2 && near[rank]; rank++) {
		if (PLAIN(sym == near[rank], slot_line(hash2(near[rank], nest)), rank)) {
			sym = near[rank];
			if (rank > 0)
				MOVE_UP(near, rank, rank - 1, (uint16_t)sym);
			*key = m->key[sym];
			return sym;
		}
	}
	for (rank = 0; rank < AD_CANDS1 && far[rank]; rank++) {
		uint32_t line = slot_line(hash2(far[rank], hash2(c->sym[0], SALT_SYM1 + 2)));

		if (far[rank] == near[0] || far[rank] == near[1] || far[rank] == near[2] ||
			far[rank] == near[3])
			continue; /* was refused above */
		if (PLAIN(sym == far[rank], line, rank)) {
			sym = far[rank];
			break;
		}
	}
	if (rank == AD_CANDS1 || !far[rank]) {
		sym = code_far_symbol(m, rc, decode, sym, key);
		if (sym == 0 || sym == BAD_SYMBOL)
			return sym;
		MOVE_UP(far, AD_CANDS1 - 1, 0, (uint16_t)sym);
	} else if (rank > 0) {
		MOVE_UP(far, rank, rank - 1, (uint16_t)sym);
	}
	/* A newcomer must not displace the favourite. */
	MOVE_UP(near, AD_CANDS2 - 1, near[0] != 0, (uint16_t)sym);
	*key = m->key[sym];
	return sym;
}

#endif
