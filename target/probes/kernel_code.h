/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where calls of a function of the running kernel end: at its return instructions, found by reading
 * its code (user_ends.h). A probe there needs no slot, and its trap runs with interrupts off; a
 * return probe's trampoline runs with interrupts on while its CPU counts as being in a probe, so
 * that probes of what an interrupt runs in that time are passed over (kprobe_busy_begin; arm64
 * before Linux 6.10, arm).
 *
 * A function that leaves by a jump into another one keeps its return probe: its call is over when
 * the other returns.
 *
 * Kernel code is patched while it runs. Jump labels change within the function; what stands there
 * at one moment leads to the same returns as at another, or to some that nothing seems to lead to,
 * and then the function is not taken. Another tool's breakpoints hide an instruction: such a
 * function is not taken either. A function's code is taken at one moment.
 *
 * arm: A32 only; a conditional return's probe is passed over by the kernel itself when the
 * condition fails (arch/arm/probes/kprobes/core.c, insn_check_cc; opt-arm.c gives its jump the same
 * condition).
 */
#ifndef TARGET_PROBES_KERNEL_CODE_H
#define TARGET_PROBES_KERNEL_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/probes/kernel_text.h"
#include "target/probes/user_ends.h"

/* Where this is the better way: elsewhere return probes pass nothing over. */
#if defined(__aarch64__) || defined(__arm__)
#define KERNEL_CODE_READ 1
#else
#define KERNEL_CODE_READ 0
#endif

struct kernel_code;

/* arch: of the kernel; text is c's from then on. NULL: out of memory. */
struct kernel_code *kernel_code_new(struct kernel_text *text, enum user_arch arch);
/* The running kernel's, where KERNEL_CODE_READ. NULL and *err, a negative errno: it cannot be
 * read. */
struct kernel_code *kernel_code_open(
	const struct maps *maps, const struct ayp_params *params, int *err);
void kernel_code_close(struct kernel_code *c);

/* A symbol of its text, in any order; all of them before the first kernel_code_ends. */
void kernel_code_symbol(struct kernel_code *c, const char *name, uint64_t address);

/* How many ends a function may have. */
#define KERNEL_ENDS_MAX 24u

/* The ends of the function that begins there, as bytes from its begin, in place of `out`, which has
 * room for KERNEL_ENDS_MAX. Returns how many, at least 1; or 0 and *why, a static text. */
size_t kernel_code_ends(struct kernel_code *c, uint64_t address, uint32_t *out, const char **why);

#endif
