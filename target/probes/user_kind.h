/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a name says about how a symbol's code is entered and left. */
#ifndef TARGET_PROBES_USER_KIND_H
#define TARGET_PROBES_USER_KIND_H

#include <stdbool.h>

/* Named as a part of a function by the compiler, and entered by a jump: NAME.cold, NAME.cold.N. */
bool user_name_is_cold(const char *name);

/* NAME.part.N: a part, or, where something calls it, a function. */
bool user_name_may_be_part(const char *name);

/* Entered by a return or a jump with registers and stack that are nobody's call: signal restorers,
 * the dynamic linker's trampolines. What unwinds through a signal compares the bytes of the former
 * (libgcc, gdb), so nothing may be put there. */
bool user_name_is_trampoline(const char *name);

/* A fragment that the compiler and the C library put into every program. */
bool user_name_is_startup(const char *name);

/* Returns twice, looks at its return address or at its caller's stack, or is not called at all:
 * must not be given a return probe, which replaces the return address. */
bool user_name_keeps_return(const char *name);

#endif
