/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Between user_insn_x86.c and what knows which x86 instructions a kernel cannot probe. */
#ifndef TARGET_PROBES_USER_INSN_X86_H
#define TARGET_PROBES_USER_INSN_X86_H

#include <stdbool.h>

#include <Zydis/Decoder.h>

/*
 * Must there be no probe on it: does the kernel refuse one, or do something else in its place?
 * wide: 64-bit code; jumps: to a known place, or calls it.
 */
bool user_insn_x86_refused(const ZydisDecodedInstruction *z, bool wide, bool jumps);

#endif
