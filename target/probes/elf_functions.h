/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions of a program or library file, by name. */
#ifndef TARGET_PROBES_ELF_FUNCTIONS_H
#define TARGET_PROBES_ELF_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/probes/foreign_elf.h"

/* One function symbol. */
struct elf_function {
	/* An older version of a symbol is "NAME@VERSION"; the default one is NAME alone. */
	const char *name;
	uint64_t offset;   /* of the first instruction in the file, as uprobes want it */
	uint64_t address;  /* of the same, as the file is linked; without the Thumb bit */
	uint64_t size;     /* bytes, as the symbol says; 0: it does not say (assembly) */
	uint16_t machine;  /* EM_*: e_machine of the file */
	uint8_t elf_class; /* ELFCLASS32 or ELFCLASS64 */
	uint8_t type;      /* STT_*; STT_GNU_IFUNC: what is at the place chooses the function */
	bool thumb;        /* Thumb code of a 32-bit ARM: a fact of EM_ARM symbols only */
	bool imported;     /* it is another file's: no place here */
};

/* Valid during the call only. Return 0 to go on. */
typedef int (*elf_function_fn)(void *ctx, const struct elf_function *f);

/* What beside plain functions of this file is wanted. */
#define ELF_WANT_IFUNCS  1u
#define ELF_WANT_IMPORTS 2u

/* What the symbols came from. */
struct elf_looked {
	uint16_t machine;
	uint8_t elf_class;
	bool symtab, dynsym; /* of the file itself */
	char debug[256];     /* where else symbols were found: a path, ".gnu_debugdata"; "" */
	char debug_no[256];  /* what promised symbols and could not be used, and why; "" */
};

/*
 * Every named function of the symbol table and of the dynamic one and, where there is no symbol
 * table, of what stands in for it: the debug file of the build id, that of .gnu_debuglink, or
 * .gnu_debugdata. `looked` may be NULL. Returns 0, what fn returned, or an error of foreign_elf.h.
 */
int elf_functions_look(const char *path, unsigned int want, elf_function_fn fn, void *ctx,
	struct elf_looked *looked);
/* Plain functions only. */
int elf_functions_each(const char *path, elf_function_fn fn, void *ctx);

/* A named function symbol that has code in the file that f is, or whose debug file f is. */
bool elf_is_function(struct foreign_elf *program, const GElf_Sym *sym, uint64_t *offset);

#endif
