/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * One machine instruction as far as it says where a function ends: where control goes next, and
 * what it does to a register that may be jumped to. Bytes in, facts out: no file, no system call.
 *
 * x86 is decoded by Zydis, arm64 and arm (A32) by a few masks of our own (Arm ARM DDI 0487 C4.1,
 * DDI 0406 A5). Thumb is not read: the kernel cannot probe it.
 */
#ifndef TARGET_PROBES_USER_INSN_H
#define TARGET_PROBES_USER_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum user_arch { USER_X86_64, USER_X86_32, USER_ARM64, USER_ARM, USER_ARCHS };

enum user_flow {
	FLOW_NEXT,     /* goes on with the next instruction */
	FLOW_CALL,     /* comes back to the next one, or never; target if direct */
	FLOW_JUMP,     /* to target; if conditional else to the next */
	FLOW_RETURN,   /* to who called */
	FLOW_INDIRECT, /* to what a register (dst) or a word of memory (base, index, disp) says */
	FLOW_STOP,     /* never comes to the next: traps */
};

/* What it does to general registers, as far as anybody asks. */
enum user_op {
	OP_NONE,    /* writes none, or none that is asked for */
	OP_CONST,   /* dst = disp */
	OP_PAGE,    /* dst = disp, the upper part of an address (adrp, movw) */
	OP_ADD_IMM, /* dst = base + disp */
	OP_LOAD,    /* dst = memory[base + (index << shift) + disp], width bytes */
	OP_ADD,     /* dst = base + (index << shift) */
	OP_MOVE,    /* dst = base */
	OP_COMPARE, /* base with disp, unsigned */
	OP_WRITE,   /* dst = something else */
};

#define USER_REG_NONE 0xffu /* no base, no index */
#define USER_REG_PC   0xfeu /* the instruction's own address, where it cannot be folded into disp */

/*
 * When a jump that leaves, or a return, is taken. The kernel's programs decide by the saved
 * registers (bpf/events.h, AYP_WHEN_*), so values are theirs. On arm no value is needed: there the
 * kernel skips a probe whose instruction's condition fails (arch/arm/probes/uprobes/core.c,
 * arch_uprobe_ignore).
 */
#define USER_ALWAYS  0u      /* or by a condition that the kernel itself looks at */
#define USER_UNKNOWN 0xffffu /* by a condition that nobody can look at */

struct user_insn {
	uint64_t address;
	uint64_t target; /* valid if direct or literal */
	int64_t disp;
	uint8_t length;
	uint8_t flow; /* enum user_flow */
	uint8_t op;   /* enum user_op */
	uint8_t dst, base, index, shift, width;
	uint16_t when;    /* of FLOW_JUMP and FLOW_RETURN: USER_ALWAYS ... */
	bool conditional; /* may also go on with the next instruction */
	bool direct;      /* target is known */
	bool is_signed;   /* OP_LOAD extends the sign; OP_ADD that of the index */
	bool memory;      /* FLOW_INDIRECT through memory; width bytes */
	bool literal;     /* reads width bytes at target, data among the code */
	bool padding;     /* does nothing: between functions */
	bool no_probe; /* the kernel refuses a probe on it, or does something else in its place */
};

/* Longest instruction. */
#define USER_INSN_MAX 15u

/*
 * Decode the instruction at the start of n bytes. false: none, or one that no function of a program
 * contains (privileged, far).
 */
bool user_insn_decode(enum user_arch arch, const uint8_t *bytes, size_t n, uint64_t address,
	struct user_insn *out);

/* Can this program read code of that kind? */
bool user_insn_known(enum user_arch arch);

/* Distance between places where instructions may begin: 1 (x86) or 4. */
size_t user_insn_step(enum user_arch arch);

/* A board of another kind has no x86 programs; some build systems have no Zydis. */
#if (defined(__x86_64__) || defined(__i386__)) && __has_include(<Zydis/Decoder.h>)
#define USER_INSN_X86 1
#else
#define USER_INSN_X86 0
#endif

/* ---- between user_insn.c and the decoders ---------------------------------------------------- */

bool user_insn_x86(
	bool wide, const uint8_t *bytes, size_t n, uint64_t address, struct user_insn *out);
bool user_insn_arm64(uint32_t word, struct user_insn *out);
bool user_insn_arm(uint32_t word, struct user_insn *out);

#endif
