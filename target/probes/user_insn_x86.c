/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * x86 by Zydis, of which the encoding is enough: opcode, ModRM, displacement and immediate. What an
 * opcode means is Intel's manual, volume 2.
 */
#include "target/probes/user_insn.h"

#if USER_INSN_X86

#include "target/probes/user_insn_x86.h"

struct x86 {
	ZydisDecodedInstruction z;
	struct user_insn *out;
	bool wide;
};

static uint8_t modrm_reg(const struct x86 *x)
{
	return x->z.raw.modrm.reg | (x->z.raw.rex.R ? 8 : 0);
}

static uint8_t modrm_rm(const struct x86 *x)
{
	return x->z.raw.modrm.rm | (x->z.raw.rex.B ? 8 : 0);
}

static bool is_register(const struct x86 *x)
{
	return x->z.raw.modrm.mod == 3;
}

/* The memory operand: base, index, shift, disp. */
static void memory_operand(const struct x86 *x)
{
	const ZydisDecodedInstructionRaw *raw = &x->z.raw;
	struct user_insn *o = x->out;

	o->disp = raw->disp.size ? raw->disp.value : 0;
	if (raw->modrm.rm == 4) {
		uint8_t index = raw->sib.index | (raw->rex.X ? 8 : 0);

		if (index != 4)
			o->index = index;
		o->shift = raw->sib.scale;
		if (raw->sib.base != 5 || raw->modrm.mod)
			o->base = raw->sib.base | (raw->rex.B ? 8 : 0);
	} else if (raw->modrm.rm != 5 || raw->modrm.mod) {
		o->base = modrm_rm(x);
	} else if (x->wide) {
		o->disp += (int64_t)(o->address + o->length); /* RIP-relative */
	}
	if (!x->wide && o->base == USER_REG_NONE)
		o->disp &= UINT32_MAX;
}

static uint8_t word_bytes(const struct x86 *x)
{
	return x->wide && x->z.raw.rex.W ? 8 : 4;
}

static void jump(const struct x86 *x, enum user_flow flow)
{
	struct user_insn *o = x->out;

	o->flow = flow;
	o->direct = true;
	o->target = o->address + o->length + (uint64_t)x->z.raw.imm[0].value.s;
	if (!x->wide)
		o->target &= UINT32_MAX;
}

static void conditional(const struct x86 *x, uint16_t when)
{
	jump(x, FLOW_JUMP);
	x->out->conditional = true;
	x->out->when = when;
}

/* 16 conditions: 1 + the opcode's low half. */
static uint8_t flags(uint8_t opcode)
{
	return 1 + (opcode & 15);
}

static void to_register(const struct x86 *x, enum user_op op, uint8_t dst)
{
	x->out->op = op;
	x->out->dst = dst;
}

/* FF: calls and jumps through a register or memory. */
static bool group_ff(const struct x86 *x)
{
	struct user_insn *o = x->out;
	uint8_t which = x->z.raw.modrm.reg;

	if (which == 3 || which == 5 || which == 7)
		return false; /* far */
	if (which == 2)
		o->flow = FLOW_CALL;
	if (which < 2 && is_register(x))
		to_register(x, OP_WRITE, modrm_rm(x));
	if (which != 4)
		return true;
	o->flow = FLOW_INDIRECT;
	o->memory = !is_register(x);
	o->width = x->wide ? 8 : 4;
	if (o->memory)
		memory_operand(x);
	else
		o->dst = modrm_rm(x);
	return true;
}

/* An instruction that reads r/m into reg. */
static void load_or_move(const struct x86 *x, uint8_t width, bool sign)
{
	struct user_insn *o = x->out;

	to_register(x, is_register(x) ? OP_MOVE : OP_LOAD, modrm_reg(x));
	if (is_register(x)) {
		o->base = modrm_rm(x);
		return;
	}
	memory_operand(x);
	o->width = width;
	o->is_signed = sign;
}

static void add(const struct x86 *x, uint8_t dst, uint8_t src)
{
	to_register(x, OP_ADD, dst);
	x->out->base = dst;
	x->out->index = src;
}

static void lea(const struct x86 *x)
{
	struct user_insn *o = x->out;

	memory_operand(x);
	o->dst = modrm_reg(x);
	o->op = o->base == USER_REG_NONE && o->index == USER_REG_NONE ? OP_CONST
		: o->index == USER_REG_NONE                           ? OP_ADD_IMM
								      : OP_WRITE;
}

/* 80 81 83: arithmetic of r/m and an immediate. */
static void immediate_group(const struct x86 *x)
{
	struct user_insn *o = x->out;

	if (!is_register(x))
		return;
	if (x->z.raw.modrm.reg == 7) {
		o->op = OP_COMPARE;
		o->base = modrm_rm(x);
		o->disp = x->z.raw.imm[0].value.s;
	} else if (x->z.raw.modrm.reg == 0) {
		to_register(x, OP_ADD_IMM, modrm_rm(x));
		o->base = o->dst;
		o->disp = x->z.raw.imm[0].value.s;
	} else {
		to_register(x, OP_WRITE, modrm_rm(x));
	}
}

/* Opcodes that write neither register of their ModRM. */
static bool only_reads(uint8_t opcode)
{
	return opcode == 0x84 || opcode == 0x85 || (opcode >= 0x38 && opcode <= 0x3b) ||
	       (opcode >= 0xd8 && opcode <= 0xdf);
}

/* Any other instruction with a ModRM: what it may write, if that is a register. */
static void may_write(const struct x86 *x, bool first_is_rm)
{
	if (!first_is_rm)
		to_register(x, OP_WRITE, modrm_reg(x));
	else if (is_register(x))
		to_register(x, OP_WRITE, modrm_rm(x));
}

/* Opcodes below 0x40 come in eights: six forms of an operation; 0 and 1 write r/m. */
static void arithmetic(const struct x86 *x, uint8_t opcode)
{
	uint8_t form = opcode & 7;

	if (form == 3 && is_register(x) && opcode == 0x03)
		add(x, modrm_reg(x), modrm_rm(x));
	else if (form == 1 && is_register(x) && opcode == 0x01)
		add(x, modrm_rm(x), modrm_reg(x));
	else if (form < 4 && !only_reads(opcode))
		may_write(x, form < 2);
	else if (form > 3 && opcode != 0x3c && opcode != 0x3d)
		to_register(x, OP_WRITE, 0);
}

static bool one_byte(const struct x86 *x, uint8_t opcode)
{
	struct user_insn *o = x->out;
	uint8_t low = (opcode & 7) | (x->z.raw.rex.B ? 8 : 0);

	if (opcode < 0x40) {
		arithmetic(x, opcode);
		return true;
	}
	switch (opcode) {
	case 0x70 ... 0x7f:
		conditional(x, flags(opcode));
		return true;
	case 0xe0 ... 0xe3: /* loop, jecxz: by a register */
		conditional(x, USER_UNKNOWN);
		return true;
	case 0xe8:
		jump(x, FLOW_CALL);
		return true;
	case 0xe9:
	case 0xeb:
		jump(x, FLOW_JUMP);
		return true;
	case 0xc2:
	case 0xc3:
		o->flow = FLOW_RETURN;
		return true;
	case 0xcc:
	case 0xf4:
		o->flow = FLOW_STOP;
		o->padding = opcode == 0xcc;
		return true;
	case 0x9a: /* far calls, jumps and returns; interrupts' return; ports */
	case 0xca:
	case 0xcb:
	case 0xcf:
	case 0xea:
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
	case 0x6c ... 0x6f:
	case 0xfa:
	case 0xfb:
		return false;
	case 0xff:
		return group_ff(x);
	case 0x8d:
		lea(x);
		return true;
	case 0x8b:
		load_or_move(x, word_bytes(x), false);
		return true;
	case 0x63:
		if (x->wide)
			load_or_move(x, 4, true);
		return true;
	case 0x89:
		if (is_register(x)) {
			to_register(x, OP_MOVE, modrm_rm(x));
			o->base = modrm_reg(x);
		}
		return true;
	case 0x80 ... 0x83:
		immediate_group(x);
		return true;
	case 0x90:
		o->padding = true;
		return true;
	case 0x58 ... 0x5f:
	case 0x91 ... 0x97:
	case 0xb0 ... 0xbf:
		to_register(x, OP_WRITE, low);
		return true;
	case 0x98: /* cltq: of the same value */
		to_register(x, OP_MOVE, 0);
		o->base = 0;
		return true;
	default:
		break;
	}
	if ((x->z.attributes & ZYDIS_ATTRIB_HAS_MODRM) && !only_reads(opcode))
		may_write(x, opcode != 0x8a && opcode != 0x69 && opcode != 0x6b);
	return true;
}

static bool two_bytes(const struct x86 *x, uint8_t opcode)
{
	struct user_insn *o = x->out;

	switch (opcode) {
	case 0x80 ... 0x8f:
		conditional(x, flags(opcode));
		return true;
	case 0x0b: /* ud2, ud1, ud0 */
	case 0xb9:
	case 0xff:
		o->flow = FLOW_STOP;
		return true;
	case 0x07: /* sysret, sysexit, clts and others of the kernel's own */
	case 0x35:
	case 0x06:
	case 0x08:
	case 0x09:
	case 0x30:
		return false;
	case 0x1f:
		o->padding = true;
		return true;
	case 0x40 ... 0x4f: /* cmov: the old value or another of the same kind */
		return true;
	case 0xb6:
	case 0xb7:
	case 0xbe:
	case 0xbf:
		load_or_move(x, opcode & 1 ? 2 : 1, opcode >= 0xbe);
		return true;
	case 0xa2: /* cpuid, rdtsc */
	case 0x31:
		to_register(x, OP_WRITE, 0);
		return true;
	default:
		break;
	}
	if (x->z.attributes & ZYDIS_ATTRIB_HAS_MODRM && (opcode & 0xf0) >= 0xa0)
		may_write(x, (opcode & 0xf0) < 0xb0 || opcode == 0xc1);
	return true;
}

bool user_insn_x86(
	bool wide, const uint8_t *bytes, size_t n, uint64_t address, struct user_insn *out)
{
	struct x86 x = {.out = out, .wide = wide};
	ZydisDecoder d;
	bool known = true;

	if (ZYAN_FAILED(ZydisDecoderInit(&d,
		    wide ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32,
		    wide ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32)) ||
		ZYAN_FAILED(ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE)) ||
		ZYAN_FAILED(ZydisDecoderDecodeInstruction(&d, NULL, bytes, n, &x.z)))
		return false;
	out->length = x.z.length;
	/* Vectors: no general register that is jumped to, no flow. */
	if (x.z.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		known = x.z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT ? one_byte(&x, x.z.opcode)
			: x.z.opcode_map == ZYDIS_OPCODE_MAP_0F    ? two_bytes(&x, x.z.opcode)
								   : true;
	out->no_probe = user_insn_x86_refused(&x.z, wide, out->direct);
	return known;
}

#else

bool user_insn_x86(
	bool wide, const uint8_t *bytes, size_t n, uint64_t address, struct user_insn *out)
{
	return false;
}

#endif
