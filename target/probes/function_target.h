/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions somebody wants to see: the list that `latency` plans and attaches. */
#ifndef TARGET_PROBES_FUNCTION_TARGET_H
#define TARGET_PROBES_FUNCTION_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/base/config.h"
#include "target/probes/spec.h"
#include "target/probes/user_path.h"

/* Where a call of a user function ends (user_ends.h). */
struct function_end {
	uint64_t offset; /* place in the file */
	uint16_t when;   /* USER_ALWAYS, or a condition */
	bool again;      /* no end: a jump back to its first instruction */
};

struct function_target {
	char *symbol;
	char *path;        /* user function: its binary; NULL: kernel */
	const char *owner; /* the end of path that tells the file from all others; by name_owners */
	dev_t dev;         /* user function: what that file is, under whatever name */
	ino_t ino;
	uint64_t offset; /* user function: place in the file */
	/* Kernel function: where it was looked for. User function: its address as the file is
	 * linked. */
	uint64_t address;
	bool ambiguous;    /* kernel function: the name stands for others, too */
	uint64_t size;     /* user function: bytes, 0: its symbol does not say */
	uint16_t machine;  /* user function: EM_* of the file ... */
	uint8_t elf_class; /* ... and ELFCLASS* */
	uint8_t type;      /* user function: STT_* of its symbol */
	bool thumb;        /* user function: Thumb code (ARM) */
	/* User function: its ends; none and no_ends NULL: it never returns. */
	struct function_end *end;
	size_t n_ends;
	const char *no_ends; /* why its ends are not known: entries only; else NULL; static */
	bool no_probe;       /* user function: the kernel takes no probe where it begins */
	uint16_t func;       /* id */
	bool by_spec;        /* the user named it */
	bool attached;
	int err; /* of the last attempt */
};

struct function_targets {
	struct function_target *at;
	size_t n, cap;
	size_t missing; /* functions of the built-in set that this kernel does not have */
	/* Functions that were found, each name of the kernel and each place in a file once, also
	 * those beyond the most that are kept; counted up to FUNCTION_SEEN_MAX. */
	size_t n_different;
	uint64_t *seen; /* their hashes; 0: free */
	size_t seen_size;
	bool old_versions; /* a symbol is NAME@VERSION */
	struct spec_counts specs;
};

/* More would take minutes to attach and say nothing. */
#define FUNCTION_TARGETS_MAX 4096u
#define FUNCTION_SEEN_MAX    (1u << 20)

/*
 * The built-in set (where the kernel has it) and the kernel functions that specs name; each once. A
 * spec that finds nothing is said and counted (t->specs), and is no error. A negative errno after a
 * message.
 */
int function_targets_kernel(struct function_targets *t, const struct config *cfg, bool built_in);
/* The same of the user functions that specs name. */
int function_targets_user(struct function_targets *t, const struct config *cfg);
/* Add a function of the kernel unless it is there, or there are too many. 0 or -ENOMEM. */
int function_targets_add_kernel(struct function_targets *t, const char *symbol, bool by_spec);
/*
 * Add a function of a file. One place may have several names (aliases, hard links of the file); the
 * first one stands for all, but for an old version's. *added NULL: it was there, or there are too
 * many. 0 or -ENOMEM.
 */
int function_targets_add(struct function_targets *t, const char *symbol,
	const struct user_path *file, uint64_t offset, struct function_target **added);
/* Set the owners: a file's name, with as much of its path as tells it from others of that name. */
void function_targets_name_owners(struct function_targets *t);
void function_targets_free(struct function_targets *t);

#endif
