/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Between user_ends.c and user_jumps.c: a function while it is read. Nobody else includes this. */
#ifndef TARGET_PROBES_USER_READING_H
#define TARGET_PROBES_USER_READING_H

#include "target/probes/user_ends.h"

#define READING_SPANS 16u

enum reading_mark {
	MARK_BOUNDARY = 1, /* an instruction begins here */
	MARK_REACHED = 2,
	MARK_TARGET = 4, /* jumped to */
	MARK_DATA = 8,   /* read by an instruction that looks like one of the function's */
};

/* A piece of the function. */
struct span {
	uint64_t address;
	size_t size;
	uint8_t *bytes, *mark; /* size of each */
};

struct reading {
	const struct user_view *v;
	uint64_t start;
	struct span span[READING_SPANS];
	size_t n_spans;
	uint64_t *todo; /* reached, not yet looked at */
	size_t n_todo, cap_todo;
	uint64_t *indirect; /* jumps to classify */
	size_t n_indirect, cap_indirect;
	size_t cap_ends;
	size_t steps; /* left: instructions that may yet be decoded */
	struct user_ends *out;
};

struct span *reading_span(struct reading *r, uint64_t address);
/* An instruction of a span at a boundary; false: there is none. */
bool reading_decode(struct reading *r, struct span *s, uint64_t address, struct user_insn *out);
/* The one before it in the same span; false: it is the first. */
bool reading_before(struct reading *r, struct span *s, uint64_t address, struct user_insn *out);
/* Is it the place of an instruction of this function? */
bool reading_is_place(struct reading *r, uint64_t address);
/* It is jumped to. */
void reading_reach(struct reading *r, uint64_t address);

enum jump_kind { JUMP_STAYS, JUMP_LEAVES, JUMP_UNKNOWN };
/* Where does FLOW_INDIRECT lead? Of JUMP_STAYS all targets have been reached. */
enum jump_kind reading_classify(struct reading *r, struct span *s, const struct user_insn *jump);

#endif
