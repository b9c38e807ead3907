/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions somebody wants to see: the list that `latency` plans and attaches. */
#ifndef TARGET_PROBES_FUNCTION_TARGET_H
#define TARGET_PROBES_FUNCTION_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/config.h"

/* Where a call of a user function ends (user_ends.h). */
struct function_end {
	uint64_t offset; /* place in the file */
	uint8_t when;    /* USER_ALWAYS, or a condition */
	bool again;      /* no end: a jump back to its first instruction */
};

struct function_target {
	char *symbol;
	char *path;      /* user function: its binary; NULL: kernel */
	uint64_t offset; /* user function: place in the file */
	/* Kernel function: where it was looked for. User function: its address as the file is
	 * linked. */
	uint64_t address;
	uint64_t size;     /* user function: bytes, 0: its symbol does not say */
	uint16_t machine;  /* user function: EM_* of the file ... */
	uint8_t elf_class; /* ... and ELFCLASS* */
	uint8_t type;      /* user function: STT_* of its symbol */
	bool thumb;        /* user function: Thumb code (ARM) */
	/* User function: its ends; none and no_ends NULL: it never returns. */
	struct function_end *end;
	size_t n_ends;
	const char *no_ends; /* why its ends are not known: entries only; else NULL; static */
	uint16_t func;       /* id */
	bool by_spec;        /* the user named it */
	bool attached;
	int err; /* of the last attempt */
};

struct function_targets {
	struct function_target *at;
	size_t n, cap;
	size_t missing; /* functions of the built-in set that this kernel does not have */
};

/* More would take minutes to attach and say nothing. */
#define FUNCTION_TARGETS_MAX 4096u

/* The built-in set (where the kernel has it) and the kernel functions that specs name; each once. A
 * negative errno after a message; -ENOENT when a spec matches nothing. */
int function_targets_kernel(struct function_targets *t, const struct config *cfg, bool built_in);
/* The user functions that specs name. */
int function_targets_user(struct function_targets *t, const struct config *cfg);
void function_targets_free(struct function_targets *t);

#endif
