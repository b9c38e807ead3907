/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Functions of a program or library file by their places in it. */
#ifndef TARGET_PROBES_ELF_SYMBOLS_H
#define TARGET_PROBES_ELF_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "target/probes/elf_functions.h"

/* In one file: 8 MiB. More is refused (-EFBIG). */
#define ELF_SYMBOLS_MAX (512u << 10)

/*
 * By file offset: 16 bytes a function. Names are read from the file when asked for: copies of all
 * of them would be megabytes.
 */
struct elf_symbols;
struct elf_symbols *elf_symbols_open(const char *path); /* NULL and errno */
void elf_symbols_close(struct elf_symbols *s);
size_t elf_symbols_count(const struct elf_symbols *s);
/* Name of the function at a file offset; path as for open. -ENOENT if no function has it. */
int elf_symbols_name(
	const struct elf_symbols *s, const char *path, uint64_t offset, char *name, size_t size);

#endif
