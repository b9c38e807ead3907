/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Indirect functions (STT_GNU_IFUNC: strcmp, memcpy, ... of libc): what the symbol points to is run
 * once per process and chooses the function for this CPU. Which one that is, is read from where
 * running processes keep it: the word that an R_*_IRELATIVE relocation of the file filled in, or
 * one by which another file in the process calls it.
 */
#ifndef TARGET_PROBES_IFUNC_H
#define TARGET_PROBES_IFUNC_H

#include "target/probes/elf_functions.h"
#include "target/probes/user_path.h"

struct ifunc {
	char *name;
	uint64_t address; /* of what chooses, as the file is linked */
	bool resolved;
	struct elf_function function; /* when resolved: the chosen one; its name is this one's */
};

struct ifuncs {
	struct ifunc *at;
	size_t n, cap;
};

/* glibc has about 100. */
#define IFUNCS_MAX 1024u

/* Note one that is to be resolved; past the most it is left out. 0 or -ENOMEM. */
int ifuncs_note(struct ifuncs *list, const struct elf_function *f);
/* Resolve what can be. Believed are this process and others of its user: who can write into the
 * memory of one could have a probe put into the middle of an instruction. */
void ifuncs_resolve(struct ifuncs *list, const struct user_path *file);
size_t ifuncs_resolved(const struct ifuncs *list);
void ifuncs_free(struct ifuncs *list);

#endif
