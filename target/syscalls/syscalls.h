/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * System calls by number and by name, for every way in which programs call the kernels that a board
 * of this machine's family may run: an arm64 kernel takes arm's, too, an x86-64 kernel i386's and
 * x32's. The tables come from the kernel's headers for each ABI (scripts/gen-syscalls.sh).
 */
#ifndef TARGET_SYSCALLS_SYSCALLS_H
#define TARGET_SYSCALLS_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

struct syscall_table {
	const char *prefix; /* of the names that are shown: "sys_", "ia32_sys_" */
	const char *names;  /* without the prefix, each with a NUL at its end */
	const uint16_t *at; /* by number: where in names; 0: no such call */
	uint32_t count;     /* numbers below this may have a name */
};

/* What a kernel's machine (as uname -m says it to a program of the kernel's own kind) takes, by
 * enum ayp_syscall_abi; false: it takes no such calls. A machine that is not known takes those that
 * this program was compiled with. */
bool syscalls_of(const char *machine, enum ayp_syscall_abi abi, struct syscall_table *out);

/* The number of a call by its name without prefix; -1: it has none. */
int syscalls_number(const struct syscall_table *t, const char *name);

/* Room for any shown name. */
#define SYSCALLS_NAME 64
/* What number nr is shown as: a call that the headers do not know by its number. */
void syscalls_name(const struct syscall_table *t, uint32_t nr, char *out, size_t size);

/* Would some table show this name? */
bool syscalls_known(const char *shown);

/* uname -m of the kernel, also where it says another one to a 32-bit program. */
void syscalls_machine(char *out, size_t size);
/* Is this a 32-bit program on a 64-bit kernel? out: as above. */
bool syscalls_wider_kernel(char *out, size_t size);

#endif
