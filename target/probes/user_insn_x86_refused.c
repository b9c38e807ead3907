/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "target/probes/user_insn.h"

#if USER_INSN_X86

#include "target/probes/user_insn_x86.h"

/*
 * What the kernel takes no probe on (arch/x86/kernel/uprobes.c since Linux 4.1: is_prefix_bad,
 * uprobe_init_insn, branch_setup_xol_ops; asm/insn.h, insn_masking_exception). It goes by the first
 * byte of an opcode, which with VEX and EVEX is the one behind the prefix, in whatever map: what
 * begins with 0F is all taken.
 */
static bool bad_opcode(const ZydisDecodedInstruction *z, bool wide)
{
	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
		z->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT)
		return false;
	switch (z->opcode) {
	case 0x07: /* pop to a segment register */
	case 0x17:
	case 0x1f:
	case 0x6c ... 0x6f: /* ports */
	case 0xe4 ... 0xe7:
	case 0xec ... 0xef:
	case 0xcc ... 0xcf: /* int, iret */
	case 0xf1:
	case 0xf4: /* hlt, cli, sti */
	case 0xfa:
	case 0xfb:
		return true;
	case 0x06: /* none in 64-bit code, but for vectors */
	case 0x0e:
	case 0x16:
	case 0x1e:
	case 0x27:
	case 0x2f:
	case 0x37:
	case 0x3f:
	case 0x60 ... 0x62:
	case 0x82:
	case 0x9a:
	case 0xd4 ... 0xd6:
	case 0xea:
		return wide;
	case 0x8e: /* mov to ss: the trap of a single step would come an instruction late */
		return z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && z->raw.modrm.reg == 2;
	default:
		return false;
	}
}

/*
 * What it takes and does wrong: by that byte alone branch_setup_xol_ops and
 * arch_uprobe_analyze_insn know the jumps, calls and returns that they do in the program's place,
 * so that they skip vector instructions (a vpbroadcastb, 7A, for a jump) and move the stack or the
 * program counter for others. Seen with Linux 6.18.
 */
static bool taken_for_another(const ZydisDecodedInstruction *z)
{
	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return false;
	switch (z->opcode) {
	case 0x70 ... 0x7f: /* jcc */
	case 0x90:          /* nop */
	case 0x9a:          /* far call, popf */
	case 0x9d:
	case 0xc2: /* ret, lret */
	case 0xc3:
	case 0xca:
	case 0xcb:
	case 0xe8 ... 0xeb: /* call, jmp */
	case 0xff:
		return true;
	default:
		return false;
	}
}

static bool bad_prefix(const ZydisDecodedInstruction *z, bool jumps)
{
	uint8_t i;

	for (i = 0; i < z->raw.prefix_count; i++)
		switch (z->raw.prefixes[i].value) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0xf0:
			return true;
		case 0x66: /* of a jump or call: to 16 bits */
			if (jumps)
				return true;
			break;
		default:
			break;
		}
	return false;
}

bool user_insn_x86_refused(const ZydisDecodedInstruction *z, bool wide, bool jumps)
{
	return bad_prefix(z, jumps) || bad_opcode(z, wide) || taken_for_another(z);
}

#endif
