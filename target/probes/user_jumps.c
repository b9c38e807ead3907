/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Jumps through a register or memory: a switch's table, or a call of another function at the end?
 * Told by the few shapes that compilers give them, and believed only when the table's own words
 * lead to instructions of this function.
 */
#include <string.h>

#include "target/probes/user_reading.h"

#define TABLE_MOST  4096u /* entries */
#define LOOK_BACK   64u   /* instructions */
#define BOUND_BACK  16u   /* instructions in which the comparison before a table stands */
#define CONST_DEPTH 4u

/* How a table's entries become addresses: base + (entry << shift). */
struct table {
	uint64_t at, base;
	unsigned int width, shift;
	bool is_signed;
};

static bool is_arm(const struct reading *r)
{
	return r->v->arch == USER_ARM64 || r->v->arch == USER_ARM;
}

static bool read_entry(struct reading *r, const struct table *t, size_t i, uint64_t *target)
{
	uint8_t b[8] = {0};
	uint64_t value = 0;
	unsigned int k;

	if (r->v->read(r->v->ctx, t->at + i * t->width, b, t->width) != t->width)
		return false;
	for (k = 0; k < t->width; k++)
		value |= (uint64_t)b[k] << (8 * k);
	if (t->is_signed && t->width < 8 && b[t->width - 1] & 0x80)
		value |= ~UINT64_C(0) << (8 * t->width);
	*target = t->base + (value << t->shift);
	if (r->v->arch == USER_X86_32 || r->v->arch == USER_ARM)
		*target &= UINT32_MAX;
	return true;
}

/* Entries, from the comparison before the jump; what it compares is not looked at. */
static size_t bound(struct reading *r, struct span *s, uint64_t address)
{
	struct user_insn insn;
	unsigned int i;

	for (i = 0; i < BOUND_BACK && reading_before(r, s, address, &insn); i++) {
		if (insn.op == OP_COMPARE && insn.disp >= 0 && insn.disp < TABLE_MOST)
			return (size_t)insn.disp + 1;
		address = insn.address;
	}
	return TABLE_MOST;
}

/*
 * Reach what a table's entries say up to the first that is no place in the function. On x86 a table
 * read too far marks only what the sweep found to be instructions; elsewhere any word would do, so
 * there the comparison says how many.
 */
static bool take_table(struct reading *r, struct span *s, uint64_t jump, const struct table *t)
{
	size_t i, most = is_arm(r) ? bound(r, s, jump) : TABLE_MOST;
	uint64_t target;

	if (is_arm(r) && most == TABLE_MOST && t->width < 4)
		return false;
	for (i = 0; i < most && read_entry(r, t, i, &target) && reading_is_place(r, target); i++)
		reading_reach(r, target);
	return i > 0 && (!is_arm(r) || most == TABLE_MOST || i == most);
}

/* Does a table of addresses lead to functions? */
static bool leads_away(struct reading *r, const struct table *t)
{
	struct user_symbol to;
	uint64_t target;

	return read_entry(r, t, 0, &target) && !reading_span(r, target) &&
	       r->v->symbol(r->v->ctx, target, &to) && to.address == target &&
	       to.kind == USER_FUNCTION;
}

/* ---- constants in registers ------------------------------------------------------------------ */

/* The value a register got before `address` from a constant, at any distance. Continues from *from
 * downwards; false: there is none. */
static bool constant(struct reading *r, struct span *s, uint64_t *from, uint8_t reg,
	unsigned int depth, uint64_t *value)
{
	struct user_insn insn;

	while (reading_before(r, s, *from, &insn)) {
		uint64_t below = *from = insn.address;

		if (insn.dst != reg || insn.flow == FLOW_INDIRECT)
			continue;
		if (insn.op == OP_CONST || insn.op == OP_PAGE) {
			*value = (uint64_t)insn.disp;
			return true;
		}
		if (depth && insn.op == OP_ADD_IMM &&
			constant(r, s, &below, insn.base, depth - 1, value)) {
			*value += (uint64_t)insn.disp;
			return true;
		}
		if (depth && insn.op == OP_MOVE && insn.base != reg &&
			constant(r, s, &below, insn.base, depth - 1, value))
			return true;
	}
	return false;
}

/* A table whose place is in a register: try all constants it may hold, nearest first. */
static bool table_in_register(struct reading *r, struct span *s, uint64_t jump, uint8_t reg,
	struct table t, bool relative)
{
	uint64_t from = jump, value;
	int64_t disp = (int64_t)t.at;

	while (constant(r, s, &from, reg, CONST_DEPTH, &value)) {
		t.at = value + (uint64_t)disp;
		if (relative)
			t.base = value;
		if (take_table(r, s, jump, &t))
			return true;
	}
	return false;
}

/* ---- the shapes ------------------------------------------------------------------------------ */

/* Through memory, directly or by a load into the register: an index makes it a table. */
static enum jump_kind through_memory(
	struct reading *r, struct span *s, uint64_t jump, const struct user_insn *m)
{
	struct table t = {.at = (uint64_t)m->disp, .width = m->width};

	if (m->index == USER_REG_NONE)
		return JUMP_LEAVES;
	if (m->base == USER_REG_PC) {
		t.at = m->address + 8;
		return take_table(r, s, jump, &t) ? JUMP_STAYS : JUMP_UNKNOWN;
	}
	if (m->base == USER_REG_NONE) {
		if (take_table(r, s, jump, &t))
			return JUMP_STAYS;
		return leads_away(r, &t) ? JUMP_LEAVES : JUMP_UNKNOWN;
	}
	if (r->v->arch == USER_X86_32 && r->v->got) {
		t.at += r->v->got;
		t.base = r->v->got;
		if (take_table(r, s, jump, &t))
			return JUMP_STAYS;
		t.at = (uint64_t)m->disp;
		t.base = 0;
	}
	if (table_in_register(r, s, jump, m->base, t, false) ||
		table_in_register(r, s, jump, m->index, t, false))
		return JUMP_STAYS;
	return JUMP_UNKNOWN;
}

/* The load of the entry that an addition uses: the nearest one into the register. */
static bool find_load(
	struct reading *r, struct span *s, uint64_t address, uint8_t reg, struct user_insn *out)
{
	unsigned int i;

	for (i = 0; i < LOOK_BACK && reading_before(r, s, address, out); i++) {
		address = out->address;
		if (out->dst != reg || out->flow != FLOW_NEXT)
			continue;
		if (out->op == OP_LOAD)
			return true;
		if (out->op == OP_MOVE)
			reg = out->base;
		else if (out->op != OP_NONE)
			return false;
	}
	return false;
}

/* arm64: base + (entry << shift), where base is an address in the code or the table itself. */
static bool sum_arm64(struct reading *r, struct span *s, uint64_t jump, const struct user_insn *sum)
{
	struct user_insn load;
	uint64_t from = sum->address, base, below;
	struct table t = {.shift = sum->shift};

	if (!find_load(r, s, sum->address, sum->index, &load) || load.index == USER_REG_NONE)
		return false;
	t.width = load.width;
	t.is_signed = load.is_signed || sum->is_signed || load.width == 4;
	t.at = 0;
	while (constant(r, s, &from, sum->base, CONST_DEPTH, &base)) {
		t.base = base;
		below = load.address;
		while (constant(r, s, &below, load.base, CONST_DEPTH, &t.at))
			if (take_table(r, s, jump, &t))
				return true;
	}
	return false;
}

/* base + entry: the entry is the distance from the table, which the other register holds. */
static enum jump_kind through_sum(
	struct reading *r, struct span *s, uint64_t jump, const struct user_insn *sum)
{
	struct table t = {.width = 4, .is_signed = true};
	struct user_insn load;

	if (r->v->arch == USER_ARM64)
		return sum_arm64(r, s, jump, sum) ||
				       (sum->base != sum->index &&
					       sum_arm64(r, s, jump,
						       &(struct user_insn){
							       .address = sum->address,
							       .base = sum->index,
							       .index = sum->base,
						       }))
			       ? JUMP_STAYS
			       : JUMP_UNKNOWN;
	if (r->v->arch == USER_X86_32 && r->v->got &&
		(find_load(r, s, sum->address, sum->base, &load) ||
			find_load(r, s, sum->address, sum->index, &load))) {
		t.at = r->v->got + (uint64_t)load.disp;
		t.base = r->v->got;
		return take_table(r, s, jump, &t) ? JUMP_STAYS : JUMP_UNKNOWN;
	}
	if (table_in_register(r, s, jump, sum->index, t, true) ||
		table_in_register(r, s, jump, sum->base, t, true))
		return JUMP_STAYS;
	return JUMP_UNKNOWN;
}

/* arm: add pc, pc, rN, lsl #2 into branches that follow. */
static enum jump_kind into_branches(struct reading *r, struct span *s, const struct user_insn *jump)
{
	size_t i, n = bound(r, s, jump->address);

	if (n == TABLE_MOST || jump->shift != 2)
		return JUMP_UNKNOWN;
	for (i = 0; i < n; i++) {
		if (!reading_is_place(r, jump->address + 8 + 4 * i))
			return JUMP_UNKNOWN;
		reading_reach(r, jump->address + 8 + 4 * i);
	}
	return JUMP_STAYS;
}

/* What gave the register its value? */
static enum jump_kind through_register(
	struct reading *r, struct span *s, const struct user_insn *jump)
{
	uint64_t address = jump->address;
	uint8_t reg = jump->dst;
	struct user_insn insn;
	unsigned int i;

	for (i = 0; i < LOOK_BACK; i++) {
		if (!reading_before(r, s, address, &insn))
			/* An argument: what the caller handed over. */
			return s == &r->span[0] ? JUMP_LEAVES : JUMP_UNKNOWN;
		if (insn.flow == FLOW_JUMP && insn.conditional) {
			address = insn.address;
			continue;
		}
		if (insn.flow != FLOW_NEXT && insn.flow != FLOW_CALL)
			return JUMP_UNKNOWN;
		address = insn.address;
		if (insn.dst != reg || insn.op == OP_NONE)
			continue;
		if (insn.op == OP_MOVE)
			reg = insn.base;
		else if (insn.op == OP_LOAD)
			return through_memory(r, s, jump->address, &insn);
		else if (insn.op == OP_ADD)
			return through_sum(r, s, jump->address, &insn);
		else
			return JUMP_UNKNOWN;
	}
	return JUMP_UNKNOWN;
}

enum jump_kind reading_classify(struct reading *r, struct span *s, const struct user_insn *jump)
{
	if (jump->memory)
		return through_memory(r, s, jump->address, jump);
	if (jump->base == USER_REG_PC)
		return into_branches(r, s, jump);
	return through_register(r, s, jump);
}
