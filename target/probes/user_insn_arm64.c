/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A64: Arm Architecture Reference Manual (DDI 0487), C4.1. */
#include "bpf/events.h"
#include "target/probes/user_insn.h"

static int64_t sign_extend(uint64_t value, unsigned int bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);

	return (int64_t)((value & (2 * sign - 1)) ^ sign) - (int64_t)sign;
}

static uint8_t reg(uint32_t word, unsigned int at)
{
	return word >> at & 31;
}

static void direct(struct user_insn *o, enum user_flow flow, int64_t words)
{
	o->flow = flow;
	o->direct = true;
	o->target = o->address + (uint64_t)words * 4;
}

/* Branches, exceptions, system: C4.1.66. */
static bool branch(uint32_t word, struct user_insn *o)
{
	if ((word & 0x7c000000) == 0x14000000) { /* b, bl */
		direct(o, word >> 31 ? FLOW_CALL : FLOW_JUMP, sign_extend(word, 26));
	} else if ((word & 0xff000000) == 0x54000000) { /* b.cond, bc.cond */
		direct(o, FLOW_JUMP, sign_extend(word >> 5, 19));
		o->conditional = (word & 15) < 14;
		o->when = (uint16_t)(o->conditional ? AYP_WHEN_ARM64 + (word & 15) : USER_ALWAYS);
	} else if ((word & 0x7e000000) == 0x34000000) { /* cbz, cbnz */
		direct(o, FLOW_JUMP, sign_extend(word >> 5, 19));
		o->conditional = true;
		o->when = (uint16_t)(AYP_WHEN_REGISTER | AYP_WHEN_OF(word) |
				     (word >> 31 ? AYP_WHEN_WIDE : 0) |
				     (word >> 24 & 1 ? AYP_WHEN_NOT_0 : 0));
	} else if ((word & 0x7e000000) == 0x36000000) { /* tbz, tbnz */
		direct(o, FLOW_JUMP, sign_extend(word >> 5, 14));
		o->conditional = true;
		o->when = (uint16_t)(AYP_WHEN_BIT | AYP_WHEN_OF(word) |
				     AYP_WHEN_AT((word >> 26 & 32) | (word >> 19 & 31)) |
				     (word >> 24 & 1 ? AYP_WHEN_BIT_IS_1 : 0));
	} else if ((word & 0xfffffc1f) == 0xd65f0000) {
		o->flow = FLOW_RETURN;
	} else if (word == 0xd65f0bff || word == 0xd65f0fff) { /* retaa, retab */
		o->flow = FLOW_RETURN;
		o->no_probe = true; /* arch/arm64/kernel/probes/decode-insn.c */
	} else if ((word & 0xfffffc1f) == 0xd61f0000 || (word & 0xfefff800) == 0xd61f0800) {
		o->flow = FLOW_INDIRECT; /* br, braa, brab */
		o->dst = reg(word, 5);
		o->width = 8;
		o->no_probe = (word & 0x800) != 0;
	} else if ((word & 0xfffffc1f) == 0xd63f0000 || (word & 0xfefff800) == 0xd63f0800) {
		o->flow = FLOW_CALL; /* blr, blraa, blrab */
	} else if ((word & 0xfe000000) == 0xd6000000) {
		return false; /* eret and others that no program runs */
	} else if ((word & 0xffe0001f) == 0xd4200000 || (word & 0xffe0001f) == 0xd4400000) {
		o->flow = FLOW_STOP; /* brk, hlt */
	} else if ((word & 0xff000000) == 0xd4000000) {
		return (word & 0xffe0001f) == 0xd4000001; /* svc */
	} else if (word == 0xd503201f) {
		o->padding = true; /* nop */
	}
	return true;
}

/* ldr, ldrb, ldrh, ldrsw ... of general registers: C4.1.66, loads and stores. */
static void load(uint32_t word, struct user_insn *o)
{
	uint8_t size = (uint8_t)(word >> 30), opc = word >> 22 & 3;
	bool vector = word & 0x04000000;

	if ((word & 0x3b000000) == 0x18000000) { /* a literal */
		if (!vector && size == 3)
			return; /* prfm */
		o->op = vector ? OP_NONE : OP_WRITE;
		o->dst = reg(word, 0);
		o->literal = true;
		o->target = o->address + (uint64_t)sign_extend(word >> 5, 19) * 4;
		o->width = vector ? (uint8_t)(4 << size) : size == 1 ? 8 : 4;
		return;
	}
	if (vector || !opc) /* stores */
		return;
	o->op = OP_LOAD;
	o->dst = reg(word, 0);
	o->base = reg(word, 5);
	o->width = 1 << size;
	o->is_signed = opc > 1;
	if ((word & 0x3b200c00) == 0x38200800) { /* register offset */
		o->index = reg(word, 16);
		o->shift = word & 0x1000 ? size : 0;
	} else if ((word & 0x3b000000) == 0x39000000) {
		o->disp = (int64_t)(word >> 10 & 0xfff) << size;
	} else {
		o->disp = sign_extend(word >> 12, 9);
	}
}

static void add_or_move(uint32_t word, struct user_insn *o)
{
	if ((word & 0x7f800000) == 0x11000000) { /* add immediate */
		o->op = OP_ADD_IMM;
		o->base = reg(word, 5);
		o->disp = (int64_t)(word >> 10 & 0xfff) << (word & 0x400000 ? 12 : 0);
	} else if ((word & 0x7fe0fc00) == 0x0b000000 || (word & 0x7f200000) == 0x0b000000) {
		o->op = OP_ADD; /* shifted register */
		o->base = reg(word, 5);
		o->index = reg(word, 16);
		o->shift = word >> 10 & 63;
	} else if ((word & 0x7fe00000) == 0x0b200000) { /* extended register */
		o->op = OP_ADD;
		o->base = reg(word, 5);
		o->index = reg(word, 16);
		o->shift = word >> 10 & 7;
		o->is_signed = word & 0x8000;
	} else if ((word & 0x7fe0ffe0) == 0x2a0003e0) { /* mov */
		o->op = OP_MOVE;
		o->base = reg(word, 16);
	} else {
		o->op = OP_WRITE;
	}
	o->dst = reg(word, 0);
}

bool user_insn_arm64(uint32_t word, struct user_insn *o)
{
	if (!(word & 0xffff0000)) { /* udf */
		o->flow = FLOW_STOP;
		o->padding = !word;
		return true;
	}
	if ((word & 0x1c000000) == 0x14000000)
		return branch(word, o);
	if ((word & 0x1f000000) == 0x10000000) { /* adr, adrp */
		int64_t imm = sign_extend((word >> 3 & 0x1ffffc) | (word >> 29 & 3), 21);
		bool page = word >> 31;

		o->op = page ? OP_PAGE : OP_CONST;
		o->dst = reg(word, 0);
		o->disp = page ? (int64_t)(o->address & ~0xfffull) + imm * 4096
			       : (int64_t)o->address + imm;
		return true;
	}
	if ((word & 0x7f80001f) == 0x7100001f) { /* cmp immediate */
		o->op = OP_COMPARE;
		o->base = reg(word, 5);
		o->disp = (int64_t)(word >> 10 & 0xfff) << (word & 0x400000 ? 12 : 0);
		return true;
	}
	if ((word & 0x0a000000) == 0x08000000) { /* loads and stores */
		if ((word & 0x3b000000) == 0x39000000 || (word & 0x3b000000) == 0x38000000 ||
			(word & 0x3b000000) == 0x18000000) {
			load(word, o);
		} else if ((word & 0x3e400000) == 0x28400000) { /* ldp */
			o->op = OP_WRITE;
			o->dst = reg(word, 0);
		}
		return true;
	}
	if ((word & 0x1e000000) == 0x00000000)
		/* reserved, SME, SVE: none that a compiler makes a function's end of */
		return false;
	if ((word & 0x0e000000) == 0x0e000000)
		return true; /* floating point and vectors */
	add_or_move(word, o);
	return true;
}
