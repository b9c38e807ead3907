/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A32: Arm Architecture Reference Manual ARMv7-A (DDI 0406), A5. */
#include "target/probes/user_insn.h"

enum { PC = 15, LR = 14, SP = 13 };

static uint8_t reg(uint32_t word, unsigned int at)
{
	return word >> at & 15;
}

/* A5.2.4: eight bits, rotated. */
static uint32_t immediate(uint32_t word)
{
	unsigned int by = (word >> 8 & 15) * 2;
	uint32_t value = word & 0xff;

	return by ? value >> by | value << (32 - by) : value;
}

/* A word comes into pc. */
static bool into_pc(uint32_t word, struct user_insn *o)
{
	bool load = (word & 0x0c100000) == 0x04100000;
	bool add_pc = (word & 0x0fef0070) == 0x008f0000 && reg(word, 12) == PC;

	if ((word & 0x0fffffff) == 0x01a0f00e) { /* mov pc, lr */
		o->flow = FLOW_RETURN;
	} else if (load && reg(word, 16) == SP) { /* ldr pc, [sp], #4 */
		o->flow = FLOW_RETURN;
	} else if (load) {
		o->flow = FLOW_INDIRECT;
		o->memory = true;
		o->width = 4;
		o->base = reg(word, 16) == PC ? USER_REG_PC : reg(word, 16);
		if (word & 0x02000000) {
			o->index = reg(word, 0);
			o->shift = word >> 7 & 31;
		} else {
			o->disp = word & 0x00800000 ? (int64_t)(word & 0xfff)
						    : -(int64_t)(word & 0xfff);
		}
	} else if (add_pc) { /* add pc, pc, rN, lsl #2: a table of branches */
		o->flow = FLOW_INDIRECT;
		o->base = USER_REG_PC;
		o->index = reg(word, 0);
		o->shift = word >> 7 & 31;
	} else if ((word & 0x0ffffff0) == 0x01a0f000) { /* mov pc, rN */
		o->flow = FLOW_INDIRECT;
		o->dst = reg(word, 0);
	} else {
		return false;
	}
	return true;
}

static bool data_processing(uint32_t word, struct user_insn *o)
{
	uint32_t opcode = word >> 21 & 15;
	bool imm = word & 0x02000000;

	/* tst, teq, cmp, cmn with their S bit; without it: movw, movt, system. */
	if (opcode >= 8 && opcode <= 11) {
		if (!(word & 0x00100000)) {
			o->op = imm ? OP_WRITE : OP_NONE;
			o->dst = reg(word, 12);
		} else if (opcode == 10 && imm) {
			o->op = OP_COMPARE;
			o->base = reg(word, 16);
			o->disp = immediate(word);
		}
		return true;
	}
	if (reg(word, 12) == PC)
		return into_pc(word, o);
	o->dst = reg(word, 12);
	o->op = OP_WRITE;
	if (opcode == 13 && !imm && !(word & 0xff0)) {
		o->op = OP_MOVE;
		o->base = reg(word, 0);
	} else if (opcode == 4 && !imm && !(word & 0x70)) {
		o->op = OP_ADD;
		o->base = reg(word, 16);
		o->index = reg(word, 0);
		o->shift = word >> 7 & 31;
	}
	return true;
}

/* Compilers put constants behind a function's code, or into it behind a jump. */
static void literal(struct user_insn *o, bool up, uint32_t distance, uint8_t width)
{
	o->literal = true;
	o->target = (uint32_t)(o->address + 8 + (up ? distance : 0u - distance));
	o->width = width;
}

static bool load_store(uint32_t word, struct user_insn *o)
{
	if (!(word & 0x00100000))
		return true; /* a store */
	if (reg(word, 12) == PC && !(word & 0x00400000))
		return into_pc(word, o);
	o->op = OP_LOAD;
	o->dst = reg(word, 12);
	o->base = reg(word, 16);
	o->width = word & 0x00400000 ? 1 : 4;
	if (word & 0x02000000) {
		o->index = reg(word, 0);
		o->shift = word >> 7 & 31;
	} else {
		o->disp = word & 0x00800000 ? (int64_t)(word & 0xfff) : -(int64_t)(word & 0xfff);
	}
	if (o->base == PC) {
		o->op = OP_WRITE;
		if (!(word & 0x02000000))
			literal(o, word & 0x00800000, word & 0xfff, o->width);
	}
	return true;
}

static bool miscellaneous(uint32_t word, struct user_insn *o)
{
	uint32_t which = word >> 4 & 15;

	if ((word & 0x0ffffff0) == 0x012fff10) { /* bx */
		o->flow = reg(word, 0) == LR ? FLOW_RETURN : FLOW_INDIRECT;
		o->dst = reg(word, 0);
	} else if ((word & 0x0ffffff0) == 0x012fff30) { /* blx rN */
		o->flow = FLOW_CALL;
	} else if (which == 7) { /* bkpt */
		o->flow = FLOW_STOP;
	} else if ((word & 0x0fff0ff0) == 0x016f0f10 || /* clz */
		   (word & 0x0fbf0fff) == 0x010f0000) { /* mrs */
		o->op = OP_WRITE;
		o->dst = reg(word, 12);
	}
	return true;
}

static void branch(uint32_t word, struct user_insn *o)
{
	int32_t offset = (int32_t)(word << 8) >> 6;

	o->flow = word & 0x01000000 ? FLOW_CALL : FLOW_JUMP;
	o->direct = true;
	o->target = (uint32_t)(o->address + 8 + (uint32_t)offset);
}

static bool unconditional(uint32_t word, struct user_insn *o)
{
	if ((word & 0x0e000000) == 0x0a000000) { /* blx: to Thumb code */
		o->flow = FLOW_CALL;
		o->direct = true;
		o->target = (uint32_t)(o->address + 8 + (uint32_t)((int32_t)(word << 8) >> 6) +
				       (word >> 23 & 2));
	}
	return (word & 0x0e000000) != 0x08000000; /* rfe, srs */
}

bool user_insn_arm(uint32_t word, struct user_insn *o)
{
	bool ok = true;

	if (word >> 28 == 15)
		return unconditional(word, o);
	if ((word & 0x0e000000) == 0x0a000000) {
		branch(word, o);
	} else if ((word & 0x0e000000) == 0x08000000) { /* ldm, stm */
		if ((word & 0x00108000) == 0x00108000)
			o->flow = FLOW_RETURN;
		else if (word & 0x00100000)
			o->op = OP_NONE;
	} else if ((word & 0x0ff000f0) == 0x07f000f0) { /* udf */
		o->flow = FLOW_STOP;
	} else if ((word & 0x0e000010) == 0x06000010) { /* media */
		o->op = OP_WRITE;
		o->dst = reg(word, 12);
	} else if ((word & 0x0c000000) == 0x04000000) {
		ok = load_store(word, o);
	} else if ((word & 0x0f900000) == 0x01000000 && (word & 0x80) == 0) {
		ok = miscellaneous(word, o);
	} else if ((word & 0x0e000090) == 0x00000090) { /* multiplies, halfwords, exclusives */
		o->op = OP_WRITE;
		o->dst = reg(word, 12);
		if ((word & 0x0fb000f0) == 0x00100090 || (word & 0x0f8000f0) == 0x00000090)
			o->dst = reg(word, 16);
		if ((word & 0x0e5f00f0) == 0x004f00d0) /* ldrd */
			literal(o, word & 0x00800000, (word >> 4 & 0xf0) | (word & 15), 8);
	} else if ((word & 0x0f100010) == 0x0e100010) { /* mrc; into the flags if it is pc */
		o->op = OP_WRITE;
		o->dst = reg(word, 12);
	} else if ((word & 0x0f3f0e00) == 0x0d1f0a00) { /* vldr */
		literal(o, word & 0x00800000, (word & 0xff) * 4, word & 0x100 ? 8 : 4);
	} else if ((word & 0x0c000000) == 0) {
		ok = data_processing(word, o);
	}
	o->conditional = word >> 28 != 14;
	o->padding = word == 0xe320f000 || word == 0xe1a00000;
	return ok;
}
