/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions of a program or library file. */
#ifndef TARGET_PROBES_ELF_SYMBOLS_H
#define TARGET_PROBES_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One function symbol. */
struct elf_function {
	const char *name;
	uint64_t offset;   /* of the first instruction in the file, as uprobes want it */
	uint64_t address;  /* of the same, as the file is linked; without the Thumb bit */
	uint64_t size;     /* bytes, as the symbol says; 0: it does not say (assembly) */
	uint16_t machine;  /* EM_*: e_machine of the file */
	uint8_t elf_class; /* ELFCLASS32 or ELFCLASS64 */
	uint8_t type;      /* STT_* */
	bool thumb;        /* Thumb code of a 32-bit ARM: a fact of EM_ARM symbols only */
};

/* Valid during the call only. Return 0 to go on. */
typedef int (*elf_function_fn)(void *ctx, const struct elf_function *f);

/* Every named function, of the symbol table and of the dynamic one. Returns 0, what fn returned, or
 * a negative errno
 * (-ENOEXEC: not an ELF file). */
int elf_functions_each(const char *path, elf_function_fn fn, void *ctx);

/*
 * The same by file offset: 16 bytes a function. Names are read from the file when asked for: copies
 * of all of them would be megabytes, and a mapping that is kept would be a SIGBUS when the file is
 * truncated.
 */
struct elf_symbols;
struct elf_symbols *elf_symbols_open(const char *path); /* NULL and errno */
void elf_symbols_close(struct elf_symbols *s);
size_t elf_symbols_count(const struct elf_symbols *s);
/* Name of the function at a file offset; path as for open. -ENOENT if no function has it. */
int elf_symbols_name(
	const struct elf_symbols *s, const char *path, uint64_t offset, char *name, size_t size);

#endif
